"""Drawing ahead for many changes no number: however the citizens are cut into chunks, the rows are the same."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crksim.simulation import chunks, newcomers
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from tests.strategies import studies
from tests.test_determinism import STUDY, plan_of


def hash_with(plan, size, strays):
    old = newcomers.CHUNK, chunks.STRAYS
    newcomers.CHUNK, chunks.STRAYS = size, strays
    try:
        return simulate(plan, Luck(5, 0)).content_hash()
    finally:
        newcomers.CHUNK, chunks.STRAYS = old


@pytest.mark.unit
@pytest.mark.parametrize(("size", "strays"), [(1, 1), (7, 2), (100, 1000), (16384, 1)])
def test_the_size_of_a_chunk_changes_no_row(size, strays):
    assert hash_with(plan_of(STUDY), size, strays) == hash_with(plan_of(STUDY), 16384, 2)


@pytest.mark.property
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(study=studies(most_services=5), size=st.integers(1, 40), strays=st.integers(1, 5))
def test_drawing_ahead_changes_no_row_of_random_studies(study, size, strays):
    assert hash_with(plan_of(study), size, strays) == hash_with(plan_of(study), 16384, 2)


@pytest.mark.unit
def test_what_is_drawn_ahead_is_what_is_drawn_alone():
    plan = plan_of(STUDY)
    structure = plan.structure
    kind = structure.kind({"level": "low", "home": "a", "cohort": "all"})
    behaviour = plan.behaviour(structure.service_index["a"], kind, 0)
    bases = Luck(5, 0).bases("all", np.arange(50))
    together = chunks.Chunk(structure, bases, np.full(50, kind))
    together.expect(np.full(50, behaviour.service), np.arange(50))
    for place in range(50):
        alone = chunks.Chunk(structure, bases[place : place + 1], np.array([kind]))
        assert together.draw(behaviour, 0, place) if place == 0 else together.drawn[behaviour.key][place]
        assert alone.draw(behaviour, 0, 0)[1] == pytest.approx(behaviour.stays(bases, 0)[1][place], abs=0)
    assert set(together.drawn[behaviour.key]) == set(range(50))
