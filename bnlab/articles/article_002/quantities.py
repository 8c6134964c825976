"""What article 002 says of the penalty, of seeds and of overfitting, as numbers, computed by bnlab's own training."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bnlab.articles.article_002 import RISE
from bnlab.articles.short_runs import largest_difference, train_briefly
from bnlab.models import MLP
from bnlab.nn import DenseParams
from bnlab.runs import Pool
from bnlab.studies import Quantities, SeedQuantities
from bnlab.training.recipe import Objective


def quantities() -> Quantities:
    """Return {quantity: what computes it}."""

    def penalty(*, halved: bool) -> float:
        """Return the term of the loss as a training adds it."""
        ones = {"dense0": DenseParams(jnp.ones((784, 10)), jnp.ones(10))}
        objective = Objective("softmax_cross_entropy", l2_scale=0.01, l2_halved=halved)
        return float(objective.penalty(MLP(784, (), 10), ones))

    def brief(seeds: Sequence[tuple[int, int]]) -> list[dict[str, np.ndarray]]:
        return train_briefly("digits", seeds=seeds)

    def repeated() -> float:
        (one,), (other,) = brief([(0, 0)]), brief([(0, 0)])
        return largest_difference(one, other)

    def alike() -> float:
        first, *others = brief([(0, data) for data in range(6)])
        return float(sum(largest_difference(first, other) == 0 for other in others))

    return {
        "penalty of 784 × 10 ones, scale 0.01": lambda: penalty(halved=True),
        "penalty not halved, over the halved one": lambda: penalty(halved=False) / penalty(halved=True),
        "both seeds fixed: largest difference of weights": repeated,
        "weights' seed fixed alone: runs of 5 that end like the first": alike,
    }


def _rise(pool: Pool) -> Float[np.ndarray, "seeds"]:
    curves = pool.curves["test_loss"]
    return curves[:, -1] / curves.min(axis=1) - 1


SEED_QUANTITIES: SeedQuantities = {RISE: _rise}
