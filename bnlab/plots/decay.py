"""The figure of a study of weight decay: training and test loss for several strengths."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bnlab.plots.bands import draw_band, draw_behind, gaps, seeds_note
from bnlab.plots.frame import Over, axis_words, finish, label_steps, linear_values, log_steps, log_values, new_figure
from bnlab.plots.looks import GREY, LOOKS, shades
from bnlab.plots.panels import finish_panels, new_panels, share_values
from bnlab.statistics import Band, quantile_band

FEW_STRENGTHS = 8
"""Up to this many strengths of decay share their panels. With more, their shades look too similar."""


def decay_figure(
    step: Num[np.ndarray, "records"],
    arms: Mapping[str, tuple[Num[np.ndarray, "seeds records"], Num[np.ndarray, "seeds records"]]],
    *,
    title: str,
    unit: str = "",
    over: Over = "step",
) -> Figure:
    """Return the train and test losses over steps for several strengths of decay, given from weak to strong.

    The left panel shows both losses on a log axis. It ends at a thousandth of the least test loss: training losses below
    that, of a net that has learnt everything by heart, are cut off. The right panel shows the test loss alone on a linear
    axis, where overfitting is a rise. It ends at 1.5 times the 98 % quantile over the last three quarters of the steps,
    which cuts off the start and single spikes. Steps are on a log axis, unless they begin at 0. A log axis shows which
    arm is faster as well as which is better. Colours go from dark to light with the strength.

    Where there are more than FEW_STRENGTHS, each strength has a small panel with log axes. It shows both losses, in front
    of the test losses of all others.

    Raises ValueError for more than MAX_ARMS arms.
    """
    log_x = len(step) > 0 and bool(step[0] > 0)
    if len(arms) > FEW_STRENGTHS:
        return _panels(step, arms, title, unit, log_x, over)
    figure, panels = new_figure(2)
    handles = []
    top, bottom = 0.0, np.inf
    for (label, (train, test)), look in zip(arms.items(), shades(len(arms)), strict=True):
        test_band = quantile_band(test)
        draw_band(panels, step, gaps(test), test_band, look, f"{label}, test", log_x=log_x)
        train_look = look._replace(dashes="--", marker="")  # markers would hide the dashes
        draw_band(panels[:1], step, gaps(train), quantile_band(train), train_look, f"{label}, train", log_x=log_x)
        handles.append(Line2D([], [], color=look.color, marker=look.marker, markersize=4, label=label))
        late = test_band.high[step >= step.max(initial=0) / 4]
        late = late[np.isfinite(late)]
        top = max(top, 1.5 * float(np.quantile(late, 0.98)) if late.size else 0.0)
        bottom = min(bottom, _bottom(test_band))
    handles += [
        Line2D([], [], color=GREY, label="test"),
        Line2D([], [], color=GREY, linestyle="--", label="train"),
    ]
    for axes in panels:
        label_steps(axes, step, over=over)
        if log_x:
            log_steps(axes, step)
    log_values(panels[0], "loss", unit)
    linear_values(panels[1], "test loss", unit)
    notes = seeds_note({label: test for label, (_, test) in arms.items()})
    if panels[0].get_ylim()[0] < bottom < np.inf:
        panels[0].set_ylim(bottom=bottom)
        notes.append("left: lower training losses lie below the panel")
    if 0 < top < panels[1].get_ylim()[1]:
        panels[1].set_ylim(top=top)
        notes.append("right: the first steps and single spikes lie above the panel")
    return finish(figure, title, notes, handles)


def _panels(
    step: Num[np.ndarray, "records"],
    arms: Mapping[str, tuple[Num[np.ndarray, "seeds records"], Num[np.ndarray, "seeds records"]]],
    title: str,
    unit: str,
    log_x: bool,
    over: Over,
) -> Figure:
    """Return `decay_figure` for many strengths."""
    tests = {label: quantile_band(test) for label, (_, test) in arms.items()}
    test_look, train_look = LOOKS[0], LOOKS[1]
    figure, panels = new_panels(list(arms))
    for (label, (train, test)), axes in zip(arms.items(), panels, strict=True):
        draw_behind(axes, step, [band.center for other, band in tests.items() if other != label])
        draw_band([axes], step, gaps(train), quantile_band(train), train_look, "train", log_x=log_x)
        draw_band([axes], step, gaps(test), tests[label], test_look, "test", log_x=log_x)
        log_values(axes, "loss", unit)
    share_values(panels)
    notes = seeds_note({label: test for label, (_, test) in arms.items()})
    bottom = min(map(_bottom, tests.values()))
    if panels[0].get_ylim()[0] < bottom < np.inf:
        for axes in panels:
            axes.set_ylim(bottom=bottom)
        notes.append("lower training losses lie below the panels")
    handles = [
        *panels[0].get_legend_handles_labels()[0],
        Line2D([], [], color="0.75", label="test loss of all other arms, their medians"),
    ]
    words = axis_words("loss, log scale", unit)
    finish_panels(figure, title, notes, handles, step, words, shared=True, over=over)
    for axes in panels if log_x else []:
        log_steps(axes, step)
    return figure


def _bottom(test: Band) -> float:
    """Return a thousandth of the least test loss above zero."""
    positive = test.low[test.low > 0]
    return float(positive.min(initial=np.inf)) / 1000
