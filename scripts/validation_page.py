"""Print docs/validation.md as made from conf/ensemble and docs/validation_notes.md; with --write, write it."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crksim.errors import nearest
from crksim.interface.files import data_dir, read_folder
from crksim.model.clock import parse_quantity
from crksim.model.network import Label
from crksim.output.report.wording import Wording, is_share

__all__ = ["FILES", "Found", "Notes", "PageError", "read_found", "read_notes", "validation_page"]

TOP = Path(__file__).resolve().parents[1]
PAGE, NOTES = TOP / "docs" / "validation.md", TOP / "docs" / "validation_notes.md"
#: What `crksim calibrate ship=true` and `crksim validate ship=true` leave in conf/ensemble.
FILES = ("manifest.json", "identification.csv", "trade_offs.csv", "steps.csv", "gate.json", "predictions.csv")
_WORDS = Wording("en")
_YEAR = 365.25
_LENGTHS = ((1.0, " days"), (_YEAR / 12.0, " months"), (_YEAR, " years"))
#: Models that the check lets pass at most this often count as stopped, as on page one of a report.
_STOPPED = 0.5


class PageError(Exception):
    """The page cannot be made; its text is one line that says why."""


@dataclass(frozen=True)
class Notes:
    """The part of the page that is written by hand.

    Parameters
    ----------
    leaks : str
        How each leak was resolved, in Markdown.
    misses : mapping of str to str
        Fact -> why the model misses it.
    """

    leaks: str
    misses: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """What a calibration and a check left in their folder.

    Parameters
    ----------
    manifest, gate : mapping
        As in the files of the same name.
    parameters, pairs, steps, facts : sequence of mapping
        Rows of identification.csv, trade_offs.csv, steps.csv and predictions.csv; all values as text.
    """

    manifest: Mapping[str, Any]
    gate: Mapping[str, Any]
    parameters: Sequence[Mapping[str, str]]
    pairs: Sequence[Mapping[str, str]]
    steps: Sequence[Mapping[str, str]]
    facts: Sequence[Mapping[str, str]]


def read_found(folder: Path) -> Found:
    """Return what lies in the folder of an ensemble.

    Parameters
    ----------
    folder : Path
        Usually conf/ensemble.

    Raises
    ------
    PageError
        When files are missing, or calibration and check are not of the same network.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        how = "crksim calibrate ship=true, then crksim validate ship=true, write them"
        raise PageError(f"{folder.name}: {', '.join(missing)} missing; {how}")
    manifest, gate = (json.loads((folder / name).read_text("utf-8")) for name in ("manifest.json", "gate.json"))
    for mark in ("network", "frozen"):
        if manifest[mark] != gate[mark]:
            raise PageError(
                f"gate.json: its {mark} is {gate[mark]}, that of manifest.json {manifest[mark]}; check again"
            )
    parameters, pairs, steps, facts = (
        _rows(folder / name) for name in ("identification.csv", "trade_offs.csv", "steps.csv", "predictions.csv")
    )
    return Found(manifest, gate, parameters, pairs, steps, facts)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_notes(text: str) -> Notes:
    """Return the notes from their Markdown: a part ``## Leaks`` and a part ``## Misses`` with a ``### fact`` for each.

    Parameters
    ----------
    text : str
        What docs/validation_notes.md holds.

    Raises
    ------
    PageError
        When one of the parts is missing or a fact has no text.
    """
    parts = {head.strip(): body.strip() for head, body in _split(text, "## ")}
    for name in ("Leaks", "Misses"):
        if not parts.get(name):
            raise PageError(f"validation_notes.md: no part '## {name}'")
    misses = {head.strip(" `"): body.strip() for head, body in _split(parts["Misses"], "### ")}
    empty = [name for name, body in misses.items() if not body]
    if empty:
        raise PageError(f"validation_notes.md: no words under {', '.join(empty)}")
    return Notes(parts["Leaks"], misses)


def _split(text: str, mark: str) -> list[tuple[str, str]]:
    found = re.split(rf"^{mark}(.+)$", text, flags=re.MULTILINE)[1:]
    return list(zip(found[::2], found[1::2], strict=True))


