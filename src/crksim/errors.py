"""What can go wrong, drawn as a tree.

::

    CrksimError                 everything crksim raises on purpose; `exit_code` for the command line
    ├── InputError              wrong input: one `Problem` a line, all of them at once (exit code 2)
    ├── CheckError              the model failed a check of its own (exit code 3)
    └── DiskError               files cannot be written; what is kept stays (exit code 4)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["CheckError", "CrksimError", "DiskError", "InputError", "Problem", "nearest"]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word closest to `word`, or None when nothing is close.

    Parameters
    ----------
    word : str
        What was typed.
    known : iterable of str
        What would have been understood.
    """
    found = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.5)
    return found[0] if found else None


@dataclass(frozen=True)
class Problem:
    """One fault in the input: where it stands, what stands there, which rule it breaks.

    Parameters
    ----------
    address : str
        Dotted address of the value, such as ``services.youth_group.places.hard``.
    value : object
        What was found there.
    rule : str
        What is asked of the value, as a clause: ``must be at least 0``.
    nearest : str, optional
        The nearest valid choice.
    file : str, optional
        File that holds the value, or ``command line``.
    line : int, optional
        Line in that file, counted from 1.
    """

    address: str
    value: object
    rule: str
    nearest: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.file is None else self.file
        if self.line is not None:
            where += f":{self.line}"
        hint = "" if self.nearest is None else f"; did you mean '{self.nearest}'?"
        shown = repr(self.value)
        if len(shown) > 80:
            shown = shown[:77] + "..."
        return f"{where + ': ' if where else ''}{self.address} = {shown}: {self.rule}{hint}"


class CrksimError(Exception):
    """Anything crksim raises on purpose; the text is meant for its user."""

    exit_code = 2


class InputError(CrksimError):
    """Input that breaks rules; every broken rule is one line.

    Parameters
    ----------
    problems : sequence of Problem
        All faults found, in the order of the input.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CheckError(CrksimError):
    """The model broke one of its own invariants; a defect of crksim, not of the input."""

    exit_code = 3


class DiskError(CrksimError):
    """Files cannot be written; what was kept before stays, and the same command goes on from there."""

    exit_code = 4
