"""`bnlab compare`, on a regression of 60 steps."""

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab import experiment

ROOT = Path(__file__).resolve().parents[2]
ARMS = ("regression", "regression_bn")
SHORT = ("--set", "num_steps=60", "--set", "record_every=6", "--quiet")


@pytest.fixture
def compared(bnlab: Callable, folder: Path):
    """The answer to a comparison of two arms, both trained by it, with six seeds."""
    answer = bnlab("compare", *ARMS, "--seeds", "0:6", *SHORT, "--out", "first")
    assert answer.code == 0, answer.err
    return answer


def test_trains_writes_and_prints_the_folder(compared):
    lines = compared.out.splitlines()
    assert lines[-1] == "first"
    assert lines[:2] == ["regression: 6 seeds to be trained", "regression_bn: 6 seeds to be trained"]
    assert lines[3].startswith("- Final test loss: ")
    assert not set(TITLES) & set(lines)
    assert "Seed s has the same batches in every arm. Seed s has the same first weights in every arm." in " ".join(lines)
    assert lines[-2] == "Open test_loss.png first, then comparison.md, both in"
    assert "\x1b" not in compared.out
    assert compared.err == ""
    document = json.loads(Path("first/comparison.json").read_text(encoding="utf-8"))
    assert list(document["metrics"]) == ["test_loss"]
    assert list(document["metrics"]["test_loss"]["step"]) == ["6", "12", "60"]
    assert [arm["seeds_trained"] for arm in document["arms"]] == [6, 6]


TITLES = ["Final values", "At chosen steps", "Steps to reach a level", "Area under the curve"]


def test_the_answer_fits_one_screen(bnlab: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    answer = bnlab("compare", "digits", "digits_bn", "--seeds", "0:6", "--set", "num_steps=80", "--quiet")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    words = " ".join(line.removeprefix("- ").strip() for line in lines[3:])
    for finding in re.findall(
        r"^- (.*)$", (Path(lines[-1]) / "comparison.md").read_text().split("## Figures")[0], re.MULTILINE
    ):
        assert finding.replace("**", "") in words


def test_tables(compared, bnlab: Callable):
    answer = bnlab("compare", *ARMS, "--seeds", "0:6", *SHORT, "--tables")
    assert [line for line in answer.out.splitlines() if line in TITLES] == TITLES


def run_folders() -> list[str]:
    """The one run of each arm of the first comparison."""
    arms = json.loads(Path("first/comparison.json").read_text())["arms"]
    return [run["path"] for arm in arms for run in arm["runs"]]


def test_only_missing_seeds_are_trained(compared, bnlab: Callable):
    answer = bnlab("compare", *ARMS, "--seeds", "0:8", *SHORT, "--out", "more")
    assert answer.code == 0, answer.err
    runs = run_folders()
    assert answer.out.splitlines()[:2] == [
        f"{name}: 6 of 8 seeds in {run}; 2 seeds to be trained" for name, run in zip(ARMS, runs, strict=True)
    ]
    document = json.loads(Path("more/comparison.json").read_text(encoding="utf-8"))
    assert [(len(arm["runs"]), arm["seeds_trained"]) for arm in document["arms"]] == [(2, 2), (2, 2)]


def test_finished_runs_are_not_trained_again(compared, bnlab: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(experiment, "run_all", None)
    runs = run_folders()
    for sources in (ARMS, runs, (runs[0], ARMS[1])):
        options = () if sources is runs else SHORT[:4]
        seeds = ("--seeds", "0:6") if sources is ARMS else ()
        answer = bnlab("compare", *sources, *options, *seeds)
        assert answer.code == 0, answer.err
        folder = Path(answer.out.splitlines()[-1])
        assert folder.parent == Path("runs/compare")
        assert folder.name.startswith("regression-regression_bn-")
        metrics = [json.loads((at / "comparison.json").read_text())["metrics"] for at in (Path("first"), folder)]
        assert metrics[0] == metrics[1]


def test_finished_runs_need_no_jax(compared, bnlab_process: Callable, tmp_path: Path):
    (tmp_path / "jax.py").write_text("raise ImportError('jax was imported')\n")
    began = time.monotonic()
    answer = bnlab_process("compare", *run_folders(), "--quiet", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert answer.code == 0, answer.err
    assert time.monotonic() - began < 30  # 2 s on an idle machine; tests share theirs


def test_options(compared, bnlab: Callable):
    chosen = (
        "--metric",
        "train_loss",
        "--at",
        "12,60",
        "--threshold",
        "5",
        "--threshold",
        "train_loss=2.5",
        "--out",
        "second",
    )
    answer = bnlab("compare", *ARMS, "--seeds", "0:6", *SHORT, *chosen)
    assert answer.code == 0, answer.err
    metrics = json.loads(Path("second/comparison.json").read_text())["metrics"]
    assert list(metrics) == ["train_loss"]
    assert list(metrics["train_loss"]["step"]) == ["12", "60"]
    assert list(metrics["train_loss"]["reach"]) == ["5", "2.5"]


def test_vary(bnlab: Callable, folder: Path):
    answer = bnlab("compare", "regression", "--vary", "l2_penalty.scale=0,0.1", "--seeds", "0,3", *SHORT)
    assert answer.code == 0, answer.err
    assert "2 seeds are too few for a verdict: 6 are needed, such as seeds 0:6." in " ".join(answer.out.split())
    assert "so far, without a verdict (2 of the 6 paired seeds that it needs)" in " ".join(answer.out.split())
    out = Path(answer.out.splitlines()[-1])
    assert (out / "decay.png").exists()
    assert {arm["label"] for arm in json.loads((out / "comparison.json").read_text())["arms"]} == {
        "l2_penalty.scale=0",
        "l2_penalty.scale=0.1",
    }


def test_vary_twice_makes_the_product(bnlab: Callable, folder: Path):
    vary = ("--vary", "batch_size=5,10", "--vary", "optimizer.learning_rate=0.1,0.2")
    answer = bnlab("compare", "regression", *vary, "--seeds", "0", *SHORT, "--out", "out")
    assert answer.code == 0, answer.err
    assert len(json.loads(Path("out/comparison.json").read_text())["arms"]) == 4


def test_a_seed_that_diverges(bnlab: Callable, folder: Path):
    answer = bnlab(
        "compare",
        "regression",
        "--vary",
        "optimizer.learning_rate=0.001,1e30",
        "--seeds",
        "0:6",
        "--set",
        "optimizer.name=sgd",
        *SHORT,
        "--tables",
    )
    assert answer.code == 0, answer.err
    assert "0 (6 failed)" in answer.out
    words = " ".join(answer.out.split())
    assert "optimizer.learning_rate=1e+30: the loss of 6 of 6 seeds was no longer finite: seed 0 at step " in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("regression",), "regression: one arm alone; name two or more, or give one config several values with --vary"),
        (("regression", "digits"), "digits: data.name: got digits, expected regression as in regression: "
         "arms on different data cannot be compared"),
        ((*ARMS, "--metric", "test_accuracy"), "--metric: got 'test_accuracy', expected one of train_loss, test_loss"),
        ((*ARMS, "--at", "1,x"), "--at: got '1,x', expected steps such as 100,500,2000"),
        ((*ARMS, "--at", "2001"), "--at: got 2001, expected a recorded step (nearest: 1999, 2000)"),
        ((*ARMS, "--threshold", "2.5"), "--threshold: got '2.5', expected METRIC=LEVEL such as "
         "test_loss=2.5 (or one --metric)"),
        ((*ARMS, "--threshold", "test_loss=low"), "--threshold: got 'test_loss=low', expected a number after the ="),
        ((*ARMS, "--threshold", "test_loss=nan"), "--threshold: got 'test_loss=nan', expected a finite number"),
        (("digits", "digits_bn", "--set", "model.norm.momentum=0.9"), "--set: model.norm.momentum=0.9: digits has no "
         "model.norm, and digits_bn has one; give it to those that have one: --set digits_bn:model.norm.momentum=0.9"),
        (("mnist_decay", "mnist_no_decay", "--set", "l2_penalty=null"), "mnist_no_decay: computes the same as mnist_decay "
         "with these settings; there is nothing to compare; give a setting to one of them: --set NAME:KEY=VALUE"),
        (("article-000", "article-003"), "article-003: is a second study beside article-000; compare one at a time"),
        (("article-004",), "article-004: this study trains nothing, so that it has no arms to compare"),
        (("regression", "regresion_bn"), "regresion_bn: no such file, and no shipped config has that name "
         "(did you mean regression_bn?); `bnlab configs` lists them"),
    ],
)  # fmt: skip
def test_mistakes(arguments: tuple[str, ...], message: str, bnlab: Callable, folder: Path):
    answer = bnlab("compare", *arguments)
    assert (answer.code, answer.out, answer.err) == (2, "", f"bnlab: {message}\n")
    assert not Path("runs").exists()


