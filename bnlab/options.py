"""The choices of a user, each written once: the lists of choices, and the options of each part with their ranges and rules.

Configs, layers and data sets take all names, defaults and ranges from here. A list of choices is a `Literal`. A range is
metadata of the type, in the classes of `annotated_types`, which pydantic reads too.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from numbers import Real
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, doc

DataName = Literal["regression", "mnist", "fashion_mnist", "kmnist", "digits", "constant", "arrays", "csv"]
Task = Literal["classification", "regression"]
BatchOrder = Literal["epoch", "resampled"]
Activation = Literal["relu", "tanh", "sigmoid", "linear", "gelu", "gelu_tanh", "silu", "elu", "leaky_relu"]
KernelInitName = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "normal"
]
Loss = Literal["half_sum_squares", "mean_squared_error", "softmax_cross_entropy"]
OptimizerName = Literal["adam", "adam_tf", "sgd"]
ScheduleName = Literal["constant", "piecewise", "cosine"]
ClipName = Literal["global_norm", "value"]
TrainRows = Literal["batch", "split"]

RowNormKind = Literal["layer", "rms"]
Position = Literal["before_activation", "after_activation", "input"]
NoisePosition = Literal["before_activation", "after_activation"]
Renorm = Literal["tensorflow1", "keras3"]
Statistics = Literal["batch", "moving"]
InferenceStatistics = Literal["moving", "batch", "precise"]
Frozen = Literal["tensorflow2", "tensorflow1"]
Formula = Literal["centred", "tensorflow"]


class ExportKind(StrEnum):
    """What `bnlab runs export --to` writes besides tables. An enum, because Typer takes no Literal in a tuple."""

    TENSORBOARD = "tensorboard"


LARGEST = 3e38
"""About the largest number in float32."""
SMALLEST = 1.2e-38
"""About the smallest number above 0 that float32 holds with full precision."""

Size = Annotated[int, Ge(1), Le(1_000_000)]
StepNumber = Annotated[int, Ge(0), Le(2**24)]
"""A number of steps that is an argument of a program; float32 holds every integer up to 2²⁴."""
Number = Annotated[float, Ge(-LARGEST), Le(LARGEST)]
Positive = Annotated[float, Gt(0), Le(LARGEST)]
NonNegative = Annotated[float, Ge(0), Le(LARGEST)]
Fraction = Annotated[float, Ge(0), Le(1)]
BelowOne = Annotated[float, Ge(0), Lt(1)]

Seed = Annotated[int, Ge(0), Lt(2**32)]

LIMITS = {"ge": "greater than or equal to", "gt": "greater than", "le": "less than or equal to", "lt": "less than"}
"""The words for a limit in an error message, by its name in `annotated_types` and in pydantic."""


class OptionError(ValueError):
    """An option out of its range, or one that contradicts another.

    option: its name, dotted where it lies in a section. problem: "got …, expected …".
    """

    def __init__(self, option: str, problem: str):
        super().__init__(option, problem)
        self.option, self.problem = option, problem

    def __str__(self) -> str:
        return f"{self.option}: {self.problem}"


@dataclass(frozen=True)
class Facts:
    """What a config must know of its data set before a row is read. `num_classes` is None for a regression."""

    train_rows: Annotated[int, Ge(1), doc("The number of rows to train on.")]
    valid_rows: Annotated[int, Ge(0), doc("The number of validation rows; 0 where there is no validation set.")]
    test_rows: Annotated[int, Ge(1), doc("The number of test rows.")]
    num_classes: Annotated[int | None, doc("The number of classes; null for a regression.")]


@dataclass(frozen=True)
class Found(Facts):
    """What was found in a file of the user's own data."""

    sha256: Annotated[str, doc("The SHA-256 of the file's bytes.")]


_IDX = Facts(train_rows=55_000, valid_rows=5_000, test_rows=10_000, num_classes=10)

