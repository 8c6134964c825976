#!/usr/bin/env python
"""Show how test accuracy varies over seeds, beside what independent errors would give (Jordan 2023).

    python scripts/draw_run_variance.py

It trains the arms of the four run-variance studies, and the digits once more with 8 units a layer, 100 seeds each. It takes
the seeds that finished runs hold from there. It prints for each arm the mean accuracy on training and test examples, the
standard deviation over seeds of the latter, the one that independent errors would give, the ratio of the variances, and the
standard deviation that would be left on a test set without end. It draws the accuracies on MNIST, and prints the folder.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bnlab import experiment
from bnlab.papers.jordan_2023 import PAPER
from bnlab.papers.jordan_2023.quantities import independent_distribution, independent_variance
from bnlab.plots import save
from bnlab.plots.frame import finish, label_axis, label_values, label_x, new_figure
from bnlab.plots.looks import LOOKS
from bnlab.runs import Pool

FOLDER = Path("runs/figures/run-variance")
SEEDS = "0:100"
WIDTHS = (10, 8, 8, 13, 8, 13)
"""The widths of the columns of numbers."""

Correct = Bool[np.ndarray, "seeds examples"]


def arms() -> dict[str, dict[str, Pool]]:
    """Return {study: {arm: its seeds}}: the studies of the paper, and the digits with narrow networks."""
    studies = {study.id: study.arms for study in PAPER.studies}
    wide = studies["run-variance-digits"]
    studies["8 units a layer, digits"] = tuple(
        replace(arm, overrides=(*arm.overrides, "model.hidden=[8, 8]")) for arm in wide
    )
    every = [(study, arm) for study, of in studies.items() for arm in of]
    plans = [plan for of in studies.values() for plan in experiment.plan_arms([arm.load(SEEDS) for arm in of])]
    found: dict[str, dict[str, Pool]] = {}
    for (study, arm), pool in zip(every, experiment.complete(plans), strict=True):
        found.setdefault(study, {})[arm.label] = pool
    return found


def describe(study: str, found: dict[str, Pool]) -> list[str]:
    """Return a line for each arm."""
    lines: list[str] = []
    for arm, pool in found.items():
        fitted, correct = 100 * float(pool.curves["train_accuracy"][:, -1].mean()), pool.examples["test_correct"]
        accuracies = 100 * correct.mean(axis=1)
        variance, independent = float(np.var(accuracies, ddof=1)), 1e4 * independent_variance(correct)
        left = max(0.0, variance - independent) ** 0.5
        numbers = (fitted, accuracies.mean(), variance**0.5, independent**0.5, variance / independent, left)
        lines.append(
            f"{study:<26}{arm:<16}" + "".join(f"{number:{width}.2f}" for number, width in zip(numbers, WIDTHS, strict=True))
        )
    return lines


def draw(axes: Axes, found: dict[str, Pool]) -> None:
    """Draw the accuracies of both arms as bars, and what independent errors give as lines."""
    for look, pool in zip(LOOKS, found.values(), strict=False):
        correct: Correct = pool.examples["test_correct"]
        seeds, examples = correct.shape
        accuracies = correct.mean(axis=1)
        width = 10 / examples
        low, high = np.floor(accuracies.min() / width) * width, accuracies.max() + width
        axes.hist(accuracies, np.arange(low, high + width, width), color=look.color, alpha=0.35)
        expected = independent_distribution(correct.mean(axis=0)) * seeds * width * examples
        shown = np.flatnonzero(expected > 0.01)
        axes.plot(shown / examples, expected[shown], color=look.color, linewidth=1.8)
    label_axis(axes.xaxis, "test accuracy", "%")
    label_x(axes, "test accuracy (%)")


def main() -> None:
    """Train what is missing, print, draw."""
    found = arms()
    heads = ("training", "test", "std", "independent", "ratio", "left of std")
    print(f"{'study':<26}{'arm':<16}" + "".join(head.rjust(width) for head, width in zip(heads, WIDTHS, strict=True)))
    for study, pools in found.items():
        print("\n".join(describe(study, pools)))

    figure, panels = new_figure(2)
    for panel, study in zip(panels, ("run-variance-mnist-short", "run-variance-mnist"), strict=True):
        draw(panel, found[study])
        label_values(panel, "seeds", "")
    for panel, words in zip(panels, ("after one epoch", "after ten epochs"), strict=True):
        panel.set_title(words, loc="right", fontsize=10)
    looks = zip(("no BN", "BN"), LOOKS, strict=False)
    bars = [Patch(color=look.color, alpha=0.35, label=f"{arm}, 100 seeds") for arm, look in looks]
    handles = [*bars, Line2D([], [], color="0.3", linewidth=1.8, label="if errors were independent")]
    title = "The test accuracies of 100 seeds on MNIST, and those of independent errors"
    FOLDER.mkdir(parents=True, exist_ok=True)
    save(finish(figure, title, [], handles, height=2.6), FOLDER / "accuracies.png")
    print(FOLDER)


if __name__ == "__main__":
    main()
