"""Counts that share people: their joint likelihood against laws that are known."""

import numpy as np
import pytest
from scipy import stats

from crksim.analysis.counts import Count, law_of_numbers, log_likelihood
from crksim.analysis.dependence import log_dependence, tied

YEARS = [Count("first", "count", (62.0,), ("a",)), Count("second", "count", (74.0,), ("b",))]


def two_years(random, rate, share, shape):
    """Numbers of two years of which a share are the same people; each is Poisson with the rate."""
    both = random.poisson(rate * share, shape)
    return [(both + random.poisson(rate * (1.0 - share), shape)).astype(float) for _ in range(2)]


def joint(rate, share, first, second):
    """Chance of both numbers at every rate: the common people summed out."""
    rate = np.asarray(rate, dtype=float)[:, None]
    common = np.arange(0, min(first, second) + 1)
    own = rate * (1.0 - share)
    return (
        stats.poisson.pmf(common, rate * share)
        * stats.poisson.pmf(first - common, own)
        * stats.poisson.pmf(second - common, own)
    ).sum(axis=1)


@pytest.mark.theory
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_two_years_with_people_in_common_have_their_joint_likelihood(share):
    """Bivariate Poisson law. With 4,000 futures the estimates are nearly exact; the normal copula is another law with
    the same correlation, so differences of log likelihood may be 0.15 off where they are up to 6."""
    random, rates = np.random.default_rng(3), np.array([50.0, 58.0, 66.0, 74.0, 82.0])
    years = [
        np.stack(column)[:, :, None] for column in zip(*(two_years(random, r, share, 4000) for r in rates), strict=True)
    ]
    found = sum(log_likelihood(count, numbers) for count, numbers in zip(YEARS, years, strict=True))
    found = found + log_dependence(list(zip(YEARS, years, strict=True)))
    exact = np.log(joint(rates, share, 62, 74))
    assert found - found[2] == pytest.approx(exact - exact[2], abs=0.15)


@pytest.mark.theory
def test_the_correlation_is_the_share_of_people_in_common():
    random = np.random.default_rng(4)
    rates = random.uniform(20.0, 200.0, (400, 1))  # versions differ far more than futures of one do
    numbers = np.stack(two_years(random, rates, 0.4, (400, 4)), axis=2)
    assert tied(numbers)[0, 1] == pytest.approx(0.4, abs=4 * (1 - 0.4**2) / np.sqrt(1200))
    alone = np.stack([random.poisson(rates, (400, 4)) for _ in range(3)], axis=2).astype(float)
    # Of three correlations within two standard errors in 95 of 100 cases none is larger than three in all.
    assert (np.abs(tied(alone) - np.eye(3)) < 3.0 / np.sqrt(1200)).all()


@pytest.mark.theory
@pytest.mark.parametrize("law", [stats.poisson(12.0), stats.nbinom(6.0, 1.0 / 3.0), stats.binom(40, 0.3)])
def test_chances_of_at_most_a_number_are_those_of_the_law(law):
    random = np.random.default_rng(5)
    draws = law.rvs((1, 200_000), random_state=random).astype(float)
    found = law_of_numbers(YEARS[0], draws)
    for number in (-1.0, 4.0, 11.0, 18.0, 60.0):
        assert found.below(number)[0] == pytest.approx(law.cdf(number), abs=0.006)


@pytest.mark.theory
@pytest.mark.slow
def test_ranges_hold_the_truth_as_often_as_those_of_the_joint_law():
    """90 % ranges of a rate by both numbers, for 400 truths, against those of the bivariate Poisson law.

    On the same truths they may hold a fortieth less or more often: three standard errors when one range in 40 differs.
    One by one, the numbers give ranges that hold the truth at least a twentieth less often.
    """
    random, rates = np.random.default_rng(6), np.exp(np.linspace(np.log(20.0), np.log(180.0), 160))
    share, futures, held = 0.7, 20, np.zeros(3)
    for _ in range(400):
        truth = float(np.exp(random.uniform(np.log(35.0), np.log(105.0))))
        reported = two_years(random, truth, share, ())
        counts = [Count(str(n), "count", (float(y),), ("m",)) for n, y in enumerate(reported)]
        years = [y[:, :, None] for y in two_years(random, rates[:, None], share, (160, futures))]
        alone = sum(log_likelihood(count, numbers) for count, numbers in zip(counts, years, strict=True))
        together = alone + log_dependence(list(zip(counts, years, strict=True)))
        # A parabola near the top takes the luck of the futures off, so that nothing need be sharpened for it.
        near = np.abs(np.log(rates / (sum(reported) / 2.0))) < 0.5
        curves = [np.polynomial.Polynomial.fit(np.log(rates[near]), logs[near], 2) for logs in (together, alone)]
        logs = [curve(np.log(rates)) * (futures - 1) / futures for curve in curves]
        logs.append(np.log(joint(rates, share, *map(int, reported)) + 1e-300))
        allowed = (rates >= 35.0) & (rates <= 105.0)
        for place, log in enumerate(logs):
            weights = np.where(allowed, np.exp(log - log[allowed].max()), 0.0)
            chance = (np.cumsum(weights) - weights / 2.0) / weights.sum()
            low, high = np.interp([0.05, 0.95], chance, rates)
            held[place] += low <= truth <= high
    together, alone, exact = held / 400
    assert together == pytest.approx(exact, abs=0.025), held
    assert alone < exact - 0.05, held
