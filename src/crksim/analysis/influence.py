"""What decides an answer: how much each unknown parameter moves the expected effect, and where it turns the answer.

All from the members that a run already holds.  The decision is to adopt the what-if or to keep the reference; what it
is worth is the expected effect in the direction asked about less the smallest worthwhile difference.
`docs/statistics.md` has the formulas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import PROBABILITY, effects, likely_range
from crksim.analysis.results import ComparisonRow
from crksim.analysis.smoothing import Fits, Smoother
from crksim.model.network import Label

__all__ = [
    "LEAST_MEMBERS",
    "Decision",
    "ParameterRow",
    "chance_level",
    "decision",
    "influences",
    "right_choice",
    "worth_of_knowing",
]

Floats = NDArray[np.float64]

#: With fewer members nothing is told apart from chance.
LEAST_MEMBERS = 20
_PERMUTATIONS = 400
_RESAMPLES = 400
_GRID = 401
#: So many parameters at most stand out.
_MOST = 6
_SEED = 20180101


@dataclass(frozen=True, eq=False)
class Decision:
    """What is to be decided about one measure, member by member.

    Parameters
    ----------
    sign : float
        1 where more is asked about, -1 where less is.
    worthwhile : float
        Smallest worthwhile difference, above 0.
    differences : ndarray of float, shape (members, futures)
        What-if minus reference; NaN where it is not defined.
    """

    sign: float
    worthwhile: float
    differences: Floats

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which members have a difference."""
        return np.asarray(np.isfinite(self.differences).any(axis=1))

    @cached_property
    def means(self) -> Floats:
        """Mean difference of every member that has one, luck and all, in the direction asked about."""
        return self.sign * _mean(self.differences[self.known])

    @cached_property
    def net(self) -> Floats:
        """What adopting is worth beyond the smallest worthwhile difference, by member, luck taken out."""
        return self.sign * effects(self.differences).members - self.worthwhile

    @cached_property
    def ignorance(self) -> float:
        """Variance of the expected difference between members, luck taken out."""
        return effects(self.differences).ignorance

    @property
    def adopt(self) -> bool:
        """Whether adopting is the better choice with what is known now."""
        return bool(self.net.mean() > 0.0)

    @cached_property
    def perfect(self) -> float:
        """Expected value of perfect information, in the measure's unit."""
        return worth_of_knowing(self.net)

    @cached_property
    def right(self) -> float:
        """Chance that the choice made with what is known now is the right one."""
        return float(((self.net > 0.0) == self.adopt).mean())


def decision(row: ComparisonRow, reference: Floats, what_if: Floats) -> Decision:
    """Return what a row of a comparison asks to be decided.

    Parameters
    ----------
    row : ComparisonRow
        Where no direction is good, the direction in which the difference leans is asked about.
    reference, what_if : ndarray of float, shape (members, futures)
        Of its measure, in both worlds.
    """
    down = row.good == "down" or (row.good == "none" and row.difference < 0.0)
    return Decision(-1.0 if down else 1.0, row.worthwhile, what_if - reference)


@dataclass(frozen=True)
class ParameterRow:
    """How much one parameter decides.

    Parameters
    ----------
    measure, parameter : str
        Output address; id of the parameter.
    low, high : float
        Range of the parameter that 9 in 10 members fall into (days, per day, or without unit).
    explained : float
        Share of the variance of the expected effect between members that goes with the parameter.
    gain, level : float
        Part by which the parameter predicts the effect better than nothing does; and what the best of all parameters
        reaches in 19 of 20 permutations, where none matters.
    stands_out : bool
        Whether the gain is above that level.
    worth : float
        Expected value of knowing the parameter exactly, in the measure's unit.
    right : float
        Chance that the choice would be right if the parameter were known.
    side : str
        Where the answer turns: ``below``, ``above``, ``between`` or ``never`` (not within the range of the members).
    at, until : float
        Threshold; `until` only for ``between``.
    at_low, at_high, sure : float
        Bootstrap range (9 in 10) of the threshold, and the share of resamples that have one on that side.
    zero_side, zero_at : str, float
        The same for an effect of nothing at all.
    kept : float
        Share of the parameter's prior width that calibration left; NaN where not known.
    """

    measure: str
    parameter: str
    label: Label
    low: float
    high: float
    explained: float
    gain: float
    level: float
    stands_out: bool
    worth: float
    right: float
    side: str
    at: float
    until: float
    at_low: float
    at_high: float
    sure: float
    zero_side: str
    zero_at: float
    kept: float = float("nan")


