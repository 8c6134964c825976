#!/usr/bin/env python
"""Show how test accuracy varies over seeds, beside what independent errors would give (Jordan 2023).

    python scripts/draw_run_variance.py

It trains the arms of the four run-variance studies, 100 seeds each, and takes the seeds that finished runs hold from there.
It prints for each arm mean and standard deviation of the test accuracy, the standard deviation that independent errors would
give, the ratio of the variances, and the standard deviation that would be left on a test set without end. It draws the
accuracies on MNIST, and prints the folder.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bnlab import experiment, runtime
from bnlab.papers.jordan_2023 import PAPER
from bnlab.papers.jordan_2023.quantities import independent_variance
from bnlab.plots import save
from bnlab.plots.frame import finish, label_axis, label_values, label_x, new_figure
from bnlab.plots.looks import LOOKS

FOLDER = Path("runs/figures/run-variance")

Correct = Bool[np.ndarray, "seeds examples"]


def arms() -> dict[str, dict[str, Correct]]:
    """Return {study: {arm: whether each seed is right on each test example}}."""
    plans = {
        (study.id, arm.label): plan
        for study in PAPER.studies
        for arm, plan in zip(study.arms, experiment.plan_arms([arm.load(study.seeds) for arm in study.arms]), strict=True)
    }
    found: dict[str, dict[str, Correct]] = {}
    for (study, arm), pool in zip(plans, experiment.complete(list(plans.values())), strict=True):
        found.setdefault(study, {})[arm] = pool.examples["test_correct"]
    return found


def distribution(p: Float[np.ndarray, "examples"]) -> Float[np.ndarray, "right"]:
    """Return the probability of k right answers, k = 0 … n, where example i is right with p[i], independently of the others.

    This is the Poisson-binomial distribution, one example after the other.
    """
    sure = int((p == 1).sum())
    probabilities = np.ones(1)
    for one in p[(p > 0) & (p < 1)]:
        probabilities = np.convolve(probabilities, [1 - one, one])
    return np.pad(probabilities, (sure, len(p) + 1 - sure - len(probabilities)))


def describe(study: str, found: dict[str, Correct]) -> list[str]:
    """Return a line for each arm."""
    lines: list[str] = []
    for arm, correct in found.items():
        accuracies = 100 * correct.mean(axis=1)
        variance, independent = float(np.var(accuracies, ddof=1)), 1e4 * independent_variance(correct)
        left = np.sqrt(max(0.0, variance - independent))
        lines.append(
            f"{study:<26}{arm:<18}{accuracies.mean():8.2f}{variance**0.5:8.2f}{independent**0.5:13.2f}"
            f"{variance / independent:8.2f}{left:12.2f}"
        )
    return lines


def draw(axes: Axes, found: dict[str, Correct]) -> None:
    """Draw the accuracies of both arms as bars, and what independent errors give as lines."""
    for look, correct in zip(LOOKS, found.values(), strict=False):
        seeds, examples = correct.shape
        accuracies = correct.mean(axis=1)
        width = 10 / examples
        low, high = np.floor(accuracies.min() / width) * width, accuracies.max() + width
        axes.hist(accuracies, np.arange(low, high + width, width), color=look.color, alpha=0.35)
        expected = distribution(correct.mean(axis=0)) * seeds * width * examples
        shown = np.flatnonzero(expected > 0.01)
        axes.plot(shown / examples, expected[shown], color=look.color, linewidth=1.8)
    label_axis(axes.xaxis, "test accuracy", "%")
    label_x(axes, "test accuracy (%)")


def main() -> None:
    """Train what is missing, print, draw."""
    runtime.configure()
    found = arms()
    print(f"{'study':<26}{'arm':<18}{'mean %':>8}{'std':>8}{'independent':>13}{'ratio':>8}{'left of std':>12}")
    for study, correct in found.items():
        print("\n".join(describe(study, correct)))

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
