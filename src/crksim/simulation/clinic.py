"""Appointments one by one: a second model, downstream of the stays and on the same luck.

The stays say who is there from when to when.  Each of them asks for a talk once a month and is called in once a year;
doctor and nurse have so many times on each working day.  Nothing goes back: a full calendar makes citizens overdue, but
keeps nobody from coming or staying.  A stay that ended with misses in a row has them here: its talks lie on the days on
which they were worked out to be (`misses`), with the first claim to their times.  Draws are keyed by citizen, visit,
how manieth due talk, and purpose, so that the same citizen misses the same talks in every world in which the chance of
missing is the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from crksim.model.clinics import WORKING_DAYS
from crksim.model.ends import End
from crksim.simulation.cliniclog import DOCTOR, NURSE, CallIns, ClinicLog, Talks
from crksim.simulation.clinicplan import ClinicPlan
from crksim.simulation.luck import Luck, constant, uniform
from crksim.simulation.misses import LATE_WITHIN, NOON, Habits, Talk, sort_of
from crksim.simulation.slots import LATE, ORDINARY, Slot, Slots
from crksim.simulation.staylog import StayLog

__all__ = ["run_clinic"]

Floats = NDArray[np.float64]
Process = Generator[simpy.Event, Any, None]

#: Days ahead of which a call-in is arranged.
_NOTICE = 42.0
#: Days within which somebody who comes without an appointment finds a free time, or goes home again.
_DROP_IN_WITHIN = 7
_NONE: tuple[Talk, ...] = ()
#: Days of the calendar beyond the end of the run.
_BEYOND = 800


def run_clinic(plan: ClinicPlan, log: StayLog, luck: Luck) -> ClinicLog:
    """Run the calendar of a clinic under the stays of a log.

    Parameters
    ----------
    plan : ClinicPlan
        The clinic.
    log : StayLog
        Whose stays in the plan's service are the citizens.
    luck : Luck
        That of the replication.
    """
    return _Run(plan, log, luck).result()


@dataclass(frozen=True)
class _Stay:
    """One citizen's time at the clinic."""

    number: int
    base: int
    family: str
    start: float
    left: float
    habits: Habits
    known: tuple[Talk, ...]  # where the stay ended with misses in a row: all its talks


