"""The check against the report: how rare is a set of predicted numbers that surprises so much.

Every predicted number has a surprise, minus twice the logarithm of its two-sided tail among the ensemble's single
futures; their sum is Fisher's statistic.  Its law is not taken from a table but from the ensemble's own futures, each
put in the place of the report in turn, so that numbers that move together count as they should.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Checked", "Gate", "check", "pass_chance"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Checked:
    """A number that is predicted.

    Parameters
    ----------
    fact : str
        Id of the target.
    reported : float
        The report's number.
    rounded : float
        Width of what is reported as one number.
    nobody : bool
        Whether only counts if it is zero or not.
    """

    fact: str
    reported: float
    rounded: float = 0.0
    nobody: bool = False


@dataclass(frozen=True)
class Gate:
    """What the check says.

    Parameters
    ----------
    passed : bool
        Whether so surprising a set of numbers is not rarer than the rule allows.
    chance : float
        Share of the ensemble's futures that would be at least as surprising, were they the report.
    surprises : tuple of (str, float)
        Fact -> two-sided tail of its number, the most surprising first.
    """

    passed: bool
    chance: float
    surprises: tuple[tuple[str, float], ...]


def check(numbers: Sequence[Checked], futures: Floats, probability: float) -> Gate:
    """Hold the report's predicted numbers against the ensemble.

    Parameters
    ----------
    numbers : sequence of Checked
        The predicted numbers that are independent.
    futures : ndarray of float, shape (futures, numbers)
        What single futures of the members give; NaN where a measure is not defined.
    probability : float
        The gate fails when its chance is smaller.
    """
    reported = np.array([[number.reported for number in numbers]])
    tails = _tails(numbers, futures, reported, own=False)[0]
    among = _statistic(_tails(numbers, futures, futures, own=True))
    found = float(_statistic(tails[None, :])[0])
    chance = float((1 + (among >= found - 1e-9).sum()) / (len(futures) + 1))
    order = np.argsort(tails, kind="stable")
    return Gate(chance >= probability, chance, tuple((numbers[i].fact, float(tails[i])) for i in order))


def pass_chance(numbers: Sequence[Checked], model: Floats, truth: Floats, probability: float) -> float:
    """Return the chance that a model passes when the report comes from another.

    Parameters
    ----------
    numbers : sequence of Checked
        The predicted numbers.
    model, truth : ndarray of float, shape (futures, numbers)
        Futures of the model that is checked, and of the one that the reports are taken from.
    probability : float
        As in `check`.
    """
    among = np.sort(_statistic(_tails(numbers, model, model, own=True)))
    found = _statistic(_tails(numbers, model, truth, own=False))
    above = len(among) - np.searchsorted(among, found - 1e-9, side="left")
    return float(((1 + above) / (len(model) + 1) >= probability).mean())


def _statistic(tails: Floats) -> Floats:
    return np.asarray(-2.0 * np.log(tails).sum(axis=1))


def _tails(numbers: Sequence[Checked], futures: Floats, values: Floats, *, own: bool) -> Floats:
    """Return the two-sided tail of every value among the futures; its own future is not counted twice.

    A number that is not defined in a future counts as lower than all; so does one that is not defined in `values`.
    """
    found = np.empty(values.shape)
    size = len(futures)
    for column, number in enumerate(numbers):
        among, asked = futures[:, column], values[:, column]
        if number.nobody:
            among, asked = (np.where(np.nan_to_num(part) > 0.0, 1.0, 0.0) for part in (among, asked))
        among, asked = (np.where(np.isnan(part), -np.inf, part) for part in (among, asked))
        order, half = np.sort(among), 0.5 * number.rounded + 1e-9
        below = np.searchsorted(order, asked + half, side="right")
        above = size - np.searchsorted(order, asked - half, side="left")
        rarer = np.minimum(below, above) + (0 if own else 1)
        found[:, column] = np.minimum(1.0, 2.0 * rarer / (size if own else size + 1))
    return found
