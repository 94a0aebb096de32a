"""Where every number comes from, and what else it may be."""

import csv
import math
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from scipy import stats

from crksim.errors import InputError
from crksim.interface.files import data_dir, read_folder
from crksim.model.clock import YEAR
from crksim.model.ends import End
from crksim.model.ledger import Ledger, numbers_of, read_ledger
from crksim.model.network import Dated, Network, Parameter, Quantity, Shares
from crksim.model.priors import PRIOR_LAWS, Prior, rest_law
from crksim.model.study import read_study

ASSUMED = {"kind": "assumed"}


def network(**parameters):
    """Return a network that has nothing but parameters; a tuple is a product of others."""
    values = {
        name: Quantity(1.0, value) if isinstance(value, tuple) else Quantity(float(value))
        for name, value in parameters.items()
    }
    return Network(tuple(Parameter(name, value) for name, value in sorted(values.items())), (), (), (), (), ())


def problems(data, facts=None):
    with pytest.raises(InputError) as caught:
        read_ledger(data, facts)
    return [str(problem) for problem in caught.value.problems]


STUDY = {
    "title": {"da": "2 ting", "en": "2 things"},
    "time": {"start": "2016-01-01", "end": "2021-01-01"},
    "parameters": {"length": {"value": "2.8 months", "label": {"da": "Længde", "en": "Length"}}},
    "attributes": {"age": ["18-25", "26"]},
    "services": {
        "group": {
            "label": {"da": "Gruppen", "en": "The group"},
            "opens": "2016-10-01",
            "places": {"hard": {"first": 5, "full": {"from": "2017-12-01", "value": 20}}, "workable": "4"},
            "eligible": {"age": "26"},
            "blocking": False,
            "length": {"law": "gamma", "mean": "@length", "shape": 2},
            "ends": {
                "completed": {"share": "rest", "to": {"aftercare": "38 %", "leave": "rest"}},
                "no_show": {"share": "0.5 * @length", "hazard": "@length / @length", "death": "1 * @length"},
            },
        }
    },
    "cohorts": {"youth": {"arrivals": "160 / year", "attributes": {"age": {"26": 0.3, "18-25": "rest"}}}},
    "referrals": {"offer": {"at": {"start_of": ["group"]}, "when": {"age": "26"}, "to": "group", "at_most": 1}},
}

NUMBERS = {
    "parameters.length.value": "2.8 months",
    "services.group.places.hard.first": 5,
    "services.group.places.hard.full.value": 20,
    "services.group.places.workable": "4",
    "services.group.length.shape": 2,
    "services.group.ends.completed.to.aftercare": "38 %",
    "services.group.ends.no_show.share": "0.5 * @length",
    "cohorts.youth.arrivals": "160 / year",
    "cohorts.youth.attributes.age.26": 0.3,
    "referrals.offer.at_most": 1,
}


# --- which numbers there are -----------------------------------------------------------------------------------------


@pytest.mark.unit
def test_every_number_is_found_and_nothing_that_is_none():
    """Dates, words, conditions and bare parameters are none; a factor other than 1 is."""
    assert {address: value for address, value, _ in numbers_of(STUDY)} == NUMBERS


@pytest.mark.unit
def test_missing_names_the_numbers_without_evidence_and_unused_the_evidence_without_number():
    ledger = read_ledger(
        {
            "parameters.length": ASSUMED,
            "services.*.places.*": ASSUMED,
            "services.group.places.*.*": ASSUMED,
            "services.*.ends.*.to.*": ASSUMED,
            "services.gruop.places.hard": ASSUMED,
        }
    )
    assert ledger.missing(STUDY) == [
        "services.group.places.hard.full.value",
        "services.group.length.shape",
        "services.group.ends.no_show.share",
        "cohorts.youth.arrivals",
        "cohorts.youth.attributes.age.26",
        "referrals.offer.at_most",
    ]
    assert ledger.unused(STUDY) == ["services.gruop.places.hard"]
    assert Ledger(()).missing(STUDY) == list(NUMBERS)


