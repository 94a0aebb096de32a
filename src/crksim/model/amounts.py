"""Numbers that hang on named parameters: a product, whose factors may be a few functions.

============================= ============================================ ======================
``odds(share, ratio)``        a share whose odds are multiplied by a ratio ``s r / (1 - s + s r)``
``saturating(top, at, half)`` grows with `at`, half of `top` at `half`       ``top at / (at + half)``
``other(share)``              what a share leaves                          ``1 - s``
``least(a, b)``               the smaller                                  ``min(a, b)``
``most(a, b)``                the larger                                   ``max(a, b)``
``sum(a, b)``                 both together                                ``a + b``
``whole(a)``                  rounded down (half a post staffs no place)   ``floor(a)``
============================= ============================================ ======================
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["FUNCTIONS", "Function", "Quantity", "call_of", "factors", "product_dimension"]


@dataclass(frozen=True)
class Function:
    """One of the functions above, with its arguments."""

    name: str
    arguments: tuple[Quantity, ...]

    def value(self, theta: Mapping[str, float]) -> float:
        """Return the number under the parameter values `theta` (name -> value)."""
        return FUNCTIONS[self.name](*(argument.value(theta) for argument in self.arguments))


@dataclass(frozen=True)
class Quantity:
    """A number, or a product of a number, named parameters and functions of such.

    Parameters
    ----------
    factor : float
        Constant factor, in days, per day, or without unit.
    parameters : tuple of str
        Names under ``parameters:``; a name with a leading ``/`` divides.
    functions : tuple of Function
        Further factors.
    """

    factor: float
    parameters: tuple[str, ...] = ()
    functions: tuple[Function, ...] = ()

    def value(self, theta: Mapping[str, float]) -> float:
        """Return the number under the parameter values `theta` (name -> value)."""
        result = self.factor
        for name in self.parameters:
            if name.startswith("/"):
                result /= theta[name[1:]]
            else:
                result *= theta[name]
        for function in self.functions:
            result *= function.value(theta)
        return result

    def names(self) -> Iterator[str]:
        """Yield the names of the parameters on which the number hangs."""
        for name in self.parameters:
            yield name.removeprefix("/")
        for function in self.functions:
            for argument in function.arguments:
                yield from argument.names()


def _odds(share: float, ratio: float) -> float:
    return share * ratio / (1.0 - share + share * ratio)


def _saturating(top: float, at: float, half: float) -> float:
    return top * at / (at + half) if at > 0.0 else 0.0


FUNCTIONS: dict[str, Callable[..., float]] = {
    "odds": _odds,
    "saturating": _saturating,
    "other": lambda share: 1.0 - share,
    "least": min,
    "most": max,
    "sum": lambda a, b: a + b,
    # A product of 0.1 and 30 is a little below 3.
    "whole": lambda a: float(math.floor(a + 1e-9)),
}
_COUNTS = {"odds": 2, "saturating": 3, "other": 1, "least": 2, "most": 2, "sum": 2, "whole": 1}
_CALL = re.compile(r"([a-z_]+)\s*\((.*)\)", re.DOTALL)


def call_of(piece: str) -> tuple[str, list[str]] | None:
    """Return name and arguments of a factor that is a function, else None.

    Raises
    ------
    ValueError
        When there is no such function, or it takes another number of arguments.
    """
    match = _CALL.fullmatch(piece.strip())
    if match is None:
        return None
    name, arguments = match[1], list(_split(match[2], ","))
    if name not in FUNCTIONS:
        raise ValueError(f"'{name}' is not a known function (known: {', '.join(sorted(FUNCTIONS))})")
    if len(arguments) != _COUNTS[name]:
        raise ValueError(f"'{name}' takes {_COUNTS[name]} numbers, not {len(arguments)}")
    return name, arguments


def product_dimension(name: str, dimensions: list[int]) -> int:
    """Return the exponent of time of a function's value from those of its arguments.

    Raises
    ------
    ValueError
        When the arguments do not go together.
    """
    if name in ("odds", "other", "whole"):
        if any(dimensions):
            what = "a number" if name == "whole" else "shares and ratios,"
            raise ValueError(f"'{name}' takes {what} without unit")
        return 0
    alike = dimensions[1:] if name == "saturating" else dimensions
    if len(set(alike)) > 1:
        raise ValueError(f"'{name}' takes numbers of one unit")
    return dimensions[0]


def factors(text: str) -> Iterator[tuple[str, int]]:
    """Yield the factors of a product with +1, those that divide with -1.

    Raises
    ------
    ValueError
        When the text is no product.
    """
    for piece in _split(text, "*"):
        # A slash divides where a parameter stands beside it; `25 / year` is one factor.
        first, *divisors = _split(piece, "/", lambda rest: rest.lstrip().startswith("@"))
        for index, part in enumerate((first, *divisors)):
            name, slash, below = part.partition("/") if part.strip().startswith("@") else (part, "", "")
            if not name.strip() or (slash and not below.strip()):
                raise ValueError("must be a product such as '0.5 * @a / @b'")
            yield name.strip(), -1 if index else 1
            if slash:
                yield below.strip(), -1


def _split(text: str, mark: str, where: Callable[[str], bool] = lambda rest: True) -> list[str]:
    """Split a text at a mark that stands outside all parentheses."""
    parts, depth, since = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == mark and depth == 0 and where(text[index + 1 :]):
            parts.append(text[since:index])
            since = index + 1
    if depth:
        raise ValueError("its parentheses do not match")
    return [*parts, text[since:]]
