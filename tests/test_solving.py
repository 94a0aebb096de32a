"""The smallest value that reaches a target: against Erlang, over versions, and what only seems to reach it."""

import json
from pathlib import Path

import numpy as np
import pytest

from crksim.analysis.goals import read_goal
from crksim.analysis.points import expected, run_alone
from crksim.analysis.replications import WorldStudy, replicate
from crksim.analysis.solving import solve, tried, watched
from crksim.errors import InputError
from crksim.interface import cli
from crksim.interface.axes import read_axes
from crksim.model.clock import YEAR, Window
from crksim.model.network import Label
from crksim.model.study import read_study
from tests.read_once import read_once
from tests.theory_formulas import erlang_a, erlang_b, mmc_wait
from tests.theory_networks import queue

NAME = Label("verden", "world")
DAY = {"law": "exponential", "mean": "1 day"}


def question(target, places=3, rate=5.0, days=2000, most_lost=0.1, **service):
    """Return (what is watched, places -> values) of one queue; a version, a future."""

    def study(count):
        return queue(days, f"{rate} / day", {"places": {"hard": count}, "length": DAY, **service})

    reference = WorldStudy("without", "baseline", NAME, study(places))
    network = reference.read().network
    watch = watched(read_goal(target, network), "services.queue.places.hard", network, most_lost)

    def run(count):
        world = WorldStudy("what_if", "more", NAME, study(int(count)))
        window = Window(0.1 * days, float(days))
        return run_alone(
            reference, world, {}, measures=watch.measures, members=1, futures=1, seed=1, window=window
        )  # fmt: skip

    return watch, run


def between(formula, count):
    """Return a bound that the formula keeps at `count` and not below, as far from both as it gets."""
    return float(np.sqrt(formula(count) * formula(count - 1)))


# --- theory ----------------------------------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize(("rate", "answer"), [(5.0, 7), (5.0, 8), (2.5, 4)])
def test_the_smallest_number_of_places_is_that_of_erlang_c(rate, answer):
    bound = between(lambda count: mmc_wait(rate, 1.0, count), answer)
    found = solve(range(1, 17), *question(f"queue.wait.mean <= {bound} days", rate=rate, days=4000))
    assert found.smallest == found.on_paper == answer
    assert found.at_smallest.mean_of("load") == pytest.approx(rate / answer, rel=0.05)
    assert len(found.tried) <= 6


@pytest.mark.theory
@pytest.mark.parametrize("answer", [6, 9])
def test_the_smallest_number_of_places_is_that_of_erlang_b(answer):
    """Refusals are what the target speaks of, so neither they nor a load above 1 are held against it."""
    bound = YEAR * between(lambda count: 8.0 * erlang_b(count, 8.0), answer)
    found = solve(range(1, 17), *question(f"queue.refused <= {bound}", rate=8.0, days=1500, queue={"room": 0}))
    assert found.smallest == answer
    lost = erlang_b(answer, 8.0)
    assert found.at_smallest.mean_of("lost") == pytest.approx(lost, rel=0.1)
    assert found.sham == ()


@pytest.mark.theory
def test_a_wait_that_is_short_because_people_give_up_does_not_count():
    """With little patience three places keep every wait short: two in five leave the queue, as Erlang A says."""
    patience = {"law": "exponential", "mean": "0.5 days"}
    found = solve(range(3, 13), *question("queue.wait.mean <= 0.5 days", patience=patience))
    gave_up, _, _ = erlang_a(5.0, 1.0, 3, 2.0)
    assert found.tried[0].mean_of("lost") == pytest.approx(gave_up, rel=0.05)
    assert (found.on_paper, found.sham[0].value) == (3, 3)
    shares = [erlang_a(5.0, 1.0, count, 2.0)[0] for count in range(3, 13)]
    assert found.smallest == next(count for count, share in zip(range(3, 13), shares, strict=True) if share <= 0.1)


@pytest.mark.theory
def test_nobody_left_to_wait_because_all_are_refused_does_not_count():
    found = solve(range(3, 6), *question("queue.waiting.mean <= 0.1", queue={"room": 0}))
    assert (found.on_paper, found.smallest) == (3, None)
    assert [one.value for one in found.sham] == [3, 4, 5]


@pytest.mark.theory
def test_a_short_window_does_not_hide_a_queue_that_grows():
    """Four places for a demand of five: in two months the wait is still short, and grows without end."""
    watch, run = question("queue.wait.mean <= 10 days", days=60)
    found = solve([3, 4, 8], watch, run)
    assert (found.on_paper, found.smallest) == (4, 8)
    assert all(one.mean_of("load") > 1.0 and one.mean_of("lost") == 0.0 for one in found.sham)
    # A target that is not about waiting counts, and the queue is told.
    found = solve([3, 4, 8], *question("queue.starts >= 1000", days=60))
    assert (found.smallest, found.hidden) == (3, True)


