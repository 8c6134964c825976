"""Two arms, paired over seeds: in how many seeds each is ahead."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from bnlab.statistics._values import check_paired


@dataclass(frozen=True)
class ShareAhead:
    """In how many seeds each arm is ahead; `share` is a_ahead / seeds, from `low` to `high`.

    a_ahead + b_ahead + ties + both_failed = seeds.
    """

    seeds: int
    a_ahead: int
    b_ahead: int
    ties: int
    both_failed: int
    share: float | None
    low: float | None
    high: float | None
    confidence: float


def share_ahead(
    a: Num[np.ndarray, "seeds"],
    b: Num[np.ndarray, "seeds"],
    *,
    lower_is_better: bool = True,
    confidence: float = 0.95,
) -> ShareAhead:
    """Return the share of seeds in which a is strictly ahead of b, with Wilson's binomial interval.

    In a tie neither arm is ahead. Ties are counted separately, and they count as seeds in the share. An arm that
    failed is behind an arm that did not.

    Raises ValueError for arms of different shapes.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927), as
    `scipy.stats.binomtest`.
    """
    from scipy.stats import binomtest

    check_paired(a, b)
    worst = np.inf if lower_is_better else -np.inf
    a, b = np.where(np.isfinite(a), a, worst), np.where(np.isfinite(b), b, worst)
    a_ahead, b_ahead = (a < b, b < a) if lower_is_better else (a > b, b > a)
    seeds, wins, both_failed = len(a), int(a_ahead.sum()), int((np.isinf(a) & np.isinf(b)).sum())
    losses = int(b_ahead.sum())
    interval = binomtest(wins, seeds).proportion_ci(confidence, method="wilson") if seeds else None
    return ShareAhead(
        seeds=seeds,
        a_ahead=wins,
        b_ahead=losses,
        ties=seeds - wins - losses - both_failed,
        both_failed=both_failed,
        share=wins / seeds if seeds else None,
        low=float(interval.low) if interval else None,
        high=float(interval.high) if interval else None,
        confidence=confidence,
    )
