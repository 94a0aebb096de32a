"""A run that is done, and whoever is told on the way there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from crksim.interface.cases import Case
from crksim.interface.settings import Settings

if TYPE_CHECKING:
    from crksim.analysis.results import Result

__all__ = ["Finished", "Watch"]


@dataclass(frozen=True)
class Finished:
    """A run that is done.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    result : Result
        What it found.
    name : str
        What the run is called beside others.
    """

    folder: Path
    result: Result
    name: str


class Watch(Protocol):
    """Somebody who watches a run."""

    def begins(self, case: Case, settings: Settings, worlds: int) -> None:
        """Be told what is going to run."""

    def progress(self, total: int) -> AbstractContextManager[Callable[[int, int], None]]:
        """Give what is called with (done, total)."""

    def reuses(self, found: int, total: int) -> None:
        """Be told how many results (single futures) were there already."""

    def writes(self) -> None:
        """Be told that everything is computed."""

    def ends(self, finished: Finished, seconds: float) -> None:
        """Be told what was found and where it lies."""

    def compares(self, runs: Sequence[Finished], folder: Path) -> None:
        """Be told of all runs of a multirun and where their comparison lies."""
