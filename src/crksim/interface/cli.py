"""The command ``crksim``: named commands, and runs composed by Hydra.

Words of the command line are of three kinds.  Settings (``members=100``) are composed by Hydra from
``conf/config.yaml``.  Model addresses (``services.x.places.hard=6``) become changes of the scenario and never reach
Hydra.  Everything else is refused with the nearest known word.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import CrksimError, InputError, Problem, nearest
from crksim.interface.composing import Command, choices, compose_settings, expand

if TYPE_CHECKING:
    from crksim.interface.settings import Settings

__all__ = ["main"]

#: First segments of the addresses of the model.
MODEL_HEADS = ("services", "cohorts", "referrals", "parameters", "attributes", "groups", "switch")
COMMANDS = (
    "list",
    "show",
    "new",
    "evidence",
    "report",
    "explain",
    "compare",
    "one_more_place",
    "attribute",
    "solve",
    "sweep",
    "calibrate",
    "validate",
    "variants",
    "export",
    "sheet",
    "reproduce",
)
#: Commands that run a what-if at many points, and the words that only they know.
EXPERIMENTS = {
    "solve": ("target", "confidence", "lost"),
    "sweep": ("design", "points", "measures"),
    "one_more_place": ("worthwhile",),
}
HELP_WORDS = ("-h", "--help", "help", "hjælp")
MULTIRUN_WORDS = ("-m", "--multirun")

_KEY = re.compile(r"[+~]{0,2}([^=]*)")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words of the command line say, and return the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``crksim``; those of the process when not given.

    Returns
    -------
    int
        0 done, 1 not reproduced, 2 wrong input, 3 the model failed a check, 4 the disk takes no more, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except CrksimError as error:
        from crksim.interface.telling import told

        sys.stderr.write(f"{told(error, _language(words))}\n")
        return error.exit_code
    except KeyboardInterrupt as stop:
        from crksim.interface.texts import say

        lang = _language(words)
        sys.stderr.write(f"\n{say(lang, 'interrupted')}; {str(stop) or say(lang, 'nothing_kept')}\n")
        return 130
    except BrokenPipeError:
        # The reader has gone; without this the interpreter complains once more while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(words: Sequence[str]) -> int:
    from crksim.interface.help import help_text
    from crksim.interface.texts import say

    lang = _language(words)
    rest = [word for word in words if not word.startswith("lang=")]
    if not rest or rest[0] in HELP_WORDS or rest[-1] in ("-h", "--help"):
        sys.stdout.write(help_text(lang))
        return 0
    if rest[0] in ("--version", "-V"):
        from crksim import __version__

        sys.stdout.write(f"crksim {__version__}\n")
        return 0
    if rest[0] in EXPERIMENTS:
        return _experiment(rest[0], words, lang)
    if rest[0] == "compare":
        from crksim.interface.compare_words import do_compare

        do_compare(words, lang, read_words, _of_one_size, lambda word: len(choices(word)) > 1)
        return 0
    apart = rest[0] == "attribute"
    if rest[0] in COMMANDS and not apart:
        from crksim.interface.commands import do_command
        from crksim.interface.settings import language_faults

        faults = language_faults([word.partition("=")[2] for word in words if word.startswith("lang=")])
        if faults:
            raise InputError(faults)
        return do_command(rest[0], rest[1:], lang)
    if apart:
        words = [word for word in words if word != "attribute"]
    command, problems = _sorted_words(words, lang)
    if apart and command.multirun:
        problems.append(Problem("word", "-m", say(lang, "no_parts_multirun"), file="command line"))
    runs = list(expand(command))
    if len(runs) > 1 and not command.multirun:
        problems += _several(command, lang)
    composed = []
    try:
        composed = [(compose_settings(one.settings), one.changes) for one in (runs if command.multirun else runs[:1])]
    except InputError as error:
        # A word that was not understood may have meant the scenario.
        problems += [it for it in error.problems if not problems or (it.address, it.value) != ("scenario", None)]
    if problems:
        raise _with_case(problems, runs[0])
    from crksim.interface.jobs import attribute, run, run_all
    from crksim.interface.screen import Screen

    screen = Screen(composed[0][0].lang, bar=composed[0][0].progress)
    # A run keeps nearly all it makes to its end: looking for circles of garbage as often as usual takes a tenth of what
    # is not simulated.
    often = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        if command.multirun:
            run_all(composed, screen)
        else:
            (attribute if apart else run)(*composed[0], watch=screen)
    except KeyboardInterrupt as stop:
        kept = ", ".join(str(folder) for folder in screen.kept)
        told = say(screen.lang, "interrupted_kept" if kept else "interrupted", kept=kept)
        more = str(stop) or ("" if kept else say(screen.lang, "nothing_kept"))
        sys.stderr.write("\n" + (f"{told}; {more}" if more else told) + "\n")
        return 130
    finally:
        gc.set_threshold(*often)
    return 0


def _experiment(command: str, words: Sequence[str], lang: str) -> int:
    """Run a what-if at many points."""
    from crksim.interface.experiments import gathered
    from crksim.interface.placing import OneMorePlace, value_places
    from crksim.interface.screen import Screen
    from crksim.interface.solving import Solve, solve_lever
    from crksim.interface.sweeping import Sweep, sweep_levers
    from crksim.interface.words import read_words_into

    own = tuple(word for word in words if word.partition("=")[0] in EXPERIMENTS[command])
    rest = [word for word in words if word != command and word not in own]
    typed, problems = _sorted_words(rest, lang, EXPERIMENTS[command])
    kinds: dict[str, tuple[Any, Any]] = {
        "solve": (Solve, solve_lever),
        "sweep": (Sweep, sweep_levers),
        "one_more_place": (OneMorePlace, value_places),
    }
    kind, run = kinds[command]
    # A scenario that is typed comes later and so takes the place of the baseline.
    first = ["scenario=baseline"] if command == "one_more_place" else []
    _, settings, given = gathered(
        lambda: _none_of(problems),
        lambda: _of_one_size([*first, *typed.settings], lang),
        lambda: read_words_into(kind, own, {"points": 1, "worthwhile": 1}),
    )
    screen = Screen(settings.lang, bar=settings.progress)
    return 0 if run(settings, typed.changes, given, screen.line, screen.progress) is not None else 130


def _of_one_size(words: Sequence[str], lang: str) -> Settings:
    """Return settings for a command whose runs must all have one size."""
    from crksim.interface.sheets import COMMAND_LINE
    from crksim.interface.texts import say

    settings = compose_settings(words)
    if settings.precision != "fixed":
        raise InputError([Problem("precision", settings.precision, say(lang, "one_size"), file=COMMAND_LINE)])
    return settings


def _language(words: Sequence[str]) -> str:
    from crksim.interface.settings import spoken

    given = [word.partition("=")[2] for word in words if word.startswith("lang=")]
    return spoken(given[-1] if given else None)


# ------------------------------------------------------------------------------------------------------------ words


def read_words(words: Sequence[str], lang: str, known: Sequence[str] = ()) -> Command:
    """Sort the words of a run into settings and changes of the model.

    Parameters
    ----------
    words : sequence of str
        The words after ``crksim``.
    lang : str
        Language of what is said about faults.
    known : sequence of str
        Words of the command's own that may have been meant.

    Raises
    ------
    InputError
        Words that are no setting, no model address and no known option; all of them at once.
    """
    command, problems = _sorted_words(words, lang, known)
    _none_of(problems)
    return command


def _none_of(problems: Sequence[Problem]) -> None:
    """Raise problems, if there are any."""
    if problems:
        raise InputError(problems)


def _sorted_words(words: Sequence[str], lang: str, known: Sequence[str] = ()) -> tuple[Command, list[Problem]]:
    """Return the words that are understood, sorted as in `read_words`, and a problem for every other."""
    from crksim.interface.settings import SETTINGS
    from crksim.interface.sheets import COMMAND_LINE
    from crksim.interface.texts import say

    settings: list[str] = []
    changes: list[str] = []
    problems: list[Problem] = []
    seen: set[str] = set()

    def fault(word: str, key: str, near: str | None = None) -> None:
        problems.append(Problem("word", word, say(lang, key), near, file=COMMAND_LINE))

    multirun = any(word in MULTIRUN_WORDS for word in words)
    for word in words:
        found = _KEY.match(word)
        key = found.group(1) if found else ""
        if word in MULTIRUN_WORDS:
            continue
        if word.startswith("-"):
            fault(word, "unknown_flag", nearest(word, [*MULTIRUN_WORDS, "--help", "--version"]))
        elif "=" not in word and not (word.startswith("~") and key.split(".")[0] in MODEL_HEADS):
            fault(word, "unknown_word", _meant(word))
        elif key in seen:
            fault(word, "gave_twice")
        elif key == "option" or (key.split(".")[0] in MODEL_HEADS and "." in key):
            changes.append(word)
        elif key in SETTINGS:
            settings.append(f"{key}={word.partition('=')[2]}")
        else:
            head = key.split(".")[0]
            near = (*SETTINGS, "option", *known) if head == key and head not in MODEL_HEADS else MODEL_HEADS
            fault(word, "unknown_key", nearest(head, near))
        seen.add(key)
    return Command(tuple(settings), tuple(changes), multirun), problems


def _with_case(problems: Sequence[Problem], command: Command) -> InputError:
    """Return what is wrong with the words of a run together with what is wrong with its what-if."""
    from crksim.interface.cases import load_case

    found = list(problems)
    named = [word for word in command.settings if word.startswith("scenario=")]
    # Where Hydra does not understand the settings, nobody knows the scenario.
    if named and all(problem.address not in ("settings", "scenario") for problem in problems):
        try:
            load_case(compose_settings(named).scenario, command.changes)
        except InputError as error:
            found += error.problems
    return InputError(found)


def _meant(word: str) -> str | None:
    """Return what somebody who typed a bare word meant: a command, or a scenario without ``scenario=``."""
    from crksim.interface.files import scenario_files

    command = nearest(word, COMMANDS)
    scenario = nearest(Path(word).stem, scenario_files())
    if scenario is not None and (command is None or scenario == word):
        return f"scenario={scenario}"
    return command


def _several(command: Command, lang: str) -> Iterator[Problem]:
    """Yield a fault for every word with several values in a command for one run."""
    from crksim.interface.sheets import COMMAND_LINE
    from crksim.interface.texts import say

    for word in (*command.settings, *command.changes):
        if len(choices(word)) > 1:
            yield Problem("word", word, say(lang, "several"), file=COMMAND_LINE)
