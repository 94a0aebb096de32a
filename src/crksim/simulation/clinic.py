"""Appointments one by one: a second model, downstream of the stays and on the same luck.

The stays say who is there from when to when.  Each of them asks for a talk once a month and is called in once a year;
doctor and nurse have so many times on each working day.  Nothing goes back: a full calendar makes citizens overdue, but
keeps nobody from coming or staying.  Draws are keyed by citizen, visit, how manieth due talk, and purpose, so that the
same citizen misses the same talks in every world in which the chance of missing is the same.
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
from crksim.model.network import Dated
from crksim.simulation.cliniclog import DOCTOR, NURSE, CallIns, ClinicLog, Talks
from crksim.simulation.clinicplan import ClinicPlan
from crksim.simulation.luck import Luck, constant, uniform
from crksim.simulation.slots import LATE, ORDINARY, Slot, Slots
from crksim.simulation.staylog import StayLog

__all__ = ["run_clinic"]

Floats = NDArray[np.float64]
Process = Generator[simpy.Event, Any, None]

_NOON = 0.5
#: Days ahead of which a call-in is arranged.
_NOTICE = 42.0
#: Days within which somebody who needs a late time is given one, or else an ordinary time.
_LATE_WITHIN = 28
#: Days within which somebody who comes without an appointment finds a free time, or goes home again.
_DROP_IN_WITHIN = 7
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
    no_show: Dated[float]
    late_only: bool


class _Run:
    """One run of the calendar."""

    def __init__(self, plan: ClinicPlan, log: StayLog, luck: Luck) -> None:
        self.plan, self.clinic = plan, plan.clinic
        self.env = simpy.Environment(initial_time=math.floor(log.start))
        self.every, self.talk = plan.dated(self.clinic.every), plan.dated(self.clinic.talk)
        if self.clinic.late is not None:
            self.otherwise = plan.dated(self.clinic.late.otherwise)
        self.by_doctor, self.drop_in = plan.dated(self.clinic.by_doctor), plan.dated(self.clinic.drop_in)
        self.rebooked, self.after = plan.dated(self.clinic.rebooked), plan.dated(self.clinic.rebooked_after)
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
        no_show = {kind: self.plan.no_show(kinds[kind]) for kind in np.unique(log.kind[rows]).tolist()}
        when = self.clinic.late.when if self.clinic.late is not None else None
        found = []
        for number, row in enumerate(rows.tolist()):
            kind, cohort = int(log.kind[row]), log.legend.cohorts[int(log.cohort[row])]
            found.append(
                _Stay(
                    number,
                    luck.base(self.plan.cohorts.get(cohort, cohort), int(log.citizen[row])),
                    f"clinic:{self.plan.luck_key}:{int(log.nth[row])}",
                    float(self.start[number]),
                    float(left[number]),
                    no_show[kind],
                    when is not None and when.matches(kinds[kind]),
                )
            )
        return found

    def book(self, wanted: float, stay: _Stay, number: int, attempt: int) -> Slot | None:
        """Take the first time on or after a day: with the one wished for where both are free, ordinary before late."""
        day = max(math.ceil(wanted - _NOON), math.floor(self.env.now) + 1)
        if day >= self.n_days:
            return None
        doctor = self.draw(stay, number, f"doctor:{attempt}") < self.by_doctor.at(wanted)
        staff = (DOCTOR, NURSE) if doctor else (NURSE, DOCTOR)
        slot = None
        if stay.late_only and self.slots.any_late:
            slot = self.slots.first(day, staff, (LATE,))
            slot = slot if slot is not None and slot.day <= day + _LATE_WITHIN else None
        slot = slot or self.slots.first(day, staff, (ORDINARY, LATE))
        if slot is not None:
            self.slots.take(slot)
        return slot

    def draw(self, stay: _Stay, number: int, purpose: str) -> float:
        return uniform(stay.base, constant(stay.family, number, purpose))

    # --- talks -------------------------------------------------------------------------------------------------------

    def talks(self, stay: _Stay) -> Process:
        """Go through a citizen's due talks: each is booked when the one before it is over."""
        env = self.env
        yield env.timeout(max(stay.start - env.now, 0.0))
        due = stay.start + self.every.at(stay.start) * self.draw(stay, 0, "first")
        number = run = attempt = 0
        wanted = due
        self._due(stay, due)
        while True:
            slot = self.book(wanted, stay, number, attempt)
            time = math.inf if slot is None else slot.day + _NOON
            if time >= stay.left or slot is None:
                if stay.left < math.inf and slot is not None:
                    yield env.timeout(stay.left - env.now)
                    self.slots.give(slot)
                return
            yield env.timeout(time - env.now)
            missed = self.draw(stay, number, f"no_show:{attempt}") < self.chance(stay, slot, time)
            run = run + 1 if missed else 0
            self._note(stay, slot, not missed, run)
            if missed and self.draw(stay, number, f"drop_in:{attempt}") < self.drop_in.at(time):
                came = self.without_appointment(slot, stay)
                if came is not None:
                    yield env.timeout(came.day + _NOON - env.now)
                    run, missed = 0, False
                    self._note(stay, came, True, 0, appointment=False)
            if missed and self.draw(stay, number, f"rebooked:{attempt}") < self.rebooked.at(time):
                wanted, attempt = env.now + self.after.at(time), attempt + 1
                continue
            while due <= env.now:
                due += self.every.at(due)
                self._due(stay, due)
            wanted, number, attempt = due, number + 1, 0

    def chance(self, stay: _Stay, slot: Slot, time: float) -> float:
        """Return the chance that a talk is missed; higher at an ordinary time for those who can only come late."""
        chance = stay.no_show.at(time)
        if self.clinic.late is None or not stay.late_only or slot.kind == LATE:
            return chance
        ratio = self.otherwise.at(time)
        return chance * ratio / (1.0 - chance + chance * ratio)

    def without_appointment(self, missed: Slot, stay: _Stay) -> Slot | None:
        """Take a time for somebody who comes without an appointment soon after a missed one."""
        day = math.floor(self.env.now) + 1
        slot = self.slots.first(day, (missed.staff, NURSE if missed.staff == DOCTOR else DOCTOR), (ORDINARY, LATE))
        if slot is None or slot.day > day + _DROP_IN_WITHIN or slot.day + _NOON >= stay.left:
            return None
        self.slots.take(slot)
        return slot

    def _due(self, stay: _Stay, due: float) -> None:
        self.dues.append((stay.number, due, due + self.every.at(due)))

    def _note(self, stay: _Stay, slot: Slot, kept: bool, run: int, appointment: bool = True) -> None:
        day = slot.day + _NOON
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
            time = first + k + _NOON
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
        for place in range(bisect_left(self.first_days, math.ceil(wanted - _NOON)), len(self.first_days)):
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
        for stay in self.stays:
            self.env.process(self.talks(stay))
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


def _columns(rows: list[tuple[float, ...]], width: int) -> Floats:
    """Return rows as columns; of none, as empty ones."""
    return np.array(rows, dtype=np.float64).reshape(-1, width).T
