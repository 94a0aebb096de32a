"""Runs are added until the verdict stands, and what is said at the stop keeps its error."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from crksim.analysis.comparison import Question
from crksim.analysis.precision import add_until_settled, look_at, next_size
from crksim.analysis.results import Look, Precision
from crksim.errors import InputError
from crksim.interface import cli
from crksim.interface.settings import read_settings
from crksim.model.network import Label
from crksim.output.finished import read_run
from crksim.output.report.precise import precision_lines
from crksim.output.report.wording import Wording
from crksim.output.rundir import write_run
from tests.make_result import make_run

MOST, BUDGET = 300, 1200


def question(worthwhile=1.0, **other):
    return Question("m", Label("mål", "measure"), Label("om året", "per year"), "flow", worthwhile, **other)


def world(seed, expected, luck):
    """Return what runs a made-up difference: members keep their luck while futures stay, and get other luck else."""

    def run(members, futures):
        rng = np.random.default_rng([seed, futures])
        return expected[:members, None] + rng.normal(0.0, luck, (MOST, futures))[:members]

    return run


def settle(run, worthwhile=1.0, **other):
    return add_until_settled(run, question(worthwhile, **other), members=50, futures=2, budget=BUDGET, most=MOST)


def law(kind, mean, sd, rng):
    """Return expected differences of all members: normal, or leaning far to one side."""
    return mean + sd * (
        rng.normal(size=MOST) if kind == "normal" else rng.gamma(2.0, 1.0, MOST) / math.sqrt(2.0) - math.sqrt(2.0)
    )


# --- the error at the stop -------------------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize(
    ("kind", "luck"),
    [
        ("normal", 3.0),
        ("lopsided", 0.3),
        pytest.param("normal", 0.3, marks=pytest.mark.slow),
        pytest.param("lopsided", 3.0, marks=pytest.mark.slow),
    ],
)
def test_the_interval_at_the_stop_holds_the_truth_in_nine_of_ten_at_least(kind, luck):
    """The mean lies at the edge of what matters, where the rule looks most often."""
    held, looks = [], []
    for seed in range(300):
        rng = np.random.default_rng([9, seed])
        precision = settle(world(seed, law(kind, 1.3, 0.3, rng), luck))
        last = precision.looks[-1]
        held.append(last.low <= 1.3 <= last.high)
        looks.append(len(precision.looks))
    assert np.mean(looks) > 1.5
    assert np.mean(held) >= 0.9


@pytest.mark.theory
@pytest.mark.parametrize(
    ("mean", "sd", "truth"),
    [(1.45, 0.3, "makes_a_difference"), (1.3, 0.3, "cannot_be_decided"), (0.62, 0.25, "no_difference_that_matters")],
)
@pytest.mark.parametrize(
    "luck", [pytest.param(0.1, marks=pytest.mark.slow), 0.5, pytest.param(2.0, marks=pytest.mark.slow)]
)
def test_a_verdict_that_is_said_to_stand_is_wrong_in_at_most_one_of_ten(mean, sd, truth, luck):
    """Populations near the line between two verdicts: chances of 0.93, 0.84 and 0.94."""
    chance, small = (
        stats.norm.sf((1.0 - mean) / sd),
        stats.norm.cdf((1.0 - mean) / sd) - stats.norm.cdf((-1.0 - mean) / sd),
    )
    assert truth == (
        "makes_a_difference" if chance >= 0.9 else "no_difference_that_matters" if small >= 0.9 else "cannot_be_decided"
    )
    said = []
    for seed in range(200):
        rng = np.random.default_rng([4, seed])
        said.append(settle(world(seed, rng.normal(mean, sd, MOST), luck)).looks[-1].verdict)
    wrong = np.mean([bool(verdict) and verdict != truth for verdict in said])
    assert wrong <= 0.1


@pytest.mark.unit
def test_what_the_looks_spend_adds_up_to_one_tenth():
    """Look i has i designs to be at: its level for each is 0.1 / (i i (i + 1))."""
    assert sum(number * 0.1 / (number * number * (number + 1)) for number in range(1, 100_000)) == pytest.approx(
        0.1, rel=1e-4
    )
    rng = np.random.default_rng(1)
    differences = rng.normal(3.0, 1.0, (50, 2))
    for number in (1, 2, 3):
        look = look_at(differences, question(), number)
        level = 0.1 / (number * number * (number + 1))
        reach = stats.t.ppf(1.0 - level / 2.0, 49) * differences.mean(axis=1).std(ddof=1) / math.sqrt(50)
        assert (look.low, look.high) == pytest.approx((look.mean - reach, look.mean + reach))


# --- when it stops ---------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("mean", "verdict"),
    [(9.0, "makes_a_difference"), (-9.0, "makes_a_difference"), (0.0, "no_difference_that_matters")],
)
def test_what_is_clear_stops_at_the_first_look(mean, verdict):
    precision = settle(world(1, np.full(MOST, mean), 0.1))
    assert (precision.outcome, len(precision.looks), precision.looks[0].verdict) == ("settled", 1, verdict)


@pytest.mark.unit
def test_ignorance_is_told_at_once_and_burns_no_budget():
    """Half of the versions say that it matters, half that it does not: no run will ever decide."""
    precision = settle(world(1, np.tile([3.0, -0.2], MOST // 2), 0.3))
    assert (precision.outcome, len(precision.looks)) == ("ignorance", 1)


@pytest.mark.unit
def test_luck_is_run_down_with_futures_and_not_called_ignorance():
    """All versions expect the same, twice what matters; two futures blur it."""
    precision = settle(world(2, np.full(MOST, 2.0), 3.0))
    sizes = [(look.members, look.futures) for look in precision.looks]
    assert sizes[:3] == [(50, 2), (50, 4), (50, 8)]
    assert precision.outcome in ("settled", "luck")
    assert all(look.verdict in ("", "makes_a_difference") for look in precision.looks)
    hopeless = settle(world(2, np.full(MOST, 1.0), 30.0))
    assert hopeless.outcome == "luck"
    assert hopeless.looks[-1].members * hopeless.looks[-1].futures <= BUDGET


@pytest.mark.unit
def test_no_answer_stops_at_the_first_look():
    nothing = np.full(MOST, np.nan)
    assert settle(world(1, nothing, 1.0)).outcome == "no_answer"
    assert settle(world(1, np.full(MOST, 1.0), 1.0), answerable=False).outcome == "no_answer"


def at(members, futures, luck_part):
    return Look(members, futures, 1.0, 0.5, 1.5, luck_part, 1.0, "")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("look", "grown"),
    [
        (at(50, 2, 0.2), (100, 2)),
        (at(50, 2, 0.8), (50, 4)),
        (at(200, 2, 0.2), (300, 2)),
        (at(300, 2, 0.2), (300, 4)),
        (at(300, 2, 0.05), None),
        (at(300, 4, 0.4), None),
        (at(50, 16, 0.9), None),
        (at(50, 12, 0.9), (50, 24)),
    ],
)
def test_what_is_short_is_doubled_as_far_as_versions_and_budget_go(look, grown):
    assert next_size(look, BUDGET, MOST) == grown


# --- settings and what is told ---------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"precision": "atuo"}, "auto"),
        ({"precision": "auto", "futures": 1}, "at least 2"),
        ({"precision": "auto", "budget": 99}, "at least members x futures, 100"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(values, said):
    with pytest.raises(InputError, match=said):
        read_settings({"scenario": "baseline", "lang": "en", **values})


@pytest.mark.unit
@pytest.mark.parametrize("command", [("compare", "baseline", "youth_growth_20"), ("one_more_place",)])
def test_commands_whose_runs_have_one_size_refuse_it(capsys, command):
    assert cli.main([*command, "precision=auto", "lang=en"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "all runs must have one size" in line


OUTCOMES = ("settled", "ignorance", "luck", "near", "versions", "no_answer")


def auto_run(outcome):
    """Return the arguments of a made-up run that took two looks."""
    arguments = make_run()
    looks = (at(10, 2, math.nan), replace(at(20, 2, 0.3), verdict="makes_a_difference"))
    precision = Precision("youth_group.starts", looks, outcome)
    return {**arguments, "result": replace(arguments["result"], precision=precision)}, looks


@pytest.mark.unit
def test_every_outcome_is_told_apart_in_both_languages():
    for lang in ("da", "en"):
        told = {precision_lines(auto_run(outcome)[0]["result"], Wording(lang))[1] for outcome in OUTCOMES}
        assert len(told) == len(OUTCOMES)
    assert precision_lines(make_run()["result"], Wording("en")) == []


@pytest.mark.unit
def test_the_folder_keeps_how_many_it_took_and_the_page_says_why(tmp_path):
    outcome = "luck"
    arguments, looks = auto_run(outcome)
    folder = write_run(folder=tmp_path / "run", lang="en", **arguments)
    found = read_run(folder).result
    assert found.precision.looks[1] == looks[1]
    assert (found.precision.outcome, math.isnan(found.precision.looks[0].luck_part)) == (outcome, True)
    page = (folder / "report.html").read_text("utf-8")
    for lang in ("da", "en"):
        size, why = precision_lines(found, Wording(lang))
        assert "20" in size
        assert size in page
        assert why in page


@pytest.mark.e2e
@pytest.mark.slow
def test_an_automatic_run_is_the_fixed_run_of_its_size_on_any_number_of_workers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ("scenario=intensive_8_places", "progress=false", "lang=en", "prior_members=0")
    auto = ("precision=auto", "members=2", "budget=8")
    for out, more in (("one", (*auto, "workers=1")), ("two", (*auto, "workers=2"))):
        assert cli.main([*words, *more, f"out={out}"]) == 0
    assert "The size was found on the way" in " ".join(capsys.readouterr().out.split())
    one, two = (next((tmp_path / out).glob("[!.]*")) for out in ("one", "two"))
    size = read_run(one).result
    fixed = (f"members={size.members}", f"futures={size.futures}", "workers=1", "out=fixed")
    assert size.members * size.futures == 8
    assert cli.main([*words, *fixed]) == 0
    given = next((tmp_path / "fixed").glob("[!.]*"))
    for name in ("measures.parquet", "summary.csv", "comparison.csv", "run.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    for name in ("measures.parquet", "summary.csv", "comparison.csv", "series.parquet"):
        assert (one / name).read_bytes() == (given / name).read_bytes(), name
