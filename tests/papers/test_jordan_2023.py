"""The two variances by hand and by simulation, and the claims on their ratio."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnlab.claims import judge_bound
from bnlab.papers.jordan_2023 import PAPER, RATIO
from bnlab.papers.jordan_2023.quantities import independent_distribution, independent_variance, variance_ratios
from bnlab.report import reproduce
from bnlab.statistics import Verdict

CLAIMS = {claim.id.removeprefix("jordan-2023/"): claim for study in PAPER.studies for claim in study.claims}


def seeds_of(rng: np.random.Generator, *, shared: float) -> np.ndarray:
    """Return right and wrong of 200 seeds on 400 examples; `shared` is how far a seed's own level moves all of them."""
    level = rng.normal(0, shared, (200, 1))
    return rng.uniform(size=(200, 400)) < np.clip(rng.uniform(0.6, 1, 400) + level, 0, 1)


def test_the_variances_by_hand():
    """Two seeds on four examples: right on all, and on the first two. Accuracies 1 and ½, p = 1, 1, ½, ½.

    Independent errors: 2 / (2 − 1) · (¼ + ¼) / 4² = 1/16. Each seed is ¼ away from the mean: 2 · (¼)² / (1/16) = 2.
    """
    correct = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
    assert independent_variance(correct) == 1 / 16
    np.testing.assert_array_equal(variance_ratios(correct), [2.0, 2.0])


def test_the_mean_is_the_ratio_of_numpys_variances():
    correct = seeds_of(np.random.default_rng(0), shared=0.02)
    accuracies, examples = correct.mean(axis=1), correct.shape[1]
    ratio = np.var(accuracies, ddof=1) / (np.var(correct, axis=0, ddof=1).sum() / examples**2)
    assert np.mean(variance_ratios(correct)) == pytest.approx(ratio, rel=1e-12)


def test_the_distribution_of_right_answers():
    """Two coins, one example that is always right, and one that never is."""
    np.testing.assert_array_equal(independent_distribution(np.array([0.5, 1, 0.5, 0])), [0, 0.25, 0.5, 0.25, 0])


def test_few_seeds_have_no_bias():
    """3 seeds, 2,000 times: the true variance is Σ p (1 − p) / n² with every p = 0.8; three standard errors are 1 %."""
    rng = np.random.default_rng(0)
    draws = [independent_variance(rng.uniform(size=(3, 100)) < 0.8) for _ in range(2000)]
    assert np.mean(draws) == pytest.approx(0.8 * 0.2 / 100, rel=0.01)


def test_where_there_is_no_ratio():
    assert np.isnan(variance_ratios(np.ones((1, 4), bool))).all()
    assert np.isnan(variance_ratios(np.ones((3, 4), bool))).all()


def test_a_failed_seed_counts_nowhere():
    correct = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]], bool)
    accuracy = np.array([[0.1, 1.0], [0.1, np.nan], [0.1, 0.5]])
    pool: Any = SimpleNamespace(curves={"test_accuracy": accuracy}, examples={"test_correct": correct})
    np.testing.assert_array_equal(PAPER.seed_quantities()[RATIO](pool), [2.0, np.nan, 2.0])


@pytest.mark.parametrize(
    ("shared", "more", "less"),
    [(0.0, Verdict.REPRODUCED, Verdict.REPRODUCED), (0.05, Verdict.CONTRADICTED, Verdict.REPRODUCED)],
)
def test_errors_that_seeds_share_are_found(shared: float, more: Verdict, less: Verdict):
    """A level of 5 points in every example of a seed multiplies the variance by about 7."""
    ratios = variance_ratios(seeds_of(np.random.default_rng(1), shared=shared))
    assert judge_bound(CLAIMS["long/not-more/digits/bn"], ratios).verdict is more
    assert judge_bound(CLAIMS["long/not-less/digits/bn"], ratios).verdict is less


@pytest.mark.usefixtures("folder")
def test_a_slice_of_the_study():
    digits = replace(PAPER, studies=tuple(study for study in PAPER.studies if "digits" in study.id))
    found = reproduce(["jordan-2023"], quick=True, known={"jordan-2023": digits})
    verdicts = {one.claim.id: one for one in found.judged}
    assert verdicts["jordan-2023/short/digits/bn"].evidence is not None
    long = verdicts["jordan-2023/long/not-more/digits/bn"]
    assert long.why == "quick: trained for 40 steps only, which is too short for this claim"
