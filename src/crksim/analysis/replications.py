"""Every world over every member and future: the same luck in all worlds, the same bytes in any order.

The unit of work is one member: all worlds, all futures.  A member is a draw of every uncertain parameter by name, so
worlds that share a parameter share its value; the luck of future f of member m is the same in every world, and does not
depend on how many members or futures there are.  What is kept of an earlier run is not run again.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import likely_ranges
from crksim.analysis.ensemble import WorldStudy, draw_members
from crksim.analysis.keeping import Store, key_of
from crksim.analysis.pool import Pool, Progress, open_pool
from crksim.analysis.results import SeriesRow, World
from crksim.analysis.scene import Scene
from crksim.analysis.units import Future, Job, Moves, Unit, future_key, kept_future, run_unit
from crksim.errors import InputError, Problem
from crksim.model.clock import Window
from crksim.model.ledger import Ledger, read_ledger
from crksim.model.network import Network, Study
from crksim.model.vocabulary import MeasureAddress, parse_measures

__all__ = ["Replications", "WorldStudy", "replicate", "series_rows"]

Floats = NDArray[np.float64]


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
    kept: Store | None = None,
    references: int = 1,
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
    kept : Store, optional
        What is kept there is not run again, and what is run is kept there as it comes.
    references : int
        So many worlds, from the first, are references: their logs are kept for runs to come.

    Raises
    ------
    InputError
        When a study, the ledger or an address breaks a rule, or a size is below 1.
    CheckError
        When a replication fails; names world, member and future.
    OSError
        What should be kept cannot be written.
    """
    _check_sizes(members=members, futures=futures, worlds=len(worlds))
    found = [world.read() for world in worlds]
    networks = [study.network for study in found]
    thetas = draw_members(worlds, networks, read_ledger(ledger), members, seed, theta_overrides)
    # Worlds that are equal in study and parameters are one run.
    marks = [key_of(world.study) for world in worlds]
    runs: dict[tuple[str, str], int] = {}
    place = [runs.setdefault((mark, key_of(theta)), len(runs)) for mark, theta in zip(marks, thetas, strict=True)]
    first = [place.index(number) for number in range(len(runs))]
    read = _addresses([*measures, *replay], networks)
    job = Job(
        ids=tuple(worlds[index].id for index in first),
        studies=tuple(found[index] for index in first),
        marks=tuple(marks[index] for index in first),
        measures=read[: len(measures)],
        replay=read[len(measures) :],
        window=(window.start, window.end),
        seed=seed,
        services=tuple(series_services),
        days=tuple(float(day) for day in series_days),
        references=max(place[:references]) + 1,
        kept=kept,
    )
    own = [tuple(thetas[index][member] for index in first) for member in range(members)]
    with nullcontext(pool) if pool is not None else open_pool(workers) as working:
        futures_found = _run_members(job, own, futures, working, progress)
    return _gathered(worlds, place, futures_found, job, thetas[0])


def _run_members(
    job: Job, thetas: Sequence[tuple[dict[str, float], ...]], futures: int, pool: Pool, progress: Progress | None
) -> list[list[Future]]:
    """Return all futures of all members; those that are kept are not handed out, and the others kept as they come."""
    kept = job.kept
    there: dict[tuple[int, int], Future] = {}
    keys: dict[tuple[int, int], str] = {}
    if kept is not None:
        mark = job.mark
        for member, own in enumerate(thetas):
            for future in range(futures):
                keys[member, future] = key = future_key(mark, own, member, future)
                known = kept_future(kept, key)
                if known is not None:
                    there[member, future] = known
    packed = pickle.dumps(job)
    digest = hashlib.sha256(packed).hexdigest()
    units = []
    for member, own in enumerate(thetas):
        missing = tuple(future for future in range(futures) if (member, future) not in there)
        if missing:
            units.append(Unit(digest, packed, member, own, missing))
    whole = len(thetas) - len(units)
    if progress is not None and whole:
        progress(whole, len(thetas))

    def told(done: int, total: int) -> None:
        if progress is not None:
            progress(whole + done, len(thetas))

    def put(unit: Unit, found: Any) -> None:
        assert kept is not None
        for key, data in found.logs:
            kept.keep_spare(key, data)
        for future, data in zip(unit.futures, found.packed, strict=True):
            kept.keep(keys[unit.member, future], data)

    # With results kept, the others are worked out although one fails: the same command goes on from them.
    keep = None if kept is None else put
    given = pool.run_all(run_unit, units, name=lambda unit: f"member {unit.member}", progress=told, keep=keep)
    for unit, found in zip(units, given, strict=True):
        there |= {(unit.member, future): one for future, one in zip(unit.futures, found.futures, strict=True)}
    return [[there[member, future] for future in range(futures)] for member in range(len(thetas))]


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


# --- before and after ----------------------------------------------------------------------------------------------


def _check_sizes(**sizes: int) -> None:
    problems = [
        Problem(name, size, "must be a whole number of at least 1")
        for name, size in sizes.items()
        if isinstance(size, bool) or not isinstance(size, int) or size < 1
    ]
    if problems:
        raise InputError(problems)


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
    members: Sequence[Sequence[Future]],
    job: Job,
    theta: tuple[dict[str, float], ...],
) -> Replications:
    """Put the futures together, in the members' order."""
    everything = [future for member in members for future in member]
    moves: list[Moves] = []
    for number in range(len(job.studies)):
        total: Moves = {}
        for future in everything:
            for move, rate in future.flows[number].items():
                total[move] = total.get(move, 0.0) + rate
        moves.append({move: total[move] / len(everything) for move in sorted(total)})

    def stacked(part: Callable[[Future], Any]) -> NDArray[Any]:
        return np.stack([[part(future) for future in member] for member in members])

    studies = range(len(job.studies))
    values = [stacked(lambda future: future.values[number]) for number in studies]  # noqa: B023
    present = [stacked(lambda future: future.present[number]) for number in studies]  # noqa: B023
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
        replay=stacked(lambda future: future.replay),
        theta=theta,
    )
