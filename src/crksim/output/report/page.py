"""What the report says in one language, as plain values for the template."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crksim.analysis.explaining import leading_row
from crksim.analysis.replay import ReplayRow
from crksim.analysis.results import VERDICTS, ComparisonRow, Result, World
from crksim.model.addresses import parted
from crksim.output.finished import Run
from crksim.output.replayed import predicted
from crksim.output.report import focus
from crksim.output.report.alone import as_it_is, one_world
from crksim.output.report.answer import box, count_kinds, in_words, is_staff, least, not_valid, single_course
from crksim.output.report.attributed import attributed
from crksim.output.report.explained import explained
from crksim.output.report.precise import precision_lines
from crksim.output.report.priced import priced_lines
from crksim.output.report.wording import Wording, is_share, texts

__all__ = ["SYMBOLS", "build_page", "comparison_cells", "deciding_rows", "is_staff", "least"]

#: Longer tables of all numbers are folded together until they are asked for.
_MOST_ROWS = 25
#: Mark of every verdict.
SYMBOLS = dict(zip(VERDICTS, ("▲", "≈", "?", "–"), strict=True))


def deciding_rows(run: Run) -> list[ComparisonRow]:
    """Return the rows that decide, against the main reference; the first five when none is marked."""
    main = [row for row in run.result.comparison if row.against == run.result.worlds[0].id]
    return [row for row in main if row.decides] or main[:5]


def comparison_cells(result: Result, row: ComparisonRow, words: Wording) -> dict[str, Any]:
    """Return one row of a comparison as texts, all in one scale with one number of decimals.

    Parameters
    ----------
    result : Result
        What the run found.
    row : ComparisonRow
        One of its rows.
    words : Wording
        The language.
    """
    share = is_share(row.unit)
    factor = 100.0 if share else 1.0
    decimals = words.decimals(row.reference * factor, row.what_if * factor, smallest=row.worthwhile * factor)
    others = {other.against: other for other in result.comparison if other.measure == row.measure}
    label, unit = words.label(row.label), "" if share else words.label(row.unit)
    references = [others[w.id].reference if w.id in others else math.nan for w in result.worlds[:-1]]

    def say(value: float) -> str:
        number = words.number(value * factor, decimals)
        return words.per_cent(number) if share else number

    return {
        "label": label,
        "unit": unit,
        "unit_shown": "" if unit.casefold() in label.casefold() else f" ({unit})",
        "unit_said": "" if unit.casefold() in label.casefold() else unit,
        "measure": row.measure,
        "reference": say(row.reference),
        "references": [say(value) for value in references],
        "what_if": say(row.what_if),
        "difference": words.number(row.difference * factor, decimals, signed=True),
        "span": words.span(row.low * factor, row.high * factor, decimals, signed=True),
        "span_unit": words.text("points") if share else unit,
        "prior": _prior(row, factor, decimals, words),
        "least": least(row, words),
        "chance": words.chance(row.chance),
        "verdict": words.text(row.verdict),
        "verdict_id": row.verdict,
        "symbol": SYMBOLS[row.verdict],
        "known": not math.isnan(row.difference) and row.verdict != "model_cannot_answer",
        "year": "–" if math.isnan(row.better) else single_course(row, words, "single_year_cell"),
    }


def _prior(row: ComparisonRow, factor: float, decimals: int, words: Wording) -> str:
    """Return the likely range before the report's counts were looked at; empty where it was not run."""
    if math.isnan(row.prior_low):
        return ""
    return words.span(row.prior_low * factor, row.prior_high * factor, decimals, signed=True)


