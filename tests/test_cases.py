"""What is asked, as it goes into the folder of a run: notes, switches, and evidence of what is copied."""

from dataclasses import replace

import pytest

from crksim.errors import InputError
from crksim.interface.cases import load_case
from crksim.interface.files import data_dir, read_folder
from crksim.interface.screen import Screen
from crksim.interface.settings import Settings
from crksim.model.changes import apply, read_scenario

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def case():
    return load_case("youth_groups_3sites", ["switch.shared_team=true"])


def test_notes_switches_and_labels_of_references_are_in_the_resolved_scenario(case):
    told = case.resolved
    assert told["notes"]["en"].startswith("Chapter 4")
    assert told["switches"] == {"shared_team": {"da": "Grupperne deler ét team", "en": "The groups share one team"}}
    assert told["references"]["decided"]["label"]["da"] == "som besluttet december 2017"
    assert load_case("youth_groups_3sites").resolved["switches"] == {}


def test_switches_and_the_date_are_told_in_words(case):
    told = "\n".join(case.lines("da"))
    assert "Ændringer fra 1. februar 2018:" in told
    assert "Slået til i ændringen (ikke i det, der sammenlignes med): Grupperne deler ét team" in told


def test_a_copied_number_has_the_evidence_of_its_original(case):
    rows = {row["address"]: row for row in case.evidence()}
    assert [address for address, row in rows.items() if not row["kind"]] == []
    copy, original = (rows[f"services.youth_group_{name}.places.hard"] for name in ("spaniensgade", "hoersholmsgade"))
    assert (copy["kind"], copy["fact"], copy["low"]) == (original["kind"], original["fact"], original["low"])
    rows = [row for row in load_case("intensive_20_places").evidence() if "fhv_intensive.places" in row["address"]]
    places = {row["value"]: row["kind"] for row in rows}
    assert (places["5"] != "", places["20"]) == (True, "")


def test_what_is_asked_covers_the_list(case):
    """The planner's list: every measure of what the change touches, by site and by origin."""
    measures = {question.measure for question in case.questions}
    for subject in ("youth_group", "youth_group_norre_voldgade", "youth_group_spaniensgade"):
        for asked in (
            "starts", "present.mean", "occupancy", "under_workable", "internal_wait.mean", "internal_wait.p90",
            "unmet.no_place", "unmet.too_far", "unmet.could_not_attend", "unmet.declined", "status.ceased",
            "status.reduced", "gain.share_0", "gain.share_50", "gain.share_100", "fte", "staff_hours",
        ):  # fmt: skip
            assert f"{subject}.{asked}" in measures
    for home in ("hoersholmsgade", "prags_boulevard"):
        for asked in ("starts", "gain.share_0", "gain.share_50", "gain.share_100"):
            assert f"youth_group[home={home}].{asked}" in measures
    for cohort in ("youth_drugs", "adult_alcohol"):
        for asked in ("mean", "share_within_limit", "breaches"):
            assert f"{cohort}.door_wait.{asked}" in measures


@pytest.mark.parametrize("name", ["crk_2018_plan", "youth_groups_3sites+intensive_8_places", "doing_nothing"])
def test_the_resolved_scenario_makes_the_study_again_with_the_date_of_each_part(name):
    """A reader of the file alone applies each part from its own date, and has the study that ran."""
    case = load_case(name)
    told = case.resolved
    assert ("parts" in told) == (name != "doing_nothing")
    study = read_folder(data_dir("conf") / "network").data
    for part in told.get("parts", [told]):
        fields = {field: part[field] for field in ("from", "changes")} | {"title": told["title"]}
        study = apply(study, read_scenario(fields, "part"))
    assert study == case.study.source


# ------------------------------------------------------------------------------------------------------------ faults

YOUTH = "services.youth_group_hoersholmsgade"
HEAD = "title: {da: Min, en: Mine}\nfrom: 2018-02-01\n"


@pytest.fixture
def faults(tmp_path, monkeypatch):
    """What is told of a scenario file with a text, and of what is typed beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()

    def told(text, *overrides):
        (tmp_path / "scenarios" / "own.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as error:
            load_case("own", overrides)
        return [str(problem) for problem in error.value.problems]

    return told


@pytest.mark.parametrize("since", ["soon", "2030-01-01"])
def test_a_wrong_key_a_wrong_date_and_a_wrong_address_hide_nothing(faults, since):
    text = f"""\
title: {{da: Min, en: Mine}}
qestion: x
from: {since}
changes:
  {YOUTH}.places.hard: -12
  services.fhv_intensive.lenght: 3 months
  cohorts.youth_drugs.arrivals.rate: 25
  services.fhv_intensive.places.hard: {{first: 4, later: {{from: 2019-01-01, value: 5}}}}
