"""What every change of a what-if does, in words: for the report and for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crksim.output.report.wording import Wording, is_share

if TYPE_CHECKING:
    from crksim.analysis.results import AttributionRow, Result

__all__ = ["attributed", "is_idle", "leading_attribution", "part_label"]


def leading_attribution(result: Result) -> list[AttributionRow]:
    """Return the rows about the first measure that was taken apart."""
    return [row for row in result.attribution if row.measure == result.attribution[0].measure]


def part_label(row: AttributionRow, words: Wording) -> str:
    """Return what a row is called: the change, or what the row stands for."""
    return words.label(row.label) if row.part == "change" else words.text(f"attribution_{row.part}")


def is_idle(row: AttributionRow) -> bool:
    """Say whether a change leaves the measure as it is, alone and with others."""
    return row.alone == row.in_order == row.shared == row.alone_low == row.alone_high == 0.0


def attributed(result: Result, words: Wording) -> list[dict[str, Any]]:
    """Return what every change does as texts, a table for every measure; none where nothing was taken apart."""
    tables = []
    for measure in dict.fromkeys(row.measure for row in result.attribution):
        rows = [row for row in result.attribution if row.measure == measure]
        unit = words.text("points") if is_share(rows[0].unit) else words.label(rows[0].unit)
        label = words.label(rows[0].subject)
        label += "" if unit.casefold() in label.casefold() else f" ({unit})"
        told = [_texts(row, rows, words) for row in rows[1:]]
        parts = "; ".join(f"{row['part']}: {row['alone']}" for row in told)
        tables.append({"label": label, "rows": told, "alt": words.text("attribution_alt", label=label, parts=parts)})
    return tables


def _texts(row: AttributionRow, rows: list[AttributionRow], words: Wording) -> dict[str, Any]:
    factor = 100.0 if is_share(row.unit) else 1.0
    largest = max(abs(factor * other.alone) for other in rows[1:])
    decimals = words.decimals(largest, smallest=largest / 10 if largest > 0 else 1.0)
    change = row.part == "change"
    return {
        "part": part_label(row, words),
        "kind": row.part,
        "idle": change and is_idle(row),
        "alone": words.number(factor * row.alone, decimals, signed=True),
        "span": words.span(factor * row.alone_low, factor * row.alone_high, decimals, signed=True),
        "in_order": words.number(factor * row.in_order, decimals, signed=True) if change else "",
        "shared": words.number(factor * row.shared, decimals, signed=True) if change else "",
    }
