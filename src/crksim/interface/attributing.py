"""A what-if taken apart into worlds of some of its changes, and back into what each change does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crksim.errors import InputError, Problem
from crksim.interface.files import shipped_sheet
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.analysis.attribution import Part
    from crksim.analysis.comparison import Question
    from crksim.analysis.replications import Replications, WorldStudy
    from crksim.analysis.results import AttributionRow
    from crksim.interface.cases import Case

__all__ = ["TakenApart", "take_apart"]


@dataclass(frozen=True)
class TakenApart:
    """The worlds that tell what every change does.

    Parameters
    ----------
    parts : tuple of Part
        What counts as one change.
    worlds : tuple of WorldStudy
        The main reference first, the what-if last.
    places : mapping of tuple of int to int
        Places of the changes made -> place of the world; ``()`` is the world without any.
    """

    parts: tuple[Part, ...]
    worlds: tuple[WorldStudy, ...]
    places: Mapping[tuple[int, ...], int]

    def rows(self, found: Replications, questions: Sequence[Question]) -> tuple[AttributionRow, ...]:
        """Return what every change does to the measures that decide.

        Parameters
        ----------
        found : Replications
            What the worlds gave.
        questions : sequence of Question
            What was asked.
        """
        from crksim.analysis.attribution import attribution

        values = {chosen: found.worlds[place].values for chosen, place in self.places.items()}
        return attribution(self.parts, values, found.measures, questions)


def take_apart(case: Case, lang: str) -> TakenApart:
    """Return the worlds of some of a what-if's changes.

    Parameters
    ----------
    case : Case
        The main reference and the what-if.
    lang : str
        Language of what is said about faults.

    Raises
    ------
    InputError
        There are fewer than two changes, or the reference has changes of its own.
    """
    from crksim.analysis.attribution import split, subsets, with_only
    from crksim.analysis.replications import WorldStudy
    from crksim.model.changes import apply
    from crksim.model.study import read_study

    network = shipped_sheet("network").data
    scenario = case.scenario
    parts = split(network, scenario)
    problems = []
    if len(parts) < 2:
        problems.append(Problem("scenario", case.name, say(lang, "one_change", count=len(parts)), file=COMMAND_LINE))
    elif case.worlds[0].study != read_study(network).source:
        rule = say(lang, "reference_changes", reference=case.worlds[0].scenario)
        problems.append(Problem("scenario", case.name, rule, file=COMMAND_LINE))
    if problems:
        raise InputError(problems)
    made = [case.worlds[0]]
    places: dict[tuple[int, ...], int] = {(): 0}
    for chosen in subsets(len(parts)):
        some = with_only(scenario, [address for place in chosen for address in parts[place].addresses])
        study = read_study(apply(network, some)).source
        name = "+".join(str(place + 1) for place in chosen)
        places[chosen] = len(made)
        made.append(WorldStudy(f"changes {name}", scenario.id, scenario.title, study, some.changes))
    places[tuple(range(len(parts)))] = len(made)
    return TakenApart(parts, (*made, case.worlds[-1]), places)
