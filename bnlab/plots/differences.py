"""Paired differences of arms from a baseline, over steps."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Num
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.plots.bands import FEW_SEEDS, count, draw_band, ema_weight, gaps, thin_note, unfinished_note
from bnlab.plots.frame import Over, axis_words, finish, label_axis, label_steps, label_values, new_figure
from bnlab.plots.looks import LOOKS
from bnlab.plots.panels import finish_panels, new_panels
from bnlab.statistics import Band, difference_band, quantile_band


def difference_figure(
    step: Num[np.ndarray, "records"],
    a: Num[np.ndarray, "seeds records"],
    b: Num[np.ndarray, "seeds records"],
    labels: tuple[str, str],
    *,
    metric: str,
    unit: str,
    lower_is_better: bool,
    title: str,
    over: Over = "step",
    confidence: float = 0.95,
) -> Figure:
    """Return the paired difference b - a over steps: its mean, with the interval of `difference_band`.

    Row s of `a` and row s of `b` are the same seed, and `labels` are the names of a and b. The right panel
    leaves out the first quarter of the steps, where differences are often so large that later ones cannot be seen.

    Raises ValueError for arms of different shapes.
    """
    figure, panels = new_figure(2)
    differences, band = _draw_difference(panels, step, a, b, confidence)
    for axes in panels:
        label_steps(axes, step, over=over)
        label_values(axes, f"difference in {metric}", _difference_unit(unit))

    late = _late(step)
    label_steps(panels[1], step[late], over=over)
    panels[1].set_xlabel(f"{over}, without the first quarter")
    panels[1].set_ylim(_limits(_drawn(differences, band)[:, late]))
    notes = [
        _sides(*labels, lower_is_better),
        f"{labels[1]} minus {labels[0]}, {count(len(differences))}{_interval(len(differences), confidence)}",
        *unfinished_note({"pairs": differences}),
    ]
    return finish(figure, title, notes)


def differences_figure(
    step: Num[np.ndarray, "records"],
    baseline_curves: Num[np.ndarray, "seeds records"],
    curves: Mapping[str, Num[np.ndarray, "seeds records"]],
    baseline_label: str,
    *,
    metric: str,
    unit: str,
    lower_is_better: bool,
    title: str,
    over: Over = "step",
    confidence: float = 0.95,
) -> Figure:
    """Return the paired differences of several arms from the baseline over steps: a small panel for each arm.

    For one arm this is `difference_figure`. Each panel has its own scale, because a diverged arm would make all
    others flat. The scale holds everything after the first quarter of the steps; earlier values may lie outside.

    Raises ValueError for more than MAX_ARMS arms, or arms of different shapes.
    """
    options = {"metric": metric, "unit": unit, "lower_is_better": lower_is_better, "title": title}
    options |= {"over": over, "confidence": confidence}
    if len(curves) == 1:
        (label,) = curves
        return difference_figure(step, baseline_curves, curves[label], (baseline_label, label), **options)
    figure, panels = new_panels(list(curves))
    late, pairs, outside = _late(step), {}, False
    for (label, arm), axes in zip(curves.items(), panels, strict=True):
        pairs[label], band = _draw_difference([axes], step, baseline_curves, arm, confidence)
        label_axis(axes.yaxis, "", _difference_unit(unit))
        drawn = _drawn(pairs[label], band)
        low, high = _limits(drawn[:, late])
        axes.set_ylim(low, high)
        outside = outside or bool(((drawn < low) | (drawn > high)).any())
    seeds = len(baseline_curves)
    notes = [
        _sides(baseline_label, "the arm of the panel", lower_is_better),
        f"the arm of the panel minus {baseline_label}, {count(seeds)}{_interval(seeds, confidence)}",
        "each panel has its own scale" + (", which may leave out the first quarter of the steps" if outside else ""),
        *unfinished_note(pairs),
    ]
    values = axis_words(f"difference in {metric}", _difference_unit(unit))
    handles = panels[0].get_legend_handles_labels()[0]
    return finish_panels(figure, title, notes, handles, step, values, shared=False, over=over)


def _draw_difference(
    panels: list[Axes],
    step: Num[np.ndarray, "records"],
    a: Num[np.ndarray, "seeds records"],
    b: Num[np.ndarray, "seeds records"],
    confidence: float,
) -> tuple[Float[np.ndarray, "seeds records"], Band]:
    """Draw b - a and the line of no difference; return the differences and their band."""
    band = difference_band(a, b, confidence=confidence)
    differences = gaps(b) - gaps(a)
    # the arms decide whether there is noise: their difference may be near zero, where everything is noise
    weight = ema_weight(quantile_band(a).center) or ema_weight(quantile_band(b).center)
    name = "mean difference" if len(differences) > 1 else "difference"
    draw_band(panels, step, differences, band, LOOKS[0], name, weight)
    for axes in panels:
        axes.axhline(0, color="black", linewidth=1)
    return differences, band


def _late(step: Num[np.ndarray, "records"]) -> Num[np.ndarray, "records"]:
    """Return which records come after the first quarter of the steps."""
    return step >= step.max(initial=0) / 4


def _drawn(differences: Float[np.ndarray, "seeds records"], band: Band) -> Float[np.ndarray, "lines records"]:
    """Return all lines that `_draw_difference` draws."""
    return np.vstack([band.low, band.center, band.high, *(differences if len(differences) <= FEW_SEEDS else [])])


def _limits(drawn: Float[np.ndarray, "lines records"]) -> tuple[float, float]:
    """Return y limits that hold zero and all drawn values."""
    low, high = float(np.nanmin(drawn, initial=0)), float(np.nanmax(drawn, initial=0))
    margin = 0.05 * (high - low) or 1
    return low - margin, high + margin


def _difference_unit(unit: str) -> str:
    return "percentage points" if unit == "%" else unit


def _sides(a: str, b: str, lower_is_better: bool) -> str:
    """Return the note that says which arm is better above zero, and which below."""
    above, below = (a, b) if lower_is_better else (b, a)
    return f"▲ above zero: {above} is better     ▼ below zero: {below} is better"


def _interval(seeds: int, confidence: float) -> str:
    return f"; band: {100 * confidence:g} % interval of the mean{thin_note(seeds)}" if seeds > 1 else ""
