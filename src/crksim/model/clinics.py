"""Clinics: services with a calendar of appointments, which is worked out from their stays.

It changes none of them: an end that comes with misses in a row hangs on what citizens do, not on who else is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crksim.model.ranges import Check, above_zero, at_least_zero, share

if TYPE_CHECKING:
    from crksim.model.network import CasedNumber, Condition, Number
    from crksim.model.reading import Reader
    from crksim.model.services import Service

__all__ = [
    "CALL_IN_KEYS",
    "CLINIC_KEYS",
    "LATE_DAYS",
    "LATE_KEYS",
    "MISSES_HANG_ON",
    "WORKING_DAYS",
    "CallIn",
    "Clinic",
    "Late",
    "counts_misses",
    "read_clinic",
    "what_stays_hang_on",
]

#: Days of a week on which a clinic is open, Monday to Friday.
WORKING_DAYS: Final = 5
#: Working days on which the clinic is open late, as many of them as there are late afternoons; Monday is 0.
LATE_DAYS: Final = (1, 3, 0, 2, 4)
#: Numbers of a clinic on which it hangs which talks a citizen misses, and when.
MISSES_HANG_ON: Final = ("every", "no_show", "rebooked", "rebooked_after", "drop_in", "late")

CLINIC_KEYS: Final = (
    "every",
    "talk",
    "doctor",
    "nurse",
    "by_doctor",
    "no_show",
    "rebooked",
    "rebooked_after",
    "drop_in",
    "overdue_after",
    "late",
    "call_in",
)
LATE_KEYS: Final = ("afternoons", "hours", "when", "otherwise")
CALL_IN_KEYS: Final = ("every", "days", "hours", "group", "held", "missed")
_NEEDED: Final = ("every", "talk", "doctor", "nurse", "no_show")


@dataclass(frozen=True)
class Late:
    """Opening in the late afternoon.

    Parameters
    ----------
    afternoons : Number
        Late afternoons a week.
    hours : Number
        Late hours of such an afternoon, part of the hours of doctor and nurse.
    when : Condition or None
        Who can come at late times only.
    otherwise : Number
        Ratio by which their odds of missing rise at an ordinary time.
    """

    afternoons: Number
    hours: Number
    when: Condition | None
    otherwise: Number


@dataclass(frozen=True)
class CallIn:
    """Being called in for supervised intake and observation on some days in a row.

    Parameters
    ----------
    every : Number
        Days from one to the next.
    days : int
        Working days in a row, inside one week; a missed day begins all of them again.
    hours : Number
        Hours under observation on each of the days.
    group : Number
        How many the nurse can observe at the same time; 1, or less, is one by one.
    held : Number
        Days between the weeks in which it may begin (whole weeks).
    missed : Number
        Chance of missing a day.
    """

    every: Number
    days: int
    hours: Number
    group: Number
    held: Number
    missed: Number


@dataclass(frozen=True)
class Clinic:
    """Appointments with a doctor or a nurse.

    Parameters
    ----------
    every : Number
        Days from one due talk to the next.
    talk : Number
        Hours of a talk.
    doctor, nurse : Number
        Hours per day with citizens, over all days of the year.
    by_doctor : Number
        Share of the talks that go to the doctor when both are free on the same day.
    no_show : CasedNumber
        Chance of missing a booked talk.
    rebooked : Number
        Share of missed talks that get a new time at once; the others wait for the next due talk.
    rebooked_after : Number
        Days from a missed talk to the first new time that can be had.
    drop_in : Number
        Share of those who missed a talk who come by themselves when there is a free time within a week.
    overdue_after : Number or None
        Days since the last talk after which a citizen is overdue; None is one and a half times `every`.
    """

    every: Number
    talk: Number
    doctor: Number
    nurse: Number
    by_doctor: Number
    no_show: CasedNumber
    rebooked: Number
    rebooked_after: Number
    drop_in: Number
    overdue_after: Number | None
    late: Late | None
    call_in: CallIn | None


def counts_misses(service: Service) -> bool:
    """Say whether stays in a service may end with misses in a row."""
    return any(end.misses is not None for case in service.ends for end in case.value)


def what_stays_hang_on(service: Service) -> tuple[object, ...]:
    """Return the numbers of a service's clinic on which its stays hang; none unless they may end with misses.

    Parameters
    ----------
    service : Service
        With or without a clinic.
    """
    if service.clinic is None or not counts_misses(service):
        return ()
    return tuple(getattr(service.clinic, name) for name in MISSES_HANG_ON)


def read_clinic(reader: Reader, value: object, at: str) -> Clinic:
    """Read the calendar of a service.

    Parameters
    ----------
    reader : Reader
        Takes the faults.
    value : object
        What stands under ``clinic:``.
    at : str
        Its address.
    """
    found = reader.fields(value, at, CLINIC_KEYS, _NEEDED)
    number = _numbers(reader, found, at)
    return Clinic(
        every=number("every", "duration", above_zero, "1 day"),
        talk=number("talk", "hours", above_zero, 30),
        doctor=number("doctor", "rate", at_least_zero, "0 / year"),
        nurse=number("nurse", "rate", at_least_zero, "0 / year"),
        by_doctor=number("by_doctor", "number", share, 0.5),
        no_show=reader.cases(
            found.get("no_show", 0), at + ".no_show", lambda held, here: reader.number(held, here, "number", share)
        ),
        rebooked=number("rebooked", "number", share, 1),
        rebooked_after=number("rebooked_after", "duration", at_least_zero, "1 day"),
        drop_in=number("drop_in", "number", share, 0),
        overdue_after=number("overdue_after", "duration", above_zero, "1 day") if "overdue_after" in found else None,
        late=_read_late(reader, found["late"], at + ".late") if "late" in found else None,
        call_in=_read_call_in(reader, found["call_in"], at + ".call_in") if "call_in" in found else None,
    )


def _numbers(reader: Reader, found: Mapping[str, Any], at: str) -> Callable[[str, str, Check, object], Number]:
    """Return what reads one of the numbers below an address, or takes its default."""

    def number(key: str, dimension: str, check: Check, default: object) -> Number:
        return reader.number(found.get(key, default), f"{at}.{key}", dimension, check)

    return number


def _read_late(reader: Reader, value: object, at: str) -> Late:
    found = reader.fields(value, at, LATE_KEYS, ("afternoons", "hours"))
    number = _numbers(reader, found, at)
    return Late(
        afternoons=number("afternoons", "number", _weekdays, 0),
        hours=number("hours", "hours", at_least_zero, 0),
        when=reader.condition(found["when"], at + ".when") if "when" in found else None,
        otherwise=number("otherwise", "number", above_zero, 1),
    )


def _read_call_in(reader: Reader, value: object, at: str) -> CallIn:
    found = reader.fields(value, at, CALL_IN_KEYS, ("every", "days", "hours"))
    number = _numbers(reader, found, at)
    days = reader.whole(found.get("days", 1), at + ".days", 1)
    if days > WORKING_DAYS:
        reader.refuse(at + ".days", days, f"must fit into a week of {WORKING_DAYS} days")
    return CallIn(
        every=number("every", "duration", above_zero, "1 year"),
        days=days,
        hours=number("hours", "hours", above_zero, 60),
        group=number("group", "number", above_zero, 1),
        held=number("held", "duration", above_zero, "1 week"),
        missed=number("missed", "number", share, 0),
    )


def _weekdays(number: float) -> str | None:
    fits = 0 <= number <= WORKING_DAYS and number == int(number)
    return None if fits else f"must be a whole number of days from 0 to {WORKING_DAYS}"
