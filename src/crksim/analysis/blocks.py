"""What is calibrated on which counts: exact pieces and blocks, read from plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.counts import Counts
from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import parse_date
from crksim.model.ledger import Ledger, read_ledger
from crksim.model.network import Label, Network
from crksim.model.priors import Prior, beta_below

__all__ = ["Block", "Blocks", "Exact", "ScoredPrior", "read_blocks"]

Floats = NDArray[np.float64]

#: Laws of exact pieces -> the fields they take.
_EXACT = {
    "beta": ("law", "count", "prior", "successes", "failures", "at_most"),
    "dirichlet": ("law", "count", "prior", "seen", "parameters", "at_most"),
}
_BLOCK = ("label", "cohorts", "counts", "parameters", "until", "particles", "futures")
#: The branch of a share map that is no parameter.
_REST = "rest"


@dataclass(frozen=True)
class ScoredPrior:
    """A prior whose parameter is moved as a standard normal score."""

    prior: Prior

    def values(self, scores: Floats) -> Floats:
        """Return the values (in days, per day, or without unit) at standard normal scores."""
        from scipy.special import ndtr

        return np.array([self.prior.quantile(u) for u in np.clip(ndtr(scores), 1e-12, 1.0 - 1e-12).tolist()])


@dataclass(frozen=True)
class Exact:
    """A piece whose posterior is known: shares that are drawn from their own counts.

    Parameters
    ----------
    parameters : tuple of str
        What is drawn, in the order of the branches; one for a beta law.
    weights : tuple of float
        Numbers of the posterior Beta or Dirichlet law, the rest last.
    count : str
        Count it rests on.
    at_most : float
        Largest sum of the parameters that the network takes; the law is cut off there.
    """

    parameters: tuple[str, ...]
    weights: tuple[float, ...]
    count: str
    at_most: float = 1.0

    def draw(self, uniform: Callable[[str], float]) -> dict[str, float]:
        """Return one draw, by stick-breaking: each share of what the ones before have left is a beta law."""
        found: dict[str, float] = {}
        left, room = 1.0, self.at_most
        for place, name in enumerate(self.parameters):
            a, b = self.weights[place], float(sum(self.weights[place + 1 :]))
            most = room / left if left > 0.0 else 1.0
            found[name] = left * beta_below(a, b, most, uniform(name))
            left, room = left - found[name], room - found[name]
        return found


@dataclass(frozen=True)
class Block:
    """Cohorts that are simulated alone, what is moved in them, and the counts they answer for.

    Parameters
    ----------
    cohorts, counts, parameters : tuple of str
        Ids.
    until : float
        Day up to which is simulated, days since the study's start.
    particles, futures : int
        Sizes of its own; 0 is the general one.
    """

    id: str
    label: Label
    cohorts: tuple[str, ...]
    counts: tuple[str, ...]
    parameters: tuple[str, ...]
    until: float
    particles: int = 0
    futures: int = 0


@dataclass(frozen=True)
class Blocks:
    """Exact pieces and blocks, and the prior of every parameter that a block moves."""

    exact: tuple[Exact, ...]
    blocks: tuple[Block, ...]
    priors: Mapping[str, ScoredPrior]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Everything that is calibrated."""
        exact = tuple(name for piece in self.exact for name in piece.parameters)
        return exact + tuple(name for block in self.blocks for name in block.parameters)

    def draw_exact(self, uniform: Callable[[str], float]) -> dict[str, float]:
        """Return one draw of all exact pieces."""
        return {name: value for piece in self.exact for name, value in piece.draw(uniform).items()}


