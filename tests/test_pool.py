"""One seam between work and processors: order, failures, a killed worker, an interrupted parent."""

import gc
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path

import pytest

from crksim.analysis import pool as pools
from crksim.analysis.pool import Pool, open_pool, settle
from crksim.errors import CheckError, InputError, Problem


def square(number):
    return number * number


def slow_first(number):
    time.sleep(0.2 if number == 0 else 0.0)
    return number


def fail_at_three(number):
    if number == 3:
        raise ZeroDivisionError("nothing to share")
    return number


def fail_at_odd(number):
    if number % 2:
        raise ValueError("odd")
    return number


def fail_or_last(seconds):
    time.sleep(0 if seconds == 3 else seconds)
    return fail_at_three(seconds)


def interrupt(done, total):
    raise KeyboardInterrupt


def wrong_input(number):
    raise InputError([Problem("services.a.places.hard", number, "must be at least 0")])


def die_once(item):
    """Kill the worker the first time; a file remembers that it has happened."""
    number, marker = item
    if number == 2 and not Path(marker).exists():
        Path(marker).write_text("killed")
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def manners(_):
    return os.environ.get("OMP_NUM_THREADS"), signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.unit
@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_units_from_any_number_of_workers(workers):
    seen = []
    with open_pool(workers) as pool:
        found = list(pool.run_all(slow_first, range(9), progress=lambda done, total: seen.append((done, total))))
    assert found == list(range(9))
    assert seen[-1] == (9, 9)
    assert all(later > earlier for earlier, later in pairwise(seen))


@pytest.mark.unit
def test_a_pool_takes_several_jobs_and_none_at_all():
    with open_pool(2) as pool:
        assert list(pool.run_all(square, [])) == []
        assert list(pool.run_all(square, [1, 2])) == [1, 4]
        assert list(pool.run_all(square, [3])) == [9]


@pytest.mark.unit
@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_unit_is_named_after_those_before_it_were_given(workers):
    found = []
    with open_pool(workers) as pool, pytest.raises(CheckError, match="member 3: ZeroDivisionError: nothing to share"):
        found.extend(pool.run_all(fail_at_three, range(6), name="member {}".format))
    assert found == [0, 1, 2]


@pytest.mark.unit
@pytest.mark.parametrize("workers", [1, 2])
def test_wrong_input_keeps_its_problems_across_processes(workers):
    with open_pool(workers) as pool, pytest.raises(InputError) as caught:
        list(pool.run_all(wrong_input, [-1]))
    assert caught.value.problems == (Problem("services.a.places.hard", -1, "must be at least 0"),)


@pytest.mark.unit
def test_a_killed_worker_costs_nothing_but_time(tmp_path):
    marker = str(tmp_path / "killed")
    with open_pool(2) as pool:
        assert list(pool.run_all(die_once, [(number, marker) for number in range(6)])) == list(range(6))
    assert Path(marker).exists()


@pytest.mark.unit
def test_a_unit_that_kills_its_worker_twice_is_named():
    with open_pool(2) as pool, pytest.raises(CheckError, match="member 2: its process was killed twice"):
        list(pool.run_all(die_always, range(6), name="member {}".format))


@pytest.mark.unit
@pytest.mark.parametrize("workers", [1, 2])
def test_with_somebody_who_keeps_results_the_rest_goes_on_after_a_failure(workers):
    kept, found = {}, []
    with open_pool(workers) as pool, pytest.raises(CheckError) as caught:
        found.extend(pool.run_all(fail_at_odd, range(6), name="member {}".format, keep=kept.__setitem__))
    assert (found, kept) == ([0], {0: 0, 2: 2, 4: 4})
    text = str(caught.value)
    assert [text.count(f"member {number}: ValueError: odd") for number in range(6)] == [0, 1, 0, 1, 0, 1]
    # Where in the source is told once.
    assert text.count("Traceback") == 1


@pytest.mark.unit
def test_the_rest_goes_on_after_a_unit_that_kills_its_worker():
    kept = {}
    with open_pool(2) as pool, pytest.raises(CheckError, match=r"^member 2: its process was killed twice[^\n]*$"):
        list(pool.run_all(die_always, range(8), name="member {}".format, keep=kept.__setitem__))
    assert kept == {number: number for number in range(8) if number != 2}


@pytest.mark.unit
def test_when_all_units_fail_not_all_are_tried():
    with open_pool(1) as pool, pytest.raises(CheckError) as caught:
        list(pool.run_all(fail_at_odd, range(1, 2000, 2), keep=lambda *_: None))
    assert str(caught.value).count("ValueError: odd") == pools.MOST_FAILED + 1  # and once in the trace


