"""Two arms, paired over seeds: which arm reaches a level sooner, and which reaches it more often."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Num

from bnlab.statistics._values import check_paired, nan_where_failed
from bnlab.statistics.ahead import ShareAhead, share_ahead
from bnlab.statistics.difference import paired_difference
from bnlab.statistics.settled import Settled


@dataclass(frozen=True)
class ReachRatio:
    """The ratio of b's steps to a's steps to the same threshold, over the `pairs` seeds that have a ratio.

    pairs + only_a + only_b + neither + at_start = seeds. In `settled`, the better arm is the faster one. Where every
    ratio is the same, low = ratio = high.
    """

    ratio: float | None
    low: float | None
    high: float | None
    confidence: float
    pairs: int
    only_a: int
    only_b: int
    neither: int
    at_start: int
    ahead: ShareAhead
    settled: Settled


def reach_ratio(
    a: Num[np.ndarray, "seeds"],
    b: Num[np.ndarray, "seeds"],
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> ReachRatio:
    """Return exp(mean(log(b / a))) of two arms' `steps_to_reach`, with its interval and what it settles.

    The interval and `settled` are those of `paired_difference` on the logarithms. The geometric mean has three
    advantages over a ratio of medians: it uses the pairing, it becomes its inverse when the arms change places, and its
    bootstrap is smooth, while medians of recorded steps jump.

    A seed in which an arm never reaches the threshold (NaN) has no ratio. It is counted in `only_a` (only a reaches it),
    `only_b` or `neither`. The ratio then describes only the seeds in which both reach it, and favours an arm that often
    fails. So nothing is settled where more than MAX_MISSING of the seeds are missing, and an arm that reaches the
    threshold less often never wins. `reach_share` tells which arm reaches it more often. `ahead` uses every seed: an arm
    that never reaches the threshold is behind one that does.

    A seed in which an arm is at the threshold at step 0 has no ratio either. It is counted in `at_start`.

    Raises ValueError for arms of different shapes.
    """
    check_paired(a, b)
    at_start = (a == 0) | (b == 0)
    log_a, log_b = np.log(nan_where_failed(a)[~at_start]), np.log(nan_where_failed(b)[~at_start])
    logs = paired_difference(log_a, log_b, confidence=confidence, resamples=resamples, seed=seed)
    neither = int((np.isnan(log_a) & np.isnan(log_b)).sum())

    def ratio(log: float | None) -> float | None:
        return None if log is None else float(np.exp(log))

    return ReachRatio(
        ratio=ratio(logs.mean),
        low=ratio(logs.low),
        high=ratio(logs.high),
        confidence=confidence,
        pairs=logs.pairs,
        only_a=logs.failed_b - neither,
        only_b=logs.failed_a - neither,
        neither=neither,
        at_start=int(at_start.sum()),
        ahead=share_ahead(a, b, confidence=confidence),
        settled=logs.settled,
    )


@dataclass(frozen=True)
class ReachShare:
    """The number of seeds in which each arm reaches a level, and the p-value of the difference.

    `p_value` is the chance of counts at least as uneven if both arms reach the level equally often. both + only_a + only_b
    + neither = seeds. `more_often` is the arm that reaches the level in more seeds, where p_value <= 1 - confidence; else
    None.
    """

    seeds: int
    both: int
    only_a: int
    only_b: int
    neither: int
    p_value: float
    confidence: float
    more_often: Literal["a", "b"] | None

    @property
    def reached_a(self) -> int:
        """The number of seeds in which a reaches the level."""
        return self.both + self.only_a

    @property
    def reached_b(self) -> int:
        """The number of seeds in which b reaches the level."""
        return self.both + self.only_b

    @property
    def mostly_missed(self) -> bool:
        """Whether most seeds of an arm never reach the level. The steps to reach it then say little."""
        return 2 * min(self.reached_a, self.reached_b) < self.seeds


def reach_share(a: Num[np.ndarray, "seeds"], b: Num[np.ndarray, "seeds"], *, confidence: float = 0.95) -> ReachShare:
    """Return whether one of two arms reaches a level in more seeds. a and b are their `steps_to_reach` (NaN: never).

        p = min(1, 2 * sum_{i <= min(only_a, only_b)} C(n, i) / 2**n),   n = only_a + only_b

    Only the n seeds in which exactly one arm reaches the level are evidence. If the arms reach it equally often, each of
    these seeds belongs to either arm with a chance of 1/2. With n = 0, p = 1. With n < 6, p is above 0.05.

    Raises ValueError for arms of different shapes.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages"
    (1947), in its exact form: the sign test.
    """
    from scipy.stats import binomtest

    check_paired(a, b)
    there_a, there_b = np.isfinite(a), np.isfinite(b)
    only_a, only_b = int((there_a & ~there_b).sum()), int((there_b & ~there_a).sum())
    alone = only_a + only_b
    p_value = float(binomtest(only_a, alone, 0.5).pvalue) if alone else 1.0
    return ReachShare(
        seeds=len(a),
        both=int((there_a & there_b).sum()),
        only_a=only_a,
        only_b=only_b,
        neither=int((~there_a & ~there_b).sum()),
        p_value=p_value,
        confidence=confidence,
        more_often=None if p_value > 1 - confidence else "a" if only_a > only_b else "b",
    )
