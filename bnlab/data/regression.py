"""The regression of article 000: a parabola plus a cosine, learnt from powers of x.

Everything is computed in float64 and rounded to float32 once, at the end, as TensorFlow rounds the arrays it
is fed.

Source: article 000.
"""

import numpy as np

from bnlab.data.dataset import Dataset, Split


def target(x: np.ndarray | float) -> np.ndarray:
    """Return y(x) = 3x + 2x² + 1 + 3 cos(20x), in float64 and in the shape of `x`.

    A fit without the cosine has the loss 2.25: the mean square of the cosine is 3²/2, and the loss ½ Σ d² halves it.
    """
    x = np.asarray(x, dtype=np.float64)
    return 3 * x + 2 * x**2 + 1 + cosine(x)


def cosine(x: np.ndarray | float) -> np.ndarray:
    """Return 3 cos(20x), the part of the target that a smooth fit leaves out, in float64 and in the shape of `x`."""
    return 3 * np.cos(20 * np.asarray(x, dtype=np.float64))


def powers(x: np.ndarray, count: int = 6) -> np.ndarray:
    """Return [x⁰, x¹, …, x^(count-1)] for each point of x [rows], in float64 [rows, count]."""
    return np.asarray(x, dtype=np.float64)[:, None] ** np.arange(count)


def load(points: int = 300) -> Dataset:
    """Return `points` evenly spaced points of [-2, 2], which are both the training and the test set."""
    grid = _grid(points)
    return Dataset("regression", train=grid, valid=None, test=grid, num_classes=None)


def coarse() -> Split:
    """Return the ten evenly spaced points of [-2, 2] that are only predicted after training, for the plot.

    `inputs[:, 1]` is x itself.
    """
    return _grid(10)


def _grid(points: int) -> Split:
    x = np.linspace(-2.0, 2.0, points)
    return Split(powers(x).astype(np.float32), target(x)[:, None].astype(np.float32))
