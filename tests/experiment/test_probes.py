"""Probes as a user meets them: in configs, runs and comparisons, and that they leave the training as it was."""

from pathlib import Path

import numpy as np
import pytest

from bnlab import experiment
from bnlab.compare import analyse, find_arms, train_missing, write
from bnlab.config import Config, load_config
from bnlab.errors import UserError
from bnlab.metrics import Direction, Metric, find_metric, metrics_of, probe_metrics
from bnlab.options import ProbeName
from bnlab.runs import Pool, gather, read_run
from bnlab.training import prepare

ALL = (
    "kernel_norm, unit_norm, gradient_norm, fixed_gradient_norm, step_angle, effective_rate, input_quantiles, dead_units, "
    "statistics_gap, loss_along_gradient"
)
SHORT = {
    "regression_bn": ("num_steps=60", "record_every=7"),
    "digits_bn": ("num_steps=12", "record_every=5"),
}


def config_of(name: str, probes: str = "", seeds: str = "0:3") -> Config:
    return load_config(name, overrides=[*SHORT[name], f"probes=[{probes}]"], seeds=seeds)


@pytest.fixture(scope="module", params=SHORT)
def probed(request, tmp_path_factory):
    """A config, its run without probes, and its run with all of them."""
    folder = tmp_path_factory.mktemp("probed")
    runs = [experiment.train(config_of(request.param, on), out=folder / str(len(on))) for on in ("", ALL)]
    return request.param, *runs


def test_all_else_keeps_its_bits(probed):
    _, off, on = probed
    assert list(on.curves)[: len(off.curves)] == list(off.curves)
    for name, values in off.curves.items():
        np.testing.assert_array_equal(on.curves[name], values, err_msg=name)
    for name, values in off.params.items():
        np.testing.assert_array_equal(on.params[name], values, err_msg=name)


def test_a_run_has_the_metrics_that_the_config_promises(probed):
    _, off, on = probed
    promised = [metric.name for metric in probe_metrics(on.config)]
    assert list(on.curves) == [*off.curves, *promised]
    assert [metric.name for metric in metrics_of(on.config)] == list(on.curves)
    assert all(np.isfinite(on.curves[metric]).all() for metric in promised)
    assert (on.path / "kernel_norm.png").exists()
    assert on.summary["metrics"]["step_angle"]["unit"] == "degrees"
    assert on.summary["final"]["step_angle"]["per_seed"] == on.curves["step_angle"][:, -1].tolist()
    with (on.path / "metrics.csv").open(encoding="utf-8") as file:
        assert file.readline().strip().split(",") == ["seed", "data_seed", "step", *on.curves]


def test_a_seed_has_the_same_values_alone(probed, tmp_path):
    name, _, together = probed
    alone = experiment.train(config_of(name, ALL, seeds="2"), out=tmp_path / "alone")
    for metric, values in together.curves.items():
        np.testing.assert_array_equal(alone.curves[metric][0], values[2], err_msg=metric)


def test_resumed_it_has_the_same_values(tmp_path, monkeypatch):
    monkeypatch.setenv("BNLAB_CHECKPOINT_SECONDS", "0")
    config = config_of("regression_bn", ALL, seeds="0:2")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    experiment.run_all([(config, whole)], segment_steps=14)
    chunks = 0

    def interrupt(*_: object) -> None:
        nonlocal chunks
        chunks += 1
        if chunks == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment.run_all([(config, broken)], segment_steps=14, on_chunk=interrupt)
    experiment.run_all([(config, broken)], segment_steps=14, resume=True)
    expected, resumed = read_run(whole), read_run(broken)
    assert list(resumed.curves) == list(expected.curves)
    for name, values in expected.curves.items():
        np.testing.assert_array_equal(resumed.curves[name], values, err_msg=name)


def test_segments_do_not_change_the_values(probed, tmp_path):
    """rtol: another loop length may give another XLA program, whose rounding grows over the steps.

    The gaps and angles near 0 are differences of nearly equal numbers, so they have an absolute tolerance.
    """
    name, _, whole = probed
    (pieces,) = experiment.run_all([(config_of(name, ALL), tmp_path / "pieces")], segment_steps=14)
    for metric, values in whole.curves.items():
        np.testing.assert_allclose(pieces.curves[metric], values, rtol=2e-3, atol=1e-4, err_msg=metric)


def test_off_nothing_of_them_is_compiled(tmp_path):
    config = config_of("regression_bn", "")
    (prepared,) = prepare([config])
    experiment.train(config, out=tmp_path / "off")
    assert prepared.program.train.seconds > 0
    assert prepared.program.probe.seconds == prepared.program.correct.seconds == 0


def test_a_value_that_is_not_finite_is_no_failed_seed(folder: Path):
    far = "probes={loss_along_gradient: {multiples: [1e38]}}"
    run = experiment.train(load_config("regression_bn", overrides=["num_steps=4", "batch_size=20", far]))
    assert run.summary["failed"] == []
    assert not np.isfinite(run.curves["along_loss_max"]).any()
    assert run.summary["final"]["along_loss_max"]["per_seed"] == [None]
    assert np.isfinite(run.curves["test_loss"]).all()


def test_a_comparison_takes_them(folder: Path):
    shorter = [*SHORT["regression_bn"], "probes=[kernel_norm, step_angle]"]
    arms = train_missing(find_arms(["regression", "regression_bn"], overrides=shorter, seeds="0:2"))
    comparison = analyse(arms, metrics=["step_angle", "dense0_kernel_norm"])
    assert [metric.name for metric in comparison.metrics] == ["step_angle", "dense0_kernel_norm"]
    write(comparison, Path("out"))
    assert Path("out/step_angle.png").exists()
    assert not Path("out/step_angle_difference.png").exists()  # neither side is better


