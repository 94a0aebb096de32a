"""Which ensemble a run uses, and what the check against the report says of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem, nearest
from crksim.interface.files import data_dir, shipped_sheet, shown_name
from crksim.interface.sheets import COMMAND_LINE
from crksim.model.network import Label

if TYPE_CHECKING:
    from crksim.analysis.ensemble import Ensemble
    from crksim.analysis.replay import Check
    from crksim.analysis.results import Reading
    from crksim.model.network import Network

__all__ = [
    "GATE",
    "PREDICTIONS",
    "VARIANTS",
    "before_report",
    "load_ensemble",
    "ranges",
    "readings",
    "shipped_folder",
    "standing",
]

#: The files in which a check against the report and how it found each number are kept, beside the ensemble.
GATE = "gate.json"
PREDICTIONS = "predictions.csv"
#: The file in which other ways to build the system are answered, beside the ensemble.
VARIANTS = "variants.csv"


def shipped_folder() -> Path:
    """Return where the shipped ensemble lies."""
    return data_dir("conf") / "ensemble"


def before_report(ledger: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ledger with what was known before the report's counts were looked at in the place of what they gave.

    Parameters
    ----------
    ledger : mapping
        Address -> evidence, as a plain dict.
    """
    before = shipped_sheet("calibration").data["before"]
    return dict(ledger) | {address: entry for address, entry in before.items() if address in ledger}


def load_ensemble(which: str, network: Network) -> Ensemble | None:
    """Return an ensemble; None for the priors.

    Parameters
    ----------
    which : str
        ``shipped``, ``none``, or the folder of a calibration.
    network : Network
        Whose parameters are named.

    Raises
    ------
    InputError
        No such ensemble, or a fault in its files.
    """
    from crksim.analysis.ensemble import read_ensemble
    from crksim.output.calibration_files import MANIFEST, MEMBERS

    if which == "none":
        return None
    folder = _folder(which)
    missing = [name for name in (MEMBERS, MANIFEST) if not (folder / name).is_file()]
    if missing:
        rule = f"must be shipped, none, or the folder of a calibration, with {' and '.join(missing)} in it"
        kept = [str(path.parent) for path in Path("outputs").glob(f"calibration_*/{MEMBERS}")]
        near = nearest(which, ["shipped", "none", *kept])
        raise InputError([Problem("versions", which, rule, near, file=COMMAND_LINE)])
    with (folder / MEMBERS).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        return read_ensemble(rows, json.loads((folder / MANIFEST).read_text("utf-8")), network)
    except (InputError, ValueError) as error:
        problems = error.problems if isinstance(error, InputError) else [Problem("manifest", MANIFEST, str(error))]
        raise InputError([replace(problem, file=shown_name(folder)) for problem in problems]) from error


def standing(which: str, ensemble: Ensemble | None, ledger: Mapping[str, Any]) -> Check:
    """Return what the check against the report says of an ensemble, on the network as it is now.

    Parameters
    ----------
    which : str
        As in `load_ensemble`.
    ensemble : Ensemble or None
        What it gave.
    ledger : mapping
        Address -> evidence, as a plain dict.
    """
    from crksim.analysis.ensemble import network_mark
    from crksim.analysis.replay import Check

    if ensemble is None:
        return Check()
    now = network_mark(shipped_sheet("network").data, ledger)
    frozen = shipped_sheet("targets").data["frozen"]["mark"]
    folder = _folder(which)
    path = folder / GATE
    told = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    same = (told.get("ensemble"), told.get("network"), told.get("frozen")) == (ensemble.mark, now, frozen)
    if not same or (ensemble.network, ensemble.frozen) != (now, frozen):
        return Check(status="stale", ensemble=ensemble.mark)
    power = told["power"].values()
    return Check(
        status="passed" if told["passed"] else "failed",
        chance=float(told["chance"]),
        stopped=sum(model["passes"] <= 0.5 for model in power),
        wrong=len(power),
        ensemble=ensemble.mark,
    )


def ranges(which: str, check: Check) -> dict[str, tuple[float, float]]:
    """Return the ranges by which a check judged the predicted facts, with more versions and futures than a run has.

    Parameters
    ----------
    which : str
        As in `load_ensemble`.
    check : Check
        What `standing` gave; nothing where the ensemble was not checked.
    """
    if check.status not in ("passed", "failed"):
        return {}
    path = _folder(which) / PREDICTIONS
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        told = [row for row in csv.DictReader(file) if row["mark"] == "predicted"]
    return {row["fact"]: (float(row["low"]), float(row["high"])) for row in told}


def readings(which: str, ensemble: Ensemble | None, scenario: str) -> tuple[Reading, ...]:
    """Return how the system, built otherwise, answers a scenario differently; nothing where that was not looked at.

    Parameters
    ----------
    which : str
        As in `load_ensemble`.
    ensemble : Ensemble or None
        What it gave; answers on another one do not count.
    scenario : str
        Name of the scenario.
    """
    from crksim.analysis.results import Reading
    from crksim.analysis.variants import BASE, OTHER_LUCK

    path = _folder(which) / VARIANTS
    if ensemble is None or not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["scenario"], row["ensemble"]) == (scenario, ensemble.mark)]
    base = next((float(row["difference"]) for row in rows if row["variant"] == BASE), None)
    if base is None:
        return ()
    found = [
        Reading(
            label=Label(row["label_da"], row["label_en"]),
            measure=row["measure"],
            difference=float(row["difference"]),
            low=float(row["low"]),
            high=float(row["high"]),
            base=base,
        )
        for row in rows
        if row["variant"] not in (BASE, OTHER_LUCK)
        and row["enough"] == "True"
        and abs(float(row["difference"]) - base) >= float(row["worthwhile"])
    ]
    return tuple(sorted(found, key=lambda reading: -abs(reading.difference - base)))


def _folder(which: str) -> Path:
    return shipped_folder() if which == "shipped" else Path(which)
