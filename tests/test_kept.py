"""Never lose a run: what is kept, what it is kept under, and runs that are killed, raced, starved and made larger."""

import copy
import errno
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from crksim.analysis import units
from crksim.analysis.keeping import key_of, pack, pack_log, run_kept, unpack, unpack_log
from crksim.analysis.pool import open_pool
from crksim.analysis.replications import replicate
from crksim.analysis.units import replication
from crksim.errors import CheckError
from crksim.model.clock import Window
from crksim.model.study import read_study
from crksim.output import kept as kept_files
from crksim.output.kept import Kept
from crksim.output.whole import draft_of, write_bytes
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from tests.budget import Budget, Killed
from tests.test_replications import LEDGER, MEASURES, STUDY, WINDOW, changed, worlds

MOST = 10**9


def run(kept=None, given=None, **settings):
    wanted = {
        "measures": MEASURES,
        "members": 3,
        "futures": 2,
        "seed": 1,
        "window": WINDOW,
        "replay": ["clinic.starts.count@2016"],
        "series_services": ["clinic"],
        "series_days": [100.0, 400.0],
    }
    return replicate(worlds() if given is None else given, LEDGER, kept=kept, **(wanted | settings))


def told(found):
    """Return everything that a run found, as bytes."""
    parts = [*(world.values for world in found.worlds), *found.present.values(), found.replay]
    return [part.tobytes() for part in parts], found.flows, found.theta


@pytest.fixture
def counted(monkeypatch):
    """Return a list to which every simulation adds the number of its luck."""
    seen = []

    def simulating(plan, luck, cohorts=None):
        seen.append(luck.replication)
        return simulate(plan, luck, cohorts=cohorts)

    monkeypatch.setattr(units, "simulate", simulating)
    return seen


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / ".kept", MOST)


def again(kept):
    """Return the same folder as a new command finds it."""
    return Kept(kept.folder, kept.most)


# --- bytes -----------------------------------------------------------------------------------------------------------


@pytest.mark.property
@given(
    st.lists(
        st.sampled_from(["f8", "f4", "i8", "i4", "i2"]).flatmap(
            lambda kind: arrays.arrays(kind, arrays.array_shapes(max_dims=3, min_side=0, max_side=4))
        ),
        max_size=4,
    )
)
def test_arrays_come_back_bit_by_bit(given):
    named = {str(number): array for number, array in enumerate(given)}
    back, told = unpack(pack(named, {"a": [1, "b"]}))
    assert told == {"a": [1, "b"]}
    assert [(array.dtype, array.shape, array.tobytes()) for array in back.values()] == [
        (array.dtype, array.shape, array.tobytes()) for array in given
    ]


@pytest.mark.unit
def test_whole_numbers_come_back_with_the_sign_of_zero():
    for numbers in ([0.0, 3.0, 250.0], [-0.0, 1.0], [2.0**31, 0.0], [np.nan, 1.0], [np.inf], [-5.0]):
        array = np.array(numbers, np.float32)
        assert unpack(pack({"a": array}))[0]["a"].tobytes() == array.tobytes()
    assert len(pack({"a": np.zeros(10_000, np.float32)})) < 200


@pytest.mark.unit
def test_a_log_comes_back_whole():
    log = simulate(structure(read_study(STUDY)).bind({"inflow": 0.4, "drop_out": 0.3, "stay": 40.0}), Luck(1, 0))
    back = unpack_log(pack_log(log))
    assert back.content_hash() == log.content_hash()
    assert (back.legend, back.start, back.end) == (log.legend, log.start, log.end)
    assert [column.dtype for column in back.columns().values()] == [column.dtype for column in log.columns().values()]
    assert len(pack_log(log)) < 0.6 * sum(column.nbytes for column in log.columns().values())


