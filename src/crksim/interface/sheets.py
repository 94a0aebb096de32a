"""YAML text as plain values, each with the file and the line it stands on.

A file of crksim is data, never code: no tags, no anchors, no ``${...}``.  Dates, ``no`` and ``9:00`` stay the text they
are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crksim.errors import InputError, Problem

__all__ = ["COMMAND_LINE", "Place", "Sheet", "merge", "parse_yaml"]

MAX_DEPTH = 40

#: What stands in place of a file name for values typed on the command line.
COMMAND_LINE = "command line"

_INTEGER = re.compile(r"[-+]?[0-9]+$")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True)
class Place:
    """Where a value stands.

    Parameters
    ----------
    file : str
        Name of the file as shown to the user, or ``command line``.
    line : int or None
        Line, counted from 1.
    """

    file: str
    line: int | None


@dataclass(frozen=True)
class Sheet:
    """The content of one or more YAML files.

    Parameters
    ----------
    data : dict
        Plain nested dicts, lists, text, numbers, booleans and None.
    places : dict
        Dotted address -> where the value stands.
    """

    data: dict[str, Any]
    places: dict[str, Place]


def parse_yaml(text: str, name: str) -> Sheet:
    """Read YAML text into plain values with their lines.

    Parameters
    ----------
    text : str
        The text.
    name : str
        File name for messages.

    Raises
    ------
    InputError
        Not valid YAML; the top is no map; a key stands twice; a tag, an anchor or ``${`` is used; too deeply nested.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reader = _Reader(name)
    try:
        events = iter(yaml.parse(text, Loader=loader))
        data = reader.document(events)
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        line = int(mark.line) + 1 if mark is not None else None
        lines = text.splitlines()
        value = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""
        rule = f"not valid YAML: {getattr(error, 'problem', None) or 'unreadable character'}"
        raise InputError([Problem("text", value, rule, file=name, line=line)]) from error
    if reader.problems:
        raise InputError(reader.problems)
    return Sheet(data, reader.places)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Reader:
    """Builds plain values from YAML events and remembers every line and every fault."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[str, Place] = {}
        self.problems: list[Problem] = []

    def fault(self, address: str, value: object, rule: str, event: Any) -> None:
        self.problems.append(Problem(address or "file", value, rule, file=self.name, line=_line(event)))

    def document(self, events: Iterator[Any]) -> dict[str, Any]:
        import yaml

        documents = 0
        data: Any = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.fault("", "---", "must hold one document only", event)
                    break
                first = next(events)
                data = self.value(first, events, "", 0)
                if data is not None and not isinstance(data, dict):
                    self.fault("", data, "must be a map of keys and values", first)
        return data if isinstance(data, dict) else {}

    def value(self, event: Any, events: Iterator[Any], address: str, depth: int) -> Any:
        import yaml

        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.fault(address, event.anchor, "anchors and aliases are not allowed; write the value out", event)
        if isinstance(event, yaml.AliasEvent):
            return None
        if event.tag is not None:
            self.fault(address, event.tag, "tags are not allowed; files are data, never code", event)
        if depth > MAX_DEPTH:
            self.fault(address, "...", f"must be nested at most {MAX_DEPTH} deep", event)
            raise InputError(self.problems)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, address)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, address, depth)
        return self.mapping(events, address, depth)

    def scalar(self, event: Any, address: str) -> object:
        text: str = event.value
        if "${" in text:
            self.fault(address, text, "must not hold '${'; files are data, never code", event)
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.match(text) and len(text) < 300:
            return int(text)
        return float(text) if _FLOAT.match(text) else text

    def sequence(self, events: Iterator[Any], address: str, depth: int) -> list[Any]:
        import yaml

        found: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            inner = f"{address}.{len(found)}"
            self.places[inner] = Place(self.name, _line(event))
            found.append(self.value(event, events, inner, depth + 1))
        return found

    def mapping(self, events: Iterator[Any], address: str, depth: int) -> dict[str, Any]:
        import yaml

        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                self.fault(address, "[...] or {...}", "a key must be plain text", event)
                raise InputError(self.problems)
            key = event.value
            inner = f"{address}.{key}" if address else key
            if "${" in key:
                self.fault(inner, key, "must not hold '${'; files are data, never code", event)
            if key in found:
                first = self.places[inner].line
                self.fault(inner, key, f"stands twice (first on line {first}); keep one", event)
            else:
                self.places[inner] = Place(self.name, _line(event))
            value = self.value(next(events), events, inner, depth + 1)
            found.setdefault(key, value)
        return found


def merge(sheets: Iterable[Sheet]) -> Sheet:
    """Lay sheets together, map into map; no value may stand in two of them.

    Parameters
    ----------
    sheets : iterable of Sheet
        What to lay together.

    Raises
    ------
    InputError
        A value stands in two sheets.
    """
    data: dict[str, Any] = {}
    places: dict[str, Place] = {}
    problems: list[Problem] = []

    def lay(into: dict[str, Any], more: Mapping[str, Any], address: str, sheet: Sheet) -> None:
        for key, value in more.items():
            inner = f"{address}.{key}" if address else key
            if key not in into:
                into[key] = _copy(value)
            elif isinstance(into[key], dict) and isinstance(value, dict):
                lay(into[key], value, inner, sheet)
            else:
                here, other = sheet.places[inner], places[inner]
                rule = f"stands twice (first in {other.file}:{other.line}); keep one"
                problems.append(Problem(inner, value, rule, file=here.file, line=here.line))

    for sheet in sheets:
        lay(data, sheet.data, "", sheet)
        for address, place in sheet.places.items():
            places.setdefault(address, place)
    if problems:
        raise InputError(problems)
    return Sheet(data, places)


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value
