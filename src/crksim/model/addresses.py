"""Input addresses: what stands where in a study, and which of it may change on a date.

A ``cases.<id>`` in an address is passed over: a case of a value is of the same kind as the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from crksim.errors import nearest

__all__ = ["DATABLE", "datable_fields", "field_of", "kind_of", "known_keys", "parted", "suggest"]

_LAW_FIELDS = ["mean", "sd", "median", "low", "mode", "high", "value", "shape", "stages", "values.*", "weights.*"]


def _laws(at: str) -> dict[str, str]:
    found = {at: "law", f"{at}.law": "fixed", f"{at}.values": "container", f"{at}.weights": "container"}
    found |= {f"{at}.parts": "fixed", f"{at}.parts.*": "fixed", f"{at}.parts.*.weight": "branch_of_parts"}
    found |= {f"{at}.parts.*.{name}": "number" for name in _LAW_FIELDS}
    return found | {f"{at}.{name}": "number" for name in _LAW_FIELDS}


def _shares(at: str) -> dict[str, str]:
    return {at: "shares", f"{at}.*": "branch"}


_SERVICE: Final[dict[str, str]] = {
    **dict.fromkeys(("label", "site", "group", "luck_key", "eligible", "blocking", "treatment"), "fixed"),
    **dict.fromkeys(("between_courses", "queue.order", "staff.*.per", "staff.*.staff"), "fixed"),
    **dict.fromkeys(("opens", "closes", "closes.on", "closes.present", "closes.present.*"), "history"),
    **dict.fromkeys(("closes.present.*.share", "closes.present.*.to"), "history"),
    **dict.fromkeys(("closes.waiting", "closes.afterwards", "closes.waiting.*", "closes.afterwards.*"), "history"),
    **dict.fromkeys(("places", "queue", "ends", "staff", "distances"), "container"),
    **dict.fromkeys(("places.hard", "queue.room", "priority", "death", "distances.*"), "number"),
    **dict.fromkeys(("places.norm", "places.workable", "wait_goal"), "number"),
    **dict.fromkeys(("staff.*.contacts", "staff.*.minutes", "ends.*.hazard"), "number"),
    **{"ends.*.misses": "container", "ends.*.misses.in_a_row": "fixed", "ends.*.misses.share": "number"},
    **dict.fromkeys(("ends.*", "staff.*"), "thing"),
    **dict.fromkeys(("clinic", "clinic.late", "clinic.call_in"), "container"),
    **dict.fromkeys(("clinic.every", "clinic.talk", "clinic.doctor", "clinic.nurse", "clinic.by_doctor"), "number"),
    **dict.fromkeys(("clinic.no_show", "clinic.rebooked", "clinic.rebooked_after", "clinic.drop_in"), "number"),
    **dict.fromkeys(("clinic.overdue_after", "clinic.late.afternoons", "clinic.late.hours"), "number"),
    **dict.fromkeys(("clinic.late.otherwise", "clinic.call_in.every", "clinic.call_in.hours"), "number"),
    **dict.fromkeys(("clinic.call_in.group", "clinic.call_in.held", "clinic.call_in.missed"), "number"),
    **dict.fromkeys(("clinic.late.when", "clinic.call_in.days"), "fixed"),
    **dict.fromkeys(("posts", "posts.*"), "container"),
    **dict.fromkeys(("posts.*.number", "posts.*.filled"), "number"),
    "ends.*.label": "fixed",
    "ends.*.share": "branch_of_ends",
    "ends.*.becomes": "container",
    **_laws("patience"),
    **_laws("length"),
    **_laws("ends.*.length"),
    **_shares("before"),
    **_shares("gives_up"),
    **_shares("refused"),
    **_shares("ineligible"),
    **_shares("ends.*.to"),
    **_shares("ends.*.status"),
    **_shares("ends.*.without"),
    **_shares("ends.*.becomes.*"),
}
_COHORT: Final[dict[str, str]] = {
    **dict.fromkeys(("label", "luck_key", "present", "present.*", "present.*.at", "present.*.count"), "fixed"),
    **dict.fromkeys(("present.*.attributes", "present.*.attributes.*"), "fixed"),
    **dict.fromkeys(("present.*.lengths", "arrivals.times", "arrivals.times.*", "arrivals.every"), "fixed"),
    **dict.fromkeys(("arrivals.first", "arrivals.pattern.period", "arrivals.pattern.steps.*.at"), "fixed"),
    **dict.fromkeys(("attributes", "arrivals", "arrivals.months", "arrivals.pattern"), "container"),
    **dict.fromkeys(("arrivals.pattern.steps", "arrivals.pattern.steps.*", "arrivals.wave"), "container"),
    **dict.fromkeys(("arrivals.rate", "arrivals.months.*", "arrivals.pattern.steps.*.factor"), "number"),
    **dict.fromkeys(("arrivals.wave.amplitude", "arrivals.wave.period", "arrivals.wave.phase"), "number"),
    "legal_limit": "number",
    **_shares("enters"),
    **_shares("attributes.*"),
}
_REFERRAL: Final[dict[str, str]] = {
    **dict.fromkeys(("label", "luck_key", "when", "to", "to.nearest", "full", "stay", "returns", "at_most"), "fixed"),
    **dict.fromkeys(("at.start_of", "at.end_of", "at.during"), "fixed"),
    **dict.fromkeys(("from", "until"), "history"),
    **dict.fromkeys(("take_up", "take_up.own_site", "take_up.other_site", "attend", "at.rate"), "number"),
    "at": "container",
}

#: Address pattern -> kind of what stands there.
_KINDS: Final[dict[tuple[str, ...], str]] = {
    ("title",): "fixed",
    ("time",): "fixed",
    ("time", "*"): "fixed",
    ("attributes", "*"): "fixed",
    ("parameters", "*"): "thing",
    ("parameters", "*", "value"): "parameter",
    ("parameters", "*", "label"): "fixed",
    ("groups", "*"): "thing",
    ("groups", "*", "label"): "fixed",
    ("groups", "*", "members"): "fixed",
    ("services", "*"): "thing",
    ("cohorts", "*"): "thing",
    ("referrals", "*"): "thing",
    **{("services", "*", *field.split(".")): kind for field, kind in _SERVICE.items()},
    **{("cohorts", "*", *field.split(".")): kind for field, kind in _COHORT.items()},
    **{("referrals", "*", *field.split(".")): kind for field, kind in _REFERRAL.items()},
}
#: Kinds that may change on a date.
DATABLE: Final[frozenset[str]] = frozenset({"branch", "branch_of_ends", "law", "number", "parameter", "shares"})

_KEY = r"(?:[a-z0-9_*]+|\{[a-z0-9_,]+\})"
_LAST = re.compile(rf"(.*) \(((?:{_KEY}\.)+{_KEY}(?: (?:og|and) \d+ (?:til|more))?)\)", re.DOTALL)


def parted(line: str) -> tuple[str, str]:
    """Return what a line about a change says, and the address or addresses that stand last in it in brackets.

    Parameters
    ----------
    line : str
        As `crksim.model.describing.describe` writes them; without an address the second text is empty.
    """
    found = _LAST.fullmatch(line)
    return (found[1], found[2]) if found else (line, "")


def field_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of an address without its cases."""
    found: list[str] = []
    index = 0
    while index < len(parts):
        if parts[index] == "cases" and index + 1 < len(parts):
            index += 2
            if parts[index : index + 1] == ["ends"] and found[-1:] == ["ends"]:
                index += 1
            if list(parts[index:]) == ["value"]:
                index += 1
            continue
        found.append(parts[index])
        index += 1
    return tuple(found)


