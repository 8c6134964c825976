"""Figures of several arms: one metric over steps, and its final values."""

import math
import textwrap
from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bnlab.plots.bands import GOLDEN, count, draw_band, draw_behind, ema_weight, gaps, seeds_note
from bnlab.plots.curves import curves_figure
from bnlab.plots.frame import CHARACTER, Over, axis_words, finish, label_axis, label_x, linear_values, log_values, new_figure
from bnlab.plots.looks import GREY, LOOKS, STAR, check_stated, draw_stated, looks, stated_handle
from bnlab.plots.panels import finish_panels, new_panels, share_values
from bnlab.statistics import Summary, quantile_band, summarize

_MEAN = {"linestyle": "", "marker": "D", "markersize": 6, "color": "white", "markeredgecolor": "black"}
_BASELINE = {"color": "black", "linewidth": 1, "linestyle": "--"}
_LABEL = 45  # characters of a line of an arm's name


def comparison_figure(
    step: Num[np.ndarray, "records"],
    arms: Mapping[str, Num[np.ndarray, "seeds records"]],
    *,
    metric: str,
    unit: str,
    lower_is_better: bool,
    title: str,
    over: Over = "step",
    stated: Mapping[str, Mapping[float, float]] | None = None,
) -> Figure:
    """Return one metric over steps for all arms: a linear panel and, where lower is better, a log panel.

    Where there are more arms than looks, each arm has a small panel, with a log axis where lower is better. It shows
    the arm with its band, in front of the medians of all other arms. The first arm is the baseline, which every panel
    shows. `stated` values, {arm: {step: value}}, are stars in the colour of their arm.

    Raises ValueError for a stated value without an arm, or more than MAX_ARMS arms.
    """
    if len(arms) <= len(LOOKS):
        return curves_figure(
            step, arms, title=title, quantity=metric, unit=unit, log=lower_is_better, over=over, stated=stated
        )

    stated, look = check_stated(stated, arms), LOOKS[0]
    bands = {label: quantile_band(curve) for label, curve in arms.items()}
    weights = {label: ema_weight(band.center) for label, band in bands.items()}
    baseline, *_ = arms
    figure, panels = new_panels(list(arms))
    for (label, curve), axes in zip(arms.items(), panels, strict=True):
        draw_behind(axes, step, [band.center for other, band in bands.items() if other not in (label, baseline)])
        if label != baseline:
            axes.plot(step, bands[baseline].center, **_BASELINE)
        draw_band([axes], step, gaps(curve), bands[label], look, label, weights[label])
        draw_stated([axes], stated.get(label, {}), look)
        (log_values if lower_is_better else linear_values)(axes, metric, unit)
    share_values(panels)
    handles = [
        Line2D([], [], color=look.color, linewidth=1.6, marker=look.marker, markersize=4, label="the arm of the panel"),
        Line2D([], [], label=f"baseline: {baseline}", **_BASELINE),
        Line2D([], [], color="0.75", label="all other arms, their medians"),
        *([stated_handle()] if stated else []),
    ]
    notes = seeds_note(arms)
    if any(weights.values()):
        notes.append("thick line over a noisy one: its moving average")
    words = axis_words(metric + (", log scale" if lower_is_better else ""), unit)
    return finish_panels(figure, title, notes, handles, step, words, shared=True, over=over)


def finals_figure(
    finals: Mapping[str, Num[np.ndarray, "seeds"]],
    *,
    metric: str,
    unit: str,
    title: str,
    stated: Mapping[str, float] | None = None,
) -> Figure:
    """Return the final values of each arm, a dot per seed, with their mean and their median.

    With two arms, entry s of both is the same seed, and a thin line joins the two dots. `stated` values are stars
    in the row of their arm. Seeds without a finite value are counted beside the row.

    Raises ValueError for a stated value without an arm, or more than MAX_ARMS arms.
    """
    stated = check_stated(stated, finals)
    values = [gaps(arm) for arm in finals.values()]
    # a seed has the same height in every row
    heights = [row + 0.5 * ((0.5 + GOLDEN * np.arange(len(arm))) % 1 - 0.5) for row, arm in enumerate(values)]
    figure, (axes,) = new_figure(1)
    paired = len(values) == 2 and len(values[0]) == len(values[1])
    if paired:
        pairs = np.stack([values, heights], axis=-1).swapaxes(0, 1)  # seed, arm, (x, y)
        axes.add_collection(LineCollection(list(pairs), colors="0.6", linewidths=0.5, alpha=0.5, zorder=1))

    names = []
    for row, (label, look) in enumerate(zip(finals, looks(len(finals)), strict=True)):
        summary = summarize(values[row])
        axes.plot(values[row], heights[row], ".", color=look.color, markersize=7, alpha=0.7)
        if summary.std is not None:  # else there is at most one dot
            axes.plot(
                [np.nanmedian(values[row])] * 2,
                [row - 0.33, row + 0.33],
                color="black",
                linewidth=1.8,
                zorder=4,
            )
            axes.plot(np.nanmean(values[row]), row, zorder=5, **_MEAN)
        if label in stated:
            axes.plot(stated[label], row, color=look.color, **STAR)
        names.append("\n".join([*textwrap.wrap(label, _LABEL), *_numbers(summary, stated.get(label), unit)]))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(False, axis="y")
    label_x(axes, "")
    label_axis(axes.xaxis, f"final {metric}", unit)

    left = 0.4 + CHARACTER * max(len(line) for name in names for line in name.split("\n"))
    handles = [
        Line2D([], [], linestyle="", marker=".", markersize=7, color=GREY, label="one seed"),
        Line2D([], [], label="mean", **_MEAN),
        Line2D(
            [],
            [],
            linestyle="",
            marker="|",
            markersize=13,
            markeredgewidth=1.8,
            color="black",
            label="median",
        ),
    ]
    if paired:
        handles.append(Line2D([], [], color="0.6", linewidth=0.8, label="same seed"))
    if stated:
        handles.append(stated_handle())
    # few rows have room around them; with many rows, each is as high as its lines of text need
    row = 0.7 if len(names) <= len(LOOKS) else 0.17 * max(name.count("\n") + 1 for name in names) + 0.12
    return finish(figure, title, [], handles, height=row * len(names), left=left, above=0.15)


def _numbers(summary: Summary, stated: float | None, unit: str) -> list[str]:
    """Return the lines of a row: mean ± standard deviation (with two digits of the latter), counts, stated value."""
    scale, sign = (100, " %") if unit == "%" else (1, "")
    lines = []
    if summary.mean is not None:
        spread = scale * (summary.std or 0)
        digits = max(0, 1 - math.floor(math.log10(spread))) if spread > 0 else 4
        mean = f"mean {scale * summary.mean:.{digits}f}"
        lines.append(f"{mean} ± {spread:.{digits}f}{sign}, n = {summary.n}" if summary.n > 1 else mean + sign)
    if summary.failed:
        lines.append(f"{count(summary.failed)} failed")
    if stated is not None:
        lines.append(f"stated {scale * stated:.6g}{sign}")
    return lines
