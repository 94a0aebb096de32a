"""Hypothesis strategies: small random valid studies with a bounded load, as plain dicts for `read_study`.

Services come in an order; shares that go on are at most a half and the rest leaves, so that no citizen goes round for
ever.  What sends a request on at once (refused, before, afterwards) goes to later services or leaves, or to the first
one, which is always open to everybody.
"""

from hypothesis import strategies as st

NAMES = ("alfa", "beta", "gamma", "delta", "epsilon", "zeta")
CLUBS = ("club_a", "club_b")


def shares(low=0, high=100):
    return st.integers(low, high).map(lambda n: n / 100)


def days(low, high):
    return st.integers(low, high).map(lambda n: f"{n} days")


def dates():
    return st.tuples(st.integers(2016, 2017), st.integers(1, 12), st.integers(1, 28)).map(
        lambda d: f"{d[0]}-{d[1]:02}-{d[2]:02}"
    )


def yearly(low, high):
    return st.integers(low, high).map(lambda n: f"{n / 10} / year")


def maybe(strategy):
    return st.none() | strategy


@st.composite
def dated(draw, numbers):
    """A number, or named steps of it."""
    if draw(st.booleans()):
        return draw(numbers)
    steps = {"first": draw(numbers)}
    for index, date in enumerate(sorted(draw(st.sets(dates(), min_size=1, max_size=2)))):
        steps[f"step_{index}"] = {"from": date, "value": draw(numbers)}
    return steps


@st.composite
def laws(draw):
    mean = draw(days(3, 60))
    shape = draw(st.sampled_from([0.7, 1.5, 2, 3]))
    return draw(
        st.sampled_from(
            [
                {"law": "exponential", "mean": mean},
                {"law": "fixed", "value": mean},
                {"law": "gamma", "mean": mean, "shape": shape},
                {"law": "weibull", "mean": mean, "shape": shape},
                {"law": "lognormal", "mean": mean, "sd": mean},
                {"law": "uniform", "low": "1 day", "high": "61 days"},
                {"law": "empirical", "values": {"short": "2 days", "long": mean}, "weights": {"short": 1, "long": 3}},
                {
                    "law": "mixture",
                    "parts": {
                        "brief": {"weight": 0.3, "law": "exponential", "mean": "4 days"},
                        "long": {"weight": "rest", "law": "fixed", "value": mean},
                    },
                },
            ]
        )
    )


@st.composite
def lengths(draw):
    """A law, dated laws, or cases of laws."""
    form = draw(st.sampled_from(["plain", "plain", "cases", "dated"]))
    if form == "cases":
        return {"cases": {"high": {"when": {"level": "high"}, **draw(laws())}, "others": draw(laws())}}
    if form == "dated":
        return {"first": draw(laws()), "later": {"from": draw(dates()), **draw(laws())}}
    return draw(laws())


@st.composite
def destinations(draw, known):
    """Somewhere, or a share map in which half at most goes on."""
    if not known or draw(st.booleans()):
        return "leave"
    words = draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=2, unique=True))
    return {**{word: draw(shares(1, 25)) for word in words}, "leave": "rest"}


@st.composite
def ends(draw, onward):
    """Planned ends that sum to one, and perhaps a hazard."""
    found = {"done": {"share": "rest", "to": draw(destinations(onward))}}
    if draw(st.booleans()):
        found["done"]["status"] = {"ceased": 0.5, "unknown": "rest"}
        found["done"]["without"] = {"ceased": 0.25, "unknown": "rest"}
    if draw(st.booleans()):
        found["done"]["becomes"] = {"level": {"high": draw(shares(0, 50)), "same": "rest"}}
    if draw(st.booleans()):
        found["early"] = {"share": draw(dated(shares(0, 40))), "length": draw(laws()), "to": draw(destinations(onward))}
    if draw(st.booleans()):
        found["called"] = {"hazard": draw(dated(yearly(0, 30))), "to": draw(destinations(onward))}
    return found


