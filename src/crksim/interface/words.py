"""``name=value`` words of a named command, read into a dataclass of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from crksim.errors import InputError, Problem, nearest
from crksim.interface.sheets import COMMAND_LINE

__all__ = ["read_words_into"]

Given = TypeVar("Given")


def read_words_into(kind: type[Given], words: Sequence[str], least: Mapping[str, int]) -> Given:
    """Return settings with what the words say of them.

    Parameters
    ----------
    kind : type
        A dataclass whose fields have defaults: whole numbers, texts, paths, and true or false.
    words : sequence of str
        ``name=value`` words.
    least : mapping of str to int
        Smallest value of every whole number.

    Raises
    ------
    InputError
        Unknown names and values that do not fit, all at once.
    """
    known: dict[str, Any] = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or name not in known:
            problems.append(Problem("word", word, "is not a setting", nearest(name, known), file=COMMAND_LINE))
            continue
        default = known[name]
        if isinstance(default, bool):
            if value not in ("true", "false"):
                problems.append(Problem(name, value, "must be true or false", file=COMMAND_LINE))
            values[name] = value == "true"
        elif isinstance(default, int):
            if not value.isdecimal() or int(value) < least[name]:
                rule = f"must be a whole number of at least {least[name]}"
                problems.append(Problem(name, value, rule, file=COMMAND_LINE))
            else:
                values[name] = int(value)
        else:
            values[name] = Path(value) if isinstance(default, Path) else value
    if "pool" in known:
        from crksim.analysis.pool import pool_problems

        chosen = {**known, **values}
        problems += (replace(it, file=COMMAND_LINE) for it in pool_problems(chosen["pool"], chosen["address"]))
    if problems:
        raise InputError(problems)
    return kind(**values)