@pytest.mark.unit
def test_what_is_damaged_counts_as_not_there(kept):
    kept.keep("ab12", b"what was found")
    (path,) = kept.folder.glob("*/*.result")
    whole = path.read_bytes()
    assert kept.get("ab12") == b"what was found"
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        assert kept.get("ab12") is None
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert kept.get("ab12") is None
    # A file under another's name is whole and yet not what is asked for.
    path.with_name("ab13.result").write_bytes(whole)
    assert kept.get("ab13") is None


# --- what is run again -----------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_what_is_kept_is_not_run_again_and_has_the_same_bytes(kept, counted):
    undisturbed = told(run())
    assert told(run(kept)) == undisturbed
    assert (kept.held, kept.found) == (6, 0)
    counted.clear()
    other = again(kept)
    seen = []
    assert told(run(other, progress=lambda done, total: seen.append((done, total)))) == undisturbed
    assert (counted, other.held, other.found, seen) == ([], 6, 6, [(3, 3)])


@pytest.mark.unit
def test_a_larger_run_uses_what_a_smaller_one_gave(kept, counted):
    run(kept, members=2, futures=1)
    for size in ({"members": 4, "futures": 1}, {"members": 3, "futures": 2}, {"members": 4, "futures": 5}):
        undisturbed = told(run(**size))
        counted.clear()
        other = again(kept)
        assert told(run(other, **size)) == undisturbed
        missing = size["members"] * size["futures"] - other.found
        assert len(counted) == 2 * missing
    assert other.found == 7
    assert run(again(kept), members=2, futures=2).worlds[0].values.tobytes() == told(run(members=2))[0][0]


@pytest.mark.unit
def test_the_luck_of_a_future_is_its_own():
    numbers = [replication(member, future) for member in range(300) for future in range(7)]
    assert len(set(numbers)) == len(numbers)
    # Those of two futures stand as they always did.
    assert [replication(member, future) for member in range(3) for future in range(2)] == list(range(6))


@pytest.mark.unit
def test_another_what_if_runs_no_reference_again(kept, counted):
    run(kept)
    counted.clear()
    other = worlds(changed(services__clinic__places__hard=20))
    asked = {"measures": ["clinic.starts", "clinic.refused"], "series_services": []}
    found = run(again(kept), other, **asked)
    assert sorted(counted) == list(range(6))
    assert told(found) == told(run(None, other, **asked))


def different():
    """Yield runs that differ from the first in one character, by what differs."""
    yield "nothing", {}
    for name, value in (("seed", 2), ("window", Window(366.0, 730.0)), ("measures", MEASURES[:2])):
        yield name, {name: value}
    yield "day", {"series_days": [100.0, 401.0]}
    yield "replay", {"replay": ["clinic.starts.count@2017"]}
    yield "parameter", {"theta_overrides": {"drop_out": 0.30000000000000004}}
    yield "number of the what-if", {"given": worlds(changed(services__clinic__places__hard=19))}
    words = copy.deepcopy(STUDY)
    words["title"]["en"] = "Two placer"
    yield "word of the reference", {"given": [replace(worlds()[0], study=words), worlds()[1]]}


@pytest.mark.unit
def test_a_character_that_differs_is_run_again(kept, counted):
    run(kept)
    found = {}
    for name, settings in different():
        other = again(kept)
        run(other, **settings)
        found[name] = other.found
    assert found.pop("nothing") == 6
    assert set(found.values()) == {0}


@pytest.mark.unit
def test_other_code_runs_all_of_it_again(kept, counted, monkeypatch):
    run(kept)
    counted.clear()
    monkeypatch.setattr(units, "code_mark", lambda: "another")
    run(again(kept))
    assert len(counted) == 12