def influences(
    asked: Decision,
    theta: Sequence[Mapping[str, float]],
    labels: Mapping[str, Label],
    measure: str,
    *,
    first: Collection[str] = (),
    kept: Mapping[str, float] | None = None,
) -> tuple[ParameterRow, ...]:
    """Return every parameter with what it decides, those that stand out first, in the order in which they were found.

    One after the other, the parameter that predicts best is taken, as long as it predicts better than the best of all
    would by chance, and what it explains is taken off before the next is looked for.

    Parameters
    ----------
    asked : Decision
        What is to be decided.
    theta : sequence of mapping
        Parameter values by member.
    labels : mapping
        Parameter -> label; parameters without one are left out (those that are made of others).
    measure : str
        Output address, for the rows.
    first : collection of str
        Parameters that the changed parts are made of: a family of their own, so that the many others do not hide them.
    kept : mapping, optional
        Parameter -> share of its prior width that calibration left.
    """
    members = [own for own, known in zip(theta, asked.known, strict=True) if known]
    values = {name: np.array([own[name] for own in members]) for name in labels if members and name in members[0]}
    values = {name: points for name, points in values.items() if np.ptp(points) > 0.0}
    means = asked.means
    if len(members) < LEAST_MEMBERS or not values or not np.ptp(means) > 0.0:
        return ()
    smoothers = {name: Smoother(points) for name, points in values.items()}
    order = np.random.default_rng(_SEED).permuted(np.tile(np.arange(len(members)), (_PERMUTATIONS, 1)), axis=1)
    families = [
        family for family in ([n for n in values if n in first], [n for n in values if n not in first]) if family
    ]
    found: list[ParameterRow] = []
    rest = means

    def row(name: str, level: float, stands_out: bool) -> ParameterRow:
        apart = not stands_out or all(_apart(values[name], values[other.parameter]) for other in found)
        width = (kept or {}).get(name, float("nan"))
        names = (measure, name, labels[name])
        # What others explain may be taken off only where they say nothing of this one.
        return _row(asked, values[name], smoothers[name], rest if apart else means, (level, stands_out), names, width)

    while True:
        left = [[name for name in family if name not in {one.parameter for one in found}] for family in families]
        levels = {
            name: level
            for family in left
            if family
            for level in [chance_level([smoothers[name] for name in family], rest[order].T)]
            for name in family
        }
        gains = {name: float(smoothers[name].gains(rest[:, None])[0]) for name in levels}
        clear = [name for name in gains if gains[name] > levels[name]]
        if not clear or len(found) == _MOST:
            break
        best = max(clear, key=lambda name: gains[name])
        found.append(row(best, levels[best], True))
        fitted = smoothers[best].fit(rest[:, None]).fitted[:, 0]
        rest = rest - (fitted - fitted.mean())
    others = [row(name, levels[name], False) for name in levels]
    return (*found, *sorted(others, key=lambda one: (-one.explained, one.parameter)))


def chance_level(smoothers: Sequence[Smoother], permuted: Floats) -> float:
    """Return the gain that the best of all predictors stays below in 19 of 20 permutations.

    Parameters
    ----------
    smoothers : sequence of Smoother
        One per predictor.
    permuted : ndarray of float, shape (n, permutations)
        What is predicted, its order broken.
    """
    best = np.max([smoother.gains(permuted) for smoother in smoothers], axis=0)
    return float(np.quantile(best, 0.95))


def worth_of_knowing(net: Floats) -> float:
    """Return how much better one does who adopts where `net` is above 0, than with one choice for all."""
    return float(np.maximum(net, 0.0).mean() - max(0.0, net.mean()))


def right_choice(told: Floats, unknown: Floats, variance: float) -> float:
    """Return how often the choice that `told` suggests is right: adopt above 0, keep otherwise.

    Parameters
    ----------
    told : ndarray of float, shape (n,)
        What adopting is expected to be worth, once something is known.
    unknown : ndarray of float, shape (m,)
        Shape of what stays unknown: residuals, luck and all.
    variance : float
        Variance of what stays unknown, without luck; the residuals are drawn in to it.
    """
    spread = float(unknown.std())
    rest = (unknown - unknown.mean()) * (np.sqrt(max(variance, 0.0)) / spread if spread > 0.0 else 0.0)
    return float((((told[:, None] + rest) > 0.0) == (told[:, None] > 0.0)).mean())


