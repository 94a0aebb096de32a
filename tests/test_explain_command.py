"""What explains an answer, in words: on the screen and in the report, from a folder alone."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from crksim.analysis.explaining import explain, parameter_labels
from crksim.errors import InputError
from crksim.interface import cli
from crksim.interface.explaining import find_run
from crksim.output import figures
from crksim.output.figures import draw_figures
from crksim.output.finished import read_run
from crksim.output.report import render
from crksim.output.report.explained import amount, explained
from crksim.output.report.wording import Wording
from crksim.output.rundir import changed_files, write_run
from tests.make_result import make_result, make_run

DA, EN = Wording("da"), Wording("en")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_run(folder=tmp_path_factory.mktemp("runs") / "run", lang="da", **make_run())


@pytest.fixture(scope="module")
def run(made):
    return read_run(made)


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """An empty folder with runs in outputs/, of which nothing but the manifest is there."""
    monkeypatch.chdir(tmp_path)
    for name, started in (
        ("a_2026-01-01_10-00-00", "1"),
        ("b_2026-01-02_10-00-00", "3"),
        ("a_2026-01-03_10-00-00-2", "2"),
    ):
        folder = Path("outputs") / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"started": started}), encoding="utf-8")
    return tmp_path


def typed(capsys, *words):
    code = cli.main(words)
    out = capsys.readouterr()
    return code, out.out.splitlines(), out.err.splitlines()


# ------------------------------------------------------------------------------------------------------ which run


@pytest.mark.unit
def test_the_newest_run_is_taken_and_a_scenario_means_its_newest(outputs):
    assert find_run(None, "en").name == "b_2026-01-02_10-00-00"
    assert find_run("a", "en").name == "a_2026-01-03_10-00-00-2"
    assert find_run("a_2026-01-01_10-00-00", "en").name == "a_2026-01-01_10-00-00"
    assert find_run("outputs/a_2026-01-01_10-00-00", "en").name == "a_2026-01-01_10-00-00"


@pytest.mark.unit
def test_a_misspelt_run_gets_the_nearest(outputs):
    with pytest.raises(InputError, match=r"did you mean 'a_2026-01-01_10-00-00'\?"):
        find_run("a_2026-01-01_10-00-01", "en")
    with pytest.raises(InputError, match=r"did you mean 'last'\?"):
        find_run("lats", "en")


@pytest.mark.unit
def test_without_runs_it_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (None, "a"):
        with pytest.raises(InputError, match="crksim scenario=NAME first"):
            find_run(name, "en")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("a", "b"), "word = 'b': is neither a command nor name=value"),
        (("mesure=x",), "word = 'mesure=x': is neither a setting nor an address; did you mean 'measure'?"),
    ],
)
def test_wrong_words_are_told(outputs, capsys, words, line):
    code, _, err = typed(capsys, "explain", *words, "lang=en")
    assert code == 2
    assert err == [f"command line: {line}"]


@pytest.mark.e2e
def test_a_folder_that_is_not_whole_is_one_line(outputs, capsys):
    code, _, err = typed(capsys, "explain", "lang=en")
    assert code == 2
    assert len(err) == 1
    assert "run.json is missing" in err[0]


# ------------------------------------------------------------------------------------------------------- the screen


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("lang", "parts"),
    [
        ("da", ("– mindst 5 flere med ændringen?", "svaret vender, hvis det er under 0,", "Sådan følges ændringen")),
        ("en", ("– at least 5 more with the change?", "the answer flips if it is under 0.", "after 6 months")),
    ],
)
def test_the_answer_is_explained_within_a_screen(made, capsys, monkeypatch, lang, parts):
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = typed(capsys, "explain", str(made), f"lang={lang}")
    assert (code, err) == (0, [])
    assert len(out) <= 24
    assert max(len(line) for line in out[:-1]) <= 100
    text = " ".join(" ".join(out).split())
    assert [part for part in parts if part not in text] == []
    assert changed_files(made) == []


@pytest.mark.e2e
def test_another_measure_on_request_and_a_misspelt_one_gets_the_nearest(made, capsys):
    code, out, _ = typed(capsys, "explain", str(made), "measure=youth.ceased", "lang=en")
    assert code == 0
    assert "Ceased at discharge, young people" in " ".join(out)
    code, _, err = typed(capsys, "explain", str(made), "measure=youth.cesed", "lang=en")
    assert code == 2
    assert "did you mean 'youth.ceased'?" in err[0]
    code, out, _ = typed(capsys, "explain", str(made), "measure=door.wait.over_14", "lang=en")
    assert (code, len(out)) == (0, 1)


# ------------------------------------------------------------------------------------------------------- the report


@pytest.mark.unit
def test_the_report_tells_what_decides_in_both_languages(made):
    html = render(made)
    for words in (DA, EN):
        assert html.count(words.text("explain_title")) == 1
        assert words.text("follow_title") in html
    assert "Svaret vender, hvis »Tilslutning på eget sted« er under 0," in html
    assert "The answer flips if “Take-up at own site” is under 0." in html
    assert html.count("Del af uvisheden om svaret") == 1
    # The surest of it stands on page one too.
    assert html.index("Svaret vender, hvis") < html.index('<aside class="box"')


@pytest.mark.unit
def test_a_run_without_an_explanation_has_no_such_section(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})
    arguments = make_run()
    arguments["result"] = replace(arguments["result"], comparison=())
    folder = write_run(folder=tmp_path / "run", lang="da", **arguments)
    assert DA.text("explain_title") not in render(folder)


@pytest.mark.unit
def test_the_figure_has_a_bar_for_every_parameter_that_stands_out_and_one_for_the_rest(run):
    for words in (DA, EN):
        svg = draw_figures(run, words.lang)["influence"]
        for row in run.explanations[0].parameters:
            assert (words.label(row.label) in svg) == row.stands_out
        assert words.text("explain_rest").capitalize() in svg


@pytest.mark.unit
def test_no_figure_without_a_parameter_that_stands_out(run):
    calm = replace(run.explanations[0], parameters=())
    assert "influence" not in draw_figures(replace(run, explanations=(calm,)), "da")
    assert "influence" not in draw_figures(replace(run, explanations=()), "da")


def told(run, words=EN, **changes):
    return explained(run, replace(run.explanations[0], **changes), words)


@pytest.mark.unit
def test_why_nothing_is_said_is_said(run):
    answer = run.explanations[0].answer
    assert "at least 20" in told(run, parameters=(), answer=replace(answer, members=5))["nothing"]
    calm = tuple(replace(row, stands_out=False) for row in run.explanations[0].parameters)
    assert told(run, parameters=calm)["nothing"].startswith("None of the 2 uncertain numbers")
    older = replace(run, result=replace(run.result, theta=()))
    assert "Run it again" in told(older, parameters=())["nothing"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "danish"),
    [
        ({"side": "below", "at": 0.25, "at_low": 0.2, "at_high": 0.31, "sure": 1.0}, "er under 0,25 (0,2 til 0,31)."),
        ({"side": "above", "at": 0.25, "sure": 0.72}, "(usikkert: i 3 ud af 10 gentagelser vender det slet ikke)."),
        ({"side": "between", "at": 0.2, "until": 0.3}, "er mellem 0,2 og 0,3."),
        ({"side": "never", "low": 0.1, "high": 0.4}, "vender ikke svaret inden for sit spænd, 0,1 til 0,4."),
    ],
)  # fmt: skip
def test_where_the_answer_turns_is_told(run, changes, danish):
    row = replace(run.explanations[0].parameters[0], zero_side="never", **changes)
    assert told(run, DA, parameters=(row,))["sentences"][0].endswith(danish)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("written", "name", "value", "danish", "english"),
    [
        (0.25, "take_up", 0.2345, "0,23", "0.23"),
        (0.25, "hoersholmsgade_share", 0.2345, "23\u00a0%", "23%"),
        (1170, "caseload", 1168.4, "1.170", "1,170"),
        ("3 months", "stay", 106.5, "3,5 måneder", "3.5 months"),
        ("1 day", "door", 1.49, "1,5 dage", "1.5 days"),
        ("120 minutes", "talk", 110 / 1440, "110 minutter", "110 minutes"),
        ("118 / year", "arrivals", 120.4 / 365.25, "120 om året", "120 a year"),
        ("2.7 / 100 person-years", "rate", 0.026 / 365.25, "2,6 pr. 100 personår", "2.6 per 100 person-years"),
        ({"first": "2 weeks", "then": {"from": "2018-01-01", "value": "3 weeks"}}, "wait", 7.0, "1 uge", "1 week"),
    ],
)  # fmt: skip
def test_parameters_are_told_in_the_unit_in_which_they_are_written(run, written, name, value, danish, english):
    other = replace(run, study={"parameters": {name: {"value": written}}})
    assert amount(other, name, value, DA) == danish
    assert amount(other, name, value, EN) == english


@pytest.mark.unit
def test_counts_say_how_the_chance_moves_and_nothing_where_it_does_not():
    result = make_result(members=60)
    found = explain(result, parameter_labels({}))
    count = replace(found.counts[0], stands_out=True, chosen=True, trial=False, worth=0.4, right=0.84)
    answer = replace(found.answer, right=0.61, perfect=1.0)
    run = read_run_of(result)
    say = explained(run, replace(found, answer=answer, counts=(count,)), EN)
    assert say["counts"][0].endswith("moves from 6 to 8 in 10.")
    assert say["trial"] == ""
    trial = replace(count, trial=True, months=6)
    assert "Try the change" in explained(run, replace(found, answer=answer, counts=(trial,)), EN)["trial"]
    little = explained(run, replace(found, answer=answer, counts=(replace(count, worth=0.0),)), EN)["counts"][0]
    assert "hardly moves the chance" in little
    settled = replace(found, answer=replace(answer, perfect=0.0), counts=(count,))
    assert explained(run, settled, EN)["counts"] == [EN.text("counts_settled")]
    silent = replace(found, answer=answer, counts=(replace(count, chosen=False),))
    assert explained(run, silent, EN)["counts"] == [EN.text("counts_none")]


def read_run_of(result):
    from crksim.output.finished import Run
    from tests.make_result import make_scenario, make_study

    return Run(result, make_study(), make_scenario(), (), "mark", "en", "0")


@pytest.mark.unit
def test_the_plan_tells_what_is_expected_and_where_to_stop(run):
    row = run.explanations[0].follow_up[0]
    rows = (
        replace(row, measure="g.starts.count@2018-04", months=3, low=1.0, high=5.0, side="none", red=math.nan),
        replace(row, measure="g.starts.count@2018", months=6, low=6.0, high=9.0, side="below", red=4.0, caught=0.62),
    )
    follow = told(run, DA, follow_up=rows)["follow"]
    assert follow["months"] == ["efter 3 måneder", "efter 6 måneder"]
    assert [row["cells"] for row in follow["rows"]] == [[("1 til 5", ""), ("6 til 9", "stop under 4")]]
    assert "efter 6 måneder: 6 ud af 10" in follow["caught"]
    assert told(run, follow_up=())["follow"] is None


@pytest.mark.unit
def test_what_calibration_left_is_a_column_once_it_is_known(run):
    known = replace(run.explanations[0].parameters[0], kept=0.43)
    assert told(run, parameters=(known,))["kept"]
    assert told(run, parameters=(known,))["parameters"][0]["kept"] == "43%"
    assert not told(run)["kept"]
