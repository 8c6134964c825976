"""How a run is cut into segments. A *segment* is the work of one call of the compiled program: some records of some steps.

Between segments a run can be checkpointed or stopped, and divergence is detected. The cut does not change a run's bits.
"""

from dataclasses import dataclass

SEGMENT_BYTES = 16_000_000
SEGMENT_STEPS = 2000


@dataclass(frozen=True)
class Segment:
    """`records` records of `steps` steps each, from step `start` on (counted from 0). Its first record is number `record`."""

    start: int
    records: int
    steps: int
    record: int

    @property
    def all_steps(self) -> int:
        """The number of steps in the segment."""
        return self.records * self.steps

    @property
    def end(self) -> int:
        """The step after which the segment ends."""
        return self.start + self.all_steps

    @property
    def recorded(self) -> range:
        """The steps after which it records, counted from 1."""
        return range(self.start + self.steps, self.end + 1, self.steps)


def plan_segments(num_steps: int, record_every: int, record_bytes: int, most_steps: int = SEGMENT_STEPS) -> list[Segment]:
    """Return the segments of a run: as few as possible, of at most SEGMENT_BYTES of records and `most_steps` steps each.

    A segment has at least one record, even where one record exceeds these limits. The plan depends on nothing else, so a
    resumed run has the boundaries of an uninterrupted run. All segments except the last ones have one shape, so few
    programs are compiled.
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
