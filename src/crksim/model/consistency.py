"""Rules that hold between the things of a study: what is reached is there, and nothing goes in circles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import product

from crksim.model.clock import date_of
from crksim.model.cohorts import Cohort
from crksim.model.network import Network
from crksim.model.reading import Reader
from crksim.model.routes import comes_before, conditions_of, homes_of, reached, routes_of, sent, targets_of
from crksim.model.rules import passes, value_of
from crksim.model.services import Service

__all__ = ["check_network"]

Graph = Mapping[str, frozenset[str]]
_MOST_KINDS = 5_000


def check_network(reader: Reader, network: Network) -> None:
    """Note what does not fit together.

    Parameters
    ----------
    reader : Reader
        Takes the faults.
    network : Network
        Whose single values could all be read.
    """
    _check_homes(reader, network)
    _check_openings(reader, network)
    _check_nearest(reader, network)
    _check_luck(reader, network)
    visited: set[str] = set()
    for cohort in network.cohorts:
        names, home_at = reached(network, cohort, reader.theta)
        visited |= names
        _check_cohort(reader, network, cohort, names, home_at)
    _check_origins(reader, network, visited)
    if not reader.problems:
        _check_circles(reader, network)
        _check_blocking(reader, network)


def _check_homes(reader: Reader, network: Network) -> None:
    if "home" in reader.attributes:
        return
    rule = "needs an attribute 'home' whose values are services"
    for service in network.services:
        for route in routes_of(service):
            if any(word == "home" for word, _ in route.shares.branches):
                reader.refuse(route.address, "home", rule)
    for cohort in network.cohorts:
        if cohort.enters is not None and any(word == "home" for word, _ in cohort.enters.branches):
            reader.refuse(f"cohorts.{cohort.id}.enters", "home", rule)
        for present in cohort.present:
            if present.at == "home":
                reader.refuse(f"cohorts.{cohort.id}.present.{present.id}.at", "home", rule)


def _check_openings(reader: Reader, network: Network) -> None:
    """A service that opens later says where requests go that come too early."""
    for late in network.services:
        if late.opens <= 0:
            continue
        shown = date_of(late.opens, reader.start)
        for cohort in network.cohorts:
            for present in cohort.present:
                if present.at == late.id or (present.at == "home" and late.id in homes_of(network, cohort)):
                    at = f"cohorts.{cohort.id}.present.{present.id}.at"
                    reader.refuse(at, present.at, f"'{late.id}' opens on {shown}, after the start")
        early = _early(reader, network, late) if late.before is None else None
        if early is not None:
            rule = f"opens after the start, so it needs 'before': {early} can send citizens there earlier"
            reader.refuse(f"services.{late.id}.opens", shown, rule)


def _early(reader: Reader, network: Network, late: Service) -> str | None:
    """Return an address that can send a citizen to a service before it opens."""
    for cohort in network.cohorts:
        coming = cohort.arrivals
        some = coming.rate is None or comes_before(coming.rate, reader.theta, late.opens)
        if cohort.enters is not None and some:
            words = sent(cohort.enters, reader.theta, late.opens)
            if late.id in words or ("home" in words and late.id in homes_of(network, cohort)):
                return f"cohorts.{cohort.id}.enters"
    for service in network.services:
        for route in routes_of(service):
            closing = route.role in ("present", "waiting", "afterwards")
            since = service.closes.on if closing and service.closes is not None else service.opens
            if (since >= late.opens and route.role != "before") or service.id == late.id:
                continue
            words = sent(route.shares, reader.theta, late.opens)
            if late.id in words or ("home" in words and late.id in homes_of(network)):
                return route.address
    return None


def _check_origins(reader: Reader, network: Network, visited: set[str]) -> None:
    """``origin`` makes sense in services to which a rule leads, and in those that follow on them."""
    led_to = {name for rule in network.referrals for name in targets_of(network, rule) if rule.stay != "beside"}
    named = {s.id: {word for route in routes_of(s) for word, _ in route.shares.branches} for s in network.services}
    todo = list(led_to)
    while todo:
        more = (named[todo.pop()] & named.keys()) - led_to
        led_to |= more
        todo += more
    for service in network.services:
        for route in routes_of(service):
            says = any(word == "origin" for word, _ in route.shares.branches)
            if says and service.id in visited and service.id not in led_to:
                rule = "needs a referral rule with 'stay: ends' or 'goes_on' that leads here"
                reader.refuse(route.address, "origin", rule)


def _check_nearest(reader: Reader, network: Network) -> None:
    for group in sorted({rule.to for rule in network.referrals if rule.nearest}):
        members = [service for service in network.services if service.group == group]
        hard = sorted(service.id for service in members if service.places.hard is not None)
        if hard and len(hard) < len(members):
            soft = sorted(service.id for service in members if service.places.hard is None)
            rule = f"a group to choose between must be all hard or all soft: {', '.join(soft)} has no hard places"
            reader.refuse(f"groups.{group}", hard, rule)


def _check_luck(reader: Reader, network: Network) -> None:
    keys: dict[str, str] = {}
    for cohort in network.cohorts:
        if cohort.luck_key in keys:
            rule = f"is also that of '{keys[cohort.luck_key]}': their citizens would be the same"
            reader.refuse(f"cohorts.{cohort.id}.luck_key", cohort.luck_key, rule)
        keys.setdefault(cohort.luck_key, cohort.id)


def _check_cohort(
    reader: Reader, network: Network, cohort: Cohort, names: frozenset[str], home_at: tuple[str, ...]
) -> None:
    """A cohort has a value for every attribute that a condition it can meet reads."""
    has = {name for name, _ in cohort.attributes} | {"cohort"}
    missing: dict[str, str] = {}
    if home_at and "home" not in has and "home" in reader.attributes:
        missing["home"] = home_at[0]
    for service in network.services:
        for address, condition in conditions_of(network, service) if service.id in names else ():
            tests = dict(condition.tests)
            if cohort.id in tests.get("cohort", {cohort.id}):
                for name in tests.keys() - has:
                    missing.setdefault(name, address)
    for name in sorted(missing):
        reader.refuse(f"cohorts.{cohort.id}.attributes.{name}", None, f"is missing: {missing[name]} reads it")


def _check_circles(reader: Reader, network: Network) -> None:
    """At no moment may a request be sent on and on: closed, not yet open, not eligible, refused, or done at once."""
    told: set[frozenset[str]] = set()
    days = {-math.inf} | {service.opens for service in network.services}
    days |= {service.closes.on for service in network.services if service.closes is not None}
    for day in sorted(days):
        for kind in _kinds(reader, network):
            circle = find_circle(_instant_graph(reader, network, day, kind))
            if circle and frozenset(circle) not in told:
                told.add(frozenset(circle))
                shown = " -> ".join((*circle, circle[0]))
                when = "from the start" if day <= 0 else f"from {date_of(day, reader.start)}"
                rule = f"requests would be sent in a circle without end {when}"
                reader.refuse(f"services.{circle[0]}", shown, rule)


def _kinds(reader: Reader, network: Network) -> Iterable[dict[str, str]]:
    """Return the kinds that eligibility tells apart."""
    conditions = [service.eligible for service in network.services if service.eligible is not None]
    names = sorted({name for condition in conditions for name, _ in condition.tests})
    values = [reader.attributes[name] for name in names]
    if math.prod(len(held) for held in values) > _MOST_KINDS:
        return ()
    return (dict(zip(names, kind, strict=True)) for kind in product(*values))


def _instant_graph(reader: Reader, network: Network, day: float, kind: Mapping[str, str]) -> Graph:
    """Return where a request to each service can be sent at the same instant."""
    homes = frozenset({kind["home"]}) if "home" in kind else homes_of(network)
    graph = {}
    for service in network.services:
        words: frozenset[str] = frozenset()
        if service.closes is not None and day >= service.closes.on:
            words = sent(service.closes.afterwards, reader.theta)
        elif day < service.opens:
            words = sent(service.before, reader.theta) if service.before is not None else frozenset()
        elif not passes(service.eligible, kind):
            words = sent(service.ineligible, reader.theta)
        else:
            if service.places.hard is not None and service.room is not None:
                words = sent(service.refused, reader.theta)
            words |= _at_once(reader, service)
        graph[service.id] = (words - {"home"}) | (homes if "home" in words else frozenset())
    return graph


def _at_once(reader: Reader, service: Service) -> frozenset[str]:
    """Return where a stay of no length leads."""
    words: frozenset[str] = frozenset()
    for case in service.ends:
        for end in case.value:
            for law in (end.length or service.length or ()) if end.share is not None else ():
                for _, spec in law.value.steps:
                    numbers = dict(spec.numbers)
                    if spec.law == "fixed" and any(
                        value_of(numbers["value"], reader.theta, step) == 0 for step, _ in numbers["value"].steps
                    ):
                        words |= sent(end.to, reader.theta)
    return words


def _check_blocking(reader: Reader, network: Network) -> None:
    """Services that hold places for each other in a circle would all wait for ever."""
    holding = {s.id for s in network.services if s.blocking and s.places.hard is not None}
    homes = homes_of(network)
    graph = {}
    for service in network.services:
        words: frozenset[str] = frozenset()
        for route in routes_of(service) if service.id in holding else ():
            if route.role == "ends":
                words |= sent(route.shares, reader.theta)
        words = (words - {"home"}) | (homes if "home" in words else frozenset())
        graph[service.id] = words & holding
    circle = find_circle(graph)
    if circle:
        rule = "services that block each other in a circle would wait for ever"
        reader.refuse(f"services.{circle[0]}.blocking", " -> ".join((*circle, circle[0])), rule)


def find_circle(graph: Graph) -> tuple[str, ...]:
    """Return the nodes of a circle, beginning with the first by name, or nothing.

    Parameters
    ----------
    graph : mapping of str to frozenset of str
        Node -> the nodes after it.
    """
    done: set[str] = set()
    for origin in sorted(graph):
        path: list[str] = []
        ahead: list[list[str]] = [] if origin in done else [[origin]]
        while ahead:
            if not ahead[-1]:
                ahead.pop()
                done.update(path[-1:])
                del path[-1:]
                continue
            node = ahead[-1].pop()
            if node in path:
                circle = path[path.index(node) :]
                first = circle.index(min(circle))
                return tuple(circle[first:] + circle[:first])
            if node not in done:
                path.append(node)
                ahead.append(sorted(graph.get(node, ()), reverse=True))
    return ()
