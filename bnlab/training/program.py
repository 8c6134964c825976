"""The compiled functions of a recipe: start, train a segment, evaluate its records, predict.

Each call handles one seed. A run of many seeds calls them from several threads (`bnlab.training.scheduler`). So a seed has
the same bits alone and among a thousand. On a GPU, one call handles a block of seeds (`bnlab.training.blocks`).
Recipes of one structure share a program, which takes their numbers as arguments.
"""

import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from bnlab.models import Params, State, apply_mlp, init_mlp
from bnlab.nn.numbers import Structure, join, split
from bnlab.training.evaluation import Data, Recorded, correct, evaluate, inference
from bnlab.training.probes import further, probe
from bnlab.training.recipe import Recipe
from bnlab.training.step import StepLosses, TrainState, train_step

CompilerOptions = Mapping[str, str | bool]
Numbers = Float[Array, "leaves pair"]


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
    evaluate(numbers, recorded, data) → {metric: [records]}; predict(numbers, state, inputs, data) → outputs;
    probe(numbers, recorded, ahead, data) → {metric: [records]} of the recipe's probes;
    correct(numbers, state, data) → whether each test example is classified correctly.

    train_lanes, evaluate_lanes and probe_lanes do the same for many seeds at once (`bnlab.training.blocks`): all arguments
    but the data, and all results, have a leading axis of lanes.

    `compiler_options` are options of XLA for each function: {function name: options}.
    """

    def __init__(self, structure: Structure, compiler_options: Mapping[str, CompilerOptions] | None = None):
        self.structure = structure
        self.recipe: Recipe = jax.tree.unflatten(structure, [0.0] * structure.num_leaves)
        options = compiler_options or {}
        self.start = Compiled(self._start, lambda numbers, seed: None, options.get("start"))
        self.train = Compiled(self._train, _rows_and_data, options.get("train"))
        self.evaluate = Compiled(self._evaluate, _records_and_data)
        self.predict = Compiled(self._predict, lambda numbers, state, inputs, data: (inputs.shape, _shapes(data)))
        self.probe = Compiled(self._probe, _records_and_data)
        self.correct = Compiled(self._correct, lambda numbers, state, data: _shapes(data))
        self.train_lanes = Compiled(jax.vmap(self._train, (0, 0, 0, None)), _rows_and_data, options.get("train"))
        self.evaluate_lanes = Compiled(jax.vmap(self._evaluate, (0, 0, None)), _records_and_data)
        self.probe_lanes = Compiled(jax.vmap(self._probe, (0, 0, 0, None)), _records_and_data)
        self._functions = [value for value in vars(self).values() if isinstance(value, Compiled)]

    @functools.cached_property
    def shapes(self) -> TrainState:
        """The shapes and dtypes of every state of this program, as a TrainState. Computed without compiling."""
        return jax.eval_shape(self._start, jnp.zeros((self.structure.num_leaves, 2)), 0)

    @property
    def metrics(self) -> list[str]:
        """The names of a record's metrics, in reading order; those of the probes come last."""
        return [*(measurement.name for measurement in self.recipe.evaluation.measurements), *self.recipe.evaluation.probed]

    def rebuild(self, leaves: Sequence[Any]) -> TrainState:
        """Return the state that has these `jax.tree.leaves`."""
        return jax.tree.unflatten(jax.tree.structure(self.shapes), leaves)

    @property
    def compile_seconds(self) -> float:
        """The time spent compiling so far."""
        return sum(function.seconds for function in self._functions)

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
        step = train_step(recipe, data)

        def record(state: TrainState, batches: Array):
            state, losses = lax.scan(step, state, batches)
            recorded = Recorded(state.params, state.batch_stats, batches[-1])
            return state, (losses, recorded._replace(**further(recipe, state)))

        state, (losses, recorded) = lax.scan(record, state, batches)
        return state, losses, recorded

    def _evaluate(self, numbers: Numbers, recorded: Recorded, data: Data) -> dict[str, Float[Array, "records"]]:
        return evaluate(join(self.structure, numbers), recorded, data)

    def _predict(self, numbers: Numbers, state: TrainState, inputs: Array, data: Data) -> Array:
        recipe: Recipe = join(self.structure, numbers)
        model, batch_stats = inference(recipe, state.params, state.batch_stats, data)
        return apply_mlp(model, state.params, batch_stats, inputs, training=False)[0]

    def _probe(self, numbers: Numbers, recorded: Recorded, ahead: Array, data: Data) -> dict[str, Float[Array, "records"]]:
        return probe(join(self.structure, numbers), recorded, ahead, data)

    def _correct(self, numbers: Numbers, state: TrainState, data: Data) -> Bool[Array, "rows"]:
        return correct(join(self.structure, numbers), state.params, state.batch_stats, data)


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


def _rows_and_data(*args: Any) -> Any:
    """Return the shapes of (numbers, state, rows, data)."""
    return args[2].shape, _shapes(args[-1])


def _records_and_data(*args: Any) -> Any:
    """Return the shapes of (numbers, recorded, …, data)."""
    return args[1].batch.shape, _shapes(args[-1])


def _shapes(data: Data) -> tuple[Any, ...]:
    """Return the shapes of a data set, and the type of its inputs: pixels and floats may have one shape."""
    return tuple((split, inputs.shape, inputs.dtype, targets.shape) for split, (inputs, targets) in data.items())


def state_bytes(state: Any) -> int:
    """Return the memory that one recorded model takes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves((state.params, state.batch_stats)))
