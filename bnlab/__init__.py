"""bnlab: run, repeat and compare the batch-normalization studies of five articles.

For notebooks and scripts, the functions which the command line uses itself:

    config = bnlab.load_config("regression_bn", overrides=["num_steps=500"], seeds="0:5")
    run = bnlab.train(config, out="runs/mine")
    run = bnlab.read_run("runs/mine")
    run.step, run.curves["test_loss"], run.params["bn0/gamma"], run.summary["final"]

    comparison = bnlab.compare_arms("regression", "regression_bn", seeds="0:6", overrides=["num_steps=60"])
    comparison.folder, comparison.curves["test_loss"]["regression_bn"], bnlab.findings(comparison)
    [entry.path for entry in bnlab.list_runs(["regression"])]
    report = bnlab.check_seeds(config, steps=20)
    report.passed, report.outcomes[0].name

The formulas are in `bnlab.nn` and `bnlab.optimizers`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnlab.api import check_seeds, compare_arms, run_sweep
    from bnlab.compare import Comparison, findings
    from bnlab.config import Config, load_config
    from bnlab.errors import UserError
    from bnlab.experiment import train
    from bnlab.runs import Entry, Run, list_runs, read_run

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Config",
    "Entry",
    "Run",
    "UserError",
    "check_seeds",
    "compare_arms",
    "findings",
    "list_runs",
    "load_config",
    "read_run",
    "run_sweep",
    "train",
]

_HOMES = {
    "Comparison": "compare",
    "Config": "config",
    "Entry": "runs",
    "Run": "runs",
    "UserError": "errors",
    "check_seeds": "api",
    "compare_arms": "api",
    "findings": "compare",
    "list_runs": "runs",
    "load_config": "config",
    "read_run": "runs",
    "run_sweep": "api",
    "train": "experiment",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `bnlab --help` must not wait for JAX."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bnlab' has no attribute {name!r}")
    import importlib

    if name in ("train", "compare_arms", "check_seeds", "run_sweep"):
        from bnlab import runtime

        runtime.configure()
    return getattr(importlib.import_module(f"bnlab.{_HOMES[name]}"), name)
