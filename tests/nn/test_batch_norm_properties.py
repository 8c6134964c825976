"""Invariances of batch normalization, for inputs that hypothesis draws."""

import functools

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from bnlab.nn import BatchNorm, BatchNormParams, batch_norm, init_batch_norm

ROWS, FEATURES = 8, 3
OPTIONS = [
    BatchNorm(),
    BatchNorm(sample_variance=True, zero_debias_moving_mean=True),
    BatchNorm(renorm="tensorflow1"),
    BatchNorm(renorm="keras3"),
]
options_of = st.sampled_from(OPTIONS)
seeds = st.integers(0, 2**32 - 1)

# One shape everywhere, so that each option is compiled once; derandomized, so that a failure can be repeated.
check = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def draw(seed, shape=(ROWS, FEATURES)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@functools.partial(jax.jit, static_argnames="options")
def train(x, options, weights=None, mask=None):
    """A training step with different gamma and beta for each channel, from a state in which renormalization has an effect."""
    features = x.shape[options.axis]
    params = BatchNormParams(jnp.linspace(0.5, 1.5, features), jnp.linspace(-1.0, 1.0, features))
    stats = jax.tree.map(lambda v: v + 0.5, init_batch_norm(options, features)[1])
    return batch_norm(x, params, stats, options, training=True, weights=weights, mask=mask)


def assert_close(actual, expected, atol=1e-5):
    jax.tree.map(lambda a, e: np.testing.assert_allclose(a, e, rtol=1e-5, atol=atol), actual, expected)


@check
@given(seed=seeds, shift=st.floats(-1e3, 1e3))
def test_shift_of_a_channel_changes_nothing_but_the_mean(seed, shift):
    # The shift itself rounds x, by up to 3e-5 at 1e3; a column of small spread multiplies this error.
    x = draw(seed)
    y, stats = train(x, OPTIONS[0])
    y_shifted, stats_shifted = train(x + np.float32(shift), OPTIONS[0])
    assert_close(y_shifted, y, atol=1e-3)
    assert_close(stats_shifted.moving_variance, stats.moving_variance)
    assert_close(stats_shifted.moving_mean, stats.moving_mean + 0.01 * shift)


@check
@given(seed=seeds, power=st.integers(-3, 10))
def test_scale_of_a_channel_changes_nothing_where_epsilon_is_small(seed, power):
    options = BatchNorm(epsilon=1e-12, momentum=0.0)
    x = draw(seed)
    y, stats = train(x, options)
    y_scaled, stats_scaled = train(x * 2.0**power, options)
    assert_close(y_scaled, y)
    assert_close(stats_scaled.moving_mean, stats.moving_mean * 2.0**power)
    assert_close(stats_scaled.moving_variance, stats.moving_variance * 4.0**power)


@check
@given(seed=seeds, options=options_of, order=st.permutations(range(ROWS)))
def test_order_of_rows_does_not_matter(seed, options, order):
    x, order = draw(seed), np.array(order)
    y, stats = train(x, options)
    y_permuted, stats_permuted = train(x[order], options)
    assert_close(y_permuted, np.asarray(y)[order])
    assert_close(stats_permuted, stats)


def of_dropped(seed, options, kept):
    """The output for the kept rows, and the state, where the other rows are removed."""
    return train(draw(seed)[kept], options)


kept_rows = st.permutations([True] * 5 + [False] * (ROWS - 5))


@check
@given(seed=seeds, options=options_of, kept=kept_rows, junk=st.floats(-1e6, 1e6) | st.just(float("nan")))
def test_masked_rows_change_nothing(seed, options, kept, junk):
    kept = np.array(kept)
    x = np.where(kept[:, None], draw(seed), np.float32(junk))
    y, stats = train(x, options, mask=kept)
    y_dropped, stats_dropped = of_dropped(seed, options, kept)
    assert_close(np.asarray(y)[kept], y_dropped)
    assert_close(stats, stats_dropped)


@check
@given(seed=seeds, options=options_of.filter(lambda o: not o.sample_variance), kept=kept_rows)
def test_zero_weight_is_a_dropped_row(seed, options, kept):
    kept = np.array(kept)
    y, stats = train(draw(seed), options, weights=kept.astype(np.float32))
    y_dropped, stats_dropped = of_dropped(seed, options, kept)
    assert_close(np.asarray(y)[kept], y_dropped)
    assert_close(stats, stats_dropped)


@check
@given(seed=seeds, options=options_of.filter(lambda o: not o.sample_variance), row=st.integers(0, ROWS - 1))
def test_weight_of_two_is_a_row_twice(seed, options, row):
    x = draw(seed)
    weights = np.ones(ROWS, np.float32)
    weights[row] = 2
    y, stats = train(x, options, weights=weights)
    y_twice, stats_twice = train(np.concatenate([x, x[row : row + 1]]), options)
    assert_close(y, y_twice[:ROWS])
    assert_close(stats, stats_twice)


@check
@given(seed=seeds, options=options_of, factor=st.floats(0.1, 10))
def test_scale_of_all_weights_does_not_matter(seed, options, factor):
    x, weights = draw(seed), np.random.default_rng(seed).uniform(0.1, 1, ROWS).astype(np.float32)
    assert_close(train(x, options, weights=weights * np.float32(factor)), train(x, options, weights=weights))


@check
@given(seed=seeds, options=options_of, axis=st.integers(0, 2), masked=st.booleans())
def test_axis_moves_commute(seed, options, axis, masked):
    x = draw(seed, (4, 2, FEATURES))
    mask = np.random.default_rng(seed).uniform(size=(4, 2)) < 0.8 if masked else None
    y, stats = train(x, options, mask=mask)
    moved = BatchNorm(**{**vars(options), "axis": axis})
    y_moved, stats_moved = train(np.moveaxis(x, -1, axis), moved, mask=mask)
    assert_close(np.moveaxis(y_moved, axis, -1), y)
    assert_close(stats_moved, stats)


@check
@given(seed=seeds, options=options_of)
def test_positions_are_rows(seed, options):
    x = draw(seed, (4, 2, FEATURES))
    y, stats = train(x, options)
    y_rows, stats_rows = train(x.reshape(ROWS, FEATURES), options)
    assert_close(y.reshape(ROWS, FEATURES), y_rows)
    assert_close(stats, stats_rows)


@check
@given(seed=seeds, options=options_of)
def test_one_ghost_batch_is_the_batch(seed, options):
    x = draw(seed)
    ghost = BatchNorm(**{**vars(options), "virtual_batch_size": ROWS})
    assert_close(train(x, ghost), train(x, options))


@pytest.mark.parametrize("options", [*OPTIONS, BatchNorm(virtual_batch_size=2)], ids=range(len(OPTIONS) + 1))
def test_vmap_equals_a_loop(options):
    """Under vmap over runs with their own x, parameters and state: output, new state and gradients."""
    runs = 4
    xs = jnp.asarray(draw(0, (runs, ROWS, FEATURES)))
    _, stats = init_batch_norm(options, FEATURES)
    params = BatchNormParams(*jnp.asarray(draw(1, (2, runs, FEATURES))))
    stats = jax.tree.map(lambda v: jnp.stack([v + 0.1 * i for i in range(runs)]), stats)

    def step(x, params, stats):
        def loss(x, params):
            y, after = batch_norm(x, params, stats, options, training=True)
            return jnp.sum(jnp.sin(y)), (y, after)

        return jax.grad(loss, (0, 1), has_aux=True)(x, params)

    together = jax.jit(jax.vmap(step))(xs, params, stats)
    alone = jax.jit(step)
    for i in range(runs):
        mine = jax.tree.map(lambda v: v[i], (xs, params, stats))  # noqa: B023
        assert_close(jax.tree.map(lambda v: v[i], together), alone(*mine))  # noqa: B023
