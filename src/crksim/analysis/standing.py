"""Where everybody is on a day, and who has started in the year before: the model's own numbers beside one's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crksim.analysis.ensemble import WorldStudy, draw_members
from crksim.model.ledger import read_ledger
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import OPENING, RESUMED, StayLog

__all__ = ["YEAR", "Spread", "Standing", "standing_on"]

#: Days of the year before.
YEAR = 365.0
#: The range that holds nine versions in ten.
_ENDS = (0.05, 0.95)
#: Citizens that must have been seen before what they all have in common counts as no luck.
_ENOUGH = 30


@dataclass(frozen=True)
class Spread:
    """A number over the versions: mean, and the range of nine in ten."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """The model's own numbers on a day.

    Parameters
    ----------
    day : float
        Day of the study.
    present, starts : mapping of str to Spread
        Service -> citizens present; citizens admitted in the year before, without those who came back from another
        service to go on with their stay.
    cells : mapping of (str, str) to float
        (Service, cohort) -> citizens present, mean over the versions.
    alike : mapping of (str, str) to tuple of (str, str)
        (Service, cohort) -> what all of them have in common.
    rates : mapping of str to float
        Cohort -> newcomers per day on the day, mean over the versions.
    opened : mapping of (str, str) to float
        (Cohort, entry) -> citizens present at the study's start, mean over the versions.
    """

    day: float
    present: Mapping[str, Spread]
    starts: Mapping[str, Spread]
    cells: Mapping[tuple[str, str], float]
    alike: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
    rates: Mapping[str, float]
    opened: Mapping[tuple[str, str], float]


def standing_on(
    world: WorldStudy,
    ledger: Mapping[str, object],
    day: float,
    *,
    members: int,
    seed: int,
    calibrated: Sequence[Mapping[str, float]] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Standing:
    """Run one future of every version up to the study's end, and count on a day.

    Parameters
    ----------
    world : WorldStudy
        What is run.
    ledger : mapping
        The ledger as a plain dict.
    day : float
        Day of the study on which is counted.
    members, seed : int
        Versions, and the seed of all luck.
    calibrated : sequence of mapping, optional
        Values of each member that are not drawn.
    progress : callable
        Is told (done, total).
    """
    study = world.read()
    plan = structure(study)
    (thetas,) = draw_members([world], [study.network], read_ledger(ledger), members, seed, calibrated)
    present: list[Counter[str]] = []
    starts: list[Counter[str]] = []
    cells: Counter[tuple[str, str]] = Counter()
    kinds: dict[tuple[str, str], Counter[tuple[tuple[str, str], ...]]] = {}
    rates: Counter[str] = Counter()
    opened: Counter[tuple[str, str]] = Counter()
    for member, theta in enumerate(thetas):
        bound = plan.bind(theta)
        for cohort in study.network.cohorts:
            if cohort.arrivals.rate is not None:
                rates[cohort.id] += bound.number(cohort.arrivals.rate, day)  # type: ignore[assignment]
            for entry in cohort.present:
                opened[cohort.id, entry.id] += bound.number(entry.count, 0.0)  # type: ignore[assignment]
        log = simulate(bound, Luck(seed, member))
        there, begun = _there(log, day), _begun(log, day)
        present.append(Counter(service for service, _, _ in there))
        starts.append(Counter(begun))
        for service, cohort_id, kind in there:
            cells[service, cohort_id] += 1
            kinds.setdefault((service, cohort_id), Counter())[kind] += 1
        progress(member + 1, members)
    names = [service.id for service in study.network.services]
    return Standing(
        day=day,
        present={name: _spread([counted[name] for counted in present]) for name in names},
        starts={name: _spread([counted[name] for counted in starts]) for name in names},
        cells={cell: many / members for cell, many in sorted(cells.items())},
        alike={cell: _alike(found) for cell, found in sorted(kinds.items())},
        rates={name: total / members for name, total in rates.items()},
        opened={name: total / members for name, total in opened.items()},
    )


def _there(log: StayLog, day: float) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Return service, cohort and kind of everybody whose main stay goes on on a day."""
    legend = log.legend
    rows = np.flatnonzero((log.admitted <= day) & ~(log.left <= day) & (log.strand == 0))
    return [
        (legend.services[log.service[row]], legend.cohorts[log.cohort[row]], legend.kinds[log.kind[row]])
        for row in rows.tolist()
    ]


def _begun(log: StayLog, day: float) -> list[str]:
    """Return the service of every stay that began in the year before a day, and is not one that went on."""
    fresh = (log.flags & (OPENING | RESUMED)) == 0
    rows = np.flatnonzero((log.admitted > day - YEAR) & (log.admitted <= day) & fresh)
    return [log.legend.services[service] for service in log.service[rows].tolist()]


def _alike(found: Counter[tuple[tuple[str, str], ...]]) -> tuple[tuple[str, str], ...]:
    """Return the attributes that all of some kinds have in common, when enough have been seen to say so."""
    if found.total() < _ENOUGH:
        return ()
    common = set.intersection(*(set(kind) for kind in found))
    return tuple(sorted((name, value) for name, value in common if name != "cohort"))


def _spread(counts: Sequence[int]) -> Spread:
    low, high = np.quantile(counts, _ENDS)
    return Spread(float(np.mean(counts)), float(low), float(high))
