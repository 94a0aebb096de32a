"""Posts and the share of them filled, load, and the day from which a limit binds."""

import numpy as np
import pytest

from crksim.analysis.binding import QUARTER, first_binding
from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.errors import InputError
from crksim.interface.files import data_dir, read_folder
from crksim.model.changes import Scenario, apply, describe
from crksim.model.clock import YEAR, Window
from crksim.model.network import Label
from crksim.model.study import default_theta, read_study
from crksim.simulation.closure import closure
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from tests.make_log import make_log

TITLE = Label("t", "t")
YEARS = Window(0.0, 3 * 365.25)


def study(**service):
    return {
        "title": {"da": "t", "en": "t"},
        "time": {"start": "2016-01-01", "end": "2019-01-01"},
        "parameters": {"filled": {"value": 0.8}},
        "services": {
            "unit": {
                "length": {"law": "fixed", "value": "73.05 days"},
                "staff": {
                    "talks": {"per": "citizen", "contacts": "1 / week", "minutes": 60, "staff": "therapist"},
                    "sessions": {"per": "session", "contacts": "2 / week", "minutes": 0, "staff": "meeting"},
                },
                "posts": {"therapist": {"number": 2, "filled": "@filled"}},
                **service,
            },
            "other": {"length": {"law": "fixed", "value": "1 day"}},
        },
        "cohorts": {"all": {"arrivals": {"every": "7.305 days", "first": "0 days"}, "enters": "unit"}},
    }


def changed(data, date="2017-01-01", **changes):
    addresses = {address.replace("__", "."): value for address, value in changes.items()}
    return apply(data, Scenario("x", TITLE, TITLE, from_day=date, changes=addresses))


def run(data):
    read = read_study(data)
    theta = default_theta(read.network)
    return simulate(structure(read).bind(theta), Luck(1, 0)), Scene.of(read, theta)


def values(data, *addresses, window=YEARS):
    log, scene = run(data)
    return [measure([address], log, scene, window)[address] for address in addresses]


# --- posts -----------------------------------------------------------------------------------------------------------


@pytest.mark.theory
def test_load_is_the_need_by_littles_law_over_the_hours_of_the_filled_posts():
    """Fifty a year for a fifth of a year are ten present; ten hours a week against 1.6 of 1,500 hours a year."""
    window = Window(0.2 * YEAR, 2.2 * YEAR)
    load, posts, need = values(study(), "unit.staff_load", "unit.posts", "unit.fte", window=window)
    expected = 10 * 365.25 / 7 / 1500
    assert posts == pytest.approx(1.6)
    assert need == pytest.approx(expected, rel=1e-6)
    assert load == pytest.approx(expected / 1.6, rel=1e-6)


@pytest.mark.unit
def test_vacant_posts_raise_the_load_and_leave_the_need_and_the_citizens_as_they_were():
    full, half = study(), study(posts={"therapist": {"number": 2, "filled": 0.4}})
    (need, load), (same, more) = (values(one, "unit.fte", "unit.staff_load") for one in (full, half))
    assert same == need
    assert more == pytest.approx(2 * load)
    (one, _), (two, _) = run(full), run(half)
    assert np.array_equal(one.admitted, two.admitted)


@pytest.mark.unit
def test_posts_fill_in_steps_when_a_parameter_changes_on_a_date():
    data = changed(study(), parameters__filled=0.5)
    before, after = Window(0, 366), Window(366, 731)
    log, scene = run(data)
    assert measure(["unit.posts"], log, scene, before)["unit.posts"] == pytest.approx(1.6)
    assert measure(["unit.posts"], log, scene, after)["unit.posts"] == pytest.approx(1.0)


@pytest.mark.unit
def test_posts_of_kinds_nobody_counted_are_not_a_number():
    assert np.isnan(values(study(), "other.staff_load", "unit.posts.meeting")).all()
    assert values(study(), "crk.posts") == pytest.approx([1.6])


