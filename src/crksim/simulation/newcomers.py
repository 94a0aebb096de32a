"""Newcomers at the door: drawn ahead, let in one by one; their luck and their attributes in chunks."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
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
from crksim.simulation.citizens import ARRIVAL, END, Citizen, Wake
from crksim.simulation.luck import constant, exponentials, uniforms
from crksim.simulation.packing import COHORT, NUMBER
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

    def start(self) -> None:
        """Put the first newcomers on the calendar."""
        self.run.at_the_door = arriving(self.run, self._coming)

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
        chunk = Chunk(run.structure, bases, kind)
        chunk.expect(to, np.arange(len(part)))
        columns = (
            times,
            END + ties,
            cohorts * COHORT + numbers * NUMBER,
            kind,
            to,
        )
        limits = budgets(run, bases).tolist() if run.mortal else repeat(math.inf)
        # Numbers become objects one by one as citizens come: made all at once they would lie far off in memory by then.
        drawn = (array(column.dtype.char, column.tobytes()) for column in columns)
        return chunk, zip(*drawn, limits, range(len(part)), repeat(chunk))


def arriving(run: Run, others: Iterator[_Coming]) -> list[Wake]:
    """Put the first newcomers on the calendar; return their events, which serve again for those who follow.

    Parameters
    ----------
    run : Run
        The run; as in `passage`, what every newcomer needs of it is bound once.
    others : iterator
        Those still to come.
    """
    services, spare, calendar = run.services, run.spare, run.calendar

    def arrive(wake: Wake) -> None:
        """Let a newcomer in."""
        now, ending, ident, kind, to, budget, place, chunk = wake.stay
        if to >= 0:
            target = services[to]
            if spare and not target.guarded:
                # Who has left serves as the next newcomer, and the stay as the first one.
                stay = spare.pop()
                citizen = stay.citizen
                citizen.ident, citizen.ending, citizen.kind, citizen.budget = ident, ending, kind, budget
                citizen.chunk, citizen.place = chunk, place
                citizen.rows = stay.row = 0
                if citizen.touched:
                    citizen.strands = 0
                    citizen.course_over = citizen.touched = False
                    citizen.beside = citizen.considered = citizen.lifetime = None
                stay.service, stay.from_row, stay.referred = target, -1, now
                come = target.come
                come(stay, now)
            else:
                target.request(Citizen(ident, ending, kind, chunk, place, budget), now, -1)
        elif to < DIED:
            citizen = Citizen(ident, ending, kind, chunk, place, budget)
            run.go(citizen, run.resolved(to, citizen, None), now, -1, 0, None)

    def go_on(_: Wake | None = None) -> None:
        """Put the next newcomers on the calendar; with the last of them, go on."""
        wake = None
        for number, (wake, coming) in enumerate(zip(wakes, others, strict=False)):
            wake.stay, wake.callbacks = coming, one_of_them
            heappush(calendar, (coming[0], ARRIVAL, number, wake))
        if wake is not None:
            wake.callbacks = the_last

    one_of_them, the_last = (arrive,), (arrive, go_on)
    wakes = [Wake(arrive, 0.0) for _ in range(AHEAD)]
    go_on()
    return wakes


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
