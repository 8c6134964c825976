"""The schema of a config: its sections, what each field does, and which fields fit together.

Strict on purpose: an unknown key or a value of another type is an error. A field's description stands in its type
(`doc`), as those of batch norm's options do, and becomes pydantic's `description`.
"""

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, TypeVar, Union, get_args, get_type_hints

import yaml
from annotated_types import Ge, Gt, Le, doc
from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bnlab.errors import nearest
from bnlab.options import (
    DATA_SETS,
    Activation,
    BatchNorm,
    BatchOrder,
    BelowOne,
    DataName,
    Facts,
    FileOptions,
    Found,
    GradientClip,
    InferenceStatistics,
    InputQuantiles,
    KernelInit,
    Loss,
    LossAlongGradient,
    Noise,
    NonNegative,
    NormOptions,
    OptimizerName,
    OptionError,
    Position,
    Positive,
    ProbeName,
    Probes,
    RenormClipping,
    RowNorm,
    RowNormKind,
    Schedule,
    Seed,
    Size,
    StepNumber,
    TrainRows,
)

Options = TypeVar("Options")

Steps = Annotated[int, Ge(1), Le(100_000_000)]
Epochs = Annotated[float, Gt(0), Le(1_000_000)]
Width = Annotated[int, Ge(1), Le(16_384)]

MAX_WEIGHTS = 50_000_000

WORDS = ("name", "article", "variant", "description")
"""Fields of a config that say something and compute nothing."""

PROBE_NAMES: tuple[ProbeName, ...] = get_args(ProbeName)

LOSS_UNITS: dict[Loss, str] = {
    "half_sum_squares": "½ Σ d² per point",
    "mean_squared_error": "mean squared error",
    "softmax_cross_entropy": "cross-entropy, nats per image",
}


# The building is deferred to the first use: the descriptions are there by then.
class Section(BaseModel, extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True):
    """A section of keys and values: strict, frozen, and with a description of every field."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        for field in cls.model_fields.values():
            field.description = next(item.documentation for item in field.metadata if isinstance(item, doc))


class OptionSection(Section, frozen=True):
    """A section whose fields and rules are those of a class of `bnlab.options`, which is its second base."""

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        self.__post_init__()  # pyright: ignore[reportAttributeAccessIssue] - of the second base
        return self

    def _as(self, options: type[Options]) -> Options:
        """Return this section's fields as an object of their own class."""
        return options(**{name: getattr(self, name) for name in get_type_hints(options)})


class FoundConfig(Section, Found, frozen=True):
    """`data.found`: what bnlab found in the file of `data.path`. bnlab writes it; nobody else needs to."""


@dataclass(frozen=True)
class _DataSet:
    """Which data set. A base of its own: pydantic puts the fields of the last base first."""

    name: Annotated[
        DataName,
        doc(
            "The data set: regression (article 000), mnist, fashion_mnist, kmnist, digits (scikit-learn's), constant "
            "(article 004), or a file of your own: arrays (.npz) or csv."
        ),
    ]


