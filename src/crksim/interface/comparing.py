"""``crksim compare``: scenarios or finished runs against one reference and against each other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crksim.errors import InputError, Problem, nearest
from crksim.interface.cases import Case, load_case
from crksim.interface.experiments import gathered
from crksim.interface.explaining import find_run, run_name
from crksim.interface.files import scenario_files
from crksim.interface.jobs import STAMP, run_case
from crksim.interface.keeping import keeping
from crksim.interface.pools import open_workers
from crksim.interface.setting_up import set_up
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say
from crksim.interface.watching import Finished, Watch

if TYPE_CHECKING:
    from crksim.analysis.choosing import Judged, Ranking
    from crksim.analysis.results import Result
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


@dataclass(frozen=True)
class _Option:
    """A finished run, and how its what-if is read again."""

    name: str
    folder: Path
    result: Result
    load: Callable[[], Case]


def compare_options(
    names: Sequence[str],
    settings: Settings,
    given: Compare,
    watch: Watch,
    tell: Callable[[str], None],
    typed: Sequence[str] = (),
) -> Path:
    """Compare scenarios, which are run first, or finished runs, and return the folder of the comparison.

    Parameters
    ----------
    names : sequence of str
        Scenarios, or runs as `find_run` finds them; two at least.
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
    from crksim.analysis.choosing import Judged, common_reference, rank_runs

    folders = _runs_among(names, settings, given, typed)
    options = _run_scenarios(names, settings, watch) if folders is None else _read_runs(folders, settings)
    results = [option.result for option in options]
    references = common_reference(results)
    if references is None:
        for line in _why_apart(options, settings.lang):
            tell(line)
        return _finish(options, settings, watch, None, tell)
    measures = _measures(options, references, given)
    label = next(world.label for world in results[0].worlds if world.id == references[0])
    named = {option.name: option.result for option in options}
    rankings = rank_runs(named, references, measures, given.good)
    judged = Judged(label, rankings)
    if given.fresh:
        judged = _judge_again(judged, options, references[0], settings, given)
    return _finish(options, settings, watch, judged, tell)


def _runs_among(names: Sequence[str], settings: Settings, given: Compare, typed: Sequence[str]) -> list[Path] | None:
    """Return the folders of finished runs, or None where all names are scenarios.

    A name of both is the scenario; a run of it is named by its folder.
    """
    lang = settings.lang
    problems = []
    if len(set(names)) < 2:
        problems.append(Problem("compare", " ".join(names), say(lang, "compare_two"), file=COMMAND_LINE))
    if given.good not in ("", "up", "down"):
        near = nearest(given.good, ("up", "down"))
        problems.append(Problem("good", given.good, "must be up or down", near, file=COMMAND_LINE))
    known = scenario_files()
    scenarios = [name for name in names if _is_scenario(name, known)]
    if problems or len(scenarios) == len(names):
        if problems:
            raise InputError(problems)
        return None
    folders = gathered(*(lambda name=name: find_run(name, lang) for name in names if name not in scenarios))
    if scenarios:
        problems.append(Problem("compare", " ".join(scenarios), say(lang, "compare_mixed"), file=COMMAND_LINE))
    problems += [
        Problem(name, getattr(settings, name), say(lang, "compare_settled"), file=COMMAND_LINE)
        for name in typed
        if name in _SETTLED
    ]
    if problems:
        raise InputError(problems)
    return folders


def _is_scenario(name: str, known: Collection[str]) -> bool:
    is_run = (Path(name) / "manifest.json").is_file()
    return not is_run and (name.endswith((".yaml", ".yml")) or all(part in known for part in name.split("+")))


# --- what is compared ------------------------------------------------------------------------------------------------


def _run_scenarios(names: Sequence[str], settings: Settings, watch: Watch) -> list[_Option]:
    """Run every scenario against the reference that all have, over one span, on one luck."""
    asked = [replace(settings, scenario=name) for name in names]
    cases = [found[0] for found in gathered(*(lambda one=one: set_up(one, ()) for one in asked))]
    chosen = _reference_of_all(cases, settings.lang)
    window = settings.window or _span(cases)
    asked = [replace(one, references=(reference,), window=window) for one, reference in zip(asked, chosen, strict=True)]
    cases = [set_up(one, ())[0] for one in asked]
    options = []
    with keeping(settings, settings.lang, watch.stops) as kept, open_workers(settings, settings.members) as pool:
        for name, one, case in zip(names, asked, _asking_alike(cases), strict=True):
            finished = run_case(case, one, (), watch, pool, kept)
            options.append(_Option(name, finished.folder, finished.result, partial(_itself, case)))
    return options


