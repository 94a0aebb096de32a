"""The report's numbers, each marked put in, fitted or predicted, and the replay put beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import likely_range
from crksim.analysis.replay import NotReplayed, ReplayRow
from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import parse_date, parse_quantity
from crksim.model.network import Label

__all__ = ["MARKS", "Target", "read_not_replayed", "read_targets", "replay_rows"]

#: Typed into the network; a parameter was set so that it comes near; neither.  Only the last say anything.
MARKS = ("put in", "fitted", "predicted")

_TEXTS = ("fact", "measure", "mark", "locator", "series", "part_of", "note")
_NEEDED = ("fact", "measure", "reported", "mark", "label", "unit", "locator")
_OF_REASONS = ("locator", "da", "en")
_FIELDS = (*_NEEDED, "day", "series", "part_of", "concerns", "note")


@dataclass(frozen=True)
class Target:
    """A number of the report beside which the replay is put.

    Parameters
    ----------
    fact : str
        Id in the table of facts.
    measure : str
        Output address, with its window.
    reported : float
        The report's number, in the measure's unit.
    mark : str
        ``put in``, ``fitted`` or ``predicted``.
    day : float
        Where it stands on a time axis, in days since the study's start; NaN where it has no place there.
    series : str
        Service in whose number present it is a point, or empty.
    part_of : str
        Fact with which it shares people, so that it is none of its own; or empty.
    concerns : tuple of str
        Ids of the services, groups and cohorts that it speaks of.
    """

    fact: str
    label: Label
    unit: Label
    locator: str
    measure: str
    reported: float
    mark: str
    day: float = float("nan")
    series: str = ""
    part_of: str = ""
    concerns: tuple[str, ...] = ()


def read_targets(data: Mapping[str, object], start: str, facts: Collection[str] | None = None) -> tuple[Target, ...]:
    """Read the targets from a plain dict.

    Parameters
    ----------
    data : mapping
        ``facts: {id: {fact, measure, reported, mark, label, unit, locator, day?, series?, part_of?,
        concerns?, note?}}``.
    start : str
        ISO date of day 0.
    facts : collection of str, optional
        Ids of the facts that may be cited.

    Returns
    -------
    tuple of Target
        In the order of the file, those that share people with another fact behind it.

    Raises
    ------
    InputError
        When entries break rules; every fault of every entry is told.
    """
    entries = data.get("facts")
    if not isinstance(entries, Mapping):
        raise InputError([Problem("facts", entries, "must be a map of targets")])
    problems: list[Problem] = []
    found: list[tuple[int, bool, Target]] = []
    places = {name: place for place, name in enumerate(entries)}
    for name, entry in entries.items():
        faults = _faults(f"facts.{name}", entry, facts)
        if not faults:
            if entry.get("part_of", name) not in entries:
                known = nearest(str(entry["part_of"]), entries)
                faults = [Problem(f"facts.{name}.part_of", entry["part_of"], "must be a fact of this table", known)]
            else:
                whole = entry.get("part_of") or name
                found += [(places[whole], whole != name, one) for one in _target(f"facts.{name}", entry, start, faults)]
        problems += faults
    if problems:
        raise InputError(problems)
    return tuple(target for *_, target in sorted(found, key=lambda one: one[:2]))


def read_not_replayed(data: Mapping[str, object], facts: Collection[str] | None = None) -> tuple[NotReplayed, ...]:
    """Read the facts that stand in no row of the replay, each with its reason, from a plain dict.

    Parameters
    ----------
    data : mapping
        ``not_replayed: {fact: {locator, da, en}}``, and ``facts`` as in `read_targets`.
    facts : collection of str, optional
        Ids of the facts that may be cited.

    Returns
    -------
    tuple of NotReplayed
        In the order of the file.

    Raises
    ------
    InputError
        When entries break rules; every fault of every entry is told.
    """
    entries, targets = data.get("not_replayed") or {}, data.get("facts")
    if not isinstance(entries, Mapping):
        raise InputError([Problem("not_replayed", entries, "must be a map of facts and their reasons")])
    rows = targets.values() if isinstance(targets, Mapping) else ()
    replayed = {row.get("fact") for row in rows if isinstance(row, Mapping)}
    problems: list[Problem] = []
    for fact, entry in entries.items():
        address = f"not_replayed.{fact}"
        if facts is not None and fact not in facts:
            problems.append(Problem(address, fact, "is not in the table of facts", nearest(str(fact), facts)))
        if fact in replayed:
            problems.append(Problem(address, fact, "is a fact of the replay: either a row or a reason"))
        problems += _faults_of_reason(address, entry)
    if problems:
        raise InputError(problems)
    return tuple(
        NotReplayed(str(fact), entry["locator"], Label(entry["da"], entry["en"])) for fact, entry in entries.items()
    )


def _faults_of_reason(address: str, entry: Any) -> list[Problem]:
    """Return which texts of a reason are unknown, missing or longer than a line."""
    if not isinstance(entry, Mapping):
        return [Problem(address, entry, "must be a map of 'locator', 'da' and 'en'")]
    faults = [
        Problem(f"{address}.{name}", value, "is not a field of a reason", nearest(str(name), _OF_REASONS))
        for name, value in entry.items()
        if name not in _OF_REASONS
    ]
    for name in _OF_REASONS:
        text = entry.get(name)
        if not (isinstance(text, str) and text.strip() and "\n" not in text):
            faults.append(Problem(f"{address}.{name}", text, "must be a text of one line"))
    return faults


def _faults(address: str, entry: Any, facts: Collection[str] | None) -> list[Problem]:
    """Return which fields are unknown, missing or of the wrong kind."""
    if not isinstance(entry, Mapping):
        return [Problem(address, entry, "must be a map of 'fact', 'measure', 'reported', 'mark' ...")]
    faults = [
        Problem(f"{address}.{name}", value, "is not a field of a target", nearest(str(name), _FIELDS))
        for name, value in entry.items()
        if name not in _FIELDS
    ]
    faults += [Problem(f"{address}.{name}", None, "must be given") for name in _NEEDED if entry.get(name) is None]
    for name in _TEXTS:
        if entry.get(name) is not None and not isinstance(entry[name], str):
            faults.append(Problem(f"{address}.{name}", entry[name], "must be a text"))
    for name in ("label", "unit"):
        value = entry.get(name)
        if value is not None and not (isinstance(value, Mapping) and set(value) == {"da", "en"}):
            faults.append(Problem(f"{address}.{name}", value, "must be a text in both languages: {da: ..., en: ...}"))
    concerns = entry.get("concerns", [])
    if not (isinstance(concerns, list) and all(isinstance(one, str) for one in concerns)):
        faults.append(Problem(f"{address}.concerns", concerns, "must be a list of services, groups and cohorts"))
    mark, fact = entry.get("mark"), entry.get("fact")
    if isinstance(mark, str) and mark not in MARKS:
        faults.append(Problem(f"{address}.mark", mark, f"must be one of {', '.join(MARKS)}", nearest(mark, MARKS)))
    if facts is not None and isinstance(fact, str) and fact not in facts:
        faults.append(Problem(f"{address}.fact", fact, "is not in the table of facts", nearest(fact, facts)))
    return faults


def _target(address: str, entry: Mapping[str, Any], start: str, faults: list[Problem]) -> list[Target]:
    """Return the target, or nothing when its numbers cannot be read."""
    reported = day = float("nan")
    try:
        reported = parse_quantity(entry["reported"])[0]
    except ValueError as fault:
        faults.append(Problem(f"{address}.reported", entry["reported"], str(fault)))
    try:
        if entry.get("day") is not None:
            day = parse_date(entry["day"], start)
    except ValueError as fault:
        faults.append(Problem(f"{address}.day", entry["day"], str(fault)))
    if faults:
        return []
    label, unit = (Label(str(entry[name]["da"]), str(entry[name]["en"])) for name in ("label", "unit"))
    texts = {name: str(entry.get(name) or "") for name in _TEXTS}
    del texts["note"]
    concerns = tuple(entry.get("concerns") or ())
    return [Target(label=label, unit=unit, reported=reported, day=day, concerns=concerns, **texts)]


def replay_rows(
    targets: Sequence[Target], values: NDArray[np.float64], ranges: Mapping[str, tuple[float, float]] | None = None
) -> tuple[ReplayRow, ...]:
    """Put every number of the report beside what the replay gives.

    Parameters
    ----------
    targets : sequence of Target
        The report's numbers.
    values : ndarray of float, shape (members, futures, targets)
        What the replay gives; NaN where a measure is not defined.
    ranges : mapping, optional
        Fact -> the range by which a check has judged it, instead of that of the replay.

    Returns
    -------
    tuple of ReplayRow
        The range is that of a single future: luck is in it, as it is in the report.
    """
    rows = []
    for column, target in enumerate(targets):
        found = values[:, :, column]
        found = found[np.isfinite(found)]
        low, high = (ranges or {}).get(target.fact) or likely_range(found, outward=True)
        rows.append(
            ReplayRow(
                fact=target.fact,
                label=target.label,
                unit=target.unit,
                locator=target.locator,
                measure=target.measure,
                day=target.day,
                reported=target.reported,
                mean=float(found.mean()) if found.size else float("nan"),
                low=low,
                high=high,
                mark=target.mark,
                series=target.series,
                part_of=target.part_of,
                concerns=" ".join(target.concerns),
            )
        )
    return tuple(rows)