class DataConfig(Section, FileOptions, _DataSet, frozen=True):
    """`data`: the data set; for a file of the user's own also how it becomes one (`bnlab.options.FileOptions`)."""

    found: Annotated[
        FoundConfig | None,
        doc("What bnlab found in the file. bnlab fills this in when it reads a config; later the file must be the same."),
    ] = None
    binarise: Annotated[
        float | None,
        Ge(0),
        Le(1),
        doc(
            "The threshold of binary inputs: an input above it becomes 1, any other 0. true is 0.5; null keeps the inputs. "
            "For data with classes only."
        ),
    ] = None

    @field_validator("binarise", mode="before")
    @classmethod
    def _binarise_switch(cls, value: object) -> object:
        return {True: 0.5, False: None}[value] if isinstance(value, bool) else value

    @property
    def is_own(self) -> bool:
        """Whether the data set is a file of the user's own."""
        return DATA_SETS[self.name] is None

    @property
    def options(self) -> FileOptions:
        """How the file becomes a data set."""
        return FileOptions(**{name: getattr(self, name) for name in FileOptions.__dataclass_fields__})

    @property
    def facts(self) -> Facts:
        """The numbers of rows and classes."""
        facts = DATA_SETS[self.name] or self.found
        if facts is None:
            raise ValueError("data.found: is not filled in; `bnlab.load_config` does it")
        return facts

    @property
    def classifies(self) -> bool:
        """Whether the targets are classes."""
        return self.task == "classification" if self.is_own else self.facts.num_classes is not None

    @model_validator(mode="after")
    def _fits_the_name(self) -> Self:
        self.__post_init__()
        takes = {"csv": {*OWN_FIELDS}, "arrays": {*OWN_FIELDS} - {"target"}}.get(self.name, set())
        for field in OWN_FIELDS:
            if field not in takes and getattr(self, field) != type(self).model_fields[field].default:
                raise OptionError(field, f"is given, but data.name '{self.name}' does not take it")
        for field in ("path", "task") if self.is_own else ():
            if getattr(self, field) is None:
                raise OptionError(field, f"is missing, data.name '{self.name}' needs it")
        return self

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the fields that the data set takes."""
        fields: dict[str, Any] = dump(self)
        return fields if self.is_own else {"name": self.name, "binarise": self.binarise}


OWN_FIELDS = (*FileOptions.__dataclass_fields__, "found")
"""The fields of `data` that only a file of the user's own takes."""


class RenormClippingConfig(OptionSection, RenormClipping, frozen=True):
    """`model.norm.renorm_clipping`: the fields and rules of `bnlab.options.RenormClipping`."""

    @property
    def bounds(self) -> RenormClipping:
        """The bounds, as the layer takes them."""
        return self._as(RenormClipping)


class AdjustmentConfig(Section, frozen=True):
    """`model.norm.adjustment` of a train step: x̂ · scale + bias, each drawn for every feature and step."""

    scale: Annotated[
        tuple[float, float], Field(strict=False), doc("The interval [low, high] from which each scale is drawn uniformly.")
    ] = (1.0, 1.0)
    bias: Annotated[
        tuple[float, float], Field(strict=False), doc("The interval [low, high] from which each bias is drawn uniformly.")
    ] = (0.0, 0.0)

    @model_validator(mode="after")
    def _low_is_low(self) -> Self:
        for name, (low, high) in (("scale", self.scale), ("bias", self.bias)):
            if low > high:
                raise OptionError(name, f"got [{low:g}, {high:g}], expected the lower bound first")
        return self


# Bases of their own: pydantic puts the fields of the last base first.
@dataclass(frozen=True)
class _Batch:
    kind: Annotated[Literal["batch"], doc("Batch norm, or a norm of each row (layer, rms), with fewer fields.")] = "batch"


@dataclass(frozen=True)
class _Placement:
    position: Annotated[
        Position, doc("Where the norm stands: before or after each hidden activation, or once before the first layer.")
    ] = "before_activation"


class RowNormConfig(OptionSection, _Placement, RowNorm, frozen=True):
    """`model.norm` with kind layer or rms: the options of the norm (`bnlab.options.RowNorm`), and where it stands."""

    @property
    def options(self) -> RowNorm:
        """The options of each layer."""
        return self._as(RowNorm)


class NormConfig(OptionSection, NormOptions, _Placement, _Batch, frozen=True):
    """`model.norm` with kind batch, or without a kind: where batch norm stands, its options, the inputs of its train step.

    The options and their rules are those of `bnlab.options.NormOptions`.
    """

    renorm_clipping: Annotated[
        RenormClippingConfig | None, doc("The bounds of renormalization's r and d; null means no bounds.")
    ] = None
    batch_weights: Annotated[
        Annotated[tuple[NonNegative, ...], Field(strict=False)] | None,
        doc("A weight for each place in the batch of a train step; null weighs all places alike."),
    ] = None
    mask: Annotated[
        Annotated[tuple[bool, ...], Field(strict=False)] | None,
        doc("True or false for each place in the batch of a train step: whether it counts; null counts all."),
    ] = None
    adjustment: Annotated[
        AdjustmentConfig | None, doc("A random scale and bias of a train step's normalised values; null is none.")
    ] = None

    @property
    def options(self) -> BatchNorm:
        """The options of each layer."""
        given = {name: getattr(self, name) for name in NormOptions.__dataclass_fields__}
        clipping = self.renorm_clipping
        return BatchNorm(**{**given, "renorm_clipping": clipping and clipping.bounds})

    @field_validator("renorm", mode="before")
    @classmethod
    def _renorm_switch(cls, value: object) -> object:
        """TensorFlow 1's own argument is true or false."""
        return {True: "tensorflow1", False: None}[value] if isinstance(value, bool) else value


