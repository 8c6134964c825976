"""docs/batch_norm_options.md is the output of its script, and its tables are true of bnlab and of the other systems."""

import dataclasses
import importlib.util
import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from bnlab.config import NormConfig, load_config, parse_config
from bnlab.nn import BatchNorm, batch_norm, init_batch_norm

ROOT = Path(__file__).resolve().parent.parent


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_batch_norm_table", ROOT / "scripts" / "make_batch_norm_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()
DOCUMENT = script.DOCUMENT.read_text(encoding="utf-8")
SNIPPETS = dict(zip((s.title for s in script.SYSTEMS), re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL), strict=True))


def name_of(system) -> str:
    return system.title.split(" ")[0]


def install_or_skip(system) -> Any:
    """Import the top module of the system and return it."""
    if script.version(system) is None:
        pytest.skip(f"{system.module or name_of(system)} is not installed: what the table says of it is not compared")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(system.module)


def options_of(system) -> BatchNorm:
    """Return the layer with the settings of the document's snippet."""
    fields = yaml.safe_load(load_config("regression").to_yaml())
    fields["model"] |= yaml.safe_load(SNIPPETS[system.title])["model"]
    norm = parse_config(yaml.safe_dump(fields), "snippet").model.norm
    assert norm is not None
    return norm.options


def train_once(options: BatchNorm, x: np.ndarray):
    return batch_norm(jnp.asarray(x), *init_batch_norm(options, x.shape[1]), options, training=True)


def test_the_document_is_what_the_script_makes():
    assert script.render() == DOCUMENT, "run scripts/make_batch_norm_table.py"


def test_every_option_of_bnlab_is_there():
    table = DOCUMENT.split("## Every option")[1].split("\n## ")[0]
    for field in dataclasses.fields(BatchNorm):
        assert f"| `BatchNorm({field.name}=)` |" in table, field.name
    for name in NormConfig.model_fields:
        assert re.search(rf"^\| `{name}` \|", table, re.MULTILINE), name


def test_article_001s_parameters_are_all_there_in_its_order():
    order = (
        "inputs decay center scale epsilon activation_fn param_initializers param_regularizers updates_collections "
        "is_training reuse variables_collections outputs_collections trainable batch_weights fused data_format "
        "zero_debias_moving_mean scope renorm renorm_clipping renorm_decay adjustment"
    )
    assert [row.argument for row in script.CONTRIB.rows] == order.split()


@pytest.mark.parametrize("system", [s for s in script.SYSTEMS if s.module], ids=name_of)
def test_arguments_and_defaults_are_those_of_the_installed_system(system):
    install_or_skip(system)
    assert script.differences(system) == []


def test_a_wrong_default_and_a_missing_argument_are_found():
    install_or_skip(script.FLAX)
    rows = [row for row in script.FLAX.rows if row.argument != "use_bias"]
    rows = [row._replace(default="0.9") if row.argument == "momentum" else row for row in rows]
    assert script.differences(script.FLAX._replace(rows=tuple(rows))) == [
        f"flax {kind}: {line}"
        for kind in ("nnx", "linen")
        for line in (
            "momentum: the table says 0.9, the signature 0.99",
            "use_bias: the table says None, the signature True",
        )
    ]


# One training step on the column [1, 5]: mean 3, population variance 4, sample variance 8; from 0 and 1.
@pytest.mark.parametrize(
    ("system", "epsilon", "scale", "moving_mean", "moving_variance"),
    [
        (script.CONTRIB, 1e-3, False, 0.003, 1.007),
        (script.LAYERS, 1e-3, True, 0.03, 1.03),
        (script.KERAS, 1e-3, True, 0.03, 1.03),
        (script.TORCH, 1e-5, True, 0.3, 1.7),
        (script.FLAX, 1e-5, True, 0.03, 1.03),
    ],
    ids=[name_of(system) for system in script.SYSTEMS],
)
def test_the_snippets_behave_as_they_say(system, epsilon, scale, moving_mean, moving_variance):
    options = options_of(system)
    params, _ = init_batch_norm(options, 1)
    y, stats = train_once(options, np.array([[1.0], [5.0]], np.float32))
    assert (params.gamma is not None) == scale
    np.testing.assert_allclose(y[:, 0], np.array([-2, 2]) / np.sqrt(4 + epsilon), rtol=1e-6)
    np.testing.assert_allclose(stats.moving_mean, [moving_mean], rtol=1e-6)
    np.testing.assert_allclose(stats.moving_variance, [moving_variance], rtol=1e-6)


