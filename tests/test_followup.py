"""Following a change up: which counts, when, and the lines between as expected and stop."""

import math

import numpy as np
import pytest

from crksim.analysis.comparison import Question
from crksim.analysis.followup import MONTHS, counts_to_keep, follow_up
from crksim.analysis.influence import Decision
from crksim.analysis.results import Count
from crksim.model.network import Label
from crksim.model.study import read_study
from tests.measured_study import STUDY, small_study

NAMED = Label("tæller", "count")


def question(measure, good="up", decides=True, answerable=True):
    return Question(measure, NAMED, NAMED, "flow", 5.0, decides=decides, good=good, answerable=answerable)


def long_study():
    return read_study({**STUDY, "time": {**STUDY["time"], "end": "2018-01-01"}})


def kept(*questions, study=None, touched=("club", "club_a"), begins=31.0):
    return {count.measure: count for count in counts_to_keep(questions, touched, study or long_study(), begins)}


# ------------------------------------------------------------------------------------------------------ which counts


@pytest.mark.unit
def test_starts_number_present_and_waits_are_followed_at_three_six_and_twelve_months():
    found = kept(question("club.starts"))
    assert list(found) == [
        "club.starts.count@2016-02-01..2016-04-30",
        "club.count_at.2016-05-01",
        "club.internal_wait.mean@2016-02-01..2016-04-30",
        "club.starts.count@2016-02-01..2016-07-31",
        "club.count_at.2016-08-01",
        "club.internal_wait.mean@2016-02-01..2016-07-31",
        "club.starts.count@2016-02-01..2017-01-31",
        "club.count_at.2017-02-01",
        "club.internal_wait.mean@2016-02-01..2017-01-31",
    ]
    assert [count.months for count in found.values()] == [months for months in MONTHS for _ in range(3)]
    assert all(count.followed for count in found.values())
    assert found["club.starts.count@2016-02-01..2016-04-30"].good == "up"
    assert found["club.count_at.2016-05-01"].good == "none"


@pytest.mark.unit
def test_without_a_queue_there_is_no_wait_and_a_cohort_is_followed_at_the_door():
    assert {text.split(".")[1] for text in kept(question("unit_b.starts"))} == {"starts", "count_at"}
    door = kept(question("youth.requests"), touched=("youth",))
    assert {text.partition("@")[0] for text in door} == {"youth.requests.count", "youth.door_wait.mean"}


@pytest.mark.unit
def test_what_nobody_can_count_is_not_asked_for():
    found = kept(
        question("club.fte"), question("club.occupancy"), question("club.gain.share_50"), question("club.staff_hours")
    )
    assert not any(word in text for text in found for word in ("fte", "gain", "staff_hours"))
    assert "club.occupancy@2016-02-01..2017-01-31" in found
    assert not found["club.occupancy@2016-02-01..2017-01-31"].followed


@pytest.mark.unit
def test_candidates_are_of_what_is_touched_only():
    found = kept(question("club.starts"), question("unit_a.starts", decides=False))
    assert not any(text.startswith("unit_a") for text in found)


@pytest.mark.unit
def test_a_study_that_ends_before_keeps_what_lies_within():
    assert {count.months for count in kept(question("club.starts"), study=small_study()).values()} == {3}
    assert kept(question("club.starts"), study=small_study(), begins=150.0) == {}
    assert kept(question("club.starts", answerable=False)) == {}
    assert kept() == {}


@pytest.mark.unit
def test_a_month_too_short_runs_over_into_the_next():
    found = kept(question("club.starts"), begins=333.0)  # 29 November 2016
    assert "club.starts.count@2016-11-29..2017-02-28" in found


@pytest.mark.unit
def test_every_count_can_be_measured():
    from crksim.model.vocabulary import parse_measures

    found = kept(question("club.starts"), question("club.unmet"), question("club.present.mean"))
    assert len(parse_measures(found, long_study().network)) == len(found)


# --------------------------------------------------------------------------------------------------------- the lines


def counts(name, good="none"):
    return [Count(name, NAMED, NAMED, "count", 6, good, followed=True)]


