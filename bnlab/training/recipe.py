"""The options for training and evaluating a seed, as a tree of numbers (see `bnlab.nn.numbers`).

The tree's structure decides what is compiled; its numbers are arguments of the compiled functions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bnlab import nn
from bnlab.models import MLP, Params, kernels, norm_penalty
from bnlab.nn.numbers import Scalar, register_options
from bnlab.optimizers import Optimizer
from bnlab.options import InferenceStatistics, Probes


@dataclass(frozen=True)
class Objective:
    """The function that a step minimises: the `loss` of the batch, plus an L2 penalty on the kernels."""

    loss: str
    l2_scale: Scalar = 0.0
    l2_halved: bool = True

    @property
    def classifies(self) -> bool:
        """Whether targets are class labels."""
        return self.loss == "softmax_cross_entropy"

    @property
    def sums_rows(self) -> bool:
        """Whether the minimised loss is a sum over the rows of the batch, and not a mean."""
        return self.loss == "half_sum_squares"

    def of_batch(self, outputs: Array, targets: Array, *, axis: int = -1) -> Float[Array, ""]:
        """Return the minimised loss: a mean over rows, but for half_sum_squares a sum. Raises ValueError for another name."""
        if self.loss == "softmax_cross_entropy":
            return nn.softmax_cross_entropy(outputs, targets, axis=axis)
        targets = targets.T if axis == 0 else targets
        if self.loss == "half_sum_squares":
            return nn.half_sum_squares(outputs, targets)
        if self.loss == "mean_squared_error":
            return nn.mean_squared_error(outputs, targets)
        raise ValueError(f"loss: no loss is called {self.loss!r}")

    def per_row(self, outputs: Array, targets: Array, *, axis: int = -1) -> Float[Array, ""]:
        """Return the reported loss: where the minimised loss is a sum over rows, it is divided by their number."""
        rows = targets.shape[0] if self.sums_rows else 1
        return self.of_batch(outputs, targets, axis=axis) / rows

    def penalty(self, model: MLP, params: Params) -> Float[Array, ""]:
        """Return the penalty on the weights (0 where there is none)."""
        penalty = norm_penalty(model, params)
        if self.l2_scale:
            penalty += nn.l2_penalty(kernels(params), self.l2_scale, halved=self.l2_halved)
        return penalty


register_options(Objective, ["l2_scale"], off_at_zero=["l2_scale"])

Range = tuple[Scalar, Scalar]


@dataclass(frozen=True)
class NormInputs:
    """The further arguments, besides x, of every batch norm in a train step.

    weights, mask: one value for each row of the batch. adjustment: ((low, high), (low, high)), the ranges from which each
    step draws a scale and a bias for every feature.
    """

    weights: tuple[float, ...] | None = None
    mask: tuple[bool, ...] | None = None
    adjustment: tuple[Range, Range] | None = None

    def of_layer(self, key: Array | None, layer: int, features: int) -> dict[str, Any]:
        """Return the keyword arguments for one layer in one step."""
        arguments: dict[str, Any] = {}
        if self.weights is not None:
            arguments["weights"] = jnp.asarray(self.weights, jnp.float32)
        if self.mask is not None:
            arguments["mask"] = jnp.asarray(self.mask)
        if self.adjustment is not None and key is not None:
            keys = jax.random.split(jax.random.fold_in(key, layer))
            arguments["adjustment"] = tuple(
                jax.random.uniform(k, (features,), minval=jnp.asarray(low), maxval=jnp.asarray(high))
                for k, (low, high) in zip(keys, self.adjustment, strict=True)
            )
        return arguments


register_options(NormInputs, ["adjustment"])


class Measurement(NamedTuple):
    """One metric of a record: its name, the split it is measured on (None: it depends only on the model), and its value.

    `value` is a function from an `evaluation.Measured` to a number. On a split this number is a mean over the rows.
    """

    name: str
    split: str | None
    value: Callable[[Any], Array]


@dataclass(frozen=True)
class Evaluation:
    """What a record measures.

    train_rows: "batch" measures training metrics on the batch of the recorded step, "split" on the whole training set.
    train_statistics: the statistics that batch norm uses for the training set, instead of those of `evaluate_with`.
    train_is_test: the training set is the test set. The outputs for a batch are then taken from those for the test set.
    precise: for `evaluate_with` "precise" the numbers (batches, rows of a batch) that the statistics come from.
    probed: the names of the metrics of the probes, in reading order.
    """

    measurements: tuple[Measurement, ...]
    train_rows: str = "split"
    train_statistics: InferenceStatistics | None = None
    train_is_test: bool = False
    precise: tuple[int, int] | None = None
    probed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """All options of a computation. Inputs stored as uint8 are multiplied by `pixel_scale`."""

    model: MLP
    objective: Objective
    optimizer: Optimizer
    evaluation: Evaluation
    norm_inputs: NormInputs = NormInputs()
    probes: Probes = field(default_factory=Probes)
    pixel_scale: float = 1.0

    @property
    def draws(self) -> bool:
        """Whether a train step draws random numbers."""
        return self.norm_inputs.adjustment is not None or self.model.noise is not None


register_options(Recipe, ["model", "objective", "optimizer", "norm_inputs"])
