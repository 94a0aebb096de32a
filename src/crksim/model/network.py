"""The network as plain frozen values: what there is, never how it runs.

Everything numeric is a :class:`Dated` value of a :class:`Quantity`, so that any number can change on a date and can
hang on named parameters.  Everything that may differ between kinds of citizens is a tuple of :class:`Case`.  Times are
days since the study's start; rates are per day.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from crksim.model.amounts import Quantity

if TYPE_CHECKING:
    from crksim.model.clinics import Clinic

__all__ = [
    "AWAY_WORDS",
    "Arrivals",
    "Attend",
    "Case",
    "CasedNumber",
    "Closing",
    "Cohort",
    "Condition",
    "Dated",
    "End",
    "Label",
    "LawSpec",
    "Length",
    "Misses",
    "Network",
    "Number",
    "Parameter",
    "Places",
    "Posts",
    "Present",
    "Quantity",
    "Referral",
    "Service",
    "Shares",
    "Staffing",
    "Study",
    "TakeUp",
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
class Misses:
    """An end that comes with talks missed in a row at the service's clinic.

    Parameters
    ----------
    in_a_row : int
        How many.
    share : Number
        Share of the citizens to whom that happens who leave then.
    """

    in_a_row: int
    share: Number


@dataclass(frozen=True)
class End:
    """One way a stay can end: planned (`share`) or competing (`hazard` or `misses`), one of them.

    Parameters
    ----------
    share : Number or "rest" or None
        Latent share among the planned ends.
    hazard : Number or None
        Rate per day at which this end competes with the planned one.
    length : Length or None
        Law of the planned length; None takes the service's `length`.
    to : Shares
        Where next.
    status : Shares or None
        Outcome on discharge (ceased, reduced, ...), as observed among those who were there.
    without : Shares or None
        The outcome the same citizens would have had without the service; the difference is the effect.
    becomes : tuple of (str, Shares)
        Attributes that change: attribute -> shares of new values (``same`` keeps the value).
    misses : Misses or None
        Talks missed in a row with which this end competes with the planned one.
    """

    id: str
    share: Number | str | None
    hazard: Number | None
    length: Length | None
    to: Shares
    status: Shares | None = None
    without: Shares | None = None
    becomes: tuple[tuple[str, Shares], ...] = ()
    label: Label | None = None
    misses: Misses | None = None


@dataclass(frozen=True)
class Places:
    """Room of a service; all None means that no limit is known.

    Parameters
    ----------
    hard : Number or None
        Places at a time: no admission while present >= places.
    norm : Number or None
        Soft norm (citizens): admits beyond it, overload is measured.
    workable : Number or None
        Smallest workable number present.
    """

    hard: Number | None = None
    norm: Number | None = None
    workable: Number | None = None


@dataclass(frozen=True)
class Closing:
    """A service closes on a day.

    Parameters
    ----------
    on : float
        Day of closing.
    present : tuple of (str, Number or None, str)
        Where those present go: branch id, share (None = rest), destination.
    waiting : Shares
        Where those waiting go.
    afterwards : Shares
        Where later requests go.
    """

    on: float
    present: tuple[tuple[str, Number | None, str], ...]
    waiting: Shares
    afterwards: Shares


@dataclass(frozen=True)
class Staffing:
    """Staff time of one kind of contact.

    Parameters
    ----------
    per : str
        ``citizen`` (every present citizen) or ``session`` (held for the whole service while it is open).
    contacts : Number
        Contacts per day (per citizen present, or sessions held).
    hours : Number
        Staff hours per contact, all staff taken together.
    staff : str
        Kind of staff, such as ``therapist``, ``nurse``, ``doctor``.
    """

    id: str
    per: str
    contacts: Number
    hours: Number
    staff: str


@dataclass(frozen=True)
class Posts:
    """Full-time posts of one kind of staff.

    Parameters
    ----------
    staff : str
        Kind of staff, such as ``therapist``, or ``all``.
    number : Number
        Posts that there are.
    filled : Number
        Share of them that is filled.
    """

    staff: str
    number: Number
    filled: Number


@dataclass(frozen=True)
class Service:
    """A unit or offer with a length of stay and, perhaps, a limit on places.

    Parameters
    ----------
    group : str or None
        Group whose members a referral may choose between with ``nearest``.
    luck_key : str
        Family whose luck the service draws; copies made with ``like`` share it.
    opens : float
        Day of opening (``-inf``: from the start).
    before : Shares or None
        Where requests go that come before opening.
    order : str
        ``fifo`` or ``priority``.
    room : Number or None
        Largest number that may wait; None is no limit, 0 no waiting at all.
    patience : Length or None
        How long a citizen waits before giving up.
    gives_up, refused, ineligible : Shares
        Where those go who give up, find no place or waiting room, or are not eligible.
    eligible : Condition or None
        Who may be admitted.
    priority : CasedNumber
        Level in a priority queue, small first.
    blocking : bool
        Whether a place is held until the next service admits.
    treatment : bool
        Whether a stay here is treatment (stops the legal clock).
    between_courses : bool
        Whether a stay here separates one course of treatment from the next (away).
    death : CasedNumber
        Death rate per day while staying, and while waiting for it outside any stay.
    wait_goal : Number or None
        The service's own goal for internal waits, in days.
    distances : tuple of (str, Number)
        Distance to other sites, for ``nearest``.
    posts : tuple of Posts
        Full-time posts, where their number is known or assumed.
    clinic : Clinic or None
        Its calendar of appointments, on which no stay depends.
    """

    id: str
    label: Label
    site: str
    group: str | None
    luck_key: str
    opens: float
    before: Shares | None
    closes: Closing | None
    places: Places
    order: str
    room: Number | None
    patience: Length | None
    gives_up: Shares
    refused: Shares
    ineligible: Shares
    eligible: Condition | None
    priority: CasedNumber
    blocking: bool
    treatment: bool
    between_courses: bool
    length: Length | None
    ends: tuple[Case[tuple[End, ...]], ...]
    death: CasedNumber
    staff: tuple[Staffing, ...]
    wait_goal: Number | None
    distances: tuple[tuple[str, Number], ...] = ()
    groups: tuple[str, ...] = ()
    posts: tuple[Posts, ...] = ()
    clinic: Clinic | None = None


@dataclass(frozen=True)
class Arrivals:
    """When new citizens of a cohort come.

    Parameters
    ----------
    rate : Number or None
        Citizens per day.
    months : tuple of 12 Number or None
        Factor on the rate by calendar month.
    period, pattern : float or None, tuple of (float, Number)
        A repeating pattern: length of the period in days, and factors from given days into it.
    wave : tuple of Number or None
        ``(amplitude, period, phase)``: factor ``1 + amplitude * sin(2 pi (day - phase) / period)``.
    times : tuple of float
        Listed arrival days (instead of a rate).
    every : tuple of float or None
        ``(first, step)``: regular arrivals (instead of a rate).
    """

    rate: Number | None = None
    months: tuple[Number, ...] | None = None
    period: float | None = None
    pattern: tuple[tuple[float, Number], ...] = ()
    wave: tuple[Number, Number, Number] | None = None
    times: tuple[float, ...] = ()
    every: tuple[float, float] | None = None


@dataclass(frozen=True)
class Present:
    """Citizens who are in a service when the study starts.

    Parameters
    ----------
    at : str
        Service id, or ``home``.
    count : Number
        How many (rounded to a whole number).
    lengths : str
        ``residual`` (length-biased, part of the stay already spent) or ``fresh``.
    attributes : tuple of (str, str)
        What all of them have in common, in the place of the cohort's mixes.
    """

    id: str
    at: str
    count: Number
    lengths: str
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cohort:
    """A stream of citizens with common arrivals and attribute mixes.

    Parameters
    ----------
    attributes : tuple of (str, Shares)
        Mix of every attribute among newcomers, drawn independently.
    enters : Shares
        Where newcomers go first.
    legal_limit : Number or None
        The law's limit, in days, from request to first treatment.
    """

    id: str
    label: Label
    luck_key: str
    arrivals: Arrivals
    attributes: tuple[tuple[str, Shares], ...]
    enters: Shares | None
    present: tuple[Present, ...]
    legal_limit: Number | None


@dataclass(frozen=True)
class TakeUp:
    """Chance of accepting an offer, at the citizen's own site and elsewhere (same draw, so accepting is monotone)."""

    own_site: Number
    other_site: Number


