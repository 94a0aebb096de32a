"""``crksim calibrate``: from the report's counts to an ensemble, in a folder that it can go on in."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError
from crksim.interface.files import data_dir, locate, read_yaml, shipped_sheet
from crksim.interface.keeping import disk_told
from crksim.interface.pools import open_workers
from crksim.interface.setting_up import check_writable
from crksim.interface.texts import say
from crksim.interface.words import read_words_into

if TYPE_CHECKING:
    from crksim.analysis.blocks import Block
    from crksim.analysis.calibration import Sizes, Task
    from crksim.analysis.particles import Cloud
    from crksim.analysis.pool import Pool

__all__ = ["Calibrate", "Tell", "calibrate", "load_task"]

#: Told what is going on, a line at a time.
Tell = Callable[[str], None]

#: Smallest values of the settings.
_LEAST = {"members": 20, "particles": 50, "futures": 2, "moves": 1, "seed": 0, "workers": 0}
_MARKS = ("5", "50", "95")
_IDENTIFICATION = (
    "parameter",
    "block",
    *(f"{when}_{mark}" for when in ("before", "after") for mark in _MARKS),
    "left",
    "by_report",
    *(f"smoother_{mark}" for mark in _MARKS),
)
#: Versions of the smoother, the method beside.
SMOOTHED = 200


@dataclass(frozen=True)
class Calibrate:
    """How a calibration is done.

    Parameters
    ----------
    members : int
        Members of the ensemble.
    particles, futures, moves : int
        Versions per block, futures per version, moves per step.
    seed, workers : int
        Seed of all luck; processes.
    pool, address : str
        Who does the work.
    out : Path
        Folder in which the folder of the calibration is made.
    ship : bool
        Whether the ensemble takes the place of the one in ``conf/ensemble``.
    """

    members: int = 300
    particles: int = 400
    futures: int = 4
    moves: int = 1
    seed: int = 1
    workers: int = 0
    pool: str = "local"
    address: str = ""
    out: Path = Path("outputs")
    ship: bool = False


def load_task(seed: int) -> Task:
    """Return the shipped network and everything that it is calibrated on.

    Parameters
    ----------
    seed : int
        Seed of all luck.

    Raises
    ------
    InputError
        A fault in any of the files.
    """
    from crksim.analysis.blocks import read_blocks
    from crksim.analysis.calibration import Task
    from crksim.analysis.counts import read_counts
    from crksim.model.ledger import read_ledger
    from crksim.model.study import read_study

    sheets = {name: shipped_sheet(name) for name in ("network", "targets", "ledger", "calibration")}
    try:
        study = read_study(sheets["network"].data)
        counts = read_counts(sheets["targets"].data, sheets["targets"].data["facts"])
        ledger = read_ledger(sheets["ledger"].data)
        blocks = read_blocks(sheets["calibration"].data, study.network, study.start, counts, ledger)
    except InputError as error:
        raise locate(error, *(sheet.places for sheet in sheets.values())) from error
    return Task(sheets["network"].data, blocks, counts, ledger, seed)


def calibrate(words: Sequence[str], lang: str, tell: Tell) -> Path | None:
    """Calibrate the shipped network, or go on with a calibration that was cut off, and return its folder.

    Parameters
    ----------
    words : sequence of str
        ``name=value`` words.
    lang : str
        ``da`` or ``en``.
    tell : callable
        Told what is going on.

    Returns
    -------
    Path or None
        None when it was interrupted; the last step of every block is kept, and the same command goes on.

    Raises
    ------
    InputError
        Anything wrong in the input.
    CheckError
        When a version cannot be simulated.
    DiskError
        When the disk takes no more.
    """
    given = read_words_into(Calibrate, words, _LEAST)
    check_writable(given.out)
    task = load_task(given.seed)
    folder = given.out / f"calibration_{_mark(task, given)}"
    tell(say(lang, "calibrating", folder=folder.as_posix(), blocks=len(task.blocks.blocks), members=given.members))
    try:
        with disk_told(lang, folder=folder):
            _compute(task, given, folder, lang, tell)
    except KeyboardInterrupt:
        tell(say(lang, "interrupted_kept", kept=folder.as_posix()))
        return None
    if given.ship:
        _ship(folder)
    return folder


def _compute(task: Task, given: Calibrate, folder: Path, lang: str, tell: Tell) -> None:
    """Calibrate block by block, and write what came of it."""
    from crksim.analysis.calibration import Sizes, members_of, resized
    from crksim.output.calibration_files import kept_cloud

    began, sizes = time.perf_counter(), Sizes(given.particles, given.futures, given.moves)
    clouds: dict[str, Cloud] = {}
    smoothed: dict[str, Any] = {}
    with open_workers(given) as pool:
        for block in task.blocks.blocks:
            own, path = resized(sizes, block), folder / f"{block.id}.npz"
            cloud = kept_cloud(path)
            if cloud is not None:
                tell(say(lang, "goes_on", block=getattr(block.label, lang), step=len(cloud.steps)))
            clouds[block.id] = _calibrated(task, block, own, pool, path, cloud, lang, tell)
            smoothed[block.id] = _smoothed(task, block, own, pool, folder / f"{block.id}_smoother.npz")
    _write(folder, task, given, clouds, smoothed, members_of(task, clouds, given.members))
    tell(say(lang, "calibrated", minutes=f"{(time.perf_counter() - began) / 60.0:.1f}", folder=folder.as_posix()))


def _calibrated(
    task: Task, block: Block, sizes: Sizes, pool: Pool, path: Path, cloud: Cloud | None, lang: str, tell: Tell
) -> Cloud:
    from crksim.analysis.calibration import calibrate_block
    from crksim.output.calibration_files import keep_cloud

    began = time.perf_counter()

    def keep(found: Cloud) -> None:
        keep_cloud(path, found)
        step = found.steps[-1] if found.steps else None
        tell(
            say(
                lang,
                "calibration_step",
                block=getattr(block.label, lang),
                step=len(found.steps),
                share=f"{100.0 * found.temper:.0f}",
                effective=f"{step.effective if step else len(found.scores):.0f}",
                particles=len(found.scores),
                drawn=found.drawn,
                seconds=f"{time.perf_counter() - began:.0f}",
            )
        )

    return calibrate_block(task, block, sizes, pool, cloud=cloud, keep=keep)


def _smoothed(task: Task, block: Block, sizes: Sizes, pool: Pool, path: Path) -> Any:
    """Return the scores of the method beside, from the folder where they are there already."""
    import numpy as np

    from crksim.analysis.calibration import columns_of, evaluation, luck_of
    from crksim.analysis.particles import Cloud
    from crksim.analysis.smoother import smooth
    from crksim.output.calibration_files import keep_cloud, kept_cloud

    kept = kept_cloud(path)
    if kept is None:
        random = luck_of(task, block, -2)
        scores = random.standard_normal((min(SMOOTHED, sizes.particles), len(block.parameters)))
        evaluate = evaluation(task, block, sizes, pool)
        # Keys far from those of the particles, so that nothing is simulated twice on the same luck.
        found = smooth(
            scores,
            lambda moved, first: evaluate(moved, first + 10_000_000),
            task.counts_of(block),
            columns_of(task, block),
            random,
        )
        kept = Cloud(found, np.empty((0, 0, 0)))
        keep_cloud(path, kept)
    return kept.scores


def _mark(task: Task, given: Calibrate) -> str:
    """Return what the folder is called: the same work, the same folder."""
    import crksim
    from crksim.analysis.code import code_mark
    from crksim.analysis.ensemble import network_mark

    sheets = [shipped_sheet(name).data for name in ("ledger", "targets", "calibration")]
    # Variants are looked at when the ensemble is there; they move no particle.
    sheets[2] = {name: part for name, part in sheets[2].items() if name != "variants"}
    sizes = [given.members, given.particles, given.futures, given.moves, given.seed]
    told = [
        network_mark(task.study, sheets[0]),
        sheets[1].get("counts"),
        sheets[2],
        sizes,
        crksim.__version__,
        code_mark(),
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _write(
    folder: Path,
    task: Task,
    given: Calibrate,
    clouds: Mapping[str, Cloud],
    smoothed: Mapping[str, Any],
    members: list[dict[str, float]],
) -> None:
    """Write the ensemble, its manifest, and the tables of what was found."""
    from crksim.analysis.identification import identified, trade_offs
    from crksim.output.calibration_files import MANIFEST, MEMBERS, write_table, write_text

    names = list(task.blocks.parameters)
    rows = [{"member": number, **member} for number, member in enumerate(members)]
    write_table(folder / MEMBERS, rows, ["member", *names])
    scores = {name: cloud.scores for name, cloud in clouds.items()}
    parameters = identified(task.blocks, scores, members)
    write_table(
        folder / "identification.csv",
        [
            {"parameter": it.parameter, "block": it.block, "left": it.left, "by_report": it.by_report}
            | {f"before_{mark}": value for mark, value in zip(_MARKS, it.before, strict=True)}
            | {f"after_{mark}": value for mark, value in zip(_MARKS, it.after, strict=True)}
            | _beside(task, it.parameter, it.block, smoothed)
            for it in parameters
        ],
        _IDENTIFICATION,
    )
    write_table(
        folder / "trade_offs.csv",
        [vars(pair) for pair in trade_offs(task.blocks, scores)],
        ["first", "second", "correlation"],
    )
    write_table(
        folder / "steps.csv",
        [
            {"block": name, "step": number, **vars(step)}
            for name, cloud in clouds.items()
            for number, step in enumerate(cloud.steps, start=1)
        ],
        ["block", "step", "temper", "effective", "taken", "scale"],
    )
    told = _manifest(task, given, clouds) | {"left": {it.parameter: round(it.left, 4) for it in parameters}}
    write_text(folder / MANIFEST, json.dumps(told, indent=1, sort_keys=True) + "\n")


def _manifest(task: Task, given: Calibrate, clouds: Mapping[str, Cloud]) -> dict[str, Any]:
    """Return what the ensemble comes from, and how far the particles of every block carry it."""
    import crksim
    from crksim.analysis.ensemble import network_mark

    return {
        "version": crksim.__version__,
        "seed": given.seed,
        "members": given.members,
        "particles": given.particles,
        "futures": given.futures,
        "moves": given.moves,
        "network": network_mark(task.study, shipped_sheet("ledger").data),
        "frozen": read_yaml(data_dir("conf") / "targets" / "frozen.yaml").data["frozen"]["mark"],
        "counts": sorted(
            {name for block in task.blocks.blocks for name in block.counts} | {it.count for it in task.blocks.exact}
        ),
        "effective": {
            name: {
                "smallest": round(min(step.effective for step in cloud.steps), 1),
                "particles": len(cloud.scores),
                "different": len({tuple(row) for row in cloud.scores.round(12).tolist()}),
                "ancestors": len(set(cloud.ancestors.tolist())),
                "versions": cloud.drawn,
            }
            for name, cloud in clouds.items()
        },
    }


def _beside(task: Task, name: str, block: str, smoothed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the smoother gives for a parameter; nothing for exact pieces."""
    import numpy as np

    if block not in smoothed:
        return {"smoother_5": "", "smoother_50": "", "smoother_95": ""}
    place = next(it for it in task.blocks.blocks if it.id == block).parameters.index(name)
    values = task.blocks.priors[name].values(np.quantile(smoothed[block][:, place], [0.05, 0.5, 0.95]))
    return {f"smoother_{mark}": float(value) for mark, value in zip(_MARKS, values, strict=True)}


def _ship(folder: Path) -> None:
    """Copy the ensemble and its tables into ``conf/ensemble``."""
    from crksim.output.calibration_files import write_text

    for name in ("members.csv", "manifest.json", "identification.csv", "trade_offs.csv", "steps.csv"):
        write_text(data_dir("conf") / "ensemble" / name, (folder / name).read_text("utf-8"))
