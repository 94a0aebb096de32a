"""Rows as the engine writes them (packed) and as the log holds them (named columns)."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crksim.simulation.citizens import WAITING, Stay
from crksim.simulation.packing import FLAGS, FORESEEN_TYPE, OPEN, ROW, ROW_TYPE
from crksim.simulation.plan import Structure
from crksim.simulation.staylog import COLUMNS, StayLog

__all__ = ["log_of", "write_open"]


def log_of(foreseen: BytesIO, rows: BytesIO, structure: Structure, start: float, end: float) -> StayLog:
    """Return the log of what was written while the run went on.

    Parameters
    ----------
    foreseen : BytesIO
        Rows of stays as foreseen on admission, packed by `packing.FORESEEN`.
    rows : BytesIO
        Rows in full, packed by `packing.ROW`.  Where both have a row it came otherwise than foreseen.
    structure : Structure
        The world of the run.
    start, end : float
        Days between which the run was watched.

    Returns
    -------
    StayLog
        Rows in order of cohort, citizen, row; kinds renumbered in the order of their attributes.
    """
    ahead, full = np.frombuffer(foreseen.getvalue(), FORESEEN_TYPE), np.frombuffer(rows.getvalue(), ROW_TYPE)
    table = {name: np.concatenate((ahead[name], full[name])) for name in FORESEEN_TYPE.names or ()}
    ident = table["citizen"].astype(np.int64) + table["row"]
    order = np.argsort(ident)
    ident = ident[order]
    twice = np.flatnonzero(ident[1:] == ident[:-1])
    if len(twice):
        order[twice + 1] = np.maximum(order[twice], order[twice + 1])  # the row in full holds
        order, ident = np.delete(order, twice), np.delete(ident, twice)
    table = {name: column[order] for name, column in table.items()}
    _complete(table, full, order - len(ahead), end)
    code, kind = table["end"].astype(np.int64), table["kind"]
    used = np.flatnonzero(np.bincount(kind, minlength=1)) if len(kind) else np.empty(0, np.int64)
    named = [(tuple(sorted(structure.kinds[index].items())), index) for index in used.tolist()]
    named.sort()
    renumbered = np.zeros(len(structure.kinds) or 1, np.int64)
    for position, (_, index) in enumerate(named):
        renumbered[index] = position
    columns = {
        "cohort": ident >> 44,
        "citizen": (ident >> 12) & 0xFFFFFFFF,
        **{name: table[name] for name in ("row", "strand", "service", "from_row", "rule", "nth")},
        "kind": renumbered[kind],
        **{name: table[name] for name in ("referred", "admitted", "due", "left")},
        "end": ((code >> 20) & 0x7FF) - 1,
        "to": ((code >> 12) & 0xFF) - 6,
        "status": ((code >> 6) & 0x3F) - 1,
        "without": (code & 0x3F) - 1,
        "flags": code >> 31,
    }
    if any(service.closes is not None or service.opens > 0.0 for service in structure.services):
        _follow(columns, ident)
    typed = {name: np.ascontiguousarray(columns[name], dtype=kind_) for name, kind_ in COLUMNS.items()}
    typed["end_"] = typed.pop("end")
    legend = structure.legend(tuple(attributes for attributes, _ in named))
    return StayLog(legend, start, end, **typed)


def _complete(table: dict[str, NDArray[Any]], full: NDArray[Any], which: NDArray[np.int64], end: float) -> None:
    """Add the columns that only rows in full have; `which` is the place of each row among these, if it is not below 0.

    Stays as foreseen have no rule, stand on the main strand and leave when they are due, unless the run stops before.
    """
    table["left"] = table["due"].copy()
    table["rule"], table["strand"] = np.full(len(which), -1, np.int16), np.zeros(len(which), np.int16)
    places = np.flatnonzero(which >= 0)
    for name in ("left", "rule", "strand"):
        table[name][places] = full[name][which[places]]
    still = np.flatnonzero((which < 0) & (table["due"] >= end))
    table["end"][still], table["left"][still] = OPEN, math.nan


def _follow(columns: dict[str, NDArray[Any]], ident: NDArray[np.int64]) -> None:
    """Let a row that was sent on (before an opening, after a closing) lead to the service where the next row stands."""
    came = np.flatnonzero((columns["from_row"] >= 0) & (columns["rule"] < 0))
    sources = np.searchsorted(ident, ident[came] - columns["row"][came] + columns["from_row"][came])
    there = sources < len(ident)
    came, sources = came[there], sources[there]
    known = ident[sources] == ident[came] - columns["row"][came] + columns["from_row"][came]
    known &= columns["to"][sources] >= 0
    columns["to"][sources[known]] = columns["service"][came[known]]


def write_open(stay: Stay, rows: BytesIO) -> None:
    """Write the row of a stay in progress, a held place or a request that waits, when the run stops."""
    waits = stay.state == WAITING
    rows.write(
        ROW(
            stay.citizen.ident, OPEN + stay.flags * FLAGS,
            stay.referred, stay.admitted, math.nan if waits else stay.due, math.nan,
            stay.kind, stay.row, stay.from_row, -1 if waits else stay.nth, stay.service.index, stay.rule, stay.strand,
        )
    )  # fmt: skip
