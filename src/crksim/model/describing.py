"""What a scenario changes, in plain words and both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from crksim.model.addresses import field_of
from crksim.model.captions import FIELDS, NAMES, NEW
from crksim.model.id_words import WORDS
from crksim.model.network import Label
from crksim.model.number_words import NumberWords, listed
from crksim.model.reading import plain_label
from crksim.model.scenario import Change, Lever, Scenario
from crksim.model.steps import is_steps, values_of
from crksim.model.things import copy_label

__all__ = ["describe", "describe_lever"]

_LANGUAGES: Final = ("da", "en")
#: So many kinds of citizens, and so many addresses, are named; of more, only how many.
_NAMED = 3


@dataclass(frozen=True)
class _Told:
    """What some changes do, when they say the same of several things.

    Parameters
    ----------
    group : str
        Changes of different groups are never told in one line.
    subjects, names, cases : tuple of Label
        What is changed, the names inside the field, and the kinds of citizens.
    field : Label
        What the field is called, with ``{}`` for its names.
    of : int
        How many cases there are at the address; 0 where not known.
    said : Label
        What happens to it.
    addresses : tuple of str
        Where.
    """

    group: str
    subjects: tuple[Label, ...]
    field: Label
    names: tuple[Label, ...]
    cases: tuple[Label, ...]
    of: int
    said: Label
    addresses: tuple[str, ...]


def describe(study: Mapping[str, Any], scenario: Scenario) -> list[Label]:
    """Return a sentence for every change, or for several that say the same: labels first, the address last.

    Parameters
    ----------
    study : mapping
        The study as a plain dict, before the changes.
    scenario : Scenario
        What is changed; addresses that do not exist are described as they stand.

    Raises
    ------
    InputError
        When a change mixes operations.
    """
    changes = [Change.read(address, raw) for address, raw in scenario.changes.items()]
    copies = {change.address: change for change in changes if change.op in ("add", "like")}
    words = [_Words(study, copies, lang) for lang in _LANGUAGES]
    ordered = sorted(changes, key=lambda c: (c.op not in ("add", "like"), c.address))
    days = {address: part.from_day for part in scenario.parts for address in part.changes}
    told = []
    for change in ordered:
        day = days.get(change.address)
        if change.op == "add" and isinstance(change.value, Mapping):
            day = str(change.value.get("from", change.value.get("opens", day or "")))
        own = None if day in (None, "", "start", scenario.from_day) else day
        told += [_told(part, words, own) for part in _parts(change)]
    for several in ("cases", "subjects", "names"):
        told = _together(told, several)
    return [Label(*(_line(one, lang) for lang in _LANGUAGES)) for one in told]


def describe_lever(study: Mapping[str, Any], lever: Lever) -> Label:
    """Return a number that can be turned, in words with its range, and the address last.

    Parameters
    ----------
    study : mapping
        The study as a plain dict, with the scenario's changes.
    lever : Lever
        The number.
    """
    words = [_Words(study, {}, lang) for lang in _LANGUAGES]
    said = Label(*(each.span(lever.low, lever.high) for each in words))
    told = replace(_told(Change.read(lever.address, 0), words), said=said)
    return Label(*(_line(told, lang) for lang in _LANGUAGES))


def _parts(change: Change) -> list[Change]:
    """Return the changes of single fields that a map on a thing stands for."""
    told_apart = (".places", ".take_up", ".queue", ".posts", ".clinic", ".late", ".call_in", ".misses")
    places = change.address.endswith(told_apart)
    if change.op != "set" or not isinstance(change.value, Mapping) or is_steps(change.value):
        return [change]
    if not (places or change.address.count(".") == 1):
        return [change]
    found = [Change.read(f"{change.address}.{key}", held) for key, held in change.value.items()]
    return [part for inner in found for part in _parts(inner)]


def _told(change: Change, words: list[_Words], day: str | None = None) -> _Told:
    """Take a change apart; a day is told where it is not that of the whole scenario."""
    since = [each.say(", fra ", ", from ") + each.numbers.plain(day) if day else "" for each in words]
    parts = change.address.split(".")
    thing = parts[0] + (":" + change.op if change.op in ("add", "like", "drop") else "")
    fields = [each.field(parts) for each in words]
    cases = [each.cases(parts) for each in words]
    return _Told(
        group=thing if len(field_of(parts)) > 2 or change.op != "set" else change.address,
        subjects=(Label(*(each.name(parts[0], parts[1]) for each in words)),),
        field=Label(*(text for text, _ in fields)),
        names=tuple(Label(*both) for both in zip(*(names for _, names in fields), strict=True)),
        cases=tuple(Label(*both) for both in zip(*cases, strict=True)),
        of=words[0].how_many(parts),
        said=Label(*(each.said(change) + own for each, own in zip(words, since, strict=True))),
        addresses=(change.address,),
    )


def _together(told: list[_Told], several: str) -> list[_Told]:
    """Unite lines that differ in one respect only, in the order of the first of them."""
    found: dict[Any, _Told] = {}
    for index, one in enumerate(told):
        # Only names that stand for themselves, as in "contacts ({})", read well in a row.
        fits = bool(getattr(one, several)) and (several != "names" or one.field.en.endswith(" ({})"))
        whole = several == "subjects" and not one.field.en and one.group.endswith(":like")
        key: Any = index
        if fits and not whole and not one.group.startswith("parameters"):
            blank: dict[str, Any] = {several: (), "addresses": ()}
            key = replace(one, **blank)
        if key in found:
            united = getattr(found[key], several) + getattr(one, several)
            more: dict[str, Any] = {
                several: tuple(dict.fromkeys(united)),
                "addresses": found[key].addresses + one.addresses,
            }
            found[key] = replace(found[key], **more)
        else:
            found[key] = one
    return list(found.values())


def _line(told: _Told, lang: str) -> str:
    """Return the line of a planner."""

    def all_of(labels: tuple[Label, ...]) -> list[str]:
        return [str(getattr(label, lang)) for label in labels]

    danish = lang == "da"
    subjects, (field, said) = all_of(told.subjects), all_of((told.field, told.said))
    names = all_of(told.names)
    field = field.format(listed(names, lang)) if field.endswith(" ({})") else field.format(*names)
    if told.cases and len(told.cases) != told.of:
        many = f"{len(told.cases)} slags borgere" if danish else f"{len(told.cases)} kinds of citizens"
        field += f" ({many if len(told.cases) > _NAMED else '; '.join(all_of(told.cases))})"
    several = told.group.startswith("referrals") or any(", " in subject for subject in subjects)
    text = listed(subjects, lang, "; " if several else ", ")
    if told.group.endswith(":add") and not field and len(subjects) > 1:
        text = f"{NEW[told.group.removesuffix(':add')][not danish]}{said.removeprefix(',')}: {'; '.join(subjects)}"
    elif told.group.endswith((":add", ":like")):
        text = ("Nyt: " if danish else "New: ") + (f"{text}: {field}" if field else text) + said
    elif told.group.endswith(":drop"):
        text = (f"{text}: {field}" if field else text) + said
    else:
        text = ": ".join(part for part in (text, field, said) if part)
    return f"{text} ({_addresses(told.addresses, danish)})"


def _addresses(addresses: tuple[str, ...], danish: bool) -> str:
    if len(addresses) == 1:
        return addresses[0]
    split = [address.split(".") for address in addresses]
    if len(addresses) <= _NAMED and len({len(parts) for parts in split}) == 1:
        columns = [tuple(dict.fromkeys(column)) for column in zip(*split, strict=True)]
        if sum(len(column) > 1 for column in columns) == 1:
            return ".".join(column[0] if len(column) == 1 else f"{{{','.join(column)}}}" for column in columns)
    more = len(addresses) - 1
    return f"{addresses[0]} " + (f"og {more} til" if danish else f"and {more} more")


class _Words:
    """Words in one language.

    Parameters
    ----------
    study : mapping
        The study before the changes.
    copies : mapping of str to Change
        What is new, by address.
    lang : str
        ``da`` or ``en``.
    """

    def __init__(self, study: Mapping[str, Any], copies: Mapping[str, Change], lang: str) -> None:
        self.study = study
        self.copies = copies
        self.lang = lang
        self.numbers = NumberWords(lang, lambda name: self.name("parameters", name))
        self.say = self.numbers.say

    def said(self, change: Change) -> str:
        """Return what a change does to what it is a change of."""
        parts = change.address.split(".")
        if change.op == "like":
            source = change.source.split(".")
            like = self.name(source[0], source[1]) if len(source) > 1 else change.source
            site = self.name("services", str(change.value.get("site"))).partition(" (")[0]
            named = site.casefold() in self.name(parts[0], parts[1]).casefold()
            hidden = {"label", "site"} if named else {"label"}
            extra = [f"{self.short(key)} {self.value(held)}" for key, held in change.value.items() if key not in hidden]
            text = self.say(f", som {like}", f", like {like}")
            return text + (self.say("; men ", "; but ") + ", ".join(extra) if extra else "")
        if change.op == "add":
            return self.added(parts, change.value)
        if change.op == "drop":
            return self.say(" bortfalder", " is dropped")
        if change.op == "times":
            return self.multiplied(change.value)
        if change.op == "plus":
            return f"plus {self.value(change.value)}"
        if isinstance(change.value, Mapping | list):
            old = self.old(parts)
            if {str(held) for _, _, held in values_of(change.value)} == {str(old)}:
                return self.instead(old, old)
            told = self.value(change.value)
            return told if old is None else told + self.say(" i stedet for ", " instead of ") + self.value(old)
        return self.instead(self.old(parts), change.value)

    def added(self, parts: list[str], held: Any) -> str:
        """Return what is worth saying of something new: of staff time, how often and how long."""
        if len(parts) < 3 or parts[-2] != "staff" or not isinstance(held, Mapping):
            return ""
        often, minutes = held.get("contacts"), held.get("minutes", 0)
        each = ""
        if isinstance(minutes, str):
            each = self.say(", minutter hver gang: ", ", minutes each time: ") + self.value(minutes)
        elif minutes:
            each = f", {self.value(minutes)} " + self.say("minutter hver gang", "minutes each time")
        return f": {self.value(often)}{each}"

    def multiplied(self, factor: Any) -> str:
        """Return a factor; one that is the same on several dates is said once."""
        if not is_steps(factor):
            return self.numbers.times(factor)
        steps = values_of(factor)
        if len({str(held) for _, _, held in steps}) > 1:
            return self.say("ganget med ", "times ") + self.value(factor)
        days = [self.numbers.plain(day) for day, _, _ in steps]
        if len(days) == 1:
            return self.numbers.times(steps[0][2]) + self.say(" fra ", " from ") + days[0]
        again = [self.say(f"igen {day}", f"again on {day}") for day in days[1:]]
        return self.numbers.times(steps[0][2]) + self.say(" ", " on ") + listed([days[0], *again], self.lang)

    def instead(self, old: Any, new: Any) -> str:
        """Return a new value beside the old one."""
        for held in (old, new):
            if isinstance(held, str) and "@" not in held and not held[:1].isdigit():
                told = self.value(new)
                return told if old is None else told + self.say(" i stedet for ", " instead of ") + self.value(old)
        return self.numbers.instead(old, new)

    def span(self, low: Any, high: Any) -> str:
        """Return a range; a unit that both ends share is said once."""
        first, last = (self.value(held) for held in (low, high))
        unit = first.partition(" ")[2]
        if unit and last.endswith(" " + unit):
            first = first.removesuffix(" " + unit)
        elif unit and unit.rstrip("ers") == last.partition(" ")[2].rstrip("ers"):
            first = first.partition(" ")[0]
        return f"{first} {self.say('til', 'to')} {last}"

    def name(self, collection: str, key: str) -> str:
        """Return the label of a thing."""
        change = self.copies.get(f"{collection}.{key}")
        held: Any = self.study.get(collection, {}).get(key)
        if change is not None and isinstance(change.value, Mapping):
            held = change.value
            source = change.source.split(".")
            if "label" not in held and change.op == "like" and len(source) == 2:
                return copy_label(self.study, source, held)[self.lang]
        label = held.get("label") if isinstance(held, Mapping) else None
        if isinstance(label, Mapping) and self.lang in label:
            return str(label[self.lang])
        return plain_label(key).en

    def field(self, parts: list[str]) -> tuple[str, tuple[str, ...]]:
        """Return what a field is called, with the names that belong in it; nothing for a whole thing."""
        field = field_of(parts)[2:]
        if not field or field == ("value",):
            return "", ()
        for pattern, texts in FIELDS.items():
            keys = pattern.split(".")
            if len(keys) == len(field) and all(a in ("*", b) for a, b in zip(keys, field, strict=True)):
                names = tuple(self.inner(parts, b) for a, b in zip(keys, field, strict=True) if a == "*")
                return texts[self.lang == "en"], names
        return ".".join(field), ()

    def inner(self, parts: list[str], name: str) -> str:
        """Return the label of an end, or what a name inside an address is called."""
        at = parts.index(name)
        held = self.at(parts[: at + 1]) if parts[at - 1] == "ends" else None
        label = held.get("label") if isinstance(held, Mapping) else None
        if isinstance(label, Mapping) and self.lang in label:
            return str(label[self.lang])
        return self.thing(name)

    def cases(self, parts: list[str]) -> tuple[str, ...]:
        """Return whom the cases in an address are about."""
        told = []
        for index, part in enumerate(parts[:-1]):
            case = self.at(parts[: index + 2]) if part == "cases" else None
            if isinstance(case, Mapping):
                when = case.get("when")
                kinds = [self.kind(key, held) for key, held in when.items()] if isinstance(when, Mapping) else []
                told.append(", ".join(kinds) or self.say("øvrige", "the others"))
        return (", ".join(told),) if told else ()

    def how_many(self, parts: list[str]) -> int:
        """Return how many cases there are where an address names one; 0 when it names none or several."""
        if parts.count("cases") != 1:
            return 0
        held = self.at(parts[: parts.index("cases") + 1])
        return len(held) if isinstance(held, Mapping) else 0

    def kind(self, attribute: str, held: Any) -> str:
        """Return the values of an attribute that a case is about."""
        values = [str(value) for value in (held if isinstance(held, list) else [held])]
        if attribute == "cohort":
            return self.say(" eller ", " or ").join(self.name("cohorts", value) for value in values)
        told = [self.thing(value).partition(" (")[0] for value in values]
        return self.say(" eller ", " or ").join([", ".join(told[:-1]), told[-1]][len(told) == 1 :])

    def at(self, parts: list[str]) -> Any:
        """Return what stands at an address now, of a copy what it says itself or its original, or None."""
        copy = self.copies.get(".".join(parts[:2]))
        if copy is not None and copy.op == "like":
            own = _below(copy.value, parts[2:])
            return self.at([*copy.source.split("."), *parts[2:]]) if own is None else own
        return _below(self.study, parts)

    def short(self, key: str) -> str:
        """Return what a key of a copy is called."""
        return FIELDS[key][self.lang == "en"] if key in FIELDS else self.thing(key)

    def old(self, parts: list[str]) -> Any:
        """Return what stands at an address now, the last step of it, or None when it is a map or nothing."""
        way = parts if parts[0] != "parameters" or len(parts) > 2 else [*parts, "value"]
        node = self.at(way)
        if node is None and way[-1] == "rate":
            node = self.at(way[:-1])
        node = values_of(node)[-1][2]
        return None if isinstance(node, Mapping | list) else node

    def value(self, value: Any) -> str:
        """Return a value as people write it."""
        if is_steps(value):
            word, first = self.say("fra", "from"), self.say("først", "first")
            return ", ".join(
                f"{self.value(held)} {word} {self.value(day)}" if day else f"{first} {self.value(held)}"
                for day, _, held in values_of(value)
            )
        if isinstance(value, Mapping):
            return ", ".join(f"{self.short(str(key))} {self.value(held)}" for key, held in value.items())
        if isinstance(value, list):
            return ", ".join(self.value(held) for held in value)
        if not isinstance(value, str) or "@" in value or value[:1].isdigit():
            return self.numbers.number(value)
        return self.thing(value)

    def thing(self, name: str) -> str:
        """Return the label of a service or a group, or what an id is called."""
        for collection in ("services", "groups"):
            if name in self.study.get(collection, {}) or f"{collection}.{name}" in self.copies:
                return self.name(collection, name)
        if name in NAMES:
            return NAMES[name][self.lang == "en"]
        return str(getattr(WORDS[name], self.lang)) if name in WORDS else name.replace("_", " ")


def _below(node: Any, parts: list[str]) -> Any:
    """Return what stands below, or None."""
    for part in parts:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node
