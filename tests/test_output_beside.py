"""Several runs beside each other: one folder, all their numbers in tables, a page in Danish and English."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from html import unescape
from re import DOTALL, findall, sub

import pytest

from crksim.analysis.results import Check, Reading
from crksim.model.network import Label
from crksim.output.report import Compared
from crksim.output.report.answer import told_check, told_readings
from crksim.output.report.beside import build_beside
from crksim.output.report.wording import Wording, texts
from crksim.output.rundir import write_comparison
from crksim.output.tables import LANGUAGES, deciding
from tests.make_result import make_result

FILES = {"comparison.csv", "comparison_da.csv", "comparison.html", "runs.json"}


def other_result():
    """A run whose first measure has another answer, and which lacks the second."""
    result = make_result()
    rows = [
        replace(row, what_if=99.0) if row.measure == "youth_group.starts" else row
        for row in result.comparison
        if row.measure != "youth_group.wait.mean"
    ]
    return replace(result, comparison=tuple(rows), title=Label("Andet", "Other"))


def runs():
    return [Compared("hard=6", "../a_1", make_result()), Compared("hard=8 <b>", "../a_2", other_result())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_comparison(runs(), tmp_path_factory.mktemp("outputs") / "comparison", "da")


def records(path, **dialect):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, **dialect))


def words_of(folder, lang):
    page = (folder / "comparison.html").read_text("utf-8")
    (own,) = findall(rf'<main class="page page-{lang}".*?</main>', page, flags=DOTALL)
    return sub(r"\s+", " ", unescape(sub(r"<[^>]+>", " ", own)))


@pytest.mark.unit
def test_the_folder_is_whole_and_two_never_share_one(folder):
    assert {path.name for path in folder.iterdir()} == FILES
    again = write_comparison(runs(), folder, "da")
    assert again != folder
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    assert not list(folder.parent.glob("*.part"))


@pytest.mark.unit
def test_the_table_has_every_row_of_every_run_under_its_name(folder):
    found = records(folder / "comparison.csv")
    told = [(run.name, row) for run in runs() for row in run.result.comparison]
    assert [(row["run"], row["measure"], row["against"]) for row in found] == [
        (name, row.measure, row.against) for name, row in told
    ]
    assert [float(row["what_if"]) for row in found if row["measure"] == "youth_group.starts"] == [
        row.what_if for _, row in told if row.measure == "youth_group.starts"
    ]
    danish = records(folder / "comparison_da.csv", delimiter=";")
    assert [row["Kørsel"] for row in danish] == [name for name, _ in told]
    assert "99,0" in {row["Med ændringen"] for row in danish}


@pytest.mark.unit
def test_two_runs_of_one_name_stay_two(tmp_path):
    same = [replace(run, name="baseline") for run in runs()]
    found = records(write_comparison(same, tmp_path / "c", "en") / "comparison.csv")
    assert len(found) == sum(len(run.result.comparison) for run in same)


@pytest.mark.unit
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_what_decides_in_any_run_in_each_run_that_has_it(folder, lang):
    text = words_of(folder, lang)
    first = runs()[0].result
    for row in deciding(first, first.worlds[0].id):
        assert text.count(getattr(row.label, lang)) == 1
    assert text.count("hard=6") == 1 + len(deciding(first, first.worlds[0].id))
    # A run without a measure is not in its table.
    assert text.count("hard=8 <b>") == text.count("hard=6") - 1
    assert {"da": "Sammenligning af 2 kørsler", "en": "Comparison of 2 runs"}[lang] in text
    assert {"da": "Ikke valideret", "en": "Not validated"}[lang] in text
    assert {"da": "Læs dette først", "en": "Read this first"}[lang] in text
    assert {"da": "Sammenlignet med", "en": "Compared with"}[lang] in text


@pytest.mark.unit
def test_the_page_leads_to_the_report_of_every_run_and_opens_in_the_language_asked_for(folder):
    page = (folder / "comparison.html").read_text("utf-8")
    assert findall(r'href="([^"]+)"', page) == ["../a_1/report.html", "../a_2/report.html"] * 2
    assert page.startswith('<!DOCTYPE html>\n<html lang="da">')
    told = json.loads((folder / "runs.json").read_text("utf-8"))
    assert [run["folder"] for run in told["runs"]] == ["../a_1", "../a_2"]
    assert "Imagined citizens" in told["note"]


# --- the box ---------------------------------------------------------------------------------------------------------

PASSED = Check("passed", 0.32, 4, 10, "aaaa")


def with_readings(result, **more):
    """Return a run whose answer hangs on how the model is built."""
    reading = Reading(Label("Anderledes bygget", "Built otherwise"), "youth_group.starts", 2.0, 1.0, 3.0, base=13.2)
    return replace(result, readings=(reading,), **more)


def box(told, lang):
    return build_beside(told, lang)["box"]


@pytest.mark.unit
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("check", [PASSED, replace(PASSED, status="failed"), Check("stale"), Check()])
def test_the_box_says_what_the_check_is_worth_as_a_report_does(lang, check):
    told = [replace(run, result=replace(run.result, check=check)) for run in runs()]
    words = Wording(lang)
    lines = box(told, lang)
    assert lines[1] == told_check(check, words)
    assert sum("4" in line and "10" in line for line in lines) == (check == PASSED)
    assert [lines[0], *lines[2:]] == [words.text(key) for key in ("box_model", "box_adults", "box_cannot")]


@pytest.mark.unit
@pytest.mark.parametrize("lang", LANGUAGES)
def test_checks_that_differ_are_told_with_the_runs_that_they_are_of(lang):
    first, second = runs()
    words = Wording(lang)
    lines = box([replace(first, result=replace(first.result, check=PASSED)), second], lang)
    assert lines[1] == f"hard=6: {told_check(PASSED, words)}"
    assert lines[2] == f"hard=8 <b>: {told_check(Check(), words)}"


@pytest.mark.unit
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_box_says_of_each_run_on_what_its_answer_hangs(lang):
    first, second = runs()
    words, result = Wording(lang), with_readings(first.result)
    (own,) = told_readings(result, result.comparison[0], words)
    lines = box([replace(first, result=result), second], lang)
    assert f"hard=6: {own}" in lines
    assert words.text("beside_readings_others") in lines
    label = Label("Otte pladser", "Eight places")
    both = box([replace(first, result=result), replace(second, result=result, label=label)], lang)
    quoted = {"da": "»Otte pladser«", "en": "“Eight places”"}[lang]
    assert f"hard=6 {texts()['and'][lang]} {quoted}: {own}" in both
    assert words.text("beside_readings_others") not in both


@pytest.mark.unit
def test_a_run_with_a_name_in_plain_words_stands_under_it_on_the_page(tmp_path):
    first, second = runs()
    labelled = replace(first, name="a:option=b", label=Label("Otte pladser", "Eight places"), changes=("option=b",))
    folder = write_comparison([labelled, second], tmp_path / "c", "en")
    assert words_of(folder, "da").count("Otte pladser") == 1 + len(deciding(first.result, "without"))
    assert words_of(folder, "en").count("a:option=b") == 1
    told = json.loads((folder / "runs.json").read_text("utf-8"))["runs"]
    assert told[0] == {
        "name": "a:option=b",
        "scenario": "youth_groups_3sites",
        "folder": "../a_1",
        "label": {"da": "Otte pladser", "en": "Eight places"},
        "changes": ["option=b"],
    }
    assert "label" not in told[1]
    assert {row["run"] for row in records(folder / "comparison.csv")} == {"a:option=b", "hard=8 <b>"}
    assert {row["Kørsel"] for row in records(folder / "comparison_da.csv", delimiter=";")} == {
        "Otte pladser",
        "hard=8 <b>",
    }
