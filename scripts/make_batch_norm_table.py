#!/usr/bin/env python
"""Write docs/batch_norm_options.md: bnlab's options for batch norm beside the arguments of other systems.

    python scripts/make_batch_norm_table.py             write it
    python scripts/make_batch_norm_table.py --check     show what differs, and exit with 1 if anything does

bnlab's names and defaults are read from the code. The tables of the other systems are compared with the signatures of the
installed systems. The two systems of TensorFlow 1 are too old to be installed.
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

    default: in the form of `shown`; a dict {variant: default} where sources differ, or where not all of them have it.
    bnlab: the keys of the `OPTIONS` that have the same meaning, or a part of it.
    """

    argument: str
    default: str | Mapping[str, str]
    bnlab: tuple[str, ...] = ()
    remark: str = ""


class Source(NamedTuple):
    """A function whose arguments a table must list. The arguments of a `method` are listed as method(argument)."""

    target: str
    variant: str = ""
    method: str = ""


class System(NamedTuple):
    """One table, and the settings of `model.norm` that behave as the system does by default.

    besides: a remark on an option in the table of all options, after the system's arguments or in place of them.
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
MOMENTUM = "The weight of the old value, as in bnlab."
CONSTRAINT = "bnlab has none: it does not project parameters after an update."
ONE_AXIS = "bnlab takes one axis. The program sets it."
NAMES = "A name. A pure function looks nothing up by name."
CLIPPING = "A dictionary of `rmin`, `rmax`, `dmax`. In Python: a `RenormClipping`."
SEVERAL_DEVICES = "bnlab has none: it trains on one device."

CONTRIB = System(
    "tf.contrib.layers.batch_norm (TensorFlow 1.x)",
    "",
    (),
    "The parameters are in the order of article 001's list: `inputs` and 22 more. Inputs of rank 2 and rank 4 take the "
    "fused path, unless `fused=False`, `batch_weights`, `renorm` or `adjustment` rules it out. The fused path takes the "
    "sample variance into the moving average, the other path the population variance.",
    {"momentum": 0.999, "epsilon": 1e-3, "center": True, "scale": False, "sample_variance": True},
    (
        Row("inputs", REQUIRED, ("x",), "bnlab takes any rank."),
        Row("decay", "0.999", ("momentum",), f"{MOMENTUM} The article advises 0.9 if validation goes badly."),
        Row("center", "True", ("center",)),
        Row("scale", "False", ("scale",), "Off by default here, on in every other system."),
        Row("epsilon", "0.001", ("epsilon",)),
        Row("activation_fn", "None", ("activation",), "Applied to the output. In YAML the default is `relu`."),
        Row("param_initializers", "None", INITIAL, "A dictionary of initializers. In bnlab they are constants."),
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
            "The collection in which the update of the moving averages waits. If it is forgotten: `update_moving: false`. "
            "In a pure function: keep the state that is returned, as None (update in place) does.",
        ),
        Row("is_training", "True", ("training", "train_with"), "A train step that passes False: `train_with: moving`."),
        Row("reuse", "None", ("sharing",), "Shares variables. In a pure function: pass the same params and state twice."),
        Row("variables_collections", "None", (), "Book-keeping of the graph. A pure function has none."),
        Row("outputs_collections", "None", (), "Book-keeping of the graph. A pure function has none."),
        Row(
            "trainable",
            "True",
            ("trainable", "frozen"),
            "False only hides gamma and beta from the optimizer: `frozen: tensorflow1`.",
        ),
        Row("batch_weights", "None", ("weights",), "Weighted mean and variance, without the sample correction."),
        Row(
            "fused",
            "None",
            ("sample_variance",),
            "None means True, the sample variance. False: `sample_variance: false`.",
        ),
        Row("data_format", "'NHWC'", ("axis",), "NHWC is axis −1, NCHW is axis 1. The program sets it."),
        Row(
            "zero_debias_moving_mean",
            "False",
            ("zero_debias_moving_mean",),
            "Only the mean; the variance still starts at 1.",
        ),
        Row("scope", "None", (), NAMES),
        Row("renorm", "False", ("renorm",), "True is `tensorflow1`."),
        Row("renorm_clipping", "None", ("renorm_clipping",), CLIPPING),
        Row("renorm_decay", "0.99", ("renorm_momentum",)),
        Row(
            "adjustment",
            "None",
            ("adjustment",),
            "A function of the shape that returns (scale, bias). bnlab takes the two arrays. In YAML: the ranges from "
            "which each step draws them.",
        ),
    ),
)

LAYERS = System(
    "tf.layers.BatchNormalization (TensorFlow 1.x)",
    "",
    (),
    "The table has the arguments of the layer, of its call, and `reuse` of the function `tf.layers.batch_normalization`. "
    "Inputs of rank 2 take the path that is not fused (population variance). Inputs of rank 4 take the fused path: add "
    "`sample_variance: true`.",
    {"momentum": 0.99, "epsilon": 1e-3, "center": True, "scale": True, "sample_variance": False},
    (
        Row("axis", "-1", ("axis",), f"An int or a list. {ONE_AXIS}"),
        Row("momentum", "0.99", ("momentum",), MOMENTUM),
        Row("epsilon", "0.001", ("epsilon",)),
        Row("center", "True", ("center",)),
        Row("scale", "True", ("scale",)),
        Row("beta_initializer", "zeros", ("beta_init",), "A constant in bnlab."),
        Row("gamma_initializer", "ones", ("gamma_init",), "A constant in bnlab."),
        Row("moving_mean_initializer", "zeros", ("moving_mean_init",), "A constant in bnlab."),
        Row("moving_variance_initializer", "ones", ("moving_variance_init",), "A constant in bnlab."),
        Row("beta_regularizer", "None", ("beta_l2", "l2_halved"), "Halved if it is tf.contrib's `l2_regularizer`."),
        Row("gamma_regularizer", "None", ("gamma_l2", "l2_halved"), "Halved if it is tf.contrib's `l2_regularizer`."),
        Row("beta_constraint", "None", (), CONSTRAINT),
        Row("gamma_constraint", "None", (), CONSTRAINT),
        Row("renorm", "False", ("renorm",), "True is `tensorflow1`."),
        Row("renorm_clipping", "None", ("renorm_clipping",), CLIPPING),
        Row("renorm_momentum", "0.99", ("renorm_momentum",)),
        Row(
            "fused", "None", ("sample_variance",), "None means True, which has an effect on rank 4 only: the sample variance."
        ),
        Row("trainable", "True", ("trainable", "frozen"), "In a graph, False only stops gradients: `frozen: tensorflow1`."),
        Row(
            "virtual_batch_size",
            "None",
            ("virtual_batch_size",),
            "Ghost batches. The moving averages take the mean over them.",
        ),
        Row(
            "adjustment",
            "None",
            ("adjustment",),
            "As in tf.contrib. TensorFlow refuses it together with `virtual_batch_size`.",
        ),
        Row("name", "None", (), NAMES),
        Row("**kwargs", "", (), "Arguments of Layer, such as `dtype`."),
        Row("call(inputs)", REQUIRED, ("x",)),
        Row(
            "call(training)",
            "False",
            ("training", "train_with"),
            "The default is article 000's trap. A train step without it: `train_with: moving`.",
        ),
        Row(
            "reuse",
            "None",
            ("sharing",),
            "An argument of the function. In a pure function: pass the same params and state twice.",
        ),
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
    "bnlab has the same defaults. The moving variance takes the population variance at every rank.",
    {"momentum": 0.99, "epsilon": 1e-3, "center": True, "scale": True, "sample_variance": False},
    (
        Row("axis", "-1", ("axis",), ONE_AXIS),
        Row("momentum", "0.99", ("momentum",), MOMENTUM),
        Row("epsilon", "0.001", ("epsilon",)),
        Row("center", "True", ("center",)),
        Row("scale", "True", ("scale",)),
        Row("beta_initializer", "'zeros'", ("beta_init",), "A constant in bnlab."),
        Row("gamma_initializer", "'ones'", ("gamma_init",), "A constant in bnlab."),
        Row("moving_mean_initializer", "'zeros'", ("moving_mean_init",), "A constant in bnlab."),
        Row("moving_variance_initializer", "'ones'", ("moving_variance_init",), "A constant in bnlab."),
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
        Row("renorm", "False", ("renorm",), "True is `keras3`, which averages a standard deviation that starts at 1."),
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
            "dtype",
            "None",
            ("dtype",),
            "The dtype of the parameters. Both compute statistics and output in float32 or wider.",
        ),
        Row("autocast", "True", (), "bnlab returns the dtype of x."),
        Row("activity_regularizer", "None", (), "bnlab has none: it does not penalise outputs."),
        Row("name", "None", (), NAMES),
        Row("**kwargs", "", (), "Arguments of Layer: `trainable` and the four after it."),
        Row("call(inputs)", REQUIRED, ("x",)),
        Row("call(training)", "None", ("training", "train_with"), "None takes what the outer call says, such as `fit`."),
        Row(
            "call(mask)",
            "None",
            ("mask",),
            "True means that a value counts. Keras divides by Σ mask + 1e-7. If nothing counts, its averages move towards 0.",
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
    "Two conventions differ. `momentum` is the weight of the new value, and the running variance takes the sample variance "
    "(the output is normalised by the population variance, as everywhere). The module's `train()` and `eval()` choose "
    "training or inference. A frozen module (`requires_grad_(False)`) still moves its statistics: `frozen: tensorflow1`. "
    "If a channel has only one value in a batch, PyTorch refuses to train. bnlab's output is then beta, and 0 goes into "
    "the moving variance.",
    {"momentum": 0.9, "epsilon": 1e-5, "center": True, "scale": True, "sample_variance": True},
    (
        Row("num_features", REQUIRED, ("features",), "In YAML `model.hidden` sets it."),
        Row("eps", "1e-05", ("epsilon",)),
        Row(
            "momentum",
            "0.1",
            ("momentum",),
            "The weight of the *new* value: in bnlab 1 − 0.1 = 0.9. bnlab has no None, a plain average over all batches.",
        ),
        Row("affine", "True", ("center", "scale"), "False: `center: false, scale: false`."),
        Row("bias", "True", ("center",), "False, with affine true: `center: false`."),
        Row(
            "track_running_stats",
            "True",
            ("evaluate_with", "update_moving"),
            "False: `evaluate_with: batch, update_moving: false`.",
        ),
        Row("device", "None", (), "JAX decides where arrays are."),
        Row("dtype", "None", ("dtype",), "The dtype of the parameters and running statistics."),
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
    "The running variance takes the population variance. By default both layers compute it as E[x²] − E[x]². This loses "
    "its digits if the mean is far above the spread: float32 has seven digits, so the variance 1 around a mean of "
    "10,000 is lost in E[x²] = 100,000,001. Pass `use_fast_variance=False` to compare.",
    {"momentum": 0.99, "epsilon": 1e-5, "center": True, "scale": True, "sample_variance": False},
    (
        Row("num_features", {"nnx": REQUIRED}, ("features",), "In YAML `model.hidden` sets it."),
        Row(
            "use_running_average",
            {"nnx": "False", "linen": "None"},
            ("training", "train_with"),
            "The opposite of `training`. linen has no default: give it here or in the call.",
        ),
        Row("axis", "-1", ("axis",), f"An int or several. {ONE_AXIS}"),
        Row("momentum", "0.99", ("momentum",), MOMENTUM),
        Row("epsilon", "1e-05", ("epsilon",)),
        Row("dtype", "None", (), "The dtype of the output. bnlab returns the dtype of x and computes in float32 or wider."),
        Row("param_dtype", "float32", ("dtype",)),
        Row("use_bias", "True", ("center",)),
        Row("use_scale", "True", ("scale",)),
        Row("bias_init", "zeros", ("beta_init",), "A constant in bnlab."),
        Row("scale_init", "ones", ("gamma_init",), "A constant in bnlab."),
        Row("axis_name", "None", (), SEVERAL_DEVICES),
        Row("axis_index_groups", "None", (), SEVERAL_DEVICES),
        Row("use_fast_variance", "True", (), "bnlab always takes Σ (x − mean)² / N."),
        Row("force_float32_reductions", {"linen": "True"}, (), "bnlab always does this."),
        Row("promote_dtype", {"nnx": "promote_dtype"}, (), "The function that brings inputs and parameters to one dtype."),
        Row("rngs", {"nnx": REQUIRED}, (), "bnlab draws nothing: its initial values are constants."),
        Row("bias_metadata", {"nnx": "{}"}, (), "Book-keeping of Flax."),
        Row("scale_metadata", {"nnx": "{}"}, (), "Book-keeping of Flax."),
        Row("parent", {"linen": "_Sentinel"}, (), "Book-keeping of Flax."),
        Row("name", {"linen": "None"}, (), NAMES),
        Row("__call__(x)", REQUIRED, ("x",)),
        Row("__call__(use_running_average)", "None", ("training",), "Overrides `use_running_average` above."),
        Row(
            "__call__(mask)",
            "None",
            ("mask",),
            "True means that a value counts. It must broadcast to x, so it has the axis of the channels too.",
        ),
    ),
    {"sample_variance": "always false"},
)

SYSTEMS = (CONTRIB, LAYERS, KERAS, TORCH, FLAX)

INTRODUCTION = """\
# Batch norm: bnlab's options beside those of other systems

