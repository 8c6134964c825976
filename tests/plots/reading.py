"""Read the content of a figure back from matplotlib's own objects."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

NAN = np.nan
UNIT = "½ Σ d² per point"


def draw(figure: Figure) -> None:
    """Draw everything. A warning of matplotlib is then an error."""
    figure.savefig("/dev/null", format="png")


def line(axes: Axes, label: str) -> Line2D:
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


def values(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_ydata())


def thin(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if line.get_linewidth() == 0.6]


def band(axes: Axes, index: int, x: float) -> tuple[float, float]:
    """Return the lowest and the highest value at x of band `number` of the panel."""
    vertices = axes.collections[index].get_paths()[0].vertices
    at = np.asarray(vertices)[np.asarray(vertices)[:, 0] == x, 1]
    return at.min(), at.max()


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def stars(axes: Axes) -> list[tuple[float, float]]:
    return [place for line in axes.lines if line.get_marker() == "*" for place in zip(*line.get_data(), strict=True)]


def noisy(seeds: int, records: int = 400) -> np.ndarray:
    return 2 + np.random.default_rng(0).random((seeds, records))


def tick_words(axes: Axes) -> list[str]:
    axes.figure.canvas.draw()
    return [text.get_text() for text in axes.get_yticklabels()]
