"""The metrics of a run: a metric is a value (split, kind, unit, direction), and the table of kinds is open.

A *kind* is a measured quantity (the loss, the accuracy, a penalty). A kind that is measured on rows gives one *metric* for
each split of the data set: `train_loss`, `test_loss`. A new kind is one entry. All code that reads or draws metrics finds
it by itself:

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

A *probe* is asked for in the config and records one or more metrics, such as one for each layer. `_PROBES` lists them;
`bnlab.training.probes` computes their values.

This module imports neither JAX nor NumPy: the evaluation calls a kind's `value` with its own arrays.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from bnlab.config import LOSS_UNITS, Config
from bnlab.errors import UserError, nearest
from bnlab.options import ProbeName


class Split(StrEnum):
    """A part of a data set, in reading order."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"

    @property
    def words(self) -> str:
        """The name of the split in a sentence: "training", "validation", "test"."""
        return {Split.TRAIN: "training", Split.VALID: "validation", Split.TEST: "test"}[self]


def splits_of(config: Config) -> tuple[Split, ...]:
    """Return the splits of the config's data set, in reading order."""
    return (Split.TRAIN, *([Split.VALID] if config.data.facts.valid_rows else []), Split.TEST)


class Direction(StrEnum):
    """Which values of a metric are better."""

    LOWER = "lower is better"
    HIGHER = "higher is better"
    NEITHER = "neither is better"


PERCENT = "%"
"""The unit of a metric whose values are fractions and are shown as percent."""


@dataclass(frozen=True)
class Metric:
    """One curve of a run: its name in curves.npz, its split and kind, its unit, and which of its values are better.

    `split` is None for a metric that depends only on the model. `words` names the metric in a sentence: "test loss".
    """

    name: str
    split: Split | None
    kind: str
    unit: str
    direction: Direction
    words: str

    @property
    def lower_is_better(self) -> bool:
        """Whether the lower of two values is better."""
        return self.direction is Direction.LOWER

    @property
    def higher_is_better(self) -> bool:
        """Whether the higher of two values is better."""
        return self.direction is Direction.HIGHER

    @property
    def percent(self) -> bool:
        """Whether the values are fractions that are shown as percent."""
        return self.unit == PERCENT


