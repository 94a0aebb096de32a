"""The wheel in an empty folder: everything it needs comes with it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TOP = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel that is built from the sdist, as a stranger would build it."""
    pytest.importorskip("hatchling")
    place = tmp_path_factory.mktemp("built")
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(place), "-t"]
    subprocess.run([*words, "sdist"], cwd=TOP, check=True, capture_output=True)
    (archive,) = place.glob("*.tar.gz")
    shutil.unpack_archive(archive, place)
    (inside,) = (path for path in place.iterdir() if path.is_dir())
    subprocess.run([*words, "wheel"], cwd=inside, check=True, capture_output=True)
    return inside, next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The wheel's content alone, with the libraries of this environment; no working copy in sight."""
    place = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(built[1]) as wheel:
        wheel.extractall(place)
    return place


def typed(installed, folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(installed), "LANG": "en_GB.UTF-8", "PYTHONIOENCODING": "utf-8"}
    environment.pop("LC_ALL", None)
    return subprocess.run(
        [sys.executable, "-m", "crksim", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )


def test_the_wheel_holds_the_model_and_the_scenarios(built):
    inside, wheel = built
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    assert "crksim/_data/CITATION.cff" in names
    for name in ("conf", "scenarios"):
        shipped = {path.relative_to(TOP).as_posix() for path in (TOP / name).rglob("*.yaml")}
        assert shipped
        assert {f"crksim/_data/{path}" for path in shipped} <= names
    assert "crksim/py.typed" in names
    assert {"tests", "docs", "README.md", "LICENSE", "CHANGELOG.md"} <= {path.name for path in inside.iterdir()}


def test_it_is_the_wheel_that_runs(installed, tmp_path):
    where = "import crksim; print(crksim.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(installed)


def test_the_main_job_runs_in_an_empty_folder(installed, tmp_path):
    done = typed(installed, tmp_path, "scenario=youth_groups_3sites", "members=2", "futures=1")
    assert (done.returncode, done.stderr) == (0, "")
    (folder,) = (tmp_path / "outputs").glob("[!.]*")
    assert (folder / "report.html").stat().st_size > 10_000
    assert "report.html" in done.stdout


def test_an_own_scenario_is_found_first(installed, tmp_path):
    assert typed(installed, tmp_path, "new", "my_idea").returncode == 0
    listed = typed(installed, tmp_path, "list").stdout
    assert listed.index("my_idea") < listed.index("youth_groups_3sites")
    shown = typed(installed, tmp_path, "show", "my_idea")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_faults_are_told_in_danish(installed, tmp_path):
    done = typed(installed, tmp_path, "scenario=youth_groups_3sites", "members=0", "lang=da")
    assert (done.returncode, done.stderr) == (
        2,
        "kommandolinjen: members = 0: skal være et helt tal fra 1 til 100000\n",
    )


def test_the_same_words_give_the_same_tables(installed, tmp_path):
    """One worker or two, twice: every file but the manifest has the same bytes."""
    for out, workers in (("one", 1), ("two", 2)):
        words = ("scenario=youth_groups_2sites", "members=2", "futures=1", f"workers={workers}", f"out={out}")
        assert typed(installed, tmp_path, *words).returncode == 0
    (one,), (two,) = (tmp_path / "one").glob("[!.]*"), (tmp_path / "two").glob("[!.]*")
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(two) for path in two.rglob("*") if path.is_file())
    assert len(names) > 15
    differing = [str(name) for name in names if (one / name).read_bytes() != (two / name).read_bytes()]
    assert differing == ["manifest.json"]
