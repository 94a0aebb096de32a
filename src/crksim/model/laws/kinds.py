"""The kinds of laws: one frozen class each; mixtures of them stand apart."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crksim.model.laws.gamma import gamma_at

__all__ = [
    "Empirical",
    "Exponential",
    "Fixed",
    "Gamma",
    "Law",
    "Loglogistic",
    "Lognormal",
    "Triangular",
    "Uniform",
    "Weibull",
]

Floats = NDArray[np.float64]


class Law(ABC):
    """A law of lengths; every kind below is one."""

    __slots__ = ()

    @property
    def mean(self) -> float:
        """Mean in days; may be infinite."""
        return self._moments()[0]

    @property
    def sd(self) -> float:
        """Standard deviation in days; may be infinite."""
        return self._moments()[1]

    @property
    def breaks(self) -> tuple[float, ...]:
        """Lengths in days at which the distribution function jumps or bends."""
        return ()

    def quantile(self, u: ArrayLike) -> Floats:
        """Return the length in days of every draw in `u` (each in (0, 1)); same shape."""
        return self._quantile(_floats(u))

    def tail(self, s: ArrayLike) -> Floats:
        """Return the length in days exceeded with every probability in `s`; same shape.

        As ``quantile(1 - s)``, without its loss of digits at a small `s`.
        """
        with np.errstate(divide="ignore", over="ignore"):
            return self._tail(_floats(s))

    def survival(self, x: ArrayLike) -> Floats:
        """Return the probability of exceeding every length in `x` (days); same shape."""
        with np.errstate(divide="ignore", over="ignore"):
            return self._survival(np.maximum(_floats(x), 0.0))

    def cdf(self, x: ArrayLike) -> Floats:
        """Return the probability of staying at or below every length in `x` (days); same shape."""
        with np.errstate(divide="ignore", over="ignore"):
            return np.where(np.asarray(x) < 0.0, 0.0, self._cdf(np.maximum(_floats(x), 0.0)))

    @abstractmethod
    def _moments(self) -> tuple[float, float]: ...

    @abstractmethod
    def _quantile(self, u: Floats) -> Floats: ...

    @abstractmethod
    def _survival(self, x: Floats) -> Floats: ...

    def _tail(self, s: Floats) -> Floats:
        return self._quantile(1.0 - s)

    def _cdf(self, x: Floats) -> Floats:
        return 1.0 - self._survival(x)


def _floats(values: ArrayLike) -> Floats:
    # One memory layout only: numpy may round exp and log differently on strided arrays.
    array = np.asarray(values, dtype=np.float64)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


@dataclass(frozen=True, slots=True)
class Exponential(Law):
    """Constant hazard ``1 / scale`` (scale in days, the mean)."""

    scale: float

    def _moments(self) -> tuple[float, float]:
        return self.scale, self.scale

    def _quantile(self, u: Floats) -> Floats:
        return -self.scale * np.log1p(-u)

    def _tail(self, s: Floats) -> Floats:
        return -self.scale * np.log(s)

    def _survival(self, x: Floats) -> Floats:
        return np.exp(x / -self.scale)

    def _cdf(self, x: Floats) -> Floats:
        return -np.expm1(x / -self.scale)


@dataclass(frozen=True, slots=True)
class Gamma(Law):
    """Gamma law with `shape` (no unit) and `scale` (days); Erlang when the shape is whole."""

    shape: float
    scale: float

    def _moments(self) -> tuple[float, float]:
        return self.shape * self.scale, math.sqrt(self.shape) * self.scale

    def _quantile(self, u: Floats) -> Floats:
        if self.shape == 1.0:
            return -self.scale * np.log1p(-u)
        return self.scale * gamma_at(self.shape, np.log(u) - np.log1p(-u))

    def _tail(self, s: Floats) -> Floats:
        if self.shape == 1.0:
            return -self.scale * np.log(s)
        return self.scale * gamma_at(self.shape, np.log1p(-s) - np.log(s))

    def _survival(self, x: Floats) -> Floats:
        from scipy.special import gammaincc

        return np.asarray(gammaincc(self.shape, x / self.scale))

    def _cdf(self, x: Floats) -> Floats:
        from scipy.special import gammainc

        return np.asarray(gammainc(self.shape, x / self.scale))


@dataclass(frozen=True, slots=True)
class Weibull(Law):
    """Weibull law with `shape` (no unit) and `scale` (days); below shape 1 the hazard falls."""

    shape: float
    scale: float

    def _moments(self) -> tuple[float, float]:
        inverse = 1.0 / self.shape
        mean = self.scale * math.gamma(1.0 + inverse)
        return mean, mean * math.sqrt(_weibull_variation(inverse))

    def _quantile(self, u: Floats) -> Floats:
        return self.scale * np.power(-np.log1p(-u), 1.0 / self.shape)

    def _tail(self, s: Floats) -> Floats:
        return self.scale * np.power(-np.log(s), 1.0 / self.shape)

    def _survival(self, x: Floats) -> Floats:
        return np.exp(-np.power(x / self.scale, self.shape))

    def _cdf(self, x: Floats) -> Floats:
        return -np.expm1(-np.power(x / self.scale, self.shape))


@dataclass(frozen=True, slots=True)
class Lognormal(Law):
    """Lognormal law; `mu` and `sigma` are the mean and standard deviation of the log of days."""

    mu: float
    sigma: float

    def _moments(self) -> tuple[float, float]:
        mean = math.exp(self.mu + 0.5 * self.sigma**2)
        return mean, mean * math.sqrt(math.expm1(self.sigma**2))

    def _quantile(self, u: Floats) -> Floats:
        from scipy.special import ndtri

        return np.asarray(np.exp(self.mu + self.sigma * ndtri(u)))

    def _tail(self, s: Floats) -> Floats:
        from scipy.special import ndtri

        return np.asarray(np.exp(self.mu - self.sigma * ndtri(s)))

    def _survival(self, x: Floats) -> Floats:
        from scipy.special import ndtr

        return np.asarray(ndtr((self.mu - np.log(x)) / self.sigma))

    def _cdf(self, x: Floats) -> Floats:
        from scipy.special import ndtr

        return np.asarray(ndtr((np.log(x) - self.mu) / self.sigma))


@dataclass(frozen=True, slots=True)
class Loglogistic(Law):
    """Loglogistic law with `median` (days) and `shape` (no unit); its tail falls as ``x ** -shape``."""

    median: float
    shape: float

    def _moments(self) -> tuple[float, float]:
        angle = math.pi / self.shape
        if self.shape <= 1.0:
            return math.inf, math.inf
        mean = self.median * angle / math.sin(angle)
        if self.shape <= 2.0:
            return mean, math.inf
        second = self.median**2 * 2.0 * angle / math.sin(2.0 * angle)
        return mean, math.sqrt(second - mean**2)

    def _quantile(self, u: Floats) -> Floats:
        return self.median * np.power(u / (1.0 - u), 1.0 / self.shape)

    def _tail(self, s: Floats) -> Floats:
        return self.median * np.power((1.0 - s) / s, 1.0 / self.shape)

    def _survival(self, x: Floats) -> Floats:
        return 1.0 / (1.0 + np.power(x / self.median, self.shape))

    def _cdf(self, x: Floats) -> Floats:
        return 1.0 / (1.0 + np.power(x / self.median, -self.shape))


@dataclass(frozen=True, slots=True)
class Uniform(Law):
    """Every length between `low` and `high` (days) alike."""

    low: float
    high: float

    @property
    def breaks(self) -> tuple[float, ...]:
        """Both ends."""
        return self.low, self.high

    def _moments(self) -> tuple[float, float]:
        return 0.5 * (self.low + self.high), (self.high - self.low) / math.sqrt(12.0)

    def _quantile(self, u: Floats) -> Floats:
        return self.low + (self.high - self.low) * u

    def _tail(self, s: Floats) -> Floats:
        return self.high - (self.high - self.low) * s

    def _survival(self, x: Floats) -> Floats:
        return np.clip((self.high - x) / (self.high - self.low), 0.0, 1.0)

    def _cdf(self, x: Floats) -> Floats:
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Triangular(Law):
    """Lengths from `low` to `high` (days), rising in density to `mode` and falling after it."""

    low: float
    mode: float
    high: float

    @property
    def breaks(self) -> tuple[float, ...]:
        """The three corners."""
        return self.low, self.mode, self.high

    def _moments(self) -> tuple[float, float]:
        a, c, b = self.low, self.mode, self.high
        return (a + b + c) / 3.0, math.sqrt(((b - a) ** 2 - (b - c) * (c - a)) / 18.0)

    def _quantile(self, u: Floats) -> Floats:
        return self._both(u, 1.0 - u)

    def _tail(self, s: Floats) -> Floats:
        return self._both(1.0 - s, s)

    def _both(self, below: Floats, above: Floats) -> Floats:
        a, c, b = self.low, self.mode, self.high
        rising = a + np.sqrt(below * ((b - a) * (c - a)))
        falling = b - np.sqrt(above * ((b - a) * (b - c)))
        return np.where(below * (b - a) < c - a, rising, falling)

    def _survival(self, x: Floats) -> Floats:
        return 1.0 - self._cdf(x)

    def _cdf(self, x: Floats) -> Floats:
        a, c, b = self.low, self.mode, self.high
        inside = np.clip(x, a, b)
        rising = (inside - a) ** 2 / ((b - a) * (c - a)) if c > a else np.zeros_like(inside)
        falling = 1.0 - (b - inside) ** 2 / ((b - a) * (b - c)) if b > c else np.ones_like(inside)
        return np.where(inside < c, rising, falling)


@dataclass(frozen=True, slots=True)
class Fixed(Law):
    """Always `value` days."""

    value: float

    @property
    def breaks(self) -> tuple[float, ...]:
        """The value."""
        return (self.value,)

    def _moments(self) -> tuple[float, float]:
        return self.value, 0.0

    def _quantile(self, u: Floats) -> Floats:
        return np.full_like(u, self.value)

    def _survival(self, x: Floats) -> Floats:
        return np.where(x < self.value, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Empirical(Law):
    """One of the `values` (days, rising), with the probabilities of `weights` (which sum to one)."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def breaks(self) -> tuple[float, ...]:
        """The values."""
        return self.values

    def _moments(self) -> tuple[float, float]:
        mean = math.fsum(w * x for w, x in zip(self.weights, self.values, strict=True))
        return mean, math.sqrt(math.fsum(w * (x - mean) ** 2 for w, x in zip(self.weights, self.values, strict=True)))

    def _quantile(self, u: Floats) -> Floats:
        values, sums = _steps(self)
        return values[np.minimum(np.searchsorted(sums, u, side="right"), values.size - 1)]

    def _survival(self, x: Floats) -> Floats:
        return 1.0 - self._cdf(x)

    def _cdf(self, x: Floats) -> Floats:
        values, sums = _steps(self)
        return np.concatenate(([0.0], sums))[np.searchsorted(values, x, side="right")]


@lru_cache(maxsize=256)
def _steps(law: Empirical) -> tuple[Floats, Floats]:
    """Return the values of `law` and the running sums of its weights."""
    sums = np.cumsum(law.weights)
    sums[-1] = 1.0
    return np.array(law.values, dtype=np.float64), sums


def _weibull_variation(inverse: float) -> float:
    """Return the squared coefficient of variation of the Weibull law with shape ``1 / inverse``."""
    return math.expm1(math.lgamma(1.0 + 2.0 * inverse) - 2.0 * math.lgamma(1.0 + inverse))
