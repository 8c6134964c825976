"""Multi-layer perceptrons: forward passes by hand, batch norms folded away, names of the weights."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.models import (
    MLP,
    apply_mlp,
    fold_norms,
    from_arrays,
    init_mlp,
    kernels,
    norm_penalty,
    to_arrays,
)
from bnlab.nn import BatchNorm, BatchNormParams, BatchStats, DenseParams

POSITIONS = ("before_activation", "after_activation", "input")

# One input, two hidden units, one output: dense0 gives (x, −x), dense1 3·h0 + 5·h1 + 1.
DENSE = {
    "dense0": DenseParams(jnp.array([[1.0, -1.0]]), jnp.zeros(2)),
    "dense1": DenseParams(jnp.array([[3.0], [5.0]]), jnp.ones(1)),
}
X = jnp.array([[1.0], [3.0]])
NORM = BatchNorm(momentum=0.75, epsilon=1e-3)


def layer(gamma, beta, mean, variance):
    arrays = (jnp.asarray(v, jnp.float32) for v in (gamma, beta, mean, variance))
    gamma, beta, mean, variance = arrays
    return BatchNormParams(gamma, beta), BatchStats(mean, variance)


def random_model(norm: BatchNorm | None, position="before_activation", outputs: int | None = 2):
    """A model with two hidden layers, in which no weight and no statistic has its initial value."""
    options = MLP(3, (4, 5), outputs, norm=norm, position=position)
    params, state = init_mlp(options, jax.random.key(0))
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.uniform(0.5, 2.0, value.shape).astype(np.float32) * rng.choice([-1, 1])
        if "variance" not in name
        else rng.uniform(0.5, 2.0, value.shape).astype(np.float32)
        for name, value in to_arrays(params, state).items()
    }
    x = jnp.asarray(rng.normal(size=(6, 3)), jnp.float32)
    return options, *from_arrays((params, state), arrays), x


def test_without_a_norm():
    # hidden relu(x, −x) = (1, 0) and (3, 0)
    y, state = apply_mlp(MLP(1, (2,), 1), DENSE, {}, X, training=True)
    np.testing.assert_array_equal(y, [[4.0], [10.0]])
    assert state == {}


def test_activations():
    x = jnp.array([[1.0], [-2.0]])
    for name, hidden in (
        ("linear", [[1, -1], [-2, 2]]),
        ("relu", [[1, 0], [0, 2]]),
        ("tanh", np.tanh([[1, -1], [-2, 2]])),
        ("sigmoid", 1 / (1 + np.exp([[-1, 1], [2, -2]]))),
    ):
        y, _ = apply_mlp(MLP(1, (2,), 1, activation=name), DENSE, {}, x, training=True)
        np.testing.assert_allclose(y, np.asarray(hidden) @ [[3.0], [5.0]] + 1, rtol=1e-6)


def test_norm_before_the_activation():
    # Units 1, 3 and −1, −3: mean ±2, variance 1, so x̂ = ∓s, ±s with s = 1/√1.001. gamma 2, 1 and beta 1, 0 give
    # −2s + 1, 2s + 1 and s, −s; the activation keeps 0, 2s + 1 and s, 0.
    params0, stats0 = layer([2, 1], [1, 0], [0, 0], [1, 1])
    options = MLP(1, (2,), 1, norm=NORM)
    y, state = apply_mlp(options, {**DENSE, "bn0": params0}, {"bn0": stats0}, X, training=True)
    s = 1 / np.sqrt(1.001)
    np.testing.assert_allclose(y, [[5 * s + 1], [3 * (2 * s + 1) + 1]], rtol=1e-6)
    np.testing.assert_allclose(state["bn0"].moving_mean, [0.5, -0.5])  # 0.25 · ±2
    np.testing.assert_allclose(state["bn0"].moving_variance, [1.0, 1.0])  # 0.75 + 0.25 · 1


def test_norm_after_the_activation():
    # relu first: 1, 3 and 0, 0. The second unit is constant, so its output is beta.
    params0, stats0 = layer([2, 1], [1, 7], [0, 0], [1, 1])
    options = MLP(1, (2,), 1, norm=NORM, position="after_activation")
    y, state = apply_mlp(options, {**DENSE, "bn0": params0}, {"bn0": stats0}, X, training=True)
    s = 1 / np.sqrt(1.001)
    np.testing.assert_allclose(y, [[3 * (1 - 2 * s) + 36], [3 * (1 + 2 * s) + 36]], rtol=1e-6)
    np.testing.assert_allclose(state["bn0"].moving_mean, [0.5, 0.0])
    np.testing.assert_allclose(state["bn0"].moving_variance, [1.0, 0.75])


def test_norm_of_the_input():
    # x̂ = ∓s; the layers then see −s and s: relu(−s, s) = (0, s) and (s, 0).
    params0, stats0 = layer([1], [0], [0], [1])
    options = MLP(1, (2,), 1, norm=NORM, position="input")
    assert options.norm_features == (1,)
    y, _ = apply_mlp(options, {**DENSE, "bn0": params0}, {"bn0": stats0}, X, training=True)
    s = 1 / np.sqrt(1.001)
    np.testing.assert_allclose(y, [[5 * s + 1], [3 * s + 1]], rtol=1e-6)


def test_inference_takes_the_moving_statistics_and_moves_nothing():
    params0, stats0 = layer([1, 1], [0, 0], [1, 0], [4 - 1e-3, 1 - 1e-3])
    options = MLP(1, (2,), 1, norm=NORM)
    y, state = apply_mlp(options, {**DENSE, "bn0": params0}, {"bn0": stats0}, X, training=False)
    np.testing.assert_allclose(y, [[1.0], [4.0]], rtol=1e-6)  # (x − 1)/2 = 0, 1; −x stays negative
    np.testing.assert_array_equal(state["bn0"].moving_mean, stats0.moving_mean)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("training", [True, False])
def test_axis_0_is_the_transpose(position, training):
    options, params, state, x = random_model(NORM, position)
    y, after = apply_mlp(options, params, state, x, training=training)
    turned, after_turned = apply_mlp(options, params, state, x.T, training=training, axis=0)
    np.testing.assert_allclose(turned.T, y, rtol=1e-5, atol=1e-5)
    for name in after:
        np.testing.assert_allclose(after_turned[name].moving_mean, after[name].moving_mean, rtol=1e-6)
        np.testing.assert_allclose(after_turned[name].moving_variance, after[name].moving_variance, rtol=1e-6)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("switches", [{}, {"scale": False}, {"center": False}, {"scale": False, "center": False}])
def test_folding_keeps_what_inference_gives(position, switches):
    options, params, state, x = random_model(dataclasses.replace(NORM, **switches), position)
    expected, _ = apply_mlp(options, params, state, x, training=False)
    folded, weights = fold_norms(options, params, state)
    assert folded.norm is None
    assert set(weights) == {"dense0", "dense1", "dense2"}
    y, _ = apply_mlp(folded, weights, {}, x, training=False)
    # one more rounding in each product: 1e-5 of the largest output
    np.testing.assert_allclose(y, expected, atol=1e-5 * np.abs(expected).max())


def test_without_an_output_layer_a_norm_folds_into_the_last_hidden_one():
    options, params, state, x = random_model(NORM, outputs=None)
    expected, _ = apply_mlp(options, params, state, x, training=False)
    folded, weights = fold_norms(options, params, state)
    y, _ = apply_mlp(folded, weights, {}, x, training=False)
    np.testing.assert_allclose(y, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("norm", "position", "outputs"),
    [
        (None, "before_activation", 2),
        (dataclasses.replace(NORM, evaluate_with="batch"), "before_activation", 2),
        (NORM, "after_activation", None),  # no layer after the norm
    ],
)
def test_what_cannot_be_folded_stays(norm, position, outputs):
    options, params, state, _ = random_model(norm, position, outputs)
    folded, weights = fold_norms(options, params, state)
    assert folded == options
    assert weights is params


def test_layers_of_one_shape_start_equal_with_a_norm_or_without():
    for seed in range(3):
        key = jax.random.key(seed)
        plain, _ = init_mlp(MLP(3, (4, 5), 2), key)
        normed, state = init_mlp(MLP(3, (4, 5), 2, norm=NORM), key)
        for name in ("dense0", "dense1", "dense2"):
            np.testing.assert_array_equal(plain[name].kernel, normed[name].kernel)
        assert set(state) == {"bn0", "bn1"}
        assert [normed[f"bn{i}"].gamma.shape for i in range(2)] == [(4,), (5,)]


def test_arrays_there_and_back():
    options, params, state, _ = random_model(dataclasses.replace(NORM, scale=False))
    arrays = to_arrays(params, state)
    assert list(arrays) == [
        *("dense0/kernel", "dense0/bias", "dense1/kernel", "dense1/bias", "dense2/kernel", "dense2/bias"),
        *("bn0/beta", "bn1/beta"),
        *("bn0/moving_mean", "bn0/moving_variance", "bn1/moving_mean", "bn1/moving_variance"),
    ]
    again = to_arrays(*from_arrays(init_mlp(options, jax.random.key(9)), arrays))
    for name, values in arrays.items():
        np.testing.assert_array_equal(again[name], values)


def test_arrays_of_another_model():
    template = init_mlp(MLP(3, (4,), 2), jax.random.key(0))
    with pytest.raises(ValueError, match=r"^bn0/gamma: no such weight in this model, which has dense0/kernel, "):
        from_arrays(template, {"bn0/gamma": np.ones(4)})
    with pytest.raises(ValueError, match=r"^dense0/kernel: got shape \(4, 3\), expected \(3, 4\)$"):
        from_arrays(template, {"dense0/kernel": np.ones((4, 3))})


def test_which_weights_penalties_are_about():
    options, params, _, _ = random_model(dataclasses.replace(NORM, gamma_l2=0.5, l2_halved=False))
    assert [kernel.shape for kernel in kernels(params)] == [(3, 4), (4, 5), (5, 2)]
    gammas = np.concatenate([params["bn0"].gamma, params["bn1"].gamma])
    np.testing.assert_allclose(norm_penalty(options, params), 0.5 * np.sum(gammas**2), rtol=1e-6)
    assert norm_penalty(MLP(3, (4,), 2), {}) == 0


def test_an_unknown_activation():
    known = "relu, tanh, sigmoid, linear, gelu, gelu_tanh, silu, elu, leaky_relu"
    with pytest.raises(ValueError, match=f"^activation: got 'swish', expected one of {known}$"):
        MLP(1, (2,), 1, activation="swish")
