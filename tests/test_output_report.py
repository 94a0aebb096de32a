"""The report: both languages whole, page one's box always there, nothing fetched, numbers as planners write them."""

from __future__ import annotations

import math
import re
import runpy
from collections import Counter
from dataclasses import fields, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from crksim import output
from crksim.analysis.costing import PER
from crksim.analysis.replay import Check
from crksim.analysis.results import VERDICTS, ComparisonRow, Reading
from crksim.model.evidence import Evidence
from crksim.model.network import Label
from crksim.output import figures
from crksim.output.figures import draw_figures
from crksim.output.finished import read_run
from crksim.output.report import render
from crksim.output.report.answer import box, in_words, single_course
from crksim.output.report.focus import change_day, flow_picture, name_of, present_facts, present_services
from crksim.output.report.page import build_page, least
from crksim.output.report.wording import Wording, is_share, texts
from crksim.output.rundir import write_run
from crksim.output.tables import LANGUAGES
from tests.make_result import FLOWS, NEW, make_result, make_run

DA, EN = Wording("da"), Wording("en")
#: How texts begin that are chosen by a value.
_FAMILIES = ("word_", "kind_", "mark_", "least_", "count_", "check_", "seen_", "law_")


class Page(HTMLParser):
    """Elements of a page with the language they stand in."""

    VOID = frozenset({"meta", "input", "br", "img", "link"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], {"da": [], "en": []}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in self.VOID:
            self.open.append((tag, attributes))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        inside = [attributes["lang"] for tag, attributes in self.open if tag == "main"]
        if inside and not any(tag == "style" for tag, _ in self.open):
            self.words[inside[0]].append(data.strip())

    def text(self, lang):
        return " ".join(" ".join(self.words[lang]).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_run(folder=tmp_path_factory.mktemp("outputs") / "run", lang="da", **make_run())


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def run(folder):
    return read_run(folder)


@pytest.fixture
def without_figures(monkeypatch):
    """Drawing takes most of the time, and these tests do not look at figures."""
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})


def write(tmp_path, **changes):
    arguments = make_run()
    arguments["result"] = replace(arguments["result"], **changes.pop("result", {}))
    return write_run(folder=tmp_path / "run", lang="da", **(arguments | changes))


# --- texts


@pytest.mark.unit
@pytest.mark.parametrize("key", sorted(texts()))
def test_every_text_is_in_both_languages_with_the_same_placeholders(key):
    entry = texts()[key]
    assert set(entry) == set(LANGUAGES)
    found = {lang: set(re.findall(r"{(\w+)}", entry[lang])) for lang in LANGUAGES}
    assert all(isinstance(entry[lang], str) and entry[lang].strip() for lang in LANGUAGES)
    assert found["da"] == found["en"] or key == "answer_head"


@pytest.mark.unit
def test_all_verdicts_have_words_and_an_explanation():
    assert {DA.text(verdict) for verdict in VERDICTS} == {
        "gør en forskel",
        "ingen forskel af betydning",
        "kan ikke afgøres med den viden, vi har",
        "modellen kan ikke svare",
    }
    assert all(EN.text(f"{verdict}_more") for verdict in VERDICTS)


@pytest.mark.unit
def test_unknown_text_is_an_error():
    with pytest.raises(KeyError):
        DA.text("no_such_text")


@pytest.mark.unit
def test_no_text_of_the_other_language_on_a_page(page):
    """Every sentence of the one language is looked for on the page of the other."""
    for lang, other in (("da", "en"), ("en", "da")):
        for entry in texts().values():
            pieces = [piece.strip(" .,:;()") for piece in re.split(r"{\w+}|\|", entry[other])]
            for piece in pieces:
                if len(piece) > 8 and " " in piece and piece not in entry[lang]:
                    assert piece not in page.text(lang), piece


