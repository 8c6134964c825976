#!/usr/bin/env python
"""Show how loss and gradient change along the gradient, with batch norm and without (Santurkar et al. 2018, figure 4).

    python scripts/draw_smoothness.py

It trains 20 seeds of the arms of the two smoothness studies, and takes the seeds that finished runs hold from there. It
prints the geometric mean of each measure over the records of all seeds: over the whole training, and (*) over the records
with equal training losses. It draws the networks of eight layers, and prints the folder.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bnlab import experiment
from bnlab.papers.santurkar_2018 import ALONG, BN, PAPER, PLAIN
from bnlab.papers.santurkar_2018.quantities import equal_losses, geometric_means
from bnlab.plots import save
from bnlab.plots.bands import draw_band, seeds_note
from bnlab.plots.frame import finish, label_steps, log_values, new_figure
from bnlab.plots.looks import LOOKS
from bnlab.runs import Pool
from bnlab.statistics import quantile_band

FOLDER = Path("runs/figures/smoothness")
SEEDS = "0:20"
DRAWN = ("loss", "smoothness")

Pools = Mapping[str, Pool]
"""{an arm's label: its seeds}."""


def describe(study: str, pools: Pools) -> list[str]:
    """Return a line for each measure: without BN and with it, over training and at equal losses."""
    lines: list[str] = []
    for metric, words, _ in ALONG.values():
        values: list[float] = []
        for equal in (False, True):
            for label in (PLAIN, BN):
                pool = pools[label]
                curves, counted = pool.curves[metric].astype(float), equal_losses(pool)
                means = geometric_means(curves, counted if equal else np.full(curves.shape, True))
                values.append(float(np.exp(np.nanmean(np.log(means)))))
        lines.append(f"{study:<23}{words:<25}" + "".join(f"{value:10.3g}" for value in values))
    return lines


def draw(axes: Axes, pools: Pools, metric: str, words: str) -> None:
    """Draw the medians and bands of both arms on a log axis."""
    for label, look in zip((PLAIN, BN), LOOKS, strict=False):
        curves = pools[label].curves[metric]
        draw_band([axes], pools[label].step, curves, quantile_band(curves), look, label)
    log_values(axes, words, "")
    label_steps(axes, pools[BN].step)


def main() -> None:
    """Train what is missing, print, draw."""
    _, *studies = PAPER.studies
    found: dict[str, Pools] = {}
    columns = "".join(f"{name:>10}" for name in (PLAIN, BN, f"{PLAIN} *", f"{BN} *"))
    print(f"{'study':<23}{'measure':<25}{columns}")
    for study in studies:
        pools = experiment.complete(experiment.plan_arms([arm.load(SEEDS) for arm in study.arms]))
        found[study.id] = dict(zip((arm.label for arm in study.arms), pools, strict=True))
        print("\n".join(describe(study.id, found[study.id])))

    pools = found[studies[0].id]
    figure, panels = new_figure(len(DRAWN))
    for panel, what in zip(panels, DRAWN, strict=True):
        metric, words, _ = ALONG[what]
        draw(panel, pools, metric, words)
    notes = seeds_note({label: pools[label].curves["train_loss"] for label in (PLAIN, BN)})
    title = "Along the gradient, with batch norm and without: eight hidden layers"
    FOLDER.mkdir(parents=True, exist_ok=True)
    save(finish(figure, title, notes), FOLDER / "along_gradient.png")
    print(FOLDER)


if __name__ == "__main__":
    main()
