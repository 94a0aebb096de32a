"""How many versions and futures an answer takes: added until the key verdict stands, or until more cannot settle it.

Looks are planned for: the level of look i is 0.1 / (i (i + 1)), shared by the i designs that can be reached by then, so
that everything said at the stop holds together with probability 9 in 10.  `docs/experiments.md` has the rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import PROBABILITY, Question, effects
from crksim.analysis.results import VERDICTS, Look, Precision

__all__ = ["add_until_settled", "look_at", "next_size"]

Floats = NDArray[np.float64]

MAKES_A_DIFFERENCE, NO_DIFFERENCE, UNDECIDED, NO_ANSWER = VERDICTS
#: Above this part of luck in what a version expects, futures are added and nothing is called ignorance.
_MOSTLY_LUCK = 0.5
#: Below this part of luck, more futures of the same versions tell nothing new.
_HARDLY_LUCK = 0.1


def add_until_settled(
    run: Callable[[int, int], Floats], question: Question, *, members: int, futures: int, budget: int, most: int
) -> Precision:
    """Run ever larger designs until the verdict on a difference is settled, or cannot be.

    Parameters
    ----------
    run : callable
        Given members and futures, returns differences of that shape, NaN where not defined.
    question : Question
        What is asked: smallest worthwhile difference, and whether the model can answer.
    members, futures : int
        Size of the first look; at least 2 futures.
    budget : int
        Most replications (members times futures) of a look.
    most : int
        Most members there are.
    """
    looks: list[Look] = []
    while True:
        look = look_at(run(members, futures), question, len(looks) + 1)
        looks.append(look)
        if look.verdict:
            return Precision(question.measure, tuple(looks), "ignorance" if look.verdict == UNDECIDED else "settled")
        if not question.answerable or look.defined < PROBABILITY:
            return Precision(question.measure, tuple(looks), "no_answer")
        grown = next_size(look, budget, most)
        if grown is None:
            return Precision(question.measure, tuple(looks), _why(look, budget, most))
        members, futures = grown


def look_at(differences: Floats, question: Question, number: int) -> Look:
    """Return what one look says.

    Parameters
    ----------
    differences : ndarray of float, shape (members, futures)
        What-if minus reference; NaN where not defined.
    question : Question
        What is asked.
    number : int
        Number of the look, from 1.

    Returns
    -------
    Look
        Its verdict is empty where none stands yet.
    """
    from scipy.special import stdtrit

    level = (1.0 - PROBABILITY) / (number * number * (number + 1))
    defined = np.isfinite(differences)
    used = defined.any(axis=1)
    means = np.nanmean(differences[used], axis=1) if used.any() else np.empty(0)
    effect = effects(differences)
    count = len(means)
    reach = float("nan")
    if count > 1:
        reach = float(-stdtrit(count - 1, level / 2.0)) * float(np.std(means, ddof=1)) / math.sqrt(count)
    middle = float(means.mean()) if count else float("nan")
    luck = effect.luck / differences.shape[1]
    between = luck + effect.ignorance
    part = luck / between if between > 0.0 else 0.0
    share = float(defined.mean()) if defined.size else 0.0
    known = question.answerable and share >= PROBABILITY and count > 1
    return Look(
        members=differences.shape[0],
        futures=differences.shape[1],
        mean=middle,
        low=middle - reach,
        high=middle + reach,
        luck_part=part,
        defined=share,
        verdict=_stands(means, effect.members, question.worthwhile, part, level) if known else "",
    )


def _stands(means: Floats, expected: Floats, worthwhile: float, luck_part: float, level: float) -> str:
    """Return the verdict that stands at a level, or nothing.

    That it makes a difference, or none that matters, is claimed from the bare means of the versions, whose luck can
    only blur it; that it cannot be decided, from the versions' expected differences, and never where luck is most of
    it.

    Parameters
    ----------
    means, expected : ndarray of float, shape (members,)
        Bare means, and expected differences with luck taken out.
    worthwhile : float
        Smallest worthwhile difference.
    luck_part : float
        Share of luck in the variance of the bare means.
    level : float
        Chance of a wrong claim.
    """
    enough = worthwhile * (1.0 - 1e-9)
    size = len(means)

    def flags(values: Floats) -> list[int]:
        return [int(np.count_nonzero(one)) for one in (values >= enough, values <= -enough, np.abs(values) < enough)]

    up, down, small = flags(means)
    if max(_lower(up, size, level / 3.0), _lower(down, size, level / 3.0)) >= PROBABILITY:
        return MAKES_A_DIFFERENCE
    if _lower(small, size, level / 3.0) >= PROBABILITY:
        return NO_DIFFERENCE
    if luck_part <= _MOSTLY_LUCK and all(_upper(one, size, level / 3.0) < PROBABILITY for one in flags(expected)):
        return UNDECIDED
    return ""


def _lower(count: int, size: int, level: float) -> float:
    """Return the lower bound of a share (Clopper & Pearson 1934): one-sided, exact."""
    from scipy.special import betaincinv

    return 0.0 if count == 0 else float(betaincinv(count, size - count + 1, level))


def _upper(count: int, size: int, level: float) -> float:
    return 1.0 - _lower(size - count, size, level)


def next_size(look: Look, budget: int, most: int) -> tuple[int, int] | None:
    """Return members and futures of the next look: twice as many of what is short; None where nothing more helps.

    Parameters
    ----------
    look : Look
        The last look.
    budget : int
        Most replications of a look.
    most : int
        Most members there are.
    """
    members, futures = min(2 * look.members, most), 2 * look.futures
    can_members = members > look.members and members * look.futures <= budget
    can_futures = look.members * futures <= budget
    if can_members and (look.luck_part <= _MOSTLY_LUCK or not can_futures):
        return members, look.futures
    if can_futures and look.luck_part > _HARDLY_LUCK:
        return look.members, futures
    return None


def _why(look: Look, budget: int, most: int) -> str:
    """Return why nothing more is run: all versions, or the budget, with luck or the nearness of 9 in 10 in the way."""
    if look.luck_part > _MOSTLY_LUCK:
        return "luck"
    return "versions" if look.members >= most else "near"
