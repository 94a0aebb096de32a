"""Print how much of the variance of a difference keyed luck leaves, against independent seeds.

    python scripts/luck_variance.py [--pairs 300] [--seed 1]

For some changes of a small network, the variance of a difference between what-if and reference is taken over pairs that
share their luck and over pairs that do not; the ratio stands with a bootstrap interval (9 in 10, pairs drawn anew).
"""

import argparse
import copy
import time

import numpy as np

from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

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


def main():
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
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
