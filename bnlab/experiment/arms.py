"""The seeds of a computation: taken from finished runs, and trained where no finished run holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bnlab.config import Config
from bnlab.environment import numerics
from bnlab.experiment.running import OnSteps, run_all
from bnlab.runs import Catalogue, Pool, Run, gather, run_folder


@dataclass(frozen=True)
class ArmPlan:
    """Which of a config's seeds exist and which are missing.

    held: the seeds in finished runs of the same computation and numerics. missing: the (init, data) pairs of the other
    seeds. foreign: the number of missing seeds that finished runs hold under other numerics. They are trained anew.
    mixed: whether seeds of any numerics are taken.
    """

    config: Config
    held: Pool
    missing: tuple[tuple[int, int], ...]
    foreign: int = 0
    mixed: bool = False

    @property
    def complete(self) -> bool:
        """Whether no seed is missing."""
        return not self.missing


def plan_arms(configs: Sequence[Config], catalogue: Catalogue | None = None, *, mixed: bool = False) -> list[ArmPlan]:
    """Return for each config the seeds that finished runs hold, and the seeds that must be trained.

    mixed: take finished runs of any numerics, and not only of this process's.
    """
    catalogue = catalogue or Catalogue()
    plans: list[ArmPlan] = []
    for config in configs:
        found = catalogue.finished(config)
        here = numerics() if found else {}
        held, missing = gather(config, [run for run in found if mixed or run.numerics == here])
        others = {pair for run in found if run.numerics != here for pair in run.pairs}
        plans.append(ArmPlan(config, held, tuple(missing), len(others & set(missing)), mixed))
    return plans


MOST_DRAWN = 4
"""With more new runs than this, none has figures: a figure takes longer than the training of a small net."""


def complete(plans: Sequence[ArmPlan], *, on_steps: OnSteps | None = None) -> list[Pool]:
    """Return all seeds of every plan. Missing seeds are trained first, all in one pool of threads.

    An unfinished run of missing seeds is resumed. Where more than MOST_DRAWN runs are trained, none has figures.

    Raises:
        UserError, KeyboardInterrupt: as `run_all`.
    """
    work = plan_work(plans)
    folders = [(config, path or run_folder(config, None)) for _, config, path in work]
    runs = run_all(folders, resume=True, on_steps=on_steps, draw=len(work) <= MOST_DRAWN) if work else []
    new: list[list[Run]] = [[] for _ in plans]
    for (number, _, _), run in zip(work, runs, strict=True):
        new[number].append(run)
    return [gather(plan.config, [*plan.held.runs, *trained])[0] for plan, trained in zip(plans, new, strict=True)]


def plan_work(plans: Sequence[ArmPlan]) -> list[tuple[int, Config, Path | None]]:
    """Return (number of the plan, config with its seeds, folder) of every run that the missing seeds need.

    The folder is that of an unfinished run of which all seeds are missing, or None for a new run.
    """
    catalogue = Catalogue()
    work: list[tuple[int, Config, Path | None]] = []
    for number, plan in enumerate(plans):
        missing = list(plan.missing)
        resumes = missing and not plan.mixed  # of seeds that are not begun, nobody knows yet where they will be trained
        for path, begun in catalogue.unfinished(plan.config, numerics()) if resumes else []:
            if set(begun) <= set(missing):
                missing = [pair for pair in missing if pair not in begun]
                work.append((number, plan.config.with_seeds(begun), path))
        if missing:
            work.append((number, plan.config.with_seeds(missing), None))
    return work