def _apart(one: Floats, other: Floats) -> bool:
    """Say whether two parameters differ over members as if they knew nothing of each other."""
    from scipy.stats import rankdata

    return bool(abs(np.corrcoef(rankdata(one), rankdata(other))[0, 1]) < 3.0 / np.sqrt(len(one)))


def _row(
    asked: Decision,
    points: Floats,
    smoother: Smoother,
    means: Floats,
    found: tuple[float, bool],
    names: tuple[str, str, Label],
    kept: float,
) -> ParameterRow:
    fits = smoother.fit(means[:, None])
    ignorance = asked.ignorance
    explained = float(fits.explained[0]) * float(means.var(ddof=1))
    share = min(1.0, explained / ignorance) if ignorance > 0.0 else float("nan")
    net = fits.fitted[:, 0] - asked.worthwhile
    low, high = likely_range(points)
    level, stands_out = found
    turn = _turn(smoother, fits, means, asked.worthwhile, asked.adopt)
    at_low, at_high, sure = _resampled(smoother, fits, means, asked, turn) if stands_out else _UNSURE
    nothing = _turn(smoother, fits, means, 0.0, asked.adopt)
    return ParameterRow(
        measure=names[0],
        parameter=names[1],
        label=names[2],
        low=low,
        high=high,
        explained=share,
        gain=float(fits.gain[0]),
        level=level,
        stands_out=stands_out,
        worth=min(worth_of_knowing(net), asked.perfect),
        right=right_choice(net, asked.means - fits.fitted[:, 0], ignorance - explained),
        side=turn[0],
        at=turn[1],
        until=turn[2],
        at_low=at_low,
        at_high=at_high,
        sure=sure,
        zero_side=nothing[0],
        zero_at=nothing[1],
        kept=kept,
    )


_UNSURE = (float("nan"),) * 3
_NEVER = ("never", float("nan"), float("nan"))


def _turn(smoother: Smoother, fits: Fits, means: Floats, threshold: float, adopt: bool) -> tuple[str, float, float]:
    """Return where the fitted effect is on the other side of the threshold: side, from where, until where."""
    grid = np.linspace(smoother.low, smoother.high, _GRID)
    beyond = smoother.curve(grid, fits, float(means.mean())) - threshold
    turned = (beyond <= 0.0) if adopt else (beyond > 0.0)
    if not turned.any() or turned.all():
        return _NEVER
    edges = np.flatnonzero(turned[1:] != turned[:-1])
    crossings = grid[edges] + (grid[1] - grid[0]) * beyond[edges] / (beyond[edges] - beyond[edges + 1])
    ends = ([("below", crossings[0])] if turned[0] else []) + ([("above", crossings[-1])] if turned[-1] else [])
    if not ends:
        return "between", float(crossings[0]), float(crossings[1])
    # Turned at both ends: the longer part is told.
    side, at = max(ends, key=lambda end: end[1] - grid[0] if end[0] == "below" else grid[-1] - end[1])
    return side, float(at), float("nan")


def _resampled(
    smoother: Smoother, fits: Fits, means: Floats, asked: Decision, turn: tuple[str, float, float]
) -> tuple[float, float, float]:
    """Return the bootstrap range of a threshold over members, and the share of resamples that have one."""
    if turn[0] not in ("below", "above"):
        return _UNSURE
    grid = np.linspace(smoother.low, smoother.high, _GRID)
    size = len(means)
    weights = np.random.default_rng(_SEED).multinomial(size, np.full(size, 1.0 / size), size=_RESAMPLES)
    curves = smoother.resampled(grid, means, weights.astype(np.float64), int(fits.level[0])) - asked.worthwhile
    turned = (curves <= 0.0) if asked.adopt else (curves > 0.0)
    if turn[0] == "above":
        turned, grid = turned[:, ::-1], grid[::-1]
    have = turned[:, 0] & ~turned.all(axis=1)
    found = grid[np.argmin(turned[have], axis=1)]
    if have.sum() < 2:
        return float("nan"), float("nan"), float(have.mean())
    tail = (1.0 - PROBABILITY) / 2.0
    low, high = np.quantile(found, [tail, 1.0 - tail])
    return float(low), float(high), float(have.mean())


def _mean(values: Floats) -> Floats:
    """Return the mean over futures of every member that has any, of those that are defined."""
    defined = np.isfinite(values)
    means: Floats = np.where(defined, values, 0.0).sum(axis=1) / defined.sum(axis=1)
    return means
