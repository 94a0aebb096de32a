"""Prices that the user puts into a scenario: kroner for what the model counts, with a source; none is shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crksim.errors import InputError, Problem, nearest
from crksim.model.clock import YEAR
from crksim.model.network import Network
from crksim.model.reading import Reader
from crksim.model.vocabulary import ALL, groups_of, parse_measure

__all__ = ["PRICED", "Price", "check_prices", "read_prices"]

#: What can be priced -> the measure that counts it, and how many a year one of its units is.
PRICED: Mapping[str, tuple[str, float]] = {
    "place_year": ("places.mean", 1.0),
    "staff_hour": ("staff_hours", 1.0),
    "contact": ("contacts", 1.0),
    "citizen_day": ("present.mean", YEAR),
    "start": ("starts", 1.0),
}


@dataclass(frozen=True)
class Price:
    """A price.

    Parameters
    ----------
    key : str
        ``<subject>.<what>``, as it stands in the scenario.
    kroner : float
        For one of what is priced.
    source : str
        Where the user has it from.
    """

    key: str
    kroner: float
    source: str

    @property
    def measure(self) -> str:
        """Output address of what is priced."""
        subject, _, what = self.key.rpartition(".")
        return f"{subject}.{PRICED[what][0]}"

    @property
    def per_year(self) -> float:
        """Kroner a year for one unit of the measure."""
        return self.kroner * PRICED[self.key.rpartition(".")[2]][1]


def read_prices(reader: Reader, data: object) -> tuple[Price, ...]:
    """Read the prices of a scenario; whether their subjects exist is seen by `check_prices`.

    Parameters
    ----------
    reader : Reader
        Collects the faults.
    data : object
        Key -> ``{kroner: NUMBER, source: TEXT}``.
    """
    if not isinstance(data, Mapping):
        reader.refuse("prices", data, "must be a map from SUBJECT.WHAT to {kroner, source}")
        return ()
    found = []
    for key, held in data.items():
        at = f"prices.{key}"
        subject, _, what = str(key).rpartition(".")
        if not subject or what not in PRICED:
            rule = f"must end in one of {', '.join(PRICED)}, after a service, a group or {ALL}"
            near = nearest(what, PRICED)
            reader.problems.append(Problem(at, key, rule, f"{subject or ALL}.{near}" if near else None))
            continue
        entry = reader.fields(held, at, ("kroner", "source"), ("kroner", "source"))
        if "kroner" not in entry or "source" not in entry:
            continue
        kroner, source = entry["kroner"], entry["source"]
        if isinstance(kroner, bool) or not isinstance(kroner, int | float) or not 0 < kroner < float("inf"):
            reader.refuse(f"{at}.kroner", kroner, "must be a number above 0")
        elif not isinstance(source, str) or not source.strip():
            reader.refuse(f"{at}.source", source, "must say where the price comes from")
        else:
            found.append(Price(str(key), float(kroner), source.strip()))
    return tuple(found)


def check_prices(prices: tuple[Price, ...], network: Network) -> None:
    """Refuse prices of what the network does not have, and what would be paid for twice.

    Raises
    ------
    InputError
        Every fault is one `Problem`.
    """
    problems: list[Problem] = []
    for price in prices:
        try:
            parse_measure(price.measure, network)
        except InputError as error:
            problems += [Problem(f"prices.{price.key}", one.value, one.rule, one.nearest) for one in error.problems]
    groups = groups_of(network)
    for price in prices:
        subject, _, what = price.key.rpartition(".")
        for other in prices:
            wider, _, same = other.key.rpartition(".")
            within = subject in groups.get(wider, ()) or (wider == ALL and subject != ALL)
            if same == what and within:
                problems.append(Problem(f"prices.{price.key}", price.kroner, f"is paid for in {other.key} already"))
    if problems:
        raise InputError(problems)
