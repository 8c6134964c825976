"""The same trainings with one thing changed: for quantities that compare two arms seed by seed."""

from collections.abc import Mapping
from pathlib import Path

from bnlab.config import change_config
from bnlab.experiment import complete, plan_arms
from bnlab.runs import Pool


def train_changed(pool: Pool, *changes: Mapping[str, object]) -> list[Pool]:
    """Return the pool's seeds with each of the changes, {"a.b": value}, of its config.

    They are taken from finished runs, and trained where no finished run holds them.
    """
    fields = pool.config.model_dump()
    return complete(plan_arms([change_config(fields, settings, pool.config.name, Path()) for settings in changes]))
