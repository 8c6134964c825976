"""Configs to finished runs: loads the data, trains all seeds of all variants side by side, writes and draws.

Everything that trains (`bnlab train`, `compare`, the Python API) goes through `run_all`.
"""

import contextlib
import importlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from bnlab import data, runtime
from bnlab.config import LOSS_UNITS, Config
from bnlab.data import Dataset, regression
from bnlab.data.batches import batches
from bnlab.environment import describe_environment, numerics
from bnlab.errors import UserError
from bnlab.models import to_arrays
from bnlab.runs import Progress, Run, RunWriter, find_runs, read_run, run_folder
from bnlab.training import (
    SEGMENT_STEPS,
    Chunk,
    Data,
    Program,
    Segment,
    Task,
    TrainState,
    build_program,
    device_data,
    plan_segments,
    state_bytes,
)
from bnlab.training import train as train_tasks

OnSteps = Callable[[int, int], None]
"""Told (steps done, steps in all) as a run goes on."""
OnChunk = Callable[[Config, int, Chunk], None]
"""Shown what each segment gave: the config, the number of its seed, and the chunk."""


@dataclass
class Variant:
    """One run under way: what it computes with, how far it is, and where it writes."""

    config: Config
    program: Program
    dataset: Dataset
    data: Data
    segments: list[Segment]
    progress: Progress
    writer: RunWriter
    began: float
    kept_steps: int = 0
    training_seconds: float = 0.0
    trained_steps: int = 0

    def tasks(self) -> list[tuple[int, Task]]:
        """Return (seed index, task) of every seed that is not done."""
        tasks: list[tuple[int, Task]] = []
        for index, (init, seed) in enumerate(self.config.seeds.pairs):
            first = int(self.progress.next_segment[index])
            if first == len(self.segments) or self.progress.failed_step[index]:
                continue
            start, order = draws(self.config, self.program, self.dataset, init, seed)
            if first:
                start = partial(jax.device_put, self.program.rebuild(self.progress.states[index]))
            tasks.append((index, Task(self.program, self.data, start, order, self.segments, first)))
        return tasks

    def take(self, index: int, chunk: Chunk) -> None:
        """Keep what a segment gave."""
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
        """How many steps of all seeds are trained."""
        done = [self.segments[:count] for count in self.progress.next_segment.tolist()]
        return sum(segment.records * segment.steps for segments in done for segment in segments)

    def keep(self) -> None:
        """Write a checkpoint of all there is."""
        self.writer.checkpoint(self.progress)
        self.kept_steps = self.done_steps

    def kept(self) -> str:
        """Say what of the run is on the disk."""
        if self.writer.finished:
            return f"{self.config.name} is finished, in {self.writer.path}"
        total = self.config.num_steps * len(self.config.seeds.pairs)
        return f"{self.kept_steps:,} of {total:,} steps of {self.config.name} are kept in {self.writer.path}"


def draws(
    config: Config, program: Program, dataset: Dataset, init: int, seed: int
) -> tuple[Callable[[], TrainState], Callable[[int, int], np.ndarray]]:
    """Return all that is drawn: the first weights from the `init` seed, the batches (start, count) from the data `seed`."""
    rows = len(dataset.train)
    return (
        partial(program.start, np.uint32(init)),
        partial(batches, config.batches, rows, config.batch_size, seed),
    )


def train(config: Config, *, out: str | Path | None = None, resume: bool = False, on_steps: OnSteps | None = None) -> Run:
    """Train all seeds of one config, write its run folder (see `bnlab.runs`), and return the run.

    Raises:
        UserError: see `run_all`.
    """
    plans = plan_folders([config], Path(out) if out else None, resume=resume)
    return run_all(plans, resume=resume, on_steps=on_steps)[0]


def plan_folders(configs: Sequence[Config], out: Path | None, *, resume: bool) -> list[tuple[Config, Path]]:
    """Return each config with the folder its run goes to: `out` (`out`/NAME for several), else runs/NAME/RUN_ID.

    With `resume` and no `out`, that is the newest unfinished run of the same config, where there is one.

    Raises:
        UserError: two configs of one name would share a folder.
    """
    names = [config.name for config in configs]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name}: {names.count(name)} of the configs have this name; give each its own")
    plans: list[tuple[Config, Path]] = []
    for config in configs:
        folder = out / config.name if out and len(configs) > 1 else out
        unfinished = find_runs(config, finished=False) if resume and folder is None else []
        plans.append((config, unfinished[0] if unfinished else run_folder(config, folder)))
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
    """Train every (config, folder) and write its run; return the results in the same order.

    All seeds of all configs share one pool of threads. `on_steps(done, total)` is told of progress, `on_chunk` is shown all
    there is. Whatever ends it leaves a checkpoint in each folder that is not finished.

    Raises:
        UserError: options that do not fit, data that cannot be had, a folder that cannot be written.
        KeyboardInterrupt: Ctrl-C; its message says what was kept.
    """
    runtime.configure()
    if draw:  # matplotlib takes half a second to import, which compiling leaves to other threads
        threading.Thread(target=importlib.import_module, args=("bnlab.plots",), daemon=True).start()
    variants: list[Variant] = []
    datasets: dict[str, tuple[Dataset, Data]] = {}
    try:
        programs: list[Program] = []
        for config, _ in plans:  # all of them fit, before the first folder is made
            if config.data.name not in datasets:
                dataset = data.load(config.data.name)
                datasets[config.data.name] = dataset, device_data(dataset)
            programs.append(build_program(config, datasets[config.data.name][0]))
        for (config, path), program in zip(plans, programs, strict=True):
            variants.append(_open(config, path, program, *datasets[config.data.name], resume, segment_steps))
        _train_all([variant for variant in variants if not variant.writer.finished], on_steps, on_chunk, draw)
        return [read_run(variant.writer.path) for variant in variants]
    except KeyboardInterrupt:
        kept = "; ".join(variant.kept() for variant in variants)
        raise KeyboardInterrupt(kept or "nothing was trained yet") from None
    finally:
        for variant in variants:
            variant.writer.close()


