"""Parts of `results.md`: each benchmark writes its own and leaves the others as they are."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results.md"
HEAD = "# Benchmarks\n"


def put(title, text):
    """Write a part under its title in the place of the one that is there, else at the end."""
    parts = RESULTS.read_text(encoding="utf-8").removeprefix(HEAD).strip().split("\n\n## ")
    known = dict(part.removeprefix("## ").split("\n\n", 1) for part in parts)
    known[title] = text.strip()
    body = "\n\n".join(f"## {name}\n\n{part}" for name, part in known.items())
    RESULTS.write_text(f"{HEAD}\n{body}\n", encoding="utf-8")


def where(load, packages=("simpy", "numpy")):
    """Return on what, and beside what, something was measured."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"""on {datetime.now(UTC):%Y-%m-%d} (UTC): Python {platform.python_version()}, {versions},
{os.cpu_count()} processors, {platform.system()} {platform.machine()}; load before the run {load:.1f}."""


def load():
    """Return how busy the machine is: the mean number of running processes over the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def peak_memory(*, reset=False):
    """Peak resident memory of this process, MB; on Linux since the last reset."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024.0


def table(rows):
    """Return rows of (what, measured, asked, good or not or None) as a table."""
    lines = ["| what | measured | asked | |", "|---|---|---|---|"]
    for what, found, asked, good in rows:
        lines.append(f"| {what} | {found} | {asked} | {'' if good is None else 'yes' if good else '**no**'} |")
    return "\n".join(lines)
