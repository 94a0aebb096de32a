"""What is wrong with the input, in Danish: no rule is forgotten, and what planners type wrong most reads well."""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

import crksim
from crksim.errors import CheckError, InputError, Problem
from crksim.interface import cli
from crksim.interface.base_words import RULES as OF_WORKBOOKS
from crksim.interface.danish import RULES, danish_failure, danish_rule, pairs
from crksim.interface.telling import told, told_in, told_problem
from crksim.interface.texts import TEXTS
from crksim.model.quantities import QUANTITIES
from crksim.model.study import read_study
from tests import test_malformed
from tests.rule_templates import FOLLOWED_ELSEWHERE, RULE, SLOT, templates

pytestmark = pytest.mark.unit

FILES = (*RULES, "words", "addresses", "values", "failures")
#: How begins what Hydra, argparse and JSON say, which stands in no source of crksim.
FOREIGN = (
    *("no viable alternative", "mismatched input", "extraneous input", "missing {", "token recognition"),
    *("LexerNoViableAltException", "Interpolation key"),
    *("usage: ", "{problem:word}: line"),
)
#: Only the empty word would give it, and that is asked for first.
UNHEARD = "is not a known "
#: A rule, to stand where one stands in another.
SAMPLE = "must be a finite number"
#: English that no Danish has, outside of what is quoted.
ENGLISH = re.compile(r"\b(must|is|are|the|not|cannot|needs|has|with|which|its|may|of|or|and)\b")
QUOTED = re.compile(r"»[^«]*«|'[^']*'|\{[^}]*\}|\([^)]*\)")


def ways(template):
    """Ways to fill a template: what stands in a slot may be a bare word, one in quotation marks, or a rule."""
    parts = template.replace(RULE, SAMPLE).split(SLOT)
    for kinds in product(("§{}", "'§{}'", SAMPLE), repeat=len(parts) - 1):
        filled = [kind.format(place) for place, kind in enumerate(kinds)]
        yield "".join(part + value for part, value in zip(parts, [*filled, ""], strict=True))


def values(text):
    return sorted(re.findall(r"§\d", text))


def covered(template, translate):
    """Whether a template has Danish that keeps every value."""
    found = [(way, translate(way)) for way in ways(template)]
    return any(danish not in (None, way) and values(danish) == values(way) for way, danish in found)


def test_every_rule_in_the_source_has_danish():
    found, lost = templates("Problem", "ValueError")
    assert lost == []
    assert len(found) > 250
    bare = [one for one in found if one.template != UNHEARD and not covered(one.template, danish_rule)]
    assert not bare, "\n".join(f"{one.where}: {one.template!r}" for one in bare)


def test_every_failure_in_the_source_has_danish():
    found, lost = templates("CheckError", "_Failure")
    assert lost == []
    said = [one for one in found if re.search("[a-z]", one.template)]
    assert len(said) > 12
    bare = [one for one in said if not covered(one.template, danish_failure)]
    assert not bare, "\n".join(f"{one.where}: {one.template!r}" for one in bare)


def test_what_is_excused_from_being_followed_is_there():
    for name, expression in FOLLOWED_ELSEWHERE:
        source = (Path(crksim.__file__).parent / name).read_text("utf-8")
        assert expression.replace("'", '"') in source.replace("'", '"'), (name, expression)


def test_no_danish_is_there_for_rules_that_nobody_breaks():
    filled = [way for one in templates("Problem", "ValueError")[0] for way in ways(one.template)]
    idle = [
        pair.where
        for file in RULES
        for pair in pairs(file)
        if not pair.english.startswith(FOREIGN) and not any(pair.said(way) for way in filled)
    ]
    assert idle == []


@pytest.mark.parametrize("file", FILES)
def test_pairs_are_pairs(file):
    lines = (Path(crksim.__file__).parent / "interface" / "danish" / f"{file}.txt").read_text("utf-8").splitlines()
    for pair in pairs(file):
        number = int(pair.where.rpartition(":")[2])
        assert lines[number - 1 : number + 1] == [pair.english, pair.danish], pair.where
        # What is said by others need not be told in full.
        kept, said = set(re.findall(r"\{([a-z_]+)\}", pair.danish)), set(pair.slots)
        assert kept <= said if pair.english.startswith(FOREIGN) else kept == said, pair.where
        assert [*lines, ""][number + 1] == "", pair.where
        if file in RULES:
            assert not ENGLISH.search(QUOTED.sub("", pair.danish)), pair.where
    english = [pair.english for pair in pairs(file)]
    assert len(english) == len(set(english))


def test_no_rule_stands_in_two_files():
    english = [pair.english for file in RULES for pair in pairs(file)]
    assert sorted(english) == sorted(set(english))


def malformed():
    for name, case in test_malformed.CASES.items():
        yield name, read_study, test_malformed.broken(case)
    for name, case in test_malformed.SCENARIOS.items():
        yield name, test_malformed.run_scenario, case


