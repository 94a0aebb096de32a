"""Scenarios as they stand in a file, and changes as they are typed: read with every fault told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crksim.errors import InputError, Problem
from crksim.model.clock import parse_date, parse_quantity
from crksim.model.meant import meant_date
from crksim.model.plain import plain
from crksim.model.prices import read_prices
from crksim.model.reading import Reader
from crksim.model.scenario import FORECAST, START, WITHOUT, Change, Lever, Reference, Scenario, Variant
from crksim.model.typed import read_typed

__all__ = ["change_from_text", "read_scenario"]

_KEYS = (
    "title",
    "question",
    "notes",
    "from",
    "references",
    "changes",
    "measures",
    "worthwhile",
    "cannot_answer",
    "prices",
)
_VARIANT_KEYS = ("switches", "variants")
_CHOICE_KEYS = ("levers", "options", "combines", "as_of")
_OP_WORD = re.compile(r"\s*(times|plus|set)\s*\((.*)\)\s*", re.DOTALL)


def read_scenario(data: Mapping[str, Any], id: str = "scenario", problems: list[Problem] | None = None) -> Scenario:
    """Read a scenario; whether its addresses exist is seen when it is applied to a study.

    Parameters
    ----------
    data : mapping
        As in ``docs/grammar.md``.
    id : str
        Name of the scenario.
    problems : list of Problem, optional
        Takes the faults; the scenario is then what could be read, from the forecast when its date could not.

    Raises
    ------
    InputError
        When anything is wrong, and there is nothing to take it; every fault is one `Problem`.
    """
    source, broken = plain(data)
    if broken:
        raise InputError(broken)
    reader = Reader()
    found = reader.fields(source, "", (*_KEYS, *_VARIANT_KEYS, *_CHOICE_KEYS), ("title",))
    since = found.get("from", START if "as_of" in found else FORECAST)
    for key, day in (("from", since), ("as_of", found.get("as_of", START))):
        if day not in (START, FORECAST):
            try:
                parse_date(day, "2000-01-01")
            except ValueError as fault:
                rule = f"{fault}, or 'start'" if key == "from" else str(fault)
                reader.refuse(key, day, rule, meant_date(day))
                since = FORECAST if key == "from" else since
    if "as_of" in found and since != START:
        reader.refuse("from", since, "cannot stand beside 'as_of'")
    title = reader.label(found.get("title"), "title", id)
    variants = tuple(
        _read_variant(reader, name, held, f"{key}.{name}")
        for key in _VARIANT_KEYS
        for name, held in reader.things(found.get(key), key).items()
    )
    scenario = Scenario(
        id=id,
        title=title,
        question=reader.label(found["question"], "question", id) if "question" in found else title,
        from_day=str(since),
        references=_read_references(reader, found["references"]) if "references" in found else Scenario.references,
        changes=_read_changes(reader, found.get("changes"), "changes"),
        notes=reader.label(found["notes"], "notes", id) if "notes" in found else None,
        measures=_read_list(reader, found.get("measures", []), "measures"),
        worthwhile=_read_worthwhile(reader, found.get("worthwhile", {})),
        cannot_answer=_read_list(reader, found.get("cannot_answer", []), "cannot_answer"),
        variants=variants,
        levers=_read_levers(reader, found.get("levers", {})),
        options=_read_options(reader, found.get("options")),
        prices=read_prices(reader, found.get("prices", {})),
        combines=_read_list(reader, found.get("combines", []), "combines", "scenarios"),
        as_of=None if found.get("as_of") is None else str(found["as_of"]),
    )
    if problems is not None:
        problems += reader.problems
    elif reader.problems:
        raise InputError(reader.problems)
    return scenario


def change_from_text(address: str, text: str | None = None) -> Change:
    """Read a change as typed on a command line.

    Parameters
    ----------
    address : str
        Dotted input address; with no `text`, ``address=text``.
    text : str, optional
        ``6``, ``3 months``, ``times(1.2)``, ``plus(2)``, ``drop``, ``{like: services.x, site: y}``.

    Raises
    ------
    InputError
        When it is no change.
    """
    if text is None:
        address, equals, text = address.partition("=")
        if not equals:
            raise InputError([Problem(address, "", "must be 'address=value'")])
    address = address.strip()
    match = _OP_WORD.fullmatch(text)
    try:
        raw = {match[1]: read_typed(match[2])} if match else read_typed(text)
    except ValueError as fault:
        raise InputError([Problem(address, text, str(fault))]) from None
    copied, problems = plain({address: raw})
    if problems:
        raise InputError(problems)
    reader = Reader()
    _read_changes(reader, copied, "")
    if reader.problems:
        raise InputError(reader.problems)
    return Change.read(address, copied[address])


def _read_changes(reader: Reader, data: object, at: str) -> dict[str, Any]:
    """Return the changes that can be read."""
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        reader.refuse(at or "changes", data, "must be a map from addresses to changes")
        return {}
    found = {}
    for address, raw in data.items():
        parts = address.split(".")
        if len(parts) < 2 or not all(part.strip() == part and part for part in parts):
            reader.refuse(address, raw, "must be an address such as 'services.x.places.hard'")
            continue
        try:
            Change.read(address, raw)
        except InputError as fault:
            reader.problems.extend(fault.problems)
        else:
            found[address] = raw
    return found


def _read_variant(reader: Reader, name: str, data: object, at: str) -> Variant:
    found = reader.fields(data, at, ("label", "changes"), ("changes",))
    changes = _read_changes(reader, found.get("changes"), at + ".changes")
    return Variant(name, reader.label(found.get("label"), at + ".label", name), changes)


def _read_options(reader: Reader, data: object) -> tuple[Variant, ...]:
    options = []
    for name, held in reader.things(data, "options").items():
        at = f"options.{name}"
        found = reader.fields(held, at, ("label", "changes", "instead", "cheapest"), ("label",))
        changes = _read_changes(reader, found.get("changes"), at + ".changes")
        flags = {key: reader.truth(found.get(key, False), f"{at}.{key}") for key in ("instead", "cheapest")}
        options.append(Variant(name, reader.label(found.get("label"), at + ".label", name), changes, **flags))
    cheapest = [option.id for option in options if option.cheapest]
    if options and len(cheapest) != 1:
        reader.refuse("options", cheapest, "exactly one must be 'cheapest: true'")
    return tuple(options)


def _read_levers(reader: Reader, data: object) -> tuple[Lever, ...]:
    if not isinstance(data, Mapping):
        reader.refuse("levers", data, "must be a map from addresses to {low, high}")
        return ()
    levers = []
    for address, held in data.items():
        at = f"levers.{address}"
        found = reader.fields(held, at, ("low", "high"), ("low", "high"))
        ends = []
        for key in ("low", "high"):
            try:
                ends.append(parse_quantity(found.get(key, 0)))
            except ValueError as fault:
                reader.refuse(f"{at}.{key}", found[key], str(fault))
        if len(ends) == 2 and (ends[0][0] >= ends[1][0] or (ends[0][1] != ends[1][1] and ends[0][0] != 0)):
            reader.refuse(at, dict(found), "must have 'low' below 'high', in one unit")
        levers.append(Lever(address, found.get("low"), found.get("high")))
    return tuple(levers)


def _read_references(reader: Reader, data: object) -> tuple[Reference, ...]:
    references = []
    if not isinstance(data, Mapping) or not data:
        reader.refuse("references", data, "must be a map from ids to {label, scenario}")
        return ()
    reader.things(data, "references")
    for name, held in data.items():  # the order of the file: the first is the main one
        at = f"references.{name}"
        if isinstance(held, Mapping) and set(held) == {"da", "en"}:
            held = {"label": held}
        found = reader.fields(held, at, ("label", "scenario"))
        scenario = found.get("scenario", "baseline")
        if not isinstance(scenario, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", scenario):
            reader.refuse(at + ".scenario", scenario, "must be the name of a scenario")
        label = WITHOUT if name == "without" and "label" not in found else None
        references.append(
            Reference(name, label or reader.label(found.get("label"), at + ".label", name), str(scenario))
        )
    return tuple(references)


def _read_list(reader: Reader, data: object, at: str, what: str = "measures") -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(word, str) for word in data):
        reader.refuse(at, data, f"must be a list of {what}")
        return ()
    return tuple(data)


def _read_worthwhile(reader: Reader, data: object) -> dict[str, float]:
    if not isinstance(data, Mapping):
        reader.refuse("worthwhile", data, "must be a map from measures to numbers")
        return {}
    found = {}
    for address, number in data.items():
        try:
            found[address] = parse_quantity(number)[0]
        except ValueError as fault:
            reader.refuse(f"worthwhile.{address}", number, str(fault))
            continue
        if found[address] < 0:
            reader.refuse(f"worthwhile.{address}", number, "must be at least 0")
    return found
