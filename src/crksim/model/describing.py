"""What a scenario changes, in plain words and both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from crksim.model.addresses import field_of
from crksim.model.network import Label
from crksim.model.quantities import WORDS
from crksim.model.reading import plain_label
from crksim.model.scenario import Change, Lever, Scenario
from crksim.model.steps import is_steps, values_of
from crksim.model.things import copy_label

__all__ = ["describe", "describe_lever"]

#: Field -> what planners call it; ``{}`` is the name that stands for ``*``.
_FIELDS: Final[dict[str, tuple[str, str]]] = {
    "places.hard": ("pladser ad gangen", "places at a time"),
    "places.norm": ("normering (borgere)", "norm (citizens)"),
    "places.workable": ("mindste bæredygtige antal", "smallest workable number"),
    "queue.room": ("plads på ventelisten", "room on the waiting list"),
    "queue.order": ("rækkefølge i køen", "order of the queue"),
    "priority": ("prioritet", "priority"),
    "patience": ("tålmodighed i køen", "patience in the queue"),
    "death": ("dødelighed", "death rate"),
    "wait_goal": ("eget mål for ventetid", "own goal for waits"),
    "length": ("indskrivningstid", "length of stay"),
    "length.mean": ("gennemsnitlig indskrivningstid", "mean length of stay"),
    "eligible": ("målgruppe", "who is eligible"),
    "site": ("adresse", "site"),
    "opens": ("åbner", "opens"),
    "closes": ("lukning", "closing"),
    "closes.on": ("lukker", "closes"),
    "length.value": ("indskrivningstid", "length of stay"),
    "ends.*": ("afslutningen '{}'", "the end '{}'"),
    "ends.*.share": ("andel, der afsluttes som '{}'", "share that ends as '{}'"),
    "ends.*.hazard": ("rate, hvormed '{}' sker", "rate at which '{}' happens"),
    "ends.*.length": ("indskrivningstid ved '{}'", "length of stay with '{}'"),
    "ends.*.length.mean": ("gennemsnitlig indskrivningstid ved '{}'", "mean length of stay with '{}'"),
    "ends.*.to": ("hvor borgere går hen efter '{}'", "where citizens go after '{}'"),
    "ends.*.to.*": ("andel videre til {} efter '{}'", "share going on to {} after '{}'"),
    "ends.*.status.*": ("andel med status '{}' ved '{}'", "share with status '{}' at '{}'"),
    "ends.*.without.*": ("andel med status '{}' uden tilbuddet ('{}')", "share with status '{}' without it ('{}')"),
    "staff.*.contacts": ("kontakter ({})", "contacts ({})"),
    "staff.*.minutes": ("minutter pr. kontakt ({})", "minutes per contact ({})"),
    "posts.*.number": ("stillinger ({})", "posts ({})"),
    "posts.*.filled": ("andel af stillinger, der er besat ({})", "share of posts filled ({})"),
    "clinic.every": ("tid mellem samtaler", "time between talks"),
    "clinic.talk": ("samtalens længde", "length of a talk"),
    "clinic.doctor": ("lægens timer med borgere", "the doctor's hours with citizens"),
    "clinic.nurse": ("sygeplejerskens timer med borgere", "the nurse's hours with citizens"),
    "clinic.by_doctor": ("andel af samtalerne hos lægen", "share of the talks with the doctor"),
    "clinic.no_show": ("udeblivelse pr. aftalt samtale", "no-show per booked talk"),
    "clinic.rebooked": ("andel udeblivelser, der straks får ny tid", "share of no-shows given a new time at once"),
    "clinic.rebooked_after": ("dage til den nye tid", "days to the new time"),
    "clinic.drop_in": ("andel udeblevne, der kommer uden tid", "share of no-shows who drop in"),
    "clinic.late.afternoons": ("sene eftermiddage om ugen", "late afternoons a week"),
    "clinic.late.hours": ("sene timer pr. eftermiddag", "late hours per afternoon"),
    "clinic.call_in.every": ("tid mellem indkald", "time between call-ins"),
    "clinic.call_in.hours": ("observationstid pr. dag ved indkald", "observation per day of a call-in"),
    "clinic.call_in.group": ("borgere, der observeres samtidig", "citizens observed at the same time"),
    "clinic.call_in.held": ("tid mellem uger med indkald", "time between weeks with call-ins"),
    "clinic.call_in.missed": ("udeblivelse pr. dag i indkald", "no-show per day of a call-in"),
    "arrivals": ("nye borgere", "new citizens"),
    "arrivals.rate": ("nye borgere", "new citizens"),
    "enters": ("hvor nye borgere starter", "where newcomers start"),
    "enters.*": ("andel, der starter i {}", "share that starts in {}"),
    "attributes.*.*": ("andel '{}' af {}", "share '{}' of {}"),
    "legal_limit": ("lovens frist", "the law's limit"),
    "take_up": ("andel, der tager imod", "share that accepts"),
    "take_up.own_site": ("andel, der tager imod på egen enhed", "share that accepts at the own site"),
    "take_up.other_site": ("andel, der tager imod et andet sted", "share that accepts elsewhere"),
    "attend": ("andel, der kan deltage", "share able to attend"),
    "at.rate": ("hvor ofte reglen overvejes", "how often the rule is considered"),
    "when": ("hvem reglen gælder", "whom the rule concerns"),
    "from": ("gælder fra", "in force from"),
    "until": ("gælder til", "in force until"),
    "value": ("værdi", "value"),
}
_WORDS: Final[dict[str, str]] = {
    **{"years": "år", "year": "år", "months": "måneder", "month": "måned", "weeks": "uger", "week": "uge"},
    **{"days": "dage", "day": "dag", "hours": "timer", "hour": "time", "minutes": "minutter", "minute": "minut"},
    **{"person-years": "personår", "person-year": "personår", "leave": "udskrevet", "home": "egen enhed"},
    **{"origin": "henvisende enhed", "died": "død", "rest": "resten", "mean": "middel"},
}
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-\d{2}")
_MONTHS: Final[dict[str, str]] = {
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "en": "January February March April May June July August September October November December",
}
_AWAY: Final[dict[str, str]] = {
    "leave": "discharge",
    "home": "the own unit",
    "origin": "the referring unit",
    "died": "death",
    "rest": "the rest",
}


def describe(study: Mapping[str, Any], scenario: Scenario) -> list[Label]:
    """Return one sentence for every change: labels first, the address last.

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
    told = []
    changes = [Change.read(address, raw) for address, raw in scenario.changes.items()]
    copies = {change.address: change for change in changes if change.op in ("add", "like")}
    for change in sorted(changes, key=lambda c: (c.op not in ("add", "like"), c.address)):
        for part in _parts(change):
            texts = [_Words(study, copies, lang).sentence(part) for lang in ("da", "en")]
            told.append(Label(*(f"{text} ({part.address})" for text in texts)))
    return told


