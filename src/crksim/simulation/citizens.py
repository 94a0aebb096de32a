"""Citizens, their stays, and the other events of a run.

A `Stay` is its own SimPy event: one event a stay, and none for a request that is met at once.  Priorities in SimPy's
queue carry the order of ties: class of event first, then cohort and citizen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crksim.simulation.behaviour import Outcome, Steps

if TYPE_CHECKING:
    from crksim.simulation.services import LiveService

__all__ = [
    "ARRIVAL",
    "CLOSED",
    "END",
    "HAND_OUT",
    "HELD",
    "HISTORY",
    "PATIENCE",
    "STAYING",
    "WAITING",
    "Chunk",
    "Citizen",
    "Origin",
    "Stay",
    "Wake",
]

#: Order of ties, as SimPy priorities; a citizen's tie number (below 2^47) is added.
HISTORY, END, HAND_OUT, PATIENCE, ARRIVAL = (order << 48 for order in range(5))

#: States of a row: waiting for a place, staying, holding a place until the next service admits, closed.
WAITING, STAYING, HELD, CLOSED = range(4)

#: Whence a citizen was referred: service, and what was left of the stay there (days, outcome, visit) if it is resumed.
Origin = tuple[int, float | None, Outcome | None, int]


class Chunk:
    """Citizens whose luck is drawn together: what admission draws is worked out for all of them at once."""

    __slots__ = ("bases", "blocks")

    def __init__(self, bases: NDArray[np.uint64]) -> None:
        self.bases = bases
        self.blocks: dict[Any, Any] = {}


class Citizen:
    """One imagined citizen.

    Parameters
    ----------
    ident : int
        Cohort and number, packed as in `rows`.
    tie : int
        Place in the order of ties.
    kind : int
        Kind in the structure.
    chunk, place : Chunk, int
        Where the citizen's luck is.
    """

    __slots__ = (
        "beside",
        "budget",
        "chunk",
        "considered",
        "ending",
        "ident",
        "kind",
        "lifetime",
        "main",
        "place",
        "rows",
        "strands",
        "tie",
        "visits",
    )

    def __init__(self, ident: int, tie: int, kind: int, chunk: Chunk, place: int) -> None:
        self.ident, self.tie, self.kind, self.chunk, self.place = ident, tie, kind, chunk, place
        self.ending = END + tie
        self.rows = self.strands = 0
        self.visits: dict[int, int] = {}
        self.main: Stay | None = None
        self.beside: dict[int, Stay] | None = None
        self.considered: dict[int, int] | None = None
        self.lifetime: dict[int, int] | None = None
        self.budget = math.inf

    def base(self) -> int:
        """Return the citizen's 64-bit luck."""
        return int(self.chunk.bases[self.place])

    def open_beside(self) -> dict[int, Stay]:
        """Return the open rows beside the main strand, by strand."""
        if self.beside is None:
            self.beside = {}
        return self.beside

    def leave(self, strand: int) -> None:
        """Let go of the last row of a strand that has ended."""
        if not strand:
            self.main = None
        elif self.beside is not None:
            self.beside.pop(strand, None)


class Stay:
    """A request and the stay that may follow it; the event of its own end."""

    __slots__ = (
        "admitted",
        "callbacks",
        "citizen",
        "code",
        "due",
        "finish",
        "flags",
        "from_row",
        "gives_up_at",
        "holder",
        "kind",
        "nth",
        "origin",
        "outcome",
        "referred",
        "remaining",
        "requests",
        "risk",
        "row",
        "rule",
        "service",
        "since",
        "state",
        "strand",
        "wakes",
    )
    _ok = True  # what SimPy asks of an event

    callbacks: Any
    admitted: float
    citizen: Citizen
    code: int  # held: the packed end that is written when the place is let go
    due: float  # when the stay ends, death included
    finish: float  # when it would end without death
    flags: int
    from_row: int
    gives_up_at: float
    holder: Stay | None  # the stay that goes on, or the place that is held, while this request waits
    kind: int
    nth: int
    origin: Origin | None
    outcome: Outcome
    referred: float
    remaining: tuple[float, Outcome, int] | None  # what is left of a stay that is resumed
    requests: list[Stay] | None  # requests that wait while this stay goes on
    risk: Steps | None  # death rate that the citizen's budget is spent at
    row: int
    rule: int
    service: LiveService
    since: float  # from when the budget is spent here
    state: int
    strand: int
    wakes: list[tuple[float, int]] | None  # rules that will come up


class Wake:
    """An event other than the end of a stay: patience running out, death while waiting, a rule coming up."""

    __slots__ = ("at", "callbacks", "rule", "stay")
    _ok = True

    def __init__(self, callback: Callable[[Wake], None], at: float, stay: Any = None, rule: int = -1) -> None:
        self.callbacks: Any = (callback,)
        self.at, self.stay, self.rule = at, stay, rule
