"""The page of the report's questions: made from the scenario files, and whole."""

import importlib.util
import string
import sys
from pathlib import Path

import pytest

from crksim.interface.cases import load_case
from crksim.interface.cli import compose_settings, expand, read_words
from crksim.interface.files import data_dir

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "what_ifs.md"


def script():
    path = TOP / "scripts" / "what_ifs_table.py"
    spec = importlib.util.spec_from_file_location("what_ifs_table", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made():
    return script()


@pytest.mark.unit
def test_the_page_is_what_the_script_makes_of_the_scenario_files(made):
    assert PAGE.read_text(encoding="utf-8") == made.what_ifs_table()


@pytest.mark.unit
def test_every_question_has_a_scenario_and_every_scenario_but_the_baseline_a_question(made):
    assert list(made.QUESTIONS) == list(string.ascii_lowercase[:23])
    asked = [name for question in made.QUESTIONS.values() for name in question.scenarios]
    assert all(question.scenarios for question in made.QUESTIONS.values())
    assert {*asked, "baseline"} == {path.stem for path in data_dir("scenarios").glob("*.yaml")}


@pytest.mark.unit
def test_every_question_says_what_the_model_cannot(made):
    for letter, question in made.QUESTIONS.items():
        part = PAGE.read_text(encoding="utf-8").partition(f'<a id="{letter}">')[2].partition("\n## ")[0]
        assert f"**The model cannot say:** {question.silent}" in part
        assert len(question.silent) > 40
        assert "**€**" in part or "| see [" in part


@pytest.mark.e2e
@pytest.mark.slow
def test_the_commands_of_the_page_are_understood():
    block = PAGE.read_text(encoding="utf-8").split("```")[1]
    typed = [line.partition("      ")[0].split()[1:] for line in block.splitlines() if line.startswith("crksim sc")]
    assert len(typed) == 4
    for words in typed:
        for one in expand(read_words(words, "en")):
            assert load_case(compose_settings(one.settings).scenario, one.changes).told
