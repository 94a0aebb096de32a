"""Differences between studies by address, and studies in which nothing hangs on a parameter."""

import copy

import numpy as np
import pytest

from crksim.interface.files import data_dir, read_folder
from crksim.model.changes import apply, read_scenario
from crksim.model.differences import Difference, differences
from crksim.model.study import default_theta, read_study, resolved
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def network():
    return read_folder(data_dir("conf") / "network").data


def changed(network, changes, since="2018-02-01"):
    scenario = read_scenario({"title": {"da": "a", "en": "a"}, "from": since, "changes": changes})
    return differences(read_study(network).source, read_study(apply(network, scenario)).source, since)


def test_a_dated_change_is_one_difference(network):
    address = "services.youth_group_hoersholmsgade.places.hard"
    assert changed(network, {address: 10}) == [Difference(address, "changed", 8, 10, "2018-02-01")]


def test_a_change_from_the_start_says_so(network):
    address = "services.youth_group_hoersholmsgade.places.hard"
    assert changed(network, {address: 10}, "start") == [Difference(address, "changed", 8, 10, "start")]


def test_what_is_added_and_dropped_is_told_leaf_by_leaf():
    old = {"services": {"a": {"places": {"hard": 8}, "opens": "2016-01-01"}}}
    new = copy.deepcopy(old)
    new["services"]["b"] = {"places": {"hard": 3}}
    del new["services"]["a"]["opens"]
    assert differences(old, new, "2018-01-01") == [
        Difference("services.a.opens", "dropped", "2016-01-01", None, "2018-01-01"),
        Difference("services.b.places.hard", "added", None, 3, "2018-01-01"),
    ]
    assert differences(old, old, "start") == []


def test_steps_are_held_beside_what_was_in_force():
    old = {"x": {"first": 8, "more": {"from": "2017-01-01", "value": 9}}}
    new = {"x": {"first": 8, "more": {"from": "2017-01-01", "value": 9}, "then": {"from": "2018-01-01", "value": 4}}}
    assert differences(old, new, "start") == [Difference("x", "changed", 9, 4, "2018-01-01")]
    assert differences(old, {"x": {"first": 8, "then": {"from": "2018-01-01", "value": 9}}}, "start") == [
        Difference("x", "changed", 9, 8, "2017-01-01")
    ]


def test_a_resolved_network_hangs_on_nothing_and_gives_the_same_citizens(network):
    flat = resolved(network)
    read = read_study(flat)
    theta = default_theta(read.network)
    other = {name: 1.37 * value for name, value in theta.items()}
    as_written = simulate(structure(read_study(network)).bind(theta), Luck(1, 0), until=500.0).columns()
    # Whatever the parameters are, the resolved network does not look at them.
    for values in (theta, other):
        found = simulate(structure(read).bind(values), Luck(1, 0), until=500.0).columns()
        assert {name: len(column) for name, column in found.items()} == {
            name: len(column) for name, column in as_written.items()
        }
        for name, column in found.items():
            # Texts stand for a number to the last bit or two.
            assert np.isclose(column, as_written[name], rtol=1e-6, equal_nan=True).mean() > 0.999, name
