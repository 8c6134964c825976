"""A scheduler, workers and clients of a test, each a process of its own on this machine; and what they trained."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bnlab.runs import Run, identity, read_run

TROUBLE = Path(__file__).with_name("trouble.py")
SWEEP = """
name: small
base: regression_bn
seeds: 0:6
grid:
  batch_size: [10, 15, 20, 30]
  num_steps: [40]
  record_every: [10]
"""
"""Four points of four shapes: each has bundles of its own."""
PATIENCE = 240.0
"""The seconds that a test waits for something that takes a few on an idle machine."""


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s for: {what}"
        time.sleep(0.05)


def trained(folder: Path) -> dict[tuple[str, int], bytes]:
    """Return {(computation, seed): all its curves and final weights} in the finished runs of `folder`. Each is there once."""
    found: dict[tuple[str, int], bytes] = {}
    for run in runs_in(folder):
        for row, seed in enumerate(run.seeds.tolist()):
            key = identity(run.config), seed
            assert key not in found, f"{run.path}: seed {seed} is there twice"
            arrays = {**run.curves, **run.params}
            found[key] = b"".join(np.ascontiguousarray(arrays[name][row]).tobytes() for name in sorted(arrays))
    return found


def runs_in(folder: Path) -> list[Run]:
    """Return the finished runs in `folder`/runs."""
    return [read_run(path.parent) for path in sorted(folder.glob("runs/*/*/summary.json"))]


class Processes:
    """The processes of one test. All are killed at its end."""

    def __init__(self, folder: Path):
        self.folder, self.all = folder, list[subprocess.Popen[str]]()

    def start(self, *arguments: object, env: Mapping[str, str] | None = None, name: str) -> subprocess.Popen[str]:
        """Start `python -m …` in the test's folder; its output goes to NAME.out and NAME.err."""
        with (self.folder / f"{name}.out").open("w") as out, (self.folder / f"{name}.err").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", *map(str, arguments)],
                cwd=self.folder,
                env={**os.environ, **(env or {})},
                stdout=out,
                stderr=err,
                text=True,
                start_new_session=True,
            )
        self.all.append(process)
        return process

    def scheduler(self, *options: object) -> str:
        """Start a scheduler on this machine and return its address."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.scheduler_process = self.start(
            "distributed.cli.dask_scheduler",
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file),
            *options,
            name="scheduler",
        )
        until(lambda: file.exists() and file.read_text().rstrip().endswith("}"), "the scheduler")
        return json.loads(file.read_text())["address"]

    def worker(
        self, address: str, *options: object, env: Mapping[str, str] | None = None, nanny: bool = False, name: str = "worker"
    ) -> subprocess.Popen[str]:
        """Start a worker of one thread. With a nanny it is started again when it dies."""
        return self.start(
            *("distributed.cli.dask_worker", address, "--host", "127.0.0.1", "--nthreads", 1, "--memory-limit", 0),
            *("--no-dashboard", "--nanny" if nanny else "--no-nanny", "--preload", TROUBLE, "--local-directory", self.folder),
            *options,
            env={"BNLAB_TEST_HERE": str(self.folder / "here"), **(env or {})},
            name=name,
        )

    def sweep(self, *options: object, name: str = "client", env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `bnlab sweep small.yaml`."""
        (self.folder / "small.yaml").write_text(SWEEP)
        return self.start("bnlab", "sweep", "small.yaml", "--quiet", *options, env=env, name=name)

    def ended(self, process: subprocess.Popen[str]) -> int:
        """Wait for a process and return its exit code."""
        return process.wait(PATIENCE)

    def said(self, name: str = "client") -> list[str]:
        """Return the lines that a process wrote to standard error."""
        return (self.folder / f"{name}.err").read_text().splitlines()

    def begun(self) -> list[tuple[int, list[int]]]:
        """Return (process id of the worker, seeds) of every bundle that was begun."""
        path = self.folder / "here"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(pid), [int(seed) for seed in seeds.split(",")]) for pid, seeds in map(str.split, lines)]
