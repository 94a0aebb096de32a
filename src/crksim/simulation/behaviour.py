"""What is drawn when a citizen is admitted: the end, its time, its destination, its outcome, for blocks of citizens."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.model.laws import Law
from crksim.simulation.luck import constant, exponentials, on_grid, uniform_table, view
from crksim.simulation.misses import Awaited
from crksim.simulation.packing import pack
from crksim.simulation.staylog import DIED, LEAVE

__all__ = ["HOME", "ORIGIN", "Behaviour", "BoundEnd", "Outcome", "Steps", "branches"]

#: Destinations that are known only when the stay ends.
HOME, ORIGIN = -5, -6

_GRID = 2.0**20


class Steps:
    """A rate per day as a step function of the calendar.

    Parameters
    ----------
    times : sequence of float
        Days from which each rate holds; the first is ``-inf``.
    rates : sequence of float
        Rates per day.
    """

    __slots__ = ("constant", "highest", "rates", "times")

    def __init__(self, times: Sequence[float], rates: Sequence[float]) -> None:
        self.times, self.rates = list(times), list(rates)
        self.constant = len(self.rates) == 1
        self.highest = max(self.rates)

    def at(self, day: float) -> float:
        """Return the rate in force on a day."""
        return self.rates[bisect_right(self.times, day) - 1]

    def reach(self, now: float, amount: float) -> float:
        """Return how many days from `now` it takes to gather `amount` of hazard, on the grid; inf if never."""
        if self.constant:
            rate = self.rates[0]
            return round(amount / rate * _GRID) / _GRID if rate > 0.0 else math.inf
        index, passed = bisect_right(self.times, now) - 1, 0.0
        for rate, end in zip(self.rates[index:], [*self.times[index + 1 :], math.inf], strict=True):
            room = rate * (end - now - passed) if rate > 0.0 else 0.0
            if amount < room:
                return round((passed + amount / rate) * _GRID) / _GRID
            amount -= room
            passed = end - now
        return math.inf

    def spent(self, start: float, end: float) -> float:
        """Return the cumulative hazard between two days."""
        if self.constant:
            return self.rates[0] * (end - start)
        index, total, at = bisect_right(self.times, start) - 1, 0.0, start
        for rate, until in zip(self.rates[index:], [*self.times[index + 1 :], math.inf], strict=True):
            total += rate * (min(until, end) - at)
            if until >= end:
                break
            at = until
        return total


class Outcome:
    """One way a stay can turn out: the end, the destination, the status, what it changes."""

    __slots__ = ("becomes", "careful", "code", "foreseen", "packed_to", "to")

    def __init__(
        self, end: int, to: int, status: int, without: int, becomes: tuple[tuple[str, str], ...], careful: bool
    ) -> None:
        self.to, self.becomes = to, becomes
        self.packed_to = to if to >= DIED else 0
        #: More happens at the end than that it leads on.
        self.careful = careful or bool(becomes) or to in (DIED, ORIGIN)
        #: Where it leads is known on admission, and with it all of the row.
        self.foreseen = not self.careful and to != HOME
        self.code = pack(end, self.packed_to, status, without)


class BoundEnd:
    """An end of a stay with its numbers filled in.

    Parameters
    ----------
    index : int
        Index in the legend's ends.
    law : Law or None
        Planned length, in days.
    hazard : Steps or None
        Competing rate.
    awaited : Awaited or None
        Misses in a row that compete.
    to, status, without : tuple of (tuple of float, tuple)
        Running sums of the shares, and what each branch leads to.
    becomes : tuple of (str, running sums, values)
        Attributes that change.
    """

    __slots__ = ("awaited", "becomes", "hazard", "id", "index", "law", "status", "to", "width", "without")

    def __init__(
        self,
        id: str,
        index: int,
        law: Law | None,
        hazard: Steps | None,
        to: tuple[tuple[float, ...], tuple[int, ...]],
        status: tuple[tuple[float, ...], tuple[int, ...]],
        without: tuple[tuple[float, ...], tuple[int, ...]] | None,
        becomes: tuple[tuple[str, tuple[float, ...], tuple[str, ...]], ...],
        awaited: Awaited | None = None,
    ) -> None:
        self.id, self.index, self.law, self.hazard, self.awaited = id, index, law, hazard, awaited
        self.to, self.status, self.without, self.becomes = to, status, without, becomes
        self.width = len(to[1]) * len(status[1]) * (1 if without is None else len(without[1]))
        for _, _, values in becomes:
            self.width *= len(values)

    def maps(self) -> list[tuple[str, tuple[float, ...]]]:
        """Return what is drawn and the running sums of its branches, in the order in which branches are numbered."""
        found = [("to", self.to[0]), ("status", self.status[0])]
        if self.without is not None:
            found.append(("status", self.without[0]))
        return found + [("becomes:" + name, sums) for name, sums, _ in self.becomes]

    def outcome(self, branch: int, careful: bool) -> Outcome:
        """Return the outcome of one combination of branches, numbered as in `Behaviour.numbers`."""
        becomes = []
        for name, _, values in reversed(self.becomes):
            branch, value = divmod(branch, len(values))
            if values[value] != "same":
                becomes.append((name, values[value]))
        without = -1
        if self.without is not None:
            branch, which = divmod(branch, len(self.without[1]))
            without = self.without[1][which]
        branch, which = divmod(branch, len(self.status[1]))
        status = self.status[1][which]
        return Outcome(self.index, self.to[1][branch], status, without, tuple(sorted(becomes)), careful)


def branches(cumulative: Sequence[float], u: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the first branch whose running sum exceeds each draw; the last sum is taken as one."""
    branch = np.zeros(len(u), np.intp)
    for total in cumulative[:-1]:  # for a handful of branches this is much faster than bisection
        branch += u >= total
    return branch


