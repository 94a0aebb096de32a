"""A what-if taken apart: which changes count as one, which worlds are run, and parts that add up."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from crksim.analysis.attribution import Part, attribution, split, subsets, with_only
from crksim.analysis.comparison import Question
from crksim.interface import cli
from crksim.interface.attributing import take_apart
from crksim.interface.cases import load_case
from crksim.model.network import Label
from crksim.model.scenario_reading import read_scenario
from crksim.output.figures import draw_figures
from crksim.output.finished import Run, read_run
from crksim.output.report.attributed import attributed, leading_attribution
from crksim.output.report.wording import Wording
from tests.make_result import make_result
from tests.measured_study import STUDY

NAMED = Label("mål", "measure")


def scenario(changes, name="it", **more):
    texts = {"title": {"da": name, "en": name}, "question": {"da": "?", "en": "?"}}
    return read_scenario({**texts, "from": "2016-03-01", "changes": changes, **more}, name)


def addresses(changes):
    return [part.addresses for part in split(STUDY, scenario(changes))]


# ------------------------------------------------------------------------------------------------------- what is one


@pytest.mark.unit
def test_every_address_is_a_change_and_what_stands_below_it_goes_with_it():
    like = {"like": "services.club_b", "label": {"da": "C", "en": "C"}, "site": "unit_b", "opens": "2016-03-01"}
    found = addresses(
        {
            "services.club_c": like,
            "services.club_a.places.hard": 6,
            "services.club_c.places.hard": 3,
        }
    )
    assert found == [("services.club_c", "services.club_c.places.hard"), ("services.club_a.places.hard",)]


@pytest.mark.unit
def test_a_change_that_is_not_possible_alone_goes_with_what_makes_it_possible():
    like = {"like": "services.club_b", "label": {"da": "C", "en": "C"}, "site": "unit_b", "opens": "2016-03-01"}
    found = addresses(
        {
            "services.unit_a.ends.no_show.to": "club_c",
            "services.unit_b.places.norm": 9,
            "services.club_c": like,
        }
    )
    assert found == [("services.unit_a.ends.no_show.to", "services.club_c"), ("services.unit_b.places.norm",)]


@pytest.mark.unit
def test_the_same_change_to_several_fields_of_one_service_is_one():
    found = addresses(
        {
            "services.club_a.staff.talks.minutes": 90,
            "services.unit_a.staff.talks.minutes": 90,
            "services.club_a.staff.sessions.minutes": 90,
        }
    )
    assert found == [
        ("services.club_a.staff.talks.minutes", "services.club_a.staff.sessions.minutes"),
        ("services.unit_a.staff.talks.minutes",),
    ]


@pytest.mark.unit
def test_many_addresses_are_split_by_what_they_stand_in():
    few = {f"services.{name}.length.mean": "30 days" for name in ("unit_a", "unit_b", "club_a", "club_b")}
    many = few | {
        f"services.{name}.staff.{task}.minutes": 20
        for name, task in (("unit_a", "talks"), ("club_a", "talks"), ("club_a", "sessions"))
    }
    many |= {"services.club_a.places.workable": 3, "services.unit_b.places.norm": 3, "services.club_a.places.hard": 5}
    assert len(addresses(few)) == 4
    assert [part[0].split(".")[1] for part in addresses(many)] == ["unit_a", "unit_b", "club_a", "club_b"]


@pytest.mark.unit
def test_of_a_combined_what_if_every_scenario_is_one():
    one = scenario({"services.club_a.places.hard": 6}, "one")
    two = scenario({"services.unit_b.places.norm": 9}, "two")
    both = replace(one, id="both", changes={**one.changes, **two.changes}, parts=(one, two, scenario({}, "none")))
    assert [part.addresses for part in split(STUDY, both)] == [("one",), ("two",)]
    assert [part.label.en for part in split(STUDY, both)] == ["one", "two"]
    only = with_only(both, ["two"])
    assert [part.id for part in only.parts] == ["two"]
    assert set(only.changes) == {"services.unit_b.places.norm"}


@pytest.mark.unit
def test_a_change_is_called_by_what_it_says():
    (part,) = split(STUDY, scenario({"services.club_a.places.hard": 6}))
    assert "Club A" in part.label.en
    assert "services." not in part.label.en
    assert "6" in part.label.da


# ----------------------------------------------------------------------------------------------------------- worlds


@pytest.mark.unit
def test_a_few_changes_are_run_in_every_combination_and_many_in_two_orders():
    assert subsets(1) == ()
    assert subsets(2) == ((0,), (1,))
    assert len(subsets(4)) == 14
    six = subsets(6)
    assert {(n,) for n in range(6)} <= set(six)
    assert {tuple(range(n)) for n in range(1, 6)} <= set(six)
    assert {tuple(range(n, 6)) for n in range(1, 6)} <= set(six)
    assert len(six) == len(set(six)) == 14


# ---------------------------------------------------------------------------------------------------------- numbers


def question(measure="m", decides=True):
    return Question(measure, NAMED, NAMED, "flow", 1.0, decides=decides)


def parts(count):
    return [Part(Label(f"p{n + 1}", f"p{n + 1}"), (f"p{n + 1}",)) for n in range(count)]


def found(count, value, members=30, futures=2):
    """Rows of attribution where the value of a combination is `value`, beside luck that all worlds share."""
    luck = np.random.default_rng(1).normal(size=(members, futures, 1))
    chosen = [(), *subsets(count), tuple(range(count))]
    values = {it: luck + value(set(it)) for it in chosen}
    return attribution(parts(count), values, ["m"], [question()])


def told(rows, name):
    return [round(getattr(row, name), 9) for row in rows if row.part == "change"]


@pytest.mark.theory
def test_changes_that_add_up_have_no_interaction_and_one_value_each_whatever_the_order():
    weights = [3.0, -1.0, 2.0]
    rows = found(3, lambda made: sum(weights[n] for n in made))
    for name in ("alone", "in_order", "shared"):
        assert told(rows, name) == weights
    rest = {row.part: row.alone for row in rows}
    assert rest["interaction"] == pytest.approx(0.0, abs=1e-9)
    assert rest["total"] == pytest.approx(4.0)


@pytest.mark.theory
def test_two_that_only_work_together_share_what_they_do():
    rows = found(2, lambda made: 10.0 if made == {0, 1} else 0.0)
    assert told(rows, "alone") == [0.0, 0.0]
    assert told(rows, "in_order") == [0.0, 10.0]
    assert told(rows, "shared") == [5.0, 5.0]
    assert {row.part: row.alone for row in rows}["interaction"] == pytest.approx(10.0)


@pytest.mark.theory
def test_shares_are_the_shapley_values_of_a_known_game():
    """A glove game: the first has the left glove, the others one right glove each; a pair is worth 1."""
    rows = found(3, lambda made: float(0 in made and len(made) > 1))
    assert told(rows, "shared") == [round(2 / 3, 9), round(1 / 6, 9), round(1 / 6, 9)]


@pytest.mark.theory
@pytest.mark.parametrize("count", [2, 3, 4, 5, 7])
def test_steps_and_shares_add_up_to_the_whole(count):
    rng = np.random.default_rng(count)
    worth = {frozenset(it): float(rng.normal()) for size in range(count + 1) for it in combinations(range(count), size)}
    rows = found(count, lambda made: worth[frozenset(made)])
    total = next(row.alone for row in rows if row.part == "total")
    interaction = next(row.alone for row in rows if row.part == "interaction")
    for name in ("in_order", "shared"):
        assert sum(told(rows, name)) == pytest.approx(total)
    assert sum(told(rows, "alone")) + interaction == pytest.approx(total)


@pytest.mark.unit
def test_a_future_in_which_one_world_has_no_value_is_left_out_everywhere():
    luck = np.zeros((30, 2, 1))
    values = {it: luck + len(it) for it in [(), *subsets(2), (0, 1)]}
    values[(0,)] = values[(0,)].copy()
    values[(0,)][:5] = np.nan
    values[(0, 1)] = values[(0, 1)] + np.where(np.arange(30) < 5, 100.0, 0.0)[:, None, None]
    rows = attribution(parts(2), values, ["m"], [question()])
    assert next(row.alone for row in rows if row.part == "total") == 2.0


@pytest.mark.unit
def test_only_what_decides_has_rows():
    values = {it: np.zeros((3, 2, 2)) for it in [(), *subsets(2), (0, 1)]}
    rows = attribution(parts(2), values, ["a", "b"], [question("a", decides=False), question("b")])
    assert {row.measure for row in rows} == {"b"}
    assert [row.part for row in rows] == ["reference", "change", "change", "interaction", "total"]


# ------------------------------------------------------------------------------------------------- from words to folder


@pytest.fixture
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(capsys, *words):
    code = cli.main(words)
    out = capsys.readouterr()
    return code, out.out, out.err.splitlines()


@pytest.mark.unit
def test_the_worlds_of_a_shipped_what_if_hold_some_of_its_changes_each():
    case = load_case("youth_groups_3sites", references=["without"])
    taken = take_apart(case, "en")
    assert taken.places == {(): 0, (0,): 1, (1,): 2, (0, 1): 3}
    groups = [{id for id in world.study["services"] if id.startswith("youth_group_")} for world in taken.worlds]
    old, norre, spaniens = "youth_group_hoersholmsgade", "youth_group_norre_voldgade", "youth_group_spaniensgade"
    assert groups == [{old}, {old, norre}, {old, spaniens}, {old, norre, spaniens}]
    assert [set(world.changes) for world in taken.worlds[1:3]] == [{f"services.{norre}"}, {f"services.{spaniens}"}]
    assert taken.worlds[-1] is case.worlds[-1]


@pytest.mark.e2e
@pytest.mark.slow
def test_a_what_if_is_taken_apart_into_a_folder_with_figure_and_report(in_empty_folder, capsys):
    small = ("members=1", "futures=1", "workers=1", "progress=false", "lang=en")
    code, out, err = typed(capsys, "attribute", "scenario=youth_groups_3sites", *small)
    assert (code, err) == (0, [])
    assert "4 worlds" in out
    assert "all changes together" in out
    (folder,) = (in_empty_folder / "outputs").glob("[!.]*")
    run = read_run(folder)
    assert [world.id for world in run.result.worlds] == ["without", "what_if"]
    rows = leading_attribution(run.result)
    assert [row.part for row in rows] == ["reference", "change", "change", "interaction", "total"]
    lead = next(row for row in run.result.comparison if row.decides)
    assert rows[-1].measure == lead.measure
    assert (rows[0].alone, rows[-1].alone) == (lead.reference, lead.difference)
    assert sum(row.shared for row in rows if row.part == "change") == pytest.approx(lead.difference)
    for lang in ("da", "en"):
        assert (folder / "figures" / f"attribution.{lang}.svg").is_file()
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("Ændring for ændring") == page.count("Change by change") == 1


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("scenario=intensive_20_places",), "scenario = 'intensive_20_places': is made of 1 change"),
        (("scenario=baseline",), "scenario = 'baseline': is made of 0 change"),
        (("-m", "scenario=youth_groups_3sites"), "word = '-m': cannot be used with attribute"),
        (("scenario=vesterbro_sms_and_flexible", "references=sms"), "is compared with vesterbro_sms"),
        (("youth_groups_3sites",), "did you mean 'scenario=youth_groups_3sites'?"),
    ],
)
def test_what_cannot_be_taken_apart_is_told(in_empty_folder, capsys, words, line):
    code, _, err = typed(capsys, "attribute", *words, "lang=en")
    assert code == 2
    assert len(err) == 1
    assert line in err[0]
    assert not (in_empty_folder / "outputs").exists()


@pytest.mark.unit
def test_changes_that_touch_nothing_are_idle_and_left_out_of_the_figure():
    rows = found(3, lambda made: 3.0 * (0 in made) - 1.0 * (2 in made))
    result = replace(make_result(), attribution=rows)
    for words in (Wording("da"), Wording("en")):
        (table,) = attributed(result, words)
        assert [row["idle"] for row in table["rows"]] == [False, True, False, False, False]
        svg = draw_figures(Run(result, {}, {}, (), "", "da", ""), words.lang)["attribution"]
        assert "P1" in svg
        assert "P2" not in svg
        assert "P3" in svg
        assert words.text("attribution_total").capitalize() in svg