"""
    told = faults(text)
    rule = "must be a date such as '2016-10-01', or 'start'"
    rule = rule if since == "soon" else "must lie before the study's end, 2021-01-01"
    assert told == [
        "scenarios/own.yaml:2: qestion = 'x': is not a known key; did you mean 'question'?",
        f"scenarios/own.yaml:3: from = '{since}': {rule}",
        f"scenarios/own.yaml:5: {YOUTH}.places.hard = -12: must be a whole number of at least 0",
        "scenarios/own.yaml:6: services.fhv_intensive.lenght = '3 months': is not an address of the study; did you "
        "mean 'services.fhv_intensive.length'?",
        "scenarios/own.yaml:7: cohorts.youth_drugs.arrivals.rate = 25: must be a rate such as '25 / year'; it has no "
        "unit",
    ]


def test_what_follows_from_a_fault_is_not_told_beside_it(faults):
    told = faults(
        HEAD + "changes:\n  services.youth_group_north: {like: services.youth_grop}\n"
        f"  {YOUTH}.refused: youth_group_north\n  services.youth_group_north.places.hard: 3\n"
    )
    assert told == [
        "scenarios/own.yaml:4: services.youth_group_north = 'services.youth_grop': there is nothing to copy; did you "
        "mean 'services.after_youth_group'?"
    ]


def test_faults_of_the_command_line_are_told_together_with_those_of_the_file(faults):
    told = faults(
        HEAD + f"changes:\n  {YOUTH}.places.hard: 1.7\n",
        *("switch.share=true", "option=one", "services.fhv_intensive.places.hard=seks"),
    )
    assert told == [
        "command line: option = 'one': is not an option of 'own'",
        "command line: switch = 'share': is not a switch of 'own'",
        "command line: services.fhv_intensive.places.hard = 'seks': must be a number without unit",
        f"scenarios/own.yaml:4: {YOUTH}.places.hard = 1.7: must be a whole number of at least 0",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "scenarios/own.yaml: title = None: is missing"),
        (
            HEAD + "changes:\n  parameters.intensive_goal_met: 1.7\n",
            "scenarios/own.yaml:4: parameters.intensive_goal_met = 1.7: must be a share between 0 and 1 (it is 1.7 "
            "with the parameters' values), where services.fhv_intensive.ends.met.status.stabilised uses it",
        ),
        (
            HEAD.replace("2018-02-01", "start") + "changes:\n  parameters.intensive_goal_met: {times: 4}\n",
            "scenarios/own.yaml:4: parameters.intensive_goal_met = {'times': 4}: must be a share between 0 and 1 (it "
            "is 2.2 with the parameters' values), where services.fhv_intensive.ends.met.status.stabilised uses it",
        ),
        (
            HEAD + f"changes:\n  {YOUTH}.places: {{hard: tolv}}\n",
            f"scenarios/own.yaml:4: {YOUTH}.places.hard = 'tolv': must be a number without unit",
        ),
    ],
)
def test_a_fault_points_at_what_was_typed(faults, text, line):
    assert faults(text) == [line]


def test_a_fault_in_an_option_points_at_its_line(faults):
    text = HEAD + (
        "options:\n  one:\n    label: {da: En, en: One}\n    cheapest: true\n"
        f"    changes:\n      {YOUTH}.places.hard: -1\n"
    )
    assert faults(text, "option=one") == [
        f"scenarios/own.yaml:8: {YOUTH}.places.hard = -1: must be a whole number of at least 0"
    ]


@pytest.mark.parametrize(
    ("change", "value", "rule"),
    [
        (f"{YOUTH}.places.hard", "2,5", "must be a whole number of at least 0"),
        (f"{YOUTH}.places.hard", "12 pladser", "must be a number without unit; did you mean '12'?"),
        (f"{YOUTH}.death", "0,02 om året", "must be a rate such as '25 / year'; write decimals with a point, not a "
            "comma; did you mean '0.02 / year'?"),
        (f"{YOUTH}.wait_goal", "3 måneder", "must be a duration such as '3 months'; did you mean '3 months'?"),
        (f"{YOUTH}.opens", "1. marts 2019", "must be a date such as '2016-10-01'; did you mean '2019-03-01'?"),
        ("parameters.intensive_stay", "3 måneder", "must be a duration such as '3 months'; did you mean '3 months'?"),
        ("parameters.intensive_stay", "90", "must be a duration such as '3 months'; it has no unit"),
    ],
)  # fmt: skip
def test_the_nearest_form_that_holds_in_the_end_is_told(faults, change, value, rule):
    shown = value if value == "90" else repr(value)
    text = HEAD.replace("2018-02-01", "start") if change.endswith("opens") else HEAD
    assert faults(f"{text}changes:\n  {change}: {value}\n") == [f"scenarios/own.yaml:4: {change} = {shown}: {rule}"]


def test_a_length_that_can_only_be_set_from_the_start_is_told_its_form_too(faults):
    head = "scenarios/own.yaml:4: services.fhv_intensive.length = '3 måneder': "
    law = "{law: exponential, mean: 3 months}"
    assert faults(HEAD + "changes:\n  services.fhv_intensive.length: 3 måneder\n") == [
        head + "has no value before, so it cannot change on a date; use 'from: start'",
        head + f"must be a law such as {law}; did you mean '{law}'?",
    ]


def test_a_date_as_it_is_spoken_has_the_nearest_form(faults):
    assert faults(HEAD.replace("2018-02-01", "1. februar 2018")) == [
        "scenarios/own.yaml:2: from = '1. februar 2018': must be a date such as '2016-10-01', or 'start'; did you mean "
        "'2018-02-01'?"
    ]


@pytest.mark.parametrize("since", ["start", "2018-02-01"])
@pytest.mark.parametrize(
    ("address", "shown", "rule"),
    [
        ("ends.cases.drugs_low.ends.completed.length", "-1", "must be a law such as"),
        ("ends.cases.drugs_low.ends.drop_out.status.reduced", "null", "must be a number without unit"),
    ],
)
def test_a_value_of_another_kind_is_refused_in_a_case_of_a_thing(faults, since, address, shown, rule):
    told = faults(HEAD.replace("2018-02-01", since) + f"changes:\n  services.spaniensgade.{address}: {shown}\n")
    assert all(line.startswith(f"scenarios/own.yaml:4: services.spaniensgade.{address}") for line in told)
    assert all(rule in line for line in told)


def test_a_title_is_told_once_where_nothing_else_is_asked(case, capsys):
    asked = replace(case, scenario=replace(case.scenario, question=case.scenario.title))
    Screen("en").begins(asked, Settings("youth_groups_3sites"), 2)
    assert capsys.readouterr().out.count(case.scenario.title.en + "\n") == 1
