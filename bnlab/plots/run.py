"""Figures of one run: its metrics, and its fit of the regression."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.figure import Figure

from bnlab.plots.bands import draw_band, gaps, seeds_note
from bnlab.plots.curves import curves_figure
from bnlab.plots.frame import Over, finish, label_values, label_x, new_figure
from bnlab.plots.looks import LOOKS
from bnlab.statistics import quantile_band


def metric_figure(
    step: Num[np.ndarray, "records"],
    curves: Mapping[str, Num[np.ndarray, "seeds records"]],
    *,
    title: str,
    quantity: str,
    unit: str,
    log: bool,
    over: Over = "step",
) -> Figure:
    """Return one quantity of one run over its steps, a curve for each split: a linear panel and, if `log`, a log panel."""
    return curves_figure(step, curves, title=title, quantity=quantity, unit=unit, log=log, over=over)


def fit_figure(
    x: Num[np.ndarray, "points"],
    target: Num[np.ndarray, "points"],
    predictions: Num[np.ndarray, "seeds points"],
    coarse_x: Num[np.ndarray, "coarse"],
    coarse_predictions: Num[np.ndarray, "seeds coarse"],
    *,
    title: str,
) -> Figure:
    """Return a regression's fit over its target; `x` increases.

    The fit of one seed is drawn as dots, the fits of several seeds as a curve with a band. Predictions on the coarse grid
    are squares: of one seed, or the median of several seeds, with a bar from their 10 % to their 90 % quantile.
    """
    figure, (axes,) = new_figure(1)
    look, coarse_look = LOOKS[:2]
    axes.plot(x, target, color="black", linewidth=1.2, label="target")
    label = f"fit at {len(x)} points"
    if len(predictions) == 1:
        axes.plot(x, gaps(predictions[0]), ".", color=look.color, markersize=4, label=label)
    else:
        band = quantile_band(predictions)
        draw_band([axes], x, gaps(predictions), band, look._replace(marker=""), label)

    coarse = quantile_band(coarse_predictions)
    if len(coarse_predictions) > 1:
        axes.vlines(coarse_x, coarse.low, coarse.high, color=coarse_look.color, linewidth=1.5, zorder=4)
    axes.plot(
        coarse_x,
        coarse.center,
        linestyle="",
        marker=coarse_look.marker,
        markersize=6,
        markerfacecolor="white",
        markeredgecolor=coarse_look.color,
        markeredgewidth=1.5,
        zorder=5,
        label=f"prediction on the coarse grid ({len(coarse_x)} points)",
    )
    label_x(axes, "x")
    label_values(axes, "y", "")
    return finish(figure, title, seeds_note({"fit": predictions}))
