"""The same rows again: in one process and in others, whatever the hash seed, the processor's features and the workers.

And a run cut in two: what a state table hands on is everything that the rest of the run needs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crksim.analysis.replications import WorldStudy, replicate
from crksim.interface.files import read_folder
from crksim.model.clock import YEAR, Window
from crksim.model.network import Label
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate, stop_at
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from tests.closing_in import named_rows
from tests.strategies import studies

CONF = Path(__file__).parent.parent / "conf" / "network"
#: A study with every law, hazards on the calendar, death, queues, patience, a group and an opening caseload.
STUDY = {
    "time": {"start": "2016-01-01", "end": "2019-01-01"},
    "attributes": {"level": ["low", "high"], "home": ["a", "b"]},
    "services": {
        "a": {
            "places": {"hard": {"first": 20, "more": {"from": "2017-01-01", "value": 30}}},
            "patience": {"law": "weibull", "mean": "50 days", "shape": 0.7},
            "gives_up": {"b": 0.5, "leave": "rest"},
            "death": "0.05 / year",
            "ends": {
                "gamma": {"share": 0.2, "length": {"law": "gamma", "mean": "70 days", "shape": 2.3}, "to": "b"},
                "log": {
                    "share": 0.2,
                    "length": {"law": "lognormal", "mean": "40 days", "sd": "60 days"},
                    "to": "leave",
                },
                "logistic": {
                    "share": 0.2,
                    "length": {"law": "loglogistic", "median": "30 days", "shape": 2.5},
                    "to": "leave",
                },
                "triangle": {
                    "share": 0.2,
                    "length": {"law": "triangular", "low": "1 day", "mode": "9 days", "high": "90 days"},
                    "to": "b",
                },
                "exponential": {"share": "rest", "length": {"law": "exponential", "mean": "33 days"}, "to": "leave"},
                "called": {
                    "hazard": {"first": "0.3 / year", "later": {"from": "2017-05-01", "value": "0.9 / year"}},
                    "to": "b",
                },
            },
        },
        "b": {
            "length": {
                "cases": {
                    "high": {"when": {"level": "high"}, "law": "erlang", "mean": "80 days", "stages": 3},
                    "low": {"law": "weibull", "mean": "80 days", "shape": 1.7},
                }
            },
            "ends": {
                "done": {"share": 1, "to": {"a": 0.3, "leave": "rest"}, "status": {"ceased": 0.4, "unknown": "rest"}},
                "up": {"hazard": "0.4 / year", "to": "a"},
            },
            "death": "0.02 / year",
        },
        "club": {
            "site": "b",
            "group": "clubs",
            "places": {"hard": 6},
            "length": {"law": "uniform", "low": "9 days", "high": "99 days"},
            "ends": {"done": {"share": 1, "to": "origin"}},
        },
        "other_club": {
            "site": "a",
            "group": "clubs",
            "luck_key": "club",
            "places": {"hard": 3},
            "length": {"law": "gamma", "mean": "50 days", "shape": 0.6},
            "ends": {"done": {"share": 1, "to": "origin"}},
        },
    },
    "cohorts": {
        "all": {
            "attributes": {"level": {"low": 0.6, "high": "rest"}, "home": {"a": 0.5, "b": "rest"}},
            "arrivals": {"rate": "300 / year", "wave": {"amplitude": 0.3, "period": "1 year"}},
            "enters": "home",
            "present": {"now": {"at": "home", "count": 40, "lengths": "residual"}},
        }
    },
    "referrals": {
        "to_club": {
            "at": {"start_of": ["a"]},
            "to": {"nearest": "clubs"},
            "take_up": {"own_site": 0.6, "other_site": 0.3},
            "full": "next",
            "stay": "goes_on",
        },
        "step": {
            "at": {"during": ["b"], "rate": "1 / year"},
            "to": "a",
            "take_up": 0.5,
            "full": "queue",
            "stay": "ends",
        },
    },
}
ONCE = """
import json, sys
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
study = read_study(json.load(sys.stdin))
plan = structure(study).bind(default_theta(study.network))
print(*(simulate(plan, Luck(5, number)).content_hash() for number in range(2)))
"""


def plan_of(data):
    study = read_study(data)
    return structure(study).bind(default_theta(study.network))


def hashes(data):
    plan = plan_of(data)
    return [simulate(plan, Luck(5, number)).content_hash() for number in range(2)]


def in_another_process(data, **environment):
    """Return the hashes of two runs in a fresh process with some environment variables."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ONCE],
        input=json.dumps(data),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def dispatched():
    """Return the features of this processor for which this numpy has code of its own beyond the baseline."""
    from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_dispatch__, __cpu_features__

    return [name for name in __cpu_dispatch__ if __cpu_features__.get(name) and name not in __cpu_baseline__]


# --- again -----------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_the_same_rows_twice_in_one_process():
    first = hashes(STUDY)
    assert first == hashes(STUDY)
    assert len(set(first)) == 2


@pytest.mark.unit
def test_one_plan_serves_replications_in_any_order():
    plan = plan_of(STUDY)
    there = [simulate(plan, Luck(5, number)).content_hash() for number in range(2)]
    back = [simulate(plan, Luck(5, number)).content_hash() for number in (1, 0)]
    assert there == back[::-1]


