"""What every data set is: arrays of rows, split by what they are used for."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

PIXEL_SCALE = np.float32(1 / 255)
"""One step of a pixel, as a float32 input. TensorFlow multiplies by it; a division by 255 would give other last bits."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from or to be tested on.

    raw: [rows, features], either the float32 inputs themselves, or uint8 pixels, which take a quarter of the memory.
    targets: float32 [rows, 1] of a regression, or int32 labels [rows] of a classification.
    """

    raw: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def inputs(self) -> np.ndarray:
        """The float32 inputs [rows, features]: pixels are multiplied by PIXEL_SCALE."""
        return np.multiply(self.raw, PIXEL_SCALE, dtype=np.float32) if self.raw.dtype == np.uint8 else self.raw


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

    `reason` says what is wrong with a damaged file, which folders lack a missing one, and where a data set without files
    comes from. It is empty for a whole file.
    """

    dataset: str
    file: str
    path: Path | None
    state: Literal["whole", "damaged", "missing", "made", "in scikit-learn"]
    reason: str
