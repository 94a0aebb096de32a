"""A finished run as its folder tells it: a `Result` made from its files again."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray

from crksim.analysis.explaining import Explanation
from crksim.analysis.replay import Check, NotReplayed, ReplayRow
from crksim.analysis.results import AttributionRow, ComparisonRow, CostRow, Count, Reading, Result, SeriesRow, World
from crksim.model.network import Label
from crksim.output.precision_record import read_precision
from crksim.output.tables import EXPLAINED, columns_of

__all__ = ["Run", "read_run", "read_yaml"]

Row = TypeVar("Row")


@dataclasses.dataclass(frozen=True)
class Run:
    """A run as its folder tells it; everything that a report may use.

    Parameters
    ----------
    result : Result
        What the run found.
    study, scenario : dict
        Plain dicts, as `study.yaml` and `scenario.yaml` hold them.
    evidence : tuple of dict
        One entry of the ledger each, values as text.
    mark : str
        Short mark of study, scenario, seed and size: equal marks, equal numbers.
    lang : str
        Language in which the run was made.
    version : str
        Version of crksim that made it.
    explanations : tuple of Explanation
        What explains the answers; the leading question first.
    """

    result: Result
    study: dict[str, Any]
    scenario: dict[str, Any]
    evidence: tuple[dict[str, str], ...]
    mark: str
    lang: str
    version: str
    explanations: tuple[Explanation, ...] = ()


def read_run(folder: Path) -> Run:
    """Return what a run folder holds; nothing but its files is read.

    Raises
    ------
    FileNotFoundError
        When a file of the run is missing.
    """
    from crksim.output.export import read_parquet

    about = json.loads((folder / "run.json").read_text("utf-8"))
    measures, worlds = _read_worlds(folder, about)
    series = read_parquet(folder / "series.parquet", list(columns_of(SeriesRow)))
    flows: dict[str, dict[tuple[str, str], float]] = {world: {} for world in about["flows"]}
    for row in _read_csv(folder / "flows.csv", {"world": "str", "from": "str", "to": "str", "per_year": "float"}):
        flows[row["world"]][row["from"], row["to"]] = row["per_year"]
    result = Result(
        scenario=about["scenario"],
        title=Label(**about["title"]),
        question=Label(**about["question"]),
        measures=measures,
        members=about["members"],
        futures=about["futures"],
        seed=about["seed"],
        worlds=worlds,
        comparison=tuple(
            _build(ComparisonRow, row) for row in _read_csv(folder / "comparison.csv", columns_of(ComparisonRow))
        ),
        series=tuple(
            SeriesRow(*values) for values in zip(*(column.tolist() for column in series.values()), strict=True)
        ),
        replay=tuple(_build(ReplayRow, row) for row in _read_csv(folder / "replay.csv", columns_of(ReplayRow))),
        flows=flows,
        changes=tuple(Label(**label) for label in about["changes"]),
        window=(about["window"][0], about["window"][1]),
        touched=tuple(about["touched"]),
        rests_on=tuple(about["rests_on"]),
        not_replayed=_read_rows(folder / "not_replayed.csv", NotReplayed),
        check=_read_check(about.get("check") or {}),
        left=about.get("left") or {},
        theta=_read_members(folder / "members.parquet"),
        counts=tuple(_build(Count, record) for record in about.get("counts", ())),
        precision=read_precision(about.get("precision")),
        costs=_read_rows(folder / "costs.csv", CostRow),
        attribution=_read_rows(folder / "attribution.csv", AttributionRow),
        readings=tuple(Reading(**{**told, "label": Label(**told["label"])}) for told in about.get("readings", ())),
    )
    return Run(
        result=result,
        study=read_yaml(folder / "study.yaml"),
        scenario=read_yaml(folder / "scenario.yaml"),
        evidence=tuple(_read_csv(folder / "evidence.csv", {})),
        mark=about["mark"],
        lang=about["lang"],
        version=about["version"],
        explanations=_read_explanations(folder),
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """Return what a file of a run holds as plain data."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text("utf-8"), Loader=loader) or {}


def _read_csv(path: Path, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the records of a file; an empty number is NaN, columns that are not asked for stay text."""
    number: dict[str, Callable[[str], Any]] = {
        "float": lambda text: float(text) if text else math.nan,
        "bool": lambda text: text == "True",
        "int": int,
        "str": str,
    }
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: number[columns.get(name, "str")](text) for name, text in record.items()}
            for record in csv.DictReader(file)
        ]


def _read_rows(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    """Return the rows of a file that not every run has: older runs have none."""
    return tuple(_build(kind, record) for record in _read_csv(path, columns_of(kind))) if path.is_file() else ()


def _build(kind: type[Row], record: Mapping[str, Any]) -> Row:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = field.name
        if field.type == "Label":
            values[name] = Label(record[f"{name}_da"], record[f"{name}_en"])
        elif field.type == "float":
            values[name] = float(record[name])
        elif field.type == "bool":
            values[name] = bool(record[name])
        elif field.type == "int":
            values[name] = int(record[name])
        else:
            values[name] = str(record[name])
    return kind(**values)


def _read_members(path: Path) -> tuple[dict[str, float], ...]:
    """Return the values of the parameters that differ by member; runs of one member, or older ones, have none."""
    from crksim.output.export import read_parquet

    if not path.is_file():
        return ()
    theta: dict[int, dict[str, float]] = {}
    for member, name, value in zip(*read_parquet(path, ["member", "parameter", "value"]).values(), strict=True):
        theta.setdefault(int(member), {})[str(name)] = float(value)
    return tuple(theta[member] for member in sorted(theta))


def _read_explanations(folder: Path) -> tuple[Explanation, ...]:
    read = {
        place: [(getattr(row, key), row) for row in _read_rows(folder / f"{name}.csv", kind)]
        for name, (kind, key, place) in EXPLAINED.items()
    }
    return tuple(
        Explanation(
            answer,
            **{place: tuple(row for key, row in read[place] if key == question) for place in list(read)[1:]},
        )
        for question, answer in read["answer"]
    )


def _read_worlds(folder: Path, about: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[World, ...]]:
    from crksim.output.export import read_parquet

    table = read_parquet(folder / "measures.parquet", ["measure", "value"])
    values: NDArray[np.float64] = np.array(table["value"], dtype=np.float64)
    count = len(values) // (len(about["worlds"]) * about["members"] * about["futures"])
    blocks = values.reshape(len(about["worlds"]), about["members"], about["futures"], count)
    worlds = tuple(
        World(world["id"], world["scenario"], Label(**world["label"]), blocks[i])
        for i, world in enumerate(about["worlds"])
    )
    return tuple(table["measure"][:count].tolist()), worlds


def _read_check(told: Mapping[str, Any]) -> Check:
    """Return what the check said; runs made before there was one say nothing."""
    chance = told.get("chance")
    read = {name: value for name, value in told.items() if name in Check.__dataclass_fields__}
    return Check(**{**read, "chance": math.nan if chance is None else float(chance)}) if told else Check()
