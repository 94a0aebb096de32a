"""The command as people type it: words, settings, faults, languages, folders."""

import csv
import os
import shlex
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crksim.analysis.replay import Check
from crksim.errors import CheckError, InputError
from crksim.interface import cli, jobs, texts
from crksim.interface.cases import load_case
from crksim.interface.files import find_scenario, scenario_files
from crksim.interface.help import HELP
from crksim.interface.pools import workers_for
from crksim.interface.screen import Screen
from crksim.interface.settings import SETTINGS, Settings, read_settings, system_language
from crksim.interface.watching import Finished
from crksim.output import rundir
from crksim.output.report.answer import told_check
from crksim.output.report.page import comparison_cells
from crksim.output.report.wording import Wording
from crksim.output.tables import deciding
from tests.interrupting import interrupted
from tests.make_result import make_result

#: As small as a run can be.
SMALL = ("members=1", "futures=1", "workers=1", "progress=false", "lang=en")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Every test works in an empty folder of its own, in English."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    return tmp_path


def typed(capsys, *words):
    """Return (code, lines on stdout, lines on stderr) of the command."""
    code = cli.main(words)
    out = capsys.readouterr()
    return code, out.out.splitlines(), out.err.splitlines()


def process(*words, **more):
    environment = {**os.environ, "PYTHONIOENCODING": "", **more.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "crksim", *words], capture_output=True, env=environment, timeout=120, check=False, **more
    )


def own_scenario(text, name="own"):
    Path("scenarios").mkdir(exist_ok=True)
    Path(f"scenarios/{name}.yaml").write_text(text, encoding="utf-8")


OWN = """\
title: {da: "Flere pladser i kø, æøå", en: More places}
question: {da: Hvad nu?, en: What now?}
from: 2018-02-01
changes:
  services.youth_group_hoersholmsgade.places.hard: 12
"""


# ------------------------------------------------------------------------------------------------------------- help


@pytest.mark.e2e
@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",), ("list", "--help")])
def test_help_is_friendly_and_short(capsys, words):
    code, out, err = typed(capsys, *words)
    assert (code, err) == (0, [])
    assert len(out) < 40
    assert max(len(line) for line in out) <= 110
    assert any("crksim scenario=youth_groups_3sites" in line for line in out)


@pytest.mark.e2e
def test_help_names_every_setting_and_command(capsys):
    _, out, _ = typed(capsys, "--help")
    text = "\n".join(out)
    assert [name for name in SETTINGS if f"{name}=" not in text] == []
    assert [name for name in cli.COMMANDS if f"crksim {name}" not in text] == []


@pytest.mark.e2e
def test_help_speaks_danish_where_the_computer_does(capsys, monkeypatch):
    monkeypatch.setenv("LANG", "da_DK.UTF-8")
    assert "Indstillinger" in "\n".join(typed(capsys)[1])
    assert "Settings" in "\n".join(typed(capsys, "--help", "lang=en")[1])


@pytest.mark.e2e
def test_version(capsys):
    import crksim

    assert typed(capsys, "--version") == (0, [f"crksim {crksim.__version__}"], [])


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="reads the processor time of children")
def test_help_comes_at_once():
    """Asked: half a second. Processor time, the median of three, so that a busy machine does not decide."""
    import resource

    def used():
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    seconds = []
    for _ in range(3):
        before = used()
        assert process("--help").returncode == 0
        seconds.append(used() - before)
    assert statistics.median(seconds) < 0.4


@pytest.mark.e2e
def test_help_imports_nothing_heavy():
    heavy = {"numpy", "scipy", "pandas", "matplotlib", "hydra", "rich", "simpy", "pyarrow", "jinja2", "babel", "yaml"}
    code = "import sys; from crksim.interface.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(found.stderr.split()) == set()


