"""The rows of a log that belong to a subject, picked once and read by many measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crksim.analysis.occupancy import Levels, levels
from crksim.analysis.paths import DoorClocks, Paths
from crksim.analysis.scene import Scene
from crksim.model.clock import YEAR, Window
from crksim.model.vocabulary import MeasureAddress
from crksim.simulation.clinic import run_clinic
from crksim.simulation.cliniclog import ClinicLog
from crksim.simulation.luck import Luck
from crksim.simulation.staylog import OPENING, RESUMED, StayLog

__all__ = ["Measured", "Period", "Picker", "Rows", "divided", "quantile"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
#: Attributes and the values of each that pass.
Conditions = tuple[tuple[str, frozenset[str]], ...]

#: Requests that end so never stood in a queue.
_NEVER_QUEUED = ("refused", "ineligible", "declined", "too_far", "could_not_attend")


def quantile(ordered: Floats, share: float) -> float:
    """Return the quantile of values in rising order, between neighbours by their distance; NaN where there are none.

    Parameters
    ----------
    ordered : ndarray of float, shape (n,)
        Rising.
    share : float
        Between 0 and 1 (Hyndman and Fan, 1996, definition 7).
    """
    if not len(ordered):
        return float("nan")
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def divided(part: float, whole: float) -> float:
    """Return a share; NaN of nothing."""
    return part / whole if whole > 0 else float("nan")


class Rows:
    """Columns of picked rows.

    Parameters
    ----------
    log : StayLog
        The whole log.
    where : ndarray of int, shape (n,)
        Positions of the rows.
    main_only : bool
        Whether only the main strand counts as present, so that a citizen is there once.
    """

    def __init__(self, log: StayLog, where: Indices, main_only: bool = False) -> None:
        self.log, self.where, self.main_only = log, where, main_only
        self.periods: dict[Window, Period] = {}

    @cached_property
    def referred(self) -> Floats:
        """Days of referral."""
        return self.log.referred[self.where]

    @cached_property
    def admitted(self) -> Floats:
        """Days of admission, NaN before."""
        return self.log.admitted[self.where]

    @cached_property
    def left(self) -> Floats:
        """Days on which the rows closed, NaN while open."""
        return self.log.left[self.where]

    @cached_property
    def fresh(self) -> NDArray[np.bool_]:
        """Rows that are neither of the opening caseload nor a stay taken up again."""
        return np.asarray((self.log.flags[self.where] & (OPENING | RESUMED)) == 0, dtype=bool)

    @cached_property
    def is_stay(self) -> NDArray[np.bool_]:
        """Rows that were admitted."""
        return ~np.isnan(self.admitted)

    @cached_property
    def _is_present(self) -> NDArray[np.bool_]:
        """Stays that count as present."""
        return self.is_stay & (self.log.strand[self.where] == 0) if self.main_only else self.is_stay

    @cached_property
    def stays(self) -> tuple[Floats, Floats]:
        """Beginnings and ends of the stays that count as present."""
        return self.admitted[self._is_present], self.left[self._is_present]

    @cached_property
    def worked(self) -> tuple[Floats, Floats]:
        """Beginnings and ends of `stays` as far as staff works with the citizen: not while a place is only held."""
        return self.admitted[self._is_present], np.fmin(self.left, self.log.due[self.where])[self._is_present]

    @cached_property
    def queued(self) -> tuple[Floats, Floats]:
        """Beginnings and ends of the waits longer than no time."""
        until = np.where(self.is_stay, self.admitted, self.left)
        picked = ~(until <= self.referred) & ~np.isnan(self.referred)
        return self.referred[picked], until[picked]


class Period:
    """What happened to picked rows in a window; every part is worked out when it is first asked for.

    Parameters
    ----------
    rows : Rows
        The picked rows.
    window : Window
        Of positive length, inside the time that was watched.
    """

    def __init__(self, rows: Rows, window: Window) -> None:
        self.rows, self.window, self.years = rows, window, window.days / YEAR

    def within(self, days: Floats) -> NDArray[np.bool_]:
        """Return which of `days` lie in the window."""
        return (days >= self.window.start) & (days < self.window.end)

    @cached_property
    def starts(self) -> Indices:
        """Positions, among the picked rows, of stays that began in the window."""
        return np.flatnonzero(self.within(self.rows.admitted) & self.rows.fresh)

    @cached_property
    def closed(self) -> NDArray[np.bool_]:
        """Rows that closed in the window."""
        return self.within(self.rows.left)

    @cached_property
    def ended(self) -> Indices:
        """Positions, among the picked rows, of stays that ended in the window."""
        return np.flatnonzero(self.closed & self.rows.is_stay)

    @cached_property
    def ended_rows(self) -> Indices:
        """The same positions in the whole log."""
        return self.rows.where[self.ended]

    @cached_property
    def closings(self) -> NDArray[np.intp]:
        """Number of rows, stays or not, that closed by each end of the legend."""
        ends = self.rows.log.end_[self.rows.where[self.closed]]
        return np.bincount(ends[ends >= 0], minlength=len(self.rows.log.legend.ends))

    @cached_property
    def unadmitted(self) -> NDArray[np.intp]:
        """Number of requests never admitted that closed for each reason of the legend."""
        ends = self.rows.log.end_[self.rows.where[self.closed & ~self.rows.is_stay]]
        return np.bincount(ends[ends >= 0], minlength=len(self.rows.log.legend.ends))

    @cached_property
    def waits(self) -> Floats:
        """Waits of the stays that began in the window, rising."""
        return np.sort(self.rows.admitted[self.starts] - self.rows.referred[self.starts])

    @cached_property
    def internal_waits(self) -> Floats:
        """Waits of those stays that came by a referral rule, rising."""
        picked = self.starts[self.rows.log.rule[self.rows.where[self.starts]] >= 0]
        return np.sort(self.rows.admitted[picked] - self.rows.referred[picked])

    @cached_property
    def queue_waits(self) -> Floats:
        """Waits of all who left the queue in the window, admitted or not, rising."""
        rows, ends = self.rows, self.rows.log.legend.ends
        never = np.array([end in _NEVER_QUEUED for end in (*ends, "")])  # -1, an open row, reads the last
        until = np.where(rows.is_stay, rows.admitted, rows.left)
        picked = self.within(until) & rows.fresh
        picked &= rows.is_stay | ~never[rows.log.end_[rows.where]]
        return np.sort(until[picked] - rows.referred[picked])

    @cached_property
    def lengths(self) -> Floats:
        """Lengths of the stays that ended in the window, rising; of one taken up again only its first part."""
        picked = self.ended[(self.rows.log.flags[self.ended_rows] & RESUMED) == 0]
        return np.sort(self.rows.left[picked] - self.rows.admitted[picked])

    @cached_property
    def present(self) -> Levels:
        """Number present over the window."""
        return levels(*self.rows.stays, self.window)

    @cached_property
    def waiting(self) -> Levels:
        """Number waiting over the window."""
        return levels(*self.rows.queued, self.window)


class Picker:
    """Finds the rows of every subject of one log.

    Parameters
    ----------
    log : StayLog
        The rows.
    scene : Scene
        Groups and services of the world that was run.
    luck : Luck, optional
        That of the run, on which the clinics draw; by default that of replication 0 of seed 0.
    """

    def __init__(self, log: StayLog, scene: Scene, luck: Luck | None = None) -> None:
        self.log, self.scene, self.luck = log, scene, luck or Luck(0, 0)
        self.index = {service: i for i, service in enumerate(log.legend.services)}
        self.ends: Mapping[str, int] = {end: i for i, end in enumerate(log.legend.ends)}
        self.staffed_days: dict[tuple[str, float, float], float] = {}
        self._rows: dict[tuple[object, ...], Rows] = {}
        self._passing: dict[Conditions, NDArray[np.bool_]] = {}
        self._clocks: dict[tuple[object, ...], DoorClocks] = {}
        self._clinics: dict[str, ClinicLog] = {}
        self._order = np.argsort(log.service, kind="stable")
        self._bounds = np.concatenate(([0], np.cumsum(np.bincount(log.service, minlength=len(self.index)))))

    @cached_property
    def paths(self) -> Paths:
        """Whence citizens came and how their courses went."""
        return Paths(self.log, self.scene)

    def clinic(self, service: str) -> ClinicLog | None:
        """Return the appointments of a service, run when they are first asked for; None where it has no clinic."""
        if service not in self._clinics and service in self.scene.clinics:
            self._clinics[service] = run_clinic(self.scene.clinics[service], self.log, self.luck)
        return self._clinics.get(service)

    def period(self, address: MeasureAddress, window: Window) -> Period:
        """Return what happened to the rows of an address in `window`, the same object each time."""
        rows = self.rows(address)
        if window not in rows.periods:
            rows.periods[window] = Period(rows, window)
        return rows.periods[window]

    def service(self, service: str) -> Rows:
        """Return the rows of a service; none where the world does not have it."""
        key = ("service", service, ())
        if key not in self._rows:
            self._rows[key] = Rows(self.log, self._of_service(service))
        return self._rows[key]

    def members(self, address: MeasureAddress) -> tuple[str, ...]:
        """Return the services that an address speaks of."""
        if address.subject_kind == "service":
            return (address.subject,)
        if address.subject_kind == "group":
            return self.scene.groups.get(address.subject, ())
        return tuple(self.scene.services)

    def rows(self, address: MeasureAddress, extra: Conditions = ()) -> Rows:
        """Return the rows of an address's subject that pass its filter and `extra`."""
        return self._rows_of(address, address.filter + extra)

    def _rows_of(self, address: MeasureAddress, conditions: Conditions) -> Rows:
        key = (address.subject_kind, address.subject, conditions)
        if key not in self._rows:
            if conditions:
                where = self._rows_of(address, ()).where
                where = where[self.passing(conditions)[self.log.kind[where]]]
            else:
                where = self._of_subject(address)
            self._rows[key] = Rows(self.log, where, main_only=address.subject_kind in ("cohort", "all"))
        return self._rows[key]

    def clocks(self, address: MeasureAddress) -> DoorClocks:
        """Return the clocks of the requests at the door that are rows of an address."""
        key = (address.subject_kind, address.subject, address.filter)
        if key not in self._clocks:
            mine = np.zeros(len(self.log), dtype=bool)
            mine[self.rows(address).where] = True
            self._clocks[key] = self.paths.clocks.picked(mine[self.paths.clocks.row])
        return self._clocks[key]

    def passing(self, conditions: Conditions) -> NDArray[np.bool_]:
        """Return for each kind of the legend whether it passes every condition."""
        if conditions not in self._passing:
            passes = np.ones(len(self._kinds), dtype=bool)
            for name, allowed in conditions:
                passes &= np.array([kind.get(name) in allowed for kind in self._kinds], dtype=bool)
            self._passing[conditions] = passes
        return self._passing[conditions]

    @cached_property
    def _kinds(self) -> list[dict[str, str]]:
        return [dict(kind) for kind in self.log.legend.kinds]

    def _of_service(self, service: str) -> Indices:
        i = self.index.get(service)
        return self._order[:0] if i is None else self._order[self._bounds[i] : self._bounds[i + 1]]

    def _of_subject(self, address: MeasureAddress) -> Indices:
        if address.subject_kind in ("service", "group"):
            parts = [self._of_service(service) for service in self.members(address)]
            return np.concatenate(parts) if parts else self._order[:0]
        counted = np.array([service not in self.scene.between for service in self.log.legend.services], dtype=bool)
        picked = counted[self.log.service]
        if address.subject_kind == "cohort":
            cohorts = np.array([cohort == address.subject for cohort in self.log.legend.cohorts], dtype=bool)
            picked = picked & cohorts[self.log.cohort]
        return np.flatnonzero(picked)


#: What measures an address on a log.
Measured = Callable[[Picker, MeasureAddress, Window], float]
