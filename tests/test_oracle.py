"""The engine's rows equal those of the textbook process-per-citizen model, exactly."""

from pathlib import Path

import pytest
import yaml

from tests.oracle.compare import assert_same

# Read when tests are collected, by every worker: the loader in C takes a tenth of the time, where it is there.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NETWORKS = yaml.load((Path(__file__).parent / "oracle" / "networks.yaml").read_text(encoding="utf-8"), Loader=LOADER)

pytestmark = pytest.mark.oracle


def as_study(network):
    """Return a network of the file as a study of 180 days."""
    return {"time": {"start": "2016-01-01", "end": "2016-06-29"}, **network}


@pytest.mark.parametrize("replication", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_rows(name, replication):
    assert_same(as_study(NETWORKS[name]), seed=7, replication=replication, least=30)
