"""Every test has exactly one kind; a run with a test of no kind, or of two, stops at collection."""

import pytest
from hypothesis import settings

# The same examples in every run: a failure is found again, and a green run is one that anyone can repeat, on a machine
# that is busy with something else too.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

KINDS = {"unit", "theory", "property", "oracle", "e2e", "browser"}


def pytest_collection_modifyitems(items):
    wrong = []
    for item in items:
        kinds = {mark.name for mark in item.iter_markers()} & KINDS
        if len(kinds) != 1:
            wrong.append(f"{item.nodeid}: kinds {sorted(kinds)}")
    if wrong:
        raise pytest.UsageError("every test carries exactly one kind marker:\n" + "\n".join(wrong))
