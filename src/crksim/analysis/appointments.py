"""Measures of a clinic: talks, no-shows, who is overdue, the next free time, staff hours, call-ins.

A clinic is run once for a log, and only when one of these is asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.occupancy import total_days
from crksim.analysis.rows import Picker, divided
from crksim.model.clock import YEAR, Window
from crksim.model.vocabulary import MeasureAddress
from crksim.simulation.cliniclog import DOCTOR, NURSE, ClinicLog
from crksim.simulation.clinicplan import ClinicPlan

__all__ = ["call_in", "talks"]

_NAN = float("nan")
_STAFF = {"doctor": DOCTOR, "nurse": NURSE}
#: Days since the last talk after which a citizen is overdue, in due intervals, where the clinic does not say.
_OVERDUE = 1.5
#: Days after which a call-in that was due is overdue; it can begin on some days of a week only.
_CALL_IN_OVERDUE = 30.0


def talks(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Talks with doctor or nurse; NaN where there is no clinic."""
    found = picker.clinic(address.subject)
    if found is None:
        return _NAN
    now = (found.talks.day >= window.start) & (found.talks.day < window.end)
    years, statistic = window.days / YEAR, address.statistic
    name, _, staff = statistic.partition("_")
    if staff in _STAFF:
        hours = _hours(found, _STAFF[staff], window)
        return hours / years if name == "hours" else divided(hours, _supply(picker, address, found, staff, window))
    if statistic == "share_of_months":
        return _share_of_months(found, window)
    if statistic == "overdue":
        return _overdue(picker.scene.clinics[address.subject], found, window)
    if statistic == "third_misses":
        return int(np.count_nonzero(now & (found.talks.run == 3))) / years
    agreed = now & found.talks.appointment
    if statistic == "missed_share":
        return divided(int(np.count_nonzero(agreed & ~found.talks.kept)), int(np.count_nonzero(agreed)))
    if statistic == "slot_wait":
        return float(found.talks.wait[agreed].mean()) if agreed.any() else _NAN
    number = int(np.count_nonzero(now & found.talks.kept))
    return float(number) if statistic == "count" else number / years


def call_in(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Yearly call-ins; NaN where there is no clinic."""
    found = picker.clinic(address.subject)
    if found is None:
        return _NAN
    it, years = found.call_ins, window.days / YEAR
    visits = (it.visit_day >= window.start) & (it.visit_day < window.end)
    done = (it.done_day >= window.start) & (it.done_day < window.end)
    if address.statistic == "visits":
        return int(np.count_nonzero(visits & it.visit_kept)) / years
    if address.statistic == "restarts":
        return int(np.count_nonzero(visits & ~it.visit_kept)) / years
    if address.statistic == "hours":
        return float(it.hours[_days(window, len(it.hours))].sum()) / years
    if address.statistic == "overdue":
        until = np.fmin(it.done_day, found.end[it.done_stay])
        return total_days(np.minimum(it.done_wanted + _CALL_IN_OVERDUE, until), until, window) / window.days
    if address.statistic == "delay":
        return float((it.done_day - it.done_wanted)[done].mean()) if done.any() else _NAN
    number = int(np.count_nonzero(done))
    return float(number) if address.statistic == "count" else number / years


def _days(window: Window, length: int) -> NDArray[np.bool_]:
    """Return which days of a calendar have their noon in a window."""
    noons = np.arange(length) + 0.5
    return np.asarray((noons >= window.start) & (noons < window.end), dtype=bool)


def _hours(found: ClinicLog, staff: int, window: Window) -> float:
    """Hours set aside for talks, kept or not; with the nurse, for observation too."""
    it = found.talks
    now = (it.day >= window.start) & (it.day < window.end) & (it.staff == staff)
    observed = found.call_ins.hours[_days(window, len(found.call_ins.hours))].sum() if staff == NURSE else 0.0
    return float(it.hours[now].sum() + observed)


def _supply(picker: Picker, address: MeasureAddress, found: ClinicLog, staff: str, window: Window) -> float:
    """Hours with citizens that there are while the service is open."""
    span = picker.scene.services[address.subject].open_in(window)
    return float(found.supply[_STAFF[staff]][_days(span, found.supply.shape[1])].sum())


def _share_of_months(found: ClinicLog, window: Window) -> float:
    """Of the due talks whose month lies in the window and the stay, the share with a talk before the next was due."""
    picked = (found.due >= window.start) & (found.until <= window.end)
    picked &= found.until <= found.end[found.due_stay]
    held = _keys(found.talks.stay[found.talks.kept], found.talks.day[found.talks.kept])
    held.sort()
    stays = found.due_stay[picked]
    first = np.searchsorted(held, _keys(stays, found.due[picked]), side="left")
    last = np.searchsorted(held, _keys(stays, found.until[picked]), side="left")
    return divided(int(np.count_nonzero(last > first)), len(stays))


def _keys(stay: NDArray[np.intp], day: NDArray[np.float64]) -> NDArray[np.float64]:
    return stay * 2.0**20 + day


def _overdue(plan: ClinicPlan, found: ClinicLog, window: Window) -> float:
    """Mean number of citizens whose last talk, or whose start, lies longer back than it should."""
    limit = plan.clinic.overdue_after
    if limit is None:
        days = _OVERDUE * plan.dated(plan.clinic.every).at(window.start)
    else:
        days = plan.dated(limit).at(window.start)
    kept = found.talks.kept
    stays = np.concatenate((np.arange(len(found.start)), found.talks.stay[kept]))
    since = np.concatenate((found.start, found.talks.day[kept]))
    order = np.lexsort((since, stays))
    stays, since = stays[order], since[order]
    until = found.end[stays]
    same = np.flatnonzero(stays[1:] == stays[:-1])
    until[same] = since[same + 1]
    late = since + days
    return total_days(np.minimum(late, until), until, window) / window.days
