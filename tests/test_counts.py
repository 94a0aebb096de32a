"""The report's counts and their likelihoods."""

import copy
import math

import numpy as np
import pytest
from scipy import stats

from crksim.analysis.counts import Count, log_likelihood, read_counts
from crksim.analysis.freezing import frozen_mark
from crksim.errors import InputError
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.study import read_study
from crksim.model.vocabulary import parse_measures

FUTURES = 4000


def simulated(draws):
    """Two versions with the same law, far more futures than a calibration takes, so that estimates are nearly exact."""
    return np.stack([draws[:FUTURES], draws[FUTURES:]])[:, :, None].astype(float)


def differences(count, law, shift):
    """Log likelihood of a version against another whose expected number is larger, model and theory."""
    random = np.random.default_rng(5)
    base, other = law(1.0).rvs(2 * FUTURES, random_state=random), law(shift).rvs(2 * FUTURES, random_state=random)
    found = log_likelihood(count, np.concatenate((simulated(base)[:1], simulated(other)[:1])))
    return float(found[0] - found[1])


@pytest.mark.theory
@pytest.mark.parametrize(
    ("law", "name"),
    [
        (lambda f: stats.poisson(12.0 * f), "Poisson"),
        (lambda f: stats.nbinom(6.0 * f, 1.0 / 3.0), "negative binomial with thrice the variance"),
        (lambda f: stats.binom(round(40 * f), 0.4), "binomial with three fifths of the variance"),
    ],
)
def test_a_count_has_the_likelihood_of_the_law_that_the_futures_have(law, name):
    """The class of Panjer holds all three; the spread of the futures chooses.  Monte Carlo: within 0.12 of a log unit,
    four standard errors of the difference at 4,000 futures."""
    for reported in (9, 14, 22):
        count = Count("c", "count", (float(reported),), ("m",))
        expected = law(1.0).logpmf(reported) - law(1.25).logpmf(reported)
        assert differences(count, law, 1.25) == pytest.approx(expected, abs=0.12), (name, reported)


@pytest.mark.theory
def test_a_range_of_counts_is_the_sum_of_its_numbers():
    count = Count("c", "count_range", (10.0, 14.0), ("m",))
    low, high = (stats.poisson(12.0 * f) for f in (1.0, 1.25))
    expected = math.log(low.cdf(14) - low.cdf(9)) - math.log(high.cdf(14) - high.cdf(9))
    assert differences(count, lambda f: stats.poisson(12.0 * f), 1.25) == pytest.approx(expected, abs=0.06)


@pytest.mark.theory
def test_parts_of_a_whole_have_the_multinomial_likelihood():
    random = np.random.default_rng(6)
    shares = np.array([[0.6, 0.1, 0.3], [0.3, 0.3, 0.4]])
    parts = np.stack([random.multinomial(20, share, FUTURES) for share in shares]).astype(float)
    whole = np.concatenate((parts[:, :, :2], parts.sum(axis=2, keepdims=True)), axis=2)
    reported = (13.0, 1.0, 5.0)
    expected = float(np.dot(reported, np.log(shares[0]) - np.log(shares[1])))
    for measures, numbers in ((("a", "b", "c"), parts), (("a", "b", "rest of w"), whole)):
        found = log_likelihood(Count("c", "multinomial", reported, measures), numbers)
        assert found[0] - found[1] == pytest.approx(expected, abs=0.1)
    two = np.stack((parts[:, :, 0], parts.sum(axis=2)), axis=2)
    found = log_likelihood(Count("c", "binomial", (13.0, 19.0), ("a", "w")), two)
    expected = stats.binom(19, 0.6).logpmf(13) - stats.binom(19, 0.3).logpmf(13)
    assert found[0] - found[1] == pytest.approx(expected, abs=0.1)


@pytest.mark.theory
def test_a_vague_definition_widens_a_binomial_to_the_beta_binomial_of_that_variance():
    shares, random = (0.6, 0.3), np.random.default_rng(7)
    numbers = np.stack(
        [np.stack((random.binomial(20, share, FUTURES), np.full(FUTURES, 20)), axis=1) for share in shares]
    ).astype(float)
    count = Count("c", "binomial", (13.0, 19.0), ("a", "w"), extra=2.0)
    size = (19 - 2.0) / (2.0 - 1.0)  # variance n p q (1 + (n - 1) / (size + 1)) is twice n p q
    laws = [stats.betabinom(19, size * share, size * (1 - share)) for share in shares]
    assert laws[0].var() == pytest.approx(2.0 * stats.binom(19, 0.6).var())
    found = log_likelihood(count, numbers)
    assert found[0] - found[1] == pytest.approx(laws[0].logpmf(13) - laws[1].logpmf(13), abs=0.1)


@pytest.mark.theory
def test_a_rounded_mean_is_the_chance_of_its_interval():
    random = np.random.default_rng(8)
    means = np.stack([random.normal(m, 10.0, FUTURES) for m in (85.0, 110.0)])[:, :, None]
    means[0, :40, 0] = np.nan  # futures in which nobody left
    found = log_likelihood(Count("c", "mean_range", (76.0, 106.0), ("m",)), means)
    chance = [stats.norm(m, 10.0).cdf(106.0) - stats.norm(m, 10.0).cdf(76.0) for m in (85.0, 110.0)]
    assert found[0] - found[1] == pytest.approx(math.log(chance[0] / chance[1]), abs=0.1)
    nothing = np.full((1, 4, 1), np.nan)
    assert log_likelihood(Count("c", "mean_range", (76.0, 106.0), ("m",)), nothing)[0] == -np.inf