@pytest.mark.unit
def test_the_most_specific_entry_wins():
    notes = {
        "services.*.places.*": "any",
        "services.*.places.hard": "any service",
        "services.group.places.*": "any places",
        "services.group.places.hard": "this one",
    }
    ledger = read_ledger({address: {**ASSUMED, "note": note} for address, note in notes.items()})
    assert ledger.entry("services.group.places.hard").note == "this one"
    assert ledger.entry("services.group.places.norm").note == "any places"
    assert ledger.entry("services.other.places.hard").note == "any service"
    assert ledger.entry("services.other.places.norm").note == "any"
    assert ledger.entry("services.group.places") is None
    assert ledger.entry("services.group.places.hard.first") is None
    without = Ledger(tuple(entry for entry in ledger.evidence if entry.note != "this one"))
    assert without.entry("services.group.places.hard").note == "any places"


@pytest.mark.unit
def test_a_parameter_is_found_with_and_without_its_value():
    for written in ("parameters.length", "parameters.length.value"):
        ledger = read_ledger({written: ASSUMED})
        assert ledger.entry("parameters.length") is ledger.entry("parameters.length.value") is not None


@pytest.mark.unit
def test_rows_are_texts_with_the_nearest_label_and_gaps_where_evidence_is_missing():
    ledger = read_ledger(
        {
            "services.group.places.hard.first": {
                "kind": "report", "fact": "places_2017", "source": "ch4", "seen": "full",
                "low": 5, "high": "5", "note": "n"
            }
        }
    )  # fmt: skip
    rows = {row["address"]: row for row in ledger.rows(STUDY)}
    assert list(rows) == list(NUMBERS)
    assert rows["services.group.places.hard.first"] == {
        "address": "services.group.places.hard.first", "label_da": "Gruppen", "label_en": "The group", "value": "5",
        "kind": "report", "fact": "places_2017", "source": "ch4", "seen": "full", "low": "5", "high": "5",
        "law": "fixed", "rest_of": "", "at_most": "", "note": "n",
    }  # fmt: skip
    assert rows["parameters.length.value"]["label_en"] == "Length"
    assert rows["cohorts.youth.arrivals"]["kind"] == ""
    assert all(isinstance(text, str) for row in rows.values() for text in row.values())


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_all_faults_of_all_entries_are_told_at_once():
    report = {"kind": "report", "fact": "starts"}
    data = {
        "services.a b": ASSUMED,
        "service.a.places": ASSUMED,
        "services.a": 3,
        "services.b": {"kind": "guess", "notes": "x"},
        "services.c": {"kind": "literature", "source": "Lappan 2020", "seen": "in full"},
        "services.d": {"kind": "register", "source": "DST"},
        "services.e": {"kind": "derived"},
        "services.f": {"kind": "report"},
        "services.g": {**report, "fact": "starts, stars"},
        "services.h": {**ASSUMED, "low": "2 months", "high": 3},
        "services.i": {**ASSUMED, "low": 3, "high": 2},
        "services.j": {**ASSUMED, "low": "many", "high": [1]},
        "parameters.k": ASSUMED,
        "parameters.k.value": ASSUMED,
    }
    assert problems(data, {"starts"}) == [
        "services.a b = 'services.a b': must be an address such as 'services.*.places.hard'",
        "service.a.places = 'service.a.places': must begin with one of parameters, services, cohorts, referrals; "
        "did you mean 'services'?",
        "services.a = 3: must be a map of 'kind', 'source', 'low', 'high' ...",
        "services.b.notes = 'x': is not a field of evidence; did you mean 'note'?",
        "services.b.kind = 'guess': must be one of report, register, literature, derived, assumed",
        "services.c.seen = 'in full': must be one of full, abstract, excerpt, memory; did you mean 'full'?",
        "services.d.seen = None: must be given with kind 'register'",
        "services.e.note = None: must say what it is derived from",
        "services.f.fact = None: must name the fact of the report",
        "services.g.fact = 'stars': is not in the table of facts; did you mean 'starts'?",
        "services.h.high = 3: must have the unit of 'low' (2 months)",
        "services.i.high = 2: must be at least 'low' (3)",
        "services.j.high = [1]: must be a text or a number",
        "services.j.low = 'many': must be a number, a share such as '24 %', a duration such as '3 months' or a rate "
        "such as '25 / year'",
        "parameters.k.value = 'parameters.k.value': must have one entry only",
    ]


