"""The compiled program of one variant: start, train a segment, evaluate what it recorded.

One seed at a time goes through it. A run of many seeds calls the same three compiled functions from several threads
(`bnlab.training.loop`), so a seed has the same bits alone and among a thousand.
"""

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jaxtyping import Float, Int

from bnlab import nn
from bnlab.models import MLP, Params, State, apply_mlp, fold_norms, init_mlp, kernels, norm_penalty
from bnlab.nn.rounding import rounded

Data = dict[str, tuple[Array, Array]]
"""{"train": (inputs [rows, features], targets), "test": …}; "valid" may be missing. Inputs are float32 or pixels."""


CompilerOptions = Mapping[str, str | bool]

FEW_FEATURES = 16
"""Up to so many inputs, evaluation lays rows side by side (`axis=0`), which suits narrow nets; else features."""
FEW_ROWS, CHUNK_ROWS = 2000, 500
"""More rows than FEW_ROWS are evaluated CHUNK_ROWS at a time, which keeps what is computed of them in a core's cache."""


class TrainState(NamedTuple):
    """Everything one step hands to the next; `key` is None where nothing random happens inside a step."""

    params: Params
    batch_stats: State
    opt_state: optax.OptState
    key: Array | None = None


class Recorded(NamedTuple):
    """The model after each recorded step, stacked on a leading axis, and the last batch it was trained on."""

    params: Params
    batch_stats: State
    batch: Int[Array, "records rows"]


class StepLosses(NamedTuple):
    """What each step's gradient was taken of, before its update: the loss, and the penalty added to it."""

    loss: Float[Array, "records steps"]
    penalty: Float[Array, "records steps"]


