"""Processes that end with their test."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cluster.processes import Processes, trained


@pytest.fixture
def processes(folder: Path) -> Iterator[Processes]:
    """The processes of the test, which runs in an empty folder."""
    started = Processes(folder)
    yield started
    for process in started.all:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, int], bytes]:
    """What `bnlab sweep small.yaml` trains in one process, without Dask."""
    started = Processes(tmp_path_factory.mktemp("in-process"))
    process = started.sweep()
    assert started.ended(process) == 0, started.said()
    return trained(started.folder)
