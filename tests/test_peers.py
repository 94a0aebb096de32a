"""Peers, volunteers, user meetings, feedback stands, smaller units and growth: the report's arithmetic and shape."""

import csv

import numpy as np
import pytest

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.changes import apply, lever_faults, read_scenario, with_option
from crksim.model.clock import Window, parse_date
from crksim.model.ledger import read_ledger
from crksim.model.study import default_theta, read_study
from crksim.model.vocabulary import parse_measures
from crksim.simulation.closure import closure
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

STUDY = read_folder(data_dir("conf") / "network").data
with (data_dir("conf") / "targets" / "facts.csv").open(encoding="utf-8") as _handle:
    LEDGER = read_ledger(
        read_folder(data_dir("conf") / "ledger").data, {row["id"]: row for row in csv.DictReader(_handle)}
    )
YEAR_2017 = Window(366.0, 731.0)
PEERS = ("smart_prags_boulevard", "smart_groups")
SMALLER = (
    "valmuen",
    "staeren",
    "netvaerket",
    "pas",
    "myndighed_beskaeftigelse",
    "misbrugsportalen",
    "aidslinien",
    "aa_na",
)
INITIATIVES = (
    "youth_to_youth", "culture_and_nature", "health_companions", "relatives_and_aftercare", "leisure_guides",
    "business_guides",
)  # fmt: skip
MINE = (
    "user_meetings", "feedback_stands", "volunteers_six_initiatives", "volunteers_youth_and_family",
    "aftercare_with_smart", "growth_all", "doing_nothing", "vacant_posts",
)  # fmt: skip
EFFECTS = (
    "meeting_sms_factor", "meeting_food_factor", "meeting_activity_factor", "meeting_answer_factor",
    "feedback_asked_factor", "peer_return_odds",
)  # fmt: skip


def scenario(name):
    return read_scenario(read_yaml(data_dir("conf").parent / "scenarios" / f"{name}.yaml").data, name)


def empty():
    """The network with nobody in it: what happens per session, whoever comes."""
    cohorts = {}
    for name, cohort in STUDY["cohorts"].items():
        kept = {key: value for key, value in cohort.items() if key != "present"}
        cohorts[name] = {"enters": "netvaerket", **kept, "arrivals": "0 / year"}
    return {**STUDY, "cohorts": cohorts}


def measured(data, *addresses, window=YEAR_2017, replication=0, theta=None):
    read = read_study(data)
    theta = {**default_theta(read.network), **(theta or {})}
    log = simulate(structure(read).bind(theta), Luck(5, replication))
    scene = Scene.of(read, theta)
    return [measure([address], log, scene, window)[address] for address in addresses]


# --- user meetings: the arithmetic of the report ---------------------------------------------------------------------

MONTH = 365.25 / 12


@pytest.mark.theory
@pytest.mark.parametrize(
    ("units", "attendance", "low", "high", "months"),
    [
        ("new_meeting_units", "attendance_new_units", 6, 30, 4),
        ("old_meeting_units", "attendance_old_units", 45, 180, 12),
    ],
)
def test_attendances_a_month_are_units_times_meetings_times_those_who_come(units, attendance, low, high, months):
    """Three new units: 3 x 1..2 x 2..5 are 6 to 30 a month; three old ones: 3 x 1..2 x 15..30 are 45 to 180."""
    ends = {name: LEDGER.entry(f"parameters.{name}") for name in (attendance,)}
    window = Window(731.0 - months * MONTH, 731.0)
    for meetings, came, expected in ((1, ends[attendance].low, low), (2, ends[attendance].high, high)):
        theta = {"user_meetings": meetings / MONTH, attendance: float(came)}
        found = measured(empty(), f"{units}.contacts.user_meeting", window=window, theta=theta)[0]
        assert found / 12 == pytest.approx(expected)


@pytest.mark.theory
def test_old_units_have_about_six_times_the_attendances_of_new_ones():
    window = Window(parse_date("2018-01-01", "2016-01-01"), parse_date("2019-01-01", "2016-01-01"))
    new, old = measured(
        empty(), "new_meeting_units.contacts.user_meeting", "old_meeting_units.contacts.user_meeting", window=window
    )
    assert old / new == pytest.approx(22.5 / 3.5, rel=0.05)


