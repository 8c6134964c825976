"""Optimizers as optax gradient transformations, among them Adam as TensorFlow computes it."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float

OptimizerName = Literal["adam", "adam_tf", "sgd"]


class ScaleByAdamTFState(NamedTuple):
    """The two moments of TensorFlow's Adam, and b1^t and b2^t of the next step."""

    mu: optax.Updates
    nu: optax.Updates
    b1_power: Float[Array, ""]
    b2_power: Float[Array, ""]


def scale_by_adam_tf(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> optax.GradientTransformation:
    """Rescale gradients as TensorFlow's Adam does: sqrt(1 − b2^t) / (1 − b1^t) · m / (sqrt(v) + eps).

    m ← m + (g − m)(1 − b1) and v ← v + (g² − v)(1 − b2), both from 0; t counts from 1.

    This eps is the "epsilon hat" of the paper: it is *not* divided by the bias correction, where optax.adam adds its
    eps after correcting v. A weight whose gradients are nearly zero, as those of MNIST's border pixels, therefore
    moves far less here than under optax.adam with the same number.

    Source: Kingma & Ba 2015, the last paragraph of section 2; tf.train.AdamOptimizer and tf.keras.optimizers.Adam.
    """

    b1_rounded, b2_rounded = np.float32(b1), np.float32(b2)

    def init(params: optax.Params) -> ScaleByAdamTFState:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return ScaleByAdamTFState(zeros, zeros, jnp.asarray(b1_rounded), jnp.asarray(b2_rounded))

    def update(
        updates: optax.Updates, state: ScaleByAdamTFState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, ScaleByAdamTFState]:
        del params
        # 1 - b2 of the rounded b2 and the powers as running products, as TensorFlow has them: 1 - 0.999 rounded is off
        # by 1e-5, and only so do the two cancel in the first steps as they do there.
        mu = jax.tree.map(lambda m, g: m + (g - m) * (1 - b1_rounded), state.mu, updates)
        nu = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - b2_rounded), state.nu, updates)
        correction = jnp.sqrt(1 - state.b2_power) / (1 - state.b1_power)
        updates = jax.tree.map(lambda m, v: correction * m / (jnp.sqrt(v) + eps), mu, nu)
        powers = state.b1_power * b1_rounded, state.b2_power * b2_rounded
        return updates, ScaleByAdamTFState(mu, nu, *powers)

    return optax.GradientTransformation(init, update)  # pyright: ignore[reportArgumentType]


def make_optimizer(
    name: OptimizerName,
    learning_rate: float,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    epsilon: float = 1e-8,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> optax.GradientTransformation:
    """Return the optimizer `name`: adam (optax's), adam_tf (TensorFlow's epsilon) or sgd.

    b1, b2, epsilon concern the two Adams; momentum and nesterov concern sgd. weight_decay is decoupled: every kernel
    (no bias, gamma or beta) also moves by −learning_rate · weight_decay · w. A penalty on the loss is `l2_penalty`.

    Raises:
        ValueError: an unknown name.

    Source: Kingma & Ba 2015; Loshchilov & Hutter 2019 (decoupled decay, with the schedule multiplier left out).
    """
    if name == "adam":
        scale = optax.scale_by_adam(b1, b2, epsilon)
    elif name == "adam_tf":
        scale = scale_by_adam_tf(b1, b2, epsilon)
    elif name == "sgd":
        scale = optax.trace(momentum, nesterov) if momentum else optax.identity()
    else:
        raise ValueError(f"optimizer: got {name!r}, expected one of adam, adam_tf, sgd")
    decay = optax.add_decayed_weights(weight_decay, mask=_is_kernel) if weight_decay else optax.identity()
    return optax.chain(scale, decay, optax.scale_by_learning_rate(learning_rate))


def _is_kernel(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda weights: weights.ndim > 1, params)
