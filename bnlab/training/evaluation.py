"""The metrics of recorded models on the splits of the data. Nothing here trains."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from bnlab import nn
from bnlab.models import MLP, Params, State, apply_mlp, fold_norms, kernels, precise_statistics
from bnlab.nn.rounding import rounded
from bnlab.options import BatchNorm, InferenceStatistics
from bnlab.training.recipe import Objective, Recipe

Data = dict[str, tuple[Array, Array]]
"""{"train": (inputs [rows, features], targets), "test": …}; "valid" may be missing. Inputs are float32 or pixels."""

FEW_FEATURES = 16
"""Up to this many inputs, evaluation uses arrays [features, rows] (`axis=0`), which suits narrow nets."""
FEW_ROWS, CHUNK_ROWS = 2000, 500
"""More than FEW_ROWS rows are evaluated CHUNK_ROWS at a time, so that the intermediate arrays fit in a core's cache."""


class Recorded(NamedTuple):
    """The models after the recorded steps, stacked on a leading axis, and the last batch that each was trained on.

    opt_state, key: the rest of the training state, where a probe needs it to compute the next steps; else None.
    """

    params: Params
    batch_stats: State
    batch: Int[Array, "records rows"]
    opt_state: Any = None
    key: Array | None = None

    @property
    def models(self) -> "Recorded":
        """The same without `opt_state` and `key`: what `evaluate` takes, with the same bits whichever probes are on."""
        return self._replace(opt_state=None, key=None)


@dataclasses.dataclass(frozen=True)
class Measured:
    """The data that a metric is computed from: a model and, for a metric of a split, its outputs for some rows.

    outputs is [rows, features] or, where `rows_axis` is 1, [features, rows]; targets has one entry per row.
    """

    model: MLP
    objective: Objective
    params: Params
    batch_stats: State
    outputs: Array
    targets: Array
    rows_axis: int = 0

    @property
    def kernels(self) -> list[Array]:
        """The dense kernels."""
        return kernels(self.params)

    def loss(self) -> Float[Array, ""]:
        """Return the reported loss: a mean over rows."""
        return self.objective.per_row(self.outputs, self.targets, axis=-1 if self.rows_axis == 0 else 0)

    def accuracy(self) -> Float[Array, ""]:
        """Return the share of rows whose class is the label."""
        return nn.accuracy(self.outputs, self.targets, axis=-1 if self.rows_axis == 0 else 0)

    def penalty(self) -> Float[Array, ""]:
        """Return the penalty on the weights."""
        return self.objective.penalty(self.model, self.params)


def evaluate(recipe: Recipe, recorded: Recorded, data: Data) -> dict[str, Float[Array, "records"]]:
    """Return the metrics of each recorded model. Each split has its own loop, which XLA compiles into one kernel."""
    metrics: dict[str, Array] = {}
    precise: Recorded | None = None
    for split, (inputs, targets) in data.items():
        if not _of_split(recipe, split) or (split == "train" and _looks_up(recipe, inputs)):
            continue
        # Transposed outside the loop, so that its kernel reads the rows one beside the other.
        columns = floats(recipe, inputs).T if inputs.shape[1] <= FEW_FEATURES else None
        measured = recorded
        if _statistics(recipe, split) == "precise":
            precise = precise or recorded._replace(batch_stats=lax.map(partial(_precise, recipe, data), recorded.params))
            measured = precise
        metrics |= lax.map(partial(_measure, recipe, split, inputs, columns, targets), measured)
    for measurement in recipe.evaluation.measurements:
        if measurement.split is None:
            of_model = partial(_of_model, recipe, measurement.value)
            metrics[measurement.name] = jax.vmap(of_model)(recorded.params, recorded.batch_stats)
    return metrics


def correct(recipe: Recipe, params: Params, batch_stats: State, data: Data) -> Bool[Array, "rows"]:
    """Return for each test row whether the largest output in inference is its label's. Of equal outputs the first counts."""
    inputs, labels = data["test"]
    model, batch_stats = inference(recipe, params, batch_stats, data)
    model, folded = fold_norms(model, params, batch_stats)
    outputs, _ = apply_mlp(model, folded, batch_stats, floats(recipe, inputs), training=False)
    return jnp.argmax(outputs, axis=-1) == labels


def inference(recipe: Recipe, params: Params, batch_stats: State, data: Data) -> tuple[MLP, State]:
    """Return the model of inference and its statistics: those of the state, or the precise ones of the training rows."""
    if _statistics(recipe, "test") == "precise":
        batch_stats = _precise(recipe, data, params)
    return _model_of(recipe, "test"), batch_stats


def fixed_rows(count: int | None, rows: int) -> np.ndarray:
    """Return the row numbers of a fixed set: floor(j · rows / count) for j = 0 … count − 1; all rows where count is None.

    Evenly spaced, because some data sets are sorted. Where count is above `rows`, it is all rows too.
    """
    count = rows if count is None else min(count, rows)
    return np.arange(count) * rows // count


