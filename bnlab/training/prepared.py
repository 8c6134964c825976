"""From a config and its data to a computation that can train any seed."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from bnlab import data as data_sets
from bnlab import runtime
from bnlab.config import MAX_WEIGHTS, Config, DataConfig
from bnlab.data import PIXEL_SCALE, Dataset, regression
from bnlab.data.batches import batches as draw_batches
from bnlab.errors import UserError
from bnlab.metrics import kind_metrics, kind_of, probe_metrics
from bnlab.models import MLP, Params, State
from bnlab.nn.numbers import split
from bnlab.optimizers import choose_optimizer
from bnlab.training.evaluation import Data, Recorded
from bnlab.training.program import Numbers, Program, program_of, state_bytes
from bnlab.training.recipe import Evaluation, Measurement, NormInputs, Objective, Recipe
from bnlab.training.scheduler import Task
from bnlab.training.segments import SEGMENT_STEPS, Segment, plan_segments
from bnlab.training.step import TrainState

FEW_WEIGHTS = 128
"""Up to this many weights, the optimizer takes all of them as one vector: a step then has one loop, not one per array."""


def load_dataset(config: Config) -> Dataset:
    """Return the config's data set. Raises: UserError where it cannot be had, or its file was changed since it was read."""
    found = config.data.found
    if found and found.model_dump() != asdict(data_sets.find(config.data.name, config.data.options)):
        raise UserError(
            f"{config.data.path}: has other content than data.found says; without data.found, the file is taken as it is"
        )
    dataset = data_sets.load(config.data.name, config.data.options)
    return dataset if config.data.binarise is None else data_sets.binarised(dataset, config.data.binarise)


def build_model(config: Config, dataset: Dataset) -> MLP:
    """Return the model that the config describes for this data. Raises: UserError where its options do not fit the data."""
    inputs = dataset.train.raw.shape[1]
    outputs = dataset.num_classes or dataset.train.targets.shape[1]
    norm = config.model.norm
    model = MLP(
        inputs,
        config.model.hidden,
        outputs if config.model.output_layer else None,
        activation=config.model.activation,
        norm=norm and norm.options,
        position=norm.position if norm else "before_activation",
        kernel_init=config.model.kernel_init.options,
        noise=config.model.noise and config.model.noise.options,
    )
    if model.weights > MAX_WEIGHTS:
        raise UserError(f"{config.name}: model.hidden: makes {model.weights:,} weights, expected at most {MAX_WEIGHTS:,}")
    if not config.model.output_layer and model.widths[-1] != outputs:
        raise UserError(f"{config.name}: model.hidden: its last width must be {outputs} without an output layer")
    group = config.model.batch_norm and config.model.batch_norm.virtual_batch_size
    if group and config.batch_size % group:
        raise UserError(
            f"{config.name}: model.norm.virtual_batch_size: got {group}, expected a divisor of batch_size "
            f"({config.batch_size})"
        )
    return model


def build_recipe(config: Config, dataset: Dataset) -> Recipe:
    """Return the options for training the config's seeds. Raises: UserError where they do not fit together."""
    rows = len(dataset.train)
    if config.batch_size > rows:
        raise UserError(
            f"{config.name}: batch_size: got {config.batch_size}, expected at most {rows}, "
            f"the rows of the training set of {dataset.name}"
        )
    penalty = config.l2_penalty
    model = build_model(config, dataset)
    optimizer = config.optimizer
    return Recipe(
        model,
        Objective(config.loss, penalty.scale, penalty.halved) if penalty else Objective(config.loss),
        choose_optimizer(
            **optimizer.model_dump(exclude={"schedule", "clip"}),
            schedule=optimizer.schedule.over(config.num_steps),
            clip=optimizer.clip and optimizer.clip.options,
            flat=model.weights <= FEW_WEIGHTS,
        ),
        Evaluation(
            tuple(Measurement(m.name, m.split, kind_of(m).value) for m in kind_metrics(config)),
            config.evaluation.train_rows,
            config.evaluation.train_statistics if config.model.batch_norm else None,
            dataset.train is dataset.test,
            _precise_batches(config, rows),
            tuple(metric.name for metric in probe_metrics(config)),
        ),
        _norm_inputs(config),
        config.probes.options,
        PIXEL_SCALE.item(),
    )


def _precise_batches(config: Config, rows: int) -> tuple[int, int] | None:
    """Return how many batches the precise statistics come from, and their size; None where nothing takes such statistics."""
    norm = config.model.batch_norm
    if norm is None or "precise" not in (norm.evaluate_with, config.evaluation.train_statistics):
        return None
    taken = min(norm.precise_rows or rows, rows)
    size = min(norm.virtual_batch_size or config.batch_size, taken)
    return taken // size, size


def _norm_inputs(config: Config) -> NormInputs:
    norm = config.model.batch_norm
    if norm is None:
        return NormInputs()
    adjustment = norm.adjustment
    return NormInputs(norm.batch_weights, norm.mask, None if adjustment is None else (adjustment.scale, adjustment.bias))


