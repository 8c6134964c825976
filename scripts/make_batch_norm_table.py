#!/usr/bin/env python
"""Write docs/batch_norm_options.md: the arguments of other systems' batch norms beside bnlab's.

    python scripts/make_batch_norm_table.py             write it
    python scripts/make_batch_norm_table.py --check     say what differs, and exit with 1 if anything does

bnlab's names and defaults are read from the code. What the tables say of the others is compared with the
signatures of those that are installed; the two of TensorFlow 1 are too old to be.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import sys
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from bnlab.config import NormConfig
from bnlab.nn import BatchNorm, batch_norm, init_batch_norm

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "batch_norm_options.md"
REQUIRED = "required"


class Row(NamedTuple):
    """One argument of a system.

    default: as `shown` shows it; a dict where its sources differ, or where not all of them have it.
    bnlab: the keys of `OPTIONS` that say the same, or a part of it.
    """

    argument: str
    default: str | Mapping[str, str]
    bnlab: tuple[str, ...] = ()
    remark: str = ""


class Source(NamedTuple):
    """A function whose arguments a table must list; those of a `method` are listed as method(argument)."""

    target: str
    variant: str = ""
    method: str = ""


class System(NamedTuple):
    """One table, and the settings of `model.norm` that behave as the system does by default.

    besides: what to say of an option in the table of all options, beside the arguments or where there is none.
    """

    title: str
    module: str
    sources: tuple[Source, ...]
    about: str
    norm: dict[str, Any]
    rows: tuple[Row, ...]
    besides: Mapping[str, str] = MappingProxyType({})


class Option(NamedTuple):
    """One option of bnlab: where it stands in YAML and in Python."""

    yaml: str
    function: str
    default: str


def _options() -> dict[str, Option]:
    """Return every option: the fields of BatchNorm, the arguments of batch_norm and init_batch_norm, NormConfig's own."""
    fields = NormConfig.model_fields
    found: dict[str, Option] = {}
    for field in dataclasses.fields(BatchNorm):
        yaml_name = f"`{field.name}`" if field.name in fields else ""
        found[field.name] = Option(yaml_name, f"`BatchNorm({field.name}=)`", _as_yaml(field.default))
    elsewhere = {
        "weights": "`batch_weights`",
        "mask": "`mask`",
        "adjustment": "`adjustment`",
        "activation": "`model.activation`",
    }
    for function, skipped in ((batch_norm, {"x", "params", "stats", "options"}), (init_batch_norm, {"options"})):
        for name, parameter in inspect.signature(function).parameters.items():
            if name not in skipped:
                default = REQUIRED if parameter.default is parameter.empty else _as_yaml(parameter.default)
                found[name] = Option(elsewhere.get(name, ""), f"`{function.__name__}({name}=)`", default)
    for name, field in fields.items():
        if name not in found and f"`{name}`" not in elsewhere.values():
            found[name] = Option(f"`{name}`", "", _as_yaml(field.default))
    found["x"] = Option("", "`batch_norm(x, …)`", REQUIRED)
    found["state"] = Option("", "`batch_norm(…)` returns the new state", "")
    found["sharing"] = Option("", "pass the same params and state again", "")
    return found


def _as_yaml(value: object) -> str:
    if value is None or isinstance(value, bool | str | int):
        return {None: "null", True: "true", False: "false"}.get(value, str(value))  # pyright: ignore[reportArgumentType]
    return shown(value)


def shown(value: Any) -> str:
    """Return a default as the tables write it."""
    if value is inspect.Parameter.empty:
        return REQUIRED
    if isinstance(value, float):
        return f"{value:g}"
    if type(value).__name__ == "mappingproxy":
        return repr(dict(value))
    if hasattr(value, "__name__"):
        return value.__name__
    return type(value).__name__ if " at 0x" in repr(value) else repr(value)


OPTIONS = _options()

INITIAL = ("gamma_init", "beta_init", "moving_mean_init", "moving_variance_init")
PENALTIES = ("gamma_l2", "beta_l2", "l2_halved")
MOMENTUM = "Weighs the old value, as bnlab's does."
CONSTRAINT = "bnlab has none: no parameter is projected after an update."
ONE_AXIS = "bnlab takes one axis; in YAML the program sets it."
NAMES = "A name. In a pure function nothing is looked up by name."
CLIPPING = "A dictionary of `rmin`, `rmax`, `dmax`; a `RenormClipping` in Python."
SEVERAL_DEVICES = "bnlab has none: it trains on one device."

