"""Optimizers as optax gradient transformations, among them Adam as TensorFlow computes it."""

from dataclasses import dataclass
from typing import Any, NamedTuple, assert_never, get_args

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float

from bnlab.nn.numbers import Scalar, register_options
from bnlab.nn.rounding import rounded
from bnlab.options import OptimizerName


class AdamTFState(NamedTuple):
    """The two moments of TensorFlow's Adam, and b1^t and b2^t of the next step."""

    mu: optax.Updates
    nu: optax.Updates
    b1_power: Float[Array, ""]
    b2_power: Float[Array, ""]


def adam_tf(learning_rate: Scalar, b1: Scalar = 0.9, b2: Scalar = 0.999, eps: Scalar = 1e-8) -> optax.GradientTransformation:
    """Return Adam as TensorFlow computes it: the update is −α · m / (sqrt(v) + eps).

    α = learning_rate · sqrt(1 − b2^t) / (1 − b1^t), m ← m + (g − m)(1 − b1) and v ← v + (g² − v)(1 − b2), both from 0;
    t counts from 1.

    This eps is the "epsilon hat" of the paper: it is *not* divided by the bias correction, where optax.adam adds its
    eps after correcting v. A weight whose gradients are nearly zero, as those of MNIST's border pixels, therefore
    moves far less here than under optax.adam with the same number.

    Source: Kingma & Ba 2015, the last paragraph of section 2; tf.train.AdamOptimizer and tf.keras.optimizers.Adam.
    """
    b1_rounded, b2_rounded = jnp.asarray(b1, jnp.float32), jnp.asarray(b2, jnp.float32)

    def init(params: optax.Params) -> AdamTFState:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return AdamTFState(zeros, zeros, b1_rounded, b2_rounded)

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


@dataclass(frozen=True)
class Optimizer:
    """An optimizer and its numbers; those that its kind does not use are 0. A tree of numbers (see `bnlab.nn.numbers`).

    decay: −learning_rate · weight_decay, multiplied in double precision: what share of a kernel a step adds to it.
    flat: whether all weights go through it as one vector, which is the faster way for about a hundred.
    """

    name: OptimizerName
    learning_rate: Scalar
    b1: Scalar = 0.0
    b2: Scalar = 0.0
    epsilon: Scalar = 0.0
    momentum: Scalar = 0.0
    nesterov: bool = False
    decay: Scalar = 0.0
    flat: bool = False

    def transformation(self) -> optax.GradientTransformation:
        """Return it as optax has it. Inside a compiled function its numbers may be arguments."""
        match self.name:
            case "adam":
                optimizer = optax.adam(self.learning_rate, self.b1, self.b2, self.epsilon)  # pyright: ignore[reportArgumentType]
            case "adam_tf":
                optimizer = adam_tf(self.learning_rate, self.b1, self.b2, self.epsilon)
            case "sgd":
                optimizer = optax.sgd(self.learning_rate, self.momentum or None, self.nesterov)  # pyright: ignore[reportArgumentType]
            case _:
                assert_never(self.name)
        if self.flat:
            optimizer = optax.flatten(optimizer)
        if not self.decay:
            return optimizer
        return optax.chain(optimizer, optax.add_decayed_weights(self.decay, mask=_is_kernel))  # pyright: ignore[reportArgumentType]


register_options(
    Optimizer,
    ["learning_rate", "b1", "b2", "epsilon", "momentum", "decay"],
    off_at_zero=["momentum", "decay"],
)


def choose_optimizer(
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
) -> Optimizer:
    """Return the optimizer `name`: adam (optax's), adam_tf (TensorFlow's epsilon) or sgd.

    b1, b2, epsilon concern the two Adams; momentum and nesterov concern sgd. weight_decay is decoupled: every kernel
    (no bias, gamma or beta) also moves by −learning_rate · weight_decay · w. A penalty on the loss is `l2_penalty`.
    flat: see `Optimizer`.

    Raises:
        ValueError: an unknown name.

    Source: Kingma & Ba 2015; Loshchilov & Hutter 2019 (decoupled decay, with the schedule multiplier left out).
    """
    if name not in get_args(OptimizerName):
        raise ValueError(f"optimizer: got {name!r}, expected one of {', '.join(get_args(OptimizerName))}")
    decay = -learning_rate * weight_decay
    if name == "sgd":
        nesterov = nesterov and momentum > 0
        return Optimizer(name, learning_rate, momentum=momentum, nesterov=nesterov, decay=decay, flat=flat)
    return Optimizer(name, learning_rate, b1, b2, epsilon, decay=decay, flat=flat)


def make_optimizer(name: OptimizerName, learning_rate: float, **options: Any) -> optax.GradientTransformation:
    """Return the optax transformation of `choose_optimizer` with the same arguments."""
    return choose_optimizer(name, learning_rate, **options).transformation()


def _is_kernel(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda weights: weights.ndim > 1, params)
