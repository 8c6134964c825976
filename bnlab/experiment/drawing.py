"""The figures of one run, in the style of the articles."""

from collections.abc import Mapping, Sequence

import numpy as np

from bnlab.data import regression
from bnlab.metrics import metrics_of
from bnlab.training import Prepared, TrainState


def draw_run(
    prepared: Prepared, step: np.ndarray, curves: Mapping[str, np.ndarray], states: Sequence[TrainState]
) -> dict[str, bytes]:
    """Return {file name: PNG}: one for each kind of metric (loss.png, accuracy.png, …), and fit.png for the regression."""
    from bnlab import plots

    if not len(step):
        return {}
    config, title = prepared.config, prepared.config.name
    per_epoch = config.steps_per_epoch
    places, over = (step, "step") if per_epoch is None else (step / per_epoch, "epoch")
    metrics = [metric for metric in metrics_of(config) if metric.name in curves]
    figures: dict[str, bytes] = {}
    for kind in dict.fromkeys(metric.kind for metric in metrics):
        group = [metric for metric in metrics if metric.kind == kind]
        named = {metric.split.words if metric.split else metric.words: curves[metric.name] for metric in group}
        figure = plots.metric_figure(
            places,
            named,
            title=title,
            quantity=kind.replace("_", " "),
            unit=group[0].unit,
            log=group[0].lower_is_better,
            over=over,
        )
        figures[f"{kind}.png"] = plots.to_bytes(figure)
    if config.data.name == "regression":
        grid, coarse = prepared.dataset.test, regression.coarse()
        fit, few = (
            np.stack([prepared.predict(state, inputs)[:, 0] for state in states]) for inputs in (grid.inputs, coarse.inputs)
        )
        x, target = grid.inputs[:, 1], grid.targets[:, 0]
        figure = plots.fit_figure(x, target, fit, coarse.inputs[:, 1], few, title=title)
        figures["fit.png"] = plots.to_bytes(figure)
    return figures
