"""Those present when the study starts: a table of open rows, their ends drawn by length-bias."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crksim.errors import CheckError
from crksim.model.cohorts import Present
from crksim.model.laws import elapsed_quantile, mean_thinned, residual_quantile
from crksim.simulation.arrivals import PRESENT, STRIP
from crksim.simulation.behaviour import Behaviour, Outcome
from crksim.simulation.chunks import Chunk
from crksim.simulation.citizens import END, STAYING, Citizen, Stay
from crksim.simulation.luck import constant, exponentials, on_grid, uniforms
from crksim.simulation.newcomers import budgets as draw_budgets
from crksim.simulation.newcomers import kinds as draw_kinds
from crksim.simulation.packing import COHORT, NUMBER
from crksim.simulation.passage import PROCEED
from crksim.simulation.staylog import OPENING

if TYPE_CHECKING:
    from crksim.simulation.engine import Run
    from crksim.simulation.services import LiveService

__all__ = ["opening"]


def opening(run: Run, chunk: Chunk) -> None:
    """Put everyone who is present at the start into their services.

    Parameters
    ----------
    run : Run
        The run.
    chunk : Chunk
        Those who come first; those present are drawn together with them.

    Raises
    ------
    CheckError
        When a present citizen's home is no open service.
    """
    entries: list[tuple[int, int, Present]] = []
    parts = [np.empty(0, np.uint64)]
    for cohort_index, cohort in enumerate(run.structure.cohorts):
        for entry_index, entry in enumerate(cohort.present if cohort_index not in run.left_out else ()):
            count = round(run.plan.number(entry.count, 0.0))
            entries.append((cohort_index, entry_index, entry))
            parts.append(run.luck.bases(f"{cohort.luck_key}/{entry.id}", np.arange(count, dtype=np.int64)))
    # Their first stays are drawn entry by entry, but what comes later for all of them together.
    kinds = [
        draw_kinds(run, cohort_index, own, np.zeros(len(own)), entry.attributes)
        for (cohort_index, _, entry), own in zip(entries, parts[1:], strict=True)
    ]
    first = chunk.join(np.concatenate(parts), np.concatenate([np.empty(0, np.int64), *kinds]))
    for which, bases, own in zip(entries, parts[1:], kinds, strict=True):
        _let_in(run, which, chunk, first, bases, own.tolist())
        first += len(own)


def _let_in(
    run: Run,
    which: tuple[int, int, Present],
    chunk: Chunk,
    first: int,
    bases: NDArray[np.uint64],
    kinds: list[int],
) -> None:
    """Let in those of one entry, whose luck `bases` stands in the chunk from `first` on."""
    cohort_index, entry_index, entry = which
    cohort, count = run.structure.cohorts[cohort_index], len(bases)
    groups: dict[tuple[int, Behaviour], list[int]] = {}
    behaviours: dict[tuple[str, int], tuple[int, Behaviour]] = {}
    for place, kind in enumerate(kinds):
        at = run.structure.kinds[kind].get("home", "") if entry.at == "home" else entry.at
        if at not in run.structure.service_index:
            raise CheckError(f"cohorts.{cohort.id}.present.{entry.id}: a citizen has no home to be present in")
        found = behaviours.get((at, kind))
        if found is None:
            service = run.structure.service_index[at]
            found = (service, run.plan.behaviour(service, kind, run.services[service].epoch))
            behaviours[at, kind] = found
        groups.setdefault(found, []).append(place)
    drawn: dict[int, tuple[int, Behaviour, Outcome, float, float]] = {}
    for (service, behaviour), places in groups.items():
        outcomes, ages, lengths, to = _stays(behaviour, bases[places], entry.lengths == "residual")
        chunk.visited(service, np.array(places) + first)
        chunk.expect(to, np.array(places) + first)
        for place, outcome, age, length in zip(places, outcomes, ages, lengths, strict=True):
            drawn[place] = (service, behaviour, outcome, age, length)
    budgets = draw_budgets(run, bases).tolist()
    rank = run.structure.cohort_rank[cohort_index]
    for place in range(count):
        number = (PRESENT + entry_index) * STRIP + place
        ending = END + (rank << 32) + number
        ident = cohort_index * COHORT + number * NUMBER
        citizen = Citizen(ident, ending, kinds[place], chunk, first + place, budgets[place])
        service, behaviour, outcome, age, length = drawn[place]
        _begin(run, run.services[service], citizen, behaviour, outcome, age, length)


def _stays(
    behaviour: Behaviour, bases: NDArray[np.uint64], residual: bool
) -> tuple[list[Outcome], list[float], list[float], NDArray[np.intp]]:
    """Return outcome, elapsed part, remaining length (days) and destination of stays found in progress."""
    if not residual:
        numbers, fresh, to = behaviour.stays(bases, 0)
        return [behaviour.outcome(number) for number in numbers.tolist()], [0.0] * len(bases), fresh.tolist(), to
    rates = [end.hazard for end in behaviour.ends if end.hazard is not None]
    hazard = sum(steps.at(0.0) for steps in rates) + (behaviour.death.at(0.0) if behaviour.death else 0.0)
    u_age = uniforms(bases, constant(behaviour.family, 0, "age"))
    end = np.zeros(len(bases), np.intp)
    ages: NDArray[np.float64] = np.zeros(len(bases))
    lengths: NDArray[np.float64] = np.full(len(bases), math.inf)
    if behaviour.planned:
        laws = [bound.law for bound in behaviour.ends[: len(behaviour.planned)]]
        shares = np.diff(behaviour.planned, prepend=0.0)
        weights = np.cumsum(
            [share * mean_thinned(law, hazard) for share, law in zip(shares, laws, strict=True) if law is not None]
        )
        u_end = uniforms(bases, constant(behaviour.family, 0, "end"))
        end = np.searchsorted(weights[:-1] / weights[-1], u_end, side="right")
        u_length = uniforms(bases, constant(behaviour.family, 0, "length"))
        for index, law in enumerate(laws):
            mine = end == index
            if law is not None and mine.any():
                ages[mine] = elapsed_quantile(law, u_age[mine], hazard)
                lengths[mine] = residual_quantile(law, ages[mine], u_length[mine])
    elif hazard > 0.0:
        ages = -np.log(u_age) / hazard
    ages, lengths = on_grid(ages), on_grid(lengths)
    for index, steps in behaviour.hazards:
        if steps.rates[0] > 0.0:
            amounts = exponentials(bases, constant(behaviour.family, 0, "hazard:" + behaviour.ends[index].id))
            times = on_grid(amounts / steps.rates[0])
            first = times < lengths
            lengths, end = np.where(first, times, lengths), np.where(first, index, end)
    numbers, to = behaviour.numbers(bases, 0, end)
    return [behaviour.outcome(number) for number in numbers.tolist()], ages.tolist(), lengths.tolist(), to


def _begin(
    run: Run,
    service: LiveService,
    citizen: Citizen,
    behaviour: Behaviour,
    outcome: Outcome,
    age: float,
    length: float,
) -> None:
    stay = Stay(citizen, service, -1, -age)
    citizen.rows, citizen.main = 1, stay
    citizen.chunk.visits[service.family][citizen.place] = 1
    stay.admitted = -age
    stay.special, stay.flags, stay.kind, stay.nth, stay.state = True, OPENING, citizen.kind, 0, STAYING
    stay.outcome, stay.due = outcome, length
    if behaviour.competing:
        service.dated_hazards(stay, behaviour, 0.0)
    if behaviour.awaited:
        service.misses(stay, behaviour, 0.0)
    if behaviour.death is not None:
        stay.risk, stay.finish = behaviour.death, stay.due
        stay.due = min(stay.due, behaviour.death.reach(0.0, citizen.budget))
    service.free -= 1.0
    stay.callbacks = PROCEED
    run.at(stay.due, citizen.ending, stay, stay.row)
    service.begun(stay, 0.0)
