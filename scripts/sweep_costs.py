#!/usr/bin/env python
"""What a sweep costs: many points beside as many seeds of one point, and the memory of many shapes in one process.

    python scripts/sweep_costs.py [--points 1000] [--shapes 1000] [--rounds 3]

Each measurement runs in a process of its own, in an empty folder. Compiled programs come from the user's cache where it has
them. The two sides of a pair run in turn. Seconds of the processor stand beside those of the clock, because other programs
may share the machine. The clock starts when packages are imported.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

SEEDS = 4
"""The seeds of a point."""


def state() -> dict[str, float]:
    """Return what this process holds now: memory in MB, open files, threads, and seconds of the processor."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return {
        "mb": int(status["VmRSS"].split()[0]) / 1024,
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "threads": int(status["Threads"]),
        "cpu": time.process_time(),
    }


def write_sweep(grid: Mapping[str, Sequence[object]], seeds: int) -> Path:
    """Write the file of a sweep of the regression."""
    path = Path("costs.yaml")
    path.write_text(
        json.dumps({"name": "costs", "base": "regression", "seeds": f"0:{seeds}", "grid": grid}), encoding="utf-8"
    )
    return path


def points(count: int) -> None:
    """Train points that share a program, and write the answers and figures of the sweep."""
    import bnlab

    rates = [float(f"{rate:.8g}") for rate in np.geomspace(1e-4, 1e-2, count)]
    bnlab.sweep(write_sweep({"optimizer.learning_rate": rates}, SEEDS))


def seeds(count: int) -> None:
    """Train the same number of seeds of one point, in one run."""
    from bnlab.config import load_config
    from bnlab.experiment import run_all

    run_all([(load_config("regression", seeds=f"0:{SEEDS * count}"), Path("runs/one"))], draw=False)


def shapes(count: int) -> None:
    """Train points that each need a program of their own. Print what the process holds, ten times on the way."""
    from bnlab.sweep import load_sweep, make_plan

    told: set[int] = set()

    def tell(done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth and tenth not in told:
            told.add(tenth)
            print(json.dumps({"points": tenth * count // 10, **state()}), flush=True)

    widths = np.random.default_rng(0).permutation(count) + 1  # in no order: wide networks need more memory to be compiled
    grid = {"model.hidden": [[int(width)] for width in widths], "num_steps": [20]}
    make_plan(load_sweep(write_sweep(grid, 1))).finish(tell)


WORKERS: dict[str, Callable[[int], None]] = {"points": points, "seeds": seeds, "shapes": shapes}


def work(name: str, count: int) -> None:
    """Run one worker in this process, and print its seconds and state as the last line."""
    import bnlab.plots
    import bnlab.sweep  # noqa: F401

    began, before = time.perf_counter(), state()
    WORKERS[name](count)
    after = state()
    print(json.dumps({**after, "seconds": time.perf_counter() - began, "cpu": after["cpu"] - before["cpu"]}))


def measure(name: str, count: int) -> list[dict[str, float]]:
    """Run a worker in a process of its own. Return what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", name, str(count)]
        done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def compare_points(count: int, rounds: int) -> None:
    """Print the cost of many points beside as many seeds of one point: medians, and the median of the pairs' ratios."""
    pairs: list[tuple[dict[str, float], dict[str, float]]] = []
    for _ in range(rounds):
        (one,), (many,) = measure("seeds", count), measure("points", count)
        pairs.append((one, many))
    print(f"{'what':42}{'clock, s':>10}{'processor, s':>14}{'memory, MB':>12}")
    labels = f"{SEEDS * count:,} seeds of one point", f"{count:,} points, {SEEDS} seeds each"
    for label, side in zip(labels, zip(*pairs, strict=True), strict=True):
        seconds, cpu, mb = (statistics.median(one[key] for one in side) for key in ("seconds", "cpu", "mb"))
        print(f"{label:42}{seconds:10.1f}{cpu:14.1f}{mb:12.0f}")
    ratios = [statistics.median(many[key] / one[key] for one, many in pairs) for key in ("seconds", "cpu")]
    print(f"{f'ratio, the median of {rounds}':42}{ratios[0]:10.2f}{ratios[1]:14.2f}")


def watch_shapes(count: int) -> None:
    """Print what a process holds while it trains points of differing shapes."""
    *steps, end = measure("shapes", count)
    print(f"{f'of {count:,} points of differing shapes':42}{'memory, MB':>12}{'open files':>12}{'threads':>9}")
    for step in steps:
        print(f"{step['points']:,.0f} points".ljust(42) + f"{step['mb']:12.0f}{step['files']:12.0f}{step['threads']:9.0f}")
    print(f"all: {end['seconds']:.0f} s by the clock, {end['cpu']:.0f} s of the processor")


def main() -> None:
    """Parse, measure, print."""
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1000, help="points of one shape; 0: leaves them out")
    parser.add_argument("--shapes", type=int, default=1000, help="points of differing shapes; 0: leaves them out")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of measurements")
    options = parser.parse_args()
    if options.points:
        compare_points(options.points, options.rounds)
    if options.shapes:
        watch_shapes(options.shapes)


if __name__ == "__main__":
    main()
