"""``crksim compare``: scenarios or finished runs against one reference and against each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crksim.errors import InputError, Problem, nearest
from crksim.interface.cases import Case
from crksim.interface.experiments import gathered
from crksim.interface.explaining import find_run
from crksim.interface.files import scenario_files
from crksim.interface.jobs import STAMP
from crksim.interface.offered import Option, read_runs, run_scenarios
from crksim.interface.options import Asked
from crksim.interface.pools import open_workers
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say
from crksim.interface.watching import Finished, Watch

if TYPE_CHECKING:
    from crksim.analysis.choosing import Judged, Ranking
    from crksim.analysis.option_costs import OptionCosts
    from crksim.interface.settings import Settings

__all__ = ["Compare", "compare_options"]


#: Settings that a finished run has settled.
_SETTLED = ("members", "futures", "seed", "window", "stays", "references", "prior_members")


@dataclass(frozen=True)
class Compare:
    """How options are compared.

    Parameters
    ----------
    measure : str
        Output address that decides; the first that decides in one of the options and is known in all when empty.
    good : str
        ``up`` or ``down``: which way is good, where the catalogue of questions names none.
    finalists : int
        How many options are judged again on fresh luck.
    fresh : bool
        Whether they are.
    """

    measure: str = ""
    good: str = ""
    finalists: int = 2
    fresh: bool = True


def compare_options(
    asked: Sequence[Asked],
    settings: Settings,
    given: Compare,
    watch: Watch,
    tell: Callable[[str], None],
    typed: Sequence[str] = (),
) -> Path:
    """Compare scenarios, which are run first, or finished runs, and return the folder of the comparison.

    Parameters
    ----------
    asked : sequence of Asked
        Scenarios, with changes or without, or runs as `find_run` finds them; two at least.
    settings : Settings
        How scenarios are run; `scenario` is not looked at.
    given : Compare
        How they are compared.
    watch : Watch
        Who is told of the runs.
    tell : callable
        Told what the comparison says, a line at a time.
    typed : sequence of str
        Names of the settings that were given, which finished runs may have settled already.

    Raises
    ------
    InputError
        Anything wrong in the input; nothing has run then.
    """
    from crksim.analysis.choosing import common_reference

    folders = _runs_among(asked, settings, given, typed)
    options = (
        run_scenarios(asked, settings, watch, tell, given.measure) if folders is None else read_runs(folders, settings)
    )
    references = common_reference([option.result for option in options])
    if references is None:
        for line in _why_apart(options, settings.lang):
            tell(line)
        return _finish(options, settings, watch, None, tell)
    judged = _judge(options, references, given)
    if given.fresh:
        judged = _judge_again(judged, options, references[0], settings, given)
    return _finish(options, settings, watch, judged, tell)


def _runs_among(asked: Sequence[Asked], settings: Settings, given: Compare, typed: Sequence[str]) -> list[Path] | None:
    """Return the folders of finished runs, or None where all that is asked for are scenarios.

    A name of both is the scenario; a run of it is named by its folder.
    """
    lang = settings.lang
    problems = []
    if len(asked) < 2:
        words = " ".join(one.word for one in asked)
        problems.append(Problem("compare", words, say(lang, "compare_two"), file=COMMAND_LINE))
    if given.good not in ("", "up", "down"):
        near = nearest(given.good, ("up", "down"))
        problems.append(Problem("good", given.good, "must be up or down", near, file=COMMAND_LINE))
    scenarios = [one.word for one in asked if one.is_scenario]
    if problems or len(scenarios) == len(asked):
        if problems:
            raise InputError(problems)
        return None
    folders = gathered(*(lambda name=one.name: _found(name, lang) for one in asked if not one.is_scenario))
    if scenarios:
        problems.append(Problem("compare", " ".join(scenarios), say(lang, "compare_mixed"), file=COMMAND_LINE))
    problems += [
        Problem(name, getattr(settings, name), say(lang, "compare_settled"), file=COMMAND_LINE)
        for name in typed
        if name in _SETTLED
    ]
    problems += [
        Problem("compare", folder.as_posix(), say(lang, "gave_twice"), file=COMMAND_LINE)
        for folder in dict.fromkeys(folders)
        if folders.count(folder) > 1
    ]
    if problems:
        raise InputError(problems)
    return folders


def _found(name: str, lang: str) -> Path:
    """Return the folder of a run; what is neither that nor a scenario may be meant as either."""
    try:
        return find_run(name, lang)
    except InputError as error:
        (problem,) = error.problems
        near = nearest(name, [*scenario_files(), *([problem.nearest] if problem.nearest else [])])
        raise InputError([replace(problem, rule=say(lang, "compare_unknown"), nearest=near)]) from error


# --- what is compared ------------------------------------------------------------------------------------------------


def _judge(options: Sequence[Option], references: Sequence[str], given: Compare) -> Judged:
    """Rank the options, and tell what they are called and what they cost."""
    from crksim.analysis.choosing import Judged, rank_runs

    measures = _measures(options, references, given)
    rankings = rank_runs({option.name: option.result for option in options}, references, measures, given.good)
    return Judged(
        label=next(world.label for world in options[0].result.worlds if world.id == references[0]),
        rankings=rankings,
        labels={option.name: option.label for option in options if option.label is not None},
        shorts={option.name: option.short for option in options if option.short is not None},
        costs=_costs(options, references, measures[0]),
    )


def _costs(options: Sequence[Option], references: Sequence[str], lead: str) -> OptionCosts | None:
    """Return what the options cost against the reference of all; None without prices."""
    from crksim.analysis.option_costs import option_costs

    own = {option.name: option for option in options}
    named = {name: option.result for name, option in own.items()}
    return option_costs(named, references, lead, lambda name, subject: own[name].has(subject))


def _why_apart(options: Sequence[Option], lang: str) -> list[str]:
    """Return a line for every run that cannot be paired with the first, with the reason."""
    from crksim.analysis.choosing import common_reference, unlike

    first = options[0]
    lines = []
    for option in options[1:]:
        if common_reference([first.result, option.result]) is None:
            told = "; ".join(
                say(lang, "compare_unlike", what=say(lang, f"unlike_{what}"), one=one, other=other)
                for what, one, other in unlike(first.result, option.result)
            )
            lines.append(say(lang, "compare_apart", first=first.name, other=option.name, why=told))
    return lines


def _measures(options: Sequence[Option], references: Sequence[str], given: Compare) -> list[str]:
    """Return the measures that all options have and that decide in one of them, the deciding one first."""
    from crksim.analysis.choosing import shared_measures

    asked = {row.measure for row in options[0].result.comparison if row.against == references[0]}
    shared = [measure for measure in shared_measures([option.result for option in options]) if measure in asked]
    if given.measure and given.measure not in shared:
        near = nearest(given.measure, shared)
        rule = "is not measured in all that is compared"
        raise InputError([Problem("measure", given.measure, rule, near, file=COMMAND_LINE)])
    deciding = [row.measure for option in options for row in option.result.comparison if row.decides]
    chosen = [measure for measure in dict.fromkeys(deciding) if measure in shared] or shared[:1]
    return list(dict.fromkeys([given.measure, *chosen] if given.measure else chosen))


# --- fresh luck ------------------------------------------------------------------------------------------------------


def _judge_again(
    judged: Judged, options: Sequence[Option], reference: str, settings: Settings, given: Compare
) -> Judged:
    """Judge the finalists on luck, and where there are enough on versions, that they were not chosen by."""
    from crksim.analysis.choosing import finalists

    lead = judged.rankings[0]
    chosen = finalists(lead, given.finalists)
    if not chosen:
        return replace(judged, why="fresh_no_direction")
    picked = [option for option in options if option.name in chosen]
    first = picked[0].result
    sized = replace(settings, members=first.members, futures=first.futures, seed=first.seed + 1)
    try:
        cases = [option.load() for option in picked]
        fresh, others = _run_fresh(lead, picked, cases, reference, sized)
    except InputError:
        return replace(judged, why="fresh_changed")
    return replace(judged, fresh=fresh, seed=sized.seed, other_versions=others)


def _run_fresh(
    lead: Ranking,
    options: Sequence[Option],
    cases: Sequence[Case],
    world: str,
    settings: Settings,
) -> tuple[Ranking, bool]:
    """Return the finalists ranked on fresh luck, and whether their versions are others than those of the choice."""
    from crksim.analysis.choosing import REFERENCE, rank
    from crksim.analysis.replications import replicate
    from crksim.interface.ensembles import load_ensemble
    from crksim.model.clock import Window, parse_date

    result, study = options[0].result, cases[0].study
    ensemble = load_ensemble(settings.versions, cases[0].studies[0].network)
    if (ensemble.mark if ensemble else "") != result.check.ensemble:
        raise InputError([Problem("versions", settings.versions, "are not those of the runs")])
    members, kept = settings.members, None if ensemble is None else ensemble.members
    others = kept is None or len(kept) >= 2 * members
    if kept is not None and others:
        kept = kept[members : 2 * members]
    first = next(one for one in cases[0].worlds if one.id == world)
    worlds = [first, *(replace(case.worlds[-1], id=f"option_{place}") for place, case in enumerate(cases))]
    measure = lead.question.measure
    start, end = (parse_date(day, study.start) for day in result.window)
    with open_workers(settings, settings.members) as pool:
        found = replicate(
            worlds,
            cases[0].ledger,
            measures=[measure],
            members=members,
            futures=settings.futures,
            seed=settings.seed,
            window=Window(start, end + 1.0),
            theta_overrides=kept,
            pool=pool,
        )
    names = [REFERENCE, *(option.name for option in options)]
    values = {name: one.values[:, :, 0] for name, one in zip(names, found.worlds, strict=True)}
    return rank(lead.question, values), others


# --- what is told ----------------------------------------------------------------------------------------------------


def _finish(
    options: Sequence[Option],
    settings: Settings,
    watch: Watch,
    judged: Judged | None,
    tell: Callable[[str], None],
) -> Path:
    """Write the comparison, tell what it says, and show the runs beside each other."""
    from crksim.output.report import Compared
    from crksim.output.report.chosen import chosen_lines, option_lines
    from crksim.output.report.chosen_costs import cost_lines
    from crksim.output.report.wording import Wording
    from crksim.output.rundir import write_comparison

    told = [
        Compared(
            one.name,
            Path(os.path.relpath(one.folder, settings.out / "_")).as_posix(),
            one.result,
            one.label,
            one.changes,
            one.short,
        )
        for one in options
    ]
    stamp = datetime.now().astimezone().strftime(STAMP)
    folder = write_comparison(told, settings.out / f"comparison_{stamp}", settings.lang, judged)
    watch.compares([Finished(one.folder, one.result, _shown(one, settings.lang)) for one in options], folder)
    if judged is not None:
        words = Wording(settings.lang)
        tell("")
        for line in chosen_lines(judged, words):
            tell(line)
        for line in option_lines(judged, words):
            tell(f"  · {line}")
        for line in cost_lines(judged, words):
            tell(line)
    return folder


def _shown(option: Option, lang: str) -> str:
    return option.name if option.short is None else str(getattr(option.short, lang))