DATA_SETS: dict[DataName, Facts | None] = {
    "regression": Facts(train_rows=300, valid_rows=0, test_rows=300, num_classes=None),
    "mnist": _IDX,
    "fashion_mnist": _IDX,
    "kmnist": _IDX,
    "digits": Facts(train_rows=1297, valid_rows=250, test_rows=250, num_classes=10),
    "constant": Facts(train_rows=1, valid_rows=0, test_rows=1, num_classes=None),
    "arrays": None,
    "csv": None,
}
"""{data set: its facts}; None for a file of the user's own, whose facts are found in it."""


@dataclass(frozen=True)
class FileOptions:
    """How a file of the user's own becomes a data set. Hashable.

    Raises:
        OptionError (a ValueError): a fraction out of its range, or no row left to train on.
    """

    path: Annotated[
        str | None,
        doc("The file of arrays or csv. A relative path begins at the current folder, else at the folder of the config."),
    ] = None
    task: Annotated[Task | None, doc("What is learnt from the file: classes, or a number.")] = None
    target: Annotated[str | None, doc("The column of a CSV file that is predicted; all others are features.")] = None
    test_fraction: Annotated[
        float, Gt(0), Lt(1), doc("The share of the rows that is the test set, where the file has no splits of its own.")
    ] = 0.2
    valid_fraction: Annotated[
        float, Ge(0), Lt(1), doc("The share of the rows that is the validation set, where the file has no splits of its own.")
    ] = 0.0
    split_seed: Annotated[
        Seed, doc("The seed of the permutation that splits the rows. It belongs to the data: it is no seed of a run.")
    ] = 0
    standardise: Annotated[
        bool,
        doc(
            "Whether features, and a numeric target, get mean 0 and standard deviation 1. Both are those of the training "
            "rows; validation and test rows are shifted and scaled by the same numbers."
        ),
    ] = True

    def __post_init__(self):
        _check_fields(self, FileOptions)
        if self.test_fraction + self.valid_fraction >= 1:
            problem = f"got {self.valid_fraction:g}, expected less than {1 - self.test_fraction:g} with test_fraction"
            raise OptionError("valid_fraction", f"{problem} {self.test_fraction:g}")


@dataclass(frozen=True)
class KernelInit:
    """How the kernels of the dense layers are drawn. Biases start at 0.

    Raises:
        OptionError (a ValueError): a deviation out of its range, or one where the name gives it, or none where it is needed.
    """

    name: Annotated[
        KernelInitName,
        doc(
            "The variance is 2/(inputs + outputs) for glorot, 2/inputs for he, 1/inputs for lecun. Their normal "
            "distributions are cut at two standard deviations, as in TensorFlow and Keras. normal is not cut."
        ),
    ] = "glorot_uniform"
    stddev: Annotated[Positive | None, doc("The standard deviation; of normal only.")] = None

    def __post_init__(self):
        _check_fields(self, KernelInit)
        if self.name == "normal" and self.stddev is None:
            raise OptionError("stddev", "got null, expected a number with name 'normal'")
        if self.name != "normal" and self.stddev is not None:
            raise OptionError("stddev", f"got {self.stddev}, expected null with name '{self.name}'")


@dataclass(frozen=True)
class Noise:
    """Noise in train steps: each step replaces every value a of row i and feature j by s · a + m, drawn anew.

    μ_j from ±mean and σ_j from [1, stddev], both uniform, for each feature, layer and step
    m from μ_j ± mean_spread, uniform, and s from the normal distribution (σ_j, stddev_spread²), for each value

    Raises:
        OptionError (a ValueError): an option out of its range.

    Source: Santurkar et al. 2018, appendix A.2.1, algorithm 1; the defaults are the paper's numbers.
    """

    mean: Annotated[NonNegative, doc("The largest mean of a feature's shift; each step draws it from ± this number.")] = 0.5
    stddev: Annotated[
        float, Ge(1), Le(LARGEST), doc("The largest mean of a feature's scale; each step draws it from 1 to this number.")
    ] = 1.25
    mean_spread: Annotated[NonNegative, doc("The shift of a value is drawn from the feature's mean ± this number.")] = 0.1
    stddev_spread: Annotated[
        NonNegative, doc("The standard deviation of a value's scale around the feature's mean scale.")
    ] = 0.1
    position: Annotated[
        NoisePosition, doc("Where the noise stands: before or after each hidden activation; the same as the norm's position.")
    ] = "before_activation"

    def __post_init__(self):
        _check_fields(self, Noise)


