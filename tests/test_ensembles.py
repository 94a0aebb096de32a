"""Which versions a run uses, whether they still are of this network, and what they would have been before."""

import copy
import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from crksim.analysis.comparison import Question, compare
from crksim.analysis.ensemble import WorldStudy, draw_members, network_mark, read_ensemble
from crksim.analysis.prior_column import with_priors
from crksim.analysis.results import World
from crksim.errors import InputError
from crksim.interface.ensembles import (
    GATE,
    PREDICTIONS,
    VARIANTS,
    load_ensemble,
    ranges,
    readings,
    shipped_folder,
    standing,
)
from crksim.interface.files import data_dir, read_folder
from crksim.interface.words import read_words_into
from crksim.model.ledger import read_ledger
from crksim.model.network import Label
from crksim.model.study import read_study
from crksim.output.calibration_files import MANIFEST, MEMBERS, write_table, write_text
from tests.test_replications import LEDGER, STUDY, changed, worlds

LABEL = Label("a", "a")


@pytest.fixture(scope="module")
def network():
    return read_study(read_folder(data_dir("conf") / "network").data).network


@pytest.fixture(scope="module")
def ledger():
    return read_folder(data_dir("conf") / "ledger").data


def kept(folder, *, gate=True, **manifest):
    """A made-up ensemble in a folder, of the network as it is."""
    network = read_folder(data_dir("conf") / "network").data
    told = {
        "network": network_mark(network, read_folder(data_dir("conf") / "ledger").data),
        "frozen": read_folder(data_dir("conf") / "targets").data["frozen"]["mark"],
        "left": {"take_up_own_site": 0.25},
        **manifest,
    }
    write_table(
        folder / MEMBERS,
        [{"member": n, "take_up_own_site": 0.2 + n / 100} for n in range(3)],
        ["member", "take_up_own_site"],
    )
    write_text(folder / MANIFEST, json.dumps(told))
    if gate:
        found = load_ensemble(str(folder), read_study(network).network)
        power = {"a": {"passes": 0.2}, "b": {"passes": 0.9}}
        same = {"ensemble": found.mark, "network": told["network"], "frozen": told["frozen"]}
        write_text(folder / GATE, json.dumps({**same, "passed": True, "chance": 0.4, "power": power}))
    return str(folder)


@pytest.mark.unit
def test_an_ensemble_that_is_of_this_network_and_was_checked_stands(tmp_path, network, ledger):
    which = kept(tmp_path)
    ensemble = load_ensemble(which, network)
    assert [member["take_up_own_site"] for member in ensemble.members] == [0.2, 0.21, 0.22]
    assert ensemble.left == {"take_up_own_site": 0.25}
    check = standing(which, ensemble, ledger)
    assert (check.status, check.chance, check.stopped, check.wrong) == ("passed", 0.4, 1, 2)
    assert check.valid
    assert ranges(which, check) == {}  # nothing beside the check tells


@pytest.mark.unit
def test_a_check_that_stands_gives_the_ranges_of_the_predicted_numbers(tmp_path, network, ledger):
    which = kept(tmp_path)
    told = [("out", "predicted", 3, 8), ("fit", "fitted", 1, 2)]
    rows = [dict(zip(("fact", "mark", "low", "high"), row, strict=True)) for row in told]
    write_table(tmp_path / PREDICTIONS, rows, list(rows[0]))
    check = standing(which, load_ensemble(which, network), ledger)
    assert ranges(which, check) == {"out": (3.0, 8.0)}
    assert ranges(which, replace(check, status="stale")) == {}


@pytest.mark.unit
@pytest.mark.parametrize(
    "broken", [{"network": "0" * 16}, {"frozen": "0" * 16}, {"gate": False}], ids=["network", "frozen", "unchecked"]
)
def test_an_ensemble_of_another_network_or_without_a_check_is_stale(tmp_path, network, ledger, broken):
    which = kept(tmp_path, **broken)
    check = standing(which, load_ensemble(which, network), ledger)
    assert check.status == "stale"
    assert not check.valid


