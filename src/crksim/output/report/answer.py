"""The answer in a few sentences, and the box that stands beside it on page one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from crksim.analysis.replay import Check
from crksim.analysis.results import ComparisonRow, Result
from crksim.output.replayed import bearing, predicted
from crksim.output.report.wording import Wording, is_share

if TYPE_CHECKING:
    from crksim.output.finished import Run

__all__ = [
    "EVIDENCE_KINDS",
    "box",
    "count_kinds",
    "in_words",
    "is_staff",
    "least",
    "not_valid",
    "single_course",
    "told_calendars",
    "told_check",
    "told_readings",
]

EVIDENCE_KINDS = ("report", "register", "literature", "derived", "assumed")
#: Measures that come from a calendar of appointments.
_APPOINTMENTS = re.compile(r"(?<!\.ends)\.(talks|call_in)\b")

#: Ways to build the system otherwise that are told on page one.
_READINGS = 3

#: Kinds of measures by how a difference in them is said.
_LEAST = {"flow": "flow", "count": "flow", "stock": "stock", "duration": "duration"}
_UNITS_OF_TIME = ("full-time", "fte", "hours", "årsværk")


def is_staff(row: ComparisonRow) -> bool:
    """Say whether a measure is staff time."""
    return row.kind == "staff" or any(word in row.unit.en.lower() for word in _UNITS_OF_TIME)


def least(row: ComparisonRow, words: Wording) -> str:
    """Return the smallest worthwhile difference in words, in the direction the difference leans: ``5 more``."""
    share = is_share(row.unit)
    value = row.worthwhile * (100 if share else 1)
    kind = "share" if share else "other" if is_staff(row) or row.kind not in _LEAST else _LEAST[row.kind]
    side = "down" if row.difference < 0 else "up"
    return words.text(f"least_{kind}_{side}", n=words.plain(value), unit=words.label(row.unit))


def _against_main(run: Run) -> dict[str, ComparisonRow]:
    main = run.result.worlds[0].id
    return {row.measure: row for row in run.result.comparison if row.against == main}


def single_course(row: ComparisonRow, words: Wording, key: str) -> str:
    """Return how often single courses come out above, within and below the smallest worthwhile difference.

    Parameters
    ----------
    row : ComparisonRow
        Where a direction is good, the sentence says better and worse, elsewhere higher and lower.
    key : str
        Text key; ``_good`` is added where a direction is good.
    """
    if row.good == "none":
        up, down = row.better, row.worse
    else:
        key += "_good"
        up, down = (row.better, row.worse) if row.good == "up" else (row.worse, row.better)
    return words.text(key, better=words.chance(up), same=words.chance(row.same), worse=words.chance(down))


def in_words(run: Run, lead: ComparisonRow, words: Wording) -> list[str]:
    """Return the sentences after the first: size of groups, staff, the legal limit, status at discharge.

    Parameters
    ----------
    run : Run
        What the run folder holds.
    lead : ComparisonRow
        The row that the first sentence is about.
    """
    rows = _against_main(run)
    subject = lead.measure.partition(".")[0].partition("[")[0]
    told = [
        _groups(run, rows, words),
        _staff(rows, lead, words),
        _limit(rows, words),
        _status(rows, subject, words),
    ]
    return [sentence for sentence in told if sentence]


def _groups(run: Run, rows: Mapping[str, ComparisonRow], words: Wording) -> str:
    """Return how many are in each group touched that has a smallest workable number, and how often it is under it."""
    names, sizes, shares, least = [], [], [], set()
    for id, service in (run.study.get("services") or {}).items():
        present, under = rows.get(f"{id}.present.mean"), rows.get(f"{id}.under_workable")
        workable = (service.get("places") or {}).get("workable") if isinstance(service, Mapping) else None
        if present and under and isinstance(workable, int | float) and id in run.result.touched:
            names.append(words.label(present.label).partition(": ")[0])
            sizes.append(present.what_if)
            shares.append(100 * under.what_if)
            least.add(workable)
    if not sizes or len(least) != 1 or any(math.isnan(number) for number in (*sizes, *shares)):
        return ""
    size = _span(words, min(sizes), max(sizes), words.decimals(min(sizes), smallest=1.0))
    share = words.per_cent(_span(words, min(shares), max(shares), 0))
    key = "answer_groups" if len(sizes) > 1 else "answer_group"
    return words.text(key, names=words.several(names), size=size, least=words.plain(least.pop()), share=share)


def _span(words: Wording, low: float, high: float, decimals: int) -> str:
    first, last = words.number(low, decimals), words.number(high, decimals)
    return first if first == last else f"{first}-{last}"


def _staff(rows: Mapping[str, ComparisonRow], lead: ComparisonRow, words: Wording) -> str:
    """Return the full-time posts of what decides, so that no other number stands in the table; else of what leads."""
    decide = [row for row in rows.values() if row.decides and row.measure.endswith(".fte")]
    row = decide[0] if decide else rows.get(lead.measure.partition(".")[0] + ".fte")
    if row is None or row is lead or math.isnan(row.difference):
        return ""
    decimals = words.decimals(row.reference, row.what_if, smallest=row.worthwhile)
    return words.text(
        "answer_staff", reference=words.number(row.reference, decimals), what_if=words.number(row.what_if, decimals)
    )


def _limit(rows: Mapping[str, ComparisonRow], words: Wording) -> str:
    """Return that the legal limit is not touched, where no cohort's share within it moves."""
    own = [row for measure, row in rows.items() if measure.endswith("door_wait.share_within_limit")]
    known = [row for row in own if row.verdict != "model_cannot_answer"]
    calm = known and all(row.verdict == "no_difference_that_matters" for row in known)
    return words.text("answer_limit") if calm else ""


