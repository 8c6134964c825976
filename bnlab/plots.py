"""Figures from arrays: NumPy arrays and strings in, matplotlib Figures out, and `save` to write them.

How to read them, whichever function drew them:

- A curve over several seeds is their median, in a band from their 10 % to their 90 % quantile
  (`statistics.quantile_band`). Up to FEW_SEEDS seeds are drawn one by one as well, thin.
- A curve of up to FEW_RECORDS records has a marker at each; a longer one has a few, to be told from others.
- A noisy curve of MANY_RECORDS or more is drawn thin and whole, and its moving average (`statistics.ema`)
  over it.
- A value that is not finite is a gap. A line under the title counts the seeds that do not reach the end.

Arms differ in colour (Okabe and Ito's, which colour-blind readers tell apart), in dashes and in markers, for
a print without colours. Everything is placed by hand, in inches: matplotlib's layout engines draw the figure
twice. Neither pyplot nor a graphical back end is imported; still the import takes 0.3 s.

`unit` stands in brackets after the quantity on its axis: "½ Σ d² per point" makes "loss (½ Σ d² per point)".
With the unit "%", values are fractions, and their axis shows percent.
"""

import io
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float, Num
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogFormatter, MaxNLocator

from bnlab.files import write_atomically
from bnlab.statistics import Band, Summary, difference_band, ema, quantile_band, summarize

FEW_SEEDS = 8
"""Up to this many seeds have a thin line each."""

FEW_RECORDS = 40
"""Up to this many records have a marker each."""

MANY_RECORDS = 200
"""From this many records on, a noisy curve has its moving average."""


class _Look(NamedTuple):
    color: str
    dashes: str | tuple[float, tuple[float, ...]]
    marker: str


_LOOKS = (
    _Look("#0072B2", "-", "o"),
    _Look("#D55E00", (0, (5, 1.5)), "s"),
    _Look("#009E73", (0, (6, 1.5, 1, 1.5)), "^"),
    _Look("#CC79A7", (0, (1.2, 1.2)), "D"),
    _Look("#E69F00", (0, (9, 2)), "v"),
    _Look("#56B4E9", (0, (6, 1.5, 1, 1.5, 1, 1.5)), "P"),
    _Look("#000000", (0, (2.5, 1)), "X"),
)
_GOLDEN = 0.6180339887  # its multiples, modulo 1, lie far apart however many there are
_GREY = "0.35"
_MEAN = {"linestyle": "", "marker": "D", "markersize": 6, "color": "white", "markeredgecolor": "black"}
_STAR = {
    "linestyle": "",
    "marker": "*",
    "markersize": 13,
    "markeredgecolor": "black",
    "clip_on": False,
    "zorder": 6,
}


# --- One run ------------------------------------------------------------------------------------------------


def loss_figure(
    step: Num[np.ndarray, "records"],
    curves: Mapping[str, Num[np.ndarray, "seeds records"]],
    *,
    title: str,
    unit: str,
) -> Figure:
    """Return the losses of one run over its steps (train, test, ...): a linear and a log panel."""
    return _curves_figure(step, curves, title=title, quantity="loss", unit=unit, log=True)


