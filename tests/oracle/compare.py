"""The engine's log in the oracle's words, and the first rows in which the two differ."""

from __future__ import annotations

import math

from crksim.model.study import default_theta, read_study
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.staylog import DIED, LEAVE, NOWHERE
from tests.oracle.model import run_oracle

WORDS = {LEAVE: "leave", DIED: "died", NOWHERE: None}


def named(log):
    """Return the rows of a log as plain dicts with names instead of indices."""
    legend, rows = log.legend, []
    columns = {name: column.tolist() for name, column in log.columns().items()}
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        row["cohort"] = legend.cohorts[row["cohort"]]
        row["service"] = legend.services[row["service"]]
        row["rule"] = legend.rules[row["rule"]] if row["rule"] >= 0 else None
        row["kind"] = legend.kinds[row["kind"]]
        row["end"] = legend.ends[row["end"]] if row["end"] >= 0 else None
        row["to"] = legend.services[row["to"]] if row["to"] >= 0 else WORDS[row["to"]]
        row["status"] = legend.statuses[row["status"]] if row["status"] >= 0 else None
        row["without"] = legend.statuses[row["without"]] if row["without"] >= 0 else None
        rows.append(row)
    return rows


def plain(row):
    """Return a row in which NaN equals itself."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def both(data, seed=1, replication=0):
    """Return the rows of the engine and of the oracle for one study given as a plain dict."""
    study = read_study(data)
    theta = default_theta(study.network)
    luck = Luck(seed, replication)
    engine = simulate(structure(study).bind(theta), luck)
    return [plain(row) for row in named(engine)], [plain(row) for row in run_oracle(study, theta, luck)]


def key(row):
    return row["cohort"], row["citizen"], row["row"]


def differences(engine, oracle, most=5):
    """Return a text with the first rows that differ, empty when the tables are equal."""
    mine, theirs = {key(row): row for row in engine}, {key(row): row for row in oracle}
    lines = []
    for at in sorted(mine.keys() | theirs.keys()):
        a, b = mine.get(at), theirs.get(at)
        if a == b:
            continue
        if a is None or b is None:
            lines.append(f"{at}: only in the {'oracle' if a is None else 'engine'}: {b or a}")
        else:
            parts = [f"{name}: engine {a[name]!r}, oracle {b[name]!r}" for name in a if a[name] != b[name]]
            lines.append(f"{at} in {a['service']}: " + "; ".join(parts))
        if len(lines) == most:
            break
    return "\n".join(lines)


def assert_same(data, seed=1, replication=0, least=1):
    """Assert that engine and oracle write the same table, of at least some rows; return it."""
    engine, oracle = both(data, seed, replication)
    text = differences(engine, oracle)
    assert not text, "\n" + text
    assert [key(row) for row in engine] == [key(row) for row in oracle]
    assert len(engine) >= least
    return engine
