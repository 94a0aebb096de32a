"""What happens: for every point of the grammar a tiny network and the log that follows from it by hand.

Each test says which other reading would give another log.
"""

from itertools import pairwise

import pytest

from crksim.model.clock import date_of
from crksim.simulation.staylog import BLOCKED, MOVED, OPENING, RESUMED
from tests.oracle.compare import named, plain
from tests.theory_networks import network, run

pytestmark = pytest.mark.unit


def fixed(days):
    """Return a length of exactly some days."""
    return {"law": "fixed", "value": f"{days} days"}


def done(to="leave", **more):
    """Return a single planned end."""
    return {"done": {"share": 1, "to": to, **more}}


def come(*days, to="a", **more):
    """Return a cohort of which one citizen comes on each of the days."""
    times = {f"t{index}": f"{day} days" for index, day in enumerate(days)}
    return {"arrivals": {"times": times}, "enters": to, **more}


def rows(days, services, cohorts, *columns, **more):
    """Run a network; return the named columns of every row, in order of cohort, citizen, row."""
    log = run(network(days, services, cohorts, **more))
    table = [plain(row) for row in named(log)]
    return [tuple(row[column] for column in columns) for row in table]


STORY = ("citizen", "service", "referred", "admitted", "left", "end", "to")


# ------------------------------------------------------------------ 1 requests


def test_a_newcomer_is_one_row_that_becomes_a_stay():
    """Otherwise: a row for the request and another for the stay."""
    log = rows(
        9,
        {"a": {"length": fixed(2)}},
        {"all": come(1)},
        "row",
        "from_row",
        "nth",
        *STORY,
        "due",
        "strand",
        "rule",
        "flags",
    )
    assert log == [(0, -1, 0, 0, "a", 1.0, 1.0, 3.0, "done", "leave", 3.0, 0, None, 0)]


def test_rows_are_numbered_in_the_order_of_referral_and_know_where_they_come_from():
    """Otherwise: the request of day 1 that is admitted on day 9 would be numbered after the stay of day 4."""
    services = {
        "a": {"length": fixed(3), "ends": done("b")},
        "b": {"length": fixed(1)},
        "c": {"places": {"hard": 1}, "length": fixed(9)},
    }
    rule = {"at": {"start_of": "a"}, "to": "c", "stay": "beside"}
    cohorts = {"first": come(0, to="c"), "second": come(1)}
    log = rows(
        20, services, cohorts, "cohort", "row", "from_row", "strand", "service", "admitted", referrals={"r": rule}
    )
    assert log == [
        ("first", 0, -1, 0, "c", 0.0),
        ("second", 0, -1, 0, "a", 1.0),
        ("second", 1, 0, 1, "c", 9.0),
        ("second", 2, 0, 0, "b", 4.0),
    ]


def test_what_is_open_at_the_end_of_the_run_has_not_left():
    """Otherwise: the run would cut stays off at its end, or let events of its last instant happen."""
    log = rows(5, {"a": {"places": {"hard": 1}, "length": fixed(4)}}, {"all": come(1, 2)}, *STORY, "due")
    assert log == [(0, "a", 1.0, 1.0, None, None, None, 5.0), (1, "a", 2.0, None, None, None, None, None)]


# ------------------------------------------------------------------ 2 eligibility, opening, room


def test_eligibility_is_looked_at_before_the_service_is_open_and_before_room():
    """Otherwise: the citizen on day 1 would be sent `before`, the one on day 12 refused for want of room."""
    services = {
        "a": {
            "opens": "2016-01-11",
            "before": "b",
            "eligible": {"substance": "opioid"},
            "ineligible": "c",
            "refused": "b",
            "places": {"hard": 0},
            "queue": {"room": 0},
            "length": fixed(2),
        },
        "b": {"length": fixed(1)},
        "c": {"length": fixed(1)},
    }
    cohorts = {
        "alcohol": come(1, 12, attributes={"substance": "alcohol"}),
        "opioid": come(1, 12, attributes={"substance": "opioid"}),
    }
    log = rows(20, services, cohorts, "cohort", *STORY, attributes={"substance": ["alcohol", "opioid"]})
    assert log == [
        ("alcohol", 0, "a", 1.0, None, 1.0, "ineligible", "c"),
        ("alcohol", 0, "c", 1.0, 1.0, 2.0, "done", "leave"),
        ("alcohol", 1, "a", 12.0, None, 12.0, "ineligible", "c"),
        ("alcohol", 1, "c", 12.0, 12.0, 13.0, "done", "leave"),
        ("opioid", 0, "b", 1.0, 1.0, 2.0, "done", "leave"),
        ("opioid", 1, "a", 12.0, None, 12.0, "refused", "b"),
        ("opioid", 1, "b", 12.0, 12.0, 13.0, "done", "leave"),
    ]


def test_a_service_is_open_on_its_first_day_and_closed_on_its_last():
    """Otherwise: history would come after the arrivals of the same instant."""
    services = {
        "a": {
            "opens": "2016-01-03",
            "before": "b",
            "closes": {"on": "2016-01-06", "present": "b", "afterwards": "b"},
            "length": fixed(1),
        },
        "b": {"length": fixed(1)},
    }
    log = rows(9, services, {"all": come(1.5, 2, 4.5, 5)}, "service", "referred", "left", "end", "to")
    assert log == [
        ("b", 1.5, 2.5, "done", "leave"),
        ("a", 2.0, 3.0, "done", "leave"),
        ("a", 4.5, 5.0, "closed", "b"),
        ("b", 5.0, 6.0, "done", "leave"),
        ("b", 5.0, 6.0, "done", "leave"),
    ]


def test_where_an_end_leads_is_where_the_next_row_stands():
    """Otherwise: `to` would name a closed service in which no row follows."""
    services = {
        "a": {"length": fixed(4), "ends": done("b")},
        "b": {"length": fixed(1), "closes": {"on": "2016-01-03", "present": "c", "afterwards": "c"}},
        "c": {"length": fixed(1)},
    }
    assert rows(9, services, {"all": come(1)}, "service", "to", "referred") == [("a", "c", 1.0), ("c", "leave", 5.0)]


