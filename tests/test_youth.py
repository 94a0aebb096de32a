"""The young: the arithmetic of the report in the stated regime, what follows the group, and what the scenarios do."""

from pathlib import Path

import numpy as np
import pytest

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.changes import apply, read_scenario, with_option
from crksim.model.clock import MONTH, Window
from crksim.model.ledger import read_ledger
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

STUDY = read_folder(data_dir("conf") / "network").data
SCENARIOS = data_dir("conf").parent / "scenarios"
LEDGER = read_ledger(read_folder(data_dir("conf") / "ledger").data)
NINE_MONTHS = "@2016-10-01..2017-06-30"


def nobody(cohort):
    """Return a cohort without a citizen."""
    present = {name: {**held, "count": 0} for name, held in cohort.get("present", {}).items()}
    return {**{key: held for key, held in cohort.items() if key != "arrivals"}, "present": present}


#: The young alone: no draw of theirs depends on the adults, and no limit that they meet is shared with them.
YOUNG = {
    **STUDY,
    "cohorts": {name: held if name.startswith("youth_") else nobody(held) for name, held in STUDY["cohorts"].items()},
}


def groups_of_eight(lengths, arrivals, number, days):
    """Return a study of `number` sites, each a group of eight places with arrivals of its own."""
    text = {"da": "x", "en": "y"}
    return {
        "title": text,
        "time": {"start": "2016-10-01", "end": (np.datetime64("2016-10-01") + np.timedelta64(days, "D")).astype(str)},
        "services": {
            f"group_{i:03d}": {"label": text, "places": {"hard": 8}, "length": lengths, "group": "groups"}
            for i in range(number)
        },
        "cohorts": {f"young_{i:03d}": {"arrivals": arrivals(i), "enters": f"group_{i:03d}"} for i in range(number)},
    }


def run(data, seed=1, replication=0):
    study = read_study(data)
    theta = default_theta(study.network)
    return Scene.of(study, theta), simulate(structure(study).bind(theta), Luck(seed, replication))


# --- the arithmetic of the report's group -----------------------------------------------------------------------------


@pytest.mark.theory
def test_littles_law_makes_a_good_six_of_nineteen_in_nine_months():
    """19 / 9 a month for three months: 6.33 present (Little, 1961), however long the queue; 13 at three full hosts."""
    lengths = {"law": "exponential", "mean": "3 months"}
    rates = {0: 19 / 9, 1: 13 / 9, 2: 13 / 9, 3: 13 / 9}
    years = 400
    data = groups_of_eight(lengths, lambda i: f"{12 * rates[i]:.9f} / year", 4, round(years * 365.25))
    scene, log = run(data)
    window = Window(365.0, years * 365.25 - 30)
    found = measure([f"group_{i:03d}.present.mean" for i in range(4)], log, scene, window)
    alone, *hosts = (found[f"group_{i:03d}.present.mean"] for i in range(4))
    # In steady state the sum of stays under way has a correlation time near 3 months / (1 - load).
    assert alone == pytest.approx(6.333, abs=0.35)
    assert sum(hosts) == pytest.approx(13.0, abs=0.5)
    assert max(hosts) < 5  # each group of eight about 4.3: more sites, smaller groups
    full = measure(["group_000.present.at_least_8"], log, scene, window)["group_000.present.at_least_8"]
    load, series = 19 / 3, [1.0]
    for n in range(1, 9):
        series.append(series[-1] * load / n)
    erlang_b = series[8] / sum(series)
    erlang_c = erlang_b / (1 - load / 8 * (1 - erlang_b))
    assert (round(erlang_b, 2), round(erlang_c, 2)) == (0.14, 0.44)
    assert full == pytest.approx(erlang_c, abs=0.06)  # Erlang (1917): a newcomer waits; arrivals see time averages


