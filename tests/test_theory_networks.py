"""Networks of services, courses of treatment and waves of arrivals against their closed forms."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from tests.theory_formulas import absorbed, hunt_throughput, jackson_present, sinusoidal, traffic
from tests.theory_networks import WITHIN, Rows, agrees, batches, network, queue, run

pytestmark = pytest.mark.theory

EXPONENTIAL = {"law": "exponential", "mean": "1 day"}


def agrees_poisson(found, theory):
    """Assert that a Poisson count agrees with its mean; its variance is its mean."""
    assert theory > 400, "too few to tell"
    assert abs(found - theory) <= WITHIN * math.sqrt(theory), f"found {found}, theory says {theory:.1f}"


# ------------------------------------------------------------------ no limit on places

LAWS = {
    "exponential": ({"law": "exponential", "mean": "10 days"}, stats.expon(scale=10)),
    "gamma": ({"law": "gamma", "mean": "10 days", "shape": 0.5}, stats.gamma(0.5, scale=20)),
    "erlang": ({"law": "erlang", "mean": "10 days", "stages": 3}, stats.gamma(3, scale=10 / 3)),
    "weibull": (
        {"law": "weibull", "mean": "10 days", "shape": 0.7},
        stats.weibull_min(0.7, scale=10 / math.gamma(1 + 1 / 0.7)),
    ),
    "lognormal": (
        {"law": "lognormal", "mean": "10 days", "sd": "10 days"},
        stats.lognorm(math.sqrt(math.log(2.0)), scale=10 / math.sqrt(2.0)),
    ),
    "loglogistic": ({"law": "loglogistic", "median": "8 days", "shape": 3}, stats.fisk(3, scale=8)),
    "uniform": ({"law": "uniform", "low": "4 days", "high": "16 days"}, stats.uniform(4, 12)),
    "triangular": (
        {"law": "triangular", "low": "2 days", "mode": "5 days", "high": "20 days"},
        stats.triang(3 / 18, loc=2, scale=18),
    ),
    "fixed": ({"law": "fixed", "value": "10 days"}, None),
    "empirical": ({"law": "empirical", "values": {"a": "5 days", "b": "20 days"}, "weights": {"a": 2, "b": 1}}, None),
    "mixture": (
        {
            "law": "mixture",
            "parts": {
                "short": {"weight": 0.4, "law": "exponential", "mean": "4 days"},
                "long": {"weight": "rest", "law": "uniform", "low": "10 days", "high": "18 days"},
            },
        },
        None,
    ),
}


def survival(name, day):
    if name == "fixed":
        return float(day < 10.0)
    if name == "empirical":
        return (2.0 * (day < 5.0) + (day < 20.0)) / 3.0
    if name == "mixture":
        return 0.4 * math.exp(-day / 4.0) + 0.6 * min(1.0, max(0.0, (18.0 - day) / 8.0))
    return float(LAWS[name][1].sf(day))


@pytest.mark.parametrize("name", LAWS)
def test_present_without_limit_is_poisson_for_every_law(name):
    """M/G/infinity from empty: Poisson with mean lambda times the integral of the survival function.

    Palm (1943); Kleinrock (1975), problem 5.18.  Two days are asked, early and late, so that the whole law counts.
    """
    rate = 200
    rows = Rows(run(queue(41, f"{rate} / day", {"length": LAWS[name][0]})), "queue")
    for day in (6.5, 40.0):
        mean = rate * integrate.quad(lambda x: survival(name, x), 0.0, day, points=[2, 4, 5, 10, 16, 18], limit=200)[0]
        agrees_poisson(rows.at(day), mean)


@pytest.mark.parametrize("law", ["exponential", "fixed"])
def test_present_without_limit_under_a_wave_of_arrivals(law):
    """M_t/G/infinity: the wave of those present is damped and comes later; twelve phases, as counts of many waves."""
    waves, period, mean, rate, swing = 40, 20.0, 4.0, 25.0, 0.8
    lengths = {"law": "exponential", "mean": "4 days"} if law == "exponential" else {"law": "fixed", "value": "4 days"}
    arrivals = {"rate": "25 / day", "wave": {"amplitude": swing, "period": "20 days", "phase": "0 days"}}
    data = network(
        (waves + 3) * period, {"queue": {"length": lengths}}, {"all": {"arrivals": arrivals, "enters": "queue"}}
    )
    rows = Rows(run(data), "queue")
    for phase in np.arange(12) * period / 12:
        found = sum(rows.at((3 + wave) * period + phase) for wave in range(waves))
        theory = waves * sinusoidal(rate, rate * swing, 2.0 * math.pi / period, law, mean, phase)
        # Waves lie five lengths of stay apart: their counts are independent but for exp(-5).
        agrees_poisson(found, theory)


def test_newcomers_follow_months_and_week_days():
    days = 366 * 3
    arrivals = {
        "rate": "40 / day",
        "pattern": {
            "period": "7 days",
            "steps": {"w": {"at": "0 days", "factor": 1.4}, "s": {"at": "5 days", "factor": 0}},
        },
    }
    rows = Rows(run(queue(days, arrivals, {"length": EXPONENTIAL})), "queue")
    agrees_poisson(len(rows.referred), 40 * sum(1.4 for day in range(days) if day % 7 < 5))
    assert not np.any(rows.referred % 7.0 >= 5.0)


# ------------------------------------------------------------------ open networks


def test_jackson_network_with_feedback():
    """Three services with three, one and two places; a third of those who leave the last come back to the first."""
    routing = np.array([[0.0, 0.5, 0.3], [0.1, 0.0, 0.9], [0.33, 0.0, 0.0]])
    outside, service, places = np.array([1.0, 0.2, 0.0]), np.array([0.8, 1.4, 1.1]), [3, 1, 2]
    names = ["a", "b", "c"]
    services = {}
    for index, name in enumerate(names):
        to = {other: float(share) for other, share in zip(names, routing[index], strict=True) if share > 0}
        services[name] = {
            "places": {"hard": places[index]},
            "length": {"law": "exponential", "mean": f"{float(1.0 / service[index])!r} days"},
            "ends": {"done": {"share": 1, "to": {**to, "leave": "rest"}}},
        }
    cohorts = {"first": {"arrivals": "1 / day", "enters": "a"}, "second": {"arrivals": "0.2 / day", "enters": "b"}}
    days = 15_000
    log = run(network(days, services, cohorts), seed=5)
    rates = traffic(outside, routing)
    for name, rate, present in zip(names, rates, jackson_present(outside, routing, service, places), strict=True):
        rows = Rows(log, name)

        def came(low, high, rows=rows):
            return float(np.sum((rows.referred >= low) & (rows.referred < high)) / (high - low))

        agrees(batches(came, 200, days), rate)
        agrees(
            batches(lambda low, high, rows=rows: rows.present(low, high) + rows.waiting(low, high), 200, days), present
        )


def test_blocking_at_saturation():
    """Two stages, no room between them, the first never idle: Hunt (1956)."""
    services = {
        "first": {
            "places": {"hard": 1},
            "blocking": True,
            "queue": {"room": 12},
            "length": EXPONENTIAL,
            "ends": {"done": {"share": 1, "to": "second"}},
        },
        "second": {"places": {"hard": 1}, "length": {"law": "exponential", "mean": "0.8 days"}},
    }
    days = 10_000
    log = run(network(days, services, {"all": {"arrivals": "4 / day", "enters": "first"}}))
    rows = Rows(log, "second")

    def done(low, high):
        return float(np.sum((rows.left >= low) & (rows.left < high)) / (high - low))

    # Blocking begins where the second is taken: its queue holds at most the one who is held in the first.
    agrees(batches(done, 50, days), hunt_throughput(1.0, 1.25), precision=0.02)


@pytest.mark.parametrize("order", ["fifo", "priority"])
def test_littles_law(order):
    """L = lambda W for waiting and for staying, whatever the laws, the order, the patience: Little (1961)."""
    service = {
        "places": {"hard": 6},
        "queue": {"order": order, "room": 12},
        "patience": {"law": "gamma", "mean": "3 days", "shape": 2},
        "priority": {"cases": {"a": {"when": {"cohort": "a"}, "value": 1}, "other": {"value": 2}}},
        "length": {"law": "lognormal", "mean": "2 days", "sd": "2 days"},
        "ends": {"again": {"share": 0.2, "to": "queue"}, "done": {"share": "rest", "to": "leave"}},
    }
    cohorts = {name: {"arrivals": "1.3 / day", "enters": "queue"} for name in "ab"}
    days = 10_000
    rows = Rows(run(network(days, {"queue": service}, cohorts)), "queue")
    low, high = 200, 9_800
    mine = (rows.referred >= low) & (rows.referred < high)
    over = np.where(np.isnan(rows.admitted), rows.left, rows.admitted) - rows.referred
    stays = (rows.admitted >= low) & (rows.admitted < high)
    # Those who sit across the two edges are all that can differ: at most 18 citizens for a stay, in 9,600 days.
    assert rows.waiting(low, high) == pytest.approx(np.sum(over[mine]) / (high - low), rel=0.005)
    assert rows.present(low, high) == pytest.approx(
        np.sum((rows.left - rows.admitted)[stays]) / (high - low), rel=0.005
    )


# ------------------------------------------------------------------ courses of treatment


def shares_agree(count, of, theory):
    error = math.sqrt(theory * (1.0 - theory) / of)
    assert abs(count / of - theory) <= WITHIN * error, f"found {count / of:.4f} ± {error:.4f}, theory says {theory:.4f}"


def test_shares_of_outcomes_are_those_of_the_absorbing_chain():
    """Planned ends, hazards and death compete at constant rates, so visits and outcomes are those of a Markov chain."""
    rates = {
        "door": {"on": 0.5, "out": 0.1, "died": 0.02},
        "unit": {"back": 0.04, "done": 0.05, "up": 0.03, "died": 0.005},
        "intensive": {"back": 0.08, "done": 0.02, "died": 0.01},
    }
    services = {
        "door": {
            "length": {"law": "exponential", "mean": f"{1 / 0.6!r} days"},
            "ends": {"onward": {"share": 0.5 / 0.6, "to": "unit"}, "out": {"share": "rest", "to": "leave"}},
            "death": "0.02 / day",
        },
        "unit": {
            "length": {"law": "exponential", "mean": f"{1 / 0.09!r} days"},
            "ends": {
                "back": {"share": 0.04 / 0.09, "to": "door"},
                "done": {"share": "rest", "to": "leave"},
                "up": {"hazard": "0.03 / day", "to": "intensive"},
            },
            "death": "0.005 / day",
        },
        "intensive": {
            "ends": {"back": {"hazard": "0.08 / day", "to": "unit"}, "done": {"hazard": "0.02 / day", "to": "leave"}},
            "death": "0.01 / day",
        },
    }
    log = run(network(2_500, services, {"all": {"arrivals": "10 / day", "enters": "door"}}))
    totals = {name: sum(held.values()) for name, held in rates.items()}
    q = np.zeros((3, 3))
    q[0, 1] = 0.5 / totals["door"]
    q[1, 0], q[1, 2] = 0.04 / totals["unit"], 0.03 / totals["unit"]
    q[2, 1] = 0.08 / totals["intensive"]
    r = np.array(
        [
            [0.1 / totals["door"], 0.0, 0.0, 0.02 / totals["door"]],
            [0.0, 0.05 / totals["unit"], 0.0, 0.005 / totals["unit"]],
            [0.0, 0.0, 0.02 / totals["intensive"], 0.01 / totals["intensive"]],
        ]
    )
    visits, outcomes = absorbed(q, r)
    names, ends = np.array([*log.legend.services]), np.array([*log.legend.ends, ""])
    first = np.flatnonzero(log.row == 0)
    followed = {(int(c), int(n)) for c, n in zip(log.cohort[first], log.citizen[first], strict=True)}
    came = {int(n): float(t) for n, t in zip(log.citizen[first], log.referred[first], strict=True)}
    early = np.array([came[int(n)] < 1_900 for n in log.citizen])  # 600 days are enough for all but a few
    of = sum(1 for day in came.values() if day < 1_900)
    assert len(followed) == len(came)
    final = early & (log.to < -1) & ~np.isnan(log.left)
    assert final.sum() == of, "someone is still on the way"
    seen = list(zip(names[log.service[final]], ends[log.end_[final]], strict=True))
    for column, (service, end) in enumerate([("door", "out"), ("unit", "done"), ("intensive", "done")]):
        shares_agree(seen.count((service, end)), of, outcomes[0, column])
    shares_agree(sum(end == "died" for _, end in seen), of, outcomes[0, 3])
    for column, name in enumerate(["door", "unit", "intensive"]):
        counts = np.bincount(
            np.searchsorted(np.unique(log.citizen[early]), log.citizen[early & (names[log.service] == name)]),
            minlength=of,
        )
        agrees((float(counts.mean()), float(counts.std(ddof=1) / math.sqrt(of))), visits[0, column])


def test_a_hazard_against_a_planned_length_that_is_not_exponential():
    """P(planned end first) is the law's Laplace transform at the hazard: (1 + h theta)^-k for gamma lengths."""
    service = {
        "ends": {
            "done": {"share": 1, "length": {"law": "gamma", "mean": "10 days", "shape": 2}, "to": "leave"},
            "up": {"hazard": "0.08 / day", "to": "leave"},
        }
    }
    rows = Rows(run(queue(1_100, "20 / day", service)), "queue")
    mine = rows.referred < 900
    shares_agree(int(np.sum(rows.reason[mine] == "done")), int(mine.sum()), (1.0 + 0.08 * 5.0) ** -2)


