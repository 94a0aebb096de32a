"""A run in which nothing is changed: CRK as it is, told without a comparison of two worlds that are one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crksim.analysis.comparison import likely_range
from crksim.analysis.results import ComparisonRow, Result
from crksim.output.report.wording import Wording, is_share

if TYPE_CHECKING:
    from crksim.output.finished import Run

__all__ = ["as_it_is", "one_world"]


def one_world(run: Run) -> Run:
    """Return the run with its last world only where nothing is changed, so that a figure draws it once."""
    if not run.result.alone:
        return run
    return replace(run, result=replace(run.result, worlds=run.result.worlds[-1:]))


def as_it_is(result: Result, rows: Iterable[ComparisonRow], words: Wording) -> list[dict[str, Any]]:
    """Return what measures are where nothing is changed: the mean, and the range of a single course.

    Parameters
    ----------
    result : Result
        A run in which nothing is changed.
    rows : iterable of ComparisonRow
        The measures.
    words : Wording
        The language.
    """
    told = []
    for row in rows:
        share = is_share(row.unit)
        factor = 100.0 if share else 1.0
        found = factor * result.worlds[-1].values[:, :, result.measures.index(row.measure)]
        low, high = likely_range(found[np.isfinite(found)])
        decimals = words.decimals(row.what_if * factor, smallest=row.worthwhile * factor)
        mean, span = words.number(row.what_if * factor, decimals), words.span(low, high, decimals)
        label, unit = words.label(row.label), "" if share else words.label(row.unit)
        told.append(
            {
                "label": label,
                "unit_shown": "" if unit.casefold() in label.casefold() else f" ({unit})",
                "mean": words.per_cent(mean) if share else mean,
                "span": words.per_cent(span) if share and not math.isnan(low) else span,
            }
        )
    return told
