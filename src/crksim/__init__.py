"""crksim: a flight simulator for treatment flows, built for Center for Rusmiddelbehandling København.

``load`` gives a what-if to run, compare and sweep from Python; nothing is imported before it is called.
"""

from collections.abc import Mapping, Sequence
from typing import Any

__version__ = "0.1.0"

__all__ = ["__version__", "load"]


def load(
    scenario: str | Sequence[str], changes: Mapping[str, str | float | bool] | None = None, **settings: Any
) -> Any:
    """Return a what-if, checked and ready to run: ``crksim.load("youth_groups_3sites", members=20).run()``.

    Parameters
    ----------
    scenario : str or sequence of str
        Name of a scenario, or of several at once.
    changes : mapping of str to value, optional
        Address -> value as typed on the command line: ``{"services.x.places.hard": 6}``.
    **settings
        Settings of a run: ``members``, ``futures``, ``seed``, ``workers``, ``lang``, ``out`` ...

    Returns
    -------
    WhatIf
        With ``run``, ``compare`` and ``sweep``; see ``crksim.interface.python``.

    Raises
    ------
    InputError
        Anything wrong in any of it, a line for each fault.
    """
    from importlib import import_module

    return import_module("crksim.interface.python").load(scenario, changes, **settings)
