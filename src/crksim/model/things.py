"""Whole services, cohorts, rules, ends and kinds of staff time: added, copied, dropped."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from crksim.model.addresses import kind_of
from crksim.model.reading import plain_label
from crksim.model.sharing import planned_shares
from crksim.model.steps import set_from

__all__ = ["add_thing", "copy_label", "copy_thing", "drop_thing"]


def add_thing(parent: dict[str, Any], parts: list[str], value: Any, date: str | None) -> None:
    """Add a new thing; what it does begins on the date.

    Parameters
    ----------
    parent : dict
        The map that it joins.
    parts : list of str
        Its address.
    value : object
        What stands under it.
    date : str or None
        ISO date; None is from the start.

    Raises
    ------
    ValueError
        When it cannot begin on a date.
    """
    if not isinstance(value, Mapping):
        raise ValueError("must be a map with what the new thing holds")
    thing = copy.deepcopy(dict(value))
    if date is not None:
        _begin(thing, parent, parts, date)
    parent[parts[-1]] = thing


def _begin(thing: dict[str, Any], parent: Mapping[str, Any], parts: list[str], date: str) -> None:
    collection = parts[0] if len(parts) == 2 else parts[-2]
    if collection == "services":
        thing.setdefault("opens", date)
    elif collection == "referrals":
        thing.setdefault("from", date)
    elif collection == "cohorts":
        if "present" in thing:
            raise ValueError("cannot have citizens 'present' at the start: it comes later")
        arrivals = thing.get("arrivals", "0 / year")
        long = dict(arrivals) if isinstance(arrivals, Mapping) else {"rate": arrivals}
        if "rate" in long:
            long["rate"] = _from_nought(long["rate"], date, "0 / year")
        thing["arrivals"] = long
    elif collection == "staff" and "contacts" in thing:
        thing["contacts"] = _from_nought(thing["contacts"], date, "0 / year")
    elif collection == "ends" and "hazard" in thing:
        thing["hazard"] = _from_nought(thing["hazard"], date, "0 / year")
    elif collection == "ends" and isinstance(thing.get("misses"), Mapping):
        thing["misses"] = {**thing["misses"], "share": _from_nought(thing["misses"].get("share", 1), date, 0)}
    elif collection == "ends" and "share" in thing:
        if thing["share"] == "rest" or "rest" not in planned_shares(parent).values():
            raise ValueError("needs another end with 'share: rest', and a share of its own, to begin on a date")
        thing["share"] = _from_nought(thing["share"], date, 0)


def _from_nought(value: Any, date: str, nought: Any) -> Any:
    return value if isinstance(value, Mapping) else set_from(nought, date, value)


def copy_thing(
    data: dict[str, Any],
    parent: dict[str, Any],
    parts: list[str],
    source: list[str],
    differs: Mapping[str, Any],
    date: str | None,
) -> None:
    """Add a copy of a thing; a copied service shares the original's luck and joins its groups.

    Parameters
    ----------
    data : dict
        The study.
    parent : dict
        The map that the copy joins.
    parts, source : list of str
        Address of the copy and of the original.
    differs : mapping
        What is not as in the original; maps are merged, share maps, laws and conditions replaced.
    date : str or None
        ISO date; None is from the start.

    Raises
    ------
    ValueError
        When the copy cannot begin on a date.
    """
    node: Any = data
    for part in source:
        node = node[part]
    thing = copy.deepcopy(dict(node))
    if parts[0] == "services" and len(parts) == 2:
        thing.setdefault("luck_key", source[-1])
        thing.pop("closes", None)
        if date is not None:
            thing["opens"] = date
        for group in data.get("groups", {}).values():
            if isinstance(group, Mapping) and source[-1] in group.get("members", ()):
                group["members"].append(parts[-1])
    elif parts[0] == "referrals":
        thing.setdefault("luck_key", source[-1])
        if date is not None:
            thing["from"] = date
            if str(thing.get("until", "9999")) <= date:
                del thing["until"]
    elif parts[0] == "cohorts":
        thing.pop("luck_key", None)
        if date is not None:
            thing.pop("present", None)
    if "label" not in differs and len(parts) == 2:
        thing["label"] = copy_label(data, source, differs)
    merged = _merged(thing, differs, parts)
    if date is not None and (parts[0] == "cohorts" or len(parts) > 2):
        _begin(merged, parent, parts, date)
    parent[parts[-1]] = merged


def copy_label(data: Mapping[str, Any], source: list[str], differs: Mapping[str, Any]) -> dict[str, str]:
    """Return the label of a copy: the original's, with the copy's own site where it has one.

    Parameters
    ----------
    data : mapping
        The study.
    source : list of str
        Address of the original.
    differs : mapping
        What is not as in the original.
    """
    label = _label(data, source[0], source[1])
    if "site" not in differs:
        return {"da": label["da"] + " (kopi)", "en": label["en"] + " (copy)"}
    site = _label(data, "services", str(differs["site"]))
    found = {}
    for lang in ("da", "en"):
        base = label[lang].rpartition(", ")[0] or label[lang]
        found[lang] = f"{base}, {site[lang].partition(' (')[0]}"  # a remark in brackets belongs to the site alone
    return found


def _label(data: Mapping[str, Any], collection: str, name: str) -> dict[str, str]:
    held = data.get(collection, {}).get(name)
    label = held.get("label") if isinstance(held, Mapping) else None
    plain = plain_label(name)
    given = label if isinstance(label, Mapping) else {}
    return {"da": str(given.get("da", plain.da)), "en": str(given.get("en", plain.en))}


def _merged(thing: Mapping[str, Any], differs: Mapping[str, Any], parts: list[str]) -> dict[str, Any]:
    found = dict(thing)
    for key, value in differs.items():
        here = [*parts, key]
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        if both and kind_of(here) in ("container", "thing"):
            found[key] = _merged(found[key], value, here)
        else:
            found[key] = copy.deepcopy(value)
    return found


def drop_thing(
    data: dict[str, Any],
    parent: dict[str, Any],
    parts: list[str],
    date: str | None,
    silence: Callable[[dict[str, Any], Mapping[str, Any], str], None],
) -> None:
    """Take a thing away; after the start, let it end on the date.

    Parameters
    ----------
    data : dict
        The study.
    parent : dict
        The map that holds it.
    parts : list of str
        Its address.
    date : str or None
        ISO date; None is from the start.
    silence : callable
        Lets an end or a kind of staff time be nought from a date on.

    Raises
    ------
    ValueError
        When it cannot end on a date.
    """
    name = parts[-1]
    collection = parts[0] if len(parts) == 2 else parts[-2]
    if collection in ("groups", "parameters") and date is not None:
        raise ValueError("cannot be dropped after the start; use 'from: start'")
    if date is None:
        del parent[name]
        for group in data.get("groups", {}).values() if collection == "services" else ():
            if isinstance(group, Mapping) and name in group.get("members", ()):
                group["members"].remove(name)
    elif collection == "services":
        raise ValueError(
            "a service cannot be dropped after the start; close it with 'closes: {on, present, afterwards}'"
        )
    elif collection == "referrals":
        if str(parent[name].get("from", "")) >= date:
            del parent[name]
        elif str(parent[name].get("until", "9999")) > date:
            parent[name]["until"] = date
    elif collection == "cohorts":
        arrivals = parent[name].get("arrivals")
        if isinstance(arrivals, Mapping) and "rate" not in arrivals:
            raise ValueError("has listed arrivals and cannot be dropped after the start; use 'from: start'")
        if arrivals is not None:
            long = dict(arrivals) if isinstance(arrivals, Mapping) else {"rate": arrivals}
            parent[name]["arrivals"] = {**long, "rate": set_from(long["rate"], date, "0 / year")}
    else:
        silence(parent[name], parent, date)
