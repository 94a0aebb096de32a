"""Single queues against their closed forms."""

import math

import numpy as np
import pytest

from tests.theory_formulas import (
    cobham,
    cobham_servers,
    erlang_a,
    erlang_b,
    erlang_c,
    mmc_wait,
    mmck,
    pollaczek_khinchine,
)
from tests.theory_networks import Rows, agrees, batches, network, queue, run

pytestmark = pytest.mark.theory

EXPONENTIAL = {"law": "exponential", "mean": "1 day"}


def mean_wait(rows):
    return lambda low, high: float(rows.waits(low, high).mean())


def waited(rows):
    return lambda low, high: float(np.mean(rows.waits(low, high) > 0.0))


def run_queue(rate, service, days, seed=1, **cohort):
    return Rows(run(queue(days, f"{rate} / day", service, **cohort), seed=seed), "queue")


def test_mm1_at_half_load():
    rows = run_queue(0.5, {"places": {"hard": 1}, "length": EXPONENTIAL}, 60_000)
    agrees(batches(mean_wait(rows), 500, 60_000), mmc_wait(0.5, 1.0, 1), precision=0.04)
    agrees(batches(rows.present, 500, 60_000), 0.5, precision=0.01)


def test_mm1_wait_is_exponential_given_that_one_waits():
    """P(W > t) = rho exp(-(mu - lambda) t): Kleinrock (1975), eq. 5.119."""
    rows = run_queue(0.7, {"places": {"hard": 1}, "length": EXPONENTIAL}, 60_000)
    for day in (0.0, 2.0, 6.0):
        found = batches(lambda low, high, day=day: float(np.mean(rows.waits(low, high) > day)), 1000, 60_000)
        agrees(found, 0.7 * math.exp(-0.3 * day))


@pytest.mark.parametrize(("servers", "load"), [(2, 0.6), (8, 0.8), (30, 0.9)])
def test_mmc_waits_as_erlang_c_says(servers, load):
    rate = servers * load
    days = round(40_000 / rate)
    rows = run_queue(rate, {"places": {"hard": servers}, "length": EXPONENTIAL}, days)
    agrees(batches(waited(rows), 100, days), erlang_c(servers, rate), precision=0.2)
    agrees(batches(mean_wait(rows), 100, days), mmc_wait(rate, 1.0, servers), precision=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("servers", "load", "stays"), [(1, 0.95, 400_000), (1, 0.98, 1_000_000), (10, 0.98, 1_000_000)]
)
def test_mmc_at_high_load(servers, load, stays):
    rate = servers * load
    days = round(stays / rate)
    rows = run_queue(rate, {"places": {"hard": servers}, "length": EXPONENTIAL}, days, seed=3)
    agrees(batches(mean_wait(rows), 0.05 * days, days, 16), mmc_wait(rate, 1.0, servers), precision=0.12)


@pytest.mark.parametrize(
    "law", [EXPONENTIAL, {"law": "fixed", "value": "1 day"}, {"law": "lognormal", "mean": "1 day", "sd": "2 days"}]
)
def test_loss_depends_on_the_mean_length_only(law):
    """Erlang B holds for every law of lengths: Sevastyanov (1957)."""
    days = 5_000
    rows = run_queue(8, {"places": {"hard": 9}, "queue": {"room": 0}, "length": law}, days)
    lost = erlang_b(9, 8.0)
    agrees(batches(lambda low, high: rows.share("refused", low, high), 50, days), lost)
    agrees(batches(rows.present, 50, days), 8.0 * (1.0 - lost), precision=0.01)


def test_loss_in_heavy_overload():
    rows = run_queue(40, {"places": {"hard": 5}, "queue": {"room": 0}, "length": EXPONENTIAL}, 1_000)
    agrees(batches(lambda low, high: rows.share("refused", low, high), 10, 1_000), erlang_b(5, 40.0), precision=0.01)


def test_limited_room():
    """M/M/3/8: three places and room for five."""
    days = 16_000
    rows = run_queue(2.7, {"places": {"hard": 3}, "queue": {"room": 5}, "length": EXPONENTIAL}, days)
    law = mmck(2.7, 1.0, 3, 8)
    waiting = float(np.sum(np.maximum(np.arange(9) - 3, 0) * law))
    agrees(batches(lambda low, high: rows.share("refused", low, high), 50, days), law[8])
    agrees(batches(rows.waiting, 50, days), waiting)
    agrees(batches(mean_wait(rows), 50, days), waiting / (2.7 * (1.0 - law[8])))


