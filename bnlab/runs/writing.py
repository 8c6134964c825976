"""The writing of a run folder: opened, checkpointed, finished. A kill at any moment loses nothing that was written."""

import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.config import Config, parse_config
from bnlab.errors import UserError
from bnlab.files import write_atomically
from bnlab.runs.arrays import csv_bytes, json_bytes, npz_bytes, sum_of
from bnlab.runs.checkpoints import (
    Progress,
    checkpoint_bytes,
    checkpoint_name,
    checkpoint_numbers,
    parse_checkpoint,
)
from bnlab.runs.folders import RUN_FILES, disk_errors_explained
from bnlab.runs.identity import identity, same_computation
from bnlab.runs.reading import Run, parse_summary
from bnlab.runs.summary import describe

MAX_CSV_ROWS = 200_000
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.part")
CHECKPOINT_SECONDS = 5.0
CHECKPOINT_SHARE = 0.03
FORMAT = {"checkpoint format": "1"}

_log = logging.getLogger(__name__)


class RunWriter:
    """Writes one run folder: opened, checkpointed, finished. Used as a context manager; it holds the folder's lock.

    lean: for one of many small runs, whose writing would take longer than their training. There is no metrics.csv, and
    nothing waits for the disk. A kill of the process loses nothing. After a power cut the run may be damaged: its checksums
    show it, and its seeds are trained anew.

    Raises:
        UserError: the folder cannot be written, holds a run already, is being written by another process, or with
            `resume` holds the run of another config.
    """

    def __init__(self, path: Path, config: Config, *, resume: bool = False, lean: bool = False):
        self.path, self.config, self._lean = path, config, lean
        self._origin = dict(FORMAT)
        self._least = _least_seconds()  # before the lock is taken: the user may have written it wrong
        with disk_errors_explained(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path)
            try:
                self._enter(resume)
            except BaseException:
                self.close()
                raise
        self._last = time.monotonic()
        self._cost = 0.0

    def _enter(self, resume: bool) -> None:
        names = set(os.listdir(self.path))  # noqa: PTH208
        for leftover in filter(LEFTOVER.fullmatch, names):  # of a process that was killed; the lock is ours
            (self.path / leftover).unlink(missing_ok=True)
        self._checkpoints = checkpoint_numbers(names)
        there = [name for name in (*RUN_FILES, *map(checkpoint_name, self._checkpoints)) if name in names]
        if there and not resume:
            raise UserError(
                f"{self.path}: holds a run already ({', '.join(there)})",
                advice="choose another --out, or resume it with --resume",
            )
        if "config.yaml" in there:
            self._yaml = (self.path / "config.yaml").read_bytes()
            saved = parse_config(self._yaml.decode(errors="replace"), f"{self.path}/config.yaml")
            if saved.seeds.pairs != self.config.seeds.pairs or not same_computation(saved, self.config):
                raise UserError(
                    f"{self.path}: holds a run of another config or of other seeds, which cannot be resumed with this one"
                )
        elif there:
            raise UserError(f"{self.path}: holds {', '.join(there)} but no config.yaml", advice="choose another --out")
        else:
            self._yaml = self.config.to_yaml().encode()
            self.write("config.yaml", self._yaml)
        if "summary.json" in there:  # and killed before it could tidy up
            self._drop_checkpoints(keep=0)

    @property
    def finished(self) -> bool:
        """Whether the folder holds the complete run."""
        return (self.path / "summary.json").exists()

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the folder; what it holds stays."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the run, whole or not at all. Raises: UserError where the disk refuses."""
        with disk_errors_explained(self.path):
            self._check_ours()
            write_atomically(self.path / name, content, durable=not self._lean)

    def _write_all(self, contents: Mapping[str, bytes]) -> None:
        """Write files that nobody reads before summary.json is there."""
        if not self._lean:
            for name, content in contents.items():
                self.write(name, content)
            return
        with disk_errors_explained(self.path):
            self._check_ours()
            for name, content in contents.items():
                (self.path / name).write_bytes(content)

    def trained_under(self, origin: Mapping[str, str]) -> None:
        """Note what the bits of a checkpoint depend on besides the config: the numerics, and how training is cut."""
        self._origin |= origin

    def load_checkpoint(self, records: int) -> Progress | None:
        """Return the newest checkpoint that is whole, or None; one that is damaged is said to be, and removed.

        Raises: UserError where it was written by other software, which would not go on with the same bits.
        """
        while self._checkpoints:
            path = self.path / checkpoint_name(self._checkpoints[-1])
            with disk_errors_explained(path):
                content = path.read_bytes()
                if parsed := parse_checkpoint(content, path):
                    arrays, origin = parsed
                    self._check_origin(path, origin)
                    return Progress.from_arrays(arrays, len(self.config.seeds.pairs), records)
                _log.warning("%s: is damaged; the run is resumed from the checkpoint before it", path)
                path.unlink(missing_ok=True)  # kept, it would stand for one of the two that are whole
                self._checkpoints.pop()
        return None

    def _check_origin(self, path: Path, origin: Mapping[str, str]) -> None:
        for name in {**self._origin, **origin}:
            then, now = origin.get(name), self._origin.get(name)
            if then != now:
                raise UserError(
                    f"{path}: was written under {name} '{then}', and this is '{now}': to resume it would give the bits of "
                    f"neither; delete {self.path}/checkpoint-*.ckpt to begin again",
                    advice="or choose another --out",
                )

    def checkpoint_due(self) -> bool:
        """Return whether the last checkpoint is long enough ago that they take under CHECKPOINT_SHARE of the time.

        `BNLAB_CHECKPOINT_SECONDS` sets the least time between two (0: after every segment).
        """
        since = time.monotonic() - self._last
        return not self._least or since >= max(self._least, self._cost / CHECKPOINT_SHARE)

    def checkpoint(self, progress: Progress) -> None:
        """Write a checkpoint and keep the one before it; older ones go."""
        began = time.monotonic()
        number = self._checkpoints[-1] + 1 if self._checkpoints else 1
        self.write(checkpoint_name(number), checkpoint_bytes(progress, self._origin))
        self._checkpoints.append(number)
        self._drop_checkpoints(keep=2)
        self._last = time.monotonic()
        self._cost = self._last - began

    def finish(
        self,
        step: np.ndarray,
        curves: Mapping[str, np.ndarray],
        params: Mapping[str, np.ndarray],
        figures: Mapping[str, bytes],
        environment: bytes,
        summary: Mapping[str, Any],
        examples: Mapping[str, np.ndarray] | None = None,
    ) -> Run:
        """Write the finished run, summary.json last, drop the checkpoints, and return the run."""
        pairs, step = np.asarray(self.config.seeds.pairs, np.int64), np.asarray(step, np.int64)
        seeds = {"seeds": pairs[:, 0], "data_seeds": pairs[:, 1], "step": step}
        contents = {"curves.npz": npz_bytes({**seeds, **curves}), "params.npz": npz_bytes(params)}
        if examples:
            contents["examples.npz"] = npz_bytes(examples)
        rows = len(pairs) * len(step)
        if self._lean:
            left_out = {"metrics_csv": "left out: the run is one of many; curves.npz has its values"}
        elif rows > MAX_CSV_ROWS:
            left_out = {"metrics_csv": f"left out: {rows:,} rows; curves.npz has them"}
        else:
            left_out = {}
            contents["metrics.csv"] = csv_bytes(pairs, step, curves)
        contents["environment.json"] = environment
        contents |= figures
        self._write_all(contents)
        contents["config.yaml"] = self._yaml
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        final = {name: describe(values) for name, values in curves.items()}
        values = {"identity": identity(self.config), "final": final, **summary, **left_out, "sha256": sums}
        content = json_bytes({**values, "sha256": {**sums, "summary.json": sum_of(values)}})
        self.write("summary.json", content)
        self._drop_checkpoints(keep=0)
        return Run(self.path, self.config, pairs[:, 0], pairs[:, 1], step, dict(curves), parse_summary(content))

    def _check_ours(self) -> None:
        """Raise UserError where the folder is not there, or is not the one that we locked."""
        try:
            if self._lock is None:
                ours = self.path.is_dir()
            else:
                ours = os.path.samestat(os.fstat(self._lock), (self.path / ".lock").stat())
        except FileNotFoundError:
            ours = False
        if not ours:
            raise UserError(f"{self.path}: the run folder is gone or was replaced; what was not yet written to it is lost")

    def _drop_checkpoints(self, keep: int) -> None:
        dropped = self._checkpoints[: len(self._checkpoints) - keep]
        self._checkpoints = self._checkpoints[len(dropped) :]
        for number in dropped:
            with contextlib.suppress(OSError):
                (self.path / checkpoint_name(number)).unlink()


def _least_seconds() -> float:
    text = os.environ.get("BNLAB_CHECKPOINT_SECONDS", str(CHECKPOINT_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise UserError(f"BNLAB_CHECKPOINT_SECONDS: got '{text}', expected a number of seconds such as 5, or 0")
    return seconds


def _lock(path: Path) -> int | None:
    """Take the folder's lock for this process, as long as the returned descriptor is open."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return None
    descriptor = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UserError(f"{path}: another process is writing this run") from None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def is_being_written(path: Path) -> bool:
    """Return whether another process holds the run folder's lock."""
    if not (path / ".lock").exists():
        return False
    try:
        descriptor = _lock(path)
    except (UserError, OSError):
        return True
    if descriptor is not None:
        os.close(descriptor)
    return False
