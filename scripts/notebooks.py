"""Execute the notebooks again, in an empty folder, and keep what they show: ``python scripts/notebooks.py [NAME...]``.

What is kept holds no time, no path of the machine and no temporary name.  ``ran`` in a notebook's metadata marks
the source that ran, so that a test can tell a notebook that was changed and not executed again.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
SECONDS = 1800


def mark(notebook):
    """Return a short mark of the source of a notebook's code."""
    source = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def executed(path, folder):
    """Return a notebook executed in a folder, without times.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "crksim": {"ran": mark(notebook)},
    }
    return notebook


def main(names):
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                nbformat.write(executed(path, folder), path)
            print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
