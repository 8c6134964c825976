"""What a user asks for in one call, from Python and from the command line: compare arms, check seeds."""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bnlab import compare
from bnlab.articles import STUDIES, claims_of
from bnlab.compare import Arm, Comparison
from bnlab.config import Config
from bnlab.runs import comparison_folder
from bnlab.studies import Study

if TYPE_CHECKING:
    from bnlab.seed_check.conditions import Report
    from bnlab.sweep import SweepPlan, SweepResult


@dataclass(frozen=True)
class ComparisonPlan:
    """A comparison that may be made: its arms, what is looked at in them, and the folder that it goes to."""

    arms: list[Arm]
    study: Study | None
    folder: Path
    metrics: Sequence[str]
    at: Sequence[int]
    thresholds: Mapping[str, Sequence[float]]
    command: Sequence[str]

    def finish(self, on_steps: Callable[[int, int], None] | None = None) -> Comparison:
        """Train what is missing, compare the arms, write the folder, and return the comparison.

        Raises:
            UserError: data that cannot be had, a folder that cannot be written.
        """
        try:
            arms = compare.train_missing(self.arms, on_steps)
            claims = {arm.label: claims_of(arm.config) for arm in arms}
            comparison = compare.analyse(
                arms, metrics=self.metrics, at=self.at, thresholds=self.thresholds, claims=claims, study=self.study
            )
            compare.write(comparison, self.folder, self.command)
        except BaseException:
            with contextlib.suppress(OSError):  # it holds something
                self.folder.rmdir()
            raise
        return replace(comparison, folder=self.folder)


def plan_comparison(
    sources: Sequence[str | Path],
    *,
    seeds: str | None = None,
    overrides: Sequence[str] = (),
    vary: Sequence[str] = (),
    metrics: Sequence[str] = (),
    at: Sequence[int] = (),
    thresholds: Mapping[str, Sequence[float]] | None = None,
    out: str | Path | None = None,
    command: Sequence[str] | None = None,
) -> ComparisonPlan:
    """Return the plan of a comparison of configs, run folders or a study; nothing is trained. See `compare_arms`.

    Raises:
        UserError: arms that cannot be compared, or a metric, step or level that they do not have.
    """
    expanded, study = compare.expand_study([str(source) for source in sources], STUDIES)
    default_seeds = {"default_seeds": study.seeds} if study else {}
    arms = compare.find_arms(expanded, seeds=seeds, overrides=overrides, vary=vary, **default_seeds)
    compare.make_request(arms, metrics=metrics, at=at, thresholds=thresholds, study=study)
    names = [study.id] if study else [arm.config.name for arm in arms]
    varied = [setting.partition("=")[0] for setting in vary]
    folder = comparison_folder([*names, *varied, *overrides], Path(out) if out else None)
    made_by = command if command is not None else [Path(sys.argv[0]).name, *sys.argv[1:]]
    return ComparisonPlan(arms, study, folder, metrics, at, thresholds or {}, made_by)


def compare_arms(
    *sources: str | Path,
    seeds: str | None = None,
    overrides: Sequence[str] = (),
    vary: Sequence[str] = (),
    metrics: Sequence[str] = (),
    at: Sequence[int] = (),
    thresholds: Mapping[str, Sequence[float]] | None = None,
    out: str | Path | None = None,
    on_steps: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare arms over the same seeds, train what is missing, write a folder, and return the comparison.

    sources: configs (files, or shipped names), folders of finished runs, or one study such as "article-003"; the first is
    the baseline. overrides: "a.b=value" for all, "NAME:a.b=value" for one of them. vary: "a.b=1,2", an arm for each value.
    metrics, at, thresholds: what to look at, see `bnlab.compare.analyse`. out: the folder, instead of one in runs/compare.

    Raises:
        UserError: as `plan_comparison` and `ComparisonPlan.finish`.
    """
    plan = plan_comparison(
        sources,
        seeds=seeds,
        overrides=overrides,
        vary=vary,
        metrics=metrics,
        at=at,
        thresholds=thresholds,
        out=out,
    )
    return plan.finish(on_steps)


def plan_sweep(
    source: str | Path,
    *,
    seeds: str | None = None,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    command: Sequence[str] | None = None,
) -> "SweepPlan":
    """Return the plan of a sweep; nothing is trained. See `run_sweep`.

    Raises:
        UserError: a wrong file, or a point that is no valid config or does not fit its data.
    """
    from bnlab.sweep import make_plan

    made_by = command if command is not None else [Path(sys.argv[0]).name, *sys.argv[1:]]
    return make_plan(source, seeds=seeds, overrides=overrides, out=Path(out) if out else None, command=made_by)


def run_sweep(
    source: str | Path,
    *,
    seeds: str | None = None,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    on_steps: Callable[[int, int], None] | None = None,
) -> "SweepResult":
    """Train what is missing of a sweep, write the folder of its answers, and return the sweep.

    source: a sweep's file, or a shipped sweep's name. seeds: instead of the file's. overrides: "a.b=value" for all points.
    out: the folder, instead of one in runs/sweep. workers: so many worker processes on this machine train it; a script then
    calls this function inside `if __name__ == "__main__":`. scheduler: the workers of the Dask scheduler at this address
    train it. With neither, this process does.

    Raises:
        UserError: as `plan_sweep` and `bnlab.cluster.open_trainer`; or a folder cannot be written.
        RunFailed: as a trainer on a cluster.
    """
    from bnlab.cluster import open_trainer

    plan = plan_sweep(source, seeds=seeds, overrides=overrides, out=out)
    with open_trainer(workers=workers, scheduler=scheduler) as trainer:
        return plan.finish(on_steps, trainer=trainer)


def check_seeds(config: Config, *, steps: int | None = None) -> "Report":
    """Return whether a run of the config can be repeated, condition by condition; nothing is written.

    steps: how many are checked; by default all, but at most 2,000.

    Raises:
        UserError: as `bnlab.seed_check.conditions.seed_check`.
    """
    from bnlab.seed_check.conditions import seed_check

    return seed_check(config, steps=steps)
