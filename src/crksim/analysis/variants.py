"""Other ways to build the system: how well they agree with the report's counts, and what they would answer.

Members of the ensemble stand for the posterior of the system as it is built.  The mean over them of the ratio of two
likelihoods, that of a variant over that of the base, is the ratio of how likely the counts are under the two with all
parameters integrated out; the ratios themselves are the weights with which the members stand for the variant
(importance sampling).  Weights on few members say little: how many count is told beside (Kish's effective size).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.blocks import Block
from crksim.analysis.calibration import Task, block_likelihood, evaluate_members
from crksim.analysis.comparison import Question, compare_measure
from crksim.analysis.counts import Counts
from crksim.analysis.keeping import Store
from crksim.analysis.pool import Pool
from crksim.analysis.results import ComparisonRow
from crksim.errors import InputError, Problem, nearest
from crksim.model.changes import Scenario, apply
from crksim.model.network import Label

__all__ = ["BASE", "ENOUGH", "OTHER_LUCK", "Agreement", "Alternative", "agreement", "answer", "log_likelihoods",
           "read_variants", "reweighed"]  # fmt: skip

Floats = NDArray[np.float64]

#: Members that have to count before the answer under them is worth reading.
ENOUGH = 10.0
#: The system as it is built; and the same again on other luck, which shows what luck alone can do.
BASE = "base"
OTHER_LUCK = "other_luck"

_FIELDS = ("label", "changes", "fixed", "windows", "counts", "switch")
#: Far from every key of a member.
_ELSEWHERE = 1_000_000


@dataclass(frozen=True)
class Alternative:
    """A way to build the system.

    Parameters
    ----------
    changes : mapping of str to object
        Changes of the network from its start, as in a scenario.
    fixed : mapping of str to float
        Parameters that have the same value in every member.
    windows : mapping of str to str
        Window or day of a count's measures -> the one it is taken over, or on, instead.
    counts : tuple of str
        Counts whose windows are meant.
    switch : str
        Switch of the scenario that is on, or empty.
    """

    id: str
    label: Label
    changes: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    windows: Mapping[str, str] = field(default_factory=dict)
    counts: tuple[str, ...] = ()
    switch: str = ""

    @property
    def past(self) -> bool:
        """Whether the past is another, or is counted in another way; a switch touches the what-if alone."""
        return bool(self.changes or self.fixed or self.windows)

    @property
    def structure(self) -> Scenario | None:
        """The changes as a scenario from the start; None without any."""
        return Scenario(self.id, self.label, self.label, "start", changes=self.changes) if self.changes else None

    def of(self, task: Task) -> Task:
        """Return a task of calibration built in this way."""
        counts = tuple(
            replace(count, measures=tuple(self.moved(measure) for measure in count.measures))
            if count.id in self.counts
            else count
            for count in task.counts.counts
        )
        study = task.study if self.structure is None else apply(task.study, self.structure)
        return replace(task, study=study, counts=Counts(counts, task.counts.probability))

    def moved(self, measure: str) -> str:
        """Return the output address of a count that is meant, with its window or its day moved."""
        for mark in ("@", "count_at."):
            address, at, window = measure.rpartition(mark)
            if at:
                return address + at + self.windows.get(window, window)
        return measure


@dataclass(frozen=True)
class Agreement:
    """How well counts agree with a variant, compared with the base.

    Parameters
    ----------
    log_ratio : float
        Logarithm of the mean likelihood ratio; above 0 the counts are likelier under the variant.
    error : float
        Its Monte Carlo standard error, from the spread of the ratios.
    effective : float
        Members that count.
    weights : ndarray of float, shape (members,)
        They sum to one; 0 for a member that is not possible.
    """

    log_ratio: float
    error: float
    effective: float
    weights: Floats


def read_variants(
    data: Mapping[str, Any], blocks: Collection[str], counts: Collection[str], parameters: Collection[str]
) -> tuple[str, tuple[Alternative, ...]]:
    """Read which block is asked, and the alternatives, from a plain dict.

    Parameters
    ----------
    data : mapping
        ``block``, and ``alternatives``: id -> label, and any of changes, fixed, windows with counts, switch.
    blocks, counts, parameters : collection of str
        Ids that may be named.

    Raises
    ------
    InputError
        When entries break rules; every fault is told.
    """
    problems: list[Problem] = []
    block, entries = data.get("block"), data.get("alternatives")
    if block not in blocks:
        problems.append(Problem("variants.block", block, "is none of the blocks", nearest(str(block), blocks)))
    if not isinstance(entries, Mapping):
        problems.append(Problem("variants.alternatives", entries, "must be a map of alternatives"))
        entries = {}
    known: dict[str, Collection[str]] = {"counts": counts, "fixed": parameters}
    for name, entry in entries.items():
        problems += _faults(f"variants.alternatives.{name}", entry, known)
    if problems:
        raise InputError(problems)
    return str(block), tuple(
        Alternative(
            id=str(name),
            label=Label(entry["label"]["da"], entry["label"]["en"]),
            changes=dict(entry.get("changes") or {}),
            fixed={key: float(value) for key, value in (entry.get("fixed") or {}).items()},
            windows={str(key): str(value) for key, value in (entry.get("windows") or {}).items()},
            counts=tuple(entry.get("counts") or ()),
            switch=str(entry.get("switch") or ""),
        )
        for name, entry in entries.items()
    )


def _faults(address: str, entry: Any, known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield which fields of an alternative break a rule."""
    if not isinstance(entry, Mapping):
        yield Problem(address, entry, f"must be a map of {', '.join(_FIELDS)}")
        return
    for name, value in entry.items():
        if name not in _FIELDS:
            yield Problem(f"{address}.{name}", value, "is not a field of a variant", nearest(str(name), _FIELDS))
    label = entry.get("label")
    if not (isinstance(label, Mapping) and set(label) == {"da", "en"}):
        yield Problem(f"{address}.label", label, "must be a text in both languages: {da: ..., en: ...}")
    if not any(entry.get(name) for name in ("changes", "fixed", "windows", "switch")):
        yield Problem(address, "", "must say what is different: changes, fixed, windows or switch")
    for name, ids in known.items():
        for one in entry.get(name) or ():
            if one not in ids:
                yield Problem(f"{address}.{name}", one, "is not known", nearest(str(one), ids))
    for name, value in (entry.get("fixed") or {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Problem(f"{address}.fixed.{name}", value, "must be a number without unit")
    if bool(entry.get("windows")) != bool(entry.get("counts")):
        yield Problem(f"{address}.windows", entry.get("windows"), "must stand with the counts that are meant")


def log_likelihoods(
    task: Task,
    block: Block,
    members: Sequence[Mapping[str, float]],
    pool: Pool,
    variant: Alternative | None = None,
    *,
    futures: int,
    other_luck: bool = False,
    kept: Store | None = None,
) -> Floats:
    """Return how likely the counts of a block are under every member of a variant, up to a constant.

    Parameters
    ----------
    task, block
        What was calibrated.
    members : sequence of mapping
        Values of all parameters.
    pool : Pool
        Who works.
    variant : Alternative, optional
        How the system is built; as the task has it when not given.
    futures : int
        Futures by which each likelihood is estimated.
    other_luck : bool
        Whether the luck is not that of the other calls.
    kept : Store, optional
        What is kept there is not run again, and what is run is kept there as it comes.
    """
    own = task if variant is None else variant.of(task)
    fixed = {} if variant is None else variant.fixed
    given = [{**member, **fixed} for member in members]
    first = _ELSEWHERE if other_luck else 0
    found = evaluate_members(own, block, given, pool, futures=futures, first=first, kept=kept)
    return block_likelihood(own, block)(found)


def agreement(variant: Floats, base: Floats) -> Agreement:
    """Compare how likely the counts are under the same members of a variant and of the base.

    Parameters
    ----------
    variant, base : ndarray of float, shape (members,)
        Logarithms; a member that is not possible in the base does not count.
    """
    possible = np.isfinite(base)
    logs = np.where(possible & np.isfinite(variant), variant - np.where(possible, base, 0.0), -np.inf)
    weights = np.zeros(len(logs))
    if not np.isfinite(logs).any():
        return Agreement(-np.inf, np.nan, 0.0, weights)
    top = logs.max()
    ratios = np.exp(logs - top)
    total, members = float(ratios.sum()), int(possible.sum())
    weights = ratios / total
    squares = float((weights**2).sum())
    error = float(np.sqrt(max(squares - 1.0 / members, 0.0)))
    return Agreement(float(top + np.log(total / members)), error, 1.0 / squares, weights)


def reweighed(weights: Floats) -> NDArray[np.int64]:
    """Return which members stand for the weighted ones: as many as there are, each about as often as it weighs.

    Equal weights give every member once.
    """
    marks = (np.arange(len(weights)) + 0.5) / len(weights)
    return np.minimum(np.searchsorted(np.cumsum(weights), marks), len(weights) - 1)


def answer(question: Question, reference: Floats, what_if: Floats, weights: Floats) -> ComparisonRow:
    """Return the answer to a question over weighted members.

    Parameters
    ----------
    question : Question
        What is asked.
    reference, what_if : ndarray of float, shape (members, futures)
        The same cell has the same luck.
    weights : ndarray of float, shape (members,)
        They sum to one.
    """
    chosen = reweighed(weights)
    return compare_measure(question, BASE, reference[chosen], what_if[chosen])
