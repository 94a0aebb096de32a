"""Worlds over members and futures: common luck, common parameters, the same bytes from any number of workers."""

import copy
import gc
import math
from dataclasses import replace

import numpy as np
import pytest

from crksim.analysis import replications, units
from crksim.analysis.comparison import Question, compare
from crksim.analysis.measures import flows, measure
from crksim.analysis.pool import open_pool
from crksim.analysis.replications import WorldStudy, replicate, series_rows
from crksim.analysis.scene import Scene
from crksim.errors import CheckError, InputError
from crksim.model.clock import YEAR, Window
from crksim.model.network import Label
from crksim.model.study import read_study
from crksim.simulation.engine import Run, simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

NAME = Label("verden", "world")
WINDOW = Window(366.0, 731.0)
MEASURES = ("clinic.starts", "clinic.present.mean", "clinic.queue_wait.mean")

STUDY = {
    "title": {"da": "To steder", "en": "Two places"},
    "time": {"start": "2016-01-01", "forecast": "2017-01-01", "end": "2018-01-01"},
    "parameters": {"inflow": {"value": "150 / year"}, "drop_out": {"value": 0.3}, "stay": {"value": "40 days"}},
    "services": {
        "clinic": {
            "places": {"hard": 15},
            "patience": {"law": "exponential", "mean": "60 days"},
            "length": {"law": "exponential", "mean": "@stay"},
            "ends": {"done": {"share": "rest", "to": "leave"}, "dropped_out": {"share": "@drop_out", "to": "leave"}},
        }
    },
    "cohorts": {"adults": {"arrivals": "@inflow", "enters": "clinic"}},
    "referrals": {},
}
LEDGER = {
    "parameters.inflow": {"kind": "assumed", "low": "100 / year", "high": "200 / year", "law": "pert"},
    "parameters.drop_out": {"kind": "assumed", "low": 0.1, "high": 0.5, "law": "uniform"},
}


def changed(**changes):
    """Return the study with values at dotted addresses; a double underscore stands for the dot."""
    study = copy.deepcopy(STUDY)
    for address, value in changes.items():
        *path, last = address.split("__")
        inner = study
        for key in path:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return study


def worlds(what_if=None, **more):
    what_if = changed(services__clinic__places__hard=18) if what_if is None else what_if
    return [WorldStudy("without", "baseline", NAME, STUDY), WorldStudy("what_if", "more_places", NAME, what_if, **more)]


def run(given=None, **settings):
    wanted = {"measures": MEASURES, "members": 3, "futures": 2, "seed": 1, "window": WINDOW} | settings
    return replicate(worlds() if given is None else given, LEDGER, **wanted)


def theta_of(what_if, changes=None, members=4, **settings):
    """Return (reference, what-if) parameter values by member, as a run draws them."""
    seen = []

    def listen(study, theta):
        seen.append(dict(theta))
        return Scene.of(study, theta)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "Scene", type("Listening", (), {"of": staticmethod(listen)}))
        run(worlds(what_if, changes=changes or {}), members=members, futures=1, measures=(), **settings)
    return list(zip(seen[::2], seen[1::2], strict=True))


# --- common luck -----------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_every_future_of_a_member_has_its_own_luck_however_many_there_are():
    found = run(members=2, futures=3, replay=["clinic.starts.count@2016"])
    study = read_study(STUDY)
    for member in range(2):
        theta = found.theta[member]
        for future in range(3):
            log = simulate(structure(study).bind(theta), Luck(1, [0, 1, 2**20][future] + 2 * member))
            values = measure(MEASURES, log, Scene.of(study, theta), WINDOW)
            np.testing.assert_array_equal(found.worlds[0].values[member, future], [values[name] for name in MEASURES])


@pytest.mark.unit
def test_the_same_bytes_from_one_worker_and_from_two():
    settings = {
        "members": 5,
        "replay": ["clinic.starts.count@2016"],
        "series_services": ["clinic"],
        "series_days": [100.0, 400.0],
    }
    one, two = run(**settings, workers=1), run(**settings, workers=2)
    for mine, other in zip(one.worlds, two.worlds, strict=True):
        assert mine.values.tobytes() == other.values.tobytes()
        assert one.present[mine.id].tobytes() == two.present[mine.id].tobytes()
    assert one.replay.tobytes() == two.replay.tobytes()
    assert (one.flows, one.theta) == (two.flows, two.theta)
    assert not np.array_equal(one.worlds[0].values, one.worlds[1].values)


@pytest.mark.unit
def test_a_study_that_was_read_before_and_workers_that_wait_give_the_same():
    """Both save time; a study that is known is not read again, so that a wrong one shows."""
    plain = run()
    known = [replace(world, known=world.read()) for world in worlds()]
    with open_pool(2, ["crksim.analysis.replications"]) as pool:
        found = run(known, pool=pool)
        again = run(known, pool=pool, seed=2)
    assert [world.values.tobytes() for world in found.worlds] == [world.values.tobytes() for world in plain.worlds]
    assert [world.values.tobytes() for world in again.worlds] == [
        world.values.tobytes() for world in run(seed=2).worlds
    ]
    other = [replace(world, known=known[0].known) for world in worlds()]
    assert np.array_equal(run(other).worlds[1].values, run(known[:1]).worlds[0].values, equal_nan=True)


