"""The Danish of what is wrong with the input: English rules are looked up when a fault is shown to a Dane.

Rules are English where they are found: the floors below know no reader. The files beside this one have each rule as a
template, the English above the Danish::

    must be a whole number of at least {least}
    skal være et helt tal på mindst {least}

What stands in braces is a slot, and whatever fills it in English fills it in Danish. After a colon stands what it is:

===========  ==========================================================================
``rule``     a rule itself, from these files
``failure``  what failed, from ``failures.txt``
``word``     a word or phrase of ``words.txt``
``maybe``    such a phrase, or anything else, which stays as it is
``list``     such phrases or words in quotation marks, between commas, 'or' and 'and'
``ids``      single words, between commas, 'or' and 'and'
===========  ==========================================================================

Where what fills a slot is not what the slot is for, another template is tried. Other braces are those of the rule.
Empty lines and lines that begin with ``#`` are for whoever reads the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from crksim.errors import Problem
from crksim.interface.sheets import COMMAND_LINE

__all__ = ["RULES", "Pair", "danish_failure", "danish_phrase", "danish_problem", "danish_rule", "pairs"]

_FOLDER = Path(__file__).parent
#: The files of rules, one for each floor that finds faults.
RULES = ("model", "analysis", "interface")
_COMMAND_LINE = "kommandolinjen"
_SLOT = re.compile(r"\{([a-z_]+)(?::(rule|failure|word|maybe|list|ids))?\}")
_BETWEEN = re.compile(r"(, | or | and )")
_JOINS = {" or ": " eller ", " and ": " og ", ", ": ", "}
_QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True)
class Pair:
    """A template in both languages.

    Parameters
    ----------
    english, danish : str
        With the same slots; only the English says what they are.
    where : str
        File and line of the English.
    """

    english: str
    danish: str
    where: str

    @cached_property
    def head(self) -> str:
        """What stands before the first slot."""
        return _SLOT.split(self.english, maxsplit=1)[0]

    @cached_property
    def rank(self) -> tuple[bool, int]:
        """Place in the order of trying: what goes on after another rule first, then what says most itself."""
        found = _SLOT.match(self.english)
        return found is None or found[2] != "rule", -len(_SLOT.sub("", self.english))

    @cached_property
    def slots(self) -> dict[str, str]:
        """Slot -> what it is; nothing where it stays as it is."""
        return {found[1]: found[2] or "" for found in _SLOT.finditer(self.english)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        text, end = "", 0
        for found in _SLOT.finditer(self.english):
            text += re.escape(self.english[end : found.start()]) + f"(?P<{found[1]}>.*?)"
            end = found.end()
        return re.compile(text + re.escape(self.english[end:]), re.DOTALL)

    def said(self, english: str) -> str | None:
        """Return the Danish of a text, or None where the template is not its own."""
        match = self._pattern.fullmatch(english) if english.startswith(self.head) else None
        if match is None:
            return None
        filled: dict[str, str] = {}
        for name, kind in self.slots.items():
            inner = _in_slot(match[name], kind)
            if inner is None:
                return None
            filled[name] = inner
        return _SLOT.sub(lambda found: filled[found[1]], self.danish)


def _in_slot(text: str, kind: str) -> str | None:
    """Return the Danish of what fills a slot, or None where it is not what the slot is for."""
    if kind == "rule":
        return danish_rule(text)
    if kind == "failure":
        return danish_failure(text)
    if kind == "maybe":
        return danish_phrase(text)
    if kind == "word":
        return _danish(text, "words")
    if kind in ("list", "ids"):
        parts = [_JOINS.get(part) or _listed(part, kind) for part in _BETWEEN.split(text)]
        return None if None in parts else "".join(part for part in parts if part)
    return text


def _listed(text: str, kind: str) -> str | None:
    if kind == "ids" and " " not in text:
        return text
    quoted = _QUOTED.fullmatch(text)
    return _danish(text, "words") if quoted is None else f"»{quoted[1]}«"


@cache
def pairs(file: str) -> tuple[Pair, ...]:
    """Return the templates of a file, in the order of trying.

    Parameters
    ----------
    file : str
        Its name, without ``.txt``.
    """
    lines = (_FOLDER / f"{file}.txt").read_text("utf-8").splitlines()
    told = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    found = [
        Pair(english, danish, f"{file}.txt:{number}")
        for (number, english), (_, danish) in zip(told[::2], told[1::2], strict=True)
    ]
    return tuple(sorted(found, key=lambda pair: pair.rank))


@cache
def _sorted(files: tuple[str, ...]) -> tuple[Pair, ...]:
    return tuple(sorted((pair for file in files for pair in pairs(file)), key=lambda pair: pair.rank))


def _danish(text: str, *files: str) -> str | None:
    return next((danish for pair in _sorted(files) if (danish := pair.said(text)) is not None), None)


def danish_rule(rule: str) -> str | None:
    """Return an English rule in Danish, or None where it is not in the files.

    Parameters
    ----------
    rule : str
        As in a `Problem`.
    """
    return _danish(rule, *RULES)


def danish_phrase(text: str) -> str:
    """Return a phrase in Danish; one that is not in the files stays.

    Parameters
    ----------
    text : str
        Part of a rule, or what the system says.
    """
    return _danish(text, "words") or text


def danish_problem(problem: Problem) -> str:
    """Return a fault as a line of Danish; a rule that is Danish already stays as it is.

    Parameters
    ----------
    problem : Problem
        The fault.
    """
    value = problem.value
    shown = replace(
        problem,
        address=_danish(problem.address, "addresses") or problem.address,
        value=(_danish(value, "values") or value) if isinstance(value, str) else value,
        rule=danish_rule(problem.rule) or problem.rule,
        nearest=None,
        file=_COMMAND_LINE if problem.file == COMMAND_LINE else problem.file,
    )
    return str(shown) if problem.nearest is None else f"{shown}; mente du »{problem.nearest}«?"


def danish_failure(line: str) -> str:
    """Return a line of what is told when the model fails a check of its own; one that is not in the files stays.

    Parameters
    ----------
    line : str
        As in a `CheckError`.
    """
    return _danish(line, "failures") or line
