"""The inverse of the gamma distribution function, fast.

The log of a quantile is a smooth function of the log odds t = log(u / (1 - u)) of its draw: t / shape far down, log t
far up.  A quintic Hermite interpolant on a uniform grid of t, exact at the knots in value and two derivatives, is good
to 1e-9 and ten times faster than inverting the incomplete gamma function at every draw.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["gamma_at"]

Floats = NDArray[np.float64]

_REACH = 40.0
_CELLS = 640
_STEP = 2.0 * _REACH / _CELLS


def gamma_at(shape: float, t: Floats) -> Floats:
    """Return quantiles of the gamma law of scale 1.

    Parameters
    ----------
    shape : float
        Shape (no unit).
    t : ndarray of float64, any shape
        Log odds ``log(u / (1 - u))`` of the draws.

    Returns
    -------
    ndarray of float64, same shape
        Quantiles (no unit), right to 1e-9 of their size.
    """
    place = (t.ravel() + _REACH) * (1.0 / _STEP)
    inside = np.clip(place, 0.0, _CELLS * (1.0 - 2.0**-53))
    cell = inside.astype(np.intp)
    c0, c1, c2, c3, c4, c5 = _table(shape).take(cell, axis=0).T
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
def _table(shape: float) -> Floats:
    """Return the quintic coefficients of log quantile against log odds, shape (cells, 6)."""
    from scipy.special import gammainccinv, gammaincinv

    t = np.linspace(-_REACH, _REACH, _CELLS + 1)
    small = np.exp(-np.abs(t)) / (1.0 + np.exp(-np.abs(t)))
    x = np.where(t < 0.0, gammaincinv(shape, small), gammainccinv(shape, small))
    # P(x) = x^k (1 - k x / (k + 1) + ...) / gamma(k + 1) near 0, where x itself may underflow.
    y = (math.lgamma(shape + 1.0) - np.logaddexp(0.0, -t)) / shape
    tiny = y < -20.0
    y = np.where(tiny, y + np.exp(np.where(tiny, y, 0.0)) / (shape + 1.0), np.log(np.where(tiny, 1.0, x)))
    growth = shape - np.exp(y)
    log_density = shape * y - np.exp(y) - math.lgamma(shape)
    first = np.exp(np.log(small) + np.log1p(-small) - log_density)
    second = first * (-np.tanh(0.5 * t) - growth * first)
    d, e = _STEP * first, _STEP**2 * second
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
