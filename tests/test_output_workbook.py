"""The workbook: numbers are numbers, words are in the planner's language, nothing is a formula."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from crksim.errors import InputError
from crksim.model.network import Label
from crksim.output.finished import read_run
from crksim.output.rundir import write_run
from crksim.output.workbook import write_workbook
from tests.make_result import make_result, make_run

SHEETS = {
    "da": ["Sammenligning", "Alle udfald", "Kontrol mod rapporten", "Hvad er ændret", "Talgrundlag"],
    "en": ["Comparison", "Summary", "Check against report", "What changed", "Evidence"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(write_run(folder=tmp_path_factory.mktemp("outputs") / "run", lang="da", **make_run()))


@pytest.fixture(scope="module", params=["da", "en"])
def book(request, run, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "results.xlsx"
    write_workbook(path, run, request.param)
    return request.param, openpyxl.load_workbook(path)


def table(sheet):
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
    return rows[0], rows[1:]


@pytest.mark.unit
def test_sheets_are_named_in_the_language_and_frozen_under_their_heads(book):
    lang, sheets = book
    assert sheets.sheetnames[:5] == SHEETS[lang]
    assert len(sheets.sheetnames) == 6
    for sheet in sheets:
        assert sheet.freeze_panes == "B4"
        assert sheet.auto_filter.ref.startswith("A3:")
        assert sheet.column_dimensions["A"].width > 15
        assert ("Ikke valideret" if lang == "da" else "Not validated") in sheet["A1"].value


@pytest.mark.unit
def test_a_row_is_as_high_as_its_longest_text_needs_and_numbers_stand_under_their_heads(book):
    _, sheets = book
    high = 0
    for sheet in sheets:
        spans = sheet.column_dimensions.values()
        width = {number: held.width for held in spans for number in range(held.min, held.max + 1)}
        for row in sheet.iter_rows(min_row=4):
            texts = [(len(cell.value), width[cell.column]) for cell in row if isinstance(cell.value, str)]
            least = max((math.ceil(length / wide) for length, wide in texts), default=1)
            if least > 1:
                high += 1
                assert sheet.row_dimensions[row[0].row].height >= 15 * least, (sheet.title, row[0].row)
            for cell in row:
                if isinstance(cell.value, int | float):
                    assert sheet[f"{cell.column_letter}3"].alignment.horizontal == "right"
    assert high


@pytest.mark.unit
def test_no_cell_is_a_formula(book):
    _, sheets = book
    assert all(cell.data_type != "f" for sheet in sheets for row in sheet.iter_rows() for cell in row)


@pytest.mark.unit
def test_comparison_holds_the_numbers_themselves(book):
    lang, sheets = book
    head, rows = table(sheets.worksheets[0])
    made = make_result().comparison
    assert len(rows) == len(made)
    column = {"da": "Med ændringen", "en": "What-if"}[lang]
    for row, one in zip(rows, made, strict=True):
        value = row[head.index(column)]
        assert value is None if one.what_if != one.what_if else value == one.what_if
    assert rows[0][
        head.index(
            {"da": "Chance for mindst bagatelgrænsen", "en": "Chance of at least the smallest worthwhile difference"}[
                lang
            ]
        )
    ].startswith("over 9")
    assert rows[0][head.index({"da": "Vurdering", "en": "Verdict"}[lang])] in (
        "gør en forskel",
        "makes a difference",
    )


@pytest.mark.unit
def test_number_formats_suit_the_numbers(book):
    lang, sheets = book
    sheet = sheets.worksheets[0]
    formats = {row[0].value: row[3].number_format for row in sheet.iter_rows(min_row=4)}
    by_place = list(formats.values())
    assert by_place[0] == "#,##0"
    assert by_place[2] == "0 %"
    share = next(row for row in sheet.iter_rows(min_row=4) if row[3].number_format == "0 %")
    points = {"da": '0 %"-point"', "en": '0 %" points"'}[lang]
    assert [cell.number_format for cell in (*share[5:8], share[10])] == [points] * 4
    assert by_place[4] == "#,##0.0"


@pytest.mark.unit
def test_a_standard_error_is_shown_with_digits_of_its_own(run, tmp_path):
    row = replace(run.result.comparison[0], reference=700.0, what_if=720.0, error=1.62)
    write_workbook(tmp_path / "results.xlsx", replace(run, result=replace(run.result, comparison=(row,))), "da")
    sheet = openpyxl.load_workbook(tmp_path / "results.xlsx").worksheets[0]
    (error,) = (cell for cell in sheet[4] if cell.value == 1.62)
    assert (sheet["D4"].number_format, error.number_format) == ("#,##0", "#,##0.0")


@pytest.mark.unit
def test_no_two_columns_of_a_sheet_have_one_name_and_danish_heads_and_amounts_are_danish(run, tmp_path):
    entry = {"address": "a", "value": "14 months", "kind": "assumed", "fact": "", "source": "s", "seen": "excerpt"}
    write_workbook(
        tmp_path / "results.xlsx",
        replace(run, evidence=({**entry, "rest_of": "b", "at_most": 0.9, "note": "n"},)),
        "da",
    )
    for sheet in openpyxl.load_workbook(tmp_path / "results.xlsx"):
        head, _ = table(sheet)
        assert len(set(head)) == len(head)
    head, rows = table(openpyxl.load_workbook(tmp_path / "results.xlsx")["Talgrundlag"])
    assert {"Slags kilde", "Kilde", "Del af resten efter", "Højst tilsammen", "Note (på engelsk)"} <= set(head)
    assert rows[0][1] == "14 måneder"
    assert rows[0][head.index("Set af kilden")] == "uddrag"


@pytest.mark.unit
def test_evidence_is_complete_and_its_numbers_are_numbers(book):
    lang, sheets = book
    head, rows = table(sheets[SHEETS[lang][4]])
    assert [row[1] for row in rows][-1] == {"da": "antaget", "en": "assumed"}[lang]
    assert rows[0][head.index({"da": "Værdi", "en": "Value"}[lang])] == 8.0
    assert rows[0][head.index({"da": "Kilde", "en": "Source"}[lang], 2)] == "ch0, l.100; «æøå»"


@pytest.mark.unit
def test_words_that_look_like_formulas_stay_words(run, tmp_path):
    evil = Label("=1+1", "=1+1")
    changed = replace(run, result=replace(run.result, changes=(evil,)), evidence=({"kind": "report", "note": "=2*2"},))
    write_workbook(tmp_path / "results.xlsx", changed, "da")
    sheets = openpyxl.load_workbook(tmp_path / "results.xlsx")
    assert sheets["Hvad er ændret"]["A4"].data_type == "s"
    assert sheets["Talgrundlag"]["B4"].data_type == "s"


@pytest.mark.unit
def test_workbook_open_elsewhere_is_told_and_left_alone(run, tmp_path, monkeypatch):
    path = tmp_path / "results.xlsx"
    path.write_text("open in Excel")

    def locked(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "replace", locked)
    with pytest.raises(InputError, match=r"results\.xlsx.*must be closed in Excel before it is written"):
        write_workbook(path, run, "da")
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.xlsx"]
    assert path.read_text() == "open in Excel"


@pytest.mark.unit
def test_facts_without_a_row_stand_below_the_replay_with_their_reasons(book):
    lang, sheets = book
    head, rows = table(sheets[SHEETS[lang][2]])
    made = make_result()
    assert len(rows) == len(made.replay) + len(made.not_replayed)
    last = dict(zip(head, rows[-1], strict=True))
    assert last[{"da": "Tal i rapporten", "en": "Number in the report"}[lang]] == getattr(
        made.not_replayed[-1].reason, lang
    )
    assert last[{"da": "Mærke", "en": "Mark"}[lang]] == {"da": "ikke gennemspillet", "en": "not in the replay"}[lang]
    assert last[{"da": "Rapporten", "en": "Report"}[lang]] in (None, "")
