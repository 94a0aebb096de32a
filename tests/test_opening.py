"""Those present at the start: found in the middle of their stays, with ends and lengths by length-bias.

Checks against a law are Kolmogorov-Smirnov with fixed seeds; the residual law of a stay found in progress is the
equilibrium law, with density survival / mean (Cox 1962, Renewal theory, section 5.2), thinned by hazards.
"""

import math

import numpy as np
import pytest

from crksim.errors import InputError
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import OPENING
from tests.theory_networks import WITHIN, Rows, batches, end_after, network, run

SURE = 1e-4
COUNT = 3000


def present(service, count=COUNT, days=1, lengths="residual", services=None, **cohort):
    """Run a study in which some are present in a service ``unit`` at the start, and return its log."""
    cohorts = {"all": {"present": {"there": {"at": "unit", "count": count, "lengths": lengths}}, **cohort}}
    return run(network(days, {"unit": service, **(services or {})}, cohorts))


def spent_and_left(log):
    """Return for those present at the start how long they had been there, and how long they would still stay."""
    opening = (log.flags & OPENING) > 0
    return -log.admitted[opening], log.due[opening]


# --- the rows --------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_opening_rows_have_no_wait_and_a_flag_and_begin_before_the_start():
    log = present(
        {"length": {"law": "gamma", "mean": "50 days", "shape": 2}},
        count=200,
        arrivals="2 / day",
        enters="unit",
        days=30,
    )
    opening = (log.flags & OPENING) > 0
    assert opening.sum() == 200
    assert np.all(log.admitted[opening] < 0.0)
    assert np.array_equal(log.referred[opening], log.admitted[opening])
    assert np.all(log.row[opening] == 0)
    assert np.all(log.from_row[opening] == -1)
    assert np.all(log.nth[opening] == 0)
    assert np.all(log.due[opening] >= 0.0)
    assert np.all(log.referred[~opening] >= 0.0)
    assert np.all((log.flags[~opening] & OPENING) == 0)


@pytest.mark.unit
def test_fresh_stays_begin_on_the_first_day_and_have_the_plain_law():
    from scipy.stats import kstest

    spent, left = spent_and_left(
        present({"length": {"law": "uniform", "low": "10 days", "high": "30 days"}}, lengths="fresh")
    )
    assert np.all(spent == 0.0)
    assert kstest(left, "uniform", args=(10.0, 20.0)).pvalue > SURE


@pytest.mark.unit
def test_those_present_take_places_and_what_they_are_counted_in():
    service = {"places": {"hard": 5}, "length": {"law": "fixed", "value": "100 days"}}
    log = present(service, count=5, days=10, lengths="fresh", arrivals={"times": {"a": "1 day"}}, enters="unit")
    newcomer = (log.flags & OPENING) == 0
    assert newcomer.sum() == 1
    assert np.isnan(log.admitted[newcomer]).all()


@pytest.mark.unit
def test_more_present_than_places_throws_nobody_out():
    service = {"places": {"hard": 2}, "length": {"law": "fixed", "value": "4 days"}}
    log = present(service, count=5, days=10, lengths="fresh", arrivals={"times": {"a": "1 day"}}, enters="unit")
    opening = (log.flags & OPENING) > 0
    assert opening.sum() == 5
    assert np.all(log.left[opening] == 4.0)
    assert log.admitted[~opening].tolist() == [4.0]


@pytest.mark.unit
def test_another_count_leaves_those_who_were_there():
    service = {"length": {"law": "exponential", "mean": "50 days"}}
    few, many = (spent_and_left(present(service, count=count)) for count in (50, 80))
    for less, more in zip(few, many, strict=True):
        assert less.tolist() == more[:50].tolist()


@pytest.mark.unit
def test_who_has_no_home_cannot_be_present_in_it():
    unit = {"unit": {"length": {"law": "fixed", "value": "1 day"}}}
    data = network(10, unit, {"all": {"present": {"there": {"at": "home", "count": 1}}}})
    with pytest.raises(InputError, match="home"):
        run(data)


# --- what is left ----------------------------------------------------------------------------------------------------


@pytest.mark.theory
def test_exponential_lengths_are_memoryless():
    from scipy.stats import kstest

    spent, left = spent_and_left(present({"length": {"law": "exponential", "mean": "50 days"}}))
    assert kstest(spent, "expon", args=(0.0, 50.0)).pvalue > SURE
    assert kstest(left, "expon", args=(0.0, 50.0)).pvalue > SURE
    assert abs(np.corrcoef(spent, left)[0, 1]) * math.sqrt(COUNT) < WITHIN


