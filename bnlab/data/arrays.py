"""An .npz file as rows: `x` and `y`, which are split, or `train_x`, `train_y`, `test_x`, `test_y` of ready splits."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from bnlab.data.own import Rows
from bnlab.errors import UserError
from bnlab.options import FileOptions

_EXPECTED = "x and y, or train_x, train_y, test_x and test_y (and perhaps valid_x and valid_y)"


def read(path: Path, _options: FileOptions) -> dict[str, Rows]:
    """Return {"all": the rows to split}, or {"train": …, "test": …} and perhaps "valid".

    Inputs have the shape [rows, …]; all axes but the first become features. Targets are [rows] or [rows, 1].

    Raises: UserError where the file holds other arrays, Python objects, or arrays that do not fit together.
    """
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: is no .npz file, expected one with {_EXPECTED}")
    try:
        with np.load(path, allow_pickle=False) as file:
            names = set(file.files)
            splits = ["all"] if {"x", "y"} <= names else ["train", *(["valid"] if "valid_x" in names else []), "test"]
            keys = {split: ("x", "y") if split == "all" else (f"{split}_x", f"{split}_y") for split in splits}
            if missing := [key for pair in keys.values() for key in pair if key not in names]:
                raise UserError(
                    f"{path}: has no {missing[0]}, expected {_EXPECTED}; it has {', '.join(sorted(names)) or 'none'}"
                )
            arrays = {split: tuple(_array(path, key, file[key]) for key in pair) for split, pair in keys.items()}
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        if "allow_pickle" in str(error):
            raise UserError(f"{path}: holds Python objects, expected arrays of numbers or text") from None
        raise UserError(f"{path}: is damaged: {error}") from None
    return {split: _rows(path, keys[split], x, y) for split, (x, y) in arrays.items()}


def _array(path: Path, key: str, array: np.ndarray | bytes) -> np.ndarray:
    """Return the array; half precision as single, which holds the limits that values are held against."""
    if isinstance(array, bytes):  # a member of the archive that is no .npy file
        raise UserError(f"{path}: {key}: is damaged, expected an array")
    kinds = "biufU" if key.endswith("y") else "biuf"
    if array.dtype.kind not in kinds:
        raise UserError(f"{path}: {key}: got values of type {array.dtype}, expected numbers")
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _rows(path: Path, keys: tuple[str, str], x: np.ndarray, y: np.ndarray) -> Rows:
    if x.ndim < 2:
        advice = " (x[:, None] makes one feature of a list of numbers)" if x.ndim == 1 else ""
        raise UserError(f"{path}: {keys[0]}: got shape {x.shape}, expected [rows, features]{advice}")
    if y.shape not in ((len(x),), (len(x), 1)):
        raise UserError(f"{path}: {keys[1]}: got shape {y.shape}, expected ({len(x)},), a target for each row of {keys[0]}")
    flat = x.reshape(len(x), -1) if x.size else x.reshape(len(x), int(np.prod(x.shape[1:])))
    return Rows(flat, y.reshape(-1), [f"{i}" for i in range(flat.shape[1])])
