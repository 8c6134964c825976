"""Finished runs, read back; a run whose files were altered is refused."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bnlab import inline
from bnlab.config import Config, parse_config
from bnlab.errors import UserError
from bnlab.frames import data_frame
from bnlab.runs.arrays import npz_arrays, sum_of

if TYPE_CHECKING:
    import pandas as pd

CHECKED = ("config.yaml", "curves.npz", "params.npz")


class Failure(NamedTuple):
    """A seed whose loss was no longer finite, and the step at which it was not."""

    init: int
    data: int
    step: int

    @property
    def seed(self) -> str:
        """The seed in words: "seed 3", or "init seed 0 with data seed 3"."""
        return f"seed {self.init}" if self.init == self.data else f"init seed {self.init} with data seed {self.data}"


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        return f"Run({self.path}: {self.config.name}, {self._shape}; {', '.join(self.curves)})"

    def _repr_html_(self) -> str:
        columns = ("mean", "std", "min", "max")
        rows = [
            [name, *("" if values[column] is None else f"{values[column]:.4g}" for column in columns)]
            for name, values in self.summary["final"].items()
        ]
        return inline.card(
            inline.title(self.config.name, self._shape, self.path),
            inline.picture(self.path / "loss.png", f"loss of {self.config.name}"),
            inline.table(("last record", *columns), rows),
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Return the curves as a pandas table: a row for each seed and step, a column for each metric, as in metrics.csv.

        Raises:
            UserError: pandas is not installed.
        """
        records = len(self.step)
        return data_frame(
            {
                "seed": np.repeat(self.seeds, records),
                "data_seed": np.repeat(self.data_seeds, records),
                "step": np.tile(self.step, len(self.seeds)),
                **{name: values.ravel() for name, values in self.curves.items()},
            }
        )

    @property
    def _shape(self) -> str:
        return f"{inline.count(len(self.seeds), 'seed')}, {inline.count(len(self.step), 'record')}"

    @cached_property
    def params(self) -> dict[str, np.ndarray]:
        """Final weights and moving statistics, leading axis = seed."""
        content = read_checked(self.path, "params.npz", self.summary["sha256"])
        return npz_arrays(content, self.path / "params.npz")

    @cached_property
    def examples(self) -> dict[str, np.ndarray]:
        """{"test_correct": whether the final model of each seed classifies each test example correctly, [S, examples]}.

        Empty where the config does not ask for it (`probes.test_correct`). A failed seed's model is its last one.
        """
        if "examples.npz" not in self.summary["sha256"]:
            return {}
        content = read_checked(self.path, "examples.npz", self.summary["sha256"])
        return npz_arrays(content, self.path / "examples.npz")

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device, threads, flags, commit and command of the run."""
        return json.loads(read_checked(self.path, "environment.json", self.summary["sha256"]))

    @property
    def numerics(self) -> dict[str, str] | None:
        """All that the run's bits depend on besides its config; None where an old version of bnlab did not record it."""
        found = self.environment.get("numerics")
        return found if isinstance(found, dict) else None

    @property
    def failures(self) -> list[Failure]:
        """The seeds that failed."""
        failed = self.summary.get("failed", [])
        return [Failure(one["seed"], one.get("data_seed", one["seed"]), one["step"]) for one in failed]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(init, data) of each seed."""
        return list(zip(self.seeds.tolist(), self.data_seeds.tolist(), strict=True))


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
            raise UserError(f"{path}: this run is not finished", advice="`bnlab train … --resume` finishes it")
        names = {file.name for file in path.iterdir()}
        summary = read_summary(path / "summary.json")
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be read: {error.strerror}") from None
    sums = summary["sha256"]
    contents = {name: read_checked(path, name, sums) for name in sums if name in names or name in CHECKED}
    config = parse_config(contents["config.yaml"].decode(), str(path / "config.yaml"), own=True)
    arrays = npz_arrays(contents["curves.npz"], path / "curves.npz", "seeds", "data_seeds", "step")
    seeds, data_seeds, step = (arrays.pop(name) for name in ("seeds", "data_seeds", "step"))
    return Run(path, config, seeds, data_seeds, step, arrays, summary)


def read_summary(path: Path) -> dict[str, Any]:
    """Return summary.json, checked against the sum of its own values that it holds. Raises: UserError, OSError."""
    try:
        return parse_summary(path.read_bytes())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(f"{path}: was altered or damaged after the run: its values and their SHA-256 do not agree") from None


def parse_summary(content: bytes) -> dict[str, Any]:
    """Return the values of a summary.json without their own sum. Raises: ValueError and others where the sum is wrong."""
    summary = json.loads(content)
    sums = summary["sha256"]
    own = sums.pop("summary.json")
    if own != sum_of(summary) or not all(name in sums for name in CHECKED):
        raise ValueError
    return summary


def read_checked(path: Path, name: str, sums: Mapping[str, str]) -> bytes:
    """Return a file's content. Raises: UserError where its SHA-256 is not the one in `sums`."""
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise UserError(f"{path / name}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != sums.get(name):
        raise UserError(f"{path / name}: was altered or damaged after the run: its SHA-256 is not summary.json's")
    return content
