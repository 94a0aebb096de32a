"""What a run needs before it begins: the case, the span that is measured, the versions, and a folder to write to."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crksim.errors import InputError, Problem
from crksim.interface.cases import Case, load_case
from crksim.interface.settings import Settings
from crksim.interface.sheets import COMMAND_LINE

if TYPE_CHECKING:
    from crksim.analysis.ensemble import Ensemble
    from crksim.analysis.replay import Check
    from crksim.model.clock import Window

__all__ = ["check_writable", "measured_window", "ready_case", "set_up", "versions_of"]


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
    case = ready_case(settings, changes)
    return case, measured_window(case, settings), *versions_of(case, settings)


def ready_case(settings: Settings, changes: Sequence[str]) -> Case:
    """Return a case that can run: its span and its versions fit, and the folder can be written to.

    Parameters
    ----------
    settings, changes
        As in `set_up`.

    Raises
    ------
    InputError
        Anything wrong in the input.
    """
    case = load_case(settings.scenario, changes, settings.references)
    measured_window(case, settings)
    versions_of(case, settings)
    check_writable(settings.out)
    return case


def check_writable(folder: Path) -> None:
    """Refuse before the work a folder that cannot be made or written to, and leave no trace of having tried.

    Parameters
    ----------
    folder : Path
        Where the folder of a run is to be made.

    Raises
    ------
    InputError
        When nothing can be made there.
    """
    try:
        found = folder.absolute()
        while not found.exists():
            found = found.parent
        able = found.is_dir() and os.access(found, os.W_OK)
        if able:
            tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=found).cleanup()
    except OSError as error:
        # A disk that is full is told of when it takes no more, with what is kept.
        able = error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not able:
        raise InputError([Problem("out", str(folder), "must be a folder that can be written to", file=COMMAND_LINE)])


def measured_window(case: Case, settings: Settings) -> Window:
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


def versions_of(case: Case, settings: Settings) -> tuple[Ensemble | None, Check]:
    """Return the versions of a run, None for draws from the ledger, and what the check against the report says."""
    from crksim.interface.ensembles import load_ensemble, standing

    ensemble = load_ensemble(settings.versions, case.studies[0].network)
    if ensemble is not None and settings.members > len(ensemble.members):
        rule = f"must be at most {len(ensemble.members)}, the size of the ensemble"
        raise InputError([Problem("members", settings.members, rule, file=COMMAND_LINE)])
    return ensemble, standing(settings.versions, ensemble, case.ledger)
