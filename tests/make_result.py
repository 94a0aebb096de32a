"""A made-up `Result`, its study and its evidence, for tests of files, figures and pages; no finding in it."""

from __future__ import annotations

import numpy as np

from crksim.analysis.replay import NotReplayed, ReplayRow
from crksim.analysis.results import ComparisonRow, Count, Result, SeriesRow, World
from crksim.model.network import Label

SERVICES = {
    "hoersholmsgade": ("Hørsholmsgade", "Hørsholmsgade"),
    "norre_voldgade": ("Nørre Voldgade", "Nørre Voldgade"),
    "spaniensgade": ("Spaniensgade", "Spaniensgade"),
    "staeren": ("Stæren", "Stæren"),
    "valmuen": ("Valmuen", "Valmuen"),
    "forchhammersvej": ("Forchhammersvej, langvarig", "Forchhammersvej, long-term"),
    "intensive": ("Intensive pladser, Forchhammersvej", "Intensive places, Forchhammersvej"),
    "ambulatoriet_vesterbro": ("Ambulatoriet Vesterbro", "Ambulatoriet Vesterbro"),
    "turesensgade": ("Lægeklinikken Turesensgade", "Turesensgade clinic"),
    "classensgade": ("Classensgade", "Classensgade"),
    "youth_group_hoersholmsgade": ("Ungegruppen, Hørsholmsgade", "Youth group, Hørsholmsgade"),
    "youth_group_norre_voldgade": ("Ungegruppen, Nørre Voldgade", "Youth group, Nørre Voldgade"),
    "youth_group_spaniensgade": ("Ungegruppen, Spaniensgade", "Youth group, Spaniensgade"),
    "aftercare": ("Efterbehandling", "Aftercare"),
    "residential": ("Døgnbehandling", "Residential treatment"),
    "gp": ("Egen læge", "Own GP"),
    "family": ("Familieenheden, Enghavevej", "Family unit, Enghavevej"),
    "away": ("Ude af behandling", "Away from treatment"),
}
NEW = ("youth_group_norre_voldgade", "youth_group_spaniensgade")
LIKE = "services.youth_group_hoersholmsgade"

# measure, da, en, unit da, unit en, kind, reference, what-if, sd of the effect, worthwhile, verdict, decides
ROWS = [
    ("youth_group.starts", "Opstarter i ungegrupperne", "Starts in the youth groups",
     "om året", "a year", "flow", 25.2, 38.4, 6.5, 5.0, "makes_a_difference", True),
    ("youth_group.wait.mean", "Intern ventetid til ungegruppe, gennemsnit", "Internal wait for a youth group, mean",
     "dage", "days", "duration", 6.31, 1.24, 3.9, 7.0, "no_difference_that_matters", True),
    ("youth_group_hoersholmsgade.below_workable",
     "Uger under 4 unge, Hørsholmsgade", "Weeks under 4 young people, Hørsholmsgade",
     "andel", "share", "share", 0.17, 0.52, 0.14, 0.1, "makes_a_difference", True),
    ("youth.ceased", "Ophørt ved udskrivning, unge", "Ceased at discharge, young people",
     "om året", "a year", "flow", 71.3, 73.6, 2.4, 2.0, "cannot_be_decided", True),
    ("staff.therapist.fte", "Behandlere", "Therapists",
     "årsværk", "full-time equivalents", "staff", 31.4, 33.0, 0.2, 0.5, "makes_a_difference", True),
    ("staff.nurse.fte", "Sygeplejersker", "Nurses",
     "årsværk", "full-time equivalents", "staff", 11.2, 11.2, 0.02, 0.5, "no_difference_that_matters", False),
    ("door.wait.over_14", "Borgere over lovens frist på 14 dage", "Citizens beyond the law's limit of 14 days",
     "om året", "a year", "flow", float("nan"), float("nan"), 0.0, 1.0, "model_cannot_answer", False),
    ("ambulatoriet_vesterbro.present", "Indskrevne ad gangen, Vesterbro", "Number present, Vesterbro",
     "borgere", "citizens", "stock", 1181.2, 1180.9, 0.6, 5.0, "no_difference_that_matters", False),
]  # fmt: skip

