"""Every world over every member and future: the same luck in all worlds, the same bytes in any order.

The unit of work is one member: all worlds, all futures.  A member is a draw of every uncertain parameter by name, so
worlds that share a parameter share its value; future f of member m is replication ``m * futures + f`` in every world.
"""

from __future__ import annotations

import gc
import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import likely_ranges
from crksim.analysis.ensemble import WorldStudy, draw_members
from crksim.analysis.measures import flows, measure, series
from crksim.analysis.pool import Pool, Progress, open_pool, settle
from crksim.analysis.results import SeriesRow, World
from crksim.analysis.scene import Scene
from crksim.errors import CheckError, InputError, Problem
from crksim.model.clock import Window
from crksim.model.ledger import Ledger, read_ledger
from crksim.model.network import Network, Study
from crksim.model.vocabulary import MeasureAddress, parse_measures
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import Structure, structure
from crksim.simulation.sharing import merged, touched_cohorts
from crksim.simulation.staylog import StayLog

__all__ = ["Replications", "WorldStudy", "replicate", "series_rows"]

Floats = NDArray[np.float64]
Moves = dict[tuple[str, str], float]


@dataclass(frozen=True, eq=False)
class Replications:
    """What a run found, before anything is compared.

    Parameters
    ----------
    worlds : tuple of World
        In the order given, with values of shape (members, futures, measures).
    present : dict of str to ndarray of float32, shape (members, futures, services, days)
        World id -> number present.
    flows : dict
        World id -> {(from, to): mean citizens per year}.
    replay : ndarray of float, shape (members, futures, replay measures)
        Of the main reference.
    theta : tuple of dict
        The main reference's parameter values by member.
    """

    measures: tuple[str, ...]
    worlds: tuple[World, ...]
    series_services: tuple[str, ...]
    series_days: tuple[float, ...]
    present: dict[str, NDArray[np.float32]]
    flows: dict[str, Moves]
    replay: Floats
    theta: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class _Job:
    """What all units of a run have in common."""

    ids: tuple[str, ...]
    studies: tuple[Study, ...]
    measures: tuple[MeasureAddress, ...]
    replay: tuple[MeasureAddress, ...]
    window: tuple[float, float]
    futures: int
    seed: int
    services: tuple[str, ...]
    days: tuple[float, ...]


@dataclass(frozen=True)
class _Unit:
    """One member: the job by its hash (and pickled, for a worker that has not seen it), parameters by study."""

    digest: str
    job: bytes
    member: int
    thetas: tuple[dict[str, float], ...]


@dataclass(frozen=True, eq=False)
class _Block:
    """What one member gave, by study: values (futures, measures), present (futures, services, days), flows."""

    values: tuple[Floats, ...]
    present: tuple[NDArray[np.float32], ...]
    flows: tuple[tuple[Moves, ...], ...]
    replay: Floats


def replicate(
    worlds: Sequence[WorldStudy],
    ledger: Mapping[str, object],
    *,
    measures: Sequence[str],
    members: int,
    futures: int,
    seed: int,
    window: Window,
    replay: Sequence[str] = (),
    workers: int = 1,
    progress: Progress | None = None,
    series_services: Sequence[str] = (),
    series_days: Sequence[float] = (),
    theta_overrides: Mapping[str, float] | Sequence[Mapping[str, float]] | None = None,
    pool: Pool | None = None,
) -> Replications:
    """Run every world over `members` times `futures` replications on common luck.

    Parameters
    ----------
    worlds : sequence of WorldStudy
        The main reference first, the what-if last; equal studies are run once.
    ledger : mapping
        The ledger as a plain dict.
    measures : sequence of str
        Output addresses; in a world that lacks what one names, it counts nobody.
    members, futures : int
        Size of the run, each at least 1.
    seed : int
        Seed of all luck, that of the ensemble included.
    window : Window
        For the measures and flows that name none.
    replay : sequence of str
        Output addresses, each with its window, that are measured in the main reference only.
    workers : int
        Number of processes, where no pool is given.
    progress : callable, optional
        Called with (members done, members).
    series_services, series_days : sequence of str, of float
        Where and when the number present is kept.
    theta_overrides : mapping, or sequence of mappings, optional
        Values of parameters in every world: for all members, or one mapping per member (a calibrated ensemble).
    pool : Pool, optional
        Workers that are there already.

    Raises
    ------
    InputError
        When a study, the ledger or an address breaks a rule, or a size is below 1.
    CheckError
        When a replication fails; names world, member and future.
    """
    _check_sizes(members=members, futures=futures, worlds=len(worlds))
    found = [world.read() for world in worlds]
    networks = [study.network for study in found]
    thetas = draw_members(worlds, networks, read_ledger(ledger), members, seed, theta_overrides)
    # Worlds that are equal in study and parameters are one run.
    runs: dict[str, int] = {}
    place = [
        runs.setdefault(_digest(world.study, theta), len(runs)) for world, theta in zip(worlds, thetas, strict=True)
    ]
    first = [place.index(number) for number in range(len(runs))]
    read = _addresses([*measures, *replay], networks)
    job = _Job(
        ids=tuple(worlds[index].id for index in first),
        studies=tuple(found[index] for index in first),
        measures=read[: len(measures)],
        replay=read[len(measures) :],
        window=(window.start, window.end),
        futures=futures,
        seed=seed,
        services=tuple(series_services),
        days=tuple(float(day) for day in series_days),
    )
    packed = pickle.dumps(job)
    digest = hashlib.sha256(packed).hexdigest()
    units = [
        _Unit(digest, packed, member, tuple(thetas[index][member] for index in first)) for member in range(members)
    ]
    with nullcontext(pool) if pool is not None else open_pool(workers) as own:
        blocks = list(own.run_all(_run_member, units, name=lambda unit: f"member {unit.member}", progress=progress))
    return _gathered(worlds, place, blocks, job, thetas[0])


