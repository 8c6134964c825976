"""Round a product before it is added to another number."""

import jax.numpy as jnp
from jax import Array


def rounded(product: Array) -> Array:
    """Return the product, rounded by itself, as in a framework that runs each operation separately.

    XLA fuses a product with the addition that follows and rounds only once, which is usually more exact. But two cases
    need the rounding of the original framework: a published number that must agree to its last digit, and a result that
    rounding errors decide (Adam's first steps divide them by their own size). A select between product and sum keeps the
    two apart, at no cost.
    """
    return jnp.where(jnp.isnan(product), jnp.nan, product)
