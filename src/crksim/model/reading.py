"""Reading single values of a study: every fault is noted with its address, and reading goes on.

A value that cannot be read is replaced by a harmless stand-in (a number by NaN), which later rules pass over, so that
one fault is reported once.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise, product
from typing import Any, TypeVar

from crksim.errors import Problem, nearest
from crksim.model.amounts import Function, Quantity, call_of, factors, product_dimension
from crksim.model.clock import parse_date, parse_quantity
from crksim.model.grammar import RESERVED
from crksim.model.meant import meant_date, meant_quantity
from crksim.model.network import Case, Condition, Dated, Label, Number, Shares
from crksim.model.plain import joined
from crksim.model.ranges import TOLERANCE, Check, share

__all__ = [
    "ALL",
    "UNREADABLE",
    "Reader",
    "listed",
    "plain_label",
    "sum_days",
]

T = TypeVar("T")

#: Id of the only case of a value that does not differ between kinds.
ALL = "all"
UNREADABLE = Quantity(math.nan)

_ID = re.compile(r"[a-z][a-z0-9_]*")
_WANTED = {
    "duration": "must be a duration such as '3 months'",
    "rate": "must be a rate such as '25 / year'",
    "number": "must be a number without unit",
    "hours": "must be a number of minutes, or a duration such as '30 minutes'",
}
_EXPONENT = {"duration": 1, "rate": -1, "number": 0}


def listed(words: Iterable[str]) -> str:
    """Return words as an enumeration: ``'a', 'b' or 'c'``."""
    shown = [f"'{word}'" for word in words]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]


def plain_label(name: str) -> Label:
    """Return the label of a thing that has none: its id with spaces."""
    text = name.replace("_", " ").capitalize()
    return Label(text, text)


def sum_days(numbers: Iterable[Number | None]) -> list[float]:
    """Return the days on which any of the numbers changes, the first of them ``-inf``."""
    days = {-math.inf}
    for number in numbers:
        if number is not None:
            days |= {day for day, _ in number.steps}
    return sorted(days)


class Reader:
    """What is known of the study while its values are read, and the faults found so far.

    Parameters
    ----------
    start : str
        ISO date of day 0.
    """

    def __init__(self, start: str = "2016-01-01") -> None:
        self.start = start
        self.problems: list[Problem] = []
        self.theta: dict[str, float] = {}
        self.dimensions: dict[str, str] = {}
        self.attributes: dict[str, tuple[str, ...]] = {}
        self.luck_keys: dict[str, str] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        self.sites: frozenset[str] = frozenset()

    def refuse(self, address: str, value: object, rule: str, close: str | None = None) -> None:
        """Note a fault."""
        self.problems.append(Problem(address, value, rule, close))

    def fields(self, data: object, address: str, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, Any]:
        """Return a map with its unknown keys taken out; unknown and missing ones are noted."""
        known = tuple(known)
        if not isinstance(data, Mapping):
            self.refuse(address or "study", data, f"must be a map with {listed(known)}")
            return {}
        for key, value in data.items():
            if key not in known:
                close = nearest(key, known)
                rule = "is not a known key" if close else f"is not a known key (known: {', '.join(known)})"
                self.refuse(joined(address, key), value, rule, close)
        for key in required:
            if key not in data:
                self.refuse(joined(address, key), None, "is missing")
        return {key: value for key, value in data.items() if key in known}

    def things(self, data: object, address: str, reserved: frozenset[str] = RESERVED) -> dict[str, Any]:
        """Return a map from ids to things, sorted by id; what is no id is noted and left out."""
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self.refuse(address, data, "must be a map from ids to what they hold")
            return {}
        found = {}
        for key in sorted(data):
            if self.is_id(key, joined(address, key), reserved):
                found[key] = data[key]
        return found

    def is_id(self, name: object, address: str, reserved: frozenset[str] = RESERVED) -> bool:
        """Say whether `name` may be an id; if not, that is noted."""
        if not isinstance(name, str):
            rule = "must be text"
            if isinstance(name, bool):
                rule += "; YAML reads yes, no, on and off as true and false: quote them"
            self.refuse(address, name, rule)
            return False
        if _ID.fullmatch(name) is None:
            low = re.sub(r"[^a-z0-9_]+", "_", name.lower().translate(_ASCII)).strip("_")
            close = low if _ID.fullmatch(low) else None
            self.refuse(address, name, "an id must be a letter a-z, then letters a-z, digits and '_'", close)
            return False
        if name in reserved:
            self.refuse(address, name, "is a word with a meaning of its own and cannot be an id")
            return False
        return True

    def word(self, value: object, address: str, known: Iterable[str], what: str = "") -> str:
        """Return one of the known words."""
        known = tuple(known)
        if isinstance(value, str) and value in known:
            return value
        close = nearest(value, known) if isinstance(value, str) else None
        if what:
            self.refuse(address, value, f"is not a known {what}", close)
        else:
            self.refuse(address, value, f"must be {listed(known)}", close)
        return ""

    def truth(self, value: object, address: str) -> bool:
        """Return true or false."""
        if not isinstance(value, bool):
            self.refuse(address, value, "must be true or false")
        return value is True

    def whole(self, value: object, address: str, least: int) -> int:
        """Return a whole number that cannot change."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < least:
            self.refuse(address, value, f"must be a whole number of at least {least}")
            return least
        return int(value)

    def label(self, value: object, address: str, name: str) -> Label:
        """Return a text in both languages; without any, the id with spaces."""
        if value is None:
            return plain_label(name)
        if not isinstance(value, Mapping):
            self.refuse(address, value, "must be in both languages: {da: ..., en: ...}")
            return plain_label(name)
        found = self.fields(value, address, ("da", "en"), ("da", "en"))
        for key, text in found.items():
            if not isinstance(text, str) or not text.strip():
                self.refuse(joined(address, key), text, "must be a text that is not empty")
        return Label(str(found.get("da", name)), str(found.get("en", name)))

    def date(self, value: object, address: str) -> float:
        """Return days since the study's start."""
        try:
            return parse_date(value, self.start)
        except ValueError as fault:
            self.refuse(address, value, str(fault), meant_date(value))
            return math.nan

    def amount(self, value: object, address: str, dimension: str, check: Check | None = None) -> float:
        """Return a plain number that cannot hang on parameters or change on dates."""
        if isinstance(value, str) and "@" in value:
            self.refuse(address, value, f"{_WANTED[dimension]}; it cannot hang on parameters")
            return math.nan
        return self.quantity(value, address, dimension, check).factor

    def quantity(self, value: object, address: str, dimension: str, check: Check | None = None) -> Quantity:
        """Return a number, or a product of numbers and parameters, of the wanted dimension."""
        try:
            if isinstance(value, str) and "@" in value:
                found, exponent = self._product(value, address)
            elif isinstance(value, str | int | float) and not isinstance(value, bool):
                number, has = parse_quantity(value)
                found, exponent = Quantity(number), _EXPONENT[has]
            else:
                raise ValueError(_WANTED[dimension])
        except ValueError as fault:
            rule = str(fault)
            if "@" not in str(value) and "finite" not in rule:  # say what is wanted here, not what could be elsewhere
                rule = _WANTED[dimension] + ("; write decimals with a point, not a comma" if "comma" in rule else "")
            close = meant_quantity(value, dimension)
            if close is not None:  # of what was meant, the rule that it breaks in the end
                reader = copy.copy(self)
                reader.problems = []
                reader.quantity(close, address, dimension, check)
                rule, close = (reader.problems[0].rule, None) if reader.problems else (rule, close)
            self.refuse(address, value, rule, close)
            return UNREADABLE
        number = found.value(self.theta)
        if dimension == "hours" and exponent in (0, 1):  # bare minutes, or a duration in days
            found = replace(found, factor=found.factor * (24.0 if exponent else 1 / 60))
        elif exponent != _EXPONENT.get(dimension) and number != 0 and not math.isnan(number):
            hint = "; it has no unit" if exponent == 0 else ""
            self.refuse(address, value, _WANTED[dimension] + hint)
            return UNREADABLE
        wrong = None if check is None or math.isnan(number) else check(number)
        if wrong is not None:
            shown = f" (it is {number:g} with the parameters' values)" if found != Quantity(number) else ""
            self.refuse(address, value, wrong + shown)
            return UNREADABLE
        return found

    def _product(self, text: str, address: str) -> tuple[Quantity, int]:
        """Read ``0.5 * @a / @b`` or ``odds(@a, @b)``; the exponent of time comes second (NaN's is 0)."""
        factor, exponent, names, functions = 1.0, 0, [], []
        for piece, sign in factors(text):
            call = call_of(piece) if sign > 0 else None
            if call is not None:
                arguments = [self._product(argument, address) for argument in call[1]]
                if any(argument is UNREADABLE for argument, _ in arguments):
                    return UNREADABLE, 0
                functions.append(Function(call[0], tuple(argument for argument, _ in arguments)))
                exponent += product_dimension(call[0], [has for _, has in arguments])
            elif piece.startswith("@"):
                name = piece[1:]
                if name not in self.dimensions:
                    self.refuse(address, text, f"'{name}' is not a known parameter", nearest(name, self.dimensions))
                    return UNREADABLE, 0
                names.append(name if sign > 0 else "/" + name)
                if sign < 0 and self.theta[name] == 0:
                    raise ValueError(f"cannot divide by '{name}', which is 0")
                exponent += sign * _EXPONENT[self.dimensions[name]]
            else:
                number, has = parse_quantity(piece)
                if sign < 0 and number == 0:
                    raise ValueError("cannot divide by 0")
                factor = factor * number if sign > 0 else factor / number
                exponent += sign * _EXPONENT[has]
        ordered = tuple(sorted(names, key=lambda n: (n.lstrip("/"), n)))
        return Quantity(factor, ordered, tuple(functions)), exponent

    def worth(self, text: str, address: str) -> tuple[float, int]:
        """Return what a product is with the parameters' values, and its exponent of time (1 days, -1 per day)."""
        found, exponent = self._product(text, address)
        return found.value(self.theta), exponent

    def number(self, value: object, address: str, dimension: str, check: Check | None = None) -> Number:
        """Return a number that may change on dates."""
        if isinstance(value, Mapping):
            return self.steps(value, address, lambda held, at: self.quantity(held, at, dimension, check))
        return Dated.always(self.quantity(value, address, dimension, check))

    def steps(
        self, value: Mapping[str, Any], address: str, read: Callable[[Any, str], T], fields: bool = False
    ) -> Dated[T]:
        """Return a value given as named steps; with `fields`, a step may hold the value's own fields."""
        found: list[tuple[float, T]] = []
        for name, step in self.things(value, address).items():
            at, day = joined(address, name), -math.inf
            if isinstance(step, Mapping) and ("from" in step or "value" in step):
                rest = {key: held for key, held in step.items() if key != "from"}
                if "from" in step:
                    day = self.date(step["from"], at + ".from")
                if not fields or set(rest) == {"value"}:
                    rest = self.fields(rest, at, ("value",), ("value",))
                    held = read(rest.get("value", 0), at + ".value")
                else:
                    held = read(rest, at)
            else:
                held = read(step, at)
            if not math.isnan(day):
                found.append((day, held))
        found.sort(key=lambda step: step[0])
        days = [day for day, _ in found]
        if not found or days[0] != -math.inf or days[1:2] == [-math.inf]:
            self.refuse(address, value, "exactly one step must be without 'from'")
        elif any(a == b for a, b in pairwise(days)):
            self.refuse(address, value, "two steps cannot begin on the same date")
        return Dated(tuple(found)) if found else Dated.always(read(0, address))

    def cases(
        self, value: object, address: str, read: Callable[[Any, str], T], plain: bool = True
    ) -> tuple[Case[T], ...]:
        """Return a value that may differ by kind; `plain` values stand under ``value:`` in a case."""
        if not isinstance(value, Mapping) or "cases" not in value:
            return (Case(ALL, None, read(value, address)),)
        given = self.fields(value, address, ("cases",))
        found = []
        for name, case in self.things(given["cases"], address + ".cases").items():
            at = f"{address}.cases.{name}"
            if not isinstance(case, Mapping):
                self.refuse(at, case, "a case must be a map, with 'value' or the fields of the value, and 'when'")
                continue
            when = self.condition(case["when"], at + ".when") if "when" in case else None
            held: Any = {key: part for key, part in case.items() if key != "when"}
            if plain or set(held) == {"value"}:
                held = self.fields(held, at, ("value",), ("value",))
                found.append(Case(name, when, read(held["value"], at + ".value") if "value" in held else read(0, at)))
            else:
                found.append(Case(name, when, read(held, at)))
        self._check_cases(found, address + ".cases", given["cases"])
        return tuple(sorted(found, key=lambda case: (case.when is None, case.id)))

    def _check_cases(self, cases: list[Case[T]], address: str, value: object) -> None:
        defaults = [case.id for case in cases if case.when is None]
        if not cases:
            self.refuse(address, value, "needs at least one case")
            return
        if len(defaults) > 1:
            self.refuse(address, defaults, "at most one case may be without 'when'")
        tested = [(case.id, dict(case.when.tests)) for case in cases if case.when is not None]
        for index, (one, first) in enumerate(tested):
            for other, second in tested[index + 1 :]:
                if all(first[name] & second[name] for name in first.keys() & second.keys()):
                    self.refuse(address, [one, other], "two cases may not overlap")
        names = sorted({name for _, tests in tested for name in tests})
        if defaults or math.prod(len(self.attributes.get(name, ())) for name in names) > 100_000:
            return
        for values in product(*(self.attributes.get(name, ()) for name in names)):
            kind = dict(zip(names, values, strict=True))
            if not any(all(kind[name] in allowed for name, allowed in tests.items()) for _, tests in tested):
                shown = ", ".join(f"{name}: {held}" for name, held in kind.items())
                self.refuse(address, sorted(case.id for case in cases), f"no case covers {{{shown}}}")
                return

    def condition(self, value: object, address: str) -> Condition:
        """Return a ``when:``."""
        if not isinstance(value, Mapping) or not value:
            self.refuse(address, value, "must be a map from attributes to values")
            return Condition(())
        tests = []
        for name in sorted(value):
            at = f"{address}.{name}"
            if name not in self.attributes:
                self.refuse(at, value[name], f"'{name}' is not a known attribute", nearest(name, self.attributes))
                continue
            given = value[name] if isinstance(value[name], list) else [value[name]]
            if not given:
                self.refuse(at, given, "must name at least one value")
            known = self.attributes[name]
            allowed = {word for word in given if self.word(word, at, known, f"value of '{name}'")}
            if allowed:
                tests.append((name, frozenset(allowed)))
        return Condition(tuple(tests))

    def shares(self, value: object, address: str, known: Iterable[str], what: str) -> Shares:
        """Return a share map, or a single word as a map of one branch."""
        known = tuple(known)
        if not isinstance(value, Mapping):
            found = self.word(value, address, known, what)
            return Shares(((found, None),) if found else ())
        branches: list[tuple[str, Number | None]] = []
        for name in sorted(value):
            at = f"{address}.{name}"
            if self.word(name, at, known, what):
                rest = value[name] == "rest"
                branches.append((name, None if rest else self.number(value[name], at, "number", share)))
        if not value:
            self.refuse(address, value, "needs at least one branch")
        if len(branches) == len(value):
            self.check_sum([number for _, number in branches], address, value)
        branches.sort(key=lambda branch: (branch[1] is None, self.luck_keys.get(branch[0], branch[0]), branch[0]))
        return Shares(tuple(branches))

    def check_sum(self, numbers: list[Number | None], address: str, value: object) -> None:
        """Note shares that do not sum to one on some day, or more than one ``rest``."""
        if numbers.count(None) > 1:
            self.refuse(address, value, "only one branch may say 'rest'")
            return
        given = [number for number in numbers if number is not None]
        for day in sum_days(given):
            total = math.fsum(number.at(day).value(self.theta) for number in given)
            if len(given) < len(numbers) and total > 1 + TOLERANCE:
                self.refuse(address, value, f"shares may not sum to more than one (they sum to {total:.6g})")
                return
            if len(given) == len(numbers) and abs(total - 1) > TOLERANCE:
                rule = f"shares must sum to one (they sum to {total:.6g}), or one branch must say 'rest'"
                self.refuse(address, value, rule)
                return


_ASCII = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa"})
