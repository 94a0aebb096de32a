"""Several options beside each other on the same luck: what choosing each may lose, and which cannot be told apart.

The reference is an option too: nobody has to change anything.  `docs/statistics.md` has the formulas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import PROBABILITY, Question, compare_measure
from crksim.analysis.option_costs import OptionCosts
from crksim.analysis.points import expected
from crksim.analysis.results import VERDICTS, ComparisonRow, Result
from crksim.model.network import Label

__all__ = [
    "REFERENCE",
    "Choice",
    "Judged",
    "Pairing",
    "Ranking",
    "common_reference",
    "finalists",
    "question_of",
    "rank",
    "rank_runs",
    "shared_measures",
    "unlike",
]

Floats = NDArray[np.float64]

#: What the reference is called among the options.
REFERENCE = "(reference)"

NO_DIFFERENCE, NO_ANSWER = VERDICTS[1], VERDICTS[3]
#: Relative slack for "better by the smallest worthwhile difference", so that rounding does not decide.
_SLACK = 1e-9


@dataclass(frozen=True)
class Choice:
    """One option and what choosing it may lose.

    Parameters
    ----------
    name : str
        What the option is called.
    row : ComparisonRow
        Of the option against the reference; of the reference against itself.
    regret : float
        What it falls short of the best option of each version, mean over versions, in the measure's unit; NaN where no
        direction is good.
    regret_high : float
        The regret that 95 in 100 versions stay below.
    best : float
        Share of versions in which no option is better by the smallest worthwhile difference: ties are best together.
    alone : float
        Share of versions in which it is better than every other option by the smallest worthwhile difference.
    """

    name: str
    row: ComparisonRow
    regret: float
    regret_high: float
    best: float
    alone: float


@dataclass(frozen=True)
class Pairing:
    """Two options held beside each other: `row` is `second` against `first`."""

    first: str
    second: str
    row: ComparisonRow

    @property
    def equal(self) -> bool:
        """Whether they differ by less than the smallest worthwhile difference, as nearly as is known."""
        return self.row.verdict == NO_DIFFERENCE


@dataclass(frozen=True)
class Ranking:
    """All options by one measure: least regret first, or as given where no direction is good."""

    question: Question
    choices: tuple[Choice, ...]
    pairs: tuple[Pairing, ...]

    def pair(self, one: str, other: str) -> Pairing:
        """Return two options beside each other, in either order."""
        return next(pair for pair in self.pairs if {pair.first, pair.second} == {one, other})


@dataclass(frozen=True)
class Judged:
    """Options ranked on one luck, and the finalists judged again on luck that nobody chose them by.

    Parameters
    ----------
    label : Label
        Of the reference.
    rankings : tuple of Ranking
        A measure each; the one that decides first.
    fresh : Ranking or None
        The finalists on fresh luck, by the measure that decides.
    seed : int
        Seed of the fresh luck.
    other_versions : bool
        Whether the versions are others too.
    why : str
        Key of the text that says why there is no fresh luck; empty where there is.
    labels : mapping of str to Label
        Option -> what it is called in plain words; those without are called by their names.
    shorts : mapping of str to Label
        Option -> the same for use within sentences.
    costs : OptionCosts or None
        What the options cost on the luck of the choice, where there are prices.
    """

    label: Label
    rankings: tuple[Ranking, ...]
    fresh: Ranking | None = None
    seed: int = 0
    other_versions: bool = False
    why: str = ""
    labels: Mapping[str, Label] = field(default_factory=dict)
    shorts: Mapping[str, Label] = field(default_factory=dict)
    costs: OptionCosts | None = None

    def named(self, name: str) -> Label:
        """Return what an option is called."""
        return self.label if name == REFERENCE else self.labels.get(name, Label(name, name))


def rank(question: Question, values: Mapping[str, Floats]) -> Ranking:
    """Rank options by one measure.

    Parameters
    ----------
    question : Question
        The measure, its smallest worthwhile difference and the direction that is good.
    values : mapping of str to ndarray of float, shape (members, futures)
        Option -> its values; the reference first. The same cell has the same luck in all of them.

    Returns
    -------
    Ranking
        Every pair is compared future by future, and luck is taken out of each pair by itself.
    """
    names = list(values)
    size = len(names)
    reference = values[names[0]]
    members = len(reference)
    sign = {"up": 1.0, "down": -1.0}.get(question.good, float("nan"))
    # ahead[j, k, m]: by how much option j is better than option k in version m, luck taken out.
    ahead = np.zeros((size, size, members))
    pairs = []
    for first, second in combinations(range(size), 2):
        one, other = values[names[first]], values[names[second]]
        gap = sign * expected(other - one)
        ahead[second, first], ahead[first, second] = gap, -gap
        pairs.append(Pairing(names[first], names[second], compare_measure(question, names[first], one, other)))
    # A version in which some pair has no value can be ranked by none.
    ahead = ahead[:, :, np.isfinite(ahead).all(axis=(0, 1))]
    enough = question.worthwhile * (1.0 - _SLACK)
    choices = []
    for place, name in enumerate(names):
        lost = np.delete(ahead[:, place], place, axis=0).max(axis=0, initial=-np.inf)
        led = np.delete(ahead[place], place, axis=0).min(axis=0, initial=np.inf)
        known = bool(lost.size) and lost.size >= PROBABILITY * members
        regrets = np.maximum(lost, 0.0)
        choices.append(
            Choice(
                name,
                compare_measure(question, names[0], reference, values[name]),
                regret=float(regrets.mean()) if known else float("nan"),
                regret_high=float(np.quantile(regrets, 0.95, method="weibull")) if known else float("nan"),
                best=float((lost < enough).mean()) if known else float("nan"),
                alone=float((led >= enough).mean()) if known else float("nan"),
            )
        )
    choices.sort(key=lambda choice: 0.0 if np.isnan(choice.regret) else choice.regret)
    return Ranking(question, tuple(choices), tuple(pairs))


def finalists(ranking: Ranking, most: int) -> tuple[str, ...]:
    """Return the options of least regret that are judged again; the reference runs beside them anyhow.

    Parameters
    ----------
    ranking : Ranking
        By the measure that decides.
    most : int
        How many at most; none where no direction is good or nothing can be ranked.
    """
    known = [choice.name for choice in ranking.choices if choice.name != REFERENCE and np.isfinite(choice.regret)]
    return tuple(known[:most])


def common_reference(results: Sequence[Result]) -> tuple[str, ...] | None:
    """Return, for every run, the id of the reference that all of them have, number by number; None where there is none.

    Parameters
    ----------
    results : sequence of Result
        At least one. Equal numbers of the reference are what tells that luck, versions and span are the same.
    """
    shared = shared_measures(results)
    for world in results[0].worlds[:-1]:
        told = _columns(results[0], world.id, shared)
        ids = []
        for result in results:
            same = [
                other.id
                for other in result.worlds[:-1]
                if np.array_equal(_columns(result, other.id, shared), told, equal_nan=True)
            ]
            ids += same[:1]
        if len(ids) == len(results):
            return tuple(ids)
    return None


def shared_measures(results: Sequence[Result]) -> tuple[str, ...]:
    """Return the measures that all runs have, in the order of the first."""
    others = [set(result.measures) for result in results[1:]]
    return tuple(measure for measure in results[0].measures if all(measure in other for other in others))


def _columns(result: Result, world: str, measures: Sequence[str]) -> Floats:
    places = {measure: place for place, measure in enumerate(result.measures)}
    values = next(one.values for one in result.worlds if one.id == world)
    return values[:, :, [places[measure] for measure in measures]]


def unlike(first: Result, other: Result) -> list[tuple[str, object, object]]:
    """Return what keeps two runs from being paired: (what, value of the first, value of the other).

    Parameters
    ----------
    first, other : Result
        Runs without a common reference.
    """
    told = [
        (name, getattr(first, name), getattr(other, name))
        for name in ("seed", "members", "futures")
        if getattr(first, name) != getattr(other, name)
    ]
    for name, one, two in (
        ("versions", first.check.ensemble or "none", other.check.ensemble or "none"),
        ("window", "..".join(first.window), "..".join(other.window)),
    ):
        if one != two:
            told.append((name, one, two))
    return told or [("reference", first.worlds[0].scenario, other.worlds[0].scenario)]


def question_of(row: ComparisonRow, good: str = "") -> Question:
    """Return the question that a row answers, with another direction where one is given."""
    return Question(
        row.measure, row.label, row.unit, row.kind, row.worthwhile, row.decides,
        row.verdict != NO_ANSWER, good or row.good,
    )  # fmt: skip


def rank_runs(
    named: Mapping[str, Result], references: Sequence[str], measures: Sequence[str], good: str = ""
) -> tuple[Ranking, ...]:
    """Rank finished runs that have a common reference, measure by measure.

    Parameters
    ----------
    named : mapping of str to Result
        Name of an option -> its run.
    references : sequence of str
        World id of the common reference in each run.
    measures : sequence of str
        Output addresses that all runs have; the one that decides first.
    good : str
        ``up`` or ``down`` for the first measure, where the catalogue names no direction.
    """
    results = list(named.values())
    found = []
    for measure in measures:
        rows = [row for row in results[0].comparison if (row.measure, row.against) == (measure, references[0])]
        question = question_of(rows[0], good if measure == measures[0] else "")
        values = {REFERENCE: _columns(results[0], references[0], [measure])[:, :, 0]}
        values |= {name: _columns(run, run.worlds[-1].id, [measure])[:, :, 0] for name, run in named.items()}
        found.append(rank(question, values))
    return tuple(found)
