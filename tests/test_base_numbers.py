"""Own base numbers: the sheet, what is read from it, and the study that begins from it."""

import datetime as dt

import numpy as np
import openpyxl
import pytest

from crksim.errors import InputError
from crksim.interface.base_words import FORM
from crksim.interface.cases import load_case
from crksim.interface.cli import main
from crksim.interface.filled import to_date, to_number
from crksim.interface.sheets import parse_yaml
from crksim.model.own_numbers import Beside, OwnNumbers, changes_of, ways_of
from crksim.model.rebasing import begun_on, rebased
from crksim.model.scenario_reading import read_scenario
from crksim.model.study import default_theta, read_study
from crksim.output import rundir
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import OPENING

STUDY = parse_yaml(
    """
time: {start: 2016-01-01, forecast: 2018-01-01, end: 2021-01-01}
attributes: {home: [north, south], age: [young, old]}
parameters: {coming: {value: 100 / year}}
services:
  door: {treatment: false, ends: {on: {share: 1, length: {law: fixed, value: 1 days}, to: home}}}
  north: {length: {law: fixed, value: 100 days}, posts: {nurse: {number: 3}, doctor: {number: 1}}}
  south:
    length: {law: fixed, value: 100 days}
    places: {norm: {first: 5, later: {from: 2017-06-01, value: 9}}}
  group: {opens: 2017-01-01, before: home, length: {law: fixed, value: 50 days}, places: {hard: 4}}
  old_one:
    length: {law: fixed, value: 50 days}
    closes: {on: 2017-01-01, present: {all: {share: rest, to: home}}, waiting: same, afterwards: home}
cohorts:
  people:
    attributes: {home: {north: 0.5, south: rest}, age: {young: 0.4, old: rest}}
    arrivals:
      rate:
        first: "@coming"
        more: {from: 2017-01-01, value: "2 * @coming"}
        last: {from: 2019-01-01, value: "@coming"}
    enters: door
    present: {there: {at: home, count: 10}}
referrals:
  to_group: {at: {start_of: [north]}, to: group, take_up: 0.2, full: queue, stay: goes_on, from: 2017-01-01}
  over: {at: {start_of: [south]}, to: group, take_up: 0.2, full: queue, stay: goes_on, until: 2017-06-01}
""",
    "study",
).data


def opening_of(study, member=0):
    """Run a study and return (service, home) of everybody who was there when it began."""
    read = read_study(study)
    log = simulate(structure(read).bind(default_theta(read.network)), Luck(1, member))
    rows = np.flatnonzero((log.flags & OPENING) > 0)
    return [(log.legend.services[log.service[row]], dict(log.legend.kinds[log.kind[row]])) for row in rows]


# ------------------------------------------------------------------------------------------- another day to begin on


@pytest.mark.unit
def test_a_study_begun_later_holds_what_was_decided_by_then():
    late = rebased(STUDY, "2018-03-01")
    assert late["time"] == {"start": "2018-03-01", "forecast": "2018-03-01", "end": "2021-03-01"}
    assert "opens" not in late["services"]["group"]
    assert late["services"]["old_one"]["closes"]["on"] == "2018-03-01"
    assert late["services"]["south"]["places"] == {"norm": 9}
    rate = late["cohorts"]["people"]["arrivals"]["rate"]
    assert rate == {"first": "2 * @coming", "last": {"from": "2019-01-01", "value": "@coming"}}
    assert set(late["referrals"]) == {"to_group"}
    assert "from" not in late["referrals"]["to_group"]
    read_study(late)
    assert STUDY["services"]["group"]["opens"] == "2017-01-01"


@pytest.mark.unit
@pytest.mark.parametrize("day", ["2015-12-31", "soon"])
def test_a_day_before_the_study_is_refused(day):
    with pytest.raises(InputError, match="as_of"):
        rebased(STUDY, day)


@pytest.mark.unit
def test_what_if_that_would_have_begun_before_begins_on_the_day_with_all_its_dates():
    data = {
        "title": {"da": "vækst", "en": "growth"},
        "from": "2018-01-01",
        "changes": {
            "cohorts.people.arrivals.rate": {
                "times": {"a": {"from": "2018-01-01", "value": 2}, "b": {"from": "2019-01-01", "value": 2}}
            }
        },
    }
    moved = begun_on(read_scenario(data), "2026-11-28", "2018-01-01")
    steps = moved.changes["cohorts.people.arrivals.rate"]["times"]
    assert moved.from_day == "2026-11-28"
    assert [step["from"] for step in steps.values()] == ["2026-11-28", "2027-11-28"]
    later = read_scenario({**data, "from": "2027-05-01"})
    assert begun_on(later, "2026-11-28", "2018-01-01") == later


@pytest.mark.unit
def test_own_numbers_stand_in_no_file_with_another_date():
    with pytest.raises(InputError, match="cannot stand beside 'as_of'"):
        read_scenario({"title": {"da": "egne", "en": "own"}, "as_of": "2026-11-28", "from": "2018-01-01"})


# ------------------------------------------------------------------------------------------------- what is filled in


