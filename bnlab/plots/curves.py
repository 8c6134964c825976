"""Curves over steps that share their panels: a linear panel and, if `log`, a log panel beside it."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.figure import Figure

from bnlab.plots.bands import draw_band, ema_weight, gaps, seeds_note
from bnlab.plots.frame import Over, finish, label_steps, linear_values, log_values, new_figure
from bnlab.plots.looks import check_stated, draw_stated, looks, stated_handle
from bnlab.statistics import quantile_band


def curves_figure(
    step: Num[np.ndarray, "records"],
    curves: Mapping[str, Num[np.ndarray, "seeds records"]],
    *,
    title: str,
    quantity: str,
    unit: str,
    log: bool,
    over: Over = "step",
    stated: Mapping[str, Mapping[float, float]] | None = None,
) -> Figure:
    """Return a figure of the curves: a linear panel and, if `log`, a log panel beside it.

    stated: {a curve's label: {step: the value that a source states}}.

    Raises ValueError for a stated value without a curve.
    """
    stated = check_stated(stated, curves)
    figure, panels = new_figure(1 + log)
    for (label, curve), look in zip(curves.items(), looks(len(curves)), strict=True):
        band = quantile_band(curve)
        draw_band(panels, step, gaps(curve), band, look, label, ema_weight(band.center))
        draw_stated(panels, stated.get(label, {}), look)
    for axes in panels:
        label_steps(axes, step, over=over)
    linear_values(panels[0], quantity, unit)
    if log:
        log_values(panels[1], quantity, unit)
    handles = [*panels[0].get_legend_handles_labels()[0], *([stated_handle()] if stated else [])]
    return finish(figure, title, seeds_note(curves), handles)
