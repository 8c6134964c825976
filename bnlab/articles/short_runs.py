"""Short trainings in memory, for what an article says of any run."""

from collections.abc import Sequence

import numpy as np

from bnlab import runtime
from bnlab.config import load_config
from bnlab.models import to_arrays
from bnlab.training import Scheduler, prepare

STEPS = 100


def train_briefly(config: str, *overrides: str, seeds: Sequence[tuple[int, int]] = ((0, 0),)) -> list[dict[str, np.ndarray]]:
    """Return for each (init, data) seed the arrays after STEPS steps of a shipped config: "dense0/kernel", "bn0/gamma", …

    Nothing is written.
    """
    changed = load_config(config, overrides=[*overrides, f"num_steps={STEPS}", f"record_every={STEPS}"])
    (prepared,) = prepare([changed])
    tasks = [prepared.task(init, data) for init, data in seeds]
    arrays: list[dict[str, np.ndarray]] = [{} for _ in tasks]
    for chunk in Scheduler(tasks, runtime.workers()).chunks():
        arrays[chunk.task] = to_arrays(chunk.state.params, chunk.state.batch_stats)
    return arrays


def largest_difference(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """Return the largest absolute difference between arrays of the same names."""
    return max(float(np.max(np.abs(one[name] - other[name]))) for name in one)