def validation_page(found: Found, notes: Notes) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    found : Found
        What calibration and check left.
    notes : Notes
        What is written by hand.

    Raises
    ------
    PageError
        When a predicted number is missed and no note says why, or a row speaks of what is not in the targets.
    """
    targets = read_folder(data_dir("conf") / "targets").data["facts"]
    told = {row["fact"]: row for row in found.facts}
    lost, strange = [name for name in targets if name not in told], [name for name in told if name not in targets]
    if lost or strange:
        raise PageError(
            f"predictions.csv: not the facts of conf/targets ({', '.join((lost + strange)[:3])}); check again"
        )
    missed = [name for name, row in told.items() if row["mark"] == "predicted" and not _inside(row)]
    _explained(missed, notes, targets)
    return "".join(
        (
            _opening(found, told),
            _predicted(found, told, targets),
            _misses(missed, told, targets, notes),
            _used(told, targets),
            _worth(found.gate),
            f"\n## Leaks\n\n{notes.leaks}\n",
            _identification(found),
            _trade_offs(found.pairs),
            _sizes(found),
        )
    )


def _explained(missed: Sequence[str], notes: Notes, facts: Mapping[str, Any]) -> None:
    """Refuse a page on which a miss stands without a reason, or a reason without a fact."""
    strange = [name for name in notes.misses if name not in facts]
    if strange:
        near = nearest(strange[0], facts)
        hint = f"; did you mean '{near}'?" if near else ""
        raise PageError(f"validation_notes.md: {', '.join(strange)} is no fact of conf/targets{hint}")
    silent = [name for name in missed if name not in notes.misses]
    if silent:
        raise PageError(
            f"validation_notes.md: predicted, missed and not explained under '## Misses': {', '.join(silent)}"
        )


def _inside(row: Mapping[str, str]) -> bool:
    return row["inside"] == "True"


# --- the report's numbers ------------------------------------------------------------------------------------------


def _opening(found: Found, told: Mapping[str, Mapping[str, str]]) -> str:
    manifest, gate = found.manifest, found.gate
    own = [row for row in told.values() if row["mark"] == "predicted" and not row["part_of"]]
    rule, chance = (_WORDS.number(100.0 * gate[key], 0) for key in ("probability", "chance"))
    verdict = "**passed**" if gate["passed"] else "**not passed**"
    prior = "passed" if gate["prior"]["passed"] else "did not pass"
    before = _WORDS.number(100.0 * gate["prior"]["chance"], 0)
    return f"""\
# The check against the report

The model replays 2016-2017 and is held beside the report. *Put in*: typed into the network, or worked out from
the number itself. *Fitted*: the calibration takes the number into account. *Predicted*: neither. Only the
predicted numbers are a check, and of those only the ones that are not part of another count. Which number has
which mark was decided before the first calibration (`conf/targets/frozen.yaml`, mark `{manifest["frozen"]}`).
How all of it is computed stands in [statistics.md](statistics.md); what the priors alone give stands beside, to
show what the calibration changed.

Made by `python scripts/validation_page.py --write` from `conf/ensemble` and `docs/validation_notes.md`: a
calibration of {manifest["members"]} members (seed {manifest["seed"]}) on the network with the mark
`{manifest["network"]}`, and a check with {gate["members"]} members of {gate["futures"]} futures each (seed
{gate["seed"]}; priors and models that are wrong on purpose: {gate["wrong_members"]} of one future).

## The answer

The check is {verdict}. A set of predicted numbers at least as surprising as the report's comes about in
{chance} of 100 futures of the ensemble itself; the rule, decided beforehand, is that it fails below {rule}.
With the priors alone the check {prior} ({before} of 100). Of {len(own)} independent predicted numbers
{sum(_inside(row) for row in own)} lie inside their 90 % range. One in ten lies outside when a model is right,
so the verdict is on all of them together.

