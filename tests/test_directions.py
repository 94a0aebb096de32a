"""What has to go which way, whatever the numbers are, and invariants of the report; the rest stands with its system.

Directions elsewhere: more places wait less (test_family, test_forchhammersvej, test_youth) and pairs halve the
visit-days (test_outreach); a factor or an odds ratio of one changes nothing (test_clinic, test_forchhammersvej,
test_outreach, test_peers, test_family).

Invariants elsewhere: transfers of the clinic at Turesensgade and nobody at Vesterbro before July 2017 (test_network),
intensive citizens go back to where they came from (test_forchhammersvej), four fifths from BBU (test_family), fewer
enrolled than motivational than informal in outreach (test_outreach), and nobody waiting for the youth group in about
every second replay (test_youth).

More places shorten the expected wait, not each wait: with laws of stay that differ by citizen, someone else may come
before.  So the mean over many replications is looked at.
"""

import csv
import itertools

import numpy as np
import pytest

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.changes import apply, read_scenario, with_option
from crksim.model.clock import Window, parse_date
from crksim.model.combining import with_parts
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import DIED, LEAVE, REASONS
from tests.closing_in import named_rows

NETWORK = read_folder(data_dir("conf") / "network").data
NAMES = sorted(path.stem for path in data_dir("scenarios").glob("*.yaml"))
YEAR = 365.25
#: Parameters that are rates of death; the ratio is that between being outside treatment and in it.
DEATHS = ("death_alcohol", "death_drugs", "death_substitution", "death_youth")
with (data_dir("conf") / "targets" / "facts.csv").open(encoding="utf-8") as _handle:
    FACT = {row["id"]: row["value"] for row in csv.DictReader(_handle)}


def scenario(name):
    found = read_scenario(read_yaml(data_dir("scenarios") / f"{name}.yaml").data, name)
    return with_parts(found, [scenario(other) for other in found.combines])


def run(data, replication=0, seed=5, **theta):
    study = read_study(data)
    values = {**default_theta(study.network), **theta}
    return Scene.of(study, values), simulate(structure(study).bind(values), Luck(seed, replication))


def only(*cohorts):
    """Return the network with nobody but the citizens of some cohorts."""
    nobody = {
        name: {key: part for key, part in held.items() if key != "arrivals"} | {"present": {}}
        for name, held in NETWORK["cohorts"].items()
    }
    return {**NETWORK, "cohorts": nobody | {name: NETWORK["cohorts"][name] for name in cohorts}}


def lives(log):
    """Return for each citizen of a log: first day, last day (dead, gone, or the end), and whether dead."""
    main = log.strand == 0
    who = np.stack((log.cohort[main], log.citizen[main]), axis=1)
    _, place = np.unique(who, axis=0, return_inverse=True)
    place = place.ravel()
    begins, ends, dead = (np.full(place.max() + 1, value) for value in (np.inf, -np.inf, 0.0))
    np.minimum.at(begins, place, np.maximum(log.referred[main], log.start))
    np.maximum.at(ends, place, np.where(np.isnan(log.left[main]), log.end, log.left[main]))
    np.maximum.at(dead, place, log.to[main] == DIED)
    return begins, ends, dead


# --- places ----------------------------------------------------------------------------------------------------------


def referred_to_a_group(places, lengths):
    text = {"da": "x", "en": "y"}
    return {
        "title": text,
        "time": {"start": "2016-01-01", "end": "2020-01-01"},
        "services": {
            "unit": {"length": {"law": "exponential", "mean": "6 months"}},
            "group": {"places": {"hard": places}, "length": lengths},
        },
        "cohorts": {"all": {"arrivals": "54 / year", "enters": "unit"}},
        "referrals": {
            "to_group": {
                "at": {"start_of": ["unit"]}, "to": "group", "take_up": 0.5, "stay": "ends", "full": "queue",
            }
        },
    }  # fmt: skip


@pytest.mark.theory
@pytest.mark.parametrize(
    "lengths",
    [{"law": "exponential", "mean": "1 month"}, {"law": "lognormal", "mean": "1 month", "sd": "1 month"}],
    ids=["exponential", "lognormal"],
)
def test_more_places_shorten_the_expected_wait(lengths):
    """Offered load 27 / 12: each place takes from the mean wait, and less than the one before (Dyer and Proll 1977)."""
    waits = []
    for places in (3, 4, 5):
        data = referred_to_a_group(places, lengths)
        found = []
        for replication in range(30):
            _, log = run(data, replication)
            mine = (log.service == log.legend.services.index("group")) & (log.admitted > YEAR)
            found.append(np.mean(log.admitted[mine] - log.referred[mine]))
        waits.append(np.array(found))
    for fewer, more in itertools.pairwise(waits):
        gained = fewer - more
        assert gained.mean() > 4 * gained.std(ddof=1) / np.sqrt(len(gained))
    assert (waits[0] - waits[1]).mean() > (waits[1] - waits[2]).mean()


# --- appointments ----------------------------------------------------------------------------------------------------