def poisson(rates, futures=2, seed=1):
    return np.random.default_rng(seed).poisson(np.repeat(np.array(rates)[:, None], futures, axis=1)).astype(float)


def deciding(works, futures=2):
    """Members in which the change works, far beyond what is worthwhile, and the others, in which it does nothing."""
    return Decision(1.0, 5.0, np.where(works, 10.0, 0.0)[:, None] * np.ones(futures))


@pytest.mark.theory
def test_beyond_the_red_line_lie_less_than_one_in_twenty_where_the_change_works():
    from scipy.stats import poisson as law

    works = np.arange(4000) % 2 == 0
    values = poisson(np.where(works, 9.0, 3.0))
    (row,) = follow_up(deciding(works), "m", counts("a"), {"a": poisson([3.0] * 4000, seed=2)}, {"a": values})
    assert (row.side, row.red) == ("below", law.ppf(0.05, 9.0))
    assert law.cdf(row.red - 1, 9.0) < 0.05
    assert row.caught == pytest.approx(law.cdf(row.red - 1, 3.0), abs=0.03)
    assert row.expected == pytest.approx(6.0, abs=0.1)
    assert row.reference == pytest.approx(3.0, abs=0.1)


@pytest.mark.theory
def test_as_expected_is_the_range_of_nine_in_ten_single_futures():
    from scipy.stats import poisson as law

    works = np.full(3000, True)
    (row,) = follow_up(deciding(works), "m", counts("a"), {"a": poisson([3.0] * 3000)}, {"a": poisson([7.0] * 3000)})
    assert (row.low, row.high) == (law.ppf(0.05, 7.0), law.ppf(0.95, 7.0))
    assert math.isnan(row.caught)


@pytest.mark.unit
def test_where_less_is_good_one_stops_above():
    works = np.arange(400) % 2 == 0
    values = {"a": poisson(np.where(works, 3.0, 9.0))}
    (row,) = follow_up(deciding(works), "m", counts("a", good="down"), {"a": poisson([9.0] * 400)}, values)
    assert row.side == "above"
    assert row.red >= 6.0
    assert row.caught > 0.5


@pytest.mark.unit
def test_without_a_direction_one_stops_on_the_side_of_what_was_there_before():
    works = np.full(100, True)
    many, few = poisson([9.0] * 100), poisson([3.0] * 100)
    assert follow_up(deciding(works), "m", counts("a"), {"a": few}, {"a": many})[0].side == "below"
    assert follow_up(deciding(works), "m", counts("a"), {"a": many}, {"a": few})[0].side == "above"
    assert follow_up(deciding(works), "m", counts("a"), {"a": many}, {"a": many})[0].side == "none"


@pytest.mark.unit
def test_no_line_where_too_few_futures_work_or_nothing_lies_beyond():
    works = np.arange(100) < 9
    (row,) = follow_up(deciding(works), "m", counts("a"), {"a": poisson([3.0] * 100)}, {"a": poisson([9.0] * 100)})
    assert (row.side, math.isnan(row.red)) == ("none", True)
    alike = poisson([9.0] * 4000)
    (row,) = follow_up(deciding(np.arange(4000) % 2 == 0), "m", counts("a"), {"a": alike - 3.0}, {"a": alike})
    assert (row.side, math.isnan(row.red), math.isnan(row.caught)) == ("none", True, True)
    rare = {"a": poisson([0.5] * 100)}
    (row,) = follow_up(deciding(np.full(100, True)), "m", counts("a"), {"a": np.zeros((100, 2))}, rare)
    assert (row.side, math.isnan(row.red)) == ("none", True)


@pytest.mark.unit
def test_counts_without_values_or_that_never_vary_get_no_row():
    works = np.full(50, True)
    holes = poisson([9.0] * 50)
    holes[:10] = np.nan
    before = {"a": poisson([3.0] * 50)}
    assert follow_up(deciding(works), "m", counts("a"), before, {"a": holes}) == ()
    assert follow_up(deciding(works), "m", counts("a"), before, {"a": np.ones((50, 2))}) == ()
    other = [Count("a", NAMED, NAMED, "count", 6)]
    assert follow_up(deciding(works), "m", other, before, {"a": poisson([9.0] * 50)}) == ()
