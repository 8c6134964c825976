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
    Open,
    RunValue,
    StatedNumber,
    not_run,
)
from bnlab.config import Config, load_config
from bnlab.environment import numerics
from bnlab.metrics import Direction, Metric, Split
from bnlab.report.checking import Checked, beside_system, check_claim
from bnlab.report.model import CheckedSource, CheckedStudy, CurveVerdict, Reproduction
from bnlab.runs import Pool, RunWriter, gather, json_bytes, read_run
from bnlab.statistics import Verdict
from bnlab.studies import Article, Measured, Source, Study, StudyArm

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
        summary = {"failed": [], "seconds": {"train": 1.6}}
        weights = {"dense0/bias": np.zeros((SEEDS, 1))}
        writer.finish(np.arange(1, STEPS + 1), arrays, weights, {}, json_bytes(environment), summary)
    pool, missing = gather(config, [read_run(folder / name)])
    assert not missing
    return pool


def make(folder: Path, *, quick: bool = False, rename: Rename = str) -> Reproduction:
    """Return a reproduction of two made-up sources that has every kind of check and every verdict.

    `rename` is done to each text that a claim, an arm, a config or a source brings along.
    """
    plain, bn = rename("no BN"), rename("BN")
    pools = {plain: make_pool("mnist", folder, 3, 0.01), bn: make_pool("mnist_bn", folder, 2, 0.02)}

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

    article = Article(
        Source(
            "003",
            rename("article 003"),
            rename("BN lab on MNIST"),
            rename("TensorFlow 1.8.0"),
            rename("It trains two networks of three layers on the same batches, one with BN."),
            (rename("the seed"),),
            (rename("Adam as TensorFlow has it."),),
            (rename("We take all rows."),),
        ),
        studies=(),
    )
    penalty, total, place = (rename(text) for text in ("the penalty", "the sum", "the place of gamma"))
    quantities = {penalty: lambda: 39.2, total: lambda: 3.5, place: lambda: 0.0}

    def check(*claims: Claim) -> list[Checked]:
        return [check_claim(one, article, quantities, pools) for one in claims]

    numbers = check(
        claim("003/loss", "After training, the test loss is this.", RunValue(plain, "test_loss", 4), "3.04"),
        claim("003/unusual", "After training, the test loss with BN is this.", RunValue(bn, "test_loss", 4), "2.22"),
        claim("003/far", "After training, the test loss with BN is this too.", RunValue(bn, "test_loss", 4), "7.5"),
        claim("003/accuracy", "After training, the accuracy is this.", RunValue(plain, "test_accuracy", 4), "69.6%"),
    )
    sayings = check(
        claim("003/better", "BN is better at the end.", BetterThan(bn, plain, "test_loss", 4)),
        claim("003/faster", "BN learns faster.", FasterThan(bn, plain, "test_loss", 5.1)),
        claim("003/always", "Use BN always.", Open(rename("It names no network."))),
    )
    images = claim("003/images", "It works on images.", BetterThan(bn, plain, "test_loss"))
    checked = [*numbers, *sayings, Checked(not_run(images, rename("MNIST is not here.")))]
    judged = tuple(one.judged for one in checked)
    study = Study(
        id=rename("article-003"),
        source="article 003",
        title=rename("BN in an MNIST MLP"),
        arms=(StudyArm(rename("mnist"), plain), StudyArm(rename("mnist_bn"), bn, (rename("batch_size=32"),))),
        seeds=f"0:{SEEDS}",
        metrics=("test_loss", "test_accuracy"),
        claims=tuple(one.claim for one in judged),
        measured=Measured(
            rename("TensorFlow 1.8.0, five seeds"),
            (
                (RunValue(plain, "test_loss", 4), "3.050 ± 0.020"),
                (RunValue(bn, "test_accuracy", 4), "0.7712, 0.801"),
            ),
        ),
    )
    curve = CurveVerdict(
        bn, ("test_loss", "test_accuracy"), 2, 3.5, np.array([0.5, 1.0, 1.5, 2.0]), 0.0, 1, 0.1, Verdict.CONTRADICTED
    )
    trained = CheckedStudy(
        study,
        judged,
        seeds={one.judged.claim.id: one.seeds for one in checked if one.seeds},
        beside=tuple(beside_system(study, judged, pools)),
        pools=pools,
        metrics=(LOSS, ACCURACY),
        curves=(curve,),
        command="bnlab reproduce 003 --seeds 8",
        seconds=61.0,
        trained=16,
    )
    facts = check(
        claim("004/loss", "The penalty is this.", ExactValue(penalty, 0.05, "float32"), "39.2"),
        claim("004/wrong", "The sum is this.", ExactValue(total), "2.5"),
        claim("004/order", "Gamma comes first.", Fact(place, 0)),
    )
    exact = Study(
        id=rename("article-004"),
        source="article 004",
        title=rename("Rules"),
        claims=tuple(one.judged.claim for one in facts),
    )
    rules = Source(
        "004",
        rename("article 004"),
        rename("Training and trainable"),
        rename("TensorFlow 2.1.0"),
        rename("It changes two flags."),
    )
    sources = (
        CheckedSource(article.source, (trained,)),
        CheckedSource(rules, (CheckedStudy(exact, tuple(one.judged for one in facts)),)),
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
