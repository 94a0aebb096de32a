"""What a number may be, given what is known of it: a value, a plausible range and the name of a law.

The range is the plausible 90 % range of the ledger.  What a law makes of it:

=========== ==========================================================================================================
fixed       always the value
uniform     even between `low` and `high`; the value plays no part
triangular  `low` and `high` are the extremes, the value is the peak
pert        the value is the peak of a smooth law of weight 4 (Malcolm, Roseboom, Clark & Fazar 1959) whose 5 % and
            95 % points are `low` and `high`; its extremes lie outside them.  What falls below 0, or for a share above
            1, is drawn as 0 or 1
lognormal   the value is the median, `low` and `high` are exactly the 5 % and the 95 % point: one half-lognormal on
            either side of the median
lognormal_between
            lognormal with `low` and `high` as its 5 % and 95 % points; the value plays no part
beta        of `a` and `b`; without them the value is the mean and 90 % lie in a range as wide as `low` to `high`
gamma       of `shape` and `rate`: what a count leaves of a rate (shape = count + 1/2, rate = time it was counted over)
=========== ==========================================================================================================

Shares of one map are not independent: what one takes, another cannot.  `rest_law` gives the law of a share as a part of
what another leaves (`rest_of` in the ledger).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["PRIOR_LAWS", "Prior", "beta_below", "rest_law"]

#: Law -> the numbers of its own that it takes.
PRIOR_LAWS: dict[str, tuple[str, ...]] = {
    "fixed": (),
    "uniform": (),
    "triangular": (),
    "pert": (),
    "lognormal": (),
    "lognormal_between": (),
    "beta": ("a", "b"),
    "gamma": ("shape", "rate"),
}

#: The 95 % point of the standard normal law.
_Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Prior:
    """A law for one number.

    Parameters
    ----------
    law : str
        One of `PRIOR_LAWS`.
    value, low, high : float
        The number in use and its plausible range (in days, per day, or without unit); NaN where not stated.
    numbers : tuple of (str, float)
        Numbers of the law's own.
    share : bool
        Whether no number above 1 makes sense.
    """

    law: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    numbers: tuple[tuple[str, float], ...] = ()
    share: bool = False

    def fault(self) -> str | None:
        """Return the rule that the numbers break, as a clause on the value, or None."""
        named = dict(self.numbers)
        if self.law == "fixed":
            return None
        if self.law == "gamma" or (self.law == "beta" and named):
            if not all(number > 0.0 for number in named.values()):
                return "its law's numbers must be above 0"
            # Far outside its own law, a value most often has another unit than the law's numbers.
            likely = self.quantile(0.001) <= self.value <= self.quantile(0.999)
            return None if likely else "must be a likely value of its law (between its 0.1 % and 99.9 % points)"
        if not self.low <= self.high:
            return "must have 'low' and 'high', in this order"
        if self.law == "beta" and not 0.0 <= self.low < self.high <= 1.0:
            return "must have 'low' and 'high' between 0 and 1, and apart"
        if self.law == "beta" and not 0.0 < self.value < 1.0:
            return "must lie between 0 and 1"
        if self.law in ("lognormal", "lognormal_between") and not self.low > 0.0:
            return "must have 'low' above 0"
        if not self.low <= self.value <= self.high:
            return "must lie between its 'low' and 'high'"
        return None

    def quantile(self, u: float) -> float:
        """Return the number below which the share `u` (in (0, 1)) of the law lies."""
        value, low, high = self.value, self.low, self.high
        if self.law == "fixed" or (self.law in ("triangular", "pert", "uniform", "lognormal") and low == high):
            return value
        if self.law == "lognormal_between":
            return math.sqrt(low * high) * math.exp(0.5 * _normal(u) / _Z95 * math.log(high / low))
        if self.law == "uniform":
            return low + u * (high - low)
        if self.law == "triangular":
            peak = (value - low) / (high - low)
            if u < peak:
                return low + math.sqrt(u * (high - low) * (value - low))
            return high - math.sqrt((1.0 - u) * (high - low) * (high - value))
        if self.law == "lognormal":
            return value * math.exp(_normal(u) / _Z95 * math.log(value / low if u < 0.5 else high / value))
        if self.law == "gamma":
            from scipy.special import gammaincinv

            named = dict(self.numbers)
            return float(gammaincinv(named["shape"], u)) / named["rate"]
        from scipy.special import betaincinv

        if self.law == "pert":
            least, most = _pert_extremes(value, low, high)
            peak = (value - least) / (most - least)
            drawn = least + (most - least) * float(betaincinv(1.0 + 4.0 * peak, 5.0 - 4.0 * peak, u))
            return min(max(drawn, 0.0 if low >= 0.0 else -math.inf), 1.0 if self.share else math.inf)
        named = dict(self.numbers)
        a, b = (named["a"], named["b"]) if named else _beta_of(value, high - low)
        return float(betaincinv(a, b, u))


def beta_below(a: float, b: float, most: float, u: float) -> float:
    """Return the number below which the share `u` of a beta law lies that is cut off above `most`."""
    from scipy.special import betainc, betaincinv

    return float(betaincinv(a, b, u * float(betainc(a, b, min(1.0, most)))))


def rest_law(own: Prior, other: Prior) -> tuple[float, float] | None:
    """Return *a* and *b* of the beta law of a share as a part of what another share leaves.

    Drawn so, the two and what is left of one have a generalised Dirichlet law (Connor & Mosimann 1969, Journal of the
    American Statistical Association 64:194-206): they never exceed one, what one has more the other has less, and the
    share keeps the mean and the standard deviation of its own range.

    Parameters
    ----------
    own, other : Prior
        What is known of the share, and of the one that is drawn before it.

    Returns
    -------
    tuple of float, or None
        None where no law does: the range is too narrow for a part of what is left, or the shares leave nothing.
    """
    (mean, sd), (first, first_sd) = _moments(own), _moments(other)
    if not (mean > 0.0 and mean + first < 1.0):
        return None
    part = mean / (1.0 - first)
    variance = (sd**2 + mean**2) / ((1.0 - first) ** 2 + first_sd**2) - part**2
    size = part * (1.0 - part) / variance - 1.0 if variance > 0.0 else 0.0
    return (part * size, (1.0 - part) * size) if size > 0.0 else None


@lru_cache(maxsize=4096)
def _moments(prior: Prior) -> tuple[float, float]:
    """Return mean and standard deviation, from the midpoints of a thousand equal parts."""
    values = [prior.quantile((place + 0.5) / 1000.0) for place in range(1000)]
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _normal(u: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(u))


@lru_cache(maxsize=4096)
def _pert_extremes(value: float, low: float, high: float) -> tuple[float, float]:
    """Return the extremes of the PERT law with this peak whose 5 % and 95 % points are `low` and `high`."""
    from scipy.special import betaincinv

    least, most = low, high
    for _ in range(500):
        peak = (value - least) / (most - least)
        ends = least + (most - least) * betaincinv(1.0 + 4.0 * peak, 5.0 - 4.0 * peak, [0.05, 0.95])
        least, most = least + (low - float(ends[0])), most + (high - float(ends[1]))
        if max(abs(low - ends[0]), abs(high - ends[1])) < 1e-12 * (high - low):
            break
    return least, most


@lru_cache(maxsize=4096)
def _beta_of(mean: float, width: float) -> tuple[float, float]:
    """Return a and b of the beta law with this mean and this distance between its 5 % and 95 % points."""
    from scipy.special import betaincinv

    def found(log_size: float) -> float:
        size = math.exp(log_size)
        ends = betaincinv(mean * size, (1.0 - mean) * size, [0.05, 0.95])
        return float(ends[1] - ends[0])

    # The narrower the range, the larger a + b; bisection on its logarithm.
    small, large = math.log(1.0), math.log(1e9)
    for _ in range(80):
        middle = 0.5 * (small + large)
        small, large = (middle, large) if found(middle) > width else (small, middle)
    size = math.exp(0.5 * (small + large))
    return mean * size, (1.0 - mean) * size
