"""The family unit Enghavevej and family talks: the report's arithmetic, and what the network makes of it."""

import copy
import csv

import numpy as np
import pytest

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.changes import apply, read_scenario
from crksim.model.clock import parse_date
from crksim.model.ledger import read_ledger
from crksim.model.study import read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

STUDY = read_folder(data_dir("conf") / "network").data
TARGETS = read_folder(data_dir("conf") / "targets").data["facts"]
with (data_dir("conf") / "targets" / "facts.csv").open(encoding="utf-8") as _handle:
    FACTS = {row["id"]: row for row in csv.DictReader(_handle)}
LEDGER = read_ledger(read_folder(data_dir("conf") / "ledger").data, FACTS)
FAMILIES = ("families_bbu", "families_bbu_opioid", "families_hospital")
UNITS = ("hoersholmsgade", "norre_voldgade", "spaniensgade", "vigerslev_alle", "prags_boulevard", "substitution_unit_3")


def fact(name):
    return float(FACTS[name]["value"])


def runs(data, number, numbers=None):
    """Return scene and logs of `number` runs of a study; `numbers` stand for parameters' values in use."""
    study = read_study(data)
    theta = {parameter.id: parameter.value.value({}) for parameter in study.network.parameters} | (numbers or {})
    plan, scene = structure(study).bind(theta), Scene.of(study, theta)
    return scene, [simulate(plan, Luck(11, replication)) for replication in range(number)]


def column(found, address):
    scene, logs = found
    return np.array([measure([address], log, scene)[address] for log in logs])


def families_only(end, also=()):
    """Return the study with nobody but families (and the cohorts `also`)."""
    data = copy.deepcopy(STUDY)
    data["time"]["end"] = end
    for name, cohort in data["cohorts"].items():
        if not name.startswith("families_") and name not in also:
            cohort.pop("arrivals", None)
            cohort.pop("enters", None)
            cohort.pop("present", None)
    return data


