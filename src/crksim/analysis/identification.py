"""What the report's counts say of each parameter: from before to after, and which parameters trade off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.blocks import Blocks

__all__ = ["IDENTIFIED", "TRADE_OFF", "Identified", "TradeOff", "identified", "trade_offs"]

Floats = NDArray[np.float64]

#: A parameter of which more than this share of the prior's 90 % width is left is not identified by the report.
IDENTIFIED = 0.8
#: Correlations (of normal scores) from which on two parameters trade off.
TRADE_OFF = 0.4
_Z90 = 2 * 1.6448536269514722


@dataclass(frozen=True)
class Identified:
    """A parameter before and after.

    Parameters
    ----------
    parameter, block : str
        Ids; block is ``exact`` for pieces with an exact answer.
    before, after : tuple of float
        5 %, 50 % and 95 % points (in days, per day, or without unit).
    left : float
        Width of the 90 % range after, as a share of before; in normal scores of the prior.
    """

    parameter: str
    block: str
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    left: float

    @property
    def by_report(self) -> bool:
        """Whether the report's counts say something of it."""
        return self.left <= IDENTIFIED


@dataclass(frozen=True)
class TradeOff:
    """Two parameters that the counts tell together better than apart."""

    first: str
    second: str
    correlation: float


def identified(blocks: Blocks, scores: Mapping[str, Floats], members: list[dict[str, float]]) -> list[Identified]:
    """Return every calibrated parameter before and after.

    Parameters
    ----------
    blocks : Blocks
        What was calibrated.
    scores : mapping of str to ndarray of float, shape (particles, parameters)
        Block -> particles.
    members : list of dict
        The ensemble, for the exact pieces.
    """
    marks, found = [0.05, 0.5, 0.95], []
    for piece in blocks.exact:
        for name in piece.parameters:
            after = np.quantile([member[name] for member in members], marks)
            left = float(after[2] - after[0]) / 0.9  # before: evenly between nothing and all
            found.append(Identified(name, "exact", (0.05, 0.5, 0.95), _three(after), left))
    for block in blocks.blocks:
        for place, name in enumerate(block.parameters):
            prior, ends = blocks.priors[name], np.quantile(scores[block.id][:, place], marks)
            before = (prior.prior.quantile(0.05), prior.prior.quantile(0.5), prior.prior.quantile(0.95))
            left = float(ends[2] - ends[0]) / _Z90
            found.append(Identified(name, block.id, before, _three(prior.values(ends)), left))
    return found


def _three(values: Floats) -> tuple[float, float, float]:
    low, middle, high = (float(value) for value in values)
    return low, middle, high


def trade_offs(blocks: Blocks, scores: Mapping[str, Floats]) -> list[TradeOff]:
    """Return the pairs of parameters of one block that trade off, the strongest first."""
    found = []
    for block in blocks.blocks:
        if len(block.parameters) < 2:
            continue
        correlations = np.atleast_2d(np.corrcoef(scores[block.id], rowvar=False))
        for first in range(len(block.parameters)):
            for second in range(first + 1, len(block.parameters)):
                value = float(correlations[first, second])
                if abs(value) >= TRADE_OFF:
                    found.append(TradeOff(block.parameters[first], block.parameters[second], value))
    return sorted(found, key=lambda pair: -abs(pair.correlation))