# ------------------------------------------------------------------ 3 admission


def test_hard_places_admit_while_present_is_less():
    """Otherwise (at most places + 1, or a place freed a little later) the third would start on day 1 or after day 3."""
    log = rows(9, {"a": {"places": {"hard": 2}, "length": fixed(2)}}, {"all": come(1, 1, 1)}, *STORY)
    assert [row[3] for row in log] == [1.0, 1.0, 3.0]


def test_nobody_overtakes_those_who_wait():
    """Otherwise: the one who comes on day 4, as a place is free between end and hand-out, would be first."""
    services = {"a": {"places": {"hard": 1}, "length": fixed(3)}, "b": {"length": fixed(2), "ends": done("a")}}
    cohorts = {"ahead": come(2, to="b"), "first": come(1), "second": come(3)}
    log = rows(20, services, cohorts, "cohort", "service", "referred", "admitted")
    assert log == [
        ("ahead", "b", 2.0, 2.0),
        ("ahead", "a", 4.0, 7.0),
        ("first", "a", 1.0, 1.0),
        ("second", "a", 3.0, 4.0),
    ]


def test_a_norm_always_admits():
    """Otherwise: the norm would hold the second back."""
    log = rows(9, {"a": {"places": {"norm": 1}, "length": fixed(5)}}, {"all": come(1, 2)}, "admitted")
    assert log == [(1.0,), (2.0,)]


def test_the_room_is_for_those_who_wait_not_for_those_present():
    """Otherwise (room counts everyone): the second would be refused."""
    service = {"places": {"hard": 1}, "queue": {"room": 1}, "length": fixed(5), "refused": "leave"}
    log = rows(20, {"a": service}, {"all": come(1, 2, 3)}, "admitted", "left", "end")
    assert log == [(1.0, 6.0, "done"), (6.0, 11.0, "done"), (None, 3.0, "refused")]


# ------------------------------------------------------------------ 4 one event per stay


def test_the_first_of_the_ends_is_the_only_one():
    """Otherwise: a hazard of 1000 a day would leave a second row, or lose against the planned end of day 1."""
    ends = {"done": {"share": 1, "length": fixed(1), "to": "b"}, "up": {"hazard": "1000 / day", "to": "c"}}
    log = rows(
        9,
        {"a": {"ends": ends}, "b": {"length": fixed(1)}, "c": {"length": fixed(1)}},
        {"all": come(1)},
        "service",
        "end",
        "to",
    )
    assert log == [("a", "up", "c"), ("c", "done", "leave")]


def test_of_equal_times_the_planned_end_comes_before_a_hazard():
    """Otherwise: the hazard, whose time is rounded down to nothing as well, would win the tie at once."""
    ends = {"done": {"share": 1, "length": fixed(0), "to": "leave"}, "at_once": {"hazard": "1e9 / day", "to": "leave"}}
    assert rows(9, {"a": {"ends": ends}}, {"all": come(1)}, "end", "left") == [("done", 1.0)]


def test_of_two_hazards_at_one_instant_the_first_by_id_wins():
    """Otherwise: the order of writing would decide."""
    ends = {"zeta": {"hazard": "1e9 / day", "to": "leave"}, "alpha": {"hazard": "1e9 / day", "to": "leave"}}
    assert rows(9, {"a": {"ends": ends}}, {"all": come(1)}, "end", "left") == [("alpha", 1.0)]


def test_status_and_change_follow_the_end_that_came():
    """Otherwise: the planned end's status would be written though the hazard ended the stay."""
    ends = {
        "done": {"share": 1, "length": fixed(5), "to": "b", "status": "ceased", "becomes": {"work": "in"}},
        "up": {"hazard": "1000 / day", "to": "b", "status": "reduced"},
    }
    log = rows(
        9,
        {"a": {"ends": ends}, "b": {"length": fixed(1), "ends": done(status="unknown")}},
        {"all": come(1, attributes={"work": "out"})},
        "service",
        "status",
        "kind",
        attributes={"work": ["in", "out"]},
    )
    kind = (("cohort", "all"), ("work", "out"))
    assert log == [("a", "reduced", kind), ("b", "unknown", kind)]


def test_what_an_end_changes_counts_from_the_end_on():
    """Otherwise: the row of the stay itself would show the new value, or the next service would see the old one."""
    services = {
        "a": {"length": fixed(1), "ends": done("b", becomes={"work": "in"})},
        "b": {"length": {"cases": {"in_work": {"when": {"work": "in"}, **fixed(1)}, "not": fixed(7)}}},
    }
    cohorts = {"all": come(1, attributes={"work": "out"})}
    log = rows(20, services, cohorts, "service", "left", "kind", attributes={"work": ["in", "out"]})
    assert log == [("a", 2.0, (("cohort", "all"), ("work", "out"))), ("b", 3.0, (("cohort", "all"), ("work", "in")))]


# ------------------------------------------------------------------ 5 ends and hand-outs


def test_places_are_handed_out_after_all_ends_of_the_instant():
    """Two ends on day 3.  Handed out at once, the place would go to `y`, who was there first; `z` is urgent."""
    services = {
        "a": {
            "places": {"hard": 1},
            "queue": {"order": "priority"},
            "priority": {"cases": {"urgent": {"when": {"cohort": "z"}, "value": 1}, "other": {"value": 2}}},
            "length": fixed(2),
        },
        "b": {"length": fixed(2), "ends": done("a")},
    }
    cohorts = {"x": come(1), "y": come(2), "z": come(1, to="b")}
    log = rows(20, services, cohorts, "cohort", "service", "referred", "admitted")
    assert log == [("x", "a", 1.0, 1.0), ("y", "a", 2.0, 5.0), ("z", "b", 1.0, 1.0), ("z", "a", 3.0, 3.0)]


