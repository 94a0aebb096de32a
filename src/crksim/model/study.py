"""The one door: a plain dict becomes a study, or every fault in it is told at once."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from crksim.errors import InputError, nearest
from crksim.model import grammar
from crksim.model.clock import format_duration, format_rate, parse_date, parse_quantity
from crksim.model.cohorts import read_cohort
from crksim.model.consistency import check_network
from crksim.model.network import Label, Network, Parameter, Quantity, Study
from crksim.model.plain import plain
from crksim.model.reading import Reader, plain_label
from crksim.model.referrals import read_referral
from crksim.model.services import read_service

__all__ = ["default_theta", "dump", "read_study", "resolved"]

_UNTITLED = Label("Uden titel", "Untitled")


def read_study(data: Mapping[str, Any]) -> Study:
    """Read a study; the grammar is in ``docs/grammar.md``.

    Parameters
    ----------
    data : mapping
        Maps, lists, texts, numbers and dates; it is not changed.

    Returns
    -------
    Study
        Maps as tuples sorted by id, times in days since ``time.start``.

    Raises
    ------
    InputError
        When anything is wrong; every fault is one `Problem`.
    """
    source, problems = plain(data)
    if problems:
        raise InputError(problems)
    reader = Reader()
    found = reader.fields(source, "", grammar.STUDY_KEYS, ("time", "services"))
    start, forecast, end = _read_time(reader, found["time"]) if "time" in found else ("2016-01-01", 0.0, 1.0)
    parameters = _read_parameters(reader, found.get("parameters"))
    _read_names(reader, found)
    labels = _read_groups(reader, found.get("groups"), found.get("services"))
    services = {name: held or {} for name, held in reader.things(found.get("services"), "services").items()}
    nearby = frozenset(_own_group(held) for held in services.values()) - {""}
    network = Network(
        parameters=parameters,
        attributes=tuple((name, held) for name, held in sorted(reader.attributes.items()) if name != "cohort"),
        groups=tuple((name, labels[name], members) for name, members in sorted(reader.groups.items())),
        services=tuple(read_service(reader, name, held) for name, held in services.items()),
        cohorts=tuple(
            read_cohort(reader, name, held) for name, held in reader.things(found.get("cohorts"), "cohorts").items()
        ),
        referrals=tuple(
            read_referral(reader, name, held, nearby)
            for name, held in reader.things(found.get("referrals"), "referrals").items()
        ),
    )
    title = reader.label(found["title"], "title", "title") if "title" in found else _UNTITLED
    if not reader.problems:
        check_network(reader, network)
    if reader.problems:
        raise InputError(reader.problems)
    return Study(start, end, forecast, network, title, source)


def dump(study: Study) -> dict[str, Any]:
    """Return the plain dict that `read_study` reads to an equal study.

    Parameters
    ----------
    study : Study
        As `read_study` made it.
    """
    return copy.deepcopy(dict(study.source))


def default_theta(network: Network) -> dict[str, float]:
    """Return the parameters' own values: name -> value, in days, per day or without unit."""
    return {parameter.id: parameter.value.value({}) for parameter in network.parameters}


