"""Following a change up: what to count after it, what to expect, and when to stop.

The counts are those of the services and citizens that the leading question is about, 3, 6 and 12 months after the
change.  What is expected of them is what single futures of the what-if show: luck and all, as the real year will.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import Question, likely_range
from crksim.analysis.influence import Decision
from crksim.analysis.results import Count
from crksim.errors import InputError
from crksim.model.clock import date_of
from crksim.model.network import Label, Study
from crksim.model.quantities import QUANTITIES
from crksim.model.vocabulary import MeasureAddress, groups_of, kind, label, parse_measure, unit

__all__ = ["MONTHS", "FollowUpRow", "counts_to_keep", "follow_up"]

Floats = NDArray[np.float64]

#: When a change is looked at.
MONTHS = (3, 6, 12)
#: Nobody can count what would have been without a service, nor what is staff time and not citizens.
_NOT_COUNTED = ("gain", "gain_improved", "fte", "staff_hours", "posts", "staff_load", "binds_by", "until_binding")
_STAFF = ("hours", "load_")
_MOST_CANDIDATES = 16
#: One in twenty needs as many futures.
_LEAST_FUTURES = 19
#: A line must be crossed twice as often, where the change does less than is worthwhile, as where it does that.
_LEAST_CAUGHT = 0.1


@dataclass(frozen=True)
class FollowUpRow:
    """What to expect of one count after the change, and from where on to stop.

    Parameters
    ----------
    question : str
        Output address of what the change is for; it says when the change works.
    measure : str
        Output address of the count.
    months : int
        How long after the change.
    reference, expected : float
        Mean without and with the change.
    low, high : float
        As expected: the range that 9 in 10 single futures with the change fall into.
    side : str
        On which side of the red line to stop: ``below``, ``above``, or ``none`` where there is no line.
    red : float
        Fewer than 1 in 20 futures lie beyond it, of those in which the change does at least what is worthwhile.
    caught : float
        Share of the other futures, in which it does less, that lie beyond it; NaN where there are none.
    """

    question: str
    measure: str
    label: Label
    unit: Label
    kind: str
    months: int
    reference: float
    expected: float
    low: float
    high: float
    side: str
    red: float
    caught: float


def counts_to_keep(
    questions: Sequence[Question], touched: Collection[str], study: Study, begins: float
) -> tuple[Count, ...]:
    """Return what to measure beside the questions: the counts to follow a change up by, and candidates for recording.

    Parameters
    ----------
    questions : sequence of Question
        What is asked, what leads first.
    touched : collection of str
        Services, groups and cohorts that the change touches.
    study : Study
        Of the what-if.
    begins : float
        Day from which the change holds.
    """
    lead = next((question for question in questions if question.decides and question.answerable), None)
    spans = [(months, _span(study, begins, months)) for months in MONTHS]
    within = [(months, *span) for months, span in spans if span is not None]
    if lead is None or not within:
        return ()
    good = {question.measure: question.good for question in questions}
    found: dict[str, Count] = {}
    for months, first, last in within:
        for base in _followed(lead, study, _day_after(last)):
            _note(found, base, (months, first, last), study, good, followed=True)
    months, first, last = within[-1]
    for question in questions:
        if question.measure.partition(".")[0].partition("[")[0] in touched and len(found) < _MOST_CANDIDATES + 12:
            _note(found, question.measure, (months, first, last), study, good, followed=False)
    return tuple(found.values())


def _span(study: Study, begins: float, months: int) -> tuple[str, str] | None:
    """Return the first and the last date of so many months from the change on, or None beyond the study's end."""
    first = dt.date.fromisoformat(date_of(begins, study.start))
    year, month = divmod(first.month - 1 + months, 12)
    # A month that is too short ends the span on its last day.
    until = dt.date(first.year + year, month + 1, 1) + dt.timedelta(days=first.day - 1)
    if (until - dt.date.fromisoformat(study.start)).days >= study.end:
        return None
    return first.isoformat(), (until - dt.timedelta(days=1)).isoformat()


def _day_after(date: str) -> str:
    return (dt.date.fromisoformat(date) + dt.timedelta(days=1)).isoformat()


