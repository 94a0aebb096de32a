"""The scene of a run: the numbers of one world and one member that measures need beside the log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crksim.model.clock import Window
from crksim.model.network import Network, Number, Study
from crksim.model.services import Service
from crksim.model.vocabulary import groups_of
from crksim.simulation.clinicplan import ClinicPlan

__all__ = ["PlaceLimits", "Scene", "StaffTime", "Steps"]


@dataclass(frozen=True, eq=False)
class Steps:
    """A number that changes on dates.

    Parameters
    ----------
    days : ndarray of float, shape (n,)
        Days from which each value holds, rising; the first is ``-inf``.
    values : ndarray of float, shape (n,)
        The values.
    """

    days: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, number: Number, theta: Mapping[str, float]) -> Steps:
        """Return the steps of `number` under the parameter values `theta`."""
        days = np.array([day for day, _ in number.steps])
        return cls(days, np.array([quantity.value(theta) for _, quantity in number.steps]))

    def at(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values in force on `days`, same shape."""
        if len(self.values) == 1:
            return np.full(np.shape(days), self.values[0])
        return self.values[np.maximum(np.searchsorted(self.days, days, side="right") - 1, 0)]

    def times(self, other: Steps) -> Steps:
        """Return the product with another number that changes on dates."""
        days = np.union1d(self.days, other.days)
        return Steps(days, self.at(days) * other.at(days))

    def pieces(self, start: float, end: float) -> list[tuple[float, float, float]]:
        """Return ``(from, to, value)`` for every piece of ``[start, end)`` on which the value does not change."""
        if end <= start:
            return []
        if len(self.values) == 1:
            return [(start, end, float(self.values[0]))]
        bounds = [start, *(float(day) for day in self.days if start < day < end), end]
        return [(a, b, float(self.at(np.array(a)))) for a, b in pairwise(bounds)]

    def integral(self, start: float, end: float) -> float:
        """Return the value summed over the days from `start` to `end`."""
        return math.fsum((b - a) * value for a, b, value in self.pieces(start, end))


@dataclass(frozen=True, eq=False)
class StaffTime:
    """Staff time of one kind of contact.

    Parameters
    ----------
    staff : str
        Kind of staff.
    per_citizen : bool
        For every citizen present; otherwise for the service as long as it is open.
    hours : Steps
        Staff hours per day (per citizen present).
    contacts : Steps
        Contacts per day (per citizen present).
    """

    staff: str
    per_citizen: bool
    hours: Steps
    contacts: Steps


@dataclass(frozen=True, eq=False)
class PlaceLimits:
    """What a service has room for, and when it is open.

    Parameters
    ----------
    opens, closes : float
        Days; ``-inf`` and ``inf`` where it was always open or never closes.
    places : Steps or None
        Hard places, or else the norm; None where no limit is known.
    norm : Steps or None
        The norm, or else the hard places: what more citizens than this are too many for.
    workable : Steps or None
        Smallest workable number present.
    staff : tuple of StaffTime
        Staff time by kind of contact.
    posts : tuple of (str, Steps)
        Posts filled, by kind of staff.
    hard : bool
        Whether nobody is admitted beyond the places.
    """

    opens: float
    closes: float
    places: Steps | None
    norm: Steps | None
    workable: Steps | None
    staff: tuple[StaffTime, ...]
    posts: tuple[tuple[str, Steps], ...] = ()
    hard: bool = False

    def open_in(self, window: Window) -> Window:
        """Return the part of `window` in which the service is open; of length 0 where it is not."""
        start = min(max(window.start, self.opens), window.end)
        return Window(start, max(start, min(window.end, self.closes)))


@dataclass(frozen=True, eq=False)
class Scene:
    """Bound numbers of one world and member.

    Parameters
    ----------
    network : Network
        Where ids are declared.
    start : str
        ISO date of day 0.
    forecast : Window
        The window of addresses that name none.
    services : dict of PlaceLimits
        By service id.
    groups : dict of tuple of str
        Members by group id.
    untreated : frozenset of str
        Services whose stays are no treatment: doors, registers, being away.
    between : frozenset of str
        Services between two courses of treatment (being away).
    legal_limits : dict of Steps
        Days from request to first treatment, by cohort that has a limit.
    clinics : dict of ClinicPlan
        Calendars of appointments, by service that has one.
    """

    network: Network
    start: str
    forecast: Window
    services: Mapping[str, PlaceLimits]
    groups: Mapping[str, tuple[str, ...]]
    untreated: frozenset[str]
    between: frozenset[str]
    legal_limits: Mapping[str, Steps]
    clinics: Mapping[str, ClinicPlan] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, theta: Mapping[str, float]) -> Scene:
        """Return the scene of `study` under the parameter values `theta` (name -> value)."""
        network = study.network
        return cls(
            network=network,
            start=study.start,
            forecast=Window(study.forecast, study.end),
            services={service.id: _limits(service, theta) for service in network.services},
            groups=groups_of(network),
            untreated=frozenset(s.id for s in network.services if s.between_courses or not s.treatment),
            between=frozenset(s.id for s in network.services if s.between_courses),
            legal_limits={
                cohort.id: Steps.of(cohort.legal_limit, theta)
                for cohort in network.cohorts
                if cohort.legal_limit is not None
            },
            clinics={
                service.id: ClinicPlan.of(network, service.id, theta, study.start)
                for service in network.services
                if service.clinic is not None
            },
        )


def _limits(service: Service, theta: Mapping[str, float]) -> PlaceLimits:
    hard, norm, workable = (
        None if number is None else Steps.of(number, theta)
        for number in (service.places.hard, service.places.norm, service.places.workable)
    )
    staff = []
    for staffing in service.staff:
        contacts = Steps.of(staffing.contacts, theta)
        product = contacts.times(Steps.of(staffing.hours, theta))
        staff.append(StaffTime(staffing.staff, staffing.per == "citizen", product, contacts))
    return PlaceLimits(
        opens=service.opens,
        closes=math.inf if service.closes is None else service.closes.on,
        places=norm if hard is None else hard,
        norm=hard if norm is None else norm,
        workable=workable,
        staff=tuple(staff),
        posts=tuple((it.staff, Steps.of(it.number, theta).times(Steps.of(it.filled, theta))) for it in service.posts),
        hard=hard is not None,
    )
