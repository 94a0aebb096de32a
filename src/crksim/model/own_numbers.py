"""Own base numbers of services as changes of a study: who is there, who comes, places, posts.

Where one number speaks of several cohorts, or of several ways to come, all of them are scaled alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crksim.model.steps import is_steps, values_of, written
from crksim.model.study import resolved

__all__ = ["COLUMNS", "Beside", "OwnNumbers", "Ways", "changes_of", "places_key", "ways_of"]

#: What may be filled in for a service.
COLUMNS = ("present", "starts", "places", "staff")

#: Least citizens of one cohort in one service, on average, that are let in by themselves.
_SOME = 0.5


@dataclass(frozen=True)
class OwnNumbers:
    """What is known of one service; None is not known.

    Parameters
    ----------
    present : int or None
        Citizens enrolled on the day.
    starts : float or None
        Citizens who began in the year before.
    places : float or None
        Places at a time, or citizens that it is made for.
    staff : float or None
        Full-time posts.
    """

    present: int | None = None
    starts: float | None = None
    places: float | None = None
    staff: float | None = None


@dataclass(frozen=True)
class Beside:
    """The model's own numbers, which hold where nothing is filled in.

    Parameters
    ----------
    cells : mapping of (str, str) to float
        (Service, cohort) -> citizens present on the day.
    alike : mapping of (str, str) to sequence of (str, str)
        (Service, cohort) -> attributes that all of them have in common.
    starts : mapping of str to float
        Service -> citizens who began in the year before.
    rates : mapping of str to float
        Cohort -> newcomers per day.
    opened : mapping of (str, str) to float
        (Cohort, entry) -> citizens present when the study began.
    """

    cells: Mapping[tuple[str, str], float]
    alike: Mapping[tuple[str, str], Sequence[tuple[str, str]]]
    starts: Mapping[str, float]
    rates: Mapping[str, float]
    opened: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Ways:
    """How citizens come to a service.

    Parameters
    ----------
    homes : tuple of str
        Cohorts whose newcomers come to it as their home.
    cohorts : tuple of str
        Cohorts whose newcomers enter it.
    referrals : tuple of str
        Rules that lead to it, or to where it is decided who comes.
    """

    homes: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()
    referrals: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.homes or self.cohorts or self.referrals)


def places_key(service: Mapping[str, Any]) -> str | None:
    """Return whether a service's places are ``hard`` or a ``norm``; None has no limit."""
    places = service.get("places") or {}
    return next((key for key in ("hard", "norm") if key in places), None)


def ways_of(study: Mapping[str, Any], service: str) -> Ways:
    """Return how citizens come to a service, where its number of starts can be put in."""
    services, cohorts = study["services"], study.get("cohorts") or {}
    doors = {name for name, held in services.items() if held.get("treatment") is False}
    gates = {name for name, held in services.items() if held.get("blocking") and service in _sent(held)}
    arriving = {name: held for name, held in cohorts.items() if "arrivals" in held}
    by_home = service in (study.get("attributes") or {}).get("home", ())

    def leads(rule: Mapping[str, Any]) -> bool:
        to = rule["to"]
        group = to.get("nearest") if isinstance(to, Mapping) else None
        if group is not None:
            listed = ((study.get("groups") or {}).get(group) or {}).get("members", ())
            return services[service].get("group") == group or service in listed
        return to == service or to in gates

    return Ways(
        homes=tuple(
            name
            for name, held in arriving.items()
            if by_home and service in _branches(held.get("attributes", {}).get("home")) and _by_the_door(held, doors)
        ),
        cohorts=tuple(name for name, held in arriving.items() if service in _branches(held.get("enters"))),
        referrals=tuple(name for name, held in (study.get("referrals") or {}).items() if leads(held)),
    )


def _branches(shares: Any) -> tuple[str, ...]:
    return tuple(shares) if isinstance(shares, Mapping) else (shares,) if isinstance(shares, str) else ()


def _by_the_door(cohort: Mapping[str, Any], doors: Iterable[str]) -> bool:
    """Say whether newcomers come to their home, straight or by the door."""
    enters = cohort["enters"]
    used = [word for word in _branches(enters) if not (isinstance(enters, Mapping) and enters[word] == 0)]
    return any(word == "home" or word in set(doors) for word in used)