class Behaviour:
    """Everything that admission to a service draws for one sort of citizen, in force over one span of dates.

    Parameters
    ----------
    number : int
        Identity within the plan.
    service : int
        Index of the service.
    signature : tuple of int
        Which cases apply, as in `Structure.signature`.
    family : str
        Luck key of the service.
    planned : tuple of float
        Running sums of the shares of the planned ends, which stand first in `ends`; empty when there are only hazards.
    ends : tuple of BoundEnd
        Planned ends, then those that compete with them by id.
    death : Steps or None
        Death rate while staying.
    careful : bool
        More happens in the service at the end of a stay than that it leads on: rules, a closing, a place held.
    """

    __slots__ = (
        "_careful",
        "_constants",
        "_laws",
        "_numbering",
        "_offsets",
        "_purposes",
        "_starts",
        "_to",
        "awaited",
        "competing",
        "death",
        "ends",
        "family",
        "hazards",
        "made",
        "number",
        "planned",
        "service",
        "signature",
        "simple",
    )

    def __init__(
        self,
        number: int,
        service: int,
        signature: tuple[int, ...],
        family: str,
        planned: tuple[float, ...],
        ends: tuple[BoundEnd, ...],
        death: Steps | None,
        careful: bool = False,
    ) -> None:
        self.number, self.service, self.signature = number, service, signature
        self.family, self.planned, self.ends, self.death = family, planned, ends, death
        self.hazards = tuple(
            (index, end.hazard) for index, end in enumerate(ends) if end.hazard is not None and end.hazard.constant
        )
        self.competing = tuple(
            (index, end.hazard) for index, end in enumerate(ends) if end.hazard is not None and not end.hazard.constant
        )
        self.awaited = tuple((index, end.awaited) for index, end in enumerate(ends) if end.awaited is not None)
        self.simple = not self.competing and not self.awaited and death is None
        self._careful = careful
        self._offsets = [0]
        for end in ends:
            self._offsets.append(self._offsets[-1] + end.width)
        #: Outcomes by their numbers, each made when it is first drawn.
        self.made: list[Any] = [None] * self._offsets[-1]
        self._starts = np.asarray(self._offsets)
        self._laws = _laws([end.law for end in ends[: len(planned)]])
        self._numbering = _numbering(ends)
        self._to = np.full((len(ends), max(len(end.to[1]) for end in ends)), LEAVE)
        for index, end in enumerate(ends):
            self._to[index, : len(end.to[1])] = end.to[1]
        drawn = {"end": None} if len(planned) > 1 else {}
        drawn |= {"length": None} if planned else {}
        drawn |= {"hazard:" + ends[index].id: None for index, _ in self.hazards}
        drawn |= {purpose: None for end in ends for purpose, sums in end.maps() if len(sums) > 1}
        self._purposes = tuple(drawn)
        #: What is drawn by purpose and visit.
        self._constants = np.empty((len(drawn), 0), np.uint64)

    def draws(self, bases: NDArray[np.uint64], nth: int | NDArray[np.int16]) -> dict[str, NDArray[np.float64]]:
        """Return every draw that the nth visit of some citizens may need, by purpose."""
        most = nth if isinstance(nth, int) else int(nth.max())
        known = self._constants.shape[1]
        if most >= known:
            more = [
                [constant(self.family, visit, purpose) for visit in range(known, most + 1)]
                for purpose in self._purposes
            ]
            shape = len(self._purposes), most + 1 - known
            self._constants = np.hstack((self._constants, np.array(more, np.uint64).reshape(shape)))
        whats = self._constants[:, nth : nth + 1] if isinstance(nth, int) else self._constants[:, nth]
        return dict(zip(self._purposes, uniform_table(bases, whats), strict=True))

    def stays(
        self, bases: NDArray[np.uint64], nth: int | NDArray[np.int16]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
        """Return outcomes, lengths and destinations of some citizens' visits, the nth of all or of each.

        Constant hazards are included.
        """
        draws = self.draws(bases, nth)
        end = np.zeros(len(bases), np.intp)
        if self.planned:
            if len(self.planned) > 1:
                end = branches(self.planned, draws["end"])
            lengths = self._lengths(draws["length"], end)
        else:
            lengths = np.full(len(bases), math.inf)
        for index, hazard in self.hazards:
            rate = hazard.rates[0]
            if rate > 0.0:
                time = on_grid(-np.log(draws["hazard:" + self.ends[index].id]) / rate)
                first = time < lengths
                lengths = np.where(first, time, lengths)
                end[first] = index
        numbers, to = self._numbers(draws, end)
        return numbers, lengths, to

    def _lengths(self, u: NDArray[np.float64], end: NDArray[np.intp]) -> NDArray[np.float64]:
        laws, which = self._laws
        if len(laws) == 1:
            return on_grid(laws[0].quantile(u))
        lengths, mine = np.empty(len(u)), which[end]
        for index, law in enumerate(laws):
            places = np.flatnonzero(mine == index)
            if len(places):
                lengths[places] = law.quantile(u[places])
        return on_grid(lengths)

    def amounts(self, bases: NDArray[np.uint64], nth: int, index: int) -> Sequence[float]:
        """Return the cumulative hazard that each citizen takes before end `index` comes."""
        return view(exponentials(bases, constant(self.family, nth, "hazard:" + self.ends[index].id)))

    def numbers(
        self, bases: NDArray[np.uint64], nth: int, end: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the number of each citizen's outcome and where it leads, given the end of each."""
        return self._numbers(self.draws(bases, nth), end)

    def _numbers(
        self, draws: dict[str, NDArray[np.float64]], end: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        one = len(self.ends) == 1
        number, way = np.zeros(len(end), np.intp) if one else self._starts[end], np.zeros(len(end), np.intp)
        for place, (purpose, strides, sums) in enumerate(self._numbering):
            branch = np.zeros(len(end), np.intp)
            for total in sums:
                branch += draws[purpose] >= (total[0] if one else total[end])
            number += branch * (strides[0] if one else strides[end])
            if place == 0 and purpose == "to":
                way = branch
        return number, self._to[0][way] if one else self._to[end, way]

    def outcome_of(self, bases: NDArray[np.uint64], nth: int, end: int) -> Outcome:
        """Return the outcome of one citizen's nth visit, given its end; most ends have one outcome only."""
        if self.ends[end].width == 1:
            return self.outcome(self._offsets[end])
        numbers, _ = self.numbers(bases, nth, np.array([end]))
        return self.outcome(int(numbers[0]))

    def outcome(self, number: int) -> Outcome:
        """Return an outcome by its number."""
        found: Outcome | None = self.made[number]
        if found is None:
            index = bisect_right(self._offsets, number) - 1
            branch = number - self._offsets[index]
            found = self.made[number] = self.ends[index].outcome(branch, self._careful)
        return found

    def make(self, numbers: NDArray[np.intp]) -> None:
        """See to it that outcomes are there to be looked up by their numbers."""
        if None in self.made:
            for number in np.bincount(numbers).nonzero()[0].tolist():
                self.outcome(number)


def _laws(laws: Sequence[Law | None]) -> tuple[list[Law], NDArray[np.intp]]:
    """Return the different laws among those of the planned ends, and which of them each has."""
    different: list[Law] = []
    which = np.zeros(max(len(laws), 1), np.intp)
    for index, law in enumerate(laws):
        if law is not None:
            if law not in different:
                different.append(law)
            which[index] = different.index(law)
    return different, which


def _numbering(ends: Sequence[BoundEnd]) -> list[tuple[str, NDArray[np.intp], list[NDArray[np.float64]]]]:
    """Return how branches make the number of an outcome.

    For every map that any end has: what is drawn for it, the weight of its branch by end, and by end the sums from
    which on the next branch is taken; infinity where an end has fewer branches.
    """
    found: list[tuple[str, NDArray[np.intp], list[NDArray[np.float64]]]] = []
    places: dict[tuple[str, int], int] = {}
    for index, end in enumerate(ends):
        stride, seen = end.width, dict.fromkeys(("to", "status"), 0)
        for purpose, sums in end.maps():
            nth = seen[purpose] = seen.get(purpose, 0) + 1
            stride //= len(sums)
            if len(sums) == 1:
                continue
            place = places.setdefault((purpose, nth), len(found))
            if place == len(found):
                found.append((purpose, np.zeros(len(ends), np.intp), []))
            _, strides, columns = found[place]
            strides[index] = stride
            while len(columns) < len(sums) - 1:
                columns.append(np.full(len(ends), math.inf))
            for column, total in zip(columns, sums[:-1], strict=False):
                column[index] = total
    # Where it leads stands first, so that it need not be looked for.
    return sorted(found, key=lambda entry: entry[0] != "to")
