"""Which counts are worth recording: how much a count that anybody can keep would help the decision.

What is simulated is what would be counted, luck and all, so regressing the effect on the simulated count gives what
the count tells (Strong, Oakley, Brennan & Breeze 2015, Medical Decision Making 35:570-583).  The effect is that of the
other futures of the same member: luck that the count and the effect share would otherwise pass for knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.influence import LEAST_MEMBERS, Decision, chance_level, right_choice, worth_of_knowing
from crksim.analysis.smoothing import Smoother
from crksim.model.network import Label

__all__ = ["CountRow", "best_counts", "worth_of_counts"]

Floats = NDArray[np.float64]

_PERMUTATIONS = 400
_SEED = 20180201
#: Counts that rank the futures so much alike tell the same.
_ALIKE = 0.9


@dataclass(frozen=True)
class CountRow:
    """What one count would tell.

    Parameters
    ----------
    measure, count : str
        Output address of what is decided about, and of what is counted.
    trial : bool
        Whether it is counted in the what-if's world (a trial), and not in today's.
    months : int
        How long it is counted.
    explained : float
        Share of the variance of the expected effect between members that goes with the count.
    gain, level : float
        As for parameters: part by which it predicts, and what the best of all reaches by chance.
    stands_out : bool
        Whether the gain is above that level.
    worth : float
        Expected value of the count, in the measure's unit.
    right : float
        Chance that the choice is right when the count is known.
    chosen : bool
        Whether it is one of the few to recommend.
    """

    measure: str
    count: str
    label: Label
    trial: bool
    months: int
    explained: float
    gain: float
    level: float
    stands_out: bool
    worth: float
    right: float
    chosen: bool = False


def worth_of_counts(
    asked: Decision,
    counts: Mapping[str, Floats],
    labels: Mapping[str, Label],
    months: Mapping[str, int],
    measure: str,
    *,
    trial: bool = False,
) -> tuple[CountRow, ...]:
    """Return what every count tells about the decision, the most worth first.

    Parameters
    ----------
    asked : Decision
        What is to be decided; with one future per member nothing can be told.
    counts : mapping of str to ndarray of float, shape (members, futures)
        Output address -> simulated counts; those that are not defined everywhere are left out.
    labels, months : mapping
        Of every count.
    measure : str
        Output address of what is decided about, for the rows.
    trial : bool
        Whether the counts are of the what-if's world.
    """
    known = np.asarray(np.isfinite(asked.differences).all(axis=1))
    differences = asked.sign * asked.differences[known]
    members, futures = differences.shape
    usable = {
        name: found[known] for name, found in counts.items()
        if np.isfinite(found[known]).all() and members and np.ptp(found[known]) > 0.0
    }  # fmt: skip
    if futures < 2 or members < LEAST_MEMBERS or not usable or not np.ptp(differences) > 0.0:
        return ()
    others = (differences.sum(axis=1, keepdims=True) - differences) / (futures - 1)
    order = np.random.default_rng(_SEED).permuted(np.tile(np.arange(members), (_PERMUTATIONS, 1)), axis=1)
    smoothers = {name: Smoother(found.ravel()) for name, found in usable.items()}
    # Whether a count tells anything is asked of the first futures alone: taken together, a count and an effect that
    # share nothing but luck would look alike twice, and a permutation would not know.
    first = {name: Smoother(found[:, 0]) for name, found in usable.items() if np.ptp(found[:, 0]) > 0.0}
    level = chance_level(list(first.values()), others[:, 0][order].T) if first else float("inf")
    values = others.reshape(-1, 1)
    rows = []
    for name, smoother in smoothers.items():
        fits = smoother.fit(values)
        gain = float(first[name].gains(others[:, :1])[0]) if name in first else 0.0
        net = fits.fitted[:, 0] - asked.worthwhile
        explained = float(fits.explained[0]) * float(values.var())
        rows.append(
            CountRow(
                measure=measure,
                count=name,
                label=labels[name],
                trial=trial,
                months=months[name],
                explained=min(1.0, explained / asked.ignorance) if asked.ignorance > 0.0 else float("nan"),
                gain=gain,
                level=level,
                stands_out=gain > level,
                worth=min(worth_of_knowing(net), asked.perfect),
                right=right_choice(net, values[:, 0] - fits.fitted[:, 0], asked.ignorance - explained),
            )
        )
    return tuple(sorted(rows, key=lambda row: (not row.stands_out, -row.worth, -row.explained, row.count)))


def best_counts(rows: Sequence[CountRow], counts: Mapping[str, Floats], most: int = 3) -> tuple[CountRow, ...]:
    """Return the counts to recommend: those that stand out, each telling something that those before it do not.

    Parameters
    ----------
    rows : sequence of CountRow
        The most worth first.
    counts : mapping of str to ndarray of float
        Output address -> simulated counts.
    most : int
        How many at most.
    """
    chosen: list[CountRow] = []
    for row in rows:
        if not row.stands_out or len(chosen) == most:
            break
        if all(_alike(counts[row.count], counts[other.count]) < _ALIKE for other in chosen):
            chosen.append(replace(row, chosen=True))
    return tuple(chosen)


def _alike(one: Floats, other: Floats) -> float:
    """Return the rank correlation of two counts, without its sign."""
    from scipy.stats import rankdata

    return abs(float(np.corrcoef(rankdata(one), rankdata(other))[0, 1]))
