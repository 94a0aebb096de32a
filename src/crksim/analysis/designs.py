"""Which points of several ranges are run: all of them, some that fill the space, or those that indices need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["DESIGNS", "INDEXED", "Range", "Rows", "design", "design_rows", "rows_needed"]

DESIGNS = ("grid", "lhs", "sequence", "sobol", "morris")
#: Designs that indices are made from.
INDEXED = ("sobol", "morris")


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


@dataclass(frozen=True)
class Rows:
    """The rows of a design in its own order; several may be one point.

    Parameters
    ----------
    values : list of tuple of str
        A value of every range each.
    places : ndarray of float or None
        Where they lie on the unit cube, for the designs that indices are made from.
    """

    values: list[tuple[str, ...]]
    places: NDArray[np.float64] | None = None


def rows_needed(kind: str, ranges: int, points: int) -> int:
    """Return how many rows a design has, that is no grid."""
    return points * {"sobol": ranges + 2, "morris": ranges + 1}.get(kind, 1)


def design(kind: str, ranges: Sequence[Range], points: int, seed: int) -> list[tuple[str, ...]]:
    """Return the points of a design, each once, a value of every range as text: `design_rows` without repetitions.

    Where ranges have few values, points fall together and there are fewer.
    """
    return list(dict.fromkeys(design_rows(kind, ranges, points, seed).values))


def design_rows(kind: str, ranges: Sequence[Range], points: int, seed: int) -> Rows:
    """Return the rows of a design.

    Parameters
    ----------
    kind : str
        One of `DESIGNS`.
    ranges : sequence of Range
        For a grid all with values.
    points : int
        Size of the designs that are no grid; for ``sequence`` and ``sobol`` a power of 2.  For ``sobol`` base points,
        for ``morris`` walks.
    seed : int
        Seed of the permutations, the scrambling and the walks.
    """
    if kind == "grid":
        return Rows(list(product(*(own.values for own in ranges))))
    if kind in INDEXED:
        from crksim.analysis.indices import morris_design, sobol_design

        places = (sobol_design if kind == "sobol" else morris_design)(len(ranges), points, seed)
        return Rows([tuple(map(_value, ranges, row)) for row in places], places)
    from scipy.stats import qmc

    sampler = qmc.LatinHypercube if kind == "lhs" else qmc.Sobol
    drawn = sampler(len(ranges), seed=np.random.default_rng(seed)).random(points)
    return Rows([tuple(map(_value, ranges, row)) for row in drawn])


def _value(own: Range, share: float) -> str:
    """Return the value that lies at a share of the way through a range."""
    if own.values:
        return own.values[min(int(share * len(own.values)), len(own.values) - 1)]
    return f"{own.low + share * (own.high - own.low):.6g}"
