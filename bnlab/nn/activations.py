"""Activations: functions of one number, applied to every value of an array."""

from collections.abc import Callable
from functools import partial
from typing import get_args

import jax
from jax import Array

from bnlab.options import Activation

_OWN: dict[str, Callable[[Array], Array]] = {
    "linear": jax.nn.identity,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": partial(jax.nn.gelu, approximate=True),
}
"""The activations that `jax.nn` does not have under their name, or has in another form."""


def activation(name: str) -> Callable[[Array], Array]:
    """Return the activation of this name; without an entry above, it is the function of `jax.nn` with this name.

    relu: max(x, 0). leaky_relu: x, or 0.01 · x below 0. elu: x, or exp(x) − 1 below 0. silu: x · σ(x), σ the sigmoid.
    gelu: x · Φ(x), Φ the normal distribution. gelu_tanh: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), which is close to it.

    Raises:
        ValueError: an unknown name.

    Departures between systems: "gelu" is x · Φ(x) in Keras, PyTorch and TensorFlow too, but the tanh form in JAX and Flax.
    leaky_relu has the slope 0.01 in PyTorch, JAX and Flax, but 0.3 in the layer and 0.2 in the function of Keras.

    Source: Hendrycks & Gimpel 2016 (gelu, silu); Clevert et al. 2016 (elu); Maas et al. 2013 (leaky_relu).
    """
    if name not in get_args(Activation):
        raise ValueError(f"activation: got {name!r}, expected one of {', '.join(get_args(Activation))}")
    return _OWN.get(name) or getattr(jax.nn, name)
