"""What holds for every valid network: hypothesis draws small ones.

`CRKSIM_EXAMPLES=10` draws ten times as many.
"""

import copy
import dataclasses
import json
import math
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crksim.model.changes import apply, read_scenario
from crksim.model.study import default_theta, dump, read_study
from crksim.simulation.closure import closure
from crksim.simulation.engine import simulate, stop_at
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import BLOCKED, DIED, LEAVE, OPENING
from tests.oracle.compare import assert_same, key, named, plain
from tests.strategies import studies

pytestmark = pytest.mark.property

TIMES = int(os.environ.get("CRKSIM_EXAMPLES", "1"))


def examples(count):
    """Return the settings of a test that draws so many networks."""
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def bound(data):
    """Return the plan of a study given as a plain dict."""
    study = read_study(data)
    return structure(study).bind(default_theta(study.network))


def table(data, seed=1):
    """Return the rows of a run as plain dicts with names."""
    return [plain(row) for row in named(simulate(bound(data), Luck(seed, 0)))]


def by_key(rows):
    return {key(row): row for row in rows}


def without_cuts(rows, day):
    """Return rows as they stood on a day: what came later is not there yet."""
    kept = []
    for row in rows:
        if row["referred"] >= day:
            continue
        if row["left"] is None or row["left"] >= day:
            row = row | {"left": None, "end": None, "to": None, "status": None, "without": None}
            if row["flags"] & BLOCKED and row["due"] >= day:
                row["flags"] -= BLOCKED
            if row["admitted"] is not None and row["admitted"] >= day:
                row = row | {"admitted": None, "due": None, "nth": -1}
        kept.append(row)
    return kept


# ------------------------------------------------------------------ the textbook model


@pytest.mark.slow
@examples(60)
@given(studies(), st.integers(1, 10_000))
def test_the_textbook_model_writes_the_same_rows(data, seed):
    assert_same(data, seed, least=0)


# ------------------------------------------------------------------ the log


def citizens_are_somewhere_or_have_gone_for_a_reason(study, log, rows):
    """In = out + present: every strand ends once, by leaving or dying, or has exactly one row open."""
    strands = {}
    for row in rows:
        strands.setdefault((row["cohort"], row["citizen"], row["strand"]), []).append(row)
    for strand in strands.values():
        # What was asked for while a stay went on, and came to nothing, is no part of the chain.
        chain = [row for row in strand if row["admitted"] is not None or row["to"] is not None or row["left"] is None]
        ended = [row for row in chain if row["to"] in ("leave", "died")]
        still = [row for row in chain if row["left"] is None and row["admitted"] is not None]
        waiting = [row for row in chain if row["left"] is None and row["admitted"] is None]
        assert len(still) <= 1
        assert bool(ended) != bool(still or waiting) or not chain
        if ended and "died" not in {row["to"] for row in ended}:
            assert len(ended) == 1


def times_come_in_order_and_lie_on_the_grid(study, log, rows):
    assert np.all((log.referred >= 0.0) | ((log.flags & OPENING) > 0))
    for earlier, later in (
        (log.referred, log.admitted),
        (log.admitted, log.due),
        (log.admitted, log.left),
        (log.referred, log.left),
    ):
        both = ~np.isnan(earlier) & ~np.isnan(later)
        assert np.all(earlier[both] <= later[both])
    over = np.isnan(log.due) | np.isnan(log.left) | (log.left <= log.due)
    assert np.all(over | ((log.flags & BLOCKED) > 0)), "only a held place outlasts its stay"
    for column in (log.referred, log.admitted, log.left):
        ticks = column[np.isfinite(column)] * 2.0**20
        assert np.array_equal(ticks, np.rint(ticks))
    assert np.array_equal(np.lexsort((log.row, log.citizen, log.cohort)), np.arange(len(log)))
    assert np.all(np.isnan(log.left) == (log.end_ == -1))


def nobody_is_admitted_while_the_hard_places_are_taken(study, log, rows):
    for index, service in enumerate(study.network.services):
        if service.places.hard is None:
            continue
        mine = (log.service == index) & ~np.isnan(log.admitted)
        came, gone = log.admitted[mine], np.where(np.isnan(log.left[mine]), math.inf, log.left[mine])
        there = (log.flags[mine] & OPENING) > 0
        for day in np.unique(came[~there]):
            places = service.places.hard.at(day).value({})
            now = int(np.sum((came <= day) & (gone > day)))
            # Falling capacity throws nobody out, so those who came before may be more than the places.
            assert now <= max(places, np.sum((came < day) & (gone > day))), (service.id, day)