def test_a_hazard_that_steps_with_the_calendar():
    """Nobody leaves but by the hazard: P(still there) = exp(-cumulative hazard), by calendar time."""
    hazard = {"early": "0.02 / day", "late": {"from": "2016-01-21", "value": "0.1 / day"}}
    service = {"ends": {"out": {"hazard": hazard, "to": "leave"}}}
    data = network(
        60, {"queue": service}, {"all": {"present": {"there": {"at": "queue", "count": 20_000, "lengths": "fresh"}}}}
    )
    rows = Rows(run(data), "queue")
    for day, gathered in ((10.0, 0.2), (20.0, 0.4), (25.0, 0.9), (40.0, 2.4)):
        shares_agree(rows.at(day), 20_000, math.exp(-gathered))


def test_the_budget_of_death_is_spent_at_the_rate_of_wherever_one_is():
    """Fixed stays at different rates, then for ever: P(alive) multiplies over the places gone through."""
    services = {
        "a": {
            "length": {"law": "fixed", "value": "10 days"},
            "death": "0.01 / day",
            "ends": {"onward": {"share": 1, "to": "b"}},
        },
        "b": {
            "length": {"law": "fixed", "value": "20 days"},
            "death": "0.03 / day",
            "ends": {"onward": {"share": 1, "to": "c"}},
        },
        "c": {
            "length": {"law": "fixed", "value": "100 days"},
            "death": {"early": "0 / day", "late": {"from": "2016-02-10", "value": "0.02 / day"}},
        },
    }
    data = network(80, services, {"all": {"present": {"there": {"at": "a", "count": 20_000, "lengths": "fresh"}}}})
    log = run(data)
    died = np.sort(log.left[np.array([*log.legend.ends, ""])[log.end_] == "died"])
    for day, gathered in ((10.0, 0.1), (20.0, 0.4), (30.0, 0.7), (40.0, 0.7), (70.0, 1.3)):
        shares_agree(int(np.sum(died > day)) + (20_000 - len(died)), 20_000, math.exp(-gathered))


