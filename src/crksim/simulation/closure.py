"""What a change can reach: outside its closure every row of the log is the same, bit for bit.

The closure grows along edges (whoever comes from a changed service), against referrals that wait for one (the stay that
goes on meanwhile ends later), sideways through groups and beside strands, until nothing is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass

from crksim.model.clinics import MISSES_HANG_ON, counts_misses, what_stays_hang_on
from crksim.model.cohorts import Cohort
from crksim.model.network import Quantity, Shares
from crksim.model.referrals import Referral
from crksim.model.services import Service
from crksim.simulation.plan import Structure

__all__ = ["closure", "parameters_of"]

#: Fields of a service that no row of the log depends on; of a clinic some speak where stays end with misses.
_SILENT = ("label", "staff", "posts", "clinic", "wait_goal", "places.norm", "places.workable")
_HEARD = tuple(f"clinic.{name}" for name in MISSES_HANG_ON)
#: Fields of a service that say whether anything can be referred to it at all.
_THERE = ("opens", "closes", "group")
#: Fields of a rule that change what is answered, but not whether there is a row.
_ANSWERS = ("label", "take_up", "attend", "full")


def closure(structure: Structure, addresses: Iterable[str], before: Structure | None = None) -> frozenset[str]:
    """Return the ids of the services whose rows may differ when values at `addresses` change.

    Parameters
    ----------
    structure : Structure
        The world after the change (it has the services that the change adds).
    addresses : iterable of str
        Input addresses, such as ``services.youth_group.places.hard`` or ``parameters.take_up_own_site``.
    before : Structure, optional
        The world before the change.  Needed where the change takes away something that led elsewhere (a destination, a
        rule) from the start on; dated changes keep in `structure` what held before.

    Returns
    -------
    frozenset of str
        Ids of services.
    """
    addresses = tuple(addresses)
    worlds = [_Reach(world) for world in (structure, before) if world is not None]
    found: frozenset[str] = frozenset()
    for reach in worlds:
        for address in addresses:
            # What one world lacks is judged by the other; what none has may be anything.
            if reach.knows(address) or not any(other.knows(address) for other in worlds):
                reach.seed(address)
        found |= reach.grown()
    return found


class _Reach:
    def __init__(self, structure: Structure) -> None:
        self.services = {service.id: service for service in structure.services}
        self.cohorts = {cohort.id: cohort for cohort in structure.cohorts}
        self.rules = {rule.id: rule for rule in structure.rules}
        self.homes = {
            value for name, values in structure.study.network.attributes if name == "home" for value in values
        }
        self.found: set[str] = set()
        self.changed: set[str] = set()

    # -- where a change begins ---------------------------------------------------------------------------------

    def knows(self, address: str) -> bool:
        floor, name = [*address.split("."), ""][:2]
        things: dict[str, Iterable[str]] = {
            "services": self.services,
            "cohorts": self.cohorts,
            "referrals": self.rules,
        }
        return name in things.get(floor, (name,))

    def seed(self, address: str) -> None:
        floor, _, rest = address.partition(".")
        name, _, leaf = rest.partition(".")
        if floor == "services" and name in self.services:
            heard = counts_misses(self.services[name]) and (leaf == "clinic" or _under(leaf, _HEARD))
            if heard or not _under(leaf, _SILENT):
                self.touch_service(name, speaks=not leaf or _under(leaf, _THERE))
        elif floor == "cohorts" and name in self.cohorts:
            self.touch_cohort(self.cohorts[name])
        elif floor == "referrals" and name in self.rules:
            self.touch_rule(self.rules[name], speaks=not _under(leaf, _ANSWERS))
        elif floor == "parameters":
            self.touch_parameter(name)
        else:
            self.found |= set(self.services)

    def touch_service(self, name: str, *, speaks: bool = False) -> None:
        self.found.add(name)
        self.changed.add(name)
        group = self.services[name].group
        for rule in self.rules.values():
            if rule.to in (name, group):
                self.touch_rule(rule, speaks=speaks)

    def touch_cohort(self, cohort: Cohort) -> None:
        if cohort.enters is not None:
            self.found |= self.destinations(cohort.enters)
        for entry in cohort.present:
            self.found |= self.homes if entry.at == "home" else {entry.at}

    def touch_rule(self, rule: Referral, *, speaks: bool) -> None:
        """Begin at a rule; where it may speak more or less often, a row beside may come between two others."""
        self.found |= self.targets(rule)
        if speaks or rule.stay != "beside":
            self.found |= set(rule.services)

    def touch_parameter(self, name: str) -> None:
        for service in self.services.values():
            if any(name in set(parameters_of(part)) for part in _parts(service)):
                self.touch_service(service.id)
        for cohort in self.cohorts.values():
            if name in set(parameters_of(cohort)):
                self.touch_cohort(cohort)
        for rule in self.rules.values():
            if name in set(parameters_of(rule)):
                self.touch_rule(rule, speaks=name in set(parameters_of(rule.rate)))

    # -- how it spreads ----------------------------------------------------------------------------------------

    def destinations(self, shares: Shares, here: str | None = None) -> set[str]:
        found: set[str] = set()
        for name, _ in shares.branches:
            if name in self.services:
                found.add(name)
            elif name == "home":
                found |= self.homes
            elif name == "origin" and here is not None:
                found |= self.origins(here) | self.homes
        return found

    def origins(self, here: str) -> set[str]:
        """Services whence a citizen now in `here` may have been referred, however long ago."""
        group = {service.id: service.group for service in self.services.values()}
        seen, todo = set(), [here]
        found: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            for rule in self.rules.values():
                if rule.to in (name, group[name]):
                    found |= set(rule.services)
            todo += [other.id for other in self.services.values() if name in self.following(other, plain=True)]
        return found

    def following(self, service: Service, *, plain: bool = False) -> set[str]:
        """Services to which a stay or a request in `service` may lead."""
        found: set[str] = set()
        here = None if plain else service.id
        for case in service.ends:
            for end in case.value:
                found |= self.destinations(end.to, here)
        for shares in (service.refused, service.ineligible, service.gives_up, service.before):
            if shares is not None:
                found |= self.destinations(shares, here)
        if service.closes is not None:
            for shares in (service.closes.waiting, service.closes.afterwards):
                found |= self.destinations(shares, here)
            for _, _, to in service.closes.present:
                found |= self.destinations(Shares(((to, None),)), here)
        return found

    def targets(self, rule: Referral) -> set[str]:
        if not rule.nearest:
            return {rule.to}
        return {service.id for service in self.services.values() if service.group == rule.to}

    def binds(self, name: str) -> bool:
        """Say whether being admitted to a service can depend on who else is there, or on the change itself."""
        return name in self.changed or self.services[name].places.hard is not None

    def grown(self) -> frozenset[str]:
        size = -1
        while self.found and size != len(self.found):
            size = len(self.found)
            for name in tuple(self.found):
                self.found |= self.following(self.services[name])
            for rule in self.rules.values():
                self.spread(rule)
            for service in self.services.values():
                if service.blocking and any(
                    name in self.found and self.binds(name) for name in self.following(service)
                ):
                    self.found.add(service.id)
        return frozenset(self.found)

    def spread(self, rule: Referral) -> None:
        targets, sources = self.targets(rule), set(rule.services)
        if rule.stay == "beside":
            # Rows are numbered along the citizen and death ends every strand: the strands share their citizen's fate.
            if self.found & self.onward(sources, beside=False):
                self.found |= targets
            if self.found & self.onward(targets) and self.tells(sources, targets):
                self.found |= sources
            return
        if sources & self.found:
            self.found |= targets
        if any(name in self.found and self.binds(name) for name in targets):
            self.found |= sources | targets

    def onward(self, names: set[str], *, beside: bool = True) -> set[str]:
        """Services to which a citizen may come from `names`, with or without strands beside that begin on the way."""
        seen: set[str] = set()
        todo = set(names)
        while todo:
            seen |= todo
            new: set[str] = set()
            for name in todo:
                new |= self.following(self.services[name])
                for rule in self.rules.values():
                    if name in rule.services and (beside or rule.stay != "beside"):
                        new |= self.targets(rule)
            todo = new - seen
        return seen

    def tells(self, sources: set[str], targets: set[str]) -> bool:
        """Say whether what happens beside can be told from the rows of the main strand, not its own single row."""
        side = [self.services[name] for name in self.onward(targets)]
        families = {self.services[name].luck_key for name in self.onward(sources, beside=False)}
        return len(side) > len(targets) or any(
            service.luck_key in families
            or service.between_courses
            or any(service.id in rule.services for rule in self.rules.values())
            or self.following(service)
            or _deadly(service)
            or any(end.becomes for case in service.ends for end in case.value)
            for service in side
        )


def _under(leaf: str, names: tuple[str, ...]) -> bool:
    return any(leaf == name or leaf.startswith(name + ".") for name in names)


def _deadly(service: Service) -> bool:
    """Say whether a stay or a request in a service may lead to `died`, the death rate apart."""
    maps = [end.to for case in service.ends for end in case.value]
    maps += [service.gives_up, service.refused, service.ineligible]
    maps += [] if service.before is None else [service.before]
    words = {name for shares in maps for name, _ in shares.branches}
    if service.closes is not None:
        words |= {to for _, _, to in service.closes.present}
        words |= {name for to in (service.closes.waiting, service.closes.afterwards) for name, _ in to.branches}
    return "died" in words


def _parts(service: Service) -> Iterator[object]:
    for part in fields(service):
        if part.name not in ("label", "staff", "posts", "clinic", "wait_goal"):
            value = getattr(service, part.name)
            yield value.hard if part.name == "places" else value
    yield what_stays_hang_on(service)


def parameters_of(value: object) -> Iterator[str]:
    """Names of the parameters on which a value hangs."""
    if isinstance(value, Quantity):
        yield from value.names()
    elif isinstance(value, tuple):
        for item in value:
            yield from parameters_of(item)
    elif is_dataclass(value):
        for part in fields(value):
            yield from parameters_of(getattr(value, part.name))
