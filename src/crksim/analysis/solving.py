"""The inverse question: the smallest value of a lever that reaches a goal, and what it would only seem to reach.

A wait can be short because there are places, or because nobody stays in the queue.  For a goal about waiting a version
therefore counts at a value only if

- those who leave the queue without a place (gave up, refused, lapsed) are at most a given share of all who asked, and
- demand is below what the places can serve: load = (starts + those who left) x mean length of stay / place-days < 1.
  From 1 on a queue is held back by those who leave it, or grows beyond the time that is watched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import likely_range
from crksim.analysis.goals import Goal
from crksim.analysis.points import expected
from crksim.model.clock import YEAR
from crksim.model.network import Network
from crksim.model.vocabulary import MeasureAddress, groups_of

__all__ = ["MOST_LOST", "SHARES", "Solution", "Tried", "Watched", "solve", "tried", "watched"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Largest share of those who asked that may leave the queue without a place, unless another is given: 1 in 10.
MOST_LOST = 0.1
#: Shares of the versions at which the answer is told beside the one asked for.
SHARES = (0.05, 0.5, 0.95)

#: Quantities that look better when people leave the queue.
_OF_WAITING = ("wait", "queue_wait", "internal_wait", "door_wait", "waiting")
_LEFT = ("gave_up", "refused", "withdrawn")
_ASKED = ("starts", *_LEFT, "declined")
_PLACES = ("starts", *_LEFT, "length.mean", "occupancy", "present.mean")
_TOUCH = 1e-12


@dataclass(frozen=True)
class Watched:
    """What is measured at every value.

    Parameters
    ----------
    goal : Goal
        What is aimed at.
    subject : str
        Whose requests are counted, filter and all.
    services : tuple of str
        Services with hard places whose load is told.
    most_lost : float
        Largest share that may leave the queue without a place.
    """

    goal: Goal
    subject: str
    services: tuple[str, ...]
    most_lost: float = MOST_LOST

    @property
    def guarded(self) -> bool:
        """Whether the goal is one that people who leave the queue help to reach."""
        return self.goal.measure.quantity in _OF_WAITING

    @property
    def measures(self) -> tuple[str, ...]:
        """Output addresses, that of the goal first."""
        window = f"@{self.goal.measure.window}" if self.goal.measure.window else ""
        asked = [f"{self.subject}.{name}{window}" for name in _ASKED]
        places = [f"{service}.{name}{window}" for service in self.services for name in _PLACES]
        return (self.goal.measure.text, *asked, *places)


def watched(goal: Goal, address: str, network: Network, most_lost: float = MOST_LOST) -> Watched:
    """Return what has to be measured to know whether a goal is reached, and how.

    Parameters
    ----------
    goal : Goal
        What is aimed at.
    address : str
        Address of the lever.
    network : Network
        That of the what-if.
    most_lost : float
        Largest share that may leave the queue without a place.
    """
    hard = {service.id for service in network.services if service.places.hard is not None}
    head, _, rest = address.partition(".")
    turned = rest.split(".")[0]
    measure = goal.measure
    if head == "services" and turned in hard:
        services: tuple[str, ...] = (turned,)
    else:
        named = groups_of(network).get(measure.subject, (measure.subject,))
        services = tuple(named) if set(named) <= hard else ()
    return Watched(goal, _subject(measure), services, most_lost)


def _subject(measure: MeasureAddress) -> str:
    return measure.text[: measure.text.index("]") + 1] if measure.filter else measure.subject


@dataclass(frozen=True, eq=False)
class Tried:
    """One value that was run.

    Parameters
    ----------
    value : float
        Of the lever.
    mean : float
        Of the measure, over all replications in which it is defined.
    measured, lost, declined, load : ndarray of float, shape (members,)
        What every version expects: the measure; the shares of those who asked that left the queue without a place, and
        that declined; demand over what the places can serve.
    reached : ndarray of bool, shape (members,)
        Which versions keep the bound.
    counted : ndarray of bool, shape (members,)
        Which of them count.
    """

    value: float
    mean: float
    measured: Floats
    lost: Floats
    declined: Floats
    load: Floats
    reached: Bools
    counted: Bools

    def mean_of(self, name: str) -> float:
        """Return the mean over versions of ``lost``, ``declined`` or ``load``; NaN where none is defined."""
        return _mean(getattr(self, name))

    def row(self) -> dict[str, Any]:
        """Return the value as a row of the frontier."""
        known = self.measured[np.isfinite(self.measured)]
        low, high = likely_range(known)
        return {
            "value": self.value,
            "mean": self.mean,
            "low": low,
            "middle": float(np.median(known)) if len(known) else float("nan"),
            "high": high,
            "share_reached": float(self.reached.mean()),
            "share_counted": float(self.counted.mean()),
            "left_queue": self.mean_of("lost"),
            "declined": self.mean_of("declined"),
            "load": self.mean_of("load"),
            "share_overloaded": float((self.load >= 1.0).mean()),
        }


def tried(value: float, values: Floats, watch: Watched) -> Tried:
    """Return what a run at one value says.

    Parameters
    ----------
    value : float
        Of the lever.
    values : ndarray of float, shape (members, futures, measures)
        The measures of `watch`.
    watch : Watched
        What was measured.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        starts, *left, declined = (values[:, :, column] for column in range(1, 1 + len(_ASKED)))
        gone = sum(left)
        lost = expected(gone / (starts + gone))
        refused = expected(declined / (starts + gone + declined))
        load = expected(_load(values[:, :, 1 + len(_ASKED) :]))
    measured = expected(values[:, :, 0])
    reached = watch.goal.kept(measured)
    fair = ~((load >= 1.0) | (lost > watch.most_lost)) if watch.guarded else np.ones(len(values), dtype=bool)
    return Tried(value, _mean(values[:, :, 0]), measured, lost, refused, load, reached, reached & fair)


