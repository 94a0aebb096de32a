"""What a scenario changes, in plain words and both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crksim.model.network import Label
from crksim.model.scenario import Scenario

__all__ = ["describe"]


def describe(study: Mapping[str, Any], scenario: Scenario) -> list[Label]:
    """Return one sentence for every change.

    Parameters
    ----------
    study : mapping
        The study as a plain dict, before the changes.
    scenario : Scenario
        What is changed.
    """
    return [Label(address, address) for address in sorted(scenario.changes)]
