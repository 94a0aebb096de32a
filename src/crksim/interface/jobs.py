"""A run from its settings to its folder: what the command line, a page and notebooks call."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from crksim.errors import InputError, Problem
from crksim.interface.alike import Added, against_own, with_added
from crksim.interface.attributing import TakenApart, take_apart
from crksim.interface.cases import Case, load_case
from crksim.interface.files import data_dir
from crksim.interface.keeping import keeping
from crksim.interface.pools import open_workers, workers_for
from crksim.interface.settings import SETTINGS, Settings
from crksim.interface.sheets import COMMAND_LINE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crksim.analysis.ensemble import Ensemble, WorldStudy
    from crksim.analysis.pool import Pool
    from crksim.analysis.replications import Replications
    from crksim.analysis.results import Check, CostRow, Count, Precision, Result
    from crksim.model.clock import Window
    from crksim.output.kept import Kept
    from crksim.simulation.staylog import StayLog

__all__ = ["STAMP", "Finished", "Watch", "attribute", "run", "run_all", "run_case", "set_up"]

#: How the name of a folder tells when its run began.
STAMP = "%Y-%m-%d_%H-%M-%S"
#: Days between two points of the number present over time.
SERIES_STEP = 7.0
#: Points on either side over which a course is averaged: nine weeks in all.
SERIES_SMOOTH = 4


@dataclass(frozen=True)
class Finished:
    """A run that is done.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    result : Result
        What it found.
    name : str
        What the run is called beside others.
    """

    folder: Path
    result: Result
    name: str


class Watch(Protocol):
    """Somebody who watches a run."""

    def begins(self, case: Case, settings: Settings, worlds: int) -> None:
        """Be told what is going to run."""

    def progress(self, total: int) -> AbstractContextManager[Callable[[int, int], None]]:
        """Give what is called with (done, total)."""

    def reuses(self, found: int, total: int) -> None:
        """Be told how many results (single futures) were there already."""

    def stops(self, told: str) -> None:
        """Be told what is kept, when somebody interrupts."""

    def writes(self) -> None:
        """Be told that everything is computed."""

    def ends(self, finished: Finished, seconds: float) -> None:
        """Be told what was found and where it lies."""

    def compares(self, runs: Sequence[Finished], folder: Path) -> None:
        """Be told of all runs of a multirun and where their comparison lies."""


def set_up(settings: Settings, changes: Sequence[str]) -> tuple[Case, Window, Ensemble | None, Check]:
    """Return what a run needs before it begins: the case, the span measured, the versions, what the check says of them.

    Parameters
    ----------
    settings : Settings
        What to run and how.
    changes : sequence of str
        ``address=value`` each; they belong to the what-if.

    Raises
    ------
    InputError
        Anything wrong in the input.
    """
    case = _load(settings, changes)
    return case, _window(case, settings), *_ensemble(case, settings)


def run(settings: Settings, changes: Sequence[str], watch: Watch, added: Added | None = None) -> Finished:
    """Run a what-if against its references and write the folder of the run.

    Parameters
    ----------
    settings : Settings
        What to run and how.
    changes : sequence of str
        ``address=value`` each; they belong to the what-if, never to a reference.
    watch : Watch
        Who is told of it.
    added : Added, optional
        What it was asked beside, when it was compared with others.

    Raises
    ------
    InputError
        Anything wrong in the input; nothing has been written then.
    CheckError
        A replication failed; what came before it is kept.
    DiskError
        The disk is full; what came before is kept.
    """
    with keeping(settings, settings.lang, watch.stops) as kept, _pool(settings) as pool:
        case = _load(settings, changes)
        case = case if added is None else with_added(case, added)
        return run_case(case, settings, changes, watch, pool, kept)


def attribute(settings: Settings, changes: Sequence[str], watch: Watch) -> Finished:
    """Run a what-if and every part of it, and write the folder of the run with what each change does.

    Parameters
    ----------
    settings : Settings
        What to run and how; the main reference is the only one.
    changes : sequence of str
        ``address=value`` each; they belong to the what-if.
    watch : Watch
        Who is told of it.

    Raises
    ------
    InputError
        Anything wrong in the input, or a what-if of fewer than two changes.
    """
    case = _load(settings, changes)
    case = replace(case, worlds=(case.worlds[0], case.worlds[-1]), studies=(case.studies[0], case.studies[-1]))
    taken = take_apart(case, settings.lang)
    with keeping(settings, settings.lang, watch.stops) as kept, _pool(settings) as pool:
        return run_case(case, settings, changes, watch, pool, kept, taken)


def run_all(runs: Sequence[tuple[Settings, Sequence[str]]], watch: Watch) -> list[Finished]:
    """Run several what-ifs one after the other, and compare them at the end, on screen and in a folder of its own.

    Parameters
    ----------
    runs : sequence of (Settings, sequence of str)
        What `run` takes, for each of them.
    watch : Watch
        Who is told of it.

    Raises
    ------
    InputError
        Anything wrong in the input of any of them; nothing has run then.
    """
    cases = [_load(settings, changes) for settings, changes in runs]
    found: list[Finished] = []
    asked = zip(_names(runs), cases, runs, strict=True)
    try:
        for _, group in groupby(asked, key=lambda one: _chosen(one[2][0])):
            same = list(group)
            with keeping(runs[0][0], runs[0][0].lang, watch.stops) as kept, _pool(same[0][2][0]) as pool:
                for name, case, (settings, changes) in same:
                    found.append(replace(run_case(case, settings, changes, watch, pool, kept), name=name))
    finally:
        if len(found) > 1:
            watch.compares(found, _write_beside(found, runs[0][0]))
    return found


def _write_beside(runs: Sequence[Finished], settings: Settings) -> Path:
    """Write the comparison of several runs beside their folders, and return its own."""
    from crksim.output.report import Compared
    from crksim.output.rundir import write_comparison

    stamp = datetime.now().astimezone().strftime(STAMP)
    told = [
        Compared(one.name, Path(os.path.relpath(one.folder, settings.out / "_")).as_posix(), one.result) for one in runs
    ]
    return write_comparison(told, settings.out / f"comparison_{stamp}", settings.lang)


def _chosen(settings: Settings) -> tuple[str, str, int]:
    """Return what chooses the pool of a run."""
    return settings.pool, settings.address, workers_for(settings, _units(settings))


def _units(settings: Settings) -> int:
    """Return how many units of work a run can have."""
    return settings.budget if settings.precision == "auto" else settings.members


def _pool(settings: Settings) -> AbstractContextManager[Pool]:
    """Give the pool of a run."""
    return open_workers(settings, _units(settings))


def _names(runs: Sequence[tuple[Settings, Sequence[str]]]) -> list[str]:
    """Return a short name for every run: what it does not share with all the others."""
    words = [
        [str(settings.scenario), *(f"{name}={getattr(settings, name)}" for name in SETTINGS[1:]), *changes]
        for settings, changes in runs
    ]
    shared = set(words[0]).intersection(*words[1:])
    return [" ".join(_short(word) for word in own if word not in shared) or own[0] for own in words]


def _short(word: str) -> str:
    """Return ``places.hard=6`` of ``services.x.places.hard=6``."""
    address, sign, value = word.partition("=")
    return ".".join(address.split(".")[-2:]) + sign + value


def _load(settings: Settings, changes: Sequence[str]) -> Case:
    case = load_case(settings.scenario, changes, settings.references)
    _window(case, settings)
    _ensemble(case, settings)
    _check_writable(settings.out)
    return case


def _check_writable(folder: Path) -> None:
    """Refuse before the work what would fail after it."""
    found = folder.absolute()
    while not found.exists():
        found = found.parent
    if not (found.is_dir() and os.access(found, os.W_OK)):
        raise InputError([Problem("out", str(folder), "must be a folder that can be written to", file=COMMAND_LINE)])


def _window(case: Case, settings: Settings) -> Window:
    """Return the span that is measured: the one asked for, or from the scenario's date to the end."""
    from crksim.model.clock import Window, parse_window

    study = case.study
    if settings.window is None:
        return Window(case.begins, study.end)
    window = parse_window(settings.window, study.start)
    if not 0.0 <= window.start < window.end <= study.end:
        rule = f"must lie within the study, {study.start} to {case.date_of(study.end - 1.0)}"
        raise InputError([Problem("window", settings.window, rule, file=COMMAND_LINE)])
    return window


