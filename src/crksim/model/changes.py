"""Scenarios applied to studies: numbers become steps on the scenario's date, things are added, copied and dropped."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from crksim.errors import InputError, Problem, nearest
from crksim.model.acting import acted, over_cases
from crksim.model.addresses import datable_fields, kind_of, suggest
from crksim.model.clock import parse_date, parse_quantity
from crksim.model.describing import describe
from crksim.model.grammar import MONTHS
from crksim.model.history import refuse_past
from crksim.model.plain import plain
from crksim.model.reading import Reader
from crksim.model.replacing import replace_parameter
from crksim.model.scenario import (
    FORECAST,
    START,
    Change,
    Lever,
    Reference,
    Scenario,
    Variant,
    with_option,
    with_overrides,
    with_variant,
)
from crksim.model.scenario_reading import change_from_text, read_scenario
from crksim.model.sharing import change_branch, change_shares, silence
from crksim.model.things import add_thing, copy_thing, drop_thing

__all__ = [
    "Change",
    "Lever",
    "Reference",
    "Scenario",
    "Variant",
    "apply",
    "change_from_text",
    "describe",
    "from_date",
    "lever_faults",
    "read_scenario",
    "with_option",
    "with_overrides",
    "with_variant",
]

#: What an absent number is worth before it is changed on a date.
_DEFAULTS = {"death": "0 / year", "priority": 1, "attend": 1, "take_up": 1, "rate": "0 / year"}
#: Numbers that only measure and may begin on any date.
_YARDSTICKS = ("norm", "workable", "wait_goal", "legal_limit")
#: Destinations that are to leave when they are not written.
_LEAVING = ("gives_up", "refused", "ineligible")


def apply(study: Mapping[str, Any], scenario: Scenario, problems: list[Problem] | None = None) -> dict[str, Any]:
    """Return a study with a scenario's changes, again a plain dict for `read_study`.

    Parameters
    ----------
    study : mapping
        The study as a plain dict; it is not changed.
    scenario : Scenario
        What to change, and from when.
    problems : list of Problem, optional
        Takes the faults of single changes; the study then has those that can be made.

    Raises
    ------
    InputError
        When an address does not exist, or cannot be changed so, and there is nothing to take it; every fault is one
        `Problem`.
    """
    data, broken = plain(study)
    if broken:
        raise InputError(broken)
    if scenario.parts:
        made: dict[str, Any] = data
        for part in scenario.parts:
            made = apply(made, part, problems)
        return made
    faults: list[Problem] = [] if problems is None else problems
    worker = _Worker(data, from_date(study, scenario), faults)
    for address, raw in plain(scenario.changes)[0].items():
        worker.take(address, raw)
    worker.work()
    if faults and problems is None:
        raise InputError(faults)
    return worker.data


def from_date(study: Mapping[str, Any], scenario: Scenario) -> str | None:
    """Return the ISO date from which a scenario changes a study, or None for its start; of several, the first.

    Raises
    ------
    InputError
        When the date lies after the study's end.
    """
    if scenario.parts:
        dates = [from_date(study, part) for part in scenario.parts]
        return None if None in dates else min(date for date in dates if date is not None)
    time = study.get("time")
    known = time if isinstance(time, Mapping) else {}
    start = str(known.get("start", "2016-01-01"))
    date = scenario.from_day
    if date == FORECAST:
        date = str(known.get("forecast", start))
    try:
        if date == START or parse_date(date, start) <= 0:
            return None
    except ValueError as fault:
        raise InputError([Problem("from", date, str(fault))]) from None
    if "end" in known and date >= str(known["end"]):
        raise InputError([Problem("from", date, f"must lie before the study's end, {known['end']}")])
    return date


def lever_faults(study: Mapping[str, Any], scenario: Scenario) -> list[Problem]:
    """Return a problem for every lever that is no number of the study (with the scenario's changes in it)."""
    faults = []
    for lever in scenario.levers:
        parts, node = lever.address.split("."), study
        for part in parts:
            node = node.get(part) if isinstance(node, Mapping) else None  # type: ignore[assignment]
        if node is None or kind_of(parts) not in ("number", "parameter", "branch", "branch_of_ends", "thing"):
            close = suggest(study, lever.address)
            faults.append(Problem(f"levers.{lever.address}", lever.address, "is no number of the study", close))
    return faults


class _Worker:
    """Changes one copy of a study, change by change.

    Parameters
    ----------
    data : dict
        The copy.
    date : str or None
        ISO date of the changes; None is from the start.
    problems : list of Problem
        Takes the faults.
    """

    def __init__(self, data: dict[str, Any], date: str | None, problems: list[Problem]) -> None:
        self.data = data
        self.date = date
        self.problems = problems
        self.changes: list[Change] = []
        self.new: list[str] = []

    def take(self, address: str, raw: Any) -> None:
        """Read a change; a map set on a thing becomes one change for each of its fields."""
        try:
            change = Change.read(address, raw)
        except InputError as fault:
            self.problems.extend(fault.problems)
            return
        if change.op == "set" and isinstance(change.value, Mapping) and self._is_container(change):
            for key, held in change.value.items():
                self.take(f"{address}.{key}", held)
        else:
            self.changes.append(change)

    def _is_container(self, change: Change) -> bool:
        parts = change.address.split(".")
        kind = kind_of(parts)
        if kind in ("container", "thing"):
            return kind == "container" or self._find(parts) is not None
        pair = set(change.value) <= {"own_site", "other_site"} and parts[-1] == "take_up"
        return pair or (kind == "law" and "law" not in change.value and not _stepped(change.value))

    def work(self) -> None:
        """Make the changes: new things first, parameters last, otherwise by address."""
        waiting = sorted((c for c in self.changes if c.op in ("add", "like")), key=lambda c: c.address)
        while waiting:
            ready = [c for c in waiting if c.op == "add" or self._find(c.source.split(".")) is not None]
            for change in ready or waiting:
                self._do(change)
            waiting = [c for c in waiting if c not in ready] if ready else []
        rest = [c for c in self.changes if c.op not in ("add", "like")]
        for change in sorted(rest, key=lambda c: (c.address.startswith("parameters."), c.address)):
            self._do(change)

    def _do(self, change: Change) -> None:
        try:
            self._change(change)
        except ValueError as fault:
            self.refuse(change, str(fault))

    def refuse(self, change: Change, rule: str, close: str | None = None) -> None:
        """Note a fault of a change."""
        shown = change.raw["set"] if change.op == "set" and not change.rescale else change.raw
        self.problems.append(Problem(change.address, shown, rule, close))

    def _date_for(self, address: str) -> str | None:
        """What a scenario itself brings in is changed in place."""
        made = any(address == name or address.startswith(name + ".") for name in self.new)
        return None if made else self.date

    def _find(self, parts: list[str]) -> Any:
        node: Any = self.data
        for part in parts:
            if not isinstance(node, Mapping) or part not in node:
                return None
            node = node[part]
        return node

    def _change(self, change: Change) -> None:
        parts = change.address.split(".")
        kind = kind_of(parts)
        if kind is None or (len(parts) > 2 and self._find(parts[:2]) is None):
            self._unknown(change)
            return
        date = self._date_for(change.address)
        if kind == "thing" and len(parts) == 2 and parts[0] == "parameters" and change.op in ("set", "times", "plus"):
            parts, kind = [*parts, "value"], "parameter"
        if kind == "container" and parts[-1] == "arrivals" and change.op in ("set", "times", "plus"):
            parts, kind = [*parts, "rate"], "number"
        if change.op in ("add", "like") or kind == "thing":
            self._thing(change, parts, kind, date)
        elif kind == "parameter":
            self._parameter(change, parts, date)
        elif kind in ("number", "law"):
            self._number(change, parts, kind, date)
        elif kind in ("branch", "branch_of_ends", "branch_of_parts"):
            field = None if kind == "branch" else parts[-1]
            change_branch(self._holder(parts, kind), parts[-1 if field is None else -2], field, change, date)
        elif kind == "shares":
            change_shares(self._parent(parts), parts[-1], change, date)
        elif kind == "history":
            self._history(change, parts, date)
        else:
            self._fixed(change, parts, kind, date)

    def _unknown(self, change: Change) -> None:
        parts, close = change.address.split("."), suggest(self.data, change.address)
        if change.op == "set" and isinstance(change.value, Mapping) and len(parts) == 2 and kind_of(parts) == "thing":
            self.refuse(change, "does not exist; a new one needs {add: {...}} or {like: ...}", close)
            return
        self.refuse(change, "is not an address of the study", close)

    def _parent(self, parts: list[str]) -> dict[str, Any]:
        """Return the map that holds the last part; what is missing on the way is made."""
        node: dict[str, Any] = self.data
        for index, part in enumerate(parts[:-1]):
            held = node.get(part)
            if part == "arrivals" and held is not None and not isinstance(held, dict):
                held = node[part] = {"rate": held}
            if part == "take_up" and not isinstance(held, dict) and parts[index + 1] != "cases":
                held = node[part] = dict.fromkeys(("own_site", "other_site"), 1 if held is None else held)
            if held is None and index > 1 and kind_of(parts[: index + 1]) in ("container", "history"):
                held = node[part] = {}
            if not isinstance(held, dict):
                raise ValueError(_no_address(self.data, parts))
            node = held
        return node

    def _holder(self, parts: list[str], kind: str) -> dict[str, Any]:
        """Return the map of a branch: the share map, or the map of ends or parts around a share or weight."""
        inner = parts if kind == "branch" else parts[:-1]
        above = self._parent(inner[:-1])
        held = above.get(inner[-2])
        if isinstance(held, str):
            held = above[inner[-2]] = {held: "rest"}
        if held is None and len(inner) == 4 and inner[2] in _LEAVING:
            held = above[inner[-2]] = {"leave": "rest"}
        if not isinstance(held, dict) or (kind != "branch" and parts[-2] not in held):
            raise ValueError(_no_address(self.data, parts))
        return held

    def _number(self, change: Change, parts: list[str], kind: str, date: str | None) -> None:
        parent, key = self._parent(parts), parts[-1]
        if change.rescale:
            raise ValueError("'rescale' is for branches of share maps")
        if change.op == "drop":
            if date is not None and key not in _YARDSTICKS:
                raise ValueError("cannot be taken away after the start; set it, or use 'from: start'")
            if parent.pop(key, None) is None:
                raise ValueError("does not exist, so it cannot be dropped")
            return
        if key not in parent:
            parent[key] = change.value  # what is wrong with the value itself is told too
            parent[key] = self._absent(change, parts, kind, date)
            if parent[key] is change.value:
                return
        parent[key] = over_cases(parent[key], lambda held: acted(held, change, date))

    def _absent(self, change: Change, parts: list[str], kind: str, date: str | None) -> Any:
        """Return the old value of a number that is not written."""
        if (date is None or parts[-1] in _YARDSTICKS) and change.op == "set":
            return change.value
        if parts[-1] in _DEFAULTS and kind == "number":
            return _DEFAULTS[parts[-1]]
        if parts[-1] in MONTHS:
            return 1
        if change.op != "set":
            raise ValueError("has no value yet, so only a new value can be set")
        raise ValueError("has no value before, so it cannot change on a date; use 'from: start'")

    def _parameter(self, change: Change, parts: list[str], date: str | None) -> None:
        parent = self._parent(parts)
        if change.op == "drop":
            raise ValueError("a parameter cannot be dropped by its value")
        if isinstance(change.value, Mapping):
            raise ValueError("must be a number")
        if change.op == "set" and not self._fits(change, parent.get("value")):
            return
        if date is None:
            parent["value"] = acted(parent.get("value"), change, None)
        else:
            replace_parameter(self.data, parts[1], change, date)

    def _fits(self, change: Change, old: Any) -> bool:
        """Say whether a parameter's new value is of the kind of its old one; if not, that is noted."""
        try:
            number, dimension = parse_quantity(old)
        except ValueError:
            return True
        reader = Reader()
        if number:
            reader.amount(change.value, change.address, dimension)
        self.problems += reader.problems
        return not reader.problems

    def _history(self, change: Change, parts: list[str], date: str | None) -> None:
        """Change a date of opening or closing, or what hangs on it; what has happened before stays."""
        parent, key = self._parent(parts), parts[-1]
        if change.op not in ("set", "drop"):
            raise ValueError(f"takes a new value only, not '{change.op}'")
        if date is not None:
            refuse_past(self.data[parts[0]][parts[1]], parts, change, date)
        if change.op == "drop":
            if parent.pop(key, None) is None:
                raise ValueError("does not exist, so it cannot be dropped")
        else:
            parent[key] = copy.deepcopy(change.value)

    def _fixed(self, change: Change, parts: list[str], kind: str, date: str | None) -> None:
        if date is not None:
            may = datable_fields(parts[0])
            hint = f"; what may change on a date here: {', '.join(may)}" if may else ""
            raise ValueError("is fixed and can only change with 'from: start'" + hint)
        parent = self._parent(parts)
        if change.op == "drop":
            if parent.pop(parts[-1], None) is None:
                raise ValueError("does not exist, so it cannot be dropped")
        elif change.op == "set":
            parent[parts[-1]] = copy.deepcopy(change.value)
        else:
            parent[parts[-1]] = acted(parent.get(parts[-1]), change, None)

    def _thing(self, change: Change, parts: list[str], kind: str | None, date: str | None) -> None:
        parent = self._parent(parts) if len(parts) > 2 else self.data.setdefault(parts[0], {})
        exists = parts[-1] in parent
        if change.op in ("add", "like"):
            if exists:
                raise ValueError("exists already, so it cannot be added")
            if change.op == "add" and kind != "thing":
                self._change(Change(change.address, "set", change.value, rescale=change.rescale))
                return
            if change.op == "like":
                self._like(change, parts, parent, date)
            else:
                add_thing(parent, parts, change.value, date)
            self.new.append(change.address)
        elif not exists:
            self._unknown(change)
        elif change.op == "drop":
            drop_thing(self.data, parent, parts, date, silence)
        else:
            raise ValueError(f"is a whole thing; '{change.op}' needs the address of a number in it")

    def _like(self, change: Change, parts: list[str], parent: dict[str, Any], date: str | None) -> None:
        source = change.source.split(".")
        if self._find(source) is None:
            close = suggest(self.data, change.source)
            self.problems.append(Problem(change.address, change.source, "there is nothing to copy", close))
            return
        if kind_of(source) != "thing" or source[0] != parts[0] or len(source) != len(parts):
            same = nearest(change.source, [f"{parts[0]}.{name}" for name in self.data[parts[0]]])
            self.problems.append(
                Problem(change.address, change.source, f"must be the address of one of the {parts[0]}", same)
            )
            return
        copy_thing(self.data, parent, parts, source, change.value, date)


def _no_address(data: Mapping[str, Any], parts: list[str]) -> str:
    near = suggest(data, ".".join(parts))
    return "is not an address of the study" + (f"; did you mean '{near}'?" if near else "")


def _stepped(value: Mapping[str, Any]) -> bool:
    return any(isinstance(held, Mapping) for held in value.values())
