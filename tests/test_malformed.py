"""Malformed studies and scenarios of our own making, each with every line it is refused with."""

import copy
from pathlib import Path

import pytest
import yaml

from crksim.errors import InputError
from crksim.model.changes import apply, read_scenario
from crksim.model.grammar import LIMITS
from crksim.model.study import read_study

FOLDER = Path(__file__).parent / "malformed"


def load(name):
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


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
    ):
        with pytest.raises(InputError) as error:
            read_study(data)
        assert [problem.rule for problem in error.value.problems] == [rule]
