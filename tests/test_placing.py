"""One more place: what it gives against Erlang's formula, and that it gives nothing where nothing is ever full."""

import csv
import math

import numpy as np
import pytest

from crksim.analysis.placing import PlaceValue, ever_full, limited, place_questions, place_value, subject_of
from crksim.analysis.replications import WorldStudy, replicate
from crksim.interface import cli
from crksim.interface.placing import _lines
from crksim.model.clock import YEAR, Window
from crksim.model.network import Label
from crksim.model.study import default_theta, read_study
from tests.theory_formulas import erlang_b
from tests.theory_networks import network, queue, run

NAME = Label("Køen", "The queue")
WINDOW = Window(100.0, 2100.0)


def loss(places):
    """A service of so many places that turns away whoever finds it full: 10 a month want in, for 40 days each."""
    service = {
        "label": {"da": "Køen", "en": "The queue"},
        "places": {"hard": places},
        "queue": {"room": 0},
        "length": {"law": "exponential", "mean": "40 days"},
        "ends": {"done": {"share": 1, "to": "leave", "status": {"ceased": 0.5, "unknown": "rest"}}},
    }
    return queue(2100, "120 / year", service)


@pytest.mark.theory
def test_one_more_place_gives_the_starts_that_erlang_b_says():
    worlds = [WorldStudy(str(places), "loss", NAME, loss(places)) for places in (12, 13)]
    questions = [one for one in place_questions(read_study(loss(12)), "queue", 1.0) if "starts" in one.measure]
    measures = [question.measure for question in questions]
    found = replicate(worlds, {}, measures=measures, members=40, futures=2, seed=3, window=WINDOW).worlds
    value = place_value("queue", NAME, 12.0, questions, found[0].values, found[1].values)
    offered = 120.0 / YEAR * 40.0
    theory = 120.0 * (erlang_b(12, offered) - erlang_b(13, offered))
    assert abs(value.rank - theory) < 4 * value.rows[0].error < 0.2 * theory
    assert value.rows[0].verdict == "makes_a_difference"


@pytest.mark.theory
def test_where_nothing_is_ever_full_one_more_place_changes_no_row():
    few, one_more = run(loss(60)), run(loss(61))
    for name, column in few.columns().items():
        np.testing.assert_array_equal(column, one_more.columns()[name], err_msg=name)
    study = read_study(loss(60))
    theta = default_theta(study.network)
    assert ever_full(study, "queue", [theta], np.array([[30.0]]), WINDOW) == (False, 60.0)
    assert ever_full(study, "queue", [theta], np.array([[59.0, 60.0]]), WINDOW) == (True, 60.0)


@pytest.mark.unit
def test_services_are_told_apart_by_their_limits_and_the_span():
    place = {"length": {"law": "fixed", "value": "5 days"}, "ends": {"done": {"share": 1, "to": "leave"}}}
    closes = {
        "on": "2016-02-01",
        "present": {"out": {"share": "rest", "to": "leave"}},
        "waiting": "leave",
        "afterwards": "leave",
    }
    services = {
        "hard": {**place, "places": {"hard": 2}},
        "norm": {**place, "places": {"norm": 2}},
        "open": place,
        "closed": {**place, "places": {"hard": 2}, "closes": closes},
    }
    study = read_study(network(800, services, {"all": {"arrivals": "20 / year", "enters": "hard"}}))
    assert limited(study, default_theta(study.network), WINDOW) == (["hard"], ["norm"])


@pytest.mark.unit
def test_of_services_to_choose_between_the_starts_of_the_group_count():
    place = {
        "length": {"law": "fixed", "value": "5 days"},
        "places": {"hard": 2},
        "ends": {"done": {"share": 1, "to": "leave"}},
    }
    services = {"a": {**place, "group": "groups"}, "b": {**place, "group": "groups"}, "c": place}
    study = read_study(network(800, services, {"all": {"arrivals": "20 / year", "enters": "c"}}))
    assert [subject_of(study, service) for service in "abc"] == ["groups", "groups", "c"]


@pytest.mark.unit
@pytest.mark.parametrize(("lang", "said"), [("da", "aldrig fuldt optaget"), ("en", "never full in any future")])
def test_what_is_never_full_and_what_is_a_norm_is_said_to_be_so(lang, said):
    idle = PlaceValue("queue", NAME, 8.0, False)
    lines = _lines([idle], [Label("Normen", "The norm")], lang)
    assert said in lines[0]
    assert len(lines) == 2
    assert math.isclose(idle.rank, 0.0)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("worthwhile=0", "must be a whole number of at least 1"),
        ("worth=2", "worthwhile"),
        ("members=x", "whole number"),
    ],
)
def test_faults_are_told_in_a_line(capsys, word, said):
    assert cli.main(["one_more_place", word, "lang=en"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.e2e
@pytest.mark.slow
def test_the_places_of_crk_are_ranked(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("members=2", "futures=1", "workers=1", "progress=false", "lang=en")
    assert cli.main(["one_more_place", *words]) == 0
    out = capsys.readouterr().out
    assert "1. Youth group, Hørsholmsgade (8 places)" in " ".join(out.split())
    (folder,) = (tmp_path / "outputs").glob("one_more_place_baseline_*")
    with (folder / "places.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    starts = [float(row["difference"]) for row in rows if row["measure"].endswith(".starts")]
    assert starts == sorted(starts, reverse=True)
    assert {row["service"] for row in rows} == {"youth_group_hoersholmsgade", "enghavevej", "fhv_intensive"}
