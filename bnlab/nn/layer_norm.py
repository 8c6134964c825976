"""Layer normalization as a pure function: the statistics of each row, over its features. It has no state."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from bnlab.nn.numbers import register_options
from bnlab.options import LayerNorm

register_options(LayerNorm, ["epsilon"])


class LayerNormParams(NamedTuple):
    """The trained parameters of one layer; None where `scale` or `center` is off."""

    gamma: Float[Array, "features"] | None
    beta: Float[Array, "features"] | None


def init_layer_norm(options: LayerNorm, features: int) -> LayerNormParams:
    """Return gamma 1 and beta 0."""
    return LayerNormParams(
        gamma=jnp.ones(features) if options.scale else None, beta=jnp.zeros(features) if options.center else None
    )


def layer_norm(x: Float[Array, "_ _"], params: LayerNormParams, options: LayerNorm, *, axis: int = -1) -> Float[Array, "_ _"]:
    """Return gamma · (x − mean) / sqrt(variance + epsilon) + beta, with the statistics of each row over its F features.

    mean = Σ x / F,  variance = Σ (x − mean)² / F, in training and in inference alike.

    axis: the feature axis: −1 for x [rows, features], 0 for x [features, rows].

    Source: Ba, Kiros & Hinton 2016, "Layer Normalization", eq. 3. epsilon is 0.001 in Keras, 1e-5 in PyTorch, 1e-6 in Flax.
    """
    deviation = x - jnp.mean(x, axis, keepdims=True)
    variance = jnp.mean(jnp.square(deviation), axis, keepdims=True)
    y = deviation * lax.rsqrt(variance + options.epsilon)
    gamma, beta = (v if v is None or axis == -1 else v[:, None] for v in params)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta
