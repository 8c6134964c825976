"""Blocks of seeds: seeds and points of one program train together in one vmapped call, as a GPU needs to be kept busy.

A block has a fixed number of *lanes*, one seed each. A block with fewer seeds repeats its last seed in the free lanes, and
throws their results away. So the number of seeds changes neither the compiled program nor a seed's bits. The bits may differ
from those of `bnlab.training.scheduler`, because XLA compiles another program.
"""

import itertools
from collections.abc import Generator, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any

import jax
import numpy as np

from bnlab.training.program import state_bytes
from bnlab.training.scheduler import Chunk, Task, first_failure, kept_metrics
from bnlab.training.segments import SEGMENT_BYTES, SEGMENT_STEPS

ARRAYS = 4
"""So many arrays of a layer's size are counted for each layer: its product and its output, and their gradients."""


class Blocks:
    """Trains all tasks, block after block; `chunks` yields the results of their segments.

    most, memory: the limits of `lanes`. A block takes the next tasks of the same program, data and segments.
    """

    def __init__(self, tasks: Iterable[Task], most: int, memory: int | None = None):
        self._tasks = tasks
        self._most, self._memory = most, memory
        # Draws the batches of the next segment while the device trains this one.
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="bnlab")

    def chunks(self) -> Generator[Chunk, None, None]:
        """Yield the chunks of all tasks as they are done. The chunks of one task come in their order."""
        try:
            for block in self._blocks():
                yield from self._train(block)
        finally:
            self._drawing.shutdown(wait=False, cancel_futures=True)

    def _blocks(self) -> Iterator[list[tuple[int, Task]]]:
        """Yield (number, task) of each block's tasks, which are taken when the block is due.

        A task of another kind ends the block that it does not fit into, and begins the next one.
        """
        waiting = enumerate(self._tasks)
        first = next(waiting, None)
        while first:
            block, room = [first], lanes(first[1], self._most, self._memory) - 1
            first = None
            for numbered in itertools.islice(waiting, room):
                if _kind(numbered[1]) != _kind(block[0][1]):
                    first = numbered
                    break
                block.append(numbered)
            yield block
            first = first or next(waiting, None)

    def _train(self, block: Sequence[tuple[int, Task]]) -> Generator[Chunk, None, None]:
        """Train a block to its end, and yield the chunks of its tasks, segment after segment."""
        first = block[0][1]
        program, segments, data = first.program, first.segments, first.data
        free = lanes(first, self._most, self._memory) - len(block)
        tasks = [task for _, task in block]
        numbers = _stacked([task.numbers for task in tasks], free)
        state = _stacked([task.start() for task in tasks], free)
        going = dict(enumerate(number for number, _ in block))
        drawn = self._drawing.submit(_batches, tasks, free, first.first)
        for index in range(first.first, len(segments)):
            segment, rows = segments[index], drawn.result()
            if index + 1 < len(segments):
                drawn = self._drawing.submit(_batches, tasks, free, index + 1)
            run = program.train_lanes.ready(numbers, state, rows, data)
            began = perf_counter()
            state, losses, recorded = jax.block_until_ready(run(numbers, state, rows, data))
            seconds = perf_counter() - began
            values, probes = program.evaluate_lanes(numbers, recorded.models, data), {}
            if program.recipe.probes.recorded:
                ahead = np.stack([task.ahead(segment) for task in tasks])
                probes = program.probe_lanes(numbers, recorded, _padded(ahead, free), data)
            fetched = jax.device_get((state, losses, values, probes))
            among = len(going)
            for lane, number in list(going.items()):
                ours, loss, measured, probed = _lane(fetched, lane)
                steps, penalties = loss.loss.ravel(), loss.penalty.ravel()
                failed = first_failure(segment, steps, penalties)
                metrics, failed = kept_metrics(program, segment, failed, measured, probed)
                ends = failed is not None or index + 1 == len(segments)
                if ends:
                    del going[lane]
                share = seconds / among
                taken = partial(_lane, recorded, lane)
                yield Chunk(number, index, segment, ours, steps, penalties, metrics, failed, share, taken, ends)
            if not going:
                return


def lanes(task: Task, most: int, memory: int | None) -> int:
    """Return how many lanes the blocks of this task's program have.

    That is `most` where memory is None. Else it is the largest power of two that is at most `most` and whose lanes fit into
    `memory` bytes (see `lane_bytes`), and at least 1.
    """
    if memory is None:
        return most
    fitting = max(1, min(most, memory // lane_bytes(task)))
    return 1 << (fitting.bit_length() - 1)


def lane_bytes(task: Task) -> int:
    """Return about how much memory a lane takes, the same for every length of training and of its segments.

    3 · state + 2 · max(SEGMENT_BYTES, model) + 2 · 4 · SEGMENT_STEPS · batch
      + 4 · ARRAYS · (batch · Σ widths + rows · Σ widths without the inputs)

    The state is there before, during and after a segment; the records of a segment while they are made and evaluated; the
    row numbers of a segment and of the next one. Numbers are float32 or int32. rows: those of the largest split. The inputs
    of a split are shared by all lanes.
    """
    state, widths = task.program.shapes, task.program.recipe.model.widths
    whole = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    records = max(SEGMENT_BYTES, state_bytes(state))
    rows = max(len(targets) for _, targets in task.data.values())
    layers = task.batch_size * sum(widths) + rows * sum(widths[1:])
    return 3 * whole + 2 * records + 2 * 4 * SEGMENT_STEPS * task.batch_size + 4 * ARRAYS * layers


def _kind(task: Task) -> Hashable:
    """Return what the tasks of a block share."""
    return task.program, id(task.data), task.batch_size, tuple(task.segments), task.first


def _batches(tasks: Sequence[Task], free: int, index: int) -> np.ndarray:
    """Return the row numbers of a segment, int32 [lanes, records, steps, batch]."""
    return _padded(np.stack([task.rows(task.segments[index]) for task in tasks]), free)


def _stacked(trees: Sequence[Any], free: int) -> Any:
    """Return the trees as one, with a leading axis of lanes, on the device."""
    return jax.device_put(jax.tree.map(lambda *leaves: _padded(np.stack(jax.device_get(leaves)), free), *trees))


def _padded(values: np.ndarray, free: int) -> np.ndarray:
    """Return the array with its last entry `free` times more."""
    return np.concatenate([values, np.repeat(values[-1:], free, axis=0)])


def _lane(tree: Any, lane: int) -> Any:
    return jax.tree.map(lambda values: values[lane], tree)
