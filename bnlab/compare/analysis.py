"""From arms to numbers: what each arm did, what it did against the baseline, and how that fits what a source states."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Num

from bnlab import inline, statistics
from bnlab.claims import Claim, Judged, RunValue, judge_run
from bnlab.compare.arms import Arm
from bnlab.compare.effects import Effect, difference, ratio
from bnlab.compare.notes import notes, pairing
from bnlab.compare.recorded import curve, has_records
from bnlab.compare.request import default_levels, make_request
from bnlab.errors import UserError
from bnlab.frames import data_frame
from bnlab.metrics import Metric
from bnlab.statistics import Summary
from bnlab.studies import Study

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["final", "area", "step", "reach"]

Claims = Mapping[str, Sequence[Claim]]
"""{arm's label: what is stated of one run of it}; only claims that are checked as a `RunValue` count."""


_SUMMARY = ("n", "failed", "mean", "std", "min", "median", "max")
_EFFECT = {name: f"effect_{name}" if name in ("kind", "value", "low", "high") else name for name in (
    "kind", "value", "low", "high", "pairs", "only_arm", "only_baseline", "neither", "at_start", "ahead", "behind", "ties",
    "both_failed", "share", "share_low", "share_high", "better", "reason", "p_value")}  # fmt: skip
"""{field of an effect: its column in comparison.csv}."""


@dataclass(frozen=True)
class Row:
    """One measure of one metric for one arm, and its effect against the baseline (None for the baseline itself).

    measure: "final", the last record; "area", the area under the curve by the trapezoid rule over its span of steps, which
    is the metric's mean over training; "step", the metric after step `at`; "reach", the first recorded step with the metric
    at the level `at` or better. `judged`: the verdict on the value that a source states of its own run, where it does.
    """

    metric: str
    measure: Measure
    at: float | None
    arm: str
    summary: Summary
    effect: Effect | None
    judged: Judged | None = None


@dataclass(frozen=True, repr=False)
class Comparison:
    """Arms, what was measured of them, and what is to be known of both.

    curves: {metric: {arm: [seeds, records]}}. folder: where it was written, None where it was not.
    """

    arms: list[Arm]
    metrics: list[Metric]
    step: Num[np.ndarray, "records"]
    curves: dict[str, dict[str, Float[np.ndarray, "seeds records"]]]
    rows: list[Row]
    paired: list[str]
    notes: list[str]
    study: Study | None = None
    folder: Path | None = None

    def __repr__(self) -> str:
        others = ", ".join(arm.label for arm in self.arms[1:])
        place = f"; {self.folder}" if self.folder else ""
        seeds = inline.count(self.seeds, "seed")
        return f"Comparison({others} against {self.baseline}: {seeds}; {', '.join(self.curves)}{place})"

    def _repr_html_(self) -> str:
        from bnlab.compare.notebook import html  # it needs this class

        return html(self)

    @property
    def baseline(self) -> str:
        """The label of the first arm."""
        return self.arms[0].label

    @property
    def seeds(self) -> int:
        """How many seeds each arm has."""
        return len(self.arms[0].config.seeds.pairs)

    def of(self, metric: str, *measures: Measure) -> Iterator[Row]:
        """Yield the rows of a metric and of these measures."""
        return (row for row in self.rows if row.metric == metric and row.measure in measures)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of comparison.csv: one for each metric, measure and arm, without an effect for the baseline."""
        for row in self.rows:
            summary = {name: getattr(row.summary, name) for name in _SUMMARY}
            effect = {column: getattr(row.effect, name) if row.effect else None for name, column in _EFFECT.items()}
            place = {"metric": row.metric, "measure": row.measure, "at": row.at, "arm": row.arm, "baseline": self.baseline}
            yield {**place, **summary, **effect}

    def to_pandas(self) -> "pd.DataFrame":
        """Return comparison.csv as a pandas table: see `records`.

        Raises:
            UserError: pandas is not installed.
        """
        return data_frame(self.records())


def analyse(
    arms: Sequence[Arm],
    *,
    metrics: Sequence[str] = (),
    at: Sequence[int] = (),
    thresholds: Mapping[str, Sequence[float]] | None = None,
    claims: Claims | None = None,
    study: Study | None = None,
) -> Comparison:
    """Return the comparison of arms whose runs are there.

    metrics: those to compare; by default the loss and the accuracy on test and validation rows that every arm records,
    else all that they share. at: recorded steps; by default those nearest to 5 %, 25 % and all of the run. thresholds:
    {metric: levels}; by default two, see `default_levels`. A study gives its own defaults for these three. claims: what is
    stated of single runs, by arm.

    Raises:
        UserError: see `make_request`; or no arm has a record.
    """
    request = make_request(arms, metrics=metrics, at=at, thresholds=thresholds, study=study)
    if not any(has_records(arm) for arm in arms):
        raise UserError(
            f"{arms[0].label}: no arm has a record: every seed failed before step {arms[0].config.record_steps[0]}"
        )
    step = np.asarray(arms[0].config.record_steps)
    curves = {metric.name: {arm.label: curve(arm, metric.name) for arm in arms} for metric in request.metrics}
    rows: list[Row] = []
    for metric in request.metrics:
        values = curves[metric.name]
        levels = request.levels.get(metric.name) or default_levels(list(values.values()), metric)
        rows += _rows(metric, step, values, request.at, levels, claims or {})
    return Comparison(
        arms=list(arms),
        metrics=request.metrics,
        step=step,
        curves=curves,
        rows=rows,
        paired=pairing([arm.config for arm in arms]),
        notes=notes(arms),
        study=study,
    )


def _rows(
    metric: Metric,
    step: Num[np.ndarray, "records"],
    curves: Mapping[str, Float[np.ndarray, "seeds records"]],
    at: Sequence[int],
    levels: Sequence[float],
    claims: Claims,
) -> Iterator[Row]:
    baseline = next(iter(curves))

    def reach(level: float) -> dict[str, Float[np.ndarray, "seeds"]]:
        below = metric.lower_is_better
        return {arm: statistics.steps_to_reach(c, step, level, below=below) for arm, c in curves.items()}

    # several measures may be of one record: the final value is that of the last step too
    record = {int(s): {arm: c[:, i] for arm, c in curves.items()} for i, s in enumerate(step) if s in (*at, step[-1])}
    areas = {arm: statistics.area_under_curve(c, step) for arm, c in curves.items()} if len(step) > 1 else {}
    measures: list[tuple[Measure, float | None, dict[str, Float[np.ndarray, "seeds"]]]] = [
        ("final", None, record[int(step[-1])]),
        ("area", None, areas),
        *(("step", s, record[s]) for s in at),
        *(("reach", level, reach(level)) for level in levels),
    ]

    @cache
    def difference_at(s: int, arm: str) -> Effect:
        return difference(record[s][baseline], record[s][arm], metric, baseline, arm)

    for measure, place, values in measures:
        at_step = int(step[-1] if place is None else place) if measure in ("final", "step") else None
        for arm, numbers in values.items():
            effect = None
            if arm != baseline and at_step is not None:
                effect = difference_at(at_step, arm)
            elif arm != baseline and measure == "area":
                effect = difference(values[baseline], numbers, metric, baseline, arm)
            elif arm != baseline:
                effect = ratio(values[baseline], numbers, baseline, arm)
            claim = _claim_at(claims.get(arm, ()), metric.name, at_step)
            judged = judge_run(claim, numbers) if claim else None
            yield Row(metric.name, measure, place, arm, statistics.summarize(numbers), effect, judged)


def _claim_at(claims: Sequence[Claim], metric: str, step: int | None) -> Claim | None:
    """Return what is stated of the metric after this step of one run."""
    found = (c for c in claims if isinstance(c.check, RunValue) and (c.check.metric, c.check.step) == (metric, step))
    return next(found, None)
