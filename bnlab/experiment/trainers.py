"""Where seeds are trained. A *trainer* takes tasks and gives back what was trained of them; it writes nothing.

`run_each` hands its trainer the seeds that are to be trained, and writes each run when all of its seeds are back. So a
trainer may train anywhere, in any order and in any bundles. It must give the bits of `train_here`, or its runs are of other
numerics.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from bnlab import runtime
from bnlab.config import Config, SeedPair
from bnlab.errors import RunFailed
from bnlab.inline import count
from bnlab.training import Blocks, Chunk, Prepared, Scheduler, Task


@dataclass(frozen=True)
class SeedTask:
    """One seed that is to be trained, from the start, or from segment `first` on.

    leaves: the `jax.tree.leaves` of the state before segment `first`; None at the start.
    """

    prepared: Prepared
    seeds: SeedPair
    first: int = 0
    leaves: Sequence[Any] | None = None

    @property
    def config(self) -> Config:
        """The config, which may have further seeds."""
        return self.prepared.config


@dataclass(frozen=True)
class Part:
    """What was trained of one task: one or more of its segments, in their order.

    task: the number of the task, in the order in which the trainer took them. next_segment: the first segment that is still
    to be trained. record: the number of the first record in `metrics`. leaves: those of the state after the last trained
    segment. failed_step: the step at which the loss was no longer finite, or None. steps, seconds: how many steps the
    compiled training function took, and how long, as `Chunk` says. chunk: what the scheduler gave, where the part is one
    segment trained here. environment: of the process that trained it, where its numerics are not those of this process; all
    parts of a run then have the same numerics.
    """

    task: int
    next_segment: int
    record: int
    metrics: Mapping[str, np.ndarray]
    leaves: Sequence[Any]
    failed_step: int | None
    steps: int
    seconds: float
    chunk: Chunk | None = None
    environment: Mapping[str, Any] | None = None


MOST_NAMED = 5
"""So many of the seeds that are lost are named."""


class SeedsLost(RunFailed):
    """Seeds that a trainer gave up, each with its config, at the end of its work. All others are trained.

    why: what is said of them, such as "lost their workers 3 times".
    """

    def __init__(self, seeds: Sequence[tuple[Config, SeedPair]], why: str):
        self._seeds, self._why = seeds, why
        super().__init__(self.message(lambda config: config.name))

    def message(self, label: Callable[[Config], str]) -> str:
        """Return a sentence that names the seeds; `label` names their configs."""
        named = "; ".join(f"{label(config)}, seed {_text(seeds)}" for config, seeds in self._seeds[:MOST_NAMED])
        more = f"; and {len(self._seeds) - MOST_NAMED:,} more" if len(self._seeds) > MOST_NAMED else ""
        lost = count(len(self._seeds), "seed")
        return f"{lost} {self._why}: {named}{more}; everything else is trained, and the same command tries again"


def _text(seeds: SeedPair) -> str:
    init, data = seeds
    return str(init) if init == data else f"{init} (data seed {data})"


Trainer = Callable[[Iterable[SeedTask]], Generator[Part, None, None]]
"""Takes tasks one by one, as it has room for them, and yields their parts until every task has ended.

The thread that iterates takes the tasks, because taking one may open a run folder. A task has ended with a part that has a
`failed_step`, or no segment after it. Closing the iterator stops the training without waiting for it.
"""


def train_here(tasks: Iterable[SeedTask]) -> Generator[Part, None, None]:
    """Train the tasks in this process, a segment a part."""
    work = (task.prepared.task(*task.seeds, first=task.first, leaves=task.leaves) for task in tasks)
    with contextlib.closing(chunks_here(work)) as chunks:
        for chunk in chunks:
            yield Part(
                task=chunk.task,
                next_segment=chunk.index + 1,
                record=chunk.segment.record,
                metrics=chunk.metrics,
                leaves=jax.tree.leaves(chunk.state),
                failed_step=chunk.failed_step,
                steps=len(chunk.losses),
                seconds=chunk.seconds,
                chunk=chunk,
            )


def chunks_here(tasks: Iterable[Task]) -> Generator[Chunk, None, None]:
    """Train the tasks in this process: side by side on its threads, or in blocks where `runtime.lanes` says so."""
    limits = runtime.lanes()
    return (Blocks(tasks, *limits) if limits else Scheduler(tasks, runtime.workers())).chunks()
