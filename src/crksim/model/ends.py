"""The ends of a stay, planned or competing: where each leads, with which outcome, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crksim.model import grammar
from crksim.model.lengths import read_length
from crksim.model.network import Case, Dated, Label, Length, Number, Quantity, Shares
from crksim.model.ranges import at_least_zero, share
from crksim.model.reading import ALL, Reader

__all__ = ["ELSEWHERE", "LEAVE", "End", "Misses", "read_destinations", "read_ends"]

#: Where a citizen may go beside the services.
ELSEWHERE = ("home", "leave", "origin")
#: Everybody leaves.
LEAVE = Shares((("leave", None),))


@dataclass(frozen=True)
class Misses:
    """An end that comes with talks missed in a row at the service's clinic.

    Parameters
    ----------
    in_a_row : int
        How many.
    share : Number
        Share of the citizens to whom that happens who leave then.
    """

    in_a_row: int
    share: Number


@dataclass(frozen=True)
class End:
    """One way a stay can end: planned (`share`) or competing (`hazard` or `misses`), one of them.

    Parameters
    ----------
    share : Number or "rest" or None
        Latent share among the planned ends.
    hazard : Number or None
        Rate per day at which this end competes with the planned one.
    length : Length or None
        Law of the planned length; None takes the service's `length`.
    to : Shares
        Where next.
    status : Shares or None
        Outcome on discharge (ceased, reduced, ...), as observed among those who were there.
    without : Shares or None
        The outcome the same citizens would have had without the service; the difference is the effect.
    becomes : tuple of (str, Shares)
        Attributes that change: attribute -> shares of new values (``same`` keeps the value).
    misses : Misses or None
        Talks missed in a row with which this end competes with the planned one.
    """

    id: str
    share: Number | str | None
    hazard: Number | None
    length: Length | None
    to: Shares
    status: Shares | None = None
    without: Shares | None = None
    becomes: tuple[tuple[str, Shares], ...] = ()
    label: Label | None = None
    misses: Misses | None = None


def read_destinations(reader: Reader, value: object, address: str, words: tuple[str, ...] = ELSEWHERE) -> Shares:
    """Read where citizens go: shares of services and of the words for elsewhere.

    Parameters
    ----------
    reader : Reader
        Takes the faults; knows the ids of all services.
    value : object
        What stands at `address`.
    words : tuple of str
        What may be written beside the services.
    """
    return reader.shares(value, address, (*sorted(reader.luck_keys), *words), "destination")


def read_ends(reader: Reader, value: object, at: str, has_length: bool) -> tuple[Case[tuple[End, ...]], ...]:
    """Read the ends of a service; without any, a stay is done when its length is over.

    Parameters
    ----------
    reader : Reader
        Takes the faults; knows the ids of all services and the attributes.
    value : object
        What stands under ``ends``.
    at : str
        Address of the service.
    has_length : bool
        Whether the service has a length, which planned ends may do without.
    """
    if value is None:
        if not has_length:
            reader.refuse(at + ".length", None, "is missing: without 'ends' a service needs a length")
        done = End("done", Dated.always(Quantity(1.0)), None, None, LEAVE)
        return (Case(ALL, None, (done,)),)

    def read(held: Any, here: str) -> tuple[End, ...]:
        if here != at + ".ends":
            held = reader.fields(held or {}, here, ("ends",), ("ends",)).get("ends", {})
            here += ".ends"
        return _read_end_map(reader, held, here, has_length)

    return reader.cases(value, at + ".ends", read, plain=False)


def _read_end_map(reader: Reader, value: object, at: str, has_length: bool) -> tuple[End, ...]:
    ends = []
    for name, data in reader.things(value, at).items():
        here = f"{at}.{name}"
        if name in grammar.RESERVED_ENDS:
            reader.refuse(here, name, "is a word of the log and cannot be an end")
        end = _read_end(reader, name, data, here)
        ends.append(end)
        if end.share is not None and end.length is None and not has_length:
            reader.refuse(here, data, "needs a 'length', here or on the service")
    if not value:
        reader.refuse(at, value, "needs at least one end")
    planned = [end for end in ends if end.share is not None]
    if planned:
        given = [None if isinstance(end.share, str) else end.share for end in planned]
        reader.check_sum(given, at, {end.id: _shown(value, end.id) for end in planned})
    return tuple(sorted(ends, key=lambda end: (end.share == "rest", end.id)))


def _shown(value: object, name: str) -> object:
    end = value.get(name) if isinstance(value, Mapping) else None
    return end.get("share") if isinstance(end, Mapping) else None


def _read_end(reader: Reader, name: str, data: object, at: str) -> End:
    before = len(reader.problems)
    found = reader.fields(data, at, grammar.END_KEYS, ("to",))
    if len({"share", "hazard", "misses"} & found.keys()) != 1 and len(reader.problems) == before:
        reader.refuse(at, data, "needs 'share' (planned), or 'hazard' or 'misses' (competing), one of them")
    hazard = reader.number(found["hazard"], at + ".hazard", "rate", at_least_zero) if "hazard" in found else None
    part: Number | str | None = None
    if "share" in found:
        rest = found["share"] == "rest"
        part = "rest" if rest else reader.number(found["share"], at + ".share", "number", share)
    misses = _read_misses(reader, found["misses"], at + ".misses") if "misses" in found else None
    for key in ("hazard", "misses") if "length" in found else ():
        if key in found:
            reader.refuse(at + ".length", found["length"], f"an end with '{key}' has no length of its own")

    def status(key: str) -> Shares | None:
        if key not in found:
            return None
        return reader.shares(found[key], f"{at}.{key}", grammar.STATUSES, "status")

    if "without" in found and "status" not in found:
        reader.refuse(at + ".without", found["without"], "needs 'status' beside it")
    becomes = []
    for attribute, value in sorted(reader.fields(found.get("becomes", {}), at + ".becomes", _changing(reader)).items()):
        known = (*reader.attributes[attribute], "same")
        shares = reader.shares(value, f"{at}.becomes.{attribute}", known, f"value of '{attribute}'")
        becomes.append((attribute, shares))
    to = read_destinations(reader, found["to"], at + ".to", ("died", *ELSEWHERE)) if "to" in found else LEAVE
    label = reader.label(found["label"], at + ".label", name) if "label" in found else None
    length = read_length(reader, found["length"], at + ".length") if "length" in found else None
    return End(name, part, hazard, length, to, status("status"), status("without"), tuple(becomes), label, misses)


def _read_misses(reader: Reader, value: object, at: str) -> Misses:
    found = reader.fields(value, at, grammar.MISSES_KEYS, ("in_a_row",))
    in_a_row = reader.whole(found.get("in_a_row", 1), at + ".in_a_row", 1)
    return Misses(in_a_row, reader.number(found.get("share", 1), at + ".share", "number", share))


def _changing(reader: Reader) -> tuple[str, ...]:
    """Return the attributes that an end may change."""
    return tuple(sorted(name for name in reader.attributes if name != "cohort"))
