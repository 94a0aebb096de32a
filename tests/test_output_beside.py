"""Several runs beside each other: one folder, all their numbers in tables, a page in Danish and English."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from html import unescape
from re import DOTALL, findall, sub

import pytest

from crksim.model.network import Label
from crksim.output.report import Compared
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