def read_blocks(data: Mapping[str, Any], network: Network, start: str, counts: Counts, ledger: Ledger) -> Blocks:
    """Read what is calibrated from a plain dict.

    Parameters
    ----------
    data : mapping
        ``exact``, ``blocks`` and ``before`` (a ledger of priors that take the place of the ledger's own).
    network : Network
        Whose parameters and cohorts are named.
    start : str
        ISO date of day 0.
    counts : Counts
        The counts that are named.
    ledger : Ledger
        Priors of what ``before`` does not name.

    Raises
    ------
    InputError
        When entries break rules; every fault is told.
    """
    before = read_ledger(data.get("before") or {})
    known: dict[str, dict[str, Any]] = {
        "parameters": {it.id: it for it in network.parameters},
        "cohorts": {it.id: it for it in network.cohorts},
        "counts": {it.id: it for it in counts.counts},
    }
    problems: list[Problem] = []
    exact = [
        _exact(str(name), entry)
        for name, entry in (data.get("exact") or {}).items()
        if not _noted(problems, _exact_faults(str(name), entry, known))
    ]
    blocks = [
        _block(str(name), entry, start)
        for name, entry in (data.get("blocks") or {}).items()
        if not _noted(problems, _block_faults(str(name), entry, start, known))
    ]
    seen: dict[str, str] = {}
    placed = [("exact", it.parameters) for it in exact] + [(f"blocks.{it.id}", it.parameters) for it in blocks]
    for where, names in placed:
        for name in names:
            if name in seen:
                problems.append(Problem(f"{where}.{name}", name, f"is calibrated in {seen[name]} already"))
            seen[name] = where
    priors = {}
    for name in (name for block in blocks for name in block.parameters):
        address = f"parameters.{name}"
        evidence = before.entry(address) or ledger.entry(address)
        prior = evidence.prior(known["parameters"][name].value.factor) if evidence else None
        if prior is None or prior.law == "fixed":
            problems.append(Problem(address, name, "has no law to draw it from, in 'before' or in the ledger"))
        else:
            priors[name] = ScoredPrior(prior)
    if problems:
        raise InputError(problems)
    return Blocks(tuple(exact), tuple(blocks), priors)


def _noted(problems: list[Problem], faults: Iterator[Problem]) -> bool:
    """Add faults to the problems; say whether there were any."""
    found = list(faults)
    problems += found
    return bool(found)


def _exact_faults(name: str, entry: Any, known: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    address = f"exact.{name}"
    law = entry.get("law") if isinstance(entry, Mapping) else None
    if law not in _EXACT:
        yield Problem(f"{address}.law", law, f"must be one of {', '.join(_EXACT)}", nearest(str(law), _EXACT))
        return
    for field in entry:
        if field not in _EXACT[law]:
            yield Problem(f"{address}.{field}", entry[field], "is not a field of it", nearest(str(field), _EXACT[law]))
    numbers = [*entry.get("prior", ()), *entry.get("seen", (entry.get("successes"), entry.get("failures")))]
    if not all(isinstance(number, int | float) and number >= 0 for number in numbers):
        yield Problem(address, numbers, "must have numbers of at least 0 as prior and as what was seen")
    names = entry.get("parameters", [name])
    if len(numbers) != 2 * (len(names) if law == "dirichlet" else 2):
        yield Problem(f"{address}.prior", entry.get("prior"), "must have a number for each share")
    yield from _unknown(address, "parameters", [one for one in names if one != _REST], known)
    yield from _unknown(address, "counts", [entry.get("count")], known)


def _exact(name: str, entry: Mapping[str, Any]) -> Exact:
    seen = entry.get("seen") or (entry["successes"], entry["failures"])
    weights = tuple(float(a + b) for a, b in zip(entry["prior"], seen, strict=True))
    names = tuple(one for one in entry.get("parameters", [name]) if one != _REST)
    return Exact(names, weights, entry["count"], float(entry.get("at_most", 1.0)))


def _block_faults(name: str, entry: Any, start: str, known: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    address = f"blocks.{name}"
    if not isinstance(entry, Mapping):
        yield Problem(address, entry, f"must be a map of {', '.join(_BLOCK)}")
        return
    for field, value in entry.items():
        if field not in _BLOCK:
            yield Problem(f"{address}.{field}", value, "is not a field of a block", nearest(str(field), _BLOCK))
    label = entry.get("label")
    if not (isinstance(label, Mapping) and set(label) == {"da", "en"}):
        yield Problem(f"{address}.label", label, "must be a text in both languages: {da: ..., en: ...}")
    for kind in ("cohorts", "counts", "parameters"):
        names = entry.get(kind)
        if not (isinstance(names, list) and names):
            yield Problem(f"{address}.{kind}", names, "must be a list of ids")
        else:
            yield from _unknown(address, kind, names, known)
    try:
        parse_date(entry.get("until"), start)
    except ValueError as fault:
        yield Problem(f"{address}.until", entry.get("until"), str(fault))


def _unknown(address: str, kind: str, names: list[Any], known: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    for name in names:
        if name not in known[kind]:
            yield Problem(f"{address}.{kind}", name, f"is none of the {kind}", nearest(str(name), known[kind]))


def _block(name: str, entry: Mapping[str, Any], start: str) -> Block:
    return Block(
        id=name,
        label=Label(entry["label"]["da"], entry["label"]["en"]),
        cohorts=tuple(entry["cohorts"]),
        counts=tuple(entry["counts"]),
        parameters=tuple(entry["parameters"]),
        until=parse_date(entry["until"], start),
        particles=int(entry.get("particles", 0)),
        futures=int(entry.get("futures", 0)),
    )
