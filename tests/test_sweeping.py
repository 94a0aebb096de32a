"""Designs, the long table and its summary, and sweeps that are cut off anywhere and end with the same bytes."""

import os
import random
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from crksim.analysis.comparison import compare_measure
from crksim.analysis.designs import design
from crksim.analysis.sweeping import long_rows, summary_rows
from crksim.errors import CheckError
from crksim.interface import cli, experiments
from crksim.interface.axes import Axis, read_axes
from crksim.output.export import read_parquet, write_parquet_parts
from tests.budget import Budget, Killed
from tests.read_once import read_once

PLACES, TAKE_UP = "services.fhv_intensive.places.hard", "referrals.to_intensive.take_up"
SMALL = ("members=2", "futures=2", "workers=1", "progress=false", "versions=none", "lang=en")
WORDS = ("sweep", "scenario=intensive_5_places", f"{PLACES}=2..4", "measures=fhv_intensive.starts", *SMALL)


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read_once(monkeypatch)
    return tmp_path


def whole(folder):
    """Return every file below a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- designs ---------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_a_grid_has_every_combination_in_order():
    axes, _, _ = read_axes(["a.b=4..5", "a.c=times(0.8,1.2)"], "en")
    assert design("grid", axes, 0, 1) == [("4", "0.8"), ("4", "1.2"), ("5", "0.8"), ("5", "1.2")]


@pytest.mark.unit
@pytest.mark.parametrize("kind", ["lhs", "sequence"])
def test_designs_put_one_point_in_every_slice_of_every_range(kind):
    axes = [Axis("a.b", 0.0, 1.0, ()), Axis("a.c", 10.0, 20.0, ()), Axis("a.d", 1.0, 4.0, ("1", "2", "3", "4"))]
    points = design(kind, axes, 16, 3)
    assert design(kind, axes, 16, 3) == points != design(kind, axes, 16, 4)
    first, second, third = (np.array([float(value) for value in column]) for column in zip(*points, strict=True))
    assert sorted((first * 16).astype(int)) == sorted(((second - 10.0) * 1.6).astype(int)) == list(range(16))
    assert np.unique(third, return_counts=True)[1].tolist() == [4, 4, 4, 4]
    assert len(design(kind, axes[2:], 16, 3)) == 4


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_the_summary_says_what_a_comparison_says():
    from crksim.analysis.comparison import Question
    from crksim.model.network import Label

    random_values = np.random.default_rng(1)
    values, reference = random_values.normal(5.0, 1.0, (30, 2, 1)), random_values.normal(3.0, 1.0, (30, 2, 1))
    (row,) = summary_rows({"point": 0}, ["a.b"], values, reference)
    question = Question("a.b", Label("x", "x"), Label("x", "x"), "stock", 0.5)
    told = compare_measure(question, "without", reference[:, :, 0], values[:, :, 0])
    wanted = (told.what_if, told.reference, told.difference, told.low, told.high)
    names = ("mean", "reference", "difference", "difference_low", "difference_high")
    assert tuple(row[name] for name in names) == pytest.approx(wanted)


@pytest.mark.unit
def test_the_long_table_is_written_one_point_at_a_time(tmp_path):
    living, most = [], 0

    def parts():
        nonlocal most
        for number in range(8):
            values = np.full((2, 3, 2), float(number))
            part = long_rows({"point": number, "a.b": 0.5 * number}, values)
            living.append(weakref.ref(part["value"]))
            yield part
            del part, values
            most = max(most, sum(ref() is not None for ref in living))

    path = tmp_path / "sweep.parquet"
    write_parquet_parts(path, parts(), {"measure": ["x.y", "z"]})
    assert most <= 2
    found = read_parquet(path, ["point", "a.b", "member", "future", "measure", "value"])
    assert len(found["value"]) == 8 * 12
    assert (found["value"] == found["point"]).all()
    assert found["measure"][:2].tolist() == ["x.y", "z"]
    assert found["future"][:5].tolist() == [0, 0, 1, 1, 2]


# --- cut off anywhere ------------------------------------------------------------------------------------------------


def made_up(self, world, measures, pool, progress):
    """Take the place of a run: numbers that depend on the world and on nothing else."""
    places = world.study["services"]["fhv_intensive"]["places"]["hard"]
    seed = [ord(letter) for letter in str(places)]
    return np.random.default_rng(seed).normal(5.0, 1.0, (self.settings.members, self.settings.futures, len(measures)))


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    """Return the files of a sweep that nothing cut off, and how many events it had."""
    budget, before = Budget(), Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("uncut"))
        patch.setattr(experiments.Experiment, "run", made_up)
        read_once(patch)
        budget.install(patch)
        assert cli.main(WORDS) == 0
        found = whole(Path("outputs"))
    assert Path.cwd() == before
    return found, budget.done


@pytest.mark.e2e
@pytest.mark.parametrize("seed", range(4))
def test_a_sweep_that_was_killed_goes_on_and_ends_with_the_same_bytes(empty_folder, monkeypatch, uncut, seed):
    wanted, events = uncut
    monkeypatch.setattr(experiments.Experiment, "run", made_up)
    chance = random.Random(seed)
    # Half of the deaths fall among the points, half anywhere.
    budget = Budget(chance.randrange(0, 8 if seed % 2 else events))
    with monkeypatch.context() as patch:
        budget.install(patch)
        with pytest.raises(Killed):
            cli.main(WORDS)
    run = []
    monkeypatch.setattr(experiments.Experiment, "run", lambda self, *told: run.append(1) or made_up(self, *told))
    assert cli.main(WORDS) == 0
    assert whole(Path("outputs")) == wanted
    assert len(run) == 4 - min(budget.left // 2, 4)


@pytest.mark.e2e
def test_a_process_that_is_killed_leaves_nothing_half_written(empty_folder, monkeypatch, uncut):
    code = """
