"""Which measures a run asks about, and which of them decide: from the catalogue and from what a what-if touches."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from crksim.analysis.comparison import Question
from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import parse_quantity
from crksim.model.network import Label, Network
from crksim.model.routes import routes_of, targets_of
from crksim.model.vocabulary import ALL, groups_of, kind, label, parse_measure, unit

__all__ = ["DECIDING", "names_parameter", "parameters_touched", "questions", "touched_subjects"]

#: How many rows decide.
DECIDING = 5

#: Smallest worthwhile differences of measures that the catalogue does not name.
_WORTHWHILE = {"stock": 2.0, "flow": 5.0, "duration": 7.0, "share": 0.1, "count": 5.0}

_NO_LABEL = Label("", "")
_SECTIONS = ("touched", "everywhere")
_FIELDS = ("measure", "worthwhile", "of", "needs", "good", "each")
_DIRECTIONS = ("up", "down", "none")
_SUBJECTS = ("service", "group", "cohort", "all")
_NEEDS = ("hard", "norm", "workable", "queue", "posts", "clinic")


def touched_subjects(changes: Collection[str], study: Mapping[str, Any], network: Network) -> tuple[str, ...]:
    """Return the services, groups and cohorts that changes touch, whatever decides first.

    A service that can be chosen by ``nearest`` stands behind its group; a parameter touches whatever names it; a
    cohort touches where it enters and what it is referred to from there.

    Parameters
    ----------
    changes : collection of str
        Addresses of the changes.
    study : mapping
        The what-if's study as a plain dict.
    network : Network
        The same, read.
    """
    things = {thing for address in changes for thing in _things(address, study)}
    services: list[str] = []
    cohorts = [cohort.id for cohort in network.cohorts if ("cohorts", cohort.id) in things]
    for referral in network.referrals:
        if ("referrals", referral.id) in things:
            services += _onwards(_members(network, referral.to), network)
    services += [service.id for service in network.services if ("services", service.id) in things]
    for name in cohorts:
        services += _met_by(name, network)
    group_of = {service.id: service.group for service in network.services}
    found: list[str] = []
    for service in services:
        found += [group_of.get(service) or service]
    known = set(group_of) | set(groups_of(network))
    found += [service for service in services if group_of.get(service)] + cohorts
    return tuple(dict.fromkeys(subject for subject in found if subject in known or subject in cohorts))


def _things(address: str, study: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (section, id) of what an address stands in, or of what names the parameter."""
    section, _, rest = address.partition(".")
    name = rest.partition(".")[0]
    if section != "parameters":
        yield section, name
        return
    for other in ("services", "cohorts", "referrals"):
        for id, content in (study.get(other) or {}).items():
            if names_parameter(content, name):
                yield other, str(id)


#: A parameter in a text.
_NAME = re.compile(r"@([a-z][a-z0-9_]*)")


def names_parameter(content: object, parameter: str) -> bool:
    """Say whether a part of a study names a parameter.

    Parameters
    ----------
    content : object
        Maps, lists and texts.
    parameter : str
        Its id, without ``@``.
    """
    return parameter in _named(content)


def _named(content: object) -> set[str]:
    """Return the names of the parameters that a part of a study names."""
    if isinstance(content, Mapping):
        return set().union(*(_named(value) for value in content.values()))
    if isinstance(content, list | tuple):
        return set().union(*(_named(value) for value in content))
    return set(_NAME.findall(content)) if isinstance(content, str) and "@" in content else set()


def _members(network: Network, target: str) -> list[str]:
    return [service.id for service in network.services if target in (service.id, service.group)]


def _onwards(services: Sequence[str], network: Network) -> list[str]:
    """Return services and where they lead whose places are held until the next one admits."""
    by_id = {service.id: service for service in network.services}
    held = [by_id[name] for name in services if name in by_id and by_id[name].blocking]
    ways = [way.shares.branches for service in held for way in routes_of(service) if way.role == "ends"]
    return list(dict.fromkeys((*services, *(word for branches in ways for word, _ in branches if word in by_id))))


def _met_by(name: str, network: Network) -> list[str]:
    """Return the limited services that a cohort is referred to from its home units."""
    cohort = next(cohort for cohort in network.cohorts if cohort.id == name)
    attributes = {key: {branch for branch, _ in shares.branches} for key, shares in cohort.attributes}
    homes = attributes.get("home", set()) | {branch for branch, _ in cohort.enters.branches} if cohort.enters else set()
    found: list[str] = []
    for referral in network.referrals:
        tests = referral.when.tests if referral.when else ()
        if homes & set(referral.services) and all(attributes.get(key, allowed) & allowed for key, allowed in tests):
            found += _members(network, referral.to)
    return found


