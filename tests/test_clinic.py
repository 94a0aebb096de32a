"""Appointments one by one: what a clinic needs, who is overdue, and what is known on admission."""

import math

import numpy as np
import pytest

from crksim.analysis.measures import measure
from crksim.analysis.replications import WorldStudy, replicate
from crksim.analysis.scene import Scene
from crksim.errors import CheckError, InputError
from crksim.model.changes import apply
from crksim.model.clock import YEAR, Window
from crksim.model.network import Label
from crksim.model.scenario_reading import read_scenario
from crksim.model.study import default_theta, read_study
from crksim.simulation.clinic import run_clinic
from crksim.simulation.clinicplan import ClinicPlan
from crksim.simulation.closure import closure
from crksim.simulation.engine import simulate, stop_at
from crksim.simulation.luck import Luck
from crksim.simulation.misses import Habits, sort_of
from crksim.simulation.plan import structure
from crksim.simulation.sharing import touched_cohorts
from tests.make_log import make_log

MONTH = YEAR / 12
#: Times enough that nobody ever waits for one.
MANY = {"doctor": "100000 / year", "nurse": "100000 / year"}
PLAIN = {"every": "1 month", "talk": 30, "no_show": 0, **MANY}
CALL_IN = {"every": "1 year", "days": 4, "hours": "1 hour"}


def study(clinic, **parameters):
    """Return a study of one service with a clinic; day 0 is a Friday."""
    return {
        "time": {"start": "2016-01-01", "end": "2021-01-01"},
        "parameters": {name: {"value": value} for name, value in parameters.items()},
        "attributes": {"work": ["in", "out"]},
        "services": {"clinic": {"length": {"law": "exponential", "mean": "50 years"}, "clinic": clinic}},
        "cohorts": {
            "adults": {
                "attributes": {"work": {"in": 0.2, "out": "rest"}},
                "arrivals": "20 / year",
                "enters": "clinic",
                "present": {"first": {"at": "clinic", "count": 150, "lengths": "residual"}},
            }
        },
    }


def plan_of(clinic, theta=None, **parameters):
    network = read_study(study(clinic, **parameters)).network
    return ClinicPlan.of(network, "clinic", {**default_theta(network), **(theta or {})}, "2016-01-01")


def log_of(citizens=200, years=3.0, left=math.nan, work="out"):
    """Return a log of citizens who are all there from day 0."""
    closed = {} if math.isnan(left) else {"left": left, "end": "done", "to": "leave"}
    rows = [
        {"citizen": number, "service": "clinic", "admitted": 0.0, "kind": {"work": work}, **closed}
        for number in range(citizens)
    ]
    kinds = tuple({"cohort": "adults", "work": work} for work in ("in", "out"))
    return make_log(rows, services=("clinic",), kinds=kinds, span=(0.0, years * YEAR))


def run(clinic, log=None, luck=None, **more):
    return run_clinic(plan_of(clinic, **more), log_of() if log is None else log, luck or Luck(1, 0))


def weekday(days):
    return (np.floor(days).astype(int) + 4) % 7


# --- what the calendar must give ------------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize("missed", [0.1, 0.2, 0.3])
def test_no_shows_that_are_booked_again_need_talks_over_the_share_kept(missed):
    """Attempts at a talk are geometric: 200 citizens need 200 / (1 - p) times a month, 222, 250 and 286."""
    found = run({**PLAIN, "no_show": missed, "rebooked": 1, "rebooked_after": "1 day"})
    due = len(found.due) - 200  # each citizen's last talk is not yet held
    error = math.sqrt(missed * due) / (1 - missed) / due
    assert len(found.talks.day) / due == pytest.approx(1 / (1 - missed), abs=4 * error + 0.01)


@pytest.mark.theory
def test_two_hundred_citizens_have_2400_talks_and_800_days_of_call_in_a_year():
    found = run({**PLAIN, "call_in": CALL_IN}, log_of(years=4.2))
    first, last = YEAR, 4 * YEAR
    talks = np.count_nonzero((found.talks.day >= first) & (found.talks.day < last)) / 3
    assert talks == pytest.approx(200 * 12, rel=0.01)
    assert found.talks.hours.sum() == pytest.approx(0.5 * len(found.talks.day))
    it = found.call_ins
    # A call-in a year after the one before, plus the days until it could begin and was through.
    delay = np.nanmean(it.done_day - it.done_wanted)
    visits = np.count_nonzero((it.visit_day >= first) & (it.visit_day < last)) / 3
    assert visits == pytest.approx(200 * 4 * YEAR / (YEAR + delay), rel=0.02)
    assert delay < 8
    # One by one, every visit is an hour of the nurse.
    hours = it.hours[math.ceil(first) : math.ceil(last)].sum() / 3
    assert hours == pytest.approx(visits, rel=0.02)


