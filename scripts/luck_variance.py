"""Print how much of the variance of a difference keyed luck leaves, against independent seeds.

    python scripts/luck_variance.py [--pairs 300] [--seed 1]
    python scripts/luck_variance.py --scenarios [--pairs 12] [--seed 1] [--write docs/statistics.md] [NAME ...]

With --scenarios, the same for the first question of every shipped scenario against its main reference, at the first
version of the ensemble, so that only luck varies. With independent seeds the variance of a difference is the sum of the
variances of both worlds, which the pairs hold, so nothing else has to run. Names restrict it to these; a page keeps its
other rows.

Else, for some changes of a small network, the variance of a difference between what-if and reference is taken over
pairs that share their luck and over pairs that do not; the ratio stands with a bootstrap interval (9 in 10, pairs drawn
anew).
"""

import argparse
import copy
import json
import time
from functools import cache
from pathlib import Path

import numpy as np

from crksim.analysis.ensemble import draw_members
from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.cases import load_case
from crksim.interface.ensembles import load_ensemble
from crksim.interface.files import data_dir
from crksim.model.clock import Window
from crksim.model.ledger import read_ledger
from crksim.model.study import default_theta, read_study
from crksim.model.vocabulary import parse_measure
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.sharing import merged, touched_cohorts

#: The second year is measured; the network is in its steady state by then.
WINDOW = (366.0, 731.0)
NETWORK = {
    "time": {"start": "2016-01-01", "end": "2018-01-01"},
    "attributes": {"age": ["young", "older"], "home": ["north", "south"]},
    "services": {
        name: {
            "length": {"law": "gamma", "mean": "120 days", "shape": 1.5},
            "ends": {
                "done": {"share": "rest", "to": {"aftercare": 0.4, "leave": "rest"}},
                "dropped_out": {"share": 0.3, "length": {"law": "exponential", "mean": "40 days"}, "to": "leave"},
            },
        }
        for name in ("north", "south")
    }
    | {
        "group": {
            "site": "north",
            "group": "groups",
            "luck_key": "group",
            "places": {"hard": 8},
            "patience": {"law": "exponential", "mean": "90 days"},
            "length": {"law": "gamma", "mean": "85 days", "shape": 2},
            "ends": {"done": {"share": 1, "to": "origin"}},
        },
        "aftercare": {
            "places": {"hard": 14},
            "length": {"law": "exponential", "mean": "60 days"},
            "ends": {
                "done": {"share": "rest", "to": "leave"},
                "relapse": {"share": 0.2, "length": {"law": "exponential", "mean": "30 days"}, "to": "home"},
            },
        },
    },
    "cohorts": {
        "citizens": {
            "attributes": {"age": {"young": 0.4, "older": "rest"}, "home": {"north": 0.6, "south": "rest"}},
            "arrivals": "200 / year",
            "enters": "home",
            "present": {"caseload": {"at": "home", "count": 50, "lengths": "residual"}},
        }
    },
    "referrals": {
        "to_group": {
            "at": {"start_of": ["north", "south"]},
            "when": {"age": "young"},
            "to": {"nearest": "groups"},
            "take_up": {"own_site": 0.6, "other_site": 0.2},
            "stay": "goes_on",
        }
    },
}


def inserted_visit():
    """Half of those who come are assessed first, by a service that the reference does not have."""
    changed = copy.deepcopy(NETWORK)
    changed["services"]["assessment"] = {
        "length": {"law": "fixed", "value": "5 days"},
        "ends": {"done": {"share": 1, "to": "home"}},
    }
    changed["cohorts"]["citizens"]["enters"] = {"assessment": 0.5, "home": "rest"}
    return changed


def one_more_place():
    """The group has nine places instead of eight."""
    changed = copy.deepcopy(NETWORK)
    changed["services"]["group"]["places"] = {"hard": 9}
    return changed


def more_arrivals():
    """A tenth more citizens come."""
    changed = copy.deepcopy(NETWORK)
    changed["cohorts"]["citizens"]["arrivals"] = "220 / year"
    return changed


def second_site():
    """A second group of eight places opens at the other site."""
    changed = copy.deepcopy(NETWORK)
    changed["services"]["second_group"] = changed["services"]["group"] | {"site": "south"}
    return changed