@pytest.mark.e2e
def test_text_that_the_terminal_cannot_show_is_no_error():
    done = process("--help", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"K?benhavn" in done.stdout


@pytest.mark.e2e
def test_a_reader_that_goes_away_is_no_error():
    words = [sys.executable, "-m", "crksim", "evidence"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait(timeout=60) == 0


# ------------------------------------------------------------------------------------------------------------ words


@pytest.mark.unit
@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("lst", "'lst': is neither a command nor name=value; did you mean 'list'?"),
        ("youth_groups_3sites", "did you mean 'scenario=youth_groups_3sites'?"),
        ("youth_groups_3sites.yaml", "did you mean 'scenario=youth_groups_3sites'?"),
        ("memb=3", "'memb=3': is neither a setting nor an address; did you mean 'members'?"),
        ("service.x.places.hard=3", "did you mean 'services'?"),
        ("services=3", "'services=3': is neither a setting nor an address; did you mean 'services'?"),
        ("--multirum", "'--multirum': is not a known option; did you mean '--multirun'?"),
    ],
)
def test_unknown_words_get_the_nearest_known_one(capsys, word, line):
    code, out, err = typed(capsys, word)
    assert (code, out, len(err)) == (2, [], 1)
    assert line in err[0]


@pytest.mark.unit
def test_all_wrong_words_are_told_at_once(capsys):
    code, _, err = typed(capsys, "scenario=baseline", "membrs=3", "--nope", "lst", "scenario=baseline")
    assert code == 2
    assert [line.split(":")[1].strip() for line in err] == [
        "word = 'membrs=3'",
        "word = '--nope'",
        "word = 'lst'",
        "word = 'scenario=baseline'",
    ]


@pytest.mark.unit
def test_faults_are_told_in_danish_too(capsys):
    _, _, err = typed(capsys, "lst", "lang=da")
    assert "er hverken en kommando eller navn=værdi" in err[0]


@pytest.mark.unit
def test_model_addresses_never_reach_hydra():
    words = ("scenario=a", "services.x.places.hard=6", "members=3", "+referrals.y={to: z}", "~referrals.old")
    command = cli.read_words(words, "en")
    assert command == cli.Command(
        ("scenario=a", "members=3"), ("services.x.places.hard=6", "+referrals.y={to: z}", "~referrals.old")
    )


# --------------------------------------------------------------------------------------------------------- settings


@pytest.mark.unit
def test_defaults_come_from_the_configuration():
    settings = cli.compose_settings(["scenario=a", "lang=da"])
    assert settings == Settings("a", members=50, futures=2, seed=1, workers=os.cpu_count(), lang="da")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("scenario=færre_kø", "scenario", "færre_kø"),
        ("scenario=my scenario, it's", "scenario", "my scenario, it's"),
        ("out=C:\\Temp\\kø", "out", Path("C:\\Temp\\kø")),
        ("out=a/b", "out", Path("a/b")),
        ("members=7", "members", 7),
        ("stays=true", "stays", True),
        ("window=2018-02-01..2020-12-31", "window", "2018-02-01..2020-12-31"),
        ("window=2019", "window", "2019"),
        ("references=without", "references", ("without",)),
        ("references=without,decided", "references", ("without", "decided")),
        ("references=[without,decided]", "references", ("without", "decided")),
    ],
)
def test_settings_as_typed(word, name, value):
    words = [word] if word.startswith("scenario=") else ["scenario=a", word]
    assert getattr(cli.compose_settings(words), name) == value


@pytest.mark.unit
def test_wrong_settings_are_told_at_once(capsys):
    words = ("members=0", "futures=x", "lang=dk", "window=2019..2018", "progress=maybe", "seed=-1", "references=[]")
    code, _, err = typed(capsys, *words)
    assert code == 2
    assert [line.split(" = ")[0] for line in err] == [
        "command line: scenario",
        "command line: members",
        "command line: futures",
        "command line: seed",
        "command line: lang",
        "command line: window",
        "command line: progress",
        "command line: references",
    ]


@pytest.mark.unit
def test_unknown_settings_of_a_caller_are_refused():
    with pytest.raises(InputError, match="is not a setting; did you mean 'members'"):
        read_settings({"scenario": "a", "member": 3})


@pytest.mark.unit
def test_what_hydra_does_not_understand_is_one_line(capsys):
    code, _, err = typed(capsys, "scenario='a")
    assert (code, len(err)) == (2, 1)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("variables", "lang"),
    [
        ({"LANG": "da_DK.UTF-8"}, "da"),
        ({"LANG": "da"}, "da"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "de_DE"}, "en"),
        ({"LANG": "da_DK", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US", "LC_MESSAGES": "da_DK"}, "da"),
        ({"LANG": "Danish_Denmark.1252"}, "da"),
    ],
)
def test_the_language_is_that_of_the_computer(monkeypatch, variables, lang):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert system_language() == lang
    assert read_settings({"scenario": "a"}).lang == lang


