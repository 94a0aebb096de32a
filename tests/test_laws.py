import dataclasses
import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from crksim.model.laws import (
    LAW_NAMES,
    Exponential,
    Fixed,
    Gamma,
    Loglogistic,
    Mixture,
    Weibull,
    elapsed_quantile,
    law_from,
    mean_thinned,
    needed,
    residual_quantile,
)


class LogOfLogistic:
    """The loglogistic law as exp of scipy's logistic: scipy's own (fisk) loses digits far out."""

    def __init__(self, shape, median):
        self.log = stats.logistic(math.log(median), 1.0 / shape)
        self.mean, self.std = stats.fisk(shape, scale=median).mean, stats.fisk(shape, scale=median).std

    def ppf(self, u):
        return np.exp(self.log.ppf(u))

    def isf(self, s):
        return np.exp(self.log.isf(s))

    def cdf(self, x):
        return self.log.cdf(np.log(np.maximum(x, 1e-300)))

    def sf(self, x):
        return self.log.sf(np.log(np.maximum(x, 1e-300)))


BY_NAME = {
    "exponential": ({"mean": 85.0}, stats.expon(scale=85.0)),
    "gamma_shape": ({"mean": 85.0, "shape": 2.0}, stats.gamma(2.0, scale=42.5)),
    "gamma_sd": ({"mean": 80.0, "sd": 20.0}, stats.gamma(16.0, scale=5.0)),
    "gamma_low": ({"mean": 80.0, "shape": 0.4}, stats.gamma(0.4, scale=200.0)),
    "erlang": ({"mean": 60.0, "stages": 3.0}, stats.gamma(3.0, scale=20.0)),
    "weibull": ({"mean": math.gamma(1 + 1 / 0.48) * 500.0, "shape": 0.48}, stats.weibull_min(0.48, scale=500.0)),
    "lognormal": (
        {"mean": math.exp(4.0 + 0.5), "sd": math.exp(4.5) * math.sqrt(math.e - 1.0)},
        stats.lognorm(1.0, scale=math.exp(4.0)),
    ),
    "loglogistic_median": ({"median": 30.0, "shape": 2.5}, LogOfLogistic(2.5, 30.0)),
    "loglogistic_mean": (
        {"mean": 30.0 * (math.pi / 3) / math.sin(math.pi / 3), "shape": 3.0},
        LogOfLogistic(3.0, 30.0),
    ),
    "uniform": ({"low": 3.0, "high": 10.0}, stats.uniform(3.0, 7.0)),
    "triangular": ({"low": 2.0, "mode": 4.0, "high": 12.0}, stats.triang(0.2, loc=2.0, scale=10.0)),
    "triangular_left": ({"low": 2.0, "mode": 2.0, "high": 12.0}, stats.triang(0.0, loc=2.0, scale=10.0)),
    "triangular_right": ({"low": 2.0, "mode": 12.0, "high": 12.0}, stats.triang(1.0, loc=2.0, scale=10.0)),
}
DISCRETE = {
    "fixed": law_from("fixed", {"value": 14.0}),
    "empirical": law_from(
        "empirical",
        {"value:b": 20.0, "value:a": 60.0, "value:c": 5.0, "weight:b": 2.0, "weight:a": 1.0, "weight:c": 5.0},
    ),
}
PARTS = {"early": (0.25, Exponential(20.0)), "late": (0.75, Gamma(3.0, 40.0))}
MIXED = law_from("mixture", {}, PARTS)
EDGES = np.concatenate((np.geomspace(1e-12, 0.4, 300), np.linspace(0.4, 0.6, 50), 1.0 - np.geomspace(0.4, 1e-12, 300)))


def law_of(case):
    return law_from(case.partition("_")[0], BY_NAME[case][0])


EVERY = {case: law_of(case) for case in BY_NAME} | DISCRETE | {"mixture": MIXED}


@pytest.mark.theory
@pytest.mark.parametrize("case", BY_NAME)
def test_quantiles_are_those_of_scipy(case):
    law, reference = law_of(case), BY_NAME[case][1]
    np.testing.assert_allclose(law.quantile(EDGES), reference.ppf(EDGES), rtol=1e-9)