@pytest.mark.theory
@pytest.mark.parametrize(
    ("lengths", "expected", "reported"),
    [
        ({"law": "exponential", "mean": "3 months"}, 19 / 3 * (1 - (1 - np.exp(-3)) / 3), 4.33),
        ({"law": "fixed", "value": "3 months"}, 19 / 3 * (1 - 3 / 18), 5.28),
    ],
    ids=["exponential", "constant"],
)
def test_a_group_that_starts_empty_holds_fewer_in_its_first_nine_months(lengths, expected, reported):
    """Mean of the infinite-server system from empty: rate times the integral of the survival (Palm, 1943)."""
    assert expected == pytest.approx(reported, abs=0.01)
    sites = 120
    data = groups_of_eight(lengths, lambda i: f"{12 * 19 / 9:.9f} / year", sites, 275)
    for service in data["services"].values():
        service["places"] = {}
    scene, log = run(data)
    window = Window(0.0, 9 * MONTH)
    found = measure(["groups.present.mean"], log, scene, window)["groups.present.mean"] / sites
    # The integral over nine months of a Poisson field has a standard deviation below 2.5 per site.
    assert found == pytest.approx(expected, abs=3.5 * 2.5 / np.sqrt(sites))


LAWS = {
    "exponential": ({"law": "exponential", "mean": "3 months"}, lambda rng, n: rng.exponential(3.0, n), 0.53),
    "lognormal": (
        {"law": "lognormal", "mean": "3 months", "sd": "1.5 months"},
        lambda rng, n: rng.lognormal(np.log(3.0) - np.log(1.25) / 2, np.sqrt(np.log(1.25)), n),
        0.27,
    ),
    "constant": ({"law": "fixed", "value": "3 months"}, lambda rng, n: np.full(n, 3.0), 0.16),
}


@pytest.mark.theory
@pytest.mark.parametrize("law", LAWS)
def test_the_chance_that_nobody_finds_eight_hangs_on_the_law_of_stays(law):
    """Nineteen random arrivals in nine months from empty: the same chance by the engine and by counting directly."""
    lengths, draw, reported = LAWS[law]
    rng = np.random.default_rng(11)
    begins = np.sort(rng.uniform(0, 9, (20_000, 19)), axis=1)
    ends = begins + draw(rng, (20_000, 19))
    found = [((begins[:, :i] <= begins[:, i : i + 1]) & (ends[:, :i] > begins[:, i : i + 1])).sum(1) for i in range(19)]
    direct = float(np.mean(np.max(found, axis=0) < 8))
    assert direct == pytest.approx(reported, abs=0.015)

    sites = 150
    times = {i: np.random.default_rng(i).uniform(0, 9 * MONTH, 19) for i in range(sites)}
    listed = {i: {"times": {f"t{k:02d}": f"{t:.6f} days" for k, t in enumerate(np.sort(times[i]))}} for i in times}
    _, log = run(groups_of_eight(lengths, listed.__getitem__, sites, 700))
    waited = np.unique(log.service[log.admitted > log.referred])
    assert 1 - len(waited) / sites == pytest.approx(direct, abs=3.5 * np.sqrt(direct * (1 - direct) / sites))


# --- the replay of the young ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replays():
    """Two dozen replays of the young, to the end of 2017, at the values in use."""
    study = read_study({**YOUNG, "time": {**STUDY["time"], "end": "2018-01-02"}})
    theta = default_theta(study.network)
    plan, scene = structure(study).bind(theta), Scene.of(study, theta)
    return scene, [simulate(plan, Luck(3, replication)) for replication in range(24)]


def column(replays, address):
    scene, logs = replays
    return np.array([measure([address], log, scene)[address] for log in logs])


@pytest.mark.e2e
def test_nobody_waits_for_the_group_in_about_one_replay_in_two(replays):
    waits = column(replays, f"youth_group.queue_wait.mean{NINE_MONTHS}")
    assert 0.2 < np.mean(waits == 0) < 0.8
    assert column(replays, f"youth_group.present.max{NINE_MONTHS}").max() <= 8


