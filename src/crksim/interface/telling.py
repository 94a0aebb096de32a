"""What is wrong, told in the language of who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crksim.errors import CrksimError, InputError, Problem

__all__ = ["reason", "told", "told_in", "told_problem"]


def told(error: CrksimError, lang: str) -> str:
    """Return what an error says, a line for each fault.

    Parameters
    ----------
    error : CrksimError
        What was raised.
    lang : str
        ``da`` or ``en``.
    """
    if lang != "da":
        return str(error)
    if isinstance(error, InputError):
        return "\n".join(told_problem(problem, lang) for problem in error.problems)
    from crksim.interface.danish import danish_failure

    return "\n".join(danish_failure(line) for line in str(error).split("\n"))


def told_problem(problem: Problem, lang: str) -> str:
    """Return one fault as one line.

    Parameters
    ----------
    problem : Problem
        The fault, its rule in English or in the language already.
    lang : str
        ``da`` or ``en``.
    """
    if lang != "da":
        return str(problem)
    from crksim.interface.danish import danish_problem

    return danish_problem(problem)


def reason(error: OSError, lang: str) -> str:
    """Return why the system refuses to read or write.

    Parameters
    ----------
    error : OSError
        What was raised.
    lang : str
        ``da`` or ``en``.
    """
    said = str(error.strerror)
    if lang != "da":
        return said
    from crksim.interface.danish import danish_phrase

    return danish_phrase(said)


@contextmanager
def told_in(lang: str) -> Iterator[None]:
    """Let errors that leave the block say what they say in a language; their problems stay as they are.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    """
    try:
        yield
    except CrksimError as error:
        error.args = (told(error, lang),)
        raise