@pytest.mark.unit
def test_the_mark_of_the_code_hangs_on_every_source_file(tmp_path, monkeypatch):
    from crksim.analysis import code

    package = tmp_path / "crksim"
    (package / "model").mkdir(parents=True)
    for name in ("__init__.py", "model/laws.py"):
        (package / name).write_text("A = 1\n")
    monkeypatch.setattr(code.crksim, "__file__", str(package / "__init__.py"))

    def mark():
        code.source_mark.cache_clear()
        return code.source_mark()

    try:
        before = mark()
        (package / "model/laws.py").write_text("A = 2\n")
        after = mark()
        (package / "model/laws.py").rename(package / "model/law.py")
        assert len({before, after, mark()}) == 3
        (package / "model/law.py").rename(package / "model/laws.py")
        (package / "model/laws.py").write_text("A = 1\n")
        assert mark() == before
    finally:
        code.source_mark.cache_clear()


@pytest.mark.unit
def test_what_is_spoilt_is_run_again(kept, counted):
    undisturbed = told(run(kept))
    for path in kept.folder.glob("*/*"):
        path.write_bytes(path.read_bytes()[:-1])
    counted.clear()
    other = again(kept)
    assert told(run(other)) == undisturbed
    assert (len(counted), other.found) == (12, 0)
    assert told(run(again(kept))) == undisturbed


# --- cut off anywhere ------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize("seed", range(20))
def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(kept, counted, seed):
    undisturbed = told(run())
    counted.clear()
    chance = random.Random(seed)
    kills = 0
    while True:
        # A README, and two logs and two results of three members, with two events each: 40 or so.
        budget = Budget(chance.randrange(2, 25))
        with pytest.MonkeyPatch.context() as patch:
            budget.install(patch)
            try:
                found = run(again(kept), references=2)
            except Killed:
                kills += 1
                continue
        break
    assert told(found) == undisturbed
    assert kills >= 1
    assert len(counted) < 12 * (kills + 1)
    # Nothing that was begun and not ended is left but hidden drafts, and every file is whole.
    assert all(again(kept).get(path.stem) for path in kept.folder.glob("*/*.*") if not path.name.startswith("."))


@pytest.mark.unit
def test_a_killed_worker_loses_nothing(kept, tmp_path, monkeypatch):
    undisturbed = told(run(members=4))
    marker = tmp_path / "killed"
    monkeypatch.setenv("CRKSIM_TEST_DIES", str(marker))
    with open_pool(2, ["tests.dying"]) as pool:
        assert told(run(kept, members=4, pool=pool)) == undisturbed
    assert marker.exists()
    assert kept.held == 8


@pytest.mark.unit
def test_what_came_before_a_failure_is_kept(kept, monkeypatch, counted):
    def failing(plan, luck, cohorts=None):
        if luck.replication == 4:
            raise CheckError("a place was given twice")
        return simulate(plan, luck, cohorts=cohorts)

    with monkeypatch.context() as patch:
        patch.setattr(units, "simulate", failing)
        with pytest.raises(CheckError):
            run(kept)
    assert kept.held == 4
    other = again(kept)
    assert told(run(other)) == told(run())
    assert other.found == 4


# --- the disk --------------------------------------------------------------------------------------------------------


