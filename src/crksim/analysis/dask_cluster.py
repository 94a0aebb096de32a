"""A Dask cluster that is there already: an engine of `crksim.analysis.pool`.

The scheduler hands the units out and repeats one whose worker was lost; this process writes all files, so that workers
need crksim and no common disk.  Nothing is left in the cluster but its own workers.
"""

from __future__ import annotations

import logging
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from crksim.analysis.code import source_mark
from crksim.errors import InputError, Problem

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["SOURCE", "DaskCluster"]

Item = TypeVar("Item")
Value = TypeVar("Value")

#: Seconds in which a scheduler must answer.
ANSWER = 5.0
#: Seconds between two looks at the cluster.
LOOK = 2.0
#: Seconds without any worker after which there is no use in waiting.
PATIENCE = 120.0


class DaskCluster:
    """The workers of a cluster, those that come later too.

    Parameters
    ----------
    address : str
        Of its scheduler, such as ``tcp://10.0.0.1:8786``.
    workers : int
        Number of workers that are kept busy; 0 is all that are there.

    Raises
    ------
    InputError
        When no scheduler answers, or a worker has another crksim or other libraries below it.
    """

    def __init__(self, address: str, workers: int = 0) -> None:
        try:
            from distributed import Client
        except ImportError:
            rule = "needs the extra 'cluster': pip install 'crksim[cluster]'"
            raise InputError([Problem("pool", "dask", rule)]) from None
        self.address, self.workers = address if "://" in address else f"tcp://{address}", workers
        _check_answers(self.address)
        self._same: set[str] = set()
        self._looked = self._met = time.monotonic()
        # What Dask has to say of a failure is told in a line, and would stand across the bar.
        self._quiet = ExitStack()
        self._quiet.enter_context(_quiet())
        try:
            client: Any = Client  # without types of its own
            self._client = client(self.address, timeout=ANSWER, set_as_default=False)
        except Exception as error:  # whatever a server that is no scheduler makes Dask think
            self._quiet.close()
            raise InputError([_no_scheduler(address, error)]) from None
        try:
            self._look()
        except BaseException:
            self.close(at_once=True)
            raise

    def room(self) -> int:
        """Return two units for every worker, so that none has to wait for the next."""
        if time.monotonic() - self._looked >= LOOK:
            self._look()
        return 2 * max(self.workers or len(self._same), 1)

    def submit(self, function: Callable[[Item], Value], item: Item) -> Future[Value]:
        """Hand a unit to the scheduler."""
        from concurrent.futures import Future

        here: Future[Value] = Future()
        # As bytes, because Dask looks into arguments for what it knows, and would put it in another's place.
        there = self._client.submit(_alone, pickle.dumps((function, item)), pure=False)
        self._client.loop.add_callback(_hand_over, there, here)
        return here

    def is_lost(self, error: BaseException) -> bool:
        """Say whether the error tells that several workers ended with the unit, or that it was taken back."""
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        return isinstance(error, (KilledWorker, CancelledError))

    def renew(self) -> None:
        """Do nothing: whoever started the workers starts others."""

    def close(self, *, at_once: bool) -> None:
        """Leave the cluster; what has not begun is taken back from it."""
        with self._quiet:
            self._client.close(timeout=ANSWER)

    def _look(self) -> None:
        """Look which workers there are, and ask those that are new what they would run."""
        try:
            found = set(self._client.nthreads())
            new = found - self._same
            told: dict[str, Any] = self._client.run(_probe(), workers=sorted(new), on_error="return") if new else {}
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError([_no_scheduler(self.address, error)]) from None
        # One that has gone meanwhile gives an error of its connection; should it come again, it is asked again.
        answers = {worker: answer for worker, answer in sorted(told.items()) if not isinstance(answer, OSError)}
        wanted = _probe()()
        problems = [problem for worker, answer in answers.items() for problem in _differences(worker, answer, wanted)]
        if problems:
            raise InputError(problems)
        now = time.monotonic()
        self._same = (self._same & found) | set(answers)
        self._looked, self._met = now, now if self._same else self._met
        if now - self._met > PATIENCE:
            rule = f"has had no worker for {PATIENCE:.0f} seconds: start some, and give the same command again"
            raise InputError([Problem("address", self.address, rule)])


def _check_answers(address: str) -> None:
    """Refuse an address where nobody listens: Dask would ask again and again, and then tell it in pages."""
    try:
        place = urlsplit(address)
        if place.scheme not in ("tcp", "tls") or place.hostname is None or place.port is None:
            rule = "must be the scheduler's, as tcp://HOST:8786"
            raise InputError([Problem("address", address, rule)])
        with socket.create_connection((place.hostname, place.port), timeout=ANSWER) as link:
            # A scheduler speaks first; Dask would wait without end for the word of a server of another kind.
            if place.scheme == "tcp" and not link.recv(1):
                raise OSError("it closes the connection")
    except (OSError, ValueError) as error:
        raise InputError([_no_scheduler(address, error)]) from None


def _no_scheduler(address: str, error: Exception) -> Problem:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return Problem("address", address, f"no scheduler answers there ({reason})")


async def _hand_over(there: Any, here: Future[Any]) -> None:
    """Wait for Dask's future and give what became of it to ours.

    Dask's own executor takes a result for an error when the worker that held it is lost just then.
    """
    try:
        found = await there
    except Exception as error:
        here.set_exception(error)
    else:
        here.set_result(found)


_running = threading.Lock()


def _alone(packed: bytes) -> Any:
    """Run one unit at a time in a worker, however many threads it has: units switch the garbage collector."""
    function, item = pickle.loads(packed)
    with _running:
        return function(item)


def _probe() -> Callable[[], dict[str, str]]:
    """Return what tells, on a worker, everything that decides bytes; it crosses as code, as crksim may not be there."""

    def told() -> dict[str, str]:
        import platform
        from importlib.metadata import version

        import crksim
        from crksim.analysis.dask_cluster import SOURCE

        libraries = {name: version(name) for name in ("numpy", "scipy", "simpy")}
        python = ".".join(platform.python_version_tuple()[:2])
        return {"crksim": crksim.__version__, "source": SOURCE, "Python": python, **libraries}

    return told


#: Mark of the source when it was imported: a worker that was started before a change still runs what was before.
SOURCE = source_mark()


def _differences(worker: str, told: object, wanted: Mapping[str, str]) -> Iterator[Problem]:
    """Yield how a worker differs from this process."""
    if not isinstance(told, dict):
        yield Problem("pool", "dask", f"the worker {worker} cannot run crksim: {type(told).__name__}: {told}")
        return
    other = [f"{name} {told.get(name)} (here {here})" for name, here in wanted.items() if told.get(name) != here]
    if other:
        rule = f"the worker {worker} has {', '.join(other)}; the same bytes need the same versions"
        yield Problem("pool", "dask", rule)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own account of things from the screen."""
    handlers: list[Any] = logging.getLogger("distributed").handlers
    before = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler, level in zip(handlers, before, strict=True):
            handler.setLevel(level)
