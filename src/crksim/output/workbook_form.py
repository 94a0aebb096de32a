"""A workbook that somebody fills in: locked but for its open cells, read back by value, never computed."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crksim.errors import InputError, Problem, nearest
from crksim.model.network import Label

__all__ = ["Field", "Filled", "Form", "Row", "read_form", "write_form"]

#: Largest file, and largest content once unpacked, that is looked at.
MAX_BYTES = 2_000_000
MAX_UNPACKED = 50_000_000

#: Rows of the sheet, from 0: the title, the first of the fields above the table, the head of the table.
_TITLE, _FIELDS, _SPACE = 0, 2, 2
_CODE, _NAME, _FIRST = 0, 1, 2

_SHAPES = {
    "date": {"validate": "date", "criteria": ">=", "value": dt.date(2016, 1, 1)},
    "whole": {"validate": "integer", "criteria": ">=", "value": 0},
    "decimal": {"validate": "decimal", "criteria": ">=", "value": 0},
}


@dataclass(frozen=True)
class Field:
    """Something to fill in: what it is called, and what may stand there.

    Parameters
    ----------
    id : str
        What it is called inside.
    label : Label
        Its heading.
    shape : str
        ``date``, ``text``, ``whole`` or ``decimal``.
    rule : Label
        What Excel says when something else is typed.
    """

    id: str
    label: Label
    shape: Literal["date", "text", "whole", "decimal"]
    rule: Label


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Parameters
    ----------
    id, name : str
        Code, and what it is called.
    beside : mapping of str to str
        Column -> what stands beside its cell; a column that is not there is closed.
    """

    id: str
    name: str
    beside: Mapping[str, str]


@dataclass(frozen=True)
class Form:
    """A form: what stands on it apart from its rows.

    Parameters
    ----------
    title : Label
        Heading of both sheets.
    help_sheet, sheet : Label
        Names of the sheets.
    help : tuple of Label
        Lines of the first sheet.
    fields : tuple of Field
        Above the table.
    columns : tuple of Field
        Of the table; each has another beside it.
    code, name, beside : Label
        Headings of the code, of the name, and beside every column.
    """

    title: Label
    help_sheet: Label
    sheet: Label
    help: tuple[Label, ...]
    fields: tuple[Field, ...]
    columns: tuple[Field, ...]
    code: Label
    name: Label
    beside: Label

    @property
    def head(self) -> int:
        """Row of the table's headings, from 0."""
        return _FIELDS + len(self.fields) + _SPACE - 1

    def headings(self, lang: str) -> list[str]:
        """Return the headings of the table, from left to right."""
        found = [getattr(self.code, lang), getattr(self.name, lang)]
        for column in self.columns:
            found += [getattr(column.label, lang), getattr(self.beside, lang)]
        return found


@dataclass(frozen=True)
class Filled:
    """What stands on a form: cell -> content; empty cells are left out.

    Parameters
    ----------
    lang : str
        Language of the form.
    fields : mapping of str to (str, object)
        Field -> cell such as ``C3``, and what stands in it.
    rows : tuple of (str, str, mapping of str to (str, object))
        Cell of the code, code, and column -> cell and what stands in it.
    problems : tuple of Problem
        Merged cells, and formulas without a value.
    """

    lang: str
    fields: Mapping[str, tuple[str, Any]]
    rows: tuple[tuple[str, str, Mapping[str, tuple[str, Any]]], ...]
    problems: tuple[Problem, ...] = ()