def _kind(norm: object) -> str:
    """Return the kind of norm that a section describes: batch where it does not say."""
    kind = norm.get("kind", "batch") if isinstance(norm, Mapping) else getattr(norm, "kind", "batch")
    return kind if isinstance(kind, str) else repr(kind)


if TYPE_CHECKING:
    AnyNormConfig = NormConfig | RowNormConfig
else:
    _ROWS = tuple(Annotated[RowNormConfig, Tag(kind)] for kind in get_args(RowNormKind))
    AnyNormConfig = Annotated[Union[(Annotated[NormConfig, Tag("batch")], *_ROWS)], Discriminator(_kind)]


class KernelInitConfig(OptionSection, KernelInit, frozen=True):
    """`model.kernel_init`: the fields and rules of `bnlab.options.KernelInit`."""

    @property
    def options(self) -> KernelInit:
        """The same, as the model takes it."""
        return self._as(KernelInit)


class NoiseConfig(OptionSection, Noise, frozen=True):
    """`model.noise`: the fields and rules of `bnlab.options.Noise`."""

    @property
    def options(self) -> Noise:
        """The same, as the model takes it."""
        return self._as(Noise)


class ModelConfig(Section, frozen=True):
    """`model`: a multi-layer perceptron."""

    hidden: Annotated[
        tuple[Width, ...], Field(max_length=64, strict=False), doc("The number of features of each hidden layer, in order.")
    ]
    activation: Annotated[
        Activation,
        doc(
            "The function that follows each hidden layer. gelu is x · Φ(x), as in Keras and PyTorch; gelu_tanh is its "
            "approximation by tanh. leaky_relu has the slope 0.01 below 0."
        ),
    ] = "relu"
    kernel_init: Annotated[KernelInitConfig, doc("How the first kernels are drawn.")] = KernelInitConfig()
    norm: Annotated[AnyNormConfig | None, doc("The norm of the model; null is none.")] = None
    noise: Annotated[
        NoiseConfig | None,
        doc(
            'Random scales and shifts of the hidden values in a train step, after the norm where there is one ("noisy" '
            "batch norm); null is none."
        ),
    ] = None
    output_layer: Annotated[bool, doc("Whether a dense output layer follows the last hidden layer.")] = True

    @property
    def batch_norm(self) -> NormConfig | None:
        """The norm where it is a batch norm."""
        return self.norm if isinstance(self.norm, NormConfig) else None


class L2PenaltyConfig(Section, frozen=True):
    """`l2_penalty`: a term of the loss, scale · Σ w² over the dense kernels, times ½ where `halved`."""

    scale: Annotated[NonNegative, doc("The factor of the sum of squared weights of all dense kernels.")]
    halved: Annotated[bool, doc("Whether the penalty is ½ · scale · Σ w², and not scale · Σ w².")] = True


class ScheduleConfig(OptionSection, Schedule, frozen=True):
    """`optimizer.schedule`: the fields and rules of `bnlab.options.Schedule`."""

    boundaries: Annotated[
        Annotated[tuple[StepNumber, ...], Field(strict=False)],
        doc("The numbers of steps after which the factor changes, in order; of piecewise only."),
    ] = ()
    factors: Annotated[
        Annotated[tuple[NonNegative, ...], Field(strict=False)],
        doc("The factor of the learning rate from each boundary on; of piecewise only. It is 1 before the first."),
    ] = ()

    def over(self, num_steps: int) -> Schedule | None:
        """Return the schedule of a training of this many steps; None where the rate does not change."""
        if self.name == "constant" and not self.warmup_steps:
            return None
        schedule = self._as(Schedule)
        if self.name == "cosine" and self.decay_steps is None:
            return replace(schedule, decay_steps=max(num_steps, self.warmup_steps + 1))
        return schedule


