"""The same trainings with one thing changed keep their seeds, and are trained once."""

from pathlib import Path

import numpy as np

from bnlab.config import load_config
from bnlab.experiment import complete, plan_arms
from bnlab.papers.pairs import train_changed


def test_seeds_and_all_other_fields_are_kept(folder: Path):
    short = ("num_steps=20", "record_every=10")
    (pool,) = complete(plan_arms([load_config("digits_bn_sgd", overrides=short, seeds="3:5")]))
    without, faster = train_changed(pool, {"model.norm": None}, {"optimizer.learning_rate": 0.5})
    wanted = [load_config("digits_bn_sgd", overrides=[*short, "model.norm=null"], seeds="3:5")]
    wanted.append(load_config("digits_bn_sgd", overrides=[*short, "optimizer.learning_rate=0.5"], seeds="3:5"))
    assert all(plan.complete for plan in plan_arms(wanted))
    for changed, own in zip((without, faster), complete(plan_arms(wanted)), strict=True):
        np.testing.assert_array_equal(changed.curves["train_loss"], own.curves["train_loss"])
        assert changed.config.seeds.pairs == [(3, 3), (4, 4)]
        assert not np.array_equal(changed.curves["train_loss"], pool.curves["train_loss"])