def test_nothing_is_written_over(compared, bnlab: Callable):
    before = {path: path.read_bytes() for path in Path("first").iterdir()}
    answer = bnlab("compare", *ARMS, "--seeds", "0:6", *SHORT, "--out", "first")
    assert (answer.code, answer.err) == (2, "bnlab: first: holds a comparison already; choose another --out\n")
    assert {path: path.read_bytes() for path in Path("first").iterdir()} == before


def test_a_study(bnlab: Callable, folder: Path):
    answer = bnlab("compare", "article-000", "--seeds", "0:6", *SHORT)
    assert answer.code == 0, answer.err
    out = Path(answer.out.splitlines()[-1])
    assert out.parent == Path("runs/compare")
    assert out.name.startswith("article-000-")
    document = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert document["study"] == "article-000"
    assert document["baseline"] == "no BN"
    assert [arm["label"] for arm in document["arms"]] == ["no BN", "BN by moving averages", "BN by batch statistics"]
    assert [arm["config"] for arm in document["arms"]] == ["regression", "regression_bn", "regression_bn_batch_stats"]
    assert document["seeds"] == list(range(6))
    # 60 steps hold none of the study's steps
    assert list(document["metrics"]["test_loss"]["step"]) == ["6", "12", "60"]
    text = (out / "comparison.md").read_text(encoding="utf-8")
    assert text.startswith(
        "# Regression of a polynomial with a cosine on top: BN by moving averages, BN by batch statistics against"
    )


def test_a_study_and_a_folder_of_one_name(bnlab: Callable, folder: Path):
    Path("article-000").mkdir()
    answer = bnlab("compare", "article-000")
    assert (answer.code, answer.err) == (
        2,
        "bnlab: article-000: is a study, and a file or folder here has the same name; write ./article-000 for that one\n",
    )
