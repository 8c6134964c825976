"""Quantities that compare two arms take the same seeds of both, and train each once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnlab.config import load_config
from bnlab.experiment import complete, plan_arms
from bnlab.papers import pairs
from bnlab.papers.pairs import final_difference, train_changed
from bnlab.studies import StudyArm


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


@pytest.mark.parametrize(("steps", "taken"), [(1600, 7), (7, 7), (5, 5)])
def test_the_other_arm_has_the_same_seeds_and_no_more_steps(monkeypatch: pytest.MonkeyPatch, steps: int, taken: int):
    asked: list[Any] = []
    beside = SimpleNamespace(curves={"test_accuracy": np.array([[0.0, 0.75], [0.0, 0.5]], np.float32)})
    monkeypatch.setattr(pairs, "plan_arms", asked.extend)
    monkeypatch.setattr(pairs, "complete", lambda plans: [beside])
    other = StudyArm("digits_bn", "other", ("batch_size=2", "num_steps=7"))
    config = StudyArm("digits_bn", "own", (f"num_steps={steps}",)).load("3:5")
    own: Any = SimpleNamespace(config=config, curves={"test_accuracy": np.array([[0.0, 0.9, 1.0], [0.0, 0.9, 0.25]])})
    np.testing.assert_array_equal(final_difference("test_accuracy", other)(own), [0.25, -0.25])
    (computed,) = asked
    assert computed == other.load("3:5").with_steps(taken) if taken < 7 else computed == other.load("3:5")
