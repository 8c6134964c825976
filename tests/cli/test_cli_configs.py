"""`bnlab configs`, and what every command costs before it begins."""

import subprocess
import sys

import pytest

import bnlab as package
from bnlab.config import load_config, shipped_configs


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


@pytest.mark.parametrize("command", [[], ["train"], ["compare"], ["seed-check"], ["replay"], ["data"], ["configs"]])
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
