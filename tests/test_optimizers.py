"""The optimizers' steps against the equations in float64 NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bnlab.nn.numbers import split
from bnlab.optimizers import choose_optimizer, make_optimizer
from bnlab.options import GradientClip, OptionError, Schedule

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


SCHEDULE = Schedule("cosine", warmup_steps=1, warmup_from=0.5, decay_steps=3, end_factor=0.1)
THEIRS = optax.warmup_cosine_decay_schedule(0.05, 0.1, 1, 3, 0.01)


def masked(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda w: w.ndim > 1, params)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"name": "sgd"}, optax.sgd(THEIRS)),
        ({"name": "sgd", "momentum": 0.9}, optax.sgd(THEIRS, 0.9)),
        ({"name": "sgd", "momentum": 0.9, "nesterov": True}, optax.sgd(THEIRS, 0.9, nesterov=True)),
        ({"name": "adam"}, optax.adam(THEIRS)),
        ({"name": "adam", "weight_decay": 0.5}, optax.adamw(THEIRS, weight_decay=0.5, mask=masked)),
    ],
)
def test_a_schedule_is_the_learning_rate_of_optax(ours, theirs, flat):
    optimizer = make_optimizer(learning_rate=0.1, schedule=SCHEDULE, flat=flat, **ours)
    for one, other in zip(steps_of(optimizer), steps_of(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_the_rate_of_the_next_step():
    ours = choose_optimizer("adam", 0.1, weight_decay=0.5, schedule=SCHEDULE)
    optimizer, params, rates = ours.transformation(), {"kernel": jnp.ones((1, 1))}, []
    state = optimizer.init(params)
    for _ in range(5):
        rates.append(float(ours.rate(state)))
        _, state = optimizer.update(params, state, params)
    np.testing.assert_allclose(rates, [0.05, 0.1, 0.055, 0.01, 0.01], rtol=1e-6)
    np.testing.assert_allclose(choose_optimizer("sgd", 0.1).rate(None), 0.1, rtol=1e-6)


def test_the_schedule_scales_the_decay_too():
    # No gradient: each step is −0.1 · factor · 0.5 · w with the factors 0.5, 1 and 0.1 + 0.9 · ½ (1 + cos π/2) = 0.55.
    optimizer = make_optimizer("sgd", 0.1, weight_decay=0.5, schedule=SCHEDULE)
    params = {"kernel": jnp.ones((1, 1)), "bias": jnp.ones(1)}
    state, path = optimizer.init(params), []
    for _ in range(3):
        updates, state = optimizer.update(jax.tree.map(jnp.zeros_like, params), state, params)
        params = optax.apply_updates(params, updates)
        path.append(float(params["kernel"][0, 0]))
    np.testing.assert_allclose(path, np.cumprod([1 - 0.05 * 0.5, 1 - 0.05, 1 - 0.05 * 0.55]), rtol=1e-6)
    np.testing.assert_array_equal(params["bias"], [1])


@pytest.mark.parametrize("flat", [False, True])
def test_clipping_by_hand(flat):
    # ‖(3, 4, 12)‖ = 13: a bound of 6.5 halves the gradient, one of 13 or more leaves it.
    grads = {"kernel": jnp.array([[3.0, -4.0]]), "bias": jnp.array([12.0])}
    for clip, kernel, bias in (
        (GradientClip("global_norm", 6.5), [[-1.5, 2]], [-6]),
        (GradientClip("global_norm", 13.5), [[-3, 4]], [-12]),
        (GradientClip("value", 3.5), [[-3, 3.5]], [-3.5]),
    ):
        optimizer = make_optimizer("sgd", 1.0, clip=clip, flat=flat)
        updates, _ = optimizer.update(grads, optimizer.init(grads), grads)
        np.testing.assert_allclose(updates["kernel"], kernel, rtol=1e-6)
        np.testing.assert_allclose(updates["bias"], bias, rtol=1e-6)


@pytest.mark.parametrize(
    ("clip", "theirs"),
    [(GradientClip("global_norm", 0.7), optax.clip_by_global_norm(0.7)), (GradientClip("value", 0.7), optax.clip(0.7))],
)
def test_clipping_before_adam_is_that_of_optax(clip, theirs):
    ours = make_optimizer("adam", 0.1, clip=clip)
    for one, other in zip(steps_of(ours), steps_of(optax.chain(theirs, optax.adam(0.1))), strict=True):
        np.testing.assert_array_equal(one, other)


def test_clipping_does_not_touch_the_decoupled_decay():
    optimizer = make_optimizer("sgd", 0.1, weight_decay=0.5, clip=GradientClip("value", 0.001))
    params = {"kernel": jnp.asarray(KERNEL)}
    updates, _ = optimizer.update({"kernel": jnp.ones((2, 2))}, optimizer.init(params), params)
    np.testing.assert_allclose(updates["kernel"], -0.1 * 0.001 - 0.05 * KERNEL, rtol=1e-6)


def test_rates_and_thresholds_are_no_part_of_what_is_compiled():
    def structure(threshold: float, **schedule):
        clip = GradientClip("value", threshold)
        return split(choose_optimizer("adam", 0.1, clip=clip, schedule=Schedule("cosine", decay_steps=9, **schedule)))[0]

    assert structure(0.1, end_factor=0.5) == structure(0.2, end_factor=0.25)
    assert structure(0.1, end_factor=0.5) != split(choose_optimizer("adam", 0.1))[0]


def test_a_refused_threshold():
    with pytest.raises(OptionError, match=r"^threshold: got 0\.0, expected greater than 0$"):
        GradientClip("value", 0.0)
