"""What a what-if costs at prices that the user gave, and per extra start and extra outcome; ratios with care."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import PROBABILITY, effects, likely_range
from crksim.analysis.points import expected
from crksim.analysis.results import CostRow
from crksim.errors import InputError
from crksim.model.network import Network
from crksim.model.prices import Price
from crksim.model.vocabulary import parse_measure

__all__ = ["PER", "cost_measures", "cost_rows", "fieller", "outcome_measures", "ratio_range"]

Floats = NDArray[np.float64]

#: What an extra one of is costed: name of the row -> measure of the subject that the leading question is about.
PER = {"per_start": "starts", "per_outcome": "gain.share_50"}
_NAN = float("nan")


def outcome_measures(lead: str, network: Network) -> dict[str, str]:
    """Return the measures by which cost is divided: name of the row -> output address, where there is one.

    Parameters
    ----------
    lead : str
        Output address of the leading question.
    network : Network
        Of the what-if.
    """
    subject = parse_measure(lead, network).subject
    found = {}
    for name, quantity in PER.items():
        try:
            found[name] = parse_measure(f"{subject}.{quantity}", network).text
        except InputError:
            continue
    return found


def cost_measures(prices: Sequence[Price], lead: str, network: Network) -> list[str]:
    """Return everything that has to be measured for the costs; nothing without prices."""
    if not prices:
        return []
    return list(dict.fromkeys([price.measure for price in prices] + [*outcome_measures(lead, network).values()]))


def cost_rows(
    prices: Sequence[Price], per: Mapping[str, str], reference: Mapping[str, Floats], what_if: Mapping[str, Floats]
) -> tuple[CostRow, ...]:
    """Return cost by price, in all, and per extra start and outcome.

    Parameters
    ----------
    prices : sequence of Price
        What the user gave.
    per : mapping of str to str
        As `outcome_measures` gives it.
    reference, what_if : mapping of str to ndarray of float, shape (members, futures)
        Measure -> values on the same luck.
    """
    rows = []
    before, after = np.zeros(()), np.zeros(())
    for price in prices:
        one, other = (world[price.measure] * price.per_year for world in (reference, what_if))
        before, after = before + one, after + other
        rows.append(_row(price.key, price.measure, one, other, price.kroner, price.source))
    rows.append(_row("total", "", before, after))
    extra = after - before
    for name, measure in per.items():
        more = what_if[measure] - reference[measure]
        low, high = ratio_range(extra, more)
        narrow, wide = fieller(extra, more)
        known = not (math.isnan(low) or math.isnan(narrow))
        point = effects(extra).mean / effects(more).mean if known else _NAN
        ends = (low, high, narrow, wide) if known else (_NAN,) * 4
        rows.append(CostRow(name, measure, _NAN, "", _NAN, _NAN, point, *ends, known))
    return tuple(rows)


def _row(item: str, measure: str, before: Floats, after: Floats, kroner: float = _NAN, source: str = "") -> CostRow:
    effect = effects(after - before)
    low, high = likely_range(effect.members)
    reach = 1.645 * effect.error
    return CostRow(
        item,
        measure,
        kroner,
        source,
        float(before.mean()),
        float(after.mean()),
        effect.mean,
        low,
        high,
        effect.mean - reach,
        effect.mean + reach,
        bool(np.isfinite(effect.mean)),
    )


def ratio_range(extra: Floats, more: Floats) -> tuple[float, float]:
    """Return the likely range of cost per extra one over versions, NaN where it is not to be told.

    It is not where the likely range of the extra ones holds 0, or there are fewer: then the quotient may be anything.
    A version without extra ones costs infinitely much for each.

    Parameters
    ----------
    extra, more : ndarray of float, shape (members, futures)
        Extra cost, and extra starts or outcomes.
    """
    costs, numbers = expected(extra), expected(more)
    known = np.isfinite(costs) & np.isfinite(numbers)
    low, _ = likely_range(numbers[known])
    if not low > 0.0 or float(known.mean()) < PROBABILITY:
        return _NAN, _NAN
    some = numbers[known] > 0.0
    quotients = np.where(some, costs[known] / np.where(some, numbers[known], 1.0), np.inf)
    quotients.sort()
    # Ranks as everywhere, but without going between a number and infinity.
    size = len(quotients)
    tail = (1.0 - PROBABILITY) / 2.0
    first, last = math.floor(tail * (size + 1)) - 1, math.ceil((1.0 - tail) * (size + 1)) - 1
    return float(quotients[max(first, 0)]), float(quotients[min(last, size - 1)])


def fieller(extra: Floats, more: Floats) -> tuple[float, float]:
    """Return the interval of the quotient of two means, as exact as the runs make it (Fieller 1954, JRSS B 16:175-185).

    Parameters
    ----------
    extra, more : ndarray of float, shape (members, futures)
        Paired, member by member; members are the units.

    Returns
    -------
    tuple of float
        NaN where the interval of the denominator holds 0 at the same level.
    """
    from scipy.special import stdtrit

    used = np.isfinite(extra).all(axis=1) & np.isfinite(more).all(axis=1)
    size = int(used.sum())
    if size < 2:
        return _NAN, _NAN
    pairs = np.stack([extra[used].mean(axis=1), more[used].mean(axis=1)])
    cost, number = pairs.mean(axis=1)
    reach = float(stdtrit(size - 1, 0.5 + PROBABILITY / 2.0)) ** 2 / size
    spread = np.cov(pairs) * reach
    square = number * number - spread[1, 1]
    if square <= 0.0:
        return _NAN, _NAN
    middle = cost * number - spread[0, 1]
    root = math.sqrt(max(0.0, middle * middle - square * (cost * cost - spread[0, 0])))
    return float((middle - root) / square), float((middle + root) / square)
