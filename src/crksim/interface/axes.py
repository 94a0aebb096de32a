"""Several values of one address on the command line: ``4..12``, ``4,6,8``, ``times(0.8,1.2)``, ``30..90..15 days``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from crksim.errors import InputError, Problem
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.model.network import Label, Study

__all__ = ["MOST_VALUES", "Axis", "axis_label", "read_axes"]

#: Most values that one range may have.
MOST_VALUES = 10_000

_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)"
_SHAPE = re.compile(
    rf"(?:(?P<op>times|plus)\s*\(\s*)?"
    rf"(?:(?P<low>{_NUMBER})\s*\.\.\s*(?P<high>{_NUMBER})(?:\s*\.\.\s*(?P<step>{_NUMBER}))?"
    rf"|(?P<list>{_NUMBER}(?:\s*,\s*{_NUMBER})+))"
    r"\s*(?P<close>\))?\s*(?P<unit>[^\d\s.,()][^.,()]*)?"
)


@dataclass(frozen=True)
class Axis:
    """An address and the values that it takes one after the other.

    Parameters
    ----------
    address : str
        Of the what-if.
    low, high : float
        Smallest and largest value, as written, in `unit`.
    values : tuple of str
        All values in rising order, as numbers are written; empty for a range without steps.
    op : str
        ``set``, ``times`` or ``plus``.
    unit : str
        What stands after the number, such as ``days``; or empty.
    """

    address: str
    low: float
    high: float
    values: tuple[str, ...]
    op: str = "set"
    unit: str = ""

    def word(self, value: str) -> str:
        """Return the word of the command line that gives the address one value."""
        told = f"{value} {self.unit}".strip()
        return f"{self.address}={told}" if self.op == "set" else f"{self.address}={{{self.op}: {told}}}"


def read_axes(words: Sequence[str], lang: str) -> tuple[list[Axis], list[str], list[Problem]]:
    """Sort changes into addresses with several values and changes that hold throughout.

    Parameters
    ----------
    words : sequence of str
        ``address=value`` each.
    lang : str
        Language of what is said about faults.

    Returns
    -------
    tuple of (list of Axis, list of str, list of Problem)
        In the order typed; the faults are those of the ranges.
    """
    axes: list[Axis] = []
    fixed: list[str] = []
    problems: list[Problem] = []
    for word in words:
        address, _, value = word.partition("=")
        match = _SHAPE.fullmatch(value.strip())
        if match is None or bool(match["op"]) != bool(match["close"]):
            several = ".." in value or value.strip().startswith(("times(", "plus("))
            if several:
                problems.append(Problem(address, value, say(lang, "axis_shape"), file=COMMAND_LINE))
            else:
                fixed.append(word)
            continue
        try:
            axes.append(_axis(address, match, lang))
        except InputError as error:
            problems += error.problems
    return axes, fixed, problems


def _axis(address: str, match: re.Match[str], lang: str) -> Axis:
    unit, op = (match["unit"] or "").strip(), match["op"] or "set"
    if match["list"]:
        numbers = sorted({Decimal(part.strip()) for part in match["list"].split(",")})
    else:
        low, high = Decimal(match["low"]), Decimal(match["high"])
        whole = low == low.to_integral_value() and high == high.to_integral_value() and op == "set"
        step = Decimal(match["step"]) if match["step"] else Decimal(1) if whole else None
        if low >= high or (step is not None and not 0 < step <= high - low):
            raise InputError([Problem(address, match.group(), say(lang, "axis_rising"), file=COMMAND_LINE)])
        if step is None:
            return Axis(address, float(low), float(high), (), op, unit)
        count = int((high - low) / step) + 1
        if count > MOST_VALUES:
            rule = say(lang, "axis_most", most=MOST_VALUES)
            raise InputError([Problem(address, match.group(), rule, file=COMMAND_LINE)])
        numbers = [low + place * step for place in range(count)]
    values = tuple(_written(number) for number in numbers)
    return Axis(address, float(numbers[0]), float(numbers[-1]), values, op, unit)


def _written(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def axis_label(study: Study, axis: Axis) -> Label:
    """Return what the address is called, and how its values act on it where they do not replace it.

    Parameters
    ----------
    study : Study
        The what-if's.
    axis : Axis
        The address.
    """
    from crksim.model.describing import describe_lever
    from crksim.model.network import Label
    from crksim.model.number_words import in_danish
    from crksim.model.scenario import Lever

    said = describe_lever(study.source, Lever(axis.address, 0, 1))
    acting = {"times": (", gange", ", times"), "plus": (", plus", ", plus"), "set": ("", "")}[axis.op]
    units = (in_danish(axis.unit), axis.unit)
    names = (text.rpartition(" (")[0].rpartition(": ")[0] for text in (said.da, said.en))
    told = zip(names, acting, units, strict=True)
    return Label(*(f"{name}{act}{f' ({unit})' if unit else ''}" for name, act, unit in told))
