"""The Python API, as shown by the package's docstring and the pages."""

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import bnlab as package
from bnlab.errors import UserError

ROOT = Path(__file__).parent.parent
SHARED = [path for path in sorted((ROOT / "bnlab").rglob("*.py")) if "cli" not in path.parts]
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
    run = package.train(config, out="runs/mine", progress=lambda done, total: steps.append((done, total)))
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


def test_compare_arms(folder):
    steps: list[tuple[int, int]] = []
    comparison = package.compare(
        "regression",
        "regression_bn",
        seeds="0:6",
        overrides=["num_steps=10", "regression_bn:model.norm.momentum=0.5"],
        out="out",
        progress=lambda done, total: steps.append((done, total)),
    )
    assert (comparison.folder, comparison.baseline, steps[-1]) == (Path("out"), "regression", (120, 120))
    assert (Path("out") / "comparison.md").exists()
    assert comparison.arms[1].config.model.norm.momentum == 0.5
    assert comparison.curves["test_loss"]["regression_bn"].shape == (6, 10)
    assert package.findings(comparison)[0].startswith("Final test loss: ")
    assert repr(comparison) == "Comparison(regression_bn against regression: 6 seeds; test_loss; out)"
    again = package.compare("regression", "regression_bn", seeds="0:6", overrides=["num_steps=10"])
    assert again.folder is not None
    assert again.folder.name.startswith("regression-regression_bn-num_steps=10-")


def test_short_reprs(folder):
    run = package.train(package.load_config("regression", overrides=["num_steps=2"], seeds="0:3"), out="runs/mine")
    assert repr(run) == "Run(runs/mine: regression, 3 seeds, 2 records; train_loss, test_loss)"
    assert repr(package.runs()[0]) == "Entry(runs/mine: regression, finished, 3 seeds)"
    assert repr(package.runs()) == "Runs(1 of regression; 1 finished)"


def test_functions_keep_the_names_of_the_packages_behind_them():
    """In a fresh process, since the order of imports matters."""
    code = """
        import bnlab.compare.effects, bnlab.runs.listing, bnlab.seed_check.conditions
        from bnlab.compare import findings
        from bnlab import compare, runs, seed_check
        from types import FunctionType
        assert {type(f) for f in (compare, runs, seed_check, bnlab.compare, bnlab.runs, bnlab.seed_check)} == {FunctionType}
        assert bnlab.compare is compare
        assert callable(findings)
        import bnlab.nn
        assert bnlab.nn.batch_norm
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)


def test_listing_runs_does_not_load_jax(folder):
    code = "import sys, bnlab; bnlab.runs(); dir(bnlab); sys.exit('jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


NUMBERS = "expected a number, a list such as 0,1,5 or a range such as 0:16"
OPTION = re.compile(r"(?<![\w-])--[a-z]")


def words_of_messages(tree: ast.Module) -> list[str]:
    """Return the words of every UserError's message, those of the local names in it included; never those of its advice."""
    words: list[str] = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        values: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    values.setdefault(ast.unparse(target), []).append(node.value)
        raised = [node for node in ast.walk(function) if isinstance(node, ast.Call) and ast.unparse(node.func) == "UserError"]
        waiting, seen = [argument for call in raised for argument in call.args], set[str]()
        while waiting:
            for node in ast.walk(waiting.pop()):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    words.append(node.value)
                elif isinstance(node, ast.Name) and node.id not in seen:
                    seen.add(node.id)
                    waiting += values.get(node.id, [])
    return words


@pytest.mark.parametrize("path", SHARED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_error_of_python_speaks_of_options(path):
    """Only the command line shows an error's advice, so only the advice may name an option."""
    assert [word for word in words_of_messages(ast.parse(path.read_text(encoding="utf-8"))) if OPTION.search(word)] == []


def test_a_planted_option_is_found():
    code = """
def refuse(name):
    told = f"{name}: give another" + END
    problem = told + " with --out"
    raise UserError(problem, argument="out", advice="add --seeds 3")
"""
    assert [word for word in words_of_messages(ast.parse(code)) if OPTION.search(word)] == [" with --out"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: package.train("regression", seeds="a"),
            f"seeds: got 'a', {NUMBERS}",
        ),
        (
            lambda: package.train("regression", seeds=[]),
            f"seeds: got '', {NUMBERS}",
        ),
        (lambda: package.train("regression", seeds=[1, 1]), "seeds: got '1,1', expected every seed once"),
        (
            lambda: package.train("regression", seeds=-1),
            f"seeds: got '-1', {NUMBERS}",
        ),
        (
            lambda: package.train("regression", overrides=["num_steps"]),
            "overrides: got 'num_steps', expected key=value such as model.norm.momentum=0.9",
        ),
        (lambda: package.compare("regression"), "regression: one arm alone"),
        (lambda: package.compare("regression", "regression_bn", at=[3000]), None),
        (
            lambda: package.compare("regression", "regression_bn", thresholds={"train_loss": [1.0]}),
            "thresholds: train_loss is not compared",
        ),
        (lambda: package.reproduce("003", seeds=0), "seeds: got 0, expected 1 or more"),
        (lambda: package.reproduce("03"), None),
        (lambda: package.runs("nothing"), "nothing: no run in runs has this name, and no folder here"),
        (lambda: package.train("regression", overrides=["num_steps=2"], out="."), None),
    ],
)
def test_mistakes_in_calls(call, message, folder):
    (folder / "config.yaml").write_text("name: a", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        call()
    assert not OPTION.search(str(caught.value))
    assert message is None or str(caught.value) == message


def test_settings_of_a_config_that_is_there(folder):
    config = package.load_config("regression", seeds=3)
    assert (config.seeds.init, config.seeds.data) == (3, 3)
    run = package.train(config, overrides=["num_steps=2"], seeds=range(2))
    assert (run.config.num_steps, run.seeds.tolist()) == (2, [0, 1])
    assert run.config.description.endswith("Changed: num_steps=2")


def test_public_names():
    assert set(package.__all__) == set(package._HOMES)
    for name in package.__all__:
        assert getattr(package, name).__doc__
    assert set(package.__all__) <= set(dir(package))
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


def test_a_comparison_that_fails_leaves_no_empty_folder(folder, monkeypatch):
    monkeypatch.setenv("BNLAB_DATA_DIR", str(folder))
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(folder / "cache"))
    with pytest.raises(UserError, match=r"^mnist: train-images-idx3-ubyte\.gz is missing and could not be fetched"):
        package.compare("mnist", "mnist_bn", seeds="0", overrides=["num_steps=2"])
    assert not list(Path("runs/compare").iterdir())
