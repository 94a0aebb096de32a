"""One seam between work and processors: the same units in the same order, whoever computes them.

A unit of work is a top-level function and one plain argument.  Results come back in the order of the units, so whatever
is summed from them has the same bytes from this process, from processes beside it, or from a cluster.  What does the
work is an `Engine`: a page of code (`crksim.analysis.processes`, `crksim.analysis.dask_cluster`) and a line in `POOLS`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from crksim.errors import CheckError, CrksimError, InputError, Problem, nearest

__all__ = ["MOST_FAILED", "POOLS", "Engine", "Keep", "Pool", "Progress", "open_pool", "pool_problems", "settle"]

Item = TypeVar("Item")
Value = TypeVar("Value")

#: Called with (units done, units in all) in the process that opened the pool.
Progress = Callable[[int, int], None]
#: Called with a unit and what it gave, in the process that opened the pool.
Keep = Callable[[Item, Value], None]

#: What may do the work: this process, processes beside it, or a Dask cluster that is there.
POOLS = ("serial", "local", "dask")

#: Seconds between two looks at whether the workers are still there.
LOOK = 2.0
#: Results that wait for one before them, for every unit that may be in flight.
HELD = 4
#: So many failed units are no accident: the rest is not begun.
MOST_FAILED = 20


class Engine(Protocol):
    """What does the work; another one has these five."""

    def room(self) -> int:
        """Return how many units may be in flight; asked again and again while some are.

        Raises
        ------
        InputError
            When nobody is there to do the work any more.
        """
        ...  # pragma: no cover

    def submit(self, function: Callable[[Item], Value], item: Item) -> Future[Value]:
        """Begin ``function(item)`` somewhere; raise what `is_lost` knows when there is nowhere to begin it."""
        ...  # pragma: no cover

    def is_lost(self, error: BaseException) -> bool:
        """Say whether an error tells that the process of a unit ended, rather than what went wrong in it."""
        ...  # pragma: no cover

    def renew(self) -> None:
        """Be ready for units again after some were lost."""
        ...  # pragma: no cover

    def close(self, *, at_once: bool) -> None:
        """End; `at_once` what has begun is not waited for."""
        ...  # pragma: no cover


class Pool:
    """Runs units of work on an engine.

    Parameters
    ----------
    engine : Engine
        What does the work.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run_all(
        self,
        function: Callable[[Item], Value],
        items: Sequence[Item],
        *,
        name: Callable[[Item], str] = repr,
        progress: Progress | None = None,
        keep: Keep[Item, Value] | None = None,
    ) -> Iterator[Value]:
        """Yield ``function(item)`` for every item, in the order of the items, up to the first that fails.

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
        keep : callable, optional
            Called with every unit that gave something, in their order; with it the units after one that failed are
            run too, and the failures are told at the end.

        Raises
        ------
        InputError
            When a unit raises one: the same problems.
        CheckError
            When units raise anything else, or their process is killed twice; names them.
        """
        waiting = deque(items)
        flying: deque[_Call[Item, Value]] = deque()
        failures: list[str] = []
        reported = finished = 0
        while waiting or flying:
            self._fill(function, waiting, flying)
            self._await([call.future for call in flying if not call.future.done()])
            self._repeat_lost(function, flying)
            done = finished + sum(call.future.done() for call in flying)
            if progress is not None and done > reported:
                progress(done, len(items))
                reported = done
            while flying and flying[0].future.done():
                call = flying.popleft()
                finished += 1
                outcome = self._outcome(call)
                if isinstance(outcome, _Failure):
                    failures.append(_told(outcome, name(call.item), first=not failures))
                    if keep is None or len(failures) == MOST_FAILED:
                        raise CheckError("\n".join(failures))
                    continue
                if keep is not None:
                    keep(call.item, outcome)
                if not failures:
                    yield outcome
        if failures:
            raise CheckError("\n".join(failures))

    def _fill(self, function: Callable[[Item], Value], waiting: deque[Item], flying: deque[_Call[Item, Value]]) -> None:
        """Put units in flight, as many as there is room for."""
        room = self.engine.room()
        under_way = sum(not call.future.done() for call in flying)
        while waiting and under_way < room and len(flying) < HELD * room:
            flying.append(_Call(waiting[0], self._begun(function, waiting[0])))
            waiting.popleft()
            under_way += 1

    def _begun(self, function: Callable[[Item], Value], item: Item) -> Future[Value | _Failure]:
        """Begin a unit; one that found no worker is lost like one that lost its own."""
        try:
            return self.engine.submit(_Attempt(function), item)
        except Exception as error:
            if not self.engine.is_lost(error):
                raise
            nowhere: Future[Value | _Failure] = Future()
            nowhere.set_exception(error)
            return nowhere

    def _await(self, futures: Sequence[Future[Any]], return_when: str = FIRST_COMPLETED) -> None:
        """Wait for futures, and look at the workers now and then."""
        while futures:
            done, missing = wait(futures, timeout=LOOK, return_when=return_when)
            if not missing or (done and return_when == FIRST_COMPLETED):
                return
            self.engine.room()

    def _is_lost(self, call: _Call[Item, Value]) -> bool:
        future = call.future
        if call.killed or not future.done():
            return False
        if future.cancelled():
            return True
        error = future.exception()
        return error is not None and self.engine.is_lost(error)

    def _repeat_lost(self, function: Callable[[Item], Value], flying: deque[_Call[Item, Value]]) -> None:
        """Repeat what was lost with a worker one unit at a time, with nothing beside it: so the guilty one is known."""
        if not any(self._is_lost(call) for call in flying):
            return
        self._await([call.future for call in flying], "ALL_COMPLETED")
        self.engine.renew()
        for call in flying:
            if self._is_lost(call):
                call.future = self._begun(function, call.item)
                self._await([call.future])
                if self._is_lost(call):
                    call.killed = True
                    self.engine.renew()

    def _outcome(self, call: _Call[Item, Value]) -> Value | _Failure:
        """Return what a unit that is done gave; raise wrong input, which all units would meet."""
        if call.killed:
            return _Failure(
                "its process was killed twice. Perhaps the machine has too little memory: try fewer workers"
            )
        error = call.future.exception()
        if error is not None:
            return _Failure(f"{type(error).__name__}: {error}")
        outcome = call.future.result()
        if isinstance(outcome, _Failure) and outcome.problems:
            raise InputError(outcome.problems)
        return outcome


