"""The way of a stay: asked for, admitted, ended, and on to the next service.

Nearly all that a run does happens in `proceed`, the call-back of every stay's event.  What is out of the ordinary is
left to `LiveService`.  No more than three values are assigned at once: of four and more Python makes a tuple first.

The row of an ordinary stay is written on admission, when all of it is at hand.  Where the stay comes to another end
after all (a referral, a closing, death), the row written then is the one that holds; see `rows`.
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING

from crksim.simulation.behaviour import HOME
from crksim.simulation.citizens import CLOSED, STAYING, WAITING, Stay
from crksim.simulation.packing import FORESEEN, TO

if TYPE_CHECKING:
    from crksim.simulation.services import LiveService
    from crksim.simulation.waiting import WaitingLine

__all__ = ["PROCEED", "proceed"]


def proceed(stay: Stay) -> None:
    """End a stay whose time is over and let the citizen go on; admit whoever asks for a place or is called.

    Parameters
    ----------
    stay : Stay
        The stay or request; `due` is the day.
    """
    state, now = stay.state, stay.due
    citizen, service = stay.citizen, stay.service
    left: WaitingLine | None = None
    if state != STAYING:
        if state == CLOSED:  # before its time
            return
    else:
        outcome = stay.outcome
        if stay.special or outcome.careful:
            service.end_with_care(stay)
            return
        if stay.risk is not None and _dies(stay):
            return
        service.free += 1.0
        to, left = outcome.to, service.line
        if to == HOME:
            to = _home(stay)
        if to < 0:
            citizen.main = None
            if stay.known or citizen.beside:
                stay.state, stay.special = CLOSED, True
            else:
                service.spare.append(stay)
            if left.count:
                left.offer_last(now)
            return
        row, service = stay.row, service.others[to]
        if stay.known or service.guarded:
            _ask_anew(stay, service)
            return
        # A stay that nothing else on the calendar knows serves as the next one.
        stay.service, stay.from_row = service, row
        stay.referred, stay.row = now, citizen.rows
    if state != WAITING:
        line = service.line
        if service.free <= 0.0 or line.count:
            line.join(stay, now)
            if left is not None and left.count:
                left.offer_last(now)
            return
        service.free -= 1.0
        citizen.rows = stay.row + 1
    stay.state, row = STAYING, stay.row
    kind = stay.kind = citizen.kind
    try:
        behaviour = service.behaviours[kind]
    except KeyError:
        behaviour = service.behaviour(kind)
    if stay.remaining is None:
        chunk, place, family = citizen.chunk, citizen.place, service.family
        visits = chunk.visits[family]
        nth = visits[place]
        try:
            visits[place] = nth + 1
        except ValueError:
            chunk.count(family, place, nth + 1)
        try:
            lengths, numbers, made = chunk.drawn[behaviour.number][nth]
            outcome, length = made[numbers[place]], lengths[place]
        except LookupError:  # nothing is drawn yet
            outcome, length = chunk.draw(behaviour, nth, place)
    else:
        length, outcome, nth = stay.remaining
    stay.callbacks = PROCEED
    due = now + length
    stay.admitted, stay.due = now, due
    stay.outcome, stay.nth = outcome, nth
    if not behaviour.simple or stay.strand:
        service.compete(stay, behaviour, now)
        due, outcome = stay.due, stay.outcome
    heappush(service.calendar, (due, citizen.ending, row, stay))
    if outcome.foreseen:
        foresee = service.foresee  # found faster as a slot than as a method
        foresee(
            FORESEEN(
                citizen.ident, outcome.code, stay.referred, now, due,
                kind, row, stay.from_row, nth, service.index,
            )
        )  # fmt: skip
    if service.begins:
        service.begun(stay, now)
    if left is not None and left.count:
        left.offer_last(now)


def _dies(stay: Stay) -> bool:
    """Say whether a stay ends in death before its time; if not, take what it cost of the citizen's budget."""
    risk, now, citizen = stay.risk, stay.due, stay.citizen
    assert risk is not None
    if now < stay.finish:
        stay.service.run.die(citizen, now, None)
        return True
    citizen.budget -= risk.spent(stay.since, now)
    stay.risk = None
    return False


def _home(stay: Stay) -> int:
    """Return where a stay leads that leads home, and write its row now that this is known."""
    citizen, service, outcome = stay.citizen, stay.service, stay.outcome
    to = service.run.resolved(HOME, citizen, None)
    service.foresee(
        FORESEEN(
            citizen.ident, outcome.code + to * TO, stay.referred, stay.admitted, stay.due,
            stay.kind, stay.row, stay.from_row, stay.nth, service.index,
        )
    )  # fmt: skip
    return to


def _ask_anew(stay: Stay, target: LiveService) -> None:
    """Close a stay that others know or whose citizen may not be let in, and ask for the next one."""
    now, left = stay.due, stay.service.line
    stay.state, stay.special = CLOSED, True
    target.request(stay.citizen, now, stay.row)
    if left.count:
        left.offer_last(now)


#: The call-backs of a stay's event.
PROCEED = (proceed,)
