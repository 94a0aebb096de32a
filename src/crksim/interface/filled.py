"""What somebody has filled in, cell by cell: dates, names and numbers as Danes and the English write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem, nearest
from crksim.interface.base_words import FORM, rule
from crksim.model.own_numbers import OwnNumbers

if TYPE_CHECKING:
    from crksim.output.workbook_form import Filled

__all__ = ["Told", "read_filled", "to_date", "to_number"]

#: Numbers as text, with and without the separator of thousands.
_NUMBERS = {
    "da": re.compile(r"(\d{1,3}(?:\.\d{3})+|\d{1,9})(?:,(\d{1,6}))?", re.ASCII),
    "en": re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.(\d{1,6}))?", re.ASCII),
}
_SPACES = re.compile("[\\s\u00a0\u202f]")
_DAY_FIRST = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})", re.ASCII)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
#: Largest number that is believed, and longest name.
_MOST, _LONGEST = 1_000_000, 80
#: How long ahead a date is believed.
_LAST = "2100-01-01"


def to_number(value: object, lang: str) -> float | None:
    """Return a number from a cell, at least 0; None when it is none.

    Parameters
    ----------
    value : object
        What stands in the cell: a number, or text such as ``1.234,5`` in Danish.
    lang : str
        Whose separators are meant.
    """
    if isinstance(value, str):
        found = _NUMBERS[lang].fullmatch(_SPACES.sub("", value))
        if found is None:
            return None
        value = float(re.sub(r"[.,]", "", found[1]) + "." + (found[2] or "0"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _MOST else None


def to_date(value: object) -> str | None:
    """Return an ISO date from a cell; None when it is none.

    Parameters
    ----------
    value : object
        A date of Excel, ``28-11-2026``, ``28.11.2026`` or ``2026-11-28``.
    """
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    text = _SPACES.sub("", str(value))
    try:
        if _ISO.fullmatch(text):
            return dt.date.fromisoformat(text).isoformat()
        found = _DAY_FIRST.fullmatch(text)
        return None if found is None else dt.date(int(found[3]), int(found[2]), int(found[1])).isoformat()
    except ValueError:
        return None


@dataclass(frozen=True)
class Told:
    """Who says what when.

    Parameters
    ----------
    as_of, filled : str
        ISO dates: on which the numbers hold, and on which they were filled in.
    name : str
        Who filled them in.
    form : Filled
        The cells.
    file, lang : str
        Name of the workbook; language of what is said of faults.
    problems : tuple of Problem
        Faults above the table.
    """

    as_of: str
    filled: str
    name: str
    form: Filled
    file: str
    lang: str
    problems: tuple[Problem, ...] = ()

    def numbers(self, open_: Mapping[str, tuple[str, ...]], hard: Mapping[str, float]) -> dict[str, OwnNumbers]:
        """Return the numbers by service.

        Parameters
        ----------
        open_ : mapping of str to tuple of str
            Service -> columns that may be filled in.
        hard : mapping of str to float
            Places of services that admit nobody beyond them.

        Raises
        ------
        InputError
            Every cell that breaks a rule.
        """
        problems = list(self.problems)
        found: dict[str, OwnNumbers] = {}

        def fault(cell: str, value: object, key: str, near: str | None = None, **values: object) -> None:
            problems.append(Problem(cell, value, rule(key, self.lang, **values), near, file=self.file))

        seen: set[str] = set()
        for at, code, cells in self.form.rows:
            if code not in open_:
                if cells or code:
                    fault(at, code, "code", nearest(code, open_) if code else None)
                continue
            if code in seen:
                fault(at, code, "twice")
            seen.add(code)
            own = OwnNumbers(**self._row(cells, open_[code], fault))
            if any(value is not None for value in vars(own).values()):
                found[code] = own
            places = hard.get(code) if own.places is None else own.places
            if code in hard and own.present is not None and places is not None and own.present > places:
                fault(cells["present"][0], own.present, "over", places=f"{places:g}")
        if not found and not problems:
            problems.append(Problem("workbook", self.file, rule("nothing", self.lang)))
        if problems:
            raise InputError(problems)
        return found

    def _row(
        self, cells: Mapping[str, tuple[str, Any]], open_: tuple[str, ...], fault: Callable[..., None]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for column in FORM.columns:
            if column.id not in cells:
                continue
            at, value = cells[column.id]
            number = to_number(value, self.form.lang)
            whole = column.shape == "whole"
            if column.id not in open_:
                fault(at, value, "closed")
            elif number is None or (whole and not number.is_integer()):
                fault(at, value, column.shape)
            else:
                found[column.id] = int(number) if whole else number
        return found


def read_filled(form: Filled, file: str, start: str, lang: str) -> Told:
    """Read who filled a form in and when; faults wait for those of the table, but for the date that all hangs on.

    Parameters
    ----------
    form : Filled
        The cells.
    file : str
        Name of the workbook.
    start : str
        ISO date on which the study begins.
    lang : str
        Language of what is said of faults.
    """
    problems: list[Problem] = list(form.problems)
    found: dict[str, str] = {}
    for field in FORM.fields:
        at, value = form.fields.get(field.id, (_cell(field.id), None))
        read = to_date(value) if field.shape == "date" else str(value).strip()
        if value is None:
            told = rule("missing", lang, label=getattr(field.label, lang))
        elif field.shape == "date" and read is None:
            told = rule("date", lang)
        elif field.id == "as_of" and not start <= str(read) < _LAST:
            told = rule("early", lang, first=start, last=_LAST)
        elif field.shape == "text" and (len(str(read)) > _LONGEST or not str(read).isprintable() or "${" in str(read)):
            told = rule("person", lang)
        else:
            found[field.id] = str(read)
            continue
        problems.append(Problem(at, "" if value is None else value, told, file=file))
    return Told(
        as_of=found.get("as_of", _LAST),
        filled=found.get("filled", start),
        name=found.get("name", ""),
        form=form,
        file=file,
        lang=lang,
        problems=tuple(problems),
    )


def _cell(field: str) -> str:
    """Return the cell of a field that was left blank."""
    return f"C{[own.id for own in FORM.fields].index(field) + 3}"