@pytest.mark.unit
def test_those_present_have_in_common_what_their_entry_says():
    study = {**STUDY, "cohorts": {"people": {**STUDY["cohorts"]["people"], "present": {
        "a": {"at": "north", "count": 300, "attributes": {"home": "north"}},
    }}}}  # fmt: skip
    there = opening_of(study)
    assert len(there) == 300
    assert {kind["home"] for _, kind in there} == {"north"}
    assert {kind["age"] for _, kind in there} == {"young", "old"}


def own(filled, *, cells=None, starts=None):
    late = rebased(STUDY, "2018-03-01")
    beside = Beside(
        cells=cells or {("north", "people"): 20.0, ("south", "people"): 30.0, ("door", "people"): 1.0},
        alike={("north", "people"): (("home", "north"),)},
        starts=starts or {"north": 100.0, "south": 100.0, "group": 10.0},
        rates={"people": 200 / 365.25},
        opened={("people", "there"): 10.0},
    )
    return late, changes_of(late, beside, filled)


def begun_from(late, changes):
    from crksim.model.changes import apply

    return apply(late, read_scenario({"title": {"da": "egne", "en": "own"}, "as_of": "2018-03-01", "changes": changes}))


@pytest.mark.unit
def test_the_number_today_is_there_on_the_day_and_the_blank_keeps_its_range():
    late, changes = own({"north": OwnNumbers(present=43)})
    present = changes["cohorts.people.present"]
    assert present["north"] == {"at": "north", "count": 43, "attributes": {"home": "north"}}
    assert present["south"]["count"] == "54.788 days * 2 * @coming"
    there = opening_of(begun_from(late, changes))
    assert sum(service == "north" for service, _ in there) == 43
    assert sum(service == "south" for service, _ in there) == 30


@pytest.mark.unit
def test_starts_of_one_unit_scale_its_newcomers_and_leave_those_of_the_other():
    late, changes = own({"north": OwnNumbers(starts=300)})
    assert changes["cohorts.people.arrivals.rate"] == {"times": 2}
    assert changes["cohorts.people.attributes.home"] == {"north": 0.75, "south": "rest"}
    before, after = (read_study(study).network.cohorts[0] for study in (late, begun_from(late, changes)))
    theta = {"coming": 100 / 365.25}
    assert after.arrivals.rate.at(0.0).value(theta) == pytest.approx(2 * before.arrivals.rate.at(0.0).value(theta))


@pytest.mark.unit
def test_starts_after_a_referral_scale_the_rule_that_leads_there():
    late, changes = own({"group": OwnNumbers(starts=15)})
    assert ways_of(late, "group").referrals == ("to_group",)
    assert changes["referrals.to_group.take_up"] == {"times": 1.5}
    assert begun_from(late, changes)["referrals"]["to_group"]["take_up"] == 0.3


@pytest.mark.unit
def test_places_and_posts_are_those_filled_in_and_posts_of_several_kinds_keep_their_proportions():
    _, changes = own({"north": OwnNumbers(staff=6), "group": OwnNumbers(places=7)})
    assert changes["services.group.places.hard"] == 7
    assert changes["services.north.posts.nurse.number"] == 4.5
    assert changes["services.north.posts.doctor.number"] == 1.5


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "lang", "meant"),
    [
        (12, "da", 12.0),
        ("1.234,5", "da", 1234.5),
        ("4,5", "da", 4.5),
        ("1 234", "da", 1234.0),
        ("4.5", "da", None),
        ("1,234.5", "en", 1234.5),
        ("4,5", "en", None),
        ("about 4", "en", None),
        (-1, "en", None),
        (True, "en", None),
        (float("nan"), "en", None),
        (dt.datetime(2026, 1, 1), "da", None),
    ],
)
def test_numbers_are_read_as_they_are_written_in_the_language(value, lang, meant):
    assert to_number(value, lang) == meant


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (dt.datetime(2026, 11, 28), "2026-11-28"),
        ("28-11-2026", "2026-11-28"),
        ("28.11.2026", "2026-11-28"),
        ("2026-11-28", "2026-11-28"),
        ("31-02-2026", None),
        (46000, None),
    ],
)
def test_dates_are_read_as_danes_write_them(value, meant):
    assert to_date(value) == meant


@pytest.mark.unit
def test_every_word_of_the_sheet_is_there_in_both_languages():
    for lang in ("da", "en"):
        assert all(FORM.headings(lang))
        assert len(FORM.help) == 3
    assert set(FORM.headings("da")).isdisjoint(FORM.headings("en"))