def test_priority_then_time_of_referral():
    """Otherwise (first come alone, or equals by cohort) `b` would come second, or the second of `a` before `c`."""
    service = {
        "places": {"hard": 1},
        "queue": {"order": "priority"},
        "priority": {"cases": {"low": {"when": {"cohort": "b"}, "value": 2}, "high": {"value": 1}}},
        "length": fixed(10),
    }
    cohorts = {"a": come(0, 3), "b": come(1, 2), "c": come(2.5)}
    log = rows(60, {"a": service}, cohorts, "cohort", "citizen", "admitted")
    assert sorted(log, key=lambda row: row[2]) == [
        ("a", 0, 0.0),
        ("c", 0, 10.0),
        ("a", 1, 20.0),
        ("b", 0, 30.0),
        ("b", 1, 40.0),
    ]


def test_the_order_of_first_come_ignores_priority():
    service = {
        "places": {"hard": 1},
        "priority": {"cases": {"low": {"when": {"cohort": "b"}, "value": 2}, "high": {"value": 1}}},
        "length": fixed(10),
    }
    log = rows(60, {"a": service}, {"a": come(0, 3), "b": come(1)}, "cohort", "citizen", "admitted")
    assert sorted(log, key=lambda row: row[2]) == [("a", 0, 0.0), ("b", 0, 10.0), ("a", 1, 20.0)]


def test_blocking_holds_the_place_until_the_next_service_admits():
    """Otherwise: the second would start on day 2, when the first is done, and not on day 6 when it is let go."""
    services = {
        "a": {"places": {"hard": 1}, "blocking": True, "length": fixed(1), "ends": done("b")},
        "b": {"places": {"hard": 1}, "length": fixed(5)},
    }
    cohorts = {"ahead": come(1, to="b"), "behind": come(1, 1.5)}
    log = rows(30, services, cohorts, "cohort", "service", "admitted", "due", "left", "flags")
    assert log == [
        ("ahead", "b", 1.0, 6.0, 6.0, 0),
        ("behind", "a", 1.0, 2.0, 6.0, BLOCKED),
        ("behind", "b", 6.0, 11.0, 11.0, 0),
        ("behind", "a", 6.0, 7.0, 11.0, BLOCKED),
        ("behind", "b", 11.0, 16.0, 16.0, 0),
    ]


def test_who_gives_up_while_held_frees_the_place():
    """Otherwise: the place would stay held by someone who is gone, or the citizen be counted twice."""
    services = {
        "a": {"places": {"hard": 1}, "blocking": True, "length": fixed(1), "ends": done("b")},
        "b": {"places": {"hard": 1}, "length": fixed(50), "patience": fixed(3), "gives_up": "leave"},
    }
    cohorts = {"ahead": come(1, to="b"), "behind": come(1, 1.5)}
    log = rows(20, services, cohorts, "cohort", "citizen", "service", "admitted", "left", "end", "to")
    assert log == [
        ("ahead", 0, "b", 1.0, None, None, None),
        ("behind", 0, "a", 1.0, 5.0, "done", "b"),
        ("behind", 0, "b", None, 5.0, "gave_up", "leave"),
        ("behind", 1, "a", 5.0, 9.0, "done", "b"),
        ("behind", 1, "b", None, 9.0, "gave_up", "leave"),
    ]


# ------------------------------------------------------------------ 6 referral rules


def two_sites(**offer):
    """Return a unit with an offer at its own site and one elsewhere, both in one group."""
    return {
        "unit": {"site": "here", "length": fixed(10)},
        "near": {"site": "here", "group": "offers", "places": {"hard": 1}, "length": fixed(4), **offer},
        "far": {"site": "there", "group": "offers", "places": {"hard": 1}, "length": fixed(4), **offer},
    }


def referred(services, cohorts, *columns, days=40, **rule):
    """Run with one rule at the start of the unit."""
    whole = {"at": {"start_of": "unit"}, "to": {"nearest": "offers"}, "stay": "ends", **rule}
    return rows(days, services, cohorts, *columns, referrals={"r": whole})


def test_the_nearest_is_at_the_own_site():
    """Otherwise (by id) it would be `far`."""
    log = referred(two_sites(), {"all": come(1, to="unit")}, "service", "end", "to", "rule")
    assert log == [("unit", "transferred", "near", None), ("near", "done", "leave", "r")]


def test_the_nearest_goes_by_distance_then_by_id():
    """Otherwise: by id alone it would be b_far on both."""
    services = {
        "unit": {"site": "x", "distances": {"c": 1, "b": 5}, "length": fixed(1)},
        "bare": {"site": "y", "length": fixed(1)},
        "b_far": {"site": "b", "group": "offers", "length": fixed(1)},
        "c_near": {"site": "c", "group": "offers", "length": fixed(1)},
    }
    cohorts = {"all": come(1, to="unit"), "other": come(1, to="bare")}
    log = referred(services, cohorts, "cohort", "service", at={"start_of": ["unit", "bare"]})
    assert log == [("all", "unit"), ("all", "c_near"), ("other", "bare"), ("other", "b_far")]


def test_only_open_services_are_near():
    """Otherwise: the closed one at the own site would be offered and send on to `before`."""
    services = two_sites()
    services["near"] |= {"opens": "2016-01-06", "before": "leave"}
    log = referred(services, {"all": come(1, 7, to="unit")}, "citizen", "service")
    assert log == [(0, "unit"), (0, "far"), (1, "unit"), (1, "near")]


def test_one_draw_decides_between_accepting_too_far_and_declined():
    """Otherwise (two draws): some would find it too far whose u lies below the take-up elsewhere."""
    services = {"unit": {"site": "x", "length": fixed(5)}, "far": {"site": "y", "group": "offers", "length": fixed(1)}}
    cohorts = {"all": come(*range(1, 200), to="unit")}

    def answers(own, other):
        log = referred(
            services, cohorts, "citizen", "service", "end", days=300, take_up={"own_site": own, "other_site": other}
        )
        return {citizen: end for citizen, service, end in log if service == "far"}

    answer = answers(0.7, 0.3)
    accepted = {citizen for citizen, end in answers(0.3, 0.3).items() if end == "done"}
    near = {citizen for citizen, end in answers(0.7, 0.7).items() if end == "done"}
    assert {citizen for citizen, end in answer.items() if end == "done"} == accepted
    assert {citizen for citizen, end in answer.items() if end == "too_far"} == near - accepted
    assert {citizen for citizen, end in answer.items() if end == "declined"} == set(answer) - near
    assert accepted < near < set(answer)


