"""Other ways to build the system: weights, agreement with the report, answers, and the table they stand in."""

import csv
import importlib.util
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crksim.analysis.calibration import Sizes, evaluate_members, evaluation
from crksim.analysis.comparison import Question, compare_measure
from crksim.analysis.pool import open_pool
from crksim.analysis.variants import Alternative, agreement, answer, log_likelihoods, read_variants, reweighed
from crksim.errors import InputError
from crksim.interface import cli
from crksim.interface.calibrating import load_task
from crksim.interface.ensembles import VARIANTS, shipped_folder
from crksim.interface.files import data_dir, read_yaml
from crksim.interface.varying import COLUMNS, _alternatives
from crksim.model.network import Label

TOP = Path(__file__).parents[1]
LABEL = Label("a", "a")


def script(name):
    spec = importlib.util.spec_from_file_location(name, TOP / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def task():
    return script("coverage").small_task(seed=3)


@pytest.fixture(scope="module")
def youth(task):
    return next(block for block in task.blocks.blocks if block.id == "youth")


@pytest.fixture(scope="module")
def members(task, youth):
    scores = np.random.default_rng(5).standard_normal((12, len(youth.parameters))) * 0.3
    columns = [task.blocks.priors[name].values(scores[:, i]) for i, name in enumerate(youth.parameters)]
    return [dict(zip(youth.parameters, map(float, row), strict=True)) for row in zip(*columns, strict=True)]


# ------------------------------------------------------------------------------------------------------ importance


@pytest.mark.theory
def test_the_mean_ratio_is_that_of_the_marginal_likelihoods():
    """Prior N(0, 1), one number seen, 1; its law N(theta, 1) in the base and N(theta, 4) in the variant: the marginal
    likelihoods are normal densities of variance 2 and 5. Tolerance: four of the standard errors told, and what is told
    must be right within a third, over 200 repetitions of 2000 members."""
    random = np.random.default_rng(1)
    exact = (-0.5 * math.log(5.0) - 0.1) - (-0.5 * math.log(2.0) - 0.25)
    found = []
    for _ in range(200):
        theta = 0.5 + math.sqrt(0.5) * random.standard_normal(2000)  # the posterior of the base
        base = -0.5 * (1.0 - theta) ** 2
        found.append(agreement(-0.5 * (1.0 - theta) ** 2 / 4.0 - math.log(2.0), base))
    ratios, errors = np.array([it.log_ratio for it in found]), np.array([it.error for it in found])
    assert ratios.mean() == pytest.approx(exact, abs=4.0 * ratios.std() / math.sqrt(200))
    assert errors.mean() == pytest.approx(ratios.std(), rel=1 / 3)


@pytest.mark.unit
def test_the_same_likelihood_leaves_the_members_as_they_are():
    logs = np.array([-3.0, -1.0, -2.0])
    same = agreement(logs, logs)
    assert (same.log_ratio, same.error) == pytest.approx((0.0, 0.0))
    assert same.effective == pytest.approx(3.0)
    assert reweighed(same.weights).tolist() == [0, 1, 2]
    assert agreement(logs + 2.5, logs).log_ratio == pytest.approx(2.5)


@pytest.mark.unit
def test_members_that_are_not_possible_weigh_nothing():
    found = agreement(np.array([-1.0, -np.inf, -1.0, -1.0]), np.array([-1.0, -1.0, -np.inf, -1.0]))
    assert found.weights.tolist() == [0.5, 0.0, 0.0, 0.5]
    assert found.log_ratio == pytest.approx(math.log(2 / 3))  # of the three that the base knows
    assert reweighed(found.weights).tolist() == [0, 0, 3, 3]
    nobody = agreement(np.full(2, -np.inf), np.zeros(2))
    assert (nobody.log_ratio, nobody.effective) == (-np.inf, 0.0)


@pytest.mark.unit
def test_the_answer_of_equal_weights_is_the_comparison_and_weights_move_it():
    question = Question("m", LABEL, LABEL, "flow", 1.0)
    random = np.random.default_rng(2)
    reference, what_if = random.standard_normal((10, 2)), random.standard_normal((10, 2)) + np.arange(10.0)[:, None]
    plain = answer(question, reference, what_if, np.full(10, 0.1))
    assert replace(plain, against="x") == compare_measure(question, "x", reference, what_if)
    weights = np.zeros(10)
    weights[8:] = 0.5
    assert answer(question, reference, what_if, weights).difference > 6.0 > plain.difference


# --------------------------------------------------------------------------------------------------- a small system


@pytest.mark.unit
def test_given_members_are_simulated_as_their_scores_would_be(task, youth):
    scores = np.random.default_rng(7).standard_normal((3, len(youth.parameters))) * 0.3
    columns = [task.blocks.priors[name].values(scores[:, i]) for i, name in enumerate(youth.parameters)]
    given = [dict(zip(youth.parameters, map(float, row), strict=True)) for row in zip(*columns, strict=True)]
    with open_pool(1) as pool:
        found = evaluate_members(task, youth, given, pool, futures=2, first=5)
        assert np.array_equal(found, evaluation(task, youth, Sizes(futures=2), pool)(scores, 5), equal_nan=True)


@pytest.mark.unit
def test_counts_tell_a_variant_that_does_not_fit(task, youth, members):
    """A group open for a tenth of the time has next to no starts: the 19 reported speak against it."""
    closed = Alternative("late", LABEL, changes={"services.group.opens": "2017-06-01"})
    same = Alternative("same", LABEL, fixed={"group_finishes": 0.75})
    with open_pool(1) as pool:
        base = log_likelihoods(task, youth, members, pool, futures=3)
        late = agreement(log_likelihoods(task, youth, members, pool, closed, futures=3), base)
        fixed = agreement(log_likelihoods(task, youth, members, pool, same, futures=3), base)
    assert late.log_ratio < -5.0
    assert abs(fixed.log_ratio) < 2.0


@pytest.mark.unit
def test_windows_move_the_counts_that_are_meant_and_no_others(task):
    window = "2016-10-01..2017-06-30"
    own = Alternative("ten", LABEL, windows={window: "2016-10-01..2017-07-31"}, counts=("from_host",)).of(task)
    assert own.counts["starts"] == task.counts["starts"]
    assert own.counts["from_host"].measures == (
        "group.from.host.count@2016-10-01..2017-07-31",
        "rest of group.starts.count@2016-10-01..2017-07-31",
    )
    assert own.study is task.study


# -------------------------------------------------------------------------------------------------------- the files


@pytest.mark.unit
def test_all_faults_of_the_variants_are_told_at_once():
    data = {
        "block": "yuth",
        "alternatives": {
            "a": {"label": {"da": "a", "en": "a"}},
            "b": {"label": "b", "fixed": {"stai": 1}, "windows": {"2016": "2017"}, "swich": "x"},
            "c": {"label": {"da": "c", "en": "c"}, "windows": {"2016": "2017"}, "counts": ["startz"]},
        },
    }
    with pytest.raises(InputError) as caught:
        read_variants(data, ["youth"], ["starts"], ["stay"])
    assert [str(problem) for problem in caught.value.problems] == [
        "variants.block = 'yuth': is none of the blocks; did you mean 'youth'?",
        "variants.alternatives.a = '': must say what is different: changes, fixed, windows or switch",
        "variants.alternatives.b.swich = 'x': is not a field of a variant; did you mean 'switch'?",
        "variants.alternatives.b.label = 'b': must be a text in both languages: {da: ..., en: ...}",
        "variants.alternatives.b.fixed = 'stai': is not known; did you mean 'stay'?",
        "variants.alternatives.b.windows = {'2016': '2017'}: must stand with the counts that are meant",
        "variants.alternatives.c.counts = 'startz': is not known; did you mean 'starts'?",
    ]


@pytest.mark.unit
def test_the_shipped_variants_change_what_they_say():
    task = load_task(1)
    block, alternatives = _alternatives(task)
    own = {it.id: it for it in alternatives}
    assert block == "youth"
    hard = "youth_group_hoersholmsgade"
    assert own["soft_places"].of(task).study["services"][hard]["places"] == {"norm": 8, "workable": 4}
    moved = [count.id for count, old in zip(own["ten_months"].of(task).counts.counts, task.counts.counts, strict=True)
             if count != old]  # fmt: skip
    assert sorted(moved) == sorted(own["ten_months"].counts)
    assert len(moved) == 5
    assert own["ten_months"].moved("youth_group.count_at.2017-07-01") == "youth_group.count_at.2017-08-01"
    frail = {name for name in task.study["parameters"] if name.startswith("frailty_")}
    assert own["no_frailty"].fixed == dict.fromkeys(frail, 1.0)
    switches = read_yaml(data_dir("scenarios") / "youth_groups_3sites.yaml").data["switches"]
    assert {it.switch for it in alternatives if it.switch} <= set(switches)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("versions=none",), "versions = 'none': must be an ensemble"),
        (("member=3",), "word = 'member=3': is not a setting; did you mean 'members'?"),
        (("members=1",), "members = '1': must be a whole number of at least 2"),
    ],
)
def test_wrong_words_are_one_line(capsys, words, line):
    assert cli.main(("variants", *words, "lang=en")) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert line in told


