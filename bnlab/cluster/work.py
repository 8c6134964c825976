"""What a worker does with a bundle: it trains the seeds as `train_here` does, and returns arrays."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from distributed import get_worker
from distributed.utils import sync

from bnlab.config import Config, SeedPair
from bnlab.data import Dataset
from bnlab.experiment import Part, SeedTask, train_here
from bnlab.training import Checked, Prepared, Segment
from bnlab.training.evaluation import Data
from bnlab.training.prepared import build_recipe, device_data


@dataclass(frozen=True)
class Item:
    """Segments of one seed: those from number `first` up to `end`, which is excluded. leaves: see `SeedTask`."""

    config: Config
    seeds: SeedPair
    segments: Sequence[Segment]
    first: int
    end: int
    leaves: Sequence[Any] | None


@dataclass(frozen=True)
class Bundle:
    """The items of one Dask task. All have the data set whose SHA-256 is `data`.

    name: of this bundle, whenever it is sent. place: where the scheduler keeps how often the bundle was begun; a place is
    used again when its bundle is done. most_starts: it is not begun more often than this.
    """

    name: str
    place: tuple[str, str]
    items: Sequence[Item]
    data: str
    most_starts: int


@dataclass(frozen=True)
class Trained:
    """The parts of a bundle, in the order of its items. seconds: how long it took, without compiling."""

    parts: Sequence[Part]
    seconds: float


def train_bundle(bundle: Bundle, dataset: Dataset) -> Trained | None:
    """Train a bundle. Return None where it was begun `most_starts` times before: each time its worker was lost.

    Raises:
        ValueError: the data are not those of the client.
    """
    starts = _Starts(bundle)
    if (before := starts.read()) >= bundle.most_starts:
        return None
    starts.write(before + 1)
    trained = _train(bundle, dataset)
    starts.write(before)  # this time its worker was not lost, even if another bundle kills it before the result is fetched
    return trained


def sha256_of(dataset: Dataset) -> str:
    """Return the SHA-256 of a data set: of its arrays, their shapes and types."""
    digest = hashlib.sha256()
    for name in ("train", "valid", "test"):
        split = getattr(dataset, name)
        for array in () if split is None else (split.raw, split.targets):
            digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


class _Starts:
    """How often a bundle was begun and lost its worker. The scheduler keeps the number."""

    def __init__(self, bundle: Bundle):
        self._bundle, self._worker = bundle, get_worker()

    def read(self) -> int:
        """Return the number. While the bundle is not being trained, each start counted there has lost its worker."""
        found: Any = self._ask(self._worker.scheduler.get_metadata, default=["", 0])
        name, starts = found
        return starts if name == self._bundle.name else 0

    def write(self, starts: int) -> None:
        """Keep the number. When this returns, the scheduler has it."""
        self._ask(self._worker.scheduler.set_metadata, value=[self._bundle.name, starts])

    def _ask(self, handler: Callable[..., Any], **arguments: Any) -> Any:
        return sync(self._worker.loop, handler, keys=[*self._bundle.place], **arguments)


MOST_DATASETS = 4
"""So many data sets stay on a worker's device, the last ones."""

_data: dict[str, Data] = {}
_data_lock = threading.Lock()


def _on_device(digest: str, dataset: Dataset) -> Data:
    """Return the data set on the device. It is put there once in the life of a worker, and its sum is checked then."""
    with _data_lock:
        if digest not in _data:
            if (found := sha256_of(dataset)) != digest:
                raise ValueError(f"{dataset.name}: arrived with SHA-256 {found}, expected {digest}")
            _data[digest] = device_data(dataset)
            if len(_data) > MOST_DATASETS:
                del _data[next(iter(_data))]
        return _data[digest]


def _train(bundle: Bundle, dataset: Dataset) -> Trained:
    data = _on_device(bundle.data, dataset)
    began = time.perf_counter()
    prepared: dict[int, Prepared] = {}
    for item in bundle.items:
        if id(item.config) not in prepared:
            checked = Checked(item.config, dataset, data, build_recipe(item.config, dataset))
            prepared[id(item.config)] = checked.ready()
    programs = list({id(one.program): one.program for one in prepared.values()}.values())
    compiled = sum(program.compile_seconds for program in programs)
    tasks = [
        SeedTask(replace(prepared[id(item.config)], segments=item.segments[: item.end]), item.seeds, item.first, item.leaves)
        for item in bundle.items
    ]
    parts = _parts(tasks)
    compiling = sum(program.compile_seconds for program in programs) - compiled
    return Trained(parts, max(0.0, time.perf_counter() - began - compiling))


def _parts(tasks: Sequence[SeedTask]) -> list[Part]:
    """Train the tasks; return one part for each."""
    parts: list[list[Part]] = [[] for _ in tasks]
    for part in train_here(tasks):
        before = parts[part.task]
        before.append(replace(part, chunk=None))
        if len(before) > 1:  # only the last state is wanted
            before[-2] = replace(before[-2], leaves=())
    return [_joined(segments) for segments in parts]


def _joined(parts: Sequence[Part]) -> Part:
    """Return the parts of one seed as one."""
    last = parts[-1]
    return replace(
        last,
        record=parts[0].record,
        metrics=_concatenated([part.metrics for part in parts]),
        leaves=[np.asarray(leaf) for leaf in jax.device_get(list(last.leaves))],
        steps=sum(part.steps for part in parts),
        seconds=sum(part.seconds for part in parts),
    )


def _concatenated(metrics: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for one in metrics for name in one)
    return {name: np.concatenate([one[name] for one in metrics if name in one]) for name in names}
