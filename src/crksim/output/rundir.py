"""The folder of a run: the only place where files of a run are written, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import crksim
from crksim.analysis.code import source_mark, versions
from crksim.analysis.explaining import Explanation, explain, parameter_labels
from crksim.analysis.results import Result
from crksim.errors import InputError, Problem
from crksim.output.finished import read_run
from crksim.output.precision_record import precision_record
from crksim.output.replayed import gate
from crksim.output.tables import LANGUAGES, PRIVACY, comparisons, explanation_tables, flat, result_tables, stays_table
from crksim.output.whole import write_whole
from crksim.simulation.staylog import StayLog

if TYPE_CHECKING:
    from crksim.analysis.choosing import Judged
    from crksim.output.report import Compared

__all__ = [
    "changed_files",
    "explain_again",
    "prepare",
    "rewrite_report",
    "run_mark",
    "write_comparison",
    "write_run",
    "yaml_text",
]

#: What the writing modules import only where it is used.
_WRITERS = (
    "crksim.output.workbook",
    "crksim.output.report",
    "crksim.output.figures",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.font_manager",
    "pandas",
    "pyarrow.parquet",
    "scipy.special",
    "xlsxwriter",
)


def run_mark(study_dict: Mapping[str, Any], scenario_dict: Mapping[str, Any], result: Result) -> str:
    """Return a short mark of study, scenario, seed and size (64 bits, hexadecimal): equal marks, equal numbers."""
    told = [study_dict, scenario_dict, result.seed, result.members, result.futures, crksim.__version__]
    if result.check.ensemble:
        told.append(result.check.ensemble)
    text = json.dumps(told, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_run(
    result: Result,
    folder: Path,
    *,
    study_dict: Mapping[str, Any],
    scenario_dict: Mapping[str, Any],
    manifest: Mapping[str, Any],
    evidence: Iterable[Mapping[str, Any]],
    lang: str,
    stays: Mapping[str, StayLog] | None = None,
    reference_dict: Mapping[str, Any] | None = None,
) -> Path:
    """Write everything a run found into a new folder and return it.

    The files appear under a temporary name beside `folder` and are renamed at the end, so that a folder of that name
    is always whole.  A name that is taken gets ``-2``, ``-3`` ...; the same result gives the same bytes in every file
    but ``manifest.json``.

    Parameters
    ----------
    result : Result
        What the run found.
    folder : Path
        Wished name.
    study_dict, scenario_dict : dict
        The study and the what-if, resolved, as plain data.
    manifest : dict
        What only the caller knows: wall time, date, git commit.
    evidence : iterable of dict
        One entry of the ledger each.
    lang : str
        ``da`` or ``en``: language of the workbook, and the one a report opens in.
    stays : mapping of str to StayLog, optional
        World id -> log of single stays, for ``stays.parquet``.
    reference_dict : dict, optional
        The study of the main reference, resolved, as plain data.

    Raises
    ------
    InputError
        When the language is neither of the two.
    """
    if lang not in LANGUAGES:
        raise InputError([Problem("lang", lang, "must be one of da, en")])

    def fill(draft: Path) -> None:
        mark = run_mark(study_dict, scenario_dict, result)
        sources = {"study": study_dict, "scenario": scenario_dict}
        sources |= {} if reference_dict is None else {"reference": reference_dict}
        _write_sources(draft, result, sources, mark, lang)
        _write_tables(draft, result, [dict(entry) for entry in evidence])
        found = explain(result, parameter_labels(study_dict), kept=result.left)
        _write_explanations(draft, [found] if found else [])
        if stays is not None:
            _write_stays(draft, stays)
        _write_pages(draft)
        _write_manifest(draft, {**_circumstances(result, mark, lang), **manifest})

    return write_whole(Path(folder), fill)


def write_comparison(runs: Sequence[Compared], folder: Path, lang: str, judged: Judged | None = None) -> Path:
    """Write several runs beside each other into a new folder and return it.

    The folder is made as that of a run is.  The tables hold all measures against all references, the page those that
    decide; the same runs give the same bytes, but for the names of their folders in the page and in ``runs.json``.

    Parameters
    ----------
    runs : sequence of Compared
        In the order in which they were made.
    folder : Path
        Wished name.
    lang : str
        ``da`` or ``en``: language the page opens in.
    judged : Judged, optional
        The runs held against each other, where they can be; adds ``options.csv`` and ``pairs.csv``.
    """
    from crksim.output import export
    from crksim.output.choices import write_judged
    from crksim.output.report import render_beside
    from crksim.output.workbook import danish_comparisons

    named = [(run.name, run.result) for run in runs]

    def fill(draft: Path) -> None:
        export.write_csv(draft / "comparison.csv", comparisons(named))
        danish = [(run.shown("da"), run.result) for run in runs]
        export.write_danish_csv(draft / "comparison_da.csv", *danish_comparisons(danish))
        _write_text(draft / "comparison.html", render_beside(runs, lang, judged))
        if judged is not None:
            write_judged(draft, judged)
        told = [run.record for run in runs]
        _write_json(
            draft / "runs.json", {"note": PRIVACY.en, "version": crksim.__version__, "lang": lang, "runs": told}
        )

    return write_whole(Path(folder), fill)


def prepare() -> None:
    """Import what writing a run needs, so that it is there when the numbers are."""
    for name in _WRITERS:
        import_module(name)


def rewrite_report(folder: Path, lang: str | None = None) -> Path:
    """Draw figures and report of a run anew from its tables, and return the path of the report.

    Parameters
    ----------
    folder : Path
        A run folder.
    lang : str, optional
        Language the report opens in; the run's own when not given.
    """
    folder = Path(folder)
    _write_pages(folder, lang)
    _renew_manifest(folder)
    return folder / "report.html"


def explain_again(folder: Path, measure: str | None = None) -> Explanation | None:
    """Explain a question of a finished run, keep that in its folder beside what is explained there, and return it.

    Parameters
    ----------
    folder : Path
        A run folder; nothing is simulated.
    measure : str, optional
        Output address of the question; the leading one when not given.

    Raises
    ------
    InputError
        No question of the run has that measure.
    """
    folder = Path(folder)
    run = read_run(folder)
    found = explain(run.result, parameter_labels(run.study), measure, run.result.left)
    if found is not None:
        known = {one.answer.measure: one for one in run.explanations}
        _write_explanations(folder, [*(known | {found.answer.measure: found}).values()])
        _renew_manifest(folder)
    return found


def changed_files(folder: Path) -> list[str]:
    """Return the files of a run that are missing or no longer what was written, by their checksums."""
    files = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    return [name for name, told in files.items() if not (folder / name).is_file() or _checksum(folder / name) != told]


def _write_sources(draft: Path, result: Result, sources: Mapping[str, Mapping[str, Any]], mark: str, lang: str) -> None:
    for name, content in sources.items():
        _write_text(draft / f"{name}.yaml", yaml_text(content))
    about = {
        "scenario": result.scenario,
        "title": vars(result.title),
        "question": vars(result.question),
        "members": result.members,
        "futures": result.futures,
        "seed": result.seed,
        "mark": mark,
        "lang": lang,
        "version": crksim.__version__,
        "worlds": [{"id": w.id, "scenario": w.scenario, "label": vars(w.label)} for w in result.worlds],
        "flows": sorted(result.flows),
        "changes": [vars(label) for label in result.changes],
        "window": list(result.window),
        "touched": list(result.touched),
        "rests_on": list(result.rests_on),
        "check": {**vars(result.check), "chance": None if math.isnan(result.check.chance) else result.check.chance},
        "counts": [flat(count) for count in result.counts],
        "left": dict(sorted(result.left.items())),
        "readings": [{**vars(reading), "label": vars(reading.label)} for reading in result.readings],
        "precision": precision_record(result.precision),
    }
    _write_json(draft / "run.json", about)
    _write_json(draft / "gate.json", gate(result))


def yaml_text(content: Mapping[str, Any]) -> str:
    """Return plain data as YAML, in its own order."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(_plain(content), Dumper=dumper, allow_unicode=True, sort_keys=False))


def _write_tables(draft: Path, result: Result, evidence: list[dict[str, Any]]) -> None:
    from crksim.output import export
    from crksim.output.workbook import danish_comparison

    tables = result_tables(result, evidence)
    export.write_parquet(draft / "measures.parquet", tables["measures"], categories=("world", "measure"))
    export.write_parquet(draft / "members.parquet", tables["members"], categories=("parameter",))
    export.write_parquet(draft / "series.parquet", tables["series"], categories=("world", "service"))
    for name in ("summary", "comparison", "replay", "not_replayed", "flows", "evidence"):
        export.write_csv(draft / f"{name}.csv", tables[name])
    for name in ("attribution", "costs"):
        if getattr(result, name):
            export.write_csv(draft / f"{name}.csv", tables[name])
    export.write_danish_csv(draft / "comparison_da.csv", *danish_comparison(result))


def _write_explanations(folder: Path, explanations: Sequence[Explanation]) -> None:
    from crksim.output import export

    for name, table in explanation_tables(explanations).items():
        export.write_csv(folder / f"{name}.csv", table)


def _write_stays(draft: Path, stays: Mapping[str, StayLog]) -> None:
    from crksim.output import export

    names = ("world", "cohort", "service", "rule", "kind", "end", "to", "status")
    export.write_parquet(draft / "stays.parquet", stays_table(stays), categories=names)


def _write_pages(folder: Path, lang: str | None = None) -> None:
    from crksim.output import figures
    from crksim.output.report import render_run
    from crksim.output.workbook import write_workbook

    run = read_run(folder)
    (folder / "figures").mkdir(exist_ok=True)
    for language in LANGUAGES:
        for name, svg in figures.draw_figures(run, language).items():
            _write_text(folder / "figures" / f"{name}.{language}.svg", svg)
    write_workbook(folder / "results.xlsx", run, lang or run.lang)
    _write_text(folder / "report.html", render_run(run, folder / "figures", lang or run.lang))


def _circumstances(result: Result, mark: str, lang: str) -> dict[str, Any]:
    return {
        "note": PRIVACY.en,
        "scenario": result.scenario,
        "seed": result.seed,
        "members": result.members,
        "futures": result.futures,
        "config_hash": mark,
        "lang": lang,
        "versions": dict(versions()),
        "source": source_mark(),
        "machine": platform.machine(),
        "system": platform.system(),
    }


def _write_manifest(folder: Path, told: Mapping[str, Any]) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    sums = {path.relative_to(folder).as_posix(): _checksum(path) for path in files}
    _write_json(folder / "manifest.json", {**told, "files": sums})


def _renew_manifest(folder: Path) -> None:
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    told.pop("files", None)
    _write_manifest(folder, told)


def _plain(value: Any) -> Any:
    """Return the value in the types that YAML's safe dumper writes."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_text(path: Path, text: str) -> None:
    """Write through a temporary file, so that a reader sees the old text or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)


def _write_json(path: Path, content: object) -> None:
    _write_text(path, json.dumps(_plain(content), indent=1, ensure_ascii=False) + "\n")