def _sent(service: Mapping[str, Any]) -> set[str]:
    """Return where the ends of a service lead."""
    found: set[str] = set()
    ends = service.get("ends") or {}
    several = [case["ends"] for case in ends["cases"].values()] if "cases" in ends else [ends]
    for own in several:
        for end in own.values():
            found |= set(_branches(end.get("to")))
    return found


# ------------------------------------------------------------------------------------------------------------ changes


def changes_of(
    study: Mapping[str, Any],
    beside: Beside,
    filled: Mapping[str, OwnNumbers],
) -> dict[str, Any]:
    """Return the changes that put own numbers into a study that begins on their day.

    Parameters
    ----------
    study : mapping
        The study that begins on the day, as a plain dict.
    beside : Beside
        The model's own numbers on the day.
    filled : mapping of str to OwnNumbers
        Service -> what is known.
    """
    arriving = _arriving(study, beside, filled)
    return {
        **_present(study, beside, filled, {name: factor for name, (factor, _) in arriving.items()}),
        **_newcomers(arriving),
        **_referrals(study, beside, filled),
        **_places_and_staff(study, filled),
    }


def _ratio(beside: Beside, filled: Mapping[str, OwnNumbers], service: str) -> float:
    """Return how many times as many start in a service as in the model; where it is not known, as many."""
    starts = filled[service].starts if service in filled else None
    return 1.0 if starts is None else starts / beside.starts[service]


def _arriving(
    study: Mapping[str, Any], beside: Beside, filled: Mapping[str, OwnNumbers]
) -> dict[str, tuple[float, dict[str, float]]]:
    """Return, by cohort, the factor on its newcomers and the mix of their homes (empty: as it was)."""
    found: dict[str, tuple[float, dict[str, float]]] = {}
    known = [name for name, own in filled.items() if own.starts is not None]
    plainly = resolved(study)["cohorts"] if known else {}
    for service in known:
        ways = ways_of(study, service)
        for cohort in ways.homes:
            mix = plainly[cohort]["attributes"]["home"]
            shares = _shares(mix)
            ratios = {home: share * _ratio(beside, filled, home) for home, share in shares.items()}
            factor = sum(ratios.values())
            found[cohort] = (factor, {home: ratio / factor for home, ratio in ratios.items()} if factor else {})
        for cohort in ways.cohorts:
            found.setdefault(cohort, (_ratio(beside, filled, service), {}))
    return found


def _shares(mix: Any) -> dict[str, float]:
    if isinstance(mix, str):
        return {mix: 1.0}
    given = {name: float(share) for name, share in mix.items() if share != "rest"}
    return {name: given.get(name, 1.0 - sum(given.values())) for name in mix}


