"""The quantities of article 004: those of its `sequence`, and its rules, shown on eight rows."""

from functools import cache

import jax
import jax.numpy as jnp

from bnlab.articles.article_004 import CLAIMS, sequence
from bnlab.articles.article_004.sequence import FROZEN, FROZEN_1, LAYER
from bnlab.nn import BatchNorm, BatchNormParams, batch_norm, init_batch_norm, mean_squared_error
from bnlab.studies import Quantities

ROWS = jnp.arange(8.0)[:, None]


def quantities() -> Quantities:
    """Return {quantity: what computes it}; the sequence runs once for all its numbers."""
    measured = cache(sequence.measure)
    return {**{quantity: lambda q=quantity: measured()[q] for quantity in CLAIMS}, **_RULES}


def _call(options: BatchNorm, x: jax.Array = ROWS, *, training: bool) -> tuple[jax.Array, float]:
    """Return the output and how many of the two moving statistics a call moves."""
    params, stats = init_batch_norm(options, 1)
    y, after = batch_norm(x, params, stats, options, training=training)
    moved = (after.moving_mean != stats.moving_mean, after.moving_variance != stats.moving_variance)
    return y, float(sum(bool(each.any()) for each in moved))


def _gradients(options: BatchNorm) -> list[float]:
    """Return the absolute gradients of gamma and beta in training mode, for targets that are not the outputs."""
    params, stats = init_batch_norm(options, 1)

    def loss(params: BatchNormParams) -> jax.Array:
        return mean_squared_error(batch_norm(ROWS, params, stats, options, training=True)[0], 3 * ROWS)

    return [abs(float(leaf.reshape(()))) for leaf in jax.tree.leaves(jax.grad(loss)(params))]


def _neighbours() -> float:
    alone, _ = _call(LAYER, ROWS[:4], training=False)
    beside, _ = _call(LAYER, ROWS, training=False)
    return float(jnp.max(jnp.abs(alone - beside[:4])))


def _frozen_modes() -> float:
    training, _ = _call(FROZEN, training=True)
    inference, _ = _call(FROZEN, training=False)
    return float(jnp.max(jnp.abs(training - inference)))


def _momentum() -> float:
    layer = BatchNorm(formula="tensorflow", momentum=0.75)
    params, stats = init_batch_norm(layer, 1)
    return float(batch_norm(jnp.ones((1, 1)), params, stats, layer, training=True)[1].moving_mean[0])


_RULES: Quantities = {
    "training mode: mean of the output": lambda: float(jnp.mean(_call(LAYER, training=True)[0])),
    "training mode: moving statistics that move": lambda: _call(LAYER, training=True)[1],
    "inference mode: what other rows change in a row's output": _neighbours,
    "inference mode: moving statistics that move": lambda: _call(LAYER, training=False)[1],
    "trainable=False, TensorFlow 2: difference of both modes' outputs": _frozen_modes,
    "trainable=False, TensorFlow 2: moving statistics that move": lambda: _call(FROZEN, training=True)[1],
    "trainable=False, TensorFlow 1: mean of the output in training mode": lambda: float(
        jnp.mean(_call(FROZEN_1, training=True)[0])
    ),
    "trainable=False, TensorFlow 1: largest gradient": lambda: max(_gradients(FROZEN_1)),
    "trainable=False: largest gradient": lambda: max(_gradients(FROZEN)),
    "trainable=True: gradients that are not 0": lambda: float(sum(each > 0 for each in _gradients(LAYER))),
    "momentum 0.75: moving mean after one batch of mean 1": _momentum,
    "default momentum": lambda: float(BatchNorm().momentum),
    "default epsilon": lambda: float(BatchNorm().epsilon),
}
"""{quantity: what computes it}: the rules of training and trainable, shown on eight rows."""