# --------------------------------------------------------------------------------------------------------- multirun


def multirun(*words):
    return [(one.settings, one.changes) for one in cli.expand(cli.read_words(("-m", *words), "en"))]


@pytest.mark.unit
def test_values_between_commas_are_runs_in_order():
    assert multirun("scenario=a,b", "members=3", "services.x.places.hard=4,6") == [
        (("scenario=a", "members=3"), ("services.x.places.hard=4",)),
        (("scenario=a", "members=3"), ("services.x.places.hard=6",)),
        (("scenario=b", "members=3"), ("services.x.places.hard=4",)),
        (("scenario=b", "members=3"), ("services.x.places.hard=6",)),
    ]


@pytest.mark.unit
def test_ranges_globs_danish_letters_and_maps():
    assert [settings[0] for settings, _ in multirun("scenario=færre,flere")] == ["scenario=færre", "scenario=flere"]
    assert [changes[0][-1] for _, changes in multirun("scenario=a", "services.x.places.hard=range(4,7)")] == list("456")
    named = [settings[0] for settings, _ in multirun("scenario=glob(youth_groups*)")]
    assert named == [f"scenario=youth_groups_{sites}" for sites in ("1site", "2sites", "3sites")]
    word = "services.x={like: services.y, site: z}"
    assert multirun("scenario=a", word) == [(("scenario=a",), (word,))]
    assert len(multirun("scenario=a", "references=a,b")) == 1


# ------------------------------------------------------------------------------------------------------------ texts


@pytest.mark.unit
def test_every_text_exists_in_both_languages():
    import string

    fields = string.Formatter().parse
    for key, label in {**texts.TEXTS, "help": HELP}.items():
        assert label.da.strip(), key
        assert label.en.strip(), key
        assert {name for _, name, _, _ in fields(label.da)} == {name for _, name, _, _ in fields(label.en)}, key
    # Words that are the same in both are few and known.
    same = {key for key, label in texts.TEXTS.items() if label.da == label.en}
    assert same == {"seconds"}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "sign", "danish", "english"),
    [
        (1234.5, False, "1.234", "1,234"),
        (12.34, False, "12,3", "12.3"),
        (1.5, True, "+1,5", "+1.5"),
        (-0.25, True, "−0,25", "−0.25"),
        (0.0, True, "0", "0"),
        (float("nan"), False, "–", "–"),
    ],
)
def test_numbers_are_written_as_the_language_does(value, sign, danish, english):
    assert texts.number("da", value, sign=sign) == danish
    assert texts.number("en", value, sign=sign) == english


