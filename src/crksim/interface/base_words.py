"""The words of the sheet of own base numbers, in Danish and English."""

from __future__ import annotations

from crksim.model.network import Label
from crksim.output.workbook_form import Field, Form

__all__ = ["FORM", "RULES", "TOLD", "rule"]

_WHOLE = Label("Et helt tal, mindst 0. Tomt felt: ikke kendt.", "A whole number, at least 0. Blank: not known.")
_DECIMAL = Label("Et tal, mindst 0. Tomt felt: ikke kendt.", "A number, at least 0. Blank: not known.")
_DATE = Label("En dato, som 28-11-2026.", "A date, such as 2026-11-28.")

FORM = Form(
    title=Label("Egne tal som udgangspunkt", "Own base numbers"),
    help_sheet=Label("Læs først", "Read first"),
    sheet=Label("Tal", "Numbers"),
    help=(
        Label(
            "1. Udfyld de gule felter på arket »Tal«: datoen, hvem der har udfyldt, og de tal, I kender. Et tomt felt "
            "betyder »ikke kendt«: så bruger modellen sit eget tal med dets spænd (9 ud af 10), som står ved siden af.",
            "1. Fill in the yellow cells of the sheet “Numbers”: the date, who filled it in, and the numbers that you "
            "know. A blank cell is “not known”: the model uses its own number with its range (9 in 10), beside it.",
        ),
        Label(
            "2. Gem, og skriv: crksim sheet base_numbers.xlsx. Så findes udgangspunktet i scenarios/, og "
            "crksim 'scenario=[base_numbers,youth_groups_3sites]' spørger fra i dag.",
            "2. Save, and type: crksim sheet base_numbers.xlsx. The base is then in scenarios/, and "
            "crksim 'scenario=[base_numbers,youth_groups_3sites]' asks from today.",
        ),
        Label(
            "3. Kun antal, aldrig navne eller CPR-numre på borgere. Grå felter bruges ikke af modellen. Et tal for en "
            "enhed deles på dens borgergrupper i samme forhold som i modellen.",
            "3. Counts only, never names or personal numbers of citizens. The model does not use grey cells. A number "
            "for a unit is shared among its cohorts in the proportions of the model.",
        ),
    ),
    fields=(
        Field("as_of", Label("Tallene gælder den (dato)", "The numbers hold on (date)"), "date", _DATE),
        Field("name", Label("Udfyldt af (navn)", "Filled in by (name)"), "text", Label("", "")),
        Field("filled", Label("Udfyldt den (dato)", "Filled in on (date)"), "date", _DATE),
    ),
    columns=(
        Field("present", Label("Indskrevne i dag (antal)", "Enrolled today (number)"), "whole", _WHOLE),
        Field("starts", Label("Opstarter det seneste år", "Starts in the last year"), "whole", _WHOLE),
        Field(
            "places",
            Label("Pladser ad gangen eller normering (borgere)", "Places at a time, or citizens it is made for"),
            "whole",
            _WHOLE,
        ),
        Field("staff", Label("Stillinger (årsværk)", "Posts (full-time equivalents)"), "decimal", _DECIMAL),
    ),
    code=Label("Kode (rettes ikke)", "Code (leave as it is)"),
    name=Label("Enhed eller tilbud", "Unit or offer"),
    beside=Label("Modellens tal nu (spænd)", "The model's number now (range)"),
)

#: What is said of faults.
RULES = {
    "no_file": Label("findes ikke", "is not there"),
    "no_workbook": Label(
        "er ikke en Excel-fil (.xlsx), der kan læses", "is no Excel workbook (.xlsx) that can be read"
    ),
    "too_big": Label("er for stor til at være arket", "is too big to be the sheet"),
    "no_sheet": Label("mangler arket", "has no sheet of the right name"),
    "heading": Label("overskriften er ændret eller flyttet", "the heading has been changed or moved"),
    "merged": Label("flettede celler kan ikke læses; ophæv fletningen", "merged cells cannot be read; unmerge them"),
    "formula": Label(
        "formlen har ingen gemt værdi; skriv tallet, formler beregnes ikke",
        "the formula has no kept value; type the number, formulas are not computed",
    ),
    "one_file": Label("kun ét ark ad gangen", "one sheet at a time only"),
    "there": Label(
        "findes allerede; læs den med crksim sheet {path}, eller flyt den",
        "is there already; read it with crksim sheet {path}, or move it",
    ),
    "taken": Label(
        "er en afprøvning, der ikke er skrevet af crksim sheet; vælg et andet navn: name=...",
        "is a scenario that crksim sheet has not written; choose another name: name=...",
    ),
    "shipped": Label("er navnet på en afprøvning, der følger med", "is the name of a shipped scenario"),
    "name": Label(
        "skal være små bogstaver a-z, tal og _, og begynde med et bogstav",
        "must be small letters a-z, digits and _, and begin with a letter",
    ),
    "missing": Label("skal udfyldes: {label}", "must be filled in: {label}"),
    "person": Label("skal være et navn på højst 80 tegn", "must be a name of at most 80 characters"),
    "date": Label("skal være en dato, som 28-11-2026", "must be a date, such as 2026-11-28"),
    "early": Label("skal ligge mellem {first} og {last}", "must lie between {first} and {last}"),
    "whole": Label("skal være et helt tal, mindst 0", "must be a whole number, at least 0"),
    "decimal": Label("skal være et tal, mindst 0, som 4,5", "must be a number, at least 0, such as 4.5"),
    "code": Label("er ikke en kode fra arket", "is no code of the sheet"),
    "twice": Label("står to gange", "is there twice"),
    "closed": Label(
        "har modellen intet tal for her; feltet skal være tomt", "has no number in the model here; leave it blank"
    ),
    "over": Label("må højst være pladserne, {places}", "must be at most the places, {places}"),
    "no_place": Label(
        "skal være mindst én, når nogen er indskrevet", "must be at least one where somebody is enrolled"
    ),
    "nothing": Label("ingen tal er udfyldt", "no number is filled in"),
}

#: What the screen and the scenario say.
TOLD = {
    "counting": Label(
        "Modellens egne tal: {members} udgaver af CRK, til og med {day}",
        "The model's own numbers: {members} versions of CRK, up to {day}",
    ),
    "sheet": Label("Skrevet: {path}. Udfyld de gule felter, gem, og skriv:", "Written: {path}. Fill it in and type:"),
    "scenario": Label(
        "Skrevet: {path}. {filled} af {open} felter er udfyldt pr. {day}.",
        "Written: {path}. {filled} of {open} cells are filled in as of {day}.",
    ),
    "title": Label("Egne tal pr. {day}", "Own numbers as of {day}"),
    "question": Label(
        "Hvad sker der fra den {day}, hvis alt fortsætter?", "What happens from {day} on if everything goes on?"
    ),
    "notes": Label(
        "Udfyldt af {name} den {filled}. Kendte tal: {known}. Resten er modellens egne tal på dagen, i hver udgave i "
        "forhold til, hvor mange der kommer. Et tal for en enhed deles på borgergrupper som i modellen; opstarter "
        "skalerer alle veje dertil lige meget. Ventelister begynder tomme.",
        "Filled in by {name} on {filled}. Known numbers: {known}. The rest are the model's own numbers on the day, in "
        "every version in proportion to who comes. A number for a unit is shared among cohorts as in the model; starts "
        "scale every way that leads there alike. Waiting lists begin empty.",
    ),
}


def rule(key: str, lang: str, **values: object) -> str:
    """Return what is said of a fault, in a language."""
    text: str = getattr(RULES[key], lang)
    return text.format(**values) if values else text
