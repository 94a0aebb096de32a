"""What a run shows while it runs and when it is done: plain words, a bar with the time left, the rows that decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill, wrap
from typing import TYPE_CHECKING

from crksim.interface.texts import number, say, told_check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from crksim.analysis.results import ComparisonRow, Result
    from crksim.interface.cases import Case
    from crksim.interface.settings import Settings
    from crksim.interface.watching import Finished
    from crksim.model.network import Label

__all__ = ["Screen"]


class Screen:
    """Shows runs on the terminal.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    bar : bool
        Whether to show the bar; without a terminal it is never shown.

    Attributes
    ----------
    kept : list of Path
        Folders of the runs that are done.
    """

    def __init__(self, lang: str, *, bar: bool = True) -> None:
        self.lang = lang
        self.bar = bar
        self.kept: list[Path] = []
        self._consoles: dict[bool, Console] = {}

    def _console(self, *, error: bool = False) -> Console:
        from rich.console import Console

        if error not in self._consoles:
            self._consoles[error] = Console(stderr=error, highlight=False, markup=False, emoji=False)
        return self._consoles[error]

    def line(self, text: str = "", style: str | None = None) -> None:
        """Show one line."""
        self._console().print(text, style=style)

    def begins(self, case: Case, settings: Settings, worlds: int) -> None:
        """Show what is run, what it changes, and how large the run is."""
        from crksim.output.report.wording import Wording

        self.line(self.text(case.scenario.title), "bold")
        if self.text(case.scenario.question) not in ("", self.text(case.scenario.title)):
            self.line(self.text(case.scenario.question))
        self.line()
        width = max(self._console().width, 40)
        for line in case.lines(self.lang):
            self.line("\n".join(wrap(line, width, subsequent_indent="    ", break_on_hyphens=False)))
        size = say(
            self.lang,
            "running_alone" if case.alone else "running",
            worlds=worlds,
            members=settings.members,
            futures=settings.futures,
            first=Wording(self.lang).iso(case.study.start),
            last=Wording(self.lang).iso(case.date_of(case.study.end - 1.0)),
            seed=settings.seed,
        )
        self.line(size, "dim")

    def text(self, label: Label) -> str:
        """Return the label in the language of the screen."""
        return str(getattr(label, self.lang))

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[int, int], None]]:
        """Give a function that is told (done, total); on a terminal it moves a bar with the time left.

        Parameters
        ----------
        total : int
            Number of members.
        """
        console = self._console(error=True)
        if not (self.bar and console.is_terminal):
            yield lambda done, total: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn(say(self.lang, "left")),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(say(self.lang, "simulating"), total=total)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def reuses(self, found: int, total: int) -> None:
        """Show how many results were there already."""
        self.line(say(self.lang, "was_there", found=found, total=total), "dim")

    def writes(self) -> None:
        """Show that the numbers are there and the files are being written."""
        console = self._console(error=True)
        if self.bar and console.is_terminal:
            console.print(say(self.lang, "writing") + " ...", style="dim")

    # ---------------------------------------------------------------------------------------------------- results

    def ends(self, finished: Finished, seconds: float) -> None:
        """Show the rows that decide, the gate and where everything lies.

        Parameters
        ----------
        finished : Finished
            The run.
        seconds : float
            Time it took.
        """
        from crksim.analysis.explaining import leading_row
        from crksim.output.report.answer import told_readings
        from crksim.output.report.precise import precision_lines
        from crksim.output.report.priced import priced_lines
        from crksim.output.report.wording import Wording
        from crksim.output.tables import deciding

        self.kept.append(finished.folder)
        result = finished.result
        main, *others = result.worlds[:-1]
        self.line()
        if result.alone:
            self._console().print(self._as_it_is(result, deciding(result, main.id)))
        elif result.attribution:
            self._console().print(self._parts(result))
        else:
            self._console().print(self._table(result, deciding(result, main.id), self.text(main.label)))
        for other in () if result.alone else others:
            self._console().print(self._briefly(deciding(result, other.id), self.text(other.label)))
        self.line()
        self._measured(result)
        words = Wording(self.lang)
        hangs_on = told_readings(result, leading_row(result), words)
        for line in (*hangs_on, *priced_lines(result, words), *precision_lines(result, words)):
            self.line(line)
        self._small_print([result])
        self._lies(finished.folder, "report.html")
        self.line(say(self.lang, "seconds", seconds=number(self.lang, seconds)), "dim")

    def _table(self, result: Result, rows: Sequence[ComparisonRow], reference: str) -> Table:
        subject = self._common_subject(rows)
        table = self._empty_table(subject or say(self.lang, "measure"))
        self._add_numbers(table, reference)
        self._add_words(table, say(self.lang, "verdict"), 44)
        for row in rows:
            table.add_row(self._named(row, subject), *self._cells(result, row))
        return table

    def _as_it_is(self, result: Result, rows: Sequence[ComparisonRow]) -> Table:
        """Return what the measures are where nothing is changed."""
        from crksim.output.report.alone import as_it_is
        from crksim.output.report.wording import Wording

        words = Wording(self.lang)
        table = self._empty_table(say(self.lang, "measure"))
        for key in ("alone_mean", "alone_span"):
            table.add_column(words.text(key), justify="right", max_width=24)
        for row in as_it_is(result, rows, words):
            table.add_row(row["label"] + row["unit_shown"], unbroken(row["mean"]), unbroken(row["span"]))
        return table

    def _parts(self, result: Result) -> Table:
        """Return what every change does to the measure that leads."""
        from crksim.output.report.attributed import attributed
        from crksim.output.report.wording import Wording

        words = Wording(self.lang)
        told = attributed(result, words)[0]
        table = self._empty_table(told["label"])
        for key in ("attribution_alone", "likely_range", "attribution_in_order", "attribution_shared"):
            table.add_column(words.text(key), justify="right", max_width=18)
        idle = [row for row in told["rows"] if row["idle"]]
        for row in told["rows"]:
            if row not in idle:
                table.add_row(row["part"], *(unbroken(row[name]) for name in ("alone", "span", "in_order", "shared")))
        if idle:
            table.caption = say(self.lang, "no_part_one" if len(idle) == 1 else "no_part", count=len(idle))
            table.caption_justify = "left"
        return table

    def _briefly(self, rows: Sequence[ComparisonRow], reference: str) -> str:
        """Return what the rows say against a further reference, by verdict."""
        subject = self._common_subject(rows)
        told = [say(self.lang, "against_other", reference=reference) + ":"]
        for answer in dict.fromkeys(row.verdict for row in rows):
            names = [self._named(row, subject) for row in rows if row.verdict == answer]
            about = say(self.lang, "all_rows", count=len(rows)) if len(names) == len(rows) else "; ".join(names)
            told.append(f"  · {say(self.lang, answer)}: {about}")
        return "\n".join(told)

    def _empty_table(self, first: str) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_lines=False, padding=(0, 0), pad_edge=False, show_edge=False)
        self._add_words(table, first, 44)
        return table

    def _add_numbers(self, table: Table, reference: str) -> None:
        """Add the columns of numbers: without the change, with it, and the likely range of the difference."""
        for heading in (reference, say(self.lang, "what_if")):
            table.add_column(fill(heading, 12), justify="right")
        table.add_column(say(self.lang, "range").replace(" ", "\n"), justify="right", max_width=24)

    def _add_words(self, table: Table, heading: str, most: int) -> None:
        """Add a column of words, which are broken rather than cut where the screen is narrow."""
        table.add_column(heading, max_width=most, overflow="fold")

    def _common_subject(self, rows: Sequence[ComparisonRow]) -> str:
        """Return the subject that all rows have in common, or nothing."""
        subjects = {self.text(row.label).partition(": ")[0] for row in rows if ": " in self.text(row.label)}
        return subjects.pop() if len(subjects) == 1 and len(rows) > 1 else ""

    def _named(self, row: ComparisonRow, subject: str = "") -> str:
        label, unit = self.text(row.label), self.text(row.unit)
        label = label.removeprefix(f"{subject}: ") if subject else label
        return label if row.kind == "share" or not unit or unit in label else f"{label} ({unit})"

    def _cells(self, result: Result, row: ComparisonRow) -> tuple[str, str, str, str]:
        """Return a row without the change, with it, the likely range of the difference, the verdict with its chance.

        All of it is what the report says: two readers of one number must not read it two ways.
        """
        from crksim.output.report.page import comparison_cells
        from crksim.output.report.wording import Wording

        words = Wording(self.lang)
        cells = comparison_cells(result, row, words)
        span, verdict = unbroken(cells["span"]), str(cells["verdict"])
        if cells["known"]:
            span += f" {cells['span_unit']}" if row.kind == "share" else ""
            verdict += f"\n{cells['chance']} {words.text('of_at_least', least=cells['least'])}"
        return unbroken(cells["reference"]), unbroken(cells["what_if"]), span, verdict

    def compares(self, runs: Sequence[Finished], folder: Path) -> None:
        """Show several runs beside each other, each against its own main reference, and where that lies."""
        from crksim.output.tables import deciding

        table = self._empty_table(f"{say(self.lang, 'measure')} / {say(self.lang, 'run')}")
        self._add_numbers(table, say(self.lang, "reference"))
        self._add_words(table, say(self.lang, "verdict"), 24)
        rows = [(finished, row) for finished in runs for row in deciding(finished.result, finished.result.worlds[0].id)]
        for measure in dict.fromkeys(row.measure for _, row in rows):
            own = [(one, row) for one, row in rows if row.measure == measure]
            table.add_row(self._named(own[0][1]), style="bold")
            for one, row in own:
                table.add_row(one.name, *self._cells(one.result, row))
            table.add_section()
        self.line()
        self.line(say(self.lang, "compared", count=len(runs)), "bold")
        self._console().print(table)
        self._small_print([run.result for run in runs])
        self._lies(folder, "comparison.html")

    def _lies(self, folder: Path, page: str) -> None:
        """Show where a page and its folder lie."""
        for key, path in (("report", folder / page), ("folder", folder)):
            self._console().print(f"{say(self.lang, key)}: {path}", soft_wrap=True)

    def _measured(self, result: Result) -> None:
        """Show which years the numbers are of, and how many predicted numbers are met."""
        from crksim.output.replayed import gate
        from crksim.output.report.wording import Wording

        first, last = (Wording(self.lang).iso(day) for day in result.window)
        self.line(say(self.lang, "measured", first=first, last=last), "dim")
        checked = gate(result)
        key = "predicted" if checked["bearing"] else "predicted_apart"
        self.line(say(self.lang, key if result.replay else "not_replayed", **checked), "dim")

    def _small_print(self, results: Sequence[Result]) -> None:
        alone, parts = (all(found) for found in zip(*((one.alone, one.attribution) for one in results), strict=True))
        self.line(say(self.lang, "legend_alone" if alone else "legend_parts" if parts else "legend"), "dim")
        for check in dict.fromkeys(result.check for result in results):
            self.line(told_check(self.lang, check), "dim" if check.valid else "yellow")


def unbroken(text: str) -> str:
    """Return the text so that no line breaks within it."""
    return text.replace(" ", "\u00a0")
