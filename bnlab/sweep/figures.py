"""The figures of a sweep: response curves along each axis, and heat maps of the first two axes."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bnlab import wording
from bnlab.metrics import Direction, Metric
from bnlab.sweep.analysis import Findings
from bnlab.sweep.points import Axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")


def draw(findings: Findings) -> dict[str, bytes]:
    """Return {path in the sweep's folder: PNG or SVG}: for each metric a response curve along each axis, and heat maps.

    The other axes of a figure are its panels. Where they have more places than a figure has panels, it is left out.
    """
    from bnlab import plots

    return {f"plots/{name}.{kind}": plots.to_bytes(figure, kind) for name, figure in _figures(findings) for kind in FORMATS}


def _figures(findings: Findings) -> Iterator[tuple[str, "Figure"]]:
    from bnlab import plots

    sweep = findings.sweep
    shown = [sweep.axes[number] for number in sweep.shown]
    for metric in sweep.metrics:
        for axis in shown:
            if len(_panels(findings, [axis])) <= plots.MAX_ARMS and len(sweep.arms) <= plots.MAX_TOGETHER:
                yield f"{metric.name}-{_file(axis)}", _response(findings, metric, axis)
        if len(shown) > 1:
            x, y = shown[:2]
            panels = len(_panels(findings, [x, y]))
            name = f"{metric.name}-map-{_file(x)}-{_file(y)}"
            if panels * len(sweep.arms) <= plots.MAX_ARMS:
                yield name, _map(findings, metric, x, y)
            others = len(findings.others()) if metric.direction is not Direction.NEITHER else 0
            if 0 < panels * others <= plots.MAX_ARMS:
                yield f"{name}-difference", _difference_map(findings, metric, x, y)


def _response(findings: Findings, metric: Metric, axis: Axis) -> "Figure":
    from bnlab import plots

    sweep, values = findings.sweep, findings.values(metric)
    panels: dict[str, dict[str, np.ndarray]] = {}
    for label, places in _panels(findings, [axis]).items():
        panels[label] = {arm: np.stack([values[sweep.number(arm, place)] for place in places]) for arm in sweep.arms}
    return plots.response_figure(
        axis.numbers,
        axis.ticks,
        panels,
        spacing=axis.spacing.value,
        field=_along(axis),
        metric=f"final {metric.words}",
        unit=metric.unit,
        log=metric.lower_is_better,
        title=f"{wording.capital(metric.words)} against {axis.words.replace('_', ' ')}: {', '.join(sweep.arms)}",
    )


def _map(findings: Findings, metric: Metric, x: Axis, y: Axis) -> "Figure":
    from bnlab import plots

    sweep = findings.sweep
    panels: dict[str, np.ndarray] = {}
    for label, places in _panels(findings, [y, x]).items():
        for arm in sweep.arms:
            means = [findings.row(metric, sweep.number(arm, place)).summary.mean for place in places]
            panels[_join(arm, label)] = np.array(means, float).reshape(len(y), len(x))
    return plots.heat_figure(
        plots.Field(x.words.replace("_", " "), x.labels),
        plots.Field(y.words.replace("_", " "), y.labels),
        panels,
        metric=f"final {metric.words}",
        unit=metric.unit,
        log=metric.lower_is_better,
        title=f"{wording.capital(metric.words)} over {x.words.replace('_', ' ')} and {y.words.replace('_', ' ')}",
    )


def _difference_map(findings: Findings, metric: Metric, x: Axis, y: Axis) -> "Figure":
    from bnlab import plots

    sweep = findings.sweep
    panels: dict[str, np.ndarray] = {}
    settled: dict[str, np.ndarray] = {}
    for label, places in _panels(findings, [y, x]).items():
        for arm in findings.others():
            rows = [findings.row(metric, sweep.number(arm, place)) for place in places]
            means = [row.effect.mean if row.effect else None for row in rows]
            name = _join(arm, label)
            panels[name] = np.array(means, float).reshape(len(y), len(x))
            settled[name] = np.array([row.better is not None for row in rows]).reshape(len(y), len(x))
    against = f"{', '.join(findings.others())} against {sweep.baseline}"
    return plots.difference_heat_figure(
        plots.Field(x.words.replace("_", " "), x.labels),
        plots.Field(y.words.replace("_", " "), y.labels),
        panels,
        settled,
        baseline=sweep.baseline,
        metric=f"final {metric.words}",
        unit=metric.unit,
        lower_is_better=metric.lower_is_better,
        title=f"{wording.capital(metric.words)}: {against}",
    )


def _panels(findings: Findings, along: list[Axis]) -> dict[str, list[tuple[int, ...]]]:
    """Return {label: places along the axes, the last changing fastest}: a panel for each place of the other axes."""
    axes = findings.sweep.axes
    others = [number for number, axis in enumerate(axes) if axis not in along]
    panels: dict[str, list[tuple[int, ...]]] = {}
    for rest in itertools.product(*(range(len(axes[number])) for number in others)):
        fixed = dict(zip(others, rest, strict=True))
        parts = [_value(axes[number], index) for number, index in fixed.items() if len(axes[number]) > 1]
        places: list[tuple[int, ...]] = []
        for inner in itertools.product(*(range(len(axis)) for axis in along)):
            moved = fixed | {axes.index(axis): index for axis, index in zip(along, inner, strict=True)}
            places.append(tuple(moved[number] for number in range(len(axes))))
        panels[", ".join(parts)] = places
    return panels


def _value(axis: Axis, index: int) -> str:
    bare = axis.name == "point" or "," in axis.name
    return axis.labels[index] if bare else f"{axis.words}={axis.labels[index]}"


def _join(arm: str, label: str) -> str:
    return f"{arm}, {label}" if label else arm


def _along(axis: Axis) -> str:
    """Return what an axis of a response curve has: "batch size", or "batch size (together with learning rate)"."""
    words = axis.words.replace("_", " ")
    first, _, others = words.partition(", ")
    return f"{first} (together with {others})" if axis.numbers and others else words


def _file(axis: Axis) -> str:
    """Return an axis's name as part of a file's name."""
    return axis.words.replace(", ", "+")
