"""The named commands beside runs: list, show, new, evidence, report, explain."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import NoReturn

from crksim.errors import InputError, Problem, nearest
from crksim.interface.files import data_dir, find_scenario, read_yaml, scenario_files, shown_name
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.telling import reason, told_problem
from crksim.interface.texts import say

__all__ = ["do_command"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")

TEMPLATE = """\
title: {{da: "{name}", en: "{name}"}}
question: {{da: "Hvad sker der, hvis ...?", en: "What happens if ...?"}}
from: 2018-02-01                  # the date from which the changes hold

# What to compare with; without it, the baseline.
# references: {{without: {{label: {{da: uden ændringen, en: without the change}}, scenario: baseline}}}}

# One line per change: the address of a number, and its new value. Others: {{times: 1.2}}, {{plus: 2}}.
# `crksim evidence` prints every address; `crksim show {name}` tells what the changes say.
changes:
  services.youth_group_hoersholmsgade.places.hard: 12
"""


class _Parser(argparse.ArgumentParser):
    """Argparse that raises what the rest of crksim raises."""

    def error(self, message: str) -> NoReturn:
        raise InputError([Problem(self.prog, message, self.format_usage().strip(), file=COMMAND_LINE)])


def do_command(command: str, words: Sequence[str], lang: str) -> int:
    """Do one named command and return its exit code.

    Parameters
    ----------
    command : str
        One of the commands beside runs.
    words : sequence of str
        The words after it.
    lang : str
        ``da`` or ``en``.

    Raises
    ------
    InputError
        Wrong words, an unknown scenario, a folder that is no run.
    """
    if command == "calibrate":
        from crksim.interface.calibrating import calibrate

        return 130 if calibrate(words, lang, _write_at_once) is None else 0
    if command == "validate":
        from crksim.interface.screen import Screen
        from crksim.interface.validating import validate

        validate(words, lang, _write_at_once, Screen(lang).progress)
        return 0
    if command == "variants":
        from crksim.interface.screen import Screen
        from crksim.interface.varying import compare_variants

        compare_variants(words, lang, _write_at_once, Screen(lang).progress)
        return 0
    if command == "reproduce":
        from crksim.interface.reproducing import reproduce

        return 0 if reproduce(words, lang, _write_at_once) else 1
    if command == "export":
        from crksim.interface.exporting import export_paper

        _write(say(lang, "exported", folder=export_paper(words, lang).as_posix()))
        return 0
    if command == "sheet":
        from crksim.interface.base_numbers import base_numbers
        from crksim.interface.screen import Screen

        base_numbers(words, lang, _write_at_once, Screen(lang).progress)
        return 0
    parser = _Parser(prog=f"crksim {command}", add_help=False, allow_abbrev=False)
    if command in ("show", "new"):
        parser.add_argument("scenario")
    elif command == "report":
        parser.add_argument("folder", type=Path)
    elif command == "evidence":
        parser.add_argument("--kind")
        parser.add_argument("--service")
        parser.add_argument("words", nargs="*")
    elif command == "explain":
        parser.add_argument("words", nargs="*")
    doing: dict[str, Callable[[argparse.Namespace, str], None]] = {
        "list": _list,
        "show": _show,
        "new": _new,
        "evidence": _evidence,
        "report": _report,
        "explain": _explain,
    }
    doing[command](parser.parse_intermixed_args(list(words)), lang)
    return 0


def _write(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def _write_at_once(text: str) -> None:
    _write(text)
    sys.stdout.flush()


def _list(words: argparse.Namespace, lang: str) -> None:
    found = scenario_files()
    own = Path.cwd() / "scenarios"
    shipped = data_dir("scenarios")
    for folder, key in ((own, "own"), (shipped, "shipped")):
        named = {name: path for name, path in found.items() if path.parent == folder}
        if folder == own == shipped or (folder == shipped and own == shipped):
            key = "shipped"
            found = {}
        if not named:
            continue
        _write(f"{say(lang, key)}:")
        width = max(len(name) for name in named)
        for name, path in named.items():
            _write(f"  {name:{width}}  {_title(path, lang)}")
    if not scenario_files():
        _write(say(lang, "no_scenarios"))


def _title(path: Path, lang: str) -> str:
    """Return a scenario's title; a file with faults is listed with the first of them."""
    try:
        return in_language(read_yaml(path).data.get("title", ""), lang)
    except InputError as error:
        return f"({told_problem(error.problems[0], lang)})"


