"""A smooth curve through points, with as many bends as the points themselves ask for.

Penalised cubic regression splines (Wood 2017, Generalized Additive Models, 2nd edition, section 5.3.1), natural beyond
the ends, knots at quantiles.  How smooth is chosen by generalised cross-validation with degrees of freedom counted 1.4
times, against curves that bend for nothing (Kim & Gu 2004, Journal of the Royal Statistical Society B 66:337-356).
Everything is linear in what is smoothed, so that hundreds of permutations cost little more than one fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fits", "Smoother"]

Floats = NDArray[np.float64]

_KNOTS = 7
#: Degrees of freedom that a curve may take beside its level: a straight line, and six degrees of bending.
_FREEDOM = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
_INFLATION = 1.4


@dataclass(frozen=True, eq=False)
class Fits:
    """Curves through several columns over the same points.

    Parameters
    ----------
    gain : ndarray of float, shape (columns,)
        By what part the curve predicts better than a constant does (cross-validated; below 0: worse).
    explained : ndarray of float, shape (columns,)
        Part of the variance explained, corrected for the degrees of freedom; never below 0.
    fitted : ndarray of float, shape (points, columns)
        Values of the curve at the points.
    coefficients : ndarray of float, shape (basis, columns)
        For `Smoother.curve`.
    level : ndarray of int, shape (columns,)
        How smooth: place in the smoother's list.
    """

    gain: Floats
    explained: Floats
    fitted: Floats
    coefficients: Floats
    level: NDArray[np.intp]


class Smoother:
    """Smooth curves over given points.

    Parameters
    ----------
    points : ndarray of float, shape (n,)
        Where the values stand; at least two of them apart.
    """

    def __init__(self, points: Floats) -> None:
        self.low, self.high = float(points.min()), float(points.max())
        scaled = self._scaled(points)
        # With few points or many ties there are fewer knots; three points at least lie between two of them.
        count = int(np.clip(len(np.unique(scaled)) // 3, 2, _KNOTS))
        self._knots = np.unique(np.quantile(scaled, np.linspace(0.0, 1.0, count)))
        rows = self._rows(scaled)
        self._centre = rows.mean(axis=0)
        ortho, triangle = np.linalg.qr(rows - self._centre)
        inverse = np.linalg.pinv(triangle)
        bends, turn = np.linalg.eigh(inverse.T @ self._penalty() @ inverse)
        self._basis: Floats = ortho @ turn
        self._bends: Floats = np.maximum(bends, 0.0)
        self._turned: Floats = inverse @ turn
        self._shrink = np.array([self._shrunk(freedom) for freedom in _FREEDOM])

    def fit(self, values: Floats) -> Fits:
        """Return the curves through the columns of `values`, each as smooth as its own points ask for.

        Parameters
        ----------
        values : ndarray of float, shape (n, columns)
            Finite.
        """
        means = values.mean(axis=0)
        coefficients = self._basis.T @ (values - means)
        level, gain, explained = self._scored(values - means, coefficients)
        shrunk = self._shrink[level].T * coefficients
        fitted = means + self._basis @ shrunk
        return Fits(gain, explained, fitted, shrunk, level)

    def gains(self, values: Floats) -> Floats:
        """Return the gain of the curve through every column, as `fit` would give it."""
        centred = values - values.mean(axis=0)
        return self._scored(centred, self._basis.T @ centred)[1]

    def _scored(self, centred: Floats, coefficients: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
        """Return level, gain and part explained of the best curve through every column, its mean taken off."""
        size = len(centred)
        total = (centred**2).sum(axis=0)
        left = np.maximum(total - (2.0 * self._shrink - self._shrink**2) @ coefficients**2, 0.0)
        freedom = 1.0 + self._shrink.sum(axis=1)
        scores = left / ((size - _INFLATION * freedom) ** 2)[:, None]
        level, columns = scores.argmin(axis=0), np.arange(centred.shape[1])
        known = total > 0.0
        whole = np.where(known, total, 1.0)
        gain = np.where(known, 1.0 - scores[level, columns] / whole * (size - _INFLATION) ** 2, 0.0)
        explained = 1.0 - left[level, columns] / (size - freedom[level]) * (size - 1) / whole
        return level, gain, np.where(known, np.maximum(explained, 0.0), 0.0)

    def curve(self, points: Floats, fits: Fits, mean: float, column: int = 0) -> Floats:
        """Return one of the curves at other points within the range.

        Parameters
        ----------
        points : ndarray of float, shape (n,)
            Where to read it.
        fits : Fits
            As `fit` gave them.
        mean : float
            Mean of the column's values.
        column : int
            Which of the curves.
        """
        rows = self._rows(self._scaled(points)) - self._centre
        values: Floats = mean + rows @ (self._turned @ fits.coefficients[:, column])
        return values

    def resampled(self, points: Floats, values: Floats, weights: Floats, level: int) -> Floats:
        """Return the curve of every resample, as smooth as the curve through all points.

        Parameters
        ----------
        points : ndarray of float, shape (p,)
            Where to read the curves.
        values : ndarray of float, shape (n,)
            One column of values.
        weights : ndarray of float, shape (resamples, n)
            How often every point stands in a resample.
        level : int
            How smooth, as in `Fits`.

        Returns
        -------
        ndarray of float, shape (resamples, p)
        """
        design = np.column_stack([np.ones(len(values)), self._basis])
        # The penalty that gives the wished shrinkage where all points stand once.
        penalty = np.concatenate(([0.0], 1.0 / self._shrink[level] - 1.0))
        inner = np.einsum("rn,ni,nj->rij", weights, design, design, optimize=True) + np.diag(penalty)
        right = (weights * values) @ design
        coefficients = np.linalg.solve(inner, right[:, :, None])[:, :, 0]
        read = np.column_stack([np.ones(len(points)), (self._rows(self._scaled(points)) - self._centre) @ self._turned])
        curves: Floats = coefficients @ read.T
        return curves

    def _scaled(self, points: Floats) -> Floats:
        scaled: Floats = (np.asarray(points, dtype=np.float64) - self.low) / (self.high - self.low)
        return scaled

    def _bending(self) -> tuple[Floats, Floats]:
        """Return D and B of Wood's construction: the curve's bends at the inner knots are ``B^-1 D`` its values."""
        steps = np.diff(self._knots)
        inner = len(self._knots) - 2
        differences, band = np.zeros((inner, inner + 2)), np.zeros((inner, inner))
        for place in range(inner):
            first, second = steps[place], steps[place + 1]
            differences[place, place : place + 3] = 1.0 / first, -1.0 / first - 1.0 / second, 1.0 / second
            band[place, place] = (first + second) / 3.0
            if place + 1 < inner:
                band[place, place + 1] = band[place + 1, place] = second / 6.0
        return differences, band

    def _penalty(self) -> Floats:
        """Return the integrated squared bend as a form in the values at the knots but the last."""
        differences, band = self._bending()
        form: Floats = differences.T @ np.linalg.solve(band, differences) if len(band) else np.zeros((2, 2))
        return form[:-1, :-1]

    def _rows(self, scaled: Floats) -> Floats:
        """Return what every value at a knot but the last weighs at the points."""
        knots = self._knots
        place = np.clip(np.searchsorted(knots, scaled, side="right") - 1, 0, len(knots) - 2)
        step = knots[place + 1] - knots[place]
        before, after = scaled - knots[place], knots[place + 1] - scaled
        points = np.arange(len(scaled))
        rows, bends = np.zeros((len(scaled), len(knots))), np.zeros((len(scaled), len(knots)))
        rows[points, place] = after / step
        rows[points, place + 1] = before / step
        bends[points, place] = (after**3 / step - step * after) / 6.0
        bends[points, place + 1] = (before**3 / step - step * before) / 6.0
        differences, band = self._bending()
        if len(band):
            rows += bends[:, 1:-1] @ np.linalg.solve(band, differences)
        return rows[:, :-1]

    def _shrunk(self, freedom: float) -> Floats:
        """Return how much of every basis coefficient is left when the curve has so many degrees of freedom."""
        if freedom >= len(self._bends):
            return np.ones(len(self._bends))
        straight = self._bends <= 1e-9 * max(float(self._bends.max()), 1e-300)
        small, large = -30.0, 30.0
        scale = float(np.median(self._bends[~straight])) if (~straight).any() else 1.0
        left = np.ones(len(self._bends))
        for _ in range(40):
            middle = 0.5 * (small + large)
            left = np.where(straight, 1.0, 1.0 / (1.0 + np.exp(middle) * self._bends / scale))
            small, large = (middle, large) if left.sum() > freedom else (small, middle)
        return left
