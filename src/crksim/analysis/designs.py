"""Which points of several ranges are run: all of them, a Latin hypercube, or a Sobol sequence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Protocol

import numpy as np

__all__ = ["DESIGNS", "Range", "design"]

DESIGNS = ("grid", "lhs", "sobol")


class Range(Protocol):
    """What one address may be: some values, or any number between two."""

    @property
    def low(self) -> float:
        """Smallest value."""

    @property
    def high(self) -> float:
        """Largest value."""

    @property
    def values(self) -> tuple[str, ...]:
        """All values, rising; empty where any number between the ends is one."""


def design(kind: str, ranges: Sequence[Range], points: int, seed: int) -> list[tuple[str, ...]]:
    """Return the points of a design, each once, a value of every range as text.

    Parameters
    ----------
    kind : str
        One of `DESIGNS`.
    ranges : sequence of Range
        For a grid all with values.
    points : int
        Size of the designs that are no grid; for ``sobol`` a power of 2.  Where ranges have few values, points fall
        together and there are fewer.
    seed : int
        Seed of the permutations and of the scrambling.
    """
    if kind == "grid":
        return list(product(*(own.values for own in ranges)))
    from scipy.stats import qmc

    sampler = qmc.LatinHypercube if kind == "lhs" else qmc.Sobol
    drawn = sampler(len(ranges), seed=np.random.default_rng(seed)).random(points)
    return list(dict.fromkeys(tuple(map(_value, ranges, row)) for row in drawn))


def _value(own: Range, share: float) -> str:
    """Return the value that lies at a share of the way through a range."""
    if own.values:
        return own.values[min(int(share * len(own.values)), len(own.values) - 1)]
    return f"{own.low + share * (own.high - own.low):.6g}"
