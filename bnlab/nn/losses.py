"""Losses and accuracy. `axis` is the feature (class) axis, as in `dense`: -1 for [rows, features], 0 for [features, rows]."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

BLOCK = 8192
"""The longest sum that is computed as one product. XLA computes a product of this length on one thread."""


def half_sum_squares(outputs: Float[Array, "_ _"], targets: Float[Array, "_ _"]) -> Float[Array, ""]:
    """Return ½ Σ (outputs − targets)², a *sum* over rows and features (tf.nn.l2_loss of the difference)."""
    return 0.5 * _sum(jnp.square(outputs - targets))


def mean_squared_error(outputs: Float[Array, "_ _"], targets: Float[Array, "_ _"]) -> Float[Array, ""]:
    """Return the mean over rows and features of (outputs − targets)²."""
    return _sum(jnp.square(outputs - targets)) / outputs.size


def softmax_cross_entropy(logits: Float[Array, "_ _"], labels: Int[Array, "rows"], *, axis: int = -1) -> Float[Array, ""]:
    """Return the mean over rows of log Σ_c exp(logits_c) − logits_label, in nats.

    A one-hot mask picks the label's logit. A gather would have a scatter as its gradient, and a scatter keeps XLA from
    compiling a small training loop into one kernel.
    """
    picked = jnp.where(_one_hot(logits, labels, axis), logits, 0).sum(axis)
    return _sum(jax.nn.logsumexp(logits, axis=axis) - picked) / labels.size


def accuracy(logits: Float[Array, "_ _"], labels: Int[Array, "rows"], *, axis: int = -1) -> Float[Array, ""]:
    """Return the share of rows (0 to 1) whose largest logit is the label's. Of equal logits the first counts."""
    hits = jnp.argmax(logits, axis=axis) == labels
    return _sum(hits.astype(jnp.float32)) / labels.size


def _one_hot(logits: Array, labels: Array, axis: int) -> Bool[Array, "_ _"]:
    classes = jnp.arange(logits.shape[axis], dtype=labels.dtype)
    return jnp.expand_dims(labels, axis) == jnp.expand_dims(classes, 1 + axis if axis == 0 else 0)


def _sum(values: Array) -> Float[Array, ""]:
    """Return the sum, computed as a product with ones. On a CPU, XLA's float reduction takes one element at a time.

    A long sum is computed block by block. XLA may split a long product among its threads, which changes the order of
    the sum.
    """
    flat = values.reshape(-1)
    if flat.size > BLOCK:
        blocks = jnp.pad(flat, (0, -flat.size % BLOCK)).reshape(-1, BLOCK)
        return _sum(blocks @ jnp.ones(BLOCK, flat.dtype))
    return flat @ jnp.ones_like(flat)
