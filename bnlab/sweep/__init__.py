"""A grid over config fields × seeds: its points are run folders, and its answers are one folder.

A sweep's file (`specification.Specification`) names a base config or several arms, and which fields take which values. Each
combination is a *point*: a config that is checked before anything runs. The points of one *place* differ in their arm alone.
Every point has the sweep's seeds. Its seeds are a run in runs/, with the identity of any other run, so that a sweep which was
broken off, or got more values or seeds, trains only what is missing. A seed whose loss is no longer finite is a result.

    sweep = load_sweep("digits_grid", seeds="0:8")  # refuses what cannot be run
    plan = make_plan(sweep)                         # says what is there already
    result = plan.finish()                          # trains what is missing, and writes runs/sweep/digits_grid-TIME

Only final values are kept in memory, so that a sweep may have many thousand points. The folder holds

sweep.json      every number, as docs/json.md describes it
sweep.csv       the same, one row a point and metric
sweep.md        a summary to read, which defines each number
sweep.yaml      the sweep's own file
plots/          response curves and heat maps
"""

from bnlab.sweep.analysis import Findings
from bnlab.sweep.best import Best
from bnlab.sweep.estimate import Estimate, estimate
from bnlab.sweep.planning import Outcome, Plan
from bnlab.sweep.points import Axis, Point, Sweep, load_sweep
from bnlab.sweep.specification import Specification, load_specification
from bnlab.sweep.whole import SweepPlan, SweepResult, make_plan

__all__ = [
    "Axis",
    "Best",
    "Estimate",
    "Findings",
    "Outcome",
    "Plan",
    "Point",
    "Specification",
    "Sweep",
    "SweepPlan",
    "SweepResult",
    "estimate",
    "load_specification",
    "load_sweep",
    "make_plan",
]
