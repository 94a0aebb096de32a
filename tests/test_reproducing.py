"""``crksim reproduce``: identical, or what differs and why, and manifests from which nothing can be made again."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from crksim.interface import cli, reproducing
from crksim.interface.settings import SETTINGS, Settings, read_settings
from crksim.output import figures
from crksim.output.reproduced import Differing, compare_files
from crksim.output.rundir import write_run
from tests.make_result import make_result, make_run

WORDS = {"command": "run", "changes": ["services.x.places.hard=6"]}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return the folder of a run, and let a run write what is given into another, as `reproduce` asks for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})
    result = make_result()
    settings = Settings("a", members=result.members, futures=result.futures, seed=result.seed, lang="da")
    wanted = {**make_run(), "manifest": {**WORDS, "settings": settings.again(), "started": "2026"}}
    folder = write_run(folder=Path("outputs") / "a_2026-01-01_10-00-00", lang="da", **wanted)
    asked = []
    again = dict(wanted)

    def run(given, changes, watch):
        asked.append((given, list(changes)))
        return SimpleNamespace(folder=write_run(folder=given.out / "again", lang=given.lang, **again))

    monkeypatch.setattr(reproducing, "run", run)
    return SimpleNamespace(folder=folder, asked=asked, again=again, settings=settings)


def typed(capsys, *words):
    code = cli.main(["reproduce", *words])
    out = capsys.readouterr()
    return code, out.out.splitlines(), out.err.splitlines()


def rewrite_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), encoding="utf-8")


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    "name", [(), ("last",), ("a",), ("a_2026-01-01_10-00-00",), ("outputs/a_2026-01-01_10-00-00",)]
)
def test_a_run_that_is_the_same_is_identical_file_by_file(made, capsys, name):
    code, out, err = typed(capsys, *name, "lang=en")
    files = json.loads((made.folder / "manifest.json").read_text("utf-8"))["files"]
    assert (code, err) == (0, [])
    assert out[1:-1] == [f"identical: {file}" for file in sorted(files)]
    assert out[-1] == f"Identical: all {len(files)} files."
    ((given, changes),) = made.asked
    assert changes == WORDS["changes"]
    # Nothing that was kept is used, and nothing is left behind.
    assert replace(given, out=made.settings.out, workers=1, kept=1000) == made.settings
    assert given.kept == 0
    assert not given.out.exists()
    assert [path.name for path in Path("outputs").iterdir()] == [made.folder.name]


@pytest.mark.unit
def test_what_differs_is_told_with_the_largest_difference_and_why(made, capsys):
    result = make_result()
    worlds = [replace(world, values=world.values.copy()) for world in result.worlds]
    worlds[-1].values[3, 1, 0] += 1.0
    made.again["result"] = replace(result, worlds=tuple(worlds))
    study = json.loads(json.dumps(made.again["study_dict"]))
    study["title"] = {"da": "x", "en": "y"}
    made.again["study_dict"] = study
    rewrite_manifest(made.folder, versions={"python": "3.11.0", "numpy": "1.0"}, source="abc")
    code, out, err = typed(capsys, "lang=en")
    text = "\n".join(out)
    assert (code, err) == (1, [])
    (line,) = (line for line in out if "measures.parquet" in line)
    assert line.startswith("differs: measures.parquet: 1 of ")
    assert f"{worlds[-1].id} {result.measures[0]} 3 1 value" in line
    assert "identical: members.parquet" in text
    reasons = [line for line in out if line.startswith("  · ")]
    assert any(line.startswith("  · numpy 1.0 is ") for line in reasons)
    assert any(line.startswith("  · the source of crksim is another: mark abc is ") for line in reasons)
    assert any("the model has changed: title" in line for line in reasons)
    code, out, _ = typed(capsys, "lang=da")
    assert code == 1
    assert any(line.startswith("  · crksims kildekode er en anden: mærke abc er nu ") for line in out)


@pytest.mark.unit
def test_a_file_that_was_altered_since_is_named(made, capsys):
    path = made.folder / "summary.csv"
    path.write_text(path.read_text("utf-8").replace("0", "7", 1), encoding="utf-8")
    (made.folder / "flows.csv").unlink()
    code, out, _ = typed(capsys, "lang=en")
    assert code == 1
    assert "  · summary.csv is missing, or was altered after the run wrote it" in out
    assert "  · flows.csv is missing, or was altered after the run wrote it" in out
    assert "differs: flows.csv: is missing in the run" in out


@pytest.mark.unit
def test_what_was_explained_besides_is_explained_again(made, capsys):
    from crksim.output.finished import read_run
    from crksim.output.rundir import explain_again

    run = read_run(made.folder)
    (first,) = run.explanations
    other = next(row.measure for row in run.result.comparison if row.measure != first.answer.measure)
    explain_again(made.folder, other)
    assert typed(capsys, "lang=en")[0] == 0


@pytest.mark.unit
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "manifest.json").write_text("{"), "has no manifest.json from which"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "has no manifest.json from which"),
        (lambda folder: rewrite_manifest(folder, settings=[]), "has no manifest.json from which"),
        (lambda folder: rewrite_manifest(folder, settings={"members": 20}), "is not the run's: run.json says"),
        (lambda folder: (folder / "manifest.json").unlink(), "there are no runs in outputs/"),
    ],
)
def test_a_manifest_that_is_missing_or_altered_is_one_line(made, capsys, spoil, said):
    spoil(made.folder)
    code, out, err = typed(capsys, "last", "lang=en")
    assert (code, out) == (2, [])
    assert all(said in line for line in err)
    assert 1 <= len(err) <= 2
    assert made.asked == []


@pytest.mark.unit
def test_wrong_words_are_told_all_at_once(made, capsys):
    code, _, err = typed(capsys, "a", "b", "worker=2", "lang=en")
    assert (code, len(err)) == (2, 2)
    assert "did you mean 'workers'?" in err[0]
    code, _, err = typed(capsys, "workers=x", "lang=en")
    assert (code, len(err)) == (2, 1)
    assert "must be a whole number" in err[0]


@pytest.mark.unit
def test_settings_come_back_from_plain_data():
    given = Settings("a+b", 7, 3, 5, lang="da", window="2019", stays=True, references=("x", "y"), versions="none")
    told = json.loads(json.dumps(given.again()))
    assert read_settings({**told, "workers": 1}) == given
    assert set(SETTINGS) - set(told) == {"workers", "pool", "address", "out", "progress", "kept"}


@pytest.mark.e2e
@pytest.mark.slow
def test_a_real_run_is_made_again_from_nothing_but_its_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ("members=2", "futures=1", "prior_members=2", "workers=1", "progress=false", "lang=en")
    given = ("scenario=youth_groups_3sites", "services.youth_group_spaniensgade.places.hard=6", *words)
    assert cli.main(given) == 0
    capsys.readouterr()
    assert typed(capsys, "last", "lang=en", "workers=2")[0] == 0
    shutil.rmtree("outputs")
    assert cli.main(["attribute", *given]) == 0
    capsys.readouterr()
    assert typed(capsys, "youth_groups_3sites", "lang=en")[0] == 0


# --- files -----------------------------------------------------------------------------------------------------------


def pair(tmp_path, name, one, two):
    for place, text in (("old", one), ("new", two)):
        (tmp_path / place).mkdir(exist_ok=True)
        if text is not None:
            (tmp_path / place / name).write_text(text, encoding="utf-8")
    return compare_files(tmp_path / "old", tmp_path / "new", name)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("one", "two", "differing"),
    [
        ("measure,value\na,1\n", "measure,value\na,1\n", None),
        ("measure,value\na,1\nb,2\n", "measure,value\na,1.5\nb,4\n", ("rows", 2, 2, "b value", "2", "4")),
        ("measure,value\na,x\n", "measure,value\na,y\n", ("rows", 1, 1, "a value", "x", "y")),
        ("measure,value\na,nan\nb,1\n", "measure,value\na,1\nb,2\n", ("rows", 2, 2, "a value", "nan", "1")),
        ("measure,value\na,1\n", "measure,worth\na,1\n", ("columns", 0, 0, "value, worth")),
        ("measure,value\na,1\n", "measure,value\n", ("length", 1, 0)),
        ("measure,value\na,1\n", "measure,value\na\n", ("bytes",)),
        ("measure,value\r\na,1\r\n", "measure,value\na,1\n", ("bytes",)),
        ("a,1\n", None, ("missing",)),
        (None, "a,1\n", ("new",)),
    ],
)
def test_how_a_table_differs(tmp_path, one, two, differing):
    found = pair(tmp_path, "table.csv", one, two)
    assert found == (None if differing is None else Differing("table.csv", *differing))


@pytest.mark.unit
def test_how_plain_data_differ(tmp_path):
    found = pair(tmp_path, "a.json", '{"a": {"b": 1, "c": 2}}', '{"a": {"b": 1, "c": 3, "d": 4}}')
    assert found == Differing("a.json", "values", 2, 2, "a.c", "2", "3")
    assert pair(tmp_path, "b.json", "{", "{}").kind == "bytes"


@pytest.mark.unit
def test_numbers_that_are_undefined_in_both_do_not_differ(tmp_path):
    import pandas as pd

    from crksim.output.export import write_parquet

    for place, last in (("old", 1.0), ("new", 2.0)):
        (tmp_path / place).mkdir()
        table = pd.DataFrame({"world": ["x", "y"], "member": np.array([0, 1]), "value": [np.nan, last]})
        write_parquet(tmp_path / place / "t.parquet", table, categories=("world",))
    found = compare_files(tmp_path / "old", tmp_path / "new", "t.parquet")
    assert found == Differing("t.parquet", "rows", 1, 2, "y 1 value", "1.0", "2.0")
