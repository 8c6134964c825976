"""A CSV file as features and a target: one row a line, the first line names the columns.

NumPy parses the numbers, a million rows of twenty columns in seconds. Only where that fails, the file is read again, cell by
cell, to say which cell is wrong.
"""

import csv
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bnlab.data.own import Rows
from bnlab.errors import UserError, nearest
from bnlab.options import FileOptions

SEPARATORS = ",;\t"
"""The one that the first line has most often separates the columns."""


def read(path: Path, options: FileOptions) -> dict[str, Rows]:
    """Return {"all": the rows of the file}; its columns are separated by commas, semicolons or tabs.

    Raises: UserError where the file is no such table, a feature is no finite number, or two columns are the same.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = max(SEPARATORS, key=file.readline().count)
            file.seek(0)
            reader = csv.reader(file, delimiter=separator)
            header = [name.strip() for name in next(reader, [])]
            lines = reader.line_num
        _check_header(path, header)
        target = _target(path, header, options.target)
        x, y = _parse(path, separator, lines, header, target, numeric=options.task == "regression")
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text") from None
    except csv.Error as error:
        raise UserError(f"{path}: is no CSV file: {error}") from None
    features = [name for i, name in enumerate(header) if i != target]
    if len(x):
        _check_twins(path, features, x)
    return {"all": Rows(x, y, features)}


def _check_header(path: Path, header: Sequence[str]) -> None:
    if not any(header):
        raise UserError(f"{path}: is empty, expected a line with the names of the columns and a line for each row")
    if all(map(_is_number, header)):
        first = ", ".join(header[:3])
        raise UserError(f"{path}: line 1: got numbers ({first}, …), expected the names of the columns")
    if nameless := [i for i, name in enumerate(header, start=1) if not name]:
        raise UserError(
            f"{path}: line 1: column {nameless[0]} has no name; where it numbers the rows, write the file without it"
        )
    if doubles := [name for name, count in Counter(header).items() if count > 1]:
        raise UserError(f"{path}: line 1: {len(doubles)} of the names stand there twice: {_few(doubles)}")


def _target(path: Path, header: Sequence[str], target: str | None) -> int:
    if target not in header:
        got = "is missing" if target is None else f"got '{target}'"
        raise UserError(
            f"data.target: {got}, expected a column of {path}: {_few(header)}{nearest(target or '', header)}",
        )
    if len(header) == 1:
        raise UserError(f"{path}: has the column {target} alone, expected features beside the target")
    return header.index(target)


def _parse(
    path: Path, separator: str, lines: int, header: Sequence[str], target: int, *, numeric: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the features, float64 [rows, features], and the target: float64 [rows] where `numeric`, else text."""
    before, after = target, len(header) - target - 1
    fields = [
        ("before", np.float64, (before,)),
        ("target", np.float64 if numeric else object),
        ("after", np.float64, (after,)),
    ]
    kind = np.dtype([field for field in fields if len(field) == 2 or field[2] != (0,)])
    try:
        with warnings.catch_warnings(action="ignore"):  # of a file without rows, which has an error of its own
            table = np.loadtxt(
                path, kind, comments=None, delimiter=separator, skiprows=lines, quotechar='"', ndmin=1, encoding="utf-8-sig"
            )
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        problem = next(_wrong_cells(path, separator, header, target, numeric=numeric), f"is no table of numbers: {error}")
        raise UserError(f"{path}: {problem}") from None
    x = np.concatenate([table[name] for name in ("before", "after") if name in (kind.names or ())], axis=1)
    y = table["target"]
    numbers = np.isfinite(x).all() and (np.isfinite(y).all() if numeric else all(map(str.strip, y)))
    if not numbers:
        problem = next(_wrong_cells(path, separator, header, target, numeric=numeric), "holds a number that is not finite")
        raise UserError(f"{path}: {problem}")
    return x, y


def _wrong_cells(path: Path, separator: str, header: Sequence[str], target: int, *, numeric: bool) -> Iterator[str]:
    """Yield what is wrong in each line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        next(reader)
        for cells in reader:
            place = f"line {reader.line_num}"
            if not cells:
                continue
            if len(cells) != len(header):
                yield f"{place}: got {len(cells)} cells, expected {len(header)}, one for each column"
                continue
            for i, (name, cell) in enumerate(zip(header, cells, strict=True)):
                wanted = "a label" if i == target and not numeric else "a number"
                if not cell.strip():
                    yield f"{place}, column {name}: the value is missing; leave out such rows, or fill them in"
                elif wanted == "a number" and not _is_number(cell):
                    hint = "; a target of words needs data.task classification" if i == target else ""
                    yield f"{place}, column {name}: got {cell.strip()!r}, expected {wanted}{hint}"
                elif wanted == "a number" and not np.isfinite(float(cell)):
                    yield f"{place}, column {name}: got {cell.strip()}, expected a finite number"


def _check_twins(path: Path, names: Sequence[str], x: np.ndarray) -> None:
    seen: dict[bytes, str] = {}
    for name, column in zip(names, x.T, strict=True):
        twin = seen.setdefault(column.tobytes(), name)
        if twin != name and not (column == column[0]).all():  # constant columns have a message of their own
            raise UserError(f"{path}: the columns {twin} and {name} hold the same values; leave one of them out")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # which Python allows and a CSV file does not


def _few(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f", … ({len(names)} of them)" if len(names) > most else "")