@pytest.mark.theory
def test_days_in_a_row_are_begun_again_until_none_is_missed():
    """Trials until r successes in a row: (1 - s^r) / ((1 - s) s^r) (Feller 1968, XIII.7, eq. 7.7)."""
    kept = 0.8
    found = run({**PLAIN, "call_in": {**CALL_IN, "missed": 1 - kept}}, log_of(400, years=4.0)).call_ins
    counted = [0] * 400
    for stay, day in zip(found.visit_stay, found.visit_day, strict=True):
        counted[stay] += day <= np.nanmin(found.done_day[found.done_stay == stay])
    expected = (1 - kept**4) / ((1 - kept) * kept**4)
    assert np.mean(counted) == pytest.approx(expected, abs=4 * np.std(counted) / 20)


@pytest.mark.theory
@pytest.mark.parametrize("missed", [0.2, 0.4])
def test_a_third_miss_in_a_row_comes_at_the_rate_of_no_show_cubed_a_month(missed):
    """A run begins after a kept talk, (1 - p) p^3 per attempt, at 1 / (1 - p) attempts a month."""
    found = run({**PLAIN, "no_show": missed, "rebooked": 1, "rebooked_after": "1 day"})
    months = len(found.due) - 200
    number = np.count_nonzero(found.talks.run == 3)
    assert number == pytest.approx(missed**3 * months, abs=4 * math.sqrt(missed**3 * months))


# --- what is known on admission -------------------------------------------------------------------------------------

LATE = {"afternoons": 2, "hours": "1 day", "when": {"work": "in"}, "otherwise": 3}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("work", "more"),
    [
        ("out", {"rebooked": 0}),
        ("out", {"rebooked": 0.8, "rebooked_after": "20 days"}),
        ("out", {"rebooked": 0.5, "rebooked_after": "1 day", "drop_in": 0.4, "every": "9 days"}),
        ("in", {"late": LATE}),
        ("in", {"late": {**LATE, "afternoons": 0}, "drop_in": 0.2}),
        ("in", {"late": {**LATE, "afternoons": 1}, "every": "6 days", "rebooked_after": "3 days"}),
    ],
)
def test_where_times_are_many_every_talk_is_known_on_admission(work, more):
    """Day, number in a row that is missed and whether she comes: for every citizen and talk as the calendar has it."""
    clinic, luck = {**PLAIN, "no_show": 0.4, **more}, Luck(1, 0)
    plan = plan_of(clinic)
    found = run_clinic(plan, log_of(60, work=work), luck)
    habits = Habits(plan, sort_of(plan.clinic, {"cohort": "adults", "work": work}))
    for stay in range(60):
        mine = found.talks.stay == stay
        held = zip(found.talks.day[mine], found.talks.run[mine], found.talks.appointment[mine], strict=True)
        base = luck.base("adults", int(found.rows[stay]))
        known = [(it.day, it.run, it.appointment) for it in habits.talks(base, 0, 0.0, 3 * YEAR)]
        assert known == [one for one in held if one[0] < 3 * YEAR]
        assert len(known) > 25


def lost_study(clinic, share=1, end="2021-01-01", **parameters):
    """A study in which three misses in a row end a stay."""
    data = study(clinic, **parameters)
    data["time"]["end"] = end
    data["services"]["clinic"]["ends"] = {
        "done": {"share": 1, "to": "leave"},
        "lost": {"misses": {"in_a_row": 3, "share": share}, "to": "leave"},
    }
    return data


def lost_of(data, luck=None):
    """Return the log, and the day on which each citizen was lost."""
    read = read_study(data)
    log = simulate(structure(read).bind(default_theta(read.network)), luck or Luck(1, 0))
    rows = log.end_ == log.legend.ends.index("lost")
    return log, dict(zip(log.citizen[rows].tolist(), log.left[rows].tolist(), strict=True))