@dataclass(frozen=True)
class Schedule:
    """The learning rate of step t (t = 0 for the first): learning_rate · warm-up(t) · f(t). Hashable.

    warm-up(t) = warmup_from + (1 − warmup_from) · t / warmup_steps for t < warmup_steps, then 1
    constant:    f(t) = 1
    piecewise:   f(t) = factors[i] for the last boundaries[i] ≤ t; 1 before the first
    cosine:      f(t) = end_factor + (1 − end_factor) · ½ (1 + cos πp), where p goes from 0 at t = warmup_steps to 1 at
                 t = decay_steps, and stays there

    Raises:
        OptionError (a ValueError): an option out of its range, or one that the named schedule does not have.
    """

    name: Annotated[
        ScheduleName, doc("How the learning rate goes on after the warm-up: constant, in pieces, or as half a cosine.")
    ] = "constant"
    warmup_steps: Annotated[
        StepNumber, doc("The number of steps in which the factor rises linearly to 1; 0 is no warm-up.")
    ] = 0
    warmup_from: Annotated[Fraction, doc("The factor of the first step of a warm-up.")] = 0.0
    boundaries: Annotated[
        tuple[StepNumber, ...], doc("The numbers of steps after which the factor changes, in order; of piecewise only.")
    ] = ()
    factors: Annotated[
        tuple[NonNegative, ...], doc("The factor of the learning rate from each boundary on; of piecewise only.")
    ] = ()
    decay_steps: Annotated[
        StepNumber | None,
        doc("The number of steps, warm-up included, after which the cosine ends; null is num_steps. Of cosine only."),
    ] = None
    end_factor: Annotated[NonNegative, doc("The factor at the end of the cosine and after it; of cosine only.")] = 0.0

    def __post_init__(self):
        _check_fields(self, Schedule)
        own = {"piecewise": ("boundaries", "factors"), "cosine": ("decay_steps", "end_factor")}
        for name, options in own.items():
            for option in options:
                given = getattr(self, option)
                if self.name != name and given not in (None, (), 0):
                    raise OptionError(option, f"got {_words(given)}, expected none: it belongs to name '{name}'")
        if self.name == "piecewise" and not self.boundaries:
            raise OptionError("boundaries", "got [], expected one or more with name 'piecewise'")
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise OptionError("boundaries", f"got {_words(self.boundaries)}, expected each above the one before")
        if len(self.factors) != len(self.boundaries):
            problem = f"got {len(self.factors)} values, expected one for each boundary ({len(self.boundaries)})"
            raise OptionError("factors", problem)
        if self.decay_steps is not None and self.decay_steps <= self.warmup_steps:
            raise OptionError("decay_steps", f"got {self.decay_steps}, expected more than warmup_steps ({self.warmup_steps})")


@dataclass(frozen=True)
class GradientClip:
    """A bound of the gradient g of all parameters: value clips each entry, global_norm the length of all together.

    value:       g ← min(max(g, −threshold), threshold)
    global_norm: g ← g · min(1, threshold / ‖g‖), with the norm over all entries of all arrays

    Raises:
        OptionError (a ValueError): a threshold that is not above 0.
    """

    name: Annotated[ClipName, doc("What is bounded: the norm of the whole gradient, or each of its entries.")]
    threshold: Annotated[Positive, doc("The largest norm, or the largest absolute value of an entry.")]

    def __post_init__(self):
        _check_fields(self, GradientClip)


