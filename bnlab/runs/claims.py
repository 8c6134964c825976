"""New run folders where several processes train the same computations at once: each computation is left to who begins it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bnlab.config import Config
from bnlab.files import holds
from bnlab.runs.folders import RUNS, disk_errors_explained, run_folder, short_identity
from bnlab.runs.writing import is_being_written

TIME_LETTERS = len("20260131-235959")
"""How much of a run folder's name is its time."""


class Claims:
    """Gives out run folders one by one. A computation that another process has begun meanwhile is refused.

    Make the object before you look what finished runs hold. A run that another process finishes after that look is refused
    too, so that nothing is trained twice.
    """

    def __init__(self, names: Iterable[str]):
        """Note for each name of a config which folders of runs/NAME nobody writes now, and which of these are finished."""
        self._known = {
            name: {
                inner: holds(RUNS / name / inner, "summary.json")
                for inner in _names(name)
                if not is_being_written(RUNS / name / inner)
            }
            for name in set(names)
        }

    def taken(self, config: Config) -> bool:
        """Return whether another process wrote a run of this computation when this object was made, or began one since."""
        return bool(_others(config, self._known[config.name]))

    def claim(self, config: Config, path: Path | None) -> Path | None:
        """Return the folder to train the config in: `path`, which holds an unfinished run, or a new folder.

        None: it is `taken`. Lock the folder soon: until then, another process may take it for one that nobody writes.

        Raises:
            UserError: the folder cannot be made.
        """
        if path is not None:
            return None if self.taken(config) else path
        new = run_folder(config, None)
        with disk_errors_explained(new):
            new.parent.mkdir(parents=True, exist_ok=True)
            try:
                new.mkdir()
            except FileExistsError:  # another process was quicker
                return None
        known = self._known[config.name]
        others = _others(config, known) - {new.name}
        if any(_order(other) < _order(new.name) for other in others):  # made at the same moment
            new.rmdir()
            return None
        known[new.name] = False
        return new


def _others(config: Config, known: Mapping[str, bool]) -> set[str]:
    """Return the folders of a computation that other processes write now, or have begun or finished since `known`."""
    folder, ending = RUNS / config.name, f"-{short_identity(config)}"
    return {
        inner
        for inner in _names(config.name)
        if inner.endswith(ending)
        and (
            inner not in known
            or is_being_written(folder / inner)
            or (not known[inner] and holds(folder / inner, "summary.json"))
        )
    }


def _order(name: str) -> tuple[str, int, str]:
    """Return what puts the folders of one computation in order: the time in the name, then its suffix, as in TIME-2-HASH."""
    return name[:TIME_LETTERS], len(name), name


def _names(name: str) -> list[str]:
    """Return the names of the folders in runs/NAME. There may be thousands, and every new run asks for them."""
    try:
        return os.listdir(RUNS / name)  # noqa: PTH208
    except FileNotFoundError:
        return []
