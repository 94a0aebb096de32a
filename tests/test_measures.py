"""What the words of the vocabulary mean: every number is worked out by hand on a small log."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crksim.analysis.measures import FUNCTIONS, flows, measure, series
from crksim.analysis.scene import Scene, Steps
from crksim.errors import InputError
from crksim.model.clock import YEAR, Window
from crksim.model.vocabulary import QUANTITIES, parse_measures
from crksim.simulation.staylog import BLOCKED, MOVED, OPENING, RESUMED
from tests.make_log import NAN, make_log
from tests.measured_study import small_study

STUDY = small_study()
SCENE = Scene.of(STUDY, {"minutes": 1 / 24})
FIRST = Window(0.0, 100.0)  # a hundred days
SERVICES = ("away", "club_a", "club_b", "register", "unit_a", "unit_b")
KINDS = tuple(
    {"cohort": cohort, "home": home, "substance": substance}
    for cohort in ("adults", "youth")
    for home in ("unit_a", "unit_b")
    for substance in ("alcohol", "drugs")
)


def log_of(*rows, **more):
    return make_log(
        rows,
        services=SERVICES,
        cohorts=("adults", "youth"),
        rules=("to_club",),
        ends=("back", "done", "no_show"),
        statuses=("ceased", "reduced", "unknown"),
        kinds=KINDS,
        **more,
    )


def stay(citizen, service, admitted, left=NAN, **more):
    closed = {} if math.isnan(left) else {"end": "done", "to": "leave"}
    return {"citizen": citizen, "service": service, "admitted": admitted, "left": left, **closed, **more}


def value(text, log, window=FIRST):
    return measure([text], log, SCENE, window)[text]


def a_year(number, days=100.0):
    return pytest.approx(number * YEAR / days, rel=1e-12)


@pytest.mark.unit
def test_every_quantity_has_a_function_and_none_is_left_over():
    assert set(FUNCTIONS) == set(QUANTITIES)


@pytest.mark.unit
def test_starts_leave_out_the_opening_caseload_and_stays_taken_up_again():
    log = log_of(
        stay(0, "unit_a", 0.0, 30.0, flags=OPENING),
        stay(1, "unit_a", 0.0, 30.0),
        stay(2, "unit_a", 99.5),
        stay(3, "unit_a", 100.0),  # the window has ended
        stay(4, "unit_a", 50.0, flags=RESUMED),
        stay(5, "unit_a", 50.0, flags=MOVED),
        stay(6, "unit_b", 50.0),
        stay(7, "away", 50.0),
    )
    assert value("unit_a.starts.count", log) == 3.0
    assert value("unit_a.starts", log) == a_year(3)
    assert value("units.starts.count", log) == 4.0
    assert value("crk.starts.count", log) == 4.0  # being away is between courses
    assert value("away.starts.count", log) == 1.0
    assert value("youth.starts.count", log) == 0.0


@pytest.mark.unit
def test_number_present_over_time():
    # number present: 1 on [0, 10), 2 on [10, 20), 3 on [20, 40), 2 on [40, 60), 1 from then on
    log = log_of(
        stay(0, "unit_a", -5.0, 60.0, flags=OPENING),
        stay(1, "unit_a", 10.0),
        stay(2, "unit_a", 20.0, 40.0),
        stay(3, "unit_a", 120.0, 140.0),
        {"citizen": 4, "service": "unit_a", "referred": 5.0, "left": 50.0, "end": "gave_up", "to": "leave"},
    )
    assert value("unit_a.present", log) == pytest.approx((10 * 1 + 10 * 2 + 20 * 3 + 20 * 2 + 40 * 1) / 100)
    # 1 for 50 days, 2 for 30, 3 for 20
    expected = {"p10": 1, "p50": 1, "p90": 3, "max": 3, "at_least_2": 0.5, "at_least_3": 0.2, "below_3": 0.8,
                "at_least_4": 0.0, "below_1": 0.0, "below_9": 1.0, "at_least_0": 1.0}  # fmt: skip
    for statistic, number in expected.items():
        assert value(f"unit_a.present.{statistic}", log) == pytest.approx(number), statistic
    assert value("unit_a.count_at.2016-01-21", log) == 3.0  # day 20: who comes that instant is there
    assert value("unit_a.count_at.2016-02-10", log) == 2.0  # day 40: who leaves that instant is not
    assert value("unit_b.present", log) == value("unit_b.present.max", log) == 0.0


@pytest.mark.unit
def test_a_change_of_hands_in_one_instant_is_no_peak():
    log = log_of(stay(0, "unit_a", 0.0, 50.0), stay(1, "unit_a", 50.0, 80.0))
    assert value("unit_a.present.max", log) == 1.0
    assert value("unit_a.present.p50", log) == 1.0
    assert value("unit_a.present.below_1", log) == pytest.approx(0.2)


@pytest.mark.unit
def test_of_a_citizen_with_strands_beside_only_the_main_one_is_present_in_crk():
    log = log_of(stay(0, "unit_a", 0.0, 100.0), stay(0, "club_a", 20.0, 70.0, from_row=0, strand=1))
    assert value("crk.present", log) == value("adults.present", log) == pytest.approx(1.0)
    assert value("club_a.present", log) == pytest.approx(0.5)
    assert value("crk.starts.count", log) == 2.0


@pytest.mark.unit
def test_filters_and_attributes():
    log = log_of(
        stay(0, "unit_a", 0.0, 50.0, kind={"home": "unit_a", "substance": "drugs"}),
        stay(1, "unit_a", 0.0, 20.0, kind={"home": "unit_b", "substance": "drugs"}),
        stay(2, "unit_a", 0.0, 10.0, cohort="youth", kind={"home": "unit_a", "substance": "alcohol"}),
    )
    assert value("unit_a[home=unit_a].present", log) == pytest.approx(0.6)
    assert value("unit_a[home=unit_a,substance=drugs].starts.count", log) == 1.0
    assert value("unit_a[home=unit_a|unit_b].starts.count", log) == 3.0
    assert value("crk[cohort=youth].present", log) == value("youth.present", log) == pytest.approx(0.1)
    assert value("unit_a.present_by.substance.drugs", log) == pytest.approx(0.7)
    assert value("unit_a[home=unit_b].present_by.substance.drugs", log) == pytest.approx(0.2)
    assert value("unit_a.from_home.unit_a.share", log) == pytest.approx(2 / 3)
    assert value("unit_a.from_home.unit_a", log) == a_year(2)


@pytest.mark.unit
def test_waits_of_those_admitted_and_of_all_who_left_the_queue():
    log = log_of(
        *(stay(i, "club_a", 20.0 + i, referred=20.0) for i in range(5)),  # waits 0, 1, 2, 3, 4
        stay(5, "club_a", 60.0, referred=40.0, rule="to_club"),  # 20
        stay(6, "club_a", 105.0, referred=90.0),  # admitted later
        stay(7, "club_a", 50.0, referred=-200.0, flags=OPENING),
        {"citizen": 8, "service": "club_a", "referred": 30.0, "left": 60.0, "end": "gave_up", "to": "leave"},  # 30
        {"citizen": 9, "service": "club_a", "referred": 30.0, "left": 34.0, "end": "withdrawn"},  # 4
        {"citizen": 10, "service": "club_a", "referred": 30.0, "left": 30.0, "end": "declined"},
        {"citizen": 11, "service": "club_a", "referred": 30.0, "left": 30.0, "end": "refused", "to": "leave"},
        {"citizen": 12, "service": "club_a", "referred": 95.0},  # still waits
    )
    assert value("club_a.wait", log) == pytest.approx((0 + 1 + 2 + 3 + 4 + 20) / 6)
    assert value("club_a.wait.p50", log) == pytest.approx(2.5)
    assert value("club_a.wait.p90", log) == pytest.approx(4 + 0.5 * (20 - 4))  # place 0.9 * 5 = 4.5
    assert value("club_a.wait.share_beyond_3d", log) == pytest.approx(2 / 6)
    assert value("club_a.wait.share_within_3d", log) == pytest.approx(4 / 6)
    assert value("club_a.queue_wait", log) == pytest.approx((0 + 1 + 2 + 3 + 4 + 20 + 30 + 4) / 8)
    assert value("club_a.queue_wait.share_beyond_19d", log) == pytest.approx(2 / 8)
    assert value("club_a.internal_wait", log) == 20.0
    assert value("club_a.requests.count", log) == 12.0
    assert math.isnan(value("unit_a.wait", log))
    assert math.isnan(value("unit_a.wait.p90", log))
    assert math.isnan(value("unit_a.wait.share_beyond_3d", log))


@pytest.mark.unit
def test_number_waiting():
    log = log_of(
        stay(0, "club_a", 30.0, referred=20.0),
        stay(1, "club_a", 20.0),
        {"citizen": 2, "service": "club_a", "referred": 25.0, "left": 45.0, "end": "gave_up", "to": "leave"},
        {"citizen": 3, "service": "club_a", "referred": 90.0},
        stay(4, "club_a", 5.0, referred=-10.0),
    )
    assert value("club_a.waiting", log) == pytest.approx((10 + 20 + 10 + 5) / 100)
    assert value("club_a.waiting.max", log) == 2.0


@pytest.mark.unit
def test_requests_that_came_to_nothing_by_cause():
    reasons = ("refused", "gave_up", "declined", "declined", "too_far", "could_not_attend", "ineligible", "withdrawn")
    log = log_of(
        *(
            {"citizen": i, "service": "club_a", "referred": 10.0, "left": 10.0 + i, "end": reason, "to": None}
            for i, reason in enumerate(reasons)
        ),
        {"citizen": 90, "service": "club_a", "referred": 10.0, "left": 150.0, "end": "gave_up"},
        stay(91, "club_a", 10.0, 20.0, end="died", to="died"),
    )
    for reason in set(reasons):
        assert value(f"club_a.{reason}.count", log) == reasons.count(reason)
        assert value(f"club_a.{reason}", log) == a_year(reasons.count(reason))
    assert value("club_a.unmet.count", log) == 6.0
    assert value("club_a.unmet", log) == a_year(6)
    assert value("club_a.unmet.no_place.count", log) == 2.0
    assert value("club_a.unmet.declined.count", log) == 2.0
    assert value("club_a.unmet.too_far.count", log) == value("club_a.unmet.could_not_attend.count", log) == 1.0


@pytest.mark.unit
def test_occupancy_counts_places_while_the_service_is_open():
    log = log_of(
        stay(0, "club_a", 10.0, 60.0), stay(1, "club_a", 20.0), stay(2, "club_b", 0.0, 50.0), stay(3, "unit_b", 0.0)
    )
    # club_a: open from day 10 with 2 places, 4 from day 50; club_b: 4 places until day 50; unit_b: a norm of 2
    place_days = 40 * 2 + 50 * 4
    assert value("club_a.occupancy", log) == pytest.approx((50 + 80) / place_days)
    assert value("club.occupancy", log) == pytest.approx((50 + 80 + 50) / (place_days + 50 * 4))
    assert value("unit_b.occupancy", log) == pytest.approx(0.5)
    assert math.isnan(value("unit_a.occupancy", log))
    assert math.isnan(value("units.occupancy", log))  # unit_a has no limit
    assert math.isnan(value("club_b.occupancy", log, Window(60.0, 100.0)))  # closed


@pytest.mark.unit
def test_overload_is_the_time_above_the_norm():
    log = log_of(
        stay(0, "unit_b", 0.0), stay(1, "unit_b", 0.0, 80.0), stay(2, "unit_b", 30.0, 55.0), stay(3, "club_a", 10.0),
        stay(4, "club_a", 10.0), stay(5, "club_a", 40.0, 70.0)
    )  # fmt: skip
    assert value("unit_b.overload", log) == pytest.approx(0.25)
    assert value("club_a.overload", log) == pytest.approx(10 / 90)  # 3 present, 2 places until day 50, 4 after
    assert value("club.overload", log) == pytest.approx(10 / (90 + 50))
    assert math.isnan(value("unit_a.overload", log))


@pytest.mark.unit
def test_weeks_under_the_smallest_workable_number():
    # club_a opens on day 10 and needs 2; its weeks are [10, 17), [17, 24), ... : twelve whole ones up to day 94
    log = log_of(
        stay(0, "club_a", 10.0),
        stay(1, "club_a", 17.0, 38.0),  # three weeks of two
        stay(2, "club_a", 38.0, 41.5),  # half a week: a mean of 1.5
        stay(3, "club_b", 7.0, 28.0),  # three of its seven weeks until it closes on day 50
    )
    assert value("club_a.under_workable", log) == pytest.approx((12 - 3) / 12)
    assert value("club_b.under_workable", log) == pytest.approx(4 / 7)
    assert value("club.under_workable", log) == pytest.approx((9 + 4) / (12 + 7))
    assert math.isnan(value("unit_a.under_workable", log))
    assert math.isnan(value("club_a.under_workable", log, Window(0.0, 12.0)))


@pytest.mark.unit
def test_lengths_of_stays_that_ended():
    log = log_of(
        stay(0, "unit_a", 10.0, 20.0),
        stay(1, "unit_a", 10.0, 50.0),
        stay(2, "unit_a", 10.0, 110.0),
        stay(4, "unit_a", -100.0, 10.0, flags=OPENING),  # came 100 days before the start
        stay(3, "unit_a", 30.0),
        stay(5, "unit_a", 20.0, 21.0, flags=RESUMED),
    )
    assert value("unit_a.length", log) == pytest.approx((10 + 40 + 110) / 3)
    assert value("unit_a.length.p50", log) == 40.0
    assert value("unit_a.length.p90", log) == pytest.approx(40 + 0.8 * (110 - 40))  # place 0.9 * 2 = 1.8


@pytest.mark.unit
def test_blocked_stays():
    log = log_of(
        stay(0, "unit_a", 0.0, 40.0, due=30.0, flags=BLOCKED),
        stay(1, "unit_a", 60.0, due=80.0, flags=BLOCKED),  # still held
        stay(2, "unit_a", 0.0, 10.0, due=50.0),  # left early
    )
    assert value("unit_a.blocked", log) == pytest.approx((10 + 20) / 100)
    assert value("unit_a.blocked.share", log) == pytest.approx(30 / (40 + 40 + 10))
    assert value("unit_b.blocked", log) == 0.0
    assert math.isnan(value("unit_b.blocked.share", log))
    hours = (30 + 20 + 10) * 0.5  # half an hour a day until the stays are done, none while a place is only held
    assert value("unit_a.staff_hours", log) == pytest.approx(hours / 100 * 365.25)


@pytest.mark.unit
def test_clocks_at_the_door():
    def youth(citizen, service, admitted=NAN, left=NAN, **more):
        return stay(citizen, service, admitted, left, cohort="youth", **more)

    log = log_of(
        youth(0, "register", 10.0, 13.0),
        youth(0, "unit_a", 15.0, 40.0, referred=13.0, from_row=0),  # 5 days
        youth(0, "away", 40.0, 60.0, from_row=1),
        youth(0, "unit_a", 80.0, referred=60.0, from_row=2),  # a new clock: 20 days, over the limit on day 74
        youth(1, "unit_a", 30.0, referred=20.0),  # 10 days
        youth(1, "club_a", 50.0, referred=30.0, from_row=0, rule="to_club"),  # no door
        youth(2, "unit_b", referred=50.0),  # waits: over the limit on day 64
        youth(3, "unit_b", left=60.0, referred=50.0, end="gave_up", to="leave"),  # gone before the limit
        youth(4, "unit_b", referred=95.0),  # waits, within the limit so far
        youth(5, "unit_b", 0.0, flags=OPENING),
        stay(6, "unit_b", 31.0, referred=30.0),  # an adult
    )
    assert value("youth.door_wait", log) == pytest.approx((5 + 20 + 10) / 3)
    assert value("youth.door_wait.p90", log) == pytest.approx(10 + 0.8 * 10)
    assert value("youth.door_wait.share_within_limit", log) == pytest.approx(2 / 4)
    assert value("youth.door_wait.breaches", log) == a_year(2)
    assert value("youth.door_wait.still_waiting", log) == 2.0
    assert value("adults.door_wait", log) == 1.0
    assert math.isnan(value("adults.door_wait.share_within_limit", log))  # no legal limit
    assert value("crk.door_wait", log) == pytest.approx((5 + 20 + 10 + 1) / 4)
    assert value("youth.door_wait.still_waiting", log, Window(0.0, 70.0)) == 2.0  # citizens 0 and 2


@pytest.mark.unit
def test_a_refusal_on_the_way_does_not_restart_the_clock():
    log = log_of(
        {"citizen": 0, "service": "unit_a", "referred": 10.0, "left": 10.0, "end": "refused", "to": "unit_b"},
        stay(0, "unit_b", 16.0, 20.0, referred=10.0, from_row=0, to="away"),
        stay(0, "away", 20.0, 30.0, from_row=1, to="unit_a"),
        {"citizen": 0, "service": "unit_a", "referred": 30.0, "left": 32.0, "end": "gave_up", "to": "unit_b",
         "from_row": 2},
        stay(0, "unit_b", 38.0, referred=32.0, from_row=3),
    )  # fmt: skip
    assert value("crk.door_wait", log) == pytest.approx((6 + 8) / 2)


@pytest.mark.unit
def test_visits_and_time_in_system():
    log = log_of(
        stay(0, "unit_a", 10.0, 20.0, to="unit_b"),
        stay(0, "unit_b", 20.0, 30.0, from_row=0, to="unit_a"),
        stay(0, "unit_a", 35.0, 50.0, referred=30.0, from_row=1),  # left for good after 40 days
        stay(1, "unit_a", 60.0, 80.0, referred=55.0),  # after 25 days
        stay(1, "club_a", 65.0, from_row=0, strand=1),  # a strand beside does not hold the citizen
        stay(2, "unit_b", 90.0, cohort="youth"),
        stay(3, "unit_b", 0.0, 10.0, flags=OPENING),
    )
    assert value("unit_a.visits", log) == pytest.approx(3 / 3)
    assert value("unit_b.visits", log) == pytest.approx(2 / 3)
    assert value("crk.visits", log) == pytest.approx(6 / 3)
    assert value("adults.visits", log) == pytest.approx(5 / 2)
    assert value("crk.time_in_system", log) == pytest.approx((40 + 25) / 2)
    assert math.isnan(value("youth.time_in_system", log))
    assert math.isnan(value("youth.visits", log, Window(0.0, 50.0)))


@pytest.mark.unit
def test_flows_ends_statuses_and_gain():
    log = log_of(
        stay(0, "unit_a", 0.0, 10.0, end="done", to="unit_b", status="ceased", without="unknown"),
        stay(1, "unit_a", 0.0, 20.0, end="done", to="leave", status="ceased", without="reduced"),
        stay(2, "unit_a", 0.0, 30.0, end="no_show", to="leave", status="unknown"),
        stay(3, "unit_a", 0.0, 40.0, end="transferred", to="club_a"),
        stay(4, "unit_a", 0.0, 50.0, end="died", to="died"),
        stay(5, "unit_a", 0.0, 150.0, end="done", to="leave", status="ceased", without="unknown"),
        stay(6, "unit_a", 0.0, 60.0, end="done", to="leave", status="unknown", without="ceased"),
        {"citizen": 7, "service": "unit_a", "referred": 0.0, "left": 5.0, "end": "gave_up", "to": "leave"},
    )
    for destination, number in {"unit_b": 1, "club_a": 1, "leave": 3, "died": 1, "club_b": 0}.items():
        assert value(f"unit_a.flow.{destination}.count", log) == number
        assert value(f"unit_a.flow.{destination}", log) == a_year(number)
    assert value("unit_a.ends.done.count", log) == 3.0
    assert value("unit_a.ends.no_show", log) == a_year(1)
    assert value("unit_a.ends_share.done", log) == pytest.approx(3 / 6)
    assert value("unit_a.ends_share.transferred", log) == pytest.approx(1 / 6)
    assert value("unit_a.status.ceased.count", log) == 2.0
    assert value("unit_a.status.ceased", log) == a_year(2)
    assert value("unit_a.status.ceased.share", log) == pytest.approx(2 / 4)  # of those with a status, unknown or not
    assert math.isnan(value("unit_b.status.ceased.share", log))
    assert value("unit_a.gain", log) == a_year(1)
    assert value("unit_a.gain_improved", log) == 0.0  # one more, one as good without, one fewer
    assert value("unit_a.gain.share_50", log) == a_year(0.5)
    assert value("unit_a.gain.share_0", log) == 0.0


@pytest.mark.unit
def test_deaths_count_citizens_not_rows():
    log = log_of(
        stay(0, "unit_a", 0.0, 10.0, end="died", to="died"),
        stay(0, "club_a", 5.0, 10.0, end="died", to="died", strand=1, from_row=0),
        {"citizen": 0, "service": "club_b", "referred": 6.0, "left": 10.0, "end": "died", "to": "died", "from_row": 0},
        stay(1, "club_b", 0.0, 50.0, end="closed", to="died"),
        stay(2, "away", 0.0, 50.0, end="died", to="died"),
    )
    assert value("crk.deaths.count", log) == 2.0
    assert value("club_a.deaths.count", log) == 1.0
    assert value("club.deaths", log) == a_year(2)
    assert value("away.deaths.count", log) == 1.0


@pytest.mark.unit
def test_where_starts_come_from():
    log = log_of(
        stay(0, "unit_a", 0.0, 30.0),
        {"citizen": 0, "service": "club_b", "referred": 10.0, "left": 10.0, "end": "refused", "from_row": 0,
         "rule": "to_club"},
        stay(0, "club_a", 30.0, 40.0, referred=10.0, from_row=1, rule="to_club"),  # from unit_a, by way of a refusal
        stay(1, "unit_b", 0.0),
        stay(1, "club_a", 20.0, from_row=0, strand=1, rule="to_club"),
        stay(2, "club_a", 20.0),
    )  # fmt: skip
    assert value("club_a.from.unit_a.count", log) == value("club_a.from.unit_b.count", log) == 1.0
    assert value("club_a.from.units", log) == a_year(2)
    assert value("club_a.from.unit_a.share", log) == pytest.approx(1 / 3)
    assert value("club_a.from.door.share", log) == pytest.approx(1 / 3)
    assert value("club_a.from.club.count", log) == 0.0
    assert math.isnan(value("club_b.from.door.share", log))


@pytest.mark.unit
def test_flows_between_services():
    log = log_of(
        stay(0, "unit_a", 5.0, 30.0, cohort="youth", to="club_a"),
        stay(0, "club_a", 30.0, 40.0, cohort="youth", from_row=0),
        stay(1, "unit_a", 5.0, 20.0, to="died", end="died"),
        stay(2, "unit_b", 0.0, 50.0, flags=OPENING),
        {"citizen": 3, "service": "unit_b", "referred": 5.0, "left": 9.0, "end": "gave_up", "to": "leave"},
        stay(4, "unit_a", 5.0, 150.0),
    )
    expected = {
        ("youth", "unit_a"): 1,
        ("adults", "unit_a"): 2,
        ("unit_a", "club_a"): 1,
        ("club_a", "leave"): 1,
        ("unit_a", "died"): 1,
        ("unit_b", "leave"): 1,
        ("adults", "leave"): 1,  # gave up at the door
    }
    found = flows(log, FIRST)
    assert found == {move: a_year(number) for move, number in expected.items()}


@pytest.mark.unit
def test_staff_hours_and_full_time_equivalents():
    log = log_of(stay(0, "club_a", 20.0, 70.0), stay(1, "club_a", 40.0, 60.0), stay(2, "unit_a", 0.0, 40.0))
    # sessions: 2 a day of 1.5 hours from day 10; talks: an hour a day for each present, two from day 50
    sessions = 90 * 2 * 1.5
    club_talks = (30 + 10) * 1.0 + (20 + 10) * 2.0
    unit_talks = 40 * 0.5
    assert value("club_a.staff_hours", log) == a_year(sessions + club_talks)
    assert value("club_a.staff_hours.therapist", log) == a_year(sessions)
    assert value("club_a.staff_hours.nurse", log) == a_year(club_talks)
    assert value("crk.staff_hours", log) == a_year(sessions + club_talks + unit_talks)
    assert value("units.fte.nurse", log) == a_year(unit_talks / 1500.0)
    assert value("unit_b.fte", log) == 0.0


@pytest.mark.unit
def test_windows_of_addresses():
    log = log_of(stay(0, "unit_a", 40.0), stay(1, "unit_a", 45.0), stay(2, "unit_a", 120.0))
    # February 2016 is days 31 to 60
    found = measure(
        ["unit_a.starts.count@2016-02", "unit_a.starts@2016-02-01..2016-02-29", "unit_a.starts.count"], log, SCENE
    )
    assert found["unit_a.starts.count@2016-02"] == 2.0
    assert found["unit_a.starts@2016-02-01..2016-02-29"] == a_year(2, days=29.0)
    assert found["unit_a.starts.count"] == 3.0  # the forecast: all 200 days


@pytest.mark.unit
def test_a_window_that_was_not_watched_gives_no_number():
    log = log_of(stay(0, "unit_a", 40.0), span=(30.0, 200.0))
    for text in ("unit_a.starts@2016-01", "unit_a.present@2016", "unit_a.count_at.2016-01-05@2016-02"):
        assert math.isnan(value(text, log)), text


@pytest.mark.unit
def test_a_world_without_the_subject_counts_nobody():
    what_if = parse_measures(["club.starts", "club_b.present", "club_b.occupancy", "club_b.wait", "club_b.fte"],
                             STUDY.network)  # fmt: skip
    smaller = Scene(
        SCENE.network, SCENE.start, SCENE.forecast,
        {name: limits for name, limits in SCENE.services.items() if not name.startswith("club")},
        {"units": SCENE.groups["units"]}, SCENE.untreated, SCENE.between, SCENE.legal_limits,
    )  # fmt: skip
    log = make_log([stay(0, "unit_a", 0.0)], services=("unit_a", "unit_b"))
    found = measure(what_if, log, smaller)
    assert found["club.starts"] == found["club_b.present"] == found["club_b.fte"] == 0.0
    assert math.isnan(found["club_b.occupancy"])
    assert math.isnan(found["club_b.wait"])


@pytest.mark.unit
def test_unknown_addresses_are_refused():
    with pytest.raises(InputError, match="startss"):
        measure(["crk.startss"], log_of(), SCENE)


@pytest.mark.unit
def test_an_empty_log_has_a_value_or_nan_for_every_quantity():
    arguments = {"destination": ".unit_b", "origin": ".door", "home": ".unit_a", "end": ".done", "status": ".ceased",
                 "date": ".2016-03-01", "attribute": ".substance.drugs"}  # fmt: skip
    texts = []
    for name, quantity in QUANTITIES.items():
        for kind in quantity.subjects:
            subject = {"service": "club_a", "group": "club", "cohort": "youth", "all": "crk"}[kind]
            texts += [
                f"{subject}.{name}{arguments.get(quantity.argument, '')}.{statistic.replace('N', '5')}"
                for statistic in quantity.statistics
            ]
    found = measure(texts, log_of(), SCENE)
    assert list(found) == texts
    assert found["crk.starts.per_year"] == found["crk.present.max"] == found["crk.deaths.count"] == 0.0
    assert math.isnan(found["crk.wait.mean"])
    assert math.isnan(found["youth.door_wait.mean"])


@pytest.mark.unit
def test_series_of_numbers_present():
    log = log_of(stay(0, "unit_a", 0.0, 10.0), stay(1, "unit_a", 5.0), stay(2, "unit_b", 5.0, 6.0),
                 {"citizen": 3, "service": "unit_b", "referred": 0.0, "left": 9.0, "end": "gave_up"})  # fmt: skip
    found = series(log, ("unit_b", "unit_a", "elsewhere"), np.array([0.0, 5.0, 10.0, 199.0]))
    assert found.tolist() == [[0, 1, 0, 0], [1, 2, 1, 1], [0, 0, 0, 0]]


@pytest.mark.unit
def test_steps_in_time():
    steps = Steps(np.array([-math.inf, 10.0, 20.0]), np.array([1.0, 3.0, 2.0]))
    assert steps.at(np.array([-5.0, 9.9, 10.0, 25.0])).tolist() == [1.0, 1.0, 3.0, 2.0]
    assert steps.pieces(5.0, 15.0) == [(5.0, 10.0, 1.0), (10.0, 15.0, 3.0)]
    assert steps.pieces(10.0, 20.0) == [(10.0, 20.0, 3.0)]
    assert steps.pieces(7.0, 7.0) == []
    assert steps.integral(5.0, 25.0) == pytest.approx(5 * 1 + 10 * 3 + 5 * 2)


@pytest.mark.theory
def test_littles_law_on_a_window_that_begins_and_ends_empty():
    # L = lambda W (Little, 1961), for those present and for those waiting; everybody comes and goes in the window
    rows = [(3.0, 5.0, 21.0), (4.0, 4.0, 40.0), (10.0, 25.0, 30.0), (50.0, 61.0, 99.0)]
    log = log_of(*(stay(i, "club_a", b, c, referred=a) for i, (a, b, c) in enumerate(rows)))
    names = ("present", "waiting", "starts", "length", "wait")
    present, waiting, starts, length, wait = (value(f"club_a.{name}", log) for name in names)
    assert present == pytest.approx(starts / YEAR * length, rel=1e-12)
    assert waiting == pytest.approx(starts / YEAR * wait, rel=1e-12)
    assert length == pytest.approx(sum(c - b for _, b, c in rows) / 4)


SPANS = st.lists(
    st.tuples(st.integers(-40, 240), st.one_of(st.none(), st.integers(0, 120))).map(
        lambda pair: (pair[0] / 2, NAN if pair[1] is None else (pair[0] + pair[1]) / 2)
    ),
    max_size=30,
)


@pytest.mark.property
@given(SPANS, st.integers(0, 100), st.integers(1, 100))
def test_number_present_agrees_with_counting_at_every_moment(spans, start, days):
    log = log_of(*(stay(i, "unit_a", begin, end, to=None, end=None) for i, (begin, end) in enumerate(spans)))
    window = Window(float(start), float(start + days))
    edges = np.arange(window.start, window.end + 0.5, 0.5)  # every span begins and ends on a half day
    counts = [sum(b <= day and not end <= day for b, end in spans) for day in edges[:-1]]
    texts = [f"unit_a.present.{name}" for name in ("mean", "p10", "p50", "p90", "max", "at_least_2", "below_3")]
    mean, p10, p50, p90, most, at_least, below = measure(texts, log, SCENE, window).values()
    assert mean == pytest.approx(sum(counts) / len(counts), abs=1e-12)
    assert most == max(counts)
    for found, share in ((p10, 0.1), (p50, 0.5), (p90, 0.9)):
        assert sum(count <= found for count in counts) >= share * len(counts) - 1e-9
        assert sum(count < found for count in counts) < share * len(counts)
    assert at_least == pytest.approx(sum(count >= 2 for count in counts) / len(counts), abs=1e-12)
    assert below == pytest.approx(sum(count < 3 for count in counts) / len(counts), abs=1e-12)
    assert series(log, ("unit_a",), edges[:-1])[0].tolist() == counts


@pytest.mark.property
@given(SPANS)
def test_weeks_under_the_workable_number_agree_with_counting(spans):
    log = log_of(*(stay(i, "club_a", begin, end, to=None, end=None) for i, (begin, end) in enumerate(spans)))
    under = 0
    weeks = [10.0 + 7.0 * i for i in range(13)]
    for first, last in pairwise(weeks):
        halves = np.arange(first, last, 0.5)
        mean = sum(b <= day and not end <= day for b, end in spans for day in halves) / 14
        under += mean < 2
    assert value("club_a.under_workable", log) == pytest.approx(under / 12)