@dataclass(frozen=True)
class RenormClipping:
    """Bounds of batch renormalization: r to [rmin, rmax], d to [-dmax, dmax].

    Raises:
        OptionError (a ValueError): rmin > rmax, or a negative or non-finite bound.
    """

    rmin: Annotated[NonNegative | None, doc("The lower bound of r; null means no bound.")] = None
    rmax: Annotated[NonNegative | None, doc("The upper bound of r; null means no bound.")] = None
    dmax: Annotated[NonNegative | None, doc("The upper bound of |d|; null means no bound.")] = None

    def __post_init__(self):
        _check_fields(self, RenormClipping)
        if self.rmin is not None and self.rmax is not None and self.rmin > self.rmax:
            raise OptionError("rmin", f"got {self.rmin}, expected at most rmax ({self.rmax})")


@dataclass(frozen=True)
class NormOptions:
    """The options of a batch-norm layer that a user sets under `model.norm`, with the same names. Hashable.

    Raises:
        OptionError (a ValueError): an option out of its range, or options that contradict each other.
    """

    momentum: Annotated[
        Fraction, doc("The weight of the *old* moving value: moving = moving · momentum + batch · (1 − momentum).")
    ] = 0.99
    epsilon: Annotated[
        float,
        Ge(SMALLEST),
        Le(LARGEST),
        doc("The number added to the variance; above 0, so that a constant column gives beta and not NaN."),
    ] = 1e-3
    center: Annotated[bool, doc("Whether the layer has a beta.")] = True
    scale: Annotated[bool, doc("Whether the layer has a gamma.")] = True
    sample_variance: Annotated[
        bool,
        doc(
            "Whether the moving variance takes N/(N − 1) times the batch variance (0 where N is 1). The output is always "
            "normalised by the population variance."
        ),
    ] = False
    zero_debias_moving_mean: Annotated[
        bool,
        doc(
            "Whether the moving mean is divided by 1 − momentumᵗ after t batches, so that its start at 0 does not pull it "
            "down."
        ),
    ] = False
    renorm: Annotated[
        Renorm | None, doc("Batch renormalization as TensorFlow 1 or as Keras 3 computes it; null means none.")
    ] = None
    renorm_clipping: Annotated[
        RenormClipping | None, doc("The bounds of renormalization's r and d; null means no bounds.")
    ] = None
    renorm_momentum: Annotated[
        BelowOne, doc("The weight of the *old* value in renormalization's moving mean and standard deviation.")
    ] = 0.99
    virtual_batch_size: Annotated[
        Size | None,
        doc(
            "The number of rows of a ghost batch; null means one batch of all rows. With G ghost batches, row i belongs to "
            "ghost batch i modulo G, as in TensorFlow 1."
        ),
    ] = None
    train_with: Annotated[
        Statistics,
        doc('The statistics that a train step normalises by; "moving" is a layer that is called without training=True.'),
    ] = "batch"
    evaluate_with: Annotated[
        InferenceStatistics,
        doc(
            'The statistics that inference normalises by. "batch" computes them from all given rows, without ghost batches, '
            'renormalization or adjustment, and the state does not change. "precise" computes population statistics from '
            "training rows, with the current weights."
        ),
    ] = "moving"
    precise_rows: Annotated[
        Size | None, doc("The number of training rows, evenly spaced, of the precise statistics; null takes all of them.")
    ] = None
    update_moving: Annotated[
        bool,
        doc("Whether a train step moves the statistics; false is a program that forgot TensorFlow's update operations."),
    ] = True
    trainable: Annotated[bool, doc("Whether the layer is trained; `frozen` says what false means.")] = True
    frozen: Annotated[
        Frozen,
        doc(
            "The TensorFlow version that `trainable: false` follows. tensorflow2: every step uses inference mode. "
            "tensorflow1: the moving statistics still move, but gamma and beta get no gradient."
        ),
    ] = "tensorflow2"
    formula: Annotated[
        Formula,
        doc(
            'How y is rounded. "centred" subtracts the mean first. "tensorflow" is x · s + (beta − mean · s) with '
            "s = gamma / sqrt(variance + epsilon), whose terms cancel where |mean| is far above the spread."
        ),
    ] = "centred"
    gamma_init: Annotated[Number, doc("The initial value of gamma.")] = 1.0
    beta_init: Annotated[Number, doc("The initial value of beta.")] = 0.0
    moving_mean_init: Annotated[Number, doc("The initial value of the moving mean.")] = 0.0
    moving_variance_init: Annotated[NonNegative, doc("The initial value of the moving variance.")] = 1.0
    gamma_l2: Annotated[NonNegative, doc("The scale of the L2 penalty on gamma, a term of the loss.")] = 0.0
    beta_l2: Annotated[NonNegative, doc("The scale of the L2 penalty on beta, a term of the loss.")] = 0.0
    l2_halved: Annotated[bool, doc("Whether these two penalties are ½ · scale · Σ w², and not scale · Σ w².")] = True

    def __post_init__(self):
        if not isinstance(self.momentum, Real):
            return  # inside a compiled function: the numbers were checked before they became its arguments
        _check_fields(self, NormOptions)
        if self.renorm is None and self.renorm_clipping is not None:
            raise OptionError("renorm_clipping", "got bounds, expected null without renorm")
        for option in ("sample_variance", "zero_debias_moving_mean"):
            if self.renorm is not None and getattr(self, option):
                raise OptionError(option, f"got true, expected false with renorm {self.renorm}")
        # float32 rounds a larger momentum to 1, and the debiased mean would be 0 / 0.
        if self.zero_debias_moving_mean and self.momentum > 1 - 2**-24:
            raise OptionError("momentum", f"got {self.momentum}, expected 1 - 2**-24 or less with zero_debias_moving_mean")
        for option, given, needed in (("gamma_l2", self.gamma_l2, "scale"), ("beta_l2", self.beta_l2, "center")):
            if given and not getattr(self, needed):
                raise OptionError(option, f"got {given}, expected 0 with {needed} false")


