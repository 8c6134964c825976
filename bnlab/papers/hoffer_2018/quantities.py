"""Training without decay whose steps are corrected by the norms of a decayed training."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jaxtyping import Float

from bnlab.config import Config
from bnlab.models import Params
from bnlab.papers.hoffer_2018 import SHARE
from bnlab.runs import Pool
from bnlab.studies import SeedQuantities
from bnlab.training import prepare
from bnlab.training.evaluation import Recorded, evaluate
from bnlab.training.prepared import build_recipe
from bnlab.training.step import TrainState, batch_loss, train_step


class Losses(NamedTuple):
    """The test losses of two trainings without decay: with corrected steps, and with plain ones."""

    corrected: Float[np.ndarray, "records"]
    plain: Float[np.ndarray, "records"]


class Trainings(NamedTuple):
    """The states of three trainings on the same batches."""

    decayed: TrainState
    corrected: TrainState
    plain: TrainState


def corrections(own: Params, decayed: Params, layers: Sequence[str]) -> list[Float[Array, ""]]:
    """Return ‖W‖² / ‖W of the decayed training‖² for the kernel W of each layer."""
    return [jnp.sum(jnp.square(own[name].kernel)) / jnp.sum(jnp.square(decayed[name].kernel)) for name in layers]


def undecayed_trainings(config: Config) -> Callable[[int, int], Losses]:
    """Return a function of (init seed, data seed): the losses of the two trainings without decay.

    The kernel W of a layer that a batch norm follows has no decay, and the last layer keeps its own. The corrected step of W
    is −rate · ‖W‖² / ‖W of the decayed training‖² · gradient, with the norms before the step. All trainings have the same
    first weights and batches.

    Raises:
        ValueError: `record_every` does not divide `num_steps`.
    """
    if config.num_steps % config.record_every:
        raise ValueError(f"record_every: got {config.record_every}, expected a divisor of num_steps ({config.num_steps})")
    (prepared,) = prepare([config])
    recipe = build_recipe(config, prepared.dataset)
    decayed_step, gradient = train_step(recipe, prepared.data), jax.grad(batch_loss(recipe, prepared.data), has_aux=True)
    optimizer = recipe.optimizer.transformation()
    layers = [f"dense{i}" for i in range(len(config.model.hidden))]

    def step(state: TrainState, rows: Array, factors: Sequence[Array]) -> TrainState:
        """Return the state after a step without decay of the layers, whose gradients are multiplied by the factors."""
        params = state.params
        grads, (_, batch_stats) = gradient(params, state.batch_stats, rows, None)
        for name, factor in zip(layers, factors, strict=True):
            grads[name] = grads[name]._replace(kernel=factor * grads[name].kernel)
        updated: tuple[Any, Any] = optimizer.update(grads, state.opt_state, params)
        updates, opt_state = updated
        for name in layers:  # `decay` times the kernel is what the optimizer has added
            kernel = updates[name].kernel - recipe.optimizer.decay * params[name].kernel
            updates[name] = updates[name]._replace(kernel=kernel)
        return TrainState(optax.apply_updates(params, updates), batch_stats, opt_state)  # pyright: ignore[reportArgumentType]

    def step_all(states: Trainings, rows: Array) -> tuple[Trainings, None]:
        factors = corrections(states.corrected.params, states.decayed.params, layers)
        decayed, _ = decayed_step(states.decayed, rows)
        ones = [jnp.ones(())] * len(layers)
        return Trainings(decayed, step(states.corrected, rows, factors), step(states.plain, rows, ones)), None

    def record(states: Trainings, batches: Array) -> tuple[Trainings, tuple[Recorded, Recorded]]:
        states, _ = lax.scan(step_all, states, batches)
        corrected, plain = (Recorded(s.params, s.batch_stats, batches[-1]) for s in (states.corrected, states.plain))
        return states, (corrected, plain)

    @jax.jit
    def run(start: TrainState, batches: Array) -> list[Array]:
        _, recorded = lax.scan(record, Trainings(start, start, start), batches)
        return [evaluate(recipe, models, prepared.data)["test_loss"] for models in recorded]

    def losses(init: int, data: int) -> Losses:
        batches = prepared.batches(data, 0, config.num_steps).reshape(-1, config.record_every, config.batch_size)
        return Losses(*(np.asarray(curve, float) for curve in run(prepared.first_state(init), jnp.asarray(batches))))

    return losses


def distance(one: Float[np.ndarray, "records"], other: Float[np.ndarray, "records"]) -> float:
    """Return the mean of |log(one / other)|."""
    return float(np.mean(np.abs(np.log(one / other))))


def _share(pool: Pool) -> Float[np.ndarray, "seeds"]:
    undecayed = undecayed_trainings(pool.config)
    shares: list[float] = []
    for pair, decayed in zip(pool.config.seeds.pairs, pool.curves["test_loss"].astype(float), strict=True):
        losses = undecayed(*pair)
        shares.append(distance(losses.corrected, decayed) / distance(losses.plain, decayed))
    return np.array(shares)


SEED_QUANTITIES: SeedQuantities = {SHARE: _share}