# --- Correctness of the examples ----------------------------------------------------------------------------------


def test_correct_examples_are_those_that_the_accuracy_counts(folder: Path):
    run = experiment.train(config_of("digits_bn", "test_correct"))
    correct = run.examples["test_correct"]
    assert (correct.dtype, correct.shape) == (bool, (3, 250))
    np.testing.assert_allclose(correct.mean(1), run.curves["test_accuracy"][:, -1], rtol=1e-6)
    assert len(np.unique(correct, axis=0)) == 3
    assert list(run.curves) == [metric.name for metric in metrics_of(config_of("digits_bn"))]


def test_a_pool_gathers_them_from_its_runs(folder: Path):
    runs = [experiment.train(config_of("digits_bn", "test_correct", seeds), out=seeds) for seeds in ("0,1", "2")]
    wanted = config_of("digits_bn", "test_correct", "2,0")
    pool, missing = gather(wanted, runs)
    assert isinstance(pool, Pool)
    assert list(missing) == []
    rows = [runs[1].examples["test_correct"][0], runs[0].examples["test_correct"][0]]
    np.testing.assert_array_equal(pool.examples["test_correct"], rows)


def test_without_the_probe_there_is_no_such_file(probed):
    _, off, _ = probed
    assert off.examples == {}
    assert not (off.path / "examples.npz").exists()


def test_an_altered_file_is_refused(folder: Path):
    run = experiment.train(config_of("digits_bn", "test_correct", "0"), out="run")
    path = run.path / "examples.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    message = "^run/examples.npz: was altered or damaged after the run: its SHA-256 is not summary.json's$"
    with pytest.raises(UserError, match=message):
        read_run("run")


# --- Configs ------------------------------------------------------------------------------------------------------


def test_a_list_is_short_for_a_section():
    listed = config_of("digits_bn", "kernel_norm, input_quantiles, loss_along_gradient")
    written = load_config(
        "digits_bn",
        overrides=[
            *SHORT["digits_bn"],
            "probes={kernel_norm: true, input_quantiles: {layer: null, unit: 0}, loss_along_gradient: true}",
        ],
    )
    assert listed.probes == written.probes
    assert listed.probes.recorded == ("kernel_norm", "input_quantiles", "loss_along_gradient")
    off = load_config("digits_bn", overrides=["probes.input_quantiles=false", "probes=[]"])
    assert off.probes == load_config("digits_bn").probes


def test_options_reach_the_metrics():
    config = load_config("mnist_bn", overrides=["probes.input_quantiles={layer: 0, unit: 3}"])
    assert [metric.name for metric in probe_metrics(config)] == [f"dense0_unit3_input_p{percent}" for percent in (15, 50, 85)]
    assert find_metric("dense0_unit3_input_p15", config) == Metric(
        "dense0_unit3_input_p15",
        None,
        "input_quantiles",
        "",
        Direction.NEITHER,
        "15th percentile of the input of dense0's unit 3",
    )


@pytest.mark.parametrize(
    ("base", "override", "message"),
    [
        (
            "digits_bn",
            "probes=[kernal_norm]",
            f"probes: got 'kernal_norm', expected some of {ALL}, test_correct (did you mean kernel_norm?)",
        ),
        ("digits_bn", "probes=3", "probes: got 3, expected a section of keys and values"),
        (
            "digits_bn",
            "probes.input_quantiles.layer=2",
            "probes.input_quantiles.layer: got 2, expected 0 to 1, a hidden layer, or null",
        ),
        (
            "digits_bn",
            "probes.input_quantiles.layer=-1",
            "probes.input_quantiles.layer: got -1, expected 0 to 1, a hidden layer, or null",
        ),
        ("regression_bn", "probes.input_quantiles.unit=10", "probes.input_quantiles.unit: got 10, expected 0 to 9"),
        (
            "digits_bn",
            "probes.loss_along_gradient.multiples=[]",
            "probes.loss_along_gradient.multiples: got no number, expected at least one",
        ),
        (
            "digits_bn",
            "probes.loss_along_gradient.multiples=[1, 0]",
            "probes.loss_along_gradient.multiples.1: got 0, expected greater than 0",
        ),
        ("digits", "probes=[statistics_gap]", "probes.statistics_gap: got true, expected false: model.norm is null"),
        (
            "regression",
            "probes=[test_correct]",
            "probes.test_correct: got true, expected false with data.name 'regression'",
        ),
        (
            "bn_constant",
            "probes=[effective_rate]",
            "probes.effective_rate: got true, expected false: there is no hidden layer",
        ),
    ],
)
def test_a_probe_that_does_not_fit(base, override, message):
    with pytest.raises(UserError) as caught:
        load_config(base, overrides=[override])
    assert str(caught.value).partition(".yaml: ")[2] == message


def test_dead_units_are_those_of_relu():
    with pytest.raises(UserError, match=r"probes.dead_units: got true, expected false with activation 'tanh'$"):
        load_config("digits", overrides=["model.activation=tanh", "probes=[dead_units]"])


def test_every_probe_is_in_the_table_and_in_the_program():
    from typing import get_args

    from bnlab import metrics
    from bnlab.training.probes import MEASURES

    recorded = [name for name in get_args(ProbeName) if name != "test_correct"]
    assert list(metrics._PROBES) == list(MEASURES) == recorded
