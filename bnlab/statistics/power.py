"""How many pairs a comparison of two arms needs, and how often single runs mislead."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Num

from bnlab.statistics._values import check_paired, finite_only, nan_where_failed
from bnlab.statistics.settled import MIN_PAIRS

MOST_PAIRS = 100_000
"""No search for a number of pairs goes beyond it."""


def power(effect: float, pairs: int, *, confidence: float = 0.95) -> float:
    """Return how often `pairs` pairs settle the comparison the right way: P(T > t[n - 1, (1 + confidence) / 2]).

    effect: |mean| / standard deviation of the differences. T has the noncentral t distribution with n - 1 degrees of freedom
    and the noncentrality effect * sqrt(n). This is Student's t test of the differences, for normal ones. The bootstrap
    interval of `paired_difference` agrees with it on such differences to a few points.

    Source: Cohen, "Statistical power analysis for the behavioral sciences" (1988), chapter 2.
    """
    from scipy.stats import nct, t

    return float(nct.sf(t.ppf((1 + confidence) / 2, pairs - 1), pairs - 1, effect * np.sqrt(pairs)))


def pairs_to_settle(
    a: Num[np.ndarray, "seeds"], b: Num[np.ndarray, "seeds"], *, share: float, confidence: float = 0.95
) -> int | None:
    """Return the smallest number of pairs whose `power` is at least `share`, for the effect that these seeds show.

    It is MIN_PAIRS or more. The seeds know the effect only roughly: where they do not settle the comparison themselves, the
    true number may be any larger one. None where it is beyond MOST_PAIRS, and where fewer than two pairs are finite.

    Raises ValueError for arms of different shapes.
    """
    check_paired(a, b)
    differences = finite_only(nan_where_failed(b) - nan_where_failed(a))
    if len(differences) < 2 or np.mean(differences) == 0:
        return None
    mean, spread = abs(float(np.mean(differences))), float(np.std(differences, ddof=1))
    return _smallest(lambda pairs: spread == 0 or power(mean / spread, pairs, confidence=confidence) >= share)


def share_misled(a: Num[np.ndarray, "runs"], b: Num[np.ndarray, "others"]) -> float | None:
    """Return how often one run of each arm points the wrong way: against the difference of the means of the arms.

    All pairs of a run of a with a run of b count, whatever their seeds; equal values point nowhere. None where the means are
    equal, and where an arm has no finite run.
    """
    a, b = finite_only(a), finite_only(b)
    if not len(a) or not len(b) or np.mean(a) == np.mean(b):
        return None
    return float(np.mean(np.sign(b[None, :] - a[:, None]) == -np.sign(np.mean(b) - np.mean(a))))


def _smallest(enough: Callable[[int], bool]) -> int | None:
    """Return the smallest number of pairs that is enough, where every larger one is enough too."""
    low, high = MIN_PAIRS - 1, MIN_PAIRS
    while not enough(high):
        if high >= MOST_PAIRS:
            return None
        low, high = high, min(2 * high, MOST_PAIRS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