CONTRIB = System(
    "tf.contrib.layers.batch_norm (TensorFlow 1.x)",
    "",
    (),
    "The parameters in the order of article 001's list: `inputs` and 22 more. Rank 2 and rank 4 take the fused path "
    "unless `fused=False`, `batch_weights`, `renorm` or `adjustment` rules it out; its moving variance is the sample "
    "variance, the other path's the population's.",
    {"momentum": 0.999, "epsilon": 1e-3, "center": True, "scale": False, "sample_variance": True},
    (
        Row("inputs", REQUIRED, ("x",), "Any rank in bnlab."),
        Row("decay", "0.999", ("momentum",), f"{MOMENTUM} The article advises 0.9 where validation lags."),
        Row("center", "True", ("center",)),
        Row("scale", "False", ("scale",), "Off here, on in every other system."),
        Row("epsilon", "0.001", ("epsilon",)),
        Row("activation_fn", "None", ("activation",), "Applied to the output. `relu` by default in YAML."),
        Row("param_initializers", "None", INITIAL, "A dictionary of initializers; in bnlab constants."),
        Row(
            "param_regularizers",
            "None",
            PENALTIES,
            "`tf.contrib.layers.l2_regularizer(s)` is ½ s Σ w²: `l2_halved: true`.",
        ),
        Row(
            "updates_collections",
            "UPDATE_OPS",
            ("state", "update_moving"),
            "Where the moving averages' update waits to be run; forgetting it is `update_moving: false`. In a pure "
            "function: keep the state that is returned, which is what None (update in place) does.",
        ),
        Row("is_training", "True", ("training", "train_with"), "`train_with: moving` is a train step called with False."),
        Row("reuse", "None", ("sharing",), "Sharing variables. In a pure function: the same params and state passed twice."),
        Row("variables_collections", "None", (), "Book-keeping of the graph; a pure function has none."),
        Row("outputs_collections", "None", (), "Book-keeping of the graph; a pure function has none."),
        Row(
            "trainable",
            "True",
            ("trainable", "frozen"),
            "False only withholds gamma and beta from the optimizer: `frozen: tensorflow1`.",
        ),
        Row("batch_weights", "None", ("weights",), "Weighted mean and variance, not corrected for the sample."),
        Row(
            "fused",
            "None",
            ("sample_variance",),
            "None means True: the sample variance. False: `sample_variance: false`.",
        ),
        Row("data_format", "'NHWC'", ("axis",), "NHWC is axis −1, NCHW axis 1; in YAML the program sets it."),
        Row(
            "zero_debias_moving_mean",
            "False",
            ("zero_debias_moving_mean",),
            "The mean only; the variance still starts from 1.",
        ),
        Row("scope", "None", (), NAMES),
        Row("renorm", "False", ("renorm",), "True is `tensorflow1`."),
        Row("renorm_clipping", "None", ("renorm_clipping",), CLIPPING),
        Row("renorm_decay", "0.99", ("renorm_momentum",)),
        Row(
            "adjustment",
            "None",
            ("adjustment",),
            "A function of the shape that returns (scale, bias). In bnlab the two arrays; in YAML the ranges from which "
            "each step draws them.",
        ),
    ),
)