@pytest.mark.parametrize("rate", [4.5, 7.5])
def test_patience(rate):
    """M/M/5+M below and above what the places can take."""
    days = round(40_000 / rate)
    service = {"places": {"hard": 5}, "patience": {"law": "exponential", "mean": "2 days"}, "length": EXPONENTIAL}
    rows = run_queue(rate, service, days)
    gave_up, had_to_wait, waiting = erlang_a(rate, 1.0, 5, 0.5)
    agrees(batches(lambda low, high: rows.share("gave_up", low, high), 50, days - 50), gave_up)
    agrees(batches(rows.waiting, 50, days), waiting)

    def delayed(low, high):
        mine = (rows.referred >= low) & (rows.referred < high)
        return float(np.mean(rows.admitted[mine] != rows.referred[mine]))

    agrees(batches(delayed, 50, days - 50), had_to_wait)


LAWS = {
    "fixed": ({"law": "fixed", "value": "1 day"}, 0.0),
    "erlang": ({"law": "erlang", "mean": "1 day", "stages": 4}, 0.5),
    "gamma": ({"law": "gamma", "mean": "1 day", "sd": "1.5 days"}, 1.5),
    "lognormal": ({"law": "lognormal", "mean": "1 day", "sd": "1.2 days"}, 1.2),
    "uniform": ({"law": "uniform", "low": "0 days", "high": "2 days"}, 1.0 / math.sqrt(3.0)),
}


@pytest.mark.parametrize("name", LAWS)
def test_mg1_waits_as_pollaczek_and_khinchine_say(name):
    law, sd = LAWS[name]
    rows = run_queue(0.7, {"places": {"hard": 1}, "length": law}, 50_000)
    agrees(batches(mean_wait(rows), 500, 50_000), pollaczek_khinchine(0.7, 1.0, sd))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fixed", "gamma"])
def test_mg1_at_high_load(name):
    law, sd = LAWS[name]
    rows = run_queue(0.95, {"places": {"hard": 1}, "length": law}, 700_000, seed=2)
    agrees(batches(mean_wait(rows), 20_000, 700_000), pollaczek_khinchine(0.95, 1.0, sd))


def two_classes(days, rates, lengths, places):
    cases = {name: {"when": {"cohort": name}, **law} for name, law in lengths.items()}
    levels = {name: {"when": {"cohort": name}, "value": level} for level, name in enumerate(sorted(rates))}
    service = {
        "places": {"hard": places},
        "queue": {"order": "priority"},
        "priority": {"cases": levels},
        "length": {"cases": cases},
    }
    cohorts = {name: {"arrivals": f"{rate} / day", "enters": "queue"} for name, rate in rates.items()}
    return run(network(days, {"queue": service}, cohorts))


def test_two_priorities_with_lengths_of_their_own():
    """Cobham's formula for M/G/1; a first-come queue would give both classes the same wait."""
    days = 60_000
    lengths = {
        "a_first": {"law": "gamma", "mean": "0.5 days", "shape": 2},
        "b_second": {"law": "exponential", "mean": "1 day"},
    }
    log = two_classes(days, {"a_first": 0.5, "b_second": 0.5}, lengths, 1)
    theory = cobham([0.5, 0.5], [0.5, 1.0], [0.5 / math.sqrt(2.0), 1.0])
    for cohort, wait in zip(("a_first", "b_second"), theory, strict=True):
        agrees(batches(mean_wait(Rows(log, "queue", cohort)), 500, days), wait)


def test_three_priorities_at_several_places():
    days = 15_000
    rates = {"a": 1.0, "b": 1.2, "c": 1.3}
    log = two_classes(days, rates, dict.fromkeys(rates, EXPONENTIAL), 4)
    theory = cobham_servers(list(rates.values()), 1.0, 4)
    for cohort, wait in zip(rates, theory, strict=True):
        agrees(batches(mean_wait(Rows(log, "queue", cohort)), 200, days), wait, precision=0.15)


def test_priority_does_not_change_the_mean_wait_over_all():
    """The conservation law of work with equal lengths: Kleinrock (1965)."""
    days = 30_000
    rates = {"a": 0.4, "b": 0.4}
    log = two_classes(days, rates, dict.fromkeys(rates, EXPONENTIAL), 1)
    agrees(batches(mean_wait(Rows(log, "queue")), 500, days), mmc_wait(0.8, 1.0, 1), precision=0.12)
