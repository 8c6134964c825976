"""Every pitfall shows the effect that docs/pitfalls.md and the head of its config describe."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab import data, experiment
from bnlab.config import configs_folder, load_config
from bnlab.models import apply_mlp, from_arrays, init_mlp
from bnlab.runs import Run
from bnlab.training.prepared import build_model

DOCUMENT = (Path(__file__).resolve().parent.parent / "docs" / "pitfalls.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`(bnlab [^`]*)`", DOCUMENT)))
PITFALLS = sorted(path.stem for path in configs_folder().glob("pitfall_*.yaml"))

Train = Callable[..., Run]


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """train("digits_bn", "batch_size=4") trains three seeds; the same call again returns the same run."""
    runs: dict[tuple[str, ...], Run] = {}

    def call(*arguments: str, seeds: str = "0:3") -> Run:
        key = (seeds, *arguments)
        if key not in runs:
            config = load_config(arguments[0], overrides=arguments[1:], seeds=seeds)
            runs[key] = experiment.train(config, out=tmp_path_factory.mktemp("pitfall") / "run")
        return runs[key]

    return call


def final(run: Run, metric: str) -> np.ndarray:
    return np.asarray(run.summary["final"][metric]["per_seed"])


def assert_same_weights(one: Run, other: Run, *, but: str) -> None:
    """Every final array has the same bits, except those whose name contains `but`."""
    assert one.params.keys() == other.params.keys()
    for name in one.params:
        if but not in name:
            np.testing.assert_array_equal(one.params[name], other.params[name], err_msg=name)


def test_update_forgotten(train: Train):
    wrong, right = train("regression_bn_no_update"), train("regression_bn")
    assert_same_weights(wrong, right, but="moving")
    np.testing.assert_array_equal(wrong.params["bn0/moving_mean"], np.zeros((3, 10)))
    np.testing.assert_array_equal(wrong.params["bn0/moving_variance"], np.ones((3, 10)))
    assert np.all(final(wrong, "test_loss") > 1.5 * final(right, "test_loss"))


def test_called_without_training(train: Train):
    run = train("regression_bn_untrained_mode")
    np.testing.assert_array_equal(run.params["bn0/moving_mean"], np.zeros((3, 10)))
    np.testing.assert_array_equal(run.params["bn0/moving_variance"], np.ones((3, 10)))
    assert np.all(np.any(run.params["bn0/gamma"] != 1, axis=1))


def test_evaluated_in_training_mode(train: Train):
    wrong, right = train("regression_bn_batch_stats"), train("regression_bn")
    assert_same_weights(wrong, right, but="nothing")
    grid, few = data.load("regression").test, data.regression.coarse()
    for run in (wrong, right):
        model = build_model(run.config, data.load("regression"))
        template = init_mlp(model, jax.random.key(0))
        for seed in range(3):
            params, state = from_arrays(template, {name: values[seed] for name, values in run.params.items()})

            def predict(inputs: np.ndarray) -> np.ndarray:
                return np.asarray(apply_mlp(model, params, state, jnp.asarray(inputs), training=False)[0])[:, 0]  # noqa: B023

            curve = np.interp(few.inputs[:, 1], grid.inputs[:, 1], predict(grid.inputs))
            off = np.abs(predict(few.inputs) - curve).max()
            alone = np.array([predict(row[None]).item() for row in grid.inputs[::50]])
            if run is wrong:
                assert off > 1
                np.testing.assert_allclose(alone, alone[0], rtol=0, atol=1e-5)  # for any x
            else:
                assert off < 0.05
                assert np.ptp(alone) > 3


def test_slow_decay(train: Train):
    slow, fast = train("pitfall_slow_decay"), train("pitfall_slow_decay", "model.norm.momentum=0.9")
    assert_same_weights(slow, fast, but="moving")
    np.testing.assert_array_equal(final(slow, "train_accuracy"), final(fast, "train_accuracy"))
    assert np.all(final(slow, "train_accuracy") > 0.98)
    assert np.all(final(slow, "test_accuracy") < 0.95)
    assert np.all(final(slow, "test_accuracy") < final(fast, "test_accuracy"))
    assert np.all(final(fast, "test_accuracy") > 0.94)


def test_slow_decay_on_mnist(train: Train, real_mnist: Path):
    short = ("num_steps=200", "record_every=200")
    slow, fast = (train(name, *short, seeds="0") for name in ("mnist_contrib_bn", "mnist_contrib_bn_decay09"))
    assert_same_weights(slow, fast, but="moving")
    assert final(slow, "test_accuracy") < final(fast, "test_accuracy") - 0.05


def test_momentum_swapped(train: Train):
    wrong, right = train("pitfall_momentum_swapped"), train("pitfall_momentum_swapped", "model.norm.momentum=0.9")
    assert_same_weights(wrong, right, but="moving")
    assert np.all(final(wrong, "test_accuracy") < final(right, "test_accuracy"))
    jumps, calm = (run.curves["test_accuracy"][:, -20:].std(1) for run in (wrong, right))
    assert np.all(jumps > 2 * calm)


def test_batch_of_two(train: Train):
    sample = train("pitfall_batch_of_two")
    population = train("pitfall_batch_of_two", "model.norm.sample_variance=false")
    assert_same_weights(sample, population, but="moving_variance")
    for layer in ("bn0", "bn1"):
        name = f"{layer}/moving_variance"
        # Of the initial 1, 0.99^1600 = 1e-7 is left in both.
        np.testing.assert_allclose(sample.params[name], 2 * population.params[name], rtol=1e-5)


def test_batch_of_one(train: Train):
    run, start = train("pitfall_batch_of_one"), train("pitfall_batch_of_one", "optimizer.learning_rate=0", "num_steps=1")
    learnt = {name for name in run.params if not np.array_equal(run.params[name], start.params[name])}
    assert {name for name in learnt if "moving" not in name} == {"dense2/bias"}
    for layer in ("bn0", "bn1"):
        assert run.params[f"{layer}/moving_variance"].max() < 1e-6
    assert np.all(final(run, "test_accuracy") < 0.3)
    assert np.all(final(run, "test_loss") > 10)


def test_frozen_in_tensorflow_2(train: Train):
    run = train("pitfall_frozen_tensorflow2")
    for name, value in (("moving_mean", -1), ("moving_variance", 4), ("gamma", 1), ("beta", 0)):
        for layer in ("bn0", "bn1"):
            np.testing.assert_array_equal(run.params[f"{layer}/{name}"], np.full((3, 32), value), err_msg=name)


def test_frozen_in_tensorflow_1(train: Train):
    run = train("pitfall_frozen_tensorflow1")
    for layer in ("bn0", "bn1"):
        np.testing.assert_array_equal(run.params[f"{layer}/gamma"], np.ones((3, 32)))
        np.testing.assert_array_equal(run.params[f"{layer}/beta"], np.zeros((3, 32)))
        assert np.all(run.params[f"{layer}/moving_variance"] != 4)
    # The earlier state of the layer has no influence.
    assert_same_weights(run, train("pitfall_frozen_tensorflow1", "model.norm.moving_mean_init=1"), but="nothing")


def test_a_bias_before_batch_norm_walks_with_adam(train: Train):
    adam, sgd = train("digits_bn", "num_steps=200"), train("pitfall_slow_decay")
    for layer in ("dense0", "dense1"):
        assert np.abs(adam.params[f"{layer}/bias"]).max() > 0.01
        assert np.abs(sgd.params[f"{layer}/bias"]).max() < 1e-6


@pytest.mark.parametrize("name", PITFALLS)
def test_its_head_says_the_command_and_what_to_look_at(name: str):
    head, _, rest = (configs_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\nname: ")
    assert rest.startswith(f"{name}\n")
    assert f"#   bnlab train {name} --seeds 0:16" in head
    assert "\n# Look at " in head
    assert " What comes out: docs/pitfalls.md." in head.replace("\n# ", " ")
    assert "; look at " in load_config(name).description
    assert f"`bnlab train {name} --seeds 0:16`" in DOCUMENT


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_document_is_one(command: str, bnlab):
    program, verb, *arguments = shlex.split(command)
    assert (program, verb) == ("bnlab", "train")
    answer = bnlab(verb, *arguments, "--print-config")
    assert (answer.code, answer.err) == (0, "")
