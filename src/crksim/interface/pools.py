"""Who does the work of a command: the pool that its settings choose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from crksim.errors import InputError
from crksim.interface.files import locate
from crksim.interface.sheets import COMMAND_LINE, Place

if TYPE_CHECKING:
    from crksim.analysis.pool import Pool

__all__ = ["Chosen", "open_workers", "workers_for"]


class Chosen(Protocol):
    """Settings that choose a pool."""

    @property
    def workers(self) -> int:
        """Units that are worked on at a time; 0 is as many as there are processors or, in a cluster, workers."""

    @property
    def pool(self) -> str:
        """One of `crksim.analysis.pool.POOLS`."""

    @property
    def address(self) -> str:
        """Of a cluster's scheduler."""


def workers_for(chosen: Chosen, units: int | None = None) -> int:
    """Return how many workers are asked for: never more than there are units."""
    if chosen.pool == "dask" and not chosen.workers:
        return 0
    workers = chosen.workers or max(os.cpu_count() or 1, 1)
    return workers if units is None else min(workers, units)


@contextmanager
def open_workers(chosen: Chosen, units: int | None = None) -> Iterator[Pool]:
    """Give the pool that settings choose; workers start while the input is still being read.

    Parameters
    ----------
    chosen : Chosen
        The settings.
    units : int, optional
        How many units there are at a time.

    Raises
    ------
    InputError
        When the cluster cannot be used.
    """
    from crksim.analysis.pool import open_pool

    workers = workers_for(chosen, units)
    modules = ("crksim.analysis.replications",)
    typed = {name: Place(COMMAND_LINE, None) for name in ("pool", "address", "workers")}
    with ExitStack() as stack:
        try:
            pool = stack.enter_context(open_pool(workers, modules, pool=chosen.pool, address=chosen.address))
        except InputError as error:
            raise locate(error, typed) from None
        yield pool