@pytest.mark.theory
@pytest.mark.parametrize("shape", [0.0005, 0.05, 0.2, 0.9, 1.0, 1.5, 2.0, 4.0, 7.3, 100.0, 1e4])
def test_gamma_quantiles_are_right_to_nine_digits_in_both_tails(shape):
    law, reference = Gamma(shape, 1.0), stats.gamma(shape)
    np.testing.assert_allclose(law.quantile(EDGES), reference.ppf(EDGES), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(law.tail(EDGES), reference.isf(EDGES), rtol=1e-9, atol=1e-15)
    # Beyond the table, where a draw of 64 bits may still fall.
    np.testing.assert_allclose(law.quantile([1e-19]), reference.ppf([1e-19]), rtol=1e-9)
    np.testing.assert_allclose(law.tail([1e-30]), reference.isf([1e-30]), rtol=1e-9)


@pytest.mark.theory
@pytest.mark.parametrize("case", BY_NAME)
def test_distribution_functions_are_those_of_scipy(case):
    law, reference = law_of(case), BY_NAME[case][1]
    x = np.concatenate(([-1.0, 0.0], reference.ppf(EDGES), [1e4, 1e9]))
    np.testing.assert_allclose(law.cdf(x), reference.cdf(x), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(law.survival(x), reference.sf(x), rtol=1e-8, atol=1e-15)
    np.testing.assert_allclose(law.tail(EDGES), reference.isf(EDGES), rtol=1e-9)


@pytest.mark.theory
@pytest.mark.parametrize("case", BY_NAME)
def test_moments_are_those_of_scipy(case):
    law, reference = law_of(case), BY_NAME[case][1]
    assert law.mean == pytest.approx(reference.mean(), rel=1e-12)
    assert law.sd == pytest.approx(reference.std(), rel=1e-11)


@pytest.mark.theory
@pytest.mark.parametrize("variation", [0.01, 0.1, 0.5, 1.0, 1.7, 5.0, 20.0])
def test_weibull_by_mean_and_sd_has_that_mean_and_sd(variation):
    law = law_from("weibull", {"mean": 40.0, "sd": 40.0 * variation})
    mean, variance = stats.weibull_min.stats(law.shape, scale=law.scale, moments="mv")
    assert mean == pytest.approx(40.0, rel=1e-10)
    assert math.sqrt(variance) == pytest.approx(40.0 * variation, rel=1e-9)


@pytest.mark.theory
def test_heavy_tails_have_infinite_moments():
    assert law_from("loglogistic", {"median": 30.0, "shape": 1.0}).mean == math.inf
    wide = law_from("loglogistic", {"median": 30.0, "shape": 1.5})
    assert wide.mean == pytest.approx(30.0 * (math.pi / 1.5) / math.sin(math.pi / 1.5))
    assert wide.sd == math.inf
    assert Mixture((0.5, 0.5), (Exponential(1.0), Loglogistic(30.0, 1.0))).mean == math.inf
    assert Mixture((0.0, 1.0), (Loglogistic(30.0, 1.0), Exponential(2.0))).mean == 2.0


@pytest.mark.theory
@pytest.mark.parametrize("case", BY_NAME)
def test_seeded_draws_follow_the_law(case):
    # Kolmogorov-Smirnov; with a fixed seed it either always passes or never; threshold p > 0.001.
    u = np.random.default_rng(20161001).random(20_000)
    assert stats.kstest(law_of(case).quantile(u), BY_NAME[case][1].cdf).pvalue > 0.001


@pytest.mark.theory
def test_seeded_draws_follow_a_mixture():
    u = np.random.default_rng(20161001).random(20_000)
    drawn = MIXED.quantile(u)

    def cdf(x):
        return 0.25 * stats.expon(scale=20.0).cdf(x) + 0.75 * stats.gamma(3.0, scale=40.0).cdf(x)

    assert stats.kstest(drawn, cdf).pvalue > 0.001
    x = np.linspace(0.0, 500.0, 40)
    np.testing.assert_allclose(MIXED.cdf(x), cdf(x), rtol=1e-12)
    np.testing.assert_allclose(MIXED.survival(x), 1.0 - cdf(x), rtol=1e-9)
    np.testing.assert_allclose(MIXED.survival(MIXED.tail(EDGES)), EDGES, rtol=1e-9)
    mean = 0.25 * 20.0 + 0.75 * 120.0
    square = 0.25 * 2 * 20.0**2 + 0.75 * 3 * 4 * 40.0**2
    assert mean == pytest.approx(MIXED.mean)
    assert math.sqrt(square - mean**2) == pytest.approx(MIXED.sd)


@pytest.mark.theory
def test_an_empirical_law_draws_its_values_with_their_weights():
    law = DISCRETE["empirical"]
    drawn = law.quantile((np.arange(800) + 0.5) / 800)
    assert {x: int(np.sum(drawn == x)) for x in (5.0, 20.0, 60.0)} == {5.0: 500, 20.0: 200, 60.0: 100}
    mean = (5 * 5.0 + 2 * 20.0 + 60.0) / 8
    assert law.mean == pytest.approx(mean)
    assert law.sd == pytest.approx(math.sqrt((5 * 5.0**2 + 2 * 20.0**2 + 60.0**2) / 8 - mean**2))
    np.testing.assert_allclose(law.cdf([0.0, 4.9, 5.0, 19.9, 20.0, 60.0]), [0.0, 0.0, 0.625, 0.625, 0.875, 1.0])
    np.testing.assert_allclose(law.survival([-1.0, 5.0, 60.0]), [1.0, 0.375, 0.0])


@pytest.mark.unit
def test_an_empirical_law_without_weights_draws_all_alike():
    law = law_from("empirical", {"value:a": 3.0, "value:b": 1.0})
    assert law.quantile([0.49, 0.51]).tolist() == [1.0, 3.0]


@pytest.mark.unit
def test_a_fixed_law_knows_one_length():
    law = DISCRETE["fixed"]
    assert (law.mean, law.sd) == (14.0, 0.0)
    assert law.quantile([0.001, 0.999]).tolist() == [14.0, 14.0]
    assert law.cdf([13.9, 14.0]).tolist() == [0.0, 1.0]
    assert law.survival([13.9, 14.0]).tolist() == [1.0, 0.0]


@pytest.mark.unit
def test_a_mixture_spends_one_draw_on_the_part_and_on_the_length():
    u = np.array([0.05, 0.20, 0.40, 0.90])
    expected = [
        *Exponential(20.0).quantile(np.array([0.05, 0.20]) / 0.25),
        *Gamma(3.0, 40.0).quantile((np.array([0.40, 0.90]) - 0.25) / 0.75),
    ]
    np.testing.assert_allclose(MIXED.quantile(u), expected, rtol=1e-12)
    turned = law_from("mixture", {}, dict(reversed(PARTS.items())))
    assert turned == MIXED


@pytest.mark.unit
def test_a_mixture_leaves_a_part_without_weight_alone():
    law = law_from("mixture", {}, {"a": (1.0, Fixed(2.0)), "b": (0.0, Fixed(9.0))})
    assert set(law.quantile(np.linspace(1e-9, 1.0 - 1e-16, 101)).tolist()) == {2.0}


@pytest.mark.unit
@pytest.mark.parametrize("case", EVERY)
def test_a_length_depends_on_its_own_draw_alone(case):
    law = EVERY[case]
    u = np.random.default_rng(7).random(1003)
    whole = law.quantile(u)
    assert whole.tolist() == [float(law.quantile(np.array([one]))[0]) for one in u]
    assert whole.tolist() == np.concatenate([law.quantile(u[:500]), law.quantile(u[500:])]).tolist()
    assert whole[::-3].tolist() == law.quantile(u[::-3]).tolist()
    assert law.quantile(u[:1002].reshape(2, 501)).tolist() == whole[:1002].reshape(2, 501).tolist()
    assert float(law.quantile(0.3)) == law.quantile(np.array([0.3]))[0]


@pytest.mark.unit
@pytest.mark.parametrize("case", EVERY)
def test_laws_are_plain_values(case):
    law = EVERY[case]
    assert pickle.loads(pickle.dumps(law)) == law
    assert hash(pickle.loads(pickle.dumps(law))) == hash(law)
    with pytest.raises(AttributeError):
        setattr(law, dataclasses.fields(law)[0].name, 3.0)


@pytest.mark.property
@given(
    name=st.sampled_from(["gamma", "weibull", "lognormal"]),
    mean=st.floats(0.1, 5000.0),
    variation=st.floats(0.05, 4.0),
)
def test_any_law_by_mean_and_sd_has_that_mean_and_sd(name, mean, variation):
    law = law_from(name, {"mean": mean, "sd": mean * variation})
    assert law.mean == pytest.approx(mean, rel=1e-9)
    assert law.sd == pytest.approx(mean * variation, rel=1e-8)
    u = np.array([1e-9, 0.01, 0.5, 0.99, 1.0 - 1e-9])
    rising = law.quantile(u)
    assert np.all(np.diff(rising) > 0.0)
    np.testing.assert_allclose(law.cdf(rising), u, rtol=1e-7)


@pytest.mark.unit
def test_every_name_says_what_it_needs():
    assert LAW_NAMES == (
        "exponential",
        "gamma",
        "erlang",
        "weibull",
        "lognormal",
        "loglogistic",
        "uniform",
        "triangular",
        "fixed",
        "empirical",
        "mixture",
    )
    assert needed("gamma") == ({"mean", "sd"}, {"mean", "shape"})
    assert needed("empirical") == ({"values"}, {"values", "weights"})
    assert all(needed(name) for name in LAW_NAMES)
    with pytest.raises(ValueError, match="must be one of exponential, gamma"):
        needed("gama")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "numbers", "clause"),
    [
        ("gama", {"mean": 3.0}, "must be one of exponential, gamma"),
        ("exponential", {}, r"must have mean \(got none\)"),
        ("exponential", {"mean": 3.0, "sd": 1.0}, r"must have mean \(got mean, sd\)"),
        ("exponential", {"mean": 0.0}, r"must have mean above 0 \(got 0\)"),
        ("exponential", {"mean": math.nan}, "must have mean above 0"),
        ("exponential", {"mean": math.inf}, "must have mean above 0"),
        ("gamma", {"mean": 3.0, "sd": 1.0, "shape": 2.0}, "must have mean and sd or mean and shape"),
        ("gamma", {"mean": 3.0, "sd": -1.0}, r"must have sd above 0 \(got -1\)"),
        ("gamma", {"mean": 3.0, "shape": 0.0}, "must have shape above 0"),
        ("gamma", {"mean": 1e300, "sd": 1e-300}, "must have numbers of a size"),
        ("erlang", {"mean": 3.0, "stages": 2.5}, r"must have a whole number of stages \(got 2.5\)"),
        ("erlang", {"mean": 3.0, "stages": 0.0}, "must have stages above 0"),
        ("weibull", {"mean": 3.0, "shape": -1.0}, "must have shape above 0"),
        ("weibull", {"mean": 3.0, "shape": 0.001}, "must have numbers of a size"),
        ("weibull", {"mean": 3.0, "sd": 0.0}, "must have sd above 0"),
        ("lognormal", {"mean": -3.0, "sd": 1.0}, "must have mean above 0"),
        ("lognormal", {"mean": 3.0, "sd": 0.0}, "must have sd above 0"),
        ("loglogistic", {"mean": 3.0, "shape": 1.0}, "must have a shape above 1 .* give its median instead"),
        ("loglogistic", {"median": 3.0, "shape": 0.0}, "must have shape above 0"),
        ("uniform", {"low": 3.0, "high": 2.0}, r"must have 0 <= low < high.*\(got low 3, high 2\)"),
        ("uniform", {"low": 3.0, "high": 3.0}, "not all of them equal"),
        ("uniform", {"low": -3.0, "high": 3.0}, "must have 0 <= low"),
        ("triangular", {"low": 3.0, "mode": 2.0, "high": 4.0}, "must have 0 <= low <= mode <= high"),
        ("fixed", {"value": -1.0}, "must have a value of 0 or more"),
        ("empirical", {}, "must have values"),
        ("empirical", {"value:a": 1.0, "mean": 2.0}, "must have values, and may have weights"),
        ("empirical", {"value:a": 1.0, "value:b": 2.0, "weight:a": 1.0}, r"a weight for every value.*\(see b\)"),
        ("empirical", {"value:a": -1.0}, "must have values of 0 or more"),
        ("empirical", {"value:a": 1.0, "weight:a": -1.0}, "must have weights of 0 or more"),
        ("empirical", {"value:a": 1.0, "weight:a": 0.0}, "must have a weight above 0"),
        ("mixture", {}, "must have parts"),
    ],
)
def test_bad_numbers_are_named(name, numbers, clause):
    with pytest.raises(ValueError, match=clause):
        law_from(name, numbers)


