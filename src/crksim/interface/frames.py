"""What was run, as data frames: runs, several beside each other, sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crksim.interface.cases import Case
from crksim.interface.texts import say

if TYPE_CHECKING:
    import pandas as pd

    from crksim.interface.watching import Finished

__all__ = ["Beside", "Run", "Swept"]


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
