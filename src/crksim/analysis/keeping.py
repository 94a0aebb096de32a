"""What is kept of a run that goes on: keys of what decides a result, and results and logs as plain bytes.

A key is the hash of everything that decides what is kept under it, the code included; so what is found under a key may
be used without asking where it came from.  Nothing is pickled: what is read back is numbers and texts, never code.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.pool import Pool, Progress
from crksim.simulation.staylog import COLUMNS, Legend, StayLog

__all__ = ["Store", "key_of", "pack", "pack_log", "run_kept", "unpack", "unpack_log"]

Arrays = Mapping[str, NDArray[Any]]
Unit = TypeVar("Unit")

_WHOLE = ("i1", "i2", "i4", "i8")


class Store(Protocol):
    """Where results are kept; it crosses to the workers, which only read."""

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a key, or None when there is nothing whole."""

    def keep(self, key: str, data: bytes) -> None:
        """Keep a result without which work would be lost.

        Raises
        ------
        OSError
            It cannot be written.
        """

    def keep_spare(self, key: str, data: bytes) -> None:
        """Keep what only spares work; where there is no room it is let go."""


def key_of(*told: object) -> str:
    """Return the key of what plain values decide: 256 bits, hexadecimal."""
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def pack(arrays: Arrays, told: object = None) -> bytes:
    """Return arrays and plain data as bytes; numbers that are whole take little room.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Numbers of any shape.
    told : object
        Whatever JSON holds.
    """
    heads, parts = [], []
    for name, array in arrays.items():
        own = _narrowed(array)
        data = np.ascontiguousarray(own).tobytes()
        # Times are too random to be pressed: that would take longer than all the rest.
        pressed = own.dtype.kind == "i"
        data = zlib.compress(data, 1) if pressed else data
        heads.append([name, own.dtype.str, array.dtype.str, list(array.shape), len(data), pressed])
        parts.append(data)
    head = json.dumps({"arrays": heads, "told": told}).encode()
    return b"".join((len(head).to_bytes(8, "little"), head, *parts))


def unpack(data: bytes) -> tuple[dict[str, NDArray[Any]], Any]:
    """Return the arrays and the plain data that `pack` took.

    Raises
    ------
    ValueError
        The bytes are not those of `pack`.
    """
    start = 8 + int.from_bytes(data[:8], "little")
    head = json.loads(data[8:start])
    arrays = {}
    for name, kind, wanted, shape, size, pressed in head["arrays"]:
        part = data[start : start + size]
        start += size
        own = np.frombuffer(zlib.decompress(part) if pressed else part, dtype=kind)
        arrays[name] = own.reshape(shape).astype(wanted)
    return arrays, head["told"]


def run_kept(
    pool: Pool,
    function: Callable[[Unit], NDArray[np.float64]],
    units: Sequence[Unit],
    kept: Store | None,
    key: Callable[[Unit], str],
    *,
    name: Callable[[Unit], str],
    progress: Progress | None = None,
) -> list[NDArray[np.float64]]:
    """Return the numbers that units give; what is kept is not run again, and what is run is kept as it comes.

    Parameters
    ----------
    pool : Pool
        Who works.
    function, units, name, progress
        As in `Pool.run_all`; the function gives an array.
    kept : Store or None
        Where results are kept.
    key : callable
        Unit -> the key of what decides its result; not asked where nothing is kept.

    Raises
    ------
    InputError, CheckError
        As `Pool.run_all`.
    OSError
        What should be kept cannot be written.
    """
    if kept is None:
        return list(pool.run_all(function, units, name=name, progress=progress))
    packed = [kept.get(key(unit)) for unit in units]
    there = {place: unpack(data)[0]["found"] for place, data in enumerate(packed) if data is not None}
    missing = [place for place in range(len(units)) if place not in there]
    known = len(there)
    if progress is not None and known:
        progress(known, len(units))

    def told(done: int, total: int) -> None:
        if progress is not None:
            progress(known + done, len(units))

    def keep(unit: Unit, found: NDArray[np.float64]) -> None:
        kept.keep(key(unit), pack({"found": found}))

    given = pool.run_all(function, [units[place] for place in missing], name=name, progress=told, keep=keep)
    there |= zip(missing, given, strict=True)
    return [there[place] for place in range(len(units))]


def _narrowed(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in the smallest type of whole numbers that holds it; as it is where none does."""
    if array.dtype.kind == "f":
        whole = array.astype(np.int32) if array.size and np.abs(array).max() < 2.0**31 else None
        if whole is None or not np.array_equal(whole, array) or np.signbit(array).any():
            return array
        array = whole
    if array.dtype.kind == "i" and array.size:
        low, high = array.min(), array.max()
        for kind in _WHOLE:
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return array.astype(kind)
    return array


def pack_log(log: StayLog) -> bytes:
    """Return a log as bytes."""
    legend = {part.name: getattr(log.legend, part.name) for part in fields(Legend)}
    return pack(log.columns(), {"start": log.start, "end": log.end, "legend": legend})


def unpack_log(data: bytes) -> StayLog:
    """Return the log that `pack_log` took.

    Raises
    ------
    ValueError
        The bytes are not those of `pack_log`.
    """
    columns, told = unpack(data)
    if list(columns) != list(COLUMNS):
        raise ValueError("is no log")
    columns["end_"] = columns.pop("end")
    names = {name: tuple(names) for name, names in told["legend"].items() if name != "kinds"}
    kinds = tuple(tuple((name, value) for name, value in kind) for kind in told["legend"]["kinds"])
    return StayLog(Legend(**names, kinds=kinds), told["start"], told["end"], **columns)