@pytest.mark.unit
def test_posts_reach_no_row():
    assert closure(structure(read_study(study())), ["services.unit.posts.therapist.filled"]) == frozenset()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("posts", "address"),
    [
        ({"therapist": {"filled": 1}}, "services.unit.posts.therapist.number"),
        ({"therapist": {"number": 1, "filled": 1.2}}, "services.unit.posts.therapist.filled"),
        ({"therapist": {"number": 1, "vacant": 1}}, "services.unit.posts.therapist.vacant"),
    ],
)
def test_faulty_posts_are_refused_by_address(posts, address):
    with pytest.raises(InputError) as fault:
        read_study(study(posts=posts))
    assert [problem.address for problem in fault.value.problems] == [address]


@pytest.mark.unit
def test_contacts_count_what_takes_no_staff_time_too():
    meetings, hours = values(study(), "unit.contacts.meeting", "unit.staff_hours.meeting")
    assert meetings == pytest.approx(2 * YEAR / 7)
    assert hours == 0.0


@pytest.mark.unit
@pytest.mark.parametrize(("filled", "places"), [(1.0, 5), (0.8, 4), (0.79, 3), (0.0, 0)])
def test_a_part_of_a_post_staffs_no_place(filled, places):
    data = study(places={"hard": 5})
    data["parameters"]["filled"]["value"] = filled
    data = changed(data, services__unit__places__hard="least(5, whole(5 * @filled))")
    assert values(data, "unit.present.max", window=Window(500.0, 1000.0)) == [places]


# --- the day from which a limit binds --------------------------------------------------------------------------------


@pytest.mark.theory
def test_a_limit_that_is_reached_for_good_binds_half_a_quarter_before():
    bounds = np.array([0.0, 400.0, 1000.0])
    assert first_binding(bounds, np.array([False, True])) == pytest.approx(400 - QUARTER / 2)
    assert first_binding(bounds, np.array([True, False])) == 0.0


@pytest.mark.unit
def test_a_short_peak_does_not_bind():
    bounds = np.array([0.0, 100.0, 100.0 + 0.49 * QUARTER, 1000.0])
    assert first_binding(bounds, np.array([False, True, False])) == np.inf
    bounds[2] = 100.0 + 0.5 * QUARTER
    assert first_binding(bounds, np.array([False, True, False])) == pytest.approx(bounds[2] - QUARTER)


@pytest.mark.unit
def test_less_than_a_quarter_is_too_short_to_say():
    assert first_binding(np.array([0.0, QUARTER - 1]), np.array([True])) == np.inf


@pytest.mark.property
def test_first_binding_is_the_first_day_of_a_fine_grid():
    chooser = np.random.default_rng(3)
    for _ in range(60):
        bounds = np.concatenate(([0.0], np.sort(chooser.uniform(0, 900, 30)), [900.0]))
        full = chooser.uniform(size=31) < chooser.uniform(0.2, 0.6)
        grid = np.linspace(0, 900 - QUARTER, 8001)
        running = np.concatenate(([0.0], np.cumsum(np.where(full, np.diff(bounds), 0.0))))
        inside = np.interp(grid + QUARTER, bounds, running) - np.interp(grid, bounds, running)
        hits = grid[inside >= QUARTER / 2]
        found = first_binding(bounds, full)
        if len(hits):
            assert found <= hits[0] + 1e-9
            assert found >= hits[0] - 2 * (grid[1] - grid[0])


def log_of(rows):
    return make_log(
        rows,
        services=("other", "unit"),
        cohorts=("all",),
        ends=("done",),
        kinds=({"cohort": "all"},),
        span=(0.0, 1000.0),
    )


@pytest.mark.unit
@pytest.mark.parametrize(("places", "day"), [({"hard": 2}, 200.0), ({"norm": 1}, 200.0), ({"norm": 2}, np.inf)])
def test_hard_places_bind_when_taken_and_a_norm_when_exceeded(places, day):
    log = log_of([{"citizen": i, "service": "unit", "admitted": begin} for i, begin in enumerate((0.0, 200.0))])
    read = read_study(study(places=places))
    scene = Scene.of(read, default_theta(read.network))
    binds = min(day - QUARTER / 2, 1000.0)
    expected = {
        "unit.until_binding": binds,
        "unit.binds_by.2016-05-01": 0.0,
        "unit.binds_by.2018-05-01": float(day < np.inf),
    }
    assert measure(list(expected), log, scene, Window(0.0, 1000.0)) == pytest.approx(expected)