import os, sys
from tests.budget import Budget
from tests.test_sweeping import WORDS, made_up, cli, experiments
from pathlib import Path
experiments.Experiment.run = made_up
budget = Budget(5)
spent = budget.spent
budget.spent = lambda: os._exit(9) if spent() else False
class Patch:
    setattr = staticmethod(setattr)
budget.install(Patch)
cli.main(WORDS)
"""
    top = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(top / "src"), str(top)))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, timeout=120, check=False)
    assert done.returncode == 9
    assert len([name for name in whole(Path("outputs")) if name.endswith(".npz")]) == 2
    monkeypatch.setattr(experiments.Experiment, "run", made_up)
    assert cli.main(WORDS) == 0
    assert whole(Path("outputs")) == uncut[0]


@pytest.mark.e2e
def test_a_point_that_is_spoilt_is_run_again(empty_folder, monkeypatch, capsys, uncut):
    monkeypatch.setattr(experiments.Experiment, "run", made_up)
    assert cli.main(WORDS) == 0
    (point,) = Path("outputs").rglob("00001.npz")
    good = point.read_bytes()
    place = good.index(b"NUMPY") + 140
    for spoilt in (good[:50], good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]):
        point.write_bytes(spoilt)
        assert cli.main(WORDS) == 0
        assert "2 of 3 points were there already" in capsys.readouterr().out
        assert whole(Path("outputs")) == uncut[0]


@pytest.mark.e2e
def test_a_point_that_fails_is_named_and_the_others_are_kept(empty_folder, monkeypatch, capsys, uncut):
    run = []

    def fails_third(self, world, *told):
        run.append(world)
        if len(run) == 3:
            raise CheckError("member 1: its process was killed twice")
        return made_up(self, world, *told)

    monkeypatch.setattr(experiments.Experiment, "run", fails_third)
    assert cli.main(WORDS) == 3
    told = capsys.readouterr().err.splitlines()
    assert told == [f"point 1 ({PLACES}=3), member 1: its process was killed twice"]
    assert sorted(path.name for path in Path("outputs").rglob("*.npz")) == ["00000.npz", "00002.npz", "reference.npz"]
    monkeypatch.setattr(experiments.Experiment, "run", made_up)
    assert cli.main(WORDS) == 0
    assert "2 of 3 points were there already" in capsys.readouterr().out
    assert whole(Path("outputs")) == uncut[0]


@pytest.mark.e2e
def test_an_interruption_says_what_is_kept(empty_folder, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments.Experiment, "run", interrupt)
    assert cli.main(WORDS) == 130
    assert "kept so far: outputs/sweep_intensive_5_places_" in " ".join(capsys.readouterr().out.split())


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.slow
def test_a_sweep_has_the_numbers_of_single_runs(empty_folder):
    """The reference is run once, every point alone, and both have what an ordinary run has."""
    from crksim.analysis.replications import replicate
    from crksim.interface.cases import load_case
    from crksim.model.clock import Window

    words = (
        "members=1",
        "futures=1",
        *SMALL[2:],
        "measures=fhv_intensive.wait.mean,fhv_intensive[home=hoersholmsgade].starts",
    )
    assert cli.main(["sweep", "scenario=intensive_5_places", f"{PLACES}=1,3", f"{TAKE_UP}=times(1,2)", *words]) == 0
    (folder,) = Path("outputs").glob("[!.]*")
    found = read_parquet(folder / "sweep.parquet", ["point", PLACES, TAKE_UP, "measure", "value"])
    assert found[PLACES][::2].tolist() == [1, 1, 3, 3]
    case = load_case("intensive_5_places", [f"{PLACES}=3", f"{TAKE_UP}={{times: 2}}"])
    single = replicate(
        case.worlds, case.ledger, measures=["fhv_intensive.wait.mean"], members=1, futures=1, seed=1,
        window=Window(case.begins, case.study.end),
    )  # fmt: skip
    assert found["value"][found["point"] == 3][0] == single.worlds[-1].values[0, 0, 0]
    rows = (folder / "summary.csv").read_text("utf-8").splitlines()
    assert len(rows) == 1 + 4 * 2
    assert float(rows[1].split(",")[7]) == pytest.approx(single.worlds[0].values[0, 0, 0], rel=1e-8)
    assert len(list((folder / "figures").iterdir())) == 4


@pytest.mark.e2e
def test_every_fault_of_a_sweep_is_told_at_once(empty_folder, capsys):
    words = ["design=sobl", "measures=fhv_intensive.wate.mean", f"{PLACES}=5..4", "services.fhv.places.hard=1..2"]
    assert cli.main(["sweep", "scenario=intensive_5_places", *words, *SMALL]) == 2
    told = capsys.readouterr().err
    for part in ("did you mean 'sobol'", "did you mean 'wait'", "must rise", "services.fhv"):
        assert part in told
    for words, said in (
        (["design=sequence", "points=60", f"{PLACES}=1..8"], "did you mean '64'"),
        (["design=lhs", f"{PLACES}=1..8"], "points=64"),
        (["points=8", f"{PLACES}=1..8"], "other than the grid only"),
        ([f"{PLACES}=0.5..8"], "needs a step"),
        ([], "at least one address"),
    ):
        assert cli.main(["sweep", "scenario=intensive_5_places", *words, *SMALL]) == 2
        assert said in capsys.readouterr().err
    assert not Path("outputs").exists()
