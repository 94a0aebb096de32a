"""What the files of a paper are, in both languages, and the page that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crksim.model.network import Label
from crksim.output.finished import Run
from crksim.output.tables import PRIVACY

__all__ = ["COPIED", "DESCRIPTIONS", "page"]

#: File of the paper -> file of the run; those that a run does not have are left out.
COPIED = {
    "run.json": "run.json",
    "gate.json": "gate.json",
    "comparison.csv": "comparison.csv",
    "summary.csv": "summary.csv",
    "replay.csv": "replay.csv",
    "not_replayed.csv": "not_replayed.csv",
    "ledger.csv": "evidence.csv",
    "measures.parquet": "measures.parquet",
    "members.parquet": "members.parquet",
    "explain.csv": "explain.csv",
    "explain_counts.csv": "explain_counts.csv",
    "followup.csv": "followup.csv",
    "figures/flows.csv": "flows.csv",
    "figures/influence.csv": "explain_parameters.csv",
    "figures/attribution.csv": "attribution.csv",
}

DESCRIPTIONS: Mapping[str, Label] = {
    "run.json": Label(
        "hvad der er kørt: afprøvning, verdener, størrelse, frø", "what was run: what-if, worlds, size, seed"
    ),
    "gate.json": Label("kontrollen mod rapporten", "the check against the report"),
    "targets.csv": Label(
        "rapportens tal: mærke, det uafhængige tal, de hører til, dets likelihood, og genafspilningen",
        "the report's numbers: mark, the independent count that each belongs to, its likelihood, and the replay",
    ),
    "priors.csv": Label(
        "hver parameters fordeling, før rapportens tal blev set: lov, tal, kilde og slags; `table` siger, hvor den "
        "står (exact går forud for before, before for ledger), og `in_calibration`, hvilken der gælder i kalibreringen",
        "the law of every parameter before the report's counts were looked at: law, numbers, source and kind; `table` "
        "says where it stands (exact goes before before, before goes before ledger), `in_calibration` which one holds "
        "in the calibration",
    ),
    "draws.csv": Label(
        "de parametre, kørslens udgaver er forskellige i, en række pr. udgave (dage, pr. dag eller uden enhed); "
        "alle vægte er ens",
        "the parameters in which the versions of the run differ, a row each (in days, per day, or without unit); all "
        "weights are equal",
    ),
    "ensemble/posterior.csv": Label(
        "hele ensemblet fra kalibreringen med udgavernes numre; alle vægte er ens",
        "the whole ensemble of the calibration with the numbers of its members; all weights are equal",
    ),
    "ensemble/manifest.json": Label(
        "hvordan ensemblet blev til: frø, størrelse, mærker", "how the ensemble was made: seed, size, marks"
    ),
    "ensemble/identification.csv": Label(
        "hver parameter før og efter kalibreringen, og ved metoden ved siden af",
        "every parameter before and after the calibration, and by the method beside it",
    ),
    "ensemble/trade_offs.csv": Label("parametre, der kan stå i stedet for hinanden", "parameters that trade off"),
    "ensemble/steps.csv": Label("kalibreringens trin", "the steps of the calibration"),
    "ensemble/gate.json": Label("ensemblets kontrol mod rapporten", "the ensemble's check against the report"),
    "ensemble/predictions.csv": Label(
        "ensemblet ved siden af rapportens tal", "the ensemble beside the report's numbers"
    ),
    "measures.parquet": Label(
        "hvert mål i hver gentagelse: udgave, fremtid, verden, mål, værdi",
        "every measure in every replication: member, future, world, measure, value",
    ),
    "members.parquet": Label(
        "udgavernes parametre: udgave, parameter, værdi", "parameters of the members: member, parameter, value"
    ),
    "comparison.csv": Label(
        "svarene: forskel, sandsynligt spænd, chance, dom", "the answers: difference, likely range, chance, verdict"
    ),
    "summary.csv": Label("hvert mål i hver verden", "every measure in every world"),
    "network.yaml": Label(
        "den oversatte model, som sammenlignes med: hvert tal, der hænger på en parameter, er regnet ud",
        "the compiled network of the reference: every number that hangs on a parameter is worked out",
    ),
    "scenario.csv": Label(
        "hvad afprøvningen ændrer, adresse for adresse: før, efter, fra hvornår",
        "what the what-if changes, address by address: old, new, from when",
    ),
    "ledger.csv": Label("hvor hvert tal kommer fra", "where every number comes from"),
    "luck.md": Label(
        "hvordan tilfældet er nøglet, med træk at prøve efter", "how luck is keyed, with draws to check by"
    ),
    "variants.csv": Label("varianter af modellens opbygning", "variants of the structure of the model"),
    "replay.csv": Label("rapportens tal ved siden af genafspilningen", "the report's numbers beside the replay"),
    "not_replayed.csv": Label("tal, der ikke genafspilles, og hvorfor", "numbers that are not replayed, and why"),
    "explain.csv": Label("hvilket spørgsmål der forklares", "which question is explained"),
    "explain_counts.csv": Label("hvad der er værd at tælle", "what is worth counting"),
    "followup.csv": Label("hvad der ventes efter 3, 6 og 12 måneder", "what to expect after 3, 6 and 12 months"),
    "figures/present.csv": Label(
        "figurernes tal: indskrevne over tid, med spænd og pladser",
        "data of the figures: number present over time, with range and places",
    ),
    "figures/flows.csv": Label("figurens tal: hvor borgere går hen", "data of the figure: where citizens go"),
    "figures/influence.csv": Label(
        "figurens tal: hvad der afgør svaret", "data of the figure: what decides the answer"
    ),
    "figures/attribution.csv": Label(
        "figurens tal: hvad hver ændring gør", "data of the figure: what every change does"
    ),
    "references.bib": Label(
        "kilderne i BibTeX og crksim selv; kun felter, der står i talgrundlaget, er udfyldt (ingen titler)",
        "the sources in BibTeX, and crksim itself; only fields that stand in the ledger are filled in (no titles)",
    ),
    "citations.csv": Label("hvilke tal der bygger på hvilke kilder", "which numbers rest on which sources"),
    "SHA256SUMS": Label("filernes kontrolsummer", "checksums of the files"),
}

_PAGE = Label(
    """\
