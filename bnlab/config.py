"""The config of one variant: its schema, how YAML becomes one, and how `--set` and `--seeds` change it.

Strict on purpose: an unknown key, a key given twice, or a value of another type is an error that names the place, what
was got, what was expected and, where one is near, what was probably meant.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bnlab.errors import UserError, nearest

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Size = Annotated[int, Field(ge=1, le=1_000_000)]
Steps = Annotated[int, Field(ge=1, le=100_000_000)]
Width = Annotated[int, Field(ge=1, le=16_384)]
Fraction = Annotated[float, Field(ge=0, le=1)]
LARGEST = 3e38  # about what float32 holds
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]

MAX_WEIGHTS = 50_000_000

CLASSIFICATIONS = ("mnist", "digits")

LOSS_UNITS = {
    "half_sum_squares": "½ Σ d² per point",
    "mean_squared_error": "mean squared error",
    "softmax_cross_entropy": "cross-entropy, nats per image",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataConfig(_Section):
    """Which data set: regression (article 000), mnist, digits (scikit-learn's), constant (article 004)."""

    name: Literal["regression", "mnist", "digits", "constant"]


class RenormClippingConfig(_Section):
    """Bounds of batch renormalization; null leaves a side open."""

    rmin: NonNegative | None = None
    rmax: NonNegative | None = None
    dmax: NonNegative | None = None


class AdjustmentConfig(_Section):
    """`adjustment` of a train step: x̂ · scale + bias, each drawn uniformly from [low, high] for every feature and step."""

    scale: tuple[float, float] = Field((1.0, 1.0), strict=False)
    bias: tuple[float, float] = Field((0.0, 0.0), strict=False)

    @model_validator(mode="after")
    def _low_is_low(self) -> Self:
        for name, (low, high) in (("scale", self.scale), ("bias", self.bias)):
            if low > high:
                raise ValueError(f"{name}: got [{low:g}, {high:g}], expected the lower bound first")
        return self


class NormConfig(_Section):
    """`model.norm`: where batch norm stands, and the options of `bnlab.nn.BatchNorm` by the same names.

    `renorm: true` means tensorflow1. `batch_weights` and `mask` hold one number, one true or false, for each place in the
    batch of a train step; with `adjustment` they are what `bnlab.nn.batch_norm` is called with.
    """

    kind: Literal["batch"] = "batch"
    position: Literal["before_activation", "after_activation", "input"] = "before_activation"
    momentum: Fraction = 0.99
    epsilon: Positive = 1e-3
    center: bool = True
    scale: bool = True
    sample_variance: bool = False
    zero_debias_moving_mean: bool = False
    renorm: Literal["tensorflow1", "keras3"] | None = None
    renorm_clipping: RenormClippingConfig | None = None
    renorm_momentum: Fraction = 0.99
    virtual_batch_size: Size | None = None
    train_with: Literal["batch", "moving"] = "batch"
    evaluate_with: Literal["moving", "batch"] = "moving"
    update_moving: bool = True
    trainable: bool = True
    frozen: Literal["tensorflow2", "tensorflow1"] = "tensorflow2"
    formula: Literal["centred", "tensorflow"] = "centred"
    gamma_init: Number = 1.0
    beta_init: Number = 0.0
    moving_mean_init: Number = 0.0
    moving_variance_init: NonNegative = 1.0
    gamma_l2: NonNegative = 0.0
    beta_l2: NonNegative = 0.0
    l2_halved: bool = True
    batch_weights: Annotated[tuple[NonNegative, ...], Field(strict=False)] | None = None
    mask: Annotated[tuple[bool, ...], Field(strict=False)] | None = None
    adjustment: AdjustmentConfig | None = None

    @field_validator("renorm", mode="before")
    @classmethod
    def _renorm_switch(cls, value: object) -> object:
        return {True: "tensorflow1", False: None}[value] if isinstance(value, bool) else value


class ModelConfig(_Section):
    """A multi-layer perceptron: hidden widths, activation, norm; `output_layer` false ends it with the last hidden."""

    hidden: Annotated[tuple[Width, ...], Field(max_length=64, strict=False)]
    activation: Literal["relu", "tanh", "sigmoid", "linear"] = "relu"
    norm: NormConfig | None = None
    output_layer: bool = True


class L2PenaltyConfig(_Section):
    """An L2 penalty on the dense kernels, as a term of the loss: scale · Σ w², times ½ where `halved`."""

    scale: NonNegative
    halved: bool = True


class OptimizerConfig(_Section):
    """The optimizer; b1, b2 and epsilon are the Adams', momentum and nesterov sgd's.

    `weight_decay` is decoupled (kernels move by −learning_rate · weight_decay · w besides).
    """

    name: Literal["adam", "adam_tf", "sgd"]
    learning_rate: NonNegative = 1e-3
    b1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    b2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    epsilon: Positive = 1e-8
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False
    weight_decay: NonNegative = 0.0


class EvaluationConfig(_Section):
    """What the training metrics of a record are taken on.

    `train_rows`: the recorded step's batch, or the whole training split. `train_statistics`: what batch norm
    normalises the training rows by, where that is not what `model.norm.evaluate_with` says.
    """

    train_rows: Literal["batch", "split"] = "split"
    train_statistics: Literal["batch", "moving"] | None = None


class SeedsConfig(_Section):
    """The two seeds, or lists of them for a run of several: `init` for the weights, `data` for the batches."""

    init: Seed | Annotated[tuple[Seed, ...], Field(min_length=1, strict=False)] = 0
    data: Seed | Annotated[tuple[Seed, ...], Field(min_length=1, strict=False)] = 0

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(init, data) of each run; a single seed goes with every one of the other list."""
        init = (self.init,) if isinstance(self.init, int) else self.init
        data = (self.data,) if isinstance(self.data, int) else self.data
        length = max(len(init), len(data))
        return [(init[i % len(init)], data[i % len(data)]) for i in range(length)]

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        lengths = {len(seeds) for seeds in (self.init, self.data) if not isinstance(seeds, int) and len(seeds) > 1}
        if len(lengths) > 1:
            raise ValueError("init and data are lists of different lengths")
        pairs = self.pairs
        if len(set(pairs)) < len(pairs):
            raise ValueError("the same pair of seeds stands there twice")
        return self


class Config(_Section):
    """One variant of one study. `loss_name`-like fields are described in DESIGN and in `bnlab train --help`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
    article: Annotated[str, Field(pattern=r"^00[0-4]$")] | None = None
    variant: str = ""
    description: str = ""
    data: DataConfig
    model: ModelConfig
    loss: Literal["half_sum_squares", "mean_squared_error", "softmax_cross_entropy"]
    l2_penalty: L2PenaltyConfig | None = None
    optimizer: OptimizerConfig
    batch_size: Size
    num_steps: Steps
    record_every: Steps = 1
    batches: Literal["epoch", "resampled"] = "epoch"
    evaluation: EvaluationConfig = EvaluationConfig()
    seeds: SeedsConfig = SeedsConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        classifies = self.data.name in CLASSIFICATIONS
        if classifies != (self.loss == "softmax_cross_entropy"):
            fit = "softmax_cross_entropy" if classifies else "one of half_sum_squares, mean_squared_error"
            raise ValueError(f"loss: got '{self.loss}', expected {fit} with data.name '{self.data.name}'")
        if not self.model.output_layer and self.data.name != "constant":
            raise ValueError(
                "model.output_layer: got false, expected true: only data.name 'constant' has targets like its inputs"
            )
        if not self.model.hidden and not self.model.output_layer and not self.model.norm:
            raise ValueError("model: got no layer at all, expected hidden layers, an output layer or a norm")
        norm = self.model.norm
        for field in ("batch_weights", "mask"):
            places = norm and getattr(norm, field)
            if places is not None and len(places) != self.batch_size:
                raise ValueError(f"model.norm.{field}: got {len(places)} places, expected batch_size ({self.batch_size})")
        if norm and (norm.batch_weights or norm.mask) and norm.virtual_batch_size:
            raise ValueError("model.norm.virtual_batch_size: got a size, expected null with batch_weights or a mask")
        if norm and norm.position != "input" and not self.model.hidden:
            raise ValueError(
                f"model.norm.position: got '{norm.position}', expected input: there is no hidden layer to stand at"
            )
        return self

    @property
    def record_steps(self) -> list[int]:
        """The steps after which a record is taken: every `record_every`-th, and the last."""
        steps = list(range(self.record_every, self.num_steps + 1, self.record_every))
        return steps if steps and steps[-1] == self.num_steps else [*steps, self.num_steps]

    def with_seeds(self, pairs: Sequence[tuple[int, int]]) -> "Config":
        """Return the config with these (init, data) seeds, at least one."""
        init, data = ([pair[i] for pair in pairs] for i in (0, 1))
        seeds = SeedsConfig(init=init[0], data=data[0]) if len(pairs) == 1 else SeedsConfig(init=tuple(init), data=tuple(data))
        return self.model_copy(update={"seeds": seeds})

    def to_yaml(self) -> str:
        """Return the whole config, defaults included, as YAML that loads to the same config."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def load_config(source: str | Path, *, overrides: Sequence[str] = (), seeds: str | Sequence[int] | None = None) -> Config:
    """Return the config in the file `source`, or the shipped one of that name.

    `overrides` are "a.b=value" strings, applied in order; `seeds` ("3", "0,1,5", "0:16", or numbers) replaces both of the
    config's.

    Raises:
        UserError: what was wrong, and where.
    """
    path = find_config(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None
    return parse_config(text, str(path), overrides=overrides, seeds=seeds)


def parse_config(text: str, place: str, *, overrides: Sequence[str] = (), seeds: str | Sequence[int] | None = None) -> Config:
    """Return the config in `text`; `place` names it in errors. Raises: UserError, as `load_config`."""
    fields = _load_yaml(text, place)
    if fields is None:
        raise UserError(f"{place}: the file is empty")
    if not isinstance(fields, dict):
        raise UserError(f"{place}: got a {type(fields).__name__}, expected keys and values such as 'name: …'")
    for override in overrides:
        _apply_override(fields, override)
    if seeds is not None:
        numbers = parse_seeds(seeds) if isinstance(seeds, str) else list(seeds)
        fields["seeds"] = dict.fromkeys(("init", "data"), numbers[0] if len(numbers) == 1 else numbers)
    try:
        config = Config.model_validate(fields)
    except ValidationError as error:
        raise UserError("\n".join(f"{place}: {line}" for line in _explain(error))) from None
    except RecursionError:
        raise UserError(f"{place}: values are nested too deeply") from None
    return config


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that "3", "0,1,5" or "0:16" (16 excluded) stand for. Raises: UserError."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})(?::(\d{1,10}))?\s*", part)
        if not match:
            raise UserError(f"--seeds: got '{text}', expected a number, a list such as 0,1,5 or a range such as 0:16")
        first = int(match[1])
        last = first + 1 if match[2] is None else int(match[2])
        if last <= first:
            raise UserError(f"--seeds: got '{part.strip()}', an empty range; its end is excluded")
        if last > 2**32 or last - first > 1_000_000:
            raise UserError(f"--seeds: got '{part.strip()}', expected at most 1,000,000 seeds below 2³²")
        seeds += range(first, last)
    if len(set(seeds)) < len(seeds):
        raise UserError(f"--seeds: got '{text}', in which a seed stands twice")
    return seeds


def configs_folder() -> Path:
    """Return the folder of the shipped configs: inside an installed wheel, or at the top of a clone."""
    package = Path(__file__).resolve().parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped_configs() -> dict[str, Path]:
    """Return {name: path} of every shipped config, sorted by name."""
    return {path.stem: path for path in sorted(configs_folder().glob("*.yaml"))}


def find_config(source: str | Path) -> Path:
    """Return the file that `source` names: a path, or a shipped config's name. Raises: UserError."""
    path = Path(source)
    if path.is_file():
        return path
    shipped = shipped_configs()
    if str(source) in shipped:
        return shipped[str(source)]
    if path.is_dir():
        raise UserError(f"{source}: is a folder, expected a config file")
    hint = nearest(path.stem, shipped)
    raise UserError(f"{source}: no such file, and no shipped config has that name{hint}; `bnlab configs` lists them")


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error and 1e-3 is a number, as YAML 1.2 has it.

    Aliases are refused: a few lines of them can stand for more values than any memory holds.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem="an alias (*name), which configs cannot have", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {  # without YAML 1.1's numbers, to which 0:16 is 16 and 1e-3 is text
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"),
    list("-+0123456789."),
)


def _load_yaml(text: str, place: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UserError(f"{place}: {where}{error.problem or 'this is not YAML'}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{place}: this is not YAML: {str(error).splitlines()[0]}") from None
    except (LookupError, AttributeError, TypeError):  # from PyYAML itself, as of '!!bool x' or '!!timestamp x'
        raise UserError(f"{place}: a value does not fit its !!tag") from None
    except RecursionError:
        raise UserError(f"{place}: values are nested too deeply") from None


def _apply_override(fields: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise UserError(f"--set: got '{override}', expected key=value such as model.norm.momentum=0.9")
    section = fields
    for depth, key in enumerate(keys[:-1], start=1):
        here = ".".join(keys[:depth])
        if section.get(key) is None:
            if here == "model.norm" and keys[depth:] != ["kind"]:
                raise UserError(f"--set {path}: model.norm is null in this config; set model.norm.kind=batch first")
            section[key] = {}
        section = section[key]
        if not isinstance(section, dict):
            raise UserError(f"--set {path}: {here} is a value, it has no keys")
    section[keys[-1]] = _load_yaml(text, f"--set {path}")


def _explain(error: ValidationError) -> Iterable[str]:
    """Yield one line a mistake: place, got, expected, nearest."""
    seen: set[str] = set()
    for detail in error.errors():
        place = [str(part) for part in detail["loc"]]
        if detail["type"] != "extra_forbidden":  # whose last part is the user's own word; the others may name union members
            place = [part for part in place if not part.startswith(("constrained-", "tuple[", "function-"))]
            place = [part for part in place if part not in ("int", "Constrained")]
        where, got, kind, context = ".".join(place), detail["input"], detail["type"], detail.get("ctx", {})
        if kind == "extra_forbidden":
            known = _known_keys(place[:-1])
            line = f"{where}: unknown key, expected one of {', '.join(known)}{nearest(place[-1], known)}"
        elif kind == "missing":
            line = f"{where}: is missing"
        elif kind == "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            line = f"{where}: got {_short(got)}, expected one of {', '.join(choices)}{nearest(str(got), choices)}"
        elif kind == "value_error":
            message = str(context["error"])
            line = f"{where}: {message}" if where else message
        else:
            line = f"{where}: got {_short(got)}, expected {_expected(detail['msg'])}"
        if where not in seen:
            seen.add(where)
            yield line


def _expected(message: str) -> str:
    """Return what pydantic's message says was expected."""
    for pattern, words in (
        (r"Input should be a valid (dictionary|instance).*", "a section of keys and values"),
        (r"Input should be a valid tuple", "a list"),
        (r"Input should be (.*)", r"\1"),
        (r"\w+ should (.*)", r"that it should \1"),
    ):
        if re.fullmatch(pattern, message):
            return re.sub(pattern, words, message)
    return message[0].lower() + message[1:]


def _known_keys(place: list[str]) -> list[str]:
    """Return the keys that the section at `place` may have."""
    section: Any = Config
    for key in place:
        annotation = section.model_fields[key].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        section = next(o for o in options if isinstance(o, type) and issubclass(o, BaseModel))
    return list(section.model_fields)


def _short(value: object) -> str:
    words = {None: "null", True: "true", False: "false"}  # as YAML has them
    try:
        text = words[value] if value is None or isinstance(value, bool) else repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}…"
