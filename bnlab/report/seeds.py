"""What each seed says of a claim: the numbers behind its verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bnlab.claims import BetterThan, Check, FasterThan, RunValue
from bnlab.metrics import Metric, describe_unknown
from bnlab.runs import Pool
from bnlab.statistics import area_under_curve, steps_to_reach


@dataclass(frozen=True)
class SeedValues:
    """One number for each seed; NaN where the seed has none. pairs: (init seed, data seed) of each."""

    pairs: tuple[tuple[int, int], ...]
    values: Float[np.ndarray, "seeds"]


def seed_values(check: Check, pools: Mapping[str, Pool], metrics: Sequence[Metric]) -> SeedValues | None:
    """Return what the check measures in each seed; None where it looks at no seed, or nothing was recorded there.

    RunValue      metric(step)
    BetterThan    metric of the arm - metric of the other: after the step, or the mean over training
    FasterThan    steps of the arm until the level / steps of the other; NaN where either never gets there
    """
    arms = [pools[label] for label in check.arms if label in pools]
    if not arms or len(arms) < len(check.arms) or len({tuple(pool.config.seeds.pairs) for pool in arms}) > 1:
        return None
    if not isinstance(check, RunValue | BetterThan | FasterThan) or not all(_has_records(check, pool) for pool in arms):
        return None
    metric = metric_named(check.metric, metrics)
    ours = [measured(check, metric, pool).astype(float) for pool in arms]
    pairs = tuple((int(init), int(data)) for init, data in arms[0].config.seeds.pairs)
    if len(ours) == 1:
        return SeedValues(pairs, ours[0])
    with np.errstate(divide="ignore", invalid="ignore"):  # a level that an arm has at step 0 has no ratio
        together = ours[0] / ours[1] if isinstance(check, FasterThan) else ours[0] - ours[1]
    return SeedValues(pairs, np.where(np.isfinite(together), together, np.nan))


def metric_named(name: str, metrics: Sequence[Metric]) -> Metric:
    """Return the metric of this name; one without a unit where the study does not record it."""
    return next((metric for metric in metrics if metric.name == name), None) or describe_unknown(name)


def measured(check: RunValue | BetterThan | FasterThan, metric: Metric, pool: Pool) -> Float[np.ndarray, "seeds"]:
    """Return what the check measures in each seed of one arm: a value, a mean over training, or the steps to a level.

    Raises:
        KeyError, ValueError: the arm has no record of it.
    """
    curves = pool.curves[metric.name]
    if isinstance(check, FasterThan):
        return steps_to_reach(curves, pool.step, check.level, below=metric.lower_is_better)
    if check.step is None:
        return area_under_curve(curves, pool.step)
    (record,) = np.flatnonzero(pool.step == check.step)
    return curves[:, record]


def _has_records(check: RunValue | BetterThan | FasterThan, pool: Pool) -> bool:
    """Return whether the arm recorded what the check looks at."""
    if check.metric not in pool.curves:
        return False
    if isinstance(check, FasterThan):
        return True
    return len(pool.step) > 1 if check.step is None else check.step in pool.step