LAYERS = System(
    "tf.layers.BatchNormalization (TensorFlow 1.x)",
    "",
    (),
    "The layer, and the function `tf.layers.batch_normalization`, which takes the arguments of the layer and of its "
    "call, and `reuse`. Rank 2 takes the unfused path (population variance); for rank 4, the fused path, add "
    "`sample_variance: true`.",
    {"momentum": 0.99, "epsilon": 1e-3, "center": True, "scale": True, "sample_variance": False},
    (
        Row("axis", "-1", ("axis",), f"An int or a list. {ONE_AXIS}"),
        Row("momentum", "0.99", ("momentum",), MOMENTUM),
        Row("epsilon", "0.001", ("epsilon",)),
        Row("center", "True", ("center",)),
        Row("scale", "True", ("scale",)),
        Row("beta_initializer", "zeros", ("beta_init",), "In bnlab a constant."),
        Row("gamma_initializer", "ones", ("gamma_init",), "In bnlab a constant."),
        Row("moving_mean_initializer", "zeros", ("moving_mean_init",), "In bnlab a constant."),
        Row("moving_variance_initializer", "ones", ("moving_variance_init",), "In bnlab a constant."),
        Row("beta_regularizer", "None", ("beta_l2", "l2_halved"), "Halved with tf.contrib's `l2_regularizer`."),
        Row("gamma_regularizer", "None", ("gamma_l2", "l2_halved"), "Halved with tf.contrib's `l2_regularizer`."),
        Row("beta_constraint", "None", (), CONSTRAINT),
        Row("gamma_constraint", "None", (), CONSTRAINT),
        Row("renorm", "False", ("renorm",), "True is `tensorflow1`."),
        Row("renorm_clipping", "None", ("renorm_clipping",), CLIPPING),
        Row("renorm_momentum", "0.99", ("renorm_momentum",)),
        Row("fused", "None", ("sample_variance",), "None means True, which only rank 4 obeys: the sample variance there."),
        Row("trainable", "True", ("trainable", "frozen"), "In a graph False stops gradients only: `frozen: tensorflow1`."),
        Row("virtual_batch_size", "None", ("virtual_batch_size",), "Ghost batches; the averages take the mean over them."),
        Row("adjustment", "None", ("adjustment",), "As tf.contrib's. Refused there with `virtual_batch_size`."),
        Row("name", "None", (), NAMES),
        Row("**kwargs", "", (), "For Layer, such as `dtype`."),
        Row("call(inputs)", REQUIRED, ("x",)),
        Row(
            "call(training)",
            "False",
            ("training", "train_with"),
            "False by default, article 000's trap: a train step without it is `train_with: moving`.",
        ),
        Row("reuse", "None", ("sharing",), "Of the function. In a pure function: the same params and state passed twice."),
    ),
)

KERAS = System(
    "keras.layers.BatchNormalization (Keras 3)",
    "keras",
    (
        Source("keras.layers:BatchNormalization.__init__"),
        Source("keras.layers:BatchNormalization.call", method="call"),
        Source("keras.layers:Layer.__init__"),
    ),
    "bnlab's defaults are this layer's. The moving variance takes the population variance at every rank.",
    {"momentum": 0.99, "epsilon": 1e-3, "center": True, "scale": True, "sample_variance": False},
    (
        Row("axis", "-1", ("axis",), ONE_AXIS),
        Row("momentum", "0.99", ("momentum",), MOMENTUM),
        Row("epsilon", "0.001", ("epsilon",)),
        Row("center", "True", ("center",)),
        Row("scale", "True", ("scale",)),
        Row("beta_initializer", "'zeros'", ("beta_init",), "In bnlab a constant."),
        Row("gamma_initializer", "'ones'", ("gamma_init",), "In bnlab a constant."),
        Row("moving_mean_initializer", "'zeros'", ("moving_mean_init",), "In bnlab a constant."),
        Row("moving_variance_initializer", "'ones'", ("moving_variance_init",), "In bnlab a constant."),
        Row(
            "beta_regularizer", "None", ("beta_l2", "l2_halved"), "`keras.regularizers.L2(s)` is s Σ w²: `l2_halved: false`."
        ),
        Row(
            "gamma_regularizer",
            "None",
            ("gamma_l2", "l2_halved"),
            "`keras.regularizers.L2(s)` is s Σ w²: `l2_halved: false`.",
        ),
        Row("beta_constraint", "None", (), CONSTRAINT),
        Row("gamma_constraint", "None", (), CONSTRAINT),
        Row("renorm", "False", ("renorm",), "True is `keras3`: it averages a standard deviation, and starts from 1."),
        Row("renorm_clipping", "None", ("renorm_clipping",), CLIPPING),
        Row("renorm_momentum", "0.99", ("renorm_momentum",)),
        Row("synchronized", "False", (), SEVERAL_DEVICES),
        Row(
            "trainable",
            "True",
            ("trainable", "frozen"),
            "False is inference mode, whatever `training` says: `frozen: tensorflow2`, the default.",
        ),
        Row(
            "dtype", "None", ("dtype",), "Of the parameters; statistics and output are computed in float32 at least by both."
        ),
        Row("autocast", "True", (), "bnlab returns the dtype of x."),
        Row("activity_regularizer", "None", (), "bnlab has none: no output is penalised."),
        Row("name", "None", (), NAMES),
        Row("**kwargs", "", (), "For Layer: `trainable` and the four after it."),
        Row("call(inputs)", REQUIRED, ("x",)),
        Row("call(training)", "None", ("training", "train_with"), "None: whatever the outer call, such as `fit`, says."),
        Row(
            "call(mask)",
            "None",
            ("mask",),
            "True counts. Keras divides by Σ mask + 1e-7; all masked: its averages move towards 0.",
        ),
    ),
    {"sample_variance": "always false", "frozen": "always tensorflow2", "renorm": "(keras3)"},
)

