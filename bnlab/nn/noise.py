"""Noise that follows a norm in train steps: the covariate shift of "noisy" batch norm."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bnlab.nn.numbers import register_options
from bnlab.options import Noise

register_options(Noise, ["mean", "stddev", "mean_spread", "stddev_spread"])


def add_noise(x: Float[Array, "rows features"], noise: Noise, key: Array) -> Float[Array, "rows features"]:
    """Return s · x + m for a scale s and a shift m of every value, drawn from `key` as `Noise` says.

    The scale and shift have no gradient: x̄ = s · ȳ for the gradient ȳ of the result.

    Source: Santurkar et al. 2018, "How Does Batch Normalization Help Optimization?", algorithm 1.
    """
    keys = jax.random.split(key, 4)
    features = x.shape[1:]
    mean = jax.random.uniform(keys[0], features, x.dtype, -1, 1) * jnp.asarray(noise.mean)
    stddev = 1 + jax.random.uniform(keys[1], features, x.dtype) * (jnp.asarray(noise.stddev) - 1)
    shift = mean + jax.random.uniform(keys[2], x.shape, x.dtype, -1, 1) * jnp.asarray(noise.mean_spread)
    scale = stddev + jax.random.normal(keys[3], x.shape, x.dtype) * jnp.asarray(noise.stddev_spread)
    return scale * x + shift
