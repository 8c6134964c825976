"""Data sets: arrays out, NumPy only. The order of their batches is `bnlab.data.batches`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bnlab.data import constant, digits, mnist, regression
from bnlab.data.dataset import PIXEL as PIXEL
from bnlab.data.dataset import Dataset as Dataset
from bnlab.data.dataset import FileStatus as FileStatus
from bnlab.data.dataset import Split as Split
from bnlab.errors import UserError, nearest

_LOADERS: dict[str, Callable[..., Dataset]] = {
    "regression": regression.load,
    "mnist": mnist.load,
    "digits": digits.load,
    "constant": constant.load,
}

NAMES = tuple(_LOADERS)


def load(name: str, **options: Any) -> Dataset:
    """Return the data set of that name; `options` are those of its module's `load`.

    Raises: UserError for an unknown name, and for files that are damaged or cannot be had.
    """
    _check(name)
    return _LOADERS[name](**options)


def status() -> list[FileStatus]:
    """Return where every data set's files lie and whether they are whole; fetches and changes nothing."""
    return [
        FileStatus("regression", "", None, "made", "computed from its formula"),
        *mnist.status(),
        FileStatus("digits", "", None, "in scikit-learn", "comes with the installation"),
        FileStatus("constant", "", None, "made", "one row"),
    ]


def fetch(name: str) -> list[Path]:
    """Return where the files of a data set lie, all verified, after fetching what is missing.

    The list is empty for a data set that needs no files.

    Raises: UserError for an unknown name, and for files that are damaged or cannot be had.
    """
    _check(name)
    return mnist.fetch() if name == "mnist" else []


def _check(name: str) -> None:
    if name not in _LOADERS:
        raise UserError(f"data.name: got {name!r}, expected one of {', '.join(NAMES)}{nearest(name, NAMES)}")
