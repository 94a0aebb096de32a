"""A world of a case, read from its files and the command line: all that is wrong with it is told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from crksim.errors import InputError, Problem
from crksim.interface.files import find_scenario, locate, read_yaml, scenario_places, shown_name
from crksim.interface.grounds import Ground
from crksim.interface.sheets import COMMAND_LINE, Place, Sheet

if TYPE_CHECKING:
    from crksim.model.changes import Scenario
    from crksim.model.network import Study

__all__ = ["read_world"]

T = TypeVar("T")

#: What `crksim.model.steps.step_name` makes of a date, with the value that stands in the step.
_STEP = re.compile(r"\.from_\d{4}_\d{2}_\d{2}(\.value)?(?=\.|$)")
_PARAMETER = re.compile(r"@([a-z][a-z0-9_]*?)(?:__from_\d{4}_\d{2}_\d{2})?(?![a-z0-9_])")


def read_world(
    paths: Sequence[Path], ground: Ground, overrides: Sequence[str] = (), *, levers: bool = True
) -> tuple[Scenario, Study, Mapping[str, Place]]:
    """Read a scenario, or several combined, and apply it; faults get places: command line, scenario, network.

    Parameters
    ----------
    paths : sequence of Path
        The scenario files.
    ground : Ground
        What the world stands on.
    overrides : sequence of str
        ``address=value`` from the command line.
    levers : bool
        Whether to look at the levers.

    Returns
    -------
    tuple of (Scenario, Study, mapping)
        The scenario, the study with its changes, and where the scenario's values stand.

    Raises
    ------
    InputError
        Anything wrong in any of it.
    """
    network = ground.network
    sheets = [read_yaml(path) for path in paths]
    named = {name: find_scenario(name) for sheet in sheets for name in _combines(sheet)}
    others = {name: read_yaml(path) for name, path in named.items()}
    places: dict[str, Place] = {}
    for sheet in reversed([*sheets, *others.values()]):
        places |= scenario_places(sheet)
    places |= {word.lstrip("+~").partition("=")[0].strip(): Place(COMMAND_LINE, None) for word in overrides}
    problems: list[Problem] = []
    try:
        made = {name: _read(sheet, named[name], name, problems) for name, sheet in others.items()}
        given = [_read(sheet, path, path.stem, problems) for sheet, path in zip(sheets, paths, strict=True)]
        scenario = _chosen(ground.begun(_combined(given, made, problems)), overrides, problems)
        study = _applied(network, scenario, levers, problems)
        if study is None:
            raise InputError([*_as_typed(problems, scenario, network.places, places)])
        return scenario, study, places
    except InputError as error:
        located = {str(problem): problem for problem in locate(error, network.places, changed=places).problems}
        raise InputError(sorted(located.values(), key=lambda it: (it.file or "", it.line or 0))) from error


def _combines(sheet: Sheet) -> list[str]:
    """Return the names of the scenarios that a file combines; what is no list of names is refused later."""
    named = sheet.data.get("combines")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def _noted(problems: list[Problem], work: Callable[[], T], otherwise: T) -> T:
    """Return what a function gives, or something else when it finds faults, which are noted."""
    try:
        return work()
    except InputError as error:
        problems += error.problems
        return otherwise


def _read(sheet: Sheet, path: Path, name: str, problems: list[Problem]) -> Scenario:
    """Return what could be read of a scenario; what is missing in it is missing in its file."""
    from crksim.model.changes import read_scenario

    own: list[Problem] = []
    scenario = read_scenario(sheet.data, name, own)
    for problem in locate(InputError(own), scenario_places(sheet)).problems:
        problems.append(problem if problem.file else replace(problem, file=shown_name(path)))
    return scenario


def _combined(given: Sequence[Scenario], made: Mapping[str, Scenario], problems: list[Problem]) -> Scenario:
    """Return the what-if that makes the changes of several; the first where they cannot be combined."""
    from crksim.model.combining import combined, with_parts

    whole = [_noted(problems, partial(with_parts, it, [made[name] for name in it.combines]), it) for it in given]
    return _noted(problems, lambda: combined(whole), whole[0])


def _chosen(scenario: Scenario, overrides: Sequence[str], problems: list[Problem]) -> Scenario:
    """Return the scenario with the variants and changes of the command line, in the order typed."""
    from crksim.model.changes import change_from_text, with_option, with_overrides, with_variant

    # An option may take the place of the scenario's changes, so it comes first.
    for word in sorted(overrides, key=lambda word: not word.startswith("option=")):
        name, _, value = word.partition("=")
        try:
            if name.startswith("switch."):
                if value not in ("true", "false"):
                    problems.append(Problem(name, value, "must be true or false", file=COMMAND_LINE))
                elif value == "true":
                    scenario = with_variant(scenario, name.removeprefix("switch."))
            elif name == "option":
                scenario = with_option(scenario, value)
            else:
                # As in Hydra: ~address takes away, +address=value adds.
                text = f"{word[1:]}=drop" if word[0] == "~" else word.lstrip("+")
                scenario = with_overrides(scenario, [change_from_text(text)])
        except InputError as error:
            typed = {key: Place(COMMAND_LINE, None) for key in (name.lstrip("+~"), "switch")}
            problems += locate(error, typed).problems
    return scenario


# ------------------------------------------------------------------------------------------------------ the changes


def _applied(network: Sheet, scenario: Scenario, levers: bool, problems: list[Problem]) -> Study | None:
    """Return the study with a scenario's changes; None where anything is wrong, which is noted."""
    from crksim.model.changes import from_date
    from crksim.model.scenario import FORECAST, START

    _noted(problems, lambda: from_date(network.data, scenario), None)
    if all(problem.address != "from" for problem in problems):
        study, faults = _tried(network, scenario, levers, bool(problems))
        problems += faults
        return None if problems else study
    # What is wrong whichever date was meant.
    found = [_tried(network, _since(scenario, day), levers, True)[1] for day in (START, FORECAST)]
    first, second = ([*_as_typed(faults, scenario, network.places, {})] for faults in found)
    problems += [problem for problem in first if problem in second]
    return None


