"""Numbers and formulas in plain words: dates, units, odds, and what has changed from one number to the next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from crksim.model.amounts import call_of, factors

__all__ = ["LONGEST", "NumberWords", "in_danish", "listed"]

#: Letters after which a formula is told by the numbers it is made of only.
LONGEST: Final = 120
_UNITS: Final[dict[str, str]] = {
    **{"years": "år", "year": "år", "months": "måneder", "month": "måned", "weeks": "uger", "week": "uge"},
    **{"days": "dage", "day": "dag", "hours": "timer", "hour": "time", "minutes": "minutter", "minute": "minut"},
    **{"person-years": "personår", "person-year": "personår"},
}
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-\d{2}")
_MONTHS: Final[dict[str, str]] = {
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "en": "January February March April May June July August September October November December",
}
_NAME = re.compile(r"@([a-z][a-z0-9_]*)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
Factor = tuple[str, int]


def in_danish(text: str) -> str:
    """Return a text with the units of a study in Danish."""
    return re.sub(r"[a-z]+(?:-[a-z]+)?", lambda m: _UNITS.get(m[0], m[0]), text)


def listed(words: list[str], lang: str, mark: str = ", ") -> str:
    """Return words as people list them: ``a, b og c``.

    Parameters
    ----------
    words : list of str
        At least one.
    lang : str
        ``da`` or ``en``.
    mark : str, optional
        What stands between them.
    """
    both = " og " if lang == "da" else " and "
    return both.join([mark.join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


class NumberWords:
    """What numbers are called in one language.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    name : callable
        Name of a parameter -> its label.
    """

    def __init__(self, lang: str, name: Callable[[str], str]) -> None:
        self.lang = lang
        self.name = name

    def say(self, da: str, en: str) -> str:
        """Return the text in the language."""
        return da if self.lang == "da" else en

    def plain(self, value: Any) -> str:
        """Return a number, a number with a unit, or a date, as people write it."""
        if isinstance(value, bool):
            return self.say("ja" if value else "nej", "yes" if value else "no")
        text = f"{value:g}" if isinstance(value, int | float) else str(value)
        if _DATE.fullmatch(text):
            year, month, day = (int(part) for part in text.split("-"))
            return self.say(f"{day}. ", f"{day} ") + _MONTHS[self.lang].split()[month - 1] + f" {year}"
        text = re.sub(r"^-(?=\d)", "−", text)
        if self.lang == "en" or not re.match(r"[−\d]", text):
            return text
        text = re.sub(r"(\d)\.(\d)", r"\1,\2", text)
        return in_danish(text)

    def number(self, value: Any) -> str:
        """Return a number or formula; a long formula by the numbers that it is made of."""
        if not isinstance(value, str) or "@" not in value:
            return self.plain(value)
        try:
            return self._made_of(value) if self._long(value) else self._product(list(factors(value)))[0]
        except ValueError:  # What is wrong with it is told where the change is made.
            return value

    def instead(self, old: Any, new: Any) -> str:
        """Return a new number beside the old one.

        Parameters
        ----------
        old, new : object
            As written in a study; `old` is None where nothing stood.
        """
        if old is None:
            return self.number(new)
        if old == new:
            return self.say("fortsat ", "still ") + self.number(new)
        try:
            change = self._told_by_change(str(old), str(new))
        except ValueError:
            change = None
        if change is not None:
            return change
        told = self.number(new)
        comma = "," if ", " in re.sub(r"'[^']*'", "", told) else ""
        return told + comma + self.say(" i stedet for ", " instead of ") + self.number(old)

    def _told_by_change(self, old: str, new: str) -> str | None:
        if "@" not in old + new:
            return None
        change = self._changed(old, new)
        if change is None and "@" in old and "@" in new:
            change = self._inside(old, new)
            if change is None and (self._long(old) or self._long(new)):
                change = self._other_names(old, new)
        return change

    def times(self, factor: Any) -> str:
        """Return a factor that a number is multiplied by, also in percent."""
        if factor == 1:
            return self.say("uændret", "unchanged")
        told = self.number(factor)
        if isinstance(factor, str) and "@" in factor and told != factor and self._product(list(factors(factor)))[1]:
            told = f"({told})"
        return self.say("ganget med ", "times ") + told + self._percent(factor)

    def _percent(self, factor: Any) -> str:
        if isinstance(factor, str) and not _NUMBER.fullmatch(factor):
            return ""
        change = float(factor) - 1
        return f" ({'+' if change >= 0 else '−'}{self.plain(float(f'{abs(change) * 100:.3g}'))} %)"

    def _long(self, value: str) -> bool:
        plain = "(" not in value and len(self._names(value)) < 3
        return not plain and len(self._product(list(factors(value)))[0]) > LONGEST

    def _made_of(self, value: str) -> str:
        names = self._names(value)
        if len(names) > 4:
            some = f"'{self.name(names[0])}' {self.say('og', 'and')} '{self.name(names[1])}'"
            return (
                self.say(f"en formel af {len(names)} tal, bl.a. ", f"a formula of {len(names)} numbers, such as ")
                + some
            )
        return self.say("en formel af ", "a formula of ") + self._quoted(names)

    def _quoted(self, names: list[str]) -> str:
        return listed([f"'{self.name(name)}'" for name in names], self.lang)

    def _names(self, value: str) -> list[str]:
        return list(dict.fromkeys(_NAME.findall(value)))

    def _inside(self, old: str, new: str) -> str | None:
        """Return what is different in a formula, when it is one number in it."""
        whole = all(len(list(factors(value))) == 1 for value in (old, new))
        one, other = _sole_call(old), _sole_call(new)
        if whole and (one is None or other is None or one[0] != other[0]):
            return None
        told = self._difference(old, new)
        if told is None or len(told) > 2 * LONGEST:
            return None
        return self.say("samme formel, men ", "the same formula, but ") + told

    def _difference(self, old: str, new: str) -> str | None:
        one, other = _sole_call(old), _sole_call(new)
        if one is not None and other is not None and one[0] == other[0]:
            pairs = [pair for pair in zip(one[1], other[1], strict=True) if not _same(*pair)]
            return self._difference(*pairs[0]) if len(pairs) == 1 else None
        before, after = Counter(_clean(old)), Counter(_clean(new))
        more, less = after - before, before - after
        if len(more) != 1 or len(less) != 1 or more.total() != less.total():
            return None
        (was, sign), (now, same) = *less, *more
        if sign != same:
            return None
        name, loose = self._factor(was)
        change = self._changed(was, now)
        if change is not None:
            return f"{f'({name})' if loose else name} {self.say('ændret', 'changed')}: {change}"
        if "(" in was and "(" in now:
            return self._difference(was, now)
        words = self.say("med", "with"), self._factor(now)[0], self.say("i stedet for", "instead of"), name
        return " ".join(words)

    def _other_names(self, old: str, new: str) -> str:
        """Return which numbers a long formula has instead of those of another."""
        before, after = self._names(old), self._names(new)
        more, less = ([n for n in a if n not in b] for a, b in ((after, before), (before, after)))
        if more and less:
            told = f"{self._quoted(more)} {self.say('i stedet for', 'instead of')} {self._quoted(less)}"
            return self.say("samme slags formel, men med ", "the same kind of formula, but with ") + told
        if more:
            return self.say("en formel, der nu også bruger ", "a formula that now also uses ") + self._quoted(more)
        if less:
            return self.say("en formel, der ikke længere bruger ", "a formula that no longer uses ") + self._quoted(
                less
            )
        return self.say("en anden formel af ", "another formula of ") + self._quoted(after)

    def _changed(self, old: str, new: str) -> str | None:
        """Return what was done to a number, when the new one is the old one with something done to it."""
        call = _sole_call(new)
        name, arguments = call or ("", [])
        if name == "least" and _NUMBER.fullmatch(arguments[0].strip()):
            inner = self._changed(old, arguments[1].strip())
            return inner and f"{inner}, {self.say('dog højst', 'but at most')} {self.plain(arguments[0].strip())}"
        if name == "whole":
            inner = self._changed(old, arguments[0].strip())
            return inner and f"{inner}, {self.say('rundet ned', 'rounded down')}"
        if name == "odds" and _same(arguments[0], old):
            return self._odds(arguments[1], 1)
        if name == "sum" and _same(arguments[0], old):
            return self._added(arguments[1])
        inside = _sole_call(arguments[0]) if name == "other" else None
        if inside is not None and inside[0] == "odds":
            rest = _sole_call(inside[1][0])
            if rest is not None and rest[0] == "other" and _same(rest[1][0], old):
                return self._odds(inside[1][1], -1)
        return self._factors_more(old, new)

    def _factors_more(self, old: str, new: str) -> str | None:
        before, after = Counter(_clean(old)), Counter(_clean(new))
        more, less = list((after - before).elements()), list((before - after).elements())
        if more and not less:
            return self._by(more)
        if less and not more:
            return self.say("ikke længere ", "no longer ") + self._by(less)
        return None

    def _by(self, parts: list[Factor]) -> str:
        """Return that a number is multiplied by factors, or divided where all of them divide."""
        if all(sign < 0 for _, sign in parts):
            by = [self._product([(part, 1)])[0] for part, _ in parts]
            return self.say("divideret med ", "divided by ") + self.say(" og med ", " and by ").join(by)
        if len(parts) == 1:
            return self.times(parts[0][0])
        told = self._product(parts)[0]
        if len(told) > LONGEST:
            told = self._made_of(" * ".join(part for part, _ in parts))
        return self.say("ganget med ", "times ") + told

    def _odds(self, ratio: str, sign: int) -> str:
        """Return that odds are multiplied, or divided, by a ratio; ``1 / a`` divides."""
        parts = [(part, s * sign) for part, s in factors(ratio) if part != "1"]
        return self.say("oddsene ", "odds ") + self._by(sorted(parts, key=lambda part: -part[1]))

    def _added(self, amount: str) -> str:
        parts = list(factors(amount))
        minus = parts[0][0].startswith("-")
        if minus:
            parts[0] = (parts[0][0][1:].strip(), parts[0][1])
            parts = parts[1:] if parts[0][0] == "1" and len(parts) > 1 else parts
        told = self._product(parts)[0]
        return ("minus " if minus else "plus ") + (told if len(told) <= LONGEST else self._made_of(amount))

    def _product(self, parts: list[Factor]) -> tuple[str, bool]:
        """Return a product in words, and whether it must stand in brackets inside another."""
        told = ""
        for part, sign in parts:
            words, loose = self._factor(part)
            if loose and len(parts) > 1:
                words = f"({words})"
            told += (" × " if sign > 0 else " / ") + words if told else words
        return told, len(parts) == 1 and self._factor(parts[0][0])[1]

    def _factor(self, part: str) -> tuple[str, bool]:
        call = call_of(part)
        if call is None:
            return (f"'{self.name(part[1:])}'" if part.startswith("@") else self.plain(part)), False
        name, arguments = call
        first = self._argument(arguments[0])
        if name == "odds":
            return f"{first} {self.say('med', 'with its')} {self._odds(arguments[1], 1)}", True
        if name == "other":
            return f"1 minus {first}", True
        if name == "whole":
            return f"{first} {self.say('rundet ned', 'rounded down')}", True
        second = self._argument(arguments[1])
        if name == "sum":
            return f"{first} {self._added(arguments[1])}", True
        if name == "saturating":
            half = f"({self.say('halvdelen ved', 'half of it at')} {self._argument(arguments[2])})"
            grows = self.say("stigende med", "growing with")
            return f"{self.say('højst', 'at most')} {first}, {grows} {second} {half}", True
        if _NUMBER.fullmatch(arguments[0].strip()):
            limit = self.say("højst", "at most") if name == "least" else self.say("mindst", "at least")
            return f"{second}, {limit} {first}", True
        which = ("det mindste", "the smaller") if name == "least" else ("det største", "the larger")
        return f"{self.say(*which)} {self.say('af', 'of')} {first} {self.say('og', 'and')} {second}", True

    def _argument(self, text: str) -> str:
        told, loose = self._product(list(factors(text)))
        return f"({told})" if loose else told


def _sole_call(text: str) -> tuple[str, list[str]] | None:
    """Return the function that a number is, or None where it is a product or a plain number."""
    parts = list(factors(text)) if "(" in text else []
    return call_of(parts[0][0]) if len(parts) == 1 else None


def _clean(text: str) -> list[Factor]:
    return [(re.sub(r"\s+", "", part) if "@" in part else part, sign) for part, sign in factors(text)]


def _same(one: str, other: str) -> bool:
    return Counter(_clean(one)) == Counter(_clean(other))
