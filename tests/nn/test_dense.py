"""Dense layers: products worked by hand, and the draw of their kernels."""

import math
import re
import sys
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.nn import DenseParams, KernelInit, dense, init_dense
from bnlab.nn.dense import FEW_INPUTS
from bnlab.options import KernelInitName, OptionError

LAYER = DenseParams(jnp.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]]), jnp.array([10.0, 20.0, 30.0]))


def test_rows_by_kernel_plus_bias():
    x = jnp.array([[1.0, 2.0], [-1.0, 4.0]])
    expected = [[12.0, 22.0, 35.0], [11.0, 18.0, 43.0]]
    np.testing.assert_array_equal(dense(x, LAYER), expected)
    np.testing.assert_array_equal(dense(x.T, LAYER, axis=0), np.transpose(expected))


@pytest.mark.parametrize("plain", [False, True], ids=["transposed arguments", "transposed copies"])
def test_gradients(plain: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.modules["bnlab.nn.dense"], "PLAIN_PRODUCTS", plain)  # `bnlab.nn.dense` is the function
    # L = Σ c · y: dL/dW = xᵀ c, dL/db = Σ over rows of c, dL/dx = c Wᵀ.
    x = jnp.array([[1.0, 2.0], [-1.0, 4.0]])
    c = jnp.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]])
    dx, layer = jax.grad(lambda x, layer: jnp.sum(c * dense(x, layer)), argnums=(0, 1))(x, LAYER)
    np.testing.assert_array_equal(layer.kernel, [[1.0, -1.0, 3.0], [2.0, 4.0, 0.0]])
    np.testing.assert_array_equal(layer.bias, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(dx, [[-1.0, 6.5], [3.0, -3.0]])


def test_kernels_are_glorot_uniform_and_biases_zero():
    kernel, bias = init_dense(jax.random.key(0), 200, 100)
    limit = math.sqrt(6 / 300)  # 0.1414…
    assert kernel.shape == (200, 100)
    assert kernel.dtype == jnp.float32
    assert abs(kernel).max() <= limit
    # 20,000 draws: extremes within 1e-3 of the limits' width, mean within 5 standard errors, variance limit²/3 within 5 %.
    assert kernel.max() > 0.998 * limit
    assert kernel.min() < -0.998 * limit
    assert abs(kernel.mean()) < 5 * limit / math.sqrt(3 * kernel.size)
    np.testing.assert_allclose(kernel.var(), limit**2 / 3, rtol=0.05)
    np.testing.assert_array_equal(bias, np.zeros(100))


@pytest.mark.parametrize(("name", "variance"), [("glorot", 2 / 300), ("he", 2 / 200), ("lecun", 1 / 200)])
def test_families_of_kernels(name, variance):
    key = jax.random.key(3)
    for distribution in ("uniform", "normal"):
        kernel = init_dense(key, 200, 100, KernelInit(f"{name}_{distribution}")).kernel
        theirs = getattr(jax.nn.initializers, f"{name}_{distribution}")()(key, (200, 100), jnp.float32)
        np.testing.assert_allclose(kernel, theirs, rtol=1e-5, atol=1e-7)  # the same draw, scaled in another order
        assert kernel.dtype == jnp.float32
        np.testing.assert_allclose(kernel.var(), variance, rtol=0.05)
        # The support: √3 deviations, or two deviations of the normal distribution before it was cut.
        most = math.sqrt(variance) * (math.sqrt(3) if distribution == "uniform" else 2 / 0.8796256610342398)
        assert 0.98 * most < abs(kernel).max() <= most * (1 + 1e-6)


@pytest.mark.parametrize("name", [name for name in get_args(KernelInitName) if name != "normal"])
def test_keras_draws_from_the_same_distribution(keras, name):
    ours = np.asarray(init_dense(jax.random.key(0), 300, 200, KernelInit(name)).kernel)
    theirs = np.asarray(keras.initializers.get({"class_name": name, "config": {"seed": 1}})((300, 200)))
    # 60,000 draws each: standard deviations within 2 %, quantiles within 4 % of a standard deviation.
    np.testing.assert_allclose(ours.std(), theirs.std(), rtol=0.02)
    levels = np.linspace(0, 1, 21)
    np.testing.assert_allclose(np.quantile(ours, levels), np.quantile(theirs, levels), atol=0.04 * theirs.std())


def test_a_normal_kernel_of_a_given_deviation_is_not_cut():
    kernel = init_dense(jax.random.key(0), 200, 100, KernelInit("normal", 0.01)).kernel
    np.testing.assert_array_equal(kernel, 0.01 * jax.random.normal(jax.random.key(0), (200, 100)))
    np.testing.assert_allclose(kernel.std(), 0.01, rtol=0.02)
    assert abs(kernel).max() > 0.035  # 20,000 draws reach about four deviations


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("normal",), "stddev: got null, expected a number with name 'normal'"),
        (("he_normal", 0.1), "stddev: got 0.1, expected null with name 'he_normal'"),
        (("normal", 0.0), "stddev: got 0.0, expected greater than 0"),
        (
            ("he",),
            "name: got 'he', expected one of glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, "
            "lecun_normal, normal",
        ),
    ],
)
def test_refused_kernels(arguments, message):
    with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
        KernelInit(*arguments)


def test_the_key_decides_the_draw():
    first, again, other = (init_dense(jax.random.key(seed), 5, 4).kernel for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


@pytest.mark.parametrize("inputs", [1, FEW_INPUTS, FEW_INPUTS + 1])
def test_the_transposed_form_is_the_transpose_for_few_inputs_and_many(inputs):
    layer = init_dense(jax.random.key(0), inputs, 3)._replace(bias=jnp.array([1.0, -2.0, 0.5]))
    x = jax.random.normal(jax.random.key(1), (7, inputs))
    np.testing.assert_allclose(dense(x.T, layer, axis=0).T, dense(x, layer), rtol=1e-5, atol=1e-6)
