"""Sequential Monte Carlo against posteriors that are known, with likelihoods estimated from four futures."""

import numpy as np
import pytest
from scipy import integrate, stats

from crksim.analysis.counts import Count, log_likelihood
from crksim.analysis.particles import start, step


def rate(score):
    """Expected starts: lognormal with median 15, from a third to three times."""
    return 15.0 * np.exp(score * np.log(3.0) / 1.645)


def share(score):
    """Share from the host: evenly from nothing to all."""
    return stats.norm.cdf(score)


def model(seed):
    """Starts, and those from the host among them, of each version in four futures."""
    luck = np.random.default_rng(seed)

    def evaluate(scores, first):
        starts = luck.poisson(np.broadcast_to(rate(scores[:, :1]), (len(scores), 4)))
        host = luck.binomial(starts, np.clip(share(scores[:, 1:2]), 1e-9, 1 - 1e-9))
        return np.stack((starts, host), axis=2).astype(float)

    return evaluate


def likelihood(starts, host):
    whole = Count("starts", "count", (float(starts),), ("m",))
    parts = Count("host", "binomial", (float(host), float(starts)), ("a", "w"))

    def found(simulated):
        return log_likelihood(whole, simulated[:, :, :1]) + log_likelihood(parts, simulated[:, :, ::-1])

    return found


def posterior(seed, size=1000, starts=19, host=13):
    random = np.random.default_rng(seed)
    evaluate, weigh = model(seed + 1), likelihood(starts, host)
    cloud = start(size, 2, evaluate, random)
    while not cloud.done:
        step(cloud, evaluate, weigh, random)
    return cloud


@pytest.mark.theory
def test_particles_reach_the_posterior_that_integration_gives():
    """Mean and standard deviation of both parameters. The tolerance of the means is four standard errors of 1,000
    particles; the spreads may be an eighth off: a likelihood from four futures is exact to second order only."""
    cloud = posterior(3)

    def moments(log_density):
        norm, _ = integrate.quad(lambda z: np.exp(log_density(z)), -8, 8)
        mean, _ = integrate.quad(lambda z: z * np.exp(log_density(z)) / norm, -8, 8)
        square, _ = integrate.quad(lambda z: z * z * np.exp(log_density(z)) / norm, -8, 8)
        return mean, np.sqrt(square - mean**2)

    exact = [
        moments(lambda z: stats.poisson.logpmf(19, rate(z)) + 45.0 + stats.norm.logpdf(z)),
        moments(lambda z: stats.binom.logpmf(13, 19, share(z)) + stats.norm.logpdf(z)),
    ]
    for column, (mean, spread) in enumerate(exact):
        found = cloud.scores[:, column]
        assert found.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(1000) + 0.02)
        assert found.std() == pytest.approx(spread, rel=0.125)
    assert cloud.steps[-1].temper == 1.0
    assert all(taken.effective >= 0.5 * 1000 for taken in cloud.steps)
    assert len(set(cloud.ancestors)) < 1000


@pytest.mark.theory
@pytest.mark.slow
def test_ranges_of_made_up_truths_hold_nine_in_ten():
    """Simulation-based calibration of the whole procedure (Talts et al. 2018) on 300 truths drawn from the prior: the
    share of 90 % ranges that hold the truth lies within the band that 99.9 % of binomial counts fall into."""
    random, held, ranks = np.random.default_rng(11), np.zeros(2), []
    for world in range(300):
        truth = random.standard_normal(2)
        starts = random.poisson(rate(truth[0]))
        host = random.binomial(starts, share(truth[1]))
        cloud = posterior(100 + world, size=150, starts=starts, host=host)
        low, high = np.quantile(cloud.scores, [0.05, 0.95], axis=0)
        held += (low <= truth) & (truth <= high)
        ranks.append((cloud.scores < truth).mean(axis=0))
    few, many = stats.binom(300, 0.9).ppf([0.0005, 0.9995])
    assert ((few <= held) & (held <= many)).all(), held
    for column in np.array(ranks).T:
        counts = np.histogram(column, bins=10, range=(0.0, 1.0))[0]
        assert stats.chisquare(counts).pvalue > 1e-3, counts


@pytest.mark.unit
def test_versions_that_are_not_possible_have_no_weight_and_do_not_stop_it():
    evaluate, random = model(5), np.random.default_rng(4)

    def patchy(scores, first):
        found = evaluate(scores, first)
        found[scores[:, 0] > 0.5] = np.nan
        return found

    weigh = likelihood(19, 13)

    def careful(simulated):
        possible = ~np.isnan(simulated).all(axis=(1, 2))
        logs = np.full(len(simulated), -np.inf)
        logs[possible] = weigh(simulated[possible])
        return logs

    cloud = start(300, 2, patchy, random)
    while not cloud.done:
        step(cloud, patchy, careful, random)
    assert (cloud.scores[:, 0] <= 0.5).all()


@pytest.mark.unit
def test_the_same_luck_gives_the_same_particles():
    one, two = posterior(8, size=60), posterior(8, size=60)
    assert np.array_equal(one.scores, two.scores)
    assert one.steps == two.steps
