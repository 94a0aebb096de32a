"""Talks as they fall where all are given the times they wish for, and what that tells on admission: who misses them.

Who misses which talk hangs on the citizen alone, never on who else is there.  So the day on which somebody has missed
three in a row is known on admission, and competes with the other ends as a length does.  A talk that is kept instead of
missed moves no other talk, so that nobody misses three in a row any earlier when fewer talks are missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crksim.errors import CheckError
from crksim.model.clinics import LATE_DAYS, WORKING_DAYS, Clinic
from crksim.model.ends import End
from crksim.simulation.clinicplan import ClinicPlan
from crksim.simulation.luck import constant, uniform, uniform_table, uniforms, view

__all__ = ["LATE_WITHIN", "NOON", "Awaited", "Habits", "Talk", "sort_of"]

#: When on a day a talk is held.
NOON = 0.5
#: Days within which somebody who needs a late time is given one, or else an ordinary time.
LATE_WITHIN = 28


class Talk(NamedTuple):
    """A talk where times are free.

    Parameters
    ----------
    day : float
        When it is held.
    number, attempt : int
        How manieth due talk, and how often it was booked again.
    late : bool
        Whether it is at a late time.
    kept : bool
        Whether the citizen comes.
    run : int
        How many in a row are missed, with this one; 0 when it is kept.
    appointment : bool
        Whether a time was agreed; else the citizen drops in.
    """

    day: float
    number: int
    attempt: int
    late: bool
    kept: bool
    run: int
    appointment: bool = True


def sort_of(clinic: Clinic, kind: Mapping[str, str]) -> int:
    """Return the number of the sort that a kind is of: its case of no-show, and whether late times are for it.

    Raises
    ------
    CheckError
        When no case takes the kind.
    """
    late = clinic.late is not None and clinic.late.when is not None and clinic.late.when.matches(kind)
    for index, case in enumerate(clinic.no_show):
        if case.when is None or case.when.matches(kind):
            return 2 * index + late
    raise CheckError(f"clinic.no_show: no case takes a citizen with {dict(kind)}")


class Habits:
    """How one sort of citizens is given talks, and misses them.

    Parameters
    ----------
    plan : ClinicPlan
        The clinic.
    sort : int
        As from `sort_of`.
    """

    def __init__(self, plan: ClinicPlan, sort: int) -> None:
        self.plan, clinic = plan, plan.clinic
        self.no_show, self.late_only = plan.dated(clinic.no_show[sort // 2].value), sort % 2 == 1
        self.every, self.drop_in = plan.dated(clinic.every), plan.dated(clinic.drop_in)
        self.rebooked, self.after = plan.dated(clinic.rebooked), plan.dated(clinic.rebooked_after)
        self.shortest = min(days for _, days in self.every.steps)
        if clinic.late is not None:
            self.otherwise = plan.dated(clinic.late.otherwise)
            self.afternoons, self.late_hours = plan.dated(clinic.late.afternoons), plan.dated(clinic.late.hours)

    def chance(self, time: float, late: bool) -> float:
        """Return the chance that a talk is missed; higher at an ordinary time for those who can only come late."""
        chance = self.no_show.at(time)
        if late or not self.late_only:
            return chance
        ratio = self.otherwise.at(time)
        return chance * ratio / (1.0 - chance + chance * ratio)

    def due_after(self, due: float, day: float) -> float:
        """Return when the next talk is due after one on a day, the due days going on from `due`."""
        while due <= day:
            due += self.every.at(due)
        return due

    def first_due(self, base: int, family: str, start: float) -> float:
        """Return when the first talk is due."""
        return start + self.every.at(start) * uniform(base, constant(family, 0, "first"))

    def talks(self, base: int, nth: int, start: float, until: float) -> Iterator[Talk]:
        """Go through a citizen's talks.

        Parameters
        ----------
        base : int
            The citizen's luck.
        nth : int
            How often the citizen was admitted before.
        start, until : float
            Days between which talks are held.
        """
        family = self.plan.family(nth)
        due, day, number, run = self.first_due(base, family, start), start, 0, 0
        if due >= until:
            return
        draws = _first_draws(base, family, int((until - due) / self.shortest) + 2)
        while due < until:
            day, late = self._held(due, day)
            following, attempt, draw = self.due_after(due, day), 0, draws[number]
            while day < until:
                missed = draw < self.chance(day, late)
                run = run + 1 if missed else 0
                yield Talk(day, number, attempt, late, not missed, run)
                if not missed:
                    break
                if uniform(base, constant(family, number, f"drop_in:{attempt}")) < self.drop_in.at(day):
                    came = _working(math.floor(day) + 1, self.plan.weekday) + NOON
                    if came < min(following, until):
                        day, run = came, 0
                        yield Talk(day, number, attempt, False, True, 0, False)
                        break
                if uniform(base, constant(family, number, f"rebooked:{attempt}")) >= self.rebooked.at(day):
                    break
                again, late_again = self._held(day + self.after.at(day), day)
                if again >= following:  # then the next due talk takes its place
                    break
                day, late, attempt = again, late_again, attempt + 1
                draw = uniform(base, constant(family, number, f"no_show:{attempt}"))
            due, number = following, number + 1

    def _held(self, wanted: float, before: float) -> tuple[float, bool]:
        """Return when a talk that is wished for on a day is held, after the one before; and whether at a late time."""
        first = max(math.ceil(wanted - NOON), math.floor(before) + 1)
        if self.late_only:
            for day in range(first, first + LATE_WITHIN + 1):
                if self._open_late(day):
                    return day + NOON, True
        return _working(first, self.plan.weekday) + NOON, False

    def _open_late(self, day: int) -> bool:
        weekday = (day + self.plan.weekday) % 7
        if weekday >= WORKING_DAYS or self.late_hours.at(day) <= 0.0:
            return False
        return LATE_DAYS.index(weekday) < self.afternoons.at(day)


class Awaited:
    """An end that comes when a citizen has missed so many talks in a row.

    Parameters
    ----------
    habits : Habits
        How the citizens miss talks.
    end : End
        The end, which has `misses`.
    until : float
        Day on which nobody looks any more.
    """

    def __init__(self, habits: Habits, end: End, until: float) -> None:
        assert end.misses is not None
        self.habits, self.until = habits, until
        self.in_a_row, self.purpose = end.misses.in_a_row, f"misses:{end.id}"
        self.share = habits.plan.dated(end.misses.share)
        self.highest = max(share for _, share in self.share.steps)

    def lots(self, bases: NDArray[np.uint64], nth: int) -> Sequence[float]:
        """Return the draw of each citizen that says whether misses lead to this end: they do below the share."""
        return view(uniforms(bases, constant(self.habits.plan.luck_key, nth, self.purpose)))

    def day(self, base: int, nth: int, lot: float, admitted: float, due: float) -> float:
        """Return the day of the end, as known on admission; inf if never, or not before the stay is due to end."""
        if lot < self.highest:
            for talk in self.habits.talks(base, nth, max(admitted, 0.0), min(due, self.until)):
                if talk.run >= self.in_a_row and lot < self.share.at(talk.day):
                    return talk.day
        return math.inf


def _working(day: int, monday: int) -> int:
    """Return the first working day on or after a day; day 0 is so many days after a Monday."""
    weekday = (day + monday) % 7
    return day if weekday < WORKING_DAYS else day + 7 - weekday


@lru_cache(maxsize=256)
def _first_constants(family: str, count: int) -> NDArray[np.uint64]:
    return np.array([constant(family, number, "no_show:0") for number in range(count)], np.uint64)


def _first_draws(base: int, family: str, count: int) -> list[float]:
    """Return the draws of no-show of the first attempts at so many talks, in one go."""
    constants = _first_constants(family, -(-count // 16) * 16)
    return list(uniform_table(np.array([base], np.uint64), constants).tolist())
