"""What the words of the vocabulary mean on a log: one function for every quantity.

Points in time are taken as they stand in the log.  A window counts what begins or ends in it; the first time that
was watched and the last bound what can be seen:

- ``wait`` looks at those admitted in the window: whoever still waits, or gave up, is not in it (``queue_wait`` holds
  those who gave up), so waits longer than the time watched cannot be seen.
- ``length`` looks at stays that ended in the window; long stays that go on are not in it.
- ``visits`` follows the citizens who arrived in the window to the end of the log.

A window that reaches outside the time watched gives NaN, never a number of something half seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crksim.analysis import appointments, binding, crowding, outcomes
from crksim.analysis.occupancy import series, total_days
from crksim.analysis.paths import flows
from crksim.analysis.rows import Measured, Period, Picker, divided, quantile
from crksim.analysis.scene import Scene
from crksim.model.clock import Window, parse_window
from crksim.model.quantities import UNMET_CAUSES
from crksim.model.vocabulary import MeasureAddress, parse_measures
from crksim.simulation.luck import Luck
from crksim.simulation.staylog import DIED, LEAVE, StayLog

__all__ = ["FUNCTIONS", "flows", "measure", "series"]

_NAN = float("nan")
_QUANTILES = {"p50": 0.5, "p90": 0.9}


def measure(
    addresses: Sequence[str | MeasureAddress],
    log: StayLog,
    scene: Scene,
    window: Window | None = None,
    luck: Luck | None = None,
) -> dict[str, float]:
    """Return the value of every address on a log.

    Parameters
    ----------
    addresses : sequence of str or MeasureAddress
        Texts are read with the scene's network; addresses taken apart may name subjects that this world does not
        have, and then count nobody.
    log : StayLog
        The rows of one run.
    scene : Scene
        Bound numbers of the same world and member.
    window : Window, optional
        For the addresses that name none; the forecast by default.
    luck : Luck, optional
        That of the run; appointments are drawn from it.

    Returns
    -------
    dict
        Address text -> value; NaN where there is nothing to measure (no one waited, say, or no limit is known).

    Raises
    ------
    InputError
        A text is not an address.
    """
    texts = [address for address in addresses if isinstance(address, str)]
    read = dict(zip(texts, parse_measures(texts, scene.network), strict=True)) if texts else {}
    picker = Picker(log, scene, luck)
    values: dict[str, float] = {}
    for given in addresses:
        address = read[given] if isinstance(given, str) else given
        span = _span(address.window, scene.start) if address.window else (window or scene.forecast)
        seen = log.start <= span.start < span.end <= log.end
        values[address.text] = FUNCTIONS[address.quantity](picker, address, span) if seen else _NAN
    return values


@lru_cache(maxsize=1024)
def _span(text: str, start: str) -> Window:
    return parse_window(text, start)


def _counted(number: int, period: Period, statistic: str) -> float:
    return float(number) if statistic == "count" else number / period.years


def _n(which: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(which))


def _of_waits(waits: NDArray[np.float64], address: MeasureAddress) -> float:
    """Return the statistic of waits in rising order."""
    if address.statistic in _QUANTILES:
        return quantile(waits, _QUANTILES[address.statistic])
    if not len(waits):
        return _NAN
    if address.statistic == "mean":
        return float(waits.mean())
    within = int(np.searchsorted(waits, address.number, side="right")) / len(waits)
    return within if address.statistic == "share_within_Nd" else 1.0 - within


# --- starts, requests and what came of them --------------------------------------------------------------------------


def _starts(picker: Picker, address: MeasureAddress, window: Window) -> float:
    period = picker.period(address, window)
    return _counted(len(period.starts), period, address.statistic)


def _requests(picker: Picker, address: MeasureAddress, window: Window) -> float:
    period = picker.period(address, window)
    number = _n(period.within(period.rows.referred) & period.rows.fresh)
    return _counted(number, period, address.statistic)


def _closed_for(*reasons: str) -> Measured:
    """Return the function that counts requests closed without admission for any of `reasons`."""

    def function(picker: Picker, address: MeasureAddress, window: Window) -> float:
        period = picker.period(address, window)
        number = sum(int(period.unadmitted[picker.ends[reason]]) for reason in reasons if reason in picker.ends)
        return _counted(number, period, address.statistic)

    return function


def _unmet(picker: Picker, address: MeasureAddress, window: Window) -> float:
    causes = (address.argument,) if address.argument else UNMET_CAUSES
    return _closed_for(*(reason for cause in causes for reason in UNMET_CAUSES[cause]))(picker, address, window)


def _from(picker: Picker, address: MeasureAddress, window: Window) -> float:
    period = picker.period(address, window)
    came = picker.paths.origins[period.rows.where[period.starts]]
    if address.argument == "door":
        number = _n(came < 0)
    else:
        sources = picker.scene.groups.get(address.argument, ()) if address.argument not in picker.index else ()
        wanted = [picker.index[s] for s in (*sources, address.argument) if s in picker.index]
        number = _n(np.isin(picker.log.service[came[came >= 0]], wanted))
    if address.statistic == "share":
        return divided(number, len(period.starts))
    return _counted(number, period, address.statistic)


def _from_home(picker: Picker, address: MeasureAddress, window: Window) -> float:
    period = picker.period(address, window)
    home = picker.passing((("home", frozenset({address.argument})),))
    number = _n(home[picker.log.kind[period.rows.where[period.starts]]])
    if address.statistic == "share":
        return divided(number, len(period.starts))
    return _counted(number, period, address.statistic)


# --- durations -------------------------------------------------------------------------------------------------------


def _wait(picker: Picker, address: MeasureAddress, window: Window) -> float:
    return _of_waits(picker.period(address, window).waits, address)


def _queue_wait(picker: Picker, address: MeasureAddress, window: Window) -> float:
    return _of_waits(picker.period(address, window).queue_waits, address)


def _internal_wait(picker: Picker, address: MeasureAddress, window: Window) -> float:
    return _of_waits(picker.period(address, window).internal_waits, address)


def _length(picker: Picker, address: MeasureAddress, window: Window) -> float:
    return _of_waits(picker.period(address, window).lengths, address)


def _door_wait(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Clocks from a request at the door to the first admission into treatment.

    Mean and percentile are of those first admitted in the window.  The share within the limit is of the clocks
    decided in the window: stopped in time by an admission, or run past the limit while the citizen waited; whoever
    goes before either is not in it.  The shares within N days, and on the same or the next day of the calendar, are
    worked out alike, with that in place of the legal limit.
    """
    clocks, period = picker.clocks(address), picker.period(address, window)
    requested, treated, stopped = clocks.requested, clocks.treated, clocks.stopped
    if address.statistic == "still_waiting":
        running = (requested < window.end) & (np.minimum(treated, stopped) >= window.end)
        return float(_n(running))
    now = period.within(treated)
    if address.statistic in ("mean", "p90"):
        return _of_waits(np.sort(treated[now] - requested[now]), address)
    limit = _clock_limit(address, requested, clocks.limit)
    if np.isnan(limit).all():
        return _NAN
    in_time = _n(now & (treated <= limit))
    broken = _n(period.within(limit) & (treated > limit) & (stopped > limit))
    return broken / period.years if address.statistic == "breaches" else divided(in_time, in_time + broken)


