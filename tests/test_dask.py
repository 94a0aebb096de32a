"""A real Dask cluster, scheduler and workers as processes of their own: the same bytes, and what can go wrong."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from crksim.analysis import dask_cluster
from crksim.analysis.pool import open_pool
from crksim.errors import CheckError, InputError, Problem
from crksim.interface import cli
from tests import test_pool as units
from tests.interrupting import interrupted
from tests.test_replications import run

TOP = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes with POSIX signals")


@contextmanager
def cluster(folder, workers=2):
    """Give the address of a scheduler and its own process."""
    file = folder / "scheduler.json"
    common = {"cwd": TOP, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    # A unit that kills its workers is given up after two of them and not after four, so that tests take less long.
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1", "PYTHONPATH": str(TOP)}

    def start(program, *words):
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--host", "127.0.0.1", "--no-dashboard"]
        return subprocess.Popen([*command, *words], env=environment, **common)

    started = [start("scheduler", "--port", "0", "--scheduler-file", str(file))]
    try:
        patience = time.monotonic() + 60
        while not file.exists() and time.monotonic() < patience:
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        own = ("--nthreads", "1", "--local-directory", str(folder))
        started += [start("worker", address, *own) for _ in range(workers)]
        if workers:
            with open_pool(0, pool="dask", address=address) as pool:
                while pool.engine.room() < 2 * workers and time.monotonic() < patience:
                    time.sleep(0.05)
        yield address, started[0]
    finally:
        for process in reversed(started):
            # The nanny of a worker ends it in time when asked to; what is left goes with its session.
            process.terminate()
        for process in started:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("dask")) as (place, _):
        yield place


@pytest.mark.unit
@pytest.mark.slow
def test_units_come_in_order_and_failures_as_from_any_pool(address):
    seen, kept = [], []
    with open_pool(0, pool="dask", address=address) as pool:
        assert list(pool.run_all(units.slow_first, range(9), progress=lambda *told: seen.append(told))) == [*range(9)]
        assert seen[-1] == (9, 9)
        assert list(pool.run_all(units.square, [])) == []
        with pytest.raises(CheckError, match=r"^member 3: ZeroDivisionError: nothing to share"):
            kept.extend(pool.run_all(units.fail_at_three, range(6), name="member {}".format))
        assert kept == [0, 1, 2]
        with pytest.raises(InputError) as caught:
            list(pool.run_all(units.wrong_input, [-1]))
    assert caught.value.problems == (Problem("services.a.places.hard", -1, "must be at least 0"),)


def killed_on_the_way(pool):
    """Kill a worker from outside once the first members are there, and hold the run beside one of this process."""
    settings = {"members": 12, "series_services": ["clinic"], "series_days": [100.0, 400.0]}
    here, killed = run(**settings), []

    def kill(done, total):
        if not killed:
            killed.append(process)
            os.kill(process, signal.SIGKILL)

    (process,) = pool.run_all(units.worker_id, [0])
    there = run(**settings, pool=pool, progress=kill)
    assert killed
    assert not units.alive(process)
    for mine, other in zip(here.worlds, there.worlds, strict=True):
        assert mine.values.tobytes() == other.values.tobytes()
        assert here.present[mine.id].tobytes() == there.present[mine.id].tobytes()
    assert (here.flows, here.theta) == (there.flows, there.theta)


@pytest.mark.unit
def test_a_process_that_is_killed_on_the_way_changes_no_byte():
    with open_pool(2) as pool:
        killed_on_the_way(pool)


@pytest.mark.unit
@pytest.mark.slow
def test_a_worker_that_is_killed_on_the_way_changes_no_byte(address):
    with open_pool(0, pool="dask", address=address) as pool:
        killed_on_the_way(pool)


@pytest.mark.unit
@pytest.mark.slow
def test_a_unit_that_kills_its_worker_is_named_and_the_rest_goes_on(address, tmp_path):
    kept = {}
    marker = str(tmp_path / "killed")
    with open_pool(0, pool="dask", address=address) as pool:
        assert list(pool.run_all(units.die_once, [(number, marker) for number in range(6)])) == [*range(6)]
        assert Path(marker).exists()
        with pytest.raises(CheckError, match=r"^member 2: its process was killed twice[^\n]*$"):
            list(pool.run_all(units.die_always, range(8), name="member {}".format, keep=kept.__setitem__))
    assert kept == {number: number for number in range(8) if number != 2}


def whole(folder, names):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.name in names}


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("scenario=youth_groups_3sites",), {"measures.parquet", "summary.csv", "comparison.csv", "series.parquet"}),
        (
            ("sweep", "scenario=intensive_5_places", "services.fhv_intensive.places.hard=2..3"),
            {"sweep.parquet", "summary.csv", "00000.npz", "00001.npz", "reference.npz", "manifest.json"},
        ),
        (
            (
                "solve", "scenario=intensive_5_places", "services.fhv_intensive.places.hard=3..4",
                "target=fhv_intensive.wait.mean <= 30 days",
            ),
            {"solve.csv", "frontier.csv", "members.csv", "manifest.json"},
        ),
    ],
    ids=["run", "sweep", "solve"],
)  # fmt: skip
def test_commands_leave_the_same_bytes_from_every_pool(address, tmp_path, monkeypatch, words, names):
    monkeypatch.chdir(tmp_path)
    small = ("members=2", "futures=1", "prior_members=0", "progress=false", "versions=none", "window=2018", "lang=en")
    found = []
    for chosen in (("pool=serial",), ("pool=local", "workers=2"), ("pool=dask", f"address={address}")):
        assert cli.main([*words, *small, *chosen, f"out={len(found)}"]) == 0
        found.append(whole(tmp_path / str(len(found)), names))
    assert set(found[0]) == names
    assert found[0] == found[1] == found[2]


@pytest.mark.unit
@pytest.mark.slow
def test_a_calibration_gives_the_same_particles(address):
    import numpy as np

    from crksim.analysis.calibration import calibrate_block
    from tests.test_calibration import SIZES, script

    task = script().small_task(seed=3)
    block = next(block for block in task.blocks.blocks if block.id == "outreach")
    with open_pool(1) as here, open_pool(0, pool="dask", address=address) as there:
        one, other = (calibrate_block(task, block, SIZES, pool) for pool in (here, there))
    assert np.array_equal(one.scores, other.scores)
    assert one.steps == other.steps


@pytest.mark.e2e
@pytest.mark.slow
def test_ctrl_c_leaves_the_cluster_as_it_was(address, tmp_path):
    words = ("scenario=baseline", "members=5000", "versions=none", "lang=en", "pool=dask", f"address={address}")
    code, err, left = interrupted(tmp_path, *words)
    assert (code, left) == (130, False)
    assert len(err.splitlines()) == 1
    assert err.startswith("interrupted")
    with open_pool(0, pool="dask", address=address) as pool:
        assert list(pool.run_all(units.square, range(4))) == [0, 1, 4, 9]


@pytest.mark.unit
@pytest.mark.slow
def test_a_worker_with_another_source_is_told_in_a_line(address, monkeypatch):
    monkeypatch.setattr(dask_cluster, "SOURCE", "another")
    wanted = r"the worker tcp://127.0.0.1:\d+ has source [0-9a-f]{16} \(here another\)"
    with pytest.raises(InputError, match=wanted), open_pool(0, pool="dask", address=address):
        pass


@pytest.mark.unit
@pytest.mark.slow
def test_a_cluster_without_workers_or_a_scheduler_that_ends_is_told_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "LOOK", 0.1)
    monkeypatch.setattr(dask_cluster, "PATIENCE", 0.5)
    with cluster(tmp_path, workers=0) as (place, scheduler):
        no_worker = pytest.raises(InputError, match="has had no worker for 0 seconds: start some")
        with open_pool(0, pool="dask", address=place) as pool, no_worker:
            list(pool.run_all(units.square, range(4)))
        monkeypatch.setattr(dask_cluster, "PATIENCE", 600.0)
        with open_pool(0, pool="dask", address=place) as pool:
            scheduler.kill()
            with pytest.raises(InputError, match="no scheduler answers there"):
                list(pool.run_all(units.square, range(4)))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("tcp://127.0.0.1:{}", "no scheduler answers there"),
        ("127.0.0.1:{}", "no scheduler answers there"),
        ("ftp://127.0.0.1:{}", "must be the scheduler's, as tcp://HOST:8786"),
        ("somewhere", "must be the scheduler's, as tcp://HOST:8786"),
        ("tcp://somewhere:port", "no scheduler answers there"),
    ],
)
def test_an_address_where_no_scheduler_is_is_told_at_once(place, said):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = place.format(free.getsockname()[1])
    with pytest.raises(InputError, match=f"^address = .*: {said}[^\n]*$"), open_pool(pool="dask", address=place):
        pass


@pytest.mark.unit
def test_a_server_of_another_kind_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(dask_cluster, "ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match="no scheduler answers there"), open_pool(pool="dask", address=place):
            pass
