"""How citizens moved: whence a stay came, clocks at the door, courses from first to last, flows between services."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.courses import Courses
from crksim.analysis.scene import Scene
from crksim.model.clock import YEAR, Window
from crksim.simulation.staylog import DIED, LEAVE, OPENING, StayLog

__all__ = ["DoorClocks", "Paths", "citizen_bounds", "flows", "origins", "parents"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def citizen_bounds(log: StayLog) -> Indices:
    """Return the position of every citizen's first row, rising."""
    if not len(log):
        return np.zeros(0, dtype=np.intp)
    new = (log.citizen[1:] != log.citizen[:-1]) | (log.cohort[1:] != log.cohort[:-1])
    return np.concatenate(([0], np.flatnonzero(new) + 1)).astype(np.intp)


def parents(log: StayLog) -> Indices:
    """Return for every row the position of the row from which it came, -1 at the door (and where the log lacks it)."""
    firsts = citizen_bounds(log)
    begin = np.repeat(firsts, np.diff(np.append(firsts, len(log))))
    came = log.from_row >= 0
    parent = np.where(came, begin + log.from_row - log.row[begin], -1).astype(np.intp)
    inside = (parent >= begin) & (parent < len(log))
    at = np.where(inside, parent, 0)
    sure = inside & (log.row[at] == log.from_row) & (begin[at] == begin)
    for i in np.flatnonzero(came & ~sure):  # rows of the citizen are missing: look the number up
        same = np.flatnonzero((log.row == log.from_row[i]) & (begin == begin[i]))
        parent[i] = same[0] if len(same) else -1
    return parent


def origins(log: StayLog, parent: Indices) -> Indices:
    """Return for every row the position of the last stay that led to it, -1 at the door.

    Requests that were never admitted are looked through: a citizen refused by one service on the way from a unit
    to another service comes from the unit.

    Parameters
    ----------
    log : StayLog
        The rows.
    parent : ndarray of int, shape (rows,)
        As `parents` gave it.
    """
    stay, found = ~np.isnan(log.admitted), parent.copy()
    while True:
        through = np.flatnonzero((found >= 0) & ~stay[found])
        if not len(through):
            return found
        found[through] = parent[found[through]]


@dataclass(frozen=True, eq=False)
class DoorClocks:
    """One clock for every new request at the door.

    Parameters
    ----------
    row : ndarray of int, shape (n,)
        Position of the request in the log.
    requested, treated, stopped : ndarray of float, shape (n,)
        Days of the request, of the first admission to treatment (``inf``: none yet), and on which the citizen was
        gone without treatment (``inf``: is still about).
    limit : ndarray of float, shape (n,)
        The law's limit in days, NaN where the cohort has none.
    """

    row: Indices
    requested: Floats
    treated: Floats
    stopped: Floats
    limit: Floats

    def picked(self, which: NDArray[np.bool_]) -> DoorClocks:
        """Return some of the clocks."""
        return DoorClocks(
            self.row[which], self.requested[which], self.treated[which], self.stopped[which], self.limit[which]
        )


