"""Options of ``crksim compare`` with changes of their own: how they are typed, refused, named, and asked alike."""

import csv
import json
import shlex
import shutil
from pathlib import Path

import pytest

from crksim.errors import InputError
from crksim.interface import cli
from crksim.interface.alike import Added, against_own, asked_alike, read_added, with_added
from crksim.interface.cases import load_case
from crksim.interface.options import is_option, labelled, names_scenario, split_option
from crksim.output.rundir import write_run
from tests.make_result import make_run
from tests.read_once import read_once

SMALL = ("members=2", "futures=1", "workers=1", "progress=false", "prior_members=0")
PLACES = "services.fhv_intensive.places.hard"

#: A scenario of the user's own, with prices made up for a test.
MINE = """\
title: {{da: Otte egne pladser, en: Eight places of our own}}
from: 2018-01-01
references:
  planned: {{label: {{da: 20 pladser, en: 20 places}}, scenario: intensive_20_places}}
changes:
  services.fhv_intensive.places.hard: 8
prices:
  fhv_intensive.place_year: {{kroner: {kroner}, source: made up for a test}}
"""


def typed(capsys, *words):
    code = cli.main([*words, "lang=en"])
    out = capsys.readouterr()
    return code, out.out, out.err.splitlines()


def write_mine(folder, name="mine", kroner=1000):
    path = folder / "scenarios" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(MINE.format(kroner=kroner), encoding="utf-8")


# --- how they are typed ----------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("word", "name", "changes"),
    [
        ("youth_groups_3sites", "youth_groups_3sites", []),
        ("outputs/a_2026-01-01_10-00-00", "outputs/a_2026-01-01_10-00-00", []),
        ("youth_groups_3sites:switch.shared_team=true", "youth_groups_3sites", ["switch.shared_team=true"]),
        ("a:option=b:services.x.places.hard=times(2)", "a", ["option=b", "services.x.places.hard=times(2)"]),
        ("a+b:services.x={like: services.y, site: z}", "a+b", ["services.x={like: services.y, site: z}"]),
        ("a:~referrals.x:+services.y.queue.room=3", "a", ["~referrals.x", "+services.y.queue.room=3"]),
        ("a:services.x.length=3 months", "a", ["services.x.length=3 months"]),
        (r"C:\own\mine.yaml", r"C:\own\mine.yaml", []),
        (r"C:\own\mine.yaml:option=b", r"C:\own\mine.yaml", ["option=b"]),
        ("youth_groups_3sites:switch.shared_team", "youth_groups_3sites", ["switch.shared_team"]),
    ],
)
def test_an_option_is_a_name_and_its_changes(word, name, changes):
    assert is_option(word)
    assert split_option(word) == (name, changes)


@pytest.mark.unit
@pytest.mark.parametrize(
    "word", ["members=3", "address=tcp://host:1", "out=C:\\x", "services.x.places.hard=3", "~referrals.x", "-m", ""]
)
def test_settings_and_changes_of_no_scenario_are_no_options(word):
    assert not is_option(word)


@pytest.mark.unit
def test_a_name_is_that_of_a_scenario_of_a_file_or_of_several(tmp_path):
    assert names_scenario("baseline")
    assert names_scenario("youth_groups_2sites+intensive_8_places")
    assert names_scenario("own.yaml")
    assert not names_scenario("youth_groups_2sites+nothing")
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    assert not names_scenario(str(tmp_path))


@pytest.mark.unit
def test_an_option_is_called_by_its_title_and_what_it_changes():
    told = labelled("intensive_5_places", [f"{PLACES}=8", "switch.need_recurs=true"])
    assert told.en.startswith("Five intensive places – ")
    assert told.en.endswith("Forchhammersvej, intensive places: places at a time: 8 instead of 5")
    assert told.da.endswith("Forchhammersvej, intensive pladser: pladser ad gangen: 8 i stedet for 5")
    (switch,) = (it for it in load_case("intensive_5_places").scenario.variants if it.id == "need_recurs")
    assert switch.label.da in told.da
    assert labelled("intensive_5_places", ["option=none"]).en == (
        "Five intensive places – instead: No intensive places"
    )
    assert labelled("intensive_5_places", []).da == "Fem intensive pladser"


