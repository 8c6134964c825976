"""Configs and folders to finished runs: all seeds of all configs are trained side by side, checkpointed and written."""

import contextlib
import importlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from bnlab import runtime
from bnlab.config import Config
from bnlab.environment import commit, describe_environment, numerics
from bnlab.errors import UserError
from bnlab.experiment.drawing import draw_run
from bnlab.metrics import metrics_of
from bnlab.models import to_arrays
from bnlab.runs import Catalogue, Progress, Run, RunWriter, read_run, run_folder
from bnlab.training import SEGMENT_STEPS, Chunk, Prepared, Scheduler, Task, prepare

OnSteps = Callable[[int, int], None]
"""Called with (steps done, all steps) during a run."""
OnChunk = Callable[[Config, int, Chunk], None]
"""Called after each segment with the config, the index of the seed in it, and the chunk."""


@dataclass
class ActiveRun:
    """A run in progress: its computation, its progress, and its writer."""

    prepared: Prepared
    progress: Progress
    writer: RunWriter
    began: float
    compiled_before: float
    kept_steps: int = 0
    training_seconds: float = 0.0
    trained_steps: int = 0

    @property
    def config(self) -> Config:
        """Its config."""
        return self.prepared.config

    def tasks(self) -> list[tuple[int, Task]]:
        """Return (seed index, task) for every seed that is not done."""
        tasks: list[tuple[int, Task]] = []
        for index, (init, seed) in enumerate(self.config.seeds.pairs):
            first = int(self.progress.next_segment[index])
            if first == len(self.prepared.segments) or self.progress.failed_step[index]:
                continue
            leaves = self.progress.states[index] if first else None
            tasks.append((index, self.prepared.task(init, seed, first=first, leaves=leaves)))
        return tasks

    def take(self, index: int, chunk: Chunk) -> None:
        """Take in the result of a segment."""
        self.progress.record(index, chunk.segment.record, chunk.metrics)
        self.progress.next_segment[index] = chunk.index + 1
        self.progress.failed_step[index] = chunk.failed_step or 0
        self.progress.states[index] = jax.tree.leaves(chunk.state)
        self.training_seconds += chunk.seconds
        self.trained_steps += len(chunk.losses)
        if self.writer.checkpoint_due():
            self.keep()

    @property
    def done_steps(self) -> int:
        """The number of trained steps, over all seeds."""
        done = [self.prepared.segments[:count] for count in self.progress.next_segment.tolist()]
        return sum(segment.all_steps for segments in done for segment in segments)

    @property
    def all_steps(self) -> int:
        """The number of steps of all seeds."""
        return self.config.num_steps * len(self.config.seeds.pairs)

    def keep(self) -> None:
        """Write a checkpoint of everything trained so far."""
        self.writer.checkpoint(self.progress)
        self.kept_steps = self.done_steps

    def kept(self) -> str:
        """Return a sentence on what is on disk."""
        if self.writer.finished:
            return f"{self.config.name} is finished, in {self.writer.path}"
        return f"{self.kept_steps:,} of {self.all_steps:,} steps of {self.config.name} are kept in {self.writer.path}"


def train(config: Config, *, out: str | Path | None = None, resume: bool = False, on_steps: OnSteps | None = None) -> Run:
    """Train all seeds of one config, write its run folder (see `bnlab.runs`), and return the run.

    Raises:
        UserError: see `run_all`.
    """
    plans = plan_folders([config], Path(out) if out else None, resume=resume)
    return run_all(plans, resume=resume, on_steps=on_steps)[0]


def plan_folders(configs: Sequence[Config], out: Path | None, *, resume: bool) -> list[tuple[Config, Path]]:
    """Return each config with the folder of its run: `out` (`out`/NAME for several configs), else runs/NAME/RUN_ID.

    With `resume` and no `out`, the folder is that of the newest unfinished run of the same computation and seeds, if there
    is one.

    Raises:
        UserError: two configs have the same name, so they would share a folder.
    """
    names = [config.name for config in configs]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name}: {names.count(name)} of the configs have this name; give each its own")
    catalogue = Catalogue()
    plans: list[tuple[Config, Path]] = []
    for config in configs:
        folder = out / config.name if out and len(configs) > 1 else out
        unfinished = catalogue.unfinished(config) if resume and folder is None else []
        same_seeds = [path for path, begun in unfinished if begun == config.seeds.pairs]
        plans.append((config, same_seeds[0] if same_seeds else run_folder(config, folder)))
    return plans


