"""What a run records: a metric is a value (split, kind, unit, direction), and the table of kinds is open.

A *kind* is what is measured (the loss, the accuracy, a penalty). A kind that is measured on rows gives one *metric* for each
split of the data set: `train_loss`, `test_loss`. A new kind is one entry, and all that reads or draws metrics finds it:

    norm = Kind(
        name="weight_norm",
        words="norm of all kernels",
        unit="",
        direction=Direction.NEITHER,
        per_split=False,
        applies=lambda config: True,
        value=lambda model: sum((kernel * kernel).sum() for kernel in model.kernels) ** 0.5,
    )
    with register(norm):
        ...

Nothing here imports JAX or NumPy: a kind's `value` works with what the evaluation hands it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from bnlab.config import CLASSIFICATIONS, LOSS_UNITS, Config
from bnlab.errors import UserError, nearest


class Split(StrEnum):
    """A part of a data set, in reading order."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"

    @property
    def words(self) -> str:
        """The split in a sentence: "training", "validation", "test"."""
        return {Split.TRAIN: "training", Split.VALID: "validation", Split.TEST: "test"}[self]


SPLITS = {
    "regression": (Split.TRAIN, Split.TEST),
    "constant": (Split.TRAIN, Split.TEST),
    "mnist": (Split.TRAIN, Split.VALID, Split.TEST),
    "digits": (Split.TRAIN, Split.VALID, Split.TEST),
}
"""{data set: the splits it has, in reading order}."""


class Direction(StrEnum):
    """Which values of a metric are the better ones."""

    LOWER = "lower is better"
    HIGHER = "higher is better"
    NEITHER = "neither is better"


PERCENT = "%"
"""The unit of a metric whose values are fractions and are shown as percent."""


@dataclass(frozen=True)
class Metric:
    """One curve of a run: its name in curves.npz, what it measures, its unit, and which of its values are better.

    `split` is None for a metric of the model alone. `words` is the metric in a sentence: "test loss".
    """

    name: str
    split: Split | None
    kind: str
    unit: str
    direction: Direction
    words: str

    @property
    def lower_is_better(self) -> bool:
        """Whether the lower of two values is the better one."""
        return self.direction is Direction.LOWER

    @property
    def higher_is_better(self) -> bool:
        """Whether the higher of two values is the better one."""
        return self.direction is Direction.HIGHER

    @property
    def percent(self) -> bool:
        """Whether values are fractions that are shown as percent."""
        return self.unit == PERCENT


class Measured(Protocol):
    """What an evaluation hands to `Kind.value`: one recorded model and, for a kind per split, its outputs for the rows."""

    @property
    def outputs(self) -> Any:
        """What the model says of each row."""
        ...

    @property
    def targets(self) -> Any:
        """What it should say; rows on axis 0."""
        ...

    @property
    def rows_axis(self) -> int:
        """The axis of `outputs` on which the rows lie."""
        ...

    @property
    def kernels(self) -> Sequence[Any]:
        """The kernels of the dense layers, from the first to the last."""
        ...

    @property
    def params(self) -> Any:
        """All trainable arrays of the model."""
        ...

    @property
    def batch_stats(self) -> Any:
        """The moving statistics of its batch norms."""
        ...

    def loss(self) -> Any:
        """Return the reported loss: a mean over the rows."""
        ...

    def accuracy(self) -> Any:
        """Return the fraction of the rows whose largest output is their label."""
        ...

    def penalty(self) -> Any:
        """Return the penalty on the weights."""
        ...


