"""Closing a service: those present take one of its branches, those waiting move on, later requests go elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crksim.simulation.citizens import STAYING, WAITING, Stay
from crksim.simulation.luck import constant, uniform
from crksim.simulation.packing import CODE, TO
from crksim.simulation.plan import WORDS
from crksim.simulation.staylog import MOVED

if TYPE_CHECKING:
    from crksim.simulation.services import LiveService

__all__ = ["close_down"]


def close_down(service: LiveService, now: float) -> None:
    """Close a service on a day.

    Parameters
    ----------
    service : LiveService
        The service, with a `Closing`.
    now : float
        Day of closing.
    """
    service.open, service.closed = False, True
    present = sorted(service.members or (), key=lambda stay: (stay.citizen.tie, stay.row))
    waiting = service.line.line()
    for stay in present:
        if stay.state == STAYING:
            _send_off(service, stay, now)
    for stay in waiting:
        if stay.state == WAITING:  # and was not closed with a stay of the same citizen
            service.line.depart(stay, now)
            _send_on(service, stay, now)


def _send_off(service: LiveService, stay: Stay, now: float) -> None:
    """Let a present citizen take the branch that the closing draws."""
    closing, run = service.spec.closes, service.run
    assert closing is not None
    u, total = uniform(stay.citizen.base(), constant(service.spec.luck_key, stay.nth, "closing")), 0.0
    for _, share, word in closing.present:  # noqa: B007 - the last one read is the one taken
        total = 1.0 if share is None else total + run.plan.number(share, now)
        if u < total:
            break
    index = run.structure.service_index
    to = index[word] if word in index else run.resolved(WORDS[word], stay.citizen, stay.origin)
    service.close(stay, now, CODE["closed"] + (to + 1) * TO)
    service.gone(stay, now)
    run.go(stay.citizen, to, now, stay.row, stay.strand, stay.origin, MOVED)


def _send_on(service: LiveService, stay: Stay, now: float) -> None:
    """Send a waiting citizen on; where a stay goes on meanwhile, it simply goes on."""
    closing = service.spec.closes
    assert closing is not None
    if stay.holder is not None and stay.holder.state == STAYING:
        service.close(stay, now, CODE["moved_waiting"])
        if stay.rule >= 0:
            service.run.rules.again(stay.holder, stay.rule, now)
        return
    to = service.drawn(closing.waiting, stay.citizen, "afterwards", now, stay.origin)
    if stay.holder is not None:
        stay.holder.service.let_go(stay.holder, now)
    service.close(stay, now, CODE["moved_waiting"] + (to + 1) * TO)
    service.run.go(stay.citizen, to, now, stay.row, stay.strand, stay.origin, MOVED)
