"""Members of the ensemble: what may be true, drawn by name so that worlds share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crksim.errors import InputError, Problem
from crksim.model.ledger import Ledger
from crksim.model.network import Label, Network, Study
from crksim.model.study import read_study
from crksim.simulation.luck import Luck, constant, uniform

__all__ = ["WorldStudy", "draw_members"]

#: Luck family of the parameters; the leading blank keeps it apart from every id.
_ENSEMBLE = " ensemble"


@dataclass(frozen=True)
class WorldStudy:
    """A world to run.

    Parameters
    ----------
    id : str
        ``what_if`` or the reference's id.
    scenario : str
        Name of the scenario.
    study : mapping
        The study as a plain dict, changes applied.
    changes : mapping
        The scenario's changes by address, as plain data or with their operation as ``op``; what they say of parameters
        decides how members vary in them.
    known : Study, optional
        The same study as `read_study` gave it; read when not given.
    """

    id: str
    scenario: str
    label: Label
    study: Mapping[str, object]
    changes: Mapping[str, object] = field(default_factory=dict)
    known: Study | None = None

    def read(self) -> Study:
        """Return the study as a checked value.

        Raises
        ------
        InputError
            When the study breaks a rule.
        """
        return read_study(self.study) if self.known is None else self.known


def draw_members(
    worlds: Sequence[WorldStudy],
    networks: Sequence[Network],
    ledger: Ledger,
    members: int,
    seed: int,
    overrides: Mapping[str, float] | Sequence[Mapping[str, float]] | None = None,
) -> list[tuple[dict[str, float], ...]]:
    """Return, for every world, the parameter values of every member.

    A parameter is drawn by its name, so worlds share it.  Where a world writes another value than the main reference,
    the planner has changed it: ``times`` and ``plus`` act on every member's own value, anything else holds for all.

    Parameters
    ----------
    worlds, networks : sequence
        The worlds and their networks, the main reference first.
    ledger : Ledger
        Laws of the parameters.
    members : int
        Number of members.
    seed : int
        Seed of the draws.
    overrides : mapping, or sequence of mappings, optional
        As in `replicate`.

    Raises
    ------
    InputError
        When there are fewer mappings than members, or a value does not go with its evidence.
    """
    if overrides is None or isinstance(overrides, Mapping):
        per_member: Sequence[Mapping[str, float]] = [overrides or {}] * members
    else:
        per_member = overrides
    if len(per_member) < members:
        raise InputError([Problem("members", members, f"must be at most {len(per_member)}, the size of the ensemble")])
    main = {parameter.id: parameter.value for parameter in networks[0].parameters}
    luck = Luck(seed, 0)
    drawn: list[list[dict[str, float]]] = [[] for _ in worlds]
    for member in range(members):
        base = luck.base(_ENSEMBLE, member)

        def draw(name: str, base: int = base) -> float:
            return uniform(base, constant(_ENSEMBLE, 0, name))

        own = ledger.draw(networks[0], draw, per_member[member])
        drawn[0].append(own)
        for index, (world, network) in enumerate(zip(worlds[1:], networks[1:], strict=True), start=1):
            known = {
                parameter.id: own[parameter.id]
                if parameter.value == main[parameter.id]
                else _changed(parameter.id, parameter.value.factor, main[parameter.id].factor, own, world.changes)
                for parameter in network.parameters
                if parameter.id in main and not parameter.value.parameters
            }
            drawn[index].append(ledger.draw(network, draw, {**known, **per_member[member]}))
    return [tuple(thetas) for thetas in drawn]


def _changed(name: str, new: float, old: float, own: Mapping[str, float], changes: Mapping[str, object]) -> float:
    """Return a member's value of a parameter that a scenario has changed from `old` to `new`."""
    change = changes.get(f"parameters.{name}.value", changes.get(f"parameters.{name}"))
    if isinstance(change, Mapping) and isinstance(change.get("value"), Mapping):
        change = change["value"]
    words = tuple(change) if isinstance(change, Mapping) else (getattr(change, "op", ""),)
    if "times" in words and old != 0.0:
        return own[name] * (new / old)
    if "plus" in words:
        return own[name] + (new - old)
    return new
