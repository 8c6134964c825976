"""The figures of a comparison, and its folder."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Num

from bnlab.compare import wording
from bnlab.compare.analysis import Comparison
from bnlab.compare.arms import Arm
from bnlab.compare.labels import differing_fields
from bnlab.compare.pages import file_contents
from bnlab.compare.recorded import curve
from bnlab.metrics import Direction, Metric, Split, metrics_of
from bnlab.runs import write_comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")


def write(comparison: Comparison, folder: Path, command: Sequence[str] = ()) -> None:
    """Draw the figures and write the folder (see `runs.comparison_folder`), comparison.json last.

    Raises:
        UserError: the folder holds a comparison already, or cannot be written.
    """
    write_comparison(folder, file_contents(comparison, draw(comparison), command))


def draw(comparison: Comparison) -> dict[str, bytes]:
    """Return {file name: PNG or SVG}. More arms than share a panel are drawn as PNG alone: an SVG takes megabytes."""
    from bnlab import plots

    formats = FORMATS if len(comparison.arms) <= plots.MAX_TOGETHER else FORMATS[:1]
    return {f"{name}.{kind}": plots.to_bytes(figure, kind) for name, figure in _figures(comparison) for kind in formats}


def first_figure(comparison: Comparison) -> str:
    """Return the file name of the figure to open first."""
    return f"{'decay' if is_decay_study(comparison.arms) else comparison.metrics[0].name}.png"


def _figures(comparison: Comparison) -> Iterator[tuple[str, "Figure"]]:
    from bnlab import plots

    baseline, others = comparison.baseline, [arm.label for arm in comparison.arms[1:]]
    step, over = _axis(comparison)
    against = f"{', '.join(others) if len(others) < 3 else f'{len(others)} arms'} against {baseline}"
    if is_decay_study(comparison.arms):
        yield "decay", _decay_figure(comparison)
    for metric in comparison.metrics:
        curves, stated = comparison.curves[metric.name], _stated(comparison, metric)
        ends = {label: {float(step[-1]): value} for label, value in stated.items()}
        look = {"metric": metric.words, "unit": metric.unit}
        over_steps = partial(plots.comparison_figure, **look, over=over, lower_is_better=metric.lower_is_better)
        yield metric.name, over_steps(step, curves, title=f"{wording.capital(metric.words)}: {against}", stated=ends)
        if metric.direction is not Direction.NEITHER:  # the figure says which side is better
            title = (
                f"{wording.capital(metric.words)}: difference{f' of {others[0]}' if len(others) == 1 else ''} from {baseline}"
            )
            ours = {label: curves[label] for label in others}
            differences = partial(plots.differences_figure, **look, over=over, lower_is_better=metric.lower_is_better)
            yield f"{metric.name}_difference", differences(step, curves[baseline], ours, baseline, title=title)
        finals = {label: values[:, -1] for label, values in curves.items()}
        title = f"Final {metric.words}: {against}"
        yield f"{metric.name}_final", plots.finals_figure(finals, **look, title=title, stated=stated)


def _axis(comparison: Comparison) -> tuple[Num[np.ndarray, "records"], Literal["step", "epoch"]]:
    """Return the places of the records, and what they count: epochs, where every arm's config counts the same ones."""
    (first, *others) = (arm.config.steps_per_epoch for arm in comparison.arms)
    if first is None or any(other != first for other in others):
        return comparison.step, "step"
    return comparison.step / first, "epoch"


def _stated(comparison: Comparison, metric: Metric) -> dict[str, float]:
    """Return {arm: what a source states of the final value of its run}."""
    claims = {row.arm: row.judged.claim for row in comparison.of(metric.name, "final") if row.judged}
    return {arm: claim.stated.value for arm, claim in claims.items() if claim.stated}


def is_decay_study(arms: Sequence[Arm]) -> bool:
    """Return whether the arms differ in their L2 penalty alone."""
    return differing_fields([arm.config for arm in arms]) == {"l2_penalty"}


def _decay_figure(comparison: Comparison) -> "Figure":
    from bnlab import plots

    arms = sorted(comparison.arms, key=_strength)
    step, over = _axis(comparison)
    loss = {metric.split: metric for metric in metrics_of(arms[0].config) if metric.kind == "loss"}
    train, test = loss[Split.TRAIN], loss[Split.TEST]
    curves = {arm.label: (curve(arm, train.name), curve(arm, test.name)) for arm in arms}
    return plots.decay_figure(
        step,
        curves,
        over=over,
        title="Training and test loss by strength of decay",
        unit=test.unit,
    )


def _strength(arm: Arm) -> float:
    """Return the factor of Σ w² in the loss."""
    penalty = arm.config.l2_penalty
    return 0.0 if penalty is None else penalty.scale * (0.5 if penalty.halved else 1)
