"""The independent counts of the report, and what each says of a simulated number: its likelihood.

A likelihood takes what the model gives in a few futures of one version.  What it needs (an expected number, shares) is
estimated from these futures, and a spread from the futures of all versions together.  Estimates from F futures add an
F-th of the variance of a future; raising a likelihood to F / (F - 1) takes it off again to second order, so that the
likelihood, averaged over the luck of the futures, is as wide as with futures without end.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import parse_quantity

__all__ = ["LAWS", "REST", "Count", "Counts", "Panjer", "law_of_numbers", "log_likelihood", "read_counts"]

Floats = NDArray[np.float64]

#: Law -> how many numbers it takes; None is two or more.
LAWS: dict[str, int | None] = {
    "count": 1,
    "count_range": 2,
    "binomial": 2,
    "multinomial": None,
    "mean_range": 2,
    "share": 1,
    "nobody": 1,
    "typed": 1,
}
#: Before a measure of a whole: what is left of it when the parts before are taken off.
REST = "rest of "

_FIELDS = ("law", "reported", "measures", "kind", "extra", "given", "rounded", "note")
#: Dispersions below this are not told from it.
_LEAST_DISPERSION = 0.3


@dataclass(frozen=True)
class Count:
    """One independent count of the report.

    Parameters
    ----------
    id : str
        Id of the target.
    law : str
        One of `LAWS`.
    reported : tuple of float
        The report's numbers, in the unit of the measures.
    measures : tuple of str
        Output addresses of the simulated numbers, each with its window.
    kind : str
        ``flow`` or ``stock``.
    extra : float
        By what the variance is larger than the law's, where the report's definition is vague.
    given : str
        Count about whose people this says more, so that it is none of its own; or empty.
    rounded : float
        Width of what the report rounds to one number; 0 where it does not.
    """

    id: str
    law: str
    reported: tuple[float, ...]
    measures: tuple[str, ...] = ()
    kind: str = "flow"
    extra: float = 1.0
    given: str = ""
    rounded: float = 0.0

    @property
    def addresses(self) -> tuple[str, ...]:
        """The measures as they can be asked, without the words before them."""
        return tuple(measure.removeprefix(REST) for measure in self.measures)


@dataclass(frozen=True)
class Counts:
    """All of them, and how surprising the predicted ones may be."""

    counts: tuple[Count, ...]
    probability: float

    def __getitem__(self, name: str) -> Count:
        return next(count for count in self.counts if count.id == name)


def read_counts(data: Mapping[str, Any], targets: Collection[str] | None = None) -> Counts:
    """Read the counts from a plain dict.

    Parameters
    ----------
    data : mapping
        ``gate: {probability}`` and ``counts: {id: {law, reported, measures?, kind, extra?, given?, rounded?, note?}}``.
    targets : collection of str, optional
        Ids of the targets.

    Raises
    ------
    InputError
        When entries break rules; every fault of every entry is told.
    """
    entries = data.get("counts")
    if not isinstance(entries, Mapping):
        raise InputError([Problem("counts", entries, "must be a map of counts")])
    problems: list[Problem] = []
    gate = data.get("gate")
    probability = gate.get("probability") if isinstance(gate, Mapping) else None
    if not (isinstance(probability, float) and 0.0 < probability < 1.0):
        problems.append(Problem("gate.probability", probability, "must be a number between 0 and 1"))
        probability = 0.05
    found = []
    for name, entry in entries.items():
        faults = _faults(f"counts.{name}", entry, entries)
        if targets is not None and name not in targets:
            faults.append(Problem(f"counts.{name}", name, "is not a target", nearest(str(name), targets)))
        problems += faults
        if not faults:
            found.append(_count(str(name), entry))
    if problems:
        raise InputError(problems)
    return Counts(tuple(found), probability)


def _faults(address: str, entry: Any, known: Collection[str]) -> list[Problem]:
    """Return which fields of a count break a rule."""
    if not isinstance(entry, Mapping):
        return [Problem(address, entry, "must be a map of 'law', 'reported', 'measures' ...")]
    faults = [
        Problem(f"{address}.{name}", value, "is not a field of a count", nearest(str(name), _FIELDS))
        for name, value in entry.items()
        if name not in _FIELDS
    ]
    law, kind, given = entry.get("law"), entry.get("kind"), entry.get("given")
    if law not in LAWS:
        return [*faults, Problem(f"{address}.law", law, f"must be one of {', '.join(LAWS)}", nearest(str(law), LAWS))]
    if kind not in ("flow", "stock"):
        faults.append(
            Problem(f"{address}.kind", kind, "must be one of flow, stock", nearest(str(kind), ("flow", "stock")))
        )
    if given is not None and given not in known:
        faults.append(Problem(f"{address}.given", given, "must be a count of this table", nearest(str(given), known)))
    for name in ("extra", "rounded"):
        value = entry.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0.0):
            faults.append(Problem(f"{address}.{name}", value, "must be a number above 0"))
    try:
        size = len(_numbers(entry.get("reported")))
        if size != LAWS[law] and not (LAWS[law] is None and size >= 2):
            rule = f"must be {LAWS[law]}" if LAWS[law] else "must be two or more"
            faults.append(Problem(f"{address}.reported", entry.get("reported"), f"{rule} with the law '{law}'"))
    except ValueError as fault:
        faults.append(Problem(f"{address}.reported", entry.get("reported"), str(fault)))
    measures = entry.get("measures", [])
    if not (isinstance(measures, list) and all(isinstance(one, str) for one in measures)):
        faults.append(Problem(f"{address}.measures", measures, "must be a list of output addresses"))
    elif not measures and law != "typed":
        faults.append(Problem(f"{address}.measures", measures, f"must be given with the law '{law}'"))
    return faults


def _numbers(reported: Any) -> tuple[float, ...]:
    return tuple(parse_quantity(number)[0] for number in (reported if isinstance(reported, list) else [reported]))


def _count(name: str, entry: Mapping[str, Any]) -> Count:
    return Count(
        id=name,
        law=entry["law"],
        reported=_numbers(entry["reported"]),
        measures=tuple(entry.get("measures", ())),
        kind=entry["kind"],
        extra=float(entry.get("extra", 1.0)),
        given=str(entry.get("given", "")),
        rounded=float(entry.get("rounded", 0.0)),
    )


# --- likelihoods ---------------------------------------------------------------------------------------------------


def log_likelihood(count: Count, simulated: Floats) -> Floats:
    """Return how likely the report's number is under each of some versions of the model.

    Parameters
    ----------
    count : Count
        With one of the laws ``count``, ``count_range``, ``binomial``, ``multinomial`` and ``mean_range``.
    simulated : ndarray of float, shape (versions, futures, measures)
        What the model gives; at least two futures.

    Returns
    -------
    ndarray of float, shape (versions,)
        Logarithms, up to a constant.
    """
    futures = simulated.shape[1]
    if count.law in ("count", "count_range"):
        found = _of_numbers(count, simulated[:, :, 0])
    elif count.law == "mean_range":
        found = _of_means(count, simulated[:, :, 0])
    else:
        found = _of_parts(count, _parts(count, simulated))
    return np.asarray(found * (futures / (futures - 1.0)))


@dataclass(frozen=True)
class Panjer:
    """The law of Panjer's class that has an expected number and a dispersion.

    Poisson, binomial or negative binomial (Panjer 1981, ASTIN Bulletin 12:22-26).

    Parameters
    ----------
    expected : ndarray of float, shape (versions,)
        Expected number of each version.
    dispersion : float
        Variance over expected number.
    """

    expected: Floats
    dispersion: float

    def log(self, y: float) -> Floats:
        """Return the logarithm of the chance of `y`, shape (versions,)."""
        from scipy.special import gammaln, xlogy

        expected, dispersion = self.expected, self.dispersion
        if abs(dispersion - 1.0) < 0.01:
            return np.asarray(xlogy(y, expected) - expected - gammaln(y + 1.0))
        if dispersion > 1.0:
            shape = expected / (dispersion - 1.0)
            found = gammaln(y + shape) - gammaln(shape) - gammaln(y + 1.0)
            return np.asarray(found - shape * math.log(dispersion) + y * math.log1p(-1.0 / dispersion))
        trials = expected / (1.0 - dispersion)
        left = trials - y
        inside = np.where(left > 0.0, left, 1.0)
        found = gammaln(trials + 1.0) - gammaln(y + 1.0) - gammaln(inside + 1.0)
        found = found + y * math.log(1.0 - dispersion) + inside * math.log(dispersion)
        # More people than such a binomial law can give: as far out as it goes, and falling.
        return np.where(left > 0.0, found, -1e3 + left)

    def below(self, y: float) -> Floats:
        """Return the chance of at most `y`, shape (versions,)."""
        from scipy.special import betainc, gammaincc

        expected, dispersion = self.expected, self.dispersion
        if y < 0.0:
            return np.zeros(len(expected))
        if abs(dispersion - 1.0) < 0.01:
            return np.asarray(gammaincc(y + 1.0, expected))
        if dispersion > 1.0:
            return np.asarray(betainc(expected / (dispersion - 1.0), y + 1.0, 1.0 / dispersion))
        left = expected / (1.0 - dispersion) - y
        return np.where(left > 0.0, betainc(np.where(left > 0.0, left, 1.0), y + 1.0, dispersion), 1.0)


def law_of_numbers(count: Count, simulated: Floats) -> Panjer:
    """Return the law of a number of people: expected number of each version, and the dispersion of the replay.

    Parameters
    ----------
    count : Count
        With the law ``count`` or ``count_range``.
    simulated : ndarray of float, shape (versions, futures)
        What the model gives.
    """
    futures = simulated.shape[1]
    expected = (simulated.sum(axis=1) + 0.5) / futures
    spread = ((simulated - simulated.mean(axis=1, keepdims=True)) ** 2).sum() / (futures - 1.0)
    return Panjer(expected, max(spread / max(simulated.mean(axis=1).sum(), 1e-9), _LEAST_DISPERSION) * count.extra)


def _of_numbers(count: Count, simulated: Floats) -> Floats:
    """Return the likelihood of a number of people."""
    law = law_of_numbers(count, simulated)
    low, high = count.reported[0], count.reported[-1]
    return np.asarray(np.logaddexp.reduce([law.log(y) for y in np.arange(low, high + 0.5)], axis=0))


def _of_means(count: Count, simulated: Floats) -> Floats:
    """Return the likelihood of a rounded mean: the chance that a future's mean lies between the ends."""
    from scipy.special import log_ndtr

    defined = np.isfinite(simulated)
    futures = np.maximum(defined.sum(axis=1), 1)
    filled = np.where(defined, simulated, 0.0)
    mean = filled.sum(axis=1) / futures
    squares = (np.where(defined, filled - mean[:, None], 0.0) ** 2).sum()
    spread = math.sqrt(max(squares / max(int((futures - 1).sum()), 1), 1e-12) * count.extra)
    low, high = ((end - mean) / spread for end in count.reported)
    flip = low > 0.0  # both ends on the side where logarithms of the normal law are exact
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    above, below = log_ndtr(high), log_ndtr(low)
    found = above + np.log1p(-np.exp(np.minimum(below - above, -1e-12)))
    return np.where(defined.any(axis=1), found, -np.inf)


