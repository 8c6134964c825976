"""Penalties: terms of the loss that depend only on the weights."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bnlab.nn.numbers import Scalar


def l2_penalty(kernels: Sequence[Array], scale: Scalar, *, halved: bool = True) -> Float[Array, ""]:
    """Return scale · Σ w² over all kernels, times ½ where `halved`.

    tf.contrib.layers.l2_regularizer halves; keras.regularizers.l2 does not. A kernel 784×10 of ones with scale 0.01
    gives 39.2 halved and 78.4 not halved (article 002).
    """
    total = sum((jnp.sum(jnp.square(kernel)) for kernel in kernels), start=jnp.zeros(()))
    return (0.5 * scale if halved else scale) * total
