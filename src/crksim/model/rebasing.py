"""A study that begins on another day: what holds by then holds from its start; nothing before it is replayed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from crksim.errors import InputError, Problem
from crksim.model.clock import date_of, parse_date
from crksim.model.scenario import FORECAST, START, Scenario
from crksim.model.steps import is_steps, values_of

__all__ = ["begun_on", "rebased"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def rebased(study: Mapping[str, Any], day: str) -> dict[str, Any]:
    """Return a study that begins on `day` and looks as far ahead as before.

    Numbers with steps keep the value that holds on the day, and later steps.  What has opened is open, what has closed
    takes nobody, rules that are over are gone.  Who is present is taken over as it stands: another day has others.

    Parameters
    ----------
    study : mapping
        The study as a plain dict; it is not changed.
    day : str
        ISO date.

    Raises
    ------
    InputError
        When it is no date, or lies before the study's start.
    """
    time = dict(study["time"])
    start = str(time["start"])
    try:
        begins = parse_date(day, start)
    except ValueError as fault:
        raise InputError([Problem("as_of", day, str(fault))]) from None
    if begins < 0:
        raise InputError([Problem("as_of", day, f"must not lie before the study's start, {start}")])
    ahead = parse_date(time["end"], start) - parse_date(time.get("forecast", start), start)
    data = dict(study)
    data["time"] = {"start": day, "forecast": day, "end": date_of(begins + ahead, start)}
    data["services"] = {name: _service(_held(held, day), day) for name, held in study["services"].items()}
    data["cohorts"] = {name: _held(held, day) for name, held in (study.get("cohorts") or {}).items()}
    data["referrals"] = {
        name: {key: _held(held, day) for key, held in rule.items() if key != "from" or str(held) > day}
        for name, rule in (study.get("referrals") or {}).items()
        if str(rule.get("until", "9999")) > day
    }
    return data


def _held(node: Any, day: str) -> Any:
    """Return a part of a study with the steps until a day taken together."""
    if not isinstance(node, Mapping):
        return node
    if not is_steps(node):
        return {key: _held(held, day) for key, held in node.items()}
    steps = values_of(node)
    now = [step for step in steps if step[0] <= day][-1]
    later = {name: node[name] for date_, name, _ in steps if date_ > day}
    return {"first": _held(now[2], day), **later} if later else _held(now[2], day)


def _service(service: Mapping[str, Any], day: str) -> dict[str, Any]:
    held = {key: value for key, value in service.items() if key != "opens" or str(value) > day}
    closes = held.get("closes")
    if isinstance(closes, Mapping) and str(closes["on"]) <= day:
        held["closes"] = {**closes, "on": day}
    return held


def begun_on(scenario: Scenario, day: str, forecast: str) -> Scenario:
    """Return a what-if as it is asked from a later day: when it would have begun before, all its dates move by as much.

    Parameters
    ----------
    scenario : Scenario
        It is not changed.
    day : str
        ISO date on which the study begins now.
    forecast : str
        ISO date that the scenario means by ``forecast``.
    """
    from_day = forecast if scenario.from_day == FORECAST else scenario.from_day
    if from_day != START and from_day < day:
        by = date.fromisoformat(day) - date.fromisoformat(from_day)
        own = {name: _later(raw, by) for name, raw in scenario.changes.items()}
        variants, options = (
            tuple(replace(it, changes=_later(it.changes, by)) for it in several)
            for several in (scenario.variants, scenario.options)
        )
        scenario = replace(scenario, from_day=day, changes=own, variants=variants, options=options)
    return replace(scenario, parts=tuple(begun_on(part, day, forecast) for part in scenario.parts))


def _later(node: Any, by: timedelta) -> Any:
    if isinstance(node, Mapping):
        return {key: _later(held, by) for key, held in node.items()}
    if isinstance(node, str) and _DATE.fullmatch(node):
        return (date.fromisoformat(node) + by).isoformat()
    return node
