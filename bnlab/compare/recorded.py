"""What an arm's runs hold: the only place that reaches into them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from bnlab.compare.arms import Arm
from bnlab.errors import UserError
from bnlab.metrics import metrics_of
from bnlab.runs import Failure, Pool, Run, identity


def metric_names(arm: Arm) -> list[str]:
    """Return the metrics that all seeds of the arm have, or will have once they are trained.

    Where every seed of a run failed before its first record, the run has no curves. It counts as one that records what the
    config says; so does a run that is to be trained.
    """
    promised = [metric.name for metric in metrics_of(arm.config)]
    recorded = [list(run.curves) for run in arm.runs if run.curves]
    if arm.missing or not recorded:
        recorded.append(promised)
    return [name for name in recorded[0] if all(name in names for names in recorded)]


def has_records(arm: Arm) -> bool:
    """Return whether any seed came as far as its first record."""
    return bool(_pool(arm).curves)


def curve(arm: Arm, metric: str) -> Float[np.ndarray, "seeds records"]:
    """Return the arm's metric at all record steps; NaN where a seed had failed."""
    missing = np.full((len(arm.config.seeds.pairs), arm.config.num_records), np.nan, np.float32)
    return _pool(arm).curves.get(metric, missing)


def failures(arm: Arm) -> Sequence[Failure]:
    """Return the seeds of the arm that failed."""
    return _pool(arm).failed


def differing_conditions(arms: Sequence[Arm]) -> dict[str, str]:
    """Return {label: that on which the bits of the arm's runs depend besides its config}, where any two runs differ in it.

    It is empty where all runs were made under the same conditions.
    """
    found = {arm.label: [_conditions(run) for run in _pool(arm).runs] for arm in arms}
    every = [conditions for ours in found.values() for conditions in ours]
    names = [name for name in every[0] if all(name in conditions for conditions in every)]
    differing = [name for name in names if len({conditions[name] for conditions in every}) > 1]
    if not differing:
        return {}
    return {
        label: " and ".join(
            dict.fromkeys(", ".join(f"{name} {conditions[name]}" for name in differing) for conditions in ours)
        )
        for label, ours in found.items()
    }


def seeds_at_hand(arm: Arm) -> str:
    """Return in a sentence's part which of the arm's seeds finished runs hold, and how many are to be trained."""
    seeds, missing = len(arm.config.seeds.pairs), arm.missing
    parts: list[str] = []
    if arm.runs:
        held = "all" if not missing else f"{seeds - missing} of"
        parts.append(f"{held} {seeds} seeds in {', '.join(str(run.path) for run in arm.runs)}")
    if missing:
        parts.append(f"{missing} seeds to be trained")
    if missing and arm.plan and arm.plan.foreign:
        parts.append(f"{arm.plan.foreign} of these are in runs made under other conditions, which are not used")
    return "; ".join(parts)


def origin(arm: Arm) -> dict[str, Any]:
    """Return where the arm's numbers come from, as comparison.json holds it."""
    runs = [
        {"path": str(run.path), "sha256": {name: run.summary["sha256"][name] for name in ("config.yaml", "curves.npz")}}
        for run in _pool(arm).runs
    ]
    return {
        "label": arm.label,
        "config": arm.config.name,
        "identity": identity(arm.config),
        "runs": runs,
        "seeds_trained": arm.trained,
    }


def _conditions(run: Run) -> dict[str, str]:
    """Return {what a run's bits depend on: its value}; of a run of an older bnlab only versions and device."""
    try:
        environment = run.environment
        packages = {name: version for name, version in environment["packages"].items() if name != "bnlab"}
        rest = run.numerics or {}
        return {"conditions": "recorded" if rest else "not recorded", **packages, "device": environment["device"], **rest}
    except (UserError, OSError, ValueError, KeyError, AttributeError, TypeError):
        return {"conditions": "unknown (environment.json is missing or damaged)"}


def _pool(arm: Arm) -> Pool:
    if arm.pool is None:
        raise ValueError(f"{arm.label}: is not trained yet")
    return arm.pool
