"""What paired differences say: variance split, likely ranges, verdicts; against simulated truth."""

import math

import numpy as np
import pytest
from scipy import stats

from crksim.analysis.comparison import Question, compare, compare_measure, effects, likely_range
from crksim.analysis.results import VERDICTS, World
from crksim.analysis.targets import Target, replay_rows
from crksim.errors import InputError
from crksim.model.network import Label

NAME = Label("starter", "starts")
UNIT = Label("om året", "per year")


def question(worthwhile=1.0, measure="group.starts", **other):
    return Question(measure, NAME, UNIT, "flow", worthwhile, **other)


def draw(rng, members, futures, mean, ignorance, luck):
    """Return differences of shape (members, futures) and the members' expected differences."""
    expected = rng.normal(mean, ignorance, members)
    return expected[:, None] + rng.normal(0.0, luck, (members, futures)), expected


def row(differences, worthwhile=1.0, **other):
    zeros = np.zeros_like(differences)
    return compare_measure(question(worthwhile, **other), "without", zeros, differences)


# --- luck and ignorance ----------------------------------------------------------------------------------------------


@pytest.mark.theory
def test_the_split_is_the_analysis_of_variance_computed_by_hand():
    """Searle, Casella & McCulloch 1992: the classes' mean square has expectation luck + n ignorance."""
    differences = np.array([[1.0, 3.0], [5.0, 9.0], [2.0, 2.0]])
    means = differences.mean(axis=1)
    within = ((differences - means[:, None]) ** 2).sum() / (6 - 3)
    between = 2 * ((means - differences.mean()) ** 2).sum() / (3 - 1)
    found = effects(differences)
    assert found.luck == pytest.approx(within)
    assert found.ignorance == pytest.approx((between - within) / 2)
    assert found.mean == pytest.approx(22 / 6)
    assert found.error == pytest.approx(math.sqrt(between / 6))


@pytest.mark.theory
def test_the_split_finds_known_variances_also_with_gaps():
    rng = np.random.default_rng(1)
    estimates = []
    for _ in range(300):
        differences, _ = draw(rng, 60, 3, 2.0, 1.5, 2.5)
        differences[rng.random(differences.shape) < 0.2] = np.nan
        found = effects(differences)
        estimates.append((found.luck, found.ignorance, found.luck_share))
    means = np.mean(estimates, axis=0)
    errors = np.std(estimates, axis=0) / math.sqrt(300)
    assert abs(means[0] - 2.5**2) < 4 * errors[0]
    assert abs(means[1] - 1.5**2) < 4 * errors[1]
    assert means[2] == pytest.approx(6.25 / 8.5, abs=0.03)


@pytest.mark.theory
def test_luck_is_taken_out_of_the_members_effects():
    """Their variance is the ignorance and the error of the mean, not ignorance + luck / futures."""
    rng = np.random.default_rng(2)
    differences, expected = draw(rng, 4000, 2, 5.0, 1.0, 3.0)
    found = effects(differences)
    assert differences.mean(axis=1).var() == pytest.approx(1.0 + 9.0 / 2, rel=0.1)
    assert found.members.var() == pytest.approx(1.0, rel=0.25)
    assert found.members.mean() == pytest.approx(found.mean)
    assert np.corrcoef(found.members, expected)[0, 1] > 0.3


@pytest.mark.unit
def test_one_future_per_member_counts_all_variance_as_ignorance():
    differences = np.array([[1.0], [2.0], [4.0]])
    found = effects(differences)
    assert found.luck == 0.0
    assert found.luck_share == 0.0
    assert found.ignorance == pytest.approx(differences.var(ddof=1))


# --- likely ranges ---------------------------------------------------------------------------------------------------


def coverage(ignorance, luck, members=100, futures=2, sets=400):
    """Return how often the likely range holds the expected difference of a member that is not among the runs."""
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(sets):
        found = row(draw(rng, members, futures, 2.0, ignorance, luck)[0])
        hits += found.low <= rng.normal(2.0, ignorance) <= found.high
    return hits / sets