CHANGES = {
    "an inserted visit": inserted_visit,
    "one more place": one_more_place,
    "a tenth more arrivals": more_arrivals,
    "a second site": second_site,
}
MEASURES = ("number in treatment", "number in groups", "waiting for a group", "starts in aftercare")


def plan_of(data):
    """Return the plan of a study given as a plain dict."""
    study = read_study(data)
    return structure(study).bind(default_theta(study.network))


def _mean_open(start, stop, mine):
    low, high = WINDOW
    begun = mine & ~np.isnan(start)
    stop = np.where(np.isnan(stop), high, stop)[begun]
    return float(np.maximum(np.minimum(stop, high) - np.maximum(start[begun], low), 0.0).sum() / (high - low))


def measured(plan, seed, replication):
    """Return the measures of one run: mean numbers present and waiting, and starts a year in aftercare.

    Returns
    -------
    list of float
        Mean number in all treatment but the assessment; mean number in groups; mean number waiting for a group; starts
        in aftercare in the window.
    """
    log = simulate(plan, Luck(seed, replication))
    names = np.array(log.legend.services)[log.service]
    group, aftercare = np.char.endswith(names, "group"), names == "aftercare"
    waited = np.where(np.isnan(log.admitted), log.left, log.admitted)
    starts = aftercare & (log.admitted >= WINDOW[0]) & (log.admitted < WINDOW[1])
    return [
        _mean_open(log.admitted, log.left, names != "assessment"),
        _mean_open(log.admitted, log.left, group),
        _mean_open(log.referred, waited, group),
        float(starts.sum()),
    ]


def differences(change, pairs, seed):
    """Return differences what-if minus reference on common luck and on independent luck.

    Parameters
    ----------
    change : callable
        Returns the what-if.
    pairs : int
        Number of pairs.
    seed : int
        Seed of the common luck; the independent what-if has the next one.

    Returns
    -------
    tuple of ndarray of float, shape (pairs, measures)
        Paired, independent.
    """
    reference, changed = plan_of(NETWORK), plan_of(change())
    base = np.array([measured(reference, seed, number) for number in range(pairs)])
    paired = np.array([measured(changed, seed, number) for number in range(pairs)])
    other = np.array([measured(changed, seed + 1, number) for number in range(pairs)])
    return paired - base, other - base


def ratios(paired, independent, draws=2000):
    """Return var(paired) / var(independent) per measure with a bootstrap interval, shape (3, measures)."""
    generator = np.random.default_rng(1)
    which = generator.integers(len(paired), size=(2, draws, len(paired)))
    spread = paired[which[0]].var(axis=1, ddof=1) / independent[which[1]].var(axis=1, ddof=1)
    point = paired.var(axis=0, ddof=1) / independent.var(axis=0, ddof=1)
    return np.stack([point, *np.quantile(spread, [0.05, 0.95], axis=0)])


# --- every shipped scenario ------------------------------------------------------------------------------------------

#: Between these lines of the page stands the table.
BEGIN, END = "<!-- luck by scenario: begin -->", "<!-- luck by scenario: end -->"
#: Reference as text -> its logs: most scenarios have the same.
_KNOWN = {}


@cache
def versions():
    """Return the shipped ensemble."""
    return load_ensemble("shipped", load_case("baseline").studies[0].network)


def pairs_of(name, pairs, seed):
    """Return the first question of a scenario, and its values in reference and what-if, shape (2, pairs).

    Parameters
    ----------
    name : str
        Name of the scenario.
    pairs : int
        Number of pairs.
    seed : int
        Seed of the luck.
    """
    case = load_case(name)
    worlds, studies = (case.worlds[0], case.worlds[-1]), (case.studies[0], case.study)
    networks = [study.network for study in studies]
    members = versions().members[:1]
    thetas = [own[0] for own in draw_members(worlds, networks, read_ledger(case.ledger), 1, seed, members)]
    text = json.dumps([worlds[0].study, sorted(thetas[0].items())], sort_keys=True, default=str)
    if text not in _KNOWN:
        while len(_KNOWN) > 1:  # the first is the baseline, which most have
            _KNOWN.popitem()
        made = structure(studies[0])
        plan = made.bind(thetas[0])
        _KNOWN[text] = made, [simulate(plan, Luck(seed, number)) for number in range(pairs)]
    made, logs = _KNOWN[text]
    changed = structure(studies[1])
    plan, touched = changed.bind(thetas[1]), touched_cohorts(made, changed, thetas[0], thetas[1])
    scenes = [Scene.of(study, theta) for study, theta in zip(studies, thetas, strict=True)]
    window, address = Window(case.begins, case.study.end), parse_measure(case.questions[0].measure, networks[1])
    found = np.empty((2, pairs))
    for number, log in enumerate(logs):
        luck = Luck(seed, number)
        other = merged(simulate(plan, luck, cohorts=touched), log, touched)
        for world, (scene, rows) in enumerate(zip(scenes, (log, other), strict=True)):
            found[world, number] = measure([address], rows, scene, window, luck)[address.text]
    return case.questions[0], found