def _parts(count: Count, simulated: Floats) -> Floats:
    """Return how often each part came up, over the futures; shape (versions, parts)."""
    sums = simulated.sum(axis=1)
    if count.law == "binomial":
        return np.stack((sums[:, 0], np.maximum(sums[:, 1] - sums[:, 0], 0.0)), axis=1)
    if count.measures[-1].startswith(REST):
        sums[:, -1] = np.maximum(sums[:, -1] - sums[:, :-1].sum(axis=1), 0.0)
    return np.asarray(sums)


def _of_parts(count: Count, parts: Floats) -> Floats:
    """Return the likelihood of so many of so many; shares are those of the futures together, half a time more each."""
    from scipy.special import gammaln

    reported = np.array(count.reported)
    if count.law == "binomial":
        reported = np.array([reported[0], reported[1] - reported[0]])
    shares = (parts + 0.5) / (parts + 0.5).sum(axis=1, keepdims=True)
    whole = float(reported.sum())
    if count.extra == 1.0 or whole <= 1.0:
        return np.asarray((reported * np.log(shares)).sum(axis=1))
    # Dirichlet-multinomial with the variance `extra` times the multinomial's (Mosimann 1962, Biometrika 49:65-82).
    size = max((whole - count.extra) / (count.extra - 1.0), 1e-3)
    weights = size * shares
    found = gammaln(reported + weights).sum(axis=1) - gammaln(weights).sum(axis=1)
    return np.asarray(found)
