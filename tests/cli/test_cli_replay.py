"""`bnlab replay`: one line per curve, the largest difference last, exit 1 above --rtol."""

import re
from pathlib import Path

REFERENCE = Path(__file__).parent.parent / "reference" / "regression_none.npz"


def test_a_reference_that_is_followed(bnlab, folder):
    code, out, err = bnlab("replay", "regression", REFERENCE, "--steps", 100, "--rtol", 2e-5)
    assert (code, err) == (0, "")
    train, test, last = out.splitlines()
    assert re.fullmatch(r"train_loss +\S+ +at step \d+: \S+ against \S+", train)
    assert re.fullmatch(r"test_loss +\S+ +at step \d+: \S+ against \S+", test)
    assert re.fullmatch(r"largest relative difference \S+ \((train|test)_loss\)", last)
    assert list(folder.iterdir()) == []


def test_a_reference_that_is_not(bnlab):
    arguments = ("--steps", 100, "--set", "optimizer.learning_rate=0.002")
    code, out, err = bnlab("replay", "regression", REFERENCE, *arguments)
    assert code == 1
    assert out.splitlines()[-1].startswith("largest relative difference ")
    assert re.fullmatch(r"bnlab: (train|test)_loss differs by \S+, more than --rtol 0.005\n", err)


def test_final_weights_are_shown_and_not_judged(bnlab):
    code, out, _ = bnlab("replay", "regression", REFERENCE, "--rtol", 2e-5)
    assert code == 0
    weights = [line for line in out.splitlines() if line.startswith("final/")]
    assert len(weights) == 4
    assert all(line.endswith("(not judged)") for line in weights)


def test_a_reference_that_is_not_there(bnlab):
    assert bnlab("replay", "regression", "nothing.npz") == (
        2,
        "",
        "bnlab: nothing.npz: cannot be read: No such file or directory\n",
    )


def test_a_reference_of_another_model(bnlab):
    code, out, err = bnlab("replay", "regression_bn", REFERENCE)
    assert (code, out) == (2, "")
    assert err == f"bnlab: {REFERENCE}: has no init/bn0/gamma, which regression_bn needs to start from\n"
