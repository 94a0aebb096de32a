"""Arrivals: Poisson strips thinned by a keyed height, so that a changed rate moves nobody.

Counts over independent replications are compared with their Poisson law; the seeds are fixed, so a test passes always
or never.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crksim.errors import CheckError
from crksim.model.clock import YEAR
from crksim.model.study import default_theta, read_study
from crksim.simulation import arrivals as module
from crksim.simulation.arrivals import STRIP, arrival_rate, arrivals
from crksim.simulation.luck import Luck
from tests.theory_networks import WITHIN, end_after, run

START = "2016-01-01"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SURE = 1e-4


def pattern_of(form):
    """Read one cohort's arrivals."""
    data = {
        "time": {"start": START, "end": end_after(4000)},
        "services": {"a": {"length": {"law": "fixed", "value": "1 day"}}},
        "cohorts": {"all": {"arrivals": form, "enters": "a"}},
    }
    study = read_study(data)
    return study.network.cohorts[0].arrivals, default_theta(study.network)


def newcomers(form, until, seed=1, replication=0, key="all"):
    pattern, theta = pattern_of(form)
    return arrivals(Luck(seed, replication), key, pattern, theta, START, until)


def counted(form, edges, replications):
    """Return the numbers of newcomers between edges (days), shape (replications, len(edges) - 1)."""
    pattern, theta = pattern_of(form)
    found = []
    for replication in range(replications):
        _, times = arrivals(Luck(1, replication), "all", pattern, theta, START, edges[-1])
        found.append(np.histogram(times, edges)[0])
    return np.array(found)


def expected(counts, means):
    """Assert that mean counts are `means`: a Poisson mean of n replications has the error sqrt(mean / n)."""
    means = np.asarray(means, float)
    error = np.sqrt(np.maximum(means, 1e-12) / len(counts))
    assert np.all(np.abs(counts.mean(axis=0) - means) <= WITHIN * error)
    assert np.all(counts[:, means == 0.0] == 0)


# --- a Poisson stream ------------------------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize("rate", [0.6, 1.0, 7.3, 100.0, 1000.0])
def test_gaps_at_a_constant_rate_are_exponential(rate):
    from scipy.stats import kstest

    _, times = newcomers(f"{rate} / year", 3000 / rate * YEAR)
    gaps = np.diff(times, prepend=0.0)
    assert len(gaps) == pytest.approx(3000, abs=WITHIN * math.sqrt(3000))
    assert kstest(gaps, "expon", args=(0.0, YEAR / rate)).pvalue > SURE
    # Independent, too: neighbouring gaps are uncorrelated.
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) * math.sqrt(len(gaps)) < WITHIN


@pytest.mark.theory
@pytest.mark.parametrize("rate", [2.5, 40.0])
def test_counts_are_poisson(rate):
    from scipy.stats import chi2

    counts = counted(f"{rate} / year", [0.0, YEAR], 400)[:, 0]
    expected(counts[:, None], [rate])
    # (n - 1) variance / mean is chi-square with n - 1 degrees: Fisher's index of dispersion.
    dispersion = (len(counts) - 1) * counts.var(ddof=1) / counts.mean()
    assert SURE < chi2.cdf(dispersion, len(counts) - 1) < 1.0 - SURE


@pytest.mark.theory
def test_counts_of_parts_of_a_year_and_of_cohorts_are_independent():
    counts = counted("200 / year", np.linspace(0.0, YEAR, 9), 150)
    off = np.corrcoef(counts.T)[np.triu_indices(8, 1)]
    assert np.max(np.abs(off)) * math.sqrt(150) < WITHIN
    other = [len(newcomers("200 / year", YEAR, replication=number, key="other")[0]) for number in range(150)]
    assert abs(np.corrcoef(counts.sum(axis=1), other)[0, 1]) * math.sqrt(150) < WITHIN


