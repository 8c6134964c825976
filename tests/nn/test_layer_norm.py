"""Layer norm by hand, against Flax and Keras, and inside a model."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.models import MLP, apply_mlp, fold_norms, init_mlp
from bnlab.nn import LayerNorm, LayerNormParams, init_layer_norm, layer_norm
from bnlab.options import OptionError
from tests.nn.systems import skip_unless

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(7, 5)) * np.linspace(0.5, 3, 7)[:, None] + 2).astype(np.float32)
PARAMS = LayerNormParams(jnp.asarray(RNG.normal(size=5), jnp.float32), jnp.asarray(RNG.normal(size=5), jnp.float32))


def test_by_hand():
    # The row 1, 3, 5, 7 has mean 4 and variance 5; the row of equal values gives beta.
    x = jnp.array([[1.0, 3.0, 5.0, 7.0], [2.0, 2.0, 2.0, 2.0]])
    params = LayerNormParams(jnp.array([1.0, 2.0, 1.0, 1.0]), jnp.array([0.0, 0.0, 10.0, -1.0]))
    y = layer_norm(x, params, LayerNorm(epsilon=4.0))  # sqrt(5 + 4) = 3
    np.testing.assert_allclose(y, [[-1, -2 / 3, 10 + 1 / 3, 0], [0, 0, 10, -1]], rtol=1e-6, atol=1e-6)


def test_each_row_has_mean_0_and_variance_1():
    options = LayerNorm(epsilon=1e-12)
    y = np.asarray(layer_norm(jnp.asarray(X), init_layer_norm(options, 5), options), np.float64)
    # The rows lie around 2 with deviations from 0.5 on, and float32 rounds their mean by 1e-7.
    np.testing.assert_allclose(y.mean(1), np.zeros(7), atol=2e-6)
    np.testing.assert_allclose(y.var(1), np.ones(7), rtol=1e-6)


def test_a_row_does_not_depend_on_the_others():
    options = LayerNorm()
    together = layer_norm(jnp.asarray(X), PARAMS, options)
    for i in range(len(X)):
        np.testing.assert_array_equal(layer_norm(jnp.asarray(X[i : i + 1]), PARAMS, options), together[i : i + 1])


def test_axis_0_is_the_transpose():
    y = layer_norm(jnp.asarray(X), PARAMS, LayerNorm())
    np.testing.assert_allclose(layer_norm(jnp.asarray(X.T), PARAMS, LayerNorm(), axis=0).T, y, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("center", "scale"), [(True, True), (True, False), (False, True), (False, False)])
def test_parameters(center, scale):
    params = init_layer_norm(LayerNorm(center=center, scale=scale), 3)
    assert (params.beta is not None, params.gamma is not None) == (center, scale)
    if params.gamma is not None:
        np.testing.assert_array_equal(params.gamma, np.ones(3))
    if params.beta is not None:
        np.testing.assert_array_equal(params.beta, np.zeros(3))


def ours(params: LayerNormParams, epsilon: float) -> tuple[jax.Array, jax.Array]:
    """Return y and the gradient of Σ sin(y) with respect to x."""
    options = LayerNorm(epsilon=epsilon)
    y = layer_norm(jnp.asarray(X), params, options)
    return y, jax.grad(lambda x: jnp.sum(jnp.sin(layer_norm(x, params, options))))(jnp.asarray(X))


def test_flax_has_the_same():
    skip_unless("flax")
    linen = importlib.import_module("flax.linen")
    layer = linen.LayerNorm(epsilon=1e-3, use_fast_variance=False)
    variables = {"params": {"scale": PARAMS.gamma, "bias": PARAMS.beta}}
    y, gradient = ours(PARAMS, 1e-3)
    np.testing.assert_allclose(y, layer.apply(variables, X), rtol=1e-5, atol=1e-6)
    theirs = jax.grad(lambda x: jnp.sum(jnp.sin(layer.apply(variables, x))))(jnp.asarray(X))
    np.testing.assert_allclose(gradient, theirs, rtol=1e-4, atol=1e-5)


def test_keras_has_the_same(keras):
    layer = keras.layers.LayerNormalization()
    layer.build(X.shape)
    assert layer.epsilon == LayerNorm().epsilon == 1e-3
    layer.gamma.assign(np.asarray(PARAMS.gamma))
    layer.beta.assign(np.asarray(PARAMS.beta))
    np.testing.assert_allclose(ours(PARAMS, 1e-3)[0], layer(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("position", ["before_activation", "after_activation", "input"])
def test_in_a_model(position):
    options = MLP(5, (4, 3), 2, activation="tanh", norm=LayerNorm(epsilon=1e-2), position=position)
    params, state = init_mlp(options, jax.random.key(0))
    assert state == {}
    assert [name for name in params if name.startswith("ln")] == (["ln0"] if position == "input" else ["ln0", "ln1"])

    def normed(x):
        return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-2)

    x = X.astype(np.float64)
    x = normed(x) if position == "input" else x
    for i in range(2):
        x = x @ params[f"dense{i}"].kernel
        x = np.tanh(normed(x) if position == "before_activation" else x)
        x = normed(x) if position == "after_activation" else x
    expected = x @ params["dense2"].kernel
    for training in (True, False):
        y, after = apply_mlp(options, params, state, jnp.asarray(X), training=training)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
        assert after == {}
    assert fold_norms(options, params, state) == (options, params)


def test_refused():
    with pytest.raises(OptionError, match=r"^epsilon: got 0, expected greater than or equal to 1\.2e-38$"):
        LayerNorm(epsilon=0)
