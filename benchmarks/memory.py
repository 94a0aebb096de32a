"""Memory of what is large: `python benchmarks/memory.py [--write] [--quick]`.

Two children, each a process of its own whose peak is read: 100,000 results of units through the collection of a sweep,
and a network of about a million citizens simulated once.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import sections

HERE = Path(__file__).resolve()
GIBIBYTE = 1024.0
MOST = 4.0


def made_up(unit):
    """Take the place of a unit's simulation: numbers of its size that depend on the unit alone."""
    import numpy as np

    seed, shape = unit
    return np.random.default_rng(seed).normal(5.0, 1.0, shape)


def results(units):
    """Collect the results of so many units as `crksim sweep` does: pool, files of the points, tables, figures."""
    import io
    from contextlib import redirect_stdout
    from itertools import count

    import numpy as np

    from crksim.interface import cli
    from crksim.interface.experiments import Experiment

    members, futures, numbers, measured = 50, 2, count(), []

    def run(self, world, measures, pool, progress):
        measured[:] = measures
        asked = [(next(numbers), (futures, len(measures))) for _ in range(members)]
        return np.stack(list(pool.run_all(made_up, asked)))

    Experiment.run, Experiment.world = run, lambda self, values: self.case.worlds[-1]
    words = ["scenario=intensive_5_places", f"parameters.intensive_stay=1..{units // members} days", "pool=serial"]
    with TemporaryDirectory() as folder:
        size = (f"members={members}", f"futures={futures}", "progress=false", f"out={folder}")
        with redirect_stdout(io.StringIO()):
            code = cli.main(["sweep", *words, *size])
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        written = sum(path.stat().st_size for path in files) / 2**20
    # The reference is one point more.
    found, points = next(numbers) - members, units // members
    assert (code, found) == (0, units)
    each = f"{len(measured)} measures each, {written:.0f} MB in {len(files):,} files"
    return f"{found:,} results of {points:,} points, {each}"


def citizens(scale):
    """Simulate the reference workload, so many times as large."""
    import numpy as np
    import tf12

    log = tf12.run_crksim(1, scale)
    people = np.unique(log.citizen.astype(np.int64) + (log.cohort.astype(np.int64) << 40)).size
    return f"{people:,} citizens, {len(log):,} rows"


PARTS = {
    "results": ("peak memory of a sweep's results, GiB", results, (100_000, 5_000)),
    "citizens": ("peak memory of one replication of a large network, GiB", citizens, (70, 4)),
}


def child(name, size):
    begin = time.perf_counter()
    text = PARTS[name][1](size)
    print(f"{sections.peak_memory() / GIBIBYTE}\t{text}, {time.perf_counter() - begin:.0f} s")


def measured(quick):
    for name, (what, _, sizes) in PARTS.items():
        command = [sys.executable, str(HERE), "--child", name, "--size", str(sizes[quick])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        peak, text = done.stdout.strip().split("\t")
        yield what, f"{float(peak):.2f} ({text})", f"<= {MOST:.0f}", float(peak) <= MOST


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of it")
    parser.add_argument("--write", action="store_true", help="write its part of benchmarks/results.md")
    parser.add_argument("--child", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.size)
        return
    load = sections.load()
    text = f"""`python benchmarks/memory.py{" --quick" if given.quick else ""} --write` {sections.where(load)}
Peak of a process of its own, imports and all. The results are made up, and go through pool, files and tables as those
of a sweep do; the citizens are those of `workload/tf12.yaml` with rates and places multiplied.

{sections.table(measured(given.quick))}
"""
    print(f"## Memory\n\n{text}")
    if given.write:
        sections.put("Memory", text)


if __name__ == "__main__":
    main()
