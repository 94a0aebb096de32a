"""What explains an answer: what decides it, where it turns, what is worth counting, how to follow it up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import likely_range
from crksim.analysis.followup import FollowUpRow, follow_up
from crksim.analysis.influence import Decision, ParameterRow, decision, influences
from crksim.analysis.recording import CountRow, best_counts, worth_of_counts
from crksim.analysis.results import ComparisonRow, Result
from crksim.errors import InputError, Problem, nearest
from crksim.model.network import Label

__all__ = ["AnswerRow", "Explanation", "explain", "leading_row", "parameter_labels"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnswerRow:
    """What is decided about, and how well it is known.

    Parameters
    ----------
    measure : str
        Output address.
    sign : float
        1 where more is asked about, -1 where less is.
    worthwhile : float
        Smallest worthwhile difference.
    difference, low, high : float
        Expected difference and its likely range.
    adopt : bool
        Whether the effect is expected to be worthwhile.
    right : float
        Chance that this is the right choice.
    perfect : float
        Expected value of knowing everything, in the measure's unit.
    members, futures : int
        Size of the run.
    """

    measure: str
    label: Label
    unit: Label
    kind: str
    sign: float
    worthwhile: float
    difference: float
    low: float
    high: float
    adopt: bool
    right: float
    perfect: float
    members: int
    futures: int


@dataclass(frozen=True)
class Explanation:
    """What explains the answer to one question.

    Parameters
    ----------
    answer : AnswerRow
        What is decided about.
    parameters : tuple of ParameterRow
        Those that stand out first.
    counts : tuple of CountRow
        Counts of today's world and of a trial, the ones to recommend first.
    follow_up : tuple of FollowUpRow
        What to expect after the change.
    """

    answer: AnswerRow
    parameters: tuple[ParameterRow, ...]
    counts: tuple[CountRow, ...]
    follow_up: tuple[FollowUpRow, ...]


def leading_row(result: Result, measure: str | None = None) -> ComparisonRow | None:
    """Return the row that is explained: the first that decides and has an answer, or that of a measure.

    Raises
    ------
    InputError
        No row has that measure.
    """
    rows = [row for row in result.comparison if row.against == result.worlds[0].id]
    if measure is not None:
        found = [row for row in rows if row.measure == measure]
        if not found:
            known = [row.measure for row in rows]
            raise InputError([Problem("measure", measure, "was not asked about in this run", nearest(measure, known))])
        return found[0]
    chosen = [row for row in rows if row.decides] or rows
    return next((r for r in chosen if math.isfinite(r.difference) and r.verdict != "model_cannot_answer"), None)


def parameter_labels(study: Mapping[str, Any]) -> dict[str, Label]:
    """Return the label of every parameter of a study that is a number of its own and not made of others."""
    labels: dict[str, Label] = {}
    for id, content in (study.get("parameters") or {}).items():
        value = content.get("value") if isinstance(content, Mapping) else content
        first = value.get("first") if isinstance(value, Mapping) else value
        if "@" in str(first):
            continue
        given = content.get("label") if isinstance(content, Mapping) else None
        plain = str(id).replace("_", " ")
        labels[str(id)] = Label(given["da"], given["en"]) if isinstance(given, Mapping) else Label(plain, plain)
    return labels


def explain(
    result: Result,
    labels: Mapping[str, Label],
    measure: str | None = None,
    kept: Mapping[str, float] | None = None,
) -> Explanation | None:
    """Explain the answer to the leading question of a run, or to another.

    Parameters
    ----------
    result : Result
        What the run found, with its parameters.
    labels : mapping
        Parameter -> label.
    measure : str, optional
        Output address of the question; the leading one when not given.
    kept : mapping, optional
        Parameter -> share of its prior width that calibration left.

    Returns
    -------
    Explanation or None
        None where there is nothing to explain: a run of one world, or no question with an answer.

    Raises
    ------
    InputError
        No question of the run has that measure.
    """
    row = leading_row(result, measure)
    if row is None or not math.isfinite(row.difference):
        return None
    reference, what_if = _by_measure(result, 0), _by_measure(result, -1)
    asked = decision(row, reference[row.measure], what_if[row.measure])
    touched = {address.removeprefix("parameters.") for address in result.rests_on}
    theta: Sequence[Mapping[str, float]] = result.theta or [{}] * result.members
    return Explanation(
        answer=_answer(row, asked, result),
        parameters=influences(asked, theta, labels, row.measure, first=touched, kept=kept),
        counts=_counts(asked, result, row.measure, reference, what_if),
        follow_up=follow_up(asked, row.measure, result.counts, reference, what_if),
    )


def _by_measure(result: Result, world: int) -> dict[str, Floats]:
    values = result.worlds[world].values
    return {measure: values[:, :, place] for place, measure in enumerate(result.measures)}


def _answer(row: ComparisonRow, asked: Decision, result: Result) -> AnswerRow:
    low, high = likely_range(asked.sign * (asked.net + asked.worthwhile))
    return AnswerRow(
        measure=row.measure,
        label=row.label,
        unit=row.unit,
        kind=row.kind,
        sign=asked.sign,
        worthwhile=row.worthwhile,
        difference=row.difference,
        low=low,
        high=high,
        adopt=asked.adopt,
        right=asked.right,
        perfect=asked.perfect,
        members=result.members,
        futures=result.futures,
    )


def _counts(
    asked: Decision, result: Result, measure: str, reference: dict[str, Floats], what_if: dict[str, Floats]
) -> tuple[CountRow, ...]:
    """Return the counts of today's world, the recommended first, then those of a trial of the what-if."""
    labels = {count.measure: count.label for count in result.counts}
    months = {count.measure: count.months for count in result.counts}
    longest = max(months.values(), default=0)
    today = {name: reference[name] for name in labels if months[name] == longest}
    trial = {count.measure: what_if[count.measure] for count in result.counts if count.followed}
    rows = worth_of_counts(asked, today, labels, months, measure)
    best = best_counts(rows, today)
    rest = tuple(row for row in rows if row.count not in {one.count for one in best})
    return (*best, *rest, *worth_of_counts(asked, trial, labels, months, measure, trial=True))
