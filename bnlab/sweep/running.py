"""The training of what is missing in a sweep."""

import contextlib
import logging
import time
from dataclasses import replace

from bnlab.errors import RunFailed
from bnlab.experiment import OnSteps, SeedsLost, Trainer, plan_arms, plan_work, run_each, train_here
from bnlab.runs import Catalogue, Claims, identity
from bnlab.sweep.planning import Computation, Plan

WAIT_SECONDS = 0.5
"""So often a sweep looks whether another process has finished the runs that it waits for."""

_log = logging.getLogger(__name__)


def train_missing(plan: Plan, *, on_steps: OnSteps | None = None, trainer: Trainer = train_here) -> None:
    """Train every missing seed of the plan, write its runs, and take their final values into the plan's outcomes.

    A seed whose loss is no longer finite is a result; the sweep goes on. Broken off at any moment, the sweep keeps every run
    that is finished, and checkpoints of the others. A computation that another process is training is left to it: this one
    takes the run when it is finished, or resumes it if the other process has ended before.

    Raises:
        UserError: a folder cannot be written.
        RunFailed: a trainer gave seeds up, or cannot go on.
        KeyboardInterrupt: Ctrl-C; its message says what was kept.
    """
    missing, claims, waits = plan.missing, plan.claims, False
    try:
        while missing:
            left = sum(len(one.outcome.missing) for one in missing)
            _train(missing, claims, on_steps, trainer)
            claims = Claims(point.config.name for point in plan.sweep.points)
            missing = _still_missing(missing)
            if missing and left == sum(len(one.outcome.missing) for one in missing):
                if not waits:
                    _log.warning("%d computations are being trained by another process; waiting for them", len(missing))
                waits = True
                time.sleep(WAIT_SECONDS)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_kept(plan)) from None
    except SeedsLost as lost:
        labels = {identity(point.config): point.label for point in plan.sweep.points}
        raise RunFailed(lost.message(lambda config: labels[identity(config)])) from None


def _train(missing: list[Computation], claims: Claims, on_steps: OnSteps | None, trainer: Trainer) -> None:
    """Train the computations that no other process has begun."""
    work = plan_work([one.arm for one in missing])
    folders = [(config, path) for _, config, path in work]
    checked = [replace(missing[number].checked, config=config) for number, config, _ in work]
    options = {"resume": True, "draw": False, "lean": True, "claims": claims, "checked": checked}
    runs = run_each(folders, on_steps=on_steps, trainer=trainer, **options)
    with contextlib.closing(runs):
        for number, run in runs:
            missing[work[number][0]].outcome.take(run)


def _still_missing(computations: list[Computation]) -> list[Computation]:
    """Return the computations that still lack seeds, after those were taken that other processes have finished."""
    catalogue, found = Catalogue(), []
    for one in computations:
        if not one.outcome.missing:
            continue
        config = one.arm.config.with_seeds(one.outcome.missing)
        (arm,) = plan_arms([config], catalogue, mixed=one.arm.mixed)
        for run in arm.held.runs:
            one.outcome.take(run)
        if arm.missing:
            found.append(replace(one, arm=arm))
    return found


def _kept(plan: Plan) -> str:
    _still_missing(plan.missing)  # takes the runs that were finished when Ctrl-C came
    points = len(plan.sweep.points)
    whole = sum(not outcome.missing for outcome in plan.outcomes)
    kept = f"{whole:,} of {points:,} points of {plan.sweep.name} are finished"
    return f"{kept}; {plan.missing_seeds:,} seeds are still to be trained"
