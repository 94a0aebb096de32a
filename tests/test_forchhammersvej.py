"""Forchhammersvej: the report's arithmetic with the model run in the stated regime, and what may and may not change."""

from functools import lru_cache

import numpy as np
import pytest

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.changes import apply, lever_faults, read_scenario, with_option, with_variant
from crksim.model.ledger import read_ledger
from crksim.model.study import default_theta, read_study
from crksim.model.vocabulary import parse_measures
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import LEAVE

SCENARIOS = data_dir("conf").parent / "scenarios"
NAMES = sorted(
    path.stem for path in SCENARIOS.glob("*.yaml") if path.stem.startswith(("intensive_", "forchhammersvej_", "more_"))
)
LEDGER = read_ledger(read_folder(data_dir("conf") / "ledger").data)
FULL = read_folder(data_dir("conf") / "network").data


def emptied(keep, **counts):
    """The network with some cohorts alone, and as many of those present as is said."""
    cohorts = {
        name: {**it, "present": {}} | ({"arrivals": "0 / year"} if "arrivals" in it else {})
        for name, it in FULL["cohorts"].items()
    }
    cohorts |= {name: FULL["cohorts"][name] for name in keep}
    for name, count in counts.items():
        present = {
            key: {**it, "count": count} for key, it in FULL["cohorts"][name]["present"].items() if key != "before"
        }
        cohorts[name] = {**FULL["cohorts"][name], "present": present}
    return {**FULL, "cohorts": cohorts}


#: A caseload small enough to be run often.
STUDY = emptied(("classensgade_citizens", "forchhammersvej_originals"), substitution_settled=400)
WHOLE = "2018-01-01..2020-12-31"


def scenario(name):
    return read_scenario(read_yaml(SCENARIOS / f"{name}.yaml").data, name)


def changed(study=STUDY, **addresses):
    """The study with changes from its start (double underscores stand for dots)."""
    changes = {address.replace("__", "."): value for address, value in addresses.items()}
    return apply(study, read_scenario({"title": {"da": "a", "en": "b"}, "from": "start", "changes": changes}))


def runs(study, measures, theta=None, n=4):
    """One row per replication, one column per measure."""
    read = read_study(study)
    values = {**default_theta(read.network), **(theta or {})}
    plan, scene = structure(read).bind(values), Scene.of(read, values)
    found = [measure(measures, simulate(plan, Luck(11, replication)), scene) for replication in range(n)]
    return np.array([[one[name] for name in measures] for one in found])


@lru_cache
def of_scenario(name, option=""):
    """Starts, met, and wait of three replications, with as many referred from the small caseload as from the whole."""
    made = apply(STUDY, with_option(scenario(name), option) if option else scenario(name))
    measures = ["fhv_intensive.starts", "fhv_intensive.ends.met", "fhv_intensive.wait.mean"]
    return runs(made, measures, {"intensive_referral_rate": 0.02 / 365.25}, n=3)


#: Tasks of the long-term places and the kind of time that each counts as.
TASKS = {
    "cafe": "cafe_kitchen",
    "routine": "routine_tasks",
    "acute": "acute_tasks",
    "visits": "visits_out",
    "talks": "planned_talks",
}
#: Every need is referred, every course is met and lasts as planned; the decision takes next to no time.
ALL_MET = {
    "intensive_referred_share": 1.0,
    "intensive_able": 1.0,
    "intensive_extension_share": 0.0,
    "intensive_visitation_days": 0.01,
}
QUARTER = 365.25 / 4


def referred(study, per_year, theta=None):
    """Theta under which `per_year` citizens are referred: the rate over those who may be, measured before."""
    places = ["substitution_units.present.mean", "forchhammersvej.present.mean"]
    at_risk = runs(study, [f"{place}@{WHOLE}" for place in places], {**ALL_MET, **(theta or {})}, 1).sum()
    return {**ALL_MET, "intensive_referral_rate": per_year / 365.25 / at_risk, **(theta or {})}


# --- the arithmetic of the report ------------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize(
    ("per_year", "months", "places"),
    [(8, 3, 5), (80, 3, 200), (40, 6, 200)],
    ids=["now", "fill_20", "fill_20_half_year"],
)
@pytest.mark.slow
def test_places_in_use_are_entrants_a_year_times_their_stay(per_year, months, places):
    """Little (1961): 8 a year for three months are 2.0 places; 20 places take 80 a year, or 40 for six months."""
    study = changed(services__fhv_intensive__places__hard=places)
    theta = referred(study, per_year, {"intensive_stay": months / 3 * QUARTER})
    used, starts = runs(study, [f"fhv_intensive.present.mean@{WHOLE}", f"fhv_intensive.starts@{WHOLE}"], theta).T
    expected = per_year * months / 12
    assert expected == {8: 2.0, 80: 20.0, 40: 20.0}[per_year]
    # Entrants are a Poisson count over three years and four replications; deaths shorten a stay by less than 2 %.
    spread = 4.0 / np.sqrt(per_year * 3 * 4)
    assert used.mean() == pytest.approx(expected, rel=spread + 0.02)
    assert starts.mean() == pytest.approx(per_year, rel=spread + 0.02)