NO_OTHER_EXIT = {
    "enghavevej_drop_out_share": 0.0, "enghavevej_moved_share": 0.0,
    "death_alcohol": 0.0, "death_drugs": 0.0, "death_substitution": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def replays():
    """Three replays of 2016 to March 2018 at the values in use."""
    return runs({**STUDY, "time": {**STUDY["time"], "end": "2018-04-01"}}, 3)


# --- arithmetic of the report ----------------------------------------------------------------------------------------


@pytest.mark.unit
def test_citizens_and_children_add_up_and_children_per_adult_lie_in_the_range_of_the_ledger():
    kinds = ("subst", "ad", "engh")
    assert sum(fact(f"fam_adults_{kind}") for kind in kinds) == fact("fam_adults_total") == 460
    assert sum(fact(f"fam_children_{kind}") for kind in kinds) == fact("fam_children_total") == 760
    per_adult = [round(fact(f"fam_children_{kind}") / fact(f"fam_adults_{kind}"), 2) for kind in (*kinds, "total")]
    assert per_adult == [1.55, 1.68, 1.93, 1.65]
    entry = LEDGER.entry("parameters.children_per_family")
    assert float(entry.low) < min(per_adult) < max(per_adult) < float(entry.high)
    assert STUDY["parameters"]["children_per_family"]["value"] == per_adult[-1]


@pytest.mark.unit
def test_the_families_of_the_target_are_the_involved_children_at_the_children_per_adult():
    involved, total = fact("fam_children_involved_2017"), fact("fam_children_total")
    assert involved / total == pytest.approx(0.114, abs=5e-4)
    assert TARGETS["fam_children_involved_2017"]["reported"] == round(involved / (total / fact("fam_adults_total")))
    assert fact("fam_adults_engh") / fact("fam_engh_places") == pytest.approx(0.73, abs=5e-3)
    assert fact("fam_adults_engh") / fact("fam_adults_total") == pytest.approx(0.096, abs=5e-4)


@pytest.mark.unit
def test_effects_of_the_family_work_include_none_and_a_little_harm():
    for name in ("family_talks_without_psychologists", "family_clear_target_ratio", "family_priority_factor"):
        entry = LEDGER.entry(f"parameters.{name}")
        assert float(entry.low) < 1 < float(entry.high), name
    assert float(LEDGER.entry("parameters.enghavevej_lost_hours_response").low) == 0


# --- Enghavevej under pressure ---------------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize("months", [6, 12, 18, 24])
def test_full_places_admit_sixty_over_the_stay_and_four_fifths_of_them_from_bbu(months):
    """Little's law with all places in use: admissions a year are 60 / stay, 48 / stay of them from BBU."""
    stay = months * 365.25 / 12
    data = families_only("2036-01-01")
    data["referrals"] = {}
    data["cohorts"]["families_hospital"]["arrivals"] = (
        "14.25 * @family_demand / @enghavevej_stay"  # 57 : 14.25 = 80 : 20
    )
    data["services"]["enghavevej"]["length"]["mean"] = "@enghavevej_stay"
    data["services"]["enghavevej"]["patience"] = {"law": "fixed", "value": "100 years"}
    full = runs(data, 2, {**NO_OTHER_EXIT, "enghavevej_stay": stay, "family_demand": 1.3})
    window, years = "2020-01-01..2035-12-30", 16.0
    assert column(full, f"enghavevej.present.mean@{window}").min() > 59.9
    expected = 60 / (months / 12)
    # Renewals of 60 places: the count's variance is cv^2 (here 1/2) of its mean, gathered over both runs.
    error = np.sqrt(0.5 * expected * years * 2) / (years * 2)
    assert abs(column(full, f"enghavevej.starts@{window}").mean() - expected) < 4 * error
    bbu = sum(column(full, f"enghavevej[cohort={name}].starts@{window}") for name in FAMILIES[:2])
    assert abs(bbu.mean() - 0.8 * expected) < 4 * np.sqrt(0.8 * expected * years * 2) / (years * 2)


@pytest.mark.e2e
def test_more_places_shorten_the_wait_and_are_never_exceeded():
    waits = []
    for places in (50, 60, 70):
        data = families_only("2021-01-01")
        data["services"]["enghavevej"]["places"]["hard"] = places
        data["cohorts"]["families_thoravej"]["present"]["unit"]["count"] = 29
        found = runs(data, 4, {"family_demand": 1.1})
        assert column(found, "enghavevej.present.max@2016-01-01..2020-12-30").max() <= places
        waits.append(column(found, "enghavevej.queue_wait.mean@2017-01-01..2020-12-30").mean())
    assert waits[0] > waits[1] > waits[2]


@pytest.mark.e2e
def test_those_who_go_first_wait_less_than_the_units_when_places_are_short():
    data = families_only("2021-01-01", also=("adult_drugs",))
    data["services"]["enghavevej"]["priority"]["cases"]["units"]["value"] = 2
    first = runs(data, 2, {"family_demand": 1.15, "family_concern_rate": 0.1 / 365.25})
    data["services"]["enghavevej"]["priority"]["cases"]["units"]["value"] = 1
    alike = runs(data, 2, {"family_demand": 1.15, "family_concern_rate": 0.1 / 365.25})
    bbu, units = (
        f"enghavevej[cohort={name}].queue_wait.mean@2018-01-01..2020-12-30" for name in ("families_bbu", "adult_drugs")
    )
    assert np.nanmean(column(first, bbu)) < np.nanmean(column(alike, bbu))
    assert np.nanmean(column(first, units)) > np.nanmean(column(alike, units))


# --- the replay ------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
def test_four_fifths_come_from_bbu_and_few_go_on_to_the_units(replays):
    window = "2016-01-01..2017-12-31"
    starts = column(replays, f"enghavevej.starts.count@{window}").sum()
    bbu = sum(column(replays, f"enghavevej[cohort={name}].starts.count@{window}").sum() for name in FAMILIES[:2])
    # Binomial error of the share, and BBU's share is an estimate of "about" 80 %.
    assert abs(bbu / starts - 0.8) < 3.5 * np.sqrt(0.8 * 0.2 / starts) + 0.03
    ended = column(replays, f"enghavevej.ends_share.moved@{window}")
    assert 0 < ended.mean() < 0.1
    onward = sum(column(replays, f"enghavevej.flow.{unit}.count@{window}").sum() for unit in UNITS)
    assert onward < 0.1 * starts
    assert np.all(column(replays, "enghavevej.present.max@2016-01-01..2018-03-30") <= 60)


@pytest.mark.e2e
def test_the_units_place_no_more_than_their_fifth(replays):
    """CRK and the hospital together place at most 12 / L a year (60 places, a fifth)."""
    window = "2016-01-01..2017-12-31"
    length = column(replays, f"enghavevej.length.mean@{window}").mean() / 365.25
    placed = sum(
        column(replays, f"enghavevej.from.{group}@{window}") for group in ("alcohol_drug_units", "substitution_units")
    )
    assert 0 < placed.mean() < 12 / length


@pytest.mark.e2e
def test_more_citizens_are_enrolled_than_the_report_counts_with_children(replays):
    """Citizens with contact to children in March 2018 are a part of those enrolled."""
    for where, kind in (("alcohol_drug_units", "ad"), ("substitution_units", "subst")):
        present = column(replays, f"{where}.present.mean@2018-03-01..2018-03-30")
        assert present.min() > fact(f"fam_adults_{kind}")
    present = column(replays, "enghavevej.count_at.2018-03-01")
    assert present.max() <= fact("fam_engh_places")
    assert present.mean() + 3 * present.std(ddof=1) > fact("fam_adults_engh")


@pytest.mark.e2e
def test_children_involved_are_the_families_that_begin_times_the_children_of_each(replays):
    """By Little's law the count of children follows present families; over two years it is that of those who begin."""
    window = "2016-07-01..2018-03-30"
    begun = column(replays, f"family_talks.starts@{window}").mean()
    assert column(replays, f"family_talks.contacts.child@{window}").mean() == pytest.approx(1.65 * begun, rel=0.15)
    assert column(replays, f"family_talks.staff_hours.child@{window}").max() == 0


# --- the end of the project ------------------------------------------------------------------------------------------


def numbers_on(data, date):
    """Return the number of an address on a date under the values in use."""
    study = read_study(data)
    theta = {parameter.id: parameter.value.value({}) for parameter in study.network.parameters}
    day = parse_date(date, study.start)
    services = {service.id: service for service in study.network.services}
    rules = {rule.id: rule for rule in study.network.referrals}
    staff = {one.id: one for name in ("enghavevej", "family_talks") for one in services[name].staff}
    return {
        "rate": rules["family_talks_units"].rate[0].value.at(day).value(theta),
        "hours": {id: (one.contacts.at(day).value(theta), one.hours.at(day).value(theta)) for id, one in staff.items()},
        "theta": theta,
    }


@pytest.mark.unit
def test_when_the_project_ends_advice_falls_to_enghavevej_within_its_hours():
    before, after = numbers_on(STUDY, "2019-12-31"), numbers_on(STUDY, "2020-01-01")
    theta = after["theta"]
    assert after["rate"] == pytest.approx(before["rate"] * theta["family_talks_without_psychologists"])
    assert before["hours"]["psychologists"][0] == pytest.approx(2 / 7)
    assert after["hours"]["psychologists"][0] == before["hours"]["advice"][0] == 0

    def enghavevej(found, families=48):
        return sum(
            found["hours"][id][0] * found["hours"][id][1] * n for id, n in (("contacts", families), ("advice", 1))
        )

    assert enghavevej(after) == pytest.approx(enghavevej(before))
    share = after["hours"]["advice"][0] * after["hours"]["advice"][1] / enghavevej(after)
    assert share == pytest.approx(theta["enghavevej_advice_share"])


@pytest.mark.e2e
def test_permanent_psychologists_change_nothing_before_2020_and_keep_the_talks_after():
    scenario = read_scenario(
        read_yaml(data_dir("conf").parent / "scenarios" / "family_psychologists_permanent.yaml").data, "permanent"
    )
    small = families_only("2021-01-01", also=("adult_drugs",))
    numbers = {"family_talk_rate": 0.3 / 365.25}
    without, kept = runs(small, 1, numbers), runs(apply(small, scenario), 1, numbers)
    for name in ("family_talks.starts.count", "enghavevej.starts.count", "crk.present.mean", "enghavevej.staff_hours"):
        address = f"{name}@2016-01-01..2019-12-31"
        assert np.array_equal(column(without, address), column(kept, address)), name
    late = "2020-01-01..2020-12-30"
    assert np.all(column(kept, f"family_talks.starts@{late}") > column(without, f"family_talks.starts@{late}"))
    assert column(without, f"family_talks.fte.family_psychologist@{late}").max() == 0
    assert column(kept, f"family_talks.fte.family_psychologist@{late}") == pytest.approx(2.0, rel=0.01)


@pytest.mark.e2e
def test_more_families_come_when_the_target_group_is_clear_and_as_many_when_it_makes_no_difference():
    scenario = read_scenario(
        read_yaml(data_dir("conf").parent / "scenarios" / "family_clear_target_group.yaml").data, "clear"
    )
    small = families_only("2021-01-01", also=("adult_drugs",))
    found = {}
    for name, data, ratio in (
        ("baseline", small, 2.5),
        ("none", apply(small, scenario), 1.0),
        ("clear", apply(small, scenario), 4.0),
    ):
        numbers = {"family_clear_target_ratio": ratio, "family_concern_rate": 0.1 / 365.25}
        found[name] = column(runs(data, 1, numbers), "enghavevej.from.alcohol_drug_units.count@2018-01-01..2020-12-30")
    assert np.array_equal(found["none"], found["baseline"])
    assert np.all(found["clear"] > found["baseline"])
