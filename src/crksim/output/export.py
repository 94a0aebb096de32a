"""Files that other programs open: parquet and comma-separated text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from crksim.output.whole import draft_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_parquet", "write_csv", "write_danish_csv", "write_parquet", "write_parquet_parts"]


def write_parquet(path: Path, table: pd.DataFrame, categories: Sequence[str] = ()) -> None:
    """Write a table as parquet; the same table gives the same bytes.

    Parameters
    ----------
    path : Path
        File to write.
    table : DataFrame
        One row per observation.
    categories : sequence of str
        Text columns with few values, stored as dictionaries.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in table.columns:
        if name in categories:
            columns[name] = pa.array(table[name].to_numpy(dtype=object), pa.string()).dictionary_encode()
        else:
            columns[name] = pa.array(table[name].to_numpy(), from_pandas=False)
    pq.write_table(pa.table(columns), path, compression="zstd")


def write_parquet_parts(
    path: Path, parts: Iterable[Mapping[str, NDArray[Any]]], categories: Mapping[str, Sequence[str]]
) -> None:
    """Write a table as parquet part by part, whole or not at all; only one part is held at a time.

    Parameters
    ----------
    path : Path
        File to write.
    parts : iterable of mapping
        Column -> numbers; the same columns of the same types in every part, at least one part.
    categories : mapping of str to sequence of str
        Columns whose numbers stand for texts, and the texts.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with draft_of(path) as draft, ExitStack() as open_files:
        writer = None
        for part in parts:
            columns = {
                name: pa.DictionaryArray.from_arrays(pa.array(values), pa.array(list(categories[name]), pa.string()))
                if name in categories
                else pa.array(values)
                for name, values in part.items()
            }
            table = pa.table(columns)
            writer = writer or open_files.enter_context(pq.ParquetWriter(draft, table.schema, compression="zstd"))
            writer.write_table(table)
        open_files.close()


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return the named columns of a parquet file, all of them where none is named, text as objects."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=None if columns is None else list(columns))
    return {name: table.column(name).to_numpy() for name in columns or table.column_names}


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table with commas and decimal points; every number comes back as it was."""
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def write_danish_csv(path: Path, table: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Write a table with semicolons and decimal commas, and the mark by which Excel knows UTF-8.

    Parameters
    ----------
    path : Path
        File to write.
    table : DataFrame
        One row per observation.
    names : dict
        Columns to write, in order, and what they are called.
    """
    shown = table[list(names)].rename(columns=dict(names)).round(4)
    shown.to_csv(path, index=False, sep=";", decimal=",", lineterminator="\r\n", encoding="utf-8-sig")
