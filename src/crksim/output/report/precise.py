"""How many versions and futures a run took, and why no more, in a sentence or two."""

from __future__ import annotations

from crksim.analysis.results import Result
from crksim.output.report.wording import Wording, is_share

__all__ = ["precision_lines"]


def precision_lines(result: Result, words: Wording) -> list[str]:
    """Return how the size of a run was found; nothing where it was given.

    Parameters
    ----------
    result : Result
        What the run found.
    words : Wording
        The language.
    """
    precision = result.precision
    if precision is None:
        return []
    row = next(row for row in result.comparison if row.measure == precision.measure)
    last = precision.looks[-1]
    factor = 100.0 if is_share(row.unit) else 1.0
    decimals = words.decimals(last.low * factor, last.high * factor, smallest=row.worthwhile * factor)
    size = words.text(
        "precision_size",
        looks=len(precision.looks),
        members=last.members,
        futures=last.futures,
        measure=words.label(row.label),
        span=words.span(last.low * factor, last.high * factor, decimals, signed=True),
        unit=words.text("points") if is_share(row.unit) else words.label(row.unit),
    )
    verdict = words.text(last.verdict) if last.verdict else ""
    luck = words.per_cent(words.number(100.0 * last.luck_part))
    return [size, words.text(f"precision_{precision.outcome}", verdict=verdict, luck=luck)]
