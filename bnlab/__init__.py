"""bnlab: run, repeat and compare the batch-normalization studies of five articles.

For notebooks and scripts, three functions, which the command line uses itself:

    config = bnlab.load_config("regression_bn", overrides=["num_steps=500"], seeds="0:5")
    run = bnlab.train(config, out="runs/mine")
    run = bnlab.read_run("runs/mine")
    run.step, run.curves["test_loss"], run.params["bn0/gamma"], run.summary["final"]

The formulas are in `bnlab.nn` and `bnlab.optimizers`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnlab.config import Config, load_config
    from bnlab.errors import UserError
    from bnlab.experiment import train
    from bnlab.runs import Run, read_run

__version__ = "0.1.0"

__all__ = ["Config", "Run", "UserError", "load_config", "read_run", "train"]

_HOMES = {
    "Config": "config",
    "Run": "runs",
    "UserError": "errors",
    "load_config": "config",
    "read_run": "runs",
    "train": "experiment",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `bnlab --help` must not wait for JAX."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bnlab' has no attribute {name!r}")
    import importlib

    if name == "train":
        from bnlab import runtime

        runtime.configure()
    return getattr(importlib.import_module(f"bnlab.{_HOMES[name]}"), name)
