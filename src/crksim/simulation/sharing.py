"""What two worlds share: cohorts that a change cannot touch are simulated once, in the reference.

A citizen's rows depend on luck, on the services and rules that the citizen can ever meet, and on who else competes for
hard places there.  A cohort that meets nothing that differs, and competes with nobody who does, has the same rows in
both worlds: they are copied, not simulated again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crksim.errors import CheckError
from crksim.model.amounts import Quantity
from crksim.model.clinics import what_stays_hang_on
from crksim.model.cohorts import Cohort
from crksim.model.network import Case, Condition, Label, Shares
from crksim.model.services import Places, Service
from crksim.simulation.closure import parameters_of
from crksim.simulation.plan import Structure
from crksim.simulation.staylog import COLUMNS, StayLog

__all__ = ["changed_addresses", "cohort_reach", "merged", "touched_cohorts"]


def changed_addresses(reference: Structure, other: Structure) -> frozenset[str]:
    """Return the addresses of services, cohorts and rules that differ between two worlds in what a row depends on.

    Parameters
    ----------
    reference, other : Structure
        Two worlds; whatever differs in time or attributes counts as ``study``, which reaches everything.
    """
    one, two = reference.study, other.study
    found: set[str] = set()
    if (one.start, one.end) != (two.start, two.end) or one.network.attributes != two.network.attributes:
        found.add("study")
    for floor, pairs in _beside(reference, other).items():
        found |= {f"{floor}.{name}" for name, (ours, theirs) in pairs.items() if ours != theirs}
    return frozenset(found)


def _beside(reference: Structure, other: Structure) -> dict[str, dict[str, tuple[object, object]]]:
    """Return floor by floor what each thing is in either world, None where there is none."""
    found = {}
    for floor, things in _FLOORS.items():
        ours, theirs = things(reference), things(other)
        found[floor] = {name: (ours.get(name), theirs.get(name)) for name in ours.keys() | theirs.keys()}
    return found


def _services(structure: Structure) -> dict[str, object]:
    """Services without what no row depends on, and apart from them the numbers of a clinic on which stays hang."""
    return {it.id: (_bare(it), what_stays_hang_on(it)) for it in structure.services}


def _bare(service: Service) -> Service:
    return replace(
        service,
        label=Label("", ""),
        staff=(),
        posts=(),
        clinic=None,
        wait_goal=None,
        places=Places(service.places.hard),
        groups=(),
    )


_FLOORS: dict[str, Callable[[Structure], dict[str, object]]] = {
    "services": _services,
    "cohorts": lambda structure: {it.id: replace(it, label=Label("", "")) for it in structure.cohorts},
    "referrals": lambda structure: {it.id: replace(it, label=Label("", "")) for it in structure.rules},
}


def cohort_reach(structure: Structure, cohort: Cohort) -> frozenset[str]:
    """Return the services that citizens of a cohort may ever ask for.

    Parameters
    ----------
    structure : Structure
        The world.
    cohort : Cohort
        One of its cohorts.
    """
    return frozenset(_Walk(structure, cohort).found)


def touched_cohorts(
    reference: Structure,
    other: Structure,
    theta: Mapping[str, float] | None = None,
    other_theta: Mapping[str, float] | None = None,
) -> frozenset[str]:
    """Return the ids of the cohorts of `other` that must be simulated there; the rest has the reference's rows.

    Parameters
    ----------
    reference, other : Structure
        Two worlds.
    theta, other_theta : mapping of str to float, optional
        Parameter values in each; a parameter that differs counts as a change.
    """
    moved = {name for name in (theta or {}).keys() & (other_theta or {}).keys() if theta[name] != other_theta[name]}  # type: ignore[index]
    return _touched(reference, other, frozenset(moved))


@lru_cache(maxsize=64)
def _touched(reference: Structure, other: Structure, moved: frozenset[str]) -> frozenset[str]:
    """Return the touched cohorts when the parameters `moved` differ too; the same for every member as a rule."""
    everyone = frozenset(cohort.id for cohort in other.cohorts)
    if "study" in changed_addresses(reference, other):
        return everyone
    walks: dict[str, list[_Walk]] = {name: [] for name in everyone}
    for world in (reference, other):
        for cohort in world.cohorts:
            if cohort.id in everyone:
                walks[cohort.id].append(_Walk(world, cohort))
    concerned = {
        floor: {
            name: (one, two)
            for name, (one, two) in pairs.items()
            if one != two or (moved and moved & set(parameters_of(one)))
        }
        for floor, pairs in _beside(reference, other).items()
    }
    touched = {name for name in everyone if _differ(concerned, name, walks[name], moved)}
    hard = {service.id for world in (reference, other) for service in world.services if service.places.hard}
    contested: set[str] = set()
    size = -1
    while size != len(touched):
        size = len(touched)
        contested |= {it for name in touched for walk in walks[name] for it in walk.found & hard}
        touched |= {name for name in everyone if any(walk.found & contested for walk in walks[name])}
    return frozenset(touched)


def _differ(
    concerned: Mapping[str, Mapping[str, tuple[object, object]]],
    name: str,
    walks: list[_Walk],
    moved: frozenset[str],
) -> bool:
    """Say whether a cohort's citizens can meet any of what differs between two worlds, or hangs on what has moved.

    Parameters
    ----------
    concerned : mapping
        Floor by floor what differs or hangs on what has moved, in either world.
    name : str
        The cohort.
    walks : list of _Walk
        Where its citizens can come in either world.
    moved : frozenset of str
        Parameters that differ.
    """
    if name in concerned["cohorts"]:
        return True
    for floor in ("services", "referrals"):
        for id, (one, two) in concerned[floor].items():
            meeting = [walk for walk in walks if walk.meets(floor, id)]
            if meeting and (one is None or two is None):
                return True
            for walk in meeting:
                if walk.seen(one) != walk.seen(two) or (moved and moved & set(parameters_of(walk.seen(one)))):
                    return True
    return False


class _Walk:
    """The services that a cohort's citizens can come to, following edges and rules that may concern them."""

    def __init__(self, structure: Structure, cohort: Cohort) -> None:
        self.services = {service.id: service for service in structure.services}
        self.rules = structure.rules
        self.possible = {name: {value for value, _ in shares.branches} for name, shares in cohort.attributes}
        for entry in cohort.present:
            for name, value in entry.attributes:
                self.possible[name].add(value)
        self.possible["cohort"] = {cohort.id}
        for service in structure.services:
            for case in service.ends:
                for end in case.value:
                    for name, shares in end.becomes:
                        values = {value for value, _ in shares.branches} - {"same"}
                        self.possible[name] = self.possible.get(name, set()) | values
        self.found: set[str] = set()
        todo = self.destinations(cohort.enters) if cohort.enters is not None else set()
        for entry in cohort.present:
            todo |= self.homes() if entry.at == "home" else {entry.at}
        while todo:
            name = todo.pop()
            if name not in self.found:
                self.found.add(name)
                todo |= self.onward(name) - self.found

    def meets(self, floor: str, id: str) -> bool:
        """Say whether a service or a rule may ever concern a citizen of the cohort."""
        if floor == "services":
            return id in self.found
        return any(
            rule.id == id and self.found & set(rule.services) and self.concerns(rule.when) for rule in self.rules
        )

    def seen(self, value: object) -> object:
        """Return a part of the network as the cohort meets it: without the cases that never concern its citizens."""
        if isinstance(value, tuple):
            kept = (it for it in value if not isinstance(it, Case) or self.concerns(it.when))
            return tuple(self.seen(it) for it in kept)
        if is_dataclass(value) and not isinstance(value, Quantity | Condition):
            return tuple(self.seen(getattr(value, part.name)) for part in fields(value))
        return value

    def homes(self) -> set[str]:
        return {home for home in self.possible.get("home", ()) if home in self.services}

    def concerns(self, condition: Condition | None) -> bool:
        return condition is None or all(allowed & self.possible.get(name, set()) for name, allowed in condition.tests)

    def destinations(self, shares: Shares) -> set[str]:
        found = {name for name, _ in shares.branches if name in self.services}
        # An origin is a service that the citizen has been in; without one, the word means the home.
        return found | self.homes() if any(name in ("home", "origin") for name, _ in shares.branches) else found

    def onward(self, name: str) -> set[str]:
        service = self.services[name]
        maps = [end.to for case in service.ends if self.concerns(case.when) for end in case.value]
        maps += [service.refused, service.ineligible, service.gives_up]
        if service.before is not None:
            maps.append(service.before)
        if service.closes is not None:
            maps += [service.closes.waiting, service.closes.afterwards]
            maps += [Shares(((to, None),)) for _, _, to in service.closes.present]
        found = {to for shares in maps for to in self.destinations(shares)}
        for rule in self.rules:
            if name in rule.services and self.concerns(rule.when):
                members = {other.id for other in self.services.values() if other.group == rule.to}
                found |= members if rule.nearest else {rule.to}
        return found


