"""Textbook networks in the grammar of a study, runs of them, and what is read off the log.

Standard errors come from batch means over windows of one long run, or from independent replications.  A check passes
when theory lies within `WITHIN` standard errors; the seeds are fixed, so it passes always or never.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure

#: Standard errors within which theory must lie.
WITHIN = 4.0
START = "2016-01-01"


def end_after(days):
    """Return the ISO date a whole number of days after the start."""
    return str(np.datetime64(START) + int(days))


def network(days, services, cohorts, **more):
    """Return the plain dict of a study that runs for some days."""
    return {"time": {"start": START, "end": end_after(days)}, "services": services, "cohorts": cohorts, **more}


def queue(days, arrivals, service, **cohort):
    """Return a study with one cohort that enters one service, called ``queue``."""
    return network(days, {"queue": service}, {"all": {"arrivals": arrivals, "enters": "queue", **cohort}})


def run(data, seed=1, replication=0):
    """Run a study given as a plain dict and return its log."""
    study = read_study(data)
    plan = structure(study).bind(default_theta(study.network))
    return simulate(plan, Luck(seed, replication))


class Rows:
    """The rows of some services (or of one, by id) in a log.

    Parameters
    ----------
    log : StayLog
        As a run made it.
    service : str or None
        Id; None for all.
    cohort : str or None
        Id; None for all.
    """

    def __init__(self, log, service=None, cohort=None):
        mine = np.ones(len(log), bool)
        if service is not None:
            mine &= log.service == log.legend.services.index(service)
        if cohort is not None:
            mine &= log.cohort == log.legend.cohorts.index(cohort)
        self.log, self.end = log, log.end
        self.referred, self.admitted, self.left = log.referred[mine], log.admitted[mine], log.left[mine]
        self.reason = np.array([*log.legend.ends, ""])[log.end_[mine]]
        self.citizen = log.citizen[mine]

    def present(self, low, high):
        """Return the mean number admitted and not yet left between two days."""
        return time_average(self.admitted, self.left, low, high, self.end)

    def waiting(self, low, high):
        """Return the mean number who wait between two days."""
        until = np.where(np.isnan(self.admitted), self.left, self.admitted)
        return time_average(self.referred, until, low, high, self.end)

    def at(self, day):
        """Return the number present on a day."""
        left = np.where(np.isnan(self.left), math.inf, self.left)
        return int(np.sum((self.admitted <= day) & (left > day)))

    def waits(self, low, high):
        """Return the waits of those referred between two days who were admitted."""
        mine = (self.referred >= low) & (self.referred < high) & ~np.isnan(self.admitted)
        return (self.admitted - self.referred)[mine]

    def share(self, reason, low, high):
        """Return the share of requests between two days that closed with a reason."""
        mine = (self.referred >= low) & (self.referred < high)
        return float(np.mean(self.reason[mine] == reason))


def time_average(start, stop, low, high, end):
    """Return the mean number of open intervals between two days; NaN as start is never, as stop is not yet."""
    begun = ~np.isnan(start)
    stop = np.where(np.isnan(stop), end, stop)[begun]
    inside = np.minimum(stop, high) - np.maximum(start[begun], low)
    return float(np.sum(np.maximum(inside, 0.0)) / (high - low))


def batches(measure, low, high, count=20):
    """Return mean and standard error of a measure over equal windows: the method of batch means."""
    edges = np.linspace(low, high, count + 1)
    values = np.array([measure(a, b) for a, b in itertools.pairwise(edges)])
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(count))


def agrees(found, theory, precision=0.1):
    """Assert that (mean, standard error) agrees with theory, and that the error is small enough to mean something.

    Parameters
    ----------
    found : tuple of float
        Mean and standard error.
    theory : float
        The formula's value.
    precision : float
        Largest standard error, as a share of the theory's value.
    """
    mean, error = found
    assert 0.0 < error <= precision * abs(theory), f"standard error {error:.3g} of {theory:.4g} is too large to tell"
    assert abs(mean - theory) <= WITHIN * error, f"found {mean:.5g} ± {error:.2g}, theory says {theory:.5g}"
