"""The scheduler of seeds: it trains many seeds, segment after segment, several side by side.

The same executable trains each seed separately, on one thread. So the bits of a seed depend neither on the other seeds nor
on the number of cores. Other seeds, other arms and the evaluation of trained segments keep all cores busy.
"""

import queue
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from bnlab.training.evaluation import Data, Recorded
from bnlab.training.probes import STEPS_AHEAD
from bnlab.training.program import Numbers, Program
from bnlab.training.segments import Segment
from bnlab.training.step import TrainState


@dataclass(frozen=True)
class Task:
    """One seed of one computation: its program and numbers, its first state, and its batches.

    `start()` returns the state before segment `first`. `batches(start, count)` returns the row numbers of `count` steps
    from step `start` on, int32 [count, batch].
    """

    program: Program
    numbers: Numbers
    data: Data
    start: Callable[[], TrainState]
    batches: Callable[[int, int], np.ndarray]
    batch_size: int
    segments: Sequence[Segment]
    first: int = 0

    def rows(self, segment: Segment) -> np.ndarray:
        """Return the batches of the segment, int32 [records, steps, batch]."""
        return self.batches(segment.start, segment.all_steps).reshape(segment.records, segment.steps, -1)

    def ahead(self, segment: Segment) -> np.ndarray:
        """Return the batches of the next steps after each record of the segment, int32 [records, STEPS_AHEAD, batch]."""
        first = segment.start + segment.steps
        rows = self.batches(first, segment.all_steps - segment.steps + STEPS_AHEAD)
        starts = segment.steps * np.arange(segment.records)[:, None] + np.arange(STEPS_AHEAD)
        return rows[starts]


@dataclass(frozen=True)
class Chunk:
    """The result of one segment of one task.

    `losses` and `penalties` hold the values of every step before its update; `metrics` and `recorded` those of every
    record. Where a value is not finite, `failed_step` is the first such step (counted from 1). The task then ends, and
    the metrics stop before that step.
    `seconds` is the time in the compiled training function: on one thread, or the seed's share of the time of its block.
    `recorded` is computed when it is asked for.
    """

    task: int
    index: int
    segment: Segment
    state: TrainState
    losses: np.ndarray
    penalties: np.ndarray
    metrics: dict[str, np.ndarray]
    failed_step: int | None
    seconds: float
    take_recorded: Callable[[], Recorded]
    ends: bool
    """Whether it is the last chunk of its task."""

    @property
    def recorded(self) -> Recorded:
        """The recorded models."""
        return self.take_recorded()


def first_failure(segment: Segment, losses: np.ndarray, penalties: np.ndarray) -> int | None:
    """Return the first step of the segment (counted from 1) whose loss or penalty is not finite, or None."""
    broken = np.flatnonzero(~np.isfinite(losses + penalties))
    return segment.start + int(broken[0]) + 1 if broken.size else None


def kept_metrics(
    program: Program, segment: Segment, failed: int | None, values: Mapping[str, Any], probes: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], int | None]:
    """Return a segment's metrics before the step that failed, and this step: `failed`, or an earlier record's.

    A record fails where one of `values` is not finite. A probe that is not finite, such as a loss far along a gradient, is no
    failure.
    """
    metrics = {name: np.asarray(curve) for name, curve in {**values, **probes}.items()}
    finite = np.logical_and.reduce([np.isfinite(metrics[name]) for name in values])
    kept = segment.records if failed is None else bisect_left(segment.recorded, failed)
    if not finite[:kept].all():
        kept = int(np.argmin(finite))
        failed = segment.recorded[kept]
    return {name: metrics[name][:kept] for name in program.metrics if name in metrics}, failed


@dataclass(frozen=True)
class _Trained:
    """A segment that is trained but not yet evaluated."""

    number: int
    task: Task
    index: int
    state: TrainState
    losses: np.ndarray
    penalties: np.ndarray
    recorded: Recorded
    failed_step: int | None
    seconds: float


TASKS_AHEAD = 5
"""So many tasks more than threads are taken: they keep the cores busy while the thread that iterates writes a run."""


