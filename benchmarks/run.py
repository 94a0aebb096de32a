"""Time crksim against a bare SimPy loop, textbook SimPy and Ciw, and its pools against one process.

    python benchmarks/run.py [--quick] [--write] [--only pool | --only engines]

`python benchmarks/memory.py` is apart.

Every number comes from one run with interleaved repeats.  CPU times are ratios within a round, so that whatever else
the machine does falls on all alike; `--write` puts the table in `benchmarks/results.md`.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pools
import sections
import textbook
import tf12

from crksim.analysis.pool import open_pool

HERE = Path(__file__).resolve()
ENGINES = {
    "crksim": (tf12.run_crksim, tf12.metrics_of_log),
    "textbook": (textbook.run, textbook.metrics_of),
}
try:
    import ciw_model

    ENGINES["Ciw"] = (ciw_model.run, ciw_model.metrics_of)
except ImportError:
    pass


def cpu(function, *arguments):
    """CPU seconds of one call, collected rubbish before it not counted."""
    gc.collect()
    begin = time.process_time()
    function(*arguments)
    return time.process_time() - begin


def count_events(scale=1):
    """SimPy events that one replication of crksim pops, and its rows that became stays."""
    import simpy

    popped = [0]

    class Counting(simpy.Environment):
        def step(self):
            popped[0] += 1
            super().step()

    plain = simpy.Environment
    simpy.Environment = Counting
    try:
        log = tf12.run_crksim(0, scale)
    finally:
        simpy.Environment = plain
    return popped[0], int((~np.isnan(log.admitted)).sum())


def agreement(sizes):
    """Largest and root-mean-square Welch z of every other engine against crksim, over the numbers that vary."""
    sample = {name: np.array([read(run(seed)) for seed in range(sizes[name])]) for name, (run, read) in ENGINES.items()}
    ours, rows = sample["crksim"], []
    for name, theirs in sample.items():
        if name == "crksim":
            continue
        error = np.sqrt(ours.var(0, ddof=1) / len(ours) + theirs.var(0, ddof=1) / len(theirs))
        varying = error > 0
        z = np.abs(ours.mean(0) - theirs.mean(0))[varying] / error[varying]
        equal = np.allclose(ours.mean(0)[~varying], theirs.mean(0)[~varying])
        rms = float(np.sqrt((z**2).mean()))
        size = f"{len(ours)} and {len(theirs)} replications, {varying.sum()} numbers"
        text = f"{size}: largest z {z.max():.1f}, rms {rms:.2f}"
        rows.append(
            (f"crksim and {name} agree", text, "z < 4.5, rms < 1.5", bool(equal and z.max() < 4.5 and rms < 1.5))
        )
    return rows


def engines(rounds, ciw_rounds):
    """Ratios of CPU time within rounds."""
    events, stays = count_events()
    times = {name: [] for name in (*ENGINES, "bare")}
    for number in range(rounds):
        for name, (run, _) in ENGINES.items():
            if name != "Ciw" or number < ciw_rounds:
                times[name].append(cpu(run, number))
        times["bare"].append(cpu(textbook.bare, events))

    def ratio(over, under):
        pairs = [a / b for a, b in zip(times[over], times[under], strict=False)]
        return statistics.median(pairs), f"{statistics.median(pairs):.2f} ({min(pairs):.2f}-{max(pairs):.2f})"

    rows = [
        (
            "SimPy events per stay",
            f"{events / stays:.2f} ({events} events, {stays} stays)",
            "<= 2.2",
            events / stays <= 2.2,
        )
    ]
    middle, text = ratio("crksim", "bare")
    rows.append((f"crksim / bare SimPy loop of {events} events", text, "<= 2 (aim 1.5)", middle <= 2.0))
    middle, text = ratio("textbook", "crksim")
    rows.append(("textbook SimPy / crksim", text, ">= 4 (aim 6)", middle >= 4.0))
    if "Ciw" in ENGINES:
        middle, text = ratio("Ciw", "crksim")
        rows.append(("Ciw / crksim", text, ">= 30 (aim 50)", middle >= 30.0))
    seconds = ", ".join(f"{name} {min(took):.3f}" for name, took in times.items())
    rows.append(("CPU seconds per replication, best of the rounds", seconds, "", None))
    return rows


def growth(scales, rounds):
    """Exponent of CPU time in the size of the system."""
    times = {scale: [] for scale in scales}
    for scale in scales:
        tf12.plan(scale)
    for number in range(rounds):
        for scale in scales:
            times[scale].append(cpu(tf12.run_crksim, number, scale))
    best = [min(times[scale]) for scale in scales]
    exponent = np.log(best[-1] / best[0]) / np.log(scales[-1] / scales[0])
    text = f"{exponent:.2f} (CPU s: " + ", ".join(f"x{s} {t:.2f}" for s, t in zip(scales, best, strict=True)) + ")"
    return [(f"growth exponent x{scales[0]} to x{scales[-1]}", text, "<= 1.25", bool(exponent <= 1.25))]


def probe(times):
    """Print the peak resident memory (MB) after imports and after `times` replications."""
    import scipy.special  # noqa: F401 - laws import it when first asked, and it is no part of a replication

    bound = tf12.plan()
    gc.collect()
    before = sections.peak_memory(reset=True)
    for number in range(times):
        tf12.simulate(bound, tf12.Luck(1, number))
        gc.collect(1)
    print(before, sections.peak_memory())


def memory():
    """Peak memory of one replication and of twenty, each in a process of its own."""
    peak = {}
    for times in (1, 20):
        done = subprocess.run([sys.executable, HERE, "--probe", str(times)], capture_output=True, text=True, check=True)
        before, after = map(float, done.stdout.split())
        peak[times] = after - before
    return [
        ("peak memory of one replication above imports, MB", f"{peak[1]:.1f}", "<= 30 (aim 15)", peak[1] <= 30.0),
        ("the same after 20 replications, MB", f"{peak[20]:.1f}", "<= one + 5", peak[20] <= peak[1] + 5.0),
    ]


def hashed(seed):
    """A unit of work that hands little back."""
    return tf12.run_crksim(seed).content_hash()


def workers(replications):
    """Wall time of one worker over that of two, with both pools warm."""
    took = {}
    for count in (1, 2):
        with open_pool(count) as pool:
            list(pool.run_all(hashed, range(4)))
            begin = time.perf_counter()
            list(pool.run_all(hashed, range(replications)))
            took[count] = time.perf_counter() - begin
    gain = took[1] / took[2]
    return [("two workers against one", f"{gain:.2f} ({replications} replications)", ">= 1.7", gain >= 1.7)]


def wall(command, **options):
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, **options)
    return time.perf_counter() - begin


def commands(rounds, members):
    """Wall time of commands as a user types them."""
    both = [
        (wall([sys.executable, "-m", "crksim", "--help"]), wall([sys.executable, "-c", "pass"])) for _ in range(rounds)
    ]
    above = statistics.median(ours - theirs for ours, theirs in both)
    rows = [("`crksim --help` above bare Python, s", f"{above:.2f}", "<= 0.35", above <= 0.35)]
    with tempfile.TemporaryDirectory() as folder:
        case = [
            "scenario=youth_groups_3sites",
            f"members={members}",
            "futures=2",
            "workers=2",
            "lang=en",
            f"out={folder}",
        ]
        took = wall([sys.executable, "-m", "crksim", *case, "progress=false"])
    rows.append(
        (
            f"`crksim scenario=youth_groups_3sites` with {2 * members} paired replications, s",
            f"{took:.1f}",
            "< 60",
            took < 60.0,
        )
    )
    return rows


def network(rounds):
    """CPU time of one replication of CRK's own network."""
    from crksim.interface.files import data_dir, read_folder
    from crksim.model.study import default_theta, read_study
    from crksim.simulation.engine import simulate
    from crksim.simulation.luck import Luck
    from crksim.simulation.plan import structure

    study = read_study(read_folder(data_dir("conf") / "network").data)
    bound = structure(study).bind(default_theta(study.network))
    rows = len(simulate(bound, Luck(1, 0)))
    pairs = [(cpu(simulate, bound, Luck(1, n)), cpu(textbook.bare, rows)) for n in range(rounds)]
    ratio, best = statistics.median(a / b for a, b in pairs), min(a for a, _ in pairs)
    text = f"{best:.3f} ({rows} rows; {ratio:.1f} x a bare loop with an event a row)"
    return [("CPU seconds for one replication of CRK", text, "", None)]


