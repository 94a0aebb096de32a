"""crksim from Python: what-ifs are run by what the command line calls, and their tables are data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.cases import Case, load_case
from crksim.interface.files import data_dir, read_yaml
from crksim.interface.settings import Settings, read_settings, spoken
from crksim.interface.telling import told_in
from crksim.interface.texts import say

if TYPE_CHECKING:
    import pandas as pd

    from crksim.interface.jobs import Finished

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

    def stops(self, told: str) -> None:
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


@dataclass(frozen=True, repr=False)
class Run:
    """A run that is done.

    Parameters
    ----------
    finished : Finished
        Folder and result.
    case : Case
        The what-if.
    lang : str
        Language of labels and units.
    """

    finished: Finished
    case: Case
    lang: str

    @property
    def folder(self) -> Path:
        """Where everything lies."""
        return self.finished.folder

    @property
    def report(self) -> Path:
        """The page to read and to forward."""
        return self.folder / "report.html"

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of the run by the stem of its file, as in the folder."""
        from crksim.output.tables import result_tables

        return result_tables(self.finished.result, ())

    @property
    def comparison(self) -> pd.DataFrame:
        """A row for every measure and reference: both means, the likely range of the difference, the verdict."""
        return self._told("comparison")

    @property
    def summary(self) -> pd.DataFrame:
        """A row for every world and measure: mean, spread and quantiles."""
        return self._told("summary")

    @property
    def series(self) -> pd.DataFrame:
        """The number present over time, a row for every world, service and week."""
        table = self._told("series")
        labels = {service.id: getattr(service.label, self.lang) for service in self.case.study.network.services}
        dates = [self.case.date_of(day) for day in table["day"]]
        return table.assign(date=dates, label=table["service"].map(labels))

    @property
    def measures(self) -> pd.DataFrame:
        """Every single number: member, future, world, measure, value."""
        return self._told("measures")

    def _told(self, name: str) -> pd.DataFrame:
        from crksim.output.tables import in_language

        return in_language(self.tables[name], self.lang)

    def deciding(self) -> pd.DataFrame:
        """Return the rows that decide against the main reference, as they stand on the screen."""
        table = self.comparison
        main = table["against"] == self.finished.result.worlds[0].id
        columns = ["label", "unit", "reference", "what_if", "difference", "low", "high", "chance", "verdict"]
        own = table.loc[table["decides"] & main, columns].reset_index(drop=True)
        return own.assign(verdict=[say(self.lang, verdict) for verdict in own["verdict"]])

    def __repr__(self) -> str:
        return f"Run of {self.finished.name}"

    def _repr_html_(self) -> str:
        return str(self.deciding().to_html(index=False, float_format=lambda value: f"{value:.3g}"))


@dataclass(frozen=True, repr=False)
class Beside:
    """Several runs beside each other.

    Parameters
    ----------
    runs : tuple of Run
        In the order in which they were made.
    folder : Path
        Of their comparison.
    lang : str
        Language of labels and units.
    """

    runs: tuple[Run, ...]
    folder: Path
    lang: str

    @property
    def comparison(self) -> pd.DataFrame:
        """The comparisons of all runs as one table; the first column is the name of the run."""
        from crksim.output.tables import comparisons, in_language

        return in_language(comparisons([(run.finished.name, run.finished.result) for run in self.runs]), self.lang)

    def table(self, column: str = "difference") -> pd.DataFrame:
        """Return one column of the comparison, a row for every measure that decides and a column for every run."""
        table = self.comparison
        main = {run.finished.name: run.finished.result.worlds[0].id for run in self.runs}
        own = table[table["decides"] & (table["against"] == table["run"].map(main))]
        return own.pivot_table(index=["label", "unit"], columns="run", values=column, aggfunc="first", sort=False)

    def __repr__(self) -> str:
        return f"{', '.join(run.finished.name for run in self.runs)} beside each other"

    def _repr_html_(self) -> str:
        return str(self.table().to_html(float_format=lambda value: f"{value:.3g}"))


@dataclass(frozen=True, repr=False)
class Swept:
    """A sweep that is done.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    case : Case
        The what-if.
    lang : str
        Language of labels and units.
    """

    folder: Path
    case: Case
    lang: str

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row for every point and measure: mean, likely range, difference from the reference."""
        from crksim.model.vocabulary import label, parse_measures, unit
        from crksim.output.tables import read_table

        table = read_table(self.folder / "summary.csv")
        network = self.case.study.network
        known = {it.text: it for it in parse_measures(list(dict.fromkeys(table["measure"])), network)}
        labels = {name: getattr(label(it, network), self.lang) for name, it in known.items()}
        units = {name: getattr(unit(it), self.lang) for name, it in known.items()}
        return table.assign(label=table["measure"].map(labels), unit=table["measure"].map(units))

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Every single number: point, the values of the addresses, member, future, measure, value."""
        from crksim.output.tables import read_table

        return read_table(self.folder / "sweep.parquet")

    @cached_property
    def indices(self) -> pd.DataFrame:
        """How much of the spread of each measure each address explains, for ``design="morris"`` and ``"sobol"``.

        Raises
        ------
        FileNotFoundError
            When the design gives none.
        """
        from crksim.output.tables import read_table

        return read_table(self.folder / "indices.csv")

    def figure(self, measure: str) -> str:
        """Return the figure of a measure as SVG text.

        Raises
        ------
        FileNotFoundError
            When there is none: a curve or a map needs one address or two.
        """
        from crksim.output.curves import figure_name

        return (self.folder / "figures" / figure_name(measure, self.lang)).read_text("utf-8")

    def __repr__(self) -> str:
        return f"Sweep of {self.case.name}"

    def _repr_html_(self) -> str:
        return str(self.summary.to_html(index=False, float_format=lambda value: f"{value:.3g}"))
