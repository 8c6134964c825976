"""Configs and folders to finished runs: all seeds of all configs are trained side by side, checkpointed and written."""

import contextlib
import importlib
import itertools
import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.config import Config
from bnlab.environment import commit, describe_environment, numerics
from bnlab.errors import UserError
from bnlab.experiment.drawing import draw_run
from bnlab.experiment.trainers import Part, SeedTask, Trainer, train_here
from bnlab.metrics import metrics_of
from bnlab.models import to_arrays
from bnlab.runs import Catalogue, Claims, Progress, Run, RunWriter, json_bytes, read_run, run_folder
from bnlab.training import SEGMENT_STEPS, Checked, Chunk, Prepared, check

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
    open_seeds: int = 0
    kept_steps: int = 0
    training_seconds: float = 0.0
    trained_steps: int = 0
    environment: Mapping[str, Any] | None = None
    """That of the workers that train the run, where their numerics are not this process's."""

    @property
    def config(self) -> Config:
        """Its config."""
        return self.prepared.config

    def tasks(self) -> list[tuple[int, SeedTask]]:
        """Return (seed index, task) for every seed that is not done."""
        tasks: list[tuple[int, SeedTask]] = []
        for index, seeds in enumerate(self.config.seeds.pairs):
            first = int(self.progress.next_segment[index])
            if first == len(self.prepared.segments) or self.progress.failed_step[index]:
                continue
            leaves = self.progress.states[index] if first else None
            tasks.append((index, SeedTask(self.prepared, seeds, first, leaves)))
        return tasks

    def take(self, index: int, part: Part) -> tuple[int, bool]:
        """Take in what was trained of a seed. Return how many steps that settles, and whether the seed has ended.

        The steps that a failed seed does not take are settled too.
        """
        before = int(self.progress.next_segment[index])
        self.progress.record(index, part.record, part.metrics)
        self.progress.next_segment[index] = part.next_segment
        self.progress.failed_step[index] = part.failed_step or 0
        self.progress.states[index] = list(part.leaves)
        self.training_seconds += part.seconds
        self.trained_steps += part.steps
        ended = part.failed_step is not None or part.next_segment == len(self.prepared.segments)
        self.open_seeds -= ended
        if part.environment:
            self.environment = part.environment
            self.writer.trained_under(part.environment["numerics"])
        if self.writer.checkpoint_due():
            self.keep()
        settled = self.prepared.segments[before:] if ended else self.prepared.segments[before : part.next_segment]
        return sum(segment.all_steps for segment in settled), ended

    @property
    def done_steps(self) -> int:
        """The number of trained steps, over all seeds."""
        done = [self.prepared.segments[:count] for count in self.progress.next_segment.tolist()]
        return sum(segment.all_steps for segments in done for segment in segments)

    def keep(self) -> None:
        """Write a checkpoint of everything trained so far."""
        self.writer.checkpoint(self.progress)
        self.kept_steps = self.done_steps

    def kept(self) -> str:
        """Return a sentence on what is on disk."""
        if self.writer.finished:
            return f"{self.config.name} is finished, in {self.writer.path}"
        kept = f"{self.kept_steps:,} of {_all_steps(self.config):,} steps"
        return f"{kept} of {self.config.name} are kept in {self.writer.path}"


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
    """Train every (config, folder) and write its run. Return the runs in the same order. See `run_each`.

    Raises:
        UserError: options do not fit, data cannot be loaded, or a folder cannot be written.
        KeyboardInterrupt: Ctrl-C; its message says what was kept.
    """
    options = {"resume": resume, "on_steps": on_steps, "on_chunk": on_chunk, "draw": draw, "segment_steps": segment_steps}
    runs = dict(run_each(plans, **options))
    return [runs[number] for number in range(len(plans))]


MOST_OPEN = 64
"""Up to this many runs are all opened before the first is trained, so that a folder that is taken is found out at once."""


def run_each(
    plans: Sequence[tuple[Config, Path | None]],
    *,
    resume: bool = False,
    on_steps: OnSteps | None = None,
    on_chunk: OnChunk | None = None,
    draw: bool = True,
    lean: bool = False,
    segment_steps: int = SEGMENT_STEPS,
    trainer: Trainer = train_here,
    claims: Claims | None = None,
    checked: Sequence[Checked] | None = None,
) -> Generator[tuple[int, Run], None, None]:
    """Train every (config, folder), write its run, and yield its number and the run when it is finished.

    All seeds of all configs are given to one `trainer`, configs of one shape together. `on_steps(done, total)` is called
    after each part, and `on_chunk(config, index, chunk)` after each segment that is trained here. If training stops early,
    for whatever reason, each unfinished folder keeps a checkpoint. Of more than MOST_OPEN runs, each is opened when its
    first seed is due and closed when it is finished: memory and open files do not grow with their number. lean: see
    `RunWriter`. claims: gives each run its folder when it is opened, also one without a path; a run that it refuses is left
    out. checked: the configs as `check` gives them, where that is done already.

    Raises:
        UserError, KeyboardInterrupt: as `run_all`.
    """
    if draw:
        preload("bnlab.plots")
    commit()  # read now, because files may be edited during the run, but the loaded code stays the same
    session = _Session(plans, resume, draw, lean, segment_steps, claims)
    try:
        if checked is None:
            checked = list(check([config for config, _ in plans]))  # all of them, before a folder is made
        tasks = session.tasks(checked)
        if len(plans) <= MOST_OPEN and claims is None:
            tasks = iter(list(tasks))
        total = sum(_all_steps(config) for config, _ in plans)
        if on_steps:
            on_steps(session.done_steps, total)
        with session.kept_on_errors(), contextlib.closing(trainer(tasks)) as parts:
            yield from session.finish()
            for part in parts:
                run, index = session.take(part)
                if on_steps:
                    on_steps(session.done_steps, total)
                if on_chunk and part.chunk:
                    on_chunk(run.config, index, part.chunk)
                yield from session.finish()
            yield from session.finish()
    except (Exception, KeyboardInterrupt) as error:
        # Where a cache of JAX compared two keys when it came, it is the cause of another error.
        if not any(isinstance(one, KeyboardInterrupt) for one in (error, error.__cause__)):
            raise
        raise KeyboardInterrupt(session.kept() or "nothing was trained yet") from None
    finally:
        session.close()


