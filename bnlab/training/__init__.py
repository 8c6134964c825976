"""The compiled training program: it takes batches and gives curves and the final state. It writes nothing."""

from bnlab.training.blocks import Blocks
from bnlab.training.evaluation import Recorded
from bnlab.training.prepared import Checked, Prepared, check, prepare
from bnlab.training.scheduler import Chunk, Scheduler, Task
from bnlab.training.segments import SEGMENT_STEPS, Segment, plan_segments
from bnlab.training.step import TrainState

__all__ = [
    "SEGMENT_STEPS",
    "Blocks",
    "Checked",
    "Chunk",
    "Prepared",
    "Recorded",
    "Scheduler",
    "Segment",
    "Task",
    "TrainState",
    "check",
    "plan_segments",
    "prepare",
]
