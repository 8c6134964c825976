"""One run of many stated values, beside seeds whose distances can be worked out by hand."""

import numpy as np
import pytest

from bnlab.statistics import Verdict, WholeRun, judge_whole_run

SIX = np.array([[-1.0, 0], [1, 0], [-1, 0], [1, 0], [-1, 3], [1, -3]])
"""Means 0 and 0; variances 6/5 and 18/5; with n = 6, 1 + 1/n is 7/6."""


def test_the_distance_is_the_largest_of_the_standardized_ones():
    # 2 / sqrt(6/5 · 7/6) = 2 / sqrt(1.4) in the first value, 3 / sqrt(18/5 · 7/6) = 3 / sqrt(4.2) in the second
    whole = judge_whole_run(np.array([2.0, 3.0]), SIX)
    assert whole.distance == pytest.approx(2 / np.sqrt(1.4))
    assert (whole.n, whole.failed) == (6, 0)


def test_each_seed_is_held_against_the_others():
    # without the last, the others' second values are 0, 0, 0, 0, 3: mean 0.6, variance 1.8; it is 3.6 away from them
    whole = judge_whole_run(np.zeros(2), SIX)
    assert whole.ours[-1] == pytest.approx(3.6 / np.sqrt(1.8 * 1.2))
    assert whole.ours[-2] == pytest.approx(whole.ours[-1])
    # the first: the others are 1, -1, 1, -1, 1: mean 0.2, variance 1.2
    assert whole.ours[0] == pytest.approx(1.2 / np.sqrt(1.2 * 1.2))
    assert (whole.distance, whole.share, whole.p_value, whole.verdict) == (0.0, 1.0, 1.0, Verdict.REPRODUCED)


@pytest.mark.parametrize(
    ("seeds", "verdict"),
    [(5, Verdict.UNDERPOWERED), (18, Verdict.UNDERPOWERED), (19, Verdict.UNUSUAL_DRAW), (999, Verdict.CONTRADICTED)],
)
def test_a_run_beyond_all_of_ours_needs_seeds_to_be_unusual(seeds: int, verdict: Verdict):
    values = np.tile([[0.0], [1.0]], (500, 3))[:seeds]
    whole = judge_whole_run(np.array([0.5, 0.5, 99.0]), values)
    assert whole.verdict is verdict
    assert (whole.share, whole.p_value) == (0.0, pytest.approx(1 / (seeds + 1)))


def test_seeds_that_failed_are_left_out_and_counted():
    values = np.vstack([SIX, [np.nan, 0.0]])
    assert judge_whole_run(np.zeros(2), values) == WholeRun(**{**vars(judge_whole_run(np.zeros(2), SIX)), "failed": 1})


def test_too_few_to_have_a_distance():
    assert judge_whole_run(np.zeros(2), SIX[:2]) == WholeRun(2, 0, Verdict.UNDERPOWERED)


def test_a_value_in_which_all_seeds_agree():
    values = np.hstack([SIX, np.ones((6, 1))])
    assert judge_whole_run(np.array([0.0, 0.0, 1.0]), values).distance == 0
    assert judge_whole_run(np.array([0.0, 0.0, 2.0]), values).distance == np.inf


def test_values_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^stated: got shape \(3,\) beside values of shape \(6, 2\)$"):
        judge_whole_run(np.zeros(3), SIX)


def test_a_true_run_is_seldom_unusual():
    """Of 300 runs drawn like our 20 seeds, about 1 in 21 lies beyond all of ours."""
    rng = np.random.default_rng(0)
    verdicts = [judge_whole_run(draws[0], draws[1:]).verdict for draws in rng.standard_normal((300, 21, 10))]
    unusual = sum(verdict is Verdict.UNUSUAL_DRAW for verdict in verdicts)
    assert 5 <= unusual <= 25  # 300/21 = 14.3, its standard deviation 3.7
