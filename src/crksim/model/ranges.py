"""Ranges that numbers of a study must lie in; each rule says what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["TOLERANCE", "Check", "above_zero", "at_least_zero", "count", "share"]

Check = Callable[[float], str | None]

#: How far a sum of shares, or a whole number, may be off by rounding.
TOLERANCE = 1e-9


def share(number: float) -> str | None:
    """Say what is wrong with a share."""
    return None if 0 <= number <= 1 else "must be a share between 0 and 1"


def count(number: float) -> str | None:
    """Say what is wrong with a whole number."""
    return None if number >= 0 and abs(number - round(number)) < TOLERANCE else "must be a whole number of at least 0"


def at_least_zero(number: float) -> str | None:
    """Say what is wrong with a number that cannot be negative."""
    return None if number >= 0 else "must be at least 0"


def above_zero(number: float) -> str | None:
    """Say what is wrong with a number that must be positive."""
    return None if number > 0 else "must be above 0"
