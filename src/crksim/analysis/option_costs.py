"""What options cost against the reference that all of them have, at the prices that the user gave for any of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.costing import PER, cost_rows
from crksim.analysis.results import CostRow, Result
from crksim.model.prices import Price

__all__ = ["OptionCosts", "option_costs"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OptionCosts:
    """What options cost.

    Parameters
    ----------
    rows : mapping of str to tuple of CostRow
        Option -> cost by price, in all, and per extra start and outcome; without those whose runs did not count what
        has a price.
    prices : tuple of Price
        All prices together.
    unlike : tuple of (str, str, str)
        Key of a price and two options that have it at different sizes; there are no rows then.
    """

    rows: Mapping[str, tuple[CostRow, ...]]
    prices: tuple[Price, ...]
    unlike: tuple[tuple[str, str, str], ...] = ()


def option_costs(
    named: Mapping[str, Result], references: Sequence[str], lead: str, has: Callable[[str, str], bool]
) -> OptionCosts | None:
    """Return what every option costs against the reference; None where no run has prices.

    Parameters
    ----------
    named : mapping of str to Result
        Name of an option -> its run.
    references : sequence of str
        World id of the common reference in each run.
    lead : str
        Output address that decides; cost is divided by the starts and the outcomes of what it is about.
    has : callable
        Whether the network of an option has a service or group: what it does not have costs it nothing.
    """
    prices: dict[str, tuple[str, Price]] = {}
    unlike = []
    for name, result in named.items():
        for price in _prices(result):
            first, other = prices.setdefault(price.key, (name, price))
            if other.kroner != price.kroner:
                unlike.append((price.key, first, name))
    if not prices:
        return None
    told = tuple(price for _, price in prices.values())
    if unlike:
        return OptionCosts({}, told, tuple(unlike))
    worlds = list(zip(named.items(), references, strict=True))
    before: dict[str, Floats] = {}
    for (_, result), world in worlds:
        before |= _columns(result, world)
    subject = re.split(r"[.\[]", lead, maxsplit=1)[0]
    rows = {}
    for (name, result), _ in worlds:
        after = _columns(result, result.worlds[-1].id)
        absent = [price for price in told if not has(name, price.key.rpartition(".")[0])]
        after = {price.measure: np.zeros(result.worlds[-1].values.shape[:2]) for price in absent} | after
        if all(price.measure in after for price in told):
            per = {item: f"{subject}.{quantity}" for item, quantity in PER.items()}
            per = {item: measure for item, measure in per.items() if measure in after and measure in before}
            rows[name] = cost_rows(told, per, before, after)
    return OptionCosts(rows, told)


def _prices(result: Result) -> list[Price]:
    """Return the prices of a run; only they have a source."""
    return [Price(row.item, row.kroner, row.source) for row in result.costs if row.source]


def _columns(result: Result, world: str) -> dict[str, Floats]:
    """Return the values of one world by output address."""
    values = next(one.values for one in result.worlds if one.id == world)
    return {measure: values[:, :, place] for place, measure in enumerate(result.measures)}