def test_the_snippets_state_the_defaults_of_the_tables():
    for system in script.SYSTEMS:
        defaults = {key: row.default for row in system.rows for key in row.bnlab if isinstance(row.default, str)}
        options = options_of(system)
        assert defaults["epsilon"] == script.shown(options.epsilon), system.title
        assert (defaults["center"], defaults["scale"]) == (str(options.center), str(options.scale)), system.title
        momentum = 1 - options.momentum if system is script.TORCH else options.momentum
        assert float(defaults["momentum"]) == pytest.approx(momentum), system.title
    assert options_of(script.KERAS) == BatchNorm()


X = np.random.default_rng(0).normal(1, 2, (20, 5)).astype(np.float32)
OFFSET = (1e4 + np.random.default_rng(0).normal(size=(32, 4))).astype(np.float32)


def assert_like_the_snippet(system, y, mean, variance):
    """The output and the moving statistics of a system's default layer after one call on X in training mode."""
    ours, stats = train_once(options_of(system), X)
    # float32: a few 1e-7, and as many again from Flax' E[x²] − E[x]².
    for one, other in ((ours, y), (stats.moving_mean, mean), (stats.moving_variance, variance)):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_what_is_said_of_keras():
    keras = install_or_skip(script.KERAS)

    def to_numpy(value: Any) -> np.ndarray:
        return keras.ops.convert_to_numpy(getattr(value, "value", value))  # of a Variable, NumPy 2 warns

    layer = keras.layers.BatchNormalization()
    y = layer(X, training=True)
    assert_like_the_snippet(script.KERAS, to_numpy(y), to_numpy(layer.moving_mean), to_numpy(layer.moving_variance))

    layer.trainable = False
    before = to_numpy(layer.moving_mean)
    frozen = to_numpy(layer(X, training=True))
    np.testing.assert_array_equal(frozen, to_numpy(layer(X, training=False)))
    np.testing.assert_array_equal(to_numpy(layer.moving_mean), before)

    alone = keras.layers.BatchNormalization()(np.full((1, 2), 5, np.float32), training=True)
    np.testing.assert_array_equal(to_numpy(alone), [[0, 0]])
    assert float(keras.regularizers.L2(0.5)(np.array([1.0, 3.0], np.float32))) == 5  # 0.5 · (1 + 9)


def test_what_is_said_of_pytorch():
    torch = install_or_skip(script.TORCH)
    layer = torch.nn.BatchNorm1d(5)
    y = layer(torch.from_numpy(X)).detach().numpy()
    assert_like_the_snippet(script.TORCH, y, layer.running_mean.numpy(), layer.running_var.numpy())

    layer.requires_grad_(False)
    before = layer.running_mean.clone()
    layer(torch.from_numpy(X))
    assert not torch.equal(before, layer.running_mean)

    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        layer(torch.ones(1, 5))

    untracked = torch.nn.BatchNorm1d(5, track_running_stats=False).eval()
    np.testing.assert_allclose(untracked(torch.from_numpy(X)).detach().numpy(), y, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["nnx", "linen"])
def test_what_is_said_of_flax(kind):
    install_or_skip(script.FLAX)
    module = importlib.import_module(f"flax.{kind}")
    jax = importlib.import_module("jax")

    def train_theirs(x: np.ndarray, **arguments: Any):
        if kind == "nnx":
            layer = module.BatchNorm(x.shape[1], rngs=module.Rngs(0), **arguments)
            return layer(x), layer.mean[...], layer.var[...]
        layer = module.BatchNorm(use_running_average=False, **arguments)
        y, variables = layer.apply(layer.init(jax.random.key(0), x), x, mutable=["batch_stats"])
        return y, variables["batch_stats"]["mean"], variables["batch_stats"]["var"]

    assert_like_the_snippet(script.FLAX, *train_theirs(X))

    variance = OFFSET.astype(np.float64).var(0)
    fast, sound = (train_theirs(OFFSET, momentum=0.0, use_fast_variance=fast)[2] for fast in (True, False))
    assert np.all(np.abs(fast - variance) > 0.5)
    np.testing.assert_allclose(sound, variance, rtol=1e-5)
    _, stats = train_once(dataclasses.replace(options_of(script.FLAX), momentum=0.0), OFFSET)
    np.testing.assert_allclose(stats.moving_variance, variance, rtol=1e-6)
    if kind == "linen":
        with pytest.raises(ValueError, match="use_running_average"):
            module.BatchNorm().init(jax.random.key(0), X)