class ClipConfig(OptionSection, GradientClip, frozen=True):
    """`optimizer.clip`: the fields and rules of `bnlab.options.GradientClip`."""

    @property
    def options(self) -> GradientClip:
        """The same, as the optimizer takes it."""
        return self._as(GradientClip)


class OptimizerConfig(Section, frozen=True):
    """`optimizer`: how a step moves the parameters."""

    name: Annotated[OptimizerName, doc("The optimizer: adam (optax's), adam_tf (Adam as TensorFlow computes it) or sgd.")]
    learning_rate: Annotated[NonNegative, doc("The factor of every update.")] = 1e-3
    b1: Annotated[BelowOne, doc("The decay of the mean of the gradients; of adam and adam_tf only.")] = 0.9
    b2: Annotated[BelowOne, doc("The decay of the mean of the squared gradients; of adam and adam_tf only.")] = 0.999
    epsilon: Annotated[Positive, doc("The number added to the divisor; of adam and adam_tf only.")] = 1e-8
    momentum: Annotated[BelowOne, doc("The weight of the previous update; of sgd only.")] = 0.0
    nesterov: Annotated[bool, doc("Whether the momentum is Nesterov's; of sgd only.")] = False
    weight_decay: Annotated[
        NonNegative,
        doc(
            "Decoupled weight decay: each step also moves every kernel by −rate · weight_decay · w, where rate is "
            "learning_rate times the schedule's factor."
        ),
    ] = 0.0
    schedule: Annotated[
        ScheduleConfig, doc("The factor of the learning rate at each step; it is 1 without a warm-up and a decay.")
    ] = ScheduleConfig()
    clip: Annotated[ClipConfig | None, doc("The bound of the gradient, before the optimizer takes it; null is none.")] = None


class EvaluationConfig(Section, frozen=True):
    """`evaluation`: which rows and which statistics the training metrics of a record come from."""

    train_rows: Annotated[
        TrainRows, doc("The rows of the training metrics: the batch of the recorded step, or the whole training split.")
    ] = "split"
    train_statistics: Annotated[
        InferenceStatistics | None,
        doc("The statistics that normalise the training rows; null takes those of `model.norm.evaluate_with`."),
    ] = None


class InputQuantilesConfig(Section, InputQuantiles, frozen=True):
    """`probes.input_quantiles`: the fields of `bnlab.options.InputQuantiles`."""


class LossAlongGradientConfig(Section, LossAlongGradient, frozen=True):
    """`probes.loss_along_gradient`: the fields of `bnlab.options.LossAlongGradient`."""

    multiples: Annotated[
        Annotated[tuple[Positive, ...], Field(strict=False)],
        doc("The numbers m: the loss is measured at w − m · learning_rate · gradient."),
    ] = LossAlongGradient.multiples


class ProbesConfig(Section, Probes, frozen=True):
    """`probes`: the metrics that are recorded besides the losses and accuracies (`bnlab.options.Probes`)."""

    input_quantiles: Annotated[
        InputQuantilesConfig | None,
        doc(
            "The 15th, 50th and 85th percentiles of the input of one unit's activation over the fixed training rows; true "
            "takes unit 0 of the last hidden layer. Cost: 5 steps."
        ),
    ] = None
    loss_along_gradient: Annotated[
        LossAlongGradientConfig | None,
        doc(
            "How loss and gradient of the next batch change along that batch's gradient; true takes the default multiples. "
            "Cost: 3.3 steps."
        ),
    ] = None

    @property
    def options(self) -> Probes:
        """The probes, as the program takes them."""
        quantiles, along = self.input_quantiles, self.loss_along_gradient
        given = {name: getattr(self, name) for name in Probes.__dataclass_fields__}
        sections = {
            "input_quantiles": quantiles and InputQuantiles(quantiles.layer, quantiles.unit),
            "loss_along_gradient": along and LossAlongGradient(along.multiples),
        }
        return Probes(**{**given, **sections})

    @field_validator("input_quantiles", "loss_along_gradient", mode="before")
    @classmethod
    def _switch(cls, value: object) -> object:
        """True is all options at their defaults."""
        return {True: {}, False: None}[value] if isinstance(value, bool) else value