@dataclass(frozen=True)
class RowNorm:
    """The options of a norm of each row over its features, with the names that a user sets under `model.norm`. Hashable.

    Raises:
        OptionError (a ValueError): an option out of its range.
    """

    kind: Annotated[
        RowNormKind, doc("The norm: layer norm by the mean and variance of a row, or RMS norm by its mean square.")
    ]
    epsilon: Annotated[
        float, Ge(SMALLEST), Le(LARGEST), doc("The number added to the variance or the mean square; above 0.")
    ] = 1e-3
    center: Annotated[bool, doc("Whether the layer has a beta.")] = True
    scale: Annotated[bool, doc("Whether the layer has a gamma.")] = True

    def __post_init__(self):
        _check_fields(self, RowNorm)


@dataclass(frozen=True)
class BatchNorm(NormOptions):
    """All options of one batch-norm layer: those that a user sets, and those that the program sets. Hashable.

    Raises:
        OptionError (a ValueError): an option out of its range, or options that contradict each other.
    """

    axis: Annotated[
        int, doc("The channel axis. Statistics are taken over all other axes; the first of them holds the rows.")
    ] = -1


ProbeName = Literal[
    "kernel_norm",
    "unit_norm",
    "gradient_norm",
    "fixed_gradient_norm",
    "step_angle",
    "effective_rate",
    "input_quantiles",
    "dead_units",
    "statistics_gap",
    "loss_along_gradient",
    "test_correct",
]


@dataclass(frozen=True)
class InputQuantiles:
    """Whose input `input_quantiles` looks at."""

    layer: Annotated[int | None, doc("The number of the hidden layer, from 0; null means the last one.")] = None
    unit: Annotated[int, Ge(0), doc("The number of the unit in its layer, from 0.")] = 0


