"""The network and the values it is made of, plain and frozen: what there is, never how it runs.

Everything numeric is a :class:`Dated` value of a :class:`Quantity`, so that any number can change on a date and can
hang on named parameters.  Everything that may differ between kinds of citizens is a tuple of :class:`Case`.  Times are
days since the study's start; rates are per day.  Services, their ends, cohorts and referrals have modules of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from crksim.model.amounts import Quantity

if TYPE_CHECKING:
    from crksim.model.cohorts import Cohort
    from crksim.model.referrals import Referral
    from crksim.model.services import Service

__all__ = [
    "AWAY_WORDS",
    "Case",
    "CasedNumber",
    "Condition",
    "Dated",
    "Label",
    "LawSpec",
    "Length",
    "Network",
    "Number",
    "Parameter",
    "Quantity",
    "Shares",
    "Study",
]

T = TypeVar("T")

#: Destinations that are not services.  ``home`` is the service named by the citizen's attribute ``home``; ``origin`` is
#: the service from which the citizen was referred; ``leave`` ends the strand; ``died`` ends the citizen.
AWAY_WORDS = ("died", "home", "leave", "origin")


@dataclass(frozen=True)
class Label:
    """A text in the two languages of the planners."""

    da: str
    en: str


@dataclass(frozen=True)
class Dated(Generic[T]):
    """A value that may change on dates.

    Parameters
    ----------
    steps : tuple of (float, T)
        ``(from_day, value)``, rising in day; the first day is ``-inf``.
    """

    steps: tuple[tuple[float, T], ...]

    @classmethod
    def always(cls, value: T) -> Dated[T]:
        """Return the value that never changes."""
        return cls(((-math.inf, value),))

    def at(self, day: float) -> T:
        """Return the value in force on `day` (days since start)."""
        current = self.steps[0][1]
        for start, value in self.steps[1:]:
            if start > day:
                break
            current = value
        return current


#: A number of the network: dated, and possibly hanging on parameters.
Number = Dated[Quantity]


@dataclass(frozen=True)
class Condition:
    """A ``when:``: every named attribute has one of the listed values.

    Parameters
    ----------
    tests : tuple of (str, frozenset of str)
        Attribute name (or ``cohort``) and the values that pass.
    """

    tests: tuple[tuple[str, frozenset[str]], ...]

    def matches(self, kind: Mapping[str, str]) -> bool:
        """Say whether `kind` (attribute -> value, with ``cohort``) passes every test."""
        return all(kind.get(name) in allowed for name, allowed in self.tests)


@dataclass(frozen=True)
class Case(Generic[T]):
    """One case of a value that differs between kinds; the case without `when` takes the rest."""

    id: str
    when: Condition | None
    value: T


@dataclass(frozen=True)
class LawSpec:
    """A length law by name and numbers, not yet evaluated.

    Parameters
    ----------
    law : str
        exponential, gamma, erlang, weibull, lognormal, loglogistic, uniform, triangular, fixed, empirical or mixture.
    numbers : tuple of (str, Number)
        Named numbers (mean, sd, shape, low, high, mode, ...); durations in days.  An empirical law has its values as
        ``value:<id>`` and its weights as ``weight:<id>``; a mixture its weights as ``weight:<id>``.
    parts : tuple of (str, LawSpec)
        The parts of a mixture by id.
    """

    law: str
    numbers: tuple[tuple[str, Number], ...]
    parts: tuple[tuple[str, LawSpec], ...] = ()


#: A length that may differ by kind and change on dates.
Length = tuple[Case[Dated[LawSpec]], ...]
#: A number that may differ by kind.
CasedNumber = tuple[Case[Number], ...]


@dataclass(frozen=True)
class Shares:
    """A share map: branches in canonical order, at most one of them ``rest`` (None), which stands last.

    Parameters
    ----------
    branches : tuple of (str, Number or None)
        For a destination: service id or a word of `AWAY_WORDS`.
    """

    branches: tuple[tuple[str, Number | None], ...]


@dataclass(frozen=True)
class Parameter:
    """A number that is named once and used in many places; `value` in the units of its use (days, per day, none)."""

    id: str
    value: Quantity
    label: Label | None = None
    unit: str = ""


@dataclass(frozen=True)
class Network:
    """Everything that a run needs to know of the treatment system; maps are tuples sorted by id."""

    parameters: tuple[Parameter, ...]
    attributes: tuple[tuple[str, tuple[str, ...]], ...]
    groups: tuple[tuple[str, Label, tuple[str, ...]], ...]
    services: tuple[Service, ...]
    cohorts: tuple[Cohort, ...]
    referrals: tuple[Referral, ...]


@dataclass(frozen=True)
class Study:
    """A network and the span of time over which it is run.

    Parameters
    ----------
    start : str
        ISO date of day 0.
    end : float
        Last day (days since start) of the run.
    forecast : float
        Day on which the forecast begins (the history before it is a replay).
    source : dict
        The validated plain dict, as `read_study` got it; `dump` gives it back.
    """

    start: str
    end: float
    forecast: float
    network: Network
    title: Label
    source: Mapping[str, object] = field(default_factory=dict, compare=False, hash=False)
