"""A metric is one entry in one place, and all outputs of a run and of a comparison have it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bnlab import experiment
from bnlab.compare import analyse, find_arms, train_missing, write
from bnlab.config import load_config
from bnlab.metrics import Direction, Kind, metrics_of, register

SHORT = ("num_steps=6", "record_every=2")
WEIGHT_NORM = Kind(
    name="weight_norm",
    words="norm of all kernels",
    unit="",
    direction=Direction.NEITHER,
    per_split=False,
    applies=lambda config: True,
    value=lambda model: sum((kernel * kernel).sum() for kernel in model.kernels) ** 0.5,
)
HARDEST = Kind(
    name="largest_output",
    words="mean of the outputs' sizes",
    unit="",
    direction=Direction.LOWER,
    per_split=True,
    applies=lambda config: config.data.name == "digits",
    value=lambda model: abs(model.outputs).mean(),
)


@pytest.mark.parametrize("name", ["regression_bn", "digits"])
def test_a_run_records_and_draws_it(name, folder: Path):
    with register(WEIGHT_NORM):
        run = experiment.train(load_config(name, overrides=SHORT, seeds="0:2"))
    kernels = [values.astype(np.float64) for weight, values in run.params.items() if weight.endswith("kernel")]
    norms = np.sqrt(sum((values**2).reshape(2, -1).sum(1) for values in kernels))
    np.testing.assert_allclose(run.curves["weight_norm"][:, -1], norms, rtol=1e-6)
    with (run.path / "metrics.csv").open(newline="", encoding="utf-8") as file:
        last = [np.float32(row["weight_norm"]) for row in csv.DictReader(file) if row["step"] == "6"]
    assert last == run.curves["weight_norm"][:, -1].tolist()
    assert run.summary["final"]["weight_norm"]["per_seed"] == run.curves["weight_norm"][:, -1].tolist()
    assert run.summary["metrics"]["weight_norm"] == {
        "name": "weight_norm",
        "split": None,
        "kind": "weight_norm",
        "unit": "",
        "direction": "neither is better",
        "words": "norm of all kernels",
    }
    assert (run.path / "weight_norm.png").read_bytes().startswith(b"\x89PNG")


def test_it_leaves_the_others_as_they_were(folder: Path):
    config = load_config("regression_bn", overrides=SHORT)
    plain = experiment.train(config)
    with register(WEIGHT_NORM):
        more = experiment.train(config)
    assert list(more.curves) == [*plain.curves, "weight_norm"]
    for name, values in plain.curves.items():
        np.testing.assert_array_equal(more.curves[name], values)


def test_one_of_every_split_is_measured_on_each(folder: Path):
    with register(HARDEST):
        config = load_config("digits", overrides=SHORT)
        assert [metric.name for metric in metrics_of(config) if metric.kind == "largest_output"] == [
            "train_largest_output",
            "valid_largest_output",
            "test_largest_output",
        ]
        run = experiment.train(config)
    assert (run.path / "largest_output.png").exists()
    sizes = [float(run.curves[f"{split}_largest_output"][0, -1]) for split in ("train", "valid", "test")]
    assert len(set(sizes)) == 3
    assert min(sizes) > 0


def test_a_comparison_takes_it(folder: Path):
    with register(WEIGHT_NORM):
        arms = train_missing(find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:2"))
        comparison = analyse(arms, metrics=["weight_norm"])
        write(comparison, Path("out"))
    document = json.loads(Path("out/comparison.json").read_text(encoding="utf-8"))
    numbers = document["metrics"]["weight_norm"]["final"]["regression_bn"]
    (bn,) = [run.curves["weight_norm"][:, -1] for run in arms[1].runs]
    assert numbers["mean"] == pytest.approx(float(bn.astype(np.float64).mean()), rel=1e-12)
    assert Path("out/weight_norm.png").exists()