TORCH = System(
    "torch.nn.BatchNorm1d and BatchNorm2d (PyTorch)",
    "torch",
    (
        Source("torch.nn:BatchNorm1d.__init__"),
        Source("torch.nn:BatchNorm2d.__init__"),
        Source("torch.nn:BatchNorm1d.forward", method="forward"),
        Source("torch.nn:BatchNorm2d.forward", method="forward"),
    ),
    "Two conventions differ: `momentum` weighs the new value, and the running variance takes the sample variance "
    "(the output is normalised by the population's, as everywhere). Training and inference are the module's "
    "`train()` and `eval()`. A frozen module (`requires_grad_(False)`) still moves its statistics: `frozen: "
    "tensorflow1`. Where a channel has one value in a batch PyTorch refuses to train; bnlab's output is beta, and 0 "
    "goes into the moving variance.",
    {"momentum": 0.9, "epsilon": 1e-5, "center": True, "scale": True, "sample_variance": True},
    (
        Row("num_features", REQUIRED, ("features",), "In YAML `model.hidden` sets it."),
        Row("eps", "1e-05", ("epsilon",)),
        Row(
            "momentum",
            "0.1",
            ("momentum",),
            "Weighs the *new* value: bnlab's is 1 − 0.1 = 0.9. None, a plain average over all batches, bnlab does not have.",
        ),
        Row("affine", "True", ("center", "scale"), "False: `center: false, scale: false`."),
        Row("bias", "True", ("center",), "False, with affine: `center: false`."),
        Row(
            "track_running_stats",
            "True",
            ("evaluate_with", "update_moving"),
            "False: `evaluate_with: batch, update_moving: false`.",
        ),
        Row("device", "None", (), "JAX places arrays."),
        Row("dtype", "None", ("dtype",), "Of the parameters and running statistics."),
        Row("forward(input)", REQUIRED, ("x",), "Channels on axis 1: `BatchNorm(axis=1)`."),
    ),
    {
        "momentum": "(of the new value)",
        "axis": "always 1",
        "sample_variance": "always true",
        "training": "`train()`, `eval()`",
        "trainable": "`requires_grad_(False)`",
        "frozen": "always tensorflow1",
    },
)