def resolved(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study in which nothing hangs on a parameter: every product has the value that the parameters give it.

    Parameters
    ----------
    data : mapping
        The study as a plain dict; it is not changed.

    Raises
    ------
    InputError
        When it breaks a rule.
    """
    source = dump(read_study(data))
    reader = Reader()
    _read_parameters(reader, source.get("parameters"))

    def worth(value: Any, address: str) -> Any:
        if isinstance(value, dict):
            words = ("label", "title")
            return {key: held if key in words else worth(held, f"{address}.{key}") for key, held in value.items()}
        if not (isinstance(value, str) and "@" in value):
            return value
        number, exponent = reader.worth(value, address)
        return {0: number, 1: format_duration(number), -1: format_rate(number)}[exponent]

    return {name: worth(held, name) for name, held in source.items()}


def _read_time(reader: Reader, value: object) -> tuple[str, float, float]:
    found = reader.fields(value, "time", grammar.TIME_KEYS, ("start", "end"))
    start = "2016-01-01"
    try:
        parse_date(found.get("start", start), start)
        start = str(found.get("start", start)).strip()
    except ValueError as fault:
        reader.refuse("time.start", found["start"], str(fault))
    reader.start = start
    end = reader.date(found["end"], "time.end") if "end" in found else 1.0
    if end <= 0:
        reader.refuse("time.end", found["end"], "must lie after time.start")
    forecast = reader.date(found["forecast"], "time.forecast") if "forecast" in found else 0.0
    if forecast < 0 or forecast > end:
        reader.refuse("time.forecast", found["forecast"], "must lie between time.start and time.end")
    return start, forecast, end


def _read_parameters(reader: Reader, value: object) -> tuple[Parameter, ...]:
    parameters = []
    for name, data in reader.things(value, "parameters").items():
        at = f"parameters.{name}"
        found = reader.fields(data, at, grammar.PARAMETER_KEYS, ("value",))
        label = reader.label(found["label"], at + ".label", name) if "label" in found else None
        number, dimension = float("nan"), "number"
        if "value" in found:
            given = found["value"]
            try:
                if isinstance(given, str) and "@" in given:
                    raise ValueError("a parameter's value cannot hang on other parameters")
                number, dimension = parse_quantity(given)
            except ValueError as fault:
                close = given.replace(",", ".") if isinstance(given, str) and "comma" in str(fault) else None
                reader.refuse(at + ".value", given, str(fault), close)
        reader.theta[name], reader.dimensions[name] = number, dimension
        parameters.append(Parameter(name, Quantity(number), label, _unit(found.get("value"))))
    return tuple(parameters)


def _unit(value: object) -> str:
    """Return what follows the number in ``2.8 months`` or ``25 / year``."""
    return value.strip().lstrip("+-0123456789.eE").strip() if isinstance(value, str) else ""


def _read_names(reader: Reader, found: Mapping[str, Any]) -> None:
    """Learn the ids of services with their luck keys and sites, and the attributes with their values."""
    services = found.get("services")
    sites = set()
    for name, held in sorted(services.items()) if isinstance(services, Mapping) else ():
        given = held if isinstance(held, Mapping) else {}
        luck_key = given.get("luck_key", name)
        if "luck_key" in given:
            reader.is_id(luck_key, f"services.{name}.luck_key")
        reader.luck_keys[name] = str(luck_key)
        sites.add(str(given.get("site", name)))
    reader.sites = frozenset(sites)
    cohorts = found.get("cohorts")
    for name, values in reader.things(found.get("attributes"), "attributes", grammar.RESERVED - {"home"}).items():
        at = f"attributes.{name}"
        if not isinstance(values, list) or not values:
            reader.refuse(at, values, "must be a list of values")
            values = []
        held = [word for index, word in enumerate(values) if reader.is_id(word, f"{at}.{index}")]
        if len(set(held)) < len(held):
            reader.refuse(at, values, "may not name a value twice")
        for word in held if name == "home" else ():
            reader.word(word, at, reader.luck_keys, "service")
        reader.attributes[name] = tuple(sorted(set(held)))
    reader.attributes["cohort"] = tuple(sorted(cohorts)) if isinstance(cohorts, Mapping) else ()


def _own_group(service: object) -> str:
    group = service.get("group") if isinstance(service, Mapping) else None
    return group if isinstance(group, str) else ""


def _read_groups(reader: Reader, value: object, services: object) -> dict[str, Label]:
    """Learn the groups: those declared, and those that services name as their own."""
    labels: dict[str, Label] = {}
    members: dict[str, set[str]] = {}
    for name, data in reader.things(value, "groups").items():
        at = f"groups.{name}"
        found = reader.fields(data, at, grammar.GROUP_KEYS)
        labels[name] = reader.label(found.get("label"), at + ".label", name)
        given = found.get("members", [])
        if not isinstance(given, list):
            reader.refuse(at + ".members", given, "must be a list of services")
            given = []
        members[name] = {
            word
            for index, word in enumerate(given)
            if reader.word(word, f"{at}.members.{index}", reader.luck_keys, "service")
        }
        if name in reader.luck_keys:
            reader.refuse(at, name, "is also a service's id; a name can mean one thing only")
    for name, held in services.items() if isinstance(services, Mapping) else ():
        group = _own_group(held)
        if group and group in reader.luck_keys:
            reader.refuse(f"services.{name}.group", group, "is also a service's id; a name can mean one thing only")
        elif group:
            labels.setdefault(group, plain_label(group))
            members.setdefault(group, set()).add(name)
    for name, held_members in members.items():
        if not held_members:
            reader.refuse(f"groups.{name}.members", [], "needs at least one member", nearest(name, reader.luck_keys))
    reader.groups = {name: tuple(sorted(held)) for name, held in members.items()}
    return labels