@pytest.mark.theory
@pytest.mark.parametrize(("missed", "share"), [(0.3, 1), (0.5, 1), (0.5, 0.3)])
def test_misses_in_a_row_are_lost_at_the_rate_of_no_show_cubed_a_month(missed, share):
    """Booked again at once, each due talk has three misses with the chance p^3: the months until then are geometric."""
    data = lost_study({**PLAIN, "no_show": missed, "rebooked": 1, "rebooked_after": "1 day"}, share)
    data["cohorts"]["adults"]["arrivals"] = "0 / year"
    data["cohorts"]["adults"]["present"]["first"]["count"] = 2000
    data["services"]["clinic"]["length"]["mean"] = "100000 years"
    for years in (1, 3):
        data["time"]["end"] = f"{2016 + years}-01-01"
        expected = share * (1 - (1 - missed**3) ** (12 * years))
        error = math.sqrt(expected * (1 - expected) / 2000)
        assert len(lost_of(data)[1]) / 2000 == pytest.approx(expected, abs=4 * error + 0.25 * missed**3 * share)


@pytest.mark.unit
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"doctor": "300 / year", "nurse": "300 / year"},  # half the times that are needed
        {"doctor": "900 / year", "nurse": "0 / year", "call_in": CALL_IN, "drop_in": 0.1, "late": LATE},
    ],
)
def test_who_is_lost_has_her_third_miss_in_the_calendar_on_that_day(more):
    """However full the calendar is; nobody whose stay goes on has them where times are many and all are lost."""
    clinic = {**PLAIN, "no_show": 0.4, "rebooked": 0.9, "rebooked_after": "9 days", **more}
    data = lost_study(clinic)
    log, lost = lost_of(data)
    plan = ClinicPlan.of(read_study(data).network, "clinic", {}, "2016-01-01")
    found = run_clinic(plan, log, Luck(1, 0))
    assert len(lost) > 80
    for stay, row in enumerate(found.rows.tolist()):
        mine = found.talks.stay == stay
        day = lost.get(int(log.citizen[row]))
        if day is not None:
            assert found.talks.day[mine][-1] == day
            assert found.talks.run[mine][-3:].tolist() == [1, 2, 3]
            assert found.talks.run[mine].max() == 3
        elif not more:
            assert found.talks.run[mine].max(initial=0) < 3


@pytest.mark.unit
@pytest.mark.parametrize("after", ["5 days", "28 days"])
def test_with_lower_odds_of_missing_nobody_is_lost_earlier_and_with_the_same_odds_nothing_changes(after):
    clinic = {**PLAIN, "rebooked": 0.8, "rebooked_after": after, "drop_in": 0.1, "late": LATE}
    shown = {**clinic, "no_show": "odds(@missed, 1 / @ratio)"}
    plain, before = lost_of(lost_study({**clinic, "no_show": 0.5}, 0.6))
    same, _ = lost_of(lost_study(shown, 0.6, missed=0.5, ratio=1.0))
    assert same.content_hash() == plain.content_hash()
    assert len(before) > 60
    saved = 0
    for ratio in (1.1, 1.5, 3.0):
        _, fewer = lost_of(lost_study(shown, 0.6, missed=0.5, ratio=ratio))
        assert all(before[citizen] <= day for citizen, day in fewer.items())
        assert len(before) - len(fewer) > saved
        saved = len(before) - len(fewer)


@pytest.mark.unit
def test_late_times_keep_those_who_can_only_come_late():
    clinic = {**PLAIN, "no_show": 0.3, "late": {**LATE, "otherwise": 2}}
    log, without = lost_of(lost_study({**clinic, "late": {**LATE, "otherwise": 2, "hours": 0}}))
    _, there = lost_of(lost_study(clinic))
    kinds = {int(citizen): dict(log.legend.kinds[kind]) for citizen, kind in zip(log.citizen, log.kind, strict=True)}
    only_late = {citizen for citizen, kind in kinds.items() if kind["work"] == "in"}
    assert {it for it in without.items() if it[0] not in only_late} == {
        it for it in there.items() if it[0] not in only_late
    }
    assert len(only_late & there.keys()) < len(only_late & without.keys())