@pytest.mark.unit
@pytest.mark.parametrize("weights", [(0.4, 0.5), (1.2, -0.2)])
def test_bad_mixture_weights_are_named(weights):
    with pytest.raises(ValueError, match=r"must have weights of 0 or more that sum to 1 \(got a"):
        law_from("mixture", {}, {"a": (weights[0], Fixed(1.0)), "b": (weights[1], Fixed(2.0))})


# Ages and what is left -----------------------------------------------------------------------------------------------

U = (np.arange(4000) + 0.5) / 4000


@pytest.mark.theory
@pytest.mark.parametrize("case", [case for case in EVERY if case != "exponential"])
@pytest.mark.parametrize("hazard", [0.0, 0.01])
def test_ages_have_the_thinned_survival_as_their_density(case, hazard):
    law = EVERY[case]
    picks = np.array([0.001, 0.1, 0.5, 0.9, 0.999])
    ages = elapsed_quantile(law, picks, hazard)
    edges = [0.0, *ages]
    mass = np.cumsum(
        [
            integrate.quad(
                lambda a: float(law.survival(a)) * math.exp(-hazard * a),
                low,
                high,
                points=[b for b in law.breaks if low < b < high] or None,
                limit=500,
            )[0]
            for low, high in itertools.pairwise(edges)
        ]
    )
    np.testing.assert_allclose(mass / mean_thinned(law, hazard), picks, atol=1e-4)


