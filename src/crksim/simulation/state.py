"""Stop a run and go on from a table: who is where, since when, until when, and what they have behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crksim.simulation.arrivals import luck_of
from crksim.simulation.behaviour import Outcome
from crksim.simulation.chunks import Chunk
from crksim.simulation.citizens import (
    CLOSED,
    END,
    HELD,
    PATIENCE,
    STAYING,
    WAITING,
    Citizen,
    Stay,
    Wake,
    death_order,
    rule_order,
)
from crksim.simulation.packing import COHORT, NUMBER
from crksim.simulation.passage import PROCEED

if TYPE_CHECKING:
    from crksim.simulation.engine import Run

__all__ = ["CitizenState", "RowState", "State", "restore", "take"]


@dataclass(frozen=True)
class CitizenState:
    """A citizen with open rows.

    Parameters
    ----------
    cohort, number : int
        Index of the cohort and number within it.
    attributes : tuple of (str, str)
        The citizen's kind.
    rows, strands : int
        How many rows and side strands there have been.
    visits, considered, lifetime : tuple of (int, int)
        Counts by family of services, and by rule in this course and ever.
    course_over : bool
        Whether the next stay opens a new course.
    budget : float
        What is left of the death budget.
    """

    cohort: int
    number: int
    attributes: tuple[tuple[str, str], ...]
    rows: int
    strands: int
    visits: tuple[tuple[int, int], ...]
    considered: tuple[tuple[int, int], ...] | None
    lifetime: tuple[tuple[int, int], ...] | None
    course_over: bool
    budget: float


@dataclass(frozen=True)
class RowState:
    """An open row: a stay in progress, a held place, or a request that waits.

    Parameters
    ----------
    citizen : int
        Place in the table of citizens.
    values : tuple
        The row's own fields by name, destinations and outcomes as indices.
    holder : int
        Place of the row during which it waits, -1 without.
    """

    citizen: int
    service: int
    holder: int
    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class State:
    """Everything that a run needs to go on from a day.

    Parameters
    ----------
    day : float
        Days since start.
    citizens : tuple of CitizenState
        Everyone with an open row.
    rows : tuple of RowState
        The open rows.
    queues : tuple of (int, tuple of int)
        Services where somebody waits, each with the places of the rows in the order in which they will be met.
    calendar : tuple of (int, str, int, float)
        What will come to each row, in the order of ties: place of the row, ``end``, ``rule``, ``death`` or
        ``patience``, index of the rule, day.
    """

    day: float
    citizens: tuple[CitizenState, ...]
    rows: tuple[RowState, ...]
    queues: tuple[tuple[int, tuple[int, ...]], ...]
    calendar: tuple[tuple[int, str, int, float], ...]


_FIELDS = (
    "row",
    "from_row",
    "strand",
    "rule",
    "referred",
    "admitted",
    "state",
    "flags",
    "kind",
    "since",
)
_STAYING = ("nth", "due", "finish", "wakes")


def _plain(outcome: Outcome | None) -> tuple[Any, ...] | None:
    return None if outcome is None else (outcome.to, outcome.code, outcome.becomes, outcome.packed_to, outcome.careful)


def _outcome(plain: Any) -> Outcome | None:
    if plain is None:
        return None
    made = Outcome.__new__(Outcome)
    made.to, made.code, made.becomes, made.packed_to, made.careful = plain
    made.foreseen = False
    return made


def _plain_origin(origin: Any) -> Any:
    return None if origin is None else (*origin[:2], _plain(origin[2]), origin[3], _plain_origin(origin[4]))


def _origin(plain: Any) -> Any:
    return None if plain is None else (*plain[:2], _outcome(plain[2]), plain[3], _origin(plain[4]))


def _row(run: Run, stay: Stay, citizens: dict[Citizen, int], places: dict[Stay, int]) -> RowState:
    values: dict[str, Any] = {name: getattr(stay, name, math.nan) for name in _FIELDS}
    values["kind"] = tuple(sorted(run.structure.kinds[stay.kind].items()))
    values["exposed"] = stay.risk is not None
    origin, remaining = stay.origin, stay.remaining
    values["origin"] = _plain_origin(origin)
    values["remaining"] = None if remaining is None else (remaining[0], _plain(remaining[1]), remaining[2])
    if stay.state != WAITING:
        values |= {name: getattr(stay, name, None) for name in _STAYING}
        values["wakes"] = tuple(values["wakes"] or ())
        values["outcome"] = _plain(stay.outcome)
        values["code"] = stay.code if stay.state == HELD else 0
    if stay.risk is None:  # a stay that serves again may still know these from the one before
        values |= {name: 0.0 for name in ("since", "finish") if name in values}
    holder = -1 if stay.holder is None else places[stay.holder]
    return RowState(citizens[stay.citizen], stay.service.index, holder, tuple(sorted(values.items())))


def take(run: Run) -> State:
    """Return the state of a run that has stopped."""
    stays = sorted(run.still_open(), key=lambda stay: (stay.citizen.ident, stay.row))
    citizens: dict[Citizen, int] = {}
    for stay in stays:
        citizens.setdefault(stay.citizen, len(citizens))
    places = {stay: place for place, stay in enumerate(stays)}
    table = []
    for it in citizens:
        table.append(
            CitizenState(
                cohort=int(it.ident // COHORT),
                number=int(it.ident % COHORT // NUMBER),
                attributes=tuple(sorted(run.structure.kinds[it.kind].items())),
                rows=it.rows,
                strands=it.strands,
                visits=it.visits(),
                considered=None if it.considered is None else tuple(sorted(it.considered.items())),
                course_over=it.course_over,
                lifetime=None if it.lifetime is None else tuple(sorted(it.lifetime.items())),
                budget=it.budget,
            )
        )
    queues = tuple(
        (service.index, tuple(places[stay] for stay in service.line.line()))
        for service in run.services
        if service.line.count
    )
    rows = tuple(_row(run, stay, citizens, places) for stay in stays)
    return State(run.until, tuple(table), rows, queues, tuple(_calendar(run, places)))


def _calendar(run: Run, places: dict[Stay, int]) -> Iterator[tuple[int, str, int, float]]:
    """Yield what is on the calendar for the open rows, in its order."""
    for _, _, _, event in sorted(run.calendar, key=lambda entry: entry[:3]):
        if isinstance(event, Stay):
            if event.state == STAYING:
                yield places[event], "end", -1, event.due
        elif isinstance(event, Wake) and isinstance(event.stay, Stay):
            stay, call = event.stay, event.callbacks[0]
            if stay.state == CLOSED or stay not in places:
                continue
            for what, own in (("rule", run.rules.wake), ("death", run.death), ("patience", stay.service.line.give_up)):
                if call == own:
                    yield places[stay], what, event.rule, event.at


def restore(run: Run, state: State) -> None:
    """Put the citizens of a state back into a run that stands at its day."""
    citizens = _citizens(run, state)
    stays = []
    for row in state.rows:
        stays.append(_stay(run, row, citizens[row.citizen]))
    for row, stay in zip(state.rows, stays, strict=True):
        if row.holder >= 0:
            stay.holder = stays[row.holder]
            if stay.holder.requests is None:
                stay.holder.requests = []
            stay.holder.requests.append(stay)
    for index, order in state.queues:
        for place in order:
            # The order of the table is the order of the queue, and the levels are those of the moment of queueing.
            run.services[index].line.enter(stays[place], stays[place].referred)
    for place, what, rule, at in state.calendar:
        _schedule(run, stays[place], what, rule, at)


def _citizens(run: Run, state: State) -> list[Citizen]:
    groups: dict[tuple[int, str], list[int]] = {}
    own = {}
    for place, it in enumerate(state.citizens):
        key, own[place] = luck_of(run.structure.cohorts[it.cohort], it.number)
        groups.setdefault((it.cohort, key), []).append(place)
    made: dict[int, Citizen] = {}
    for (cohort_index, key), places in groups.items():
        numbers = np.array([own[place] for place in places], np.int64)
        kinds = [run.structure.kind(dict(state.citizens[place].attributes)) for place in places]
        chunk = Chunk(run.structure, run.luck.bases(key, numbers), np.array(kinds, np.int64))
        for at, place in enumerate(places):
            it = state.citizens[place]
            ending = END + (run.structure.cohort_rank[cohort_index] << 32) + it.number
            kind = run.structure.kind(dict(it.attributes))
            citizen = Citizen(cohort_index * COHORT + it.number * NUMBER, ending, kind, chunk, at)
            citizen.rows, citizen.strands = it.rows, it.strands
            for family, count in it.visits:
                chunk.count(family, at, count)
            citizen.considered = None if it.considered is None else dict(it.considered)
            citizen.course_over = it.course_over
            citizen.lifetime = None if it.lifetime is None else dict(it.lifetime)
            citizen.budget = it.budget
            made[place] = citizen
    return [made[place] for place in range(len(made))]


def _stay(run: Run, row: RowState, citizen: Citizen) -> Stay:
    values = dict(row.values)
    service = run.services[row.service]
    stay = Stay(citizen, service, values["from_row"], values["referred"])
    stay.special = True
    for name in _FIELDS:
        setattr(stay, name, values[name])
    stay.kind = run.structure.kind(dict(values["kind"]))
    origin, remaining = values["origin"], values["remaining"]
    stay.origin = _origin(origin)
    if remaining is None:
        stay.remaining = None
    else:
        left = _outcome(remaining[1])
        assert left is not None
        stay.remaining = (remaining[0], left, remaining[2])
    stay.risk = run.plan.behaviour(row.service, stay.kind, service.epoch).death if values["exposed"] else None
    if stay.state != WAITING:
        for name in _STAYING:
            setattr(stay, name, values[name])
        stay.wakes = list(values["wakes"]) or None
        outcome = _outcome(values["outcome"])
        assert outcome is not None
        stay.outcome, stay.code = outcome, values["code"]
        service.free -= 1.0
        if service.members is not None:
            service.members[stay] = None
    if stay.strand:
        citizen.open_beside()[stay.strand] = stay
    elif stay.state != WAITING or row.holder < 0:
        citizen.main = stay
    return stay


def _schedule(run: Run, stay: Stay, what: str, rule: int, at: float) -> None:
    if what == "end":
        stay.callbacks = PROCEED
        run.at(at, stay.citizen.ending, stay, stay.row)
    elif what == "patience":
        run.at(at, PATIENCE + stay.citizen.tie, Wake(stay.service.line.give_up, at, stay), stay.row)
    elif what == "rule":
        run.at(at, stay.citizen.ending, Wake(run.rules.wake, at, stay, rule), rule_order(stay, rule))
    else:
        run.at(at, stay.citizen.ending, Wake(run.death, at, stay), death_order(stay))
