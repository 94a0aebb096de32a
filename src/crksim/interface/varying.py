"""``crksim variants``: other ways to build the system, beside the report's counts and with what they would answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.calibrating import load_task
from crksim.interface.cases import Case, load_case
from crksim.interface.ensembles import VARIANTS, load_ensemble, shipped_folder
from crksim.interface.files import locate, shipped_sheet
from crksim.interface.keeping import keeping
from crksim.interface.pools import open_workers
from crksim.interface.setting_up import check_writable
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import number, say
from crksim.interface.validating import checked_numbers
from crksim.interface.words import read_words_into
from crksim.model.network import Label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crksim.analysis.calibration import Task
    from crksim.analysis.gate import Gate
    from crksim.analysis.keeping import Store
    from crksim.analysis.pool import Pool
    from crksim.analysis.variants import Agreement, Alternative

__all__ = ["COLUMNS", "Variants", "compare_variants"]

#: Smallest values of the settings.
_LEAST = {"members": 2, "futures": 1, "past_futures": 2, "seed": 0, "workers": 0, "kept": 0}

COLUMNS = (
    "scenario", "variant", "label_da", "label_en", "log_ratio", "error", "effective", "enough", "check",
    "check_chance", "measure", "measure_da",
    "measure_en", "unit_da", "unit_en", "difference", "low", "high", "worthwhile", "chance", "verdict", "members",
    "futures", "past_futures", "seed", "ensemble",
)  # fmt: skip

#: Called with the number of members in all; gives what is called with (done, total).
Bar = Callable[[int], AbstractContextManager[Callable[[int, int], None]]]
#: Values of the leading measure in the reference and in the what-if, (members, futures) each.
Pair = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


@dataclass(frozen=True)
class Variants:
    """How variants are compared.

    Parameters
    ----------
    scenario : str
        What-if whose leading answer is told.
    members, futures : int
        Versions of the ensemble, and futures of each for the answer.
    past_futures : int
        Futures of the past by which a likelihood is estimated; few of them, and luck passes for agreement.
    seed, workers : int
        Seed of all luck; processes.
    pool, address : str
        Who does the work.
    versions : str
        ``shipped``, or the folder of a calibration.
    out : Path
        Folder in which the folder of the comparison is made.
    kept : int
        Megabytes of results that may stay beside the folder, so that what is cut off goes on; 0 keeps none.
    ship : bool
        Whether the table takes the place of the one in ``conf/ensemble``.
    """

    scenario: str = "youth_groups_3sites"
    members: int = 60
    futures: int = 2
    past_futures: int = 64
    seed: int = 1
    workers: int = 0
    pool: str = "local"
    address: str = ""
    versions: str = "shipped"
    out: Path = Path("outputs")
    kept: int = 1000
    ship: bool = False


def compare_variants(words: Sequence[str], lang: str, tell: Callable[[str], None], bar: Bar) -> Path:
    """Compare the variants of the structure, and return the folder of what was found.

    What is simulated is kept; where it was cut off, the same words go on.

    Parameters
    ----------
    words : sequence of str
        ``name=value`` words.
    lang : str
        ``da`` or ``en``.
    tell : callable
        Told what is going on, a line at a time.
    bar : callable
        Gives what is called with (done, total).

    Raises
    ------
    InputError
        Anything wrong in the input.
    CheckError
        When a version cannot be simulated.
    DiskError
        When the disk takes no more.
    KeyboardInterrupt
        With what is kept.
    """
    from crksim.analysis.ensemble import draw_members
    from crksim.model.ledger import read_ledger
    from crksim.output.calibration_files import write_table

    given = read_words_into(Variants, words, _LEAST)
    check_writable(given.out)
    task = load_task(given.seed)
    block, alternatives = _alternatives(task)
    base = load_case(given.scenario)
    ensemble = load_ensemble(given.versions, base.studies[0].network)
    if ensemble is None:
        raise InputError([Problem("versions", "none", say(lang, "needs_ensemble"), "shipped", file=COMMAND_LINE)])
    size = min(given.members, len(ensemble.members))
    network = base.studies[0].network
    # Every version is held beside the report with the very parameters with which it answers.
    (members,) = draw_members(base.worlds[:1], [network], read_ledger(base.ledger), size, given.seed, ensemble.members)
    known = {variant.id for variant in base.scenario.variants}
    asked = [it for it in alternatives if not it.switch or it.switch in known]
    tell(say(lang, "varying", variants=len(asked), members=len(members), futures=given.futures))
    with keeping(given, lang) as kept, open_workers(given) as pool:
        found = _agreements(task, block, members, asked, pool, given.past_futures, kept)
        gates = _gates(given, task, members, asked, found, pool, kept, bar)
        pairs = _answers(given, base, asked, members, found, pool, kept, bar)
    rows = _rows(given, base, asked, found, gates, pairs, ensemble.mark)
    for line in _lines(rows, lang):
        tell(line)
    folder = given.out / f"variants_{base.name}_{ensemble.mark}"
    for place in (folder, *((shipped_folder(),) if given.ship else ())):
        write_table(place / VARIANTS, rows, COLUMNS)
    tell(say(lang, "varied", file=(folder / VARIANTS).as_posix()))
    return folder


def _alternatives(task: Task) -> tuple[str, tuple[Alternative, ...]]:
    """Return the block that is asked, and the shipped alternatives."""
    from crksim.analysis.variants import read_variants

    sheet = shipped_sheet("calibration")
    parameters = task.study["parameters"]
    try:
        return read_variants(
            sheet.data.get("variants") or {},
            [block.id for block in task.blocks.blocks],
            [count.id for count in task.counts.counts],
            list(parameters) if isinstance(parameters, Mapping) else [],
        )
    except InputError as error:
        raise locate(error, sheet.places) from error


def _agreements(
    task: Task,
    block_id: str,
    members: Sequence[Mapping[str, float]],
    asked: Sequence[Alternative],
    pool: Pool,
    futures: int,
    kept: Store | None,
) -> dict[str, Agreement]:
    """Return how well the counts agree with every variant; a switch of the scenario does not touch the past."""
    from crksim.analysis.variants import BASE, OTHER_LUCK, agreement, log_likelihoods

    block = next(it for it in task.blocks.blocks if it.id == block_id)

    def logs(variant: Alternative | None = None, *, other_luck: bool = False) -> NDArray[np.float64]:
        return log_likelihoods(task, block, members, pool, variant, futures=futures, other_luck=other_luck, kept=kept)

    base = logs()
    found = {BASE: agreement(base, base), OTHER_LUCK: agreement(logs(other_luck=True), base)}
    for it in asked:
        found[it.id] = agreement(logs(it), base) if it.past else found[BASE]
    return found


def _gates(
    given: Variants,
    task: Task,
    members: Sequence[Mapping[str, float]],
    asked: Sequence[Alternative],
    agreements: Mapping[str, Agreement],
    pool: Pool,
    kept: Store | None,
    bar: Bar,
) -> dict[str, Gate]:
    """Hold the numbers that were never fitted against the base and every variant, each with its weighted members."""
    from crksim.analysis.gate import check
    from crksim.analysis.prediction import predict
    from crksim.analysis.variants import BASE, OTHER_LUCK, Alternative, reweighed
    from crksim.model.changes import apply

    sheets = {name: shipped_sheet(name).data for name in ("targets", "ledger")}
    numbers = checked_numbers(sheets["targets"])

    def gate(it: Alternative) -> Gate:
        measures = [it.moved(measure) if number.fact in it.counts else measure for measure, number in numbers]
        with bar(len(members)) as progress:
            found = predict(
                task.study if it.structure is None else apply(task.study, it.structure),
                sheets["ledger"], measures, pool, members=len(members), futures=given.futures, seed=given.seed,
                calibrated=[{**member, **it.fixed} for member in members], progress=progress, kept=kept,
            )  # fmt: skip
        weighted = replace(found, values=found.values[reweighed(agreements[it.id].weights)])
        return check([number for _, number in numbers], weighted.futures, sheets["targets"]["gate"]["probability"])

    base = gate(Alternative(BASE, Label("", "")))
    return {BASE: base, OTHER_LUCK: base} | {it.id: gate(it) if it.past else base for it in asked}


def _answers(
    given: Variants,
    base: Case,
    asked: Sequence[Alternative],
    members: Sequence[Mapping[str, float]],
    agreements: Mapping[str, Agreement],
    pool: Pool,
    kept: Store | None,
    bar: Bar,
) -> dict[str, Pair]:
    """Return the leading measure under the base and every variant; worlds that share their network run together."""
    from crksim.analysis.replications import replicate
    from crksim.analysis.variants import BASE, Alternative
    from crksim.model.clock import Window

    groups: dict[str, list[Alternative]] = {}
    for it in (Alternative(BASE, base.scenario.title), *asked):
        if it.id == BASE or it.changes or it.fixed or it.switch:
            groups.setdefault(json.dumps([it.changes, it.fixed], sort_keys=True), []).append(it)
    pairs: dict[str, Pair] = {}
    for first, *others in groups.values():
        cases = [
            load_case(
                given.scenario,
                [f"switch.{it.switch}=true"] if it.switch else [],
                [base.worlds[0].id],
                it.structure,
            )
            for it in (first, *others)
        ]
        with bar(len(members)) as progress:
            run = replicate(
                [cases[0].worlds[0], *(case.worlds[-1] for case in cases)],
                base.ledger,
                measures=[base.questions[0].measure],
                members=len(members),
                futures=given.futures,
                seed=given.seed,
                window=Window(base.begins, base.study.end),
                theta_overrides=_possible(members, agreements[first.id].weights, first.fixed),
                pool=pool,
                progress=progress,
                kept=kept,
            )
        reference = run.worlds[0].values[:, :, 0]
        for it, world in zip((first, *others), run.worlds[1:], strict=True):
            pairs[it.id] = (reference, world.values[:, :, 0])
    return pairs


def _possible(
    members: Sequence[Mapping[str, float]], weights: NDArray[np.float64], fixed: Mapping[str, float]
) -> list[dict[str, float]]:
    """Return the members of a variant; in the place of one that is not possible, and weighs nothing, stands another."""
    other = next((member for member, weight in zip(members, weights, strict=True) if weight > 0.0), members[0])
    return [{**(member if weight > 0.0 else other), **fixed} for member, weight in zip(members, weights, strict=True)]


def _rows(
    given: Variants,
    base: Case,
    asked: Sequence[Alternative],
    found: Mapping[str, Agreement],
    gates: Mapping[str, Gate],
    pairs: Mapping[str, Pair],
    ensemble: str,
) -> list[dict[str, Any]]:
    """Return the rows of the table: the base, the same on other luck, and every variant."""
    from crksim.analysis.variants import BASE, ENOUGH, OTHER_LUCK, answer
    from crksim.interface.texts import TEXTS

    question = base.questions[0]
    labels = {BASE: TEXTS["variant_base"], OTHER_LUCK: TEXTS["variant_other_luck"]} | {it.id: it.label for it in asked}
    rows = []
    for name, label in labels.items():
        own = found[name]
        # Where nobody is possible there is no answer; the base's is not one.
        row = answer(question, *pairs.get(name, pairs[BASE]), own.weights) if own.effective > 0.0 else None
        rows.append(
            {
                "scenario": base.name,
                "variant": name,
                "label_da": label.da,
                "label_en": label.en,
                "log_ratio": own.log_ratio,
                "error": own.error,
                "effective": own.effective,
                "enough": own.effective >= ENOUGH,
                "check": "passed" if gates[name].passed else "failed",
                "check_chance": round(gates[name].chance, 4),
                "measure": question.measure,
                "measure_da": question.label.da,
                "measure_en": question.label.en,
                "unit_da": question.unit.da,
                "unit_en": question.unit.en,
                "worthwhile": question.worthwhile,
                **{key: getattr(row, key) if row else "" for key in ("difference", "low", "high", "chance", "verdict")},
                "members": len(own.weights),
                "futures": given.futures,
                "past_futures": given.past_futures,
                "seed": given.seed,
                "ensemble": ensemble,
            }
        )
    return rows


def _lines(rows: Sequence[Mapping[str, Any]], lang: str) -> list[str]:
    """Return a line for every row."""
    lines = [say(lang, "variants_of", measure=rows[0][f"measure_{lang}"], unit=rows[0][f"unit_{lang}"])]
    for row in rows:
        size = row["worthwhile"]
        told = (
            "{} ({} … {}), {}".format(
                *(number(lang, row[name], size=size, sign=True) for name in ("difference", "low", "high")),
                say(lang, row["verdict"]),
            )
            if row["verdict"]
            else "–"
        )
        lines.append(
            "  · "
            + say(
                lang,
                "variant_row" if row["enough"] else "variant_row_few",
                label=row[f"label_{lang}"],
                ratio=number(lang, row["log_ratio"], size=0.1, sign=True),
                error=number(lang, row["error"], size=0.1),
                effective=f"{row['effective']:.0f}",
                members=row["members"],
                answer=told,
            )
        )
    return lines
