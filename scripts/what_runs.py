"""Write docs/what_runs.md from conf and the lock: python scripts/what_runs.py [--write] [docs/what_runs.md]."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from crksim.interface.cases import load_evidence
from crksim.interface.files import data_dir, read_folder, read_yaml, scenario_files

__all__ = ["what_runs"]

TOP = Path(__file__).parents[1]
LIBRARIES = (
    "simpy",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "matplotlib",
    "hydra-core",
    "pyyaml",
    "jinja2",
    "xlsxwriter",
)

_HEAD = """\
# What runs

`python scripts/what_runs.py --write` writes this page from `conf/`, `scenarios/` and `requirements.lock`, so that the
descriptions of the model ([stress_des.md](stress_des.md), [odd.md](odd.md)) need not repeat a number.
"""


def what_runs() -> str:
    """Return what the shipped study consists of, as a page of Markdown."""
    sheets = {
        name: read_folder(data_dir("conf") / name).data for name in ("network", "ledger", "targets", "calibration")
    }
    parts: tuple[tuple[str, str, Iterator[Sequence[object]]], ...] = (
        ("In numbers", "what, number or day", _sizes(**sheets)),
        ("Cohorts", "id, label, new citizens, begin in, present at the start", _cohorts(**sheets)),
        ("Services", "id, label, places, queue, from, closes, ends, treatment", _services(**sheets)),
        ("Referral rules", "id, label, considered, whom, to, when full, stay, at most, from", _rules(**sheets)),
        ("Attributes", "attribute, values", _attributes(**sheets)),
        ("Parameters", "id, label, value, law, low, high, rests on, calibrated in", _parameters(**sheets)),
        ("Settings of a run", "setting, shipped value", _settings()),
        ("Software", "library, locked version", _versions()),
    )
    return _HEAD + "".join(f"\n## {title}\n\n{_table(heads.split(', '), rows)}" for title, heads, rows in parts)


def _table(heads: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    lines = (heads, ["---"] * len(heads), *rows)
    return "".join(f"| {' | '.join(str(cell).replace('|', '¦') for cell in line)} |\n" for line in lines)


def _sizes(
    network: Mapping[str, Any], ledger: Mapping[str, Any], targets: Mapping[str, Any], calibration: Mapping[str, Any]
) -> Iterator[Sequence[object]]:
    for name in ("cohorts", "services", "groups", "referrals", "parameters"):
        yield name, len(network[name])
    for name, day in network["time"].items():
        yield f"time: {name}", day
    kinds = Counter(row["kind"] for row in load_evidence())
    yield "input numbers with evidence", sum(kinds.values())
    for kind, number in sorted(kinds.items()):
        yield f"of these {kind}", number
    own = Counter(entry["mark"] for entry in targets["facts"].values() if not entry.get("part_of"))
    yield "independent numbers of the report", sum(own.values())
    for mark, number in sorted(own.items()):
        yield f"of these {mark}", number
    yield "rows of the replay", len(targets["facts"])
    yield "numbers of the report with a reason why they are no row", len(targets["not_replayed"])
    yield "blocks of the calibration", len(calibration["blocks"])
    yield "exact pieces of the calibration", len(calibration["exact"])
    yield "models that are wrong on purpose", len(calibration["wrong"])
    yield "scenarios", len(scenario_files())
    yield "marks and gate frozen on", targets["frozen"]["on"]


def _cohorts(network: Mapping[str, Any], **_: object) -> Iterator[Sequence[object]]:
    for name, cohort in network["cohorts"].items():
        rate = cohort.get("arrivals", "none")
        present = "; ".join(f"{one['count']} in {one['at']}" for one in cohort.get("present", {}).values())
        yield f"`{name}`", cohort["label"]["en"], _short(rate), _short(cohort.get("enters", "")), present


def _services(network: Mapping[str, Any], **_: object) -> Iterator[Sequence[object]]:
    for name, service in network["services"].items():
        queue = service.get("queue", {}).get("order", "fifo") + (", patience" if "patience" in service else "")
        ends = service.get("ends", {})
        if "cases" in ends:
            ends = {end: None for case in ends["cases"].values() for end in case["ends"]}
        yield (
            f"`{name}`",
            service["label"]["en"],
            _short(service.get("places", "no limit known")),
            queue if "hard" in service.get("places", {}) else "",
            service.get("opens", "the start"),
            service.get("closes", {}).get("on", ""),
            ", ".join(ends),
            "yes" if service.get("treatment", True) else "no",
        )


def _rules(network: Mapping[str, Any], **_: object) -> Iterator[Sequence[object]]:
    for name, rule in network["referrals"].items():
        yield (
            f"`{name}`",
            rule["label"]["en"],
            _short(rule["at"]),
            _short(rule.get("when", "all")),
            _short(rule["to"]),
            rule.get("full", "queue"),
            rule.get("stay", ""),
            rule.get("at_most", ""),
            rule.get("from", "the start"),
        )


def _attributes(network: Mapping[str, Any], **_: object) -> Iterator[Sequence[object]]:
    yield from ((f"`{name}`", ", ".join(values)) for name, values in network["attributes"].items())


def _parameters(
    network: Mapping[str, Any], ledger: Mapping[str, Any], calibration: Mapping[str, Any], **_: object
) -> Iterator[Sequence[object]]:
    places = {name: block["label"]["en"] for block in calibration["blocks"].values() for name in block["parameters"]}
    places |= {one: "exact" for name, piece in calibration["exact"].items() for one in piece.get("parameters", [name])}
    for name, parameter in network["parameters"].items():
        entry = ledger[f"parameters.{name}"]
        law = entry.get("law", "fixed") + (f" {_short(entry['numbers'])}" if "numbers" in entry else "")
        before = " (before: conf/calibration/before.yaml)" if f"parameters.{name}" in calibration["before"] else ""
        block = places.get(name, "")
        ends = (entry.get("low", ""), entry.get("high", ""))
        label = parameter.get("label", {}).get("en", "")
        yield f"`{name}`", label, _short(parameter["value"]), law, *ends, entry["kind"], block + before


def _settings() -> Iterator[Sequence[object]]:
    yield from ((f"`{name}`", value) for name, value in read_yaml(data_dir("conf") / "config.yaml").data.items())


def _versions() -> Iterator[Sequence[object]]:
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", (TOP / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    for library in LIBRARIES:
        yield library, " or ".join(version for name, version in pinned if name == library)


def _short(value: Any) -> str:
    """Return a value of the study in one line."""
    if isinstance(value, Mapping):
        inside = (
            (name, f"{{{_short(inner)}}}" if isinstance(inner, Mapping) else _short(inner))
            for name, inner in value.items()
        )
        return ", ".join(f"{name}: {inner}" for name, inner in inside)
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return str(value)


def main(words: Sequence[str]) -> None:
    """Write the page, or print it."""
    if "--write" in words:
        target = Path(next((word for word in words if word != "--write"), "docs/what_runs.md"))
        target.write_text(what_runs(), encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(what_runs())


if __name__ == "__main__":
    main(sys.argv[1:])