# --- the search ------------------------------------------------------------------------------------------------------


def made_up(target="queue.wait.mean <= 5 days"):
    """Return a watch whose values the test makes up."""
    study = read_study(queue(1000, "5 / day", {"places": {"hard": 3}, "length": DAY}))
    return watched(read_goal(target, study.network), "services.queue.places.hard", study.network)


def values_of(watch, measure, load=0.5, lost=0.0):
    """Return values (members, 2 futures, measures) with that measure by member, and that load and loss."""
    members = np.asarray(measure, dtype=float)
    found = np.zeros((len(members), 2, len(watch.measures)))
    place = {name.partition(".")[2]: column for column, name in enumerate(watch.measures)}
    found[:, :, 0] = members[:, None]
    for first in (1, 6):
        found[:, :, first], found[:, :, first + 1] = 100.0 * (1.0 - lost), 100.0 * lost
    found[:, :, place["length.mean"]] = load * YEAR / 100.0
    found[:, :, place["occupancy"]] = found[:, :, place["present.mean"]] = 1.0
    return found


@pytest.mark.unit
def test_every_version_has_its_own_smallest_value_and_few_values_are_run():
    watch, own = made_up(), np.arange(10, 110, 5)
    run = []

    def evaluate(value):
        run.append(value)
        return values_of(watch, np.where(value >= own, 1.0, 50.0))

    found = solve(range(1, 201), watch, evaluate)
    assert found.smallest == np.sort(own)[int(0.9 * len(own)) - 1]
    assert found.interval == (10, own[9], own[18])
    assert len(run) == len(set(run)) < 35
    assert (found.own_low < own).all()
    assert (own <= found.own_high).all()
    assert found.against == 0


@pytest.mark.unit
def test_what_does_not_get_better_all_the_way_is_told():
    watch = made_up()
    found = solve(range(1, 9), watch, lambda value: values_of(watch, [1.0 if value in (1, 8) else 50.0] * 3))
    assert (found.smallest, found.against) == (8, 3)
    found = solve(range(1, 9), watch, lambda value: values_of(watch, [1.0 if value < 4 else 50.0] * 3))
    assert (found.smallest, found.interval) == (None, (None, None, None))


@pytest.mark.unit
def test_versions_with_too_much_load_or_too_many_who_left_do_not_count():
    watch = made_up()
    for load, lost, counts in ((0.99, 0.0, True), (1.0, 0.0, False), (0.5, 0.1, True), (0.5, 0.11, False)):
        one = tried(4, values_of(watch, [1.0] * 3, load, lost), watch)
        assert (one.reached.all(), one.counted.all()) == (True, counts), (load, lost)
        assert one.mean_of("load") == pytest.approx(load)
        assert one.mean_of("lost") == pytest.approx(lost)
    assert not tried(4, values_of(watch, [np.nan] * 3), watch).reached.any()


@pytest.mark.unit
def test_luck_is_taken_out_of_what_a_version_expects_and_undefined_versions_keep_their_place():
    random = np.random.default_rng(1)
    values = random.normal(10.0, 3.0, (200, 2))
    values[7] = np.nan
    found = expected(values)
    assert np.isnan(found[7])
    assert np.nanstd(found) < 0.5 * np.nanstd(np.nanmean(np.delete(values, 7, axis=0), axis=1))


@pytest.mark.unit
def test_a_world_alone_has_the_numbers_that_it_has_beside_its_reference():
    def study(inflow, places):
        service = {"places": {"hard": places}, "length": {"law": "exponential", "mean": "20 days"}}
        return queue(800, "@inflow", service) | {"parameters": {"inflow": {"value": inflow}}}

    ledger = {"parameters.inflow": {"kind": "assumed", "low": "0.1 / day", "high": "0.4 / day", "law": "pert"}}
    reference = WorldStudy("without", "baseline", NAME, study("0.2 / day", 4))
    changes = {"parameters.inflow": {"times": 1.5}}
    world = WorldStudy("what_if", "more", NAME, study("0.3 / day", 5), changes)
    size = {"measures": ["queue.wait.mean", "queue.starts"], "members": 3, "futures": 2, "seed": 4}
    window = Window(100.0, 800.0)
    both = replicate([reference, world], ledger, window=window, **size)
    alone = run_alone(reference, world, ledger, window=window, **size)
    assert alone.tobytes() == both.worlds[-1].values.tobytes()


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_targets_are_read_with_their_units():
    network = read_study(queue(100, "5 / day", {"places": {"hard": 3}, "length": DAY})).network
    read = {
        "queue.wait.mean <= 2 weeks": (True, 14.0, 0.9),
        "P(queue.wait.p90 ≤ 7 days) >= 80 %": (True, 7.0, 0.8),
        "queue.occupancy >= 95 %": (False, 0.95, 0.9),
        "queue.starts>=2 / month": (False, 24.0, 0.9),
    }
    for text, wanted in read.items():
        goal = read_goal(text, network)
        assert (goal.most, goal.bound, goal.chance) == pytest.approx(wanted)
    for text, rule in {
        "queue.wait.mean <= 7": "must be a duration",
        "queue.wait.mean < 7 days": "must read",
        "queue.waits.mean <= 7 days": "is not a quantity",
        "P(queue.starts >= 3) <= 0.9": "a probability is a least",
        "P(queue.starts >= 3) >= 1.2": "must be a share above 0",
        "queue.starts >= 3 days": "must be a number, or a rate",
    }.items():
        with pytest.raises(InputError, match=rule):
            read_goal(text, network)
    with pytest.raises(InputError, match="stands in the target already"):
        read_goal("P(queue.starts >= 3) >= 0.9", network, "0.9")


