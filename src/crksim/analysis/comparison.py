"""What-if beside reference, future by future on the same luck: differences, likely ranges, verdicts.

Every member of the ensemble is a version of the system that fits what is known; every future is one course of luck
under it.  Both worlds of a pair have the same citizens and the same luck.  `docs/statistics.md` has the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.results import VERDICTS, ComparisonRow, World
from crksim.errors import InputError, Problem, nearest
from crksim.model.network import Label

__all__ = [
    "PROBABILITY",
    "Effects",
    "Question",
    "compare",
    "compare_measure",
    "effects",
    "likely_range",
    "likely_ranges",
]

Floats = NDArray[np.float64]

#: The one level of probability everywhere: 9 in 10.
PROBABILITY = 0.9

MAKES_A_DIFFERENCE, NO_DIFFERENCE, UNDECIDED, NO_ANSWER = VERDICTS

#: Relative slack for "at least the smallest worthwhile difference", so that rounding does not decide.
_SLACK = 1e-9


@dataclass(frozen=True)
class Question:
    """One measure that is asked about.

    Parameters
    ----------
    measure : str
        Output address.
    kind : str
        Kind of measure: stock, flow, duration, share ...
    worthwhile : float
        Smallest worthwhile difference, in the measure's unit, above 0.
    decides : bool
        Whether the row stands on screen.
    answerable : bool
        False where the scenario says that the model cannot answer.
    good : str
        Which direction is good: ``up``, ``down`` or ``none``.
    """

    measure: str
    label: Label
    unit: Label
    kind: str
    worthwhile: float
    decides: bool = False
    answerable: bool = True
    good: str = "none"


@dataclass(frozen=True)
class Effects:
    """What paired differences say: the expected difference of every member, and what is luck.

    Parameters
    ----------
    mean : float
        Mean over all futures in which the difference is defined.
    members : ndarray of float, shape (members with a defined difference,)
        Expected differences, luck taken out.
    luck, ignorance : float
        The variance of a single future's difference, split: between futures of one member, between members.
    error : float
        Monte Carlo standard error of `mean`: what more runs would narrow.
    """

    mean: float
    members: Floats
    luck: float
    ignorance: float
    error: float

    @property
    def luck_share(self) -> float:
        """Share of luck in the variance; 0 when nothing varies, NaN when nothing is defined."""
        total = self.luck + self.ignorance
        return 0.0 if total == 0.0 else self.luck / total


def effects(differences: Floats) -> Effects:
    """Tell luck from ignorance in paired differences, and take the luck out.

    One-way random-effects analysis of variance with members as classes; ANOVA estimators for unequal numbers of
    futures (Searle, Casella & McCulloch 1992, Variance Components, section 3.6), a negative component counts as 0.
    Member means are drawn towards the grand mean by the root of the part of their variance that is not luck.

    Parameters
    ----------
    differences : ndarray of float, shape (members, futures)
        What-if minus reference; NaN where it is not defined.  With one future per member all variance counts as
        ignorance.
    """
    defined = np.isfinite(differences)
    defined, differences = defined[defined.any(axis=1)], differences[defined.any(axis=1)]
    if not defined.size:
        nan = float("nan")
        return Effects(nan, np.empty(0), nan, nan, nan)
    filled = np.where(defined, differences, 0.0)
    futures = defined.sum(axis=1).astype(np.float64)
    members, runs = len(futures), float(futures.sum())
    means = filled.sum(axis=1) / futures
    grand = float(filled.sum() / runs)
    within = float((np.where(defined, filled - means[:, None], 0.0) ** 2).sum())
    luck = within / (runs - members) if runs > members else 0.0
    if members == 1:
        return Effects(grand, means, luck, 0.0, float(np.sqrt(luck / runs)))
    mean_square = float((futures * (means - grand) ** 2).sum()) / (members - 1)
    typical = (runs - float((futures**2).sum()) / runs) / (members - 1)
    ignorance = max(0.0, (mean_square - luck) / typical)
    error = float(np.sqrt(((futures / runs) ** 2 * (ignorance + luck / futures)).sum()))
    kept = _kept(luck / mean_square, members, int(runs) - members) if mean_square > 0.0 else 1.0
    return Effects(grand, grand + float(np.sqrt(kept)) * (means - grand), luck, ignorance, error)


def _kept(ratio: float, members: int, residual: int) -> float:
    """Return the part of the variance of member means that stays when luck is taken out.

    Were the ratio of mean squares exact, it would be ``1 - ratio + 1 / members``: the ignorance, and the Monte Carlo
    error of the grand mean, without which a handful of runs would pass for certainty.  The ratio is itself estimated;
    its fiducial law is ``ratio`` times an F variate, and the part is chosen so that the range covers 9 in 10 over it.

    Parameters
    ----------
    ratio : float
        Mean square within members over that between them.
    members, residual : int
        Number of members, and degrees of freedom within them.
    """
    from scipy.special import ndtr, ndtri

    parts = np.maximum(0.0, 1.0 - ratio * _f_quantiles(members - 1, residual)) + 1.0 / members
    reach = ndtri(0.5 + PROBABILITY / 2.0)
    small, large = 0.0, 1.0
    for _ in range(50):
        middle = 0.5 * (small + large)
        covered = float((2.0 * ndtr(reach * np.sqrt(middle / parts)) - 1.0).mean())
        small, large = (middle, large) if covered < PROBABILITY else (small, middle)
    return large


@lru_cache(maxsize=64)
def _f_quantiles(between: int, residual: int) -> Floats:
    """Return 99 equally likely values of the F law; without residual degrees of freedom there is no luck to see."""
    from scipy.special import fdtri

    if residual == 0:
        return np.zeros(99)
    return np.asarray(fdtri(between, residual, (np.arange(99) + 0.5) / 99))


def likely_range(values: Floats, *, outward: bool = False) -> tuple[float, float]:
    """Return the range that 9 in 10 of the population of `values` fall into.

    The quantiles at 5 and 95 % by rank (p (n + 1); Hyndman & Fan 1996, definition 6), whose expected coverage is
    exactly 9 in 10 for any n from 19 on; of fewer values, the smallest and the largest.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        NaN in both places for fewer than two values.
    outward : bool
        Whether each end is moved outward to the next of the values, as counts need; else it lies between two of them.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    tail = (1.0 - PROBABILITY) / 2.0
    low, high = (float(end) for end in np.quantile(values, [tail, 1.0 - tail], method="weibull"))
    if outward:
        return float(values[values <= low].max()), float(values[values >= high].min())
    return low, high