def series_rows(
    found: Replications, studies: Sequence[Study], *, smooth: int = 0, breaks: Sequence[float] = ()
) -> tuple[SeriesRow, ...]:
    """Return the number present over time, world by world, with its range and the places in force.

    Parameters
    ----------
    found : Replications
        What a run found.
    studies : sequence of Study
        The studies of its worlds, in their order.
    smooth : int
        Every single course is averaged over so many days of the series on either side, never across an opening, a
        closing or one of the breaks; the ends of the range are averaged in the same way.
    breaks : sequence of float
        Days across which nothing is averaged.

    Returns
    -------
    tuple of SeriesRow
        Only services that the world has; `places` (or the norm) at their written value, NaN where none is known or the
        service is closed.
    """
    rows = []
    days = np.array(found.series_days)
    for world, study in zip(found.worlds, studies, strict=True):
        scene = Scene.of(study, Ledger(()).draw(study.network, lambda _: 0.5))
        for column, service in enumerate(found.series_services):
            limits = scene.services.get(service)
            if limits is None:
                continue
            places = np.full(len(days), np.nan) if limits.places is None else limits.places.at(days).astype(np.float64)
            places[(days < limits.opens) | (days >= limits.closes)] = np.nan
            present = found.present[world.id][:, :, column, :].astype(np.float64).reshape(-1, len(days))
            parts = np.searchsorted(sorted({*breaks, limits.opens, limits.closes}), days, side="right")
            present = _smoothed(present, parts, smooth)
            lows, highs = _smoothed(np.array(likely_ranges(present)), parts, smooth)
            means = present.mean(axis=0)
            for number, day in enumerate(found.series_days):
                low, high, room = float(lows[number]), float(highs[number]), float(places[number])
                rows.append(SeriesRow(world.id, service, day, float(means[number]), low, high, room))
    return tuple(rows)


def _smoothed(courses: Floats, parts: NDArray[np.intp], reach: int) -> Floats:
    """Return courses averaged over `reach` places on either side within the same part.

    Parameters
    ----------
    courses : ndarray of float, shape (courses, days)
        Numbers on evenly spaced days.
    parts : ndarray of int, shape (days,)
        Days with the same number belong together.
    """
    if reach == 0:
        return courses
    days = np.arange(courses.shape[1])
    # Parts are spans of days in a row, so that what is near and in the same part is a span too.
    first = np.maximum(days - reach, np.searchsorted(parts, parts, side="left"))
    last = np.minimum(days + reach + 1, np.searchsorted(parts, parts, side="right"))
    sums = np.concatenate((np.zeros((len(courses), 1)), np.cumsum(courses, axis=1)), axis=1)
    smoothed: Floats = (sums[:, last] - sums[:, first]) / (last - first)
    return smoothed


# --- one member, in whatever process -------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _opened(digest: str, packed: bytes) -> tuple[_Job, tuple[Structure, ...]]:
    """Return a job and the structures of its studies; a worker keeps those of one job."""
    job: _Job = pickle.loads(packed)
    structures = tuple(structure(study) for study in job.studies)
    settle()
    return job, structures