@pytest.mark.theory
def test_who_comes_is_spread_over_the_strips_by_their_width():
    # 100 a year fills strips 0 to 6 (up to 64 a year) and 36/64 of strip 7.
    numbers, _ = newcomers("100 / year", 300.0 * YEAR)
    widths = np.array([1, 1, 2, 4, 8, 16, 32, 36]) * 300.0
    counts = np.bincount(numbers // STRIP, minlength=8)
    assert len(counts) == 8
    assert np.all(np.abs(counts - widths) < WITHIN * np.sqrt(widths))


# --- a changed rate moves nobody -------------------------------------------------------------------------------------


@pytest.mark.property
@settings(max_examples=15)
@given(rate=st.floats(0.1, 900.0), factor=st.floats(1.0, 5.0), replication=st.integers(0, 10**6))
def test_a_higher_rate_keeps_everybody_and_adds_some(rate, factor, replication):
    less, more = (
        dict(zip(*(part.tolist() for part in newcomers(f"{r!r} / year", 400.0, 1, replication)), strict=True))
        for r in (rate, rate * factor)
    )
    assert less.items() <= more.items()


@pytest.mark.unit
def test_ten_per_cent_more_adds_ten_per_cent():
    less, more = (newcomers(f"{rate} / year", 50 * YEAR)[0] for rate in (200, 220))
    assert set(less.tolist()) < set(more.tolist())
    assert len(more) - len(less) == pytest.approx(1000, abs=WITHIN * math.sqrt(1000))


@pytest.mark.unit
def test_a_rate_that_rises_on_a_date_leaves_those_before_it_alone():
    form = {"rate": {"first": "200 / year", "later": {"from": "2016-07-01", "value": "300 / year"}}}
    plain, stepped = (dict(zip(*newcomers(it, 366.0), strict=True)) for it in ("200 / year", form))
    day = 182.0
    assert {n: t for n, t in plain.items() if t < day} == {n: t for n, t in stepped.items() if t < day}
    assert plain.items() < stepped.items()


@pytest.mark.property
@settings(max_examples=15)
@given(
    until=st.floats(0.0, 900.0),
    replication=st.integers(0, 1000),
    form=st.sampled_from(
        [
            "3 / year",
            "800 / year",
            {"rate": "2 / day", "wave": {"amplitude": 0.5, "period": "30 days"}},
            {"every": "7 days", "first": "3 days"},
            {"times": {"a": "300 days", "b": "4 days"}},
        ]
    ),
)
def test_a_shorter_run_sees_the_beginning_of_a_longer_one(until, replication, form):
    short, long = newcomers(form, until, 1, replication), newcomers(form, 1000.0, 1, replication)
    seen = long[1] < until
    assert short[0].tolist() == long[0][seen].tolist()
    assert short[1].tolist() == long[1][seen].tolist()


@pytest.mark.property
@settings(max_examples=15)
@given(rate=st.floats(0.01, 3000.0), until=st.floats(0.0, 200.0), replication=st.integers(0, 1000))
def test_newcomers_come_in_order_on_the_grid_and_once(rate, until, replication):
    numbers, times = newcomers(f"{rate!r} / year", until, 1, replication)
    assert np.all(np.diff(times) >= 0.0)
    assert np.all((times >= 0.0) & (times < until))
    assert np.all(times * 2.0**20 == np.rint(times * 2.0**20))
    assert len(np.unique(numbers)) == len(numbers)


# --- rates that change -----------------------------------------------------------------------------------------------


@pytest.mark.theory
def test_steps_have_their_counts():
    form = {
        "rate": {
            "first": "100 / year",
            "later": {"from": "2017-01-01", "value": "250 / year"},
            "none": {"from": "2018-01-01", "value": "0 / year"},
        }
    }
    counts = counted(form, [0.0, 183.0, 366.0, 731.0, 1096.0], 80)
    expected(counts, np.array([100 * 183, 100 * 183, 250 * 365, 0]) / YEAR)


@pytest.mark.theory
def test_months_have_their_counts():
    factors = dict(zip(MONTHS, [1.4, 0.9, 1.0, 1.1, 1.0, 0.8, 0.3, 0.9, 1.2, 1.2, 1.1, 0.0], strict=True))
    edges = np.array([(np.datetime64(f"2017-{n:02}-01") - np.datetime64(START)).astype(int) for n in range(1, 13)])
    counts = counted({"rate": "200 / year", "months": factors}, [*edges.astype(float), 731.0], 80)
    expected(counts, 200 / YEAR * np.diff([*edges, 731]) * np.array(list(factors.values())))


@pytest.mark.theory
def test_a_weekly_pattern_has_its_counts():
    steps = {"week": {"at": "0 days", "factor": 1.4}, "weekend": {"at": "5 days", "factor": 0}}
    form = {"rate": "2 / day", "pattern": {"period": "7 days", "steps": steps}}
    counts = counted(form, np.arange(141.0), 100).reshape(100, 20, 7).sum(axis=1)
    expected(counts, 20 * 2 * np.array([1.4, 1.4, 1.4, 1.4, 1.4, 0.0, 0.0]))


@pytest.mark.theory
@pytest.mark.parametrize("amplitude", [0.5, 1.0])
def test_a_wave_has_its_counts(amplitude):
    form = {"rate": "1 / day", "wave": {"amplitude": amplitude, "period": "80 days", "phase": "10 days"}}
    edges = np.linspace(0.0, 400.0, 41)

    def integral(day):
        # The integral of 1 + amplitude sin(2 pi (day - 10) / 80).
        return day - amplitude * 80 / (2 * math.pi) * np.cos(2 * math.pi * (day - 10) / 80)

    expected(counted(form, edges, 80), np.diff(integral(edges)))


@pytest.mark.theory
def test_steps_months_pattern_and_wave_multiply():
    form = {
        "rate": {"first": "1 / day", "later": {"from": "2016-02-11", "value": "2 / day"}},
        "months": {"feb": 0.5},
        "pattern": {
            "period": "10 days",
            "steps": {"a": {"at": "0 days", "factor": 1}, "b": {"at": "6 days", "factor": 3}},
        },
        "wave": {"amplitude": 0.4, "period": "1 year", "phase": "20 days"},
    }
    pattern, theta = pattern_of(form)
    days = np.array([3.0, 8.0, 33.0, 38.0, 45.0])
    wave = 1.0 + 0.4 * np.sin(2 * math.pi * (days - 20.0) / YEAR)
    found = arrival_rate(pattern, theta, START, days)
    np.testing.assert_allclose(found, np.array([1, 3, 0.5, 1.5, 1.0]) * wave, rtol=1e-12)


@pytest.mark.property
@settings(max_examples=15)
@given(
    rate=st.floats(1.0, 500.0),
    later=st.floats(0.0, 500.0),
    month=st.floats(0.0, 3.0),
    factor=st.floats(0.0, 3.0),
    amplitude=st.floats(0.0, 1.0),
)
def test_no_moment_has_a_rate_above_the_strips_that_are_drawn(rate, later, month, factor, amplitude):
    form = {
        "rate": {"first": f"{rate!r} / year", "later": {"from": "2016-05-01", "value": f"{later!r} / year"}},
        "months": {"mar": month, "jun": month},
        "pattern": {
            "period": "7 days",
            "steps": {"a": {"at": "0 days", "factor": factor}, "b": {"at": "3 days", "factor": 1}},
        },
        "wave": {"amplitude": amplitude, "period": "50 days"},
    }
    pattern, theta = pattern_of(form)
    days = np.linspace(0.0, 800.0, 2000)
    assert np.all(arrival_rate(pattern, theta, START, days) <= module._ceiling(pattern, theta) * (1 + 1e-12))


@pytest.mark.unit
@pytest.mark.parametrize("slack", [-10.0, -3.0, 0.0])
def test_how_many_are_drawn_at_first_changes_no_newcomer(slack, monkeypatch):
    form = {"rate": {"first": "900 / year", "more": {"from": "2018-01-01", "value": "1400 / year"}}}
    numbers, times = newcomers(form, 1500.0)
    assert len(numbers) > 3000
    monkeypatch.setattr(module, "SLACK", slack)
    again = newcomers(form, 1500.0)
    assert (again[0].tolist(), again[1].tolist()) == (numbers.tolist(), times.tolist())


@pytest.mark.unit
@pytest.mark.parametrize("slack", [4.0, -1e4])
def test_more_newcomers_than_there_are_numbers_for_are_refused(slack, monkeypatch):
    monkeypatch.setattr(module, "SLACK", slack)
    monkeypatch.setattr(module, "STRIP", 200)
    with pytest.raises(CheckError, match="cohort all: more than 200 newcomers in one strip"):
        newcomers("1000 / year", 365.0)


# --- times that are given --------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_listed_times_are_exact_and_sorted():
    numbers, times = newcomers({"times": {"a": "10 days", "b": "0.5 days", "c": "2000 days", "d": "10 days"}}, 1000.0)
    assert times.tolist() == [0.5, 10.0, 10.0]
    assert numbers.tolist() == [0, 1, 2]


@pytest.mark.unit
def test_regular_times_are_exact():
    numbers, times = newcomers({"every": "7 days", "first": "3 days"}, 31.0)
    assert times.tolist() == [3.0, 10.0, 17.0, 24.0]
    assert numbers.tolist() == [0, 1, 2, 3]
    assert newcomers({"every": "7 days", "first": "3 days"}, 31.5)[1].tolist() == [3.0, 10.0, 17.0, 24.0, 31.0]
    assert newcomers({"every": "7 days"}, 14.0)[1].tolist() == [0.0, 7.0]


@pytest.mark.unit
@pytest.mark.parametrize(
    "form", ["0 / year", {"times": {"late": "5000 days"}}, {"every": "1 day", "first": "9999 days"}]
)
def test_nobody_comes(form):
    numbers, times = newcomers(form, 1000.0)
    assert len(numbers) == len(times) == 0


@pytest.mark.unit
def test_the_log_has_the_newcomers_and_their_times():
    data = {
        "time": {"start": START, "end": end_after(400)},
        "services": {"a": {"length": {"law": "fixed", "value": "1 day"}}},
        "cohorts": {
            name: {"arrivals": rate, "enters": "a"} for name, rate in (("one", "150 / year"), ("two", "90 / year"))
        },
    }
    log = run(data)
    for index, cohort in enumerate(log.legend.cohorts):
        numbers, times = newcomers({"one": "150 / year", "two": "90 / year"}[cohort], 400.0, key=cohort)
        mine = log.cohort == index
        assert sorted(zip(numbers.tolist(), times.tolist(), strict=True)) == list(
            zip(log.citizen[mine].tolist(), log.referred[mine].tolist(), strict=True)
        )
