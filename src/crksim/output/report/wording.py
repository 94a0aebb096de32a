"""Numbers, ranges, chances and dates as a planner reads them, in Danish and English."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from crksim.model.network import Label

__all__ = ["Wording", "is_share", "texts"]

_MINUS = "\u2212"
_DASH = "\u2013"
#: Units of measures that are stored as parts of one and shown in per cent.
_SHARES = frozenset({"share"})


@cache
def texts() -> Mapping[str, Mapping[str, Any]]:
    """Return every text of report, figures and workbook: key -> language -> text."""
    return dict(yaml.safe_load(files(__package__).joinpath("texts.yaml").read_text("utf-8")))


def _needed(value: float) -> int:
    """Return how many decimals show the first digit of a small number that is not zero."""
    return 0 if value <= 0 or value >= 1 else min(3, math.ceil(-math.log10(value)))


@dataclass(frozen=True)
class Wording:
    """How one language says things.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    """

    lang: str

    def text(self, key: str, **values: object) -> str:
        """Return the text of a key, with its placeholders filled.

        Raises
        ------
        KeyError
            When there is no such text.
        """
        found = str(texts()[key][self.lang])
        return found.format(**values) if values else found

    def label(self, label: Label) -> str:
        """Return a label in this language."""
        return label.da if self.lang == "da" else label.en

    def number(self, value: float, decimals: int = 0, *, signed: bool = False) -> str:
        """Return a number with so many decimals, the separators of the language and a true minus sign."""
        if math.isnan(value):
            return _DASH
        if math.isinf(value):
            return ("" if value > 0 else _MINUS) + "∞"
        shown = f"{abs(value):,.{0 if value == 0 else decimals}f}"
        if self.lang == "da":
            shown = shown.translate(str.maketrans(",.", ".,"))
        if not any(digit in shown for digit in "123456789"):
            return shown
        sign = _MINUS if value < 0 else "+" if signed else ""
        return sign + shown

    def decimals(self, *scale: float, smallest: float = math.nan) -> int:
        """Return how many decimals suit numbers of this size: none above 20, and enough to show `smallest`."""
        size = max((abs(value) for value in scale if math.isfinite(value)), default=0.0)
        plain = 0 if size >= 20 else 1 if size >= 1 else 2
        return plain if math.isnan(smallest) or size >= 100 else max(plain, _needed(smallest))

    def plain(self, value: float) -> str:
        """Return a number on its own, without decimals where it is whole or large."""
        if math.isnan(value):
            return _DASH
        needed = next((n for n in range(3) if value == round(value, n)), 3)
        return self.number(value, min(needed, self.decimals(value, smallest=abs(value) or math.nan)))

    def per_cent(self, number: str) -> str:
        """Return a number with its per cent sign: ``17 %`` in Danish, ``17%`` in English."""
        return number if number == _DASH else number + ("\u00a0%" if self.lang == "da" else "%")

    def span(self, low: float, high: float, decimals: int = 0, *, signed: bool = False) -> str:
        """Return ``low to high``, without decimals where both are whole."""
        if math.isnan(low) or math.isnan(high):
            return _DASH
        if low % 1 == 0 and high % 1 == 0:
            decimals = 0
        first, last = (self.number(value, decimals, signed=signed) for value in (low, high))
        if first == last:
            return first if low == high or any(digit in first for digit in "123456789") else self.text("about_zero")
        return f"{first} {self.text('to')} {last}"

    def chance(self, share: float) -> str:
        """Return a probability as so many in ten: ``8 in 10``, ``under 1 in 10``, ``over 9 in 10``."""
        if math.isnan(share):
            return _DASH
        if share < 0.1:
            return self.text("chance_under")
        if share > 0.9:
            return self.text("chance_over")
        return self.text("chance", n=round(10 * share))

    def calendar(self, day: date) -> str:
        """Return a date in words: ``1. marts 2026``, ``1 March 2026``."""
        month = str(texts()["months"][self.lang]).split()[day.month - 1]
        return f"{day.day}. {month} {day.year}" if self.lang == "da" else f"{day.day} {month} {day.year}"

    def iso(self, text: str) -> str:
        """Return an ISO date in words, or the text itself when it is none."""
        try:
            return self.calendar(date.fromisoformat(text[:10]))
        except ValueError:
            return text

    def day(self, start: date, days: float) -> str:
        """Return the date so many days after `start`, or a dash where there is none."""
        return _DASH if math.isnan(days) else self.calendar(start + timedelta(days=math.floor(days)))

    def several(self, parts: list[str]) -> str:
        """Return ``a, b and c``."""
        return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" {self.text('and')} " + parts[-1]

    def first_small(self, sentence: str) -> str:
        """Return the text with a small first letter, for use inside a sentence, unless it is an initialism."""
        return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def is_share(unit: Label) -> bool:
    """Say whether numbers of a unit are parts of one, to be shown in per cent."""
    return unit.en.strip().lower() in _SHARES
