"""Results kept beside the folders of runs: what was cut off goes on, and what is known is not run again.

A file holds one result under the key of what decides it, with a checksum; what is damaged counts as not there.  Files
that were not used for longest go first when there are more than fit.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crksim.output.whole import write_bytes

__all__ = ["FOLDER", "Kept"]

#: Name of the folder below that of the runs.
FOLDER = ".kept"

_HEAD = b"crksim kept 1\n"
_README = """\
Results, most of them of single futures, kept by crksim so that a run that is cut off goes on where it was, a larger
run uses what a smaller one gave, and runs with the same reference run it once. Nothing else needs them: the folder may
be taken away at any time. `kept=500` on the command line is how many megabytes may lie here; `kept=0` keeps nothing.
"""
#: Kinds of files: what is lost is work, what is lost saves less work.
_RESULT, _SPARE = "result", "spare"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(eq=False)
class Kept:
    """A folder of results by their keys.

    Parameters
    ----------
    folder : Path
        Made when something is kept.
    most : int
        Bytes that may lie there when a run is over.
    held : int
        Results of this run that are there: found or written.
    found : int
        Those that were there before.
    """

    folder: Path
    most: int
    held: int = 0
    found: int = 0
    _size: int | None = None
    _own: list[Path] = field(default_factory=list)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let only the place cross to a worker, which reads and does not count."""
        return Kept, (self.folder, self.most)

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a key, or None when nothing whole is."""
        for kind in (_RESULT, _SPARE):
            path = self._path(key, kind)
            try:
                data = path.read_bytes()
            except OSError:
                continue
            start = len(_HEAD) + 32
            if data[:start] != _HEAD + _checksum(key, data[start:]):
                continue
            with suppress(OSError):  # a folder that can only be read
                os.utime(path)
            if kind == _RESULT:
                self.held += 1
                self.found += 1
                self._own.append(path)
            return data[start:]
        return None

    def keep(self, key: str, data: bytes) -> None:
        """Keep a result, and take spare ones away when the disk is full.

        Raises
        ------
        OSError
            It cannot be written even so.
        """
        try:
            self._write(key, _RESULT, data)
        except OSError as error:
            if error.errno not in _FULL or not self._drop(_SPARE):
                raise
            self._write(key, _RESULT, data)
        self.held += 1
        self._own.append(self._path(key, _RESULT))

    def keep_spare(self, key: str, data: bytes) -> None:
        """Keep what only spares work, unless there is no room."""
        if self._size is None:
            self._size = sum(size for _, size, _ in self._files())
        if self._size + len(data) > self.most:
            return
        try:
            self._write(key, _SPARE, data)
        except OSError:
            return
        self._size += len(data)

    def forget(self) -> None:
        """Take away the results of this run: they are in another file now."""
        for path in self._own:
            path.unlink(missing_ok=True)
        self._own.clear()
        self.held = self.found = 0

    def prune(self) -> None:
        """Take away what was not used for longest, until no more lies there than may."""
        files = sorted(self._files())
        size = sum(size for _, size, _ in files)
        for _, own, path in files:
            if size <= self.most:
                break
            try:
                path.unlink()
            except OSError:
                continue  # another run was faster, or nothing may be taken away
            size -= own

    def _path(self, key: str, kind: str) -> Path:
        return self.folder / key[:2] / f"{key}.{kind}"

    def _write(self, key: str, kind: str, data: bytes) -> None:
        if not self.folder.exists():
            write_bytes(self.folder / "README.txt", _README.encode())
        whole = _HEAD + _checksum(key, data) + data
        write_bytes(self._path(key, kind), whole, lasting=kind == _RESULT)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when every file was used last, its size, and where it is."""
        paths: list[Path] = []
        with suppress(OSError):  # where no folder can be, nothing lies
            paths += self.folder.glob("??/*")
        for path in paths:
            try:
                found = path.stat()
            except OSError:
                continue  # another run took it away
            yield found.st_mtime, found.st_size, path

    def _drop(self, kind: str) -> int:
        """Take away all files of a kind, and return how many there were."""
        gone = 0
        for _, _, path in self._files():
            if path.suffix == f".{kind}":
                path.unlink(missing_ok=True)
                gone += 1
        return gone


def _checksum(key: str, data: bytes) -> bytes:
    return hashlib.sha256(key.encode() + data).digest()
