"""The folder for a paper: whole, described, the same bytes, and nothing of the machine in it."""

import copy
import csv
import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from crksim.errors import InputError
from crksim.interface import cli, exporting
from crksim.output import figures, paper
from crksim.output.finished import read_run
from crksim.output.paper import Shipped, key_scheme, write_paper
from crksim.output.paper_words import DESCRIPTIONS
from crksim.output.rundir import write_run
from tests.make_result import make_run

REFERENCE = {
    "title": {"da": "Lille", "en": "Small"},
    "time": {"start": "2016-01-01", "end": "2017-01-01"},
    "parameters": {
        "stay": {"value": "2 months", "label": {"da": "Ophold", "en": "Stay"}},
        "double": {"value": 2},
        "rate": {"value": "10 / year"},
    },
    "services": {"unit": {"length": {"law": "fixed", "value": "@stay * @double"}}},
    "cohorts": {"all": {"arrivals": {"rate": "@rate"}, "enters": "unit"}},
}
FACT = {
    "label": {"da": "Starter", "en": "Starts"},
    "unit": {"da": "borgere", "en": "citizens"},
    "locator": "ch4",
    "measure": "unit.starts.count@2016",
    "reported": 19,
    "mark": "fitted",
}
SHIPPED = Shipped(
    targets={
        "facts": {"starts": FACT, "starts_part": {**FACT, "part_of": "starts", "mark": "predicted", "note": "half"}},
        "counts": {"starts": {"law": "count", "reported": 19, "measures": ["unit.starts.count@2016"], "kind": "flow"}},
    },
    ledger={
        "parameters.stay": {"kind": "derived", "source": "Sordo et al. 2017, BMJ 357:j1550: 3.2", "seen": "abstract",
                            "low": "1 month", "high": "4 months", "law": "lognormal"},
        "parameters.double": {"kind": "assumed"},
    },
    calibration={
        "before": {"parameters.stay": {"kind": "assumed", "low": "1 month", "high": "5 months", "law": "lognormal"}},
        "exact": {"rate": {"law": "beta", "count": "other", "prior": [0.5, 0.5], "successes": 1, "failures": 2}},
        "blocks": {"a": {"parameters": ["stay"], "counts": ["starts"]}},
    },
    citation={"authors": [{"name": "The crksim developers"}], "title": "crksim", "version": "0.1.0",
              "date-released": "2026-11-22", "license": "MIT"},
)  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A made-up run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "draw_figures", lambda *_: {})
        folder = tmp_path_factory.mktemp("runs") / "run"
        return write_run(folder=folder, lang="en", reference_dict=REFERENCE, **make_run())


@pytest.fixture(scope="module")
def made(source, tmp_path_factory):
    return write_paper(source, tmp_path_factory.mktemp("papers") / "paper", SHIPPED)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.unit
