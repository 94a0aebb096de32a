"""Versions of the system that agree with the report: exact pieces, and blocks by sequential Monte Carlo.

A block is simulated alone: its cohorts share no hard place that its counts speak of with others, so these have the same
law as in the whole.  What a block does not move is drawn anew from its prior for every version, and so integrated out.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.blocks import Block, Blocks
from crksim.analysis.code import code_mark
from crksim.analysis.counts import Count, Counts, log_likelihood
from crksim.analysis.dependence import log_dependence
from crksim.analysis.keeping import Store, key_of, run_kept
from crksim.analysis.measures import measure
from crksim.analysis.particles import Cloud, Likelihood, start, step
from crksim.analysis.pool import Pool
from crksim.analysis.scene import Scene
from crksim.errors import CheckError
from crksim.model.clock import Window
from crksim.model.ledger import Ledger
from crksim.model.study import read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck, constant, uniform
from crksim.simulation.plan import Structure, structure

__all__ = [
    "FUTURES",
    "Sizes",
    "Task",
    "block_likelihood",
    "calibrate_block",
    "columns_of",
    "evaluate_members",
    "evaluation",
    "luck_of",
    "members_of",
    "resized",
]

Floats = NDArray[np.float64]

#: Futures by which a version's likelihood is estimated.
FUTURES = 4
#: Versions that one unit of work simulates.
UNIT = 8
_FAMILY = " calibration"


@dataclass(frozen=True)
class Sizes:
    """How much work a calibration is.

    Parameters
    ----------
    particles : int
        Versions per block.
    futures : int
        Futures per version.
    moves : int
        Moves per step.
    """

    particles: int = 600
    futures: int = FUTURES
    moves: int = 2


@dataclass(frozen=True)
class Task:
    """What is calibrated: the study, what is known of its numbers, and the counts.

    Parameters
    ----------
    study : mapping
        The study as a plain dict.
    blocks : Blocks
        Exact pieces and blocks, with their priors.
    counts : Counts
        The report's counts.
    ledger : Ledger
        Laws of what no block moves.
    seed : int
        Seed of all luck.
    """

    study: Mapping[str, object]
    blocks: Blocks
    counts: Counts
    ledger: Ledger
    seed: int

    def counts_of(self, block: Block) -> tuple[Count, ...]:
        """Return the counts that a block answers for."""
        return tuple(self.counts[name] for name in block.counts)


@dataclass(frozen=True)
class _Job:
    """What the versions of one block have in common; crosses to the workers once a unit, packed."""

    task: Task
    block: Block
    measures: tuple[str, ...]
    futures: int


@dataclass(frozen=True)
class _Unit:
    """Some versions to simulate."""

    digest: str
    packed: bytes
    scores: Floats
    first: int


@dataclass(frozen=True)
class _Members:
    """Some versions whose parameters are given."""

    digest: str
    packed: bytes
    given: tuple[Mapping[str, float], ...]
    first: int


def _packed(task: Task, block: Block, futures: int) -> tuple[str, bytes]:
    """Return the job of a block with its hash."""
    packed = pickle.dumps(_Job(task, block, measures_of(task, block), futures))
    return hashlib.sha256(packed).hexdigest(), packed


def evaluation(
    task: Task, block: Block, sizes: Sizes, pool: Pool, told: Callable[[int], None] | None = None
) -> Callable[[Floats, int], Floats]:
    """Return what simulates versions of a block.

    Parameters
    ----------
    task : Task
        What is calibrated.
    block : Block
        The block.
    sizes : Sizes
        How many futures a version has.
    pool : Pool
        Who works.
    told : callable, optional
        Called with the number of versions simulated, whenever some are.
    """
    digest, packed = _packed(task, block, sizes.futures)

    def evaluate(scores: Floats, first: int) -> Floats:
        units = [
            _Unit(digest, packed, scores[begin : begin + UNIT], first + begin) for begin in range(0, len(scores), UNIT)
        ]
        found = []
        for part in pool.run_all(_simulate_versions, units, name=lambda unit: f"{block.id}, version {unit.first}"):
            found.append(part)
            if told is not None:
                told(len(part))
        return np.concatenate(found)

    return evaluate


def evaluate_members(
    task: Task,
    block: Block,
    members: Sequence[Mapping[str, float]],
    pool: Pool,
    *,
    futures: int = FUTURES,
    first: int = 0,
    kept: Store | None = None,
) -> Floats:
    """Return what the model gives for versions whose parameters are known.

    Parameters
    ----------
    task, block, pool
        As in `evaluation`.
    members : sequence of mapping
        Parameter -> value of every version (in days, per day, or without unit); others are drawn.
    futures : int
        Futures of each.
    first : int
        Key of the first version's luck; the same keys have the same luck.
    kept : Store, optional
        What is kept there is not run again, and what is run is kept there as it comes.

    Returns
    -------
    ndarray of float, shape (members, futures, measures)
        NaN for a version that is not possible.
    """
    digest, packed = _packed(task, block, futures)
    units = [
        _Members(digest, packed, tuple(members[begin : begin + UNIT]), first + begin)
        for begin in range(0, len(members), UNIT)
    ]
    mark = key_of(
        "versions",
        code_mark(),
        task.study,
        task.blocks.exact,
        task.ledger,
        task.seed,
        block,
        measures_of(task, block),
        futures,
    )
    found = run_kept(
        pool,
        _simulate_members,
        units,
        kept,
        lambda unit: key_of(mark, unit.first, unit.given),
        name=lambda unit: f"{block.id}, {unit.first}",
    )
    return np.concatenate(found)


def measures_of(task: Task, block: Block) -> tuple[str, ...]:
    """Return the addresses of everything that is measured for the counts of a block, each once."""
    return tuple(dict.fromkeys(address for count in task.counts_of(block) for address in count.addresses))


def columns_of(task: Task, block: Block) -> list[list[int]]:
    """Return for every count of a block which of the simulated numbers are its own."""
    places = {address: place for place, address in enumerate(measures_of(task, block))}
    return [[places[address] for address in count.addresses] for count in task.counts_of(block)]


def block_likelihood(task: Task, block: Block) -> Likelihood:
    """Return what the counts of a block say of simulated numbers."""
    counts, columns = task.counts_of(block), columns_of(task, block)

    def likelihood(simulated: Floats) -> Floats:
        possible = ~np.isnan(simulated).all(axis=(1, 2))
        logs = np.full(len(simulated), -np.inf)
        if possible.any():
            own = simulated[possible]
            told = [(count, own[:, :, column]) for count, column in zip(counts, columns, strict=True)]
            logs[possible] = sum(log_likelihood(count, numbers) for count, numbers in told) + log_dependence(told)
        return logs

    return likelihood


def calibrate_block(
    task: Task,
    block: Block,
    sizes: Sizes,
    pool: Pool,
    *,
    cloud: Cloud | None = None,
    keep: Callable[[Cloud], None] | None = None,
    told: Callable[[int], None] | None = None,
) -> Cloud:
    """Return the particles of a block under the posterior.

    Parameters
    ----------
    task, block, sizes, pool
        As in `evaluation`.
    cloud : Cloud, optional
        Go on from here.
    keep : callable, optional
        Called with the particles after every step.
    told : callable, optional
        As in `evaluation`.
    """
    evaluate, likelihood = evaluation(task, block, sizes, pool, told), block_likelihood(task, block)
    if cloud is None:
        cloud = start(sizes.particles, len(block.parameters), evaluate, luck_of(task, block, 0))
        if keep is not None:
            keep(cloud)
    while not cloud.done:
        step(cloud, evaluate, likelihood, luck_of(task, block, len(cloud.steps) + 1), moves=sizes.moves)
        if keep is not None:
            keep(cloud)
    return cloud


def members_of(task: Task, clouds: Mapping[str, Cloud], members: int) -> list[dict[str, float]]:
    """Return the ensemble: for every member a value of every parameter that was calibrated.

    Parameters
    ----------
    task : Task
        What was calibrated.
    clouds : mapping of str to Cloud
        Block -> its particles; blocks are independent, so theirs are put together by chance.
    members : int
        Number of members.
    """
    found: list[dict[str, float]] = [_exact(task, member) for member in range(members)]
    for block in task.blocks.blocks:
        scores = clouds[block.id].scores
        order = luck_of(task, block, -1).permutation(len(scores))
        # Every particle about equally often, whatever their number.
        chosen = order[np.arange(members) * len(scores) // members]
        for name, column in zip(block.parameters, scores[chosen].T, strict=True):
            prior = task.blocks.priors[name]
            for member, value in zip(found, prior.values(column), strict=True):
                member[name] = float(value)
    return found


def luck_of(task: Task, block: Block, number: int) -> np.random.Generator:
    """Return the luck of one step of the method."""
    key = int.from_bytes(hashlib.sha256(block.id.encode()).digest()[:4], "big")
    return np.random.default_rng([task.seed, key, number + 2])


def _exact(task: Task, member: int) -> dict[str, float]:
    """Return a member's draw of the exact pieces."""
    base = Luck(task.seed, 0).base(_FAMILY, member)
    return task.blocks.draw_exact(lambda name: uniform(base, constant(_FAMILY, 0, name)))


