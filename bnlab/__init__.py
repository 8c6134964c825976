"""bnlab: run, repeat and compare the batch-normalization studies of five articles.

For notebooks and scripts, the functions behind the commands, by the commands' names:

    run = bnlab.train("regression_bn", overrides=["num_steps=500"], seeds="0:5", out="runs/mine")
    run = bnlab.read_run("runs/mine")
    run.step, run.curves["test_loss"], run.params["bn0/gamma"], run.summary["final"]

    comparison = bnlab.compare("regression", "regression_bn", seeds="0:6", overrides=["num_steps=60"])
    comparison.folder, comparison.curves["test_loss"]["regression_bn"], bnlab.findings(comparison)
    [entry.path for entry in bnlab.runs("regression")]
    report = bnlab.seed_check("regression", overrides=["num_steps=20"])
    report.passed, report.outcomes[0].name

The formulas are in `bnlab.nn` and `bnlab.optimizers`.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnlab.api import compare, reproduce, runs, seed_check, sweep, train
    from bnlab.compare import Comparison, findings
    from bnlab.config import Config, load_config
    from bnlab.errors import UserError
    from bnlab.report import Reproduction
    from bnlab.runs import Entry, Run, Runs, read_run
    from bnlab.seed_check.conditions import SeedCheck

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Config",
    "Entry",
    "Reproduction",
    "Run",
    "Runs",
    "SeedCheck",
    "UserError",
    "compare",
    "findings",
    "load_config",
    "read_run",
    "reproduce",
    "runs",
    "seed_check",
    "sweep",
    "train",
]

_HOMES = {
    "Comparison": "compare",
    "Config": "config",
    "Entry": "runs",
    "Reproduction": "report",
    "Run": "runs",
    "Runs": "runs",
    "SeedCheck": "seed_check.conditions",
    "UserError": "errors",
    "compare": "api",
    "findings": "compare",
    "load_config": "config",
    "read_run": "runs",
    "reproduce": "api",
    "runs": "api",
    "seed_check": "api",
    "sweep": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `bnlab --help` must not wait for JAX."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bnlab' has no attribute {name!r}")
    return getattr(import_module(f"bnlab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, for tab completion."""
    return [*__all__, "__version__"]


class _Package(ModuleType):
    """Some functions have the name of the package that they call. `bnlab.compare` is the function, always.

    Python sets the attribute `compare` of `bnlab` once the package bnlab.compare is imported, and so would hide the function.
    `from bnlab.compare import …` finds the package, as everywhere.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
