"""The quantities that can be measured and their statistics: words, units and kinds, and nothing of how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crksim.model.network import Label

__all__ = ["FAVOURABLE", "QUANTITIES", "STATISTICS", "UNMET_CAUSES", "WORDS", "QuantityType", "Statistic"]


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


_YEARLY, _SHARE, _NUMBER = Label("om året", "per year"), Label("andel", "share"), Label("antal", "number")
_CITIZENS, _DAYS = Label("borgere", "citizens"), Label("dage", "days")
_HOURS = Label("timer om året", "hours per year")
_PLACES = frozenset({"service", "group"})
_SERVICES = frozenset({"service", "group", "all"})
_CITIZEN = frozenset({"cohort", "all"})

STATISTICS: Mapping[str, Statistic] = {
    "per_year": Statistic(Label(" om året", " per year"), _YEARLY, "flow"),
    "count": Statistic(Label(" i alt", " in all"), _NUMBER, "count"),
    "share": Statistic(Label(", andel", ", share"), _SHARE, "share"),
    "level": Statistic(Label("", "")),
    "mean": Statistic(Label(", gennemsnit", ", mean")),
    "p10": Statistic(Label(", 10-percentil", ", 10th percentile")),
    "p50": Statistic(Label(", median", ", median")),
    "p90": Statistic(Label(", 90-percentil", ", 90th percentile")),
    "max": Statistic(Label(", højst", ", most")),
    "at_least_N": Statistic(Label(", andel af tiden med mindst N", ", share of time with at least N"), _SHARE, "share"),
    "below_N": Statistic(Label(", andel af tiden med under N", ", share of time with fewer than N"), _SHARE, "share"),
    "share_beyond_Nd": Statistic(Label(", andel over N dage", ", share beyond N days"), _SHARE, "share"),
    "share_within_Nd": Statistic(Label(", andel inden for N dage", ", share within N days"), _SHARE, "share"),
    "share_next_day": Statistic(
        Label(", andel samme eller næste dag", ", share on the same or the next day"), _SHARE, "share"
    ),
    "share_within_limit": Statistic(
        Label(", andel inden for lovens frist", ", share within the legal limit"), _SHARE, "share"
    ),
    "breaches": Statistic(
        Label(", overskridelser af lovens frist om året", ", breaches of the legal limit per year"), _YEARLY, "flow"
    ),
    "still_waiting": Statistic(Label(", venter stadig til sidst", ", still waiting at the end"), _CITIZENS, "stock"),
    "share_N": Statistic(
        Label(" om året, hvis N % af forskellen skyldes tilbuddet", " per year, if N % of the gap is causal"),
        _YEARLY,
        "flow",
    ),
    "share_of_months": Statistic(
        Label(", andel af måneder med en samtale", ", share of months with a talk"), _SHARE, "share"
    ),
    "missed_share": Statistic(Label(", andel udeblevet", ", share missed"), _SHARE, "share"),
    "overdue": Statistic(
        Label(", forsinkede borgere ad gangen", ", citizens overdue at a time"),
        _CITIZENS,
        "stock",
    ),
    "third_misses": Statistic(
        Label(", udeblevet tredje gang i træk, om året", ", third miss in a row, per year"), _YEARLY, "flow"
    ),
    "slot_wait": Statistic(
        Label(", dage fra ønsket tid til næste ledige", ", days from the time wished for to the next free one"),
        _DAYS,
        "duration",
    ),
    "hours_doctor": Statistic(Label(", lægens timer om året", ", doctor's hours per year"), _HOURS, "flow"),
    "hours_nurse": Statistic(
        Label(" og indkald, sygeplejerskens timer om året", " and call-ins, nurse's hours per year"),
        _HOURS,
        "flow",
    ),
    "load_doctor": Statistic(
        Label(", andel af lægens tid med borgere", ", share of the doctor's time with citizens"), _SHARE, "share"
    ),
    "load_nurse": Statistic(
        Label(
            " og indkald, andel af sygeplejerskens tid med borgere",
            " and call-ins, share of the nurse's time with citizens",
        ),
        _SHARE,
        "share",
    ),
    "visits": Statistic(Label(", fremmøder om året", ", visits per year"), _YEARLY, "flow"),
    "restarts": Statistic(
        Label(", begyndt forfra efter en udeblivelse, om året", ", begun again after a missed day, per year"),
        _YEARLY,
        "flow",
    ),
    "hours": Statistic(Label(", timer til observation om året", ", hours of observation per year"), _HOURS, "flow"),
    "delay": Statistic(
        Label(", dage fra indkald skulle ske til det er gennemført", ", days from due to gone through"),
        _DAYS,
        "duration",
    ),
}

_FLOW = ("per_year", "count")
_WAIT = ("mean", "p50", "p90", "share_beyond_Nd", "share_within_Nd")
_PRESENT = ("mean", "p10", "p50", "p90", "max", "at_least_N", "below_N")


def _flow(name: str, da: str, en: str, argument: str = "", statistics: tuple[str, ...] = _FLOW) -> QuantityType:
    return QuantityType(name, Label(da, en), _YEARLY, "flow", statistics, argument)


def _wait(name: str, da: str, en: str) -> QuantityType:
    return QuantityType(name, Label(da, en), _DAYS, "duration", _WAIT)


def _of_places(name: str, da: str, en: str) -> QuantityType:
    return QuantityType(name, Label(da, en), _SHARE, "share", ("level",), subjects=_PLACES, filtered=False)


def _staff(name: str, label: Label, unit: Label, kind: str) -> QuantityType:
    return QuantityType(name, label, unit, kind, ("level",), "staff", _SERVICES, filtered=False)


_ALL_QUANTITIES = (
    _flow("starts", "starter", "starts"),
    _flow("requests", "henvendelser og henvisninger", "requests and referrals"),
    QuantityType(
        "enrolled",
        Label("forskellige borgere indskrevet i perioden", "different citizens enrolled in the period"),
        _CITIZENS,
        "count",
        ("count",),
    ),
    QuantityType("present", Label("indskrevne ad gangen", "number present"), _CITIZENS, "stock", _PRESENT),
    QuantityType("waiting", Label("ventende ad gangen", "number waiting"), _CITIZENS, "stock", ("mean", "max")),
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
        _SHARE,
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
        _DAYS,
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
        _DAYS,
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
        _CITIZENS,
        "stock",
        ("mean", "share"),
    ),
    QuantityType("length", Label("indskrivningstid", "length of stay"), _DAYS, "duration", ("mean", "p50", "p90")),
    QuantityType(
        "visits", Label("forløb pr. ny borger", "stays per new citizen"), Label("forløb", "stays"), "count", ("mean",)
    ),
    QuantityType(
        "time_in_system",
        Label("tid fra første henvendelse til endelig udskrivning", "time from first request to leaving"),
        _DAYS,
        "duration",
        ("mean",),
        subjects=_CITIZEN,
    ),
    _flow("flow", "videre: {},", "onward: {},", "destination"),
    _flow("from", "starter fra {},", "starts from {},", "origin", (*_FLOW, "share")),
    _flow("from_home", "starter med hjemmeenhed {},", "starts with home unit {},", "home", (*_FLOW, "share")),
    _flow("ends", "forløb afsluttet som {},", "stays ended as {},", "end"),
    QuantityType(
        "ends_share",
        Label("andel af afsluttede forløb: {}", "share of ended stays: {}"),
        _SHARE,
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
        _SHARE,
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
    QuantityType(
        "count_at", Label("indskrevne den {}", "number present on {}"), _CITIZENS, "stock", ("level",), "date"
    ),
    QuantityType(
        "present_by",
        Label("indskrevne ad gangen med {}", "number present with {}"),
        _CITIZENS,
        "stock",
        ("mean",),
        "attribute",
    ),
    _flow("deaths", "dødsfald", "deaths"),
    _staff(
        "staff_hours",
        Label("medarbejdertimer om året", "staff hours per year"),
        _HOURS,
        "flow",
    ),
    _staff("fte", Label("årsværk", "full-time equivalents"), Label("årsværk", "full-time equivalents"), "stock"),
    _staff("posts", Label("besatte stillinger", "posts filled"), Label("årsværk", "full-time equivalents"), "stock"),
    _staff(
        "staff_load",
        Label("arbejdstid i forhold til besatte stillinger", "staff time needed against posts filled"),
        _SHARE,
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
        _YEARLY,
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
        _YEARLY,
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

#: Words that addresses use beside the network's own ids.
WORDS: Mapping[str, Label] = {
    "ceased": Label("ophør", "ceased"),
    "reduced": Label("reduceret", "reduced"),
    "stabilised": Label("stabiliseret", "stabilised"),
    "unchanged": Label("uændret", "unchanged"),
    "increased": Label("øget", "increased"),
    "unknown": Label("ukendt", "unknown"),
    "leave": Label("ud af CRK", "out of CRK"),
    "died": Label("død", "died"),
    "door": Label("døren", "the door"),
    "closed": Label("stedet lukkede", "the place closed"),
    "transferred": Label("overgået til andet tilbud", "transferred"),
    "moved_waiting": Label("flyttet fra venteliste", "moved from the queue"),
    "done": Label("gennemført", "done"),
    "completed": Label("gennemført", "completed"),
    "no_show": Label("udeblevet", "no-show"),
    "dropped_out": Label("frafaldet", "dropped out"),
    "no_place": Label("ingen plads", "no place"),
    "too_far": Label("for langt væk", "too far away"),
    "could_not_attend": Label("kunne ikke møde frem", "could not attend"),
    "declined": Label("takkede nej", "declined"),
    "therapist": Label("behandlere", "therapists"),
    "nurse": Label("sygeplejersker", "nurses"),
    "doctor": Label("læger", "doctors"),
    "substitution_staff": Label("medarbejdere i substitution", "substitution staff"),
    "nurse_or_doctor": Label("sygeplejerske eller læge", "nurse or doctor"),
    "all": Label("alle slags medarbejdere", "any kind of staff"),
    "meeting_staff": Label("leder og medarbejdere på brugermøder", "leader and staff at user meetings"),
    "user_meeting": Label("fremmøde på brugermøder", "attendance at user meetings"),
    "feedback": Label("svar på feedbackstandere", "answers at feedback stands"),
    "volunteer": Label("frivillige", "volunteers"),
    "coordinator": Label("koordinator", "coordinator"),
    "outreach_therapist": Label("udgående behandlere", "outreach therapists"),
    "outreach_visit": Label("besøgsdage pr. botilbud", "visit-days per home"),
    "family_therapist": Label("familiebehandlere", "family therapists"),
    "family_psychologist": Label("familiepsykologer", "family psychologists"),
    "child": Label("børn og unge inddraget i samtaler", "children and young people involved in talks"),
    "social_worker": Label("socialrådgivere", "social workers"),
    "pedagogue": Label("pædagoger", "social pedagogues"),
    "visitation_team": Label("visitationsteam", "visitation team"),
    "cafe_kitchen": Label("caféens køkken", "the café's kitchen"),
    "cafe_manager": Label("caféansvarlig", "café manager"),
    "routine_tasks": Label("medicin, journal og møder", "medication, records and meetings"),
    "acute_tasks": Label("akutte opgaver", "acute tasks"),
    "planned_talks": Label("planlagte samtaler", "planned talks"),
    "visits_out": Label("besøg ude af huset", "visits out of house"),
    "home": Label("hjemmeenhed", "home unit"),
    "substance": Label("rusmiddel", "substance"),
    "age": Label("alder", "age"),
    "attendance": Label("fremmøde", "attendance"),
    "work": Label("uddannelse eller arbejde", "education or work"),
    "in": Label("(ja)", "(yes)"),
    "out": Label("(nej)", "(no)"),
    "cohort": Label("borgergruppe", "cohort"),
    "youth": Label("unge", "young"),
    "adult": Label("voksne", "adults"),
    "alcohol": Label("alkohol", "alcohol"),
    "drugs": Label("stoffer", "drugs"),
    "opioid": Label("opioider", "opioids"),
    "stable": Label("stabilt", "stable"),
    "unstable": Label("ustabilt", "unstable"),
}