@pytest.mark.theory
@pytest.mark.parametrize("months", [2, 3, 6])
@pytest.mark.slow
def test_five_places_that_are_always_full_take_five_times_twelve_over_the_months(months):
    """Throughput of c places that are never empty is c over the mean stay: 30, 20 and 10 a year."""
    study = changed(services__fhv_intensive__places__hard=5)
    theta = referred(study, 70, {"intensive_stay": months / 3 * QUARTER})
    used, starts = runs(study, [f"fhv_intensive.present.mean@{WHOLE}", f"fhv_intensive.starts@{WHOLE}"], theta, 3).T
    assert used.mean() == pytest.approx(5.0, rel=0.01)
    # Gamma stays of shape 4: the count of renewals has an index of dispersion of about a quarter.
    expected = 5 * 12 / months
    assert starts.mean() == pytest.approx(expected, rel=0.02 + 4.0 * np.sqrt(0.25 / (expected * 9)))


@pytest.mark.theory
def test_a_full_norm_of_120_loses_22_a_year():
    """28 of 37 after 18 months is a hazard of -ln(28/37)/1.5 = 0.186 a year; times 120 that is 22 exits a year."""
    hazard = -np.log(28 / 37) / 1.5
    assert hazard == pytest.approx(0.186, abs=0.0005)
    study = changed(
        referrals__to_forchhammersvej__at__rate="0.3 / year",
        referrals__to_intensive="drop",
        referrals__forchhammersvej_to_vesterbro="drop",
        services__forchhammersvej__ends__transfer__hazard=f"{hazard} / year",
        services__forchhammersvej__ends__gp__hazard="0 / year",
        services__forchhammersvej__ends__left__hazard="0 / year",
        services__forchhammersvej__death="0 / year",
    )
    study["services"]["forchhammersvej"]["places"] = {"hard": 120}
    present, exits, entries = runs(
        study,
        [f"forchhammersvej.{it}@{WHOLE}" for it in ("present.mean", "ends.transfer", "starts")],
    ).T
    assert present.mean() == pytest.approx(120.0, abs=0.01)
    assert entries.mean() == pytest.approx(exits.mean(), abs=0.01)
    assert exits.mean() == pytest.approx(120 * hazard, rel=4.0 / np.sqrt(120 * hazard * 12))


@pytest.mark.theory
def test_staff_are_8_at_120_citizens_and_9_3_with_20_intensive_places_inside_the_norm():
    """15 citizens per employee: 120 / 15 = 8.0 and 140 / 15 = 9.3; a team of three each is 60 memberships shared."""
    study = changed(
        **{
            f"services__fhv_intensive__staff__{one}__minutes": "@fhv_minutes"
            for one in ("health", "pedagogy", "social")
        },
        parameters__intensive_contacts="2 / week",
    )
    names = [
        f"forchhammersvej.present.mean@{WHOLE}",
        f"fhv_intensive.present.mean@{WHOLE}",
        f"fhv_intensive.fte@{WHOLE}",
        *(f"forchhammersvej.fte.{task}@{WHOLE}" for task in TASKS.values()),
    ]
    present, intensive, more, *tasks = runs(study, names, referred(study, 30), 2).T
    long_term, courses = (sum(tasks) / present).mean(), (more / intensive).mean()
    assert 120 * long_term == pytest.approx(120 / 15, abs=0.02)
    assert 120 * long_term + 20 * courses == pytest.approx(140 / 15, abs=0.03)
    memberships = 3 * 20 / (140 / 15)
    assert memberships == pytest.approx(6.4, abs=0.05)


@pytest.mark.theory
def test_need_met_is_referrals_times_those_who_can_attend():
    """8 referred a year of whom one in five can attend are 1.6 met a year, however many places there are."""
    theta = referred(STUDY, 8, {"intensive_able": 0.2})
    for places in (5, 20):
        study = changed(services__fhv_intensive__places__hard=places)
        met, missed = runs(study, [f"fhv_intensive.ends.{end}@{WHOLE}" for end in ("met", "not_met")], theta, 8).T
        total = met.mean() + missed.mean()
        assert total == pytest.approx(8.0, rel=4.0 / np.sqrt(8 * 24))
        assert met.mean() / total == pytest.approx(0.2, abs=4.0 * np.sqrt(0.16 / (total * 24)))


@pytest.mark.theory
@pytest.mark.parametrize("places", [5, 8, 20])
def test_referrals_with_those_who_come_back_are_a_geometric_sum(places):
    """Of n courses s n are referred again, s^2 n once more: n / (1 - s) in all, with s 35 %."""
    made = read_study(apply(FULL, with_variant(scenario(f"intensive_{places}_places"), "need_recurs")))
    (rule,) = [rule for rule in made.network.referrals if rule.id == "to_intensive"]
    theta = default_theta(made.network)
    before, after = (number.value(theta) for _, number in rule.rate[0].value.steps)
    assert after / before == pytest.approx(1 / (1 - 0.35), rel=0.005)