@pytest.mark.unit
def test_a_chance_is_never_certain_unless_it_is():
    assert [texts.percent("en", share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0%",
        "<1%",
        "50%",
        ">99%",
        "100%",
    ]


@pytest.mark.unit
@pytest.mark.parametrize("lang", ["da", "en"])
def test_no_word_of_the_rows_that_decide_is_cut_off_on_a_narrow_screen(monkeypatch, capsys, lang):
    monkeypatch.setenv("COLUMNS", "80")
    result = make_result()
    shown = Screen(lang)
    shown.ends(Finished(Path("run"), result, "one"), 1.0)
    shown.compares([Finished(Path("run"), result, name) for name in ("intensive_20_places", "two")], Path("both"))
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    told = {word for line in lines for word in line.split()}
    for row in deciding(result, "without"):
        words = {*getattr(row.label, lang).split(), *texts.say(lang, row.verdict).split(), "intensive_20_places"}
        assert words <= told


@pytest.mark.unit
@pytest.mark.parametrize(
    ("stopped", "screen", "report"),
    [
        (0, "afslører ingen af 10 med vilje forkerte modeller", "afslører altså ingen af disse fejl"),
        (3, "stopper kun 3 af 10 med vilje forkerte modeller", "kan altså kun afsløre grove fejl"),
    ],
)
def test_a_check_that_stops_no_wrong_model_is_said_to_reveal_nothing(stopped, screen, report):
    check = Check("passed", 0.4, stopped, 10)
    assert screen in texts.told_check("da", check)
    told = told_check(check, Wording("da"))
    assert report in told
    assert not (stopped == 0 and "grove fejl" in told)


@pytest.mark.unit
def test_a_run_without_a_change_is_shown_without_a_comparison(capsys):
    result = make_result()
    one = result.worlds[0]
    alone = replace(result, worlds=(one, replace(one, id="what_if")), changes=())
    assert alone.alone
    assert not result.alone
    Screen("da").ends(Finished(Path("run"), alone, "one"), 1.0)
    told = capsys.readouterr().out
    assert "Enkelt forløb" in told
    assert "afprøvning" not in told
    assert "ændringen" not in told.partition("Tallene")[0]


@pytest.mark.unit
def test_screen_and_report_say_a_number_and_its_chance_alike(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "160")
    result = make_result()
    Screen("da").ends(Finished(Path("run"), result, "one"), 1.0)
    told = " ".join(capsys.readouterr().out.replace("\u00a0", " ").split())
    for row in deciding(result, "without"):
        cells = comparison_cells(result, row, Wording("da"))
        assert f"{cells['chance']} for mindst {cells['least']}" in told or not cells["known"]
        assert cells["span"].replace("\u00a0", " ") in told


# --------------------------------------------------------------------------------------------------------- commands


@pytest.mark.e2e
def test_list_shows_own_scenarios_first(capsys):
    own_scenario(OWN)
    own_scenario("title: [", "broken")
    code, out, err = typed(capsys, "list")
    assert (code, err) == (0, [])
    assert out[0] == "your own, in ./scenarios:"
    assert "scenarios/broken.yaml:" in out[1]
    assert out[2].split() == ["own", "More", "places"]
    assert any(line.split()[0] == "youth_groups_3sites" for line in out if line.strip())


@pytest.mark.e2e
def test_show_tells_changes_in_plain_words_and_both_languages(capsys):
    own_scenario(OWN)
    code, out, _ = typed(capsys, "show", "own")
    text = "\n".join(out)
    assert code == 0
    assert out[:2] == ["More places", "What now?"]
    assert "Changes from 1 February 2018" in text
    assert "Youth group, Hørsholmsgade" in text
    assert "12" in text
    assert "scenarios/own.yaml" in text
    danish = "\n".join(typed(capsys, "show", "own", "lang=da")[1])
    assert "Flere pladser i kø, æøå" in danish
    assert "Ungegruppen, Hørsholmsgade" in danish


@pytest.mark.e2e
def test_new_writes_a_scenario_that_can_be_shown(capsys):
    code, out, _ = typed(capsys, "new", "my_idea")
    assert code == 0
    assert "scenarios/my_idea.yaml" in out[0]
    assert typed(capsys, "show", "my_idea")[0] == 0


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Færre-kø", "must be small letters a-z, digits and _, and begin with a letter"),
        ("../x", "must be small letters"),
        ("youth_groups_3sites", "is the name of a shipped scenario; did you mean 'youth_groups_3sites_2'?"),
    ],
)
def test_new_refuses_names(capsys, name, line):
    code, _, err = typed(capsys, "new", name)
    assert (code, len(err)) == (2, 1)
    assert line in err[0]
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.e2e
def test_new_never_writes_over_a_file(capsys):
    own_scenario(OWN)
    code, _, err = typed(capsys, "new", "own")
    assert code == 2
    assert "is taken" in err[0]
    assert Path("scenarios/own.yaml").read_text(encoding="utf-8") == OWN


@pytest.mark.e2e
def test_evidence_is_filtered_by_kind_and_service(capsys):
    whole = typed(capsys, "evidence")[1]
    assumed = typed(capsys, "evidence", "--kind", "assumed")[1]
    assert typed(capsys, "evidence", "kind=assumed")[1] == assumed
    group = typed(capsys, "evidence", "--service", "youth_group_hoersholmsgade")[1]
    assert len(whole) > len(assumed) > 2
    assert len(whole) > len(group) > 2
    addresses = {word for line in group[1:-1] for word in line.split() if word.startswith(("services.", "parameters."))}
    assert len(addresses) == len(group) - 2
    assert {one.split(".")[1] for one in addresses if one.startswith("services.")} == {"youth_group_hoersholmsgade"}
    assert "parameters.group_stay.value" in addresses
    assert "assumed" in assumed[-1]
    assert "report" not in assumed[-1]


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("evidence", "--kind", "asumed"), "did you mean 'assumed'?"),
        (("evidence", "--service", "youth_group_horsholmsgade"), "did you mean 'youth_group_hoersholmsgade'?"),
        (("evidence", "--nope"), "unrecognized arguments: --nope"),
        (("evidence", "knd=assumed"), "word = 'knd=assumed': is not a setting; did you mean 'kind'?"),
        (("evidence", "kind=asumed", "service=youth_group_hoersholmsgade"), "did you mean 'assumed'?"),
        (("show",), "the following arguments are required: scenario"),
        (("show", "youth_groups_3site"), "did you mean 'youth_groups_3sites'?"),
        (("report", "nowhere"), "must be the folder of a run"),
    ],
)
def test_wrong_words_after_a_command(capsys, words, line):
    code, out, err = typed(capsys, *words)
    assert (code, out, len(err)) == (2, [], 1)
    assert line in err[0]


