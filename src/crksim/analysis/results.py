"""What a run of a what-if hands on: plain values that files, figures and pages are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.replay import Check, NotReplayed, ReplayRow
from crksim.model.network import Label

__all__ = [
    "VERDICTS",
    "AttributionRow",
    "ComparisonRow",
    "CostRow",
    "Count",
    "Look",
    "Precision",
    "Reading",
    "Result",
    "SeriesRow",
    "World",
]

#: The only four answers; one level of probability (9 in 10) everywhere.
VERDICTS = ("makes_a_difference", "no_difference_that_matters", "cannot_be_decided", "model_cannot_answer")


@dataclass(frozen=True)
class World:
    """One simulated world: a reference or the what-if.

    Parameters
    ----------
    id : str
        ``what_if`` or the reference's id (``without``, ``decided``).
    scenario : str
        Name of the scenario it runs.
    values : ndarray of float, shape (members, futures, measures)
        NaN where a measure is not defined (no one waited, say).
    """

    id: str
    scenario: str
    label: Label
    values: NDArray[np.float64]


@dataclass(frozen=True)
class ComparisonRow:
    """One measure of the what-if against one reference, citizen by citizen the same imagined citizens.

    Parameters
    ----------
    measure : str
        Output address.
    against : str
        World id of the reference.
    reference, what_if, difference : float
        Means over members and futures.
    low, high : float
        Likely range (9 in 10) of the expected difference, over members, luck taken out.
    year_low, year_high : float
        The same for what a single future would show.
    worthwhile : float
        Smallest worthwhile difference, in the measure's unit.
    chance : float
        Chance that the expected difference is at least the smallest worthwhile one, in the direction it leans.
    better, same, worse : float
        Shares of single futures with a difference above, within, below the smallest worthwhile one.
    luck_share : float
        Share of the variance of a single future's difference that is luck (the rest is what is not known).
    verdict : str
        One of `VERDICTS`.
    decides : bool
        Whether it is one of the five rows on screen.
    error : float
        Monte Carlo standard error of `difference`: what more runs would narrow.
    good : str
        Which direction is good: ``up``, ``down`` or ``none``.
    prior_difference, prior_low, prior_high : float
        Mean and likely range before the report's counts were looked at; NaN where this was not run.
    """

    measure: str
    label: Label
    unit: Label
    kind: str
    against: str
    reference: float
    what_if: float
    difference: float
    low: float
    high: float
    year_low: float
    year_high: float
    worthwhile: float
    chance: float
    better: float
    same: float
    worse: float
    luck_share: float
    verdict: str
    decides: bool
    error: float = 0.0
    good: str = "none"
    prior_difference: float = float("nan")
    prior_low: float = float("nan")
    prior_high: float = float("nan")


@dataclass(frozen=True)
class Count:
    """Something that anybody can count from the day of the change on, measured beside what is asked.

    Parameters
    ----------
    measure : str
        Output address, with its window or date.
    label : Label
        Without the window.
    months : int
        How long after the change, or for how long.
    good : str
        Which direction is good: ``up``, ``down`` or ``none``.
    followed : bool
        Whether it is one of the counts by which the change is followed; the others are candidates for recording.
    """

    measure: str
    label: Label
    unit: Label
    kind: str
    months: int
    good: str = "none"
    followed: bool = False


@dataclass(frozen=True)
class Reading:
    """What the system, built in another way that the report leaves open, would answer to a what-if's first question.

    Parameters
    ----------
    label : Label
        How it is built.
    measure : str
        Output address.
    difference, low, high : float
        Expected difference and its likely range, as in a `ComparisonRow`.
    base : float
        Expected difference of the system as it is built, over the same members.
    """

    label: Label
    measure: str
    difference: float
    low: float
    high: float
    base: float


@dataclass(frozen=True)
class SeriesRow:
    """Number present in a service over time, in one world: mean and range over members and futures."""

    world: str
    service: str
    day: float
    mean: float
    low: float
    high: float
    places: float


@dataclass(frozen=True)
class AttributionRow:
    """What one change does to one measure.

    Parameters
    ----------
    measure : str
        Output address.
    unit : Label
        Of all numbers.
    part : str
        ``change``, ``interaction`` (all together less each alone), ``total`` or ``reference`` (the reference's mean).
    place : int
        Place of the change in the scenario, from 1; 0 for the others.
    label : Label
        Of the change; empty for the others.
    alone, alone_low, alone_high : float
        Expected difference that it makes alone, and its likely range; of the total that of the whole what-if.
    in_order : float
        Expected difference that it makes after those before it.
    shared : float
        Its mean over all orders (Shapley) for up to 4 changes, else over the order written and its reverse.
    """

    measure: str
    subject: Label
    unit: Label
    kind: str
    part: str
    place: int
    label: Label
    alone: float
    alone_low: float
    alone_high: float
    in_order: float
    shared: float


@dataclass(frozen=True)
class Look:
    """One look at the key difference while runs are added.

    Parameters
    ----------
    members, futures : int
        Size of the run at this look.
    mean, low, high : float
        Mean difference, and its interval: those of all looks together hold the truth with probability 9 in 10.
    luck_part : float
        Share of luck in the variance of the versions' means: what more futures take away.
    defined : float
        Share of futures in which there is a difference.
    verdict : str
        The verdict that stands whatever else is run, one of `VERDICTS`; empty where none does yet.
    """

    members: int
    futures: int
    mean: float
    low: float
    high: float
    luck_part: float
    defined: float
    verdict: str


@dataclass(frozen=True)
class Precision:
    """How many runs the key difference took, and why no more.

    Parameters
    ----------
    measure : str
        Output address.
    looks : tuple of Look
        In their order; the last one is the size of the run.
    outcome : str
        ``settled``; ``ignorance`` (more runs do not decide it); ``luck``, ``near`` or ``versions`` (not settled: the
        budget is spent while luck is most of it, or the chance is too near 9 in 10; all versions are used); or
        ``no_answer``.
    """

    measure: str
    looks: tuple[Look, ...]
    outcome: str


@dataclass(frozen=True)
class CostRow:
    """Cost against the main reference, at a price that the user gave.

    Parameters
    ----------
    item : str
        Key of the price, ``total``, ``per_start`` or ``per_outcome``.
    measure : str
        Output address of what is counted; empty for the total.
    kroner : float
        The price; NaN where the row is made of several.
    source : str
        Where the user has it from.
    reference, what_if : float
        Kroner a year, means; NaN for quotients.
    difference, low, high : float
        Extra kroner a year and its likely range over versions; of quotients, kroner for each extra one.
    error_low, error_high : float
        The same as exact as the runs make it: what more runs would narrow.
    told : bool
        Whether there is a number: a quotient is not told where its denominator may be 0.
    """

    item: str
    measure: str
    kroner: float
    source: str
    reference: float
    what_if: float
    difference: float
    low: float
    high: float
    error_low: float
    error_high: float
    told: bool


@dataclass(frozen=True)
class Result:
    """Everything that one run found; worlds[0] is the main reference, worlds[-1] the what-if.

    Parameters
    ----------
    scenario : str
        Name of the what-if.
    measures : tuple of str
        Output addresses, the third axis of every world's values.
    members, futures : int
        Size of the run.
    flows : dict
        World id -> {(from, to): mean citizens per year}; names of services, or ``leave``, ``died``, a cohort id at the
        door.
    window : tuple of (str, str)
        ISO dates of the first and the last day that are measured; empty where not known.
    touched : tuple of str
        Ids of the services, groups and cohorts that the what-if touches.
    rests_on : tuple of str
        Addresses of the parameters that what is touched depends on at once.
    check : Check
        What the check against the report says of the ensemble.
    left : mapping of str to float
        Calibrated parameter -> share of the width that it had before the report's counts were looked at.
    theta : tuple of dict
        The main reference's parameter values by member; empty where they are not known.
    counts : tuple of Count
        What is measured beside what is asked, from the day of the change on.
    attribution : tuple of AttributionRow
        What every change does, where the what-if was taken apart.
    readings : tuple of Reading
        Other ways to build the system under which the answer is another by more than the smallest worthwhile
        difference; those that are furthest off first.
    precision : Precision or None
        How the size of the run was found, where it was not given.
    costs : tuple of CostRow
        What the what-if costs, where the scenario has prices.
    """

    scenario: str
    title: Label
    question: Label
    measures: tuple[str, ...]
    members: int
    futures: int
    seed: int
    worlds: tuple[World, ...]
    comparison: tuple[ComparisonRow, ...]
    series: tuple[SeriesRow, ...]
    replay: tuple[ReplayRow, ...]
    flows: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    changes: tuple[Label, ...] = ()
    window: tuple[str, str] = ("", "")
    touched: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    not_replayed: tuple[NotReplayed, ...] = ()
    check: Check = field(default_factory=Check)
    left: Mapping[str, float] = field(default_factory=dict)
    theta: tuple[dict[str, float], ...] = ()
    counts: tuple[Count, ...] = ()
    attribution: tuple[AttributionRow, ...] = ()
    readings: tuple[Reading, ...] = ()
    precision: Precision | None = None
    costs: tuple[CostRow, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether nothing is changed, so that there is nothing to compare: the worlds are one."""
        return not self.changes and {world.scenario for world in self.worlds} == {self.worlds[-1].scenario}
