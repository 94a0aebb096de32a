"""What became of citizens: status at final discharge, return, and attributes before and after a stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.courses import Courses
from crksim.analysis.rows import Period, Picker, divided
from crksim.model.clock import Window
from crksim.model.quantities import FAVOURABLE
from crksim.model.vocabulary import MeasureAddress

__all__ = ["after", "became", "before", "discharged", "favourable", "final_status", "improved", "returned"]

Indices = NDArray[np.intp]


def _courses(picker: Picker, address: MeasureAddress, window: Window) -> tuple[Courses, Indices]:
    rows, courses = picker.rows(address), picker.paths.courses
    return courses, courses.ended(rows.where[rows.is_stay], window)


def _of(number: int, whole: int, period: Period, statistic: str) -> float:
    if statistic == "share":
        return divided(number, whole)
    return float(number) if statistic == "count" else number / period.years


def favourable(picker: Picker, quantity: str) -> NDArray[np.bool_]:
    """Return for each status of the legend whether a gain counts it; the last entry, False, is read by no status."""
    names = FAVOURABLE[quantity]
    return np.array([name in names for name in (*picker.log.legend.statuses, "")], dtype=bool)


def final_status(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Status of the last stay of the courses that passed through the subject; shares are of those with any status."""
    courses, ended = _courses(picker, address, window)
    statuses = picker.log.legend.statuses
    code = statuses.index(address.argument) if address.argument in statuses else -99
    found = picker.log.status[courses.last[ended]] if len(ended) else np.zeros(0, dtype=np.int16)
    number, whole = int(np.count_nonzero(found == code)), int(np.count_nonzero(found >= 0))
    return _of(number, whole, picker.period(address, window), address.statistic)


def discharged(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Courses that passed through the subject and ended: a citizen counts as often as discharged."""
    _, ended = _courses(picker, address, window)
    return _of(len(ended), len(ended), picker.period(address, window), address.statistic)


def improved(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays that ended with a favourable status; shares are of those that ended with any."""
    period = picker.period(address, window)
    found = picker.log.status[period.ended_rows]
    number, whole = int(favourable(picker, "gain_improved")[found].sum()), int((found >= 0).sum())
    return _of(number, whole, period, address.statistic)


def returned(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Share of the courses that passed through the subject and were followed by another within N days of their end.

    Only courses that could be watched for N days after their end count; whoever died has not returned.
    """
    courses, ended = _courses(picker, address, window)
    ends = courses.ends[ended]
    watched = ended[ends + address.number <= picker.log.end]
    back = courses.next_begins[watched] - courses.ends[watched] <= address.number
    return divided(int(np.count_nonzero(back)), len(watched))


def before(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays that ended and whose citizen had the value of the attribute when they began."""
    had, _ = _had_and_has(picker, address, window)
    return _of(int(had.sum()), len(had), picker.period(address, window), address.statistic)


def after(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays that ended and whose citizen had the value of the attribute when they ended.

    What a citizen has become is read from where the citizen goes next; of whoever goes nowhere nothing has changed.
    """
    _, has = _had_and_has(picker, address, window)
    return _of(int(has.sum()), len(has), picker.period(address, window), address.statistic)


def became(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays during which the citizen got the value of the attribute; the share is of those who did not have it."""
    had, has = _had_and_has(picker, address, window)
    number, whole = int((has & ~had).sum()), int((~had).sum())
    return _of(number, whole, picker.period(address, window), address.statistic)


def _had_and_has(
    picker: Picker, address: MeasureAddress, window: Window
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    name, value = address.argument.split(".")
    passing = picker.passing(((name, frozenset({value})),))
    log, stays = picker.log, picker.period(address, window).ended_rows
    following = picker.paths.onward[stays]
    now = np.where(following >= 0, log.kind[following], log.kind[stays])
    return passing[log.kind[stays]], passing[now]
