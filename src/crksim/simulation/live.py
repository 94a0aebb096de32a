"""The living parts of a run: citizens, their stays, and the services that admit them.

A `Stay` is its own SimPy event: one event a stay, and none for a request that is met at once.  Priorities in SimPy's
queue carry the order of ties: class of event first, then cohort and citizen.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crksim.model.laws import Law
from crksim.simulation.behaviour import HOME, ORIGIN, Outcome, Steps, pack
from crksim.simulation.luck import constant, on_grid, uniform, uniforms
from crksim.simulation.staylog import BLOCKED, DIED, LEAVE, MOVED, NOWHERE, REASONS, RESUMED

if TYPE_CHECKING:
    from crksim.simulation.engine import Run

__all__ = ["ARRIVAL", "END", "HAND_OUT", "HISTORY", "PATIENCE", "Chunk", "Citizen", "LiveService", "Stay", "Wake"]

#: Order of ties, as SimPy priorities; a citizen's tie number (below 2^47) is added.
HISTORY, END, HAND_OUT, PATIENCE, ARRIVAL = (order << 48 for order in range(5))

WAITING, STAYING, HELD, CLOSED = range(4)
CODE = {name: pack(index, NOWHERE) for index, name in enumerate(REASONS)}
_DIED = pack(REASONS.index("died"), DIED)
_TO = 256  # weight of the destination in a packed code


class Chunk:
    """Citizens whose luck is drawn together: what admission draws is worked out for all of them at once."""

    __slots__ = ("bases", "blocks")

    def __init__(self, bases: NDArray[np.uint64]) -> None:
        self.bases = bases
        self.blocks: dict[Any, Any] = {}


class Citizen:
    """One imagined citizen."""

    __slots__ = (
        "beside",
        "budget",
        "chunk",
        "considered",
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
        self.rows = 0
        self.strands = 0
        self.visits: dict[int, int] = {}
        self.main: Stay | None = None
        self.beside: dict[int, Stay] | None = None
        self.considered: dict[int, int] | None = None
        self.lifetime: dict[int, int] | None = None
        self.budget = math.inf

    def base(self) -> int:
        """Return the citizen's 64-bit luck."""
        return int(self.chunk.bases[self.place])


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
    _ok = True

    callbacks: Any
    admitted: float
    citizen: Citizen
    code: int
    due: float
    finish: float
    flags: int
    from_row: int
    gives_up_at: float
    holder: Stay | None
    kind: int
    nth: int
    origin: tuple[int, float | None, Outcome | None, int] | None
    outcome: Outcome
    referred: float
    remaining: tuple[float, Outcome, int] | None
    requests: list[Stay] | None
    risk: Steps | None
    row: int
    rule: int
    service: LiveService
    since: float
    state: int
    strand: int
    wakes: list[tuple[float, int]] | None


class Wake:
    """An event other than the end of a stay: patience running out, death while waiting, a rule coming up."""

    __slots__ = ("at", "callbacks", "rule", "stay")
    _ok = True

    def __init__(self, callback: Callable[[Wake], None], at: float, stay: Any = None, rule: int = -1) -> None:
        self.callbacks: Any = (callback,)
        self.at, self.stay, self.rule = at, stay, rule


class LiveService:
    """A service in a run: who is there, who waits, and what happens when they come and go.

    Parameters
    ----------
    run : Run
        The run it lives in.
    index : int
        Index of the service in the structure.
    """

    def __init__(self, run: Run, index: int) -> None:
        plan, it = run.plan, run.structure.services[index]
        self.run, self.index, self.spec, self.plan = run, index, it, plan
        self.schedule: Any = run.env.schedule
        self.push = run.rows.extend
        self.site = it.site
        self.code = index << 44
        self.family = run.family_index[it.luck_key]
        self.epoch = 0
        self.behaviours: dict[int, Any] = {}
        self.free = self.places = 0.0
        self.limited = it.places.hard is not None
        self.waiting = 0
        self.room: float = math.inf
        self.in_order = it.order != "priority"
        self.queue: deque[Stay] = deque()
        self.heap: list[tuple[float, int, Stay]] = []
        self.counter = 0
        self.open = it.opens <= 0.0
        self.closed = False
        self.guarded = it.eligible is not None or not self.open or it.closes is not None
        self.ineligible_kinds: dict[int, bool] = {}
        self.between_courses = it.between_courses
        self.blocking = it.blocking
        self.members: dict[Stay, None] | None = {} if it.closes is not None else None
        self.patience: dict[int, tuple[int, Law] | None] = {}
        self.handing = False
        self.tie = run.structure.service_rank[index]
        rules = run.rules
        self.start_rules = rules.standing("start_of", it.id)
        self.end_rules = rules.standing("end_of", it.id)
        self.during_rules = rules.standing("during", it.id)
        self.END = (self.end,)
        self.plain = not (self.start_rules or self.during_rules or self.between_courses or it.closes is not None)

    # -- coming ------------------------------------------------------------------------------------------------

    def request(
        self,
        citizen: Citizen,
        now: float,
        from_row: int,
        strand: int = 0,
        rule: int = -1,
        origin: Any = None,
        holder: Stay | None = None,
        remaining: Any = None,
        flags: int = 0,
    ) -> None:
        """Let a citizen ask for a place: admit, queue, send on or turn away."""
        if self.guarded:
            if not self.eligible(citizen.kind):
                self.turn_away(citizen, now, from_row, strand, rule, origin, holder, "ineligible", flags)
                return
            if not self.open:
                self.forward(citizen, now, from_row, strand, rule, origin, flags)
                return
        stay = Stay()
        stay.citizen, stay.service, stay.row, stay.from_row = citizen, self, citizen.rows, from_row
        citizen.rows += 1
        stay.strand, stay.rule, stay.referred, stay.origin = strand, rule, now, origin
        stay.holder, stay.remaining, stay.flags, stay.requests = holder, remaining, flags, None
        if not self.limited:
            self.admit(stay, now)
        elif self.free > 0 and not self.waiting:
            self.free -= 1
            self.admit(stay, now)
        else:
            self.wait(stay, now)

    def has_room(self) -> bool:
        """Say whether a request would be admitted at once."""
        return not self.limited or (self.free > 0 and not self.waiting)

    def eligible(self, kind: int) -> bool:
        """Say whether citizens of a kind may be admitted."""
        if self.spec.eligible is None:
            return True
        found = self.ineligible_kinds.get(kind)
        if found is None:
            found = self.spec.eligible.matches(self.run.structure.kinds[kind])
            self.ineligible_kinds[kind] = found
        return found

    def turn_away(
        self,
        citizen: Citizen,
        now: float,
        from_row: int,
        strand: int,
        rule: int,
        origin: Any,
        holder: Stay | None,
        reason: str,
        flags: int = 0,
    ) -> None:
        """Close a request with a reason and send the citizen on, unless a stay goes on meanwhile."""
        row = citizen.rows
        citizen.rows += 1
        kind = citizen.kind
        if holder is not None and holder.state == STAYING:
            self.write(citizen, row, from_row, strand, rule, now, now, CODE[reason], flags, kind)
            return
        shares = self.spec.refused if reason == "refused" else self.spec.ineligible
        to = self.drawn(shares, citizen, reason, now, origin)
        self.write(citizen, row, from_row, strand, rule, now, now, CODE[reason] + (to + 1) * _TO, flags, kind)
        self.run.go(citizen, to, now, row, strand, origin)

    def forward(
        self, citizen: Citizen, now: float, from_row: int, strand: int, rule: int, origin: Any, flags: int
    ) -> None:
        """Send a citizen on who comes before opening or after closing."""
        closing = self.spec.closes
        purpose = "afterwards" if self.closed else "before"
        shares = closing.afterwards if self.closed and closing is not None else self.spec.before
        if shares is None:
            self.turn_away(citizen, now, from_row, strand, rule, origin, None, "refused", flags)
            return
        to = self.drawn(shares, citizen, purpose, now, origin)
        if to >= 0:
            self.run.services[to].request(citizen, now, from_row, strand, rule, origin, None, None, flags & ~RESUMED)
            return
        row = citizen.rows
        citizen.rows += 1
        code = CODE["refused"] + (to + 1) * _TO
        self.write(citizen, row, from_row, strand, rule, now, now, code, flags & ~RESUMED, citizen.kind)
        self.run.go(citizen, to, now, row, strand, origin)

    def drawn(self, shares: Any, citizen: Citizen, purpose: str, now: float, origin: Any) -> int:
        """Draw a destination outside an end; words that depend on the citizen are resolved."""
        sums, to = self.plan.destinations(shares, now)
        which = 0
        if len(to) > 1:
            nth = citizen.visits.get(self.family, 0)
            u = uniform(citizen.base(), constant(self.spec.luck_key, nth, purpose))
            which = next(index for index, total in enumerate(sums) if u < total)
        return self.run.resolved(to[which], citizen, origin)

    # -- waiting -----------------------------------------------------------------------------------------------

    def wait(self, stay: Stay, now: float) -> None:
        """Put a request in the queue, or refuse it when the waiting room is full."""
        citizen = stay.citizen
        if self.waiting >= self.room:
            citizen.rows -= 1
            self.turn_away(
                citizen, now, stay.from_row, stay.strand, stay.rule, stay.origin, stay.holder, "refused", stay.flags
            )
            return
        stay.state, stay.kind, stay.admitted, stay.risk = WAITING, citizen.kind, math.nan, None
        stay.gives_up_at = math.inf
        self.waiting += 1
        if self.in_order:
            self.queue.append(stay)
        else:
            self.counter += 1
            heappush(self.heap, (self.level(citizen.kind, now), self.counter, stay))
        if stay.holder is not None:
            if stay.holder.requests is None:
                stay.holder.requests = []
            stay.holder.requests.append(stay)
        elif stay.strand == 0:
            citizen.main = stay
            self.expose(stay, now)
        if stay.strand:
            self.run.beside(citizen)[stay.strand] = stay
        if self.spec.patience is not None:
            patience = self.patience_of(citizen, now)
            stay.gives_up_at = now + patience
            self.run.at(stay.gives_up_at, PATIENCE + citizen.tie, Wake(self.give_up, stay.gives_up_at, stay), now)

    def level(self, kind: int, now: float) -> float:
        """Return the level of a kind of citizen in a priority queue; small comes first."""
        if not self.spec.priority:
            return 0.0
        case = self.run.structure.choose(self.spec.priority, kind)
        return self.plan.number(self.spec.priority[case].value, now)

    def expose(self, stay: Stay, now: float) -> None:
        """Let the citizen's death budget run while waiting outside any stay."""
        risk = self.plan.behaviour(self.index, stay.citizen.kind, self.epoch).death
        if risk is not None:
            stay.risk, stay.since = risk, now
            dies = risk.reach(now, stay.citizen.budget)
            if dies < math.inf:
                self.run.at(now + dies, END + stay.citizen.tie, Wake(self.run.death, now + dies, stay), now)

    def patience_of(self, citizen: Citizen, now: float) -> float:
        """Return how long a citizen waits before giving up, in days."""
        assert self.spec.patience is not None
        case = self.run.structure.choose(self.spec.patience, citizen.kind)
        nth = citizen.visits.get(self.family, 0)
        key = ("patience", self.index, self.epoch, case, nth)
        block = citizen.chunk.blocks.get(key)
        if block is None:
            law = self.plan.length(self.spec.patience, case, now)
            u = uniforms(citizen.chunk.bases, constant(self.spec.luck_key, nth, "patience"))
            block = citizen.chunk.blocks[key] = on_grid(law.quantile(u)).tolist()
        return float(block[citizen.place])

    def give_up(self, wake: Wake) -> None:
        """Close a request whose patience has run out."""
        stay = wake.stay
        if stay.state != WAITING:
            return
        citizen, now, holder = stay.citizen, wake.at, stay.holder
        self.unqueue(stay, now)
        if holder is not None and holder.state == STAYING:
            self.close(stay, now, CODE["gave_up"])
            if stay.rule >= 0:
                self.run.rules.again(holder, stay.rule, now)
            return
        to = self.drawn(self.spec.gives_up, citizen, "gives_up", now, stay.origin)
        if holder is not None:
            holder.service.let_go(holder, now)
        self.close(stay, now, CODE["gave_up"] + (to + 1) * _TO)
        self.run.go(citizen, to, now, stay.row, stay.strand, stay.origin)

    def unqueue(self, stay: Stay, now: float) -> None:
        """Take a waiting request out of the queue; its entry is skipped when it comes to the front."""
        self.waiting -= 1
        if stay.risk is not None:
            stay.citizen.budget -= stay.risk.spent(stay.since, now)
            stay.risk = None

    def hand_out(self, wake: Wake) -> None:
        """Hand the free places to those first in the queue."""
        self.handing = False
        now = wake.at
        while self.free > 0 and self.waiting:
            stay = self.queue.popleft() if self.in_order else heappop(self.heap)[2]
            if stay.state != WAITING:
                continue
            self.unqueue(stay, now)
            self.free -= 1
            if stay.holder is not None:
                self.run.rules.take_over(stay, now)
            self.admit(stay, now)

    def in_line(self) -> list[Stay]:
        """Return the requests that wait, in the order in which they will be met."""
        queued = self.queue if self.in_order else [entry[2] for entry in sorted(self.heap)]
        return [stay for stay in queued if stay.state == WAITING]

    def offer(self, now: float) -> None:
        """See to it that free places are handed out at this instant, after all that ends in it."""
        if self.waiting and not self.handing and self.free > 0:
            self.handing = True
            self.run.at(now, HAND_OUT + self.tie, Wake(self.hand_out, now), now)

    # -- staying -----------------------------------------------------------------------------------------------

    def admit(self, stay: Stay, now: float) -> None:
        """Begin a stay: draw its end and put it on the calendar."""
        citizen = stay.citizen
        kind = stay.kind = citizen.kind
        stay.admitted, stay.state = now, STAYING
        behaviour = self.behaviours.get(kind)
        if behaviour is None:
            behaviour = self.behaviours[kind] = self.plan.behaviour(self.index, kind, self.epoch)
        if stay.remaining is None:
            visits = citizen.visits
            nth = visits.get(self.family, 0)
            visits[self.family] = nth + 1
            chunk = citizen.chunk
            block = chunk.blocks.get(behaviour.key + nth)
            if block is None:
                block = chunk.blocks[behaviour.key + nth] = behaviour.block(chunk.bases, nth)
            stay.nth = nth
            stay.outcome = block[0][citizen.place]
            stay.finish = now + block[1][citizen.place]
            if behaviour.competing:
                self.compete(stay, behaviour, now, nth)
        else:
            length, stay.outcome, stay.nth = stay.remaining
            stay.finish = now + length
        stay.due = due = stay.finish
        if stay.strand:
            stay.risk = None
            self.run.beside(citizen)[stay.strand] = stay
        else:
            citizen.main = stay
            stay.risk = behaviour.death
            if behaviour.death is not None:
                stay.since = now
                stay.due = due = min(due, now + behaviour.death.reach(now, citizen.budget))
        stay.callbacks = self.END
        self.schedule(stay, END + citizen.tie, due - now)
        if not self.plain:
            self.begun(stay, now)

    def compete(self, stay: Stay, behaviour: Any, now: float, nth: int) -> None:
        """Let hazards that change with the calendar compete with the planned end."""
        citizen = stay.citizen
        winner = -1
        for index, hazard in behaviour.competing:
            key = ("hazard", behaviour.key + nth, index)
            amounts = citizen.chunk.blocks.get(key)
            if amounts is None:
                amounts = citizen.chunk.blocks[key] = behaviour.amounts(citizen.chunk.bases, nth, index)
            time = now + hazard.reach(now, amounts[citizen.place])
            # Of equal times the planned end comes first, then hazards by id, whether dated or not.
            if time < stay.finish:
                stay.finish, winner = time, index
        if winner >= 0:
            bases = citizen.chunk.bases[citizen.place : citizen.place + 1]
            stay.outcome = behaviour.outcomes(bases, nth, np.array([winner]))[0]

    def begun(self, stay: Stay, now: float) -> None:
        """Do what only some services need when a stay begins."""
        if self.between_courses and stay.citizen.considered:
            stay.citizen.considered.clear()
        if self.members is not None:
            self.members[stay] = None
        if self.start_rules and not stay.flags & RESUMED:
            for rule in self.start_rules:
                if self.run.rules.consider(rule, stay, now):
                    return
        stay.wakes = None
        for rule in self.during_rules:
            self.run.rules.come_up(stay, rule, now)

    # -- going -------------------------------------------------------------------------------------------------

    def end(self, stay: Stay) -> None:
        """End a stay at its time, and send the citizen where the end says."""
        if stay.state != STAYING:
            return
        now, citizen, outcome = stay.due, stay.citizen, stay.outcome
        if now < stay.finish or outcome.to == DIED:
            self.run.die(citizen, now, None if now < stay.finish else outcome)
            return
        if outcome.becomes:
            citizen.kind = self.run.structure.changed(citizen.kind, outcome.becomes)
        to, code, rule, origin = outcome.to, outcome.code, -1, stay.origin
        if self.end_rules:
            taken = self.run.rules.at_end(self.end_rules, stay, now)
            if taken is not None:
                rule, to = taken
                code += (to - (outcome.to if outcome.to >= DIED else 0)) * _TO
                origin = (self.index, None, None, -1)
        if rule < 0 and to < DIED:
            to = self.run.resolved(to, citizen, origin)
            code += to * _TO
        if self.blocking and to >= 0 and self.hold(stay, to, code, now):
            return
        self.close(stay, now, code)
        self.gone(stay, now)
        if to >= 0:
            remaining, flags = None, 0
            if outcome.to == ORIGIN and rule < 0:
                remaining, flags, origin = self.run.rules.returning(origin)
            self.run.services[to].request(citizen, now, stay.row, stay.strand, rule, origin, None, remaining, flags)

    def gone(self, stay: Stay, now: float) -> None:
        """Free what a closed stay held: its place, and the requests that hung on it."""
        if self.limited:
            self.free += 1
            if self.waiting:
                self.offer(now)
        if stay.requests:
            self.run.rules.withdraw(stay, now)
        if self.members is not None:
            self.members.pop(stay, None)

    def hold(self, stay: Stay, to: int, code: int, now: float) -> bool:
        """Keep the place when the next service cannot admit yet; say whether the place is held."""
        target = self.run.services[to]
        if target.has_room() or not target.open or not target.eligible(stay.citizen.kind):
            return False
        if target.waiting >= target.room:
            return False
        if stay.requests:
            self.run.rules.withdraw(stay, now)
            stay.requests = None
        stay.state, stay.flags, stay.code = HELD, stay.flags | BLOCKED, code
        if stay.risk is not None:
            dies = stay.risk.reach(stay.since, stay.citizen.budget)
            if dies < math.inf:
                at = max(now, stay.since + dies)
                self.run.at(at, END + stay.citizen.tie, Wake(self.run.death, at, stay), now)
        target.request(stay.citizen, now, stay.row, stay.strand, -1, stay.origin, stay, None, 0)
        return True

    def let_go(self, stay: Stay, now: float) -> None:
        """Close a held stay: the next service admits, or the citizen gives up."""
        self.close(stay, now, stay.code)
        self.gone(stay, now)

    def close(self, stay: Stay, now: float, code: int) -> None:
        """Write a row and mark it closed."""
        if stay.state == WAITING:
            self.write(
                stay.citizen, stay.row, stay.from_row, stay.strand, stay.rule, stay.referred, now, code,
                stay.flags, stay.kind,
            )  # fmt: skip
            stay.state = CLOSED
            return
        if stay.risk is not None:
            stay.citizen.budget -= stay.risk.spent(stay.since, now)
        stay.state = CLOSED
        self.push(
            (
                stay.citizen.ident + stay.row,
                code + (stay.flags << 27) + (stay.strand << 31),
                self.code + ((stay.rule + 1) << 36) + ((stay.nth + 1) << 26) + ((stay.from_row + 1) << 14) + stay.kind,
                stay.referred,
                stay.admitted,
                stay.due,
                now,
            )
        )

    def write_open(self, stay: Stay) -> None:
        """Write a row that is still open when the run stops."""
        code = pack(-1, NOWHERE) + (stay.flags << 27) + (stay.strand << 31)
        staying = stay.state != WAITING
        self.push(
            (
                stay.citizen.ident + stay.row,
                code,
                self.code + ((stay.rule + 1) << 36) + ((stay.nth + 1 if staying else 0) << 26)
                + ((stay.from_row + 1) << 14) + stay.kind,
                stay.referred,
                stay.admitted,
                stay.due if staying else math.nan,
                math.nan,
            )
        )  # fmt: skip

    def write(
        self,
        citizen: Citizen,
        row: int,
        from_row: int,
        strand: int,
        rule: int,
        referred: float,
        left: float,
        code: int,
        flags: int,
        kind: int,
    ) -> None:
        """Write the row of a request that was never admitted."""
        self.push(
            (
                citizen.ident + row,
                code + (flags << 27) + (strand << 31),
                self.code + ((rule + 1) << 36) + ((from_row + 1) << 14) + kind,
                referred,
                math.nan,
                math.nan,
                left,
            )
        )

    def close_down(self, now: float) -> None:
        """Close the service: send on those present and those waiting; later requests go elsewhere."""
        closing = self.spec.closes
        assert closing is not None
        assert self.members is not None
        self.open, self.closed = False, True
        index = self.run.structure.service_index
        names = [branch for branch, _, _ in closing.present]
        present = sorted(self.members, key=lambda stay: (stay.citizen.tie, stay.row))
        self.members.clear()
        waiting = self.in_line()
        for stay in present:
            if stay.state != STAYING:
                continue
            citizen = stay.citizen
            to = DIED
            if names:
                which = self.branch(closing.present, stay, now)
                word = closing.present[which][2]
                to = index[word] if word in index else self.run.resolved(_WORD[word], citizen, stay.origin)
            if to == DIED:
                self.run.die(citizen, now, None)
                continue
            self.close(stay, now, CODE["closed"] + (to + 1) * _TO)
            self.gone(stay, now)
            self.run.go(citizen, to, now, stay.row, stay.strand, stay.origin, MOVED)
        for stay in waiting:
            self.unqueue(stay, now)
            self.send_on(stay, now)

    def send_on(self, stay: Stay, now: float) -> None:
        """Send a waiting citizen on because the service closes."""
        closing = self.spec.closes
        assert closing is not None
        if stay.holder is not None and stay.holder.state == STAYING:
            self.close(stay, now, CODE["moved_waiting"])
            return
        to = self.drawn(closing.waiting, stay.citizen, "afterwards", now, stay.origin)
        if stay.holder is not None:
            stay.holder.service.let_go(stay.holder, now)
        self.close(stay, now, CODE["moved_waiting"] + (to + 1) * _TO)
        self.run.go(stay.citizen, to, now, stay.row, stay.strand, stay.origin, MOVED)

    def branch(self, present: Any, stay: Stay, now: float) -> int:
        """Draw which way a present citizen goes at the closing."""
        u = uniform(stay.citizen.base(), constant(self.spec.luck_key, stay.nth, "closing"))
        total = 0.0
        for index, (_, share, _) in enumerate(present):
            total = 1.0 if share is None else total + self.plan.number(share, now)
            if u < total:
                return index
        return len(present) - 1


_WORD = {"leave": LEAVE, "died": DIED, "home": HOME, "origin": ORIGIN}