@pytest.mark.theory
def test_gamma_lengths_leave_a_gamma_of_one_more_stage_in_all():
    from scipy.stats import gamma, kstest

    spent, left = spent_and_left(present({"length": {"law": "gamma", "mean": "50 days", "shape": 2}}))
    scale = 25.0
    # Length-bias multiplies the density by the length: gamma k becomes gamma k + 1.
    assert kstest(spent + left, gamma(3.0, scale=scale).cdf).pvalue > SURE

    def equilibrium(x):
        # Erlang 2: a stay in progress is in either stage with the same chance.
        return 0.5 * gamma(1.0, scale=scale).cdf(x) + 0.5 * gamma(2.0, scale=scale).cdf(x)

    assert kstest(left, equilibrium).pvalue > SURE
    assert kstest(spent, equilibrium).pvalue > SURE


@pytest.mark.theory
@pytest.mark.parametrize("shape", [0.5, 0.8, 2.0])
def test_weibull_lengths(shape):
    from scipy.special import gammainc
    from scipy.stats import kstest

    spent, left = spent_and_left(present({"length": {"law": "weibull", "mean": "50 days", "shape": shape}}))
    scale = 50.0 / math.gamma(1.0 + 1.0 / shape)

    def equilibrium(x):
        # The integral of exp(-(x / scale)^shape) / mean: a regularised incomplete gamma function of (x / scale)^shape.
        return gammainc(1.0 / shape, (x / scale) ** shape)

    assert kstest(spent, equilibrium).pvalue > SURE
    assert kstest(left, equilibrium).pvalue > SURE


@pytest.mark.theory
def test_lognormal_lengths_in_all_have_the_same_spread_about_a_higher_middle():
    from scipy.stats import kstest, lognorm

    spent, left = spent_and_left(present({"length": {"law": "lognormal", "mean": "50 days", "sd": "40 days"}}))
    sigma2 = math.log1p((40.0 / 50.0) ** 2)
    mu = math.log(50.0) - sigma2 / 2.0
    whole = lognorm(math.sqrt(sigma2), scale=math.exp(mu + sigma2))
    assert kstest(spent + left, whole.cdf).pvalue > SURE


@pytest.mark.theory
def test_fixed_lengths_are_found_anywhere_in_their_course():
    from scipy.stats import kstest

    spent, left = spent_and_left(present({"length": {"law": "fixed", "value": "50 days"}}))
    assert kstest(left, "uniform", args=(0.0, 50.0)).pvalue > SURE
    np.testing.assert_allclose(spent + left, 50.0, rtol=0.0, atol=2.0**-19)


@pytest.mark.theory
def test_ends_are_found_by_their_share_times_their_mean_length():
    service = {
        "ends": {
            "long": {"share": 0.2, "length": {"law": "gamma", "mean": "200 days", "shape": 2}, "to": "leave"},
            "short": {"share": "rest", "length": {"law": "exponential", "mean": "20 days"}, "to": "leave"},
        }
    }
    rows = Rows(present(service, days=4000))
    expected = 0.2 * 200.0 / (0.2 * 200.0 + 0.8 * 20.0)
    error = math.sqrt(expected * (1.0 - expected) / COUNT)
    assert abs(np.mean(rows.reason == "long") - expected) < WITHIN * error


@pytest.mark.theory
def test_a_hazard_thins_those_who_have_been_there_long():
    from scipy.stats import kstest

    hazard, mean = 1.0 / 40.0, 50.0
    service = {
        "length": {"law": "fixed", "value": f"{mean} days"},
        "ends": {"done": {"share": 1, "to": "leave"}, "called": {"hazard": f"{hazard!r} / day", "to": "leave"}},
    }
    log = present(service, days=200)
    spent, left = spent_and_left(log)

    def age(a):
        return np.expm1(-hazard * np.minimum(a, mean)) / math.expm1(-hazard * mean)

    assert kstest(spent, age).pvalue > SURE
    # The age of a fixed length under a hazard is a truncated exponential; what is left has the same law by symmetry
    # of the steady state (forward and backward recurrence times agree in law).
    assert kstest(left, age).pvalue > SURE
    # Rates of ends in the steady state: planned ends over all ends is exp(-hazard mean).
    called = float(np.mean(Rows(log).reason == "called"))
    # An end is due to the hazard with the chance that it is in the time left: 1 - E exp(-hazard (mean - age)).
    expected = 1.0 - hazard * mean * math.exp(-hazard * mean) / -math.expm1(-hazard * mean)
    assert abs(called - expected) < WITHIN * math.sqrt(expected * (1 - expected) / COUNT)


@pytest.mark.theory
def test_hazards_alone_are_memoryless():
    from scipy.stats import kstest

    service = {"ends": {"a": {"hazard": "0.03 / day", "to": "leave"}, "b": {"hazard": "0.01 / day", "to": "leave"}}}
    log = present(service, days=2000)
    spent, left = spent_and_left(log)
    assert kstest(spent, "expon", args=(0.0, 25.0)).pvalue > SURE
    assert kstest(left, "expon", args=(0.0, 25.0)).pvalue > SURE
    assert abs(np.mean(Rows(log).reason == "a") - 0.75) < WITHIN * math.sqrt(0.75 * 0.25 / COUNT)


