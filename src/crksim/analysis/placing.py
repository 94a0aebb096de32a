"""One more place, service by service: what it gives, on the luck of the world without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.comparison import Question, compare_measure
from crksim.analysis.results import ComparisonRow, CostRow
from crksim.analysis.scene import Scene
from crksim.model.clock import Window
from crksim.model.network import Label, Study
from crksim.model.vocabulary import groups_of, kind, label, parse_measure, unit

__all__ = ["PlaceValue", "ever_full", "limited", "place_questions", "place_value", "subject_of"]

Floats = NDArray[np.float64]

#: What is asked of one more place: quantity, smallest worthwhile difference, good direction. The first one ranks.
_ASKED = (
    ("starts", 1.0, "up"),
    ("queue_wait.mean", 7.0, "down"),
    ("status.ceased", 1.0, "up"),
    ("gain.share_50", 1.0, "up"),
)


@dataclass(frozen=True)
class PlaceValue:
    """What one more place in a service gives.

    Parameters
    ----------
    service : str
        Its id.
    label : Label
        Its name.
    places : float
        Places in force when the span begins, mean over versions.
    full : bool
        Whether every place was taken for any time in any future; where not, one more changes nothing.
    rows : tuple of ComparisonRow
        Starts, wait, ceased and ceased thanks to the offer, with one place more against without it; empty where
        nothing is ever full.
    costs : tuple of CostRow
        What the place costs, where the scenario has prices.
    """

    service: str
    label: Label
    places: float
    full: bool
    rows: tuple[ComparisonRow, ...] = ()
    costs: tuple[CostRow, ...] = ()

    @property
    def rank(self) -> float:
        """What the table is ranked by: starts per year that one more place gives."""
        return self.rows[0].difference if self.rows else 0.0


def limited(study: Study, theta: Mapping[str, float], window: Window) -> tuple[list[str], list[str]]:
    """Return the services open in a span that have hard places, and those that have a norm.

    Parameters
    ----------
    study : Study
        The world.
    theta : mapping
        Values of its parameters.
    window : Window
        The span.
    """
    scene = Scene.of(study, theta)
    hard: list[str] = []
    norm: list[str] = []
    for service in study.network.services:
        limits = scene.services[service.id]
        if limits.places is not None and limits.opens < window.end and limits.closes > window.start:
            (hard if limits.hard else norm).append(service.id)
    return hard, norm


def ever_full(
    study: Study, service: str, thetas: Sequence[Mapping[str, float]], most: Floats, window: Window
) -> tuple[bool, float]:
    """Return whether all hard places of a service were ever taken, and how many there are when the span begins.

    Parameters
    ----------
    study : Study
        The world.
    service : str
        Id of a service with hard places.
    thetas : sequence of mapping
        Values of the parameters by member.
    most : ndarray of float, shape (members, futures)
        Most citizens present at a time.
    window : Window
        The span.
    """
    full, first = False, []
    for theta, own in zip(thetas, most, strict=True):
        limits = Scene.of(study, theta).services[service]
        assert limits.places is not None
        start = max(window.start, limits.opens)
        pieces = limits.places.pieces(start, min(window.end, limits.closes))
        first.append(pieces[0][2])
        full = full or bool((own >= min(value for _, _, value in pieces)).any())
    return full, float(np.mean(first))


def subject_of(study: Study, service: str) -> str:
    """Return whose starts count: of services to choose between, the group, since one may take from the other."""
    group = next(one.group for one in study.network.services if one.id == service)
    return group if group in groups_of(study.network) else service


def place_questions(study: Study, service: str, worthwhile: float) -> list[Question]:
    """Return what is asked of one more place in a service.

    Parameters
    ----------
    study : Study
        The world.
    service : str
        Its id.
    worthwhile : float
        Starts per year that one more place must give to matter.
    """
    found = []
    for quantity, least, good in _ASKED:
        address = parse_measure(f"{subject_of(study, service)}.{quantity}", study.network)
        size = worthwhile if quantity == "starts" else least
        network = study.network
        found.append(
            Question(address.text, label(address, network), unit(address), kind(address), size, True, good=good)
        )
    return found


def place_value(
    service: str, name: Label, places: float, questions: Sequence[Question], without: Floats, more: Floats
) -> PlaceValue:
    """Return what one more place gives.

    Parameters
    ----------
    service, name, places
        As in `PlaceValue`.
    questions : sequence of Question
        What is asked.
    without, more : ndarray of float, shape (members, futures, questions)
        Without the place and with it, on the same luck.
    """
    rows = tuple(
        compare_measure(question, "without", without[:, :, column], more[:, :, column])
        for column, question in enumerate(questions)
    )
    return PlaceValue(service, name, places, True, rows)
