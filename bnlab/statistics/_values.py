"""The first steps of every statistic: remove failed values, check shapes."""

import numpy as np
from jaxtyping import Float, Num


def nan_where_failed(values: Num[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return the values in double precision, with NaN in place of inf, so that inf - inf gives no warning."""
    return np.where(np.isfinite(values), values, np.nan).astype(np.float64)


def finite_only(values: Num[np.ndarray, "n"]) -> Float[np.ndarray, "finite"]:
    """Return the finite values in double precision."""
    return values[np.isfinite(values)].astype(np.float64)


def check_paired(a: np.ndarray, b: np.ndarray) -> None:
    """Raise ValueError unless the two arms have the same shape."""
    if a.shape != b.shape:
        raise ValueError(f"b: got shape {b.shape}, expected that of a, {a.shape}")


def check_steps(curves: np.ndarray, steps: np.ndarray) -> None:
    """Raise ValueError unless there is one step for each record, and the steps increase."""
    if steps.shape != curves.shape[1:]:
        raise ValueError(f"steps: got shape {steps.shape}, expected one per record, {curves.shape[1:]}")
    if not np.all(np.diff(steps) > 0):
        raise ValueError("steps: got steps that do not increase, expected each above the one before")
