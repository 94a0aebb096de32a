"""What is asked, as it goes into the folder of a run: notes, switches, and evidence of what is copied."""

import pytest

from crksim.interface.cases import load_case
from crksim.interface.files import data_dir, read_folder
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
    assert "Slået til: Grupperne deler ét team" in told


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