@pytest.mark.unit
def test_every_text_is_used():
    root = Path(output.__file__).parent
    code = "".join(path.read_text("utf-8") for path in root.rglob("*") if path.suffix in (".py", ".j2"))
    code = code.replace("'", '"')
    made = {*VERDICTS, *(f"{verdict}_more" for verdict in VERDICTS)}
    made |= {key for key in texts() if key.startswith(_FAMILIES)}
    made |= {f"legend_{limit}{new}" for limit in ("places", "norm") for new in ("", "_new")}
    made |= {f"{key}_good" for key in ("answer_year", "single_year_cell")}
    made |= {field.name for field in fields(Evidence)}
    made |= {f"attribution_{part}" for part in ("reference", "interaction", "total")}
    turns = ("explain", "explain_sentence", "explain_zero", "follow")
    made |= {f"{key}_{side}" for key in turns for side in ("below", "above", "between", "never")}
    made |= {f"precision_{outcome}" for outcome in ("settled", "ignorance", "luck", "near", "versions", "no_answer")}
    made |= {f"{item}_untold" for item in PER} | {f"chosen_cost_{item}" for item in ("total", *PER)}
    made |= {"fresh_no_direction", "fresh_changed"}  # reasons that a comparison is not judged on fresh luck
    unused = [key for key in texts() if key not in made and f'"{key}"' not in code]
    assert unused == []


# --- numbers


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "decimals", "signed", "da", "en"),
    [
        (1234567.891, 2, False, "1.234.567,89", "1,234,567.89"),
        (-3.0, 0, False, "\u22123", "\u22123"),
        (25.0, 0, True, "+25", "+25"),
        (-0.04, 1, True, "0,0", "0.0"),
        (math.nan, 1, True, "\u2013", "\u2013"),
        (math.inf, 0, False, "∞", "∞"),
    ],
)
def test_numbers_have_the_separators_of_the_language(value, decimals, signed, da, en):
    assert DA.number(value, decimals, signed=signed) == da
    assert EN.number(value, decimals, signed=signed) == en


@pytest.mark.unit
@pytest.mark.parametrize(
    ("scale", "smallest", "decimals"),
    [((250.4, 3.0), 0.5, 0), ((38.4, 25.2), 5.0, 0), ((31.4, 33.0), 0.5, 1), ((6.3, 1.2), 7.0, 1), ((0.3,), 0.02, 2)],
)
def test_decimals_follow_the_size_and_the_smallest_worthwhile_difference(scale, smallest, decimals):
    assert DA.decimals(*scale, smallest=smallest) == decimals


@pytest.mark.unit
@pytest.mark.parametrize(
    ("share", "da", "en"),
    [
        (0.0, "under 1 ud af 10", "under 1 in 10"),
        (0.0999, "under 1 ud af 10", "under 1 in 10"),
        (0.1, "1 ud af 10", "1 in 10"),
        (0.77, "8 ud af 10", "8 in 10"),
        (0.9, "9 ud af 10", "9 in 10"),
        (0.93, "over 9 ud af 10", "over 9 in 10"),
        (math.nan, "\u2013", "\u2013"),
    ],
)
def test_chances_are_so_many_in_ten(share, da, en):
    assert (DA.chance(share), EN.chance(share)) == (da, en)


@pytest.mark.unit
def test_ranges_and_dates():
    assert DA.span(2.6, 24.9, signed=True) == "+3 til +25"
    assert EN.span(2.0, 8.0, 1) == "2 to 8"
    assert DA.span(177.0, 177.0) == "177"
    assert DA.span(-0.001, 0.002, 1, signed=True) == "omkring 0"
    assert DA.span(math.nan, 1.0) == "\u2013"
    assert DA.calendar(date(2026, 3, 1)) == "1. marts 2026"
    assert EN.calendar(date(2026, 3, 1)) == "1 March 2026"
    assert DA.day(date(2016, 1, 1), 366.0) == "1. januar 2017"
    assert DA.plain(0.5) == "0,5"
    assert DA.plain(1000.0) == "1.000"
    assert EN.per_cent("17") == "17%"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("kind", "unit", "difference", "worthwhile", "da", "en"),
    [
        ("flow", ("om året", "per year"), 9.0, 5.0, "5 flere", "5 more"),
        ("stock", ("borgere", "citizens"), -9.0, 5.0, "5 færre", "5 fewer"),
        ("duration", ("dage", "days"), -9.0, 7.0, "7 dage kortere", "7 days shorter"),
        ("share", ("andel", "share"), 0.2, 0.05, "5 procentpoint højere", "5 percentage points higher"),
        (
            "stock",
            ("årsværk", "full-time equivalents"),
            1.0,
            0.25,
            "0,25 årsværk mere",
            "0.25 full-time equivalents more",
        ),
        ("count", ("antal", "number"), 1.0, 2.0, "2 flere", "2 more"),
    ],
)
def test_smallest_worthwhile_difference_in_words(kind, unit, difference, worthwhile, da, en):
    row = replace(
        make_result().comparison[0], kind=kind, unit=Label(*unit), difference=difference, worthwhile=worthwhile
    )
    assert (least(row, DA), least(row, EN)) == (da, en)


