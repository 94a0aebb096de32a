"""The picture of the flows: drawn from the network, with everything on it, and nothing that is not there."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from crksim.interface.files import data_dir, read_folder

pytestmark = pytest.mark.unit

TOP = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("flow_picture", TOP / "scripts" / "flow_picture.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lang", ["da", "en"])
def test_the_committed_picture_is_what_the_network_gives(script, lang):
    committed = (TOP / "docs" / f"model_flow.{lang}.svg").read_bytes()
    assert committed == script.flow_picture(lang), "run: python scripts/flow_picture.py --write"


def test_every_service_stands_in_one_box_or_is_left_out_for_a_reason(script):
    services = list(read_folder(data_dir("conf") / "network").data["services"])
    shown = [name for box in script.BOXES.values() for name in box.services]
    assert sorted([*shown, *script.NOT_DRAWN]) == sorted(services)


def test_arrows_are_ways_of_the_network(script):
    """Some that must be there, some that must not, and nothing that leads nowhere."""
    drawn = {(start, to) for start, to, _ in script.arrows()}
    assert {("door", "substitution"), ("intensive", "substitution"), ("turesensgade", "vesterbro")} <= drawn
    assert {("substitution", "youth_group"), ("youth_after", "year_after"), ("outreach", "residents")} <= drawn
    assert not {("gp", "alcohol_drugs"), ("alcohol_drugs", "forchhammersvej"), ("vesterbro", "intensive")} & drawn
    assert {name for arrow in drawn for name in arrow} == set(script.BOXES)
    assert script.entries() == ["door", "enghavevej"]
    assert {(start, to) for start, to, beside in script.arrows() if beside} == {
        (start, to) for start, to in drawn if script.BOXES[to].beside
    }


def test_ways_drawn_by_hand_belong_to_arrows_and_no_box_lies_on_another(script):
    drawn = {(start, to) for start, to, _ in script.arrows()}
    assert set(script.WAYS) <= drawn
    boxes = list(script.BOXES.values())
    for place, one in enumerate(boxes):
        for other in boxes[:place]:
            assert abs(one.x - other.x) >= script.WIDTH or abs(one.y - other.y) >= script.HEIGHT


@pytest.mark.parametrize("lang", ["da", "en"])
def test_no_words_are_cut_off_or_lie_on_others(script, lang):
    """Texts as drawn: inside the picture, those of a box inside it, and none over another."""
    spans = script.text_spans(lang)
    assert len(spans) >= len(script.BOXES) + 6
    for text, (left, bottom, right, top) in spans.items():
        assert left >= 0.0, text
        assert bottom >= 0.0, text
        assert right <= 1.0, text
        assert top <= 1.0, text
    boxed = {re.sub(r"\d+|\{\w+\}", "", getattr(box, lang)): box for box in script.BOXES.values()}
    names = list(spans)
    for place, name in enumerate(names):
        if re.sub(r"\d+", "", name) in boxed:
            assert spans[name][2] - spans[name][0] < script.WIDTH / 14.0, name
        for other in names[:place]:
            one, two = spans[name], spans[other]
            apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
            assert apart, (name, other)
