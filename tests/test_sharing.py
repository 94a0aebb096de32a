"""A cohort that a change cannot touch has the reference's rows; the merged log is that of a whole run."""

import copy

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crksim.errors import InputError
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.sharing import changed_addresses, cohort_reach, merged, touched_cohorts
from tests.strategies import studies

TWO_DOORS = {
    "time": {"start": "2016-01-01", "end": "2018-01-01"},
    "attributes": {"age": ["young", "grown"]},
    "services": {
        "unit": {"length": {"law": "exponential", "mean": "2 months"}},
        "group": {"places": {"hard": 3}, "length": {"law": "exponential", "mean": "1 month"}},
        "clinic": {"places": {"hard": 4}, "length": {"law": "exponential", "mean": "1 month"}},
    },
    "cohorts": {
        "youth": {"arrivals": "60 / year", "enters": "unit", "attributes": {"age": "young"}},
        "adults": {"arrivals": "90 / year", "enters": "unit", "attributes": {"age": "grown"}},
        "others": {"arrivals": "40 / year", "enters": "clinic", "attributes": {"age": "grown"}},
    },
    "referrals": {
        "to_group": {
            "at": {"start_of": ["unit"]},
            "when": {"age": "young"},
            "to": "group",
            "take_up": 0.5,
            "stay": "goes_on",
        }
    },
}


def changed(study, **services):
    other = copy.deepcopy(study)
    for name, fields in services.items():
        other["services"][name].update(fields)
    return other


def both(reference, other):
    one, two = structure(read_study(reference)), structure(read_study(other))
    thetas = default_theta(one.study.network), default_theta(two.study.network)
    touched = touched_cohorts(one, two, *thetas)
    luck = Luck(1, 0)
    whole = simulate(two.bind(thetas[1]), luck)
    part = simulate(two.bind(thetas[1]), luck, cohorts=touched)
    return touched, whole, merged(part, simulate(one.bind(thetas[0]), luck), touched)


@pytest.mark.unit
def test_a_rule_reaches_only_those_whom_it_concerns():
    it = structure(read_study(TWO_DOORS))
    reach = {cohort.id: cohort_reach(it, cohort) for cohort in it.cohorts}
    assert reach == {"youth": {"unit", "group"}, "adults": {"unit"}, "others": {"clinic"}}


@pytest.mark.unit
def test_only_those_who_can_come_to_the_changed_service_are_run_again():
    touched, whole, shared = both(TWO_DOORS, changed(TWO_DOORS, group={"places": {"hard": 1}}))
    assert touched == {"youth"}
    assert shared.content_hash() == whole.content_hash()


@pytest.mark.unit
def test_competitors_for_a_hard_place_are_run_again_too():
    crowded = copy.deepcopy(TWO_DOORS)
    crowded["cohorts"]["others"]["enters"] = "group"
    other = copy.deepcopy(crowded)
    other["cohorts"]["youth"]["arrivals"] = "90 / year"
    touched, whole, shared = both(crowded, other)
    assert touched == {"youth", "others"}
    assert shared.content_hash() == whole.content_hash()


@pytest.mark.unit
def test_staff_and_labels_touch_nobody():
    other = changed(TWO_DOORS, unit={"label": {"da": "Enhed", "en": "Unit"}, "wait_goal": "14 days"})
    assert changed_addresses(structure(read_study(TWO_DOORS)), structure(read_study(other))) == set()


@pytest.mark.unit
def test_another_span_of_time_touches_everybody():
    other = {**TWO_DOORS, "time": {"start": "2016-01-01", "end": "2017-01-01"}}
    touched, _, _ = both(TWO_DOORS, other)
    assert touched == {"youth", "adults", "others"}


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(studies(), st.data())
def test_the_merged_log_is_that_of_a_whole_run(study, data):
    name = data.draw(st.sampled_from(sorted(study["services"])))
    other = copy.deepcopy(study)
    other["services"][name]["length"] = {"law": "exponential", "mean": "17 days"}
    try:
        read_study(other)
    except InputError:
        assume(False)
    _, whole, shared = both(study, other)
    assert shared.content_hash() == whole.content_hash()


@pytest.mark.unit
def test_a_case_that_concerns_only_some_touches_only_them():
    data = copy.deepcopy(TWO_DOORS)
    for mean in ("2 months", "5 months"):
        data["services"]["unit"]["length"] = {
            "cases": {
                "young": {"when": {"age": "young"}, "law": "exponential", "mean": mean},
                "grown": {"law": "exponential", "mean": "2 months"},
            }
        }
        world = structure(read_study(copy.deepcopy(data)))
        if mean == "2 months":
            before = world
    assert changed_addresses(before, world) == {"services.unit"}
    assert touched_cohorts(before, world) == {"youth"}
    plans = [it.bind(default_theta(it.study.network)) for it in (before, world)]
    reference, whole = (simulate(plan, Luck(4, 0)) for plan in plans)
    part = simulate(plans[1], Luck(4, 0), cohorts={"youth"})
    assert merged(part, reference, frozenset({"youth"})).content_hash() == whole.content_hash()
