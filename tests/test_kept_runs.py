"""Whole commands that are killed, raced, starved of disk and interrupted: each ends with a clear line, nothing lost."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crksim.analysis import pool, units
from crksim.interface import cli
from crksim.output import figures
from crksim.simulation.engine import simulate
from tests.budget import Budget, Killed

SMALL = ("members=3", "futures=1", "prior_members=0", "workers=1", "progress=false", "lang=en")
WORDS = ("scenario=intensive_5_places", *SMALL)
TOP = Path(__file__).parents[1]
SEEDS = range(20)

#: A process that does what the words after it say, and kills itself at a given event on files, halfway through it.
KILLED = """
import os, signal, sys
from tests.budget import Budget
from crksim.interface import cli
from crksim.output import figures
figures.draw_figures = lambda *_: {}
budget = Budget(int(sys.argv[1]))
class Patch:
    setattr = staticmethod(setattr)
budget.kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
budget.install(Patch)
if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[2:]))
"""


#: The same without a kill: drawing takes most of the time, and nothing here looks at figures.
WHOLE = """
import sys
from crksim.interface import cli
from crksim.output import figures
figures.draw_figures = lambda *_: {}
if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:]))
"""


def files_of(folder):
    """Return every file of a run but its manifest, which has the time."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def runs():
    return sorted(Path("outputs").glob("[!.]*"))


