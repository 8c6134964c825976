"""What every data set is: arrays of rows, split by what they are used for."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

PIXEL = np.float32(1 / 255)
"""The value of one step of a pixel. TensorFlow multiplies by it; a division by 255 would give other last bits."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from or to be tested on.

    `stored` is what `inputs` are made of, [rows, features]: the float32 inputs themselves, or uint8 pixels, a quarter of
    the memory. `targets` is float32 [rows, 1] for a regression and int32 labels [rows] for a classification.
    """

    stored: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def inputs(self) -> np.ndarray:
        """The float32 inputs [rows, features]: pixels are multiplied by PIXEL."""
        return np.multiply(self.stored, PIXEL, dtype=np.float32) if self.stored.dtype == np.uint8 else self.stored


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set's splits; `num_classes` is None for a regression, `valid` where nothing is held out."""

    name: str
    train: Split
    valid: Split | None
    test: Split
    num_classes: int | None


@dataclass(frozen=True)
class FileStatus:
    """Where one file of a data set lies and in what state; a data set without files has one record.

    `reason` says what is wrong with a damaged file, where a missing one was looked for, and how a data set
    that needs no file comes about; it is empty for a whole file.
    """

    dataset: str
    file: str
    path: Path | None
    state: Literal["whole", "damaged", "missing", "made", "in scikit-learn"]
    reason: str
