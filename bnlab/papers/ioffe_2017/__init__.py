"""Ioffe 2017, "Batch renormalization": a correction by moving statistics makes batch norm usable at a small batch."""

from bnlab.claims import BetterThan, Bounded, Claim
from bnlab.papers.batch_sizes import PAIRS, PREVIEW, RULE, last_step, overrides
from bnlab.studies import Article, SeedQuantities, Source, Study, StudyArm

_PAPER = "Ioffe 2017"
_EQUAL = 0.005

SOURCE = Source(
    id="ioffe-2017",
    name=_PAPER,
    title="Batch renormalization: towards reducing minibatch dependence in batch-normalized models",
    system="NeurIPS 2017, arXiv 1702.03275",
    did=(
        "It says that BN is less effective where batches are small or not independent, because training then normalises by "
        "other statistics than inference. It multiplies and shifts the normalised values by r and d, which lead to the "
        "moving statistics and get no gradient. Inception-v3 on ImageNet is trained with statistics of 32 and of 4 images."
    ),
    left_open=("How the bounds of r and d depend on the network.",),
    assumed=(
        RULE,
        "The bounds are the paper's last ones from the first step on: r between 1/3 and 3, |d| up to 5. The paper begins "
        "with plain BN for 5,000 steps and relaxes the bounds up to step 40,000. bnlab's option has no schedule.",
        "Renormalisation is TensorFlow 1's, whose moving statistics are corrected for their start.",
        f"Half a point ({_EQUAL:.1%}) of test accuracy counts as no difference.",
        PREVIEW,
    ),
    departures=(
        "The network is an MLP of 32-32 units on MNIST, trained for two epochs with SGD, and not Inception-v3 with "
        "RMSProp. The sizes of the effects are those of this MLP.",
        "At batch size 4 the gradient is that of 4 images too. The paper normalises parts of 4 images of a large batch.",
        "Batches whose rows are not independent are not tried.",
    ),
)

BN_32 = StudyArm("mnist_bn", "BN at batch 32", overrides(32))
BN_4 = StudyArm("mnist_bn", "BN at batch 4", overrides(4))
_RENORM = ("model.norm.renorm=tensorflow1", "model.norm.renorm_clipping={rmin: 0.3333333, rmax: 3, dmax: 5}")
RENORM_32 = StudyArm("mnist_bn", "renormalisation at batch 32", overrides(32, *_RENORM))
RENORM_4 = StudyArm("mnist_bn", "renormalisation at batch 4", overrides(4, *_RENORM))

CHANGE = "final test accuracy − that of BN at batch 32, for the same seed"


def _claim(id: str, says: str, check: BetterThan | Bounded, assumed: str = "") -> Claim:
    place = "the section of experiments, on small minibatches and on the baseline"
    return Claim(f"ioffe-2017/{id}", _PAPER, place, says, check, conditions=RULE, assumed=assumed)


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.pairs import final_difference

    return {CHANGE: final_difference("test_accuracy", BN_32)}


def _study(batch_size: int, arms: tuple[StudyArm, ...], *claims: Claim) -> Study:
    return Study(
        id=f"renormalization-at-batch-{batch_size}",
        source=_PAPER,
        title=f"Batch renormalization at batch size {batch_size}",
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
            (BN_32, RENORM_32),
            _claim(
                "usual",
                "At batch size 32 renormalisation is as good as BN.",
                Bounded(RENORM_32.label, CHANGE, -_EQUAL, above=True),
                f"Half a point ({_EQUAL:.1%}) of test accuracy counts as no difference.",
            ),
        ),
        _study(
            4,
            (BN_4, RENORM_4),
            _claim(
                "less-effective",
                "BN is less effective where the batch is small: its error is higher at batch size 4 than at 32.",
                Bounded(BN_4.label, CHANGE, 0.0),
                PAIRS,
            ),
            _claim(
                "small",
                "At batch size 4 renormalisation is better than BN.",
                BetterThan(RENORM_4.label, BN_4.label, "test_accuracy", step=last_step(4)),
            ),
            _claim(
                "rest",
                "Renormalisation at batch size 4 does not reach BN at 32.",
                Bounded(RENORM_4.label, CHANGE, 0.0),
                PAIRS,
            ),
        ),
    ),
    seed_quantities=_seed_quantities,
)