def _open(
    config: Config,
    path: Path,
    program: Program,
    dataset: Dataset,
    arrays: Data,
    resume: bool,
    segment_steps: int,
) -> Variant:
    began = time.perf_counter()
    segments = plan_segments(config.num_steps, config.record_every, state_bytes(program.shapes), segment_steps)
    seeds, records = len(config.seeds.pairs), len(config.record_steps)
    origin = {**numerics(), "segments": f"{len(segments)} from {segments[0]}"}
    writer = RunWriter(path, config, resume=resume, origin=origin)
    try:
        progress = writer.load_checkpoint(records) or Progress(seeds, records)
    except BaseException:
        writer.close()
        raise
    variant = Variant(config, program, dataset, arrays, segments, progress, writer, began)
    variant.kept_steps = variant.done_steps
    return variant


def _train_all(variants: Sequence[Variant], on_steps: OnSteps | None, on_chunk: OnChunk | None, draw: bool) -> None:
    tasks = [(variant, index, task) for variant in variants for index, task in variant.tasks()]
    total = sum(variant.config.num_steps * len(variant.config.seeds.pairs) for variant in variants)
    left = sum(s.records * s.steps for _, _, task in tasks for s in task.segments[task.first :])
    open_seeds = {id(variant): sum(v is variant for v, _, _ in tasks) for variant in variants}
    done = total - left
    if on_steps:
        on_steps(done, total)
    try:
        for variant in variants:
            if not open_seeds[id(variant)]:
                _finish(variant, draw)
        with contextlib.closing(train_tasks([task for _, _, task in tasks], runtime.workers())) as chunks:
            for chunk in chunks:
                variant, index, task = tasks[chunk.task]
                variant.take(index, chunk)
                ended = chunk.failed_step is not None or chunk.index + 1 == len(task.segments)
                rest = task.segments[chunk.index :] if ended else [chunk.segment]
                done += sum(segment.records * segment.steps for segment in rest)
                if on_steps:
                    on_steps(done, total)
                if on_chunk:
                    on_chunk(variant.config, index, chunk)
                if ended:
                    open_seeds[id(variant)] -= 1
                    if not open_seeds[id(variant)]:
                        _finish(variant, draw)
    except BaseException:  # Ctrl-C, a full disk under one of the variants, a bug: what is done is kept
        for variant in variants:
            if not variant.writer.finished and variant.progress.states:
                with contextlib.suppress(UserError):
                    variant.keep()
        raise


def _finish(variant: Variant, draw: bool) -> None:
    """Draw and write the finished run."""
    config, progress = variant.config, variant.progress
    trained = time.perf_counter()
    recorded = np.isfinite(np.stack([*progress.metrics.values()])).any((0, 1)) if progress.metrics else np.zeros(0, bool)
    kept = int(np.flatnonzero(recorded)[-1]) + 1 if recorded.any() else 0
    step = np.asarray(config.record_steps)[:kept]
    curves = {name: values[:, :kept] for name, values in progress.metrics.items()}
    states = [variant.program.rebuild(progress.states[index]) for index in range(progress.seeds)]
    arrays = [to_arrays(state.params, state.batch_stats) for state in states]
    params = {name: np.stack([a[name] for a in arrays]) for name in arrays[0]}
    figures = _draw(variant, step, curves, states) if draw else {}
    failed = zip(config.seeds.pairs, progress.failed_step.tolist(), strict=True)
    summary: dict[str, Any] = {
        "failed": [{"seed": init, "step": step} for (init, _), step in failed if step],
        "steps_per_second": variant.trained_steps / variant.training_seconds if variant.training_seconds else None,
        "seconds": {
            "compile": variant.program.compile_seconds,
            "train": variant.training_seconds,
            "draw": time.perf_counter() - trained,
            "total": time.perf_counter() - variant.began,
        },
    }
    variant.writer.finish(step, curves, params, figures, describe_environment(), summary)


def _draw(
    variant: Variant, step: np.ndarray, curves: Mapping[str, np.ndarray], states: Sequence[TrainState]
) -> dict[str, bytes]:
    """Return {file name: PNG} of the run's figures: loss, accuracy where there is one, fit for the regression."""
    from bnlab import plots

    if not len(step):
        return {}
    config, title = variant.config, variant.config.name
    figures: dict[str, bytes] = {}

    def named(suffix: str) -> dict[str, np.ndarray]:
        words = {"train": "training", "valid": "validation", "test": "test"}
        return {words[name.removesuffix(suffix)]: values for name, values in curves.items() if name.endswith(suffix)}

    figures["loss.png"] = plots.to_bytes(plots.loss_figure(step, named("_loss"), title=title, unit=LOSS_UNITS[config.loss]))
    if accuracies := named("_accuracy"):
        figures["accuracy.png"] = plots.to_bytes(plots.accuracy_figure(step, accuracies, title=title))
    if config.data.name == "regression":
        grid, coarse = variant.dataset.test, regression.coarse()
        fit, few = (
            np.stack([np.asarray(variant.program.predict(state, inputs))[:, 0] for state in states])
            for inputs in (grid.inputs, coarse.inputs)
        )
        x, target = grid.inputs[:, 1], grid.targets[:, 0]
        figure = plots.fit_figure(x, target, fit, coarse.inputs[:, 1], few, title=title)
        figures["fit.png"] = plots.to_bytes(figure)
    return figures
