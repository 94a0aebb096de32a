"""Outreach to the homes: arithmetic of the report, the invariants of its table, and what the what-ifs must do."""

import csv
import math

import numpy as np
import pytest
from scipy import stats

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.changes import Scenario, apply, from_date, read_scenario, with_option
from crksim.model.clock import YEAR, parse_date
from crksim.model.ledger import read_ledger
from crksim.model.network import Label
from crksim.model.study import read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

WHOLE = read_folder(data_dir("conf") / "network").data
LEDGER = read_ledger(read_folder(data_dir("conf") / "ledger").data)
NAMES = ["pilot_only", "seven_therapists", "single_visits", "all_in_pairs", "more_enrolled", "more_seeking"]
WINDOW = "@2016-11-01..2017-09-30"
CONTACT = "services.outreach_residents.ends.cases.pilot.ends.contact.hazard"
VISITS = "outreach_informal.contacts.outreach_visit"
CENTRES = ("lindegaard", "dannebrog_saxo", "sundby_roede")

with (data_dir("conf") / "targets" / "facts.csv").open(encoding="utf-8") as _handle:
    FACT = {row["id"]: row["value"] for row in csv.DictReader(_handle)}


def number(fact):
    return float(FACT[fact])


def only_outreach(study):
    """The study with the homes and the therapists alone: nobody else is drawn, and nobody there differs."""
    kept = {
        section: {name: held for name, held in study[section].items() if name.startswith("outreach_")}
        for section in ("services", "cohorts", "groups")
    }
    attributes = {name: study["attributes"][name] for name in ("centre", "substance")}
    return {**study, **kept, "attributes": attributes, "referrals": {}}


def changed(changes, date="2018-01-01", study=WHOLE):
    label = Label("t", "t")
    return apply(study, Scenario("x", label, label, from_day=date, changes=changes))


def scenario(name):
    return read_scenario(read_yaml(data_dir("scenarios") / f"outreach_{name}.yaml").data, f"outreach_{name}")


def run(study, n=1, seed=3):
    read = read_study(only_outreach(study))
    theta = {parameter.id: parameter.value.value({}) for parameter in read.network.parameters}
    plan, scene = structure(read).bind(theta), Scene.of(read, theta)
    return scene, [simulate(plan, Luck(seed, replication)) for replication in range(n)]


def column(runs, address):
    scene, logs = runs
    return np.array([measure([address], log, scene)[address] for log in logs])


def visits_a_week(study, date):
    """Return independent visit-days a week at each home on a date."""
    network = read_study(study).network
    theta = {parameter.id: parameter.value.value({}) for parameter in network.parameters}
    home = next(service for service in network.services if service.id == "outreach_informal")
    contacts = next(staffing.contacts for staffing in home.staff if staffing.id == "visits")
    return 7 * contacts.at(parse_date(date, "2016-01-01")).value(theta)


def rows(log, until):
    """Return what happened before a day, row by row, with what came of rows still open then left out."""
    begun = log.referred < until
    ended = begun & (log.left < until)
    columns = ("cohort", "citizen", "row", "service", "referred", "admitted")
    return [getattr(log, name)[begun] for name in columns] + [log.left[ended], log.end_[ended], log.status[ended]]


@pytest.fixture(scope="module")
def baseline():
    return run(WHOLE, 16)


# --- arithmetic of the report ----------------------------------------------------------------------------------------


@pytest.mark.unit
def test_residents_of_the_model_are_those_of_the_report():
    use, residents = number("urus_residents_with_use"), number("urus_residents")
    treated = number("urus_in_drug_treatment_start") + number("urus_in_alcohol_treatment_start")
    assert use / residents == pytest.approx(0.464, abs=5e-4)
    low, high = stats.beta.ppf(0.025, use, residents - use + 1), stats.beta.ppf(0.975, use + 1, residents - use)
    assert (low, high) == pytest.approx((0.407, 0.522), abs=1e-3)
    present = WHOLE["cohorts"]["outreach_pilot_homes"]["present"]
    assert present["untreated"]["count"] == use - treated == 98
    assert present["treated"]["count"] == treated == 43
    read = read_study(WHOLE).network
    theta = {parameter.id: parameter.value.value({}) for parameter in read.parameters}
    others = next(cohort for cohort in read.cohorts if cohort.id == "outreach_other_homes")
    per_home = {one.id: one.count.at(0).value(theta) / (theta["outreach_sites"] - 5) for one in others.present}
    assert per_home == pytest.approx({"untreated": 98 / 5, "treated": 43 / 5})


