"""Numbers made of parameters: products, and the few functions that may stand in them."""

import pytest

from crksim.errors import InputError
from crksim.model.amounts import FUNCTIONS, call_of, factors
from crksim.model.changes import Scenario, apply
from crksim.model.network import Label
from crksim.model.study import default_theta, read_study
from crksim.simulation.closure import parameters_of


def study(hazard="2 / year", share=0.5, **parameters):
    return {
        "time": {"start": "2016-01-01", "end": "2019-01-01"},
        "parameters": {name: {"value": value} for name, value in parameters.items()},
        "services": {
            "unit": {
                "length": {"law": "exponential", "mean": "30 days"},
                "ends": {
                    "done": {"share": share, "to": "leave"},
                    "other_way": {"share": "rest", "to": "leave"},
                    "called": {"hazard": hazard, "to": "leave"},
                },
            }
        },
        "cohorts": {"all": {"arrivals": "12 / year", "enters": "unit"}},
    }


def ends_of(data):
    found = read_study(data)
    service = found.network.services[0]
    return {end.id: end for end in service.ends[0].value}, default_theta(found.network)


def share_of(text, **parameters):
    ends, theta = ends_of(study(share=text, **parameters))
    return ends["done"].share.at(0.0).value(theta)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("odds(@a, @b)", 0.2 * 3 / (0.8 + 0.2 * 3)),
        ("odds(@a, 1)", 0.2),
        ("odds(0.5 * @a, @b)", 0.1 * 3 / (0.9 + 0.1 * 3)),
        ("0.5 * odds(@a, @b)", 0.5 * 0.2 * 3 / (0.8 + 0.2 * 3)),
        ("other(@a)", 0.8),
        ("other(odds(@a, @b))", 1 - 0.2 * 3 / (0.8 + 0.2 * 3)),
        ("saturating(@a, @b, 1)", 0.2 * 3 / 4),
        ("least(@a, 0.1)", 0.1),
        ("most(@a, 0.1)", 0.2),
        ("sum(@a, 0.1)", 0.2 + 0.1),
        ("@a / @b * other(@a)", 0.2 / 3 * 0.8),
        ("0.1 * whole(@b * 1.3)", 0.3),
        ("whole(10 * 0.1 * @a * 5)", 1),
    ],
)
def test_a_function_is_a_factor(text, expected):
    assert share_of(text, a=0.2, b=3) == pytest.approx(expected, rel=1e-12)


@pytest.mark.unit
def test_functions_carry_units():
    ends, theta = ends_of(study(hazard="saturating(@top, @days, @half)", top="4 / year", days=3, half=1))
    assert ends["called"].hazard.at(0.0).value(theta) * 365.25 == pytest.approx(3.0)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("odds(@a)", "'odds' takes 2 numbers, not 1"),
        ("twice(@a)", "'twice' is not a known function (known: least, most, odds, other, saturating, sum, whole)"),
        ("odds(@a, @c)", "'c' is not a known parameter"),
        ("odds(@a, @b", "its parentheses do not match"),
        ("odds(@a, 2 / year)", "'odds' takes shares and ratios, without unit"),
        ("sum(@a, 2 days)", "'sum' takes numbers of one unit"),
        ("whole(@a * 2 days)", "'whole' takes a number without unit"),
    ],
)
def test_what_is_no_number_is_refused_with_the_rule(text, rule):
    with pytest.raises(InputError) as fault:
        read_study(study(share=text, a=0.2, b=3))
    assert [problem.rule for problem in fault.value.problems] == [rule]
    assert fault.value.problems[0].address == "services.unit.ends.done.share"


@pytest.mark.unit
def test_a_parameter_inside_a_function_is_found_and_changes_on_its_date():
    data = study(share="odds(@a, @b)", a=0.2, b=3)
    service = read_study(data).network.services[0]
    assert set(parameters_of(service)) == {"a", "b"}
    title = Label("t", "t")
    changed = apply(data, Scenario("x", title, title, from_day="2018-01-01", changes={"parameters.b": {"times": 2}}))
    ends, theta = ends_of(changed)
    assert ends["done"].share.at(0.0).value(theta) == pytest.approx(0.2 * 3 / (0.8 + 0.2 * 3))
    assert ends["done"].share.at(900.0).value(theta) == pytest.approx(0.2 * 6 / (0.8 + 0.2 * 6))


@pytest.mark.unit
def test_texts_are_split_outside_parentheses_only():
    assert list(factors("2 * odds(@a * @b, 3) / @c")) == [("2", 1), ("odds(@a * @b, 3)", 1), ("@c", -1)]
    assert call_of("@a") is None
    assert call_of("odds(@a, other(@b))") == ("odds", ["@a", " other(@b)"])
    assert FUNCTIONS["saturating"](2.0, 0.0, 0.0) == 0.0