@pytest.mark.theory
@pytest.mark.parametrize("case", EVERY)
def test_the_thinned_mean_is_one_minus_the_laplace_transform_over_the_hazard(case):
    law, hazard = EVERY[case], 0.003
    assert mean_thinned(law) == law.mean
    u = (np.arange(200_000) + 0.5) / 200_000
    expected = np.mean(-np.expm1(-hazard * law.quantile(u))) / hazard
    assert mean_thinned(law, hazard) == pytest.approx(expected, rel=2e-5)


@pytest.mark.theory
@pytest.mark.parametrize("shape", [0.5, 2.0, 3.0, 7.5])
def test_a_gamma_in_progress_has_the_total_length_of_a_gamma_with_one_stage_more(shape):
    # Cox 1962, Renewal theory, section 5.2: a length met in its middle has the density x f(x) / mean; the age is a
    # uniform share of it, and what is left is like the age.
    law = Gamma(shape, 30.0)
    rng = np.random.default_rng(5)
    ages = elapsed_quantile(law, rng.random(20_000))
    left = residual_quantile(law, ages, rng.random(20_000))
    assert stats.kstest(ages + left, stats.gamma(shape + 1.0, scale=30.0).cdf).pvalue > 0.001
    assert stats.kstest(ages / (ages + left), stats.uniform.cdf).pvalue > 0.001

    def equilibrium(x):
        x = np.asarray(x)
        inside = stats.gamma(shape + 1.0, scale=30.0).cdf(x)
        return inside + x * stats.gamma(shape, scale=30.0).sf(x) / (shape * 30.0)

    np.testing.assert_allclose(equilibrium(elapsed_quantile(law, U)), U, atol=1e-4)
    assert stats.kstest(left, equilibrium).pvalue > 0.001