class Scheduler:
    """Trains all tasks, up to `workers` + 1 at a time; `chunks` yields the results of their segments.

    The thread that iterates takes each task when there is room for it, and drops it when it has ended. So the programs of
    tasks of many shapes do not pile up.
    """

    def __init__(self, tasks: Iterable[Task], workers: int):
        self._waiting = enumerate(tasks)
        self._turn: dict[int, int] = {}
        """{number of a task that has not ended: the segment whose chunk is the next to be yielded}."""
        self._results: queue.SimpleQueue[Chunk | BaseException] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._workers = workers
        # One thread more than cores: the cores compute while one thread draws batches or waits for Python's lock.
        self._pool = ThreadPoolExecutor(workers + 1, thread_name_prefix="bnlab")

    def chunks(self) -> Generator[Chunk, None, None]:
        """Yield the chunks of all tasks as they are done. The chunks of one task come in their order.

        Closing the iterator stops the work at the next segment boundaries. It does not wait for them, so Ctrl-C takes
        effect at once.
        """
        # Two segments of a task may be evaluated at once and finish in the wrong order. The later one waits here.
        arrived: dict[tuple[int, int], Chunk] = {}
        try:
            running = sum(self._start_next() for _ in range(self._workers + 1 + TASKS_AHEAD))
            while running:
                result = self._results.get()
                if isinstance(result, BaseException):
                    raise result
                number = result.task
                if number in self._turn:  # else an earlier segment failed
                    arrived[number, result.index] = result
                while number in self._turn and (chunk := arrived.pop((number, self._turn[number]), None)):
                    self._turn[number] += 1
                    if chunk.ends:
                        del self._turn[number]
                    yield chunk
                    if chunk.ends:
                        running += self._start_next() - 1
        finally:
            self._stop.set()
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _start_next(self) -> int:
        """Submit the next waiting task; return how many were submitted, 1 or 0."""
        number, task = next(self._waiting, (0, None))
        if task is None:
            return 0
        self._turn[number] = task.first
        self._submit(lambda: self._advance(number, task, task.first, None))
        return 1

    def _submit(self, function: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                if not self._stop.is_set():
                    function()
            except BaseException as error:  # passed to the thread that iterates
                self._results.put(error)

        if not self._stop.is_set():
            self._pool.submit(guarded)

    def _advance(self, number: int, task: Task, index: int, state: TrainState | None) -> None:
        """Train one segment, then submit its evaluation and the training of the next segment."""
        segment = task.segments[index]
        rows = task.rows(segment)
        before = task.start() if state is None else state
        run = task.program.train.ready(task.numbers, before, rows, task.data)
        began = time.perf_counter()
        after, losses, recorded = jax.block_until_ready(run(task.numbers, before, rows, task.data))
        seconds = time.perf_counter() - began
        loss, penalty = np.asarray(losses.loss).ravel(), np.asarray(losses.penalty).ravel()
        failed = first_failure(segment, loss, penalty)
        trained = _Trained(number, task, index, after, loss, penalty, recorded, failed, seconds)
        if failed is None and index + 1 < len(task.segments) and number in self._turn:
            self._submit(lambda: self._assess(trained))
            self._submit(lambda: self._advance(number, task, index + 1, after))
        else:
            self._assess(trained)

    def _assess(self, trained: _Trained) -> None:
        """Evaluate a trained segment and report its chunk."""
        task = trained.task
        segment = task.segments[trained.index]
        values, probes = task.program.evaluate(task.numbers, trained.recorded.models, task.data), {}
        if task.program.recipe.probes.recorded:
            probes = task.program.probe(task.numbers, trained.recorded, task.ahead(segment), task.data)
        metrics, failed = kept_metrics(task.program, segment, trained.failed_step, values, probes)
        self._results.put(
            Chunk(
                trained.number,
                trained.index,
                segment,
                trained.state,
                trained.losses,
                trained.penalties,
                metrics,
                failed,
                trained.seconds,
                lambda: trained.recorded,
                ends=failed is not None or trained.index + 1 == len(task.segments),
            )
        )