@pytest.mark.unit
def test_only_shares_are_per_cent():
    assert is_share(Label("andel", "share"))
    assert not is_share(Label("om året", "per year"))


# --- the page


@pytest.mark.unit
def test_report_fetches_nothing_and_runs_nothing(html, page):
    assert "http" not in html.lower()
    assert not any(tag in ("script", "link", "img", "iframe", "base") for tag, _ in page.tags)
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset", "style"):
            value = attributes.get(name) or ""
            assert "//" not in value
            assert name not in ("href", "xlink:href") or value[:1] in ("", "#")
        assert not any(name.startswith("on") for name in attributes)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


@pytest.mark.unit
def test_report_holds_both_languages_and_opens_in_the_wished_one(folder, html, page):
    mains = [attributes["lang"] for tag, attributes in page.tags if tag == "main"]
    checked = [attributes["id"] for tag, attributes in page.tags if "checked" in attributes]
    assert mains == ["da", "en"]
    assert checked == ["choose-da"]
    assert '<html lang="da">' in html
    other = Page(render(folder, "en"))
    assert [a["lang"] for tag, a in other.tags if tag == "main"] == ["en", "da"]
    assert [a["id"] for _, a in other.tags if "checked" in a] == ["choose-en"]
    assert other.text("en") == page.text("en")


@pytest.mark.unit
def test_report_is_readable_without_seeing(page):
    counts = Counter(tag for tag, _ in page.tags)
    assert counts["h1"] == 2
    assert counts["title"] == 1
    assert all(a.get("scope") in ("col", "row") for tag, a in page.tags if tag == "th")
    assert counts["caption"] == counts["table"] > 8
    images = [a["aria-label"] for _, a in page.tags if a.get("role") == "img"]
    assert len(images) == counts["svg"] == 10
    assert all(len(text) > 40 for text in images)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    used = {match for _, a in page.tags for value in a.values() for match in re.findall(r"url\(#(.+?)\)", value or "")}
    used |= {a["xlink:href"][1:] for _, a in page.tags if "xlink:href" in a}
    assert used <= set(ids)


@pytest.mark.unit
def test_page_one_has_the_box_before_any_table(html, page):
    assert html.count('<aside class="box"') == 2
    first = html[html.index("<main") : html.index("</main>")]
    assert first.index('<aside class="box"') < first.index("<table")
    text = page.text("da")
    assert "tænkte borgere" in text
    assert "2 af 3 ramt inden for spændet" in text
    assert "Hvor mange voksne hver enhed har, vides ikke" in text
    assert "Modellen kan ikke sige, om behandlingen virker, eller hvem der bør henvises" in text
    assert "2 of 3 met within the range" in page.text("en")


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_box_is_there_also_without_facts_and_evidence(tmp_path):
    found = Page((write(tmp_path, result={"replay": ()}, evidence=[]) / "report.html").read_text("utf-8"))
    assert "Der er ingen kontroltal at holde modellen op imod" in found.text("da")
    assert "The model cannot say whether the treatment works" in found.text("en")


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_facts_without_a_row_stand_folded_below_the_replay_with_their_reasons(page, tmp_path):
    assert "Ikke med i kontrollen: 2 tal og udsagn i rapporten, og hvorfor" in page.text("da")
    assert "142 unge i 2015: før modellen." in page.text("da")
    assert "20 in the gym: not a flow." in page.text("en")
    without = Page((write(tmp_path, result={"not_replayed": ()}) / "report.html").read_text("utf-8"))
    assert "Ikke med i kontrollen" not in without.text("da")


@pytest.mark.unit
def test_answer_gives_numbers_range_chance_and_single_courses(page):
    assert "Opstarter i ungegrupperne: 38 om året med ændringen mod 25 uden ændringen." in page.text("da")
    assert "+3 til +24 om året; chance for mindst 5 flere: over 9 ud af 10." in page.text("da")
    assert "bedre i 7 ud af 10, omtrent det samme i 2 ud af 10, dårligere i 1 ud af 10" in page.text("da")
    assert "højere i 7 ud af 10, omtrent det samme i 2 ud af 10, lavere i 1 ud af 10" in page.text("da")
    assert "38 a year with the change, against 25 without the change." in page.text("en")
    for lang, words in (("da", DA), ("en", EN)):
        for verdict in VERDICTS:
            assert words.text(verdict) in page.text(lang)
        assert words.text("not_validated") in page.text(lang)


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_answer_says_so_when_the_model_has_none(tmp_path):
    unknown = tuple(
        replace(row, difference=math.nan, verdict="model_cannot_answer") for row in make_result().comparison
    )
    found = Page((write(tmp_path, result={"comparison": unknown}) / "report.html").read_text("utf-8"))
    assert DA.text("answer_none") in found.text("da")
    assert "38" not in found.text("da").split("Læs dette først")[0]