def describe_lever(study: Mapping[str, Any], lever: Lever) -> Label:
    """Return a number that can be turned, in words with its range, and the address last.

    Parameters
    ----------
    study : mapping
        The study as a plain dict, with the scenario's changes.
    lever : Lever
        The number.
    """
    parts, told = lever.address.split("."), []
    for lang in ("da", "en"):
        words = _Words(study, {}, lang)
        subject, field = words.name(parts[0], parts[1]), words.field(parts)
        head = f"{subject}: {field}" if field and parts[0] != "parameters" else subject
        span = words.say(f"{words.value(lever.low)} til", f"{words.value(lever.low)} to")
        told.append(f"{head}: {span} {words.value(lever.high)} ({lever.address})")
    return Label(*told)


def _parts(change: Change) -> list[Change]:
    """Return the changes of single fields that a map on a thing stands for."""
    places = change.address.endswith((".places", ".take_up", ".queue"))
    if change.op != "set" or not isinstance(change.value, Mapping) or not (places or change.address.count(".") == 1):
        return [change]
    found = [Change.read(f"{change.address}.{key}", held) for key, held in change.value.items()]
    return [part for inner in found for part in _parts(inner)]


class _Words:
    """Sentences in one language.

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

    def say(self, da: str, en: str) -> str:
        """Return the text in the language."""
        return da if self.lang == "da" else en

    def sentence(self, change: Change) -> str:
        """Return what a change does."""
        parts = change.address.split(".")
        subject = self.name(parts[0], parts[1])
        field = self.field(parts)
        if change.op == "like":
            source = change.source.split(".")
            like = self.name(source[0], source[1]) if len(source) > 1 else change.source
            text = self.say(f"Nyt: {field or subject}, som {like}", f"New: {field or subject}, like {like}")
            hidden = {"label", "site"} if "label" not in change.value else {"label"}
            extra = [f"{self.short(key)} {self.value(held)}" for key, held in change.value.items() if key not in hidden]
            return text + (self.say("; men ", "; but ") + ", ".join(extra) if extra else "")
        if change.op == "add":
            return self.say("Nyt: ", "New: ") + (f"{subject}: {field}" if field else subject)
        if change.op == "drop":
            what = f"{subject}: {field}" if field else subject
            return what + self.say(" bortfalder", " is dropped")
        head = f"{subject}: {field}: " if field and field not in ("værdi", "value") else f"{subject}: "
        if change.op == "times":
            return head + self.say("ganget med ", "times ") + self.value(change.value) + self.percent(change.value)
        if change.op == "plus":
            return f"{head}plus {self.value(change.value)}"
        return head + self.instead(self.old(parts), change.value)

    def instead(self, old: Any, new: Any) -> str:
        """Return a new value beside the old one."""
        if old is None:
            return self.value(new)
        if old == new:
            return self.say("fortsat ", "still ") + self.value(new)
        if isinstance(old, str) and isinstance(new, str) and new.startswith(old + " * "):
            return self.say("ganget med ", "times ") + self.value(new[len(old) + 3 :])
        return self.value(new) + self.say(" i stedet for ", " instead of ") + self.value(old)

    def percent(self, factor: Any) -> str:
        """Return a factor as a change in percent."""
        if isinstance(factor, bool) or not isinstance(factor, int | float):
            return ""
        sign = "+" if factor >= 1 else "−"
        return f" ({sign}{self.value(float(f'{abs(factor - 1) * 100:.3g}'))} %)"

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

    def field(self, parts: list[str]) -> str:
        """Return what a field is called, or nothing for a whole thing."""
        field = field_of(parts)[2:]
        if not field:
            return ""
        for pattern, texts in _FIELDS.items():
            keys = pattern.split(".")
            if len(keys) == len(field) and all(a in ("*", b) for a, b in zip(keys, field, strict=True)):
                names = [self.end(parts, b) for a, b in zip(keys, field, strict=True) if a == "*"]
                return texts[self.lang == "en"].format(*reversed(names)) + self.case(parts)
        return ".".join(field) + self.case(parts)

    def end(self, parts: list[str], name: str) -> str:
        """Return the label of an end, or a name as people write it."""
        at = parts.index(name)
        held = self.at(parts[: at + 1]) if parts[at - 1] == "ends" else None
        label = held.get("label") if isinstance(held, Mapping) else None
        if parts[at - 1] == "posts" and name in WORDS:
            return str(getattr(WORDS[name], self.lang))
        return str(label[self.lang]) if isinstance(label, Mapping) and self.lang in label else self.value(name)

    def case(self, parts: list[str]) -> str:
        """Return whom a case is about, in brackets, when the address names one."""
        told = []
        for index, part in enumerate(parts[:-1]):
            case = self.at(parts[: index + 2]) if part == "cases" else None
            if isinstance(case, Mapping):
                when = case.get("when")
                told += (
                    [self.value(held) for held in when.values()]
                    if isinstance(when, Mapping)
                    else [self.say("øvrige", "the others")]
                )
        return f" ({'; '.join(told)})" if told else ""

    def at(self, parts: list[str]) -> Any:
        """Return what stands at an address now, or None."""
        node: Any = self.study
        for part in parts:
            node = node.get(part) if isinstance(node, Mapping) else None
        return node

    def short(self, key: str) -> str:
        """Return what a key of a copy is called."""
        return _FIELDS[key][self.lang == "en"] if key in _FIELDS else key

    def old(self, parts: list[str]) -> Any:
        """Return what stands at an address now, the last step of it, or None when it is a map or nothing."""
        node: Any = self.study
        for part in parts if parts[0] != "parameters" or len(parts) > 2 else [*parts, "value"]:
            if part == "rate" and node is not None and not isinstance(node, Mapping):
                break
            node = node.get(part) if isinstance(node, Mapping) else None
        node = values_of(node)[-1][2]
        return None if isinstance(node, Mapping | list) else node

    def value(self, value: Any) -> str:
        """Return a value as people write it."""
        if isinstance(value, bool):
            return self.say("ja" if value else "nej", "yes" if value else "no")
        if isinstance(value, int | float):
            return self.say(f"{value:g}".replace(".", ","), f"{value:g}")
        if is_steps(value):
            word = self.say("fra", "from")
            steps = values_of(value)
            return ", ".join(
                f"{self.value(held)} {word} {self.value(day)}" if day else self.value(held) for day, _, held in steps
            )
        if isinstance(value, Mapping):
            return ", ".join(f"{self.short(key)} {self.value(held)}" for key, held in value.items())
        if isinstance(value, list):
            return ", ".join(self.value(held) for held in value)
        text = str(value)
        if "@" in text:
            named = re.sub(r"@([a-z][a-z0-9_]*)", lambda m: f"'{self.name('parameters', m[1])}'", text)
            return named.replace(" * ", " × ").replace("whole(", self.say("nedrundet (", "rounded down ("))
        if _DATE.fullmatch(text):
            year, month, day = (int(part) for part in text.split("-"))
            return self.say(f"{day}. ", f"{day} ") + _MONTHS[self.lang].split()[month - 1] + f" {year}"
        if text in self.study.get("services", {}) or f"services.{text}" in self.copies:
            return self.name("services", text)
        if self.lang == "en":
            return _AWAY.get(text, text)
        text = re.sub(r"(\d)\.(\d)", r"\1,\2", text)
        return (
            re.sub(r"[a-z]+(?:-[a-z]+)?", lambda m: _WORDS.get(m[0], m[0]), text)
            if text[:1].isdigit()
            else (_WORDS.get(text, text))
        )