def _run_member(unit: _Unit) -> _Block:
    """Run all futures of one member in every study of the job; what a what-if cannot touch is run in the first only."""
    job, structures = _opened(unit.digest, unit.job)
    values, present, moves = [], [], []
    replay = np.full((job.futures, len(job.replay)), np.nan)
    whole: list[StayLog] = []
    for number, (world, theta) in enumerate(zip(structures, unit.thetas, strict=True)):
        plan, scene, window = world.bind(theta), Scene.of(world.study, theta), Window(*job.window)
        own = np.empty((job.futures, len(job.measures)))
        own_present = np.zeros((job.futures, len(job.services), len(job.days)), dtype=np.float32)
        own_moves = []
        everyone = frozenset(cohort.id for cohort in world.cohorts)
        touched = touched_cohorts(structures[0], world, unit.thetas[0], theta) if number else everyone
        for future in range(job.futures):
            try:
                luck = Luck(job.seed, unit.member * job.futures + future)
                log = simulate(plan, luck, cohorts=touched)
                if not number:
                    whole.append(log)
                elif touched != everyone:
                    log = merged(log, whole[future], touched)
            except CheckError as error:
                raise CheckError(f"world '{job.ids[number]}', future {future}: {error}") from error
            asked = job.measures if number else (*job.measures, *job.replay)
            found = measure(asked, log, scene, window, luck)
            own[future] = [found[address.text] for address in job.measures]
            own_present[future] = series(log, job.services, np.array(job.days))
            own_moves.append(flows(log, window))
            if not number:
                replay[future] = [found[address.text] for address in job.replay]
            # The engine runs with the collector off; what it leaves in cycles is young, so this is cheap.
            del log
            gc.collect(1)
        values.append(own)
        present.append(own_present)
        moves.append(tuple(own_moves))
    return _Block(tuple(values), tuple(present), tuple(moves), replay)


# --- before and after ----------------------------------------------------------------------------------------------


def _check_sizes(**sizes: int) -> None:
    problems = [
        Problem(name, size, "must be a whole number of at least 1")
        for name, size in sizes.items()
        if isinstance(size, bool) or not isinstance(size, int) or size < 1
    ]
    if problems:
        raise InputError(problems)


def _digest(study: Mapping[str, object], thetas: Sequence[Mapping[str, float]]) -> str:
    text = json.dumps([study, thetas], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _addresses(texts: Sequence[str], networks: Sequence[Network]) -> tuple[MeasureAddress, ...]:
    """Take addresses apart with whichever network knows what they name, the what-if's before the references'."""
    try:
        return parse_measures(texts, networks[-1])
    except InputError:
        pass
    read: list[MeasureAddress] = []
    problems: list[Problem] = []
    for text in texts:
        faults: list[InputError] = []
        for network in reversed(networks):
            try:
                read += parse_measures([text], network)
                break
            except InputError as error:
                faults.append(error)
        else:
            problems += faults[0].problems
    if problems:
        raise InputError(problems)
    return tuple(read)


def _gathered(
    worlds: Sequence[WorldStudy],
    place: Sequence[int],
    blocks: Sequence[_Block],
    job: _Job,
    theta: tuple[dict[str, float], ...],
) -> Replications:
    """Put the members' blocks together, in the members' order."""
    runs = len(blocks) * job.futures
    moves: list[Moves] = []
    for number in range(len(job.studies)):
        total: Moves = {}
        for block in blocks:
            for own in block.flows[number]:
                for move, rate in own.items():
                    total[move] = total.get(move, 0.0) + rate
        moves.append({move: total[move] / runs for move in sorted(total)})
    values = [np.stack([block.values[number] for block in blocks]) for number in range(len(job.studies))]
    present = [np.stack([block.present[number] for block in blocks]) for number in range(len(job.studies))]
    return Replications(
        measures=tuple(address.text for address in job.measures),
        worlds=tuple(
            World(world.id, world.scenario, world.label, values[number])
            for world, number in zip(worlds, place, strict=True)
        ),
        series_services=job.services,
        series_days=job.days,
        present={world.id: present[number] for world, number in zip(worlds, place, strict=True)},
        flows={world.id: moves[number] for world, number in zip(worlds, place, strict=True)},
        replay=np.stack([block.replay for block in blocks]),
        theta=theta,
    )
