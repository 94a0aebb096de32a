"""The check against the report."""

import numpy as np
import pytest
from scipy import stats

from crksim.analysis.gate import Checked, check, pass_chance

NUMBERS = [Checked("a", 10.0), Checked("b", 0.4, rounded=0.01), Checked("c", 0.0, nobody=True)]


def futures(seed, size=2000, rate=10.0, shift=0.0, waits=0.5):
    random = np.random.default_rng(seed)
    return np.stack(
        (
            random.poisson(rate, size),
            random.normal(0.4 + shift, 0.1, size),
            np.where(random.random(size) < waits, 0.0, random.exponential(5.0, size)),
        ),
        axis=1,
    ).astype(float)


@pytest.mark.theory
def test_a_right_model_fails_as_often_as_the_rule_says():
    """Reports from the model itself: 5 % fail. 4,000 reports, four standard errors of a binomial share, and the gate's
    own law is discrete, so it may fail a little less often."""
    passed = pass_chance(NUMBERS, futures(1), futures(2, 4000), 0.05)
    assert 0.95 - 4 * np.sqrt(0.05 * 0.95 / 4000) <= passed <= 0.975


@pytest.mark.theory
def test_tails_are_those_of_the_law():
    """Two-sided tails of a Poisson number and of an even chance, within four standard errors of 40,000 futures."""
    gate = check([Checked("a", 16.0), Checked("c", 0.0, nobody=True)], futures(3, 40000)[:, [0, 2]], 0.05)
    tails = dict(gate.surprises)
    exact = 2 * stats.poisson(10.0).sf(15)
    assert tails["a"] == pytest.approx(exact, abs=8 * np.sqrt(exact / 40000))
    assert tails["c"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.unit
@pytest.mark.parametrize("wrong", [{"rate": 30.0}, {"shift": 0.35}, {"waits": 0.001, "rate": 20.0}])
def test_a_wrong_model_fails_and_is_told_by_its_worst_number(wrong):
    gate = check(NUMBERS, futures(4, **wrong), 0.05)
    assert not gate.passed
    assert gate.chance < 0.05
    assert gate.surprises[0][0] == {"rate": "a", "shift": "b", "waits": "c"}[next(iter(wrong))]
    assert check(NUMBERS, futures(4), 0.05).passed
    assert pass_chance(NUMBERS, futures(5, **wrong), futures(6), 0.05) < 0.5


@pytest.mark.theory
def test_numbers_that_move_together_do_not_count_twice():
    """Ten copies of one number are as surprising as one: the chance is that of the number alone."""
    one = futures(7)[:, :1]
    report = Checked("a", 17.0)
    alone = check([report], one, 0.05)
    copies = check([report] * 10, np.repeat(one, 10, axis=1), 0.05)
    assert copies.chance == pytest.approx(alone.chance, abs=1e-12)
    assert alone.passed == copies.passed


@pytest.mark.unit
def test_numbers_that_are_not_defined_are_lower_than_all():
    found = futures(8, 400)
    found[:300, 0] = np.nan
    gate = check([Checked("a", 10.0)], found[:, :1], 0.05)
    assert gate.passed  # a tenth of all futures lie above, three quarters below
    assert check([Checked("a", 40.0)], found[:, :1], 0.05).chance == pytest.approx(1 / 401)