@pytest.mark.unit
def test_an_ensemble_that_failed_says_so_and_none_is_not_calibrated(tmp_path, network, ledger):
    which = kept(tmp_path)
    told = json.loads((tmp_path / GATE).read_text("utf-8"))
    write_text(tmp_path / GATE, json.dumps({**told, "passed": False}))
    assert standing(which, load_ensemble(which, network), ledger).status == "failed"
    assert load_ensemble("none", network) is None
    assert standing("none", None, ledger).status == "not_calibrated"


@pytest.mark.unit
def test_a_mark_hangs_on_numbers_and_not_on_words():
    study, ledger = copy.deepcopy(STUDY), copy.deepcopy(LEDGER)
    first = network_mark(study, ledger)
    study["title"] = {"da": "andet", "en": "other"}
    assert network_mark(study, ledger) == first
    service = next(iter(study["services"].values()))
    service["label"] = {"da": "andet", "en": "other"}
    assert network_mark(study, ledger) == first
    parameter = next(iter(study["parameters"]))
    study["parameters"][parameter]["value"] = "1.5 / day"
    assert network_mark(study, ledger) != first
    ledger[next(iter(ledger))]["low"] = "0.001"
    assert network_mark(STUDY, ledger) != first


@pytest.mark.unit
def test_faults_of_an_ensemble_are_told_in_a_line_each(tmp_path, network):
    with pytest.raises(InputError, match="must be shipped, none, or the folder of a calibration"):
        load_ensemble(str(tmp_path / "nothing"), network)
    rows = [{"member": "0", "take_up_own_sit": "0.2", "group_stay": "long"}]
    with pytest.raises(InputError) as caught:
        read_ensemble(rows, {"network": "x", "left": {}}, network)
    assert [str(problem) for problem in caught.value.problems] == [
        "members.take_up_own_sit = 'take_up_own_sit': is no parameter of the network; did you mean 'take_up_own_site'?",
        "manifest.frozen = None: must be given",
        "members.0.group_stay = 'long': must be a number",
    ]
    with pytest.raises(InputError, match="members = 0: must be at least one"):
        read_ensemble([], {"network": "x", "frozen": "x", "left": {}}, network)


@pytest.mark.unit
def test_what_the_planner_changes_goes_before_what_was_calibrated():
    """A calibrated value holds in the reference; the what-if's own value, or its factor on it, holds there."""
    members = [{"drop_out": 0.1}, {"drop_out": 0.3}]
    what_if = changed(parameters__drop_out__value=0.36)
    networks = [read_study(study).network for study in (STUDY, what_if)]
    ledger = read_ledger(LEDGER)
    for change, expected in ((0.36, [0.36, 0.36]), ({"times": 1.2}, [0.12, 0.36])):
        both = [worlds(what_if)[0], WorldStudy("what_if", "x", LABEL, what_if, {"parameters.drop_out": change})]
        reference, other = draw_members(both, networks, ledger, 2, 1, members)
        assert [theta["drop_out"] for theta in reference] == [0.1, 0.3]
        assert [theta["drop_out"] for theta in other] == pytest.approx(expected)


@pytest.mark.unit
def test_the_shipped_ensemble_is_of_this_network_and_was_checked(network, ledger):
    """What is shipped must not be stale: after a change of the network, `crksim calibrate ship=true` and
    `crksim validate ship=true`."""
    ensemble = load_ensemble("shipped", network)
    assert len(ensemble.members) == 300
    check = standing("shipped", ensemble, ledger)
    assert check.status in ("passed", "failed")
    page = (Path(__file__).parent.parent / "docs" / "validation.md").read_text("utf-8")
    with (shipped_folder() / PREDICTIONS).open(encoding="utf-8") as file:
        own = [row for row in csv.DictReader(file) if row["mark"] == "predicted" and not row["part_of"]]
    told = ranges("shipped", check)
    reported = {row["fact"]: float(row["reported"]) for row in own}
    missed = {fact for fact, number in reported.items() if not told[fact][0] <= number <= told[fact][1]}
    assert missed == {row["fact"] for row in own if row["inside"] != "True"}
    assert missed
    assert all(fact in page for fact in missed)
    with (shipped_folder() / MEMBERS).open(encoding="utf-8") as file:
        assert len({tuple(row.items()) for row in csv.DictReader(file)}) == 300