def _status(rows: Mapping[str, ComparisonRow], subject: str, words: Wording) -> str:
    """Return how many more leave with a favourable status when the service causes none or all of the gap."""
    none, every = rows.get(f"{subject}.gain.share_0"), rows.get(f"{subject}.gain.share_100")
    if none is None or every is None or math.isnan(every.difference) or abs(every.difference) < 0.5:
        return ""
    ends = sorted((none.difference, every.difference))
    return words.text("answer_status", span=_span(words, ends[0], ends[1], 0))


def count_kinds(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many numbers rest on each kind of evidence, the firmest first."""
    counts: dict[str, int] = {}
    for entry in entries:
        kind = entry.get("kind", "")
        kind = kind if kind in EVIDENCE_KINDS else "other"
        counts[kind] = counts.get(kind, 0) + 1
    return {kind: counts[kind] for kind in (*EVIDENCE_KINDS, "other") if kind in counts}


def told_check(check: Check, words: Wording) -> str:
    """Return what the check against the report says, in a sentence or two."""
    chance = "–" if math.isnan(check.chance) else words.number(100 * check.chance)
    told = words.text(f"check_{check.status}", chance=chance, stopped=check.stopped, wrong=check.wrong)
    weak = check.status == "passed" and 2 * check.stopped < check.wrong
    return f"{told} {words.text('check_weak' if check.stopped else 'check_blind')}" if weak else told


def not_valid(check: Check, words: Wording) -> str:
    """Return why a report is headed *not validated*; empty where it is not."""
    return "" if check.valid else told_check(check, words)


def box(run: Run, lead: ComparisonRow | None, words: Wording) -> list[str]:
    """Return the lines of the box on page one; it is part of every report.

    Parameters
    ----------
    run : Run
        What the run folder holds.
    lead : ComparisonRow or None
        The row that the answer is about.
    """
    lines = [words.text("box_model"), told_check(run.result.check, words)]
    facts, own = predicted(run.result.replay), bearing(run.result)
    if facts:
        numbers = {"met": sum(met for _, met in facts), "total": len(facts), "bear": len(own)}
        key = "box_gate" if own else "box_gate_apart"
        lines.append(words.text(key, **numbers, bear_met=sum(met for _, met in own)))
    else:
        lines.append(words.text("box_gate_none"))
    lines += _assumption(run, lead, words)
    lines += told_readings(run.result, lead, words)
    return [*lines, *told_calendars([run.result], words), words.text("box_adults"), words.text("box_cannot")]


def told_calendars(results: Iterable[Result], words: Wording) -> list[str]:
    """Return what full calendars do not do, where anything that decides comes from them."""
    decide = [row.measure for result in results for row in result.comparison if row.decides]
    return [words.text("box_clinic")] if any(_APPOINTMENTS.search(measure) for measure in decide) else []


def told_readings(result: Result, lead: ComparisonRow | None, words: Wording) -> list[str]:
    """Return what the answer would be if the system were built otherwise; nothing where it would be much the same.

    Parameters
    ----------
    result : Result
        What the run found.
    lead : ComparisonRow or None
        The row that the answer is about.
    words : Wording
        The language.
    """
    rows = [reading for reading in result.readings if lead is not None and reading.measure == lead.measure]
    if lead is None or not rows:
        return []
    decimals = words.decimals(*(reading.difference for reading in rows), smallest=lead.worthwhile)
    told = [
        words.text(
            "box_reading",
            label=words.label(reading.label),
            difference=words.number(reading.difference, decimals, signed=True),
            low=words.number(reading.low, decimals, signed=True),
            high=words.number(reading.high, decimals, signed=True),
        )
        for reading in rows[:_READINGS]
    ]
    base = words.number(rows[0].base, decimals, signed=True)
    return [words.text("box_readings", base=base, unit=words.label(lead.unit), told="; ".join(told))]


def _split(run: Run, lead: ComparisonRow, words: Wording) -> str:
    """Return how the range of the first number falls apart: luck, numbers with a source, assumptions, all else."""
    luck = max(0.0, lead.luck_share)
    told = next((one for one in run.explanations if one.answer.measure == lead.measure), None)
    rows = [row for row in told.parameters if row.stands_out] if told else []
    if not rows:
        rest = round(100 * (1.0 - luck))
        return words.text("box_ignorance", rest=rest, luck=100 - rest)
    kinds = {entry.get("address", "").removesuffix(".value"): entry.get("kind", "") for entry in run.evidence}
    shares = {"assumed": 0.0, "known": 0.0}
    for row in rows:
        sourced = kinds.get(f"parameters.{row.parameter}", "") in EVIDENCE_KINDS[:-1]
        shares["known" if sourced else "assumed"] += row.explained
    whole = max(1.0, sum(shares.values()))
    percents = {name: round(100 * (1.0 - luck) * share / whole) for name, share in shares.items()}
    percents["luck"] = round(100 * luck)
    rest = max(0, 100 - sum(percents.values()))
    mainly = words.label(max(rows, key=lambda row: row.explained).label)
    return words.text("box_split", **percents, rest=rest, mainly=mainly, members=run.result.members)


def _assumption(run: Run, lead: ComparisonRow | None, words: Wording) -> list[str]:
    """Return how much of the range is lack of knowledge, and what the parameters that are touched rest on."""
    lines = []
    if lead is not None and not math.isnan(lead.luck_share) and lead.luck_share < 1.0:
        lines.append(_split(run, lead, words))
    own = set(run.result.rests_on)
    counts = count_kinds(entry for entry in run.evidence if entry.get("address", "").removesuffix(".value") in own)
    if counts:
        told = [f"{words.number(n)} {words.text(f'count_{kind}')}" for kind, n in counts.items()]
        mainly = words.text(f"count_{max(reversed(counts), key=lambda kind: counts[kind])}")
        lines.append(
            words.text("box_rests", total=words.number(sum(counts.values())), kinds=words.several(told), mainly=mainly)
        )
    whole = count_kinds(run.evidence)
    if whole and not counts:
        total, assumed = words.number(sum(whole.values())), words.number(whole.get("assumed", 0))
        lines.append(
            words.text("box_evidence", assumed=assumed, report=words.number(whole.get("report", 0)), total=total)
        )
    return lines