def floats(recipe: Recipe, inputs: Array) -> Float[Array, "rows features"]:
    """Return the inputs as floats, as the model takes them: pixels are scaled."""
    if inputs.dtype != jnp.uint8:
        return inputs
    return rounded(inputs.astype(jnp.float32) * jnp.float32(recipe.pixel_scale))


def _of_split(recipe: Recipe, split: str) -> dict[str, Callable[[Measured], Array]]:
    return {name: value for name, of, value in recipe.evaluation.measurements if of == split}


def _of_model(recipe: Recipe, value: Callable[[Measured], Array], params: Params, batch_stats: State) -> Array:
    none = jnp.zeros((0, 0))
    return value(Measured(recipe.model, recipe.objective, params, batch_stats, none, none))


def _looks_up(recipe: Recipe, inputs: Array) -> bool:
    """Whether the outputs for the training batch can be taken from those for the test rows.

    That is so where the batch is among the test rows and each row's output is independent of the other rows.
    """
    evaluation = recipe.evaluation
    alike = _statistics(recipe, "train") == _statistics(recipe, "test")
    alone = _rows_stand_alone(recipe.model)
    return (
        evaluation.train_is_test and evaluation.train_rows == "batch" and alike and alone and inputs.shape[1] <= FEW_FEATURES
    )


def _statistics(recipe: Recipe, split: str) -> InferenceStatistics | None:
    """Return which statistics inference takes for this split; None without batch norm."""
    norm = recipe.model.norm
    if not isinstance(norm, BatchNorm):
        return None
    own = recipe.evaluation.train_statistics if split == "train" else None
    return own or norm.evaluate_with


def _model_of(recipe: Recipe, split: str) -> MLP:
    """Return the model whose norm uses the statistics for this split. Precise ones stand in place of the moving ones."""
    norm, statistics = recipe.model.norm, _statistics(recipe, split)
    if not isinstance(norm, BatchNorm) or statistics == norm.evaluate_with != "precise":
        return recipe.model
    taken = "moving" if statistics == "precise" else statistics
    return dataclasses.replace(recipe.model, norm=dataclasses.replace(norm, evaluate_with=taken))


def _precise(recipe: Recipe, data: Data, params: Params) -> State:
    """Return the precise statistics of a model. With G batches, batch g holds the fixed rows g, g + G, g + 2G, …"""
    inputs, _ = data["train"]
    count, size = recipe.evaluation.precise or (1, len(inputs))
    rows = fixed_rows(count * size, len(inputs)).reshape(size, count).T
    return precise_statistics(recipe.model, params, floats(recipe, inputs[rows]))


def _measure(
    recipe: Recipe, split: str, inputs: Array, columns: Array | None, targets: Array, recorded: Recorded
) -> dict[str, Float[Array, ""]]:
    if split == "train" and recipe.evaluation.train_rows == "batch":
        inputs, targets = inputs[recorded.batch], targets[recorded.batch]
        columns = None if columns is None else columns[:, recorded.batch]
    model, params = fold_norms(_model_of(recipe, split), recorded.params, recorded.batch_stats)

    def outputs_of(x: Array, axis: int = -1) -> Array:
        return apply_mlp(model, params, recorded.batch_stats, x, training=False, axis=axis)[0]

    def metrics_of(split: str, outputs: Array, targets: Array, axis: int = -1) -> dict[str, Array]:
        rows_axis = 1 if axis == 0 else 0
        measured = Measured(
            recipe.model, recipe.objective, recorded.params, recorded.batch_stats, outputs, targets, rows_axis
        )
        return {name: value(measured) for name, value in _of_split(recipe, split).items()}

    if columns is not None:
        outputs = outputs_of(columns, axis=0)
        metrics = metrics_of(split, outputs, targets, axis=0)
        if split == "test" and _looks_up(recipe, inputs):
            metrics |= metrics_of("train", outputs[:, recorded.batch], targets[recorded.batch], axis=0)
        return metrics
    together = len(targets) <= FEW_ROWS or not _rows_stand_alone(model)

    def measure(x: Array, targets: Array) -> dict[str, Array]:
        return metrics_of(split, outputs_of(floats(recipe, x)), targets)

    return _average(measure, inputs, targets, len(targets) if together else CHUNK_ROWS)


def _rows_stand_alone(model: MLP) -> bool:
    """Whether each row's output in inference is independent of the other rows."""
    return not isinstance(model.norm, BatchNorm) or model.norm.evaluate_with != "batch"


def _average(
    measure: Callable[[Array, Array], dict[str, Array]], inputs: Array, targets: Array, size: int
) -> dict[str, Array]:
    """Return the means over all rows of the values that `measure` gives for `size` rows at a time."""
    rows = len(targets)
    count = rows // size
    chunks = [values[: count * size].reshape(count, size, *values.shape[1:]) for values in (inputs, targets)]
    parts = lax.map(lambda chunk: measure(*chunk), tuple(chunks))
    means = {name: jnp.sum(values) * (size / rows) for name, values in parts.items()}
    if rest := rows % size:
        last = measure(inputs[-rest:], targets[-rest:])
        means = {name: mean + last[name] * (rest / rows) for name, mean in means.items()}
    return means
