"""Newcomers at the door: drawn ahead, let in one by one; their luck and their attributes in chunks."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappush
from itertools import chain, repeat
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crksim.model.cohorts import Arrivals
from crksim.model.network import Shares
from crksim.simulation.arrivals import arrivals
from crksim.simulation.behaviour import branches
from crksim.simulation.chunks import Chunk
from crksim.simulation.citizens import ARRIVAL, ASKING, END, Citizen, Stay
from crksim.simulation.luck import constant, exponentials, uniforms
from crksim.simulation.packing import COHORT, NUMBER
from crksim.simulation.passage import PROCEED, proceed
from crksim.simulation.staylog import DIED, LEAVE

if TYPE_CHECKING:
    from crksim.simulation.engine import Run

__all__ = ["Newcomers", "budgets", "kinds"]

#: Citizens whose luck is drawn in one go.
CHUNK = 16384

#: So many newcomers are put on the calendar at once.  One alone would be the next of all events nearly every time, and
#: the way up to the front of the calendar is the longest.
AHEAD = 32

#: Arrivals of a cohort that is left out.
NOBODY = Arrivals()

_Times = NDArray[np.float64]

#: Day, order of ties of ends, packed number, kind, where to, death budget, place in chunk, chunk.
_Coming = tuple[float, int, float, int, int, float, int, Chunk]


class Newcomers:
    """The arrivals of a run, some of them on the calendar; the last of these puts the next ones there.

    Parameters
    ----------
    run : Run
        The run that they come to.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        ranked = np.argsort(run.structure.cohort_rank, kind="stable")
        drawn = [self._of(index) for index in ranked.tolist()] or [(np.empty(0, np.int64), np.empty(0))]
        self._cohorts = np.repeat(ranked if len(ranked) else 0, [len(times) for _, times in drawn])
        self._numbers = np.concatenate([numbers for numbers, _ in drawn])
        self._times = np.concatenate([times for _, times in drawn])
        # Of equal times the first in rank comes first, and of one cohort the smallest number.
        self._order = np.argsort(self._times, kind="stable")
        self.count = len(self._order)
        self.chunk, first = self._part(0)
        self._coming = chain(first, self._others())

    def _of(self, index: int) -> tuple[NDArray[np.int64], _Times]:
        """Return numbers and times of the newcomers of one cohort."""
        run = self.run
        cohort = run.structure.cohorts[index]
        pattern = NOBODY if index in run.left_out else cohort.arrivals
        numbers, times = arrivals(
            run.luck, cohort.luck_key, pattern, run.plan.theta, run.structure.study.start, run.until
        )
        later = times >= run.since
        return numbers[later], times[later]

    def _others(self) -> Iterator[_Coming]:
        """Yield those who come after the first part."""
        for begin in range(CHUNK, len(self._order), CHUNK):
            yield from self._part(begin)[1]

    def go_on(self, _: Stay | None = None) -> None:
        """Put the next newcomers on the calendar; with the last of them, go on.

        Where somebody has left, they serve as the next newcomer, and their stay as the first one.
        """
        services, spare, calendar = self.run.services, self.run.spare, self.run.calendar
        stay = None
        ahead = zip(range(AHEAD), self._coming, strict=False)
        for number, (now, ending, ident, kind, to, budget, place, chunk) in ahead:
            service = services[to]
            if spare:
                stay = spare.pop()
                citizen = stay.citizen
                citizen.ident, citizen.ending, citizen.kind = ident, ending, kind
                citizen.chunk, citizen.place, citizen.budget = chunk, place, budget
                citizen.rows = stay.row = 0
                if citizen.touched:
                    citizen.strands = 0
                    citizen.course_over = citizen.touched = False
                    citizen.beside = citizen.considered = citizen.lifetime = None
                stay.service, stay.from_row, stay.referred = service, -1, now
                stay.state, stay.due = ASKING, now
            else:
                stay = Stay(Citizen(ident, ending, kind, chunk, place, budget), service, -1, now)
            stay.callbacks = _WITH_CARE if service.guarded else PROCEED
            heappush(calendar, (now, ARRIVAL, number, stay))
        if stay is not None:
            stay.callbacks = (*stay.callbacks, self.go_on)

    def _part(self, begin: int) -> tuple[Chunk, Iterator[_Coming]]:
        """Return some of those who come, in order; what is known of them at the door is drawn at once."""
        run = self.run
        part = self._order[begin : begin + CHUNK]
        cohorts, numbers, times = self._cohorts[part], self._numbers[part], self._times[part]
        ties = (np.asarray(run.structure.cohort_rank, np.int64)[cohorts] << 32) + numbers
        kind, to = np.empty(len(part), np.int64), np.full(len(part), LEAVE)
        bases = np.empty(len(part), np.uint64)
        for cohort in np.flatnonzero(np.bincount(cohorts)).tolist():
            mine = np.flatnonzero(cohorts == cohort)
            it, when = run.structure.cohorts[cohort], times[mine]
            bases[mine] = own = run.luck.bases(it.luck_key, numbers[mine])
            kind[mine] = kinds(run, cohort, own, when)
            if it.enters is not None:
                _, words = run.plan.destinations(it.enters, 0.0)
                to[mine] = np.array(words)[_branches(run, it.enters, own, "enters", when)]
        if (to < DIED).any():
            to = np.where(to < DIED, run.structure.homes(kind), to)  # no word but home leads anywhere from the door
        chunk = Chunk(run.structure, bases, kind)
        chunk.expect(to, np.arange(len(part)))
        come = np.flatnonzero(to >= 0)
        limits: Iterable[float] = budgets(run, bases[come]).tolist() if run.mortal else repeat(math.inf)
        columns = times, END + ties, cohorts * COHORT + numbers * NUMBER, kind, to, np.arange(len(part))
        # Numbers become objects one by one as citizens come: made all at once they would lie far off in memory by then.
        *drawn, places = (array(column.dtype.char, column[come].tobytes()) for column in columns)
        return chunk, zip(*drawn, limits, places, repeat(chunk), strict=False)