def write_form(path: Path, form: Form, rows: Sequence[Row], lang: str) -> None:
    """Write a form.

    Parameters
    ----------
    path : Path
        The workbook; it must not be there yet.
    form : Form
        What stands on it.
    rows : sequence of Row
        Rows of the table.
    lang : str
        ``da`` or ``en``.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": getattr(form.title, lang), "author": "crksim", "created": dt.datetime(2018, 1, 1)})
    base = {"font_name": "Calibri", "font_size": 11, "valign": "vcenter"}
    edge = {"border": 1, "border_color": "#B0B8C0"}
    open_ = {**base, **edge, "locked": False, "bg_color": "#FFF8DC"}
    looks = {
        "title": {**base, "bold": True, "font_size": 14},
        "text_line": {**base, "text_wrap": True},
        "label": {**base, "bold": True},
        "head": {**base, "bold": True, "text_wrap": True, "valign": "bottom", "bottom": 2, "bg_color": "#E8EEF3"},
        "small": {**base, "font_color": "#6B7680", "font_size": 9},
        "beside": {**base, "font_color": "#46525C", "text_wrap": True, "indent": 1},
        "closed": {**base, "bg_color": "#ECEFF1"},
        "date": {**open_, "num_format": "dd-mm-yyyy" if lang == "da" else "yyyy-mm-dd", "align": "left"},
        "text": {**open_, "num_format": "@"},
        "whole": {**open_, "num_format": "#,##0"},
        "decimal": {**open_, "num_format": "#,##0.##"},
    }
    formats = {name: book.add_format(look) for name, look in looks.items()}
    first = book.add_worksheet(getattr(form.help_sheet, lang))
    first.hide_gridlines(2)
    first.set_column(0, 0, 100)
    first.write_string(0, 0, getattr(form.title, lang), formats["title"])
    for place, line in enumerate(form.help):
        first.write_string(2 + place, 0, getattr(line, lang), formats["text_line"])
        first.set_row(2 + place, 36)
    _to_print(first)
    first.protect()
    sheet = book.add_worksheet(getattr(form.sheet, lang))
    sheet.hide_gridlines(2)
    _write_table(sheet, form, rows, lang, formats)
    sheet.protect(options={"format_columns": True, "format_rows": True, "sort": False})
    sheet.activate()
    book.close()


def _write_table(sheet: Any, form: Form, rows: Sequence[Row], lang: str, formats: Mapping[str, Any]) -> None:
    def check(row: int, column: int, field: Field) -> None:
        if field.shape in _SHAPES:
            rule = getattr(field.rule, lang)
            told = {"error_title": "crksim", "error_message": rule, "input_message": rule, "ignore_blank": True}
            sheet.data_validation(row, column, row, column, {**_SHAPES[field.shape], **told})

    sheet.write_string(_TITLE, _NAME, getattr(form.title, lang), formats["title"])
    for place, field in enumerate(form.fields):
        sheet.write_string(_FIELDS + place, _NAME, getattr(field.label, lang), formats["label"])
        sheet.write_blank(_FIELDS + place, _FIRST, None, formats[field.shape])
        check(_FIELDS + place, _FIRST, field)
    for column, name in enumerate(form.headings(lang)):
        sheet.write_string(form.head, column, name, formats["head"])
    sheet.set_row(form.head, 48)
    sheet.set_column(_CODE, _CODE, 22)
    sheet.set_column(_NAME, _NAME, 38)
    for place in range(len(form.columns)):
        sheet.set_column(_FIRST + 2 * place, _FIRST + 2 * place, 16)
        sheet.set_column(_FIRST + 2 * place + 1, _FIRST + 2 * place + 1, 20)
    for place, row in enumerate(rows, start=form.head + 1):
        sheet.write_string(place, _CODE, row.id, formats["small"])
        sheet.write_string(place, _NAME, row.name, formats["text_line"])
        for index, field in enumerate(form.columns):
            column = _FIRST + 2 * index
            if field.id in row.beside:
                sheet.write_blank(place, column, None, formats[field.shape])
                sheet.write_string(place, column + 1, row.beside[field.id], formats["beside"])
                check(place, column, field)
            else:
                sheet.write_blank(place, column, None, formats["closed"])
                sheet.write_blank(place, column + 1, None, formats["closed"])
    sheet.freeze_panes(form.head + 1, _FIRST)
    _to_print(sheet)


def _to_print(sheet: Any) -> None:
    """Let a sheet be as wide as a page of paper."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


# ---------------------------------------------------------------------------------------------------------- reading


