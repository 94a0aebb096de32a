"""How many are there at a time: integrals, levels and series of spans of time.

A span runs from a beginning up to but not including an end; an end that is NaN has not come yet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crksim.model.clock import Window
from crksim.simulation.staylog import StayLog

__all__ = ["Levels", "integral_until", "levels", "number_at", "series", "total_days"]

Floats = NDArray[np.float64]


def total_days(begins: Floats, ends: Floats, window: Window) -> float:
    """Return the days that spans lie inside `window`, all spans together.

    Parameters
    ----------
    begins, ends : ndarray of float, shape (n,)
        Days; NaN ends are open.
    window : Window
        Where time is counted.
    """
    inside = np.fmin(ends, window.end) - np.maximum(begins, window.start)
    return float(inside[inside > 0].sum())


def number_at(begins: Floats, ends: Floats, days: Floats) -> NDArray[np.int64]:
    """Return how many spans hold each of `days`; a span that ends on the day does not.

    Parameters
    ----------
    begins, ends : ndarray of float, shape (n,)
        Days; NaN ends are open, NaN beginnings are spans that never were.
    days : ndarray of float, shape (m,)
        Where to count.
    """
    begins, ends = np.sort(begins), np.sort(ends)  # NaN sorts last, after every day
    return np.searchsorted(begins, days, side="right") - np.searchsorted(ends, days, side="right")


def integral_until(begins: Floats, ends: Floats, days: Floats) -> Floats:
    """Return the span-days spent before each of `days`.

    Parameters
    ----------
    begins, ends : ndarray of float, shape (n,)
        Days, none of them NaN before the last of `days`.
    days : ndarray of float, shape (m,)
        Up to when to sum.
    """
    return _ramp(begins, days) - _ramp(ends, days)


def _ramp(points: Floats, days: Floats) -> Floats:
    """Return the sum over `points` of the days passed since, for each of `days`."""
    points = np.sort(points)
    before = np.searchsorted(points, days)
    sums = np.concatenate(([0.0], np.cumsum(points[: int(before.max(initial=0))])))
    return before * days - sums[before]


class Levels:
    """Number present as a step function over a window.

    Parameters
    ----------
    bounds : ndarray of float, shape (k + 1,)
        Days at which the number may change, the window's ends among them, rising.
    numbers : ndarray of int, shape (k,)
        Number present between two bounds.
    """

    def __init__(self, bounds: Floats, numbers: NDArray[np.int64]) -> None:
        self.bounds, self.numbers, self.days = bounds, numbers, np.diff(bounds)
        self._shares = np.bincount(numbers, weights=self.days) / (bounds[-1] - bounds[0])
        self._running = np.cumsum(self._shares)

    def quantile(self, share: float) -> float:
        """Return the smallest number that is not exceeded for at least `share` of the time."""
        return float(min(int(np.searchsorted(self._running, share - 1e-12)), len(self._running) - 1))

    def maximum(self) -> float:
        """Return the largest number present for any length of time."""
        return float(np.flatnonzero(self._shares > 0)[-1])

    def share_below(self, number: float) -> float:
        """Return the share of time with fewer than `number` present."""
        return float(self._shares[: max(0, int(np.ceil(number)))].sum())

    def days_above(self, limit: float, start: float, end: float) -> float:
        """Return the days between `start` and `end` with more than `limit` present."""
        inside = np.minimum(self.bounds[1:], end) - np.maximum(self.bounds[:-1], start)
        return float(inside[(inside > 0) & (self.numbers > limit)].sum())


def levels(begins: Floats, ends: Floats, window: Window) -> Levels:
    """Return the step function of the number of spans over `window`.

    Parameters
    ----------
    begins, ends : ndarray of float, shape (n,)
        Days; NaN ends are open.
    window : Window
        Of positive length.
    """
    first = int(np.count_nonzero(begins <= window.start)) - int(np.count_nonzero(ends <= window.start))
    rises = begins[(begins > window.start) & (begins < window.end)]
    falls = ends[(ends > window.start) & (ends < window.end)]
    days = np.concatenate((rises, falls))
    order = np.argsort(days)
    steps = np.where(order < len(rises), 1, -1)
    numbers = first + np.concatenate(([0], np.cumsum(steps)))
    # Between a departure and an arrival at one instant the sum may dip, for no time at all.
    return Levels(np.concatenate(([window.start], days[order], [window.end])), np.maximum(numbers, 0))


def series(log: StayLog, services: Sequence[str], days: Floats) -> NDArray[np.int64]:
    """Return the number present in each service on each day.

    Parameters
    ----------
    log : StayLog
        The rows.
    services : sequence of str
        Service ids; one that the log does not know has nobody.
    days : ndarray of float, shape (m,)
        Days since the study's start.

    Returns
    -------
    ndarray of int64, shape (services, m)
    """
    index = {service: i for i, service in enumerate(log.legend.services)}
    table = np.zeros((len(services), len(days)), dtype=np.int64)
    stays = ~np.isnan(log.admitted)
    for line, service in enumerate(services):
        if service in index:
            rows = np.flatnonzero((log.service == index[service]) & stays)
            table[line] = number_at(log.admitted[rows], log.left[rows], days)
    return table