@pytest.mark.unit
def test_a_run_cut_in_two_loses_the_same_citizens_on_the_same_days():
    data = lost_study({**PLAIN, "no_show": 0.4, "rebooked": 0.9, "rebooked_after": "9 days"})
    read = read_study(data)
    plan = structure(read).bind(default_theta(read.network))
    whole, lost = lost_of(data)
    first, state = stop_at(plan, Luck(1, 0), 700.0)
    rest = simulate(plan, Luck(1, 0), state=state)
    halves = {
        int(citizen): float(day)
        for log in (first, rest)
        for citizen, day, end in zip(log.citizen, log.left, log.end_, strict=True)
        if end == whole.legend.ends.index("lost")
    }
    assert halves == lost
    assert min(lost.values()) < 700 < max(lost.values())


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "moves"),
    [
        ({"clinic.no_show": "odds(@missed, 0.5)"}, True),
        ({"clinic.rebooked_after": "5 days"}, True),
        ({"clinic.late.afternoons": 4}, True),
        ({"clinic.drop_in": 0.2}, True),
        ({"clinic.doctor": "2000 / year"}, False),
        ({"clinic.overdue_after": "50 days"}, False),
        ({"clinic.call_in.missed": 0.2}, False),
    ],
)
def test_of_a_clinic_only_what_misses_hang_on_moves_stays(changes, moves):
    """And without an end that waits for misses nothing does."""
    call_in = {**CALL_IN, "missed": 0.05}
    more = {"rebooked": 0.9, "rebooked_after": "9 days", "drop_in": 0, "overdue_after": "45 days", "call_in": call_in}
    clinic = {**PLAIN, **more, "no_show": "@missed", "late": LATE}
    scenario = {
        "title": {"da": "a", "en": "b"},
        "question": {"da": "a", "en": "b"},
        "from": "2018-01-01",
        "changes": {f"services.clinic.{address}": value for address, value in changes.items()},
    }
    for data, expected in ((lost_study(clinic, missed=0.4), moves), (study(clinic, missed=0.4), False)):
        changed = apply(data, read_scenario(scenario, "try"))
        one, two = (structure(read_study(it)) for it in (data, changed))
        reached = closure(two, scenario["changes"], one)
        assert touched_cohorts(one, two) == (frozenset({"adults"}) if expected else frozenset())
        assert reached == (frozenset({"clinic"}) if expected else frozenset())
        logs = [simulate(it.bind(default_theta(it.study.network)), Luck(1, 0)).content_hash() for it in (one, two)]
        assert (logs[0] != logs[1]) == expected
    assert closure(structure(read_study(lost_study(clinic, missed=0.4))), ["parameters.missed"]) == {"clinic"}
    assert closure(structure(read_study(study(clinic, missed=0.4))), ["parameters.missed"]) == frozenset()


# --- who is there, and when -----------------------------------------------------------------------------------------


@pytest.mark.unit
def test_nobody_waits_or_is_overdue_where_times_are_many():
    found = run({**PLAIN, "no_show": 0.3, "rebooked_after": "1 day"})
    assert np.all(found.talks.wait == 0)
    network = read_study(study({**PLAIN}))
    names = ("share_of_months", "overdue", "missed_share", "slot_wait", "third_misses")
    values = measure(
        [f"clinic.talks.{name}" for name in names], log_of(), Scene.of(network, {}), Window(YEAR, 3 * YEAR)
    )
    assert list(values.values()) == [1, 0, 0, 0, 0]


@pytest.mark.unit
def test_a_full_calendar_makes_citizens_overdue_and_changes_no_stay():
    scarce = {**PLAIN, "doctor": "300 / year", "nurse": "300 / year"}  # 200 citizens need 1,200 hours a year
    log = log_of()
    before = log.content_hash()
    network = read_study(study(scarce))
    window = Window(2 * YEAR, 3 * YEAR)
    names = ("slot_wait", "overdue", "share_of_months", "load_doctor", "load_nurse", "hours_doctor", "hours_nurse")
    found = measure([f"clinic.talks.{name}" for name in names], log, Scene.of(network, {}), window)
    wait, overdue, share, doctor, nurse, *hours = found.values()
    assert wait > 20
    assert overdue > 20
    assert share < 0.6
    assert doctor == pytest.approx(1, abs=0.01)
    assert nurse == pytest.approx(1, abs=0.01)
    assert sum(hours) == pytest.approx(600, rel=0.01)
    assert log.content_hash() == before


@pytest.mark.unit
def test_a_time_is_given_back_by_those_who_leave():
    clinic = {**PLAIN, "doctor": "100 / year", "nurse": "0 / year", "by_doctor": 1}
    gone = run(clinic, log_of(left=100.0))
    assert gone.talks.day.max() < 100
    rows = [
        {"citizen": number, "service": "clinic", "admitted": 0.0, "left": 100.0, "end": "done", "to": "leave"}
        for number in range(200)
    ] + [{"citizen": 200, "service": "clinic", "admitted": 101.0}]
    kinds = ({"cohort": "adults", "work": "out"},)
    found = run(clinic, make_log(rows, services=("clinic",), kinds=kinds, span=(0.0, 400.0)))
    last = found.talks.wait[found.talks.stay == 200]
    assert len(last) > 7
    assert np.all(last == 0)


