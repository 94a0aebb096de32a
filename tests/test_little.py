"""Little's law on the network of the report itself, in its form for a finite window."""

import numpy as np
import pytest

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder
from crksim.model.clock import Window
from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

WINDOW = Window(365.0, 1461.0)


@pytest.fixture(scope="module")
def run():
    study = read_study(read_folder(data_dir("conf") / "network").data)
    theta = default_theta(study.network)
    return Scene.of(study, theta), simulate(structure(study).bind(theta), Luck(5, 0))


@pytest.mark.theory
def test_number_present_is_rate_times_length_in_every_service(run):
    """L T = sum of W over admissions in the window + what those there before spend in it - what runs beyond it.

    Little (1961) for a window whose ends need not be empty: Stidham (1974), "A last word on L = lambda W".  The left
    side is the measure of number present; the right side adds up stay by stay.
    """
    scene, log = run
    start, end = WINDOW.start, WINDOW.end
    found = measure([f"{service}.present.mean" for service in log.legend.services], log, scene, WINDOW)
    compared = 0
    for index, service in enumerate(log.legend.services):
        mine = (log.service == index) & ~np.isnan(log.admitted)
        admitted, left = log.admitted[mine], np.where(np.isnan(log.left[mine]), log.end, log.left[mine])
        inside, before = (admitted >= start) & (admitted < end), (admitted < start) & (left > start)
        rate = inside.sum() / (end - start)
        length = (left - admitted)[inside].mean() if inside.any() else 0.0
        spent_by_those_there = (np.minimum(left, end) - start)[before].sum()
        beyond = np.maximum(left - end, 0.0)[inside].sum()
        expected = rate * length + (spent_by_those_there - beyond) / (end - start)
        assert found[f"{service}.present.mean"] == pytest.approx(expected, rel=1e-9, abs=1e-9), service
        compared += inside.sum() > 10
    assert compared >= 10


@pytest.mark.theory
def test_number_present_counts_arrivals_less_departures(run):
    """The same mean from counts alone, day by day: N(t) = admissions so far - departures so far."""
    scene, log = run
    days = np.arange(WINDOW.start, WINDOW.end, 0.25) + 0.125
    for service in ("door", "hoersholmsgade", "youth_group_hoersholmsgade", "forchhammersvej", "aftercare"):
        mine = (log.service == log.legend.services.index(service)) & ~np.isnan(log.admitted)
        admitted, left = np.sort(log.admitted[mine]), np.sort(log.left[mine & ~np.isnan(log.left)])
        present = np.searchsorted(admitted, days, side="right") - np.searchsorted(left, days, side="right")
        found = measure([f"{service}.present.mean"], log, scene, WINDOW)[f"{service}.present.mean"]
        # Midpoints of quarter days: the error of a step function with n jumps is below n times half a step.
        jumps = ((admitted > WINDOW.start) & (admitted < WINDOW.end)).sum() + (
            (left > WINDOW.start) & (left < WINDOW.end)
        ).sum()
        assert abs(present.mean() - found) < 6.0 * 0.25 * np.sqrt(jumps / 12.0) / (WINDOW.end - WINDOW.start) + 1e-9, (
            service
        )
