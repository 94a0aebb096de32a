"""Newcomers at the door: drawn ahead, let in one at a time; their luck and their attributes in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from crksim.model.network import Arrivals, Shares
from crksim.simulation.arrivals import arrivals
from crksim.simulation.citizens import ARRIVAL, END, Chunk, Citizen, Wake
from crksim.simulation.luck import constant, exponentials, uniforms
from crksim.simulation.packing import COHORT, NUMBER
from crksim.simulation.staylog import DIED, LEAVE

if TYPE_CHECKING:
    from crksim.simulation.engine import Run

__all__ = ["Newcomers", "budgets", "kinds"]

#: Citizens whose luck is drawn in one go.
CHUNK = 1024

#: Arrivals of a cohort that is left out.
NOBODY = Arrivals()

_Times = NDArray[np.float64]


class Newcomers:
    """The arrivals of a run; each puts the next on the calendar.

    Parameters
    ----------
    run : Run
        The run that they come to.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.schedule: Any = run.env.schedule
        self.ranks = run.structure.cohort_rank
        self._comes = [ARRIVAL + (rank << 32) for rank in self.ranks]
        self._ends = [END + (rank << 32) for rank in self.ranks]
        self._call = (self._arrive,)
        self._numbers: list[NDArray[np.int64]] = []
        self._times: list[_Times] = []
        self._chunks: list[tuple[int, Chunk, list[int], list[int], list[float]]] = []
        for index, cohort in enumerate(run.structure.cohorts):
            pattern = NOBODY if index in run.left_out else cohort.arrivals
            numbers, times = arrivals(
                run.luck, cohort.luck_key, pattern, run.plan.theta, run.structure.study.start, run.until
            )
            later = times >= run.since
            self._numbers.append(numbers[later])
            self._times.append(times[later])
            self._chunks.append((-1, Chunk(np.empty(0, np.uint64)), [], [], []))

    def start(self) -> None:
        """Merge the cohorts and put the first newcomer on the calendar."""
        sizes = [len(times) for times in self._times]
        if not sum(sizes):
            return
        times, numbers = np.concatenate(self._times), np.concatenate(self._numbers)
        cohorts = np.repeat(np.arange(len(sizes)), sizes)
        places = np.concatenate([np.arange(size) for size in sizes])
        order = np.lexsort((numbers, np.asarray(self.ranks)[cohorts], times))
        self._coming = zip(*(column[order].tolist() for column in (times, cohorts, numbers, places)), strict=True)
        self._next(Wake(self._arrive, self.run.since))

    def _next(self, wake: Wake) -> None:
        for coming in self._coming:
            now, wake.stay, wake.callbacks = wake.at, coming, self._call
            wake.at = coming[0]
            self.schedule(wake, self._comes[coming[1]] + coming[2], coming[0] - now)
            return

    def _arrive(self, wake: Wake) -> None:
        run = self.run
        now, cohort, number, place = wake.stay
        which, chunk, kind_of, enters, budget = self._chunks[cohort]
        if place // CHUNK != which:
            which, chunk, kind_of, enters, budget = self._chunks[cohort] = self._draw(cohort, place // CHUNK)
        place %= CHUNK
        citizen = Citizen(cohort * COHORT + number * NUMBER, self._ends[cohort] + number, kind_of[place], chunk, place)
        if budget:
            citizen.budget = budget[place]
        to = enters[place]
        if to >= 0:
            run.services[to].request(citizen, now, -1)
        elif to < DIED:
            run.go(citizen, run.resolved(to, citizen, None), now, -1, 0, None)
        self._next(wake)

    def _draw(self, cohort: int, which: int) -> tuple[int, Chunk, list[int], list[int], list[float]]:
        run, it = self.run, self.run.structure.cohorts[cohort]
        part = slice(which * CHUNK, (which + 1) * CHUNK)
        times = self._times[cohort][part]
        chunk = Chunk(run.luck.bases(it.luck_key, self._numbers[cohort][part]))
        enters = [LEAVE] * len(times)
        if it.enters is not None:
            branch = _branches(run, it.enters, chunk, "enters", times)
            _, to = run.plan.destinations(it.enters, 0.0)
            enters = np.array(to)[branch].tolist()
        return which, chunk, kinds(run, cohort, chunk, times), enters, budgets(run, chunk)


def budgets(run: Run, chunk: Chunk) -> list[float]:
    """Return the death budgets of a chunk of citizens; empty where nobody can die."""
    if not run.mortal:
        return []
    return cast("list[float]", exponentials(chunk.bases, constant("", 0, "death")).tolist())


def _branches(run: Run, shares: Shares, chunk: Chunk, purpose: str, times: _Times) -> NDArray[np.intp]:
    """Draw a branch of a share map for each citizen, as the shares stand when each comes."""
    if len(shares.branches) == 1:
        return np.zeros(len(times), np.intp)
    u = uniforms(chunk.bases, constant("", 0, purpose))
    days = sorted({day for _, number in shares.branches if number is not None for day, _ in number.steps[1:]})
    branch = np.empty(len(times), np.intp)
    epochs = np.searchsorted(np.array(days), times, side="right")
    for epoch in np.unique(epochs).tolist():
        mine = epochs == epoch
        sums, _ = run.plan.shares(shares, days[epoch - 1] if epoch else -np.inf)
        branch[mine] = np.searchsorted(np.array(sums[:-1]), u[mine], side="right")
    return branch


def kinds(run: Run, cohort: int, chunk: Chunk, times: _Times) -> list[int]:
    """Draw the attributes of a chunk of citizens of a cohort who come at given times; return their kinds."""
    it = run.structure.cohorts[cohort]
    number = np.zeros(len(times), np.int64)
    names: list[tuple[str, tuple[str, ...]]] = []
    for name, shares in it.attributes:
        values = tuple(value for value, _ in shares.branches)
        names.append((name, values))
        number = number * len(values) + _branches(run, shares, chunk, "attribute:" + name, times)
    kind_of: dict[int, int] = {}
    for code in np.unique(number).tolist():
        attributes, rest = {"cohort": it.id}, code
        for name, values in reversed(names):
            rest, value = divmod(rest, len(values))
            attributes[name] = values[value]
        kind_of[code] = run.structure.kind(attributes)
    return [kind_of[code] for code in number.tolist()]
