"""Draw where citizens can go, from the network itself: python scripts/flow_picture.py --write.

Boxes, and what stands in none, are written here; every arrow is worked out from conf/network.  Without --write it says
whether docs/model_flow.da.svg and .en.svg are as they would be made.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Line

from crksim.interface.files import data_dir, read_folder
from crksim.model.cohorts import Cohort
from crksim.model.ledger import read_ledger
from crksim.model.network import Condition, Network, Study
from crksim.model.routes import homes_of, routes_of, sent, targets_of
from crksim.model.rules import value_of
from crksim.model.services import Service
from crksim.model.study import read_study

__all__ = ["BOXES", "NOT_DRAWN", "WAYS", "Box", "arrows", "entries", "flow_picture", "returns", "text_spans"]

TOP = Path(__file__).resolve().parents[1]
LANGUAGES = ("da", "en")
ORDINARY, SPECIAL, AFTER, CLOSED = "#D6E6F2", "#CFE8DC", "#F1E3C4", "#E3E3E3"
INK, SOFT = "#222222", "#6A6A6A"
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "crksim", "font.family": "DejaVu Sans"}


@dataclass(frozen=True)
class Box:
    """A box of the picture.

    Parameters
    ----------
    services : tuple of str
        What stands in it.
    x, y : float
        Its middle.
    colour : str
        Of what kind it is.
    da, en : str
        Words; a line each.
    beside : bool
        Whether it stands beside treatment.
    """

    services: tuple[str, ...]
    x: float
    y: float
    colour: str
    da: str
    en: str
    beside: bool = False


BOXES: Mapping[str, Box] = {
    "door": Box(("door",), 1.75, 5.0, AFTER, "Henvendelse\n(straksbehandling)", "The door\n(same-day start)"),
    "alcohol_drugs": Box(
        ("hoersholmsgade", "norre_voldgade", "spaniensgade"), 4.3, 6.6, ORDINARY,
        "Tre alkohol- og\nstofenheder", "Three alcohol\nand drug units",
    ),
    "substitution": Box(
        ("vigerslev_alle", "prags_boulevard", "substitution_unit_3"), 4.3, 3.9, ORDINARY,
        "Tre substitutions-\nenheder", "Three substitution\nunits",
    ),
    "youth_group": Box(
        ("youth_group_hoersholmsgade",), 7.1, 7.6, SPECIAL, "Ungegruppen\n{hard} pladser", "Youth group\n{hard} places"
    ),
    "youth_after": Box(
        ("youth_aftercare",), 9.9, 7.6, AFTER, "Efterbehandling\nefter gruppen", "Aftercare after\nthe group"
    ),
    "year_after": Box(
        ("after_youth_group", "after_youth_aftercare"), 12.5, 7.6, AFTER,
        "Året efter,\nuden for CRK", "The year after,\noutside CRK",
    ),
    "residential": Box(("residential",), 7.1, 6.3, AFTER, "Døgnbehandling", "Residential\ntreatment"),
    "aftercare": Box(("aftercare",), 9.9, 6.3, AFTER, "Efterbehandling", "Aftercare"),
    "intensive": Box(
        ("fhv_visitation", "fhv_intensive"), 7.1, 5.0, SPECIAL,
        "Intensive pladser\n{hard} pladser", "Intensive places\n{hard} places",
    ),
    "forchhammersvej": Box(
        ("forchhammersvej",), 9.9, 3.9, SPECIAL, "Forchhammersvej\nnorm {norm}", "Forchhammersvej\nnorm {norm}"
    ),
    "vesterbro": Box(
        ("ambulatoriet_vesterbro",), 7.1, 2.8, SPECIAL,
        "Ambulatoriet\nVesterbro, norm {norm}", "Ambulatoriet\nVesterbro, norm {norm}",
    ),
    "gp": Box(("egen_laege",), 12.5, 2.8, AFTER, "Egen læge\n(delegeret)", "General\npractitioner"),
    "classensgade": Box(
        ("classensgade",), 12.5, 3.9, CLOSED, "Classensgade\n(lukket 2016)", "Classensgade\n(closed 2016)"
    ),
    "turesensgade": Box(
        ("turesensgade",), 9.9, 1.7, CLOSED, "Turesensgade\n(lukket 2017)", "Turesensgade\n(closed 2017)"
    ),
    "enghavevej": Box(
        ("enghavevej",), 4.3, 1.7, SPECIAL,
        "Enghavevej (familier)\n{hard} pladser", "Enghavevej (families)\n{hard} places",
    ),
    "family_talks": Box(("family_talks",), 1.75, 2.8, AFTER, "Familiesamtaler", "Family talks", beside=True),
    "peers": Box(
        ("smart_groups", "smart_prags_boulevard"), 1.75, 6.6, AFTER,
        "SMART-\nselvhjælpsgrupper", "SMART\npeer groups", beside=True,
    ),
    "residents": Box(
        ("outreach_residents", "outreach_elsewhere"), 1.75, 0.4, CLOSED, "Beboere på\nbotilbud", "Residents\nof homes"
    ),
    "informal": Box(("outreach_informal",), 4.3, 0.4, AFTER, "Uformel\nkontakt", "Informal\ncontact"),
    "motivational": Box(("outreach_motivational",), 7.1, 0.4, AFTER, "Motiverende\nforløb", "Motivational\ncourse"),
    "outreach": Box(("outreach_treatment",), 9.9, 0.4, SPECIAL, "Udgående\nbehandling", "Outreach\ntreatment"),
}  # fmt: skip
#: Services that no box shows, and why.
NOT_DRAWN: Mapping[str, str] = {
    "away": "a mark on the boxes from which some return later, through the door",
    "center_for_unge_og_misbrug": "outside CRK, not quantified",
    "youth_follow_up": "nobody until a scenario adds a rule",
    **dict.fromkeys(
        (
            *("aa_na", "aidslinien", "business_guides", "culture_and_nature", "health_companions", "leisure_guides"),
            *("misbrugsportalen", "myndighed_beskaeftigelse", "netvaerket", "pas", "relatives_and_aftercare"),
            *("staeren", "valmuen", "youth_to_youth"),
        ),
        "named, not counted",
    ),
}


@lru_cache(maxsize=1)
def _study() -> Study:
    """Return the study, read once: every box asks for it."""
    return read_study(read_folder(data_dir("conf") / "network").data)


@lru_cache(maxsize=1)
def _network() -> tuple[Network, Mapping[str, float]]:
    """Return the network with its values in use."""
    network = _study().network
    return network, read_ledger({}).draw(network, lambda name: 0.5, {})


@lru_cache(maxsize=1)
def _moves() -> frozenset[tuple[str, str, bool]]:
    """Return every (service, destination, beside) that citizens of some cohort can make; no way in or out."""
    network, theta = _network()
    return frozenset(move for cohort in network.cohorts for move in _of_cohort(network, cohort, theta))


def _of_cohort(network: Network, cohort: Cohort, theta: Mapping[str, float]) -> Iterator[tuple[str, str, bool]]:
    services, homes = {service.id: service for service in network.services}, homes_of(network, cohort)
    enters = sent(cohort.enters, theta) if cohort.enters is not None else frozenset()
    waiting = [name for word in (*enters, *(it.at for it in cohort.present)) for name in _meant(word, homes)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in services:
            continue
        seen.add(name)
        for word in _ways(services[name], cohort, theta):
            for to in _meant(word, homes):
                yield name, to, False
                waiting.append(to)
        for rule in network.referrals:
            if name in rule.services and _concerns(rule.when, cohort):
                for to in targets_of(network, rule):
                    yield name, to, rule.stay == "beside"
                    waiting.append(to)
        if "origin" in _ways(services[name], cohort, theta):
            yield from ((name, to, False) for to in _whence(network, name) if to in seen)


def _whence(network: Network, service: str) -> set[str]:
    """Return the services from which a rule sends citizens into the box of a service."""
    rules = [rule for rule in network.referrals if _box_of(service) in map(_box_of, targets_of(network, rule))]
    return {name for rule in rules for name in rule.services}


def _meant(word: str, homes: frozenset[str]) -> list[str]:
    return sorted(homes) if word == "home" else [word]


def _ways(service: Service, cohort: Cohort, theta: Mapping[str, float]) -> set[str]:
    """Return the destinations of the ends of a service, and of its closing, for citizens of a cohort."""
    kept = [end for case in service.ends if _concerns(case.when, cohort) for end in case.value]
    words = {word for end in kept for word in sent(end.to, theta)}
    closing = [route for route in routes_of(service) if route.role == "present"]
    return words | {word for route in closing for word in sent(route.shares, theta)}


def _concerns(when: Condition | None, cohort: Cohort) -> bool:
    """Say whether any citizen of a cohort can pass a condition."""
    values = {name: {word for word, _ in shares.branches} for name, shares in cohort.attributes}
    values["cohort"] = {cohort.id}
    return when is None or all(values.get(name, set()) & allowed for name, allowed in when.tests)


def _box_of(service: str) -> str | None:
    return next((name for name, box in BOXES.items() if service in box.services), None)


def arrows() -> list[tuple[str, str, bool]]:
    """Return the arrows (box, box, beside) of the picture, each once."""
    found = {(_box_of(start), _box_of(to), beside) for start, to, beside in _moves()}
    order = list(BOXES)
    whole = [(a, b, beside) for a, b, beside in found if a is not None and b is not None and a != b]
    return sorted(whole, key=lambda arrow: (order.index(arrow[0]), order.index(arrow[1]), arrow[2]))


def returns() -> list[str]:
    """Return the boxes from which some come back later, through the door."""
    found = {_box_of(start) for start, to, _ in _moves() if to == "away"}
    return [name for name in BOXES if name in found]


def entries() -> list[str]:
    """Return the boxes into which new citizens come."""
    network, theta = _network()
    found = {_box_of(word) for cohort in network.cohorts if cohort.enters for word in sent(cohort.enters, theta)}
    return [name for name in BOXES if name in found]


# --- drawing -------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 2.25, 0.74
#: Ways of arrows that would run through a box if they were straight; from edge to edge.
WAYS: Mapping[tuple[str, str], tuple[tuple[float, float], ...]] = {
    ("alcohol_drugs", "aftercare"): ((5.43, 6.3), (5.8, 5.68), (8.4, 5.68), (9.1, 5.93)),
    ("alcohol_drugs", "family_talks"): ((3.35, 6.23), (3.03, 5.75), (3.03, 3.45), (2.6, 3.17)),
    ("alcohol_drugs", "enghavevej"): ((5.15, 6.23), (5.62, 5.6), (5.62, 2.5), (5.15, 2.07)),
    ("substitution", "youth_group"): ((4.8, 4.27), (5.85, 6.6), (6.35, 7.23)),
    ("aftercare", "peers"): ((9.3, 6.67), (8.95, 6.95), (8.6, 7.1), (2.95, 7.1), (2.5, 6.97)),
    ("classensgade", "substitution"): ((11.7, 4.27), (11.35, 4.45), (5.9, 4.45), (5.43, 4.15)),
    ("turesensgade", "substitution"): ((8.77, 1.55), (5.8, 2.15), (4.95, 3.53)),
    ("substitution", "intensive"): ((4.95, 4.27), (6.2, 4.63)),
    ("forchhammersvej", "vesterbro"): ((9.2, 3.53), (7.75, 3.17)),
    ("youth_group", "year_after"): ((7.9, 7.97), (8.2, 8.12), (11.4, 8.12), (11.8, 7.97)),
    ("motivational", "residents"): ((6.8, 0.03), (6.6, -0.18), (2.2, -0.18), (2.0, 0.03)),
    ("outreach", "residents"): ((9.6, 0.03), (9.3, -0.32), (1.9, -0.32), (1.6, 0.03)),
}
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "title": {
        "da": "Hvor borgerne kan gå hen i modellen",
        "en": "Where citizens can go in the model",
    },
    "new": {"da": "nye borgere", "en": "new citizens"},
    "families": {"da": "familier fra BBU\nog hospitalet", "en": "families from BBU\nand the hospital"},
    "away": {
        "da": "nogle vender tilbage senere, gennem henvendelsen",
        "en": "some return later, through the door",
    },
    "home": {"da": "nogle går tilbage til deres enhed", "en": "some go back to their unit"},
    "beside": {"da": "ved siden af behandlingen", "en": "beside treatment"},
    "leave": {
        "da": "Fra alle kasser kan borgere også forlade behandlingen eller dø.",
        "en": "From every box citizens may also leave treatment or die.",
    },
}


def flow_picture(lang: str, form: str = "svg") -> bytes:
    """Return the picture in one language; the same network gives the same bytes.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    form : str
        ``svg`` or ``png``.
    """
    with rc_context(_STYLE):
        figure, stream = _drawn(lang), io.BytesIO()
        told = {"Date": None, "Creator": None} if form == "svg" else None
        figure.savefig(stream, format=form, dpi=110, metadata=told)
    return stream.getvalue()


def text_spans(lang: str) -> dict[str, tuple[float, float, float, float]]:
    """Return for every text of the picture left, bottom, right and top, as parts of its width and height.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    """
    with rc_context(_STYLE):
        figure = _drawn(lang)
        figure.draw_without_rendering()
        spans = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts if text.get_text()}
        turned = {words: span.transformed(figure.transFigure.inverted()) for words, span in spans.items()}
    return {words: tuple(span.extents.tolist()) for words, span in turned.items()}


def _drawn(lang: str) -> Figure:
    figure = Figure(figsize=(13.2, 8.6))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, 14.0)
    axes.set_ylim(-1.0, 8.6)
    axes.axis("off")
    axes.text(0.35, 8.35, _TEXTS["title"][lang], fontsize=15, color=INK, va="center", weight="bold")
    _draw_arrows(axes)
    _draw_entries(axes, lang)
    for name in BOXES:
        _draw_box(axes, name, lang)
    _draw_legend(axes, lang)
    return figure


def back_to_unit() -> list[str]:
    """Return the boxes that send citizens home to a unit from which they do not come straight: a mark says so."""
    drawn = {(start, to) for start, to, _ in arrows()}
    units = ("alcohol_drugs", "substitution")
    one_way = {start for start, to in drawn if to in units and (to, start) not in drawn}
    return [name for name in BOXES if name in one_way and BOXES[name].colour == AFTER and name != "door"]


def _draw_arrows(axes: Axes) -> None:
    marked, found = back_to_unit(), arrows()
    pairs = {(start, to) for start, to, _ in found}
    for start, to, beside in found:
        if (to, start) in pairs and list(BOXES).index(to) < list(BOXES).index(start):
            continue  # drawn with two heads already
        if start in marked and to in ("alcohol_drugs", "substitution") and (to, start) not in pairs:
            continue
        points = WAYS.get((start, to)) or (_edge(BOXES[start], BOXES[to]), _edge(BOXES[to], BOXES[start]))
        axes.add_patch(
            FancyArrowPatch(
                path=Line(points),
                arrowstyle="<|-|>" if (to, start) in pairs else "-|>",
                mutation_scale=11,
                linewidth=1.1,
                linestyle=(0, (4, 2)) if beside else "-",
                color=SOFT,
                capstyle="butt",
                joinstyle="round",
                zorder=1,
            )
        )


def _edge(box: Box, other: Box) -> tuple[float, float]:
    """Return where the line from the middle of a box to that of another leaves it."""
    away = (other.x - box.x, other.y - box.y)
    sizes = [half / abs(part) for half, part in zip((WIDTH / 2, HEIGHT / 2), away, strict=True) if part]
    return box.x + min(sizes) * away[0], box.y + min(sizes) * away[1]


def _frame(box: Box) -> FancyBboxPatch:
    return FancyBboxPatch(
        (box.x - WIDTH / 2, box.y - HEIGHT / 2),
        WIDTH,
        HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.12",
        facecolor=box.colour,
        edgecolor=INK,
        linewidth=0.9,
        linestyle=(0, (4, 2)) if box.beside else "-",
        zorder=3,
    )


def _draw_box(axes: Axes, name: str, lang: str) -> None:
    box = BOXES[name]
    axes.add_patch(_frame(box))
    words = (box.da if lang == "da" else box.en).format(**_limits(box))
    axes.text(box.x, box.y, words, ha="center", va="center", fontsize=9.6, color=INK, zorder=4, linespacing=1.25)
    marks = [(name in returns(), "o", "#0072B2"), (name in back_to_unit(), "^", "#D55E00")]
    for place, (_, shape, colour) in enumerate(mark for mark in marks if mark[0]):
        corner = (box.x + WIDTH / 2 - 0.13 - 0.2 * place, box.y + HEIGHT / 2)
        axes.plot(*corner, shape, color=colour, markersize=7, zorder=5)


def _limits(box: Box) -> dict[str, str]:
    """Return hard places and norm of a box at the end of the replay."""
    network, theta = _network()
    day = _study().forecast
    return {
        kind: f"{value_of(number, theta, day):g}"
        for service in network.services
        if service.id in box.services
        for kind, number in (("hard", service.places.hard), ("norm", service.places.norm))
        if number is not None
    }


def _draw_entries(axes: Axes, lang: str) -> None:
    for name in entries():
        box = BOXES[name]
        text = _TEXTS["new" if name == "door" else "families"][lang]
        from_above = name == "door"
        end = (box.x, box.y + HEIGHT / 2) if from_above else (box.x - WIDTH / 2, box.y)
        start = (box.x, box.y + HEIGHT / 2 + 0.42) if from_above else (box.x - WIDTH / 2 - 0.4, box.y)
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": SOFT, "linewidth": 1.1})
        place = (start[0], start[1] + 0.05) if from_above else (start[0] - 0.05, start[1])
        where = {"ha": "center", "va": "bottom"} if from_above else {"ha": "right", "va": "center"}
        axes.text(*place, text, fontsize=9, color=SOFT, style="italic", **where)


def _draw_legend(axes: Axes, lang: str) -> None:
    axes.plot(0.5, -0.58, "o", color="#0072B2", markersize=7)
    axes.text(0.68, -0.58, _TEXTS["away"][lang], fontsize=9, va="center", color=INK)
    axes.plot(4.75, -0.58, "^", color="#D55E00", markersize=7)
    axes.text(4.93, -0.58, _TEXTS["home"][lang], fontsize=9, va="center", color=INK)
    axes.plot([7.55, 8.0], [-0.58, -0.58], linestyle=(0, (4, 2)), color=SOFT, linewidth=1.1)
    axes.text(8.1, -0.58, _TEXTS["beside"][lang], fontsize=9, va="center", color=INK)
    axes.text(0.42, -0.86, _TEXTS["leave"][lang], fontsize=9, va="center", color=INK)


def _main(words: Sequence[str]) -> int:
    stale = []
    for lang in LANGUAGES:
        path, drawn = TOP / "docs" / f"model_flow.{lang}.svg", flow_picture(lang)
        if "--write" in words:
            path.write_bytes(drawn)
        elif not path.is_file() or path.read_bytes() != drawn:
            stale.append(path.name)
    if stale:
        sys.stderr.write(f"{', '.join(stale)}: not what the network gives; run with --write\n")
    return 2 if stale else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
