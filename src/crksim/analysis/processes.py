"""Worker processes on this machine, started anew (spawn): an engine of `crksim.analysis.pool`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

__all__ = ["Processes", "is_worker"]

Item = TypeVar("Item")
Value = TypeVar("Value")

#: Libraries below numpy that would start a thread per processor in every worker.
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Processes:
    """Workers that start when first needed, and again after one was killed.

    Parameters
    ----------
    workers : int
        Number of processes.
    modules : tuple of str
        What they import first; with any they start at once.
    """

    def __init__(self, workers: int, modules: tuple[str, ...] = ()) -> None:
        self.workers, self.modules = workers, modules
        self._executor: ProcessPoolExecutor | None = None
        self._others: set[int | None] = set()
        # numpy reads these once, when a worker first imports it, so they must stand before the workers start.
        self._environment = {name: os.environ.get(name) for name in SINGLE_THREADED}
        os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
        if modules:
            # An executor starts its processes with its first unit, be it an empty one.
            self.submit(len, ())

    def room(self) -> int:
        """Return two units for every process, so that none has to wait for the next."""
        return 2 * self.workers

    def submit(self, function: Callable[[Item], Value], item: Item) -> Future[Value]:
        """Hand a unit to the processes."""
        if self._executor is None:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import active_children, get_context

            self._others = {child.pid for child in active_children()}
            self._executor = ProcessPoolExecutor(
                self.workers,
                mp_context=get_context("spawn"),
                initializer=_begin_worker,
                initargs=(self.modules,),
            )
        return self._executor.submit(function, item)

    def is_lost(self, error: BaseException) -> bool:
        """Say whether the error tells that a process ended: an executor that lost one gives up all of them."""
        from concurrent.futures.process import BrokenProcessPool

        return isinstance(error, BrokenProcessPool)

    def renew(self) -> None:
        """Let go of processes that are no more; the next unit starts others."""
        self._end(at_once=False)

    def close(self, *, at_once: bool) -> None:
        """End the processes; what has not begun is not begun, and `at_once` nor is what has begun finished."""
        self._end(at_once=at_once)
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def _end(self, *, at_once: bool) -> None:
        from multiprocessing import active_children

        if self._executor is None:
            return
        if at_once:
            for child in active_children():
                if child.pid not in self._others:
                    child.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._executor = None


def is_worker() -> bool:
    """Say whether another process started this one to work for it."""
    from multiprocessing import parent_process

    return parent_process() is not None


def _begin_worker(modules: tuple[str, ...]) -> None:
    """Prepare a worker: only the parent answers Ctrl-C, no worker outlives it, and what it needs is imported."""
    import signal
    import threading
    from importlib import import_module

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    for name in modules:
        import_module(name)


def _leave_with_parent() -> None:
    """Wait for the parent's end, however it comes, and end too."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
