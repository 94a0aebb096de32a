"""Small rules by which a value of the network becomes a plain one: for a kind, a day, and parameter values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from crksim.model.laws import Law, law_from
from crksim.model.network import Case, Condition, Dated, LawSpec, Quantity, Shares

if TYPE_CHECKING:
    from crksim.model.ends import End

__all__ = [
    "Theta",
    "change_days",
    "cumulative",
    "end_shares",
    "law_of",
    "passes",
    "resolve",
    "share_values",
    "value_of",
]

T = TypeVar("T")
Theta = Mapping[str, float]


def passes(condition: Condition | None, kind: Mapping[str, str]) -> bool:
    """Say whether `kind` (attribute -> value, with ``cohort``) passes; without a condition every kind does."""
    return condition is None or condition.matches(kind)


def resolve(cases: tuple[Case[T], ...], kind: Mapping[str, str]) -> T:
    """Return the value for `kind`.

    Parameters
    ----------
    cases : tuple of Case
        Not overlapping; the one without ``when``, if any, last.
    kind : mapping of str to str
        Attribute -> value, with ``cohort``.

    Raises
    ------
    LookupError
        When no case covers the kind.
    """
    for case in cases:
        if passes(case.when, kind):
            return case.value
    raise LookupError(f"no case covers {dict(kind)}")


def value_of(number: Dated[Quantity], theta: Theta, day: float) -> float:
    """Return a number on a day.

    Parameters
    ----------
    number : Number
        Dated, perhaps hanging on parameters.
    theta : mapping of str to float
        Values of the parameters.
    day : float
        Days since start.
    """
    return number.at(day).value(theta)


def share_values(shares: Shares, theta: Theta, day: float) -> tuple[float, ...]:
    """Return the share of every branch on a day; ``rest`` takes what the others leave, never less than nothing.

    Returns
    -------
    tuple of float
        In the order of the branches.
    """
    return _with_rest([None if number is None else value_of(number, theta, day) for _, number in shares.branches])


def cumulative(shares: Shares, theta: Theta, day: float) -> tuple[float, ...]:
    """Return the running sums of the shares on a day, the last of them exactly 1.

    A draw u takes the first branch whose running sum exceeds it.
    """
    return _running(share_values(shares, theta, day))


def end_shares(ends: tuple[End, ...], theta: Theta, day: float) -> tuple[tuple[End, ...], tuple[float, ...]]:
    """Return the planned ends of a service in order, and the running sums of their shares, the last exactly 1."""
    planned = tuple(end for end in ends if end.share is not None)
    given = [value_of(end.share, theta, day) if isinstance(end.share, Dated) else None for end in planned]
    return planned, _running(_with_rest(given))


def law_of(spec: LawSpec, theta: Theta, day: float) -> Law:
    """Return the law that a description means on a day.

    Parameters
    ----------
    spec : LawSpec
        The part of a mixture without a weight takes what the others leave.
    theta : mapping of str to float
        Values of the parameters.
    day : float
        Days since start.

    Raises
    ------
    ValueError
        When the numbers make no such law.
    """
    numbers = {name: value_of(number, theta, day) for name, number in spec.numbers}
    if spec.law != "mixture":
        return law_from(spec.law, numbers)
    weights = _with_rest([numbers.get("weight:" + name) for name, _ in spec.parts])
    parts = {name: (weight, law_of(part, theta, day)) for weight, (name, part) in zip(weights, spec.parts, strict=True)}
    return law_from("mixture", {}, parts)


def change_days(*dated: Dated[T]) -> tuple[float, ...]:
    """Return the days on which any of the values changes, rising, the first ``-inf``."""
    return tuple(sorted({-math.inf} | {day for value in dated for day, _ in value.steps}))


def _with_rest(given: list[float | None]) -> tuple[float, ...]:
    rest = max(0.0, 1.0 - math.fsum(number for number in given if number is not None))
    return tuple(rest if number is None else number for number in given)


def _running(values: tuple[float, ...]) -> tuple[float, ...]:
    sums = [min(total, 1.0) for total in accumulate(values)]
    if sums:
        # What rounding leaves over belongs to the last branch that has a share; later ones can never be reached.
        last = max((index for index, value in enumerate(values) if value > 0), default=len(sums) - 1)
        sums[last:] = [1.0] * (len(sums) - last)
    return tuple(sums)
