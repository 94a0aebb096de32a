"""The page of what runs: made from the files, and whole."""

import re
import runpy
from pathlib import Path

import pytest

from crksim.interface.files import data_dir, read_folder

TOP = Path(__file__).parents[1]
PAGE = (TOP / "docs" / "what_runs.md").read_text(encoding="utf-8")


@pytest.mark.unit
def test_the_page_is_what_the_script_makes_of_the_files():
    """When this fails: `python scripts/what_runs.py --write`."""
    assert runpy.run_path(str(TOP / "scripts" / "what_runs.py"))["what_runs"]() == PAGE


@pytest.mark.unit
def test_all_there_is_stands_on_the_page():
    network = read_folder(data_dir("conf") / "network").data
    for kind in ("cohorts", "services", "referrals", "attributes", "parameters"):
        assert set(network[kind]) <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)), kind