@pytest.mark.unit
def test_a_law_asks_for_its_own_numbers():
    data = {
        "parameters.a": {**ASSUMED, "law": "normal"},
        "parameters.b": {**ASSUMED, "law": "pert", "low": 1},
        "parameters.c": {**ASSUMED, "law": "beta", "numbers": {"a": 2, "beta": 3}},
        "parameters.d": {**ASSUMED, "law": "gamma"},
        "parameters.e": {**ASSUMED, "law": "gamma", "numbers": {"shape": 0, "rate": "a year"}},
        "parameters.f": {**ASSUMED, "law": "uniform", "low": 0, "high": 1, "numbers": {"mode": 1}},
        "parameters.g": {**ASSUMED, "law": "gamma", "numbers": 3},
        "parameters.h": {**ASSUMED, "law": ["pert"]},
    }
    assert problems(data) == [
        "parameters.a.law = 'normal': must be one of fixed, uniform, triangular, pert, lognormal, "
        "lognormal_between, beta, gamma; "
        "did you mean 'lognormal'?",
        "parameters.b.high = None: must be given with the law 'pert'",
        "parameters.c.numbers.beta = 3: must be one of a, b",
        "parameters.c.numbers = {'a': 2, 'beta': 3}: must give 'b' with the law 'beta'",
        "parameters.d.numbers = {}: must give 'shape' with the law 'gamma'",
        "parameters.d.numbers = {}: must give 'rate' with the law 'gamma'",
        "parameters.e.numbers.shape = 0: must be above 0",
        "parameters.e.numbers.rate = 'a year': must be a number, a share such as '24 %', a duration such as '3 months' "
        "or a rate such as '25 / year'",
        "parameters.f.numbers.mode = 1: has no place with the law 'uniform'",
        "parameters.g.numbers = 3: must be a map such as {a: 4.5, b: 13.5}",
        "parameters.h.law = ['pert']: must be a text or a number",
        "parameters.h.law = ['pert']: must be one of fixed, uniform, triangular, pert, lognormal, "
        "lognormal_between, beta, gamma; "
        "did you mean 'pert'?",
    ]


# --- laws ------------------------------------------------------------------------------------------------------------

LAWS = {
    "uniform": (Prior("uniform", 0.5, 0.2, 0.7), stats.uniform(0.2, 0.5)),
    "triangular": (Prior("triangular", 3.0, 2.0, 6.0), stats.triang(0.25, 2.0, 4.0)),
    "beta": (Prior("beta", 0.25, numbers=(("a", 4.5), ("b", 13.5))), stats.beta(4.5, 13.5)),
    "gamma": (Prior("gamma", 26.0, numbers=(("rate", 0.75), ("shape", 19.5))), stats.gamma(19.5, scale=1 / 0.75)),
    "lognormal": (Prior("lognormal", 2.0, 1.0, 4.0), stats.lognorm(math.log(2.0) / stats.norm.ppf(0.95), scale=2.0)),
    "lognormal_between": (
        Prior("lognormal_between", 3.5, 1.0, 9.0),
        stats.lognorm(math.log(3.0) / stats.norm.ppf(0.95), scale=3.0),
    ),
}


@pytest.mark.theory
@pytest.mark.parametrize("law", LAWS)
def test_quantiles_are_those_of_the_law(law):
    prior, expected = LAWS[law]
    assert prior.fault() is None
    for u in (0.001, 0.05, 0.3, 0.5, 0.8, 0.95, 0.999):
        assert prior.quantile(u) == pytest.approx(float(expected.ppf(u)), rel=1e-9)


@pytest.mark.unit
def test_every_law_is_tested_and_only_fixed_never_varies():
    assert set(LAWS) | {"fixed", "pert"} == set(PRIOR_LAWS)
    assert {Prior("fixed", 3.0, 1.0, 5.0).quantile(u) for u in (0.01, 0.5, 0.99)} == {3.0}


@pytest.mark.theory
@pytest.mark.parametrize(("value", "low", "high"), [(3.0, 2.0, 6.0), (2.0, 2.0, 6.0), (9.0, 8.0, 9.0), (0.3, 0.2, 0.4)])
def test_a_pert_has_its_range_as_5_and_95_per_cent_points_and_its_value_as_peak(value, low, high):
    prior = Prior("pert", value, low, high)
    assert prior.fault() is None
    assert [prior.quantile(0.05), prior.quantile(0.95)] == pytest.approx([low, high], rel=1e-9)
    # A PERT law of extremes a and b and peak v has the mean (a + 4 v + b) / 6.
    least, most = prior.quantile(1e-15), prior.quantile(1 - 1e-15)
    assert least < low < high < most
    values = np.array([prior.quantile(u) for u in (np.arange(4000) + 0.5) / 4000])
    assert values.mean() == pytest.approx((least + 4 * value + most) / 6, rel=1e-3)


