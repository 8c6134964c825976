"""The optimizers' steps against the equations in float64 NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bnlab.optimizers import make_optimizer

KERNEL = np.array([[0.5, -1.0], [2.0, 0.25]])
BIAS = np.array([0.1, -0.2])
# The gradients of the last column are as small as those of a border pixel: there epsilon matters.
KERNEL_GRADIENTS = np.array([[[1.0, 1e-8], [-2.0, -3e-9]], [[0.5, 2e-8], [1.0, 0.0]], [[-1.5, 1e-9], [0.0, 1e-8]]])
BIAS_GRADIENTS = np.array([[1.0, -1.0], [0.5, 2.0], [0.0, 3.0]])


def steps_of(optimizer: optax.GradientTransformation) -> tuple[np.ndarray, np.ndarray]:
    """Return the kernel and the bias after each of the three steps."""
    params = {"kernel": jnp.asarray(KERNEL, jnp.float32), "bias": jnp.asarray(BIAS, jnp.float32)}
    state = optimizer.init(params)
    kernels, biases = [], []
    for kernel, bias in zip(KERNEL_GRADIENTS, BIAS_GRADIENTS, strict=True):
        grads = {"kernel": jnp.asarray(kernel, jnp.float32), "bias": jnp.asarray(bias, jnp.float32)}
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        kernels.append(params["kernel"])
        biases.append(params["bias"])
    return np.stack(kernels), np.stack(biases)


def adam(w, gradients, learning_rate, b1, b2, epsilon, *, epsilon_hat, decay=0.0):
    """Kingma & Ba's algorithm 1 or, with epsilon_hat, the form at the end of their section 2, in float64."""
    b1, b2 = float(np.float32(b1)), float(np.float32(b2))  # TensorFlow and optax both keep them in float32
    m, v, path = np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(gradients, start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        if epsilon_hat:
            step = np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + epsilon)
        else:
            step = m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + epsilon)
        w = w - learning_rate * step - learning_rate * decay * w
        path.append(w)
    return np.stack(path)


@pytest.mark.parametrize(("name", "epsilon_hat"), [("adam_tf", True), ("adam", False)])
@pytest.mark.parametrize(("b1", "b2", "epsilon"), [(0.9, 0.999, 1e-8), (0.8, 0.9, 1e-3)])
def test_three_steps_of_adam(name, epsilon_hat, b1, b2, epsilon):
    kernels, biases = steps_of(make_optimizer(name, 0.1, b1=b1, b2=b2, epsilon=epsilon))
    # 2e-5 of the length of a step (0.1): float32 rounds weights by 6e-8, and its 1 − b2^t is off by 1e-5 of a step.
    for ours, start, grads in ((kernels, KERNEL, KERNEL_GRADIENTS), (biases, BIAS, BIAS_GRADIENTS)):
        theirs = adam(start, grads, 0.1, b1, b2, epsilon, epsilon_hat=epsilon_hat)
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_where_epsilon_stands_decides_the_step_of_a_tiny_gradient():
    # First step, gradient g: optax's adam moves by lr · |g| / (|g| + eps), TensorFlow's by
    # lr · |g| / (|g| + eps / √(1 − b2)), whose epsilon is 31.6 times as large.
    start = {"w": jnp.zeros(1)}
    for name, factor in (("adam", 1.0), ("adam_tf", 1 / np.sqrt(1 - 0.999))):
        optimizer = make_optimizer(name, 0.1)
        updates, _ = optimizer.update({"w": jnp.array([1e-8])}, optimizer.init(start), start)
        np.testing.assert_allclose(updates["w"], [-0.1 * 1e-8 / (1e-8 + factor * 1e-8)], rtol=1e-4)


def test_a_weight_without_gradient_stays():
    for name in ("adam", "adam_tf", "sgd"):
        optimizer = make_optimizer(name, 0.1)
        params = {"kernel": jnp.ones((2, 2))}
        updates, _ = optimizer.update({"kernel": jnp.zeros((2, 2))}, optimizer.init(params), params)
        np.testing.assert_array_equal(updates["kernel"], np.zeros((2, 2)))


def test_sgd():
    kernels, biases = steps_of(make_optimizer("sgd", 0.5))
    np.testing.assert_allclose(kernels, KERNEL - 0.5 * np.cumsum(KERNEL_GRADIENTS, 0), rtol=1e-6)
    np.testing.assert_allclose(biases, BIAS - 0.5 * np.cumsum(BIAS_GRADIENTS, 0), rtol=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_with_momentum(nesterov):
    _, biases = steps_of(make_optimizer("sgd", 0.5, momentum=0.9, nesterov=nesterov))
    w, trace, expected = BIAS, np.zeros(2), []
    for g in BIAS_GRADIENTS:
        trace = 0.9 * trace + g
        w = w - 0.5 * (g + 0.9 * trace if nesterov else trace)
        expected.append(w)
    np.testing.assert_allclose(biases, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["adam_tf", "adam", "sgd"])
def test_decoupled_decay_moves_kernels_only(name):
    # One step without gradient moves a kernel by −learning_rate · decay · w, and nothing else.
    params = {"kernel": jnp.asarray(KERNEL), "bias": jnp.ones(2), "gamma": jnp.ones(2), "beta": jnp.ones(2)}
    optimizer = make_optimizer(name, 0.1, weight_decay=0.5)
    updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, params), optimizer.init(params), params)
    np.testing.assert_allclose(updates["kernel"], -0.05 * KERNEL, rtol=1e-6)
    for other in ("bias", "gamma", "beta"):
        np.testing.assert_array_equal(updates[other], np.zeros(2))


def test_three_steps_of_adam_with_decay():
    kernels, biases = steps_of(make_optimizer("adam_tf", 0.1, weight_decay=0.5))
    expected = adam(KERNEL, KERNEL_GRADIENTS, 0.1, 0.9, 0.999, 1e-8, epsilon_hat=True, decay=0.5)
    np.testing.assert_allclose(kernels, expected, atol=2e-6)
    without = adam(BIAS, BIAS_GRADIENTS, 0.1, 0.9, 0.999, 1e-8, epsilon_hat=True)
    np.testing.assert_allclose(biases, without, atol=2e-6)


def test_an_unknown_name():
    with pytest.raises(ValueError, match=r"^optimizer: got 'lion', expected one of adam, adam_tf, sgd$"):
        make_optimizer("lion", 0.1)


@pytest.mark.parametrize("name", ["adam", "adam_tf", "sgd"])
def test_weights_as_one_vector_move_alike(name):
    weights = {"kernel": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "bias": jnp.array([0.25, -1.0])}
    moved = []
    for flat in (False, True):
        optimizer = make_optimizer(name, 0.1, weight_decay=0.5, flat=flat)
        params, state = weights, optimizer.init(weights)
        for step in range(3):
            updates, state = optimizer.update(jax.tree.map(lambda w, k=step: w * w - k, params), state, params)
            params = optax.apply_updates(params, updates)
        moved.append(params)
    for field in weights:
        np.testing.assert_allclose(moved[1][field], moved[0][field], rtol=1e-6)