class Paths:
    """What can be read from whole citizens, worked out once for a log.

    Parameters
    ----------
    log : StayLog
        The rows.
    scene : Scene
        Which services are treatment, and the law's limits.
    """

    def __init__(self, log: StayLog, scene: Scene) -> None:
        self.log, self.scene = log, scene

    @cached_property
    def firsts(self) -> Indices:
        """Position of every citizen's first row."""
        return citizen_bounds(self.log)

    @cached_property
    def citizen(self) -> Indices:
        """For every row, which citizen it belongs to, counted from 0."""
        return np.repeat(np.arange(len(self.firsts)), np.diff(np.append(self.firsts, len(self.log))))

    @cached_property
    def parents(self) -> Indices:
        """For every row, the position of the row from which it came, -1 at the door."""
        return parents(self.log)

    @cached_property
    def origins(self) -> Indices:
        """For every row, the position of the last stay that led to it, -1 at the door."""
        return origins(self.log, self.parents)

    @cached_property
    def onward(self) -> Indices:
        """For every row, the position of the row that came of its end, -1 where there is none."""
        log, came = self.log, self.parents
        onward = np.full(len(log), -1, dtype=np.intp)
        rows = np.flatnonzero((came >= 0) & (log.strand == log.strand[came]))
        # Whoever was transferred asked at that very instant; requests that came to nothing were made before.
        rows = rows[log.referred[rows] >= log.left[came[rows]]]
        onward[came[rows[::-1]]] = rows[::-1]
        return onward

    @cached_property
    def courses(self) -> Courses:
        """Courses of treatment from first to last stay."""
        return Courses(self.log, self.between, self.firsts, self.parents)

    @cached_property
    def between(self) -> NDArray[np.bool_]:
        """For every row, whether it is of a service between courses."""
        names = self.log.legend.services
        return np.array([name in self.scene.between for name in names], dtype=bool)[self.log.service]

    @cached_property
    def newcomer(self) -> NDArray[np.bool_]:
        """For every citizen, whether the log holds the first request."""
        opening = (self.log.flags[self.firsts] & OPENING) != 0
        return np.asarray(~opening & (self.log.row[self.firsts] == 0), dtype=bool)

    @cached_property
    def gone(self) -> Floats:
        """For every citizen, the day on which the main strand came to its end; ``inf`` while it has not."""
        if not len(self.log):
            return np.zeros(0)
        until = np.where(np.isnan(self.log.left), np.inf, self.log.left)
        # A time between courses that leads to no other is after the end.
        until = np.where(self.between & (self.log.to == LEAVE), self.log.admitted, until)
        until = np.where(self.log.strand == 0, until, -np.inf)
        return np.maximum.reduceat(until, self.firsts)

    @cached_property
    def clocks(self) -> DoorClocks:
        """Clocks of all requests at the door: those of newcomers and those after time between courses."""
        log, names = self.log, self.log.legend.services
        if not len(log):
            nothing = np.zeros(0)
            return DoorClocks(np.zeros(0, dtype=np.intp), nothing, nothing, nothing, nothing)
        between = self.between
        treats = ~np.array([name in self.scene.untreated for name in names], dtype=bool)[log.service]
        came = (log.from_row < 0) | ((self.parents >= 0) & between[self.parents])
        door = came & (log.strand == 0) & ((log.flags & OPENING) == 0) & ~between
        begins = door.copy()
        begins[self.firsts] = True
        heads = np.flatnonzero(begins)
        treated = np.minimum.reduceat(np.where(treats & ~np.isnan(log.admitted), log.admitted, np.inf), heads)
        until = np.where(np.isnan(log.left), np.inf, log.left)
        stopped = np.maximum.reduceat(np.where((log.strand == 0) & ~between, until, -np.inf), heads)
        picked = door[heads]
        row = heads[picked]
        return DoorClocks(row, log.referred[row], treated[picked], stopped[picked], self._limits(row))

    def _limits(self, row: Indices) -> Floats:
        limits = np.full(len(row), np.nan)
        for i, cohort in enumerate(self.log.legend.cohorts):
            steps = self.scene.legal_limits.get(cohort)
            if steps is not None:
                mine = self.log.cohort[row] == i
                limits[mine] = steps.at(self.log.referred[row[mine]])
        return limits


def flows(log: StayLog, window: Window) -> dict[tuple[str, str], float]:
    """Return how many citizens a year moved from where to where.

    A move is an admission (from the last stay, or from the door) or an exit (the end of a stay or of a request that
    ends the strand).  Stays of the opening caseload are no moves; strands beside the main one are counted.

    Parameters
    ----------
    log : StayLog
        The rows.
    window : Window
        Admissions and exits in it count.

    Returns
    -------
    dict
        (service, or cohort at the door; service, ``leave`` or ``died``) -> citizens per year.
    """
    names = (*log.legend.services, *log.legend.cohorts, "leave", "died")
    n_services, leave = len(log.legend.services), len(names) - 2
    came = origins(log, parents(log))
    source = np.where(came >= 0, log.service[came], n_services + log.cohort).astype(np.int64)
    starts = (log.admitted >= window.start) & (log.admitted < window.end) & ((log.flags & OPENING) == 0)
    exits = (log.left >= window.start) & (log.left < window.end) & ((log.to == LEAVE) | (log.to == DIED))
    here = np.where(np.isnan(log.admitted), source, log.service)
    out = np.where(log.to == LEAVE, leave, leave + 1)
    size = len(names)
    codes = np.concatenate((source[starts] * size + log.service[starts], here[exits] * size + out[exits]))
    counts = np.bincount(codes.astype(np.int64), minlength=size * size) if len(codes) else np.zeros(0)
    moves = np.flatnonzero(counts)
    years = window.days / YEAR
    return {(names[code // size], names[code % size]): float(counts[code]) / years for code in moves.tolist()}