def test_residual_lengths_keep_a_steady_state_steady():
    """Found in the middle: with lambda E[S] present at the start, residual, their number is level from the first day.

    Fresh lengths would give too many at first: E[S] instead of E[S^2] / 2 E[S] is left of a stay.
    """
    for law in ({"law": "gamma", "mean": "20 days", "shape": 4}, {"law": "fixed", "value": "20 days"}):
        present = {"there": {"at": "queue", "count": 10_000, "lengths": "residual"}}
        rows = Rows(run(queue(50, "500 / day", {"length": law}, present=present)), "queue")
        for day in (5.0, 10.0, 18.0, 40.0):
            # Those of the start who remain are binomial, those who came are Poisson: at most Poisson in spread.
            assert abs(rows.at(day) - 10_000) <= WITHIN * math.sqrt(10_000)
        old = rows.referred <= 0.0
        left = np.where(np.isnan(rows.left), math.inf, rows.left)[old]
        mean_left = float(np.mean(np.minimum(left, 200.0)))
        moment = 20.0**2 * (1.25 if law["law"] == "gamma" else 1.0)
        if not np.isinf(left).any():
            agrees((mean_left, float(left.std(ddof=1) / 100.0)), moment / 40.0)


def test_pairs_of_days_are_uncorrelated_when_lengths_are_short():
    """Counts of newcomers on different days are independent: a Poisson stream has no memory."""
    rows = Rows(run(queue(4_000, "5 / day", {"length": EXPONENTIAL})), "queue")
    counts = np.bincount(rows.referred.astype(int), minlength=4_000)
    assert abs(counts.mean() - 5.0) <= WITHIN * math.sqrt(5.0 / 4_000)
    assert counts.var(ddof=1) / counts.mean() == pytest.approx(1.0, abs=WITHIN * math.sqrt(2.0 / 4_000))
    for lag in (1, 2, 7):
        correlation = float(np.corrcoef(counts[:-lag], counts[lag:])[0, 1])
        assert abs(correlation) <= WITHIN / math.sqrt(4_000)


def test_edges_are_covered():
    """The windows of batch means meet without gap: their mean is that of the whole."""
    rows = Rows(run(queue(400, "2 / day", {"length": EXPONENTIAL})), "queue")
    edges = np.linspace(0, 400, 9)
    parts = [rows.present(low, high) for low, high in itertools.pairwise(edges)]
    assert np.mean(parts) == pytest.approx(rows.present(0, 400))
