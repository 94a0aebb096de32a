"""What is asked, read from files and the command line and checked as a whole, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem, nearest
from crksim.interface.files import data_dir, find_scenario, locate, read_yaml, shipped_sheet
from crksim.interface.grounds import Ground, stand_on
from crksim.interface.sheets import COMMAND_LINE, Place, Sheet
from crksim.interface.texts import say
from crksim.interface.worlds import read_world

if TYPE_CHECKING:
    from crksim.analysis.comparison import Question
    from crksim.analysis.ensemble import WorldStudy
    from crksim.analysis.replay import NotReplayed
    from crksim.analysis.targets import Target
    from crksim.interface.alike import Added
    from crksim.model.changes import Scenario, Variant
    from crksim.model.network import Label, Study

__all__ = ["WHAT_IF", "Case", "load_case", "load_evidence"]

#: World id of the what-if.
WHAT_IF = "what_if"


@dataclass(frozen=True)
class Case:
    """A what-if and its references, ready to run.

    Parameters
    ----------
    name : str
        Name of the scenario.
    scenario : Scenario
        With the changes of the command line in it.
    told : tuple of Label
        What it changes, in plain words.
    worlds : tuple of WorldStudy
        References first, the main one leading; the what-if last.
    studies : tuple of Study
        The studies of the worlds, read.
    ledger : dict
        Address -> evidence, as it stands in the files.
    questions : tuple of Question
        What is measured and compared.
    targets : tuple of Target
        The report's facts that are put beside the replay.
    not_replayed : tuple of NotReplayed
        Those that are not, and why.
    touched : tuple of str
        Services, groups and cohorts that the scenario touches.
    switches : tuple of Variant
        Switches of the scenario that the command line turned on.
    added : Added or None
        What it is asked beside, because it is compared with others.
    """

    name: str
    scenario: Scenario
    told: tuple[Label, ...]
    worlds: tuple[WorldStudy, ...]
    studies: tuple[Study, ...]
    ledger: Mapping[str, Any]
    questions: tuple[Question, ...]
    targets: tuple[Target, ...]
    not_replayed: tuple[NotReplayed, ...] = ()
    touched: tuple[str, ...] = ()
    switches: tuple[Variant, ...] = ()
    added: Added | None = None

    @property
    def study(self) -> Study:
        """The what-if's study."""
        return self.studies[-1]

    @property
    def date(self) -> str | None:
        """ISO date from which the changes hold; None is from the study's start."""
        from crksim.model.changes import from_date

        return from_date(self.study.source, self.scenario)

    @property
    def begins(self) -> float:
        """Day from which is measured: the scenario's date, or where the forecast begins."""
        from crksim.model.clock import parse_date

        return self.study.forecast if self.date is None else parse_date(self.date, self.study.start)

    @property
    def alone(self) -> bool:
        """Whether nothing is changed, so that there is nothing to compare, as `Result.alone` says afterwards."""
        return not self.told and {world.scenario for world in self.worlds} == {self.worlds[-1].scenario}

    @property
    def resolved(self) -> dict[str, Any]:
        """The scenario as plain data, with what the command line added; combined ones have their parts with dates."""
        scenario = self.scenario
        parts = [{"scenario": part.id, "from": part.from_day, "changes": dict(part.changes)} for part in scenario.parts]
        return {
            "title": vars(scenario.title),
            "question": vars(scenario.question),
            "notes": vars(scenario.notes) if scenario.notes else {"da": "", "en": ""},
            "from": self.date or "start",
            "switches": {variant.id: vars(variant.label) for variant in self.switches},
            "references": {
                reference.id: {"label": vars(reference.label), "scenario": reference.scenario}
                for reference in scenario.references
            },
            "changes": dict(scenario.changes),
            **({"parts": parts} if parts else {}),
        } | self._prices

    @property
    def _prices(self) -> dict[str, Any]:
        """The prices as plain data; nothing at all without them, so that marks stay as they are."""
        told = {price.key: {"kroner": price.kroner, "source": price.source} for price in self.scenario.prices}
        return {"prices": told} if told else {}

    def date_of(self, day: float) -> str:
        """Return the ISO date of a day of the study."""
        from crksim.model.clock import date_of

        return date_of(day, self.study.start)

    def lines(self, lang: str) -> list[str]:
        """Return what the scenario changes and what it is compared with, a line each.

        Parameters
        ----------
        lang : str
            ``da`` or ``en``.
        """
        from crksim.output.report.wording import Wording

        date = "" if self.date is None else Wording(lang).iso(self.date)
        heading = say(lang, "changes_start") if self.date is None else say(lang, "changes", date=date)
        told = [heading + ":"] if self.told else [say(lang, "no_changes")]
        told += [f"  · {getattr(change, lang)}" for change in self.told]
        told += [f"{say(lang, 'switched_on')}: {getattr(variant.label, lang)}" for variant in self.switches]
        others = [world for world in self.worlds[:-1] if self.told or world.scenario != self.worlds[-1].scenario]
        told += [f"{say(lang, 'against')}: {getattr(world.label, lang)} ({world.scenario})" for world in others]
        return told

    def evidence(self) -> list[dict[str, str]]:
        """Return a row for every number of the what-if, with where it comes from.

        A number of a copied service has the evidence of the original, unless the scenario sets it; what the scenario
        sets has none.
        """
        from crksim.model.ledger import read_ledger

        ledger = read_ledger(self.ledger)
        copies = {
            address + ".": f"{change['like']}."
            for address, change in self.scenario.changes.items()
            if isinstance(change, dict) and isinstance(change.get("like"), str)
        }
        rows = ledger.rows(self.study.source)
        for row in rows:
            if row["kind"]:
                continue
            # What was there before a dated change stands under `first`.
            address = row["address"].removesuffix(".first")
            copied = next((copy for copy in copies if address.startswith(copy)), "")
            found = ledger.entry(copies[copied] + address.removeprefix(copied) if copied else address)
            if found is not None:
                row.update({name: getattr(found, name) for name in row if hasattr(found, name) and name != "address"})
        return rows


