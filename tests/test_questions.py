"""What a run asks: from the catalogue, from what is touched, and from what the scenario names."""

import pytest

from crksim.analysis.questions import DECIDING, parameters_touched, questions, touched_subjects
from crksim.errors import InputError
from crksim.interface.files import data_dir, read_yaml
from crksim.model.study import read_study

pytestmark = pytest.mark.unit

STUDY = {
    "time": {"start": "2016-01-01", "end": "2018-01-01"},
    "parameters": {"stay": {"value": "3 months"}},
    "attributes": {"home": ["unit", "other"]},
    "services": {
        "unit": {"length": {"law": "exponential", "mean": "@stay"}},
        "other": {"length": {"law": "exponential", "mean": "6 months"}, "places": {"norm": 200}},
        "group_a": {
            "group": "group",
            "length": {"law": "exponential", "mean": "2 months"},
            "places": {"hard": 8, "workable": 4},
        },
    },
    "cohorts": {
        "young": {"attributes": {"home": {"unit": 0.5, "other": "rest"}}, "arrivals": "50 / year", "enters": "home"},
        "old": {"attributes": {"home": "other"}, "arrivals": "50 / year", "enters": "home"},
    },
    "referrals": {
        "rule": {"at": {"start_of": ["unit"]}, "to": {"nearest": "group"}, "take_up": 0.5, "stay": "goes_on"}
    },
}
CATALOGUE = {
    "touched": {
        "starts": {"measure": "starts", "worthwhile": 5, "of": ["service", "group"]},
        "crowded": {"measure": "under_workable", "worthwhile": "10 %", "of": ["service", "group"], "needs": "workable"},
        "norm": {"measure": "overload", "worthwhile": 0.1, "of": ["service", "group"], "needs": "norm"},
        "wait": {"measure": "internal_wait.mean", "worthwhile": "1 week", "of": ["service", "group"], "needs": "queue"},
        "staff": {"measure": "fte", "worthwhile": 0.2, "of": ["service", "group"]},
    },
    "everywhere": {"present": {"measure": "present.mean", "worthwhile": 2, "of": ["service", "all"]}},
}


@pytest.fixture(scope="module")
def network():
    return read_study(STUDY).network


def asked(network, *touched, **more):
    return {question.measure: question for question in questions(CATALOGUE, network, touched, **more)}


@pytest.mark.parametrize(
    ("address", "subjects"),
    [
        ("services.unit.length.mean", ("unit",)),
        ("services.group_a.places.hard", ("group", "group_a")),
        ("referrals.rule.take_up", ("group", "group_a")),
        ("parameters.stay", ("unit",)),
        ("cohorts.young.arrivals.rate", ("group", "group_a", "young")),
        ("cohorts.old.arrivals.rate", ("old",)),
        ("services.gone.places.hard", ()),
    ],
)
def test_what_a_change_touches(network, address, subjects):
    assert touched_subjects([address], STUDY, network) == subjects


def test_what_is_touched_decides_and_only_what_can_be_asked(network):
    found = asked(network, "group", "group_a")
    deciding = [measure for measure, question in found.items() if question.decides]
    assert deciding == [
        "group.starts",
        "group.under_workable",
        "group.internal_wait.mean",
        "group_a.starts",
        "group_a.under_workable",
    ]
    assert len(deciding) == DECIDING
    assert "group.overload" not in found
    assert found["group.internal_wait.mean"].worthwhile == 7.0
    assert found["group.under_workable"].worthwhile == pytest.approx(0.1)
    assert list(found)[:DECIDING] == deciding
    assert {"group.fte", "crk.present.mean", "unit.present.mean"} <= set(found)


def test_of_several_places_that_are_touched_each_has_rows_that_decide(network):
    found = asked(network, "group", "group_a", "other")
    decide = [measure for measure, question in found.items() if question.decides]
    assert len(decide) == DECIDING
    assert {measure.partition(".")[0] for measure in decide} == {"group", "other"}


def test_a_service_behind_one_whose_places_are_held_is_touched_too():
    services = {
        "door": {
            "length": {"law": "fixed", "value": "1 day"},
            "blocking": True,
            "ends": {"in": {"share": 0.9, "to": "unit"}, "out": {"share": "rest", "to": "leave"}},
        },
        **STUDY["services"],
    }
    rule = {**STUDY["referrals"]["rule"], "at": {"start_of": ["other"]}, "to": "door"}
    study = {**STUDY, "services": services, "referrals": {"rule": rule}}
    assert touched_subjects(["referrals.rule.take_up"], study, read_study(study).network) == ("door", "unit")


def test_nothing_touched_asks_about_the_whole(network):
    found = asked(network)
    assert [measure for measure, question in found.items() if question.decides] == ["crk.present.mean"]


