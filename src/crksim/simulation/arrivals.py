"""When newcomers come: dyadic strips of a keyed Poisson field, so that a changed rate moves nobody.

Strip 0 covers rates of 0-1 citizens a year, strip j those of 2^(j-1) to 2^j.  Each strip is a Poisson stream of its
own; a point of it is a citizen when its keyed height lies under the rate of that moment (thinning, Lewis and Shedler
1979).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from crksim.errors import CheckError
from crksim.model.clock import YEAR, month_index
from crksim.model.cohorts import Arrivals, Cohort
from crksim.model.network import Number
from crksim.simulation.luck import Luck, constant, exponentials, on_grid, uniforms

__all__ = ["PRESENT", "STRIP", "arrival_rate", "arrivals", "luck_of"]

#: A newcomer's number is ``strip * STRIP + place in the strip``.
STRIP = 1 << 26
#: Those present at the start are numbered from ``(PRESENT + index of the present entry) * STRIP``.
PRESENT = 48
#: So many standard deviations more than expected are drawn of a strip at first; nearly always that is enough.
SLACK = 4.0

_Vector = NDArray[np.float64]
_Numbers = NDArray[np.int64]


def _stepped(number: Number, theta: dict[str, float], days: _Vector) -> _Vector:
    starts = np.array([start for start, _ in number.steps])
    values = np.array([quantity.value(theta) for _, quantity in number.steps])
    return np.asarray(values[np.searchsorted(starts, days, side="right") - 1])


def luck_of(cohort: Cohort, number: int) -> tuple[str, int]:
    """Return the luck key of a citizen of a cohort and the number under it, given the number in the log."""
    entry = number // STRIP - PRESENT
    if entry < 0:
        return cohort.luck_key, number
    return f"{cohort.luck_key}/{cohort.present[entry].id}", number % STRIP


def arrival_rate(pattern: Arrivals, theta: dict[str, float], start: str, days: _Vector) -> _Vector:
    """Return the arrival rate at given days.

    Parameters
    ----------
    pattern : Arrivals
        The cohort's arrivals.
    theta : dict of str to float
        Parameter values.
    start : str
        ISO date of day 0.
    days : ndarray of float, shape (n,)
        Days since start.

    Returns
    -------
    ndarray of float, shape (n,)
        Citizens per day.
    """
    if pattern.rate is None:
        return np.zeros(len(days))
    rate = _stepped(pattern.rate, theta, days)
    if pattern.months is not None:
        table = np.array([[_stepped(month, theta, days)] for month in pattern.months])[:, 0]
        rate = rate * table[month_index(days, start), np.arange(len(days))]
    if pattern.pattern and pattern.period is not None:
        into = np.mod(days, pattern.period)
        starts = np.array([at for at, _ in pattern.pattern])
        values = np.array([_stepped(factor, theta, days) for _, factor in pattern.pattern])
        rate = rate * values[np.searchsorted(starts, into, side="right") - 1, np.arange(len(days))]
    if pattern.wave is not None:
        amplitude, period, phase = (_stepped(number, theta, days) for number in pattern.wave)
        rate = rate * (1.0 + amplitude * np.sin(2.0 * math.pi * (days - phase) / period))
    return np.asarray(rate)


def _highest(number: Number, theta: dict[str, float]) -> float:
    return max(quantity.value(theta) for _, quantity in number.steps)


def _ceiling(pattern: Arrivals, theta: dict[str, float]) -> float:
    if pattern.rate is None:
        return 0.0
    ceiling = _highest(pattern.rate, theta)
    if pattern.months is not None:
        ceiling *= max(_highest(month, theta) for month in pattern.months)
    if pattern.pattern:
        ceiling *= max(_highest(factor, theta) for _, factor in pattern.pattern)
    if pattern.wave is not None:
        ceiling *= 1.0 + abs(_highest(pattern.wave[0], theta))
    return ceiling


def _gaps(luck: Luck, key: str, numbers: _Numbers, widths: _Vector | float) -> _Vector:
    """Return the times between points and those before them in their strips."""
    return on_grid(exponentials(luck.bases(key, numbers), constant("", 0, "gap")) / widths)


def _strips(luck: Luck, key: str, widths: _Vector, until: float) -> tuple[_Numbers, _Vector]:
    """Return the points of strips that are so wide, before the day `until`: strip by strip, in order of time."""
    expected = widths * until
    blocks = np.maximum(16, (expected + SLACK * np.sqrt(expected)).astype(np.int64))
    if blocks.max() > STRIP:
        raise CheckError(f"cohort {key}: more than {STRIP} newcomers in one strip")
    ends = blocks.cumsum()
    firsts, strips = ends - blocks, np.repeat(np.arange(len(widths)), blocks)
    numbers = strips * STRIP + np.arange(len(strips)) - firsts[strips]
    gaps = _gaps(luck, key, numbers, widths[strips])
    sums = gaps.cumsum()
    times = sums - (sums - gaps)[firsts][strips]  # exact, as all are on the grid
    reached = times[ends - 1]
    for strip in np.flatnonzero(reached < until).tolist():
        more = _rest(luck, key, strip, float(widths[strip]), int(blocks[strip]), float(reached[strip]), until)
        numbers, times = np.concatenate((numbers, more[0])), np.concatenate((times, more[1]))
        order = np.argsort(numbers)
        numbers, times = numbers[order], times[order]
    before = times < until
    return numbers[before], times[before]


def _rest(
    luck: Luck, key: str, strip: int, width: float, drawn: int, reached: float, until: float
) -> tuple[_Numbers, _Vector]:
    """Return the points of a strip after the first `drawn` ones, up to the first one that comes after `until`."""
    numbers: list[_Numbers] = []
    times: list[_Vector] = []
    while reached < until:
        block = max(16, drawn // 8)
        if drawn + block > STRIP:
            raise CheckError(f"cohort {key}: more than {STRIP} newcomers in one strip")
        number = strip * STRIP + np.arange(drawn, drawn + block, dtype=np.int64)
        time = reached + _gaps(luck, key, number, width).cumsum()
        numbers.append(number)
        times.append(time)
        reached, drawn = float(time[-1]), drawn + block
    return np.concatenate(numbers), np.concatenate(times)


def arrivals(
    luck: Luck, key: str, pattern: Arrivals, theta: dict[str, float], start: str, until: float
) -> tuple[NDArray[np.int64], _Vector]:
    """Return the newcomers of one cohort before the day `until`, in order of arrival.

    Parameters
    ----------
    luck : Luck
        Luck of the replication.
    key : str
        Luck key of the cohort.
    pattern : Arrivals
        Its arrivals.
    theta : dict of str to float
        Parameter values.
    start : str
        ISO date of day 0.
    until : float
        Days since start.

    Returns
    -------
    numbers : ndarray of int, shape (n,)
        Numbers of the citizens; independent of the rate.
    times : ndarray of float, shape (n,)
        Days since start, on the grid.

    Raises
    ------
    CheckError
        More newcomers than a strip has numbers for.
    """
    if pattern.times or pattern.every is not None:
        if pattern.every is not None:
            first, step = pattern.every
            times = np.asarray(first + step * np.arange(max(0, math.ceil((until - first) / step))), np.float64)
        else:
            times = np.sort(np.array(pattern.times, np.float64))
        times = on_grid(times)
        numbers = np.arange(len(times), dtype=np.int64)
        keep = (times >= 0.0) & (times < until)
        return numbers[keep], times[keep]
    ceiling = _ceiling(pattern, theta) * YEAR
    if ceiling <= 0.0:
        return np.empty(0, np.int64), np.empty(0)
    tops = [1.0]
    while tops[-1] < ceiling:
        tops.append(tops[-1] * 2.0)
    lows = np.array([0.0, *tops[:-1]])
    widths = np.array(tops) - lows
    numbers, times = _strips(luck, key, widths / YEAR, until)
    steady = pattern.rate is not None and len(pattern.rate.steps) == 1
    steady = steady and pattern.months is None and pattern.wave is None and not pattern.pattern
    # All of a strip that lies under a steady rate are citizens; for the others it is asked.
    sure = np.searchsorted(numbers, (len(tops) - 1) * STRIP) if steady else 0
    asked = numbers[sure:]
    strips = asked // STRIP
    heights = lows[strips] + widths[strips] * uniforms(luck.bases(key, asked), constant("", 0, "height"))
    under = np.ones(len(numbers), bool)
    under[sure:] = heights < arrival_rate(pattern, theta, start, times[sure:]) * YEAR
    numbers, times = numbers[under], times[under]
    order = np.argsort(times, kind="stable")  # numbers rise already, and so do the times of each strip
    return numbers[order], times[order]