def test_who_declines_stays_where_they_are():
    """Otherwise: the stay would end, or the destination `refused` of the service offered be followed."""
    log = referred(two_sites(refused="far"), {"all": come(1, to="unit")}, *STORY, take_up=0)
    assert log == [(0, "unit", 1.0, 1.0, 11.0, "done", "leave"), (0, "near", 1.0, None, 1.0, "declined", None)]


def test_attendance_comes_after_accepting_and_before_room():
    """Otherwise: it would read `refused`, as there is no place."""
    services = two_sites(refused="leave")
    services["near"]["places"] = {"hard": 0}
    log = referred(services, {"all": come(1, to="unit")}, "service", "end", full="refuse", attend=0)
    assert log == [("unit", "done"), ("near", "could_not_attend")]


@pytest.mark.parametrize(
    ("full", "second"),
    [
        ("refuse", [("unit", 2.0, 12.0, "done"), ("near", None, 2.0, "refused")]),
        ("next", [("unit", 2.0, 2.0, "transferred"), ("far", 2.0, 6.0, "done")]),
        ("queue", [("unit", 2.0, 2.0, "transferred"), ("near", 5.0, 9.0, "done")]),
    ],
)
def test_what_happens_when_the_nearest_is_full(full, second):
    """The first citizen fills it on day 1; the second comes on day 2."""
    log = referred(two_sites(), {"all": come(1, 2, to="unit")}, "service", "admitted", "left", "end", full=full)
    assert log == [("unit", 1.0, 1.0, "transferred"), ("near", 1.0, 5.0, "done"), *second]


def test_next_queues_at_the_nearest_when_all_are_full():
    """Otherwise: it would queue at the last one tried, whose place comes free first."""
    services = two_sites()
    services["far"]["length"] = fixed(2)
    cohorts = {"a": come(1, 1, 2, to="unit")}
    log = referred(services, cohorts, "citizen", "service", "admitted", full="next")
    assert log[-2:] == [(2, "unit", 2.0), (2, "near", 5.0)]


def test_the_first_rule_that_takes_the_main_strand_wins_in_order_of_luck_keys():
    """Otherwise (by id, or the last): the citizen would go to `near`, or be considered by both."""
    services = two_sites()
    rules = {
        "a": {"at": {"start_of": "unit"}, "to": "near", "stay": "ends", "luck_key": "zz"},
        "b": {"at": {"start_of": "unit"}, "to": "far", "stay": "ends", "luck_key": "aa"},
    }
    log = rows(20, services, {"all": come(1, to="unit")}, "service", "rule", referrals=rules)
    assert log == [("unit", None), ("far", "b")]


def test_rules_beside_do_not_stop_the_rules_after_them():
    """Otherwise: a side strand would count as taking the main one."""
    services = two_sites()
    rules = {
        "a": {"at": {"start_of": "unit"}, "to": "near", "stay": "beside"},
        "b": {"at": {"start_of": "unit"}, "to": "far", "stay": "ends"},
    }
    log = rows(20, services, {"all": come(1, to="unit")}, "service", "rule", "strand", "left", referrals=rules)
    assert log == [("unit", None, 0, 1.0), ("near", "a", 1, 5.0), ("far", "b", 0, 5.0)]


def waiting_rule(stay, services=None, days=60, patience=None, columns=STORY):
    """Let the second citizen wait for an offer that the first takes until day 5."""
    services = services or {"unit": {"length": fixed(10)}, "offer": {"places": {"hard": 1}, "length": fixed(4)}}
    if patience is not None:
        services["offer"] |= {"patience": fixed(patience), "gives_up": "unit2"}
        services["unit2"] = {"length": fixed(1)}
    rule = {"at": {"start_of": "unit"}, "to": "offer", "stay": stay}
    cohorts = {"all": come(1, to="offer"), "second": come(2, to="unit")}
    log = rows(days, services, cohorts, "cohort", *columns, referrals={"r": rule})
    return [row[1:] for row in log if row[0] == "second"]


def test_ends_waits_outside_the_stay():
    """Otherwise: the unit's place would be kept until day 5."""
    assert waiting_rule("ends") == [
        (0, "unit", 2.0, 2.0, 2.0, "transferred", "offer"),
        (0, "offer", 2.0, 5.0, 9.0, "done", "leave"),
    ]


def test_goes_on_keeps_the_stay_until_admitted():
    """Otherwise: the stay would end on day 2, or run on to day 12 beside the offer."""
    assert waiting_rule("goes_on") == [
        (0, "unit", 2.0, 2.0, 5.0, "transferred", "offer"),
        (0, "offer", 2.0, 5.0, 9.0, "done", "leave"),
    ]


def test_beside_leaves_the_main_stay_untouched():
    """Otherwise: the stay would end on day 5."""
    assert waiting_rule("beside", columns=("strand", *STORY)) == [
        (0, 0, "unit", 2.0, 2.0, 12.0, "done", "leave"),
        (1, 0, "offer", 2.0, 5.0, 9.0, "done", "leave"),
    ]


def test_a_request_is_withdrawn_when_its_stay_ends_by_itself():
    """Otherwise: the citizen would still be called in on day 5, after having left on day 4."""
    services = {"unit": {"length": fixed(2)}, "offer": {"places": {"hard": 1}, "length": fixed(4)}}
    assert waiting_rule("goes_on", services) == [
        (0, "unit", 2.0, 2.0, 4.0, "done", "leave"),
        (0, "offer", 2.0, None, 4.0, "withdrawn", None),
    ]


def test_a_side_strand_waits_on_when_the_main_stay_ends():
    """Otherwise: it would be withdrawn as a request for the main strand is."""
    services = {"unit": {"length": fixed(2)}, "offer": {"places": {"hard": 1}, "length": fixed(4)}}
    assert waiting_rule("beside", services) == [
        (0, "unit", 2.0, 2.0, 4.0, "done", "leave"),
        (0, "offer", 2.0, 5.0, 9.0, "done", "leave"),
    ]


