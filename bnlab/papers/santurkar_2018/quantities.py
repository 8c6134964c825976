"""The theorems on one batch-norm layer, on three shapes; and ratios of trainings of the same seeds.

y are the inputs of a unit for the m rows of a batch, σ² their population variance, x̂ = (y − mean) / σ, z = gamma · x̂ + beta.
The loss of a batch with the layer is L(z(y)), and L(z) without it: g = ∂L/∂z is what a network without BN has there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

from bnlab.experiment import complete, plan_arms
from bnlab.nn import BatchNorm, BatchNormParams, batch_norm, init_batch_norm
from bnlab.options import SMALLEST
from bnlab.papers.santurkar_2018 import (
    ALONG,
    BN,
    EPSILON,
    FEW_LOSS,
    FINAL,
    LEVEL,
    MUCH_LOSS,
    PLAIN,
    SLOWDOWN,
    arms,
    at_equal_loss,
    over_training,
)
from bnlab.runs import Pool
from bnlab.statistics import steps_to_reach
from bnlab.studies import Quantities, SeedQuantities

SHAPES = ((8, 3), (32, 16), (128, 32))
"""(rows, units) of each layer."""


@partial(jax.tree_util.register_dataclass, data_fields=("y", "gamma", "beta", "mixing"), meta_fields=("epsilon",))
@dataclass(frozen=True, eq=False)
class Layer:
    """A batch-norm layer, the inputs of a batch, and a loss of its outputs that mixes units and rows."""

    y: Float[Array, "rows units"]
    gamma: Float[Array, "units"]
    beta: Float[Array, "units"]
    mixing: Float[Array, "units classes"]
    epsilon: float = SMALLEST

    @classmethod
    def make(cls, seed: int, rows: int, units: int, epsilon: float = SMALLEST) -> "Layer":
        """Return a layer whose units have standard deviations of 0.1 to 2 and means of their own."""
        normal = np.random.default_rng(seed).standard_normal
        y = np.geomspace(0.1, 2, units) * normal((rows, units)) + normal(units)
        arrays = (y, 1 + 0.3 * normal(units), 0.3 * normal(units), normal((units, 5)))
        return cls(*(jnp.asarray(array, jnp.float32) for array in arrays), epsilon)

    def z(self, y: Array) -> Array:
        """Return the layer's outputs in training."""
        options = BatchNorm(epsilon=self.epsilon)
        _, stats = init_batch_norm(options, len(self.gamma))
        return batch_norm(y, BatchNormParams(self.gamma, self.beta), stats, options, training=True)[0]

    def loss(self, z: Array) -> Float[Array, ""]:
        """Return the mean over the rows of log Σ exp of five mixtures of the row's outputs; it curves everywhere."""
        return jnp.mean(jax.nn.logsumexp(z @ self.mixing, axis=-1))

    def loss_of_inputs(self, y: Array) -> Float[Array, ""]:
        """Return the loss with the layer before it."""
        return self.loss(self.z(y))

    @cached_property
    def sigma(self) -> Float[Array, "units"]:
        """The standard deviation of each unit's inputs."""
        return jnp.std(self.y, axis=0)

    @cached_property
    def normalised(self) -> Float[Array, "rows units"]:
        """x̂, by its formula."""
        return (self.y - self.y.mean(axis=0)) / self.sigma

    @cached_property
    def gradient(self) -> Float[Array, "rows units"]:
        """The gradient at the layer's inputs."""
        return jax.grad(self.loss_of_inputs)(self.y)

    @cached_property
    def plain_gradient(self) -> Float[Array, "rows units"]:
        """g: the gradient at the layer's outputs."""
        return jax.grad(self.loss)(self.z(self.y))


def theorem_1(layer: Layer) -> Float[Array, "units"]:
    """Return ‖gradient‖² / [gamma² / σ² · (‖g‖² − ⟨1, g⟩² / m − ⟨x̂, g⟩² / m)] of each unit."""
    g, rows = layer.plain_gradient, len(layer.y)
    left = _dot(g, g) - jnp.square(jnp.sum(g, axis=0)) / rows - jnp.square(_dot(layer.normalised, g)) / rows
    return _dot(layer.gradient, layer.gradient) / (jnp.square(layer.gamma / layer.sigma) * left)


def cosines(layer: Layer) -> Float[Array, "two units"]:
    """Return the cosines of each unit's gradient with 1 and with x̂."""
    v, root = layer.gradient, len(layer.y) ** 0.5
    return jnp.stack([jnp.sum(v, axis=0), _dot(layer.normalised, v)]) / (root * jnp.sqrt(_dot(v, v)))


