"""Every way to train sets XLA's flags before XLA reads them, so that all of them have the same numerics."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bnlab import runtime

SHORT = ("--set", "num_steps=3", "--quiet")
FRESH = {"XLA_FLAGS": ""}
"""As in a user's shell, without the flags that this test's own process has set."""


def test_train_and_compare_have_the_same_numerics(bnlab_process, tmp_path: Path):
    """`compare` takes seeds that `train` trained; each command runs in a separate process."""
    assert bnlab_process("train", "regression", "--seeds", "0:2", *SHORT, env=FRESH).code == 0
    answer = bnlab_process("compare", "regression", "regression_bn", "--seeds", "0:3", *SHORT, env=FRESH)
    assert answer.code == 0, answer.err
    found = sorted((tmp_path / "runs/regression").glob("*/environment.json"))
    numerics = [json.loads(path.read_bytes())["numerics"] for path in found]
    assert len(numerics) == 2
    assert numerics[0] == numerics[1]
    seeds = [json.loads((path.parent / "summary.json").read_bytes())["final"]["test_loss"]["per_seed"] for path in found]
    assert sorted(map(len, seeds)) == [1, 2]


def test_jax_may_be_imported_first():
    """A script may import JAX and bnlab in any order. Once JAX has computed something, flags would have no effect."""

    def added(before: str) -> list[str]:
        code = f"import jax; {before}; from bnlab import runtime; print(*runtime.configure()['xla_flags_added'])"
        environment = {**os.environ, **FRESH}
        ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return ended.stdout.split()

    assert added("import bnlab.api, bnlab.report, bnlab.sweep") == [runtime.SMALL_LOOPS]
    assert added("jax.numpy.ones(3)") == []


def test_flags_set_after_jax_was_imported_are_read():
    """XLA ends the process at a flag that it does not know, so this shows when it reads them."""
    code = "import os, jax, bnlab.api; os.environ['XLA_FLAGS'] = '--no_such_flag=1'; jax.devices()"
    ended = subprocess.run([sys.executable, "-c", code], env={**os.environ, **FRESH}, capture_output=True, text=True)
    assert ended.returncode != 0
    assert "Unknown flag in XLA_FLAGS: --no_such_flag=1" in ended.stderr
