"""Two arms, seed by seed: for quantities of an arm that need another one beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from bnlab.config import GivenFields, change_config
from bnlab.experiment import complete, plan_arms
from bnlab.runs import Pool
from bnlab.studies import StudyArm


def train_changed(pool: Pool, *changes: Mapping[str, object]) -> list[Pool]:
    """Return the pool's seeds with each of the changes, {"a.b": value}, of its config.

    They are taken from finished runs, and trained where no finished run holds them.
    """
    given = GivenFields(pool.config.model_dump(), Path())
    return complete(plan_arms([change_config(given, settings, pool.config.name) for settings in changes]))


def train_beside(pool: Pool, other: StudyArm) -> Pool:
    """Return the pool's seeds of another arm, taken from finished runs, and trained where no finished run holds them.

    The other arm may have another batch size, but no more steps than this one. Where a quick reproduction has cut this arm's
    steps below the other's, the other is cut too.
    """
    config = other.load().with_seeds(pool.config.seeds.pairs)
    if pool.config.num_steps < config.num_steps:
        config = config.with_steps(pool.config.num_steps)
    (beside,) = complete(plan_arms([config]))
    return beside


def final_difference(metric: str, other: StudyArm) -> Callable[[Pool], Float[np.ndarray, "seeds"]]:
    """Return a function of an arm's seeds: the arm's final value of the metric minus the other arm's, for each seed."""

    def of(pool: Pool) -> Float[np.ndarray, "seeds"]:
        beside = train_beside(pool, other)
        return pool.curves[metric][:, -1].astype(float) - beside.curves[metric][:, -1].astype(float)

    return of
