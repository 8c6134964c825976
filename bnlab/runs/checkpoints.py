"""How far a run is, on the host, and as bytes on the disk."""

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.runs.arrays import npz_arrays, npz_bytes

_CHECKPOINT = re.compile(r"checkpoint-([0-9]+)\.ckpt")
_DIGEST = 32
"""Bytes of the SHA-256 that ends a checkpoint."""


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
            if name not in self.metrics:
                self.metrics[name] = np.full((self.seeds, self.records), np.nan, np.float32)
            self.metrics[name][seed, first : first + len(values)] = values

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


def checkpoint_numbers(names: Iterable[str]) -> list[int]:
    """Return the numbers of the checkpoints among the names of a run folder's files, in their order."""
    return sorted(int(match[1]) for match in map(_CHECKPOINT.fullmatch, names) if match)


def checkpoint_name(number: int) -> str:
    """Return the file name of a checkpoint."""
    return f"checkpoint-{number}.ckpt"


def checkpoint_bytes(progress: Progress, origin: Mapping[str, str]) -> bytes:
    """Return a checkpoint's content; `origin` says what its bits depend on."""
    body = npz_bytes({"origin": np.asarray(json.dumps(dict(origin))), **progress.to_arrays()})
    return body + hashlib.sha256(body).digest()


def parse_checkpoint(content: bytes, place: Path) -> tuple[dict[str, np.ndarray], dict[str, str]] | None:
    """Return the arrays of a checkpoint (for `Progress.from_arrays`) and its origin; None where it is damaged."""
    body, digest = content[:-_DIGEST], content[-_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None
    arrays = npz_arrays(body, place, "next_segment", "failed_step")
    return arrays, json.loads(str(arrays.pop("origin", "{}")))


def peek_origin(path: Path) -> dict[str, str] | None:
    """Return the origin of a run folder's newest checkpoint without reading the rest; None where there is none to be read."""
    try:
        numbers = checkpoint_numbers(os.listdir(path))  # noqa: PTH208
    except OSError:
        return None
    for number in reversed(numbers):
        try:
            with np.load(path / checkpoint_name(number), allow_pickle=False) as file:
                return json.loads(str(file["origin"]))
        except (OSError, ValueError, KeyError, AttributeError, zipfile.BadZipFile):
            continue
    return None
