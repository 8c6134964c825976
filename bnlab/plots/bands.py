"""Draw the curves of one arm (median, band, single seeds), and write the notes that explain them."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Num
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke

from bnlab.plots.looks import Look, marker_index
from bnlab.statistics import Band, ema

FEW_SEEDS = 8
"""Up to this many seeds, each seed has a thin line."""

FEW_RECORDS = 40
"""Up to this many records, each record has a marker."""

MANY_RECORDS = 200
"""A noisy curve of this many records or more is drawn with its moving average."""

GOLDEN = 0.6180339887
"""The multiples of this number, modulo 1, are far apart, for any number of them."""

_THIN = 0.6  # points
_COLUMNS = 250
"""A thin line keeps the lowest and the highest record in each of this many columns, about one per pixel of a small panel."""


def draw_band(
    panels: Sequence[Axes],
    x: Num[np.ndarray, "records"],
    curves: Float[np.ndarray, "seeds records"],
    band: Band,
    look: Look,
    label: str,
    weight: float | None = None,
    log_x: bool = False,
) -> None:
    """Draw the centre of the band as `label`. Where `weight` is given, draw a moving average of this weight over it.

    Several curves also have the band. Few curves are also drawn one by one.
    """
    center, name = band.center, label
    if weight is not None:
        center, name = ema(band.center, weight), f"{label}, moving average (EMA {weight:g})"
    marked = 1 if _few(center) else _sparse(len(x), look, log_x)
    for axes in panels:
        if len(curves) > 1:
            # the edge shows a band that is one record wide
            axes.fill_between(x, band.low, band.high, color=look.color, alpha=0.18, linewidth=1)
        if 1 < len(curves) <= FEW_SEEDS:
            _draw_seeds(axes, x, curves, look.color, alpha=0.5 if weight is None else 0.15)
        if weight is not None:
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


def _draw_seeds(
    axes: Axes,
    x: Num[np.ndarray, "records"],
    curves: Float[np.ndarray, "seeds records"],
    color: str,
    alpha: float,
) -> None:
    for curve in curves:
        kept = extremes(x, curve)
        axes.plot(*kept, color=color, linewidth=_THIN, alpha=alpha, marker="." if _few(curve) else "", markersize=3)


def draw_behind(axes: Axes, x: Num[np.ndarray, "records"], curves: Sequence[Float[np.ndarray, "records"]]) -> None:
    """Draw curves in light grey behind all others. They do not change the limits of the axes."""
    lines = [np.column_stack(extremes(x, curve)) for curve in curves]
    axes.add_collection(LineCollection(lines, colors="0.75", linewidths=_THIN, zorder=1), autolim=False)


def extremes(
    x: Num[np.ndarray, "records"], curve: Float[np.ndarray, "records"], columns: int = _COLUMNS
) -> tuple[Num[np.ndarray, "kept"], Float[np.ndarray, "kept"]]:
    """Return the lowest and the highest record of each of `columns` equal parts of a long curve, in their order.

    A line through them covers the same pixels, if a part is not wider than a pixel. A curve of up to four records per
    part is returned whole. A part without a finite record stays a gap.
    """
    if len(curve) <= 4 * columns:
        return x, curve
    size = -(-len(curve) // columns)
    parts = np.pad(curve, (0, -len(curve) % size), constant_values=np.nan).reshape(-1, size)
    first = np.arange(len(parts)) * size
    low = first + np.where(np.isnan(parts), np.inf, parts).argmin(1)
    high = first + np.where(np.isnan(parts), -np.inf, parts).argmax(1)
    kept = np.unique([*low, *high, len(curve) - 1])
    return x[kept], curve[kept]


def _sparse(records: int, look: Look, log_x: bool) -> list[int]:
    """Return the records to mark on a long curve: eight, evenly spaced on the x axis, and different ones for each arm."""
    along = (np.arange(8) + GOLDEN * marker_index(look) % 1) / 8
    marked = records**along - 1 if log_x else along * records
    return np.unique(marked.astype(int)).tolist()


def _few(curve: Float[np.ndarray, "records"]) -> bool:
    return int(np.isfinite(curve).sum()) <= FEW_RECORDS


def ema_weight(curve: Float[np.ndarray, "records"]) -> float | None:
    """Return the weight of the moving average for a long and noisy curve, else None.

    Noisy: the median distance of a record from the mean of its two neighbours is over 2 % of the median absolute
    value. The weight is 1 - 1 / m, where m is a hundredth of the number of records.
    """
    finite = curve[np.isfinite(curve)]
    if len(finite) < MANY_RECORDS:
        return None
    jitter = np.abs(finite[1:-1] - (finite[:-2] + finite[2:]) / 2)
    if np.median(jitter) <= 0.02 * np.median(np.abs(finite)):
        return None
    return round(1 - 100 / len(finite), 3)


def gaps(values: Num[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return the values, with NaN in place of each value that is not finite."""
    return np.where(np.isfinite(values), values, np.nan)


# --- Notes --------------------------------------------------------------------------------------------------


def count(seeds: int) -> str:
    """Return "1 seed" or "5 seeds"."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def thin_note(seeds: int) -> str:
    """Return the part of a note that explains thin lines, where there are any."""
    return "; thin lines: single seeds" if 1 < seeds <= FEW_SEEDS else ""


def seeds_note(curves: Mapping[str, Num[np.ndarray, "seeds records"]]) -> list[str]:
    """Return the notes that explain lines and bands, where a curve has several seeds, and name curves that end early."""
    counts = sorted({len(curve) for curve in curves.values()} - {1})
    lines = []
    if counts:
        seeds = count(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
        lines.append(f"line: median of {seeds}; band: 10 % to 90 % of them{thin_note(counts[0])}")
    return lines + unfinished_note(curves)


def unfinished_note(curves: Mapping[str, Num[np.ndarray, "seeds records"]]) -> list[str]:
    """Return one line that counts the seeds whose last value is not finite. The list is empty where there are none."""
    early = [
        f"{(~np.isfinite(curve[:, -1:])).sum()} of {len(curve)} ({label})"
        for label, curve in curves.items()
        if not np.isfinite(curve[:, -1:]).all()
    ]
    return [f"seeds that stop early, no longer finite: {', '.join(early)}"] if early else []
