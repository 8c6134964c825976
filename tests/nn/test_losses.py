"""Losses and accuracy, on numbers worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.nn import accuracy, half_sum_squares, mean_squared_error, softmax_cross_entropy
from bnlab.nn.losses import BLOCK

OUTPUTS = jnp.array([[1.0, 2.0], [3.0, 5.0], [0.0, -1.0]])
TARGETS = jnp.array([[0.0, 2.0], [1.0, 2.0], [0.0, 1.0]])
# differences 1, 0 / 2, 3 / 0, −2: squares 1, 0, 4, 9, 0, 4, of which the sum is 18


def test_half_sum_squares_is_a_sum():
    assert half_sum_squares(OUTPUTS, TARGETS) == 9.0
    np.testing.assert_array_equal(jax.grad(half_sum_squares)(OUTPUTS, TARGETS), OUTPUTS - TARGETS)


def test_mean_squared_error_is_a_mean():
    assert mean_squared_error(OUTPUTS, TARGETS) == 3.0
    np.testing.assert_allclose(jax.grad(mean_squared_error)(OUTPUTS, TARGETS), (OUTPUTS - TARGETS) / 3, rtol=1e-6)


LOGITS = jnp.log(jnp.array([[1.0, 2.0, 1.0], [1.0, 1.0, 8.0]]))
LABELS = jnp.array([1, 0])
# probabilities ¼ ½ ¼ and 0.1 0.1 0.8; the labels' are ½ and 0.1: the mean of ln 2 and ln 10 is ln √20


@pytest.mark.parametrize(("axis", "logits"), [(-1, LOGITS), (0, LOGITS.T)])
def test_cross_entropy_is_a_mean_in_nats(axis, logits):
    loss = softmax_cross_entropy(logits, LABELS, axis=axis)
    np.testing.assert_allclose(loss, np.log(20) / 2, rtol=1e-6)


@pytest.mark.parametrize(("axis", "turn"), [(-1, lambda a: a), (0, jnp.transpose)])
def test_the_gradient_of_cross_entropy_is_probability_less_label(axis, turn):
    gradient = jax.grad(lambda logits: softmax_cross_entropy(logits, LABELS, axis=axis))(turn(LOGITS))
    expected = np.array([[0.25, -0.5, 0.25], [-0.9, 0.1, 0.8]]) / 2
    np.testing.assert_allclose(turn(gradient), expected, atol=1e-7)


def test_cross_entropy_of_large_logits_is_finite():
    logits = jnp.array([[1e4, 0.0], [0.0, 1e4]])
    assert softmax_cross_entropy(logits, jnp.array([0, 0])) == 5e3
    gradient = jax.grad(softmax_cross_entropy)(logits, jnp.array([0, 0]))
    np.testing.assert_array_equal(gradient, [[0.0, 0.0], [-0.5, 0.5]])


@pytest.mark.parametrize("axis", [-1, 0])
def test_accuracy_is_the_share_of_hits_and_takes_the_first_of_equals(axis):
    logits = jnp.array([[0.0, 1.0, 0.0], [2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [0.0, 0.0, 0.0]])
    labels = jnp.array([1, 0, 1, 2])  # hit, hit (the first), miss (the second), miss
    assert accuracy(logits.T if axis == 0 else logits, labels, axis=axis) == 0.5


def test_as_many_classes_as_rows():
    # the logits are a square array, so their shape does not show which axis is which
    logits = jnp.log(jnp.array([[1.0, 3.0], [1.0, 1.0]]))
    labels = jnp.array([0, 1])  # ¼ and ½
    for axis, given in ((-1, logits), (0, logits.T)):
        np.testing.assert_allclose(softmax_cross_entropy(given, labels, axis=axis), np.log(8) / 2, rtol=1e-6)
        assert accuracy(given, labels, axis=axis) == 0.0


@pytest.mark.parametrize("rows", [BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_sums_of_any_length(rows):
    # Differences 1, 2, 1, 2, …: whole numbers, whose sum is exact.
    differences = 1.0 + np.arange(rows) % 2
    expected = 0.5 * np.square(differences).sum()
    got = half_sum_squares(jnp.asarray(differences, jnp.float32)[:, None], jnp.zeros((rows, 1)))
    np.testing.assert_allclose(got, expected, rtol=1e-6)