def likely_ranges(values: Floats) -> tuple[Floats, Floats]:
    """Return `likely_range` of every column of `values`, shape (n, columns): the lower ends and the upper ends."""
    if len(values) < 2:
        nothing = np.full(values.shape[1], np.nan)
        return nothing, nothing
    tail = (1.0 - PROBABILITY) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail], axis=0, method="weibull")
    return low, high


def compare(
    worlds: Sequence[World], measures: Sequence[str], questions: Sequence[Question]
) -> tuple[ComparisonRow, ...]:
    """Compare the last world with each of those before it.

    Parameters
    ----------
    worlds : sequence of World
        References, then the what-if.
    measures : sequence of str
        Output addresses, the third axis of every world's values.
    questions : sequence of Question
        What is asked, in the order of the rows.

    Returns
    -------
    tuple of ComparisonRow
        All questions against the first reference, then against the next.

    Raises
    ------
    InputError
        When a question's measure was not measured, or its smallest worthwhile difference is not above 0.
    """
    columns = {measure: column for column, measure in enumerate(measures)}
    problems = [
        Problem(question.measure, question.measure, "was not measured", nearest(question.measure, columns))
        for question in questions
        if question.measure not in columns
    ]
    problems += [
        Problem(f"worthwhile.{question.measure}", question.worthwhile, "must be above 0")
        for question in questions
        if not 0.0 < question.worthwhile < float("inf")
    ]
    if problems:
        raise InputError(problems)
    what_if = worlds[-1]
    return tuple(
        compare_measure(
            question,
            reference.id,
            reference.values[:, :, columns[question.measure]],
            what_if.values[:, :, columns[question.measure]],
        )
        for reference in worlds[:-1]
        for question in questions
    )


def compare_measure(question: Question, against: str, reference: Floats, what_if: Floats) -> ComparisonRow:
    """Compare one measure of two worlds.

    Parameters
    ----------
    question : Question
        What is asked.
    against : str
        World id of the reference.
    reference, what_if : ndarray of float, shape (members, futures)
        The same cell has the same luck; NaN where the measure is not defined.
    """
    differences = what_if - reference
    paired = np.isfinite(differences)
    effect = effects(differences)
    low, high = likely_range(effect.members)
    single = differences[paired]
    year_low, year_high = likely_range(single)
    enough = question.worthwhile * (1.0 - _SLACK)
    better, worse = _share(single >= enough), _share(single <= -enough)
    leaning = effect.members if effect.mean >= 0.0 else -effect.members
    chance = _share(leaning >= enough) if len(effect.members) > 1 else float("nan")
    small = _share(np.abs(effect.members) < enough) if len(effect.members) > 1 else float("nan")
    return ComparisonRow(
        measure=question.measure,
        label=question.label,
        unit=question.unit,
        kind=question.kind,
        against=against,
        reference=_mean(reference, paired),
        what_if=_mean(what_if, paired),
        difference=effect.mean,
        low=low,
        high=high,
        year_low=year_low,
        year_high=year_high,
        worthwhile=question.worthwhile,
        chance=chance,
        better=better,
        same=_share(np.abs(single) < enough),
        worse=worse,
        luck_share=effect.luck_share,
        verdict=_verdict(question.answerable and float(paired.mean()) >= PROBABILITY, chance, small),
        decides=question.decides,
        error=effect.error,
        good=question.good,
    )


def _verdict(answerable: bool, chance: float, small: float) -> str:
    """Choose one of the four verdicts.

    Parameters
    ----------
    answerable : bool
        Whether the model can say anything: it was not ruled out, and the difference is defined in 9 of 10 futures.
    chance, small : float
        Shares of members with an expected difference of at least, and of less than, the smallest worthwhile one.
    """
    if not answerable:
        return NO_ANSWER
    if chance >= PROBABILITY:
        return MAKES_A_DIFFERENCE
    return NO_DIFFERENCE if small >= PROBABILITY else UNDECIDED


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else float("nan")


def _mean(values: Floats, paired: NDArray[np.bool_]) -> float:
    """Return the mean over the pairs, or over whatever is defined when there is no pair."""
    used = values[paired if paired.any() else np.isfinite(values)]
    return float(used.mean()) if used.size else float("nan")