def run_all(
    plans: Sequence[tuple[Config, Path]],
    *,
    resume: bool = False,
    on_steps: OnSteps | None = None,
    on_chunk: OnChunk | None = None,
    draw: bool = True,
    segment_steps: int = SEGMENT_STEPS,
) -> list[Run]:
    """Train every (config, folder) and write its run. Return the runs in the same order.

    All seeds of all configs share one pool of threads. `on_steps(done, total)` and `on_chunk(config, index, chunk)` are
    called after each segment. If training stops early, for whatever reason, each unfinished folder keeps a checkpoint.

    Raises:
        UserError: options do not fit, data cannot be loaded, or a folder cannot be written.
        KeyboardInterrupt: Ctrl-C; its message says what was kept.
    """
    runtime.configure()
    if draw:
        preload("bnlab.plots")
    commit()  # read now, because files may be edited during the run, but the loaded code stays the same
    runs: list[ActiveRun] = []
    try:
        prepared = prepare([config for config, _ in plans], segment_steps=segment_steps)  # checks all before making a folder
        for one, (_, path) in zip(prepared, plans, strict=True):
            runs.append(_open(one, path, resume))
        _train_all([run for run in runs if not run.writer.finished], on_steps, on_chunk, draw)
        return [read_run(run.writer.path) for run in runs]
    except KeyboardInterrupt:
        kept = "; ".join(run.kept() for run in runs)
        raise KeyboardInterrupt(kept or "nothing was trained yet") from None
    finally:
        for run in runs:
            run.writer.close()


def preload(*modules: str) -> None:
    """Import modules in the background. They are slow to import, and compiling and training leave time for it."""
    for module in modules:
        threading.Thread(target=importlib.import_module, args=(module,), daemon=True).start()


def _open(prepared: Prepared, path: Path, resume: bool) -> ActiveRun:
    began = time.perf_counter()
    config, segments = prepared.config, prepared.segments
    origin = {**numerics(), "segments": f"{len(segments)} from {segments[0]}"}
    writer = RunWriter(path, config, resume=resume, origin=origin)
    try:
        records = len(config.record_steps)
        progress = writer.load_checkpoint(records) or Progress(len(config.seeds.pairs), records)
    except BaseException:
        writer.close()
        raise
    run = ActiveRun(prepared, progress, writer, began, prepared.program.compile_seconds)
    run.kept_steps = run.done_steps
    return run


def _train_all(runs: Sequence[ActiveRun], on_steps: OnSteps | None, on_chunk: OnChunk | None, draw: bool) -> None:
    tasks = [(run, index, task) for run in runs for index, task in run.tasks()]
    total = sum(run.all_steps for run in runs)
    done = total - sum(task.steps_left for _, _, task in tasks)
    open_seeds = {id(run): 0 for run in runs}
    for run, _, _ in tasks:
        open_seeds[id(run)] += 1
    if on_steps:
        on_steps(done, total)
    try:
        for run in runs:
            if not open_seeds[id(run)]:
                _finish(run, draw)
        with contextlib.closing(Scheduler([task for _, _, task in tasks], runtime.workers()).chunks()) as chunks:
            for chunk in chunks:
                run, index, task = tasks[chunk.task]
                run.take(index, chunk)
                ended = chunk.failed_step is not None or chunk.index + 1 == len(task.segments)
                rest = task.segments[chunk.index :] if ended else [chunk.segment]
                done += sum(segment.all_steps for segment in rest)
                if on_steps:
                    on_steps(done, total)
                if on_chunk:
                    on_chunk(run.config, index, chunk)
                if ended:
                    open_seeds[id(run)] -= 1
                    if not open_seeds[id(run)]:
                        _finish(run, draw)
    except BaseException:  # Ctrl-C, a full disk, a bug: keep what is done
        for run in runs:
            if not run.writer.finished and run.progress.states:
                with contextlib.suppress(UserError):
                    run.keep()
        raise


def _finish(run: ActiveRun, draw: bool) -> None:
    """Draw and write the finished run."""
    config, progress, program = run.config, run.progress, run.prepared.program
    trained = time.perf_counter()
    recorded = np.isfinite(np.stack([*progress.metrics.values()])).any((0, 1)) if progress.metrics else np.zeros(0, bool)
    kept = int(np.flatnonzero(recorded)[-1]) + 1 if recorded.any() else 0
    step = np.asarray(config.record_steps)[:kept]
    curves = {name: values[:, :kept] for name, values in progress.metrics.items()}
    states = [program.rebuild(progress.states[index]) for index in range(progress.seeds)]
    arrays = [to_arrays(state.params, state.batch_stats) for state in states]
    params = {name: np.stack([a[name] for a in arrays]) for name in arrays[0]}
    examples = {"test_correct": np.stack([*map(run.prepared.correct, states)])} if config.probes.test_correct else {}
    figures = draw_run(run.prepared, step, curves, states) if draw else {}
    failed = zip(config.seeds.pairs, progress.failed_step.tolist(), strict=True)
    summary: dict[str, Any] = {
        "metrics": {metric.name: asdict(metric) for metric in metrics_of(config)},
        "failed": [{"seed": init, "data_seed": data, "step": step} for (init, data), step in failed if step],
        "steps_per_second": run.trained_steps / run.training_seconds if run.training_seconds else None,
        "seconds": {
            "compile": program.compile_seconds - run.compiled_before,
            "train": run.training_seconds,
            "draw": time.perf_counter() - trained,
            "total": time.perf_counter() - run.began,
        },
    }
    run.writer.finish(step, curves, params, figures, describe_environment(), summary, examples)