@pytest.mark.unit
def test_what_the_model_cannot_answer_gets_no_range_and_no_chance(run):
    row = replace(run.result.comparison[0], verdict="model_cannot_answer")
    told = build_page(replace(run, result=replace(run.result, comparison=(row,))), "en", {})
    assert not told["deciding"][0]["known"]
    assert told["answer"]["lines"] == [EN.text("answer_none")]


@pytest.mark.unit
def test_label_with_a_unit_in_it_is_not_given_the_unit_again(run):
    label = Label("Ungegrupper: opstarter om året", "Youth groups: starts per year")
    row = replace(run.result.comparison[0], label=label)
    changed = replace(run, result=replace(run.result, comparison=(row,)))
    head = build_page(changed, "da", {})["answer"]["head"]
    assert head == "Ungegrupper, opstarter om året: 38 med ændringen mod 25 uden ændringen."


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_a_run_without_a_change_speaks_of_crk_as_it_is(run, tmp_path):
    one = run.result.worlds[0]
    worlds = (one, replace(one, id="what_if", label=Label("CRK uden ændringer", "CRK without changes")))
    rows = tuple(
        replace(row, what_if=row.reference, difference=0.0) for row in run.result.comparison if row.against == one.id
    )
    folder = write(tmp_path, result={"worlds": worlds, "comparison": rows, "changes": ()})
    told = Page((folder / "report.html").read_text("utf-8"))
    assert "crksim · CRK uden ændringer" in told.text("da")
    for lang, words in (
        ("da", ("mod »", "Forskel", "med ændringen", "Vurdering")),
        ("en", ("with the change", "Verdict")),
    ):
        section = told.text(lang).partition(Wording(lang).text("glossary_title"))[0]
        assert [word for word in words if word in section] == []
    cells = build_page(read_run(folder), "da", {})["deciding"]
    assert cells[0]["mean"] == "25"
    assert " til " in cells[0]["span"]


@pytest.mark.unit
def test_a_reference_with_a_name_of_its_own_does_not_run_into_its_number(run):
    worlds = run.result.worlds
    planned = replace(worlds[0], id="planned", label=Label("20 pladser som planlagt", "20 places as planned"))
    rows = tuple(
        replace(one, against="planned") if one.against == worlds[0].id else one for one in run.result.comparison
    )
    other = replace(run, result=replace(run.result, worlds=(planned, *worlds[1:]), comparison=rows))
    assert "mod 25 med »20 pladser som planlagt«." in build_page(other, "da", {})["answer"]["head"]
    assert "against 25 with “20 places as planned”." in build_page(other, "en", {})["answer"]["head"]


@pytest.mark.unit
def test_run_without_a_change_is_shown_too(tmp_path):
    world = make_result().worlds[0]
    alone = {"worlds": (world,), "comparison": (), "flows": {"without": dict(FLOWS)}, "changes": ()}
    alone["series"] = tuple(row for row in make_result().series if row.world == "without")
    found = Page((write(tmp_path, result=alone, scenario_dict={}) / "report.html").read_text("utf-8"))
    assert DA.text("answer_alone") in found.text("da")
    assert EN.text("changed_none") in found.text("en")
    assert Counter(tag for tag, _ in found.tags)["svg"] >= 4


@pytest.mark.unit
def test_texts_of_a_scenario_cannot_become_markup(tmp_path):
    evil = Label("<script>alert(1)</script> & \"'", "<b>bold</b>")
    changes = {"title": evil, "question": evil, "changes": (evil,)}
    changes["worlds"] = tuple(replace(world, label=evil) for world in make_result().worlds)
    text = (write(tmp_path, result=changes) / "report.html").read_text("utf-8")
    assert "<script" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.unit