def test_what_a_scenario_names_decides_instead(network):
    found = asked(
        network,
        "group",
        first=["unit.starts", "group.wait.p90"],
        worthwhile={"unit.starts": 11.0, "crk.deaths": 3.0},
        cannot_answer=["crk.deaths"],
    )
    assert [measure for measure, question in found.items() if question.decides] == ["unit.starts", "group.wait.p90"]
    assert found["unit.starts"].worthwhile == 11.0
    # Not in the catalogue: a week, as for every duration.
    assert found["group.wait.p90"].worthwhile == 7.0
    assert (found["crk.deaths"].worthwhile, found["crk.deaths"].answerable) == (3.0, False)
    assert found["group.starts"].answerable


def test_unknown_measures_of_a_scenario_are_told_at_once(network):
    with pytest.raises(InputError) as caught:
        asked(network, first=["units.starts"], worthwhile={"unit.startz": 1.0})
    assert {problem.nearest for problem in caught.value.problems} == {"unit", "starts"}


def test_faults_of_the_catalogue_are_told_at_once(network):
    wrong = {
        "touchd": {},
        "touched": {
            "a": {"measure": "starts"},
            "b": {"measure": "starts", "worthwhile": "much", "of": ["servic"], "needs": "hrd", "x": 1},
        },
    }
    with pytest.raises(InputError) as caught:
        questions(wrong, network, ())
    assert [problem.address for problem in caught.value.problems] == [
        "touchd",
        "touched.a",
        "touched.b.x",
        "touched.b.of",
        "touched.b.needs",
        "touched.b.worthwhile",
    ]
    assert [problem.nearest for problem in caught.value.problems][3:5] == ["service", "hard"]


def test_everything_in_the_shipped_catalogue_can_be_asked():
    """An entry that no network can be asked would be dropped in silence: every measure is tried on a rich one."""
    catalogue = read_yaml(data_dir("conf") / "questions.yaml").data
    status = {"done": {"share": 1, "to": "leave", "status": {"ceased": 0.5, "reduced": "rest"}}}
    services = {
        **STUDY["services"],
        "group_a": {
            **STUDY["services"]["group_a"],
            "places": {"hard": 8, "workable": 4},
            "ends": status,
            "posts": {"therapist": {"number": 2}},
            "clinic": {"every": "1 month", "talk": 30, "doctor": "1 / day", "nurse": "1 / day", "no_show": 0.1},
        },
    }
    rich = read_study({**STUDY, "services": services}).network
    touched = ("group", "group_a", "other", "young")
    found = {measure.partition(".")[2] for measure in (q.measure for q in questions(catalogue, rich, touched))}
    wanted = {entry["measure"] for part in catalogue.values() for entry in part.values()}
    assert wanted - found == set()


def test_an_entry_with_each_is_asked_of_every_value_and_only_of_what_is_touched_first(network):
    catalogue = {
        "touched": {
            "starts": {"measure": "starts", "worthwhile": 5, "of": ["service", "group"], "good": "up"},
            "homes": {"measure": "starts", "worthwhile": 2, "of": ["service", "group"], "each": "home"},
        }
    }
    found = {question.measure: question for question in questions(catalogue, network, ("group", "group_a"))}
    assert list(found) == ["group.starts", "group_a.starts", "group[home=other].starts", "group[home=unit].starts"]
    assert [question.good for question in found.values()] == ["up", "up", "none", "none"]
    assert [question.decides for question in found.values()] == [True, True, False, False]
    with pytest.raises(InputError, match="must be one of up, down, none"):
        questions({"touched": {"a": {**catalogue["touched"]["starts"], "good": "left"}}}, network, ())


def test_what_is_touched_rests_on_the_parameters_it_and_its_referrals_name_directly_or_through_others():
    study = {
        "parameters": {"a": {"value": 1}, "b": {"value": "2 * @a"}, "c": {"value": 3}, "d": {"value": 4}},
        "services": {"one": {"group": "ones", "length": {"mean": "@b"}}, "two": {"length": {"mean": "@c"}}},
        "cohorts": {"young": {"arrivals": "@c"}},
        "referrals": {"rule": {"to": {"nearest": "ones"}, "take_up": "0.5 * @d"}},
    }
    names = {"ones": "a b d", "one": "a b", "two": "c", "young": "c", "nothing": ""}
    for subject, expected in names.items():
        assert parameters_touched([subject], study) == tuple(f"parameters.{name}" for name in expected.split())


def test_what_nothing_leads_to_is_not_asked_everywhere_but_may_be_asked_for():
    services = {**STUDY["services"], "named_only": {"length": {"law": "fixed", "value": "1 day"}}}
    network = read_study({**STUDY, "services": services}).network
    catalogue = {"everywhere": {"starts": {"measure": "starts", "worthwhile": 1, "of": ["service"]}}}
    measures = {row.measure for row in questions(catalogue, network, ())}
    assert "group_a.starts" in measures
    assert "named_only.starts" not in measures
    assert "named_only.starts" in {
        row.measure for row in questions(catalogue, network, (), first=["named_only.starts"])
    }