def theorem_2(layer: Layer) -> Float[Array, "units"]:
    """Return how far the curvature of each unit is from the theorem's, relative to the sum of its terms' sizes."""
    v, g = layer.gradient, layer.plain_gradient
    over = layer.gamma / layer.sigma
    bent = jnp.square(over) * _curvatures(layer.loss, layer.z(layer.y), v)
    pulled = over / (layer.sigma * len(layer.y)) * _dot(g, layer.normalised) * _dot(v, v)
    return (_curvatures(layer.loss_of_inputs, layer.y, v) - (bent - pulled)) / (jnp.abs(bent) + jnp.abs(pulled))


def quantities() -> Quantities:
    """Return {quantity: what computes it}."""

    @cache
    def layers(epsilon: float = SMALLEST) -> list[Layer]:
        return [Layer.make(seed, *shape, epsilon) for seed, shape in enumerate(SHAPES)]

    def farthest(of: Callable[[Layer], Array]) -> Callable[[], float]:
        """Return what computes the value over all units that is farthest from 0."""
        compiled = jax.jit(of)
        return lambda: max((value for layer in layers() for value in np.ravel(compiled(layer)).tolist()), key=abs)

    def longer() -> float:
        # A unit whose ratio is 1 but for rounding is not longer.
        return float(sum(np.sum(np.asarray(jax.jit(theorem_1)(layer)) > 1 + 1e-5) for layer in layers(EPSILON)))

    return {
        "without epsilon: gradient at BN's input, squared, over what the theorem gives, − 1": farthest(
            lambda layer: theorem_1(layer) - 1
        ),
        "without epsilon: largest |cosine| of the gradient with 1 and with x̂": farthest(cosines),
        "with epsilon: units whose gradient is longer than the theorem gives": longer,
        "without epsilon: curvature along the gradient minus what the theorem gives, over its terms": farthest(theorem_2),
    }


# --- Trainings of the same seeds ----------------------------------------------------------------------------


def beside(pool: Pool, label: str) -> Pool:
    """Return the same seeds and steps of another arm of this depth, trained where no finished run holds them."""
    other = arms(len(pool.config.model.hidden))[label].load()
    (found,) = complete(plan_arms([other.with_seeds(pool.config.seeds.pairs).with_steps(pool.config.num_steps)]))
    return found


def slowdown(noisy: Pool) -> Float[np.ndarray, "seeds"]:
    """Return the steps to LEVEL with noise over those without; a training with noise that never gets there counts whole."""

    def steps(pool: Pool) -> Float[np.ndarray, "seeds"]:
        return steps_to_reach(pool.curves["train_accuracy"], pool.step, LEVEL, below=False)

    reached = steps(noisy)
    return np.where(np.isnan(reached), noisy.config.num_steps, reached) / steps(beside(noisy, BN))


def equal_losses(pool: Pool) -> Bool[np.ndarray, "seeds records"]:
    """Return which records have a training loss from FEW_LOSS to MUCH_LOSS."""
    loss = pool.curves["train_loss"]
    return (loss >= FEW_LOSS) & (loss <= MUCH_LOSS)


def geometric_means(
    values: Float[np.ndarray, "seeds records"], counted: Bool[np.ndarray, "seeds records"]
) -> Float[np.ndarray, "seeds"]:
    """Return exp(mean of log values) of each seed over the records that count; NaN where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a seed without such records; a value of 0
        return np.exp(np.sum(np.where(counted, np.log(values), 0), axis=1) / counted.sum(axis=1))


def ratio(metric: str, *, equal_loss: bool = False) -> Callable[[Pool], Float[np.ndarray, "seeds"]]:
    """Return a function of the arm with BN: the metric's geometric mean in each seed, over that of the arm without BN."""

    def mean(pool: Pool) -> Float[np.ndarray, "seeds"]:
        values = pool.curves[metric].astype(float)
        return geometric_means(values, equal_losses(pool) if equal_loss else np.full(values.shape, True))

    return lambda pool: mean(pool) / mean(beside(pool, PLAIN))


SEED_QUANTITIES: SeedQuantities = {
    SLOWDOWN: slowdown,
    FINAL: lambda pool: pool.curves["train_accuracy"][:, -1].astype(float),
    **{over_training(words): ratio(metric) for metric, words, _ in ALONG.values()},
    **{at_equal_loss(words): ratio(metric, equal_loss=True) for metric, words, _ in ALONG.values()},
}


def _dot(a: Float[Array, "rows units"], b: Float[Array, "rows units"]) -> Float[Array, "units"]:
    return jnp.sum(a * b, axis=0)


def _curvatures(
    loss: Callable[[Array], Array], at: Float[Array, "rows units"], along: Float[Array, "rows units"]
) -> Float[Array, "units"]:
    """Return for each unit the second derivative of the loss where this unit's column alone moves, along its column."""

    def of_unit(chosen: Float[Array, "units"]) -> Float[Array, ""]:
        direction = along * chosen
        return jnp.sum(direction * jax.jvp(jax.grad(loss), (at,), (direction,))[1])

    return jax.vmap(of_unit)(jnp.eye(at.shape[1]))
