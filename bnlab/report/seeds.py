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
    match check:
        case RunValue():
            found = [_at(pool, check.metric, check.step) for pool in arms]
        case BetterThan():
            found = [_at(pool, check.metric, check.step) for pool in arms]
        case FasterThan():
            below = not metric_named(check.metric, metrics).higher_is_better
            found = [_reach(pool, check.metric, check.level, below=below) for pool in arms]
        case _:
            return None
    ours = [values for values in found if values is not None]
    if len(ours) < len(arms):
        return None
    pairs = tuple((int(init), int(data)) for init, data in arms[0].config.seeds.pairs)
    if len(ours) == 1:
        return SeedValues(pairs, ours[0])
    with np.errstate(divide="ignore", invalid="ignore"):  # a level that an arm has at step 0 has no ratio
        together = ours[0] / ours[1] if isinstance(check, FasterThan) else ours[0] - ours[1]
    return SeedValues(pairs, np.where(np.isfinite(together), together, np.nan))


def metric_named(name: str, metrics: Sequence[Metric]) -> Metric:
    """Return the metric of this name; one without a unit where the study does not record it."""
    return next((metric for metric in metrics if metric.name == name), None) or describe_unknown(name)


def _at(pool: Pool, metric: str, step: int | None) -> Float[np.ndarray, "seeds"] | None:
    curve = pool.curves.get(metric)
    if curve is None:
        return None
    if step is None:
        return area_under_curve(curve, pool.step) if len(pool.step) > 1 else None
    records = np.flatnonzero(pool.step == step)
    return curve[:, records[0]].astype(float) if len(records) else None


def _reach(pool: Pool, metric: str, level: float, *, below: bool) -> Float[np.ndarray, "seeds"] | None:
    curve = pool.curves.get(metric)
    return None if curve is None else steps_to_reach(curve, pool.step, level, below=below)
