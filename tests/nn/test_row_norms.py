"""Layer norm and RMS norm by hand, against Flax and Keras, and inside a model."""

import importlib
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.models import MLP, apply_mlp, fold_norms, init_mlp
from bnlab.nn import RowNorm, RowNormParams, init_row_norm, row_norm
from bnlab.nn.row_norms import layer_norm, rms_norm
from bnlab.options import OptionError, RowNormKind
from tests.nn.systems import skip_unless

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(7, 5)) * np.linspace(0.5, 3, 7)[:, None] + 2).astype(np.float32)
PARAMS = RowNormParams(jnp.asarray(RNG.normal(size=5), jnp.float32), jnp.asarray(RNG.normal(size=5), jnp.float32))
KINDS = get_args(RowNormKind)


def test_layer_norm_by_hand():
    # The row 1, 3, 5, 7 has mean 4 and variance 5; the row of equal values gives beta.
    x = jnp.array([[1.0, 3.0, 5.0, 7.0], [2.0, 2.0, 2.0, 2.0]])
    params = RowNormParams(jnp.array([1.0, 2.0, 1.0, 1.0]), jnp.array([0.0, 0.0, 10.0, -1.0]))
    y = row_norm(x, params, RowNorm("layer", epsilon=4.0))  # sqrt(5 + 4) = 3
    np.testing.assert_allclose(y, [[-1, -2 / 3, 10 + 1 / 3, 0], [0, 0, 10, -1]], rtol=1e-6, atol=1e-6)


def test_rms_norm_by_hand():
    # The row 1, 3, 5, 7 has the mean square 84 / 4 = 21.
    params = RowNormParams(jnp.array([1.0, 2.0, 1.0, 1.0]), jnp.array([0.0, 0.0, 10.0, -1.0]))
    y = row_norm(jnp.array([[1.0, 3.0, 5.0, 7.0]]), params, RowNorm("rms", epsilon=4.0))  # sqrt(21 + 4) = 5
    np.testing.assert_allclose(y, [[0.2, 1.2, 11.0, 0.4]], rtol=1e-6)


def test_each_row_has_mean_0_and_variance_1():
    y = np.asarray(layer_norm(jnp.asarray(X), 1e-12), np.float64)
    # The rows lie around 2 with deviations from 0.5 on, and float32 rounds their mean by 1e-7.
    np.testing.assert_allclose(y.mean(1), np.zeros(7), atol=2e-6)
    np.testing.assert_allclose(y.var(1), np.ones(7), rtol=1e-6)


def test_each_row_has_mean_square_1():
    y = np.asarray(rms_norm(jnp.asarray(X), 1e-12), np.float64)
    np.testing.assert_allclose((y**2).mean(1), np.ones(7), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_does_not_depend_on_the_others(kind):
    options = RowNorm(kind)
    together = row_norm(jnp.asarray(X), PARAMS, options)
    for i in range(len(X)):
        np.testing.assert_array_equal(row_norm(jnp.asarray(X[i : i + 1]), PARAMS, options), together[i : i + 1])


@pytest.mark.parametrize("kind", KINDS)
def test_axis_0_is_the_transpose(kind):
    y = row_norm(jnp.asarray(X), PARAMS, RowNorm(kind))
    np.testing.assert_allclose(row_norm(jnp.asarray(X.T), PARAMS, RowNorm(kind), axis=0).T, y, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("center", "scale"), [(True, True), (True, False), (False, True), (False, False)])
def test_parameters(center, scale):
    params = init_row_norm(RowNorm("layer", center=center, scale=scale), 3)
    assert (params.beta is not None, params.gamma is not None) == (center, scale)
    if params.gamma is not None:
        np.testing.assert_array_equal(params.gamma, np.ones(3))
    if params.beta is not None:
        np.testing.assert_array_equal(params.beta, np.zeros(3))


def ours(params: RowNormParams, options: RowNorm) -> tuple[jax.Array, jax.Array]:
    """Return y and the gradient of Σ sin(y) with respect to x."""
    y = row_norm(jnp.asarray(X), params, options)
    return y, jax.grad(lambda x: jnp.sum(jnp.sin(row_norm(x, params, options))))(jnp.asarray(X))


@pytest.mark.parametrize(("kind", "layer", "bias"), [("layer", "LayerNorm", True), ("rms", "RMSNorm", False)])
def test_flax_has_the_same(kind, layer, bias):
    skip_unless("flax")
    linen = importlib.import_module("flax.linen")
    theirs = getattr(linen, layer)(epsilon=1e-3, use_fast_variance=False)
    variables = {"params": {"scale": PARAMS.gamma, **({"bias": PARAMS.beta} if bias else {})}}
    y, gradient = ours(PARAMS if bias else PARAMS._replace(beta=None), RowNorm(kind, epsilon=1e-3))
    np.testing.assert_allclose(y, theirs.apply(variables, X), rtol=1e-5, atol=1e-6)
    expected = jax.grad(lambda x: jnp.sum(jnp.sin(theirs.apply(variables, x))))(jnp.asarray(X))
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def test_keras_has_the_same_layer_norm(keras):
    layer = keras.layers.LayerNormalization()
    layer.build(X.shape)
    assert layer.epsilon == RowNorm("layer").epsilon == 1e-3
    layer.gamma.assign(np.asarray(PARAMS.gamma))
    layer.beta.assign(np.asarray(PARAMS.beta))
    np.testing.assert_allclose(ours(PARAMS, RowNorm("layer"))[0], layer(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", ["before_activation", "after_activation", "input"])
def test_in_a_model(position, kind):
    options = MLP(5, (4, 3), 2, activation="tanh", norm=RowNorm(kind, epsilon=1e-2), position=position)
    params, state = init_mlp(options, jax.random.key(0))
    assert state == {}
    layers = [f"{kind}_norm{i}" for i in range(1 if position == "input" else 2)]
    assert [name for name in params if not name.startswith("dense")] == layers

    def normed(x):
        x = x - x.mean(1, keepdims=True) if kind == "layer" else x
        return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-2)

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
        RowNorm("layer", epsilon=0)
