"""How far the percentiles of a unit's input move in training, and the largest rate that does not diverge."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from bnlab.papers.deep_digits import DIVERGES, diverges
from bnlab.papers.ioffe_szegedy_2015 import LARGEST, MOVEMENT, PERCENTILES, RATES, RELATIVE_MOVEMENT
from bnlab.papers.pairs import train_changed
from bnlab.runs import Pool
from bnlab.studies import SeedQuantities

_WITHOUT_BN = {"model.norm": None}


def movement(percentiles: Float[np.ndarray, "percentiles seeds records"]) -> Float[np.ndarray, "seeds"]:
    """Return the standard deviation (1 / records) of each percentile over the records, in the mean over the percentiles."""
    return percentiles.std(axis=2).mean(axis=0)


def relative_movement(percentiles: Float[np.ndarray, "percentiles seeds records"]) -> Float[np.ndarray, "seeds"]:
    """Return `movement` over the width: the last percentile minus the first, in the mean over the records."""
    return movement(percentiles) / (percentiles[-1] - percentiles[0]).mean(axis=1)


def largest(rates: Float[np.ndarray, "rates"], fits: Bool[np.ndarray, "rates seeds"]) -> Float[np.ndarray, "seeds"]:
    """Return for each seed the largest rate that fits; NaN where none does."""
    return np.where(fits.any(axis=0), np.where(fits, rates[:, None], 0).max(axis=0), np.nan)


def _with_over_without(
    of: Callable[[Float[np.ndarray, "percentiles seeds records"]], Float[np.ndarray, "seeds"]],
) -> Callable[[Pool], Float[np.ndarray, "seeds"]]:
    def ratio(pool: Pool) -> Float[np.ndarray, "seeds"]:
        arms = (pool, *train_changed(pool, _WITHOUT_BN))
        bn, none = (of(np.array([arm.curves[name] for name in PERCENTILES], float)) for arm in arms)
        return bn / none

    return ratio


def _largest_with_over_without(pool: Pool) -> Float[np.ndarray, "seeds"]:
    changes = [{"optimizer.learning_rate": rate, **norm} for norm in ({}, _WITHOUT_BN) for rate in RATES]
    fits = np.array([diverges(arm) == 0 for arm in train_changed(pool, *changes)])
    bn, none = (largest(np.array(RATES), half) for half in np.split(fits, 2))
    return bn / none


SEED_QUANTITIES: SeedQuantities = {
    DIVERGES: diverges,
    LARGEST: _largest_with_over_without,
    MOVEMENT: _with_over_without(movement),
    RELATIVE_MOVEMENT: _with_over_without(relative_movement),
}
