"""A what-if at many points: read and checked as a whole, then run point by point beside one reference."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.axes import Axis
from crksim.interface.cases import load_case
from crksim.interface.setting_up import set_up

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crksim.analysis.ensemble import Ensemble, WorldStudy
    from crksim.analysis.pool import Pool, Progress
    from crksim.analysis.replay import Check
    from crksim.interface.cases import Case
    from crksim.interface.settings import Settings
    from crksim.model.clock import Window
    from crksim.output.kept import Kept

__all__ = ["Bar", "Experiment", "gathered", "plain_manifest", "set_up_experiment"]

#: Called with the number of members in all; gives what is called with (done, total).
Bar = Callable[[int], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class Experiment:
    """A what-if some of whose addresses take many values.

    Parameters
    ----------
    settings : Settings
        What to run and how.
    changes : tuple of str
        ``address=value`` words that hold at every point.
    axes : tuple of Axis
        The addresses with many values.
    case : Case
        The what-if at its first point, and its references.
    window : Window
        Span that is measured.
    ensemble : Ensemble or None
        The versions; None is draws from the ledger.
    check : Check
        What the check against the report says of them.
    kept : Kept or None
        Where results are kept.
    """

    settings: Settings
    changes: tuple[str, ...]
    axes: tuple[Axis, ...]
    case: Case
    window: Window
    ensemble: Ensemble | None
    check: Check
    kept: Kept | None = None

    def world(self, values: Sequence[str]) -> WorldStudy:
        """Return the what-if with one value for each axis.

        Raises
        ------
        InputError
            A value that its address does not take.
        """
        words = [axis.word(value) for axis, value in zip(self.axes, values, strict=True)]
        name, reference = self.settings.scenario, [self.case.worlds[0].id]
        return load_case(name, [*self.changes, *words], reference).worlds[-1]

    def run(self, world: WorldStudy, measures: Sequence[str], pool: Pool, progress: Progress) -> NDArray[np.float64]:
        """Run one world alone on the luck of all the others; return values of shape (members, futures, measures)."""
        from crksim.analysis.points import run_alone

        settings = self.settings
        return run_alone(
            self.case.worlds[0],
            world,
            self.case.ledger,
            measures=measures,
            members=settings.members,
            futures=settings.futures,
            seed=settings.seed,
            window=self.window,
            ensemble=None if self.ensemble is None else self.ensemble.members,
            pool=pool,
            progress=progress,
            kept=self.kept,
        )

    @property
    def told(self) -> dict[str, Any]:
        """What decides the numbers, as plain data for the manifest."""
        import crksim
        from crksim.analysis.code import code_mark

        settings = self.settings
        return {
            "version": crksim.__version__,
            "code": code_mark(),
            "scenario": settings.scenario,
            "changes": list(self.changes),
            "axes": [vars(axis) for axis in self.axes],
            "reference": self.case.worlds[0].id,
            "members": settings.members,
            "futures": settings.futures,
            "seed": settings.seed,
            "window": [self.case.date_of(self.window.start), self.case.date_of(self.window.end - 1.0)],
            "ensemble": self.check.ensemble,
            "check": self.check.status,
        }

    def mark(self, *more: object) -> str:
        """Return a short mark of everything that decides the numbers: equal marks, equal numbers."""
        worlds = [[world.study, world.changes] for world in self.case.worlds]
        text = json.dumps([self.told, worlds, self.case.ledger, *more], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def set_up_experiment(settings: Settings, changes: Sequence[str], axes: Sequence[Axis]) -> Experiment:
    """Read a what-if and try every value of every axis by itself, before anything runs.

    Parameters
    ----------
    settings : Settings
        What to run and how.
    changes : sequence of str
        ``address=value`` words that hold at every point.
    axes : sequence of Axis
        The addresses with many values.

    Raises
    ------
    InputError
        Anything wrong in any of it; the ends of every axis are tried.
    """

    def words(far: int | None = None) -> list[str]:
        ends = [axis.values or (f"{axis.low:g}", f"{axis.high:g}") for axis in axes]
        return [
            axis.word(own[-1 if place == far else 0]) for place, (axis, own) in enumerate(zip(axes, ends, strict=True))
        ]

    case, window, ensemble, check = set_up(settings, [*changes, *words()])
    reference = [case.worlds[0].id]
    gathered(
        *(lambda far=far: load_case(settings.scenario, [*changes, *words(far)], reference) for far in range(len(axes)))
    )
    return Experiment(settings, tuple(changes), tuple(axes), case, window, ensemble, check)


def gathered(*reading: Callable[[], Any]) -> list[Any]:
    """Return what every function gives, or raise the faults of all of them together, each once.

    Parameters
    ----------
    *reading : callable
        Each returns a value or raises `InputError`.

    Raises
    ------
    InputError
        When any of them does.
    """
    found: list[Any] = []
    problems: list[Problem] = []
    for read in reading:
        try:
            found.append(read())
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(list({str(problem): problem for problem in problems}.values()))
    return found


def plain_manifest(told: Mapping[str, Any]) -> str:
    """Return a manifest as text."""
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"
