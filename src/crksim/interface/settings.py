"""How a run is done: the settings of ``conf/config.yaml`` as checked values."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from crksim.errors import InputError, Problem, nearest
from crksim.interface.sheets import COMMAND_LINE

__all__ = ["SETTINGS", "Settings", "language_faults", "read_settings", "spoken", "system_language"]

PRECISIONS = ("fixed", "auto")
MAX_FUTURES = 1000
MAX_MEMBERS = 100_000
#: Codes of the Nordic countries and languages; who types one reads Danish best.
_NEAR_DANISH = ("dk", "se", "sv", "no", "nb", "nn")


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Parameters
    ----------
    scenario : str
        Name of the what-if, or path of its file; ``a+b`` for several combined.
    members : int
        Versions of the network: draws of all that is not known for certain.
    futures : int
        Imagined futures per member.
    seed : int
        Seed of all luck.
    workers : int
        Units that are worked on at a time, at least 1; in a cluster 0 is one for every worker there.
    pool : str
        Who does the work: ``serial``, ``local`` or ``dask``.
    address : str
        Of the cluster's scheduler.
    lang : str
        ``da`` or ``en``.
    out : Path
        Folder in which the folder of the run is made.
    window : str or None
        Span that is measured, such as ``2019`` or ``2018-02-01..2020-12-31``; None is from the scenario's date to the
        end of the study.
    progress : bool
        Whether to show the bar.
    stays : bool
        Whether to keep the table of single stays.
    references : tuple of str or None
        Ids of the references to compare with; None is all.
    versions : str
        ``shipped``, ``none`` (draw from the ledger), or the folder of a calibration.
    prior_members : int
        Versions drawn from before the report's counts were looked at, for a column of their own; 0 leaves it out.
    precision : str
        ``fixed``: members and futures as given; ``auto``: more of them until the key difference is settled.
    budget : int
        Most replications (members times futures) with ``precision=auto``.
    kept : int
        Megabytes of results that may stay in ``.kept`` beside the folders of runs; 0 keeps none.
    """

    scenario: str
    members: int = 50
    futures: int = 2
    seed: int = 1
    workers: int = 1
    pool: str = "local"
    address: str = ""
    lang: str = "en"
    out: Path = Path("outputs")
    window: str | None = None
    progress: bool = True
    stays: bool = False
    references: tuple[str, ...] | None = None
    versions: str = "shipped"
    prior_members: int = 20
    precision: str = "fixed"
    budget: int = 1200
    kept: int = 1000

    def again(self) -> dict[str, object]:
        """Return what decides what a run leaves, as plain data of which `read_settings` makes the same settings."""
        told = {
            name: getattr(self, name)
            for name in SETTINGS
            if name not in ("workers", "pool", "address", "out", "progress", "kept")
        }
        references = "all" if self.references is None else list(self.references)
        return told | {"window": self.window or "auto", "references": references}


#: Names of the settings, in the order of ``conf/config.yaml``.
SETTINGS = tuple(field.name for field in fields(Settings))


def system_language() -> str:
    """Return ``da`` where the computer speaks Danish, and ``en`` elsewhere."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "da" if value.lower().startswith(("da", "danish")) else "en"
    spoken = locale.getlocale()[0] or ""
    return "da" if spoken.lower().startswith(("da", "danish")) else "en"


def spoken(lang: object) -> str:
    """Return a language that may have been asked for, ``da`` or ``en``; that of the computer for anything else."""
    return str(lang) if lang in ("da", "en") else system_language()


def language_faults(given: Sequence[str]) -> list[Problem]:
    """Return a problem for every language that crksim does not speak.

    Parameters
    ----------
    given : sequence of str
        What was typed after ``lang=``.
    """
    known = ("da", "en", "auto")
    near = {value: "da" if value in _NEAR_DANISH else nearest(value[:2].lower(), known) for value in given}
    return [
        Problem("lang", value, "must be da, en or auto", near[value], file=COMMAND_LINE)
        for value in given
        if value not in known
    ]


def read_settings(values: Mapping[str, object]) -> Settings:
    """Check plain settings.

    Parameters
    ----------
    values : mapping of str to object
        Settings by name; what is missing takes the default of `Settings`, ``scenario`` must be there.

    Raises
    ------
    InputError
        An unknown setting, or a value of the wrong kind or out of range; all of them at once.
    """
    reader = _Reader(values)
    pool, address = reader.pool()
    read = Settings(
        scenario=reader.scenarios(),
        members=reader.count("members", 50, 1, MAX_MEMBERS),
        futures=reader.count("futures", 2, 1, MAX_FUTURES),
        seed=reader.count("seed", 1, 0, 2**63 - 1),
        workers=reader.count("workers", 1, 0, 1024) or (0 if pool == "dask" else max(os.cpu_count() or 1, 1)),
        pool=pool,
        address=address,
        lang=reader.language(),
        out=Path(reader.text("out", "outputs")),
        window=reader.window(),
        progress=reader.flag("progress", True),
        stays=reader.flag("stays", False),
        references=reader.names("references"),
        versions=reader.text("versions", "shipped"),
        prior_members=reader.count("prior_members", 20, 0, MAX_MEMBERS),
        precision=reader.choice("precision", PRECISIONS),
        budget=reader.count("budget", 1200, 1, MAX_MEMBERS),
        kept=reader.count("kept", 1000, 0, 1_000_000),
    )
    if read.precision == "auto" and not reader.problems:
        reader.check_auto(read)
    if reader.problems:
        raise InputError(reader.problems)
    return read


class _Reader:
    """Reads one setting after the other and collects what is wrong."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values
        self.problems: list[Problem] = []
        for name in values:
            if name not in SETTINGS:
                self.fault(name, "is not a setting", nearest(name, SETTINGS))

    def fault(self, name: str, rule: str, near: str | None = None) -> None:
        self.problems.append(Problem(name, self.values.get(name), rule, near, file=COMMAND_LINE))

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if value is None or str(value).strip() in ("", "???"):
            self.fault(name, "must be given: crksim scenario=NAME" if name == "scenario" else "must not be empty")
            return ""
        return str(value).strip()

    def scenarios(self) -> str:
        """Return the name of the what-if; several that are combined stand with a plus between them."""
        value = self.values.get("scenario")
        if isinstance(value, list | tuple):
            names = [str(name).strip() for name in value]
            if not names or len(set(names)) < len(names):
                self.fault("scenario", "must be different names, such as [a,b]")
            return "+".join(names)
        return self.text("scenario")

    def count(self, name: str, default: int, low: int, high: int) -> int:
        value = self.values.get(name, default)
        try:
            number = int(str(value)) if not isinstance(value, bool) else low - 1
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            self.fault(name, f"must be a whole number from {low} to {high}")
        return number

    def pool(self) -> tuple[str, str]:
        from crksim.analysis.pool import pool_problems

        pool, address = (
            str(self.values.get(name) or other).strip() for name, other in (("pool", "local"), ("address", ""))
        )
        self.problems += (replace(problem, file=COMMAND_LINE) for problem in pool_problems(pool, address))
        return pool, address

    def flag(self, name: str, default: bool) -> bool:
        value = str(self.values.get(name, default)).lower()
        if value not in ("true", "false"):
            self.fault(name, "must be true or false")
        return value == "true"

    def choice(self, name: str, known: tuple[str, ...]) -> str:
        value = str(self.values.get(name, known[0]))
        if value not in known:
            self.fault(name, f"must be {' or '.join(known)}", nearest(value, known))
        return value

    def check_auto(self, read: Settings) -> None:
        """Refuse what nothing can be added to, or that shows no luck."""
        if read.futures < 2:
            self.fault("futures", "must be at least 2 with precision=auto, to tell luck from what is not known")
        if read.budget < read.members * read.futures:
            self.fault("budget", f"must be at least members x futures, {read.members * read.futures}")

    def language(self) -> str:
        value = str(self.values.get("lang", "auto"))
        self.problems += language_faults([value])
        return system_language() if value == "auto" else value

    def window(self) -> str | None:
        value = str(self.values.get("window", "auto")).strip()
        if value == "auto":
            return None
        from crksim.model.clock import parse_window

        try:
            parse_window(value, "2016-01-01")
        except ValueError as error:
            self.fault("window", str(error))
        return value

    def names(self, name: str) -> tuple[str, ...] | None:
        value = self.values.get(name, "all")
        if isinstance(value, str):
            value = None if value == "all" else value.split(",")
        if value is None:
            return None
        if not isinstance(value, list | tuple) or not value:
            self.fault(name, "must be names between commas, or all")
            return None
        return tuple(str(item).strip() for item in value)