@dataclass(frozen=True)
class LossAlongGradient:
    """The places at which `loss_along_gradient` looks."""

    multiples: Annotated[
        tuple[float, ...], doc("The numbers m, each above 0: the loss is measured at w − m · learning_rate · gradient.")
    ] = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Probes:
    """The metrics that a user asks for besides the losses and accuracies: a field for each probe, and the fixed rows."""

    kernel_norm: Annotated[bool, doc("The norm ‖W‖ of each dense kernel. Cost: 0.1 steps.")] = False
    unit_norm: Annotated[
        bool,
        doc("The norm of each unit's incoming weights: least, median and greatest over a layer's units. Cost: 0.2 steps."),
    ] = False
    gradient_norm: Annotated[
        bool, doc("The norm of the gradient on the next batch: of all parameters, and of each layer's. Cost: 0.8 steps.")
    ] = False
    fixed_gradient_norm: Annotated[
        bool, doc("The same norms on the fixed training rows; a sum over rows counts as over one batch. Cost: 23 steps.")
    ] = False
    step_angle: Annotated[
        bool, doc("The angle between the next two updates of all parameters, in degrees. Cost: 2.4 steps.")
    ] = False
    effective_rate: Annotated[
        bool, doc("The learning rate over ‖W‖², for each hidden layer's kernel W. Cost: 0.1 steps.")
    ] = False
    input_quantiles: InputQuantiles | None = None
    dead_units: Annotated[
        bool, doc("The share of each hidden layer's ReLU units that are 0 on all fixed training rows. Cost: 7 steps.")
    ] = False
    statistics_gap: Annotated[
        bool,
        doc("How far each batch norm's moving mean and variance are from the exact ones of the fixed rows. Cost: 6 steps."),
    ] = False
    loss_along_gradient: LossAlongGradient | None = None
    test_correct: Annotated[
        bool,
        doc(
            "Whether the final model classifies each test example correctly; written to examples.npz. Cost: 114 steps, once."
        ),
    ] = False
    rows: Annotated[
        Size | None,
        doc("The number of fixed training rows, evenly spaced over the training split; null, or too many, means all rows."),
    ] = 1000

    @property
    def recorded(self) -> tuple[ProbeName, ...]:
        """The names of the probes that are measured at each record: all that are on, but for `test_correct`."""
        return tuple(name for name in get_args(ProbeName) if name != "test_correct" and getattr(self, name))

    @property
    def looks_at_rows(self) -> bool:
        """Whether any probe that is on uses the fixed rows."""
        on = (self.fixed_gradient_norm, self.input_quantiles, self.dead_units, self.statistics_gap)
        return any(on)


def _check_fields(options: object, declaring: type) -> None:
    """Raise OptionError for the first field of `declaring` whose value its type does not allow."""
    for option, kind in _types(declaring).items():
        _check(option, getattr(options, option), kind)


@cache
def _types(declaring: type) -> dict[str, Any]:
    return get_type_hints(declaring, include_extras=True)


def _check(option: str, value: Any, kind: Any) -> None:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *limits = get_args(kind)
        _check(option, value, inner)
        for limit in limits:
            _check_limit(option, value, limit)
    elif origin in (Union, UnionType):  # of a type and None
        for inner in get_args(kind):
            if inner is not NoneType and value is not None:
                _check(option, value, inner)
    elif origin is tuple:
        for item in value:
            _check(option, item, get_args(kind)[0])
    elif origin is Literal and value not in get_args(kind):
        raise OptionError(option, f"got {value!r}, expected one of {', '.join(get_args(kind))}")
    elif kind is float and not math.isfinite(value):
        raise OptionError(option, f"got {value}, expected a finite number")


def _words(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _check_limit(option: str, value: Any, limit: object) -> None:
    match limit:
        case Ge(ge=bound):
            fits, name = value >= bound, "ge"
        case Gt(gt=bound):
            fits, name = value > bound, "gt"
        case Le(le=bound):
            fits, name = value <= bound, "le"
        case Lt(lt=bound):
            fits, name = value < bound, "lt"
        case doc():
            return
        case _:
            raise TypeError(f"{option}: {limit!r} is a limit that is not checked here")
    if not fits:
        raise OptionError(option, f"got {value}, expected {LIMITS[name]} {bound}")
