"""crksim from Python: the command's own bytes, as data frames with labels and units."""

import subprocess
import sys
from dataclasses import replace

import pytest

import crksim
from crksim.analysis import units
from crksim.errors import InputError
from crksim.interface import experiments
from crksim.interface.cli import main
from crksim.output import figures
from tests.read_once import read_once
from tests.test_sweeping import made_up

PLACES = "services.fhv_intensive.places.hard"
SMALL = {"members": 2, "futures": 1, "prior_members": 0, "workers": 1, "lang": "en"}
WORDS = [*(f"{name}={value}" for name, value in SMALL.items()), "progress=false"]


def tables(folder):
    """Return every file of a folder but the manifest, which tells when it was made."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("manifest.json", "runs.json")
    }


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return a run as small as can be, without figures, of the command and from Python: the second finds its futures
    under the key of all that decides them, and simulates nothing."""
    folder = tmp_path_factory.mktemp("both")
    small = {**SMALL, "members": 1, "references": "without", "out": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "draw_figures", lambda *_: {})
        words = [f"{name}={value}" for name, value in {**small, "seed": 2}.items()]
        assert main(["scenario=intensive_8_places", f"{PLACES}=6", *words, "progress=false"]) == 0
        typed = only(folder, "intensive_8_places_*")
        patch.setattr(units, "simulate", None)
        return typed, crksim.load("intensive_8_places", {PLACES: 6}, **small).run(seed=2)


@pytest.mark.e2e
def test_a_run_from_python_asks_for_the_futures_of_the_command_and_writes_its_bytes(both):
    typed, run = both
    assert run.folder != typed
    assert tables(run.folder) == tables(typed)
    assert run.report.is_file()


@pytest.mark.e2e
@pytest.mark.slow
def test_a_run_from_python_is_the_run_of_the_command_byte_for_byte(tmp_path):
    assert main(["scenario=intensive_8_places", f"{PLACES}=6", f"out={tmp_path / 'command'}", *WORDS]) == 0
    run = crksim.load("intensive_8_places", {PLACES: 6}, out=tmp_path / "python", **SMALL).run()
    assert tables(run.folder) == tables(only(tmp_path / "command", "intensive_8_places_*"))
    assert run.report.is_file()


@pytest.mark.e2e
@pytest.mark.parametrize(
    "simulated", [pytest.param(False, id="made_up"), pytest.param(True, id="simulated", marks=pytest.mark.slow)]
)
def test_a_sweep_from_python_is_that_of_the_command_byte_for_byte(tmp_path, monkeypatch, simulated):
    if not simulated:
        monkeypatch.setattr(experiments.Experiment, "run", made_up)
        read_once(monkeypatch)
    words = ["sweep", "scenario=intensive_5_places", f"{PLACES}=4,6", "measures=fhv_intensive.starts"]
    assert main([*words, f"out={tmp_path / 'command'}", *WORDS]) == 0
    what_if = crksim.load("intensive_5_places", out=tmp_path / "python", **SMALL)
    swept = what_if.sweep({PLACES: "4,6"}, measures=["fhv_intensive.starts"])
    typed = only(tmp_path / "command", "sweep_*")
    # The name of the folder has the mark of all that decides the numbers.
    assert swept.folder.name == typed.name
    assert tables(swept.folder) == tables(typed)
    assert list(swept.summary[PLACES]) == [4, 6]
    assert set(swept.summary["unit"]) == {"per year"}
    assert len(swept.measures) == 2 * 2
    assert swept.figure("fhv_intensive.starts").lstrip().startswith("<")


@pytest.mark.e2e
@pytest.mark.slow
def test_several_beside_each_other_are_the_comparison_of_the_command(tmp_path):
    words = ["-m", "scenario=intensive_5_places,intensive_8_places", f"out={tmp_path / 'command'}"]
    assert main([*words, *(f"{name}={value}" for name, value in SMALL.items()), "progress=false"]) == 0
    five, eight = (crksim.load(f"intensive_{n}_places", out=tmp_path / "python", **SMALL) for n in (5, 8))
    found = five.compare(eight)
    pages = tables(found.folder), tables(only(tmp_path / "command", "comparison_*"))
    assert pages[0]["comparison.csv"] == pages[1]["comparison.csv"]
    assert list(found.table().columns) == ["intensive_5_places", "intensive_8_places"]
    with pytest.raises(InputError, match="another what-if"):
        five.compare()


@pytest.mark.e2e
@pytest.mark.parametrize(("lang", "unit"), [("da", "borgere"), ("en", "citizens")])
def test_tables_have_labels_and_units_in_one_language(both, lang, unit):
    what_if = crksim.load("intensive_8_places", {PLACES: 6}, **{**SMALL, "lang": lang})
    run = replace(both[1], lang=what_if.settings.lang)
    for table in (run.comparison, run.summary):
        assert not [name for name in table.columns if name.endswith(("_da", "_en"))]
    assert unit in set(run.comparison["unit"])
    assert len(run.deciding()) <= 6
    assert not [verdict for verdict in run.deciding()["verdict"] if "_" in verdict]
    assert what_if.changes
    assert "<table" in run._repr_html_()
    assert len(repr(run)) < 80


@pytest.mark.unit
def test_what_is_wrong_is_told_as_the_command_tells_it():
    with pytest.raises(InputError, match="did you mean 'youth_groups_3sites'"):
        crksim.load("youth_groups_3site")
    with pytest.raises(InputError, match="memebers"):
        crksim.load("baseline", memebers=3)


@pytest.mark.unit
def test_importing_crksim_imports_nothing_heavy():
    code = "import sys, crksim; print(sorted({'numpy', 'pandas', 'scipy', 'matplotlib', 'hydra'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
