"""`bnlab train`: its output, its folders, and its exit codes."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from bnlab.config import load_config, parse_config, shipped_configs
from bnlab.runs import read_run

SHORT = ("--set", "num_steps=2", "--quiet")


def test_the_run_folder_is_the_last_line(bnlab, folder):
    code, out, err = bnlab("train", "regression", *SHORT)
    assert (code, err) == (0, "")
    finals, path = out.splitlines()
    assert re.fullmatch(r"regression: train_loss [\d.]+, test_loss [\d.]+", finals)
    run = read_run(path)
    assert Path(path).parent == Path("runs/regression")
    assert run.config == load_config("regression", overrides=["num_steps=2"])


def test_seeds_set_and_out(bnlab, folder):
    code, out, _ = bnlab(
        "train", "regression_bn", *SHORT, "--seeds", "3,5", "--set", "model.norm.momentum=0.5", "--out", "mine"
    )
    assert code == 0
    assert out.splitlines()[-1] == "mine"
    assert " ± " in out  # over the two seeds
    run = read_run("mine")
    assert run.seeds.tolist() == [3, 5]
    assert run.config.model.norm is not None
    assert run.config.model.norm.momentum == 0.5


def test_several_configs_have_a_folder_each(bnlab, folder):
    code, out, _ = bnlab("train", "regression", "regression_bn", *SHORT, "--out", "both")
    assert code == 0
    assert out.splitlines()[-2:] == ["both/regression", "both/regression_bn"]
    # the same first kernels and the same batches: the first losses differ only because of the norm
    kernels = [read_run(path).params["dense1/kernel"] for path in out.splitlines()[-2:]]
    assert kernels[0].shape == kernels[1].shape


def test_print_config_writes_nothing(bnlab, folder):
    code, out, err = bnlab("train", "regression_bn", "--print-config", "--set", "batch_size=7", "--seeds", "0:2")
    assert (code, err) == (0, "")
    expected = load_config("regression_bn", overrides=["batch_size=7"], seeds="0:2")
    assert parse_config(out, "printed") == expected
    assert list(folder.iterdir()) == []


def test_what_is_printed_trains(bnlab, folder):
    _, out, _ = bnlab("train", "regression_bn", "--print-config", "--set", "num_steps=2")
    Path("mine.yaml").write_text(out, encoding="utf-8")
    assert bnlab("train", "mine.yaml", "--quiet", "--out", "a").code == 0
    assert bnlab("train", "regression_bn", *SHORT, "--out", "b").code == 0
    for name in ("curves.npz", "params.npz", "config.yaml"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_a_process_of_its_own_gives_the_same_bits(bnlab, bnlab_process, folder):
    """Also on one worker and on two."""
    arguments = ("train", "regression_bn", "--set", "num_steps=50", "--seeds", "0:3", "--quiet", "--out")
    assert bnlab(*arguments, "here").code == 0
    for workers in ("1", "2"):
        answer = bnlab_process(*arguments, workers, env={"BNLAB_THREADS": workers})
        assert answer.code == 0, answer.err
        for name in ("curves.npz", "params.npz"):
            assert Path(workers, name).read_bytes() == Path("here", name).read_bytes()


def test_a_loss_that_explodes_exits_1_and_names_the_step(bnlab, folder):
    overrides = ("--set", "optimizer={name: sgd, learning_rate: 0.003}", "--set", "num_steps=30")
    code, out, err = bnlab("train", "regression", *overrides, "--seeds", "0:2", "--out", "x", "--quiet")
    assert code == 1
    assert err.splitlines() == [
        "bnlab: regression: seed 0: the loss was not finite at step 4; the curves up to it are in x",
        "regression: seed 1: the loss was not finite at step 5; the curves up to it are in x",
    ]
    assert out.splitlines()[-1] == "x"
    curve = read_run("x").curves["train_loss"]
    assert np.isfinite(curve).sum(axis=1).tolist() == [3, 4]
    code, _, err = bnlab("train", "regression", *overrides, "--set", "seeds={init: 0, data: [0, 1]}", "--out", "y", "--quiet")
    first, second = (line.partition(": the loss was not finite at step")[0] for line in err.splitlines())
    assert (first, second) == ("bnlab: regression: seed 0", "regression: init seed 0 with data seed 1")


@pytest.mark.parametrize("name", [name for name in shipped_configs() if "mnist" not in name])
def test_every_config_for_two_steps(bnlab, folder, name):
    check_two_steps(bnlab, name)


@pytest.mark.parametrize("name", [name for name in shipped_configs() if "mnist" in name])
def test_every_mnist_config_for_two_steps(bnlab, folder, name, real_mnist):
    check_two_steps(bnlab, name)


def check_two_steps(bnlab, name):
    code, _, err = bnlab("train", name, *SHORT, "--out", "run")
    assert (code, err) == (0, "")
    run = read_run("run")
    assert run.summary["failed"] == []
    assert all(np.isfinite(curve).all() for curve in run.curves.values())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "loss", "accuracy"), [("mnist_bn", 0.0970, 0.9712), ("mnist", 0.188, 0.954)])
def test_article_003(bnlab, folder, real_mnist, name, loss, accuracy):
    """Measured with TensorFlow 1.8.0 over five seeds: BN 0.0970 ± 0.0063 and 0.9712 ± 0.0019, none 0.188 ± 0.012 and
    0.954 ± 0.005. The means of five seeds of both programs must agree within four standard errors of their difference.
    One such error is √(2/5) of these standard deviations."""
    spread = {"mnist_bn": (0.0063, 0.0019), "mnist": (0.012, 0.005)}[name]
    assert bnlab("train", name, "--seeds", "0:5", "--quiet", "--out", "run").code == 0
    run = read_run("run")
    assert run.curves["valid_loss"].shape == (5, 10)
    within = 4 * np.sqrt(2 / 5)
    assert abs(run.curves["test_loss"][:, -1].mean() - loss) < within * spread[0]
    assert abs(run.curves["test_accuracy"][:, -1].mean() - accuracy) < within * spread[1]


def test_a_setting_for_one_of_several_configs(bnlab, folder):
    answer = bnlab("train", "digits", "digits_bn", "--set", "digits_bn:model.norm.momentum=0.5", "--print-config")
    assert answer.code == 0, answer.err
    one, other = (yaml.safe_load(text)["model"]["norm"] for text in answer.out.split("---\n"))
    assert one is None
    assert other["momentum"] == 0.5
    answer = bnlab("train", "digits", "digits_bn", "--set", "model.norm.momentum=0.5", "--print-config")
    assert (answer.code, answer.out, answer.err) == (
        2,
        "",
        "bnlab: --set: model.norm.momentum=0.5: digits has no model.norm, and digits_bn has one; "
        "give it to those that have one: --set digits_bn:model.norm.momentum=0.5\n",
    )