@pytest.mark.unit
def test_more_members_leave_those_that_were_there():
    few, many = run(members=2), run(members=4)
    np.testing.assert_array_equal(few.worlds[1].values, many.worlds[1].values[:2])
    assert few.theta == many.theta[:2]
    assert len({theta["inflow"] for theta in many.theta}) == 4


@pytest.mark.unit
def test_another_seed_gives_other_members_and_other_luck():
    one, two = run(seed=1), run(seed=2)
    assert one.theta[0]["inflow"] != two.theta[0]["inflow"]
    assert not np.array_equal(one.worlds[0].values, two.worlds[0].values)


@pytest.mark.unit
def test_a_world_that_changes_nothing_is_run_once_and_differs_nowhere(monkeypatch):
    calls = []

    def counted(plan, luck, cohorts=None):
        calls.append(luck.replication)
        return simulate(plan, luck, cohorts=cohorts)

    monkeypatch.setattr(units, "simulate", counted)
    found = run(worlds(copy.deepcopy(STUDY)), members=2)
    assert calls == [0, 1, 2, 3]
    rows = compare(found.worlds, MEASURES, [Question(name, NAME, NAME, "flow", 1.0) for name in MEASURES])
    assert [(row.difference, row.low, row.high, row.verdict) for row in rows] == [
        (0.0, 0.0, 0.0, "no_difference_that_matters")
    ] * 3
    assert found.flows["without"] == found.flows["what_if"]


@pytest.mark.unit
def test_the_structure_of_a_world_is_built_once(monkeypatch):
    built = []
    monkeypatch.setattr(units, "structure", lambda study: built.append(study) or structure(study))
    units._opened.cache_clear()
    run(members=3)
    run(members=3)
    units._opened.cache_clear()
    assert len(built) == 2


@pytest.mark.unit
@pytest.mark.slow
def test_no_replication_leaves_anything_behind():
    alive = []

    def look(done, total):
        alive.append(sum(isinstance(thing, Run) for thing in gc.get_objects()))

    gc.collect()  # what tests before this one have left
    gc.disable()
    try:
        run(members=3, progress=look)
    finally:
        gc.enable()
    assert alive == [0, 0, 0]


# --- common parameters -----------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_worlds_share_the_value_of_a_parameter_and_others_keep_what_is_written():
    for reference, what_if in theta_of(None):
        assert reference == what_if
        assert 100 / YEAR < reference["inflow"] < 200 / YEAR
        assert reference["stay"] == 40.0


@pytest.mark.unit
def test_a_parameter_only_the_what_if_has_is_drawn_too():
    what_if = changed(parameters__extra={"value": 0.5})
    ledger = {**LEDGER, "parameters.extra": {"kind": "assumed", "low": 0, "high": 1, "law": "uniform"}}
    networks = [read_study(study).network for study in (STUDY, what_if)]
    reference, drawn = replications.draw_members(worlds(what_if), networks, replications.read_ledger(ledger), 5, 1)
    assert all("extra" not in theta for theta in reference)
    assert len({theta["extra"] for theta in drawn}) == 5
    assert [theta["inflow"] for theta in reference] == [theta["inflow"] for theta in drawn]


@pytest.mark.unit
@pytest.mark.parametrize("address", ["parameters.drop_out", "parameters.drop_out.value"])
def test_a_parameter_set_by_the_planner_holds_for_all_members_and_a_relative_change_for_each(address):
    what_if = changed(parameters__drop_out__value=0.36)
    for reference, other in theta_of(what_if, {address: 0.36}):
        assert other["drop_out"] == 0.36
        assert other["inflow"] == reference["inflow"]
    for reference, other in theta_of(what_if, {address: {"times": 1.2}}):
        assert other["drop_out"] == pytest.approx(1.2 * reference["drop_out"])
    for reference, other in theta_of(what_if, {address: {"plus": 0.06}}):
        assert other["drop_out"] == pytest.approx(reference["drop_out"] + 0.06)


@pytest.mark.unit
def test_overrides_hold_for_all_members_or_one_by_one():
    for reference, other in theta_of(None, theta_overrides={"drop_out": 0.2}):
        assert reference["drop_out"] == other["drop_out"] == 0.2
    ensemble = [{"drop_out": 0.1, "inflow": 0.3}, {"drop_out": 0.4, "inflow": 0.4}]
    assert [what_if for _, what_if in theta_of(None, members=2, theta_overrides=ensemble)] == [
        {**member, "stay": 40.0} for member in ensemble
    ]
    with pytest.raises(InputError, match="members = 3: must be at most 2, the size of the ensemble"):
        run(theta_overrides=ensemble)


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_a_service_that_only_one_world_has_counts_nobody_in_the_other():
    annex = {"luck_key": "annex", "length": {"law": "fixed", "value": "10 days"}}
    what_if = changed(services__annex=annex, cohorts__others={"arrivals": "50 / year", "enters": "annex"})
    found = run(
        worlds(what_if), measures=("annex.starts", "annex.length.mean"), series_services=["annex"], series_days=[500.0]
    )
    reference, other = found.worlds
    assert (reference.values[:, :, 0] == 0.0).all()
    assert np.isnan(reference.values[:, :, 1]).all()
    assert (other.values[:, :, 0] > 0.0).all()
    assert other.values[:, :, 1] == pytest.approx(10.0)
    assert (found.present["without"] == 0).all()
    assert {row.world for row in series_rows(found, [read_study(STUDY), read_study(what_if)])} == {"what_if"}


