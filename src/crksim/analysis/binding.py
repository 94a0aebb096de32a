"""When a limit begins to bind: not once by chance, but for most of a quarter.

A limit binds from the first day on of which the service is full for at least half of the quarter that follows.  Full is
every hard place taken, so that whoever comes waits; or, with a norm, more citizens than the norm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.crowding import open_members
from crksim.analysis.occupancy import levels
from crksim.analysis.rows import Picker
from crksim.analysis.scene import PlaceLimits, Steps
from crksim.model.clock import YEAR, Window, parse_date
from crksim.model.vocabulary import MeasureAddress

__all__ = ["QUARTER", "SHARE_FULL", "binds_by", "first_binding", "until_binding"]

_NAN = float("nan")
#: Days of a quarter, and the share of them that a service must be full.
QUARTER = YEAR / 4.0
SHARE_FULL = 0.5


def first_binding(bounds: NDArray[np.float64], full: NDArray[np.bool_]) -> float:
    """Return the first day of which a service is full for half of the quarter that follows, or infinity.

    Parameters
    ----------
    bounds : ndarray of float, shape (k + 1,)
        Days at which being full may change, rising, the ends of what is seen among them.
    full : ndarray of bool, shape (k,)
        Whether it is full between two bounds.
    """
    last = bounds[-1] - QUARTER
    if last < bounds[0]:
        return float("inf")
    running = np.concatenate(([0.0], np.cumsum(np.where(full, np.diff(bounds), 0.0))))
    # Between these days the time full of the quarter that follows is a straight line.
    days = np.unique(np.concatenate((bounds, bounds - QUARTER)))
    days = days[(days >= bounds[0]) & (days <= last)]
    over = np.interp(days + QUARTER, bounds, running) - np.interp(days, bounds, running) - SHARE_FULL * QUARTER
    reached = np.flatnonzero(over >= -1e-9)
    if not len(reached):
        return float("inf")
    i = int(reached[0])
    if i == 0:
        return float(days[0])
    before, after = float(-over[i - 1]), float(max(over[i], 0.0))
    return float(days[i - 1] + (days[i] - days[i - 1]) * before / (before + after))


def _found(picker: Picker, address: MeasureAddress, window: Window) -> tuple[float, float] | None:
    """Return when the first service of an address opened and the first day of binding of any; None without limits."""
    firsts = []
    for service, limits, span in open_members(picker, address, window):
        if limits.norm is not None:
            firsts.append((span.start, _of_service(picker, service, limits, limits.norm, span)))
    if not firsts:
        return None
    return min(start for start, _ in firsts), min(day for _, day in firsts)


def _of_service(picker: Picker, service: str, limits: PlaceLimits, norm: Steps, span: Window) -> float:
    found = levels(*picker.service(service).stays, span)
    bounds = np.union1d(found.bounds, norm.days[(norm.days > span.start) & (norm.days < span.end)])
    begins = bounds[:-1]
    numbers = found.numbers[np.maximum(np.searchsorted(found.bounds, begins, side="right") - 1, 0)]
    allowed = norm.at(begins)
    return first_binding(bounds, numbers >= allowed if limits.hard else numbers > allowed)


def until_binding(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """Days of the window, from the opening, until the limit binds; all there are where it never does."""
    found = _found(picker, address, window)
    if found is None:
        return _NAN
    return min(found[1], window.end) - found[0]


def binds_by(picker: Picker, address: MeasureAddress, window: Window) -> float:
    """1 where the limit binds within the window and not after a date, else 0: over futures, a share."""
    found = _found(picker, address, window)
    if found is None:
        return _NAN
    return float(found[1] <= parse_date(address.argument, picker.scene.start))
