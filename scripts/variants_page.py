"""Write docs/variants.md from conf/ensemble/variants.csv: python scripts/variants_page.py [--write]."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from crksim.interface.ensembles import VARIANTS, shipped_folder
from crksim.interface.files import shipped_sheet
from crksim.interface.texts import number, percent, say

__all__ = ["variants_page"]

PAGE = Path(__file__).parents[1] / "docs" / "variants.md"

HEADS = {
    "en": """\
# Other ways to build the model

Some of what the model is made of, the report leaves open. Each row builds it in another way and holds it beside the
same counts. *Log ratio*: how much likelier the counts of the young are than under the model as it is (natural
logarithm; ± one Monte Carlo standard error). What is no larger than *the same on other luck* is luck. The versions of
CRK are weighed by it and answer `{scenario}` again: {measure} ({unit}). *Count*: how many of the {members} versions
carry the weight; with fewer than ten the answer is not to be read. *Check*: how many in a hundred of the model's own
futures surprise at least as much as the numbers of the report that were never fitted; it fails below {fails}. A row
that changes only the what-if cannot be told from the model as it is by the report.

Made by `crksim variants` with {members} members, {futures} futures, {past_futures} futures of the past, seed {seed} and
`ship=true` on the ensemble {ensemble}, and by `python scripts/variants_page.py --write`.

| built so | log ratio | count | check | difference | likely range | chance of ≥ {worthwhile} | verdict |
|---|---:|---:|---|---:|---|---:|---|
""",
    "da": """
## Dansk: andre måder at bygge modellen på

Noget af det, modellen er bygget af, lader rapporten stå åbent. Hver række bygger den på en anden måde og holder den op
mod de samme tal. *Log-forhold*: hvor meget mere sandsynlige de unges tal er end i modellen, som den er (naturlig
logaritme; ± en standardfejl). Hvad der ikke er større end i rækken med andet held, er held. Udgaverne af CRK vejes med
det og svarer igen: {measure} ({unit}). *Tæller*: hvor mange af de {members} udgaver, der bærer vægten; er det færre end
ti, skal svaret ikke læses. *Kontrol*: hvor mange af hundrede af modellens egne fremtider, der overrasker mindst så
meget som de tal i rapporten, den ikke er tilpasset; under {fails} er den ikke bestået. En række, der kun ændrer
afprøvningen, kan rapporten ikke skelne fra modellen, som den er.

| bygget sådan | log-forhold | tæller | kontrol | forskel | sandsynligt spænd | chance for ≥ {worthwhile} | svar |
|---|---:|---:|---|---:|---|---:|---|
""",
}


def variants_page(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the page, English first.

    Parameters
    ----------
    rows : sequence of mapping
        The table of variants as text.
    """
    return "".join(_table(rows, lang) for lang in HEADS)


def _table(rows: Sequence[Mapping[str, str]], lang: str) -> str:
    first, size = rows[0], float(rows[0]["worthwhile"])
    shown = {**first, "measure": first[f"measure_{lang}"], "unit": first[f"unit_{lang}"]}
    shown["fails"] = number(lang, 100.0 * shipped_sheet("targets").data["gate"]["probability"])
    text = HEADS[lang].format(**{**shown, "worthwhile": number(lang, size)})
    for row in rows:
        ratio = number(lang, float(row["log_ratio"]), size=0.1, sign=True)
        error = number(lang, float(row["error"]), size=0.1)
        cells = [row[f"label_{lang}"], f"{ratio} ± {error}", number(lang, round(float(row["effective"])))]
        said = say(lang, f"variant_{row['check']}")
        cells.append(f"{said} ({number(lang, round(100.0 * float(row['check_chance'])))})")
        if row["enough"] == "True" and row["verdict"]:
            low, high = (number(lang, float(row[name]), size=size, sign=True) for name in ("low", "high"))
            cells += [number(lang, float(row["difference"]), size=size, sign=True), f"{low} … {high}"]
            cells += [percent(lang, float(row["chance"])), say(lang, row["verdict"])]
        else:
            cells += ["–"] * 4
        text += f"| {' | '.join(cells)} |\n"
    return text


if __name__ == "__main__":
    with (shipped_folder() / VARIANTS).open(encoding="utf-8", newline="") as file:
        found = variants_page(list(csv.DictReader(file)))
    if "--write" in sys.argv[1:]:
        PAGE.write_text(found, encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(found)
