"""From final values to numbers: what each point did, and what its arm did against the baseline at the same place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bnlab import statistics
from bnlab.metrics import Direction, Metric
from bnlab.statistics import PairedDifference, Summary
from bnlab.sweep.planning import Outcome
from bnlab.sweep.points import Point, Sweep

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Row:
    """The final value of one metric at one point, and its effect against the baseline there (None for the baseline itself).

    better: the arm that is better, or None where the evidence does not settle it or neither side of the metric is better.
    """

    point: int
    metric: Metric
    summary: Summary
    effect: PairedDifference | None
    better: str | None


@dataclass(frozen=True, repr=False)
class Findings:
    """A sweep with all that was measured of it."""

    sweep: Sweep
    outcomes: Sequence[Outcome]
    rows: Sequence[Row]

    def row(self, metric: Metric, point: int) -> Row:
        """Return the row of a metric and a point."""
        return self.rows[self.sweep.metrics.index(metric) * len(self.sweep.points) + point]

    def values(self, metric: Metric) -> Float[np.ndarray, "points seeds"]:
        """Return the final values of a metric at all points; NaN where a seed failed."""
        return np.stack([outcome.finals[metric.name] for outcome in self.outcomes])

    def others(self) -> list[str]:
        """Return the arms besides the baseline."""
        return [arm for arm in self.sweep.arms if arm != self.sweep.baseline]


def analyse(sweep: Sweep, outcomes: Sequence[Outcome]) -> Findings:
    """Return the rows of every metric and point, in this order. The outcomes hold all seeds."""
    rows: list[Row] = []
    for metric in sweep.metrics:
        for number, (point, outcome) in enumerate(zip(sweep.points, outcomes, strict=True)):
            values = outcome.finals[metric.name]
            effect = None
            if point.arm != sweep.baseline:
                before = outcomes[sweep.number(sweep.baseline, point.place)].finals[metric.name]
                effect = statistics.paired_difference(
                    before, values, lower_is_better=not metric.higher_is_better, confidence=CONFIDENCE
                )
            rows.append(Row(number, metric, statistics.summarize(values), effect, _better(effect, metric, point, sweep)))
    return Findings(sweep, outcomes, rows)


def _better(effect: PairedDifference | None, metric: Metric, point: Point, sweep: Sweep) -> str | None:
    if effect is None or metric.direction is Direction.NEITHER:
        return None
    return {"a": sweep.baseline, "b": point.arm, None: None}[effect.settled.better]
