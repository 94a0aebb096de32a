"""Luck as a pure function of keys: the same imagined citizen has the same luck in every world.

A draw is ``u = uniform(base, constant)``.  The *base* stands for a citizen in a replication, the *constant* for what is
drawn: a family of services, the nth visit to it, a purpose.  Nothing is consumed, so neither the order of events nor
the number of workers nor a change elsewhere in the network can move a draw.  The mixing function is the finaliser of
splitmix64 (Steele, Lea & Flood 2014, Fig. 16).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONSTANTS", "Luck", "constant", "exponentials", "on_grid", "uniform", "uniform_table", "uniforms", "view"]

_MASK = (1 << 64) - 1
_M1, _M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_GOLDEN = 0x9E3779B97F4A7C15
_M1V, _M2V, _GOLDENV = np.uint64(_M1), np.uint64(_M2), np.uint64(_GOLDEN)
_S30, _S27, _S31, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)
_UNIT = 2.0**-52
_PER_DAY, _STEP = 2.0**20, 2.0**-20
#: What draws are made of, for whoever has to make the same ones elsewhere.
CONSTANTS = {
    "first multiplier of mix": _M1,
    "second multiplier of mix": _M2,
    "shifts of mix (right, exclusive or, before each multiplier and at the end)": "30, 27, 31",
    "golden": _GOLDEN,
    "bits of a draw (the upper ones; half a step is added)": 52,
    "steps in a day of the grid of times": int(_PER_DAY),
}


def _mix(x: int) -> int:
    x = ((x ^ (x >> 30)) * _M1) & _MASK
    x = ((x ^ (x >> 27)) * _M2) & _MASK
    return x ^ (x >> 31)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix in place, which spares memory; `x` is no longer what it was."""
    x ^= x >> _S30
    x *= _M1V
    x ^= x >> _S27
    x *= _M2V
    x ^= x >> _S31
    return x


@lru_cache(maxsize=65536)
def constant(family: str, nth: int, purpose: str) -> int:
    """Return the 64-bit constant of what is drawn.

    Parameters
    ----------
    family : str
        Luck key of the service, ``rule:<luck key>``, or empty for the citizen.
    nth : int
        How often this came before, from 0.
    purpose : str
        ``length``, ``end``, ``take_up`` ...
    """
    text = f"{family}\x1f{nth}\x1f{purpose}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def uniform(base: int, what: int) -> float:
    """Return the draw in (0, 1) of a citizen's `base` for the constant `what`; the same bits as `uniforms`."""
    return ((_mix((base + what) & _MASK) >> 12) + 0.5) * _UNIT


def uniforms(bases: NDArray[np.uint64], what: int) -> NDArray[np.float64]:
    """Return one draw in (0, 1) per base, for the constant `what`."""
    return _drawn(bases + np.uint64(what))


def uniform_table(bases: NDArray[np.uint64], whats: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return `uniforms` for many constants in one go, a row for each; a column for all bases or for each."""
    return _drawn(bases + whats)


def _drawn(sums: NDArray[np.uint64]) -> NDArray[np.float64]:
    mixed = _mixed(sums)
    mixed >>= _S12
    u = mixed.astype(np.float64)
    u += 0.5
    u *= _UNIT
    return u


def exponentials(bases: NDArray[np.uint64], what: int) -> NDArray[np.float64]:
    """Return one unit exponential per base: -ln u, the amount of cumulative hazard a citizen can take."""
    return np.asarray(-np.log(uniforms(bases, what)))


def on_grid(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round times to the grid of 2^-20 day, on which sums of times are exact."""
    steps = np.asarray(days * _PER_DAY)
    np.rint(steps, out=steps)
    steps *= _STEP  # a power of two: as exact as to divide, and faster
    return steps


def view(values: NDArray[np.float64]) -> Sequence[float]:
    """Return numbers that are looked up one by one, as plain floats, where most never are."""
    return cast("Sequence[float]", values.data)


class Luck:
    """The luck of one replication.

    Parameters
    ----------
    seed : int
        Seed of the whole run.
    replication : int
        Number of the replication, from 0.
    """

    def __init__(self, seed: int, replication: int) -> None:
        self.seed, self.replication = seed, replication
        self._root = _mix((_mix((seed * _GOLDEN + 1) & _MASK) + replication * _GOLDEN) & _MASK)

    def _cohort(self, key: str) -> int:
        return _mix(self._root ^ constant(key, 0, "cohort"))

    def base(self, cohort_key: str, citizen: int) -> int:
        """Return the 64-bit base of one citizen; the same bits as `bases`."""
        return _mix((self._cohort(cohort_key) + citizen * _GOLDEN) & _MASK)

    def bases(self, cohort_key: str, citizens: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the bases of many citizens of a cohort."""
        return _mixed(np.uint64(self._cohort(cohort_key)) + citizens.astype(np.uint64) * _GOLDENV)
