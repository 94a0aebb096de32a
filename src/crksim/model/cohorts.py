"""Cohorts: who comes, when, with which attributes, and who is there at the start; and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crksim.model import grammar
from crksim.model.network import Dated, Label, Number, Quantity, Shares
from crksim.model.ranges import above_zero, at_least_zero, share
from crksim.model.reading import Reader

__all__ = ["Arrivals", "Cohort", "Present", "read_cohort"]


@dataclass(frozen=True)
class Arrivals:
    """When new citizens of a cohort come.

    Parameters
    ----------
    rate : Number or None
        Citizens per day.
    months : tuple of 12 Number or None
        Factor on the rate by calendar month.
    period, pattern : float or None, tuple of (float, Number)
        A repeating pattern: length of the period in days, and factors from given days into it.
    wave : tuple of Number or None
        ``(amplitude, period, phase)``: factor ``1 + amplitude * sin(2 pi (day - phase) / period)``.
    times : tuple of float
        Listed arrival days (instead of a rate).
    every : tuple of float or None
        ``(first, step)``: regular arrivals (instead of a rate).
    """

    rate: Number | None = None
    months: tuple[Number, ...] | None = None
    period: float | None = None
    pattern: tuple[tuple[float, Number], ...] = ()
    wave: tuple[Number, Number, Number] | None = None
    times: tuple[float, ...] = ()
    every: tuple[float, float] | None = None


@dataclass(frozen=True)
class Present:
    """Citizens who are in a service when the study starts.

    Parameters
    ----------
    at : str
        Service id, or ``home``.
    count : Number
        How many (rounded to a whole number).
    lengths : str
        ``residual`` (length-biased, part of the stay already spent) or ``fresh``.
    attributes : tuple of (str, str)
        What all of them have in common, in the place of the cohort's mixes.
    """

    id: str
    at: str
    count: Number
    lengths: str
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cohort:
    """A stream of citizens with common arrivals and attribute mixes.

    Parameters
    ----------
    attributes : tuple of (str, Shares)
        Mix of every attribute among newcomers, drawn independently.
    enters : Shares
        Where newcomers go first.
    legal_limit : Number or None
        The law's limit, in days, from request to first treatment.
    """

    id: str
    label: Label
    luck_key: str
    arrivals: Arrivals
    attributes: tuple[tuple[str, Shares], ...]
    enters: Shares | None
    present: tuple[Present, ...]
    legal_limit: Number | None


def read_cohort(reader: Reader, name: str, data: object) -> Cohort:
    """Read one cohort.

    Parameters
    ----------
    reader : Reader
        Takes the faults; knows the ids of all services and the attributes.
    name : str
        Id of the cohort.
    data : object
        What stands under it.
    """
    at = f"cohorts.{name}"
    found = reader.fields(data, at, grammar.COHORT_KEYS)
    luck_key = found.get("luck_key", name)
    reader.is_id(luck_key, at + ".luck_key")
    destinations = (*sorted(reader.luck_keys), "home")
    enters = None
    if "enters" in found:
        enters = reader.shares(found["enters"], at + ".enters", destinations, "destination")
    elif "arrivals" in found:
        reader.refuse(at + ".enters", None, "is missing: newcomers need a service to enter")
    attributes = []
    known = tuple(sorted(attribute for attribute in reader.attributes if attribute != "cohort"))
    given = reader.fields(found.get("attributes", {}), at + ".attributes", known)
    for attribute, value in sorted(given.items()):
        here = f"{at}.attributes.{attribute}"
        shares = reader.shares(value, here, reader.attributes[attribute], f"value of '{attribute}'")
        attributes.append((attribute, shares))
    limit = found.get("legal_limit")
    return Cohort(
        id=name,
        label=reader.label(found.get("label"), at + ".label", name),
        luck_key=str(luck_key),
        arrivals=_read_arrivals(reader, found["arrivals"], at + ".arrivals") if "arrivals" in found else Arrivals(),
        attributes=tuple(attributes),
        enters=enters,
        present=_read_present(reader, found.get("present"), at + ".present", [name for name, _ in attributes]),
        legal_limit=None if limit is None else reader.number(limit, at + ".legal_limit", "duration", at_least_zero),
    )


def _read_present(reader: Reader, value: object, at: str, own: Sequence[str]) -> tuple[Present, ...]:
    present = []
    for name, data in reader.things(value, at).items():
        here = f"{at}.{name}"
        found = reader.fields(data, here, grammar.PRESENT_KEYS, ("at", "count"))
        if "at" in found and "count" in found:
            where = reader.word(found["at"], here + ".at", (*sorted(reader.luck_keys), "home"), "service")
            many = reader.quantity(found["count"], here + ".count", "number", at_least_zero)
            lengths = reader.word(found.get("lengths", "residual"), here + ".lengths", grammar.LENGTHS_WORDS)
            common = reader.fields(found.get("attributes", {}), here + ".attributes", own)
            alike = tuple(
                (key, reader.word(held, f"{here}.attributes.{key}", reader.attributes[key], f"value of '{key}'"))
                for key, held in sorted(common.items())
            )
            present.append(Present(name, where, Dated.always(many), lengths, alike))
    return tuple(present)


def _read_arrivals(reader: Reader, value: object, at: str) -> Arrivals:
    if not isinstance(value, Mapping):
        return Arrivals(rate=reader.number(value, at, "rate", at_least_zero))
    found = reader.fields(value, at, grammar.ARRIVAL_KEYS)
    ways = [key for key in ("rate", "times", "every") if key in found]
    if len(ways) != 1:
        reader.refuse(at, value, "needs one of 'rate', 'times' or 'every'")
        return Arrivals()
    for key in ("months", "pattern", "wave"):
        if key in found and ways != ["rate"]:
            reader.refuse(f"{at}.{key}", found[key], "needs 'rate' beside it")
    if "first" in found and ways != ["every"]:
        reader.refuse(at + ".first", found["first"], "needs 'every' beside it")
    if ways == ["times"]:
        times = reader.things(found["times"], at + ".times").items()
        days = sorted(reader.amount(held, f"{at}.times.{name}", "duration", at_least_zero) for name, held in times)
        return Arrivals(times=tuple(days))
    if ways == ["every"]:
        first = reader.amount(found.get("first", 0), at + ".first", "duration", at_least_zero)
        return Arrivals(every=(first, reader.amount(found["every"], at + ".every", "duration", above_zero)))
    period, pattern = _read_pattern(reader, found["pattern"], at + ".pattern") if "pattern" in found else (None, ())
    return Arrivals(
        rate=reader.number(found["rate"], at + ".rate", "rate", at_least_zero),
        months=_read_months(reader, found["months"], at + ".months") if "months" in found else None,
        period=period,
        pattern=pattern,
        wave=_read_wave(reader, found["wave"], at + ".wave") if "wave" in found else None,
    )


def _read_months(reader: Reader, value: object, at: str) -> tuple[Number, ...]:
    found = reader.fields(value, at, grammar.MONTHS)
    return tuple(
        reader.number(found.get(month, 1), f"{at}.{month}", "number", at_least_zero) for month in grammar.MONTHS
    )


def _read_pattern(reader: Reader, value: object, at: str) -> tuple[float | None, tuple[tuple[float, Number], ...]]:
    found = reader.fields(value, at, ("period", "steps"), ("period", "steps"))
    if len(found) < 2:
        return None, ()
    period = reader.amount(found["period"], at + ".period", "duration", above_zero)
    steps: list[tuple[float, Number]] = []
    for name, data in reader.things(found["steps"], at + ".steps").items():
        here = f"{at}.steps.{name}"
        step = reader.fields(data, here, ("at", "factor"), ("at", "factor"))
        if len(step) == 2:
            day = reader.amount(step["at"], here + ".at", "duration", at_least_zero)
            if day >= period:
                reader.refuse(here + ".at", step["at"], "must lie within the period")
            steps.append((day, reader.number(step["factor"], here + ".factor", "number", at_least_zero)))
    days = sorted(day for day, _ in steps)
    if days[:1] != [0.0] or len(set(days)) < len(days):
        reader.refuse(at + ".steps", found["steps"], "the steps must lie at different days, the first at 0 days")
    return period, tuple(sorted(steps, key=lambda step: step[0]))


def _read_wave(reader: Reader, value: object, at: str) -> tuple[Number, Number, Number]:
    found: dict[str, Any] = reader.fields(value, at, ("amplitude", "period", "phase"), ("amplitude", "period"))

    def number(key: str, dimension: str, check: Any) -> Number:
        if key not in found:
            return Dated.always(Quantity(0.0))
        return reader.number(found[key], f"{at}.{key}", dimension, check)

    return (
        number("amplitude", "number", share),
        number("period", "duration", above_zero),
        number("phase", "duration", None),
    )
