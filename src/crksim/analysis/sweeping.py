"""What the points of a sweep say, one point at a time: means, ranges, and differences from the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import effects, likely_range

__all__ = ["COLUMNS", "long_rows", "summary_rows"]

Floats = NDArray[np.float64]

#: Columns of the summary after those of the point.
COLUMNS = ("measure", "mean", "low", "high", "reference", "difference", "difference_low", "difference_high")


def summary_rows(
    place: Mapping[str, Any], measures: Sequence[str], values: Floats, reference: Floats
) -> list[dict[str, Any]]:
    """Return a row for every measure at one point.

    Parameters
    ----------
    place : mapping
        Columns of the point.
    measures : sequence of str
        Output addresses.
    values, reference : ndarray of float, shape (members, futures, measures)
        The same cell has the same luck in both.
    """
    rows = []
    for column, measure in enumerate(measures):
        own, difference = effects(values[:, :, column]), effects((values - reference)[:, :, column])
        ends = (*likely_range(own.members), *likely_range(difference.members))
        known = effects(reference[:, :, column]).mean
        told = (measure, own.mean, *ends[:2], known, difference.mean, *ends[2:])
        rows.append({**place, **dict(zip(COLUMNS, told, strict=True))})
    return rows


def long_rows(place: Mapping[str, Any], values: Floats) -> dict[str, NDArray[Any]]:
    """Return the columns of one point in long form: a row for every member, future and measure.

    Parameters
    ----------
    place : mapping
        Columns of the point: whole numbers and floats.
    values : ndarray of float, shape (members, futures, measures)
        What was measured.
    """
    member, future, measure = (index.ravel().astype(np.int32) for index in np.indices(values.shape))
    same = {
        name: np.full(values.size, told, dtype=np.int32 if isinstance(told, int) else np.float64)
        for name, told in place.items()
    }
    return {**same, "member": member, "future": future, "measure": measure, "value": values.ravel()}