def _switched_on(value: object) -> object:
    """Return the section that a list of probes stands for: each of them true."""
    if not isinstance(value, list | tuple):
        return value
    for name in value:
        if name not in PROBE_NAMES:
            raise ValueError(f"got {name!r}, expected some of {', '.join(PROBE_NAMES)}{nearest(str(name), PROBE_NAMES)}")
    return dict.fromkeys(value, True)


class SeedPair(NamedTuple):
    """The two seeds of one training."""

    init: int
    data: int


class SeedsConfig(Section, frozen=True):
    """`seeds`: two seeds, or two lists of them for a run of several trainings."""

    init: Annotated[
        Seed | Annotated[tuple[Seed, ...], Field(min_length=1, strict=False)],
        doc("The seed of the first weights, or a list of seeds, one a training."),
    ] = 0
    data: Annotated[
        Seed | Annotated[tuple[Seed, ...], Field(min_length=1, strict=False)],
        doc("The seed of the batches, or a list of seeds, one a training."),
    ] = 0

    @property
    def pairs(self) -> list[SeedPair]:
        """The seeds of each training; a single seed goes with every seed of the other list."""
        init = (self.init,) if isinstance(self.init, int) else self.init
        data = (self.data,) if isinstance(self.data, int) else self.data
        length = max(len(init), len(data))
        return [SeedPair(init[i % len(init)], data[i % len(data)]) for i in range(length)]

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        lengths = {len(seeds) for seeds in (self.init, self.data) if not isinstance(seeds, int) and len(seeds) > 1}
        if len(lengths) > 1:
            raise ValueError("init and data are lists of different lengths")
        pairs = self.pairs
        if len(set(pairs)) < len(pairs):
            raise ValueError("the same pair of seeds is given twice")
        return self


def _steps_per_epoch(given: Mapping[str, Any]) -> Fraction | None:
    """Return the rows of the training set divided by those of a batch; None where these fields were refused."""
    data, batch_size = given.get("data"), given.get("batch_size")
    if data is None or batch_size is None or (data.is_own and data.found is None):
        return None
    return Fraction(data.facts.train_rows, batch_size)


