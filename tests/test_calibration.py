"""Calibration of a small system: the same bytes however it is cut and whoever works, and what is refused."""

import copy
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

from crksim.analysis.blocks import Exact, ScoredPrior, read_blocks
from crksim.analysis.calibration import Sizes, block_likelihood, calibrate_block, evaluation, members_of
from crksim.analysis.counts import Count, read_counts
from crksim.analysis.identification import identified, trade_offs
from crksim.analysis.pool import open_pool
from crksim.analysis.smoother import observed, smooth
from crksim.errors import InputError
from crksim.interface.ensembles import before_report
from crksim.interface.files import data_dir, read_folder
from crksim.model.ledger import read_ledger
from crksim.model.study import read_study
from crksim.output.calibration_files import keep_cloud, kept_cloud
from crksim.simulation.plan import structure
from crksim.simulation.sharing import cohort_reach

SCRIPT = Path(__file__).parents[1] / "scripts" / "coverage.py"
SIZES = Sizes(particles=60, futures=2, moves=1)


def script():
    spec = importlib.util.spec_from_file_location("coverage", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def task():
    return script().small_task(seed=3)


@pytest.fixture(scope="module")
def outreach(task):
    return next(block for block in task.blocks.blocks if block.id == "outreach")


@pytest.fixture(scope="module")
def cloud(task, outreach):
    with open_pool(1) as pool:
        return calibrate_block(task, outreach, SIZES, pool)


@pytest.mark.unit
@pytest.mark.slow
def test_a_calibration_that_is_cut_off_ends_with_the_same_particles(task, outreach, cloud, tmp_path):
    path = tmp_path / "outreach.npz"

    class CutError(Exception):
        pass

    def keep(found):
        keep_cloud(path, found)
        if len(found.steps) == 2:
            raise CutError

    with open_pool(1) as pool:
        with pytest.raises(CutError):
            calibrate_block(task, outreach, SIZES, pool, keep=keep)
        kept = kept_cloud(path)
        assert len(kept.steps) == 2
        again = calibrate_block(task, outreach, SIZES, pool, cloud=kept)
    assert np.array_equal(again.scores, cloud.scores)
    assert np.array_equal(again.simulated, cloud.simulated)
    assert again.steps == cloud.steps
    assert [name.name for name in tmp_path.iterdir()] == ["outreach.npz"]


@pytest.mark.unit
@pytest.mark.slow
def test_two_workers_give_the_particles_of_one(task, outreach, cloud):
    with open_pool(2) as pool:
        assert np.array_equal(calibrate_block(task, outreach, SIZES, pool).scores, cloud.scores)


@pytest.mark.unit
def test_what_is_no_table_of_particles_is_refused_in_a_line(tmp_path):
    path = tmp_path / "youth.npz"
    assert kept_cloud(path) is None
    path.write_bytes(b"no table")
    with pytest.raises(InputError, match=r"youth.npz.*is no table of particles; take it away to begin this block anew"):
        kept_cloud(path)


@pytest.mark.unit
def test_counts_move_what_they_speak_of_and_leave_the_rest(task, cloud):
    """Of 90 residents about 31 are reached and five consent: the rate of contact is narrowed to less than half."""
    members = members_of(task, {"youth": _standard(task, "youth"), "outreach": cloud}, 40)
    assert [set(member) for member in members] == [set(task.blocks.parameters)] * 40
    rows = {
        row.parameter: row
        for row in identified(
            task.blocks, {"youth": _standard(task, "youth").scores, "outreach": cloud.scores}, members
        )
    }
    assert rows["contact"].left < 0.6
    assert rows["contact"].by_report
    assert rows["contact"].before[0] < rows["contact"].after[0] < rows["contact"].after[2] < rows["contact"].before[2]
    assert 0.8 < rows["take_up"].left < 1.2  # particles of the prior
    assert not rows["take_up"].by_report
    assert len(set(cloud.ancestors)) < SIZES.particles


def _standard(task, name):
    from crksim.analysis.particles import Cloud

    block = next(it for it in task.blocks.blocks if it.id == name)
    scores = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    random = np.random.default_rng(1)
    return Cloud(np.stack([random.permutation(scores) for _ in block.parameters], axis=1), np.empty((0, 0, 0)))


@pytest.mark.unit
def test_parameters_that_trade_off_are_named(task):
    scores = _standard(task, "youth").scores
    scores[:, 1] = -scores[:, 0]
    pairs = trade_offs(task.blocks, {"youth": scores, "outreach": _standard(task, "outreach").scores})
    assert (pairs[0].first, pairs[0].second) == ("arrivals", "host_share")
    assert pairs[0].correlation == pytest.approx(-1.0)
    assert len(pairs) == 1


@pytest.mark.unit
def test_shares_above_one_are_no_version(task):
    """Versions whose shares sum to more than one cannot be simulated; they have no weight and stop nobody."""
    study = copy.deepcopy(dict(task.study))
    study["services"]["group"]["ends"]["completed"]["share"] = "1.8 * @host_share"
    broken = replace(task, study=study)
    block = next(block for block in broken.blocks.blocks if block.id == "youth")
    scores = np.zeros((2, len(block.parameters)))
    scores[:, block.parameters.index("host_share")] = 1.0, -1.6  # 0.64 and 0.32 of all
    with open_pool(1) as pool:
        found = evaluation(broken, block, SIZES, pool)(scores, 0)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
    assert np.isneginf(block_likelihood(broken, block)(found)).tolist() == [True, False]


@pytest.mark.theory
def test_exact_pieces_are_draws_of_their_law():
    """A Beta piece by Kolmogorov-Smirnov, a Dirichlet piece by its means, and both cut off where the network ends."""
    random = np.random.default_rng(2)
    beta = Exact(("a",), (13.5, 4.5), "c")
    draws = [beta.draw(lambda name: random.random())["a"] for _ in range(2000)]
    assert stats.kstest(draws, stats.beta(13.5, 4.5).cdf).pvalue > 1e-3
    three = Exact(("a", "b"), (5.5, 1.5, 3.5), "c")
    found = [three.draw(lambda name: random.random()) for _ in range(4000)]
    for name, weight in (("a", 5.5), ("b", 1.5)):
        law = stats.beta(weight, 10.5 - weight)
        values = [one[name] for one in found]
        assert stats.kstest(values, law.cdf).pvalue > 1e-3
    cut = Exact(("a", "b"), (5.5, 1.5, 3.5), "c", at_most=0.7)
    assert max(sum(cut.draw(lambda name: random.random()).values()) for _ in range(2000)) <= 0.7


@pytest.mark.theory
def test_the_smoother_agrees_on_a_nearly_normal_count():
    """One rate, one count of 400: particles and smoother have the same normal posterior. Tolerances are four standard
    errors of 400 versions."""

    random, luck = np.random.default_rng(4), np.random.default_rng(5)

    def evaluate(scores, first):
        return luck.poisson(400.0 * np.exp(0.2 * scores[:, :1, None]), (len(scores), 8, 1)).astype(float)

    found = smooth(random.standard_normal((400, 1)), evaluate, [Count("c", "count", (440.0,), ("m",))], [[0]], random)
    precision = 1.0 + 0.2**2 * 440.0  # prior, and the information of a Poisson count on its log rate
    spread = precision**-0.5
    assert found.mean() == pytest.approx((0.2 * 440.0 * np.log(440.0 / 400.0)) / precision, abs=4 * spread / 20 + 0.02)
    assert found.std() == pytest.approx(spread, rel=0.2)


@pytest.mark.unit
def test_all_faults_of_what_is_calibrated_are_told_at_once(task):
    data = yaml.safe_load(SCRIPT.with_suffix(".yaml").read_text(encoding="utf-8"))
    for block in data["blocks"].values():
        block["until"] = str(block["until"])
    data["exact"]["group_finishes"]["law"] = "bta"
    data["blocks"]["youth"]["cohorts"] = ["yoth"]
    data["blocks"]["youth"]["until"] = "soon"
    data["blocks"]["outreach"] |= {"parameters": ["contact", "contakt"], "cohort": 3}
    data["exact"]["contact"] = {"law": "beta", "count": "reached", "prior": [1, 1], "successes": 1, "failures": 2}
    network = read_study(task.study).network
    with pytest.raises(InputError) as caught:
        read_blocks(data, network, "2016-01-01", task.counts, task.ledger)
    assert [str(problem) for problem in caught.value.problems] == [
        "exact.group_finishes.law = 'bta': must be one of beta, dirichlet; did you mean 'beta'?",
        "blocks.youth.cohorts = 'yoth': is none of the cohorts; did you mean 'youth'?",
        "blocks.youth.until = 'soon': must be a date such as '2016-10-01'",
        "blocks.outreach.cohort = 3: is not a field of a block; did you mean 'cohorts'?",
        "blocks.outreach.parameters = 'contakt': is none of the parameters; did you mean 'contact'?",
    ]


@pytest.fixture(scope="module")
def shipped():
    targets = read_folder(data_dir("conf") / "targets").data
    study = read_study(read_folder(data_dir("conf") / "network").data)
    ledger = read_ledger(read_folder(data_dir("conf") / "ledger").data)
    data = read_folder(data_dir("conf") / "calibration").data
    counts = read_counts(targets)
    return targets, counts, read_blocks(data, study.network, study.start, counts, ledger), data


@pytest.mark.unit
def test_fitted_numbers_are_calibrated_on_and_predicted_ones_are_not(shipped):
    """Every independent count that is marked fitted is used in one place, and no other is used anywhere."""
    targets, counts, blocks, _ = shipped
    used = [name for block in blocks.blocks for name in block.counts] + [piece.count for piece in blocks.exact]
    assert len(used) == len(set(used))
    fitted = {
        name for name, entry in targets["facts"].items() if entry["mark"] == "fitted" and not entry.get("part_of")
    }
    assert {name for name in used if not counts[name].given} == fitted
    for name in used:
        assert targets["facts"][name]["mark"] == "fitted", name


@pytest.mark.unit
def test_no_prior_rests_on_a_number_of_the_report(shipped):
    """What the calibration uses as a count must not stand behind a prior as well (a leak)."""
    targets, _, blocks, data = shipped
    assert not [address for address, entry in data["before"].items() if entry.get("fact")]
    ledger = read_ledger(read_folder(data_dir("conf") / "ledger").data)
    checked = {entry["fact"] for entry in targets["facts"].values() if entry["mark"] in ("fitted", "predicted")}
    others = [
        name for block in blocks.blocks for name in block.parameters if f"parameters.{name}" not in data["before"]
    ]
    assert len(others) > 10
    for name in others:
        entry = ledger.entry(f"parameters.{name}")
        assert entry is not None, name
        assert not checked & set(entry.fact.replace(" ", "").split(",")), name


@pytest.mark.unit
def test_hard_places_that_a_block_counts_are_not_shared_with_other_cohorts(shipped):
    """A block is simulated alone; that is exact only where nobody else can take the places that its counts speak of."""
    _, counts, blocks, _ = shipped
    world = structure(read_study(read_folder(data_dir("conf") / "network").data))
    hard = {service.id: service.group or service.id for service in world.services if service.places.hard is not None}
    reach = {
        cohort.id: {hard[name] for name in cohort_reach(world, cohort) if name in hard} for cohort in world.cohorts
    }
    spoken = {}
    for block in blocks.blocks:
        addresses = [address for name in block.counts for address in counts[name].addresses]
        named = {address.partition(".")[0].partition("[")[0] for address in addresses}
        spoken[block.id] = named & (set(hard) | set(hard.values()))
        for cohort, places in reach.items():
            if cohort not in block.cohorts:
                assert not places & spoken[block.id], (block.id, cohort)
    assert spoken == {"youth": {"youth_group"}, "intensive": {"fhv_intensive"}, "outreach": set(), "around": set()}


@pytest.mark.unit
def test_a_length_of_nothing_is_no_version(task):
    """A prior may be cut off at 0; a mean of 0 is no length, and such a version has no weight."""
    block = next(block for block in task.blocks.blocks if block.id == "youth")
    nothing = replace(task.blocks.priors["unit_stay"].prior, law="pert", low=0.0, value=1.0, high=100.0)
    priors = {**task.blocks.priors, "unit_stay": ScoredPrior(nothing)}
    broken = replace(task, blocks=replace(task.blocks, priors=priors))
    scores = np.zeros((2, len(block.parameters)))
    scores[:, block.parameters.index("unit_stay")] = -8.0, 0.0
    with open_pool(1) as pool:
        found = evaluation(broken, block, SIZES, pool)(scores, 0)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


@pytest.mark.unit
def test_the_smoother_takes_futures_in_which_nobody_left(task):
    means = np.array([[80.0, 90.0], [np.nan, np.nan], [100.0, np.nan]])[:, :, None]
    found, told, spread = observed(Count("c", "mean_range", (76.0, 106.0), ("m",)), means)
    assert found[:, 0].tolist() == [85.0, 91.0, 100.0]  # where nothing is known, the middle of what is reported
    assert told.tolist() == [91.0]
    assert spread[0] == pytest.approx(50.0 + 30.0**2 / 12)


@pytest.mark.unit
def test_priors_beside_the_ensemble_are_those_of_the_calibration(shipped):
    """What is simulated as from before the report draws what blocks move from their priors, and all else as ever."""
    *_, blocks, data = shipped
    ledger = read_folder(data_dir("conf") / "ledger").data
    before = before_report(ledger)
    assert {name for name in ledger if before[name] != ledger[name]} == set(data["before"])
    evidence = read_ledger(before)
    network = read_study(read_folder(data_dir("conf") / "network").data).network
    for parameter in network.parameters:
        if parameter.id in blocks.priors:
            prior = evidence.entry(f"parameters.{parameter.id}").prior(parameter.value.factor)
            known = blocks.priors[parameter.id].prior
            assert [prior.quantile(u) for u in (0.05, 0.5, 0.95)] == [known.quantile(u) for u in (0.05, 0.5, 0.95)]