def test_every_file_is_described_and_has_its_checksum(made):
    found = contents(made)
    page = found["README.md"].decode()
    for name in found.keys() - {"README.md"}:
        assert page.count(f"| `{name}` | ") == 2, name
    sums = dict(reversed(line.split("  ")) for line in found["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "SHA256SUMS"}
    assert "is no posterior" in page
    assert sums["network.yaml"] in page


@pytest.mark.unit
def test_the_same_run_gives_the_same_bytes_and_nothing_of_the_machine(source, made, tmp_path):
    again = write_paper(source, tmp_path / "elsewhere", SHIPPED)
    assert contents(again) == contents(made)
    told = b" ".join(data for name, data in contents(made).items() if not name.endswith(".parquet")).decode()
    for secret in (str(source.parent), str(tmp_path.parent), str(Path.home()) + "/", os.uname().nodename + " "):
        assert secret not in told


@pytest.mark.unit
def test_nothing_is_left_of_a_folder_that_fails(source, tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "key_scheme", lambda version: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_paper(source, tmp_path / "paper", SHIPPED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.unit
def test_targets_have_the_likelihood_of_the_count_they_belong_to(made):
    starts, part = rows(made / "targets.csv")
    assert (starts["count"], starts["likelihood"], starts["mark"]) == ("starts", "count", "fitted")
    assert starts["calibrated_in"] == "a"
    assert (part["count"], part["likelihood"], part["mark"], part["note"]) == ("starts", "count", "predicted", "half")


@pytest.mark.unit
def test_priors_say_which_law_holds(made):
    told = [(it["parameter"], it["table"], it["in_calibration"], it["law"]) for it in rows(made / "priors.csv")]
    assert told == [
        ("stay", "before", "prior", "lognormal"),
        ("stay", "ledger", "replaced", "lognormal"),
        ("double", "ledger", "prior", "fixed"),
        ("rate", "exact", "prior", "beta"),
    ]
    assert rows(made / "priors.csv")[1]["source"].startswith("Sordo")


@pytest.mark.unit
def test_draws_are_those_of_the_run_with_equal_weights(source, made):
    found = rows(made / "draws.csv")
    theta = read_run(source).result.theta
    assert [int(row["member"]) for row in found] == list(range(len(theta)))
    assert {row["weight"] for row in found} == {repr(1 / len(theta))}
    for row, own in zip(found, theta, strict=True):
        assert {name: float(row[name]) for name in own} == own


@pytest.mark.unit
def test_the_shipped_ensemble_comes_with_its_weights_where_the_run_is_on_it(source, tmp_path):
    on_it = copy.copy(SHIPPED)
    on_it = Shipped(**{**vars(on_it), "members": [{"stay": 60.0}, {"stay": 0.1}], "beside": {"steps.csv": "a\n"},
                       "variants": "variant\n"})  # fmt: skip
    made = write_paper(source, tmp_path / "paper", on_it)
    assert (made / "ensemble" / "posterior.csv").read_text() == "member,weight,stay\n0,0.5,60.0\n1,0.5,0.1\n"
    assert (made / "ensemble" / "steps.csv").read_text() == "a\n"
    assert (made / "variants.csv").read_text() == "variant\n"


@pytest.mark.unit
def test_the_network_is_worked_out_and_the_luck_can_be_checked(made):
    assert "value: 4 months" in (made / "network.yaml").read_text()
    text = (made / "luck.md").read_text()
    assert "0xbf58476d1ce4e5b9" in text
    from crksim.simulation.luck import Luck, constant, uniform

    drawn = uniform(Luck(1, 0).base("youth_drugs", 0), constant("youth_group", 0, "length"))
    assert f"| 1 | 0 | youth_drugs | 0 | youth_group | 0 | length | {drawn!r} |" in text


@pytest.mark.unit
def test_the_key_scheme_can_be_followed_from_its_page_alone():
    """Constants are read off the page and the draws made anew, without the module."""
    text = key_scheme("0")
    constants = dict(re.findall(r"^- (.+): (0x\w+)$", text, re.MULTILINE))
    first, second, golden = (
        int(constants[name], 16) for name in ("first multiplier of mix", "second multiplier of mix", "golden")
    )
    mask = 2**64 - 1

    def mix(x):
        x = ((x ^ (x >> 30)) * first) & mask
        x = ((x ^ (x >> 27)) * second) & mask
        return x ^ (x >> 31)

    def key(*parts):
        return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "little")

    lines = text.splitlines()
    rows = [
        line.strip("|").split("|") for line in lines[lines.index("## Draws to check by") :] if line.startswith("| ")
    ]
    assert len(rows[1:]) >= 3
    for row in rows[1:]:
        seed, replication, cohort, citizen, family, nth, purpose, draw = (
            cell[1:-1] if place == 2 or place == 4 else cell.strip() for place, cell in enumerate(row)
        )
        root = mix((mix((int(seed) * golden + 1) & mask) + int(replication) * golden) & mask)
        base = mix((mix(root ^ key(cohort, "0", "cohort")) + int(citizen) * golden) & mask)
        assert ((mix((base + key(family, nth, purpose)) & mask) >> 12) + 0.5) * 2.0**-52 == float(draw)


@pytest.mark.unit
def test_no_description_is_of_a_file_that_is_never_made(made):
    ensemble = {name for name in DESCRIPTIONS if name.startswith("ensemble/")} | {"variants.csv"}
    assert set(DESCRIPTIONS) - ensemble - {"figures/attribution.csv"} == contents(made).keys() - {"README.md"}


# ------------------------------------------------------------------------------------------------------ the command


def typed(capsys, *words):
    code = cli.main(("export", *words, "lang=en"))
    out = capsys.readouterr()
    return code, out.out.splitlines(), out.err.splitlines()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("run",), ["word = 'run': must be: crksim export --paper RUN"]),
        (("--papr", "run"), ["word = '--papr': is not a known option; did you mean '--paper'?"]),
        (
            ("--paper", "a", "b", "oot=x"),
            [
                "word = 'b': is neither a command nor name=value",
                "word = 'oot=x': is neither a setting nor an address; did you mean 'out'?",
            ],
        ),
        (("--paper", "a"), ["run = 'a': there are no runs in outputs/; run crksim scenario=NAME first"]),
    ],
)
def test_wrong_words_are_one_line_each(capsys, tmp_path, monkeypatch, words, lines):
    monkeypatch.chdir(tmp_path)
    assert typed(capsys, *words) == (2, [], [f"command line: {line}" for line in lines])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.unit
