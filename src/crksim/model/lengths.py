"""Reading lengths: a law by name, its numbers, and how it differs by kind and date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crksim.errors import nearest
from crksim.model.grammar import DURATIONS_OF_LAWS
from crksim.model.laws import LAW_NAMES, needed
from crksim.model.meant import meant_quantity
from crksim.model.network import Dated, LawSpec, Length, Number
from crksim.model.ranges import at_least_zero, share
from crksim.model.reading import Reader, listed, sum_days
from crksim.model.rules import law_of

__all__ = ["read_length"]

_UNREADABLE = LawSpec("", ())


def read_length(reader: Reader, value: object, address: str) -> Length:
    """Read a length: a law, dated laws, or cases of them.

    Parameters
    ----------
    reader : Reader
        Takes the faults.
    value : object
        What stands at the address.
    """
    return reader.cases(value, address, lambda held, at: _read_dated(reader, held, at), plain=False)


def _read_dated(reader: Reader, value: object, address: str) -> Dated[LawSpec]:
    if isinstance(value, Mapping) and "law" not in value and value and all(_is_step(step) for step in value.values()):
        return reader.steps(value, address, lambda held, at: _read_law(reader, held, at), fields=True)
    return Dated.always(_read_law(reader, value, address))


def _is_step(value: object) -> bool:
    return isinstance(value, Mapping) and ("law" in value or "value" in value or "from" in value)


def _read_law(reader: Reader, value: object, address: str) -> LawSpec:
    if not isinstance(value, Mapping):
        if value != 0:  # 0 stands in for a step that was already refused
            close = meant_quantity(value, "duration")
            law = f"{{law: exponential, mean: {close}}}" if close else None
            reader.refuse(address, value, "must be a law such as {law: exponential, mean: 3 months}", law)
        return _UNREADABLE
    if "law" not in value:
        close = nearest("law", value)
        reader.refuse(f"{address}.{close or 'law'}", value.get(close or "law"), "needs 'law', one of " + _names())
        return _UNREADABLE
    law = reader.word(value["law"], address + ".law", LAW_NAMES, "law")
    if not law:
        return _UNREADABLE
    before = len(reader.problems)
    given = {key: held for key, held in value.items() if key != "law"}
    if law == "empirical":
        spec = _read_empirical(reader, given, address)
    elif law == "mixture":
        spec = _read_mixture(reader, given, address)
    else:
        spec = _read_named(reader, law, given, address)
    if len(reader.problems) == before:
        _try(reader, spec, value, address)
    return spec


def _names() -> str:
    return listed(LAW_NAMES)


def _read_named(reader: Reader, law: str, given: Mapping[str, Any], address: str) -> LawSpec:
    known = sorted({name for names in needed(law) for name in names})
    found = reader.fields(given, address, known)
    numbers: list[tuple[str, Number]] = []
    for name in sorted(found):
        dimension = "duration" if name in DURATIONS_OF_LAWS else "number"
        numbers.append((name, reader.number(found[name], f"{address}.{name}", dimension, at_least_zero)))
    if not any(set(names) == set(found) for names in needed(law)):
        ways = " or ".join(" and ".join(f"'{name}'" for name in sorted(names)) for names in needed(law))
        reader.refuse(address, sorted(found), f"the law '{law}' needs {ways}")
    return LawSpec(law, tuple(numbers))


def _read_empirical(reader: Reader, given: Mapping[str, Any], address: str) -> LawSpec:
    found = reader.fields(given, address, ("values", "weights"), ("values",))
    values = reader.things(found.get("values"), address + ".values")
    weights = reader.things(found.get("weights"), address + ".weights")
    numbers = [
        ("value:" + name, reader.number(held, f"{address}.values.{name}", "duration", at_least_zero))
        for name, held in values.items()
    ]
    numbers += [
        ("weight:" + name, reader.number(held, f"{address}.weights.{name}", "number", at_least_zero))
        for name, held in weights.items()
    ]
    if weights and set(weights) != set(values):
        reader.refuse(
            address + ".weights", sorted(weights), f"must name the same as 'values': {listed(sorted(values))}"
        )
    return LawSpec("empirical", tuple(sorted(numbers)))


def _read_mixture(reader: Reader, given: Mapping[str, Any], address: str) -> LawSpec:
    found = reader.fields(given, address, ("parts",), ("parts",))
    numbers: list[tuple[str, Number]] = []
    parts: list[tuple[str, LawSpec]] = []
    weights: list[Number | None] = []
    for name, part in reader.things(found.get("parts"), address + ".parts").items():
        at = f"{address}.parts.{name}"
        if not isinstance(part, Mapping) or "weight" not in part:
            reader.refuse(at, part, "must hold 'weight' and a law")
            continue
        rest = part["weight"] == "rest"
        weight = None if rest else reader.number(part["weight"], at + ".weight", "number", share)
        weights.append(weight)
        if weight is not None:
            numbers.append(("weight:" + name, weight))
        parts.append((name, _read_law(reader, {key: held for key, held in part.items() if key != "weight"}, at)))
    if not parts:
        reader.refuse(address + ".parts", found.get("parts"), "needs at least one part")
    else:
        reader.check_sum(weights, address + ".parts", sorted(name for name, _ in parts))
    return LawSpec("mixture", tuple(numbers), tuple(parts))


def _try(reader: Reader, spec: LawSpec, value: object, address: str) -> None:
    """Build the law with the parameters' own values on every date, to see that it can be built."""
    for day in sum_days(number for _, number in _numbers(spec)):
        try:
            law_of(spec, reader.theta, day)
        except ValueError as fault:
            reader.refuse(address, value, str(fault))
            return


def _numbers(spec: LawSpec) -> Iterator[tuple[str, Number]]:
    yield from spec.numbers
    for _, part in spec.parts:
        yield from _numbers(part)
