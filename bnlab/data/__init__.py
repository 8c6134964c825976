"""Data sets as NumPy arrays. `bnlab.data.batches` gives the order of their batches."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from bnlab.data import arrays, constant, digits, idx_sets, regression, tables
from bnlab.data.dataset import PIXEL_SCALE as PIXEL_SCALE
from bnlab.data.dataset import Dataset as Dataset
from bnlab.data.dataset import FileStatus as FileStatus
from bnlab.data.dataset import Split as Split
from bnlab.data.dataset import binarised as binarised
from bnlab.data.own import Reader, read_own
from bnlab.errors import UserError, nearest
from bnlab.options import DataName, FileOptions, Found

_MADE: dict[DataName, Callable[[], Dataset]] = {
    "regression": regression.load,
    "digits": digits.load,
    "constant": constant.load,
}
_IDX: dict[DataName, idx_sets.IdxSet] = {one.name: one for one in idx_sets.SETS}
_OWN: dict[DataName, Reader] = {"arrays": arrays.read, "csv": tables.read}

NAMES: tuple[DataName, ...] = get_args(DataName)


def load(name: str, options: FileOptions | None = None) -> Dataset:
    """Return the data set of this name; `options` say how a file of the user's own becomes one.

    Raises: UserError where the name is unknown, or a file is damaged, or is missing and cannot be fetched.
    """
    name = _known(name)
    if name in _OWN:
        return read_own(name, _OWN[name], options or FileOptions())[0]
    return _IDX[name].load() if name in _IDX else _MADE[name]()


def find(name: DataName, options: FileOptions) -> Found:
    """Return what is found in a file of the user's own. Raises: UserError, as `load`."""
    return read_own(name, _OWN[name], options)[1]


def status() -> list[FileStatus]:
    """Return where the files of each data set are, and whether they are whole. Nothing is fetched or changed."""
    return [
        FileStatus("regression", "", None, "made", "computed from its formula"),
        *(record for one in _IDX.values() for record in one.status()),
        FileStatus("digits", "", None, "in scikit-learn", "comes with the installation"),
        FileStatus("constant", "", None, "made", "one row"),
    ]


def fetch(name: str) -> list[Path]:
    """Fetch the missing files of a data set, verify all files, and return their paths.

    The list is empty for a data set that needs no files.

    Raises: UserError, as `load`.
    """
    name = _known(name)
    return _IDX[name].fetch() if name in _IDX else []


def _known(name: str) -> DataName:
    for known in NAMES:
        if name == known:
            return known
    raise UserError(f"data.name: got {name!r}, expected one of {', '.join(NAMES)}{nearest(name, NAMES)}")
