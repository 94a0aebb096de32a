"""Intervals of a difference against a known answer: a loss system of one place more, by Erlang's formula."""

import numpy as np
import pytest

from crksim.analysis.comparison import Question
from crksim.analysis.precision import look_at
from crksim.model.network import Label
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from tests.theory_formulas import erlang_b
from tests.theory_networks import queue

#: Starts are counted after a time in which the system forgets how it began.
WARM_UP, DAYS = 12, 42
MACRO, MEMBERS = 1000, 20
QUESTION = Question("queue.starts", Label("starter", "starts"), Label("antal", "number"), "count", 1.0)


def plan_of(rate, places):
    """Return the plan of a loss system with a mean stay of one day and so many arrivals a day."""
    service = {"places": {"hard": places}, "queue": {"room": 0}, "length": {"law": "exponential", "mean": "1 day"}}
    study = read_study(queue(DAYS, f"{rate} / day", service))
    return structure(study).bind(default_theta(study.network))


def starts(plan, number):
    """Return the starts of one replication after the warm-up."""
    log = simulate(plan, Luck(17, number))
    return np.count_nonzero(log.admitted >= WARM_UP)


def extra_starts(rate, places=2):
    """Return the expected extra starts of one place more: arrivals times the fall in Erlang's loss."""
    return rate * (DAYS - WARM_UP) * (erlang_b(places, rate) - erlang_b(places + 1, rate))


@pytest.mark.theory
@pytest.mark.slow
def test_ninety_five_per_cent_intervals_hold_the_truth_in_95_of_100():
    """Half of the versions have one arrival a day and half two, drawn anew each time, so luck and ignorance are in it.

    The first look has a level of 5 %: its interval is the t interval of the mean difference over versions.
    """
    rates = (1.0, 2.0)
    without, more = ([plan_of(rate, places) for rate in rates] for places in (2, 3))
    truth = float(np.mean([extra_starts(rate) for rate in rates]))
    which = np.random.default_rng(23).integers(2, size=(MACRO, MEMBERS))
    held, misses = 0, [0, 0]
    for macro in range(MACRO):
        found = np.array(
            [
                starts(more[kind], number) - starts(without[kind], number)
                for number, kind in enumerate(which[macro], start=macro * MEMBERS)
            ],
            dtype=float,
        )
        look = look_at(found[:, None], QUESTION, 1)
        held += look.low <= truth <= look.high
        misses[0] += truth < look.low
        misses[1] += truth > look.high
    assert 0.93 <= held / MACRO <= 0.97
    # Neither end misses much more than the other.
    assert max(misses) <= 45
