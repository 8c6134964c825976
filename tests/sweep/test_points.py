"""From a sweep's file to its points: products, pairs, lists, whole sections, labels, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab.config import Config, shipped_sweeps
from bnlab.errors import UserError
from bnlab.sweep import Sweep, load_sweep
from bnlab.sweep.points import Spacing, spacing


@pytest.fixture
def sweep_of(folder: Path) -> Callable[..., Sweep]:
    def load(text: str, **options: object) -> Sweep:
        Path("s.yaml").write_text("name: s\n" + text, encoding="utf-8")
        return load_sweep("s.yaml", **options)

    return load


def labels(sweep: Sweep) -> list[str]:
    return [point.label for point in sweep.points]


class TestPoints:
    def test_a_grid_is_every_combination_and_the_last_field_changes_fastest(self, sweep_of):
        sweep = sweep_of("base: regression\ngrid: {optimizer.learning_rate: [1e-3, 1e-2], batch_size: [10, 20, 30]}")
        assert labels(sweep) == [
            "learning_rate=0.001, batch_size=10",
            "learning_rate=0.001, batch_size=20",
            "learning_rate=0.001, batch_size=30",
            "learning_rate=0.01, batch_size=10",
            "learning_rate=0.01, batch_size=20",
            "learning_rate=0.01, batch_size=30",
        ]
        assert [(p.config.optimizer.learning_rate, p.config.batch_size) for p in sweep.points[2:4]] == [
            (1e-3, 30),
            (1e-2, 10),
        ]
        assert [point.place for point in sweep.points[2:4]] == [(0, 2), (1, 0)]
        assert sweep.cells == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
        assert sweep.arms == ("regression",)

    def test_fields_of_a_zip_go_together_as_one_axis(self, sweep_of):
        sweep = sweep_of(
            "base: regression\nzip: {batch_size: [10, 20], num_steps: [2000, 1000]}\ngrid: {record_every: [1, 10]}"
        )
        assert labels(sweep) == [
            "record_every=1, batch_size=10, num_steps=2000",
            "record_every=1, batch_size=20, num_steps=1000",
            "record_every=10, batch_size=10, num_steps=2000",
            "record_every=10, batch_size=20, num_steps=1000",
        ]
        assert [(axis.name, len(axis)) for axis in sweep.axes] == [("record_every", 2), ("batch_size, num_steps", 2)]

    def test_a_response_curve_has_the_first_of_the_fields_that_go_together(self, sweep_of):
        (axis,) = sweep_of("base: regression\nzip: {batch_size: [2, 8, 32], optimizer.learning_rate: [1, 4, 16]}").axes
        assert axis.labels == (
            "batch_size=2, learning_rate=1",
            "batch_size=8, learning_rate=4",
            "batch_size=32, learning_rate=16",
        )
        assert (axis.numbers, axis.ticks, axis.spacing) == ((2.0, 8.0, 32.0), ("2", "8", "32"), Spacing.LOG)
        (alike,) = sweep_of("base: regression\nzip: {batch_size: [2, 2], optimizer.learning_rate: [1, 4]}").axes
        assert (alike.numbers, alike.ticks) == (None, ("batch_size=2, learning_rate=1", "batch_size=2, learning_rate=4"))

    def test_listed_points_are_one_axis_and_may_set_different_fields(self, sweep_of):
        sweep = sweep_of("base: regression\npoints: [{}, {batch_size: 5}, {batch_size: 5, model.hidden: [3, 3]}]")
        assert labels(sweep) == ["base", "batch_size=5", "batch_size=5, hidden=[3, 3]"]
        assert sweep.points[2].config.model.hidden == (3, 3)
        assert sweep.points[0].config.batch_size == 20

    def test_whole_sections_are_values(self, sweep_of):
        norms = "[null, {kind: batch}, {kind: batch, momentum: 0.9}]"
        sweep = sweep_of(f"base: regression\ngrid: {{model.norm: {norms}}}")
        assert labels(sweep) == ["norm=none", "norm={kind: batch}", "norm={kind: batch, momentum: 0.9}"]
        assert [point.config.model.norm and point.config.model.norm.momentum for point in sweep.points] == [None, 0.99, 0.9]
        assert labels(sweep_of("base: regression\ngrid: {model.norm: [null, {kind: batch}]}")) == ["norm=none", "norm=batch"]

    def test_arms_are_configs_or_settings_of_the_base(self, sweep_of):
        sweep = sweep_of(
            "base: regression\n"
            "arms: {plain: {}, bn: regression_bn, slow: {model.norm: {kind: batch, momentum: 0.999}}}\n"
            "grid: {batch_size: [10, 20]}\n"
            "baseline: bn"
        )
        assert labels(sweep) == [f"{arm}, batch_size={size}" for arm in ("plain", "bn", "slow") for size in (10, 20)]
        assert sweep.baseline == "bn"
        assert [sweep.number("slow", (1,)), sweep.number("plain", (0,))] == [5, 0]
        assert [point.config.model.norm and point.config.model.norm.momentum for point in sweep.points[::2]] == [
            None,
            0.99,
            0.999,
        ]

    def test_a_field_of_one_value_is_in_no_label(self, sweep_of):
        sweep = sweep_of("base: regression\ngrid: {num_steps: [30], batch_size: [10, 20]}")
        assert labels(sweep) == ["batch_size=10", "batch_size=20"]
        assert {point.config.num_steps for point in sweep.points} == {30}
        assert labels(sweep_of("base: regression")) == ["regression"]

    def test_a_base_beside_the_sweeps_file(self, sweep_of, folder):
        text = Path(__file__).parents[2].joinpath("configs/regression.yaml").read_text(encoding="utf-8")
        Path("mine.yaml").write_text(text.replace("batch_size: 20", "batch_size: 7"), encoding="utf-8")
        (point,) = sweep_of("base: mine.yaml").points
        assert (point.arm, point.config.batch_size) == ("mine", 7)

    def test_seeds_and_overrides(self, sweep_of):
        text = "base: regression\nseeds: 0:3\ngrid: {batch_size: [10, 20]}"
        assert sweep_of(text).seeds == [0, 1, 2]
        sweep = sweep_of(text, seeds="5,7", overrides=["num_steps=40", "model.hidden=[3]"])
        assert sweep.seeds == [5, 7]
        assert [(p.config.num_steps, p.config.model.hidden, p.config.batch_size) for p in sweep.points] == [
            (40, (3,), 10),
            (40, (3,), 20),
        ]

    def test_a_point_says_in_its_description_what_was_changed(self, sweep_of):
        point = sweep_of("base: regression\ngrid: {batch_size: [10, 20]}").points[0]
        assert point.config.description == (
            "Cos-perturbed polynomial regression, one hidden layer of 10 ReLUs. Changed: batch_size=10"
        )


class TestMetrics:
    def test_the_best_point_is_chosen_on_validation_rows_where_there_are_any(self, sweep_of):
        of_digits = sweep_of("base: digits\nmetrics: [test_accuracy]")
        assert [metric.name for metric in of_digits.metrics] == ["test_accuracy"]
        assert of_digits.selection
        assert of_digits.selection.name == "valid_accuracy"
        assert [metric.name for metric in of_digits.measured] == ["test_accuracy", "valid_accuracy"]
        of_regression = sweep_of("base: regression")
        assert [metric.name for metric in of_regression.metrics] == ["test_loss"]
        assert of_regression.selection
        assert of_regression.selection.name == "test_loss"

    def test_of_points_with_other_metrics_those_that_all_have(self, sweep_of):
        sweep = sweep_of("base: regression\ngrid: {l2_penalty: [null, {scale: 0.1}]}")
        assert [metric.name for metric in sweep.metrics] == ["test_loss"]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((1e-4, 1e-3, 1e-2), Spacing.LOG),
        ((8, 16, 32, 64), Spacing.LOG),
        ((1e-3, 3e-3, 1e-2), Spacing.LOG),
        ((10, 20, 30), Spacing.LINEAR),
        ((0.9, 0.99, 0.999), Spacing.LINEAR),
        ((0, 0.5, 1), Spacing.LINEAR),
        ((0, 1e-4, 1e-3, 1e-2), Spacing.NONE),
        ((1, 10), Spacing.LOG),
        ((1, 9), Spacing.LINEAR),
        ((-1, 1), Spacing.LINEAR),
        ((5,), Spacing.LINEAR),
    ],
)
def test_spacing(numbers, expected):
    assert spacing(numbers) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s.yaml: base: is missing, and there are no arms"),
        ("base: regresion", "regresion: no such file, and no shipped config has that name (did you mean regression?)"),
        ("base: regression\ngrid: {batch_size: []}",
         "s.yaml: grid.batch_size: got [], expected it to have at least 1 item after validation, not 0"),
        ("base: regression\ngrids: {}",
         "s.yaml: grids: unknown key, expected one of name, description, base, arms, grid, zip, points, seeds, metrics, "
         "baseline, axes (did you mean grid?)"),
        ("base: regression\ngrid: {batch_size: [10, 0]}",
         "s.yaml: point batch_size=0: batch_size: got 0, expected greater than or equal to 1"),
        ("base: regression\ngrid: {batch_sise: [10]}",
         f"s.yaml: point regression: batch_sise: unknown key, expected one of {', '.join(Config.model_fields)} "
         "(did you mean batch_size?)"),
        ("base: regression\ngrid: {model.norm.momentum: [0.9, 0.99]}",
         "s.yaml: point momentum=0.9: model.norm.momentum: model.norm is null in this config; set model.norm.kind=batch "
         "(or another) first"),
        ("base: regression\ngrid: {batch_size: [10, 20, 10]}",
         "s.yaml: batch_size: got batch_size=10 twice, expected every value once"),
        ("base: regression\ngrid: {seeds.init: [1]}", "s.yaml: grid: seeds.init: cannot be changed by a sweep"),
        ("base: regression\ngrid: {batch_size: [1]}\nzip: {batch_size: [2]}",
         "s.yaml: zip: batch_size: is also in grid; a field belongs to one axis"),
        ("base: regression_bn\ngrid: {model.norm: [null], model.norm.momentum: [0.9]}",
         "s.yaml: grid: model.norm.momentum: overlaps model.norm in grid; a field belongs to one axis"),
        ("base: regression\nzip: {batch_size: [1, 2], num_steps: [1]}",
         "s.yaml: zip: expected lists of one length: batch_size has 2, num_steps has 1"),
        ("arms: {a: {batch_size: 3}}", "s.yaml: base: is missing, and the arm 'a' consists of settings that change it"),
        ("base: regression\narms: {a: {}}\nbaseline: b", "s.yaml: baseline: got 'b', expected one of a"),
        ("base: regression\naxes: [batch_size]", "s.yaml: axes: got 'batch_size', expected none: nothing is varied"),
        ("base: regression\ngrid: {batch_size: [1, 2]}\naxes: [batchsize]",
         "s.yaml: axes: got 'batchsize', expected one of batch_size (did you mean batch_size?)"),
        ("base: regression\nmetrics: [test_accuracy]",
         "s.yaml: metrics: got 'test_accuracy', which point regression does not record, expected one of train_loss, "
         "test_loss"),
        ("base: regression\nmetrics: [test_loss]\ngrid: {loss: [half_sum_squares, mean_squared_error]}",
         "s.yaml: metrics: test_loss is in mean squared error at point loss=mean_squared_error and in ½ Σ d² per point at "
         "point loss=half_sum_squares, so that they cannot be compared"),
        ("base: regression\nseeds: 4:4", "s.yaml: seeds: got '4:4', an empty range; its end is excluded"),
        ("base: regression\ngrid: {optimizer.b1: [" + ", ".join(str(i / 1000) for i in range(400)) + "], batch_size: ["
         + ", ".join(map(str, range(1, 301))) + "]}", "s.yaml: makes 120,000 points, expected at most 100,000"),
    ],
)  # fmt: skip
def test_what_is_refused(text, message, sweep_of):
    with pytest.raises(UserError) as refused:
        sweep_of(text)
    assert str(refused.value) == message


def test_an_override_of_what_is_varied_is_refused(sweep_of):
    text = "base: regression\ngrid: {optimizer.learning_rate: [1, 2]}"
    for override in ("optimizer.learning_rate=1", "optimizer={name: sgd}"):
        with pytest.raises(UserError) as refused:
            sweep_of(text, overrides=[override])
        assert str(refused.value) == f"overrides: got '{override}', and the sweep itself varies optimizer.learning_rate"


@pytest.mark.parametrize("name", shipped_sweeps())
def test_every_shipped_sweep_is_valid(name):
    sweep = load_sweep(name)
    assert sweep.name == name
    assert sweep.specification.description
