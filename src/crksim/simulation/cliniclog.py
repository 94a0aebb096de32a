"""What a clinic writes: booked talks, due talks, call-ins, and the hours that there were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOCTOR", "NURSE", "CallIns", "ClinicLog", "Talks"]

Floats = NDArray[np.float64]

DOCTOR, NURSE = 0, 1


@dataclass(frozen=True, eq=False)
class Talks:
    """Booked talks, in the order in which they were to be held; columns of equal length.

    Parameters
    ----------
    stay : ndarray of int
        Position of the stay in `ClinicLog.rows`.
    day : ndarray of float
        When the talk was to be held.
    wait : ndarray of float
        Days it lay later than it would have with nobody else in the calendar.
    staff : ndarray of int
        `DOCTOR` or `NURSE`.
    hours : ndarray of float
        Hours set aside for it.
    kept : ndarray of bool
        Whether the citizen came.
    run : ndarray of int
        How many in a row were missed, with this one; 0 when it was kept.
    appointment : ndarray of bool
        Whether a time had been agreed; else the citizen dropped in.
    """

    stay: NDArray[np.intp]
    day: Floats
    wait: Floats
    staff: NDArray[np.intp]
    hours: Floats
    kept: NDArray[np.bool_]
    run: NDArray[np.intp]
    appointment: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CallIns:
    """Days of the yearly call-ins.

    Parameters
    ----------
    visit_stay, visit_day, visit_kept : ndarray
        Every day on which a citizen was to come: stay, day, whether the citizen came.
    done_stay, done_wanted, done_day : ndarray
        Every call-in arranged: stay, when it was due, its last day; NaN where it was not gone through.
    hours : ndarray of float, shape (days,)
        The nurse's hours of observation on each day from day 0.
    """

    visit_stay: NDArray[np.intp]
    visit_day: Floats
    visit_kept: NDArray[np.bool_]
    done_stay: NDArray[np.intp]
    done_wanted: Floats
    done_day: Floats
    hours: Floats


@dataclass(frozen=True, eq=False)
class ClinicLog:
    """What happened in a clinic.

    Parameters
    ----------
    start, end : ndarray of float, shape (stays,)
        The stays: when the citizen was there, as far as it was watched.
    rows : ndarray of int, shape (stays,)
        Their positions in the log.
    talks : Talks
        Every booked talk.
    due_stay, due, until : ndarray, shape (due talks,)
        Every due talk: position of the stay among `rows`, when it was due and when the next one was.
    call_ins : CallIns
        The call-ins.
    supply : ndarray of float, shape (2, days)
        Hours that doctor and nurse have for citizens on each day from day 0.
    """

    start: Floats
    end: Floats
    rows: NDArray[np.intp]
    talks: Talks
    due_stay: NDArray[np.intp]
    due: Floats
    until: Floats
    call_ins: CallIns
    supply: Floats