def accuracy_figure(
    step: Num[np.ndarray, "records"], curves: Mapping[str, Num[np.ndarray, "seeds records"]], *, title: str
) -> Figure:
    """Return the accuracies (fractions) of one run over its steps, in percent: one panel."""
    return _curves_figure(step, curves, title=title, quantity="accuracy", unit="%", log=False)


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

    One seed's fit is drawn as dots, several seeds' as a curve with its band. Predictions on the coarse grid
    are squares: the one seed's, or the seeds' median on a bar from their 10 % to their 90 % quantile.
    """
    figure, (axes,) = _new_figure(1)
    look, coarse_look = _LOOKS[:2]
    axes.plot(x, target, color="black", linewidth=1.2, label="target")
    label = f"fit at {len(x)} points"
    if len(predictions) == 1:
        axes.plot(x, _gaps(predictions[0]), ".", color=look.color, markersize=4, label=label)
    else:
        band = quantile_band(predictions)
        _draw_band([axes], x, _gaps(predictions), band, look._replace(marker=""), label)

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
    axes.set_xlabel("x")
    _label_values(axes, "y", "")
    return _finish(figure, title, _seeds_note({"fit": predictions}))


# --- Several arms -------------------------------------------------------------------------------------------


def comparison_figure(
    step: Num[np.ndarray, "records"],
    arms: Mapping[str, Num[np.ndarray, "seeds records"]],
    *,
    metric: str,
    unit: str,
    lower_is_better: bool,
    title: str,
    stated: Mapping[str, float] | None = None,
) -> Figure:
    """Return one metric over steps for all arms: a linear panel and, where lower is better, a log panel.

    `stated` values are stars at the last step, in the colour of their arm.

    Raises ValueError for a stated value of no arm.
    """
    return _curves_figure(step, arms, title=title, quantity=metric, unit=unit, log=lower_is_better, stated=stated)


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
    confidence: float = 0.95,
) -> Figure:
    """Return the paired difference b - a over steps: its mean, with the interval of `difference_band`.

    Row s of `a` and row s of `b` are the same seed, and `labels` are the names of a and b. The right panel
    leaves out the first quarter of the steps, beside whose differences the later ones are often too small
    to be seen.

    Raises ValueError for arms of different shapes.
    """
    band = difference_band(a, b, confidence=confidence)
    differences = _gaps(b) - _gaps(a)
    seeds = len(differences)
    # the arms say whether there is noise; their difference may be near zero, where everything is noise
    weight = _ema_weight(quantile_band(a).center) or _ema_weight(quantile_band(b).center)
    name = "mean difference" if seeds > 1 else "difference"
    figure, panels = _new_figure(2)
    _draw_band(panels, step, differences, band, _LOOKS[0], name, weight)
    for axes in panels:
        axes.axhline(0, color="black", linewidth=1)
        _label_steps(axes, step)
        _label_values(axes, f"difference in {metric}", "percentage points" if unit == "%" else unit)

    late = step >= step.max(initial=0) / 4
    _label_steps(panels[1], step[late])
    panels[1].set_xlabel("step, without the first quarter")
    drawn = np.vstack([band.low, band.center, band.high, *(differences if seeds <= FEW_SEEDS else [])])
    low, high = np.nanmin(drawn[:, late], initial=0), np.nanmax(drawn[:, late], initial=0)
    margin = 0.05 * (high - low) or 1
    panels[1].set_ylim(low - margin, high + margin)

    above, below = labels if lower_is_better else labels[::-1]
    notes = [
        f"▲ above zero: {above} is better     ▼ below zero: {below} is better",
        f"{labels[1]} minus {labels[0]}, {_count(seeds)}",
    ]
    if seeds > 1:
        notes[1] += f"; band: {100 * confidence:g} % interval of the mean{_thin_note(seeds)}"
    return _finish(figure, title, [*notes, *_unfinished_note({"pairs": differences})])


def finals_figure(
    finals: Mapping[str, Num[np.ndarray, "seeds"]],
    *,
    metric: str,
    unit: str,
    title: str,
    stated: Mapping[str, float] | None = None,
) -> Figure:
    """Return the final values of each arm, a dot per seed, with their mean and their median.

    Of two arms, entries s of both are the same seed, and a thin line joins them. `stated` values are stars
    in the row of their arm. A seed without a finite value is counted beside the row.

    Raises ValueError for a stated value of no arm.
    """
    stated = _check_stated(stated, finals)
    values = [_gaps(arm) for arm in finals.values()]
    # a seed has the same height in every row
    heights = [row + 0.5 * ((0.5 + _GOLDEN * np.arange(len(arm))) % 1 - 0.5) for row, arm in enumerate(values)]
    figure, (axes,) = _new_figure(1)
    paired = len(values) == 2 and len(values[0]) == len(values[1])
    if paired:
        axes.plot(np.array(values), np.array(heights), color="0.6", linewidth=0.5, alpha=0.5, zorder=1)

    names = []
    for row, (label, look) in enumerate(zip(finals, _looks(finals), strict=True)):
        summary = summarize(values[row])
        axes.plot(values[row], heights[row], ".", color=look.color, markersize=7, alpha=0.7)
        if summary.std is not None:  # else there is one dot at most
            axes.plot(
                [np.nanmedian(values[row])] * 2,
                [row - 0.33, row + 0.33],
                color="black",
                linewidth=1.8,
                zorder=4,
            )
            axes.plot(np.nanmean(values[row]), row, zorder=5, **_MEAN)
        if label in stated:
            axes.plot(stated[label], row, color=look.color, **_STAR)
        names.append("\n".join([label, *_numbers(summary, stated.get(label), unit)]))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(False, axis="y")
    _label_axis(axes.xaxis, f"final {metric}", unit)

    left = 0.4 + _CHARACTER * max(len(line) for name in names for line in name.split("\n"))
    handles = [
        Line2D([], [], linestyle="", marker=".", markersize=7, color=_GREY, label="one seed"),
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
        handles.append(_stated_handle())
    return _finish(figure, title, [], handles, height=0.7 * len(names), left=left)


def decay_figure(
    step: Num[np.ndarray, "records"],
    arms: Mapping[str, tuple[Num[np.ndarray, "seeds records"], Num[np.ndarray, "seeds records"]]],
    *,
    title: str,
    unit: str = "",
) -> Figure:
    """Return the train and test losses over steps for several strengths of decay, given from weak to strong.

    The left panel has both losses, on a log axis; the right one the test loss alone, on a linear axis, where
    overfitting is a rise. Its top cuts off what lies over 1.5 times 98 % of the records of the last three
    quarters: the start, and single spikes. The bottom of the left one cuts off what lies a thousand times under
    the least test loss, as training losses do once everything is learnt by heart. Steps are on a log axis, unless
    they begin at 0: it shows who is faster as well as who is better. Colours go from dark to light with the strength.
    """
    figure, panels = _new_figure(2)
    log_x = len(step) > 0 and bool(step[0] > 0)
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(arms)))
    handles = []
    top, bottom = 0.0, np.inf
    for (label, (train, test)), look, shade in zip(arms.items(), _looks(arms), shades, strict=True):
        look = look._replace(color=to_hex(shade), dashes="-")
        test_band = quantile_band(test)
        _draw_band(panels, step, _gaps(test), test_band, look, f"{label}, test", log_x=log_x)
        look = look._replace(dashes="--")
        _draw_band(panels[:1], step, _gaps(train), quantile_band(train), look, f"{label}, train", log_x=log_x)
        handles.append(Line2D([], [], color=look.color, marker=look.marker, markersize=4, label=label))
        late = test_band.high[step >= step.max(initial=0) / 4]
        late = late[np.isfinite(late)]
        top = max(top, 1.5 * float(np.quantile(late, 0.98)) if late.size else 0.0)
        positive = test_band.low[test_band.low > 0]
        bottom = min(bottom, float(positive.min(initial=np.inf)) / 1000)
    handles += [
        Line2D([], [], color=_GREY, label="test"),
        Line2D([], [], color=_GREY, linestyle="--", label="train"),
    ]
    for axes in panels:
        _label_steps(axes, step)
        if log_x:
            axes.set_xscale("log")
            axes.set_xlim(step[0] / 1.1, step[-1] * 1.1)
            _plain_log(axes.xaxis)
    _log_values(panels[0], "loss", unit)
    _linear_values(panels[1], "test loss", unit)
    notes = _seeds_note({label: test for label, (_, test) in arms.items()})
    if panels[0].get_ylim()[0] < bottom < np.inf:
        panels[0].set_ylim(bottom=bottom)
        notes.append("left: lower training losses lie below the panel")
    if 0 < top < panels[1].get_ylim()[1]:
        panels[1].set_ylim(top=top)
        notes.append("right: the first steps and single spikes lie above the panel")
    return _finish(figure, title, notes, handles)


# --- Writing ------------------------------------------------------------------------------------------------


def save(figure: Figure, path: Path, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write the figure as `path` + "." + format for each format (png, svg); return the paths.

    A path that ends in .png or .svg is written as that alone. The same figure makes the same bytes: no date
    and no version is written. Each file is there whole or not at all.

    Raises: OSError.
    """
    if path.suffix in (".png", ".svg"):
        path, formats = path.with_suffix(""), (path.suffix[1:],)
    paths = [path.with_name(f"{path.name}.{name}") for name in formats]
    for name, file in zip(formats, paths, strict=True):
        write_atomically(file, to_bytes(figure, name))
    return paths


