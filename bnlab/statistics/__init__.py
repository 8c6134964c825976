"""Intervals and tests from arrays: the results of many seeds, and their uncertainty.

Three rules hold everywhere.

- A value that is not finite belongs to a run that failed (or never reached a level). The result counts it, and
  no mean includes it.
- Two arms are compared *paired*: entry s of `a` and entry s of `b` are the same seed. A difference is
  always b - a and a ratio b / a, so below zero (below one) means that b is the lower (the faster) arm.
- A comparison of two arms is settled where it has at least MIN_PAIRS pairs, at most a share of MAX_MISSING of
  the seeds has no pair, and the interval excludes zero. The arm that failed in more seeds never wins. `Settled`
  says which of these conditions does not hold. The numbers are given in every case.

Results are frozen dataclasses of floats, ints, strings, None and tuples of them (`dataclasses.asdict` gives JSON); only
`Band`, which is for drawing, holds arrays. They hold no sentences: those are made where they are printed.
"""

from bnlab.statistics.ahead import ShareAhead, share_ahead
from bnlab.statistics.curves import Band, area_under_curve, ema, quantile_band, steps_to_reach
from bnlab.statistics.difference import PairedDifference, difference_band, paired_difference
from bnlab.statistics.power import pairs_to_settle, power, share_misled
from bnlab.statistics.reach import ReachRatio, ReachShare, reach_ratio, reach_share
from bnlab.statistics.settled import MAX_MISSING, MIN_PAIRS, Settled
from bnlab.statistics.stated import (
    MIN_RUNS_TO_CONTRADICT,
    Interval,
    StatedValue,
    Verdict,
    judge_stated_value,
    prediction_interval,
)
from bnlab.statistics.summary import Summary, summarize
from bnlab.statistics.whole_run import SEEDS_TO_CONTRADICT_A_RUN, WholeRun, judge_whole_run

__all__ = [
    "MAX_MISSING",
    "MIN_PAIRS",
    "MIN_RUNS_TO_CONTRADICT",
    "SEEDS_TO_CONTRADICT_A_RUN",
    "Band",
    "Interval",
    "PairedDifference",
    "ReachRatio",
    "ReachShare",
    "Settled",
    "ShareAhead",
    "StatedValue",
    "Summary",
    "Verdict",
    "WholeRun",
    "area_under_curve",
    "difference_band",
    "ema",
    "judge_stated_value",
    "judge_whole_run",
    "paired_difference",
    "pairs_to_settle",
    "power",
    "prediction_interval",
    "quantile_band",
    "reach_ratio",
    "reach_share",
    "share_ahead",
    "share_misled",
    "steps_to_reach",
    "summarize",
]
