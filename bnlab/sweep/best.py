"""The best point of each arm: how it is chosen, what it gives, and which points it cannot be told apart from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnlab import statistics
from bnlab.metrics import Metric
from bnlab.statistics import PairedDifference, Summary
from bnlab.sweep.analysis import CONFIDENCE, Findings


@dataclass(frozen=True)
class Best:
    """The best point of an arm: the point, how many it was chosen from, and what it gives.

    chosen: the final values of the metric that it was chosen by. reported: those of the sweep's first metric. failed: how
    many of its seeds failed. rivals: the arm's other points whose mean paired difference from it in the choosing metric has
    an interval that holds zero, the nearest first; None for a single seed, which has no interval. alone: whether all other
    points have failed.
    """

    arm: str
    point: int
    among: int
    chosen: Summary
    reported: Summary
    rivals: tuple[int, ...] | None


def best_points(findings: Findings) -> list[Best]:
    """Return the best point of each arm: of those in which the fewest seeds failed, the one of the best mean.

    The mean is that of the final values of `sweep.selection` over the seeds that did not fail. An arm in which every seed
    failed has no best point. There are none where neither side of the metric is better.
    """
    sweep, metric = findings.sweep, findings.sweep.selection
    if metric is None:
        return []
    values = findings.values(metric)
    found: list[Best] = []
    for arm in sweep.arms:
        mine = [number for number, point in enumerate(sweep.points) if point.arm == arm]
        best = _best(values, mine, metric)
        if best is not None:
            others = [number for number in mine if number != best]
            chosen, reported = (
                statistics.summarize(findings.outcomes[best].finals[one.name]) for one in (metric, sweep.metrics[0])
            )
            found.append(Best(arm, best, len(mine), chosen, reported, _rivals(values, best, others, metric)))
    return found


def best_difference(findings: Findings, one: Best, other: Best) -> PairedDifference:
    """Return the paired difference `other` − `one` of the sweep's first metric between the best points of two arms."""
    metric = findings.sweep.metrics[0]
    a, b = (findings.outcomes[best.point].finals[metric.name] for best in (one, other))
    return statistics.paired_difference(a, b, lower_is_better=not metric.higher_is_better, confidence=CONFIDENCE)


def _best(values: np.ndarray, points: Sequence[int], metric: Metric) -> int | None:
    """Return the point of the best mean among those with the fewest failed seeds; None where every seed failed."""
    failed = {point: int(np.isnan(values[point]).sum()) for point in points}
    fewest = min(failed.values())
    if fewest == values.shape[1]:
        return None
    sign = -1 if metric.higher_is_better else 1
    return min((point for point in points if failed[point] == fewest), key=lambda point: sign * np.nanmean(values[point]))


def _rivals(values: np.ndarray, best: int, others: Sequence[int], metric: Metric) -> tuple[int, ...] | None:
    if values.shape[1] < 2:
        return None
    if not others:
        return ()
    first = np.repeat(values[best][:, None], len(others), axis=1)
    band = statistics.difference_band(first, values[list(others)].T, confidence=CONFIDENCE)
    inside = (band.low <= 0) & (band.high >= 0)
    sign = -1 if metric.higher_is_better else 1
    order = np.argsort(sign * band.center)
    return tuple(others[i] for i in order if inside[i])
