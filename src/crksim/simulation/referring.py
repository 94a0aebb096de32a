"""Referral rules in a run: who is offered what, who accepts, and what becomes of the stay they are in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crksim.model.referrals import Referral
from crksim.simulation.behaviour import Steps
from crksim.simulation.citizens import HELD, STAYING, WAITING, Citizen, Origin, Stay, Wake, rule_order
from crksim.simulation.luck import constant, exponentials, uniform, view
from crksim.simulation.packing import CODE, TO
from crksim.simulation.staylog import RESUMED

if TYPE_CHECKING:
    from crksim.simulation.chunks import Chunk
    from crksim.simulation.engine import Run
    from crksim.simulation.services import LiveService

__all__ = ["Rules"]


class Rules:
    """The referral rules of a run, in the order of their luck keys.

    Parameters
    ----------
    run : Run
        The run they live in.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.plan = run, run.plan
        self.rules: tuple[Referral, ...] = run.structure.rules
        self.service_index = run.structure.service_index
        self._take_up: dict[tuple[int, int], tuple[float, float, float]] = {}
        self._rates: dict[tuple[int, int], Steps] = {}
        #: Rates by rule and case.
        self._steps: dict[tuple[int, int], Steps] = {}
        #: Sets of rules at their highest rates, each with its number.
        self._together: dict[tuple[tuple[int, float], ...], int] = {}
        self.dates = {day for rule in self.rules for day in _days(rule)}

    def standing(self, at: str, service: str) -> tuple[int, ...]:
        """Return the rules considered `at` (start_of, end_of, during) stays in a service."""
        return tuple(index for index, rule in enumerate(self.rules) if rule.at == at and service in rule.services)

    def new_epoch(self) -> None:
        """Forget the numbers of before a date on which some of them change."""
        self._take_up.clear()

    # -- being considered --------------------------------------------------------------------------------------

    def counts(self, citizen: Citizen, index: int) -> tuple[int, int]:
        """Return how often a citizen was considered by a rule in this course, and ever."""
        if citizen.considered is None or citizen.lifetime is None:
            citizen.considered, citizen.lifetime = {}, {}
        return citizen.considered.get(index, 0), citizen.lifetime.get(index, 0)

    def consider(self, index: int, stay: Stay, now: float) -> bool:
        """Consider a citizen in a stay for a rule; say whether the stay ended for it."""
        rule, citizen = self.rules[index], stay.citizen
        moves = rule.stay != "beside"
        if moves and stay.requests and any(request.state == WAITING for request in stay.requests):
            return False
        target = self.answer(index, stay, now)
        if target is None:
            return False
        if not moves:
            citizen.strands += 1
            target.ask(citizen, now, stay.row, citizen.strands, index)
            return False
        if rule.stay == "goes_on" and not target.has_room():
            target.ask(citizen, now, stay.row, stay.strand, index, None, stay)
            return False
        origin = self.origin(rule, stay, now)
        # The request comes before the end of the stay in the order of rows, but the place is freed first.
        self.transfer(stay, target.index, now)
        target.ask(citizen, now, stay.row, stay.strand, index, origin)
        return True

    def answer(self, index: int, stay: Stay, now: float) -> LiveService | None:
        """Put the offer to a citizen; return the service that can be asked, else write the reason."""
        rule, citizen = self.rules[index], stay.citizen
        if not rule.first <= now < rule.last or not self.run.structure.concerns(index, citizen.kind):
            return None
        course, ever = self.counts(citizen, index)
        if course >= rule.at_most:
            return None
        assert citizen.considered is not None
        assert citizen.lifetime is not None
        candidates = self.candidates(rule, stay.service)
        if not candidates:
            return None
        citizen.considered[index], citizen.lifetime[index] = course + 1, ever + 1
        own, other, attend = self.numbers(index, citizen.kind, now)
        family = "rule:" + rule.luck_key
        first, site = candidates[0], stay.service.site
        u = uniform(citizen.base(), constant(family, ever, "take_up"))
        if u >= (own if first.site == site else other):
            return self.refuse(first, stay, index, now, "too_far" if u < own else "declined")
        if attend < 1.0 and uniform(citizen.base(), constant(family, ever, "attend")) >= attend:
            return self.refuse(first, stay, index, now, "could_not_attend")
        if not first.eligible(citizen.kind):
            return self.refuse(first, stay, index, now, "ineligible")
        if first.has_room():
            return first
        if rule.full == "next":
            for candidate in candidates[1:]:
                near = u < (own if candidate.site == site else other)
                if near and candidate.eligible(citizen.kind) and candidate.has_room():
                    return candidate
        if rule.full == "refuse" or first.line.count >= first.line.room:
            return self.refuse(first, stay, index, now, "refused")
        return first

    def candidates(self, rule: Referral, here: LiveService) -> list[LiveService]:
        """Return the open services a rule can lead to, nearest first: own site, then distance, then luck key."""
        services = self.run.services
        if not rule.nearest:
            target = services[self.service_index[rule.to]]
            return [target] if target.open else []
        distance = dict(here.spec.distances)

        def nearness(target: LiveService) -> tuple[bool, float, int]:
            number = distance.get(target.site)
            away = math.inf if number is None else self.plan.number(number, self.run.env.now)
            return target.site != here.site, away, target.tie

        members = [services[index] for index in self.run.structure.members[rule.to]]
        return sorted((member for member in members if member.open), key=nearness)

    def numbers(self, index: int, kind: int, now: float) -> tuple[float, float, float]:
        """Return take-up at the own and at another site, and the chance of being able to attend."""
        found = self._take_up.get((index, kind))
        if found is None:
            rule = self.rules[index]
            attend = 1.0
            if rule.attend:
                case = self.run.structure.choose(rule.attend, kind)
                attend = self.plan.number(rule.attend[case].value, now)
            found = self._take_up[index, kind] = (*self.plan.take_up(rule, kind, now), attend)
        return found

    def refuse(self, target: LiveService, stay: Stay, index: int, now: float, reason: str) -> LiveService | None:
        """Write a request that came to nothing; the stay goes on, and no service is asked."""
        target.write(stay.citizen, stay.row, stay.strand, index, now, CODE[reason])
        return None

    # -- moving ------------------------------------------------------------------------------------------------

    def origin(self, rule: Referral, stay: Stay, now: float) -> Origin:
        """Return whence a citizen is referred, with what is left of the stay when it is to be resumed."""
        if rule.returns == "resume" and stay.state == STAYING:
            return stay.service.index, stay.until() - now, stay.outcome, stay.nth, stay.origin
        return stay.service.index, None, None, -1, stay.origin

    def transfer(self, stay: Stay, to: int, now: float) -> None:
        """End a stay because a referral was taken."""
        service = stay.service
        service.close(stay, now, CODE["transferred"] + (to + 1) * TO)
        service.gone(stay, now)

    def take_over(self, request: Stay, now: float) -> None:
        """Let a waiting request that is handed a place end the stay that went on meanwhile."""
        holder = request.holder
        assert holder is not None
        request.holder = None
        if holder.state == HELD:
            holder.service.let_go(holder, now)
        elif holder.state == STAYING:
            if request.rule >= 0:
                request.origin = self.origin(self.rules[request.rule], holder, now)
            if holder.requests:
                holder.requests = [other for other in holder.requests if other is not request]
            self.transfer(holder, request.service.index, now)

    def withdraw(self, stay: Stay, now: float) -> None:
        """Close the requests that waited while a stay went on, now that it has ended."""
        for request in stay.requests or ():
            if request.state == WAITING:
                request.service.line.depart(request, now)
                request.service.close(request, now, CODE["withdrawn"])

    def at_end(self, indices: tuple[int, ...], stay: Stay, now: float) -> tuple[int, int] | None:
        """Consider rules at the end of a stay; return the rule and the service that it leads to, if one is taken."""
        for index in indices:
            target = self.answer(index, stay, now)
            if target is None:
                continue
            if self.rules[index].stay != "beside":
                return index, target.index
            stay.citizen.strands += 1
            target.ask(stay.citizen, now, stay.row, stay.citizen.strands, index)
        return None

    def returning(self, origin: Origin | None) -> tuple[Any, int, Origin | None]:
        """Return the remaining stay, the flags and the origin with which a citizen goes back."""
        if origin is None:
            return None, 0, None
        if origin[1] is None or not self.run.services[origin[0]].open:
            return None, 0, origin[4]
        return (origin[1], origin[2], origin[3]), RESUMED, origin[4]

    # -- during a stay -----------------------------------------------------------------------------------------

    def together(self, rules: tuple[int, ...], kind: int) -> int:
        """Return the number of what `rules` are for a kind of citizen at their highest rates; see `come_up_all`."""
        rates = ((rule, self.rate(rule, kind).highest) for rule in rules)
        return self._together.setdefault(tuple(pair for pair in rates if pair[1] > 0.0), len(self._together))

    def come_up_all(self, rules: tuple[int, ...], together: int, stay: Stay, now: float) -> None:
        """Put on the calendar when rules that concern the citizen come up, if they do before the stay's end."""
        citizen = stay.citizen
        if citizen.lifetime is None:
            soonest = citizen.chunk.blocks.get(together)
            if soonest is None:
                soonest = citizen.chunk.blocks[together] = self._soonest(together, citizen.chunk)
            if stay.due - now + 1.0 <= soonest[citizen.place]:  # the day is far more than all rounding
                return
        for rule in rules:
            self.come_up(stay, rule, now)

    def _soonest(self, together: int, chunk: Chunk) -> Sequence[float]:
        """Return within how many days none of some rules, at their highest rates, can come up for the first time."""
        days = np.full(len(chunk.bases), math.inf)
        for rule, highest in list(self._together)[together]:
            np.minimum(days, np.asarray(self._amounts(chunk, rule, 0)) / highest, out=days)
        return view(days)

    def _amounts(self, chunk: Chunk, index: int, ever: int) -> Sequence[float]:
        """Return the cumulative hazard that each citizen takes before a rule comes up."""
        amounts: Sequence[float] | None = chunk.blocks.get((index, ever))
        if amounts is None:
            what = constant("rule:" + self.rules[index].luck_key, ever, "rate")
            amounts = chunk.blocks[index, ever] = view(exponentials(chunk.bases, what))
        return amounts

    def come_up(self, stay: Stay, index: int, now: float) -> None:
        """Put on the calendar when a rule that concerns the citizen comes up, if it does before the stay's end."""
        citizen, ever = stay.citizen, 0
        if citizen.considered is not None and citizen.lifetime is not None:
            if citizen.considered.get(index, 0) >= self.rules[index].at_most:
                return
            ever = citizen.lifetime.get(index, 0)
        rate = self._rates.get((index, citizen.kind)) or self.rate(index, citizen.kind)
        amount = self._amounts(citizen.chunk, index, ever)[citizen.place]
        if amount >= rate.highest * (stay.due - now + 1.0):  # out of reach; the day is far more than all rounding
            return
        at = now + rate.reach(now, amount)
        if at < stay.due:
            stay.known = True
            if stay.wakes is None:
                stay.wakes = []
            stay.wakes.append((at, index))
            self.run.at(at, citizen.ending, Wake(self.wake, at, stay, index), rule_order(stay, index))

    def rate(self, index: int, kind: int) -> Steps:
        """Return the rate at which a rule comes up for a kind of citizen; zero while it is not in force."""
        found = self._rates.get((index, kind))
        if found is None:
            case = self.run.structure.rate_case(index, kind)
            found = self._steps.get((index, case)) or self._steps.setdefault((index, case), self._in_force(index, case))
            self._rates[index, kind] = found
        return found

    def _in_force(self, index: int, case: int) -> Steps:
        rule = self.rules[index]
        steps = self.plan.steps(rule.rate[case].value)
        times = sorted({*steps.times, rule.first, rule.last} - {math.inf})
        return Steps(times, [steps.at(time) if rule.first <= time < rule.last else 0.0 for time in times])

    def wake(self, wake: Wake) -> None:
        """Consider a citizen when a rule comes up during the stay."""
        stay, now = wake.stay, wake.at
        if stay.state != STAYING:
            return
        stay.wakes.remove((now, wake.rule))
        requests, (_, ever) = len(stay.requests or ()), self.counts(stay.citizen, wake.rule)
        if not self.consider(wake.rule, stay, now) and len(stay.requests or ()) == requests:
            if stay.citizen.lifetime is not None and self.counts(stay.citizen, wake.rule)[1] == ever:
                stay.citizen.lifetime[wake.rule] = ever + 1  # nobody could be asked: the next time is a draw of its own
            self.come_up(stay, wake.rule, now)

    def again(self, stay: Stay, index: int, now: float) -> None:
        """Let a rule come up again after its request was given up."""
        if self.rules[index].at == "during":
            self.come_up(stay, index, now)


def _days(rule: Referral) -> set[float]:
    days = {day for case in rule.attend for day, _ in case.value.steps}
    for case in rule.take_up:
        days |= {day for number in (case.value.own_site, case.value.other_site) for day, _ in number.steps}
    return {day for day in days if day > -math.inf}