REPLAY = [
    ("youth_group_starts", "Opstarter i ungegruppen, ni måneder", "Starts in the youth group, nine months",
     "borgere", "citizens", "ch4 l.557", "youth_group.starts", 546.0, 19, 18.4, 11, 27, "fitted"),
    ("youth_group_present", "Unge i gruppen 1. juli 2017", "Young people in the group, 1 July 2017",
     "borgere", "citizens", "ch4 l.429", "youth_group_hoersholmsgade.present", 547.0, 2, 5.4, 2, 8, "predicted"),
    ("youth_group_host_share", "Andel fra Hørsholmsgade", "Share from Hørsholmsgade",
     "andel", "share", "ch4 l.571", "youth_group.from.home", float("nan"), 0.74, 0.69, 0.5, 0.86, "predicted"),
    ("av_present_end_2017", "Indskrevne på Vesterbro ved udgangen af 2017", "Present at Vesterbro, end of 2017",
     "borgere", "citizens", "ch8 l.2138", "ambulatoriet_vesterbro.present", 730.0, 200, 174.2, 158, 191, "predicted"),
    ("av_moved", "Fulgte med til Vesterbro", "Moved to Vesterbro",
     "borgere", "citizens", "ch8 l.2062", "ambulatoriet_vesterbro.moved", 547.0, 177, 177, 177, 177, "put in"),
    ("intensive_starts", "Opstarter på intensive pladser", "Starts in intensive places",
     "borgere", "citizens", "ch7 l.1880", "intensive.starts", 700.0, 6, 5.6, 2, 10, "predicted"),
]  # fmt: skip

FLOWS = {
    ("youth_drugs", "hoersholmsgade"): 81.0,
    ("youth_drugs", "norre_voldgade"): 70.0,
    ("youth_drugs", "spaniensgade"): 52.0,
    ("hoersholmsgade", "youth_group_hoersholmsgade"): 18.5,
    ("norre_voldgade", "youth_group_hoersholmsgade"): 3.2,
    ("spaniensgade", "youth_group_hoersholmsgade"): 2.4,
    ("valmuen", "youth_group_hoersholmsgade"): 1.1,
    ("youth_group_hoersholmsgade", "aftercare"): 7.1,
    ("youth_group_hoersholmsgade", "leave"): 8.5,
    ("youth_group_hoersholmsgade", "hoersholmsgade"): 6.4,
    ("youth_group_hoersholmsgade", "norre_voldgade"): 2.1,
    ("youth_group_hoersholmsgade", "residential"): 1.1,
    ("hoersholmsgade", "leave"): 64.0,
    ("hoersholmsgade", "away"): 22.0,
    ("ambulatoriet_vesterbro", "gp"): 12.0,
    ("ambulatoriet_vesterbro", "died"): 6.2,
}


def _label(da: str, en: str) -> Label:
    return Label(da, en)


def _flows_with_new_groups() -> dict[tuple[str, str], float]:
    flows = dict(FLOWS)
    for site in ("norre_voldgade", "spaniensgade"):
        group = f"youth_group_{site}"
        flows[(site, group)] = 7.4
        flows[(group, "aftercare")] = 2.6
        flows[(group, "leave")] = 3.0
        flows[(group, site)] = 1.6
        flows[("valmuen", group)] = 0.4
    flows[("norre_voldgade", "youth_group_hoersholmsgade")] = 0.3
    flows[("spaniensgade", "youth_group_hoersholmsgade")] = 0.2
    return flows


def _values(rng: np.random.Generator, column: int, members: int, futures: int) -> np.ndarray:
    means = np.array([row[column] for row in ROWS])
    return means + rng.normal(0, 1, (members, futures, len(ROWS))) * 0.05 * np.abs(means)


def _series() -> tuple[SeriesRow, ...]:
    days = np.arange(0.0, 1827.0, 14.0)
    levels = {"youth_group_hoersholmsgade": (274, 5.4, 8), "ambulatoriet_vesterbro": (547, 178, float("nan"))}
    levels |= {"youth_group_norre_voldgade": (762, 2.6, 8), "youth_group_spaniensgade": (762, 2.4, 8)}
    rows = []
    for world in ("without", "decided", "what_if"):
        for service, (opens, level, places) in levels.items():
            if (world == "without" and service in NEW) or (world == "decided" and service == NEW[1]):
                continue
            shift = 0.85 if world == "what_if" and service == "youth_group_hoersholmsgade" else 1.0
            for day in days:
                open_for = max(0.0, day - opens)
                factor = shift if day > 762 else 1.0
                mean = (
                    level * factor * (1 - np.exp(-open_for / 80)) * (1 + 0.04 * np.sin(day / 40)) if day >= opens else 0
                )
                spread = 1.3 * np.sqrt(mean)
                room = places if day >= opens else float("nan")
                rows.append(SeriesRow(world, service, float(day), mean, max(0.0, mean - spread), mean + spread, room))
    return tuple(rows)