def engine_rows(quick):
    """Everything but the pools."""
    sizes = {"crksim": 40, "textbook": 15, "Ciw": 5} if quick else {"crksim": 200, "textbook": 60, "Ciw": 25}
    rows = [*agreement(sizes), *engines(5 if quick else 11, 1 if quick else 5)]
    rows += growth((1, 4) if quick else (1, 4, 16), 2 if quick else 4)
    rows += [*memory(), *workers(20 if quick else 60), *network(3 if quick else 9)]
    return rows + commands(3 if quick else 9, 5 if quick else 50)


def pool_rows(quick):
    """What handing work to others costs and gains."""
    return pools.pools(1 if quick else 5, 8 if quick else 16, 200 if quick else 1000)


#: Part -> its title in the results, its rows, and what is said of them.
PARTS = {
    "engines": (
        "One processor, two workers, commands",
        engine_rows,
        "Ratios are medians over interleaved rounds, of CPU time (range in brackets).",
    ),
    "pool": (
        "Many processors",
        pool_rows,
        "Wall time with all pools warm, serial and the others by turns; the Dask cluster is a scheduler and two\n"
        "workers of one thread beside this process, so that on two processors four processes share them.",
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats, growth to x4")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results.md")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--probe", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.probe:
        probe(given.probe)
        return
    for name in [given.only] if given.only else PARTS:
        title, measured, about = PARTS[name]
        load = sections.load()
        command = f"python benchmarks/run.py{' --quick' if given.quick else ''} --write --only {name}"
        found = sections.table(measured(given.quick))
        packages = ("simpy", "numpy", *(("ciw",) if "Ciw" in ENGINES else ()))
        text = f"""`{command}` {sections.where(load, packages)}
The workload is `workload/tf12.yaml`. {about}

{found}
"""
        print(f"## {title}\n\n{text}")
        if given.write:
            sections.put(title, text)


if __name__ == "__main__":
    main()
