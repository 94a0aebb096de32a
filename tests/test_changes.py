"""Scenarios: what a change makes of a study."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings

from crksim.errors import InputError
from crksim.model.addresses import datable_fields, parted
from crksim.model.captions import FIELDS
from crksim.model.changes import (
    Change,
    apply,
    change_from_text,
    describe,
    from_date,
    lever_faults,
    read_scenario,
    with_option,
    with_overrides,
    with_variant,
)
from crksim.model.combining import combined, with_parts
from crksim.model.describing import describe_lever
from crksim.model.number_words import NumberWords
from crksim.model.study import default_theta, read_study
from tests.strategies import studies
from tests.test_malformed import BASE

unit = pytest.mark.unit
DATE = "2018-02-01"
DAY = 762.0  # of that date, from 2016-01-01
OLD_MISSES = {"lost": {"share": 0.4}, "gone": {}, "kept": {"share": 0.6}}
STEP = "from_2018_02_01"
TITLE = {"da": "Prøve", "en": "Try"}


def scenario(changes, since=DATE, **more):
    return read_scenario({"title": TITLE, "from": since, "changes": changes, **more}, "try")


def changed(address, change, since=DATE, base=BASE):
    """What stands at an address after one change there; the whole must still be a valid study."""
    return at(result({address: change}, since, base), address)


def result(changes, since=DATE, base=BASE):
    before = copy.deepcopy(base)
    data = apply(base, scenario(changes, since))
    assert base == before
    read_study(data)
    return data


def at(data, address):
    for part in address.split("."):
        data = data[part]
    return data


def stepped(old, new):
    return {"first": old, STEP: {"from": DATE, "value": new}}


def with_value(address, value):
    data = copy.deepcopy(BASE)
    *way, last = address.split(".")
    at(data, ".".join(way))[last] = value
    return data


@unit
@pytest.mark.parametrize(
    ("address", "change", "value"),
    [
        ("services.clinic.places.hard", 6, stepped(4, 6)),
        ("services.clinic.places.hard", {"set": 6}, stepped(4, 6)),
        ("services.clinic.places.hard", {"times": 1.5}, stepped(4, 6)),
        ("services.clinic.places.hard", {"plus": 2}, stepped(4, 6)),
        ("services.clinic.places.hard", 4, 4),
        ("services.clinic.length.value", {"times": 1.1}, stepped("30 days", "33 days")),
        ("services.east.length.mean", {"plus": "1 month"}, stepped("6 months", "7 months")),
        ("services.east.length.mean", {"plus": "1 year"}, stepped("6 months", "18 months")),
        ("services.clinic.death", {"times": 2}, stepped("1 / 100 person-years", "2 / 100 person-years")),
        ("services.east.death", "1 / year", stepped("0 / year", "1 / year")),
        ("services.east.ends.dropped_out.share", 0.2, stepped(0.3, 0.2)),
        ("services.east.ends.dropped_out.to.clinic", {"plus": 0.1}, stepped(0.2, 0.3)),
        ("services.group_east.length.mean", {"times": 1.2}, stepped("@group_length", "1.2 * @group_length")),
        ("referrals.to_group.take_up.own_site", {"times": 1.2}, stepped("@take_up", "1.2 * @take_up")),
        ("referrals.to_group.take_up.other_site", {"times": "@take_up"}, stepped(0.1, "@take_up * 0.1")),
        ("referrals.to_group.take_up.other_site", {"times": 3}, stepped(0.1, 0.3)),
        ("referrals.to_group.attend", 0.5, stepped(1, 0.5)),
        ("cohorts.young.legal_limit", "10 days", stepped("14 days", "10 days")),
        ("cohorts.young.attributes.home.east", 0.6, stepped(0.5, 0.6)),
        ("services.east.places.workable", 3, 3),
        ("services.west.wait_goal", "9 days", "9 days"),
        (
            "services.clinic.length",
            {"law": "exponential", "mean": "9 days"},
            stepped({"law": "fixed", "value": "30 days"}, {"law": "exponential", "mean": "9 days"}),
        ),
        (
            "services.west.length",
            {"times": 2},
            stepped(
                {"law": "gamma", "mean": "6 months", "shape": 2}, {"law": "gamma", "mean": "12 months", "shape": 2}
            ),
        ),
    ],
)
def test_a_number_becomes_a_step(address, change, value):
    assert changed(address, change) == value


@unit
def test_a_change_of_arrivals_writes_them_in_the_long_form():
    for address in ("cohorts.young.arrivals", "cohorts.young.arrivals.rate"):
        data = result({address: {"times": 1.2}})
        assert at(data, "cohorts.young.arrivals") == {"rate": stepped("@demand", "1.2 * @demand")}


@unit
def test_from_the_start_a_number_changes_in_place():
    assert changed("services.clinic.places.hard", {"times": 1.5}, "start") == 6
    assert changed("parameters.take_up", {"plus": 0.1}, "start") == {"value": 0.5}
    assert changed("services.east.queue.room", 3, "start") == 3
    assert changed("services.clinic.site", "other", "start") == "other"
    assert "patience" not in result({"services.clinic.patience": "drop"}, "start")["services"]["clinic"]


@unit
def test_set_replaces_what_was_to_come_and_times_acts_on_it():
    steps = {
        "first": 4,
        "early": {"from": "2017-01-01", "value": 5},
        "late": {"from": "2019-01-01", "value": 6},
    }
    base = with_value("services.clinic.places.hard", steps)
    address = "services.clinic.places.hard"
    early = {"first": 4, "early": steps["early"]}
    assert changed(address, 9, base=base) == {**early, STEP: {"from": DATE, "value": 9}}
    assert changed(address, {"times": 2}, base=base) == {
        **early,
        STEP: {"from": DATE, "value": 10},
        "late": {"from": "2019-01-01", "value": 12},
    }
    assert changed(address, {"plus": 1}, "start", base) == {
        "first": 5,
        "early": {"from": "2017-01-01", "value": 6},
        "late": {"from": "2019-01-01", "value": 7},
    }
    on_the_day = with_value(address, {"first": 4, "there": {"from": DATE, "value": 5}})
    assert changed(address, 9, base=on_the_day) == stepped(4, 9)


@unit
def test_all_cases_of_a_number_change():
    cases = {"cases": {"a": {"when": {"home": "east"}, "value": "1 / year"}, "b": {"value": 0}}}
    data = changed("services.clinic.death", {"times": 2}, base=with_value("services.clinic.death", cases))
    assert data["cases"]["a"] == {"when": {"home": "east"}, "value": stepped("1 / year", "2 / year")}
    assert data["cases"]["b"] == {"value": 0}
    one = changed("services.clinic.death.cases.a.value", "3 / year", base=with_value("services.clinic.death", cases))
    assert one == stepped("1 / year", "3 / year")


@unit
def test_a_factor_on_a_parameter_stands_beside_it_from_the_date_on():
    data = result({"parameters.group_length": {"times": 1.2}})
    assert at(data, "services.group_east.length.mean") == stepped("@group_length", "1.2 * @group_length")
    assert data["parameters"] == BASE["parameters"]


@unit
def test_a_new_value_of_a_parameter_is_a_parameter_of_its_own():
    data = result({"parameters.take_up.value": 0.5})
    name = f"take_up__{STEP}"
    assert data["parameters"][name] == {"value": 0.5}
    assert at(data, "referrals.to_group.take_up.own_site") == stepped("@take_up", f"@{name}")
    assert default_theta(read_study(data).network)["take_up"] == 0.4


@unit
def test_a_parameter_of_arrivals_that_are_one_rate_makes_them_a_rate_in_steps():
    cohort = next(iter(BASE["cohorts"]))
    base = with_value(f"cohorts.{cohort}.arrivals", "10 / year * @take_up")
    data = result({"parameters.take_up": {"times": 2}}, base=base)
    assert at(data, f"cohorts.{cohort}.arrivals") == {
        "rate": stepped("10 / year * @take_up", "10 / year * 2 * @take_up")
    }


@unit
def test_a_parameter_that_divides_is_divided_by_its_factor():
    base = with_value("services.group_east.length.mean", "2 months / @take_up")
    data = result({"parameters.take_up": {"times": 2}}, base=base)
    assert at(data, "services.group_east.length.mean") == stepped("2 months / @take_up", "2 months / @take_up / 2")


@unit
def test_a_parameter_is_found_in_later_steps_and_in_changes_of_the_same_scenario():
    steps = {"first": "1 month", "late": {"from": "2019-01-01", "value": "@group_length"}}
    base = with_value("services.group_east.length.mean", steps)
    data = result({"parameters.group_length": {"times": 2}, "services.west.length.mean": "@group_length"}, base=base)
    assert at(data, "services.group_east.length.mean") == {
        "first": "1 month",
        "late": {"from": "2019-01-01", "value": "2 * @group_length"},
    }
    assert at(data, "services.west.length.mean") == stepped("6 months", "2 * @group_length")


@unit
def test_those_present_at_the_start_are_not_changed_later():
    base = with_value("cohorts.young.present.units.count", "40 * @take_up")
    assert at(result({"parameters.take_up": 0.5}, base=base), "cohorts.young.present.units.count") == "40 * @take_up"


@unit
@pytest.mark.parametrize(
    ("old", "address", "change", "new"),
    [
        ({"clinic": 0.2, "west": 0.2, "leave": "rest"}, "clinic", {"set": 0.6, "rescale": True},
         {"clinic": 0.6, "west": 0.1, "leave": 0.3}),
        ({"clinic": 0.2, "west": 0.2, "leave": "rest"}, "leave", {"set": 0.2, "rescale": True},
         {"clinic": 0.4, "west": 0.4, "leave": 0.2}),
        ({"clinic": 0.25, "leave": 0.75}, "clinic", {"times": 2, "rescale": True}, {"clinic": 0.5, "leave": 0.5}),
        ({"clinic": 0.2, "leave": "rest"}, "west", 0.1, {"clinic": 0.2, "west": 0.1, "leave": 0.7}),
        ({"clinic": 0.2, "leave": "rest"}, "clinic", "drop", {"clinic": 0, "leave": 1}),
        ("leave", "west", 0.1, {"west": 0.1, "leave": 0.9}),
    ],
)  # fmt: skip
def test_a_branch_changes_and_the_others_make_up_for_it(old, address, change, new):
    where = "services.east.ends.finished.to"
    study = read_study(result({f"{where}.{address}": change}, base=with_value(where, old)))
    assert shares_on(study, DAY) == pytest.approx({word: share for word, share in new.items() if share})
    before = {"leave": 1.0} if old == "leave" else {w: s for w, s in old.items() if s != "rest"}
    assert {word: shares_on(study, DAY - 0.5)[word] for word in before} == pytest.approx(before)


@unit
@pytest.mark.parametrize("old", ["leave", {"clinic": 0.2, "leave": "rest"}, {"clinic": 0.25, "leave": 0.75}])
@pytest.mark.parametrize("new", ["west", {"west": 0.5, "leave": "rest"}, {"clinic": "rest", "west": 0.1}])
def test_a_whole_share_map_changes_on_the_date(old, new):
    where = "services.east.ends.finished.to"
    base = with_value(where, old)
    study = read_study(result({where: new}, base=base))
    assert shares_on(study, 700.0) == pytest.approx(shares_on(read_study(base), 700.0))
    assert shares_on(study, DAY) == pytest.approx(shares_on(read_study(with_value(where, new)), 0.0))


def shares_on(study, day):
    """The shares of the end 'finished' of the service 'east' that are not nought."""
    from crksim.model.rules import share_values

    east = next(service for service in study.network.services if service.id == "east")
    to = next(end for end in east.ends[0].value if end.id == "finished").to
    values = share_values(to, default_theta(study.network), day)
    return {word: value for (word, _), value in zip(to.branches, values, strict=True) if abs(value) > 1e-12}


@unit
def test_a_copy_of_a_service_opens_on_the_date_and_shares_luck_and_groups():
    base = with_value("groups.sessions", {"members": ["group_east"]})
    data = result({"services.group_west": {"like": "services.group_east", "site": "west"}}, base=base)
    copied = data["services"]["group_west"]
    assert (copied["luck_key"], copied["opens"], copied["site"]) == ("group_east", DATE, "west")
    assert copied["length"] == BASE["services"]["group_east"]["length"]
    assert data["groups"]["sessions"]["members"] == ["group_east", "group_west"]
    assert copied["label"] == {"da": "Group east, West", "en": "Group east, West"}


@unit
def test_a_copy_merges_maps_and_replaces_shares_and_laws():
    differs = {"places": {"workable": 3}, "length": {"law": "fixed", "value": "9 days"}, "opens": "2018-06-01"}
    ends = {"ends": {"completed": {"to": {"clinic": 0.5, "leave": "rest"}}}}
    copied = changed("services.other", {"like": "services.group_east", **differs, **ends})
    assert copied["places"] == {"hard": 8, "workable": 3}
    assert copied["length"] == differs["length"]
    assert copied["opens"] == "2018-06-01"
    assert copied["ends"]["completed"] == {"share": 1, "to": {"clinic": 0.5, "leave": "rest"}}


@unit
def test_a_copy_does_not_close_and_from_the_start_opens_with_the_original():
    closes = {"on": "2019-01-01", "present": "leave", "afterwards": "leave"}
    base = with_value("services.group_east.closes", closes)
    copied = changed("services.other", {"like": "services.group_east"}, "start", base)
    assert "closes" not in copied
    assert copied["opens"] == "2016-10-01"


@unit
def test_what_the_scenario_brings_in_is_changed_in_place():
    data = result({"services.group_west": {"like": "services.group_east"}, "services.group_west.places.hard": 6})
    assert at(data, "services.group_west.places.hard") == 6


@unit
def test_copies_of_copies():
    data = result({"services.a": {"like": "services.b"}, "services.b": {"like": "services.group_east", "site": "west"}})
    assert data["services"]["a"]["site"] == "west"
    assert data["services"]["a"]["luck_key"] == "group_east"


@unit
def test_new_things_begin_on_the_date():
    length = {"law": "fixed", "value": "5 days"}
    rule = {"at": {"start_of": ["west"]}, "to": "ward", "stay": "beside"}
    cohort = {"attributes": {"home": "east", "substance": "drugs"}, "arrivals": "9 / year", "enters": "home"}
    talks = {"per": "citizen", "contacts": "1 / week", "minutes": 30, "staff": "nurse"}
    data = result(
        {
            "services.ward": {"add": {"length": length}},
            "referrals.extra": {"add": rule},
            "cohorts.old": {"add": cohort},
            "services.west.staff": {"talks": {"add": talks}},
            "services.east.ends.called": {"add": {"hazard": "1 / year", "to": "leave"}},
            "services.east.ends.third": {"add": {"share": 0.1, "to": "leave"}},
        }
    )  # fmt: skip
    assert data["services"]["ward"] == {"length": length, "opens": DATE}
    assert data["referrals"]["extra"] == {**rule, "from": DATE}
    assert at(data, "cohorts.old.arrivals.rate") == stepped("0 / year", "9 / year")
    assert at(data, "services.west.staff.talks.contacts") == stepped("0 / year", "1 / week")
    assert at(data, "services.east.ends.called.hazard") == stepped("0 / year", "1 / year")
    assert at(data, "services.east.ends.third.share") == stepped(0, 0.1)


@unit
def test_ends_that_come_with_misses_begin_and_stop_on_the_date():
    base = copy.deepcopy(BASE)
    east = base["services"]["east"]
    east["clinic"] = {"every": "1 month", "talk": 30, "doctor": "1 / day", "nurse": "1 / day", "no_show": 0.2}
    east["ends"] |= {name: {"misses": {"in_a_row": 3, **more}, "to": "leave"} for name, more in OLD_MISSES.items()}
    data = result(
        {
            "services.east.ends.new": {"add": {"misses": {"in_a_row": 9, "share": 0.2}, "to": "leave"}},
            "services.east.ends.all": {"add": {"misses": {"in_a_row": 9}, "to": "leave"}},
            "services.east.ends.lost": "drop",
            "services.east.ends.gone": "drop",
            "services.east.ends.kept.misses.share": {"times": 0.5},
        },
        base=base,
    )
    shares = {name: at(data, f"services.east.ends.{name}.misses.share") for name in ("new", "all", *OLD_MISSES)}
    assert shares == {
        "new": stepped(0, 0.2),
        "all": stepped(0, 1),
        "lost": stepped(0.4, 0),
        "gone": stepped(1, 0),
        "kept": stepped(0.6, 0.3),
    }


@unit
def test_dropped_things_end_on_the_date():
    data = result(
        {"referrals.to_group": {"drop": True}, "cohorts.young": "drop", "services.east.ends.dropped_out": "drop"}
    )
    assert data["referrals"]["to_group"]["until"] == DATE
    assert at(data, "cohorts.young.arrivals.rate") == stepped("@demand", "0 / year")
    assert at(data, "services.east.ends.dropped_out.share") == stepped(0.3, 0)
    assert "to_group" not in result({"referrals.to_group": "drop"}, "start")["referrals"]


@unit
def test_a_service_closes_after_the_date():
    closes = {"on": "2019-01-01", "present": "east", "afterwards": "east"}
    assert changed("services.west.closes", closes) == closes
    later = with_value("services.west.closes", closes)
    assert changed("services.west.closes.on", "2019-06-01", base=later) == "2019-06-01"
    assert "closes" not in result({"services.west.closes": "drop"}, base=later)["services"]["west"]


@unit
def test_a_map_on_a_thing_is_one_change_for_each_field():
    changes = {
        "services.clinic": {"places": {"hard": 6}, "wait_goal": "9 days"},
        "referrals.to_group.take_up": {"own_site": 0.5},
    }
    data = result(changes)
    assert at(data, "services.clinic.places.hard") == stepped(4, 6)
    assert at(data, "services.clinic.wait_goal") == "9 days"
    assert at(data, "referrals.to_group.take_up.own_site") == stepped("@take_up", 0.5)


@unit
def test_the_date_is_the_forecast_unless_said_otherwise():
    assert from_date(BASE, read_scenario({"title": TITLE})) == "2018-01-01"
    assert from_date(BASE, scenario({}, "start")) is None
    assert from_date(BASE, scenario({}, "2016-01-01")) is None
    with pytest.raises(InputError, match="before the study's end"):
        from_date(BASE, scenario({}, "2021-01-01"))


@unit
def test_a_scenario_reads_all_it_may_hold():
    held = scenario(
        {},
        question={"da": "Hvad nu?", "en": "What now?"},
        references={"without": {}, "decided": {"label": TITLE, "scenario": "decided_2017"}},
        measures=["clinic.wait.mean"],
        worthwhile={"clinic.wait.mean": "3 days"},
        cannot_answer=["crk.ended.count"],
        switches={"fast": {"changes": {"services.clinic.places.hard": 9}}},
    )
    assert [(one.id, one.scenario) for one in held.references] == [("without", "baseline"), ("decided", "decided_2017")]
    assert held.references[0].label.en == "without the change"
    assert held.worthwhile == {"clinic.wait.mean": 3.0}
    assert with_variant(held, "fast").changes == {"services.clinic.places.hard": 9}
    with pytest.raises(InputError, match="did you mean 'fast'"):
        with_variant(held, "fasd")


@unit
@pytest.mark.parametrize(
    ("text", "op", "value"),
    [
        ("6", "set", 6),
        ("0.5", "set", 0.5),
        ("3 months", "set", "3 months"),
        ("times(1.2)", "times", 1.2),
        ("plus(2 weeks)", "plus", "2 weeks"),
        ("drop", "drop", None),
        ("{times: 1.2}", "times", 1.2),
        ("{like: services.clinic, site: east}", "like", {"site": "east"}),
        ("[east, 'west']", "set", ["east", "west"]),
        ("'6'", "set", "6"),
        ("true", "set", True),
        ("2018-01-01", "set", "2018-01-01"),
    ],
)
def test_a_change_as_typed(text, op, value):
    change = change_from_text("services.x.places.hard", text)
    assert (change.op, change.value) == (op, value)
    assert change_from_text(f"services.x.places.hard={text}") == change
    assert Change.read(change.address, change.raw) == change


@unit
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{times: 1.2", "has no closing '}'"),
        ("[1, 2", "has no closing ']'"),
        ("'open", "has a quote that is left open"),
        ("{a: 1} b", "has something after its value"),
        ("{a: 1, a: 2}", "has the key 'a' twice"),
        ("{a}", "must be a map such as {key: value}"),
        ("[" * 20, "may not be nested more than 16 deep"),
        ("{_target_: os}", "a study is data, never code"),
        ("{drop: 5}", "must be true"),
    ],
)
def test_a_malformed_change_as_typed(text, rule):
    with pytest.raises(InputError) as error:
        change_from_text("services.x.places", text)
    assert rule in str(error.value)


@unit
def test_a_typed_change_needs_an_address_and_a_value():
    for word in ("services.x", "services=5"):
        with pytest.raises(InputError, match="must be"):
            change_from_text(word)


@unit
def test_overrides_take_the_place_of_what_a_scenario_says():
    held = scenario({"services.clinic.places.hard": 6, "cohorts.young.legal_limit": "9 days"})
    over = with_overrides(held, [change_from_text("services.clinic.places.hard", "7")])
    assert apply(BASE, over)["services"]["clinic"]["places"]["hard"] == stepped(4, 7)
    assert with_overrides(held, {"services.clinic.places.hard": 7}).changes["cohorts.young.legal_limit"] == "9 days"
    assert held.changes["services.clinic.places.hard"] == 6


@unit
def test_changes_are_told_in_both_languages_with_the_address_last():
    base = with_value("services.clinic.label", {"da": "Klinikken", "en": "The clinic"})
    changes = {
        "services.clinic.places.hard": 6,
        "services.clinic.length.value": {"times": 1.5},
        "services.group_west": {"like": "services.group_east", "site": "west", "opens": "2018-03-01"},
        "referrals.to_group": "drop",
        "services.east.ends.dropped_out.to.clinic": 0.3,
    }
    told = describe(base, scenario(changes))
    assert [label.en for label in told] == [
        "New: Group east, West, like Group east; but opens 1 March 2018 (services.group_west)",
        "To group is dropped (referrals.to_group)",
        "The clinic: length of stay: times 1.5 (+50 %) (services.clinic.length.value)",
        "The clinic: places at a time: 6 instead of 4 (services.clinic.places.hard)",
        "East: share going on to 'The clinic' after 'dropped out': 0.3 instead of 0.2"
        " (services.east.ends.dropped_out.to.clinic)",
    ]
    assert told[3].da == "Klinikken: pladser ad gangen: 6 i stedet for 4 (services.clinic.places.hard)"
    assert "ganget med 1,5 (+50 %)" in told[2].da


@pytest.mark.property
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(studies())
def test_an_empty_scenario_changes_nothing(data):
    assert read_study(apply(data, scenario({}, "2016-07-01"))) == read_study(data)


# --- levers and options -----------------------------------------------------------------------------------------------

OPTIONS = {
    "more": {"label": TITLE, "changes": {"services.clinic.places.hard": 9}},
    "nothing": {"label": TITLE, "instead": True, "cheapest": True},
}


@unit
def test_an_option_adds_to_the_changes_or_takes_their_place():
    found = scenario({"services.clinic.wait_goal": "3 days"}, options=OPTIONS)
    assert with_option(found, "more").changes == {
        "services.clinic.wait_goal": "3 days",
        "services.clinic.places.hard": 9,
    }
    assert with_option(found, "nothing").changes == {}
    assert [option.id for option in found.options if option.cheapest] == ["nothing"]


@unit
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"options": {"a": {"label": TITLE}}}, "options = []: exactly one must be 'cheapest: true'"),
        ({"options": {"a": {"label": TITLE, "cheapest": 1}}}, "options.a.cheapest = 1: must be true or false"),
        ({"levers": {"services.x.places.hard": {"low": 3}}}, "levers.services.x.places.hard.high"),
        (
            {"levers": {"services.x.places.hard": {"low": 3, "high": 2}}},
            "levers.services.x.places.hard = {'low': 3, 'high': 2}: must have 'low' below 'high', in one unit",
        ),
        (
            {"levers": {"services.x.wait_goal": {"low": "1 day", "high": 2}}},
            "levers.services.x.wait_goal = {'low': '1 day', 'high': 2}: must have 'low' below 'high', in one unit",
        ),
    ],
)
def test_levers_and_options_that_are_none_are_refused(more, message):
    with pytest.raises(InputError) as fault:
        scenario({}, **more)
    assert any(str(problem).startswith(message) for problem in fault.value.problems)


@unit
def test_an_unknown_option_gets_the_nearest():
    with pytest.raises(InputError, match="option = 'mor': is not an option of 'try'; known: more, nothing"):
        with_option(scenario({}, options=OPTIONS), "mor")


@unit
def test_a_lever_must_be_a_number_of_the_study():
    found = scenario(
        {},
        levers={
            "services.clinic.places.hard": {"low": 3, "high": 9},
            "services.clinic.places.hrad": {"low": 3, "high": 9},
        },
    )
    (fault,) = lever_faults(BASE, found)
    assert fault.address == "levers.services.clinic.places.hrad"
    assert fault.nearest == "services.clinic.places.hard"
    told = describe_lever(BASE, found.levers[0])
    assert told.da.endswith("pladser ad gangen: 3 til 9 (services.clinic.places.hard)")


# --- several at once --------------------------------------------------------------------------------------------------


def part(name, changes, since=DATE, **more):
    return read_scenario({"title": TITLE, "from": since, "changes": changes, **more}, name)


@unit
def test_combined_scenarios_hold_each_from_their_own_date():
    one = part("one", {"services.clinic.places.hard": 9})
    two = part("two", {"services.clinic.wait_goal": "3 days"}, "2019-01-01")
    both = combined([one, two])
    assert both.id == "one+two"
    data = apply(BASE, both)
    read_study(data)
    assert data == apply(apply(BASE, one), two)
    assert from_date(BASE, both) == DATE
    assert combined([one]) is one


@unit
def test_an_override_of_a_combined_scenario_belongs_to_the_part_that_speaks_of_it():
    one = part("one", {"services.copy": {"like": "services.clinic"}})
    two = part("two", {"services.clinic.wait_goal": "3 days"}, "2019-01-01")
    both = with_overrides(combined([two, one]), {"services.copy.places.hard": 7})
    assert at(apply(BASE, both), "services.copy.places.hard") == 7


@unit
def test_scenarios_that_change_one_address_differently_are_refused():
    one = part("one", {"services.clinic.places.hard": 9})
    assert combined([one, part("same", {"services.clinic.places.hard": 9})]).parts[1].changes == {}
    for other in (
        part("two", {"services.clinic.places.hard": 8}),
        part("two", {"services.clinic": "drop"}),
        part("two", {"services.clinic.places.hard": 9}, "2019-01-01"),
    ):
        with pytest.raises(InputError) as fault:
            combined([one, other])
        (problem,) = fault.value.problems
        assert problem.address == "services.clinic.places.hard"
        assert problem.rule == "is changed by 'one' and by 'two' differently, so they cannot be combined"


@unit
def test_switches_of_one_name_must_say_the_same():
    one = part("one", {}, switches={"fast": {"changes": {"services.clinic.places.hard": 9}}})
    two = part("two", {}, switches={"fast": {"changes": {"services.clinic.places.hard": 8}}})
    with pytest.raises(InputError, match=r"switch\.fast = 'fast': is a switch of 'one' and another one of 'two'"):
        combined([one, two])


@unit
def test_a_scenario_may_make_the_changes_of_others_under_its_own_name():
    one = part("one", {"services.clinic.places.hard": 9}, "2019-01-01")
    both = with_parts(part("plan", {"services.clinic.wait_goal": "3 days"}, combines=["one"]), [one])
    assert (both.id, both.title.da, both.combines) == ("plan", "Prøve", ())
    assert apply(BASE, both) == apply(apply(BASE, part("x", {"services.clinic.wait_goal": "3 days"})), one)
    plain = part("plain", {})
    assert with_parts(plain, []) is plain


# --- changes in words -------------------------------------------------------------------------------------------------


@unit
@pytest.mark.parametrize(
    ("old", "new", "da", "en"),
    [
        (4, 6, "6 i stedet for 4", "6 instead of 4"),
        (4, 4, "fortsat 4", "still 4"),
        (None, "12 / year", "12 / år", "12 / year"),
        ("0 / week", "1.5 / week", "1,5 / uge i stedet for 0 / uge", "1.5 / week instead of 0 / week"),
        ("0 / year", "12 / year * @a", "12 / år × 'A' i stedet for 0 / år", "12 / year × 'A' instead of 0 / year"),
        ("@a", "1.5 * @a", "ganget med 1,5 (+50 %)", "times 1.5 (+50 %)"),
        ("@a * @b", "@a", "ikke længere ganget med 'B'", "no longer times 'B'"),
        ("@a", "@a / @b", "divideret med 'B'", "divided by 'B'"),
        ("@a", "odds(@a, @b)", "oddsene ganget med 'B'", "odds times 'B'"),
        (
            "@a",
            "odds(@a, 1 / @b / @c)",
            "oddsene divideret med 'B' og med 'C'",
            "odds divided by 'B' and by 'C'",
        ),
        # 1 - odds(1 - s, r) is odds(s, 1 / r).
        ("@a", "other(odds(other(@a), @b))", "oddsene divideret med 'B'", "odds divided by 'B'"),
        ("@a", "least(1, @a * @b)", "ganget med 'B', dog højst 1", "times 'B', but at most 1"),
        (8, "whole(8 * @a)", "ganget med 'A', rundet ned", "times 'A', rounded down"),
        ("@a", "sum(@a, -1 * @b)", "minus 'B'", "minus 'B'"),
        (0, "other(@a)", "1 minus 'A' i stedet for 0", "1 minus 'A' instead of 0"),
        (0, "0.5 * other(@a)", "0,5 × (1 minus 'A') i stedet for 0", "0.5 × (1 minus 'A') instead of 0"),
        (
            0,
            "odds(@a, @b)",
            "'A' med oddsene ganget med 'B' i stedet for 0",
            "'A' with its odds times 'B' instead of 0",
        ),
        (0, "most(0, @a)", "'A', mindst 0, i stedet for 0", "'A', at least 0, instead of 0"),
        (
            0,
            "saturating(@a, @b, @c)",
            "højst 'A', stigende med 'B' (halvdelen ved 'C'), i stedet for 0",
            "at most 'A', growing with 'B' (half of it at 'C'), instead of 0",
        ),
        (
            "@a * @b",
            "@a * odds(@b, @c)",
            "samme formel, men 'B' ændret: oddsene ganget med 'C'",
            "the same formula, but 'B' changed: odds times 'C'",
        ),
        (
            "whole(@a * @b)",
            "whole(@c * @b)",
            "samme formel, men med 'C' i stedet for 'A'",
            "the same formula, but with 'C' instead of 'A'",
        ),
        ("@a", "odds(@a", "odds(@a i stedet for 'A'", "odds(@a instead of 'A'"),
    ],
)
def test_a_number_in_words(old, new, da, en):
    assert NumberWords("da", str.upper).instead(old, new) == da
    assert NumberWords("en", str.upper).instead(old, new) == en


@unit
def test_a_long_formula_is_told_by_its_numbers():
    words = NumberWords("en", lambda name: name * 40)
    long = "@a * sum(@b, @c)"
    assert words.number(long) == f"a formula of '{'a' * 40}', '{'b' * 40}' and '{'c' * 40}'"
    assert words.number("@a * sum(@b, @c) * @d / @e").startswith(f"a formula of 5 numbers, such as '{'a' * 40}' and '")
    more = "@a * sum(@b, @d) * sum(@c, @d)"
    assert words.instead(long, more) == f"a formula that now also uses '{'d' * 40}'"
    assert words.instead(more, long) == f"a formula that no longer uses '{'d' * 40}'"


@unit
def test_changes_that_say_the_same_share_a_line():
    changes = {
        "services.east.death": {"times": 2},
        "services.west.death": {"times": 2},
        "services.clinic.death": {"times": 3},
        "services.east.posts.nurse.number": 3,
        "services.east.posts.doctor.number": 3,
    }
    assert [label.en for label in describe(BASE, scenario(changes))] == [
        "Clinic: death rate: times 3 (+200 %) (services.clinic.death)",
        "East and West: death rate: times 2 (+100 %) (services.{east,west}.death)",
        "East: posts (doctors and nurses): 3 (services.east.posts.{doctor,nurse}.number)",
    ]


@unit
def test_a_change_of_every_kind_of_citizen_names_none():
    kinds = {"a": {"home": "east"}, "b": {"substance": ["alcohol", "drugs"]}, "c": None}
    cases = {name: {"when": when, "value": 0.5} if when else {"value": 0.5} for name, when in kinds.items()}
    base = with_value("referrals.to_group.attend", {"cases": cases})
    told = {}
    for some in ("abc", "bc"):
        changes = {f"referrals.to_group.attend.cases.{name}.value": 0.7 for name in some}
        (told[some],) = describe(base, scenario(changes))
    assert told["abc"].en == (
        "To group: share able to attend: 0.7 instead of 0.5 (referrals.to_group.attend.cases.{a,b,c}.value)"
    )
    assert told["bc"].da.startswith("To group: andel, der kan deltage (alkohol eller stoffer; øvrige): 0,7 i stedet")


@unit
def test_new_things_of_one_sort_share_a_line():
    rule = {"at": {"start_of": ["west"]}, "to": "clinic"}
    names = [f"referrals.rule_{letter}" for letter in "abcd"]
    (told,) = describe(BASE, scenario({name: {"add": rule} for name in names}))
    assert told.da == "Nye henvisninger: Rule a; Rule b; Rule c; Rule d (referrals.rule_a og 3 til)"
    talks = {"per": "citizen", "contacts": "2 / week", "minutes": 30, "staff": "nurse"}
    (told,) = describe(BASE, scenario({"services.west.staff.talks": {"add": talks}}))
    assert told.en == "New: West: staff time (talks): 2 / week, 30 minutes each time (services.west.staff.talks)"


@unit
def test_the_same_factor_on_several_dates_is_said_once():
    steps = {year: {"from": f"{year}-02-01", "value": 1.1} for year in ("2018", "2019")}
    (told,) = describe(BASE, scenario({"cohorts.young.arrivals.rate": {"times": steps}}))
    assert "nye borgere: ganget med 1,1 (+10 %) 1. februar 2018 og igen 1. februar 2019 (" in told.da
    assert "new citizens: times 1.1 (+10 %) on 1 February 2018 and again on 1 February 2019 (" in told.en


@unit
def test_a_copy_is_told_beside_its_original():
    copy = {"like": "services.group_east", "site": "west"}
    (_, told) = describe(BASE, scenario({"services.other": copy, "services.other.places.hard": 6}))
    assert told.en.endswith("places at a time: 6 instead of 8 (services.other.places.hard)")


@unit
def test_a_lever_says_its_unit_once():
    found = scenario({}, levers={"services.clinic.wait_goal": {"low": "1 week", "high": "13 weeks"}})
    assert "1 til 13 uger (" in describe_lever(BASE, found.levers[0]).da


@unit
def test_every_field_that_can_be_turned_has_words():
    wanting = [field for collection in ("services", "cohorts", "referrals") for field in datable_fields(collection)]
    assert sorted(field for field in wanting if field not in FIELDS) == []


@unit
@pytest.mark.parametrize(
    ("line", "said", "address"),
    [
        ("East: places: 6 (services.east.places.hard)", "East: places: 6", "services.east.places.hard"),
        ("A and B: 3 (times) (services.{a,b_2}.death)", "A and B: 3 (times)", "services.{a,b_2}.death"),
        ("Nye: A; B (referrals.a og 12 til)", "Nye: A; B", "referrals.a og 12 til"),
        ("New: A; B (referrals.a and 12 more)", "New: A; B", "referrals.a and 12 more"),
        ("Switched on: all (of it)", "Switched on: all (of it)", ""),
    ],
)
def test_a_line_is_parted_from_its_address(line, said, address):
    assert parted(line) == (said, address)


@unit
def test_every_line_has_its_address_last():
    changes = {f"services.{name}.death": {"times": 2} for name in ("clinic", "east", "west", "group_east")}
    (line,) = describe(BASE, scenario(changes))
    assert parted(line.en)[1] == "services.clinic.death and 3 more"
    assert parted(line.da)[1] == "services.clinic.death og 3 til"


@unit
def test_a_part_with_a_date_of_its_own_says_it():
    one = part("one", {"services.clinic.places.hard": 9})
    two = part("two", {"services.east.death": {"times": 2}}, "2019-01-01")
    told = describe(BASE, combined([one, two]))
    assert [label.da.partition(" (")[0] for label in told] == [
        "Clinic: pladser ad gangen: 9 i stedet for 4",
        "Øst: dødelighed: ganget med 2",
    ]
    assert "(+100 %), fra 1. januar 2019 (services.east.death)" in told[1].da
    assert "(+100 %), from 1 January 2019 (services.east.death)" in told[1].en
    rule = {"at": {"start_of": ["west"]}, "to": "clinic"}
    later = {f"referrals.rule_{letter}": {"add": {**rule, "from": "2019-04-01"}} for letter in "ab"}
    (told,) = describe(BASE, scenario(later))
    assert told.en == "New referrals from 1 April 2019: Rule a; Rule b (referrals.{rule_a,rule_b})"