class Config(Section, frozen=True):
    """One variant of one study: data, model, loss, optimizer, how long it trains, and from which seeds.

    `name`, `article`, `variant` and `description` only label it. All other fields decide what is computed; their
    descriptions say how.
    """

    name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"),
        doc("The name of the variant, and of the folder of its runs."),
    ]
    article: Annotated[
        Annotated[str, Field(pattern=r"^00[0-4]$")] | None,
        doc("The article that the variant reproduces, 000 to 004; null for every other variant, those of papers too."),
    ] = None
    variant: Annotated[str, doc("What distinguishes the variant from the others of its study, in a few words.")] = ""
    description: Annotated[str, doc("What the variant is, in one sentence.")] = ""
    data: Annotated[DataConfig, doc("The data set.")]
    model: Annotated[ModelConfig, doc("The multi-layer perceptron.")]
    loss: Annotated[
        Loss,
        doc(
            "What a step minimises over its batch: ½ Σ d² (a sum over rows), the mean of d², or the mean cross-entropy in "
            "nats of a classification."
        ),
    ]
    l2_penalty: Annotated[L2PenaltyConfig | None, doc("An L2 penalty on the dense kernels; null is none.")] = None
    optimizer: Annotated[OptimizerConfig, doc("How a step moves the parameters.")]
    batch_size: Annotated[Size, doc("The number of rows of each step's batch.")]
    num_epochs: Annotated[
        Epochs | None,
        doc(
            "The length of a training in passes over the training rows; it ends with the step that completes the last one. "
            "Give it or `num_steps`. Figures then count epochs."
        ),
    ] = None
    num_steps: Annotated[
        Steps, Field(validate_default=True), doc("The number of steps of a training. Give it or `num_epochs`.")
    ] = None  # pyright: ignore[reportAssignmentType] - `_count_steps` fills it in
    record_every: Annotated[
        Steps,
        doc(
            "The number of steps between two records, or epoch: the steps of a pass over the training rows, rounded up. The "
            "last step always has a record."
        ),
    ] = 1
    batches: Annotated[
        BatchOrder,
        doc("The order of the rows: a new permutation of all rows each epoch, or new rows drawn for each step."),
    ] = "epoch"
    evaluation: Annotated[EvaluationConfig, doc("What the training metrics of a record come from.")] = EvaluationConfig()
    probes: Annotated[
        ProbesConfig,
        BeforeValidator(_switched_on, json_schema_input_type=ProbesConfig | tuple[ProbeName, ...]),
        doc(
            "The metrics of each record besides losses and accuracies: a list of probes, or a section with their options. "
            "Each cost is that of one record of mnist_bn, in training steps; docs/probes.md has their measurement."
        ),
    ] = ProbesConfig()
    seeds: Annotated[SeedsConfig, doc("The seeds of the first weights and of the batches.")] = SeedsConfig()

    @field_validator("num_steps", mode="before")
    @classmethod
    def _count_steps(cls, value: object, info: ValidationInfo) -> object:
        if "num_epochs" not in info.data:
            return 1 if value is None else value  # its own error is told
        epochs: float | None = info.data["num_epochs"]
        if value is None and epochs is None:
            raise PydanticCustomError("missing", "num_steps or num_epochs")
        if value is not None and epochs is not None:
            raise ValueError(f"got {value} beside num_epochs {epochs:g}, expected one of the two")
        if epochs is None:
            return value
        # The decimal number that was written: 0.1 is a tenth.
        return max(1, math.ceil(Fraction(repr(epochs)) * (_steps_per_epoch(info.data) or 1)))

    @field_validator("record_every", mode="before", json_schema_input_type=Steps | Literal["epoch"])
    @classmethod
    def _count_record_steps(cls, value: object, info: ValidationInfo) -> object:
        if value == "epoch":
            return math.ceil(_steps_per_epoch(info.data) or 1)
        if isinstance(value, str):
            raise ValueError(f"got '{value}', expected a number of steps or epoch")
        return value

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return what a config file has: of two ways to say how long a training is, the one that was given."""
        fields: dict[str, Any] = dump(self)
        if self.num_epochs is not None:
            fields.pop("num_steps", None)
        return fields

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.data.is_own and self.data.found is None:
            raise OptionError("data.found", "is missing; load_config fills it in")
        classifies = self.data.classifies
        if classifies != (self.loss == "softmax_cross_entropy"):
            fit = "softmax_cross_entropy" if classifies else "one of half_sum_squares, mean_squared_error"
            data = f"data.task '{self.data.task}'" if self.data.is_own else f"data.name '{self.data.name}'"
            raise OptionError("loss", f"got '{self.loss}', expected {fit} with {data}")
        if self.data.binarise is not None and not classifies:
            problem = f"got {self.data.binarise:g}, expected null where the targets are no classes"
            raise OptionError("data.binarise", problem)
        if not self.model.output_layer and self.data.name != "constant":
            raise OptionError(
                "model.output_layer", "got false, expected true: only data.name 'constant' has targets like its inputs"
            )
        if not self.model.hidden and not self.model.output_layer and not self.model.norm:
            raise OptionError("model", "got no layer at all, expected hidden layers, an output layer or a norm")
        norm, batch_norm = self.model.norm, self.model.batch_norm
        for field in ("batch_weights", "mask"):
            places = batch_norm and getattr(batch_norm, field)
            if places is not None and len(places) != self.batch_size:
                problem = f"got {len(places)} places, expected batch_size ({self.batch_size})"
                raise OptionError(f"model.norm.{field}", problem)
        if batch_norm and (batch_norm.batch_weights or batch_norm.mask) and batch_norm.virtual_batch_size:
            problem = "got a size, expected null with batch_weights or a mask"
            raise OptionError("model.norm.virtual_batch_size", problem)
        if norm and norm.position != "input" and not self.model.hidden:
            problem = f"got '{norm.position}', expected input: there is no hidden layer to stand at"
            raise OptionError("model.norm.position", problem)
        noise = self.model.noise
        if noise and not self.model.hidden:
            raise OptionError("model.noise", "got noise, expected null: there is no hidden layer to stand at")
        if noise and norm and noise.position != norm.position:
            problem = f"got '{noise.position}', expected '{norm.position}', where the norm stands"
            if norm.position == "input":
                problem = f"got '{noise.position}', expected no noise with a norm of the inputs"
            raise OptionError("model.noise.position", problem)
        self._probes_fit()
        return self

    def _probes_fit(self) -> None:
        """Check that the model has what the probes look at. Raises: OptionError."""
        probes, hidden = self.probes, self.model.hidden
        quantiles = probes.input_quantiles
        for name in ("effective_rate", "dead_units", "input_quantiles"):
            if getattr(probes, name) and not hidden:
                raise OptionError(f"probes.{name}", "got true, expected false: there is no hidden layer")
        if probes.dead_units and self.model.activation != "relu":
            raise OptionError("probes.dead_units", f"got true, expected false with activation '{self.model.activation}'")
        if probes.statistics_gap and not self.model.batch_norm:
            norm = f"of kind {self.model.norm.kind}" if self.model.norm else "null"
            raise OptionError("probes.statistics_gap", f"got true, expected false: model.norm is {norm}")
        if probes.test_correct and not self.data.classifies:
            raise OptionError("probes.test_correct", f"got true, expected false with data.name '{self.data.name}'")
        if probes.loss_along_gradient and not probes.loss_along_gradient.multiples:
            raise OptionError("probes.loss_along_gradient.multiples", "got no number, expected at least one")
        if quantiles and quantiles.layer is not None and not 0 <= quantiles.layer < len(hidden):
            place, problem = "probes.input_quantiles.layer", f"got {quantiles.layer}, expected 0 to {len(hidden) - 1}"
            raise OptionError(place, f"{problem}, a hidden layer, or null")
        if quantiles and quantiles.unit >= (width := hidden[-1 if quantiles.layer is None else quantiles.layer]):
            raise OptionError("probes.input_quantiles.unit", f"got {quantiles.unit}, expected 0 to {width - 1}")

    @property
    def record_steps(self) -> list[int]:
        """The steps after which a record is taken: every `record_every`-th, and the last."""
        steps = list(range(self.record_every, self.num_steps + 1, self.record_every))
        return steps if steps and steps[-1] == self.num_steps else [*steps, self.num_steps]

    @property
    def num_records(self) -> int:
        """The number of records of a training."""
        return -(-self.num_steps // self.record_every)

    @property
    def steps_per_epoch(self) -> float | None:
        """The steps of a pass over the training rows, where the config counts epochs; need not be a whole number."""
        return None if self.num_epochs is None else self.data.facts.train_rows / self.batch_size

    def with_steps(self, num_steps: int, **fields: int) -> "Config":
        """Return the config with so many steps, and with other `fields` such as `record_every`."""
        return self.model_copy(update={"num_epochs": None, "num_steps": num_steps, **fields})

    def with_seeds(self, pairs: Sequence[tuple[int, int]]) -> "Config":
        """Return the config with these (init, data) seeds, at least one."""
        init, data = ([pair[i] for pair in pairs] for i in (0, 1))
        seeds = (
            SeedsConfig(init=init[0], data=data[0]) if len(pairs) == 1 else SeedsConfig(init=tuple(init), data=tuple(data))
        )
        return self.model_copy(update={"seeds": seeds})

    def to_yaml(self) -> str:
        """Return the whole config, defaults included, as YAML that loads to the same config."""
        return _yaml_of(self.model_dump(mode="json"), "")


def _yaml_of(fields: Mapping[str, Any], margin: str) -> str:
    lines: list[str] = []
    for name, value in fields.items():
        if value and isinstance(value, dict):
            lines += f"{margin}{name}:\n", _yaml_of(value, f"{margin}  ")
        else:
            lines.append(_yaml_line(name, json.dumps(value), margin))
    return "".join(lines)


@lru_cache(maxsize=1000)
def _yaml_line(name: str, value: str, margin: str) -> str:
    """Return a field as YAML; `value` is its JSON. Thousands of points of a sweep differ in few fields."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's is five times as fast
    written = yaml.dump({name: json.loads(value)}, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)
    return textwrap.indent(written, margin)
