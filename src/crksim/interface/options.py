"""Options as they are typed after ``crksim compare``: ``NAME``, or a scenario with changes, ``NAME:CHANGE:CHANGE``.

A change is a word as it stands after a scenario that is run: ``switch.NAME=true``, ``option=NAME``, ``ADDRESS=VALUE``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crksim.errors import InputError, Problem, nearest
from crksim.interface.axes import read_axes
from crksim.interface.cases import load_case
from crksim.interface.experiments import gathered
from crksim.interface.files import scenario_files
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.model.network import Label

__all__ = ["Asked", "is_option", "labelled", "names_scenario", "read_options", "split_option"]

#: The colon before a change: an address and a sign of equality follow, or an address that is taken away.
_COLON = re.compile(r":(?=[+~]{0,2}[^\s:=+~\\/]+=|~[^\s:=\\/]+(?:$|:))")


@dataclass(frozen=True)
class Asked:
    """An option as it was asked for.

    Parameters
    ----------
    word : str
        As it was typed; what tells it from the others.
    name : str
        A scenario, or a finished run.
    changes : tuple of str
        ``address=value``, ``switch.NAME=true`` and ``option=NAME``, in the order typed; none for a run.
    label : Label or None
        Title and changes in plain words; None for a run.
    """

    word: str
    name: str
    changes: tuple[str, ...] = ()
    label: Label | None = None

    @property
    def is_scenario(self) -> bool:
        """Whether it is run first."""
        return names_scenario(self.name)


def is_option(word: str) -> bool:
    """Say whether a word after ``crksim compare`` is an option: a name, or a name with changes behind colons.

    Parameters
    ----------
    word : str
        Such as ``youth_groups_3sites:switch.shared_team=true``; settings have their first colon after the equality.
    """
    return bool(word) and word[0] not in "-+~" and ("=" not in word or ":" in word.partition("=")[0])


def names_scenario(name: str) -> bool:
    """Say whether a name is that of a scenario, of a scenario file, or of several scenarios combined.

    Parameters
    ----------
    name : str
        Without changes; a folder with a run in it is none.
    """
    if (Path(name) / "manifest.json").is_file():
        return False
    known = scenario_files()
    return name.endswith((".yaml", ".yml")) or all(part in known for part in name.split("+"))


def split_option(word: str) -> tuple[str, list[str]]:
    r"""Return the name of an option and its changes.

    Parameters
    ----------
    word : str
        As it was typed. A colon within a value stays there, and so does that of ``C:\``.
    """
    name, colon, rest = word.partition(":")
    if colon and names_scenario(name):
        return name, _COLON.split(rest)
    name, *changes = _COLON.split(word)
    return name, changes


def read_options(
    words: Sequence[str],
    read: Callable[[Sequence[str]], tuple[Sequence[str], Sequence[str]]],
    several: Callable[[str], bool],
    lang: str,
) -> list[Asked]:
    """Read options and try every scenario with its changes, before anything runs.

    Parameters
    ----------
    words : sequence of str
        Those for which `is_option` holds.
    read : callable
        Sorts words into settings and changes, and raises what is wrong with them.
    several : callable
        Says whether a word has several values.
    lang : str
        Language of what is said about faults.

    Raises
    ------
    InputError
        All that is wrong in any of them.
    """

    def one(word: str) -> Asked:
        if words.count(word) > 1:
            raise InputError([Problem("compare", word, say(lang, "gave_twice"), file=COMMAND_LINE)])
        name, changes = split_option(word)
        if not changes:
            return Asked(word, name, (), _titled(name) if names_scenario(name) else None)
        return _read_changed(Asked(word, name, tuple(changes)), read, several, lang)

    return gathered(*(lambda word=word: one(word) for word in words))


def _titled(name: str) -> Label:
    return load_case(name).scenario.title


def _read_changed(
    asked: Asked,
    read: Callable[[Sequence[str]], tuple[Sequence[str], Sequence[str]]],
    several: Callable[[str], bool],
    lang: str,
) -> Asked:
    """Return a scenario with changes that can be made, with what it is called."""
    from crksim.interface.explaining import find_run

    bare = [word for word in asked.changes if "=" not in word and not word.startswith("~")]
    faults = [
        Problem("word", f"{asked.name}:{word}", say(lang, "compare_change"), _meant(asked.name, word), COMMAND_LINE)
        for word in bare
    ]
    changes: Sequence[str] = ()
    try:
        settings, changes = read([word for word in asked.changes if word not in bare])
        faults += [Problem("word", word, say(lang, "compare_setting"), file=COMMAND_LINE) for word in settings]
    except InputError as error:
        faults += error.problems
    many = [word for word in changes if several(word) or _is_range(word, lang)]
    faults += [Problem("word", word, say(lang, "compare_several"), file=COMMAND_LINE) for word in many]
    if asked.is_scenario:
        try:
            load_case(asked.name, [word for word in changes if word not in many])
        except InputError as error:
            faults += error.problems
    else:
        faults.append(_unchangeable(asked, lang, find_run))
    if faults:
        raise InputError(faults)
    return replace(asked, label=labelled(asked.name, asked.changes))


def _is_range(word: str, lang: str) -> bool:
    """Say whether a change has a range of values, as a sweep takes it."""
    axes, _, _ = read_axes([word], lang)
    return bool(axes)


def _meant(name: str, word: str) -> str | None:
    """Return what somebody who left out the value of a switch meant."""
    return f"{name}:{word}=true" if word.startswith("switch.") else None


def _unchangeable(asked: Asked, lang: str, find_run: Callable[[str, str], Path]) -> Problem:
    """Return why what is no scenario cannot be changed: it is a finished run, or nothing at all."""
    from crksim.interface.explaining import run_name

    changes = ":".join(asked.changes)
    try:
        scenario = run_name(find_run(asked.name, lang))
    except InputError:
        near = nearest(Path(asked.name).name, scenario_files())
        rule = say(lang, "compare_no_scenario")
        return Problem("scenario", asked.name, rule, f"{near}:{changes}" if near else None, COMMAND_LINE)
    near = f"{scenario}:{changes}" if names_scenario(scenario) else None
    return Problem("run", asked.name, say(lang, "compare_run_changed"), near, COMMAND_LINE)


def labelled(name: str, changes: Sequence[str]) -> Label:
    """Return what a scenario with changes is called: its title, and every change in plain words.

    Parameters
    ----------
    name : str
        The scenario.
    changes : sequence of str
        As in `Asked`; they can be made.
    """
    from crksim.model.addresses import parted
    from crksim.model.changes import describe
    from crksim.model.network import Label
    from crksim.model.scenario_reading import change_from_text

    chosen = [word for word in changes if word.startswith(("switch.", "option="))]
    case = load_case(name, chosen)
    title = case.scenario.title
    typed = [
        change_from_text(f"{word[1:]}=drop" if word[0] == "~" else word.lstrip("+"))
        for word in changes
        if word not in chosen
    ]
    scenario = replace(case.scenario, changes={change.address: change.raw for change in typed}, parts=())
    said = [variant.label for variant in case.switches]
    said += [Label(parted(line.da)[0], parted(line.en)[0]) for line in describe(case.study.source, scenario)]
    if not said:
        return title
    instead = any(variant.instead for variant in case.switches)
    between = Label(" – i stedet: ", " – instead: ") if instead else Label(" – ", " – ")
    da, en = ("; ".join(getattr(label, lang) for label in said) for lang in ("da", "en"))
    return Label(title.da + between.da + da, title.en + between.en + en)
