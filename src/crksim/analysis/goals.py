"""What is aimed at: a measure, a bound, and how sure one wants to be of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import PROBABILITY
from crksim.errors import InputError, Problem
from crksim.model.clock import YEAR, parse_quantity
from crksim.model.network import Label, Network
from crksim.model.vocabulary import MeasureAddress, kind, label, parse_measures, unit

__all__ = ["Goal", "read_goal", "read_share"]

_SIGN = r"\s*(?P<{0}>>=|<=|≥|≤)\s*"
_BOUND = re.compile(r"(?P<measure>[^<>≤≥]+?)" + _SIGN.format("sign") + r"(?P<value>[^<>≤≥]+)")
_CHANCE = re.compile(r"P\s*\((?P<inner>.+)\)" + _SIGN.format("sure") + r"(?P<chance>[^<>≤≥()]+)")
_RULE = "must read 'MEASURE <= VALUE', 'MEASURE >= VALUE' or 'P(MEASURE <= VALUE) >= 0.9'"

#: Relative slack of a bound, so that rounding does not decide.
_SLACK = 1e-9


@dataclass(frozen=True)
class Goal:
    """A bound on a measure that is to hold with some probability over the versions of CRK.

    Parameters
    ----------
    measure : MeasureAddress
        What is bounded.
    label, unit : Label
        What it is called, and its unit.
    most : bool
        Whether the bound is a most; otherwise it is a least.
    bound : float
        In days, per year, as a share of one, or a number.
    chance : float
        Share of the versions whose expected value must keep the bound.
    """

    measure: MeasureAddress
    label: Label
    unit: Label
    most: bool
    bound: float
    chance: float = PROBABILITY

    @property
    def text(self) -> str:
        """The goal as it can be typed, the bound as a plain number."""
        return f"P({self.measure} {'<=' if self.most else '>='} {self.bound:g}) >= {self.chance:g}"

    def kept(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which values keep the bound; one that is not defined does not."""
        slack = _SLACK * max(1.0, abs(self.bound))
        return values <= self.bound + slack if self.most else values >= self.bound - slack


def read_goal(text: str, network: Network, confidence: str = "") -> Goal:
    """Read a goal.

    Parameters
    ----------
    text : str
        ``group.wait.mean <= 7 days``, ``crk.door_wait.share_within_limit >= 95 %``, ``P(group.starts >= 20) >= 0.9``.
    network : Network
        Where subjects are declared.
    confidence : str
        Share of the versions, where the text has no ``P(...)``; 9 in 10 when empty.

    Raises
    ------
    InputError
        Not of that form, an unknown measure, or a value that is none of its kind; all of them at once.
    """
    problems: list[Problem] = []
    chance = PROBABILITY
    outer = _CHANCE.fullmatch(text.strip())
    inner = text.strip() if outer is None else outer["inner"].strip()
    if outer is not None:
        if outer["sure"] not in (">=", "≥"):
            problems.append(Problem("target", text, f"{_RULE}; a probability is a least"))
        if confidence:
            problems.append(Problem("confidence", confidence, "stands in the target already, as P(...) >= ..."))
    said = confidence if outer is None else outer["chance"]
    if said:
        chance = _noted(problems, "confidence" if outer is None else "target", said)
    match = _BOUND.fullmatch(inner)
    if match is None:
        raise InputError([Problem("target", text, _RULE), *problems])
    measures: tuple[MeasureAddress, ...] = ()
    try:
        measures = parse_measures([match["measure"].strip()], network)
    except InputError as error:
        problems += error.problems
    bound = 0.0
    for measure in measures:
        try:
            bound = _bound(measure, match["value"].strip())
        except ValueError as fault:
            problems.append(Problem("target", match["value"].strip(), str(fault)))
    if problems:
        raise InputError(problems)
    return Goal(
        measures[0], label(measures[0], network), unit(measures[0]), match["sign"] in ("<=", "≤"), bound, chance
    )


def read_share(text: str) -> float:
    """Read a share above 0 and at most 1, as ``0.9`` or ``90 %``.

    Raises
    ------
    ValueError
        When it is none.
    """
    rule = "must be a share above 0 and at most 1, such as 0.9 or 90 %"
    try:
        value, dimension = parse_quantity(text.strip())
    except ValueError as fault:
        raise ValueError(rule) from fault
    if dimension != "number" or not 0.0 < value <= 1.0:
        raise ValueError(rule)
    return value


def _noted(problems: list[Problem], address: str, text: str) -> float:
    try:
        return read_share(text)
    except ValueError as fault:
        problems.append(Problem(address, text, str(fault)))
        return PROBABILITY


def _bound(measure: MeasureAddress, text: str) -> float:
    """Return the bound in the unit in which the measure is given."""
    value, dimension = parse_quantity(text)
    wanted = kind(measure)
    if wanted == "duration":
        if dimension != "duration":
            raise ValueError("must be a duration with its unit, such as 7 days")
        return value
    if dimension == "rate" and wanted == "flow":
        return value * YEAR
    if dimension != "number":
        raise ValueError("must be a number" + (", or a rate such as 20 / year" if wanted == "flow" else ""))
    return value
