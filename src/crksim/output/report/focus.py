"""What a report puts forward: the services and flows that a change touches, and what they are called."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from crksim.model.network import Label
from crksim.output.report.wording import Wording

if TYPE_CHECKING:
    from crksim.analysis.replay import ReplayRow
    from crksim.analysis.results import SeriesRow
    from crksim.output.finished import Run

__all__ = [
    "FlowPicture",
    "change_day",
    "flow_picture",
    "has_norm",
    "name_of",
    "present_facts",
    "present_services",
    "series_by_service",
    "series_of",
    "start_date",
]

_MOST_SERVICES = 6
#: A service has moved when its mean number present differs by this many citizens, and by this part of them.
_LEAST_MOVED = 0.3
_LEAST_SHARE_MOVED = 0.05
_MOST_FOCUS = 4
_MOST_ENDS = 7


def name_of(run: Run, id: str, words: Wording) -> str:
    """Return what a planner calls a service, a cohort or an end of the strand."""
    labels = _service_labels(run.study, run.scenario)
    if id in labels:
        return words.label(labels[id])
    if id in ("leave", "died", "home", "origin", "others"):
        return words.text(id)
    return id.replace("_", " ").capitalize()


def has_norm(run: Run, service: str) -> bool:
    """Say whether what limits a service is a norm, which can be exceeded."""
    held = (run.study.get("services") or {}).get(service) or {}
    return "norm" in (held.get("places") or {})


def _changed(run: Run) -> list[str]:
    """Return the services that the scenario's changes name, then those they are copies of."""
    own: list[str] = []
    copied: list[str] = []
    for address, change in (run.scenario.get("changes") or {}).items():
        part, _, rest = str(address).partition(".")
        if part == "services":
            own.append(rest.split(".")[0])
            if isinstance(change, Mapping) and "like" in change:
                copied.append(str(change["like"]).rpartition(".")[2])
    return list(dict.fromkeys(own + copied))


def start_date(run: Run) -> date:
    """Return day 0 of the study."""
    return date.fromisoformat(str((run.study.get("time") or {}).get("start", "2016-01-01"))[:10])


def change_day(run: Run) -> float:
    """Return the day on which the change begins (days since start), or NaN when it was there all along or is none."""
    if run.result.alone:
        return math.nan
    begins = run.scenario.get("from", (run.study.get("time") or {}).get("forecast"))
    try:
        return float((date.fromisoformat(str(begins)[:10]) - start_date(run)).days)
    except ValueError:
        return math.nan


def series_by_service(run: Run) -> dict[str, dict[str, list[SeriesRow]]]:
    """Return the series of numbers present: service -> world -> rows."""
    found: dict[str, dict[str, list[SeriesRow]]] = {}
    for row in run.result.series:
        found.setdefault(row.service, {}).setdefault(row.world, []).append(row)
    return found


def series_of(run: Run, service: str) -> dict[str, list[SeriesRow]]:
    """Return the series of numbers present in one service: world -> rows."""
    found: dict[str, list[SeriesRow]] = {}
    for row in run.result.series:
        if row.service == service:
            found.setdefault(row.world, []).append(row)
    return found


def present_services(run: Run) -> list[str]:
    """Return the services worth a figure of their own: those changed, those that differ, those that decide."""
    series = series_by_service(run)
    reference, what_if = run.result.worlds[0].id, run.result.worlds[-1].id

    begins = change_day(run)

    def difference(service: str) -> float:
        before = {row.day: row.mean for row in series[service].get(reference, [])}
        rows = [row for row in series[service].get(what_if, []) if not row.day < begins]
        if not rows:
            return 0.0
        new, old = sum(row.mean for row in rows) / len(rows), sum(before.get(row.day, 0.0) for row in rows) / len(rows)
        return abs(new - old) if abs(new - old) > max(_LEAST_MOVED, _LEAST_SHARE_MOVED * max(new, old)) else 0.0

    changed = [service for service in _changed(run) if service in series]
    moved = sorted((s for s in series if difference(s) > 0), key=lambda s: (-difference(s), s))
    deciding = [re.split(r"[.\[]", row.measure)[0] for row in run.result.comparison if row.decides]
    wanted = list(dict.fromkeys([*changed, *moved, *(s for s in deciding if s in series)]))
    return (wanted or sorted(series))[:_MOST_SERVICES]


def present_facts(run: Run, service: str) -> list[ReplayRow]:
    """Return the report's numbers of citizens present in a service on a day."""
    return [row for row in run.result.replay if row.series == service and math.isfinite(row.day)]