@pytest.mark.theory
def test_an_exponential_has_no_memory():
    law = Exponential(50.0)
    np.testing.assert_allclose(elapsed_quantile(law, U), law.quantile(U), rtol=1e-12)
    np.testing.assert_allclose(elapsed_quantile(law, U, 0.02), Exponential(25.0).quantile(U), rtol=1e-12)
    assert mean_thinned(law, 0.02) == pytest.approx(25.0)
    for age in (0.0, 10.0, 2000.0):
        np.testing.assert_allclose(residual_quantile(law, age, U), law.quantile(U), rtol=1e-9)


@pytest.mark.theory
def test_a_uniform_in_progress():
    law = law_from("uniform", {"low": 0.0, "high": 12.0})
    # Density of the age (1 - a / 12) / 6, so F(a) = a / 6 - a^2 / 144.
    np.testing.assert_allclose(elapsed_quantile(law, U), 12.0 * (1.0 - np.sqrt(1.0 - U)), atol=2e-3)
    np.testing.assert_allclose(residual_quantile(law, 9.0, U), 3.0 * U, rtol=1e-9)


@pytest.mark.theory
def test_a_fixed_length_in_progress():
    law = Fixed(14.0)
    ages = elapsed_quantile(law, U)
    np.testing.assert_allclose(ages, 14.0 * U, rtol=1e-9)
    np.testing.assert_allclose(residual_quantile(law, ages, 0.3), 14.0 * (1.0 - U), rtol=1e-9)
    thinned = -np.log1p(U * np.expm1(-0.1 * 14.0)) / 0.1
    np.testing.assert_allclose(elapsed_quantile(law, U, 0.1), thinned, atol=2e-3)


