#!/usr/bin/env python
"""Show what pairs are good for: the same seeds of two arms, compared with pairs and without.

    python scripts/draw_pairs.py

It trains the regression at two learning rates, and with and without batch norm, 16 seeds each. It prints for both
comparisons the 95 % interval of the difference with and without pairs, draws the first one, and prints the folder.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.lines import Line2D
from scipy.stats import ttest_ind

import bnlab
from bnlab.plots import save
from bnlab.plots.frame import finish, label_values, new_figure
from bnlab.plots.looks import LOOKS
from bnlab.statistics import Interval, PairedDifference, paired_difference

FOLDER = Path("runs/figures/pairs")
SEEDS = "0:16"
RATES = "optimizer.learning_rate=1e-3,1.5e-3"

Values = Float[np.ndarray, "seeds"]


def final_losses(*sources: str, vary: tuple[str, ...] = ()) -> dict[str, Values]:
    """Return {arm: the final test loss of each seed}."""
    comparison = bnlab.compare(*sources, seeds=SEEDS, vary=vary, metrics=["test_loss"])
    return {arm.removeprefix("optimizer."): curves[:, -1] for arm, curves in comparison.curves["test_loss"].items()}


def unpaired_interval(a: Values, b: Values) -> Interval:
    """Return Welch's 95 % interval of mean(b) - mean(a), which does not know that a seed has a value in both arms."""
    interval = ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    return Interval(float(interval.low), float(interval.high))


def describe(arms: dict[str, Values]) -> str:
    """Return both intervals in words, and the correlation on which their lengths depend."""
    (first, a), (second, b) = arms.items()
    paired, unpaired = paired_difference(a, b), unpaired_interval(a, b)
    return "\n".join(
        [
            f"{second} against {first}, {paired.pairs} seeds:",
            f"  difference of the final test loss  {_number(paired.mean)}",
            f"  95 % interval with pairs           [{_number(paired.low)}, {_number(paired.high)}]",
            f"  95 % interval without pairs        [{_number(unpaired.low)}, {_number(unpaired.high)}]",
            f"  correlation over the seeds         {_number(float(np.corrcoef(a, b)[0, 1]), 2)}",
        ]
    )


def _number(value: float | None, digits: int = 3) -> str:
    return "none" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def draw(arms: dict[str, Values]) -> None:
    """Draw the values of both arms, joined by seed, and the differences with both intervals."""
    a, b = arms.values()
    paired = paired_difference(a, b)
    figure, (values, differences) = new_figure(2)
    values.plot([0, 1], [a, b], color="0.6", linewidth=0.8)
    for place, (arm, look) in enumerate(zip((a, b), LOOKS, strict=False)):
        values.plot([place] * len(arm), arm, ".", color=look.color, markersize=8)
    values.set_xticks([0, 1], [arm.replace("_", " ").replace("=", " ") for arm in arms])
    values.set_xlim(-0.4, 1.4)
    label_values(values, "final test loss", "½ Σ d² per point")

    differences.axhline(0, color="black", linewidth=1, linestyle="--")
    spread = np.linspace(-0.2, 0.2, len(a))
    differences.plot(spread, b - a, ".", color="0.35", markersize=8)
    differences.errorbar(
        [1, 2], [paired.mean] * 2, yerr=_bars(paired, unpaired_interval(a, b)), fmt="D", color="black", capsize=5
    )
    differences.set_xticks([0, 1, 2], ["each seed", "mean,\nwith pairs", "mean,\nwithout pairs"])
    differences.set_xlim(-0.5, 2.5)
    label_values(differences, "difference of the final test loss", "")
    handles = [
        Line2D([], [], linestyle="", marker=".", markersize=8, color="0.35", label="one seed"),
        Line2D([], [], color="0.6", linewidth=0.8, label="same seed"),
        Line2D([], [], color="black", marker="D", label="mean difference and its 95 % interval"),
    ]
    title = "The same 16 seeds at two learning rates, compared with pairs and without"
    save(finish(figure, title, [], handles, height=2.6), FOLDER / "pairs.png")


def _bars(paired: PairedDifference, unpaired: Interval) -> Float[np.ndarray, "ends intervals"]:
    """Return the lengths of both intervals below and above the mean difference."""
    ends = np.array([[paired.low, unpaired.low], [paired.high, unpaired.high]], float)
    return np.abs(ends - np.array(paired.mean, float))


def main() -> None:
    """Compare, draw, print."""
    rates = final_losses("regression", vary=(RATES,))
    print(describe(rates), describe(final_losses("regression", "regression_bn")), sep="\n")
    FOLDER.mkdir(parents=True, exist_ok=True)
    draw(rates)
    print(FOLDER)


if __name__ == "__main__":
    main()
