"""What a change can reach: exact closures of small networks, and on random ones no other row moves by a bit."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crksim.errors import InputError
from crksim.model.study import default_theta, read_study
from crksim.simulation.closure import closure
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from tests.closing_in import changes, named_rows
from tests.strategies import studies


def unit(to="leave", **more):
    """Return a service of ten days that leads somewhere."""
    length = {"law": "exponential", "mean": "10 days"}
    return {"length": length, "ends": {"done": {"share": 1, "to": to}}} | more


def world(services, referrals=None, cohorts=None, **more):
    first = next(iter(services))
    return {
        "time": {"start": "2016-01-01", "end": "2017-01-01"},
        "services": services,
        "cohorts": cohorts or {"all": {"arrivals": "100 / year", "enters": first}},
        "referrals": referrals or {},
        **more,
    }


def reach(data, *addresses):
    """Return the closure as a sorted string of one-letter ids."""
    return "".join(sorted(closure(structure(read_study(data)), addresses)))


CHAIN = {"a": unit("b"), "b": unit("c", places={"hard": 3}), "c": unit(), "x": unit("y"), "y": unit()}
ENTERING = {
    "one": {"arrivals": "100 / year", "enters": "a"},
    "two": {"arrivals": "100 / year", "enters": {"x": 0.5, "c": "rest"}, "present": {"now": {"at": "y", "count": 3}}},
}


# --- along edges -----------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("services.a.length.mean", "abc"),
        ("services.b.places.hard", "bc"),
        ("services.c.length", "c"),
        ("services.x.ends.done.to", "xy"),
        ("services.y", "y"),
        ("cohorts.one.arrivals.rate", "abc"),
        ("cohorts.two.arrivals", "cxy"),
        ("time.end", "abcxy"),
        ("services.unheard_of", "abcxy"),
    ],
)
def test_a_change_reaches_whoever_comes_from_it(address, expected):
    assert reach(world(CHAIN, cohorts=ENTERING), address) == expected


@pytest.mark.unit
def test_nothing_changed_reaches_nothing_and_several_changes_reach_together():
    data = world(CHAIN, cohorts=ENTERING)
    assert reach(data) == ""
    assert reach(data, "services.b.length", "services.y.length") == "bcy"


@pytest.mark.unit
@pytest.mark.parametrize("leaf", ["label.da", "staff.talks.minutes", "wait_goal", "places.norm", "places.workable"])
def test_what_no_row_depends_on_reaches_nothing(leaf):
    assert reach(world(CHAIN), "services.a." + leaf) == ""


@pytest.mark.unit
@pytest.mark.parametrize("field", ["refused", "ineligible", "gives_up", "before"])
def test_requests_that_are_sent_on_are_followed(field):
    assert (
        reach(world({"a": unit(**{field: {"b": 0.5, "leave": "rest"}}), "b": unit(), "c": unit()}), "services.a.opens")
        == "ab"
    )


@pytest.mark.unit
def test_a_closing_is_followed_by_those_present_those_waiting_and_those_to_come():
    closes = {
        "on": "2016-06-01",
        "present": {"some": {"share": 0.5, "to": "b"}, "others": {"share": "rest", "to": "leave"}},
        "waiting": "c",
        "afterwards": "d",
    }
    services = {"a": unit(closes=closes), "b": unit(), "c": unit(), "d": unit(), "e": unit()}
    assert reach(world(services), "services.a.closes.on") == "abcd"


@pytest.mark.unit
def test_home_is_every_home():
    data = world(
        {"a": unit("home"), "b": unit(), "c": unit(), "d": unit()},
        attributes={"home": ["b", "c"]},
        cohorts={"all": {"attributes": {"home": "b"}, "arrivals": "9 / year", "enters": "a"}},
    )
    assert reach(data, "services.a.length") == "abc"


# --- against referrals -----------------------------------------------------------------------------------------------


def referred(stay, **target):
    services = {"a": unit("b"), "b": unit(), "t": unit("u", **target), "u": unit(), "z": unit()}
    rule = {"at": {"start_of": ["a"]}, "to": "t", "take_up": 0.5, "stay": stay, "full": "queue"}
    return world(services, {"rule": rule})


@pytest.mark.unit
@pytest.mark.parametrize("stay", ["ends", "goes_on"])
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("services.a.length", "abtu"),
        ("services.t.places.hard", "abtu"),
        ("services.u.length", "u"),
        ("services.b.length", "b"),
        ("referrals.rule.take_up", "abtu"),
    ],
)
def test_a_stay_that_a_referral_can_end_depends_on_where_it_leads(stay, address, expected):
    assert reach(referred(stay, places={"hard": 2}), address) == expected


@pytest.mark.unit
def test_what_lies_behind_a_target_without_hard_places_does_not_reach_back():
    # The door z leads to t as well; with no limit on t, those who come from a do not notice.
    data = referred("goes_on")
    data["services"]["z"] = unit("t")
    assert reach(data, "services.z.length") == "tuz"
    data["services"]["t"]["places"] = {"hard": 4}
    assert reach(data, "services.z.length") == "abtuz"


@pytest.mark.unit
def test_the_nearest_of_a_group_is_sought_sideways():
    services = {
        "a": unit(site="one"),
        "b": unit(site="two"),
        "g": unit(group="club", site="one", places={"hard": 2}),
        "h": unit(group="club", site="two", places={"hard": 2}),
        "z": unit(),
    }
    rule = {
        "at": {"start_of": ["a", "b"]},
        "to": {"nearest": "club"},
        "take_up": 0.5,
        "stay": "goes_on",
        "full": "next",
    }
    data = world(services, {"rule": rule})
    assert reach(data, "services.h.places.hard") == "abgh"
    assert reach(data, "services.a.distances.two") == "abgh"


@pytest.mark.unit
def test_who_is_sent_back_comes_from_wherever_they_were_referred():
    data = referred("goes_on", places={"hard": 2})
    data["services"]["t"]["ends"]["done"]["to"] = "origin"
    assert reach(data, "services.t.length") == "abt"
    assert reach(data, "services.u.length") == "u"


# --- beside and blocking ---------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_a_strand_beside_shares_its_citizens_fate():
    # Death ends every strand: the main strand reaches what stands beside it, but one row beside reaches nothing else.
    data = referred("beside")
    data["services"]["t"] = unit()
    assert reach(data, "services.a.length") == "abt"
    assert reach(data, "services.t.length") == "t"
    assert reach(data, "services.t.places.hard") == "t"


@pytest.mark.unit
def test_a_held_place_waits_for_where_it_leads():
    services = {
        "a": unit("b", places={"hard": 2}, blocking=True),
        "b": unit("c", places={"hard": 1}),
        "c": unit(),
        "d": unit("b"),
    }
    assert reach(world(services), "services.b.length") == "abc"
    assert reach(world(services), "services.d.length") == "abcd"
    assert reach(world(services), "services.c.length") == "c"
    services["b"].pop("places")
    assert reach(world(services), "services.d.length") == "bcd"


# --- parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("of_b", "bc"),
        ("of_staff", ""),
        ("of_norm", ""),
        ("inflow", "abc"),
        ("divided", "y"),
        ("dated", "xy"),
        ("unused", ""),
    ],
)
def test_a_parameter_reaches_what_is_written_with_it(parameter, expected):
    staff = {"talks": {"per": "citizen", "contacts": "@of_staff", "minutes": 30, "staff": "nurse"}}
    services = {
        "a": unit("b", staff=staff, places={"norm": "@of_norm"}),
        "b": unit("c", length={"law": "gamma", "mean": "2 * @of_b", "shape": 2}),
        "c": unit(),
        "x": unit("y", places={"hard": {"first": 3, "more": {"from": "2016-05-01", "value": "@dated"}}}),
        "y": unit(length={"law": "fixed", "value": "@of_days / @divided"}),
    }
    values = {"of_b": "9 days", "of_staff": "1 / month", "of_norm": 20, "inflow": "90 / year", "divided": 2, "dated": 4}
    values |= {"unused": 0.5, "of_days": "8 days"}
    data = world(services, parameters={name: {"value": value} for name, value in values.items()})
    data["cohorts"]["all"]["arrivals"] = "@inflow"
    data["cohorts"]["others"] = {"arrivals": "9 / year", "enters": "x"}
    assert reach(data, f"parameters.{parameter}") == expected
    assert reach(data, f"parameters.{parameter}.value") == expected


# --- no other row moves ----------------------------------------------------------------------------------------------


def rows_outside(data, reached):
    study = read_study(data)
    return named_rows(simulate(structure(study).bind(default_theta(study.network)), Luck(3, 0)), reached)


def unmoved(old, new, address):
    """Assert that rows outside the closure of a change are the same; return the closure."""
    after, before = (structure(read_study(data)) for data in (new, old))
    reached = closure(after, [address], before)
    assert rows_outside(old, reached) == rows_outside(new, reached)
    return reached


@pytest.mark.unit
def test_where_a_change_takes_an_edge_away_the_world_before_counts_too():
    changed = {**CHAIN, "a": unit("leave")}
    assert reach(world(changed), "services.a.ends") == "a"
    assert unmoved(world(CHAIN), world(changed), "services.a.ends") == {"a", "b", "c"}


@pytest.mark.unit
def test_what_only_one_world_has_is_judged_by_that_world():
    more = {**CHAIN, "n": unit("c")}
    after, before = structure(read_study(world(more))), structure(read_study(world(CHAIN)))
    for one, other in ((after, before), (before, after)):
        assert closure(one, ["services.n"], other) == {"n", "c"}
        assert closure(one, ["services.none"], other) == set(more)


@pytest.mark.unit
def test_who_is_sent_to_an_origin_without_having_one_goes_home():
    # Those who come to t through the door have no origin: they go to z, which no rule knows.
    data = world(
        {"a": unit(), "t": unit("origin"), "z": unit()},
        {"rule": {"at": {"start_of": ["a"]}, "to": "t", "take_up": 0.5, "stay": "goes_on"}},
        {
            "one": {"attributes": {"home": "a"}, "arrivals": "90 / year", "enters": "a"},
            "two": {"attributes": {"home": "z"}, "arrivals": "90 / year", "enters": "t"},
        },
        attributes={"home": ["a", "z"]},
    )
    changed = {
        **data,
        "services": {**data["services"], "t": unit("origin", length={"law": "fixed", "value": "3 days"})},
    }
    assert unmoved(data, changed, "services.t.length") == {"a", "t", "z"}


@pytest.mark.unit
@pytest.mark.parametrize("to", [{"u": 0.5, "leave": "rest"}, "died"])
def test_a_strand_beside_that_goes_on_or_dies_reaches_the_rows_of_the_main_strand(to):
    # A row more beside, or a death there, gives the main strand's later rows another number, or ends them.
    services = {"a": unit("b"), "b": unit("c"), "c": unit(), "t": unit(to), "u": unit(), "z": unit()}
    rule = {"at": {"start_of": ["a"]}, "to": "t", "take_up": 0.8, "stay": "beside"}
    data = world(services, {"rule": rule}, {"all": {"arrivals": "90 / year", "enters": {"a": 0.5, "z": "rest"}}})
    changed = {**data, "services": {**services, "t": unit(to, length={"law": "fixed", "value": "3 days"})}}
    assert "z" not in unmoved(data, changed, "services.t.length")


@pytest.mark.unit
def test_whether_a_rule_beside_speaks_at_all_reaches_the_rows_after_it():
    services = {"a": unit("b"), "b": unit(), "t": unit(), "z": unit()}
    rule = {"at": {"start_of": ["a"]}, "to": "t", "take_up": 0.8, "stay": "beside"}
    data = world(services, {"rule": rule}, {"all": {"arrivals": "90 / year", "enters": {"a": 0.5, "z": "rest"}}})
    changed = {**data, "referrals": {"rule": {**rule, "from": "2016-06-01"}}}
    assert "z" not in unmoved(data, changed, "referrals.rule.from")


@pytest.mark.property
@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_rows_outside_the_closure_are_the_same(data):
    old = data.draw(studies(most_services=5))
    _, address, new = data.draw(changes(old))
    try:
        read_study(new)
    except InputError:
        return
    unmoved(old, new, address)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_rows_outside_the_closure_are_the_same_in_many_worlds(data):
    old = data.draw(studies())
    _, address, new = data.draw(changes(old))
    try:
        read_study(new)
    except InputError:
        return
    unmoved(old, new, address)
