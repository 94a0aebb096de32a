"""A what-if of several changes taken apart: what each does alone, in its place, and together with the others.

Every part is run on the same luck as the whole, so that the parts add up future by future.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import Question, effects, likely_range
from crksim.analysis.results import AttributionRow
from crksim.errors import InputError
from crksim.model.addresses import parted
from crksim.model.changes import apply, describe
from crksim.model.network import Label
from crksim.model.scenario import Scenario
from crksim.model.study import read_study

__all__ = ["Part", "attribution", "split", "subsets", "with_only"]

Floats = NDArray[np.float64]
Chosen = tuple[int, ...]

#: So many changes at most are run in every combination.
_MOST_COMBINED = 4
#: With more changes than this, those of one service, cohort or referral are one.
_MOST_PARTS = 8


@dataclass(frozen=True)
class Part:
    """What counts as one change.

    Parameters
    ----------
    addresses : tuple of str
        As written in the scenario, or names of the scenarios that are combined.
    """

    label: Label
    addresses: tuple[str, ...]


def split(network: Mapping[str, Any], scenario: Scenario) -> tuple[Part, ...]:
    """Return the changes of a scenario that count as one each.

    One for every address under ``changes:``, with what is changed below it, and with the same change to the same field
    elsewhere in the same service; of a combined what-if, one for every scenario in it.  A change that the network
    cannot take alone goes with the first that makes it possible.

    Parameters
    ----------
    network : mapping
        The study as a plain dict, before the changes.
    scenario : Scenario
        With the changes of the command line in it.
    """
    if scenario.parts:
        return tuple(Part(part.title, (part.id,)) for part in scenario.parts if part.changes)
    groups = _groups(scenario.changes)
    if len(groups) > _MOST_PARTS:
        groups = _by_thing(list(scenario.changes))
    groups = _possible(network, scenario, groups)
    return tuple(Part(_told(network, scenario, group), tuple(group)) for group in groups)


def _groups(changes: Mapping[str, Any]) -> list[list[str]]:
    """Put every address with the one that it stands below, and with those of its thing that are changed alike."""

    def family(address: str) -> str:
        above = next((other for other in changes if address.startswith(other + ".")), None)
        if above is not None:
            return family(above)
        parts = address.split(".")
        return address if len(parts) < 3 else f"{'.'.join(parts[:2])} {parts[-1]} {changes[address]}"

    groups: dict[str, list[str]] = {}
    for address in changes:
        groups.setdefault(family(address), []).append(address)
    return list(groups.values())


def _by_thing(addresses: Sequence[str]) -> list[list[str]]:
    """Put the addresses of one service, cohort, referral or parameter together."""
    groups: dict[str, list[str]] = {}
    for address in addresses:
        groups.setdefault(".".join(address.split(".")[:2]), []).append(address)
    return list(groups.values())


def _possible(network: Mapping[str, Any], scenario: Scenario, groups: list[list[str]]) -> list[list[str]]:
    """Unite groups until each can be made alone."""
    groups = [list(group) for group in groups]
    while len(groups) > 1:
        lame = next((n for n, group in enumerate(groups) if not _can(network, scenario, group)), None)
        if lame is None:
            break
        others = [n for n in range(len(groups)) if n != lame]
        helper = next((n for n in others if _can(network, scenario, groups[lame] + groups[n])), others[0])
        first, second = sorted((lame, helper))
        groups[first] += groups.pop(second)
    return groups


def _can(network: Mapping[str, Any], scenario: Scenario, addresses: Sequence[str]) -> bool:
    try:
        read_study(apply(network, with_only(scenario, addresses)))
    except InputError:
        return False
    return True


def with_only(scenario: Scenario, addresses: Sequence[str]) -> Scenario:
    """Return a scenario with some of its changes only.

    Parameters
    ----------
    scenario : Scenario
        It is not changed.
    addresses : sequence of str
        Addresses of the changes, or names of the scenarios that it combines.
    """
    if not scenario.parts:
        return replace(scenario, changes={it: raw for it, raw in scenario.changes.items() if it in addresses})
    kept = tuple(part for part in scenario.parts if part.id in addresses)
    return replace(
        scenario, parts=kept, changes={address: raw for part in kept for address, raw in part.changes.items()}
    )


def _told(network: Mapping[str, Any], scenario: Scenario, addresses: Sequence[str]) -> Label:
    """Return what the changes say, without addresses; of several lines the first, and how many there are more."""
    lines = describe(network, with_only(scenario, addresses))
    first = Label(parted(lines[0].da)[0], parted(lines[0].en)[0])
    if len(lines) == 1:
        return first
    return Label(f"{first.da} (og {len(lines) - 1} til)", f"{first.en} (and {len(lines) - 1} more)")


def subsets(count: int) -> tuple[Chosen, ...]:
    """Return the proper combinations of changes that are run: all of a few, of many each alone and in both orders."""
    everyone = tuple(range(count))
    if count <= _MOST_COMBINED:
        return tuple(chosen for size in range(1, count) for chosen in combinations(everyone, size))
    prefixes = [everyone[:end] for end in range(1, count)]
    suffixes = [everyone[start:] for start in range(1, count)]
    return tuple(dict.fromkeys([*((one,) for one in everyone), *prefixes, *suffixes]))


def attribution(
    parts: Sequence[Part], values: Mapping[Chosen, Floats], measures: Sequence[str], questions: Sequence[Question]
) -> tuple[AttributionRow, ...]:
    """Return what every change does to every measure asked about.

    Parameters
    ----------
    parts : sequence of Part
        The changes, in their order.
    values : mapping of tuple of int to ndarray of float, shape (members, futures, measures)
        Places of the changes made -> what was found; ``()`` is the reference, all places the what-if.
    measures : sequence of str
        Output addresses, the third axis of the values.
    questions : sequence of Question
        Those that decide get rows.
    """
    rows: list[AttributionRow] = []
    for question in questions:
        if question.decides:
            column = list(measures).index(question.measure)
            found = {chosen: world[:, :, column] for chosen, world in values.items()}
            rows += _rows(parts, found, question)
    return tuple(rows)


def _rows(parts: Sequence[Part], found: Mapping[Chosen, Floats], question: Question) -> Iterator[AttributionRow]:
    everyone, none = tuple(range(len(parts))), found[()]
    nothing = Label("", "")
    whole = found[everyone] - none
    alone = [found[(place,)] - none for place in everyone]
    # A measure that is not defined in some world is left out there, or its parts would not add up.
    lost = ~np.isfinite(whole) | ~np.all([np.isfinite(world) for world in found.values()], axis=0)

    def row(part: str, place: int, label: Label, parted: tuple[Floats, Floats, Floats]) -> AttributionRow:
        own, step, shared = (np.where(lost, np.nan, difference) for difference in parted)
        low, high = likely_range(effects(own).members)
        means = [effects(difference).mean for difference in (own, step, shared)]
        names = (question.measure, question.label, question.unit, question.kind, part, place, label)
        return AttributionRow(*names, means[0], low, high, means[1], means[2])

    yield row("reference", 0, nothing, (none, none, none))
    for place in everyone:
        step = found[everyone[: place + 1]] - found[everyone[:place]]
        yield row("change", place + 1, parts[place].label, (alone[place], step, _shared(place, len(parts), found)))
    rest = whole - np.sum(alone, axis=0)
    yield row("interaction", 0, nothing, (rest, 0.0 * rest, 0.0 * rest))
    yield row("total", 0, nothing, (whole, whole, whole))


def _shared(place: int, count: int, found: Mapping[Chosen, Floats]) -> Floats:
    """Return what a change makes on average over the orders in which the changes can be made."""
    everyone = tuple(range(count))
    if count > _MOST_COMBINED:
        forward = found[everyone[: place + 1]] - found[everyone[:place]]
        backward = found[everyone[place:]] - found[everyone[place + 1 :]]
        both: Floats = 0.5 * (forward + backward)
        return both
    others = [other for other in everyone if other != place]
    total = np.zeros_like(found[()])
    for size in range(count):
        weight = factorial(size) * factorial(count - size - 1) / factorial(count)
        for before in combinations(others, size):
            total += weight * (found[tuple(sorted((*before, place)))] - found[before])
    return total