def _followed(lead: Question, study: Study, date: str) -> Iterator[str]:
    """Yield the addresses, without a window, of the counts that say how the subject of the leading question does."""
    yield lead.measure
    subject = lead.measure.partition(".")[0]
    bare = subject.partition("[")[0]
    if bare in {cohort.id for cohort in study.network.cohorts}:
        yield from (f"{subject}.requests", f"{subject}.door_wait.mean")
        return
    yield from (f"{subject}.starts", f"{subject}.count_at.{date}")
    members = groups_of(study.network).get(bare, (bare,))
    if any(service.id in members and service.places.hard is not None for service in study.network.services):
        yield f"{subject}.internal_wait.mean"


def _note(
    found: dict[str, Count],
    base: str,
    span: tuple[int, str, str],
    study: Study,
    good: dict[str, str],
    *,
    followed: bool,
) -> None:
    """Add the count of a measure over a span, if it is one that can be counted."""
    months, first, last = span
    try:
        address = parse_measure(base, study.network)
    except InputError:
        return
    if address.window or address.quantity in _NOT_COUNTED or address.statistic.startswith(_STAFF):
        return
    text = base if address.quantity == "count_at" else f"{_counted(base, address)}@{first}..{last}"
    if text in found:
        return
    counted = parse_measure(text.partition("@")[0], study.network)
    found[text] = Count(
        text, label(counted, study.network), unit(counted), kind(counted), months, good.get(base, "none"), followed
    )


def _counted(base: str, address: MeasureAddress) -> str:
    """Return the address of the number over a span, where the measure is a number per year."""
    if address.statistic != "per_year" or "count" not in QUANTITIES[address.quantity].statistics:
        return base
    return base.removesuffix(".per_year") + ".count"


def follow_up(
    asked: Decision, question: str, counts: Sequence[Count], reference: dict[str, Floats], what_if: dict[str, Floats]
) -> tuple[FollowUpRow, ...]:
    """Return what to expect of every count by which the change is followed.

    Parameters
    ----------
    asked : Decision
        What the change is for; a member in which its expected effect is worthwhile is one in which it works.
    question : str
        Its output address, for the rows.
    counts : sequence of Count
        Only those that are followed get a row, and only where 9 in 10 futures have a value and not all the same.
    reference, what_if : dict of str to ndarray of float, shape (members, futures)
        Output address -> simulated counts in both worlds.
    """
    works = np.zeros(len(asked.differences), dtype=np.bool_)
    works[asked.known] = asked.net >= -1e-9 * asked.worthwhile
    rows = []
    for count in counts:
        values, before = what_if[count.measure], reference[count.measure]
        defined = np.isfinite(values)
        if not count.followed or defined.mean() < 0.9 or not np.ptp(values[defined]) > 0.0:
            continue
        expected, mean = float(values[defined].mean()), _mean(before)
        side = _side(count.good, expected, mean)
        red, caught = _red_line(side, _single(values[works]), _single(values[asked.known & ~works]))
        low, high = likely_range(_single(values), outward=True)
        rows.append(
            FollowUpRow(
                question=question,
                measure=count.measure,
                label=count.label,
                unit=count.unit,
                kind=count.kind,
                months=count.months,
                reference=mean,
                expected=expected,
                low=low,
                high=high,
                side=side if np.isfinite(red) else "none",
                red=red,
                caught=caught,
            )
        )
    return tuple(rows)


def _single(values: Floats) -> Floats:
    """Return the values of single futures that are defined."""
    found: Floats = values[np.isfinite(values)]
    return found


def _mean(values: Floats) -> float:
    found = _single(values)
    return float(found.mean()) if found.size else float("nan")


def _side(good: str, expected: float, reference: float) -> str:
    """Return on which side the change disappoints: against what is good, or else towards what would be without it."""
    if good != "none":
        return "below" if good == "up" else "above"
    if not abs(expected - reference) > 0.0:
        return "none"
    return "below" if expected > reference else "above"


def _red_line(side: str, working: Floats, other: Floats) -> tuple[float, float]:
    """Return the line that fewer than 1 in 20 working futures lie beyond, and the share of the others beyond it."""
    if side == "none" or len(working) < _LEAST_FUTURES:
        return float("nan"), float("nan")
    low, high = likely_range(working, outward=True)
    red = low if side == "below" else high
    if side == "below" and red <= working.min() and red <= 0.0:
        # Nothing lies below nothing.
        return float("nan"), float("nan")
    if not other.size:
        return red, float("nan")
    caught = float(((other < red) if side == "below" else (other > red)).mean())
    # A line that is crossed as rarely when the change does nothing tells nothing.
    return (red, caught) if caught >= _LEAST_CAUGHT else (float("nan"), float("nan"))
