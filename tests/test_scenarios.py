"""Every shipped scenario: whole on paper, equal to its reference until its date, and different only where it can be."""

import re
from functools import lru_cache

import pytest

from crksim.analysis.measures import measure
from crksim.analysis.scene import Scene
from crksim.interface.files import data_dir, read_folder, read_yaml
from crksim.model.changes import apply, from_date, lever_faults, read_scenario, with_option, with_overrides
from crksim.model.clock import Window, parse_date
from crksim.model.combining import with_parts
from crksim.model.study import default_theta, read_study
from crksim.model.vocabulary import parse_measures
from crksim.simulation.closure import closure
from crksim.simulation.engine import simulate
from crksim.simulation.luck import Luck
from crksim.simulation.plan import structure
from crksim.simulation.sharing import changed_addresses, merged, touched_cohorts
from tests.closing_in import named_rows

NETWORK = read_folder(data_dir("conf") / "network").data
NAMES = sorted(path.stem for path in data_dir("scenarios").glob("*.yaml"))
ASKED = [name for name in NAMES if name != "baseline"]
LUCK = Luck(17, 0)


@lru_cache
def scenario(name):
    """Return a shipped scenario, with what it combines."""
    found = read_scenario(read_yaml(data_dir("scenarios") / f"{name}.yaml").data, name)
    return with_parts(found, [scenario(other) for other in found.combines])


@lru_cache(maxsize=4)
def world(name):
    return structure(read_study(apply(NETWORK, scenario(name))))


def whole_run(it):
    return simulate(it.bind(default_theta(it.study.network)), LUCK)


@lru_cache(maxsize=4)
def reference_run(name):
    log = whole_run(world(name))
    return log, named_rows(log)


def first_day(name):
    date = from_date(NETWORK, scenario(name))
    return parse_date(date, world("baseline").study.start) if date else 0.0


def run_beside(after, before, log):
    """Run the cohorts that can meet what differs; the others keep their rows."""
    touched = touched_cohorts(before, after)
    if not touched:
        return log
    return merged(simulate(after.bind(default_theta(after.study.network)), LUCK, cohorts=touched), log, touched)


def as_of(rows, day):
    """Return named rows as they stood on a day; when a stay is to end may be known to the calendar only later."""
    kept = []
    for row in rows:
        who, (referred, admitted, _, left), after = row[:9], row[9:13], row[13:]
        if referred != "" and referred >= day:
            continue
        if left == "" or left >= day:
            left, after = "", ()
        if admitted != "" and admitted >= day:
            admitted, who = "", (*who[:7], "", *who[8:])
        kept.append((who, referred, admitted, left, after))
    return kept


def measured(it, log, name):
    """Return what the scenario asks for first, from its date to the end."""
    scene = Scene.of(it.study, default_theta(it.study.network))
    return measure(list(scenario(name).measures), log, scene, Window(first_day(name), it.study.end), LUCK)


# --- on paper --------------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize("name", ASKED)
def test_a_scenario_gives_reasons_levers_and_options(name):
    found = scenario(name)
    assert len(found.options) >= 3
    assert [option.cheapest for option in found.options].count(True) == 1
    assert found.levers
    assert lever_faults(apply(NETWORK, found), found) == []
    assert set(found.worthwhile) == set(found.measures)
    assert all(least > 0 for least in found.worthwhile.values())
    assert found.cannot_answer
    assert re.search(r"(?i)\bkap\. \d|\bkapitel \d|\bbilag \d", found.notes.da)
    assert re.search(r"(?i)\bchapter \d|\bappendix \d", found.notes.en)
    for label in (found.title, found.question, found.notes, *(option.label for option in found.options)):
        assert label.da.strip()
        assert label.en.strip()


@pytest.mark.unit
@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_every_option_is_a_study_of_its_own(name):
    studies = [apply(NETWORK, with_option(scenario(name), option.id)) for option in scenario(name).options]
    for study in studies:
        parse_measures([*scenario(name).measures, *scenario(name).cannot_answer], read_study(study).network)
    # One without changes leaves things at what the scenario asks; no two are the same decision.
    others = [study for study, option in zip(studies, scenario(name).options, strict=True) if option.changes]
    assert len(studies) - len(others) <= 1
    assert all(
        one != other for at, one in enumerate(others) for other in (*others[:at], apply(NETWORK, scenario(name)))
    )


@pytest.mark.unit
@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_every_lever_can_be_turned_to_both_ends(name):
    found = scenario(name)
    ends = [{lever.address: getattr(lever, end) for lever in found.levers} for end in ("low", "high")]
    low, high = (read_study(apply(NETWORK, with_overrides(found, turned))) for turned in ends)
    assert low != high


# --- in motion -------------------------------------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_a_scenario_is_its_reference_until_its_date_and_differs_only_where_it_can(name):
    against = scenario(name).references[0].scenario
    before, after = world(against), world(name)
    log, rows = reference_run(against)
    new_log = run_beside(after, before, log)
    new_rows = named_rows(new_log)

    day = min(first_day(each) for each in {name, against} - {"baseline"})
    assert day > 0
    assert as_of(new_rows, day) == as_of(rows, day)

    addresses = [*scenario(name).changes, *scenario(against).changes]
    reached = closure(after, addresses, before)
    assert reached < {service.id for service in after.services}
    assert [row for row in new_rows if row[4] not in reached] == [row for row in rows if row[4] not in reached]

    asked, without = measured(after, new_log, name), measured(before, log, name)
    moved = [address for address in asked if repr(asked[address]) != repr(without[address])]
    assert moved, "nothing that it asks for differs"
    if not changed_addresses(before, after):
        assert new_rows == rows


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("name", ["youth_groups_3sites", "intensive_mobile_team", "vesterbro_open_to_all_stable"])
def test_the_rows_of_others_are_those_of_a_run_of_everybody(name):
    log, _ = reference_run("baseline")
    beside = run_beside(world(name), world("baseline"), log)
    assert beside.content_hash() == whole_run(world(name)).content_hash()
