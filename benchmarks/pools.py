"""What handing work to others costs and gains: part `pool` of `python benchmarks/run.py`."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import tf12

from crksim.analysis.pool import open_pool

#: Replications in a unit of a second or more.
LONG = 12


def unit(seed):
    """A block of replications that hands little back."""
    return [tf12.run_crksim(LONG * seed + number).content_hash() for number in range(LONG)]


def nothing(packed):
    """A unit without work, but as large as a real one."""
    return len(packed)


def payload():
    """Return as many bytes as a unit of an ordinary what-if carries."""
    from crksim.interface.cases import load_case

    case = load_case("youth_groups_3sites")
    return pickle.dumps(case.studies)


@contextmanager
def cluster(workers=2):
    """Give the address of a Dask cluster of processes of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "scheduler.json"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}

        def start(program, *words):
            command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--host", "127.0.0.1", "--no-dashboard"]
            quiet = subprocess.DEVNULL
            process = subprocess.Popen([*command, *words], env=environment, stdout=quiet, stderr=quiet)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)

        start("scheduler", "--port", "0", "--scheduler-file", str(file))
        while not file.exists():
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        for _ in range(workers):
            start("worker", address, "--nthreads", "1", "--local-directory", folder)
        yield address


def half(pipe):
    """Do the units that are asked for, until nothing is."""
    while items := pipe.recv():
        pipe.send([unit(item) for item in items])


class Apart:
    """Two processes that each do half of the units on their own: what the machine gives without any pool."""

    def __init__(self):
        spawn = multiprocessing.get_context("spawn")
        self.pipes = []
        for _ in range(2):
            here, there = spawn.Pipe()
            spawn.Process(target=half, args=(there,), daemon=True).start()
            self.pipes.append(here)

    def run_all(self, function, items):
        halves = [list(items)[first::2] for first in range(2)]
        for pipe, own in zip(self.pipes, halves, strict=True):
            pipe.send(own)
        found = [pipe.recv() for pipe in self.pipes]
        return [found[place % 2][place // 2] for place in range(len(items))]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pipe in self.pipes:
            pipe.send([])


def wall(pool, function, items):
    begin = time.perf_counter()
    found = list(pool.run_all(function, items))
    return time.perf_counter() - begin, found


def pools(rounds, units, empty):
    """Speed-up over serial with long units, and the time that a unit without work takes."""
    took = {name: [] for name in ("serial", "local", "apart", "dask")}
    with ExitStack() as stack:
        opened = {
            "serial": stack.enter_context(open_pool(pool="serial")),
            "local": stack.enter_context(open_pool(2)),
            "apart": stack.enter_context(Apart()),
        }
        try:
            import distributed  # noqa: F401
        except ImportError:
            pass
        else:
            address = stack.enter_context(cluster())
            opened["dask"] = stack.enter_context(open_pool(2, pool="dask", address=address))
        for pool in opened.values():
            list(pool.run_all(unit, range(4)))
        same = []
        for _ in range(rounds):
            for name, pool in opened.items():
                seconds, found = wall(pool, unit, range(units))
                took[name].append(seconds)
                same.append(found)
        packed = payload()
        del opened["apart"]
        cost = {name: wall(pool, nothing, [packed] * empty)[0] / empty for name, pool in opened.items()}
    each = min(took["serial"]) / units
    rows = [
        ("the same results from every pool", f"{len(same)} times {units} units", "", all(f == same[0] for f in same))
    ]
    kinds = {
        "local": "`pool=local`, two workers: serial time / its time",
        "apart": "two processes on their own, no pool: serial time / its time",
        "dask": "`pool=dask`, two workers: serial time / its time",
    }
    for name, kind in kinds.items():
        asked = ">= 1.85" if name == "local" else ""
        if took[name]:
            gains = [one / other for one, other in zip(took["serial"], took[name], strict=True)]
            text = f"{statistics.median(gains):.2f} ({min(gains):.2f}-{max(gains):.2f}; {units} units of {each:.1f} s)"
            good = statistics.median(gains) >= 1.85 if asked else None
            rows.append((kind, text, asked, good))
    for name, seconds in cost.items():
        asked, good = ("< 5", seconds < 0.005) if name == "local" else ("", None)
        text = f"{1000 * seconds:.2f} ({empty} units of {len(packed) / 1024:.0f} KB)"
        rows.append((f"`pool={name}`: time for a unit without work, ms", text, asked, good))
    return rows
