"""What is different between two studies, address by address, and from when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crksim.model.steps import is_steps, values_of

__all__ = ["Difference", "differences"]

_NOTHING: Any = object()


@dataclass(frozen=True)
class Difference:
    """One value that is not the same.

    Parameters
    ----------
    address : str
        Input address.
    what : str
        ``changed``, ``added`` or ``dropped``.
    old, new : object
        Values as they are written; None where there is none.
    since : str
        ISO date from which the new value holds, or ``start``.
    """

    address: str
    what: str
    old: Any
    new: Any
    since: str


def differences(old: Mapping[str, Any], new: Mapping[str, Any], since: str) -> list[Difference]:
    """Return what differs between two studies as plain dicts, sorted by address and date.

    Parameters
    ----------
    old, new : mapping
        The studies.
    since : str
        ISO date, or ``start``, of what has no date of its own.
    """
    return sorted(_walk(old, new, "", since), key=lambda it: (it.address, it.since))


def _walk(old: Any, new: Any, address: str, since: str) -> Iterator[Difference]:
    if old == new and type(old) is type(new):
        return
    if is_steps(new) and old is not _NOTHING:
        yield from _stepped(old, new, address)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{address}.{key}" if address else str(key)
            yield from _walk(old.get(key, _NOTHING), new.get(key, _NOTHING), inner, since)
    elif isinstance(new, Mapping) and old is _NOTHING:
        for key, held in new.items():
            yield from _walk(_NOTHING, held, f"{address}.{key}", since)
    elif isinstance(old, Mapping) and new is _NOTHING:
        for key, held in old.items():
            yield from _walk(held, _NOTHING, f"{address}.{key}", since)
    elif old is _NOTHING:
        yield Difference(address, "added", None, new, since)
    elif new is _NOTHING:
        yield Difference(address, "dropped", old, None, since)
    else:
        yield Difference(address, "changed", old, new, since)


def _stepped(old: Any, new: Any, address: str) -> Iterator[Difference]:
    """Yield the steps that are not what was in force before, each with the old value on its date."""
    before = values_of(old)
    for date, _, value in values_of(new):
        held = next(known for day, _, known in reversed(before) if day <= date)
        if held != value:
            yield Difference(address, "changed", held, value, date or "start")
    for date, _, value in before:
        if all(day != date for day, _, _ in values_of(new)):
            held = next(known for day, _, known in reversed(values_of(new)) if day <= date)
            if held != value:
                yield Difference(address, "changed", value, held, date)
