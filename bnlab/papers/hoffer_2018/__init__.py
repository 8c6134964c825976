"""Hoffer et al. 2018, "Norm matters": decay acts on the steps, and corrected steps without decay do the same."""

from bnlab.claims import Bounded, Claim
from bnlab.studies import Article, SeedQuantities, Source, Study, StudyArm

_PAPER = "Hoffer et al. 2018"
SHARE = "distance of the corrected test loss from the decayed one, as a share of the uncorrected one's"
_BOUND = 0.5
_STEPS = 1600

SOURCE = Source(
    id="hoffer-2018",
    name=_PAPER,
    title="Norm matters: efficient and accurate normalization schemes in deep networks",
    system="NeurIPS 2018, arXiv 1803.01814",
    did=(
        "It explains weight decay under BN by the norm of the weights: the norm sets how far a step turns them. It trains "
        "without decay, with steps corrected by the norms of a training with decay, and compares the two. It also proposes "
        "BN by other norms than the second."
    ),
    left_open=("How near the two curves have to be.",),
    assumed=(
        "The step of a kernel W is multiplied by ‖W‖² / ‖W of the decayed training‖², with the norms before the step. This "
        "is done for each layer that a BN follows. The last layer keeps its decay.",
        "The distance of two trainings is the mean of |log of the ratio of their test losses| over all records.",
        f"The curves count as the same where the corrected one is less than {_BOUND:.0%} as far away as the uncorrected one. "
        "Rounding alone drives two trainings apart, so that the distance cannot be 0.",
    ),
    departures=(
        "The network is an MLP on scikit-learn's digits, without momentum. The equality behind the correction holds for any "
        "network with BN. How near the curves stay says nothing about ResNets on CIFAR-10 or ImageNet.",
        "Evaluation takes precise statistics. Moving ones lag behind weights that shrink, which the corrected ones do not.",
        "The BNs by other norms are not tried.",
    ),
)

DECAY = StudyArm(
    "digits_bn_sgd",
    "decay 0.01, precise",
    ("optimizer.weight_decay=0.01", "model.norm.evaluate_with=precise", f"num_steps={_STEPS}"),
)


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.hoffer_2018.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


PAPER = Article(
    SOURCE,
    studies=(
        Study(
            id="norm-correction",
            source=_PAPER,
            title="Steps corrected by the norm, in place of weight decay",
            arms=(DECAY,),
            seeds="0:20",
            quick_steps=200,
            metrics=("test_loss",),
            at=(400, _STEPS),
            claims=(
                Claim(
                    id="hoffer-2018/correction",
                    source=_PAPER,
                    place="the section on weight decay, learning rate and normalization",
                    says="Without decay, but with steps corrected by the norms of a decayed training, the curve is the same.",
                    check=Bounded(DECAY.label, SHARE, _BOUND),
                    conditions=f"{_STEPS:,} steps of SGD at 0.1, batches of 32 digits; the same first weights and batches",
                    assumed=f"The corrected curve is less than {_BOUND:.0%} as far away as the uncorrected one.",
                ),
            ),
        ),
    ),
    seed_quantities=_seed_quantities,
)