@pytest.mark.e2e
def test_reminders_with_an_odds_ratio_of_one_change_nothing():
    data, asked = only("turesensgade_citizens"), scenario("vesterbro_sms")
    ratio = "sms_keeping_ratio"
    begins = parse_date(asked.from_day, NETWORK["time"]["start"])
    values = []
    for study, theta in ((data, {}), (apply(data, asked), {ratio: 1.0}), (apply(data, asked), {ratio: 1.6})):
        scene, log = run(study, **theta)
        window = Window(begins, log.end)
        values.append((named_rows(log), measure(list(asked.measures), log, scene, window, Luck(5, 0))))
    (rows, without), (same_rows, with_none), (_, with_some) = values
    assert same_rows == rows
    assert with_none == pytest.approx(without, rel=1e-9, nan_ok=True)
    kept = "ambulatoriet_vesterbro.talks.share_of_months"
    assert with_some[kept] > with_none[kept]


# --- deaths ----------------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_no_scenario_and_no_option_acts_on_the_risk_of_dying(name):
    asked = scenario(name)
    known = [held.get("death") for held in NETWORK["services"].values()]
    for chosen in (asked, *(with_option(asked, option.id) for option in asked.options)):
        study = apply(NETWORK, chosen)
        for parameter in (*DEATHS, "death_ratio_away"):
            assert study["parameters"][parameter] == NETWORK["parameters"][parameter]
        for service, held in study["services"].items():
            if service in NETWORK["services"]:
                assert held.get("death") == NETWORK["services"][service].get("death")
            else:
                assert held.get("death") in known


def in_and_out(places, away):
    """Return a study that nobody leaves alive, with one rate of death in treatment and one outside."""
    data = referred_to_a_group(places, {"law": "exponential", "mean": "3 months"})
    data["services"]["unit"] |= {"death": "0.1 / year", "ends": {"done": {"share": 1, "to": "away"}}}
    data["services"]["group"] |= {"death": "0.1 / year", "ends": {"done": {"share": 1, "to": "away"}}}
    data["services"]["away"] = {
        "length": {"law": "exponential", "mean": "1 year"},
        "ends": {"done": {"share": 1, "to": "unit"}},
        "death": away,
        "between_courses": True,
    }
    return data


@pytest.mark.theory
def test_with_one_rate_everywhere_nobody_dies_on_another_day_whatever_is_changed():
    few, many, riskier = (
        lives(run(in_and_out(places, away))[1])
        for places, away in ((2, "0.1 / year"), (12, "0.1 / year"), (12, "0.3 / year"))
    )
    assert np.array_equal(few[2], many[2])
    assert few[1] == pytest.approx(many[1], abs=1e-5)
    dead, years = many[2].sum(), (many[1] - many[0]).sum() / YEAR
    assert dead / years == pytest.approx(0.1, abs=4 * np.sqrt(dead) / years)
    # Where there is a mechanism, it shows.
    assert riskier[2].sum() > dead


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["vesterbro_open_to_all_stable", "intensive_mobile_team", "vesterbro_call_in_reactions"]
)
def test_with_one_rate_everywhere_a_scenario_leaves_deaths_per_citizen_year_alone(name):
    rate = 0.03 / YEAR
    theta = {**dict.fromkeys(DEATHS, rate), "death_ratio_away": 1.0}
    found = []
    for study in (NETWORK, apply(NETWORK, scenario(name))):
        begins, ends, dead = lives(run(study, **theta)[1])
        found.append((dead.sum(), (ends - begins).sum()))
    for dead, days in found:
        assert dead / days == pytest.approx(rate, abs=4 * np.sqrt(dead) / days)
    # The same citizens die in both worlds, except for those whom the change kept longer or let go earlier.
    (dead, days), (dead_then, days_then) = found
    moved = rate * abs(days_then - days)
    assert abs(dead_then - dead) <= moved + 4 * np.sqrt(moved + 1)


# --- closings --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def baseline():
    """One run of CRK to the end of 2020."""
    return run(NETWORK)


@pytest.mark.theory
def test_closing_a_service_conserves_people():
    """Whoever is there goes on at the same instant, in the shares that are said; nobody is lost, nobody is two."""
    data = referred_to_a_group(5, {"law": "exponential", "mean": "1 month"})
    data["services"]["other"] = {"length": {"law": "exponential", "mean": "1 year"}}
    data["services"]["group"]["closes"] = {
        "on": "2018-01-01",
        "present": {"on": {"share": 0.7, "to": "other"}, "gone": {"share": "rest", "to": "leave"}},
        "waiting": "other",
        "afterwards": "other",
    }
    moved = there = 0
    for replication in range(40):
        _, log = run(data, replication)
        day, group = parse_date("2018-01-01", "2016-01-01"), log.legend.services.index("group")
        mine = (log.service == group) & (log.left == day)
        inside, outside = mine & ~np.isnan(log.admitted), mine & np.isnan(log.admitted)
        new = (log.referred == day) & (log.service == log.legend.services.index("other"))
        assert np.count_nonzero(new) == np.count_nonzero(inside & (log.to != LEAVE)) + np.count_nonzero(outside)
        assert not np.any((log.service == group) & ((log.referred >= day) | np.isnan(log.left)))
        moved += np.count_nonzero(inside & (log.to != LEAVE))
        there += np.count_nonzero(inside)
    assert moved / there == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / there))


