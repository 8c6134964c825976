"""One training step: the minimised loss of a batch, its gradient, and the update."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import optax
from jax import Array
from jaxtyping import Float

from bnlab.models import Params, State, apply_mlp
from bnlab.training.evaluation import Data, floats
from bnlab.training.recipe import Recipe

NOISE = 2**32 - 1
"""Folded into a step's key, it gives the key of the noise. The numbers of the layers, which are folded in too, are small."""


class TrainState(NamedTuple):
    """Everything that one step passes to the next; `key` is None where a step draws no random numbers."""

    params: Params
    batch_stats: State
    opt_state: optax.OptState
    key: Array | None = None


class StepLosses(NamedTuple):
    """The two terms of each step's gradient, before its update: the loss, and the penalty that is added to it."""

    loss: Float[Array, "records steps"]
    penalty: Float[Array, "records steps"]


BatchLoss = Callable[[Params, State, Array, Array | None], tuple[Array, tuple[StepLosses, State]]]
"""loss_of(params, batch_stats, rows, key) → (loss + penalty, (the two terms, the new statistics)): what a step minimises."""


def batch_loss(recipe: Recipe, data: Data) -> BatchLoss:
    """Return the function that a step minimises. `rows` are the numbers of the batch's training rows."""
    inputs, targets = data["train"]

    def loss_of(params: Params, batch_stats: State, rows: Array, key: Array | None):
        norm_inputs = partial(recipe.norm_inputs.of_layer, key)
        outputs, batch_stats = apply_mlp(
            recipe.model,
            params,
            batch_stats,
            floats(recipe, inputs[rows]),
            training=True,
            norm_inputs=norm_inputs,
            noise_key=None if key is None else jax.random.fold_in(key, NOISE),
        )
        loss = recipe.objective.of_batch(outputs, targets[rows])
        penalty = recipe.objective.penalty(recipe.model, params)
        return loss + penalty, (StepLosses(loss, penalty), batch_stats)

    return loss_of


def train_step(recipe: Recipe, data: Data) -> Callable[[TrainState, Array], tuple[TrainState, StepLosses]]:
    """Return the function that takes one step on a batch of row numbers."""
    optimizer, gradient = recipe.optimizer.transformation(), jax.grad(batch_loss(recipe, data), has_aux=True)

    def step(state: TrainState, rows: Array) -> tuple[TrainState, StepLosses]:
        key, now = advance(state.key)
        grads, (losses, batch_stats) = gradient(state.params, state.batch_stats, rows, now)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return TrainState(params, batch_stats, opt_state, key), losses  # pyright: ignore[reportArgumentType]

    return step


def advance(key: Array | None) -> tuple[Array | None, Array | None]:
    """Return the key data of the next step and the key of this step."""
    if key is None:
        return None, None
    following, now = jax.random.split(jax.random.wrap_key_data(key))
    return jax.random.key_data(following), now