def _newcomers(arriving: Mapping[str, tuple[float, Mapping[str, float]]]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for cohort, (factor, mix) in arriving.items():
        changes[f"cohorts.{cohort}.arrivals.rate"] = {"times": written(round(factor, 4))}
        if len(mix) > 1:
            rest = list(mix)[-1]
            shares = {home: written(round(share, 4)) for home, share in mix.items() if home != rest}
            changes[f"cohorts.{cohort}.attributes.home"] = {**shares, rest: "rest"}
    return changes


def _referrals(study: Mapping[str, Any], beside: Beside, filled: Mapping[str, OwnNumbers]) -> dict[str, Any]:
    """Return a factor on every rule that leads to services whose starts are known: their sum over the model's."""
    asked: dict[str, list[str]] = {}
    for service in study["services"]:
        for rule in ways_of(study, service).referrals:
            asked.setdefault(rule, []).append(service)
    changes: dict[str, Any] = {}
    for rule, services in asked.items():
        if not any(service in filled and filled[service].starts is not None for service in services):
            continue
        before = sum(beside.starts.get(service, 0.0) for service in services)
        after = sum(beside.starts.get(service, 0.0) * _ratio(beside, filled, service) for service in services)
        field = "at.rate" if "rate" in study["referrals"][rule]["at"] else "take_up"
        changes[f"referrals.{rule}.{field}"] = {"times": written(round(after / before, 4))}
    return changes


def _places_and_staff(study: Mapping[str, Any], filled: Mapping[str, OwnNumbers]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for service, own in filled.items():
        held = study["services"][service]
        if own.places is not None:
            changes[f"services.{service}.places.{places_key(held)}"] = written(own.places)
        if own.staff is not None:
            posts = held["posts"]
            if len(posts) == 1:
                changes[f"services.{service}.posts.{next(iter(posts))}.number"] = written(own.staff)
            else:
                now = {kind: float(it["number"]) for kind, it in resolved(study)["services"][service]["posts"].items()}
                by = own.staff / sum(now.values())
                for kind, number in now.items():
                    changes[f"services.{service}.posts.{kind}.number"] = written(round(number * by, 4))
    return changes


# ------------------------------------------------------------------------------------------------- who is there


def _present(
    study: Mapping[str, Any],
    beside: Beside,
    filled: Mapping[str, OwnNumbers],
    factors: Mapping[str, float],
) -> dict[str, Any]:
    """Return who is there on the day: own numbers as they are, the others as the model has them."""
    cohorts: dict[str, dict[str, Any]] = {
        name: {} for name, held in (study.get("cohorts") or {}).items() if held.get("present")
    }
    for service in study["services"]:
        cells = {cohort: many for (at, cohort), many in beside.cells.items() if at == service}
        if not cells:
            continue
        own = filled[service].present if service in filled else None
        outside = study["services"][service].get("treatment") is False
        counts: dict[str, Any] = (
            {
                cohort: _many(study, beside, cohort, many * (factors.get(cohort, 1.0) if outside else 1.0))
                for cohort, many in _gathered(cells).items()
            }
            if own is None
            else _split(own, cells)
        )
        for cohort, count in counts.items():
            mixed = study["cohorts"][cohort].get("attributes", {})
            alike = {
                name: value
                for name, value in beside.alike.get((service, cohort), ())
                if isinstance(mixed.get(name), Mapping)
            }
            entry = {"at": service, "count": count, **({"attributes": alike} if alike else {})}
            cohorts.setdefault(cohort, {})[service] = entry
    return {f"cohorts.{cohort}.present": held for cohort, held in cohorts.items()}


def _gathered(cells: Mapping[str, float]) -> dict[str, float]:
    """Return the citizens of a service by cohort; those of very small cohorts count with the largest."""
    largest = max(cells, key=lambda cohort: cells[cohort])
    found = {cohort: many for cohort, many in cells.items() if many >= _SOME or cohort == largest}
    found[largest] += sum(many for cohort, many in cells.items() if cohort not in found)
    return {cohort: many for cohort, many in found.items() if many >= _SOME}


def _split(total: int, cells: Mapping[str, float]) -> dict[str, int]:
    """Return a whole number split as the model's cohorts are, largest remainders first."""
    all_ = sum(cells.values())
    exact = {cohort: total * many / all_ for cohort, many in cells.items()}
    whole = {cohort: int(many) for cohort, many in exact.items()}
    order = sorted(exact, key=lambda cohort: (whole[cohort] - exact[cohort], cohort))
    for cohort in order[: total - sum(whole.values())]:
        whole[cohort] += 1
    return {cohort: many for cohort, many in whole.items() if many}


def _many(study: Mapping[str, Any], beside: Beside, cohort: str, mean: float) -> Any:
    """Return a number that keeps its range: in every version in proportion to who comes, or to who was there first."""
    held = study["cohorts"][cohort]
    arrivals = held.get("arrivals")
    rate = _first(arrivals.get("rate") if isinstance(arrivals, Mapping) else arrivals)
    if isinstance(rate, str) and "@" in rate and beside.rates.get(cohort):
        return f"{mean / beside.rates[cohort]:.5g} days * {rate}"
    for name, entry in (held.get("present") or {}).items():
        if "@" in str(entry["count"]) and arrivals is None and beside.opened.get((cohort, name)):
            return f"{mean / beside.opened[cohort, name]:.5g} * {entry['count']}"
    return round(mean, 2)


def _first(node: Any) -> Any:
    return values_of(node)[0][2] if is_steps(node) else node
