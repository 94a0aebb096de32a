"""Options held against each other in one language: the sentences for screen and page, and the tables of the page."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from crksim.analysis.choosing import REFERENCE, Choice, Judged, Pairing, Ranking
from crksim.analysis.results import VERDICTS, ComparisonRow
from crksim.output.report.answer import least
from crksim.output.report.chosen_costs import build_costs, cost_cells, short_name, told_name
from crksim.output.report.page import SYMBOLS
from crksim.output.report.wording import Wording, is_share

__all__ = ["build_chosen", "chosen_lines", "option_lines"]

MAKES_A_DIFFERENCE = VERDICTS[0]


def build_chosen(judged: Judged, words: Wording) -> dict[str, Any]:
    """Return what the page of a comparison says about choosing.

    Parameters
    ----------
    judged : Judged
        The options.
    words : Wording
        The language.
    """
    return {
        "lines": chosen_lines(judged, words),
        "rankings": [_table(ranking, judged, words) for ranking in judged.rankings],
        "costs": build_costs(judged, words),
        "pairs": [_pair(pair, judged, words) for pair in _best_pairs(judged)],
        "fresh": None if judged.fresh is None else _table(judged.fresh, judged, words),
        "fresh_title": words.text("chosen_fresh_title", seed=judged.seed),
    }


def chosen_lines(judged: Judged, words: Wording) -> list[str]:
    """Return what can be said about choosing, a sentence each.

    Parameters
    ----------
    judged : Judged
        The options.
    words : Wording
        The language.
    """
    lead = judged.rankings[0]
    lines = [words.text("chosen_by", measure=words.label(lead.question.label), least=_least(lead, words))]
    winner = lead.choices[0]
    if math.isnan(winner.regret):
        lines.append(words.text("chosen_no_direction"))
    else:
        lines.append(_winner(winner, lead, judged, words))
        lines += _against_others(winner.name, judged, words)
        lines += _curse(judged, words)
    equal = [" = ".join(told_name(name, judged, words) for name in names) for names in _equal(judged)]
    if equal:
        lines.append(words.text("chosen_equal", pairs="; ".join(equal)))
    return lines


def option_lines(judged: Judged, words: Wording) -> list[str]:
    """Return a line for every option, by the measure that decides and on the luck of the choice."""
    table = _table(judged.rankings[0], judged, words)
    told = []
    for choice, cells in zip(judged.rankings[0].choices, table["rows"], strict=True):
        named = words.label(judged.named(choice.name))
        named = words.text("chosen_quoted", name=named) if choice.name in judged.labels else named
        row = {**cells, "name": named}
        line = words.text("chosen_option_line", **row)
        told.append(line if row["verdict"] else words.text("chosen_reference_line", **row))
    return told


def _winner(winner: Choice, lead: Ranking, judged: Judged, words: Wording) -> str:
    amount, _ = _scaled(lead.choices[-1].row, words)
    return words.text(
        "chosen_winner",
        name=told_name(winner.name, judged, words),
        best=words.chance(winner.best),
        alone=words.chance(winner.alone),
        regret=amount(winner.regret, apart=True),
    )


def _against_others(winner: str, judged: Judged, words: Wording) -> list[str]:
    """Return against which options the one of least regret stands out, and against which it cannot be told."""
    better, untold = [], []
    for pair in _best_pairs(judged):
        if winner in (pair.first, pair.second):
            other = told_name(pair.second if pair.first == winner else pair.first, judged, words)
            if pair.row.verdict == MAKES_A_DIFFERENCE:
                better.append(other)
            elif not pair.equal:
                untold.append(other)
    name = told_name(winner, judged, words)
    lines = [words.text("chosen_better", name=name, others=words.several(better))] if better else []
    return lines + ([words.text("chosen_untold", name=name, others=words.several(untold))] if untold else [])


def _curse(judged: Judged, words: Wording) -> list[str]:
    """Return both numbers of every finalist: what it was chosen by, and what fresh luck says."""
    if judged.fresh is None:
        return [words.text(judged.why)] if judged.why else []
    lead = {choice.name: choice for choice in judged.rankings[0].choices}
    lines = []
    for choice in judged.fresh.choices:
        if choice.name != REFERENCE:
            amount, _ = _scaled(choice.row, words)
            lines.append(
                words.text(
                    "chosen_both",
                    name=told_name(choice.name, judged, words),
                    first=amount(lead[choice.name].row.difference, signed=True),
                    fresh=amount(choice.row.difference, signed=True),
                )
            )
    lines.append(words.text("chosen_versions_other" if judged.other_versions else "chosen_versions_same"))
    if lead and judged.fresh.choices[0].name != judged.rankings[0].choices[0].name:
        name = told_name(judged.fresh.choices[0].name, judged, words)
        lines.append(words.text("chosen_turned", name=name))
    return lines


def _best_pairs(judged: Judged) -> list[Pairing]:
    """Return every pair of the measure that decides; as the fresh luck has it where it has it."""
    fresh = {frozenset((pair.first, pair.second)): pair for pair in (judged.fresh.pairs if judged.fresh else ())}
    return [fresh.get(frozenset((pair.first, pair.second)), pair) for pair in judged.rankings[0].pairs]


def _equal(judged: Judged) -> list[list[str]]:
    """Return the largest sets of options of which every two are equal, each in the order of the ranking."""
    equal = {
        name
        for pair in _best_pairs(judged)
        if pair.equal
        for name in ((pair.first, pair.second), (pair.second, pair.first))
    }
    names = [choice.name for choice in judged.rankings[0].choices]
    found: list[list[str]] = []

    def grow(chosen: list[str], more: list[str], done: list[str]) -> None:
        # Bron & Kerbosch 1973, Communications of the ACM 16:575-577.
        if not more and not done and len(chosen) > 1:
            found.append(sorted(chosen, key=names.index))
        for place, name in enumerate(more):
            near = [[other for other in those if (name, other) in equal] for those in (more[place + 1 :], done)]
            grow([*chosen, name], near[0], near[1])
            done = [*done, name]

    grow([], names, [])
    return found


def _table(ranking: Ranking, judged: Judged, words: Wording) -> dict[str, Any]:
    costs = cost_cells(judged, words) if ranking is judged.rankings[0] else {}
    rows = [{**_choice(choice, judged, words), "cost": costs.get(choice.name, ("–", ""))} for choice in ranking.choices]
    label, unit = words.label(ranking.question.label), words.label(ranking.question.unit)
    return {
        "has_costs": bool(costs),
        "label": label,
        "unit": "" if is_share(ranking.question.unit) or unit.casefold() in label.casefold() else unit,
        "rows": rows,
    }


def _choice(choice: Choice, judged: Judged, words: Wording) -> dict[str, Any]:
    row = choice.row
    amount, span = _scaled(row, words)
    is_reference = choice.name == REFERENCE
    return {
        "name": short_name(choice.name, judged, words),
        "mean": amount(row.what_if),
        "difference": "–" if is_reference else amount(row.difference, signed=True),
        "span": "–" if is_reference else span,
        "regret": amount(choice.regret, apart=True),
        "regret_high": amount(choice.regret_high, apart=True),
        "best": words.chance(choice.best),
        "alone": words.chance(choice.alone),
        "verdict": "" if is_reference else words.text(row.verdict),
        "verdict_id": row.verdict,
        "symbol": SYMBOLS[row.verdict],
    }


def _pair(pair: Pairing, judged: Judged, words: Wording) -> dict[str, Any]:
    amount, span = _scaled(pair.row, words)
    return {
        "first": short_name(pair.first, judged, words),
        "second": short_name(pair.second, judged, words),
        "difference": amount(pair.row.difference, signed=True),
        "span": span,
        "verdict": words.text("chosen_equal_short" if pair.equal else pair.row.verdict),
        "verdict_id": pair.row.verdict,
        "symbol": SYMBOLS[pair.row.verdict],
    }


def _scaled(row: ComparisonRow, words: Wording) -> tuple[Callable[..., str], str]:
    """Return how numbers in the scale of a row are said, and its likely range; what sets shares apart is points."""
    share = is_share(row.unit)
    factor = 100.0 if share else 1.0
    decimals = words.decimals(row.reference * factor, row.what_if * factor, smallest=row.worthwhile * factor)

    def amount(value: float, *, signed: bool = False, apart: bool = False) -> str:
        told = words.number(value * factor, decimals, signed=signed)
        if not share:
            return told
        return f"{told} {words.text('points')}" if signed or apart else words.per_cent(told)

    span = words.span(row.low * factor, row.high * factor, decimals, signed=True)
    return amount, f"{span} {words.text('points')}" if share else span


def _least(ranking: Ranking, words: Wording) -> str:
    """Return the smallest worthwhile difference, in the direction that is good."""
    row = ranking.choices[-1].row
    return least(row, words)