def _comparison() -> tuple[ComparisonRow, ...]:
    rows = []
    for against, scale in (("without", 1.0), ("decided", 0.5)):
        for name, da, en, unit_da, unit_en, kind, reference, what_if, sd, worthwhile, verdict, decides in ROWS:
            base = what_if - (what_if - reference) * scale
            change = what_if - base
            known = not np.isnan(change)
            chance = {"makes_a_difference": 0.97, "cannot_be_decided": 0.62}.get(verdict, 0.02)
            rows.append(
                ComparisonRow(
                    measure=name, label=_label(da, en), unit=_label(unit_da, unit_en), kind=kind, against=against,
                    reference=base, what_if=what_if, difference=change, low=change - 1.64 * sd, high=change + 1.64 * sd,
                    year_low=change - 3 * sd, year_high=change + 3 * sd, worthwhile=worthwhile,
                    chance=chance if known else float("nan"), better=0.7 if known else float("nan"),
                    same=0.2 if known else float("nan"), worse=0.1 if known else float("nan"),
                    luck_share=0.4 if known else float("nan"), verdict=verdict,
                    decides=decides and against == "without", good="up" if name == "youth_group.starts" else "none",
                )
            )  # fmt: skip
    return tuple(rows)


def make_theta(members: int) -> tuple[dict[str, float], ...]:
    """Return parameter values by member: two that vary, one that does not."""
    rng = np.random.default_rng(11)
    take_up, stay = rng.uniform(0.1, 0.4, members), rng.uniform(60.0, 120.0, members)
    return tuple(
        {"take_up_own_site": float(share), "group_stay": float(days), "group_patience": 30.0}
        for share, days in zip(take_up, stay, strict=True)
    )


def make_result(members: int = 20, futures: int = 2) -> Result:
    """Return a result of a size a page has to cope with: three worlds, two languages, numbers that are not defined."""
    rng = np.random.default_rng(7)
    worlds = (
        World("without", "baseline", _label("uden ændringen", "without the change"), _values(rng, 6, members, futures)),
        World(
            "decided", "youth_groups_2sites", _label("som besluttet", "as decided"), _values(rng, 6, members, futures)
        ),
        World("what_if", "youth_groups_3sites", _label("tre steder", "three sites"), _values(rng, 7, members, futures)),
    )
    # Take-up moves the starts in the what-if, and nothing else.
    worlds[-1].values[:, :, 0] += 80.0 * np.array([[own["take_up_own_site"] - 0.25] for own in make_theta(members)])
    replay = tuple(
        ReplayRow(
            fact,
            _label(da, en),
            _label(uda, uen),
            where,
            measure,
            day,
            float(said),
            mean,
            low,
            high,
            mark,
            series=measure.removesuffix(".present") if measure.endswith(".present") else "",
            part_of="youth_group_present" if fact == "youth_group_host_share" else "",
            concerns=measure.partition(".")[0],
        )
        for fact, da, en, uda, uen, where, measure, day, said, mean, low, high, mark in REPLAY
    )
    return Result(
        scenario="youth_groups_3sites",
        title=_label("Ungegrupper på tre enheder", "Youth groups at three sites"),
        question=_label(
            "Skal vi åbne ungegrupper på Nørre Voldgade og i Spaniensgade?",
            "Do groups at Nørre Voldgade and Spaniensgade reach more young people, and are they big enough to work?",
        ),
        measures=tuple(row[0] for row in ROWS),
        members=members,
        futures=futures,
        seed=1,
        worlds=worlds,
        comparison=_comparison(),
        series=_series(),
        replay=replay,
        not_replayed=(
            NotReplayed("youth_2015", "kap. 4", _label("142 unge i 2015: før modellen.", "142 youth in 2015: before.")),
            NotReplayed("gym", "kap. 7, Café", _label("20 på holdet: ikke et flow.", "20 in the gym: not a flow.")),
        ),
        flows={"without": dict(FLOWS), "decided": dict(FLOWS), "what_if": _flows_with_new_groups()},
        window=("2018-02-01", "2020-12-31"),
        touched=("youth_group", "youth_group_hoersholmsgade"),
        rests_on=("parameters.take_up_own_site", "parameters.group_stay", "parameters.group_patience"),
        theta=make_theta(members),
        counts=(
            Count("youth_group.starts", _label("Ungegrupper: starter i alt", "Youth groups: starts in all"),
                  _label("antal", "number"), "count", 6, "up", followed=True),
            Count("youth_group.wait.mean", _label("Ungegrupper: intern ventetid, gennemsnit",
                  "Youth groups: internal wait, mean"), _label("dage", "days"), "duration", 12, "down", followed=True),
            Count("ambulatoriet_vesterbro.present", _label("Vesterbro: indskrevne", "Vesterbro: number present"),
                  _label("borgere", "citizens"), "stock", 12),
        ),
        changes=(
            _label("Ungegruppen på Nørre Voldgade åbner 1. februar 2018 med 8 pladser.",
                   "The youth group at Nørre Voldgade opens on 1 February 2018 with 8 places."),
            _label("Ungegruppen i Spaniensgade åbner 1. februar 2018 med 8 pladser.",
                   "The youth group at Spaniensgade opens on 1 February 2018 with 8 places. (services.a.opens)"),
        ),
    )  # fmt: skip