def _since(scenario: Scenario, day: str) -> Scenario:
    return replace(scenario, from_day=day, parts=tuple(replace(part, from_day=day) for part in scenario.parts))


def _tried(network: Sheet, scenario: Scenario, levers: bool, beside: bool) -> tuple[Study | None, list[Problem]]:
    """Return the study with those changes that can be made, and what is wrong with any of them.

    Once something is wrong, there or elsewhere (`beside`), only what the other changes say themselves is told of the
    study that is read: anything else may follow from the fault.
    """
    from crksim.model.changes import apply, lever_faults
    from crksim.model.prices import check_prices
    from crksim.model.study import read_study

    faults: list[Problem] = []
    data = _noted(faults, lambda: apply(network.data, scenario, faults), None)
    if data is None:
        return None, faults
    failed = {problem.address for problem in faults}
    faults = [it for it in faults if not any(it.address.startswith(address + ".") for address in failed)]
    if levers:
        faults += [problem for problem in lever_faults(data, scenario) if not _caused(problem, failed)]
    read: list[Problem] = []
    study = _noted(read, lambda: read_study(data), None)
    if study is not None and not failed:
        _noted(read, lambda: check_prices(scenario.prices, study.network), None)
    if failed or beside:
        read = [it for it in read if _says_itself(it, scenario) and not _caused(it, failed)]
    return study, faults + read


def _caused(problem: Problem, failed: Iterable[str]) -> bool:
    """Say whether a change that failed can be the cause of a fault, around it or in a thing that it would have made."""
    words = set(re.findall(r"[a-z0-9_]+", f"{problem.address} {problem.value} {problem.rule}"))
    lost = {address.split(".")[1] for address in failed if address.count(".") == 1}
    return bool(words & lost) or any(address.startswith(problem.address + ".") for address in failed)


def _says_itself(problem: Problem, scenario: Scenario) -> bool:
    """Say whether a fault lies in what a change or a price says itself."""
    used = {found[1] for found in _PARAMETER.finditer(str(problem.value))}
    return any(
        _within(problem.address, address) or (address.startswith("parameters.") and address.split(".")[1] in used)
        for address in scenario.changes
    ) or problem.address.startswith("prices.")


def _within(address: str, other: str) -> bool:
    """Say whether one of two addresses lies within the other."""
    return f"{address}.".startswith(f"{other}.") or f"{other}.".startswith(f"{address}.")


def _as_typed(problems: Iterable[Problem], scenario: Scenario, *tables: Mapping[str, Place]) -> Iterable[Problem]:
    """Yield faults at the addresses that were typed: without the step that a date makes, and at the parameter."""
    parameters = {
        address.split(".")[1]: (address, raw)
        for address, raw in scenario.changes.items()
        if address.startswith("parameters.")
    }
    told: set[str] = set()
    for problem in problems:
        written = any(problem.address in table for table in tables)
        short = problem.address if written else _STEP.sub("", problem.address)
        used = next((name for name in _PARAMETER.findall(str(problem.value)) if name in parameters), None)
        if used is None or any(_within(short, address) for address in scenario.changes):
            yield replace(problem, address=short)
        elif used not in told:
            told.add(used)
            address, raw = parameters[used]
            yield replace(problem, address=address, value=raw, rule=f"{problem.rule}, where {short} uses it")
