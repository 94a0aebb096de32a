"""The notebooks: executed as they stand, without traces of the machine, and again without a fault."""

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))
#: Paths of a machine, and what a run is called by when it was made.
TRACES = re.compile(r"/home/|/root/|/tmp/|/work/|[A-Z]:\\\\|\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}")


def scripts():
    import importlib.util

    spec = importlib.util.spec_from_file_location("notebooks", FOLDER.parent / "scripts" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.unit
def test_there_are_three():
    assert [path.stem for path in BOOKS] == ["own_network", "planners_question", "researchers_sweep"]


@pytest.mark.unit
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_what_is_committed_is_what_ran_and_tells_nothing_of_the_machine(path):
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata["crksim"]["ran"] == scripts().mark(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [
        out for cell in code for out in cell.outputs if out.output_type == "error" or out.get("name") == "stderr"
    ]
    assert TRACES.search(json.dumps(notebook)) is None
    assert path.stat().st_size < 500_000


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_an_empty_folder_and_its_source_stays(path, tmp_path):
    import nbformat

    before = nbformat.read(path, as_version=4).cells
    after = scripts().executed(path, tmp_path).cells
    assert [cell.source for cell in after] == [cell.source for cell in before]
    shown = [[sorted(out.get("data", {})) for out in cell.get("outputs", ())] for cell in after]
    assert shown == [[sorted(out.get("data", {})) for out in cell.get("outputs", ())] for cell in before]
