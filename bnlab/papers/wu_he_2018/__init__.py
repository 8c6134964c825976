"""Wu & He 2018, "Group normalization": the error of batch norm rises where the batch is small."""

from bnlab.claims import BetterThan, Bounded, Claim
from bnlab.papers.batch_sizes import PAIRS, PREVIEW, RULE, last_step, overrides
from bnlab.studies import Article, SeedQuantities, Source, Study, StudyArm

_PAPER = "Wu & He 2018"
_STABLE = 0.005

SOURCE = Source(
    id="wu-he-2018",
    name=_PAPER,
    title="Group normalization",
    system="ECCV 2018, arXiv 1803.08494",
    did=(
        "It trains ResNet-50 on ImageNet with 32 images a worker down to 2. BN's error rises fast where the batch is "
        "small. Group norm, which normalises each image by groups of its own channels, keeps its error: with 2 images a "
        "worker its error is 10.6 points lower than BN's."
    ),
    left_open=("How far this holds for networks without convolutions, whose BN has one value of a channel in each image.",),
    assumed=(
        RULE,
        "Layer norm stands for group norm: it is group norm with one group.",
        f"Half a point ({_STABLE:.1%}) of test accuracy counts as no change.",
        PREVIEW,
    ),
    departures=(
        "The network is an MLP of 32-32 units on MNIST, trained for two epochs without momentum, decay or a schedule. A "
        "channel of a convolution has many values in one image, and a unit of an MLP has one. So a batch of 2 is smaller "
        "here than there.",
        "The sizes of the effects are those of this MLP. They say nothing about ResNet-50 on ImageNet.",
    ),
)

BN_32 = StudyArm("mnist_bn", "BN at batch 32", overrides(32))
BN_2 = StudyArm("mnist_bn", "BN at batch 2", overrides(2))
_LAYER = "model.norm={kind: layer}"
LAYER_32 = StudyArm("mnist_bn", "layer norm at batch 32", overrides(32, _LAYER))
LAYER_2 = StudyArm("mnist_bn", "layer norm at batch 2", overrides(2, _LAYER))

BN_CHANGE = "final test accuracy − that of BN at batch 32, for the same seed"
LAYER_CHANGE = "final test accuracy − that of layer norm at batch 32, for the same seed"


def _claim(id: str, says: str, check: BetterThan | Bounded, assumed: str = "") -> Claim:
    return Claim(f"wu-he-2018/{id}", _PAPER, "the abstract and figure 1", says, check, conditions=RULE, assumed=assumed)


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.pairs import final_difference

    return {
        BN_CHANGE: final_difference("test_accuracy", BN_32),
        LAYER_CHANGE: final_difference("test_accuracy", LAYER_32),
    }


def _study(batch_size: int, arms: tuple[StudyArm, ...], *claims: Claim) -> Study:
    return Study(
        id=f"norms-at-batch-{batch_size}",
        source=_PAPER,
        title=f"Batch norm and layer norm at batch size {batch_size}",
        arms=arms,
        seeds="0:10",
        quick_steps=100,
        metrics=("test_accuracy",),
        claims=claims,
    )


PAPER = Article(
    SOURCE,
    studies=(
        _study(
            32,
            (BN_32, LAYER_32),
            _claim(
                "usual",
                "At batch size 32 BN has a lower error than a norm of rows.",
                BetterThan(BN_32.label, LAYER_32.label, "test_accuracy", step=last_step(32)),
            ),
        ),
        _study(
            2,
            (BN_2, LAYER_2),
            _claim(
                "rises",
                "BN's error is higher at batch size 2 than at 32.",
                Bounded(BN_2.label, BN_CHANGE, 0.0),
                PAIRS,
            ),
            _claim(
                "stable",
                "The error of a norm of rows does not rise from batch size 32 down to 2.",
                Bounded(LAYER_2.label, LAYER_CHANGE, -_STABLE, above=True),
                f"Half a point ({_STABLE:.1%}) of test accuracy counts as no change. {PAIRS}",
            ),
            _claim(
                "small",
                "At batch size 2 a norm of rows has a lower error than BN.",
                BetterThan(LAYER_2.label, BN_2.label, "test_accuracy", step=last_step(2)),
            ),
        ),
    ),
    seed_quantities=_seed_quantities,
)
