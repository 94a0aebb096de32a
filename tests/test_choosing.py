"""Options against each other: regret, ties, what cannot be paired, and both numbers of those that were chosen."""

import csv
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from crksim.analysis.choosing import REFERENCE, Judged, common_reference, finalists, rank, unlike
from crksim.analysis.comparison import Question
from crksim.interface import cli
from crksim.interface.offered import Option, told_apart
from crksim.model.network import Label
from crksim.output import figures
from crksim.output.report.chosen import chosen_lines
from crksim.output.report.wording import Wording, texts
from crksim.output.rundir import write_run
from tests.make_result import make_result, make_run


def question(worthwhile=1.0, good="up"):
    return Question(
        "group.starts", Label("starter", "starts"), Label("om året", "per year"), "flow", worthwhile, good=good
    )


def apart(ranking):
    return {choice.name: choice for choice in ranking.choices}


def exact(members, futures=2):
    """Return the same value in every future of a member."""
    return np.repeat(np.asarray(members, dtype=float)[:, None], futures, axis=1)


# --- regret and chance -----------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_regret_and_ties_by_hand():
    """Four versions; b is ahead of a by 3, 0.5, -0.5 and -3, and 1 is the smallest difference that matters."""
    zeros = np.zeros(4)
    found = apart(rank(question(), {REFERENCE: exact(zeros), "b": exact([3.0, 0.5, -0.5, -3.0])}))
    # One version in four is pulled in by the Monte Carlo error of the mean; without luck it is not.
    assert found["b"].regret == pytest.approx((0.5 + 3.0) / 4)
    assert found[REFERENCE].regret == pytest.approx((3.0 + 0.5) / 4)
    assert (found["b"].best, found[REFERENCE].best) == (0.75, 0.75)
    assert (found["b"].alone, found[REFERENCE].alone) == (0.25, 0.25)


@pytest.mark.unit
@pytest.mark.parametrize(("good", "winner"), [("up", "more"), ("down", "fewer")])
def test_the_good_direction_decides_who_is_first(good, winner):
    values = {REFERENCE: exact([5.0] * 20), "more": exact([8.0] * 20), "fewer": exact([2.0] * 20)}
    ranking = rank(question(good=good), values)
    assert [ranking.choices[0].name, ranking.choices[0].regret, ranking.choices[0].alone] == [winner, 0.0, 1.0]
    assert finalists(ranking, 1) == (winner,)


@pytest.mark.unit
def test_without_a_direction_nothing_is_ranked_but_all_are_paired():
    ranking = rank(question(good="none"), {REFERENCE: exact([5.0] * 20), "a": exact([5.2] * 20)})
    assert [choice.name for choice in ranking.choices] == [REFERENCE, "a"]
    assert math.isnan(ranking.choices[1].regret)
    assert finalists(ranking, 2) == ()
    assert ranking.pair("a", REFERENCE).equal


@pytest.mark.theory
def test_mean_regret_is_the_unit_normal_loss():
    """Two options a normal distance apart: E max(0, -X) = sd (phi(k) - k (1 - Phi(k))), k = mean / sd."""
    rng = np.random.default_rng(3)
    members, mean, sd = 4000, 1.0, 2.0
    gap = rng.normal(mean, sd, members)
    found = apart(rank(question(), {REFERENCE: exact(np.zeros(members)), "a": exact(gap)}))
    k = mean / sd
    loss = sd * (stats.norm.pdf(k) - k * stats.norm.sf(k))
    assert found["a"].regret == pytest.approx(loss, abs=4 * sd / math.sqrt(members))
    assert found[REFERENCE].regret == pytest.approx(loss + mean, abs=4 * sd / math.sqrt(members))


@pytest.mark.theory
def test_luck_does_not_pass_for_regret():
    """Four options that expect the same in every version: their means differ by luck alone."""
    rng = np.random.default_rng(5)
    values = {name: rng.normal(20.0, 2.0, (100, 2)) for name in (REFERENCE, "a", "b", "c")}
    means = np.stack([own.mean(axis=1) for own in values.values()])
    short = means.max(axis=0) - means
    naive, naive_best = float(short.mean()), float((short < 1.0).mean(axis=1).max())
    ranking = rank(question(), values)
    assert (naive > 1.3, naive_best < 0.6) == (True, True)
    assert max(choice.regret for choice in ranking.choices) < 0.5 * naive
    assert min(choice.best for choice in ranking.choices) > 0.75


