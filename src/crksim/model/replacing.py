"""A parameter changed on a date: every number that hangs on it gets a step."""

from __future__ import annotations

import re
from typing import Any

from crksim.model.clock import parse_quantity
from crksim.model.scenario import Change
from crksim.model.steps import act_from, is_steps, step_name, substitute, written

__all__ = ["replace_parameter"]


def replace_parameter(data: dict[str, Any], name: str, change: Change, date: str) -> None:
    """Let every use of a parameter change on a date.

    A new value becomes a parameter of its own, ``<name>__from_2018_02_01``; a factor stands beside the old one, so that
    it acts on whatever value the parameter has.

    Parameters
    ----------
    data : dict
        The study.
    name : str
        The parameter.
    change : Change
        ``set`` or ``times``.
    date : str
        ISO date.

    Raises
    ------
    ValueError
        When the change is neither, or a use of the parameter cannot change on a date.
    """
    if change.op == "plus":
        raise ValueError("a parameter takes 'set' or 'times' after the start, not 'plus'")
    by, factor = name, None
    if change.op == "times":
        number, dimension = parse_quantity(change.value)
        if dimension != "number":
            raise ValueError("'times' takes a factor without unit")
        factor = written(number)
    else:
        parse_quantity(change.value)
        by = f"{name}__{step_name(date)}"
        old = data["parameters"][name]
        added: dict[str, Any] = {"value": change.value}
        if "label" in old:
            added["label"] = {
                "da": f"{old['label'].get('da', name)} fra {date}",
                "en": f"{old['label'].get('en', name)} from {date}",
            }
        data["parameters"][by] = added
    token = re.compile(rf"@{re.escape(name)}(?![a-z0-9_])")

    def act(value: Any) -> Any:
        return substitute(value, name, by, factor) if isinstance(value, str) and token.search(value) else value

    for collection in ("services", "cohorts", "referrals"):
        for key, thing in data.get(collection, {}).items():
            if isinstance(thing, dict):
                _walk(thing, (collection, key), date, act)


def _walk(node: dict[str, Any], parts: tuple[str, ...], date: str, act: Any) -> None:
    for key, held in node.items():
        if parts[0] == "cohorts" and key == "present":
            continue  # who was there at the start
        if key == "label":
            continue
        if key == "closes" and isinstance(held, dict):
            if str(held.get("on", "")) >= date:
                _replace(held, act)
        elif isinstance(held, str) or (is_steps(held) and not _holds_laws(held)):
            found = act_from(held, date, act)
            # Arrivals written as one rate have no steps of their own.
            node[key] = {"rate": found} if key == "arrivals" and found != held else found
        elif isinstance(held, dict):
            _walk(held, (*parts, key), date, act)


def _holds_laws(steps: dict[str, Any]) -> bool:
    return any(
        isinstance(step, dict) and ("law" in step or isinstance(step.get("value"), dict)) for step in steps.values()
    )


def _replace(node: dict[str, Any], act: Any) -> None:
    for key, held in node.items():
        if isinstance(held, dict):
            _replace(held, act)
        else:
            node[key] = act(held)
