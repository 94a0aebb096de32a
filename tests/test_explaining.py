"""The explanation of a run: of which question, with which labels, and kept in its folder."""

import math
from dataclasses import replace

import numpy as np
import pytest

from crksim.analysis.explaining import explain, leading_row, parameter_labels
from crksim.analysis.results import Count
from crksim.errors import InputError
from crksim.model.network import Label
from tests.make_result import make_result, make_study

LABELS = parameter_labels(make_study())


@pytest.mark.unit
def test_the_leading_question_is_the_first_that_decides_and_has_an_answer():
    result = make_result()
    assert leading_row(result).measure == "youth_group.starts"
    rows = [replace(row, verdict="model_cannot_answer") if i == 0 else row for i, row in enumerate(result.comparison)]
    assert leading_row(replace(result, comparison=tuple(rows))).measure == "youth_group.wait.mean"
    assert leading_row(replace(result, comparison=())) is None
    assert explain(replace(result, comparison=()), LABELS) is None


@pytest.mark.unit
def test_another_question_is_explained_on_request_and_a_misspelt_one_refused_with_the_nearest():
    result = make_result()
    assert explain(result, LABELS, "youth.ceased").answer.measure == "youth.ceased"
    with pytest.raises(InputError, match=r"did you mean 'youth\.ceased'"):
        explain(result, LABELS, "youth.ceasd")
    # One that is asked about and has no answer.
    assert explain(result, LABELS, "door.wait.over_14") is None


@pytest.mark.unit
def test_parameters_are_called_by_their_labels_and_those_made_of_others_left_out():
    study = {
        "parameters": {
            "a": {"value": 0.5, "label": {"da": "A (da)", "en": "A"}},
            "b_c": {"value": "3 months"},
            "made": {"value": "@a * 2", "label": {"da": "lavet", "en": "made"}},
            "later": {"value": {"first": 1, "then": {"from": "2018-01-01", "value": "@a"}}},
        }
    }
    assert parameter_labels(study) == {
        "a": Label("A (da)", "A"),
        "b_c": Label("b c", "b c"),
        "later": Label("later", "later"),
    }
    assert parameter_labels({}) == {}


@pytest.mark.unit
def test_what_moves_the_effect_is_found_in_a_run():
    found = explain(make_result(members=60), LABELS)
    assert [row.parameter for row in found.parameters if row.stands_out] == ["take_up_own_site"]
    assert found.parameters[0].label == LABELS["take_up_own_site"]
    assert found.answer.adopt
    assert found.answer.members == 60


@pytest.mark.unit
def test_counts_of_today_and_of_a_trial_are_told_apart():
    result = make_result(members=60)
    counts = (
        Count("youth_group.starts", Label("s", "s"), Label("", ""), "count", 12, followed=True),
        Count("youth.ceased", Label("c", "c"), Label("", ""), "count", 12),
        Count("staff.nurse.fte", Label("n", "n"), Label("", ""), "count", 6, followed=True),
    )
    found = explain(replace(result, counts=counts), LABELS)
    assert {(row.count, row.trial) for row in found.counts} == {
        ("youth_group.starts", False), ("youth.ceased", False), ("youth_group.starts", True), ("staff.nurse.fte", True),
    }  # fmt: skip
    assert {row.measure for row in found.follow_up} == {"youth_group.starts", "staff.nurse.fte"}
    assert all(row.question == "youth_group.starts" for row in found.follow_up)


@pytest.mark.unit
def test_a_run_without_parameters_or_with_one_member_explains_what_it_can():
    result = make_result(members=60)
    assert explain(replace(result, theta=()), LABELS).parameters == ()
    one = make_result(members=1)
    found = explain(one, LABELS)
    assert found.parameters == () == found.counts
    assert math.isnan(found.answer.low)


@pytest.mark.unit
def test_the_same_run_is_explained_alike_however_often():
    result = make_result(members=40)
    assert repr(explain(result, LABELS)) == repr(explain(result, LABELS))
    np.testing.assert_equal(make_result(40).worlds[0].values, result.worlds[0].values)