def stays_of_a_strand_follow_each_other_without_gap(study, log, rows):
    """Every row but the first comes from a row, at the instant at which that row led to its service."""
    citizens = {}
    for row in rows:
        citizens.setdefault((row["cohort"], row["citizen"]), []).append(row)
    for mine in citizens.values():
        assert [row["row"] for row in mine] == list(range(len(mine)))
        assert [row["referred"] for row in mine] == sorted(row["referred"] for row in mine)
        for row in mine[1:]:
            source = mine[row["from_row"]]
            assert 0 <= row["from_row"] < row["row"]
            if row["rule"] is None:
                # A held place is left only when the next service admits.
                left = source["due"] if source["flags"] & BLOCKED else source["left"]
                assert row["referred"] == left
                assert row["strand"] == source["strand"]
                if not source["flags"] & BLOCKED or source["left"] is not None:
                    assert source["to"] == row["service"]
            else:
                assert source["admitted"] <= row["referred"]
                assert source["left"] is None or row["referred"] <= source["left"]


def visits_of_a_family_are_counted_from_nought(study, log, rows):
    families = {service.id: service.luck_key for service in study.network.services}
    seen = {}
    for row in rows:
        if row["nth"] >= 0:
            seen.setdefault((row["cohort"], row["citizen"], families[row["service"]]), []).append(row["nth"])
    for visits in seen.values():
        assert set(visits) == set(range(max(visits) + 1))


def who_leaves_is_not_seen_again(study, log, rows):
    """After `leave` on the main strand, or death, no row of the citizen begins on it."""
    gone = {}
    for citizen, strand, to, left, referred in zip(
        zip(log.cohort.tolist(), log.citizen.tolist(), strict=True),
        log.strand.tolist(),
        log.to.tolist(),
        log.left.tolist(),
        log.referred.tolist(),
        strict=True,
    ):
        assert referred <= gone.get((citizen, strand), math.inf)
        assert referred <= gone.get(citizen, math.inf)
        if to == LEAVE:
            gone[citizen, strand] = left
        elif to == DIED:
            gone[citizen] = left


INVARIANTS = (
    citizens_are_somewhere_or_have_gone_for_a_reason,
    times_come_in_order_and_lie_on_the_grid,
    nobody_is_admitted_while_the_hard_places_are_taken,
    stays_of_a_strand_follow_each_other_without_gap,
    visits_of_a_family_are_counted_from_nought,
    who_leaves_is_not_seen_again,
)


@examples(15)
@given(studies())
def test_every_log_keeps_its_invariants(data):
    study = read_study(data)
    log = simulate(structure(study).bind(default_theta(study.network)), Luck(1, 0))
    rows = [plain(row) for row in named(log)]
    for invariant in INVARIANTS:
        invariant(study, log, rows)


# ------------------------------------------------------------------ one study, written in other ways


