"""One value per seed of one arm: mean, standard deviation, extremes and median."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from bnlab.statistics._values import finite_only


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation, extremes and median of the finite values; None where there are too few values."""

    n: int
    failed: int
    mean: float | None
    std: float | None
    min: float | None
    median: float | None
    max: float | None


def summarize(values: Num[np.ndarray, "seeds"]) -> Summary:
    """Return mean, std = sqrt(sum((x - mean)**2) / (n - 1)), extremes and median of the n finite values.

    `failed` counts the other values. `std` is None for n = 1. For n = 0 everything except the counts is None.
    """
    finite = finite_only(values)
    n, failed = len(finite), len(values) - len(finite)
    if n == 0:
        return Summary(0, failed, None, None, None, None, None)
    return Summary(
        n=n,
        failed=failed,
        mean=float(np.mean(finite)),
        std=float(np.std(finite, ddof=1)) if n > 1 else None,
        min=float(np.min(finite)),
        median=float(np.median(finite)),
        max=float(np.max(finite)),
    )