@st.composite
def missing(draw, found, onward):
    """Let a service have a clinic, and an end that comes with misses in a row there."""
    clinic = {
        "every": draw(dated(days(5, 20))),
        "talk": 30,
        "doctor": draw(yearly(0, 2000)),
        "nurse": "20 / year",
        "no_show": {
            "cases": {"high": {"when": {"level": "high"}, "value": draw(dated(shares()))}, "low": {"value": 0.4}}
        },
        "rebooked": draw(dated(shares())),
        "rebooked_after": draw(days(1, 9)),
        "drop_in": draw(shares(0, 50)),
    }
    if draw(st.booleans()):
        clinic["late"] = {
            "afternoons": draw(dated(st.integers(0, 5))),
            "hours": "1 hour",
            "when": {"level": "high"},
            "otherwise": 2,
        }
    share = draw(dated(shares()))
    lost = {"misses": {"in_a_row": draw(st.integers(1, 3)), "share": share}, "to": draw(destinations(onward))}
    return {**found, "clinic": clinic, "ends": {**found["ends"], "lost": lost}}


@st.composite
def death(draw):
    if draw(st.booleans()):
        return draw(dated(yearly(0, 5)))
    return {"cases": {"high": {"when": {"level": "high"}, "value": draw(yearly(0, 5))}, "low": {"value": "0 / year"}}}


def places(kind, draw):
    if kind == "hard":
        return {"hard": draw(dated(st.integers(0, 6))), "workable": 1}
    return {"norm": draw(dated(st.integers(1, 20)))} if kind == "norm" else {}


@st.composite
def services(draw, index, names, homes):
    """The service at a place in the order; the first is open to all and never refuses anybody to another."""
    later = list(names[index + 1 :])
    blocking = draw(st.integers(0, 4)) == 0
    onward = later if blocking else [*names[1:], *(["home"] if homes else [])]
    kind = draw(st.sampled_from(["hard", "hard", "norm", "none"]))
    found = {
        "places": places(kind, draw),
        "queue": {"order": draw(st.sampled_from(["fifo", "priority"]))},
        "priority": {
            "cases": {"high": {"when": {"level": "high"}, "value": draw(st.integers(1, 3))}, "low": {"value": 2}}
        },
        "length": draw(lengths()),
        "ends": draw(ends(onward)),
        "death": draw(death()),
        "blocking": blocking,
        "treatment": draw(st.booleans()),
    }
    if draw(st.integers(0, 3)) == 0:
        found = draw(missing(found, onward))
    if draw(st.booleans()):
        found["queue"]["room"] = draw(st.integers(0, 4))
    if draw(st.booleans()):
        found["patience"] = draw(laws())
        found["gives_up"] = draw(destinations(later))
    if index > 0:
        found["refused"] = draw(destinations(later))
    if index > 1:
        found |= draw(openings(later))
        if draw(st.integers(0, 3)) == 0:
            found |= {"eligible": {"level": ["high"]}, "ineligible": draw(destinations(later))}
    return found


@st.composite
def openings(draw, later):
    found = {}
    if draw(st.integers(0, 2)) == 0:
        found |= {"opens": f"2016-0{draw(st.integers(2, 9))}-01", "before": draw(destinations([*later, NAMES[0]]))}
    if draw(st.integers(0, 2)) == 0:
        found["closes"] = {
            "on": f"2016-{draw(st.integers(10, 12))}-15",
            "present": {
                "moved": {"share": draw(shares(0, 100)), "to": NAMES[0]},
                "gone": {"share": "rest", "to": draw(st.sampled_from(["leave", "died", "home"]))},
            },
            "waiting": draw(st.sampled_from(["same", "leave"])),
            "afterwards": draw(destinations([NAMES[0]])),
        }
    return found


@st.composite
def referrals(draw, names, has_clubs):
    at = draw(st.sampled_from(["start_of", "end_of", "during"]))
    nearest = has_clubs and draw(st.booleans())
    considered = draw(st.lists(st.sampled_from(sorted(names)), min_size=1, max_size=3, unique=True))
    found = {
        "at": {at: considered},
        "to": {"nearest": "club"} if nearest else draw(st.sampled_from(sorted(names[1:]))),
        "take_up": draw(st.sampled_from([1, 0.5, {"own_site": 0.8, "other_site": 0.3}])),
        "attend": draw(dated(shares(50, 100))),
        "full": draw(st.sampled_from(["queue", "refuse", "next"] if nearest else ["queue", "refuse"])),
        "stay": draw(st.sampled_from(["ends", "goes_on", "beside"])),
        "returns": draw(st.sampled_from(["resume", "fresh"])),
        "at_most": draw(st.integers(1, 3)),
    }
    if at == "during":
        found["at"]["rate"] = draw(dated(yearly(2, 40)))
    if draw(st.booleans()):
        found["when"] = {"level": draw(st.sampled_from(["low", "high"]))}
    if draw(st.booleans()):
        found |= {"from": "2016-03-01", "until": draw(st.sampled_from(["2016-09-01", "2017-05-01"]))}
    return found


