"""Mixtures of laws: one of several, chosen by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.model.laws.kinds import Law

__all__ = ["Mixture"]

Floats = NDArray[np.float64]
_LARGEST = 1.0 - 2.0**-53
_SMALLEST = 2.0**-60


@dataclass(frozen=True, slots=True)
class Mixture(Law):
    """One of several laws, chosen by chance.

    A length takes one draw: u chooses the part (in the order given), and what is left of u, spread over (0, 1) again,
    is the draw within the part.  Lengths so drawn have the mixture's distribution, but ``quantile`` does not rise with
    u across parts and is not the inverse of ``cdf``; ``tail`` is the inverse of ``survival``, by bisection.

    Parameters
    ----------
    weights : tuple of float
        Probability of every part; they sum to one.
    parts : tuple of Law
        The parts, in the order of their ids.
    """

    weights: tuple[float, ...]
    parts: tuple[Law, ...]

    @property
    def breaks(self) -> tuple[float, ...]:
        """Those of all parts."""
        return tuple(sorted({point for part in self.parts for point in part.breaks}))

    def _moments(self) -> tuple[float, float]:
        # A part without weight adds nothing, even when its mean is infinite.
        pairs = [(w, *part._moments()) for w, part in zip(self.weights, self.parts, strict=True) if w > 0.0]
        mean = math.fsum(w * m for w, m, _ in pairs)
        if not math.isfinite(mean):
            return math.inf, math.inf
        return mean, math.sqrt(math.fsum(w * (s * s + (m - mean) ** 2) for w, m, s in pairs))

    def _quantile(self, u: Floats) -> Floats:
        flat = u.ravel()
        result = np.empty_like(flat)
        below = 0.0
        last = max(index for index, weight in enumerate(self.weights) if weight > 0.0)
        for index, (weight, part) in enumerate(zip(self.weights, self.parts, strict=True)):
            above = below + weight
            chosen = flat >= below if index == last else (flat >= below) & (flat < above)
            if weight > 0.0 and chosen.any():
                rest = np.clip((flat[chosen] - below) / weight, _SMALLEST, _LARGEST)
                result[chosen] = part._quantile(rest)
            if index == last:
                break
            below = above
        return result.reshape(u.shape)

    def _tail(self, s: Floats) -> Floats:
        ends: list[Floats] = [
            part._tail(s) for weight, part in zip(self.weights, self.parts, strict=True) if weight > 0.0
        ]
        low: Floats = np.minimum.reduce(ends)
        high: Floats = np.maximum.reduce(ends)
        for _ in range(64):
            middle = 0.5 * (low + high)
            beyond = self._survival(middle) > s
            low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
        return high

    def _survival(self, x: Floats) -> Floats:
        total: Floats = np.zeros_like(x)
        for weight, part in zip(self.weights, self.parts, strict=True):
            total += weight * part._survival(x)
        return total

    def _cdf(self, x: Floats) -> Floats:
        total: Floats = np.zeros_like(x)
        for weight, part in zip(self.weights, self.parts, strict=True):
            total += weight * part._cdf(x)
        return total
