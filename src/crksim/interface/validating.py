"""``crksim validate``: the ensemble beside the report, the gate, and what the gate is worth."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.ensembles import GATE, PREDICTIONS, before_report, load_ensemble, shipped_folder
from crksim.interface.files import locate, shipped_sheet
from crksim.interface.keeping import keeping
from crksim.interface.pools import open_workers
from crksim.interface.setting_up import check_writable
from crksim.interface.texts import say
from crksim.interface.words import read_words_into

if TYPE_CHECKING:
    from crksim.analysis.gate import Checked
    from crksim.analysis.prediction import Predicted

__all__ = ["Validate", "checked_numbers", "validate"]

#: Called with the number of members in all; gives what is called with (done, total).
Bar = Callable[[int], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class Validate:
    """How the check against the report is done.

    Parameters
    ----------
    members, futures : int
        Versions of the ensemble that are used, and futures of each.
    wrong : int
        Versions of each model that is wrong on purpose.
    seed, workers : int
        Seed of all luck; processes.
    pool, address : str
        Who does the work.
    versions : str
        ``shipped``, ``none`` (the priors), or the folder of a calibration.
    out : Path
        Folder in which the folder of the check is made.
    kept : int
        Megabytes of results that may stay beside the folder, so that what is cut off goes on; 0 keeps none.
    ship : bool
        Whether the result takes the place of the one in ``conf/ensemble``.
    """

    members: int = 300
    futures: int = 2
    wrong: int = 100
    seed: int = 1
    workers: int = 0
    pool: str = "local"
    address: str = ""
    versions: str = "shipped"
    out: Path = Path("outputs")
    kept: int = 1000
    ship: bool = False


def checked_numbers(targets: Mapping[str, Any]) -> list[tuple[str, Checked]]:
    """Return the predicted numbers that are independent: their measures, and what is checked.

    Parameters
    ----------
    targets : mapping
        ``facts``, ``counts`` and ``gate`` as in the files of targets.
    """
    from crksim.analysis.counts import read_counts
    from crksim.analysis.gate import Checked
    from crksim.model.clock import parse_quantity

    counts = read_counts(targets)
    found = []
    for name, entry in targets["facts"].items():
        if entry["mark"] == "predicted" and not entry.get("part_of"):
            count = counts[name]
            told = parse_quantity(entry["reported"])[0]
            found.append((entry["measure"], Checked(name, told, count.rounded, count.law == "nobody")))
    return found


def validate(words: Sequence[str], lang: str, tell: Callable[[str], None], bar: Bar) -> Path:
    """Hold the ensemble beside the report, and return the folder of what was found.

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
    from crksim.analysis.ensemble import network_mark
    from crksim.analysis.prediction import predict
    from crksim.model.study import read_study

    given = read_words_into(
        Validate, words, {"members": 20, "futures": 1, "wrong": 20, "seed": 0, "workers": 0, "kept": 0}
    )
    check_writable(given.out)
    sheets = {name: shipped_sheet(name) for name in ("network", "targets", "ledger", "calibration")}
    study, targets, ledger = (sheets[name].data for name in ("network", "targets", "ledger"))
    try:
        network = read_study(study).network
        numbers = checked_numbers(targets)
    except InputError as error:
        raise locate(error, *(sheet.places for sheet in sheets.values())) from error
    ensemble = load_ensemble(given.versions, network)
    members = given.members if ensemble is None else min(given.members, len(ensemble.members))
    measures = [entry["measure"] for entry in targets["facts"].values()]
    began = time.perf_counter()

    def futures(members: int, futures: int, factors: Mapping[str, float] | None = None, *, prior: bool) -> Predicted:
        own = None if prior or ensemble is None else ensemble.members
        with bar(members) as progress:
            return predict(
                study, before_report(ledger) if prior else ledger, measures, pool, members=members, futures=futures,
                seed=given.seed, calibrated=own, factors=factors, progress=progress, kept=kept,
            )  # fmt: skip

    few, models = min(members, given.wrong), {}
    with keeping(given, lang) as kept, open_workers(given) as pool:
        tell(say(lang, "validating", members=members, futures=given.futures, numbers=len(numbers)))
        found, before = futures(members, given.futures, prior=False), futures(few, 1, prior=True)
        for name, entry in sheets["calibration"].data["wrong"].items():
            tell(say(lang, "wrong_model", label=entry["label"][lang]))
            models[name] = futures(few, 1, entry["factors"], prior=False)
            _check_possible(name, entry, len(models[name].futures), few)
    told = {
        "ensemble": None if ensemble is None else ensemble.mark,
        "network": network_mark(study, ledger),
        "frozen": targets["frozen"]["mark"],
        "seed": given.seed,
        "members": members,
        "futures": given.futures,
        "wrong_members": few,
        **_judged(targets, numbers, found, before, models),
    }
    folder = _write(given, told, targets, found, before)
    tell(say(lang, "gate_passed" if told["passed"] else "gate_failed", chance=f"{100 * told['chance']:.0f}"))
    power = told["power"].values()
    tell(say(lang, "gate_worth", caught=sum(model["passes"] <= 0.5 for model in power), models=len(power)))
    tell(say(lang, "validated", minutes=f"{(time.perf_counter() - began) / 60.0:.1f}", folder=folder.as_posix()))
    return folder