def make_study() -> dict[str, object]:
    """Return the plain dict of a study with the services that the result speaks of."""
    return {
        "title": {"da": "CRK 2016-2020", "en": "CRK 2016-2020"},
        "time": {"start": "2016-01-01", "forecast": "2018-01-01", "end": "2021-01-01"},
        "services": {id: {"label": {"da": da, "en": en}} for id, (da, en) in SERVICES.items() if id not in NEW},
        "parameters": {
            "take_up_own_site": {
                "value": 0.25,
                "label": {"da": "Tilslutning på eget sted", "en": "Take-up at own site"},
            },
            "group_stay": {"value": "3 months", "label": {"da": "Tid i gruppen", "en": "Time in the group"}},
            "group_patience": {"value": "30 days", "label": {"da": "Tålmodighed", "en": "Patience"}},
        },
        "cohorts": {"youth_drugs": {"label": {"da": "Unge, stoffer", "en": "Young people, drugs"}}},
    }


def make_scenario() -> dict[str, object]:
    """Return the plain dict of the what-if."""
    changes = {
        f"services.{id}": {
            "like": LIKE,
            "opens": "2018-02-01",
            "label": dict(zip(("da", "en"), SERVICES[id], strict=True)),
        }
        for id in NEW
    }
    return {
        "title": {"da": "Ungegrupper på tre enheder", "en": "Youth groups at three sites"},
        "from": "2018-02-01",
        "notes": {"da": "Ottepladser er antaget.", "en": "Eight places are assumed."},
        "switches": {"shared_team": {"da": "Grupperne deler ét team", "en": "The groups share one team"}},
        "references": {"without": "baseline", "decided": {"scenario": "youth_groups_2sites"}},
        "changes": changes,
    }


def make_evidence() -> list[dict[str, object]]:
    """Return entries of a ledger, one of every kind, and of three parameters."""
    kinds = ("report", "register", "literature", "derived", "assumed")
    parameters = {"take_up_own_site": "report", "group_stay": "assumed", "group_patience": "assumed"}
    named = [
        {"address": f"parameters.{name}.value", "kind": kind, "source": "", "value": 1.0, "low": 0.5, "high": 2.0}
        for name, kind in parameters.items()
    ]
    return [
        {
            "address": f"services.{list(SERVICES)[i]}.places.hard",
            "kind": kind,
            "source": f"ch{i}, l.{100 + i}; «æøå»",
            "value": 8.0 + i,
            "low": 0.5,
            "high": 1234.5,
        }
        for i, kind in enumerate(kinds)
    ] + named


def make_run() -> dict[str, object]:
    """Return the arguments of `write_run` but for the folder and the language."""
    return {
        "result": make_result(),
        "study_dict": make_study(),
        "scenario_dict": make_scenario(),
        "manifest": {"wall_seconds": 12.5, "finished": "2026-11-22T10:00:00"},
        "evidence": make_evidence(),
    }
