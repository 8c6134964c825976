"""Run folders: the only writer of runs/, and the reader of what it wrote.

runs/NAME/RUN_ID/ (or the folder given) holds, once the run is complete:

config.yaml       the resolved config; training it again repeats the run
curves.npz        seeds [S], data_seeds [S], step [R], and each metric [S, R] as float32 (train_loss, test_loss, …)
metrics.csv       the same as rows of seed, step, metrics; left out above MAX_CSV_ROWS rows
params.npz        final weights and moving statistics (dense0/kernel, bn0/gamma, …), leading axis = seed
summary.json      final: {metric: {mean, std, min, max, per_seed}}; failed: seeds whose loss was no longer finite, and the
                  step; steps_per_second of one thread in the compiled training function; seconds by phase (compile and
                  train are summed over threads); the SHA-256 of config.yaml, curves.npz and params.npz. It is written
                  last, so where it is the run is whole
environment.json  versions, device, threads, flags, commit, command
loss.png …        figures

and while it runs, config.yaml, `.lock` (held by the process that writes) and the last two checkpoints, named
checkpoint-N.ckpt: an .npz followed by its SHA-256. Each file is written beside its place and moved there, so a kill at any
moment leaves a complete run or one that `--resume` finishes with the same bits. Nothing is pickled.
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.config import Config, parse_config
from bnlab.errors import UserError
from bnlab.files import write_atomically

RUNS = Path("runs")
MAX_CSV_ROWS = 200_000
CHECKED = ("config.yaml", "curves.npz", "params.npz")
OURS = (*CHECKED, "metrics.csv", "summary.json", "environment.json")
CHECKPOINT_SECONDS = 5.0
CHECKPOINT_SHARE = 0.03


@dataclass(frozen=True)
class Run:
    """A finished run, read back.

    curves: {metric: [S, R]}; params: {"dense0/kernel": [S, …], …}; where a seed failed its curve ends in NaN.
    """

    path: Path
    config: Config
    seeds: np.ndarray
    data_seeds: np.ndarray
    step: np.ndarray
    curves: dict[str, np.ndarray]
    summary: dict[str, Any]

    @cached_property
    def params(self) -> dict[str, np.ndarray]:
        """Final weights and moving statistics, leading axis = seed."""
        return _load_npz(self.path / "params.npz")

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device, threads, flags, commit and command of the run."""
        return json.loads((self.path / "environment.json").read_text(encoding="utf-8"))


