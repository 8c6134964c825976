"""Seeds through the compiled program: segment after segment, several seeds side by side.

A *segment* is what one call of the compiled program does: so many records of so many steps. Between segments a run can be
checkpointed, stopped, or found to have diverged. Each seed is trained by itself, by the same executable on one thread, so
its bits depend on neither its company nor the number of cores; the cores are filled with other seeds, other variants, and
the evaluation of segments already trained.
"""

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np

from bnlab.training.program import Data, Program, Recorded, TrainState, reading_order

SEGMENT_BYTES = 16_000_000
SEGMENT_STEPS = 2000

ENDED = -1


@dataclass(frozen=True)
class Segment:
    """`records` records of `steps` steps each, from step `start` (counted from 0); its first record is `record`."""

    start: int
    records: int
    steps: int
    record: int


def plan_segments(num_steps: int, record_every: int, record_bytes: int, most_steps: int = SEGMENT_STEPS) -> list[Segment]:
    """Return the segments of a run: as few as keep each under SEGMENT_BYTES of records, and under `most_steps` steps
    where a record takes fewer.

    The plan depends on nothing else, so a resumed run has the boundaries of an uninterrupted one. All segments are of one
    shape but for the last ones, so that few programs are compiled.
    """
    records, rest = divmod(num_steps, record_every)
    most = max(1, min(SEGMENT_BYTES // max(record_bytes, 1), most_steps // record_every))
    count = -(-records // most)
    size = -(-records // count) if count else 0
    plan = [
        Segment(first * record_every, min(size, records - first), record_every, first)
        for first in range(0, records, size or 1)
    ]
    if rest:
        plan.append(Segment(records * record_every, 1, rest, records))
    return plan


@dataclass(frozen=True)
class Task:
    """One seed of one variant: where it starts, and which batches it sees.

    `start` gives the state before segment `first`; `batches(start, count)` the rows of those steps, int32 [count, batch].
    """

    program: Program
    data: Data
    start: Callable[[], TrainState]
    batches: Callable[[int, int], np.ndarray]
    segments: Sequence[Segment]
    first: int = 0


@dataclass(frozen=True)
class Chunk:
    """What one segment of one task gave.

    `losses` and `penalties` hold every step's value before its update; `metrics` and `recorded` each record's. Where
    one of them is not finite, `failed_step` is the first such step (counted from 1), the task ends here, and the metrics
    stop before it.
    `seconds` is the time in the compiled training function, on one thread.
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
    recorded: Recorded


def train(tasks: Sequence[Task], workers: int) -> Generator[Chunk, None, None]:
    """Train every task, `workers` or one more at a time, and yield its chunks, in order within a task, as they are done.

    Closing the iterator stops the work at the next segment boundaries; nobody waits for them, so that Ctrl-C is answered at
    once.
    """
    results: queue.SimpleQueue[Chunk | BaseException] = queue.SimpleQueue()
    stop = threading.Event()
    turn = [task.first for task in tasks]
    # One thread more than cores: they compute while it draws batches, or waits for its turn in Python.
    pool = ThreadPoolExecutor(workers + 1, thread_name_prefix="bnlab")

    def submit(function: Callable[..., None], *args: object) -> None:
        def guarded() -> None:
            try:
                if not stop.is_set():
                    function(*args)
            except BaseException as error:  # handed to the thread that iterates
                results.put(error)

        if not stop.is_set():
            pool.submit(guarded)

    def advance(number: int, index: int, state: TrainState | None) -> None:
        task = tasks[number]
        segment = task.segments[index]
        rows = task.batches(segment.start, segment.records * segment.steps).reshape(segment.records, segment.steps, -1)
        before = task.start() if state is None else state
        run = task.program.train.ready(before, rows, task.data)
        began = time.perf_counter()
        after, losses, recorded = jax.block_until_ready(run(before, rows, task.data))
        seconds = time.perf_counter() - began
        loss, penalty = np.asarray(losses.loss).ravel(), np.asarray(losses.penalty).ravel()
        broken = np.flatnonzero(~np.isfinite(loss + penalty))
        failed = segment.start + int(broken[0]) + 1 if broken.size else None
        trained = (number, index, after, loss, penalty, recorded, failed, seconds)
        if failed is None and index + 1 < len(task.segments) and turn[number] != ENDED:
            submit(assess, *trained)  # by another thread, while this one goes on training
            submit(advance, number, index + 1, after)
        else:
            assess(*trained)

    def assess(
        number: int,
        index: int,
        state: TrainState,
        loss: np.ndarray,
        penalty: np.ndarray,
        recorded: Recorded,
        failed: int | None,
        seconds: float,
    ) -> None:
        task = tasks[number]
        segment = task.segments[index]
        values = task.program.evaluate(recorded, task.data)
        metrics = {name: np.asarray(values[name]) for name in sorted(values, key=reading_order)}
        finite = np.logical_and.reduce([np.isfinite(values) for values in metrics.values()])
        steps = segment.start + segment.steps * np.arange(1, segment.records + 1)
        kept = segment.records if failed is None else int(np.searchsorted(steps, failed))
        if not finite[:kept].all():
            kept = int(np.argmin(finite))
            failed = int(steps[kept])
        metrics = {name: values[:kept] for name, values in metrics.items()}
        results.put(Chunk(number, index, segment, state, loss, penalty, metrics, failed, seconds, recorded))

    waiting = iter(range(len(tasks)))

    def start_next() -> int:
        for number in waiting:
            submit(advance, number, tasks[number].first, None)
            return 1
        return 0

    # Two segments of a task may be evaluated at once and come back in the other order, so they wait for their turn here.
    arrived: dict[tuple[int, int], Chunk] = {}
    try:
        running = sum(start_next() for _ in range(workers + 2))
        while running:
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            number = result.task
            arrived[number, result.index] = result
            while chunk := arrived.pop((number, turn[number]), None):
                ended = chunk.failed_step is not None or chunk.index + 1 == len(tasks[number].segments)
                turn[number] = ENDED if ended else chunk.index + 1
                yield chunk
                if ended:
                    running += start_next() - 1
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