@pytest.mark.theory
@pytest.mark.parametrize("choices", [60, pytest.param(150, marks=pytest.mark.slow)])
def test_fresh_luck_takes_out_what_the_choice_owes_to_chance(choices):
    """Five options as good as each other: the one that comes out best was lucky, and is not when it is judged again."""
    rng = np.random.default_rng(7)
    first, fresh = [], []
    for _ in range(choices):
        values = {REFERENCE: np.zeros((20, 2))} | {name: rng.normal(0.0, 3.0, (20, 2)) for name in "abcde"}
        (winner,) = finalists(rank(question(), values), 1)
        first.append(values[winner].mean())
        again = {REFERENCE: np.zeros((20, 2)), winner: rng.normal(0.0, 3.0, (20, 2))}
        fresh.append(apart(rank(question(), again))[winner].row.difference)
    error = np.std(fresh) / math.sqrt(len(fresh))
    assert np.mean(first) > 5 * error
    assert abs(np.mean(fresh)) < 3 * error


@pytest.mark.unit
def test_versions_without_a_value_are_left_out_and_too_many_rank_nothing():
    gaps = np.array([2.0] * 19 + [np.nan])
    found = apart(rank(question(), {REFERENCE: exact(np.zeros(20)), "a": exact(gaps)}))
    assert (found["a"].regret, found["a"].best) == (0.0, 1.0)
    gaps[:3] = np.nan
    assert math.isnan(apart(rank(question(), {REFERENCE: exact(np.zeros(20)), "a": exact(gaps)}))["a"].regret)


# --- how they are called ---------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_options_are_equal_in_sets_of_which_every_two_are():
    """1 matters: b lies within that of a and of c, and a and c lie further apart than that."""
    values = {REFERENCE: 5.0, "a": 10.0, "b": 10.6, "c": 11.2}
    judged = Judged(
        Label("uden", "without"), (rank(question(), {name: exact([it] * 20) for name, it in values.items()}),)
    )
    lines = chosen_lines(judged, Wording("en"))
    assert lines[-1].startswith("Equal within the smallest worthwhile difference: c = b; b = a.")


@pytest.mark.unit
def test_long_names_have_a_letter_within_sentences():
    result = make_result()
    label = Label(f"{result.title.da} – {'x' * 80}", f"{result.title.en} – y")
    options = [Option(name, Path(name), result, None, None, told) for name, told in (("a", result.title), ("b", label))]
    first, second = told_apart(options)
    assert (first.label, first.short) == (result.title, result.title)
    assert second.short == Label(f"{result.title.da} (B)", f"{result.title.en} (B)")
    assert second.label == Label(f"{result.title.da} (B) – {'x' * 80}", f"{result.title.en} (B) – y")
    judged = Judged(
        Label("uden", "without"),
        (rank(question(), {REFERENCE: exact([0.0] * 20), "b": exact([9.0] * 20)}),),
        labels={"b": second.label},
        shorts={"b": second.short},
    )
    assert f"Loses least on average: “{result.title.en} (B)”." in " ".join(chosen_lines(judged, Wording("en")))
    # Of two that are called alike, both keep what tells them apart.
    assert [option.label for option in told_apart([*options, replace(options[1], name="c")])] == [
        result.title,
        None,
        None,
    ]


# --- finished runs ---------------------------------------------------------------------------------------------------


def moved(result, by, **other):
    """Return a run whose what-if starts so many more."""
    values = result.worlds[-1].values.copy()
    values[:, :, 0] += by
    return replace(result, worlds=(*result.worlds[:-1], replace(result.worlds[-1], values=values)), **other)


@pytest.mark.unit
def test_a_reference_is_common_when_every_number_is():
    result = make_result()
    assert common_reference([result, moved(result, 1.0)]) == ("without", "without")
    swapped = replace(result, worlds=(result.worlds[1], result.worlds[0], result.worlds[2]))
    assert common_reference([result, swapped]) == ("without", "without")
    other = [replace(world, values=world.values + 1e-12) for world in result.worlds]
    assert common_reference([result, replace(result, worlds=tuple(other))]) is None