def begin(*words, **more):
    environment = {**os.environ, "PYTHONPATH": str(TOP), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **more
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the files of a run that nothing disturbed, and how many events on files it had."""
    budget, before = Budget(), Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("undisturbed"))
        patch.setattr(figures, "draw_figures", lambda *_: {})
        budget.install(patch)
        assert cli.main(WORDS) == 0
        (folder,) = runs()
        found = files_of(folder)
    assert Path.cwd() == before
    return found, budget.done


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})
    return tmp_path


# --- killed ----------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_twenty_kills_at_random_moments_and_then_the_bytes_of_an_undisturbed_run(undisturbed):
    wanted, events = undisturbed
    for seed in SEEDS:
        # Half of the kills fall among the results, half anywhere; what was kept stays for the next.
        most = random.Random(seed).randrange(1, 20 if seed % 2 else events)
        if seed % 5 == 0:
            shutil.rmtree("outputs", ignore_errors=True)
        with begin("-c", KILLED, str(most), *WORDS) as command:
            command.communicate(timeout=900)
        assert command.returncode in (-signal.SIGKILL, 0), seed
        # A run that came to its end before its budget did is whole; none is half there.
        for folder in runs():
            assert files_of(folder) == wanted, seed
    before = len(runs())
    assert cli.main(WORDS) == 0
    assert len(runs()) == before + 1
    assert files_of(runs()[-1]) == wanted


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("command", ["solve", "attribute", "one_more_place"])
def test_other_commands_that_are_killed_end_with_the_same_bytes(tmp_path, monkeypatch, command):
    places = "services.fhv_intensive.places.hard"
    words = {
        "solve": ("solve", "scenario=intensive_5_places", f"{places}=1..3", "target=fhv_intensive.starts >= 1"),
        "attribute": ("attribute", "scenario=youth_groups_3sites"),
        "one_more_place": ("one_more_place", "scenario=intensive_5_places"),
    }[command]
    words = (*words, "members=2", *SMALL[1:])
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    seen = []
    monkeypatch.setattr(units, "simulate", lambda *told, **more: seen.append(1) or simulate(*told, **more))
    monkeypatch.chdir(tmp_path / "one")
    assert cli.main(words) == 0
    wanted, whole = files_of(runs()[0]), len(seen)
    monkeypatch.chdir(tmp_path / "two")
    for seed in range(3):
        with pytest.MonkeyPatch.context() as patch:
            Budget(random.Random(seed).randrange(2, 15)).install(patch)
            with pytest.raises(Killed):
                cli.main(words)
    seen.clear()
    assert cli.main(words) == 0
    assert files_of(runs()[0]) == wanted
    assert len(seen) < whole


@pytest.mark.e2e
@pytest.mark.slow
def test_two_runs_at_once_are_both_whole(undisturbed):
    both = [begin("-c", WHOLE, *WORDS) for _ in range(2)]
    for command in both:
        _, err = command.communicate(timeout=900)
        assert (command.returncode, err) == (0, "")
    assert [files_of(folder) == undisturbed[0] for folder in runs()] == [True, True]
    assert not list(Path("outputs").rglob("*.part"))


@pytest.mark.e2e
@pytest.mark.slow
def test_two_sweeps_that_race_for_one_folder_end_with_it_whole(tmp_path):
    sweep = ("sweep", "scenario=intensive_5_places", "services.fhv_intensive.places.hard=2..4", *SMALL)
    assert cli.main([*sweep, f"out={tmp_path / 'alone'}"]) == 0
    both = [begin("-c", WHOLE, *sweep) for _ in range(2)]
    for command in both:
        _, err = command.communicate(timeout=900)
        assert (command.returncode, err) == (0, "")
    (alone,), (raced,) = (tmp_path / "alone").glob("[!.]*"), runs()
    assert raced.name == alone.name
    assert files_of(raced) == files_of(alone)
    assert not list(Path("outputs").rglob("*.part"))


# --- interrupted -----------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            "interrupted; results kept in outputs/.kept: 2; the same command goes on from there",
        ),
        (
            "da",
            "afbrudt; resultater gemt i outputs/.kept: 2; den samme kommando går videre derfra",
        ),
    ],
)
def test_ctrl_c_says_what_is_kept_and_the_same_command_goes_on(monkeypatch, capsys, lang, said):
    words = (*WORDS[:-1], f"lang={lang}")
    seen = []

    def simulating(plan, luck, cohorts=None):
        seen.append(luck.replication)
        return simulate(plan, luck, cohorts=cohorts)

    monkeypatch.setattr(units, "simulate", simulating)
    with monkeypatch.context() as patch:
        patch.setattr(pool._Serial, "submit", _until(2))
        assert cli.main(words) == 130
    assert capsys.readouterr().err.strip() == said
    assert runs() == []
    seen.clear()
    assert cli.main(words) == 0
    assert set(seen) == {4}
    assert {"en": "already: 2 of 3", "da": "i forvejen: 2 af 3"}[lang] in capsys.readouterr().out


@pytest.mark.e2e
@pytest.mark.slow
def test_futures_that_were_there_are_counted_among_those_of_the_run(capsys):
    words = ("scenario=intensive_5_places", "members=2", "futures=1", "workers=1", "lang=en")
    assert cli.main(words) == 0
    assert cli.main(words) == 0
    assert "Single futures that were there already: 2 of 2" in capsys.readouterr().out


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("solve", "services.fhv_intensive.places.hard=1..3", "target=fhv_intensive.starts >= 1", *WORDS),
        ("one_more_place", *WORDS),
        ("variants", "members=2", "futures=1", "past_futures=2", "workers=1", "lang=en"),
    ],
    ids=lambda words: words[0],
)
def test_ctrl_c_in_other_commands_is_one_line_with_what_is_kept(monkeypatch, capsys, words):
    monkeypatch.setattr(pool._Serial, "submit", _until(1))
    assert cli.main(words) == 130
    told = capsys.readouterr().err.strip()
    assert told == "interrupted; results kept in outputs/.kept: 1; the same command goes on from there"


def _until(most):
    """Return what runs so many units, and is interrupted then."""
    submit, done = pool._Serial.submit, []

    def running(engine, function, item):
        if len(done) == most:
            raise KeyboardInterrupt
        done.append(item)
        return submit(engine, function, item)

    return running


# --- the disk --------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(monkeypatch, capsys, undisturbed):
    write, results = Path.write_bytes, []

    def full(path, data):
        results.extend([path] if ".result." in path.name else [])
        if len(results) > 2:
            write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert cli.main(WORDS) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("outputs/.kept/")
    assert "cannot be written: No space left on device; results kept in outputs/.kept: 2" in line
    assert runs() == []
    assert cli.main(WORDS) == 0
    assert files_of(runs()[0]) == undisturbed[0]


@pytest.mark.e2e
@pytest.mark.slow
def test_a_disk_that_is_full_when_the_folder_is_written_loses_nothing(monkeypatch, capsys, undisturbed):
    from crksim.output import export

    def full(path, table):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(export, "write_csv", full)
        assert cli.main(WORDS) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device; results kept in outputs/.kept: 3" in line
    assert [path.name for path in Path("outputs").iterdir()] == [".kept"]
    assert cli.main(WORDS) == 0
    assert "that were there already: 3 of 3" in capsys.readouterr().out
    assert files_of(runs()[0]) == undisturbed[0]


def mounted(kind, place, options):
    """Mount a small disk; where that is not allowed, the test is left out."""
    place.mkdir()
    done = subprocess.run(["mount", "-t", kind, "-o", options, kind, str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("may not mount a disk")


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
def test_a_real_disk_that_is_full_or_cannot_be_written_to(tmp_path, capsys, undisturbed):
    place = tmp_path / "disk"
    mounted("tmpfs", place, "size=600k")
    try:
        words = (*WORDS, f"out={place}", "members=40", "workers=2")
        assert cli.main([word for word in words if word not in ("members=3", "workers=1")]) == 4
        (line,) = capsys.readouterr().err.splitlines()
        assert "No space left on device" in line
        assert "the same command goes on from there" in line
        assert [path.name for path in place.iterdir()] == [".kept"]
        assert not list(place.rglob("*.part"))
        remount = subprocess.run(["mount", "-o", "remount,ro", str(place)], capture_output=True, check=False)
        if remount.returncode == 0:
            assert cli.main([*WORDS, f"out={place}"]) == 2
            assert "must be a folder that can be written to" in capsys.readouterr().err
            subprocess.run(["mount", "-o", "remount,rw,size=60m", str(place)], check=True)
            assert cli.main([*WORDS, f"out={place}"]) == 0
            (folder,) = place.glob("[!.]*")
            assert files_of(folder) == undisturbed[0]
            assert "already: 3 of 3" in capsys.readouterr().out
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.unit
def test_what_the_disk_says_is_told_in_both_languages_and_what_others_say_passes(tmp_path):
    from crksim.errors import DiskError
    from crksim.interface.keeping import keeping
    from crksim.interface.settings import Settings

    settings = Settings("a", out=Path("outputs"))
    for lang, said in (
        ("en", "outputs/x cannot be written: No space left on device; nothing was kept"),
        ("da", "outputs/x kan ikke skrives: der er ikke mere plads på disken; intet gemt"),
    ):
        with pytest.raises(DiskError) as caught, keeping(settings, lang):
            raise OSError(errno.ENOSPC, "No space left on device", "outputs/x")
        assert (str(caught.value), caught.value.exit_code) == (said, 4)
    with pytest.raises(BrokenPipeError), keeping(settings, "en"):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    with pytest.raises(KeyboardInterrupt) as stop, keeping(settings, "en") as kept:  # noqa: PT012
        kept.keep("ab", b"found")
        raise KeyboardInterrupt
    assert str(stop.value) == "results kept in outputs/.kept: 1; the same command goes on from there"
    with keeping(replace(settings, kept=0), "en") as kept:
        assert kept is None
