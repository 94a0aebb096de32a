"""How much of a measure's spread each of several numbers makes: Sobol indices and Morris' elementary effects.

Both are of the expectation over futures, at the versions that were run.  A mean over few futures still has luck in it,
which squares add up: total indices and the spread of effects come out too large.  So a square of means over futures is
replaced by the mean product of two different futures, whose luck is independent while their expectation is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LEVELS",
    "MorrisEffect",
    "SobolIndex",
    "by_future",
    "morris_design",
    "morris_effects",
    "sobol_design",
    "sobol_indices",
]

Floats = NDArray[np.float64]

#: Levels of a Morris design; a step is `LEVELS` / (2 (`LEVELS` - 1)) of a range.
LEVELS = 4
#: Bootstrap samples behind an interval, and its ends: nine in ten, as everywhere.
RESAMPLES, ENDS = 1000, (0.05, 0.95)


@dataclass(frozen=True)
class SobolIndex:
    """Shares of the variance of a measure that one number makes.

    Parameters
    ----------
    first, first_low, first_high : float
        By itself, and the bootstrap interval (9 in 10).
    total, total_low, total_high : float
        With everything that it does together with others.
    total_plain : float
        The total as it is without the luck taken out.
    noise : float
        Share of the variance between points that is luck; NaN with one future, where it is not known.
    """

    first: float
    first_low: float
    first_high: float
    total: float
    total_low: float
    total_high: float
    total_plain: float
    noise: float


@dataclass(frozen=True)
class MorrisEffect:
    """Elementary effects of one number, per whole range of it, in the measure's unit.

    Parameters
    ----------
    mu, mu_star, mu_star_low, mu_star_high : float
        Mean; mean size, and its bootstrap interval (9 in 10).
    sigma : float
        Spread: effects that depend on the others, or are no straight line; luck taken out.
    noise : float
        What luck alone adds to a single effect (standard deviation); a mean size that is not well above it is luck.
        NaN with one future, where it is not known and nothing is taken out.
    """

    mu: float
    mu_star: float
    mu_star_low: float
    mu_star_high: float
    sigma: float
    noise: float


def sobol_design(numbers: int, points: int, seed: int) -> Floats:
    """Return Saltelli's design on the unit cube: for each base point A, A with one number of B in turn, and B.

    Parameters
    ----------
    numbers : int
        How many numbers vary.
    points : int
        Base points, a power of 2.
    seed : int
        Seed of the scrambling.

    Returns
    -------
    ndarray of float, shape (points * (numbers + 2), numbers)
    """
    from SALib.sample import sobol

    found: Floats = sobol.sample(_problem(numbers), points, calc_second_order=False, seed=seed)
    return found


def morris_design(numbers: int, points: int, seed: int) -> Floats:
    """Return Morris' design on the unit cube: walks that change one number after the other.

    Parameters
    ----------
    numbers : int
        How many numbers vary.
    points : int
        Walks.
    seed : int
        Seed of the walks.

    Returns
    -------
    ndarray of float, shape (points * (numbers + 1), numbers)
    """
    from SALib.sample import morris

    found: Floats = morris.sample(_problem(numbers), points, num_levels=LEVELS, seed=seed)
    return found


def _problem(numbers: int) -> dict[str, object]:
    return {"num_vars": numbers, "names": [f"x{n}" for n in range(numbers)], "bounds": [[0.0, 1.0]] * numbers}


def by_future(values: Floats) -> Floats:
    """Return the mean over versions for every future; NaN where no version has the measure.

    Parameters
    ----------
    values : ndarray of float, shape (members, futures)
        Of one measure at one point.
    """
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums: Floats = np.where(known, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _product(one: Floats, two: Floats) -> Floats:
    """Return, row by row, the mean product of two different futures; with one future the plain product."""
    futures = one.shape[-1]
    summed: Floats = one.sum(axis=-1) * two.sum(axis=-1)
    if futures == 1:
        return summed
    same: Floats = (one * two).sum(axis=-1)
    mean: Floats = (summed - same) / (futures * (futures - 1))
    return mean


def sobol_indices(values: Floats, numbers: int, seed: int) -> list[SobolIndex]:
    """Return the indices of every number from a measure at the points of `sobol_design`.

    Parameters
    ----------
    values : ndarray of float, shape (points * (numbers + 2), futures)
        As `by_future` gives it.
    numbers : int
        How many numbers vary.
    seed : int
        Seed of the bootstrap.
    """
    own = values.reshape(-1, numbers + 2, values.shape[-1])
    own = own - own[:, [0, -1]].mean(axis=(0, 1))  # the estimators are of a measure around nought
    first, mixed, last = own[:, 0], own[:, 1:-1], own[:, -1]
    squares = 0.5 * (_product(first, first) + _product(last, last))
    plain = 0.5 * (first.mean(axis=-1) ** 2 + last.mean(axis=-1) ** 2)
    alone = np.stack([_product(last, mixed[:, n] - first) for n in range(numbers)], axis=1)
    apart = np.stack([0.5 * _product(first - mixed[:, n], first - mixed[:, n]) for n in range(numbers)], axis=1)
    plainly = 0.5 * ((first[:, None] - mixed).mean(axis=-1) ** 2).mean(axis=0)

    def shares(rows: NDArray[np.intp]) -> Floats:
        whole = squares[rows].mean()
        if not whole > 0.0:  # nothing but luck, or nothing at all
            return np.full((2, numbers), np.nan)
        both: Floats = np.stack([alone[rows].mean(axis=0), apart[rows].mean(axis=0)]) / whole
        return both

    found = shares(np.arange(len(own)))
    (first_low, total_low), (first_high, total_high) = _interval(shares, len(own), seed)
    spread = float(plain.mean())
    noise = float("nan") if values.shape[-1] == 1 or not spread > 0 else 1.0 - float(squares.mean()) / spread
    plain_total = plainly / spread if spread > 0 else np.full(numbers, np.nan)
    luck = np.full(numbers, noise)
    columns = (found[0], first_low, first_high, found[1], total_low, total_high, plain_total, luck)
    return [SobolIndex(*map(float, row)) for row in zip(*columns, strict=True)]


def morris_effects(values: Floats, design: Floats, seed: int) -> list[MorrisEffect]:
    """Return the elementary effects of every number from a measure at the points of `morris_design`.

    Parameters
    ----------
    values : ndarray of float, shape (rows, futures)
        As `by_future` gives it.
    design : ndarray of float, shape (rows, numbers)
        Where it was measured, on the unit cube.
    seed : int
        Seed of the bootstrap.
    """
    numbers = design.shape[1]
    walks = design.reshape(-1, numbers + 1, numbers)
    steps = np.diff(walks, axis=1)
    which = np.abs(steps).argmax(axis=2)
    step = np.take_along_axis(steps, which[..., None], axis=2)[..., 0]
    moved = np.diff(values.reshape(len(walks), numbers + 1, -1), axis=1) / step[..., None]
    effects = np.empty_like(moved)
    np.put_along_axis(effects, which[..., None], moved, axis=1)
    means = effects.mean(axis=-1)

    def size(rows: NDArray[np.intp]) -> Floats:
        sizes: Floats = np.abs(means[rows]).mean(axis=0)[None]
        return sizes

    (low,), (high,) = _interval(size, len(walks), seed)
    mu, star = means.mean(axis=0), size(np.arange(len(walks)))[0]
    spread = means.var(axis=0, ddof=1) if len(walks) > 1 else np.full(numbers, np.nan)
    luck = np.full(numbers, np.nan)
    if values.shape[-1] > 1:
        luck = (effects.var(axis=-1, ddof=1) / values.shape[-1]).mean(axis=0)
    sigma = np.sqrt(np.maximum(spread - np.nan_to_num(luck), 0.0))
    columns = (mu, star, low, high, sigma, np.sqrt(luck))
    return [MorrisEffect(*map(float, row)) for row in zip(*columns, strict=True)]


def _interval(
    found: Callable[[NDArray[np.intp]], Floats], rows: int, seed: int
) -> tuple[Sequence[Floats], Sequence[Floats]]:
    """Return lower and upper ends over bootstrap samples of the rows of a design."""
    drawn = np.random.default_rng(seed).integers(0, rows, size=(RESAMPLES, rows))
    several = np.stack([found(sample) for sample in drawn])
    known = np.isfinite(several).all(axis=0)
    low, high = (np.where(known, np.quantile(several, end, axis=0), np.nan) for end in ENDS)
    return list(low), list(high)