def test_a_misspelt_run_gets_the_nearest(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs" / "own_plan").mkdir(parents=True)
    (tmp_path / "outputs" / "own_plan" / "manifest.json").write_text("{}")
    code, _, err = typed(capsys, "--paper", "own_pan")
    assert (code, len(err)) == (2, 1)
    assert err[0].endswith("did you mean 'own_plan'?")


@pytest.mark.unit
def test_files_that_are_not_what_was_written_are_named(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})
    folder = write_run(folder=tmp_path / "run", lang="en", **make_run())
    code, _, err = typed(capsys, "--paper", str(folder))
    assert code == 2
    assert err == [f"run = '{folder}': is from before a run kept reference.yaml; run the what-if again"]
    (folder / "flows.csv").write_text("changed")
    (folder / "study.yaml").unlink()
    code, _, err = typed(capsys, "--paper", str(folder))
    assert code == 2
    assert [line.split("'")[1] for line in err] == ["flows.csv", "study.yaml"]
    assert not list(tmp_path.glob("paper*"))


@pytest.mark.unit
def test_a_run_on_other_numbers_than_those_shipped_is_refused(source):
    run = read_run(source)
    evidence = {"address": "parameters.stay", "kind": "derived", "law": "pert", "low": "1 month", "high": "4 months"}
    run = run.__class__(**{**vars(run), "evidence": (evidence,), "version": "0.0.1"})
    told = [str(problem) for problem in exporting._differing(run, SHIPPED, "en")]
    assert told[0].startswith("run = '0.0.1': is the version that made the run; this is ")
    assert told[1] == (
        "parameters.stay = 'derived pert 1 month 4 months': held for the run; now it is derived lognormal 1 month "
        "4 months. Run the what-if again"
    )
    assert len(told) == 2 + len(run.result.replay)
    with pytest.raises(InputError):
        exporting.export_paper(["--paper", str(source)], "en")


@pytest.mark.e2e
@pytest.mark.slow
def test_from_a_run_to_its_paper(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("scenario=intensive_8_places", "members=3", "futures=1", "workers=1", "progress=false", "versions=none")
    assert cli.main((*words, "lang=en")) == 0
    capsys.readouterr()
    code, out, err = typed(capsys, "--paper", "intensive_8_places", "out=paper")
    assert (code, out, err) == (0, ["For the paper: paper"], [])
    changed = {(it["address"], it["old"], it["new"], it["from"]) for it in rows(Path("paper/scenario.csv"))}
    assert changed
    about = json.loads(Path("paper/run.json").read_text())
    assert (about["members"], about["seed"]) == (3, 1)
    targets = rows(Path("paper/targets.csv"))
    assert all(row["replay_mean"] for row in targets)
    assert {row["likelihood"] for row in targets} > {"count", "binomial"}
    assert all(row["count"] for row in targets if row["mark"] == "fitted")
    assert str(tmp_path) not in "".join(path.read_text() for path in Path("paper").glob("*.[cmyjb]*"))
