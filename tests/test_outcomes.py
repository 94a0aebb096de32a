"""What became of citizens: every number is worked out by hand on a small log."""

import math

import pytest

from crksim.model.clock import YEAR, Window
from tests.test_measures import log_of, stay, value

pytestmark = pytest.mark.unit


def test_the_status_at_final_discharge_is_that_of_the_last_stay_of_the_course():
    log = log_of(
        # Ceased on leaving the club, not any more when the course ended.
        stay(0, "club_a", 0.0, 20.0, to="unit_a", status="ceased"),
        stay(0, "unit_a", 20.0, 40.0, from_row=0, status="unknown"),
        # The second course has a status of its own; the first did not pass through the club.
        stay(1, "unit_a", 0.0, 10.0, to="away", status="unknown"),
        stay(1, "away", 10.0, 30.0, from_row=0, to="club_a"),
        stay(1, "club_a", 30.0, 60.0, from_row=1, status="ceased"),
        # Still in treatment, and waiting: the course has not ended.
        stay(2, "club_a", 0.0, 50.0, to="unit_a", status="ceased"),
        stay(2, "unit_a", 50.0, from_row=0),
        {"citizen": 3, "service": "club_a", "admitted": 0.0, "left": 50.0, "end": "done", "to": "unit_b"},
        {"citizen": 3, "service": "unit_b", "referred": 50.0, "from_row": 0},
        # Without any status, and after the window.
        stay(4, "club_a", 0.0, 10.0),
        stay(5, "club_a", 0.0, 120.0, status="ceased"),
        # A stay beside the main one is no part of the course.
        stay(6, "unit_a", 0.0, 30.0, status="ceased"),
        stay(6, "club_a", 5.0, 90.0, from_row=0, strand=1, status="unknown"),
    )
    assert value("club_a.final_status.ceased.count", log) == 1
    assert value("club_a.final_status.unknown.count", log) == 1
    assert value("club_a.final_status.ceased.share", log) == pytest.approx(1 / 2)
    assert value("club_a.status.ceased.count", log) == 3  # at the end of the stay: citizens 0, 1 and 2
    assert value("crk.final_status.ceased.count", log) == 2  # citizens 1 and 6
    assert value("crk.final_status.unknown", log) == pytest.approx(2 * YEAR / 100)  # citizens 0 and 1
    assert math.isnan(value("club_b.final_status.ceased.share", log))
    assert value("club_a.discharged.count", log) == 3  # citizens 0, 1 and 4
    assert value("unit_a.discharged.count", log) == 3  # citizens 0, 1 (the first course) and 6
    assert value("club_a.discharged", log) == pytest.approx(3 * YEAR / 100)
    assert value("club_a.improved.share", log) == pytest.approx(3 / 4)  # stays: citizens 0, 1, 2, and 6 beside


def test_whoever_begins_another_course_in_time_has_returned():
    log = log_of(
        stay(0, "club_a", 0.0, 20.0, to="away"),
        stay(0, "away", 20.0, 60.0, from_row=0, to="unit_a"),
        stay(0, "unit_a", 70.0, 90.0, referred=60.0, from_row=1),  # asked after 40 days
        stay(1, "club_a", 0.0, 30.0, to="unit_a"),
        stay(1, "unit_a", 30.0, 40.0, from_row=0, to="away"),
        stay(1, "away", 40.0, 150.0, from_row=1, to="unit_b"),  # after 110 days
        stay(1, "unit_b", 150.0, from_row=2),
        stay(2, "club_a", 0.0, 50.0),
        stay(3, "club_a", 0.0, 60.0, end="died", to="died"),
        stay(4, "club_a", 0.0, 95.0, to="away"),
        stay(4, "away", 95.0, from_row=0),
    )
    assert value("club_a.returned.share_within_40d", log) == pytest.approx(1 / 5)
    assert value("club_a.returned.share_within_39d", log) == 0.0
    # Watched for 110 days after the end (until day 200): citizens 0 to 3; 4 is left out.
    assert value("club_a.returned.share_within_110d", log) == pytest.approx(2 / 4)
    assert value("unit_a.returned.share_within_110d", log) == pytest.approx(1 / 2)  # citizens 0 and 1
    assert math.isnan(value("club_a.returned.share_within_190d", log))


def test_what_citizens_became_is_read_from_where_they_went():
    drugs, alcohol = {"substance": "drugs"}, {"substance": "alcohol"}
    log = log_of(
        stay(0, "club_a", 0.0, 20.0, to="unit_a", kind=alcohol),
        stay(0, "unit_a", 20.0, kind=drugs, from_row=0),
        stay(1, "club_a", 0.0, 20.0, kind=alcohol),  # goes nowhere: nothing is known to have changed
        stay(2, "club_a", 0.0, 20.0, to="unit_a", kind=drugs),
        stay(2, "unit_a", 20.0, kind=alcohol, from_row=0),
        # A request that came to nothing during the stay is not where the citizen went.
        stay(3, "club_a", 0.0, 20.0, to="unit_b", kind=alcohol),
        {"citizen": 3, "service": "club_b", "referred": 5.0, "left": 5.0, "end": "declined", "kind": alcohol,
         "from_row": 0},
        stay(3, "unit_b", 20.0, kind=drugs, from_row=0),
        stay(4, "club_a", 0.0, 150.0, to="unit_a", kind=alcohol),
        stay(4, "unit_a", 150.0, kind=drugs, from_row=0),
    )  # fmt: skip
    assert value("club_a.before.substance.drugs.count", log) == 1
    assert value("club_a.before.substance.drugs.share", log) == pytest.approx(1 / 4)
    assert value("club_a.after.substance.drugs.share", log) == pytest.approx(2 / 4)
    assert value("club_a.became.substance.drugs.share", log) == pytest.approx(2 / 3)
    assert value("club_a.became.substance.alcohol.count", log) == 1
    assert value("club_a[substance=drugs].after.substance.alcohol.share", log) == 1.0
    assert value("club_a.became.substance.drugs", log, Window(0.0, 50.0)) == pytest.approx(2 * YEAR / 50)
    assert math.isnan(value("club_b.became.substance.drugs.share", log))


def test_time_after_the_last_course_is_no_time_in_the_system():
    log = log_of(
        stay(0, "unit_a", 10.0, 30.0, to="away"),
        stay(0, "away", 30.0, 80.0, from_row=0),  # leads to no other course
    )
    assert value("crk.time_in_system", log) == 20.0
