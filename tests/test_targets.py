"""The report's numbers as targets of the replay."""

import csv
import math

import pytest

from crksim.analysis.replay import NotReplayed
from crksim.analysis.targets import MARKS, read_not_replayed, read_targets
from crksim.errors import InputError
from crksim.interface.files import data_dir, read_folder
from crksim.model.network import Label
from crksim.model.study import read_study
from crksim.model.vocabulary import parse_measures

LABEL = {"da": "starter", "en": "starts"}
ENTRY = {
    "fact": "starts",
    "measure": "group.starts.count@2017",
    "reported": 19,
    "mark": "predicted",
    "label": LABEL,
    "unit": LABEL,
    "locator": "ch4",
}


@pytest.mark.unit
def test_a_target_takes_its_fields_and_days_count_from_the_start():
    data = {
        "a": ENTRY,
        "b": {**ENTRY, "reported": "24 %", "day": "2016-01-31", "series": "group", "part_of": "a", "note": "n"},
    }
    first, second = read_targets({"facts": data}, "2016-01-01", {"starts"})
    assert (first.fact, first.reported, first.mark, first.label.da, first.part_of) == (
        "starts", 19.0, "predicted", "starter", "",
    )  # fmt: skip
    assert math.isnan(first.day)
    assert (second.reported, second.day, second.series, second.part_of) == (0.24, 30.0, "group", "a")


@pytest.mark.unit
def test_what_shares_people_with_another_fact_stands_behind_it():
    data = {name: {**ENTRY, "measure": name} for name in "abcde"}
    data["a"]["part_of"], data["e"]["part_of"] = "c", "b"
    read = read_targets({"facts": data}, "2016-01-01")
    assert [target.measure for target in read] == ["b", "e", "c", "a", "d"]


@pytest.mark.unit
def test_all_faults_of_all_targets_are_told_at_once():
    data = {
        "a": 3,
        "b": {**ENTRY, "mark": "predict", "fact": "stars", "day_": 1},
        "c": {name: value for name, value in ENTRY.items() if name != "measure"},
        "d": {**ENTRY, "label": "starts", "series": 3},
        "e": {**ENTRY, "reported": "many", "day": "2016-02-31"},
        "f": {**ENTRY, "part_of": "g"},
    }
    with pytest.raises(InputError) as caught:
        read_targets({"facts": data}, "2016-01-01", {"starts"})
    lines = [str(problem) for problem in caught.value.problems]
    assert lines[:7] == [
        "facts.a = 3: must be a map of 'fact', 'measure', 'reported', 'mark' ...",
        "facts.b.day_ = 1: is not a field of a target; did you mean 'day'?",
        "facts.b.mark = 'predict': must be one of put in, fitted, predicted; did you mean 'predicted'?",
        "facts.b.fact = 'stars': is not in the table of facts; did you mean 'starts'?",
        "facts.c.measure = None: must be given",
        "facts.d.series = 3: must be a text",
        "facts.d.label = 'starts': must be a text in both languages: {da: ..., en: ...}",
    ]
    assert [line.split(" = ")[0] for line in lines[7:]] == ["facts.e.reported", "facts.e.day", "facts.f.part_of"]
    with pytest.raises(InputError, match="facts = None: must be a map of targets"):
        read_targets({}, "2016-01-01")


@pytest.mark.unit
def test_a_fact_without_a_row_takes_its_place_and_its_reason():
    reason = {"locator": "kap. 7", "da": "20 på holdet: ikke et flow.", "en": "20 in the gym: not a flow."}
    read = read_not_replayed({"facts": {"a": ENTRY}, "not_replayed": {"gym": reason}}, {"starts", "gym"})
    assert read == (NotReplayed("gym", "kap. 7", Label(reason["da"], reason["en"])),)
    assert read_not_replayed({"facts": {"a": ENTRY}}) == ()


@pytest.mark.unit
def test_all_faults_of_all_reasons_are_told_at_once():
    reason = {"locator": "kap. 7", "da": "20", "en": "20"}
    data = {
        "starts": reason,
        "gim": reason,
        "gym": {"locator": "kap. 7", "da": "20"},
        "food": {**reason, "da": "de\nfleste", "dk": "20"},
        "cafe": "20",
    }
    with pytest.raises(InputError) as caught:
        read_not_replayed({"facts": {"a": ENTRY}, "not_replayed": data}, {"starts", "gym", "food", "cafe"})
    assert [str(problem) for problem in caught.value.problems] == [
        "not_replayed.starts = 'starts': is a fact of the replay: either a row or a reason",
        "not_replayed.gim = 'gim': is not in the table of facts; did you mean 'gym'?",
        "not_replayed.gym.en = None: must be a text of one line",
        "not_replayed.food.dk = '20': is not a field of a reason; did you mean 'da'?",
        "not_replayed.food.da = 'de\\nfleste': must be a text of one line",
        "not_replayed.cafe = '20': must be a map of 'locator', 'da' and 'en'",
    ]
    with pytest.raises(InputError, match="not_replayed = 3: must be a map of facts and their reasons"):
        read_not_replayed({"not_replayed": 3})


@pytest.mark.unit
def test_every_fact_to_be_met_is_replayed_or_has_its_reason():
    """What the report says came of its offers: 122 facts of kind `target`, none of them passed over in silence."""
    with (data_dir("conf") / "targets" / "facts.csv").open(encoding="utf-8") as file:
        kinds = {row["id"]: row["kind"] for row in csv.DictReader(file)}
    assert set(kinds.values()) == {"context", "input", "rule", "target"}
    wanted = {fact for fact, kind in kinds.items() if kind == "target"}
    assert len(wanted) == 122
    data = read_folder(data_dir("conf") / "targets").data
    replayed = {target.fact for target in read_targets(data, "2016-01-01", kinds)}
    told = read_not_replayed(data, kinds)
    assert wanted - replayed - {row.fact for row in told} == set()
    assert {row.fact for row in told} <= wanted
    for row in told:
        assert row.reason.da != row.reason.en
        assert len(row.reason.da) <= 170
        assert row.locator.startswith(("kap. ", "bilag ", "notat "))


@pytest.mark.unit
def test_the_shipped_targets_cite_facts_can_be_measured_and_a_quarter_are_predicted():
    """At least a quarter of the independent numbers stay predicted, so that something is left to be wrong about."""
    with (data_dir("conf") / "targets" / "facts.csv").open(encoding="utf-8") as file:
        facts = {row["id"] for row in csv.DictReader(file)}
    study = read_study(read_folder(data_dir("conf") / "network").data)
    targets = read_targets(read_folder(data_dir("conf") / "targets").data, study.start, facts)
    parse_measures([target.measure for target in targets], study.network)
    services = {service.id for service in study.network.services}
    assert {target.series for target in targets} - {""} <= services
    assert all(math.isfinite(target.day) for target in targets if target.series)
    independent = [target for target in targets if not target.part_of]
    assert sum(target.mark == "predicted" for target in independent) >= len(independent) / 4
    assert {target.mark for target in targets} == set(MARKS)