def shuffled(value, random):
    """Return plain data with the keys of every map in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {name: shuffled(value[name], random) for name in keys}
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    return value


@examples(5)
@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(data, random):
    first, second = (simulate(bound(given_), Luck(1, 0)) for given_ in (data, shuffled(data, random)))
    assert first.content_hash() == second.content_hash()


@examples(5)
@given(studies())
def test_a_study_read_back_from_its_dump_runs_the_same(data):
    study = read_study(data)
    again = read_study(json.loads(json.dumps(dump(study))))
    assert again == study
    first, second = (simulate(structure(one).bind(default_theta(one.network)), Luck(1, 0)) for one in (study, again))
    assert first.content_hash() == second.content_hash()


def renamed(value, old, new):
    """Return plain data in which a service has another id."""
    if isinstance(value, dict):
        return {
            new if name == old else name: held if name == "law" else renamed(held, old, new)
            for name, held in value.items()
        }
    if isinstance(value, list):
        return [renamed(item, old, new) for item in value]
    return new if value == old else value


@examples(5)
@given(studies(), st.data())
def test_a_renamed_service_that_keeps_its_luck_key_changes_nothing(data, choice):
    data = json.loads(json.dumps(data))
    # The values of `home` are ids of services; to share them out in the same order is another matter.
    homes = data["attributes"]["home"]
    others = [name for name, held in data["services"].items() if "luck_key" not in held and name not in homes]
    assume(others)
    old = choice.draw(st.sampled_from(sorted(others)))
    new = choice.draw(st.sampled_from(["aa_first", "zz_last"]))
    other = renamed(data, old, new)
    other["services"][new] |= {"luck_key": old, "site": data["services"][old].get("site", old)}
    rows = table(data)
    again = table(other)
    back = {new: old}
    for row in again:
        row["service"], row["to"] = back.get(row["service"], row["service"]), back.get(row["to"], row["to"])
    assert again == rows


# ------------------------------------------------------------------ scenarios


def scenario(changes, day="2016-07-01"):
    label = {"da": "x", "en": "x"}
    return read_scenario({"title": label, "question": label, "from": day, "changes": changes})


@examples(5)
@given(studies())
def test_a_scenario_without_changes_is_its_reference(data):
    same = apply(data, scenario({}))
    assert simulate(bound(same), Luck(1, 0)).content_hash() == simulate(bound(data), Luck(1, 0)).content_hash()


@st.composite
def changes(draw, data):
    """One change of a number that stands in a drawn study: (address, value)."""
    found = []
    for name, service in sorted(data["services"].items()):
        if "hard" in service.get("places", {}):
            found.append((f"services.{name}.places.hard", draw(st.integers(0, 8))))
        if "death" in service:
            found.append((f"services.{name}.death", "0.9 / year"))
        if "length" in service:
            found.append((f"services.{name}.length", {"law": "exponential", "mean": "9 days"}))
    for name, cohort in sorted(data["cohorts"].items()):
        if isinstance(cohort["arrivals"], str) or "rate" in cohort["arrivals"]:
            found.append((f"cohorts.{name}.arrivals.rate", {"times": 1.5}))
    for name in sorted(data["referrals"]):
        found.append((f"referrals.{name}.attend", 0.1))
    return draw(st.sampled_from(found))


@examples(10)
@given(studies(), st.data())
def test_until_the_change_both_worlds_are_equal_row_by_row(data, choice):
    address, value = choice.draw(changes(data))
    day = 182.0  # 2016-07-01
    before = without_cuts(table(data), day)
    after = without_cuts(table(apply(data, scenario({address: value}))), day)
    # When a stay was to end is known on admission, from what the calendar will bring: a later change may move it.
    for row in (*before, *after):
        row["due"] = None
    assert after == before


@examples(12)
@given(studies(), st.data())
def test_outside_the_closure_of_a_change_rows_are_the_same(data, choice):
    address, value = choice.draw(changes(data))
    other = apply(data, scenario({address: value}))
    inside = closure(structure(read_study(other)), [address])
    before = [row for row in table(data) if row["service"] not in inside]
    after = [row for row in table(other) if row["service"] not in inside]
    assert after == before


@examples(5)
@given(studies())
def test_the_closure_holds_the_service_that_is_changed(data):
    world = structure(read_study(data))
    for service in data["services"]:
        assert service in closure(world, [f"services.{service}.length"])
    assert closure(world, []) == frozenset()


@examples(5)
@given(studies())
def test_more_newcomers_move_nobody_who_was_there(data):
    """Without limits on places everybody's rows are their own: with a rate 10 % higher all former rows are there."""
    data = json.loads(json.dumps(data))
    for service in data["services"].values():
        service.pop("places", None)
    other = copy.deepcopy(data)
    for cohort in other["cohorts"].values():
        arrivals = cohort["arrivals"]
        if isinstance(arrivals, str):
            number, unit = arrivals.split(" / ")
            cohort["arrivals"] = f"{float(number) * 1.1} / {unit}"
    before, after = by_key(table(data)), by_key(table(other))
    assert before.items() <= after.items()


# ------------------------------------------------------------------ stopping and going on


@examples(10)
@given(studies(), st.integers(1, 364))
def test_a_run_in_two_parts_is_the_whole(data, day):
    """Rows closed before the day are in the first part, all others in the second, as in the run without a stop."""
    plan = bound(data)
    whole = [plain(row) for row in named(simulate(plan, Luck(1, 0)))]
    first, state = stop_at(plan, Luck(1, 0), float(day))
    second = [plain(row) for row in named(simulate(plan, Luck(1, 0), state=state))]
    closed = [row for row in (plain(row) for row in named(first)) if row["left"] is not None]
    assert not by_key(closed).keys() & by_key(second).keys()
    assert sorted((*closed, *second), key=key) == whole


@examples(5)
@given(studies(), st.integers(1, 364))
def test_a_run_that_stops_early_is_the_beginning_of_the_whole(data, day):
    plan = bound(data)
    early = [plain(row) for row in named(simulate(plan, Luck(1, 0), until=float(day)))]
    whole = without_cuts([plain(row) for row in named(simulate(plan, Luck(1, 0)))], float(day))
    assert early == whole


@examples(5)
@given(studies())
def test_a_run_is_a_function_of_study_and_luck(data):
    """The same plan runs twice the same, and other luck is other luck."""
    plan = bound(data)
    first = simulate(plan, Luck(1, 0)).content_hash()
    assert simulate(plan, Luck(1, 0)).content_hash() == first
    assert simulate(bound(data), Luck(1, 0)).content_hash() == first
    longer = [row for row in table(data) if not row["flags"] & OPENING]
    if len(longer) > 20 and any(isinstance(cohort["arrivals"], str) for cohort in data["cohorts"].values()):
        assert simulate(plan, Luck(1, 1)).content_hash() != first


def test_the_state_of_a_run_is_plain_values():
    """A state can be written down: no live object of the run is in it."""
    data = {
        "time": {"start": "2016-01-01", "end": "2016-03-01"},
        "services": {"a": {"places": {"hard": 1}, "length": {"law": "fixed", "value": "5 days"}}},
        "cohorts": {"all": {"arrivals": {"every": "2 days"}, "enters": "a"}},
    }
    _, state = stop_at(bound(data), Luck(1, 0), 20.0)
    assert json.loads(json.dumps(dataclasses.asdict(state)))["day"] == 20.0
