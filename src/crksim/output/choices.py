"""The tables of options held against each other, and of one more place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crksim.analysis.choosing import Judged
from crksim.analysis.costing import PER
from crksim.analysis.placing import PlaceValue
from crksim.output.calibration_files import write_table
from crksim.output.tables import flat

__all__ = ["write_judged", "write_places"]


def write_judged(folder: Path, judged: Judged) -> None:
    """Write ``options.csv`` and ``pairs.csv``; `luck` says whether it is that of the choice or fresh.

    Where there are prices, the rows of the choice say what each option costs, and ``costs.csv`` has every price.

    Parameters
    ----------
    folder : Path
        Of the comparison.
    judged : Judged
        The options.
    """
    luck = [("choice", ranking) for ranking in judged.rankings]
    luck += [("fresh", judged.fresh)] if judged.fresh else []
    options: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    for which, ranking in luck:
        for place in ranking.choices:
            known = {name: getattr(place, name) for name in ("regret", "regret_high", "best", "alone")}
            label = judged.named(place.name)
            named = {"option": place.name, "option_da": label.da, "option_en": label.en}
            cost = _kroner(judged, place.name if which == "choice" else "")
            options.append({"luck": which, **named, **known, **flat(place.row), **cost})
        for pair in ranking.pairs:
            told = {"first": pair.first, "second": pair.second, "equal": pair.equal}
            pairs.append({"luck": which, **told, **flat(pair.row)})
    write_table(folder / "options.csv", options, list(options[0]))
    write_table(folder / "pairs.csv", pairs, list(pairs[0]))
    costs = [
        {"option": name, **flat(row)}
        for name, rows in (judged.costs.rows if judged.costs else {}).items()
        for row in rows
    ]
    if costs:
        write_table(folder / "costs.csv", costs, list(costs[0]))


def _kroner(judged: Judged, name: str) -> dict[str, Any]:
    """Return what an option costs, as columns: none where nothing has a price, empty ones where it is not told."""
    if judged.costs is None or not judged.costs.rows:
        return {}
    rows = {row.item: row for row in judged.costs.rows.get(name, ()) if row.told}
    cells: dict[str, Any] = {}
    for item in ("total", *PER):
        row, column = rows.get(item), "kroner" if item == "total" else f"kroner_{item}"
        told = ("", "", "") if row is None else (row.difference, row.low, row.high)
        cells |= dict(zip((column, f"{column}_low", f"{column}_high"), told, strict=True))
    return cells


def write_places(path: Path, values: Sequence[PlaceValue]) -> None:
    """Write what one more place gives: a row for every service and measure, one where nothing is ever full.

    Parameters
    ----------
    path : Path
        A ``.csv`` file.
    values : sequence of PlaceValue
        Ranked.
    """
    rows: list[dict[str, Any]] = []
    for rank, value in enumerate(values, start=1):
        own = {"rank": rank, "service": value.service, "places": value.places, "ever_full": value.full}
        own |= {f"kroner_{cost.item}": cost.difference for cost in value.costs if not cost.source}
        rows += [{**own, **flat(row)} for row in value.rows] or [own]
    columns = max((list(row) for row in rows), key=len)
    write_table(path, [{**dict.fromkeys(columns, ""), **row} for row in rows], columns)
