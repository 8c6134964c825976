"""Configs to finished runs.

All training (`bnlab train`, `compare`, the Python API) goes through `run_all`. A caller that only needs seeds of a
computation, from any run, calls `plan_arms` and `complete`. They train only the seeds that no finished run holds.
"""

from bnlab.experiment.arms import ArmPlan, complete, plan_arms
from bnlab.experiment.running import OnChunk, OnSteps, plan_folders, preload, run_all, train

__all__ = ["ArmPlan", "OnChunk", "OnSteps", "complete", "plan_arms", "plan_folders", "preload", "run_all", "train"]