def test_patience_that_runs_out_while_the_stay_goes_on_leaves_the_stay_alone():
    """Otherwise: the destination `gives_up` would be followed, as it is for those who wait outside."""
    assert waiting_rule("goes_on", patience=1) == [
        (0, "unit", 2.0, 2.0, 12.0, "done", "leave"),
        (0, "offer", 2.0, None, 3.0, "gave_up", None),
    ]


def test_patience_that_runs_out_outside_leads_to_where_one_gives_up():
    assert waiting_rule("ends", patience=1) == [
        (0, "unit", 2.0, 2.0, 2.0, "transferred", "offer"),
        (0, "offer", 2.0, None, 3.0, "gave_up", "unit2"),
        (0, "unit2", 3.0, 3.0, 4.0, "done", "leave"),
    ]


def test_at_most_counts_per_course():
    """Otherwise: being away would not open a new course (one offer in all), or every stay would be one (three)."""
    services = {
        "unit": {"length": fixed(1), "ends": {"done": {"share": 1, "to": "again"}}},
        "again": {"length": fixed(1), "ends": {"done": {"share": 1, "to": "away"}}},
        "away": {"between_courses": True, "length": fixed(5), "ends": done("unit")},
        "offer": {"length": fixed(1)},
    }
    rule = {"at": {"start_of": ["unit", "again"]}, "to": "offer", "take_up": 0, "stay": "ends"}
    log = rows(12, services, {"all": come(0, to="unit")}, "service", "referred", referrals={"r": rule})
    assert [row for row in log if row[0] == "offer"] == [("offer", 0.0), ("offer", 7.0)]


def test_the_stay_between_courses_still_belongs_to_the_course_before():
    """The next stay opens the new course.  Otherwise the rule would be considered once more while away."""
    services = {
        "unit": {"length": fixed(1), "ends": done("away")},
        "away": {"between_courses": True, "length": fixed(5), "ends": done("unit")},
        "offer": {"length": fixed(1)},
    }
    rule = {"at": {"start_of": ["unit", "away"]}, "to": "offer", "take_up": 0, "stay": "ends"}
    log = rows(10, services, {"all": come(0, to="unit")}, "service", "referred", referrals={"r": rule})
    assert [row for row in log if row[0] == "offer"] == [("offer", 0.0), ("offer", 6.0)]


def test_a_rule_during_a_stay_is_considered_again_up_to_at_most():
    """Otherwise: the first no would be the last, or they would go on for ever."""
    services = {"unit": {"length": fixed(1000)}, "offer": {"length": fixed(1)}}
    rule = {"at": {"during": "unit", "rate": "1 / day"}, "to": "offer", "take_up": 0, "stay": "ends", "at_most": 3}
    log = rows(900, services, {"all": come(0, to="unit")}, "service", "end", referrals={"r": rule})
    assert log == [("unit", None), *[("offer", "declined")] * 3]


def test_a_rule_is_in_force_between_its_dates():
    """Otherwise: it would take the first day before, or the day of `until` itself."""
    services = {"unit": {"length": fixed(0.5)}, "offer": {"length": fixed(1)}}
    rule = {"at": {"start_of": "unit"}, "to": "offer", "stay": "ends", "from": "2016-01-03", "until": "2016-01-05"}
    log = rows(9, services, {"all": come(1, 2, 3, 4, to="unit")}, "citizen", "service", referrals={"r": rule})
    assert [citizen for citizen, service in log if service == "offer"] == [1, 2]


def test_a_rule_at_the_end_takes_the_place_of_the_destination():
    """Otherwise: the end would read `transferred`, or the citizen go home and to the offer."""
    services = {
        "unit": {"length": fixed(2), "ends": done("home2")},
        "home2": {"length": fixed(1)},
        "offer": {"length": fixed(1)},
    }
    rule = {"at": {"end_of": "unit"}, "to": "offer", "stay": "ends"}
    log = rows(9, services, {"all": come(1, to="unit")}, "service", "end", "to", "rule", referrals={"r": rule})
    assert log == [("unit", "done", "offer", None), ("offer", "done", "leave", "r")]


def test_a_rule_at_the_end_sees_what_the_end_changed():
    """Otherwise: it would read the value that the citizen had during the stay."""
    services = {"unit": {"length": fixed(2), "ends": done(becomes={"work": "in"})}, "offer": {"length": fixed(1)}}
    rule = {"at": {"end_of": "unit"}, "when": {"work": "in"}, "to": "offer", "stay": "ends"}
    cohorts = {"all": come(1, to="unit", attributes={"work": "out"})}
    log = rows(9, services, cohorts, "service", referrals={"r": rule}, attributes={"work": ["in", "out"]})
    assert log == [("unit",), ("offer",)]


def test_stays_that_began_before_the_study_have_no_start_in_it():
    """Otherwise: all who are present would be offered a place on day 0, as if they had just come."""
    services = {"unit": {"length": fixed(10)}, "offer": {"length": fixed(1)}}
    rule = {"at": {"start_of": "unit"}, "to": "offer", "stay": "ends"}
    cohorts = {"all": come(1, to="unit", present={"there": {"at": "unit", "count": 3, "lengths": "fresh"}})}
    log = rows(30, services, cohorts, "service", referrals={"r": rule})
    assert log == [("unit",), ("offer",), ("unit",), ("unit",), ("unit",)]


# ------------------------------------------------------------------ 7 return


def returning(returns, **unit):
    """Refer on day 3 from a stay of ten days that began on day 1, and come back after four days."""
    services = {
        "unit": {"length": fixed(10), "ends": done(status="reduced"), **unit},
        "offer": {"length": fixed(4), "ends": done("origin")},
        "filler": {"length": fixed(1)},
    }
    rule = {"at": {"start_of": "unit"}, "to": "offer", "stay": "goes_on", "returns": returns}
    services["offer"]["places"] = {"hard": 1}
    cohorts = {"ahead": come(-1 + 1, to="offer"), "one": come(1, to="unit")}
    log = rows(60, services, cohorts, "cohort", *STORY, "nth", "status", "flags", referrals={"r": rule})
    return [row[1:] for row in log if row[0] == "one"]