@pytest.mark.e2e
def test_the_group_holds_what_starting_empty_lets_it_hold(replays):
    present = column(replays, f"youth_group.present.mean{NINE_MONTHS}")
    error = present.std(ddof=1) / np.sqrt(len(present))
    starts = column(replays, f"youth_group.starts.count{NINE_MONTHS}").mean()
    assert 4.33 * starts / 19 - 3 * error < present.mean() < 5.28 * starts / 19 + 3 * error
    assert present.mean() < 6.33


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("address", "reported", "number"),
    [
        ("youth_group.ends_share.work", 2 / 17, 17),
        ("youth_group.ends_share.paused", 2 / 17, 17),
        ("youth_group.ends_share.no_show", 4 / 17, 17),
        ("youth_group.became.work.in.share", 6 / 12, 12),
        ("youth_group.after.work.out.share", 6 / 17, 17),
        ("youth_group.final_status.ceased.share", 0.55, 11),
    ],
)
def test_after_the_group_stands_within_what_so_few_can_tell(replays, address, reported, number):
    found = column(replays, address + "@2016-10-01..2017-12-31")
    assert abs(np.nanmean(found) - reported) < 1.5 * np.sqrt(reported * (1 - reported) / number)


@pytest.mark.e2e
def test_those_who_leave_after_the_group_are_followed_for_a_year_outside_crk(replays):
    for log in replays[1][:10]:
        names = np.array(log.legend.services)[log.service]
        ends = np.array([*log.legend.ends, "open"])[log.end_]
        times = (log.left - log.admitted)[(names == "after_youth_group") & (ends == "held")]
        assert np.allclose(times, 365.25)
        assert set(ends[np.char.startswith(names.astype(str), "after_youth")]) <= {"held", "relapsed", "died", "open"}
    both = column(replays, "after_the_group.starts.count@2016..2017")
    assert both.mean() > 5
    assert np.all(column(replays, "crk[age=youth].count_at.2017-12-31") < 120)  # they are not counted as enrolled


@pytest.mark.e2e
def test_nobody_is_sent_to_the_other_offer_until_the_share_is_turned(replays):
    assert np.all(column(replays, "center_for_unge_og_misbrug.requests.count@2016..2017") == 0)
    entry = LEDGER.entry("cohorts.youth_drugs.enters.center_for_unge_og_misbrug")
    assert (entry.kind, float(entry.low)) == ("assumed", 0)
    assert float(entry.high) > 0


# --- the scenarios ----------------------------------------------------------------------------------------------------


def forecast(name, option=None, replications=4):
    """Return measures of the young in 2018-2020 under a scenario, the mean of some replications."""
    scenario = read_scenario(read_yaml(SCENARIOS / f"{name}.yaml").data, name)
    if option is not None:
        scenario = with_option(scenario, option)
    study = read_study(apply(YOUNG, scenario))
    theta = default_theta(study.network)
    plan, scene = structure(study).bind(theta), Scene.of(study, theta)

    def of(*addresses):
        found = [measure(addresses, simulate(plan, Luck(7, r)), scene) for r in range(replications)]
        return [np.nanmean([one[address] for one in found]) for address in addresses]

    return of


@pytest.mark.unit
@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("youth_*.yaml")), ids=lambda path: path.stem)
def test_every_option_differs_from_the_others(path: Path):
    scenario = read_scenario(read_yaml(path).data, path.stem)
    assert len(scenario.options) >= 3
    assert scenario.levers
    made = [apply(STUDY, scenario), *(apply(STUDY, with_option(scenario, one.id)) for one in scenario.options)]
    assert all(a != b for i, a in enumerate(made) for b in made[:i])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "none"),
    [("continuing_care_ratio", 1), ("reach_factor", 1), ("attendance_support", 1), ("procedure_retention", 1)],
)
def test_effects_on_the_young_include_none_and_a_little_harm(name, none):
    entry = LEDGER.entry(f"parameters.{name}")
    assert float(entry.low) < none < float(entry.high)


