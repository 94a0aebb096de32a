"""A what-if as data: a question, a date, and what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from crksim.errors import InputError, Problem, nearest
from crksim.model.network import Label
from crksim.model.prices import Price
from crksim.model.steps import is_steps

__all__ = [
    "FORECAST",
    "OPS",
    "START",
    "WITHOUT",
    "Change",
    "Lever",
    "Reference",
    "Scenario",
    "Variant",
    "with_option",
    "with_overrides",
    "with_variant",
]

#: What `Scenario.from_day` may say instead of a date.
START: Final = "start"
FORECAST: Final = "forecast"
#: What a change may do.
OPS: Final = ("set", "times", "plus", "add", "drop", "like")

#: What the reference without the what-if is called.
WITHOUT = Label("uden ændringen", "without the change")


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
    references: tuple[Reference, ...] = (Reference("without", WITHOUT),)
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
    return with_overrides(scenario, _named(scenario, scenario.variants, "a switch", name).changes)


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
