"""Malformed studies and scenarios of our own making, each with every line it is refused with."""

import copy
import math
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crksim.errors import InputError
from crksim.model.changes import apply, read_scenario
from crksim.model.grammar import LIMITS
from crksim.model.study import read_study

FOLDER = Path(__file__).parent / "malformed"


def load(name):
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


BASE, CASES, SCENARIOS = load("base.yaml"), load("studies.yaml"), load("scenarios.yaml")


def broken(case):
    """The base study with a case's differences, by address."""
    data = copy.deepcopy(BASE)
    for address, value in case.get("set", {}).items():
        *way, last = address.split(".")
        node = data
        for part in way:
            node = node.setdefault(part, {})
        node[last] = copy.deepcopy(value)
    for address in case.get("drop", []):
        *way, last = address.split(".")
        node = data
        for part in way:
            node = node[part]
        del node[last]
    return data


def run_scenario(case):
    given = {key: held for key, held in case.items() if key != "expected"}
    scenario = read_scenario({"title": {"da": "Prøve", "en": "Try"}, "from": "2018-02-01", **given})
    return read_study(apply(BASE, scenario))


@pytest.mark.unit
def test_the_base_is_valid():
    assert len(read_study(BASE).network.services) == 4


@pytest.mark.unit
@pytest.mark.parametrize("name", CASES)
def test_a_malformed_study_is_refused_with_every_fault(name):
    with pytest.raises(InputError) as error:
        read_study(broken(CASES[name]))
    assert [str(problem) for problem in error.value.problems] == CASES[name]["expected"]


@pytest.mark.unit
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_malformed_scenario_is_refused_with_every_fault(name):
    with pytest.raises(InputError) as error:
        run_scenario(SCENARIOS[name])
    assert [str(problem) for problem in error.value.problems] == SCENARIOS[name]["expected"]


@pytest.mark.unit
def test_there_are_enough_of_them():
    assert len(CASES) + len(SCENARIOS) >= 60


@pytest.mark.unit
def test_a_study_that_is_too_deep_too_long_or_no_data_is_refused():
    deep = {}
    node = deep
    for _ in range(LIMITS["depth"] + 2):
        node["services"] = node = {}
    for data, rule in (
        (deep, f"may not be nested more than {LIMITS['depth']} deep"),
        ({"services": list(range(LIMITS["values"] + 2))}, f"may not be longer than {LIMITS['values']} values"),
        ({"title": "x" * (LIMITS["text"] + 1)}, f"may not be longer than {LIMITS['text']} letters"),
        ({"title": object}, "must be a map, a list, a text, a number or a date (it is a type)"),
        ({"services": {5: {}}}, "a key must be text (quote it)"),
        ({"services": math.nan}, "must be a finite number, and not so large"),
        ({"services": 10**400}, "must be a finite number, and not so large"),
    ):
        with pytest.raises(InputError) as error:
            read_study(data)
        assert [problem.rule for problem in error.value.problems] == [rule]


JUNK = st.sampled_from([None, True, -1, 1.5, "", "x", "rest", "home", "origin", "@take_up", "@", "2016-01-01"]) | (
    st.sampled_from(["3 months", "25 / year", [], {}, ["east"], [[]], {"cases": {}}, {"law": "fixed"}, {"share": 1}])
    | st.sampled_from([{"rest": "rest"}, {"nearest": []}, {"a": {"from": "x"}}, {"cases": {"a": {"when": {}}}}])
    | st.just({"first": 1, "b": {"from": "2017-01-01", "value": 2}})
)


def addresses(node, way=()):
    for key, held in node.items() if isinstance(node, dict) else ():
        yield (*way, key)
        yield from addresses(held, (*way, key))


ADDRESSES = sorted(".".join(way) for way in addresses(BASE))


@pytest.mark.property
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ADDRESSES), JUNK, st.sampled_from(["set", "times", "plus", "add", "bare"]), st.booleans())
def test_nonsense_is_refused_and_never_breaks_anything(address, junk, op, from_start):
    with suppress(InputError):
        read_study(broken({"set": {address: junk}}))
    since = {"from": "start"} if from_start else {}
    with suppress(InputError):
        run_scenario({"changes": {address: junk if op == "bare" else {op: junk}}, **since})