def _itself(case: Case) -> Case:
    return case


def _reference_of_all(cases: Sequence[Case], lang: str) -> list[str]:
    """Return, for every case, the id of the first reference that all have."""
    for world in cases[0].worlds[:-1]:
        ids = [next((one.id for one in case.worlds[:-1] if one.study == world.study), None) for case in cases]
        if all(ids):
            return [str(id) for id in ids]
    mains = ", ".join(dict.fromkeys(f"{case.name}: {case.worlds[0].scenario}" for case in cases))
    raise InputError([Problem("references", mains, say(lang, "compare_no_reference"), file=COMMAND_LINE)])


def _span(cases: Sequence[Case]) -> str | None:
    """Return one span for all: from the first date of any; None where all have the same."""
    if len({case.begins for case in cases}) == 1:
        return None
    first = min(cases, key=lambda case: case.begins)
    return f"{first.date_of(first.begins)}..{first.date_of(first.study.end - 1.0)}"


def _asking_alike(cases: Sequence[Case]) -> list[Case]:
    """Return the cases, each with the questions that decide in another one too, where its network knows them."""
    from crksim.model.vocabulary import parse_measure

    deciding = {question.measure: question for case in cases for question in case.questions if question.decides}
    found = []
    for case in cases:
        known = {question.measure for question in case.questions}
        more = []
        for measure, question in deciding.items():
            if measure in known:
                continue
            try:
                parse_measure(measure, case.study.network)
            except InputError:
                # A service, say, that only another option has.
                continue
            more.append(replace(question, decides=False))
        found.append(replace(case, questions=(*case.questions, *more)))
    return found


def _read_runs(folders: Sequence[Path], settings: Settings) -> list[_Option]:
    """Read finished runs; each gets the shortest name that tells it from the others."""
    from crksim.output.finished import read_run

    short = [run_name(folder) for folder in folders]
    options = []
    for folder, name in zip(folders, short, strict=True):
        try:
            result = read_run(folder).result
        except FileNotFoundError as error:
            rule = f"must be the whole folder of a run; {error.filename} is missing"
            raise InputError([Problem("run", str(folder), rule)]) from error
        if len(result.worlds) < 2:
            rule = say(settings.lang, "compare_one_world")
            raise InputError([Problem("run", str(folder), rule, file=COMMAND_LINE)])
        told = name if short.count(name) == 1 else folder.name
        options.append(_Option(told, folder, result, partial(_read_again, folder, result)))
    return options


def _read_again(folder: Path, result: Result) -> Case:
    """Return the case of a finished run, if its files still say what they said then.

    Raises
    ------
    InputError
        The scenario or the network has changed since, or is not there.
    """
    from crksim.output.rundir import yaml_text

    changes = json.loads((folder / "manifest.json").read_text("utf-8")).get("changes", [])
    case = load_case(result.scenario, changes)
    if yaml_text(case.study.source) != (folder / "study.yaml").read_text("utf-8"):
        raise InputError([Problem("run", str(folder), "its scenario has changed since")])
    return case


def _why_apart(options: Sequence[_Option], lang: str) -> list[str]:
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


def _measures(options: Sequence[_Option], references: Sequence[str], given: Compare) -> list[str]:
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
    judged: Judged, options: Sequence[_Option], reference: str, settings: Settings, given: Compare
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
    options: Sequence[_Option],
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
    options: Sequence[_Option],
    settings: Settings,
    watch: Watch,
    judged: Judged | None,
    tell: Callable[[str], None],
) -> Path:
    """Write the comparison, tell what it says, and show the runs beside each other."""
    from crksim.output.report import Compared
    from crksim.output.report.chosen import chosen_lines, option_lines
    from crksim.output.report.wording import Wording
    from crksim.output.rundir import write_comparison

    told = [
        Compared(one.name, Path(os.path.relpath(one.folder, settings.out / "_")).as_posix(), one.result)
        for one in options
    ]
    stamp = datetime.now().astimezone().strftime(STAMP)
    folder = write_comparison(told, settings.out / f"comparison_{stamp}", settings.lang, judged)
    watch.compares([Finished(one.folder, one.result, one.name) for one in options], folder)
    if judged is not None:
        words = Wording(settings.lang)
        tell("")
        for line in chosen_lines(judged, words):
            tell(line)
        for line in option_lines(judged, words):
            tell(f"  · {line}")
    return folder
