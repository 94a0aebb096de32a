"""``crksim solve``: the smallest value of one lever that reaches a target, and what it would only seem to reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.axes import Axis, axis_label, read_axes
from crksim.interface.cases import load_case
from crksim.interface.experiments import (
    Bar,
    Experiment,
    gathered,
    plain_manifest,
    set_up_experiment,
)
from crksim.interface.files import locate
from crksim.interface.keeping import disk_told, keeping
from crksim.interface.pools import open_workers
from crksim.interface.sheets import COMMAND_LINE, Place
from crksim.interface.texts import number, percent, say, told_check

if TYPE_CHECKING:
    from crksim.analysis.goals import Goal
    from crksim.analysis.solving import Solution, Tried, Watched
    from crksim.interface.settings import Settings
    from crksim.model.network import Label

__all__ = ["Solve", "solve_lever"]

FRONTIER = (
    "value", "mean", "low", "middle", "high", "share_reached", "share_counted", "left_queue", "declined", "load",
    "share_overloaded",
)  # fmt: skip
_PLACE = Place(COMMAND_LINE, None)


@dataclass(frozen=True)
class Solve:
    """What is aimed at.

    Parameters
    ----------
    target : str
        ``MEASURE <= VALUE``, ``MEASURE >= VALUE`` or ``P(MEASURE <= VALUE) >= 0.9``.
    confidence : str
        Share of the versions that must keep the bound; 9 in 10 when empty.
    lost : str
        Largest share of those who asked that may leave the queue without a place; 1 in 10 when empty.
    """

    target: str = ""
    confidence: str = ""
    lost: str = ""


def solve_lever(
    settings: Settings, changes: Sequence[str], given: Solve, tell: Callable[[str], None], bar: Bar
) -> Path:
    """Find the smallest value of a lever that reaches a target, and return the folder of what was found.

    Parameters
    ----------
    settings : Settings
        What to run and how.
    changes : sequence of str
        ``address=value`` words, one of them ``ADDRESS=LOW..HIGH``.
    given : Solve
        What is aimed at.
    tell : callable
        Told what is found, a line at a time.
    bar : callable
        Gives what is called with (done, total).

    Raises
    ------
    InputError
        Anything wrong in the input; nothing has run then.
    CheckError
        When a replication fails.
    DiskError
        When the disk takes no more.
    KeyboardInterrupt
        With what is kept: the same command goes on.
    """
    from crksim.analysis.solving import solve, tried

    experiment, watch = _read(settings, changes, given)
    lang, axis = settings.lang, experiment.axes[0]
    label = axis_label(experiment.case.study, axis)
    names = {float(value): value for value in axis.values}
    for line in _heading(experiment, watch, label, lang):
        tell(line)
    with keeping(settings, lang) as kept, open_workers(settings, settings.members) as pool:
        going_on = replace(experiment, kept=kept)

        def run(value: float) -> Any:
            world = experiment.world([names[value]])
            with bar(settings.members) as progress:
                values = going_on.run(world, watch.measures, pool, progress)
            tell(_told_point(tried(value, values, watch), names[value], axis, watch.goal, lang))
            return values

        solution = solve(sorted(names), watch, run)
    for line in _answer(solution, axis, settings, lang):
        tell(line)
    tell(told_check(lang, experiment.check))
    with disk_told(lang, kept):
        folder = _write(experiment, solution, label)
    tell(f"{say(lang, 'folder')}: {folder.as_posix()}")
    return folder


def _read(settings: Settings, changes: Sequence[str], given: Solve) -> tuple[Experiment, Watched]:
    """Read what is asked; every fault of every part of it is told together."""
    from crksim.analysis.goals import read_goal
    from crksim.analysis.solving import watched

    lang = settings.lang
    axes, fixed, problems = read_axes(changes, lang)
    stepless = [axis for axis in axes if not axis.values]
    problems += [Problem(axis.address, "", say(lang, "axis_step"), file=COMMAND_LINE) for axis in stepless]
    if not problems and len(axes) != 1:
        problems.append(Problem("ADDRESS", len(axes), say(lang, "one_axis"), file=COMMAND_LINE))

    def ranges() -> None:
        if problems:
            raise InputError(problems)

    def set_up() -> Experiment | None:
        return set_up_experiment(settings, fixed, axes) if len(axes) == 1 and not stepless else None

    def goal() -> Goal:
        network = load_case(settings.scenario, fixed).study.network
        if not given.target:
            raise InputError([Problem("target", "", say(lang, "no_target"), file=COMMAND_LINE)])
        try:
            return read_goal(given.target, network, given.confidence)
        except InputError as error:
            # Whatever stands in a target was typed.
            typed = {problem.address.split(".")[0]: _PLACE for problem in error.problems}
            raise locate(error, typed) from error

    _, experiment, aim, lost = gathered(ranges, set_up, goal, lambda: _most_lost(given.lost))
    return experiment, watched(aim, axes[0].address, experiment.case.study.network, lost)


def _most_lost(text: str) -> float:
    from crksim.analysis.goals import read_share
    from crksim.analysis.solving import MOST_LOST

    if not text:
        return MOST_LOST
    try:
        return read_share(text)
    except ValueError as fault:
        raise InputError([Problem("lost", text, str(fault), file=COMMAND_LINE)]) from fault


# --- what is said ----------------------------------------------------------------------------------------------------


def _shown(goal: Goal, value: float, lang: str) -> str:
    """Return a value of the measure with its unit."""
    if goal.unit.en == "share":
        return percent(lang, value)
    unit = "" if goal.unit.en in ("per year", "") else f" {getattr(goal.unit, lang)}"
    return f"{number(lang, value)}{unit}"


def _value(text: str, axis: Axis, lang: str) -> str:
    shown = text.replace(".", ",") if lang == "da" else text
    return f"{shown} {axis.unit}".strip()


def _heading(experiment: Experiment, watch: Watched, label: Label, lang: str) -> Iterator[str]:
    goal, axis, settings = watch.goal, experiment.axes[0], experiment.settings
    yield str(getattr(experiment.case.scenario.title, lang))
    yield say(
        lang,
        "solve_at_most" if goal.most else "solve_at_least",
        label=getattr(goal.label, lang),
        bound=_shown(goal, goal.bound, lang),
        chance=percent(lang, goal.chance),
        members=settings.members,
        futures=settings.futures,
    )
    first, last = (_value(axis.values[end], axis, lang) for end in (0, -1))
    yield say(lang, "solve_turns", lever=getattr(label, lang), first=first, last=last)


def _told_point(one: Tried, text: str, axis: Axis, goal: Goal, lang: str) -> str:
    row = one.row()
    return say(
        lang,
        "solve_point",
        value=_value(text, axis, lang),
        mean=_shown(goal, row["mean"], lang),
        reached=percent(lang, row["share_counted"]),
        left=percent(lang, row["left_queue"]),
        declined=percent(lang, row["declined"]),
        load=percent(lang, row["load"]),
    )


def _answer(solution: Solution, axis: Axis, settings: Settings, lang: str) -> Iterator[str]:
    """Yield the answer, its range over the versions, and whatever makes it less than it seems."""
    names = {float(value): value for value in axis.values}

    def told(value: float | None) -> str:
        return say(lang, "above", value=_value(axis.values[-1], axis, lang)) if value is None else shown(value)

    def shown(value: float) -> str:
        return _value(names[value], axis, lang)

    at = solution.at_smallest
    if at is None:
        yield say(lang, "solve_none", last=_value(axis.values[-1], axis, lang))
    else:
        lowest = at.value == solution.tried[0].value
        yield say(lang, "solve_lowest" if lowest else "solve_found", value=shown(at.value))
    if settings.members > 1:
        low, middle, high = (told(value) for value in solution.interval)
        yield say(lang, "solve_interval", low=low, middle=middle, high=high)
    if solution.sham:
        best = solution.sham[-1]
        values = ", ".join(shown(one.value) for one in solution.sham)
        yield say(
            lang,
            "solve_sham",
            values=values,
            value=shown(best.value),
            left=percent(lang, float((best.lost > solution.watch.most_lost).mean())),
            load=percent(lang, float((best.load >= 1.0).mean())),
            most=percent(lang, solution.watch.most_lost),
        )
    if at is not None and solution.hidden:
        yield say(lang, "solve_hidden", load=percent(lang, at.mean_of("load")))
    if solution.watch.guarded and not any(math.isfinite(one.mean_of("load")) for one in solution.tried):
        yield say(lang, "solve_no_load")
    if solution.against or _broken(solution):
        yield say(lang, "solve_not_monotone", against=solution.against, members=settings.members)


def _broken(solution: Solution) -> bool:
    """Say whether enough versions count at a value that was run, and no longer at a larger one."""
    goal = solution.watch.goal
    enough = [one.value for one in solution.tried if float(one.counted.mean()) >= goal.chance - 1e-12]
    return bool(enough) and enough[0] != solution.smallest


# --- what is kept ----------------------------------------------------------------------------------------------------


def _write(experiment: Experiment, solution: Solution, label: Label) -> Path:
    """Write tables, figure, answer and manifest; the same question has the same folder and the same bytes."""
    from crksim.output.calibration_files import write_table, write_text
    from crksim.output.curves import Measured, draw_frontier

    goal, axis, settings = solution.watch.goal, experiment.axes[0], experiment.settings
    told = {"goal": goal.text, "most_lost": solution.watch.most_lost}
    mark = experiment.mark(told)
    folder = settings.out / f"solve_{experiment.case.name}_{mark}"
    rows = [one.row() for one in solution.tried]
    write_table(folder / "frontier.csv", rows, FRONTIER)
    at = solution.at_smallest
    answer = {
        "scenario": experiment.case.name,
        "address": axis.address,
        "op": axis.op,
        "unit": axis.unit,
        "target": goal.text,
        "smallest": _cell(solution.smallest),
        **{f"smallest_{share}": _cell(value) for share, value in zip((5, 50, 95), solution.interval, strict=True)},
        "on_paper": _cell(solution.on_paper),
        "tried": len(rows),
        "against": solution.against,
        **({} if at is None else {name: at.row()[name] for name in FRONTIER[1:]}),
    }
    columns = [*list(answer)[:11], *FRONTIER[1:]]
    write_table(folder / "solve.csv", [{name: answer.get(name, "") for name in columns}], columns)
    members = [
        {"member": member, "not_yet": _known(low), "from": _known(high)}
        for member, (low, high) in enumerate(zip(solution.own_low, solution.own_high, strict=True))
    ]
    write_table(folder / "members.csv", members, ["member", "not_yet", "from"])
    for lang in ("da", "en"):
        measured = Measured(goal.label, goal.unit)
        svg = draw_frontier(rows, label, measured, goal.bound, solution.smallest, goal.chance, lang)
        write_text(folder / f"frontier.{lang}.svg", svg)
        lines = [*_heading(experiment, solution.watch, label, lang), *_answer(solution, axis, settings, lang)]
        write_text(folder / f"answer.{lang}.txt", "\n".join(lines) + "\n")
    write_text(folder / "manifest.json", plain_manifest({**experiment.told, **told, "mark": mark}))
    return folder


def _cell(value: float | None) -> float | str:
    return "" if value is None else value


def _known(value: float) -> float | str:
    return float(value) if math.isfinite(value) else ""
