"""Curves as event files of TensorBoard: a folder for each seed, below one folder that TensorBoard is given.

DIR/CONFIG/RUN/seed-0/events.out.tfevents.000000000000.bnlab

A scalar has the name of its metric in curves.npz, and its float32 value. The number in a file's name is the step before its
first record: a resumed seed begins another file. TensorBoard reads the files in this order and drops what the first one holds
of the steps that were trained again.

Where the configs differ, each seed also has the differing fields as hyperparameters. The seeds of a run are one group of
TensorBoard's HPARAMS page, which shows the mean of their last records.
"""

import importlib
import json
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.config import Config, computed_fields, differing_keys, value_at, value_text
from bnlab.errors import UserError
from bnlab.runs.folders import disk_errors_explained
from bnlab.runs.reading import Run

EVENT_FILE = "events.out.tfevents.{:012}.bnlab"
"""TensorBoard knows an event file by "tfevents" in its name."""


class EventFiles:
    """The event files of some runs, below `folder`.

    runs: (config, run folder) of each. argument: the option that asked for them, for messages.

    Raises:
        UserError: tensorboardX is not installed, or two runs would have the same event files.
    """

    def __init__(self, folder: Path, runs: Sequence[tuple[Config, Path]], *, argument: str):
        try:
            self._records = importlib.import_module("tensorboardX.record_writer")
            self._events = importlib.import_module("tensorboardX.proto.event_pb2")
            self._summaries = importlib.import_module("tensorboardX.proto.summary_pb2")
            self._hparams = importlib.import_module("tensorboardX.proto.plugin_hparams_pb2")
        except ImportError:
            problem = "TensorBoard's files need the package tensorboardX, which is not installed"
            advice = "install it with `pip install 'bnlab[tensorboard]'`"
            raise UserError(problem, argument=argument, advice=advice) from None
        self._folder = folder
        self._folders: dict[Path, Path] = {}
        """{run folder: the folder of its event files}."""
        self._files: dict[Path, Path] = {}
        """{folder of a seed: the file that its records go to}."""
        for config, path in runs:
            events = folder / config.name / path.name
            if events in self._folders.values():
                raise UserError(f"two runs of {config.name} are in folders named {path.name}", argument=argument)
            self._folders[path] = events
        self._varied = dict(zip(self._folders, varied_fields([config for config, _ in runs]), strict=True))

    def add(
        self, path: Path, seeds: tuple[int, int], after: int, step: Sequence[int], curves: Mapping[str, np.ndarray]
    ) -> None:
        """Add records of a seed of the run in `path`: metric m has the value curves[m][r] at step[r].

        The first records of a seed begin a file, which replaces those of step `after` and later ones.

        Raises:
            UserError: the disk refuses.
        """
        folder = self._folders[path] / _seed_name(seeds)
        with disk_errors_explained(folder):
            if folder not in self._files:
                self._files[folder] = folder / EVENT_FILE.format(after)
                folder.mkdir(parents=True, exist_ok=True)
                for old in folder.glob(EVENT_FILE.replace("{:012}", "*")):
                    if old >= self._files[folder]:
                        old.unlink()
                self._append(folder, self._head(path, after))
            self._append(folder, self._scalars(step, curves))

    def _append(self, folder: Path, events: Iterable[Any]) -> None:
        with self._files[folder].open("ab") as file:
            file.write(b"".join(map(self._framed, events)))

    def _head(self, path: Path, after: int) -> Iterator[Any]:
        """Yield the first events of a file: its version, where it goes on, and the seed's hyperparameters."""
        yield self._event(file_version="brain.Event:2")
        if after:  # TensorBoard then drops what an earlier file holds of later steps
            yield self._event(step=after + 1, session_log=self._events.SessionLog(status=self._events.SessionLog.START))
        if self._varied[path]:
            info = self._hparams.SessionStartInfo(group_name=str(self._folders[path].relative_to(self._folder)))
            for name, value in self._varied[path].items():
                kind = {bool: "bool_value", str: "string_value"}.get(type(value), "number_value")
                setattr(info.hparams[name], kind, value)
            content = self._hparams.HParamsPluginData(session_start_info=info).SerializeToString()
            plugin = self._summaries.SummaryMetadata.PluginData(plugin_name="hparams", content=content)
            metadata = self._summaries.SummaryMetadata(plugin_data=plugin)
            yield self._summary([self._summaries.Summary.Value(tag="_hparams_/session_start_info", metadata=metadata)])

    def _scalars(self, step: Sequence[int], curves: Mapping[str, np.ndarray]) -> Iterator[Any]:
        """Yield an event for each record, with all of its metrics."""
        values = {name: curve.tolist() for name, curve in curves.items()}
        for record, at in enumerate(step):
            scalars = [self._summaries.Summary.Value(tag=name, simple_value=curve[record]) for name, curve in values.items()]
            yield self._summary(scalars, step=at)

    def _summary(self, values: Sequence[Any], *, step: int = 0) -> Any:
        return self._event(step=step, summary=self._summaries.Summary(value=values))

    def _event(self, **content: Any) -> Any:
        return self._events.Event(wall_time=time.time(), **content)

    def _framed(self, event: Any) -> bytes:
        """Return an event as a record of a TFRecord file: length, sum of the length, content, sum of the content.

        tensorboardX itself keeps a file and a thread open for each writer, which thousands of seeds cannot have.
        """
        content = event.SerializeToString()
        length = struct.pack("<Q", len(content))
        sums = [struct.pack("<I", self._records.masked_crc32c(part)) for part in (length, content)]
        return b"".join((length, sums[0], content, sums[1]))


def write_event_files(runs: Sequence[Run], folder: Path, *, argument: str) -> None:
    """Write the curves of finished runs below `folder`. A failed seed's curve ends before the step at which it failed.

    Raises:
        UserError: see `EventFiles`; or the disk refuses.
    """
    files = EventFiles(folder, [(run.config, run.path) for run in runs], argument=argument)
    for run in runs:
        failed = {(one.init, one.data): one.step for one in run.failures}
        for row, pair in enumerate(run.pairs):
            step = run.step[: int(np.searchsorted(run.step, failed[pair])) if pair in failed else None]
            files.add(run.path, pair, 0, step.tolist(), {name: curve[row] for name, curve in run.curves.items()})


def varied_fields(configs: Sequence[Config]) -> list[dict[str, str | float | bool]]:
    """Return for each config {field: value} of the fields in which the configs differ, none where they are the same.

    A value that is no number is written in its shortest form, or as JSON where two values have the same shortest form.
    """
    fields = [computed_fields(config) for config in configs]
    varied: list[dict[str, str | float | bool]] = [{} for _ in configs]
    for key in differing_keys(fields) if fields else ():
        values = [value_at(section, key) for section in fields]
        if not all(isinstance(value, int | float) for value in values):
            exact = [json.dumps(value) for value in values]
            short = [value_text(value) for value in values]
            values = short if len({*short}) == len({*exact}) else exact
        for one, value in zip(varied, values, strict=True):
            one[key] = value
    return varied


def _seed_name(seeds: tuple[int, int]) -> str:
    init, data = seeds
    return f"seed-{init}" if init == data else f"init-{init}-data-{data}"