@pytest.mark.parametrize(("name", "read", "data"), [*malformed()])
def test_malformed_input_is_refused_in_danish(name, read, data):
    with pytest.raises(InputError) as error:
        read(data)
    lines = told(error.value, "da").split("\n")
    assert len(lines) == len(error.value.problems)
    for problem, line in zip(error.value.problems, lines, strict=True):
        danish = danish_rule(problem.rule)
        assert danish is not None, problem.rule
        assert danish in line
        assert not ENGLISH.search(QUOTED.sub("", danish)), danish
    assert told(error.value, "en") == str(error.value)


@pytest.mark.parametrize(
    ("problem", "danish"),
    [
        (
            Problem("services.x.places.hard", -1, "must be a whole number of at least 0", file="a.yaml", line=3),
            "a.yaml:3: services.x.places.hard = -1: skal være et helt tal på mindst 0",
        ),
        (Problem("word", "x", "er sagt på dansk", file="command line"), "kommandolinjen: ord = 'x': er sagt på dansk"),
        (
            Problem("a.b", "1,5 / year", "must be a rate such as '25 / year'; write decimals with a point, not a comma",
                    "1.5 / year"),
            "a.b = '1,5 / year': skal være et antal pr. tid som »25 / year«; skriv decimaler med punktum, ikke komma; "
            "mente du »1.5 / year«?",
        ),
        (
            Problem("a.b", [], "must be 'x', 'y' or 'z'"),
            "a.b = []: skal være »x«, »y« eller »z«",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_as_one_danish_line(problem, danish):
    assert told_problem(problem, "da") == danish
    assert told_problem(problem, "en") == str(problem)


def test_failures_of_the_model_are_told_in_danish_line_by_line():
    lines = (
        "member 3: its process was killed twice. Perhaps the machine has too little memory: try fewer workers",
        "member 4: world 'what_if', future 1: services.x.ends: shares sum to 1.2; must not exceed 1",
        "point 7 (a.b=3), member 1: a length with the law 'gamma' must have mean above 0 (got 0)",
        'Traceback: File "x.py"',
    )
    assert told(CheckError("\n".join(lines)), "da").split("\n") == [
        "udgave 3: dens proces blev stoppet to gange. Måske har maskinen for lidt hukommelse: prøv færre processer "
        "(workers)",
        "udgave 4: verden »what_if«, fremtid 1: services.x.ends: andelene giver 1.2 tilsammen; må ikke være over 1",
        "punkt 7 (a.b=3), udgave 1: en længde med fordelingen »gamma« skal have mean over 0 (ikke 0)",
        'Traceback: File "x.py"',
    ]


def test_an_error_that_leaves_a_block_says_what_it_says_in_danish_and_keeps_its_problems():
    with pytest.raises(InputError) as error, told_in("da"):
        raise InputError([Problem("a", 1, "must be text")])
    assert str(error.value) == "a = 1: skal være tekst"
    assert error.value.problems[0].rule == "must be text"


def test_help_reads_no_danish_faults():
    code = (
        "import sys; from crksim.interface.cli import main; main(['--help', 'lang=da']);"
        "main(['list', 'lang=en']); sys.exit('crksim.interface.danish' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


# ------------------------------------------------------------------------------------------------------ what is typed

UNIT = "services.youth_group_spaniensgade.places.hard"
OWN = """\
title: {da: Min, en: Mine}
question: {da: Hvad nu?, en: What now?}
from: 2018-02-01
changes:
"""


def typed(capsys, *words):
    assert cli.main([*words, "lang=da"]) == 2
    return capsys.readouterr().err.splitlines()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            ["scenario=youth_groups_3site"],
            [
                "scenario = 'youth_groups_3site': er ikke en kendt afprøvning (crksim list viser alle NN); ligner "
                "også: youth_groups_1site, youth_groups_2sites; mente du »youth_groups_3sites«?"
            ],
        ),
        (
            ["scenario=youth_groups_3sites", "membrs=3"],
            [
                "kommandolinjen: ord = 'membrs=3': er hverken en indstilling eller en adresse i modellen; mente du "
                "»members«?"
            ],
        ),
        (
            ["scenario=youth_groups_3sites", "members=0", "precision=aut", "stays=måske"],
            [
                "kommandolinjen: members = 0: skal være et helt tal fra 1 til 100000",
                "kommandolinjen: stays = 'måske': skal være true eller false",
                "kommandolinjen: precision = 'aut': skal være fixed eller auto; mente du »auto«?",
            ],
        ),
        (
            ["scenario=youth_groups_3sites", "window=efteråret"],
            [
                "kommandolinjen: window = 'efteråret': skal være en periode som »2017«, »2018..2020« eller "
                "»2016-10-01..2017-06-30«"
            ],
        ),
        (
            ["scenario=youth_groups_3sites", f"{UNIT}=mange"],
            [f"kommandolinjen: {UNIT} = 'mange': skal være et tal uden enhed"],
        ),
        (
            ["scenario=youth_groups_3sites", f"{UNIT}=-6"],
            [f"kommandolinjen: {UNIT} = -6: skal være et helt tal på mindst 0"],
        ),
        (
            ["scenario=youth_groups_3sites", UNIT.replace("gade", "gad") + "=6"],
            [
                f"kommandolinjen: {UNIT.replace('gade', 'gad')} = 6: er ikke en adresse i modellen; mente du »{UNIT}«?",
            ],
        ),
        (
            ["scenario=youth_groups_3sites", "switch.nope=true"],
            [
                "kommandolinjen: switch = 'nope': er ikke noget, der kan slås til i »youth_groups_3sites«; kendte: "
                "both_substitution, shared_team, spaniensgade_substitution, take_up_seventeen"
            ],
        ),
        (["show"], ["kommandolinjen: crksim show = 'mangler: scenario': skal skrives: crksim show scenario"]),
        (
            ["evidence", "--kind=asumed"],
            [
                "kommandolinjen: --kind = 'asumed': skal være en af report, register, literature, derived, assumed; "
                "mente du »assumed«?"
            ],
        ),
        (["sheet", "mangler.xlsx"], ["regneark = 'mangler.xlsx': findes ikke"]),
    ],
)
def test_what_planners_type_wrong_is_told_in_danish(folder, capsys, words, lines):
    assert [re.sub(r"alle \d+", "alle NN", line) for line in typed(capsys, *words)] == lines


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            "  a: [\n",
            "scenarios/own.yaml:6: tekst = '': kan ikke læses som YAML: her mangler en værdi",
        ),
        (
            "  services.x.y: 1\n  services.x.y: 2\n",
            "scenarios/own.yaml:6: changes.services.x.y = 'services.x.y': står to gange (første gang i linje 5); "
            "behold det ene",
        ),
        (
            "  services.fhv_intensive.decline: 1\n",
            "scenarios/own.yaml:5: services.fhv_intensive.decline = 1: er ikke en adresse i modellen; mente du "
            "»services.fhv_intensive.clinic«?",
        ),
        (
            "  cohorts.youth_drugs.arrivals.rate: 25\n",
            "scenarios/own.yaml:5: cohorts.youth_drugs.arrivals.rate = 25: skal være et antal "
            "pr. tid som »25 / year«; der mangler en enhed",
        ),
        (
            "  cohorts.youth_drugs.arrivals.rate: 2,5 / year\n",
            "scenarios/own.yaml:5: cohorts.youth_drugs.arrivals.rate = '2,5 / year': skal være "
            "et antal pr. tid som »25 / year«; skriv decimaler med punktum, ikke komma; mente du »2.5 / year«?",
        ),
    ],
)
def test_a_faulty_scenario_file_is_told_in_danish_with_its_line(folder, capsys, change, line):
    (folder / "scenarios" / "own.yaml").write_text(OWN + change, encoding="utf-8")
    assert typed(capsys, "show", "own") == [line]


