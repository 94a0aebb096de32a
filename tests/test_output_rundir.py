"""The run folder: whole or not there, the same bytes for the same result, and a result again when it is read."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from crksim.analysis.explaining import explain, parameter_labels
from crksim.analysis.replay import Check
from crksim.errors import InputError
from crksim.output import figures, rundir, whole
from crksim.output.finished import read_run
from crksim.output.replayed import gate
from crksim.output.rundir import changed_files, explain_again, rewrite_report, run_mark, write_run
from crksim.output.tables import deciding
from tests.make_result import make_evidence, make_result, make_run, make_scenario, make_study

FILES = {
    "study.yaml",
    "scenario.yaml",
    "manifest.json",
    "run.json",
    "gate.json",
    "explain.csv",
    "explain_counts.csv",
    "explain_parameters.csv",
    "followup.csv",
    "measures.parquet",
    "members.parquet",
    "summary.csv",
    "comparison.csv",
    "comparison_da.csv",
    "series.parquet",
    "replay.csv",
    "not_replayed.csv",
    "flows.csv",
    "evidence.csv",
    "results.xlsx",
    "report.html",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_run(folder=tmp_path_factory.mktemp("outputs") / "run", lang="da", **make_run())


@pytest.fixture
def without_figures(monkeypatch):
    """Drawing takes most of the time, and these tests do not look at figures."""
    monkeypatch.setattr(figures, "draw_figures", lambda *_: {})


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def same(a, b):
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def assert_same_rows(found, made):
    assert len(found) == len(made)
    for one, other in zip(found, made, strict=True):
        for name in vars(other):
            assert same(getattr(one, name), getattr(other, name)), (name, one, other)


@pytest.mark.unit
def test_folder_holds_every_file(folder):
    names = {name for name in contents(folder) if not name.startswith("figures/")}
    assert names == FILES
    assert {path.name for path in (folder / "figures").iterdir()} >= {"flows.da.svg", "flows.en.svg"}


@pytest.mark.unit
def test_what_is_read_is_what_was_written(folder):
    made, run = make_result(), read_run(folder)
    assert_same_rows(run.result.comparison, made.comparison)
    assert_same_rows(run.result.series, made.series)
    assert_same_rows(run.result.replay, made.replay)
    assert run.result.not_replayed == made.not_replayed
    assert run.result.flows == made.flows
    assert run.result.changes == made.changes
    assert run.result.measures == made.measures
    assert (run.result.title, run.result.question) == (made.title, made.question)
    for found, world in zip(run.result.worlds, made.worlds, strict=True):
        assert (found.id, found.scenario, found.label) == (world.id, world.scenario, world.label)
        np.testing.assert_array_equal(found.values, world.values)
    assert run.study == make_study()
    assert run.scenario == make_scenario()
    assert [entry["kind"] for entry in run.evidence] == [str(entry["kind"]) for entry in make_evidence()]
    assert (run.result.window, run.result.touched, run.result.rests_on) == (made.window, made.touched, made.rests_on)
    assert run.result.counts == made.counts
    assert run.evidence[0]["source"] == "ch0, l.100; «æøå»"


@pytest.mark.unit
def test_members_have_a_row_per_member_and_parameter_that_varies(folder):
    import pyarrow.parquet as pq

    table, theta = pq.read_table(folder / "members.parquet"), make_result().theta
    assert table.column_names == ["member", "parameter", "value"]
    assert set(table["parameter"].to_pylist()) == {"take_up_own_site", "group_stay"}
    assert table.num_rows == 2 * len(theta)
    varying = [{name: own[name] for name in ("take_up_own_site", "group_stay")} for own in theta]
    assert list(read_run(folder).result.theta) == varying


@pytest.mark.unit
def test_what_explains_the_answer_is_kept_and_read_again(folder):
    made, (read,) = explain(make_result(), parameter_labels(make_study())), read_run(folder).explanations
    assert_same_rows([read.answer], [made.answer])
    assert_same_rows(read.parameters, made.parameters)
    assert read.parameters
    assert_same_rows(read.counts, made.counts)
    assert_same_rows(read.follow_up, made.follow_up)


@pytest.mark.unit
def test_another_question_is_explained_beside_the_leading_one(tmp_path, without_figures):
    folder = write_run(folder=tmp_path / "run", lang="da", **make_run())
    before = (folder / "explain.csv").read_bytes()
    assert explain_again(folder).answer.measure == "youth_group.starts"
    assert (folder / "explain.csv").read_bytes() == before
    assert explain_again(folder, "youth.ceased").answer.measure == "youth.ceased"
    assert [one.answer.measure for one in read_run(folder).explanations] == ["youth_group.starts", "youth.ceased"]
    assert changed_files(folder) == []


@pytest.mark.unit
def test_a_run_without_its_parameters_is_read_all_the_same(tmp_path, without_figures):
    folder = write_run(folder=tmp_path / "run", lang="da", **make_run())
    (folder / "members.parquet").unlink()
    assert read_run(folder).result.theta == ()


@pytest.mark.unit
def test_measures_have_a_row_per_member_future_world_and_measure(folder):
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "measures.parquet")
    result = make_result()
    assert table.column_names == ["member", "future", "world", "measure", "value"]
    assert str(table.schema.field("value").type) == "double"
    row = table.filter(
        (np.asarray(table["member"]) == 3)
        & (np.asarray(table["future"]) == 1)
        & (np.asarray(table["world"].to_pylist()) == "what_if")
        & (np.asarray(table["measure"].to_pylist()) == "youth.ceased")
    )
    position = result.measures.index("youth.ceased")
    assert row["value"].to_pylist() == [result.worlds[-1].values[3, 1, position]]


@pytest.mark.unit
def test_same_result_gives_the_same_bytes_but_for_the_manifest(folder, tmp_path):
    again = make_run()
    again["manifest"] = {"wall_seconds": 99.0, "finished": "2027-01-01T00:00:00"}
    other = write_run(folder=tmp_path / "another name", lang="da", **again)
    first, second = contents(folder), contents(other)
    told, retold = (json.loads(files.pop("manifest.json")) for files in (first, second))
    assert first == second
    assert told.pop("wall_seconds") != retold.pop("wall_seconds")
    assert told.pop("finished") != retold.pop("finished")
    assert told == retold


@pytest.mark.unit
def test_manifest_tells_versions_and_checksums_and_nothing_of_the_machine_owner(folder):
    text = (folder / "manifest.json").read_text("utf-8")
    told = json.loads(text)
    assert {"python", "numpy", "scipy", "simpy", "crksim"} <= told["versions"].keys()
    assert told["config_hash"] == run_mark(make_study(), make_scenario(), make_result())
    assert told["files"]["report.html"] == hashlib.sha256((folder / "report.html").read_bytes()).hexdigest()
    assert told["files"].keys() == contents(folder).keys() - {"manifest.json"}
    assert str(folder) not in text
    assert not re.search(r'"(/|[A-Z]:\\)', text)


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_changed_and_missing_files_are_found(tmp_path):
    folder = write_run(folder=tmp_path / "run", lang="en", **make_run())
    assert changed_files(folder) == []
    (folder / "replay.csv").write_text("something else\n")
    (folder / "gate.json").unlink()
    assert changed_files(folder) == ["gate.json", "replay.csv"]


@pytest.mark.unit
def test_mark_hangs_on_study_scenario_seed_and_size_only():
    result, study, scenario = make_result(), make_study(), make_scenario()
    mark = run_mark(study, scenario, result)
    assert run_mark(dict(reversed(study.items())), scenario, replace(result, comparison=())) == mark
    assert run_mark(study | {"extra": 1}, scenario, result) != mark
    assert run_mark(study, scenario | {"from": "2018-02-02"}, result) != mark
    assert run_mark(study, scenario, replace(result, seed=2)) != mark
    assert run_mark(study, scenario, replace(result, members=21)) != mark


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_taken_name_gets_a_number(tmp_path):
    wished = tmp_path / "run"
    wished.mkdir()
    (wished / "keep.txt").write_text("mine")
    (tmp_path / "run-2").mkdir()
    assert write_run(folder=wished, lang="da", **make_run()).name == "run-3"
    assert [path.name for path in wished.iterdir()] == ["keep.txt"]
    assert list((tmp_path / "run-2").iterdir()) == []


@pytest.mark.unit
@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("step", ["_write_tables", "_write_pages", "_write_manifest", "_rename"])
def test_failure_on_the_way_leaves_nothing(tmp_path, monkeypatch, fault, step):
    def fail(*_):
        raise fault("in the middle")

    monkeypatch.setattr(whole if step == "_rename" else rundir, step, fail)
    if step != "_write_pages":
        monkeypatch.setattr(rundir, "_write_pages", lambda *_: None)
    with pytest.raises(fault):
        write_run(folder=tmp_path / "outputs" / "run", lang="da", **make_run())
    assert list((tmp_path / "outputs").iterdir()) == []


@pytest.mark.unit
def test_unknown_language_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"^lang = 'de': must be one of da, en$"):
        write_run(folder=tmp_path / "outputs" / "run", lang="de", **make_run())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.unit
def test_danish_comparison_has_semicolons_and_decimal_commas(folder):
    text = (folder / "comparison_da.csv").read_text("utf-8-sig")
    assert (folder / "comparison_da.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
    first = make_result().comparison[0]
    assert rows[0]["Mål"] == first.label.da
    assert rows[0]["Sammenlignet med"] == "uden ændringen"
    assert rows[0]["Vurdering"] == "gør en forskel"
    assert float(rows[0]["Øvre"].replace(",", ".")) == pytest.approx(first.high, abs=1e-4)
    assert "." not in rows[0]["Øvre"]
    assert len(rows) == len(make_result().comparison)


@pytest.mark.unit
def test_summary_holds_mean_and_quantiles_over_members_and_futures(folder):
    result = make_result()
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(r for r in rows if r["world"] == "decided" and r["measure"] == "youth.ceased")
    values = result.worlds[1].values[:, :, result.measures.index("youth.ceased")]
    assert float(row["mean"]) == pytest.approx(values.mean())
    assert float(row["high"]) == pytest.approx(np.quantile(values, 0.95))
    assert int(row["defined"]) == result.members * result.futures
    empty = next(r for r in rows if r["measure"] == "door.wait.over_14")
    assert (empty["mean"], empty["defined"]) == ("", "0")


@pytest.mark.unit
def test_gate_counts_predicted_facts_only():
    told = gate(make_result())
    assert told["status"] == "not_calibrated"
    assert (told["predicted"], told["met"]) == (3, 2)
    assert (told["bearing"], told["bearing_met"]) == (1, 1)
    assert "youth_group_host_share" not in told["facts"]
    assert told["facts"]["av_present_end_2017"] is False
    assert "av_moved" not in told["facts"]


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_the_table_of_the_replay_and_the_box_give_one_verdict_on_a_predicted_number(tmp_path):
    run = make_run()
    folder = write_run(folder=tmp_path / "run", lang="en", **run)
    told = json.loads((folder / "gate.json").read_text("utf-8"))
    page = (folder / "report.html").read_text("utf-8")
    assert (told["met"], told["predicted"]) == (2, 3)
    assert "2 of 3" in page
    assert [page.count(f"<td>predicted</td><td>{met}</td>") for met in ("yes", "no")] == [2, 1]


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_a_run_that_also_told_what_the_check_missed_is_still_read(tmp_path):
    run = make_run()
    check = Check("passed", 0.4, 1, 2, "abc")
    folder = write_run(folder=tmp_path / "run", lang="en", **{**run, "result": replace(run["result"], check=check)})
    assert read_run(folder).result.check == check
    about = json.loads((folder / "run.json").read_text("utf-8"))
    about["check"]["missed"] = ["starts"]
    (folder / "run.json").write_text(json.dumps(about), "utf-8")
    assert read_run(folder).result.check == check


@pytest.mark.unit
@pytest.mark.usefixtures("without_figures")
def test_result_without_rows_is_written_and_read(tmp_path):
    run = make_run()
    run["result"] = replace(run["result"], comparison=(), series=(), replay=(), flows={}, changes=())
    run["evidence"] = []
    read = read_run(write_run(folder=tmp_path / "run", lang="en", **run))
    assert read.result.comparison == ()
    assert read.result.series == ()
    assert read.result.flows == {}
    assert read.evidence == ()


@pytest.mark.unit
def test_rewriting_the_report_needs_only_the_folder_and_gives_the_same_bytes(tmp_path):
    folder = write_run(folder=tmp_path / "run", lang="da", **make_run())
    before = contents(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    (moved / "report.html").write_text("spoilt")
    assert rewrite_report(moved) == moved / "report.html"
    assert contents(moved) == before
    rewrite_report(moved, "en")
    assert changed_files(moved) == []
    assert '<html lang="en">' in (moved / "report.html").read_text("utf-8")


@pytest.mark.unit
def test_five_rows_decide_and_staff_that_is_not_there_is_none_of_them():
    result = make_result()
    rows = [row for row in result.comparison if row.against == "without"]
    staff = [row for row in rows if row.measure.endswith(".fte")]
    none = [replace(row, decides=False, reference=0.0, what_if=0.0) if row in staff else row for row in rows]
    shown = deciding(replace(result, comparison=tuple(none)), "without")
    assert not any(row.measure.endswith(".fte") for row in shown)
    many = [replace(row, decides=row not in staff) for row in rows]
    shown = deciding(replace(result, comparison=tuple(many)), "without")
    assert len(shown) == 5