@pytest.mark.unit
def test_the_same_rows_in_another_process_whatever_the_hash_seed():
    assert in_another_process(STUDY, PYTHONHASHSEED="0") == hashes(STUDY)


@pytest.mark.unit
def test_the_same_rows_without_the_processors_features():
    features = dispatched()
    if not features:
        pytest.skip("this numpy has no code for features of this processor")
    assert in_another_process(STUDY, NPY_DISABLE_CPU_FEATURES=",".join(features), PYTHONHASHSEED="1") == hashes(STUDY)


@pytest.mark.unit
@pytest.mark.slow
def test_one_worker_and_two_give_equal_arrays():
    label = Label("verden", "world")
    ledger = {}
    worlds = [WorldStudy("without", "baseline", label, {"title": {"da": "a", "en": "a"}, **STUDY})]
    found = [
        replicate(
            worlds,
            ledger,
            measures=("a.starts", "a.present.mean", "club.queue_wait.mean"),
            members=4,
            futures=2,
            seed=3,
            window=Window(0.0, 731.0),
            workers=workers,
            series_services=("a", "b"),
            series_days=(100.0, 400.0),
        )
        for workers in (1, 2)
    ]
    assert found[0].worlds[0].values.tobytes() == found[1].worlds[0].values.tobytes()
    assert found[0].present["without"].tobytes() == found[1].present["without"].tobytes()
    assert found[0].flows == found[1].flows
    assert np.isfinite(found[0].worlds[0].values).all()


@pytest.mark.e2e
@pytest.mark.slow
def test_the_shipped_network_has_the_same_rows_in_another_process():
    data = read_folder(CONF).data
    expected = hashes(data)
    assert in_another_process(data, PYTHONHASHSEED="7") == expected
    if features := dispatched():
        assert in_another_process(data, NPY_DISABLE_CPU_FEATURES=",".join(features)) == expected


# --- cut in two ------------------------------------------------------------------------------------------------------


def cut(data, *days, number=0):
    """Assert that a run cut at some days has the rows of the run in one go."""
    plan, luck = plan_of(data), Luck(5, number)
    whole = named_rows(simulate(plan, luck))
    closed, state = [], None
    for day in days:
        log, state = stop_at(plan, luck, day, state=state)
        # Rows open on the day are written again, closed or not, by what comes after.
        closed += [row for row, left in zip(named_rows(log), log.left.tolist(), strict=True) if left == left]
        assert log.end == state.day == day
    rest = simulate(plan, luck, state=state)
    assert rest.start == days[-1]
    assert sorted(closed + named_rows(rest), key=repr) == sorted(whole, key=repr)
    return len(whole)


@pytest.mark.unit
@pytest.mark.parametrize("days", [(2 * YEAR,), (0.5,), (100.0, 101.0, 700.25)])
def test_a_run_cut_in_two_has_the_same_rows(days):
    assert cut(STUDY, *days) > 1000


@pytest.mark.unit
@pytest.mark.parametrize("day", [366.0, 486.0])
def test_a_cut_on_a_day_of_history_does_not_lose_or_double_it(day):
    # On 2017-01-01 there are more places, on 2017-05-01 another hazard.
    assert cut(STUDY, day) > 1000


#: Two strands of one citizen begin in one service at one instant, so the rule comes up for both at one instant too.
TWO_STRANDS = {
    "time": {"start": "2016-01-01", "end": "2017-01-01"},
    "services": {
        "first": {"length": {"law": "exponential", "mean": "3 days"}, "ends": {"done": {"share": 1, "to": "leave"}}},
        "second": {"length": {"law": "fixed", "value": "300 days"}, "ends": {"done": {"share": 1, "to": "leave"}}},
    },
    "cohorts": {"all": {"arrivals": "40 / year", "enters": "first"}},
    "referrals": {
        "moves": {"at": {"start_of": ["first"]}, "to": "second", "take_up": 1, "full": "queue", "stay": "ends"},
        "pair": {"at": {"start_of": ["second"]}, "to": "second", "take_up": 1, "full": "queue", "stay": "beside"},
        "rises": {
            "at": {"during": ["second"], "rate": "5 / year"},
            "to": "second",
            "take_up": 1,
            "full": "queue",
            "stay": "ends",
        },
    },
}


@pytest.mark.unit
def test_a_cut_keeps_the_order_of_what_falls_on_one_instant():
    assert cut(TWO_STRANDS, 100.0) > 50


@pytest.mark.property
@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
@given(study=studies(most_services=5), day=st.integers(1, 365), number=st.integers(0, 9))
def test_random_runs_cut_in_two_have_the_same_rows(study, day, number):
    cut(study, float(day), number=number)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(study=studies(), days=st.sets(st.integers(1, 2920), min_size=1, max_size=3), number=st.integers(0, 9))
def test_many_random_runs_cut_in_pieces_have_the_same_rows(study, days, number):
    cut(study, *sorted(day / 8 for day in days), number=number)


@pytest.mark.e2e
@pytest.mark.slow
def test_the_shipped_network_cut_in_two_has_the_same_rows():
    assert cut(read_folder(CONF).data, 731.0) > 1000
