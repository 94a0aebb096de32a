"""Luck: the scalar is the chunk, draws are even on (0, 1), and no key tells anything about another.

Everything here is a fixed computation, so a bound of several standard errors holds always or never.  Correlations: the
error of a correlation of n independent pairs is 1/sqrt(n); of the few hundred in a matrix all lie within 5.
Goodness of fit: a p-value above 1e-4 / (number of tests) would fail once in ten thousand sets of keys.
"""

import importlib.util
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crksim.model.study import default_theta, read_study
from crksim.simulation import luck
from crksim.simulation.luck import Luck, constant, exponentials, on_grid, uniform, uniforms
from crksim.simulation.plan import structure

N = 100_000
PURPOSES = (
    "end",
    "length",
    "to",
    "status",
    "becomes:work",
    "hazard:step_up",
    "patience",
    "closing",
    "age",
    "take_up",
    "attend",
    "rate",
)
#: Standard errors within which every correlation must lie: of a thousand normal ones the largest is about 3.3.
WITHIN = 5.0
#: Chance of failing by bad luck of the keys, shared by the tests of one family.
SURE = 1e-4


@pytest.fixture(scope="module")
def bases():
    return Luck(1, 0).bases("adults", np.arange(N))


def correlations(columns):
    """Return the correlations between columns of draws, in standard errors, the upper triangle only."""
    matrix = np.corrcoef(columns) * math.sqrt(columns.shape[1])
    return matrix[np.triu_indices(len(columns), 1)]


def chi_square(counts):
    """Return the p-value of equal frequencies."""
    from scipy.stats import chi2

    expected = counts.sum() / counts.size
    return float(chi2.sf(np.sum((counts - expected) ** 2) / expected, counts.size - 1))


# --- the scalar is the chunk -----------------------------------------------------------------------------------------


@pytest.mark.property
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**40),
    replication=st.integers(0, 2**20),
    citizens=st.lists(st.integers(0, 2**33), min_size=1, max_size=20),
    key=st.text("abc/_", min_size=1, max_size=8),
    family=st.text("abc:_", max_size=8),
    nth=st.integers(0, 50),
    purpose=st.sampled_from(PURPOSES),
)
def test_one_citizen_and_many_at_once_have_the_same_bits(seed, replication, citizens, key, family, nth, purpose):
    it, what = Luck(seed, replication), constant(family, nth, purpose)
    many = it.bases(key, np.array(citizens, np.int64))
    assert [it.base(key, citizen) for citizen in citizens] == many.tolist()
    assert [uniform(base, what) for base in many.tolist()] == uniforms(many, what).tolist()


@pytest.mark.unit
def test_draws_lie_strictly_between_zero_and_one_whatever_the_bits(monkeypatch):
    extremes = np.array([0, 1, 2**12 - 1, 2**63, 2**64 - 1], np.uint64)
    monkeypatch.setattr(luck, "_mixed", lambda x: x)
    monkeypatch.setattr(luck, "_mix", lambda x: x)
    drawn = uniforms(extremes, 0)
    assert drawn.tolist() == [uniform(int(bits), 0) for bits in extremes]
    assert 0.0 < drawn.min() == 2.0**-53
    assert drawn.max() == 1.0 - 2.0**-53 < 1.0
    assert np.all(np.isfinite(exponentials(extremes, 0)))
    assert np.all(exponentials(extremes, 0) > 0.0)


@pytest.mark.unit
def test_the_mixing_function_is_that_of_splitmix64():
    # The reference generator started from 0 adds the golden ratio and mixes; its first outputs are published widely.
    golden, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    first = [luck._mix((golden * number) & mask) for number in (1, 2, 3)]
    assert first == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@pytest.mark.unit
def test_the_grid_is_a_millionth_of_a_day_and_sums_on_it_are_exact(bases):
    times = on_grid(1000.0 * uniforms(bases, constant("a", 0, "length")))
    assert np.all(times * 2.0**20 == np.rint(times * 2.0**20))
    assert np.cumsum(times)[-1] == math.fsum(times.tolist()) == np.cumsum(times[::-1])[-1]
    assert on_grid(np.array([1.0 + 2.0**-22])).tolist() == [1.0]


@pytest.mark.unit
def test_every_part_of_a_key_counts(bases):
    whats = {
        constant(family, nth, purpose)
        for family in ("", "a", "b", "a1", "rule:a")
        for nth in (0, 1, 10)
        for purpose in ("", "end", "1end", "length")
    }
    assert len(whats) == 5 * 3 * 4
    several = [
        Luck(seed, replication).base(key, citizen)
        for seed in (0, 1, 2)
        for replication in (0, 1, 2)
        for key in ("a", "b", "a/b")
        for citizen in (0, 1, 2)
    ]
    assert len(set(several)) == 81


@pytest.mark.unit
def test_no_two_citizens_of_a_run_share_their_luck():
    from crksim.simulation.arrivals import STRIP

    numbers = np.concatenate([strip * STRIP + np.arange(4_000) for strip in range(10)])
    found = [Luck(1, replication).bases(key, numbers) for replication in (0, 1) for key in ("a", "b", "a/there")]
    assert len(np.unique(np.concatenate(found))) == 6 * len(numbers)


