"""A clinic with its numbers filled in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.errors import CheckError
from crksim.model.clinics import Clinic
from crksim.model.cohorts import Cohort
from crksim.model.ends import End
from crksim.model.network import Case, Dated, Network, Number
from crksim.simulation.arrivals import luck_of
from crksim.simulation.luck import Luck

__all__ = ["ClinicPlan"]


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
    cohorts : mapping of str to Cohort
        The cohorts by id.
    weekday : int
        Weekday of day 0; Monday is 0.
    ends : tuple of Case of tuple of End
        Ends of its stays.
    """

    service: str
    luck_key: str
    clinic: Clinic
    theta: Mapping[str, float]
    cohorts: Mapping[str, Cohort]
    weekday: int
    ends: tuple[Case[tuple[End, ...]], ...] = ()

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
        cohorts = {cohort.id: cohort for cohort in network.cohorts}
        return cls(service, it.luck_key, it.clinic, theta, cohorts, dt.date.fromisoformat(start).weekday(), it.ends)

    def dated(self, number: Number) -> Dated[float]:
        """Return a number of the clinic over time."""
        return Dated(tuple((day, quantity.value(self.theta)) for day, quantity in number.steps))

    def family(self, nth: int) -> str:
        """Return the family of the draws of a citizen's nth stay at the clinic."""
        return f"clinic:{self.luck_key}:{nth}"

    def base(self, luck: Luck, cohort: str, citizen: int) -> int:
        """Return the luck of a citizen of the log."""
        it = self.cohorts.get(cohort)
        return luck.base(cohort, citizen) if it is None else luck.base(*luck_of(it, citizen))

    def end(self, name: str, kind: Mapping[str, str]) -> End | None:
        """Return an end of the stays of a kind; none by that name is there for the reasons of the log."""
        for case in self.ends:
            if case.when is None or case.when.matches(kind):
                return next((end for end in case.value if end.id == name), None)
        return None

    def over_days(self, number: Number, length: int) -> NDArray[np.float64]:
        """Return a number of the clinic on each of so many days from day 0."""
        dated = self.dated(number)
        days = np.arange(length, dtype=np.float64)
        place = np.searchsorted([day for day, _ in dated.steps], days, side="right") - 1
        return np.asarray(np.array([value for _, value in dated.steps])[place])
