"""Lengths seen in their middle: how long citizens have been there, and how much is left."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crksim.model.laws.kinds import Exponential, Fixed, Gamma, Law
from crksim.model.laws.mixture import Mixture

__all__ = ["elapsed_quantile", "mean_thinned", "residual_quantile"]

Floats = NDArray[np.float64]


def mean_thinned(law: Law, hazard: float = 0.0) -> float:
    """Return the mean time until a length ends or a hazard ends it, whichever is first.

    The integral over a of survival(a) exp(-hazard a): the weight of a law in an opening caseload.

    Parameters
    ----------
    law : Law
        The planned length.
    hazard : float
        Constant competing hazard per day.

    Returns
    -------
    float
        Days; ``law.mean`` without hazard.
    """
    if hazard == 0.0:
        return law.mean
    if isinstance(law, Exponential):
        return law.scale / (1.0 + hazard * law.scale)
    if isinstance(law, Gamma):
        # The Laplace transform of the gamma law is (1 + scale * hazard) ** -shape.
        return -math.expm1(-law.shape * math.log1p(law.scale * hazard)) / hazard
    if isinstance(law, Fixed):
        return -math.expm1(-law.value * hazard) / hazard
    if isinstance(law, Mixture):
        return math.fsum(w * mean_thinned(part, hazard) for w, part in zip(law.weights, law.parts, strict=True))
    return float(_age_table(law, hazard)[1][-1])


def elapsed_quantile(law: Law, u: ArrayLike, hazard: float = 0.0) -> Floats:
    """Return how long those found in the middle of a length have been there, in a steady state.

    The age a has a density in proportion to survival(a) exp(-hazard a) (Cox 1962, Renewal theory, eq. 5.1.7, thinned
    by the hazard).

    Parameters
    ----------
    law : Law
        The planned length.
    u : array_like of float, any shape
        Draws in (0, 1).
    hazard : float
        Constant competing hazard per day.

    Returns
    -------
    ndarray of float64, same shape as `u`
        Ages in days, right to 1e-4 in probability.

    Raises
    ------
    ValueError
        When the mean is infinite and no hazard bounds the age.
    """
    draws = np.asarray(u, dtype=np.float64)
    if isinstance(law, Exponential):
        return Exponential(law.scale / (1.0 + hazard * law.scale)).quantile(draws)
    if hazard == 0.0 and not math.isfinite(law.mean):
        raise ValueError("must have a finite mean, or those present would have been there for ever")
    ages, mass = _age_table(law, hazard)
    total = law.mean if hazard == 0.0 else mass[-1]
    return np.asarray(np.interp(draws * total, mass, ages), dtype=np.float64)


@lru_cache(maxsize=256)
def _age_table(law: Law, hazard: float) -> tuple[Floats, Floats]:
    """Return ages (rising from 0) and the integral of survival(a) exp(-hazard a) up to each.

    The ages are quantiles, points at equal ratios over the whole range that counts, and the breaks of the law; between
    neighbours the integral is by Gauss-Legendre with four points.
    """
    quantiles = law.quantile((np.arange(1000) + 0.5) / 1000)
    scale = float(np.median(quantiles))
    if scale <= 0.0:
        scale = float(quantiles.max()) or 1.0
    # With a tail x ** -b the mass beyond x falls only as x ** (1 - b), so a far quantile is not far enough.
    farthest = float(law.tail(1e-14))
    while float(law.survival(farthest)) * farthest > 1e-7 * scale and farthest < 1e30 * scale:
        farthest *= 10.0
    if hazard > 0.0:
        farthest = min(farthest, 40.0 / hazard)
    least = 1e-6 * min(scale, 1.0 / hazard if hazard > 0.0 else scale)
    ratios = np.geomspace(least, max(farthest, 2.0 * least), 3000)
    points = np.concatenate(([0.0], ratios, quantiles, law.breaks))
    ages = np.unique(points[points <= farthest])
    nodes, weights = np.polynomial.legendre.leggauss(4)
    width = np.diff(ages)
    at = ages[:-1, None] + 0.5 * width[:, None] * (nodes + 1.0)
    density = law.survival(at) * np.exp(-hazard * at)
    mass = np.concatenate(([0.0], np.cumsum(0.5 * width * (density @ weights))))
    return ages, mass


def residual_quantile(law: Law, age: ArrayLike, u: ArrayLike) -> Floats:
    """Return how much is left of lengths that have reached an age.

    Parameters
    ----------
    law : Law
        The planned length.
    age : array_like of float
        Days reached already.
    u : array_like of float, of a shape that fits that of `age`
        Draws in (0, 1).

    Returns
    -------
    ndarray of float64
        Days left: ``Q(F(age) + u (1 - F(age))) - age``; 0 at an age that no length exceeds.
    """
    ages, draws = np.broadcast_arrays(np.asarray(age, dtype=np.float64), np.asarray(u, dtype=np.float64))
    left = law.survival(ages) * (1.0 - draws)
    ends = law.tail(np.maximum(left, np.finfo(np.float64).tiny))
    return np.asarray(np.where(left > 0.0, np.maximum(ends - ages, 0.0), 0.0), dtype=np.float64)
