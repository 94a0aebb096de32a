"""The way of an ordinary stay through a service: asked for, admitted, ended, sent on.

Nearly all that a run does happens in these two functions.  They are closures of one service: what they need of it is
bound once and not looked up on every stay.  Everything out of the ordinary is left to `LiveService`.

The row of an ordinary stay is written on admission, when all of it is at hand.  Where the stay comes to another end
after all (a referral, a closing, death), the row written then is the one that holds; see `rows`.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import TYPE_CHECKING

from crksim.simulation.behaviour import HOME
from crksim.simulation.citizens import CLOSED, STAYING, Stay
from crksim.simulation.packing import FORESEEN, TO

if TYPE_CHECKING:
    from crksim.simulation.engine import Run
    from crksim.simulation.services import LiveService

__all__ = ["coming", "ending"]


def coming(run: Run, service: LiveService) -> Callable[..., None]:
    """Return what admits a request to a service, or lets it stand in line.

    Parameters
    ----------
    run : Run
        The run.
    service : LiveService
        The service, as far as it is known before the run begins.
    """
    calendar, write = run.calendar, run.foreseen.write
    behaviours, family, line = service.behaviours, service.family, service.line
    begins, call_backs, index = service.begins, service.ending, service.index

    def come(stay: Stay, now: float, called: bool = False) -> None:
        """Admit a request or let it stand in line, where those who are `called` have stood already."""
        citizen = stay.citizen
        if not called:
            if service.free <= 0.0 or line.count:
                if line.count < line.room:
                    citizen.rows += 1
                    line.join(stay, now)
                else:
                    service.refuse(stay, now)
                return
            service.free -= 1.0
            citizen.rows += 1
        else:
            stay.state = STAYING
        kind = stay.kind = citizen.kind
        try:
            behaviour = behaviours[kind]
        except KeyError:
            behaviour = service.behaviour(kind)
        if stay.remaining is None:
            chunk, place = citizen.chunk, citizen.place
            visits = chunk.visits[family]
            nth = visits[place]
            try:
                visits[place] = nth + 1
            except ValueError:
                chunk.count(family, place, nth + 1)
            try:
                lengths, numbers, made = chunk.drawn[behaviour.number][nth]
                length = lengths[place]
                if length >= 0.0:
                    outcome = made[numbers[place]]
                else:
                    outcome, length = chunk.draw(behaviour, nth, place)
            except LookupError:
                outcome, length = chunk.draw(behaviour, nth, place)
        else:
            length, outcome, nth = stay.remaining
        due = now + length
        stay.callbacks = call_backs
        stay.admitted, stay.due, stay.outcome, stay.nth = now, due, outcome, nth
        if not behaviour.simple or stay.strand:
            service.compete(stay, behaviour, now)
            due, outcome = stay.due, stay.outcome
        row = stay.row
        heappush(calendar, (due, citizen.ending, row, stay))
        if outcome.foreseen:
            write(
                FORESEEN(
                    citizen.ident, outcome.code, stay.referred, now, due,
                    kind, row, stay.from_row, nth, index,
                )
            )  # fmt: skip
        if begins:
            service.begun(stay, now)

    return come


def ending(run: Run, service: LiveService) -> Callable[[Stay], None]:
    """Return what ends a stay in a service, as the call-back of the stay's event.

    Parameters
    ----------
    run, service
        As in `coming`.
    """
    line, index = service.line, service.index
    write, spare, others = run.foreseen.write, run.spare, run.services

    def end(stay: Stay) -> None:
        """End a stay at its time, and send the citizen where the end says."""
        outcome = stay.outcome
        if stay.special or outcome.careful:  # closed before its time, or not ordinary
            service.end_with_care(stay)
            return
        now, citizen, row = stay.due, stay.citizen, stay.row
        risk = stay.risk
        if risk is not None:
            if now < stay.finish:
                run.die(citizen, now, None)
                return
            passed = now - stay.since
            citizen.budget -= risk.rates[0] * passed if risk.constant else risk.spent(stay.since, now)
            stay.risk = None
        to = outcome.to
        service.free += 1.0
        if to < 0:
            if to == HOME:
                to = run.resolved(to, citizen, None)
                write(
                    FORESEEN(
                        citizen.ident, outcome.code + to * TO, stay.referred, stay.admitted, now,
                        stay.kind, row, stay.from_row, stay.nth, index,
                    )
                )  # fmt: skip
            if to < 0:
                citizen.main = None
                if stay.known or citizen.beside:
                    stay.state, stay.special = CLOSED, True
                else:
                    spare.append(stay)
                if line.count:
                    line.offer_last(now)
                return
        target = others[to]
        if stay.known or target.guarded:
            stay.state, stay.special = CLOSED, True
            target.request(citizen, now, row)
            if line.count:
                line.offer_last(now)
            return
        # A stay that nothing else on the calendar knows serves as the next one.
        stay.service, stay.from_row = target, row
        stay.referred, stay.row = now, citizen.rows
        come = target.come  # a slot is found faster than a method
        come(stay, now)
        if line.count:
            line.offer_last(now)

    return end
