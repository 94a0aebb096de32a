"""Services: units and offers with their places, queue, staff, ends and closing, and how they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crksim.model import grammar
from crksim.model.clinics import Clinic, read_clinic
from crksim.model.ends import ELSEWHERE, LEAVE, End, read_destinations, read_ends
from crksim.model.lengths import read_length
from crksim.model.network import Case, CasedNumber, Condition, Dated, Label, Length, Number, Quantity, Shares
from crksim.model.ranges import at_least_zero, count, share
from crksim.model.reading import ALL, Reader

__all__ = ["CASED_ZERO", "Closing", "Places", "Posts", "Service", "Staffing", "read_cased_number", "read_service"]

CASED_ZERO: CasedNumber = (Case(ALL, None, Dated.always(Quantity(0.0))),)


@dataclass(frozen=True)
class Places:
    """Room of a service; all None means that no limit is known.

    Parameters
    ----------
    hard : Number or None
        Places at a time: no admission while present >= places.
    norm : Number or None
        Soft norm (citizens): admits beyond it, overload is measured.
    workable : Number or None
        Smallest workable number present.
    """

    hard: Number | None = None
    norm: Number | None = None
    workable: Number | None = None


@dataclass(frozen=True)
class Closing:
    """A service closes on a day.

    Parameters
    ----------
    on : float
        Day of closing.
    present : tuple of (str, Number or None, str)
        Where those present go: branch id, share (None = rest), destination.
    waiting : Shares
        Where those waiting go.
    afterwards : Shares
        Where later requests go.
    """

    on: float
    present: tuple[tuple[str, Number | None, str], ...]
    waiting: Shares
    afterwards: Shares


@dataclass(frozen=True)
class Staffing:
    """Staff time of one kind of contact.

    Parameters
    ----------
    per : str
        ``citizen`` (every present citizen) or ``session`` (held for the whole service while it is open).
    contacts : Number
        Contacts per day (per citizen present, or sessions held).
    hours : Number
        Staff hours per contact, all staff taken together.
    staff : str
        Kind of staff, such as ``therapist``, ``nurse``, ``doctor``.
    """

    id: str
    per: str
    contacts: Number
    hours: Number
    staff: str


@dataclass(frozen=True)
class Posts:
    """Full-time posts of one kind of staff.

    Parameters
    ----------
    staff : str
        Kind of staff, such as ``therapist``, or ``all``.
    number : Number
        Posts that there are.
    filled : Number
        Share of them that is filled.
    """

    staff: str
    number: Number
    filled: Number


@dataclass(frozen=True)
class Service:
    """A unit or offer with a length of stay and, perhaps, a limit on places.

    Parameters
    ----------
    group : str or None
        Group whose members a referral may choose between with ``nearest``.
    luck_key : str
        Family whose luck the service draws; copies made with ``like`` share it.
    opens : float
        Day of opening (``-inf``: from the start).
    before : Shares or None
        Where requests go that come before opening.
    order : str
        ``fifo`` or ``priority``.
    room : Number or None
        Largest number that may wait; None is no limit, 0 no waiting at all.
    patience : Length or None
        How long a citizen waits before giving up.
    gives_up, refused, ineligible : Shares
        Where those go who give up, find no place or waiting room, or are not eligible.
    eligible : Condition or None
        Who may be admitted.
    priority : CasedNumber
        Level in a priority queue, small first.
    blocking : bool
        Whether a place is held until the next service admits.
    treatment : bool
        Whether a stay here is treatment (stops the legal clock).
    between_courses : bool
        Whether a stay here separates one course of treatment from the next (away).
    death : CasedNumber
        Death rate per day while staying, and while waiting for it outside any stay.
    wait_goal : Number or None
        The service's own goal for internal waits, in days.
    distances : tuple of (str, Number)
        Distance to other sites, for ``nearest``.
    posts : tuple of Posts
        Full-time posts, where their number is known or assumed.
    clinic : Clinic or None
        Its calendar of appointments, on which no stay depends.
    """

    id: str
    label: Label
    site: str
    group: str | None
    luck_key: str
    opens: float
    before: Shares | None
    closes: Closing | None
    places: Places
    order: str
    room: Number | None
    patience: Length | None
    gives_up: Shares
    refused: Shares
    ineligible: Shares
    eligible: Condition | None
    priority: CasedNumber
    blocking: bool
    treatment: bool
    between_courses: bool
    length: Length | None
    ends: tuple[Case[tuple[End, ...]], ...]
    death: CasedNumber
    staff: tuple[Staffing, ...]
    wait_goal: Number | None
    distances: tuple[tuple[str, Number], ...] = ()
    groups: tuple[str, ...] = ()
    posts: tuple[Posts, ...] = ()
    clinic: Clinic | None = None


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
    ends = read_ends(reader, found.get("ends"), at, length is not None)
    clinic = read_clinic(reader, found["clinic"], at + ".clinic") if "clinic" in found else None
    if clinic is None and any(end.misses is not None for case in ends for end in case.value):
        reader.refuse(at + ".clinic", None, "is missing: an end with 'misses' needs the talks that are missed")

    def truth(key: str, default: bool) -> bool:
        return reader.truth(found[key], f"{at}.{key}") if key in found else default

    def goes(key: str) -> Shares:
        return read_destinations(reader, found[key], f"{at}.{key}") if key in found else LEAVE

    return Service(
        id=name,
        label=reader.label(found.get("label"), at + ".label", name),
        site=_optional_id(reader, found, "site", at) or name,
        group=group,
        luck_key=reader.luck_keys.get(name, name),
        opens=opens,
        before=read_destinations(reader, found["before"], at + ".before") if "before" in found else None,
        closes=_read_closing(reader, found["closes"], at + ".closes", opens) if "closes" in found else None,
        places=_read_places(reader, found.get("places", {}), at + ".places"),
        order=reader.word(queue.get("order", "fifo"), at + ".queue.order", grammar.ORDERS),
        room=reader.number(queue["room"], at + ".queue.room", "number", count) if "room" in queue else None,
        patience=_length(reader, found, "patience", at),
        gives_up=goes("gives_up"),
        refused=goes("refused"),
        ineligible=goes("ineligible"),
        eligible=reader.condition(found["eligible"], at + ".eligible") if "eligible" in found else None,
        priority=_cased(reader, found, "priority", at, "number", 1.0),
        blocking=truth("blocking", False),
        treatment=truth("treatment", True),
        between_courses=truth("between_courses", False),
        length=length,
        ends=ends,
        death=_cased(reader, found, "death", at, "rate", 0.0),
        staff=_read_staff(reader, found.get("staff"), at + ".staff"),
        wait_goal=_duration(reader, found, "wait_goal", at),
        distances=_read_distances(reader, found.get("distances"), at + ".distances"),
        groups=tuple(sorted(group for group, members in reader.groups.items() if name in members)),
        clinic=clinic,
        posts=_read_posts(reader, found.get("posts"), at + ".posts"),
    )


def _optional_id(reader: Reader, found: Mapping[str, Any], key: str, at: str) -> str | None:
    if key not in found:
        return None
    return found[key] if reader.is_id(found[key], f"{at}.{key}") else None


def _cased(reader: Reader, found: Mapping[str, Any], key: str, at: str, dimension: str, default: float) -> CasedNumber:
    if key not in found:
        return (Case(ALL, None, Dated.always(Quantity(default))),)
    return read_cased_number(reader, found[key], f"{at}.{key}", dimension)


def _duration(reader: Reader, found: Mapping[str, Any], key: str, at: str) -> Number | None:
    return reader.number(found[key], f"{at}.{key}", "duration", at_least_zero) if key in found else None


def _length(reader: Reader, found: Mapping[str, Any], key: str, at: str) -> Length | None:
    return read_length(reader, found[key], f"{at}.{key}") if key in found else None


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
    afterwards = read_destinations(reader, found["afterwards"], at + ".afterwards") if "afterwards" in found else LEAVE
    waiting = afterwards
    if found.get("waiting", "same") != "same":
        waiting = read_destinations(reader, found["waiting"], at + ".waiting")
    present = _read_present(reader, found.get("present"), at + ".present") if "present" in found else ()
    return Closing(on, present, waiting, afterwards)


def _read_present(reader: Reader, value: object, at: str) -> tuple[tuple[str, Number | None, str], ...]:
    known = (*sorted(reader.luck_keys), "died", *ELSEWHERE)
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
