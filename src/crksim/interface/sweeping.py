"""``crksim sweep``: a what-if at many points, kept point by point, so that what was cut off goes on where it was."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import CheckError, InputError, Problem, nearest
from crksim.interface.axes import MOST_VALUES, Axis, axis_label, read_axes
from crksim.interface.cases import load_case
from crksim.interface.experiments import (
    Bar,
    Experiment,
    gathered,
    plain_manifest,
    set_up_experiment,
)
from crksim.interface.files import locate
from crksim.interface.indexing import write_indices
from crksim.interface.keeping import disk_told, keeping
from crksim.interface.pools import open_workers
from crksim.interface.sheets import COMMAND_LINE, Place
from crksim.interface.texts import say, told_check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crksim.analysis.designs import Rows
    from crksim.analysis.ensemble import WorldStudy
    from crksim.analysis.pool import Pool
    from crksim.interface.settings import Settings

__all__ = ["Sweep", "run_points", "sweep_levers"]

#: Columns that a point has beside its addresses.
POINT = "point"


@dataclass(frozen=True)
class Sweep:
    """How the points of a sweep are chosen.

    Parameters
    ----------
    design : str
        ``grid`` (all combinations), ``lhs`` (Latin hypercube), ``sequence`` (Sobol's), or those that give indices:
        ``sobol`` and ``morris``.
    points : int
        Number of points where the design is no grid; for ``sobol`` base points, for ``morris`` walks.
    measures : str
        Output addresses between commas; those that decide the scenario's question when empty.
    """

    design: str = "grid"
    points: int = 0
    measures: str = ""


def sweep_levers(
    settings: Settings, changes: Sequence[str], given: Sweep, tell: Callable[[str], None], bar: Bar
) -> Path | None:
    """Run a what-if at every point of a design, or go on where that was cut off, and return the folder.

    Parameters
    ----------
    settings : Settings
        What to run and how.
    changes : sequence of str
        ``address=value`` words, those with several values among them.
    given : Sweep
        How the points are chosen.
    tell : callable
        Told what is found, a line at a time.
    bar : callable
        Gives what is called with (done, total).

    Returns
    -------
    Path or None
        None when it was interrupted; what was run is kept, and the same command goes on.

    Raises
    ------
    InputError
        Anything wrong in the input; nothing has run then.
    CheckError
        When a replication fails; the other points are kept.
    """
    experiment, rows, measures = _read(settings, changes, given)
    points = list(dict.fromkeys(rows.values))
    lang = settings.lang
    mark = experiment.mark(points, measures)
    folder = settings.out / f"sweep_{experiment.case.name}_{mark}"
    tell(str(getattr(experiment.case.scenario.title, lang)))
    size = {"members": settings.members, "futures": settings.futures}
    tell(say(lang, "sweeping", points=len(points), measures=len(measures), folder=folder.as_posix(), **size))
    try:
        with (
            keeping(settings, settings.lang, folder=folder) as store,
            open_workers(settings, settings.members) as pool,
            bar(len(points)) as progress,
        ):
            kept = run_points(folder, replace(experiment, kept=store), points, measures, pool, progress)
    except KeyboardInterrupt:
        tell(say(lang, "interrupted_kept", kept=folder.as_posix()))
        return None
    if kept:
        tell(say(lang, "sweep_kept", kept=kept, points=len(points)))
    with disk_told(lang, folder=folder):
        _write(folder, experiment, points, measures, {"design": given.design, "mark": mark})
        if rows.places is not None:
            numbers = {values: number for number, values in enumerate(points)}
            files = [_point(folder, numbers[values]) for values in rows.values]
            write_indices(folder, experiment, given.design, rows.places, files, measures, tell)
    tell(told_check(lang, experiment.check))
    tell(f"{say(lang, 'folder')}: {folder.as_posix()}")
    return folder


def _read(settings: Settings, changes: Sequence[str], given: Sweep) -> tuple[Experiment, Rows, tuple[str, ...]]:
    """Read what is asked; every fault of every part of it is told together."""
    from crksim.analysis.designs import design_rows

    axes, fixed, problems = read_axes(changes, settings.lang)
    problems += _design_faults(given, axes, settings.lang)
    if not axes and not problems:
        problems.append(Problem("ADDRESS", 0, say(settings.lang, "no_axis"), file=COMMAND_LINE))

    def sound() -> None:
        if problems:
            raise InputError(problems)

    def set_up() -> Experiment | None:
        return set_up_experiment(settings, fixed, axes) if axes else None

    _, experiment, measures = gathered(sound, set_up, lambda: _measures(settings, fixed, given.measures))
    return experiment, design_rows(given.design, axes, given.points, settings.seed), measures


def _design_faults(given: Sweep, axes: Sequence[Axis], lang: str) -> Iterator[Problem]:
    from crksim.analysis.designs import DESIGNS, INDEXED, rows_needed

    if given.design not in DESIGNS:
        rule = f"must be one of {', '.join(DESIGNS)}"
        yield Problem("design", given.design, rule, nearest(given.design, DESIGNS), file=COMMAND_LINE)
    elif given.design == "grid":
        if given.points:
            yield Problem("points", given.points, say(lang, "grid_points"), file=COMMAND_LINE)
        size = 1
        for axis in axes:
            if not axis.values:
                yield Problem(axis.address, f"{axis.low:g}..{axis.high:g}", say(lang, "axis_step"), file=COMMAND_LINE)
            size *= max(len(axis.values), 1)
        if size > MOST_VALUES:
            yield Problem("design", size, say(lang, "axis_most", most=MOST_VALUES), file=COMMAND_LINE)
    elif not 0 < rows_needed(given.design, len(axes), given.points) <= MOST_VALUES:
        rule = f"must be given, from 1 to {MOST_VALUES // rows_needed(given.design, len(axes), 1)}: points=64"
        yield Problem("points", given.points, rule, file=COMMAND_LINE)
    elif given.design in ("sequence", "sobol") and given.points & (given.points - 1):
        near, rule = 1 << given.points.bit_length(), f"must be a power of 2 for {given.design}"
        yield Problem("points", given.points, rule, str(near), file=COMMAND_LINE)
    if given.design in INDEXED and find_spec("SALib") is None:
        yield Problem("design", given.design, say(lang, "no_salib"), file=COMMAND_LINE)


def _measures(settings: Settings, fixed: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the output addresses that are asked for, or those that decide."""
    from crksim.model.vocabulary import parse_measures

    case = load_case(settings.scenario, fixed)
    if not text:
        return tuple(question.measure for question in case.questions if question.decides)
    wanted = tuple(dict.fromkeys(part.strip() for part in re.split(r",(?![^\[]*\])", text)))
    try:
        parse_measures(wanted, case.study.network)
    except InputError as error:
        raise locate(
            error, {problem.address.split(".")[0]: Place(COMMAND_LINE, None) for problem in error.problems}
        ) from error
    return wanted


# --- the points ------------------------------------------------------------------------------------------------------


def run_points(
    folder: Path,
    experiment: Experiment,
    points: Sequence[tuple[str, ...]],
    measures: Sequence[str],
    pool: Pool,
    progress: Callable[[int, int], None],
) -> int:
    """Run the reference and every point that is not in the folder yet; return how many points were.

    Every one is a file of its own that is there whole or not at all.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    experiment : Experiment
        The what-if.
    points : sequence of tuple of str
        A value for every axis each.
    measures : sequence of str
        Output addresses.
    pool : Pool
        Workers.
    progress : callable
        Called with (points done, points).

    Raises
    ------
    CheckError
        When replications fail; names their points. The others are kept, but for so many failures that none is begun
        any more.
    """
    import numpy as np

    from crksim.analysis.pool import MOST_FAILED
    from crksim.output.whole import write_bytes

    shape = (experiment.settings.members, experiment.settings.futures, len(measures))
    kept = 0
    failed: list[str] = []

    def keep(path: Path, world: WorldStudy, where: str) -> None:
        try:
            values = experiment.run(world, measures, pool, lambda done, total: None)
        except CheckError as error:
            failed.append(f"{where}, {error}")
            return
        data = io.BytesIO()
        # A zip file has a checksum of what is in it.
        np.savez(data, values=values)
        write_bytes(path, data.getvalue())
        if experiment.kept is not None:
            experiment.kept.forget()  # what its futures gave is in the file of the point

    if _kept(_reference(folder), shape) is None:
        keep(_reference(folder), experiment.case.worlds[0], "reference")
    for number, values in enumerate(points):
        if _kept(_point(folder, number), shape) is None:
            words = ", ".join(axis.word(value) for axis, value in zip(experiment.axes, values, strict=True))
            keep(_point(folder, number), experiment.world(values), f"{POINT} {number} ({words})")
        else:
            kept += 1
        progress(number + 1, len(points))
        if len(failed) >= MOST_FAILED:
            break
    if failed:
        raise CheckError("\n".join(failed))
    return kept


def _reference(folder: Path) -> Path:
    return folder / "points" / "reference.npz"


def _point(folder: Path, number: int) -> Path:
    return folder / "points" / f"{number:05d}.npz"


def _kept(path: Path, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return what a file keeps; None where there is none, none of that shape, or one that is damaged."""
    from zipfile import BadZipFile

    import numpy as np

    try:
        found = _load(path)
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None
    return found if found.shape == shape and found.dtype == np.float64 else None


def _load(path: Path) -> NDArray[np.float64]:
    import numpy as np

    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as data:
        values: NDArray[np.float64] = data["values"]
    return values


# --- what is kept ----------------------------------------------------------------------------------------------------


def _write(
    folder: Path,
    experiment: Experiment,
    points: Sequence[tuple[str, ...]],
    measures: Sequence[str],
    told: dict[str, Any],
) -> None:
    """Write tables, figures and manifest from the files of the points, one point at a time."""
    from crksim.analysis.designs import INDEXED
    from crksim.analysis.sweeping import COLUMNS, long_rows, summary_rows
    from crksim.output.calibration_files import write_table, write_text
    from crksim.output.export import write_parquet_parts

    reference = _load(_reference(folder))
    names = [axis.address for axis in experiment.axes]

    def places() -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
        for number, values in enumerate(points):
            place = {POINT: number, **{name: float(value) for name, value in zip(names, values, strict=True)}}
            yield place, _load(_point(folder, number))

    rows = [row for place, values in places() for row in summary_rows(place, measures, values, reference)]
    write_table(folder / "summary.csv", rows, [POINT, *names, *COLUMNS])
    write_parquet_parts(
        folder / "sweep.parquet",
        (long_rows(place, values) for place, values in places()),
        {"measure": measures},
    )
    if told["design"] not in INDEXED:
        for name, svg in _figures(experiment, rows, measures, grid=told["design"] == "grid"):
            write_text(folder / "figures" / name, svg)
    write_text(folder / "manifest.json", plain_manifest({**experiment.told, **told, "points": len(points)}))


def _figures(
    experiment: Experiment, rows: Sequence[dict[str, Any]], measures: Sequence[str], *, grid: bool
) -> Iterator[tuple[str, str]]:
    """Yield name and text of every figure: curves of one lever, maps of two; none of more."""
    from crksim.model.vocabulary import label, parse_measures, unit
    from crksim.output.curves import Measured, draw_heat, draw_response, figure_name

    study, axes = experiment.case.study, experiment.axes
    if len(axes) > 2:
        return
    levers = [axis_label(study, axis) for axis in axes]
    for address in parse_measures(measures, study.network):
        measured = Measured(label(address, study.network), unit(address))
        own = [
            {**row, **dict(zip(("value", "value_2"), (row[axis.address] for axis in axes), strict=False))}
            for row in rows
            if row["measure"] == address.text
        ]
        own.sort(key=lambda row: row["value"])
        for lang in ("da", "en"):
            if len(axes) == 1:
                svg = draw_response(own, levers[0], measured, own[0]["reference"], lang)
            else:
                svg = draw_heat(own, (levers[0], levers[1]), measured, lang, grid=grid)
            yield figure_name(address.text, lang), svg
