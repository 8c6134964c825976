"""The variance of test accuracy over seeds, beside that of errors that are independent of each other.

c[s, i] is 1 where the model of seed s is right on test example i, else 0. There are S seeds and n examples. p[i] is the mean
of c[:, i], a[s] the mean of c[s, :], which is the seed's accuracy, and ā the mean of a.
"""

import numpy as np
from jaxtyping import Bool, Float

from bnlab.papers.jordan_2023 import RATIO
from bnlab.runs import Pool
from bnlab.studies import SeedQuantities


def independent_variance(correct: Bool[np.ndarray, "seeds examples"]) -> float:
    """Return S / (S − 1) · Σ p (1 − p) / n²: the variance of the accuracy, if right and wrong are independent over examples.

    Without the factor, as the paper prints it, S seeds give a value that is too small: the mean of p (1 − p) is (S − 1) / S
    times the true one. NaN for fewer than two seeds.
    """
    seeds, examples = correct.shape
    p = correct.mean(axis=0)
    return float(np.sum(p * (1 - p))) / examples**2 * seeds / (seeds - 1) if seeds > 1 else np.nan


def independent_distribution(p: Float[np.ndarray, "examples"]) -> Float[np.ndarray, "right"]:
    """Return the probability of 0, 1, …, n right answers, if example i is right with the probability p[i], independently.

    This is the Poisson-binomial distribution. Its variance is Σ p (1 − p).
    """
    sure = int((p == 1).sum())
    probabilities = np.ones(1)
    for one in p[(p > 0) & (p < 1)]:
        probabilities = np.convolve(probabilities, [1 - one, one])
    return np.pad(probabilities, (sure, len(p) + 1 - sure - len(probabilities)))


def variance_ratios(correct: Bool[np.ndarray, "seeds examples"]) -> Float[np.ndarray, "seeds"]:
    """Return S / (S − 1) · (a − ā)² / `independent_variance` for each seed.

    The mean over seeds is the ratio of two variances, both without bias: that of the accuracy over that of independent
    errors. The seeds of a bootstrap draw this mean. The denominator counts as known: it is a sum over all examples, and
    varies far less than the numerator. NaN where no two seeds differ in any example, and for fewer than two seeds.
    """
    seeds, independent = len(correct), independent_variance(correct)
    if not independent > 0:
        return np.full(seeds, np.nan)
    accuracies = correct.mean(axis=1)
    return np.square(accuracies - accuracies.mean()) * seeds / (seeds - 1) / independent


def variance_ratio(pool: Pool) -> Float[np.ndarray, "seeds"]:
    """Return `variance_ratios` of the seeds; NaN for those that failed, which count in no mean."""
    finished = np.isfinite(pool.curves["test_accuracy"][:, -1])
    ratios = np.full(len(finished), np.nan)
    ratios[finished] = variance_ratios(pool.examples["test_correct"][finished])
    return ratios


SEED_QUANTITIES: SeedQuantities = {RATIO: variance_ratio}
