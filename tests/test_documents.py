"""The pages that describe the model: whole, and what they name is there."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TOP = Path(__file__).parents[1]
PAGES = ("README.md", *sorted(path.relative_to(TOP).as_posix() for path in (TOP / "docs").glob("*.md")))
#: Made by scripts from what a calibration leaves; tests of their own say how.
MADE = ("docs/validation.md", "docs/coverage.md", "conf/ensemble/members.csv", "conf/ensemble")
ITEMS = [
    *("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "2.5.1", "2.5.2", "2.5.3", "2.5.4", "2.5.5"),
    *("3.1", "3.2", "3.3", "3.4", "4.1", "4.2", "4.3", "5.1", "5.2", "5.3", "5.4", "6.1"),
]


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page):
    """Links, and paths in back ticks below the folders of the project."""
    text = (TOP / page).read_text("utf-8")
    linked = [(TOP / page).parent / name for name in re.findall(r"\]\(([\w./-]+\.\w+)(?:#\w+)?\)", text)]
    named = [TOP / name for name in re.findall(r"`((?:conf|docs|src|scripts|tests|benchmarks)/[\w./-]+)`", text)]
    gone = [path.relative_to(TOP).as_posix() for path in map(Path.resolve, (*linked, *named)) if not path.exists()]
    assert not {*gone} - {*MADE}, page


def test_the_checklist_has_every_item_once():
    text = (TOP / "docs" / "stress_des.md").read_text("utf-8")
    assert re.findall(r"^\*+(\d\.\d(?:\.\d)?) ", text, re.MULTILINE) == ITEMS
    assert len([item for item in ITEMS if item.count(".") == 1]) == 20


def test_the_protocol_has_its_seven_elements():
    text = (TOP / "docs" / "odd.md").read_text("utf-8")
    heads = re.findall(r"^## \d (.+)$", text, re.MULTILINE)
    assert heads == [
        "Purpose and patterns", "Entities, state variables, scales", "Process overview and scheduling",
        "Design concepts", "Initialisation", "Input data", "Submodels",
    ]  # fmt: skip