def load_case(
    name: str,
    overrides: Sequence[str] = (),
    references: Sequence[str] | None = None,
    variant: Scenario | None = None,
) -> Case:
    """Read a scenario, its references and everything they stand on.

    Parameters
    ----------
    name : str
        Name of the scenario, or path of its file; ``a+b`` for several combined.
    overrides : sequence of str
        ``address=value`` from the command line; they belong to the what-if only.
    references : sequence of str, optional
        Ids of the references to compare with; all of them when not given.
    variant : Scenario, optional
        Changes of the network in every world, before the scenario's; levers are not looked at then.

    Raises
    ------
    InputError
        Anything wrong in any of it, each fault with file and line.
    """
    from crksim.analysis.questions import touched_subjects
    from crksim.model.changes import apply, describe

    paths = [find_scenario(part, paths=True) for part in name.split("+")]
    network = shipped_sheet("network")
    if variant is not None:
        network = Sheet(apply(network.data, variant), network.places)
    ground, paths = stand_on(network, paths)
    scenario, study, places = read_world(paths, ground, overrides, levers=variant is None and not overrides)
    scenario = ground.named(scenario)
    worlds, studies = _references(scenario, ground, references)
    what_if = _world(WHAT_IF, scenario.id, scenario.title, study, scenario)
    touched = touched_subjects(list(scenario.changes), study.source, study.network)
    # What the report tells lies before base numbers of one's own, and is not simulated again.
    targets, not_replayed = _targets(study.start) if ground.base is None else ((), ())
    chosen = {word.partition("=")[0].removeprefix("switch.") for word in overrides if word.endswith("=true")}
    options = {word.partition("=")[2] for word in overrides if word.startswith("option=")}
    return Case(
        name=scenario.id,
        scenario=scenario,
        told=(*ground.told(), *describe(ground.network.data, scenario)),
        worlds=(*worlds, what_if),
        studies=(*studies, study),
        ledger=shipped_sheet("ledger").data,
        questions=_questions(scenario, study, touched, places),
        targets=targets,
        not_replayed=not_replayed,
        touched=touched,
        switches=(
            *(option for option in scenario.options if option.id in options),
            *(variant for variant in scenario.variants if variant.id in chosen),
        ),
    )


