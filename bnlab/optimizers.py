"""Optimizers as optax gradient transformations, including Adam as TensorFlow computes it."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, assert_never, get_args

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float

from bnlab.nn.numbers import Scalar, register_options
from bnlab.nn.rounding import rounded
from bnlab.nn.schedules import schedule_factor
from bnlab.options import GradientClip, OptimizerName, Schedule


class AdamTFState(NamedTuple):
    """The two moments of TensorFlow's Adam, and b1^t and b2^t for the next step."""

    mu: optax.Updates
    nu: optax.Updates
    b1_power: Float[Array, ""]
    b2_power: Float[Array, ""]


def adam_tf(learning_rate: Scalar, b1: Scalar = 0.9, b2: Scalar = 0.999, eps: Scalar = 1e-8) -> optax.GradientTransformation:
    """Return Adam as TensorFlow computes it: the update is −α · m / (sqrt(v) + eps).

    α = learning_rate · sqrt(1 − b2^t) / (1 − b1^t), m ← m + (g − m)(1 − b1) and v ← v + (g² − v)(1 − b2), both from 0;
    t counts from 1.

    This eps is the "epsilon hat" of the paper: it is added to sqrt(v) *before* the bias correction. optax.adam adds its
    eps after the correction. So a weight whose gradients are nearly zero (a border pixel of MNIST) moves far less here
    than with optax.adam and the same eps.

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
        # As in TensorFlow, 1 - b2 comes from the rounded b2, and the powers are running products. 1 - 0.999 is then off
        # by 1e-5, and the errors of both cancel in the first steps, as in TensorFlow. Products are rounded alike, too.
        mu = jax.tree.map(lambda m, g: m + rounded((g - m) * (1 - b1_rounded)), state.mu, updates)
        nu = jax.tree.map(lambda v, g: v + rounded((rounded(g * g) - v) * (1 - b2_rounded)), state.nu, updates)
        alpha = learning_rate * jnp.sqrt(1 - state.b2_power) / (1 - state.b1_power)
        updates = jax.tree.map(lambda m, v: -(m * alpha) / (jnp.sqrt(v) + eps), mu, nu)
        powers = state.b1_power * b1_rounded, state.b2_power * b2_rounded
        return updates, AdamTFState(mu, nu, *powers)

    return optax.GradientTransformation(init, update)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer and its numbers, as a tree of numbers (see `bnlab.nn.numbers`). Numbers it does not use are 0.

    decay: −learning_rate · weight_decay, computed in double precision. Each step adds decay · kernel to a kernel.
    clip: the bound of the gradient, which includes the gradient of an `l2_penalty` but no decoupled decay.
    schedule: the factor of each update, the decay included. All three optimizers are proportional to their learning rate,
    so this is optax's own `learning_rate=schedule`.
    flat: whether the optimizer takes all weights as one vector. This is faster for about a hundred weights.
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
    schedule: Schedule | None = None
    clip: GradientClip | None = None

    def transformation(self) -> optax.GradientTransformation:
        """Return the optax transformation. Inside a compiled function the numbers may be its arguments."""
        match self.name:
            case "adam":
                optimizer = optax.adam(self.learning_rate, self.b1, self.b2, self.epsilon)  # pyright: ignore[reportArgumentType]
            case "adam_tf":
                optimizer = adam_tf(self.learning_rate, self.b1, self.b2, self.epsilon)
            case "sgd":
                optimizer = optax.sgd(self.learning_rate, self.momentum or None, self.nesterov)  # pyright: ignore[reportArgumentType]
            case _:
                assert_never(self.name)
        if self.clip is not None:
            optimizer = optax.chain(_clipping(self.clip), optimizer)
        if self.flat:
            optimizer = optax.flatten(optimizer)
        if self.decay:
            optimizer = optax.chain(optimizer, optax.add_decayed_weights(self.decay, mask=_is_kernel))  # pyright: ignore[reportArgumentType]
        if self.schedule is not None:
            factor = partial(schedule_factor, self.schedule)
            optimizer = optax.chain(optimizer, optax.scale_by_schedule(factor))  # pyright: ignore[reportArgumentType]
        return optimizer

    def rate(self, opt_state: Any) -> Float[Array, ""]:
        """Return the learning rate of the next step: `learning_rate` times the schedule's factor, if there is one.

        Only with a schedule is `opt_state`, the state of `transformation()`, looked at.
        """
        rate = jnp.asarray(self.learning_rate, jnp.float32)
        return rate if self.schedule is None else rate * schedule_factor(self.schedule, opt_state[-1].count)


register_options(GradientClip, ["threshold"])
register_options(
    Optimizer,
    ["learning_rate", "b1", "b2", "epsilon", "momentum", "decay", "schedule", "clip"],
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
    schedule: Schedule | None = None,
    clip: GradientClip | None = None,
    flat: bool = False,
) -> Optimizer:
    """Return the optimizer `name`: adam (optax's), adam_tf (TensorFlow's epsilon) or sgd.

    b1, b2, epsilon belong to the two Adams; momentum and nesterov belong to sgd. weight_decay is decoupled: each step
    also adds −learning_rate · weight_decay · w to every kernel, but not to a bias, gamma or beta. `l2_penalty` is the
    penalty on the loss. schedule, clip, flat: see `Optimizer`.

    With sgd without momentum and clipping, a halved `l2_penalty` of the same scale moves a kernel by the same amount. An
    Adam divides the penalty's gradient by sqrt(v) like every other gradient, and leaves the decoupled decay as it is. A
    schedule scales both, as AdamW of optax does.

    Raises:
        ValueError: an unknown name.

    Source: Kingma & Ba 2015; Loshchilov & Hutter 2019 (decoupled decay; the paper's λ is learning_rate · weight_decay);
    Pascanu et al. 2013 (clipping).
    """
    if name not in get_args(OptimizerName):
        raise ValueError(f"optimizer: got {name!r}, expected one of {', '.join(get_args(OptimizerName))}")
    decay = -learning_rate * weight_decay
    if name == "sgd":
        nesterov = nesterov and momentum > 0
        numbers: dict[str, Any] = {"momentum": momentum, "nesterov": nesterov}
    else:
        numbers = {"b1": b1, "b2": b2, "epsilon": epsilon}
    return Optimizer(name, learning_rate, **numbers, decay=decay, flat=flat, schedule=schedule, clip=clip)


def make_optimizer(name: OptimizerName, learning_rate: float, **options: Any) -> optax.GradientTransformation:
    """Return the optax transformation of `choose_optimizer` with the same arguments."""
    return choose_optimizer(name, learning_rate, **options).transformation()


def _clipping(clip: GradientClip) -> optax.GradientTransformation:
    threshold = jnp.asarray(clip.threshold)
    return optax.clip_by_global_norm(threshold) if clip.name == "global_norm" else optax.clip(threshold)


def _is_kernel(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda weights: weights.ndim > 1, params)
