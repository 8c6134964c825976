"""Losses and accuracy. `axis` is the feature (class) axis, as in `dense`: -1 for [rows, features], 0 for [features, rows]."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

BLOCK = 8192
"""The longest sum that is one product; XLA computes it on one thread."""


def half_sum_squares(outputs: Float[Array, "_ _"], targets: Float[Array, "_ _"]) -> Float[Array, ""]:
    """Return ½ Σ (outputs − targets)², a *sum* over rows and features (tf.nn.l2_loss of the difference)."""
    return 0.5 * _sum(jnp.square(outputs - targets))


def mean_squared_error(outputs: Float[Array, "_ _"], targets: Float[Array, "_ _"]) -> Float[Array, ""]:
    """Return the mean over rows and features of (outputs − targets)²."""
    return _sum(jnp.square(outputs - targets)) / outputs.size


def softmax_cross_entropy(logits: Float[Array, "_ _"], labels: Int[Array, "rows"], *, axis: int = -1) -> Float[Array, ""]:
    """Return the mean over rows of log Σ_c exp(logits_c) − logits_label, in nats.

    The label is picked by a one-hot product: a gather's gradient is a scatter, which keeps XLA from compiling a
    small training loop into one kernel.
    """
    picked = jnp.where(_one_hot(logits, labels, axis), logits, 0).sum(axis)
    return _sum(jax.nn.logsumexp(logits, axis=axis) - picked) / labels.size


def accuracy(logits: Float[Array, "_ _"], labels: Int[Array, "rows"], *, axis: int = -1) -> Float[Array, ""]:
    """Return the share of rows whose largest logit (the first of equals) is the label's, 0 to 1."""
    hits = jnp.argmax(logits, axis=axis) == labels
    return _sum(hits.astype(jnp.float32)) / labels.size


def _one_hot(logits: Array, labels: Array, axis: int) -> Bool[Array, "_ _"]:
    classes = jnp.arange(logits.shape[axis], dtype=labels.dtype)
    return jnp.expand_dims(labels, axis) == jnp.expand_dims(classes, 1 + axis if axis == 0 else 0)


def _sum(values: Array) -> Float[Array, ""]:
    """Sum as a product with ones: XLA's float reduction runs one element at a time on a CPU, a product does not.

    Long ones go block by block, since XLA may split a long product among its threads and so sum in another order.
    """
    flat = values.reshape(-1)
    if flat.size > BLOCK:
        blocks = jnp.pad(flat, (0, -flat.size % BLOCK)).reshape(-1, BLOCK)
        return _sum(blocks @ jnp.ones(BLOCK, flat.dtype))
    return flat @ jnp.ones_like(flat)
