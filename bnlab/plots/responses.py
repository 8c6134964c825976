"""Response curves: final values against a varied field, an arm a line."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, Num
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from bnlab.plots.bands import count, draw_band, gaps, thin_note
from bnlab.plots.frame import WIDTH, axis_words, finish, label_x, linear_values, log_values, new_figure
from bnlab.plots.looks import looks
from bnlab.plots.panels import new_panels, share_values
from bnlab.statistics import quantile_band

_FAILED = {"linestyle": "", "marker": "x", "markersize": 6, "clip_on": False, "zorder": 6}
_WIDE = 24
"""So many letters of value labels have room under a small panel."""

Spacing = Literal["linear", "log", "none"]


def response_figure(
    values: Sequence[float] | None,
    labels: Sequence[str],
    panels: Mapping[str, Mapping[str, Num[np.ndarray, "values seeds"]]],
    *,
    spacing: Spacing,
    field: str,
    metric: str,
    unit: str,
    log: bool,
    title: str,
) -> Figure:
    """Return one metric against the values of a field: {panel: {arm: final values over seeds}}; every panel has all arms.

    The x axis is a log axis with the `spacing` "log". With "none", or where the values are no numbers, they stand at even
    distances in their order. A cross marks a value at which seeds failed. `log`: the y axis is a log axis.

    Raises ValueError for more panels or arms than a figure has room for.
    """
    even = values is None or spacing == "none"
    x = np.arange(len(labels), dtype=float) if values is None or spacing == "none" else np.asarray(values, float)
    order = np.argsort(x)
    arms = list(next(iter(panels.values())))
    figure, all_axes = new_panels(list(panels)) if len(panels) > 1 else new_figure(1)
    lost = False
    for axes, by_arm in zip(all_axes, panels.values(), strict=True):
        for look, (arm, finals) in zip(looks(len(arms)), by_arm.items(), strict=True):
            seeds = gaps(finals).T[:, order]
            draw_band([axes], x[order], seeds, quantile_band(seeds), look, arm)
            failed = np.flatnonzero(np.isnan(seeds).any(axis=0))
            lost = lost or bool(failed.size)
            height = np.ones(len(failed))
            axes.plot(x[order][failed], height, color=look.color, transform=axes.get_xaxis_transform(), **_FAILED)
        (log_values if log else linear_values)(axes, metric, unit)
        _label_values(axes, x, labels, field, logarithmic=spacing == "log" and not even, few=len(panels) > 1)
    share_values(all_axes)
    handles = list(all_axes[0].get_legend_handles_labels()[0])
    if lost:
        handles.append(Line2D([], [], color="0.35", label="seeds failed here", **{**_FAILED, "clip_on": True}))
    seeds = next(iter(next(iter(panels.values())).values())).shape[1]
    notes = [f"line: median of {count(seeds)}; band: 10 % to 90 % of them{thin_note(seeds)}"] if seeds > 1 else []
    if len(panels) == 1:
        return finish(figure, title, notes, handles, height=3.0)
    return _finish_panels(figure, all_axes, title, notes, handles, axis_words(metric + (", log scale" if log else ""), unit))


def _label_values(
    axes: Axes, x: Float[np.ndarray, "values"], labels: Sequence[str], field: str, *, logarithmic: bool, few: bool
) -> None:
    """Put the values themselves on the x axis, as many as have room."""
    if logarithmic:
        axes.set_xscale("log")
    label_x(axes, f"{field}, log scale" if logarithmic else field)
    room = _WIDE if few else 4 * _WIDE
    each = max(1, -(-sum(len(label) + 2 for label in labels) // room))
    shown = np.argsort(x)[::each]
    axes.xaxis.set_major_locator(FixedLocator(x[shown].tolist()))
    axes.xaxis.set_minor_locator(NullLocator())
    names = [str(labels[index]) for index in shown]
    axes.set_xticklabels(names)


def _finish_panels(
    figure: Figure, panels: list[Axes], title: str, notes: Sequence[str], handles: Sequence[Artist], values: str
) -> Figure:
    """Put title, notes and legend above small panels whose y axes are shared."""
    columns = min(4, len(panels))
    for index, axes in enumerate(panels):
        axes.set_ylabel("")
        if index + columns < len(panels):
            axes.set_xlabel("")
        if index % columns:
            axes.tick_params(labelleft=False, which="both")
    titles = 0.14 * max(axes.get_title(loc="left").count("\n") + 1 for axes in panels)
    finish(figure, title, notes, handles, height=1.9, above=0.3 + titles, between=(0.2, 0.35 + titles))
    total = figure.get_size_inches()[1]
    figure.text(0.2 / WIDTH, figure.subplotpars.top + (titles + 0.12) / total, values, verticalalignment="bottom")
    return figure
