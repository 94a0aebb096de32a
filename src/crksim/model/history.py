"""Openings, closings and the span of rules: what has happened before a change's date stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crksim.model.scenario import Change

__all__ = ["refuse_past"]


def refuse_past(thing: Mapping[str, Any], parts: list[str], change: Change, date: str) -> None:
    """Refuse a change of what has happened before a date, or to a day before it.

    Parameters
    ----------
    thing : mapping
        The service or rule as it stands.
    parts : list of str
        Address of what changes, part by part.
    change : Change
        What is done.
    date : str
        ISO date from which the scenario holds.

    Raises
    ------
    ValueError
        With the rule that is broken.
    """
    old, new = _event(thing, parts), _event_set(change, parts)
    if old is not None and old < date:
        raise ValueError(f"has happened on {old}, before the scenario's date {date}; use 'from: start'")
    if new is not None and new < date:
        raise ValueError(f"may not lie before the scenario's date, {date}; use 'from: start'")


def _event(thing: Mapping[str, Any], parts: list[str]) -> str | None:
    """Return the date of the opening, closing or rule as it stands."""
    if parts[2] == "closes":
        closes = thing.get("closes")
        return str(closes["on"]) if isinstance(closes, Mapping) and "on" in closes else None
    return str(thing[parts[2]]) if parts[2] in thing else None


def _event_set(change: Change, parts: list[str]) -> str | None:
    """Return the date that a change gives to an opening, closing or rule."""
    if change.op == "set" and parts[2] == "closes" and len(parts) == 3:
        return str(change.value["on"]) if isinstance(change.value, Mapping) and "on" in change.value else None
    dated = parts[-1] in ("on", "opens", "from", "until")
    return str(change.value) if change.op == "set" and dated else None