def readme_runs():
    """Return the words of the runs that the page tells to type; it names every command too."""
    text = (Path(cli.__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    block = text.partition("## Commands")[2].split("```")[1]
    lines = [line for line in block.splitlines() if line.startswith("crksim ")]
    typed_there = [shlex.split(line.partition("     ")[0])[1:] for line in lines]
    assert len(typed_there) >= 9
    runs = [words for words in typed_there if words[0] not in (*cli.COMMANDS, "--help")]
    assert {words[0] for words in typed_there} >= {*cli.COMMANDS, "--help", "-m"}
    return [one for words in runs for one in cli.expand(cli.read_words(words, "en"))]


@pytest.mark.e2e
def test_the_commands_of_the_readme_are_understood():
    for one in readme_runs():
        for name in cli.compose_settings(one.settings).scenario.split("+"):
            assert find_scenario(name).is_file()


@pytest.mark.e2e
@pytest.mark.slow
def test_the_scenarios_of_the_readme_take_what_is_typed_there():
    for one in readme_runs():
        case = load_case(cli.compose_settings(one.settings).scenario, one.changes)
        assert case.told or case.name == "baseline"


@pytest.mark.e2e
@pytest.mark.slow
def test_every_shipped_scenario_can_be_shown(capsys):
    for name in scenario_files():
        code, out, err = typed(capsys, "show", name, "lang=da")
        assert (code, err) == (0, [])
        assert len(out) > 4


@pytest.mark.unit
def test_switches_are_variants_of_the_scenario(capsys):
    plain = load_case("youth_groups_3sites")
    shared = load_case("youth_groups_3sites", ["switch.shared_team=true"])
    assert len(shared.scenario.changes) == len(plain.scenario.changes) + 3
    assert load_case("youth_groups_3sites", ["switch.shared_team=false"]).scenario == plain.scenario
    for word, line in {
        "switch.shared_tem=true": "command line: switch = 'shared_tem': is not a switch of 'youth_groups_3sites'",
        "switch.shared_team=yes": "command line: switch.shared_team = 'yes': must be true or false",
    }.items():
        code, _, err = typed(capsys, "scenario=youth_groups_3sites", word, *SMALL)
        assert (code, len(err)) == (2, 1)
        assert err[0].startswith(line)


@pytest.mark.unit
def test_changes_of_the_command_line_belong_to_the_what_if_only():
    address = "services.youth_group_hoersholmsgade.places.hard"
    case = load_case("youth_groups_3sites", [f"{address}=3", "~referrals.to_intensive"])
    without, decided, what_if = (world.study for world in case.worlds)
    assert what_if["services"]["youth_group_hoersholmsgade"]["places"]["hard"] != 8
    for reference in (without, decided):
        assert reference["services"]["youth_group_hoersholmsgade"]["places"]["hard"] == 8
        assert "until" not in reference["referrals"]["to_intensive"]
    assert [world.id for world in case.worlds] == ["without", "decided", "what_if"]
    assert [world.id for world in load_case("youth_groups_3sites", (), ["decided"]).worlds] == ["decided", "what_if"]


# ------------------------------------------------------------------------------------------------------------ faults


@pytest.mark.e2e
def test_an_unknown_scenario_gets_the_nearest_and_the_way_to_all(capsys, tmp_path):
    code, out, err = typed(capsys, "scenario=youth_group_3sites")
    assert (code, out, len(err)) == (2, [], 1)
    assert "crksim list" in err[0]
    assert "did you mean 'youth_groups_3sites'?" in err[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (OWN + "  services.youth_group_hoersholmsgade.places.hard: 3\n", "scenarios/own.yaml:6: "),
        (
            OWN.replace("hard: 12", "hard: -2"),
            "scenarios/own.yaml:5: services.youth_group_hoersholmsgade.places.hard",
        ),
        (
            OWN.replace("hard: 12", "hard: tolv"),
            "scenarios/own.yaml:5: services.youth_group_hoersholmsgade.places.hard",
        ),
        (OWN.replace("places.hard", "placs.hard"), "scenarios/own.yaml:5: "),
        (OWN.replace("changes:", "chnges:"), "did you mean 'changes'?"),
        (OWN.replace("2018-02-01", "2018-02-31"), "scenarios/own.yaml:3: from = '2018-02-31'"),
        (OWN + "  services.a: !!python/object:os.system {}\n", "scenarios/own.yaml:6: changes.services.a"),
        ("a: b: c\n", "scenarios/own.yaml:1: text = 'a: b: c': not valid YAML"),
    ],
)
def test_a_faulty_scenario_is_told_with_its_line(capsys, tmp_path, text, line):
    own_scenario(text)
    code, out, err = typed(capsys, "scenario=own", *SMALL)
    assert (code, out) == (2, [])
    assert line in err[0]
    assert "Traceback" not in "".join(err)
    assert not (tmp_path / "outputs").exists()


@pytest.mark.e2e
def test_a_faulty_address_of_the_command_line_says_so(capsys):
    code, _, err = typed(capsys, "scenario=baseline", "services.youth_group_hoersholmsgade.places.hrd=3", *SMALL)
    assert code == 2
    assert err[0].startswith("command line: services.youth_group_hoersholmsgade.places.hrd")
    assert "did you mean" in err[0]


@pytest.mark.e2e
def test_wrong_words_settings_switches_options_and_values_are_told_together(capsys):
    words = (
        "mebers=3",
        "futures=0",
        "switch.share_team=true",
        "option=one_tem",
        "services.fhv_intensive.places.hard=8 p",
    )
    code, _, err = typed(capsys, "scenario=youth_groups_3sites", *words, "lang=en")
    assert code == 2
    assert [line.partition(": ")[2].partition(" = ")[0] for line in err] == [
        *("word", "futures", "option", "switch", "services.fhv_intensive.places.hard")
    ]
    assert err[-1].endswith("must be a number without unit; did you mean '8'?")


@pytest.mark.unit
def test_names_in_a_list_may_have_spaces_between_them():
    settings = cli.compose_settings(["scenario=[youth_groups_3sites, intensive_20_places ]"])
    assert settings.scenario == "youth_groups_3sites+intensive_20_places"


@pytest.mark.e2e
def test_a_scenario_that_is_misspelt_is_not_told_to_be_missing(capsys):
    _, _, err = typed(capsys, "scenaro=baseline", "members=0", "lang=en")
    assert [line.partition(": ")[2].partition(" = ")[0] for line in err] == ["word", "members"]
    _, _, err = typed(capsys, "scenario=[youth_groups_3sites, intensive_20_places]", "members=0", "lang=en")
    assert [line.partition(": ")[2].partition(" = ")[0] for line in err] == ["members"]
    _, _, err = typed(capsys, "sweep", "scenario=baseline", "mebers=1", "futures=0", "points=0", "lang=en")
    assert [line.partition(": ")[2].partition(" = ")[0] for line in err] == ["word", "futures", "points"]


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("references=decied",), "command line: references = 'decied': must be one of "),
        (("window=2015",), "command line: window = '2015': must lie within the study, 2016-01-01 to 2020-12-31"),
        (("out=file/inside",), "command line: out = 'file/inside': must be a folder that can be written to"),
        (("out=/proc/inside",), "command line: out = '/proc/inside': must be a folder that can be written to"),
        ((f"out={'x' * 300}",), f"command line: out = '{'x' * 76}...: must be a folder that can be written to"),
    ],
)
def test_faults_that_only_the_study_shows(capsys, words, line):
    Path("file").write_text("")
    code, _, err = typed(capsys, "scenario=baseline", *SMALL, *words)
    assert (code, len(err)) == (2, 1)
    assert err[0].startswith(line)


