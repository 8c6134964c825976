"""Does batch norm help on the digits, or on the 250 rows that happen to be their test set?

    python scripts/digits_splits.py                     (about two minutes of two cores)

Trains digits and digits_bn on 20 other splits of the same 1,797 rows, 1,297 to train on and 250 each for validation and test,
from four seeds each. Prints the mean over the splits of (with − without batch norm) with its 95 % interval (Student's t).
"""

import tempfile
from pathlib import Path

import numpy as np
import scipy.stats
from sklearn.datasets import load_digits

from bnlab.config import Config, load_config
from bnlab.experiment import run_all

SPLITS, SEEDS, EPOCHS = 20, "0:4", (1, 10, 40)
METRICS = ("test_loss", "test_accuracy")


def arm(name: str, data: Path, split: int) -> Config:
    """Return the shipped config on another split of the digits."""
    options = {"path": data, "task": "classification", "standardise": "false", "split_seed": split}
    fractions = {"test_fraction": 250 / 1797, "valid_fraction": 250 / 1797}
    fields = ", ".join(f"{key}: {value}" for key, value in {"name": "arrays", **options, **fractions}.items())
    return load_config(name, overrides=[f"data={{{fields}}}"], seeds=SEEDS)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "digits.npz"
        x, y = load_digits(return_X_y=True)
        np.savez(data, x=(x / 16).astype(np.float32), y=y)
        plans = [
            (arm(name, data, split), Path(folder) / f"{name}-{split}")
            for split in range(SPLITS)
            for name in ("digits", "digits_bn")
        ]
        runs = run_all(plans, draw=False)
        differences = {
            metric: np.array(
                [b.curves[metric].mean(0) - a.curves[metric].mean(0) for a, b in zip(runs[::2], runs[1::2], strict=True)]
            )
            for metric in METRICS
        }
    print(f"with minus without batch norm, over {SPLITS} splits")
    print(f"{'epochs':>6}  {'test loss':>26}  {'test accuracy, points':>24}  ahead in loss")
    for epoch in EPOCHS:
        loss, accuracy = (differences[metric][:, epoch - 1] for metric in METRICS)
        ahead = f"{(loss < 0).sum()} of {SPLITS} splits"
        print(f"{epoch:>6}  {interval(loss, 1):>26}  {interval(accuracy, 100):>24}  {ahead}")


def interval(values: np.ndarray, scale: float) -> str:
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values) * scale
    mean = values.mean() * scale
    digits = 3 if scale == 1 else 2
    return f"{mean:+.{digits}f} [{mean - half:+.{digits}f}, {mean + half:+.{digits}f}]".replace("-", "−")


if __name__ == "__main__":
    main()