def device_data(dataset: Dataset) -> Data:
    """Return the data set's splits on the device, as the program takes them."""
    splits: dict[str, tuple[np.ndarray, np.ndarray]] = {
        name: (split.raw, split.targets)
        for name, split in (("train", dataset.train), ("valid", dataset.valid), ("test", dataset.test))
        if split is not None
    }
    return jax.block_until_ready(jax.device_put(splits))


@dataclass(frozen=True, eq=False)
class Prepared:
    """A config that is ready to train any seed: the only way from a config to a computation.

    All configs of one shape share `program`; `numbers` are this config's arguments to it.
    """

    config: Config
    dataset: Dataset
    data: Data
    program: Program
    numbers: Numbers
    segments: Sequence[Segment]

    @property
    def record_bytes(self) -> int:
        """The memory that one recorded model takes."""
        return state_bytes(self.program.shapes)

    def first_state(self, init: int) -> TrainState:
        """Return the state before the first step. Its weights are drawn from the `init` seed."""
        return self.program.start(self.numbers, np.uint32(init))

    def start_from(self, params: Params, batch_stats: State) -> TrainState:
        """Return the state before the first step with these weights."""
        return self.program.start_from(self.numbers, params, batch_stats)

    def batches(self, seed: int, start: int, count: int) -> np.ndarray:
        """Return the row numbers of steps start … start + count − 1, int32 [count, batch], drawn from the data `seed`."""
        return draw_batches(self.config.batches, len(self.dataset.train), self.config.batch_size, seed, start, count)

    def task(self, init: int, seed: int, *, first: int = 0, leaves: Sequence[Any] | None = None) -> Task:
        """Return the training of one seed from segment `first` on.

        `leaves` are the `jax.tree.leaves` of the state before that segment. Without them the seed starts anew.
        """
        start = partial(self.first_state, init) if leaves is None else partial(jax.device_put, self.program.rebuild(leaves))
        return self.replay_task(start, partial(self.batches, seed), first=first)

    def replay_task(
        self, start: Callable[[], TrainState], batches: Callable[[int, int], np.ndarray], *, first: int = 0
    ) -> Task:
        """Return the training of one run from the state of `start` on the given batches (see `Task`)."""
        return Task(self.program, self.numbers, self.data, start, batches, self.config.batch_size, self.segments, first)

    def evaluate(self, recorded: Recorded) -> dict[str, np.ndarray]:
        """Return every metric of the recorded models, except those of the probes."""
        values = self.program.evaluate(self.numbers, recorded.models, self.data)
        return {name: np.asarray(curve) for name, curve in values.items()}

    def correct(self, state: TrainState) -> np.ndarray:
        """Return for each test row whether the state's model classifies it correctly."""
        return np.asarray(self.program.correct(self.numbers, state, self.data))

    def predict(self, state: TrainState, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs of the state's model in inference mode, [rows, features]."""
        return np.asarray(self.program.predict(self.numbers, state, inputs, self.data))


@dataclass(frozen=True, eq=False)
class Checked:
    """A config whose options fit together and fit its data. Nothing is compiled or traced yet."""

    config: Config
    dataset: Dataset
    data: Data
    recipe: Recipe

    @property
    def shape(self) -> Hashable:
        """What the config shares with all that need the same compiled functions."""
        config = self.config
        return split(self.recipe)[0], config.data, config.batch_size, config.num_steps, config.record_every

    def ready(self, segment_steps: int = SEGMENT_STEPS) -> Prepared:
        """Return the config, ready to train. segment_steps: the most steps of a segment."""
        config = self.config
        program, numbers = program_of(self.recipe, runtime.compiler_options())
        segments = plan_segments(config.num_steps, config.record_every, state_bytes(program.shapes), segment_steps)
        return Prepared(config, self.dataset, self.data, program, jax.device_put(numbers), segments)


def check(configs: Iterable[Config], *, points: int | None = None) -> Iterator[Checked]:
    """Yield each config once it is checked against its data. Each data set is loaded once.

    points: the number of points of the regression, instead of its default.

    Raises:
        UserError: options do not fit together, or data cannot be loaded.
    """
    runtime.configure()
    datasets: dict[DataConfig, tuple[Dataset, Data]] = {}
    for config in configs:
        if config.data not in datasets:
            dataset = load_dataset(config) if points is None else regression.load(points)
            datasets[config.data] = dataset, device_data(dataset)
        dataset, data = datasets[config.data]
        yield Checked(config, dataset, data, build_recipe(config, dataset))


def prepare(configs: Sequence[Config], *, segment_steps: int = SEGMENT_STEPS, points: int | None = None) -> list[Prepared]:
    """Return each config, ready to train; the arguments and errors are those of `check` and `Checked.ready`."""
    return [one.ready(segment_steps) for one in check(configs, points=points)]
