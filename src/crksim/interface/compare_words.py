"""The words after ``crksim compare``: options, how they are compared, and the settings of all runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Protocol

from crksim.errors import InputError, Problem
from crksim.interface.comparing import Compare, compare_options
from crksim.interface.experiments import gathered
from crksim.interface.options import is_option, read_options
from crksim.interface.screen import Screen
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say
from crksim.interface.words import read_words_into

if TYPE_CHECKING:
    from crksim.interface.settings import Settings

__all__ = ["Sorted", "do_compare"]

#: What only this command knows.
_OWN = tuple(field.name for field in fields(Compare))


class Sorted(Protocol):
    """Words sorted into settings and changes of the model."""

    @property
    def settings(self) -> tuple[str, ...]:
        """``name=value`` words."""

    @property
    def changes(self) -> tuple[str, ...]:
        """``address=value`` words."""

    @property
    def multirun(self) -> bool:
        """Whether values between commas are runs of their own."""


def do_compare(
    words: Sequence[str],
    lang: str,
    sort: Callable[[Sequence[str], str, Sequence[str]], Sorted],
    compose: Callable[[Sequence[str], str], Settings],
    several: Callable[[str], bool],
) -> None:
    """Compare scenarios, with changes or without, or finished runs.

    Parameters
    ----------
    words : sequence of str
        All words after ``crksim``.
    lang : str
        Language of what is said about faults.
    sort : callable
        Sorts words, and raises what is wrong with them; the last argument is what may have been meant besides.
    compose : callable
        Makes settings of ``name=value`` words.
    several : callable
        Says whether a word has several values.

    Raises
    ------
    InputError
        All that is wrong in any of the words; nothing has run then.
    """
    own = [word for word in words if word.partition("=")[0] in _OWN]
    options = [word for word in words if is_option(word) and word not in ("compare", *own)]
    rest = [word for word in words if word not in ("compare", *own, *options)]

    def settings_beside() -> tuple[tuple[str, ...], Settings]:
        typed = sort(rest, lang, _OWN)
        beside = [word for word in typed.settings if not word.startswith("scenario=")]
        _, settings = gathered(
            lambda: _check_places(typed, options, lang), lambda: compose(["scenario=baseline", *beside], lang)
        )
        return typed.settings, settings

    def apart(changes: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        typed = sort(changes, lang, ())
        return typed.settings, typed.changes

    (typed, settings), asked, given = gathered(
        settings_beside,
        lambda: read_options(options, apart, several, lang),
        lambda: read_words_into(Compare, own, {"finalists": 1}),
    )
    screen = Screen(settings.lang, bar=settings.progress)
    compare_options(asked, settings, given, screen, screen.line, [word.partition("=")[0] for word in typed])


def _check_places(typed: Sorted, options: Sequence[str], lang: str) -> None:
    """Refuse what cannot stand by itself in a comparison: changes belong to one of the options."""
    first = options[0] if options else "NAME"
    faults = [
        Problem("word", word, say(lang, "compare_address"), f"{first}:{word}", COMMAND_LINE) for word in typed.changes
    ]
    if any(word.startswith("scenario=") for word in typed.settings):
        faults.append(Problem("word", "scenario=", say(lang, "compare_two"), file=COMMAND_LINE))
    if typed.multirun:
        faults.append(Problem("word", "-m", say(lang, "compare_multirun"), file=COMMAND_LINE))
    if faults:
        raise InputError(faults)