def _answer(run: Run, rows: list[ComparisonRow], words: Wording) -> dict[str, Any]:
    if run.result.alone:
        return {"lines": [words.text("answer_alone")], "head": "", "verdicts": []}
    row = leading_row(run.result)
    groups = [
        {
            "verdict": words.text(verdict),
            "verdict_id": verdict,
            "symbol": SYMBOLS[verdict],
            "labels": "; ".join(words.label(row.label) for row in rows if row.verdict == verdict),
        }
        for verdict in VERDICTS
        if any(row.verdict == verdict for row in rows)
    ]
    if row is None:
        return {
            "lines": [words.text("answer_none")],
            "head": "",
            "verdicts": groups,
        }
    told = comparison_cells(run.result, row, words)
    against = _adverbial(run.result.worlds[0], words)
    head = words.text(
        "answer_head", label=told["label"].replace(": ", ", "), what_if=_with_unit(told["what_if"], told["unit_said"]),
        reference=told["reference"], against=against,
    )  # fmt: skip
    lines = [
        words.text(
            "answer_range", span=_with_unit(told["span"], told["span_unit"]), least=told["least"], chance=told["chance"]
        ),
        *in_words(run, row, words),
    ]
    if not math.isnan(row.better):
        lines.append(single_course(row, words, "answer_year"))
    return {"head": head, "lines": lines, "verdicts": groups, "lead": told}


def _adverbial(world: World, words: Wording) -> str:
    """Return a reference as it follows its number in a sentence: ``without the change``, ``with “20 places”``."""
    label = words.label(world.label)
    return words.first_small(label) if world.id == "without" else words.text("answer_against", world=label)


def _with_unit(number: str, unit: str) -> str:
    return f"{number} {unit}".strip()


def _all_present(run: Run, svgs: Mapping[str, str], words: Wording) -> list[dict[str, Any]]:
    """Return the number present over time in every service that has a figure."""
    return [
        _present(run, service, svgs[f"present_{service}"], words)
        for service in focus.present_services(run)
        if f"present_{service}" in svgs
    ]


def _present(run: Run, service: str, svg: str, words: Wording) -> dict[str, Any]:
    start = focus.start_date(run)
    worlds = run.result.worlds
    rows = {w.id: {r.day: r for r in run.result.series if r.service == service and r.world == w.id} for w in worlds}
    days = sorted({day for found in rows.values() for day in found})
    years = range(start.year, (start + timedelta(days=days[-1])).year + 1)
    wished = [(start.replace(year=y, month=m) - start).days for y in years for m in (1, 7)]
    shown = sorted({min(days, key=lambda d: abs(d - w)) for w in wished if w <= days[-1] + 1} | {days[-1]})
    table = []
    for day in shown:
        cells = [_present_cell(rows[w.id].get(day), words) for w in worlds]
        last = rows[worlds[-1].id].get(day)
        places = last.places if last is not None else math.nan
        limit = words.number(places) if math.isfinite(places) else words.text("no_limit")
        table.append([words.day(start, day), *cells, limit])
    named = {world.id: words.label(world.label) for world in worlds}
    parts = []
    for world in dict.fromkeys((worlds[0].id, worlds[-1].id)):
        last = rows[world].get(days[-1])
        if last is not None:
            decimals = words.decimals(last.mean)
            mean, span = words.number(last.mean, decimals), words.span(last.low, last.high, decimals)
            parts.append(words.text("present_alt_part", world=named[world], mean=mean, span=span))
    name = focus.name_of(run, service, words)
    year = (start + timedelta(days=days[-1] - 1)).year
    header = [words.text("date"), *(words.label(w.label) for w in worlds)]
    header.append(words.text("legend_norm" if focus.has_norm(run, service) else "places"))
    return {
        "title": name,
        "svg": svg,
        "alt": words.text("present_alt", service=name, year=year, parts=words.several(parts)) if parts else name,
        "header": header,
        "rows": table,
        "caption": f"{name}: {words.text('mean_range')}",
        "two": False,
        "facts": [_fact_line(fact, words) for fact in focus.present_facts(run, service)],
    }