def full(monkeypatch, rooms):
    """Let a disk take so many files with results, and no more until some were taken away."""
    real_write, real_unlink = Path.write_bytes, Path.unlink
    room = [rooms]

    def write(path, data):
        if room[0] == 0:
            real_write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        room[0] -= 1
        return real_write(path, data)

    def unlink(path, *args, **kwargs):
        if path.suffix == ".spare" and path.exists():
            room[0] += 1
        return real_unlink(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_bytes", write)
    monkeypatch.setattr(Path, "unlink", unlink)


@pytest.mark.unit
def test_a_full_disk_gives_up_logs_before_results(kept, monkeypatch):
    undisturbed = told(run())
    with monkeypatch.context() as patch:
        full(patch, 8)
        assert told(run(kept)) == undisturbed
    assert kept.held == 6
    assert again(kept).get(next(kept.folder.glob("*/*.result")).stem)


@pytest.mark.unit
def test_a_disk_without_any_room_stops_the_run_and_loses_nothing(kept, monkeypatch):
    with monkeypatch.context() as patch:
        full(patch, 3)
        with pytest.raises(OSError, match="No space left") as caught:
            run(kept)
    assert caught.value.errno == errno.ENOSPC
    assert not list(kept.folder.rglob("*.part"))
    other = again(kept)
    assert told(run(other)) == told(run())
    assert 0 < other.found == kept.held < 6


@pytest.mark.unit
def test_as_much_stays_as_may_stay_and_what_was_not_used_goes_first(tmp_path):
    kept = Kept(tmp_path / ".kept", 1000)
    for number in range(10):
        kept.keep(f"{number:02d}", bytes(200))
        os.utime(next(kept.folder.glob(f"*/{number:02d}.result")), (1000 + number, 1000 + number))
    assert kept.get("01")
    kept.prune()
    assert sorted(path.stem for path in kept.folder.glob("*/*.result")) == ["01", "07", "08", "09"]
    kept.keep_spare("aa", bytes(5000))
    assert kept.get("aa") is None


@pytest.mark.unit
def test_a_folder_that_can_only_be_read_is_read(kept, monkeypatch):
    undisturbed = told(run(kept))

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(kept_files.os, "utime", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    other = Kept(kept.folder, 0)
    assert told(run(other)) == undisturbed
    other.prune()
    assert other.found == 6


# --- two at once -----------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_two_who_write_the_same_file_end_with_it_whole(tmp_path, monkeypatch):
    path = tmp_path / "same"
    with draft_of(path) as mine:
        mine.write_bytes(b"the same")
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 1)
            write_bytes(path, b"the same")
        # The other one was faster, and took the draft away as one left behind.
        assert not mine.exists()
    assert path.read_bytes() == b"the same"
    assert [entry.name for entry in tmp_path.iterdir()] == ["same"]


@pytest.mark.unit
def test_keys_differ_where_anything_does():
    assert key_of("a", ["b"]) == key_of("a", ("b",))
    assert len({key_of("a", "b"), key_of("ab"), key_of(["a", "b"]), key_of("a", 1), key_of("a", 1.0)}) == 5


# --- units of any kind -----------------------------------------------------------------------------------------------


def thirds(number):
    """Return numbers that are no whole ones, and one that is not there; 13 is poison."""
    if number == 13:
        raise ValueError("thirteen")
    return np.array([[number / 3.0, np.nan]])


def thirds_of(numbers, kept, seen, told=None):
    with open_pool() as pool:
        return run_kept(
            pool, lambda number: seen.append(number) or thirds(number), numbers, kept,
            lambda number: key_of("thirds", number), name=str,
            progress=None if told is None else lambda *done: told.append(done),
        )  # fmt: skip


@pytest.mark.unit
def test_units_that_are_kept_are_not_run_again_and_stand_in_their_order(kept):
    first, second, told = [], [], []
    thirds_of([1, 4], kept, first)
    found = thirds_of([5, 4, 2, 1], kept, second, told)
    assert (first, second) == ([1, 4], [5, 2])
    assert [array.tobytes() for array in found] == [thirds(number).tobytes() for number in (5, 4, 2, 1)]
    assert told == [(2, 4), (3, 4), (4, 4)]
    assert [array.tobytes() for array in thirds_of([5, 4, 2, 1], None, [])] == [array.tobytes() for array in found]


@pytest.mark.unit
def test_a_poisonous_unit_is_told_by_its_name_and_the_others_are_kept(kept):
    seen = []
    with pytest.raises(CheckError, match="13: ValueError: thirteen"):
        thirds_of([1, 13, 4], kept, seen)
    with pytest.raises(CheckError, match="13: ValueError: thirteen"):
        thirds_of([1, 13, 4], kept, seen)
    assert seen == [1, 13, 4, 13]
