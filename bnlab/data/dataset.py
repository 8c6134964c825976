"""What every data set is: arrays of rows, split by what they are used for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from or to be tested on.

    `inputs` is float32 [rows, features]; `targets` is float32 [rows, 1] for a regression and int32 labels
    [rows] for a classification.
    """

    inputs: np.ndarray
    targets: np.ndarray


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