[All pages](README.md)

<!-- Made by scripts/make_batch_norm_table.py; change it there. -->

In training, a layer computes over the N values that a channel has in a batch:

    mean = Σ x / N        variance = Σ (x − mean)² / N
    y = gamma · (x − mean) / sqrt(variance + epsilon) + beta
    moving = moving · momentum + batch · (1 − momentum)        for the mean and for the variance

In inference it uses the moving mean and variance in place of the batch's, and nothing moves. All systems agree on this.
They have different names and defaults, and they differ in three places:

- **momentum** is the weight of the old value in bnlab and most systems. In PyTorch it is the weight of the new value, which
  is 1 minus the other.
- **the variance that goes into the moving average** is the population variance (divided by N) or the sample variance
  (divided by N − 1, `sample_variance: true`). The output is always normalised by the population variance.
- **a frozen layer** (`trainable: false`) runs in inference mode (`frozen: tensorflow2`, the default; Keras too), or it only
  stops the gradients of gamma and beta while the statistics still move (`frozen: tensorflow1`; PyTorch too).

bnlab's layer is a pure function. Other systems update variables and find them by name; here values go in and come out:

    params, stats = init_batch_norm(options, features)
    y, stats = batch_norm(x, params, stats, options, training=True)

To update the moving averages, keep the state that comes back. To share a layer, pass the same `params` and `stats` to two
calls.
"""


def arguments(source: Source) -> dict[str, str]:
    """Return {argument: default} of an installed function, in the forms of the tables."""
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
    """Return the installed version of the system, or None."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(system.module).__version__ if system.module else None
    except ImportError:
        return None


def differences(system: System) -> list[str]:
    """Return the errors in the table of an installed system, one line each."""
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
        "These are the defaults of each system, for the layer itself; `position` says where in the network it stands. "
        "bnlab's own defaults are those of Keras.\n"
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
        "Each option of bnlab, beside the arguments that mean the same, with their defaults. An empty cell means that the "
        "system has no such argument. An option without a YAML name is set by the program."
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