def read_form(path: Path, form: Form, rules: Mapping[str, Label], lang: str) -> Filled:
    """Read what somebody has filled in; formulas count as the value that was kept with them.

    Parameters
    ----------
    path : Path
        The workbook.
    form : Form
        What it was written from.
    rules : mapping of str to Label
        What is said of a file that cannot be read: ``no_file``, ``no_workbook``, ``too_big``, ``no_sheet``,
        ``heading``, ``merged``, ``formula``.
    lang : str
        Language of what is said.

    Raises
    ------
    InputError
        No such workbook, another sheet or other headings: where what stands is not known then.
    """
    values, formulas = _opened(path, rules, lang)
    found = next(
        (la for la in ("da", "en") if getattr(form.sheet, la) in values.sheetnames),
        None,
    )

    def fault(address: str, value: object, rule: str, near: str | None = None) -> Problem:
        return Problem(address, value, getattr(rules[rule], lang), near, file=path.name)

    if found is None:
        near = f"{form.sheet.da} / {form.sheet.en}"
        raise InputError([fault("workbook", ", ".join(values.sheetnames), "no_sheet", near)])
    sheet, written = values[getattr(form.sheet, found)], formulas[getattr(form.sheet, found)]
    problems = [
        fault(str(merged), sheet.cell(merged.min_row, merged.min_col).value, "merged")
        for merged in written.merged_cells.ranges
    ]
    merged_only = len(problems)
    for column, heading in enumerate(form.headings(found), start=1):
        cell = sheet.cell(form.head + 1, column)
        if _text(cell.value) != heading:
            problems.append(fault(cell.coordinate, cell.value, "heading", heading))
    for place, field in enumerate(form.fields):
        cell = sheet.cell(_FIELDS + place + 1, _NAME + 1)
        if _text(cell.value) != getattr(field.label, found):
            problems.append(fault(cell.coordinate, cell.value, "heading", getattr(field.label, found)))
    if len(problems) > merged_only:
        raise InputError(problems)

    def content(row: int, column: int) -> tuple[str, Any] | None:
        cell, own = sheet.cell(row, column), written.cell(row, column)
        if own.data_type == "f" and cell.value is None:
            shown = getattr(own.value, "text", own.value)
            problems.append(fault(cell.coordinate, shown, "formula"))
            return None
        return None if cell.value is None or _text(cell.value) == "" else (cell.coordinate, cell.value)

    def some(cells: Mapping[str, tuple[str, Any] | None]) -> dict[str, tuple[str, Any]]:
        return {id: held for id, held in cells.items() if held is not None}

    fields = some(
        {field.id: content(_FIELDS + place + 1, _FIRST + 1) for place, field in enumerate(form.fields)},
    )
    rows = []
    for row in range(form.head + 2, sheet.max_row + 1):
        code = content(row, _CODE + 1)
        cells = some({c.id: content(row, _FIRST + 2 * place + 1) for place, c in enumerate(form.columns)})
        if code is not None or cells:
            rows.append((f"A{row}", _text(code[1]) if code else "", cells))
    return Filled(found, fields, tuple(rows), tuple(problems))


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _opened(path: Path, rules: Mapping[str, Label], lang: str) -> tuple[Any, Any]:
    """Return the workbook twice: with the values, and with the formulas."""
    import openpyxl

    if not path.is_file():
        beside = [other.name for other in path.parent.glob("*.xlsx")]
        rule = getattr(rules["no_file"], lang)
        raise InputError([Problem("workbook", str(path), rule, nearest(path.name, beside))])
    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if size > MAX_BYTES or unpacked > MAX_UNPACKED:
            raise InputError([Problem("workbook", f"{size} bytes", getattr(rules["too_big"], lang), file=path.name)])
        opened = [openpyxl.load_workbook(path, data_only=only, keep_links=False) for only in (True, False)]
    except InputError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise InputError([Problem("workbook", str(path), getattr(rules["no_workbook"], lang))]) from error
    return opened[0], opened[1]