class Measured(Protocol):
    """The argument of `Kind.value`: one recorded model and, for a kind with `per_split`, its outputs for the split's rows."""

    @property
    def outputs(self) -> Any:
        """The model's outputs for each row."""
        ...

    @property
    def targets(self) -> Any:
        """The targets or labels; rows on axis 0."""
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
    """One entry of the table: a quantity, its unit, which configs record it, and how it is computed.

    per_split: true for a quantity that is measured on the rows of each split. It must be a mean over rows, because a large
    split is evaluated in pieces and the values of the pieces are averaged. A quantity with false is measured once per
    record, and `value` gets neither outputs nor targets.
    applies: whether a run of this config records the kind. value: returns one number for one recorded model.
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
        """Return the metrics of this kind that a run of this config records, in reading order."""
        if not self.applies(config):
            return ()
        unit = self.unit if isinstance(self.unit, str) else self.unit(config)
        if not self.per_split:
            return (Metric(self.name, None, self.name, unit, self.direction, self.words),)
        return tuple(
            Metric(self.name_on(split), split, self.name, unit, self.direction, f"{split.words} {self.words}")
            for split in splits_of(config)
        )


def _is_penalised(config: Config) -> bool:
    norm = config.model.batch_norm
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
            applies=lambda config: config.data.classifies,
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
    """Return all kinds of the table, in reading order."""
    return tuple(_KINDS.values())


def kind_of(metric: Metric) -> Kind:
    """Return the kind of the metric. Raises KeyError where the table has no kind of this name."""
    return _KINDS[metric.kind]


@contextmanager
def register(kind: Kind) -> Iterator[Kind]:
    """Add a kind at the end of the table while the `with` block runs.

    Raises:
        ValueError: the table already has a kind of this name.
    """
    if kind.name in _KINDS:
        raise ValueError(f"kind: got '{kind.name}', expected a name that is not in the table")
    _KINDS[kind.name] = kind
    try:
        yield kind
    finally:
        del _KINDS[kind.name]


def _layers(config: Config) -> list[str]:
    """Return the names of the dense layers, from the first to the last."""
    return [f"dense{i}" for i in range(len(config.model.hidden) + config.model.output_layer)]


def _hidden(config: Config) -> list[str]:
    return [f"dense{i}" for i in range(len(config.model.hidden))]


def _norms(config: Config) -> list[str]:
    norm = config.model.norm
    if norm is None:
        return []
    count = 1 if norm.position == "input" else len(config.model.hidden)
    name = "bn" if norm.kind == "batch" else f"{norm.kind}_norm"
    return [f"{name}{i}" for i in range(count)]


def _probed(name: str, kind: str, words: str, unit: str = "", direction: Direction = Direction.NEITHER) -> Metric:
    return Metric(name, None, kind, unit, direction, words)


def _kernel_norm(config: Config) -> Iterator[Metric]:
    for layer in _layers(config):
        yield _probed(f"{layer}_kernel_norm", "kernel_norm", f"norm of {layer}'s kernel")


def _unit_norm(config: Config) -> Iterator[Metric]:
    for layer in _layers(config):
        for name, which in (("min", "least"), ("median", "median"), ("max", "greatest")):
            yield _probed(f"{layer}_unit_norm_{name}", "unit_norm", f"{which} norm of {layer}'s units")


def _gradient_norm(config: Config, name: str = "gradient_norm", rows: str = "the next batch") -> Iterator[Metric]:
    yield _probed(name, name, f"norm of the gradient on {rows}")
    for layer in (*_layers(config), *_norms(config)):
        yield _probed(f"{layer}_{name}", name, f"norm of {layer}'s gradient on {rows}")


def _fixed_gradient_norm(config: Config) -> Iterator[Metric]:
    return _gradient_norm(config, "fixed_gradient_norm", "the fixed rows")


def _effective_rate(config: Config) -> Iterator[Metric]:
    for layer in _hidden(config):
        yield _probed(f"{layer}_effective_rate", "effective_rate", f"effective learning rate of {layer}")


def _input_quantiles(config: Config) -> Iterator[Metric]:
    if options := config.probes.input_quantiles:
        layer = _hidden(config)[-1 if options.layer is None else options.layer]
        for percent in (15, 50, 85):
            words = f"{percent}th percentile of the input of {layer}'s unit {options.unit}"
            yield _probed(f"{layer}_unit{options.unit}_input_p{percent}", "input_quantiles", words)


def _dead_units(config: Config) -> Iterator[Metric]:
    for layer in _hidden(config):
        yield _probed(f"{layer}_dead_units", "dead_units", f"dead units of {layer}", PERCENT, Direction.LOWER)


def _statistics_gap(config: Config) -> Iterator[Metric]:
    for layer in _norms(config):
        for name in ("mean", "variance"):
            words = f"relative gap of {layer}'s moving {name}"
            yield _probed(f"{layer}_{name}_gap", "statistics_gap", words, direction=Direction.LOWER)


_ALONG_GRADIENT = (
    _probed("along_loss_min", "along_loss", "least loss along the gradient"),
    _probed("along_loss_max", "along_loss", "greatest loss along the gradient"),
    _probed("along_loss_range", "along_loss", "range of the loss along the gradient"),
    _probed("along_gradient_change_min", "along_gradient_change", "least change of the gradient along itself"),
    _probed("along_gradient_change_max", "along_gradient_change", "greatest change of the gradient along itself"),
    _probed("along_smoothness", "along_smoothness", "effective β-smoothness along the gradient"),
)
_STEP_ANGLE = _probed("step_angle", "step_angle", "angle between successive updates", "degrees")

_PROBES: dict[ProbeName, Callable[[Config], Iterable[Metric]]] = {
    "kernel_norm": _kernel_norm,
    "unit_norm": _unit_norm,
    "gradient_norm": _gradient_norm,
    "fixed_gradient_norm": _fixed_gradient_norm,
    "step_angle": lambda config: (_STEP_ANGLE,),
    "effective_rate": _effective_rate,
    "input_quantiles": _input_quantiles,
    "dead_units": _dead_units,
    "statistics_gap": _statistics_gap,
    "loss_along_gradient": lambda config: _ALONG_GRADIENT,
}
"""{probe: the metrics that a run of a config records for it}, for all probes that are measured at records."""


def probe_metrics(config: Config) -> tuple[Metric, ...]:
    """Return the metrics of the probes that the config asks for, in reading order."""
    return tuple(metric for probe in config.probes.recorded for metric in _PROBES[probe](config))


def kind_metrics(config: Config) -> tuple[Metric, ...]:
    """Return the metrics of all kinds that a run of this config records, in reading order: all but those of the probes."""
    found = [metric for kind in kinds() for metric in kind.metrics(config)]
    splits = [*Split, None]
    return tuple(sorted(found, key=lambda metric: splits.index(metric.split)))  # stable: kinds keep their order


def split_metric_names() -> set[str]:
    """Return the names of all metrics that any data set could have on its splits."""
    return {kind.name_on(split) for kind in kinds() if kind.per_split for split in Split}


def metrics_of(config: Config) -> tuple[Metric, ...]:
    """Return all metrics that a run of this config records, in reading order.

    The order is training, validation, test; within a split the loss, then the accuracy. The metrics that depend only on the
    model follow, and those of the probes come last.
    """
    return kind_metrics(config) + probe_metrics(config)


def default_metrics(metrics: Sequence[Metric]) -> list[Metric]:
    """Return those that are compared by default: each kind on test and validation rows; all where none is on these."""
    chosen = [
        metric
        for kind in kinds()
        for split in (Split.TEST, Split.VALID)
        for metric in metrics
        if (metric.kind, metric.split) == (kind.name, split)
    ]
    return chosen or list(metrics)


def find_metric(name: str, config: Config) -> Metric:
    """Return the metric of this name.

    Raises:
        UserError: no run of this config records it. The message begins with "got", and the caller adds the argument.
    """
    metrics = {metric.name: metric for metric in metrics_of(config)}
    if name not in metrics:
        raise UserError(f"got '{name}', expected one of {', '.join(metrics)}{nearest(name, metrics)}")
    return metrics[name]


def describe_unknown(name: str) -> Metric:
    """Return a metric for a curve that is not in the table: it has no unit, and neither direction is better."""
    return Metric(name, None, name, "", Direction.NEITHER, name.replace("_", " "))


def describe(name: str, config: Config) -> Metric:
    """Return the metric of a curve in a run of this config: from the table, else from `describe_unknown`."""
    return next((metric for metric in metrics_of(config) if metric.name == name), None) or describe_unknown(name)
