"""The figures of one run, as the articles drew theirs."""

from collections.abc import Mapping, Sequence

import numpy as np

from bnlab.config import LOSS_UNITS
from bnlab.data import regression
from bnlab.training import Prepared, TrainState


def draw_run(
    prepared: Prepared, step: np.ndarray, curves: Mapping[str, np.ndarray], states: Sequence[TrainState]
) -> dict[str, bytes]:
    """Return {file name: PNG} of the run's figures: loss, accuracy where there is one, fit for the regression."""
    from bnlab import plots

    if not len(step):
        return {}
    config, title = prepared.config, prepared.config.name
    figures: dict[str, bytes] = {}

    def named(suffix: str) -> dict[str, np.ndarray]:
        words = {"train": "training", "valid": "validation", "test": "test"}
        return {words[name.removesuffix(suffix)]: values for name, values in curves.items() if name.endswith(suffix)}

    figures["loss.png"] = plots.to_bytes(plots.loss_figure(step, named("_loss"), title=title, unit=LOSS_UNITS[config.loss]))
    if accuracies := named("_accuracy"):
        figures["accuracy.png"] = plots.to_bytes(plots.accuracy_figure(step, accuracies, title=title))
    if config.data.name == "regression":
        grid, coarse = prepared.dataset.test, regression.coarse()
        fit, few = (
            np.stack([prepared.predict(state, inputs)[:, 0] for state in states]) for inputs in (grid.inputs, coarse.inputs)
        )
        x, target = grid.inputs[:, 1], grid.targets[:, 0]
        figure = plots.fit_figure(x, target, fit, coarse.inputs[:, 1], few, title=title)
        figures["fit.png"] = plots.to_bytes(figure)
    return figures
