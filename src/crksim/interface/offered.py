"""What is compared: scenarios that are run first, or finished runs that are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem, nearest
from crksim.interface.alike import asked_alike, unchanged
from crksim.interface.cases import Case, load_case
from crksim.interface.experiments import gathered
from crksim.interface.explaining import run_name
from crksim.interface.jobs import run_case
from crksim.interface.keeping import keeping
from crksim.interface.options import Asked, labelled
from crksim.interface.pools import open_workers
from crksim.interface.setting_up import set_up
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say
from crksim.interface.watching import Watch

if TYPE_CHECKING:
    from crksim.analysis.results import Result
    from crksim.interface.settings import Settings
    from crksim.model.network import Label

__all__ = ["Option", "read_runs", "run_scenarios", "told_apart"]

#: Longer names of options are not repeated within sentences.
_LONG = 60
_LETTERS = 26


@dataclass(frozen=True)
class Option:
    """An option that has run.

    Parameters
    ----------
    name : str
        What tells it from the others: as it was typed, or the name of a run.
    folder : Path
        Of its run.
    result : Result
        What that found.
    load : callable
        Gives the what-if again, or raises where it can no longer be had.
    has : callable
        Says whether its network has a service or a group.
    label : Label or None
        What it is called in plain words, where that tells it from the others.
    changes : tuple of str
        What was changed beside its scenario.
    short : Label or None
        As `label`, for use within sentences: a long one has a letter in the place of its changes.
    """

    name: str
    folder: Path
    result: Result
    load: Callable[[], Case]
    has: Callable[[str], bool]
    label: Label | None = None
    changes: tuple[str, ...] = ()
    short: Label | None = None


def run_scenarios(
    asked: Sequence[Asked], settings: Settings, watch: Watch, tell: Callable[[str], None], measure: str = ""
) -> list[Option]:
    """Run every scenario against the reference that all have, over one span, on one luck.

    Parameters
    ----------
    asked : sequence of Asked
        Scenarios, with changes or without.
    settings : Settings
        How they are run.
    watch : Watch
        Who is told of the runs.
    tell : callable
        Told when the reference is none of their own.
    measure : str
        Output address that decides, where one is asked for.

    Raises
    ------
    InputError
        Anything wrong in any of them; nothing has run then.
    """
    each = [replace(settings, scenario=one.name) for one in asked]
    read = [lambda one=one, own=own: set_up(own, one.changes)[0] for one, own in zip(asked, each, strict=True)]
    cases: list[Case] = gathered(*read)
    chosen = _reference_of_all(cases, settings.lang)
    window = settings.window or _span(cases)
    each = [
        replace(own, references=(reference,) if reference else own.references, window=window)
        for own, reference in zip(each, chosen, strict=True)
    ]
    cases = [set_up(own, one.changes)[0] for one, own in zip(asked, each, strict=True)]
    cases = asked_alike(cases, chosen, settings.lang)
    _check_measure(measure, cases)
    if not all(chosen):
        tell(say(settings.lang, "compare_unchanged"))
    options = []
    with keeping(settings, settings.lang) as kept, open_workers(settings, settings.members) as pool:
        for one, own, case in zip(asked, each, cases, strict=True):
            done = run_case(case, own, one.changes, watch, pool, kept)
            has = partial(_has, case.study.source)
            again = partial(_itself, case)
            options.append(Option(one.word, done.folder, done.result, again, has, one.label, one.changes))
    return told_apart(options)


def _check_measure(measure: str, cases: Sequence[Case]) -> None:
    """Refuse a measure that is not asked about in all of the cases, before they run."""
    own = [{question.measure for question in case.questions} for case in cases]
    if measure and not all(measure in known for known in own):
        rule = "is not measured in all that is compared"
        near = nearest(measure, sorted(set.intersection(*own)))
        raise InputError([Problem("measure", measure, rule, near, file=COMMAND_LINE)])


def _has(study: Mapping[str, Any], subject: str) -> bool:
    """Say whether a study, as a plain dict, has a service or a group; all of it together it always has."""
    from crksim.model.vocabulary import ALL

    services = study.get("services") or {}
    groups = {service.get("group") for service in services.values()} | set(study.get("groups") or {})
    return subject == ALL or subject in services or subject in groups


def _itself(case: Case) -> Case:
    return case


def _reference_of_all(cases: Sequence[Case], lang: str) -> list[str]:
    """Return, for every case, the id of the first reference that all have.

    Where there is none, it is the network as it is; those that have that among their references call it by its id,
    the others by nothing.
    """

    def ids(study: Mapping[str, Any]) -> list[str]:
        return [next((one.id for one in case.worlds[:-1] if one.study == study), "") for case in cases]

    for world in cases[0].worlds[:-1]:
        found = ids(world.study)
        if all(found):
            return found
    plain = unchanged()
    if all(case.study.start == plain.study.start for case in cases):
        return ids(plain.worlds[-1].study)
    mains = ", ".join(dict.fromkeys(f"{case.name}: {case.worlds[0].scenario}" for case in cases))
    raise InputError([Problem("references", mains, say(lang, "compare_no_reference"), file=COMMAND_LINE)])


def _span(cases: Sequence[Case]) -> str | None:
    """Return one span for all: from the first date of any; None where all have the same."""
    if len({case.begins for case in cases}) == 1:
        return None
    first = min(cases, key=lambda case: case.begins)
    return f"{first.date_of(first.begins)}..{first.date_of(first.study.end - 1.0)}"


def read_runs(folders: Sequence[Path], settings: Settings) -> list[Option]:
    """Read finished runs; each gets the shortest name that tells it from the others.

    Parameters
    ----------
    folders : sequence of Path
        Of the runs.
    settings : Settings
        Language of what is said about faults.

    Raises
    ------
    InputError
        A folder that is not whole, or a run without a reference.
    """
    from crksim.output.finished import read_run

    short = [run_name(folder) for folder in folders]
    options = []
    for folder, name in zip(folders, short, strict=True):
        try:
            run = read_run(folder)
        except FileNotFoundError as error:
            rule = f"must be the whole folder of a run; {error.filename} is missing"
            raise InputError([Problem("run", str(folder), rule)]) from error
        if len(run.result.worlds) < 2:
            rule = say(settings.lang, "compare_one_world")
            raise InputError([Problem("run", str(folder), rule, file=COMMAND_LINE)])
        told = name if short.count(name) == 1 else folder.name
        changes = _changes_of(folder)
        label = _label_of(run.result, changes)
        again, has = partial(_read_again, folder, run.result), partial(_has, run.study)
        options.append(Option(told, folder, run.result, again, has, label, changes))
    return told_apart(options)


def _changes_of(folder: Path) -> tuple[str, ...]:
    return tuple(json.loads((folder / "manifest.json").read_text("utf-8")).get("changes", ()))


def _label_of(result: Result, changes: Sequence[str]) -> Label:
    """Return what a finished run is called; where its changes cannot be made any longer, they stand as typed."""
    from crksim.model.network import Label

    if not changes:
        return result.title
    try:
        return labelled(result.scenario, changes)
    except InputError:
        typed = " ".join(changes)
        return Label(f"{result.title.da}: {typed}", f"{result.title.en}: {typed}")


def _read_again(folder: Path, result: Result) -> Case:
    """Return the case of a finished run, if its files still say what they said then.

    Raises
    ------
    InputError
        The scenario or the network has changed since, or is not there.
    """
    from crksim.output.rundir import yaml_text

    case = load_case(result.scenario, _changes_of(folder))
    if yaml_text(case.study.source) != (folder / "study.yaml").read_text("utf-8"):
        raise InputError([Problem("run", str(folder), "its scenario has changed since")])
    return case


def told_apart(options: Sequence[Option]) -> list[Option]:
    """Return the options, without those labels that do not tell one from the others: names do.

    Parameters
    ----------
    options : sequence of Option
        As they were asked for; long labels get a letter by this order.
    """
    labels = [option.label for option in options]
    found = []
    for place, option in enumerate(options):
        if option.label is None or labels.count(option.label) > 1:
            found.append(replace(option, label=None))
        else:
            label, short = _lettered(option.label, option.result.title, place)
            found.append(replace(option, label=label, short=short))
    return found


def _lettered(label: Label, title: Label, place: int) -> tuple[Label, Label]:
    """Return what an option is called, and the same for use within sentences."""
    from crksim.model.network import Label

    if label == title or max(len(label.da), len(label.en)) <= _LONG:
        return label, label
    letter = chr(ord("A") + place) if place < _LETTERS else str(place + 1)
    short = Label(f"{title.da} ({letter})", f"{title.en} ({letter})")
    rest = (label.da.removeprefix(title.da), label.en.removeprefix(title.en))
    return Label(short.da + rest[0], short.en + rest[1]), short
