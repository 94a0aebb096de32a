"""Courses of treatment from first to last stay.

A course is what lies between two times out of treatment: it ends when the last of its stays (or requests) has closed
and the citizen leaves, or goes to a service between courses.  Strands beside the main one belong to no course.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crksim.model.clock import Window
from crksim.simulation.staylog import StayLog

__all__ = ["Courses"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class Courses:
    """The courses of one log, and the spans between them; numbered together, in the order of the log.

    Parameters
    ----------
    log : StayLog
        The rows.
    between : ndarray of bool, shape (rows,)
        Rows of services between courses.
    firsts : ndarray of int, shape (citizens,)
        Position of every citizen's first row.
    parents : ndarray of int, shape (rows,)
        Position of the row from which each came, -1 at the door.
    """

    def __init__(self, log: StayLog, between: NDArray[np.bool_], firsts: Indices, parents: Indices) -> None:
        self.log, self.between, self.firsts, self.parents = log, between, firsts, parents
        self.main = (log.strand == 0) & ~between

    @cached_property
    def heads(self) -> Indices:
        """Position of the first row of every course, and of every span between."""
        begins = self.between & (self.log.strand == 0)
        begins |= self.main & (self.parents >= 0) & self.between[self.parents]
        begins[self.firsts] = True
        return np.flatnonzero(begins)

    @cached_property
    def of_row(self) -> Indices:
        """For every row, which course (or span between) it lies in."""
        begins = np.zeros(len(self.log), dtype=np.intp)
        begins[self.heads] = 1
        return np.cumsum(begins) - 1

    @cached_property
    def ends(self) -> Floats:
        """Day on which each course ended, ``inf`` while it goes on (``-inf`` for a span between)."""
        left = np.where(np.isnan(self.log.left), np.inf, self.log.left)
        return np.maximum.reduceat(np.where(self.main, left, -np.inf), self.heads)

    @cached_property
    def last(self) -> Indices:
        """Position of the last stay of each course, -1 where there was none."""
        stays = np.where(self.main & ~np.isnan(self.log.admitted), np.arange(len(self.log)), -1)
        return np.maximum.reduceat(stays, self.heads).astype(np.intp)

    @cached_property
    def next_begins(self) -> Floats:
        """Day on which the citizen began another course, ``inf`` where there is none."""
        begins = np.fmin.reduceat(np.where(self.main, self.log.referred, np.inf), self.heads)
        found = np.full(len(self.heads), np.inf)
        courses = np.flatnonzero(~self.between[self.heads])
        citizen = np.searchsorted(self.firsts, self.heads[courses], side="right")
        same = citizen[:-1] == citizen[1:]
        found[courses[:-1][same]] = begins[courses[1:][same]]
        return found

    def ended(self, stays: Indices, window: Window) -> Indices:
        """Return the courses, each once, to which some of `stays` belong and that ended in `window`.

        Parameters
        ----------
        stays : ndarray of int, shape (n,)
            Positions of rows.
        window : Window
            Days.
        """
        if not len(stays):
            return stays
        found: Indices = np.unique(self.of_row[stays[self.main[stays]]])
        ends = self.ends[found]
        return np.asarray(found[(ends >= window.start) & (ends < window.end)], dtype=np.intp)
