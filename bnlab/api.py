"""What a user asks for in one call, from Python: the functions have the commands' names, and do what the commands do."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bnlab.cluster import WAIT_SECONDS, open_trainer
from bnlab.compare import Arm, Comparison, analyse, expand_study, find_arms, make_request, train_missing, write
from bnlab.config import Config, Seeds, load_config, parse_config
from bnlab.environment import command_line
from bnlab.progress import OnDone, bar
from bnlab.runs import Run, Runs, comparison_folder, list_runs, report_folder, write_seed_check
from bnlab.sources import STUDIES, claims_of
from bnlab.studies import Study

if TYPE_CHECKING:
    from bnlab.report import Reproduction
    from bnlab.seed_check.conditions import SeedCheck
    from bnlab.sweep import SweepResult

Progress = bool | OnDone
"""True: a bar in a notebook and on a terminal, nothing elsewhere. A function is called with (done, all) instead."""


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
            arms = train_missing(self.arms, on_steps)
            claims = {arm.label: claims_of(arm.config) for arm in arms}
            comparison = analyse(
                arms, metrics=self.metrics, at=self.at, thresholds=self.thresholds, claims=claims, study=self.study
            )
            write(comparison, self.folder, self.command)
        except BaseException:
            with contextlib.suppress(OSError):  # it holds something
                self.folder.rmdir()
            raise
        return replace(comparison, folder=self.folder)


def plan_comparison(
    sources: Sequence[str | Path],
    *,
    seeds: Seeds | None = None,
    overrides: Sequence[str] = (),
    vary: Sequence[str] = (),
    metrics: Sequence[str] = (),
    at: Sequence[int] = (),
    thresholds: Mapping[str, Sequence[float]] | None = None,
    out: str | Path | None = None,
) -> ComparisonPlan:
    """Return the plan of a comparison of configs, run folders or a study; nothing is trained. See `compare`.

    Raises:
        UserError: arms that cannot be compared, or a metric, step or level that they do not have.
    """
    expanded, study = expand_study([str(source) for source in sources], STUDIES)
    default_seeds = {"default_seeds": study.seeds} if study else {}
    arms = find_arms(expanded, seeds=seeds, overrides=overrides, vary=vary, **default_seeds)
    make_request(arms, metrics=metrics, at=at, thresholds=thresholds, study=study)
    names = [study.id] if study else [arm.config.name for arm in arms]
    varied = [setting.partition("=")[0] for setting in vary]
    folder = comparison_folder([*names, *varied, *overrides], Path(out) if out else None)
    return ComparisonPlan(arms, study, folder, metrics, at, thresholds or {}, command_line())


def train(
    config: Config | str | Path,
    *,
    overrides: Sequence[str] = (),
    seeds: Seeds | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress = True,
) -> Run:
    """Train all seeds of a config, write its run folder, and return the run.

    config: a config, a file, or a shipped config's name. overrides: "a.b=value". seeds: replace both seeds of the config.
    out: the folder, instead of runs/NAME/RUN_ID. resume: go on with an unfinished run of the same config.

    Raises:
        UserError: as `load_config` and `bnlab.experiment.run_all`.
    """
    chosen = _resolved(config, overrides, seeds)
    from bnlab import experiment

    with _watched(chosen.name, progress) as on_steps:
        return experiment.train(chosen, out=out, resume=resume, on_steps=on_steps)


def compare(
    *sources: str | Path,
    seeds: Seeds | None = None,
    overrides: Sequence[str] = (),
    vary: Sequence[str] = (),
    metrics: Sequence[str] = (),
    at: Sequence[int] = (),
    thresholds: Mapping[str, Sequence[float]] | None = None,
    out: str | Path | None = None,
    progress: Progress = True,
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
    missing = ", ".join(arm.label for arm in plan.arms if arm.missing)
    with _watched(missing, progress and bool(missing) if isinstance(progress, bool) else progress) as on_steps:
        return plan.finish(on_steps)


def sweep(
    source: str | Path,
    *,
    seeds: Seeds | None = None,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    mixed: bool = False,
    wait: float = WAIT_SECONDS,
    progress: Progress = True,
) -> "SweepResult":
    """Train what is missing of a sweep, write the folder of its answers, and return the sweep.

    source: a sweep's file, or a shipped sweep's name. seeds: instead of the file's. overrides: "a.b=value" for all points.
    out: the folder, instead of one in runs/sweep. workers: so many worker processes on this machine train it. scheduler: the
    workers of the Dask scheduler at this address train it. With neither, this process does. mixed, wait: see `open_trainer`.

    Raises:
        UserError: as `load_sweep`, `make_plan` and `bnlab.cluster.open_trainer`; or a folder cannot be written.
        RunFailed: as a trainer on a cluster.
    """
    from bnlab.sweep import load_sweep, make_plan

    loaded = load_sweep(source, seeds=seeds, overrides=overrides)
    with open_trainer(workers=workers, scheduler=scheduler, mixed=mixed, wait=wait) as trainer:
        plan = make_plan(loaded, out=Path(out) if out else None, command=command_line(), mixed=mixed)  # while workers start
        shown = progress and bool(plan.plan.missing) if isinstance(progress, bool) else progress
        with _watched(loaded.name, shown) as on_steps:
            return plan.finish(on_steps, trainer=trainer)


def seed_check(
    config: Config | str | Path,
    *,
    overrides: Sequence[str] = (),
    steps: int | None = None,
    out: str | Path | None = None,
    progress: Progress = True,
) -> "SeedCheck":
    """Check under many conditions whether a run of the config can be repeated, write seed_check.json, and return the report.

    config, overrides: as in `train`. steps: how many are checked; by default all, but at most 2,000. out: the folder,
    instead of one in runs/seed-check.

    Raises:
        UserError: as `load_config` and `bnlab.seed_check.conditions.seed_check`.
    """
    chosen = _resolved(config, overrides, None)
    from bnlab.seed_check.conditions import seed_check as check

    with _watched(f"seed-check {chosen.name}", progress) as on_condition:
        report = check(chosen, steps=steps, on_condition=on_condition)
    return replace(report, path=write_seed_check(chosen, Path(out) if out else None, report.to_json()))


def reproduce(
    *sources: str,
    seeds: int = 20,
    quick: bool = False,
    full: bool = False,
    out: str | Path | None = None,
    progress: Progress = True,
) -> "Reproduction":
    """Run the studies of articles and papers, check every claim, write one report, and return what was found.

    sources: ids such as "003"; none stands for all, or with `quick` for the articles. seeds: 0 to this number, excluded, in
    every arm. quick: a small version, whose verdicts are no answer. full: long studies have all these seeds too. out: the
    folder, instead of one in runs/reproduce.

    Raises:
        UserError: as `bnlab.report.reproduce`.
    """
    from bnlab import report

    def watch(what: str) -> AbstractContextManager[OnDone | None]:
        return _watched(what, progress)

    folder = report_folder(Path(out) if out else None)
    found = report.reproduce(sources, seeds=seeds, quick=quick, full=full, command=command_line(), watch=watch)
    report.write(found, folder)
    return replace(found, folder=folder)


def runs(*names: str | Path) -> Runs:
    """Return an `Entry` for each run in runs/, by the name of their config, the newest of each first.

    names: those of configs, run folders, or folders above runs; none stands for all runs.

    Raises:
        UserError: a name that no run has.
    """
    return list_runs([str(name) for name in names])


def _resolved(config: Config | str | Path, overrides: Sequence[str], seeds: Seeds | None) -> Config:
    if not isinstance(config, Config):
        return load_config(config, overrides=overrides, seeds=seeds)
    if not overrides and seeds is None:
        return config
    return parse_config(config.to_yaml(), config.name, overrides=overrides, seeds=seeds)


@contextlib.contextmanager
def _watched(label: str, progress: Progress) -> Iterator[OnDone | None]:
    """Yield the function that is told how much is done."""
    if isinstance(progress, bool):
        with bar(label) if progress else contextlib.nullcontext() as on_done:
            yield on_done
    else:
        yield progress
