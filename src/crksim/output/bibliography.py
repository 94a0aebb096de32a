"""References in BibTeX, from what stands in the ledger: a field that is not written there is left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Reference", "bibtex", "cited", "software_entry"]

_DOI = re.compile(r"10\.\d{4,9}/[^\s;,:]+")
_PMC = re.compile(r"\bPMC\d+\b")
_NAME = r"[A-ZÆØÅÖÄ][A-Za-zÆØÅæøåöäéü'’-]+"
_AUTHORS = rf"(?P<authors>{_NAME}(?:, {_NAME})*(?: & {_NAME})?)(?P<others> et al\.)?"
#: ``Sordo et al. 2017, BMJ 357:j1550: ...`` and ``Tompkins et al., US ADSS, APHA 2004: ...``.
_DATED = re.compile(rf"{_AUTHORS} (?P<year>\d{{4}})(?=[,:;]|$)")
_PLACED = re.compile(rf"{_AUTHORS}, (?P<where>[^:;]+?) (?P<year>\d{{4}})(?=[:;]|$)")
_VOLUME = re.compile(r"(?P<journal>[A-ZÆØÅ][^,:;0-9]*?) (?P<volume>\d+):(?P<pages>[A-Za-z]?\d+(?:-\d+)?)(?=[:;,]|$)")
_JOURNAL = re.compile(r"(?P<journal>[A-ZÆØÅ][^,:;0-9]*), (?=10\.\d)")
#: ``..., Frontiers in Public Health 2023, 10.3389/...``: an article whose authors are not named.
_NAMELESS = re.compile(r", (?P<journal>[A-ZÆØÅ][^,:;0-9]*) (?P<year>\d{4}), (?=10\.\d)")
#: A further source begins after a semicolon where it names authors with a year, or a DOI.
_FURTHER = re.compile(rf"; (?={_NAME}[^;]*? \d{{4}}[,:]|10\.\d{{4}})")
_ESCAPED = re.compile(r"[&%$#_]")
_FIELDS = ("author", "year", "journal", "volume", "pages", "howpublished", "doi", "pmcid", "note")


@dataclass(frozen=True)
class Reference:
    """One source.

    Parameters
    ----------
    kind : str
        Type of the entry: ``article`` or ``misc``.
    fields : mapping of str to str
        Field -> value as it stands in the ledger.
    addresses : tuple of str
        Addresses of the ledger that cite it.
    key : str
        By which it is cited.
    """

    kind: str
    fields: Mapping[str, str]
    addresses: tuple[str, ...] = ()
    key: str = ""


def cited(sources: Iterable[tuple[str, str]]) -> list[Reference]:
    """Return every source that is cited, once, sorted by key.

    Parameters
    ----------
    sources : iterable of (str, str)
        Address of the ledger, and what stands there as ``source``; several are parted by semicolons.
    """
    found: dict[str, Reference] = {}
    for address, text in sources:
        for part in _FURTHER.split(text):
            kind, fields = _read(part.strip())
            identity = fields.get("doi") or " ".join(fields.get(name, "") for name in ("author", "year")).strip()
            known = found.get(identity or fields["note"], Reference(kind, {}))
            addresses = dict.fromkeys([*known.addresses, address])
            # Of two ways to write the same source, the fuller one stands.
            fuller = len(fields) > len(known.fields)
            merged = {**known.fields, **fields} if fuller else {**fields, **known.fields}
            entry = "article" if "journal" in merged else "misc"
            found[identity or fields["note"]] = Reference(entry, merged, tuple(addresses))
    return _keyed(list(found.values()))


def bibtex(references: Iterable[Reference]) -> str:
    """Return references as a BibTeX file."""
    return "\n".join(_entry(it.kind, it.key, {name: it.fields[name] for name in _FIELDS if name in it.fields})
                     for it in references)  # fmt: skip


def software_entry(citation: Mapping[str, Any]) -> str:
    """Return the entry of crksim itself.

    Parameters
    ----------
    citation : mapping
        What ``CITATION.cff`` says.
    """
    names = [str(author.get("name") or f"{author['family-names']}, {author['given-names']}")
             for author in citation["authors"]]  # fmt: skip
    date = str(citation["date-released"])
    return _entry(
        "software",
        "crksim",
        {
            "author": " and ".join("{" + name + "}" for name in names),
            "title": "{" + str(citation["title"]) + "}",
            "version": str(citation["version"]),
            "year": date[:4],
            "date": date,
            "license": str(citation["license"]),
        },
    )


def _read(text: str) -> tuple[str, dict[str, str]]:
    """Return type and fields of one source; what is no field stays in the note, which is the citation as it stands."""
    head = re.split(r": (?!j?\d+[:;])", text, maxsplit=1)[0]
    fields = {"note": head}
    doi, pmc = _DOI.search(text), _PMC.search(text)
    if doi is not None:
        fields["doi"] = _unclosed(doi[0])
    if pmc is not None:
        fields["pmcid"] = pmc[0]
    found = _DATED.match(text) or _PLACED.match(text)
    if found is None:
        nameless = _NAMELESS.search(text)
        return ("article" if nameless else "misc"), fields | (nameless.groupdict() if nameless else {})
    names = re.split(r", | & ", found["authors"]) + (["others"] if found["others"] else [])
    fields |= {"author": " and ".join(names), "year": found["year"]}
    if "where" in found.groupdict():
        return "misc", fields | {"howpublished": found["where"]}
    rest = text[found.end() :].lstrip(", ")
    place = _VOLUME.match(rest) or _JOURNAL.match(rest)
    return ("article" if place else "misc"), fields | (place.groupdict() if place else {})


def _unclosed(doi: str) -> str:
    """Return a DOI without the stop or the parenthesis that closed the sentence around it."""
    while doi and (doi[-1] == "." or (doi[-1] == ")" and doi.count(")") > doi.count("("))):
        doi = doi[:-1]
    return doi


def _keyed(references: list[Reference]) -> list[Reference]:
    """Give every reference a key of its own: first author and year, or the first words."""
    taken: dict[str, int] = {}
    made = []
    for reference in sorted(references, key=lambda it: (_slug(it), it.fields["note"])):
        slug = _slug(reference)
        taken[slug] = taken.get(slug, 0) + 1
        number = taken[slug]
        key = slug if number == 1 else f"{slug}_{number}"
        made.append(replace(reference, key=key))
    return sorted(made, key=lambda it: it.key)


def _slug(reference: Reference) -> str:
    fields = reference.fields
    words = fields["author"].split(" and ")[:1] if "author" in fields else re.split(r"[^\w]+", fields["note"])[:4]
    text = "_".join([*words, *([fields["year"]] if "author" in fields else [])]).lower()
    for letter, plain in {"æ": "ae", "ø": "oe", "å": "aa"}.items():
        text = text.replace(letter, plain)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "", text).strip("_")


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    plain = ("doi", "pmcid")
    lines = [f"  {name} = {{{value if name in plain else _ESCAPED.sub(lambda it: chr(92) + it[0], value)}}},\n"
             for name, value in fields.items()]  # fmt: skip
    return f"@{kind}{{{key},\n{''.join(lines)}}}\n"
