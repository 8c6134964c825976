"""What each seed says of a claim: the numbers behind its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bnlab.claims import BetterThan, Bounded, FasterThan, RunValue
from bnlab.metrics import Metric, describe_unknown, find_metric
from bnlab.runs import Pool
from bnlab.statistics import area_under_curve, steps_to_reach
from bnlab.studies import SeedQuantities

SeedCheck = RunValue | BetterThan | FasterThan | Bounded
"""The checks that look at the seeds of arms."""


@dataclass(frozen=True)
class SeedValues:
    """One number for each seed; NaN where the seed has none. pairs: (init seed, data seed) of each."""

    pairs: tuple[tuple[int, int], ...]
    values: Float[np.ndarray, "seeds"]


def measured(check: SeedCheck, pool: Pool, quantities: SeedQuantities) -> Float[np.ndarray, "seeds"]:
    """Return what the check measures in each seed of one arm.

    RunValue      metric(step)
    BetterThan    metric(step), or the metric's mean over training
    FasterThan    the steps until the metric is at the level; NaN where it never is
    Bounded       the quantity

    Raises:
        KeyError, ValueError: the arm has no record of it.
    """
    if isinstance(check, Bounded):
        return quantities[check.quantity](pool)
    metric = find_metric(check.metric, pool.config)
    curves = pool.curves[metric.name]
    if isinstance(check, FasterThan):
        return steps_to_reach(curves, pool.step, check.level, below=metric.lower_is_better)
    if check.step is None:
        return area_under_curve(curves, pool.step)
    (record,) = np.flatnonzero(pool.step == check.step)
    return curves[:, record]


def one_per_seed(
    check: SeedCheck, arms: Sequence[Float[np.ndarray, "seeds"]], pairs: Sequence[tuple[int, int]]
) -> SeedValues:
    """Return one number for each seed of what was measured in the arms: of two arms, how they compare.

    BetterThan    the arm - the other
    FasterThan    the steps of the arm / the steps of the other; NaN where either never gets there
    """
    values, *other = (arm.astype(float) for arm in arms)
    if other:
        with np.errstate(divide="ignore", invalid="ignore"):  # a level that an arm has at step 0 has no ratio
            values = values / other[0] if isinstance(check, FasterThan) else values - other[0]
    return SeedValues(tuple(pairs), np.where(np.isfinite(values), values, np.nan))


def metric_named(name: str, metrics: Sequence[Metric]) -> Metric:
    """Return the metric of this name; one without a unit where the study does not record it."""
    return next((metric for metric in metrics if metric.name == name), None) or describe_unknown(name)
