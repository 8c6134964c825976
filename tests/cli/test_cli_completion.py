"""What Tab completes in the shell, asked as bash asks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bnlab.config import load_config
from bnlab.runs import RunWriter, run_folder

CODE = """
import sys
from bnlab.cli import app
try:
    app(prog_name="bnlab")
finally:
    print(*sorted({"jax", "matplotlib", "scipy"} & set(sys.modules)), file=sys.stderr)
"""


def complete(line: str, folder: Path) -> list[str]:
    """Return what is offered for the last word of the line; neither JAX nor matplotlib may be loaded for it."""
    words = line.split()
    place = len(words) if line.endswith(" ") else len(words) - 1
    env = {**os.environ, "_BNLAB_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(place)}
    ended = subprocess.run([sys.executable, "-c", CODE], env=env, cwd=folder, capture_output=True, text=True, timeout=120)
    assert ended.stderr.strip() == ""
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "bnlab train regression_bn_",
            ["regression_bn_batch_stats", "regression_bn_no_update", "regression_bn_untrained_mode"],
        ),
        ("bnlab train digits ", None),
        ("bnlab seed-check dig", ["digits", "digits_bn", "digits_bn_sgd"]),
        ("bnlab compare article-003", ["article-003", "article-003-one-row"]),
        ("bnlab reproduce 00", ["000", "001", "002", "003", "004"]),
        ("bnlab compare regression --metric ", ["train_loss", "test_loss"]),
        ("bnlab compare regression digits --metric test_a", ["test_accuracy"]),
        ("bnlab compare nothing --metric train", ["train_accuracy", "train_loss"]),
        ("bnlab train digits --set num_s", ["num_steps="]),
        ("bnlab train digits --set optimizer.learning", ["optimizer.learning_rate="]),
        ("bnlab compare digits --vary l2_penalty.", ["l2_penalty.scale=", "l2_penalty.halved="]),
        ("bnlab train no_such_thi", []),
    ],
)
def test_names(line, expected, tmp_path):
    found = complete(line, tmp_path)
    assert found == expected if expected is not None else "regression" in found


def test_runs(folder):
    paths = [run_folder(load_config(name), None) for name in ("regression", "digits")]
    for path, name in zip(paths, ("regression", "digits"), strict=True):
        RunWriter(path, load_config(name)).close()
    assert complete("bnlab runs show reg", folder) == ["regression"]
    assert complete("bnlab runs export ", folder) == ["digits", "regression", paths[1].name, paths[0].name]
    assert complete("bnlab compare runs/d", folder) == [str(paths[1])]


def test_fields_of_one_arm():
    """After `NAME:`, which bash splits and other shells do not."""
    from bnlab.cli.completing import fields

    assert fields("digits_bn:model.norm.mom") == [
        ("digits_bn:model.norm.momentum=", "number greater than or equal to 0, less than or equal to 1")
    ]
