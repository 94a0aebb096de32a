"""Where every number comes from, and what else it may be.

The ledger is a flat map from addresses of the network to evidence; ``*`` stands for one segment of an address, and the
most specific entry wins::

    parameters.group_length:
      {kind: report, fact: youth_group_mean_stay, low: 2 months, high: 3.5 months, law: pert, note: rounded in the text}
    parameters.group_starts: {kind: derived, note: 19 in 9 months, law: gamma, numbers: {shape: 19.5, rate: 0.75 years}}
    services.*.staff.*.minutes: {kind: assumed, note: not in the report}

Two uncertain shares of one map: ``rest_of: NAME`` draws a share as a part of what the parameter NAME leaves; with
``at_most``, so that the two leave room for the other branches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import format_duration, format_rate, parse_quantity
from crksim.model.evidence import FIELDS, Evidence, evidence_faults, read_evidence, rest_faults
from crksim.model.network import Network, Parameter
from crksim.model.priors import Prior, beta_below, rest_law

__all__ = ["Ledger", "numbers_of", "read_ledger"]

_SECTIONS = ("parameters", "services", "cohorts", "referrals")
#: Keys whose values are words, whatever they look like.
_WORDS = ("label", "title", "when", "eligible")
_NAME = re.compile(r"@[a-z][a-z0-9_]*")
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_SEGMENT = re.compile(r"[a-z0-9_]+|\*")


@dataclass(frozen=True)
class Ledger:
    """Evidence by address.

    Parameters
    ----------
    evidence : tuple of Evidence
        Entries, sorted by address.
    """

    evidence: tuple[Evidence, ...]

    @cached_property
    def _exact(self) -> dict[str, Evidence]:
        return {entry.address: entry for entry in self.evidence}

    @cached_property
    def _patterns(self) -> dict[int, list[tuple[tuple[str, ...], Evidence]]]:
        """Entries with stars by number of segments, the most specific first."""
        found: dict[int, list[tuple[tuple[str, ...], Evidence]]] = {}
        for entry in self.evidence:
            parts = tuple(entry.address.split("."))
            if "*" in parts:
                found.setdefault(len(parts), []).append((parts, entry))
        for entries in found.values():
            # False sorts first: fewest stars, and of equally many the one with the earlier exact segments.
            entries.sort(key=lambda pair: (pair[0].count("*"), tuple(part == "*" for part in pair[0]), pair[0]))
        return found

    def entry(self, address: str) -> Evidence | None:
        """Return the most specific evidence for `address` (a parameter with or without ``.value``), or None."""
        address = _short(address)
        if address in self._exact:
            return self._exact[address]
        parts = tuple(address.split("."))
        for pattern, entry in self._patterns.get(len(parts), ()):
            if all(own in ("*", part) for own, part in zip(pattern, parts, strict=True)):
                return entry
        return None

    def missing(self, study: Mapping[str, object]) -> list[str]:
        """Return the addresses of the numbers of a study (as a plain dict) for which there is no evidence."""
        return [address for address, _, _ in numbers_of(study) if self.entry(address) is None]

    def unused(self, study: Mapping[str, object]) -> list[str]:
        """Return the addresses and patterns of the ledger that speak of no number of the study."""
        used = {self.entry(address) for address, _, _ in numbers_of(study)}
        return [entry.address for entry in self.evidence if entry not in used]

    def rows(self, study: Mapping[str, object]) -> list[dict[str, str]]:
        """Return a row of text for every number of the study; without evidence, its columns are empty.

        Parameters
        ----------
        study : mapping
            The study as a plain dict.

        Returns
        -------
        list of dict
            address, label_da, label_en, value, kind, fact, source, seen, low, high, law, note.
        """
        return [
            {"address": address, "label_da": label[0], "label_en": label[1], "value": str(value)}
            | {name: getattr(found, name, "") for name in FIELDS if name != "numbers"}
            for address, value, label in numbers_of(study)
            for found in (self.entry(address),)
        ]

    def draw(
        self, network: Network, uniform: Callable[[str], float], given: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Return one member of the ensemble: a value for every parameter.

        A parameter without evidence, with the law ``fixed``, or made of other parameters keeps what is written.

        Parameters
        ----------
        network : Network
            Where the parameters are declared.
        uniform : callable
            Name of a parameter -> its draw in (0, 1).
        given : mapping of str to float, optional
            Parameters that are not drawn: name -> value.

        Returns
        -------
        dict of str to float
            In days, per day, or without unit.

        Raises
        ------
        InputError
            When a parameter's value does not go with its evidence.
        """
        problems: list[Problem] = []
        names = {parameter.id for parameter in network.parameters}
        theta = {name: value for name, value in (given or {}).items() if name in names}
        declared = {parameter.id: parameter for parameter in network.parameters}
        drawn = [it for it in network.parameters if not it.value.parameters and it.id not in theta]
        for parameter in sorted(drawn, key=self._is_rest):
            theta[parameter.id] = self._drawn(parameter, declared, uniform, theta, problems)
        if problems:
            raise InputError(problems)
        for name in declared:
            _resolve(name, declared, theta)
        return theta

    def _is_rest(self, parameter: Parameter) -> bool:
        found = self.entry(f"parameters.{parameter.id}")
        return found is not None and bool(found.rest_of)

    def _drawn(
        self,
        parameter: Parameter,
        declared: Mapping[str, Parameter],
        uniform: Callable[[str], float],
        theta: Mapping[str, float],
        problems: list[Problem],
    ) -> float:
        """Return a parameter's value for one member, noting what does not go with the evidence."""
        address, value = f"parameters.{parameter.id}", parameter.value.factor
        found = self.entry(address)
        if found is None or found.law == "fixed":
            return value
        prior, fault = _looked_at(found, value)
        if fault is not None:
            said = f"{fault} (ledger: {found.low or '?'} to {found.high or '?'})"
            problems.append(Problem(address, _written(value, found.low), said))
            return value
        first = declared.get(found.rest_of)
        before = None if first is None else self.entry(f"parameters.{first.id}")
        if first is None or before is None:
            return prior.quantile(uniform(parameter.id))
        law = rest_law(prior, before.prior(first.value.factor))
        if law is None:
            said = f"must have a range that a part of what '{first.id}' leaves can have, and leave something with it"
            problems.append(Problem(address, value, f"{said} (ledger: {found.low} to {found.high})"))
            return value
        left, most = 1.0 - theta[first.id], float(found.at_most or 1.0) - theta[first.id]
        return left * beta_below(*law, most / left, uniform(parameter.id)) if most > 0.0 else 0.0