@pytest.mark.theory
def test_a_falling_hazard_leaves_the_more_the_longer_one_has_been_there():
    law = Weibull(0.48, 500.0)
    ages = np.array([1.0, 100.0, 5000.0])
    left = residual_quantile(law, ages, 0.5)
    expected = stats.weibull_min(0.48, scale=500.0).isf(stats.weibull_min(0.48, scale=500.0).sf(ages) / 2) - ages
    np.testing.assert_allclose(left, expected, rtol=1e-9)
    assert np.all(np.diff(left) > 0.0)


@pytest.mark.theory
def test_what_is_left_of_a_mixture_has_its_conditional_survival():
    ages = np.array([0.0, 15.0, 300.0])[:, None]
    left = residual_quantile(MIXED, ages, U[None, ::40])
    conditional = MIXED.survival(ages + left) / MIXED.survival(ages)
    np.testing.assert_allclose(conditional, np.broadcast_to(1.0 - U[::40], (3, 100)), rtol=1e-8)


@pytest.mark.unit
def test_what_is_left_of_values_is_a_later_value():
    law = DISCRETE["empirical"]
    left = residual_quantile(law, 10.0, U)
    assert {float(x): int(np.sum(left == x)) for x in np.unique(left)} == {10.0: 2667, 50.0: 1333}
    assert residual_quantile(law, 70.0, 0.5) == 0.0
    assert residual_quantile(law, 60.0, 0.5) == 0.0
    assert residual_quantile(MIXED, 1e9, 0.5) == 0.0


@pytest.mark.unit
def test_no_length_has_no_age():
    assert elapsed_quantile(Fixed(0.0), [0.2, 0.8]).tolist() == [0.0, 0.0]
    assert mean_thinned(Fixed(0.0), 0.1) == 0.0


@pytest.mark.unit
def test_an_infinite_mean_has_ages_only_beside_a_hazard():
    law = Loglogistic(30.0, 0.9)
    with pytest.raises(ValueError, match="must have a finite mean"):
        elapsed_quantile(law, [0.5])
    ages = elapsed_quantile(law, U, 0.01)
    assert np.all(np.diff(ages) > 0.0)
    assert 0.0 < mean_thinned(law, 0.01) < 100.0