@pytest.mark.unit
def test_an_address_that_no_world_knows_is_refused():
    with pytest.raises(InputError, match="clinik"):
        run(measures=("clinic.starts", "clinik.starts"))


@pytest.mark.unit
def test_the_replay_is_that_of_the_main_reference():
    found = run(replay=["clinic.starts.count@2016", "clinic.starts"])
    np.testing.assert_array_equal(found.replay[:, :, 1], found.worlds[0].values[:, :, 0])
    assert (found.replay[:, :, 0] == np.round(found.replay[:, :, 0])).all()


@pytest.mark.unit
def test_flows_are_the_mean_over_all_runs():
    found = run(members=2, futures=2)
    study = read_study(STUDY)
    logs = [simulate(structure(study).bind(found.theta[number // 2]), Luck(1, number)) for number in range(4)]
    expected = np.mean([flows(log, WINDOW)[("adults", "clinic")] for log in logs])
    assert found.flows["without"][("adults", "clinic")] == pytest.approx(expected)
    assert list(found.flows["without"]) == sorted(found.flows["without"])


@pytest.mark.unit
def test_the_series_has_mean_and_range_and_the_places_in_force():
    days = [50.0, 366.0, 400.0]
    steps = {"first": 15, "later": {"from": "2017-01-01", "value": 18}}
    what_if = changed(services__clinic__places__hard=steps)
    found = run(worlds(what_if), members=12, series_services=["clinic", "elsewhere"], series_days=days)
    rows = [row for row in series_rows(found, [read_study(STUDY), read_study(what_if)]) if row.world == "what_if"]
    assert [(row.day, row.places) for row in rows] == [(50.0, 15.0), (366.0, 18.0), (400.0, 18.0)]
    present = found.present["what_if"][:, :, 0, :].reshape(24, 3)
    for number, row in enumerate(rows):
        assert row.mean == pytest.approx(present[:, number].mean())
        assert present[:, number].min() <= row.low <= row.mean <= row.high <= present[:, number].max()


@pytest.mark.theory
def test_smoothing_averages_each_course_and_never_across_a_break():
    """Nine points of a straight line average to the middle one; beside a break only those of its own side count."""
    courses = np.array([np.arange(20.0), np.r_[np.zeros(10), np.ones(10)]])
    parts = np.searchsorted([10.0], np.arange(20.0), side="right")
    smooth = replications._smoothed(courses, parts, 4)
    assert smooth[0, 4:6].tolist() == [4.0, 5.0]
    assert smooth[0, 9] == np.mean([5, 6, 7, 8, 9])
    assert smooth[0, 10] == np.mean([10, 11, 12, 13, 14])
    assert np.array_equal(smooth[1], courses[1])
    assert np.array_equal(replications._smoothed(courses, parts, 0), courses)


@pytest.mark.unit
def test_no_places_are_shown_where_none_are_known_or_the_service_is_closed():
    clinic = dict(STUDY["services"]["clinic"]) | {"opens": "2016-03-01", "before": "leave"}
    clinic["closes"] = {
        "on": "2017-06-01",
        "present": {"gone": {"share": "rest", "to": "leave"}},
        "afterwards": "leave",
    }
    free = {"length": {"law": "fixed", "value": "10 days"}}
    study = changed(services__clinic=clinic, services__free=free)
    given = [WorldStudy("without", "baseline", NAME, study)]
    found = run(given, series_services=["clinic", "free"], series_days=[10.0, 100.0, 600.0])
    places = {(row.service, row.day): row.places for row in series_rows(found, [read_study(study)])}
    assert places.pop(("clinic", 100.0)) == 15.0
    assert len(places) == 5
    assert all(math.isnan(number) for number in places.values())


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_a_failing_replication_is_named(monkeypatch):
    def failing(plan, luck, cohorts=None):
        if luck.replication == 3:
            raise CheckError("a place was given twice")
        return simulate(plan, luck, cohorts=cohorts)

    monkeypatch.setattr(units, "simulate", failing)
    with pytest.raises(CheckError, match="member 1: world 'without', future 1: a place was given twice"):
        run()


@pytest.mark.unit
def test_sizes_below_one_are_refused_all_at_once():
    with pytest.raises(InputError) as caught:
        run(members=0, futures=1.5)
    assert [str(problem) for problem in caught.value.problems] == [
        "members = 0: must be a whole number of at least 1",
        "futures = 1.5: must be a whole number of at least 1",
    ]


@pytest.mark.unit
def test_progress_counts_members():
    seen = []
    run(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