@pytest.mark.unit
def test_meetings_at_the_new_units_begin_in_august_2017_and_take_staff_but_attendances_take_none():
    before, after = Window(366.0, 578.0), Window(578.0, 731.0)
    asked = ("new_meeting_units.contacts.user_meeting", "new_meeting_units.staff_hours.meeting_staff")
    assert measured(empty(), *asked, window=before) == [0.0, 0.0]
    attendances, hours = measured(empty(), *asked, window=after)
    assert attendances > 0
    assert hours == pytest.approx(3 * 1.5 * 12 * 180 / 60)
    assert measured(empty(), "crk.staff_hours.user_meeting", window=after) == [0.0]


# --- SMART Recovery --------------------------------------------------------------------------------------------------


@pytest.mark.theory
def test_smart_groups_have_thirty_citizens_a_year_and_group():
    """Two groups of 30 a year for citizens of CRK: the rate, on those in treatment, gives about 60."""
    theta = default_theta(read_study(STUDY).network)
    adults = theta["adult_drug_caseload"] + theta["adult_alcohol_caseload"]
    enrolled = adults + 47 + 45  # the young, and aftercare
    assert theta["smart_outside_rate"] * 365.25 * enrolled == pytest.approx(2 * 30, rel=0.1)
    units = (theta["substitution_caseload"] + 20) / 3 + 14  # a third of those who came from the clinic
    assert theta["smart_own_unit_rate"] * 365.25 / 2 * units == pytest.approx(10, rel=0.1)


@pytest.fixture(scope="module")
def run():
    read = read_study(STUDY)
    theta = default_theta(read.network)
    return simulate(structure(read).bind(theta), Luck(5, 1)), Scene.of(read, theta)


def rows_of(log, services):
    return np.isin(log.service, [log.legend.services.index(name) for name in services])


@pytest.mark.e2e
def test_peers_are_beside_treatment_and_few_rows(run):
    log, scene = run
    mine = rows_of(log, PEERS)
    assert 100 < np.count_nonzero(mine) < 600
    assert np.all(log.strand[mine] > 0)
    assert np.all(log.from_row[mine] >= 0)
    assert set(PEERS) <= scene.untreated


@pytest.mark.e2e
def test_nobody_is_where_the_report_has_no_numbers(run):
    log, _ = run
    assert np.count_nonzero(rows_of(log, (*SMALLER, *INITIATIVES))) == 0


@pytest.mark.e2e
def test_without_peers_every_other_citizen_lives_the_same_life(run):
    log, _ = run
    without = {name: rule for name, rule in STUDY["referrals"].items() if not name.startswith("to_smart")}
    read = read_study({**STUDY, "referrals": without})
    other = simulate(structure(read).bind(default_theta(read.network)), Luck(5, 1))
    kept = ~rows_of(log, PEERS)
    assert np.count_nonzero(kept) == len(other)
    for column in ("service", "citizen", "referred", "admitted", "left", "status"):
        assert np.array_equal(getattr(log, column)[kept], getattr(other, column), equal_nan=column != "x"), column


@pytest.mark.unit
def test_what_is_not_counted_says_so_in_both_languages():
    for name in (*SMALLER, *INITIATIVES):
        label = STUDY["services"][name]["label"]
        assert "tal ikke oplyst" in label["da"], name
        assert "numbers not given" in label["en"], name


# --- the what-ifs ----------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize("name", EFFECTS)
def test_effects_from_outside_include_none_and_a_little_harm(name):
    entry = LEDGER.entry(f"parameters.{name}")
    assert float(entry.low) < 1 < float(entry.high)


@pytest.mark.unit
@pytest.mark.parametrize("name", MINE)
@pytest.mark.slow
def test_every_option_can_be_run_and_one_is_the_cheapest(name):
    whole = scenario(name)
    assert len(whole.options) >= 3
    assert sum(option.cheapest for option in whole.options) == 1
    assert whole.levers
    for chosen in (whole, *(with_option(whole, option.id) for option in whole.options)):
        data = apply(STUDY, chosen)
        network = read_study(data).network
        assert lever_faults(data, whole) == []
        parse_measures([*chosen.measures, *chosen.cannot_answer], network)


