"""The metrics that a run of a config records, and a kind that is added as one entry."""

import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest

from bnlab.config import load_config
from bnlab.errors import UserError
from bnlab.metrics import (
    Direction,
    Kind,
    Metric,
    Split,
    describe,
    describe_unknown,
    find_metric,
    kind_of,
    kinds,
    metrics_of,
    register,
)

WEIGHT_NORM = Kind(
    name="weight_norm",
    words="norm of the kernels",
    unit="",
    direction=Direction.NEITHER,
    per_split=False,
    applies=lambda config: True,
    value=lambda model: sum((kernel * kernel).sum() for kernel in model.kernels) ** 0.5,
)


@dataclass
class FakeModel:
    """The argument of a kind's `value`, with made-up numbers."""

    kernels: list[np.ndarray]
    outputs: np.ndarray = field(default_factory=lambda: np.zeros(0))
    targets: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rows_axis: int = 0
    params: object = None
    batch_stats: object = None

    def loss(self) -> float:
        return 2.5

    def accuracy(self) -> float:
        return 0.75

    def penalty(self) -> float:
        return 0.125


def names(config_name: str, *overrides: str) -> list[str]:
    return [metric.name for metric in metrics_of(load_config(config_name, overrides=overrides))]


def test_import_is_cheap():
    code = "import sys, bnlab.metrics; sys.exit('numpy' in sys.modules or 'jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_order():
    assert names("regression") == ["train_loss", "test_loss"]
    assert [name for name in names("mnist") if name.endswith(("_loss", "_accuracy"))] == [
        "train_loss",
        "train_accuracy",
        "valid_loss",
        "valid_accuracy",
        "test_loss",
        "test_accuracy",
    ]


@pytest.mark.parametrize(
    ("overrides", "recorded"),
    [
        (["l2_penalty.scale=0.1"], True),
        (["l2_penalty.scale=0"], False),
        (["model.norm.gamma_l2=0.1"], True),
        (["model.norm.beta_l2=0.1"], True),
        ([], False),
    ],
)
def test_a_penalty_is_recorded_where_one_is_on(overrides: list[str], recorded: bool):
    assert names("regression_bn", *overrides) == ["train_loss", "test_loss", *(["penalty"] if recorded else [])]


def test_a_metric_is_described():
    assert find_metric("valid_accuracy", load_config("digits")) == Metric(
        "valid_accuracy", Split.VALID, "accuracy", "%", Direction.HIGHER, "validation accuracy"
    )
    loss = find_metric("train_loss", load_config("regression"))
    assert loss == Metric("train_loss", Split.TRAIN, "loss", "½ Σ d² per point", Direction.LOWER, "training loss")
    assert (loss.lower_is_better, loss.higher_is_better, loss.percent) == (True, False, False)
    accuracy = find_metric("test_accuracy", load_config("digits"))
    assert (accuracy.lower_is_better, accuracy.higher_is_better, accuracy.percent) == (False, True, True)


def test_a_metric_that_is_not_recorded():
    with pytest.raises(UserError) as caught:
        find_metric("test_los", load_config("regression"))
    assert str(caught.value) == "got 'test_los', expected one of train_loss, test_loss (did you mean test_loss?)"


def test_a_curve_of_an_unknown_kind():
    config = load_config("regression")
    unknown = Metric("max_weight", None, "max_weight", "", Direction.NEITHER, "max weight")
    assert describe("max_weight", config) == describe_unknown("max_weight") == unknown
    assert describe("test_loss", config) == find_metric("test_loss", config)
    assert (unknown.lower_is_better, unknown.higher_is_better) == (False, False)


def test_a_new_kind_is_one_entry():
    config = load_config("mnist", overrides=["l2_penalty.scale=0.1"])
    before = metrics_of(config)
    with register(WEIGHT_NORM):
        assert [metric.name for metric in metrics_of(config)] == [*(metric.name for metric in before), "weight_norm"]
        found = find_metric("weight_norm", config)
        assert found == Metric("weight_norm", None, "weight_norm", "", Direction.NEITHER, "norm of the kernels")
        assert kind_of(found) is WEIGHT_NORM
    assert metrics_of(config) == before


def test_a_new_kind_per_split_stands_after_the_others_of_its_split():
    mistakes = Kind(
        "mistakes", "mistakes", "%", Direction.LOWER, True, lambda config: True, lambda model: 1 - model.accuracy()
    )
    with register(mistakes):
        assert names("regression", "l2_penalty.scale=0.1") == [
            "train_loss",
            "train_mistakes",
            "test_loss",
            "test_mistakes",
            "penalty",
        ]


def test_a_name_is_taken_once():
    message = r"^kind: got 'weight_norm', expected a name that is not in the table$"
    with register(WEIGHT_NORM), pytest.raises(ValueError, match=message), register(WEIGHT_NORM):
        pass
    assert "weight_norm" not in [kind.name for kind in kinds()]


def test_values_need_no_jax():
    model = FakeModel([np.array([[1.0, 2.0]]), np.array([[2.0]])])
    with register(WEIGHT_NORM):
        values = {kind.name: kind.value(model) for kind in kinds()}
    # sqrt(1 + 4 + 4) = 3
    assert values | {"loss": 2.5, "accuracy": 0.75, "penalty": 0.125, "weight_norm": 3.0} == values