def test_a_list_tells_the_fault_of_a_file_in_danish(folder, capsys):
    (folder / "scenarios" / "own.yaml").write_text("title: [\n", encoding="utf-8")
    assert cli.main(["list", "lang=da"]) == 0
    assert "kan ikke læses som YAML" in capsys.readouterr().out


def test_a_cell_of_a_workbook_is_told_in_danish():
    problem = Problem("C12", "tre", OF_WORKBOOKS["whole"].da, file="base_numbers.xlsx")
    assert told_problem(problem, "da") == "base_numbers.xlsx: C12 = 'tre': skal være et helt tal, mindst 0"


def test_danish_that_is_there_already_stays():
    assert [text.da for text in (*TEXTS.values(), *OF_WORKBOOKS.values()) if danish_rule(text.da) is not None] == []


def test_from_python_faults_are_told_in_the_language_of_the_settings():
    with pytest.raises(InputError, match="mente du »youth_groups_3sites«"):
        crksim.load("youth_groups_3site", lang="da")
    what_if = crksim.load("youth_groups_3sites", lang="en")
    with pytest.raises(InputError, match="skal være et helt tal fra 1 til"):
        what_if.run(members=0, lang="da")
    with pytest.raises(InputError, match="must be a whole number from 1 to"):
        what_if.run(members=0)


def test_every_kind_of_name_in_an_address_has_danish():
    asked = {quantity.argument for quantity in QUANTITIES.values()} - {"", "date", "attribute"}
    rules = [f"is not a known {what} of starts" for what in asked]
    rules += [
        f"must be the address of one of the {section}" for section in ("parameters", "services", "cohorts", "referrals")
    ]
    assert [rule for rule in rules if ENGLISH.search(danish_rule(rule) or rule)] == []