def to_bytes(figure: Figure, format: str = "png") -> bytes:
    """Return the figure as a PNG or SVG file's bytes; the same figure makes the same bytes."""
    metadata = {"Software": None} if format == "png" else {"Date": None, "Creator": None}
    image = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "bnlab"}):
        figure.savefig(image, format=format, metadata=metadata)
    return image.getvalue()


# --- Curves -------------------------------------------------------------------------------------------------


def _curves_figure(
    step: Num[np.ndarray, "records"],
    curves: Mapping[str, Num[np.ndarray, "seeds records"]],
    *,
    title: str,
    quantity: str,
    unit: str,
    log: bool,
    stated: Mapping[str, float] | None = None,
) -> Figure:
    """Return a figure of the curves: one linear panel and, if `log`, a log one beside it."""
    stated = _check_stated(stated, curves)
    figure, panels = _new_figure(1 + log)
    for (label, curve), look in zip(curves.items(), _looks(curves), strict=True):
        band = quantile_band(curve)
        _draw_band(panels, step, _gaps(curve), band, look, label, _ema_weight(band.center))
        for axes in panels if label in stated else []:
            axes.plot(step[-1:], [stated[label]] * len(step[-1:]), color=look.color, **_STAR)
    for axes in panels:
        _label_steps(axes, step)
    _linear_values(panels[0], quantity, unit)
    if log:
        _log_values(panels[1], quantity, unit)
    handles = [*panels[0].get_legend_handles_labels()[0], *([_stated_handle()] if stated else [])]
    return _finish(figure, title, _seeds_note(curves), handles)


