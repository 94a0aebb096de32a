"""A mark of everything that had to be decided before the first calibration, so that nobody can move it unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["frozen_mark"]

#: What of a target decides what is checked; its words do not.
_FIELDS = ("fact", "measure", "reported", "mark", "part_of", "concerns")


def frozen_mark(targets: Mapping[str, Any], questions: Mapping[str, Any]) -> str:
    """Return a short mark (64 bits, hexadecimal) of marks, likelihoods, the gate and the worthwhile differences.

    Parameters
    ----------
    targets : mapping
        ``facts``, ``counts`` and ``gate`` as in the files of targets.
    questions : mapping
        The catalogue of questions.
    """
    told = {
        "facts": {
            name: {field: entry[field] for field in _FIELDS if field in entry}
            for name, entry in targets["facts"].items()
        },
        "counts": {
            name: {field: value for field, value in entry.items() if field != "note"}
            for name, entry in targets["counts"].items()
        },
        "gate": targets["gate"],
        "worthwhile": {
            section: {name: entry["worthwhile"] for name, entry in entries.items()}
            for section, entries in questions.items()
        },
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
