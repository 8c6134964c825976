"""The values of the probes at a record. They read the recorded models and change nothing in the training.

A probe that needs a gradient or a step takes the next batch: the one that step t + 1 trains on, for a record after step t.
So it sees the very gradient and the very updates of the next steps, which it computes by itself.

The functions of arrays come first, each with its formula. `MEASURES` says which of them each probe calls.
`bnlab.metrics` lists the metrics of each probe, with their units.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jaxtyping import Float, Int

from bnlab.models import MLP, Params, State, apply_mlp
from bnlab.nn import DenseParams
from bnlab.options import BatchNorm, ProbeName
from bnlab.training.evaluation import Data, Recorded, fixed_rows, floats, inference
from bnlab.training.recipe import Recipe
from bnlab.training.step import TrainState, advance, batch_loss, train_step

STEPS_AHEAD = 2
"""The number of steps after a record whose batches the probes may look at."""

Values = dict[str, Float[Array, ""]]


def norm(tree: Any) -> Float[Array, ""]:
    """Return sqrt(Σ x²) over all numbers of a tree of arrays."""
    return optax.tree.norm(tree)


def kernel_norms(params: Params) -> Values:
    """Return ‖W‖ = sqrt(Σ w²) of each dense kernel."""
    return {f"{layer}_kernel_norm": norm(kernel) for layer, kernel in _kernels(params)}


def unit_norms(params: Params) -> Values:
    """Return the least, the median and the greatest ‖w_u‖ over the units u of each dense layer.

    w_u is column u of the kernel: the incoming weights of the unit.
    """
    values: Values = {}
    for layer, kernel in _kernels(params):
        norms = jnp.linalg.norm(kernel, axis=0)
        for name, of in (("min", jnp.min), ("median", jnp.median), ("max", jnp.max)):
            values[f"{layer}_unit_norm_{name}"] = of(norms)
    return values


def gradient_norms(gradient: Params, name: str = "gradient_norm") -> Values:
    """Return ‖g‖ of the whole gradient, and of each layer's part of it."""
    layers = {f"{layer}_{name}": norm(part) for layer, part in gradient.items()}
    return {name: norm(gradient), **layers}


def angle(a: Any, b: Any) -> Float[Array, ""]:
    """Return the angle between two vectors (trees of arrays) in degrees, 0 to 180; 0 where one of them is zero.

    2 · atan2(‖â − b̂‖, ‖â + b̂‖) with â = a / ‖a‖: exact for small angles too, where the arc cosine is not.

    Source: Kahan 2006, "How futile are mindless assessments of roundoff in floating-point computation?"
    """
    lengths = norm(a), norm(b)
    a, b = (jax.tree.map(lambda x, n=n: x / jnp.where(n > 0, n, 1), tree) for tree, n in zip((a, b), lengths, strict=True))
    between = 2 * jnp.atan2(norm(jax.tree.map(jnp.subtract, a, b)), norm(jax.tree.map(jnp.add, a, b)))
    return jnp.where((lengths[0] > 0) & (lengths[1] > 0), jnp.rad2deg(between), 0)


def effective_rates(params: Params, rate: Float[Array, ""], layers: int) -> Values:
    """Return rate / ‖W‖² for the kernel W of each of the first `layers` dense layers.

    The outputs of a layer before a batch norm do not depend on the size of W. A step of SGD turns W as a step at this rate
    turns W / ‖W‖.

    Source: van Laarhoven 2017, "L2 regularization versus batch and weight normalization".
    """
    return {f"dense{i}_effective_rate": rate / jnp.sum(jnp.square(params[f"dense{i}"].kernel)) for i in range(layers)}


def quantiles(inputs: Float[Array, "rows"], layer: int, unit: int) -> Values:
    """Return the 15th, 50th and 85th percentiles of a unit's inputs, interpolated linearly between neighbours.

    Source: Ioffe & Szegedy 2015, figure 1 (b, c).
    """
    values = jnp.quantile(inputs, jnp.array([0.15, 0.5, 0.85]))
    return {f"dense{layer}_unit{unit}_input_p{p}": value for p, value in zip((15, 50, 85), values, strict=True)}


def dead_share(inputs: Float[Array, "rows units"]) -> Float[Array, ""]:
    """Return the share of the units (0 to 1) whose input is at most 0 in every row: their ReLU is never active."""
    return jnp.mean(jnp.all(inputs <= 0, axis=0), dtype=jnp.float32)


