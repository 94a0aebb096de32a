"""The small study on which the vocabulary and the measures are tested; day 0 is 1 January 2016."""

from crksim.model.study import read_study


def label(text):
    return {"da": f"{text} (da)", "en": text}


STUDY = {
    "title": label("Small"),
    "time": {"start": "2016-01-01", "forecast": "2016-01-01", "end": "2016-07-19"},  # 200 days
    "parameters": {"minutes": {"value": "60 minutes"}},
    "attributes": {"home": ["unit_a", "unit_b"], "substance": ["alcohol", "drugs"]},
    "groups": {"units": {"label": label("Units"), "members": ["unit_a", "unit_b"]}},
    "services": {
        "register": {"label": label("Register"), "treatment": False, "length": {"law": "fixed", "value": "1 day"}},
        "unit_a": {
            "label": label("Unit A"),
            "length": {"law": "exponential", "mean": "50 days"},
            "ends": {
                "done": {"share": "rest", "to": "leave", "status": {"ceased": 0.5, "unknown": "rest"}},
                "no_show": {"share": 0.2, "to": "away", "label": label("Stayed away")},
            },
            "staff": {"talks": {"per": "citizen", "contacts": "1 / day", "minutes": 30, "staff": "nurse"}},
        },
        "unit_b": {
            "label": label("Unit B"),
            "places": {"norm": 2},
            "length": {"law": "exponential", "mean": "50 days"},
        },
        "club_a": {
            "label": label("Club A"),
            "site": "unit_a",
            "group": "club",
            "opens": "2016-01-11",  # day 10
            "places": {"hard": {"first": 2, "more": {"from": "2016-02-20", "value": 4}}, "workable": 2},  # day 50
            "length": {"law": "exponential", "mean": "20 days"},
            "ends": {"done": {"share": 1, "to": "origin"}},
            "staff": {
                "sessions": {"per": "session", "contacts": "2 / day", "minutes": 90, "staff": "therapist"},
                "talks": {
                    "per": "citizen",
                    "contacts": {"first": "1 / day", "more": {"from": "2016-02-20", "value": "2 / day"}},
                    "minutes": 60,
                    "staff": "nurse",
                },
            },
        },
        "club_b": {
            "label": label("Club B"),
            "site": "unit_b",
            "group": "club",
            "closes": {
                "on": "2016-02-20",
                "present": {"gone": {"share": "rest", "to": "leave"}},
                "waiting": "leave",
                "afterwards": "leave",
            },
            "places": {"hard": 4, "workable": 1},
            "length": {"law": "exponential", "mean": "20 days"},
            "ends": {"done": {"share": 1, "to": "origin"}},
        },
        "away": {
            "label": label("Away"),
            "between_courses": True,
            "length": {"law": "exponential", "mean": "100 days"},
            "ends": {"back": {"share": 1, "to": "home"}},
        },
    },
    "cohorts": {
        "youth": {
            "label": label("Young"),
            "attributes": {"home": {"unit_a": 0.5, "unit_b": "rest"}, "substance": {"alcohol": 0.5, "drugs": "rest"}},
            "arrivals": "20 / year",
            "enters": "home",
            "legal_limit": "14 days",
        },
        "adults": {
            "label": label("Adults"),
            "attributes": {"home": "unit_b", "substance": "alcohol"},
            "arrivals": "20 / year",
            "enters": "register",
        },
    },
    "referrals": {
        "to_club": {
            "label": label("To the club"),
            "at": {"start_of": ["units"]},
            "to": {"nearest": "club"},
            "take_up": 0.5,
            "stay": "goes_on",
        }
    },
}


def small_study():
    return read_study(STUDY)
