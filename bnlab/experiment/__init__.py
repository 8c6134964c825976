"""Configs to finished runs.

All training that writes runs (`bnlab train`, `compare`, `sweep`, the Python API) goes through `run_each`, which gives its
seeds to a trainer (`bnlab.experiment.trainers`). A caller that only needs seeds of a computation, from any run, calls
`plan_arms` and `complete`. They train only the seeds that no finished run holds.
"""

from bnlab.experiment.arms import ArmPlan, complete, plan_arms, plan_work
from bnlab.experiment.following import to_tensorboard
from bnlab.experiment.running import OnChunk, OnSteps, plan_folders, preload, run_all, run_each, train
from bnlab.experiment.trainers import Part, SeedsLost, SeedTask, Trainer, chunks_here, train_here

__all__ = [
    "ArmPlan",
    "OnChunk",
    "OnSteps",
    "Part",
    "SeedTask",
    "SeedsLost",
    "Trainer",
    "chunks_here",
    "complete",
    "plan_arms",
    "plan_folders",
    "plan_work",
    "preload",
    "run_all",
    "run_each",
    "to_tensorboard",
    "train",
    "train_here",
]