def _check_possible(name: str, entry: Mapping[str, Any], possible: int, versions: int) -> None:
    """Refuse a wrong model that hardly exists: no few futures can be rare, so it would pass whatever it says."""
    if 2 * possible < versions:
        rule = f"leaves {possible} of {versions} versions possible; in the others shares exceed one"
        raise InputError([Problem(f"wrong.{name}.factors", dict(entry["factors"]), rule)])


def _judged(
    targets: Mapping[str, Any],
    numbers: Sequence[tuple[str, Checked]],
    found: Predicted,
    before: Predicted,
    models: Mapping[str, Predicted],
) -> dict[str, Any]:
    """Return the gate, that of the priors, and the chance with which each wrong model passes."""
    from crksim.analysis.gate import check, pass_chance

    measures = [entry["measure"] for entry in targets["facts"].values()]
    columns = [measures.index(measure) for measure, _ in numbers]
    asked, probability = [number for _, number in numbers], targets["gate"]["probability"]
    right = found.futures[:, columns]
    gate, prior = check(asked, right, probability), check(asked, before.futures[:, columns], probability)
    power = {}
    for name, model in models.items():
        wrong = model.futures[:, columns]
        own = check(asked, wrong, probability)
        power[name] = {
            "passes": round(pass_chance(asked, wrong, right, probability), 4),
            "report_passes": own.passed,
            "report_chance": round(own.chance, 4),
        }
    return {
        "probability": probability,
        "passed": gate.passed,
        "chance": round(gate.chance, 4),
        "tails": {fact: round(tail, 4) for fact, tail in gate.surprises},
        "prior": {"passed": prior.passed, "chance": round(prior.chance, 4)},
        "right_passes": round(pass_chance(asked, right, right, probability), 4),
        "power": power,
    }


def _write(
    given: Validate, told: Mapping[str, Any], targets: Mapping[str, Any], found: Predicted, before: Predicted
) -> Path:
    """Write the gate and the table of all numbers, put in, fitted and predicted."""
    import numpy as np

    from crksim.analysis.comparison import likely_range
    from crksim.model.clock import parse_quantity
    from crksim.output.calibration_files import write_table, write_text

    rows = []
    for column, (name, entry) in enumerate(targets["facts"].items()):
        row = {
            "fact": name,
            "mark": entry["mark"],
            "part_of": entry.get("part_of", ""),
            "reported": parse_quantity(entry["reported"])[0],
        }
        for when, predicted in (("", found), ("prior_", before)):
            values = predicted.futures[:, column]
            values = values[np.isfinite(values)]
            low, high = likely_range(values, outward=True)
            row |= {
                f"{when}median": float(np.median(values)) if len(values) else float("nan"),
                f"{when}low": low,
                f"{when}high": high,
            }
        row["inside"] = bool(row["low"] <= row["reported"] <= row["high"])
        rows.append(row)
    columns = [
        "fact",
        "mark",
        "part_of",
        "reported",
        "median",
        "low",
        "high",
        "inside",
        "prior_median",
        "prior_low",
        "prior_high",
    ]
    folder = given.out / f"validation_{told['ensemble'] or 'priors'}"
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    for place in (folder, *((shipped_folder(),) if given.ship else ())):
        write_text(place / GATE, text)
        write_table(place / PREDICTIONS, rows, columns)
    return folder
