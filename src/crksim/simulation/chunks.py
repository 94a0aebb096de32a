"""Citizens whose luck is drawn together, ahead of time: for everyone who is on the way to a service at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crksim.simulation.behaviour import HOME, Behaviour, Outcome

if TYPE_CHECKING:
    from crksim.simulation.plan import Structure

__all__ = ["Chunk"]

#: Of those who come unforeseen, so many are drawn for alone; the next one with the whole cohort.
STRAYS = 2

_Places = NDArray[np.int64]


class Chunk:
    """Citizens whose luck is drawn together.

    A draw is worked out for everyone who is known to come to the same service for the same time: known because the
    stay before has been drawn already.  Who comes otherwise (a referral, a closing) is drawn for with everybody who
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
        #: Outcome and length in days by behaviour and visit, then by place.
        self.drawn: dict[int, dict[int, tuple[Outcome, float]]] = {}
        #: How often each was admitted, by family and place.
        self.visits = [[0] * len(bases) for _ in range(max(structure.families, default=-1) + 1)]
        #: Service -> those on the way who have not been drawn for: places, and which visit it will be.
        self._coming: dict[int, list[tuple[_Places, NDArray[np.int8]]]] = {}
        #: Family -> visits that are known of.
        self._ahead: dict[int, NDArray[np.int8]] = {}
        #: How many came unforeseen, by behaviour, visit and cohort.
        self._strays: dict[tuple[int, int], int] = {}

    def join(self, bases: NDArray[np.uint64], kinds: _Places) -> int:
        """Add citizens, before anything is drawn; return the place of the first of them."""
        first = len(self.bases)
        self.bases, self.kinds = np.concatenate((self.bases, bases)), np.concatenate((self.kinds, kinds))
        for counts in self.visits:
            counts += [0] * len(bases)
        self._ahead = {family: np.pad(known, (0, len(bases))) for family, known in self._ahead.items()}
        return first

    def expect(self, to: _Places, places: _Places) -> None:
        """Note where citizens go next.

        Parameters
        ----------
        to : ndarray of int, shape (n,)
            Services, or words for destinations.
        places : ndarray of int, shape (n,)
            Which citizens.
        """
        home = to == HOME
        if home.any():
            to = np.where(home, self.structure.homes(self.kinds[places]), to)
        for service in np.flatnonzero(np.bincount(to[to >= 0])).tolist():
            mine = places[to == service]
            family = self.structure.families[service]
            known = self._ahead.get(family)
            if known is None:
                known = self._ahead[family] = np.zeros(len(self.bases), np.int8)
            self._coming.setdefault(service, []).append((mine, known[mine]))
            known[mine] += 1

    def visited(self, service: int, places: _Places) -> None:
        """Note that citizens are in a service already."""
        known = self._ahead.setdefault(self.structure.families[service], np.zeros(len(self.bases), np.int8))
        known[places] += 1

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
        key = behaviour.key + nth
        drawn = self.drawn.get(key)
        if drawn is None:
            drawn = self.drawn[key] = {}
        self._draw_coming(drawn, behaviour, nth)
        found = drawn.get(place)
        if found is None:
            cohort = int(self.structure.cohorts_of(self.kinds[place : place + 1])[0])
            strays = self._strays[key, cohort] = self._strays.get((key, cohort), 0) + 1
            if strays == STRAYS:
                fitting = self.structure.fitting(behaviour.service, behaviour.signature)
                places = np.flatnonzero(fitting[self.kinds] & (self.structure.cohorts_of(self.kinds) == cohort))
                self._fill(drawn, behaviour, nth, places, known=False)
                found = drawn.get(place)
        if found is None:
            self._fill(drawn, behaviour, nth, np.array([place]), known=True)
            found = drawn[place]
        return found

    def _draw_coming(self, drawn: dict[int, tuple[Outcome, float]], behaviour: Behaviour, nth: int) -> None:
        """Draw for those who are on the way to the service for their nth visit and are of a kind that fits."""
        coming = self._coming.get(behaviour.service)
        if not coming:
            return
        places = np.concatenate([mine for mine, _ in coming])
        visit = np.concatenate([nths for _, nths in coming])
        now = visit == nth
        now &= self.structure.fitting(behaviour.service, behaviour.signature)[self.kinds[places]]
        if now.all():
            coming.clear()
        else:
            coming[:] = [(places[~now], visit[~now])]
            places = places[now]
        if len(places):
            self._fill(drawn, behaviour, nth, places, known=True)

    def _fill(
        self, drawn: dict[int, tuple[Outcome, float]], behaviour: Behaviour, nth: int, places: _Places, *, known: bool
    ) -> None:
        numbers, lengths, to = behaviour.stays(self.bases[places], nth)
        made, outcome = behaviour.made, behaviour.outcome
        outcomes = [made[number] or outcome(number) for number in numbers.tolist()]
        drawn.update(zip(places.tolist(), zip(outcomes, lengths.tolist(), strict=True), strict=True))
        if known:
            self.expect(to, places)