@st.composite
def arrivals(draw):
    form = draw(st.sampled_from(["plain", "steps", "months", "pattern", "wave", "times", "every"]))
    rate = draw(yearly(50, 500))
    return {
        "plain": rate,
        "steps": {"rate": {"first": rate, "later": {"from": draw(dates()), "value": draw(yearly(0, 500))}}},
        "months": {"rate": rate, "months": {"jan": 1.4, "dec": 0.5}},
        "pattern": {
            "rate": rate,
            "pattern": {
                "period": "7 days",
                "steps": {"week": {"at": "0 days", "factor": 1.4}, "off": {"at": "5 days", "factor": 0}},
            },
        },
        "wave": {"rate": rate, "wave": {"amplitude": 0.5, "period": "1 year", "phase": "30 days"}},
        "times": {"times": {"a": draw(days(0, 30)), "b": draw(days(10, 300)), "c": "40 days"}},
        "every": {"every": draw(days(7, 40)), "first": draw(days(0, 9))},
    }[form]


@st.composite
def cohorts(draw, names, homes):
    level = draw(st.sampled_from(["low", "high", {"low": 0.3, "high": "rest"}]))
    attributes = {"level": level}
    if homes:
        attributes["home"] = {homes[0]: draw(shares()), homes[1]: "rest"}
    enters = draw(st.sampled_from([names[0], {names[0]: 0.5, names[1]: "rest"}, *(["home"] if homes else [])]))
    found = {"attributes": attributes, "arrivals": draw(arrivals()), "enters": enters}
    if draw(st.booleans()):
        where = draw(st.sampled_from([names[0], names[1], *(["home"] if homes else [])]))
        lengths_word = draw(st.sampled_from(["residual", "fresh"]))
        found["present"] = {"there": {"at": where, "count": draw(st.integers(0, 8)), "lengths": lengths_word}}
    if draw(st.booleans()):
        found["legal_limit"] = "14 days"
    return found


@st.composite
def studies(draw, most_services=6):
    """A small valid study as a plain dict: one or two years, at most a few hundred citizens."""
    names = NAMES[: draw(st.integers(2, most_services))]
    # `closes.present` may send home, so there is always a home to go to.
    homes = names[:2]
    study = {
        "title": {"da": "Tilfældig", "en": "Random"},
        "time": {
            "start": "2016-01-01",
            "forecast": "2016-07-01",
            "end": draw(st.sampled_from(["2017-01-01", "2018-01-01"])),
        },
        "attributes": {"level": ["low", "high"], "home": list(homes)},
        "services": {name: draw(services(index, names, homes)) for index, name in enumerate(names)},
        "cohorts": {f"cohort_{index}": draw(cohorts(names, homes)) for index in range(draw(st.integers(1, 3)))},
    }
    has_clubs = draw(st.booleans())
    study["referrals"] = {
        f"rule_{index}": draw(referrals(names, has_clubs)) for index in range(draw(st.integers(0, 3)))
    }
    if has_clubs:
        back = any(
            rule["to"] == {"nearest": "club"} and rule["stay"] != "beside" for rule in study["referrals"].values()
        )
        hard = draw(st.booleans())
        for index, club in enumerate(CLUBS):
            study["services"][club] = {
                "site": homes[index],
                "group": "club",
                "luck_key": "club",
                "places": places("hard" if hard else "norm", draw),
                "length": draw(laws()),
                "ends": {"done": {"share": 1, "to": "origin" if back else "leave"}},
            }
            if index == 1 and draw(st.booleans()):
                study["services"][club]["opens"] = "2016-05-01"
    return study
