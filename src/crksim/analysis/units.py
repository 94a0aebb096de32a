"""The unit of work: futures of one member in every world, in whatever process, and what is kept of each of them."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.code import code_mark
from crksim.analysis.keeping import Store, key_of, pack, pack_log, unpack, unpack_log
from crksim.analysis.measures import flows, measure, series
from crksim.analysis.pool import settle
from crksim.analysis.scene import Scene
from crksim.errors import CheckError
from crksim.model.clock import Window
from crksim.model.network import Study
from crksim.model.vocabulary import MeasureAddress
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import Plan, Structure, structure
from crksim.simulation.sharing import merged, touched_cohorts
from crksim.simulation.staylog import StayLog

__all__ = ["Future", "Given", "Job", "Moves", "Unit", "future_key", "kept_future", "replication", "run_unit"]

Floats = NDArray[np.float64]
Moves = dict[tuple[str, str], float]

#: Numbers set apart for two futures of every member.
_PAIRS = 2**20


@dataclass(frozen=True)
class Job:
    """What all units of a run have in common.

    Parameters
    ----------
    ids, studies, marks : tuple
        Of the worlds that differ, the main reference first: names, studies, and a hash of each study.
    references : int
        So many of them, from the first, are references, whose logs are kept for runs to come.
    kept : Store or None
        Where results are kept.
    """

    ids: tuple[str, ...]
    studies: tuple[Study, ...]
    marks: tuple[str, ...]
    measures: tuple[MeasureAddress, ...]
    replay: tuple[MeasureAddress, ...]
    window: tuple[float, float]
    seed: int
    services: tuple[str, ...]
    days: tuple[float, ...]
    references: int = 1
    kept: Store | None = None

    @property
    def mark(self) -> str:
        """A hash of everything that decides what its units give, but for member, future and parameters."""
        asked = [[address.text for address in part] for part in (self.measures, self.replay)]
        return key_of("job", code_mark(), self.marks, asked, self.window, self.seed, self.services, self.days)


@dataclass(frozen=True)
class Unit:
    """Futures of one member: the job by its hash (and pickled, for a worker that has not seen it), values by study."""

    digest: str
    job: bytes
    member: int
    thetas: tuple[dict[str, float], ...]
    futures: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Future:
    """What one future of a member gave.

    Parameters
    ----------
    values : ndarray of float, shape (studies, measures)
    present : ndarray of float32, shape (studies, services, days)
    flows : tuple of dict
        By study.
    replay : ndarray of float, shape (replay measures,)
    """

    values: Floats
    present: NDArray[np.float32]
    flows: tuple[Moves, ...]
    replay: Floats

    def packed(self) -> bytes:
        """Return it as bytes."""
        told = [[[one, two, rate] for (one, two), rate in own.items()] for own in self.flows]
        return pack({"values": self.values, "present": self.present, "replay": self.replay}, told)


@dataclass(frozen=True, eq=False)
class Given:
    """What a unit gives: its futures, those futures as bytes where they are kept, and logs by their keys."""

    futures: tuple[Future, ...]
    packed: tuple[bytes, ...] = ()
    logs: tuple[tuple[str, bytes], ...] = ()


def replication(member: int, future: int) -> int:
    """Return the number of the luck of a member's future; it does not depend on how many there are of either.

    The first two futures of all members stand first, so that more members or more futures leave what is there as it is.
    """
    pair, place = divmod(future, 2)
    return pair * _PAIRS + 2 * member + place


def future_key(mark: str, thetas: Sequence[dict[str, float]], member: int, future: int) -> str:
    """Return the key of one future of a member in a job of that mark."""
    return key_of("future", mark, thetas, replication(member, future))


def kept_future(store: Store, key: str) -> Future | None:
    """Return the future that is kept under a key; None when it is not, or not whole."""
    data = store.get(key)
    if data is None:
        return None
    try:
        arrays, told = unpack(data)
        moves = tuple({(one, two): rate for one, two, rate in own} for own in told)
        return Future(arrays["values"], arrays["present"], moves, arrays["replay"])
    except (ValueError, KeyError, TypeError):
        return None


@lru_cache(maxsize=1)
def _opened(digest: str, packed: bytes) -> tuple[Job, tuple[Structure, ...]]:
    """Return a job and the structures of its studies; a worker keeps those of one job."""
    job: Job = pickle.loads(packed)
    structures = tuple(structure(study) for study in job.studies)
    settle()
    return job, structures


def run_unit(unit: Unit) -> Given:
    """Run futures of one member in every study of the job; what a what-if cannot touch is run in the first only."""
    job, structures = _opened(unit.digest, unit.job)
    size = (len(unit.futures), len(structures))
    values = np.empty((*size, len(job.measures)))
    present = np.zeros((*size, len(job.services), len(job.days)), dtype=np.float32)
    replay = np.full((len(unit.futures), len(job.replay)), np.nan)
    moves: list[list[Moves]] = [[] for _ in unit.futures]
    whole: list[StayLog] = []
    logs: list[tuple[str, bytes]] = []
    for number, (world, theta) in enumerate(zip(structures, unit.thetas, strict=True)):
        plan, scene, window = world.bind(theta), Scene.of(world.study, theta), Window(*job.window)
        everyone = frozenset(cohort.id for cohort in world.cohorts)
        touched = touched_cohorts(structures[0], world, unit.thetas[0], theta) if number else everyone
        for place, future in enumerate(unit.futures):
            luck = Luck(job.seed, replication(unit.member, future))
            try:
                log = _log(job, number, theta, plan, luck, touched, logs)
                if not number:
                    whole.append(log)
                elif touched != everyone:
                    log = merged(log, whole[place], touched)
            except CheckError as error:
                raise CheckError(f"world '{job.ids[number]}', future {future}: {error}") from error
            asked = job.measures if number else (*job.measures, *job.replay)
            found = measure(asked, log, scene, window, luck)
            values[place, number] = [found[address.text] for address in job.measures]
            present[place, number] = series(log, job.services, np.array(job.days))
            moves[place].append(flows(log, window))
            if not number:
                replay[place] = [found[address.text] for address in job.replay]
            # The engine runs with the collector off; what it leaves in cycles is young, so this is cheap.
            del log
            gc.collect(1)
    given = tuple(map(Future, values, present, map(tuple, moves), replay))
    return Given(given, tuple(one.packed() for one in given) if job.kept is not None else (), tuple(logs))


def _log(
    job: Job,
    number: int,
    theta: dict[str, float],
    plan: Plan,
    luck: Luck,
    touched: frozenset[str],
    logs: list[tuple[str, bytes]],
) -> StayLog:
    """Return the rows of the touched cohorts in a world; those of a reference may be kept from another run."""
    if job.kept is None or number >= job.references:
        return simulate(plan, luck, cohorts=touched)
    key = key_of("log", code_mark(), job.marks[number], theta, job.seed, luck.replication, sorted(touched))
    data = job.kept.get(key)
    if data is not None:
        try:
            return unpack_log(data)
        except (ValueError, KeyError, TypeError):
            pass  # as good as not there
    log = simulate(plan, luck, cohorts=touched)
    logs.append((key, pack_log(log)))
    return log