@pytest.mark.unit
@pytest.mark.parametrize("name", ["user_meetings", "feedback_stands"])
def test_meetings_and_stands_reach_no_row(name):
    whole = scenario(name)
    assert closure(structure(read_study(apply(STUDY, whole))), whole.changes) == frozenset()


@pytest.mark.unit
def test_reminders_without_effect_change_nothing_and_no_effect_goes_beyond_the_old_units():
    asked = "new_meeting_units.contacts.user_meeting"
    window = Window(parse_date("2018-06-01", "2016-01-01"), parse_date("2019-06-01", "2016-01-01"))
    world = apply(empty(), scenario("user_meetings"))
    names = ("meeting_sms_factor", "meeting_food_factor", "meeting_activity_factor", "meeting_answer_factor")
    none = measured(world, asked, window=window, theta=dict.fromkeys(names, 1.0))
    assert none == pytest.approx(measured(empty(), asked, window=window))
    most = measured(world, asked, window=window, theta=dict.fromkeys(names, 10.0))
    assert most == pytest.approx(measured(empty(), "old_meeting_units.contacts.user_meeting", window=window))


@pytest.mark.unit
def test_peers_without_effect_leave_the_share_that_returns_as_it_was():
    data = apply(STUDY, scenario("aftercare_with_smart"))
    read = read_study(data)
    ends = {end.id: end for s in read.network.services if s.id == "aftercare" for end in s.ends[0].value}
    away = dict(ends["finished"].to.branches)["away"]
    for odds in (1.0, 0.5):
        theta = {**default_theta(read.network), "peer_return_odds": odds}
        r = theta["return_share"]
        assert away.at(-1.0).value(theta) == pytest.approx(r)
        assert away.at(1800.0).value(theta) == pytest.approx(odds * r / (1 - r + odds * r))


@pytest.mark.theory
def test_growth_compounds_over_the_years_and_none_is_none():
    read = read_study(apply(STUDY, scenario("growth_all")))
    cohort = next(cohort for cohort in read.network.cohorts if cohort.id == "adult_drugs")
    for growth in (1.0, 1.13):
        theta = {**default_theta(read.network), "growth_factor": growth}
        base = theta["adult_drug_arrivals"]
        for date, power in (("2017-12-31", 0), ("2018-06-01", 1), ("2019-06-01", 2), ("2020-06-01", 3)):
            rate = cohort.arrivals.rate.at(parse_date(date, "2016-01-01")).value(theta)
            assert rate == pytest.approx(base * growth**power)


@pytest.mark.unit
def test_doing_nothing_closes_the_places_that_cannot_be_staffed():
    read = read_study(apply(STUDY, scenario("doing_nothing")))
    theta = default_theta(read.network)
    hard = {service.id: service.places.hard for service in read.network.services if service.places.hard is not None}
    assert hard["fhv_intensive"].at(800.0).value(theta) == 4
    assert hard["youth_group_hoersholmsgade"].at(800.0).value(theta) == 6
    assert hard["fhv_intensive"].at(700.0).value(theta) == 5


@pytest.mark.unit
def test_load_of_the_units_at_the_start_is_the_whole_of_their_posts():
    """The posts are those that the caseload at the start needs: at full strength the load of day one is 1."""
    read = read_study(STUDY)
    theta = {**default_theta(read.network), "posts_filled": 1.0}
    posts = {service.id: service.posts for service in read.network.services}
    number = posts["prags_boulevard"][0].number.at(0.0).value(theta)
    citizens = (theta["substitution_caseload"] + 20) / 3
    assert number * 1500 == pytest.approx(citizens * 365.25 / 7 * theta["substitution_minutes"] / 60, rel=1e-3)
    number = posts["spaniensgade"][0].number.at(0.0).value(theta)
    citizens = (theta["adult_drug_caseload"] + theta["adult_alcohol_caseload"] + 47) / 3
    talks = citizens * theta["unit_talks"] * 365.25 * theta["unit_talk_minutes"] / 60
    groups = theta["unit_group_sessions"] * 365.25 * theta["unit_group_minutes"] / 60
    assert number * 1500 == pytest.approx(talks + groups, rel=1e-3)