class _Run:
    """One run of the calendar."""

    def __init__(self, plan: ClinicPlan, log: StayLog, luck: Luck) -> None:
        self.plan, self.clinic = plan, plan.clinic
        self.env = simpy.Environment(initial_time=math.floor(log.start))
        self.every, self.talk = plan.dated(self.clinic.every), plan.dated(self.clinic.talk)
        self.by_doctor = plan.dated(self.clinic.by_doctor)
        self.n_days = math.ceil(log.end) + _BEYOND
        self.slots = Slots(plan, self.n_days)
        self.stays = self._stays(log, luck)
        self.booked: list[tuple[float, ...]] = []
        self.dues: list[tuple[float, ...]] = []
        self.visits: list[tuple[float, ...]] = []
        self.done: list[tuple[float, ...]] = []
        self.observed = np.zeros(self.n_days)
        self.called_in = [0] * self.n_days
        self.reserved: dict[int, list[tuple[int, int]]] = {}

    # --- the calendar ------------------------------------------------------------------------------------------------

    def _stays(self, log: StayLog, luck: Luck) -> list[_Stay]:
        names = log.legend.services
        service = names.index(self.plan.service) if self.plan.service in names else -1
        rows = np.flatnonzero((log.service == service) & ~np.isnan(log.admitted))
        rows = rows[np.lexsort((rows, np.maximum(log.admitted[rows], log.start)))]
        left = np.where(np.isnan(log.left[rows]), np.inf, log.left[rows])
        self.rows, self.start, self.end = rows, np.maximum(log.admitted[rows], log.start), np.minimum(left, log.end)
        kinds = [dict(kind) for kind in log.legend.kinds]
        sorts = {kind: sort_of(self.clinic, kinds[kind]) for kind in np.unique(log.kind[rows]).tolist()}
        habits = {sort: Habits(self.plan, sort) for sort in set(sorts.values())}
        found = []
        for number, row in enumerate(rows.tolist()):
            kind, cohort = int(log.kind[row]), log.legend.cohorts[int(log.cohort[row])]
            base, nth = self.plan.base(luck, cohort, int(log.citizen[row])), int(log.nth[row])
            start, gone = float(self.start[number]), float(left[number])
            mine, known = habits[sorts[kind]], _NONE
            if gone < math.inf and start == max(log.admitted[row], 0.0):
                end = self.plan.end(log.legend.ends[int(log.end_[row])], kinds[kind])
                known = _known(mine, end, base, nth, start, gone)
            found.append(_Stay(number, base, self.plan.family(nth), start, gone, mine, known))
        return found

    def book(self, wanted: float, stay: _Stay, number: int, attempt: int) -> Slot | None:
        """Take the first time on or after a day: with the one wished for where both are free, ordinary before late."""
        day = max(math.ceil(wanted - NOON), math.floor(self.env.now) + 1)
        if day >= self.n_days:
            return None
        staff = self.staff(stay, number, attempt, wanted)
        slot = None
        if stay.habits.late_only and self.slots.any_late:
            slot = self.slots.first(day, staff, (LATE,))
            slot = slot if slot is not None and slot.day <= day + LATE_WITHIN else None
        slot = slot or self.slots.first(day, staff, (ORDINARY, LATE))
        if slot is not None:
            self.slots.take(slot)
        return slot

    def staff(self, stay: _Stay, number: int, attempt: int, wanted: float) -> tuple[int, int]:
        """Return whom a talk is with where both are free, and the other."""
        doctor = self.draw(stay, number, f"doctor:{attempt}") < self.by_doctor.at(wanted)
        return (DOCTOR, NURSE) if doctor else (NURSE, DOCTOR)

    def draw(self, stay: _Stay, number: int, purpose: str) -> float:
        return uniform(stay.base, constant(stay.family, number, purpose))

    # --- talks -------------------------------------------------------------------------------------------------------

    def talks(self, stay: _Stay) -> Process:
        """Go through a citizen's due talks: each is booked when the one before it is over."""
        env, habits = self.env, stay.habits
        yield env.timeout(max(stay.start - env.now, 0.0))
        due = habits.first_due(stay.base, stay.family, stay.start)
        number = run = attempt = 0
        self._due(stay, due)
        slot = self.book(due, stay, number, attempt)
        while slot is not None:
            time = slot.day + NOON
            if time >= stay.left:
                if stay.left < math.inf:
                    yield env.timeout(stay.left - env.now)
                    self.slots.give(slot)
                return
            yield env.timeout(time - env.now)
            missed = self.draw(stay, number, f"no_show:{attempt}") < habits.chance(time, slot.kind == LATE)
            run = run + 1 if missed else 0
            self._note(stay, slot, not missed, run)
            following = habits.due_after(due, time)
            if missed and self.draw(stay, number, f"drop_in:{attempt}") < habits.drop_in.at(time):
                came = self.without_appointment(slot, stay, following)
                if came is not None:
                    yield env.timeout(came.day + NOON - env.now)
                    run, missed = 0, False
                    self._note(stay, came, True, 0, appointment=False)
            if missed and self.draw(stay, number, f"rebooked:{attempt}") < habits.rebooked.at(time):
                slot = self.book(env.now + habits.after.at(time), stay, number, attempt + 1)
                if slot is not None and slot.day + NOON < following:
                    attempt += 1
                    continue
                if slot is not None:  # the next due talk takes its place
                    self.slots.give(slot)
            while due < following:
                due += self.every.at(due)
                self._due(stay, due)
            number, attempt = number + 1, 0
            slot = self.book(due, stay, number, attempt)

    def claim(self, stay: _Stay) -> list[Slot]:
        """Take the times of talks that are known, before anybody else does; on a full day they are squeezed in."""
        found = []
        for talk in stay.known:
            staff = self.staff(stay, talk.number, talk.attempt, talk.day)
            kinds = (LATE,) if talk.late else (ORDINARY, LATE)
            day = math.floor(talk.day)
            slot = self.slots.first(day, staff, kinds)
            if slot is None or slot.day != day:
                slot = Slot(day, staff[0], kinds[0], 0)
            self.slots.take(slot)
            found.append(slot)
        return found

    def known_talks(self, stay: _Stay, slots: list[Slot]) -> Process:
        """Go through the talks of a citizen whose stay ends with misses in a row."""
        env = self.env
        yield env.timeout(max(stay.start - env.now, 0.0))
        due = stay.habits.first_due(stay.base, stay.family, stay.start)
        self._due(stay, due)
        for talk, slot in zip(stay.known, slots, strict=True):
            yield env.timeout(talk.day - env.now)
            self._note(stay, slot, talk.kept, talk.run, appointment=talk.appointment)
            while due <= talk.day:
                due += self.every.at(due)
                self._due(stay, due)

    def without_appointment(self, missed: Slot, stay: _Stay, following: float) -> Slot | None:
        """Take a time for somebody who comes without an appointment soon after a missed one, before the next is due."""
        day = math.floor(self.env.now) + 1
        slot = self.slots.first(day, (missed.staff, NURSE if missed.staff == DOCTOR else DOCTOR), (ORDINARY, LATE))
        if slot is None or slot.day > day + _DROP_IN_WITHIN or slot.day + NOON >= min(stay.left, following):
            return None
        self.slots.take(slot)
        return slot

    def _due(self, stay: _Stay, due: float) -> None:
        self.dues.append((stay.number, due, due + self.every.at(due)))

    def _note(self, stay: _Stay, slot: Slot, kept: bool, run: int, appointment: bool = True) -> None:
        day = slot.day + NOON
        self.booked.append((stay.number, day, slot.wait, slot.staff, self.talk.at(day), kept, run, appointment))

    # --- call-ins ----------------------------------------------------------------------------------------------------

    def _first_days(self) -> list[int]:
        """Return the days on which a call-in may begin: early enough in a week, in the weeks in which it is held."""
        assert self.clinic.call_in is not None
        held = self.plan.dated(self.clinic.call_in.held)
        latest = WORKING_DAYS - self.clinic.call_in.days
        monday, days = (7 - self.plan.weekday) % 7 - 7, []
        while monday < self.n_days - 7:
            days += [day for day in range(monday, monday + latest + 1) if day >= 0]
            monday += 7 * max(1, round(held.at(monday) / 7.0))
        return days

    def call_ins(self, stay: _Stay) -> Process:
        """Go through a citizen's yearly call-ins; a missed day begins the days in a row again."""
        env = self.env
        due = stay.start + self.call_in_every.at(stay.start) * self.draw(stay, 0, "call_in")
        turn = 0
        while due < stay.left:
            yield env.timeout(max(due - _NOTICE - env.now, 0.0))
            place = len(self.done)
            self.done.append((stay.number, due, math.nan))
            wanted, attempt, came = due, 0, False
            while not came:
                day = self.place(max(wanted, env.now + 1.0))
                if day is None:
                    return
                came = yield from self.days_in_a_row(stay, day, f"call_in:{turn}:{attempt}")
                if env.now >= stay.left:
                    return
                wanted, attempt = env.now + 1.0, attempt + 1
            self.done[place] = (stay.number, due, float(env.now))
            due, turn = env.now + self.call_in_every.at(env.now), turn + 1

    def days_in_a_row(self, stay: _Stay, first: int, purpose: str) -> Generator[simpy.Event, Any, bool]:
        """Go through the days of a call-in; say whether the citizen came on all of them."""
        assert self.clinic.call_in is not None
        length = self.clinic.call_in.days
        for k in range(length):
            time = first + k + NOON
            if time >= stay.left:
                yield self.env.timeout(stay.left - self.env.now)
                self.unplace(first + k, length - k)
                return False
            yield self.env.timeout(time - self.env.now)
            came = self.draw(stay, k, purpose) >= self.call_in_missed.at(time)
            self.visits.append((stay.number, time, came))
            if not came:
                self.unplace(first + k + 1, length - k - 1)
                return False
        return True

    def place(self, wanted: float) -> int | None:
        """Take the first run of days on which the nurse has time for the observation."""
        assert self.clinic.call_in is not None
        for place in range(bisect_left(self.first_days, math.ceil(wanted - NOON)), len(self.first_days)):
            days = range(self.first_days[place], self.first_days[place] + self.clinic.call_in.days)
            if all(not self.opens_group(day) or self.slots.room(NURSE, day) >= self.group_times[day] for day in days):
                for day in days:
                    if self.opens_group(day):
                        reserved = self.slots.reserve(NURSE, day, self.group_times[day])
                        self.reserved.setdefault(day, []).append(reserved)
                    self.called_in[day] += 1
                return days[0]
        return None

    def unplace(self, first: int, length: int) -> None:
        """Give days back that will not be used."""
        for day in range(first, first + length):
            self.called_in[day] -= 1
            if self.opens_group(day):
                self.slots.release(NURSE, day, self.reserved[day].pop())

    def opens_group(self, day: int) -> bool:
        """Say whether one more citizen on a day is one more than the groups under observation hold."""
        group, present = self.groups[day], self.called_in[day]
        return math.ceil((present + 1) / group - 1e-9) > math.ceil(present / group - 1e-9)

    # --- the whole ---------------------------------------------------------------------------------------------------

    def result(self) -> ClinicLog:
        """Run everything and return what happened."""
        rule = self.clinic.call_in
        if rule is not None:
            self.call_in_every, self.call_in_missed = self.plan.dated(rule.every), self.plan.dated(rule.missed)
            self.first_days = self._first_days()
            self.groups: list[float] = np.maximum(self.plan.over_days(rule.group, self.n_days), 1.0).tolist()
            times = self.plan.over_days(rule.hours, self.n_days) / self.plan.over_days(self.clinic.talk, self.n_days)
            self.group_times: list[int] = np.ceil(times - 1e-9).astype(np.int64).tolist()
        claimed = {stay.number: self.claim(stay) for stay in self.stays if stay.known}
        for stay in self.stays:
            slots = claimed.get(stay.number)
            self.env.process(self.talks(stay) if slots is None else self.known_talks(stay, slots))
            if rule is not None:
                self.env.process(self.call_ins(stay))
        last = float(self.end.max()) if len(self.end) else 0.0
        self.env.run(until=max(last, float(self.env.now)) + 1.0)
        if rule is not None:
            groups = np.ceil(np.array(self.called_in) / np.array(self.groups) - 1e-9)
            self.observed = groups * self.plan.over_days(rule.hours, self.n_days)
        booked, dues = _columns(self.booked, 8), _columns(self.dues, 3)
        visits, done = _columns(self.visits, 3), _columns(self.done, 3)
        return ClinicLog(
            start=self.start,
            end=self.end,
            rows=self.rows,
            talks=Talks(
                booked[0].astype(np.intp), booked[1], booked[2], booked[3].astype(np.intp), booked[4],
                booked[5] > 0, booked[6].astype(np.intp), booked[7] > 0,
            ),
            due_stay=dues[0].astype(np.intp),
            due=dues[1],
            until=dues[2],
            call_ins=CallIns(
                visits[0].astype(np.intp), visits[1], visits[2] > 0,
                done[0].astype(np.intp), done[1], done[2], self.observed,
            ),
            supply=self.slots.supply,
        )  # fmt: skip


def _known(habits: Habits, end: End | None, base: int, nth: int, start: float, left: float) -> tuple[Talk, ...]:
    """Return all talks of a stay that ended with misses in a row; nothing for any other, nor for a resumed one."""
    if end is None or end.misses is None:
        return ()
    talks = tuple(habits.talks(base, nth, start, math.nextafter(left, math.inf)))
    return talks if talks and talks[-1].day == left and talks[-1].run >= end.misses.in_a_row else ()


def _columns(rows: list[tuple[float, ...]], width: int) -> Floats:
    """Return rows as columns; of none, as empty ones."""
    return np.array(rows, dtype=np.float64).reshape(-1, width).T