def _draw_band(
    panels: Sequence[Axes],
    x: Num[np.ndarray, "records"],
    curves: Float[np.ndarray, "seeds records"],
    band: Band,
    look: _Look,
    label: str,
    ema_weight: float | None = None,
    log_x: bool = False,
) -> None:
    """Draw the centre of the band as `label`, under its moving average if one is asked for.

    Of several curves the band is drawn too, and of few each curve alone.
    """
    center, name = band.center, label
    if ema_weight is not None:
        center, name = ema(band.center, ema_weight), f"{label}, moving average (EMA {ema_weight:g})"
    marked = 1 if _few(center) else _sparse(len(x), look, log_x)
    for axes in panels:
        if len(curves) > 1:
            # the edge shows a band that is one record wide
            axes.fill_between(x, band.low, band.high, color=look.color, alpha=0.18, linewidth=1)
        if 1 < len(curves) <= FEW_SEEDS:
            for curve in curves:
                axes.plot(
                    x,
                    curve,
                    color=look.color,
                    linewidth=0.6,
                    alpha=0.5 if ema_weight is None else 0.15,
                    marker="." if _few(curve) else "",
                    markersize=3,
                )
        if ema_weight is not None:
            axes.plot(x, band.center, color=look.color, linewidth=0.7, alpha=0.5, label=label)
        axes.plot(
            x,
            center,
            color=look.color,
            linestyle=look.dashes,
            linewidth=1.6,
            marker=look.marker,
            markersize=4,
            markevery=marked,
            path_effects=[withStroke(linewidth=2.6, foreground="white")],
            zorder=3,
            label=name,
        )


def _sparse(records: int, look: _Look, log_x: bool) -> list[int]:
    """Return the records to mark on a long curve: eight, and for each arm others, evenly on its axis."""
    arm = [known.marker for known in _LOOKS].index(look.marker) if look.marker else 0
    along = (np.arange(8) + _GOLDEN * arm % 1) / 8
    marked = records**along - 1 if log_x else along * records
    return np.unique(marked.astype(int)).tolist()


def _few(curve: Float[np.ndarray, "records"]) -> bool:
    return int(np.isfinite(curve).sum()) <= FEW_RECORDS


