"""The Excel workbook of a run: numbers as numbers, words in the planner's language, no formulas."""

from __future__ import annotations

import datetime as dt
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.analysis.replay import NotReplayed, ReplayRow
from crksim.analysis.results import ComparisonRow, Result
from crksim.errors import InputError, Problem
from crksim.model.network import Label
from crksim.model.number_words import NumberWords
from crksim.output.finished import Run
from crksim.output.replayed import predicted
from crksim.output.report.wording import Wording, is_share, texts
from crksim.output.tables import PRIVACY, frame, stacked, summary_records

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["danish_comparison", "danish_comparisons", "write_workbook"]

#: Excel's own notation; it shows the separators of the country it runs in.
_FORMATS = {"whole": "#,##0", "one": "#,##0.0", "two": "#,##0.00", "share": "0 %", "text": "@"}
#: What sets two shares apart is points: 35 % could be a third more of a share.
_DIFFERENCES = frozenset(
    {"difference", "low", "high", "prior_low", "prior_high", "worthwhile", "year_low", "year_high"}
)
_FIRST_ROW = 3
#: Height of a line, in points.
_LINE = 15

#: A cell's content and the name of its format; None leaves it empty.
Cell = tuple[Any, str]


class _Book:
    """A workbook being written, in one language."""

    def __init__(self, path: Path, run: Run, words: Wording) -> None:
        import xlsxwriter

        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.book = xlsxwriter.Workbook(str(path), options)
        self.words = words
        fixed = dt.datetime(2018, 1, 1)
        self.book.set_properties({"title": words.label(run.result.title), "author": "crksim", "created": fixed})
        base = {"valign": "top", "font_name": "Calibri", "font_size": 11}
        forms = {**_FORMATS, "points": f'0 %"{words.text("points_mark")}"'}
        self.formats = {name: self.book.add_format({**base, "num_format": form}) for name, form in forms.items()}
        self.wrapped = self.book.add_format({**base, "text_wrap": True})
        #: Apart from the number before it.
        self.indented = self.book.add_format({**base, "text_wrap": True, "indent": 1})
        head = {**base, "bold": True, "text_wrap": True, "valign": "bottom", "bottom": 2, "bg_color": "#E8EEF3"}
        self.head = self.book.add_format(head)
        self.head_indented = self.book.add_format({**head, "indent": 1})
        self.head_of_numbers = self.book.add_format({**head, "align": "right"})
        self.title = self.book.add_format({**base, "bold": True, "font_size": 14})
        self.status = self.book.add_format({**base, "font_color": "#8A3A00"})
        self.heading = words.label(run.result.title)
        if not run.result.check.valid:
            self.heading += f" · {words.text('not_validated')}"

    def sheet(self, key: str, columns: Sequence[tuple[str, float]], rows: Iterable[Sequence[Cell]]) -> None:
        """Add a sheet: a heading, the column names, frozen; then the rows.

        Parameters
        ----------
        key : str
            Text key of the sheet's name.
        columns : sequence of (str, float)
            Name and width in characters.
        rows : iterable of sequence of Cell
            Contents.
        """
        sheet = self.book.add_worksheet(self.words.text(key))
        sheet.write_string(0, 0, self.heading, self.title)
        sheet.write_string(1, 0, self.words.label(PRIVACY), self.status)
        contents = [tuple(row) for row in rows]
        numbers = {place for row in contents for place, (value, _) in enumerate(row) if isinstance(value, int | float)}
        for column, (name, width) in enumerate(columns):
            look = self.head_of_numbers if column in numbers else self.head_indented if column else self.head
            sheet.write_string(_FIRST_ROW - 1, column, name, look)
            sheet.set_column(column, column, width)
        last = _FIRST_ROW - 1
        for last, row in enumerate(contents, start=_FIRST_ROW):
            for column, (value, form) in enumerate(row):
                self._write(sheet, last, column, value, form)
            lines = max((_lines(value, width) for (value, _), (_, width) in zip(row, columns, strict=True)), default=1)
            if lines > 1:  # not every program finds out by itself
                sheet.set_row(last, _LINE * lines)
        sheet.freeze_panes(_FIRST_ROW, 1)
        sheet.autofilter(_FIRST_ROW - 1, 0, max(last, _FIRST_ROW), len(columns) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(_FIRST_ROW - 1)

    def _write(self, sheet: Any, row: int, column: int, value: Any, form: str) -> None:
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            sheet.write_blank(row, column, None, self.wrapped)
        elif isinstance(value, str):
            sheet.write_string(row, column, value, self.indented if column else self.wrapped)
        else:
            sheet.write_number(row, column, value, self.formats[form])


def _lines(value: Any, width: float) -> int:
    """Return how many lines a text takes in a column so many digits wide; letters are narrower on the whole."""
    return len(textwrap.wrap(value, int(width))) if isinstance(value, str) else 1


def _digits(words: Wording, share: bool, *scale: float, smallest: float = math.nan) -> str:
    return "share" if share else ("whole", "one", "two", "two")[words.decimals(*scale, smallest=smallest)]


def _digits_of_error(row: ComparisonRow, words: Wording) -> str:
    """Return the format of a standard error, which is smaller than what it is of."""
    return "points" if is_share(row.unit) else _digits(words, False, row.error, smallest=row.error)


def _comparison_columns() -> tuple[
    tuple[str, float, Callable[[ComparisonRow, Wording, Mapping[str, Label]], Any]], ...
]:
    """Return the columns of the comparison: text key, width, value."""
    return (
        ("measure", 46, lambda row, words, _: words.label(row.label)),
        ("unit", 16, lambda row, words, _: words.label(row.unit)),
        ("against", 28, lambda row, words, worlds: words.label(worlds[row.against])),
        ("reference", 13, lambda row, *_: row.reference),
        ("what_if", 13, lambda row, *_: row.what_if),
        ("difference", 12, lambda row, *_: row.difference),
        ("low", 11, lambda row, *_: row.low),
        ("high", 11, lambda row, *_: row.high),
        ("prior_low", 13, lambda row, *_: row.prior_low),
        ("prior_high", 13, lambda row, *_: row.prior_high),
        ("worthwhile", 13, lambda row, *_: row.worthwhile),
        ("chance_column", 18, lambda row, words, _: words.chance(row.chance)),
        ("verdict", 38, lambda row, words, _: words.text(row.verdict)),
        ("decides", 11, lambda row, words, _: words.text("yes" if row.decides else "no")),
        ("year_low", 13, lambda row, *_: row.year_low),
        ("year_high", 13, lambda row, *_: row.year_high),
        ("better", 11, lambda row, *_: ("share", row.better)),
        ("same", 13, lambda row, *_: ("share", row.same)),
        ("worse", 11, lambda row, *_: ("share", row.worse)),
        ("luck_share", 14, lambda row, *_: ("share", row.luck_share)),
        ("error", 18, lambda row, words, _: (_digits_of_error(row, words), row.error)),
        ("address", 40, lambda row, *_: row.measure),
    )


def _comparison(book: _Book, run: Run) -> None:
    words = book.words
    worlds = {world.id: world.label for world in run.result.worlds}
    columns = _comparison_columns()
    rows = []
    for row in run.result.comparison:
        form = _digits(words, is_share(row.unit), row.reference, row.what_if, smallest=row.worthwhile)
        apart = "points" if form == "share" else form
        values = [(key, value(row, words, worlds)) for key, _, value in columns]
        rows.append(
            [
                (value[1], value[0]) if isinstance(value, tuple) else (value, apart if key in _DIFFERENCES else form)
                for key, value in values
            ]
        )
    book.sheet("sheet_comparison", [(words.text(key), width) for key, width, _ in columns], rows)


def _summary(book: _Book, run: Run) -> None:
    words = book.words
    worlds = {world.id: words.label(world.label) for world in run.result.worlds}
    names = ("mean", "sd", "low", "median", "high")
    rows = []
    for record in summary_records(run.result):
        share = record["unit_en"] == "share"
        form = _digits(words, share, record["mean"])
        label = record[f"label_{words.lang}"] or record["measure"]
        rows.append(
            [
                (label, "text"),
                (record[f"unit_{words.lang}"], "text"),
                (worlds[record["world"]], "text"),
                *((record[name], form) for name in names),
                (record["defined"], "whole"),
                (record["runs"], "whole"),
                (record["measure"], "text"),
            ]
        )
    widths = (46, 16, 20, 12, 12, 12, 12, 12, 12, 12, 40)
    keys = ("measure", "unit", "world", *names, "defined", "runs", "address")
    book.sheet("sheet_summary", [(words.text(key), width) for key, width in zip(keys, widths, strict=True)], rows)


def _replay(book: _Book, run: Run) -> None:
    words = book.words
    met = {row.fact: inside for row, inside in predicted(run.result.replay)}

    def cells(row: ReplayRow) -> list[Cell]:
        form = _digits(words, is_share(row.unit), row.mean)
        inside = words.text("yes" if met[row.fact] else "no") if row.fact in met else ""
        plain = "whole" if form != "share" and row.reported == round(row.reported) else form
        return [
            (words.label(row.label), "text"),
            (words.label(row.unit), "text"),
            (row.locator, "text"),
            (row.reported, plain),
            (row.mean, form),
            (row.low, form),
            (row.high, form),
            (words.text(f"mark_{row.mark.replace(' ', '_')}"), "text"),
            (inside, "text"),
            (row.fact, "text"),
        ]

    def reason(row: NotReplayed) -> list[Cell]:
        mark = words.text("mark_not_replayed")
        texts = (words.label(row.reason), "", row.locator, "", "", "", "", mark, "", row.fact)
        return [(text, "text") for text in texts]

    keys = ("fact", "unit", "locator", "reported", "simulated", "low", "high", "mark", "met", "fact_id")
    widths = (46, 14, 34, 12, 12, 10, 10, 12, 9, 30)
    columns = [(words.text(key), width) for key, width in zip(keys, widths, strict=True)]
    rows = [*map(cells, run.result.replay), *map(reason, run.result.not_replayed)]
    book.sheet("sheet_replay", columns, rows)


def _changed(book: _Book, run: Run) -> None:
    words = book.words
    changes = [words.label(label) for label in run.result.changes] or [words.text("changed_none")]
    for label in (run.scenario.get("switches") or {}).values():
        changes.append(f"{words.text('switched_on')}: {label.get(words.lang, '')}")
    changes += [f"{words.text('compared_with')}: {words.label(world.label)}" for world in run.result.worlds[:-1]]
    notes = run.scenario.get("notes")
    if isinstance(notes, Mapping) and notes.get(words.lang):
        changes.append(str(notes[words.lang]))
    book.sheet("sheet_changed", [(words.text("change"), 110)], [[(change, "text")] for change in changes])


def _evidence(book: _Book, run: Run) -> None:
    words = book.words
    other = "_en" if words.lang == "da" else "_da"
    keys = [key for key in dict.fromkeys(key for entry in run.evidence for key in entry) if not key.endswith(other)]
    keys = keys or ["kind"]
    known = texts()
    said = {"kind": "kind_column", "fact": "fact_column", f"label_{words.lang}": "what"}
    columns = []
    for key in keys:
        text = said.get(key, key)
        columns.append((words.text(text) if text in known else key.replace("_", " ").capitalize(), _width(key)))
    rows = [[_evidence_cell(key, entry.get(key, ""), words) for key in keys] for entry in run.evidence]
    book.sheet("sheet_evidence", columns, rows)


def _width(key: str) -> float:
    return {"address": 48, "label_da": 48, "label_en": 48, "source": 48, "note": 60, "fact": 30}.get(key, 16)


def _evidence_cell(key: str, value: str, words: Wording) -> Cell:
    if key in ("kind", "seen", "law") and f"{key}_{value}" in texts():
        return words.text(f"{key}_{value}"), "text"
    try:
        number = float(value)
    except ValueError:
        amount = words.lang == "da" and key in ("value", "low", "high", "at_most")
        return NumberWords("da", str).plain(value) if amount else value, "text"
    return number, _digits(words, False, number, smallest=abs(number) or math.nan)


def _dates(run: Run, words: Wording) -> str:
    """Return the first and the last day that are measured."""
    return "–".join(words.iso(day) for day in run.result.window if day).replace("–", " – ")


def _settings(book: _Book, run: Run) -> None:
    words, result = book.words, run.result
    rows: list[list[Cell]] = [
        [(words.text("scenario"), "text"), (result.scenario, "text")],
        [(words.text("question"), "text"), (words.label(result.question), "text")],
        [(words.text("seed"), "text"), (result.seed, "whole")],
        [(words.text("members"), "text"), (result.members, "whole")],
        [(words.text("futures"), "text"), (result.futures, "whole")],
        [(words.text("run_mark"), "text"), (run.mark, "text")],
        [(words.text("program"), "text"), (f"crksim {run.version}", "text")],
        [(words.text("from_day"), "text"), (words.iso(str(run.scenario.get("from", ""))), "text")],
        [(words.text("window_column"), "text"), (_dates(run, words), "text")],
    ]
    for verdict in ("makes_a_difference", "no_difference_that_matters", "cannot_be_decided", "model_cannot_answer"):
        rows.append([(words.text(verdict), "text"), (words.text(f"{verdict}_more"), "text")])
    for key in texts():
        if key.startswith("word_"):
            word, meaning = words.text(key).split(" | ", 1)
            rows.append([(word, "text"), (meaning, "text")])
    columns = [(f"{words.text('setting')} / {words.text('word').lower()}", 40), (words.text("value"), 100)]
    book.sheet("sheet_settings", columns, rows)


def write_workbook(path: Path, run: Run, lang: str) -> None:
    """Write the workbook of a run; the same run gives the same bytes.

    Parameters
    ----------
    path : Path
        File to write.
    run : Run
        What the run folder holds.
    lang : str
        ``da`` or ``en``.

    Raises
    ------
    InputError
        When the file is open in another program.
    """
    part = path.with_name(path.name + ".part")
    book = _Book(part, run, Wording(lang))
    for add in (_comparison, _summary, _replay, _changed, _evidence, _settings):
        add(book, run)
    book.book.close()
    try:
        part.replace(path)
    except PermissionError as error:
        part.unlink(missing_ok=True)
        raise InputError([Problem(path.name, path.name, "must be closed in Excel before it is written")]) from error


def danish_comparison(result: Result) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the comparison with its words in Danish, and the columns to write with their Danish names."""
    words = Wording("da")
    worlds = {world.id: world.label.da for world in result.worlds}
    table = frame(result.comparison, ComparisonRow)
    table = table.assign(
        against=[worlds[world] for world in table["against"]],
        verdict=[words.text(verdict) for verdict in table["verdict"]],
        decides=[words.text("yes" if decides else "no") for decides in table["decides"]],
    )
    named = {"label_da": "measure", "unit_da": "unit", "chance": "chance_short", "measure": "address"}
    columns = [
        "label_da",
        "unit_da",
        "against",
        "reference",
        "what_if",
        "difference",
        "low",
        "high",
        "prior_low",
        "prior_high",
        "worthwhile",
    ]
    columns += ["chance", "verdict", "decides", "year_low", "year_high", "better", "same", "worse", "luck_share"]
    return table, {column: words.text(named.get(column, column)) for column in [*columns, "error", "measure"]}


def danish_comparisons(runs: Sequence[tuple[str, Result]]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the same with its words in Danish, and the columns to write with their Danish names."""
    told = [(name, *danish_comparison(result)) for name, result in runs]
    columns = {"run": Wording("da").text("run")}
    for _, _, names in told:
        columns |= names
    return stacked([(name, table) for name, table, _ in told]), columns