@dataclasses.dataclass(frozen=True)
class Objective:
    """What a step minimises: `loss` of the batch, plus an L2 penalty on the kernels."""

    loss: str
    l2_scale: float = 0.0
    l2_halved: bool = True

    @property
    def classifies(self) -> bool:
        """Whether targets are class labels."""
        return self.loss == "softmax_cross_entropy"

    def of_batch(self, outputs: Array, targets: Array, *, axis: int = -1) -> Float[Array, ""]:
        """Return the loss as it is minimised (for half_sum_squares a sum over rows)."""
        if self.loss == "softmax_cross_entropy":
            return nn.softmax_cross_entropy(outputs, targets, axis=axis)
        targets = targets.T if axis == 0 else targets
        if self.loss == "half_sum_squares":
            return nn.half_sum_squares(outputs, targets)
        if self.loss == "mean_squared_error":
            return nn.mean_squared_error(outputs, targets)
        raise ValueError(f"loss: no loss is called {self.loss!r}")

    def per_row(self, outputs: Array, targets: Array, *, axis: int = -1) -> Float[Array, ""]:
        """Return the loss as it is reported: divided by the rows where it is a sum."""
        rows = targets.shape[0] if self.loss == "half_sum_squares" else 1
        return self.of_batch(outputs, targets, axis=axis) / rows

    def penalty(self, model: MLP, params: Params) -> Float[Array, ""]:
        """Return the penalty on the weights (0 where none is on)."""
        penalty = norm_penalty(model, params)
        if self.l2_scale:
            penalty += nn.l2_penalty(kernels(params), self.l2_scale, halved=self.l2_halved)
        return penalty

    def penalises(self, model: MLP) -> bool:
        """Whether there is any penalty."""
        norm = model.norm
        return bool(self.l2_scale or (norm is not None and (norm.gamma_l2 or norm.beta_l2)))


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a record measures. Every split gives a loss, and where there are classes an accuracy.

    train_rows: "batch" takes the training metrics on the batch of the recorded step, "split" on the whole training set.
    train_statistics: what batch norm normalises the training set by, if not by what `evaluate_with` says.
    train_is_test: the training set is the test set; what the model says of a batch is then looked up.
    """

    train_rows: str = "split"
    train_statistics: str | None = None
    train_is_test: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class NormInputs:
    """What the train step calls every batch norm with, beside x.

    weights, mask: [batch], by place in the batch. adjustment: the ranges from which each step draws a scale and a bias
    for every feature, ((low, high), (low, high)).
    """

    weights: np.ndarray | None = None
    mask: np.ndarray | None = None
    adjustment: tuple[tuple[float, float], tuple[float, float]] | None = None

    def of_layer(self, key: Array | None, layer: int, features: int) -> dict[str, Any]:
        """Return the keyword arguments for one layer in one step."""
        arguments: dict[str, Any] = {"weights": self.weights, "mask": self.mask}
        if self.adjustment is not None and key is not None:
            keys = jax.random.split(jax.random.fold_in(key, layer))
            arguments["adjustment"] = tuple(
                jax.random.uniform(k, (features,), minval=low, maxval=high)
                for k, (low, high) in zip(keys, self.adjustment, strict=True)
            )
        return {name: value for name, value in arguments.items() if value is not None}


def reading_order(metric: str) -> tuple[int, int]:
    """Return what to sort metrics by: training, validation, test; of each the loss, then the accuracy; then the rest."""
    split, _, kind = metric.partition("_")
    splits = ("train", "valid", "test")
    return (splits.index(split) if split in splits else len(splits), kind != "loss")


class Compiled:
    """A function compiled, with the compiler's `options`, once for each `shape_of(*args)`, whichever thread asks first.

    `seconds` sums the compile time.
    """

    def __init__(self, function: Callable[..., Any], shape_of: Callable[..., Any], options: CompilerOptions | None = None):
        self.function = function
        self._options = dict(options or {})
        self._jitted = jax.jit(function)
        self._shape_of = shape_of
        self._lock = threading.Lock()
        self._executables: dict[Any, Callable[..., Any]] = {}
        self.seconds = 0.0

    def ready(self, *args: Any) -> Callable[..., Any]:
        """Return the executable for arguments of these shapes, compiled first where need be."""
        if jax.config.jax_disable_jit:  # pyright: ignore[reportAttributeAccessIssue] - lowering would compile all the same
            return self.function
        shape = self._shape_of(*args)
        if shape not in self._executables:
            with self._lock:
                if shape not in self._executables:
                    began = time.perf_counter()
                    self._executables[shape] = self._jitted.lower(*args).compile(self._options)
                    self.seconds += time.perf_counter() - began
        return self._executables[shape]

    def __call__(self, *args: Any) -> Any:
        """Call the function on `args`."""
        return self.ready(*args)(*args)


class Program:
    """The compiled functions of one variant.

    start(seed) → TrainState; train(state, batches, data) → (TrainState, StepLosses, Recorded);
    evaluate(recorded, data) → {metric: [records]}.

    `pixel` is what inputs stored as uint8 are multiplied by; `compiler_options` are XLA's, by a function's name.
    """

    def __init__(
        self,
        model: MLP,
        objective: Objective,
        optimizer: optax.GradientTransformation,
        evaluation: Evaluation,
        norm_inputs: NormInputs | None = None,
        *,
        pixel: float = 1.0,
        compiler_options: Mapping[str, CompilerOptions] | None = None,
    ):
        self.norm_inputs = norm_inputs or NormInputs()
        self.model, self.objective, self.optimizer, self.evaluation = model, objective, optimizer, evaluation
        self.pixel = np.float32(pixel)
        options = compiler_options or {}
        self.start = Compiled(self._start, lambda seed: None, options.get("start"))
        self.train = Compiled(self._train, lambda state, batches, data: batches.shape, options.get("train"))
        self.evaluate = Compiled(self._evaluate, lambda recorded, data: recorded.batch.shape)
        self.predict = Compiled(self._predict, lambda recorded, inputs: inputs.shape)

    def resume(self, params: Params, batch_stats: State) -> TrainState:
        """Return the state that starts from these weights, with a fresh optimizer."""
        key = None if self.norm_inputs.adjustment is None else jax.random.key_data(jax.random.key(0))
        return TrainState(params, batch_stats, self.optimizer.init(params), key)

    @functools.cached_property
    def shapes(self) -> TrainState:
        """A TrainState of shapes and dtypes, computed without compiling: what every state of this program looks like."""
        return jax.eval_shape(self._start, 0)

    def rebuild(self, leaves: Sequence[Any]) -> TrainState:
        """Return the state whose `jax.tree.leaves` these are."""
        return jax.tree.unflatten(jax.tree.structure(self.shapes), leaves)

    @property
    def compile_seconds(self) -> float:
        """The time spent compiling so far."""
        return sum(function.seconds for function in (self.start, self.train, self.evaluate, self.predict))

    def _start(self, seed: Int[Array, ""]) -> TrainState:
        key = jax.random.key(seed)
        state = self.resume(*init_mlp(self.model, key))
        return state if state.key is None else state._replace(key=jax.random.key_data(key))

    def _train(
        self, state: TrainState, batches: Int[Array, "records steps rows"], data: Data
    ) -> tuple[TrainState, StepLosses, Recorded]:
        """Take records × steps training steps; record the model after each `steps` of them."""
        inputs, targets = data["train"]

        def loss_of(params: Params, batch_stats: State, rows: Array, key: Array | None):
            norm_inputs = partial(self.norm_inputs.of_layer, key)
            outputs, batch_stats = apply_mlp(
                self.model, params, batch_stats, self._floats(inputs[rows]), training=True, norm_inputs=norm_inputs
            )
            loss = self.objective.of_batch(outputs, targets[rows])
            penalty = self.objective.penalty(self.model, params)
            return loss + penalty, (StepLosses(loss, penalty), batch_stats)

        def step(state: TrainState, rows: Array):
            key, now = _advance(state.key)
            gradient = jax.grad(loss_of, has_aux=True)
            grads, (losses, batch_stats) = gradient(state.params, state.batch_stats, rows, now)
            updates, opt_state = self.optimizer.update(grads, state.opt_state, state.params)
            params = optax.apply_updates(state.params, updates)
            return TrainState(params, batch_stats, opt_state, key), losses  # pyright: ignore[reportArgumentType]

        def record(state: TrainState, batches: Array):
            state, losses = lax.scan(step, state, batches)
            return state, (losses, Recorded(state.params, state.batch_stats, batches[-1]))

        state, (losses, recorded) = lax.scan(record, state, batches)
        return state, losses, recorded

    def _floats(self, inputs: Array) -> Float[Array, "rows features"]:
        """Return stored inputs as the model takes them."""
        return rounded(inputs.astype(jnp.float32) * self.pixel) if inputs.dtype == jnp.uint8 else inputs

    def _predict(self, state: TrainState, inputs: Array) -> Array:
        return apply_mlp(self.model, state.params, state.batch_stats, inputs, training=False)[0]

    def _evaluate(self, recorded: Recorded, data: Data) -> dict[str, Float[Array, "records"]]:
        """Return the metrics of each recorded model; one loop a split, which XLA compiles into one kernel each."""
        metrics: dict[str, Array] = {}
        for split, (inputs, targets) in data.items():
            if split == "train" and self._looks_up(inputs):
                continue
            # Outside the loop, so that its kernel reads the rows one beside the other.
            columns = self._floats(inputs).T if inputs.shape[1] <= FEW_FEATURES else None
            metrics |= lax.map(partial(self._measure, split, inputs, columns, targets), recorded)
        if self.objective.penalises(self.model):
            metrics["penalty"] = jax.vmap(partial(self.objective.penalty, self.model))(recorded.params)
        return metrics

    def _looks_up(self, inputs: Array) -> bool:
        """Whether the training batch is among the test rows, and no row's output depends on the others'."""
        evaluation = self.evaluation
        alike = self._model_of("train") == self.model and _rows_stand_alone(self.model)
        return evaluation.train_is_test and evaluation.train_rows == "batch" and alike and inputs.shape[1] <= FEW_FEATURES

    def _model_of(self, split: str) -> MLP:
        """Return the model with the statistics that this split is normalised by."""
        statistics, norm = self.evaluation.train_statistics, self.model.norm
        if split != "train" or not statistics or norm is None:
            return self.model
        return dataclasses.replace(self.model, norm=dataclasses.replace(norm, evaluate_with=statistics))

    def _measure(
        self, split: str, inputs: Array, columns: Array | None, targets: Array, recorded: Recorded
    ) -> dict[str, Float[Array, ""]]:
        if split == "train" and self.evaluation.train_rows == "batch":
            inputs, targets = inputs[recorded.batch], targets[recorded.batch]
            columns = None if columns is None else columns[:, recorded.batch]
        model, params = fold_norms(self._model_of(split), recorded.params, recorded.batch_stats)

        def outputs_of(x: Array, axis: int = -1) -> Array:
            return apply_mlp(model, params, recorded.batch_stats, x, training=False, axis=axis)[0]

        if columns is not None:
            outputs = outputs_of(columns, axis=0)
            metrics = self._metrics(split, outputs, targets, axis=0)
            if split == "test" and self._looks_up(inputs):
                metrics |= self._metrics("train", outputs[:, recorded.batch], targets[recorded.batch], axis=0)
            return metrics
        together = len(targets) <= FEW_ROWS or not _rows_stand_alone(model)

        def measure(x: Array, targets: Array) -> dict[str, Array]:
            return self._metrics(split, outputs_of(self._floats(x)), targets)

        return _average(measure, inputs, targets, len(targets) if together else CHUNK_ROWS)

    def _metrics(self, split: str, outputs: Array, targets: Array, axis: int = -1) -> dict[str, Float[Array, ""]]:
        metrics = {f"{split}_loss": self.objective.per_row(outputs, targets, axis=axis)}
        if self.objective.classifies:
            metrics[f"{split}_accuracy"] = nn.accuracy(outputs, targets, axis=axis)
        return metrics


def _rows_stand_alone(model: MLP) -> bool:
    """Whether no row's output in inference depends on the rows beside it."""
    return model.norm is None or model.norm.evaluate_with == "moving"


def _average(
    measure: Callable[[Array, Array], dict[str, Array]], inputs: Array, targets: Array, size: int
) -> dict[str, Array]:
    """Return the mean over all rows of what `measure` says of `size` rows at a time."""
    rows = len(targets)
    count = rows // size
    chunks = [values[: count * size].reshape(count, size, *values.shape[1:]) for values in (inputs, targets)]
    parts = lax.map(lambda chunk: measure(*chunk), tuple(chunks))
    means = {name: jnp.sum(values) * (size / rows) for name, values in parts.items()}
    if rest := rows % size:
        last = measure(inputs[-rest:], targets[-rest:])
        means = {name: mean + last[name] * (rest / rows) for name, mean in means.items()}
    return means


def _advance(key: Array | None) -> tuple[Array | None, Array | None]:
    """Return the key data of the next step and the key of this one."""
    if key is None:
        return None, None
    following, now = jax.random.split(jax.random.wrap_key_data(key))
    return jax.random.key_data(following), now


def state_bytes(state: Any) -> int:
    """Return the memory that one recorded model takes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves((state.params, state.batch_stats)))