def merged(part: StayLog, reference: StayLog, touched: frozenset[str]) -> StayLog:
    """Return the whole log of a world of which only the touched cohorts were simulated.

    Parameters
    ----------
    part : StayLog
        Rows of the touched cohorts in this world.
    reference : StayLog
        The whole log of the reference, on the same luck.
    touched : frozenset of str
        Ids of the cohorts that were simulated.

    Raises
    ------
    CheckError
        When the reference's rows name something that this world does not have.
    """
    kept = [index for index, name in enumerate(reference.legend.cohorts) if name not in touched]
    rows = np.flatnonzero(np.isin(reference.cohort, kept))
    theirs = reference.columns()
    renamed = {name: _renamed(part, reference, name, theirs[name][rows]) for name in COLUMNS}
    met = np.flatnonzero(np.bincount(reference.kind[rows])).tolist()
    kinds = sorted({*part.legend.kinds, *(reference.legend.kinds[kind] for kind in met)})
    position = {kind: index for index, kind in enumerate(kinds)}
    ours = part.columns()
    columns = {name: np.concatenate((ours[name], renamed[name])) for name in COLUMNS}
    columns["kind"] = np.concatenate(
        (
            _looked_up(part.kind, [position[kind] for kind in part.legend.kinds]),
            _looked_up(reference.kind[rows], [position.get(kind, -1) for kind in reference.legend.kinds]),
        )
    )
    # Both logs stand in order within every cohort, and no cohort is in both parts.
    order = np.argsort(columns["cohort"].astype(np.int16), kind="stable")
    typed = {name: np.ascontiguousarray(column[order], dtype=COLUMNS[name]) for name, column in columns.items()}
    typed["end_"] = typed.pop("end")
    legend = type(part.legend)(
        **{name: getattr(part.legend, name) for name in ("services", "cohorts", "rules", "ends", "statuses")},
        kinds=tuple(kinds),
    )
    return StayLog(legend, part.start, part.end, **typed)


def _looked_up(column: NDArray[np.generic], table: list[int]) -> NDArray[np.int64]:
    return np.asarray(table or [0], np.int64)[column.astype(np.int64)]


_NAMES = {
    "cohort": "cohorts",
    "service": "services",
    "rule": "rules",
    "end": "ends",
    "to": "services",
    "status": "statuses",
}


def _renamed(part: StayLog, reference: StayLog, name: str, column: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give the reference's indices the numbers that they have in this world; what is below zero is no index."""
    if name not in _NAMES:
        return column
    ours: tuple[str, ...] = getattr(part.legend, _NAMES[name])
    names: tuple[str, ...] = getattr(reference.legend, _NAMES[name])
    if ours == names:
        return column
    here = {thing: index for index, thing in enumerate(ours)}
    whole = column.astype(np.int64)
    used = np.flatnonzero(np.bincount(whole[whole >= 0])).tolist()
    missing = [names[index] for index in used if names[index] not in here]
    if missing:
        raise CheckError(f"rows outside the change name {', '.join(missing)}, which this world does not have")
    return np.where(whole < 0, whole, _looked_up(np.maximum(whole, 0), [here.get(thing, -1) for thing in names]))