@pytest.mark.unit
@pytest.mark.slow
def test_days_at_each_home_are_those_of_the_report_and_pairs_halve_them():
    """Three therapists on four days at five homes: 2.4 days singly, 1.2 in pairs; seven in pairs make 14 pair-days."""
    singly, pairs = (changed({"parameters.outreach_pairs": share}, "start") for share in (0, 1))
    assert visits_a_week(singly, "2017-10-01") == pytest.approx(3 * 4 / 5)
    assert visits_a_week(pairs, "2017-10-01") == pytest.approx(1.2)
    homes = float(WHOLE["parameters"]["outreach_sites"]["value"])
    assert visits_a_week(pairs, "2018-01-01") * homes == pytest.approx(14)
    assert visits_a_week(pairs, "2018-01-01") == pytest.approx(visits_a_week(singly, "2018-01-01") / 2)
    assert visits_a_week(WHOLE, "2016-10-31") == 0


@pytest.mark.unit
def test_reach_of_the_report_per_year_and_per_therapist():
    reached = number("urus_enrolled_total") + 29
    assert reached == number("urus_reached_total")
    assert reached / 11 / number("urus_staff_pilot") == pytest.approx(0.94, abs=5e-3)
    assert reached / 11 * 12 * number("urus_staff_scaled") / number("urus_staff_pilot") == pytest.approx(79, abs=0.2)
    assert stats.chi2.ppf([0.025, 0.975], [2 * 31, 2 * 32]) / 2 / 11 == pytest.approx([1.91, 4.00], abs=5e-3)


@pytest.mark.theory
def test_a_constant_hazard_reaches_the_share_that_it_implies():
    """31 of 98 in eleven months is a hazard of 0.41 a year."""
    hazard = -math.log(67 / 98) / (11 / 12)
    assert hazard == pytest.approx(0.41, abs=5e-3)
    rate = {"first": "0 / year", "on": {"from": "2016-11-01", "value": f"{hazard} / year"}}
    study = changed({CONTACT: rate, "cohorts.outreach_pilot_homes.present.untreated.count": 8000}, "start")
    days = parse_date("2017-10-01", "2016-01-01") - parse_date("2016-11-01", "2016-01-01")
    for service in study["services"].values():
        service.pop("death", None)
    found = column(run(study), f"outreach_informal[cohort=outreach_pilot_homes].enrolled.count{WINDOW}")[0] / 8000
    expected = 1 - math.exp(-hazard * days / YEAR)
    assert expected == pytest.approx(31 / 98, abs=2e-3)
    assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / 8000)


@pytest.mark.unit
def test_change_over_all_courses_is_eight_of_thirty_one():
    value = {
        name: float(WHOLE["parameters"][name]["value"]) for name in ("outreach_changed_share", "outreach_stops_share")
    }
    overall = value["outreach_changed_share"] * (1 - value["outreach_stops_share"])
    assert overall == pytest.approx(number("urus_changed") / 31, abs=0.005)


@pytest.mark.unit
@pytest.mark.parametrize("name", ["consent_factor", "seeking_factor", "seeking_loss", "enrolled_ratio"])
def test_effects_from_outside_include_none_and_a_little_harm(name):
    entry = LEDGER.entry(f"parameters.outreach_{name}")
    assert float(entry.low) < 1 < float(entry.high)


# --- invariants ------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.parametrize("who", ["cohort=outreach_pilot_homes", *(f"centre={centre}" for centre in CENTRES)])
def test_fewer_are_enrolled_than_in_a_course_and_fewer_there_than_in_informal_contact(baseline, who):
    informal, motivational, enrolled = (
        column(baseline, f"outreach_{kind}[{who}].enrolled.count{WINDOW}")
        for kind in ("informal", "motivational", "treatment")
    )
    assert np.all(enrolled <= motivational)
    assert np.all(motivational <= informal)
    assert enrolled.mean() < motivational.mean() < informal.mean()


@pytest.mark.e2e
def test_nobody_is_reached_before_the_therapists_come(baseline):
    assert np.all(column(baseline, "outreach_informal.starts.count@2016-01-01..2016-10-31") == 0)
    assert np.all(column(baseline, "outreach_informal[centre=other].starts.count@2016-01-01..2017-10-31") == 0)
    assert np.all(column(baseline, "outreach_informal[centre=other].starts.count@2018") > 0)


@pytest.mark.e2e
def test_enrolment_takes_consent_and_nobody_is_left_behind(baseline):
    """Who is enrolled consented in a motivational course; who leaves is back at the home, died, or still there."""
    _, logs = baseline
    for log in logs:
        names = np.array(log.legend.services)[log.service]
        ends = np.array([*log.legend.ends, "open"])[log.end_]
        assert np.count_nonzero(names == "outreach_treatment") == np.count_nonzero(ends == "consents")
        assert set(names[ends == "consents"]) <= {"outreach_motivational"}
        assert set(ends[names == "outreach_elsewhere"]) <= {"open", "died"}
        citizens = len({(cohort, citizen) for cohort, citizen in zip(log.cohort, log.citizen, strict=True)})
        assert np.count_nonzero(ends == "open") + np.count_nonzero(ends == "died") == citizens


