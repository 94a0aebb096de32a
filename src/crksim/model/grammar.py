"""The words of a study: the keys each thing may hold, and the fixed words its values may be.

`docs/grammar.md` says what they mean; nothing here is about a particular network.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ALL_STAFF",
    "ARRIVAL_KEYS",
    "AT_WORDS",
    "CLOSES_KEYS",
    "COHORT_KEYS",
    "DURATIONS_OF_LAWS",
    "END_KEYS",
    "FULL_WORDS",
    "GROUP_KEYS",
    "LENGTHS_WORDS",
    "LIMITS",
    "MONTHS",
    "ORDERS",
    "PARAMETER_KEYS",
    "PER_WORDS",
    "PLACES_KEYS",
    "POSTS_KEYS",
    "PRESENT_KEYS",
    "QUEUE_KEYS",
    "REFERRAL_KEYS",
    "RESERVED",
    "RESERVED_ENDS",
    "RETURNS_WORDS",
    "SERVICE_KEYS",
    "STAFF_KEYS",
    "STATUSES",
    "STAY_WORDS",
    "STUDY_KEYS",
    "TAKE_UP_KEYS",
    "TIME_KEYS",
]

Words = tuple[str, ...]

STUDY_KEYS: Final[Words] = (
    "title",
    "time",
    "parameters",
    "attributes",
    "groups",
    "services",
    "cohorts",
    "referrals",
)
TIME_KEYS: Final[Words] = ("start", "forecast", "end")
PARAMETER_KEYS: Final[Words] = ("value", "label")
GROUP_KEYS: Final[Words] = ("label", "members")
SERVICE_KEYS: Final[Words] = (
    "label",
    "site",
    "group",
    "luck_key",
    "opens",
    "before",
    "closes",
    "places",
    "queue",
    "priority",
    "patience",
    "gives_up",
    "refused",
    "ineligible",
    "eligible",
    "blocking",
    "treatment",
    "between_courses",
    "length",
    "ends",
    "death",
    "wait_goal",
    "distances",
    "clinic",
    "staff",
    "posts",
)
CLOSES_KEYS: Final[Words] = ("on", "present", "waiting", "afterwards")
PLACES_KEYS: Final[Words] = ("hard", "norm", "workable")
QUEUE_KEYS: Final[Words] = ("order", "room")
END_KEYS: Final[Words] = ("label", "share", "hazard", "misses", "length", "to", "status", "without", "becomes")
MISSES_KEYS: Final[Words] = ("in_a_row", "share")
STAFF_KEYS: Final[Words] = ("per", "contacts", "minutes", "staff")
POSTS_KEYS: Final[Words] = ("number", "filled")
#: What posts are called that any kind of staff of the service may hold.
ALL_STAFF: Final = "all"
COHORT_KEYS: Final[Words] = ("label", "luck_key", "attributes", "arrivals", "enters", "present", "legal_limit")
ARRIVAL_KEYS: Final[Words] = ("rate", "months", "pattern", "wave", "times", "every", "first")
PRESENT_KEYS: Final[Words] = ("at", "attributes", "count", "lengths")
REFERRAL_KEYS: Final[Words] = (
    "label",
    "luck_key",
    "at",
    "when",
    "to",
    "take_up",
    "attend",
    "full",
    "stay",
    "returns",
    "at_most",
    "from",
    "until",
)
TAKE_UP_KEYS: Final[Words] = ("own_site", "other_site")

ORDERS: Final[Words] = ("fifo", "priority")
AT_WORDS: Final[Words] = ("start_of", "end_of", "during")
FULL_WORDS: Final[Words] = ("queue", "refuse", "next")
STAY_WORDS: Final[Words] = ("ends", "goes_on", "beside")
RETURNS_WORDS: Final[Words] = ("resume", "fresh")
LENGTHS_WORDS: Final[Words] = ("residual", "fresh")
PER_WORDS: Final[Words] = ("citizen", "session")
MONTHS: Final[Words] = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: Status on drugs and alcohol at discharge, in the report's words.
STATUSES: Final[Words] = ("ceased", "reduced", "stabilised", "unchanged", "increased", "unknown")

#: Numbers of a law that are durations; the others have no unit.
DURATIONS_OF_LAWS: Final[Words] = ("mean", "sd", "median", "low", "mode", "high", "value")

#: Words with a meaning of their own, which no id may be.
RESERVED: Final[frozenset[str]] = frozenset(
    {"add", "cases", "died", "drop", "from", "leave", "like", "law", "origin", "plus", "rest"}
    | {"same", "set", "times", "value", "when", "home", "cohort", "start"}
)
#: Words with which the log closes a row by itself, which no end may be called.
RESERVED_ENDS: Final[frozenset[str]] = frozenset(
    {"refused", "ineligible", "declined", "too_far", "could_not_attend", "gave_up", "withdrawn"}
    | {"moved_waiting", "transferred", "closed", "died"}
)

#: Largest depth of maps, number of values, length of a text, and number.
LIMITS: Final[dict[str, int]] = {"depth": 24, "values": 200_000, "text": 4_000, "number": 10**15}
