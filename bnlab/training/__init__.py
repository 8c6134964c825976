"""The compiled training program: batches in, curves and final state out. It writes nothing."""

from bnlab.training.build import build_program, device_data
from bnlab.training.loop import SEGMENT_STEPS, Chunk, Segment, Task, plan_segments, train
from bnlab.training.program import Data, Program, TrainState, state_bytes

__all__ = [
    "SEGMENT_STEPS",
    "Chunk",
    "Data",
    "Program",
    "Segment",
    "Task",
    "TrainState",
    "build_program",
    "device_data",
    "plan_segments",
    "state_bytes",
    "train",
]
