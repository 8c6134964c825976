"""What is in runs/: an entry for each run folder, whatever state it is in."""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnlab import inline
from bnlab.config import Config, load_config, parse_config, seeds_text
from bnlab.errors import UserError, nearest
from bnlab.files import holds
from bnlab.frames import data_frame
from bnlab.metrics import Split, describe
from bnlab.runs.catalogue import run_folders
from bnlab.runs.folders import RUNS
from bnlab.runs.reading import read_checked, read_summary
from bnlab.runs.summary import printed
from bnlab.runs.writing import is_being_written

if TYPE_CHECKING:
    import pandas as pd


class State(StrEnum):
    """How far a run is."""

    FINISHED = "finished"
    UNFINISHED = "unfinished"
    """It can be resumed."""
    BEING_WRITTEN = "being written"
    DAMAGED = "damaged"
    """Its config or its summary cannot be read, or was altered."""


@dataclass(frozen=True, repr=False)
class Entry:
    """One run folder.

    config: None where it cannot be read. modified: when its newest file was written, in seconds since 1970. size: its bytes.
    final: {metric: mean, std, min, max and per_seed of the last record}; failed: how many seeds failed; both of a finished
    run. problem: what is wrong with a damaged one.
    """

    path: Path
    state: State
    config: Config | None
    modified: float
    size: int
    final: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failed: int = 0
    problem: str = ""

    def __repr__(self) -> str:
        seeds = f", {inline.count(len(self.config.seeds.pairs), 'seed')}" if self.config else ""
        return f"Entry({self.path}: {self.name}, {self.state}{seeds})"

    @property
    def name(self) -> str:
        """The name of its config, or of the folder above where that cannot be read."""
        return self.config.name if self.config else self.path.parent.name

    @property
    def seeds(self) -> str:
        """Its seeds in words."""
        return seeds_text(self.config) if self.config else ""

    @property
    def last(self) -> str:
        """The last metrics in words: those on test rows, or all where there are none; or what is wrong with the run."""
        ours = self.config
        of_test = {name: values for name, values in self.final.items() if ours and describe(name, ours).split is Split.TEST}
        final = of_test or self.final
        failed = f" ({self.failed} failed)" if self.failed else ""
        return self.problem or (printed(final) + failed if final else "")


class Runs(list[Entry]):
    """Entries of runs/, by the name of their config, the newest of each first."""

    def __repr__(self) -> str:
        configs = Counter(entry.name for entry in self)
        states = Counter(entry.state.value for entry in self)
        listed = ", ".join(f"{count} of {name}" for name, count in configs.items()) or "none"
        return f"Runs({listed}{'; ' if states else ''}{', '.join(f'{count} {state}' for state, count in states.items())})"

    def _repr_html_(self) -> str:
        rows = [[str(entry.path), entry.seeds, entry.state.value, entry.last] for entry in self]
        return inline.card(inline.table(("run", "seeds", "state", "last metrics"), rows))

    def to_pandas(self) -> "pd.DataFrame":
        """Return a pandas table: a row for each run, with the mean over seeds of each metric's last record.

        Raises:
            UserError: pandas is not installed.
        """
        return data_frame(
            {
                "run": str(entry.path),
                "config": entry.name,
                "state": entry.state.value,
                "seeds": len(entry.config.seeds.pairs) if entry.config else None,
                "failed": entry.failed,
                "modified": datetime.fromtimestamp(entry.modified, UTC),
                "size": entry.size,
                **{name: values["mean"] for name, values in entry.final.items()},
            }
            for entry in self
        )


def list_runs(names: Sequence[str] = (), *, sweeps: bool = False) -> Runs:
    """Return the runs in runs/, by the name of their config, the newest of each first.

    names: those of configs, run folders, or folders above runs; none stands for all runs. sweeps: a name may also be the
    folder of a sweep, which stands for the runs of its points.

    Raises:
        UserError: a name that no run has, or a sweep of which a run is gone.
    """
    if not names:
        return _sorted([_entry(path) for path in run_folders(RUNS)])
    chosen: dict[Path, Entry] = {}
    every: list[Entry] | None = None
    for name in names:
        if found := _of_sweep(Path(name)) if sweeps and holds(Path(name), "sweep.json") else _below(Path(name)):
            chosen |= {entry.path: entry for entry in found}
            continue
        every = [_entry(path) for path in run_folders(RUNS)] if every is None else every
        found = [entry for entry in every if name in (entry.name, entry.path.name)]
        if not found:
            known = dict.fromkeys(entry.name for entry in every)
            raise UserError(f"{name}: no run in {RUNS} has this name, and no folder here{nearest(name, known)}")
        chosen |= {entry.path: entry for entry in found}
    return _sorted(chosen.values())


def _below(path: Path) -> list[Entry]:
    if holds(path, "config.yaml"):
        return [_entry(path)]
    return [_entry(inner) for inner in run_folders(path)]


def _of_sweep(folder: Path) -> list[Entry]:
    """Return the runs that a sweep's points took their seeds from. Raises: UserError."""
    path = folder / "sweep.json"
    try:
        points = json.loads(path.read_bytes())["points"]
        runs = dict.fromkeys(Path(run) for point in points for run in point["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path}: cannot be read as the answers of a sweep") from None
    for run in runs:
        if not holds(run, "config.yaml"):
            raise UserError(f"{path}: names the run {run}, which is not here")
    return [_entry(run) for run in runs]


def _sorted(entries: Iterable[Entry]) -> Runs:
    return Runs(sorted(entries, key=lambda entry: (entry.name, -entry.modified, entry.path.name)))


def _entry(path: Path) -> Entry:
    modified, size = _written(path)
    try:
        if (path / "summary.json").is_file():
            summary = read_summary(path / "summary.json")
            text = read_checked(path, "config.yaml", summary["sha256"]).decode()
            config = parse_config(text, str(path / "config.yaml"), own=True)
            final, failed = summary.get("final", {}), len(summary.get("failed", []))
            return Entry(path, State.FINISHED, config, modified, size, final, failed)
        state = State.BEING_WRITTEN if is_being_written(path) else State.UNFINISHED
        return Entry(path, state, load_config(path / "config.yaml"), modified, size)
    except (UserError, OSError) as error:
        return Entry(path, State.DAMAGED, None, modified, size, problem=str(error))


def _written(path: Path) -> tuple[float, int]:
    """Return when the newest file of a folder was written, and the bytes of all. Files may go while we look: a run writes."""
    stats: list[os.stat_result] = []
    with contextlib.suppress(OSError), os.scandir(path) as files:
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                stats += [file.stat()] if file.is_file() else []
    return max((stat.st_mtime for stat in stats), default=0.0), sum(stat.st_size for stat in stats)
