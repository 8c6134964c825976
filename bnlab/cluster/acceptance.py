"""A worker joins: it takes the client's settings before it imports JAX, and says what it computes with.

This module imports neither JAX nor the modules that do: Dask loads it in a worker that has not imported JAX yet.
"""

import asyncio
import hashlib
import importlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distributed import Status, Worker, WorkerPlugin

from bnlab import __version__
from bnlab.environment import JAX_SETTINGS, describe_environment, numerics


def settings(*, mixed: bool) -> dict[str, str]:
    """Return the environment variables of a worker, so that it computes as this process does, one computation at a time.

    XLA's pool has as many threads as here (NPROC), whatever the cores of the worker: the number of threads may change bits.
    mixed: flags and threads are the worker's own.
    """
    copied = {name.upper(): os.environ[name.upper()] for name in JAX_SETTINGS if name.upper() in os.environ}
    copied |= {name: os.environ[name] for name in ("BNLAB_LANES",) if name in os.environ}
    copied["BNLAB_THREADS"] = "1"
    if not mixed:
        exact = numerics()
        copied |= {"XLA_FLAGS": exact["XLA_FLAGS"], "BNLAB_XLA_FLAGS": "off"}
        copied |= {"NPROC": exact["threads"]} if "threads" in exact else {}
    return copied


def versions() -> dict[str, str]:
    """Return what must be equal on the client and on every worker, or they could not read each other's messages."""
    return {"bnlab": __version__, "python": ".".join(platform.python_version_tuple()[:2])}


def kind_of(exact: Mapping[str, str]) -> str:
    """Return a short name of these numerics."""
    return hashlib.sha256(json.dumps(dict(exact), sort_keys=True).encode()).hexdigest()[:12]


def resource(session: str, kind: str) -> str:
    """Return the resource that the session's workers of this kind have. Its tasks ask for one, so they go nowhere else."""
    return f"{session}-{kind}"


@dataclass(frozen=True)
class Report:
    """What a worker says of itself: its kind if it was accepted, what differs if not, and its environment.

    Without `mixed`, nobody needs more of the environment than the numerics.
    """

    worker: str
    kind: str | None
    differences: Mapping[str, tuple[str, str]]
    environment: Mapping[str, Any]


class Acceptance(WorkerPlugin):
    """Sets a worker up, accepts it or not, and logs its report under the session's topic.

    expected: the client's versions and numerics. mixed: accept other numerics.
    """

    def __init__(self, session: str, environ: Mapping[str, str], expected: Mapping[str, str], *, mixed: bool):
        self.name = self._session = session
        self._environ, self._expected, self._mixed = dict(environ), dict(expected), mixed
        self._resource: str | None = None

    async def setup(self, worker: Worker) -> None:
        """Accept the worker, or not."""
        found, environment = await asyncio.get_running_loop().run_in_executor(None, self._set_up)
        compared = versions() if self._mixed else {**self._expected, **found}
        differences = {
            name: (found.get(name, "nothing"), self._expected.get(name, "nothing"))
            for name in compared
            if found.get(name) != self._expected.get(name)
        }
        kind = None if differences else kind_of(environment["numerics"])
        if kind:
            self._resource = resource(self._session, kind)
            await worker.set_resources(**{self._resource: 1})
            if worker.status == Status.running:
                # Only a change of status makes the scheduler look again at the tasks that no worker could take.
                worker.status = Status.paused
                worker.status = Status.running
        said = {"kind": kind, "differences": differences, "environment": environment}
        worker.log_event(self._session, {"worker": worker.address, "report": json.dumps(said)})
        if kind:  # what the first bundle needs: the client may still be planning
            await asyncio.get_running_loop().run_in_executor(None, importlib.import_module, "bnlab.cluster.work")

    async def teardown(self, worker: Worker) -> None:
        """Take the session's resource back."""
        if self._resource and worker.status == Status.running:
            await worker.set_resources(**{self._resource: 0})

    def _set_up(self) -> tuple[dict[str, str], dict[str, Any]]:
        if "jax" not in sys.modules:
            os.environ.update(self._environ)
        environment = describe_environment() if self._mixed else {"numerics": numerics()}
        return versions() | environment["numerics"], environment


def report_of(message: Mapping[str, Any]) -> Report:
    """Return the report in a message that a worker logged."""
    said = json.loads(message["report"])
    differences = {name: (theirs, ours) for name, (theirs, ours) in said["differences"].items()}
    return Report(message["worker"], said["kind"], differences, said["environment"])
