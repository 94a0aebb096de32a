"""Random changes of a study, and the rows of a log by names, for tests of what a change can reach."""

import copy

from hypothesis import strategies as st

from tests.strategies import CLUBS, laws


def named_rows(log, without=()):
    """Return the rows of services other than `without` as tuples of names and times, indices resolved.

    Parameters
    ----------
    log : StayLog
        As a run made it.
    without : collection of str
        Ids of services whose rows are left out.
    """
    legend = log.legend
    services = (*legend.services, "died", "leave", "nowhere")
    columns = (
        [legend.cohorts[index] for index in log.cohort],
        log.citizen.tolist(),
        log.row.tolist(),
        log.strand.tolist(),
        [legend.services[index] for index in log.service],
        log.from_row.tolist(),
        ["" if index < 0 else legend.rules[index] for index in log.rule],
        log.nth.tolist(),
        [legend.kinds[index] for index in log.kind],
        *(["" if day != day else day for day in column.tolist()] for column in _times(log)),
        ["" if index < 0 else legend.ends[index] for index in log.end_],
        [services[index] for index in log.to],
        ["" if index < 0 else legend.statuses[index] for index in log.status],
        log.without.tolist(),
        log.flags.tolist(),
    )
    return [row for row in zip(*columns, strict=True) if row[4] not in without]


def _times(log):
    return log.referred, log.admitted, log.due, log.left


@st.composite
def changes(draw, study):
    """Change one thing of a study; return what sort of change it is, the address, and the changed study."""
    new = copy.deepcopy(study)
    services, cohorts, rules = sorted(new["services"]), sorted(new["cohorts"]), sorted(new["referrals"])
    name = draw(st.sampled_from(services))
    service = new["services"][name]
    where = f"services.{name}."
    sorts = ["length", "places", "death", "patience", "opens", "rate", "attributes", "ends"]
    sort = draw(st.sampled_from([*sorts, *(["take_up", "from", "when"] if rules else [])]))
    if sort == "length":
        service["length"] = draw(laws())
    elif sort == "places":
        kind = "norm" if name in CLUBS and "norm" in service["places"] else "hard"
        service["places"] = {kind: draw(st.integers(0, 4))}
    elif sort == "death":
        service["death"] = f"{draw(st.integers(0, 6))} / year"
    elif sort == "patience":
        service["patience"] = draw(laws())
    elif sort == "ends":
        service["ends"] = {"done": {"share": "rest", "to": service["ends"]["done"]["to"]}}
        service["ends"]["other"] = {"share": 0.3, "to": draw(st.sampled_from(["leave", "died"]))}
    elif sort == "opens":
        service.pop("closes", None)
        service["opens"] = "2016-04-01"
        service["before"] = "leave"
    elif sort in ("rate", "attributes"):
        name = draw(st.sampled_from(cohorts))
        where = f"cohorts.{name}."
        if sort == "rate":
            new["cohorts"][name]["arrivals"] = f"{draw(st.integers(0, 90))} / year"
        else:
            new["cohorts"][name]["attributes"]["level"] = draw(
                st.sampled_from(["low", "high", {"low": 0.6, "high": "rest"}])
            )
    else:
        name = draw(st.sampled_from(rules))
        where, rule = f"referrals.{name}.", new["referrals"][name]
        if sort == "take_up":
            rule["take_up"] = draw(st.sampled_from([0, 0.2, 0.9]))
        elif sort == "from":
            rule["from"] = "2016-08-01"
        else:
            rule["when"] = {"level": draw(st.sampled_from(["low", "high"]))}
    return sort, where + sort, new