def test_what_stands_below_a_range_breaks_so_that_the_table_fits_its_page(html):
    """A range is one line; the words below it, in one line too, push the verdicts out of a window of 1200 pixels."""
    rule = re.search(r"\.range \.unit[^{]*\{([^}]*)\}", html).group(1)
    assert "white-space: normal" in rule


# --- figures


@pytest.mark.unit
def test_figures_are_of_the_services_changed_or_moved(run):
    assert present_services(run) == [*NEW, "youth_group_hoersholmsgade"]
    picture = flow_picture(run)
    assert set(picture.focus) == {*NEW, "youth_group_hoersholmsgade"}
    assert sum(picture.into["without"].values()) == pytest.approx(18.5 + 3.2 + 2.4 + 1.1)


@pytest.mark.unit
def test_small_flows_are_gathered_and_none_is_lost(run):
    many = {(f"unit_{i}", "youth_group_hoersholmsgade"): 1.0 + i for i in range(20)}
    many[("youth_group_hoersholmsgade", "leave")] = 210.0
    picture = flow_picture(replace(run, result=replace(run.result, flows={"without": many, "what_if": many})))
    assert len(picture.sources) == 7
    assert picture.sources[-1] == "others"
    assert sum(picture.into["what_if"].values()) == pytest.approx(sum(1.0 + i for i in range(20)))


@pytest.mark.unit
def test_facts_are_drawn_where_their_service_is(run):
    facts = present_facts(run, "youth_group_hoersholmsgade")
    assert [fact.fact for fact in facts] == ["youth_group_present"]
    assert present_facts(run, "youth_group") == []


def comparison_row(measure, reference, what_if, **more):
    fields = {
        "kind": "flow",
        "against": "without",
        "low": 0.0,
        "high": 1.0,
        "year_low": 0.0,
        "year_high": 1.0,
        "worthwhile": 1.0,
    }
    fields |= {
        "worthwhile": 1.0,
        "chance": 0.95,
        "better": 0.7,
        "same": 0.2,
        "worse": 0.1,
        "luck_share": 0.25,
        "decides": False,
    }
    fields |= {"verdict": "makes_a_difference", "label": Label("x", "x"), "unit": Label("om året", "per year")} | more
    return ComparisonRow(measure, reference=reference, what_if=what_if, difference=what_if - reference, **fields)


@pytest.mark.unit
def test_answer_tells_size_of_groups_staff_limit_and_status(run):
    rows = (
        comparison_row("group.starts", 25.0, 38.0),
        comparison_row("group.fte", 0.8, 2.4, worthwhile=0.2),
        comparison_row("a.present.mean", 0.0, 3.0, label=Label("Gruppe A: indskrevne", "Group A: number present")),
        comparison_row("b.present.mean", 0.0, 4.0, label=Label("Gruppe B: indskrevne", "Group B: number present")),
        comparison_row("a.under_workable", float("nan"), 0.5),
        comparison_row("b.under_workable", float("nan"), 0.4),
        comparison_row("group.gain.share_0", 0.0, 0.0),
        comparison_row("group.gain.share_100", 3.0, 8.0),
        comparison_row("crk.door_wait.share_within_limit", 1.0, 1.0, verdict="no_difference_that_matters"),
    )
    service = {"places": {"hard": 8, "workable": 4}}
    result = replace(run.result, comparison=rows, touched=("a", "b"))
    told = in_words(replace(run, result=result, study={"services": {"a": service, "b": service}}), rows[0], DA)
    assert told[0] == (
        "Gruppe A og Gruppe B har hver i snit 3,0-4,0 deltagere ad gangen og er under 4 i 40-50\u00a0% af ugerne."
    )
    assert told[1] == "Personale: 2,4 årsværk mod 0,8."
    decides = (*rows, comparison_row("wider.fte", 1.0, 3.0, worthwhile=0.2, decides=True))
    wider = replace(run, result=replace(result, comparison=decides), study={})
    assert in_words(wider, rows[0], DA)[0] == "Personale: 3,0 årsværk mod 1,0."
    assert told[2] == "Lovens frist ved døren berøres ikke."
    assert told[3].startswith("Ophør ved udskrivning: 0-5 flere om året")
    moved = replace(rows[-1], verdict="cannot_be_decided")
    shown = replace(run, result=replace(result, comparison=(*rows[:-1], moved)), study={})
    assert [sentence[:9] for sentence in in_words(shown, rows[0], EN)] == ["Staff: 2.", "Ceased at"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("good", "said"),
    [("up", "better in 7 in 10"), ("down", "better in 1 in 10"), ("none", "higher in 7 in 10")],
)
def test_a_single_course_is_better_only_where_a_direction_is_good(good, said):
    row = comparison_row("a.starts", 1.0, 2.0, good=good)
    assert single_course(row, EN, "single_year_cell").startswith(said)


