"""What every world of a case stands on: the network, as it is or begun on another day from own base numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crksim.errors import InputError, Problem
from crksim.interface.files import find_scenario, locate, read_yaml, scenario_places
from crksim.interface.sheets import COMMAND_LINE, Sheet

if TYPE_CHECKING:
    from crksim.model.changes import Scenario
    from crksim.model.network import Label

__all__ = ["UNCHANGED", "Ground", "stand_on"]

#: What is asked when only base numbers are given: what happens if nothing is changed.
UNCHANGED = "baseline"


@dataclass(frozen=True)
class Ground:
    """The network that all worlds share, and the base numbers in it.

    Parameters
    ----------
    network : Sheet
        With the base numbers in it.
    base : Scenario or None
        The base numbers.
    forecast : str
        ISO date of the forecast of the network without them.
    alone : bool
        Whether the base numbers are all that was asked for.
    """

    network: Sheet
    base: Scenario | None = None
    forecast: str = ""
    alone: bool = False

    def begun(self, scenario: Scenario) -> Scenario:
        """Return a what-if as it is asked on this ground."""
        from crksim.model.rebasing import begun_on

        return scenario if self.base is None else begun_on(scenario, str(self.base.as_of), self.forecast)

    def named(self, scenario: Scenario) -> Scenario:
        """Return a what-if with the name and the title of the base numbers before its own."""
        from crksim.model.network import Label

        base = self.base
        if base is None:
            return scenario
        if self.alone:
            return replace(scenario, id=base.id, title=base.title, question=base.question, notes=base.notes)
        title = Label(*(f"{getattr(base.title, la)} + {getattr(scenario.title, la)}" for la in ("da", "en")))
        return replace(scenario, id=f"{base.id}+{scenario.id}", title=title)

    def told(self) -> tuple[Label, ...]:
        """Return what every world begins with, in plain words."""
        from crksim.model.network import Label
        from crksim.output.report.wording import Wording

        if self.base is None:
            return ()
        day, title = str(self.base.as_of), self.base.title
        return (
            Label(
                f"Alle verdener begynder {Wording('da').iso(day)} med: {title.da}",
                f"Every world begins on {Wording('en').iso(day)} with: {title.en}",
            ),
        )


def stand_on(network: Sheet, paths: Sequence[Path]) -> tuple[Ground, list[Path]]:
    """Return the ground, and the files of the what-if that is asked on it.

    Parameters
    ----------
    network : Sheet
        The network as it is.
    paths : sequence of Path
        Scenario files; at most one has base numbers, told by ``as_of``.

    Raises
    ------
    InputError
        Several with base numbers, or a fault in them.
    """
    bases = [path for path in paths if "as_of" in read_yaml(path).data]
    if not bases:
        return Ground(network), list(paths)
    if len(bases) > 1:
        rule = "has own base numbers too; only one of the scenarios may"
        raise InputError([Problem("scenario", path.stem, rule, file=COMMAND_LINE) for path in bases[1:]])
    from crksim.model.changes import apply, read_scenario
    from crksim.model.rebasing import rebased

    sheet = read_yaml(bases[0])
    places = scenario_places(sheet)
    try:
        base = read_scenario(sheet.data, bases[0].stem)
        data = apply(rebased(network.data, str(base.as_of)), base)
    except InputError as error:
        raise locate(error, network.places, changed=places) from error
    rest = [path for path in paths if path not in bases]
    time = network.data["time"]
    ground = Ground(Sheet(data, {**network.places, **places}), base, str(time.get("forecast", time["start"])), not rest)
    return ground, rest or [find_scenario(UNCHANGED)]
