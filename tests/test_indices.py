"""Sobol indices and Morris' effects: against Ishigami's known values, SALib's own, and with the luck of few futures."""

import csv

import numpy as np
import pytest

from crksim.analysis.designs import design_rows
from crksim.analysis.indices import by_future, morris_design, morris_effects, sobol_design, sobol_indices
from crksim.interface import cli, experiments, sweeping
from crksim.interface.axes import read_axes
from tests.read_once import read_once
from tests.test_sweeping import SMALL

#: Ishigami's function with a = 7, b = 0.1: shares of its variance (Saltelli et al. 2008, Global Sensitivity Analysis).
FIRST, TOTAL = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)
AXES = (
    ("referrals.to_intensive.take_up", 0.1, 0.9, ""),
    ("services.fhv_visitation.ends.approved.length.mean", 3.0, 21.0, " days"),
    ("parameters.intensive_team_minutes", 30.0, 90.0, ""),
)
LEVERS = [f"{address}={low}..{high}{unit}" for address, low, high, unit in AXES]


def ishigami(share):
    x = np.pi * (2.0 * share - 1.0)
    return np.sin(x[..., 0]) + 7.0 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])


# --- theory ----------------------------------------------------------------------------------------------------------


@pytest.mark.theory
def test_indices_without_luck_are_those_of_salib_and_near_the_known_ones():
    from SALib.analyze import sobol

    value = ishigami(sobol_design(3, 4096, 1))
    found = sobol_indices(value[:, None], 3, 1)
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    theirs = sobol.analyze(problem, value, calc_second_order=False, num_resamples=2, seed=1)
    assert [index.first for index in found] == pytest.approx(theirs["S1"], abs=1e-9)
    assert [index.total for index in found] == pytest.approx(theirs["ST"], abs=1e-9)
    for index, first, total in zip(found, FIRST, TOTAL, strict=True):
        assert (index.first, index.total) == pytest.approx((first, total), abs=0.02)
        assert index.first_low < first < index.first_high
        assert index.total_low < total < index.total_high
        assert np.isnan(index.noise)


@pytest.mark.theory
def test_luck_inflates_plain_total_indices_and_not_those_told():
    value = ishigami(sobol_design(3, 1024, 1))
    luck = np.random.default_rng(2).normal(0.0, 3.0, (len(value), 4))
    found = sobol_indices(value[:, None] + luck, 3, 1)
    share = (9.0 / 4) / (9.0 / 4 + value.var())
    assert found[0].noise == pytest.approx(share, abs=0.02)
    for index, total in zip(found, TOTAL, strict=True):
        assert index.total == pytest.approx(total, abs=0.05)
        assert index.total_plain > total + 0.05


@pytest.mark.theory
def test_luck_common_to_all_points_moves_no_index():
    value = ishigami(sobol_design(3, 256, 1))[:, None]
    common = np.array([[-2.0, 0.5, 3.0]])
    plain, shifted = sobol_indices(value, 3, 1), sobol_indices(value + common, 3, 1)
    assert [i.total for i in shifted] == pytest.approx([i.total for i in plain], rel=1e-6)
    assert [i.noise for i in shifted] == pytest.approx([0.0] * 3, abs=1e-9)


@pytest.mark.theory
def test_effects_are_those_of_salib_and_their_spread_has_the_luck_taken_out():
    from SALib.analyze import morris

    places = morris_design(3, 60, 1)
    value = ishigami(places)
    found = morris_effects(value[:, None], places, 1)
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    theirs = morris.analyze(problem, places, value, num_resamples=2, seed=1)
    for name in ("mu", "mu_star", "sigma"):
        assert [getattr(effect, name) for effect in found] == pytest.approx(list(theirs[name]))
    luck = np.random.default_rng(3).normal(0.0, 4.0, (len(value), 4))
    noisy = morris_effects(value[:, None] + luck, places, 1)
    # A step is two thirds of a range; two points with a luck of 4 / sqrt(4) each.
    assert [effect.noise for effect in noisy] == pytest.approx([2 * np.sqrt(2) * 1.5] * 3, rel=0.15)
    straight = morris_effects(3.0 * places[:, :1] + luck, places, 1)
    assert straight[0].mu == pytest.approx(3.0, abs=2.0)
    assert all(effect.sigma < effect.noise for effect in straight)