def read_run(path: str | Path) -> Run:
    """Return the finished run in `path`.

    Raises:
        UserError: no run there, one that is not finished, or one whose files were altered.
    """
    path = Path(path)
    if not (path / "config.yaml").is_file():
        raise UserError(f"{path}: holds no run (there is no config.yaml)")
    if not (path / "summary.json").is_file():
        raise UserError(f"{path}: this run is not finished; `bnlab train … --resume` finishes it")
    try:
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        sums = dict(summary["sha256"])
        contents = {name: (path / name).read_bytes() for name in CHECKED}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path / 'summary.json'}: is damaged ({error})") from None
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from None
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != sums.get(name):
            raise UserError(f"{path / name}: was altered or damaged after the run: its SHA-256 is not summary.json's")
    config = parse_config(contents["config.yaml"].decode(), str(path / "config.yaml"))
    with np.load(io.BytesIO(contents["curves.npz"]), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    seeds, data_seeds, step = (arrays.pop(name) for name in ("seeds", "data_seeds", "step"))
    return Run(path, config, seeds, data_seeds, step, arrays, summary)


def run_folder(config: Config, out: Path | None) -> Path:
    """Return the folder for a new run: `out`, or runs/NAME/TIME-FINGERPRINT."""
    if out is not None:
        return out
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = RUNS / config.name / f"{stamp}-{config.fingerprint()}"
    for suffix in range(2, 1000):
        if not folder.exists():
            break
        folder = folder.with_name(f"{stamp}-{suffix}-{config.fingerprint()}")
    return folder


def find_runs(config: Config, *, finished: bool) -> list[Path]:
    """Return the folders under runs/ of this very config that are finished (or not), the newest first."""
    folders = (RUNS / config.name).glob(f"*-{config.fingerprint()}")
    return sorted(
        (f for f in folders if (f / "config.yaml").exists() and (f / "summary.json").exists() == finished),
        reverse=True,
    )


@dataclass
class Progress:
    """Everything a run has computed so far, on the host.

    metrics: {name: [S, R]}, NaN where nothing is recorded yet. next_segment [S]: segments done. failed_step [S]: 0, or the
    step at which a seed's loss was no longer finite. states: for each seed that has begun, the leaves of its state.
    """

    seeds: int
    records: int
    metrics: dict[str, np.ndarray] = field(default_factory=dict)
    next_segment: np.ndarray = field(init=False)
    failed_step: np.ndarray = field(init=False)
    states: dict[int, list[Any]] = field(default_factory=dict)

    def __post_init__(self):
        self.next_segment = np.zeros(self.seeds, np.int64)
        self.failed_step = np.zeros(self.seeds, np.int64)

    def record(self, seed: int, first: int, metrics: Mapping[str, np.ndarray]) -> None:
        """Put a seed's metrics in their place, from record `first` on."""
        for name, values in metrics.items():
            rows = self.metrics.setdefault(name, np.full((self.seeds, self.records), np.nan, np.float32))
            rows[seed, first : first + len(values)] = values

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return all of it as named arrays."""
        arrays = {f"metric/{name}": values for name, values in self.metrics.items()}
        arrays |= {"next_segment": self.next_segment, "failed_step": self.failed_step}
        for seed, leaves in self.states.items():
            arrays |= {f"state/{seed}/{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], seeds: int, records: int) -> "Progress":
        """Return what `to_arrays` was called on."""
        progress = cls(seeds, records)
        progress.next_segment, progress.failed_step = (
            arrays["next_segment"].copy(),
            arrays["failed_step"].copy(),
        )
        leaves: dict[int, dict[int, np.ndarray]] = {}
        for name, values in arrays.items():
            kind, _, rest = name.partition("/")
            if kind == "metric":
                progress.metrics[rest] = values.copy()
            elif kind == "state":
                seed, leaf = map(int, rest.split("/"))
                leaves.setdefault(seed, {})[leaf] = values
        progress.states = {seed: [parts[i] for i in range(len(parts))] for seed, parts in leaves.items()}
        return progress


class RunWriter:
    """Writes one run folder: opened, checkpointed, finished. Used as a context manager; it holds the folder's lock.

    Raises:
        UserError: the folder cannot be written, holds a run already, is being written by another process, or with
            `resume` holds the run of another config.
    """

    def __init__(self, path: Path, config: Config, *, resume: bool = False):
        self.path, self.config = path, config
        with _explained(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path)
            try:
                self._enter(resume)
            except BaseException:
                self.close()
                raise
        self._checkpoints = self._numbers()
        self._last = time.monotonic()
        self._cost = 0.0

    def _enter(self, resume: bool) -> None:
        there = [name for name in OURS if (self.path / name).exists()]
        if there and not resume:
            raise UserError(
                f"{self.path}: holds a run already ({', '.join(there)}); choose another --out, or --resume to go on with it"
            )
        if "config.yaml" in there:
            saved = parse_config((self.path / "config.yaml").read_text(encoding="utf-8"), f"{self.path}/config.yaml")
            if saved.fingerprint() != self.config.fingerprint():
                raise UserError(f"{self.path}: holds a run of another config; --resume goes on with the same config only")
        elif there:
            raise UserError(f"{self.path}: holds {', '.join(there)} but no config.yaml; choose another --out")
        else:
            self.write("config.yaml", self.config.to_yaml().encode())

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
        with _explained(self.path):
            if not self.path.is_dir():
                raise UserError(f"{self.path}: the run folder is gone; what was computed since cannot be kept")
            write_atomically(self.path / name, content)

    def load_checkpoint(self, records: int) -> Progress | None:
        """Return the newest checkpoint that is whole, or None; one that is damaged is passed over."""
        for number in reversed(self._checkpoints):
            content = (self.path / f"checkpoint-{number}.ckpt").read_bytes()
            body, digest = content[:-32], content[-32:]
            if hashlib.sha256(body).digest() == digest:
                with np.load(io.BytesIO(body), allow_pickle=False) as file:
                    arrays = {name: file[name] for name in file.files}
                return Progress.from_arrays(arrays, len(self.config.seeds.pairs), records)
        return None

    def checkpoint_if_due(self, progress: Progress) -> None:
        """Write a checkpoint, if the last one is long enough ago that they take under CHECKPOINT_SHARE of the time.

        `BNLAB_CHECKPOINT_SECONDS` sets the least time between two (0: after every segment).
        """
        least = float(os.environ.get("BNLAB_CHECKPOINT_SECONDS", CHECKPOINT_SECONDS))
        if least and time.monotonic() - self._last < max(least, self._cost / CHECKPOINT_SHARE):
            return
        began = time.monotonic()
        self.checkpoint(progress)
        self._last = time.monotonic()
        self._cost = self._last - began

    def checkpoint(self, progress: Progress) -> None:
        """Write a checkpoint and keep the one before it; older ones go."""
        body = npz_bytes(progress.to_arrays())
        number = self._checkpoints[-1] + 1 if self._checkpoints else 1
        self.write(f"checkpoint-{number}.ckpt", body + hashlib.sha256(body).digest())
        self._checkpoints.append(number)
        self._drop_checkpoints(keep=2)

    def finish(
        self,
        step: np.ndarray,
        curves: Mapping[str, np.ndarray],
        params: Mapping[str, np.ndarray],
        figures: Mapping[str, bytes],
        environment: Mapping[str, Any],
        summary: Mapping[str, Any],
    ) -> None:
        """Write the finished run, summary.json last, and drop the checkpoints."""
        pairs = np.asarray(self.config.seeds.pairs, np.int64)
        seeds = {"seeds": pairs[:, 0], "data_seeds": pairs[:, 1], "step": np.asarray(step, np.int64)}
        contents = {"curves.npz": npz_bytes({**seeds, **curves}), "params.npz": npz_bytes(params)}
        rows = len(pairs) * len(step)
        if rows <= MAX_CSV_ROWS:
            contents["metrics.csv"] = _csv_bytes(pairs[:, 0], step, curves)
        contents["environment.json"] = _json_bytes(environment)
        for name, content in {**contents, **figures}.items():
            self.write(name, content)
        sums = {name: hashlib.sha256((self.path / name).read_bytes()).hexdigest() for name in CHECKED}
        left_out = {} if rows <= MAX_CSV_ROWS else {"metrics_csv": f"left out: {rows:,} rows; curves.npz has them"}
        final = {name: describe(values) for name, values in curves.items()}
        self.write("summary.json", _json_bytes({"final": final, **summary, **left_out, "sha256": sums}))
        self._drop_checkpoints(keep=0)

    def _numbers(self) -> list[int]:
        names = (path.stem.removeprefix("checkpoint-") for path in self.path.glob("checkpoint-*.ckpt"))
        return sorted(int(name) for name in names if name.isdigit())

    def _drop_checkpoints(self, keep: int) -> None:
        dropped = self._checkpoints[: len(self._checkpoints) - keep]
        self._checkpoints = self._checkpoints[len(dropped) :]
        for number in dropped:
            with contextlib.suppress(OSError):
                (self.path / f"checkpoint-{number}.ckpt").unlink()


def describe(values: np.ndarray) -> dict[str, Any]:
    """Return mean, std (n − 1), min, max and per_seed of the last record of [S, R].

    A seed that failed is None in per_seed, and in none of the others.
    """
    last = values[:, -1].astype(np.float64) if values.shape[1] else np.full(len(values), np.nan)
    finite = last[np.isfinite(last)]
    return {
        "mean": float(finite.mean()) if finite.size else None,
        "std": float(finite.std(ddof=1)) if finite.size > 1 else None,
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "per_seed": [float(value) if np.isfinite(value) else None for value in last],
    }


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the arrays as an .npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(values) for name, values in arrays.items()})  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _load_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _csv_bytes(seeds: np.ndarray, step: np.ndarray, curves: Mapping[str, np.ndarray]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["seed", "step", *curves])
    for row, seed in enumerate(seeds.tolist()):
        columns = (values[row].tolist() for values in curves.values())
        writer.writerows([seed, *cells] for cells in zip(np.asarray(step).tolist(), *columns, strict=True))
    return text.getvalue().encode()


def _json_bytes(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _lock(path: Path) -> int | None:
    """Take the folder's lock for this process, as long as the returned descriptor is open."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return None
    descriptor = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UserError(f"{path}: another process is writing this run") from None
    return descriptor


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise UserError(f"{place}: cannot be written: {error.strerror or error}; what was finished before is kept") from None