@pytest.mark.e2e
def test_every_citizen_of_crk_is_in_one_place_at_a_time_and_goes_on_without_a_gap(baseline):
    _, log = baseline
    main = log.strand == 0
    stays = np.flatnonzero(main & ~np.isnan(log.admitted))
    order = stays[np.lexsort((log.admitted[stays], log.citizen[stays], log.cohort[stays]))]
    same = (log.cohort[order][1:] == log.cohort[order][:-1]) & (log.citizen[order][1:] == log.citizen[order][:-1])
    assert np.all(log.left[order][:-1][same] <= log.admitted[order][1:][same])
    places = {
        (log.cohort[row], log.citizen[row], time)
        for row in np.flatnonzero(main)
        for time in (log.referred[row], log.admitted[row])
    }
    onward = np.flatnonzero(main & (log.to >= 0) & ~np.isnan(log.admitted))
    assert len(onward) > 1000
    assert all((log.cohort[row], log.citizen[row], log.left[row]) in places for row in onward)
    closed = log.end_ == REASONS.index("closed")
    gone = np.isin(log.to, (LEAVE, DIED))
    for name in ("turesensgade", "classensgade"):
        left = closed & (log.service == log.legend.services.index(name))
        day = np.unique(log.left[left])
        assert len(day) == 1
        onward = {(log.cohort[row], log.citizen[row]) for row in np.flatnonzero(left & ~gone)}
        new = [
            (log.cohort[row], log.citizen[row]) for row in np.flatnonzero((log.referred == day[0]) & (log.strand == 0))
        ]
        assert onward <= set(new)
        assert len(new) == len(set(new))


# --- invariants of the report ----------------------------------------------------------------------------------------


@pytest.mark.unit
def test_transfers_of_the_report_conserve_people():
    def number(*names):
        return sum(float(FACT[name]) for name in names)

    assert number("av_clinic_before") == number("av_enrolled", "av_to_other_unit", "av_to_gp", "av_not_followed")
    moved = ("fhv_classens_moved", "fhv_classens_other_crk", "fhv_classens_gp", "fhv_classens_dead")
    assert number("fhv_classens_before") == number(*moved)
    assert number("av_total_transferred") == number("av_enrolled", "av_to_other_unit", "av_to_gp")


@pytest.mark.e2e
def test_hard_places_are_never_exceeded_and_nobody_is_admitted_before_the_day(baseline):
    scene, log = baseline
    hard = {"youth_group_hoersholmsgade": 8, "fhv_intensive": 5, "enghavevej": 60}
    for service, places in hard.items():
        mine = (log.service == log.legend.services.index(service)) & ~np.isnan(log.admitted)
        times = np.concatenate((log.admitted[mine], log.left[mine][~np.isnan(log.left[mine])]))
        steps = np.concatenate((np.ones(mine.sum()), -np.ones(len(times) - mine.sum())))
        order = np.lexsort((steps, times))  # who leaves at an instant is gone before the place is given
        assert 0 < np.cumsum(steps[order]).max() <= places, service
        if service == "fhv_intensive":  # every request was met
            early = mine & (log.referred < parse_date("2018-01-01", scene.start))
            assert early.any()
            assert np.all(log.admitted[early] == log.referred[early])
    vesterbro = log.service == log.legend.services.index("ambulatoriet_vesterbro")
    assert np.nanmin(log.admitted[vesterbro]) == parse_date("2017-07-01", scene.start)


@pytest.mark.e2e
def test_only_stable_citizens_are_offered_vesterbro(baseline):
    _, log = baseline
    rule = log.legend.rules.index("stable_to_vesterbro")
    kinds = [dict(log.legend.kinds[kind]) for kind in log.kind[log.rule == rule]]
    assert len(kinds) > 5
    assert {(kind["attendance"], kind["age"]) for kind in kinds} == {("stable", "adult")}


@pytest.mark.e2e
def test_every_cohort_can_die_and_a_death_is_a_death():
    """With a rate that nobody survives long, each cohort has deaths, and no death is counted as any other end."""
    scene, log = run(NETWORK, **dict.fromkeys(DEATHS, 1.0 / YEAR))
    died = log.end_ == REASONS.index("died")
    inside = died & ~np.isnan(log.admitted)
    living = {cohort.id for cohort in scene.network.cohorts} & {log.legend.cohorts[index] for index in set(log.cohort)}
    assert len(living) >= 12
    assert {log.legend.cohorts[index] for index in set(log.cohort[died])} == living
    assert np.all(log.to[died & (log.strand == 0)] == DIED)
    assert np.all(died[log.to == DIED])
    assert np.all(log.status[inside] == -1)
