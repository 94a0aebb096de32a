"""How a run stands to the numbers of the report that were predicted: to all, and to those that bear on the what-if."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from crksim.analysis.replay import ReplayRow
from crksim.analysis.results import Result

__all__ = ["bearing", "gate", "predicted"]


def predicted(rows: Iterable[ReplayRow]) -> list[tuple[ReplayRow, bool]]:
    """Return the facts marked predicted, each with whether the report's number lies inside the 90 % range.

    Facts that share people with another are none of their own and do not count.
    """
    return [(row, row.low <= row.reported <= row.high) for row in rows if row.mark == "predicted" and not row.part_of]


def bearing(result: Result) -> list[tuple[ReplayRow, bool]]:
    """Return those of the predicted facts that speak of what the what-if touches, or of what decides."""
    asked = {*result.touched, *(re.split(r"[.\[]", row.measure)[0] for row in result.comparison if row.decides)}
    return [(row, met) for row, met in predicted(result.replay) if asked & set(row.concerns.split())]


def gate(result: Result) -> dict[str, object]:
    """Return what the check against the report says, and how it stands to the predicted numbers."""
    facts, own = predicted(result.replay), bearing(result)
    return {
        "status": result.check.status,
        "chance": None if math.isnan(result.check.chance) else result.check.chance,
        "stopped": result.check.stopped,
        "wrong": result.check.wrong,
        "ensemble": result.check.ensemble,
        "predicted": len(facts),
        "met": sum(met for _, met in facts),
        "bearing": len(own),
        "bearing_met": sum(met for _, met in own),
        "facts": {row.fact: met for row, met in facts},
    }