@pytest.mark.unit
def test_a_pert_never_falls_below_nothing_and_a_share_never_exceeds_one():
    assert Prior("pert", 0.1, 0.02, 0.25).quantile(1e-6) == 0.0
    assert Prior("pert", 0.0, -1.0, 1.0).quantile(1e-6) < -1.0
    assert Prior("pert", 0.8, 0.5, 0.98).quantile(1 - 1e-6) > 1.0
    shares = read_ledger({"parameters.a": {**ASSUMED, "law": "pert", "low": 0.5, "high": 0.98}})
    days = read_ledger({"parameters.a": {**ASSUMED, "law": "pert", "low": "0.5 days", "high": "0.98 days"}})
    assert shares.entry("parameters.a").prior(0.8).quantile(1 - 1e-6) == 1.0
    assert days.entry("parameters.a").prior(0.8).quantile(1 - 1e-6) > 1.0


@pytest.mark.theory
def test_a_lognormal_range_may_be_lopsided():
    prior = Prior("lognormal", 8.0, 3.0, 17.0)
    assert [prior.quantile(u) for u in (0.05, 0.5, 0.95)] == pytest.approx([3.0, 8.0, 17.0])
    assert Prior("lognormal", 1.2, 1.2, 2.0).quantile(0.2) == 1.2


@pytest.mark.theory
@pytest.mark.parametrize(
    ("mean", "low", "high"), [(0.24, 0.09, 0.47), (0.05, 0.02, 0.12), (0.8, 0.5, 0.95), (0.5, 0, 1)]
)
def test_a_beta_of_mean_and_range_has_that_mean_and_that_width(mean, low, high):
    """The widest range that a beta law with a + b of at least 1 can have bounds what can be asked."""
    prior = Prior("beta", mean, low, high)
    values = np.array([prior.quantile(u) for u in (np.arange(4000) + 0.5) / 4000])
    assert values.mean() == pytest.approx(mean, abs=1e-3)
    widest = np.ptp(stats.beta.ppf([0.05, 0.95], mean, 1 - mean))
    assert prior.quantile(0.95) - prior.quantile(0.05) == pytest.approx(min(high - low, widest), abs=1e-6)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("prior", "rule"),
    [
        (Prior("pert", 7.0, 2.0, 6.0), "must lie between its 'low' and 'high'"),
        (Prior("uniform", 1.0, 2.0, 6.0), "must lie between its 'low' and 'high'"),
        (Prior("triangular", 1.0), "must have 'low' and 'high', in this order"),
        (Prior("lognormal", 1.0, 0.0, 6.0), "must have 'low' above 0"),
        (Prior("lognormal_between", 1.0, 0.0, 6.0), "must have 'low' above 0"),
        (Prior("beta", 0.5, 0.2, 1.2), "must have 'low' and 'high' between 0 and 1, and apart"),
        (Prior("beta", 1.0, 0.2, 0.9), "must lie between 0 and 1"),
        (Prior("gamma", 1.0, numbers=(("rate", 0.0), ("shape", 1.0))), "its law's numbers must be above 0"),
        (
            Prior("gamma", 25 / YEAR, numbers=(("rate", 0.75), ("shape", 19.5))),
            "must be a likely value of its law (between its 0.1 % and 99.9 % points)",
        ),
    ],
)
def test_a_value_that_does_not_go_with_its_law_is_told(prior, rule):
    assert prior.fault() == rule


# --- drawing ---------------------------------------------------------------------------------------------------------


def share(low, high, **more):
    return {**ASSUMED, "law": "pert", "low": low, "high": high, **more}


PAIR = {
    "parameters.first": share(0.2, 0.5),
    "parameters.second": share(0.1, 0.3, rest_of="first"),
}


