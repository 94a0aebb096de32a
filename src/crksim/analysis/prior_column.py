"""What a comparison would have said before the report's counts were looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import effects, likely_range
from crksim.analysis.results import ComparisonRow, World

__all__ = ["with_priors"]

Floats = NDArray[np.float64]


def with_priors(
    rows: Sequence[ComparisonRow],
    measures: Sequence[str],
    worlds: Sequence[World],
    priors: Sequence[World],
) -> tuple[ComparisonRow, ...]:
    """Return the rows with mean and likely range of the difference under the priors.

    Priors have one future a member, so the luck in their differences is taken from the ensemble's: their means are
    drawn towards the grand mean by the root of the part of their variance that it does not explain, as in `effects`.

    Parameters
    ----------
    rows : sequence of ComparisonRow
        The comparison; rows against other references than the main one stay as they are.
    measures : sequence of str
        Output addresses, the third axis of all values.
    worlds : sequence of World
        Main reference first, what-if last, over the ensemble.
    priors : sequence of World
        Main reference and what-if over the priors.
    """
    columns = {measure: column for column, measure in enumerate(measures)}
    found = []
    for row in rows:
        if row.against != worlds[0].id or row.measure not in columns:
            found.append(row)
            continue
        column = columns[row.measure]
        luck = effects(worlds[-1].values[:, :, column] - worlds[0].values[:, :, column]).luck
        mean, low, high = _span(priors[-1].values[:, :, column] - priors[0].values[:, :, column], luck)
        found.append(replace(row, prior_difference=mean, prior_low=low, prior_high=high))
    return tuple(found)


def _span(differences: Floats, luck: float) -> tuple[float, float, float]:
    """Return mean and likely range of expected differences, a known variance of luck taken out."""
    defined = np.isfinite(differences)
    known = differences[defined.any(axis=1)]
    if len(known) < 2:
        return float("nan"), float("nan"), float("nan")
    futures = np.isfinite(known).sum(axis=1)
    means = np.nansum(known, axis=1) / futures
    grand, spread = float(means.mean()), float(means.var(ddof=1))
    own = 0.0 if np.isnan(luck) else luck * float((1.0 / futures).mean())
    kept = min(1.0, max(0.0, 1.0 - own / spread) + 1.0 / len(means)) if spread > 0.0 else 1.0
    low, high = likely_range(grand + np.sqrt(kept) * (means - grand))
    return grand, low, high
