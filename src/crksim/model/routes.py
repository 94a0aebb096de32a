"""Where citizens can go: every way out of a service, and what a cohort can reach."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from crksim.model.cohorts import Cohort
from crksim.model.network import Case, Condition, Network, Number, Shares
from crksim.model.referrals import Referral
from crksim.model.rules import Theta, change_days, cumulative, value_of
from crksim.model.services import Service

__all__ = ["Route", "comes_before", "conditions_of", "homes_of", "reached", "routes_of", "sent", "targets_of"]


@dataclass(frozen=True)
class Route:
    """A way on.

    Parameters
    ----------
    address : str
        Where it stands in the study.
    role : str
        ``ends``, ``refused``, ``ineligible``, ``gives_up``, ``before``, ``present``, ``waiting`` or ``afterwards``.
    shares : Shares
        Destinations.
    """

    address: str
    role: str
    shares: Shares


def routes_of(service: Service) -> Iterator[Route]:
    """Yield the ways on that a service can use at all (refused only with a limited waiting room, and so on)."""
    at = f"services.{service.id}"
    for case in service.ends:
        inner = ".ends" if len(service.ends) == 1 and case.id == "all" else f".ends.cases.{case.id}.ends"
        for end in case.value:
            yield Route(f"{at}{inner}.{end.id}.to", "ends", end.to)
    if service.places.hard is not None and service.room is not None:
        yield Route(at + ".refused", "refused", service.refused)
    if service.eligible is not None:
        yield Route(at + ".ineligible", "ineligible", service.ineligible)
    if service.patience is not None:
        yield Route(at + ".gives_up", "gives_up", service.gives_up)
    if service.before is not None:
        yield Route(at + ".before", "before", service.before)
    if service.closes is not None:
        for name, part, to in service.closes.present:
            yield Route(f"{at}.closes.present.{name}.to", "present", Shares(((to, part),)))
        yield Route(at + ".closes.waiting", "waiting", service.closes.waiting)
        yield Route(at + ".closes.afterwards", "afterwards", service.closes.afterwards)


def homes_of(network: Network, cohort: Cohort | None = None) -> frozenset[str]:
    """Return the services that ``home`` can mean, for all citizens or for those of a cohort."""
    values = frozenset(dict(network.attributes).get("home", ()))
    moves = any(
        name == "home" for s in network.services for case in s.ends for e in case.value for name, _ in e.becomes
    )
    if cohort is None or moves:
        return values
    mixed = {word for name, shares in cohort.attributes if name == "home" for word, _ in shares.branches}
    return frozenset(mixed | {value for entry in cohort.present for name, value in entry.attributes if name == "home"})


def sent(shares: Shares, theta: Theta, until: float = math.inf) -> frozenset[str]:
    """Return the destinations to which anybody is sent before day `until`."""
    if len(shares.branches) == 1:
        return frozenset({shares.branches[0][0]})
    found = set()
    for day in change_days(*(number for _, number in shares.branches if number is not None)):
        if day < until:
            below = 0.0
            for (word, _), above in zip(shares.branches, cumulative(shares, theta, day), strict=True):
                if not above <= below:
                    found.add(word)
                below = above
    return frozenset(found)


def targets_of(network: Network, rule: Referral) -> tuple[str, ...]:
    """Return the services to which a rule can lead."""
    if not rule.nearest:
        return (rule.to,)
    return tuple(service.id for service in network.services if service.group == rule.to)


def reached(network: Network, cohort: Cohort, theta: Theta) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the services that citizens of a cohort can come to, and the addresses that send them home.

    Parameters
    ----------
    network : Network
        Where they move.
    cohort : Cohort
        Who moves.
    theta : mapping of str to float
        Values of the parameters.
    """
    services = {service.id: service for service in network.services}
    homes = homes_of(network, cohort)
    seen: set[str] = set()
    home_at: list[str] = []
    waiting: list[str] = []

    def visit(words: frozenset[str], address: str) -> None:
        if "home" in words:
            home_at.append(address)
        waiting.extend(sorted(((words - {"home"}) | (homes if "home" in words else set())) & services.keys()))

    if cohort.enters is not None:
        visit(sent(cohort.enters, theta), f"cohorts.{cohort.id}.enters")
    for present in cohort.present:
        visit(frozenset({present.at}), f"cohorts.{cohort.id}.present.{present.id}.at")
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for route in routes_of(services[name]):
            visit(sent(route.shares, theta), route.address)
        for rule in network.referrals:
            if name in rule.services:
                waiting.extend(targets_of(network, rule))
    return frozenset(seen), tuple(home_at)


def conditions_of(network: Network, service: Service) -> Iterator[tuple[str, Condition]]:
    """Yield the conditions that a citizen in a service can meet, with their addresses."""
    at = f"services.{service.id}"
    if service.eligible is not None:
        yield at + ".eligible", service.eligible
    yield from _of_cases(at + ".priority", service.priority)
    yield from _of_cases(at + ".death", service.death)
    yield from _of_cases(at + ".patience", service.patience or ())
    yield from _of_cases(at + ".length", service.length or ())
    yield from _of_cases(at + ".ends", service.ends)
    for case in service.ends:
        inner = ".ends" if case.id == "all" and case.when is None else f".ends.cases.{case.id}.ends"
        for end in case.value:
            yield from _of_cases(f"{at}{inner}.{end.id}.length", end.length or ())
    if service.clinic is not None:
        yield from _of_cases(at + ".clinic.no_show", service.clinic.no_show)
        if service.clinic.late is not None and service.clinic.late.when is not None:
            yield at + ".clinic.late.when", service.clinic.late.when
    for rule in network.referrals:
        if service.id in rule.services:
            here = f"referrals.{rule.id}"
            if rule.when is not None:
                yield here + ".when", rule.when
            yield from _of_cases(here + ".take_up", rule.take_up)
            yield from _of_cases(here + ".attend", rule.attend)
            yield from _of_cases(here + ".at.rate", rule.rate)


def _of_cases(address: str, cases: tuple[Case, ...]) -> Iterator[tuple[str, Condition]]:  # type: ignore[type-arg]
    for case in cases:
        if case.when is not None:
            yield f"{address}.cases.{case.id}.when", case.when


def comes_before(number: Number | None, theta: Theta, until: float) -> bool:
    """Say whether a rate is above nought on some day before `until`."""
    return number is not None and any(day < until and value_of(number, theta, day) > 0 for day in change_days(number))
