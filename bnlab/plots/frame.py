"""The frame of a figure: panels, axes, title, notes and legend.

The code places everything itself, in inches, because matplotlib's layout engines draw the figure twice.
"""

import textwrap
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Num
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from bnlab.plots.looks import GREY

CHARACTER = 0.075
"""The average width of a character of 10 points, in inches."""

Over = Literal["step", "epoch"]
"""What the x axis of a curve counts, and is labelled by."""

WIDTH = 9.0
"""The width of a figure, in inches of 110 pixels."""

_RIGHT, _BOTTOM = 0.3, 0.5  # inches
_NUMBERS = 0.3  # inches from the x axis down to its label: ticks, numbers and the space around them


def new_figure(panels: int, columns: int | None = None) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, row by row; all in one row unless `columns` is given."""
    columns = columns or panels
    figure = Figure(dpi=110)
    grid = figure.add_gridspec(-(-panels // columns), columns)
    axes = [figure.add_subplot(grid[divmod(panel, columns)]) for panel in range(panels)]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(True, color="0.9", linewidth=0.6)
        one.set_axisbelow(True)
    return figure, axes


# --- Axes ---------------------------------------------------------------------------------------------------


def plain(x: float, _position: int | float | None = None) -> str:
    """Return x as 0.01, 2, 300 or 1e06. matplotlib would write powers of ten, or a factor above the axis."""
    return f"{x:,.6g}".replace("e+", "e").replace("-", "−")


def _percent(x: float, _position: int | float | None = None) -> str:
    return plain(100 * x)


class _PlainLog(LogFormatter):
    """Writes numbers as `plain`, at the places of a log axis that LogFormatter chooses."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return plain(x) if super().__call__(x, pos) else ""


def plain_log(axis: Axis) -> None:
    """Make the log axis write its numbers as `plain` does."""
    axis.set_major_formatter(_PlainLog())
    axis.set_minor_formatter(_PlainLog(labelOnlyBase=False))


def axis_words(quantity: str, unit: str) -> str:
    """Return the label of an axis, such as "test loss (mean cross-entropy)"."""
    return quantity.replace("_", " ") + (f" ({unit})" if unit else "")


def label_axis(axis: Axis, quantity: str, unit: str) -> None:
    """Label the axis. Its numbers are percent where the unit is "%" or "percentage points"."""
    axis.set_label_text(axis_words(quantity, unit))
    axis.set_major_formatter(_percent if unit in ("%", "percentage points") else plain)


def label_values(axes: Axes, quantity: str, unit: str) -> None:
    """Label the y axis above the panel, where long words have room."""
    label_axis(axes.yaxis, quantity, unit)
    axes.yaxis.label.set(rotation=0, horizontalalignment="left", verticalalignment="bottom")
    axes.yaxis.set_label_coords(-0.05, 1.03)


def label_x(axes: Axes, words: str) -> None:
    """Label the x axis at a fixed place. matplotlib would measure all numbers of the axis to find one."""
    axes.set_xlabel(words)
    below = ScaledTranslation(0, -_NUMBERS, axes.figure.dpi_scale_trans)
    axes.xaxis.set_label_coords(0.5, 0, transform=axes.transAxes + below)


def label_steps(axes: Axes, step: Num[np.ndarray, "records"], *, over: Over = "step", most: int = 6) -> None:
    """Label the x axis with up to `most` + 1 numbers. It has all steps, even where no run reached the last ones."""
    label_x(axes, over)
    whole = over == "step" or (len(step) > 0 and bool(step[-1] - step[0] >= 3))
    round_numbers = {"steps": [1, 2, 5, 10]} if over == "epoch" else {}
    axes.xaxis.set_major_locator(MaxNLocator(nbins=most, integer=whole, min_n_ticks=1, **round_numbers))
    axes.xaxis.set_major_formatter(plain if over == "epoch" else lambda x, _: f"{x:,.0f}")
    if len(step):
        margin = max(0.03 * (step[-1] - step[0]), 0.5 if over == "step" else 0.02)
        axes.set_xlim(step[0] - margin, step[-1] + margin)