def _clock_limit(
    address: MeasureAddress, requested: NDArray[np.float64], legal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the last day on which a clock is in time, by the statistic asked for."""
    if address.statistic == "share_within_Nd":
        return requested + address.number
    if address.statistic == "share_next_day":
        return np.nextafter(np.floor(requested) + 2.0, 0.0)
    return requested + legal


def _of_citizens(picker: Picker, address: MeasureAddress) -> NDArray[np.bool_]:
    """Return which citizens belong to a cohort and had, at first, a kind that passes the filter."""
    log, firsts = picker.log, picker.paths.firsts
    picked = picker.passing(address.filter)[log.kind[firsts]] if address.filter else np.ones(len(firsts), dtype=bool)
    if address.subject_kind == "cohort":
        picked &= np.array([c == address.subject for c in log.legend.cohorts], dtype=bool)[log.cohort[firsts]]
    return picked


def _visits(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays in the subject, to the end of the log, for each citizen whose first request came in the window."""
    paths, rows = picker.paths, picker.rows(address)
    came = picker.log.referred[paths.firsts]
    arrived = _of_citizens(picker, address) & paths.newcomer & (came >= window.start) & (came < window.end)
    stays = rows.where[rows.is_stay & rows.fresh]
    return divided(_n(arrived[paths.citizen[stays]]), _n(arrived))


def _time_in_system(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """From the first request to the end of the main strand, of the citizens for whom it ended in the window."""
    paths = picker.paths
    gone = _of_citizens(picker, address) & paths.newcomer & (paths.gone >= window.start) & (paths.gone < window.end)
    times = paths.gone[gone] - picker.log.referred[paths.firsts[gone]]
    return float(times.mean()) if len(times) else _NAN


def _blocked(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays held after they were done: how many at a time, or their part of the time present."""
    rows, log = picker.rows(address), picker.log
    stays = rows.where[rows.is_stay]
    # An open stay that is past its due day is held: stays otherwise end on it or before.
    held = total_days(log.due[stays], np.maximum(log.left[stays], log.due[stays]), window)
    if address.statistic == "mean":
        return held / window.days
    return divided(held, total_days(log.admitted[stays], log.left[stays], window))


# --- ends and outcomes -----------------------------------------------------------------------------------------------


def _flow(picker: Picker, address: MeasureAddress, window: Window) -> float:
    period = picker.period(address, window)
    words = {"leave": LEAVE, "died": DIED}
    code = words[address.argument] if address.argument in words else picker.index.get(address.argument, -99)
    return _counted(_n(picker.log.to[period.ended_rows] == code), period, address.statistic)


def _ends(picker: Picker, address: MeasureAddress, window: Window) -> float:
    period = picker.period(address, window)
    end = picker.ends.get(address.argument)
    return _counted(0 if end is None else int(period.closings[end]), period, address.statistic)


def _ends_share(picker: Picker, address: MeasureAddress, window: Window) -> float:
    period = picker.period(address, window)
    ends = picker.log.end_[period.ended_rows]
    return divided(_n(ends == picker.ends.get(address.argument, -99)), len(ends))


def _status(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays that ended with a status; the share is of the stays that ended with any, ``unknown`` among them."""
    period, statuses = picker.period(address, window), picker.log.legend.statuses
    found = picker.log.status[period.ended_rows]
    code = statuses.index(address.argument) if address.argument in statuses else -99
    number = _n(found == code)
    if address.statistic == "share":
        return divided(number, _n(found >= 0))
    return _counted(number, period, address.statistic)


def _gain(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Stays ended with a favourable status, less those that would have without the service, times a causal share."""
    period = picker.period(address, window)
    good = outcomes.favourable(picker, address.quantity)
    rows = period.ended_rows[picker.log.without[period.ended_rows] >= 0]
    more = _n(good[picker.log.status[rows]]) - _n(good[picker.log.without[rows]])
    return more / period.years * address.number / 100.0


def _deaths(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Citizens, each once however many of their rows death closed."""
    period = picker.period(address, window)
    closed, log = period.rows.where[period.closed], picker.log
    dead = closed[(log.to[closed] == DIED) | (log.end_[closed] == picker.ends.get("died", -99))]
    if not len(dead):
        return 0.0
    return _counted(_n(np.bincount(picker.paths.citizen[dead]) > 0), period, address.statistic)


#: Every quantity of the vocabulary and its function.
FUNCTIONS: Mapping[str, Measured] = {
    "starts": _starts,
    "requests": _requests,
    "enrolled": crowding.enrolled,
    "present": crowding.of_levels("present"),
    "waiting": crowding.of_levels("waiting"),
    "places": crowding.places,
    "occupancy": crowding.occupancy,
    "overload": crowding.overload,
    "under_workable": crowding.under_workable,
    "binds_by": binding.binds_by,
    "until_binding": binding.until_binding,
    "wait": _wait,
    "queue_wait": _queue_wait,
    "internal_wait": _internal_wait,
    "door_wait": _door_wait,
    "refused": _closed_for("refused"),
    "gave_up": _closed_for("gave_up"),
    "declined": _closed_for("declined"),
    "too_far": _closed_for("too_far"),
    "could_not_attend": _closed_for("could_not_attend"),
    "ineligible": _closed_for("ineligible"),
    "withdrawn": _closed_for("withdrawn"),
    "unmet": _unmet,
    "blocked": _blocked,
    "length": _length,
    "visits": _visits,
    "time_in_system": _time_in_system,
    "flow": _flow,
    "from": _from,
    "from_home": _from_home,
    "ends": _ends,
    "ends_share": _ends_share,
    "status": _status,
    "final_status": outcomes.final_status,
    "discharged": outcomes.discharged,
    "improved": outcomes.improved,
    "returned": outcomes.returned,
    "before": outcomes.before,
    "after": outcomes.after,
    "became": outcomes.became,
    "gain": _gain,
    "gain_improved": _gain,
    "count_at": crowding.count_at,
    "present_by": crowding.present_by,
    "deaths": _deaths,
    "talks": appointments.talks,
    "call_in": appointments.call_in,
    "staff_hours": crowding.staff_hours,
    "fte": crowding.fte,
    "posts": crowding.posts,
    "staff_load": crowding.staff_load,
    "contacts": crowding.contacts,
}
