"""A what-if as data: a question, a date, and what it changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import parse_date, parse_quantity
from crksim.model.network import Label
from crksim.model.plain import plain
from crksim.model.prices import Price, read_prices
from crksim.model.reading import Reader
from crksim.model.steps import is_steps
from crksim.model.typed import read_typed

__all__ = [
    "FORECAST",
    "OPS",
    "START",
    "Change",
    "Lever",
    "Reference",
    "Scenario",
    "Variant",
    "change_from_text",
    "read_scenario",
    "with_option",
    "with_overrides",
    "with_variant",
]

#: What `Scenario.from_day` may say instead of a date.
START: Final = "start"
FORECAST: Final = "forecast"
#: What a change may do.
OPS: Final = ("set", "times", "plus", "add", "drop", "like")

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
_WITHOUT = Label("uden ændringen", "without the change")
_OP_WORD = re.compile(r"\s*(times|plus|set)\s*\((.*)\)\s*", re.DOTALL)


@dataclass(frozen=True)
class Change:
    """What is done at one address.

    Parameters
    ----------
    address : str
        Dotted input address.
    op : str
        One of `OPS`.
    value : object
        New value, factor, amount, or new thing; for ``like`` what differs from the original.
    source : str
        With ``like``: address of the original.
    rescale : bool
        Whether the other branches of a share map are scaled to fit.
    """

    address: str
    op: str
    value: Any = None
    source: str = ""
    rescale: bool = False

    @classmethod
    def read(cls, address: str, raw: Any) -> Change:
        """Read a change as it stands in a scenario: a bare value, ``drop``, or a map with an operation.

        Raises
        ------
        InputError
            When operations are mixed or one is misspelt.
        """
        if raw == "drop":
            return cls(address, "drop")
        if not isinstance(raw, Mapping):
            return cls(address, "set", raw)
        if "like" in raw:
            rest = {key: held for key, held in raw.items() if key != "like"}
            if not isinstance(raw["like"], str):
                raise InputError([Problem(address, raw["like"], "'like' must name an address")])
            return cls(address, "like", rest, source=raw["like"])
        ops = [key for key in ("set", "times", "plus", "add", "drop") if key in raw]
        if not ops or (ops == ["times"] and isinstance(raw["times"], Mapping) and not is_steps(raw["times"])):
            return cls(address, "set", dict(raw))
        extra = sorted(set(raw) - {ops[0], "rescale"})
        if extra:
            rule = f"'{extra[0]}' cannot stand beside '{ops[0]}'"
            raise InputError([Problem(address, dict(raw), rule, nearest(extra[0], ("rescale",)))])
        if not isinstance(raw.get("rescale", False), bool):
            raise InputError([Problem(f"{address}.rescale", raw["rescale"], "must be true or false")])
        if ops[0] == "drop" and raw["drop"] is not True:
            raise InputError([Problem(f"{address}.drop", raw["drop"], "must be true")])
        return cls(address, ops[0], raw[ops[0]], rescale=raw.get("rescale", False))

    @property
    def raw(self) -> Any:
        """The change as it stands in a scenario."""
        if self.op == "like":
            return {"like": self.source, **self.value}
        if self.op == "drop":
            return "drop"
        return {self.op: self.value, "rescale": True} if self.rescale else {self.op: self.value}


@dataclass(frozen=True)
class Reference:
    """What a what-if is compared with.

    Parameters
    ----------
    scenario : str
        Name of the scenario that the reference runs; ``baseline`` changes nothing.
    """

    id: str
    label: Label
    scenario: str = "baseline"


@dataclass(frozen=True)
class Variant:
    """Further changes that can be chosen by name.

    Parameters
    ----------
    changes : mapping of str to object
        As in a scenario.
    instead : bool
        Whether they stand in place of the scenario's own changes and not beside them.
    cheapest : bool
        Whether it is the cheapest of the options.
    """

    id: str
    label: Label
    changes: Mapping[str, Any]
    instead: bool = False
    cheapest: bool = False


@dataclass(frozen=True)
class Lever:
    """A number that a planner may turn, and how far it makes sense to.

    Parameters
    ----------
    address : str
        Input address.
    low, high : object
        Ends of the range, as numbers are written.
    """

    address: str
    low: Any
    high: Any


@dataclass(frozen=True)
class Scenario:
    """A what-if.

    Parameters
    ----------
    id : str
        Its name.
    title, question : Label
        What planners read.
    from_day : str
        ISO date of the change, ``start``, or ``forecast`` (the study's forecast date).
    references : tuple of Reference
        What it is compared with, the main one first.
    changes : mapping of str to object
        Address -> change, as it stands in the file.
    notes : Label or None
        What else there is to know.
    measures : tuple of str
        Measure addresses that are shown first.
    worthwhile : mapping of str to float
        Measure address -> smallest difference that matters.
    cannot_answer : tuple of str
        Measure addresses on which the model cannot answer.
    variants : tuple of Variant
        Further changes by name.
    levers : tuple of Lever
        Numbers that a planner may turn.
    options : tuple of Variant
        What else could be decided; one of them is the cheapest.
    combines : tuple of str
        Other scenarios whose changes it makes too.
    parts : tuple of Scenario
        What it is combined of: their changes, each from its own date.
    prices : tuple of Price
        Kroner for what the model counts; none where the user gave none.
    as_of : str or None
        ISO date of own base numbers: the study begins on it, in every world, with the scenario's changes in it.
    """

    id: str
    title: Label
    question: Label
    from_day: str = FORECAST
    references: tuple[Reference, ...] = (Reference("without", _WITHOUT),)
    changes: Mapping[str, Any] = field(default_factory=dict)
    notes: Label | None = None
    measures: tuple[str, ...] = ()
    worthwhile: Mapping[str, float] = field(default_factory=dict)
    cannot_answer: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    levers: tuple[Lever, ...] = ()
    options: tuple[Variant, ...] = ()
    combines: tuple[str, ...] = ()
    parts: tuple[Scenario, ...] = ()
    prices: tuple[Price, ...] = ()
    as_of: str | None = None


def read_scenario(data: Mapping[str, Any], id: str = "scenario") -> Scenario:
    """Read a scenario; whether its addresses exist is seen when it is applied to a study.

    Parameters
    ----------
    data : mapping
        As in ``docs/grammar.md``.
    id : str
        Name of the scenario.

    Raises
    ------
    InputError
        When anything is wrong; every fault is one `Problem`.
    """
    source, problems = plain(data)
    if problems:
        raise InputError(problems)
    reader = Reader()
    found = reader.fields(source, "", (*_KEYS, *_VARIANT_KEYS, *_CHOICE_KEYS), ("title",))
    since = found.get("from", START if "as_of" in found else FORECAST)
    for key, day in (("from", since), ("as_of", found.get("as_of", START))):
        if day not in (START, FORECAST):
            try:
                parse_date(day, "2000-01-01")
            except ValueError as fault:
                reader.refuse(key, day, f"{fault}, or 'start'" if key == "from" else str(fault))
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
    if reader.problems:
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


def with_overrides(scenario: Scenario, changes: Mapping[str, Any] | Iterable[Change]) -> Scenario:
    """Return a scenario with further changes; at an address that it changes already they take its place.

    Parameters
    ----------
    scenario : Scenario
        It is not changed.
    changes : mapping of str to object, or iterable of Change
        Address -> change as in a scenario, or changes from the command line.
    """
    more = changes if isinstance(changes, Mapping) else {change.address: change.raw for change in changes}
    if scenario.parts:
        parts = list(scenario.parts)
        for address, raw in more.items():
            # Where the part stands that speaks of the same thing, or brings it in; else with the first.
            own = [any(address == it or address.startswith(it + ".") for it in part.changes) for part in parts]
            place = own.index(True) if True in own else 0
            parts[place] = with_overrides(parts[place], {address: raw})
        scenario = replace(scenario, parts=tuple(parts))
    return replace(scenario, changes={**scenario.changes, **more})


def with_variant(scenario: Scenario, name: str) -> Scenario:
    """Return a scenario with the changes of one of its variants.

    Raises
    ------
    InputError
        When it has no such variant.
    """
    return with_overrides(scenario, _named(scenario, scenario.variants, "a variant", name).changes)


def with_option(scenario: Scenario, name: str) -> Scenario:
    """Return a scenario with one of its options chosen.

    Raises
    ------
    InputError
        When it has no such option.
    """
    option = _named(scenario, scenario.options, "an option", name)
    own = replace(scenario, changes={}, parts=()) if option.instead else scenario
    return with_overrides(own, option.changes)


def _named(scenario: Scenario, variants: Iterable[Variant], what: str, name: str) -> Variant:
    """Return the one of some variants that has a name; `what` they are is told with the article."""
    known = {variant.id: variant for variant in variants}
    if name not in known:
        rule = f"is not {what} of '{scenario.id}'" + (f"; known: {', '.join(sorted(known))}" if known else "")
        raise InputError([Problem(what.split()[-1], name, rule, nearest(name, known))])
    return known[name]


def _read_changes(reader: Reader, data: object, at: str) -> dict[str, Any]:
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        reader.refuse(at or "changes", data, "must be a map from addresses to changes")
        return {}
    for address, raw in data.items():
        parts = address.split(".")
        if len(parts) < 2 or not all(part.strip() == part and part for part in parts):
            reader.refuse(address, raw, "must be an address such as 'services.x.places.hard'")
            continue
        try:
            Change.read(address, raw)
        except InputError as fault:
            reader.problems.extend(fault.problems)
    return dict(data)


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
        label = _WITHOUT if name == "without" and "label" not in found else None
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
