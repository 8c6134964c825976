"""Time `bnlab sweep --workers 2` beside the same sweep in one process, and follow the memory of client and scheduler.

    python scripts/benchmark_cluster.py speed [--pairs 3]       (about eight minutes of two cores)
    python scripts/benchmark_cluster.py memory                  (about five minutes of two cores)

Run it on an idle machine. `speed` runs whole commands in pairs, each in an empty folder, with one cache of compiled programs
that is filled before. `memory` trains 100,000 seeds of ten steps on two workers. The scheduler is in the client's process.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SPEED = """
name: speed
base: digits_bn
grid:
  optimizer.learning_rate: [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]
  num_steps: [3200]
  record_every: [160]
seeds: 0:{seeds}
"""
MEMORY = """
name: memory
base: regression_bn
grid:
  optimizer.learning_rate: [{rates}]
  num_steps: [10]
  record_every: [10]
seeds: 0:{seeds}
"""
WORKERS = 2


def command(folder: Path, *options: object) -> float:
    """Run `bnlab sweep speed.yaml` in an empty folder and return its seconds."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        began = time.perf_counter()
        arguments = [sys.executable, "-m", "bnlab", "sweep", str(folder / "speed.yaml"), "--quiet", *map(str, options)]
        done = subprocess.run(arguments, cwd=place, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{arguments}:\n{done.stderr[-3000:]}")
    return seconds


def speed(pairs: int, seeds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["BNLAB_CACHE_DIR"] = str(folder / "cache")
        (folder / "speed.yaml").write_text(SPEED.format(seeds=seeds), encoding="utf-8")
        command(folder, "--seeds", "0:2", "--workers", WORKERS)
        times: list[tuple[float, float]] = []
        for number in range(pairs):
            order = (0, 1) if number % 2 == 0 else (1, 0)  # whichever comes second finds a warmer machine
            pair = [0.0, 0.0]
            for which in order:
                pair[which] = command(folder, *(("--workers", WORKERS) if which else ()))
            times.append((pair[0], pair[1]))
            print(
                f"pair {number + 1}: {pair[0]:.1f} s in one process, {pair[1]:.1f} s on workers", file=sys.stderr, flush=True
            )
    here, there = (statistics.median(pair[i] for pair in times) for i in (0, 1))
    ratios = sorted(one / other for one, other in times)
    print(f"A sweep of digits_bn, 6 points of {seeds} seeds and 3,200 steps; whole commands, medians of {pairs} pairs.\n")
    print("| where | seconds | speed |")
    print("| --- | --- | --- |")
    print(f"| one process, {os.cpu_count()} cores | {here:.1f} | 100 % |")
    span = f"{statistics.median(ratios):.0%} ({ratios[0]:.0%} to {ratios[-1]:.0%})"
    print(f"| `--workers {WORKERS}` | {there:.1f} | {span} |")


def memory(points: int, seeds: int) -> None:
    import psutil

    import bnlab

    process, samples = psutil.Process(), list[tuple[float, int]]()

    def watch(done: int, total: int) -> None:
        if not samples or done / total >= samples[-1][0] + 0.02:
            samples.append((done / total, process.memory_info().rss))

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        rates = ", ".join(f"{rate:.6g}" for rate in np.geomspace(1e-4, 1e-2, points))
        Path("memory.yaml").write_text(MEMORY.format(rates=rates, seeds=seeds), encoding="utf-8")
        began = time.perf_counter()
        bnlab.sweep("memory.yaml", workers=WORKERS, progress=watch)
        seconds = time.perf_counter() - began
    print(
        f"{points * seeds:,} seeds of ten steps at {points} points of the regression, {WORKERS} workers: {seconds:.0f} s.\n"
    )
    print("| seeds done | memory of client and scheduler, MB |")
    print("| --- | --- |")
    for share in (0.02, 0.1, 0.25, 0.5, 0.75, 1.0):
        done, rss = min(samples, key=lambda sample: abs(sample[0] - share))
        print(f"| {done:.0%} | {rss / 1e6:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory"])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seeds", type=int, help="the seeds of a point (speed: 180, for a minute; memory: 1,000)")
    options = parser.parse_args()
    if options.what == "speed":
        speed(options.pairs, options.seeds or 180)
    else:
        memory(100, options.seeds or 1000)


if __name__ == "__main__":
    main()
