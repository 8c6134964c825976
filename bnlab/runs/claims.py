"""New run folders where several processes train the same computations at once: each computation is left to who begins it."""

import os
from collections.abc import Iterable
from pathlib import Path

from bnlab.config import Config
from bnlab.runs.folders import RUNS, disk_errors_explained, run_folder, short_identity
from bnlab.runs.writing import is_being_written


class Claims:
    """Gives out run folders one by one. A computation that another process has begun meanwhile is refused.

    Make the object before you look what finished runs hold. A run that another process finishes after that look is refused
    too, so that nothing is trained twice.
    """

    def __init__(self, names: Iterable[str]):
        """Note which folders of runs/NAME nobody is writing now, for each of these names of configs."""
        self._known = {
            name: {inner for inner in _names(name) if not is_being_written(RUNS / name / inner)} for name in set(names)
        }

    def claim(self, config: Config, path: Path | None) -> Path | None:
        """Return the folder to train the config in: `path`, which holds an unfinished run, or a new folder.

        None: another process was writing a run of this computation when this object was made, or has begun one since.

        Raises:
            UserError: the folder cannot be made.
        """
        if self._others(config):
            return None
        if path is not None:
            return path
        new = run_folder(config, None)
        with disk_errors_explained(new):
            new.parent.mkdir(parents=True, exist_ok=True)
            try:
                new.mkdir()
            except FileExistsError:  # another process was quicker
                return None
        if any(other < new.name for other in self._others(config) - {new.name}):  # it was made at the same moment
            new.rmdir()
            return None
        self._known[config.name].add(new.name)
        return new

    def _others(self, config: Config) -> set[str]:
        """Return the folders of the computation that other processes write now, or have begun since."""
        ending, known = f"-{short_identity(config)}", self._known[config.name]
        same = {name for name in _names(config.name) if name.endswith(ending)}
        return {name for name in same if name not in known or is_being_written(RUNS / config.name / name)}


def _names(name: str) -> set[str]:
    """Return the names of the folders in runs/NAME."""
    try:
        with os.scandir(RUNS / name) as entries:
            return {entry.name for entry in entries}
    except FileNotFoundError:
        return set()
