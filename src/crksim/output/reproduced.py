"""Two folders of the same run beside each other, file by file: identical, or which rows differ, and by how much."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from crksim.model.differences import differences

__all__ = ["Differing", "compare_files", "compare_values"]

#: Columns that say which row it is, in the order in which they are told.
_NAMES = (
    "world", "reference", "fact", "service", "address", "parameter", "measure", "from", "to", "part", "member",
    "future", "day",
)  # fmt: skip


@dataclass(frozen=True)
class Differing:
    """How a file differs from the one of the same name.

    Parameters
    ----------
    name : str
        Path in the folder.
    kind : str
        ``missing`` (in the new folder), ``new``, ``columns``, ``length``, ``rows``, ``values`` or ``bytes``.
    rows, of : int
        Rows that differ, of how many; values, for text that is no table. Lengths, where those differ.
    where, was, now : str
        The largest difference: row and column or address, and both values.
    """

    name: str
    kind: str
    rows: int = 0
    of: int = 0
    where: str = ""
    was: str = ""
    now: str = ""


def compare_files(old: Path, new: Path, name: str) -> Differing | None:
    """Return how a file of one folder differs from that of another; None where both have the same bytes.

    Parameters
    ----------
    old, new : Path
        The folders.
    name : str
        Path in both.
    """
    one, two = old / name, new / name
    if not one.is_file() or not two.is_file():
        return Differing(name, "missing" if one.is_file() else "new")
    if one.read_bytes() == two.read_bytes():
        return None
    try:
        if one.suffix in (".csv", ".parquet"):
            return _compare_tables(name, _table(one), _table(two))
        if one.suffix in (".json", ".yaml"):
            found = compare_values(_plain(one), _plain(two))
            if found:
                where, was, now = found[0]
                return Differing(name, "values", len(found), len(found), where, was, now)
    except (OSError, ValueError, yaml.YAMLError):
        pass  # one of them is no longer a file of its kind
    return Differing(name, "bytes")


def compare_values(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return address, old and new value of everything in which plain data differ.

    Parameters
    ----------
    old, new : mapping
        Maps of maps.
    """
    found = []
    for it in differences(old, new, "start"):
        was, now = ("–" if value is None else str(value) for value in (it.old, it.new))
        found.append((it.address, was[:60], now[:60]))
    return found


def _plain(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    if not isinstance(found, dict):
        raise ValueError("is no map")
    return found


def _table(path: Path) -> dict[str, NDArray[Any]]:
    """Return the columns of a table; those of text files as text."""
    if path.suffix == ".parquet":
        from crksim.output.export import read_parquet

        return read_parquet(path)
    text = path.read_text("utf-8-sig")
    head, *rows = list(csv.reader(text.splitlines(), delimiter=";" if path.stem.endswith("_da") else ","))
    if any(len(row) != len(head) for row in rows):
        raise ValueError("is no table")
    return {name: np.array([row[place] for row in rows], dtype=object) for place, name in enumerate(head)}


def _compare_tables(name: str, old: Mapping[str, NDArray[Any]], new: Mapping[str, NDArray[Any]]) -> Differing:
    if list(old) != list(new):
        other = sorted(set(old) ^ set(new))
        return Differing(name, "columns", where=", ".join(other))
    sizes = [len(next(iter(table.values()), ())) for table in (old, new)]
    if sizes[0] != sizes[1]:
        return Differing(name, "length", sizes[0], sizes[1])
    unlike = {column: _unlike(old[column], new[column]) for column in old}
    rows = np.any(list(unlike.values()), axis=0) if unlike else np.zeros(0, dtype=bool)
    if not rows.any():
        return Differing(name, "bytes")
    _, row, column = max(_sizes(old, new, unlike), key=lambda found: found[0])
    row_name = " ".join(str(old[key][row]) for key in _NAMES if key in old and not unlike[key][row])
    where = f"{row_name} {column}".strip()
    was, now = (str(table[column][row])[:60] for table in (old, new))
    return Differing(name, "rows", int(rows.sum()), len(rows), where, was, now)


def _unlike(one: NDArray[Any], two: NDArray[Any]) -> NDArray[np.bool_]:
    """Say where two columns differ; what is no number in both is the same."""
    unlike: NDArray[np.bool_] = np.asarray(one != two, dtype=bool)
    unlike &= ~np.asarray((one != one) & (two != two), dtype=bool)
    return unlike


def _sizes(
    old: Mapping[str, NDArray[Any]], new: Mapping[str, NDArray[Any]], unlike: Mapping[str, NDArray[np.bool_]]
) -> Iterator[tuple[float, int, str]]:
    """Yield size, row and column of every difference, as a share of the larger value; of words it is least."""
    for column, places in unlike.items():
        for row in np.flatnonzero(places).tolist():
            try:
                one, two = float(old[column][row]), float(new[column][row])
            except ValueError:
                yield 0.0, row, column
            else:
                yield abs(two - one) / max(abs(one), abs(two)) if one == one and two == two else 2.0, row, column
