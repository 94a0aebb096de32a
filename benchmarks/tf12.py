"""The reference workload TF12 for every engine alike: read from `workload/tf12.yaml`, and scaled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml

from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

YEAR = 365.0
WARM_UP, HORIZON = YEAR, 6 * YEAR
LEAVE = -1
FILE = Path(__file__).parent / "workload" / "tf12.yaml"


@lru_cache
def study_data(scale=1):
    """The study as plain data, with arrivals and places multiplied by `scale`."""
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    data["time"] = {name: str(day) for name, day in data["time"].items()}
    for cohort in data["cohorts"].values():
        cohort["arrivals"] = f"{scale * float(cohort['arrivals'].split()[0]) / YEAR!r} / day"
    for service in data["services"].values():
        if "places" in service:
            service["places"]["hard"] *= scale
    return data


@dataclass(frozen=True)
class Unit:
    """A unit as a textbook model wants it; `routes` are (unit or LEAVE, share)."""

    name: str
    places: float
    mean: float
    mu: float
    sigma: float
    priorities: dict[str, int] | None
    patience: dict[str, float]
    routes: tuple[list[int], list[float]]

    @property
    def exponential(self):
        return self.sigma == 0.0


@dataclass(frozen=True)
class Inflow:
    """A cohort: its name, newcomers a day, and where they enter."""

    name: str
    rate: float
    entry: tuple[list[int], list[float]]


def _shares(given, places):
    """Destinations and shares, the rest filled in."""
    rest = 1.0 - sum(share for share in given.values() if share != "rest")
    return [places.get(to, LEAVE) for to in given], [rest if share == "rest" else share for share in given.values()]


@lru_cache
def numbers(scale=1):
    """Units and inflows of the workload."""
    data = study_data(scale)
    cohorts, places = list(data["cohorts"]), {name: index for index, name in enumerate(data["services"])}
    units = []
    for name, it in data["services"].items():
        length = it["length"]
        mean = float(length["mean"].split()[0])
        spread = math.log(1.0 + (float(length["sd"].split()[0]) / mean) ** 2) if length["law"] == "lognormal" else 0.0
        levels, patience = None, {}
        if "priority" in it:
            cases = it["priority"]["cases"]
            levels = {cohort: cases.get(cohort, cases["other"])["value"] for cohort in cohorts}
        if "patience" in it:
            days = float(it["patience"]["cases"]["other"]["mean"].split()[0])
            patience = {cohort: days for cohort in cohorts if cohort != "opioid"}
        routes = _shares(it["ends"]["done"]["to"], places)
        hard = it.get("places", {}).get("hard", math.inf)
        units.append(Unit(name, hard, mean, math.log(mean) - spread / 2, math.sqrt(spread), levels, patience, routes))
    inflows = [
        Inflow(name, float(it["arrivals"].split()[0]), _shares(it["enters"], places))
        for name, it in data["cohorts"].items()
    ]
    return units, inflows


@lru_cache
def plan(scale=1):
    """The workload bound for crksim's engine."""
    study = read_study(study_data(scale))
    return structure(study).bind(default_theta(study.network))


def run_crksim(seed, scale=1):
    return simulate(plan(scale), Luck(1, seed))


def metrics_of_log(log):
    """The numbers that must agree, from crksim's log."""
    gave_up = log.end_ == log.legend.ends.index("gave_up")
    left = np.where(np.isnan(log.left), np.inf, log.left)
    start = np.where(np.isnan(log.admitted), np.inf, log.admitted)
    citizens = len(np.unique(log.citizen + (log.cohort.astype(np.int64) << 40)))
    places = {it.name: index for index, it in enumerate(numbers()[0])}
    unit = np.array([places[name] for name in log.legend.services])[log.service]
    return metrics(unit, log.referred, start, left, gave_up, citizens)


def metrics(unit, asked, start, left, gave_up, citizens):
    """Per unit: mean number present and waiting, mean wait, visits done, waits given up; and citizens in all."""
    units, _ = numbers()
    size, span = len(units), HORIZON - WARM_UP
    a, e = np.clip(asked, WARM_UP, HORIZON), np.clip(left, WARM_UP, HORIZON)
    s = np.minimum(np.clip(start, WARM_UP, HORIZON), e)
    waiting = np.bincount(unit, weights=s - a, minlength=size) / span
    present = np.bincount(unit, weights=e - s, minlength=size) / span
    ended = (left <= HORIZON) & (asked >= WARM_UP)
    done, gone = ended & ~gave_up, ended & gave_up
    visits = np.bincount(unit[done], minlength=size)
    wait = np.bincount(unit[done], weights=(start - asked)[done], minlength=size) / np.maximum(visits, 1)
    return np.concatenate([present, waiting, wait, visits, np.bincount(unit[gone], minlength=size), [citizens]])
