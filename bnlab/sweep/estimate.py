"""How long a sweep will take, and how much memory: measured by training one segment of each shape."""

import resource
import sys
import time
from collections.abc import Hashable
from dataclasses import dataclass

import jax

from bnlab import runtime, wording
from bnlab.sweep.planning import Computation, Plan

PROBE_SECONDS = 30.0
"""After so long no further shape is probed. Those that are left count as the mean of the others."""


@dataclass(frozen=True)
class Estimate:
    """What the missing seeds will cost.

    seconds: for training and compiling on this machine's cores. peak_mb: the most memory that this process has taken during
    the probes. probed, shapes: how many of the shapes were probed; points of one shape share a compiled program.
    """

    seeds: int
    seconds: float
    peak_mb: float
    probed: int
    shapes: int

    def __str__(self) -> str:
        cores = wording.count(runtime.workers(), "core")
        return (
            f"{wording.count(self.seeds, 'seed')} will take about {_duration(self.seconds)} on {cores}, and about "
            f"{self.peak_mb:,.0f} MB of memory. Measured now: a segment of {self.probed} of "
            f"{wording.count(self.shapes, 'shape')}."
        )


def estimate(plan: Plan, *, limit: float = PROBE_SECONDS) -> Estimate | None:
    """Return what the missing seeds of the plan will cost; None where none is missing.

    A seed's cost is that of its first segment, trained and evaluated on one thread, times its steps.
    """
    shapes: dict[Hashable, list[Computation]] = {}
    for one in plan.missing:
        shapes.setdefault(one.checked.shape, []).append(one)
    if not shapes:
        return None
    began = time.perf_counter()
    per_step: list[float] = []
    compiling: list[float] = []
    training = unprobed = 0.0
    for computations in shapes.values():
        steps = sum(len(one.outcome.missing) for one in computations) * computations[0].outcome.config.num_steps
        if per_step and time.perf_counter() - began > limit:
            unprobed += steps
            continue
        seconds, compiled = _probe(computations[0])
        per_step.append(seconds)
        compiling.append(compiled)
        training += steps * seconds
    training += unprobed * sum(per_step) / len(per_step)
    all_compiling = sum(compiling) / len(compiling) * len(shapes)
    return Estimate(
        seeds=plan.missing_seeds,
        seconds=training / runtime.workers() + all_compiling,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
        probed=len(per_step),
        shapes=len(shapes),
    )


def _probe(one: Computation) -> tuple[float, float]:
    """Return the seconds a step of a warm segment on one thread, and those for compiling."""
    prepared = one.checked.ready()
    program, segment = prepared.program, prepared.segments[0]
    init, data = one.outcome.missing[0]
    before = program.compile_seconds
    seconds = 0.0
    for _ in range(2):  # the first time compiles
        began = time.perf_counter()
        rows = prepared.batches(data, segment.start, segment.all_steps).reshape(segment.records, segment.steps, -1)
        _, _, recorded = program.train(prepared.numbers, prepared.first_state(init), rows, prepared.data)
        jax.block_until_ready(program.evaluate(prepared.numbers, recorded, prepared.data))
        seconds = time.perf_counter() - began
    return seconds / segment.all_steps, program.compile_seconds - before


def _duration(seconds: float) -> str:
    """Return "8 s", "3 min" or "2.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
