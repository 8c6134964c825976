"""Paths that a user gives, the folder of bnlab's own cached files, and writing a file atomically."""

import contextlib
import os
import secrets
from pathlib import Path

from bnlab.errors import UserError


def cache_root() -> Path:
    """Return `$BNLAB_CACHE_DIR`, else the user's cache folder for bnlab. Raises: UserError, as `expanded`."""
    if given := os.environ.get("BNLAB_CACHE_DIR"):
        return expanded(given, "BNLAB_CACHE_DIR")
    from platformdirs import user_cache_path

    return user_cache_path("bnlab", appauthor=False)


def expanded(path: str, place: str) -> Path:
    """Return the path with a home folder in the place of ~ or ~user; `place` says in the error where the path stands.

    Raises: UserError where there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{place}: got '{path}', and there is no such home folder") from None


def holds(folder: Path, name: str) -> bool:
    """Return whether the folder holds this file; not where it may not be entered, or where no folder can have its name."""
    try:
        return (folder / name).is_file()
    except OSError:
        return False


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to `path`, and make its folder. However the process ends, no partly written file is left at `path`.

    durable: waits until the disk has the data, which takes milliseconds. Only then does the file also survive a power cut.

    Raises: OSError; the temporary file beside `path` is then removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            with contextlib.suppress(OSError):  # Windows, and some network disks, have no way to wait for a folder
                _wait_for_names(path.parent)
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise


def _wait_for_names(folder: Path) -> None:
    """Wait until the disk has the names of the folder's files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
