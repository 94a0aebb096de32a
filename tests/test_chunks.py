"""Drawing ahead for many changes no number: however the citizens are cut into chunks, the rows are the same."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crksim.simulation import chunks, newcomers
from crksim.simulation.engine import simulate, stop_at
from crksim.simulation.luck import Luck
from tests.strategies import studies
from tests.test_determinism import STUDY, plan_of


def hash_with(plan, size, strays, few=32, ahead=32):
    old = newcomers.CHUNK, chunks.STRAYS, chunks.FEW, newcomers.AHEAD
    newcomers.CHUNK, chunks.STRAYS, chunks.FEW, newcomers.AHEAD = size, strays, few, ahead
    try:
        return simulate(plan, Luck(5, 0)).content_hash()
    finally:
        newcomers.CHUNK, chunks.STRAYS, chunks.FEW, newcomers.AHEAD = old


@pytest.mark.unit
@pytest.mark.parametrize(
    ("size", "strays", "few", "ahead"), [(1, 1, 1, 1), (7, 2, 1 << 30, 2), (100, 1000, 3, 1000), (16384, 1, 32, 1)]
)
def test_how_many_are_drawn_and_kept_and_foreseen_together_changes_no_row(size, strays, few, ahead):
    assert hash_with(plan_of(STUDY), size, strays, few, ahead) == hash_with(plan_of(STUDY), 16384, 2)


@pytest.mark.property
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    study=studies(most_services=5),
    size=st.integers(1, 40),
    strays=st.integers(1, 5),
    few=st.integers(1, 100),
    ahead=st.integers(1, 9),
)
def test_drawing_ahead_changes_no_row_of_random_studies(study, size, strays, few, ahead):
    assert hash_with(plan_of(study), size, strays, few, ahead) == hash_with(plan_of(study), 16384, 2)


@pytest.mark.unit
def test_what_is_drawn_ahead_is_what_is_drawn_alone():
    plan = plan_of(STUDY)
    structure = plan.structure
    kind = structure.kind({"level": "low", "home": "a", "cohort": "all"})
    behaviour = plan.behaviour(structure.service_index["a"], kind, 0)
    bases = Luck(5, 0).bases("all", np.arange(50))
    together = chunks.Chunk(structure, bases, np.full(50, kind))
    together.expect(np.full(50, behaviour.service), np.arange(50))
    together.draw(behaviour, 0, 0)
    lengths, numbers, outcomes = together.drawn[behaviour.number][0]
    for place in range(50):
        alone = chunks.Chunk(structure, bases[place : place + 1], np.array([kind]))
        outcome, length = alone.draw(behaviour, 0, 0)
        assert (outcome, length) == (outcomes[numbers[place]], lengths[place])
        assert length == behaviour.stays(bases, 0)[1][place]


@pytest.mark.unit
def test_what_is_drawn_for_few_moves_to_arrays_when_they_become_many():
    plan = plan_of(STUDY)
    kind = plan.structure.kind({"level": "low", "home": "a", "cohort": "all"})
    behaviour = plan.behaviour(plan.structure.service_index["a"], kind, 0)
    bases = Luck(5, 0).bases("all", np.arange(100))
    _, expected, _ = behaviour.stays(bases, 0)
    chunk = chunks.Chunk(plan.structure, bases, np.full(100, kind))
    for places in (np.array([7, 3]), np.arange(40, 90)):
        chunk.expect(np.full(len(places), behaviour.service), places)
        chunk.draw(behaviour, 0, int(places[0]))
        lengths, numbers, _ = chunk.drawn[behaviour.number][0]
        assert isinstance(lengths, dict) == (len(places) == 2)
        assert [lengths[place] for place in places.tolist()] == expected[places].tolist()
    assert [lengths[3], lengths[7]] == expected[[3, 7]].tolist()
    with pytest.raises(LookupError):  # nothing is drawn there
        behaviour.made[numbers[0]]
    assert chunk.draw(behaviour, 0, 0)[1] == expected[0]


@pytest.mark.unit
def test_a_citizen_may_come_more_often_than_a_byte_can_count():
    study = {
        "time": {"start": "2016-01-01", "end": "2019-01-01"},
        "services": {
            "a": {"length": {"law": "fixed", "value": "1 day"}, "ends": {"done": {"share": 1, "to": "b"}}},
            "b": {"length": {"law": "fixed", "value": "1 day"}, "ends": {"done": {"share": 1, "to": "a"}}},
        },
        "cohorts": {"all": {"arrivals": {"times": {"one": "1 day"}}, "enters": "a"}},
    }
    plan = plan_of(study)
    log = simulate(plan, Luck(1, 0))
    assert len(log) > 2 * 256
    for service in (0, 1):
        assert log.nth[log.service == service].tolist() == list(range((log.service == service).sum()))
    middle = 700.5
    first, state = stop_at(plan, Luck(1, 0), middle)
    rest = simulate(plan, Luck(1, 0), state=state)
    assert first.nth.max() > 256
    assert rest.nth.tolist() == log.nth[~(log.left <= middle)].tolist()


@pytest.mark.unit
def test_a_run_ends_though_somebody_holds_on_to_its_frames():
    """As a profiler does, that of a Dask worker among them: what is local to a call outlives it then."""
    plan, held = plan_of(STUDY), []

    def hold(frame, event, _):
        if event == "return" and frame.f_globals["__name__"].startswith("crksim.simulation"):
            held.append(frame)

    expected = simulate(plan, Luck(1, 0)).content_hash()
    sys.setprofile(hold)
    try:
        found = simulate(plan, Luck(1, 0))
    finally:
        sys.setprofile(None)
    assert held
    assert found.content_hash() == expected
