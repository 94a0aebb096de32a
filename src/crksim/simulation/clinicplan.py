"""A clinic with its numbers filled in, and what is known of a citizen's misses on admission."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.errors import CheckError
from crksim.model.clinics import Clinic
from crksim.model.network import Dated, Network, Number
from crksim.simulation.luck import constant, uniform

__all__ = ["ClinicPlan", "third_miss_day"]


@dataclass(frozen=True, eq=False)
class ClinicPlan:
    """A clinic with the numbers of one ensemble member.

    Parameters
    ----------
    service : str
        Id of the service whose stays are its citizens.
    luck_key : str
        Luck key of that service.
    clinic : Clinic
        The calendar.
    theta : mapping of str to float
        Value of every parameter.
    cohorts : mapping of str to str
        Luck keys of the cohorts by id.
    weekday : int
        Weekday of day 0; Monday is 0.
    """

    service: str
    luck_key: str
    clinic: Clinic
    theta: Mapping[str, float]
    cohorts: Mapping[str, str]
    weekday: int

    @classmethod
    def of(cls, network: Network, service: str, theta: Mapping[str, float], start: str) -> ClinicPlan:
        """Return the plan of a service's clinic; `start` is the ISO date of day 0.

        Raises
        ------
        CheckError
            When the service has no clinic.
        """
        it = next((it for it in network.services if it.id == service), None)
        if it is None or it.clinic is None:
            raise CheckError(f"services.{service} has no clinic")
        keys = {cohort.id: cohort.luck_key for cohort in network.cohorts}
        return cls(service, it.luck_key, it.clinic, theta, keys, dt.date.fromisoformat(start).weekday())

    def dated(self, number: Number) -> Dated[float]:
        """Return a number of the clinic over time."""
        return Dated(tuple((day, quantity.value(self.theta)) for day, quantity in number.steps))

    def no_show(self, kind: Mapping[str, str]) -> Dated[float]:
        """Return the chance over time that a citizen of a kind misses a booked talk."""
        for case in self.clinic.no_show:
            if case.when is None or case.when.matches(kind):
                return self.dated(case.value)
        raise CheckError(f"services.{self.service}.clinic.no_show: no case takes a citizen with {dict(kind)}")

    def over_days(self, number: Number, length: int) -> NDArray[np.float64]:
        """Return a number of the clinic on each of so many days from day 0."""
        dated = self.dated(number)
        days = np.arange(length, dtype=np.float64)
        place = np.searchsorted([day for day, _ in dated.steps], days, side="right") - 1
        return np.asarray(np.array([value for _, value in dated.steps])[place])


def third_miss_day(plan: ClinicPlan, base: int, nth: int, admitted: float, until: float, no_show: float) -> float:
    """Return the day on which a citizen has missed three talks in a row, as known on admission; inf if never.

    It is what the keyed draws say when every talk is held on the day wished for; a full calendar only makes it later.

    Parameters
    ----------
    plan : ClinicPlan
        The clinic.
    base : int
        The citizen's luck.
    nth : int
        How often the citizen was admitted before.
    admitted, until : float
        Days between which talks are due.
    no_show : float
        Chance of missing a booked talk.
    """
    clinic, family = plan.clinic, f"clinic:{plan.luck_key}:{nth}"
    every, rebooked, after = (plan.dated(one) for one in (clinic.every, clinic.rebooked, clinic.rebooked_after))
    due = admitted + every.at(admitted) * uniform(base, constant(family, 0, "first"))
    number = run = 0
    while due < until:
        day, attempt = due, 0
        while uniform(base, constant(family, number, f"no_show:{attempt}")) < no_show:
            run += 1
            if run == 3:
                return day if day < until else math.inf
            if uniform(base, constant(family, number, f"rebooked:{attempt}")) >= rebooked.at(day):
                break
            day, attempt = day + max(after.at(day), 1.0), attempt + 1
        else:
            run = 0
        while due <= day:
            due += every.at(due)
        number += 1
    return math.inf
