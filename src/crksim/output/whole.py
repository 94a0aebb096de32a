"""Files and folders that are there whole or not at all, whoever is killed, and whoever else writes the same."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["draft_of", "write_bytes", "write_whole"]


def write_bytes(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Write a file whole or not at all; its folder is made.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        What it holds.
    lasting : bool
        Whether to wait until the disk has it.
    """
    with draft_of(path, lasting=lasting) as draft:
        draft.write_bytes(data)


@contextmanager
def draft_of(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """Give a name beside a file to write to; the draft takes the file's place when it is whole.

    Two processes have drafts of their own.  What one that was killed left behind is taken away by the next that writes
    the file.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    lasting : bool
        Whether to wait until the disk has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield draft
        try:
            if lasting:
                with draft.open("rb+") as file:
                    os.fsync(file.fileno())
            draft.replace(path)
        except FileNotFoundError:
            # Somebody else who wrote the same was faster, and took this draft for one left behind.
            if not path.exists():
                raise
    except (Exception, KeyboardInterrupt):
        draft.unlink(missing_ok=True)
        raise
    for entry in os.scandir(path.parent):
        if entry.name.startswith(f".{path.name}.") and entry.name.endswith(".part"):
            Path(entry.path).unlink(missing_ok=True)


def write_whole(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder under a temporary name, and give it its own name, or the next free one, when it is whole.

    Parameters
    ----------
    folder : Path
        Wished name.
    fill : callable
        Writes everything into the folder that it is given.

    Returns
    -------
    Path
        The folder as it is called.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        fill(draft)
        draft.chmod(0o755)
        return _rename(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _rename(draft: Path, folder: Path) -> Path:
    """Give the finished draft its name, or the next free one; a folder that is not empty is never replaced."""
    for number in range(1, 10_000):
        target = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if target.exists():
            continue
        try:
            draft.rename(target)
        except OSError:
            if not target.exists():
                raise
            continue
        return target
    raise FileExistsError(f"{folder}: 9999 runs of this name exist")  # pragma: no cover