def kind_of(parts: Sequence[str]) -> str | None:
    """Return what stands at an address, or None where nothing can stand.

    Returns
    -------
    str or None
        ``number``, ``law``, ``shares``, ``branch`` (of a share map), ``branch_of_ends``, ``branch_of_parts``,
        ``parameter``, ``thing``, ``container``, ``history`` (dates of opening, closing and rules), ``fixed``.
    """
    pattern = _pattern(field_of(list(parts)))
    return None if pattern is None else _KINDS[pattern]


def _pattern(field: tuple[str, ...]) -> tuple[str, ...] | None:
    for pattern in _KINDS:
        if len(pattern) == len(field) and all(a in ("*", b) for a, b in zip(pattern, field, strict=True)):
            return pattern
    return None


def known_keys(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the keys that the grammar knows below an address."""
    field = field_of(list(parts))
    found = {
        pattern[len(field)]
        for pattern in _KINDS
        if len(pattern) > len(field) and all(a in ("*", b) for a, b in zip(pattern[: len(field)], field, strict=True))
    }
    return tuple(sorted(found - {"*"}))


def datable_fields(collection: str) -> tuple[str, ...]:
    """Return the fields of a service, cohort or rule that may change on a date."""
    return tuple(
        ".".join(pattern[2:])
        for pattern, kind in _KINDS.items()
        if pattern[0] == collection and len(pattern) > 2 and kind in DATABLE and pattern[-1] not in ("*", *_LAW_FIELDS)
    )


def suggest(study: Mapping[str, Any], address: str) -> str | None:
    """Return the address nearest to one that does not exist.

    Parameters
    ----------
    study : mapping
        The study as a plain dict.
    address : str
        Dotted address.
    """
    parts = address.split(".")
    node: Any = study
    found: list[str] = []
    for part in parts:
        keys = set(known_keys(found)) | (set(node) if isinstance(node, Mapping) else set())
        if part not in keys:
            close = nearest(part, sorted(keys))
            if close is None:
                return None
            part = close
        found.append(part)
        node = node.get(part) if isinstance(node, Mapping) else None
    return ".".join(found) if kind_of(found) is not None and ".".join(found) != address else None
