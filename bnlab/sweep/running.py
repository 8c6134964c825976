"""The training of what is missing in a sweep."""

import contextlib

from bnlab.experiment import OnSteps, Trainer, plan_work, run_each, train_here
from bnlab.sweep.planning import Plan


def train_missing(plan: Plan, *, on_steps: OnSteps | None = None, trainer: Trainer = train_here) -> None:
    """Train every missing seed of the plan, write its runs, and take their final values into the plan's outcomes.

    A seed whose loss is no longer finite is a result; the sweep goes on. Broken off at any moment, the sweep keeps every run
    that is finished, and checkpoints of the others.

    Raises:
        UserError: a folder cannot be written.
        KeyboardInterrupt: Ctrl-C; its message says what was kept.
    """
    missing = plan.missing
    work = plan_work([one.arm for one in missing])
    folders = [(config, path) for _, config, path in work]
    runs = run_each(folders, resume=True, on_steps=on_steps, draw=False, lean=True, trainer=trainer)
    try:
        with contextlib.closing(runs):
            for number, run in runs:
                missing[work[number][0]].outcome.take(run)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_kept(plan)) from None


def _kept(plan: Plan) -> str:
    points = len(plan.sweep.points)
    whole = sum(not outcome.missing for outcome in plan.outcomes)
    kept = f"{whole:,} of {points:,} points of {plan.sweep.name} are finished"
    return f"{kept}; {plan.missing_seeds:,} seeds are still to be trained"