FLAX = System(
    "flax.nnx.BatchNorm and flax.linen.BatchNorm (Flax)",
    "flax",
    (
        Source("flax.nnx:BatchNorm.__init__", "nnx"),
        Source("flax.nnx:BatchNorm.__call__", "nnx", "__call__"),
        Source("flax.linen:BatchNorm.__init__", "linen"),
        Source("flax.linen:BatchNorm.__call__", "linen", "__call__"),
    ),
    "The running variance takes the population variance. By default both compute it as E[x²] − E[x]², which cancels "
    "where the mean is far above the spread: of columns of 32 values around 10,000 with variances from 0.8 to 1.04 Flax "
    "0.12.8 made 0 to 48 (measured; bnlab's are right to 1e-6). Pass `use_fast_variance=False` to compare.",
    {"momentum": 0.99, "epsilon": 1e-5, "center": True, "scale": True, "sample_variance": False},
    (
        Row("num_features", {"nnx": REQUIRED}, ("features",), "In YAML `model.hidden` sets it."),
        Row(
            "use_running_average",
            {"nnx": "False", "linen": "None"},
            ("training", "train_with"),
            "The opposite of `training`. linen has no default: it must be given here or in the call.",
        ),
        Row("axis", "-1", ("axis",), f"An int or several. {ONE_AXIS}"),
        Row("momentum", "0.99", ("momentum",), MOMENTUM),
        Row("epsilon", "1e-05", ("epsilon",)),
        Row("dtype", "None", (), "Of the output. bnlab returns the dtype of x and computes in float32 at least."),
        Row("param_dtype", "float32", ("dtype",)),
        Row("use_bias", "True", ("center",)),
        Row("use_scale", "True", ("scale",)),
        Row("bias_init", "zeros", ("beta_init",), "In bnlab a constant."),
        Row("scale_init", "ones", ("gamma_init",), "In bnlab a constant."),
        Row("axis_name", "None", (), SEVERAL_DEVICES),
        Row("axis_index_groups", "None", (), SEVERAL_DEVICES),
        Row("use_fast_variance", "True", (), "bnlab always takes Σ (x − mean)² / N."),
        Row("force_float32_reductions", {"linen": "True"}, (), "Always, in bnlab."),
        Row("promote_dtype", {"nnx": "promote_dtype"}, (), "How inputs and parameters come to one dtype."),
        Row("rngs", {"nnx": REQUIRED}, (), "bnlab's initial values are constants; nothing is drawn."),
        Row("bias_metadata", {"nnx": "{}"}, (), "Book-keeping of Flax."),
        Row("scale_metadata", {"nnx": "{}"}, (), "Book-keeping of Flax."),
        Row("parent", {"linen": "_Sentinel"}, (), "Book-keeping of Flax."),
        Row("name", {"linen": "None"}, (), NAMES),
        Row("__call__(x)", REQUIRED, ("x",)),
        Row("__call__(use_running_average)", "None", ("training",), "Overrides the one above."),
        Row("__call__(mask)", "None", ("mask",), "True counts. It must broadcast to x, so it has the channel's axis too."),
    ),
    {"sample_variance": "always false"},
)

SYSTEMS = (CONTRIB, LAYERS, KERAS, TORCH, FLAX)

INTRODUCTION = """\
# Batch norm: bnlab's options beside other systems'

<!-- Made by scripts/make_batch_norm_table.py; change it there. -->

In training, over the N values that a channel has in a batch:

    mean = Σ x / N        variance = Σ (x − mean)² / N
    y = gamma · (x − mean) / sqrt(variance + epsilon) + beta
    moving = moving · momentum + batch · (1 − momentum)        for the mean and for the variance

In inference the moving mean and variance stand in for the batch's, and nothing moves. Systems agree on this and differ
in what they call it, in their defaults, and in three places:

- **momentum** weighs the old value, as here, or (PyTorch) the new one: one is 1 minus the other.
- **the variance that goes into the moving average** is the population's (divided by N) or the sample's (by N − 1,
  `sample_variance: true`). The output is always normalised by the population's.
- **frozen** (`trainable: false`) means inference mode (`frozen: tensorflow2`, the default; Keras too), or only that
  gamma and beta get no gradient while the statistics go on moving (`frozen: tensorflow1`; PyTorch too).

bnlab's layer is a pure function, so what other systems do by side effect and by name it does by values:

    params, stats = init_batch_norm(options, features)
    y, stats = batch_norm(x, params, stats, options, training=True)

Updating the moving averages is keeping the state that comes back; sharing a layer is passing the same `params` and `stats`
to two calls.
"""


def arguments(source: Source) -> dict[str, str]:
    """Return {argument as a table lists it: default as a table shows it} of an installed function."""
    module, _, path = source.target.partition(":")
    function: Any = importlib.import_module(module)
    for part in path.split("."):
        function = getattr(function, part)
    listed = (p for p in inspect.signature(function).parameters.values() if p.name != "self")
    found: dict[str, str] = {}
    for p in listed:
        if p.kind is p.VAR_KEYWORD:
            found[f"**{p.name}"] = ""
        else:
            found[f"{source.method}({p.name})" if source.method else p.name] = shown(p.default)
    return found


