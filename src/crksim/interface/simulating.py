"""The worlds of a case, simulated: at one size, at growing ones, and on versions from before the report's counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crksim.interface.cases import Case
from crksim.interface.pricing import cost_addresses
from crksim.interface.setting_up import measured_window
from crksim.interface.settings import Settings
from crksim.interface.watching import Watch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crksim.analysis.ensemble import Ensemble, WorldStudy
    from crksim.analysis.pool import Pool
    from crksim.analysis.replications import Replications
    from crksim.analysis.results import Count, Precision
    from crksim.output.kept import Kept
    from crksim.simulation.staylog import StayLog

__all__ = ["first_stays", "prior_replications", "replicated", "until_settled"]

#: Days between two points of the number present over time.
SERIES_STEP = 7.0


def replicated(
    case: Case,
    worlds: Sequence[WorldStudy],
    counts: Sequence[Count],
    ensemble: Ensemble | None,
    watch: Watch,
    pool: Pool,
    kept: Kept | None,
    references: int,
    settings: Settings,
) -> Replications:
    """Run the worlds of a case at one size.

    Parameters
    ----------
    case : Case
        What is asked, and of what.
    worlds : sequence of WorldStudy
        What is simulated: the worlds of the case, or some of its changes too.
    counts : sequence of Count
        What is measured beside what is asked.
    ensemble : Ensemble or None
        The versions; None is draws from the ledger.
    watch : Watch
        Who is shown how far it is.
    pool : Pool
        Workers.
    kept : Kept or None
        Results that need not be simulated again.
    references : int
        So many worlds, from the first, are references.
    settings : Settings
        With the size of the run.
    """
    from crksim.analysis.replications import replicate
    from crksim.output.rundir import prepare

    asked = {question.measure: None for question in case.questions}
    days = [step * SERIES_STEP for step in range(int(case.study.end // SERIES_STEP) + 1)]
    with watch.progress(settings.members) as progress:

        def told(done: int, total: int) -> None:
            if settings.workers != 1:
                prepare()  # the workers are busy, and this process is not
            progress(done, total)

        return replicate(
            worlds,
            case.ledger,
            measures=list(asked | {count.measure: None for count in counts} | dict.fromkeys(cost_addresses(case))),
            members=settings.members,
            futures=settings.futures,
            seed=settings.seed,
            window=measured_window(case, settings),
            replay=[target.measure for target in case.targets],
            pool=pool,
            progress=told,
            series_services=[service.id for service in case.study.network.services],
            series_days=days,
            theta_overrides=None if ensemble is None else ensemble.members,
            kept=kept,
            references=references,
        )


def until_settled(
    case: Case, settings: Settings, ensemble: Ensemble | None, run_at: Callable[[Settings], Replications]
) -> tuple[Precision, Replications]:
    """Run ever larger designs until the first question is settled or cannot be; return how, and the last of them.

    Parameters
    ----------
    case : Case
        Whose first question it is.
    settings : Settings
        With the size to begin with, and the budget.
    ensemble : Ensemble or None
        The versions, beyond which there are none; None is draws from the ledger.
    run_at : callable
        Runs the case with other settings.
    """
    from crksim.analysis.precision import add_until_settled

    kept: list[Replications] = []
    question = case.questions[0]

    def differences(members: int, futures: int) -> NDArray[np.float64]:
        kept[:] = [run_at(replace(settings, members=members, futures=futures))]
        found = kept[0]
        column = found.measures.index(question.measure)
        return (found.worlds[-1].values - found.worlds[0].values)[:, :, column]

    most = settings.budget if ensemble is None else len(ensemble.members)
    precision = add_until_settled(
        differences,
        question,
        members=settings.members,
        futures=settings.futures,
        budget=settings.budget,
        most=most,
    )
    return precision, kept[0]


def first_stays(case: Case, settings: Settings, ensemble: Ensemble | None) -> dict[str, StayLog]:
    """Return the single stays of the first future of the first version, by world."""
    from crksim.analysis.examples import first_logs

    return first_logs(case.worlds, case.ledger, settings.seed, None if ensemble is None else ensemble.members)


def prior_replications(case: Case, settings: Settings, pool: Pool, kept: Kept | None) -> Replications | None:
    """Run main reference and what-if on versions from before the report's counts were looked at, one future each."""
    from crksim.analysis.replications import replicate
    from crksim.interface.ensembles import before_report

    worlds = (case.worlds[0], case.worlds[-1])
    members = min(settings.prior_members, settings.members)
    if members < 2 or len(case.worlds) < 2:
        return None
    return replicate(
        worlds,
        before_report(case.ledger),
        measures=[question.measure for question in case.questions],
        members=members,
        futures=1,
        seed=settings.seed,
        window=measured_window(case, settings),
        pool=pool,
        kept=kept,
    )
