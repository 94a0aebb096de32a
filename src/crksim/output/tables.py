"""The tables of a run, made from its `Result`: the only place where data frames are made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crksim.analysis.explaining import AnswerRow, Explanation
from crksim.analysis.followup import FollowUpRow
from crksim.analysis.influence import ParameterRow
from crksim.analysis.recording import CountRow
from crksim.analysis.replay import NotReplayed, ReplayRow
from crksim.analysis.results import AttributionRow, ComparisonRow, CostRow, Result, SeriesRow
from crksim.model.network import Label
from crksim.simulation.staylog import DIED, LEAVE, NOWHERE, StayLog

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EXPLAINED",
    "LANGUAGES",
    "PRIVACY",
    "columns_of",
    "comparisons",
    "deciding",
    "explanation_tables",
    "flat",
    "frame",
    "in_language",
    "read_table",
    "result_tables",
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


def columns_of(kind: type) -> dict[str, str]:
    """Return the flat columns of a dataclass and their types (``str``, ``float`` or ``bool``)."""
    columns: dict[str, str] = {}
    for field in dataclasses.fields(kind):
        if field.type == "Label":
            columns |= {f"{field.name}_da": "str", f"{field.name}_en": "str"}
        else:
            columns[field.name] = str(field.type)
    return columns


def frame(rows: Sequence[Any], kind: type) -> pd.DataFrame:
    """Return rows of one dataclass as a table with a column per flat field, also when there are no rows."""
    import pandas as pd

    columns = columns_of(kind)
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
EXPLAINED: Mapping[str, tuple[type[Any], str, str]] = {
    "explain": (AnswerRow, "measure", "answer"),
    "explain_parameters": (ParameterRow, "measure", "parameters"),
    "explain_counts": (CountRow, "measure", "counts"),
    "followup": (FollowUpRow, "question", "follow_up"),
}


def explanation_tables(explanations: Sequence[Explanation]) -> dict[str, pd.DataFrame]:
    """Return the tables of what explains the answers of a run, by the stem of their file."""
    tables = {}
    for name, (kind, _, place) in EXPLAINED.items():
        found = [getattr(one, place) for one in explanations]
        tables[name] = frame(found if place == "answer" else [row for rows in found for row in rows], kind)
    return tables


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
    """Return the rows that decide against one reference, and the first staff row after them where there is room.

    Parameters
    ----------
    result : Result
        What the run found.
    against : str
        World id of the reference.
    """
    rows = [row for row in result.comparison if row.against == against]
    chosen = [row for row in rows if row.decides][:DECIDING]
    staff = [row for row in rows if row.measure.endswith(".fte") and (row.reference or row.what_if)]
    return chosen if any(row in chosen for row in staff) else [*chosen, *staff[:1]][:DECIDING]
