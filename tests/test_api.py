"""The Python API, as shown by the package's docstring and the pages."""

import re
from pathlib import Path

import numpy as np
import pytest

import bnlab as package
from bnlab.errors import UserError

ROOT = Path(__file__).parent.parent
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    )
]


def test_load_train_read(folder):
    config = package.load_config("regression_bn", overrides=["num_steps=5"], seeds="0:5")
    steps = []
    run = package.train(config, out="runs/mine", on_steps=lambda done, total: steps.append((done, total)))
    assert run.path == Path("runs/mine")
    again = package.read_run("runs/mine")
    np.testing.assert_array_equal(again.step, [1, 2, 3, 4, 5])
    assert again.curves["test_loss"].shape == (5, 5)
    assert again.params["bn0/gamma"].shape == (5, 10)
    assert again.summary["final"]["test_loss"]["per_seed"] == again.curves["test_loss"][:, -1].tolist()
    assert again.config == config
    assert steps[0] == (0, 25)
    assert steps[-1] == (25, 25)
    assert steps == sorted(steps)


def test_without_out_a_run_goes_to_runs(folder):
    run = package.train(package.load_config("regression", overrides=["num_steps=2"]))
    assert run.path.parent == Path("runs/regression")


def test_mistakes_are_user_errors(folder):
    assert package.UserError is UserError
    with pytest.raises(package.UserError, match=r"^regresion: no such file, and no shipped config has that name"):
        package.load_config("regresion")
    with pytest.raises(package.UserError, match=r"^runs/nothing: holds no run"):
        package.read_run("runs/nothing")


def test_public_names():
    assert set(package.__all__) == {"Config", "Run", "UserError", "load_config", "read_run", "train"}
    for name in package.__all__:
        assert getattr(package, name).__doc__
    with pytest.raises(AttributeError, match=r"^module 'bnlab' has no attribute 'trian'$"):
        _ = package.trian


def test_the_docstrings_example(folder):
    """Every indented line of the docstring, in order."""
    assert package.__doc__ is not None
    lines = re.findall(r"^    (.*)$", package.__doc__, re.MULTILINE)
    assert lines
    exec("\n".join(lines), {"bnlab": package})


@pytest.mark.parametrize("block", BLOCKS)
def test_the_pages_examples(folder, block):
    """The ```python blocks of the pages, each run separately."""
    exec(block, {})