def _present_cell(row: Any, words: Wording) -> str:
    if row is None or math.isnan(row.mean):
        return "–"
    decimals = words.decimals(row.mean)
    return f"{words.number(row.mean, decimals)} ({words.span(row.low, row.high, decimals)})"


def _fact_line(fact: ReplayRow, words: Wording) -> str:
    return f"{words.label(fact.label)}: {words.plain(fact.reported)} ({fact.locator})"


def _flows(run: Run, svg: str | None, words: Wording) -> dict[str, Any] | None:
    picture = focus.flow_picture(run)
    if picture is None or svg is None:
        return None
    worlds = list({world.id: world for world in (run.result.worlds[0], run.result.worlds[-1])}.values())
    pairs: dict[tuple[str, str], list[float]] = {}
    for flows in (picture.into, picture.out):
        for pair in sorted({pair for world in worlds for pair in flows[world.id]}):
            pairs[pair] = [flows[world.id].get(pair, 0.0) for world in worlds]
    rows = []
    for (start, end), numbers in sorted(pairs.items(), key=lambda item: -max(item[1])):
        decimals = words.decimals(*numbers)
        names = [focus.name_of(run, id, words) for id in (start, end)]
        rows.append([*names, *(words.number(number, decimals) for number in numbers)])
    parts = []
    for id in picture.focus:
        come = [sum(flow for (_, end), flow in picture.into[w.id].items() if end == id) for w in worlds]
        decimals = words.decimals(*come)
        said = [words.number(number, decimals) for number in come]
        parts.append(
            words.text(
                "flow_alt_part" if len(worlds) > 1 else "flow_alt_alone", service=focus.name_of(run, id, words),
                against=_adverbial(worlds[0], words), reference=said[0], what_if=said[-1],
            )
        )  # fmt: skip
    header = [words.text("flow_from"), words.text("flow_to"), *(words.label(world.label) for world in worlds)]
    return {
        "svg": svg,
        "alt": words.text("flow_alt", parts="; ".join(parts)),
        "header": header,
        "rows": rows,
        "caption": f"{words.text('flow_title')}, {words.text('per_year')}",
        "two": True,
    }


def _replay(run: Run, words: Wording) -> list[dict[str, str]]:
    met = {row.fact: inside for row, inside in predicted(run.result.replay)}
    rows = []
    for row in run.result.replay:
        share = is_share(row.unit)
        factor = 100.0 if share else 1.0
        decimals = words.decimals(row.reported * factor, row.mean * factor)
        reported, mean = words.plain(row.reported * factor), words.number(row.mean * factor, decimals)
        span = words.span(row.low * factor, row.high * factor, decimals)
        unit = "" if share else f" ({words.label(row.unit)})"
        inside = words.text("yes" if met[row.fact] else "no") if row.fact in met else ""
        mark = words.text(f"mark_{row.mark.replace(' ', '_')}")
        rows.append(
            {
                "label": words.label(row.label),
                "unit": unit,
                "locator": row.locator,
                "reported": words.per_cent(reported) if share else reported,
                "mean": words.per_cent(mean) if share else mean,
                "span": words.per_cent(span) if share else span,
                "mark": words.text("mark_part", mark=mark) if row.part_of else mark,
                "mark_id": row.mark.replace(" ", "_"),
                "met": inside,
            }
        )
    return rows


def _notes(run: Run, words: Wording) -> str:
    """Return what the scenario says about itself."""
    notes = run.scenario.get("notes")
    return str(notes.get(words.lang, "")) if isinstance(notes, Mapping) else str(notes or "")


def _window(run: Run, words: Wording) -> str:
    """Return which years the numbers are of, or nothing where the run does not tell."""
    first, last = run.result.window
    return words.text("window", first=words.iso(first), last=words.iso(last)) if first and last else ""


def _glossary(words: Wording) -> list[tuple[str, str]]:
    entries = [words.text(key).split(" | ", 1) for key in texts() if key.startswith("word_")]
    return sorted(((word, meaning) for word, meaning in entries), key=lambda entry: entry[0].casefold())


