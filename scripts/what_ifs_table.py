"""Write docs/what_ifs.md from the scenario files: python scripts/what_ifs_table.py [docs/what_ifs.md]."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from crksim.interface.files import data_dir, read_yaml
from crksim.model.changes import Scenario, read_scenario

__all__ = ["QUESTIONS", "Question", "what_ifs_table"]


@dataclass(frozen=True)
class Question:
    """A question that the report raises.

    Parameters
    ----------
    title : str
        What is asked.
    scenarios : tuple of str
        Names of the scenarios that ask it.
    silent : str
        What the model cannot say about it.
    """

    title: str
    scenarios: tuple[str, ...]
    silent: str


QUESTIONS: Mapping[str, Question] = {
    "a": Question(
        "New youth groups at Nørre Voldgade and Spaniensgade (chapter 4)",
        ("youth_groups_3sites", "youth_groups_2sites", "youth_groups_1site", "decided_2017", "crk_2018_plan"),
        "Whether the group makes anyone cease: there is no control group, so the gain is shown for 0, 50 and 100 % "
        "cause. How the young take to a new site: take-up there is that of Hørsholmsgade, or a lower reading of it.",
    ),
    "b": Question(
        "Extended procedure for youth in substitution (chapter 4)",
        ("youth_substitution_procedure", "decided_2017"),
        "What the procedure is: content, frequency and effect are not in the report. "
        "Use of drugs among the young in substitution, and whoever leaves within the stay that was under way.",
    ),
    "c": Question(
        "Keeping what was won after the group (chapter 4)",
        ("youth_continuing_care", "aftercare_with_smart"),
        "A relapse rate of the group's own: 59 and 55 % ceased have different denominators. "
        "The effect of continuing care comes from other studies and other citizens.",
    ),
    "d": Question(
        "Intensive places: at Forchhammersvej, at the own unit, or a mobile team (chapter 7)",
        (
            "intensive_5_places",
            "intensive_8_places",
            "intensive_20_places",
            "intensive_at_own_unit",
            "intensive_mobile_team",
        ),
        "How many needs are never referred, and where they are. Travel by address: a contact takes a factor longer. "
        "What six citizens tell of the next eighty.",
    ),
    "e": Question(
        "Whether three months is the right length (chapter 7)",
        ("intensive_length_2_months", "intensive_length_4_months", "intensive_length_6_months"),
        "What is gained in month four: how length acts on referral and on reaching the goal is assumed as a straight "
        "line through today, no effect and a little harm included.",
    ),
    "f": Question(
        "Enough cooperation with SKP and home care (chapter 7)",
        ("intensive_cooperation",),
        "The time of SKP and home care, who are outside the model, and why four of five could not attend.",
    ),
    "g": Question(
        "Which time-limited plans are realistic (chapter 7)",
        ("intensive_plans", "intensive_plans_complex"),
        "How many needs are delimited and how many complex: the report counts neither, the split is assumed. "
        "Health itself: a plan is met or it is not.",
    ),
    "h": Question(
        "Ambulatoriet Vesterbro: SMS and flexible times (chapter 8)",
        (
            "vesterbro_sms",
            "vesterbro_flexible_slots",
            "vesterbro_late_slots",
            "vesterbro_sms_and_flexible",
            "vesterbro_call_in_one_by_one",
            "vesterbro_call_in_batched",
        ),
        "How many stay away today: no-show is assumed, 8-30 %. Full calendars do not act back: nobody leaves because a "
        "talk is late, and nobody's health depends on one.",
    ),
    "i": Question(
        "Ambulatoriet Vesterbro open to all who are stable (chapter 8)",
        ("vesterbro_open_to_all_stable", "crk_2018_plan"),
        "A date at which 200 is reached: it hangs on the number of stable adults, which the report does not give. "
        "Read it as a condition. The norm turns nobody away in the model.",
    ),
    "j": Question(
        "Reactions to the yearly call-in, and benzodiazepine taper (chapter 8)",
        ("vesterbro_call_in_reactions", "vesterbro_benzodiazepine_taper"),
        "How citizens react, which nobody has counted yet: the answer is what an assumed share leads to. "
        "In which week somebody goes, and what tapering does to health and death.",
    ),
    "k": Question(
        "Outreach from three to seven therapists in all centres (chapter 5)",
        ("outreach_seven_therapists", "outreach_pilot_only"),
        "How many homes and residents the other centres have: assumed as the first five. "
        "What the staff of the homes learn, and residents who are met by nobody.",
    ),
    "l": Question(
        "Outreach: the rule of two and two (chapter 5)",
        ("outreach_all_in_pairs", "outreach_single_visits"),
        "The safety that the rule is for. Two who walk together count as one visit.",
    ),
    "m": Question(
        "Outreach: more enrolled, and a more seeking approach (chapter 5)",
        ("outreach_more_enrolled", "outreach_more_seeking"),
        "Whether enrolment changes more than a motivational course, and how far one can seek out those who did not "
        "ask: both effects are assumed. Changed use is the therapists' own judgement of 8 in 31.",
    ),
    "n": Question(
        "End of the family psychologists' project after 2019 (chapter 6)",
        ("family_psychologists_permanent", "family_enghavevej_takes_over"),
        "What the children gain. More than one year after the end: the study stops with 2020, and queues grow slower "
        "than that. How much of the talks falls away is a wide range.",
    ),
    "o": Question(
        "The split between Enghavevej and the units, and a clear target group (chapter 6)",
        ("family_clear_target_group", "family_finish_at_unit", "family_more_places"),
        "How many families in the units have high concern: nobody counts them. Relapse after a move before one is "
        "finished. Admissions and stay at Enghavevej, so whether 60 is enough is a condition on demand.",
    ),
    "p": Question(
        "Resources and priority for family work (chapter 6)",
        ("family_work_priority",),
        "Whether fewer groups mean more drop-out, whether asking about children scares citizens away, and what the "
        "children gain.",
    ),
    "q": Question(
        "Forchhammersvej: café manager, volunteers, talk rooms (chapter 7)",
        ("forchhammersvej_cafe",),
        "What talks do to citizens, and how calm the house is. The split of the working day is assumed; full-time "
        "equivalents are no rota.",
    ),
    "r": Question(
        "Forchhammersvej: citizens grow older, visits at home (chapter 7)",
        ("forchhammersvej_home_visits",),
        "Ageing itself: nobody grows weaker in the model, a share is visited. Whether those who are "
        "visited come less to the house.",
    ),
    "s": Question(
        "More moves between units as offers become known (chapter 7)",
        ("more_transfers",),
        "Whether a move is a better match. Moves between the three substitution units are not in the model.",
    ),
    "t": Question(
        "User meetings: SMS, food, activity, answers to citizens (chapter 9)",
        ("user_meetings",),
        "Different citizens: only attendances, as nobody knows how often the same one comes. "
        "Influence, and whether meetings keep anyone in treatment.",
    ),
    "u": Question(
        "Feedback stands from June 2018 (chapter 9)",
        ("feedback_stands", "crk_2018_plan"),
        "What is answered: only how many answers. The stands were not up, so visits and share who answer are assumed.",
    ),
    "v": Question(
        "Volunteers: six initiatives, the young and families, aftercare with SMART (chapter 10)",
        ("volunteers_six_initiatives", "volunteers_youth_and_family", "aftercare_with_smart", "crk_2018_plan"),
        "Loneliness, and who finds a volunteer outside CRK. Participants, duration and effect have no number in the "
        "report; whether fewer return is assumed from other studies.",
    ),
    "w": Question(
        "Growth: when each limit is reached (appendix 1, chapter 4)",
        ("growth_all", "youth_growth_20", "youth_growth_40", "doing_nothing", "vacant_posts", "youth_choice_elsewhere"),
        "A date, where it hangs on the number of adults. Pressure does not act back: crowded units keep citizens as "
        "long as before, so the answer is the mildest. Why more come.",
    ),
}

_HEAD = """\
# The questions of the report

