"""What was meant by a value that planners write as they speak: the nearest form that crksim reads.

====================  =========================
``2,5``               ``2.5``
``12 pladser``        ``12``
``3 måneder``         ``3 months``
``25 om året``        ``25 / year``
``1. februar 2018``   ``2018-02-01``
====================  =========================
"""

from __future__ import annotations

import datetime
import re

__all__ = ["meant_date", "meant_quantity"]

_COMMA = re.compile(r"(\d),(\d)")
_NUMBER = r"([+-]?\d+(?:\.\d+)?)"
_WORDS = {
    "year": ("år", "året", "aar", "aaret", "year", "years"),
    "month": ("måned", "måneder", "måneden", "maaned", "maaneder", "mdr", "md", "month", "months"),
    "week": ("uge", "uger", "ugen", "week", "weeks"),
    "day": ("dag", "dage", "dagen", "døgn", "doegn", "døgnet", "day", "days"),
    "hour": ("time", "timer", "timen", "hour", "hours"),
    "minute": ("minut", "minutter", "minuttet", "min", "minute", "minutes"),
}
_UNITS = {word: unit for unit, words in _WORDS.items() for word in words}
_MONTHS = ("jan", "feb", "mar", "apr", "ma", "jun", "jul", "aug", "sep", "o", "nov", "dec")
_SHARE = re.compile(rf"{_NUMBER}\s*(?:%|pct\.?|procent|percent)")
_COUNT = re.compile(rf"{_NUMBER}\s*([^\W\d_]+)\.?")
_RATE = re.compile(rf"{_NUMBER}\s*(?:[^\W\d_]+\s+)?(?:/|pr\.?|per|om|i|a)\s*([^\W\d_]+)\.?")
_DAY_FIRST = re.compile(r"(\d{1,2})[.\s/-]+([^\W\d_]+|\d{1,2})[.\s/-]+(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[.\s/-]+(\d{1,2})[.\s/-]+(\d{1,2})")


def meant_quantity(value: object, dimension: str) -> str | None:
    """Return the number that was meant, as crksim reads it, or None where that is not plain.

    Parameters
    ----------
    value : object
        What was written.
    dimension : str
        What is wanted: ``number``, ``duration``, ``rate``, or ``hours``.
    """
    if not isinstance(value, str):
        return None
    text = _COMMA.sub(r"\1.\2", value)
    plain = text.strip().lower()
    share, counted, rate = (pattern.fullmatch(plain) for pattern in (_SHARE, _COUNT, _RATE))
    if dimension == "number" and share:
        return f"{share[1]} %"
    if counted and dimension == "number" and counted[2] not in _UNITS:
        return counted[1]
    if counted and dimension in ("duration", "hours") and counted[2] in _UNITS:
        return f"{counted[1]} {_UNITS[counted[2]]}{'' if float(counted[1]) == 1 else 's'}"
    if rate and dimension == "rate" and rate[2] in _UNITS:
        return f"{rate[1]} / {_UNITS[rate[2]]}"
    return text if text != value else None


def meant_date(value: object) -> str | None:
    """Return the date that was meant, as crksim reads it, or None where that is not plain.

    Parameters
    ----------
    value : object
        What was written; of numbers alone the day comes first, as in Danish.
    """
    text = str(value).strip().lower()
    first, last = _DAY_FIRST.fullmatch(text), _YEAR_FIRST.fullmatch(text)
    if first:
        year, month, day = first[3], first[2], first[1]
    elif last:
        year, month, day = last[1], last[2], last[3]
    else:
        return None
    number = int(month) if month.isdigit() else _month(month)
    try:
        return datetime.date(int(year), number, int(day)).isoformat()
    except ValueError:
        return None


def _month(word: str) -> int:
    """Return the number of a month by its Danish or English name, short or long; 0 for anything else."""
    return next((number for number, head in enumerate(_MONTHS, 1) if word.startswith(head)), 0)