# --- no slot knows of another ----------------------------------------------------------------------------------------


@pytest.mark.theory
def test_neighbouring_citizens_are_uncorrelated(bases):
    drawn = uniforms(bases, constant("a", 0, "length"))
    lags = [np.corrcoef(drawn[:-lag], drawn[lag:])[0, 1] * math.sqrt(N - lag) for lag in range(1, 65)]
    assert np.max(np.abs(lags)) < WITHIN


@pytest.mark.theory
@pytest.mark.parametrize(
    "whats",
    [
        pytest.param([("a", nth, "length") for nth in range(24)], id="visits"),
        pytest.param([("a", 0, purpose) for purpose in PURPOSES], id="purposes"),
        pytest.param([(f"unit_{number}", 0, "length") for number in range(24)], id="families"),
        pytest.param([("", 0, name) for name in ("death", "enters", "gap", "height", "attribute:home")], id="citizen"),
        pytest.param([("rule:a", nth, name) for nth in range(4) for name in ("take_up", "attend", "rate")], id="rule"),
    ],
)
def test_draws_of_one_citizen_are_uncorrelated(bases, whats):
    columns = np.stack([uniforms(bases, constant(*what)) for what in whats])
    assert np.max(np.abs(correlations(columns))) < WITHIN
    # Squared distances from the middle: dependence that leaves the correlation at nought.
    assert np.max(np.abs(correlations((columns - 0.5) ** 2))) < WITHIN


