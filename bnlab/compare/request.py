"""What is looked at in the arms: the metrics, the steps and the levels, as asked for, as a study says, or by default."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Num

from bnlab import statistics
from bnlab.compare.arms import Arm
from bnlab.compare.recorded import metric_names
from bnlab.errors import UserError, nearest
from bnlab.metrics import Direction, Metric, Split, default_metrics, describe
from bnlab.studies import Study, StudyArm

DEFAULT_AT = (0.05, 0.25, 1.0)
"""Fractions of the run at which arms are compared; each stands for the recorded step nearest to it."""


@dataclass(frozen=True)
class Request:
    """What is compared: metrics, recorded steps, and {metric: levels}; a metric without levels gets `default_levels`."""

    metrics: list[Metric]
    at: list[int]
    levels: Mapping[str, Sequence[float]]


def make_request(
    arms: Sequence[Arm],
    *,
    metrics: Sequence[str] = (),
    at: Sequence[int] = (),
    thresholds: Mapping[str, Sequence[float]] | None = None,
    study: Study | None = None,
) -> Request:
    """Return what is compared. What is not asked for is as the study says, else the default.

    A study's steps that these arms do not record, and its levels of metrics that are not compared, do not count.

    Raises:
        UserError: a metric or step that an arm does not record, or a metric that is not the same thing in all arms.
    """
    thresholds = thresholds or {}
    known = list(dict.fromkeys(name for arm in arms for name in metric_names(arm)))
    for argument, names in (("metrics", metrics), ("thresholds", thresholds)):
        if unknown := [name for name in names if name not in known]:
            hint = nearest(unknown[0], known)
            raise UserError(f"got '{unknown[0]}', expected one of {', '.join(known)}{hint}", argument=argument)
    recorded = set(arms[0].config.record_steps)
    if missing := [step for step in at if step not in recorded]:
        near = sorted(sorted(recorded, key=lambda step: abs(step - missing[0]))[:2])
        expected = f"a recorded step (nearest: {', '.join(map(str, near))})"
        raise UserError(f"got {missing[0]}, expected {expected}", argument="at")

    chosen = _choose_metrics(arms, metrics or (study.metrics if study else ()))
    names = [metric.name for metric in chosen]
    if unused := [name for name in thresholds if name not in names]:
        raise UserError(f"{unused[0]} is not compared", argument="thresholds", advice=f"add --metric {unused[0]}")
    aimless = [metric.name for metric in chosen if metric.direction is Direction.NEITHER and metric.name in thresholds]
    if aimless:
        problem = f"neither side of {aimless[0]} is better, so that no level of it can be reached"
        raise UserError(problem, argument="thresholds")
    if study:
        at = at or [step for step in study.at if step in recorded]
        thresholds = thresholds or {name: levels for name, levels in study.levels.items() if name in names}
    return Request(chosen, list(at) or default_steps(np.asarray(arms[0].config.record_steps)), thresholds)


def _choose_metrics(arms: Sequence[Arm], names: Sequence[str]) -> list[Metric]:
    """Return the metrics called so; for none, the loss and the accuracy on test and validation rows, or all there are."""
    recorded = {arm.label: metric_names(arm) for arm in arms}
    for name in names:
        for label, own in recorded.items():
            if name not in own:
                raise UserError(f"{label}: does not record {name}, so that it cannot be compared (it has {', '.join(own)})")
    first, *others = recorded.values()
    shared = [describe(name, arms[0].config) for name in first if all(name in own for own in others)]
    chosen = [metric for name in dict.fromkeys(names) for metric in shared if metric.name == name]
    if not names:
        chosen = default_metrics(shared)
    rows = {arm.config.evaluation.train_rows for arm in arms}
    if len(rows) > 1 and (of_training := [metric.name for metric in chosen if metric.split is Split.TRAIN]):
        raise UserError(
            f"{of_training[0]}: is of the step's batch in some arms and of the whole training split in others "
            "(evaluation.train_rows), so that it cannot be compared"
        )
    return chosen


def default_steps(step: Num[np.ndarray, "records"]) -> list[int]:
    """Return the recorded steps nearest to DEFAULT_AT of the last one."""
    nearest_to = (int(step[np.abs(step - fraction * step[-1]).argmin()]) for fraction in DEFAULT_AT)
    return list(dict.fromkeys(nearest_to))


def default_levels(curves: Sequence[Float[np.ndarray, "seeds records"]], metric: Metric) -> list[float]:
    """Return an early and a late level of a metric, both of which the median seed of every arm reaches.

    Late: of the arms' best medians the worst. Early: the geometric middle between it and the best of the arms' medians at
    the first record; left out where it is not over a tenth above late. Both are of the metric, or of 1 - metric where
    higher is better, and are rounded to two digits to the side that is easier to reach. There are none where neither side
    is better.
    """
    if metric.direction is Direction.NEITHER:
        return []
    medians = [statistics.quantile_band(values if metric.lower_is_better else 1 - values).center for values in curves]
    medians = [median for median in medians if np.isfinite(median).any()]
    if not medians:
        return []
    late = max(float(np.nanmin(median)) for median in medians)
    start = min((float(median[0]) for median in medians if np.isfinite(median[0])), default=late)
    early = math.sqrt(max(start * late, 0))
    levels = [_round_up(early), _round_up(late)] if early > 1.1 * late else [_round_up(late)]
    return levels if metric.lower_is_better else [round(1 - level, 12) for level in levels]


def _round_up(value: float) -> float:
    """Return a positive value rounded up to two digits: 2.171 gives 2.2, 0.0445 gives 0.045."""
    if value <= 0:
        return value
    digits = 1 - math.floor(math.log10(value))
    return round(math.ceil(round(value * 10**digits, 9)) / 10**digits, max(digits, 0))


def expand_study(sources: Sequence[str], studies: Mapping[str, Study]) -> tuple[list[str | Path | StudyArm], Study | None]:
    """Return the sources with a study's name replaced by its arms, and the study, where there is one.

    Raises:
        UserError: two studies, one that trains nothing, or a name that could mean a file or folder as well.
    """
    named = [source for source in sources if source in studies]
    if not named:
        return list(sources), None
    if len(named) > 1:
        raise UserError(f"{named[1]}: is a second study beside {named[0]}; compare one at a time")
    study = studies[named[0]]
    if Path(study.id).exists():
        raise UserError(
            f"{study.id}: is a study, and a file or folder here has the same name",
            advice=f"write ./{study.id} for that one",
        )
    if not study.arms:
        raise UserError(f"{study.id}: this study trains nothing, so that it has no arms to compare")
    expanded: list[str | Path | StudyArm] = []
    for source in sources:
        expanded += study.arms if source == study.id else [source]
    return expanded, study