def test_resume_goes_on_with_what_was_left_and_with_the_end_it_had():
    """Otherwise: ten new days would begin on day 8, or the stay would be over on day 11, or count as a second visit."""
    assert returning("resume") == [
        (0, "unit", 1.0, 1.0, 4.0, "transferred", "offer", 0, None, 0),
        (0, "offer", 1.0, 4.0, 8.0, "done", "unit", 0, None, 0),
        (0, "unit", 8.0, 8.0, 15.0, "done", "leave", 0, "reduced", RESUMED),
    ]


def test_fresh_begins_anew():
    assert returning("fresh") == [
        (0, "unit", 1.0, 1.0, 4.0, "transferred", "offer", 0, None, 0),
        (0, "offer", 1.0, 4.0, 8.0, "done", "unit", 0, None, 0),
        (0, "unit", 8.0, 8.0, 18.0, "done", "leave", 1, "reduced", 0),
    ]


def test_who_was_referred_twice_returns_twice():
    """Otherwise: coming back to the second service would forget the first."""
    services = {
        "one": {"length": fixed(10)},
        "two": {"length": fixed(6), "ends": done("origin")},
        "three": {"length": fixed(2), "ends": done("origin")},
    }
    rules = {
        "r": {"at": {"start_of": "one"}, "to": "two", "stay": "ends"},
        "s": {"at": {"start_of": "two"}, "to": "three", "stay": "ends"},
    }
    log = rows(40, services, {"all": come(0, to="one")}, "service", "admitted", "left", "to", referrals=rules)
    assert log == [
        ("one", 0.0, 0.0, "two"),
        ("two", 0.0, 0.0, "three"),
        ("three", 0.0, 2.0, "two"),
        ("two", 2.0, 8.0, "one"),
        ("one", 8.0, 18.0, "leave"),
    ]


def test_a_return_waits_for_a_place_like_any_other_request():
    """Otherwise: the place would have been kept, or the return would be admitted beyond the places."""
    services = {
        "unit": {"places": {"hard": 1}, "length": fixed(10)},
        "offer": {"length": fixed(2), "ends": done("origin")},
    }
    rule = {"at": {"start_of": "unit"}, "when": {"cohort": "one"}, "to": "offer", "stay": "ends"}
    cohorts = {"one": come(0, to="unit"), "two": come(1, to="unit")}
    log = rows(
        40, services, cohorts, "cohort", "service", "referred", "admitted", "left", "flags", referrals={"r": rule}
    )
    assert log == [
        ("one", "unit", 0.0, 0.0, 0.0, 0),
        ("one", "offer", 0.0, 0.0, 2.0, 0),
        ("one", "unit", 2.0, 11.0, 21.0, RESUMED),
        ("two", "unit", 1.0, 1.0, 11.0, 0),
    ]


# ------------------------------------------------------------------ 8 closing


def test_a_closing_moves_those_present_and_those_waiting_and_all_later_requests():
    """Otherwise: those present would stay out their time, or those waiting vanish."""
    services = {
        "a": {
            "places": {"hard": 1},
            "length": fixed(50),
            "closes": {"on": "2016-01-11", "present": "b", "waiting": "c", "afterwards": "d"},
        },
        **{name: {"length": fixed(1)} for name in "bcd"},
    }
    log = rows(30, services, {"all": come(1, 2, 12)}, *STORY, "flags")
    assert log == [
        (0, "a", 1.0, 1.0, 10.0, "closed", "b", 0),
        (0, "b", 10.0, 10.0, 11.0, "done", "leave", MOVED),
        (1, "a", 2.0, None, 10.0, "moved_waiting", "c", 0),
        (1, "c", 10.0, 10.0, 11.0, "done", "leave", MOVED),
        (2, "d", 12.0, 12.0, 13.0, "done", "leave", 0),
    ]


def test_waiting_the_same_goes_where_later_requests_go():
    services = {
        "a": {
            "places": {"hard": 0},
            "length": fixed(50),
            "closes": {"on": "2016-01-11", "present": "leave", "waiting": "same", "afterwards": "d"},
        },
        "d": {"length": fixed(1)},
    }
    log = rows(30, services, {"all": come(1)}, *STORY)
    assert log == [(0, "a", 1.0, None, 10.0, "moved_waiting", "d"), (0, "d", 10.0, 10.0, 11.0, "done", "leave")]


def test_an_end_on_the_day_of_closing_comes_after_it():
    """Otherwise: the stay that was due on the day of closing would end as done."""
    services = {"a": {"length": fixed(9), "closes": {"on": "2016-01-11", "present": "leave", "afterwards": "leave"}}}
    assert rows(30, services, {"all": come(1)}, "left", "end") == [(10.0, "closed")]


def test_those_who_die_of_a_closing_left_with_the_end_closed():
    """Every present citizen leaves with the end `closed`; otherwise it would read `died`, as from the hazard."""
    services = {
        "a": {
            "length": fixed(50),
            "closes": {"on": "2016-01-11", "present": {"dead": {"share": "rest", "to": "died"}}, "afterwards": "leave"},
        },
        "side": {"length": fixed(50)},
    }
    rule = {"at": {"start_of": "a"}, "to": "side", "stay": "beside"}
    log = rows(30, services, {"all": come(1)}, "service", "left", "end", "to", referrals={"r": rule})
    assert log == [("a", 10.0, "closed", "died"), ("side", 10.0, "died", "died")]


def test_the_branch_at_a_closing_is_a_keyed_draw_of_the_citizen():
    """Otherwise (shuffled among those present): with one citizen more, others would change branch."""
    present = {"moved": {"share": 0.5, "to": "b"}, "gone": {"share": "rest", "to": "leave"}}
    services = {
        "a": {"length": fixed(500), "closes": {"on": "2016-03-01", "present": present, "afterwards": "leave"}},
        "b": {"length": fixed(1)},
    }

    def branches(many):
        log = rows(99, services, {"all": come(*range(1, many))}, "citizen", "service", "to")
        return {citizen: to for citizen, service, to in log if service == "a"}

    few, more = branches(40), branches(50)
    assert few.items() < more.items()
    assert set(few.values()) == {"b", "leave"}


