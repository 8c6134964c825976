"""Dense layers: y = x W + b."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from bnlab.nn.numbers import register_options
from bnlab.options import KernelInit

register_options(KernelInit, ["stddev"])

CUT_STDDEV = 0.87962566103423978
"""The standard deviation of a standard normal distribution that is cut at ±2."""
FEW_INPUTS = 32
"""Up to this many inputs, the transposed form adds them one after the other."""


class DenseParams(NamedTuple):
    """The weights of one dense layer."""

    kernel: Float[Array, "inputs outputs"]
    bias: Float[Array, "outputs"]


def init_dense(key: Array, inputs: int, outputs: int, init: KernelInit = KernelInit()) -> DenseParams:
    """Return a kernel drawn as `init` says, and a zero bias.

    glorot_…, he_…, lecun_…: variance 1/n with n = (inputs + outputs)/2, inputs/2, inputs
    …_uniform: within ±sqrt(3/n)
    …_normal:  a normal distribution cut at two standard deviations, whose variance after the cut is 1/n
    normal:    a normal distribution of deviation `stddev`, which is not cut

    Source: Glorot & Bengio 2010, eq. 16; He et al. 2015, eq. 10; LeCun et al. 1998, eq. 16; VarianceScaling of Keras.
    Glorot-uniform is the default of tf.layers.Dense and of Keras, lecun_normal the default of Flax.
    """
    shape = inputs, outputs
    if init.name == "normal":
        kernel = jnp.asarray(init.stddev) * jax.random.normal(key, shape)
    else:
        family, distribution = init.name.split("_")
        n = {"glorot": (inputs + outputs) / 2, "he": inputs / 2, "lecun": inputs}[family]
        if distribution == "uniform":
            limit = math.sqrt(3 / n)
            kernel = jax.random.uniform(key, shape, jnp.float32, -limit, limit)
        else:
            kernel = (math.sqrt(1 / n) / CUT_STDDEV) * jax.random.truncated_normal(key, -2, 2, shape)
    return DenseParams(kernel, jnp.zeros(outputs, jnp.float32))


def dense(x: Float[Array, "_ _"], params: DenseParams, *, axis: int = -1) -> Float[Array, "_ _"]:
    """Return x W + b for x [rows, inputs], or with `axis=0` its transpose for x [inputs, rows].

    The transposed form keeps the rows in the fastest-varying axis. On a CPU this is faster for many rows and a narrow
    net, so evaluation uses it. Few inputs are added one after the other: XLA fuses these additions, and the
    operations before and after them, into one loop.
    """
    if axis == 0 and len(params.kernel) <= FEW_INPUTS:
        y = params.bias[:, None]
        for weights, row in zip(params.kernel, x, strict=True):
            y = y + weights[:, None] * row
        return y
    if axis == 0:
        return lax.dot_general(params.kernel, x, (((0,), (0,)), ((), ()))) + params.bias[:, None]
    return x @ params.kernel + params.bias
