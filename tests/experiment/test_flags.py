"""Every way to train sets XLA's flags before JAX is imported, so that all of them have the same numerics."""

import json
from pathlib import Path

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
