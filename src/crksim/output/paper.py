"""Everything that a paper on a run needs, in one folder: tables that other programs read, each described."""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crksim.analysis import ensemble, replications
from crksim.model.differences import differences
from crksim.model.ledger import read_ledger
from crksim.model.study import resolved
from crksim.output.bibliography import bibtex, cited, software_entry
from crksim.output.calibration_files import write_table, write_text
from crksim.output.finished import Run, read_run, read_yaml
from crksim.output.paper_words import COPIED, page
from crksim.output.rundir import yaml_text
from crksim.output.whole import write_whole
from crksim.simulation import luck

__all__ = ["REFERENCE", "Shipped", "write_paper"]

#: The study that a what-if is compared with, in the folder of a run.
REFERENCE = "reference.yaml"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Shipped:
    """What comes with crksim and belongs to a paper.

    Parameters
    ----------
    targets, ledger, calibration, citation : mapping
        Content of the folders of that name, and of ``CITATION.cff``, as plain data.
    members : sequence of mapping
        Members of the shipped ensemble, where the run is on it: parameter -> number.
    beside : mapping of str to str
        Further files of the ensemble by name, with their text.
    variants : str
        Table of the variants of the structure, or empty.
    """

    targets: Mapping[str, Any]
    ledger: Mapping[str, Any]
    calibration: Mapping[str, Any]
    citation: Mapping[str, Any]
    members: Sequence[Mapping[str, float]] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    variants: str = ""