def in_language(text: object, lang: str) -> str:
    """Return the text of a label as it stands in a file: plain, or a map of languages."""
    return str(text.get(lang) or next(iter(text.values()), "")) if isinstance(text, Mapping) else str(text)


def _show(words: argparse.Namespace, lang: str) -> None:
    from crksim.interface.cases import load_case
    from crksim.model.describing import describe_lever

    case = load_case(words.scenario)
    for label in (case.scenario.title, case.scenario.question):
        _write(str(getattr(label, lang)))
    _write()
    for line in case.lines(lang):
        _write(line)
    if case.scenario.variants:
        _write(f"{say(lang, 'switches')}:")
    for variant in case.scenario.variants:
        _write(f"  · {getattr(variant.label, lang)} (switch.{variant.id}=true)")
    if case.scenario.options:
        _write(f"{say(lang, 'options')}:")
    for option in case.scenario.options:
        cheapest = f", {say(lang, 'cheapest')}" if option.cheapest else ""
        _write(f"  · {getattr(option.label, lang)} (option={option.id}{cheapest})")
    if case.scenario.levers:
        _write(f"{say(lang, 'levers')}:")
    for lever in case.scenario.levers:
        _write(f"  · {getattr(describe_lever(case.study.source, lever), lang)}")
    if case.scenario.notes is not None:
        _write()
        _write(fill(str(getattr(case.scenario.notes, lang)), 100))
    _write(f"{say(lang, 'file')}: {shown_name(find_scenario(words.scenario, paths=True))}")


def _new(words: argparse.Namespace, lang: str) -> None:
    name = words.scenario.removesuffix(".yaml")
    problems = []
    if not _NAME.fullmatch(name):
        rule = "must be small letters a-z, digits and _, and begin with a letter (Danish letters go into title:)"
        problems.append(Problem("scenario", name, rule, _ascii(name), file=COMMAND_LINE))
    path = Path("scenarios") / f"{name}.yaml"
    if path.exists():
        problems.append(Problem("scenario", name, f"is taken: {path} exists", file=COMMAND_LINE))
    elif name in scenario_files():
        problems.append(Problem("scenario", name, "is the name of a shipped scenario", f"{name}_2", file=COMMAND_LINE))
    if problems:
        raise InputError(problems)
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(name=name))
    except OSError as error:
        raise InputError([Problem("file", str(path), say(lang, "cannot_write", reason=reason(error, lang)))]) from error
    _write(say(lang, "written", path=path.as_posix()))
    _write(say(lang, "then", command=f"crksim scenario={name}"))


def _ascii(name: str) -> str | None:
    """Return the name that was nearly typed, in allowed letters."""
    text = name.lower()
    for letter, plain in {"æ": "ae", "ø": "oe", "å": "aa", "-": "_", " ": "_"}.items():
        text = text.replace(letter, plain)
    return text if _NAME.fullmatch(text) else None


def _report(words: argparse.Namespace, lang: str) -> None:
    folder: Path = words.folder
    if not (folder / "manifest.json").is_file():
        runs = [path.parent for path in Path("outputs").glob("*/manifest.json")]
        raise InputError(
            [
                Problem(
                    "folder",
                    str(folder),
                    "must be the folder of a run, with manifest.json in it",
                    nearest(str(folder), [str(run) for run in runs]),
                    file=COMMAND_LINE,
                )
            ]
        )
    from crksim.output.rundir import rewrite_report

    _write(f"{say(lang, 'report')}: {rewrite_report(folder, lang)}")


def _explain(words: argparse.Namespace, lang: str) -> None:
    from crksim.interface.explaining import explanation_lines, read_request

    for line in explanation_lines(*read_request(words.words, lang), lang):
        _write(line)


@dataclass(frozen=True)
class _Asked:
    """Which numbers `evidence` shows; all where nothing is asked."""

    kind: str = ""
    service: str = ""


def _evidence(words: argparse.Namespace, lang: str) -> None:
    from crksim.interface.cases import load_evidence
    from crksim.interface.words import read_words_into

    asked = read_words_into(_Asked, words.words, {})
    entries = load_evidence(asked.kind or words.kind, asked.service or words.service)
    columns = ("kind", "value", "low", "high", "address", "source")
    told = [{**entry, "source": entry["fact"] or entry["source"]} for entry in entries]
    rows = [tuple(entry[column] for column in columns) for entry in told]
    rows.insert(0, tuple(say(lang, column) for column in columns))
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    for row in rows:
        _write("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry["kind"]] = counts.get(entry["kind"], 0) + 1
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    _write(say(lang, "entries", count=len(entries), kinds=kinds or say(lang, "none_found")))