def _with_care(stay: Stay) -> None:
    """Let a newcomer ask for a place where not everybody may, or not at all times."""
    if stay.service.lets_in(stay.citizen, stay.due, -1, 0, -1, None, None, 0):
        proceed(stay)


_WITH_CARE = (_with_care,)


def budgets(run: Run, bases: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the death budgets of citizens; inf where nobody can die."""
    if not run.mortal:
        return np.full(len(bases), np.inf)
    return exponentials(bases, constant("", 0, "death"))


def _branches(run: Run, shares: Shares, bases: NDArray[np.uint64], purpose: str, times: _Times) -> NDArray[np.intp]:
    """Draw a branch of a share map for each citizen, as the shares stand when each comes."""
    if len(shares.branches) == 1:
        return np.zeros(len(times), np.intp)
    u = uniforms(bases, constant("", 0, purpose))
    days = sorted({day for _, number in shares.branches if number is not None for day, _ in number.steps[1:]})
    if not days:
        return branches(run.plan.shares(shares, -np.inf)[0], u)
    branch = np.empty(len(times), np.intp)
    epochs = np.searchsorted(np.array(days), times, side="right")
    for epoch in np.unique(epochs).tolist():
        mine = epochs == epoch
        sums, _ = run.plan.shares(shares, days[epoch - 1] if epoch else -np.inf)
        branch[mine] = branches(sums, u[mine])
    return branch


def kinds(
    run: Run,
    cohort: int,
    bases: NDArray[np.uint64],
    times: _Times,
    alike: Sequence[tuple[str, str]] = (),
) -> NDArray[np.int64]:
    """Draw the attributes of citizens of a cohort who come at given times; return their kinds.

    What all of them have in common is not drawn.
    """
    it = run.structure.cohorts[cohort]
    common = {name: Shares(((value, None),)) for name, value in alike}
    number = np.zeros(len(times), np.int64)
    names: list[tuple[str, tuple[str, ...]]] = []
    for name, drawn in it.attributes:
        shares = common.get(name, drawn)
        values = tuple(value for value, _ in shares.branches)
        names.append((name, values))
        number = number * len(values) + _branches(run, shares, bases, "attribute:" + name, times)
    codes, which = np.unique(number, return_inverse=True) if names else (np.array([0]), number)
    found: list[int] = []
    for code in codes.tolist():
        attributes, rest = {"cohort": it.id}, code
        for name, values in reversed(names):
            rest, value = divmod(rest, len(values))
            attributes[name] = values[value]
        found.append(run.structure.kind(attributes))
    return np.array(found, np.int64)[which]
