"""The tables of a run: made from a `Result`, and a `Result` made from them again."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray

from crksim.analysis.explaining import AnswerRow, Explanation
from crksim.analysis.followup import FollowUpRow
from crksim.analysis.influence import ParameterRow
from crksim.analysis.recording import CountRow
from crksim.analysis.replay import Check, NotReplayed, ReplayRow
from crksim.analysis.results import AttributionRow, ComparisonRow, CostRow, Count, Reading, Result, SeriesRow, World
from crksim.model.network import Label
from crksim.output.precision_record import read_precision
from crksim.simulation.staylog import DIED, LEAVE, NOWHERE, StayLog

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LANGUAGES",
    "PRIVACY",
    "Run",
    "bearing",
    "comparisons",
    "deciding",
    "explanation_tables",
    "flat",
    "frame",
    "gate",
    "in_language",
    "predicted",
    "read_run",
    "read_table",
    "read_yaml",
    "result_tables",
    "service_labels",
    "stacked",
    "stays_table",
    "summary_records",
]

LANGUAGES = ("da", "en")
#: Most rows that decide.
DECIDING = 5
#: What every export says about its citizens.
PRIVACY = Label(
    "Tænkte borgere, dannet ud fra offentliggjorte optællinger; ingen oplysninger om virkelige personer.",
    "Imagined citizens, made from published counts; nothing about real persons.",
)

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


def flat(row: object) -> dict[str, Any]:
    """Return a dataclass as one flat record; a label becomes two columns, ``_da`` and ``_en``."""
    record: dict[str, Any] = {}
    for field in dataclasses.fields(row):  # type: ignore[arg-type]
        value = getattr(row, field.name)
        if isinstance(value, Label):
            record[f"{field.name}_da"], record[f"{field.name}_en"] = value.da, value.en
        else:
            record[field.name] = value
    return record


def _columns(kind: type) -> dict[str, str]:
    """Return the flat columns of a dataclass and their types (``str``, ``float`` or ``bool``)."""
    columns: dict[str, str] = {}
    for field in dataclasses.fields(kind):
        if field.type == "Label":
            columns |= {f"{field.name}_da": "str", f"{field.name}_en": "str"}
        else:
            columns[field.name] = str(field.type)
    return columns


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


def frame(rows: Sequence[Any], kind: type) -> pd.DataFrame:
    """Return rows of one dataclass as a table with a column per flat field, also when there are no rows."""
    import pandas as pd

    columns = _columns(kind)
    values: dict[str, list[Any]] = {}
    for field in dataclasses.fields(kind):
        column = [getattr(row, field.name) for row in rows]
        if field.type == "Label":
            values |= {f"{field.name}_{lang}": [getattr(label, lang) for label in column] for lang in LANGUAGES}
        else:
            values[field.name] = column
    table = pd.DataFrame(values, columns=list(columns))
    return table.astype({name: "float64" for name, what in columns.items() if what == "float"})


def in_language(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Return a table with its labels and units in one language only, as ``label`` and ``unit``."""
    names = [str(name) for name in table.columns]
    other = [name for name in names if name.endswith(tuple(f"_{it}" for it in LANGUAGES if it != lang))]
    own = {name: name.removesuffix(f"_{lang}") for name in names if name.endswith(f"_{lang}")}
    return table.drop(columns=other).rename(columns=own)


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of a folder, ``.csv`` or ``.parquet``."""
    import pandas as pd

    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def comparisons(runs: Sequence[tuple[str, Result]]) -> pd.DataFrame:
    """Return the comparisons of several runs as one table; the first column is the name of the run."""
    return stacked([(name, frame(result.comparison, ComparisonRow)) for name, result in runs])


def stacked(tables: Sequence[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """Return the tables of several runs as one, with the name of the run in the first column."""
    import pandas as pd

    return pd.concat([table.assign(run=name)[["run", *table.columns]] for name, table in tables], ignore_index=True)


def _measures(result: Result) -> pd.DataFrame:
    import pandas as pd

    parts = []
    members, futures, count = result.members, result.futures, len(result.measures)
    for world in result.worlds:
        parts.append(
            pd.DataFrame(
                {
                    "member": np.repeat(np.arange(members, dtype="int32"), futures * count),
                    "future": np.tile(np.repeat(np.arange(futures, dtype="int32"), count), members),
                    "world": world.id,
                    "measure": list(result.measures) * (members * futures),
                    "value": np.ascontiguousarray(world.values, dtype=np.float64).ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _members(result: Result) -> pd.DataFrame:
    """Return the parameters that differ between members, a row for every member and parameter."""
    import pandas as pd

    names = [name for name in (result.theta[0] if result.theta else ()) if len({own[name] for own in result.theta}) > 1]
    return pd.DataFrame(
        {
            "member": np.repeat(np.arange(len(result.theta), dtype="int32"), len(names)),
            "parameter": names * len(result.theta),
            "value": np.array([own[name] for own in result.theta for name in names], dtype=np.float64),
        }
    )


def _read_members(path: Path) -> tuple[dict[str, float], ...]:
    """Return the values of the parameters that differ by member; runs of one member, or older ones, have none."""
    from crksim.output.export import read_parquet

    if not path.is_file():
        return ()
    theta: dict[int, dict[str, float]] = {}
    for member, name, value in zip(*read_parquet(path, ["member", "parameter", "value"]).values(), strict=True):
        theta.setdefault(int(member), {})[str(name)] = float(value)
    return tuple(theta[member] for member in sorted(theta))


def summary_records(result: Result) -> list[dict[str, Any]]:
    """Return mean, spread and quantiles of every measure in every world, over members and futures."""
    named = {row.measure: row for row in reversed(result.comparison)}
    records = []
    for world in result.worlds:
        for position, measure in enumerate(result.measures):
            values = world.values[:, :, position]
            known = values[~np.isnan(values)]
            row = named.get(measure)
            low, middle, high = np.quantile(known, (0.05, 0.5, 0.95)) if known.size else (math.nan,) * 3
            records.append(
                {
                    "world": world.id,
                    "measure": measure,
                    "label_da": row.label.da if row else "",
                    "label_en": row.label.en if row else "",
                    "unit_da": row.unit.da if row else "",
                    "unit_en": row.unit.en if row else "",
                    "mean": float(known.mean()) if known.size else math.nan,
                    "sd": float(known.std(ddof=1)) if known.size > 1 else math.nan,
                    "low": float(low),
                    "median": float(middle),
                    "high": float(high),
                    "defined": int(known.size),
                    "runs": int(values.size),
                }
            )
    return records


def _flows(result: Result) -> pd.DataFrame:
    import pandas as pd

    records = [
        {"world": world, "from": start, "to": end, "per_year": float(flow)}
        for world, flows in sorted(result.flows.items())
        for (start, end), flow in sorted(flows.items())
    ]
    return pd.DataFrame(records, columns=["world", "from", "to", "per_year"])


def result_tables(result: Result, evidence: Iterable[Mapping[str, object]]) -> dict[str, pd.DataFrame]:
    """Return every table of a run by the stem of its file."""
    import pandas as pd

    return {
        "measures": _measures(result),
        "members": _members(result),
        "summary": pd.DataFrame(summary_records(result)),
        "comparison": frame(result.comparison, ComparisonRow),
        "series": frame(result.series, SeriesRow),
        "replay": frame(result.replay, ReplayRow),
        "not_replayed": frame(result.not_replayed, NotReplayed),
        "flows": _flows(result),
        "evidence": pd.DataFrame([dict(entry) for entry in evidence]),
        "attribution": frame(result.attribution, AttributionRow),
        "costs": frame(result.costs, CostRow),
    }


#: The tables of explanations: file -> its rows, the column that names the question, the place in an explanation.
_EXPLAINED: Mapping[str, tuple[type[Any], str, str]] = {
    "explain": (AnswerRow, "measure", "answer"),
    "explain_parameters": (ParameterRow, "measure", "parameters"),
    "explain_counts": (CountRow, "measure", "counts"),
    "followup": (FollowUpRow, "question", "follow_up"),
}


def explanation_tables(explanations: Sequence[Explanation]) -> dict[str, pd.DataFrame]:
    """Return the tables of what explains the answers of a run, by the stem of their file."""
    tables = {}
    for name, (kind, _, place) in _EXPLAINED.items():
        found = [getattr(one, place) for one in explanations]
        tables[name] = frame(found if place == "answer" else [row for rows in found for row in rows], kind)
    return tables


def _read_explanations(folder: Path) -> tuple[Explanation, ...]:
    read = {
        place: [(getattr(row, key), row) for row in _read_rows(folder / f"{name}.csv", kind)]
        for name, (kind, key, place) in _EXPLAINED.items()
    }
    return tuple(
        Explanation(
            answer,
            **{place: tuple(row for key, row in read[place] if key == question) for place in list(read)[1:]},
        )
        for question, answer in read["answer"]
    )


def stays_table(logs: Mapping[str, StayLog]) -> pd.DataFrame:
    """Return single stays as a table: world, then the columns of the log with names for its numbers.

    Parameters
    ----------
    logs : mapping of str to StayLog
        World id -> log.
    """
    import pandas as pd

    away = {NOWHERE: "", LEAVE: "leave", DIED: "died"}
    parts = []
    for world, log in logs.items():
        columns: dict[str, Any] = {"world": world, **log.columns()}
        legend = log.legend
        for name, words in (
            ("cohort", legend.cohorts),
            ("service", legend.services),
            ("rule", legend.rules),
            ("end", legend.ends),
            ("status", legend.statuses),
            ("kind", [" ".join(f"{key}={value}" for key, value in kind) for kind in legend.kinds]),
        ):
            columns[name] = [words[number] if number >= 0 else "" for number in columns[name]]
        columns["to"] = [legend.services[to] if to >= 0 else away[int(to)] for to in columns["to"]]
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def deciding(result: Result, against: str) -> list[ComparisonRow]:
    """Return the rows that decide against one reference, and the staff row after them.

    Parameters
    ----------
    result : Result
        What the run found.
    against : str
        World id of the reference.
    """
    rows = [row for row in result.comparison if row.against == against]
    chosen = [row for row in rows if row.decides][:DECIDING]
    staff = [row for row in rows if row.measure.endswith(".fte")]
    return chosen if any(row in chosen for row in staff) else chosen + staff[:1]


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
    """Return what the check against the report says, and how the run's own replay stands to the predicted numbers."""
    checked = predicted(result.replay)
    return {
        "status": result.check.status,
        "chance": None if math.isnan(result.check.chance) else result.check.chance,
        "stopped": result.check.stopped,
        "wrong": result.check.wrong,
        "ensemble": result.check.ensemble,
        "predicted": len(checked),
        "met": sum(met for _, met in checked),
        "bearing": len(bearing(result)),
        "bearing_met": sum(met for _, met in bearing(result)),
        "facts": {row.fact: met for row, met in checked},
    }