@dataclass(frozen=True)
class Kind:
    """One entry of the table: what is measured, in which unit, where it applies, and how.

    per_split: it is measured on the rows of every split, and must be a mean over rows: a large split is evaluated in pieces,
    whose values are averaged. Otherwise it is measured once a record, and `value` sees neither outputs nor targets.
    applies: whether a run of this config records it. value: one number for one recorded model.
    """

    name: str
    words: str
    unit: str | Callable[[Config], str]
    direction: Direction
    per_split: bool
    applies: Callable[[Config], bool]
    value: Callable[[Measured], Any]

    def name_on(self, split: Split) -> str:
        """Return the name of the metric of this kind on a split."""
        return f"{split}_{self.name}"

    def metrics(self, config: Config) -> tuple[Metric, ...]:
        """Return the metrics that a run of this config records of this kind, in reading order."""
        if not self.applies(config):
            return ()
        unit = self.unit if isinstance(self.unit, str) else self.unit(config)
        if not self.per_split:
            return (Metric(self.name, None, self.name, unit, self.direction, self.words),)
        return tuple(
            Metric(self.name_on(split), split, self.name, unit, self.direction, f"{split.words} {self.words}")
            for split in SPLITS[config.data.name]
        )


def _is_penalised(config: Config) -> bool:
    norm = config.model.norm
    return bool((config.l2_penalty and config.l2_penalty.scale) or (norm and (norm.gamma_l2 or norm.beta_l2)))


_KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="loss",
            words="loss",
            unit=lambda config: LOSS_UNITS[config.loss],
            direction=Direction.LOWER,
            per_split=True,
            applies=lambda config: True,
            value=lambda model: model.loss(),
        ),
        Kind(
            name="accuracy",
            words="accuracy",
            unit=PERCENT,
            direction=Direction.HIGHER,
            per_split=True,
            applies=lambda config: config.data.name in CLASSIFICATIONS,
            value=lambda model: model.accuracy(),
        ),
        Kind(
            name="penalty",
            words="penalty",
            unit="",
            direction=Direction.LOWER,
            per_split=False,
            applies=_is_penalised,
            value=lambda model: model.penalty(),
        ),
    )
}
"""The table of kinds, in reading order."""


def kinds() -> tuple[Kind, ...]:
    """Return every kind there is, in reading order."""
    return tuple(_KINDS.values())


def kind_of(metric: Metric) -> Kind:
    """Return the kind that the metric is of. Raises KeyError where the table has none of its name."""
    return _KINDS[metric.kind]


@contextmanager
def register(kind: Kind) -> Iterator[Kind]:
    """Add a kind to the table, as its last, for as long as the `with` block runs.

    Raises:
        ValueError: the table has a kind of this name.
    """
    if kind.name in _KINDS:
        raise ValueError(f"kind: got '{kind.name}', a kind of this name is in the table")
    _KINDS[kind.name] = kind
    try:
        yield kind
    finally:
        del _KINDS[kind.name]


def split_metric_names() -> set[str]:
    """Return the names of all metrics that any data set could have on its splits."""
    return {kind.name_on(split) for kind in kinds() if kind.per_split for split in Split}


def metrics_of(config: Config) -> tuple[Metric, ...]:
    """Return all metrics that a run of this config records, in reading order.

    That is training, validation, test, and of each the loss, then the accuracy; then what is measured of the model alone.
    """
    found = [metric for kind in kinds() for metric in kind.metrics(config)]
    splits = [*Split, None]
    return tuple(sorted(found, key=lambda metric: splits.index(metric.split)))  # stable: kinds keep their order


def find_metric(name: str, config: Config) -> Metric:
    """Return the metric of this name.

    Raises:
        UserError: no run of this config records it; the message begins with what was got, and names no argument.
    """
    metrics = {metric.name: metric for metric in metrics_of(config)}
    if name not in metrics:
        raise UserError(f"got '{name}', expected one of {', '.join(metrics)}{nearest(name, metrics)}")
    return metrics[name]


def describe_unknown(name: str) -> Metric:
    """Return a metric for a curve of which the table knows nothing: it has no unit, and neither side is better."""
    return Metric(name, None, name, "", Direction.NEITHER, name.replace("_", " "))


def describe(name: str, config: Config) -> Metric:
    """Return the metric of a curve in a run of this config: from the table, else as `describe_unknown` has it."""
    return next((metric for metric in metrics_of(config) if metric.name == name), None) or describe_unknown(name)
