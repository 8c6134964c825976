"""Optimizers as optax gradient transformations, among them Adam as TensorFlow computes it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float

from bnlab.nn.rounding import rounded
from bnlab.options import OptimizerName


class AdamTFState(NamedTuple):
    """The two moments of TensorFlow's Adam, and b1^t and b2^t of the next step."""

    mu: optax.Updates
    nu: optax.Updates
    b1_power: Float[Array, ""]
    b2_power: Float[Array, ""]


def adam_tf(learning_rate: float, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> optax.GradientTransformation:
    """Return Adam as TensorFlow computes it: the update is −α · m / (sqrt(v) + eps).

    α = learning_rate · sqrt(1 − b2^t) / (1 − b1^t), m ← m + (g − m)(1 − b1) and v ← v + (g² − v)(1 − b2), both from 0;
    t counts from 1.

    This eps is the "epsilon hat" of the paper: it is *not* divided by the bias correction, where optax.adam adds its
    eps after correcting v. A weight whose gradients are nearly zero, as those of MNIST's border pixels, therefore
    moves far less here than under optax.adam with the same number.

    Source: Kingma & Ba 2015, the last paragraph of section 2; tf.train.AdamOptimizer and tf.keras.optimizers.Adam.
    """
    b1_rounded, b2_rounded = np.float32(b1), np.float32(b2)

    def init(params: optax.Params) -> AdamTFState:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return AdamTFState(zeros, zeros, jnp.asarray(b1_rounded), jnp.asarray(b2_rounded))

    def update(
        updates: optax.Updates, state: AdamTFState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, AdamTFState]:
        del params
        # 1 - b2 of the rounded b2 and the powers as running products, as TensorFlow has them: 1 - 0.999 rounded is off
        # by 1e-5, and only so do the two cancel in the first steps as they do there. Products are rounded as there, too.
        mu = jax.tree.map(lambda m, g: m + rounded((g - m) * (1 - b1_rounded)), state.mu, updates)
        nu = jax.tree.map(lambda v, g: v + rounded((rounded(g * g) - v) * (1 - b2_rounded)), state.nu, updates)
        alpha = learning_rate * jnp.sqrt(1 - state.b2_power) / (1 - state.b1_power)
        updates = jax.tree.map(lambda m, v: -(m * alpha) / (jnp.sqrt(v) + eps), mu, nu)
        powers = state.b1_power * b1_rounded, state.b2_power * b2_rounded
        return updates, AdamTFState(mu, nu, *powers)

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
    flat: bool = False,
) -> optax.GradientTransformation:
    """Return the optimizer `name`: adam (optax's), adam_tf (TensorFlow's epsilon) or sgd.

    b1, b2, epsilon concern the two Adams; momentum and nesterov concern sgd. weight_decay is decoupled: every kernel
    (no bias, gamma or beta) also moves by −learning_rate · weight_decay · w. A penalty on the loss is `l2_penalty`.

    flat: whether all weights go through it as one vector, which is the faster way for about a hundred.

    Raises:
        ValueError: an unknown name.

    Source: Kingma & Ba 2015; Loshchilov & Hutter 2019 (decoupled decay, with the schedule multiplier left out).
    """
    if name == "adam":
        optimizer = optax.adam(learning_rate, b1, b2, epsilon)
    elif name == "adam_tf":
        optimizer = adam_tf(learning_rate, b1, b2, epsilon)
    elif name == "sgd":
        optimizer = optax.sgd(learning_rate, momentum or None, nesterov)
    else:
        raise ValueError(f"optimizer: got {name!r}, expected one of adam, adam_tf, sgd")
    if flat:
        optimizer = optax.flatten(optimizer)
    if not weight_decay:
        return optimizer
    return optax.chain(optimizer, optax.add_decayed_weights(-learning_rate * weight_decay, mask=_is_kernel))


def _is_kernel(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda weights: weights.ndim > 1, params)
