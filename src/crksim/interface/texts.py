"""What the screen says, in Danish and English."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crksim.interface.experiment_texts import EXPERIMENT_TEXTS
from crksim.model.network import Label

if TYPE_CHECKING:
    from crksim.analysis.replay import Check

__all__ = ["TEXTS", "number", "percent", "say", "told_check"]

TEXTS: dict[str, Label] = {
    **EXPERIMENT_TEXTS,
    "tagline": Label(
        "en flysimulator for behandlingsforløb i Center for Rusmiddelbehandling København",
        "a flight simulator for the treatment flows of Center for Rusmiddelbehandling København",
    ),
    "not_for": Label(
        "Tænkte borgere, bygget på en evaluering fra 2016-17.\n"
        "Siger ikke, om behandlingen virker, eller hvem der skal henvises.",
        "Imagined citizens, built on an evaluation of 2016-17.\n"
        "Does not say whether treatment works or who should be referred.",
    ),
    "unknown_word": Label("er hverken en kommando eller navn=værdi", "is neither a command nor name=value"),
    "unknown_key": Label(
        "er hverken en indstilling eller en adresse i modellen", "is neither a setting nor an address"
    ),
    "unknown_flag": Label("er ikke et kendt tilvalg", "is not a known option"),
    "gave_twice": Label("er givet to gange", "is given twice"),
    "several": Label("har flere værdier; sæt -m foran", "has several values; put -m in front"),
    "own": Label("egne, i ./scenarios", "your own, in ./scenarios"),
    "shipped": Label("følger med crksim", "shipped with crksim"),
    "no_scenarios": Label("ingen afprøvninger fundet", "no scenarios found"),
    "try": Label("prøv:", "try:"),
    "question": Label("Spørgsmål", "Question"),
    "changes": Label("Ændringer fra {date}", "Changes from {date}"),
    "changes_start": Label("Ændringer fra begyndelsen", "Changes from the start"),
    "no_changes": Label("Ingen ændringer.", "No changes."),
    "switches": Label("Kan slås til", "Can be switched on"),
    "options": Label("Andre muligheder", "Other options"),
    "cheapest": Label("den billigste", "the cheapest"),
    "levers": Label("Kan ændres", "Can be adjusted"),
    "switched_on": Label(
        "Slået til i ændringen (ikke i det, der sammenlignes med)",
        "Switched on in the what-if (not in what it is compared with)",
    ),
    "against": Label("Sammenlignes med", "Compared with"),
    "file": Label("Fil", "File"),
    "written": Label("Skrevet: {path}", "Written: {path}"),
    "then": Label("Ret filen, og kør: {command}", "Edit it, then run: {command}"),
    "running": Label(
        "{worlds} verdener × {members} udgaver af CRK × {futures} fremtider, {first} til {last}, frø {seed}",
        "{worlds} worlds × {members} versions of CRK × {futures} futures, {first} to {last}, seed {seed}",
    ),
    "running_alone": Label(
        "{members} udgaver af CRK × {futures} fremtider, {first} til {last}, frø {seed}",
        "{members} versions of CRK × {futures} futures, {first} to {last}, seed {seed}",
    ),
    "measured": Label("Tallene »om året« gælder {first} til {last}.", "Numbers “per year” are of {first} to {last}."),
    "predicted": Label(
        "Kontroltal ramt: {met} af {predicted}; af dem, der angår dette spørgsmål, {bearing_met} af {bearing}.",
        "Predicted numbers met: {met} of {predicted}; of those that bear on this question, {bearing_met} of {bearing}.",
    ),
    "predicted_apart": Label(
        "Kontroltal ramt: {met} af {predicted}; ingen af dem angår dette spørgsmål.",
        "Predicted numbers met: {met} of {predicted}; none of them bears on this question.",
    ),
    "not_replayed": Label(
        "Rapportens tal ligger før udgangspunktet og køres ikke igen.",
        "The report's numbers lie before the base numbers and are not run again.",
    ),
    "simulating": Label("Beregner", "Simulating"),
    "left": Label("tilbage", "left"),
    "writing": Label("Skriver rapport og regneark", "Writing report and workbook"),
    "measure": Label("mål", "measure"),
    "reference": Label("uden ændringen", "reference"),
    "what_if": Label("afprøvning", "what-if"),
    "range": Label("sandsynligt spænd", "likely range"),
    "legend": Label(
        "Sandsynligt spænd: for forskellen, 9 ud af 10. Under svaret: chancen for mindst bagatelgrænsen.",
        "Likely range: of the difference, 9 in 10. Below the verdict: chance of the smallest worthwhile difference.",
    ),
    "legend_parts": Label(
        "Sandsynligt spænd: for forskellen, 9 ud af 10.",
        "Likely range: of the difference, 9 in 10.",
    ),
    "legend_alone": Label(
        "Enkelt forløb: det spænd, som 9 ud af 10 enkelte fremtider ligger i.",
        "Single course: the range in which 9 in 10 single futures lie.",
    ),
    "verdict": Label("svar", "verdict"),
    "makes_a_difference": Label("gør en forskel", "makes a difference"),
    "no_difference_that_matters": Label("ingen forskel af betydning", "no difference that matters"),
    "cannot_be_decided": Label("kan ikke afgøres med den viden, vi har", "cannot be decided with what is known"),
    "model_cannot_answer": Label("modellen kan ikke svare", "the model cannot answer"),
    "against_other": Label("Mod {reference}", "Against {reference}"),
    "all_rows": Label("alle {count} mål", "all {count} measures"),
    "check_passed": Label(
        "Kontrol mod rapporten: bestået, men den stopper kun {stopped} af {wrong} med vilje forkerte modeller.",
        "Check against the report: passed, but it stops only {stopped} of {wrong} models wrong on purpose.",
    ),
    "check_blind": Label(
        "Kontrol mod rapporten: bestået, men den afslører ingen af {wrong} med vilje forkerte modeller.",
        "Check against the report: passed, but it reveals none of {wrong} models wrong on purpose.",
    ),
    "check_failed": Label(
        "Ikke valideret: kontrollen mod rapporten er ikke bestået. Tænkte borgere.",
        "Not validated: the check against the report failed. Imagined citizens.",
    ),
    "check_stale": Label(
        "Ikke valideret: modellen er ændret, siden den blev kalibreret. Tænkte borgere.",
        "Not validated: the model has changed since it was calibrated. Imagined citizens.",
    ),
    "check_not_calibrated": Label(
        "Ikke valideret: udgaverne er trukket af talgrundlagets spænd, intet er afstemt. Tænkte borgere.",
        "Not validated: versions are drawn from the ranges of the ledger, nothing is fitted. Imagined citizens.",
    ),
    "folder": Label("Mappe", "Folder"),
    "report": Label("Rapport", "Report"),
    "seconds": Label("{seconds} s", "{seconds} s"),
    "interrupted": Label("afbrudt", "interrupted"),
    "nothing_kept": Label("intet gemt", "nothing was kept"),
    "still_kept": Label(
        "resultater gemt i {folder}: {held}; den samme kommando går videre derfra",
        "results kept in {folder}: {held}; the same command goes on from there",
    ),
    "points_kept": Label(
        "det beregnede ligger i {folder}; den samme kommando går videre derfra",
        "what is computed lies in {folder}; the same command goes on from there",
    ),
    "was_there": Label(
        "Enkelte fremtider, der var der i forvejen: {found} af {total}",
        "Single futures that were there already: {found} of {total}",
    ),
    "disk": Label("{path} kan ikke skrives: {reason}", "{path} cannot be written: {reason}"),
    "interrupted_kept": Label("afbrudt; gemt indtil nu: {kept}", "interrupted; kept so far: {kept}"),
    "compared": Label("Sammenligning af {count} kørsler", "Comparison of {count} runs"),
    "run": Label("kørsel", "run"),
    "address": Label("adresse", "address"),
    "kind": Label("slags", "kind"),
    "value": Label("værdi", "value"),
    "low": Label("lav", "low"),
    "high": Label("høj", "high"),
    "source": Label("kilde", "source"),
    "entries": Label("{count} tal: {kinds}", "{count} numbers: {kinds}"),
    "none_found": Label("ingen", "none"),
    "explaining": Label("Kørsel: {run}", "Run: {run}"),
    "unknown_share": Label("{share} af uvisheden", "{share} of what is not known"),
    "all_explained": Label("Alle tal: {files}", "All numbers: {files}"),
    "no_runs": Label(
        "der er ingen kørsler i {folder}; kør først crksim scenario=NAVN",
        "there are no runs in {folder}; run crksim scenario=NAME first",
    ),
    "no_such_run": Label(
        "er hverken en kørsels mappe eller navnet på en kørsel i {folder}",
        "is neither the folder nor the name of a run in {folder}",
    ),
    "nothing_to_explain": Label(
        "Kørslen har intet svar at forklare: den har kun én verden, eller målet har ingen værdi.",
        "The run has no answer to explain: it has one world only, or the measure has no value.",
    ),
    "one_change": Label(
        "består af {count} ændring; der skal mindst to til at dele op. Kør crksim scenario=NAVN",
        "is made of {count} change; it takes two at least to take apart. Run crksim scenario=NAME",
    ),
    "reference_changes": Label(
        "sammenlignes med {reference}, som selv ændrer noget; der kan kun deles op mod den uændrede model",
        "is compared with {reference}, which changes something itself; it can be taken apart against the baseline only",
    ),
    "no_part": Label("{count} ændringer rører ikke dette mål.", "{count} changes do not touch this measure."),
    "no_part_one": Label("1 ændring rører ikke dette mål.", "1 change does not touch this measure."),
    "no_parts_multirun": Label("kan ikke bruges med attribute", "cannot be used with attribute"),
    "no_paper": Label("skal være: crksim export --paper KØRSEL", "must be: crksim export --paper RUN"),
    "changed_file": Label(
        "mangler eller er ikke, som den blev skrevet; kør afprøvningen igen",
        "is missing, or not as it was written; run the what-if again",
    ),
    "no_reference": Label(
        "er fra før en kørsel gemte {name}; kør afprøvningen igen",
        "is from before a run kept {name}; run the what-if again",
    ),
    "other_version": Label(
        "er den udgave, kørslen er lavet med; dette er {version}",
        "is the version that made the run; this is {version}",
    ),
    "other_number": Label(
        "gjaldt for kørslen; nu står der {now}. Kør afprøvningen igen",
        "held for the run; now it is {now}. Run the what-if again",
    ),
    "exported": Label("Til artiklen: {folder}", "For the paper: {folder}"),
    "cannot_write": Label("kan ikke skrives: {reason}", "cannot be written: {reason}"),
}


def say(lang: str, key: str, **values: object) -> str:
    """Return a text of the screen.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    key : str
        Key in `TEXTS`.
    **values : object
        What stands in the text's braces.
    """
    text: str = getattr(TEXTS[key], lang)
    return text.format(**values) if values else text


def number(lang: str, value: float, *, size: float | None = None, sign: bool = False) -> str:
    """Return a number for the screen, Danish with decimal comma.

    Parameters
    ----------
    lang : str
        ``da`` or ``en``.
    value : float
        The number; NaN is a dash.
    size : float, optional
        A difference that matters: one digit more than it has is shown. Without it, three digits.
    sign : bool
        Whether a plus is shown.
    """
    if value != value:
        return "–"
    if size is None:
        decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    else:
        decimals = min(max(math.ceil(-math.log10(size)) + 1, 0), 4) if size > 0 else 0
    text = f"{value:{'+' if sign else ''},.{decimals}f}"
    if size is None and decimals:
        text = text.rstrip("0").rstrip(".")
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    if lang == "da":
        text = text.replace(",", "_").replace(".", ",").replace("_", ".")
    return text.replace("-", "−")


def told_check(lang: str, check: Check) -> str:
    """Return what the check against the report says, and what that is worth, in one line."""
    blind = check.status == "passed" and check.stopped == 0 < check.wrong
    return say(lang, "check_blind" if blind else f"check_{check.status}", stopped=check.stopped, wrong=check.wrong)


def percent(lang: str, share: float) -> str:
    """Return a share as a whole percentage; chances never read 0 or 100 %."""
    if share != share:
        return "–"
    whole = round(100 * share)
    text = "<1" if whole == 0 and share > 0 else ">99" if whole == 100 and share < 1 else str(whole)
    return f"{text} %" if lang == "da" else f"{text}%"