def _targets(start: str) -> tuple[tuple[Target, ...], tuple[NotReplayed, ...]]:
    from crksim.analysis.targets import read_not_replayed, read_targets

    sheet = shipped_sheet("targets")
    try:
        return read_targets(sheet.data, start), read_not_replayed(sheet.data)
    except InputError as error:
        raise locate(error, sheet.places) from error


def _questions(
    scenario: Scenario, study: Study, touched: tuple[str, ...], places: Mapping[str, Place]
) -> tuple[Question, ...]:
    from crksim.analysis.questions import questions

    catalogue = read_yaml(data_dir("conf") / "questions.yaml")
    try:
        return questions(
            catalogue.data,
            study.network,
            touched,
            first=scenario.measures,
            worthwhile=scenario.worthwhile,
            cannot_answer=scenario.cannot_answer,
        )
    except InputError as error:
        raise locate(error, places, catalogue.places) from error


def _references(
    scenario: Scenario, ground: Ground, chosen: Sequence[str] | None
) -> tuple[tuple[WorldStudy, ...], tuple[Study, ...]]:
    """Read the references that were chosen, in the scenario's order; the first is the main one."""
    known = [reference.id for reference in scenario.references]
    wrong = [
        Problem("references", id, f"must be one of {', '.join(known)}", nearest(id, known), file=COMMAND_LINE)
        for id in chosen or ()
        if id not in known
    ]
    if wrong:
        raise InputError(wrong)
    worlds: list[WorldStudy] = []
    studies: list[Study] = []
    for reference in scenario.references:
        if chosen is None or reference.id in chosen:
            own, study, _ = read_world([find_scenario(reference.scenario)], ground)
            worlds.append(_world(reference.id, reference.scenario, reference.label, study, own))
            studies.append(study)
    return tuple(worlds), tuple(studies)


def _world(id: str, name: str, label: Label, study: Study, scenario: Scenario) -> WorldStudy:
    from crksim.analysis.ensemble import WorldStudy

    return WorldStudy(id, name, label, study.source, scenario.changes, study)


def load_evidence(kind: str | None = None, service: str | None = None) -> list[dict[str, str]]:
    """Return a row for every number of the network, with where it comes from.

    Parameters
    ----------
    kind : str, optional
        Only evidence of this kind.
    service : str, optional
        Only numbers of this service, and the parameters that it names.

    Raises
    ------
    InputError
        A fault in the network or the ledger, or an unknown kind or service.
    """
    from crksim.analysis.questions import names_parameter
    from crksim.model.evidence import KINDS
    from crksim.model.ledger import read_ledger

    sheet = shipped_sheet("ledger")
    study = shipped_sheet("network").data
    services = study.get("services") or {}
    problems = [
        Problem(f"--{name}", value, f"must be one of {', '.join(known)}", nearest(value, known), file=COMMAND_LINE)
        for name, value, known in (("kind", kind, KINDS), ("service", service, sorted(services)))
        if value is not None and value not in known
    ]
    if problems:
        raise InputError(problems)
    try:
        rows = read_ledger(sheet.data).rows(study)
    except InputError as error:
        raise locate(error, sheet.places) from error

    def belongs(address: str) -> bool:
        section, name, *_ = address.split(".")
        own = section == "parameters" and names_parameter(services[service], name)
        return own or (section, name) == ("services", service)

    return [row for row in rows if kind in (None, row["kind"]) and (service is None or belongs(row["address"]))]
