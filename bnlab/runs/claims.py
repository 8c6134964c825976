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
        ending, known = f"-{short_identity(config)}", self._known[config.name]
        if _others(config.name, ending, known):
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
        if any(other < new.name for other in _others(config.name, ending, known) - {new.name}):  # made at the same moment
            new.rmdir()
            return None
        known.add(new.name)
        return new


def _others(name: str, ending: str, known: set[str]) -> set[str]:
    """Return the folders of a computation that other processes write now, or have begun since the known ones."""
    same = [inner for inner in _names(name) if inner.endswith(ending)]
    return {inner for inner in same if inner not in known or is_being_written(RUNS / name / inner)}


def _names(name: str) -> list[str]:
    """Return the names of the folders in runs/NAME. There may be thousands, and every new run asks for them."""
    try:
        with os.scandir(RUNS / name) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []
