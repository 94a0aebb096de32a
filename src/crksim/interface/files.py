"""Which files there are: the shipped data, the user's own scenarios, and where a faulty value stands in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from crksim.errors import InputError, Problem, nearest
from crksim.interface.sheets import Place, Sheet, merge, parse_yaml

__all__ = [
    "data_dir",
    "find_scenario",
    "locate",
    "read_folder",
    "read_yaml",
    "scenario_files",
    "scenario_places",
    "shipped_sheet",
    "shown_name",
]

MAX_BYTES = 2_000_000
#: How many scenarios are told to somebody who mistyped one.
NEAR = 3

_OPERATIONS = ("set", "add", "times", "plus")


def data_dir(name: str) -> Path:
    """Return the folder `name` (``conf`` or ``scenarios``) shipped with crksim.

    Parameters
    ----------
    name : str
        Name of the folder.
    """
    here = Path(__file__).resolve()
    installed = here.parents[1] / "_data" / name
    return installed if installed.is_dir() else here.parents[3] / name


def shown_name(path: Path) -> str:
    """Return `path` as a user would write it: relative when it lies below the working directory or is shipped."""
    path = path.resolve()
    for base in (Path.cwd(), data_dir("conf").parent):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)


# ---------------------------------------------------------------------------------------------------------- reading


def read_yaml(path: Path) -> Sheet:
    """Read one YAML file.

    Parameters
    ----------
    path : Path
        The file, in UTF-8 with or without byte order mark.

    Raises
    ------
    InputError
        The file cannot be read, is too big, or breaks a rule of `parse_yaml`.
    """
    name = shown_name(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError([Problem("file", name, f"cannot be read: {error.strerror}")]) from error
    if len(raw) > MAX_BYTES:
        raise InputError([Problem("file", f"{len(raw)} bytes", f"must be at most {MAX_BYTES} bytes", file=name)])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        rule = "must be UTF-8 text (in Notepad: save as UTF-8)"
        raise InputError([Problem("text", raw[error.start : error.start + 1], rule, file=name, line=line)]) from error
    return parse_yaml(text, name)


def read_folder(folder: Path) -> Sheet:
    """Read every ``*.yaml`` of a folder into one sheet, in the order of the file names.

    Parameters
    ----------
    folder : Path
        The folder; folders inside it are not looked into.

    Raises
    ------
    InputError
        No such folder or no YAML in it, or the faults of all its files together.
    """
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not files:
        raise InputError([Problem("folder", str(folder), "must hold at least one .yaml file")])
    return _read_files(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files))


def shipped_sheet(name: str) -> Sheet:
    """Return a folder of ``conf`` as one sheet.

    Parameters
    ----------
    name : str
        ``network``, ``ledger``, ``targets`` or ``calibration``.

    Raises
    ------
    InputError
        As in `read_folder`.
    """
    return read_folder(data_dir("conf") / name)


@lru_cache(maxsize=8)
def _read_files(stamped: tuple[tuple[Path, int, int], ...]) -> Sheet:
    """Read files into one sheet; as long as none of them has changed, they are read once."""
    files = [path for path, _, _ in stamped]
    sheets: list[Sheet] = []
    problems: list[Problem] = []
    for path in files:
        try:
            sheets.append(read_yaml(path))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return merge(sheets)


# -------------------------------------------------------------------------------------------------------- scenarios


def scenario_files() -> dict[str, Path]:
    """Return the scenarios that can be named: those in ``./scenarios`` first, then the shipped ones."""
    found: dict[str, Path] = {}
    for folder in (Path.cwd() / "scenarios", data_dir("scenarios")):
        if folder.is_dir():
            for path in sorted(folder.glob("*.yaml")):
                found.setdefault(unicodedata.normalize("NFC", path.stem), path)
    return found


def find_scenario(name: str, *, paths: bool = False) -> Path:
    """Return the file of a scenario.

    Parameters
    ----------
    name : str
        Name of a scenario, without ``.yaml``.
    paths : bool
        Whether a path to a ``.yaml`` file is understood too (when a user typed it).

    Raises
    ------
    InputError
        No scenario has that name; the three nearest are told, and the command that lists all.
    """
    text = unicodedata.normalize("NFC", str(name))
    known = scenario_files()
    if text in known:
        return known[text]
    if paths and text.endswith((".yaml", ".yml")):
        for path in (Path(text), Path("scenarios") / text):
            if path.is_file():
                return path
        raise InputError([Problem("scenario", text, "there is no such file", nearest(Path(text).stem, known))])
    raise InputError([_unknown_scenario(text, known)])


def _unknown_scenario(text: str, known: Iterable[str]) -> Problem:
    names = sorted(known)
    close = get_close_matches(text, names, n=NEAR, cutoff=0.5)
    also = f"; also near: {', '.join(close[1:])}" if close[1:] else ""
    rule = f"is not a known scenario (crksim list shows all {len(names)}){also}"
    return Problem("scenario", text, rule, close[0] if close else None)


def scenario_places(sheet: Sheet) -> dict[str, Place]:
    """Return where a scenario's changes stand, by the address that each of them changes.

    Parameters
    ----------
    sheet : Sheet
        The scenario file.
    """
    found = dict(sheet.places)
    held = {"": sheet.data}
    for key in ("switches", "variants", "options"):
        more = sheet.data.get(key)
        held |= {f"{key}.{name}.": one for name, one in more.items()} if isinstance(more, dict) else {}
    for at, one in held.items():
        changes = one.get("changes") if isinstance(one, dict) else None
        for address in changes if isinstance(changes, dict) else ():
            start = f"{at}changes.{address}"
            for key, place in sheet.places.items():
                if key == start or key.startswith(start + "."):
                    inner = key[len(start) + 1 :].split(".") if key != start else []
                    if inner and inner[0] in _OPERATIONS:
                        inner = inner[1:]
                    found.setdefault(".".join([address, *inner]), place)
    return found


# ----------------------------------------------------------------------------------------------------------- faults


def locate(
    error: InputError, *tables: Mapping[str, Place], changed: Mapping[str, Place] = MappingProxyType({})
) -> InputError:
    """Return the error with file and line at every problem whose place is known.

    Parameters
    ----------
    error : InputError
        Problems, with addresses.
    *tables : mapping of str to Place
        Where values stand; of equally close places that of the earlier table is taken.
    changed : mapping of str to Place
        What was changed afterwards, by address: all below it is no longer what stands in the tables.
    """
    return InputError([_placed(problem, ([changed], tables)) for problem in error.problems])


def _placed(problem: Problem, layers: Iterable[Sequence[Mapping[str, Place]]]) -> Problem:
    if problem.file is not None:
        return problem
    parts = problem.address.split(".")
    for tables in layers:
        for length in range(len(parts), 0, -1):
            address = ".".join(parts[:length])
            for table in tables:
                place = table.get(address)
                if place is not None:
                    return replace(problem, file=place.file, line=place.line)
    return problem