def run_case(
    case: Case,
    settings: Settings,
    changes: Sequence[str],
    watch: Watch,
    pool: Pool,
    kept: Kept | None = None,
    taken: TakenApart | None = None,
) -> Finished:
    """Run a case that has been read and write its folder.

    Parameters
    ----------
    case : Case
        What is run.
    settings, changes, watch
        As in `run`.
    pool : Pool
        Workers.
    kept : Kept, optional
        Results that need not be simulated again.
    taken : TakenApart, optional
        The parts of the what-if that run too.
    """
    from crksim.analysis.followup import counts_to_keep
    from crksim.interface.ensembles import readings
    from crksim.output.rundir import write_run

    began, started = time.perf_counter(), datetime.now().astimezone()
    before = kept.found if kept is not None else 0
    worlds = taken.worlds if taken else case.worlds
    watch.begins(case, settings, len(worlds))
    ensemble, check = _ensemble(case, settings)
    counts = counts_to_keep(case.questions, case.touched, case.study, case.begins)
    references = 1 if taken else max(len(worlds) - 1, 1)
    run_at = partial(_replicated, case, worlds, counts, ensemble, watch, pool, kept, references)
    precision = None
    if settings.precision == "auto" and len(worlds) > 1:
        precision, found = _precise(case, settings, ensemble, run_at)
        settings = replace(settings, members=precision.looks[-1].members, futures=precision.looks[-1].futures)
    else:
        found = run_at(settings)
    priors = None if ensemble is None else _priors(case, settings, pool, kept)
    if kept is not None and kept.found > before and precision is None:
        watch.reuses(kept.found - before, settings.members * settings.futures)
    watch.writes()
    whole = replace(found, worlds=(found.worlds[0], found.worlds[-1])) if taken else found
    result = replace(
        _result(case, settings, whole, counts, priors),
        check=check,
        left=ensemble.left if ensemble else {},
        readings=() if changes or not against_own(case) else readings(settings.versions, ensemble, case.name),
        precision=precision,
        costs=_costs(case, whole),
    )
    if taken:
        result = replace(result, attribution=taken.rows(found, case.questions))
    stamp = started.strftime(STAMP)
    folder = write_run(
        result,
        settings.out / f"{case.name}_{stamp}",
        study_dict=case.study.source,
        scenario_dict=case.resolved,
        manifest={
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - began, 1),
            "workers": settings.workers,
            "command": "attribute" if taken else "run",
            "settings": settings.again(),
            "changes": list(changes),
            "window": settings.window or "auto",
            "git": _commit(),
            **({} if case.added is None else {"added": case.added.plain}),
        },
        evidence=case.evidence(),
        lang=settings.lang,
        stays=_stays(case, settings, ensemble) if settings.stays else None,
        reference_dict=case.worlds[0].study,
    )
    finished = Finished(folder, result, case.name)
    watch.ends(finished, time.perf_counter() - began)
    return finished


