"""How the size of a run was found, as plain data in its folder and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crksim.analysis.results import Look, Precision

__all__ = ["precision_record", "read_precision"]


def precision_record(precision: Precision | None) -> dict[str, Any] | None:
    """Return how the size of a run was found as plain data; what is no number is None."""
    if precision is None:
        return None
    looks = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in vars(look).items()}
        for look in precision.looks
    ]
    return {"measure": precision.measure, "outcome": precision.outcome, "looks": looks}


def read_precision(told: Mapping[str, Any] | None) -> Precision | None:
    """Return how the size of a run was found; None where it was given."""
    if not told:
        return None
    looks: list[Mapping[str, Any]] = told["looks"]
    nothing: Any = math.nan
    known = (Look(**{name: nothing if value is None else value for name, value in look.items()}) for look in looks)
    return Precision(str(told["measure"]), tuple(known), str(told["outcome"]))