@pytest.mark.unit
@pytest.mark.slow
def test_the_options_in_the_readme_can_be_made(capsys):
    text = (Path(cli.__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("crksim compare ")]
    words = [word for line in lines for word in shlex.split(line.partition("   ")[0])[2:]]
    changed = [split_option(word) for word in words if ":" in word]
    assert len(changed) >= 2
    for name, changes in changed:
        assert labelled(name, changes).da.startswith(load_case(name, changes).scenario.title.da + " – ")


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the folder of a finished run, ``intensive_5_places``."""
    folder = tmp_path_factory.mktemp("written") / "intensive_5_places_2026-01-01_10-00-00"
    write_run(folder=folder, lang="en", **make_run())
    return folder


@pytest.fixture
def finished(tmp_path, monkeypatch, written):
    """Go to an empty folder with one finished run in it."""
    monkeypatch.chdir(tmp_path)
    read_once(monkeypatch)
    shutil.copytree(written, tmp_path / "outputs" / written.name)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("youth_groups_3sites:switch.shared_tem=true", ["shared_tem", "did you mean 'shared_team'"]),
        ("youth_groups_3sites:switch.shared_team=yes", ["switch.shared_team = 'yes': must be true or false"]),
        ("youth_groups_3sites:switch.shared_team", ["did you mean 'youth_groups_3sites:switch.shared_team=true'"]),
        ("youth_groups_3sites:swich.shared_team=true", ["swich.shared_team=true", "did you mean 'switch'"]),
        ("intensive_20_places:option=mobil", ["is not an option of", "did you mean 'mobile'"]),
        ("intensive_5_places:services.fhv_intensiv.places.hard=8", [f"did you mean '{PLACES}'"]),
        (f"intensive_5_places:{PLACES}=-1", [f"command line: {PLACES}", "-1"]),
        (f"intensive_5_places:{PLACES}=6,8", ["write an option for each of them"]),
        (f"intensive_5_places:{PLACES}=4..8", ["write an option for each of them"]),
        (f"intensive_5_places:{PLACES}=times(0.5,2)", ["write an option for each of them"]),
        ("intensive_5_places:members=5", ["members=5", "holds for all options"]),
        (f"intensive_5_places:{PLACES}=6:{PLACES}=8", ["is given twice"]),
        (
            "intensive_5_plases:option=none",
            ["is not a known scenario", "did you mean 'intensive_5_places:option=none'"],
        ),
        (
            "outputs/intensive_5_places_2026-01-01_10-00-00:option=none",
            ["is a finished run and cannot be changed", "did you mean 'intensive_5_places:option=none'"],
        ),
        ("intensive_5_places:", ["must be NAME:switch.NAME=true"]),
        ("intensive_5_plases", ["is neither a scenario nor a run", "did you mean 'intensive_5_places'"]),
        ("youth_growth_20", ["compare = 'youth_growth_20': is given twice"]),
        ("-m", ["cannot be used with compare"]),
        ("switch.shared_team=true", ["belongs to one of the options", "'youth_growth_20:switch.shared_team=true'"]),
        ("measure=youth_group.start", ["is not measured in all", "did you mean 'youth_group.starts'"]),
    ],
)
def test_a_wrong_option_is_told_in_a_line_and_nothing_is_left(finished, capsys, tmp_path, word, said):
    before = sorted(tmp_path.rglob("*"))
    second = () if word in ("youth_growth_20", "intensive_5_plases") else ("youth_groups_2sites",)
    code, out, err = typed(capsys, "compare", "youth_growth_20", *second, word)
    assert (code, out, len(err)) == (2, "", 1), err
    assert [part for part in said if part not in err[0]] == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.unit
def test_all_that_is_wrong_is_told_at_once(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = (
        "youth_groups_3sites:switch.shared_tem=true",
        f"intensive_5_places:{PLACES}=-1",
        "intensive_20_places:option=mobil",
        "members=0",
        "finalists=0",
        "services.x.places.hard=3",
    )
    code, _, err = typed(capsys, "compare", *words)
    assert code == 2
    for part in (
        "members = 0",
        "switch = 'shared_tem'",
        f"line: {PLACES}",
        "'mobil'",
        "finalists = '0'",
        "belongs to one",
    ):
        assert len([line for line in err if part in line]) == 1, part
    assert len(err) == 6
    assert cli.main(["compare", *words, "lang=da"]) == 2
    assert cli.main(["compare", "youth_groups_3sites:switch.shared_team", "baseline", "lang=da"]) == 2
    assert "skal være NAVN:switch.NAVN=true" in capsys.readouterr().err


# --- asked alike -----------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.slow
def test_what_one_is_asked_and_priced_by_the_others_are_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_mine(tmp_path)
    cases = [load_case("mine"), load_case("youth_groups_3sites")]
    mine, youth = asked_alike(cases, ["planned", ""], "en")
    assert {question.measure for question in youth.questions} >= {it.measure for it in cases[0].questions if it.decides}
    assert not any(question.decides for question in youth.added.questions)
    assert [price.key for price in youth.scenario.prices] == ["fhv_intensive.place_year"]
    # What cost is divided by is counted in both, whichever measure is chosen by.
    assert {"fhv_intensive.starts", "youth_group.starts"} <= set(youth.added.measures)
    assert {"fhv_intensive.starts", "youth_group.starts"} <= set(mine.added.measures)
    assert [(world.id, world.scenario) for world in youth.worlds] == [
        ("without", "baseline"),
        ("what_if", "youth_groups_3sites"),
    ]
    assert mine.worlds == cases[0].worlds
    for case, own in zip((mine, youth), cases, strict=True):
        again = with_added(own, read_added(json.loads(json.dumps(case.added.plain))))
        assert (again.questions, again.scenario, again.worlds) == (case.questions, case.scenario, case.worlds)
    assert against_own(youth)
    assert not against_own(with_added(mine, Added(unchanged=True)))


@pytest.mark.unit
def test_cases_that_ask_the_same_stay_as_they_are():
    cases = [load_case("intensive_5_places"), load_case("intensive_5_places", [f"{PLACES}=8"])]
    assert [case.added for case in asked_alike(cases, ["planned", "planned"], "en")] == [None, None]


@pytest.mark.unit
def test_one_thing_has_one_price(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_mine(tmp_path)
    write_mine(tmp_path, "dear", kroner=2000)
    code, out, err = typed(capsys, "compare", "mine", "dear", *SMALL)
    assert (code, out) == (2, "")
    assert err == [
        "dear: prices.fhv_intensive.place_year = '2000': is 1000 in 'mine'; what is compared must have one price"
    ]
    assert not (tmp_path / "outputs").exists()
    with pytest.raises(InputError) as caught:
        asked_alike([load_case("mine"), load_case("dear")], ["planned", "planned"], "da")
    assert "skal have én pris" in str(caught.value)


# --- as a whole ------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.slow
def test_options_with_changes_are_compared_priced_kept_and_made_again(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_mine(tmp_path)
    changed = f"mine:{PLACES}=6"
    code, out, err = typed(capsys, "compare", "intensive_5_places", changed, "intensive_5_places:option=three", *SMALL)
    assert (code, err) == (0, [])
    told = " ".join(out.split())
    assert "“Five intensive places – Three places”" in told
    assert "6 instead of 8" in told
    assert "The prices were given by the user" in told
    assert told.count("kr. a year against the reference") >= 3
    (folder,) = (tmp_path / "outputs").glob("comparison_*")
    runs = json.loads((folder / "runs.json").read_text("utf-8"))["runs"]
    assert [run["name"] for run in runs] == ["intensive_5_places", changed, "intensive_5_places:option=three"]
    assert [run.get("changes") for run in runs] == [None, [f"{PLACES}=6"], ["option=three"]]
    assert runs[2]["label"]["da"] == "Fem intensive pladser – Tre pladser"
    with (folder / "options.csv").open(encoding="utf-8") as file:
        rows = {row["option"]: row for row in csv.DictReader(file) if row["luck"] == "choice"}
    # 20 places are planned, at 1,000 kr. each.
    assert float(rows["intensive_5_places:option=three"]["kroner"]) == pytest.approx(-17_000.0)
    assert float(rows[changed]["kroner"]) == pytest.approx(-14_000.0)
    assert rows[changed]["option_en"] == runs[1]["label"]["en"]
    # The runs have changes and further questions; each is made again as it was.
    for run in runs[1:]:
        code, out, err = typed(capsys, "reproduce", str(folder / run["folder"]), "workers=1")
        assert (code, err) == (0, []), out


@pytest.mark.e2e
@pytest.mark.slow
def test_options_without_a_common_reference_are_held_against_the_model_as_it_is(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("youth_groups_3sites:switch.shared_team=true", "intensive_20_places:option=mobile", "intensive_5_places")
    code, out, err = typed(capsys, "compare", *options, "fresh=false", *SMALL)
    assert (code, err) == (0, [])
    assert "They have no reference in common" in out
    (folder,) = (tmp_path / "outputs").glob("comparison_*")
    assert (folder / "options.csv").is_file()
    assert not (folder / "costs.csv").exists()
    run = json.loads((folder / "runs.json").read_text("utf-8"))["runs"][2]
    code, out, err = typed(capsys, "reproduce", str(folder / run["folder"]), "workers=1")
    assert (code, err) == (0, []), out