def log_steps(axes: Axes, step: Num[np.ndarray, "records"]) -> None:
    """Make the x axis a log axis, after `label_steps` labelled it."""
    axes.set_xscale("log")
    axes.set_xlim(step[0] / 1.1, step[-1] * 1.1)
    plain_log(axes.xaxis)


def linear_values(axes: Axes, quantity: str, unit: str) -> None:
    """Label a linear y axis. It begins at zero where the data allow; in percent it holds the data and ends near 100 %."""
    label_values(axes, quantity, unit)
    if unit == "%":
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -0.02), min(high, 1 + 0.03 * (1 - low)))
    elif axes.dataLim.y0 >= 0:
        axes.set_ylim(bottom=0)


def log_values(axes: Axes, quantity: str, unit: str) -> None:
    """Make the y axis a log axis and label it. A line that falls to zero leaves the panel at the bottom."""
    label_values(axes, f"{quantity}, log scale", unit)
    if not np.isfinite(axes.dataLim.minposy):
        axes.set_ylim(0.1, 1)
        axes.text(0.5, 0.5, "no value above zero", transform=axes.transAxes, horizontalalignment="center")
    axes.set_yscale("log", nonpositive="clip")
    plain_log(axes.yaxis)


# --- Title, notes, legend -----------------------------------------------------------------------------------


def finish(
    figure: Figure,
    title: str,
    notes: Sequence[str],
    handles: Sequence[Artist] = (),
    *,
    height: float = 2.35,
    left: float = 0.7,
    above: float = 0.37,
    between: tuple[float, float] = (0.8, 0.0),
) -> Figure:
    """Put title, notes and legend above the panels, and return the figure.

    All lengths are in inches. `height`: of each panel. `left`: of the numbers on its left. `above`: from the legend to the
    first row of panels. `between`: from one column to the next, and from one row to the next.
    """
    grid = figure.axes[0].get_gridspec()
    rows, columns = (grid.nrows, grid.ncols) if grid else (1, 1)
    handles = handles or figure.axes[0].get_legend_handles_labels()[0]
    titles = textwrap.wrap(title, 95)
    notes = [line for note in notes for line in textwrap.wrap(note, 125)]
    legend_columns = _legend_columns([str(handle.get_label()) for handle in handles])
    legend_rows = -(-len(handles) // legend_columns)

    title_at = 0.1
    notes_at = title_at + 0.22 * len(titles) + 0.05
    legend_at = notes_at + 0.175 * len(notes) + 0.06
    panels_at = legend_at + 0.2 * legend_rows + above
    total = panels_at + rows * height + (rows - 1) * between[1] + _BOTTOM
    figure.set_size_inches(WIDTH, total)
    width = (WIDTH - left - _RIGHT - between[0] * (columns - 1)) / columns
    figure.subplots_adjust(
        left=left / WIDTH,
        right=1 - _RIGHT / WIDTH,
        bottom=_BOTTOM / total,
        top=1 - panels_at / total,
        wspace=between[0] / width,
        hspace=between[1] / height,
    )
    x = 0.2 / WIDTH
    for at, lines, style in (
        (title_at, titles, {"fontsize": 11, "fontweight": "bold"}),
        (notes_at, notes, {"fontsize": 9, "color": GREY}),
    ):
        figure.text(x, 1 - at / total, "\n".join(lines), verticalalignment="top", linespacing=1.2, **style)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(x, 1 - legend_at / total),
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        ncols=legend_columns,
        handlelength=2.8,
        labelspacing=0.3,
        columnspacing=1.5,
    )
    return figure


def _legend_columns(labels: Sequence[str]) -> int:
    """Return the largest number of legend columns that fit the width. matplotlib fills columns from top to bottom."""
    for columns in range(len(labels), 1, -1):
        widest = [max(map(len, column)) for column in np.array_split(labels, columns)]
        if sum(CHARACTER * characters + 0.75 for characters in widest) <= WIDTH - 0.4:
            return columns
    return 1
