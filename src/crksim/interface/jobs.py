"""A run from its settings to its folder: what the command line, a page and notebooks call."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from crksim.interface.alike import Added, against_own, with_added
from crksim.interface.attributing import TakenApart, take_apart
from crksim.interface.cases import Case
from crksim.interface.files import data_dir
from crksim.interface.keeping import keeping
from crksim.interface.pools import open_workers, workers_for
from crksim.interface.pricing import costs_of
from crksim.interface.setting_up import measured_window, ready_case, versions_of
from crksim.interface.settings import SETTINGS, Settings
from crksim.interface.simulating import first_stays, prior_replications, replicated, until_settled
from crksim.interface.watching import Finished, Watch

if TYPE_CHECKING:
    from crksim.analysis.ensemble import Ensemble
    from crksim.analysis.pool import Pool
    from crksim.analysis.replay import Check
    from crksim.analysis.replications import Replications
    from crksim.analysis.results import Count, Result
    from crksim.output.kept import Kept

__all__ = ["STAMP", "attribute", "run", "run_all", "run_case"]

#: How the name of a folder tells when its run began.
STAMP = "%Y-%m-%d_%H-%M-%S"
#: Points on either side over which a course is averaged: nine weeks in all.
SERIES_SMOOTH = 4


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
    with keeping(settings, settings.lang) as kept, _pool(settings) as pool:
        case = ready_case(settings, changes)
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
    case = ready_case(settings, changes)
    case = replace(case, worlds=(case.worlds[0], case.worlds[-1]), studies=(case.studies[0], case.studies[-1]))
    taken = take_apart(case, settings.lang)
    with keeping(settings, settings.lang) as kept, _pool(settings) as pool:
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
    cases = [ready_case(settings, changes) for settings, changes in runs]
    found: list[Finished] = []
    asked = zip(_names(runs), cases, runs, strict=True)
    try:
        for _, group in groupby(asked, key=lambda one: _chosen(one[2][0])):
            same = list(group)
            with keeping(runs[0][0], runs[0][0].lang) as kept, _pool(same[0][2][0]) as pool:
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

    began, started = time.perf_counter(), datetime.now().astimezone()
    before = kept.found if kept is not None else 0
    worlds = taken.worlds if taken else case.worlds
    watch.begins(case, settings, len(worlds))
    ensemble, check = versions_of(case, settings)
    counts = counts_to_keep(case.questions, case.touched, case.study, case.begins)
    references = 1 if taken else max(len(worlds) - 1, 1)
    run_at = partial(replicated, case, worlds, counts, ensemble, watch, pool, kept, references)
    precision = None
    if settings.precision == "auto" and len(worlds) > 1:
        precision, found = until_settled(case, settings, ensemble, run_at)
        settings = replace(settings, members=precision.looks[-1].members, futures=precision.looks[-1].futures)
    else:
        found = run_at(settings)
    # Counted before the versions that know nothing of the report run: they are not among the futures of the run.
    if kept is not None and kept.found > before and precision is None:
        watch.reuses(kept.found - before, settings.members * settings.futures)
    priors = None if ensemble is None else prior_replications(case, settings, pool, kept)
    watch.writes()
    whole = replace(found, worlds=(found.worlds[0], found.worlds[-1])) if taken else found
    result = replace(
        _result(case, settings, whole, counts, priors, check),
        left=ensemble.left if ensemble else {},
        readings=() if changes or not against_own(case) else readings(settings.versions, ensemble, case.name),
        precision=precision,
        costs=costs_of(case, whole),
    )
    if taken:
        result = replace(result, attribution=taken.rows(found, case.questions))
    manifest = {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - began, 1),
        "workers": settings.workers,
        "command": "attribute" if taken else "run",
        "settings": settings.again(),
        "changes": list(changes),
        "window": settings.window or "auto",
        "git": _commit(),
        **({} if case.added is None else {"added": case.added.plain}),
    }
    wished = settings.out / f"{case.name}_{started.strftime(STAMP)}"
    finished = Finished(_write(case, settings, result, wished, manifest, ensemble), result, case.name)
    watch.ends(finished, time.perf_counter() - began)
    return finished


def _write(
    case: Case,
    settings: Settings,
    result: Result,
    wished: Path,
    manifest: Mapping[str, object],
    ensemble: Ensemble | None,
) -> Path:
    """Write the folder of a run and return it."""
    from crksim.output.rundir import write_run

    return write_run(
        result,
        wished,
        study_dict=case.study.source,
        scenario_dict=case.resolved,
        manifest=manifest,
        evidence=case.evidence(),
        lang=settings.lang,
        stays=first_stays(case, settings, ensemble) if settings.stays else None,
        reference_dict=case.worlds[0].study,
    )


def _result(
    case: Case,
    settings: Settings,
    found: Replications,
    counts: tuple[Count, ...],
    priors: Replications | None,
    check: Check,
) -> Result:
    from crksim.analysis.comparison import compare
    from crksim.analysis.prior_column import with_priors
    from crksim.analysis.questions import parameters_touched
    from crksim.analysis.replications import series_rows
    from crksim.analysis.results import Result
    from crksim.analysis.targets import replay_rows
    from crksim.interface.ensembles import ranges

    window = measured_window(case, settings)
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
        replay=replay_rows(case.targets, found.replay, ranges(settings.versions, check)),
        check=check,
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
