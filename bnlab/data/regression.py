"""The regression of article 000: a parabola with a cosine on top, learnt from powers of x.

Everything is computed in float64 and rounded to float32 once, at the end, as TensorFlow does with what it
is fed.

Source: article 000.
"""

import numpy as np

from bnlab.data.dataset import Dataset, Split


def target(x: np.ndarray | float) -> np.ndarray:
    """Return y(x) = 3x + 2x² + 1 + 3 cos(20x), in float64 and in the shape of `x`.

    The cosine's mean square, 3²/2, halved by the loss ½ Σ d², is the 2.25 near which smooth fits end.
    """
    x = np.asarray(x, dtype=np.float64)
    return 3 * x + 2 * x**2 + 1 + cosine(x)


def cosine(x: np.ndarray | float) -> np.ndarray:
    """Return 3 cos(20x), the part of the target that a smooth fit leaves out, in float64 and in the shape of `x`."""
    return 3 * np.cos(20 * np.asarray(x, dtype=np.float64))


def powers(x: np.ndarray, count: int = 6) -> np.ndarray:
    """Return [x⁰, x¹, …, x^(count-1)] for each of the points [rows], in float64 [rows, count]."""
    return np.asarray(x, dtype=np.float64)[:, None] ** np.arange(count)


def load(points: int = 300) -> Dataset:
    """Return `points` evenly spaced points of [-2, 2], which are the training and the test set alike."""
    grid = _grid(points)
    return Dataset("regression", train=grid, valid=None, test=grid, num_classes=None)


def coarse() -> Split:
    """Return the ten evenly spaced points of [-2, 2] that are only predicted, after training, for the plot.

    x itself is `inputs[:, 1]`.
    """
    return _grid(10)


def _grid(points: int) -> Split:
    x = np.linspace(-2.0, 2.0, points)
    return Split(powers(x).astype(np.float32), target(x)[:, None].astype(np.float32))