@pytest.mark.theory
def test_shares_of_one_map_have_a_generalised_dirichlet_law_with_the_means_and_deviations_of_their_ranges():
    """Connor & Mosimann 1969: the second is an independent beta part of what the first leaves."""
    own, other = Prior("pert", 0.2, 0.1, 0.3, share=True), Prior("pert", 0.3, 0.2, 0.5, share=True)
    a, b = rest_law(own, other)
    grid = (np.arange(4000) + 0.5) / 4000
    first, alone = (np.array([prior.quantile(u) for u in grid]) for prior in (other, own))
    part = stats.beta(a, b)
    mean = (1 - first.mean()) * part.mean()
    square = ((1 - first) ** 2).mean() * (part.var() + part.mean() ** 2)
    assert mean == pytest.approx(alone.mean(), rel=1e-4)
    assert np.sqrt(square - mean**2) == pytest.approx(alone.std(), rel=1e-3)
    covariance = -first.var() * part.mean()  # of x and (1 - x) y with x and y independent
    chooser = np.random.default_rng(3)
    drawn = 20_000
    x = np.array([other.quantile(u) for u in chooser.random(drawn)])
    y = part.rvs(drawn, random_state=chooser)
    products = (x - x.mean()) * ((1 - x) * y - ((1 - x) * y).mean())
    assert abs(products.mean() - covariance) < 4 * products.std() / np.sqrt(drawn)


@pytest.mark.unit
def test_a_share_of_the_rest_is_drawn_after_what_leaves_it_wherever_they_stand():
    ledger = read_ledger(
        {
            "parameters.aside": share(0.1, 0.3, rest_of="base", at_most=0.6),
            "parameters.base": share(0.2, 0.5),
        }
    )
    both = network(aside=0.2, base=0.3)
    assert [parameter.id for parameter in both.parameters] == ["aside", "base"]
    (a, b) = rest_law(Prior("pert", 0.2, 0.1, 0.3, share=True), Prior("pert", 0.3, 0.2, 0.5, share=True))
    uniforms = {"base": 0.9, "aside": 0.4}
    first = Prior("pert", 0.3, 0.2, 0.5, share=True).quantile(0.9)
    most = stats.beta(a, b).cdf((0.6 - first) / (1 - first))
    expected = (1 - first) * stats.beta(a, b).ppf(0.4 * most)
    assert ledger.draw(both, uniforms.__getitem__) == pytest.approx({"base": first, "aside": expected}, rel=1e-9)
    # What a calibration gives for the first counts, and where it leaves nothing, the second is nothing.
    assert ledger.draw(both, lambda _: 0.5, {"base": 0.7})["aside"] == 0.0
    assert ledger.draw(both, lambda _: 1.0 - 1e-12, {"base": 0.5})["aside"] == pytest.approx(0.1, rel=1e-3)


@pytest.mark.unit
def test_what_a_share_is_the_rest_of_must_be_a_share_that_is_drawn_on_its_own():
    data = {
        **PAIR,
        "parameters.third": share(0.1, 0.3, rest_of="second"),
        "parameters.fourth": share(0.1, 0.3, rest_of="frist"),
        "parameters.fifth": share("2 days", "3 days", rest_of="first"),
        "parameters.sixth": share(0.1, 0.3, at_most=0.8),
        "parameters.seventh": share(0.1, 0.3, rest_of="first", at_most="much"),
        "parameters.eighth": share(0.1, 0.3, rest_of="eighth"),
    }
    assert sorted(problems(data)) == [
        "parameters.eighth.rest_of = 'eighth': must be another parameter of the ledger; did you mean 'sixth'?",
        "parameters.fifth.rest_of = 'first': must be a share with a range and a law, like this one",
        "parameters.fourth.rest_of = 'frist': must be another parameter of the ledger; did you mean 'first'?",
        "parameters.seventh.at_most = 'much': must be a share below 1, and stand with 'rest_of'",
        "parameters.sixth.at_most = '0.8': must be a share below 1, and stand with 'rest_of'",
        "parameters.third.rest_of = 'second': must not be drawn from what another leaves itself; did you mean 'first'?",
    ]


@pytest.mark.unit
def test_a_range_that_no_part_of_a_rest_has_is_told():
    ledger = read_ledger({**PAIR, "parameters.second": share(0.5999, 0.6001, rest_of="first")})
    with pytest.raises(InputError) as caught:
        ledger.draw(network(first=0.3, second=0.6), lambda _: 0.5)
    assert [str(problem) for problem in caught.value.problems] == [
        "parameters.second = 0.6: must have a range that a part of what 'first' leaves can have, and leave something "
        "with it (ledger: 0.5999 to 0.6001)"
    ]