# --- in whatever process -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _opened(digest: str, packed: bytes) -> tuple[_Job, Structure]:
    job: _Job = pickle.loads(packed)
    world = structure(read_study(job.task.study))
    return job, world


def _simulate_versions(unit: _Unit) -> Floats:
    """Return what the model gives in every future of some versions; NaN for a version that is not possible."""
    job, world = _opened(unit.digest, unit.packed)
    priors = job.task.blocks.priors
    values = {name: priors[name].values(unit.scores[:, i]) for i, name in enumerate(job.block.parameters)}
    own = [{name: float(column[place]) for name, column in values.items()} for place in range(len(unit.scores))]
    return np.stack([_version(job, world, unit.first + place, given) for place, given in enumerate(own)])


def _simulate_members(unit: _Members) -> Floats:
    """Return the same for versions whose parameters are given."""
    job, world = _opened(unit.digest, unit.packed)
    return np.stack([_version(job, world, unit.first + place, given) for place, given in enumerate(unit.given)])


def _version(job: _Job, world: Structure, key: int, own: Mapping[str, float]) -> Floats:
    """Return every future of one version; what is not given is drawn by the version's key."""
    task, block = job.task, job.block
    found = np.full((job.futures, len(job.measures)), np.nan)
    base = Luck(task.seed, 1).base(_FAMILY, key)

    def draw(name: str) -> float:
        return uniform(base, constant(_FAMILY, 0, name))

    theta = task.ledger.draw(world.study.network, draw, _exact(task, key) | dict(own))
    plan, scene = world.bind(theta), Scene.of(world.study, theta)
    try:
        for future in range(job.futures):
            luck = Luck(task.seed + 1, key * job.futures + future)
            log = simulate(plan, luck, until=block.until, cohorts=block.cohorts)
            numbers = measure(job.measures, log, scene, Window(0.0, block.until), luck)
            found[future] = [numbers[address] for address in job.measures]
    except CheckError:
        found[:] = np.nan  # shares above one: no version of this system
    return found


def resized(sizes: Sizes, block: Block) -> Sizes:
    """Return the sizes of one block: those it names take the place of the general ones."""
    return replace(sizes, particles=block.particles or sizes.particles, futures=block.futures or sizes.futures)
