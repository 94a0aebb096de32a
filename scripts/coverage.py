"""Coverage of the calibration on made-up truths, and rank histograms, on the small system of coverage.yaml.

    python scripts/coverage.py --worlds 400 --out outputs/coverage.jsonl
    python scripts/coverage.py --report outputs/coverage.jsonl --write

Every world has a truth drawn from the priors, a report that one future of it gives, and a calibration of its own with
the whole procedure.  Worlds that stand in the file are not computed again, so it can be cut off and go on.  Parameters
that the counts identify are chosen on other worlds than those they are judged on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml

from crksim.analysis.blocks import read_blocks
from crksim.analysis.calibration import Sizes, Task, calibrate_block, evaluation
from crksim.analysis.counts import REST, Counts, read_counts
from crksim.analysis.identification import IDENTIFIED
from crksim.analysis.pool import open_pool
from crksim.model.ledger import read_ledger
from crksim.model.study import read_study

HERE = Path(__file__).parent
SIZES = Sizes(particles=100, futures=3, moves=1)
#: The first worlds choose which parameters are identified; the others judge.
CHOOSING = 40
BAND = (0.87, 0.93)


def small_task(seed=1):
    """The small system as a task of calibration."""
    data = yaml.safe_load((HERE / "coverage.yaml").read_text(encoding="utf-8"))
    data["study"]["time"] = {name: str(day) for name, day in data["study"]["time"].items()}
    for service in data["study"]["services"].values():
        if "opens" in service:
            service["opens"] = str(service["opens"])
    for block in data["blocks"].values():
        block["until"] = str(block["until"])
    study, counts, ledger = read_study(data["study"]), read_counts(data), read_ledger(data["ledger"])
    return Task(data["study"], read_blocks(data, study.network, study.start, counts, ledger), counts, ledger, seed)


def reported(task, block, truth, world):
    """The counts that one future of a truth gives, in the order of the block's counts."""
    with open_pool(1) as pool:
        evaluate = evaluation(task, block, Sizes(futures=1), pool)
        found = evaluate(truth[None, :], 50_000_000 + world)[0, 0]
    places = list(dict.fromkeys(address for count in task.counts_of(block) for address in count.addresses))
    told = {}
    for count in task.counts_of(block):
        numbers = [float(found[places.index(address)]) for address in count.addresses]
        if count.measures[-1].startswith(REST):
            numbers[-1] -= sum(numbers[:-1])
        told[count.id] = tuple(numbers)
    return told


def one_world(world, sizes=SIZES, seed=1):
    """Rank of the truth among the particles, whether the 90 % range holds it, and the width left, by parameter."""
    task, random = small_task(seed), np.random.default_rng([seed, world])
    found = {}
    for block in task.blocks.blocks:
        truth = random.standard_normal(len(block.parameters))
        told = reported(task, block, truth, world)
        counts = Counts(
            tuple(replace(count, reported=told.get(count.id, count.reported)) for count in task.counts.counts),
            task.counts.probability,
        )
        own = replace(task, counts=counts, seed=task.seed + 1000 * (world + 1))
        with open_pool(1) as pool:
            cloud = calibrate_block(own, block, sizes, pool)
        low, high = np.quantile(cloud.scores, [0.05, 0.95], axis=0, method="weibull")
        for place, name in enumerate(block.parameters):
            found[name] = {
                "rank": float((cloud.scores[:, place] < truth[place]).mean()),
                "held": bool(low[place] <= truth[place] <= high[place]),
                "left": float((high[place] - low[place]) / 3.2897),
            }
    return {"world": world, "parameters": found}


def run(worlds, out, workers):
    """Compute the worlds that do not stand in the file yet."""
    done = {json.loads(line)["world"] for line in out.read_text().splitlines()} if out.exists() else set()
    missing = [world for world in range(worlds) if world not in done]
    out.parent.mkdir(parents=True, exist_ok=True)
    with open_pool(workers) as pool, out.open("a", encoding="utf-8") as file:
        for result in pool.run_all(one_world, missing, name=lambda world: f"world {world}"):
            file.write(json.dumps(result) + "\n")
            file.flush()


def judged(results):
    """Rows (parameter, width left, identified, held, worlds, chi-square p) over the worlds that judge."""
    from scipy import stats

    choosing = [it["parameters"] for it in results if it["world"] < CHOOSING]
    judging = [it["parameters"] for it in results if it["world"] >= CHOOSING]
    rows = []
    for name in judging[0]:
        left = float(np.median([it[name]["left"] for it in choosing]))
        held = [it[name]["held"] for it in judging]
        counts = np.histogram([it[name]["rank"] for it in judging], bins=10, range=(0.0, 1.0 + 1e-9))[0]
        rows.append(
            (name, left, left <= IDENTIFIED, sum(held), len(held), float(stats.chisquare(counts).pvalue), counts)
        )
    return rows


def report(results):
    """The page that is committed."""
    rows = judged(results)
    lines = [
        "# Coverage of the calibration",
        "",
        f"Made by `python scripts/coverage.py --worlds {len(results)} --out outputs/coverage.jsonl` and",
        f"`python scripts/coverage.py --report outputs/coverage.jsonl --write` on {datetime.now(UTC):%Y-%m-%d} (UTC).",
        "",
        "Truths drawn from the priors on a small system with the same blocks as CRK (`scripts/coverage.yaml`), a",
        "report that one future of each gives, and the whole procedure on each",
        f"({SIZES.particles} particles, {SIZES.futures} futures).",
        f"The first {CHOOSING} worlds choose which parameters are identified; the other {rows[0][4]} judge.",
        "",
        "| parameter | width left | identified | 90 % ranges that hold the truth | 95 % | ranks, ten bins | p |",
        "|---|---:|---|---:|---|---|---:|",
    ]
    for name, left, good, held, worlds, p, counts in rows:
        share = held / worlds
        error = 1.96 * np.sqrt(share * (1 - share) / worlds)
        ranks = " ".join(str(count) for count in counts)
        lines.append(
            f"| `{name}` | {left:.2f} | {'yes' if good else 'no'} | {share:.3f} | "
            f"{share - error:.3f} to {share + error:.3f} | {ranks} | {p:.2f} |"
        )
    chosen = [row for row in rows if row[2]]
    held, worlds = sum(row[3] for row in chosen), sum(row[4] for row in chosen)
    lines += [
        "",
        f"Identified parameters together: {held / worlds:.3f} of {worlds} ranges hold the truth; asked is",
        f"{BAND[0]:.2f} to {BAND[1]:.2f}: {'met' if BAND[0] <= held / worlds <= BAND[1] else 'missed'}. p is that of a "
        "chi-square test for even ranks",
        "(simulation-based calibration; Talts et al. 2018, arXiv 1804.06788).",
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("outputs/coverage.jsonl"))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--write", action="store_true", help="write docs/coverage.md")
    given = parser.parse_args()
    if given.report is None:
        run(given.worlds, given.out, given.workers)
        return
    text = report([json.loads(line) for line in given.report.read_text().splitlines()])
    sys.stdout.write(text)
    if given.write:
        (HERE.parent / "docs" / "coverage.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