@pytest.mark.e2e
@pytest.mark.parametrize("command", ["calibrate", "validate", "variants"])
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(capsys, command):
    code, _, err = typed(capsys, command, "out=/proc/inside")
    assert (code, err) == (2, ["command line: out = '/proc/inside': must be a folder that can be written to"])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("words", "value", "near"),
    [
        (("list",), "dk", "da"),
        (("list",), "se", "da"),
        (("show", "baseline"), "EN", "en"),
        (("evidence",), "english", "en"),
        (("scenario=baseline",), "sv", "da"),
    ],
)
def test_a_language_that_is_not_spoken_is_refused_by_every_command(capsys, words, value, near):
    code, out, err = typed(capsys, *words, f"lang={value}")
    line = f"command line: lang = '{value}': must be da, en or auto; did you mean '{near}'?"
    assert (code, out, err) == (2, [], [line])


@pytest.mark.unit
def test_a_failed_check_is_exit_code_3(capsys, monkeypatch):
    def fails(*_, **__):
        raise CheckError("member 3: a citizen is nowhere")

    monkeypatch.setattr(jobs, "run", fails)
    code, _, err = typed(capsys, "scenario=baseline", *SMALL)
    assert (code, err) == (3, ["member 3: a citizen is nowhere"])


# -------------------------------------------------------------------------------------------------------------- runs


