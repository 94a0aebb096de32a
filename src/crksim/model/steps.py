"""Numbers as they are written in a study, changed on a date: ``8`` becomes ``{first: 8, from_2018_02_01: {...}}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from crksim.model.clock import parse_quantity

__all__ = ["act_from", "is_steps", "plus", "set_from", "step_name", "substitute", "times", "values_of", "written"]

_NUMBER = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)")
Act = Callable[[Any], Any]


def step_name(date: str) -> str:
    """Return the name of the step that begins on an ISO date."""
    return "from_" + date.replace("-", "_")


def is_steps(node: object) -> bool:
    """Say whether a value is written as named steps."""
    return isinstance(node, Mapping) and any(isinstance(held, Mapping) and "from" in held for held in node.values())


def values_of(node: Any) -> list[tuple[str, str, Any]]:
    """Return ``(date, name, value)`` of every step, rising in date; the first date is empty."""
    if not is_steps(node):
        return [("", "first", node)]
    found = []
    for name, step in node.items():
        if isinstance(step, Mapping) and "from" in step:
            rest = {key: held for key, held in step.items() if key != "from"}
            found.append((str(step["from"]), name, rest["value"] if set(rest) == {"value"} else rest))
        else:
            wrapped = isinstance(step, Mapping) and set(step) == {"value"}
            found.append(("", name, step["value"] if wrapped else step))
    return sorted(found, key=lambda step: step[0])


def _build(steps: list[tuple[str, str, Any]]) -> Any:
    if len(steps) == 1:
        return steps[0][2]
    built: dict[str, Any] = {steps[0][1]: steps[0][2]}
    for date, name, value in steps[1:]:
        built[name if name not in built else step_name(date)] = {"from": date, "value": value}
    return built


def set_from(node: Any, date: str | None, value: Any) -> Any:
    """Return a number or law that has a new value from a date on, whatever it was to become later.

    Parameters
    ----------
    node : object
        As written: a value, or named steps.
    date : str or None
        ISO date; None is from the start.
    value : object
        The new value.
    """
    if date is None:
        return value
    kept = [step for step in values_of(node) if step[0] < date]
    return _build([*kept, (date, step_name(date), value)]) if kept[-1][2] != value else _build(kept)


def act_from(node: Any, date: str | None, act: Act) -> Any:
    """Return a number or law changed by `act` on a date and on every later step.

    Parameters
    ----------
    node : object
        As written: a value, or named steps.
    date : str or None
        ISO date; None acts on all.
    act : callable
        Value -> new value.
    """
    steps = values_of(node)
    if date is None:
        return _build([(day, name, act(value)) for day, name, value in steps])
    kept = [step for step in steps if step[0] < date]
    later = [(day, name, act(value)) for day, name, value in steps if day >= date]
    if not later or later[0][0] > date:
        value = act(kept[-1][2])
        if value != kept[-1][2]:
            later.insert(0, (date, step_name(date), value))
    return _build([*kept, *later])


def written(number: float) -> int | float:
    """Return a number without the dust of arithmetic (12 digits), whole where it is whole."""
    clean = float(f"{number:.12g}")
    return int(clean) if clean.is_integer() and abs(clean) < 1e15 else clean


def times(value: Any, factor: Any) -> Any:
    """Return a written number times a factor, which may itself be ``@parameter``.

    Raises
    ------
    ValueError
        When the value is no number.
    """
    if isinstance(factor, str) and "@" in factor:
        return f"{factor} * {value}"
    by, dimension = parse_quantity(factor)
    if dimension != "number":
        raise ValueError("'times' takes a factor without unit")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return written(value * by)
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        return _joined(float(match[1]) * by, match[2])
    if isinstance(value, str) and "@" in value:
        return f"{written(by)} * {value}"
    raise ValueError(f"has no number to multiply (it is {value!r})")


def plus(value: Any, amount: Any) -> Any:
    """Return a written number plus an amount of the same dimension, in the number's own unit.

    Raises
    ------
    ValueError
        When either is no plain number, or their dimensions differ.
    """
    if any(isinstance(held, str) and "@" in held for held in (value, amount)):
        raise ValueError(
            f"'plus' cannot act on what hangs on parameters ({value!r}); change the parameter, or use times"
        )
    more, dimension = parse_quantity(amount)
    old, own = parse_quantity(value)
    if dimension != own and old != 0:
        raise ValueError(f"'plus' needs the same unit as {value!r}")
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None or not match[2]:
        return written(old + more) if dimension == "number" else amount
    one = parse_quantity("1 " + match[2])[0]
    return _joined(float(match[1]) + more / one, match[2])


def _joined(number: float, unit: str) -> str:
    return f"{written(number)} {unit}".strip()


def substitute(text: str, name: str, by: str, factor: Any = None) -> str:
    """Return a product in which a parameter is replaced, or has a factor beside it.

    Parameters
    ----------
    text : str
        Such as ``0.5 * @a / @b``.
    name : str
        The parameter.
    by : str
        The parameter that takes its place.
    factor : float, optional
        Beside it; a divisor is divided by it too.
    """

    def put(match: re.Match[str]) -> str:
        if factor is None:
            return f"{match[1] or ''}@{by}"
        return f"/ @{by} / {factor}" if match[1] else f"{factor} * @{by}"

    return re.sub(rf"(/\s*)?@{re.escape(name)}(?![a-z0-9_])", put, text)