def version(system: System) -> str | None:
    """Return the version of the system that is installed, or None."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(system.module).__version__ if system.module else None
    except ImportError:
        return None


def differences(system: System) -> list[str]:
    """Return what the table of an installed system says wrongly, a line each."""
    signatures: dict[str, dict[str, str]] = {}
    for source in system.sources:
        signatures.setdefault(source.variant, {}).update(arguments(source))
    found: list[str] = []
    for variant, signature in signatures.items():
        table = {row.argument: _default(row, variant) for row in system.rows}
        for argument in sorted({a for a, default in table.items() if default is not None} | signature.keys()):
            said, got = table.get(argument), signature.get(argument)
            if said != got:
                found.append(f"{system.module} {variant}: {argument}: the table says {said}, the signature {got}")
    return found


def _default(row: Row, variant: str) -> str | None:
    return row.default if isinstance(row.default, str) else row.default.get(variant)


def snippet(system: System) -> str:
    """Return `model.norm` for the system's defaults, in YAML."""
    return yaml.safe_dump({"model": {"norm": {"kind": "batch", **system.norm}}}, sort_keys=False)


def render() -> str:
    """Return the document."""
    parts = [INTRODUCTION, "## To behave as a system does by default\n"]
    parts.append(
        "What each system's defaults are, written out (for the layer itself; where it stands is `position`). Keras' are "
        "bnlab's own.\n"
    )
    for system in SYSTEMS:
        parts.append(f"{system.title}:\n\n```yaml\n{snippet(system)}```\n")
    parts += ["## Every option\n", _every_option()]
    for system in SYSTEMS:
        parts += [f"## {system.title}\n", f"{system.about}\n", _table_of(system)]
    wrapped = (textwrap.fill(part, 120) + "\n" if _is_prose(part) else part for part in parts)
    return "\n".join(wrapped)


def _is_prose(part: str) -> bool:
    return part.count("\n") == 1 and not part.startswith(("#", "|"))


def _every_option() -> str:
    lines: list[tuple[str, ...]] = []
    for key, option in OPTIONS.items():
        theirs = tuple(_same(system, key) for system in SYSTEMS)
        lines.append((option.yaml, option.function, option.default and f"`{option.default}`", *theirs))
    head = ("`model.norm` in YAML", "in Python", "default", "tf.contrib", "tf.layers", "Keras 3", "PyTorch", "Flax")
    about = (
        "Each option of bnlab, and the arguments that say the same with their defaults. An empty cell: the system has no "
        "such argument; without a YAML name: the program sets it."
    )
    return f"{textwrap.fill(about, 120)}\n\n{_markdown(head, lines)}"


def _same(system: System, key: str) -> str:
    cells = (f"`{row.argument}` {_shown_default(row)}" for row in system.rows if key in row.bnlab)
    return " ".join(filter(None, (", ".join(cells), system.besides.get(key))))


def _table_of(system: System) -> str:
    lines: list[tuple[str, ...]] = []
    for row in system.rows:
        options = [OPTIONS[key] for key in row.bnlab]
        columns = zip(*options, strict=True) if options else ((), (), ())
        names, functions, defaults = ([text for text in column if text] for column in columns)
        cells = (names, functions, [f"`{default}`" for default in defaults])
        lines.append((f"`{row.argument}`", _shown_default(row), *(", ".join(cell) for cell in cells), row.remark))
    head = ("argument", "default", "`model.norm` in YAML", "in Python", "bnlab's default", "remark")
    return _markdown(head, lines)


def _shown_default(row: Row) -> str:
    if isinstance(row.default, str):
        return row.default and f"`{row.default}`"
    return ", ".join(f"`{default}` ({variant})" for variant, default in row.default.items())


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> int:
    """Write or check the document; return the exit code."""
    wrong: list[str] = []
    for system in SYSTEMS:
        installed = version(system)
        if installed:
            wrong += differences(system)
        print(f"{system.title}: {f'compared with {installed}' if installed else 'not installed, not compared'}")
    if "--check" not in sys.argv:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(render(), encoding="utf-8")
        print(DOCUMENT)
    elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != render():
        wrong.append(f"{DOCUMENT}: is not what this script makes; run it without --check")
    for line in wrong:
        print(line, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
