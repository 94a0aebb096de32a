"""What the ends of stays lead to, as far as the structure of a network says."""

from __future__ import annotations

from crksim.model.referrals import Referral
from crksim.model.services import Service

__all__ = ["careful", "leads_to_death", "status_names"]


def status_names(services: tuple[Service, ...]) -> set[str]:
    """Return the statuses that citizens can have at the end of a stay."""
    return {
        name
        for service in services
        for case in service.ends
        for end in case.value
        for shares in (end.status, end.without)
        if shares is not None
        for name, _ in shares.branches
    }


def leads_to_death(service: Service) -> bool:
    """Say whether an end of a stay there, or its closing, is death."""
    ends = [name for case in service.ends for end in case.value for name, _ in end.to.branches]
    closing = [to for _, _, to in service.closes.present] if service.closes is not None else []
    return "died" in ends or "died" in closing


def careful(services: tuple[Service, ...], rules: tuple[Referral, ...]) -> set[str]:
    """Return the services where more happens at the end of a stay than that it leads on.

    A rule is considered, the place is held, or the stay may have ended with the service.
    """
    ruled = {name for rule in rules if rule.at == "end_of" for name in rule.services}
    return ruled | {service.id for service in services if service.blocking or service.closes is not None}
