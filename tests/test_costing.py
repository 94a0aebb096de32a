"""Prices of the user's own: what is refused, what things cost, and quotients that are not told."""

import math
from dataclasses import replace

import numpy as np
import pytest

from crksim.analysis.costing import cost_measures, cost_rows, fieller, outcome_measures, ratio_range
from crksim.analysis.results import CostRow
from crksim.errors import InputError
from crksim.interface.cases import load_case
from crksim.interface.files import data_dir
from crksim.model.clock import YEAR
from crksim.model.prices import PRICED, Price, check_prices
from crksim.model.scenario_reading import read_scenario
from crksim.model.study import read_study
from crksim.output import figures
from crksim.output.finished import read_run
from crksim.output.report.priced import kroner, priced_lines
from crksim.output.report.wording import Wording
from crksim.output.rundir import write_run
from tests.make_result import make_run
from tests.measured_study import STUDY as MEASURED

SOURCE = "made up for a test"
TITLE = {"da": "Priser", "en": "Prices"}


def scenario(**prices):
    return read_scenario({"title": TITLE, "prices": {key.replace("__", "."): held for key, held in prices.items()}})


def faults(call):
    with pytest.raises(InputError) as caught:
        call()
    return [str(problem) for problem in caught.value.problems]


# --- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_no_shipped_scenario_has_prices():
    for path in data_dir("scenarios").glob("*.yaml"):
        assert "prices" not in path.read_text("utf-8"), path.name


@pytest.mark.unit
def test_prices_are_read_with_their_source_and_what_counts_them():
    (price,) = scenario(club__citizen_day={"kroner": 100, "source": SOURCE}).prices
    assert (price.key, price.kroner, price.source) == ("club.citizen_day", 100.0, SOURCE)
    assert (price.measure, price.per_year) == ("club.present.mean", 100.0 * YEAR)
    assert scenario().prices == ()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ({"club__staf_hour": {"kroner": 5, "source": SOURCE}}, "did you mean 'club.staff_hour'"),
        ({"staff_hour": {"kroner": 5, "source": SOURCE}}, "after a service, a group or crk"),
        ({"club__start": {"kroner": 5}}, "prices.club.start.source = None: is missing"),
        ({"club__start": {"kroner": 5, "source": " "}}, "must say where the price comes from"),
        ({"club__start": {"kroner": 0, "source": SOURCE}}, "must be a number above 0"),
        ({"club__start": {"kroner": 5, "source": SOURCE, "per": 1}}, "is not a known key"),
    ],
)
def test_faults_of_prices_are_told_in_a_line(prices, said):
    (line,) = faults(lambda: scenario(**prices))
    assert said in line


@pytest.mark.unit
def test_prices_of_what_is_not_there_and_what_is_paid_twice_are_refused():
    network = read_study(MEASURED).network
    (line,) = faults(lambda: check_prices((Price("clubb.start", 5.0, SOURCE),), network))
    assert "prices.clubb.start" in line
    assert "did you mean 'club_b'" in line
    twice = (Price("club.start", 5.0, SOURCE), Price("club_a.start", 5.0, SOURCE))
    (line,) = faults(lambda: check_prices(twice, network))
    assert "prices.club_a.start" in line
    assert "is paid for in club.start already" in line
    check_prices((Price("club.start", 5.0, SOURCE), Price("club_a.contact", 5.0, SOURCE)), network)


@pytest.mark.unit
def test_every_price_has_a_measure_of_a_service_and_a_group():
    network = read_study(MEASURED).network
    check_prices(
        tuple(Price(f"{subject}.{what}", 1.0, SOURCE) for what in PRICED for subject in ("unit_b", "club")), network
    )


@pytest.mark.unit
def test_a_file_with_a_wrong_price_is_refused_with_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "scenarios" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("title: {da: Min, en: Mine}\nprices:\n  youth_grup.start: {kroner: 5, source: mine}\n", "utf-8")
    (line,) = faults(lambda: load_case("mine"))
    assert "mine.yaml:3" in line
    assert "youth_group" in line
    path.write_text("title: {da: Min, en: Mine}\nprices:\n  youth_group.start: {kroner: 5, source: mine}\n", "utf-8")
    assert load_case("mine").resolved["prices"] == {"youth_group.start": {"kroner": 5.0, "source": "mine"}}
    assert "prices" not in load_case("baseline").resolved


# --- what things cost ------------------------------------------------------------------------------------------------


def worlds(extra_places, extra_starts):
    """Return measures of two worlds by name: places as decided, starts as found."""
    zeros = np.zeros_like(extra_starts)
    reference = {"a.places.mean": zeros + 8.0, "a.starts": zeros + 20.0}
    what_if = {"a.places.mean": zeros + 8.0 + extra_places, "a.starts": zeros + 20.0 + extra_starts}
    return reference, what_if