# --------------------------------------------------------------------------------------------------------- the page


def made_rows():
    row = dict.fromkeys(COLUMNS, "")
    row |= {
        "scenario": "s", "measure_da": "Starter", "measure_en": "Starts", "unit_da": "om året", "unit_en": "per year",
        "worthwhile": "5", "members": "40", "futures": "2", "past_futures": "32", "seed": "1", "ensemble": "abc",
    }  # fmt: skip
    good = {"label_da": "Som den er", "label_en": "As it is", "log_ratio": "0", "error": "0", "effective": "40",
            "enough": "True", "check": "passed", "check_chance": "0.322",
            "difference": "12.345", "low": "-1.2", "high": "20.1", "chance": "0.93",
            "verdict": "makes_a_difference"}  # fmt: skip
    few = {**good, "label_da": "Andet", "label_en": "Other", "log_ratio": "-3.21", "error": "0.52", "effective": "3.4",
           "enough": "False", "check": "failed", "check_chance": "0.0402"}  # fmt: skip
    return [{**row, **good}, {**row, **few}]


@pytest.mark.unit
def test_the_page_says_what_stands_in_the_table_and_hides_what_few_versions_say():
    text = script("variants_page").variants_page(made_rows())
    lines = [line for line in text.splitlines() if line.startswith(("| As", "| Som", "| Other", "| Andet"))]
    assert lines == [
        "| As it is | 0.00 ± 0.00 | 40 | passed (32) | +12.3 | −1.2 … +20.1 | 93% | makes a difference |",
        "| Other | −3.21 ± 0.52 | 3 | failed (4) | – | – | – | – |",
        "| Som den er | 0,00 ± 0,00 | 40 | bestået (32) | +12,3 | −1,2 … +20,1 | 93 % | gør en forskel |",
        "| Andet | −3,21 ± 0,52 | 3 | ikke bestået (4) | – | – | – | – |",
    ]


