"""The way of an ordinary stay through a service: asked for, admitted, ended, sent on.

Nearly all that a run does happens in these two functions.  They are closures of one service: what they need of it is
bound once and not looked up on every stay.  Everything out of the ordinary is left to `LiveService`.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import TYPE_CHECKING

from crksim.simulation.behaviour import HOME
from crksim.simulation.citizens import CLOSED, STAYING, Stay
from crksim.simulation.packing import PLAIN, TO

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
    calendar = run.calendar
    behaviours, family, line = service.behaviours, service.family, service.line
    begins, call_backs = service.begins, service.ending

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
        kind = stay.kind = citizen.kind
        try:
            behaviour = behaviours[kind]
        except KeyError:
            behaviour = service.behaviour(kind)
        if stay.remaining is None:
            chunk, place = citizen.chunk, citizen.place
            visits = chunk.visits[family]
            nth = stay.nth = visits[place]
            visits[place] = nth + 1
            try:
                stay.outcome, length = chunk.drawn[behaviour.key + nth][place]
            except KeyError:
                stay.outcome, length = chunk.draw(behaviour, nth, place)
        else:
            length, stay.outcome, stay.nth = stay.remaining
        stay.state, stay.callbacks = STAYING, call_backs
        stay.admitted, stay.due = now, now + length
        if not behaviour.simple or stay.strand:
            service.compete(stay, behaviour, now)
        heappush(calendar, (stay.due, citizen.ending, stay.row, stay))
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
    line, careful, index = service.line, service.careful, service.index
    push, spare, others = run.plain.write, run.spare, run.services

    def end(stay: Stay) -> None:
        """End a stay at its time, and send the citizen where the end says."""
        if stay.state:  # not staying any more
            return
        outcome = stay.outcome
        if careful or stay.special or outcome.careful:
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
        to, code = outcome.to, outcome.code
        if to == HOME:
            to = run.resolved(to, citizen, None)
            code += to * TO
        push(
            PLAIN(
                citizen.ident, code, stay.referred, stay.admitted, now,
                stay.kind, row, stay.from_row, stay.nth, index,
            )
        )  # fmt: skip
        service.free += 1.0
        if to < 0:
            stay.state, citizen.main = CLOSED, None
            if not stay.known and not citizen.beside:
                spare.append(stay)
            if line.count:
                line.offer_last(now)
            return
        target = others[to]
        if stay.known or target.guarded:
            stay.state = CLOSED
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