def statistics_gap(
    moving_mean: Float[Array, "units"], moving_variance: Float[Array, "units"], x: Float[Array, "rows units"], epsilon: Any
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return the relative distances of the moving mean and variance from those of x (μ and σ², with 1 / rows).

    mean: ‖moving_mean − μ‖ / ‖sqrt(σ² + epsilon)‖. variance: ‖moving_variance − σ²‖ / ‖σ² + epsilon‖.
    """
    mean, variance = x.mean(axis=0), x.var(axis=0)
    spread = variance + epsilon
    return norm(moving_mean - mean) / norm(jnp.sqrt(spread)), norm(moving_variance - variance) / norm(spread)


def along_gradient(
    value_and_grad: Callable[[Params], tuple[Array, Params]], params: Params, lengths: Float[Array, "places"]
) -> Values:
    """Return how the loss L and its gradient change from w = params to w − s · g, for each s of `lengths`; g = ∇L(w).

    loss: the least and the greatest L(w − s · g), and their difference.
    gradient change: the least and the greatest ‖∇L(w − s · g) − g‖.
    smoothness: the greatest ratio of the gradient change to the distance s · ‖g‖; 0 where g is zero. It is a lower bound of
    the gradient's Lipschitz constant.

    Source: Santurkar et al. 2018, "How does batch normalization help optimization?", section 3.2 and figure 4.
    """
    _, gradient = value_and_grad(params)

    def at(length: Array) -> tuple[Array, Array]:
        loss, there = value_and_grad(jax.tree.map(lambda w, g: w - length * g, params, gradient))
        return loss, norm(jax.tree.map(jnp.subtract, there, gradient))

    losses, changes = jax.vmap(at)(lengths)
    distances = lengths * norm(gradient)
    ratios = jnp.where(distances > 0, changes / jnp.where(distances > 0, distances, 1), 0)
    return {
        "along_loss_min": losses.min(),
        "along_loss_max": losses.max(),
        "along_loss_range": losses.max() - losses.min(),
        "along_gradient_change_min": changes.min(),
        "along_gradient_change_max": changes.max(),
        "along_smoothness": ratios.max(),
    }


@dataclasses.dataclass(frozen=True)
class At:
    """One record, and everything that probes take from it. What no probe that is on takes is not computed."""

    recipe: Recipe
    recorded: Recorded
    ahead: Int[Array, "steps rows"]
    data: Data
    fixed: tuple[Array, Array]

    @property
    def params(self) -> Params:
        """The parameters of the recorded model."""
        return self.recorded.params

    @property
    def rate(self) -> Float[Array, ""]:
        """The learning rate of the next step."""
        return self.recipe.optimizer.rate(self.recorded.opt_state)

    def next_loss(self, params: Params) -> Float[Array, ""]:
        """Return what the next step minimises: the loss of its batch, in training mode, plus the penalty."""
        _, key = advance(self.recorded.key)
        return batch_loss(self.recipe, self.data)(params, self.recorded.batch_stats, self.ahead[0], key)[0]

    def fixed_loss(self, params: Params) -> Float[Array, ""]:
        """Return the minimised loss of the fixed rows as one batch: no weights, mask, adjustment, noise or ghost batches.

        Where a step minimises a sum over its rows, the sum over the fixed rows is scaled to the rows of a batch.
        """
        recipe, (inputs, targets) = self.recipe, self.fixed
        model = _with_norm(recipe, virtual_batch_size=None)
        outputs, _ = apply_mlp(model, params, self.recorded.batch_stats, inputs, training=True)
        loss = recipe.objective.per_row(outputs, targets)
        rows = self.recorded.batch.shape[-1] if recipe.objective.sums_rows else 1
        return rows * loss + recipe.objective.penalty(recipe.model, params)

    def next_updates(self) -> tuple[Params, Params]:
        """Return the changes of the parameters by the next two steps."""
        state = TrainState(self.params, self.recorded.batch_stats, self.recorded.opt_state, self.recorded.key)
        step = train_step(self.recipe, self.data)
        first, _ = step(state, self.ahead[0])
        second, _ = step(first, self.ahead[1])
        one, other = (jax.tree.map(jnp.subtract, b.params, a.params) for a, b in ((state, first), (first, second)))
        return one, other

    @cached_property
    def inputs(self) -> Mapping[str, Array]:
        """{"activation0": its inputs for the fixed rows [rows, units], "bn0": …}, in inference."""
        return self._observed(*inference(self.recipe, self.params, self.recorded.batch_stats, self.data))

    @cached_property
    def exact_inputs(self) -> Mapping[str, Array]:
        """The same where every batch norm takes the exact statistics of the fixed rows."""
        return self._observed(_with_norm(self.recipe, evaluate_with="batch"), self.recorded.batch_stats)

    def _observed(self, model: MLP, batch_stats: State) -> Mapping[str, Array]:
        seen: dict[str, Array] = {}
        apply_mlp(model, self.params, batch_stats, self.fixed[0], training=False, observe=seen.__setitem__)
        return seen


def _input_quantiles(at: At) -> Values:
    options, hidden = at.recipe.probes.input_quantiles, at.recipe.model.hidden
    if options is None:
        return {}
    layer = len(hidden) - 1 if options.layer is None else options.layer
    return quantiles(at.inputs[f"activation{layer}"][:, options.unit], layer, options.unit)


def _dead_units(at: At) -> Values:
    return {f"dense{i}_dead_units": dead_share(at.inputs[f"activation{i}"]) for i in range(len(at.recipe.model.hidden))}


def _statistics_gap(at: At) -> Values:
    options = at.recipe.model.norm
    if not isinstance(options, BatchNorm):
        return {}
    values: Values = {}
    for name, stats in at.recorded.batch_stats.items():
        gaps = statistics_gap(stats.moving_mean, stats.moving_variance, at.exact_inputs[name], options.epsilon)
        values[f"{name}_mean_gap"], values[f"{name}_variance_gap"] = gaps
    return values


def _loss_along_gradient(at: At) -> Values:
    options = at.recipe.probes.loss_along_gradient
    if options is None:
        return {}
    lengths = at.rate * jnp.asarray(options.multiples, jnp.float32)
    return along_gradient(jax.value_and_grad(at.next_loss), at.params, lengths)


MEASURES: dict[ProbeName, Callable[[At], Values]] = {
    "kernel_norm": lambda at: kernel_norms(at.params),
    "unit_norm": lambda at: unit_norms(at.params),
    "gradient_norm": lambda at: gradient_norms(jax.grad(at.next_loss)(at.params)),
    "fixed_gradient_norm": lambda at: gradient_norms(jax.grad(at.fixed_loss)(at.params), "fixed_gradient_norm"),
    "step_angle": lambda at: {"step_angle": angle(*at.next_updates())},
    "effective_rate": lambda at: effective_rates(at.params, at.rate, len(at.recipe.model.hidden)),
    "input_quantiles": _input_quantiles,
    "dead_units": _dead_units,
    "statistics_gap": _statistics_gap,
    "loss_along_gradient": _loss_along_gradient,
}
"""{probe: its values at one record}, for all probes that are measured at records."""


def probe(
    recipe: Recipe, recorded: Recorded, ahead: Int[Array, "records steps rows"], data: Data
) -> dict[str, Float[Array, "records"]]:
    """Return the metrics of the recipe's probes for each record; `ahead` are the batches of the next STEPS_AHEAD steps."""
    inputs, targets = data["train"]
    rows = fixed_rows(recipe.probes.rows, len(targets))
    fixed = floats(recipe, inputs[rows]), targets[rows]

    def measure(record: tuple[Recorded, Array]) -> Values:
        at = At(recipe, *record, data, fixed)
        return {name: value for probe in recipe.probes.recorded for name, value in MEASURES[probe](at).items()}

    return lax.map(measure, (recorded, ahead))


def further(recipe: Recipe, state: TrainState) -> dict[str, Any]:
    """Return what a record holds for the recipe's probes besides the model: fields of `Recorded`."""
    probes = recipe.probes
    scheduled = recipe.optimizer.schedule is not None and (probes.effective_rate or probes.loss_along_gradient)
    opt_state = state.opt_state if probes.step_angle or scheduled else None
    draws = probes.gradient_norm or probes.loss_along_gradient or probes.step_angle
    return {"opt_state": opt_state, "key": state.key if draws else None}


def _kernels(params: Params) -> list[tuple[str, Array]]:
    return [(layer, part.kernel) for layer, part in params.items() if isinstance(part, DenseParams)]


def _with_norm(recipe: Recipe, **changes: Any) -> MLP:
    """Return the model with these options of its batch norms changed; one without batch norm as it is."""
    model, norm = recipe.model, recipe.model.norm
    return dataclasses.replace(model, norm=dataclasses.replace(norm, **changes)) if isinstance(norm, BatchNorm) else model
