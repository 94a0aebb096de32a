"""Cost at the user's own prices, in sentences for screen and page."""

from __future__ import annotations

import math

from crksim.analysis.results import CostRow, Result
from crksim.output.report.wording import Wording

__all__ = ["kroner", "priced_line", "priced_lines"]


def kroner(value: float, words: Wording, *, signed: bool = False) -> str:
    """Return an amount with three figures that count."""
    if math.isnan(value) or math.isinf(value) or value == 0.0:
        return words.number(value)
    size = 10.0 ** max(math.floor(math.log10(abs(value))) - 2, 0)
    return words.number(round(value / size) * size, signed=signed)


def priced_lines(result: Result, words: Wording) -> list[str]:
    """Return what the what-if costs at the prices given; nothing without prices.

    Parameters
    ----------
    result : Result
        What the run found.
    words : Wording
        The language.
    """
    lines = [priced_line(row, words) for row in result.costs]
    return [*lines, words.text("priced_note")] if lines else []


def priced_line(row: CostRow, words: Wording) -> str:
    """Return what one row of the costs says."""
    told = _amounts(row, words)
    if row.item == "total":
        return words.text("priced_total", **told) if row.told else words.text("priced_unknown")
    if row.item in ("per_start", "per_outcome"):
        return words.text(row.item if row.told else f"{row.item}_untold", **told)
    return words.text("priced_item", **told)


def _amounts(row: CostRow, words: Wording) -> dict[str, str]:
    low, high = kroner(row.low, words, signed=True), kroner(row.high, words, signed=True)
    return {
        "item": row.item,
        "price": words.plain(row.kroner),
        "source": row.source,
        "reference": kroner(row.reference, words),
        "what_if": kroner(row.what_if, words),
        "difference": kroner(row.difference, words, signed=row.item == "total"),
        "span": low if low == high else f"{low} {words.text('to')} {high}",
    }
