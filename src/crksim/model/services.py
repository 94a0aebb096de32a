"""Reading services: units and offers with their places, queue, ends and closing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crksim.model import grammar
from crksim.model.clinics import read_clinic
from crksim.model.lengths import read_length
from crksim.model.network import (
    Case,
    CasedNumber,
    Closing,
    Dated,
    End,
    Length,
    Misses,
    Number,
    Places,
    Posts,
    Quantity,
    Service,
    Shares,
    Staffing,
)
from crksim.model.ranges import at_least_zero, count, share
from crksim.model.reading import ALL, Reader

__all__ = ["CASED_ZERO", "read_cased_number", "read_service"]

CASED_ZERO: CasedNumber = (Case(ALL, None, Dated.always(Quantity(0.0))),)
_ELSEWHERE = ("home", "leave", "origin")
_LEAVE = Shares((("leave", None),))


def read_cased_number(
    reader: Reader, value: object, address: str, dimension: str, check: Any = at_least_zero
) -> CasedNumber:
    """Read a number that may differ by kind.

    Parameters
    ----------
    reader : Reader
        Takes the faults.
    dimension : str
        ``duration``, ``rate`` or ``number``.
    """
    return reader.cases(value, address, lambda held, at: reader.number(held, at, dimension, check))


def read_service(reader: Reader, name: str, data: object) -> Service:
    """Read one service.

    Parameters
    ----------
    reader : Reader
        Takes the faults; knows the ids of all services and groups.
    name : str
        Id of the service.
    data : object
        What stands under it.
    """
    at = f"services.{name}"
    found = reader.fields({} if data is None else data, at, grammar.SERVICE_KEYS)
    queue = reader.fields(found.get("queue", {}), at + ".queue", grammar.QUEUE_KEYS)
    opens = reader.date(found["opens"], at + ".opens") if "opens" in found else -math.inf
    group = _optional_id(reader, found, "group", at)
    length = _length(reader, found, "length", at)
    ends = _read_ends(reader, found.get("ends"), at, length is not None)
    clinic = read_clinic(reader, found["clinic"], at + ".clinic") if "clinic" in found else None
    if clinic is None and any(end.misses is not None for case in ends for end in case.value):
        reader.refuse(at + ".clinic", None, "is missing: an end with 'misses' needs the talks that are missed")

    def number(key: str, dimension: str) -> Number | None:
        if key not in found:
            return None
        return reader.number(found[key], f"{at}.{key}", dimension, at_least_zero)

    def cased(key: str, dimension: str, default: float) -> CasedNumber:
        if key not in found:
            return (Case(ALL, None, Dated.always(Quantity(default))),)
        return read_cased_number(reader, found[key], f"{at}.{key}", dimension)

    def truth(key: str, default: bool) -> bool:
        return reader.truth(found[key], f"{at}.{key}") if key in found else default

    def goes(key: str) -> Shares:
        return _goes(reader, found[key], f"{at}.{key}") if key in found else _LEAVE

    return Service(
        id=name,
        label=reader.label(found.get("label"), at + ".label", name),
        site=_optional_id(reader, found, "site", at) or name,
        group=group,
        luck_key=reader.luck_keys.get(name, name),
        opens=opens,
        before=_goes(reader, found["before"], at + ".before") if "before" in found else None,
        closes=_read_closing(reader, found["closes"], at + ".closes", opens) if "closes" in found else None,
        places=_read_places(reader, found.get("places", {}), at + ".places"),
        order=reader.word(queue.get("order", "fifo"), at + ".queue.order", grammar.ORDERS),
        room=reader.number(queue["room"], at + ".queue.room", "number", count) if "room" in queue else None,
        patience=_length(reader, found, "patience", at),
        gives_up=goes("gives_up"),
        refused=goes("refused"),
        ineligible=goes("ineligible"),
        eligible=reader.condition(found["eligible"], at + ".eligible") if "eligible" in found else None,
        priority=cased("priority", "number", 1.0),
        blocking=truth("blocking", False),
        treatment=truth("treatment", True),
        between_courses=truth("between_courses", False),
        length=length,
        ends=ends,
        death=cased("death", "rate", 0.0),
        staff=_read_staff(reader, found.get("staff"), at + ".staff"),
        wait_goal=number("wait_goal", "duration"),
        distances=_read_distances(reader, found.get("distances"), at + ".distances"),
        groups=tuple(sorted(group for group, members in reader.groups.items() if name in members)),
        clinic=clinic,
        posts=_read_posts(reader, found.get("posts"), at + ".posts"),
    )


def _optional_id(reader: Reader, found: Mapping[str, Any], key: str, at: str) -> str | None:
    if key not in found:
        return None
    return found[key] if reader.is_id(found[key], f"{at}.{key}") else None


def _length(reader: Reader, found: Mapping[str, Any], key: str, at: str) -> Length | None:
    return read_length(reader, found[key], f"{at}.{key}") if key in found else None


def _goes(reader: Reader, value: object, address: str, words: tuple[str, ...] = _ELSEWHERE) -> Shares:
    return reader.shares(value, address, (*sorted(reader.luck_keys), *words), "destination")


def _read_places(reader: Reader, value: object, at: str) -> Places:
    found = reader.fields(value, at, grammar.PLACES_KEYS)
    numbers = {key: reader.number(held, f"{at}.{key}", "number", count) for key, held in found.items()}
    if "hard" in numbers and "norm" in numbers:
        reader.refuse(at, value, "must be either 'hard' or 'norm', not both")
    return Places(**numbers)


def _read_distances(reader: Reader, value: object, at: str) -> tuple[tuple[str, Number], ...]:
    found = []
    for site, held in reader.things(value, at).items():
        if reader.word(site, f"{at}.{site}", sorted(reader.sites), "site"):
            found.append((site, reader.number(held, f"{at}.{site}", "number", at_least_zero)))
    return tuple(found)


def _read_staff(reader: Reader, value: object, at: str) -> tuple[Staffing, ...]:
    staff = []
    for name, data in reader.things(value, at).items():
        here = f"{at}.{name}"
        found = reader.fields(data, here, grammar.STAFF_KEYS, grammar.STAFF_KEYS)
        if len(found) < len(grammar.STAFF_KEYS):
            continue
        hours = reader.number(found["minutes"], here + ".minutes", "hours", at_least_zero)
        reader.is_id(found["staff"], here + ".staff")
        contacts = reader.number(found["contacts"], here + ".contacts", "rate", at_least_zero)
        per = reader.word(found["per"], here + ".per", grammar.PER_WORDS)
        staff.append(Staffing(name, per, contacts, hours, str(found["staff"])))
    return tuple(staff)


def _read_posts(reader: Reader, value: object, at: str) -> tuple[Posts, ...]:
    posts = []
    for staff, data in reader.things(value, at).items():
        here = f"{at}.{staff}"
        found = reader.fields(data, here, grammar.POSTS_KEYS, ("number",))
        number = reader.number(found.get("number", 0), here + ".number", "number", at_least_zero)
        posts.append(Posts(staff, number, reader.number(found.get("filled", 1), here + ".filled", "number", share)))
    return tuple(posts)


def _read_closing(reader: Reader, value: object, at: str, opens: float) -> Closing:
    found = reader.fields(value, at, grammar.CLOSES_KEYS, ("on", "present", "afterwards"))
    on = reader.date(found["on"], at + ".on") if "on" in found else math.nan
    if on <= opens:
        reader.refuse(at + ".on", found["on"], "must lie after 'opens'")
    afterwards = _goes(reader, found["afterwards"], at + ".afterwards") if "afterwards" in found else _LEAVE
    waiting = afterwards
    if found.get("waiting", "same") != "same":
        waiting = _goes(reader, found["waiting"], at + ".waiting")
    present = _read_present(reader, found.get("present"), at + ".present") if "present" in found else ()
    return Closing(on, present, waiting, afterwards)


def _read_present(reader: Reader, value: object, at: str) -> tuple[tuple[str, Number | None, str], ...]:
    known = (*sorted(reader.luck_keys), "died", *_ELSEWHERE)
    if isinstance(value, str):
        found = reader.word(value, at, known, "destination")
        return ((ALL, None, found),) if found else ()
    branches: list[tuple[str, Number | None, str]] = []
    for name, data in reader.things(value, at).items():
        here = f"{at}.{name}"
        branch = reader.fields(data, here, ("share", "to"), ("share", "to"))
        if len(branch) == 2:
            rest = branch["share"] == "rest"
            part = None if rest else reader.number(branch["share"], here + ".share", "number", share)
            branches.append((name, part, reader.word(branch["to"], here + ".to", known, "destination")))
    if not value:
        reader.refuse(at, value, "needs at least one branch")
    elif branches:
        reader.check_sum([part for _, part, _ in branches], at, sorted(name for name, _, _ in branches))
    return tuple(sorted(branches, key=lambda branch: (branch[1] is None, branch[0])))


def _read_ends(reader: Reader, value: object, at: str, has_length: bool) -> tuple[Case[tuple[End, ...]], ...]:
    if value is None:
        if not has_length:
            reader.refuse(at + ".length", None, "is missing: without 'ends' a service needs a length")
        done = End("done", Dated.always(Quantity(1.0)), None, None, _LEAVE)
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
    to = _goes(reader, found["to"], at + ".to", ("died", *_ELSEWHERE)) if "to" in found else _LEAVE
    label = reader.label(found["label"], at + ".label", name) if "label" in found else None
    length = _length(reader, found, "length", at)
    return End(name, part, hazard, length, to, status("status"), status("without"), tuple(becomes), label, misses)


def _read_misses(reader: Reader, value: object, at: str) -> Misses:
    found = reader.fields(value, at, grammar.MISSES_KEYS, ("in_a_row",))
    in_a_row = reader.whole(found.get("in_a_row", 1), at + ".in_a_row", 1)
    return Misses(in_a_row, reader.number(found.get("share", 1), at + ".share", "number", share))


def _changing(reader: Reader) -> tuple[str, ...]:
    """Return the attributes that an end may change."""
    return tuple(sorted(name for name in reader.attributes if name != "cohort"))