class Elsewhere:
    """Another engine: of two units in flight the later one is always done first; some places are lost on the way."""

    def __init__(self, lost=()):
        self.lost, self.begun, self.most, self.renewed = list(lost), [], 0, 0

    def room(self):
        for future, function, item in reversed(self.begun):
            if item in self.lost:
                self.lost.remove(item)
                future.set_exception(ConnectionError("gone"))
            else:
                future.set_result(function(item))
        self.begun.clear()
        return 2

    def submit(self, function, item):
        future = Future()
        self.begun.append((future, function, item))
        self.most = max(self.most, len(self.begun))
        return future

    def is_lost(self, error):
        return isinstance(error, ConnectionError)

    def renew(self):
        self.renewed += 1

    def close(self, *, at_once):
        pass


@pytest.mark.unit
def test_another_engine_is_a_page(monkeypatch):
    monkeypatch.setattr(pools, "LOOK", 0.0)
    engine, seen = Elsewhere(lost=[2, 3]), []
    found = Pool(engine).run_all(square, range(9), progress=lambda done, total: seen.append(done))
    assert list(found) == [number * number for number in range(9)]
    assert (engine.most, engine.lost, engine.renewed) == (2, [], 1)
    assert seen == sorted(set(seen))
    assert seen[-1] == 9


@pytest.mark.unit
def test_only_the_unit_that_is_lost_twice_is_given_up(monkeypatch):
    """Two were in flight when a worker was lost; run alone again, one of them is done and the other is not."""
    monkeypatch.setattr(pools, "LOOK", 0.0)
    kept, engine = {}, Elsewhere(lost=[2, 3, 3])
    with pytest.raises(CheckError, match=r"^3: its process was killed twice[^\n]*$"):
        list(Pool(engine).run_all(square, range(6), keep=kept.__setitem__))
    assert kept == {number: number * number for number in (0, 1, 2, 4, 5)}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"pool": "dusk"}, "pool = 'dusk': must be one of serial, local, dask; did you mean 'dask'"),
        ({"pool": "dask"}, "address = '': must be that of the scheduler"),
        ({"address": "tcp://x:1"}, "address = 'tcp://x:1': is of a cluster, and goes with pool=dask"),
        ({"pool": "dask", "address": "tcp://x:1", "workers": -1}, "workers = -1: must be a whole number of at least 0"),
    ],
)
def test_settings_that_choose_no_pool_are_told(chosen, said):
    with pytest.raises(InputError) as caught, open_pool(**chosen):
        pass
    assert said in str(caught.value)


@pytest.mark.unit
def test_what_has_begun_is_not_waited_for_after_a_failure_or_ctrl_c():
    began = time.monotonic()
    with pytest.raises(CheckError, match="nothing to share"), open_pool(2) as pool:
        list(pool.run_all(fail_or_last, [3, 60, 60, 60]))
    with pytest.raises(KeyboardInterrupt), open_pool(2) as pool:
        list(pool.run_all(fail_or_last, [0, 60, 60, 60], progress=interrupt))
    assert time.monotonic() - began < 30


@pytest.mark.unit
def test_workers_use_one_thread_and_ignore_ctrl_c(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with open_pool(2) as pool:
        ((threads, ignores),) = pool.run_all(manners, [0])
    assert threads == "1"
    assert ignores
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.unit
def test_importing_the_units_of_work_loads_nothing_heavy():
    code = (
        "import sys, crksim.analysis.pool, crksim.analysis.replications\n"
        "print(sorted({'pandas', 'matplotlib', 'scipy', 'hydra', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.unit
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to look at other processes")
def test_no_worker_outlives_a_killed_parent():
    code = (
        "import os, signal\n"
        "from crksim.analysis.pool import open_pool\n"
        "from tests.test_pool import worker_id\n"
        "if __name__ == '__main__':\n"
        "    with open_pool(2) as pool:\n"
        "        print(*pool.run_all(worker_id, [0, 1]), flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    top = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=top, check=False)
    workers = [int(word) for word in done.stdout.split()]
    assert len(workers) == 2, done.stderr
    deadline = time.monotonic() + 10
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(worker) for worker in workers)


def worker_id(_):
    return os.getpid()


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.unit
@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "two"])
def test_the_number_of_workers_is_a_whole_number_of_at_least_one(workers):
    with pytest.raises(InputError, match=r"workers = .*must be a whole number of at least 1"), open_pool(workers):
        pass


def imported(name):
    return name in sys.modules


@pytest.mark.unit
def test_workers_import_at_the_start_what_they_are_told_they_will_need():
    with open_pool(2, ["colorsys"]) as pool:
        assert list(pool.run_all(imported, ["colorsys", "chunk"])) == [True, False]


def frozen(_):
    settle()
    return gc.get_freeze_count()


@pytest.mark.unit
def test_only_a_worker_settles_what_it_holds():
    before = gc.get_freeze_count()
    with open_pool(1) as pool:
        assert list(pool.run_all(frozen, [0])) == [before]
    with open_pool(2) as pool:
        assert min(pool.run_all(frozen, [0])) > 0
