"""The quantities that can be measured: words, units, kinds and statistics, and nothing of how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crksim.model.network import Label
from crksim.model.statistics import CITIZENS, DAYS, HOURS, SHARE, YEARLY

__all__ = ["FAVOURABLE", "QUANTITIES", "UNMET_CAUSES", "QuantityType"]


@dataclass(frozen=True)
class QuantityType:
    """A quantity that can be measured.

    Parameters
    ----------
    label : Label
        What a planner reads; ``{}`` stands for the name that the quantity takes.
    unit : Label
        Unit where the statistic has none of its own.
    kind : str
        ``stock``, ``flow``, ``duration``, ``share`` or ``count``.
    statistics : tuple of str
        Names in `STATISTICS`, the default first.
    argument : str
        What name it takes: empty, ``destination``, ``origin``, ``home``, ``end``, ``status``, ``date``, ``attribute``
        (with its value), or one that may be left out: ``cause``, ``staff``.
    subjects : frozenset of str
        Kinds of subjects it is defined for.
    filtered : bool
        Whether kinds of citizens can be picked.
    """

    id: str
    label: Label
    unit: Label
    kind: str
    statistics: tuple[str, ...]
    argument: str = ""
    subjects: frozenset[str] = frozenset({"service", "group", "cohort", "all"})
    filtered: bool = True

    @property
    def default(self) -> str:
        """Statistic that an address without one means; the whole gap where it is a share of the gap."""
        return self.statistics[0].replace("N", "100")


_PLACES = frozenset({"service", "group"})
_SERVICES = frozenset({"service", "group", "all"})
_CITIZEN = frozenset({"cohort", "all"})


_FLOW = ("per_year", "count")
_WAIT = ("mean", "p50", "p90", "share_beyond_Nd", "share_within_Nd")
_PRESENT = ("mean", "p10", "p50", "p90", "max", "at_least_N", "below_N")


def _flow(name: str, da: str, en: str, argument: str = "", statistics: tuple[str, ...] = _FLOW) -> QuantityType:
    return QuantityType(name, Label(da, en), YEARLY, "flow", statistics, argument)


def _wait(name: str, da: str, en: str) -> QuantityType:
    return QuantityType(name, Label(da, en), DAYS, "duration", _WAIT)


def _of_places(name: str, da: str, en: str) -> QuantityType:
    return QuantityType(name, Label(da, en), SHARE, "share", ("level",), subjects=_PLACES, filtered=False)


def _staff(name: str, label: Label, unit: Label, kind: str) -> QuantityType:
    return QuantityType(name, label, unit, kind, ("level",), "staff", _SERVICES, filtered=False)


_ALL_QUANTITIES = (
    _flow("starts", "påbegyndte forløb", "starts"),
    _flow("requests", "henvendelser og henvisninger", "requests and referrals"),
    QuantityType(
        "enrolled",
        Label("forskellige borgere indskrevet i perioden", "different citizens enrolled in the period"),
        CITIZENS,
        "count",
        ("count",),
    ),
    QuantityType("present", Label("indskrevne ad gangen", "number present"), CITIZENS, "stock", _PRESENT),
    QuantityType("waiting", Label("ventende ad gangen", "number waiting"), CITIZENS, "stock", ("mean", "max")),
    QuantityType(
        "places",
        Label("pladser", "places"),
        Label("pladser", "places"),
        "stock",
        ("mean",),
        subjects=_PLACES,
        filtered=False,
    ),
    _of_places("occupancy", "udnyttelse af pladser", "occupancy"),
    _of_places(
        "overload", "andel af tiden med flere borgere end normeret", "share of time with more citizens than the norm"
    ),
    _of_places(
        "under_workable",
        "andel af uger under mindste bæredygtige gruppe",
        "share of weeks under the smallest workable number",
    ),
    QuantityType(
        "binds_by",
        Label(
            "grænsen nået senest {} (fuldt i mindst halvdelen af det kvartal, der følger)",
            "limit reached by {} (full for at least half of the quarter that follows)",
        ),
        SHARE,
        "share",
        ("level",),
        "date",
        _PLACES,
        False,
    ),
    QuantityType(
        "until_binding",
        Label(
            "tid, til grænsen er nået, højst hele perioden", "time until the limit is reached, at most the whole period"
        ),
        DAYS,
        "duration",
        ("level",),
        subjects=_PLACES,
        filtered=False,
    ),
    _wait("wait", "ventetid for dem, der startede", "wait of those who started"),
    _wait("queue_wait", "ventetid for alle, der forlod ventelisten", "wait of all who left the queue"),
    _wait("internal_wait", "intern ventetid", "internal wait"),
    QuantityType(
        "door_wait",
        Label("ventetid fra henvendelse til første behandling", "wait from request to first treatment"),
        DAYS,
        "duration",
        ("mean", "p90", "share_within_limit", "breaches", "still_waiting", "share_next_day", "share_within_Nd"),
        subjects=_CITIZEN,
    ),
    _flow("refused", "afvist, ingen plads,", "refused for lack of a place,"),
    _flow("gave_up", "opgav at vente", "gave up waiting,"),
    _flow("declined", "takkede nej", "declined"),
    _flow("too_far", "takkede nej, fordi der var for langt,", "declined because it was too far,"),
    _flow("could_not_attend", "kunne ikke møde frem", "could not attend,"),
    _flow("ineligible", "ikke i målgruppen", "not eligible"),
    _flow("withdrawn", "henvisninger, der bortfaldt,", "referrals that lapsed,"),
    _flow("unmet", "behov, der ikke blev mødt,", "unmet need", "cause"),
    QuantityType(
        "blocked",
        Label("pladser holdt af borgere, der venter på næste tilbud", "places held by citizens awaiting what is next"),
        CITIZENS,
        "stock",
        ("mean", "share"),
    ),
    QuantityType("length", Label("indskrivningstid", "length of stay"), DAYS, "duration", ("mean", "p50", "p90")),
    QuantityType(
        "visits", Label("forløb pr. ny borger", "stays per new citizen"), Label("forløb", "stays"), "count", ("mean",)
    ),
    QuantityType(
        "time_in_system",
        Label("tid fra første henvendelse til endelig udskrivning", "time from first request to leaving"),
        DAYS,
        "duration",
        ("mean",),
        subjects=_CITIZEN,
    ),
    _flow("flow", "videre: {},", "onward: {},", "destination"),
    _flow("from", "påbegyndte forløb fra {},", "starts from {},", "origin", (*_FLOW, "share")),
    _flow("from_home", "påbegyndte forløb med hjemmeenhed {},", "starts with home unit {},", "home", (*_FLOW, "share")),
    _flow("ends", "forløb afsluttet som »{}«", "stays ended as “{}”", "end"),
    QuantityType(
        "ends_share",
        Label("andel af afsluttede forløb: {}", "share of ended stays: {}"),
        SHARE,
        "share",
        ("level",),
        "end",
    ),
    _flow("status", "status ved udskrivning: {},", "status at discharge: {},", "status", (*_FLOW, "share")),
    _flow(
        "final_status",
        "status ved endelig udskrivning: {},",
        "status at final discharge: {},",
        "status",
        (*_FLOW, "share"),
    ),
    _flow("discharged", "endelige udskrivninger", "final discharges"),
    _flow(
        "improved",
        "udskrevet som ophørt, reduceret eller stabiliseret,",
        "discharged as ceased, reduced or stabilised,",
        "",
        (*_FLOW, "share"),
    ),
    QuantityType(
        "returned",
        Label("i behandling igen efter endelig udskrivning", "back in treatment after final discharge"),
        SHARE,
        "share",
        ("share_within_Nd",),
    ),
    _flow(
        "before",
        "afsluttede forløb med {} ved start,",
        "ended stays with {} at the start,",
        "attribute",
        (*_FLOW, "share"),
    ),
    _flow(
        "after", "afsluttede forløb med {} ved slut,", "ended stays with {} at the end,", "attribute", (*_FLOW, "share")
    ),
    _flow(
        "became",
        "afsluttede forløb, hvor borgeren undervejs fik {},",
        "ended stays in which the citizen came to have {},",
        "attribute",
        (*_FLOW, "share"),
    ),
    _flow("gain", "flere ophørt takket være tilbuddet", "more ceased thanks to the offer", "", ("share_N",)),
    _flow(
        "gain_improved",
        "flere ophørt, reduceret eller stabiliseret takket være tilbuddet",
        "more ceased, reduced or stabilised thanks to the offer",
        "",
        ("share_N",),
    ),
    QuantityType("count_at", Label("indskrevne den {}", "number present on {}"), CITIZENS, "stock", ("level",), "date"),
    QuantityType(
        "present_by",
        Label("indskrevne ad gangen med {}", "number present with {}"),
        CITIZENS,
        "stock",
        ("mean",),
        "attribute",
    ),
    _flow("deaths", "dødsfald", "deaths"),
    _staff(
        "staff_hours",
        Label("medarbejdertimer om året", "staff hours per year"),
        HOURS,
        "flow",
    ),
    _staff("fte", Label("årsværk", "full-time equivalents"), Label("årsværk", "full-time equivalents"), "stock"),
    _staff("posts", Label("besatte stillinger", "posts filled"), Label("årsværk", "full-time equivalents"), "stock"),
    _staff(
        "staff_load",
        Label("arbejdstid i forhold til besatte stillinger", "staff time needed against posts filled"),
        SHARE,
        "share",
    ),
    _staff(
        "contacts",
        Label("kontakter om året", "contacts per year"),
        Label("kontakter om året", "contacts per year"),
        "flow",
    ),
    QuantityType(
        "talks",
        Label("samtaler", "talks"),
        YEARLY,
        "flow",
        (
            *_FLOW,
            "share_of_months",
            "missed_share",
            "overdue",
            "third_misses",
            "slot_wait",
            "hours_doctor",
            "hours_nurse",
            "load_doctor",
            "load_nurse",
        ),
        subjects=frozenset({"service"}),
        filtered=False,
    ),
    QuantityType(
        "call_in",
        Label("indkald", "call-ins"),
        YEARLY,
        "flow",
        (*_FLOW, "visits", "restarts", "hours", "delay", "overdue"),
        subjects=frozenset({"service"}),
        filtered=False,
    ),
)

#: Everything that can be measured, by name.
QUANTITIES: Mapping[str, QuantityType] = {quantity.id: quantity for quantity in _ALL_QUANTITIES}

#: What counts as favourable: the report's own two readings, "ophørt", and "ophørt, reduceret eller stabiliseret".
FAVOURABLE = {"gain": ("ceased",), "gain_improved": ("ceased", "reduced", "stabilised")}

#: Causes of unmet need and the reasons in the log that belong to each.
UNMET_CAUSES: Mapping[str, tuple[str, ...]] = {
    "no_place": ("refused", "gave_up"),
    "too_far": ("too_far",),
    "could_not_attend": ("could_not_attend",),
    "declined": ("declined",),
}