def write_paper(source: Path, folder: Path, shipped: Shipped) -> Path:
    """Write everything that a paper on a run needs into a new folder, whole or not at all, and return it.

    The same run gives the same bytes.

    Parameters
    ----------
    source : Path
        Folder of the run, with all its files.
    folder : Path
        Wished name.
    shipped : Shipped
        What comes with crksim.
    """
    run = read_run(source)
    told = json.loads((source / "manifest.json").read_text("utf-8"))
    reference = read_yaml(source / REFERENCE)

    def fill(draft: Path) -> None:
        for name, old in COPIED.items():
            if (source / old).is_file():
                (draft / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(source / old, draft / name)
        network = yaml_text(resolved(reference))
        write_text(draft / "network.yaml", network)
        write_text(draft / "luck.md", key_scheme(run.version))
        _table(draft / "targets.csv", target_rows(run, shipped))
        _table(draft / "priors.csv", prior_rows(reference, shipped))
        _table(draft / "draws.csv", _weighted(run.result.theta or [{} for _ in range(run.result.members)]))
        _table(draft / "scenario.csv", scenario_rows(run, reference))
        _table(draft / "figures" / "present.csv", [dict(vars(row)) for row in run.result.series])
        if shipped.members:
            _table(draft / "ensemble" / "posterior.csv", _weighted(shipped.members))
        for name, text in shipped.beside.items():
            write_text(draft / "ensemble" / name, text)
        if shipped.variants:
            write_text(draft / "variants.csv", shipped.variants)
        _write_sources(draft, shipped)
        _write_page(draft, run, told.get("versions", {}), hashlib.sha256(network.encode()).hexdigest())

    return write_whole(folder, fill)


def _write_page(draft: Path, run: Run, versions: Mapping[str, str], network: str) -> None:
    """Write the page that describes every file, and the checksums."""
    names = sorted(path.relative_to(draft).as_posix() for path in draft.rglob("*") if path.is_file())
    write_text(draft / "README.md", page(run, [*names, "SHA256SUMS"], versions, network))
    sums = {name: hashlib.sha256((draft / name).read_bytes()).hexdigest() for name in [*names, "README.md"]}
    write_text(draft / "SHA256SUMS", "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))


def _write_sources(draft: Path, shipped: Shipped) -> None:
    """Write what is cited, as references and as a table of who cites what."""
    tables = {"ledger": shipped.ledger, "before": shipped.calibration.get("before") or {}}
    entries = [(name, address, entry) for name, table in tables.items() for address, entry in table.items()]
    references = cited([(f"{name}: {address}", entry["source"]) for name, address, entry in entries
                        if entry.get("source")])  # fmt: skip
    write_text(draft / "references.bib", bibtex(references) + "\n" + software_entry(shipped.citation))
    text = {f"{name}: {address}": entry for name, address, entry in entries}
    rows = [
        {"key": reference.key, "table": place.partition(": ")[0], "address": place.partition(": ")[2]}
        | {name: text[place].get(name, "") for name in ("kind", "seen", "source")}
        for reference in references
        for place in reference.addresses
    ]
    write_table(draft / "citations.csv", rows, ["key", "table", "address", "kind", "seen", "source"])


def target_rows(run: Run, shipped: Shipped) -> Rows:
    """Return a row for every number of the report: its mark, the count it belongs to and that count's likelihood.

    Parameters
    ----------
    run : Run
        Whose replay stands beside the report.
    shipped : Shipped
        Targets and blocks.
    """
    facts, counts = shipped.targets["facts"], shipped.targets["counts"]
    replay = {row.fact: row for row in run.result.replay}
    used = _used(shipped.calibration)
    rows = []
    for name, fact in facts.items():
        own = name
        while own not in counts and facts.get(own, {}).get("part_of"):
            own = facts[own]["part_of"]
        count, shown = counts.get(own) or {}, replay.get(name)
        rows.append(
            {
                "fact": name,
                "label_da": fact["label"]["da"],
                "label_en": fact["label"]["en"],
                "unit_da": fact["unit"]["da"],
                "unit_en": fact["unit"]["en"],
                "locator": fact["locator"],
                "measure": fact["measure"],
                "reported": fact["reported"],
                "mark": fact["mark"],
                "count": own if count else "",
                "likelihood": count.get("law", ""),
                "count_reported": _listed(count.get("reported", "")),
                "count_measures": _listed(count.get("measures", "")),
                "count_kind": count.get("kind", ""),
                "count_extra": count.get("extra", 1 if count else ""),
                "count_given": count.get("given", ""),
                "count_rounded": count.get("rounded", ""),
                "calibrated_in": used.get(own, "") if count else "",
                "replay_mean": shown.mean if shown else "",
                "replay_low": shown.low if shown else "",
                "replay_high": shown.high if shown else "",
                "note": _listed([note for note in (fact.get("note"), count.get("note")) if note]),
            }
        )
    return rows


def prior_rows(reference: Mapping[str, Any], shipped: Shipped) -> Rows:
    """Return a row for every law of every parameter, wherever it is written: exact, before or ledger.

    Parameters
    ----------
    reference : mapping
        The study whose parameters are meant.
    shipped : Shipped
        Ledger and calibration.
    """
    ledger, before = read_ledger(shipped.ledger), read_ledger(shipped.calibration.get("before") or {})
    exact = _exact_laws(shipped.calibration)
    places = {name: block for block, entry in (shipped.calibration.get("blocks") or {}).items()
              for name in entry["parameters"]}  # fmt: skip
    rows = []
    for name, parameter in reference["parameters"].items():
        own: list[tuple[str, Any]] = [("before", before.entry(f"parameters.{name}"))]
        own.append(("ledger", ledger.entry(f"parameters.{name}")))
        known = [("exact", exact[name])] if name in exact else []
        known += [(table, _law(entry)) for table, entry in own if entry is not None]
        label = parameter.get("label") or {}
        for place, (table, law) in enumerate(known or [("none", _law(None))]):
            rows.append(
                {
                    "parameter": name,
                    "label_da": label.get("da", ""),
                    "label_en": label.get("en", ""),
                    "value": parameter["value"],
                    "table": table,
                    "in_calibration": "prior" if place == 0 else "replaced",
                    "calibrated_in": places.get(name, "exact" if name in exact else ""),
                    **law,
                }
            )
    return rows


def scenario_rows(run: Run, reference: Mapping[str, Any]) -> Rows:
    """Return what differs between the what-if and its main reference: address, old, new, from.

    Parameters
    ----------
    run : Run
        Whose what-if is meant.
    reference : mapping
        The study of the main reference.
    """
    found = differences(reference, run.study, str(run.scenario.get("from", "start")))
    return [
        {"address": it.address, "what": it.what, "old": _written(it.old), "new": _written(it.new), "from": it.since}
        for it in found
    ] or [dict.fromkeys(("address", "what", "old", "new", "from"), "")]


def key_scheme(version: str) -> str:
    """Return how luck is keyed, from the docstrings and constants of `crksim.simulation.luck`, with draws to check by.

    Parameters
    ----------
    version : str
        Of crksim.
    """
    lines = ["# Key scheme of the luck", "", f"crksim {version}.", "", inspect.getdoc(luck) or "", ""]
    described: tuple[Any, ...] = (
        luck.constant,
        luck.uniform,
        luck.Luck,
        luck.Luck.base,
        luck.exponentials,
        luck.on_grid,
    )
    for what in (*described, replications, ensemble.draw_members):
        name = getattr(what, "__qualname__", what.__name__)
        lines += [f"## {name}", "", "```", inspect.getdoc(what) or "", "```", ""]
    lines += ["## Constants", ""]
    lines += [f"- {name}: {value:#x}" if isinstance(value, int) and value > 2**32 else f"- {name}: {value}"
              for name, value in luck.CONSTANTS.items()]  # fmt: skip
    lines += ["", "## Draws to check by", "", "| seed | replication | cohort | citizen | family | nth | purpose | u |"]
    lines += ["|---:|---:|---|---:|---|---:|---|---:|"]
    for seed, replication, cohort, citizen, family, nth, purpose in (
        (1, 0, "youth_drugs", 0, "youth_group", 0, "length"),
        (1, 7, "youth_drugs", 12, "youth_group", 1, "length"),
        (2026, 0, " ensemble", 3, " ensemble", 0, "take_up_own_site"),
    ):
        drawn = luck.uniform(luck.Luck(seed, replication).base(cohort, citizen), luck.constant(family, nth, purpose))
        lines.append(f"| {seed} | {replication} | {cohort} | {citizen} | {family} | {nth} | {purpose} | {drawn!r} |")
    return "\n".join(lines) + "\n"


def _used(calibration: Mapping[str, Any]) -> dict[str, str]:
    """Return where each count is used: the block, or the exact piece."""
    found = {name: block for block, entry in (calibration.get("blocks") or {}).items() for name in entry["counts"]}
    return found | {entry["count"]: f"exact: {name}" for name, entry in (calibration.get("exact") or {}).items()}


def _exact_laws(calibration: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the law before any count of every parameter of an exact piece."""
    found = {}
    for piece, entry in (calibration.get("exact") or {}).items():
        for name in entry.get("parameters", [piece]):
            numbers = ", ".join(str(number) for number in entry["prior"])
            found[name] = _law(None) | {
                "law": entry["law"],
                "numbers": numbers,
                "note": f"conjugate, with the count {entry['count']}; the piece {piece}",
            }
    return found


def _law(entry: Any) -> dict[str, Any]:
    """Return law, numbers, kind and source of an entry of evidence; empty without one."""
    names = ("law", "low", "high", "numbers", "rest_of", "at_most", "kind", "fact", "source", "seen", "note")
    told: dict[str, Any] = {name: getattr(entry, name, "") for name in names}
    numbers = () if entry is None else entry.numbers
    told["numbers"] = ", ".join(f"{name}={number!r}" for name, number in numbers)
    return told if entry is not None else told | {"law": "fixed"}


def _weighted(members: Sequence[Mapping[str, float]]) -> Rows:
    """Return members with their ids and weights, which are all equal."""
    return [{"member": number, "weight": 1.0 / len(members), **member} for number, member in enumerate(members)]


def _listed(value: Any) -> str:
    return "; ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _written(value: Any) -> str:
    """Return a value as it stands in a study; lists and maps on one line."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else str(value)


def _table(path: Path, rows: Rows) -> None:
    """Write rows of the same columns; every number comes back as it was."""
    told: Iterable[dict[str, Any]] = (
        {name: ("" if value != value else repr(value)) if isinstance(value, float) else value
         for name, value in row.items()}
        for row in rows
    )  # fmt: skip
    write_table(path, told, list(rows[0]))
