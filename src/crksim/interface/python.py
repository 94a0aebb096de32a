"""crksim from Python: what-ifs are run by what the command line calls, and their tables are data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.cases import Case, load_case
from crksim.interface.files import data_dir, read_yaml
from crksim.interface.frames import Beside, Run, Swept
from crksim.interface.settings import Settings, read_settings, spoken
from crksim.interface.telling import told_in

if TYPE_CHECKING:
    from crksim.interface.watching import Finished

__all__ = ["Beside", "Run", "Swept", "WhatIf", "load"]

#: A change as it is typed: ``6``, ``"3 months"``, ``"times(1.2)"``, True for a switch.
Value = str | int | float | bool


def load(scenario: str | Sequence[str], changes: Mapping[str, Value] | None = None, **settings: Any) -> WhatIf:
    """Return a what-if, checked and ready to run.

    Parameters
    ----------
    scenario : str or sequence of str
        Name of a scenario, or of several at once.
    changes : mapping of str to value, optional
        Address -> value as typed on the command line: ``{"services.x.places.hard": 6}``, ``{"switch.y": True}``.
    **settings
        Settings of ``conf/config.yaml``: ``members``, ``futures``, ``seed``, ``workers``, ``lang``, ``out`` ...

    Raises
    ------
    InputError
        Anything wrong in any of it, a line for each fault.
    """
    values = {**read_yaml(data_dir("conf") / "config.yaml").data, "progress": False, **settings}
    values["scenario"] = scenario if isinstance(scenario, str) else list(scenario)
    with told_in(spoken(values.get("lang"))):
        return WhatIf(read_settings(values), tuple(f"{at}={_typed(value)}" for at, value in (changes or {}).items()))


def _typed(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Quiet:
    """Somebody who watches a run and says nothing."""

    folder: Path | None = None

    def begins(self, case: Case, settings: Settings, worlds: int) -> None:
        """Say nothing."""

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[int, int], None]]:
        """Count for nobody."""
        yield lambda done, total: None

    def reuses(self, found: int, total: int) -> None:
        """Say nothing."""

    def writes(self) -> None:
        """Say nothing."""

    def ends(self, finished: Finished, seconds: float) -> None:
        """Say nothing."""

    def compares(self, runs: Sequence[Finished], folder: Path) -> None:
        """Keep where the comparison lies."""
        self.folder = folder


class WhatIf:
    """A what-if with its settings.

    Parameters
    ----------
    settings : Settings
        What to run and how.
    changes : tuple of str
        ``address=value`` words; they belong to the what-if, never to a reference.
    """

    def __init__(self, settings: Settings, changes: tuple[str, ...] = ()) -> None:
        self.settings = settings
        self.words = changes
        self.case = load_case(settings.scenario, changes, settings.references)

    @property
    def title(self) -> str:
        """What it is called."""
        return str(getattr(self.case.scenario.title, self.settings.lang))

    @property
    def question(self) -> str:
        """What it asks."""
        return str(getattr(self.case.scenario.question, self.settings.lang))

    @property
    def changes(self) -> list[str]:
        """What it changes and what it is compared with, in plain words."""
        return self.case.lines(self.settings.lang)

    def __repr__(self) -> str:
        return "\n".join([self.title, self.question, *self.changes])

    def with_settings(self, **settings: Any) -> WhatIf:
        """Return the same what-if with other settings.

        Raises
        ------
        InputError
            A setting that is wrong.
        """
        with self._told(settings):
            return WhatIf(_changed(self.settings, settings), self.words)

    def _told(self, settings: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Let what is raised be told in the language of the settings that are asked."""
        return told_in(spoken(settings.get("lang", self.settings.lang)))

    def run(self, **settings: Any) -> Run:
        """Run it against its references and write its folder, as ``crksim scenario=...`` does.

        Parameters
        ----------
        **settings
            Settings that differ from those given to `load`.

        Raises
        ------
        InputError, CheckError
            As the command does.
        """
        from crksim.interface.jobs import run

        with self._told(settings):
            chosen = _changed(self.settings, settings)
            return Run(run(chosen, self.words, _Quiet()), self.case, chosen.lang)

    def compare(self, *others: WhatIf, **settings: Any) -> Beside:
        """Run it and others one after the other and put them beside each other, as ``crksim -m`` does.

        Parameters
        ----------
        *others : WhatIf
            What-ifs of the same span, each with its own changes.
        **settings
            Settings that hold for all of them; others are those of this one.

        Raises
        ------
        InputError, CheckError
            As the command does; with no other what-if too.
        """
        from crksim.interface.jobs import run_all

        watch = _Quiet()
        with self._told(settings):
            if not others:
                raise InputError([Problem("compare", "", "needs another what-if: a.compare(b)")])
            chosen = _changed(self.settings, settings)
            asked = [(replace(chosen, scenario=one.settings.scenario), one.words) for one in (self, *others)]
            runs = list(zip(run_all(asked, watch), (self, *others), strict=True))
        assert watch.folder is not None
        return Beside(tuple(Run(run, one.case, chosen.lang) for run, one in runs), watch.folder, chosen.lang)

    def sweep(
        self,
        axes: Mapping[str, str],
        *,
        design: str = "grid",
        points: int = 0,
        measures: Sequence[str] = (),
        **settings: Any,
    ) -> Swept:
        """Run it at many points, or go on where that was cut off, as ``crksim sweep`` does.

        Parameters
        ----------
        axes : mapping of str to str
            Address -> values: ``"4..12"``, ``"4,6,8"``, ``"times(0.8,1.2)"``, ``"30..90..15 days"``.
        design : str
            As for the command.
        points : int
            Number of points where the design is no grid.
        measures : sequence of str
            Output addresses; those that decide the question when there are none.
        **settings
            Settings that differ from those given to `load`.

        Raises
        ------
        InputError, CheckError, KeyboardInterrupt
            As the command does; what was run before an interrupt is kept.
        """
        from crksim.interface.sweeping import Sweep, sweep_levers

        words = [*self.words, *(f"{address}={values}" for address, values in axes.items())]
        given = Sweep(design, points, ",".join(measures))
        with self._told(settings):
            chosen = _changed(self.settings, settings)
            folder = sweep_levers(chosen, words, given, lambda line: None, _Quiet().progress)
        if folder is None:
            raise KeyboardInterrupt
        return Swept(folder, self.case, chosen.lang)


def _changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return settings with some of them changed, checked as a whole."""
    if not changes:
        return settings
    unset = {"references": "all", "window": "auto"}
    kept = {name: unset[name] if value is None else value for name, value in vars(settings).items()}
    return read_settings({**kept, **changes})
