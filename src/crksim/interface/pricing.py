"""What a what-if costs at the prices that the user gave: what has to be measured for that, and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crksim.interface.cases import Case

if TYPE_CHECKING:
    from crksim.analysis.replications import Replications
    from crksim.analysis.results import CostRow

__all__ = ["cost_addresses", "costs_of"]


def cost_addresses(case: Case) -> list[str]:
    """Return what has to be measured for the costs, also for those of others beside; nothing without prices."""
    from crksim.analysis.costing import cost_measures

    own = cost_measures(case.scenario.prices, case.questions[0].measure, case.study.network)
    return [*own, *(case.added.measures if case.added else ())]


def costs_of(case: Case, found: Replications) -> tuple[CostRow, ...]:
    """Return what the what-if costs against the main reference; nothing without prices."""
    from crksim.analysis.costing import cost_rows, outcome_measures

    prices = case.scenario.prices
    if not prices or len(found.worlds) < 2:
        return ()
    per = outcome_measures(case.questions[0].measure, case.study.network)
    worlds = (found.worlds[0], found.worlds[-1])
    reference, what_if = (
        {name: world.values[:, :, place] for place, name in enumerate(found.measures)} for world in worlds
    )
    return cost_rows(prices, per, reference, what_if)
