"""Run folders: the only writer of runs/, and the reader of what it wrote.

runs/NAME/RUN_ID/ (or the folder given) holds, once the run is complete:

config.yaml       the resolved config; training it again repeats the run
curves.npz        seeds [S], data_seeds [S], step [R], and each metric [S, R] as float32 (train_loss, test_loss, …)
metrics.csv       the same as rows of seed, step, metrics; left out above MAX_CSV_ROWS rows
params.npz        final weights and moving statistics (dense0/kernel, bn0/gamma, …), leading axis = seed
summary.json      final: {metric: {mean, std, min, max, per_seed}}; failed: seeds whose loss was no longer finite, and the
                  step; steps_per_second of one thread in the compiled training function; seconds by phase (compile and
                  train are summed over threads); the SHA-256 of every other file, and of all these values. It is written
                  last, so where it is the run is whole
environment.json  versions, device, threads, flags, commit, command
loss.png …        figures

and while it runs, config.yaml, `.lock` (held by the process that writes) and the last two checkpoints, named
checkpoint-N.ckpt: an .npz followed by its SHA-256, which also names the software that wrote it: another one would not go
on with the same bits. Each file is written beside its place and moved there, so a kill at any moment leaves a complete run
or one that `--resume` finishes with the same bits. Nothing is pickled.

runs/seed-check/NAME-TIME-FINGERPRINT/ holds seed_check.json (see `bnlab.seed_check`).
runs/compare/NAMES-TIME/ holds a comparison of runs: `bnlab.compare` lists its files.
"""

import contextlib
import csv
import hashlib
import io
import json
import logging
import os
import re
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
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
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.part")
CHECKPOINT_SECONDS = 5.0
CHECKPOINT_SHARE = 0.03

