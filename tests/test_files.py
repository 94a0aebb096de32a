"""YAML files as plain values with their lines, and how they are found."""

import pytest

from crksim.errors import InputError, Problem
from crksim.interface.files import data_dir, find_scenario, locate, read_folder, read_yaml, scenario_places
from crksim.interface.sheets import MAX_DEPTH, Place, merge, parse_yaml

pytestmark = pytest.mark.unit


def lines(text):
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f.yaml")
    return str(caught.value).splitlines()


def test_values_are_plain_and_dates_stay_text():
    text = "on: 2016-01-01\nopens: 9:00\nno: no\na: {b: 1, c: 1.5, d: 1e3, e: .5}\nf: [true, null, ~, '5']\ng: 010\n"
    assert parse_yaml(text, "f").data == {
        "on": "2016-01-01",
        "opens": "9:00",
        "no": "no",
        "a": {"b": 1, "c": 1.5, "d": 1000.0, "e": 0.5},
        "f": [True, None, None, "5"],
        "g": 10,
    }


def test_every_value_has_its_line():
    places = parse_yaml("a:\n  b: 1\n\n  c:\n    - x\n    - y\n", "f").places
    assert {address: place.line for address, place in places.items()} == {
        "a": 1,
        "a.b": 2,
        "a.c": 4,
        "a.c.0": 5,
        "a.c.1": 6,
    }


def test_an_empty_file_is_an_empty_map():
    assert parse_yaml("# nothing\n", "f").data == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a = 'a': stands twice (first on line 1); keep one"),
        ("a: !!python/name:os.system x\n", "f.yaml:1: a = 'tag:yaml.org,2002:python/name:os.system': tags are not"),
        ("a: !x 1\n", "f.yaml:1: a = '!x': tags are not allowed"),
        ("a: &k 1\n", "f.yaml:1: a = 'k': anchors and aliases are not allowed"),
        ("a: ${oc.env:HOME}\n", "f.yaml:1: a = '${oc.env:HOME}': must not hold '${'"),
        ("${a}: 1\n", "f.yaml:1: ${a} = '${a}': must not hold '${'"),
        ("- a\n", "f.yaml:1: file = ['a']: must be a map of keys and values"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: file = '---': must hold one document only"),
        ("a: b: c\n", "f.yaml:1: text = 'a: b: c': not valid YAML: mapping values are not allowed"),
        ("a: 1\n\tb: 2\n", "f.yaml:2: text = 'b: 2': not valid YAML: found a tab character"),
        ("? [a]\n: 1\n", "f.yaml:1: file = '[...] or {...}': a key must be plain text"),
        ("a: " + "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "must be nested at most 40 deep"),
    ],
)
def test_what_is_refused(text, message):
    (line,) = lines(text)
    assert message in line


def test_all_faults_are_told_at_once():
    assert len(lines("a: 1\na: 2\nb: !x 1\nc: ${d}\n")) == 3


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes("\ufefftitle: Kø\r\nb: 1\r\n".encode())
    assert read_yaml(path).data == {"title": "Kø", "b": 1}


