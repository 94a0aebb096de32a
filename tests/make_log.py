"""A log from rows written by hand."""

import numpy as np

from crksim.simulation.staylog import COLUMNS, DIED, LEAVE, NOWHERE, REASONS, Legend, StayLog

WORDS = {"leave": LEAVE, "died": DIED, None: NOWHERE}
NAN = float("nan")


def make_log(
    rows, *, services, cohorts=("adults",), rules=(), ends=("done",), statuses=(), kinds=(), span=(0.0, 200.0)
):
    """Return a log of `rows`, dicts with names for numbers; rows of one citizen are numbered in the order given.

    Left out: referred = admitted, due = left, the door, the main strand, no rule, the first kind of the cohort.
    """
    kinds = kinds or tuple({"cohort": cohort} for cohort in cohorts)
    legend = Legend(
        tuple(services), tuple(cohorts), tuple(rules), REASONS + tuple(ends), tuple(statuses),
        tuple(tuple(sorted(kind.items())) for kind in kinds),
    )  # fmt: skip
    table, numbers = [], {}
    for given in rows:
        row = dict(given)
        cohort = row.get("cohort", cohorts[0])
        key = (cohort, row["citizen"])
        numbers[key] = numbers.get(key, -1) + 1
        wanted = {"cohort": cohort, **row.get("kind", {})}
        end, to, status, rule = (row.get(name) for name in ("end", "to", "status", "rule"))
        admitted, left = row.get("admitted", NAN), row.get("left", NAN)
        table.append({
            "cohort": cohorts.index(cohort),
            "citizen": row["citizen"],
            "row": row.get("row", numbers[key]),
            "strand": row.get("strand", 0),
            "service": legend.services.index(row["service"]),
            "from_row": row.get("from_row", -1),
            "rule": -1 if rule is None else legend.rules.index(rule),
            "nth": 0,
            "kind": next(i for i, kind in enumerate(kinds) if wanted.items() <= kind.items()),
            "referred": row.get("referred", admitted),
            "admitted": admitted,
            "due": row.get("due", left),
            "left": left,
            "end": -1 if end is None else legend.ends.index(end),
            "to": WORDS[to] if to in WORDS else legend.services.index(to),
            "status": -1 if status is None else legend.statuses.index(status),
            "without": legend.statuses.index(row["without"]) if "without" in row else -1,
            "flags": row.get("flags", 0),
        })  # fmt: skip
    table.sort(key=lambda row: (row["cohort"], row["citizen"], row["row"]))
    columns = {
        ("end_" if name == "end" else name): np.array([row[name] for row in table], dtype=kind)
        for name, kind in COLUMNS.items()
    }
    return StayLog(legend=legend, start=span[0], end=span[1], **columns)
