"""What versions of the system say of numbers of the report: the past only, all cohorts, single futures."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.code import code_mark
from crksim.analysis.ensemble import WorldStudy, draw_members
from crksim.analysis.keeping import Store, key_of, run_kept
from crksim.analysis.measures import measure
from crksim.analysis.pool import Pool, Progress
from crksim.analysis.scene import Scene
from crksim.errors import CheckError
from crksim.model.clock import Window
from crksim.model.ledger import read_ledger
from crksim.model.network import Label
from crksim.model.study import read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import Structure, structure

__all__ = ["Predicted", "predict"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Predicted:
    """What members say.

    Parameters
    ----------
    values : ndarray of float, shape (members, futures, measures)
        NaN where a measure is not defined, and all of a member whose shares exceed one.
    thetas : tuple of dict
        Every member's parameters.
    """

    values: Floats
    thetas: tuple[Mapping[str, float], ...]

    @property
    def futures(self) -> Floats:
        """Single futures of all members that are possible, shape (members x futures, measures)."""
        flat = self.values.reshape(-1, self.values.shape[2])
        return flat[~np.isnan(flat).all(axis=1)]


@dataclass(frozen=True)
class _Job:
    study: Mapping[str, object]
    measures: tuple[str, ...]
    futures: int
    seed: int
    until: float


@dataclass(frozen=True)
class _Unit:
    digest: str
    packed: bytes
    member: int
    theta: Mapping[str, float]


def predict(
    study: Mapping[str, object],
    ledger: Mapping[str, object],
    measures: Sequence[str],
    pool: Pool,
    *,
    members: int,
    futures: int,
    seed: int,
    calibrated: Sequence[Mapping[str, float]] | None = None,
    factors: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    kept: Store | None = None,
) -> Predicted:
    """Return what members say of measures that end before the study's forecast begins.

    Parameters
    ----------
    study, ledger : mapping
        As plain dicts.
    measures : sequence of str
        Output addresses, each with its window.
    pool : Pool
        Who works.
    members, futures, seed : int
        Size, and the seed of all luck.
    calibrated : sequence of mapping, optional
        Values of each member that are not drawn.
    factors : mapping of str to float, optional
        Parameter -> factor on every member's value: a model that is wrong on purpose.
    progress : callable, optional
        Called with (members done, members).
    kept : Store, optional
        What is kept there is not run again, and what is run is kept there as it comes.
    """
    read = read_study(study)
    world = WorldStudy("baseline", "baseline", Label("", ""), study)
    (drawn,) = draw_members([world], [read.network], read_ledger(ledger), members, seed, calibrated)
    wrong = factors or {}
    thetas = [{name: value * wrong.get(name, 1.0) for name, value in theta.items()} for theta in drawn]
    packed = pickle.dumps(_Job(study, tuple(measures), futures, seed, read.forecast))
    mark = key_of("prediction", code_mark(), study, list(measures), futures, seed)
    digest = hashlib.sha256(packed).hexdigest()
    units = [_Unit(digest, packed, member, theta) for member, theta in enumerate(thetas)]
    found = run_kept(
        pool,
        _predict_member,
        units,
        kept,
        lambda unit: key_of(mark, unit.member, unit.theta),
        name=lambda unit: f"member {unit.member}",
        progress=progress,
    )
    return Predicted(np.stack(found), tuple(thetas))


@lru_cache(maxsize=1)
def _opened(digest: str, packed: bytes) -> tuple[_Job, Structure]:
    job: _Job = pickle.loads(packed)
    return job, structure(read_study(job.study))


def _predict_member(unit: _Unit) -> Floats:
    job, world = _opened(unit.digest, unit.packed)
    plan, scene = world.bind(unit.theta), Scene.of(world.study, unit.theta)
    found = np.full((job.futures, len(job.measures)), np.nan)
    try:
        for future in range(job.futures):
            luck = Luck(job.seed, unit.member * job.futures + future)
            log = simulate(plan, luck, until=job.until)
            numbers = measure(job.measures, log, scene, Window(0.0, job.until), luck)
            found[future] = [numbers[address] for address in job.measures]
    except CheckError:
        found[:] = np.nan  # shares above one: no version of this system
    return found
