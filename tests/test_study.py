"""The door: what a study may say, and what it becomes."""

import copy
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crksim.errors import InputError
from crksim.model import grammar
from crksim.model.network import Dated, Label, Quantity
from crksim.model.rules import cumulative, end_shares, law_of, resolve, share_values
from crksim.model.study import default_theta, dump, read_study
from crksim.simulation.staylog import REASONS
from tests.strategies import studies
from tests.test_malformed import BASE

MONTH = 365.25 / 12
unit = pytest.mark.unit


def read(**changes):
    """The base study, with values put at addresses (dots as double underscores)."""
    data = copy.deepcopy(BASE)
    for address, value in changes.items():
        *way, last = address.split("__")
        node = data
        for part in way:
            node = node.setdefault(part, {})
        node[last] = value
    return read_study(data)


def service(study, name):
    return next(held for held in study.network.services if held.id == name)


def plain_number(value):
    return Dated.always(Quantity(value))


def shuffled(value, random):
    """The same data with the keys of every map in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(held, random) for held in value] if isinstance(value, list) else value


@pytest.mark.property
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(studies(), st.randoms(use_true_random=False))
def test_random_studies_are_valid_dump_reads_back_and_key_order_never_matters(data, random):
    study = read_study(data)
    assert read_study(dump(study)) == study
    assert read_study(shuffled(data, random)) == study


@unit
def test_reading_changes_nothing_and_dump_is_a_copy():
    data = copy.deepcopy(BASE)
    study = read_study(data)
    assert data == BASE
    dump(study)["services"].clear()
    assert dump(study)["services"].keys() == BASE["services"].keys()


@unit
@pytest.mark.parametrize(
    ("written", "number"),
    [
        (8, 8.0),
        ("8", 8.0),
        ({"first": 4, "later": {"from": "2016-01-11", "value": 8}}, {-math.inf: 4.0, 10.0: 8.0}),
        ({"late": {"from": "2016-01-21", "value": 9}, "a": {"from": "2016-01-11", "value": 8}, "z": {"value": 4}},
         {-math.inf: 4.0, 10.0: 8.0, 20.0: 9.0}),
    ],
)  # fmt: skip
def test_numbers_may_change_on_dates(written, number):
    steps = number if isinstance(number, dict) else {-math.inf: number}
    hard = service(read(services__clinic__places__hard=written), "clinic").places.hard
    assert hard == Dated(tuple((day, Quantity(value)) for day, value in steps.items()))


@unit
@pytest.mark.parametrize(
    ("written", "factor", "parameters", "value"),
    [
        ("@group_length", 1.0, ("group_length",), 3 * MONTH),
        ("0.5 * @group_length", 0.5, ("group_length",), 1.5 * MONTH),
        ("@take_up * @group_length", 1.0, ("group_length", "take_up"), 0.4 * 3 * MONTH),
        ("@group_length / @take_up", 1.0, ("group_length", "/take_up"), 3 * MONTH / 0.4),
        ("@group_length / 2", 0.5, ("group_length",), 1.5 * MONTH),
        ("2 months * @take_up", 2 * MONTH, ("take_up",), 0.8 * MONTH),
        ("1 / @demand", 1.0, ("/demand",), 365.25 / 40),
    ],
)
def test_products_of_parameters(written, factor, parameters, value):
    study = read(services__group_east__length__mean=written)
    (number,) = [held for name, held in service(study, "group_east").length[0].value.steps[0][1].numbers]
    quantity = number.at(0)
    assert quantity.factor == pytest.approx(factor, rel=1e-15)
    assert quantity.parameters == parameters
    assert quantity.value(default_theta(study.network)) == pytest.approx(value, rel=1e-14)


@unit
def test_parameters_have_their_own_values_and_units():
    study = read()
    assert default_theta(study.network) == {
        "group_length": pytest.approx(3 * MONTH),
        "take_up": 0.4,
        "demand": pytest.approx(40 / 365.25),
    }
    assert {held.id: held.unit for held in study.network.parameters} == {
        "demand": "/ year",
        "group_length": "months",
        "take_up": "",
    }


@unit
def test_zero_needs_no_unit():
    assert service(read(services__clinic__death=0), "clinic").death[0].value == plain_number(0.0)


@unit
def test_a_service_has_defaults():
    west = service(read(), "west")
    assert west.label == Label("West", "West")
    assert (west.site, west.group, west.luck_key, west.opens) == ("west", None, "west", -math.inf)
    assert (west.before, west.closes, west.room, west.patience, west.eligible) == (None, None, None, None, None)
    assert west.places.hard is None
    assert west.refused.branches == west.ineligible.branches == west.gives_up.branches == (("leave", None),)
    assert (west.order, west.blocking, west.treatment, west.between_courses) == ("fifo", False, True, False)
    (done,) = west.ends[0].value
    assert (done.id, done.share, done.to.branches) == ("done", plain_number(1.0), (("leave", None),))
    assert west.death[0].value == plain_number(0.0)


@unit
def test_things_stand_in_canonical_order():
    study = read(
        services__west__ends={
            "b": {"share": 0.2, "to": "leave"},
            "a": {"share": "rest", "to": {"leave": "rest", "west": 0.1, "clinic": 0.2}},
            "c": {"hazard": "1 / year", "to": "leave"},
        },
        services__west__luck_key="aaa",
    )
    assert [held.id for held in study.network.services] == ["clinic", "east", "group_east", "west"]
    ends = service(study, "west").ends[0].value
    assert [end.id for end in ends] == ["b", "c", "a"]  # the one that takes the rest last
    assert [word for word, _ in ends[-1].to.branches] == ["west", "clinic", "leave"]  # west draws as aaa


@unit
def test_cases_stand_by_id_with_the_default_last():
    study = read(
        services__clinic__death={
            "cases": {
                "z": {"when": {"substance": "opioid"}, "value": "2 / year"},
                "b": {"when": {"substance": ["drugs"], "home": "east"}, "value": "1 / year"},
                "a": {"value": 0},
            }
        }
    )
    death = service(study, "clinic").death
    assert [case.id for case in death] == ["b", "z", "a"]
    assert resolve(death, {"substance": "drugs", "home": "east"}).at(0).factor == 1 / 365.25
    assert resolve(death, {"substance": "drugs", "home": "west"}).at(0).factor == 0
    with pytest.raises(LookupError, match="no case covers"):
        resolve(death[:2], {"substance": "alcohol"})


@unit
def test_groups_are_those_declared_and_those_that_services_name():
    study = read(services__clinic__group="units")
    assert [(name, members) for name, _, members in study.network.groups] == [
        ("units", ("clinic", "east", "west")),
        ("youth_group", ("group_east",)),
    ]
    assert service(study, "clinic").groups == ("units",)
    assert study.network.referrals[0].services == ("clinic", "east", "west")


@unit
def test_a_closing_moves_the_waiting_as_later_requests():
    closes = {
        "on": "2017-01-01",
        "present": {"b": {"share": 0.5, "to": "east"}, "a": {"share": "rest", "to": "died"}},
        "afterwards": {"east": 0.5, "leave": "rest"},
    }
    closing = service(read(services__west__closes=closes), "west").closes
    assert closing.on == 366
    assert [(name, to) for name, _, to in closing.present] == [("b", "east"), ("a", "died")]
    assert closing.waiting == closing.afterwards
    other = service(read(services__west__closes={**closes, "waiting": "leave"}), "west").closes
    assert other.waiting.branches == (("leave", None),)


@unit
def test_the_key_on_is_read_even_where_yaml_made_it_true():
    closes = {True: "2017-01-01", "present": "leave", "afterwards": "leave"}
    assert service(read(services__west__closes=closes), "west").closes.on == 366


@unit
def test_staff_time_is_in_hours_per_contact():
    staff = {"a": {"per": "citizen", "contacts": "1 / week", "minutes": 30, "staff": "nurse"}}
    for minutes in (30, "30 minutes", "0.5 hours"):
        staff["a"]["minutes"] = minutes
        (held,) = service(read(services__west__staff=staff), "west").staff
        assert held.hours.at(0).factor == pytest.approx(0.5, rel=1e-14)
        assert held.contacts.at(0).factor == pytest.approx(1 / 7)


@unit
@pytest.mark.parametrize(
    ("arrivals", "field", "value"),
    [
        ("40 / year", "rate", plain_number(40 / 365.25)),
        ({"times": {"a": "3 days", "b": "1 day"}}, "times", (1.0, 3.0)),
        ({"every": "7 days"}, "every", (0.0, 7.0)),
        ({"every": "7 days", "first": "2 days"}, "every", (2.0, 7.0)),
    ],
)
def test_arrivals(arrivals, field, value):
    assert getattr(read(cohorts__young__arrivals=arrivals).network.cohorts[0].arrivals, field) == value


@unit
def test_arrivals_by_month_pattern_and_wave():
    steps = {"end": {"at": "5 days", "factor": 0}, "week": {"at": "0 days", "factor": 2}}
    arrivals = read(
        cohorts__young__arrivals={
            "rate": "1 / day",
            "months": {"jan": 1.5},
            "pattern": {"period": "7 days", "steps": steps},
            "wave": {"amplitude": 0.5, "period": "1 year"},
        }
    ).network.cohorts[0].arrivals  # fmt: skip
    assert arrivals.months == (plain_number(1.5), *[plain_number(1.0)] * 11)
    assert (arrivals.period, [day for day, _ in arrivals.pattern]) == (7.0, [0.0, 5.0])
    assert arrivals.wave == (plain_number(0.5), plain_number(365.25), plain_number(0.0))


@unit
def test_a_referral_takes_one_number_a_pair_or_cases_as_take_up():
    both = read(referrals__to_group__take_up=0.3).network.referrals[0].take_up[0].value
    assert both.own_site == both.other_site == plain_number(0.3)
    dated = {"first": 0.3, "later": {"from": "2017-01-01", "value": 0.5}}
    both = read(referrals__to_group__take_up=dated).network.referrals[0].take_up[0].value
    assert both.own_site == both.other_site == Dated(((-math.inf, Quantity(0.3)), (366.0, Quantity(0.5))))
    cases = {"cases": {"a": {"when": {"home": "east"}, "own_site": 0.5, "other_site": 0.1}, "b": {"value": 0.2}}}
    taken = read(referrals__to_group__take_up=cases).network.referrals[0].take_up
    assert [(case.id, case.value.own_site) for case in taken] == [("a", plain_number(0.5)), ("b", plain_number(0.2))]


@unit
def test_whole_laws_may_change_on_dates_and_by_case():
    dated = {
        "first": {"law": "fixed", "value": "1 day"},
        "later": {"from": "2017-01-01", "law": "exponential", "mean": "2 days"},
        "last": {"from": "2018-01-01", "value": {"law": "fixed", "value": "3 days"}},
    }
    for length in (dated, {"cases": {"a": {"when": {"home": "east"}, "value": dated}, "b": dated["first"]}}):
        steps = service(read(services__west__length=length), "west").length[0].value.steps
        assert [(day, spec.law) for day, spec in steps] == [(-math.inf, "fixed"), (366, "exponential"), (731, "fixed")]


@unit
def test_a_mixture_gives_its_rest_to_the_part_that_says_so():
    parts = {
        "a": {"weight": "rest", "law": "fixed", "value": "1 day"},
        "b": {"weight": "@take_up", "law": "fixed", "value": "11 days"},
    }
    study = read(services__west__length={"law": "mixture", "parts": parts})
    spec = service(study, "west").length[0].value.at(0)
    assert law_of(spec, {"take_up": 0.4}, 0.0).mean == pytest.approx(0.6 * 1 + 0.4 * 11)
    assert law_of(spec, {"take_up": 0.1}, 0.0).mean == pytest.approx(0.9 * 1 + 0.1 * 11)


@unit
def test_shares_run_up_to_exactly_one():
    study = read(services__west__ends={"a": {"share": 1, "to": {"clinic": 0.1, "east": "@take_up", "leave": "rest"}}})
    (end,) = service(study, "west").ends[0].value
    assert share_values(end.to, {"take_up": 0.2}, 0.0) == pytest.approx((0.1, 0.2, 0.7))
    assert cumulative(end.to, {"take_up": 0.2}, 0.0) == pytest.approx((0.1, 0.3, 1.0))
    assert cumulative(end.to, {"take_up": 0.95}, 0.0)[-1] == 1.0  # never beyond, whatever the parameters say
    thirds = {
        "a": {"share": 0.1 + 0.2, "to": "leave"},
        "b": {"share": 0.7, "to": "leave"},
        "c": {"share": 0, "to": "leave"},
    }
    planned, sums = end_shares(service(read(services__west__ends=thirds), "west").ends[0].value, {}, 0.0)  # fmt: skip
    assert [end.id for end in planned] == ["a", "b", "c"]
    assert sums[1:] == (1.0, 1.0)  # an end without a share is never taken


@unit
def test_an_opening_needs_no_before_when_shares_begin_later():
    late = {"places": {"norm": 9}, "opens": "2017-01-01", "length": {"law": "fixed", "value": "9 days"}}
    enters = {"ward": {"first": 0, "later": {"from": "2017-01-01", "value": 0.5}}, "home": "rest"}
    assert len(read(services__ward=late, cohorts__young__enters=enters).network.services) == 5
    enters["ward"]["later"]["from"] = "2016-12-31"
    with pytest.raises(InputError, match="so it needs 'before'"):
        read(services__ward=late, cohorts__young__enters=enters)


@unit
def test_the_words_of_the_log_are_kept_from_ends():
    assert frozenset(REASONS) == grammar.RESERVED_ENDS