@pytest.mark.unit
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 2}, [("seed", 1, 2)]),
        ({"window": ("2018-01-01", "2020-12-31")}, [("window", "2018-02-01..2020-12-31", "2018-01-01..2020-12-31")]),
        ({}, [("reference", "baseline", "baseline")]),
    ],
)
def test_what_keeps_runs_apart_is_named(change, told):
    assert unlike(make_result(), replace(make_result(), **change)) == told


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return what gives a finished run; every one is written once, without the figures that no test here looks at."""
    folders = {}

    def make(by):
        if by not in folders:
            arguments = make_run()
            arguments["result"] = moved(arguments["result"], by)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(figures, "draw_figures", lambda *_: {})
                folders[by] = write_run(folder=tmp_path_factory.mktemp("made") / "run", lang="en", **arguments)
        return folders[by]

    return make


@pytest.fixture
def runs(tmp_path, monkeypatch, made):
    """Return how a run is put into outputs/ of an empty folder."""
    monkeypatch.chdir(tmp_path)

    def put(name, by):
        shutil.copytree(made(by), tmp_path / "outputs" / name)

    return put


def typed(capsys, *words):
    code = cli.main([*words, "lang=en"])
    out = capsys.readouterr()
    return code, out.out, out.err.splitlines()


@pytest.mark.e2e
def test_finished_runs_are_compared_on_screen_page_and_tables(runs, capsys, tmp_path):
    runs("more", 20.0)
    runs("equal", 19.0)
    code, out, err = typed(capsys, "compare", "more", "equal")
    assert (code, err) == (0, [])
    told = " ".join(out.split())
    assert "Loses least on average: more." in told
    assert "Equal within the smallest worthwhile difference: more = equal." in told
    assert "Not judged on fresh luck" in told
    (folder,) = (tmp_path / "outputs").glob("comparison_*")
    page = (folder / "comparison.html").read_text("utf-8")
    assert texts()["chosen_title"]["da"] in page
    assert texts()["chosen_title"]["en"] in page
    # What sets two shares apart is points: +35% could be a third more of a share.
    assert re.search(r"\+3\d percentage points", page)
    assert not re.search(r"[+−][\d.,]+\s?%", page)
    with (folder / "options.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] == "youth_group.starts"]
    assert [row["option"] for row in rows] == ["more", "equal", REFERENCE]
    assert [float(row["best"]) for row in rows] == [1.0, 1.0, 0.0]
    # The options differ by 1 where 5 matters: nobody is alone at the top.
    assert [float(row["alone"]) for row in rows] == [0.0, 0.0, 0.0]


@pytest.mark.e2e
def test_runs_of_other_luck_are_shown_and_not_paired(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})
    runs("one", 0.0)
    arguments = make_run()
    other = [replace(world, values=world.values + 1.0) for world in arguments["result"].worlds]
    arguments["result"] = replace(arguments["result"], worlds=tuple(other), seed=2)
    write_run(folder=tmp_path / "outputs" / "two", lang="en", **arguments)
    code, out, err = typed(capsys, "compare", "one", "two")
    assert (code, err) == (0, [])
    assert "two and one do not share luck and reference (seed 2, not 1)" in " ".join(out.split())
    (folder,) = (tmp_path / "outputs").glob("comparison_*")
    assert not (folder / "options.csv").exists()
    assert (folder / "comparison.html").is_file()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one",), "two scenarios or runs"),
        (("baseline", "one"), "a scenario beside a finished run"),
        (("one", "tvo"), "did you mean 'two'"),
        (("one", "two", "members=5"), "settled in finished runs"),
        (("one", "two", "good=upp"), "must be up or down"),
        (("one", "two", "measure=youth_group.start"), "is not measured in all"),
        (("baseline", "youth_growth_20", "services.x.places.hard=3"), "cannot be used with compare"),
        (("based+intensive_5_places", "youth_growth_20"), "no reference that all have"),
    ],
)
def test_faults_of_a_comparison_are_told_in_a_line(runs, capsys, tmp_path, words, said):
    runs("one", 0.0)
    runs("two", 1.0)
    # Base numbers begin on another day, on which no other scenario begins.
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "based.yaml").write_text("title: {da: I dag, en: Today}\nas_of: 2026-01-01\n", "utf-8")
    code, out, err = typed(capsys, "compare", *words)
    assert (code, out, len(err)) == (2, "", 1), err
    assert said in err[0]


@pytest.mark.e2e
@pytest.mark.slow
def test_scenarios_are_run_paired_and_judged_again(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ("members=2", "futures=1", "workers=1", "progress=false", "prior_members=0")
    code, out, err = typed(capsys, "compare", "youth_groups_2sites", "youth_growth_20", *small)
    assert (code, err) == (0, [])
    assert " ".join(out.split()).count("on fresh luck.") == 2
    (folder,) = (tmp_path / "outputs").glob("comparison_*")
    with (folder / "pairs.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] == "youth_group.starts"]
    assert [row["luck"] for row in rows] == ["choice"] * 3 + ["fresh"] * 3
    # A finished pair of runs is compared alike, and its what-ifs are still those of today.
    names = [path.name for path in (tmp_path / "outputs").iterdir() if path.name.startswith("youth")]
    code, again, err = typed(capsys, "compare", *sorted(names, reverse=True), "workers=1")
    assert (code, err) == (0, [])
    assert " ".join(again.split()).count("on fresh luck.") == 2