def _ema_weight(curve: Float[np.ndarray, "records"]) -> float | None:
    """Return the weight of the moving average for a long and noisy curve, else None.

    Noisy: the median distance of a record from the mean of its two neighbours is over 2 % of the median
    size. The weight is that of a memory of a hundredth of the records.
    """
    finite = curve[np.isfinite(curve)]
    if len(finite) < MANY_RECORDS:
        return None
    jitter = np.abs(finite[1:-1] - (finite[:-2] + finite[2:]) / 2)
    if np.median(jitter) <= 0.02 * np.median(np.abs(finite)):
        return None
    return round(1 - 100 / len(finite), 3)


def _gaps(values: Num[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return the values with NaN for all that is not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def _check_stated(stated: Mapping[str, float] | None, arms: Mapping[str, object]) -> Mapping[str, float]:
    for label in stated or {}:
        if label not in arms:
            raise ValueError(f"stated: got {label!r}, expected one of {', '.join(arms)}")
    return stated or {}


def _looks(arms: Iterable[str]) -> list[_Look]:
    return [_LOOKS[i % len(_LOOKS)] for i, _ in enumerate(arms)]


def _stated_handle() -> Line2D:
    return Line2D([], [], color="white", label="stated by the article (one run)", **_STAR)


# --- Words --------------------------------------------------------------------------------------------------


def _count(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def _thin_note(seeds: int) -> str:
    return "; thin lines: single seeds" if 1 < seeds <= FEW_SEEDS else ""


def _seeds_note(curves: Mapping[str, Num[np.ndarray, "seeds records"]]) -> list[str]:
    """Return what lines and bands are, where a curve has several seeds, and which curves end early."""
    counts = sorted({len(curve) for curve in curves.values()} - {1})
    lines = []
    if counts:
        seeds = _count(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
        lines.append(f"line: median of {seeds}; band: 10 % to 90 % of them{_thin_note(counts[0])}")
    return lines + _unfinished_note(curves)


def _unfinished_note(curves: Mapping[str, Num[np.ndarray, "seeds records"]]) -> list[str]:
    """Return one line that counts the seeds whose last value is not finite, or none."""
    early = [
        f"{(~np.isfinite(curve[:, -1:])).sum()} of {len(curve)} ({label})"
        for label, curve in curves.items()
        if not np.isfinite(curve[:, -1:]).all()
    ]
    return [f"seeds that stop early, no longer finite: {', '.join(early)}"] if early else []


def _numbers(summary: Summary, stated: float | None, unit: str) -> list[str]:
    """Return a row's mean ± standard deviation, to two digits of the latter, its counts and stated value."""
    scale, sign = (100, " %") if unit == "%" else (1, "")
    lines = []
    if summary.mean is not None:
        spread = scale * (summary.std or 0)
        digits = max(0, 1 - math.floor(math.log10(spread))) if spread > 0 else 4
        mean = f"mean {scale * summary.mean:.{digits}f}"
        lines.append(f"{mean} ± {spread:.{digits}f}{sign}, n = {summary.n}" if summary.n > 1 else mean + sign)
    if summary.failed:
        lines.append(f"{_count(summary.failed)} failed")
    if stated is not None:
        lines.append(f"stated {scale * stated:.6g}{sign}")
    return lines


# --- Frame --------------------------------------------------------------------------------------------------

_WIDTH, _RIGHT, _BOTTOM, _BETWEEN = 9.0, 0.3, 0.5, 0.8  # inches, at 110 pixels each
_CHARACTER = 0.075  # inches, at 10 points, on average


def _plain(x: float, _position: int | float | None = None) -> str:
    """Return 0.01, 2 or 300, or 1e06, where matplotlib has powers of ten or a factor above the axis."""
    return f"{x:,.6g}".replace("e+", "e").replace("-", "−")


def _percent(x: float, _position: int | float | None = None) -> str:
    return _plain(100 * x)


class _PlainLog(LogFormatter):
    """`_plain`, at those places of a log axis that LogFormatter chooses."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return _plain(x) if super().__call__(x, pos) else ""


def _plain_log(axis: Axis) -> None:
    axis.set_major_formatter(_PlainLog())
    axis.set_minor_formatter(_PlainLog(labelOnlyBase=False))


def _new_figure(panels: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(dpi=110)
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(True, color="0.9", linewidth=0.6)
        one.set_axisbelow(True)
    return figure, axes


def _label_axis(axis: Axis, quantity: str, unit: str) -> None:
    axis.set_label_text(quantity.replace("_", " ") + (f" ({unit})" if unit else ""))
    axis.set_major_formatter(_percent if unit in ("%", "percentage points") else _plain)


def _label_values(axes: Axes, quantity: str, unit: str) -> None:
    """Label the y axis above the panel, where long words have room."""
    _label_axis(axes.yaxis, quantity, unit)
    axes.yaxis.label.set(rotation=0, horizontalalignment="left", verticalalignment="bottom")
    axes.yaxis.set_label_coords(-0.05, 1.03)


def _label_steps(axes: Axes, step: Num[np.ndarray, "records"]) -> None:
    """Label the x axis, which has all steps, whether or not a run got so far."""
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    if len(step):
        margin = max(0.03 * (step[-1] - step[0]), 0.5)
        axes.set_xlim(step[0] - margin, step[-1] + margin)


def _linear_values(axes: Axes, quantity: str, unit: str) -> None:
    """Label what is drawn, on an axis from zero, or from near the data to no more than 100 %."""
    _label_values(axes, quantity, unit)
    if unit == "%":
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -0.02), min(high, 1 + 0.03 * (1 - low)))
    elif axes.dataLim.y0 >= 0:
        axes.set_ylim(bottom=0)


def _log_values(axes: Axes, quantity: str, unit: str) -> None:
    """Label what is drawn, on a log axis, where a line leaves through the bottom as it falls to zero."""
    _label_values(axes, f"{quantity}, log scale", unit)
    if not np.isfinite(axes.dataLim.minposy):
        axes.set_ylim(0.1, 1)
        axes.text(0.5, 0.5, "no value above zero", transform=axes.transAxes, horizontalalignment="center")
    axes.set_yscale("log", nonpositive="clip")
    _plain_log(axes.yaxis)


def _finish(
    figure: Figure,
    title: str,
    notes: Sequence[str],
    handles: Sequence[Artist] = (),
    *,
    height: float = 2.35,
    left: float = 0.7,
) -> Figure:
    """Put title, notes and legend above the panels, which are `height` inches high, and return the figure."""
    panels = figure.axes
    handles = handles or panels[0].get_legend_handles_labels()[0]
    titles = textwrap.wrap(title, 95)
    notes = [line for note in notes for line in textwrap.wrap(note, 125)]
    columns = _legend_columns([str(handle.get_label()) for handle in handles])
    rows = -(-len(handles) // columns)

    title_at = 0.1
    notes_at = title_at + 0.22 * len(titles) + 0.05
    legend_at = notes_at + 0.175 * len(notes) + 0.06
    panels_at = legend_at + 0.2 * rows + (0.37 if panels[0].yaxis.get_label_text() else 0.15)
    total = panels_at + height + _BOTTOM
    figure.set_size_inches(_WIDTH, total)
    width = (_WIDTH - left - _RIGHT - _BETWEEN * (len(panels) - 1)) / len(panels)
    figure.subplots_adjust(
        left=left / _WIDTH,
        right=1 - _RIGHT / _WIDTH,
        bottom=_BOTTOM / total,
        top=1 - panels_at / total,
        wspace=_BETWEEN / width,
    )
    x = 0.2 / _WIDTH
    above = {"verticalalignment": "top", "linespacing": 1.2}
    figure.text(x, 1 - title_at / total, "\n".join(titles), fontsize=11, fontweight="bold", **above)
    figure.text(x, 1 - notes_at / total, "\n".join(notes), fontsize=9, color=_GREY, **above)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(x, 1 - legend_at / total),
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        ncols=columns,
        handlelength=2.8,
        labelspacing=0.3,
        columnspacing=1.5,
    )
    return figure


def _legend_columns(labels: Sequence[str]) -> int:
    """Return the largest number of columns that fit the width; matplotlib fills them from top to bottom."""
    for columns in range(len(labels), 1, -1):
        widest = [max(map(len, column)) for column in np.array_split(labels, columns)]
        if sum(_CHARACTER * characters + 0.75 for characters in widest) <= _WIDTH - 0.4:
            return columns
    return 1