@pytest.mark.theory
def test_few_futures_leave_a_likelihood_as_wide_as_many():
    """The likelihood, averaged over the luck of four futures, is a function of the expected number as wide as the exact
    one: its curvature at the top, by which intervals are made, is within a tenth of that of the Poisson law."""
    random, count = np.random.default_rng(9), Count("c", "count", (20.0,), ("m",))
    rates = np.linspace(8.0, 36.0, 57)

    def spread(futures, sharpened=True):
        draws = random.poisson(np.repeat(rates, 4000)[:, None, None], (57 * 4000, futures, 1)).astype(float)
        logs = log_likelihood(count, draws) * (1.0 if sharpened else (futures - 1.0) / futures)
        weights = np.exp(logs - logs.max()).reshape(57, 4000).mean(axis=1)
        weights /= weights.sum()
        mean = float(weights @ rates)
        return float(weights @ (rates - mean) ** 2)

    exact = stats.poisson.pmf(20, rates)
    exact /= exact.sum()
    mean = float(exact @ rates)
    variance = float(exact @ (rates - mean) ** 2)
    assert spread(4) == pytest.approx(variance, rel=0.1)
    assert spread(4, sharpened=False) > 1.15 * variance  # what would be without


@pytest.mark.unit
def test_all_faults_of_all_counts_are_told_at_once():
    data = {
        "gate": {"probability": 2},
        "counts": {
            "starts": {"law": "cont", "reported": 3, "measures": ["m"], "kind": "flow"},
            "other": {"law": "count", "reported": [3, 4], "measures": ["m"], "kind": "flo", "extr": 2},
            "third": {"law": "binomial", "reported": "few", "kind": "stock", "given": "stars", "extra": -1},
            "fourth": 3,
        },
    }
    with pytest.raises(InputError) as caught:
        read_counts(data, {"starts", "other", "third"})
    lines = [str(problem) for problem in caught.value.problems]
    assert lines[:5] == [
        "gate.probability = 2: must be a number between 0 and 1",
        "counts.starts.law = 'cont': must be one of count, count_range, binomial, multinomial, mean_range, share, "
        "nobody, typed; did you mean 'count'?",
        "counts.other.extr = 2: is not a field of a count; did you mean 'extra'?",
        "counts.other.kind = 'flo': must be one of flow, stock; did you mean 'flow'?",
        "counts.other.reported = [3, 4]: must be 1 with the law 'count'",
    ]
    assert [line.split(" = ")[0] for line in lines[5:]] == [
        "counts.third.given", "counts.third.extra", "counts.third.reported", "counts.third.measures",
        "counts.fourth", "counts.fourth",
    ]  # fmt: skip
    with pytest.raises(InputError, match="counts = None: must be a map of counts"):
        read_counts({})


@pytest.fixture(scope="module")
def shipped():
    return read_folder(data_dir("conf") / "targets").data


@pytest.mark.unit
def test_every_independent_number_has_its_count_and_no_other_has(shipped):
    facts, counts = shipped["facts"], read_counts(shipped, shipped["facts"]).counts
    independent = {name for name, entry in facts.items() if not entry.get("part_of")}
    assert {count.id for count in counts if not count.given} == independent
    # A further statement about the people of another count is part of it, or says which of them came from where.
    assert {count.id for count in counts if count.given} == {
        "youth_alcohol_discharged_2017", "yg_from_host_unit", "urus_enrolled_total",
    }  # fmt: skip
    for count in counts:
        window = {address.partition("@")[2] for address in count.addresses}
        assert len(window) <= 1, count.id
        if count.law not in ("typed", "share"):
            assert all(number == int(number) or count.law == "mean_range" for number in count.reported)


@pytest.mark.unit
def test_counts_are_measured_by_addresses_of_the_network(shipped):
    study = read_study(read_folder(data_dir("conf") / "network").data)
    parse_measures([address for count in read_counts(shipped).counts for address in count.addresses], study.network)


@pytest.mark.unit
def test_what_was_decided_before_the_calibration_stands_as_it_was_frozen(shipped):
    """To change marks, likelihoods, the gate or worthwhile differences: `python scripts/freeze.py`, frozen.yaml with a
    new date, and CHANGELOG.md."""
    questions = read_yaml(data_dir("conf") / "questions.yaml").data
    assert frozen_mark(shipped, questions) == shipped["frozen"]["mark"]
    moved = copy.deepcopy(shipped)
    moved["facts"]["yg_wait"]["mark"] = "fitted"
    assert frozen_mark(moved, questions) != shipped["frozen"]["mark"]
    moved = copy.deepcopy(shipped)
    moved["facts"]["yg_wait"]["note"] = "in other words"
    assert frozen_mark(moved, questions) == shipped["frozen"]["mark"]
