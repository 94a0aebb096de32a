"""Where results are kept while a command runs, and what is said when it does not come to its end."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from crksim.errors import DiskError
from crksim.interface.telling import reason
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.output.kept import Kept

__all__ = ["Keeps", "disk_told", "keeping"]

_MEGABYTE = 1_000_000
#: What a disk says that is full, or may not be written to; other faults are no matter of the disk.
_DISK = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG, errno.ENOTDIR,
    errno.EEXIST,
)  # fmt: skip


class Keeps(Protocol):
    """Settings of a command that keeps results."""

    @property
    def out(self) -> Path:
        """Where the folders of runs are."""

    @property
    def kept(self) -> int:
        """Megabytes of results that may stay beside them; 0 keeps none."""


@contextmanager
def keeping(settings: Keeps, lang: str, folder: Path | None = None) -> Iterator[Kept | None]:
    """Give the folder in which results are kept, None where none are wanted; afterwards it is as large as it may be.

    Parameters
    ----------
    settings : Keeps
        Where, and how much may stay.
    lang : str
        ``da`` or ``en``.
    folder : Path, optional
        Where a command keeps what is done besides.

    Raises
    ------
    DiskError
        The disk is full, or cannot be written to.
    KeyboardInterrupt
        With what is kept.
    """
    from crksim.output.kept import FOLDER, Kept

    kept = Kept(settings.out / FOLDER, settings.kept * _MEGABYTE) if settings.kept else None
    with disk_told(lang, kept, folder):
        try:
            yield kept
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_still_kept(lang, kept, folder)) from None
        finally:
            if kept is not None:
                kept.prune()


@contextmanager
def disk_told(lang: str, kept: Kept | None = None, folder: Path | None = None) -> Iterator[None]:
    """Say in one line what the disk does not take, and what is kept.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    kept : Kept, optional
        Where results are kept.
    folder : Path, optional
        Where a command keeps what is done besides.

    Raises
    ------
    DiskError
        Instead of what the system raises.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        told = say(lang, "disk", path=error.filename or folder or "?", reason=reason(error, lang))
        raise DiskError(f"{told}; {_still_kept(lang, kept, folder)}") from error


def _still_kept(lang: str, kept: Kept | None, folder: Path | None) -> str:
    """Return what is said of results when a command ends early."""
    if folder is not None:
        return say(lang, "points_kept", folder=folder.as_posix())
    if kept is None or not kept.held:
        return say(lang, "nothing_kept")
    return say(lang, "still_kept", held=kept.held, folder=kept.folder.as_posix())
