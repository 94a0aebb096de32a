"""The report beside a run: its facts in the replay, those in no row, and what the check says of the versions."""

from __future__ import annotations

from dataclasses import dataclass

from crksim.model.network import Label

__all__ = ["CHECKS", "Check", "NotReplayed", "ReplayRow"]

#: What a run can say of the check against the report.
CHECKS = ("passed", "failed", "stale", "not_calibrated")


@dataclass(frozen=True)
class Check:
    """What stands behind a run: whether its versions agree with the report, and what that is worth.

    Parameters
    ----------
    status : str
        One of `CHECKS`: stale is an ensemble of another network, or one that was not checked.
    chance : float
        Share of the ensemble's own futures that surprise at least as much as the report; NaN where it was not checked.
    stopped, wrong : int
        How many of the models that are wrong on purpose the check stops in at least half of the cases, and of how many.
    ensemble : str
        Mark of the ensemble, or empty.
    """

    status: str = "not_calibrated"
    chance: float = float("nan")
    stopped: int = 0
    wrong: int = 0
    ensemble: str = ""

    @property
    def valid(self) -> bool:
        """Whether a report may do without the heading that says otherwise."""
        return self.status == "passed"


@dataclass(frozen=True)
class ReplayRow:
    """A fact of the report beside what the replay gives.

    Parameters
    ----------
    fact : str
        Id in the table of facts.
    measure : str
        Output address, with its window.
    reported : float
        The report's number.
    mean : float
        Simulated mean over members and futures.
    low, high : float
        90 % range over them; of a predicted number that of the ensemble's check, where there is one.
    mark : str
        ``put in``, ``fitted`` or ``predicted``.
    series : str
        Service in whose number present it is a point on `day`, or empty.
    part_of : str
        Fact with which it shares people, so that it is none of its own; or empty.
    concerns : str
        Ids of the services, groups and cohorts that it speaks of, parted by blanks.
    """

    fact: str
    label: Label
    unit: Label
    locator: str
    measure: str
    day: float
    reported: float
    mean: float
    low: float
    high: float
    mark: str
    series: str = ""
    part_of: str = ""
    concerns: str = ""


@dataclass(frozen=True)
class NotReplayed:
    """A fact of the report that stands in no row of the replay.

    Parameters
    ----------
    fact : str
        Id in the table of facts.
    locator : str
        Where it stands in the report.
    reason : Label
        What it says, and why a model of flows does not give it; one line.
    """

    fact: str
    locator: str
    reason: Label
