"""The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn: no file, no network."""

import numpy as np

from bnlab.data.dataset import Dataset, Split

SPLIT_SEED = 0
"""The seed of the permutation (NumPy's PCG64) that splits the digits. It is part of the data set, never of a run."""

TRAIN_ROWS, VALID_ROWS, TEST_ROWS = 1297, 250, 250


def load() -> Dataset:
    """Return the digits: inputs value/16 in [0, 1], [rows, 64], and labels 0-9, [rows].

    scikit-learn orders the rows by writer. So they are permuted before they are split into 1,297 training, 250
    validation and 250 test rows.

    Source: sklearn.datasets.load_digits, the test set of UCI's "Optical Recognition of Handwritten Digits".
    """
    from sklearn.datasets import load_digits  # slow to import

    values, labels = load_digits(return_X_y=True)
    rows = np.random.Generator(np.random.PCG64(SPLIT_SEED)).permutation(len(labels))
    inputs = (values[rows] / 16).astype(np.float32)
    targets = labels[rows].astype(np.int32)

    train, valid, test = (
        Split(*parts)
        for parts in zip(
            np.split(inputs, [TRAIN_ROWS, TRAIN_ROWS + VALID_ROWS]),
            np.split(targets, [TRAIN_ROWS, TRAIN_ROWS + VALID_ROWS]),
            strict=True,
        )
    )
    return Dataset("digits", train, valid, test, num_classes=10)
