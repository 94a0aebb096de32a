"""References from what stands in the ledger: nothing more, and each once."""

import pytest

from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.output.bibliography import bibtex, cited, software_entry

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "kind", "fields"),
    [
        (
            "Lappan, Brown & Hendricks 2020, Addiction, 10.1111/add.14793: 30.4 % in 151 studies",
            "article",
            {
                "author": "Lappan and Brown and Hendricks",
                "year": "2020",
                "journal": "Addiction",
                "doi": "10.1111/add.14793",
                "note": "Lappan, Brown & Hendricks 2020, Addiction, 10.1111/add.14793",
            },
        ),
        (
            "Sordo et al. 2017, BMJ 357:j1550: 3.2",
            "article",
            {
                "author": "Sordo and others",
                "year": "2017",
                "journal": "BMJ",
                "volume": "357",
                "pages": "j1550",
                "note": "Sordo et al. 2017, BMJ 357:j1550",
            },
        ),
        (
            "Tompkins et al., US ADSS, APHA 2004: 26 % re-enter",
            "misc",
            {
                "author": "Tompkins and others",
                "year": "2004",
                "howpublished": "US ADSS, APHA",
                "note": "Tompkins et al., US ADSS, APHA 2004",
            },
        ),
        (
            "Blodgett et al. 2014, 19 trials, 10.1016/j.jsat.2013.08.022: g 0.187",
            "misc",
            {
                "author": "Blodgett and others",
                "year": "2014",
                "doi": "10.1016/j.jsat.2013.08.022",
                "note": "Blodgett et al. 2014, 19 trials, 10.1016/j.jsat.2013.08.022",
            },
        ),
        (
            "Annual report 2017 of the centre as quoted by 24nyt.dk: 787 sought",
            "misc",
            {"note": "Annual report 2017 of the centre as quoted by 24nyt.dk"},
        ),
        (
            "Medical maintenance, Bronx (PMC2692058): 98 % retention",
            "misc",
            {"pmcid": "PMC2692058", "note": "Medical maintenance, Bronx (PMC2692058)"},
        ),
    ],
)
def test_fields_are_what_stands_there(text, kind, fields):
    (found,) = cited([("parameters.a", text)])
    assert (found.kind, dict(found.fields)) == (kind, fields)


def test_several_sources_in_one_text_are_told_apart_and_meet_again_by_doi():
    found = cited(
        [
            ("parameters.a", "Denmark 1.06 (10.3389/fpubh.2023.1179763); Sordo et al. 2017, BMJ 357:j1550: 3.2"),
            ("parameters.b", "Treatment 2007-18, Frontiers in Public Health 2023, 10.3389/fpubh.2023.1179763: 26.6"),
            ("parameters.c", "Sordo et al. 2017, BMJ 357:j1550: 3.2; no semicolon parts this"),
        ]
    )
    assert [(it.fields.get("doi"), it.addresses) for it in found] == [
        (None, ("parameters.a", "parameters.c")),
        ("10.3389/fpubh.2023.1179763", ("parameters.a", "parameters.b")),
    ]
    assert found[1].fields["journal"] == "Frontiers in Public Health"


def test_a_doi_keeps_its_own_parentheses_only():
    found = cited([("a", "Cornelius et al. 2003, 10.1016/S0306-4603(01)00247-7: 54"), ("b", "X (10.1000/182).")])
    assert [it.fields["doi"] for it in found] == ["10.1016/S0306-4603(01)00247-7", "10.1000/182"]


def test_keys_are_different_and_special_letters_escaped():
    found = cited([("a", "Register of A & B: 5"), ("b", "Register of A & B, more: 6"), ("c", "Register of A & B: 7")])
    assert [it.key for it in found] == ["register_of_a_b", "register_of_a_b_2"]
    assert bibtex(found[:1]) == "@misc{register_of_a_b,\n  note = {Register of A \\& B},\n}\n"


def test_every_source_of_the_shipped_ledger_is_cited_and_no_field_is_made_up():
    conf = data_dir("conf")
    tables = (read_folder(conf / "ledger").data, read_folder(conf / "calibration").data["before"])
    sources = [(address, entry["source"]) for table in tables for address, entry in table.items() if "source" in entry]
    found = cited(sources)
    assert {address for address, _ in sources} == {address for it in found for address in it.addresses}
    assert len({it.key for it in found}) == len(found)
    told = " ".join(text for _, text in sources)
    for reference in found:
        for name, value in reference.fields.items():
            parts = value.split(" and ") if name == "author" else [value]
            assert all(part in told for part in parts if part != "others"), reference
    assert {it.fields["doi"] for it in found if "doi" in it.fields} >= {
        "10.1111/add.14793",
        "10.1016/j.jsat.2012.09.007",
    }


def test_crksim_is_cited_as_its_citation_file_says():
    citation = read_yaml(data_dir("conf").parent / "CITATION.cff").data
    text = software_entry(citation)
    assert text.startswith("@software{crksim,\n  author = {{The crksim developers}},\n")
    assert f"version = {{{citation['version']}}}" in text
    assert f"year = {{{str(citation['date-released'])[:4]}}}" in text
