#!/usr/bin/env python
"""Measure what each probe costs: python scripts/probe_costs.py [CONFIG…]

A probe's time a record is that of the compiled probe program over RECORDS records, divided by their number. It is shown in
microseconds, and as the number of training steps that take as long. Compiling is what the first run of a probe adds; the
user's cache holds the program afterwards. Times are the least of ROUNDS, with the defaults of all options.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, get_args

import jax

from bnlab import runtime
from bnlab.config import load_config
from bnlab.errors import UserError
from bnlab.options import ProbeName

RECORDS, STEPS, ROUNDS = 8, 50, 50


def least_seconds(call: Callable[[], Any]) -> float:
    """Return the least time of ROUNDS calls, after one that compiles."""
    jax.block_until_ready(call())
    seconds: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        jax.block_until_ready(call())
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def measure(name: str, probe: ProbeName) -> tuple[float, float, float] | None:
    """Return the seconds of a record and of a training step, and those of compiling; None where the probe does not fit."""
    from bnlab.training import prepare

    try:
        config = load_config(name, overrides=[f"num_steps={RECORDS * STEPS}", f"record_every={STEPS}", f"probes=[{probe}]"])
    except UserError:
        return None
    (prepared,) = prepare([config])
    program, numbers, data, state = prepared.program, prepared.numbers, prepared.data, prepared.first_state(0)
    (segment,) = prepared.segments
    batches = prepared.batches(0, 0, segment.all_steps).reshape(RECORDS, STEPS, -1)
    step = least_seconds(lambda: program.train(numbers, state, batches, data)) / segment.all_steps
    _, _, recorded = program.train(numbers, state, batches, data)
    if probe == "test_correct":
        return least_seconds(lambda: program.correct(numbers, state, data)), step, program.correct.seconds
    ahead = prepared.task(0, 0).ahead(segment)
    seconds = least_seconds(lambda: program.probe(numbers, recorded, ahead, data)) / RECORDS
    return seconds, step, program.probe.seconds


def main() -> None:
    """Print a table for each config."""
    runtime.configure()
    jax.config.update("jax_enable_compilation_cache", False)
    for name in sys.argv[1:] or ["mnist_bn", "regression_bn"]:
        print(f"{name:<22} {'µs a record':>12} {'in steps':>9} {'compiling, s':>13}")
        for probe in get_args(ProbeName):
            if measured := measure(name, probe):
                seconds, step, compiling = measured
                label = f"{probe} (once)" if probe == "test_correct" else probe
                print(f"{label:<22} {seconds * 1e6:>12.0f} {seconds / step:>9.1f} {compiling:>13.1f}")
        print()


if __name__ == "__main__":
    main()
