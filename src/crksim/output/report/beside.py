"""Several runs beside each other in one language, as plain values for the template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from crksim.analysis.choosing import Judged
from crksim.analysis.explaining import leading_row
from crksim.analysis.replay import Check
from crksim.analysis.results import VERDICTS, Result
from crksim.model.network import Label
from crksim.output.replayed import gate
from crksim.output.report.answer import not_valid, told_calendars, told_check, told_readings
from crksim.output.report.chosen import build_chosen
from crksim.output.report.page import SYMBOLS, comparison_cells
from crksim.output.report.wording import Wording
from crksim.output.tables import deciding

__all__ = ["Compared", "build_beside"]


@dataclass(frozen=True)
class Compared:
    """A run beside others.

    Parameters
    ----------
    name : str
        What tells it from the others.
    folder : str
        Its folder, as it is reached from the page.
    result : Result
        What it found.
    label : Label or None
        What it is called in plain words, where that tells it from the others.
    changes : tuple of str
        What was changed beside its scenario, as typed.
    short : Label or None
        As `label`, where the changes stand beside.
    """

    name: str
    folder: str
    result: Result
    label: Label | None = None
    changes: tuple[str, ...] = ()
    short: Label | None = None

    def shown(self, lang: str) -> str:
        """Return what it is called in a language."""
        return self.name if self.label is None else str(getattr(self.label, lang))

    @property
    def record(self) -> dict[str, Any]:
        """What ``runs.json`` says of it."""
        told = {"name": self.name, "scenario": self.result.scenario, "folder": self.folder}
        label = {} if self.label is None else {"label": vars(self.label)}
        return {**told, **label, **({"changes": list(self.changes)} if self.changes else {})}


def build_beside(runs: Sequence[Compared], lang: str, judged: Judged | None = None) -> dict[str, Any]:
    """Return the content of the comparison of several runs in one language.

    Parameters
    ----------
    runs : sequence of Compared
        In the order in which they were made.
    lang : str
        ``da`` or ``en``.
    judged : Judged, optional
        The runs held against each other, where they can be.
    """
    words = Wording(lang)
    return {
        "lang": lang,
        "words": words,
        "title": words.text("beside_title", count=len(runs)),
        "box": _box(runs, words),
        "not_valid": next((told for run in runs if (told := not_valid(run.result.check, words))), ""),
        "chosen": None if judged is None else build_chosen(judged, words),
        "runs": [_run(run, words) for run in runs],
        "measures": list(_measures(runs, words)),
        "verdicts": [(SYMBOLS[v], v, words.text(v), words.text(f"{v}_more")) for v in VERDICTS],
    }


def _box(runs: Sequence[Compared], words: Wording) -> list[str]:
    """Return the lines of the box: what the check is worth, and of every run on what its answer hangs."""
    checks: dict[Check, list[str]] = {}
    readings: dict[str, list[str]] = {}
    for run in runs:
        checks.setdefault(run.result.check, []).append(_quoted(run, words))
        for line in told_readings(run.result, leading_row(run.result), words):
            readings.setdefault(line, []).append(_quoted(run, words))
    several = len(checks) > 1
    lines = [
        f"{words.several(names)}: {told_check(check, words)}" if several else told_check(check, words)
        for check, names in checks.items()
    ]
    lines += [f"{words.several(names)}: {line}" for line, names in readings.items()]
    if 0 < sum(len(names) for names in readings.values()) < len(runs):
        lines.append(words.text("beside_readings_others"))
    lines += told_calendars([run.result for run in runs], words)
    return [words.text("box_model"), *lines, words.text("box_adults"), words.text("box_cannot")]


def _quoted(run: Compared, words: Wording) -> str:
    return run.name if run.label is None else words.text("chosen_quoted", name=run.shown(words.lang))


def _short(run: Compared, words: Wording) -> str:
    return run.shown(words.lang) if run.short is None else words.label(run.short)


def _run(run: Compared, words: Wording) -> dict[str, Any]:
    result = run.result
    checked = gate(result)
    first, last = result.window
    return {
        "name": run.shown(words.lang),
        "typed": "" if run.label is None else run.name,
        "report": f"{run.folder}/report.html",
        "title": words.label(result.title),
        "reference": words.label(result.worlds[0].label),
        "window": words.text("beside_window", first=words.iso(first), last=words.iso(last)) if first and last else "",
        "size": words.text("beside_size", members=result.members, futures=result.futures, seed=result.seed),
        "gate": words.text("beside_gate" if checked["bearing"] else "beside_gate_apart", **checked),
    }


def _measures(runs: Sequence[Compared], words: Wording) -> Iterator[dict[str, Any]]:
    """Yield every measure that decides in one of the runs, with its row in each run that has it."""
    mains = [run.result.worlds[0].id for run in runs]
    rows = [
        {row.measure: row for row in run.result.comparison if row.against == main}
        for run, main in zip(runs, mains, strict=True)
    ]
    decide = [row.measure for run, main in zip(runs, mains, strict=True) for row in deciding(run.result, main)]
    for measure in dict.fromkeys(decide):
        told = [
            {"name": _short(run, words), **comparison_cells(run.result, own[measure], words)}
            for run, own in zip(runs, rows, strict=True)
            if measure in own
        ]
        yield {"label": told[0]["label"], "unit": told[0]["unit_shown"], "rows": told}