@pytest.mark.e2e
def test_a_run_from_words_to_folder(capsys, tmp_path):
    own_scenario(OWN)
    code, out, err = typed(capsys, "scenario=own", "services.youth_group_hoersholmsgade.places.hard=10", *SMALL)
    text = "\n".join(out)
    assert (code, err) == (0, [])
    assert out[:2] == ["More places", "What now?"]
    assert "10" in text.split("Compared with")[0]
    assert "Check against the report: passed" in text
    (folder,) = (tmp_path / "outputs").glob("[!.]*")
    assert folder.name.startswith("own_")
    assert str(folder.relative_to(tmp_path) / "report.html") in text
    assert {"report.html", "results.xlsx", "comparison.csv", "manifest.json"} <= {
        path.name for path in folder.iterdir()
    }
    before = (folder / "report.html").read_bytes()
    assert typed(capsys, "report", str(folder), "lang=en")[0] == 0
    assert (folder / "report.html").read_bytes() == before


@pytest.mark.e2e
@pytest.mark.slow
def test_versions_are_those_of_the_ensemble_or_drawn_from_the_ledger(capsys, tmp_path, monkeypatch):
    own_scenario(OWN)
    monkeypatch.setattr(rundir, "_write_pages", lambda *_: None)  # what is told on the screen is looked at
    code, _, err = typed(capsys, "scenario=own", "members=301", "lang=en")
    assert (code, err) == (2, ["command line: members = 301: must be at most 300, the size of the ensemble"])
    code, _, err = typed(capsys, "scenario=own", "versions=shiped", "lang=en")
    assert code == 2
    assert "must be shipped, none, or the folder of a calibration" in err[0]
    assert err[0].endswith("did you mean 'shipped'?")
    assert not (tmp_path / "outputs").exists()
    code, out, _ = typed(capsys, "scenario=own", "versions=none", *SMALL)
    assert code == 0
    assert "Not validated: versions are drawn from the ranges of the ledger" in "\n".join(out)


