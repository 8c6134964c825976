"""Batch normalization against numbers worked by hand; the arithmetic stands beside each test.

The columns are chosen so that the square roots are simple: with epsilon 2.25, [1, 5] has mean 3, variance 4 and
s = sqrt(4 + 2.25) = 2.5, so x̂ is -0.8, 0.8; [0, 1.25] has mean 0.625, variance 0.390625 and s = 1.625, so
x̂ is -5/13, 5/13; a constant column has s = 1.5 and x̂ 0.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bnlab.nn import (
    BatchNorm,
    BatchNormParams,
    BatchStats,
    RenormClipping,
    batch_norm,
    batch_norm_penalty,
    init_batch_norm,
)
from bnlab.optimizers import make_optimizer

A = jnp.array([[1.0], [5.0]])  # mean 3, variance 4, s 2.5
B = jnp.array([[0.0], [1.25]])  # mean 0.625, variance 0.390625, s 1.625
OPTIONS = {"epsilon": 2.25, "momentum": 0.9}


def close(actual, expected, atol=1e-6):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=1e-6, atol=atol)


def close_stats(stats: BatchStats, **expected):
    assert {name for name, value in stats._asdict().items() if value is not None} == set(expected)
    for name, value in expected.items():
        close(getattr(stats, name), value)


def train(options, x, params=None, stats=None, **kwargs):
    """One training call from the initial parameters and state, unless others are given."""
    first_params, first_stats = init_batch_norm(options, x.shape[options.axis])
    params = first_params if params is None else params
    return batch_norm(x, params, first_stats if stats is None else stats, options, training=True, **kwargs)


# The base path


def test_training_normalises_by_the_batch_and_moves_the_statistics():
    x = jnp.array([[1.0, 7.0], [5.0, 7.0]])
    params = BatchNormParams(gamma=jnp.array([2.0, 3.0]), beta=jnp.array([1.0, -1.0]))
    y, stats = train(BatchNorm(**OPTIONS), x, params)
    close(y, [[2 * -0.8 + 1, -1], [2 * 0.8 + 1, -1]])
    # 0.9 * 0 + 0.1 * [3, 7] and 0.9 * 1 + 0.1 * [4, 0]
    close_stats(stats, moving_mean=[0.3, 0.7], moving_variance=[1.3, 0.9])


def test_inference_normalises_by_the_moving_statistics_and_leaves_them():
    options = BatchNorm(**OPTIONS)
    params = BatchNormParams(gamma=jnp.array([2.0]), beta=jnp.array([1.0]))
    stats = BatchStats(moving_mean=jnp.array([3.0]), moving_variance=jnp.array([4.0]))
    y, after = batch_norm(jnp.array([[8.0]]), params, stats, options, training=False)
    close(y, [[2 * (8 - 3) / 2.5 + 1]])
    close_stats(after, moving_mean=[3], moving_variance=[4])


def test_gradients():
    # With g = [1, 0]: mean(g) = 0.5, mean(g x̂) = -0.4; dx = gamma / s * (g - mean(g) - x̂ mean(g x̂)), in row 0
    # 2 / 2.5 * (1 - 0.5 - 0.32) = 0.144; dgamma = Σ g x̂ = -0.8; dbeta = Σ g = 1.
    options = BatchNorm(**OPTIONS)
    params = BatchNormParams(gamma=jnp.array([2.0]), beta=jnp.array([1.0]))
    dx, dparams = jax.grad(lambda x, p: train(options, x, p)[0][0, 0], (0, 1))(A, params)
    close(dx, [[0.144], [-0.144]])
    close(dparams.gamma, [-0.8])
    close(dparams.beta, [1])


@pytest.mark.parametrize("derivative", [jax.jacrev, jax.jacfwd, jax.hessian])
@pytest.mark.parametrize("scale", [True, False])
def test_written_derivative_is_the_derivative_that_jax_composes(derivative, scale):
    # The textbook formula, differentiated by JAX, is not a copy of ours: it has no pivot and no written derivative.
    options = BatchNorm(scale=scale)
    x = jax.random.normal(jax.random.key(0), (5, 3))
    gamma, beta = jnp.array([1.0, 2.0, 0.5]), jnp.array([0.0, 1.0, -1.0])
    params = BatchNormParams(gamma if scale else None, beta)

    def textbook(x, p):
        x_hat = (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-3)
        return jnp.sin((x_hat if p.gamma is None else x_hat * p.gamma) + p.beta).sum(0)

    def ours(x, p):
        return jnp.sin(train(options, x, p)[0]).sum(0)

    actual = jax.jit(derivative(ours, (0, 1)))(x, params)
    expected = jax.jit(derivative(textbook, (0, 1)))(x, params)
    jax.tree.map(lambda a, e: close(a, e, atol=1e-5), actual, expected)


def test_no_gradient_flows_to_or_from_the_state():
    options = BatchNorm(renorm="tensorflow1")
    params, stats = init_batch_norm(options, 1)

    def total(x, stats):
        _, after = batch_norm(x, params, stats, options, training=True)
        return sum(jnp.sum(v) for v in jax.tree.leaves(after))

    dx, dstats = jax.grad(total, (0, 1))(A, stats)
    assert not jnp.any(dx)
    assert not any(jnp.any(v) for v in jax.tree.leaves(dstats))


@pytest.mark.parametrize(("center", "scale", "expected"), [(False, True, -1.6), (True, False, 0.2), (False, False, -0.8)])
def test_center_and_scale_off(center, scale, expected):
    options = BatchNorm(**OPTIONS, center=center, scale=scale, gamma_init=2.0, beta_init=1.0)
    params, stats = init_batch_norm(options, 1)
    assert (params.gamma is None, params.beta is None) == (not scale, not center)
    close(train(options, A)[0][0, 0], expected)
    inference, _ = batch_norm(A, params, stats._replace(moving_variance=jnp.array([4.0])), options, training=False)
    close(inference[1, 0], 5 / 2.5 * (2 if scale else 1) + (1 if center else 0))
    dx = jax.grad(lambda x: train(options, x, params)[0][0, 0])(A)
    close(dx, [[0.144 if scale else 0.072], [-0.144 if scale else -0.072]])


def test_initial_values():
    options = BatchNorm(gamma_init=2.0, beta_init=3.0, moving_mean_init=4.0, moving_variance_init=9.0)
    params, stats = init_batch_norm(options, 2)
    close(params.gamma, [2, 2])
    close(params.beta, [3, 3])
    close_stats(stats, moving_mean=[4, 4], moving_variance=[9, 9])


def test_activation_comes_after_the_affine_transform():
    close(train(BatchNorm(**OPTIONS), A, activation=jax.nn.relu)[0], [[0], [0.8]])


def test_options_that_are_off_leave_no_trace():
    def primitives(options):
        params, stats = init_batch_norm(options, 2)
        jaxpr = jax.make_jaxpr(lambda x: batch_norm(x, params, stats, options, training=True))(jnp.ones((4, 2)))
        return [eqn.primitive.name for eqn in jaxpr.eqns]

    base = primitives(BatchNorm())
    assert base.count("reduce_sum") == 2
    assert not {"sqrt", "pow", "transpose", "scatter", "sort", "dot_general"} & set(base)


# Which variance, which mean


def test_sample_variance_moves_by_n_over_n_minus_one_and_does_not_touch_the_output():
    y, stats = train(BatchNorm(**OPTIONS, sample_variance=True), A)
    close(y, [[-0.8], [0.8]])
    close_stats(stats, moving_mean=[0.3], moving_variance=[0.9 + 0.1 * 8])


@pytest.mark.parametrize("sample_variance", [False, True])
def test_batch_of_one_gives_beta_and_a_variance_of_zero(sample_variance):
    options = BatchNorm(**OPTIONS, sample_variance=sample_variance, beta_init=7.0)
    x = jnp.array([[5.0]])
    y, stats = train(options, x)
    close(y, [[7]])
    close_stats(stats, moving_mean=[0.5], moving_variance=[0.9])
    close(jax.grad(lambda x: train(options, x)[0].sum())(x), [[0]])


def test_empty_batch_changes_nothing():
    y, stats = train(BatchNorm(), jnp.zeros((0, 2)))
    assert y.shape == (0, 2)
    close_stats(stats, moving_mean=[0, 0], moving_variance=[1, 1])


def test_zero_debiased_moving_mean_of_two_steps():
    # biased: 0.1 * 10 = 1, then 0.9 * 1 + 0.1 * 20 = 2.9; divided by 1 - 0.9 and by 1 - 0.81. The variance is
    # not debiased. 5e-6: the layer follows TensorFlow's float32 1 - 0.9**k, which is off by a few 1e-7 of itself.
    options = BatchNorm(momentum=0.9, zero_debias_moving_mean=True, moving_mean_init=5.0)
    _, stats = train(options, jnp.array([[10.0]]))
    close_stats(stats, moving_mean=[10], moving_variance=[0.9], biased=[1], local_step=1)
    _, stats = train(options, jnp.array([[20.0]]), stats=stats)
    close(stats.moving_mean, [2.9 / 0.19], atol=5e-6)
    close(stats.moving_variance, [0.81])
    close(stats.biased, [2.9])
    assert stats.local_step == 2


def test_zero_debias_rounds_as_tensorflow_does():
    # float32(1 - 0.999) is 0.001; 1 minus that is 0.99900001287, and 1 minus that is 0.00099998713.
    _, stats = train(BatchNorm(momentum=0.999, zero_debias_moving_mean=True), jnp.array([[1.0]]))
    assert stats.moving_mean[0] == np.float32(0.001) / np.float32(0.00099998713)


# Batch renormalization


def test_renorm_of_tensorflow_1_in_two_steps():
    options = BatchNorm(**OPTIONS, renorm="tensorflow1", renorm_momentum=0.5, gamma_init=2.0, beta_init=1.0)
    params, stats = init_batch_norm(options, 1)
    y, stats = train(options, A, params)
    # The references are the statistics of this batch: r = 1, d = 0.
    close(y, [[2 * -0.8 + 1], [2 * 0.8 + 1]])
    close_stats(
        stats,
        renorm_mean=[1.5],
        renorm_mean_weight=0.5,
        renorm_stddev=[1.25],
        renorm_stddev_weight=0.5,
        moving_mean=[0.3],  # 0.1 * 1.5 / 0.5
        moving_variance=[1.3],  # 0.9 + 0.1 * ((1.25 / 0.5)² - 2.25)
    )

    mean_ref, stddev_ref = 1.5 + 0.5 * 0.625, 1.25 + 0.5 * 1.625  # 1.8125, 2.0625
    r, d = 1.625 / stddev_ref, (0.625 - mean_ref) / stddev_ref  # 0.787879, -0.575758
    x_hat = np.array([[-5 / 13], [5 / 13]])
    y, after = train(options, B, params, stats)
    close(y, 2 * (x_hat * r + d) + 1)
    close_stats(
        after,
        renorm_mean=[1.0625],
        renorm_mean_weight=0.75,
        renorm_stddev=[1.4375],
        renorm_stddev_weight=0.75,
        moving_mean=[0.9 * 0.3 + 0.1 * 1.0625 / 0.75],
        moving_variance=[0.9 * 1.3 + 0.1 * ((1.4375 / 0.75) ** 2 - 2.25)],
    )

    # No gradient through r and d: dx = gamma * r / s * (g - mean(g) - x̂ mean(g x̂)), dgamma = Σ g (x̂ r + d).
    dx, dparams = jax.grad(lambda x, p: train(options, x, p, stats)[0][0, 0], (0, 1))(B, params)
    row = 2 * r / 1.625 * (1 - 0.5 - (5 / 13) ** 2 / 2)
    close(dx, [[row], [-row]])
    close(dparams.gamma, [-5 / 13 * r + d])
    close(dparams.beta, [1])


def test_renorm_of_keras_3_in_two_steps():
    options = BatchNorm(**OPTIONS, renorm="keras3", renorm_momentum=0.5)
    y, stats = train(options, A)
    # stddev_ref = max(1, sqrt(2.25)) = 1.5, so r = 2.5 / 1.5 and d = 3 / 1.5.
    close(y, [[-0.8 * 2.5 / 1.5 + 2], [0.8 * 2.5 / 1.5 + 2]])
    close_stats(
        stats,
        renorm_mean=[1.5],
        renorm_stddev=[1.75],
        moving_mean=[0.3],
        moving_stddev=[1.15],  # 0.9 * 1 + 0.1 * 2.5
        moving_variance=[0],  # 1.15² - 2.25 is below 0
    )
    y, stats = train(options, B, stats=stats)
    r, d = 1.625 / 1.75, (0.625 - 1.5) / 1.75
    close(y, [[-5 / 13 * r + d], [5 / 13 * r + d]])
    close_stats(
        stats,
        renorm_mean=[1.0625],
        renorm_stddev=[1.6875],
        moving_mean=[0.27 + 0.0625],
        moving_stddev=[0.9 * 1.15 + 0.1625],
        moving_variance=[0],
    )


def test_renorm_of_keras_3_derives_the_variance_from_the_stddev():
    # s = sqrt(4 + 0.25), moving_stddev = (3 + s) / 2, the moving variance its square - 0.25.
    options = BatchNorm(epsilon=0.25, momentum=0.5, renorm="keras3", moving_variance_init=9.0)
    _, stats = train(options, A)
    close(stats.moving_variance, [((3 + 4.25**0.5) / 2) ** 2 - 0.25])


@pytest.mark.parametrize("renorm", ["tensorflow1", "keras3"])
@pytest.mark.parametrize(
    ("clipping", "r", "d"),
    [
        (RenormClipping(), 2.5 / 4, -0.75),
        (RenormClipping(rmin=0.8), 0.8, -0.75),
        (RenormClipping(rmax=0.5), 0.5, -0.75),
        (RenormClipping(dmax=0.5), 2.5 / 4, -0.5),
        (RenormClipping(rmin=1.0, rmax=1.0, dmax=0.0), 1, 0),
    ],
)
def test_renorm_clipping(renorm, clipping, r, d):
    options = BatchNorm(**OPTIONS, renorm=renorm, renorm_clipping=clipping)
    _, stats = init_batch_norm(options, 1)
    stats = stats._replace(renorm_mean=jnp.array([6.0]), renorm_stddev=jnp.array([4.0]))
    if renorm == "tensorflow1":
        stats = stats._replace(renorm_mean_weight=jnp.array(1.0), renorm_stddev_weight=jnp.array(1.0))
    y, _ = train(options, A, stats=stats)
    close(y, [[-0.8 * r + d], [0.8 * r + d]])


def test_renorm_does_not_change_inference():
    options = BatchNorm(**OPTIONS, renorm="tensorflow1")
    params, stats = init_batch_norm(options, 1)
    stats = stats._replace(moving_mean=jnp.array([3.0]), moving_variance=jnp.array([4.0]))
    close(batch_norm(A, params, stats, options, training=False)[0], [[-0.8], [0.8]])


# Weights and masks


@pytest.mark.parametrize("sample_variance", [False, True])
def test_weights(sample_variance):
    # Σ w x / Σ w = (3 * 1 + 5) / 4 = 2, Σ w (x - 2)² / Σ w = (3 + 9) / 4 = 3, s = sqrt(3 + 1) = 2.
    # There is no sample correction.
    options = BatchNorm(epsilon=1.0, momentum=0.9, sample_variance=sample_variance)
    x, w = jnp.array([[1.0], [5.0], [9.0]]), jnp.array([3.0, 1.0, 0.0])
    y, stats = train(options, x, weights=w)
    close(y, [[-0.5], [1.5], [3.5]])
    close_stats(stats, moving_mean=[0.2], moving_variance=[0.9 + 0.3])


def test_weights_weigh_rows_of_any_rank():
    options = BatchNorm(epsilon=1.0, momentum=0.0)
    x = jnp.array([[[1.0], [1.0]], [[5.0], [5.0]]])
    _, stats = train(options, x, weights=jnp.array([3.0, 1.0]))
    close_stats(stats, moving_mean=[2], moving_variance=[3])
    _, stats = train(BatchNorm(epsilon=1.0, momentum=0.0, axis=0), x.T, weights=jnp.array([3.0, 1.0]))
    assert stats.moving_mean.shape == (1,)


def test_gradient_with_weights():
    # y0 = (x0 - m) / s with m = 2, s = 2, w / Σ w = [3/4, 1/4]: dy0/dx_i = (δ - w_i) / s - x̂0 x̂_i w_i / s.
    options = BatchNorm(epsilon=1.0)
    x, w = jnp.array([[1.0], [5.0], [9.0]]), jnp.array([3.0, 1.0, 0.0])
    dx = jax.grad(lambda x: train(options, x, weights=w)[0][0, 0])(x)
    close(dx, [[(0.25 - 0.25 * 0.75) / 2], [(-0.25 + 0.75 * 0.25) / 2], [0]])


@pytest.mark.parametrize("padding", [100.0, jnp.nan, jnp.inf, 1e30])
def test_masked_rows_reach_nothing(padding):
    options = BatchNorm(**OPTIONS, sample_variance=True)
    x, mask = jnp.array([[1.0], [5.0], [padding]]), jnp.array([True, True, False])
    y, stats = train(options, x, mask=mask)
    close(y[:2], [[-0.8], [0.8]])
    if jnp.isfinite(padding):
        close(y[2], [(padding - 3) / 2.5])
    close_stats(stats, moving_mean=[0.3], moving_variance=[0.9 + 0.1 * 8])

    params, _ = init_batch_norm(options, 1)
    dx, dparams = jax.grad(lambda x, p: train(options, x, p, mask=mask)[0][0, 0], (0, 1))(x, params)
    close(dx, [[0.072], [-0.072], [0]])
    close(dparams.gamma, [-0.8])


def test_mask_of_positions():
    # First only position 0 of each row counts, then only row 0; axes of length 1 are broadcast.
    options = BatchNorm(epsilon=2.25, momentum=0.0, sample_variance=True)
    x = jnp.array([[[1.0], [99.0]], [[5.0], [99.0]]])
    for mask in (jnp.array([[True, False], [True, False]]), jnp.array([[True, False]])):
        _, stats = train(options, x, mask=mask)
        close_stats(stats, moving_mean=[3], moving_variance=[8])
    for mask in (jnp.array([True, False]), jnp.array([[True], [False]])):
        _, stats = train(options, x, mask=mask)
        close_stats(stats, moving_mean=[50], moving_variance=[49**2 * 2])


def test_mask_and_weights_multiply():
    options = BatchNorm(epsilon=1.0, momentum=0.0)
    x, w = jnp.array([[1.0], [5.0], [9.0]]), jnp.array([3.0, 1.0, 8.0])
    _, stats = train(options, x, weights=w, mask=jnp.array([True, True, False]))
    close_stats(stats, moving_mean=[2], moving_variance=[3])


@pytest.mark.parametrize("without", [{"weights": jnp.zeros(2)}, {"mask": jnp.zeros(2, bool)}], ids=["weights", "mask"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"renorm": "tensorflow1"},
        {"renorm": "keras3"},
        {"zero_debias_moving_mean": True},
        {"center": False},
    ],
    ids=str,
)
def test_no_weight_at_all_gives_beta_and_leaves_the_state(without, options):
    options = BatchNorm(**options, beta_init=7.0)
    beta = 7 if options.center else 0
    params, stats = init_batch_norm(options, 1)
    y, after = train(options, A, params, stats, **without)
    close(y, [[beta], [beta]])
    jax.tree.map(np.testing.assert_array_equal, after, stats)
    adjustment = (jnp.array(2.0), jnp.array(3.0))
    close(train(options, A, adjustment=adjustment, **without)[0], [[beta], [beta]])

    dx, dparams = jax.grad(lambda x, p: train(options, x, p, **without)[0].sum(), (0, 1))(A, params)
    close(dx, [[0], [0]])
    close(dparams.gamma, [0])
    if options.center:
        close(dparams.beta, [2])
    evaluated = BatchNorm(beta_init=7.0, evaluate_with="batch")
    params, stats = init_batch_norm(evaluated, 1)
    close(batch_norm(A, params, stats, evaluated, training=False, **without)[0], [[7], [7]])


# Ghost batches and adjustment


def test_ghost_batches_interleave_and_the_state_takes_their_mean():
    # Two ghost batches of two rows: rows 0 and 2 are A, rows 1 and 3 are B.
    options = BatchNorm(**OPTIONS, virtual_batch_size=2)
    x = jnp.array([[1.0], [0.0], [5.0], [1.25]])
    y, stats = train(options, x)
    close(y, [[-0.8], [-5 / 13], [0.8], [5 / 13]])
    close_stats(stats, moving_mean=[0.1 * (3 + 0.625) / 2], moving_variance=[0.9 + 0.1 * (4 + 0.390625) / 2])
    dx = jax.grad(lambda x: train(options, x)[0][0, 0])(x)
    close(dx, [[0.072], [0], [-0.072], [0]])
    _, stats = train(BatchNorm(**OPTIONS, virtual_batch_size=2, sample_variance=True), x)
    close(stats.moving_variance, [0.9 + 0.1 * (8 + 0.78125) / 2])


def test_ghost_batches_of_any_rank_and_axis():
    x = jax.random.normal(jax.random.key(0), (6, 4, 3))
    y, stats = train(BatchNorm(virtual_batch_size=2), x)
    for g in range(3):
        close(y[g::3], train(BatchNorm(), x[g::3])[0], atol=2e-6)
    for axis in range(3):
        moved = jnp.moveaxis(x, -1, axis)
        y_moved, stats_moved = train(BatchNorm(virtual_batch_size=2, axis=axis), moved)
        close(y_moved, jnp.moveaxis(y, -1, axis))
        close(stats_moved.moving_variance, stats.moving_variance)


def test_ghost_batches_share_one_renorm_correction():
    # The references are complete (weights 1): mean 1, stddev 2. The reduced moments are mean 1.8125 and
    # variance 2.1953125, so r and d are one for both ghost batches.
    options = BatchNorm(**OPTIONS, virtual_batch_size=2, renorm="tensorflow1")
    one = jnp.array(1.0)
    stats = BatchStats(
        moving_mean=jnp.array([0.0]),
        moving_variance=jnp.array([1.0]),
        renorm_mean=jnp.array([1.0]),
        renorm_mean_weight=one,
        renorm_stddev=jnp.array([2.0]),
        renorm_stddev_weight=one,
    )
    y, after = train(options, jnp.array([[1.0], [0.0], [5.0], [1.25]]), stats=stats)
    stddev = (2.1953125 + 2.25) ** 0.5
    r, d = stddev / 2, (1.8125 - 1) / 2
    close(y, [[-0.8 * r + d], [-5 / 13 * r + d], [0.8 * r + d], [5 / 13 * r + d]])
    close(after.renorm_mean, [0.99 + 0.01 * 1.8125])
    close(after.renorm_stddev, [0.99 * 2 + 0.01 * stddev])


def test_adjustment_applies_between_renormalization_and_gamma_and_only_in_training():
    options = BatchNorm(**OPTIONS, renorm="keras3", gamma_init=2.0, beta_init=1.0)
    params, stats = init_batch_norm(options, 1)
    adjustment = (jnp.array([[3.0], [4.0]]), jnp.array([[0.5]]))
    y, _ = train(options, A, params, adjustment=adjustment)
    r, d = 2.5 / 1.5, 2
    close(y, [[2 * ((-0.8 * r + d) * 3 + 0.5) + 1], [2 * ((0.8 * r + d) * 4 + 0.5) + 1]])
    inference, _ = batch_norm(A, params, stats, options, training=False, adjustment=adjustment)
    close(inference, batch_norm(A, params, stats, options, training=False)[0])


def test_adjustment_leaves_the_statistics_and_carries_gradients():
    # With a scale per row the derivative takes another path: y = a x̂, dy0/dx0 = a0 / s * (1 - 0.5 - 0.32).
    options = BatchNorm(**OPTIONS)
    adjustment = (jnp.array([[3.0], [4.0]]), jnp.array(0.5))
    y, stats = train(options, A, adjustment=adjustment)
    close(y, [[-0.8 * 3 + 0.5], [0.8 * 4 + 0.5]])
    close_stats(stats, moving_mean=[0.3], moving_variance=[1.3])
    dx = jax.grad(lambda x: train(options, x, adjustment=adjustment)[0][0, 0])(A)
    close(dx, [[3 * 0.072], [3 * -0.072]])
    dscale = jax.grad(lambda a: train(options, A, adjustment=(a, adjustment[1]))[0].sum())(adjustment[0])
    close(dscale, [[-0.8], [0.8]])


def test_adjustment_follows_the_rows_into_ghost_batches():
    options = BatchNorm(**OPTIONS, virtual_batch_size=2)
    x = jnp.array([[1.0], [0.0], [5.0], [1.25]])
    y, _ = train(options, x, adjustment=(jnp.array([[1.0], [2.0], [3.0], [4.0]]), jnp.array(0.0)))
    close(y, [[-0.8], [2 * -5 / 13], [3 * 0.8], [4 * 5 / 13]])


# Frozen, forgotten and misplaced


def test_frozen_as_in_tensorflow_2_is_inference_whatever_training_says():
    options = BatchNorm(**OPTIONS, trainable=False)
    params, stats = init_batch_norm(options, 1)
    y, after = train(options, A, params)
    close(y, A / 3.25**0.5)
    jax.tree.map(np.testing.assert_array_equal, after, stats)
    dparams = jax.grad(lambda p: train(options, A, p)[0][0, 0])(params)
    close(dparams.gamma, [0])
    close(dparams.beta, [0])


def test_frozen_as_in_tensorflow_1_moves_the_statistics_without_gradients():
    options = BatchNorm(**OPTIONS, trainable=False, frozen="tensorflow1")
    params, _ = init_batch_norm(options, 1)
    y, stats = train(options, A, params)
    close(y, [[-0.8], [0.8]])
    close_stats(stats, moving_mean=[0.3], moving_variance=[1.3])
    dx, dparams = jax.grad(lambda x, p: train(options, x, p)[0][0, 0], (0, 1))(A, params)
    close(dx, [[0.072], [-0.072]])
    close(dparams.gamma, [0])
    close(dparams.beta, [0])


@pytest.mark.parametrize("renorm", [None, "tensorflow1", "keras3"])
def test_forgotten_update_leaves_every_statistic(renorm):
    options = BatchNorm(renorm=renorm, update_moving=False)
    _, stats = init_batch_norm(options, 1)
    y, after = train(options, A)
    close(y, train(BatchNorm(renorm=renorm), A)[0])
    jax.tree.map(np.testing.assert_array_equal, after, stats)


def test_training_with_moving_statistics_is_inference_with_gradients():
    options = BatchNorm(**OPTIONS, train_with="moving")
    params, stats = init_batch_norm(options, 1)
    y, after = train(options, A, params)
    close(y, A / 3.25**0.5)
    jax.tree.map(np.testing.assert_array_equal, after, stats)
    dx, dparams = jax.grad(lambda x, p: train(options, x, p)[0][1, 0], (0, 1))(A, params)
    close(dx, [[0], [1 / 3.25**0.5]])
    close(dparams.gamma, [5 / 3.25**0.5])
    close(dparams.beta, [1])


def test_evaluation_with_batch_statistics_takes_the_batch_as_a_whole_and_moves_nothing():
    options = BatchNorm(**OPTIONS, evaluate_with="batch", renorm="keras3", virtual_batch_size=2)
    params, stats = init_batch_norm(options, 1)
    # Three rows cannot be split into ghost batches of two, but inference does not split: mean 3, variance 8/3.
    x = jnp.array([[1.0], [3.0], [5.0]])
    y, after = batch_norm(x, params, stats, options, training=False, adjustment=(jnp.array(9.0), jnp.array(9.0)))
    close(y, (x - 3) / (8 / 3 + 2.25) ** 0.5)
    jax.tree.map(np.testing.assert_array_equal, after, stats)


# Numerics


def test_column_far_from_zero():
    # 32 rows near 1e4 with variance 1: compared with float64 arithmetic on the same float32 numbers.
    x = (np.random.default_rng(0).normal(size=(32, 8)) + 1e4).astype(np.float32)
    exact = x.astype(np.float64)
    for weights in (None, jnp.ones(32)):
        y, stats = jax.jit(lambda x, w: train(BatchNorm(momentum=0.0), x, weights=w))(x, weights)
        close(stats.moving_variance, exact.var(0))
        np.testing.assert_array_equal(stats.moving_mean, exact.mean(0).astype(np.float32))
        close(y, (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-3), atol=2e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_input_has_float32_statistics(dtype):
    # 300 squared is above float16's largest number, 65504.
    x = jnp.array([[-300.0], [300.0]], dtype)
    y, stats = train(BatchNorm(momentum=0.0), x)
    assert y.dtype == dtype
    close(y.astype(jnp.float32), [[-1], [1]])
    assert stats.moving_variance.dtype == jnp.float32
    close(stats.moving_variance, [90000])
    params, stats = init_batch_norm(BatchNorm(), 1)
    inference, _ = batch_norm(x, params, stats, BatchNorm(), training=False)
    assert inference.dtype == dtype


def test_nan_in_a_row_that_counts_is_not_hidden():
    _, stats = train(BatchNorm(), jnp.array([[1.0], [jnp.nan]]))
    assert jnp.isnan(stats.moving_mean).all()


def test_identity_of_article_003():
    # gamma = sqrt(variance + epsilon), beta = mean.
    x = jax.random.normal(jax.random.key(0), (32, 4)) * 3 + 2
    params = BatchNormParams(gamma=jnp.sqrt(x.var(0) + 1e-3), beta=x.mean(0))
    close(train(BatchNorm(), x, params)[0], x, atol=2e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("options", "call"),
    [
        ({}, {}),
        ({"center": False}, {}),
        ({"scale": False}, {}),
        ({"renorm": "keras3"}, {}),
        ({"virtual_batch_size": 2}, {}),
        ({}, {"weights": jnp.array([1.0, 0.0, 2.0, 3.0])}),
        ({}, {"mask": jnp.array([True, False, True, True])}),
        ({}, {"adjustment": (jnp.full((4, 1), 2.0), jnp.array(1.0))}),
    ],
    ids=["plain", "no center", "no scale", "renorm", "ghost", "weights", "mask", "adjustment"],
)
def test_formula_of_tensorflow_differs_in_rounding_only(options, call, training):
    x, t = jax.random.normal(jax.random.key(0), (2, 4, 3))
    params = BatchNormParams(jnp.array([1.0, 2.0, 0.5]), jnp.array([0.0, 1.0, -1.0]))

    def both(formula):
        layer = BatchNorm(**options, formula=formula)
        first, stats = init_batch_norm(layer, 3)
        given = BatchNormParams(*(p if f is not None else None for p, f in zip(params, first, strict=True)))

        def forward(x, params):
            return batch_norm(x, params, stats, layer, training=training, **call)

        y, backward, after = jax.vjp(forward, x, given, has_aux=True)
        return y, after, backward(t)

    jax.tree.map(lambda a, b: close(a, b, atol=1e-5), both("tensorflow"), both("centred"))


def test_formula_of_tensorflow_cancels_far_from_zero():
    # x * s + (beta - mean * s) near 1e4 has a resolution of 2**-10; the centred formula does not.
    x = (np.random.default_rng(0).normal(size=(32, 8)) + 1e4).astype(np.float32)
    exact = (x - x.mean(0, np.float64)) / np.sqrt(x.var(0, dtype=np.float64) + 1e-3)
    errors = {f: np.abs(train(BatchNorm(formula=f), x)[0] - exact).max() for f in ("centred", "tensorflow")}
    assert errors["centred"] < 2e-6
    assert 2e-4 < errors["tensorflow"] < 4 * 2**-10


def test_any_rank_and_axis():
    # The channels are A and B, on any axis and in any arrangement of the four values of each.
    rows = jnp.array([[1.0, 0.0], [5.0, 1.25], [1.0, 0.0], [5.0, 1.25]])
    expected = jnp.array([[-0.8, -5 / 13], [0.8, 5 / 13]] * 2)
    for shape in ((4, 2), (2, 2, 2), (2, 1, 2, 2)):
        for axis in range(-1, len(shape) - 1):
            x = jnp.moveaxis(rows.reshape(shape), -1, axis)
            y, stats = train(BatchNorm(**OPTIONS, axis=axis), x)
            close(y, jnp.moveaxis(expected.reshape(shape), -1, axis))
            close_stats(stats, moving_mean=[0.3, 0.0625], moving_variance=[1.3, 0.9390625])


def test_vector_is_a_batch_of_one():
    y, stats = train(BatchNorm(**OPTIONS), jnp.array([5.0, 7.0]))
    close(y, [0, 0])
    close_stats(stats, moving_mean=[0.5, 0.7], moving_variance=[0.9, 0.9])


def test_penalty():
    params = BatchNormParams(gamma=jnp.array([1.0, 2.0]), beta=jnp.array([3.0, 0.0]))
    # 0.1 * (1 + 4) + 0.2 * 9 = 2.3
    close(batch_norm_penalty(params, BatchNorm(gamma_l2=0.1, beta_l2=0.2)), 1.15)
    close(batch_norm_penalty(params, BatchNorm(gamma_l2=0.1, beta_l2=0.2, l2_halved=False)), 2.3)
    close(batch_norm_penalty(params, BatchNorm()), 0)
    grads = jax.grad(batch_norm_penalty)(params, BatchNorm(gamma_l2=0.1))
    close(grads.gamma, [0.1, 0.2])
    close(grads.beta, [0, 0])
    frozen = jax.grad(batch_norm_penalty)(params, BatchNorm(gamma_l2=0.1, trainable=False))
    close(frozen.gamma, [0, 0])


# Article 004: one layer of one feature, its defaults, input [[100.0]]


def digits(value) -> str:
    """The one number of an array, with the seven digits that the article states."""
    return f"{value.item():.7g}"


class TestArticle004:
    x = jnp.array([[100.0]])
    options = BatchNorm()

    def calls(self, options, training, count):
        """Return the last output and state of `count` calls, compiled as one scan, as bnlab does."""
        params, stats = init_batch_norm(options, 1)

        def call(stats, _):
            y, stats = batch_norm(self.x, params, stats, options, training=training)
            return stats, y

        stats, ys = jax.jit(lambda stats: jax.lax.scan(call, stats, length=count))(stats)
        return ys[-1], stats

    def infer(self, stats, options=None):
        params, _ = init_batch_norm(self.options, 1)
        return batch_norm(self.x, params, stats, options or self.options, training=False)[0]

    def test_four_parameters_of_which_none_trains_when_frozen(self):
        params, stats = init_batch_norm(self.options, 1)
        assert sum(v.size for v in jax.tree.leaves((params, stats))) == 4
        assert sum(v.size for v in jax.tree.leaves(params)) == 2
        options = BatchNorm(trainable=False)
        grads = jax.grad(lambda p: batch_norm(self.x, p, stats, options, training=True)[0].sum())(params)
        assert not any(jnp.any(v) for v in jax.tree.leaves(grads))

    def test_one_training_call(self):
        y, stats = self.calls(self.options, True, 1)
        assert (y.item(), digits(stats.moving_mean), digits(stats.moving_variance)) == (0, "1", "0.99")

    def test_a_thousand_more(self):
        y, stats = self.calls(self.options, True, 1001)
        assert (y.item(), digits(stats.moving_mean)) == (0, "99.99573")
        assert digits(stats.moving_variance) == "4.273953e-05"
        # TensorFlow subtracts mean * s from x * s, both near 3161, where float32's step is 2**-12. The
        # article's 0.13110352 and the 0.1323242 of another CPU are 5 and 0 such steps below the exact 0.13231.
        assert self.infer(stats).item() == pytest.approx(0.13110352, abs=5 * 2**-12)
        exact = (100 - float(stats.moving_mean[0])) / (float(stats.moving_variance[0]) + 1e-3) ** 0.5
        assert self.infer(stats).item() == pytest.approx(exact, rel=1e-6)

    def test_calls_outside_a_scan_round_the_same(self):
        params, stats = init_batch_norm(self.options, 1)
        step = jax.jit(lambda stats: batch_norm(self.x, params, stats, self.options, training=True)[1])
        for _ in range(1001):
            stats = step(stats)
        assert (digits(stats.moving_mean), digits(stats.moving_variance)) == ("99.99573", "4.273953e-05")

    @pytest.mark.parametrize(
        ("options", "training"),
        [(BatchNorm(), False), (BatchNorm(trainable=False), True)],
        ids=["inference", "frozen"],
    )
    def test_calls_that_move_nothing(self, options, training):
        y, stats = self.calls(options, training, 1000)
        assert (stats.moving_mean.item(), stats.moving_variance.item()) == (0, 1)
        assert digits(y) == "99.95004"
        assert digits(self.infer(stats, options)) == "99.95004"

    def test_frozen_as_in_tensorflow_1_keeps_training_mode(self):
        y, stats = self.calls(BatchNorm(trainable=False, frozen="tensorflow1"), True, 1)
        assert (y.item(), digits(stats.moving_mean), digits(stats.moving_variance)) == (0, "1", "0.99")

    @pytest.mark.parametrize("formula", ["tensorflow", "centred"])
    def test_fit(self, formula):
        # Mean squared error to 100, Adam with Keras' epsilon. In exact arithmetic beta ends at 0.99885741. The article's
        # 0.9988577 is 5 float32 steps above it: TensorFlow's output beta + (x * s - mean * s) has a resolution of
        # 2**-12, and a thousand sums round. With the same formula bnlab ends at the article's value. The centred formula
        # ends 2 steps below it.
        options = BatchNorm(formula=formula)
        params, stats = init_batch_norm(options, 1)
        adam = make_optimizer("adam_tf", 1e-3, epsilon=1e-7)

        def step(carry, _):
            params, stats, opt_state = carry

            def loss(params):
                y, after = batch_norm(self.x, params, stats, options, training=True)
                return jnp.mean(jnp.square(y - 100)), after

            grads, stats = jax.grad(loss, has_aux=True)(params)
            updates, opt_state = adam.update(grads, opt_state)
            return (optax.apply_updates(params, updates), stats, opt_state), None

        def fit(count):
            first = (params, stats, adam.init(params))
            return jax.jit(lambda first: jax.lax.scan(step, first, length=count))(first)[0][:2]

        once, once_stats = fit(1)
        assert digits(once.gamma) == "1"
        assert once.beta.item() == pytest.approx(0.001, abs=2 * 2**-33)  # two float32 steps
        assert (digits(once_stats.moving_mean), digits(once_stats.moving_variance)) == ("1", "0.99")
        fitted, fitted_stats = fit(1001)
        assert digits(fitted.gamma) == "1"
        assert fitted.beta.item() == pytest.approx(0.9988577, abs=2e-7)
        assert formula == "centred" or digits(fitted.beta) == "0.9988577"
        assert digits(fitted_stats.moving_mean) == "99.99573"
        assert digits(fitted_stats.moving_variance) == "4.273953e-05"


# Mistakes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 1.5}, "momentum: got 1.5, expected less than or equal to 1"),
        ({"momentum": float("nan")}, "momentum: got nan, expected a finite number"),
        ({"renorm_momentum": 1.0}, "renorm_momentum: got 1.0, expected less than 1"),
        ({"epsilon": 0.0}, "epsilon: got 0.0, expected greater than or equal to 1.2e-38"),
        ({"moving_variance_init": -1.0}, "moving_variance_init: got -1.0, expected greater than or equal to 0"),
        ({"gamma_l2": -0.1}, "gamma_l2: got -0.1, expected greater than or equal to 0"),
        ({"gamma_l2": 0.1, "scale": False}, "gamma_l2: got 0.1, expected 0 with scale false"),
        ({"beta_l2": 0.1, "center": False}, "beta_l2: got 0.1, expected 0 with center false"),
        ({"renorm": "keras2"}, "renorm: got 'keras2', expected one of tensorflow1, keras3"),
        ({"train_with": "all"}, "train_with: got 'all', expected one of batch, moving"),
        ({"evaluate_with": "all"}, "evaluate_with: got 'all', expected one of moving, batch, precise"),
        ({"frozen": "keras"}, "frozen: got 'keras', expected one of tensorflow2, tensorflow1"),
        ({"formula": "keras"}, "formula: got 'keras', expected one of centred, tensorflow"),
        ({"virtual_batch_size": 0}, "virtual_batch_size: got 0, expected greater than or equal to 1"),
        (
            {"renorm_clipping": RenormClipping(rmax=3.0)},
            "renorm_clipping: got bounds, expected null without renorm",
        ),
        (
            {"renorm": "tensorflow1", "sample_variance": True},
            "sample_variance: got true, expected false with renorm tensorflow1",
        ),
        (
            {"renorm": "keras3", "zero_debias_moving_mean": True},
            "zero_debias_moving_mean: got true, expected false with renorm keras3",
        ),
        (
            {"momentum": 1.0, "zero_debias_moving_mean": True},
            "momentum: got 1.0, expected 1 - 2**-24 or less with zero_debias_moving_mean",
        ),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BatchNorm(**options)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"rmin": 2.0, "rmax": 1.0}, "rmin: got 2.0, expected at most rmax (1.0)"),
        ({"dmax": -1.0}, "dmax: got -1.0, expected greater than or equal to 0"),
        ({"rmax": float("inf")}, "rmax: got inf, expected a finite number"),
    ],
)
def test_refused_clipping(bounds, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        RenormClipping(**bounds)


@pytest.mark.parametrize(
    ("options", "shape", "call", "message"),
    [
        ({}, (2, 3), {}, "x: got shape (2, 3), expected 4 features on axis -1"),
        ({"axis": 2}, (2, 4), {}, "x: got shape (2, 4), expected an axis 2"),
        (
            {"virtual_batch_size": 2},
            (3, 4),
            {},
            "x: got 3 rows, expected a multiple of virtual_batch_size (2)",
        ),
        (
            {"virtual_batch_size": 2},
            (4,),
            {},
            "x: got shape (4,), expected an axis of rows for virtual_batch_size",
        ),
        (
            {"virtual_batch_size": 2},
            (2, 4),
            {"weights": jnp.ones(2)},
            "virtual_batch_size: got 2, expected null with weights or a mask",
        ),
        ({}, (2, 4), {"weights": jnp.ones(3)}, "weights: got shape (3,), expected (2,)"),
        (
            {},
            (2, 5, 4),
            {"mask": jnp.ones((2, 3), bool)},
            "mask: got shape (2, 3), expected (2, 5) or its first axes",
        ),
        (
            {},
            (2, 4),
            {"mask": jnp.ones((2, 4), bool)},
            "mask: got shape (2, 4), expected (2,) or its first axes",
        ),
    ],
)
def test_refused_shapes(options, shape, call, message):
    options = BatchNorm(**options)
    params, stats = init_batch_norm(BatchNorm(), 4)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        batch_norm(jnp.ones(shape), params, stats, options, training=True, **call)


def test_refused_dtype_and_state():
    params, stats = init_batch_norm(BatchNorm(), 4)
    with pytest.raises(ValueError, match=r"^x: got int32, expected a floating dtype$"):
        batch_norm(jnp.ones((2, 4), int), params, stats, BatchNorm(), training=True)
    message = "stats.biased: got None, expected the state that init_batch_norm gives for these options"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        batch_norm(jnp.ones((2, 4)), params, stats, BatchNorm(zero_debias_moving_mean=True), training=True)
