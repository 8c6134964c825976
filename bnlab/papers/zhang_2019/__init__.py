"""Zhang et al. 2019, "Three mechanisms of weight decay regularization": decay and an L2 penalty with Adam under BN."""

from bnlab.claims import BetterThan, Claim
from bnlab.studies import Article, Source, Study, StudyArm

_PAPER = "Zhang et al. 2019"
_STEPS = 1600

SOURCE = Source(
    id="zhang-2019",
    name=_PAPER,
    title="Three mechanisms of weight decay regularization",
    system="ICLR 2019, arXiv 1810.12281",
    did=(
        "It compares decoupled weight decay and an L2 penalty for SGD, Adam and K-FAC, above all on CIFAR-10 and CIFAR-100. "
        "The first of its three mechanisms is the effective learning rate under BN. The other two are not looked at here."
    ),
    left_open=("How large a difference counts.",),
    assumed=(
        "Rate and strength of each arm have the least mean validation loss over ten other seeds, in the sweeps "
        "digits_adam_decay_grid and digits_adam_penalty_grid.",
    ),
    departures=(
        "The networks are MLPs on scikit-learn's digits, trained for 40 epochs. The paper's gain is one of generalization on "
        "CIFAR; the digits leave little room for it. A verdict here says nothing about CIFAR.",
        "K-FAC and networks without BN are not tried.",
    ),
)

_RATE = "optimizer.learning_rate=0.003"
NONE = StudyArm("digits_bn", "Adam", (_RATE,))
PENALTY = StudyArm("digits_bn", "Adam, L2 penalty", (_RATE, "l2_penalty.scale=1e-4"))
DECAY = StudyArm("digits_bn", "Adam, decoupled decay", (_RATE, "optimizer.weight_decay=0.01"))


def _claim(id: str, says: str, check: BetterThan) -> Claim:
    return Claim(
        f"zhang-2019/{id}",
        _PAPER,
        "the comparison of weight decay and L2 regularization, and mechanism I",
        says,
        check,
        conditions=f"{_STEPS:,} steps of Adam, batches of 32 digits",
        assumed="We take the test loss after training, with the best rate and strength of each.",
    )


PAPER = Article(
    SOURCE,
    studies=(
        Study(
            id="decay-with-adam",
            source=_PAPER,
            title="Decoupled decay and L2 penalty with Adam, under batch norm",
            arms=(NONE, PENALTY, DECAY),
            seeds="0:20",
            quick_steps=200,
            metrics=("test_loss", "test_accuracy"),
            at=(400, _STEPS),
            claims=(
                _claim(
                    "decay-beats-penalty",
                    "With Adam, decoupled weight decay is better than an L2 penalty.",
                    BetterThan(DECAY.label, PENALTY.label, "test_loss", step=_STEPS),
                ),
                _claim(
                    "decay-helps",
                    "With Adam and BN, weight decay improves the test.",
                    BetterThan(DECAY.label, NONE.label, "test_loss", step=_STEPS),
                ),
            ),
        ),
    ),
)
