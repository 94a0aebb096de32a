"""The door: what a study may say, and what it becomes."""

import pytest
from hypothesis import HealthCheck, given, settings

from crksim.model.study import dump, read_study
from tests.strategies import studies


@pytest.mark.property
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(studies())
def test_random_studies_are_valid_and_dump_reads_back(data):
    study = read_study(data)
    assert read_study(dump(study)) == study
