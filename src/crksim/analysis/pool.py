"""One seam between work and processors: the same units in the same order from any number of workers.

A unit of work is a top-level function and one plain argument.  Results come back in the order of the units, whoever
computed them, so whatever is summed from them has the same bytes for one worker or many.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from crksim.errors import CheckError, CrksimError, InputError, Problem

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

__all__ = ["Pool", "Progress", "open_pool", "settle"]

Item = TypeVar("Item")
Value = TypeVar("Value")

#: Called with (units done, units in all) in the process that opened the pool.
Progress = Callable[[int, int], None]

#: Libraries below numpy that would start a thread per processor in every worker.
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Pool(Protocol):
    """Something that runs units of work."""

    def run_all(
        self,
        function: Callable[[Item], Value],
        items: Sequence[Item],
        *,
        name: Callable[[Item], str] = ...,
        progress: Progress | None = ...,
    ) -> Iterator[Value]:
        """Yield ``function(item)`` for every item, in the order of the items.

        Parameters
        ----------
        function : callable
            A top-level function; argument and result must pickle.
        items : sequence
            One argument per unit.
        name : callable
            Item -> the unit's address in messages.
        progress : callable, optional
            Called with (done, total) whenever units have finished.

        Raises
        ------
        InputError
            When a unit raises one: the same problems.
        CheckError
            When a unit raises anything else, or its process is killed twice; names the unit.
        """
        ...  # pragma: no cover


@contextmanager
def open_pool(workers: int = 1, modules: Sequence[str] = ()) -> Iterator[Pool]:
    """Give a pool of `workers` processes; one worker is this process itself.

    Parameters
    ----------
    workers : int
        Number of processes that work at a time, at least 1.
    modules : sequence of str
        What the workers will need: they start at once and import it, while this process prepares the units.

    Raises
    ------
    InputError
        When `workers` is not a whole number of at least 1.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InputError([Problem("workers", workers, "must be a whole number of at least 1")])
    if workers == 1:
        yield _Serial()
        return
    processes = _Processes(workers, tuple(modules))
    # numpy reads these once, when a worker first imports it, so they must stand before the workers start.
    before = {name: os.environ.get(name) for name in SINGLE_THREADED}
    os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
    try:
        if modules:
            processes.begin()
        yield processes
    except BaseException:
        processes.close(at_once=True)
        raise
    finally:
        processes.close()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def settle() -> None:
    """Tell the collector of a worker that what is there now stays to the end; in the first process nothing is done."""
    import gc
    from multiprocessing import parent_process

    if parent_process() is not None:
        gc.collect()
        gc.freeze()


@dataclass(frozen=True)
class _Failure:
    """What a unit raised, in a form that crosses from one process to another."""

    text: str
    problems: tuple[Problem, ...] = ()
    own: bool = False


@dataclass
class _Call(Generic[Item, Value]):
    """A unit handed to the workers, with its future."""

    item: Item
    future: Future[Value | _Failure]


def _attempt(function: Callable[[Item], Value], item: Item) -> Value | _Failure:
    """Run one unit; what it raises becomes a value, so that no exception has to survive pickling."""
    try:
        return function(item)
    except InputError as error:
        return _Failure(str(error), error.problems, own=True)
    except CrksimError as error:
        return _Failure(str(error), own=True)
    except Exception as error:
        import traceback

        return _Failure(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")


def _opened(outcome: Value | _Failure, unit: str) -> Value:
    """Return a unit's value, or raise what it raised, with the unit's address."""
    if not isinstance(outcome, _Failure):
        return outcome
    if outcome.problems:
        raise InputError(outcome.problems)
    raise CheckError(f"{unit}: {outcome.text}")


class _Serial:
    """The pool of one: this process."""

    def run_all(
        self,
        function: Callable[[Item], Value],
        items: Sequence[Item],
        *,
        name: Callable[[Item], str] = repr,
        progress: Progress | None = None,
    ) -> Iterator[Value]:
        for done, item in enumerate(items, start=1):
            outcome = _opened(_attempt(function, item), name(item))
            if progress is not None:
                progress(done, len(items))
            yield outcome


class _Processes:
    """Worker processes on this machine; started when first needed, and again after one was killed."""

    def __init__(self, workers: int, modules: tuple[str, ...] = ()) -> None:
        self.workers, self.modules = workers, modules
        self._executor: ProcessPoolExecutor | None = None
        self._others: set[int | None] = set()

    def run_all(
        self,
        function: Callable[[Item], Value],
        items: Sequence[Item],
        *,
        name: Callable[[Item], str] = repr,
        progress: Progress | None = None,
    ) -> Iterator[Value]:
        from concurrent.futures import FIRST_COMPLETED, wait
        from concurrent.futures.process import BrokenProcessPool

        waiting = deque(items)
        flying: deque[_Call[Item, Value]] = deque()
        reported = yielded = 0
        while waiting or flying:
            try:
                while waiting and len(flying) < 2 * self.workers:
                    flying.append(_Call(waiting[0], self._submit(function, waiting[0])))
                    waiting.popleft()
            except BrokenProcessPool:
                self._repeat_alone(function, flying, name)
                continue
            wait([call.future for call in flying if not call.future.done()], return_when=FIRST_COMPLETED)
            if any(_broken(call.future) for call in flying):
                self._repeat_alone(function, flying, name)
            done = yielded + sum(call.future.done() for call in flying)
            if progress is not None and done > reported:
                progress(done, len(items))
                reported = done
            while flying and flying[0].future.done():
                call = flying.popleft()
                yielded += 1
                yield _opened(call.future.result(), name(call.item))

    def _repeat_alone(
        self, function: Callable[[Item], Value], flying: deque[_Call[Item, Value]], name: Callable[[Item], str]
    ) -> None:
        """Repeat what was in flight when a worker was killed, one unit at a time: so the guilty one is known."""
        from concurrent.futures import wait

        self.close()
        for call in flying:
            if call.future.done() and not _broken(call.future):
                continue
            call.future = self._submit(function, call.item)
            wait([call.future])
            if _broken(call.future):
                self.close()
                raise CheckError(
                    f"{name(call.item)}: its process was killed twice. Perhaps the machine has too little memory: "
                    f"try fewer workers than {self.workers}"
                )

    def _submit(self, function: Callable[[Item], Value], item: Item) -> Future[Value | _Failure]:
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
        return self._executor.submit(_attempt, function, item)

    def begin(self) -> None:
        """Start the workers; an executor starts them with its first unit, be it an empty one."""
        self._submit(len, ())

    def close(self, *, at_once: bool = False) -> None:
        """End the workers; what has not begun is not begun, and `at_once` nor is what has begun finished."""
        from multiprocessing import active_children

        if self._executor is None:
            return
        if at_once:
            for child in active_children():
                if child.pid not in self._others:
                    child.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._executor = None


def _broken(future: Future[Value]) -> bool:
    """Say whether the unit was lost because a worker process ended."""
    from concurrent.futures.process import BrokenProcessPool

    return future.done() and (future.cancelled() or isinstance(future.exception(), BrokenProcessPool))


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
