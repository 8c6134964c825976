"""What every file of the user's own goes through: checks, labels, splits, standardising."""

import contextlib
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from bnlab.data.dataset import Dataset, Split
from bnlab.errors import UserError
from bnlab.files import expanded
from bnlab.options import LARGEST, FileOptions, Found

MAX_CLASSES = 1000
"""More labels than these are numbers of a regression, or names of rows."""


class Rows(NamedTuple):
    """Rows as a file has them: inputs, targets (numbers or text), and the names of the features."""

    x: Shaped[np.ndarray, "rows features"]
    y: Shaped[np.ndarray, "rows"]
    features: Sequence[str]


Reader = Callable[[Path, FileOptions], dict[str, Rows]]
"""Returns {"all": rows to split}, or {"train": …, "test": …} and perhaps "valid" of ready splits."""


def read_own(name: str, reader: Reader, options: FileOptions) -> tuple[Dataset, Found]:
    """Return the data set in a file, and what a config records of it. A file that did not change is read once.

    Raises: UserError where the file cannot be read, or holds no such data set.
    """
    if options.path is None:
        raise UserError(f"data.path: is missing, expected the file of data.name {name}")
    if options.task is None:
        raise UserError("data.task: is missing, expected classification or regression")
    path = expanded(options.path, "data.path")
    try:
        state = path.stat()
        return _read_own(name, reader, options, path, (state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


@lru_cache(maxsize=2)
def _read_own(name: str, reader: Reader, options: FileOptions, path: Path, _state: tuple[int, ...]) -> tuple[Dataset, Found]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    dataset = make_dataset(name, path, reader(path, options), options)
    valid_rows = len(dataset.valid) if dataset.valid else 0
    return dataset, Found(len(dataset.train), valid_rows, len(dataset.test), dataset.num_classes, sha256)


def make_dataset(name: str, path: Path, parts: Mapping[str, Rows], options: FileOptions) -> Dataset:
    """Return the data set of a file's parts: {"all": rows to split}, or {"train": …, "valid": …, "test": …}.

    Labels become 0 … k − 1 in the order of their values. With `standardise`, z = (v − m) / s of each feature, and of a
    numeric target, where m and s are the mean and the population standard deviation of the training rows.

    Raises: UserError, see the checks below.
    """
    _check_rows(path, parts)
    targets, num_classes = _targets(path, parts, options)
    split = {part: (rows.x, y) for (part, rows), y in zip(parts.items(), targets, strict=True)}
    if "all" in split:
        split = _split(path, *split["all"], options)
    features = next(iter(parts.values())).features
    inputs = {part: x for part, (x, _) in split.items()}
    targets = {part: y for part, (_, y) in split.items()}
    if num_classes is not None and len(np.unique(targets["train"])) < 2:
        raise UserError(f"{path}: the training rows are all of one class, expected two classes or more")
    if options.standardise:
        inputs = _standardise(path, inputs, features)
    if options.standardise and num_classes is None:
        targets = _standardise(path, targets, ["the target"])
    made = {part: Split(_input(inputs[part]), _target(targets[part], num_classes)) for part in split}
    return Dataset(name, made["train"], made.get("valid"), made["test"], num_classes)


def _input(x: np.ndarray) -> np.ndarray:
    return x if x.dtype == np.uint8 else x.astype(np.float32)


def _target(y: np.ndarray, num_classes: int | None) -> np.ndarray:
    return y.astype(np.float32) if num_classes is None else y.astype(np.int32)


def _check_rows(path: Path, parts: Mapping[str, Rows]) -> None:
    """Raise UserError for a part without rows or features, parts of different features, and values that are not finite."""
    width = next(iter(parts.values())).x.shape[1]
    for part, rows in parts.items():
        where = f"{path}: " + ("" if part == "all" else f"{part}_x: ")
        if not len(rows.x):
            raise UserError(f"{where}has no rows")
        if rows.x.shape[1] != width or not width:
            raise UserError(f"{where}got {rows.x.shape[1]} features, expected {width or 'at least one'}")
        if not (fits := np.abs(rows.x) <= LARGEST).all():  # NaN does not fit either
            row, column = np.argwhere(~fits)[0]
            got, name = rows.x[row, column], rows.features[column]
            raise UserError(f"{where}row {row}, feature {name}: got {got:g}, expected a number that float32 holds")


def _targets(path: Path, parts: Mapping[str, Rows], options: FileOptions) -> tuple[list[np.ndarray], int | None]:
    """Return each part's targets, float64 [rows, 1] or labels [rows], and the number of classes."""
    given = [rows.y for rows in parts.values()]
    every = np.concatenate(given)
    if options.task == "regression":
        if every.dtype.kind == "U":
            raise UserError(f"{path}: y: got text such as {every.tolist()[0]!r}, expected numbers with data.task regression")
        numbers = [y.astype(np.float64)[:, None] for y in given]
        if not (np.abs(np.concatenate(numbers)) <= LARGEST).all():
            raise UserError(f"{path}: y: holds a number that is not finite in float32")
        return numbers, None
    classes = _classes(path, every)
    ends = np.cumsum([len(y) for y in given])[:-1]
    return np.split(classes, ends), int(classes.max()) + 1


def _classes(path: Path, y: Shaped[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
    """Return the class of each label, 0 … k − 1: numbers in their order, text in the order of the alphabet.

    Labels are numbers where all of them are finite ones: "nan" is a word like any other.
    """
    if y.dtype.kind == "f" and not np.array_equal(y, np.round(y)):
        odd = y[~(y == np.round(y))][0]
        raise UserError(f"{path}: y: got the label {odd:g}, expected whole numbers or words with data.task classification")
    labels = [label.strip() for label in y.tolist()] if y.dtype.kind in "UO" else y.tolist()
    kinds = list(set(labels))
    if len(kinds) < 2:
        raise UserError(f"{path}: the target is {kinds[0]} in every row, expected two classes or more")
    if len(kinds) > MAX_CLASSES:
        raise UserError(
            f"{path}: got {len(kinds):,} different labels, expected at most {MAX_CLASSES:,}; "
            "data.task regression predicts numbers"
        )
    values: dict[object, object] = {label: _exact(label) for label in kinds}
    if None in values.values():
        values = {label: label for label in kinds}
    numbers = {value: number for number, value in enumerate(sorted(set(values.values())))}  # pyright: ignore[reportArgumentType]
    classes = {label: numbers[value] for label, value in values.items()}
    return np.fromiter(map(classes.__getitem__, labels), np.int32, len(labels))


def _exact(label: str | float) -> float | None:
    """Return the number that a label is; None where it is no finite number."""
    for kind in (int, float):  # a float would make one number of two long integers
        with contextlib.suppress(ValueError, OverflowError):
            if math.isfinite(number := kind(label)):
                return number
    return None


def _split(path: Path, x: np.ndarray, y: np.ndarray, options: FileOptions) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the rows in a random order, cut into a training, a validation and a test part, each order that of the seed."""
    rows = len(x)
    test = max(1, round(rows * options.test_fraction))
    valid = max(1, round(rows * options.valid_fraction)) if options.valid_fraction else 0
    train = rows - valid - test
    if train < 1:
        raise UserError(f"{path}: got {rows} rows, too few to split into training and test rows")
    order = np.random.Generator(np.random.PCG64(options.split_seed)).permutation(rows)
    places = {"train": order[:train], "valid": order[train : train + valid], "test": order[train + valid :]}
    return {part: (x[place], y[place]) for part, place in places.items() if len(place)}


def _standardise(
    path: Path, parts: Mapping[str, np.ndarray], names: Sequence[str]
) -> dict[str, Float[np.ndarray, "rows columns"]]:
    """Return (v − mean) / std of each column, by the mean and the standard deviation of the training rows."""
    train = parts["train"].astype(np.float64)
    mean, std = train.mean(0), train.std(0)
    constant = (train == train[0]).all(0)
    if constant.any():
        names = [name for name, never_moves in zip(names, constant, strict=True) if never_moves]
        few = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise UserError(
            f"{path}: {len(names)} of the columns are constant in the training rows, and cannot be standardised: {few}; "
            "leave them out, or set data.standardise to false"
        )
    return {part: (values - mean) / std for part, values in parts.items()}
