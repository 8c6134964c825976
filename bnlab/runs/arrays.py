"""Arrays, JSON and CSV as bytes: the same values give the same bytes, and nothing is pickled."""

import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.errors import UserError


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the arrays as an .npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(values) for name, values in arrays.items()})  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def npz_arrays(npz: bytes, place: Path, *names: str) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz, never unpickling one. Raises: UserError where it is none, or lacks one of `names`."""
    try:
        with np.load(io.BytesIO(npz), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, AttributeError, zipfile.BadZipFile):
        raise UserError(f"{place}: is not an .npz of plain arrays") from None
    for name in names:
        if name not in arrays:
            raise UserError(f"{place}: has no {name}, so bnlab did not write it")
    return arrays


def csv_bytes(pairs: np.ndarray, step: np.ndarray, curves: Mapping[str, np.ndarray]) -> bytes:
    """Return rows of seed, data_seed, step and each metric, for pairs [S, 2] and curves [S, R] of float32.

    Nine digits tell every float32 from every other.
    """
    line = ",".join(["%d"] * 3 + ["%.9g"] * len(curves)) + "\n"
    steps = np.asarray(step).tolist()
    parts = [",".join(["seed", "data_seed", "step", *curves]) + "\n"]
    for row, (init, data) in enumerate(pairs.tolist()):
        columns = (values[row].tolist() for values in curves.values())
        cells = zip([init] * len(steps), [data] * len(steps), steps, *columns, strict=True)
        parts.append(line * len(steps) % tuple(itertools.chain.from_iterable(cells)))
    return "".join(parts).encode()


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Return strict JSON, indented: a field a line, and in one line a list of plain values, such as one number a seed."""
    return f"{_lines_of(value, '')}\n".encode()


def _lines_of(value: Any, margin: str) -> str:
    inner = f"{margin}  "
    if value and isinstance(value, dict):
        fields = [f"{_json(str(name))}: {_lines_of(one, inner)}" for name, one in value.items()]
        opening, closing = "{}"
    elif isinstance(value, list | tuple) and any(isinstance(one, dict | list | tuple) for one in value):
        fields = [_lines_of(one, inner) for one in value]
        opening, closing = "[]"
    else:
        return _json(value)
    return f"{opening}\n{inner}" + f",\n{inner}".join(fields) + f"\n{margin}{closing}"


_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


def sum_of(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of values, however the JSON that holds them is laid out."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
