"""Data sets as NumPy arrays. `bnlab.data.batches` gives the order of their batches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from bnlab.data import constant, digits, mnist, regression
from bnlab.data.dataset import PIXEL_SCALE as PIXEL_SCALE
from bnlab.data.dataset import Dataset as Dataset
from bnlab.data.dataset import FileStatus as FileStatus
from bnlab.data.dataset import Split as Split
from bnlab.data.dataset import binarised as binarised
from bnlab.errors import UserError, nearest
from bnlab.options import DataName

_LOADERS: dict[DataName, Callable[..., Dataset]] = {
    "regression": regression.load,
    "mnist": mnist.load,
    "digits": digits.load,
    "constant": constant.load,
}

NAMES: tuple[DataName, ...] = get_args(DataName)


def load(name: str, **options: Any) -> Dataset:
    """Return the data set of this name; `options` are passed to the `load` function of its module.

    Raises: UserError where the name is unknown, or a file is damaged, or is missing and cannot be fetched.
    """
    return _LOADERS[_known(name)](**options)


def status() -> list[FileStatus]:
    """Return where the files of each data set are, and whether they are whole. Nothing is fetched or changed."""
    return [
        FileStatus("regression", "", None, "made", "computed from its formula"),
        *mnist.status(),
        FileStatus("digits", "", None, "in scikit-learn", "comes with the installation"),
        FileStatus("constant", "", None, "made", "one row"),
    ]


def fetch(name: str) -> list[Path]:
    """Fetch the missing files of a data set, verify all files, and return their paths.

    The list is empty for a data set that needs no files.

    Raises: UserError, as `load`.
    """
    return mnist.fetch() if _known(name) == "mnist" else []


def _known(name: str) -> DataName:
    for known in NAMES:
        if name == known:
            return known
    raise UserError(f"data.name: got {name!r}, expected one of {', '.join(NAMES)}{nearest(name, NAMES)}")