@dataclass(frozen=True)
class FlowPicture:
    """What the flow picture shows.

    Parameters
    ----------
    focus : tuple of str
        Services in the middle.
    sources, targets : tuple of str
        Where their citizens come from and go, largest first, ``others`` last.
    flows : dict
        World id -> {(from, to): citizens per year}, gathered.
    """

    focus: tuple[str, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    into: dict[str, dict[tuple[str, str], float]]
    out: dict[str, dict[tuple[str, str], float]]


def _largest(flows: Iterable[Mapping[tuple[str, str], float]], side: int) -> list[str]:
    sums: dict[str, float] = {}
    for world in flows:
        for pair, flow in world.items():
            sums[pair[side]] = sums.get(pair[side], 0.0) + flow
    return sorted((id for id, total in sums.items() if total > 0), key=lambda id: (-sums[id], id))


def flow_picture(run: Run) -> FlowPicture | None:
    """Return the flows through the services that the change touches most, or None when there are none."""
    worlds = [run.result.worlds[0].id, run.result.worlds[-1].id]
    flows = [run.result.flows.get(world, {}) for world in worlds]
    total = [{}, {}]  # type: list[dict[str, float]]
    for i, world in enumerate(flows):
        for (_, end), flow in world.items():
            total[i][end] = total[i].get(end, 0.0) + flow
    through = {pair[0] for world in flows for pair in world}
    known = [id for id in {**total[0], **total[1]} if id in through]

    def apart(id: str) -> float:
        return abs(total[1].get(id, 0.0) - total[0].get(id, 0.0))

    def relative(id: str) -> float:
        return apart(id) / max(total[0].get(id, 0.0), total[1].get(id, 0.0), 0.5)

    changed = [id for id in _changed(run) if id in known]
    moved = sorted((id for id in known if relative(id) > 0.15), key=lambda id: (-apart(id), id))
    largest = sorted(known, key=lambda id: (-total[1].get(id, 0.0), id))
    chosen = list(dict.fromkeys(changed + moved or largest))[:_MOST_FOCUS]
    if not chosen:
        return None
    focus = tuple(sorted(chosen, key=lambda id: (-total[0].get(id, 0.0), -total[1].get(id, 0.0), id)))
    into = [{pair: flow for pair, flow in world.items() if pair[1] in focus and flow > 0} for world in flows]
    out = [{pair: flow for pair, flow in world.items() if pair[0] in focus and flow > 0} for world in flows]
    sources, into = _gather(into, 0)
    targets, out = _gather(out, 1)
    return FlowPicture(
        focus, sources, targets, dict(zip(worlds, into, strict=True)), dict(zip(worlds, out, strict=True))
    )


def _gather(
    flows: list[dict[tuple[str, str], float]], side: int
) -> tuple[tuple[str, ...], list[dict[tuple[str, str], float]]]:
    """Keep the largest ends on one side, and put the rest together as ``others``."""
    ends = _largest(flows, side)
    kept = ends if len(ends) <= _MOST_ENDS else ends[: _MOST_ENDS - 1]
    gathered: list[dict[tuple[str, str], float]] = []
    for world in flows:
        sums: dict[tuple[str, str], float] = {}
        for pair, flow in sorted(world.items()):
            end = pair[side] if pair[side] in kept else "others"
            key = (end, pair[1]) if side == 0 else (pair[0], end)
            sums[key] = sums.get(key, 0.0) + flow
        gathered.append(sums)
    return (*kept, *(["others"] if len(ends) > len(kept) else [])), gathered


def _service_labels(study: Mapping[str, Any], scenario: Mapping[str, Any]) -> dict[str, Label]:
    """Return the label of every service and cohort that the study or the changes name."""
    labels: dict[str, Label] = {}

    def note(id: str, entry: object) -> None:
        label = entry.get("label") if isinstance(entry, Mapping) else None
        if isinstance(label, Mapping) and {"da", "en"} <= label.keys():
            labels[id] = Label(str(label["da"]), str(label["en"]))
        elif isinstance(label, str):
            labels[id] = Label(label, label)

    for part in ("cohorts", "services"):
        for id, entry in (study.get(part) or {}).items():
            note(str(id), entry)
    for address, change in (scenario.get("changes") or {}).items():
        part, _, id = str(address).partition(".")
        if part in ("cohorts", "services") and "." not in id and isinstance(change, Mapping):
            note(id, change.get("add", change))
    return labels
