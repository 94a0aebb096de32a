"""Time as people write it, and as days.

Inside crksim a time is a number of days since the study's start, a duration is in days and a rate is per day.  A year
is 365.25 days and a month a twelfth of it; only dates follow the real calendar.  The sign and the range of a number
are not looked at here: what a number may be depends on where it stands.
"""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "GRID",
    "MONTH",
    "WEEK",
    "YEAR",
    "Window",
    "date_of",
    "format_duration",
    "format_rate",
    "month_index",
    "month_starts",
    "parse_date",
    "parse_duration",
    "parse_quantity",
    "parse_rate",
    "parse_window",
]

YEAR = 365.25
"""Days in a year."""
MONTH = YEAR / 12
"""Days in a month."""
WEEK = 7.0
"""Days in a week."""
GRID = 2.0**-20
"""Days between two neighbouring points of time (0.08 seconds)."""

_UNITS = {"year": YEAR, "month": MONTH, "week": WEEK, "day": 1.0, "hour": 1.0 / 24, "minute": 1.0 / 1440}
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_UNIT = r"(?P<unit>" + "|".join(_UNITS) + r")s?"
_PLAIN = re.compile(rf"\s*(?P<number>{_NUMBER})\s*(?P<percent>%?)\s*")
_DURATION = re.compile(rf"\s*(?P<number>{_NUMBER})\s*{_UNIT}\s*", re.IGNORECASE)
_RATE = re.compile(rf"\s*(?P<number>{_NUMBER})\s*/\s*(?P<per>{_NUMBER})?\s*(?:person-)?{_UNIT}\s*", re.IGNORECASE)
_COMMA = re.compile(r"\d,\d")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

_DURATION_RULE = "must be a duration such as '3 months'"
_RATE_RULE = "must be a rate such as '25 / year' or '2.7 / 100 person-years'"
_DATE_RULE = "must be a date such as '2016-10-01'"
_QUANTITY_RULE = "must be a number, a share such as '24 %', a duration such as '3 months' or a rate such as '25 / year'"
_WINDOW_RULE = "must be a span such as '2017', '2018..2020' or '2016-10-01..2017-06-30'"


@dataclass(frozen=True)
class Window:
    """A span of time, from `start` up to but not including `end`.

    Parameters
    ----------
    start, end : float
        Days since the study's start.
    """

    start: float
    end: float

    @property
    def days(self) -> float:
        """Length of the span in days."""
        return self.end - self.start