@pytest.mark.unit
def test_same_luck_same_appointments_and_nobody_elses_matter_where_times_are_many():
    clinic = {**PLAIN, "no_show": 0.3, "call_in": {**CALL_IN, "missed": 0.2}}
    one, again, other = run(clinic), run(clinic), run(clinic, luck=Luck(1, 1))
    assert np.array_equal(one.talks.day, again.talks.day)
    assert np.array_equal(one.call_ins.visit_day, again.call_ins.visit_day)
    assert not np.array_equal(one.talks.kept[:2000], other.talks.kept[:2000])
    alone = run(clinic, log_of(1))
    mine = one.talks.stay == 0
    assert np.array_equal(one.talks.day[mine], alone.talks.day)
    assert np.array_equal(one.talks.kept[mine], alone.talks.kept)


@pytest.mark.unit
def test_an_odds_ratio_of_one_changes_nothing_and_a_better_one_keeps_every_talk_that_was_kept():
    reminded = {**PLAIN, "rebooked": 0, "no_show": "odds(@missed, 1 / @ratio)"}
    plain = run({**PLAIN, "rebooked": 0, "no_show": 0.18})
    same = run(reminded, missed=0.18, ratio=1.0)
    better = run(reminded, missed=0.18, ratio=2.0)
    for column in ("stay", "day", "wait", "staff", "kept", "run"):
        assert np.array_equal(getattr(plain.talks, column), getattr(same.talks, column))
    assert np.array_equal(plain.talks.day, better.talks.day)
    assert np.all(better.talks.kept[plain.talks.kept])
    expected = 0.18 / 2 / (0.82 + 0.18 / 2)
    error = math.sqrt(expected * (1 - expected) / len(better.talks.kept))
    assert 1 - better.talks.kept.mean() == pytest.approx(expected, abs=4 * error)


@pytest.mark.unit
def test_who_can_come_late_only_gets_late_times_or_misses_more():
    late = {"afternoons": 2, "hours": "2 hours", "when": {"work": "in"}, "otherwise": 3}
    found = run({**PLAIN, "no_show": 0.2, "late": late}, log_of(40, work="in"))
    assert set(weekday(found.talks.day)) == {1, 3}
    early = run({**PLAIN, "no_show": 0.2, "late": {**late, "afternoons": 0}}, log_of(40, work="in"))
    assert set(weekday(early.talks.day)) == {0, 1, 2, 3, 4}
    expected = 0.6 / (0.8 + 0.6)
    assert 1 - early.talks.kept.mean() == pytest.approx(expected, abs=0.04)
    assert 1 - found.talks.kept.mean() == pytest.approx(0.2, abs=0.04)


@pytest.mark.unit
def test_who_may_drop_in_is_seen_within_a_week():
    found = run({**PLAIN, "no_show": 0.3, "drop_in": 1}).talks
    assert np.count_nonzero(~found.kept) > 1000
    for stay in range(50):
        mine = found.stay == stay
        missed = np.flatnonzero(mine & ~found.kept)
        next_ = [np.flatnonzero(mine & (found.day > found.day[place])) for place in missed]
        for place, later in zip(missed, next_, strict=True):
            if len(later):
                assert found.kept[later[0]]
                assert not found.appointment[later[0]]
                assert found.day[later[0]] - found.day[place] <= 7


@pytest.mark.unit
def test_a_call_in_begins_early_in_the_week_and_groups_share_the_hour():
    one = run({**PLAIN, "call_in": CALL_IN}).call_ins
    for stay in range(50):
        days = np.sort(one.visit_day[one.visit_stay == stay])[:4]
        assert weekday(days[:1])[0] in (0, 1)
        assert np.diff(days).tolist() == [1, 1, 1]
    four = run({**PLAIN, "call_in": {**CALL_IN, "group": 4, "held": "4 weeks"}}).call_ins
    assert len(four.visit_day) == pytest.approx(len(one.visit_day), rel=0.05)
    assert one.hours.sum() / len(one.visit_day) == pytest.approx(1, rel=0.05)
    # Groups of four are nearly full when citizens are called in together.
    assert 0.25 <= four.hours.sum() / len(four.visit_day) < 0.32


