"""Article 002: weight decay with tf.layers on MNIST, and seeds (TensorFlow 1.6)."""

from bnlab.claims import BetterThan, Claim, FasterThan
from bnlab.studies import Study, StudyArm

_WITHOUT, _WITH = "no decay", "decay"
_LEVEL = 0.072
_OPEN = (
    "The strength of the decay, the optimizer and the batch size are not stated; configs/mnist_decay.yaml says what we chose."
)

STUDY = Study(
    id="article-002",
    source="article 002",
    title="Weight decay against overfitting",
    arms=(StudyArm("mnist_no_decay", _WITHOUT), StudyArm("mnist_decay", _WITH)),
    seeds="0:6",
    metrics=("test_loss", "test_accuracy"),
    at=(11_000, 110_000),
    levels={"test_loss": (_LEVEL,)},
    claims=(
        Claim(
            id="002/converges-faster",
            source="article 002",
            place="the figure of the loss over 200 epochs",
            says="With weight decay the training converges faster.",
            check=FasterThan(_WITH, _WITHOUT, "test_loss", _LEVEL),
            conditions="one run of 200 epochs",
            assumed=f"{_OPEN} No level is stated either: {_LEVEL} is near the least test loss of the arm without decay.",
        ),
        Claim(
            id="002/holds-overfitting-back",
            source="article 002",
            place="the figure of the loss over 200 epochs",
            says="With weight decay there is no overfitting over 200 epochs; without it there is, near the end.",
            check=BetterThan(_WITH, _WITHOUT, "test_loss", step=110_000),
            conditions="one run of 200 epochs",
            assumed=f"{_OPEN} We take a higher test loss after the last epoch as overfitting.",
        ),
    ),
)
