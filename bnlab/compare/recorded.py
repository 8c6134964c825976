"""What an arm's run holds: the only place that reaches into it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from bnlab.compare.arms import Arm
from bnlab.errors import UserError
from bnlab.metrics import metrics_of
from bnlab.runs import Run


class Failure(NamedTuple):
    """A seed whose loss was no longer finite, and after which step."""

    seed: int
    step: int


def metric_names(arm: Arm) -> list[str]:
    """Return the metrics that the arm has, or will have once it is trained.

    A run in which every seed failed before its first record has no curves. It counts as one that records what its config
    says.
    """
    return list(_curves(arm)) or [metric.name for metric in metrics_of(arm.config)]


def has_records(arm: Arm) -> bool:
    """Return whether any seed came as far as its first record."""
    return bool(_curves(arm))


def curve(arm: Arm, metric: str) -> Float[np.ndarray, "seeds records"]:
    """Return the arm's metric at all record steps; NaN where a seed had failed (a run ends with its last seed)."""
    seeds, records = len(arm.config.seeds.pairs), len(arm.config.record_steps)
    own = _run(arm).curves.get(metric, np.zeros((seeds, 0), np.float32))
    return np.pad(own, ((0, 0), (0, records - own.shape[1])), constant_values=np.nan)


def failures(arm: Arm) -> Sequence[Failure]:
    """Return the seeds of the arm that failed."""
    return [Failure(one["seed"], one["step"]) for one in _run(arm).summary.get("failed", ())]


def environment(arm: Arm) -> str:
    """Return in a few words what the run's bits depend on besides its config."""
    try:
        environment = _run(arm).environment
        packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
        return f"{packages}, {environment['device']}"
    except (UserError, OSError, ValueError, KeyError, AttributeError, TypeError):
        return "unknown (environment.json is missing or damaged)"


def origin(arm: Arm) -> dict[str, Any]:
    """Return where the arm's numbers come from, as comparison.json holds it."""
    sums = _run(arm).summary["sha256"]
    return {
        "label": arm.label,
        "config": arm.config.name,
        "fingerprint": arm.config.fingerprint(),
        "run": str(arm.path),
        "sha256": {name: sums[name] for name in ("config.yaml", "curves.npz")},
        "trained_before": arm.reused,
    }


def _curves(arm: Arm) -> dict[str, np.ndarray]:
    return {} if arm.run is None else arm.run.curves


def _run(arm: Arm) -> Run:
    if arm.run is None:
        raise ValueError(f"{arm.label}: is not trained yet")
    return arm.run