@pytest.mark.unit
def test_a_draw_gives_every_parameter_a_value_by_its_own_name():
    ledger = read_ledger(
        {
            "parameters.starts": {**ASSUMED, "law": "gamma", "numbers": {"shape": 19.5, "rate": "0.75 years"}},
            "parameters.stay": {**ASSUMED, "law": "uniform", "low": "2 months", "high": "4 months"},
            "parameters.known": {**ASSUMED, "low": 1, "high": 5},
        }
    )
    draws = {"starts": 0.3, "stay": 0.25}
    found = ledger.draw(network(starts=25 / YEAR, stay=90.0, known=3.0, bare=7.0), draws.__getitem__)
    assert found == {
        "starts": pytest.approx(float(stats.gamma.ppf(0.3, 19.5)) / (0.75 * YEAR)),
        "stay": pytest.approx(2.5 * YEAR / 12),
        "known": 3.0,
        "bare": 7.0,
    }


@pytest.mark.unit
def test_parameters_made_of_others_follow_them_and_given_ones_are_not_drawn():
    ledger = read_ledger({"parameters.a": {**ASSUMED, "law": "uniform", "low": 0, "high": 2}})
    numbers = network(a=1.0, b=4.0, ratio=("b", "/a"), twice=("ratio", "b"))
    assert ledger.draw(numbers, lambda _: 0.25) == {"a": 0.5, "b": 4.0, "ratio": 8.0, "twice": 32.0}
    assert ledger.draw(numbers, lambda _: 0.25, {"a": 2.0, "elsewhere": 1.0}) == {
        "a": 2.0,
        "b": 4.0,
        "ratio": 2.0,
        "twice": 8.0,
    }


@pytest.mark.unit
def test_values_outside_their_range_are_told_all_at_once():
    wide = {**ASSUMED, "law": "pert", "low": "1 month", "high": "2 months"}
    ledger = read_ledger({"parameters.a": wide, "parameters.b": wide})
    with pytest.raises(InputError) as caught:
        ledger.draw(network(a=3.0, b=90.0), lambda _: 0.5)
    assert [str(problem) for problem in caught.value.problems] == [
        "parameters.a = '3 days': must lie between its 'low' and 'high' (ledger: 1 month to 2 months)",
        "parameters.b = '90 days': must lie between its 'low' and 'high' (ledger: 1 month to 2 months)",
    ]


# --- the shipped ledger ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    """Return (study as a plain dict, ledger) as shipped, with the facts that may be cited."""
    with (data_dir("conf") / "targets" / "facts.csv").open(encoding="utf-8") as file:
        facts = {row["id"] for row in csv.DictReader(file)}
    ledger = read_ledger(read_folder(data_dir("conf") / "ledger").data, facts)
    return read_folder(data_dir("conf") / "network").data, ledger


@pytest.mark.unit
def test_every_number_of_the_shipped_network_has_evidence_and_all_evidence_a_number(shipped):
    study, ledger = shipped
    assert len(list(numbers_of(study))) > 100
    assert ledger.missing(study) == []
    assert ledger.unused(study) == []


@pytest.mark.unit
def test_every_shipped_parameter_goes_with_its_evidence_and_the_uncertain_ones_vary(shipped):
    study, ledger = shipped
    found = read_study(study).network
    low, high = (ledger.draw(found, lambda _, u=u: u) for u in (0.05, 0.95))
    for name in low:
        law = ledger.entry(f"parameters.{name}").law
        assert low[name] == high[name] if law == "fixed" else low[name] < high[name], name


@pytest.mark.unit
def test_no_member_of_the_shipped_ensemble_has_shares_above_one(shipped):
    study, ledger = shipped
    found = read_study(study).network
    rng = np.random.default_rng(1)
    members = [ledger.draw(found, lambda _: rng.random()) for _ in range(50)]
    maps = list(share_maps((found.services, found.cohorts)))
    assert len(maps) > 100
    for branches in maps:
        for day in {day for number in branches for day, _ in number.steps}:
            for theta in members:
                assert 0.0 <= sum(number.at(day).value(theta) for number in branches) <= 1.0 + 1e-9


def share_maps(value):
    """Yield the numbers of every share map, that of planned ends included."""
    if isinstance(value, Shares):
        yield [number for _, number in value.branches if number is not None]
    if isinstance(value, tuple):
        if value and all(isinstance(end, End) for end in value):
            yield [end.share for end in value if isinstance(end.share, Dated)]
        for inner in value:
            yield from share_maps(inner)
    elif is_dataclass(value):
        for name in fields(value):
            yield from share_maps(getattr(value, name.name))
