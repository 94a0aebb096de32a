"""Members of the ensemble: what may be true, calibrated or drawn by name, so that worlds share it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crksim.errors import InputError, Problem, nearest
from crksim.model.ledger import Ledger
from crksim.model.network import Label, Network, Study
from crksim.model.study import read_study
from crksim.simulation.luck import Luck, constant, uniform

__all__ = ["Ensemble", "WorldStudy", "draw_members", "network_mark", "read_ensemble"]

#: Keys of a study whose values are words and move no number.
_WORDS = ("label", "title", "question", "note", "notes")

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


@dataclass(frozen=True)
class Ensemble:
    """Versions of the system that agree with the report.

    Parameters
    ----------
    members : tuple of dict
        A value of every calibrated parameter (in days, per day, or without unit).
    left : mapping of str to float
        Parameter -> share of the width that it had before the report's counts were looked at.
    network : str
        Mark of the network that it was calibrated on, as `network_mark` gives it.
    frozen : str
        Mark of what was decided before the calibration.
    mark : str
        Short mark of the members themselves.
    """

    members: tuple[Mapping[str, float], ...]
    left: Mapping[str, float]
    network: str
    frozen: str
    mark: str


def network_mark(study: Mapping[str, Any], ledger: Mapping[str, Any]) -> str:
    """Return a short mark (64 bits, hexadecimal) of a network and the laws of its parameters; words do not matter.

    Parameters
    ----------
    study : mapping
        The study as a plain dict.
    ledger : mapping
        Address -> evidence, as a plain dict.
    """

    def bare(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): bare(inner) for key, inner in value.items() if key not in _WORDS}
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    laws = {
        address: {
            field: entry[field] for field in ("law", "low", "high", "numbers", "rest_of", "at_most") if field in entry
        }
        for address, entry in ledger.items()
        if address.startswith("parameters.")
    }
    text = json.dumps([bare(study), laws], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_ensemble(rows: Sequence[Mapping[str, str]], manifest: Mapping[str, Any], network: Network) -> Ensemble:
    """Read an ensemble from its table and its manifest.

    Parameters
    ----------
    rows : sequence of mapping
        A row for every member: parameter -> number as text; ``member`` counts them.
    manifest : mapping
        ``network``, ``frozen`` and ``left``.
    network : Network
        Whose parameters are named.

    Raises
    ------
    InputError
        Unknown parameters, or what is no number; every fault is told.
    """
    known = {parameter.id for parameter in network.parameters}
    names = [name for name in (rows[0] if rows else ()) if name != "member"]
    problems = [
        Problem(f"members.{name}", name, "is no parameter of the network", nearest(name, known))
        for name in names
        if name not in known
    ]
    problems += [
        Problem(f"manifest.{name}", manifest.get(name), "must be given")
        for name in ("network", "frozen", "left")
        if name not in manifest
    ]
    if not rows:
        problems.append(Problem("members", 0, "must be at least one"))
    members = []
    for number, row in enumerate(rows):
        values = {name: _number(row[name]) for name in names}
        problems += [
            Problem(f"members.{number}.{name}", row[name], "must be a number")
            for name, value in values.items()
            if not math.isfinite(value)
        ]
        members.append(values)
    if problems:
        raise InputError(problems)
    told = json.dumps(members, sort_keys=True)
    return Ensemble(
        members=tuple(members),
        left={str(name): float(value) for name, value in manifest["left"].items()},
        network=str(manifest["network"]),
        frozen=str(manifest["frozen"]),
        mark=hashlib.sha256(told.encode()).hexdigest()[:16],
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


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
        Values that are not drawn, as in `replicate`; where a world writes another value than the main reference, the
        rule above holds for them too.

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
            drawn[index].append(ledger.draw(network, draw, {**per_member[member], **known}))
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