def test_other_encodings_are_refused_with_their_line(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes("a: 1\nb: Kø\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"f\.yaml:2: text = b'\\xf8': must be UTF-8 text"):
        read_yaml(path)


def test_a_missing_and_a_huge_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
    path = tmp_path / "huge.yaml"
    path.write_text("a: 1\n" * 500_000)
    with pytest.raises(InputError, match="must be at most 2000000 bytes"):
        read_yaml(path)


def test_sheets_are_laid_together_map_into_map():
    sheet = merge([parse_yaml("s: {a: {x: 1}}\n", "f"), parse_yaml("s:\n  a: {y: 2}\n  b: 3\n", "g")])
    assert sheet.data == {"s": {"a": {"x": 1, "y": 2}, "b": 3}}
    assert sheet.places["s.a.x"] == Place("f", 1)
    assert sheet.places["s.b"] == Place("g", 3)


def test_a_value_may_not_stand_in_two_sheets():
    with pytest.raises(InputError, match=r"g:1: s\.a = 2: stands twice \(first in f:1\); keep one"):
        merge([parse_yaml("s: {a: 1}", "f"), parse_yaml("s: {a: 2}", "g")])


def test_a_folder_without_yaml_is_refused_and_its_files_faults_come_together(tmp_path):
    with pytest.raises(InputError, match="must hold at least one"):
        read_folder(tmp_path)
    (tmp_path / "a.yaml").write_text("x: !y 1")
    (tmp_path / "b.yaml").write_text("- z")
    with pytest.raises(InputError) as caught:
        read_folder(tmp_path)
    assert len(caught.value.problems) == 2


def test_own_scenarios_come_before_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = find_scenario("youth_groups_3sites")
    assert shipped.parent == data_dir("scenarios")
    (tmp_path / "scenarios").mkdir()
    own = tmp_path / "scenarios" / "youth_groups_3sites.yaml"
    own.write_text("title: mine")
    assert find_scenario("youth_groups_3sites") == own


def test_an_unknown_scenario_is_told_with_the_three_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text("title: mine")
    count = 1 + len(list(data_dir("scenarios").glob("*.yaml")))
    with pytest.raises(InputError) as caught:
        find_scenario("youth_group_3site")
    assert str(caught.value) == (
        f"scenario = 'youth_group_3site': is not a known scenario (crksim list shows all {count}); "
        "also near: youth_groups_1site, youth_groups_2sites; did you mean 'youth_groups_3sites'?"
    )
    with pytest.raises(InputError) as caught:
        find_scenario("qqq")
    assert str(caught.value) == f"scenario = 'qqq': is not a known scenario (crksim list shows all {count})"


def test_a_name_reaches_no_file_outside_the_folders(tmp_path, monkeypatch):
    (tmp_path / "secret.yaml").write_text("title: secret")
    (tmp_path / "inside" / "scenarios").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "inside")
    for name in ("../secret", "../../secret", str(tmp_path / "secret"), "../secret.yaml"):
        with pytest.raises(InputError, match="is not a known scenario"):
            find_scenario(name)
    # A path that a user typed is a path.
    assert find_scenario("../secret.yaml", paths=True).read_text() == "title: secret"


def test_faults_get_the_line_of_the_closest_value_known():
    # What the network has below a value that is changed is not there any more.
    network = parse_yaml("services:\n  a:\n    places: {hard: {from_2018: {value: 1}}}\n", "network.yaml")
    scenario = parse_yaml(
        "changes:\n  services.b: {add: {places: {hard: -1}}}\n  services.a.places.hard: x\n", "s.yaml"
    )
    changed = scenario_places(scenario)
    problems = [
        Problem("services.b.places.hard", -1, "r"),
        Problem("services.a.places.hard", "x", "r"),
        Problem("services.a.places.hard.from_2018.value", "x", "r"),
        Problem("services.a.places.norm", 1, "r"),
        Problem("time.start", 1, "r"),
        Problem("seed", 1, "r", file="command line"),
    ]
    found = locate(InputError(problems), network.places, changed=changed).problems
    assert [(problem.file, problem.line) for problem in found] == [
        ("s.yaml", 2),
        ("s.yaml", 3),
        ("s.yaml", 3),
        ("network.yaml", 3),
        (None, None),
        ("command line", None),
    ]


@pytest.mark.unit
def test_a_folder_is_read_again_when_a_file_in_it_changes(tmp_path):
    (tmp_path / "a.yaml").write_text("one: 1\n", encoding="utf-8")
    first = read_folder(tmp_path)
    assert read_folder(tmp_path) is first
    (tmp_path / "a.yaml").write_text("one: 1\ntwo: 2\n", encoding="utf-8")
    assert read_folder(tmp_path).data == {"one": 1, "two": 2}
    (tmp_path / "b.yaml").write_text("three: 3\n", encoding="utf-8")
    assert read_folder(tmp_path).data == {"one": 1, "two": 2, "three": 3}