def parse_duration(text: object) -> float:
    """Read a duration.

    Parameters
    ----------
    text : str
        Such as ``3 months``, ``1.5 years``, ``30 minutes``.

    Returns
    -------
    float
        Days.

    Raises
    ------
    ValueError
        When the text is no duration; the message is a clause on the value.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(_DURATION_RULE + _hint(text, "duration"))
    return _finite(float(match["number"]) * _UNITS[match["unit"].lower()])


def parse_rate(text: object) -> float:
    """Read a rate.

    Parameters
    ----------
    text : str
        Such as ``25 / year``, ``2.7 / 100 person-years``, ``0.03 / person-year``.

    Returns
    -------
    float
        Per day.

    Raises
    ------
    ValueError
        When the text is no rate; the message is a clause on the value.
    """
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(_RATE_RULE + _hint(text, "rate"))
    per = float(match["per"] or 1.0) * _UNITS[match["unit"].lower()]
    if not per > 0.0:
        raise ValueError(_RATE_RULE + "; what it is counted over must be above 0")
    return _finite(float(match["number"]) / per)


def parse_quantity(text: object) -> tuple[float, str]:
    """Read a number, a share, a duration or a rate.

    Parameters
    ----------
    text : str or float
        Such as ``8``, ``"0.24"``, ``"24 %"``, ``"3 months"``, ``"25 / year"``.

    Returns
    -------
    tuple of (float, str)
        The number (in days, per day, or without unit) and its dimension: ``duration``, ``rate`` or ``number``.

    Raises
    ------
    ValueError
        When it is none of them, not finite, or true or false.
    """
    if isinstance(text, bool):
        raise ValueError(f"{_QUANTITY_RULE}, not true or false")
    if isinstance(text, int | float | np.integer | np.floating):
        return _finite(float(text)), "number"
    if isinstance(text, str):
        plain = _PLAIN.fullmatch(text)
        if plain is not None:
            number = float(plain["number"])
            return _finite(number / 100.0 if plain["percent"] else number), "number"
        if _DURATION.fullmatch(text):
            return parse_duration(text), "duration"
        if _RATE.fullmatch(text):
            return parse_rate(text), "rate"
    raise ValueError(_QUANTITY_RULE + _hint(text, "quantity"))


def parse_date(text: object, start: str) -> float:
    """Read a calendar date.

    Parameters
    ----------
    text : str or datetime.date
        ISO date.
    start : str
        ISO date of day 0.

    Returns
    -------
    float
        Days from `start` to the beginning of that date.

    Raises
    ------
    ValueError
        When it is no date of the calendar.
    """
    return float(_ordinal(text) - _ordinal(start))


def date_of(day: float, start: str) -> str:
    """Return the ISO date on which `day` (days since `start`, an ISO date) falls.

    Raises
    ------
    ValueError
        When the day is not finite, or lies outside the years 1 to 9999.
    """
    try:
        return datetime.date.fromordinal(_ordinal(start) + math.floor(day)).isoformat()
    except (OverflowError, ValueError):
        raise ValueError(f"must be a day of the calendar (got {day!r})") from None


def format_duration(days: float, digits: int | None = None) -> str:
    """Write a duration so that `parse_duration` reads it back.

    Parameters
    ----------
    days : float
        Duration in days.
    digits : int, optional
        Significant digits; without it the text stands for the number exactly (to the last bit or two).

    Returns
    -------
    str
        Exactly: in the largest unit in which it is a short number of at least one, else in days.  Rounded: in the
        largest unit of which it is at least two.
    """
    fitting = [unit for unit in ("year", "month", "day", "hour", "minute") if abs(days) >= _UNITS[unit]] or ["day"]
    if digits is not None:
        unit = next((unit for unit in fitting if abs(days) >= 2 * _UNITS[unit]), fitting[-1])
        return _with_unit(f"{days / _UNITS[unit]:.{digits}g}", unit)
    for unit in fitting:
        count = _short(days, _UNITS[unit])
        if count is not None:
            return _with_unit(count, unit)
    return _with_unit(repr(float(days)), "day")


def format_rate(per_day: float, digits: int | None = None) -> str:
    """Write a rate so that `parse_rate` reads it back.

    Parameters
    ----------
    per_day : float
        Rate per day.
    digits : int, optional
        Significant digits; without it the text stands for the number exactly (to the last bit or two).

    Returns
    -------
    str
        Exactly: per year, month, week or day, whichever text is shortest.  Rounded: per year.
    """
    if digits is not None:
        return f"{per_day * YEAR:.{digits}g} / year"
    texts = []
    for unit in ("year", "month", "week", "day"):
        count = _short(per_day, 1.0 / _UNITS[unit])
        if count is not None:
            texts.append(f"{count} / {unit}")
    return min(texts, key=len) if texts else f"{float(per_day)!r} / day"


def month_index(days: ArrayLike, start: str) -> NDArray[np.int64]:
    """Return the calendar month in which days fall.

    Parameters
    ----------
    days : array_like of float, any shape
        Days since `start`.
    start : str
        ISO date of day 0.

    Returns
    -------
    ndarray of int64, same shape
        0 for January to 11 for December.
    """
    whole = np.floor(np.asarray(days, dtype=np.float64)).astype(np.int64)
    months = (np.datetime64(start, "D") + whole.astype("timedelta64[D]")).astype("datetime64[M]").astype(np.int64)
    return np.asarray(months % 12, dtype=np.int64)


def month_starts(start: str, days: float) -> NDArray[np.float64]:
    """Return the days on which calendar months begin.

    Parameters
    ----------
    start : str
        ISO date of day 0.
    days : float
        Length of the span in days.

    Returns
    -------
    ndarray of float64, shape (n,)
        From the beginning of the month that holds day 0 (0 or before) to the first at or after `days`, rising.
    """
    origin = np.datetime64(start, "D")
    first = origin.astype("datetime64[M]")
    last = (origin + np.timedelta64(math.ceil(days), "D")).astype("datetime64[M]") + 1
    begins: NDArray[np.float64] = (np.arange(first, last + 1).astype("datetime64[D]") - origin).astype(np.float64)
    return begins[: int(np.searchsorted(begins, days, side="left")) + 1]


def parse_window(text: object, start: str) -> Window:
    """Read a span of the calendar; both ends are named and belong to it.

    Parameters
    ----------
    text : str or int
        A year, a month or a date, or two of them: ``2017``, ``2018..2020``, ``2016-10-01..2017-06-30``.
    start : str
        ISO date of day 0.

    Returns
    -------
    Window
        From the beginning of the first day to the end of the last one.

    Raises
    ------
    ValueError
        When the text is no span, or ends before it begins.
    """
    if isinstance(text, datetime.date) and not isinstance(text, datetime.datetime):
        text = text.isoformat()
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        raise ValueError(_WINDOW_RULE)
    first, dots, last = (part.strip() for part in text.partition(".."))
    begin = _span(first, start)[0]
    end = _span(last if dots else first, start)[1]
    if end <= begin:
        raise ValueError(f"{_WINDOW_RULE}; it ends before it begins")
    return Window(begin, end)


def _span(text: str, start: str) -> tuple[float, float]:
    """Return the first day of a year, a month or a date, and the day after its last."""
    try:
        if re.fullmatch(r"\d{4}", text):
            return parse_date(f"{text}-01-01", start), parse_date(f"{text}-12-31", start) + 1.0
        if re.fullmatch(r"\d{4}-\d{2}", text):
            begin = np.datetime64(text, "M")
            last = (begin + 1).astype("datetime64[D]") - 1
            return parse_date(f"{text}-01", start), parse_date(str(last), start) + 1.0
        day = parse_date(text, start)
    except ValueError:
        raise ValueError(_WINDOW_RULE) from None
    return day, day + 1.0


@lru_cache(maxsize=1024)
def _ordinal_of_text(text: str) -> int:
    return datetime.date.fromisoformat(text).toordinal()


def _ordinal(text: object) -> int:
    if isinstance(text, datetime.date) and not isinstance(text, datetime.datetime):
        return text.toordinal()
    if isinstance(text, str) and _DATE.fullmatch(text.strip()):
        try:
            return _ordinal_of_text(text.strip())
        except ValueError as fault:
            raise ValueError(f"{_DATE_RULE}; {fault}") from None
    raise ValueError(_DATE_RULE)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    return number


def _hint(text: object, wanted: str) -> str:
    """Return what is most likely wrong with `text`, as a further clause, or nothing."""
    if isinstance(text, bool):
        return ", not true or false"
    if isinstance(text, str) and _COMMA.search(text):
        return "; write decimals with a point, not a comma"
    if wanted == "quantity":
        return ""
    bare = isinstance(text, int | float) or (isinstance(text, str) and _PLAIN.fullmatch(text) is not None)
    return "; it has no unit" if bare else ""


def _short(amount: float, unit: float) -> str | None:
    """Return `amount` counted in `unit` with up to six digits, or None when that would change the number."""
    text = f"{amount / unit:.6g}"
    return text if math.isclose(float(text) * unit, amount, rel_tol=1e-14, abs_tol=0.0) else None


def _with_unit(count: str, unit: str) -> str:
    return f"{count} {unit}" if float(count) in (1.0, -1.0) else f"{count} {unit}s"
