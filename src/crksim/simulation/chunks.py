"""Citizens whose luck is drawn together, ahead of time: for everyone who is on the way to a service at once."""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crksim.simulation.behaviour import HOME, ORIGIN, Behaviour, Outcome

if TYPE_CHECKING:
    from crksim.simulation.plan import Structure

__all__ = ["Chunk"]

#: Of those who come unforeseen, so many are drawn for alone; the next one with the whole cohort.
STRAYS = 2
#: Where fewer than one citizen in so many is drawn for, what is drawn stands in dictionaries.
FEW = 32

#: Lengths in days and numbers of outcomes, by place, and outcomes by number.  Arrays take a tenth of the memory where
#: many are drawn for, and lie close together; a number that no outcome has stands where nothing is drawn.
Drawn = tuple["array[float] | dict[int, float]", "bytearray | array[int] | dict[int, int]", list[Any]]

_Places = NDArray[np.int64]
_Visits = NDArray[np.int16]


class Chunk:
    """Citizens whose luck is drawn together.

    A draw is worked out for everyone who is known to come to the same service: known because the stay before has been
    drawn already.  Who comes otherwise (a referral, a closing) is drawn for with everybody who
    could come.  What is drawn, and for how many at once, changes no number: luck is a pure function.

    Parameters
    ----------
    structure : Structure
        The world.
    bases : ndarray of uint64, shape (n,)
        The citizens' luck.
    kinds : ndarray of int, shape (n,)
        Their kinds now.
    """

    __slots__ = ("_ahead", "_coming", "_strays", "bases", "blocks", "drawn", "kinds", "structure", "visits")

    def __init__(self, structure: Structure, bases: NDArray[np.uint64], kinds: _Places) -> None:
        self.structure, self.bases, self.kinds = structure, bases, kinds
        #: What is drawn once for all of them, by what it is.
        self.blocks: dict[Any, Any] = {}
        #: What is drawn, by number of the behaviour and visit.
        self.drawn: list[list[Drawn]] = []
        #: How often each was admitted, by family and place.
        families = max(structure.families, default=-1) + 1
        self.visits: list[MutableSequence[int]] = [bytearray(len(bases)) for _ in range(families)]
        #: Service -> places of those on the way who have not been drawn for.
        self._coming: dict[int, list[_Places]] = {}
        #: Family -> visits that are known of.
        self._ahead: dict[int, _Visits] = {}
        #: How many came unforeseen, by behaviour, visit and cohort.
        self._strays: dict[tuple[int, int, int], int] = {}

    def join(self, bases: NDArray[np.uint64], kinds: _Places) -> int:
        """Add citizens, before anything is drawn; return the place of the first of them."""
        first = len(self.bases)
        self.bases, self.kinds = np.concatenate((self.bases, bases)), np.concatenate((self.kinds, kinds))
        for counts in self.visits:
            counts.extend(bytes(len(bases)))
        self._ahead = {family: np.pad(known, (0, len(bases))) for family, known in self._ahead.items()}
        return first

    def count(self, family: int, place: int, visits: int) -> None:
        """Note how often a citizen was admitted, be it more often than a byte can hold."""
        try:
            self.visits[family][place] = visits
        except ValueError:
            self.visits[family] = list(self.visits[family])
            self.visits[family][place] = visits

    def expect(self, to: _Places, places: _Places) -> None:
        """Note where citizens go next.

        Parameters
        ----------
        to : ndarray of int, shape (n,)
            Services, or words for destinations.
        places : ndarray of int, shape (n,)
            Which citizens.
        """
        numbers = np.bincount(to - ORIGIN)  # no word lies below `ORIGIN`
        if len(numbers) > HOME - ORIGIN and numbers[HOME - ORIGIN]:
            to = np.where(to == HOME, self.structure.homes(self.kinds[places]), to)
            numbers = np.bincount(to - ORIGIN)
        ends = numbers.cumsum().tolist()
        sorted_places = places[np.argsort(to.astype(np.int16), kind="stable")]
        for which in numbers.nonzero()[0].tolist():
            service = which + ORIGIN
            if service < 0:
                continue
            mine = sorted_places[ends[which - 1] : ends[which]]
            self._coming.setdefault(service, []).append(mine)

    def visited(self, service: int, places: _Places) -> _Visits:
        """Note that citizens are in a service, or on the way to it; return how often they are known to have been."""
        family = self.structure.families[service]
        known = self._ahead.get(family)
        if known is None:
            known = self._ahead[family] = np.zeros(len(self.bases), np.int16)
        visits = known[places]
        known[places] = visits + 1
        return visits

    def draw(self, behaviour: Behaviour, nth: int, place: int) -> tuple[Outcome, float]:
        """Return outcome and length of a citizen's nth visit, in days, when it is not among the `drawn` yet.

        Parameters
        ----------
        behaviour : Behaviour
            What the service draws for citizens of that kind now.
        nth : int
            How often the citizen was admitted to the family before.
        place : int
            The citizen.
        """
        self._draw_coming(behaviour)
        found = self._found(behaviour, nth, place)
        if found is None:
            cohort = int(self.structure.cohorts_of(self.kinds[place : place + 1])[0])
            key = behaviour.number, nth, cohort
            strays = self._strays[key] = self._strays.get(key, 0) + 1
            if strays == STRAYS:
                fitting = self.structure.fitting(behaviour.service, behaviour.signature)
                places = np.flatnonzero(fitting[self.kinds] & (self.structure.cohorts_of(self.kinds) == cohort))
                self._fill(behaviour, nth, places)
                found = self._found(behaviour, nth, place)
        if found is None:
            self.expect(self._fill(behaviour, nth, np.array([place])), np.array([place]))
            found = self._found(behaviour, nth, place)
            assert found is not None
        return found

    def _found(self, behaviour: Behaviour, nth: int, place: int) -> tuple[Outcome, float] | None:
        """Return outcome and length of a citizen's visit, if it is drawn."""
        try:
            lengths, numbers, made = self.drawn[behaviour.number][nth]
            return made[numbers[place]], lengths[place]
        except LookupError:
            return None

    def _draw_coming(self, behaviour: Behaviour) -> None:
        """Draw for those who are on the way to the service and are of a kind that fits."""
        coming = self._coming.pop(behaviour.service, None)
        if coming is None:
            return
        places = np.concatenate(coming)
        fitting = self.structure.fitting(behaviour.service, behaviour.signature)
        if not fitting.all():
            now = fitting[self.kinds[places]]
            if not now.all():
                self._coming[behaviour.service] = [places[~now]]
                places = places[now]
        if len(places):
            visits = self.visited(behaviour.service, places)
            first = int(visits[0])
            to = self._fill(behaviour, first if (visits == first).all() else visits, places)
            self.expect(to, places)

    def _fill(self, behaviour: Behaviour, nth: int | _Visits, places: _Places) -> _Places:
        """Draw one visit for each of some citizens, the nth of all or of each; return where they lead."""
        numbers, lengths, to = behaviour.stays(self.bases[places], nth)
        behaviour.make(numbers)
        if isinstance(nth, int):
            self._keep(behaviour, nth, places, lengths, numbers)
        else:
            for visit in np.flatnonzero(np.bincount(nth)).tolist():
                mine = np.flatnonzero(nth == visit)
                self._keep(behaviour, visit, places[mine], lengths[mine], numbers[mine])
        return to

    def _keep(
        self,
        behaviour: Behaviour,
        nth: int,
        places: _Places,
        lengths: NDArray[np.float64],
        numbers: NDArray[np.intp],
    ) -> None:
        """Keep what is drawn for the nth visit: in arrays by place, unless it is for few."""
        while len(self.drawn) <= behaviour.number:
            self.drawn.append([])
        visits = self.drawn[behaviour.number]
        while len(visits) <= nth:
            visits.append(({}, {}, behaviour.made))
        before, citizens = visits[nth], len(self.bases)
        if isinstance(before[0], dict) and (len(before[0]) + len(places)) * FEW >= citizens:
            nothing = bytearray(b"\xff") if len(behaviour.made) <= 0xFF else array("I", [0xFFFFFFFF])
            visits[nth] = (
                _by_place(before[0], array("d", [0.0]) * citizens),
                _by_place(before[1], nothing * citizens),
                behaviour.made,
            )
        for kept, values in zip(visits[nth][:2], (lengths, numbers), strict=True):
            if isinstance(kept, dict):
                kept.update(zip(places.tolist(), values.tolist(), strict=True))
            else:
                np.asarray(kept)[places] = values


def _by_place(values: Any, found: Any) -> Any:
    """Return an array in which values have their places."""
    if values:
        np.asarray(found)[list(values)] = list(values.values())
    return found