# ------------------------------------------------------------------ 9 death


def test_death_ends_every_strand_and_every_request():
    """Otherwise: the side strand, or the request waited for, would live on."""
    services = {
        "unit": {
            "length": fixed(100),
            "death": {"never": "0 / day", "then": {"from": "2016-01-11", "value": "1000000 / day"}},
        },
        "side": {"length": fixed(100)},
        "offer": {"places": {"hard": 0}, "length": fixed(1)},
    }
    rules = {
        "a": {"at": {"start_of": "unit"}, "to": "side", "stay": "beside"},
        "b": {"at": {"start_of": "unit"}, "to": "offer", "stay": "goes_on"},
    }
    log = rows(30, services, {"all": come(1, to="unit")}, "service", "left", "end", "to", referrals=rules)
    day = log[0][1]
    assert 10.0 <= day < 10.001
    assert log == [(name, day, "died", "died") for name in ("unit", "side", "offer")]


def test_the_rate_of_a_side_strand_does_not_kill():
    """Otherwise: the budget would be spent where the side strand is."""
    services = {"unit": {"length": fixed(20)}, "side": {"length": fixed(10), "death": "1000000 / day"}}
    rule = {"at": {"start_of": "unit"}, "to": "side", "stay": "beside"}
    log = rows(30, services, {"all": come(1, to="unit")}, "service", "left", "end", referrals={"r": rule})
    assert log == [("unit", 21.0, "done"), ("side", 11.0, "done")]


def test_who_waits_outside_any_stay_is_at_the_risk_of_the_service_waited_for():
    """Otherwise: nobody could die while waiting; who waits during a stay is at the risk of the stay."""
    services = {
        "unit": {"length": fixed(20)},
        "offer": {"places": {"hard": 0}, "length": fixed(10), "death": "1000000 / day"},
    }

    def ends(stay):
        rule = {"at": {"start_of": "unit"}, "to": "offer", "stay": stay}
        return rows(30, services, {"all": come(1, to="unit")}, "service", "end", referrals={"r": rule})

    assert ends("ends") == [("unit", "transferred"), ("offer", "died")]
    assert ends("goes_on") == [("unit", "done"), ("offer", "withdrawn")]


def test_an_end_that_says_died_ends_the_citizen():
    """Otherwise: the side strand would go on; the stay itself keeps its own end."""
    services = {"unit": {"length": fixed(5), "ends": done("died")}, "side": {"length": fixed(50)}}
    rule = {"at": {"start_of": "unit"}, "to": "side", "stay": "beside"}
    log = rows(30, services, {"all": come(1, to="unit")}, "service", "left", "end", "to", referrals={"r": rule})
    assert log == [("unit", 6.0, "done", "died"), ("side", 6.0, "died", "died")]


def test_a_side_strand_that_ends_in_death_keeps_its_own_end():
    """Otherwise: the main stay would be given the end of the side strand."""
    services = {
        "unit": {"length": fixed(50)},
        "side": {"length": fixed(5), "ends": {"over": {"share": 1, "to": "died"}}},
    }
    rule = {"at": {"start_of": "unit"}, "to": "side", "stay": "beside"}
    log = rows(30, services, {"all": come(1, to="unit")}, "service", "left", "end", "to", referrals={"r": rule})
    assert log == [("unit", 6.0, "died", "died"), ("side", 6.0, "over", "died")]


# ------------------------------------------------------------------ 10 ties


def test_a_freed_place_wins_against_patience():
    """Otherwise: who gives up on day 3 would be gone before the place of day 3 is handed out."""
    service = {"places": {"hard": 1}, "length": fixed(2), "patience": fixed(1)}
    assert rows(9, {"a": service}, {"all": come(1, 2)}, "admitted", "end") == [(1.0, "done"), (3.0, "done")]


def test_patience_comes_before_arrivals():
    """Otherwise: the waiting room would still be full for the one who comes on day 3."""
    service = {"places": {"hard": 1}, "queue": {"room": 1}, "length": fixed(20), "patience": fixed(1)}
    log = rows(9, {"a": service}, {"all": come(1, 2, 3)}, "referred", "left", "end")
    assert log == [(1.0, None, None), (2.0, 3.0, "gave_up"), (3.0, 4.0, "gave_up")]


def test_ends_come_before_arrivals():
    """Otherwise: the second would find the place taken."""
    service = {"places": {"hard": 1}, "queue": {"room": 0}, "length": fixed(2)}
    assert rows(9, {"a": service}, {"all": come(1, 3)}, "end") == [("done",), ("done",)]


def test_new_capacity_is_there_before_the_ends_of_its_day():
    """Both places go to those who wait, and to the longest waiting first; otherwise one would wait on."""
    service = {"places": {"hard": {"first": 1, "two": {"from": "2016-01-04", "value": 2}}}, "length": fixed(2)}
    assert rows(20, {"a": service}, {"all": come(1, 1.5, 2)}, "admitted") == [(1.0,), (3.0,), (3.0,)]


def test_ties_go_by_cohort_then_citizen():
    """Otherwise (order of writing): z would be before a."""
    service = {"places": {"hard": 1}, "length": fixed(1)}
    log = rows(20, {"a": service}, {"z": come(1), "b": come(1, 1)}, "cohort", "citizen", "admitted")
    assert log == [("b", 0, 1.0), ("b", 1, 2.0), ("z", 0, 3.0)]


# ------------------------------------------------------------------ 11 dated numbers