def _replicated(
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
    """Run the worlds of a case at one size."""
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
            measures=list(asked | {count.measure: None for count in counts} | dict.fromkeys(_priced(case))),
            members=settings.members,
            futures=settings.futures,
            seed=settings.seed,
            window=_window(case, settings),
            replay=[target.measure for target in case.targets],
            pool=pool,
            progress=told,
            series_services=[service.id for service in case.study.network.services],
            series_days=days,
            theta_overrides=None if ensemble is None else ensemble.members,
            kept=kept,
            references=references,
        )


def _priced(case: Case) -> list[str]:
    """Return what has to be measured for the costs; nothing without prices."""
    from crksim.analysis.costing import cost_measures

    own = cost_measures(case.scenario.prices, case.questions[0].measure, case.study.network)
    return [*own, *(case.added.measures if case.added else ())]


def _costs(case: Case, found: Replications) -> tuple[CostRow, ...]:
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


def _precise(
    case: Case, settings: Settings, ensemble: Ensemble | None, run_at: Callable[[Settings], Replications]
) -> tuple[Precision, Replications]:
    """Run ever larger designs until the first question is settled or cannot be; return how, and the last of them."""
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


def _stays(case: Case, settings: Settings, ensemble: Ensemble | None) -> dict[str, StayLog]:
    """Return the single stays of the first future of the first version, by world."""
    from crksim.analysis.examples import first_logs

    return first_logs(case.worlds, case.ledger, settings.seed, None if ensemble is None else ensemble.members)


def _ensemble(case: Case, settings: Settings) -> tuple[Ensemble | None, Check]:
    """Return the versions of a run, None for draws from the ledger, and what the check against the report says."""
    from crksim.interface.ensembles import load_ensemble, standing

    ensemble = load_ensemble(settings.versions, case.studies[0].network)
    if ensemble is not None and settings.members > len(ensemble.members):
        rule = f"must be at most {len(ensemble.members)}, the size of the ensemble"
        raise InputError([Problem("members", settings.members, rule, file=COMMAND_LINE)])
    return ensemble, standing(settings.versions, ensemble, case.ledger)


def _priors(case: Case, settings: Settings, pool: Pool, kept: Kept | None) -> Replications | None:
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
        window=_window(case, settings),
        pool=pool,
        kept=kept,
    )


def _result(
    case: Case, settings: Settings, found: Replications, counts: tuple[Count, ...], priors: Replications | None
) -> Result:
    from crksim.analysis.comparison import compare, replay_rows
    from crksim.analysis.prior_column import with_priors
    from crksim.analysis.questions import parameters_touched
    from crksim.analysis.replications import series_rows
    from crksim.analysis.results import Result

    window = _window(case, settings)
    comparison = compare(found.worlds, found.measures, case.questions)
    if priors is not None:
        comparison = with_priors(comparison, found.measures, found.worlds, priors.worlds)
    return Result(
        scenario=case.name,
        title=case.scenario.title,
        question=case.scenario.question,
        measures=found.measures,
        members=settings.members,
        futures=settings.futures,
        seed=settings.seed,
        worlds=found.worlds,
        comparison=comparison,
        series=series_rows(found, case.studies, smooth=SERIES_SMOOTH, breaks=[case.begins]),
        replay=replay_rows(case.targets, found.replay),
        flows={world.id: found.flows[world.id] for world in found.worlds},
        changes=case.told,
        window=(case.date_of(window.start), case.date_of(window.end - 1.0)),
        touched=case.touched,
        rests_on=parameters_touched(case.touched, case.study.source),
        not_replayed=case.not_replayed,
        theta=found.theta,
        counts=counts,
    )


def _commit() -> str | None:
    """Return the git commit of the source, when it runs from a working copy."""
    top = data_dir("conf").parent
    if not (top / ".git").exists():
        return None
    try:
        words = ["git", "-C", str(top), "rev-parse", "HEAD"]
        told = subprocess.run(words, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()
