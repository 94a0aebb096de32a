"""``crksim reproduce RUN``: a run made again from its manifest, and what differs, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.alike import read_added
from crksim.interface.explaining import find_run, read_run_words
from crksim.interface.jobs import attribute, run
from crksim.interface.screen import Screen
from crksim.interface.settings import Settings, read_settings
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.interface.cases import Case
    from crksim.interface.watching import Finished
    from crksim.output.reproduced import Differing

__all__ = ["reproduce"]

_MANIFEST = "manifest.json"
#: Files that hold what goes into a run; a difference there explains the others.
_INPUT = ("reference.yaml", "study.yaml", "scenario.yaml")
#: So many addresses or versions are told of one cause.
_MOST = 3

Told = Mapping[str, Any]


class _Quiet(Screen):
    """A screen on which only the bar is shown."""

    def begins(self, case: Case, settings: Settings, worlds: int) -> None:
        """Show nothing."""

    def reuses(self, found: int, total: int) -> None:
        """Show nothing."""

    def ends(self, finished: Finished, seconds: float) -> None:
        """Show nothing."""


def reproduce(words: Sequence[str], lang: str, tell: Callable[[str], None]) -> bool:
    """Make a run again in a temporary folder, without anything that was kept, and say what differs and why.

    Parameters
    ----------
    words : sequence of str
        A run (a folder, the name of one, a scenario, or ``last``) and ``workers=N``.
    lang : str
        ``da`` or ``en``.
    tell : callable
        Told what is found, a line at a time.

    Returns
    -------
    bool
        Whether every file has the same bytes.

    Raises
    ------
    InputError
        Wrong words, no such run, or a manifest from which nothing can be made again.
    """
    from crksim.output.reproduced import compare_files
    from crksim.output.rundir import changed_files

    name, more = read_run_words(words, ["workers"], lang)
    folder = find_run(name, lang)
    manifest = _manifest(folder, lang)
    altered = changed_files(folder)
    with TemporaryDirectory(prefix="crksim_") as place:
        settings = _settings(manifest, Path(place), more, folder, lang)
        tell(say(lang, "reproducing", run=folder.as_posix()))
        again = attribute if manifest["command"] == "attribute" else run
        new = again(settings, manifest["changes"], _Quiet(lang), **_added(manifest, folder, lang)).folder
        _explain_alike(folder, new, settings.lang)
        now = json.loads((new / _MANIFEST).read_text("utf-8"))
        names = sorted({*manifest["files"], *now["files"]})
        found = {name: compare_files(folder, new, name) for name in names}
        for name, differing in found.items():
            tell(say(lang, "same_file", file=name) if differing is None else _told(differing, lang))
        unlike = [name for name, differing in found.items() if differing is not None]
        if not unlike:
            tell(say(lang, "reproduced", files=len(names)))
            return True
        tell(say(lang, "not_reproduced", unlike=len(unlike), files=len(names)))
        for reason in [*_reasons(folder, new, manifest, now, altered, lang)] or [say(lang, "why_unknown")]:
            tell(f"  · {reason}")
    return False


def _manifest(folder: Path, lang: str) -> dict[str, Any]:
    """Return the manifest of a run that can be made again."""
    path = folder / _MANIFEST
    try:
        found = json.loads(path.read_text("utf-8"))
        kinds = {"settings": dict, "changes": list, "files": dict, "versions": dict, "command": str}
        missing = [name for name, kind in kinds.items() if not isinstance(found[name], kind)]
    except (OSError, ValueError, KeyError, TypeError):
        missing = ["settings"]
    if missing:
        raise InputError([Problem("run", str(folder), say(lang, "no_manifest"), file=str(path))])
    _check_agreement(folder, found, lang)
    return dict(found)


def _check_agreement(folder: Path, manifest: Told, lang: str) -> None:
    """Refuse a manifest that says something else than the run beside it."""
    try:
        known = json.loads((folder / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return  # told as an altered file
    settings = manifest["settings"]
    problems = [
        Problem(name, settings.get(name), say(lang, "other_manifest", known=known.get(name)), file=_MANIFEST)
        for name in ("members", "futures", "seed")
        if settings.get(name) != known.get(name)
    ]
    if problems:
        raise InputError(problems)


def _settings(manifest: Told, place: Path, more: Told, folder: Path, lang: str) -> Settings:
    told = {**manifest["settings"], "workers": 0, **more, "out": str(place), "kept": 0}
    try:
        return read_settings(told)
    except InputError as error:
        if any(problem.address == "workers" for problem in error.problems):
            raise
        raise InputError([Problem("run", str(folder), say(lang, "no_manifest"), file=_MANIFEST)]) from error


def _added(manifest: Told, folder: Path, lang: str) -> dict[str, Any]:
    """Return what the run was asked beside its scenario, because it was compared with others."""
    if "added" not in manifest:
        return {}
    try:
        return {"added": read_added(manifest["added"])}
    except (KeyError, TypeError) as error:
        raise InputError([Problem("run", str(folder), say(lang, "no_manifest"), file=_MANIFEST)]) from error


def _explain_alike(folder: Path, new: Path, lang: str) -> None:
    """Explain in the new folder what was explained in the old one, and open its report in the same language."""
    from crksim.output.finished import read_run
    from crksim.output.rundir import explain_again

    try:
        asked = [one.answer.measure for one in read_run(folder).explanations]
    except (OSError, ValueError, KeyError):
        return  # the old folder is not whole, which is told file by file
    known = [one.answer.measure for one in read_run(new).explanations]
    for measure in asked:
        if measure not in known:
            explain_again(new, measure)


def _told(differing: Differing, lang: str) -> str:
    """Return the line of a file that differs."""
    return say(lang, f"differs_{differing.kind}", **{**vars(differing), "file": differing.name})


# --- why -------------------------------------------------------------------------------------------------------------


def _reasons(folder: Path, new: Path, then: Told, now: Told, altered: Sequence[str], lang: str) -> Iterator[str]:
    """Yield what is known to differ between then and now."""
    for name in altered:
        yield say(lang, "why_altered", file=name)
    packages = sorted({*then["versions"], *now["versions"]})
    for package in packages:
        was, is_now = then["versions"].get(package, "–"), now["versions"].get(package, "–")
        if was != is_now:
            yield say(lang, "why_version", package=package, was=was, now=is_now)
    for key in ("source", "machine", "system"):
        if then.get(key) != now.get(key):
            yield say(lang, f"why_{key}", was=then.get(key) or "–", now=now.get(key) or "–")
    if then.get("git") != now.get("git"):
        yield say(lang, "why_git", was=str(then.get("git"))[:12], now=str(now.get("git"))[:12])
    yield from _inputs(folder, new, lang)


def _inputs(folder: Path, new: Path, lang: str) -> Iterator[str]:
    """Yield which values of the input are others now: of the studies, the ensemble and the ledger."""
    from crksim.output.reproduced import compare_files

    seen: dict[str, str] = {}
    for name in _INPUT:
        for address, was, now in _values(folder / name, new / name):
            seen.setdefault(address, say(lang, "why_input", address=address, was=was, now=now))
    yield from list(seen.values())[:_MOST]
    if len(seen) > _MOST:
        yield say(lang, "why_more", more=len(seen) - _MOST)
    for address, was, now in _values(folder / "run.json", new / "run.json"):
        if address == "check.ensemble":
            yield say(lang, "why_ensemble", was=was or "–", now=now or "–")
    ledger = compare_files(folder, new, "evidence.csv")
    if ledger is not None:
        yield _told(ledger, lang)


def _values(one: Path, two: Path) -> list[tuple[str, str, str]]:
    from crksim.interface.files import read_yaml
    from crksim.output.reproduced import compare_values

    try:
        # JSON is YAML, as far as a run writes it.
        return compare_values(read_yaml(one).data, read_yaml(two).data)
    except (OSError, InputError):
        return []