@pytest.mark.unit
def test_without_a_limit_nothing_binds():
    assert np.isnan(values(study(), "unit.until_binding", "unit.binds_by.2018-01-01")).all()


# --- the legal clock -------------------------------------------------------------------------------------------------


@pytest.mark.theory
def test_share_on_the_same_or_the_next_day_of_an_exponential_door():
    """With requests at any time of day and a mean of a day: 1 - exp(-1) + exp(-2)."""
    data = {
        "title": {"da": "t", "en": "t"},
        "time": {"start": "2016-01-01", "end": "2021-01-01"},
        "services": {
            "door": {
                "treatment": False,
                "length": {"law": "exponential", "mean": "1 day"},
                "ends": {"started": {"share": 1, "to": "unit"}},
            },
            "unit": {"length": {"law": "fixed", "value": "1 day"}},
        },
        "cohorts": {"all": {"arrivals": "2000 / year", "enters": "door", "legal_limit": "3 days"}},
    }
    names = ("share_next_day", "share_within_1d", "share_within_3d", "share_within_limit")
    found = values(data, *(f"crk.door_wait.{name}" for name in names), window=Window(0.0, 1800.0))
    expected = (1 - np.exp(-1) + np.exp(-2), 1 - np.exp(-1), 1 - np.exp(-3), 1 - np.exp(-3))
    assert found == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(2000 * 4.93))
    assert found[2] == found[3]


# --- the network -----------------------------------------------------------------------------------------------------

NETWORK = read_folder(data_dir("conf") / "network").data


@pytest.mark.unit
def test_posts_of_the_network_are_of_kinds_of_staff_that_work_there():
    for service in read_study(NETWORK).network.services:
        kinds = {it.staff for it in service.staff}
        assert {it.staff for it in service.posts} <= kinds | {"all"}, service.id


# --- phasing ---------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_a_change_may_come_in_steps_that_act_one_after_the_other():
    steps = {
        "first": {"from": "2017-01-01", "value": "@filled"},
        "second": {"from": "2018-01-01", "value": "@filled"},
    }
    data = changed(study(), services__unit__posts__therapist__number={"times": steps})
    log, scene = run(data)
    for window, posts in ((Window(0, 366), 1.6), (Window(366, 731), 1.28), (Window(731, 1096), 1.024)):
        assert measure(["unit.posts"], log, scene, window)["unit.posts"] == pytest.approx(posts)


@pytest.mark.unit
def test_places_open_in_steps_after_the_decision():
    steps = {"half": {"from": "2017-07-01", "value": 4}, "all": {"from": "2018-01-01", "value": 8}}
    data = changed(study(places={"hard": 2}), services__unit__places__hard={"set": steps})
    windows = {Window(100, 546): 2, Window(560, 731): 4, Window(800, 1095): 8}
    log, scene = run(data)
    for window, places in windows.items():
        assert measure(["unit.present.max"], log, scene, window)["unit.present.max"] == places


@pytest.mark.unit
@pytest.mark.parametrize(
    ("steps", "rule"),
    [
        (
            {"early": {"from": "2016-07-01", "value": 4}},
            "its steps may not begin before the scenario's date, 2017-01-01",
        ),
        (
            {"first": 3, "second": {"from": "2018-01-01", "value": 4}},
            "its step 'first' needs a date, 'from'; until the first date the number stays as it is",
        ),
    ],
)
def test_steps_before_the_scenario_are_refused(steps, rule):
    with pytest.raises(InputError) as fault:
        changed(study(places={"hard": 2}), services__unit__places__hard={"set": steps})
    assert [problem.rule for problem in fault.value.problems] == [rule]


@pytest.mark.unit
def test_steps_are_told_in_both_languages():
    steps = {"half": {"from": "2017-07-01", "value": 4}, "all": {"from": "2018-01-01", "value": 8}}
    scenario = Scenario("x", TITLE, TITLE, from_day="2017-01-01", changes={"services.unit.places.hard": {"set": steps}})
    told = describe(study(places={"hard": 2}), scenario)[0]
    assert "4 fra 1. juli 2017, 8 fra 1. januar 2018 i stedet for 2" in told.da
    assert "4 from 1 July 2017, 8 from 1 January 2018 instead of 2" in told.en