def _everything(result: Result, words: Wording) -> list[dict[str, Any]]:
    """Return the whole comparison with each reference; the first one stands open where it is short."""
    if result.alone:
        own = [row for row in result.comparison if row.against == result.worlds[0].id]
        return [{"against": "", "rows": as_it_is(result, own, words), "open": len(own) <= _MOST_ROWS}]
    return [
        {
            "against": words.label(world.label),
            "rows": [comparison_cells(result, row, words) for row in result.comparison if row.against == world.id],
            "open": position == 0 and len(result.comparison) <= _MOST_ROWS * len(result.worlds),
        }
        for position, world in enumerate(result.worlds[:-1])
    ]


def _staff(result: Result, words: Wording) -> list[dict[str, Any]]:
    """Return the rows on staff against the main reference."""
    rows = [
        row for row in result.comparison if is_staff(row) and row.kind != "flow" and row.against == result.worlds[0].id
    ]
    return as_it_is(result, rows, words) if result.alone else [comparison_cells(result, row, words) for row in rows]


def build_page(run: Run, lang: str, svgs: Mapping[str, str]) -> dict[str, Any]:
    """Return the report's content in one language.

    Parameters
    ----------
    run : Run
        What the run folder holds.
    lang : str
        ``da`` or ``en``.
    svgs : dict
        Figures by name, ready to stand in a page.
    """
    words = Wording(lang)
    result = run.result
    rows = deciding_rows(run)
    counts = count_kinds(run.evidence)
    begins = focus.change_day(run)
    alone, drawn = result.alone, one_world(run)
    told = explained(run, run.explanations[0], words) if run.explanations and not alone else None
    answer = _answer(run, rows, words)
    lead = None if alone else leading_row(run.result)
    if told and told["turn"] and lead and lead.measure == run.explanations[0].answer.measure:
        answer["lines"].append(told["turn"])
    return {
        "lang": lang,
        "words": words,
        "title": words.label(result.title),
        "question": words.label(result.question),
        "answer": answer,
        "box": box(run, lead, words),
        "not_valid": not_valid(result.check, words),
        "references": [words.label(world.label) for world in result.worlds[:-1]],
        "what_if": words.label(result.worlds[-1].label),
        "main": words.label(result.worlds[0].label),
        "alone": alone,
        "deciding": as_it_is(result, rows, words) if alone else [comparison_cells(result, row, words) for row in rows],
        "everything": _everything(result, words),
        "staff": _staff(result, words),
        "present": _all_present(drawn, svgs, words),
        "flows": _flows(drawn, svgs.get("flows"), words),
        "explained": told,
        "influence": svgs.get("influence") if told else None,
        "attributed": attributed(result, words),
        "attribution": svgs.get("attribution"),
        "notes": _notes(run, words),
        "changes": [parted(words.label(label)) for label in result.changes],
        "switches": [str(label.get(lang, "")) for label in (run.scenario.get("switches") or {}).values()],
        "window": _window(run, words),
        "begins": "" if math.isnan(begins) else words.day(focus.start_date(run), begins),
        "replay": _replay(run, words),
        "not_replayed": [(words.label(row.reason), row.locator) for row in result.not_replayed],
        "evidence": [(words.text(f"kind_{kind}"), words.number(n)) for kind, n in counts.items()],
        "evidence_total": words.number(sum(counts.values())),
        "verdicts": [(SYMBOLS[v], v, words.text(v), words.text(f"{v}_more")) for v in VERDICTS],
        "glossary": _glossary(words),
        "precision": precision_lines(result, words),
        "priced": priced_lines(result, words),
        "members": words.number(result.members),
        "futures": words.number(result.futures),
        "seed": result.seed,
        "mark": run.mark,
        "version": run.version,
    }
