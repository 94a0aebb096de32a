"""The shipped ensemble beside the report, and that the check can fail."""

from dataclasses import replace

import numpy as np
import pytest

from crksim.analysis import prediction
from crksim.analysis.ensemble import WorldStudy, draw_members
from crksim.analysis.gate import check
from crksim.analysis.pool import open_pool
from crksim.analysis.prediction import predict
from crksim.errors import InputError
from crksim.interface.ensembles import load_ensemble
from crksim.interface.files import data_dir, read_folder
from crksim.interface.validating import Validate, _check_possible, checked_numbers, validate
from crksim.interface.words import read_words_into
from crksim.model.ledger import read_ledger
from crksim.model.network import Label
from crksim.model.study import read_study
from tests.test_network import share_maps

MEMBERS = 60


@pytest.fixture(scope="module")
def shipped():
    sheets = {name: read_folder(data_dir("conf") / name).data for name in ("network", "ledger", "targets")}
    ensemble = load_ensemble("shipped", read_study(sheets["network"]).network)
    numbers = checked_numbers(sheets["targets"])

    def futures(factors=None):
        with open_pool(2) as pool:
            found = predict(
                sheets["network"], sheets["ledger"], [measure for measure, _ in numbers], pool,
                members=MEMBERS, futures=1, seed=2, calibrated=ensemble.members, factors=factors,
            )  # fmt: skip
        return found.futures

    return [number for _, number in numbers], futures


@pytest.mark.unit
def test_twelve_independent_numbers_are_checked_and_none_of_them_was_fitted():
    numbers = checked_numbers(read_folder(data_dir("conf") / "targets").data)
    assert len(numbers) == 12
    nobody = {number.fact for _, number in numbers if number.nobody}
    assert nobody == {"yg_wait", "int_requests_met"}
    assert {number.fact: number.rounded for _, number in numbers if number.rounded} == {
        "youth_drugs_improved_2016": 0.01,
        "youth_alcohol_improved_2016": 0.01,
    }


@pytest.mark.e2e
@pytest.mark.slow
def test_shuffled_numbers_and_a_grossly_wrong_model_fail_and_the_shipped_ensemble_does_not(shipped):
    """The report's numbers given to the wrong facts, and a system with five times the deaths and moves: both fail."""
    numbers, futures = shipped
    found = futures()
    assert found.shape == (MEMBERS, 12)
    assert check(numbers, found, 0.05).passed
    told = [number.reported for number in numbers]
    shuffled = [replace(number, reported=value) for number, value in zip(numbers, np.roll(told, 1), strict=True)]
    assert not check(shuffled, found, 0.05).passed
    wrong = futures({"death_substitution": 5.0, "fhv_transfer_rate": 5.0, "outreach_motivated_rate": 0.1})
    assert not check(numbers, wrong, 0.05).passed


@pytest.mark.e2e
@pytest.mark.slow
def test_a_check_of_the_priors_that_is_cut_off_goes_on_leaves_a_folder_and_says_what_it_is_worth(tmp_path, monkeypatch):
    from contextlib import contextmanager

    lines, seen, stops = [], [], {"at": 7}

    @contextmanager
    def bar(total):
        def told(done, total):
            stops["at"] -= 1
            if stops["at"] == 0:
                raise KeyboardInterrupt

        yield told

    simulated = prediction.simulate
    monkeypatch.setattr(prediction, "simulate", lambda *told, **more: seen.append(1) or simulated(*told, **more))
    words = ["versions=none", "members=20", "futures=1", "wrong=20", "workers=1", f"out={tmp_path}"]
    with pytest.raises(KeyboardInterrupt) as caught:
        validate(words, "da", lines.append, bar)
    # The seventh was not kept yet when it was told of.
    assert str(caught.value) == f"resultater gemt i {tmp_path}/.kept: 6; den samme kommando går videre derfra"
    assert (len(seen), lines.clear()) == (7, None)
    folder = validate(words, "da", lines.append, bar)
    # The versions, once more as those that the wrong models are of, and ten wrong models of them.
    assert len(seen) - 7 == 20 - 6 + 20 + 10 * 20
    assert sorted(path.name for path in folder.iterdir()) == ["gate.json", "predictions.csv"]
    assert lines[0] == "Holder 20 udgaver × 1 fremtider op mod rapporten; 12 kontroltal"
    assert sum(line.startswith("Med vilje forkert model") for line in lines) == 10
    assert any(line.startswith("Kontrollen stopper") for line in lines)


@pytest.mark.unit
def test_settings_of_a_check_are_read():
    given = read_words_into(Validate, ["members=40", "versions=none"], {"members": 20})
    assert (given.members, given.versions, given.futures) == (40, "none", 2)


@pytest.mark.unit
def test_a_wrong_model_that_hardly_exists_is_refused():
    entry = {"factors": {"completed_ceased_drugs": 1.6}}
    _check_possible("no_selection", entry, 10, 20)
    with pytest.raises(InputError) as caught:
        _check_possible("no_selection", entry, 9, 20)
    assert str(caught.value) == (
        "wrong.no_selection.factors = {'completed_ceased_drugs': 1.6}: leaves 9 of 20 versions possible; "
        "in the others shares exceed one"
    )


@pytest.mark.unit
def test_the_shipped_wrong_models_leave_most_versions_possible():
    """A share map has room for what its wrong model asks, in at least nine of ten shipped versions."""
    sheets = {name: read_folder(data_dir("conf") / name).data for name in ("network", "ledger", "calibration")}
    network = read_study(sheets["network"]).network
    members = load_ensemble("shipped", network).members
    world = WorldStudy("baseline", "baseline", Label("", ""), sheets["network"])
    (thetas,) = draw_members([world], [network], read_ledger(sheets["ledger"]), 100, 1, members)
    maps = [shares for shares in share_maps(network) if any(part.parameters for one in shares for _, part in one.steps)]
    for name, entry in sheets["calibration"]["wrong"].items():
        wrong = [{it: value * entry["factors"].get(it, 1.0) for it, value in theta.items()} for theta in thetas]
        possible = [all(sum(share.at(0.0).value(theta) for share in shares) <= 1 for shares in maps) for theta in wrong]
        assert sum(possible) >= 90, name
