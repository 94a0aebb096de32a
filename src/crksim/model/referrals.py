"""Referrals: rules that offer citizens in some services another one, and how they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crksim.errors import nearest
from crksim.model import grammar
from crksim.model.network import Case, CasedNumber, Condition, Dated, Label, Number, Quantity
from crksim.model.ranges import share
from crksim.model.reading import ALL, Reader, listed
from crksim.model.services import CASED_ZERO, read_cased_number

__all__ = ["Referral", "TakeUp", "read_referral"]

_ONE: CasedNumber = (Case(ALL, None, Dated.always(Quantity(1.0))),)


@dataclass(frozen=True)
class TakeUp:
    """Chance of accepting an offer, at the citizen's own site and elsewhere (same draw, so accepting is monotone)."""

    own_site: Number
    other_site: Number


@dataclass(frozen=True)
class Referral:
    """A rule that offers citizens in some services another one.

    Parameters
    ----------
    at : str
        ``start_of``, ``end_of`` or ``during``.
    services : tuple of str
        The services in which it is considered (groups already resolved).
    rate : CasedNumber
        With ``during``: rate per day of being considered.
    to : str
        Service id, or the group when `nearest`.
    full : str
        ``queue``, ``refuse`` or ``next`` (try the next of a nearest group, then queue at the first).
    stay : str
        What becomes of the present stay: ``ends``, ``goes_on`` (while waiting) or ``beside`` (a strand of its own).
    returns : str
        What an end ``to: origin`` of the target leads to: ``resume`` (the remaining length) or ``fresh``.
    at_most : int
        How often it may be considered in one course.
    first, last : float
        Days between which the rule is in force.
    """

    id: str
    label: Label
    luck_key: str
    at: str
    services: tuple[str, ...]
    rate: CasedNumber
    when: Condition | None
    to: str
    nearest: bool
    take_up: tuple[Case[TakeUp], ...]
    attend: CasedNumber
    full: str
    stay: str
    returns: str
    at_most: int
    first: float
    last: float


def read_referral(reader: Reader, name: str, data: object, nearby: frozenset[str]) -> Referral:
    """Read one rule.

    Parameters
    ----------
    reader : Reader
        Takes the faults; knows the ids of all services and groups, and the attributes.
    name : str
        Id of the rule.
    data : object
        What stands under it.
    nearby : frozenset of str
        Groups that services name as their own, so that ``nearest`` may choose between them.
    """
    at = f"referrals.{name}"
    found = reader.fields(data, at, grammar.REFERRAL_KEYS, ("at", "to", "stay"))
    luck_key = found.get("luck_key", name)
    reader.is_id(luck_key, at + ".luck_key")
    moment, services, rate = _read_at(reader, found["at"], at + ".at") if "at" in found else ("", (), CASED_ZERO)
    to, near = _read_to(reader, found["to"], at + ".to", nearby) if "to" in found else ("", False)
    full = reader.word(found.get("full", "queue"), at + ".full", grammar.FULL_WORDS)
    if full == "next" and to and not near:
        reader.refuse(at + ".full", full, "needs 'to: {nearest: ...}'")
    first = reader.date(found["from"], at + ".from") if "from" in found else -math.inf
    last = reader.date(found["until"], at + ".until") if "until" in found else math.inf
    if last <= first:
        reader.refuse(at + ".until", found["until"], "must lie after 'from'")
    attend = _ONE
    if "attend" in found:
        attend = read_cased_number(reader, found["attend"], at + ".attend", "number", share)
    return Referral(
        id=name,
        label=reader.label(found.get("label"), at + ".label", name),
        luck_key=str(luck_key),
        at=moment,
        services=services,
        rate=rate,
        when=reader.condition(found["when"], at + ".when") if "when" in found else None,
        to=to,
        nearest=near,
        take_up=_read_take_up(reader, found.get("take_up", 1), at + ".take_up"),
        attend=attend,
        full=full,
        stay=reader.word(found["stay"], at + ".stay", grammar.STAY_WORDS) if "stay" in found else "",
        returns=reader.word(found.get("returns", "resume"), at + ".returns", grammar.RETURNS_WORDS),
        at_most=reader.whole(found.get("at_most", 1), at + ".at_most", 1),
        first=first,
        last=last,
    )


def _read_at(reader: Reader, value: object, at: str) -> tuple[str, tuple[str, ...], CasedNumber]:
    found = reader.fields(value, at, (*grammar.AT_WORDS, "rate"))
    moments = [key for key in grammar.AT_WORDS if key in found]
    if len(moments) != 1:
        if isinstance(value, Mapping):
            reader.refuse(at, value, f"needs one of {listed(grammar.AT_WORDS)}")
        return "", (), CASED_ZERO
    moment = moments[0]
    if (moment == "during") != ("rate" in found):
        reader.refuse(at + ".rate", found.get("rate"), "goes with 'during', and only with it")
    names = found[moment] if isinstance(found[moment], list) else [found[moment]]
    services: set[str] = set()
    known = (*sorted(reader.luck_keys), *sorted(reader.groups))
    for index, name in enumerate(names):
        where = f"{at}.{moment}" + (f".{index}" if isinstance(found[moment], list) else "")
        if reader.word(name, where, known, "service or group"):
            services |= {name} if name in reader.luck_keys else set(reader.groups[name])
    if not names:
        reader.refuse(f"{at}.{moment}", names, "must name at least one service or group")
    rate = read_cased_number(reader, found["rate"], at + ".rate", "rate") if "rate" in found else CASED_ZERO
    return moment, tuple(sorted(services)), rate


def _read_to(reader: Reader, value: object, at: str, nearby: frozenset[str]) -> tuple[str, bool]:
    if isinstance(value, Mapping):
        found = reader.fields(value, at, ("nearest",), ("nearest",))
        if "nearest" not in found:
            return "", True
        group = found["nearest"]
        if isinstance(group, str) and group in nearby:
            return str(group), True
        rule = "is no service's 'group', so there is none to choose"
        reader.refuse(at + ".nearest", group, rule, nearest(str(group), nearby))
        return "", True
    return reader.word(value, at, sorted(reader.luck_keys), "service"), False


def _read_take_up(reader: Reader, value: object, at: str) -> tuple[Case[TakeUp], ...]:
    def read(held: Any, here: str) -> TakeUp:
        if isinstance(held, Mapping) and set(held) == {"value"}:
            held, here = held["value"], here + ".value"
        if isinstance(held, Mapping) and not _is_dated(held):
            found = reader.fields(held, here, grammar.TAKE_UP_KEYS, grammar.TAKE_UP_KEYS)
            if len(found) < 2:
                return TakeUp(*(Dated.always(Quantity(0.0)),) * 2)
            own = reader.number(found["own_site"], here + ".own_site", "number", share)
            return TakeUp(own, reader.number(found["other_site"], here + ".other_site", "number", share))
        both = reader.number(held, here, "number", share)
        return TakeUp(both, both)

    return reader.cases(value, at, read, plain=False)


def _is_dated(value: Mapping[str, Any]) -> bool:
    return not set(value) & set(grammar.TAKE_UP_KEYS) and any(
        isinstance(step, Mapping) and "from" in step for step in value.values()
    )
