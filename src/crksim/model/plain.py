"""Plain data: maps, lists, texts and numbers, and nothing that could be code."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from crksim.errors import Problem
from crksim.model.grammar import LIMITS

__all__ = ["joined", "plain"]


def plain(data: object) -> tuple[Any, list[Problem]]:
    """Copy `data` into maps, lists, texts and numbers; dates become ISO texts.

    Returns
    -------
    tuple of (object, list of Problem)
        The copy, and what in it is not plain data, or too large.
    """
    problems: list[Problem] = []
    seen = 0

    def copy(value: object, address: str, depth: int) -> object:
        nonlocal seen
        seen += 1
        if depth > LIMITS["depth"] or seen > LIMITS["values"]:
            if seen <= LIMITS["values"] + 1:
                what = "nested more than {depth} deep" if depth > LIMITS["depth"] else "longer than {values} values"
                problems.append(Problem(address, "...", "may not be " + what.format(**LIMITS)))
                seen = LIMITS["values"] + 1
            return None
        if isinstance(value, Mapping):
            return {key: copy(held, joined(address, key), depth + 1) for key, held in _keys(value, address, problems)}
        if isinstance(value, list | tuple):
            return [copy(held, f"{address}.{index}", depth + 1) for index, held in enumerate(value)]
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value.isoformat()
        if isinstance(value, str):
            if "${" in value:
                problems.append(Problem(address, value, "may not hold '${': a study is data, never code"))
            if len(value) > LIMITS["text"]:
                problems.append(Problem(address, value, f"may not be longer than {LIMITS['text']} letters"))
            return value
        if isinstance(value, int | float) and not abs(value) <= LIMITS["number"]:
            problems.append(Problem(address, _short(value), "must be a finite number, and not so large"))
            return None
        if value is not None and not isinstance(value, bool | int | float):
            rule = f"must be a map, a list, a text, a number or a date (it is a {type(value).__name__})"
            problems.append(Problem(address, str(value), rule))
            return None
        return value

    return copy(data, "", 0), problems


def joined(address: str, key: object) -> str:
    """Return the address of what stands under a key."""
    return f"{address}.{key}" if address else str(key)


def _keys(value: Mapping[Any, Any], address: str, problems: list[Problem]) -> Iterable[tuple[str, object]]:
    for key, held in value.items():
        name = "on" if key is True and "on" not in value else key  # YAML 1.1 reads the key `on` as true
        if not isinstance(name, str):
            problems.append(Problem(joined(address, key), key, "a key must be text (quote it)"))
        elif name.startswith("_") or "${" in name:
            rule = "a key may not begin with '_' or hold '${': a study is data, never code"
            problems.append(Problem(joined(address, name), held, rule))
        else:
            yield name, held


def _short(number: float) -> str:
    return str(number) if isinstance(number, float) else f"about 10^{number.bit_length() * 0.301:.0f}"