# --- a steady state stays steady -------------------------------------------------------------------------------------

CASELOAD = 100
STEADY = {
    "exponential": ({"length": {"law": "exponential", "mean": "80 days"}}, 80.0),
    "gamma": ({"length": {"law": "gamma", "mean": "80 days", "shape": 3}}, 80.0),
    "weibull": ({"length": {"law": "weibull", "mean": "80 days", "shape": 0.6}}, 80.0),
    "fixed": ({"length": {"law": "fixed", "value": "80 days"}}, 80.0),
    "shares": (
        {
            "ends": {
                "long": {
                    "share": 0.3,
                    "length": {"law": "lognormal", "mean": "200 days", "sd": "100 days"},
                    "to": "leave",
                },
                "short": {"share": "rest", "length": {"law": "gamma", "mean": "20 days", "shape": 2}, "to": "leave"},
            }
        },
        0.3 * 200.0 + 0.7 * 20.0,
    ),
    "hazard": (
        {
            "length": {"law": "fixed", "value": "80 days"},
            "ends": {"done": {"share": 1, "to": "leave"}, "called": {"hazard": "0.02 / day", "to": "leave"}},
        },
        # The mean of the smaller of a fixed length and an exponential.
        -math.expm1(-0.02 * 80.0) / 0.02,
    ),
    "hazard on a gamma": (
        {
            "length": {"law": "gamma", "mean": "80 days", "shape": 2},
            "ends": {"done": {"share": 1, "to": "leave"}, "called": {"hazard": "0.02 / day", "to": "leave"}},
        },
        # One minus the Laplace transform of the gamma law, over the hazard.
        (1.0 - (1.0 + 40.0 * 0.02) ** -2) / 0.02,
    ),
    "death": (
        {"length": {"law": "fixed", "value": "80 days"}, "death": "0.01 / day"},
        -math.expm1(-0.01 * 80.0) / 0.01,
    ),
}


@pytest.mark.theory
@pytest.mark.parametrize("name", STEADY)
def test_a_caseload_fed_at_count_over_mean_length_stays_level(name):
    service, mean = STEADY[name]
    data = network(
        120,
        {"unit": service},
        {
            "all": {
                "present": {"there": {"at": "unit", "count": CASELOAD, "lengths": "residual"}},
                "arrivals": f"{CASELOAD / mean!r} / day",
                "enters": "unit",
            }
        },
    )
    study = read_study(data)
    plan = structure(study).bind(default_theta(study.network))
    days, replications = [5.0, 20.0, 40.0, 79.0, 81.0, 110.0], 25
    found = np.array(
        [
            [Rows(log).at(day) for day in days]
            for log in (simulate(plan, Luck(1, number)) for number in range(replications))
        ]
    )
    # Infinite places: survivors of the opening and newcomers; the variance is at most the caseload.
    error = math.sqrt(CASELOAD / replications)
    assert np.all(np.abs(found.mean(axis=0) - CASELOAD) < WITHIN * error), found.mean(axis=0)


@pytest.mark.theory
@pytest.mark.slow
def test_a_caseload_stays_level_over_years():
    service, mean = STEADY["hazard on a gamma"]
    data = network(
        8000,
        {"unit": service},
        {
            "all": {
                "present": {"there": {"at": "unit", "count": CASELOAD, "lengths": "residual"}},
                "arrivals": f"{CASELOAD / mean!r} / day",
                "enters": "unit",
            }
        },
    )
    level, error = batches(Rows(run(data)).present, 0.0, 8000.0)
    assert error < 0.02 * CASELOAD
    assert abs(level - CASELOAD) < WITHIN * error


@pytest.mark.theory
def test_dated_hazards_hold_from_their_day_for_those_present():
    # The hazard is zero at first, so ages are unthinned, and begins on day 30: survival is exponential from there.
    service = {
        "length": {"law": "fixed", "value": "10000 days"},
        "ends": {
            "done": {"share": 1, "to": "leave"},
            "called": {
                "hazard": {"first": "0 / day", "on": {"from": end_after(30), "value": "0.1 / day"}},
                "to": "leave",
            },
        },
    }
    log = present(service, days=60, lengths="fresh")
    left = log.left[~np.isnan(log.left)]
    assert left.min() >= 30.0
    expected = 1.0 - math.exp(-0.1 * 30.0)
    assert abs(len(left) / COUNT - expected) < WITHIN * math.sqrt(expected * (1 - expected) / COUNT)