def read_ledger(data: Mapping[str, object], facts: Collection[str] | None = None) -> Ledger:
    """Read a ledger from a plain dict.

    Parameters
    ----------
    data : mapping
        Address or pattern -> fields of `Evidence`.
    facts : collection of str, optional
        Ids of the facts that may be cited.

    Raises
    ------
    InputError
        When entries break rules; every fault of every entry is told.
    """
    problems: list[Problem] = []
    entries: dict[str, Evidence] = {}
    for name, fields in data.items():
        address = str(name)
        if not all(_SEGMENT.fullmatch(part) for part in address.split(".")):
            problems.append(Problem(address, address, "must be an address such as 'services.*.places.hard'"))
        elif address.split(".")[0] not in _SECTIONS:
            known = nearest(address.split(".")[0], _SECTIONS)
            problems.append(Problem(address, address, f"must begin with one of {', '.join(_SECTIONS)}", known))
        elif not isinstance(fields, Mapping):
            problems.append(Problem(address, fields, "must be a map of 'kind', 'source', 'low', 'high' ..."))
        elif _short(address) in entries:
            problems.append(Problem(address, address, "must have one entry only"))
        else:
            faults = list(evidence_faults(address, fields, facts))
            problems += faults
            if not faults:
                entries[_short(address)] = read_evidence(_short(address), fields)
    for entry in entries.values():
        problems += rest_faults(entry, entries)
    if problems:
        raise InputError(problems)
    return Ledger(tuple(entries[address] for address in sorted(entries)))


def numbers_of(study: Mapping[str, object]) -> Iterator[tuple[str, object, tuple[str, str]]]:
    """Yield every number of a study given as a plain dict.

    A number is a bare one, a text such as ``3 months`` or ``24 %``, or a factor other than 1 in a product with
    parameters; ``@name`` alone is none, since the parameter has evidence of its own.

    Parameters
    ----------
    study : mapping
        The study as a plain dict.

    Yields
    ------
    tuple of (str, object, tuple of (str, str))
        Address, value as written, and the nearest label above it in Danish and English.
    """
    for section in _SECTIONS:
        content = study.get(section)
        if isinstance(content, Mapping):
            yield from _walk(section, content, ("", ""))


def _walk(
    address: str, content: Mapping[str, object], label: tuple[str, str]
) -> Iterator[tuple[str, object, tuple[str, str]]]:
    own = content.get("label")
    if isinstance(own, Mapping):
        label = (str(own.get("da", "")), str(own.get("en", "")))
    for key, value in content.items():
        if key in _WORDS:
            continue
        if isinstance(value, Mapping):
            yield from _walk(f"{address}.{key}", value, label)
        elif _is_number(value):
            yield f"{address}.{key}", value, label


def _is_number(value: object) -> bool:
    if isinstance(value, str) and "@" in value:
        return any(float(number) != 1.0 for number in _NUMBER.findall(_NAME.sub(" ", value)))
    try:
        parse_quantity(value)
    except ValueError:
        return False
    return True


def _short(address: str) -> str:
    """Return a parameter's address without its ``.value``; other addresses as they are."""
    parts = address.split(".")
    return ".".join(parts[:2]) if len(parts) == 3 and parts[0] == "parameters" and parts[2] == "value" else address


def _resolve(name: str, declared: Mapping[str, Parameter], theta: dict[str, float]) -> float:
    """Return a parameter that is made of others, putting it into `theta`."""
    if name not in theta:
        quantity = declared[name].value
        for part in quantity.parameters:
            _resolve(part.lstrip("/"), declared, theta)
        theta[name] = quantity.value(theta)
    return theta[name]


@lru_cache(maxsize=4096)
def _looked_at(evidence: Evidence, value: float) -> tuple[Prior, str | None]:
    """Return a number's law and the rule it breaks; looked at once and not for every member."""
    prior = evidence.prior(value)
    return prior, prior.fault()


def _written(value: float, like: str) -> float | str:
    """Return a number with a unit, if the text `like` has one."""
    dimension = parse_quantity(like)[1] if like else "number"
    if dimension == "duration":
        return format_duration(value)
    return format_rate(value) if dimension == "rate" else value