@pytest.mark.unit
def test_ways_to_build_it_otherwise_are_told_only_of_the_same_ensemble_and_scenario(tmp_path, network, ledger):
    ensemble = replace(load_ensemble("shipped", network), mark="0123")
    names = ("scenario", "variant", "label_da", "label_en", "enough", "measure", "difference", "low", "high")
    rows = [
        ("mine", "base", "Som den er", "As it is", "True", "a.starts", 40.0, 17.0, 60.0),
        ("mine", "other_luck", "Held", "Luck", "True", "a.starts", 60.0, 17.0, 60.0),
        ("mine", "near", "Nær", "Near", "True", "a.starts", 44.0, 17.0, 60.0),
        ("mine", "far", "Fjern", "Far", "True", "a.starts", 30.0, 10.0, 50.0),
        ("mine", "farther", "Fjernere", "Farther", "True", "a.starts", 1.0, 0.0, 2.0),
        ("mine", "few", "Få", "Few", "False", "a.starts", -9.0, 0.0, 2.0),
        ("other", "far", "Fjern", "Far", "True", "a.starts", 30.0, 10.0, 50.0),
    ]
    lines = [",".join((*names, "worthwhile", "ensemble"))]
    lines += [",".join(map(str, (*row, 5.0, "0123"))) for row in rows]
    (tmp_path / VARIANTS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = readings(str(tmp_path), ensemble, "mine")
    assert [(one.label.en, one.difference, one.base) for one in found] == [("Farther", 1.0, 40.0), ("Far", 30.0, 40.0)]
    assert readings(str(tmp_path), replace(ensemble, mark="other"), "mine") == ()
    assert readings(str(tmp_path), ensemble, "another") == ()
    assert readings(str(tmp_path), None, "mine") == ()


@pytest.mark.theory
def test_the_prior_column_takes_the_luck_of_single_futures_out():
    """Expected effects N(5, 2), luck of a single future N(0, 3): the range of one future each would be 1.8 times too
    wide. 400 priors; the tolerance of the ends is four standard errors of a normal 5 % quantile."""
    random = np.random.default_rng(1)

    def world(id, values):
        return World(id, id, LABEL, values[:, :, None])

    def pair(members, futures, mean):
        effect = random.normal(mean, 2.0, (members, 1)) + random.normal(0.0, 3.0, (members, futures))
        zero = np.zeros((members, futures))
        return world("reference", zero), world("what_if", zero + effect)

    question = Question("m", LABEL, LABEL, "flow", 1.0)
    ensemble, priors = pair(2000, 2, 1.0), pair(400, 1, 5.0)
    (row,) = with_priors(compare(ensemble, ["m"], [question]), ["m"], ensemble, priors)
    error = 4 * 2.0 / 0.103 * np.sqrt(0.05 * 0.95 / 400)  # density of the standard normal law at its 5 % point
    assert row.prior_difference == pytest.approx(5.0, abs=4 * np.sqrt(13.0 / 400))
    assert row.prior_low == pytest.approx(5.0 - 1.645 * 2.0, abs=error)
    assert row.prior_high == pytest.approx(5.0 + 1.645 * 2.0, abs=error)
    other = replace(row, against="decided", prior_low=float("nan"))
    assert with_priors([other], ["m"], ensemble, priors) == (other,)


@dataclass(frozen=True)
class Given:
    members: int = 30
    out: Path = Path("outputs")
    name: str = "x"
    ship: bool = False


@pytest.mark.unit
def test_words_are_read_into_settings_and_all_faults_told():
    found = read_words_into(Given, ["members=40", "out=here", "name=y", "ship=true"], {"members": 20})
    assert found == Given(40, Path("here"), "y", True)
    with pytest.raises(InputError) as caught:
        read_words_into(Given, ["member=3", "members=3", "ship=yes", "alone"], {"members": 20})
    assert [str(problem) for problem in caught.value.problems] == [
        "command line: word = 'member=3': is not a setting; did you mean 'members'?",
        "command line: members = '3': must be a whole number of at least 20",
        "command line: ship = 'yes': must be true or false",
        "command line: word = 'alone': is not a setting",
    ]