@pytest.mark.unit
def test_box_tells_the_gate_the_ignorance_and_what_the_touched_rests_on(run):
    """Of the four predicted facts one shares its people; of the rest one speaks of what is touched."""
    told = box(run, run.result.comparison[0], EN)
    assert told[1].startswith("The model is not calibrated here.")
    assert "2 of 3 met within the range; of those that bear on this question, 1 of 1." in told[2]
    # Made so that the effect hangs on one number alone, and that one has a source.
    assert told[3] == (
        "The range of the first number: 40% is luck, 60% numbers with a source, 0% assumptions, and 0% cannot be told "
        "apart with 20 versions. Mostly: “Take-up at own site”."
    )
    assumed = tuple({**entry, "kind": "assumed"} for entry in run.evidence)
    told_again = box(replace(run, evidence=assumed), run.result.comparison[0], EN)
    assert "0% numbers with a source, 60% assumptions" in told_again[3]
    unexplained = box(replace(run, explanations=()), run.result.comparison[0], EN)
    assert unexplained[3].startswith("60% of the range")
    assert told[4] == (
        "What the change touches rests on 3 uncertain numbers: 1 from the report and 2 assumed; so mainly assumed."
    )


@pytest.mark.unit
def test_box_tells_on_which_ways_to_build_the_model_the_answer_hangs(run):
    lead = run.result.comparison[0]
    built = [
        Reading(Label(f"Sådan {n}", f"Like this {n}"), lead.measure, -0.5 - n, -1.0, 2.25, 13.25) for n in range(4)
    ]
    other = Reading(Label("Andet", "Other"), "unit.elsewhere", 0.0, 0.0, 0.0, 0.0)
    told = box(replace(run, result=replace(run.result, readings=(*built, other))), lead, EN)
    (line,) = [line for line in told if "hangs on them" in line]
    assert line == (
        "The report leaves open how some things are, and the answer hangs on them. "
        "The difference is +13.2 a year as the model is built, but: "
        "Like this 0: −0.5 (−1.0 to +2.2); Like this 1: −1.5 (−1.0 to +2.2); Like this 2: −2.5 (−1.0 to +2.2)."
    )
    assert len(told) == len(box(run, lead, EN)) + 1
    none_of_it = box(replace(run, result=replace(run.result, readings=(other,))), lead, EN)
    assert none_of_it == box(run, lead, EN)


@pytest.mark.unit
def test_box_says_so_when_no_predicted_number_bears_on_the_question(run):
    far = tuple(replace(row, concerns="elsewhere") for row in run.result.replay)
    told = box(replace(run, result=replace(run.result, replay=far)), None, DA)
    assert told[2].endswith("2 af 3 ramt inden for spændet; ingen af dem angår dette spørgsmål.")


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize(
    ("check", "da", "en"),
    [
        (Check("passed", 0.31, 7, 10, "m"), "bestået. 31 % af modellens egne", "The check stops 7 of 10 models"),
        (Check("failed", 0.01, 7, 10, "m"), "ikke bestået. Kun 1 %", "failed. Only 1%"),
        (
            Check("stale", ensemble="m"),
            "Modellen er ændret, siden den blev kalibreret",
            "has changed since it was calib",
        ),
        (Check(), "Modellen er ikke kalibreret her", "The model is not calibrated here"),
    ],
)
def test_a_report_says_what_the_check_says_and_is_headed_unless_it_passed(tmp_path, check, da, en):
    folder = write(tmp_path, result={"check": check})
    assert repr(read_run(folder).result.check) == repr(check)
    page = Page((folder / "report.html").read_text("utf-8"))
    for lang, told, head in (("da", da, "Ikke valideret"), ("en", en, "Not validated")):
        assert told in page.text(lang)
        assert (head in page.text(lang)) is (check.status != "passed")


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_the_range_before_the_reports_numbers_stands_under_the_likely_range(tmp_path):
    made = make_result()
    first = replace(made.comparison[0], prior_difference=9.0, prior_low=-4.0, prior_high=41.0)
    folder = write(tmp_path, result={"comparison": (first, *made.comparison[1:])})
    page = Page((folder / "report.html").read_text("utf-8"))
    assert "før rapportens tal: −4 til +41" in page.text("da")
    assert "before the report's numbers: −4 to +41" in page.text("en")