## Dansk

{title}: {question}

{privacy} Kørt med crksim {version}, {members} udgaver × {futures} fremtider, frø {seed} ({versions}). Kørslens \
mærke er {mark}; netværkets sha256 er {network}. {standing} Numrene på udgaver og verdener er de samme i alle filer.

| fil | hvad den er |
|---|---|
""",
    """\
# Files for a paper

{title}: {question}

{privacy} Run with crksim {version}, {members} members × {futures} futures, seed {seed} ({versions}). The mark of \
the run is {mark}; the sha256 of the network is {network}. {standing} Members and worlds are numbered alike everywhere.

| file | what it is |
|---|---|
""",
)
_STANDING = {
    True: Label(
        "Udgaverne er trukket af ensemblet {ensemble}, som er tilpasset rapportens tal.",
        "The members are drawn from the ensemble {ensemble}, which is fitted to the report's counts.",
    ),
    False: Label(
        "Udgaverne er trukket af talgrundlagets spænd (ledger i priors.csv); intet er tilpasset, så draws.csv er ikke "
        "en posterior.",
        "The members are drawn from the ranges of the ledger (ledger in priors.csv); nothing is fitted, so draws.csv "
        "is no posterior.",
    ),
}
_ELSEWHERE = Label(
    " Det er ikke det ensemble, der følger med, så kun kørslens egne udgaver er her.",
    " It is not the one that is shipped, so only the members of the run are here.",
)


def page(run: Run, names: Sequence[str], versions: Mapping[str, str], network: str) -> str:
    """Return the page that describes every file, English first.

    Parameters
    ----------
    run : Run
        What it is about.
    names : sequence of str
        Files of the folder; each must have a description.
    versions : mapping of str to str
        Package -> version with which the run was made.
    network : str
        Content hash of the compiled network.
    """
    result, parts = run.result, []
    for lang in ("en", "da"):
        standing = getattr(_STANDING[bool(result.check.ensemble)], lang).format(ensemble=result.check.ensemble)
        if result.check.ensemble and "ensemble/posterior.csv" not in names:
            standing += getattr(_ELSEWHERE, lang)
        text = getattr(_PAGE, lang).format(
            title=getattr(result.title, lang),
            question=getattr(result.question, lang),
            privacy=getattr(PRIVACY, lang),
            version=run.version,
            members=result.members,
            futures=result.futures,
            seed=result.seed,
            versions=", ".join(f"{name} {held}" for name, held in versions.items() if name != "crksim"),
            mark=run.mark,
            network=network,
            standing=standing,
        )
        parts.append(text + "".join(f"| `{name}` | {getattr(DESCRIPTIONS[name], lang)} |\n" for name in names))
    return "\n".join(parts)
