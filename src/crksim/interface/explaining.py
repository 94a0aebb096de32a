"""What explains an answer, on the screen: from the folder of a finished run, without simulating anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem, nearest
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.output.report.wording import Wording

__all__ = ["explanation_lines", "find_run", "read_request", "read_run_words", "run_name"]

_RUNS = Path("outputs")
_STAMP = re.compile(r"_\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}(-\d+)?$")
_MOST = 3


def read_request(words: Sequence[str], lang: str) -> tuple[Path, str | None]:
    """Return the folder of the run and the measure that the words after ``explain`` ask for.

    Parameters
    ----------
    words : sequence of str
        A run at most, and ``measure=ADDRESS``.
    lang : str
        Language of what is said about faults.

    Raises
    ------
    InputError
        A word too many, or no such run.
    """
    name, named = read_run_words(words, ["measure"], lang)
    return find_run(name, lang), named.get("measure")


def read_run_words(words: Sequence[str], known: Sequence[str], lang: str) -> tuple[str | None, dict[str, str]]:
    """Return the run that is named, if any, and the values of the words that a command knows besides.

    Parameters
    ----------
    words : sequence of str
        A run at most, and ``name=value``.
    known : sequence of str
        Names that may stand there.
    lang : str
        Language of what is said about faults.

    Raises
    ------
    InputError
        A word too many, or a name that is not known.
    """
    given = [word for word in words if "=" not in word]
    named = dict(word.partition("=")[::2] for word in words if "=" in word)
    problems = [
        Problem("word", f"{name}={value}", say(lang, "unknown_key"), nearest(name, known), file=COMMAND_LINE)
        for name, value in named.items()
        if name not in known
    ]
    problems += [Problem("word", word, say(lang, "unknown_word"), file=COMMAND_LINE) for word in given[1:]]
    if problems:
        raise InputError(problems)
    return given[0] if given else None, named


def find_run(name: str | None, lang: str) -> Path:
    """Return the folder of a run.

    Parameters
    ----------
    name : str or None
        A folder, the name of one in ``outputs``, or a scenario, of which the newest run is taken; None and ``last`` are
        the newest.
    lang : str
        Language of what is said about faults.

    Raises
    ------
    InputError
        There is no such run; the nearest name is suggested.
    """
    name = None if name == "last" else name
    if name is not None and (Path(name) / "manifest.json").is_file():
        return Path(name)
    runs = sorted((path.parent for path in _RUNS.glob("*/manifest.json")), key=_started)
    if name is None and runs:
        return runs[-1]
    own = [run for run in runs if name in (run.name, run_name(run))]
    if own:
        return own[-1]
    folder = f"{_RUNS.as_posix()}/"
    if not runs:
        raise InputError([Problem("run", name or "", say(lang, "no_runs", folder=folder), file=COMMAND_LINE)])
    known = dict.fromkeys(["last", *(run_name(run) for run in runs), *(run.name for run in runs)])
    rule = say(lang, "no_such_run", folder=folder)
    raise InputError([Problem("run", name, rule, nearest(Path(str(name)).name, known), file=COMMAND_LINE)])


def run_name(folder: Path) -> str:
    """Return what a run's folder is called without the time at which it began: the scenario."""
    return _STAMP.sub("", folder.name)


def _started(run: Path) -> tuple[str, str]:
    """Return when a run began, for sorting; what cannot be read comes first."""
    try:
        return str(json.loads((run / "manifest.json").read_text("utf-8")).get("started", "")), run.name
    except (OSError, ValueError):
        return "", run.name


def explanation_lines(folder: Path, measure: str | None, lang: str) -> Iterator[str]:
    """Yield what the screen says about the answer of a run, and keep the numbers in its folder.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    measure : str or None
        Output address of the question; the leading one when None.
    lang : str
        ``da`` or ``en``.

    Raises
    ------
    InputError
        The folder is not whole, or no question has that measure.
    """
    from crksim.output.finished import read_run
    from crksim.output.report.explained import explained
    from crksim.output.report.wording import Wording
    from crksim.output.rundir import explain_again

    try:
        found = explain_again(folder, measure)
        run = read_run(folder)
    except FileNotFoundError as error:
        rule = "must be the whole folder of a run"
        raise InputError([Problem("run", str(folder), f"{rule}; {error.filename} is missing")]) from error
    if found is None:
        yield say(lang, "nothing_to_explain")
        return
    words = Wording(lang)
    told = explained(run, found, words)
    yield from _wrapped(words.label(run.result.title))
    yield from _wrapped(f"{told['about']} {told['choice']}")
    yield from _wrapped(told["nothing"])
    for row in told["parameters"][:_MOST]:
        yield from _wrapped(f"{row['label']}: {say(lang, 'unknown_share', **row)}; {row['flip']}", "  · ")
    yield from _counting(told, words)
    yield from _following(told["follow"], words)
    yield say(lang, "all_explained", files=f"{folder.as_posix()}/explain*.csv, followup.csv")


def _width() -> int:
    return max(get_terminal_size((100, 24)).columns, 60)


def _wrapped(text: str, first: str = "") -> list[str]:
    return wrap(
        text, _width(), initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )  # fmt: skip


def _counting(told: dict[str, Any], words: Wording) -> Iterator[str]:
    """Yield what is worth counting, and what a trial would tell."""
    if not told["counts"]:
        return
    yield from _wrapped(f"{words.text('counts_title')}. {told['counts_text']}")
    for line in told["counts"][:_MOST]:
        yield from _wrapped(line, "  · ")
    yield from _wrapped(told["trial"])


def _following(follow: dict[str, Any] | None, words: Wording) -> Iterator[str]:
    """Yield the plan for following the change, a count after the other; what all of them are about is told once."""
    if follow is None:
        return
    labels = [row["label"].rpartition(": ") for row in follow["rows"]]
    subject = labels[0][0] if len({label[0] for label in labels}) == 1 else ""
    yield from _wrapped(words.text("follow_title") + (f" ({subject})" if subject else "") + ":")
    for row, label in zip(follow["rows"], labels, strict=True):
        cells = [expected + (f" ({stop})" if stop else "") for expected, stop in row["cells"]]
        told = ", ".join(f"{month} {cell}" for month, cell in zip(follow["months"], cells, strict=True))
        yield from _wrapped(f"{label[2] if subject else row['label']}: {told}", "  · ")