@pytest.mark.unit
def test_without_priors_there_is_no_such_range(page):
    assert "before the report's numbers" not in page.text("en")


@pytest.mark.unit
def test_a_norm_is_not_called_places(run):
    name = "youth_group_spaniensgade"
    services = {**run.study["services"], name: {"places": {"norm": 200}}}
    series = tuple(replace(row, places=200.0) if row.service == name else row for row in run.result.series)
    normed = replace(run, study={**run.study, "services": services}, result=replace(run.result, series=series))
    drawn = draw_figures(normed, "da")
    assert "Normering: borgere" in drawn[f"present_{name}"]
    assert "Normering" not in drawn["present_youth_group_hoersholmsgade"]


@pytest.mark.unit
def test_changes_switches_notes_and_years_are_on_the_page(page):
    assert "Slået til: Grupperne deler ét team." in page.text("da")
    assert "Eight places are assumed." in page.text("en")
    assert "gælder 1. februar 2018 til 31. december 2020" in page.text("da")
    assert "Compared with: without the change; as decided." in page.text("en")


@pytest.mark.unit
def test_whole_citizens_along_an_axis_are_each_written_once(run):
    few = tuple(replace(row, mean=0.4, low=0.0, high=1.5, places=math.nan) for row in run.result.series)
    drawn = draw_figures(replace(run, result=replace(run.result, series=few, replay=())), "da")
    marks = re.findall(r"text-anchor: end[^>]*>([^<]+)<", drawn["present_youth_group_hoersholmsgade"])
    assert marks == ["0", "1"]


@pytest.mark.unit
def test_figures_speak_the_language(run):
    danish, english = draw_figures(run, "da"), draw_figures(run, "en")
    assert danish.keys() == english.keys()
    assert "Indskrevne borgere" in danish["present_youth_group_hoersholmsgade"]
    assert "Rapportens tal" in danish["present_youth_group_hoersholmsgade"]
    assert "jan. 2017" in danish["present_youth_group_hoersholmsgade"]
    assert "Jan 2017" in english["present_youth_group_hoersholmsgade"]
    assert "18,5" in danish["flows"]
    assert "18.5" in english["flows"]
    assert "Youth group, Spaniensgade" in english["flows"]


@pytest.mark.unit
def test_names_fall_back_on_ids(run):
    assert name_of(run, "youth_group_spaniensgade", DA) == "Ungegruppen, Spaniensgade"
    assert name_of(run, "leave", EN) == "out of CRK"
    assert name_of(run, "some_new_unit", DA) == "Some new unit"


@pytest.mark.unit
def test_day_of_the_change(run):
    assert change_day(run) == (date(2018, 2, 1) - date(2016, 1, 1)).days
    assert math.isnan(change_day(replace(run, scenario={"from": "start"})))
    assert change_day(replace(run, scenario={})) == (date(2018, 1, 1) - date(2016, 1, 1)).days


@pytest.mark.unit
def test_the_replay_page_has_a_row_for_every_fact_and_counts_those_met(run):
    path = Path(__file__).parents[1] / "scripts" / "replay_table.py"
    told = runpy.run_path(str(path))["replay_table"](run)
    assert "Predicted numbers met: 2 of 3." in told
    assert "| Young people in the group, 1 July 2017 (citizens) | 2 | 5.4 | 2 to 8 | predicted | yes |" in told
    assert "| Present at Vesterbro, end of 2017 (citizens) | 200 | 174 | 158 to 191 | predicted | no |" in told
    assert "| predicted (part of `youth_group_present`) |  |" in told
    rows, reasons = told.split("## What is not replayed")
    assert sum(line.startswith("| ") for line in rows.splitlines()) == 1 + len(run.result.replay)
    assert "| 142 youth in 2015: before. | kap. 4 |" in reasons
    assert sum(line.startswith("| ") for line in reasons.splitlines()) == 1 + len(run.result.not_replayed)


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_a_title_does_not_stand_twice_where_nothing_else_is_asked(tmp_path):
    title = make_run()["result"].title
    html = (write(tmp_path, result={"question": title}) / "report.html").read_text("utf-8")
    assert html.count(f"<h1>{title.en}</h1>") == 1
    assert '<p class="question">' not in html
