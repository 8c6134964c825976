"""What is said of a run's final metrics: as numbers, and as the line that `bnlab train` prints."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def describe(values: np.ndarray) -> dict[str, Any]:
    """Return mean, std (n − 1), min, max and per_seed of the last record of [S, R].

    A seed that failed is None in per_seed, and in none of the others.
    """
    last = values[:, -1].astype(np.float64) if values.shape[1] else np.full(len(values), np.nan)
    finite = last[np.isfinite(last)]
    return {
        "mean": float(finite.mean()) if finite.size else None,
        "std": float(finite.std(ddof=1)) if finite.size > 1 else None,
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "per_seed": [float(value) if np.isfinite(value) else None for value in last],
    }


def printed(final: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the final metrics as `bnlab train` prints them: four digits, and ± the standard deviation over seeds."""
    return ", ".join(f"{name} {_number(values)}" for name, values in final.items()) or "no record"


def _number(values: Mapping[str, float | None]) -> str:
    mean, std = values["mean"], values["std"]
    if mean is None:
        return "not finite"
    return f"{mean:.4g}" if std is None else f"{mean:.4g} ± {std:.2g}"