@pytest.mark.unit
@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("youth_*.yaml")), ids=lambda path: path.stem)
def test_no_member_has_shares_above_one_under_a_scenario_of_the_young(path: Path):
    from tests.test_ledger import share_maps

    scenario = read_scenario(read_yaml(path).data, path.stem)
    rng = np.random.default_rng(2)
    for option in (None, *(one.id for one in scenario.options)):
        chosen = scenario if option is None else with_option(scenario, option)
        network = read_study(apply(STUDY, chosen)).network
        services = [s for s in network.services if "youth" in s.id]
        maps = [m for m in share_maps((tuple(services), network.cohorts)) if m]
        for _ in range(25):
            theta = LEDGER.draw(network, lambda _: rng.random())
            for branches in maps:
                day = max(day for number in branches for day, _ in number.steps)
                assert 0.0 <= sum(number.at(day).value(theta) for number in branches) <= 1.0 + 1e-9


@pytest.mark.e2e
@pytest.mark.slow
def test_more_sites_reach_more_young_people_in_smaller_groups():
    ask = ("youth_group.starts", "youth_group_hoersholmsgade.present.mean", "youth_group.under_workable")
    one, _, few_one = forecast("baseline")(*ask)
    two, _, few_two = forecast("youth_groups_2sites")(*ask)
    three, at_host, few_three = forecast("youth_groups_3sites")(*ask)
    bridged, _, _ = forecast("youth_groups_3sites", "bridging")(*ask)
    assert one < two < three
    assert one < bridged < three
    assert few_one < few_two < few_three
    assert at_host < 8


@pytest.mark.e2e
@pytest.mark.slow
def test_more_places_at_one_site_shorten_the_wait_and_leave_those_elsewhere_where_they_are():
    ask = ("youth_group.internal_wait.mean", "youth_group.unmet.too_far")
    wait, far = forecast("baseline")(*ask)
    wait_12, far_12 = forecast("youth_groups_1site")(*ask)
    _, far_bridged = forecast("youth_groups_1site", "bridging")(*ask)
    assert wait_12 < wait
    assert far_12 == pytest.approx(far, abs=2)
    assert far_bridged < far


@pytest.mark.e2e
@pytest.mark.slow
def test_the_extended_procedure_costs_contacts_in_proportion_to_its_length():
    ask = ("youth_follow_up.contacts", "youth_follow_up.staff_hours", "youth_opioid.present.mean")
    contacts, hours, present = forecast("youth_substitution_procedure")(*ask)
    free, no_hours, _ = forecast("youth_substitution_procedure", "contact_person")(*ask)
    assert (free, no_hours) == (0, 0)
    assert hours == pytest.approx(contacts * 0.75)  # 45 minutes each
    assert forecast("youth_substitution_procedure", "whole_year")(*ask)[0] > 1.3 * contacts
    # Everybody once: those there at the start and those who come, about half a year of weekly contacts each.
    assert 0 < contacts < 52.2 * present


@pytest.mark.e2e
@pytest.mark.slow
def test_continuing_care_with_no_effect_changes_no_odds_and_with_one_lowers_relapse():
    ask = ("after_youth_aftercare.ends_share.relapsed", "youth_aftercare.starts", "youth_aftercare.present.mean")
    relapsed, starts, present = forecast("youth_continuing_care", replications=12)(*ask)
    plain, plain_starts, _ = forecast("youth_continuing_care", "same_aftercare", replications=12)(*ask)
    _, today, today_present = forecast("baseline", replications=12)(*ask)
    assert starts == pytest.approx(plain_starts, rel=0.1)
    assert today < starts
    assert today_present < present
    assert relapsed < plain


@pytest.mark.e2e
@pytest.mark.slow
def test_whoever_chooses_the_other_offer_is_not_counted_in_crk():
    ask = ("center_for_unge_og_misbrug.starts", "youth_drugs.requests", "crk.enrolled.count")
    gone, requests, enrolled = forecast("youth_choice_elsewhere")(*ask)
    none, before, all_of_them = forecast("baseline")(*ask)
    new = 181 * 1.0  # new young people with drugs or alcohol a year: 150 and 31
    assert none == 0
    assert gone == pytest.approx(0.1 * new, abs=4 * np.sqrt(0.1 * new / 12))
    assert requests < before
    assert enrolled < all_of_them