def left_of(found, draws=2000):
    """Return var(difference) / (var(reference) + var(what-if)) with a bootstrap interval, and the pairs it is of.

    Parameters
    ----------
    found : ndarray of float, shape (2, pairs)
        Reference and what-if; pairs without a value in one of them are left out.
    draws : int
        Bootstrap draws of pairs.
    """
    found = found[:, np.isfinite(found).all(axis=0)]
    size = found.shape[1]
    if size < 3 or found.var(axis=1).sum() == 0.0:
        return np.full(3, np.nan), size

    def ratio(values):
        apart = values.var(axis=-1, ddof=1).sum(axis=0)
        return (values[1] - values[0]).var(axis=-1, ddof=1) / np.where(apart > 0.0, apart, np.nan)

    which = np.random.default_rng(1).integers(size, size=(draws, size))
    ends = np.nanquantile(ratio(found[:, which]), [0.05, 0.95])
    return np.array([ratio(found), *ends]), size


def row_of(name, pairs, seed):
    """Return the row of a scenario in Markdown."""
    question, found = pairs_of(name, pairs, seed)
    (point, low, high), size = left_of(found)
    cell = "nothing varies" if np.isnan(point) else f"{point:.3f} ({low:.3f}–{high:.3f})"
    return f"| `{name}` | {question.label.en} | {cell} | {size} |"


def table_of(rows, shipped, seed):
    """Return the table of the scenarios that were measured, and the names of those that were not.

    Parameters
    ----------
    rows : dict
        Scenario -> row.
    shipped : sequence of str
        Names of all scenarios.
    seed : int
        Seed of the luck.
    """
    lines = ["| scenario | first question | left of the variance | pairs |", "|---|---|---|---|"]
    lines += [rows[name] for name in shipped if name in rows]
    missing = ", ".join(f"`{name}`" for name in shipped if name not in rows)
    told = f"Version 0 of the ensemble, seed {seed}." + (f" Not measured yet: {missing}." if missing else "")
    return "\n".join([*lines, "", told])


def rows_in(page):
    """Return the rows that stand on a page: scenario -> row."""
    table = page.read_text("utf-8").split(BEGIN)[1].split(END)[0]
    return {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}


def write_into(page, table):
    """Put the table between its two lines of a page."""
    before, rest = page.read_text("utf-8").split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8", newline="\n")


def measure_scenarios(names, settings, shipped):
    """Measure scenarios one by one; on a page, every row is there as soon as it is known, beside those of before."""
    rows = {}
    for name in names or shipped:
        rows[name] = row_of(name, settings.pairs or 12, settings.seed)
        if settings.write:
            write_into(settings.write, table_of(rows_in(settings.write) | rows, shipped, settings.seed))
    if not settings.write:
        print(table_of(rows, shipped, settings.seed))


def main():
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenarios", action="store_true")
    parser.add_argument("--write", type=Path)
    parser.add_argument("names", nargs="*")
    settings = parser.parse_args()
    if settings.scenarios:
        shipped = sorted(path.stem for path in data_dir("scenarios").glob("*.yaml"))
        measure_scenarios(settings.names, settings, [name for name in shipped if name != "baseline"])
        return
    settings.pairs = settings.pairs or 300
    begun = time.perf_counter()
    print("| change | " + " | ".join(MEASURES) + " |")
    print("|---|" + "---|" * len(MEASURES))
    for name, change in CHANGES.items():
        found = ratios(*differences(change, settings.pairs, settings.seed))
        cells = " | ".join(f"{point:.3f} ({low:.3f}–{high:.3f})" for point, low, high in found.T)
        print(f"| {name} | {cells} |")
    print(f"\n{settings.pairs} pairs each, seed {settings.seed}, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
