"""The corrected steps: their factors by hand, and what they keep equal."""

import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.config import Config, load_config
from bnlab.experiment import train
from bnlab.nn import DenseParams
from bnlab.papers.hoffer_2018.quantities import corrections, distance, undecayed_trainings

FIELDS = ("model.norm.evaluate_with=precise", "model.norm.epsilon=1e-12", "num_steps=40", "record_every=20")


def config(decay: float) -> Config:
    return load_config("digits_bn_sgd", overrides=[*FIELDS, f"optimizer.weight_decay={decay}"])


def test_the_factors():
    same = DenseParams(jnp.ones((2, 2)), jnp.zeros(2))
    own = {"dense0": DenseParams(jnp.array([[3.0], [4.0]]), jnp.zeros(1)), "dense1": same}
    decayed = {"dense0": DenseParams(jnp.array([[0.0], [2.0]]), jnp.ones(1)), "dense1": same}
    assert [float(factor) for factor in corrections(own, decayed, ["dense0", "dense1"])] == [25 / 4, 1.0]


def test_the_distance():
    assert distance(np.array([1.0, np.e]), np.array([1.0, 1.0])) == pytest.approx(0.5)


def test_without_decay_all_three_are_the_same(tmp_path):
    run = train(config(0.0), out=tmp_path / "run")
    losses = undecayed_trainings(config(0.0))(0, 0)
    np.testing.assert_allclose(losses.corrected, run.curves["test_loss"][0], rtol=1e-5)
    np.testing.assert_allclose(losses.plain, run.curves["test_loss"][0], rtol=1e-5)


def test_a_strong_decay_is_followed_by_the_correction_alone(tmp_path):
    """Over 40 steps rounding has not grown yet. A step shrinks the weights by 1 %, which the correction takes for 0."""
    run = train(config(0.1), out=tmp_path / "run")
    losses = undecayed_trainings(config(0.1))(0, 0)
    decayed = run.curves["test_loss"][0]
    assert distance(losses.corrected, decayed) < 0.1 * distance(losses.plain, decayed)


def test_records_that_do_not_fill_the_training():
    with pytest.raises(ValueError, match=r"^record_every: got 20, expected a divisor of num_steps \(30\)$"):
        undecayed_trainings(config(0.0).with_steps(30))
