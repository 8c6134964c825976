"""What batch norm gains in accuracy at a rate, and how large gradients become without it."""

import numpy as np
from jaxtyping import Float

from bnlab.papers.bjorck_2018 import EXPLOSION, GAIN
from bnlab.papers.deep_digits import DIVERGES, diverges
from bnlab.papers.pairs import train_changed
from bnlab.runs import Pool
from bnlab.studies import SeedQuantities

_WITHOUT_BN = {"model.norm": None}


def largest_finite(norms: Float[np.ndarray, "seeds records"]) -> Float[np.ndarray, "seeds"]:
    """Return the largest finite number of each seed; NaN where it has none. A seed that fails has NaN from then on."""
    return np.where(np.isfinite(norms).any(axis=1), np.where(np.isfinite(norms), norms, -np.inf).max(axis=1), np.nan)


def _gain(pool: Pool) -> Float[np.ndarray, "seeds"]:
    (none,) = train_changed(pool, _WITHOUT_BN)
    return (pool.curves["test_accuracy"] - none.curves["test_accuracy"])[:, -1].astype(float)


def _explosion(pool: Pool) -> Float[np.ndarray, "seeds"]:
    (none,) = train_changed(pool, _WITHOUT_BN)
    without, with_bn = (largest_finite(arm.curves["gradient_norm"].astype(float)) for arm in (none, pool))
    return np.log10(without / with_bn)


SEED_QUANTITIES: SeedQuantities = {DIVERGES: diverges, EXPLOSION: _explosion, GAIN: _gain}
