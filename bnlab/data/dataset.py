"""A data set: arrays of rows, split by their use."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

PIXEL_SCALE = np.float32(1 / 255)
"""The factor from pixels to inputs. TensorFlow multiplies by it too; a division by 255 would give other last bits."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows for training, validation or test.

    raw: [rows, features], either float32 inputs, or uint8 pixels, which take a quarter of the memory.
    targets: float32 [rows, 1] for a regression, or int32 labels [rows] for a classification.
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
    """A data set's splits. `num_classes` is None for a regression; `valid` is None where there is no validation set."""

    name: str
    train: Split
    valid: Split | None
    test: Split
    num_classes: int | None


def binarised(dataset: Dataset, threshold: float) -> Dataset:
    """Return the data set with binary inputs: 1 where an input is above the threshold, else 0. Pixels become 255 or 0.

    Source: Ioffe & Szegedy 2015, section 4.1, whose inputs are binary images; the paper does not give its threshold.
    """

    def of_split(split: Split) -> Split:
        if split.raw.dtype != np.uint8:
            return Split((split.raw > threshold).astype(np.float32), split.targets)
        pixels = np.arange(256, dtype=np.uint8)
        binary = np.where(Split(pixels, pixels).inputs > threshold, 255, 0).astype(np.uint8)
        return Split(binary[split.raw], split.targets)

    valid = dataset.valid and of_split(dataset.valid)
    return replace(dataset, train=of_split(dataset.train), valid=valid, test=of_split(dataset.test))


@dataclass(frozen=True)
class FileStatus:
    """The place and the state of one file of a data set. A data set without files has one record.

    `reason` says what is wrong with a damaged file, which folders were searched for a missing file, or where a data set
    without files comes from. It is empty for a whole file.
    """

    dataset: str
    file: str
    path: Path | None
    state: Literal["whole", "damaged", "missing", "made", "in scikit-learn"]
    reason: str