# --- invariants ------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
def test_every_course_follows_a_visitation_and_leads_back_to_where_the_citizen_came_from():
    read = read_study(STUDY)
    log = simulate(
        structure(read).bind({**default_theta(read.network), "intensive_referral_rate": 0.12 / 365.25}), Luck(2, 0)
    )
    index = log.legend.services.index
    visitation, course, long_term = index("fhv_visitation"), index("fhv_intensive"), index("forchhammersvej")
    ends = [log.legend.ends.index(end) for end in ("met", "not_met")]
    first = np.arange(len(log)) - log.row
    back = 0
    for at in np.flatnonzero(log.service == course):
        decided = first[at] + log.from_row[at]
        came = first[at] + log.from_row[decided]
        assert log.service[decided] == visitation
        assert log.admitted[decided] <= log.referred[at]
        if log.end_[at] in ends:
            back += log.to[at] == log.service[came]
            assert log.to[at] in (log.service[came], long_term)
    done = np.isin(log.end_[log.service == course], ends).sum()
    assert done > 80
    assert back / done > 0.85
    assert not np.any(log.to[log.service == visitation] == LEAVE)


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["intensive_at_own_unit", "intensive_mobile_team"])
def test_without_any_effect_another_form_changes_nobody(name):
    """With factors and odds ratios of one and as many places, each imagined citizen does what he or she did before."""
    measures = ["fhv_intensive.starts", "fhv_intensive.ends.met", "fhv_visitation.declined", "fhv_intensive.wait.mean"]
    form = name.removeprefix("intensive_").removeprefix("at_").removesuffix("_team")
    none = {f"{form}_referral_factor": 1.0, f"{form}_attend_odds": 1.0}
    made = apply(STUDY, scenario(name))
    made["services"]["fhv_intensive"]["places"] = STUDY["services"]["fhv_intensive"]["places"]
    assert np.array_equal(runs(made, measures, none, 2), runs(STUDY, measures, none, 2), equal_nan=True)


@pytest.mark.e2e
def test_more_places_wait_no_longer_and_meet_no_fewer():
    three, five, eight = (of_scenario("intensive_5_places", option) for option in ("three", "", "eight"))
    assert three[:, 2].mean() > five[:, 2].mean() >= eight[:, 2].mean()
    assert np.all(eight[:, 1] >= three[:, 1] - 1.0)


@pytest.mark.e2e
def test_no_number_of_places_helps_as_much_as_referral_and_attendance():
    """The report's reading: need met is limited by who is referred and who comes, not by places."""
    five, twenty = of_scenario("intensive_5_places"), of_scenario("intensive_20_places")
    mobile = of_scenario("intensive_20_places", "mobile")
    assert np.abs(twenty[:, 1] - five[:, 1]).max() <= 0.5
    assert mobile[:, 1].mean() > twenty[:, 1].mean()


@pytest.mark.unit
def test_the_tasks_of_the_day_add_up_to_the_norm_whatever_is_drawn():
    """Kitchen, routine, acute tasks, visits and talks are two contacts a week of 15 citizens per employee."""
    chooser = np.random.default_rng(4)
    for name in (None, "forchhammersvej_home_visits"):
        network = read_study(STUDY if name is None else apply(STUDY, scenario(name))).network
        (service,) = (one for one in network.services if one.id == "forchhammersvej")
        for _ in range(60):
            theta = LEDGER.draw(network, lambda _: float(chooser.uniform()))
            hours = {
                one.id: one.contacts.at(1000.0).value(theta) * one.hours.at(1000.0).value(theta)
                for one in service.staff
                if one.id in TASKS
            }
            norm = 2 / 7 * theta["fhv_minutes"] / 60
            assert min(hours.values()) >= 0
            if hours["talks"] > 0:
                assert sum(hours.values()) == pytest.approx(norm, rel=1e-3)
            else:
                assert sum(hours.values()) > norm * (1 - 1e-3)


EFFECTS = [
    "own_unit_referral_factor",
    "own_unit_attend_odds",
    "mobile_referral_factor",
    "mobile_attend_odds",
    "cooperation_attend_odds",
    "longer_referral_factor",
    "longer_goal_odds",
    "clear_target_factor",
    "single_attend_odds",
    "single_goal_odds",
    "home_visit_loss_factor",
    "cafe_manager_factor",
    "volunteer_acute_factor",
    "talk_room_acute_factor",
    "flow_factor",
]


@pytest.mark.unit
@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_may_be_none_or_a_little_harm(name):
    entry = LEDGER.entry(f"parameters.{name}")
    assert float(entry.low) < 1 < float(entry.high)


@pytest.mark.unit
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_every_option_can_be_run_and_one_is_the_cheapest(name):
    found = scenario(name)
    assert len(found.options) >= 3
    assert [option.cheapest for option in found.options].count(True) == 1
    assert found.levers
    assert lever_faults(apply(FULL, found), found) == []
    made = [apply(FULL, with_option(found, option.id)) for option in found.options]
    made += [apply(FULL, with_variant(found, variant.id)) for variant in found.variants]
    chosen = read_study(made[-1])
    parse_measures([*found.measures, *found.cannot_answer], chosen.network)