def binomial_band(share=0.9, sets=400):
    """Return the shares between which 99 of 100 counts of `sets` would lie."""
    return tuple(end / sets for end in stats.binom.interval(0.99, sets, share))


@pytest.mark.theory
@pytest.mark.parametrize(("ignorance", "luck"), [(1.0, 0.0), (1.0, 0.5), (1.0, 1.0)])
def test_nine_in_ten_expected_differences_lie_in_the_likely_range(ignorance, luck):
    """400 data sets of 100 members with 2 futures, up to as much luck as ignorance: 0.86 to 0.94."""
    low, high = binomial_band()
    assert low <= coverage(ignorance, luck) <= high


@pytest.mark.theory
def test_with_nothing_but_luck_the_likely_range_is_on_the_safe_side():
    """The truth is then one number, and the range is that of the mean over the runs."""
    assert coverage(0.0, 2.0) >= binomial_band()[0]


@pytest.mark.theory
def test_with_nine_times_as_much_luck_the_likely_range_is_still_of_use():
    """So little can be told from 2 futures that the range holds 8 to 9 in 10; taking luck out naively leaves 7 to 8."""
    assert coverage(1.0, 3.0) >= binomial_band(0.83)[0]


@pytest.mark.theory
def test_nine_in_ten_single_futures_lie_in_the_range_of_a_year():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(400):
        found = row(draw(rng, 100, 2, 2.0, 1.0, 2.0)[0])
        hits += found.year_low <= rng.normal(2.0, math.hypot(1.0, 2.0)) <= found.year_high
    low, high = binomial_band()
    assert low <= hits / 400 <= high


@pytest.mark.theory
@pytest.mark.parametrize("n", [19, 40, 333])
def test_the_range_covers_nine_tenths_of_any_population_on_average(n):
    """The k-th of n values has rank k / (n + 1) in expectation, whatever the law."""
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(3000):
        low, high = likely_range(rng.exponential(1.0, n))
        covered.append(math.exp(-low) - math.exp(-high))
    assert np.mean(covered) == pytest.approx(0.9, abs=4 * np.std(covered) / math.sqrt(3000))


@pytest.mark.unit
def test_a_range_of_fewer_than_two_values_is_not_defined():
    assert all(math.isnan(end) for end in likely_range(np.array([1.0])))
    assert likely_range(np.array([3.0, 1.0])) == (1.0, 3.0)


@pytest.mark.unit
def test_the_ends_of_a_range_of_counts_are_counts():
    counts = np.random.default_rng(14).poisson(19.0, 40).astype(float)
    low, high = likely_range(counts)
    outer = likely_range(counts, outward=True)
    assert outer[0] <= low < high <= outer[1]
    assert set(outer) <= set(counts)


# --- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("mean", "ignorance", "worthwhile", "verdict"),
    [
        (5.0, 1.0, 2.0, "makes_a_difference"),
        (-5.0, 1.0, 2.0, "makes_a_difference"),
        (0.2, 0.3, 2.0, "no_difference_that_matters"),
        (2.0, 1.0, 2.0, "cannot_be_decided"),
        (0.0, 5.0, 2.0, "cannot_be_decided"),
    ],
)
@pytest.mark.parametrize("members", [60, 600])
def test_the_verdict_is_that_of_the_population_and_not_of_the_number_of_runs(
    mean, ignorance, worthwhile, verdict, members
):
    rng = np.random.default_rng(6)
    found = row(draw(rng, members, 2, mean, ignorance, 0.3)[0], worthwhile)
    assert found.verdict == verdict
    leaning = math.copysign(1.0, found.difference)
    chance = stats.norm.sf(worthwhile, leaning * mean, max(ignorance, 1e-9))
    assert found.chance == pytest.approx(chance, abs=4 * math.sqrt(0.25 / members))