Every question that the report leaves open, and what crksim makes of it. `python scripts/what_ifs_table.py` writes this
page from the scenario files.

```
crksim list                          all scenarios
crksim show {one}      one of them in plain words, with its notes
crksim scenario={one}                      run it against its references
crksim scenario={one} option={option}      another decision
crksim scenario={one} {lever}=12
crksim scenario=[{one},{other}]      two at once, each from its own date
```

**Levers** are numbers that a planner may turn, with the range that makes sense; they are written after the scenario as
`ADDRESS=VALUE` (the fifth line). **Measures** are what is answered first, with the smallest difference that matters
(days, hours a year, shares or numbers a year). **Options** are other decisions on the same question; the cheapest is
marked with **€**, and *instead* means that the scenario's own changes are not made. Every answer has a range and one of
four verdicts, "cannot be decided with what is known" among them. No scenario answers on deaths: none acts on the risk
of dying, and what moves with who is where is no finding.

| | question | scenarios |
|---|---|---|
"""


@lru_cache
def _scenario(name: str) -> Scenario:
    return read_scenario(read_yaml(data_dir("scenarios") / f"{name}.yaml").data, name)


def what_ifs_table() -> str:
    """Return the page of questions, scenarios, levers, measures and options in Markdown."""
    one, other = QUESTIONS["a"].scenarios[0], "vesterbro_sms"
    cheapest = next(option.id for option in _scenario(one).options if option.cheapest)
    text = _HEAD.format(one=one, other=other, option=cheapest, lever=_scenario(one).levers[0].address)
    for letter, question in QUESTIONS.items():
        named = ", ".join(f"`{name}`" for name in question.scenarios)
        text += f"| [{letter}](#{letter}) | {question.title} | {named} |\n"
    told: dict[str, str] = {}
    for letter, question in QUESTIONS.items():
        text += f'\n## <a id="{letter}"></a>{letter}. {question.title}\n\n'
        text += "| scenario | levers | measures | options |\n|---|---|---|---|\n"
        for name in question.scenarios:
            if name in told:
                text += f"| `{name}` | see [{told[name]}](#{told[name]}) | | |\n"
                continue
            told[name] = letter
            text += f"| {' | '.join(_cells(_scenario(name)))} |\n"
        text += f"\n**The model cannot say:** {question.silent}{_unanswered(question)}\n"
    return text


def _cells(scenario: Scenario) -> tuple[str, ...]:
    levers = [f"`{lever.address}` {lever.low} to {lever.high}" for lever in scenario.levers]
    since = f"from {scenario.from_day}" + "".join(f" + `{name}`" for name in scenario.combines)
    measures = [f"`{name}` {scenario.worthwhile[name]:g}" for name in scenario.measures]
    options = [
        f"{'**€** ' if option.cheapest else ''}`{option.id}` {'*instead:* ' if option.instead else ''}{option.label.en}"
        for option in scenario.options
    ]
    first = f"**`{scenario.id}`**<br>{scenario.title.en}, {since}<br>*{scenario.question.en}*"
    return first, *("<br>".join(cell.replace("|", "\\|") for cell in cells) for cells in (levers, measures, options))


def _unanswered(question: Question) -> str:
    names = [name for scenario in question.scenarios for name in _scenario(scenario).cannot_answer]
    own = [f"`{name}`" for name in dict.fromkeys(names) if name != "crk.deaths"]
    return f" Refused as measures: {', '.join(own)}." if own else ""


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/what_ifs.md")
    target.write_text(what_ifs_table(), encoding="utf-8", newline="\n")
