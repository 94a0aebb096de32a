"""Several what-ifs at once: each holds from its own date, and no number may be changed by two of them differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from crksim.errors import InputError, Problem
from crksim.model.network import Label
from crksim.model.scenario import Reference, Scenario

__all__ = ["combined", "with_parts"]


def combined(scenarios: Sequence[Scenario]) -> Scenario:
    """Return the what-if that makes the changes of several.

    Parameters
    ----------
    scenarios : sequence of Scenario
        At least one; a single one is returned as it is.

    Raises
    ------
    InputError
        When two of them change one address differently, or call different switches by one name.
    """
    if len(scenarios) == 1:
        return scenarios[0]
    problems = [problem for one, two in combinations(scenarios, 2) for problem in _conflicts(one, two)]
    if problems:
        raise InputError(problems)
    parts: list[Scenario] = []
    seen: set[str] = set()
    for scenario in scenarios:
        own = {address: raw for address, raw in scenario.changes.items() if address not in seen}
        seen |= set(own)
        parts.append(Scenario(scenario.id, scenario.title, scenario.question, scenario.from_day, changes=own))
    references: dict[str, Reference] = {}
    for scenario in scenarios:
        for reference in scenario.references:
            references.setdefault(reference.id, reference)
    notes = [scenario.notes for scenario in scenarios if scenario.notes is not None]
    return Scenario(
        id="+".join(scenario.id for scenario in scenarios),
        title=_joined([scenario.title for scenario in scenarios], " + "),
        question=_joined([scenario.question for scenario in scenarios], " "),
        from_day=parts[0].from_day,
        references=tuple(references.values()),
        changes={address: raw for part in parts for address, raw in part.changes.items()},
        notes=_joined(notes, " ") if notes else None,
        measures=tuple(dict.fromkeys(name for scenario in scenarios for name in scenario.measures)),
        worthwhile={name: least for scenario in reversed(scenarios) for name, least in scenario.worthwhile.items()},
        cannot_answer=tuple(dict.fromkeys(name for scenario in scenarios for name in scenario.cannot_answer)),
        variants=tuple({variant.id: variant for scenario in scenarios for variant in scenario.variants}.values()),
        parts=tuple(parts),
        prices=tuple({price.key: price for scenario in reversed(scenarios) for price in scenario.prices}.values()),
    )


def with_parts(scenario: Scenario, others: Sequence[Scenario]) -> Scenario:
    """Return a scenario with the changes of the others that its ``combines`` names, under its own name and questions.

    Raises
    ------
    InputError
        When two of them change one address differently.
    """
    if not others:
        return scenario
    found = combined([scenario, *others])
    return replace(scenario, changes=found.changes, parts=found.parts, combines=())


def _joined(labels: Sequence[Label], between: str) -> Label:
    return Label(between.join(label.da for label in labels), between.join(label.en for label in labels))


def _conflicts(one: Scenario, two: Scenario) -> list[Problem]:
    problems = []
    for address, raw in one.changes.items():
        for other, theirs in two.changes.items():
            within = address.startswith(other + ".") or other.startswith(address + ".")
            same = address == other and raw == theirs and one.from_day == two.from_day
            if (address == other and not same) or within:
                rule = f"is changed by '{one.id}' and by '{two.id}' differently, so they cannot be combined"
                problems.append(
                    Problem(max(address, other, key=len), theirs if len(other) >= len(address) else raw, rule)
                )
    names = {variant.id: variant for variant in one.variants}
    for variant in two.variants:
        if variant.id in names and names[variant.id].changes != variant.changes:
            rule = f"is a switch of '{one.id}' and another one of '{two.id}', so they cannot be combined"
            problems.append(Problem(f"switch.{variant.id}", variant.id, rule))
    return problems
