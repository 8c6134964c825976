"""Rounding a product before it is added to anything."""

import jax.numpy as jnp
from jax import Array


def rounded(product: Array) -> Array:
    """Return the product, rounded on its own, as a framework of separate operations rounds it.

    XLA fuses a product into the addition that follows and rounds once. Mostly that is the better result, but where a
    published number is to come out to its last digit, or noise decides (Adam's first steps divide rounding errors by their
    own size), the rounding has to be the original's. A select in between keeps product and sum apart, at no cost.
    """
    return jnp.where(jnp.isnan(product), jnp.nan, product)
