"""``crksim sheet``: own base numbers asked for in a workbook, and read back into a scenario that begins from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.base_words import FORM, RULES, TOLD, rule
from crksim.interface.cases import Case, load_case
from crksim.interface.files import data_dir, read_yaml, shipped_sheet
from crksim.interface.filled import read_filled
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.telling import reason

if TYPE_CHECKING:
    from crksim.analysis.standing import Spread, Standing
    from crksim.interface.filled import Told
    from crksim.output.workbook_form import Row

__all__ = ["BaseSheet", "base_numbers"]

WORKBOOK = Path("base_numbers.xlsx")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: Citizens in a service, on average, without which the model has nobody there to be asked about.
_SOMEBODY = 0.5

#: Called with the number of versions; gives what is called with (done, total).
Bar = Callable[[int], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class BaseSheet:
    """Settings of ``crksim sheet``.

    Parameters
    ----------
    name : str
        Name of the scenario that the sheet becomes.
    members : int
        Versions over which the model's own numbers are counted.
    seed : int
        Seed of all luck.
    versions : str
        As in `Settings`.
    """

    name: str = "base_numbers"
    members: int = 30
    seed: int = 1
    versions: str = "shipped"


def base_numbers(words: Sequence[str], lang: str, write: Callable[[str], None], bar: Bar) -> Path:
    """Write the workbook to fill in, or read a filled one into a scenario; return what was written.

    Parameters
    ----------
    words : sequence of str
        The workbook, when it is to be read, and ``name=value`` settings.
    lang : str
        ``da`` or ``en``.
    write : callable
        Takes the lines for the screen.
    bar : callable
        Gives the progress bar.

    Raises
    ------
    InputError
        Wrong words, or a workbook with faults; all of them at once, by cell.
    """
    from crksim.interface.words import read_words_into

    files = [word for word in words if "=" not in word]
    settings = read_words_into(BaseSheet, [word for word in words if "=" in word], {"members": 2, "seed": 0})
    if len(files) > 1:
        raise InputError([Problem("word", word, rule("one_file", lang), file=COMMAND_LINE) for word in files[1:]])
    work = _Work(load_case("baseline"), settings, lang, write, bar)
    return work.read(Path(files[0])) if files else work.write_sheet()


@dataclass(frozen=True)
class _Work:
    """What both directions need."""

    case: Case
    settings: BaseSheet
    lang: str
    write: Callable[[str], None]
    bar: Bar

    def told(self, key: str, lang: str | None = None, **values: object) -> str:
        text: str = getattr(TOLD[key], lang or self.lang)
        return text.format(**values)

    def day(self, date: str, lang: str | None = None) -> str:
        from crksim.output.report.wording import Wording

        return Wording(lang or self.lang).iso(date)

    def standing(self, day: float) -> Standing:
        """Count the model's own numbers on a day of the study, or on its last one."""
        from crksim.analysis.standing import standing_on
        from crksim.interface.ensembles import load_ensemble

        ensemble = load_ensemble(self.settings.versions, self.case.studies[0].network)
        day = min(day, self.case.study.end - 1.0)
        members = self.settings.members
        self.write(self.told("counting", members=members, day=self.day(self.case.date_of(day))))
        with self.bar(members) as progress:
            return standing_on(
                self.case.worlds[0],
                self.case.ledger,
                day,
                members=members,
                seed=self.settings.seed,
                calibrated=None if ensemble is None else ensemble.members,
                progress=progress,
            )

    def write_sheet(self) -> Path:
        """Write the workbook to fill in."""
        from crksim.output.workbook_form import write_form

        if WORKBOOK.exists():
            told = rule("there", self.lang, path=WORKBOOK)
            raise InputError([Problem("file", str(WORKBOOK), told, file=COMMAND_LINE)])
        end = self.case.study.end - 1.0
        write_form(WORKBOOK, FORM, _rows(self._study(self.case.date_of(end)), self.standing(end), self.lang), self.lang)
        self.write(self.told("sheet", path=WORKBOOK))
        self.write(f"  crksim sheet {WORKBOOK}")
        return WORKBOOK

    def _study(self, date: str) -> Mapping[str, Any]:
        from crksim.model.rebasing import rebased

        return rebased(shipped_sheet("network").data, date)

    def read(self, workbook: Path) -> Path:
        """Read a filled workbook into a scenario."""
        from crksim.model.clock import parse_date
        from crksim.output.workbook_form import read_form

        path = self._target()
        form = read_form(workbook, FORM, RULES, self.lang)
        told = read_filled(form, workbook.name, str(self.case.study.start), self.lang)
        study = self._study(told.as_of)
        standing = self.standing(parse_date(told.as_of, self.case.study.start))
        rows = _rows(study, standing, self.lang)
        own = told.numbers({row.id: tuple(row.beside) for row in rows}, _hard_places(study))
        known = {id: service["label"] for id, service in study["services"].items() if id in own}
        content = self._scenario(told, known, _changes(study, standing, own))
        self._check(study, content, workbook)
        self._save(path, content)
        count = sum(value is not None for numbers in own.values() for value in vars(numbers).values())
        cells = sum(len(row.beside) for row in rows)
        self.write(
            self.told("scenario", path=path.as_posix(), filled=count, open=cells, day=self.day(told.as_of)),
        )
        self.write(f"  crksim 'scenario=[{self.settings.name},youth_groups_3sites]'")
        return path

    def _target(self) -> Path:
        name = self.settings.name
        path = Path("scenarios") / f"{name}.yaml"
        key = ""
        if not _NAME.fullmatch(name):
            key = "name"
        elif path.exists():
            key = "" if "as_of" in read_yaml(path).data else "taken"
        elif (data_dir("scenarios") / path.name).exists():
            key = "shipped"
        if key:
            raise InputError([Problem("name", name, rule(key, self.lang), file=COMMAND_LINE)])
        return path

    def _scenario(
        self, told: Told, known: Mapping[str, Mapping[str, str]], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        def label(key: str, lang: str) -> str:
            names = ", ".join(labels[lang] for labels in known.values())
            day, filled = self.day(told.as_of, lang), self.day(told.filled, lang)
            return self.told(key, lang, day=day, name=told.name, filled=filled, known=names)

        texts = {key: {lang: label(key, lang) for lang in ("da", "en")} for key in ("title", "question", "notes")}
        return {**texts, "as_of": told.as_of, "changes": dict(changes)}

    def _check(self, study: Mapping[str, Any], content: Mapping[str, Any], workbook: Path) -> None:
        """Refuse before it is written what could not run."""
        from crksim.model.changes import apply, read_scenario
        from crksim.model.study import read_study

        try:
            read_study(apply(study, read_scenario(content, self.settings.name)))
        except InputError as error:
            raise InputError(
                [Problem(p.address, p.value, p.rule, p.nearest, file=workbook.name) for p in error.problems]
            ) from error

    def _save(self, path: Path, content: Mapping[str, Any]) -> None:
        from crksim.interface.texts import say
        from crksim.output.rundir import yaml_text

        head = "# Own base numbers, written by `crksim sheet` from a workbook: change the workbook, not this file.\n"
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(head + yaml_text(content), encoding="utf-8", newline="\n")
        except OSError as error:
            told = say(self.lang, "cannot_write", reason=reason(error, self.lang))
            raise InputError([Problem("file", str(path), told)]) from error


def _changes(study: Mapping[str, Any], standing: Standing, own: Mapping[str, Any]) -> dict[str, Any]:
    from crksim.model.own_numbers import Beside, changes_of

    starts = {service: spread.mean for service, spread in standing.starts.items()}
    return changes_of(study, Beside(standing.cells, standing.alike, starts, standing.rates, standing.opened), own)


def _rows(study: Mapping[str, Any], standing: Standing, lang: str) -> list[Row]:
    """Return a row for every service that treats somebody on the day, with the model's numbers beside open cells."""
    from crksim.model.own_numbers import places_key, ways_of
    from crksim.model.study import resolved
    from crksim.output.workbook_form import Row

    rows = []
    plainly = resolved(study)["services"]
    day = study["time"]["start"]
    for id, service in study["services"].items():
        closed = isinstance(service.get("closes"), dict) and service["closes"]["on"] <= day
        if service.get("treatment") is False or closed or service.get("blocking"):
            continue
        key = places_key(service)
        if standing.present[id].mean < _SOMEBODY and key is None and not service.get("posts"):
            continue
        beside: dict[str, str] = {}
        if standing.present[id].mean > 0:
            beside["present"] = _shown(standing.present[id], lang)
        if standing.starts[id].mean >= _SOMEBODY and ways_of(study, id):
            beside["starts"] = _shown(standing.starts[id], lang)
        if key is not None and not isinstance(plainly[id]["places"][key], dict):
            beside["places"] = _number(float(plainly[id]["places"][key]), lang)
        if service.get("posts"):
            beside["staff"] = _number(sum(float(post["number"]) for post in plainly[id]["posts"].values()), lang, 1)
        rows.append(Row(id, service["label"][lang], beside))
    return rows


def _hard_places(study: Mapping[str, Any]) -> dict[str, float]:
    from crksim.model.study import resolved

    held = {id: service.get("places", {}).get("hard") for id, service in resolved(study)["services"].items()}
    return {id: float(places) for id, places in held.items() if isinstance(places, int | float)}


def _shown(spread: Spread, lang: str) -> str:
    return f"{_number(spread.mean, lang)} ({_number(spread.low, lang)}–{_number(spread.high, lang)})"


def _number(value: float, lang: str, decimals: int = 0) -> str:
    from crksim.output.report.wording import Wording

    return Wording(lang).number(value, decimals)
