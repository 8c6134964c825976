"""What an arm does against the baseline, paired over seeds: how much, how surely, and which of the two is better."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from jaxtyping import Num

from bnlab import statistics
from bnlab.metrics import Direction, Metric
from bnlab.statistics import PairedDifference, ReachRatio, Settled, ShareAhead

CONFIDENCE = 0.95


class Reason(StrEnum):
    """Why an arm is called better, or why none is."""

    INTERVAL = "interval"
    """The interval excludes the neutral value (a difference of 0, a ratio of 1)."""
    SHARE = "share"
    """Most seeds of an arm never reach the level, and the other arm reaches it in more seeds (McNemar's exact test)."""
    UNDECIDED = "undecided"
    """The interval holds the neutral value."""
    FAILS_MORE = "fails more"
    """The interval speaks for the arm that fails, or never gets there, in more seeds."""
    TOO_FEW_PAIRS = "too few pairs"
    TOO_MANY_MISSING = "too many missing"


_REASONS = {
    Settled.A_BETTER: Reason.INTERVAL,
    Settled.B_BETTER: Reason.INTERVAL,
    Settled.UNDECIDED: Reason.UNDECIDED,
    Settled.FAILS_MORE: Reason.FAILS_MORE,
    Settled.TOO_FEW_PAIRS: Reason.TOO_FEW_PAIRS,
    Settled.TOO_MANY_MISSING: Reason.TOO_MANY_MISSING,
}


@dataclass(frozen=True)
class Effect:
    """What an arm does against the baseline, paired over seeds.

    `value` is the mean of (arm - baseline); where `kind` is "ratio", the geometric mean of (arm's steps / baseline's).
    low to high is its 95 % interval: BCa bootstrap of the pairs, `statistics.paired_difference`.

    pairs + only_arm + only_baseline + neither + at_start = seeds: seeds with both, with the arm alone (the baseline failed,
    or never got there), the baseline alone, neither, and those in which an arm was there before its first step.
    ahead + behind + ties + both_failed = seeds: in how many the arm is strictly better than the baseline; one that failed
    is behind one that did not. `share` = ahead / seeds, with Wilson's interval. Where a metric has no better side, the
    lower value counts as ahead.

    `better` is the label of the better arm, or None where the evidence does not settle it or the metric has no better side;
    `reason` says why. `p_value` is that of the share of seeds which reach the level (`statistics.reach_share`); None for a
    difference.
    """

    kind: Literal["difference", "ratio"]
    value: float | None
    low: float | None
    high: float | None
    pairs: int
    only_arm: int
    only_baseline: int
    neither: int
    at_start: int
    ahead: int
    behind: int
    ties: int
    both_failed: int
    share: float | None
    share_low: float | None
    share_high: float | None
    better: str | None
    reason: Reason
    p_value: float | None = None

    @property
    def seeds(self) -> int:
        """How many seeds there are, with or without a pair."""
        return self.ahead + self.behind + self.ties + self.both_failed


def difference(a: Num[np.ndarray, "seeds"], b: Num[np.ndarray, "seeds"], metric: Metric, baseline: str, arm: str) -> Effect:
    """Return the effect b - a of the arm b against the baseline a."""
    lower_is_better = not metric.higher_is_better
    paired = statistics.paired_difference(a, b, lower_is_better=lower_is_better, confidence=CONFIDENCE)
    ahead = statistics.share_ahead(b, a, lower_is_better=lower_is_better, confidence=CONFIDENCE)
    neither = int((~np.isfinite(a) & ~np.isfinite(b)).sum())
    better = {"a": baseline, "b": arm, None: None}[paired.settled.better]
    return _effect(
        "difference",
        paired,
        (paired.mean, paired.low, paired.high),
        ahead,
        (paired.failed_a - neither, paired.failed_b - neither, neither, 0),
        better=None if metric.direction is Direction.NEITHER else better,
        reason=_REASONS[paired.settled],
    )


def ratio(a: Num[np.ndarray, "seeds"], b: Num[np.ndarray, "seeds"], baseline: str, arm: str) -> Effect:
    """Return the effect b / a on the steps to reach a level; where most seeds of an arm never do, on the share that does."""
    paired = statistics.reach_ratio(a, b, confidence=CONFIDENCE)
    share = statistics.reach_share(a, b, confidence=CONFIDENCE)
    by_share = share.mostly_missed and share.more_often is not None
    return _effect(
        "ratio",
        paired,
        (paired.ratio, paired.low, paired.high),
        statistics.share_ahead(b, a, confidence=CONFIDENCE),
        (paired.only_b, paired.only_a, paired.neither, paired.at_start),
        better={"a": baseline, "b": arm, None: None}[share.more_often if by_share else paired.settled.better],
        reason=Reason.SHARE if by_share else _REASONS[paired.settled],
        p_value=share.p_value,
    )


def _effect(
    kind: Literal["difference", "ratio"],
    paired: PairedDifference | ReachRatio,
    interval: tuple[float | None, float | None, float | None],
    ahead: ShareAhead,
    counts: tuple[int, int, int, int],
    *,
    better: str | None,
    reason: Reason,
    p_value: float | None = None,
) -> Effect:
    value, low, high = interval
    only_arm, only_baseline, neither, at_start = counts
    return Effect(
        kind=kind,
        value=value,
        low=low,
        high=high,
        pairs=paired.pairs,
        only_arm=only_arm,
        only_baseline=only_baseline,
        neither=neither,
        at_start=at_start,
        ahead=ahead.a_ahead,
        behind=ahead.b_ahead,
        ties=ahead.ties,
        both_failed=ahead.both_failed,
        share=ahead.share,
        share_low=ahead.low,
        share_high=ahead.high,
        better=better,
        reason=reason,
        p_value=p_value,
    )