@pytest.mark.unit
def test_one_by_one_the_nurse_has_no_time_for_so_many_call_ins():
    hours = {"doctor": "1020 / year", "nurse": "1020 / year", "call_in": {**CALL_IN, "missed": 0.05}}
    network = read_study(study({**PLAIN, "no_show": 0.18, **hours}))
    together = read_study(study({**PLAIN, "no_show": 0.18, **hours, "call_in": {**hours["call_in"], "group": 4}}))
    names = ["clinic.call_in.overdue", "clinic.call_in.hours", "clinic.talks.overdue"]
    alone, shared = (
        measure(names, log_of(years=4), Scene.of(it, {}), Window(2 * YEAR, 3 * YEAR)) for it in (network, together)
    )
    assert alone["clinic.call_in.overdue"] > shared["clinic.call_in.overdue"] + 3
    assert alone["clinic.call_in.hours"] > 1.5 * shared["clinic.call_in.hours"]


# --- the grammar, and the way of the data ---------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("clinic", "address", "rule"),
    [
        ({**PLAIN, "no_show": 1.2}, "services.clinic.clinic.no_show", "share between 0 and 1"),
        ({**PLAIN, "talks": 1}, "services.clinic.clinic.talks", "not a known key"),
        ({"talk": 30}, "services.clinic.clinic.every", "is missing"),
        ({**PLAIN, "every": 3}, "services.clinic.clinic.every", "must be a duration"),
        ({**PLAIN, "doctor": 40}, "services.clinic.clinic.doctor", "must be a rate"),
        ({**PLAIN, "call_in": {**CALL_IN, "days": 6}}, "services.clinic.clinic.call_in.days", "week of 5 days"),
        ({**PLAIN, "call_in": {**CALL_IN, "group": 0}}, "services.clinic.clinic.call_in.group", "above 0"),
        ({**PLAIN, "late": {"afternoons": 6, "hours": 60}}, "services.clinic.clinic.late.afternoons", "from 0 to 5"),
        (
            {**PLAIN, "late": {"afternoons": 1, "hours": 60, "when": {"job": "in"}}},
            "services.clinic.clinic.late.when.job",
            "not a known attribute",
        ),
    ],
)
def test_faults_of_a_clinic_are_told_with_their_address(clinic, address, rule):
    with pytest.raises(InputError) as error:
        read_study(study(clinic))
    (problem,) = [one for one in error.value.problems if one.address == address]
    assert rule in problem.rule


@pytest.mark.unit
def test_a_service_without_a_clinic_has_no_plan_and_its_talks_are_nan():
    plain = study(PLAIN)
    del plain["services"]["clinic"]["clinic"]
    read = read_study(plain)
    with pytest.raises(CheckError, match="has no clinic"):
        ClinicPlan.of(read.network, "clinic", {}, "2016-01-01")
    found = measure(["clinic.talks.overdue", "clinic.call_in.hours"], log_of(), Scene.of(read, {}), Window(0, YEAR))
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.unit
def test_a_scenario_changes_the_clinic_from_its_date_and_no_stay_is_run_again():
    base = study({**PLAIN, "no_show": "@missed", "rebooked": 0}, missed=0.3, ratio=2.0)
    scenario = read_scenario(
        {
            "title": {"da": "Påmindelse", "en": "Reminder"},
            "question": {"da": "Kommer flere?", "en": "Do more come?"},
            "from": "2018-01-01",
            "changes": {"services.clinic.clinic.no_show": "odds(@missed, 1 / @ratio)"},
        },
        "reminder",
    )
    changed = apply(base, scenario)
    one, two = (structure(read_study(it)) for it in (base, changed))
    assert touched_cohorts(one, two) == frozenset()
    worlds = [
        WorldStudy("without", "baseline", Label("uden", "without"), base),
        WorldStudy("reminder", "reminder", Label("med", "with"), changed),
    ]
    found = replicate(
        worlds,
        {},
        measures=["clinic.talks.missed_share@2017", "clinic.talks.missed_share@2018..2019", "clinic.starts"],
        members=1,
        futures=2,
        seed=3,
        window=Window(2 * YEAR, 3 * YEAR),
    )
    without, reminded = (world.values[0] for world in found.worlds)
    assert np.array_equal(without[:, [0, 2]], reminded[:, [0, 2]])
    assert without[:, 1] == pytest.approx(0.3, abs=0.03)
    assert reminded[:, 1] == pytest.approx(0.15 / (0.7 + 0.15), abs=0.03)
    assert without[0, 0] != without[1, 0]
