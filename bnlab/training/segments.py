"""How a run is cut: a *segment* is what one call of the compiled program does, so many records of so many steps.

Between segments a run can be checkpointed, stopped, or found to have diverged. How it is cut does not change its bits.
"""

from dataclasses import dataclass

SEGMENT_BYTES = 16_000_000
SEGMENT_STEPS = 2000


@dataclass(frozen=True)
class Segment:
    """`records` records of `steps` steps each, from step `start` (counted from 0); its first record is `record`."""

    start: int
    records: int
    steps: int
    record: int

    @property
    def all_steps(self) -> int:
        """The number of its steps."""
        return self.records * self.steps

    @property
    def end(self) -> int:
        """The step after which it ends."""
        return self.start + self.all_steps


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
