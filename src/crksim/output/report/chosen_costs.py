"""What options cost beside each other at the user's own prices: a table for the page, sentences for the screen."""

from __future__ import annotations

from typing import Any

from crksim.analysis.choosing import REFERENCE, Judged
from crksim.analysis.costing import PER
from crksim.analysis.option_costs import OptionCosts
from crksim.analysis.results import CostRow
from crksim.output.report.priced import kroner, priced_line
from crksim.output.report.wording import Wording

__all__ = ["build_costs", "cost_cells", "cost_lines", "short_name", "told_name"]

#: Row of the costs -> key of the heading of its column.
_HEADS = {
    "total": "chosen_cost_total",
    "per_start": "chosen_cost_per_start",
    "per_outcome": "chosen_cost_per_outcome",
}


def told_name(name: str, judged: Judged, words: Wording) -> str:
    """Return what an option is called within a sentence: one with a title stands between quotation marks.

    Parameters
    ----------
    name : str
        Of the option.
    judged : Judged
        The options.
    words : Wording
        The language.
    """
    said = short_name(name, judged, words)
    plain = name not in judged.labels and not any(sign in name for sign in ":=")
    return said if plain else words.text("chosen_quoted", name=said)


def short_name(name: str, judged: Judged, words: Wording) -> str:
    """Return what an option is called where its changes are told beside."""
    return words.label(judged.shorts.get(name, judged.named(name)))


def cost_cells(judged: Judged, words: Wording) -> dict[str, tuple[str, str]]:
    """Return the difference in cost of every option and its likely range, by name; nothing without prices."""
    if judged.costs is None:
        return {}
    totals = {name: _row(rows, "total") for name, rows in judged.costs.rows.items()}
    return {name: _amount(row, words) for name, row in totals.items() if row is not None}


def build_costs(judged: Judged, words: Wording) -> dict[str, Any] | None:
    """Return what the page says about cost; None without prices.

    Parameters
    ----------
    judged : Judged
        The options.
    words : Wording
        The language.
    """
    costs = judged.costs
    if costs is None:
        return None
    per = [item for item in PER if any(_row(rows, item) for rows in costs.rows.values())]
    rows = []
    for choice in judged.rankings[0].choices:
        if choice.name in costs.rows:
            cells = [_amount(_row(costs.rows[choice.name], item), words) for item in ("total", *per)]
            rows.append({"name": short_name(choice.name, judged, words), "cells": cells})
    return {
        "title": words.text("chosen_cost_title", against=words.label(judged.label)),
        "heads": [words.text(_HEADS[item]) for item in ("total", *per)],
        "rows": rows,
        "lines": [*_untold(costs, words), *_notes(judged, costs, words)],
    }


def cost_lines(judged: Judged, words: Wording) -> list[str]:
    """Return what the options cost, a line each, and what holds for all of them; nothing without prices."""
    costs = judged.costs
    if costs is None:
        return []
    lines = []
    for choice in judged.rankings[0].choices:
        rows = [row for row in costs.rows.get(choice.name, ()) if not row.source]
        if rows:
            told = " ".join(priced_line(row, words) for row in rows)
            lines.append(f"  · {told_name(choice.name, judged, words)}: {told}")
    if lines:
        lines.insert(0, words.text("chosen_cost_title", against=words.label(judged.label)))
    return [*lines, *_notes(judged, costs, words)]


def _row(rows: tuple[CostRow, ...], item: str) -> CostRow | None:
    return next((row for row in rows if row.item == item), None)


def _amount(row: CostRow | None, words: Wording) -> tuple[str, str]:
    """Return an amount and its likely range; extra cost has a sign, cost for each extra one has none."""
    if row is None or not row.told:
        return words.text("chosen_cost_unknown"), ""
    signed = row.item == "total"
    low, high = kroner(row.low, words, signed=signed), kroner(row.high, words, signed=signed)
    mean = kroner(row.difference, words, signed=signed)
    return mean, "" if low == high == mean else low if low == high else f"{low} {words.text('to')} {high}"


def _untold(costs: OptionCosts, words: Wording) -> list[str]:
    """Return why quotients of some options are not told, a sentence for each sort."""
    missing = [row for rows in costs.rows.values() for row in rows if not row.told]
    return list(dict.fromkeys(priced_line(row, words) for row in missing))


def _notes(judged: Judged, costs: OptionCosts, words: Wording) -> list[str]:
    """Return which prices there are, and which options they do not hold for."""
    if costs.unlike:
        told = [
            words.text(
                "chosen_cost_pair", item=item, names=words.several([told_name(name, judged, words) for name in two])
            )
            for item, *two in costs.unlike
        ]
        return [words.text("chosen_cost_unlike", prices="; ".join(told))]
    prices = [
        words.text("chosen_cost_price", item=price.key, price=words.plain(price.kroner), source=price.source)
        for price in costs.prices
    ]
    lines = [words.text("chosen_cost_prices", prices="; ".join(prices))]
    lacking = [told_name(name, judged, words) for name in _options(judged) if name not in costs.rows]
    if lacking:
        lines.append(words.text("chosen_cost_lacking", names=words.several(lacking)))
    return [*lines, words.text("priced_note")]


def _options(judged: Judged) -> list[str]:
    return [choice.name for choice in judged.rankings[0].choices if choice.name != REFERENCE]