**What a pass is worth:** of {len(gate["power"])} models that are wrong on purpose the check would stop
{_stopped(gate)} at least every second time ([below](#what-the-check-is-worth)). {_verdict_on_check(gate)}
"""


def _predicted(found: Found, told: Mapping[str, Mapping[str, str]], facts: Mapping[str, Any]) -> str:
    own = {name: row for name, row in told.items() if row["mark"] == "predicted" and not row["part_of"]}
    rest = {name: row for name, row in told.items() if row["mark"] == "predicted" and row["part_of"]}
    order = sorted(own, key=lambda name: found.gate["tails"].get(name, 1.0))
    text = """
## Predicted

Range: 9 in 10 of single futures of the ensemble, luck and what is not known together. *Tail*: how often a
future lies at least so far out, on either side, in 100; the most surprising first. Whether nobody waits is
counted as yes or no.

| fact | report | median | 90 % range | met | tail | prior range |
|---|---:|---:|---|---|---:|---|
"""
    for name in order:
        tail = _WORDS.number(100.0 * found.gate["tails"][name], 0) if name in found.gate["tails"] else ""
        text += f"| {_row(name, own[name], facts)} | {tail} | {_range(own[name], facts[name], 'prior_')} |\n"
    text += """
Parts of other counts, or the same people counted again. They are no facts of their own and are not in the check.

| fact | report | median | 90 % range | met | part of | prior range |
|---|---:|---:|---|---|---|---|
"""
    for name, row in rest.items():
        text += f"| {_row(name, row, facts)} | `{row['part_of']}` | {_range(row, facts[name], 'prior_')} |\n"
    return text


def _misses(missed: Sequence[str], told: Mapping[str, Any], facts: Mapping[str, Any], notes: Notes) -> str:
    text = """
## Misses

Nothing was changed to make a predicted number come nearer. Each one outside its range, with the reason as far as it is
known.
"""
    for name in missed:
        part = " Part of another count." if told[name]["part_of"] else ""
        text += f"\n**{_label(facts[name])}** (`{name}`).{part} {notes.misses[name]}\n"
    return text if missed else text + "\nNone.\n"


def _used(told: Mapping[str, Mapping[str, str]], facts: Mapping[str, Any]) -> str:
    """Return the tables of what was used: that the model comes near is no merit."""
    heads = {
        "fitted": "The calibration has seen these. That they are met says that the model can meet them, and no more.",
        "put in": "The model was given these. They are met unless something else stands against them.",
    }
    text = ""
    for mark, words in heads.items():
        text += f"\n## {mark.capitalize()}\n\n{words}\n\n"
        text += "| fact | report | median | 90 % range | met | prior range |\n|---|---:|---:|---|---|---|\n"
        for name, row in told.items():
            if row["mark"] == mark:
                text += f"| {_row(name, row, facts)} | {_range(row, facts[name], 'prior_')} |\n"
    return text


def _row(name: str, row: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    factor, decimals = _scale(row, facts[name])
    reported = _WORDS.plain(float(row["reported"]) * factor)
    median = _WORDS.number(float(row["median"]) * factor, decimals)
    met = "yes" if _inside(row) else "**no**"
    return " | ".join((_label(facts[name]), reported, median, _range(row, facts[name]), met))


def _scale(row: Mapping[str, str], fact: Mapping[str, Any]) -> tuple[float, int]:
    factor = 100.0 if is_share(Label(**fact["unit"])) else 1.0
    return factor, _WORDS.decimals(*(float(row[key]) * factor for key in ("reported", "median")))


def _range(row: Mapping[str, str], fact: Mapping[str, Any], when: str = "") -> str:
    factor, decimals = _scale(row, fact)
    return _WORDS.span(float(row[f"{when}low"]) * factor, float(row[f"{when}high"]) * factor, decimals)


def _label(fact: Mapping[str, Any]) -> str:
    unit = "%" if is_share(Label(**fact["unit"])) else fact["unit"]["en"]
    return f"{fact['label']['en']} ({unit})"


# --- what the check is worth ---------------------------------------------------------------------------------------


def _stopped(gate: Mapping[str, Any]) -> int:
    """Return how many wrong models the check stops at least every second time."""
    return sum(model["passes"] <= _STOPPED for model in gate["power"].values())


def _verdict_on_check(gate: Mapping[str, Any]) -> str:
    if _stopped(gate) == 0:
        return (
            "It tells none of these errors from the truth:\n"
            "passing says that nothing speaks against the model, not for it."
        )
    if 2 * _stopped(gate) < len(gate["power"]):
        return "Most of these errors would go unseen."
    return "The errors that it stops can be ruled out with some confidence, the others cannot."


def _worth(gate: Mapping[str, Any]) -> str:
    labels = read_folder(data_dir("conf") / "calibration").data["wrong"]
    power = gate["power"]
    right = _WORDS.number(100.0 * gate["right_passes"], 0)
    text = f"""
## What the check is worth

Models that are wrong on purpose (`conf/calibration/wrong.yaml`): every member of the ensemble with a factor on
a parameter. *Passes*: in how many of 100 a report taken from the ensemble itself lets the wrong model pass; the
right one passes {right}. *With the real report*: whether the wrong model passes beside what the report says.
The check stops {_stopped(gate)} of {len(power)} at least every second time. Errors that pass as often as the right
model does are errors that it cannot see.

| model | passes | with the real report |
|---|---:|---|
"""
    for name, model in sorted(power.items(), key=lambda item: (item[1]["passes"], item[0])):
        chance = _WORDS.number(100.0 * model["report_chance"], 0)
        told = f"{'passes' if model['report_passes'] else 'fails'} ({chance} of 100)"
        text += f"| {labels[name]['label']['en']} | {_WORDS.number(100.0 * model['passes'], 0)} | {told} |\n"
    return text


# --- what the report says of the parameters ------------------------------------------------------------------------


def _identification(found: Found) -> str:
    blocks = read_folder(data_dir("conf") / "calibration").data["blocks"]
    labels = {"exact": "Exact pieces"} | {name: block["label"]["en"] for name, block in blocks.items()}
    text = """
## What the report identifies

Median and 90 % range before and after the counts. *Left*: width of the range after, as a share of before, in
normal scores of the prior (exact pieces: of an even spread between 0 and 1); above 80 % the report is taken to
say nothing. *Smoother*: another method on the same counts, as a comparison only; where the two differ, the
particles are believed.
"""
    for block, label in labels.items():
        text += f"\n**{label}**\n\n| parameter | before | after | left | smoother |\n|---|---|---|---:|---|\n"
        for row in found.parameters:
            if row["block"] == block:
                before = "" if block == "exact" else _three(row, "before")
                cells = (_parameter(row["parameter"]), before, _three(row, "after"))
                smoother = _three(row, "smoother") if row["smoother_50"] else ""
                text += f"| {' | '.join(cells)} | {_WORDS.number(100.0 * float(row['left']), 0)} % | {smoother} |\n"
    silent = [_parameter(row["parameter"]) for row in found.parameters if row["by_report"] != "True"]
    others = len(read_folder(data_dir("conf") / "network").data["parameters"]) - len(found.parameters)
    told = "; ".join(silent) if silent else "none"
    text += (
        f"\n**Not identified by the report:** {told}. The other {others} parameters of the network answer for no count "
    )
    return text + "and keep the ledger's range.\n"


def _trade_offs(pairs: Sequence[Mapping[str, str]]) -> str:
    text = """
**Pairs that trade off** (correlation of normal scores of 0.4 or more, either way): the counts tell the two
together better than apart, so the one may be wrong as long as the other makes up for it.

"""
    if not pairs:
        return text + "None.\n"
    text += "| one | other | correlation |\n|---|---|---:|\n"
    for pair in pairs:
        correlation = _WORDS.number(float(pair["correlation"]), 2)
        text += f"| {_parameter(pair['first'])} | {_parameter(pair['second'])} | {correlation} |\n"
    return text


def _sizes(found: Found) -> str:
    blocks = read_folder(data_dir("conf") / "calibration").data["blocks"]
    text = """
## Effective sample sizes

*Smallest*: effective number of particles at the step that left fewest. *Different*: particles that are not
copies of one another at the end. *Ancestors*: draws of the prior that the particles at the end come from.
*Versions*: simulated in all. *Taken*: share of proposals taken, first to last step.

| block | steps | particles | smallest | different | ancestors | versions | taken |
|---|---:|---:|---:|---:|---:|---:|---|
"""
    for name, sizes in sorted(found.manifest["effective"].items(), key=lambda item: list(blocks).index(item[0])):
        taken = [100.0 * float(row["taken"]) for row in found.steps if row["block"] == name]
        numbers = (len(taken), *(sizes[key] for key in ("particles", "smallest", "different", "ancestors", "versions")))
        cells = " | ".join(_WORDS.number(number, 0) for number in numbers)
        first, last = (_WORDS.number(share, 0) for share in (taken[0], taken[-1]))
        text += f"| {blocks[name]['label']['en']} | {cells} | {first} to {last} % |\n"
    return text


def _parameter(name: str) -> str:
    entry = read_folder(data_dir("conf") / "network").data["parameters"][name]
    return f"{entry['label']['en']} (`{name}`)"


def _three(row: Mapping[str, str], when: str) -> str:
    """Return median and range, in the unit that suits the median before."""
    low, middle, high = (float(row[f"{when}_{mark}"]) for mark in ("5", "50", "95"))
    kind = parse_quantity(read_folder(data_dir("conf") / "network").data["parameters"][row["parameter"]]["value"])[1]
    factor, unit = _unit(kind, float(row["before_50"]))
    first, second, third = (_digits(value * factor) for value in (middle, low, high))
    return f"{first} ({second} to {third}){unit}"


def _unit(kind: str, size: float) -> tuple[float, str]:
    """Return by what a number in days, per day or without unit is multiplied, and the unit that it then has."""
    if kind == "duration":
        fitting = [(days, unit) for days, unit in _LENGTHS if size >= 2 * days]
        days, unit = fitting[-1] if fitting else _LENGTHS[0]
        return 1.0 / days, unit
    if kind == "rate":
        return (_YEAR, " a year") if size * _YEAR >= 0.1 else (100.0 * _YEAR, " in 100 person-years")
    return 1.0, ""


def _digits(value: float) -> str:
    """Return a number with two digits that count, or whole where it is 100 or more."""
    if value == 0.0:
        return "0"
    return _WORDS.number(value, max(0, 1 - math.floor(math.log10(abs(value)))))


def _main(words: Sequence[str]) -> int:
    try:
        notes = read_notes(NOTES.read_text("utf-8"))
        text = validation_page(read_found(data_dir("conf") / "ensemble"), notes)
    except PageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if "--write" in words:
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
