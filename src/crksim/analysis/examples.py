"""Single stays to look at: the log of one imagined future in every world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crksim.analysis.ensemble import WorldStudy, draw_members
from crksim.model.ledger import read_ledger
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import StayLog

__all__ = ["first_logs"]


def first_logs(
    worlds: Sequence[WorldStudy],
    ledger: Mapping[str, object],
    seed: int,
    calibrated: Sequence[Mapping[str, float]] | None = None,
) -> dict[str, StayLog]:
    """Return the log of the first future of the first member, by world: what `replicate` simulates first.

    Parameters
    ----------
    worlds : sequence of WorldStudy
        The main reference first.
    ledger : mapping
        The ledger as a plain dict.
    seed : int
        Seed of all luck.
    calibrated : sequence of mapping, optional
        Values of each member that are not drawn.
    """
    studies = [world.read() for world in worlds]
    thetas = draw_members(worlds, [study.network for study in studies], read_ledger(ledger), 1, seed, calibrated)
    return {
        world.id: simulate(structure(study).bind(theta[0]), Luck(seed, 0))
        for world, study, theta in zip(worlds, studies, thetas, strict=True)
    }
