"""Jordan 2023: the test accuracies of seeds differ as if each test example were an independent draw."""

from bnlab.claims import Bounded, Claim
from bnlab.studies import Article, SeedQuantities, Source, Study, StudyArm

_PAPER = "Jordan 2023"
RATIO = "variance of the test accuracy over seeds / variance of independent errors"
_MARGIN = 0.5
_SEEDS = "0:100"

SOURCE = Source(
    id="jordan-2023",
    name=_PAPER,
    title="Calibrated chaos: variance between runs of neural network training is harmless and inevitable",
    system=(
        "arXiv 2304.01910; ICLR 2024 under the title “On the variance of neural network training with respect to test sets "
        "and distributions”"
    ),
    did=(
        "It trains networks on CIFAR-10 and ImageNet with very many seeds. The test accuracies differ, but mostly because "
        "the test set is finite: over its examples, the errors of a network are nearly independent. On new data of the same "
        "distribution the networks would differ far less. For two classes it derives this variance from calibration."
    ),
    left_open=(
        "How near the two variances have to be.",
        "How long a training is long. The paper gives lengths for its own networks only.",
    ),
    assumed=(
        "Independent errors give the accuracy the variance Σ pᵢ (1 − pᵢ) / n², where pᵢ is the share of seeds that are right "
        "on test example i of n. Both variances are estimated without bias, with the factor S / (S − 1) for S seeds.",
        "The value of a seed is its squared distance from the mean accuracy, in units of the second variance. The mean of "
        "these values is the ratio of the variances. Its interval is that of any mean over seeds.",
        f"A ratio from {1 - _MARGIN} to {1 + _MARGIN} counts as 1. This margin, and the lengths of the trainings, were fixed "
        "before any result was seen.",
        "A ratio R means that the share 1 − 1/R of the variance would be left on a test set without end.",
        "The learning rate falls to 0 along half a cosine. The paper's falls to 0 too.",
    ),
    departures=(
        "The networks are MLPs with 32-32 hidden units on MNIST and on scikit-learn's digits. A verdict says how their runs "
        "vary, and nothing about networks on CIFAR-10 or ImageNet.",
        "A seed sets the first weights and the batches. There is no augmentation.",
        "The formula for two classes is not tried: both data sets have ten.",
    ),
)


def _study(data: str, name: str, *, epoch: int, epochs: int) -> Study:
    """Return the study of a data set, without and with batch norm, over one epoch (a short training) or many (a long one)."""
    short = epochs == 1
    steps = epoch * epochs
    length = "one epoch" if short else f"{epochs} epochs"
    records = f"record_every={-(-epoch // 10) if short else epoch}"
    fields = (f"num_steps={steps}", records, "optimizer.schedule.name=cosine", "probes=[test_correct]")
    arms = tuple(StudyArm(f"{data}{end}", f"{label}, {length}", fields) for end, label in (("", "no BN"), ("_bn", "BN")))
    id = f"run-variance-{data}{'-short' if short else ''}"

    def claim(arm: StudyArm, what: str, says: str, bound: float, *, above: bool) -> Claim:
        kind = "bn" if arm.config.endswith("_bn") else "no-bn"
        return Claim(
            id=f"jordan-2023/{what}/{data}/{kind}",
            source=_PAPER,
            place="the sections on independent errors and on the length of training",
            says=f"{says} ({name})",
            check=Bounded(arm.label, RATIO, bound, above=above),
            conditions=f"{steps:,} steps of Adam from 0.01, batches of 32",
            assumed="The ratio is that of the variance over seeds to the variance of independent errors.",
        )

    more = "After a short training the test accuracy varies more over seeds than independent errors make it vary."
    same = "After a long training the test accuracy varies over seeds as independent errors make it vary:"
    claims = (
        [claim(arm, "short", more, 1.0, above=True) for arm in arms]
        if short
        else [
            claim(arm, f"long/not-{side}", f"{same} not {side}.", bound, above=side == "less")
            for arm in arms
            for side, bound in (("more", 1 + _MARGIN), ("less", 1 - _MARGIN))
        ]
    )
    return Study(
        id=id,
        source=_PAPER,
        title=f"How test accuracy varies over seeds: {name}, {length}",
        arms=arms,
        seeds=_SEEDS,
        metrics=("test_accuracy",),
        at=(steps,),
        claims=tuple(claims),
        quick_steps=epoch,
    )


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.jordan_2023.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


PAPER = Article(
    SOURCE,
    studies=(
        _study("digits", "digits", epoch=40, epochs=1),
        _study("digits", "digits", epoch=40, epochs=40),
        _study("mnist", "MNIST", epoch=1718, epochs=1),
        _study("mnist", "MNIST", epoch=1718, epochs=10),
    ),
    seed_quantities=_seed_quantities,
)
