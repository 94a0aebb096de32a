"""Run a plan: newcomers, stays and history as call-backs on SimPy events, one log, no other output."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection
from heapq import heappush
from io import BytesIO
from typing import Any

import numpy as np
import simpy

from crksim.simulation.behaviour import HOME, ORIGIN
from crksim.simulation.citizens import CLOSED, HELD, HISTORY, STAYING, WAITING, Citizen, Origin, Stay, Wake
from crksim.simulation.closing import close_down
from crksim.simulation.luck import Luck
from crksim.simulation.newcomers import Newcomers
from crksim.simulation.opening import opening
from crksim.simulation.packing import CODE, FORESEEN_TYPE, TO
from crksim.simulation.plan import Plan
from crksim.simulation.referring import Rules
from crksim.simulation.rows import log_of, write_open
from crksim.simulation.services import LiveService
from crksim.simulation.state import State, restore, take
from crksim.simulation.staylog import DIED, StayLog

__all__ = ["Run", "simulate", "stop_at"]


def simulate(
    plan: Plan,
    luck: Luck,
    *,
    until: float | None = None,
    state: State | None = None,
    cohorts: Collection[str] | None = None,
) -> StayLog:
    """Run one replication and return its log.

    Parameters
    ----------
    plan : Plan
        Structure and numbers.
    luck : Luck
        The luck of the replication.
    until : float, optional
        Day to stop at, days since start; the study's end unless given.
    state : State, optional
        Go on from here instead of the study's start; the log then begins with the rows open on that day.
    cohorts : collection of str, optional
        Leave out all but these cohorts, both newcomers and those present at the start; see `sharing`.

    Returns
    -------
    StayLog
        A row for every request before `until`.
    """
    return _simulate(plan, luck, until, state, cohorts=cohorts)[0]


def stop_at(plan: Plan, luck: Luck, until: float, *, state: State | None = None) -> tuple[StayLog, State]:
    """Run one replication up to a day; return the log so far and the state from which it goes on.

    Parameters
    ----------
    plan, luck, state
        As in `simulate`.
    until : float
        Day to stop at, days since start.
    """
    log, reached = _simulate(plan, luck, until, state, keep=True)
    assert reached is not None
    return log, reached


def _simulate(
    plan: Plan,
    luck: Luck,
    until: float | None,
    state: State | None,
    *,
    keep: bool = False,
    cohorts: Collection[str] | None = None,
) -> tuple[StayLog, State | None]:
    collecting = gc.isenabled()
    gc.disable()  # a run makes few circles of garbage; looking for them costs up to half the time
    try:
        run = Run(plan, luck, plan.structure.study.end if until is None else until, 0.0 if state is None else state.day)
        run.leave_out(cohorts)
        run.start(state)
        run.env.run(until=run.until)
        reached = take(run) if keep else None
        return run.finish(), reached
    finally:
        if collecting:
            gc.enable()


class Run:
    """One replication in the making.

    Parameters
    ----------
    plan : Plan
        Structure and numbers.
    luck : Luck
        The luck of the replication.
    until : float
        Day to stop at.
    since : float
        Day to start from.
    """

    def __init__(self, plan: Plan, luck: Luck, until: float, since: float) -> None:
        self.plan, self.luck, self.until, self.since = plan, luck, until, since
        self.structure = structure = plan.structure
        self.env = simpy.Environment(since)
        #: SimPy's own calendar.  What happens is put there as `Environment.schedule` does it, but by its day, which
        #: spares a call and a sum for every stay, and with the row where SimPy has the number of the entry: the order
        #: of what falls together does not hang on what was put there first.
        self.calendar: list[Any] = self.env._queue
        #: Rows in full, and those of ordinary stays as foreseen; see `packing`.
        self.rows, self.foreseen = BytesIO(), BytesIO()
        self.left_out: set[int] = set()
        self.rules = Rules(self)
        #: Stays that are over and serve again.
        self.spare: list[Stay] = []
        self.services: list[LiveService] = []
        self.services += [LiveService(self, index) for index in range(len(structure.services))]
        #: Kind -> its home.
        self._homes: dict[int, int] = {}
        self.mortal = any(plan.mortal(service) for service in structure.services)

    def leave_out(self, cohorts: Collection[str] | None) -> None:
        """Leave out every cohort but those named."""
        if cohorts is not None:
            self.left_out = {index for index, it in enumerate(self.structure.cohorts) if it.id not in cohorts}

    # -- what the living parts ask for -------------------------------------------------------------------------

    def at(self, time: float, priority: int, event: Wake | Stay, order: float = 0.0) -> None:
        """Put an event on the calendar; of two of one time and priority the smaller order comes first."""
        heappush(self.calendar, (time, priority, order, event))

    def resolved(self, to: int, citizen: Citizen, origin: Origin | None) -> int:
        """Return the destination behind a word that depends on the citizen; without an origin it is the home."""
        if to > HOME:
            return to
        if to == ORIGIN and origin is not None:
            return int(origin[0])
        home = self._homes.get(citizen.kind)
        if home is None:
            home = self._homes[citizen.kind] = int(self.structure.homes(np.array([citizen.kind]))[0])
        return home

    def go(
        self, citizen: Citizen, to: int, now: float, from_row: int, strand: int, origin: Origin | None, flags: int = 0
    ) -> None:
        """Send a citizen to a destination that is known."""
        if to >= 0:
            self.services[to].ask(citizen, now, from_row, strand, -1, origin, None, None, flags)
        elif to == DIED:
            self.die(citizen, now, None)
        else:
            citizen.leave(strand)

    def death(self, wake: Wake) -> None:
        """Let a citizen die while waiting or held."""
        stay = wake.stay
        if stay is not None and stay.state not in (STAYING, CLOSED) and stay.risk is not None:
            self.die(stay.citizen, wake.at, None)

    def die(self, citizen: Citizen, now: float, ending: Stay | None) -> None:
        """Close every open row of a citizen; the stay whose end led to it, if one did, keeps that end."""
        rows = [citizen.main] if citizen.main is not None else []
        rows += [citizen.beside[strand] for strand in sorted(citizen.beside)] if citizen.beside else []
        died = CODE["died"] + (DIED + 1) * TO
        for stay in rows:
            if stay.state == CLOSED:
                continue
            for request in stay.requests or ():
                if request.state == WAITING:
                    request.service.line.depart(request, now)
                    request.service.close(request, now, died)
            stay.requests = None
            if stay.state == WAITING:
                stay.service.line.depart(stay, now)
                stay.service.close(stay, now, died)
                continue
            code = stay.outcome.code if stay is ending else died
            stay.service.close(stay, now, code)
            stay.service.gone(stay, now)
        citizen.main, citizen.beside = None, None

    # -- history -----------------------------------------------------------------------------------------------

    def start(self, state: State | None) -> None:
        """Lay out history, let in those present, and wait for the first newcomer."""
        changes: list[tuple[float, int, int, Callable[[Wake], None]]] = []
        for service in self.services:
            changes += [(day, order, service.tie, call) for day, order, call in self._history(service)]
        changes += [(day, 3, 0, lambda wake: self.rules.new_epoch()) for day in sorted(self.rules.dates)]
        for number, (day, order, tie, call) in enumerate(sorted(changes, key=lambda change: change[:3])):
            # What happens on the day of the start itself is history too when there is no state to go on from.
            if day < self.since or (state is None and day <= 0.0):
                call(Wake(call, day))
            elif day < self.until:
                self.at(day, HISTORY + (order << 32) + tie, Wake(call, day), number)
        newcomers = Newcomers(self)
        # Room for two stays each, there from the start: room made bit by bit means moving all that is written by then.
        self.foreseen.seek(2 * newcomers.count * FORESEEN_TYPE.itemsize)
        self.foreseen.write(b"\0")
        self.foreseen.seek(0)
        if state is None:
            opening(self, newcomers.chunk)
        else:
            restore(self, state)
        newcomers.go_on()

    def _history(self, service: LiveService) -> list[tuple[float, int, Callable[[Wake], None]]]:
        """Return the dated changes of one service: (day, order, call-back)."""
        spec = service.spec
        changes: list[tuple[float, int, Callable[[Wake], None]]] = []
        for number, apply in ((spec.places.hard, self._set_places), (spec.room, self._set_room)):
            for day, _ in number.steps if number is not None else ():
                changes.append((max(day, 0.0), 1, lambda wake, s=service, a=apply: a(s, wake.at)))  # type: ignore[misc]
        for day in self.structure.dates.get(service.index, ()):
            changes.append((day, 2, lambda wake, s=service: s.next_epoch()))  # type: ignore[misc]
        if spec.opens > 0.0:
            changes.append((spec.opens, 0, lambda wake, s=service: _open(s)))  # type: ignore[misc]
        if spec.closes is not None:
            changes.append((spec.closes.on, 4, lambda wake, s=service: close_down(s, wake.at)))  # type: ignore[misc]
        return changes

    def _set_places(self, service: LiveService, now: float) -> None:
        hard = service.spec.places.hard
        assert hard is not None
        places = float(round(self.plan.number(hard, now)))
        service.free += places - service.places
        service.places = places
        service.line.offer(now)

    def _set_room(self, service: LiveService, now: float) -> None:
        room = service.spec.room
        assert room is not None
        service.line.room = float(round(self.plan.number(room, now)))

    # -- the end of the run ------------------------------------------------------------------------------------

    def finish(self) -> StayLog:
        """Write the rows still open and return the log."""
        for stay in self.still_open():
            if stay.special or stay.state != STAYING or not stay.outcome.foreseen:
                write_open(stay, self.rows)
            stay.citizen.main, stay.waits = None, ()
        self.foreseen.truncate()  # the room that was not needed
        log = log_of(self.foreseen, self.rows, self.structure, self.since, self.until)
        # What is left holds on to itself in circles, and the collector may be a long time coming.
        self.rows.close()
        self.foreseen.close()
        self.services.clear()
        self.spare.clear()
        self.calendar.clear()
        return log

    def still_open(self) -> list[Stay]:
        """Return the stays in progress and the requests waiting."""
        scheduled = [entry[3] for entry in self.calendar]  # every stay in progress is there as its own event
        found = [event for event in scheduled if type(event) is Stay and event.state == STAYING]
        for service in self.services:
            for stay in service.line.line():
                found.append(stay)
                if stay.holder is not None and stay.holder.state == HELD:
                    found.append(stay.holder)
        return found


def _open(service: LiveService) -> None:
    service.open = True
    service.guarded = service.spec.eligible is not None or service.spec.closes is not None
