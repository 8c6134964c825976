"""A made-up reproduction: its runs are written, not trained, so that every number can be worked by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bnlab.claims import (
    BetterThan,
    Claim,
    ExactValue,
    Fact,
    FasterThan,
    Judged,
    Open,
    RunValue,
    StatedNumber,
    judge_exact,
    judge_order,
    judge_run,
    not_run,
    underspecified,
)
from bnlab.config import Config, load_config
from bnlab.environment import numerics
from bnlab.metrics import Direction, Metric, Split
from bnlab.report.model import CheckedSource, CheckedStudy, CurveVerdict, Reproduction
from bnlab.report.seeds import seed_values
from bnlab.runs import Pool, RunWriter, gather, read_run
from bnlab.statistics import Verdict, steps_to_reach
from bnlab.studies import Source, Study, StudyArm

SEEDS = 8
STEPS = 4
LOSS = Metric("test_loss", Split.TEST, "loss", "nats", Direction.LOWER, "test loss")
ACCURACY = Metric("test_accuracy", Split.TEST, "accuracy", "%", Direction.HIGHER, "test accuracy")
ENVIRONMENT = {
    "python": "3.11.2",
    "packages": {"bnlab": "0.1.0", "jax": "0.10.2"},
    "device": "cpu: cpu",
    "cpu": {"model": "a processor", "features": "avx2 " * 60},
    "git": {"commit": "0123456789abcdef", "dirty": False},
    "command": ["bnlab", "reproduce"],
}

Rename = Callable[[str], str]


def losses(end: float, spread: float) -> np.ndarray:
    """Return [seeds, steps] that fall from 9 to `end`, in steps of `spread` from seed to seed."""
    return np.linspace(9, end, STEPS)[None] + spread * np.arange(SEEDS)[:, None]


def make_pool(name: str, folder: Path, end: float, spread: float) -> Pool:
    """Write a run of a shipped config with made-up curves, and return its seeds."""
    config: Config = load_config(name, overrides=[f"num_steps={STEPS}", "record_every=1"], seeds=f"0:{SEEDS}")
    loss = losses(end, spread)
    curves = {"test_loss": loss, "test_accuracy": 1 - loss / 10}
    environment = {"packages": {"bnlab": "0.1.0"}, "device": "cpu: cpu", "numerics": numerics()}
    with RunWriter(folder / name, config) as writer:
        arrays = {key: values.astype(np.float32) for key, values in curves.items()}
        writer.finish(np.arange(1, STEPS + 1), arrays, {"dense0/bias": np.zeros((SEEDS, 1))}, {}, environment, {"failed": []})
    pool, missing = gather(config, [read_run(folder / name)])
    assert not missing
    return pool


def make(folder: Path, *, quick: bool = False, rename: Rename = str) -> Reproduction:
    """Return a reproduction of two made-up sources that has every kind of check and every verdict.

    `rename` is done to each text that a claim, an arm, a config or a source brings along.
    """
    plain, bn = rename("no BN"), rename("BN")
    pools = {plain: make_pool("mnist", folder, 3, 0.01), bn: make_pool("mnist_bn", folder, 2, 0.02)}
    metrics = (LOSS, ACCURACY)

    def claim(id: str, says: str, check, stated: str | None = None) -> Claim:
        return Claim(
            id=rename(id),
            source="article 003",
            place=rename("the log of the training"),
            says=rename(says),
            check=check,
            stated=StatedNumber(stated) if stated else None,
            conditions=rename("one run of four steps"),
            assumed=rename("Nothing is said of the batches; we take 32."),
        )

    def measured(one: Claim) -> np.ndarray:
        found = seed_values(one.check, pools, metrics)
        assert found is not None
        return found.values

    numbers = [
        judge_run(one, measured(one))
        for one in (
            claim("003/loss", "After training, the test loss is this.", RunValue(plain, "test_loss", 4), "3.04"),
            claim("003/unusual", "After training, the test loss with BN is this.", RunValue(bn, "test_loss", 4), "2.22"),
            claim("003/far", "After training, the test loss with BN is this too.", RunValue(bn, "test_loss", 4), "7.5"),
            claim("003/accuracy", "After training, the accuracy is this.", RunValue(plain, "test_accuracy", 4), "69.6%"),
        )
    ]
    better = claim("003/better", "BN is better at the end.", BetterThan(bn, plain, "test_loss", 4))
    faster = claim("003/faster", "BN learns faster.", FasterThan(bn, plain, "test_loss", 5.1))
    steps = [steps_to_reach(pools[label].curves["test_loss"], pools[label].step, 5.1) for label in (bn, plain)]
    at_end = [pools[label].curves["test_loss"][:, -1] for label in (bn, plain)]
    sayings = [
        judge_order(better, *at_end),
        judge_order(faster, *steps),
        underspecified(
            claim("003/always", "Use BN always.", Open(rename("for which networks"))), rename("It names no network.")
        ),
        not_run(claim("003/images", "It works on images.", BetterThan(bn, plain, "test_loss")), rename("MNIST is not here.")),
    ]
    study = Study(
        id=rename("article-003"),
        source="article 003",
        title=rename("BN in an MNIST MLP"),
        arms=(StudyArm(rename("mnist"), plain), StudyArm(rename("mnist_bn"), bn, (rename("batch_size=32"),))),
        seeds=f"0:{SEEDS}",
        metrics=("test_loss", "test_accuracy"),
        claims=tuple(judged.claim for judged in (*numbers, *sayings)),
    )
    curve = CurveVerdict(
        bn, ("test_loss", "test_accuracy"), 2, 3.5, np.array([0.5, 1.0, 1.5, 2.0]), 0.0, 1, 0.1, Verdict.CONTRADICTED
    )
    trained = CheckedStudy(
        study, (*numbers, *sayings), pools, metrics, (curve,), "bnlab reproduce 003 --seeds 8", seconds=61.0, trained=16
    )
    facts: list[Judged] = [
        judge_exact(
            claim("004/loss", "The penalty is this.", ExactValue(rename("the penalty"), 0.05, "float32"), "39.2"), 39.2
        ),
        judge_exact(claim("004/wrong", "The sum is this.", ExactValue(rename("the sum")), "2.5"), 3.5),
        judge_exact(claim("004/order", "Gamma comes first.", Fact(rename("the place of gamma"), 0)), 0.0),
    ]
    exact = Study(
        id=rename("article-004"), source="article 004", title=rename("Rules"), claims=tuple(one.claim for one in facts)
    )
    sources = (
        CheckedSource(
            Source(
                "003",
                rename("article 003"),
                rename("BN lab on MNIST"),
                rename("TensorFlow 1.8.0"),
                rename("It trains two networks of three layers on the same batches, one with BN."),
                (rename("the seed"),),
                (rename("Adam as TensorFlow has it."),),
                (rename("We take all rows."),),
                ((rename("test loss, seed 0"), rename("0.105")),),
            ),
            (trained,),
        ),
        CheckedSource(
            Source(
                "004",
                rename("article 004"),
                rename("Training and trainable"),
                rename("TensorFlow 2.1.0"),
                rename("It changes two flags."),
            ),
            (CheckedStudy(exact, tuple(facts)),),
        ),
    )
    return Reproduction(
        sources,
        SEEDS,
        quick,
        ("bnlab", "reproduce", rename("003")),
        "2026-11-21 19:00",
        75.0,
        {**ENVIRONMENT, "note": rename("x")},
    )