def _load(values: Floats) -> Floats:
    """Return demand over what the places can serve, shape (members, futures); NaN where it cannot be known."""
    size = len(_PLACES)
    work, room = np.zeros(values.shape[:2]), np.zeros(values.shape[:2])
    for first in range(0, values.shape[2], size):
        *came, length, occupancy, present = (values[:, :, first + column] for column in range(size))
        work += sum(came) * length / YEAR
        room += present / occupancy
    return work / room


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


@dataclass(frozen=True, eq=False)
class Solution:
    """What was found.

    Parameters
    ----------
    watch : Watched
        What was aimed at, and what was measured.
    tried : tuple of Tried
        All values that were run, rising.
    smallest : float or None
        Smallest value from which the goal is reached at every value that was run.
    on_paper : float or None
        The same when those who left the queue are not looked at.
    interval : tuple of (float or None)
        Smallest values for 5, 50 and 95 % of the versions; None is above all that were run.
    own_low, own_high : ndarray of float, shape (members,)
        Largest value that was run and does not do for a version, and the smallest from which it does; NaN where there
        is none.
    against : int
        Versions that reach the goal at a value and no longer at a larger one that was run.
    """

    watch: Watched
    tried: tuple[Tried, ...]
    smallest: float | None
    on_paper: float | None
    interval: tuple[float | None, float | None, float | None]
    own_low: Floats
    own_high: Floats
    against: int

    @property
    def at_smallest(self) -> Tried | None:
        """What was run at the answer."""
        return next((one for one in self.tried if one.value == self.smallest), None)

    @property
    def sham(self) -> tuple[Tried, ...]:
        """Values at which enough versions keep the bound, and too few of them count."""
        goal = self.watch.goal
        return tuple(
            one for one in self.tried if _enough(one.reached, goal.chance) and not _enough(one.counted, goal.chance)
        )

    @property
    def hidden(self) -> bool:
        """Whether a queue grows at the answer that the goal does not speak of."""
        at = self.at_smallest
        return at is not None and not self.watch.guarded and at.mean_of("load") >= 1.0


def _enough(which: Bools, share: float) -> bool:
    return float(which.mean()) >= share - _TOUCH


def solve(grid: Sequence[float], watch: Watched, run: Callable[[float], Floats]) -> Solution:
    """Find the smallest value of a lever that reaches a goal, by bisection; nothing is run twice.

    The largest, the smallest and the middle value are always run.  From there every share of the versions that is
    asked for (the goal's, 5, 50 and 95 %) is searched for on its own; all of them use whatever has been run.

    Parameters
    ----------
    grid : sequence of float
        Values that the lever may take, rising.
    watch : Watched
        What is aimed at.
    run : callable
        Value -> the measures of `watch`, shape (members, futures, measures), on the same luck for every value.
    """
    found: dict[int, Tried] = {}

    def at(place: int) -> Tried:
        if place not in found:
            found[place] = tried(grid[place], run(grid[place]), watch)
        return found[place]

    def settle(enough: Callable[[Tried], bool]) -> None:
        """Halve the gap below the smallest value from which all that were run are enough, until there is none."""
        while True:
            places = sorted(found)
            first = len(places)
            while first and enough(found[places[first - 1]]):
                first -= 1
            if first in (0, len(places)) or places[first] - places[first - 1] == 1:
                return
            at((places[first] + places[first - 1]) // 2)

    for place in (len(grid) - 1, 0, (len(grid) - 1) // 2):
        at(place)
    chance = watch.goal.chance
    settle(lambda one: _enough(one.counted, chance))
    settle(lambda one: _enough(one.reached, chance))
    for share in SHARES:
        settle(lambda one, share=share: _enough(one.counted, share))  # type: ignore[misc]
    rising = tuple(found[place] for place in sorted(found))
    counted = np.array([one.counted for one in rising])
    values = np.array([one.value for one in rising])
    # From where on everything that was run does, and the last value that does not.
    holds = np.logical_and.accumulate(counted[::-1], axis=0)[::-1]
    return Solution(
        watch=watch,
        tried=rising,
        smallest=_smallest(rising, [_enough(one.counted, chance) for one in rising]),
        on_paper=_smallest(rising, [_enough(one.reached, chance) for one in rising]),
        interval=tuple(_smallest(rising, [_enough(row, share) for row in holds]) for share in SHARES),  # type: ignore[arg-type]
        own_low=_ends(values, ~counted, last=True),
        own_high=_ends(values, holds, last=False),
        against=int((counted & ~holds).any(axis=0).sum()),
    )


def _smallest(rising: Sequence[Tried], enough: Sequence[bool]) -> float | None:
    """Return the smallest value from which it is enough at all that were run."""
    answer = None
    for one, does in zip(reversed(rising), reversed(enough), strict=True):
        if not does:
            break
        answer = one.value
    return answer


def _ends(values: Floats, which: NDArray[np.bool_], *, last: bool) -> Floats:
    """Return the last or first value for which a version's column is true; NaN where none is."""
    columns = which[::-1] if last else which
    found = (values[::-1] if last else values)[np.argmax(columns, axis=0)]
    return np.where(columns.any(axis=0), found, np.nan)
