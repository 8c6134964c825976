"""Two arms, paired over seeds: the mean difference, its interval, and what the interval settles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from bnlab.statistics._bootstrap import bca_interval
from bnlab.statistics._values import check_paired, nan_where_failed
from bnlab.statistics.ahead import ShareAhead, share_ahead
from bnlab.statistics.curves import Band
from bnlab.statistics.settled import Settled, settle


@dataclass(frozen=True)
class PairedDifference:
    """The mean of b - a over the `pairs` seeds in which both arms are finite, with its interval and what it settles.

    Where every difference is the same, low = mean = high.
    """

    mean: float | None
    low: float | None
    high: float | None
    confidence: float
    pairs: int
    dropped: int
    failed_a: int
    failed_b: int
    ahead: ShareAhead
    settled: Settled


def paired_difference(
    a: Num[np.ndarray, "seeds"],
    b: Num[np.ndarray, "seeds"],
    *,
    lower_is_better: bool = True,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> PairedDifference:
    """Return mean(b - a) over seeds with its BCa bootstrap interval (see `bca_interval`) and what it settles.

    `lower_is_better` decides which arm is ahead and which is better. The interval is None for fewer than two pairs. Where
    every difference is the same, the interval is this one value. Where higher is better, the interval is computed from
    the negated values, and negated again.

    A difference below the rounding of the inputs, 2 * eps * max(|a|, |b|) in their own dtype, counts as zero. Otherwise
    the averages of tied accuracies would miss zero by 1e-9.

    Raises ValueError for arms of different shapes.
    """
    check_paired(a, b)
    sign = 1 if lower_is_better else -1
    a_values, b_values = sign * nan_where_failed(a), sign * nan_where_failed(b)
    differences = b_values - a_values
    paired = np.isfinite(differences)
    differences, pairs = differences[paired], int(paired.sum())
    largest = float(np.max(np.abs([a_values[paired], b_values[paired]]), initial=0.0))
    rounding = 2 * float(np.finfo(np.result_type(a, b, np.float16)).eps) * largest

    mean = float(np.mean(differences)) if pairs else None
    if pairs > 1 and np.ptp(differences) <= rounding:
        low = high = mean
    else:
        low, high = bca_interval(differences, confidence, resamples, seed) if pairs > 1 else (None, None)
    better = None
    if low is not None and high is not None:
        better = "a" if low > rounding else "b" if high < -rounding else None
    if not lower_is_better:
        mean, low, high = (None if value is None else 0.0 - value for value in (mean, high, low))

    failed_a, failed_b = int(np.isnan(a_values).sum()), int(np.isnan(b_values).sum())
    return PairedDifference(
        mean=mean,
        low=low,
        high=high,
        confidence=confidence,
        pairs=pairs,
        dropped=len(a) - pairs,
        failed_a=failed_a,
        failed_b=failed_b,
        ahead=share_ahead(a, b, lower_is_better=lower_is_better, confidence=confidence),
        settled=settle(better, pairs=pairs, seeds=len(a), failed_a=failed_a, failed_b=failed_b),
    )


def difference_band(
    a: Num[np.ndarray, "seeds records"], b: Num[np.ndarray, "seeds records"], *, confidence: float = 0.95
) -> Band:
    """Return mean(b - a) ± t[n - 1] * s / sqrt(n) at each record, over the n seeds that are finite in both arms there.

    The interval is pointwise: of many records, some will exclude zero by chance. The bounds are NaN for fewer than two
    pairs.

    The interval uses Student's t and not BCa, because t has a closed form: 2,000 records of 100 seeds take 2 ms, with
    BCa half a minute. On normal data t has the stated coverage. On skewed data BCa covers one to three points more.

    Raises ValueError for arms of different shapes.
    """
    from scipy.stats import t

    check_paired(a, b)
    differences = nan_where_failed(b) - nan_where_failed(a)
    finite = np.isfinite(differences)
    n = finite.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 gives the NaN of the docstring
        mean = np.where(finite, differences, 0.0).sum(axis=0) / n
        squares = (np.where(finite, differences - mean, 0.0) ** 2).sum(axis=0)
        half = t.ppf((1 + confidence) / 2, n - 1) * np.sqrt(squares / (n - 1) / n)
    return Band(mean, mean - half, mean + half, n)