# ------------------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    """A blank Danish sheet, as the command writes it."""
    folder = tmp_path_factory.mktemp("sheet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["sheet", "lang=da", "members=2"]) == 0
    return folder / "base_numbers.xlsx"


def filled(sheet, folder, cells, *, act=lambda page: None):
    book = openpyxl.load_workbook(sheet)
    page = book["Tal"]
    for cell, value in {"C3": dt.date(2026, 11, 28), "C4": "Anna", "C5": "28.11.2026", **cells}.items():
        page[cell] = value
    act(page)
    book.save(folder / "mine.xlsx")


def at(sheet, code, column):
    page = openpyxl.load_workbook(sheet)["Tal"]
    row = next(row[0].row for row in page.iter_rows() if row[0].value == code)
    return f"{column}{row}"


@pytest.mark.e2e
def test_the_sheet_is_locked_but_for_its_open_cells_and_says_what_the_model_assumes(sheet):
    book = openpyxl.load_workbook(sheet)
    for page in book:
        assert (page.page_setup.orientation, page.page_setup.fitToHeight) == ("landscape", 0)
        assert page.sheet_properties.pageSetUpPr.fitToPage
    assert book.sheetnames == ["Læs først", "Tal"]
    assert sum(bool(row[0].value) for row in book["Læs først"].iter_rows(min_row=2)) == 3
    page = book["Tal"]
    assert page.protection.sheet
    cell = at(sheet, "hoersholmsgade", "C")
    assert not page[cell].protection.locked
    assert any(cell in rule.sqref for rule in page.data_validations.dataValidation)
    assert "(" in page[at(sheet, "hoersholmsgade", "D")].value
    assert page[at(sheet, "hoersholmsgade", "G")].protection.locked  # no limit in the model


@pytest.mark.e2e
@pytest.mark.slow
def test_a_filled_sheet_becomes_the_day_on_which_both_worlds_begin(sheet, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    unit, group = at(sheet, "hoersholmsgade", "C"), at(sheet, "youth_group_hoersholmsgade", "C")
    filled(sheet, tmp_path, {unit: 140, group: 3, at(sheet, "fhv_intensive", "I"): "0,5"})
    assert main(["sheet", "mine.xlsx", "lang=da", "members=2", "name=mine"]) == 0
    assert "3 af " in capsys.readouterr().out
    case = load_case("mine+youth_groups_3sites")
    assert {study.start for study in case.studies} == {"2026-11-28"}
    assert case.date is None
    for world in case.worlds:
        there = [service for service, _ in opening_of(world.study)]
        assert there.count("hoersholmsgade") == 140
        assert there.count("youth_group_hoersholmsgade") == 3
        assert world.study["services"]["fhv_intensive"]["posts"]["all"]["number"] == 0.5
    monkeypatch.setattr(rundir, "_write_pages", lambda *_: None)  # what is told on the screen is looked at
    words = ["scenario=[mine,youth_groups_3sites]", "members=1", "futures=1", "prior_members=0", "workers=1"]
    assert main([*words, "references=without", "lang=en", "progress=false"]) == 0
    assert "28 November 2026" in capsys.readouterr().out


@pytest.mark.e2e
def test_everything_wrong_is_told_at_once_by_cell(sheet, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cells = {
        "C3": "nu",
        at(sheet, "hoersholmsgade", "C"): "ca. 40",
        at(sheet, "hoersholmsgade", "G"): 10,
        at(sheet, "youth_group_hoersholmsgade", "C"): 9,
        at(sheet, "spaniensgade", "E"): 1.5,
        at(sheet, "norre_voldgade", "C"): "=SUM(1,2)",
        at(sheet, "aftercare", "A"): "aftercar",
    }
    filled(sheet, tmp_path, cells)
    assert main(["sheet", "mine.xlsx", "members=2", "lang=en"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert sorted(line.split(": ")[1].split(" = ")[0] for line in lines) == sorted(cells)
    assert all(line.startswith("mine.xlsx: ") for line in lines)
    assert not (tmp_path / "scenarios").exists()


@pytest.mark.e2e
def test_a_changed_heading_and_merged_cells_are_told(sheet, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    filled(sheet, tmp_path, {"C7": "I dag"}, act=lambda page: page.merge_cells("B15:C15"))
    assert main(["sheet", "mine.xlsx", "lang=da"]) == 2
    told = capsys.readouterr().err
    assert "C7 = 'I dag'" in told
    assert "B15:C15" in told
    (tmp_path / "text.xlsx").write_text("no workbook")
    assert main(["sheet", "text.xlsx", "lang=en"]) == 2
    assert "no Excel workbook" in capsys.readouterr().err
    assert main(["sheet", "txt.xlsx", "lang=en"]) == 2
    assert capsys.readouterr().err.strip() == "workbook = 'txt.xlsx': is not there; did you mean 'text.xlsx'?"


@pytest.mark.e2e
def test_neither_a_sheet_nor_a_scenario_of_somebody_else_is_written_over(sheet, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    filled(sheet, tmp_path, {at(sheet, "hoersholmsgade", "C"): 140})
    (tmp_path / "base_numbers.xlsx").write_bytes(b"mine")
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text("title: mine\n")
    assert main(["sheet", "lang=en", "members=2"]) == 2
    assert main(["sheet", "mine.xlsx", "name=mine", "lang=en"]) == 2
    assert main(["sheet", "mine.xlsx", "name=baseline", "lang=en"]) == 2
    assert (tmp_path / "base_numbers.xlsx").read_bytes() == b"mine"
    assert len(capsys.readouterr().err.splitlines()) == 3
