"""The folder of a calibration: particles that it can go on from, and the ensemble that comes of it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crksim.analysis.particles import Cloud, Step
from crksim.errors import InputError, Problem
from crksim.output.whole import write_bytes

__all__ = ["MANIFEST", "MEMBERS", "keep_cloud", "kept_cloud", "write_table", "write_text"]

MEMBERS, MANIFEST = "members.csv", "manifest.json"


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    text : str
        What it holds.
    """
    write_bytes(path, text.encode("utf-8"))


def write_table(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write a table with a head, whole or not at all; numbers with nine digits.

    Parameters
    ----------
    path : Path
        A ``.csv`` file.
    rows : iterable of mapping
        Column -> value.
    columns : sequence of str
        In their order.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: f"{row[name]:.9g}" if isinstance(row[name], float) else row[name] for name in columns})
    write_text(path, text.getvalue())


def keep_cloud(path: Path, cloud: Cloud) -> None:
    """Keep particles, so that a calibration that is cut off can go on.

    Parameters
    ----------
    path : Path
        A ``.npz`` file.
    cloud : Cloud
        The particles.
    """
    told = {
        "temper": cloud.temper,
        "scale": cloud.scale,
        "drawn": cloud.drawn,
        "steps": [vars(step) for step in cloud.steps],
    }
    data = io.BytesIO()
    np.savez(
        data,
        scores=cloud.scores,
        simulated=cloud.simulated,
        ancestors=cloud.ancestors,
        told=np.frombuffer(json.dumps(told).encode(), np.uint8),
    )
    write_bytes(path, data.getvalue())


def kept_cloud(path: Path) -> Cloud | None:
    """Return the particles that were kept, or None where there are none.

    Parameters
    ----------
    path : Path
        A file of `keep_cloud`.

    Raises
    ------
    InputError
        When the file is not one of `keep_cloud`.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as data:
            told = json.loads(data["told"].tobytes())
            return Cloud(
                scores=data["scores"],
                simulated=data["simulated"],
                temper=told["temper"],
                scale=told["scale"],
                drawn=told["drawn"],
                steps=[Step(**step) for step in told["steps"]],
                ancestors=data["ancestors"],
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        rule = "is no table of particles; take it away to begin this block anew"
        raise InputError([Problem("particles", path.name, rule, file=str(path))]) from error
