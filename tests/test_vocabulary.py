"""The address grammar of outputs."""

import pytest

from crksim.errors import InputError
from crksim.model.quantities import QUANTITIES, UNMET_CAUSES
from crksim.model.statistics import STATISTICS
from crksim.model.vocabulary import (
    MeasureAddress,
    groups_of,
    kind,
    label,
    parse_measure,
    parse_measures,
    per_year,
    unit,
)
from crksim.simulation.staylog import REASONS
from tests.measured_study import small_study

pytestmark = pytest.mark.unit

NETWORK = small_study().network
EXAMPLES = {
    "destination": ".unit_b",
    "origin": ".door",
    "home": ".unit_a",
    "end": ".no_show",
    "status": ".ceased",
    "date": ".2016-03-01",
    "attribute": ".substance.drugs",
    "cause": "",
    "staff": "",
    "": "",
}


def every_address():
    """One address for every quantity with every statistic it has."""
    for name, quantity in QUANTITIES.items():
        subject = {"all": "crk", "cohort": "youth", "group": "club", "service": "unit_a"}[sorted(quantity.subjects)[0]]
        for statistic in quantity.statistics:
            yield f"{subject}.{name}{EXAMPLES[quantity.argument]}.{statistic.replace('N', '25')}"


def test_an_address_is_taken_apart():
    address = parse_measure(
        "club_a[home=unit_a|unit_b,substance=drugs].wait.share_beyond_14d@2016-02..2016-03", NETWORK
    )
    assert address == MeasureAddress(
        text="club_a[home=unit_a|unit_b,substance=drugs].wait.share_beyond_14d@2016-02..2016-03",
        subject="club_a",
        subject_kind="service",
        filter=(("home", frozenset({"unit_a", "unit_b"})), ("substance", frozenset({"drugs"}))),
        quantity="wait",
        statistic="share_beyond_Nd",
        number=14.0,
        argument="",
        window="2016-02..2016-03",
    )
    assert str(address) == address.text


@pytest.mark.parametrize(
    ("subject", "expected"),
    [("crk", "all"), ("unit_a", "service"), ("units", "group"), ("club", "group"), ("youth", "cohort")],
)
def test_every_kind_of_subject(subject, expected):
    assert parse_measure(f"{subject}.starts", NETWORK).subject_kind == expected


@pytest.mark.parametrize(
    ("text", "statistic", "argument", "number"),
    [
        ("crk.starts", "per_year", "", None),
        ("crk.starts.count", "count", "", None),
        ("crk.present", "mean", "", None),
        ("crk.present.at_least_4", "at_least_N", "", 4),
        ("crk.unmet", "per_year", "", None),
        ("crk.unmet.count", "count", "", None),
        ("crk.unmet.too_far", "per_year", "too_far", None),
        ("crk.unmet.too_far.count", "count", "too_far", None),
        ("crk.gain", "share_N", "", 100),
        ("crk.gain.share_50", "share_N", "", 50),
        ("crk.from.units", "per_year", "units", None),
        ("crk.from.door.share", "share", "door", None),
        ("crk.status.ceased.share", "share", "ceased", None),
        ("crk.flow.leave", "per_year", "leave", None),
        ("crk.ends_share.transferred", "level", "transferred", None),
        ("crk.count_at.2016-03-01", "level", "2016-03-01", None),
        ("crk.present_by.home.unit_a", "mean", "home.unit_a", None),
        ("crk.staff_hours", "level", "", None),
        ("crk.staff_hours.nurse", "level", "nurse", None),
        ("crk.fte.therapist", "level", "therapist", None),
    ],
)
def test_statistics_and_names_have_their_defaults(text, statistic, argument, number):
    address = parse_measure(text, NETWORK)
    assert (address.statistic, address.argument) == (statistic, argument)
    assert address.number == number or (number is None and address.number != address.number)


@pytest.mark.parametrize(
    ("text", "value", "rule", "nearest"),
    [
        ("starts", "starts", "must read <subject>", None),
        ("", "", "must read <subject>", None),
        ("crk.starts[home=unit_a]", "crk.starts[home=unit_a]", "must read", None),
        ("unit_c.starts", "unit_c", "is not a service, a group, a cohort or 'crk'", "unit_b"),
        ("yuth.starts", "yuth", "is not a service", "youth"),
        ("crk.startss", "startss", "is not a quantity", "starts"),
        ("crk.present.meen", "meen", "is not a statistic of present", "mean"),
        ("crk.present.at_least_x", "at_least_x", "is not a statistic of present", "at_least_N"),
        ("crk.starts.per_year.mean", "per_year.mean", "is not a statistic of starts", "per_year"),
        ("crk.occupancy", "crk", "occupancy needs a service or a group, not 'crk'", None),
        ("youth.fte", "youth", "fte needs a service or a group or 'crk', not a cohort", None),
        ("unit_a.door_wait", "unit_a", "door_wait needs a cohort or 'crk', not a service", None),
        ("club[home=unit_a].occupancy", "home=unit_a", "occupancy takes no filter", None),
        ("crk[hme=unit_a].starts", "hme", "is not an attribute", "home"),
        ("crk[home=unit_c].starts", "unit_c", "is not a value of home", "unit_b"),
        ("crk[home].starts", "home", "a filter reads attribute=value", None),
        ("crk[home=unit_a,home=unit_b].starts", "home", "stands twice", None),
        ("crk.flow", "crk.flow", "flow needs a name: flow.<destination>", None),
        ("crk.flow.unit_c", "unit_c", "is not a known destination of flow", "unit_b"),
        ("crk.ends.no_shw", "no_shw", "is not a known end of ends", "no_show"),
        ("crk.status.cesed", "cesed", "is not a known status of status", "ceased"),
        ("crk.unmet.too_fr", "too_fr", "is not a known cause of unmet", "too_far"),
        ("crk.staff_hours.nurs", "nurs", "is not a known staff of staff_hours", "nurse"),
        ("crk.count_at.2016-02-30", "2016-02-30", "is not a date", None),
        ("crk.present_by.home", "crk.present_by.home", "present_by needs a name", None),
        ("crk.present_by.hme.unit_a", "hme", "is not an attribute", "home"),
        ("crk.present_by.home.unit_c", "unit_c", "is not a value of home", "unit_b"),
        ("crk.starts@20x6", "20x6", "must be a span", None),
    ],
)
def test_unknown_parts_are_refused_with_the_nearest(text, value, rule, nearest):
    with pytest.raises(InputError) as error:
        parse_measure(text, NETWORK)
    (problem,) = error.value.problems
    assert (problem.address, problem.value, problem.nearest) == (text, value, nearest)
    assert rule in problem.rule


