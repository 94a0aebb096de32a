"""Citizens, their stays, and the other events of a run.

A `Stay` is its own SimPy event: one event a stay, and none for a request that is met at once.  Priorities in SimPy's
queue carry the order of ties: class of event first, then cohort and citizen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crksim.simulation.behaviour import Outcome, Steps

if TYPE_CHECKING:
    from crksim.simulation.chunks import Chunk
    from crksim.simulation.services import LiveService

__all__ = [
    "ARRIVAL",
    "ASKING",
    "CLOSED",
    "END",
    "HAND_OUT",
    "HELD",
    "HISTORY",
    "PATIENCE",
    "STAYING",
    "WAITING",
    "Citizen",
    "Origin",
    "Stay",
    "Wake",
    "death_order",
    "rule_order",
]

#: Order of ties, as SimPy priorities; a citizen's tie number (below 2^47) is added.
HISTORY, END, HAND_OUT, PATIENCE, ARRIVAL = (order << 48 for order in range(5))

#: What happens to one citizen at one instant comes in the order of rows; rules of a row share the room below the next.
_RULE, _LAST = 2.0**-12, 1 << 40

#: States of a row: staying, waiting for a place, holding a place until the next service admits, closed; and before any
#: of them asking for a place, at once or on the day on which a newcomer comes.
STAYING, WAITING, HELD, CLOSED, ASKING = range(5)

#: Whence a citizen was referred: service, and what was left of the stay there (days, outcome, visit) if it is resumed,
#: and the origin that it had itself.
Origin = tuple[int, float | None, Outcome | None, int, Any]


class Citizen:
    """One imagined citizen.

    Parameters
    ----------
    ident : float
        Cohort and number, packed as in `packing`.
    ending : int
        Place in the order of ties of the citizen's ends.
    kind : int
        Kind in the structure.
    chunk, place : Chunk, int
        Where the citizen's luck is.
    budget : float
        Cumulative hazard of death that the citizen can take; inf where nobody can die.
    """

    __slots__ = (
        "beside",
        "budget",
        "chunk",
        "considered",
        "course_over",
        "ending",
        "ident",
        "kind",
        "lifetime",
        "main",
        "place",
        "rows",
        "strands",
        "touched",
    )

    def __init__(
        self, ident: float, ending: int, kind: int, chunk: Chunk, place: int, budget: float = math.inf
    ) -> None:
        self.ident, self.ending, self.kind, self.chunk, self.place, self.budget = (
            ident, ending, kind, chunk, place, budget,
        )  # fmt: skip
        self.rows = self.strands = 0
        #: Rules may have left something here, to be taken away before the next newcomer; see `LiveService.begun`.
        self.touched = True
        self.course_over = False
        self.main: Stay | None = None
        self.beside: dict[int, Stay] | None = None
        self.considered: dict[int, int] | None = None
        self.lifetime: dict[int, int] | None = None

    @property
    def tie(self) -> int:
        """Place in the order of ties, without the class of event."""
        return self.ending - END

    def base(self) -> int:
        """Return the citizen's 64-bit luck."""
        return int(self.chunk.bases[self.place])

    def visits(self) -> tuple[tuple[int, int], ...]:
        """Return how often the citizen was admitted, by family."""
        counts = ((family, counts[self.place]) for family, counts in enumerate(self.chunk.visits))
        return tuple((family, count) for family, count in counts if count)

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


class _Ordinary:
    """What an ordinary stay is asked for, side by side in memory: slots stand in the order of their classes."""

    __slots__ = (
        "admitted",
        "callbacks",
        "citizen",
        "due",
        "from_row",
        "kind",
        "known",
        "nth",
        "outcome",
        "referred",
        "remaining",
        "risk",
        "row",
        "service",
        "special",
        "state",
        "strand",
    )


class Stay(_Ordinary):
    """A request and the stay that may follow it; the event of its own end.

    Parameters
    ----------
    citizen, service : Citizen, LiveService
        Who asks, and where.
    from_row : int
        As in the log.
    referred : float
        Day of asking.
    """

    __slots__ = (
        "code",
        "finish",
        "flags",
        "holder",
        "origin",
        "requests",
        "rule",
        "since",
        "waits",
        "wakes",
    )

    _ok = True  # what SimPy asks of an event

    callbacks: Any
    admitted: float
    code: float  # held: the packed end that is written when the place is let go
    due: float  # when the stay ends, death included; before it begins, when the place is asked for or handed out
    finish: float  # with a `risk`: when the stay would end without death
    kind: int
    nth: int
    outcome: Outcome
    since: float  # with a `risk`: from when the death budget is spent here

    def __init__(self, citizen: Citizen, service: LiveService, from_row: int, referred: float) -> None:
        self.citizen, self.service, self.from_row, self.referred = citizen, service, from_row, referred
        self.row = citizen.rows
        self.state, self.due = ASKING, referred
        #: True when anything below differs from what stands here: such a stay ends with care.
        self.special = False
        #: True when something else on the calendar than its own end knows it while it goes on: a rule.
        self.known = False
        self.flags = self.strand = 0
        self.since = self.finish = 0.0
        self.rule = -1
        self.holder: Stay | None = None  # the stay that goes on, or the place that is held, while this request waits
        self.origin: Origin | None = None
        self.remaining: tuple[float, Outcome, int] | None = None  # what is left of a stay that is resumed
        self.requests: list[Stay] | None = None  # requests that wait while this stay goes on
        self.risk: Steps | None = None  # death rate that the citizen's budget is spent at
        self.waits: tuple[Wake, ...] = ()  # what may end the waiting, until the place is there
        self.wakes: list[tuple[float, int]] | None = None  # rules that will come up

    def until(self) -> float:
        """Return when the stay ends if death does not come first."""
        return self.due if self.risk is None else self.finish


class Wake:
    """An event other than the end of a stay: patience running out, death while waiting, a rule coming up."""

    __slots__ = ("at", "callbacks", "rule", "stay")
    _ok = True

    def __init__(self, callback: Callable[[Wake], None], at: float, stay: Any = None, rule: int = -1) -> None:
        self.callbacks: Any = (callback,)
        self.at, self.stay, self.rule = at, stay, rule

    def __lt__(self, other: Wake) -> bool:
        return False  # a death foreseen twice: either will do


def rule_order(stay: Stay, rule: int) -> float:
    """Return where a rule comes among what happens to a citizen at one instant: by row, then by rule."""
    return stay.row + (rule + 1) * _RULE


def death_order(stay: Stay) -> float:
    """Return where a death outside a stay comes among what happens to a citizen at one instant: after all else."""
    return float(_LAST + stay.row)
