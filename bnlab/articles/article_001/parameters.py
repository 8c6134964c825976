"""What each parameter of tf.contrib.layers.batch_norm does, shown on a batch of two rows by bnlab's own layer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from bnlab.nn import BatchNorm, BatchNormParams, BatchStats, RenormClipping, batch_norm, batch_norm_penalty, init_batch_norm
from bnlab.studies import Quantities

CONTRIB = BatchNorm(momentum=0.999, epsilon=1e-3, center=True, scale=False, sample_variance=True)
"""The layer with the defaults of tf.contrib.layers.batch_norm."""

RENORM = replace(CONTRIB, sample_variance=False, renorm="tensorflow1")

X = jnp.array([[0.0], [2.0]])
"""One feature, mean 1, population variance 1, sample variance 2."""


def _call(
    options: BatchNorm, x: Array = X, *, training: bool = True, params: BatchNormParams | None = None, **inputs: Any
) -> tuple[Array, BatchStats]:
    fresh, stats = init_batch_norm(options, x.shape[options.axis])
    return batch_norm(x, fresh if params is None else params, stats, options, training=training, **inputs)


def _largest(values: Array) -> float:
    return float(jnp.max(jnp.abs(values)))


def _one(values: Array | None) -> float:
    """Return the only value of an array; NaN where there is no array."""
    return float("nan") if values is None else float(values.reshape(()))


def _count(options: BatchNorm) -> float:
    """Return how many values of the layer are trained."""
    return float(sum(leaf.size for leaf in jax.tree.leaves(init_batch_norm(options, 1)[0])))


def _decay() -> float:
    return _one(_call(CONTRIB)[1].moving_mean)


def _beta_shift() -> float:
    y, _ = _call(CONTRIB)
    shifted, _ = _call(CONTRIB, params=BatchNormParams(None, jnp.array([5.0])))
    return float(jnp.mean(shifted - y))


def _gamma_factor() -> float:
    scaled = replace(CONTRIB, scale=True)
    y, _ = _call(scaled)
    tripled, _ = _call(scaled, params=BatchNormParams(jnp.array([3.0]), jnp.array([0.0])))
    return float(tripled[1, 0] / y[1, 0])


def _scale_into(between: Callable[[Array], Array]) -> float:
    """Return how far a linear layer after gamma · x̂ is from one whose kernel has taken gamma over."""
    gamma, kernel = jnp.array([3.0]), jnp.array([[0.5, -2.0]])
    scaled, _ = _call(replace(CONTRIB, scale=True), params=BatchNormParams(gamma, jnp.array([0.0])))
    plain, _ = _call(CONTRIB)
    return _largest(between(scaled) @ kernel - between(plain) @ (gamma[:, None] * kernel))


def _constant_column() -> float:
    y, _ = _call(CONTRIB, jnp.full((2, 1), 7.0))
    return _largest(y)


def _initial_values() -> float:
    options = replace(CONTRIB, scale=True, gamma_init=2.0, beta_init=3.0, moving_mean_init=4.0, moving_variance_init=5.0)
    params, stats = init_batch_norm(options, 1)
    values = [_one(v) for v in (*params, stats.moving_mean, stats.moving_variance)]
    return float(sum(ours == wanted for ours, wanted in zip(values, (2.0, 3.0, 4.0, 5.0), strict=True)))


def _penalty() -> float:
    """Return ½ · 0.1 · gamma² + ½ · 0.2 · beta² for gamma 2 and beta 3."""
    options = replace(CONTRIB, scale=True, gamma_l2=0.1, beta_l2=0.2)
    return float(batch_norm_penalty(BatchNormParams(jnp.array([2.0]), jnp.array([3.0])), options))


def _moved(options: BatchNorm, *, training: bool) -> float:
    _, stats = _call(options, training=training)
    fresh = init_batch_norm(options, 1)[1]
    return max(_largest(stats.moving_mean - fresh.moving_mean), _largest(stats.moving_variance - fresh.moving_variance))


def _inference_output() -> float:
    y, _ = _call(CONTRIB, training=False)
    return float(y[1, 0])


def _gradient(options: BatchNorm) -> float:
    params, stats = init_batch_norm(options, 1)
    weights = jnp.array([[1.0], [2.0]])

    def loss(params: BatchNormParams) -> Array:
        return jnp.sum(weights * batch_norm(X, params, stats, options, training=True)[0])

    return max(_largest(leaf) for leaf in jax.tree.leaves(jax.grad(loss)(params)))


def _weighted_mean() -> float:
    _, stats = _call(CONTRIB, weights=jnp.array([3.0, 1.0]))
    return _one(stats.moving_mean) / (1 - CONTRIB.momentum)


def _fused_variance() -> float:
    """Return the variance of the batch that the moving variance took in."""
    _, stats = _call(CONTRIB)
    return float((stats.moving_variance[0] - CONTRIB.momentum) / (1 - CONTRIB.momentum))


def _channels_first() -> float:
    x = jax.random.normal(jax.random.key(0), (4, 3, 5))
    first, _ = _call(replace(CONTRIB, axis=1), x)
    last, _ = _call(CONTRIB, jnp.moveaxis(x, 1, -1))
    return _largest(jnp.moveaxis(first, 1, -1) - last)


def _debiased_mean() -> float:
    return _one(_call(replace(CONTRIB, zero_debias_moving_mean=True))[1].moving_mean)


def _first_renorm() -> float:
    plain, _ = _call(CONTRIB)
    return _largest(_call(RENORM)[0] - plain)


def _second_batch(clipping: RenormClipping | None) -> Array:
    """Return the output for a batch far from the first, with renormalization."""
    options = replace(RENORM, renorm_clipping=clipping)
    params, _ = init_batch_norm(options, 1)
    _, stats = _call(options)
    return batch_norm(10 * X, params, stats, options, training=True)[0]


def _renorm_clipped() -> float:
    """Return how far bounds r = 1 and d = 0 make renormalization differ from plain batch norm."""
    plain, _ = _call(CONTRIB, 10 * X)
    return _largest(_second_batch(RenormClipping(rmin=1.0, rmax=1.0, dmax=0.0)) - plain)


def _renorm_decay() -> float:
    _, stats = _call(replace(RENORM, renorm_momentum=0.9))
    return _one(stats.renorm_mean)


def _adjustment() -> float:
    plain, _ = _call(CONTRIB)
    adjusted, _ = _call(CONTRIB, adjustment=(jnp.full((2, 1), 2.0), jnp.full((2, 1), 3.0)))
    return _largest(adjusted - (2 * plain + 3))


def _activated() -> float:
    plain, _ = _call(CONTRIB)
    return _largest(_call(CONTRIB, activation=jax.nn.relu)[0] - jnp.maximum(plain, 0))


def _shape() -> float:
    shapes = [(4, 3), (4, 6, 6, 3)]
    return float(sum(_call(CONTRIB, jnp.ones(shape))[0].shape == shape for shape in shapes))


def _reused() -> float:
    params = BatchNormParams(None, jnp.array([5.0]))
    _, stats = init_batch_norm(CONTRIB, 1)
    call = partial(batch_norm, X, params, stats, CONTRIB, training=False)
    return _largest(call()[0] - call()[0])


QUANTITIES: Quantities = {
    "inputs: shapes that the output keeps, of [4, 3] and [4, 6, 6, 3]": _shape,
    "decay 0.999: moving mean after one batch of mean 1": _decay,
    "decay 0.9: moving mean after one batch of mean 1": lambda: _one(_call(replace(CONTRIB, momentum=0.9))[1].moving_mean),
    "center: what beta 5 adds": _beta_shift,
    "center=False, scale=False: trained values": lambda: _count(replace(CONTRIB, center=False)),
    "scale: what gamma 3 multiplies by": _gamma_factor,
    "scale=False: trained values": lambda: _count(CONTRIB),
    "scale=False before a linear layer: difference": lambda: _scale_into(lambda x: x),
    "scale=False before a ReLU and a linear layer: difference": lambda: _scale_into(jax.nn.relu),
    "epsilon: output for a feature that never varies": _constant_column,
    "activation_fn: difference from ReLU after BN": _activated,
    "param_initializers: initial values as given, of 4": _initial_values,
    "param_regularizers: penalty of gamma 2 and beta 3": _penalty,
    "updates_collections: move of the statistics without the updates": lambda: _moved(
        replace(CONTRIB, update_moving=False), training=True
    ),
    "is_training=False: move of the statistics": lambda: _moved(CONTRIB, training=False),
    "is_training=False: output for 2, fresh statistics": _inference_output,
    "reuse: difference of two calls with one set of variables": _reused,
    "trainable=False: largest gradient": lambda: _gradient(replace(CONTRIB, trainable=False, frozen="tensorflow1")),
    "trainable: largest gradient": lambda: _gradient(CONTRIB),
    "batch_weights 3 and 1: mean of 0 and 2": _weighted_mean,
    "fused: variance of 0 and 2 that the moving variance takes": _fused_variance,
    "data_format: difference of channels first and last": _channels_first,
    "zero_debias_moving_mean: moving mean after one batch of mean 1": _debiased_mean,
    "renorm: difference from plain BN in the first step": _first_renorm,
    "renorm_clipping to r = 1 and d = 0: difference from plain BN": _renorm_clipped,
    "renorm_decay 0.9: renorm mean after one batch of mean 1": _renorm_decay,
    "adjustment 2 and 3: difference from 2 · x̂ + 3": _adjustment,
}
"""{quantity: what computes it}."""
