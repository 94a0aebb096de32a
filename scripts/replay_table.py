"""Write docs/replay.md from the folder of a run: python scripts/replay_table.py outputs/FOLDER [docs/replay.md]."""

from __future__ import annotations

import sys
from pathlib import Path

from crksim.output.finished import Run, read_run
from crksim.output.replayed import predicted
from crksim.output.report.wording import Wording, is_share

__all__ = ["replay_table"]

_HEAD = """\
# The replay beside the report

The model replays 2016-2017. *Put in*: typed into the network. *Fitted*: the calibration takes it into account.
*Predicted*: neither; only these say anything, and those that share people with another fact do not count. The range
holds 9 in 10 of single replays, luck and lack of knowledge together. How the check is done and what it is worth:
[validation.md](validation.md).

Made by `crksim scenario={scenario} members={members} futures={futures} seed={seed}` and
`python scripts/replay_table.py outputs/FOLDER`. Predicted numbers met: {met} of {total}.

| fact | report | simulated mean | 90 % range | mark | met |
|---|---:|---:|---|---|---|
"""

_REASONS = """
## What is not replayed

{total} numbers and statements of the report about what came of its offers stand in no row above.

| what the report says, and why it is left out | place |
|---|---|
"""


def replay_table(run: Run) -> str:
    """Return the replay of a run as a page of Markdown.

    Parameters
    ----------
    run : Run
        What a run folder holds.
    """
    words, result = Wording("en"), run.result
    met = {row.fact: inside for row, inside in predicted(result.replay)}
    text = _HEAD.format(
        scenario=result.scenario, members=result.members, futures=result.futures, seed=result.seed,
        met=sum(met.values()), total=len(met),
    )  # fmt: skip
    for row in result.replay:
        factor = 100.0 if is_share(row.unit) else 1.0
        unit = "%" if is_share(row.unit) else words.label(row.unit)
        decimals = words.decimals(row.reported * factor, row.mean * factor)
        reported, mean = words.plain(row.reported * factor), words.number(row.mean * factor, decimals)
        span = words.span(row.low * factor, row.high * factor, decimals)
        inside = "" if row.fact not in met else "yes" if met[row.fact] else "no"
        mark = row.mark + (f" (part of `{row.part_of}`)" if row.part_of else "")
        text += f"| {words.label(row.label)} ({unit}) | {reported} | {mean} | {span} | {mark} | {inside} |\n"
    if result.not_replayed:
        text += _REASONS.format(total=len(result.not_replayed))
        text += "".join(f"| {words.label(row.reason)} | {row.locator} |\n" for row in result.not_replayed)
    return text


if __name__ == "__main__":
    found = replay_table(read_run(Path(sys.argv[1])))
    Path(sys.argv[2] if len(sys.argv) > 2 else "docs/replay.md").write_text(found, encoding="utf-8", newline="\n")
