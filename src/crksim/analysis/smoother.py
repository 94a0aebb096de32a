"""An ensemble smoother beside the particles: another method on the same blocks, as a comparison only.

Counts of one to ten are not normal, and the smoother treats them as if they were; where it differs from the particles,
the particles are believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.counts import REST, Count

__all__ = ["ROUNDS", "observed", "smooth"]

Floats = NDArray[np.float64]

ROUNDS = 4


def observed(count: Count, simulated: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a count as numbers that are nearly normal: simulated, reported, and the variance of what is reported.

    Parameters
    ----------
    count : Count
        The count.
    simulated : ndarray of float, shape (versions, futures, measures)
        What the model gives.

    Returns
    -------
    tuple of ndarray of float, shapes (versions, k), (k,), (k,)
        Square roots of numbers of people, shares of parts, or a mean.
    """
    if count.law in ("count", "count_range"):
        middle = sum(count.reported) / len(count.reported)
        width = (count.reported[-1] - count.reported[0]) ** 2 / 12.0
        found = np.sqrt(simulated[:, :, 0].mean(axis=1) + 0.25)
        spread = 0.25 * (count.extra + width / max(middle, 1.0))
        return found[:, None], np.array([np.sqrt(middle + 0.25)]), np.array([spread])
    if count.law == "mean_range":
        low, high = count.reported
        found = np.isfinite(simulated[:, :, 0])
        times = np.maximum(found.sum(axis=1), 1)
        filled = np.where(found, simulated[:, :, 0], 0.0)
        means = np.where(found.any(axis=1), filled.sum(axis=1) / times, np.nan)
        squares = (np.where(found, filled - np.nan_to_num(means)[:, None], 0.0) ** 2).sum()
        within = float(squares / max(int((times - 1).sum()), 1))
        centre = 0.5 * (low + high)
        return (
            np.nan_to_num(means, nan=centre)[:, None],
            np.array([centre]),
            np.array([within + (high - low) ** 2 / 12]),
        )
    sums = simulated.sum(axis=1)
    reported = np.array(count.reported)
    if count.law == "binomial":
        parts, whole, told = sums[:, :1], sums[:, 1:2], reported[:1] / reported[1]
        size = float(reported[1])
    else:
        parts, size = sums[:, :-1], float(reported.sum())
        whole = sums[:, -1:] if count.measures[-1].startswith(REST) else sums.sum(axis=1, keepdims=True)
        told = reported[:-1] / size
    shares = (parts + 0.5) / (whole + 1.0)
    smoothed = (told * size + 0.5) / (size + 1.0)
    return shares, told, count.extra * smoothed * (1.0 - smoothed) / size


def smooth(
    scores: Floats,
    evaluate: Callable[[Floats, int], Floats],
    counts: Sequence[Count],
    columns: Sequence[Sequence[int]],
    random: np.random.Generator,
) -> Floats:
    """Return scores moved from the prior towards the counts in `ROUNDS` rounds.

    The ensemble smoother with multiple data assimilation (Emerick & Reynolds 2013, Computers & Geosciences 55:3-15),
    with equal weights of the rounds.

    Parameters
    ----------
    scores : ndarray of float, shape (versions, parameters)
        Draws of the prior, standard normal.
    evaluate : callable
        As for the particles.
    counts : sequence of Count
        What is to be met.
    columns : sequence of sequence of int
        For every count the columns of its measures.
    random : Generator
        Luck of the method.
    """
    scores = scores.copy()
    for number in range(ROUNDS):
        simulated = evaluate(scores, number * len(scores))
        possible = ~np.isnan(simulated).all(axis=(1, 2))
        pieces = [observed(count, simulated[possible][:, :, c]) for count, c in zip(counts, columns, strict=True)]
        given, told, spread = (np.concatenate([piece[part] for piece in pieces], axis=-1) for part in range(3))
        errors = random.standard_normal(given.shape) * np.sqrt(ROUNDS * spread)
        own = scores[possible]
        centred, away = given - given.mean(axis=0), own - own.mean(axis=0)
        size = len(own) - 1.0
        gain = (away.T @ centred / size) @ np.linalg.pinv(centred.T @ centred / size + np.diag(ROUNDS * spread))
        scores[possible] = own + (told + errors - given) @ gain.T
        # What is not possible starts again from one that is.
        if not possible.all():
            scores[~possible] = scores[random.choice(np.flatnonzero(possible), int((~possible).sum()))]
    return scores
