"""``crksim export --paper RUN``: everything a paper needs from a finished run, in one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem, nearest
from crksim.interface.ensembles import VARIANTS, load_ensemble, shipped_folder
from crksim.interface.explaining import find_run
from crksim.interface.files import data_dir, read_yaml, shipped_sheet
from crksim.interface.setting_up import check_writable
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.model.network import Network
    from crksim.output.finished import Run
    from crksim.output.paper import Shipped

__all__ = ["export_paper"]

_FLAG = "--paper"


def export_paper(words: Sequence[str], lang: str) -> Path:
    """Write the folder for a paper and return it.

    Parameters
    ----------
    words : sequence of str
        ``--paper``, a run (a folder, the name of one, or a scenario), and ``out=FOLDER``.
    lang : str
        Language of what is said about faults.

    Raises
    ------
    InputError
        Wrong words, no such run, files of the run that are not what was written, or a run on other numbers than those
        shipped.
    """
    from crksim.output.paper import write_paper

    name, out = _read_words(words, lang)
    source = find_run(name, lang)
    run = _whole_run(source, lang)
    shipped = _shipped(run, source)
    problems = list(_differing(run, shipped, lang))
    if problems:
        raise InputError(problems)
    out = out or Path("outputs") / f"paper_{source.name}"
    check_writable(out.parent)
    return write_paper(source, out, shipped)


def _read_words(words: Sequence[str], lang: str) -> tuple[str | None, Path | None]:
    """Return the run that is named, if any, and the folder that is wished, if any."""
    runs = [word for word in words if "=" not in word and not word.startswith("-")]
    named = {key: value for key, _, value in (word.partition("=") for word in words if "=" in word)}
    problems = [
        Problem("word", word, say(lang, "unknown_flag"), nearest(word, [_FLAG]), file=COMMAND_LINE)
        for word in words
        if word.startswith("-") and word != _FLAG
    ]
    if _FLAG not in words and not problems:
        problems.append(Problem("word", " ".join(words), say(lang, "no_paper"), file=COMMAND_LINE))
    problems += [Problem("word", word, say(lang, "unknown_word"), file=COMMAND_LINE) for word in runs[1:]]
    problems += [
        Problem("word", f"{key}={value}", say(lang, "unknown_key"), nearest(key, ["out"]), file=COMMAND_LINE)
        for key, value in named.items()
        if key != "out" or not value
    ]
    if problems:
        raise InputError(problems)
    return runs[0] if runs else None, Path(named["out"]) if "out" in named else None


def _whole_run(source: Path, lang: str) -> Run:
    """Return a run all of whose files are what was written."""
    from crksim.output.finished import read_run
    from crksim.output.paper import REFERENCE
    from crksim.output.rundir import changed_files

    problems = [Problem("run", name, say(lang, "changed_file"), file=str(source)) for name in changed_files(source)]
    if not problems and not (source / REFERENCE).is_file():
        problems = [Problem("run", str(source), say(lang, "no_reference", name=REFERENCE))]
    if problems:
        raise InputError(problems)
    return read_run(source)


def _shipped(run: Run, source: Path) -> Shipped:
    """Return what is shipped, with the ensemble where the run is on it."""
    from crksim.model.study import read_study
    from crksim.output.finished import read_yaml as read_run_file
    from crksim.output.paper import REFERENCE, Shipped

    sheets = {name: shipped_sheet(name).data for name in ("targets", "ledger", "calibration")}
    citation = read_yaml(data_dir("conf").parent / "CITATION.cff").data
    network = read_study(read_run_file(source / REFERENCE)).network
    members, beside = _ensemble(run, network)
    variants = shipped_folder() / VARIANTS
    return Shipped(
        targets=sheets["targets"],
        ledger=sheets["ledger"],
        calibration=sheets["calibration"],
        citation=citation,
        members=members,
        beside=beside,
        variants=variants.read_text("utf-8") if variants.is_file() else "",
    )


def _ensemble(run: Run, network: Network) -> tuple[Sequence[Mapping[str, float]], dict[str, str]]:
    """Return the members of the shipped ensemble and its tables, where it is the one of the run."""
    from crksim.output.calibration_files import MEMBERS
    from crksim.output.paper_words import DESCRIPTIONS

    if not run.result.check.ensemble or not (shipped_folder() / MEMBERS).is_file():
        return (), {}
    found = load_ensemble("shipped", network)
    if found is None or found.mark != run.result.check.ensemble:
        return (), {}
    known = [name.removeprefix("ensemble/") for name in DESCRIPTIONS if name.startswith("ensemble/")]
    paths = [shipped_folder() / name for name in known]
    return found.members, {path.name: path.read_text("utf-8") for path in paths if path.is_file()}


def _differing(run: Run, shipped: Shipped, lang: str) -> Iterator[Problem]:
    """Yield where the run stands on other numbers than those shipped now."""
    from crksim import __version__
    from crksim.model.ledger import read_ledger

    if run.version != __version__:
        yield Problem("run", run.version, say(lang, "other_version", version=__version__))
    ledger = read_ledger(shipped.ledger)
    for row in run.evidence:
        entry = ledger.entry(row["address"])
        if row["address"].startswith("parameters.") and row["kind"] and entry is not None:
            then, now = (
                {name: told.get(name, "") for name in ("kind", "law", "low", "high")} for told in (row, vars(entry))
            )
            if then != now:
                yield Problem(row["address"], _told(then), say(lang, "other_number", now=_told(now)))
    yield from _differing_facts(run, shipped.targets["facts"], lang)


def _differing_facts(run: Run, facts: Mapping[str, Any], lang: str) -> Iterator[Problem]:
    """Yield the numbers of the report that were others for the run, or otherwise marked."""
    from crksim.model.clock import parse_quantity

    for row in run.result.replay:
        known = facts.get(row.fact)
        shown = "–" if known is None else f"{parse_quantity(known['reported'])[0]!r} ({known['mark']})"
        then = f"{row.reported!r} ({row.mark})"
        if shown != then:
            yield Problem(f"facts.{row.fact}", then, say(lang, "other_number", now=shown))


def _told(law: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in law.values() if value)