def service_labels(study: Mapping[str, Any], scenario: Mapping[str, Any]) -> dict[str, Label]:
    """Return the label of every service and cohort that the study or the changes name."""
    labels: dict[str, Label] = {}

    def note(id: str, entry: object) -> None:
        label = entry.get("label") if isinstance(entry, Mapping) else None
        if isinstance(label, Mapping) and {"da", "en"} <= label.keys():
            labels[id] = Label(str(label["da"]), str(label["en"]))
        elif isinstance(label, str):
            labels[id] = Label(label, label)

    for part in ("cohorts", "services"):
        for id, entry in (study.get(part) or {}).items():
            note(str(id), entry)
    for address, change in (scenario.get("changes") or {}).items():
        part, _, id = str(address).partition(".")
        if part in ("cohorts", "services") and "." not in id and isinstance(change, Mapping):
            note(id, change.get("add", change))
    return labels


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


def read_yaml(path: Path) -> dict[str, Any]:
    """Return what a file of a run holds as plain data."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text("utf-8"), Loader=loader) or {}


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


def _read_rows(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    """Return the rows of a file that not every run has: older runs have none."""
    return tuple(_build(kind, record) for record in _read_csv(path, _columns(kind))) if path.is_file() else ()


def _read_check(told: Mapping[str, Any]) -> Check:
    """Return what the check said; runs made before there was one say nothing."""
    chance = told.get("chance")
    return Check(**{**told, "chance": math.nan if chance is None else float(chance)}) if told else Check()


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
    series = read_parquet(folder / "series.parquet", list(_columns(SeriesRow)))
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
            _build(ComparisonRow, row) for row in _read_csv(folder / "comparison.csv", _columns(ComparisonRow))
        ),
        series=tuple(
            SeriesRow(*values) for values in zip(*(column.tolist() for column in series.values()), strict=True)
        ),
        replay=tuple(_build(ReplayRow, row) for row in _read_csv(folder / "replay.csv", _columns(ReplayRow))),
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