@dataclass(frozen=True)
class Attend:
    """Chance of being able to attend."""

    share: Number


@dataclass(frozen=True)
class Referral:
    """A rule that offers citizens in some services another one.

    Parameters
    ----------
    at : str
        ``start_of``, ``end_of`` or ``during``.
    services : tuple of str
        The services in which it is considered (groups already resolved).
    rate : CasedNumber
        With ``during``: rate per day of being considered.
    to : str
        Service id, or the group when `nearest`.
    full : str
        ``queue``, ``refuse`` or ``next`` (try the next of a nearest group, then queue at the first).
    stay : str
        What becomes of the present stay: ``ends``, ``goes_on`` (while waiting) or ``beside`` (a strand of its own).
    returns : str
        What an end ``to: origin`` of the target leads to: ``resume`` (the remaining length) or ``fresh``.
    at_most : int
        How often it may be considered in one course.
    first, last : float
        Days between which the rule is in force.
    """

    id: str
    label: Label
    luck_key: str
    at: str
    services: tuple[str, ...]
    rate: CasedNumber
    when: Condition | None
    to: str
    nearest: bool
    take_up: tuple[Case[TakeUp], ...]
    attend: CasedNumber
    full: str
    stay: str
    returns: str
    at_most: int
    first: float
    last: float


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
