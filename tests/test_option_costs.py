"""What options cost beside each other: against one reference, at one price, and nothing where nothing is priced."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from crksim.analysis.choosing import Judged, rank_runs
from crksim.analysis.option_costs import option_costs
from crksim.analysis.results import CostRow
from crksim.interface import cli
from crksim.model.network import Label
from crksim.output.choices import write_judged
from crksim.output.report.chosen import build_chosen
from crksim.output.report.chosen_costs import build_costs, cost_lines
from crksim.output.report.wording import Wording
from crksim.output.rundir import write_run
from crksim.output.tables import LANGUAGES
from tests.make_result import make_result, make_run

SOURCE = "made up for a test"
NAN = float("nan")
LEAD = "youth_group.starts"


def priced(extra, kroner=100.0, key="youth_group.start"):
    """Return a run with so many more starts than the reference in every future, at a price for each."""
    result = make_result()
    values = result.worlds[0].values.copy()
    values[:, :, 0] += extra
    world = replace(result.worlds[-1], values=values)
    row = CostRow(key, LEAD, kroner, SOURCE, *(NAN,) * 7, True)
    return replace(result, worlds=(*result.worlds[:-1], world), costs=(row,) if kroner else ())


def costs_of(has=lambda name, subject: True, **named):
    return option_costs(named, ["without"] * len(named), LEAD, has)


def rows_of(costs, name):
    return {row.item: row for row in costs.rows[name]}


def judged(costs=None, **named):
    rankings = rank_runs(named, ["without"] * len(named), [LEAD])
    labels = {"few": Label("Få starter", "Few starts")}
    return Judged(Label("uden ændringen", "without the change"), rankings, labels=labels, costs=costs)


# --- what they cost --------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_cost_of_every_option_by_hand():
    found = costs_of(few=priced(4.0), many=priced(10.0))
    assert [rows_of(found, name)["total"].difference for name in ("few", "many")] == pytest.approx([400.0, 1000.0])
    quotient = rows_of(found, "many")["per_start"]
    assert (quotient.difference, quotient.low, quotient.high, quotient.told) == pytest.approx(
        (100.0, 100.0, 100.0, True)
    )
    assert "per_outcome" not in rows_of(found, "many")


@pytest.mark.unit
def test_a_price_that_one_run_has_holds_for_all():
    found = costs_of(few=priced(4.0), many=priced(10.0, kroner=0.0))
    assert rows_of(found, "many")["total"].difference == pytest.approx(1000.0)
    assert [price.key for price in found.prices] == ["youth_group.start"]


@pytest.mark.unit
def test_nothing_without_prices():
    assert costs_of(few=priced(4.0, kroner=0.0), many=priced(10.0, kroner=0.0)) is None
    told = judged(None, few=priced(4.0, 0.0), many=priced(10.0, 0.0))
    for lang in LANGUAGES:
        assert (build_costs(told, Wording(lang)), cost_lines(told, Wording(lang))) == (None, [])
        assert not any(table["has_costs"] for table in build_chosen(told, Wording(lang))["rankings"])


@pytest.mark.unit
def test_two_prices_of_one_thing_are_told_and_nothing_is_compared_by_cost():
    runs = {"few": priced(4.0), "many": priced(10.0, kroner=120.0)}
    found = costs_of(**runs)
    assert (found.rows, found.unlike) == ({}, (("youth_group.start", "few", "many"),))
    (line,) = cost_lines(judged(found, **runs), Wording("en"))
    assert line == (
        "The prices are not the same (youth_group.start in “Few starts” and many), so nothing is compared by cost."
    )


@pytest.mark.unit
@pytest.mark.parametrize("there", [True, False])
def test_what_was_not_counted_is_not_known_and_what_is_not_there_costs_nothing(there):
    other = priced(4.0, 7.0, "elsewhere.start")
    more = np.full((*other.worlds[0].values.shape[:2], 1), 3.0)
    worlds = tuple(replace(it, values=np.concatenate([it.values, more], axis=2)) for it in other.worlds)
    measures = (*other.measures, "elsewhere.starts")
    runs = {"few": replace(other, worlds=worlds, measures=measures), "many": priced(10.0)}
    found = costs_of(lambda name, subject: there or name == "few", **runs)
    if there:
        assert list(found.rows) == ["few"]
        text = " ".join(cost_lines(judged(found, **runs), Wording("da")))
        assert "Prisen kan ikke opgøres for many: kørslen har ikke talt alt det, der har en pris." in text
    else:
        # Three starts elsewhere, at 7 kr., fall away.
        assert rows_of(found, "many")["total"].difference == pytest.approx(1000.0 - 21.0)
        assert rows_of(found, "few")["total"].difference == pytest.approx(400.0)


# --- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "“Few starts”: In all +400 kr. a year against the reference (likely range +400)."),
        ("da", "»Få starter«: I alt +400 kr. om året i forhold til referencen (sandsynligt spænd +400)."),
    ],
)
def test_the_screen_says_what_an_ordinary_run_says_of_each_option(lang, said):
    runs = {"few": priced(4.0), "many": priced(-2.0)}
    lines = cost_lines(judged(costs_of(**runs), **runs), Wording(lang))
    assert any(said in line for line in lines)
    words = Wording(lang)
    # Fewer starts: no quotient.
    assert sum(words.text("per_start_untold") in line for line in lines) == 1
    assert lines[-1] == words.text("priced_note")
    assert SOURCE in lines[-2]


@pytest.mark.unit
def test_tables_and_page_have_a_column_for_cost(tmp_path):
    runs = {"few": priced(4.0), "many": priced(-2.0)}
    told = judged(costs_of(**runs), **runs)
    write_judged(tmp_path, told)
    with (tmp_path / "options.csv").open(encoding="utf-8") as file:
        rows = {row["option"]: row for row in csv.DictReader(file)}
    assert (rows["few"]["option_da"], rows["many"]["option_da"]) == ("Få starter", "many")
    assert [float(rows[name]["kroner"]) for name in runs] == pytest.approx([400.0, -200.0])
    assert (rows["few"]["kroner_per_start"], rows["many"]["kroner_per_start"]) == ("100", "")
    assert rows["(reference)"]["kroner"] == ""
    with (tmp_path / "costs.csv").open(encoding="utf-8") as file:
        found = [(row["option"], row["item"]) for row in csv.DictReader(file)]
    assert found == [(name, item) for name in runs for item in ("youth_group.start", "total", "per_start")]
    page = build_chosen(told, Wording("en"))
    assert [row["cost"][0] for row in page["rankings"][0]["rows"]] == ["+400", "–", "\u2212200"]
    assert [row["cells"] for row in page["costs"]["rows"]] == [
        [("+400", ""), ("100", "")],
        [("\u2212200", ""), ("not to be told", "")],
    ]
    assert Wording("en").text("per_start_untold") in page["costs"]["lines"]
    plain = judged(None, **runs)
    write_judged(tmp_path, plain)
    assert "kroner" not in (tmp_path / "options.csv").read_text("utf-8")


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_finished_runs_with_prices_are_compared_by_cost(tmp_path, monkeypatch, capsys, lang):
    monkeypatch.chdir(tmp_path)
    for name, extra in (("few", 10.0), ("many", 20.0)):
        arguments = make_run()
        arguments["result"] = priced(extra)
        write_run(folder=tmp_path / "outputs" / name, lang="en", **arguments)
    assert cli.main(["compare", "few", "many", f"lang={lang}"]) == 0
    words = Wording(lang)
    assert words.text("priced_note") in " ".join(capsys.readouterr().out.split())
    (folder,) = (tmp_path / "outputs").glob("comparison_*")
    page = (folder / "comparison.html").read_text("utf-8")
    assert page.count(f">{words.text('chosen_cost')}</th>") == 1
    assert f">{words.text('chosen_cost_per_start')}</th>" in page
    assert "made up for a test" in page
