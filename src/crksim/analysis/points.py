"""A what-if tried at one point: run alone, with the versions and the luck that it has beside its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import effects
from crksim.analysis.ensemble import WorldStudy, draw_members
from crksim.analysis.keeping import Store
from crksim.analysis.pool import Pool, Progress
from crksim.analysis.replications import replicate
from crksim.model.clock import Window
from crksim.model.ledger import read_ledger

__all__ = ["expected", "run_alone"]

Floats = NDArray[np.float64]


def run_alone(
    reference: WorldStudy,
    world: WorldStudy,
    ledger: Mapping[str, object],
    *,
    measures: Sequence[str],
    members: int,
    futures: int,
    seed: int,
    window: Window,
    ensemble: Sequence[Mapping[str, float]] | None = None,
    pool: Pool | None = None,
    progress: Progress | None = None,
    kept: Store | None = None,
) -> Floats:
    """Run one world alone and return what it has beside its reference: the same numbers, for one run less.

    Where results are kept, the reference is run once for all points, and of the others only what differs from it.

    Parameters
    ----------
    reference, world : WorldStudy
        The reference says how versions differ in what the world changes; it is not run, unless it is the world.
    ledger, measures, members, futures, seed, window, pool, progress, kept
        As in `replicate`.
    ensemble : sequence of mapping, optional
        Values of parameters by member; drawn from the ledger when not given.

    Returns
    -------
    ndarray of float, shape (members, futures, measures)

    Raises
    ------
    InputError, CheckError, OSError
        As `replicate`.
    """
    worlds, values = [reference, world], ensemble
    if kept is None:
        networks = [reference.read().network, world.read().network]
        thetas = draw_members(worlds, networks, read_ledger(ledger), members, seed, ensemble)
        worlds, values = [world], thetas[-1]
    found = replicate(
        worlds,
        ledger,
        measures=measures,
        members=members,
        futures=futures,
        seed=seed,
        window=window,
        theta_overrides=values,
        pool=pool,
        progress=progress,
        kept=kept,
    )
    return found.worlds[-1].values


def expected(values: Floats) -> Floats:
    """Return what every member expects, luck taken out; NaN where nothing is defined.

    Parameters
    ----------
    values : ndarray of float, shape (members, futures)
        Of one measure.
    """
    found = np.full(len(values), np.nan)
    found[np.isfinite(values).any(axis=1)] = effects(values).members
    return found
