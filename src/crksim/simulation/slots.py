"""Times of a doctor and a nurse, ordinary and late, on every working day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.model.clinics import LATE_DAYS, WORKING_DAYS
from crksim.simulation.clinicplan import ClinicPlan

__all__ = ["LATE", "ORDINARY", "Slot", "Slots"]

ORDINARY, LATE = 0, 1


@dataclass(frozen=True)
class Slot:
    """A time in the calendar, and how many days it lies behind the first that there is at all."""

    day: int
    staff: int
    kind: int
    wait: int


class _Calendar:
    """Times of one member of staff, ordinary and late, day by day."""

    def __init__(self, ordinary: NDArray[np.int64], late: NDArray[np.int64]) -> None:
        self.free: list[list[int]] = [ordinary.tolist(), late.tolist()]
        self.open = [bytearray((ordinary > 0).tolist()), bytearray((late > 0).tolist())]
        self.there = [bytes(open_) for open_ in self.open]

    def take(self, kind: int, day: int, times: int = 1) -> None:
        self.free[kind][day] -= times
        self.open[kind][day] = self.free[kind][day] > 0

    def give(self, kind: int, day: int, times: int = 1) -> None:
        self.take(kind, day, -times)


class Slots:
    """The calendar of a clinic.

    Parameters
    ----------
    plan : ClinicPlan
        The clinic.
    length : int
        Days of the calendar from day 0.
    """

    def __init__(self, plan: ClinicPlan, length: int) -> None:
        self.length = length
        weekday = (np.arange(length) + plan.weekday) % 7
        working, talk = weekday < WORKING_DAYS, plan.over_days(plan.clinic.talk, length)
        late = np.zeros(length, dtype=np.int64)
        if plan.clinic.late is not None:
            afternoons = plan.over_days(plan.clinic.late.afternoons, length)
            rank = np.array([LATE_DAYS.index(day) if day < WORKING_DAYS else WORKING_DAYS for day in weekday])
            wanted = np.rint(plan.over_days(plan.clinic.late.hours, length) / talk).astype(np.int64)
            late = np.where(rank < afternoons, wanted, 0)
        self.calendars, supply = [], []
        for hours in (plan.clinic.doctor, plan.clinic.nurse):
            # Parts of a time are carried on, so that a year has as many as its hours hold.
            whole = np.cumsum(np.where(working, plan.over_days(hours, length) * 7.0 / WORKING_DAYS / talk, 0.0))
            times = np.diff(np.floor(whole + 1e-9), prepend=0.0).astype(np.int64)
            self.calendars.append(_Calendar(times - np.minimum(times, late), np.minimum(times, late)))
            supply.append(times * talk)
        self.supply: NDArray[np.float64] = np.array(supply)
        self.any_late = any(any(calendar.there[LATE]) for calendar in self.calendars)

    def take(self, slot: Slot) -> None:
        """Take a time out of the calendar."""
        self.calendars[slot.staff].take(slot.kind, slot.day)

    def give(self, slot: Slot) -> None:
        """Put a time back."""
        self.calendars[slot.staff].give(slot.kind, slot.day)

    def room(self, staff: int, day: int) -> int:
        """Return the free times of one of the staff on a day."""
        return sum(kind[day] for kind in self.calendars[staff].free)

    def reserve(self, staff: int, day: int, times: int) -> tuple[int, int]:
        """Take so many times on a day, ordinary ones first; return how many of each kind."""
        ordinary = max(0, min(times, self.calendars[staff].free[ORDINARY][day]))
        self.calendars[staff].take(ORDINARY, day, ordinary)
        self.calendars[staff].take(LATE, day, times - ordinary)
        return ordinary, times - ordinary

    def release(self, staff: int, day: int, reserved: tuple[int, int]) -> None:
        """Put back what was reserved."""
        for kind, times in zip((ORDINARY, LATE), reserved, strict=True):
            self.calendars[staff].give(kind, day, times)

    def first(self, day: int, staff: tuple[int, ...], kinds: tuple[int, ...]) -> Slot | None:
        """Return the first free time on or after a day; of equally early ones by the order of kinds, then of staff.

        Parameters
        ----------
        day : int
            From when.
        staff : tuple of int
            Whom it may be with.
        kinds : tuple of int
            `ORDINARY`, `LATE` or both.
        """
        best: tuple[int, int, int] | None = None
        nearest = self.length
        for kind in kinds:
            for who in staff:
                calendar = self.calendars[who]
                found, there = calendar.open[kind].find(1, day), calendar.there[kind].find(1, day)
                nearest = min(nearest, there) if there >= 0 else nearest
                if found >= 0 and (best is None or found < best[0]):
                    best = (found, who, kind)
        return None if best is None else Slot(*best, best[0] - nearest)