@pytest.mark.e2e
def test_residents_are_citizens_of_crk_only_while_enrolled(baseline):
    treated = column(baseline, "outreach_treatment.present.mean@2018")
    assert np.all(treated > 0)
    assert column(baseline, "crk.present.mean@2018") == pytest.approx(treated)
    enrolled = column(baseline, "outreach_pilot_homes.enrolled.count@2018")
    assert np.all(enrolled == column(baseline, "outreach_treatment[cohort=outreach_pilot_homes].enrolled.count@2018"))
    waits = column(baseline, "outreach_pilot_homes.door_wait.mean")
    assert np.all(waits[np.isfinite(waits)] == 0)


# --- what-ifs --------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.parametrize("name", NAMES)
def test_a_what_if_is_the_baseline_until_its_date(name):
    asked = scenario(name)
    until = parse_date(from_date(WHOLE, asked), "2016-01-01")
    (_, (before,)), (_, (after,)) = run(WHOLE), run(apply(WHOLE, asked))
    for one, other in zip(rows(before, until), rows(after, until), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    same = len(before) == len(after) and np.array_equal(before.left, after.left, equal_nan=True)
    assert same == (not asked.changes)


@pytest.mark.unit
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_a_what_if_offers_levers_and_options_that_can_be_run(name):
    asked = scenario(name)
    assert len(asked.options) >= 3
    assert asked.levers
    for option in asked.options:
        read_study(apply(WHOLE, with_option(asked, option.id)))


@pytest.mark.e2e
def test_pairs_halve_the_visit_days_and_lower_the_reach(baseline):
    single, pairs = (run(changed({"parameters.outreach_pairs": share}), 16) for share in (0, 1))
    assert column(pairs, VISITS) == pytest.approx(column(single, VISITS) / 2)
    starts = [column(world, "outreach_informal.starts").mean() for world in (pairs, baseline, single)]
    assert starts == sorted(starts)
    assert starts[0] < 0.95 * starts[2]
    assert starts[0] > 0.5 * starts[2]


@pytest.mark.e2e
def test_ten_in_pairs_restore_about_the_days_of_seven(baseline):
    study = changed({"parameters.outreach_pairs": 1, "parameters.outreach_therapists": 10})
    assert column(run(study), VISITS) == pytest.approx(column(baseline, VISITS)[:1] * 5 / 4.9)


@pytest.mark.e2e
def test_more_therapists_reach_more_but_not_in_proportion(baseline):
    """Contact saturates: twice the therapists, less than twice the hazard and less than twice the starts."""
    double = run(changed({"parameters.outreach_therapists": {"times": 2}}), 16)
    assert column(double, VISITS) == pytest.approx(2 * column(baseline, VISITS))
    few, many = (column(world, "outreach_motivational.starts").mean() for world in (baseline, double))
    assert 1.05 * few < many < 2 * few
    caseload = [column(world, "outreach_motivational.occupancy").mean() for world in (baseline, double)]
    assert caseload[1] < caseload[0]


@pytest.mark.e2e
def test_the_extension_reaches_more_than_the_pilot_alone(baseline):
    pilot = run(apply(WHOLE, scenario("pilot_only")), 10)
    assert np.all(column(pilot, "outreach_informal[centre=other].starts") == 0)
    assert column(pilot, "outreach_motivational.starts").max() < column(baseline, "outreach_motivational.starts").min()
    assert column(pilot, "outreach_informal.fte.coordinator@2018")[0] == 0


@pytest.mark.e2e
def test_factors_of_one_change_nothing_and_more_consent_enrols_more(baseline):
    asked = scenario("more_enrolled")
    plain = {**WHOLE, "parameters": {**WHOLE["parameters"], "outreach_consent_factor": {"value": 1}}}
    (_, (without,)), (_, (with_it,)) = run(plain), run(apply(plain, asked))
    assert np.array_equal(without.left, with_it.left, equal_nan=True)
    more = run(apply(WHOLE, asked), 16)
    assert column(more, "outreach_treatment.starts").mean() > column(baseline, "outreach_treatment.starts").mean()


@pytest.mark.e2e
def test_seeking_raises_contact_and_the_courses_broken_off(baseline):
    seeking = run(apply(WHOLE, scenario("more_seeking")), 16)
    for address in ("outreach_informal.starts", "outreach_motivational.ends.broken_off"):
        assert column(seeking, address).mean() > column(baseline, address).mean()