def test_all_faults_of_all_addresses_are_told_at_once():
    with pytest.raises(InputError) as error:
        parse_measures(["crk.starts", "unit_c[hme=x].present.meen@20x6", "crk.strats"], NETWORK)
    assert [problem.value for problem in error.value.problems] == ["unit_c", "hme", "20x6", "meen", "strats"]


@pytest.mark.parametrize("text", list(every_address()))
def test_every_measure_has_words_in_both_languages(text):
    address = parse_measure(text, NETWORK)
    words, measured_in = label(address, NETWORK), unit(address)
    for language in ("da", "en"):
        spoken = getattr(words, language)
        assert "{}" not in spoken
        assert "_" not in spoken
        assert not spoken.endswith(",")
        assert getattr(measured_in, language)
    assert words.da != words.en
    assert kind(address) in {"stock", "flow", "duration", "share", "count"}
    assert per_year(address) == ("per year" in measured_in.en) == ("om året" in measured_in.da)


@pytest.mark.parametrize(
    ("text", "da", "en"),
    [
        ("club_a.starts", "Club A (da): påbegyndte forløb om året", "Club A: starts per year"),
        (
            "club_a.wait.share_beyond_14d",
            "Club A (da): ventetid for dem, der startede, andel over 14 dage",
            "Club A: wait of those who started, share beyond 14 days",
        ),
        (
            "units[home=unit_a].flow.leave.count@2016",
            "Units (da) [hjemmeenhed: Unit A (da)]: videre: ud af CRK, i alt, 2016",
            "Units [home unit: Unit A]: onward: out of CRK, in all, 2016",
        ),
        ("crk.count_at.2016-03-01", "CRK: indskrevne den 1. marts 2016", "CRK: number present on 1 March 2016"),
        ("unit_a.ends_share.no_show", "Unit A (da): andel af afsluttede forløb: Stayed away (da)",
         "Unit A: share of ended stays: Stayed away"),
        ("unit_a.ends.no_show", "Unit A (da): forløb afsluttet som »Stayed away (da)« om året",
         "Unit A: stays ended as “Stayed away” per year"),
        ("crk.fte.nurse", "CRK: årsværk (sygeplejersker)", "CRK: full-time equivalents (nurses)"),
    ],
)  # fmt: skip
def test_labels_read_as_sentences(text, da, en):
    words = label(parse_measure(text, NETWORK), NETWORK)
    assert (words.da, words.en) == (da, en)


@pytest.mark.parametrize(
    ("text", "expected", "measured_in"),
    [
        ("crk.starts", "flow", "per year"),
        ("crk.starts.count", "count", "number"),
        ("crk.present", "stock", "citizens"),
        ("crk.present.below_3", "share", "share"),
        ("crk.wait.p90", "duration", "days"),
        ("youth.door_wait.breaches", "flow", "per year"),
        ("club.occupancy", "share", "share"),
        ("crk.staff_hours", "flow", "hours per year"),
        ("crk.fte", "stock", "full-time equivalents"),
        ("crk.gain.share_50", "flow", "per year"),
    ],
)
def test_kinds_and_units(text, expected, measured_in):
    address = parse_measure(text, NETWORK)
    assert (kind(address), unit(address).en) == (expected, measured_in)


def test_groups_are_those_declared_and_those_services_name():
    assert groups_of(NETWORK) == {"units": ("unit_a", "unit_b"), "club": ("club_a", "club_b")}


def test_reasons_of_the_log_are_words_of_the_vocabulary():
    causes = {reason for reasons in UNMET_CAUSES.values() for reason in reasons}
    assert causes <= set(REASONS)
    assert {"closed", "died", "moved_waiting", "transferred"} | causes | {"ineligible", "withdrawn"} == set(REASONS)
    for reason in REASONS:
        assert reason in QUANTITIES or parse_measure(f"crk.ends.{reason}", NETWORK).argument == reason


def test_every_statistic_is_used():
    assert {name for quantity in QUANTITIES.values() for name in quantity.statistics} == set(STATISTICS)
