"""Laws by name and numbers: what a law needs, and what its numbers may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

from crksim.model.laws.kinds import (
    Empirical,
    Exponential,
    Fixed,
    Gamma,
    Law,
    Loglogistic,
    Lognormal,
    Triangular,
    Uniform,
    Weibull,
)
from crksim.model.laws.mixture import Mixture

__all__ = ["LAW_NAMES", "law_from", "needed"]

Numbers = Mapping[str, float]


def _above_zero(numbers: Numbers, *names: str) -> tuple[float, ...]:
    values = tuple(numbers[name] for name in names)
    for name, value in zip(names, values, strict=True):
        if not 0.0 < value < math.inf:
            raise ValueError(f"must have {name} above 0 (got {value:g})")
    return values


def _exponential(numbers: Numbers) -> Law:
    return Exponential(*_above_zero(numbers, "mean"))


def _variation(numbers: Numbers) -> tuple[float, float]:
    """Return the mean and the coefficient of variation."""
    mean, sd = _above_zero(numbers, "mean", "sd")
    if not 1e-6 <= sd / mean <= 1e6:
        raise OverflowError
    return mean, sd / mean


def _gamma(numbers: Numbers) -> Law:
    if "shape" in numbers:
        mean, shape = _above_zero(numbers, "mean", "shape")
    else:
        mean, variation = _variation(numbers)
        shape = variation**-2
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
        mean, variation = _variation(numbers)
        shape = _weibull_shape(variation)
    return Weibull(shape, mean / math.gamma(1.0 + 1.0 / shape))


def _lognormal(numbers: Numbers) -> Law:
    mean, variation = _variation(numbers)
    variance = math.log1p(variation**2)
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
