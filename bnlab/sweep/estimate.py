"""How long a sweep will take, and how much memory: from finished runs of its shapes, else from one segment of each shape."""

import resource
import statistics
import sys
import time
from collections.abc import Hashable
from dataclasses import dataclass

from bnlab import runtime, wording
from bnlab.sweep.planning import Computation, Cost, Plan

PROBE_SECONDS = 30.0
"""After so long no further shape is probed. Those that are left count as the mean of the others."""


@dataclass(frozen=True)
class Estimate:
    """What the missing seeds will cost.

    seconds: for training and compiling on this machine's cores. peak_mb: the most memory that this process has taken during
    the probes; None without a probe. probed, from_runs, shapes: how many of the shapes were probed, how many are known from
    finished runs, and how many there are; points of one shape share a compiled program.
    """

    seeds: int
    seconds: float
    peak_mb: float | None
    probed: int
    from_runs: int
    shapes: int

    def __str__(self) -> str:
        cores = wording.count(runtime.workers(), "core")
        memory = f", and about {self.peak_mb:,.0f} MB of memory" if self.peak_mb is not None else ""
        sources = [f"finished runs of {self.from_runs}"] if self.from_runs else []
        sources += [f"a segment of {self.probed} that was trained now"] if self.probed else []
        shapes = wording.count(self.shapes, "shape")
        text = f"{wording.count(self.seeds, 'seed')} will take about {_duration(self.seconds)} on {cores}{memory}."
        return f"{text} Of {shapes}, this rests on {' and '.join(sources)}."


def estimate(plan: Plan) -> Estimate | None:
    """Return what the missing seeds of the plan will cost; None where none is missing.

    A seed's cost is that of a step, times its steps. A step's is the median of the plan's finished runs of the same shape.
    Where there is none, it is measured: a segment is trained and evaluated on one thread.
    """
    shapes: dict[Hashable, list[Computation]] = {}
    for one in plan.computations:
        shapes.setdefault(one.checked.shape, []).append(one)
    began = time.perf_counter()
    costs: list[Cost] = []
    training = 0.0
    unknown = probed = from_runs = open_shapes = 0
    for computations in shapes.values():
        missing = [one for one in computations if one.outcome.missing]
        if not missing:
            continue
        open_shapes += 1
        steps = sum(len(one.outcome.missing) for one in missing) * missing[0].outcome.config.num_steps
        if known := [cost for one in computations for cost in one.outcome.costs]:
            from_runs += 1
            cost = Cost(statistics.median(one.step for one in known), max(one.compiling for one in known))
        elif costs and time.perf_counter() - began > PROBE_SECONDS:
            unknown += steps
            continue
        else:
            probed += 1
            cost = _probe(missing[0])
        costs.append(cost)
        training += steps * cost.step
    if not costs:
        return None
    training += unknown * statistics.mean(cost.step for cost in costs)
    compiling = statistics.mean(cost.compiling for cost in costs) * open_shapes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return Estimate(
        seeds=plan.missing_seeds,
        seconds=training / runtime.workers() + compiling,
        peak_mb=peak if probed else None,
        probed=probed,
        from_runs=from_runs,
        shapes=open_shapes,
    )


def _probe(one: Computation) -> Cost:
    """Return what a warm segment costs."""
    prepared = one.checked.ready()
    program, segment = prepared.program, prepared.segments[0]
    init, data = one.outcome.missing[0]
    before = program.compile_seconds
    seconds = 0.0
    for _ in range(2):  # the first time compiles
        began = time.perf_counter()
        rows = prepared.batches(data, segment.start, segment.all_steps).reshape(segment.records, segment.steps, -1)
        _, _, recorded = program.train(prepared.numbers, prepared.first_state(init), rows, prepared.data)
        prepared.evaluate(recorded)
        seconds = time.perf_counter() - began
    return Cost(seconds / segment.all_steps, program.compile_seconds - before)


def _duration(seconds: float) -> str:
    """Return "8 s", "3 min" or "2.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
