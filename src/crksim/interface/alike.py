"""What is compared is asked alike: an option is measured and priced by what the others are, where it has that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.cases import load_case
from crksim.interface.grounds import UNCHANGED
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say

if TYPE_CHECKING:
    from crksim.analysis.comparison import Question
    from crksim.interface.cases import Case
    from crksim.model.network import Network
    from crksim.model.prices import Price

__all__ = ["Added", "against_own", "asked_alike", "read_added", "unchanged", "with_added"]


@dataclass(frozen=True)
class Added:
    """What a run is asked beside what its own scenario asks, because it is compared with others.

    Parameters
    ----------
    questions : tuple of Question
        None of them decides.
    prices : tuple of Price
        Those of the others.
    measures : tuple of str
        Output addresses that cost is divided by.
    unchanged : bool
        Whether it is compared with the network as it is, and not with a reference of its own.
    """

    questions: tuple[Question, ...] = ()
    prices: tuple[Price, ...] = ()
    measures: tuple[str, ...] = ()
    unchanged: bool = False

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain data, for the manifest; `read_added` reads it."""
        labels = ("label", "unit")
        return {
            "questions": [vars(one) | {name: vars(getattr(one, name)) for name in labels} for one in self.questions],
            "prices": [vars(price) for price in self.prices],
            "measures": list(self.measures),
            "unchanged": self.unchanged,
        }


def read_added(told: Mapping[str, Any]) -> Added:
    """Read what `Added.plain` gave.

    Parameters
    ----------
    told : mapping
        From a manifest.

    Raises
    ------
    KeyError, TypeError
        It is something else.
    """
    from crksim.analysis.comparison import Question
    from crksim.model.network import Label
    from crksim.model.prices import Price

    return Added(
        questions=tuple(
            Question(**{**one, "label": Label(**one["label"]), "unit": Label(**one["unit"])})
            for one in told["questions"]
        ),
        prices=tuple(Price(**price) for price in told["prices"]),
        measures=tuple(str(measure) for measure in told["measures"]),
        unchanged=told["unchanged"] is True,
    )


def with_added(case: Case, added: Added) -> Case:
    """Return a case that is asked more.

    Parameters
    ----------
    case : Case
        As its scenario asks.
    added : Added
        What its network knows.
    """
    scenario = replace(case.scenario, prices=(*case.scenario.prices, *added.prices))
    case = replace(case, scenario=scenario, questions=(*case.questions, *added.questions), added=added)
    if not added.unchanged:
        return case
    reference = unchanged()
    worlds, studies = (reference.worlds[-1], case.worlds[-1]), (reference.study, case.study)
    return replace(case, worlds=worlds, studies=studies)


def unchanged() -> Case:
    """Return the case of the network as it is, its only world named as the reference that scenarios have by default."""
    from crksim.model.scenario import Scenario

    case, default = load_case(UNCHANGED), Scenario.references[0]
    world = replace(case.worlds[-1], id=default.id, label=default.label)
    return replace(case, worlds=(world,), studies=(case.study,))


def against_own(case: Case) -> bool:
    """Say whether a case is compared with what its scenario names first, as other ways to build the model were."""
    own = case.scenario.references[:1]
    return [(one.id, one.scenario) for one in own] == [(one.id, one.scenario) for one in case.worlds[:1]]


def asked_alike(cases: Sequence[Case], references: Sequence[str], lang: str) -> list[Case]:
    """Return the cases, each with what decides in another one and with the prices of the others.

    Parameters
    ----------
    cases : sequence of Case
        What is compared.
    references : sequence of str
        World id of the reference of each, empty where it is the network as it is and none of its own.
    lang : str
        Language of what is said about faults.

    Raises
    ------
    InputError
        Two of them have one price of different size, or pay for one thing twice when they are taken together.
    """
    prices = _common_prices(cases, lang)
    deciding = {question.measure: question for case in cases for question in case.questions if question.decides}
    found = []
    for case, reference in zip(cases, references, strict=True):
        network, known = case.study.network, {question.measure for question in case.questions}
        questions = tuple(
            replace(question, decides=False)
            for measure, question in deciding.items()
            if measure not in known and _is_measured(measure, network)
        )
        own = {price.key for price in case.scenario.prices}
        more = tuple(price for price in prices if price.key not in own and _is_measured(price.measure, network))
        added = Added(questions, more, _divisors(list(deciding), network) if prices else (), not reference)
        found.append(with_added(case, added) if added != Added() else case)
    _check_together(found)
    return found


def _is_measured(measure: str, network: Network) -> bool:
    """Say whether a network has what is measured; a service, say, may be in another option only."""
    from crksim.model.vocabulary import parse_measure

    try:
        parse_measure(measure, network)
    except InputError:
        return False
    return True


def _divisors(leads: Sequence[str], network: Network) -> tuple[str, ...]:
    """Return what cost may be divided by, whichever of the measures is chosen by."""
    from crksim.analysis.costing import outcome_measures

    known = [lead for lead in leads if _is_measured(lead, network)]
    return tuple(dict.fromkeys(measure for lead in known for measure in outcome_measures(lead, network).values()))


def _common_prices(cases: Sequence[Case], lang: str) -> list[Price]:
    """Return every price of any of the cases; one that two of them give must be the same."""
    found: dict[str, tuple[str, Price]] = {}
    problems = []
    for case in cases:
        for price in case.scenario.prices:
            name, first = found.setdefault(price.key, (case.name, price))
            if price.kroner != first.kroner:
                rule = say(lang, "compare_price", kroner=f"{first.kroner:g}", name=name)
                problems.append(Problem(f"prices.{price.key}", f"{price.kroner:g}", rule, file=case.name))
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return [price for _, price in found.values()]


def _check_together(cases: Sequence[Case]) -> None:
    """Refuse what is paid for once in one scenario and once more in another."""
    from crksim.model.prices import check_prices

    problems: dict[str, Problem] = {}
    for case in cases:
        try:
            check_prices(case.scenario.prices, case.study.network)
        except InputError as error:
            problems |= {str(problem): replace(problem, file=COMMAND_LINE) for problem in error.problems}
    if problems:
        raise InputError(list(problems.values()))