class _Session:
    """The runs of one call of `run_each`: those that are open, and what is said of those that are finished."""

    def __init__(
        self,
        plans: Sequence[tuple[Config, Path | None]],
        resume: bool,
        draw: bool,
        lean: bool,
        segment_steps: int,
        claims: Claims | None,
    ):
        self._plans, self._resume, self._draw, self._lean, self._segment_steps = plans, resume, draw, lean, segment_steps
        self._claims = claims
        self._open: dict[int, ActiveRun] = {}
        self._said: dict[int, str] = {}
        self._places: dict[int, tuple[ActiveRun, int]] = {}
        """{number of a task: its run, and the index of its seed there}."""
        self.done_steps = 0

    def tasks(self, checked: Sequence[Checked]) -> Iterator[SeedTask]:
        """Yield the seeds that are to be trained, configs of one shape together, and open each run before its first seed."""
        shapes: dict[Hashable, list[int]] = {}
        for number, one in enumerate(checked):
            shapes.setdefault(one.shape, []).append(number)
        taken = itertools.count()
        for number in itertools.chain.from_iterable(shapes.values()):
            run = self._begin(number, checked[number])
            if run is None:  # left to another process
                self.done_steps += _all_steps(self._plans[number][0])
                continue
            self._open[number] = run
            tasks = run.tasks()
            run.open_seeds = len(tasks)
            self.done_steps += _all_steps(run.config) - sum(_steps_left(task) for _, task in tasks)
            for index, task in tasks:
                self._places[next(taken)] = run, index
                yield task

    def _begin(self, number: int, checked: Checked) -> ActiveRun | None:
        """Open a run; None where it is left to another process."""
        config, path = self._plans[number]
        path = self._claims.claim(config, path) if self._claims else path
        return path and _open(checked, self._segment_steps, path, self._resume, self._lean)

    def take(self, part: Part) -> tuple[ActiveRun, int]:
        """Take in a part. Return its run, and the index of its seed there."""
        run, index = self._places[part.task]
        settled, ended = run.take(index, part)
        self.done_steps += settled
        if ended:
            del self._places[part.task]
        return run, index

    def finish(self) -> Iterator[tuple[int, Run]]:
        """Write and close each run that has no open seed left, and yield its number and the run."""
        for number in [number for number, run in self._open.items() if not run.open_seeds]:
            run = self._open[number]
            done = run.writer.finished
            finished = read_run(run.writer.path) if done else _finish(run, self._draw, self._environment_of(run))
            self._said[number] = run.kept()
            run.writer.close()
            del self._open[number]
            yield number, finished

    @cached_property
    def _environment(self) -> bytes:
        """The environment.json of every run that is trained under this process's numerics."""
        return json_bytes(describe_environment())

    def _environment_of(self, run: ActiveRun) -> bytes:
        if not run.environment:
            return self._environment
        return json_bytes({**run.environment, "command": describe_environment()["command"]})

    @contextlib.contextmanager
    def kept_on_errors(self) -> Iterator[None]:
        """Write a checkpoint of every open run where training stops: by Ctrl-C, a full disk, a bug, or a caller's wish."""
        try:
            yield
        except BaseException:
            for run in self._open.values():
                if not run.writer.finished and run.progress.states:
                    with contextlib.suppress(UserError):
                        run.keep()
            raise

    def kept(self) -> str:
        """Return in a sentence what is on the disk, run by run."""
        said = {**self._said, **{number: run.kept() for number, run in self._open.items()}}
        return "; ".join(said[number] for number in sorted(said))

    def close(self) -> None:
        """Release the folders of the open runs."""
        for run in self._open.values():
            run.writer.close()


def _all_steps(config: Config) -> int:
    """Return the number of steps of all seeds."""
    return config.num_steps * len(config.seeds.pairs)


def _steps_left(task: SeedTask) -> int:
    return sum(segment.all_steps for segment in task.prepared.segments[task.first :])


def preload(*modules: str) -> None:
    """Import modules in the background. They are slow to import, and compiling and training leave time for it."""
    for module in modules:
        threading.Thread(target=importlib.import_module, args=(module,), daemon=True).start()


def _open(checked: Checked, segment_steps: int, path: Path, resume: bool, lean: bool) -> ActiveRun:
    began = time.perf_counter()
    config = checked.config
    writer = RunWriter(path, config, resume=resume, lean=lean)  # locks the folder; what follows takes long for a new shape
    try:
        prepared = checked.ready(segment_steps)
        segments = prepared.segments
        writer.trained_under({**numerics(), "segments": f"{len(segments)} from {segments[0]}"})
        records = config.num_records
        progress = writer.load_checkpoint(records) or Progress(len(config.seeds.pairs), records)
    except BaseException:
        writer.close()
        raise
    run = ActiveRun(prepared, progress, writer, began, prepared.program.compile_seconds)
    run.kept_steps = run.done_steps
    return run


def _finish(run: ActiveRun, draw: bool, environment: bytes) -> Run:
    """Draw, write and return the finished run."""
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
    return run.writer.finish(step, curves, params, figures, environment, summary, examples)
