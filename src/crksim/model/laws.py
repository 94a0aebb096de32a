"""Laws of lengths as frozen values: how long a stay, a wait or a patience is.

A law answers with exact moments and with its inverse distribution function, so that one number u in (0, 1) becomes one
length.  Every method works element by element: a length depends on its own u alone, never on its neighbours or on how
many are asked for at once.  All lengths are in days.  :func:`law_from` is the door that checks numbers; the classes
take theirs as given.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LAW_NAMES",
    "Empirical",
    "Exponential",
    "Fixed",
    "Gamma",
    "Law",
    "Loglogistic",
    "Lognormal",
    "Mixture",
    "Triangular",
    "Uniform",
    "Weibull",
    "elapsed_quantile",
    "law_from",
    "mean_thinned",
    "needed",
    "residual_quantile",
]

Floats = NDArray[np.float64]

_LARGEST = 1.0 - 2.0**-53
_SMALLEST = 2.0**-60


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
        return self._tail(_floats(s))

    def survival(self, x: ArrayLike) -> Floats:
        """Return the probability of exceeding every length in `x` (days); same shape."""
        return self._survival(np.maximum(_floats(x), 0.0))

    def cdf(self, x: ArrayLike) -> Floats:
        """Return the probability of staying at or below every length in `x` (days); same shape."""
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
        return self.scale * _gamma_at(self.shape, np.log(u) - np.log1p(-u))

    def _tail(self, s: Floats) -> Floats:
        if self.shape == 1.0:
            return -self.scale * np.log(s)
        return self.scale * _gamma_at(self.shape, np.log1p(-s) - np.log(s))

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

        with np.errstate(divide="ignore"):
            return np.asarray(ndtr((self.mu - np.log(x)) / self.sigma))

    def _cdf(self, x: Floats) -> Floats:
        from scipy.special import ndtr

        with np.errstate(divide="ignore"):
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
        odds = np.power(x / self.median, self.shape)
        return odds / (1.0 + odds)


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


@lru_cache(maxsize=256)
def _steps(law: Empirical) -> tuple[Floats, Floats]:
    """Return the values of `law` and the running sums of its weights."""
    sums = np.cumsum(law.weights)
    sums[-1] = 1.0
    return np.array(law.values, dtype=np.float64), sums


# The gamma quantile.  Its log is a smooth function of t = log(u / (1 - u)): t / shape far down, log t far up.  A
# quintic Hermite interpolant on a uniform grid of t (values and two derivatives exact at the knots) is good to 1e-9,
# and ten times faster than inverting the incomplete gamma function at every draw.
_GAMMA_REACH = 40.0
_GAMMA_CELLS = 640
_GAMMA_STEP = 2.0 * _GAMMA_REACH / _GAMMA_CELLS


def _gamma_at(shape: float, t: Floats) -> Floats:
    """Return the quantile of the gamma law of scale 1 at log odds `t`."""
    place = (t.ravel() + _GAMMA_REACH) * (1.0 / _GAMMA_STEP)
    inside = np.clip(place, 0.0, _GAMMA_CELLS * _LARGEST)
    cell = inside.astype(np.intp)
    c0, c1, c2, c3, c4, c5 = _gamma_table(shape).take(cell, axis=0).T
    r = inside - cell
    result: Floats = np.exp(((((c5 * r + c4) * r + c3) * r + c2) * r + c1) * r + c0)
    outside = place != inside
    if outside.any():
        from scipy.special import gammainccinv, gammaincinv

        far = t.ravel()[outside]
        up = gammainccinv(shape, np.exp(-np.abs(far)))
        result[outside] = np.where(far > 0.0, up, gammaincinv(shape, np.exp(-np.abs(far))))
    return result.reshape(t.shape)


@lru_cache(maxsize=256)
def _gamma_table(shape: float) -> Floats:
    """Return the quintic coefficients of log quantile against log odds, shape (cells, 6)."""
    from scipy.special import gammainccinv, gammaincinv

    t = np.linspace(-_GAMMA_REACH, _GAMMA_REACH, _GAMMA_CELLS + 1)
    small = np.exp(-np.abs(t)) / (1.0 + np.exp(-np.abs(t)))
    x = np.where(t < 0.0, gammaincinv(shape, small), gammainccinv(shape, small))
    # P(x) = x^k (1 - k x / (k + 1) + ...) / gamma(k + 1) near 0, where x itself may underflow.
    y = (np.log(small) + math.lgamma(shape + 1.0)) / shape
    tiny = (t < 0.0) & (y < -20.0)
    y = np.where(tiny, y + np.exp(np.where(tiny, y, 0.0)) / (shape + 1.0), np.log(np.where(tiny, 1.0, x)))
    growth = shape - np.exp(y)
    log_density = shape * y - np.exp(y) - math.lgamma(shape)
    first = np.exp(np.log(small) + np.log1p(-small) - log_density)
    second = first * (-np.tanh(0.5 * t) - growth * first)
    d, e = _GAMMA_STEP * first, _GAMMA_STEP**2 * second
    d0, d1, e0, e1, rise = d[:-1], d[1:], e[:-1], e[1:], np.diff(y)
    return np.stack(
        [
            y[:-1],
            d0,
            0.5 * e0,
            10.0 * rise - 6.0 * d0 - 4.0 * d1 - 1.5 * e0 + 0.5 * e1,
            -15.0 * rise + 8.0 * d0 + 7.0 * d1 + 1.5 * e0 - e1,
            6.0 * rise - 3.0 * d0 - 3.0 * d1 - 0.5 * e0 + 0.5 * e1,
        ],
        axis=1,
    )


def _weibull_variation(inverse: float) -> float:
    """Return the squared coefficient of variation of the Weibull law with shape ``1 / inverse``."""
    return math.expm1(math.lgamma(1.0 + 2.0 * inverse) - 2.0 * math.lgamma(1.0 + inverse))


@lru_cache(maxsize=1024)
def _weibull_shape(variation: float) -> float:
    """Return the shape of the Weibull law whose sd is `variation` times its mean, by the secant method."""
    target = math.log1p(variation**2)

    def gap(inverse: float) -> float:
        return math.lgamma(1.0 + 2.0 * inverse) - 2.0 * math.lgamma(1.0 + inverse) - target

    # The gap is convex and rising in 1 / shape, so secants close in from above without fail.
    old, new = max(2.0 * variation, 1e-3), max(variation, 5e-4)
    while gap(old) < 0.0:
        old *= 2.0
    gap_old, gap_new = gap(old), gap(new)
    for _ in range(100):
        if gap_old == gap_new:
            break
        old, new = new, max(new - gap_new * (new - old) / (gap_new - gap_old), 0.1 * new)
        gap_old, gap_new = gap_new, gap(new)
        if abs(new - old) <= 1e-15 * new:
            break
    return 1.0 / new


Numbers = Mapping[str, float]


def _above_zero(numbers: Numbers, *names: str) -> tuple[float, ...]:
    values = tuple(numbers[name] for name in names)
    for name, value in zip(names, values, strict=True):
        if not 0.0 < value < math.inf:
            raise ValueError(f"must have a {name} above 0 (got {value:g})")
    return values


def _exponential(numbers: Numbers) -> Law:
    return Exponential(*_above_zero(numbers, "mean"))


def _gamma(numbers: Numbers) -> Law:
    if "shape" in numbers:
        mean, shape = _above_zero(numbers, "mean", "shape")
    else:
        mean, sd = _above_zero(numbers, "mean", "sd")
        shape = (mean / sd) ** 2
    return Gamma(shape, mean / shape)


def _erlang(numbers: Numbers) -> Law:
    mean, stages = _above_zero(numbers, "mean", "stages")
    if stages != int(stages):
        raise ValueError(f"must have a whole number of stages (got {stages:g}); use the law gamma with a shape")
    return Gamma(stages, mean / stages)


def _weibull(numbers: Numbers) -> Law:
    if "shape" in numbers:
        mean, shape = _above_zero(numbers, "mean", "shape")
    else:
        mean, sd = _above_zero(numbers, "mean", "sd")
        shape = _weibull_shape(sd / mean)
    return Weibull(shape, mean / math.gamma(1.0 + 1.0 / shape))


def _lognormal(numbers: Numbers) -> Law:
    mean, sd = _above_zero(numbers, "mean", "sd")
    variance = math.log1p((sd / mean) ** 2)
    return Lognormal(math.log(mean) - 0.5 * variance, math.sqrt(variance))


def _loglogistic(numbers: Numbers) -> Law:
    if "median" in numbers:
        return Loglogistic(*_above_zero(numbers, "median", "shape"))
    mean, shape = _above_zero(numbers, "mean", "shape")
    if shape <= 1.0:
        raise ValueError(f"must have a shape above 1 (got {shape:g}), or its mean is infinite; give its median instead")
    angle = math.pi / shape
    return Loglogistic(mean * math.sin(angle) / angle, shape)


def _uniform(numbers: Numbers) -> Law:
    low, high = numbers["low"], numbers["high"]
    _rising(low=low, high=high)
    return Uniform(low, high)


def _triangular(numbers: Numbers) -> Law:
    low, mode, high = numbers["low"], numbers["mode"], numbers["high"]
    _rising(low=low, mode=mode, high=high)
    return Triangular(low, mode, high)


def _rising(**bounds: float) -> None:
    values = list(bounds.values())
    if not (values[0] >= 0.0 and values == sorted(values) and values[0] < values[-1] < math.inf):
        order = " <= ".join(bounds) if len(bounds) > 2 else " < ".join(bounds)
        got = ", ".join(f"{name} {value:g}" for name, value in bounds.items())
        raise ValueError(f"must have 0 <= {order}, not all of them equal (got {got})")


def _fixed(numbers: Numbers) -> Law:
    value = numbers["value"]
    if not 0.0 <= value < math.inf:
        raise ValueError(f"must have a value of 0 or more (got {value:g})")
    return Fixed(value)


_BUILDERS: dict[str, tuple[Callable[[Numbers], Law], tuple[frozenset[str], ...]]] = {
    "exponential": (_exponential, (frozenset({"mean"}),)),
    "gamma": (_gamma, (frozenset({"mean", "sd"}), frozenset({"mean", "shape"}))),
    "erlang": (_erlang, (frozenset({"mean", "stages"}),)),
    "weibull": (_weibull, (frozenset({"mean", "sd"}), frozenset({"mean", "shape"}))),
    "lognormal": (_lognormal, (frozenset({"mean", "sd"}),)),
    "loglogistic": (_loglogistic, (frozenset({"mean", "shape"}), frozenset({"median", "shape"}))),
    "uniform": (_uniform, (frozenset({"low", "high"}),)),
    "triangular": (_triangular, (frozenset({"low", "mode", "high"}),)),
    "fixed": (_fixed, (frozenset({"value"}),)),
}
_FIELDS = {
    **{name: fields for name, (_, fields) in _BUILDERS.items()},
    "empirical": (frozenset({"values"}), frozenset({"values", "weights"})),
    "mixture": (frozenset({"parts"}),),
}

LAW_NAMES = tuple(_FIELDS)
"""Every name that stands under ``law:``."""


def needed(name: str) -> tuple[frozenset[str], ...]:
    """Return the sets of fields that a study may give a law; one of them, neither more nor less.

    Parameters
    ----------
    name : str
        Name of the law, one of `LAW_NAMES`.

    Raises
    ------
    ValueError
        When there is no such law.
    """
    if name not in _FIELDS:
        raise ValueError(f"must be one of {', '.join(LAW_NAMES)}")
    return _FIELDS[name]


def law_from(name: str, numbers: Numbers, parts: Mapping[str, tuple[float, Law]] | None = None) -> Law:
    """Return a law by its name and numbers.

    Parameters
    ----------
    name : str
        One of `LAW_NAMES`.
    numbers : mapping of str to float
        As one of ``needed(name)``, durations in days.  An empirical law has its values as ``value:<id>`` and its
        weights, if any, as ``weight:<id>``.
    parts : mapping of str to (float, Law), optional
        For a mixture: weight and law of every part by id; ``rest`` is resolved already.

    Raises
    ------
    ValueError
        When there is no such law, a number is missing, strange or out of range, or weights do not fit; the message is
        a clause on the law.
    """
    if name == "empirical":
        return _empirical(numbers)
    if name == "mixture":
        return _mixture(parts or {})
    entry = _BUILDERS.get(name)
    if entry is None:
        raise ValueError(f"must be one of {', '.join(LAW_NAMES)}")
    build, choices = entry
    if numbers.keys() not in choices:
        wanted = " or ".join(" and ".join(sorted(choice)) for choice in choices)
        raise ValueError(f"must have {wanted} (got {', '.join(sorted(numbers)) or 'none'})")
    try:
        return build(numbers)
    except (OverflowError, ZeroDivisionError):
        raise ValueError("must have numbers of a size that can be reckoned with") from None


def _empirical(numbers: Numbers) -> Law:
    values = {key[6:]: value for key, value in numbers.items() if key.startswith("value:")}
    weights = {key[7:]: value for key, value in numbers.items() if key.startswith("weight:")}
    if not values or len(values) + len(weights) != len(numbers):
        raise ValueError("must have values, and may have weights, by id")
    if weights and weights.keys() != values.keys():
        odd = sorted(weights.keys() ^ values.keys())
        raise ValueError(f"must have a weight for every value, or none at all (see {', '.join(odd)})")
    if not all(0.0 <= value < math.inf for value in values.values()):
        raise ValueError(f"must have values of 0 or more (got {min(values.values()):g})")
    if not all(0.0 <= weight < math.inf for weight in weights.values()):
        raise ValueError(f"must have weights of 0 or more (got {min(weights.values()):g})")
    total = math.fsum(weights.values()) if weights else float(len(values))
    if total <= 0.0:
        raise ValueError("must have a weight above 0")
    pairs = sorted((value, weights.get(key, 1.0) / total) for key, value in values.items())
    kept = [pair for pair in pairs if pair[1] > 0.0]
    return Empirical(tuple(value for value, _ in kept), tuple(weight for _, weight in kept))


def _mixture(parts: Mapping[str, tuple[float, Law]]) -> Law:
    if not parts:
        raise ValueError("must have parts")
    weights = tuple(parts[key][0] for key in sorted(parts))
    if not all(0.0 <= weight <= 1.0 + 1e-9 for weight in weights) or abs(math.fsum(weights) - 1.0) > 1e-9:
        got = ", ".join(f"{key} {parts[key][0]:g}" for key in sorted(parts))
        raise ValueError(f"must have weights of 0 or more that sum to 1 (got {got})")
    return Mixture(weights, tuple(parts[key][1] for key in sorted(parts)))


def mean_thinned(law: Law, hazard: float = 0.0) -> float:
    """Return the mean time until a length ends or a hazard ends it, whichever is first.

    The integral over a of survival(a) exp(-hazard a): the weight of a law in an opening caseload.

    Parameters
    ----------
    law : Law
        The planned length.
    hazard : float
        Constant competing hazard per day.

    Returns
    -------
    float
        Days; ``law.mean`` without hazard.
    """
    if hazard == 0.0:
        return law.mean
    if isinstance(law, Exponential):
        return law.scale / (1.0 + hazard * law.scale)
    if isinstance(law, Gamma):
        # The Laplace transform of the gamma law is (1 + scale * hazard) ** -shape.
        return -math.expm1(-law.shape * math.log1p(law.scale * hazard)) / hazard
    if isinstance(law, Fixed):
        return -math.expm1(-law.value * hazard) / hazard
    if isinstance(law, Mixture):
        return math.fsum(w * mean_thinned(part, hazard) for w, part in zip(law.weights, law.parts, strict=True))
    return float(_age_table(law, hazard)[1][-1])


def elapsed_quantile(law: Law, u: ArrayLike, hazard: float = 0.0) -> Floats:
    """Return how long those found in the middle of a length have been there, in a steady state.

    The age a has a density in proportion to survival(a) exp(-hazard a) (Cox 1962, Renewal theory, eq. 5.1.7, thinned
    by the hazard).

    Parameters
    ----------
    law : Law
        The planned length.
    u : array_like of float, any shape
        Draws in (0, 1).
    hazard : float
        Constant competing hazard per day.

    Returns
    -------
    ndarray of float64, same shape as `u`
        Ages in days, right to 1e-4 in probability.

    Raises
    ------
    ValueError
        When the mean is infinite and no hazard bounds the age.
    """
    draws = _floats(u)
    if isinstance(law, Exponential):
        return Exponential(law.scale / (1.0 + hazard * law.scale)).quantile(draws)
    if hazard == 0.0 and not math.isfinite(law.mean):
        raise ValueError("must have a finite mean, or those present would have been there for ever")
    ages, mass = _age_table(law, hazard)
    total = law.mean if hazard == 0.0 else mass[-1]
    return np.asarray(np.interp(draws * total, mass, ages), dtype=np.float64)


@lru_cache(maxsize=256)
def _age_table(law: Law, hazard: float) -> tuple[Floats, Floats]:
    """Return ages (rising from 0) and the integral of survival(a) exp(-hazard a) up to each.

    The ages are quantiles, points at equal ratios over the whole range that counts, and the breaks of the law; between
    neighbours the integral is by Gauss-Legendre with four points.
    """
    quantiles = law.quantile((np.arange(1000) + 0.5) / 1000)
    scale = float(np.median(quantiles))
    if scale <= 0.0:
        scale = float(quantiles.max()) or 1.0
    # With a tail x ** -b the mass beyond x falls only as x ** (1 - b), so a far quantile is not far enough.
    farthest = float(law.tail(1e-14))
    while float(law.survival(farthest)) * farthest > 1e-7 * scale and farthest < 1e30 * scale:
        farthest *= 10.0
    if hazard > 0.0:
        farthest = min(farthest, 40.0 / hazard)
    least = 1e-6 * min(scale, 1.0 / hazard if hazard > 0.0 else scale)
    ratios = np.geomspace(least, max(farthest, 2.0 * least), 3000)
    points = np.concatenate(([0.0], ratios, quantiles, law.breaks))
    ages = np.unique(points[points <= farthest])
    nodes, weights = np.polynomial.legendre.leggauss(4)
    width = np.diff(ages)
    at = ages[:-1, None] + 0.5 * width[:, None] * (nodes + 1.0)
    density = law.survival(at) * np.exp(-hazard * at)
    mass = np.concatenate(([0.0], np.cumsum(0.5 * width * (density @ weights))))
    return ages, mass


def residual_quantile(law: Law, age: ArrayLike, u: ArrayLike) -> Floats:
    """Return how much is left of lengths that have reached an age.

    Parameters
    ----------
    law : Law
        The planned length.
    age : array_like of float
        Days reached already.
    u : array_like of float, of a shape that fits that of `age`
        Draws in (0, 1).

    Returns
    -------
    ndarray of float64
        Days left: ``Q(F(age) + u (1 - F(age))) - age``; 0 at an age that no length exceeds.
    """
    ages, draws = np.broadcast_arrays(_floats(age), _floats(u))
    left = law.survival(ages) * (1.0 - draws)
    ends = law.tail(np.maximum(left, np.finfo(np.float64).tiny))
    return np.asarray(np.where(left > 0.0, np.maximum(ends - ages, 0.0), 0.0), dtype=np.float64)
