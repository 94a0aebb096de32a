"""Share maps as they are written, changed on a date so that they still sum to one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crksim.model.clock import parse_quantity
from crksim.model.scenario import Change
from crksim.model.steps import act_from, plus, set_from, times, values_of, written

__all__ = ["change_branch", "change_shares", "planned_shares", "silence"]


def planned_shares(ends: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shares of the planned ends as they are written."""
    return {name: end["share"] for name, end in ends.items() if isinstance(end, Mapping) and "share" in end}


def change_branch(holder: dict[str, Any], key: str, field: str | None, change: Change, date: str | None) -> None:
    """Change one branch.

    Parameters
    ----------
    holder : dict
        The share map, or the map of things that hold a share each.
    key : str
        The branch.
    field : str or None
        Where the share stands in a branch that is a thing: ``share`` or ``weight``.
    change : Change
        What to do.
    date : str or None
        ISO date; None is from the start.

    Raises
    ------
    ValueError
        When the others could not make up for it.
    """
    shares = holder if field is None else {n: t[field] for n, t in holder.items() if _has(t, field)}
    rest = [name for name, share in shares.items() if share == "rest"]
    if change.op == "set" and change.value == "rest":
        raise ValueError("which branch says 'rest' cannot change alone; set the whole share map")
    if change.op == "set" and change.value is None:
        raise ValueError("must be a number without unit")
    if change.op == "drop" and key not in shares:
        raise ValueError("does not exist, so it cannot be dropped")
    if change.rescale:
        changed = _rescaled(shares, key, rest, change, date)
    else:
        if not rest or rest == [key]:
            rule = "must be '{set: ..., rescale: true}', which scales the others: "
            why = "this branch says 'rest'" if rest else "no branch says 'rest'"
            raise ValueError(rule + why)
        changed = {key: _moved(shares.get(key, 0), change, date)}
        if change.op == "drop" and date is None:
            changed[key] = None
    for name, share in changed.items():
        if share is None:
            del holder[name]
        elif field is None:
            holder[name] = share
        else:
            holder[name][field] = share


def _has(thing: object, field: str) -> bool:
    return isinstance(thing, Mapping) and field in thing


def _moved(share: Any, change: Change, date: str | None) -> Any:
    if change.op in ("set", "drop"):
        return set_from(share, date, 0 if change.op == "drop" else change.value)
    act = times if change.op == "times" else plus
    return act_from(share, date, lambda held: act(held, change.value))


def _rescaled(shares: Mapping[str, Any], key: str, rest: list[str], change: Change, date: str | None) -> dict[str, Any]:
    """Return the branches after one of them got a share and the others were scaled to what is left."""
    if key == "" or key not in shares:
        raise ValueError("has no share yet, so there is nothing to scale the others by")
    old = _in_force(shares, key, rest, date)
    moved = Change(change.address, change.op, change.value)
    new = _number(_moved(written(old), moved, None))
    if not 0 <= new <= 1:
        raise ValueError(f"must be a share between 0 and 1 (it becomes {new:g})")
    if old >= 1:
        raise ValueError("is the only branch, so there is nothing to scale")
    factor = (1 - new) / (1 - old)
    changed = {
        name: act_from(share, date, lambda held: times(held, factor))
        for name, share in shares.items()
        if name != key and share != "rest"
    }
    if rest != [key]:
        changed[key] = set_from(shares[key], date, written(new))
    return changed


def _in_force(shares: Mapping[str, Any], key: str, rest: list[str], date: str | None) -> float:
    """Return the share of a branch on a date, after which it may not change any more."""
    if rest == [key]:
        others = [name for name in shares if name != key]
        return 1 - math.fsum(_in_force(shares, name, [], date) for name in others)
    steps = values_of(shares[key])
    later = [step for step in steps if date is not None and step[0] > date]
    if later or (date is None and len(steps) > 1):
        raise ValueError("changes later by itself, so it cannot be rescaled; set the whole share map")
    return _number(steps[-1][2])


def _number(share: Any) -> float:
    if isinstance(share, str) and "@" in share:
        raise ValueError(f"hangs on a parameter ({share}), so it cannot be rescaled; change the parameter")
    return parse_quantity(share)[0]


def change_shares(parent: dict[str, Any], key: str, change: Change, date: str | None) -> None:
    """Set a whole share map or destination; from a date on, branches that go or come have the share 0 before or after.

    Parameters
    ----------
    parent : dict
        What holds the share map.
    key : str
        Where it stands there.
    change : Change
        What to do.
    date : str or None
        ISO date; None is from the start.

    Raises
    ------
    ValueError
        When the two maps cannot be joined.
    """
    if change.op == "drop":
        if date is not None:
            raise ValueError("cannot be taken away after the start; set it")
        if parent.pop(key, None) is None:
            raise ValueError("does not exist, so it cannot be dropped")
        return
    if change.op != "set":
        raise ValueError(f"is a share map; '{change.op}' needs the address of one branch")
    if date is None or (key not in parent and key not in ("gives_up", "refused", "ineligible")):
        parent[key] = change.value
        return
    old, new = _as_map(parent.get(key, "leave")), _as_map(change.value)
    old_rest = [name for name, share in old.items() if share == "rest"]
    new_rest = [name for name, share in new.items() if share == "rest"]
    if old_rest and new_rest and old_rest != new_rest:
        # Only one branch may say rest; that of the old map stays, the new one's is worked out.
        try:
            others = math.fsum(_number(share) for share in new.values() if share != "rest")
        except ValueError:
            raise ValueError(f"must have its 'rest' at '{old_rest[0]}', as before") from None
        new = {**new, new_rest[0]: written(1 - others)}
    rest = old_rest or new_rest
    parent[key] = {
        name: "rest" if [name] == rest else set_from(old.get(name, 0), date, new.get(name, 0))
        for name in sorted({*old, *new})
    }


def _as_map(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {value: "rest"}
    if not isinstance(value, Mapping):
        raise ValueError("must be a destination or a share map")
    return dict(value)


def silence(thing: dict[str, Any], siblings: Mapping[str, Any], date: str) -> None:
    """Let an end or a kind of staff time be nought from a date on.

    Raises
    ------
    ValueError
        When other ends could not make up for it.
    """
    if "hazard" in thing:
        thing["hazard"] = set_from(thing["hazard"], date, "0 / year")
    elif "misses" in thing:
        thing["misses"] = {**thing["misses"], "share": set_from(thing["misses"].get("share", 1), date, 0)}
    elif "contacts" in thing:
        thing["contacts"] = set_from(thing["contacts"], date, "0 / year")
    elif thing.get("share") == "rest" or "rest" not in planned_shares(siblings).values():
        raise ValueError("cannot be dropped after the start unless another end says 'share: rest'")
    else:
        thing["share"] = set_from(thing["share"], date, 0)
