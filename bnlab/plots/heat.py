"""Heat maps: final values over two varied fields, and paired differences with those cells outlined that are settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from bnlab.plots.frame import CHARACTER, axis_words, finish, label_x, new_figure
from bnlab.plots.looks import check_count

_COLUMNS = 2
_MOST_WRITTEN = 10
"""Up to so many columns, each cell has its number."""
_EMPTY = "0.85"
_INSET = 0.0035
"""How far an outline lies inside its cell, as a share of the figure's width: beside the white lines between cells."""


@dataclass(frozen=True)
class Field:
    """A varied field: its name, and its values as labels."""

    name: str
    labels: Sequence[str]


def heat_figure(
    x: Field,
    y: Field,
    panels: Mapping[str, Float[np.ndarray, "y x"]],
    *,
    metric: str,
    unit: str,
    log: bool,
    title: str,
) -> Figure:
    """Return a map for each panel, {panel: mean final values}, all in one scale of colours; a NaN is a grey cell.

    `log`: the colours follow the logarithm of the values.

    Raises ValueError for more panels than a figure has room for.
    """
    finite = np.concatenate([values[np.isfinite(values)] for values in panels.values()])
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    norm = LogNorm(low, high) if log and 0 < low < high else Normalize(low, high)
    note = f"mean over seeds of the {axis_words(metric, unit)}: {_number(low, unit)} is dark, {_number(high, unit)} is light"
    return _maps(x, y, panels, None, norm, colormaps["viridis"], unit, title, [note])


def difference_heat_figure(
    x: Field,
    y: Field,
    panels: Mapping[str, Float[np.ndarray, "y x"]],
    settled: Mapping[str, Bool[np.ndarray, "y x"]],
    *,
    baseline: str,
    metric: str,
    unit: str,
    lower_is_better: bool,
    title: str,
) -> Figure:
    """Return a map for each panel, {panel: mean paired differences from the baseline}; cells of `settled` are outlined.

    Violet is where the arm is better than the baseline, and orange where it is worse. At most one cell in ten lies beyond the
    scale of the colours, so that one place where an arm fails does not make all others pale.

    Raises ValueError for more panels than a figure has room for.
    """
    finite = np.concatenate([values[np.isfinite(values)] for values in panels.values()])
    most = _darkest(np.abs(finite))
    colours = colormaps["PuOr_r" if lower_is_better else "PuOr"]
    points = "percentage points" if unit == "%" else unit
    notes = [
        f"mean paired difference in {axis_words(metric, points)} from {baseline}",
        f"violet: the arm is better; orange: {baseline} is better; darkest from {_number(most, unit)} on",
        "outlined: the 95 % interval excludes zero, and an arm is called better (`bnlab compare` has the same rules)",
    ]
    return _maps(x, y, panels, settled, Normalize(-most, most), colours, unit, title, notes, signed=True)


def _maps(
    x: Field,
    y: Field,
    panels: Mapping[str, Float[np.ndarray, "y x"]],
    outlined: Mapping[str, Bool[np.ndarray, "y x"]] | None,
    norm: Normalize,
    colours: Colormap,
    unit: str,
    title: str,
    notes: Sequence[str],
    *,
    signed: bool = False,
) -> Figure:
    check_count(len(panels))
    columns = min(_COLUMNS, len(panels))
    figure, all_axes = new_figure(len(panels), columns)
    for index, (axes, (label, values)) in enumerate(zip(all_axes, panels.items(), strict=True)):
        axes.imshow(np.ma.masked_invalid(values), cmap=colours, norm=norm, aspect="auto", origin="lower")
        axes.set_facecolor(_EMPTY)
        axes.grid(False)
        for place in range(1, len(x.labels)):
            axes.axvline(place - 0.5, color="white", linewidth=2.5, zorder=0.5)
        for place in range(1, len(y.labels)):
            axes.axhline(place - 0.5, color="white", linewidth=2.5, zorder=0.5)
        axes.set_title(label, loc="left", fontsize=9, pad=4, y=1.0)
        axes.set_yticks(range(len(y.labels)), y.labels, fontsize=8)
        each = max(1, -(-sum(len(one) + 2 for one in x.labels) // (100 // columns)))
        axes.set_xticks(range(0, len(x.labels), each), x.labels[::each], fontsize=8)
        if index % columns == 0:
            axes.set_ylabel(y.name)
        label_x(axes, x.name if index + columns >= len(panels) else "")
        if len(x.labels) <= _MOST_WRITTEN:
            _write(axes, values, norm, colours, unit, signed, size=8 if columns == 1 or len(x.labels) < 8 else 7)
        if outlined is not None:
            width, height = 1 - 2 * _INSET * len(x.labels) * columns, 0.9
            for row, column in np.argwhere(outlined[label]):
                edge = Rectangle((column - width / 2, row - height / 2), width, height, fill=False, linewidth=1.6)
                edge.set_path_effects([withStroke(linewidth=3.4, foreground="white")])  # it stands out from dark cells too
                axes.add_patch(edge)
    handles = [Patch(facecolor="white", edgecolor="black", linewidth=1.6, label="settled")] if outlined is not None else []
    if any(np.isnan(values).any() for values in panels.values()):
        handles.append(Patch(facecolor=_EMPTY, label="every seed failed"))
    left = 0.55 + CHARACTER * max(len(one) for one in y.labels)
    height = 0.5 + 0.3 * len(y.labels)
    return finish(
        figure, title, notes, handles or [Patch(alpha=0, label="")], height=height, left=left, above=0.3, between=(left, 0.6)
    )


def _write(
    axes: Axes, values: np.ndarray, norm: Normalize, colours: Colormap, unit: str, signed: bool, *, size: float
) -> None:
    """Write each cell's number, in the one of black and white that stands out from the cell's colour."""
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = colours(norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            text = _number(value, unit, signed=signed)
            place = {"horizontalalignment": "center", "verticalalignment": "center", "fontsize": size}
            axes.text(column, row, text, color="white" if dark else "black", **place)


def _darkest(sizes: Float[np.ndarray, "cells"]) -> float:
    """Return the size from which on colours are darkest: nine cells in ten are at most so large."""
    if not len(sizes):
        return 1.0
    return float(np.quantile(sizes, 0.9, method="higher")) or 1.0


def _number(value: float, unit: str, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return (f"{100 * value:{sign}z.1f}" if unit == "%" else f"{value:{sign}.3g}").replace("-", "−")