@contextmanager
def open_pool(
    workers: int = 1, modules: Sequence[str] = (), *, pool: str = "local", address: str = ""
) -> Iterator[Pool]:
    """Give what runs units of work; it ends with the block, and at once when the block fails or is interrupted.

    Parameters
    ----------
    workers : int
        Number of units that are worked on at a time, at least 1; in a cluster 0 is one for every worker there.
    modules : sequence of str
        What the workers will need: they start at once and import it, while this process prepares the units.
    pool : str
        One of `POOLS`; ``local`` with one worker is this process itself, like ``serial``.
    address : str
        Of the cluster's scheduler.

    Raises
    ------
    InputError
        When there is no such pool, its settings do not fit, or the cluster cannot be used.
    """
    least = 0 if pool == "dask" else 1
    problems = list(pool_problems(pool, address))
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < least:
        problems.append(Problem("workers", workers, f"must be a whole number of at least {least}"))
    if problems:
        raise InputError(problems)
    engine = _engine(pool, workers, modules, address)
    try:
        yield Pool(engine)
    except BaseException:
        engine.close(at_once=True)
        raise
    engine.close(at_once=False)


def pool_problems(pool: str, address: str) -> Iterator[Problem]:
    """Yield what is wrong with the settings that choose a pool.

    Parameters
    ----------
    pool, address : str
        As in `open_pool`.
    """
    if pool not in POOLS:
        yield Problem("pool", pool, f"must be one of {', '.join(POOLS)}", nearest(pool, POOLS))
    elif pool == "dask" and not address:
        yield Problem("address", address, "must be that of the scheduler: address=tcp://HOST:8786")
    elif pool != "dask" and address:
        yield Problem("address", address, "is of a cluster, and goes with pool=dask", "pool=dask")


def _engine(pool: str, workers: int, modules: Sequence[str], address: str) -> Engine:
    if pool == "dask":
        from crksim.analysis.dask_cluster import DaskCluster

        return DaskCluster(address, workers)
    if pool == "serial" or workers == 1:
        return _Serial()
    from crksim.analysis.processes import Processes

    return Processes(workers, tuple(modules))


def settle() -> None:
    """Tell the collector of a worker that what is there now stays to the end; in the first process nothing is done."""
    import gc

    from crksim.analysis.processes import is_worker

    if is_worker():
        gc.collect()
        gc.freeze()


@dataclass
class _Call(Generic[Item, Value]):
    """A unit handed to the workers, with its future, and whether it lost its worker twice."""

    item: Item
    future: Future[Value | _Failure]
    killed: bool = False


@dataclass(frozen=True)
class _Failure:
    """What a unit raised, in a form that crosses from one process to another."""

    text: str
    problems: tuple[Problem, ...] = ()
    trace: str = ""


def _told(failure: _Failure, unit: str, *, first: bool) -> str:
    """Return a failure with the unit's address; only the first tells where in the source."""
    return f"{unit}: {failure.text}" + (f"\n{failure.trace}" if first and failure.trace else "")


@dataclass(frozen=True)
class _Attempt(Generic[Item, Value]):
    """A function of which what it raises becomes a value, so that no exception has to survive pickling."""

    function: Callable[[Item], Value]

    def __call__(self, item: Item) -> Value | _Failure:
        try:
            return self.function(item)
        except InputError as error:
            return _Failure(str(error), error.problems)
        except CrksimError as error:
            return _Failure(str(error))
        except Exception as error:
            import traceback

            return _Failure(f"{type(error).__name__}: {error}", trace=traceback.format_exc().rstrip())


class _Serial:
    """The engine of one: this process."""

    def room(self) -> int:
        return 1

    def submit(self, function: Callable[[Item], Value], item: Item) -> Future[Value]:
        done: Future[Value] = Future()
        done.set_result(function(item))
        return done

    def is_lost(self, error: BaseException) -> bool:
        return False

    def renew(self) -> None:
        pass

    def close(self, *, at_once: bool) -> None:
        pass