@pytest.mark.unit
def test_cost_by_price_in_all_and_for_each_extra_one_by_hand():
    starts = np.repeat(np.full(20, 4.0)[:, None], 2, axis=1)
    prices = (Price("a.place_year", 1000.0, SOURCE), Price("a.start", 50.0, SOURCE))
    found = {row.item: row for row in cost_rows(prices, {"per_start": "a.starts"}, *worlds(2.0, starts))}
    assert [found["a.place_year"].reference, found["a.place_year"].what_if] == [8000.0, 10000.0]
    assert found["a.start"].difference == pytest.approx(200.0)
    assert found["total"].difference == pytest.approx(2200.0)
    quotient = found["per_start"]
    assert (quotient.difference, quotient.low, quotient.high) == pytest.approx((550.0, 550.0, 550.0))
    assert quotient.told


@pytest.mark.unit
def test_a_quotient_whose_denominator_may_be_nothing_is_not_told():
    rng = np.random.default_rng(1)
    starts = np.repeat(rng.normal(0.5, 1.0, 50)[:, None], 2, axis=1)
    prices = (Price("a.place_year", 1000.0, SOURCE),)
    *_, quotient = cost_rows(prices, {"per_start": "a.starts"}, *worlds(2.0, starts))
    assert not quotient.told
    assert math.isnan(quotient.difference)
    *_, fewer = cost_rows(prices, {"per_start": "a.starts"}, *worlds(2.0, starts - 9.0))
    assert not fewer.told


@pytest.mark.unit
def test_a_version_without_extra_starts_costs_infinitely_much_for_each():
    starts = np.repeat(np.array([-1.0] + [4.0] * 39)[:, None], 2, axis=1)
    low, high = ratio_range(np.full((40, 2), 2000.0), starts)
    assert (low, high) == (500.0, 500.0)
    few = np.repeat(np.array([-1.0, 4.0, 4.0])[:, None], 2, axis=1)
    assert math.isnan(ratio_range(np.full((3, 2), 2000.0), few)[0])


@pytest.mark.theory
@pytest.mark.parametrize("together", [0.0, 0.8])
def test_fiellers_interval_holds_the_quotient_of_the_means_in_nine_of_ten(together):
    """Cost 3000 and 5 starts, more or less, one going with the other or not; 30 versions."""
    rng = np.random.default_rng(11)
    held = []
    for _ in range(1500):
        starts = 5.0 + 3.0 * rng.normal(size=30)
        costs = 3000.0 + 800.0 * (together * (starts - 5.0) / 3.0 + math.sqrt(1.0 - together**2) * rng.normal(size=30))
        low, high = fieller(costs[:, None], starts[:, None])
        held.append(low <= 600.0 <= high)
    assert 0.88 <= np.mean(held) <= 0.92


@pytest.mark.unit
def test_fiellers_interval_is_nothing_where_the_denominator_may_be_nothing():
    rng = np.random.default_rng(2)
    assert math.isnan(fieller(np.full((30, 1), 100.0), rng.normal(0.1, 3.0, (30, 1)))[0])


@pytest.mark.unit
def test_nothing_is_measured_without_prices():
    network = read_study(MEASURED).network
    assert cost_measures((), "club.starts", network) == []
    assert outcome_measures("club[home=unit_a].present.mean", network)["per_start"] == "club.starts"
    assert cost_measures((Price("club.place_year", 1.0, SOURCE),), "club.starts", network)[:2] == [
        "club.places.mean",
        "club.starts",
    ]


# --- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "lang", "said"),
    [(1234567.0, "da", "1.230.000"), (1234567.0, "en", "1,230,000"), (87.4, "en", "87"), (math.inf, "en", "∞")],
)
def test_amounts_have_three_figures(value, lang, said):
    assert kroner(value, Wording(lang)) == said


@pytest.mark.unit
def test_the_folder_keeps_the_costs_and_the_page_tells_them(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})
    arguments = make_run()
    nan = math.nan
    ends = (6600.0, 5000.0, 8000.0, 6500.0, 6700.0, True)
    costs = (
        CostRow("youth_group.start", "youth_group.starts", 500.0, SOURCE, 12600.0, 19200.0, *ends),
        CostRow("total", "", nan, "", 12600.0, 19200.0, *ends),
        CostRow("per_start", "youth_group.starts", nan, "", nan, nan, 500.0, 490.0, 510.0, 495.0, 505.0, True),
        CostRow("per_outcome", "youth_group.gain.share_50", nan, "", nan, nan, nan, nan, nan, nan, nan, False),
    )  # fmt: skip
    plain = write_run(folder=tmp_path / "plain", lang="en", **arguments)
    arguments["result"] = replace(arguments["result"], costs=costs)
    folder = write_run(folder=tmp_path / "run", lang="en", **arguments)
    found = read_run(folder).result.costs
    assert found[:2] == costs[:2]
    page = (folder / "report.html").read_text("utf-8")
    told = priced_lines(read_run(folder).result, Wording("en"))
    assert [line in page for line in told] == [True] * 5
    assert "not to be told" in told[3]
    assert not (plain / "costs.csv").exists()
    assert told[-1] not in (plain / "report.html").read_text("utf-8")
