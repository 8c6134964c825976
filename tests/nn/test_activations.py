"""Each activation at a few points, by hand and against Keras."""

import math
from typing import get_args

import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.nn import activation
from bnlab.options import Activation

X = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])


def normal_distribution(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


BY_HAND = {
    "relu": [0, 0, 0, 0.5, 2],
    "linear": X,
    "tanh": np.tanh(X),
    "sigmoid": 1 / (1 + np.exp(-X)),
    "leaky_relu": [-0.02, -0.005, 0, 0.5, 2],
    "elu": [math.exp(-2) - 1, math.exp(-0.5) - 1, 0, 0.5, 2],
    "silu": X / (1 + np.exp(-X)),
    "gelu": [x * normal_distribution(x) for x in X],
    "gelu_tanh": 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3))),
}


def test_every_activation_has_its_values():
    assert set(BY_HAND) == set(get_args(Activation))


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    y = activation(name)(jnp.asarray(X, jnp.float32))
    assert y.dtype == jnp.float32
    # float32: 1e-6 of the largest value; the tail of gelu is a difference of nearly equal numbers.
    np.testing.assert_allclose(y, BY_HAND[name], rtol=1e-6, atol=2e-7)


def test_gelu_and_its_approximation_are_not_one_function():
    # −2 Φ(−2) = −0.0455003; the tanh form gives −0.0454023.
    at = jnp.array(-2.0)
    np.testing.assert_allclose(activation("gelu")(at), -0.0455003, rtol=1e-5)
    np.testing.assert_allclose(activation("gelu_tanh")(at), -0.0454023, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in BY_HAND if name != "leaky_relu"])
def test_keras_has_the_same(keras, name):
    x = np.linspace(-5, 5, 101, dtype=np.float32)
    theirs = keras.activations.gelu(x, approximate=True) if name == "gelu_tanh" else keras.activations.get(name)(x)
    np.testing.assert_allclose(activation(name)(jnp.asarray(x)), theirs, rtol=1e-5, atol=1e-6)


def test_leaky_relu_has_another_slope_in_keras(keras):
    x = np.array([-1.0], np.float32)
    assert keras.activations.leaky_relu(x)[0] == np.float32(-0.2)
    assert keras.layers.LeakyReLU()(x)[0] == np.float32(-0.3)
