"""The difference of an arm from another one, seed by seed."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnlab.papers import differences
from bnlab.studies import StudyArm


def test_the_other_arm_has_the_same_seeds_and_its_own_steps(monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    beside = SimpleNamespace(curves={"test_accuracy": np.array([[0.0, 0.75], [0.0, 0.5]], np.float32)})
    monkeypatch.setattr(differences, "plan_arms", asked.extend)
    monkeypatch.setattr(differences, "complete", lambda plans: [beside])
    other = StudyArm("digits_bn", "other", ("batch_size=2", "num_steps=7"))
    config = StudyArm("digits_bn", "own").load("3:5")
    own: Any = SimpleNamespace(config=config, curves={"test_accuracy": np.array([[0.0, 0.9, 1.0], [0.0, 0.9, 0.25]])})
    np.testing.assert_array_equal(differences.final_difference("test_accuracy", other)(own), [0.25, -0.25])
    assert asked == [other.load("3:5")]
