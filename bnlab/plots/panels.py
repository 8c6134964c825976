"""Many arms as small panels of one figure, one for each arm, up to four in a row."""

import re
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Num
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.plots.frame import WIDTH, Over, finish, label_steps, new_figure
from bnlab.plots.looks import check_count

_COLUMNS = 4
_LINE = 0.14  # inches of a line of a panel's title
_TITLE = 29  # characters of it, where four panels share a row


def new_panels(labels: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a figure and a small panel for each label.

    Raises ValueError for more labels than a figure has room for.
    """
    check_count(len(labels))
    columns = min(_COLUMNS, len(labels))
    figure, panels = new_figure(len(labels), columns)
    for axes, label in zip(panels, _without_shared_path(labels), strict=True):
        axes.set_title("\n".join(_wrap(label, _TITLE * _COLUMNS // columns)), loc="left", fontsize=8, pad=4, y=1.0)
        axes.tick_params(which="both", labelsize=8)
    return figure, panels


def _without_shared_path(labels: Sequence[str]) -> list[str]:
    """Return labels such as optimizer.learning_rate=0.1 without the sections that all labels share."""
    paths = {label.partition("=")[0].rpartition(".")[0] if "=" in label else "" for label in labels}
    path = paths.pop() if len(paths) == 1 else ""
    return [label[len(path) + 1 :] if path else label for label in labels]


def _wrap(label: str, width: int) -> list[str]:
    """Return the lines of the label. They break at spaces; where a word is too long, also after = and commas."""
    words = label if max(map(len, label.split()), default=0) <= width else re.sub(r"([=,])(?=\S)", r"\1 ", label)
    return textwrap.wrap(words, width)


def share_values(panels: Iterable[Axes]) -> None:
    """Give all panels the same y limits, which hold the values of every panel."""
    panels = list(panels)
    drawn = [axes.get_ylim() for axes in panels if np.isfinite(axes.dataLim.minposy)] or [panels[0].get_ylim()]
    for axes in panels:
        axes.set_ylim(min(low for low, _ in drawn), max(high for _, high in drawn))


def finish_panels(
    figure: Figure,
    title: str,
    notes: Sequence[str],
    handles: Sequence[Artist],
    step: Num[np.ndarray, "records"],
    values: str,
    *,
    shared: bool,
    over: Over = "step",
) -> Figure:
    """Label the panels, put title, notes and legend above them, and return the figure.

    `values` is the label of the y axes. Where the axes are `shared`, only the first column has their numbers.
    """
    panels = figure.axes
    for index, axes in enumerate(panels):
        label_steps(axes, step, over=over, most=3)
        axes.set_ylabel("")
        if index + _COLUMNS < len(panels):  # another panel is below
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
        if shared and index % _COLUMNS:
            axes.tick_params(labelleft=False, which="both")
    titles = _LINE * max(axes.get_title(loc="left").count("\n") + 1 for axes in panels)
    height = 1.15 if len(panels) > _COLUMNS else 1.9  # a single row has room
    between = (0.2 if shared else 0.65, 0.15 + titles)
    finish(figure, title, notes, handles, height=height, above=0.3 + titles, between=between)
    total = figure.get_size_inches()[1]
    figure.text(0.2 / WIDTH, figure.subplotpars.top + (titles + 0.12) / total, values, verticalalignment="bottom")
    return figure
