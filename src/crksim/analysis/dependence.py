"""Counts that share people say less together than one by one: by how much.

The citizens enrolled in one year are partly those of the next, and who starts in a group has been counted at the door.
The joint law of a block's counts is that of each, tied together by a normal copula (Song 2000, Scandinavian Journal of
Statistics 27:305-320); how closely is what the futures of all versions show together.  Whole numbers are put on the
normal scale at the middle of their step (Kazianka & Pilz 2010, Stochastic Environmental Research and Risk Assessment
24:661-673).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.counts import Count, law_of_numbers

__all__ = ["log_dependence", "tied"]

Floats = NDArray[np.float64]

#: Laws of one number that has a place on the normal scale; shares are told given their whole, and stand alone.
LAWS = ("count", "count_range")
#: Furthest out on the normal scale, where a law of whole numbers no longer tells.
_FURTHEST = 6.0


def log_dependence(counts: Sequence[tuple[Count, Floats]]) -> Floats:
    """Return what a block's counts say together beyond what they say one by one.

    Parameters
    ----------
    counts : sequence of (Count, ndarray of float, shape (versions, futures, measures))
        The counts and what the model gives for each; at least two futures.

    Returns
    -------
    ndarray of float, shape (versions,)
        Logarithms, up to a constant, to be added to those of `log_likelihood`; as these they are raised to
        F / (F - 1) for F futures.
    """
    versions, futures = counts[0][1].shape[:2]
    numbers = [(count, simulated[:, :, 0]) for count, simulated in counts if count.law in LAWS]
    if len(numbers) < 2:
        return np.zeros(versions)
    more = np.linalg.inv(tied(np.stack([simulated for _, simulated in numbers], axis=2))) - np.eye(len(numbers))
    scores = np.stack([_score(count, simulated) for count, simulated in numbers], axis=1)
    return np.asarray(-0.5 * np.einsum("vi,ij,vj->v", scores, more, scores) * (futures / (futures - 1.0)))


def tied(simulated: Floats) -> Floats:
    """Return the correlations of numbers over the futures of a version, from all versions together.

    Parameters
    ----------
    simulated : ndarray of float, shape (versions, futures, numbers)
        What the model gives.

    Returns
    -------
    ndarray of float, shape (numbers, numbers)
        Those within two standard errors of nothing are nothing.
    """
    expected = simulated.mean(axis=1, keepdims=True)
    around = (simulated - expected) / np.sqrt(np.maximum(expected, 1e-9))
    squares = np.einsum("vfi,vfj->ij", around, around)
    spread = np.sqrt(np.maximum(np.diag(squares), 1e-12))
    found = squares / np.outer(spread, spread)
    freedom = simulated.shape[0] * (simulated.shape[1] - 1)
    found[np.abs(found) < 2.0 / np.sqrt(freedom)] = 0.0
    np.fill_diagonal(found, 1.0)
    # Correlations left out can make of the rest what no numbers have: as near to it as can be.
    values, vectors = np.linalg.eigh(found)
    if values[0] < 0.05:
        found = (vectors * np.maximum(values, 0.05)) @ vectors.T
        found /= np.sqrt(np.outer(np.diag(found), np.diag(found)))
    return np.asarray(found)


def _score(count: Count, simulated: Floats) -> Floats:
    """Return where the report's number stands on the normal scale under each version."""
    from scipy.special import ndtri

    law = law_of_numbers(count, simulated)
    low, high = count.reported[0], count.reported[-1]
    middle = 0.5 * (law.below(low - 1.0) + law.below(high))
    return np.asarray(np.clip(ndtri(middle), -_FURTHEST, _FURTHEST))
