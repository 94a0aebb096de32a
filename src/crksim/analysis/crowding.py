"""Measures of places rather than of citizens: number present and waiting, room, staff time."""

from __future__ import annotations

import numpy as np

from crksim.analysis.occupancy import integral_until, levels, number_at, total_days
from crksim.analysis.rows import Measured, Picker, divided
from crksim.analysis.scene import PlaceLimits, StaffTime, Steps
from crksim.model.clock import WEEK, YEAR, Window, parse_date
from crksim.model.grammar import ALL_STAFF
from crksim.model.vocabulary import HOURS_PER_FTE_YEAR, MeasureAddress

__all__ = [
    "contacts",
    "count_at",
    "enrolled",
    "fte",
    "occupancy",
    "of_levels",
    "open_members",
    "overload",
    "places",
    "posts",
    "present_by",
    "staff_hours",
    "staff_load",
    "under_workable",
]

_NAN = float("nan")
_QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


def of_levels(which: str) -> Measured:
    """Return the function of the number ``present`` or ``waiting`` over time."""

    def function(picker: Picker, address: MeasureAddress, window: Window) -> float:
        period = picker.period(address, window)
        if address.statistic == "mean":
            spans = period.rows.stays if which == "present" else period.rows.queued
            return total_days(*spans, window) / window.days
        found = period.present if which == "present" else period.waiting
        if address.statistic == "max":
            return found.maximum()
        if address.statistic == "at_least_N":
            return 1.0 - found.share_below(address.number)
        if address.statistic == "below_N":
            return found.share_below(address.number)
        return found.quantile(_QUANTILES[address.statistic])

    return function


def present_by(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Mean number present of one value of an attribute."""
    name, value = address.argument.split(".")
    rows = picker.rows(address, ((name, frozenset({value})),))
    return total_days(*rows.stays, window) / window.days


def count_at(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Number present at the beginning of a date, whatever the window; NaN outside the time watched."""
    day = parse_date(address.argument, picker.scene.start)
    if not picker.log.start <= day <= picker.log.end:
        return _NAN
    return float(number_at(*picker.rows(address).stays, np.array([day]))[0])


def enrolled(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Citizens with a stay at some time of the window, each once; of a cohort or everybody only stays in treatment."""
    rows, log = picker.rows(address), picker.log
    now = rows.is_stay & (rows.admitted < window.end) & ~(rows.left <= window.start)
    if address.subject_kind in ("cohort", "all"):
        treated = np.array([service not in picker.scene.untreated for service in log.legend.services], dtype=bool)
        now &= treated[log.service[rows.where]]
    return float(np.count_nonzero(np.bincount(picker.paths.citizen[rows.where[now]])))


def open_members(picker: Picker, address: MeasureAddress, window: Window) -> list[tuple[str, PlaceLimits, Window]]:
    """Return the services of an address that are open at some time of the window, and when.

    Parameters
    ----------
    picker : Picker
        Of one log.
    address : MeasureAddress
        Of a service, a group, or CRK.
    window : Window
        Of positive length.
    """
    found = []
    for service in picker.members(address):
        limits = picker.scene.services.get(service)
        span = window if limits is None else limits.open_in(window)
        if limits is not None and span.days > 0:
            found.append((service, limits, span))
    return found


def occupancy(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Citizen-days present over place-days, while open; NaN when some open service has no known limit."""
    days = places = 0.0
    for service, limits, span in open_members(picker, address, window):
        if limits.places is None:
            return _NAN
        days += total_days(*picker.service(service).stays, span)
        places += limits.places.integral(span.start, span.end)
    return divided(days, places)


def places(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Mean number of places (or the norm) in force, none while closed; NaN when some open service has no limit."""
    total = 0.0
    for _, limits, span in open_members(picker, address, window):
        if limits.places is None:
            return _NAN
        total += limits.places.integral(span.start, span.end)
    return total / window.days


def overload(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Share of the time open with more citizens than the norm; over a group, sites weigh by the time they were open."""
    above = days = 0.0
    for service, limits, span in open_members(picker, address, window):
        if limits.norm is not None:
            found = levels(*picker.service(service).stays, span)
            above += sum(found.days_above(norm, a, b) for a, b, norm in limits.norm.pieces(span.start, span.end))
            days += span.days
    return divided(above, days)


def under_workable(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Share of whole weeks open with a mean number present under the smallest workable one, all sites together."""
    under = weeks = 0
    for service, limits, span in open_members(picker, address, window):
        n_weeks = int(span.days / WEEK + 1e-9)
        if limits.workable is None or n_weeks < 1:
            continue
        edges = span.start + WEEK * np.arange(n_weeks + 1, dtype=np.float64)
        begins, ends = picker.service(service).stays
        # Earlier days cancel: sums start with the first week, which keeps them exact.
        begins, ends = np.maximum(begins, edges[0]), np.maximum(np.where(np.isnan(ends), np.inf, ends), edges[0])
        means = np.diff(integral_until(begins, ends, edges)) / WEEK
        under += int(np.count_nonzero(means < limits.workable.at(edges[:-1]) - 1e-9))
        weeks += n_weeks
    return divided(under, weeks)


def _staff_sum(picker: Picker, service: str, staff: StaffTime, rate: Steps, span: Window) -> float:
    """Return a rate of contacts summed over `span`: for everyone whose stay goes on, or while the service is open."""
    if not staff.per_citizen:
        return rate.integral(span.start, span.end)
    total = 0.0
    for a, b, per_day in rate.pieces(span.start, span.end):
        key = (service, a, b)
        if key not in picker.staffed_days:
            picker.staffed_days[key] = total_days(*picker.service(service).worked, Window(a, b))
        total += per_day * picker.staffed_days[key]
    return total


def staff_hours(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Staff hours a year: contacts for everyone whose stay goes on, sessions for as long as the service is open."""
    hours = 0.0
    for service, limits, span in open_members(picker, address, window):
        for staff in limits.staff:
            if address.argument in ("", staff.staff):
                hours += _staff_sum(picker, service, staff, staff.hours, span)
    return hours / (window.days / YEAR)


def contacts(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Contacts a year, those that take no staff time (attendance at a meeting, an answer) among them."""
    number = 0.0
    for service, limits, span in open_members(picker, address, window):
        for staff in limits.staff:
            if address.argument in ("", staff.staff):
                number += _staff_sum(picker, service, staff, staff.contacts, span)
    return number / (window.days / YEAR)


def fte(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Staff hours a year over those of one full-time employee."""
    return staff_hours(picker, address, window) / HOURS_PER_FTE_YEAR


def posts(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Mean number of posts filled over the window; NaN where no number of posts is known."""
    return _posts_and_need(picker, address, window)[0]


def staff_load(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Staff time needed over that of the posts filled, of the kinds of staff whose posts are known; else NaN."""
    filled, need = _posts_and_need(picker, address, window)
    return divided(need, filled)


def _posts_and_need(picker: Picker, address: MeasureAddress, window: Window) -> tuple[float, float]:
    filled = hours = 0.0
    known = False
    for service, limits, span in open_members(picker, address, window):
        for kind, number in limits.posts:
            if address.argument not in ("", kind):
                continue
            known = True
            filled += number.integral(span.start, span.end)
            working = [it for it in limits.staff if kind in (it.staff, ALL_STAFF)]
            hours += sum(_staff_sum(picker, service, it, it.hours, span) for it in working)
    if not known:
        return _NAN, _NAN
    return filled / window.days, hours / (window.days / YEAR) / HOURS_PER_FTE_YEAR