_log = logging.getLogger(__name__)


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
        content = _read_checked(self.path, "params.npz", self.summary["sha256"])
        return _arrays(content, self.path / "params.npz")

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device, threads, flags, commit and command of the run."""
        return json.loads(_read_checked(self.path, "environment.json", self.summary["sha256"]))


def read_run(path: str | Path) -> Run:
    """Return the finished run in `path`.

    Raises:
        UserError: no run there, one that is not finished, or one whose files were altered.
    """
    path = Path(path)
    try:
        if not (path / "config.yaml").is_file():
            raise UserError(f"{path}: holds no run (there is no config.yaml)")
        if not (path / "summary.json").is_file():
            raise UserError(f"{path}: this run is not finished; `bnlab train … --resume` finishes it")
        names = {file.name for file in path.iterdir()}
        summary = _read_summary(path / "summary.json")
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be read: {error.strerror}") from None
    sums = summary["sha256"]
    contents = {name: _read_checked(path, name, sums) for name in sums if name in names or name in CHECKED}
    config = parse_config(contents["config.yaml"].decode(), str(path / "config.yaml"))
    arrays = _arrays(contents["curves.npz"], path / "curves.npz", "seeds", "data_seeds", "step")
    seeds, data_seeds, step = (arrays.pop(name) for name in ("seeds", "data_seeds", "step"))
    return Run(path, config, seeds, data_seeds, step, arrays, summary)


def _read_summary(path: Path) -> dict[str, Any]:
    """Return summary.json, checked against the sum of its own values that it holds."""
    try:
        summary = json.loads(path.read_bytes())
        sums = summary["sha256"]
        own = sums.pop("summary.json")
        if own != _sum_of(summary) or not all(name in sums for name in CHECKED):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(f"{path}: was altered or damaged after the run: its values and their SHA-256 do not agree") from None
    return summary


def _read_checked(path: Path, name: str, sums: Mapping[str, str]) -> bytes:
    """Return a file's content. Raises: UserError where its SHA-256 is not the one in `sums`."""
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise UserError(f"{path / name}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != sums.get(name):
        raise UserError(f"{path / name}: was altered or damaged after the run: its SHA-256 is not summary.json's")
    return content


def run_folder(config: Config, out: Path | None) -> Path:
    """Return the folder for a new run: `out`, or runs/NAME/TIME-FINGERPRINT."""
    if out is not None:
        return out
    return _free_folder(RUNS / config.name, f"-{config.fingerprint()}")


def comparison_folder(names: Sequence[str], out: Path | None) -> Path:
    """Return the folder for a new comparison, made: `out`, or runs/compare/NAMES-TIME.

    Raises:
        UserError: `out` holds a comparison or a run already, or cannot be made.
    """
    joined = "-".join(dict.fromkeys(names))[:80]
    folder = out or _free_folder(RUNS / "compare", before=f"{joined}-")
    _refuse_comparison(folder)
    if there := [name for name in OURS if (folder / name).exists()]:
        raise UserError(f"{folder}: holds a run ({', '.join(there)}); choose another --out")
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_comparison(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files of a comparison in their order. Raises: UserError, as `comparison_folder`."""
    _refuse_comparison(folder)
    with _explained(folder):
        for name, content in contents.items():
            write_atomically(folder / name, content)


def _refuse_comparison(folder: Path) -> None:
    if (folder / "comparison.json").exists():
        raise UserError(f"{folder}: holds a comparison already; choose another --out")


def _free_folder(parent: Path, after: str = "", before: str = "") -> Path:
    """Return a folder of `parent` that is not there yet, named for the time."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = parent / f"{before}{stamp}{after}"
    for suffix in range(2, 1000):
        if not folder.exists():
            break
        folder = parent / f"{before}{stamp}-{suffix}{after}"
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

    def __init__(self, path: Path, config: Config, *, resume: bool = False, origin: Mapping[str, str] | None = None):
        self.path, self.config = path, config
        self._origin = {"checkpoint format": "1", **(origin or {})}
        with _explained(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path)
            try:
                self._enter(resume)
            except BaseException:
                self.close()
                raise
        self._least = _least_seconds()
        self._last = time.monotonic()
        self._cost = 0.0

    def _enter(self, resume: bool) -> None:
        for leftover in self.path.iterdir():  # of a process that was killed; the lock is ours
            if LEFTOVER.fullmatch(leftover.name):
                leftover.unlink(missing_ok=True)
        checkpoints = [_checkpoint(number) for number in self._numbers()]
        there = [name for name in (*OURS, *checkpoints) if (self.path / name).exists()]
        if there and not resume:
            raise UserError(
                f"{self.path}: holds a run already ({', '.join(there)}); choose another --out, or --resume to go on with it"
            )
        if "config.yaml" in there:
            text = (self.path / "config.yaml").read_bytes().decode(errors="replace")
            saved = parse_config(text, f"{self.path}/config.yaml")
            if saved.fingerprint() != self.config.fingerprint():
                raise UserError(f"{self.path}: holds a run of another config; --resume goes on with the same config only")
        elif there:
            raise UserError(f"{self.path}: holds {', '.join(there)} but no config.yaml; choose another --out")
        else:
            self.write("config.yaml", self.config.to_yaml().encode())
        self._checkpoints = self._numbers()
        if self.finished:  # and killed before it could tidy up
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
        with _explained(self.path):
            if not self._still_ours():
                raise UserError(f"{self.path}: the run folder is gone or was replaced; what was not yet in it is lost")
            write_atomically(self.path / name, content)

    def load_checkpoint(self, records: int) -> Progress | None:
        """Return the newest checkpoint that is whole, or None; one that is damaged is said to be, and removed.

        Raises: UserError where it was written by other software, which would not go on with the same bits.
        """
        while self._checkpoints:
            path = self.path / _checkpoint(self._checkpoints[-1])
            with _explained(path):
                content = path.read_bytes()
                body, digest = content[:-32], content[-32:]
                if hashlib.sha256(body).digest() == digest:
                    arrays = _arrays(body, path, "next_segment", "failed_step")
                    self._check_origin(path, json.loads(str(arrays.pop("origin", "{}"))))
                    return Progress.from_arrays(arrays, len(self.config.seeds.pairs), records)
                _log.warning("%s: is damaged; going on from what was kept before it", path)
                path.unlink(missing_ok=True)  # kept, it would stand for one of the two that are whole
                self._checkpoints.pop()
        return None

    def _check_origin(self, path: Path, origin: Mapping[str, str]) -> None:
        for name in {**self._origin, **origin}:
            then, now = origin.get(name), self._origin.get(name)
            if then != now:
                raise UserError(
                    f"{path}: was written with {name} '{then}', and this is '{now}': to go on would give the bits of "
                    f"neither; choose another --out, or delete {self.path}/checkpoint-*.ckpt to begin again"
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
        body = npz_bytes({"origin": np.asarray(json.dumps(self._origin)), **progress.to_arrays()})
        number = self._checkpoints[-1] + 1 if self._checkpoints else 1
        self.write(_checkpoint(number), body + hashlib.sha256(body).digest())
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
        contents |= figures
        for name, content in contents.items():
            self.write(name, content)
        with _explained(self.path):
            contents["config.yaml"] = (self.path / "config.yaml").read_bytes()
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        left_out = {} if rows <= MAX_CSV_ROWS else {"metrics_csv": f"left out: {rows:,} rows; curves.npz has them"}
        final = {name: describe(values) for name, values in curves.items()}
        values = {"final": final, **summary, **left_out, "sha256": sums}
        sums["summary.json"] = _sum_of(values)
        self.write("summary.json", _json_bytes(values))
        self._drop_checkpoints(keep=0)

    def _still_ours(self) -> bool:
        """Return whether the folder is there and is the one that we locked."""
        if self._lock is None:
            return self.path.is_dir()
        try:
            return os.path.samestat(os.fstat(self._lock), (self.path / ".lock").stat())
        except FileNotFoundError:
            return False

    def _numbers(self) -> list[int]:
        names = (path.stem.removeprefix("checkpoint-") for path in self.path.glob("checkpoint-*.ckpt"))
        return sorted(int(name) for name in names if name.isdigit())

    def _drop_checkpoints(self, keep: int) -> None:
        dropped = self._checkpoints[: len(self._checkpoints) - keep]
        self._checkpoints = self._checkpoints[len(dropped) :]
        for number in dropped:
            with contextlib.suppress(OSError):
                (self.path / _checkpoint(number)).unlink()


def _checkpoint(number: int) -> str:
    return f"checkpoint-{number}.ckpt"


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


def printed(final: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the final metrics as `bnlab train` prints them: four digits, and ± the standard deviation over seeds."""
    return ", ".join(f"{name} {_number(values)}" for name, values in final.items()) or "no record"


def _number(values: Mapping[str, float | None]) -> str:
    mean, std = values["mean"], values["std"]
    if mean is None:
        return "not finite"
    return f"{mean:.4g}" if std is None else f"{mean:.4g} ± {std:.2g}"


def write_seed_check(config: Config, out: Path | None, report: Mapping[str, Any]) -> Path:
    """Write seed_check.json to `out`, or runs/seed-check/NAME-TIME-FINGERPRINT, and return its path. Raises: UserError."""
    folder = out or _free_folder(RUNS / "seed-check", before=f"{config.name}-", after=f"-{config.fingerprint()}")
    with _explained(folder):
        write_atomically(folder / "seed_check.json", _json_bytes(report))
    return folder / "seed_check.json"


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the arrays as an .npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(values) for name, values in arrays.items()})  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _arrays(npz: bytes, place: Path, *names: str) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz, never unpickling one. Raises: UserError where it is none, or lacks one of `names`."""
    try:
        with np.load(io.BytesIO(npz), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, AttributeError, zipfile.BadZipFile):
        raise UserError(f"{place}: is not an .npz of plain arrays") from None
    for name in names:
        if name not in arrays:
            raise UserError(f"{place}: has no {name}, so bnlab did not write it")
    return arrays


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


def _sum_of(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of values, however the JSON that holds them is laid out."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


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


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or path
        reason = error.strerror or error
        raise UserError(f"{place}: cannot be written or read: {reason}; what was finished before is kept") from None
