"""Where runs, comparisons, reports and seed-checks go, and the writing of answers that are no runs."""

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bnlab.config import Config, changes, load_config, shipped_configs
from bnlab.errors import UserError
from bnlab.files import write_atomically
from bnlab.runs.arrays import json_bytes
from bnlab.runs.identity import identity

RUNS = Path("runs")
MOST_CHANGES = 60
"""So many letters of a folder's name say what the run computes otherwise than the shipped config of its name."""
RUN_FILES = ("config.yaml", "curves.npz", "params.npz", "examples.npz", "metrics.csv", "summary.json", "environment.json")
"""What bnlab writes into run folders, figures aside."""
HASH_DIGITS = 12
"""How much of a computation's identity stands in a folder's name: enough to search by, not to decide by."""


def run_folder(config: Config, out: Path | None) -> Path:
    """Return the folder for a new run: `out`, or runs/NAME/TIME-CHANGES-HASH; no CHANGES where there are none."""
    if out is not None:
        return out
    changed = _fitting(changes(shipped, config)) if (shipped := _shipped(config.name)) else ""
    return _free_folder(RUNS / config.name, after=f"{changed and f'-{changed}'}-{short_identity(config)}")


@cache
def _shipped(name: str) -> Config | None:
    """Return the shipped config of this name, where there is one."""
    path = shipped_configs().get(name)
    return load_config(path) if path else None


def _fitting(words: Sequence[str]) -> str:
    """Return the first words that have room in a folder's name, with "etc" for the others."""
    plain = [re.sub(r"[^\w.=+,-]", "", word.replace(": ", "=")) for word in words]
    joined = ""
    for word in plain:
        longer = f"{joined},{word}" if joined else word
        if len(longer) > MOST_CHANGES:
            return f"{joined},etc" if joined else "etc"
        joined = longer
    return joined


def short_identity(config: Config) -> str:
    """Return the part of a config's identity that stands in folder names."""
    return identity(config)[:HASH_DIGITS]


def comparison_folder(names: Sequence[str], out: Path | None) -> Path:
    """Return the folder for a new comparison, made: `out`, or runs/compare/NAMES-TIME. Names may be settings too.

    Raises:
        UserError: `out` holds a comparison or a run already, or cannot be made.
    """
    joined = re.sub(r"[^\w.=+,-]", "", "-".join(dict.fromkeys(names)))[:80]
    return _made(out, *_COMPARISON) if out else _new_folder(RUNS / "compare", before=f"{joined}-")


def write_comparison(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files of a comparison in their order. Raises: UserError, as `comparison_folder`."""
    _refuse(folder, *_COMPARISON)
    write_answers(folder, contents)


def report_folder(out: Path | None) -> Path:
    """Return the folder for a report: `out`, or runs/reproduce/TIME. It is made when the report is written.

    Raises:
        UserError: `out` cannot be made or written to. The training before the report may take hours.
    """
    if out is None:
        return _free_folder(RUNS / "reproduce")
    with disk_errors_explained(out):
        there = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))
    return out


def sweep_folder(name: str, out: Path | None) -> Path:
    """Return the folder for the answers of a sweep, made: `out`, or runs/sweep/NAME-TIME.

    Raises:
        UserError: `out` holds the answers of a sweep or a run already, or cannot be made.
    """
    return _made(out, "sweep.json", "the answers of a sweep") if out else _new_folder(RUNS / "sweep", before=f"{name}-")


def write_answers(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files of a report or a sweep in their order, over older ones. Raises: UserError where the disk refuses."""
    with disk_errors_explained(folder):
        for name, content in contents.items():
            write_atomically(folder / name, content)


def write_seed_check(config: Config, out: Path | None, report: Mapping[str, Any]) -> Path:
    """Write seed_check.json to `out`, or runs/seed-check/NAME-TIME-HASH, and return its path. Raises: UserError."""
    folder = out or _free_folder(RUNS / "seed-check", before=f"{config.name}-", after=f"-{short_identity(config)}")
    with disk_errors_explained(folder):
        write_atomically(folder / "seed_check.json", json_bytes(report))
    return folder / "seed_check.json"


_COMPARISON = ("comparison.json", "a comparison")
"""The last file of a comparison, and what a folder with this file holds."""


def _refuse(folder: Path, last: str, what: str) -> None:
    if (folder / last).exists():
        raise UserError(f"{folder}: holds {what} already", advice="choose another --out")


def _made(folder: Path, last: str, what: str) -> Path:
    """Return the folder, made. Raises: UserError where it holds a run, or an answer whose last file is `last`."""
    with disk_errors_explained(folder):
        _refuse(folder, last, what)
        if there := [name for name in RUN_FILES if (folder / name).exists()]:
            raise UserError(f"{folder}: holds a run ({', '.join(there)})", advice="choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _new_folder(parent: Path, *, before: str) -> Path:
    """Make a folder of `parent`, named for the time, and return it. No other process has made the same."""
    while True:
        folder = _free_folder(parent, before=before)
        with disk_errors_explained(folder), contextlib.suppress(FileExistsError):  # another process was quicker
            folder.mkdir(parents=True)
            return folder


def _free_folder(parent: Path, *, before: str = "", after: str = "") -> Path:
    """Return a folder of `parent` that is not there yet, named for the time."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = parent / f"{before}{stamp}{after}"
    for suffix in range(2, 1000):
        if not folder.exists():
            break
        folder = parent / f"{before}{stamp}-{suffix}{after}"
    return folder


@contextlib.contextmanager
def disk_errors_explained(path: Path) -> Iterator[None]:
    """Raise UserError, which names the file and the reason, where the disk refuses."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        reason = error.strerror or error
        raise UserError(f"{place}: cannot be written or read: {reason}; what was finished before is kept") from None
