"""A service in a run: who is there, and what happens when they come and go."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crksim.model.network import Shares
from crksim.simulation.behaviour import ORIGIN, Behaviour
from crksim.simulation.citizens import ASKING, CLOSED, HELD, STAYING, WAITING, Citizen, Origin, Stay, Wake, death_order
from crksim.simulation.luck import constant, uniform
from crksim.simulation.packing import CODE, FLAGS, ROW, TO
from crksim.simulation.passage import proceed
from crksim.simulation.staylog import BLOCKED, DIED, OPENING, RESUMED
from crksim.simulation.waiting import WaitingLine

if TYPE_CHECKING:
    from crksim.simulation.engine import Run

__all__ = ["LiveService"]


class LiveService:
    """A service in a run.

    Parameters
    ----------
    run : Run
        The run it lives in.
    index : int
        Index of the service in the structure.
    """

    # Slots are found faster than what stands in a dictionary, and there are more than Python keeps in line.
    __slots__ = (
        "_concerning", "_eligible", "begins", "behaviours", "between_courses", "calendar", "closed",
        "during_rules", "end_rules", "epoch", "family", "foresee", "free", "guarded", "index", "line", "members",
        "open", "others", "places", "plan", "push", "run", "site", "spare", "spec", "start_rules", "tie",
    )  # fmt: skip

    def __init__(self, run: Run, index: int) -> None:
        plan, it = run.plan, run.structure.services[index]
        self.run, self.index, self.spec, self.plan = run, index, it, plan
        #: What all services of a run have in common, at hand for `passage`.
        self.calendar, self.others, self.spare = run.calendar, run.services, run.spare
        self.foresee, self.push = run.foreseen.write, run.rows.write
        self.tie = run.structure.service_rank[index]
        self.site = it.site
        self.family = run.structure.families[index]
        self.epoch = 0
        self.behaviours: dict[int, Behaviour] = {}
        self.places = 0.0
        #: Free places; without a limit there is no end to them.
        self.free = math.inf if it.places.hard is None else 0.0
        self.line = WaitingLine(self)
        self.open = it.opens <= 0.0
        self.closed = False
        self.guarded = it.eligible is not None or not self.open or it.closes is not None
        self.members: dict[Stay, None] | None = {} if it.closes is not None else None
        self.start_rules = run.rules.standing("start_of", it.id)
        self.end_rules = run.rules.standing("end_of", it.id)
        self.during_rules = run.rules.standing("during", it.id)
        rules = self.start_rules or self.during_rules or self.end_rules
        self.begins = bool(rules or it.between_courses or it.closes is not None)
        self._eligible: dict[int, bool] = {}
        self.between_courses = it.between_courses
        #: Kind -> the rules at the start of a stay and during it that concern it, and the number of the latter's set.
        self._concerning: dict[int, tuple[tuple[int, ...], tuple[int, ...], int]] = {}

    # -- coming ------------------------------------------------------------------------------------------------

    def request(self, citizen: Citizen, now: float, from_row: int) -> None:
        """Let a citizen on the main strand ask for a place, with nothing more to it; see `ask`."""
        if self.guarded:
            self.ask(citizen, now, from_row)
            return
        if self.spare:
            stay = self.spare.pop()
            stay.citizen, stay.service, stay.from_row = citizen, self, from_row
            stay.referred, stay.row = now, citizen.rows
            stay.state, stay.due = ASKING, now
        else:
            stay = Stay(citizen, self, from_row, now)
        proceed(stay)

    def ask(
        self,
        citizen: Citizen,
        now: float,
        from_row: int,
        strand: int = 0,
        rule: int = -1,
        origin: Origin | None = None,
        holder: Stay | None = None,
        remaining: Any = None,
        flags: int = 0,
    ) -> None:
        """Let a citizen ask for a place: admit, queue, send on or turn away.

        Parameters
        ----------
        citizen : Citizen
            Who asks.
        now : float
            Day of asking.
        from_row, strand, rule : int
            As in the log.
        origin : Origin, optional
            Whence the citizen was referred.
        holder : Stay, optional
            The stay that goes on, or the place that is held, meanwhile.
        remaining : tuple, optional
            What is left of a stay that is resumed.
        flags : int
            As in the log.
        """
        if self.guarded and not self.lets_in(citizen, now, from_row, strand, rule, origin, holder, flags):
            return
        stay = Stay(citizen, self, from_row, now)
        if strand or flags or rule >= 0 or not (origin is None and holder is None and remaining is None):
            stay.special = True
            stay.strand, stay.rule, stay.origin, stay.flags = strand, rule, origin, flags
            stay.holder, stay.remaining = holder, remaining
        proceed(stay)

    def refuse(self, stay: Stay, now: float) -> None:
        """Turn a request away that finds the waiting room full."""
        rule, origin, holder = stay.rule, stay.origin, stay.holder
        self.turn_away(stay.citizen, now, stay.from_row, stay.strand, rule, origin, holder, "refused", stay.flags)

    def lets_in(
        self,
        citizen: Citizen,
        now: float,
        from_row: int,
        strand: int,
        rule: int,
        origin: Origin | None,
        holder: Stay | None,
        flags: int,
    ) -> bool:
        """Say whether a citizen may ask here now; if not, write why and send the citizen on."""
        if not self.eligible(citizen.kind):
            self.turn_away(citizen, now, from_row, strand, rule, origin, holder, "ineligible", flags)
        elif not self.open:
            self.forward(citizen, now, from_row, strand, rule, origin, flags & ~RESUMED)
        else:
            return True
        return False

    def has_room(self) -> bool:
        """Say whether a request would be admitted at once."""
        return self.free > 0.0 and not self.line.count

    def eligible(self, kind: int) -> bool:
        """Say whether citizens of a kind may be admitted."""
        if self.spec.eligible is None:
            return True
        found = self._eligible.get(kind)
        if found is None:
            found = self._eligible[kind] = self.spec.eligible.matches(self.run.structure.kinds[kind])
        return found

    def turn_away(
        self,
        citizen: Citizen,
        now: float,
        from_row: int,
        strand: int,
        rule: int,
        origin: Origin | None,
        holder: Stay | None,
        reason: str,
        flags: int = 0,
    ) -> None:
        """Close a request with a reason and send the citizen on, unless a stay goes on meanwhile."""
        code = CODE[reason] + flags * FLAGS
        if holder is not None and holder.state == STAYING:
            self.write(citizen, from_row, strand, rule, now, code)
            return
        shares = self.spec.refused if reason == "refused" else self.spec.ineligible
        to = self.drawn(shares, citizen, reason, now, origin)
        row = self.write(citizen, from_row, strand, rule, now, code + (to + 1) * TO)
        self.run.go(citizen, to, now, row, strand, origin)

    def forward(
        self, citizen: Citizen, now: float, from_row: int, strand: int, rule: int, origin: Origin | None, flags: int
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
            self.run.services[to].ask(citizen, now, from_row, strand, rule, origin, None, None, flags)
            return
        row = self.write(citizen, from_row, strand, rule, now, CODE["refused"] + (to + 1) * TO + flags * FLAGS)
        self.run.go(citizen, to, now, row, strand, origin)

    def drawn(self, shares: Shares, citizen: Citizen, purpose: str, now: float, origin: Origin | None) -> int:
        """Draw a destination outside an end; words that depend on the citizen are resolved."""
        sums, to = self.plan.destinations(shares, now)
        which = 0
        if len(to) > 1:
            nth = citizen.chunk.visits[self.family][citizen.place]
            u = uniform(citizen.base(), constant(self.spec.luck_key, nth, purpose))
            which = next(index for index, total in enumerate(sums) if u < total)
        return self.run.resolved(to[which], citizen, origin)

    # -- staying -----------------------------------------------------------------------------------------------

    def behaviour(self, kind: int) -> Behaviour:
        """Return what admission draws now for citizens of a kind."""
        found = self.behaviours.get(kind)
        if found is None:
            found = self.behaviours[kind] = self.plan.behaviour(self.index, kind, self.epoch)
        return found

    def next_epoch(self) -> None:
        """Forget the numbers of before a date on which some of them change."""
        self.epoch += 1
        self.behaviours.clear()
        self.line.forget()

    def compete(self, stay: Stay, behaviour: Behaviour, now: float) -> None:
        """Let dated hazards and misses compete with the planned end, death with all; keep note of side strands."""
        citizen = stay.citizen
        if behaviour.competing and stay.remaining is None:
            self.dated_hazards(stay, behaviour, now)
        if behaviour.awaited and stay.remaining is None:
            self.misses(stay, behaviour, now)
        if stay.strand:
            citizen.open_beside()[stay.strand] = stay
            return
        citizen.main = stay
        death = behaviour.death
        if death is not None:
            stay.risk, stay.since, stay.finish = death, now, stay.due
            if citizen.budget < death.highest * (stay.due - now + 1.0):  # within reach; the day outdoes rounding
                stay.due = min(stay.due, now + death.reach(now, citizen.budget))

    def dated_hazards(self, stay: Stay, behaviour: Behaviour, now: float) -> None:
        """Let hazards that change with the calendar compete; of equal times the planned end comes first."""
        citizen, nth = stay.citizen, stay.nth
        winner = -1
        for index, hazard in behaviour.competing:
            key = ("hazard", behaviour.number, nth, index)
            amounts = citizen.chunk.blocks.get(key)
            if amounts is None:
                amounts = citizen.chunk.blocks[key] = behaviour.amounts(citizen.chunk.bases, nth, index)
            time = now + hazard.reach(now, amounts[citizen.place])
            if time < stay.due:
                stay.due, winner = time, index
        if winner >= 0:
            bases = citizen.chunk.bases[citizen.place : citizen.place + 1]
            stay.outcome = behaviour.outcome_of(bases, nth, winner)

    def misses(self, stay: Stay, behaviour: Behaviour, now: float) -> None:
        """Let ends that come with misses in a row compete; of equal times the others come first."""
        citizen, nth = stay.citizen, stay.nth
        for index, awaited in behaviour.awaited:
            key = ("misses", behaviour.number, nth, index)
            lots = citizen.chunk.blocks.get(key)
            if lots is None:
                lots = citizen.chunk.blocks[key] = awaited.lots(citizen.chunk.bases, nth)
            time = awaited.day(citizen.base(), nth, lots[citizen.place], now, stay.due)
            if time < stay.due:
                bases = citizen.chunk.bases[citizen.place : citizen.place + 1]
                stay.due, stay.outcome = time, behaviour.outcome_of(bases, nth, index)

    def begun(self, stay: Stay, now: float) -> None:
        """Do what only some services need when a stay begins."""
        citizen = stay.citizen
        citizen.touched = True
        if not stay.strand:
            if citizen.course_over and citizen.considered:
                citizen.considered.clear()
            citizen.course_over = self.between_courses
        if self.members is not None:
            self.members[stay] = None
        try:
            start, during, together = self._concerning[citizen.kind]
        except KeyError:
            start, during, together = self._concerning[citizen.kind] = self._rules_for(citizen.kind)
        if start and not stay.flags & (RESUMED | OPENING):
            for rule in start:
                if self.run.rules.consider(rule, stay, now):
                    return
        if during:
            self.run.rules.come_up_all(during, together, stay, now)

    def _rules_for(self, kind: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        concerns = self.run.structure.concerns
        start = tuple(rule for rule in self.start_rules if concerns(rule, kind))
        during = tuple(rule for rule in self.during_rules if concerns(rule, kind))
        return start, during, self.run.rules.together(during, kind)

    # -- going -------------------------------------------------------------------------------------------------

    def end_with_care(self, stay: Stay) -> None:
        """End a stay that death may have ended, that rules may follow, or whose end does more than lead on."""
        if stay.state != STAYING:  # closed before its time
            return
        now, citizen, outcome = stay.due, stay.citizen, stay.outcome
        if outcome.to == DIED or (stay.risk is not None and now < stay.finish):
            self.run.die(citizen, now, stay if stay.risk is None or now == stay.finish else None)
            return
        if outcome.becomes:
            citizen.kind = citizen.chunk.kinds[citizen.place] = self.run.structure.changed(
                citizen.kind, outcome.becomes
            )
        taken = self.run.rules.at_end(self.end_rules, stay, now) if self.end_rules else None
        origin, remaining, rule, flags = stay.origin, None, -1, 0
        if taken is not None:
            rule, to = taken
            origin = (self.index, None, None, -1, origin)
        else:
            to = self.run.resolved(outcome.to, citizen, origin)
            if outcome.to == ORIGIN:
                remaining, flags, origin = self.run.rules.returning(origin)
        code = outcome.code + (to - outcome.packed_to) * TO
        if self.spec.blocking and to >= 0 and self.hold(stay, to, code, now, rule, origin, remaining, flags):
            return
        self.close(stay, now, code)
        self.gone(stay, now)
        if to < 0:
            citizen.leave(stay.strand)
        elif stay.strand or rule >= 0 or flags or origin is not None:
            self.run.services[to].ask(citizen, now, stay.row, stay.strand, rule, origin, None, remaining, flags)
        else:
            self.run.services[to].request(citizen, now, stay.row)

    def gone(self, stay: Stay, now: float) -> None:
        """Free what a closed stay held: its place, and the requests that hung on it."""
        self.free += 1.0
        self.line.offer(now)
        if stay.requests:
            self.run.rules.withdraw(stay, now)
        if self.members is not None:
            self.members.pop(stay, None)

    def hold(
        self, stay: Stay, to: int, code: float, now: float, rule: int, origin: Origin | None, remaining: Any, flags: int
    ) -> bool:
        """Keep the place when the next service cannot admit yet; say whether the place is held."""
        target = self.run.services[to]
        if target.has_room() or not target.open or not target.eligible(stay.citizen.kind):
            return False
        if target.line.count >= target.line.room:
            return False
        if stay.requests:
            self.run.rules.withdraw(stay, now)
            stay.requests = None
        stay.state, stay.flags, stay.code, stay.special = HELD, stay.flags | BLOCKED, code, True
        if stay.risk is not None:
            at = max(now, stay.since + stay.risk.reach(stay.since, stay.citizen.budget))
            if at < math.inf:
                self.run.at(at, stay.citizen.ending, Wake(self.run.death, at, stay), death_order(stay))
        target.ask(stay.citizen, now, stay.row, stay.strand, rule, origin, stay, remaining, flags)
        return True

    def let_go(self, stay: Stay, now: float) -> None:
        """Close a held stay: the next service admits, or the citizen gives up."""
        stay.requests = None  # the request that it was held for lives on
        self.close(stay, now, stay.code)
        self.gone(stay, now)

    def close(self, stay: Stay, now: float, code: float) -> None:
        """Write a row and mark it closed."""
        if stay.special:
            code += stay.flags * FLAGS
        nth, admitted, due = -1, math.nan, math.nan
        if stay.state != WAITING:
            nth, admitted, due = stay.nth, stay.admitted, stay.due
            if stay.risk is not None:
                stay.citizen.budget -= stay.risk.spent(stay.since, now)
        self.push(
            ROW(
                stay.citizen.ident, code, stay.referred, admitted, due, now,
                stay.kind, stay.row, stay.from_row, nth, self.index, stay.rule, stay.strand,
            )
        )  # fmt: skip
        stay.state, stay.special = CLOSED, True

    def write(self, citizen: Citizen, from_row: int, strand: int, rule: int, now: float, code: float) -> int:
        """Write the row of a request that was never admitted and did not wait; return its number."""
        row = citizen.rows
        citizen.rows += 1
        self.push(
            ROW(
                citizen.ident, code, now, math.nan, math.nan, now,
                citizen.kind, row, from_row, -1, self.index, rule, strand,
            )
        )  # fmt: skip
        return row
