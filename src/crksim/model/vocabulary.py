"""The address grammar of outputs: ``<subject>[<filter>].<quantity>[.<statistic>][@<window>]``.

The subject is a service, a group, a cohort or ``crk`` (every service and citizen).  The filter names kinds of citizens
(``[home=hoersholmsgade,substance=opioid]``, ``|`` between values that both pass).  Some quantities take a name before
the statistic (``flow.aftercare``, ``status.ceased.share``).  The window defaults to the forecast.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import parse_window
from crksim.model.id_words import WORDS
from crksim.model.network import Label, Network
from crksim.model.quantities import QUANTITIES, UNMET_CAUSES, QuantityType
from crksim.model.statistics import STATISTICS, Statistic

__all__ = [
    "ALL",
    "HOURS_PER_FTE_YEAR",
    "QUANTITIES",
    "MeasureAddress",
    "groups_of",
    "kind",
    "label",
    "parse_measure",
    "parse_measures",
    "per_year",
    "unit",
]

#: Staff hours that one full-time employee gives in a year.  An assumption, stated and not measured: 37 hours a week
#: in about 41 weeks (52 less six weeks of holiday and about five of public holidays, courses and illness).
HOURS_PER_FTE_YEAR = 1500.0

#: The subject that takes every service and citizen.
ALL = "crk"

_MONTHS = Label(
    da="januar februar marts april maj juni juli august september oktober november december",
    en="January February March April May June July August September October November December",
)
_SUBJECT_KINDS = {"service": "a service", "group": "a group", "cohort": "a cohort", "all": f"'{ALL}'"}
_ADDRESS = re.compile(
    r"(?P<subject>[^\[\].@]+)(?:\[(?P<filter>[^\]]*)\])?\.(?P<rest>[^\[\]@]+)(?:@(?P<window>.+))?", re.ASCII
)


@dataclass(frozen=True)
class MeasureAddress:
    """An output address taken apart.

    Parameters
    ----------
    text : str
        The address as it was written.
    subject, subject_kind : str
        Id, and ``service``, ``group``, ``cohort`` or ``all``.
    filter : tuple of (str, frozenset of str)
        Attribute (or ``cohort``) and the values that pass.
    quantity, statistic : str
        Names in `QUANTITIES` and of the quantity's statistics.
    number : float
        Number inside the statistic (``at_least_4``: 4); NaN where it has none.
    argument : str
        Name that the quantity takes (``flow.<argument>``), or empty.
    window : str
        Window of its own as text, or empty.
    """

    text: str
    subject: str
    subject_kind: str
    filter: tuple[tuple[str, frozenset[str]], ...]
    quantity: str
    statistic: str
    number: float
    argument: str
    window: str

    def __str__(self) -> str:
        return self.text


def groups_of(network: Network) -> dict[str, tuple[str, ...]]:
    """Return every group of services with its members: those declared, and those services name as their ``group``."""
    members: dict[str, list[str]] = {group: list(ids) for group, _, ids in network.groups}
    for service in network.services:
        for group in (*((service.group,) if service.group else ()), *service.groups):
            if service.id not in members.setdefault(group, []):
                members[group].append(service.id)
    return {group: tuple(sorted(ids)) for group, ids in members.items()}


def parse_measures(texts: Iterable[str], network: Network) -> tuple[MeasureAddress, ...]:
    """Return the addresses taken apart.

    Parameters
    ----------
    texts : iterable of str
        Output addresses.
    network : Network
        Where subjects, attributes, ends and statuses are declared.

    Raises
    ------
    InputError
        Some part of some address is unknown; every fault of every address is told.
    """
    grammar = _Grammar(network)
    found = [grammar.read(text) for text in texts]
    if grammar.problems:
        raise InputError(grammar.problems)
    return tuple(address for address in found if address is not None)


def parse_measure(text: str, network: Network) -> MeasureAddress:
    """Return the address taken apart.

    Parameters
    ----------
    text : str
        Output address, such as ``youth_group.wait.p90@2018``.
    network : Network
        Where subjects, attributes, ends and statuses are declared.

    Raises
    ------
    InputError
        Some part of the address is unknown, or does not go with another part.
    """
    return parse_measures((text,), network)[0]


class _Grammar:
    """The words of one network, and the problems met so far."""

    def __init__(self, network: Network) -> None:
        self.problems: list[Problem] = []
        self.services = {service.id for service in network.services}
        self.groups = groups_of(network)
        self.cohorts = {cohort.id for cohort in network.cohorts}
        self.attributes: dict[str, set[str]] = {name: set(values) for name, values in network.attributes}
        self.attributes["cohort"] = set(self.cohorts)
        ends = [end for service in network.services for case in service.ends for end in case.value]
        self.names: dict[str, set[str]] = {
            "destination": self.services | {"leave", "died"},
            "origin": self.services | set(self.groups) | {"door"},
            "home": self.attributes.get("home", set()),
            "end": {end.id for end in ends} | {"closed", "died", "moved_waiting", "transferred"},
            "status": {
                name for end in ends for shares in (end.status, end.without) if shares for name, _ in shares.branches
            },
            "cause": set(UNMET_CAUSES),
            "staff": {staffing.staff for service in network.services for staffing in service.staff},
        }

    def fault(self, text: str, value: str, rule: str, known: Iterable[str] = ()) -> None:
        self.problems.append(Problem(text, value, rule, nearest(value, known)))

    def read(self, text: str) -> MeasureAddress | None:
        before = len(self.problems)
        match = _ADDRESS.fullmatch(text)
        if match is None:
            self.fault(text, text, "must read <subject>[<filter>].<quantity>[.<statistic>][@<window>]")
            return None
        subject, rest, window = match["subject"], match["rest"].split("."), match["window"] or ""
        subject_kind = self._subject(text, subject)
        conditions = self._filter(text, match["filter"])
        if window:
            try:
                parse_window(window, "2000-01-01")
            except ValueError as error:
                self.fault(text, window, str(error))
        quantity = QUANTITIES.get(rest[0])
        if quantity is None:
            self.fault(text, rest[0], "is not a quantity", QUANTITIES)
            return None
        argument, parts = self._argument(text, quantity, rest[1:])
        found = self._statistic(text, quantity, ".".join(parts))
        if subject_kind and subject_kind not in quantity.subjects:
            allowed = " or ".join(_SUBJECT_KINDS[one] for one in _SUBJECT_KINDS if one in quantity.subjects)
            self.fault(text, subject, f"{quantity.id} needs {allowed}, not {_SUBJECT_KINDS[subject_kind]}")
        if conditions and not quantity.filtered:
            self.fault(text, match["filter"], f"{quantity.id} takes no filter: it belongs to places, not to citizens")
        if len(self.problems) > before:
            return None
        return MeasureAddress(
            text, subject, subject_kind, conditions, quantity.id, found[0], found[1], argument, window
        )

    def _subject(self, text: str, subject: str) -> str:
        known = {
            "all": {ALL},
            "service": self.services,
            "group": set(self.groups),
            "cohort": self.cohorts,
        }
        for subject_kind, ids in known.items():
            if subject in ids:
                return subject_kind
        every = sorted(set().union(*known.values()))
        self.fault(text, subject, f"is not a service, a group, a cohort or '{ALL}'", every)
        return ""

    def _filter(self, text: str, inside: str | None) -> tuple[tuple[str, frozenset[str]], ...]:
        if inside is None:
            return ()
        conditions: dict[str, frozenset[str]] = {}
        for part in inside.split(","):
            name, equals, listed = (piece.strip() for piece in part.partition("="))
            if not equals:
                self.fault(text, part, "a filter reads attribute=value, attribute=value")
            elif name not in self.attributes:
                self.fault(text, name, "is not an attribute", self.attributes)
            elif name in conditions:
                self.fault(text, name, "stands twice in the filter; write values as a|b")
            else:
                values = [value.strip() for value in listed.split("|")]
                for value in values:
                    if value not in self.attributes[name]:
                        self.fault(text, value, f"is not a value of {name}", self.attributes[name])
                conditions[name] = frozenset(values)
        return tuple(sorted(conditions.items()))

    def _argument(self, text: str, quantity: QuantityType, parts: list[str]) -> tuple[str, list[str]]:
        what = quantity.argument
        if not what:
            return "", parts
        if what in ("cause", "staff") and (not parts or _find(quantity, parts[0]) is not None):
            return "", parts
        taken = 2 if what == "attribute" else 1
        if len(parts) < taken:
            wanted = "attribute>.<value" if what == "attribute" else what
            self.fault(text, text, f"{quantity.id} needs a name: {quantity.id}.<{wanted}>")
            return "", []
        argument = ".".join(parts[:taken])
        if what == "date":
            try:
                dt.date.fromisoformat(argument)
            except ValueError:
                self.fault(text, argument, "is not a date: write YYYY-MM-DD")
        elif what == "attribute":
            name, value = parts[0], parts[1]
            if name not in self.attributes:
                self.fault(text, name, "is not an attribute", self.attributes)
            elif value not in self.attributes[name]:
                self.fault(text, value, f"is not a value of {name}", self.attributes[name])
        elif argument not in self.names[what]:
            self.fault(text, argument, f"is not a known {what} of {quantity.id}", self.names[what])
        return argument, parts[taken:]

    def _statistic(self, text: str, quantity: QuantityType, written: str) -> tuple[str, float]:
        found = _find(quantity, written or quantity.default)
        if found is None:
            rule = f"is not a statistic of {quantity.id}"
            self.fault(text, written, f"{rule} (it has: {', '.join(quantity.statistics)})", quantity.statistics)
            return "", float("nan")
        return found


def _find(quantity: QuantityType, written: str) -> tuple[str, float] | None:
    """Return the statistic that `written` names, and the number inside it (``at_least_4`` -> 4)."""
    if written in quantity.statistics and "N" not in written:
        return written, float("nan")
    for name in quantity.statistics:
        match = re.fullmatch(name.replace("N", "([0-9]{1,6})"), written, re.ASCII) if "N" in name else None
        if match is not None:
            return name, float(match[1])
    return None


def _statistic(address: MeasureAddress) -> Statistic:
    return STATISTICS[address.statistic]


def unit(address: MeasureAddress) -> Label:
    """Return the unit of the measure in both languages."""
    own = _statistic(address).unit
    return QUANTITIES[address.quantity].unit if own is None else own


def kind(address: MeasureAddress) -> str:
    """Return ``stock``, ``flow``, ``duration``, ``share`` or ``count``."""
    return _statistic(address).kind or QUANTITIES[address.quantity].kind


def per_year(address: MeasureAddress) -> bool:
    """Say whether the measure is a number per year."""
    return kind(address) == "flow"


def label(address: MeasureAddress, network: Network) -> Label:
    """Return what a planner reads: subject, quantity, statistic, kinds of citizens, window.

    Parameters
    ----------
    address : MeasureAddress
        As `parse_measure` gave it.
    network : Network
        Where the labels of subjects and ends stand.
    """
    names = _names(network)
    return Label(da=_text(address, names, "da"), en=_text(address, names, "en"))


def _names(network: Network) -> dict[str, Label]:
    names: dict[str, Label] = dict(WORDS)
    for service in network.services:
        names.update({end.id: end.label for case in service.ends for end in case.value if end.label is not None})
    for group in groups_of(network):
        names[group] = Label(group.replace("_", " "), group.replace("_", " "))
    names.update({group: group_label for group, group_label, _ in network.groups})
    names.update({cohort.id: cohort.label for cohort in network.cohorts})
    names.update({service.id: service.label for service in network.services})
    return names


def _text(address: MeasureAddress, names: Mapping[str, Label], language: str) -> str:
    def say(name: str) -> str:
        found = names.get(name)
        return name.replace("_", " ") if found is None else str(getattr(found, language))

    quantity, statistic = QUANTITIES[address.quantity], _statistic(address)
    argument = address.argument
    if quantity.argument == "date":
        date = dt.date.fromisoformat(argument)
        month = str(getattr(_MONTHS, language)).split()[date.month - 1]
        argument = f"{date.day}{'.' if language == 'da' else ''} {month} {date.year}"
    elif quantity.argument == "attribute":
        argument = " ".join(say(part) for part in argument.split("."))
    elif argument:
        argument = say(argument)
    number = "" if address.number != address.number else f"{address.number:g}"
    subject = "CRK" if address.subject_kind == "all" else say(address.subject)
    core = str(getattr(quantity.label, language)) + str(getattr(statistic.label, language)).replace("N", number)
    core = core.replace(",,", ",").rstrip(",")
    if "{}" in core:
        core = core.replace("{}", argument)
    elif argument:
        core += f" ({argument})"
    kinds = "; ".join(
        f"{say(name)}: {', '.join(say(value) for value in sorted(values))}" for name, values in address.filter
    )
    return f"{subject}{f' [{kinds}]' if kinds else ''}: {core}{f', {address.window}' if address.window else ''}"