def parameters_touched(subjects: Collection[str], study: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the addresses of the parameters that services, groups and cohorts, and referrals to them, are made of.

    Parameters
    ----------
    subjects : collection of str
        As `touched_subjects` gives them.
    study : mapping
        The what-if's study as a plain dict.
    """
    services, cohorts = study.get("services") or {}, study.get("cohorts") or {}
    own = {id for id, content in services.items() if id in subjects or content.get("group") in subjects}
    parts: list[Any] = [services[id] for id in sorted(own)]
    parts += [content for id, content in cohorts.items() if id in subjects]
    for content in (study.get("referrals") or {}).values():
        target = content.get("to")
        target = target.get("nearest") if isinstance(target, Mapping) else target
        if target in own or target in subjects:
            parts.append(content)
    declared = study.get("parameters") or {}
    found: set[str] = set()
    while parts:
        new = (_named(parts.pop()) & declared.keys()) - found
        found |= new
        parts += [declared[name] for name in new]
    return tuple(f"parameters.{name}" for name in declared if name in found)


def questions(
    catalogue: Mapping[str, Any],
    network: Network,
    touched: Collection[str],
    *,
    first: Sequence[str] = (),
    worthwhile: Mapping[str, float] | None = None,
    cannot_answer: Collection[str] = (),
) -> tuple[Question, ...]:
    """Return what a run asks: first what decides, then the rest.

    Parameters
    ----------
    catalogue : mapping
        ``touched`` and ``everywhere``: id -> measure, worthwhile, of, needs, good (``up``, ``down``, ``none``), each
        (an attribute: asked of what the what-if touches first, once for every value).
    network : Network
        Of the what-if.
    touched : collection of str
        Subjects that the what-if touches, most important first.
    first : sequence of str
        Measure addresses that decide; what is touched tells when there are none.
    worthwhile : mapping of str to float
        Measure address -> smallest worthwhile difference, before the catalogue's.
    cannot_answer : collection of str
        Measure addresses on which the model cannot answer.

    Raises
    ------
    InputError
        The catalogue has unknown words, or `first` or `worthwhile` name a measure that does not exist.
    """
    problems = list(_faults(catalogue))
    if problems:
        raise InputError(problems)
    asked = {text: _wanted(text, catalogue, network, problems) for text in first}
    for text in {*(worthwhile or {}), *cannot_answer} - set(first):
        asked[text] = _wanted(text, catalogue, network, problems)
    if problems:
        raise InputError(problems)
    kinds = _subject_kinds(network)
    main = next((subject for subject in touched if kinds[subject] != "cohort"), None)
    for subject in sorted(touched, key=lambda one: one != main):
        for entry in (catalogue.get("touched") or {}).values():
            if "each" not in entry:
                _ask(asked, entry, subject, kinds[subject], network)
    chosen = list(first) or _deciding([text for text in asked if not text.endswith(".fte")], touched, kinds, network)
    empty = _without_citizens(network)
    subjects = sorted((one for one in kinds if one not in empty), key=lambda one: _SUBJECTS[::-1].index(kinds[one]))
    for entry in (catalogue.get("everywhere") or {}).values():
        for subject in subjects:
            _ask(asked, entry, subject, kinds[subject], network)
    for entry in (catalogue.get("touched") or {}).values():
        if main is not None and "each" in entry:
            for value in dict(network.attributes).get(entry["each"], ()):
                _ask(asked, entry, main, kinds[main], network, f"[{entry['each']}={value}]")
    chosen = chosen or [text for text in asked if text.startswith(f"{ALL}.")][:DECIDING]
    rows = [asked[text] for text in chosen] + [row for text, row in asked.items() if text not in chosen]
    return tuple(
        replace(
            row,
            worthwhile=(worthwhile or {}).get(row.measure, row.worthwhile),
            decides=row.measure in chosen,
            answerable=row.measure not in cannot_answer,
        )
        for row in rows
    )


def _deciding(asked: list[str], touched: Collection[str], kinds: Mapping[str, str], network: Network) -> list[str]:
    """Return the measures that decide: the first ones, or where places apart are touched, the first ones of each."""
    groups = groups_of(network)
    inner = {member for subject in touched for member in groups.get(subject, ())}
    places = [subject for subject in touched if subject not in inner]
    if len(places) < 2 or any(kinds[subject] == "cohort" for subject in places):
        return asked[:DECIDING]
    own = [[text for text in asked if text.partition(".")[0] == place] for place in places]
    chosen = [text for text in asked if text.partition(".")[0] not in touched]
    chosen += [text for turn in zip_longest(*own) for text in turn if text is not None]
    return [text for text in asked if text in chosen[:DECIDING]]


def _wanted(text: str, catalogue: Mapping[str, Any], network: Network, problems: list[Problem]) -> Question:
    """Return the question a scenario asks by address; what matters is as in the catalogue, or as for its kind."""
    try:
        address = parse_measure(text, network)
    except InputError as error:
        problems += error.problems
        return Question(text, _NO_LABEL, _NO_LABEL, "", 1.0)
    asked = address.quantity + text.partition(f".{address.quantity}")[2].partition("@")[0]
    found = [entry for part in catalogue.values() for entry in part.values() if entry["measure"] == asked]
    size = parse_quantity(found[0]["worthwhile"])[0] if found else _WORTHWHILE[kind(address)]
    good = str(found[0].get("good", "none")) if found else "none"
    return Question(text, label(address, network), unit(address), kind(address), float(size), good=good)


def _without_citizens(network: Network) -> set[str]:
    """Return the services that nothing leads to, named without numbers, and the groups of nothing but such."""
    led_to = set(dict(network.attributes).get("home", ()))
    led_to |= {word for service in network.services for way in routes_of(service) for word, _ in way.shares.branches}
    for cohort in network.cohorts:
        led_to |= {present.at for present in cohort.present}
        led_to |= {word for word, _ in cohort.enters.branches} if cohort.enters else set()
    led_to |= {name for rule in network.referrals for name in targets_of(network, rule)}
    empty = {service.id for service in network.services} - led_to
    return empty | {group for group, members in groups_of(network).items() if set(members) <= empty}


def _subject_kinds(network: Network) -> dict[str, str]:
    kinds = {ALL: "all"}
    kinds.update({cohort.id: "cohort" for cohort in network.cohorts})
    kinds.update(dict.fromkeys(groups_of(network), "group"))
    kinds.update({service.id: "service" for service in network.services})
    return kinds


def _ask(
    asked: dict[str, Question], entry: Mapping[str, Any], subject: str, subject_kind: str, network: Network,
    picked: str = "",
) -> None:  # fmt: skip
    """Add the question that a catalogue entry asks of a subject, or of those `picked` in it, if it can be asked."""
    text = f"{subject}{picked}.{entry['measure']}"
    if text in asked or subject_kind not in entry["of"] or not _has(entry.get("needs"), subject, network):
        return
    try:
        address = parse_measure(text, network)
    except InputError:
        # A status, say, that nobody in this network can leave with.
        return
    size = float(parse_quantity(entry["worthwhile"])[0])
    good = str(entry.get("good", "none"))
    asked[text] = Question(text, label(address, network), unit(address), kind(address), size, good=good)


def _has(needs: str | None, subject: str, network: Network) -> bool:
    if needs is None:
        return True
    services = [
        service for service in network.services if subject in (service.id, service.group) or subject in service.groups
    ]
    places = [service.places for service in services]
    if needs == "queue":
        return any(place.hard is not None for place in places)
    if needs == "posts":
        return any(service.posts for service in services)
    if needs == "clinic":
        return any(service.clinic is not None for service in services)
    return any(getattr(place, needs) is not None for place in places)


def _faults(catalogue: Mapping[str, Any]) -> Iterator[Problem]:
    for section, entries in catalogue.items():
        if section not in _SECTIONS:
            yield Problem(section, section, "is not a section of the questions", nearest(section, _SECTIONS))
            continue
        for id, entry in (entries or {}).items():
            address = f"{section}.{id}"
            if not isinstance(entry, Mapping) or not {"measure", "worthwhile", "of"} <= entry.keys():
                yield Problem(address, entry, "must have measure, worthwhile and of")
                continue
            for name in entry:
                if name not in _FIELDS:
                    yield Problem(f"{address}.{name}", entry[name], "is not a field", nearest(name, _FIELDS))
            for name, value, allowed in (
                *(("of", word, _SUBJECTS) for word in entry["of"]),
                ("needs", entry.get("needs", "hard"), _NEEDS),
                ("good", entry.get("good", "none"), _DIRECTIONS),
            ):
                if value not in allowed:
                    rule = f"must be one of {', '.join(allowed)}"
                    yield Problem(f"{address}.{name}", value, rule, nearest(str(value), allowed))
            try:
                parse_quantity(entry["worthwhile"])
            except ValueError as error:
                yield Problem(f"{address}.worthwhile", entry["worthwhile"], str(error))
