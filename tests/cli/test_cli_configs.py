"""`bnlab configs`, and what every command costs before it begins."""

import json
import subprocess
import sys

import pytest
import yaml

import bnlab as package
from bnlab.config import load_config, shipped_configs
from bnlab.sources import STUDIES


def test_every_config_is_listed(bnlab):
    code, out, err = bnlab("configs")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    for name in shipped_configs():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert load_config(name).variant.split()[0] in line


def test_configs_that_the_issue_names():
    assert {
        *("regression", "regression_bn", "regression_bn_batch_stats", "regression_bn_no_update"),
        *("mnist_contrib_bn", "mnist", "mnist_bn", "bn_constant", "digits", "digits_bn"),
    } <= set(shipped_configs())


def test_version(bnlab):
    assert bnlab("--version") == (0, f"bnlab {package.__version__}\n", "")


@pytest.mark.parametrize(
    "command", [[], ["train"], ["compare"], ["seed-check"], ["replay"], ["data"], ["configs"], ["runs"], ["runs", "export"]]
)
def test_help_waits_for_no_heavy_import(command):
    """`bnlab --help` answers in under 0.3 s: importing JAX alone takes twice that."""
    code = (
        "import sys; sys.argv = ['bnlab', *sys.argv[1:]]\n"
        "from bnlab.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as done: assert not done.code, done.code\n"
        "heavy = {'jax', 'jaxlib', 'numpy', 'matplotlib', 'scipy', 'sklearn', 'optax', 'yaml'}\n"
        "print('imported:', *sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "imported:"
    assert "Usage: " in ended.stdout


def test_the_package_itself_is_light():
    code = "import sys, bnlab; print(bnlab.__version__, 'numpy' in sys.modules, 'jax' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == f"{package.__version__} False False\n"


def test_every_study_is_listed(bnlab):
    lines = bnlab("configs").out.splitlines()
    for study in STUDIES.values():
        (line,) = [line for line in lines if line.split()[:1] == [study.id]]
        assert line.endswith(study.title)


def test_every_field_is_explained(bnlab):
    code, out, err = bnlab("configs", "--fields")
    assert (code, err) == (0, "")
    heads = {line.split(":")[0]: line for line in out.splitlines() if not line.startswith(" ")}
    dumped = load_config("digits_bn", overrides=["l2_penalty.scale=0.1", "model.norm.adjustment={}"]).model_dump()

    def keys(section, above=""):
        for key, value in section.items():
            yield f"{above}{key}"
            yield from keys(value, f"{above}{key}.") if isinstance(value, dict) else ()

    assert set(keys(dumped)) <= set(heads)
    assert heads["optimizer.name"] == "optimizer.name: adam | adam_tf | sgd; required"
    assert heads["optimizer.b1"] == "optimizer.b1: number greater than or equal to 0, less than 1; default 0.9"
    assert heads["num_steps"] == (
        "num_steps: integer greater than or equal to 1, less than or equal to 100,000,000; default null"
    )
    assert heads["model.norm"] == "model.norm: section or null; default null"
    assert "    The factor of every update.\n" in out


def test_some_fields(bnlab):
    lines = bnlab("configs", "--fields", "l2_penalty").out.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == [
        "l2_penalty",
        "l2_penalty.scale",
        "l2_penalty.halved",
    ]


def test_schema_is_that_of_the_shipped_configs(bnlab):
    code, out, err = bnlab("configs", "--schema")
    assert (code, err) == (0, "")
    schema = json.loads(out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    for path in shipped_configs().values():
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert set(schema["required"]) <= set(given) <= set(schema["properties"])
    assert schema["$defs"]["OptimizerConfig"]["properties"]["name"]["enum"] == ["adam", "adam_tf", "sgd"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fields", "optimzer"), "optimzer: no field begins so (did you mean optimizer?)"),
        (("digits",), "got 'digits', which only --fields takes; `bnlab train digits --print-config` shows a config"),
        (("--fields", "--schema"), "--fields and --schema are two questions; ask one at a time"),
    ],
)
def test_mistakes(arguments, message, bnlab):
    assert bnlab("configs", *arguments) == (2, "", f"bnlab: {message}\n")