@pytest.mark.unit
def test_ranges_are_read_exactly_and_faults_are_told_together():
    words = ["a.b=4..6", "a.c=0.1..0.4..0.1", "a.d=times(0.8,1.0,1.25)", "a.e=30..90..30 days", "a.f=7", "a.g=0.1..0.5"]
    axes, fixed, problems = read_axes(words, "en")
    assert [axis.values for axis in axes] == [
        ("4", "5", "6"), ("0.1", "0.2", "0.3", "0.4"), ("0.8", "1", "1.25"), ("30", "60", "90"), (),
    ]  # fmt: skip
    assert (axes[2].word("0.8"), axes[3].word("60")) == ("a.d={times: 0.8}", "a.e=60 days")
    assert (fixed, problems) == (["a.f=7"], [])
    _, _, problems = read_axes(["a.b=6..4", "a.c=4..", "a.d=times(1", "a.e=0..1..0.00001", "a.f=1..2..5"], "en")
    assert [problem.address for problem in problems] == ["a.b", "a.c", "a.d", "a.e", "a.f"]


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read_once(monkeypatch)
    return tmp_path


SMALL = ("members=2", "futures=1", "workers=1", "progress=false", "versions=none", "window=2018")
LEVER = "services.fhv_intensive.places.hard=3..4"
TARGET = "target=fhv_intensive.wait.mean <= 30 days"


@pytest.mark.e2e
@pytest.mark.slow
def test_the_command_leaves_a_folder_with_the_same_bytes_each_time(capsys, empty_folder):
    words = ("solve", "scenario=intensive_5_places", LEVER, TARGET, "members=1", *SMALL[1:])
    assert cli.main([*words, "lang=en"]) == 0
    told = capsys.readouterr().out
    assert "at most 30 days" in " ".join(told.split())
    (folder,) = Path("outputs").glob("[!.]*")
    names = {"solve.csv", "frontier.csv", "members.csv", "manifest.json"}
    names |= {
        f"{stem}.{lang}.{kind}" for stem, kind in (("frontier", "svg"), ("answer", "txt")) for lang in ("da", "en")
    }
    assert {path.name for path in folder.iterdir()} == names
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert json.loads(before["manifest.json"])["ensemble"] == ""
    assert "Mål: " in before["answer.da.txt"].decode()
    assert cli.main([*words, "lang=da"]) == 0
    assert "højst 30 dage" in " ".join(capsys.readouterr().out.split())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(before["frontier.csv"].splitlines()) == 3
    assert {path.name for path in Path("outputs").iterdir()} == {folder.name, ".kept"}


@pytest.mark.e2e
def test_every_fault_of_the_command_is_told_at_once_with_the_nearest_word(capsys, empty_folder):
    code = cli.main(
        [
            "solve", "scenario=intensive_5_places", "services.fhv_intensiv.places.hard=3..4",
            "target=fhv_intensive.wate.mean <= 30 days", "confidence=2", "lost=x", *SMALL, "lang=en",
        ]
    )  # fmt: skip
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    told = "\n".join(lines)
    for part in ("fhv_intensive.places.hard'", "did you mean 'wait'", "confidence = '2'", "lost = 'x'"):
        assert part in told
    assert len(lines) == 4
    assert all(line.startswith("command line: ") for line in lines if "wate" not in line)
    assert not Path("outputs").exists()


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((TARGET,), "exactly one address"),
        ((LEVER,), "target='MEASURE <= VALUE'"),
        ((TARGET, "services.fhv_intensive.places.hard=0.5..4"), "needs a step"),
        ((TARGET, LEVER, "targt=3"), "did you mean 'target'"),
    ],
)
def test_what_is_missing_is_told(capsys, empty_folder, words, said):
    assert cli.main(["solve", "scenario=intensive_5_places", *words, *SMALL, "lang=en"]) == 2
    assert said in capsys.readouterr().err
