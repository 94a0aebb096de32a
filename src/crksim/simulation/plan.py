"""From a study to what the engine runs: the structure once per world, the numbers once per ensemble member."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crksim.errors import CheckError
from crksim.model.cohorts import Cohort
from crksim.model.ends import End
from crksim.model.laws import Law, law_from
from crksim.model.network import Case, Dated, LawSpec, Length, Number, Shares, Study
from crksim.model.referrals import Referral, TakeUp
from crksim.model.services import Service
from crksim.simulation.behaviour import HOME, ORIGIN, Behaviour, BoundEnd, Steps
from crksim.simulation.clinicplan import ClinicPlan
from crksim.simulation.ends import careful, leads_to_death, status_names
from crksim.simulation.misses import Awaited, Habits, sort_of
from crksim.simulation.staylog import DIED, LEAVE, REASONS, Legend

__all__ = ["WORDS", "Plan", "Structure", "structure"]

T = TypeVar("T")
Cumulative = tuple[float, ...]

#: Words for destinations that are not services, as codes.
WORDS = {"leave": LEAVE, "died": DIED, "home": HOME, "origin": ORIGIN}
_DONE = End(id="done", share="rest", hazard=None, length=None, to=Shares((("leave", None),)))


class Structure:
    """What does not depend on numbers: indices, orders, kinds of citizens, which rules stand where.

    Parameters
    ----------
    study : Study
        A validated study.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        network = study.network
        self.services: tuple[Service, ...] = network.services
        self.cohorts: tuple[Cohort, ...] = network.cohorts
        self.rules: tuple[Referral, ...] = tuple(sorted(network.referrals, key=lambda rule: rule.luck_key))
        self.parameters = tuple(parameter.id for parameter in network.parameters)
        self.service_index = {service.id: index for index, service in enumerate(self.services)}
        families = sorted({service.luck_key for service in self.services})
        #: Service -> index of its family.
        self.families = tuple(families.index(service.luck_key) for service in self.services)
        self.cohort_rank = _ranks([cohort.luck_key for cohort in self.cohorts])
        self.service_rank = _ranks([service.luck_key + "\x00" + service.site for service in self.services])
        ends = {end.id for service in self.services for case in service.ends for end in case.value}
        self.end_names = (*REASONS, *sorted((ends | {"done"}) - set(REASONS)))
        self.end_index = {name: index for index, name in enumerate(self.end_names)}
        self.status_names = tuple(sorted(status_names(self.services)))
        self.lethal = any(leads_to_death(service) for service in self.services)
        self.careful = {self.service_index[name] for name in careful(self.services, self.rules)}
        self.kinds: list[dict[str, str]] = []
        self._kind_index: dict[tuple[tuple[str, str], ...], int] = {}
        self._changed: dict[tuple[int, tuple[tuple[str, str], ...]], int] = {}
        self._chosen: dict[tuple[int, int], tuple[int, ...]] = {}
        self._fitting: dict[tuple[int, tuple[int, ...]], NDArray[np.bool_]] = {}
        self._homes = np.empty(0, np.int64)
        self._cohorts = np.empty(0, np.int64)
        self._concerned: dict[tuple[int, int], bool] = {}
        self._rates: dict[tuple[int, int], int] = {}
        self.cohort_index = {cohort.id: index for index, cohort in enumerate(self.cohorts)}
        self.members = {group: self._members(group) for group in {rule.to for rule in self.rules if rule.nearest}}

    def _members(self, group: str) -> tuple[int, ...]:
        return tuple(index for index, service in enumerate(self.services) if service.group == group)

    def kind(self, attributes: Mapping[str, str]) -> int:
        """Return the number of a kind of citizen (attribute -> value, with ``cohort``)."""
        key = tuple(sorted(attributes.items()))
        found = self._kind_index.get(key)
        if found is None:
            found = self._kind_index[key] = len(self.kinds)
            self.kinds.append(dict(key))
            if found >= 1 << 14:
                raise CheckError(f"more than {1 << 14} kinds of citizens were reached")
        return found

    def changed(self, kind: int, becomes: tuple[tuple[str, str], ...]) -> int:
        """Return the kind that `kind` turns into when attributes change."""
        found = self._changed.get((kind, becomes))
        if found is None:
            found = self._changed[kind, becomes] = self.kind({**self.kinds[kind], **dict(becomes)})
        return found

    def choose(self, cases: tuple[Case[T], ...], kind: int) -> int:
        """Return the index of the case that `kind` falls in, -1 for an empty tuple.

        Raises
        ------
        CheckError
            When no case takes the kind; `read_study` refuses such studies.
        """
        attributes = self.kinds[kind]
        for index, case in enumerate(cases):
            if case.when is None or case.when.matches(attributes):
                return index
        if not cases:
            return -1
        raise CheckError(f"no case takes a citizen with {attributes}")

    def signature(self, service: int, kind: int) -> tuple[int, ...]:
        """Return which cases of ends, length, death and each end's own length apply to `kind` in a service."""
        found = self._chosen.get((service, kind))
        if found is None:
            it = self.services[service]
            ends = self.choose(it.ends, kind)
            own = tuple(self._own(it, end, kind) for end in (it.ends[ends].value if it.ends else ()))
            found = (ends, self.choose(it.length or (), kind), self.choose(it.death, kind), *own)
            self._chosen[service, kind] = found
        return found

    def _own(self, service: Service, end: End, kind: int) -> int:
        """Return which case of an end's own length applies to `kind`, or how it misses talks; -1 where nothing does."""
        if end.misses is not None and service.clinic is not None:
            return sort_of(service.clinic, self.kinds[kind])
        return self.choose(end.length, kind) if end.length else -1

    def fitting(self, service: int, signature: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return for every kind so far whether a signature is its own in a service; one that no case takes has none."""
        known = self._fitting.get((service, signature))
        if known is None or len(known) < len(self.kinds):
            first = 0 if known is None else len(known)
            more = [self._fits(service, kind, signature) for kind in range(first, len(self.kinds))]
            known = np.array(more) if known is None else np.concatenate((known, more))
            self._fitting[service, signature] = known
        return known

    def _fits(self, service: int, kind: int, signature: tuple[int, ...]) -> bool:
        try:
            return self.signature(service, kind) == signature
        except CheckError:
            return False

    def cohorts_of(self, kinds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index of the cohort of citizens of some kinds."""
        if len(self._cohorts) < len(self.kinds):
            self._cohorts = np.array([self.cohort_index[kind["cohort"]] for kind in self.kinds])
        return self._cohorts[kinds]

    def homes(self, kinds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the home of citizens of some kinds; `LEAVE` without one."""
        if len(self._homes) < len(self.kinds):
            self._homes = np.array([self.service_index.get(kind.get("home", ""), LEAVE) for kind in self.kinds])
        return self._homes[kinds]

    def concerns(self, rule: int, kind: int) -> bool:
        """Say whether a rule's ``when`` takes a kind of citizen."""
        found = self._concerned.get((rule, kind))
        if found is None:
            when = self.rules[rule].when
            found = self._concerned[rule, kind] = when is None or when.matches(self.kinds[kind])
        return found

    def rate_case(self, rule: int, kind: int) -> int:
        """Return which case of a rule's rate a kind of citizen falls in."""
        found = self._rates.get((rule, kind))
        if found is None:
            found = self._rates[rule, kind] = self.choose(self.rules[rule].rate, kind)
        return found

    @cached_property
    def dates(self) -> dict[int, tuple[float, ...]]:
        """Days on which what a service draws on admission changes: service -> rising days."""
        result: dict[int, tuple[float, ...]] = {}
        for index, service in enumerate(self.services):
            days: set[float] = set()
            _collect(service.length, days)
            for case in service.ends:
                for end in case.value:
                    _collect((end.share, end.length, end.to, end.status, end.without, end.becomes), days)
            _collect((service.patience, service.priority), days)
            if days:
                result[index] = tuple(sorted(days))
        return result

    def bind(self, theta: Mapping[str, float]) -> Plan:
        """Return the plan with every number filled in from the parameter values `theta`."""
        return Plan(self, theta)

    def legend(self, kinds: tuple[tuple[tuple[str, str], ...], ...]) -> Legend:
        """Return the names behind a log's numbers."""
        return Legend(
            services=tuple(service.id for service in self.services),
            cohorts=tuple(cohort.id for cohort in self.cohorts),
            rules=tuple(rule.id for rule in self.rules),
            ends=self.end_names,
            statuses=self.status_names,
            kinds=kinds,
        )


def structure(study: Study) -> Structure:
    """Return the structure of a study; built once per world and shared by all members."""
    return Structure(study)


def _ranks(keys: list[str]) -> tuple[int, ...]:
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ranks = [0] * len(keys)
    for rank, index in enumerate(order):
        ranks[index] = rank
    return tuple(ranks)


def _collect(value: object, days: set[float]) -> None:
    """Gather the days on which any dated value inside `value` changes."""
    if isinstance(value, Dated):
        for day, inner in value.steps:
            if day > -math.inf:
                days.add(day)
            _collect(inner, days)
    elif isinstance(value, Case):
        _collect(value.value, days)
    elif isinstance(value, Shares):
        _collect(value.branches, days)
    elif isinstance(value, LawSpec):
        _collect(value.numbers, days)
        _collect(value.parts, days)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, days)


class Plan:
    """A structure with the numbers of one ensemble member; what is drawn is built when first needed.

    Parameters
    ----------
    structure : Structure
        The world.
    theta : mapping of str to float
        Value of every parameter, in the units of its use.
    """

    def __init__(self, structure: Structure, theta: Mapping[str, float]) -> None:
        missing = [name for name in structure.parameters if name not in theta]
        if missing:
            raise CheckError(f"no value for parameters {', '.join(missing)}")
        self.structure = structure
        self.theta = dict(theta)
        self._behaviours: dict[tuple[object, ...], Behaviour] = {}
        self._shares: dict[tuple[int, float], tuple[Cumulative, tuple[int, ...]]] = {}

    def number(self, number: Number, day: float) -> float:
        """Return a number as it stands on a day."""
        return number.at(day).value(self.theta)

    def mortal(self, service: Service) -> bool:
        """Say whether anyone can die in a service."""
        return any(quantity.value(self.theta) > 0.0 for case in service.death for _, quantity in case.value.steps)

    def steps(self, number: Number) -> Steps:
        """Return a rate as a step function of the calendar; equal neighbours are one step."""
        times: list[float] = []
        rates: list[float] = []
        for start, quantity in number.steps:
            rate = quantity.value(self.theta)
            if not rates or rate != rates[-1]:
                times.append(start)
                rates.append(rate)
        return Steps(times, rates)

    def law(self, spec: LawSpec, day: float) -> Law:
        """Return a length law with its numbers as they stand on a day."""
        numbers = {name: self.number(number, day) for name, number in spec.numbers}
        parts = {name: (numbers.pop("weight:" + name, math.nan), self.law(part, day)) for name, part in spec.parts}
        if spec.law == "mixture":
            given = sum(weight for weight, _ in parts.values() if not math.isnan(weight))
            parts = {name: (1.0 - given if math.isnan(w) else w, law) for name, (w, law) in parts.items()}
        try:
            return law_from(spec.law, numbers, parts)
        except ValueError as error:
            raise CheckError(f"a length with the law '{spec.law}' {error}") from error

    def length(self, length: Length, case: int, day: float) -> Law:
        """Return the law of one case of a length on a day."""
        return self.law(length[case].value.at(day), day)

    def shares(self, shares: Shares, day: float) -> tuple[Cumulative, tuple[str, ...]]:
        """Return running sums and branch names of a share map on a day; the last sum is exactly one."""
        total, sums = 0.0, []
        for _, number in shares.branches:
            if number is not None:
                total += self.number(number, day)
            sums.append(total)
        if total > 1.0 + 1e-9:
            raise CheckError(f"shares {[name for name, _ in shares.branches]} sum to {total:.6g}; must not exceed 1")
        sums[-1] = 1.0
        return tuple(sums), tuple(name for name, _ in shares.branches)

    def destinations(self, shares: Shares, day: float) -> tuple[Cumulative, tuple[int, ...]]:
        """Return running sums and destinations (service index, or a code below zero) of a share map on a day."""
        sums, names = self.shares(shares, day)
        index = self.structure.service_index
        return sums, tuple(WORDS[name] if name in WORDS else index[name] for name in names)

    def take_up(self, rule: Referral, kind: int, day: float) -> tuple[float, float]:
        """Return the chance of accepting at the own and at another site."""
        value: TakeUp = rule.take_up[self.structure.choose(rule.take_up, kind)].value
        return self.number(value.own_site, day), self.number(value.other_site, day)

    def behaviour(self, service: int, kind: int, epoch: int) -> Behaviour:
        """Return what admission of a `kind` to a service draws, `epoch` dated changes after the start."""
        signature = self.structure.signature(service, kind)
        key = (service, epoch, *signature)
        found = self._behaviours.get(key)
        if found is None:
            day = -math.inf if epoch == 0 else self.structure.dates[service][epoch - 1]
            found = self._behaviours[key] = self._build(len(self._behaviours), service, signature, day)
        return found

    def _build(self, number: int, service: int, signature: tuple[int, ...], day: float) -> Behaviour:
        it = self.structure.services[service]
        ends = it.ends[signature[0]].value if it.ends else (_DONE,)
        own = signature[3:] or (-1,)
        planned = [(end, case) for end, case in zip(ends, own, strict=True) if end.share is not None]
        competing = [(end, case) for end, case in zip(ends, own, strict=True) if end.share is None]
        total, sums = 0.0, []
        for end, _ in planned:
            if isinstance(end.share, Dated):
                total += self.number(end.share, day)
            sums.append(total)
        if total > 1.0 + 1e-9:
            raise CheckError(f"services.{it.id}.ends: shares sum to {total:.6g}; must not exceed 1")
        if sums:
            sums[-1] = 1.0
        bound = tuple(
            self._bind_end(it, end, case, signature[1], day)
            for end, case in (*planned, *sorted(competing, key=lambda pair: pair[0].id))
        )
        death = self.steps(it.death[signature[2]].value) if signature[2] >= 0 else None
        if death is not None and death.rates == [0.0]:
            death = None
        with_care = service in self.structure.careful
        behaviour = Behaviour(number, service, signature, it.luck_key, tuple(sums), bound, death, with_care)
        # An end or a closing that leads to death ends every strand, so every stay must be found again.
        behaviour.simple = behaviour.simple and not self.structure.lethal
        return behaviour

    def _bind_end(self, service: Service, end: End, own: int, default: int, day: float) -> BoundEnd:
        law = None
        if end.share is not None:
            if end.length:
                law = self.length(end.length, own, day)
            elif service.length:
                law = self.length(service.length, default, day)
            else:
                raise CheckError(f"services.{service.id}.ends.{end.id}: no length")
        status_index = {name: index for index, name in enumerate(self.structure.status_names)}

        def statuses(shares: Shares | None) -> tuple[Cumulative, tuple[int, ...]]:
            if shares is None:
                return (1.0,), (-1,)
            sums, names = self.shares(shares, day)
            return sums, tuple(status_index[name] for name in names)

        return BoundEnd(
            id=end.id,
            index=self.structure.end_index[end.id],
            law=law,
            hazard=None if end.hazard is None else self.steps(end.hazard),
            to=self.destinations(end.to, day),
            status=statuses(end.status),
            without=None if end.without is None else statuses(end.without),
            becomes=tuple((name, *self.shares(shares, day)) for name, shares in end.becomes),
            awaited=None if end.misses is None else self._awaited(service, end, own),
        )

    def _awaited(self, service: Service, end: End, sort: int) -> Awaited:
        study = self.structure.study
        plan = ClinicPlan.of(study.network, service.id, self.theta, study.start)
        return Awaited(Habits(plan, sort), end, study.end)
