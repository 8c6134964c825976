"""Configs to finished runs.

Everything that trains (`bnlab train`, `compare`, the Python API) goes through `run_all`. What only wants seeds of a
computation, wherever they lie, goes through `plan_arms` and `complete`, which train what no finished run holds.
"""

from bnlab.experiment.arms import ArmPlan, complete, plan_arms
from bnlab.experiment.running import OnChunk, OnSteps, plan_folders, preload, run_all, train

__all__ = ["ArmPlan", "OnChunk", "OnSteps", "complete", "plan_arms", "plan_folders", "preload", "run_all", "train"]
