"""The statistics of a quantity: words, units and kinds, and nothing of how they are worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crksim.model.network import Label

__all__ = ["CITIZENS", "DAYS", "HOURS", "SHARE", "STATISTICS", "YEARLY", "Statistic"]

#: Units.
YEARLY, SHARE, _NUMBER = Label("om året", "per year"), Label("andel", "share"), Label("antal", "number")
CITIZENS, DAYS = Label("borgere", "citizens"), Label("dage", "days")
HOURS = Label("timer om året", "hours per year")


@dataclass(frozen=True)
class Statistic:
    """A statistic of a quantity.

    Parameters
    ----------
    label : Label
        What follows the quantity's label, with its comma or space; ``N`` stands for the number in the name.
    unit : Label or None
        None takes the quantity's.
    kind : str
        ``stock``, ``flow`` (always per year), ``duration``, ``share``, ``count``; empty takes the quantity's.
    """

    label: Label
    unit: Label | None = None
    kind: str = ""


#: By name; ``N`` stands for a number.
STATISTICS: Mapping[str, Statistic] = {
    "per_year": Statistic(Label(" om året", " per year"), YEARLY, "flow"),
    "count": Statistic(Label(" i alt", " in all"), _NUMBER, "count"),
    "share": Statistic(Label(", andel", ", share"), SHARE, "share"),
    "level": Statistic(Label("", "")),
    "mean": Statistic(Label(", gennemsnit", ", mean")),
    "p10": Statistic(Label(", 10-percentil", ", 10th percentile")),
    "p50": Statistic(Label(", median", ", median")),
    "p90": Statistic(Label(", 90-percentil", ", 90th percentile")),
    "max": Statistic(Label(", højst", ", most")),
    "at_least_N": Statistic(Label(", andel af tiden med mindst N", ", share of time with at least N"), SHARE, "share"),
    "below_N": Statistic(Label(", andel af tiden med under N", ", share of time with fewer than N"), SHARE, "share"),
    "share_beyond_Nd": Statistic(Label(", andel over N dage", ", share beyond N days"), SHARE, "share"),
    "share_within_Nd": Statistic(Label(", andel inden for N dage", ", share within N days"), SHARE, "share"),
    "share_next_day": Statistic(
        Label(", andel samme eller næste dag", ", share on the same or the next day"), SHARE, "share"
    ),
    "share_within_limit": Statistic(
        Label(", andel inden for lovens frist", ", share within the legal limit"), SHARE, "share"
    ),
    "breaches": Statistic(
        Label(", overskridelser af lovens frist om året", ", breaches of the legal limit per year"), YEARLY, "flow"
    ),
    "still_waiting": Statistic(Label(", venter stadig til sidst", ", still waiting at the end"), CITIZENS, "stock"),
    "share_N": Statistic(
        Label(" om året, hvis N % af forskellen skyldes tilbuddet", " per year, if N % of the gap is causal"),
        YEARLY,
        "flow",
    ),
    "share_of_months": Statistic(
        Label(", andel af måneder med en samtale", ", share of months with a talk"), SHARE, "share"
    ),
    "missed_share": Statistic(Label(", andel udeblevet", ", share missed"), SHARE, "share"),
    "overdue": Statistic(
        Label(", forsinkede borgere ad gangen", ", citizens overdue at a time"),
        CITIZENS,
        "stock",
    ),
    "third_misses": Statistic(
        Label(", udeblevet tredje gang i træk, om året", ", third miss in a row, per year"), YEARLY, "flow"
    ),
    "slot_wait": Statistic(
        Label(", dage fra ønsket tid til næste ledige", ", days from the time wished for to the next free one"),
        DAYS,
        "duration",
    ),
    "hours_doctor": Statistic(Label(", lægens timer om året", ", doctor's hours per year"), HOURS, "flow"),
    "hours_nurse": Statistic(
        Label(" og indkald, sygeplejerskens timer om året", " and call-ins, nurse's hours per year"),
        HOURS,
        "flow",
    ),
    "load_doctor": Statistic(
        Label(", andel af lægens tid med borgere", ", share of the doctor's time with citizens"), SHARE, "share"
    ),
    "load_nurse": Statistic(
        Label(
            " og indkald, andel af sygeplejerskens tid med borgere",
            " and call-ins, share of the nurse's time with citizens",
        ),
        SHARE,
        "share",
    ),
    "visits": Statistic(Label(", fremmøder om året", ", visits per year"), YEARLY, "flow"),
    "restarts": Statistic(
        Label(", begyndt forfra efter en udeblivelse, om året", ", begun again after a missed day, per year"),
        YEARLY,
        "flow",
    ),
    "hours": Statistic(Label(", timer til observation om året", ", hours of observation per year"), HOURS, "flow"),
    "delay": Statistic(
        Label(", dage fra indkald skulle ske til det er gennemført", ", days from due to gone through"),
        DAYS,
        "duration",
    ),
}
