"""How far an arm ends from another one, seed by seed; the other may have other steps, or another batch size."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from bnlab.experiment import complete, plan_arms
from bnlab.runs import Pool
from bnlab.studies import StudyArm


def final_difference(metric: str, other: StudyArm) -> Callable[[Pool], Float[np.ndarray, "seeds"]]:
    """Return a function of an arm's seeds: the arm's final value of the metric minus the other arm's, for each seed.

    Seeds of the other arm that no run holds are trained.
    """

    def of(pool: Pool) -> Float[np.ndarray, "seeds"]:
        (beside,) = complete(plan_arms([other.load().with_seeds(pool.config.seeds.pairs)]))
        return pool.curves[metric][:, -1].astype(float) - beside.curves[metric][:, -1].astype(float)

    return of