@pytest.mark.unit
def test_a_measure_that_nothing_moves_or_that_is_not_there_has_no_index():
    design = sobol_design(2, 8, 1)
    for value in (np.ones((len(design), 2)), np.full((len(design), 2), np.nan)):
        assert all(np.isnan(index.total) for index in sobol_indices(value, 2, 1))
    assert by_future(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()[0] == 2.0
    assert np.isnan(by_future(np.array([[1.0, np.nan]]))[1])


# --- the command -----------------------------------------------------------------------------------------------------


def worth(values):
    """Ishigami's function at the values of a point, as the command writes them."""
    share = [(float(it) - low) / (high - low) for it, (_, low, high, _) in zip(values, AXES, strict=True)]
    return ishigami(np.array(share))


def in_place_of_the_model(monkeypatch):
    """Let every point be worth Ishigami's function at its values, whatever the model says."""

    def value(self, world, measures, pool, progress):
        shape = (self.settings.members, self.settings.futures, len(measures))
        return np.full(shape, worth(world) if isinstance(world, tuple) else 0.0)

    read_once(monkeypatch)
    monkeypatch.setattr(experiments.Experiment, "run", value)
    monkeypatch.setattr(experiments.Experiment, "world", lambda self, values: tuple(values))


def swept(design, points, folder, lang="en"):
    small = [word for word in SMALL if not word.startswith("lang=")]
    asked = ["sweep", "scenario=intensive_5_places", *LEVERS, f"design={design}", f"points={points}"]
    assert cli.main([*asked, "measures=fhv_intensive.starts", *small, f"lang={lang}"]) == 0
    (made,) = (folder / "outputs").glob("sweep_*")
    with (made / "indices.csv").open(encoding="utf-8", newline="") as file:
        return made, list(csv.DictReader(file))


@pytest.mark.e2e
@pytest.mark.slow
def test_the_command_finds_the_known_indices_of_ishigami(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_place_of_the_model(monkeypatch)
    _, rows = swept("sobol", 512, tmp_path)
    for row, first, total in zip(rows, FIRST, TOTAL, strict=True):
        assert float(row["first"]) == pytest.approx(first, abs=0.05)
        assert float(row["total"]) == pytest.approx(total, abs=0.04)


@pytest.mark.e2e
def test_the_command_tells_the_indices_of_its_design_and_draws_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    in_place_of_the_model(monkeypatch)
    made, rows = swept("sobol", 32, tmp_path)
    assert [row["address"] for row in rows] == [address for address, *_ in AXES]
    asked = design_rows("sobol", read_axes(LEVERS, "en")[0], 32, 1).values
    for row, index in zip(rows, sobol_indices(np.array([[worth(it)] for it in asked]), 3, 1), strict=True):
        for name in ("first", "first_low", "first_high", "total", "total_low", "total_high"):
            assert float(row[name]) == pytest.approx(getattr(index, name), abs=1e-6), name
    told = capsys.readouterr().out
    assert told.count("by itself") == 3
    assert "is luck" in told
    for lang, word in (("en", "by itself"), ("da", "sammen med de andre")):
        assert word in (made / "figures" / f"fhv_intensive.starts.{lang}.svg").read_text("utf-8")


@pytest.mark.e2e
def test_the_command_tells_morris_effects_in_danish(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    in_place_of_the_model(monkeypatch)
    _, rows = swept("morris", 8, tmp_path, lang="da")
    assert {"mu", "mu_star", "mu_star_low", "mu_star_high", "sigma", "noise"} <= set(rows[0])
    assert float(rows[1]["mu_star"]) == pytest.approx(7.875)
    assert "størrelse" in capsys.readouterr().out


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["design=sobol", "points=60"], "did you mean '64'"),
        (["design=sobol", "points=4096"], "from 1 to 3333"),
        (["design=moris", "points=4"], "did you mean 'morris'"),
    ],
)
def test_wrong_sizes_are_refused(capsys, monkeypatch, words, line):
    read_once(monkeypatch)
    asked = ["sweep", "scenario=intensive_5_places", "services.fhv_intensive.places.hard=1..8", *words, *SMALL]
    assert cli.main(asked) == 2
    assert line in capsys.readouterr().err


@pytest.mark.e2e
def test_without_salib_the_command_says_what_to_install(capsys, monkeypatch):
    read_once(monkeypatch)
    monkeypatch.setattr(sweeping, "find_spec", lambda name: None)
    asked = ["sweep", "scenario=intensive_5_places", "services.fhv_intensive.places.hard=1..8", "design=morris"]
    assert cli.main([*asked, "points=4", *SMALL]) == 2
    assert "pip install 'crksim[analysis]'" in capsys.readouterr().err


@pytest.mark.unit
def test_units_of_addresses_are_danish_in_danish():
    from crksim.interface.axes import axis_label
    from crksim.interface.cases import load_case

    (axis,), _, _ = read_axes(["services.fhv_visitation.ends.approved.length.mean=3..21 days"], "da")
    label = axis_label(load_case("intensive_5_places").study, axis)
    assert label.da.endswith("(dage)")
    assert label.en.endswith("(days)")


@pytest.mark.unit
def test_numbers_along_an_axis_differ_from_one_another():
    from matplotlib.figure import Figure

    from crksim.output.curves import plain_ticks
    from crksim.output.report.wording import Wording

    axes = Figure().add_subplot()
    axes.plot([2, 8], [99.95, 100.0])
    plain_ticks(axes.yaxis, Wording("da"))
    told = [axes.yaxis.get_major_formatter()(place) for place in axes.yaxis.get_majorticklocs()]
    assert len(set(told)) == len(told)
    assert "99,96" in told
