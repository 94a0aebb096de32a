"""A change acting on a number, a law, or every case of one, as they are written in a study."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from crksim.errors import nearest
from crksim.model.grammar import DURATIONS_OF_LAWS
from crksim.model.scenario import OPS, Change
from crksim.model.steps import act_from, is_steps, plus, set_from, times, values_of

__all__ = ["acted", "over_cases"]

Act = Callable[[Any], Any]


def acted(node: Any, change: Change, date: str | None) -> Any:
    """Return a written number or law after a change.

    Parameters
    ----------
    node : object
        As written: a value, or named steps.
    change : Change
        ``set``, ``times`` or ``plus``.
    date : str or None
        ISO date; None is from the start.

    Raises
    ------
    ValueError
        When the change cannot act on it.
    """
    if is_steps(change.value) and (date is not None or change.op != "set"):
        return _in_steps(node, change, date)
    if change.op == "set":
        if date is not None and isinstance(change.value, Mapping) and "law" not in change.value:
            near = nearest(str(next(iter(change.value), "")), OPS)
            hint = f"; did you mean '{near}'?" if near else ""
            raise ValueError("must be a plain value: the scenario's date makes the step" + hint)
        return set_from(node, date, copy.deepcopy(change.value))
    act = times if change.op == "times" else plus
    return act_from(node, date, lambda held: _on_law(held, act, change))


def _in_steps(node: Any, change: Change, date: str | None) -> Any:
    """Let a change act again and again, each time from the date of one of its steps."""
    for day, name, held in values_of(change.value):
        if not day:
            raise ValueError(f"its step '{name}' needs a date, 'from'; until the first date the number stays as it is")
        if date is not None and day < date:
            raise ValueError(f"its steps may not begin before the scenario's date, {date}")
        node = acted(node, replace(change, value=held), day)
    return node


def _on_law(held: Any, act: Any, change: Change) -> Any:
    """Multiply every duration of a law, or a plain number."""
    if not isinstance(held, Mapping):
        return act(held, change.value)
    if change.op == "plus":
        raise ValueError("'plus' cannot act on a law; name one of its numbers")
    found = {}
    for key, part in held.items():
        if key in DURATIONS_OF_LAWS:
            found[key] = act_from(part, None, lambda inner: act(inner, change.value))
        elif key == "values":
            found[key] = {name: act_from(v, None, lambda i: act(i, change.value)) for name, v in part.items()}
        elif key == "parts":
            found[key] = {name: _on_law(inner, act, change) for name, inner in part.items()}
        else:
            found[key] = part
    return found


def over_cases(node: Any, act: Act) -> Any:
    """Let `act` change every case of a value, and both sites of a take-up."""
    if isinstance(node, Mapping) and "cases" in node:
        return {"cases": {name: _over_case(case, act) for name, case in node["cases"].items()}}
    if isinstance(node, Mapping) and "own_site" in node:
        return {key: act(held) for key, held in node.items()}
    return act(node)


def _over_case(case: Any, act: Act) -> Any:
    when = {"when": case["when"]} if "when" in case else {}
    held = {key: part for key, part in case.items() if key != "when"}
    if set(held) == {"value"}:
        return {**when, "value": over_cases(held["value"], act)}
    if "own_site" in held:
        return {**when, **over_cases(held, act)}
    changed = act(held)
    law = isinstance(changed, Mapping) and "law" in changed
    return {**when, **changed} if law else {**when, "value": changed}