@pytest.mark.theory
@pytest.mark.parametrize(
    "lucks",
    [
        pytest.param([(1, number, "a") for number in range(24)], id="replications"),
        pytest.param([(number, 0, "a") for number in range(24)], id="seeds"),
        pytest.param([(2**number, 0, "a") for number in range(24)], id="seeds a bit apart"),
        pytest.param([(1, 0, f"cohort_{number}") for number in range(24)], id="cohorts"),
        pytest.param([(number, 23 - number, "a") for number in range(24)], id="seed and replication"),
    ],
)
def test_worlds_of_luck_are_uncorrelated(lucks):
    numbers, what = np.arange(N // 4), constant("a", 0, "length")
    columns = np.stack([uniforms(Luck(seed, rep).bases(key, numbers), what) for seed, rep, key in lucks])
    assert np.max(np.abs(correlations(columns))) < WITHIN
    assert np.max(np.abs(correlations((columns - 0.5) ** 2))) < WITHIN


@pytest.mark.theory
def test_a_citizen_of_one_replication_is_no_other_citizen_of_the_next():
    # Keys that are only added up would let replication 1 repeat replication 0 some citizens further on.
    from crksim.simulation.arrivals import STRIP

    numbers, what = np.arange(2_000), constant("a", 0, "length")
    first, second = (uniforms(Luck(1, replication).bases("a", numbers), what) for replication in (0, 1))
    assert not set(first.tolist()) & set(second.tolist())
    strips = uniforms(Luck(1, 0).bases("a", numbers + STRIP), what)
    assert not set(first.tolist()) & set(strips.tolist())


# --- even on the line and on the square ------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_purpose_is_even_between_zero_and_one(bases, purpose):
    from scipy.stats import kstest

    drawn = uniforms(bases, constant("youth_group", 0, purpose))
    assert kstest(drawn, "uniform").pvalue > SURE / len(PURPOSES)
    assert chi_square(np.bincount((drawn * 256).astype(int), minlength=256)) > SURE / len(PURPOSES)
    # The low bits too: what a draw is modulo 2^-10.
    assert chi_square(np.bincount((drawn * 2**18 % 256).astype(int), minlength=256)) > SURE / len(PURPOSES)


@pytest.mark.theory
def test_each_pair_of_purposes_is_even_on_the_unit_square(bases):
    cells = {name: (uniforms(bases, constant("youth_group", 0, name)) * 16).astype(int) for name in PURPOSES}
    pairs = list(itertools.combinations(PURPOSES, 2))
    for one, two in pairs:
        counts = np.bincount(cells[one] * 16 + cells[two], minlength=256)
        assert chi_square(counts) > SURE / len(pairs), (one, two)


@pytest.mark.theory
@pytest.mark.parametrize(
    ("one", "two"), [(("a", 0), ("a", 1)), (("a", 0), ("b", 0)), (("a", 3), ("b", 3)), (("rule:a", 0), ("a", 0))]
)
def test_visits_and_families_are_even_on_the_unit_square(bases, one, two):
    cells = [(uniforms(bases, constant(*what, "length")) * 16).astype(int) for what in (one, two)]
    assert chi_square(np.bincount(cells[0] * 16 + cells[1], minlength=256)) > SURE / 4


@pytest.mark.theory
def test_one_citizen_and_the_next_are_even_on_the_unit_square(bases):
    cell = (uniforms(bases, constant("a", 0, "length")) * 16).astype(int)
    assert chi_square(np.bincount(cell[:-1:2] * 16 + cell[1::2], minlength=256)) > SURE


@pytest.mark.theory
def test_unit_exponentials_have_their_law(bases):
    from scipy.stats import kstest

    assert kstest(exponentials(bases, constant("a", 0, "hazard:x")), "expon").pvalue > SURE


# --- avalanche -------------------------------------------------------------------------------------------------------


def flipped(words, bit):
    return words ^ np.uint64(1 << bit)


def share_of_bits(one, other):
    """Return how often each of the 64 bits differs."""
    differs = np.unpackbits((one ^ other).astype("<u8").view(np.uint8).reshape(len(one), 8), axis=1)
    return differs.mean(axis=0)


@pytest.mark.theory
@pytest.mark.parametrize("bit", range(0, 33, 4))
def test_one_bit_of_the_citizens_number_turns_half_of_all_bits(bit):
    numbers, what = np.arange(20_000, dtype=np.uint64), np.uint64(constant("a", 0, "length"))
    bases = [Luck(1, 0).bases("a", some.astype(np.int64)) for some in (numbers, flipped(numbers, bit))]
    drawn = [luck._mixed(some + what) for some in bases]
    # 64 bits of 20,000: a share of a half has the error 0.0035; strict avalanche (Webster & Tavares 1986).
    assert np.max(np.abs(share_of_bits(*drawn) - 0.5)) < WITHIN * 0.5 / math.sqrt(len(numbers))


@pytest.mark.theory
@pytest.mark.parametrize("bit", [0, 1, 31, 63])
def test_one_bit_of_what_is_drawn_turns_half_of_all_bits(bases, bit):
    what = constant("a", 0, "length")
    drawn = [luck._mixed(bases + np.uint64(some)) for some in (what, what ^ (1 << bit))]
    assert np.max(np.abs(share_of_bits(*drawn) - 0.5)) < WITHIN * 0.5 / math.sqrt(N)


# --- what never enters a key -----------------------------------------------------------------------------------------


def two_services(stay, **more):
    service = {"length": {"law": "exponential", "mean": stay}, "luck_key": "unit"}
    return {
        "time": {"start": "2016-01-01", "end": "2017-01-01"},
        "parameters": {"inflow": {"value": more.pop("inflow", "200 / year")}},
        "services": {"a": service | {"ends": {"done": {"share": 1, "to": "b"}}}, "b": service, **more},
        "cohorts": {"all": {"arrivals": "@inflow", "enters": "a"}},
    }


def stays(data, service, seed=1):
    """Return citizen -> length of the planned stays in a service."""
    from crksim.simulation.engine import simulate

    study = read_study(data)
    log = simulate(structure(study).bind(default_theta(study.network)), Luck(seed, 0))
    mine = log.service == log.legend.services.index(service)
    return dict(zip(log.citizen[mine].tolist(), (log.due - log.admitted)[mine].tolist(), strict=True))


@pytest.mark.unit
def test_neither_a_parameter_nor_another_service_enters_a_key():
    plain = stays(two_services("20 days"), "a")
    other = stays(two_services("20 days", inflow="300 / year", c={"length": {"law": "fixed", "value": "1 day"}}), "a")
    assert plain
    assert plain.items() <= other.items()
    assert not plain.items() & stays(two_services("20 days"), "a", seed=2).items()


@pytest.mark.unit
def test_services_of_one_family_count_visits_together():
    # Both services share a luck key, so the second is the family's second visit and has other luck than the first.
    first, second = stays(two_services("20 days"), "a"), stays(two_services("20 days"), "b")
    both = sorted(first.keys() & second.keys())
    assert len(both) > 100
    base, law = Luck(1, 0), -20.0
    for citizen in both[:20]:
        for nth, found in enumerate((first, second)):
            u = uniform(base.base("all", citizen), constant("unit", nth, "length"))
            assert found[citizen] == pytest.approx(law * math.log1p(-u), abs=2.0**-20)


# --- what common luck is for -----------------------------------------------------------------------------------------


def variance_script():
    path = Path(__file__).parent.parent / "scripts" / "luck_variance.py"
    spec = importlib.util.spec_from_file_location("luck_variance", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.theory
@pytest.mark.parametrize("name", ["an inserted visit", "one more place"])
def test_common_luck_takes_most_of_the_variance_out_of_a_difference(name):
    script = variance_script()
    ratio, _, _ = script.ratios(*script.differences(script.CHANGES[name], 10, seed=1), draws=10)
    assert np.all(ratio < 0.5), dict(zip(script.MEASURES, ratio, strict=True))
    assert ratio[0] < 0.05


@pytest.mark.theory
@pytest.mark.slow
def test_common_luck_helps_every_change():
    script = variance_script()
    for name, change in script.CHANGES.items():
        ratio, _, high = script.ratios(*script.differences(change, 100, seed=2))
        assert high[0] < 0.15, name
        assert high[3] < 0.25, name
        assert np.all(ratio < 1.0), name
