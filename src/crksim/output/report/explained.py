"""What decides the answer, what to count and when to stop, in words: for the report and for the screen."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crksim.analysis.explaining import parameter_labels
from crksim.analysis.influence import LEAST_MEMBERS
from crksim.model.clock import YEAR, parse_duration, parse_quantity
from crksim.model.number_words import NumberWords
from crksim.output.report.answer import least
from crksim.output.report.wording import Wording, is_share

if TYPE_CHECKING:
    from crksim.analysis.explaining import AnswerRow, Explanation
    from crksim.analysis.followup import FollowUpRow
    from crksim.analysis.influence import ParameterRow
    from crksim.analysis.recording import CountRow
    from crksim.output.finished import Run

__all__ = ["amount", "deciding_parameters", "explained"]

#: A threshold that fewer resamples have is told as uncertain.
_SURE = 0.9
#: A rate that is written per so many years of persons.
_PERSONS = re.compile(r"/\s*(\d+)?\s*person-year")


def deciding_parameters(explanation: Explanation) -> list[ParameterRow]:
    """Return the parameters that stand out from chance, the most explaining first."""
    return sorted((row for row in explanation.parameters if row.stands_out), key=lambda row: -row.explained)


def explained(run: Run, explanation: Explanation, words: Wording) -> dict[str, Any]:
    """Return what explains an answer as texts.

    Parameters
    ----------
    run : Run
        Whose study says in which unit a parameter is written.
    explanation : Explanation
        What was found.
    words : Wording
        Language.
    """
    answer = explanation.answer
    row = next(row for row in run.result.comparison if row.measure == answer.measure)
    rows = [_parameter(run, row, words) for row in deciding_parameters(explanation)]
    today = [row for row in explanation.counts if not row.trial]
    return {
        "about": words.text(
            "explain_about", label=words.label(answer.label), least=least(replace(row, difference=answer.sign), words)
        ),
        "choice": words.text("explain_adopt" if answer.adopt else "explain_keep", right=words.chance(answer.right)),
        "nothing": "" if rows else _why_nothing(run, explanation, words),
        "parameters": rows,
        "kept": any(row["kept"] for row in rows),
        "sentences": [f"{row['sentence']} {row['zero']}".strip() for row in rows[:3]],
        "alt": words.text("explain_alt", parts="; ".join(f"{row['label']} {row['share']}" for row in rows)),
        "turn": next((row["sentence"] for row in rows if row["sure"]), ""),
        "small": " ".join(
            [words.text("explain_brackets")] * any(row["sure"] for row in rows)
            + [words.text("explain_perfect", perfect=_in_unit(answer.perfect, answer, words))] * (answer.perfect > 0.0)
        ),
        "counts_text": words.text("counts_text", months=max((row.months for row in today), default=0)),
        "counts": _counts(answer, today, words),
        "trial": _trial(answer, [row for row in explanation.counts if row.trial], words),
        "follow": _follow(run, explanation, words),
    }


def _in_unit(value: float, answer: AnswerRow, words: Wording) -> str:
    """Return an amount of the measure that is explained, with its unit."""
    if is_share(answer.unit):
        return f"{words.plain(_digits(100 * value))} {words.text('points')}"
    return f"{words.plain(_digits(value))} {words.label(answer.unit)}".strip()


def _digits(value: float, digits: int = 2) -> float:
    return float(f"{value:.{digits}g}")


def amount(run: Run, parameter: str, value: float, words: Wording) -> str:
    """Return a value of a parameter as people write it, in the unit in which the study writes it.

    Parameters
    ----------
    run : Run
        Its study has the parameter.
    parameter : str
        Id.
    value : float
        In days, per day, or without unit.
    """
    content = (run.study.get("parameters") or {}).get(parameter, {})
    written = content.get("value") if isinstance(content, Mapping) else content
    written = written.get("first") if isinstance(written, Mapping) else written
    try:
        dimension = parse_quantity(written)[1]
    except ValueError:
        dimension = "number"
    if dimension == "number":
        if parameter.endswith("_share") or "%" in str(written):
            return words.per_cent(words.plain(_digits(100 * value)))
        return words.plain(_digits(value, 3 if abs(value) >= 100 else 2))
    if dimension == "rate":
        persons = _PERSONS.search(str(written))
        if persons:
            per_persons = _digits(value * YEAR * float(persons[1] or 1))
            return words.text("rate_persons", number=words.plain(per_persons), persons=persons[1] or 1)
        per_year = value * YEAR
        return words.text("rate", number=words.plain(_digits(per_year, 3 if per_year >= 100 else 2)))
    unit = str(written).split()[-1].rstrip("s")
    count = _digits(value / parse_duration(f"1 {unit}"), 3 if value >= 100 * parse_duration(f"1 {unit}") else 2)
    return f"{words.plain(count)} " + NumberWords(words.lang, str).plain(f"1 {unit if count == 1 else unit + 's'}")[2:]


def _parameter(run: Run, row: ParameterRow, words: Wording) -> dict[str, str]:
    def say(value: float) -> str:
        return amount(run, row.parameter, value, words)

    if row.side in ("never", "between"):
        sure = ""
    elif row.sure >= _SURE:
        sure = words.text("explain_sure", low=say(row.at_low), high=say(row.at_high))
    else:
        sure = words.text("explain_unsure", n=round(10 * (1.0 - row.sure)))
    label, at, until = words.label(row.label), say(row.at), say(row.until)
    low, high = say(row.low), say(row.high)
    values = {"at": at, "until": until} if row.side == "between" else {"at": at} if row.side != "never" else {}
    sentence = {"low": low, "high": high} if row.side == "never" else {**values, "sure": sure}
    ends = row.zero_side in ("below", "above")
    return {
        "label": label,
        "share": words.per_cent(words.number(100 * row.explained)),
        "span": f"{low} {words.text('to')} {high}",
        "right": words.chance(row.right),
        "flip": words.text(f"explain_{row.side}", **values) + sure,
        "sentence": words.text(f"explain_sentence_{row.side}", label=label, **sentence),
        "sure": sure if row.sure >= _SURE else "",
        "zero": words.text(f"explain_zero_{row.zero_side}", at=say(row.zero_at)) if ends else "",
        "kept": "" if math.isnan(row.kept) else words.per_cent(words.number(100 * row.kept)),
    }


def _why_nothing(run: Run, explanation: Explanation, words: Wording) -> str:
    members = words.number(explanation.answer.members)
    if explanation.answer.members < LEAST_MEMBERS:
        return words.text("explain_few", members=members, least=LEAST_MEMBERS)
    if not run.result.theta:
        return words.text("explain_older")
    total = len(explanation.parameters) or len(parameter_labels(run.study))
    return words.text("explain_none", total=words.number(total), members=members)


def _moves(key: str, answer: AnswerRow, row: CountRow, words: Wording) -> str:
    now, then = round(10 * answer.right), round(10 * row.right)
    if then <= now or not row.worth > 0.0:
        return words.text("counts_little", label=words.label(row.label), now=now)
    months = {"months": row.months} if key == "trial_moves" else {}
    return words.text(key, label=words.label(row.label), now=now, then=then, **months)


def _counts(answer: AnswerRow, rows: Sequence[CountRow], words: Wording) -> list[str]:
    """Return what the recommended counts would do, or why there are none."""
    if not rows:
        return []
    if answer.perfect <= 0.0:
        return [words.text("counts_settled")]
    return [_moves("counts_moves", answer, row, words) for row in rows if row.chosen] or [words.text("counts_none")]


def _trial(answer: AnswerRow, rows: Sequence[CountRow], words: Wording) -> str:
    """Return what trying the change for half a year and counting would do, where it moves the chance."""
    useful = [row for row in rows if row.stands_out and row.months <= 6 and row.worth > 0.0]
    best = max(useful, key=lambda row: row.right, default=None)
    if best is None or round(10 * best.right) <= round(10 * answer.right):
        return ""
    return _moves("trial_moves", answer, best, words)


def _follow(run: Run, explanation: Explanation, words: Wording) -> dict[str, Any] | None:
    """Return the plan for following the change: a row per count, a cell per date."""
    rows = explanation.follow_up
    if not rows:
        return None
    months = sorted({row.months for row in rows})
    table: dict[str, dict[int, FollowUpRow]] = {}
    for row in rows:
        table.setdefault(_same_count(row.measure), {})[row.months] = row
    told = []
    for own in table.values():
        cells = [_cell(own[month], words) if month in own else ("–", "") for month in months]
        told.append({"label": _count_label(next(iter(own.values())), words), "cells": cells})
    known = [row for row in rows if row.side != "none" and not math.isnan(row.caught)]
    best = max(known, key=lambda row: (row.months, row.caught), default=None)
    return {
        "months": [words.text("follow_months", months=month) for month in months],
        "rows": told,
        "caught": ""
        if best is None
        else words.text(
            "follow_caught", label=_count_label(best, words), months=best.months, caught=words.chance(best.caught)
        ),
    }


def _same_count(measure: str) -> str:
    """Return what a count has in common with the same one at other dates."""
    return re.sub(r"(\.count_at)\..*", r"\1", measure.partition("@")[0])


def _count_label(row: FollowUpRow, words: Wording) -> str:
    label = words.label(row.label)
    if ".count_at." not in row.measure:
        return label
    return f"{label.rpartition(': ')[0]}: {words.text('follow_present')}"


def _cell(row: FollowUpRow, words: Wording) -> tuple[str, str]:
    """Return what is expected, and where to stop."""
    share = is_share(row.unit)
    factor = 100.0 if share else 1.0
    decimals = 0 if row.kind in ("count", "stock") else words.decimals(row.low * factor, row.high * factor)
    span = words.span(row.low * factor, row.high * factor, decimals)
    unit = f" {words.label(row.unit)}" if row.kind == "duration" else ""
    if row.side == "none":
        return (words.per_cent(span) if share else span + unit), ""
    red = words.number(row.red * factor, decimals)
    red = words.per_cent(red) if share else red
    return (words.per_cent(span) if share else span + unit), words.text(f"follow_{row.side}", red=red)
