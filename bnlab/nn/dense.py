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
KERNEL_SIDE = 128
"""The longest side of a product that XLA puts into the kernel of a loop."""
PLAIN_PRODUCTS = jax.__version_info__ >= (0, 12)
"""Whether XLA puts only products without a transposed argument into the kernel of a loop. Up to jaxlib 0.10.2 it took all."""


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
    return _product(x, params.kernel) + params.bias


def _product(x: Float[Array, "rows inputs"], kernel: Float[Array, "inputs outputs"]) -> Float[Array, "rows outputs"]:
    if PLAIN_PRODUCTS and max(*x.shape, *kernel.shape) <= KERNEL_SIDE:
        return _plain_product(x, kernel)
    return x @ kernel


@jax.custom_vjp
def _plain_product(x: Array, kernel: Array) -> Array:
    """Return x W. Its gradients g Wᵀ and xᵀ g are products of transposed copies, so that a training loop is one kernel.

    Departures: it has no forward-mode derivative (`jax.jvp`).
    """
    return x @ kernel


def _plain_forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return x @ kernel, (x, kernel)


def _plain_backward(arguments: tuple[Array, Array], grads: Array) -> tuple[Array, Array]:
    x, kernel = arguments
    return grads @ _transposed_copy(kernel), _transposed_copy(x) @ grads


_plain_product.defvjp(_plain_forward, _plain_backward)


def _transposed_copy(matrix: Array) -> Array:
    return lax.optimization_barrier(matrix.T)  # without the barrier, XLA makes the product one of a transposed argument