@pytest.mark.e2e
@pytest.mark.slow
def test_a_run_on_the_ensemble_says_what_it_would_have_said_before(capsys, tmp_path):
    own_scenario(OWN)
    words = ("members=3", "futures=2", "prior_members=2", "progress=false", "lang=en", "workers=2")
    assert typed(capsys, "scenario=own", *words)[0] == 0
    (folder,) = (tmp_path / "outputs").glob("[!.]*")
    with (folder / "comparison.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert any(row["prior_low"] for row in rows if row["decides"] == "True")


@pytest.mark.e2e
@pytest.mark.slow
def test_single_stays_are_kept_on_request(capsys, tmp_path):
    import pandas as pd

    own_scenario(OWN)
    assert typed(capsys, "scenario=own", "stays=true", *SMALL)[0] == 0
    (path,) = (tmp_path / "outputs").glob("*/stays.parquet")
    stays = pd.read_parquet(path)
    assert set(stays["world"]) == {"without", "what_if"}
    group = stays[(stays["service"] == "youth_group_hoersholmsgade") & stays["admitted"].notna()]
    assert (group["admitted"] >= group["referred"]).all()
    # The one future of the one member is the run itself.
    measures = pd.read_parquet(path.with_name("measures.parquet"))
    began = group[(group["world"] == "what_if") & (group["admitted"] >= 762.0)]
    told = measures[(measures["world"] == "what_if") & (measures["measure"] == "youth_group.starts")]["value"]
    assert len(began) / ((1827 - 762) / 365.25) == pytest.approx(told.item())


@pytest.mark.e2e
@pytest.mark.slow
def test_a_multirun_ends_with_one_comparison(capsys, tmp_path):
    words = ("-m", "scenario=baseline", "services.youth_group_hoersholmsgade.places.hard=6,12")
    code, out, err = typed(capsys, *words, *SMALL)
    assert (code, err) == (0, [])
    folders = sorted((tmp_path / "outputs").glob("[!.]*"))
    assert [folder.name.split("_")[0] for folder in folders] == ["baseline", "baseline", "comparison"]
    page = (folders[-1] / "comparison.html").read_text("utf-8")
    assert [f"../{folder.name}/report.html" in page for folder in folders] == [True, True, False]
    assert str(folders[-1].relative_to(tmp_path) / "comparison.html") in "\n".join(out)
    (place,) = [number for number, line in enumerate(out) if line == "Comparison of 2 runs"]
    assert any("hard=6" in line for line in out[place:])
    assert any("hard=12" in line for line in out[place:])


@pytest.mark.e2e
def test_one_faulty_job_of_a_multirun_stops_before_any_runs(capsys, tmp_path):
    code, out, err = typed(capsys, "-m", "scenario=baseline,baselin", *SMALL)
    assert (code, out, len(err)) == (2, [], 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.e2e
def test_several_values_without_m_get_a_hint(capsys):
    code, _, err = typed(capsys, "scenario=baseline,youth_groups_3sites", *SMALL)
    assert (code, len(err)) == (2, 1)
    assert "put -m in front" in err[0]


@pytest.mark.e2e
def test_every_command_tells_who_may_do_the_work(capsys):
    for words in (
        ("scenario=baseline", *SMALL),
        ("calibrate", "lang=en"),
        ("validate", "lang=en"),
        ("variants", "lang=en"),
    ):
        code, _, err = typed(capsys, *words, "pool=locale")
        assert (code, len(err)) == (2, 1)
        assert "command line: pool = 'locale': must be one of serial, local, dask; did you mean 'local'" in err[0]


@pytest.mark.unit
def test_a_cluster_gives_as_many_workers_as_it_has_unless_fewer_are_asked_for():
    chosen = {"scenario": "a", "pool": "dask", "address": "tcp://x:1"}
    assert read_settings({**chosen, "workers": 0}).workers == 0
    assert workers_for(read_settings({**chosen, "workers": 0}), 3) == 0
    assert workers_for(read_settings({**chosen, "workers": 8}), 3) == 3
    assert workers_for(read_settings({"scenario": "a", "workers": 8}), 3) == 3


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ctrl_c_says_so_in_a_line_and_leaves_nothing(tmp_path, workers):
    words = ("scenario=baseline", "members=5000", "versions=none", f"workers={workers}", "lang=en")
    assert interrupted(tmp_path, *words) == (130, "interrupted; nothing was kept", False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.unit
def test_ctrl_c_in_a_multirun_says_what_was_kept(capsys, monkeypatch):
    def stops(runs, watch):
        watch.kept.append(Path("outputs/first"))
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "run_all", stops)
    code, _, err = typed(capsys, "-m", "scenario=baseline,youth_groups_3sites", *SMALL)
    assert (code, err) == (130, ["", f"interrupted; kept so far: {Path('outputs/first')}"])


@pytest.mark.unit
def test_two_scenarios_run_at_once():
    both = load_case("youth_groups_3sites+intensive_20_places")
    assert both.name == "youth_groups_3sites+intensive_20_places"
    assert both.date == "2018-01-01"
    assert {service.id for service in both.study.network.services} > {"youth_group_spaniensgade", "fhv_intensive"}
    assert cli.compose_settings(["scenario=[youth_groups_3sites,intensive_20_places]"]).scenario == both.name


@pytest.mark.unit
def test_the_plan_of_2018_combines_what_was_decided_each_from_its_own_date():
    plan = load_case("crk_2018_plan")
    assert plan.date == "2018-02-01"
    assert {part.id: part.from_day for part in plan.scenario.parts}["feedback_stands"] == "2018-06-01"
    assert load_case("crk_2018_plan", ["option=nothing"]).study.source == load_case("baseline").study.source
