"""What a moving average holds, computed by the shipped layer; and comparisons of the same training's evaluations."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

from bnlab.experiment import complete, plan_arms
from bnlab.models import MLP, Params, State, apply_mlp, init_mlp, precise_statistics
from bnlab.nn import BatchNorm, batch_norm, init_batch_norm
from bnlab.papers.wu_johnson_2021 import CLOSED, DROPS, EARLY, LARGE_FAST, LEFT, PRECISE, SLOW
from bnlab.runs import Pool
from bnlab.studies import Quantities, SeedQuantities, StudyArm

SHAPE = (20, (16, 16), 4)
"""(inputs, hidden widths, classes) of the network."""
BATCHES, ROWS = 8, 32


def moving_mean(options: BatchNorm, means: Float[Array, "batches features"]) -> Float[Array, "features"]:
    """Return the moving mean after train steps on batches with these means, two equal rows each."""
    features = means.shape[1]
    params, start = init_batch_norm(options, features)

    def step(stats: State, mean: Array) -> tuple[State, None]:
        _, stats = batch_norm(jnp.stack([mean, mean]), params, stats, options, training=True)
        return stats, None

    return lax.scan(step, start, means)[0].moving_mean


def share_of_start(momentum: float, batches: int) -> float:
    """Return what is left of an initial moving mean of 1 after batches of mean 0."""
    return float(moving_mean(BatchNorm(momentum=momentum, moving_mean_init=1.0), jnp.zeros((batches, 1)))[0])


def lag(momentum: float, batches: int) -> float:
    """Return the distance of the moving mean from the last batch's mean, where the means grow by 1 and end at 0."""
    means = jnp.arange(1.0 - batches, 1.0)[:, None]
    return -float(moving_mean(BatchNorm(momentum=momentum, moving_mean_init=1.0 - batches), means)[0])


def memory(momentum: float, batches: int) -> float:
    """Return 1 / Σ w² for the weights w of the batches. Feature k has the mean 1 in batch k alone, so it ends as w_k."""
    return float(1 / jnp.sum(jnp.square(moving_mean(BatchNorm(momentum=momentum), jnp.eye(batches)))))


class Net(NamedTuple):
    """A network with batch norm after each hidden layer, and rows in batches."""

    model: MLP
    params: Params
    state: State
    batches: Float[Array, "batches rows inputs"]

    @classmethod
    def make(cls) -> "Net":
        """Return a network whose inputs have means and deviations of their own, and drift over the rows."""
        inputs, hidden, classes = SHAPE
        model = MLP(inputs, hidden, classes, norm=BatchNorm())
        params, state = init_mlp(model, jax.random.key(0))
        normal = np.random.default_rng(0).standard_normal
        drift = np.linspace(-1, 1, BATCHES)[:, None, None]
        rows = normal(inputs) + drift + normal((BATCHES, ROWS, inputs)) * np.geomspace(0.1, 2, inputs)
        return cls(model, params, state, jnp.asarray(rows, jnp.float32))

    def gaps(self) -> tuple[float, float]:
        """Return the largest distances of mean and variance of the first layer from NumPy's over all rows at once.

        The mean's is in standard deviations, the variance's relative.
        """
        first = self.params["dense0"]
        x = np.asarray(self.batches, float).reshape(-1, SHAPE[0]) @ np.asarray(first.kernel, float) + np.asarray(first.bias)
        found = precise_statistics(self.model, self.params, self.batches)["bn0"]
        mean = (np.asarray(found.moving_mean) - x.mean(axis=0)) / x.std(axis=0)
        variance = np.asarray(found.moving_variance) / x.var(axis=0) - 1
        return float(np.abs(mean).max()), float(np.abs(variance).max())

    def one_batch(self) -> float:
        """Return the largest distance of an output by precise statistics of one batch of all rows from that in training."""
        rows = self.batches.reshape(1, -1, SHAPE[0])
        state = precise_statistics(self.model, self.params, rows)
        trained, _ = apply_mlp(self.model, self.params, self.state, rows[0], training=True)
        inferred, _ = apply_mlp(self.model, self.params, state, rows[0], training=False)
        return float(jnp.max(jnp.abs(inferred - trained)))


def quantities() -> Quantities:
    """Return {quantity: what computes it}."""
    net = cache(Net.make)
    return {
        "momentum 0.999: share of the initial value after 500 batches": lambda: share_of_start(0.999, 500),
        "momentum 0.9: share of the initial value after 100 batches": lambda: share_of_start(0.9, 100),
        "momentum 0.99: batches by which the moving mean lags behind a steady drift": lambda: lag(0.99, 5000),
        "momentum 0.9: 1 / sum of the squared weights of the batches": lambda: memory(0.9, 300),
        "momentum 0.99: 1 / sum of the squared weights of the batches": lambda: memory(0.99, 2000),
        "precise: largest distance of a mean from that of all rows, in standard deviations": lambda: net().gaps()[0],
        "precise: largest relative distance of a variance from that of all rows": lambda: net().gaps()[1],
        "precise, one batch: largest distance of an output in inference from that in training": lambda: net().one_batch(),
    }


# --- Trainings of the same seeds ----------------------------------------------------------------------------


def beside(pool: Pool, arm: StudyArm) -> Pool:
    """Return the same seeds and steps of another arm, trained where no finished run holds them."""
    (other,) = complete(plan_arms([arm.load().with_seeds(pool.config.seeds.pairs).with_steps(pool.config.num_steps)]))
    return other


def closed(pool: Pool) -> Float[np.ndarray, "seeds"]:
    """Return (loss with momentum 0.999 − the arm's) / (loss with momentum 0.999 − with precise statistics), early."""

    def loss(pool: Pool) -> Float[np.ndarray, "seeds"]:
        (record,) = np.flatnonzero(pool.step == EARLY)
        return pool.curves["test_loss"][:, record].astype(float)

    slow = loss(beside(pool, SLOW))
    return (slow - loss(pool)) / (slow - loss(beside(pool, PRECISE)))


def left(pool: Pool) -> Float[np.ndarray, "seeds"]:
    """Return the final test accuracy with precise statistics minus the arm's."""
    return (beside(pool, PRECISE).curves["test_accuracy"] - pool.curves["test_accuracy"])[:, -1].astype(float)


def drops(curves: Float[np.ndarray, "seeds records"]) -> Float[np.ndarray, "seeds"]:
    """Return Σ max(0, before − after) over successive records."""
    return np.maximum(-np.diff(curves.astype(float), axis=1), 0).sum(axis=1)


def drops_saved(pool: Pool) -> Float[np.ndarray, "seeds"]:
    """Return the drops of the arm's validation accuracy minus those with a momentum of 0.9."""
    return drops(pool.curves["valid_accuracy"]) - drops(beside(pool, LARGE_FAST).curves["valid_accuracy"])


SEED_QUANTITIES: SeedQuantities = {CLOSED: closed, LEFT: left, DROPS: drops_saved}
