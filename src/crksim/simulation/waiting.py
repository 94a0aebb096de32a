"""The queue of a service: who waits, who gives up, who is next."""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from crksim.model.laws import Law
from crksim.simulation.citizens import END, HAND_OUT, PATIENCE, STAYING, WAITING, Citizen, Stay, Wake, death_order
from crksim.simulation.luck import constant, on_grid, uniforms, view
from crksim.simulation.packing import CODE, TO
from crksim.simulation.passage import proceed

if TYPE_CHECKING:
    from crksim.simulation.services import LiveService

__all__ = ["WaitingLine"]

_PATIENCE = PATIENCE - END


class WaitingLine:
    """Requests that wait for a place, in the order in which they will be met.

    Parameters
    ----------
    service : LiveService
        The service waited for.
    """

    __slots__ = (
        "_calendar",
        "_calls",
        "_giving_up",
        "_heap",
        "_joined",
        "_laws",
        "_levels",
        "_queue",
        "_spare",
        "_wake",
        "count",
        "handing",
        "in_order",
        "patient",
        "room",
        "run",
        "service",
        "spec",
    )  # fmt: skip

    def __init__(self, service: LiveService) -> None:
        self.service = service
        self.run = service.run
        self.spec = service.spec
        self.in_order = service.spec.order != "priority"
        self.count = 0
        self.room = math.inf
        self.handing = False
        self._wake = Wake(self.hand_out, 0.0)
        self._calls = self._wake.callbacks
        self._queue: deque[Stay] = deque()
        self._heap: list[tuple[float, int, Stay]] = []
        self._joined = 0
        self._levels: dict[int, float] = {}
        #: Kind -> key of what is drawn for a first visit, and the law of its patience.
        self._laws: dict[int, tuple[int, Law]] = {}
        self._calendar = self.run.calendar
        self.patient = service.spec.patience is not None
        self._giving_up = (self.give_up,)
        #: Events that have told that a patience ran out, and serve again.
        self._spare: list[Wake] = []

    def forget(self) -> None:
        """Forget the numbers of before a date on which some of them change."""
        self._levels.clear()
        self._laws.clear()

    def join(self, stay: Stay, now: float) -> None:
        """Put a request in the queue, or turn it away where the waiting room is full."""
        if self.count >= self.room:
            self.service.refuse(stay, now)
            return
        citizen = stay.citizen
        citizen.rows += 1
        stay.state, stay.kind, stay.admitted = WAITING, citizen.kind, math.nan
        if self.in_order:
            self.count += 1
            self._queue.append(stay)
        else:
            self.enter(stay, now)
        if stay.strand or stay.holder is not None:
            _hang(stay)
        else:
            citizen.main = stay
            if self.run.mortal:
                self._expose(stay, now)
        if self.patient:
            at = now + self._patience(citizen, now)
            if at < math.inf:
                if self._spare:
                    wake = self._spare.pop()
                    wake.at, wake.stay, wake.callbacks = at, stay, self._giving_up
                else:
                    wake = Wake(self.give_up, at, stay)
                stay.waits += (wake,)
                heappush(self._calendar, (at, citizen.ending + _PATIENCE, stay.row, wake))

    def enter(self, stay: Stay, now: float) -> None:
        """Take a place in the order of the queue."""
        self.count += 1
        if self.in_order:
            self._queue.append(stay)
        else:
            self._joined += 1
            heappush(self._heap, (self._level(stay.kind, now), self._joined, stay))

    def line(self) -> list[Stay]:
        """Return the requests that wait, in the order in which they will be met."""
        queued = self._queue if self.in_order else [entry[2] for entry in sorted(self._heap)]
        return [stay for stay in queued if stay.state == WAITING]

    def depart(self, stay: Stay, now: float) -> None:
        """Take a request out of the count, and let what might have ended its waiting know it no more.

        Its entry in the queue is skipped when it comes to the front.
        """
        self.count -= 1
        for wake in stay.waits:
            wake.stay = None
        stay.waits = ()
        if stay.risk is not None:
            stay.citizen.budget -= stay.risk.spent(stay.since, now)
            stay.risk = None

    def offer(self, now: float) -> None:
        """See to it that free places are handed out at this instant, after all that ends in it."""
        service = self.service
        if self.count and not self.handing and service.free > 0.0:
            self.handing = True
            wake = self._wake
            wake.at, wake.callbacks = now, self._calls
            heappush(self._calendar, (now, HAND_OUT + service.tie, 0, wake))

    def offer_last(self, now: float) -> None:
        """Do the same as the last deed of an event: at once, unless something else still falls at this instant."""
        if not self.handing and self.service.free > 0.0:
            if self._calendar[0][0] > now:
                self._hand_out(now)
            else:
                self.offer(now)

    def hand_out(self, wake: Wake) -> None:
        """Hand the free places to those first in the queue, as the call-back of an event."""
        self.handing = False
        self._hand_out(wake.at)

    def _hand_out(self, now: float) -> None:
        service = self.service
        while self.count and service.free > 0.0:
            stay = self._queue.popleft() if self.in_order else heappop(self._heap)[2]
            if stay.state != WAITING:
                continue
            if stay.waits or stay.risk is not None:
                self.depart(stay, now)
            else:
                self.count -= 1
            service.free -= 1.0
            if stay.holder is not None:
                self.run.rules.take_over(stay, now)
            stay.due = now
            proceed(stay)

    def give_up(self, wake: Wake) -> None:
        """Close a request whose patience has run out."""
        stay, now = wake.stay, wake.at
        wake.stay = None
        self._spare.append(wake)
        if stay is None or stay.state != WAITING:
            return
        service, holder = self.service, stay.holder
        self.depart(stay, now)
        if holder is not None and holder.state == STAYING:
            service.close(stay, now, CODE["gave_up"])
            if stay.rule >= 0:
                self.run.rules.again(holder, stay.rule, now)
            return
        to = service.drawn(self.spec.gives_up, stay.citizen, "gives_up", now, stay.origin)
        if holder is not None:
            holder.service.let_go(holder, now)
        service.close(stay, now, CODE["gave_up"] + (to + 1) * TO)
        self.run.go(stay.citizen, to, now, stay.row, stay.strand, stay.origin)

    def _level(self, kind: int, now: float) -> float:
        """Return the level of a kind of citizen in a priority queue; small comes first."""
        if not self.spec.priority:
            return 0.0
        level = self._levels.get(kind)
        if level is None:
            case = self.run.structure.choose(self.spec.priority, kind)
            level = self._levels[kind] = self.run.plan.number(self.spec.priority[case].value, now)
        return level

    def _expose(self, stay: Stay, now: float) -> None:
        """Let the citizen's death budget run while waiting outside any stay."""
        risk = self.service.behaviour(stay.citizen.kind).death
        if risk is not None:
            stay.risk, stay.since = risk, now
            at = now + risk.reach(now, stay.citizen.budget)
            if at < math.inf:
                wake = Wake(self.run.death, at, stay)
                stay.waits += (wake,)
                self.run.at(at, stay.citizen.ending, wake, death_order(stay))

    def _patience(self, citizen: Citizen, now: float) -> float:
        """Return how long a citizen waits before giving up, in days."""
        service, chunk, place = self.service, citizen.chunk, citizen.place
        try:
            key, law = self._laws[citizen.kind]
        except KeyError:
            assert self.spec.patience is not None
            case = self.run.structure.choose(self.spec.patience, citizen.kind)
            key = ((((service.index + 1 << 16) + service.epoch) << 16) + case) << 16  # rules have small numbers
            key, law = self._laws[citizen.kind] = key, self.run.plan.length(self.spec.patience, case, now)
        nth = chunk.visits[service.family][place]
        try:
            return chunk.blocks[key + nth][place]  # type: ignore[no-any-return]
        except KeyError:
            u = uniforms(chunk.bases, constant(self.spec.luck_key, nth, "patience"))
            block = chunk.blocks[key + nth] = view(on_grid(law.quantile(u)))
            return block[place]


def _hang(request: Stay) -> None:
    """Note a request that waits beside the main strand, or while a stay goes on, where it will be looked for."""
    holder = request.holder
    if holder is not None:
        if holder.requests is None:
            holder.requests, holder.special = [], True
        holder.requests.append(request)
    if request.strand:
        request.citizen.open_beside()[request.strand] = request