@pytest.mark.unit
def test_the_shipped_page_is_what_the_script_makes_of_the_shipped_table():
    table, page = shipped_folder() / VARIANTS, TOP / "docs" / "variants.md"
    if not table.is_file():
        assert not page.exists(), "docs/variants.md speaks of a table that is not there: conf/ensemble/variants.csv"
        return
    with table.open(encoding="utf-8", newline="") as file:
        made = script("variants_page").variants_page(list(csv.DictReader(file)))
    told = page.read_text(encoding="utf-8") if page.exists() else ""
    assert told == made, "docs/variants.md is not what `python scripts/variants_page.py --write` makes"


@pytest.mark.e2e
@pytest.mark.slow
def test_variants_from_words_to_table(capsys, tmp_path, monkeypatch):
    """An ensemble of two made-up members at the values in use; the same table from one worker and from two."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "calibration"
    folder.mkdir()
    (folder / "members.csv").write_text("member,group_stay,take_up_own_site\n0,105,0.29\n1,110,0.3\n2,100,0.27\n")
    (folder / "manifest.json").write_text('{"network": "a", "frozen": "b", "left": {}}')
    words = ("versions=calibration", "members=3", "futures=1", "past_futures=2", "lang=en")
    tables = []
    for workers in (1, 2):
        assert cli.main(("variants", *words, f"workers={workers}", f"out=out{workers}")) == 0
        (table,) = tmp_path.glob(f"out{workers}/variants_youth_groups_3sites_*/variants.csv")
        tables.append(table.read_bytes())
    assert tables[0] == tables[1]
    out = capsys.readouterr().out
    assert "The model as it is: " in out
    rows = list(csv.DictReader(tables[0].decode().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [row["variant"] for row in rows[:3]] == ["base", "other_luck", "ten_months"]
    by_name = {row["variant"]: row for row in rows}
    assert float(by_name["base"]["effective"]) == 3.0
    assert float(by_name["both_substitution"]["difference"]) < float(by_name["base"]["difference"])
    assert by_name["take_up_seventeen"]["log_ratio"] == by_name["base"]["log_ratio"]