def test_falling_capacity_throws_nobody_out():
    """Otherwise: two would leave on day 3; or the next would be admitted on day 6, with one place and two present."""
    service = {
        "places": {"hard": {"first": 3, "cut": {"from": "2016-01-04", "value": 1}}},
        "length": {"cases": {"long": {"when": {"cohort": "b"}, **fixed(9)}, "short": fixed(5)}},
    }
    log = rows(40, {"a": service}, {"a": come(1), "b": come(1, 1), "c": come(2)}, "cohort", "admitted", "left")
    assert log == [("a", 1.0, 6.0), ("b", 1.0, 10.0), ("b", 1.0, 10.0), ("c", 10.0, 15.0)]


def test_laws_and_shares_hold_for_stays_admitted_from_then_on():
    """Otherwise: the stay that was going on would be redrawn on the day of the change."""
    service = {
        "length": {"early": fixed(10), "late": {"from": "2016-01-06", **fixed(2)}},
        "ends": {
            "good": {"share": {"early": 1, "late": {"from": "2016-01-06", "value": 0}}, "to": "leave"},
            "bad": {"share": "rest", "to": "leave"},
        },
    }
    log = rows(40, {"a": service}, {"all": come(1, 4.5, 5)}, "left", "end")
    assert log == [(11.0, "good"), (14.5, "good"), (7.0, "bad")]


def test_hazards_follow_the_calendar_within_a_stay():
    """Otherwise: the rate of the day of admission (none) would hold for the whole stay."""
    ends = {
        "up": {"hazard": {"never": "0 / day", "then": {"from": "2016-01-06", "value": "1000000 / day"}}, "to": "leave"}
    }
    ((left, end),) = rows(40, {"a": {"ends": ends}}, {"all": come(1)}, "left", "end")
    assert end == "up"
    assert 5.0 <= left < 5.001


def missing(no_show=1, in_a_row=3, share=1, **clinic):
    """Return a service that citizens leave for misses in a row only; day 0 is a Friday."""
    clinic = {"every": "10 days", "talk": 30, "doctor": "1 / day", "nurse": "0 / day", "rebooked": 0, **clinic}
    lost = {"misses": {"in_a_row": in_a_row, "share": share}, "to": "leave"}
    return {"a": {"ends": {"lost": lost}, "clinic": {**clinic, "no_show": no_show}}}


def test_misses_end_a_stay_at_the_talk_and_only_in_a_row():
    """Otherwise: the third miss of all would end it, at the fourth talk; or a rate, at any time of the day."""
    ends = [rows(99, missing(in_a_row=number), {"all": come(1)}, "left", "end")[0] for number in range(1, 8)]
    days = [left for left, _ in ends]
    assert {end for _, end in ends} == {"lost"}
    assert all(day % 1 == 0.5 and (day + 4) % 7 < 5 for day in days)
    assert 1 < days[0] <= 14
    assert all(8 <= later - day <= 12 for day, later in pairwise(days))
    third = int(days[2])
    kept = {
        "never": 1,
        "comes": {"from": date_of(third, "2016-01-01"), "value": 0},
        "stops": {"from": date_of(third + 1, "2016-01-01"), "value": 1},
    }
    assert rows(99, missing(kept), {"all": come(1)}, "left", "end") == [(days[5], "lost")]


def test_a_missed_talk_that_is_booked_again_counts_each_time():
    """Otherwise: only due talks would count, and the third miss come with the third of them."""
    (due,) = rows(99, missing(in_a_row=1), {"all": come(1)}, "left")
    ((left, *_),) = rows(99, missing(rebooked=1, rebooked_after="1 day"), {"all": come(1)}, "left")
    assert 2 <= left - due[0] <= 4


def test_who_is_not_among_the_share_stays_whatever_is_missed():
    """Otherwise: a new draw at every miss would in time end all stays, and end none of them earlier than the first."""
    cohort = {"all": come(*range(1, 31))}
    every = rows(99, missing(), cohort, "citizen", "left")
    some = rows(99, missing(share=0.5), cohort, "citizen", "left")
    assert 5 < sum(left is not None for _, left in some) < 25
    assert all(row in every for row in some if row[1] is not None)
    assert None not in {left for _, left in every}


def test_a_full_calendar_keeps_nobody_from_missing():
    """Otherwise: with no times of doctor and nurse nobody would be given a talk to miss."""
    cohort = {"all": come(*range(1, 9))}
    assert rows(60, missing(doctor="0 / day"), cohort, "left") == rows(60, missing(), cohort, "left")


def test_take_up_is_that_of_the_day_of_the_offer():
    services = {"unit": {"length": fixed(1)}, "offer": {"length": fixed(1)}}
    take_up = {"early": 0, "late": {"from": "2016-01-04", "value": 1}}
    rule = {"at": {"end_of": "unit"}, "to": "offer", "stay": "ends", "take_up": take_up}
    log = rows(9, services, {"all": come(1, 2.5, to="unit")}, "citizen", "service", "end", referrals={"r": rule})
    assert log == [(0, "unit", "done"), (0, "offer", "declined"), (1, "unit", "done"), (1, "offer", "done")]


# ------------------------------------------------------------------ the opening caseload


def test_opening_rows_stand_before_the_start_and_carry_no_wait():
    """Otherwise: they would be arrivals of day 0, or wait for places that are taken."""
    service = {"places": {"hard": 2}, "length": fixed(10)}
    cohorts = {"all": come(0, present={"there": {"at": "a", "count": 3}})}
    log = rows(30, {"a": service}, cohorts, "referred", "admitted", "due", "flags", "nth", "row")
    first, *there = log
    assert first[3] == 0
    assert first[1] == sorted(row[2] for row in there)[1], "the second end brings the number below the two places"
    for referred_, admitted, due, flags, nth, row in there:
        assert (flags, nth, row) == (OPENING, 0, 0)
        assert referred_ == admitted <= 0.0
        assert due - admitted == pytest.approx(10.0, abs=1e-5)


def test_fresh_opening_rows_begin_on_the_day_of_the_start():
    cohorts = {"all": {"present": {"there": {"at": "a", "count": 2, "lengths": "fresh"}}}}
    log = rows(30, {"a": {"length": fixed(10)}}, cohorts, "admitted", "left", "flags")
    assert log == [(0.0, 10.0, OPENING)] * 2
