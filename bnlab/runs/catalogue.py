"""What runs/ holds of a computation: finished runs to take seeds from, and unfinished ones to resume."""

import json
import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from bnlab.config import Config, SeedPair, load_config
from bnlab.errors import UserError
from bnlab.files import holds
from bnlab.runs.checkpoints import peek_origin
from bnlab.runs.folders import HASH_DIGITS, RUNS, short_identity
from bnlab.runs.identity import same_computation
from bnlab.runs.reading import Run, read_run
from bnlab.runs.writing import FORMAT, is_being_written

DEPTH = 3
"""How many folders below runs/ a run may lie."""
_NAMED = re.compile(rf".*-([0-9a-f]{{{HASH_DIGITS}}})")

_log = logging.getLogger(__name__)


class Catalogue:
    """The runs in runs/, found by the hash in their folder's name, or by their summary or config where it has none.

    The hash is a hint. A run counts only where its own config is the same computation. Folders are listed once, when the
    catalogue is first asked; a run that is written later is not seen.
    """

    def finished(self, config: Config) -> list[Run]:
        """Return the finished runs of the config's computation, whatever their seeds and numerics, the newest first.

        One that cannot be read, or was altered, is left out with a warning.
        """
        found: list[Run] = []
        for path in self._candidates(config):
            if (path / "summary.json").is_file():
                try:
                    run = read_run(path)
                except UserError as error:
                    _log.warning("%s; it is not used", error)
                    continue
                if same_computation(run.config, config):
                    found.append(run)
        return found

    def unfinished(self, config: Config, numerics: Mapping[str, str] | None = None) -> list[tuple[Path, list[SeedPair]]]:
        """Return the folders and seeds of unfinished runs of the computation that nobody is writing, the newest first.

        With `numerics`, only those that can go on under them.
        """
        found: list[tuple[Path, list[SeedPair]]] = []
        for path in self._candidates(config):
            if (path / "summary.json").exists() or is_being_written(path):
                continue
            try:
                begun = load_config(path / "config.yaml")
            except UserError:
                continue
            if same_computation(begun, config) and (numerics is None or _goes_on(path, numerics)):
                found.append((path, begun.seeds.pairs))
        return found

    def _candidates(self, config: Config) -> list[Path]:
        return sorted(self._folders.get(short_identity(config), []), key=_age, reverse=True)

    @cached_property
    def _folders(self) -> dict[str, list[Path]]:
        """{the hash's digits: folders}."""
        folders: dict[str, list[Path]] = defaultdict(list)
        for path in run_folders(RUNS):
            if digits := _digits(path):
                folders[digits].append(path)
        return folders


def run_folders(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield the run folders at most so many folders below, sorted by name."""
    try:
        inside = sorted((entry for entry in os.scandir(folder) if entry.is_dir()), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in inside:
        path = folder / entry.name
        if holds(path, "config.yaml"):
            yield path
        elif depth > 1:
            yield from run_folders(path, depth - 1)


def _digits(path: Path) -> str | None:
    """Return the beginning of a run's identity, from its folder's name or from what is in the folder; None if unknown."""
    if match := _NAMED.fullmatch(path.name):
        return match[1]
    try:
        return json.loads((path / "summary.json").read_bytes())["identity"][:HASH_DIGITS]
    except FileNotFoundError:
        return _digits_of_config(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # made by an older version, or damaged


def _digits_of_config(path: Path) -> str | None:
    try:
        return short_identity(load_config(path / "config.yaml"))
    except UserError:
        return None


def _age(path: Path) -> tuple[float, str]:
    """Return what to sort runs by, from old to new."""
    for name in ("summary.json", "config.yaml"):
        try:
            return (path / name).stat().st_mtime, path.name
        except OSError:
            continue
    return 0.0, path.name


def _goes_on(path: Path, numerics: Mapping[str, str]) -> bool:
    """Whether a run has no checkpoint yet, or one of these numerics."""
    origin = peek_origin(path)
    return origin is None or all(origin.get(name) == value for name, value in {**FORMAT, **numerics}.items())
