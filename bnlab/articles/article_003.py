"""Article 003, "BN lab on MNIST": 84 numbers of its one run, with batch norm and without."""

from collections.abc import Iterator

from bnlab.claims import Claim, RunValue, StatedNumber
from bnlab.studies import Study, StudyArm

_NONE, _BN = StudyArm("mnist", "no BN"), StudyArm("mnist_bn", "BN")
_EPOCH_STEPS = 1718
_CONDITIONS = "one run of each arm, both on the same batches: Adam 0.01, batches of 32, 10 epochs of 1,718 steps"

_COLUMNS = ((_BN, "train"), (_NONE, "train"), (_BN, "valid"), (_NONE, "valid"))
_EPOCHS = """
0.15541 95.31%  0.20668 93.89%  0.17589 94.60%  0.21615 93.52%
0.10887 96.68%  0.16064 95.04%  0.12936 96.22%  0.17713 94.68%
0.10877 96.53%  0.16177 95.23%  0.13271 96.28%  0.17715 94.72%
0.07497 97.68%  0.15190 95.52%  0.10931 96.80%  0.18461 95.24%
0.07478 97.68%  0.14759 95.91%  0.10948 96.62%  0.17635 95.24%
0.05865 98.09%  0.12529 96.31%  0.09065 97.12%  0.16717 95.34%
0.05874 98.15%  0.15819 95.55%  0.09372 97.24%  0.19886 95.12%
0.04970 98.40%  0.11202 96.88%  0.09236 97.20%  0.17182 95.82%
0.04792 98.50%  0.12621 96.40%  0.09268 97.24%  0.18629 95.38%
0.05247 98.30%  0.16342 95.51%  0.10053 97.20%  0.23571 94.26%
"""
"""A line an epoch, from epoch 0; a loss and an accuracy for each of _COLUMNS."""

_TEST = ((_BN, "0.105519876", "0.9713"), (_NONE, "0.23670065", "0.9449"))


def _claim(arm: StudyArm, metric: str, step: int, stated: str, place: str, says: str, assumed: str = "") -> Claim:
    return Claim(
        id=f"003/{arm.config}/{metric}/{step}",
        source="article 003",
        place=place,
        says=says,
        check=RunValue(arm.label, metric, step),
        stated=StatedNumber(stated),
        conditions=_CONDITIONS,
        assumed=assumed,
    )


def _per_epoch() -> Iterator[Claim]:
    rows = {"train": "training", "valid": "validation"}
    averages = {"loss": "mean loss", "accuracy": "accuracy"}
    for epoch, line in enumerate(_EPOCHS.split("\n")[1:-1]):
        numbers = iter(line.split())
        for arm, split in _COLUMNS:
            for kind, words in averages.items():
                yield _claim(
                    arm,
                    f"{split}_{kind}",
                    _EPOCH_STEPS * (epoch + 1),
                    next(numbers),
                    place=f"the log of the training, epoch {epoch}, {rows[split]}",
                    says=f"After epoch {epoch}, counted from 0, the {words} on the {rows[split]} images is this.",
                    assumed="The article averages over batches; we take all 55,000 images." if split == "train" else "",
                )


def _at_the_end() -> Iterator[Claim]:
    for arm, loss, accuracy in _TEST:
        for metric, stated in (("test_loss", loss), ("test_accuracy", accuracy)):
            words = metric.replace("_", " ")
            says = f"After training, the {words} is this."
            yield _claim(arm, metric, 10 * _EPOCH_STEPS, stated, "the evaluation on the test images", says)


STUDY = Study(
    id="article-003",
    source="article 003",
    title="Batch norm in an MNIST MLP, on the same batches",
    arms=(_NONE, _BN),
    seeds="0:20",
    metrics=("test_loss", "valid_loss", "train_loss", "test_accuracy", "valid_accuracy", "train_accuracy"),
    at=(1 * _EPOCH_STEPS, 5 * _EPOCH_STEPS, 10 * _EPOCH_STEPS),
    claims=(*_per_epoch(), *_at_the_end()),
)