@pytest.mark.theory
def test_more_runs_never_turn_a_small_certain_gain_into_a_difference():
    """The chance of any gain at all is 1 here at every size; that of a worthwhile one stays 0."""
    rng = np.random.default_rng(7)
    for members in (10, 40, 160, 640, 2560):
        found = row(draw(rng, members, 2, 0.5, 0.05, 0.05)[0], worthwhile=1.0)
        assert found.chance == 0.0
        assert found.low > 0.0
        assert found.verdict == "no_difference_that_matters"


@pytest.mark.theory
def test_repeating_the_same_runs_changes_no_verdict():
    rng = np.random.default_rng(8)
    for mean in np.linspace(-3.0, 3.0, 25):
        differences = draw(rng, 200, 2, mean, 0.7, 0.7)[0]
        chances = [row(np.tile(differences, (times, 1))).chance for times in (1, 4, 16)]
        assert max(chances) - min(chances) <= 0.03


@pytest.mark.theory
def test_the_verdict_moves_one_way_as_the_effect_grows():
    """no difference that matters, then undecided, then a difference; never back."""
    rng = np.random.default_rng(9)
    base = draw(rng, 300, 2, 0.0, 0.6, 0.6)[0]
    found = [row(base + shift, worthwhile=2.0).verdict for shift in np.linspace(0.0, 6.0, 61)]
    order = ["no_difference_that_matters", "cannot_be_decided", "makes_a_difference"]
    ranks = [order.index(verdict) for verdict in found]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2}


@pytest.mark.theory
@pytest.mark.parametrize(("members", "most"), [(10, 0.15), (50, 0.05)])
def test_a_few_lucky_runs_do_not_pass_for_a_difference(members, most):
    """No effect and ten times as much luck as matters: the mean alone would pass 65 and 32 times in 100."""
    rng = np.random.default_rng(10)
    wrong = sum(row(draw(rng, members, 2, 0.0, 0.0, 10.0)[0]).verdict == "makes_a_difference" for _ in range(400))
    assert wrong / 400 < most


@pytest.mark.unit
def test_a_world_without_change_is_exactly_no_difference():
    values = np.random.default_rng(11).gamma(2.0, 10.0, (30, 2))
    found = compare_measure(question(), "without", values, values.copy())
    numbers = (found.difference, found.low, found.high, found.year_low, found.year_high, found.error, found.luck_share)
    assert numbers == (0.0,) * 7
    assert (found.chance, found.better, found.same, found.worse) == (0.0, 0.0, 1.0, 0.0)
    assert found.verdict == "no_difference_that_matters"
    assert found.reference == found.what_if


@pytest.mark.unit
def test_a_difference_of_exactly_the_worthwhile_size_counts_in_spite_of_rounding():
    reference = np.random.default_rng(12).uniform(0.0, 1.0, (40, 2))
    found = compare_measure(question(0.3), "without", reference, reference + 0.1 + 0.2)
    assert found.chance == 1.0
    assert found.better == 1.0
    assert found.verdict == "makes_a_difference"


@pytest.mark.unit
def test_better_same_and_worse_are_shares_of_single_futures():
    differences = np.array([[3.0, 0.5], [-4.0, 0.0], [1.0, 2.0], [-0.5, 0.5]])
    found = row(differences)
    assert (found.better, found.same, found.worse) == (3 / 8, 4 / 8, 1 / 8)


@pytest.mark.unit
def test_where_the_scenario_rules_the_model_out_the_numbers_stand_and_the_verdict_says_so():
    found = row(np.full((20, 2), 5.0), answerable=False)
    assert found.difference == 5.0
    assert found.verdict == "model_cannot_answer"


@pytest.mark.unit
def test_futures_without_a_defined_difference_are_left_out_and_too_many_leave_no_answer():
    rng = np.random.default_rng(13)
    reference, what_if = rng.normal(10.0, 1.0, (50, 2)), rng.normal(15.0, 1.0, (50, 2))
    few, many = reference.copy(), reference.copy()
    few[:9, 0] = np.nan
    many[:11, 0] = np.nan
    found = compare_measure(question(), "without", few, what_if)
    kept = ~np.isnan(few)
    assert found.difference == pytest.approx((what_if - few)[kept].mean())
    assert found.what_if == pytest.approx(what_if[kept].mean())
    assert found.verdict == "makes_a_difference"
    assert compare_measure(question(), "without", many, what_if).verdict == "model_cannot_answer"


