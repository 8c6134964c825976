"""Which seeds go to a worker together: as many as take seconds, by the cost that was measured of their shape before."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from bnlab.experiment import Part, SeedTask

TARGET_SECONDS = 2.0
"""A bundle is full when its seeds are expected to take so long. Dask needs some milliseconds for a task."""
LONGEST_SECONDS = 10.0
"""A seed that takes longer is cut between two of its segments, so that a lost worker costs little."""
UNMEASURED_SEEDS = 8
"""So many seeds of a run are in a bundle of unknown cost, and only their first segments."""


@dataclass(frozen=True)
class Span:
    """Segments of one seed: those of `task` before number `end`. `number` is that of the task (see `Part`)."""

    number: int
    task: SeedTask
    end: int

    @property
    def steps(self) -> int:
        """How many steps they have."""
        return sum(segment.all_steps for segment in self.task.prepared.segments[self.task.first : self.end])


class Bundler:
    """Bundles tasks in their order. It takes a task when there is room for it, because taking one may open a run folder."""

    def __init__(self, tasks: Iterable[SeedTask]):
        self._new = enumerate(tasks)
        self._waiting: deque[tuple[int, SeedTask]] = deque()
        self._alone: deque[Span] = deque()
        self._seconds_per_step: dict[int, float] = {}
        """{hash of a shape: cost}. A hash, because the shapes of a thousand points would fill memory."""

    def first(self) -> SeedTask | None:
        """Return the task that the next bundle begins with, or None at the end."""
        if self._alone:
            return self._alone[0].task
        found = self._next()
        return found and found[1]

    def take(self, joins: Callable[[SeedTask], bool] = lambda task: True) -> list[Span]:
        """Return the next bundle, or [] at the end. `joins(task)` says whether another task may be added."""
        if self._alone:
            return [self._alone.popleft()]
        bundle: list[Span] = []
        seconds = 0.0
        while found := self._next():
            number, task = found
            if bundle and not (self._room(bundle, task, seconds) and joins(task)):
                break
            self._waiting.popleft()
            bundle.append(Span(number, task, self._end(task)))
            seconds += bundle[-1].steps * self._seconds_per_step.get(_shape(task), 0.0)
        return bundle

    def goes_on(self, span: Span, part: Part) -> None:
        """Take in what was trained of a span: the rest of its seed is bundled before the seeds that have not begun."""
        if part.failed_step is None and part.next_segment < len(span.task.prepared.segments):
            rest = replace(span.task, first=part.next_segment, leaves=part.leaves)
            self._waiting.appendleft((span.number, rest))

    def alone(self, spans: Iterable[Span]) -> None:
        """Put each of these spans into a bundle of its own."""
        self._alone.extend(spans)

    def measured(self, bundle: Sequence[Span], parts: Sequence[Part], seconds: float) -> None:
        """Take in how long a bundle took."""
        steps = sum(part.steps for part in parts)
        if steps:
            self._seconds_per_step[_shape(bundle[0].task)] = seconds / steps

    def _next(self) -> tuple[int, SeedTask] | None:
        if not self._waiting and (found := next(self._new, None)):
            self._waiting.append(found)
        return self._waiting[0] if self._waiting else None

    def _room(self, bundle: Sequence[Span], task: SeedTask, seconds: float) -> bool:
        if _shape(task) != _shape(bundle[0].task):
            return False
        if _shape(task) in self._seconds_per_step:
            return seconds < TARGET_SECONDS
        return len(bundle) < UNMEASURED_SEEDS and task.prepared is bundle[0].task.prepared

    def _end(self, task: SeedTask) -> int:
        cost = self._seconds_per_step.get(_shape(task))
        end = task.first + 1
        if cost is not None:
            segments = task.prepared.segments
            seconds = segments[task.first].all_steps * cost
            while end < len(segments) and (seconds := seconds + segments[end].all_steps * cost) <= LONGEST_SECONDS:
                end += 1
        return end


def _shape(task: SeedTask) -> int:
    """Return the same number for tasks whose steps cost the same."""
    config = task.config
    shape: Hashable = (task.prepared.program.structure, config.data.name, config.batch_size, config.record_every)
    return hash(shape)
