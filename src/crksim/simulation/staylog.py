"""The one thing a run writes: a row for every request and the stay that may have followed it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCKED",
    "COLUMNS",
    "DIED",
    "LEAVE",
    "MOVED",
    "NOWHERE",
    "OPENING",
    "REASONS",
    "RESUMED",
    "Legend",
    "StayLog",
]

#: Column name -> numpy type.  Times are days since the study's start, NaN where a thing has not happened.
COLUMNS: Mapping[str, str] = {
    "cohort": "i2",  # index in legend.cohorts
    "citizen": "i8",  # number of the citizen within the cohort; the same imagined citizen in every world
    "row": "i4",  # 0, 1, 2 ... within the citizen, in order of referral
    "strand": "i2",  # 0 is the main strand, others stand beside it
    "service": "i2",  # index in legend.services
    "from_row": "i4",  # the row on the same citizen from which this one came, -1 at the door
    "rule": "i2",  # index in legend.rules, -1 without a rule
    "nth": "i2",  # nth visit of the citizen to the service's family, from 0; -1 if never admitted
    "kind": "i4",  # index in legend.kinds, when the row was referred (admitted, once it is)
    "referred": "f8",
    "admitted": "f8",
    "due": "f8",  # when the stay was to end, as known on admission
    "left": "f8",  # when the row closed: end of the stay, or of the waiting
    "end": "i2",  # index in legend.ends, -1 while open
    "to": "i2",  # next service, or LEAVE, DIED, NOWHERE
    "status": "i2",  # index in legend.statuses, -1 if none
    "without": "i2",  # the status that the same citizen would have had without the service, -1 if not stated
    "flags": "i2",  # sum of OPENING, RESUMED, BLOCKED, MOVED
}

OPENING, RESUMED, BLOCKED, MOVED = 1, 2, 4, 8
NOWHERE, LEAVE, DIED = -1, -2, -3

#: Reasons that stand first in ``legend.ends``; the network's own ends follow, sorted by id.  The first block closes
#: requests that were never admitted, the second closes stays.
REASONS = (
    "refused",  # no place and no waiting room
    "ineligible",
    "declined",
    "too_far",  # would have accepted at the own site
    "could_not_attend",
    "gave_up",
    "withdrawn",  # the stay during which it was waited came to an end
    "moved_waiting",  # the service closed while the citizen waited
    "transferred",  # a referral was taken: the stay ended for it
    "closed",  # the service closed
    "died",
)


@dataclass(frozen=True)
class Legend:
    """Names behind the numbers of a log, in index order.

    Parameters
    ----------
    services, cohorts, rules, ends, statuses : tuple of str
        Ids.
    kinds : tuple of tuple of (str, str)
        Attribute values of every kind, with ``cohort``.
    """

    services: tuple[str, ...]
    cohorts: tuple[str, ...]
    rules: tuple[str, ...]
    ends: tuple[str, ...]
    statuses: tuple[str, ...]
    kinds: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, eq=False)
class StayLog:
    """The log of one run: columns of equal length, rows sorted by cohort, citizen, row.

    Parameters
    ----------
    legend : Legend
        Names behind the numbers.
    start, end : float
        Days between which the run was watched.
    """

    legend: Legend
    start: float
    end: float
    cohort: NDArray[np.int16]
    citizen: NDArray[np.int64]
    row: NDArray[np.int32]
    strand: NDArray[np.int16]
    service: NDArray[np.int16]
    from_row: NDArray[np.int32]
    rule: NDArray[np.int16]
    nth: NDArray[np.int16]
    kind: NDArray[np.int32]
    referred: NDArray[np.float64]
    admitted: NDArray[np.float64]
    due: NDArray[np.float64]
    left: NDArray[np.float64]
    end_: NDArray[np.int16]
    to: NDArray[np.int16]
    status: NDArray[np.int16]
    without: NDArray[np.int16]
    flags: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.citizen)

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the columns by their names in `COLUMNS` order."""
        return {name: getattr(self, "end_" if name == "end" else name) for name in COLUMNS}

    def content_hash(self) -> str:
        """Return a hash of the rows that is the same on every machine and for every way of storing them."""
        digest = hashlib.sha256()
        for part in fields(self.legend):
            digest.update(repr(getattr(self.legend, part.name)).encode())
        for name, column in self.columns().items():
            kind = "<" + COLUMNS[name]
            digest.update(name.encode() + np.ascontiguousarray(column, dtype=kind).tobytes())
        return digest.hexdigest()
