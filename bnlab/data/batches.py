"""Which rows each step trains on: a pure function of (kind, rows, batch_size, seed, step).

The order does not depend on the model, so two variants with the same data seed see the same batches. A step's batch does not
depend on earlier calls, so a resumed run continues with the same batches as an uninterrupted run.
"""

from typing import assert_never, get_args

import numpy as np

from bnlab.errors import UserError, nearest
from bnlab.options import BatchOrder

KINDS: tuple[BatchOrder, ...] = get_args(BatchOrder)


def batches(kind: BatchOrder, rows: int, batch_size: int, seed: int, start: int, count: int) -> np.ndarray:
    """Return the row numbers of steps start … start + count - 1, int32 [count, batch_size].

    `kind` is "epoch" or "resampled"; see the function of that name.

    Raises: UserError where the kind is unknown, or a batch is larger than the training set.
    """
    if kind not in KINDS:
        raise UserError(f"batches: got {kind!r}, expected one of {', '.join(KINDS)}{nearest(kind, KINDS)}")
    if batch_size > rows:
        raise UserError(f"batch_size: got {batch_size}, expected at most {rows}, the rows of the training set")
    match kind:
        case "epoch":
            return epoch_batches(rows, batch_size, seed, start, count)
        case "resampled":
            return resampled_batches(rows, batch_size, seed, start, count)
        case _:
            assert_never(kind)


def epoch_batches(rows: int, batch_size: int, seed: int, start: int, count: int) -> np.ndarray:
    """Return the batches of epochs, each a fresh permutation of all rows; int32 [count, batch_size].

    The permutations are joined into one sequence. Step k takes places k·batch_size … (k+1)·batch_size - 1 of it.
    So a batch may begin with the last rows of one epoch and end with the first rows of the next; it may then hold
    a row twice. Each epoch e has its own generator for its permutation, seeded by (seed, e).

    Source: `next_batch` of TensorFlow 1.x's read_data_sets cuts batches the same way. Its permutations come from
    NumPy's global generator.
    """
    first, last = start * batch_size, (start + count) * batch_size
    epochs = range(first // rows, last // rows + 1)
    order = np.concatenate([_permutation(rows, seed, epoch) for epoch in epochs])
    begin = first - epochs[0] * rows
    return order[begin : begin + count * batch_size].reshape(count, batch_size).astype(np.int32)


def resampled_batches(rows: int, batch_size: int, seed: int, start: int, count: int) -> np.ndarray:
    """Draw the rows of each step anew, uniformly and without replacement; int32 [count, batch_size].

    Floyd's algorithm, for all steps at once: for j = rows - batch_size, …, rows - 1 draw t uniformly from
    0 … j. Take t, or j where t is already taken. Every *subset* is equally likely. The order within a batch is
    not uniform, but sums and means over the batch do not depend on it. The work of a step grows with batch_size².

    Step k uses draws k·batch_size … (k+1)·batch_size - 1 of one random stream. The generator jumps to them.

    Source: J. Bentley, R. Floyd, "Programming pearls: a sample of brilliance", CACM 30 (1987). Article 000
    shuffles all its 300 rows at each step and takes the first 20, which is the same distribution.
    """
    stream = np.random.PCG64(seed)
    stream.advance(start * batch_size)  # one draw of 64 bits for each uniform number
    uniform = np.random.Generator(stream).random((count, batch_size))

    last = np.arange(rows - batch_size, rows)[:, None]
    # Steps lie side by side, so that one call compares all of them; the dtype is the narrowest that holds a row number.
    taken = np.empty((batch_size, count), np.min_scalar_type(rows - 1))
    np.multiply(uniform.T, last + 1, out=taken, casting="unsafe")  # rounds down
    for i in range(1, batch_size):
        repeated = np.logical_or.reduce(taken[:i] == taken[i], axis=0)
        np.copyto(taken[i], last[i], where=repeated, casting="unsafe")
    return np.ascontiguousarray(taken.T, np.int32)


def _permutation(rows: int, seed: int, epoch: int) -> np.ndarray:
    sequence = np.random.SeedSequence(seed, spawn_key=(epoch,))
    return np.random.Generator(np.random.PCG64(sequence)).permutation(rows)
