"""What a number rests on: one entry of the ledger, how it is read, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from crksim.errors import Problem, nearest
from crksim.model.clock import parse_quantity
from crksim.model.priors import PRIOR_LAWS, Prior

__all__ = ["FIELDS", "KINDS", "SEEN", "Evidence", "evidence_faults", "read_evidence", "rest_faults"]

#: Kinds of evidence, the firmest first.
KINDS = ("report", "register", "literature", "derived", "assumed")
#: What was seen of a source.
SEEN = ("full", "abstract", "excerpt", "memory")
#: What an entry may say.
FIELDS = ("kind", "fact", "source", "seen", "low", "high", "law", "numbers", "rest_of", "at_most", "note")


@dataclass(frozen=True)
class Evidence:
    """What a number rests on.

    Parameters
    ----------
    address : str
        Address, or pattern, of what it speaks of.
    kind : str
        One of `KINDS`.
    fact : str
        Ids in the table of facts, parted by commas.
    source : str
        Citation.
    seen : str
        What of the source was seen: one of `SEEN`, or empty.
    low, high : str
        Plausible 90 % range as written, with units; or empty.
    law : str
        One of `PRIOR_LAWS`; parameters vary by it between members.
    numbers : tuple of (str, float)
        Numbers of the law's own (in days, per day, or without unit).
    rest_of : str
        Parameter of the same share map that is drawn first: this one is a part of what it leaves.
    at_most : str
        Largest sum of the two, where other branches of the map have shares of their own; empty is one.
    """

    address: str
    kind: str
    fact: str = ""
    source: str = ""
    seen: str = ""
    low: str = ""
    high: str = ""
    law: str = "fixed"
    numbers: tuple[tuple[str, float], ...] = ()
    rest_of: str = ""
    at_most: str = ""
    note: str = ""

    @property
    def is_share(self) -> bool:
        """Whether it varies, and no number above 1 makes sense."""
        beyond = _range_end(self.high)
        return self.law != "fixed" and beyond <= 1.0 and parse_quantity(self.high)[1] == "number"

    def prior(self, value: float) -> Prior:
        """Return the law of the number whose value in use is `value` (in days, per day, or without unit)."""
        return Prior(self.law, value, _range_end(self.low), _range_end(self.high), self.numbers, self.is_share)


def read_evidence(address: str, fields: Mapping[str, object]) -> Evidence:
    """Return the evidence of an entry in which `evidence_faults` finds nothing."""
    numbers = fields.get("numbers")
    own = numbers if isinstance(numbers, Mapping) else {}
    texts = {name: str(fields[name]).strip() for name in FIELDS if name != "numbers" and fields.get(name) is not None}
    return Evidence(
        address=address, numbers=tuple(sorted((str(name), parse_quantity(own[name])[0]) for name in own)), **texts
    )


def evidence_faults(address: str, fields: Mapping[str, object], facts: Collection[str] | None) -> Iterator[Problem]:
    """Look at the fields of one entry.

    Parameters
    ----------
    address : str
        Where the entry stands.
    fields : mapping
        As they stand in the file.
    facts : collection of str or None
        Ids of the facts that may be cited; None is any.

    Yields
    ------
    Problem
        Every fault.
    """
    for name, value in fields.items():
        if name not in FIELDS:
            yield Problem(f"{address}.{name}", value, "is not a field of evidence", nearest(str(name), FIELDS))
        elif name != "numbers" and isinstance(value, Mapping | list | bool):
            yield Problem(f"{address}.{name}", value, "must be a text or a number")
    for name, words in (("kind", KINDS), ("seen", SEEN), ("law", tuple(PRIOR_LAWS))):
        value = fields.get(name)
        if (value is not None or name == "kind") and value not in words:
            yield Problem(f"{address}.{name}", value, f"must be one of {', '.join(words)}", nearest(str(value), words))
    yield from _source_faults(address, fields, facts)
    yield from _range_faults(address, fields)
    yield from _law_faults(address, fields)


def _source_faults(address: str, fields: Mapping[str, object], facts: Collection[str] | None) -> Iterator[Problem]:
    """Look at whether the kind of evidence comes with what it calls for."""
    kind = fields.get("kind")
    if kind == "report" and not fields.get("fact"):
        yield Problem(f"{address}.fact", fields.get("fact"), "must name the fact of the report")
    if kind in ("register", "literature"):
        for name in ("source", "seen"):
            if not fields.get(name):
                yield Problem(f"{address}.{name}", fields.get(name), f"must be given with kind '{kind}'")
    if kind == "derived" and not any(fields.get(name) for name in ("note", "fact", "source")):
        yield Problem(f"{address}.note", fields.get("note"), "must say what it is derived from")
    if facts is not None and fields.get("fact"):
        for fact in (part.strip() for part in str(fields["fact"]).split(",")):
            if fact not in facts:
                yield Problem(f"{address}.fact", fact, "is not in the table of facts", nearest(fact, facts))


def _range_faults(address: str, fields: Mapping[str, object]) -> Iterator[Problem]:
    """Look at whether low and high are numbers of one unit, in order."""
    ends: dict[str, tuple[float, str]] = {}
    for name in ("low", "high"):
        if fields.get(name) is not None and not isinstance(fields[name], Mapping | list | bool):
            try:
                ends[name] = parse_quantity(fields[name])
            except ValueError as fault:
                yield Problem(f"{address}.{name}", fields[name], str(fault))
    if len(ends) == 2 and ends["low"][1] != ends["high"][1]:
        yield Problem(f"{address}.high", fields["high"], f"must have the unit of 'low' ({fields['low']})")
    elif len(ends) == 2 and ends["low"][0] > ends["high"][0]:
        yield Problem(f"{address}.high", fields["high"], f"must be at least 'low' ({fields['low']})")


def _law_faults(address: str, fields: Mapping[str, object]) -> Iterator[Problem]:
    """Look at whether the law has the numbers it takes."""
    law, numbers = fields.get("law", "fixed"), fields.get("numbers", {})
    if law not in tuple(PRIOR_LAWS):
        return
    if not isinstance(numbers, Mapping):
        yield Problem(f"{address}.numbers", numbers, "must be a map such as {a: 4.5, b: 13.5}")
        return
    wanted = PRIOR_LAWS[str(law)]
    for name, value in numbers.items():
        if name not in wanted:
            rule = f"must be one of {', '.join(wanted)}" if wanted else f"has no place with the law '{law}'"
            yield Problem(f"{address}.numbers.{name}", value, rule, nearest(str(name), wanted))
            continue
        try:
            if not parse_quantity(value)[0] > 0.0:
                yield Problem(f"{address}.numbers.{name}", value, "must be above 0")
        except ValueError as fault:
            yield Problem(f"{address}.numbers.{name}", value, str(fault))
    if numbers or law == "gamma":
        for name in wanted:
            if name not in numbers:
                yield Problem(f"{address}.numbers", dict(numbers), f"must give '{name}' with the law '{law}'")
    elif law != "fixed":
        for name in ("low", "high"):
            if fields.get(name) is None:
                yield Problem(f"{address}.{name}", None, f"must be given with the law '{law}'")


def rest_faults(entry: Evidence, entries: Mapping[str, Evidence]) -> Iterator[Problem]:
    """Look at whether what a share is the rest of is a share that is drawn on its own."""
    if entry.at_most and not (entry.rest_of and _is_part(entry.at_most)):
        yield Problem(f"{entry.address}.at_most", entry.at_most, "must be a share below 1, and stand with 'rest_of'")
    if not entry.rest_of:
        return
    address, first = f"{entry.address}.rest_of", entries.get(f"parameters.{entry.rest_of}")
    others = [it for it in entries if it.startswith("parameters.") and it != entry.address]
    names = [it.removeprefix("parameters.") for it in others]
    if first is None or first is entry:
        yield Problem(address, entry.rest_of, "must be another parameter of the ledger", nearest(entry.rest_of, names))
    elif first.rest_of:
        yield Problem(address, entry.rest_of, "must not be drawn from what another leaves itself", first.rest_of)
    elif not (entry.is_share and first.is_share):
        yield Problem(address, entry.rest_of, "must be a share with a range and a law, like this one")


def _is_part(text: str) -> bool:
    try:
        return 0.0 < float(text) < 1.0
    except ValueError:
        return False


def _range_end(text: str) -> float:
    return parse_quantity(text)[0] if text else float("nan")
