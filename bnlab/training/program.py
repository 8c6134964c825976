"""The compiled functions of a recipe: start, train a segment, evaluate its records, predict.

Each call handles one seed. A run of many seeds calls them from several threads (`bnlab.training.scheduler`). So a seed has
the same bits alone and among a thousand. Recipes of one structure share a program, which takes their numbers as arguments.
"""

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

from bnlab.models import Params, State, apply_mlp, init_mlp
from bnlab.nn.numbers import Structure, join, split
from bnlab.training.evaluation import Data, Recorded, evaluate, floats
from bnlab.training.recipe import Recipe

CompilerOptions = Mapping[str, str | bool]
Numbers = Float[Array, "leaves pair"]


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


class Compiled:
    """A function that is compiled once for each `shape_of(*args)`, by the first thread that needs it.

    `options` are the compiler's. `seconds` is the total compile time.
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
        """Return the executable for arguments of these shapes. Compiles it where there is none yet."""
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
    """The compiled functions for all recipes of one structure (`numbers.split`). The first argument is a recipe's numbers.

    start(numbers, seed) → TrainState; train(numbers, state, batches, data) → (TrainState, StepLosses, Recorded);
    evaluate(numbers, recorded, data) → {metric: [records]}; predict(numbers, state, inputs) → outputs.

    `compiler_options` are options of XLA for each function: {function name: options}.
    """

    def __init__(self, structure: Structure, compiler_options: Mapping[str, CompilerOptions] | None = None):
        self.structure = structure
        self.recipe: Recipe = jax.tree.unflatten(structure, [0.0] * structure.num_leaves)
        options = compiler_options or {}
        self.start = Compiled(self._start, lambda numbers, seed: None, options.get("start"))
        self.train = Compiled(
            self._train, lambda numbers, state, rows, data: (rows.shape, _shapes(data)), options.get("train")
        )
        self.evaluate = Compiled(self._evaluate, lambda numbers, recorded, data: (recorded.batch.shape, _shapes(data)))
        self.predict = Compiled(self._predict, lambda numbers, state, inputs: inputs.shape)

    @functools.cached_property
    def shapes(self) -> TrainState:
        """The shapes and dtypes of every state of this program, as a TrainState. Computed without compiling."""
        return jax.eval_shape(self._start, jnp.zeros((self.structure.num_leaves, 2)), 0)

    @property
    def metrics(self) -> list[str]:
        """The names of a record's metrics, in reading order."""
        return [measurement.name for measurement in self.recipe.evaluation.measurements]

    def rebuild(self, leaves: Sequence[Any]) -> TrainState:
        """Return the state that has these `jax.tree.leaves`."""
        return jax.tree.unflatten(jax.tree.structure(self.shapes), leaves)

    @property
    def compile_seconds(self) -> float:
        """The time spent compiling so far."""
        return sum(function.seconds for function in (self.start, self.train, self.evaluate, self.predict))

    def start_from(self, numbers: Numbers, params: Params, batch_stats: State) -> TrainState:
        """Return the state that begins with these weights and a fresh optimizer."""
        recipe = join(self.structure, numbers)
        key = jax.random.key_data(jax.random.key(0)) if recipe.draws else None
        return TrainState(params, batch_stats, recipe.optimizer.transformation().init(params), key)

    def _start(self, numbers: Numbers, seed: Int[Array, ""]) -> TrainState:
        key = jax.random.key(seed)
        recipe = join(self.structure, numbers)
        state = self.start_from(numbers, *init_mlp(recipe.model, key))
        return state if state.key is None else state._replace(key=jax.random.key_data(key))

    def _train(
        self, numbers: Numbers, state: TrainState, batches: Int[Array, "records steps rows"], data: Data
    ) -> tuple[TrainState, StepLosses, Recorded]:
        """Take records × steps training steps; record the model after each `steps` of them."""
        recipe: Recipe = join(self.structure, numbers)
        optimizer = recipe.optimizer.transformation()
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

        def step(state: TrainState, rows: Array):
            key, now = _advance(state.key)
            gradient = jax.grad(loss_of, has_aux=True)
            grads, (losses, batch_stats) = gradient(state.params, state.batch_stats, rows, now)
            updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
            params = optax.apply_updates(state.params, updates)
            return TrainState(params, batch_stats, opt_state, key), losses  # pyright: ignore[reportArgumentType]

        def record(state: TrainState, batches: Array):
            state, losses = lax.scan(step, state, batches)
            return state, (losses, Recorded(state.params, state.batch_stats, batches[-1]))

        state, (losses, recorded) = lax.scan(record, state, batches)
        return state, losses, recorded

    def _evaluate(self, numbers: Numbers, recorded: Recorded, data: Data) -> dict[str, Float[Array, "records"]]:
        return evaluate(join(self.structure, numbers), recorded, data)

    def _predict(self, numbers: Numbers, state: TrainState, inputs: Array) -> Array:
        recipe: Recipe = join(self.structure, numbers)
        return apply_mlp(recipe.model, state.params, state.batch_stats, inputs, training=False)[0]


MOST_PROGRAMS = 16
"""The number of programs kept in memory, the last used ones. Each holds some ten megabytes of machine code."""

_programs: dict[Any, Program] = {}
_programs_lock = threading.Lock()


def program_of(
    recipe: Recipe, compiler_options: Mapping[str, CompilerOptions] | None = None
) -> tuple[Program, Float[np.ndarray, "leaves pair"]]:
    """Return the program that all recipes of this structure share, and this recipe's numbers."""
    structure, numbers = split(recipe)
    key = structure, tuple((name, *sorted(values.items())) for name, values in sorted((compiler_options or {}).items()))
    with _programs_lock:
        program = _programs.pop(key, None) or Program(structure, compiler_options)
        _programs[key] = program  # the last of the dictionary is the one used last
        if len(_programs) > MOST_PROGRAMS:
            del _programs[next(iter(_programs))]
            jax.clear_caches()  # which would keep its traces
    return program, numbers


def _shapes(data: Data) -> tuple[Any, ...]:
    return tuple((split, inputs.shape, targets.shape) for split, (inputs, targets) in data.items())


def _advance(key: Array | None) -> tuple[Array | None, Array | None]:
    """Return the key data of the next step and the key of this step."""
    if key is None:
        return None, None
    following, now = jax.random.split(jax.random.wrap_key_data(key))
    return jax.random.key_data(following), now


def state_bytes(state: Any) -> int:
    """Return the memory that one recorded model takes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves((state.params, state.batch_stats)))