@pytest.mark.unit
def test_a_measure_that_is_never_defined_in_one_world_has_no_difference():
    found = compare_measure(question(), "without", np.full((20, 2), np.nan), np.full((20, 2), 4.0))
    unknown = (found.reference, found.difference, found.low, found.high, found.chance, found.better, found.same)
    assert all(math.isnan(number) for number in (*unknown, found.worse, found.luck_share, found.error))
    assert found.what_if == 4.0
    assert found.verdict == "model_cannot_answer"


@pytest.mark.unit
def test_one_member_decides_nothing():
    found = row(np.array([[5.0, 6.0]]))
    assert found.difference == 5.5
    assert math.isnan(found.low)
    assert found.verdict == "cannot_be_decided"


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_the_last_world_is_compared_with_each_before_it():
    shape = (20, 2)
    worlds = [
        World(name, name, NAME, np.stack([np.full(shape, a), np.full(shape, b)], axis=2))
        for name, a, b in (("without", 1.0, 10.0), ("decided", 4.0, 10.0), ("what_if", 6.0, 10.0))
    ]
    asked = [question(2.0, "b.starts", decides=True), question(3.0, "a.starts")]
    rows = compare(worlds, ["a.starts", "b.starts"], asked)
    assert [(r.against, r.measure, r.difference) for r in rows] == [
        ("without", "b.starts", 0.0),
        ("without", "a.starts", 5.0),
        ("decided", "b.starts", 0.0),
        ("decided", "a.starts", 2.0),
    ]
    assert [r.verdict for r in rows] == [VERDICTS[1], VERDICTS[0], VERDICTS[1], VERDICTS[1]]
    assert [r.decides for r in rows] == [True, False, True, False]


@pytest.mark.unit
def test_questions_that_cannot_be_answered_are_refused_all_at_once():
    worlds = [World(name, name, NAME, np.zeros((2, 2, 1))) for name in ("without", "what_if")]
    with pytest.raises(InputError) as caught:
        compare(worlds, ["group.starts"], [question(measure="group.start"), question(0.0), question(math.nan)])
    assert [str(problem) for problem in caught.value.problems] == [
        "group.start = 'group.start': was not measured; did you mean 'group.starts'?",
        "worthwhile.group.starts = 0.0: must be above 0",
        "worthwhile.group.starts = nan: must be above 0",
    ]


@pytest.mark.unit
def test_the_replay_stands_beside_the_report_with_the_range_of_single_futures():
    targets = [
        Target("starts_2017", NAME, UNIT, "ch4 l.557", "group.starts.count@2017", 19.0, "predicted", day=731.0),
        Target("wait_2017", NAME, UNIT, "ch4 l.560", "group.wait.mean@2017", 0.0, "put in"),
    ]
    values = np.full((40, 2, 2), np.nan)
    values[:, :, 0] = np.arange(80).reshape(40, 2)
    values[0, 0, 1] = 3.0
    starts, wait = replay_rows(targets, values)
    assert (starts.fact, starts.reported, starts.mark, starts.day) == ("starts_2017", 19.0, "predicted", 731.0)
    assert starts.mean == 39.5
    assert (starts.low, starts.high) == (3.0, 76.0)  # the 4.05th and the 76.95th of 0, 1, 2 ..., moved outward
    assert wait.mean == 3.0
    assert math.isnan(wait.low)


@pytest.mark.unit
def test_a_number_that_a_check_has_judged_keeps_the_range_of_the_check():
    target = Target("starts_2017", NAME, UNIT, "ch4 l.557", "group.starts.count@2017", 2.0, "predicted")
    (row,) = replay_rows([target], np.arange(20.0).reshape(10, 2, 1), {"starts_2017": (3.0, 8.0)})
    assert (row.mean, row.low, row.high) == (9.5, 3.0, 8.0)
