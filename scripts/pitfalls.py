"""Measure the pitfalls of docs/pitfalls.md, each beside the same training without it.

    python scripts/pitfalls.py [SEEDS]                  (SEEDS is 0:16; the row on MNIST needs MNIST)

Prints the mean ± the standard deviation over the seeds of a quantity at the last record, and in how many seeds it is lower
with the pitfall than without.
"""

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bnlab import data
from bnlab.config import load_config
from bnlab.experiment import run_all
from bnlab.models import apply_mlp, from_arrays, init_mlp
from bnlab.runs import Run
from bnlab.training.prepared import build_model
from bnlab.wording import decimals

Values = Float[np.ndarray, "seeds"]


class Setting(NamedTuple):
    """A shipped config, and what is changed in it."""

    name: str
    overrides: tuple[str, ...] = ()


class Row(NamedTuple):
    """A quantity with a pitfall, and without it where there is such a training."""

    quantity: str
    measure: Callable[[Run], Values]
    wrong: Setting
    right: Setting | None = None


def final(metric: str, run: Run) -> Values:
    """Return the metric at the last record; an accuracy in percent."""
    return run.curves[metric][:, -1] * (100 if "accuracy" in metric else 1)


def jumps(run: Run) -> Values:
    """Return the standard deviation of the test accuracy, in points, over the last 20 records of each seed."""
    return 100 * run.curves["test_accuracy"][:, -20:].std(axis=1)


def largest(name: str, run: Run) -> Values:
    """Return the largest absolute value of an array."""
    values = np.abs(run.params[name])
    return values.reshape(len(values), -1).max(axis=1)


def off_the_curve(run: Run) -> Values:
    """Return how far the predictions of ten points as one batch are at most from those of all 300 test points."""
    regression = data.load("regression")
    model, grid, few = build_model(run.config, regression), regression.test, data.regression.coarse()
    template = init_mlp(model, jax.random.key(0))

    def off(seed: int) -> float:
        params, state = from_arrays(template, {name: values[seed] for name, values in run.params.items()})
        few_y, grid_y = (
            np.asarray(apply_mlp(model, params, state, jnp.asarray(split.inputs), training=False)[0])[:, 0]
            for split in (few, grid)
        )
        return float(np.abs(few_y - np.interp(few.inputs[:, 1], grid.inputs[:, 1], grid_y)).max())

    return np.array([off(seed) for seed in range(len(run.curves["test_loss"]))])


LOSS, ACCURACY = partial(final, "test_loss"), partial(final, "test_accuracy")
SLOW, SWAPPED, TWO = (Setting(f"pitfall_{name}") for name in ("slow_decay", "momentum_swapped", "batch_of_two"))
DECAY_09 = ("model.norm.momentum=0.9",)
FROZEN_1, FROZEN_2 = (Setting(f"pitfall_frozen_tensorflow{version}") for version in (1, 2))
OTHER_START = ("model.norm.moving_mean_init=1",)
SHORT = ("num_steps=200", "record_every=200")
ROWS = {
    "update forgotten": [Row("test loss", LOSS, Setting("regression_bn_no_update"), Setting("regression_bn"))],
    "called without training=True": [
        Row("test loss (right: no batch norm)", LOSS, Setting("regression_bn_untrained_mode"), Setting("regression"))
    ],
    "evaluated in training mode": [
        Row("ten points off the curve by", off_the_curve, Setting("regression_bn_batch_stats"), Setting("regression_bn")),
        Row("test loss", LOSS, Setting("regression_bn_batch_stats"), Setting("regression_bn")),
    ],
    "decay too slow": [
        Row("training accuracy, %", partial(final, "train_accuracy"), SLOW, Setting(SLOW.name, DECAY_09)),
        Row("test accuracy, %", ACCURACY, SLOW, Setting(SLOW.name, DECAY_09)),
        Row("the same, mean debiased", ACCURACY, Setting(SLOW.name, ("model.norm.zero_debias_moving_mean=true",))),
    ],
    "decay too slow, MNIST": [
        Row("test accuracy, %", ACCURACY, Setting("mnist_contrib_bn", SHORT), Setting("mnist_contrib_bn_decay09", SHORT))
    ],
    "momentum swapped": [
        Row("test accuracy, %", ACCURACY, SWAPPED, Setting(SWAPPED.name, DECAY_09)),
        Row("its deviation in a run, points", jumps, SWAPPED, Setting(SWAPPED.name, DECAY_09)),
    ],
    "sample variance at batch 2": [
        Row(quantity, measure, TWO, Setting(TWO.name, ("model.norm.sample_variance=false",)))
        for quantity, measure in (
            ("test loss", LOSS),
            ("test accuracy, %", ACCURACY),
            ("largest moving variance", partial(largest, "bn0/moving_variance")),
        )
    ],
    "batch of one": [
        Row("test loss", LOSS, Setting("pitfall_batch_of_one")),
        Row("test accuracy, %", ACCURACY, Setting("pitfall_batch_of_one")),
        Row("largest moving variance", partial(largest, "bn0/moving_variance"), Setting("pitfall_batch_of_one")),
    ],
    "frozen, TensorFlow 2": [
        Row("test accuracy, %", ACCURACY, FROZEN_2),
        Row("the same, other start", ACCURACY, Setting(FROZEN_2.name, OTHER_START)),
    ],
    "frozen, TensorFlow 1": [
        Row("test accuracy, %", ACCURACY, FROZEN_1),
        Row("the same, other start", ACCURACY, Setting(FROZEN_1.name, OTHER_START)),
        Row("largest moving variance", partial(largest, "bn0/moving_variance"), FROZEN_1),
    ],
    "a bias before batch norm": [
        Row("largest bias (right: SGD)", partial(largest, "dense0/bias"), Setting("digits_bn", ("num_steps=200",)), SLOW)
    ],
}


def mean_std(values: Values) -> str:
    """Return the mean and the standard deviation to two digits of the latter, small ones with a power of ten."""
    mean, std = float(values.mean()), float(values.std(ddof=1))
    if not std:
        return f"{mean:.3g} in all"
    if 0 < abs(mean) < 1e-4:
        return f"{mean:.1e} ± {std:.1e}"
    return f"{mean:.{decimals(std)}f} ± {std:.{decimals(std)}f}"


def main() -> None:
    """Train every setting once, and print the table."""
    seeds = sys.argv[1] if len(sys.argv) > 1 else "0:16"
    rows = [(pitfall, row) for pitfall, rows in ROWS.items() for row in rows]
    settings = list(dict.fromkeys(setting for _, row in rows for setting in (row.wrong, row.right) if setting))
    with tempfile.TemporaryDirectory() as folder:
        plans = [
            (load_config(setting.name, overrides=setting.overrides, seeds=seeds), Path(folder) / str(number))
            for number, setting in enumerate(settings)
        ]
        runs = dict(zip(settings, run_all(plans, draw=False), strict=True))
        print(f"{'pitfall':<29} {'quantity':<33} {'with it':>19} {'without':>19}  lower with it")
        last = ""
        for pitfall, row in rows:
            wrong = row.measure(runs[row.wrong])
            right = row.measure(runs[row.right]) if row.right else None
            without = "" if right is None else mean_std(right)
            lower = "" if right is None else f"{(wrong < right).sum()} of {len(wrong)}"
            line = f"{pitfall if pitfall != last else '':<29} {row.quantity:<33} {mean_std(wrong):>19} {without:>19}  {lower}"
            print(line.rstrip())
            last = pitfall


if __name__ == "__main__":
    main()
